/*
 * signals: see signals.h. A handler can reach nothing but static variables, so
 * this is the one place of the command that has some.
 */
#include "signals.h"

#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static volatile sig_atomic_t child, received;

static void handle(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!child) {
		/* Blocked until the handler returns, then it takes effect. */
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	received = sig;
	if (info->si_code <= 0) /* from a process (SI_USER, SI_TKILL, SI_QUEUE), not from the terminal */
		kill((pid_t)child, sig);
}

/* Past a file-size limit the write fails with EFBIG, and that is all: a handler, since a child would inherit SIG_IGN. */
static void stay(int sig)
{
	(void)sig;
}

void signals_install(void)
{
	signal(SIGCHLD, SIG_DFL); /* ignored by who started us, it would keep from us how a compiler ends */
	struct sigaction limit = {.sa_handler = stay, .sa_flags = SA_RESTART}, was;
	if (sigaction(SIGXFSZ, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(SIGXFSZ, &limit, NULL);
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART}, old;
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		sigaddset(&action.sa_mask, caught[i]);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
}

void signals_child(void *arg, pid_t pid)
{
	(void)arg;
	child = pid;
	if (pid && received)
		kill(pid, received);
}

void signals_hold(sigset_t *before)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

void signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

bool signals_waiting(void)
{
	sigset_t set;
	struct sigaction now;
	if (sigpending(&set) != 0)
		return false;
	/* What is ignored waits too while it is held. */
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		if (sigismember(&set, caught[i]) == 1 && sigaction(caught[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			return true;
	return false;
}

int signals_received(void)
{
	return received;
}

_Noreturn void signals_die(int sig)
{
	const struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	signal(sig, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + sig);
}
