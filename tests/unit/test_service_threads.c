/*
 * Many threads on one service: each gets its own output and its own result, with a
 * backend that serves one call at a time and with one that does not.
 */
#include "place.h"

#include <pthread.h>

void suite_service_threads(void);

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
	CU_ASSERT_PTR_NULL(p.service->drain.active);
	place_release(&p);
}


/* ---- the embedded backend, by 64 threads ------------------------------------------------------ */

enum { THREADS = 64, UNITS = 8 };

struct caller {
	struct place *place;
	unsigned number;
	int rc;
	struct buf errors;
	char output[32];
	soldr_result result;
};

static int32_t collect_errors(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct caller *c = arg;
	if (stream == SOLDR_STDERR)
		buf_add(&c->errors, data, (size_t)len);
	return 0;
}

static void *compile_unit(void *arg)
{
	struct caller *c = arg;
	char source[32];
	snprintf(source, sizeof source, "unit%u.c", c->number % UNITS);
	const soldr_compile_request r = {
		.struct_size = sizeof r,
		.argv = (const char *const[]){"gcc", "-c", source, "-o", c->output, NULL},
		.cwd = c->place->room.dir,
	};
	c->result = (soldr_result){.struct_size = sizeof c->result};
	c->rc = soldr_service_compile_streaming(c->place->service, &r, collect_errors, c, &c->result, NULL);
	return NULL;
}

/* All threads compile, each a unit and an output of its own; every one gets the compiler's object and messages. */
static unsigned compile_by_all(struct place *p, struct buf objects[UNITS], struct buf messages[UNITS])
{
	pthread_t threads[THREADS];
	static struct caller callers[THREADS];
	unsigned hits = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){.place = p, .number = i};
		snprintf(callers[i].output, sizeof callers[i].output, "out%u.o", i);
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, compile_unit, &callers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		struct caller *c = &callers[i];
		pthread_join(threads[i], NULL);
		SAME_NUMBER(c->rc, 0);
		SAME_NUMBER(c->result.exit_code, 0);
		hits += c->result.outcome == SOLDR_OUTCOME_HIT;
		struct buf object = room_get(&p->room, c->output);
		SAME_BYTES(object.data, object.len, objects[i % UNITS].data, objects[i % UNITS].len);
		SAME(buf_str(&c->errors), buf_str(&messages[i % UNITS]));
		buf_release(&object);
		buf_release(&c->errors);
	}
	return hits;
}

static void sixty_four_threads_hit_at_once(void)
{
	struct place p;
	struct buf objects[UNITS], messages[UNITS];
	char name[32];
	place_init_embedded(&p, "", "");
	for (unsigned i = 0; i < UNITS; i++) {
		struct buf text = BUF_INIT;
		buf_addf(&text, "#warning this is unit %u\nint unit_%u(void) { return %u; }\n", i, i, i);
		snprintf(name, sizeof name, "unit%u.c", i);
		room_put(&p.room, name, buf_str(&text));
		buf_release(&text);
		SAME_NUMBER(room_sh(&p.room, "gcc -c unit%u.c -o true%u.o 2>true%u.err", i, i, i), 0);
		snprintf(name, sizeof name, "true%u.o", i);
		objects[i] = room_get(&p.room, name);
		snprintf(name, sizeof name, "true%u.err", i);
		messages[i] = room_get(&p.room, name);
	}
	room_settle(&p.room);
	SAME_NUMBER(place_start(&p), 0);
	CU_ASSERT(host_plugin(p.service)->backend.caps & SOLDR_CAP_CONCURRENT);
	compile_by_all(&p, objects, messages);
	SAME_NUMBER(compile_by_all(&p, objects, messages), THREADS);
	SAME_NUMBER(room_sh(&p.room, "rm out*.o"), 0);
	SAME_NUMBER(compile_by_all(&p, objects, messages), THREADS);
	expect_stat(&p, "compilations", 3 * THREADS);
	soldr_report report = {.struct_size = sizeof report};
	SAME_NUMBER(soldr_service_maintain(p.service, SOLDR_MAINTAIN_VERIFY, &report, &p.err), 0);
	SAME_NUMBER(report.files_corrupt, 0);
	expect_stat(&p, "entries", UNITS);
	CU_ASSERT_PTR_NULL(p.service->drain.active);
	for (unsigned i = 0; i < UNITS; i++) {
		buf_release(&objects[i]);
		buf_release(&messages[i]);
	}
	place_release(&p);
}

void suite_service_threads(void)
{
	CU_pSuite s = CU_add_suite("service_threads", NULL, NULL);
	CU_add_test(s, "threads share a service", threads_share_a_service);
	CU_add_test(s, "c33: 64 threads hit at once", sixty_four_threads_hit_at_once);
}
