/*
 * conform_compile: the checks of compile() against what the bare compiler
 * gives, of strange requests, of threads and of the optional functions.
 */
#include "conform.h"

#include "fs.h"
#include "path.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MANY_ARGUMENTS = 3000,
	LONG_ARGUMENT = 60000,
	THREADS = 8,
	STEPS_MAX = 4096 /* stats and explanations of one call */
};

/* Opens, compiles argv with the request as change() leaves it, closes. 0, or the check has failed. */
struct attempt {
	const char *const *argv;
	void (*change)(struct conform *, struct conform_call *);
	int32_t code;
	struct conform_call call;
};

static int attempt(struct conform *c, struct attempt *a)
{
	soldr_instance *instance = NULL;
	if (conform_open(c, &instance))
		return 1;
	conform_call_init(c, &a->call, a->argv);
	if (a->change)
		a->change(c, &a->call);
	a->code = conform_compile(c, instance, &a->call);
	conform_close(c, instance);
	return 0;
}

static int no_compiler(struct conform *c)
{
	return c->scene->compiler ? 0 : conform_skip(c, "there is no compiler on PATH");
}

/* The compile of unit.c gave the bare compiler's files and not a word. */
static int expect_unit(struct conform *c, const struct conform_call *call, int32_t code, const char *object, const char *when)
{
	const soldr_result *r = &call->result.value;
	if (code)
		return conform_fail(c, "%scompile() gave %d: %.300s", when, code, call->error.value.message);
	if (r->exit_code || r->signal)
		return conform_fail(c, "%sa sound source ended with status %d, signal %d", when, r->exit_code, r->signal);
	if (call->streams[0].len || call->streams[1].len)
		return conform_fail(c, "%sthe compiler has nothing to say, and the backend says: %.200s%.200s", when, buf_str(&call->streams[0]),
		                    buf_str(&call->streams[1]));
	if (!conform_same(c, object, &c->scene->object))
		return conform_fail(c, "%s%s is missing, or not what the bare compiler gives", when, object);
	return 0;
}

/* Three times over: a cache misses, hits, and has to put back what is there already. */
static int compile_thrice(struct conform *c, soldr_instance *instance, uint32_t outcomes[3])
{
	static const char *const when[] = {"", "the second time ", "the third time "};
	int rc = 0;
	conform_settle(c);
	for (size_t i = 0; i < 3 && !rc; i++) {
		struct conform_argv argv = conform_unit(c, "unit.c", "unit.o");
		struct conform_call call;
		if (i == 1) {
			conform_remove(c, "unit.o");
			conform_remove(c, "unit.d");
		}
		conform_call_init(c, &call, argv.items);
		int32_t code = conform_compile(c, instance, &call);
		rc = expect_unit(c, &call, code, "unit.o", when[i]);
		if (!rc && !conform_same(c, "unit.d", &c->scene->depfile))
			rc = conform_fail(c, "%sunit.d is missing, or not what the bare compiler gives", when[i]);
		outcomes[i] = call.result.value.outcome;
		conform_call_release(&call);
	}
	return rc;
}

static int thrice(struct conform *c, uint32_t outcomes[3])
{
	soldr_instance *instance = NULL;
	int rc = no_compiler(c);
	rc = rc ? rc : conform_open(c, &instance);
	if (rc)
		return rc;
	rc = compile_thrice(c, instance, outcomes);
	conform_close(c, instance);
	return rc;
}

int conform_compiles(struct conform *c)
{
	uint32_t outcomes[3];
	return thrice(c, outcomes);
}

int conform_longer_structs(struct conform *c)
{
	uint32_t outcomes[3];
	c->newer = true;
	conform_host_init(&c->host, true);
	return thrice(c, outcomes);
}

int conform_cap_caching(struct conform *c)
{
	uint32_t outcomes[3];
	if (!(c->plugin.backend.caps & SOLDR_CAP_CACHING))
		return conform_skip(c, "the cap bit is not set");
	int rc = thrice(c, outcomes);
	if (rc)
		return rc;
	return outcomes[1] == SOLDR_OUTCOME_HIT || outcomes[2] == SOLDR_OUTCOME_HIT
	           ? 0 : conform_fail(c, "CACHING is set, and a compile that was repeated twice was no hit");
}

int conform_recache(struct conform *c)
{
	uint32_t outcomes[3] = {0};
	c->flags = SOLDR_REQUEST_RECACHE;
	int rc = thrice(c, outcomes);
	for (size_t i = 0; i < 3 && !rc; i++)
		if (outcomes[i] == SOLDR_OUTCOME_HIT || outcomes[i] == SOLDR_OUTCOME_ERROR_HIT)
			rc = conform_fail(c, "the request has RECACHE set, and was a hit");
	return rc;
}

int conform_failing_compile(struct conform *c)
{
	struct conform_argv argv = conform_unit(c, "bad.c", "unit.o");
	struct attempt a = {.argv = argv.items};
	int rc = no_compiler(c);
	rc = rc ? rc : attempt(c, &a);
	if (rc)
		return rc;
	const soldr_result *r = &a.call.result.value;
	const struct buf *said = &a.call.streams[1], *want = &c->scene->messages;
	if (a.code)
		rc = conform_fail(c, "a source with an error made compile() fail with %d: it is an outcome, not an error", a.code);
	else if (r->exit_code != c->scene->bad_status || r->signal)
		rc = conform_fail(c, "the compiler ends with status %d, and the result says status %d, signal %d", c->scene->bad_status, r->exit_code,
		                  r->signal);
	else if (said->len != want->len || memcmp(buf_str(said), buf_str(want), want->len) != 0)
		rc = conform_fail(c, "its messages are not the compiler's: %.300s", said->len ? buf_str(said) : "none");
	conform_call_release(&a.call);
	return rc;
}

/* ---- how it ends --------------------------------------------------------------------------------- */

static char *made_compiler;

static void use_made(struct conform *c, struct conform_call *call)
{
	(void)c;
	call->request.compiler = made_compiler;
}

static int ends_as(struct conform *c, const char *script, int exit_code, int sig)
{
	const char *argv[] = {"gcc", "-c", "unit.c", "-o", "unit.o", NULL};
	struct attempt a = {.argv = argv, .change = use_made};
	made_compiler = path_join(c->work, "gcc");
	int rc = made_compiler && fs_write_file(made_compiler, script, strlen(script), 0700, NULL) == 0 ? attempt(c, &a) : 1;
	free(made_compiler);
	if (rc)
		return rc;
	const soldr_result *r = &a.call.result.value;
	if (a.code)
		rc = conform_fail(c, "compile() gave %d: %.300s", a.code, a.call.error.value.message);
	else if (r->signal != sig || (!sig && r->exit_code != exit_code))
		rc = conform_fail(c, "the compiler ended with status %d, signal %d, and the result says status %d, signal %d", exit_code, sig,
		                  r->exit_code, r->signal);
	conform_call_release(&a.call);
	return rc;
}

int conform_exact_end(struct conform *c)
{
	int rc = ends_as(c, "#!/bin/sh\nexit 113\n", 113, 0);
	return rc ? rc : ends_as(c, "#!/bin/sh\nkill -TERM $$\n", 0, 15);
}

static bool reason_well_formed(const char *reason, size_t size)
{
	size_t len = strnlen(reason, size);
	return len < size && strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static int look_at_result(struct conform *c, const soldr_result *r)
{
	if (r->outcome == SOLDR_OUTCOME_NONE || r->outcome > SOLDR_OUTCOME_FALLBACK)
		return conform_fail(c, "compile() succeeds with outcome %u, which there is not", r->outcome);
	if (r->exit_code < 0 || r->exit_code > 255 || r->signal < 0 || r->signal > 64)
		return conform_fail(c, "status %d or signal %d is none", r->exit_code, r->signal);
	if (!reason_well_formed(r->reason, sizeof r->reason))
		return conform_fail(c, "the reason \"%.39s\" is not made of a-z, 0-9 and _, or has no end", r->reason);
	if (!r->reason[0] && r->outcome != SOLDR_OUTCOME_HIT && r->outcome != SOLDR_OUTCOME_ERROR_HIT)
		return conform_fail(c, "there is no reason why it was no hit");
	if (strnlen(r->detail, sizeof r->detail) == sizeof r->detail)
		return conform_fail(c, "the detail has no NUL at its end");
	return 0;
}

int conform_result_range(struct conform *c)
{
	static const char *const sources[] = {"unit.c", "unit.c", "bad.c", "missing.c"};
	int rc = no_compiler(c);
	for (size_t i = 0; i < sizeof sources / sizeof *sources && !rc; i++) {
		struct conform_argv argv = conform_unit(c, sources[i], "unit.o");
		struct attempt a = {.argv = argv.items};
		conform_settle(c);
		rc = attempt(c, &a);
		if (rc)
			return rc;
		rc = a.code ? 0 : look_at_result(c, &a.call.result.value);
		conform_call_release(&a.call);
	}
	return rc;
}

/* ---- strange requests -------------------------------------------------------------------------------- */

static bool anything_in(const char *dir)
{
	DIR *d = opendir(dir);
	bool any = false;
	for (struct dirent *e; d && !any && (e = readdir(d));)
		any = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d)
		closedir(d);
	return any;
}

int conform_read_only(struct conform *c)
{
	uint32_t outcomes[3];
	c->readonly = true;
	int rc = thrice(c, outcomes);
	return !rc && anything_in(c->cache) ? conform_fail(c, "host.readonly is set, and something was written below host.cache_root") : rc;
}

/* Whether it serves or fails is its own affair; how, is not. */
static int expect_answer(struct conform *c, struct attempt *a, const char *what, bool must_not_work)
{
	int rc = attempt(c, a);
	if (rc)
		return rc;
	const char *fault = a->code ? conform_error_fault(&a->call.error.value, a->code) : NULL;
	const soldr_result *r = &a->call.result.value;
	if (fault)
		rc = conform_fail(c, "%s: compile() gave %d, which %s", what, a->code, fault);
	else if (!a->code && must_not_work && !r->exit_code && !r->signal)
		rc = conform_fail(c, "%s: the compiler cannot have succeeded, and the result says so", what);
	else if (!a->code)
		rc = look_at_result(c, r);
	conform_call_release(&a->call);
	return rc;
}

static int with_many_arguments(struct conform *c)
{
	struct conform_argv unit = conform_unit(c, "unit.c", "unit.o");
	struct vec argv = VEC_INIT;
	char *text = malloc(LONG_ARGUMENT + 3);
	vec_add_all(&argv, unit.items);
	for (int i = 0; i < MANY_ARGUMENTS; i++)
		vec_addf(&argv, "-DNAME_%d=%d", i, i);
	if (text) {
		memset(text, 'x', LONG_ARGUMENT + 2);
		memcpy(text, "-D", 2);
		text[LONG_ARGUMENT + 2] = 0;
		vec_add(&argv, text);
	}
	free(text);
	struct attempt a = {.argv = vec_items(&argv)};
	int rc = vec_ok(&argv) ? attempt(c, &a) : 1;
	if (!rc) {
		rc = expect_unit(c, &a.call, a.code, "unit.o", "with three thousand arguments ");
		conform_call_release(&a.call);
	}
	vec_release(&argv);
	return rc;
}

int conform_strange_arguments(struct conform *c)
{
	static const struct {
		const char *what, *argv[6];
		bool must_not_work;
	} cases[] = {
		{"with no argument but its name", {"gcc", NULL}, true},
		{"with an empty name", {"", "-c", "unit.c", NULL}, false},
		{"with an empty argument", {"gcc", "-c", "", NULL}, true},
		{"with bytes that are no UTF-8", {"gcc", "-c", "\xff\xc3(.c", "-o", "\x80.o", NULL}, true},
		{"with an option that ends in the middle", {"gcc", "-c", "unit.c", "-o", NULL}, true},
		{"with a response file that is not there", {"gcc", "@missing", "-c", NULL}, true},
	};
	int rc = no_compiler(c);
	for (size_t i = 0; i < sizeof cases / sizeof *cases && !rc; i++) {
		struct attempt a = {.argv = cases[i].argv};
		rc = expect_answer(c, &a, cases[i].what, cases[i].must_not_work);
	}
	return rc ? rc : with_many_arguments(c);
}

static const char *const no_environment[] = {NULL};
static const char *const odd_environment[] = {"", "NOTHING", "=", "PATH", "\xff=\xfe", "LANG=\x80", NULL};

static void without_directory(struct conform *c, struct conform_call *call)
{
	(void)c;
	call->request.cwd = "/nonexistent/directory";
}

static void without_environment(struct conform *c, struct conform_call *call)
{
	(void)c;
	call->request.envp = no_environment;
	call->request.envc = 0;
}

static void with_odd_environment(struct conform *c, struct conform_call *call)
{
	(void)c;
	call->request.envp = odd_environment;
	call->request.envc = sizeof odd_environment / sizeof *odd_environment - 1;
}

int conform_strange_places(struct conform *c)
{
	struct conform_argv argv = conform_unit(c, "unit.c", "unit.o");
	struct attempt nowhere = {.argv = argv.items, .change = without_directory},
	               empty = {.argv = argv.items, .change = without_environment},
	               odd = {.argv = argv.items, .change = with_odd_environment};
	int rc = no_compiler(c);
	rc = rc ? rc : expect_answer(c, &nowhere, "in a directory that is not there", true);
	rc = rc ? rc : expect_answer(c, &empty, "without any variable", false);
	return rc ? rc : expect_answer(c, &odd, "with variables without a name or a value", false);
}

static void all_closed(struct conform *c, struct conform_call *call)
{
	(void)c;
	call->request.stdin_kind = call->request.stdout_kind = call->request.stderr_kind = SOLDR_FD_CLOSED;
	call->deaf = true;
}

static void nobody_reads(struct conform *c, struct conform_call *call)
{
	(void)c;
	call->deaf = true;
}

int conform_closed_streams(struct conform *c)
{
	struct conform_argv good = conform_unit(c, "unit.c", "unit.o"), bad = conform_unit(c, "bad.c", "unit.o");
	struct attempt closed = {.argv = good.items, .change = all_closed}, deaf = {.argv = bad.items, .change = nobody_reads};
	int rc = no_compiler(c);
	rc = rc ? rc : attempt(c, &closed);
	if (rc)
		return rc;
	rc = expect_unit(c, &closed.call, closed.code, "unit.o", "with closed streams ");
	conform_call_release(&closed.call);
	return rc ? rc : expect_answer(c, &deaf, "when nobody reads its messages", true);
}

/* ---- instances and threads ------------------------------------------------------------------------------ */

int conform_two_instances(struct conform *c)
{
	soldr_instance *one = NULL, *other = NULL;
	uint32_t outcomes[3];
	char *first = c->cache, *second = path_join(c->work, "second");
	int rc = no_compiler(c);
	rc = rc ? rc : conform_open(c, &one);
	if (rc)
		return rc;
	c->cache = second;
	rc = conform_open(c, &other);
	c->cache = first;
	if (rc)
		return rc;
	rc = compile_thrice(c, other, outcomes);
	conform_close(c, other);
	rc = rc ? rc : compile_thrice(c, one, outcomes);
	conform_close(c, one);
	free(second);
	return rc;
}

struct worker {
	struct conform *c;
	soldr_instance *instance;
	pthread_t thread;
	char source[16], object[16], made[64];
	int32_t code;
	struct conform_call call;
};

/* Each has a source of its own, so that a mix-up shows. */
static bool worker_init(struct worker *w, struct conform *c, soldr_instance *instance, int number)
{
	struct buf text = BUF_INIT;
	*w = (struct worker){.c = c, .instance = instance};
	snprintf(w->source, sizeof w->source, "t%d.c", number);
	snprintf(w->object, sizeof w->object, "t%d.o", number);
	buf_addf(&text, "int worker_%d(void) { return %d; }\n", number, number);
	char *path = path_join(c->work, w->source);
	bool good = path && buf_ok(&text) && fs_write_file(path, text.data, text.len, 0600, NULL) == 0;
	free(path);
	buf_release(&text);
	return good;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	const char *argv[] = {"gcc", "-O1", "-c", w->source, "-o", w->object, NULL};
	conform_call_init(w->c, &w->call, argv);
	w->code = conform_compile(w->c, w->instance, &w->call);
	w->call.request.argv = NULL;
	return NULL;
}

/* Its object is there, and holds its function. */
static int worker_look(struct worker *w, int number)
{
	struct conform *c = w->c;
	struct buf object = BUF_INIT;
	char name[32];
	const soldr_result *r = &w->call.result.value;
	char *path = path_join(c->work, w->object);
	int rc = 0;
	snprintf(name, sizeof name, "worker_%d", number);
	if (w->code || r->exit_code || r->signal)
		rc = conform_fail(c, "one of the compiles gave %d, status %d, signal %d: %.200s", w->code, r->exit_code, r->signal,
		                  w->code ? w->call.error.value.message : buf_str(&w->call.streams[1]));
	else if (!path || fs_read_file(path, 1 << 20, &object, NULL) != 0 || !memmem(object.data, object.len, name, strlen(name) + 1))
		rc = conform_fail(c, "the object of one thread is missing, or is another thread's");
	else
		rc = look_at_result(c, r);
	free(path);
	buf_release(&object);
	conform_call_release(&w->call);
	return rc;
}

int conform_concurrent(struct conform *c)
{
	static struct worker workers[THREADS];
	soldr_instance *instance = NULL;
	if (!(c->plugin.backend.caps & SOLDR_CAP_CONCURRENT))
		return conform_skip(c, "the cap bit is not set: the host makes one call at a time");
	int rc = no_compiler(c), started = 0;
	rc = rc ? rc : conform_open(c, &instance);
	for (int i = 0; i < THREADS && !rc; i++)
		rc = worker_init(&workers[i], c, instance, i) ? 0 : conform_fail(c, "the check cannot write its sources");
	if (rc)
		return rc;
	conform_doing(c, "compile() in several threads");
	c->crowded = true;
	c->host.meet = THREADS;
	while (started < THREADS && pthread_create(&workers[started].thread, NULL, worker_run, &workers[started]) == 0)
		started++;
	for (int i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	c->host.meet = 0;
	c->crowded = false;
	for (int i = 0; i < started; i++)
		rc = rc ? rc : worker_look(&workers[i], i);
	rc = rc ? rc : c->host.violation[0] ? conform_fail(c, "%s", c->host.violation) : 0;
	conform_close(c, instance);
	return rc || started == THREADS ? rc : conform_fail(c, "the check cannot start its threads");
}

struct stage {
	struct conform *c;
	soldr_instance *instance;
	int rc;
};

static void *stage_open(void *arg)
{
	struct stage *s = arg;
	s->rc = conform_open(s->c, &s->instance);
	return NULL;
}

static void *stage_compile(void *arg)
{
	struct stage *s = arg;
	uint32_t outcomes[3];
	s->rc = compile_thrice(s->c, s->instance, outcomes);
	return NULL;
}

static void *stage_close(void *arg)
{
	struct stage *s = arg;
	conform_close(s->c, s->instance);
	return NULL;
}

int conform_any_thread(struct conform *c)
{
	static void *(*const stages[])(void *) = {stage_open, stage_compile, stage_close};
	struct stage s = {.c = c};
	int rc = no_compiler(c);
	for (size_t i = 0; i < sizeof stages / sizeof *stages && !rc; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, stages[i], &s) != 0)
			return conform_fail(c, "the check cannot start a thread");
		pthread_join(thread, NULL);
		rc = s.rc;
	}
	return rc;
}
