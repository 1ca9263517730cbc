/*
 * wrap: one compile, from the command line to the exit status. The hot path.
 */
#ifndef SOLDR_CLI_WRAP_H
#define SOLDR_CLI_WRAP_H

#include "cli.h"

/*
 * cli->argv[0] is the compiler. Returns the exit status, becomes the compiler,
 * or dies of the signal that killed it.
 */
int wrap_compile(const struct cli *);

#endif
