/*
 * rescue: a plugin that is a file and dies takes no compile with it.
 *
 * Armed while the plugin's functions run in soldr-host. When one dies of SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL or SIGABRT, or calls exit(), this process becomes soldr
 * once more, with the command line that it was given and a variable that says what
 * happened; that one loads no plugin, runs the compiler, and counts and journals a
 * fallback (reason backend_crashed). A front door goes on alike. Unless the compile had run by then, and its
 * output was shown: then that exit stands. In a verb there is no compile to save: it
 * says what happened.
 *
 * Only what may be called from a signal handler is called there, and all memory
 * is got before. Nothing is done, and nothing is paid, where soldr holds the backend
 * itself.
 */
#ifndef SOLDR_CLI_RESCUE_H
#define SOLDR_CLI_RESCUE_H

#include "cli.h"
#include "host.h"

/*
 * What an earlier process left for this one, taken out of the environment;
 * false: there was none. Before cli->envp is copied.
 */
bool rescue_take(struct host_crash *);
/* For host_options.progress; NULL: there is nothing to be afraid of. compiles: this process serves a compile. */
struct host_progress *rescue_arm(const struct cli *, const struct config *, bool compiles);
/* What rescue_arm() got. */
void rescue_disarm(void);

#endif
