/*
 * front: the two programs that soldr is. `soldr` is static and holds the
 * backends that come with it; it loads no file. `soldr-host`, beside it, is the
 * same program linked dynamically, and loads any plugin. soldr becomes
 * soldr-host when a plugin is needed that it does not hold.
 */
#ifndef SOLDR_CLI_FRONT_H
#define SOLDR_CLI_FRONT_H

#include "cli.h"

/* Which of the two this is; defined in program_static.c and program_dynamic.c. */
extern const bool program_is_static;

/* Tells libltdl which backends this program holds. Before anything is loaded. */
void front_preopen(void);

/*
 * 0: the selected backend (all: every one that the config names) needs nothing
 * but this program. Otherwise this process becomes soldr-host, with the command
 * line and environment that it was given; returns SOLDR_E_* when it cannot.
 * Nothing of the request may have been done before.
 */
int front_give_way(const struct cli *, const struct config *, bool all, soldr_error *);

/* Whether the selected backend's plugin is a file, and this is the program that loads it. */
bool front_loads_file(const struct config *);
/* Becomes soldr-host, unless this program loads files itself: 0. SOLDR_E_*: it cannot. */
int front_become_host(const struct cli *, soldr_error *);

/*
 * Runs the command of cli->argv as `soldr build -- …` does (build.c). Returns its status, or minus the signal that ended it.
 * *run_dir: the run's directory, malloc'ed; NULL where there is none.
 */
int front_run(const struct cli *, char **run_dir);

/* The soldr that compiles are pointed at, malloc'ed: the front program, also when this is soldr-host. */
char *front_executable(void);

#endif
