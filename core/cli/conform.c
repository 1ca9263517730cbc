/*
 * conform: the clauses of the ABI, and the children in which they are checked.
 * See conform.h.
 *
 * A child says what it does in memory that it shares with the parent, so that
 * a death can be blamed on the function that was running. It leads a process
 * group of its own, which is killed after it: nothing of a check stays.
 */
#include "conform.h"

#include "clock.h"
#include "fs.h"
#include "signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char origin[] = "plugin check";

enum { POLL_STEP_MS = 50 };

/* In the order of docs/abi.md. check NULL: loading it has checked that. The ids are for ever. */
static const struct clause {
	const char *id, *text;
	conform_check_fn *check;
} clauses[] = {
	{"load-1", "The file and all directories above it belong to the user or root, and nobody else may write to them.", NULL},
	{"load-2", "It is a whole shared object for this machine.", NULL},
	{"load-3", "It loads, with every symbol resolved.", NULL},
	{"load-4", "It exports soldr_backend_v1().", NULL},
	{"load-5", "It is linked with -z now.", conform_bind_now},
	{"load-6", "It exports nothing else.", conform_exports},
	{"table-1", "soldr_backend_v1() gives an aligned table.", NULL},
	{"table-2", "The major of the table's abi is the host's.", NULL},
	{"table-3", "struct_size covers what 1.0 requires, and is no more than 65536.", NULL},
	{"table-4", "name is 1 to 31 of a-z 0-9 _ -, version 1 to 31 printable characters.", NULL},
	{"table-5", "open(), compile() and close() are there.", NULL},
	{"table-6", "Each known cap bit has its function, within struct_size.", NULL},
	{"table-7", "The options are well formed.", NULL},
	{"table-8", "The table is static: each call gives the same.", conform_static_table},
	{"version-1", "Hosts of an older and of a newer minor get a table too.", conform_other_minors},
	{"version-2", "A host of another major gets no table, with the error filled, or one of this major.", conform_other_major},
	{"version-3", "A host whose structs are longer is served.", conform_longer_structs},
	{"open-1", "open() succeeds with the defaults, and gives an instance.", conform_opens},
	{"open-2", "Keys that are not known are ignored.", conform_unknown_option},
	{"open-3", "Whatever the values are, open() succeeds, or fails in order.", conform_bad_values},
	{"open-4", "Two instances do not disturb one another.", conform_two_instances},
	{"open-5", "close() takes NULL.", conform_close_null},
	{"open-6", "open() and close() work again and again.", conform_open_again},
	{"open-7", "close() gives all memory back.", conform_reopen_leaks},
	{"own-1", "On failure all outputs but the error are untouched.", conform_outputs_untouched},
	{"own-2", "Memory of the host is given to release(), once, and no other is.", conform_host_memory},
	{"own-3", "Nothing is written past struct_size.", conform_guards},
	{"own-4", "Arguments are not written to, and not used after the call.", conform_arguments},
	{"own-5", "The host's functions are called as they are meant to be.", conform_host_use},
	{"error-1", "A failure gives a SOLDR_E_* code, and fills the error: the code, an origin, a message.", conform_errors_filled},
	{"error-2", "A program that could not be run is not reported as a success.", conform_run_fails},
	{"error-3", "A request that was cancelled, or ran out of time, is not reported as a success.", conform_run_cancelled},
	{"error-4", "A compiler that is not there is not reported as a success.", conform_no_compiler},
	{"compile-1", "A sound source gives the compiler's files and messages: at first, again, and over what is there.", conform_compiles},
	{"compile-2", "A failing compile is an outcome, with the compiler's status and messages.", conform_failing_compile},
	{"compile-3", "Exit status and signal are the compiler's.", conform_exact_end},
	{"compile-4", "The result is within range: outcome, status, signal, reason, detail.", conform_result_range},
	{"compile-5", "Under host.readonly nothing is written below host.cache_root.", conform_read_only},
	{"compile-6", "A request with RECACHE is no hit.", conform_recache},
	{"compile-7", "Strange arguments are served, or fail in order: none, empty, thousands, not UTF-8.", conform_strange_arguments},
	{"compile-8", "So are strange places: no directory, no environment, odd variables.", conform_strange_places},
	{"compile-9", "Streams that are closed, or that nobody reads, do not stop a compile.", conform_closed_streams},
	{"thread-1", "With CONCURRENT, compile() runs in many threads at once.", conform_concurrent},
	{"thread-2", "Each call may come from another thread.", conform_any_thread},
	{"process-1", "Working directory and umask of the process stay as they are.", conform_directory},
	{"process-2", "So do signal handlers, the signal mask and alarms.", conform_signals},
	{"process-3", "So does the environment.", conform_environment},
	{"process-4", "After close() no thread and no child process is left.", conform_threads},
	{"process-5", "After close() the same descriptors are open.", conform_descriptors},
	{"process-6", "Nothing is written to descriptors 1 and 2.", conform_silent},
	{"cap-caching", "With CACHING, a repeated compile is a hit.", conform_cap_caching},
	{"cap-stats", "stats() gives well-formed numbers.", conform_cap_stats},
	{"cap-flush", "flush() fills its report.", conform_cap_flush},
	{"cap-maintain", "maintain() does each kind, refuses others, and what it cleared is gone.", conform_cap_maintain},
	{"cap-shutdown", "shutdown() fills its report in both modes, and close() follows.", conform_cap_shutdown},
	{"cap-explain", "explain() gives well-formed pairs.", conform_cap_explain},
};

enum { CLAUSES = sizeof clauses / sizeof *clauses };

size_t conform_count(void)
{
	return CLAUSES;
}

const char *conform_id(size_t i)
{
	return clauses[i].id;
}

const char *conform_text(size_t i)
{
	return clauses[i].text;
}

static int say(struct conform *c, enum conform_verdict verdict, const char *fmt, va_list ap)
{
	struct conform_result *r = &c->shared->result;
	if (r->verdict == CONFORM_PASS) { /* the first thing that is wrong */
		r->verdict = verdict;
		vsnprintf(r->why, sizeof r->why, fmt, ap);
	}
	return 1;
}

int conform_fail(struct conform *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = say(c, CONFORM_FAIL, fmt, ap);
	va_end(ap);
	return rc;
}

int conform_skip(struct conform *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = say(c, CONFORM_NOT_APPLICABLE, fmt, ap);
	va_end(ap);
	return rc;
}

void conform_doing(struct conform *c, const char *what)
{
	if (!c->crowded)
		snprintf(c->shared->doing, sizeof c->shared->doing, "%s", what);
}

/* ---- in the child ------------------------------------------------------------------------- */

static void keep_about(struct conform_shared *shared, const soldr_backend *b)
{
	snprintf(shared->name, sizeof shared->name, "%s", b->name);
	snprintf(shared->version, sizeof shared->version, "%s", b->version);
	snprintf(shared->abi, sizeof shared->abi, "%u.%u", b->abi >> 16, b->abi & 0xffffu);
}

static void check_in_child(const struct conform_plan *plan, const struct conform_scene *scene, struct conform_shared *shared, size_t number)
{
	static struct conform c;
	soldr_error err = SOLDR_ERROR_INIT;
	c.plan = plan;
	c.scene = scene;
	c.shared = shared;
	conform_doing(&c, "loading it");
	if (plugin_load_clauses(plan->path, &c.plugin, &shared->clause, &err) != 0) {
		conform_fail(&c, "%s", err.message);
	} else {
		shared->clause = NULL;
		keep_about(shared, &c.plugin.backend);
		conform_doing(&c, "the check");
		if (number < CLAUSES && conform_enter(&c, number) == 0 && clauses[number].check(&c) != 0)
			conform_fail(&c, "the check could not be made");
	}
	shared->done = true;
	_exit(0);
}

static void detach(const struct conform_scene *scene, size_t number)
{
	const struct rlimit no_core = {0, 0};
	struct buf name = BUF_INIT;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	buf_addf(&name, "%s/%zu.out", scene->dir, number);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), out = open(buf_str(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	buf_release(&name);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	close(null);
	close(out);
}

/* ---- in the parent -------------------------------------------------------------------------- */

/* Waits for the child, at most for the plan's time and until soldr is to end. true: it ended by itself, with *status. */
static bool wait_for(pid_t pid, int done, uint64_t timeout_s, int *status)
{
	const uint64_t until = clock_ns(CLOCK_MONOTONIC) + timeout_s * 1000000000u;
	for (;;) {
		struct pollfd p = {done, POLLIN, 0};
		pid_t got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return true;
		if (clock_ns(CLOCK_MONOTONIC) > until || signals_waiting())
			return false;
		/* The pipe ends with the child, unless the plugin has left something behind that holds it. */
		poll(&p, 1, POLL_STEP_MS);
		if (p.revents)
			(void)usleep(1000);
	}
}

static void blame(struct conform_shared *shared, bool ended, int status, uint64_t timeout_s)
{
	struct conform_result *r = &shared->result;
	shared->doing[sizeof shared->doing - 1] = 0;
	r->verdict = CONFORM_FAIL;
	if (!ended)
		snprintf(r->why, sizeof r->why, "%s did not come back within %llu s", shared->doing, (unsigned long long)timeout_s);
	else if (WIFSIGNALED(status))
		snprintf(r->why, sizeof r->why, "%s died of signal %d (%s)", shared->doing, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(r->why, sizeof r->why, "%s ended the process with status %d", shared->doing, WEXITSTATUS(status));
}

/* Checks clause `number`; CLAUSES: loads the plugin, and no more. */
static int check(const struct conform_plan *plan, const struct conform_scene *scene, struct conform_shared *shared, size_t number,
                 soldr_error *err)
{
	int done[2], status = 0;
	*shared = (struct conform_shared){.clause = NULL};
	if (pipe2(done, O_CLOEXEC) != 0)
		return err_set(err, SOLDR_E_IO, 0, origin, E674_CHECK_PIPE);
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		signals_release(&none);
		detach(scene, number);
		check_in_child(plan, scene, shared, number);
	}
	close(done[1]);
	bool ended = pid > 0 && wait_for(pid, done[0], plan->timeout_s, &status);
	close(done[0]);
	if (pid < 0)
		return err_set(err, SOLDR_E_IO, 0, origin, E675_CHECK_PROCESS);
	kill(-pid, SIGKILL);
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (!ended || !shared->done)
		blame(shared, ended, status, plan->timeout_s);
	shared->result.why[sizeof shared->result.why - 1] = 0;
	return 0;
}

/* What loading it tells of the clauses that it checks. true: the plugin is there. */
static bool judge_loading(const struct conform_plan *plan, const struct conform_shared *shared, struct conform_report *report)
{
	bool loads = shared->result.verdict == CONFORM_PASS, broken = false;
	for (size_t i = 0; i < CLAUSES; i++) {
		struct conform_result *r = &report->results[i];
		bool here = !loads && shared->clause && strcmp(clauses[i].id, shared->clause) == 0;
		if (here) {
			*r = shared->result;
			broken = true;
		} else if (broken || clauses[i].check) {
			*r = (struct conform_result){.verdict = CONFORM_NOT_RUN, .why = "it does not load"};
		} else if (*plan->path != '/' && strncmp(clauses[i].id, "load-", 5) == 0 && i < 3) {
			*r = (struct conform_result){.verdict = CONFORM_NOT_APPLICABLE, .why = "soldr holds it itself: there is no file"};
		}
	}
	return loads;
}

static int run_checks(const struct conform_plan *plan, const struct conform_scene *scene, struct conform_shared *shared,
                      struct conform_report *report, soldr_error *err)
{
	int rc = check(plan, scene, shared, CLAUSES, err);
	if (rc || !judge_loading(plan, shared, report))
		return rc;
	memcpy(report->name, shared->name, sizeof report->name);
	memcpy(report->version, shared->version, sizeof report->version);
	memcpy(report->abi, shared->abi, sizeof report->abi);
	for (size_t i = 0; i < CLAUSES && !rc && !signals_waiting(); i++) {
		if (!clauses[i].check || (plan->only && strcmp(plan->only, clauses[i].id) != 0))
			continue;
		rc = check(plan, scene, shared, i, err);
		report->results[i] = shared->result;
	}
	return rc;
}

int conform_run(const struct conform_plan *plan, struct conform_report *report, soldr_error *err)
{
	struct conform_scene scene;
	*report = (struct conform_report){.results = calloc(CLAUSES, sizeof *report->results)};
	if (!report->results)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	struct conform_shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	sigset_t before;
	signals_hold(&before); /* so that the files go first */
	int rc = conform_scene_open(&scene, plan->path_list, err);
	if (!rc) {
		rc = run_checks(plan, &scene, shared, report, err);
		conform_scene_close(&scene);
	}
	munmap(shared, sizeof *shared);
	signals_release(&before);
	return rc;
}

void conform_report_release(struct conform_report *report)
{
	free(report->results);
	*report = (struct conform_report){.results = NULL};
}
