/*
 * How requests and services end: by a token, out of time, by force, drained; what
 * the steps of flush and shutdown say; and what is left then. "Compilers" that
 * never end by themselves are held by a FIFO that nobody opens.
 */
#include "place.h"

#include <pthread.h>
#include <signal.h>

void suite_service_end(void);

/* ---- requests that are held ----------------------------------------------------------------------- */

enum { HELD_MAX = 32 };

/* A request on a thread of its own, whose compiler tells that it runs and then waits for ever. */
struct held {
	struct place *place;
	const char *const *argv;
	const soldr_cancel_token *cancel;
	uint64_t timeout_ns;
	pthread_t thread;
	int rc;
	soldr_error err;
	soldr_result result;
};

static void *run_held(void *arg)
{
	struct held *h = arg;
	const soldr_compile_request r = {
		.struct_size = sizeof r, .argv = h->argv, .cwd = h->place->room.dir, .cancel = h->cancel, .timeout_ns = h->timeout_ns,
	};
	h->err = SOLDR_ERROR_INIT;
	h->result = (soldr_result){.struct_size = sizeof h->result};
	h->rc = soldr_service_compile(h->place->service, &r, &h->result, &h->err);
	return NULL;
}

static void hold(struct held *h)
{
	CU_ASSERT_EQUAL_FATAL(pthread_create(&h->thread, NULL, run_held, h), 0);
}

/* Until the file has that many lines. */
static void await_lines(struct place *p, const char *name, size_t wanted)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	size_t lines = 0;
	while (lines < wanted) {
		struct buf b = room_get(&p->room, name);
		lines = 0;
		for (size_t i = 0; i < b.len; i++)
			lines += b.data[i] == '\n';
		buf_release(&b);
		nanosleep(&pause, NULL);
	}
}

/* Writes half an object, tells its process and that of a child of its own, and waits. gcc looks so to embedded by its name. */
static const char *put_held_compiler(struct place *p, const char *before)
{
	struct buf text = BUF_INIT;
	CU_ASSERT_EQUAL(mkfifo(room_path(&p->room, "never"), 0600), 0);
	buf_addf(&text, "#!/bin/sh\n%s\necho half > half.o\nsh -c 'read x' <>never >/dev/null &\necho $$ $! >>running\nread x <>never\n", before);
	const char *path = room_put_program(&p->room, "heldcc", buf_str(&text));
	buf_release(&text);
	return path;
}

static bool is_there(pid_t pid)
{
	char path[64];
	struct buf stat = BUF_INIT;
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	/* Nobody may have reaped a grandchild yet. */
	bool there = kill(pid, 0) == 0 && fs_read_file(path, 4096, &stat, NULL) == 0 && !strstr(buf_str(&stat), ") Z ");
	buf_release(&stat);
	return there;
}

/* Of the processes that were told of, neither the compilers nor what they started go on: they are gone, or about to. */
static void expect_all_gone(struct place *p)
{
	enum { TRIES = 20000 };
	const struct timespec pause = {.tv_nsec = 1000000};
	struct buf b = room_get(&p->room, "running");
	for (char *at = b.data, *end; at && (unsigned)(*at - '0') < 10; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);
		int tries = 0;
		while (is_there(pid) && tries++ < TRIES)
			nanosleep(&pause, NULL);
		CU_ASSERT(tries < TRIES);
		end += strspn(end, " \n");
	}
	buf_release(&b);
}

static soldr_cancel_token *new_token(void)
{
	soldr_cancel_token *t = NULL;
	CU_ASSERT_EQUAL_FATAL(soldr_cancel_token_new(&t, NULL), 0);
	SAME_NUMBER(soldr_is_cancelled(t), 0);
	return t;
}

/* The terminal event of that many requests. */
static void expect_ends(struct place *p, const char *reason, int times)
{
	int n = room_sh(&p->room, "exit $(cat cache/runs/*/audit.jsonl | grep '\"event\": *\"compile\"' | grep '\"outcome\": *\"none\"' | grep -c '\"%s\"')", reason);
	SAME_NUMBER(n, times);
}

/* ---- cancellation ----------------------------------------------------------------------------------- */

static void a_token_ends_its_request_and_no_other(void)
{
	struct place p;
	place_init(&p, "good_concurrent", "", "");
	const char *const argv[] = {put_held_compiler(&p, ""), "-c", NULL};
	SAME_NUMBER(place_start(&p), 0);
	soldr_cancel_token *one = new_token(), *other = new_token();
	struct held a = {.place = &p, .argv = argv, .cancel = one}, b = {.place = &p, .argv = argv, .cancel = other};
	hold(&a);
	hold(&b);
	await_lines(&p, "running", 2);
	soldr_cancel(one);
	SAME_NUMBER(soldr_is_cancelled(one), 1);
	pthread_join(a.thread, NULL);
	SAME_NUMBER(a.rc, SOLDR_E_CANCELLED);
	HOLDS(a.err.message, "the host cancelled it");
	SAME_NUMBER(a.result.outcome, SOLDR_OUTCOME_NONE);
	CU_ASSERT_PTR_NOT_NULL(p.service->drain.active);
	soldr_cancel(other);
	pthread_join(b.thread, NULL);
	SAME_NUMBER(b.rc, SOLDR_E_CANCELLED);
	expect_all_gone(&p);
	/* One that is cancelled already does not begin, and what was dropped is no compilation. */
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = argv, .cancel = one}), SOLDR_E_CANCELLED);
	expect_stat(&p, "compilations", 0);
	expect_stat(&p, "fallbacks", 0);
	expect_ends(&p, "cancelled", 3);
	soldr_cancel_token_free(one);
	soldr_cancel_token_free(other);
	soldr_cancel_token_free(NULL);
	SAME_NUMBER(soldr_is_cancelled(NULL), 0);
	place_release(&p);
}

static void a_token_of_the_service_ends_all(void)
{
	struct place p;
	place_init(&p, "good_concurrent", "", "");
	const char *const argv[] = {put_held_compiler(&p, ""), "-c", NULL};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	soldr_cancel_token *token = new_token();
	config.cancel = token;
	SAME_NUMBER(place_start_with(&p, config), 0);
	struct held a = {.place = &p, .argv = argv}, b = {.place = &p, .argv = argv};
	hold(&a);
	hold(&b);
	await_lines(&p, "running", 2);
	SAME_NUMBER(p.service->host.cancelled(p.service->host.core, 0), 0);
	soldr_cancel(token);
	SAME_NUMBER(p.service->host.cancelled(p.service->host.core, 0), 1);
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	SAME_NUMBER(a.rc, SOLDR_E_CANCELLED);
	SAME_NUMBER(b.rc, SOLDR_E_CANCELLED);
	expect_all_gone(&p);
	place_release(&p);
	soldr_cancel_token_free(token);
}

/* A backend that serves one request at a time: who waits for its turn is ended as well. */
static void who_waits_for_the_backend_is_ended(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	const char *const argv[] = {put_held_compiler(&p, ""), "-c", NULL};
	SAME_NUMBER(place_start(&p), 0);
	soldr_cancel_token *token = new_token(), *other = new_token();
	struct held a = {.place = &p, .argv = argv, .cancel = token}, b = {.place = &p, .argv = argv, .cancel = other};
	hold(&a);
	await_lines(&p, "running", 1);
	hold(&b);
	soldr_cancel(other);
	pthread_join(b.thread, NULL);
	SAME_NUMBER(b.rc, SOLDR_E_CANCELLED);
	soldr_cancel(token);
	pthread_join(a.thread, NULL);
	SAME_NUMBER(a.rc, SOLDR_E_CANCELLED);
	await_lines(&p, "running", 1);
	expect_all_gone(&p);
	soldr_cancel_token_free(token);
	soldr_cancel_token_free(other);
	place_release(&p);
}

/* TERM does not impress it, nor its child. */
static void who_does_not_end_is_killed(void)
{
	struct place p;
	place_init(&p, "good_concurrent", "", "");
	const char *const argv[] = {put_held_compiler(&p, "trap '' TERM"), "-c", NULL};
	SAME_NUMBER(place_start(&p), 0);
	soldr_cancel_token *token = new_token();
	struct held h = {.place = &p, .argv = argv, .cancel = token};
	hold(&h);
	await_lines(&p, "running", 1);
	soldr_cancel(token);
	pthread_join(h.thread, NULL);
	SAME_NUMBER(h.rc, SOLDR_E_CANCELLED);
	expect_all_gone(&p);
	soldr_cancel_token_free(token);
	place_release(&p);
}

static void out_of_time_is_told_apart(void)
{
	struct place p;
	soldr_limits limits = {.struct_size = sizeof limits, .timeout_ns = 50 * 1000 * 1000};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	place_init(&p, "good_concurrent", "", "");
	const char *const argv[] = {put_held_compiler(&p, ""), "-c", NULL};
	config.limits = &limits;
	SAME_NUMBER(place_start_with(&p, config), 0);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = argv, .cwd = p.room.dir}), SOLDR_E_TIMEOUT);
	HOLDS(p.err.message, "did not end in time");
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = argv, .cwd = p.room.dir, .timeout_ns = 1}), SOLDR_E_TIMEOUT);
	expect_all_gone(&p);
	expect_ends(&p, "timed_out", 2);
	place_release(&p);
}

/*
 * An assembler that writes half of the object and then waits for ever, from the call
 * with this number on. gcc finds it on PATH.
 */
static void put_held_assembler(struct place *p, unsigned from)
{
	struct buf text = BUF_INIT;
	CU_ASSERT_EQUAL(mkfifo(room_path(&p->room, "never"), 0600), 0);
	buf_addf(&text,
	         "#!/bin/sh\ncase $* in *--version*) exec /usr/bin/as \"$@\";; esac\necho $$ >>running\n"
	         "[ $(wc -l <running) -lt %u ] && exec /usr/bin/as \"$@\"\ntrap '' TERM\n"
	         "while [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo half >\"$2\"; shift; done\nread x <>never\n", from);
	room_put_program(&p->room, "as", buf_str(&text));
	buf_release(&text);
}

static void a_dropped_compile_leaves_no_output_and_no_entry(void)
{
	struct place p;
	place_init_embedded(&p, "", "");
	put_held_assembler(&p, 1);
	room_put(&p.room, "unit.c", "int unit;\n");
	room_settle(&p.room);
	SAME_NUMBER(place_start(&p), 0);
	soldr_cancel_token *token = new_token();
	const char *const argv[] = {"gcc", "-c", "unit.c", "-o", "unit.o", NULL};
	struct held h = {.place = &p, .argv = argv, .cancel = token};
	hold(&h);
	await_lines(&p, "unit.o", 1);
	soldr_cancel(token);
	pthread_join(h.thread, NULL);
	SAME_NUMBER(h.rc, SOLDR_E_CANCELLED);
	expect_all_gone(&p);
	CU_ASSERT_FALSE(room_has(&p.room, "unit.o"));
	expect_stat(&p, "entries", 0);
	/* And the next one is as if nothing had been. */
	CU_ASSERT_EQUAL(unlink(room_path(&p.room, "as")), 0);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = argv, .cwd = p.room.dir}), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_MISS);
	SAME(p.result.reason, "not_seen");
	soldr_cancel_token_free(token);
	place_release(&p);
}

/* ---- steps ---------------------------------------------------------------------------------------- */

struct told {
	struct buf text; /* "requests completed 0\n"… */
	struct buf messages;
};

static void on_step(void *arg, const soldr_step *s)
{
	static const char *const names[] = {
		[SOLDR_STEP_COMPLETED] = "completed", [SOLDR_STEP_FAILED] = "failed", [SOLDR_STEP_TIMED_OUT] = "timed out",
	};
	struct told *t = arg;
	CU_ASSERT_EQUAL(s->struct_size, sizeof *s);
	buf_addf(&t->text, "%s %s %llu\n", s->name, names[s->status], (unsigned long long)s->count);
	buf_addf(&t->messages, "%s\n", s->message);
}

static void told_release(struct told *t)
{
	buf_release(&t->text);
	buf_release(&t->messages);
}

static void flush_names_each_step(void)
{
	struct place p;
	place_init(&p, "good_concurrent", "", "");
	const char *const argv[] = {put_held_compiler(&p, ""), "-c", NULL};
	SAME_NUMBER(place_start(&p), 0);
	struct told idle = {BUF_INIT, BUF_INIT}, busy = {BUF_INIT, BUF_INIT};
	SAME_NUMBER(soldr_service_flush(p.service, 0, on_step, &idle, &p.err), 0);
	SAME(buf_str(&idle.text), "requests completed 0\ntasks completed 0\nbackend completed 0\ncounters completed 0\n");
	soldr_cancel_token *token = new_token();
	struct held h = {.place = &p, .argv = argv, .cancel = token};
	hold(&h);
	await_lines(&p, "running", 1);
	SAME_NUMBER(soldr_service_flush(p.service, 1000000, on_step, &busy, &p.err), SOLDR_E_TIMEOUT);
	SAME(buf_str(&busy.text), "requests timed out 1\ntasks completed 0\nbackend completed 0\ncounters completed 0\n");
	HOLDS(p.err.message, "1 requests have not ended in time");
	soldr_cancel(token);
	/* It waits for what had begun. */
	SAME_NUMBER(soldr_service_flush(p.service, 0, NULL, NULL, &p.err), 0);
	CU_ASSERT_PTR_NULL(p.service->drain.active);
	pthread_join(h.thread, NULL);
	told_release(&idle);
	told_release(&busy);
	soldr_cancel_token_free(token);
	place_release(&p);
}

static void a_failing_step_does_not_stop_the_others(void)
{
	struct place p;
	struct told told = {BUF_INIT, BUF_INIT};
	place_init(&p, "flush_fails", "", "");
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(soldr_service_flush(p.service, 0, on_step, &told, &p.err), SOLDR_E_IO);
	SAME(buf_str(&told.text), "requests completed 0\ntasks completed 0\nbackend failed 0\ncounters completed 0\n");
	HOLDS(p.err.message, "cannot flush");
	HOLDS(buf_str(&told.messages), "cannot flush");
	told_release(&told);
	place_release(&p);
}

static void a_backend_that_reports_no_end_is_an_error(void)
{
	struct place p;
	place_init(&p, "flush_reports", "", "");
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(soldr_service_flush(p.service, 0, NULL, NULL, &p.err), SOLDR_E_IO);
	SAME(p.err.message, "the backend could not finish: 3 files are left [E415]");
	place_release(&p);
	place_init(&p, "flush_reports", ", options: {late: true}", "");
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(soldr_service_flush(p.service, 0, NULL, NULL, &p.err), SOLDR_E_TIMEOUT);
	SAME(p.err.message, "the backend did not end in time [E414]");
	place_release(&p);
}

static void graceful_drains_and_then_nothing_begins(void)
{
	struct place p;
	struct told told = {BUF_INIT, BUF_INIT};
	place_init(&p, "good_concurrent", "", "");
	const char *const argv[] = {put_held_compiler(&p, ""), "-c", NULL};
	SAME_NUMBER(place_start(&p), 0);
	struct held h = {.place = &p, .argv = argv};
	hold(&h);
	await_lines(&p, "running", 1);
	SAME_NUMBER(soldr_service_shutdown(p.service, 99, 0, NULL, NULL, &p.err), SOLDR_E_INVALID);
	SAME_NUMBER(soldr_service_shutdown(p.service, SOLDR_SHUTDOWN_GRACEFUL, 1000000, NULL, NULL, &p.err), SOLDR_E_TIMEOUT);
	SAME_NUMBER(compile(&p, (const char *const[]){p.compiler, "-c", "3", NULL}), SOLDR_E_SHUTDOWN);
	HOLDS(p.err.message, "is shut down");
	expect_runs(&p, 0);
	/* The compiler ends by itself: no harm is done to it. */
	int fd = open(room_path(&p.room, "never"), O_WRONLY);
	CU_ASSERT_EQUAL(write(fd, "\n\n", 2), 2);
	SAME_NUMBER(soldr_service_shutdown(p.service, SOLDR_SHUTDOWN_GRACEFUL, 0, on_step, &told, &p.err), 0);
	close(fd);
	pthread_join(h.thread, NULL);
	SAME_NUMBER(h.rc, 0);
	SAME_NUMBER(h.result.exit_code, 0);
	HOLDS(buf_str(&told.text), "requests completed ");
	/* Statistics need no service that runs; another shutdown has nothing to do. */
	expect_stat(&p, "compilations", 1);
	SAME_NUMBER(soldr_service_shutdown(p.service, SOLDR_SHUTDOWN_FORCE, 0, NULL, NULL, &p.err), 0);
	told_release(&told);
	place_release(&p);
}

/* 32 compiles by the embedded backend are ended by force in the middle; the store is whole, and every object that is there too. */
static void force_ends_32_compiles_and_leaves_a_good_store(void)
{
	struct place p;
	struct told told = {BUF_INIT, BUF_INIT};
	struct held all[HELD_MAX];
	char names[HELD_MAX][2][24];
	const char *argv[HELD_MAX][6];
	unsigned dropped = 0;
	char text[64];
	place_init_embedded(&p, "", "");
	put_held_assembler(&p, HELD_MAX / 4);
	for (unsigned i = 0; i < HELD_MAX; i++) {
		snprintf(names[i][0], sizeof names[i][0], "unit%u.c", i);
		snprintf(names[i][1], sizeof names[i][1], "unit%u.o", i);
		snprintf(text, sizeof text, "int unit_%u(void) { return %u; }\n", i, i);
		room_put(&p.room, names[i][0], text);
		const char *const words[6] = {"gcc", "-c", names[i][0], "-o", names[i][1], NULL};
		memcpy(argv[i], words, sizeof words);
		all[i] = (struct held){.place = &p, .argv = argv[i]};
	}
	room_settle(&p.room);
	SAME_NUMBER(place_start(&p), 0);
	for (unsigned i = 0; i < HELD_MAX; i++)
		hold(&all[i]);
	/* Some are done by then, some are being stored, most are held with half an object. */
	await_lines(&p, "running", HELD_MAX);
	SAME_NUMBER(soldr_service_shutdown(p.service, SOLDR_SHUTDOWN_FORCE, 0, on_step, &told, &p.err), 0);
	for (unsigned i = 0; i < HELD_MAX; i++) {
		pthread_join(all[i].thread, NULL);
		CU_ASSERT(all[i].rc == 0 || all[i].rc == SOLDR_E_SHUTDOWN);
		CU_ASSERT_EQUAL(room_has(&p.room, names[i][1]), all[i].rc == 0);
		dropped += all[i].rc != 0;
	}
	expect_all_gone(&p);
	CU_ASSERT(dropped > HELD_MAX / 2 && dropped < HELD_MAX);
	HOLDS(buf_str(&told.text), "requests completed ");
	snprintf(text, sizeof text, "%u requests were ended before they were done", dropped);
	HOLDS(buf_str(&told.messages), text);
	expect_ends(&p, "shut_down", (int)dropped);
	soldr_report report = {.struct_size = sizeof report};
	SAME_NUMBER(soldr_service_maintain(p.service, SOLDR_MAINTAIN_VERIFY, &report, &p.err), 0);
	SAME_NUMBER(report.files_corrupt, 0);
	told_release(&told);
	place_release(&p);
}

void suite_service_end(void)
{
	CU_pSuite s = CU_add_suite("service_end", NULL, NULL);
	CU_add_test(s, "a token ends its request and no other", a_token_ends_its_request_and_no_other);
	CU_add_test(s, "a token of the service ends all", a_token_of_the_service_ends_all);
	CU_add_test(s, "who waits for the backend is ended", who_waits_for_the_backend_is_ended);
	CU_add_test(s, "who does not end is killed", who_does_not_end_is_killed);
	CU_add_test(s, "out of time is told apart", out_of_time_is_told_apart);
	CU_add_test(s, "a dropped compile leaves no output and no entry", a_dropped_compile_leaves_no_output_and_no_entry);
	CU_add_test(s, "flush names each step", flush_names_each_step);
	CU_add_test(s, "a failing step does not stop the others", a_failing_step_does_not_stop_the_others);
	CU_add_test(s, "a backend that reports no end is an error", a_backend_that_reports_no_end_is_an_error);
	CU_add_test(s, "graceful drains, and then nothing begins", graceful_drains_and_then_nothing_begins);
	CU_add_test(s, "force ends 32 compiles and leaves a good store", force_ends_32_compiles_and_leaves_a_good_store);
}
