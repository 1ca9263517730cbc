/*
 * conform_process: the checks of what a plugin may not change in the process
 * that it is loaded into, and of the optional functions.
 */
#include "conform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { FDS_MAX = 256, STEPS_MAX = 4096, UNKNOWN_KIND = 4711 };

/* ---- the process ------------------------------------------------------------------------ */

/* A life of the plugin: loaded anew in this child already, opened, two compiles, closed. */
static int live(struct conform *c)
{
	soldr_instance *instance = NULL;
	static const char *const sources[] = {"unit.c", "bad.c"};
	if (conform_open(c, &instance))
		return 1;
	for (size_t i = 0; c->scene->compiler && i < sizeof sources / sizeof *sources; i++) {
		struct conform_argv argv = conform_unit(c, sources[i], "unit.o");
		struct conform_call call;
		conform_call_init(c, &call, argv.items);
		(void)conform_compile(c, instance, &call);
		conform_call_release(&call);
	}
	conform_close(c, instance);
	return 0;
}

int conform_directory(struct conform *c)
{
	char before[PATH_MAX], after[PATH_MAX];
	mode_t mask = umask(022);
	if (!getcwd(before, sizeof before) || live(c))
		return 1;
	bool stayed = getcwd(after, sizeof after) && strcmp(before, after) == 0;
	mode_t now = umask(mask);
	if (!stayed)
		return conform_fail(c, "the working directory of the process is another one afterwards");
	return now == 022 ? 0 : conform_fail(c, "the umask of the process was 022, and is %03o afterwards", (unsigned)now);
}

int conform_signals(struct conform *c)
{
	static struct sigaction before[NSIG];
	sigset_t mask, now;
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, NULL, &before[sig]);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (live(c))
		return 1;
	sigprocmask(SIG_SETMASK, NULL, &now);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction after;
		if (sigaction(sig, NULL, &after) == 0 && after.sa_handler != before[sig].sa_handler)
			return conform_fail(c, "signal %d (%s) is handled in another way afterwards", sig, strsignal(sig));
		if (sigismember(&mask, sig) != sigismember(&now, sig))
			return conform_fail(c, "signal %d (%s) is blocked, or not blocked any more, afterwards", sig, strsignal(sig));
	}
	return alarm(0) ? conform_fail(c, "an alarm is set afterwards") : 0;
}

int conform_environment(struct conform *c)
{
	struct vec before = VEC_INIT;
	for (char **e = environ; *e; e++)
		vec_add(&before, *e);
	int rc = live(c);
	size_t n = 0;
	for (; !rc && environ[n]; n++)
		if (n >= before.len || strcmp(before.items[n], environ[n]) != 0)
			rc = conform_fail(c, "the environment of the process has changed: %.100s", environ[n]);
	if (!rc && n != before.len)
		rc = conform_fail(c, "a variable of the process is gone: %.100s", before.items[n]);
	vec_release(&before);
	return rc;
}

static size_t entries_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

int conform_threads(struct conform *c)
{
	size_t before = entries_in("/proc/self/task");
	if (live(c))
		return 1;
	size_t after = entries_in("/proc/self/task");
	if (after > before)
		return conform_fail(c, "%zu threads are left after close()", after - before);
	int status;
	pid_t child = waitpid(-1, &status, WNOHANG);
	return child >= 0 || errno != ECHILD ? conform_fail(c, "a child process is left after close()") : 0;
}

static void note_fds(bool open[FDS_MAX])
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		open[fd] = fcntl(fd, F_GETFD) >= 0;
}

int conform_descriptors(struct conform *c)
{
	bool before[FDS_MAX], after[FDS_MAX];
	note_fds(before);
	if (live(c))
		return 1;
	note_fds(after);
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (before[fd] != after[fd])
			return conform_fail(c, "descriptor %d is %s after close()", fd, after[fd] ? "still open" : "closed");
	return 0;
}

/* Descriptors 1 and 2 of a check are a file. */
int conform_silent(struct conform *c)
{
	struct stat st;
	if (live(c))
		return 1;
	fflush(NULL);
	return fstat(1, &st) != 0 || st.st_size ? conform_fail(c, "it wrote to descriptor 1 or 2 itself: what is for the user goes through emit()") : 0;
}

/* ---- optional functions --------------------------------------------------------------------- */

/* What the visitors of stats() and explain() have seen. */
struct seen {
	size_t count;
	char fault[CONFORM_WHY];
};

static bool is_name(const char *text)
{
	return text && *text && strlen(text) < 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static void see_stat(void *arg, const soldr_stat *s)
{
	struct seen *seen = arg;
	seen->count++;
	if (!seen->fault[0] && (!s || s->struct_size < sizeof *s || s->unit > SOLDR_UNIT_NS || !is_name(s->name)))
		snprintf(seen->fault, sizeof seen->fault, "number %zu has no struct_size, no known unit, or a name that is not a-z, 0-9 and _",
		         seen->count);
}

static void see_explanation(void *arg, const soldr_kv *kv)
{
	struct seen *seen = arg;
	seen->count++;
	if (!seen->fault[0] && (!kv || !is_name(kv->key) || !kv->value))
		snprintf(seen->fault, sizeof seen->fault, "pair %zu has no key of a-z, 0-9 and _, or no value", seen->count);
}

static int code_fault(struct conform *c, const char *function, int32_t rc, const soldr_error *err)
{
	const char *fault = rc ? conform_error_fault(err, rc) : NULL;
	return fault ? conform_fail(c, "%s gave %d, which %s", function, rc, fault) : 0;
}

/* With something in the store. */
static int open_used(struct conform *c, uint64_t cap, soldr_instance **instance)
{
	if (!(c->plugin.backend.caps & cap))
		return conform_skip(c, "the cap bit is not set");
	if (conform_open(c, instance))
		return 1;
	struct conform_argv argv = conform_unit(c, "unit.c", "unit.o");
	struct conform_call call;
	conform_settle(c);
	if (!c->scene->compiler)
		return 0;
	conform_call_init(c, &call, argv.items);
	(void)conform_compile(c, *instance, &call);
	conform_call_release(&call);
	return 0;
}

int conform_cap_stats(struct conform *c)
{
	soldr_instance *instance = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	struct seen seen = {0};
	int rc = open_used(c, SOLDR_CAP_STATS, &instance);
	if (rc)
		return rc;
	conform_doing(c, "stats()");
	int32_t code = c->plugin.backend.stats(instance, see_stat, &seen, &err);
	rc = code_fault(c, "stats()", code, &err);
	if (!rc && seen.fault[0])
		rc = conform_fail(c, "stats(): %s", seen.fault);
	if (!rc && (seen.count > STEPS_MAX || (!code && !seen.count)))
		rc = conform_fail(c, "stats() told %zu numbers", seen.count);
	conform_close(c, instance);
	return rc;
}

int conform_cap_explain(struct conform *c)
{
	soldr_instance *instance = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	struct seen seen = {0};
	struct conform_argv argv = conform_unit(c, "unit.c", "unit.o");
	struct conform_call call;
	int rc = open_used(c, SOLDR_CAP_EXPLAIN, &instance);
	if (rc)
		return rc;
	conform_call_init(c, &call, argv.items);
	if (!call.request.compiler)
		call.request.compiler = "/nonexistent/bin/gcc";
	conform_doing(c, "explain()");
	int32_t code = c->plugin.backend.explain(instance, &call.request, see_explanation, &seen, &err);
	rc = code_fault(c, "explain()", code, &err);
	if (!rc && seen.fault[0])
		rc = conform_fail(c, "explain(): %s", seen.fault);
	conform_close(c, instance);
	return rc;
}

struct guarded_report {
	soldr_report value;
	unsigned char guard[CONFORM_GUARD];
};

static int report_fault(struct conform *c, const char *function, int32_t code, const struct guarded_report *r, const soldr_error *err)
{
	if (!conform_guard_holds(r->guard) || r->value.struct_size != sizeof r->value)
		return conform_fail(c, "%s wrote past the end of the report, or changed its struct_size", function);
	if (code)
		return code_fault(c, function, code, err);
	if (r->value.status > SOLDR_STEP_TIMED_OUT)
		return conform_fail(c, "%s succeeds with status %u, which there is not", function, r->value.status);
	return strnlen(r->value.message, sizeof r->value.message) < sizeof r->value.message
	           ? 0 : conform_fail(c, "%s left a message that has no NUL at its end", function);
}

static void report_init(struct guarded_report *r)
{
	*r = (struct guarded_report){.value.struct_size = sizeof r->value};
	conform_guard_set(r->guard);
}

int conform_cap_flush(struct conform *c)
{
	soldr_instance *instance = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	struct guarded_report report;
	int rc = open_used(c, SOLDR_CAP_FLUSH, &instance);
	if (rc)
		return rc;
	report_init(&report);
	conform_doing(c, "flush()");
	int32_t code = c->plugin.backend.flush(instance, &report.value, &err);
	rc = report_fault(c, "flush()", code, &report, &err);
	conform_close(c, instance);
	return rc;
}

static int maintain(struct conform *c, soldr_instance *instance, uint32_t kind)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct guarded_report report;
	report_init(&report);
	conform_doing(c, "maintain()");
	int32_t code = c->plugin.backend.maintain(instance, kind, &report.value, &err);
	int rc = report_fault(c, "maintain()", code, &report, &err);
	if (!rc && !code && kind == UNKNOWN_KIND)
		return conform_fail(c, "maintain() succeeds with kind %d, which there is not", UNKNOWN_KIND);
	return rc;
}

int conform_cap_maintain(struct conform *c)
{
	static const uint32_t kinds[] = {SOLDR_MAINTAIN_RECOUNT, SOLDR_MAINTAIN_VERIFY, SOLDR_MAINTAIN_EVICT, SOLDR_MAINTAIN_CLEAR,
		                             UNKNOWN_KIND};
	soldr_instance *instance = NULL;
	int rc = open_used(c, SOLDR_CAP_MAINTAIN, &instance);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !rc; i++)
		rc = maintain(c, instance, kinds[i]);
	if (!rc && c->scene->compiler) {
		struct conform_argv argv = conform_unit(c, "unit.c", "unit.o");
		struct conform_call call;
		conform_call_init(c, &call, argv.items);
		int32_t code = conform_compile(c, instance, &call);
		if (!code && call.result.value.outcome == SOLDR_OUTCOME_HIT)
			rc = conform_fail(c, "maintain() cleared the store, and the next compile was a hit");
		conform_call_release(&call);
	}
	conform_close(c, instance);
	return rc;
}

static int shut_down(struct conform *c, uint32_t mode)
{
	soldr_instance *instance = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	struct guarded_report report;
	int rc = open_used(c, SOLDR_CAP_SHUTDOWN, &instance);
	if (rc)
		return rc;
	report_init(&report);
	conform_doing(c, "shutdown()");
	int32_t code = c->plugin.backend.shutdown(instance, mode, &report.value, &err);
	rc = report_fault(c, "shutdown()", code, &report, &err);
	conform_close(c, instance);
	return rc;
}

int conform_cap_shutdown(struct conform *c)
{
	int rc = shut_down(c, SOLDR_SHUTDOWN_GRACEFUL);
	return rc ? rc : shut_down(c, SOLDR_SHUTDOWN_FORCE);
}
