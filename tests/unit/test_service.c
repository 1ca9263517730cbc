/*
 * The embedder's API with fixture plugins (tests/abi/fixtures) behind it: what
 * a faulty backend may do to a build, what is counted, and which mistakes are
 * the user's. Each fixture is copied into a private directory, as in
 * test_loader.c. "Compilers" are shell scripts that note each run in a file.
 */
#include "room.h"
#include "service_internal.h"

#include <errno.h>
#include <pthread.h>
#include <soldr/service.h>

void suite_service(void);

/* One service with its own home, config, compiler and cache. */
struct place {
	struct room room;
	struct vec env;
	const char *compiler;
	soldr_service *service;
	soldr_error err;
	soldr_result result;
	struct buf out[2]; /* of the last compile: stdout, stderr */
};

static void copy_fixture(struct place *p, const char *name)
{
	const char *dir = getenv("SOLDR_TEST_FIXTURES");
	struct buf from = BUF_INIT, data = BUF_INIT;
	buf_addf(&from, "%s/%s.so", dir ? dir : "SOLDR_TEST_FIXTURES is not set", name);
	if (fs_read_file(buf_str(&from), 64 << 20, &data, &p->err) != 0) {
		fprintf(stderr, "\n%s\n", p->err.message);
		CU_FAIL_FATAL("the fixture cannot be read");
	}
	buf_clear(&from);
	buf_addf(&from, "%s.so", name);
	chmod(room_put_bytes(&p->room, buf_str(&from), data.data, data.len), 0755);
	buf_release(&from);
	buf_release(&data);
}

/* plugin: a fixture. more: further lines of the config. */
static void place_init(struct place *p, const char *plugin, const char *options, const char *more)
{
	*p = (struct place){.err = SOLDR_ERROR_INIT};
	room_init(&p->room, "service");
	copy_fixture(p, plugin);
	struct buf yaml = BUF_INIT;
	buf_addf(&yaml, "version: 1\nbackend: fx\nbackends:\n  fx: {plugin: %s/%s.so%s}\n%s", p->room.dir, plugin, options, more);
	room_put(&p->room, "soldr.yaml", buf_str(&yaml));
	buf_release(&yaml);
	vec_addf(&p->env, "HOME=%s", p->room.dir);
	vec_addf(&p->env, "SOLDR_CONFIG=%s/soldr.yaml", p->room.dir);
	vec_addf(&p->env, "SOLDR_CACHE_DIR=%s/cache", p->room.dir);
	vec_addf(&p->env, "PATH=%s:/usr/bin:/bin", p->room.dir);
	/* Says its arguments on both streams and ends with the last one. */
	p->compiler = room_put_program(&p->room, "fakecc",
	                               "#!/bin/sh\necho ran >> \"$HOME/runs\"\necho \"out $*\"\necho \"err $*\" >&2\nexit $2\n");
}

static int place_start(struct place *p)
{
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	config.envp = vec_items(&p->env);
	config.cwd = p->room.dir;
	p->err = SOLDR_ERROR_INIT;
	return soldr_service_start(&config, &p->service, &p->err);
}

static void place_release(struct place *p)
{
	soldr_service_free(p->service);
	buf_release(&p->out[0]);
	buf_release(&p->out[1]);
	vec_release(&p->env);
	room_release(&p->room);
}

static int32_t collect(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct place *p = arg;
	CU_ASSERT(stream == SOLDR_STDOUT || stream == SOLDR_STDERR);
	buf_add(&p->out[stream == SOLDR_STDERR], data, (size_t)len);
	return 0;
}

static int compile(struct place *p, const char *const *argv)
{
	const soldr_compile_request request = {.struct_size = sizeof request, .argv = argv};
	buf_clear(&p->out[0]);
	buf_clear(&p->out[1]);
	p->err = SOLDR_ERROR_INIT;
	p->result = (soldr_result){.struct_size = sizeof p->result};
	return soldr_service_compile_streaming(p->service, &request, collect, p, &p->result, &p->err);
}

static void expect_runs(struct place *p, size_t runs)
{
	struct buf b = room_get(&p->room, "runs");
	SAME_NUMBER(b.len, runs * strlen("ran\n"));
	buf_release(&b);
}

/* Compiles once with status 3; the user sees just what the compiler gives. */
static void expect_compile(struct place *p, uint32_t outcome, const char *reason)
{
	SAME_NUMBER(compile(p, (const char *const[]){p->compiler, "-c", "3", NULL}), 0);
	SAME_NUMBER(p->result.outcome, outcome);
	SAME_NUMBER(p->result.exit_code, 3);
	SAME_NUMBER(p->result.signal, 0);
	SAME(p->result.reason, reason);
	SAME(buf_str(&p->out[0]), "out -c 3\n");
	SAME(buf_str(&p->out[1]), "err -c 3\n");
}

struct wanted {
	const char *name;
	uint64_t value;
	unsigned seen;
};

static void on_stat(void *arg, const soldr_stat *stat)
{
	struct wanted *w = arg;
	CU_ASSERT(stat->struct_size == sizeof *stat);
	if (strcmp(stat->name, w->name) == 0) {
		w->value = stat->value;
		w->seen++;
	}
}

static void expect_stat(struct place *p, const char *name, uint64_t value)
{
	struct wanted w = {.name = name};
	SAME_NUMBER(soldr_service_stats(p->service, on_stat, &w, &p->err), 0);
	SAME_NUMBER(w.seen, 1);
	if (w.value != value)
		fprintf(stderr, "\nstatistic %s\n", name);
	SAME_NUMBER(w.value, value);
}

/* ---- good backends ---------------------------------------------------------------------- */

static void a_backend_serves(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_PASSTHROUGH, "fixture");
	expect_compile(&p, SOLDR_OUTCOME_PASSTHROUGH, "fixture");
	expect_runs(&p, 2);
	expect_stat(&p, "compilations", 2);
	expect_stat(&p, "passthrough", 2);
	expect_stat(&p, "errors", 2);
	expect_stat(&p, "hits", 0);
	expect_stat(&p, "fallbacks", 0);
	place_release(&p);
}

static void a_backend_from_outside_gets_its_options(void)
{
	struct place p;
	place_init(&p, "external", ", options: {log: ~/external.log}", "");
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_BYPASS, "logged_only");
	expect_runs(&p, 1);
	struct buf b = room_get(&p.room, "external.log");
	HOLDS(buf_str(&b), "fakecc -c 3\n");
	buf_release(&b);
	/* A reason of its own is counted as such. */
	struct counter_totals t;
	SAME_NUMBER(counters_read(room_path(&p.room, "cache/counters/fx"), &t, NULL), 0);
	SAME_NUMBER(t.reasons[SOLDR_REASON_OTHER], 1);
	SAME_NUMBER(t.non_cacheable, 1);
	place_release(&p);
}

static void requests_find_their_compiler_environment_and_directory(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	room_put_program(&p.room, "other/bin/echocc", "#!/bin/sh\necho \"$MARK $(pwd -P)\"\n");
	SAME_NUMBER(place_start(&p), 0);
	char *real = realpath(room_path(&p.room, "other"), NULL);
	struct buf path = BUF_INIT, expected = BUF_INIT;
	buf_addf(&path, "PATH=%s/other/bin:/usr/bin:/bin", p.room.dir);
	buf_addf(&expected, "here %s\n", real);
	soldr_compile_request r = {
		.struct_size = sizeof r,
		.argv = (const char *const[]){"echocc", NULL},
		.envp = (const char *const[]){path.data, "MARK=here", NULL},
		.cwd = room_path(&p.room, "other"),
	};
	p.result = (soldr_result){.struct_size = sizeof p.result};
	SAME_NUMBER(soldr_service_compile_streaming(p.service, &r, collect, &p, &p.result, &p.err), 0);
	SAME(buf_str(&p.out[0]), expected.data);
	/* A path is relative to the request's directory. */
	r.argv = (const char *const[]){"bin/echocc", NULL};
	buf_clear(&p.out[0]);
	SAME_NUMBER(soldr_service_compile_streaming(p.service, &r, collect, &p, &p.result, &p.err), 0);
	SAME(buf_str(&p.out[0]), expected.data);
	/* Not on the service's own PATH. */
	SAME_NUMBER(compile(&p, (const char *const[]){"echocc", NULL}), SOLDR_E_NOT_FOUND);
	HOLDS(p.err.message, "echocc");
	SAME_NUMBER(compile(&p, (const char *const[]){NULL}), SOLDR_E_INVALID);
	SAME_NUMBER(compile(&p, NULL), SOLDR_E_INVALID);
	free(real);
	buf_release(&path);
	buf_release(&expected);
	place_release(&p);
}

static void a_signal_and_a_dropped_output_are_reported(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(compile(&p, (const char *const[]){"/bin/sh", "-c", "kill -KILL $$", NULL}), 0);
	SAME_NUMBER(p.result.signal, SIGKILL);
	const soldr_compile_request r = {.struct_size = sizeof r, .argv = (const char *const[]){p.compiler, "x", "4", NULL}};
	SAME_NUMBER(soldr_service_compile(p.service, &r, &p.result, NULL), 0);
	SAME_NUMBER(p.result.exit_code, 4);
	SAME_NUMBER(p.result.signal, 0);
	place_release(&p);
}

/* A caller that was built with a shorter result gets what it has room for, and no byte more. */
static void older_callers_get_what_fits(void)
{
	struct place p;
	struct {
		soldr_result r;
		char guard[16];
	} shorter;
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	memset(&shorter, 0x5a, sizeof shorter);
	shorter.r.struct_size = offsetof(soldr_result, time_saved_ns);
	const soldr_compile_request r = {.struct_size = sizeof r, .argv = (const char *const[]){p.compiler, "x", "6", NULL}};
	SAME_NUMBER(soldr_service_compile(p.service, &r, &shorter.r, &p.err), 0);
	SAME_NUMBER(shorter.r.exit_code, 6);
	SAME_NUMBER(shorter.r.struct_size, offsetof(soldr_result, time_saved_ns));
	const char *rest = (const char *)&shorter + offsetof(soldr_result, time_saved_ns);
	for (size_t i = 0; i < sizeof shorter - offsetof(soldr_result, time_saved_ns); i++)
		CU_ASSERT_EQUAL_FATAL(rest[i], 0x5a);
	place_release(&p);
}

static void what_a_backend_lacks_is_said_or_done(void)
{
	struct place p;
	soldr_report report = {.struct_size = sizeof report, .status = 77};
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(soldr_service_flush(p.service, &report, &p.err), 0);
	SAME_NUMBER(report.status, SOLDR_STEP_COMPLETED);
	SAME_NUMBER(soldr_service_maintain(p.service, SOLDR_MAINTAIN_EVICT, &report, &p.err), SOLDR_E_UNSUPPORTED);
	HOLDS(p.err.message, "fx");
	report.status = 77;
	SAME_NUMBER(soldr_service_shutdown(p.service, SOLDR_SHUTDOWN_GRACEFUL, &report, &p.err), 0);
	SAME_NUMBER(report.status, SOLDR_STEP_COMPLETED);
	soldr_service_free(NULL);
	CU_ASSERT(strchr(soldr_version(), '.') != NULL);
	place_release(&p);
}

/* ---- faults of a backend ------------------------------------------------------------------ */

static void a_fault_runs_the_compiler_once(void)
{
	static const char *const fixtures[] = {"compile_errors", "emits_then_errors", "compile_error_after_run", "result_garbage"};
	for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++) {
		struct place p;
		place_init(&p, fixtures[i], "", "on_error: fallback\n");
		SAME_NUMBER(place_start(&p), 0);
		expect_compile(&p, SOLDR_OUTCOME_FALLBACK, "backend_error");
		expect_runs(&p, 1);
		expect_stat(&p, "fallbacks", 1);
		expect_stat(&p, "compilations", 1);
		/* And is not forgotten. */
		struct buf b = room_get(&p.room, "cache/logs/soldr.log");
		HOLDS(buf_str(&b), " warn ");
		buf_release(&b);
		place_release(&p);
	}
}

static void on_error_fail_fails(void)
{
	static const char *const before[] = {"compile_errors", "emits_then_errors"};
	for (size_t i = 0; i < 2; i++) {
		struct place p;
		place_init(&p, before[i], "", "on_error: fail\n");
		SAME_NUMBER(place_start(&p), 0);
		SAME_NUMBER(compile(&p, (const char *const[]){p.compiler, "-c", "3", NULL}), SOLDR_E_INTERNAL);
		SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_NONE);
		HOLDS(p.err.message, "fails here");
		SAME_NUMBER(p.out[0].len + p.out[1].len, 0);
		expect_runs(&p, 0);
		place_release(&p);
	}
	/* The compiler has run and its files are there: its exit stands. */
	struct place p;
	place_init(&p, "compile_error_after_run", "", "on_error: fail\n");
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_FALLBACK, "backend_error");
	expect_runs(&p, 1);
	place_release(&p);
}

static void a_backend_that_does_not_open_is_done_without(void)
{
	struct place p;
	place_init(&p, "open_fails", "", "");
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_FALLBACK, "backend_open_failed");
	expect_runs(&p, 1);
	expect_stat(&p, "fallbacks", 1);
	soldr_report report = {.struct_size = sizeof report};
	SAME_NUMBER(soldr_service_maintain(p.service, SOLDR_MAINTAIN_EVICT, &report, &p.err), SOLDR_E_UNSUPPORTED);
	struct buf b = room_get(&p.room, "cache/logs/soldr.log");
	HOLDS(buf_str(&b), "on fire");
	buf_release(&b);
	place_release(&p);

	place_init(&p, "open_fails", "", "on_error: fail\n");
	SAME_NUMBER(place_start(&p), SOLDR_E_IO);
	HOLDS(p.err.message, "on fire: put it out");
	CU_ASSERT_PTR_NULL(p.service);
	place_release(&p);
}

static void the_users_mistakes_are_errors(void)
{
	struct place p;
	place_init(&p, "external", "", "");
	SAME_NUMBER(place_start(&p), SOLDR_E_CONFIG);
	HOLDS(p.err.message, "log");
	CU_ASSERT_PTR_NULL(p.service);
	place_release(&p);

	place_init(&p, "good_minimal", ", options: {colour: red}", "");
	SAME_NUMBER(place_start(&p), SOLDR_E_CONFIG);
	HOLDS(p.err.message, "colour");
	place_release(&p);

	place_init(&p, "good_minimal", "", "");
	CU_ASSERT_EQUAL(unlink(room_path(&p.room, "good_minimal.so")), 0);
	SAME_NUMBER(place_start(&p), SOLDR_E_NOT_FOUND);
	HOLDS(p.err.message, "good_minimal.so");
	place_release(&p);

	place_init(&p, "good_minimal", "", "");
	chmod(room_path(&p.room, "good_minimal.so"), 0777);
	SAME_NUMBER(place_start(&p), SOLDR_E_TRUST);
	place_release(&p);

	place_init(&p, "good_minimal", "", "nonsense: 1\n");
	SAME_NUMBER(place_start(&p), SOLDR_E_CONFIG);
	HOLDS(p.err.message, "soldr.yaml:");
	place_release(&p);
}

/* ---- a cache directory that cannot be used --------------------------------------------------- */

static void an_unusable_cache_directory_is_done_without(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	room_put(&p.room, "cache", "a file");
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_FALLBACK, "cache_unusable");
	place_release(&p);

	place_init(&p, "good_minimal", "", "");
	room_put(&p.room, "cache/x", "");
	chmod(room_path(&p.room, "cache"), 0777);
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_FALLBACK, "cache_unusable");
	CU_ASSERT_FALSE(room_has(&p.room, "cache/counters"));
	place_release(&p);

	place_init(&p, "good_minimal", "", "on_error: fail\n");
	CU_ASSERT_EQUAL(symlink("elsewhere", room_path(&p.room, "cache")), 0);
	SAME_NUMBER(place_start(&p), SOLDR_E_TRUST);
	HOLDS(p.err.message, "/cache");
	place_release(&p);
}

static void a_read_only_run_writes_nothing(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	vec_add(&p.env, "SOLDR_READONLY=1");
	SAME_NUMBER(place_start(&p), 0);
	expect_compile(&p, SOLDR_OUTCOME_PASSTHROUGH, "fixture");
	CU_ASSERT_FALSE(room_has(&p.room, "cache"));
	place_release(&p);
}

/* ---- what plugins call ------------------------------------------------------------------------ */

static void note_call(void *arg)
{
	*(pthread_t *)arg = pthread_self();
}

static void the_host_keeps_its_side_of_the_contract(void)
{
	struct place p;
	soldr_exit ex = {.struct_size = sizeof ex};
	soldr_spawn sp = {.struct_size = sizeof sp, .file = "/bin/true", .argv = (const char *const[]){"true", NULL}};
	pthread_t where = 0;
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	const soldr_host *h = &p.service->host;
	SAME_NUMBER(h->struct_size, sizeof *h);
	SAME_NUMBER(h->abi, SOLDR_ABI);
	void *none = h->alloc(h->core, 0);
	CU_ASSERT_PTR_NOT_NULL(none);
	h->release(h->core, none);
	h->release(h->core, NULL);
	uint64_t first = h->monotonic_ns(h->core);
	CU_ASSERT(h->monotonic_ns(h->core) >= first);
	SAME_NUMBER(h->cancelled(h->core, 0), 0);
	SAME_NUMBER(h->submit(h->core, note_call, &where), 0);
	CU_ASSERT(pthread_equal(where, pthread_self()));
	/* Outside a request there is nothing to emit to, and nothing to run for. */
	SAME_NUMBER(h->emit(h->core, 4711, SOLDR_STDOUT, "x", 1, &p.err), SOLDR_E_INVALID);
	SAME_NUMBER(h->run(h->core, 4711, &sp, &ex, &p.err), SOLDR_E_INVALID);
	HOLDS(p.err.message, "4711");
	SAME_NUMBER(h->replace(h->core, 4711, &sp, SOLDR_OUTCOME_BYPASS, "link", &ex, &p.err), SOLDR_E_INVALID);
	place_release(&p);
}

struct job {
	struct place *place;
	int rc;
	struct buf out;
};

static int32_t collect_job(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct job *j = arg;
	if (stream == SOLDR_STDOUT)
		buf_add(&j->out, data, (size_t)len);
	return 0;
}

static void *compile_job(void *arg)
{
	struct job *j = arg;
	const char *const argv[] = {j->place->compiler, "job", "0", NULL};
	const soldr_compile_request r = {.struct_size = sizeof r, .argv = argv};
	for (int i = 0; i < 5 && j->rc == 0; i++) {
		soldr_result result = {.struct_size = sizeof result};
		j->rc = soldr_service_compile_streaming(j->place->service, &r, collect_job, j, &result, NULL);
		if (!j->rc && result.outcome != SOLDR_OUTCOME_PASSTHROUGH)
			j->rc = -1;
	}
	return NULL;
}

static void threads_share_a_service(void)
{
	enum { THREADS = 4 };
	struct place p;
	pthread_t threads[THREADS];
	struct job jobs[THREADS];
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){.place = &p};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, compile_job, &jobs[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		SAME_NUMBER(jobs[i].rc, 0);
		SAME(buf_str(&jobs[i].out), "out job 0\nout job 0\nout job 0\nout job 0\nout job 0\n");
		buf_release(&jobs[i].out);
	}
	expect_stat(&p, "compilations", 5 * THREADS);
	CU_ASSERT_PTR_NULL(p.service->active);
	place_release(&p);
}

void suite_service(void)
{
	CU_pSuite s = CU_add_suite("service", NULL, NULL);
	CU_add_test(s, "a backend serves", a_backend_serves);
	CU_add_test(s, "a backend from outside gets its options", a_backend_from_outside_gets_its_options);
	CU_add_test(s, "requests find their compiler, environment and directory",
	            requests_find_their_compiler_environment_and_directory);
	CU_add_test(s, "a signal and a dropped output are reported", a_signal_and_a_dropped_output_are_reported);
	CU_add_test(s, "older callers get what fits", older_callers_get_what_fits);
	CU_add_test(s, "what a backend lacks is said or done", what_a_backend_lacks_is_said_or_done);
	CU_add_test(s, "a fault runs the compiler once", a_fault_runs_the_compiler_once);
	CU_add_test(s, "on_error: fail fails", on_error_fail_fails);
	CU_add_test(s, "a backend that does not open is done without", a_backend_that_does_not_open_is_done_without);
	CU_add_test(s, "the user's mistakes are errors", the_users_mistakes_are_errors);
	CU_add_test(s, "s03: an unusable cache directory is done without", an_unusable_cache_directory_is_done_without);
	CU_add_test(s, "a read-only run writes nothing", a_read_only_run_writes_nothing);
	CU_add_test(s, "the host keeps its side of the contract", the_host_keeps_its_side_of_the_contract);
	CU_add_test(s, "threads share a service", threads_share_a_service);
}
