/*
 * rescue: see rescue.h. A handler can reach nothing but static variables: like
 * signals.c this file has some.
 */
#include "rescue.h"

#include "front.h"
#include "signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "SOLDR_CRASHED"

enum { STACK_SIZE = 64 * 1024, NOTE_SIZE = 64, MESSAGE_SIZE = 512 };

static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static struct {
	bool armed, compiles;
	char *program;      /* what this process becomes */
	char **argv;
	const char **envp;
	const char *cwd;
	sigset_t mask;
	char note[NOTE_SIZE]; /* "SOLDR_CRASHED=SIGNAL:RAN:EXIT:SIGNAL:FUNCTION", in the place of envp[0] */
	char message[MESSAGE_SIZE];
	size_t message_len;
} rescue;

static struct host_progress progress;
/* A plugin that has used up the stack dies of it; the handler needs another. */
static char stack[STACK_SIZE];

/* ---- in the handler ---------------------------------------------------------------- */

static void add_text(char *to, size_t size, size_t *len, const char *text)
{
	while (*text && *len + 1 < size)
		to[(*len)++] = *text++;
	to[*len] = 0;
}

static void add_number(char *to, size_t size, size_t *len, int number)
{
	char digits[12];
	size_t n = sizeof digits - 1;
	digits[n] = 0;
	unsigned left = number < 0 ? 0u : (unsigned)number;
	do
		digits[--n] = (char)('0' + left % 10);
	while (left /= 10);
	add_text(to, size, len, digits + n);
}

static void write_note(int sig)
{
	const int numbers[] = {sig, progress.ran, progress.exit_code, progress.signal};
	size_t len = 0;
	add_text(rescue.note, NOTE_SIZE, &len, VARIABLE "=");
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		add_number(rescue.note, NOTE_SIZE, &len, numbers[i]);
		add_text(rescue.note, NOTE_SIZE, &len, ":");
	}
	add_text(rescue.note, NOTE_SIZE, &len, progress.where);
}

/* E514 or E515, in pieces: nothing here may format. */
static void say_so(int sig)
{
	size_t *len = &rescue.message_len;
	char id[sizeof "E514"];
	if (sig)
		add_text(rescue.message, MESSAGE_SIZE, len, " died of signal ");
	if (sig)
		add_number(rescue.message, MESSAGE_SIZE, len, sig);
	else
		add_text(rescue.message, MESSAGE_SIZE, len, " ended the process");
	add_text(rescue.message, MESSAGE_SIZE, len, " in ");
	add_text(rescue.message, MESSAGE_SIZE, len, progress.where);
	add_text(rescue.message, MESSAGE_SIZE, len, "(); soldr plugin check FILE tells more [");
	for (size_t i = 0; i < sizeof id; i++)
		id[i] = sig ? E514_PLUGIN_DIED[i] : E515_PLUGIN_ENDED[i];
	id[sizeof id - 1] = 0;
	add_text(rescue.message, MESSAGE_SIZE, len, id);
	add_text(rescue.message, MESSAGE_SIZE, len, "]\n");
	(void)!write(STDERR_FILENO, rescue.message, *len);
}

/* Goes on without the plugin. Does not return. */
static void go_on(int sig)
{
	rescue.armed = false; /* once */
	if (progress.done) { /* only close() was left */
		if (progress.signal)
			signals_die((int)progress.signal);
		_exit(progress.exit_code & 0xff);
	}
	if (rescue.compiles) {
		write_note(sig);
		(void)!chdir(rescue.cwd);
		sigprocmask(SIG_SETMASK, &rescue.mask, NULL);
		execve(rescue.program, rescue.argv, (char **)(uintptr_t)rescue.envp);
	}
	say_so(sig);
	_exit(STATUS_SOLDR);
}

static void handle(int sig)
{
	if (rescue.armed && progress.where)
		go_on(sig);
	signal(sig, SIG_DFL); /* soldr's own fault: it is not hidden */
	raise(sig);
}

/* A plugin called exit(): it may not end somebody else's process. */
static void at_exit(void)
{
	if (rescue.armed && progress.where)
		go_on(0);
}

/* ---- before and after ------------------------------------------------------------------ */

static bool prepare(const struct cli *cli, const struct config *config)
{
	size_t n = 0;
	while (cli->envp[n])
		n++;
	rescue.program = front_executable();
	rescue.envp = calloc(n + 2, sizeof *rescue.envp);
	if (!rescue.program || !rescue.envp)
		return false;
	rescue.envp[0] = rescue.note;
	memcpy(rescue.envp + 1, cli->envp, n * sizeof *rescue.envp);
	rescue.argv = cli->given;
	rescue.cwd = cli->cwd;
	sigprocmask(SIG_SETMASK, NULL, &rescue.mask);
	int len = snprintf(rescue.message, sizeof rescue.message, "soldr: the plugin of backend %.100s", config->backend);
	rescue.message_len = len < 0 ? 0 : (size_t)len;
	return true;
}

struct host_progress *rescue_arm(const struct cli *cli, const struct config *config, bool compiles)
{
	const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK | SA_NODEFER};
	if (rescue.armed || !front_loads_file(config))
		return rescue.armed ? &progress : NULL;
	if (!prepare(cli, config) || atexit(at_exit) != 0) {
		rescue_disarm();
		return NULL;
	}
	rescue.compiles = compiles;
	rescue.armed = true;
	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		sigaction(deadly[i], &action, NULL);
	return &progress;
}

void rescue_disarm(void)
{
	rescue.armed = false;
	free(rescue.program);
	free(rescue.envp);
	rescue.program = NULL;
	rescue.envp = NULL;
}

bool rescue_take(struct host_crash *crash)
{
	const char *note = getenv(VARIABLE);
	int sig, ran, used = 0;
	if (!note)
		return false;
	bool good = sscanf(note, "%3d:%1d:%3d:%3d:%n", &sig, &ran, &crash->exit_code, &crash->signal, &used) == 4 && used > 0;
	if (good && sig)
		snprintf(crash->text, sizeof crash->text, "its plugin died of signal %d (%s) in %.16s()", sig, strsignal(sig), note + used);
	else if (good)
		snprintf(crash->text, sizeof crash->text, "its plugin ended the process in %.16s()", note + used);
	crash->ran = good && ran;
	unsetenv(VARIABLE);
	return good;
}
