/* load: whether the machine has more to do than processors, and what priority compilers get then. */
#ifndef SOLDR_SERVICE_LOAD_H
#define SOLDR_SERVICE_LOAD_H

#include "config.h"

/* What the machine does, as far as can be told. */
struct load {
	double average; /* runnable tasks, of the last minute */
	unsigned cpus;  /* that this process may use */
};

struct load load_now(void);
bool load_is_high(const struct load *);
/* To add to the nice level of a compiler. Asks for the load where the priority is auto. */
int load_nice(enum config_priority);

#endif
