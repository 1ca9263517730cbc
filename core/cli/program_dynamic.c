/* program_dynamic: what makes the program `soldr-host`. See front.h. */
#include "front.h"

const bool program_is_static = false;
