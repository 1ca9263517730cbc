/*
 * The embedder's API with fixture plugins (tests/abi/fixtures) behind it: what
 * a faulty backend may do to a build, what is counted, and which mistakes are
 * the user's. test_service_*.c have the rest.
 */
#include "place.h"

#include <errno.h>
#include <pthread.h>

void suite_service(void);

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
	SAME_NUMBER(soldr_service_flush(p.service, 0, NULL, NULL, &p.err), 0);
	SAME_NUMBER(soldr_service_maintain(p.service, SOLDR_MAINTAIN_EVICT, &report, &p.err), SOLDR_E_UNSUPPORTED);
	HOLDS(p.err.message, "fx");
	SAME_NUMBER(soldr_service_shutdown(p.service, SOLDR_SHUTDOWN_GRACEFUL, 0, NULL, NULL, &p.err), 0);
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
}
