/*
 * signals: what reaches soldr while a child runs is passed on to the child.
 *
 * INT, TERM, HUP, QUIT, USR1 and USR2 are caught unless they were ignored at
 * the start. One that was sent to soldr alone (kill) goes on to the child; one
 * from the terminal reached the child already. With no child running, the
 * default action is taken at once.
 */
#ifndef SOLDR_CLI_SIGNALS_H
#define SOLDR_CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

void signals_install(void);
/* The running child, or 0 when it ended. Fits exec_watch.child. A new child gets a signal that came before it. */
void signals_child(void *arg, pid_t pid);
/*
 * Holds the caught signals back while a child is started: one that came between
 * the start and signals_child() would end soldr and leave the child behind.
 * *before is the mask to give the child, and to signals_release().
 */
void signals_hold(sigset_t *before);
void signals_release(const sigset_t *before);
/* Whether one that is held back has come and will end soldr when it is released: time to clean up. */
bool signals_waiting(void);
/* The last signal that came while a child ran, or 0. */
int signals_received(void);
/* Ends the process by this signal, without a core file of soldr. */
_Noreturn void signals_die(int sig);

#endif
