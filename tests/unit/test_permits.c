/*
 * permits: how many are given at once, to processes and threads alike, what a kill
 * leaves, who goes first, and how a service uses them.
 */
#include "permits.h"
#include "place.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

void suite_permits(void);

static void permits_at(struct permits *p, struct room *room, uint32_t max)
{
	*p = (struct permits){.max = max, .file = strdup(room_path(room, "permits"))};
}

/* Asked when there is none to be had. */
static int give_up(void *arg)
{
	unsigned *asked = arg;
	++*asked;
	return SOLDR_E_CANCELLED;
}

static int try(struct permits *p, struct permit *permit)
{
	soldr_error problem = SOLDR_ERROR_INIT;
	unsigned asked = 0;
	int rc = permits_take(p, give_up, &asked, permit, &problem);
	SAME_NUMBER(asked, rc != 0);
	SAME_NUMBER(problem.code, 0);
	CU_ASSERT_EQUAL(permit->fd < 0, rc != 0);
	return rc;
}

static void as_many_as_the_limit_are_given(void)
{
	struct room room;
	struct permits p, wider;
	struct permit all[4];
	room_init(&room, "permits");
	permits_at(&p, &room, 3);
	permits_at(&wider, &room, 4);
	for (int i = 0; i < 3; i++)
		SAME_NUMBER(try(&p, &all[i]), 0);
	SAME_NUMBER(try(&p, &all[3]), SOLDR_E_CANCELLED);
	/* Who has another limit counts these as well. */
	SAME_NUMBER(try(&wider, &all[3]), 0);
	struct permit none;
	SAME_NUMBER(try(&wider, &none), SOLDR_E_CANCELLED);
	permits_give_back(&p, &all[1]);
	permits_give_back(&p, &all[1]);
	SAME_NUMBER(try(&p, &all[1]), 0);
	for (int i = 0; i < 4; i++)
		permits_give_back(&p, &all[i]);
	SAME_NUMBER(try(&p, &all[0]), 0);
	permits_give_back(&p, &all[0]);
	permits_release(&p);
	permits_release(&wider);
	room_release(&room);
}

static void without_a_limit_nothing_is_done(void)
{
	struct room room;
	struct permits p;
	struct permit one;
	soldr_error problem = SOLDR_ERROR_INIT;
	room_init(&room, "permits");
	permits_at(&p, &room, 0);
	SAME_NUMBER(permits_take(&p, NULL, NULL, &one, &problem), 0);
	SAME_NUMBER(one.fd, -1);
	permits_give_back(&p, &one);
	CU_ASSERT_FALSE(room_has(&room, "permits"));
	permits_release(&p);
	room_release(&room);
}

static void a_file_that_cannot_be_used_lets_compiles_run(void)
{
	struct room room;
	struct permits p;
	struct permit one;
	soldr_error problem = SOLDR_ERROR_INIT;
	room_init(&room, "permits");
	room_put(&room, "permits/x", "");
	permits_at(&p, &room, 1);
	SAME_NUMBER(permits_take(&p, NULL, NULL, &one, &problem), 0);
	SAME_NUMBER(one.fd, -1);
	SAME_NUMBER(problem.code, SOLDR_E_IO);
	HOLDS(problem.message, "/permits");
	permits_release(&p);
	room_release(&room);
}

static void a_killed_holder_frees_its_permit(void)
{
	struct room room;
	struct permits p;
	struct permit one;
	room_init(&room, "permits");
	permits_at(&p, &room, 1);
	int ready[2];
	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		soldr_error problem = SOLDR_ERROR_INIT;
		if (permits_take(&p, NULL, NULL, &one, &problem) != 0 || one.fd < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	char x;
	CU_ASSERT_EQUAL(read(ready[0], &x, 1), 1);
	SAME_NUMBER(try(&p, &one), SOLDR_E_CANCELLED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	SAME_NUMBER(try(&p, &one), 0);
	permits_give_back(&p, &one);
	close(ready[0]);
	close(ready[1]);
	permits_release(&p);
	room_release(&room);
}

/* Of compiles that the host runs by itself. */
static uint32_t in_flight(void *arg)
{
	return *(uint32_t *)arg;
}

static void what_the_host_runs_counts(void)
{
	struct room room;
	struct permits p;
	struct permit one, two;
	uint32_t own = 1;
	room_init(&room, "permits");
	permits_at(&p, &room, 3);
	p.in_flight = in_flight;
	p.in_flight_arg = &own;
	SAME_NUMBER(try(&p, &one), 0);
	own = 2;
	SAME_NUMBER(try(&p, &two), SOLDR_E_CANCELLED);
	own = 1;
	SAME_NUMBER(try(&p, &two), 0);
	permits_give_back(&p, &one);
	permits_give_back(&p, &two);
	/* But one may always run. */
	own = 100;
	SAME_NUMBER(try(&p, &one), 0);
	SAME_NUMBER(try(&p, &two), SOLDR_E_CANCELLED);
	permits_give_back(&p, &one);
	permits_release(&p);
	room_release(&room);
}

/* Byte 0 of the file is the turn of who has waited for too long. */
static void nobody_passes_who_has_waited(void)
{
	struct room room;
	struct permits p;
	struct permit one;
	room_init(&room, "permits");
	permits_at(&p, &room, 2);
	SAME_NUMBER(try(&p, &one), 0);
	permits_give_back(&p, &one);
	int fd = open(p.file, O_RDWR | O_CLOEXEC);
	struct flock turn = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	CU_ASSERT_EQUAL_FATAL(fcntl(fd, F_OFD_SETLK, &turn), 0);
	SAME_NUMBER(try(&p, &one), SOLDR_E_CANCELLED);
	close(fd);
	SAME_NUMBER(try(&p, &one), 0);
	permits_give_back(&p, &one);
	permits_release(&p);
	room_release(&room);
}

/* ---- many at once ---------------------------------------------------------------------------- */

enum { LIMIT = 3, PROCESSES = 6, ROUNDS = 50 };

struct seen {
	int now, most;
	unsigned given;
};

static void take_in_turns(struct permits *p, struct seen *seen)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct permit one;
		soldr_error problem = SOLDR_ERROR_INIT;
		if (permits_take(p, NULL, NULL, &one, &problem) != 0 || one.fd < 0)
			return;
		int now = __atomic_add_fetch(&seen->now, 1, __ATOMIC_SEQ_CST), most = __atomic_load_n(&seen->most, __ATOMIC_SEQ_CST);
		while (now > most && !__atomic_compare_exchange_n(&seen->most, &most, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		sched_yield();
		__atomic_sub_fetch(&seen->now, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&seen->given, 1, __ATOMIC_SEQ_CST);
		permits_give_back(p, &one);
	}
}

struct taker {
	struct permits *permits;
	struct seen *seen;
};

static void *take_in_thread(void *arg)
{
	struct taker *t = arg;
	take_in_turns(t->permits, t->seen);
	return NULL;
}

/* Some processes with two threads each. */
static void processes_and_threads_keep_the_limit(void)
{
	struct room room;
	struct permits p;
	pid_t pids[PROCESSES];
	room_init(&room, "permits");
	struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(seen != MAP_FAILED);
	permits_at(&p, &room, LIMIT);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			struct taker t = {&p, seen};
			pthread_t other;
			if (pthread_create(&other, NULL, take_in_thread, &t) != 0)
				_exit(1);
			take_in_turns(&p, seen);
			pthread_join(other, NULL);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;
		waitpid(pids[i], &status, 0);
		SAME_NUMBER(status, 0);
	}
	SAME_NUMBER(seen->given, 2 * PROCESSES * ROUNDS);
	CU_ASSERT(seen->most >= 1 && seen->most <= LIMIT);
	munmap(seen, sizeof *seen);
	permits_release(&p);
	room_release(&room);
}

/* ---- in a service ----------------------------------------------------------------------------- */

struct caller {
	struct place *place;
	int rc;
};

/* A compiler that finds another one at work says so. */
static void *compile_alone(void *arg)
{
	struct caller *c = arg;
	const soldr_compile_request r = {
		.struct_size = sizeof r, .argv = (const char *const[]){"lonelycc", "-c", NULL}, .cwd = c->place->room.dir,
	};
	soldr_result result = {.struct_size = sizeof result};
	c->rc = soldr_service_compile(c->place->service, &r, &result, NULL);
	c->rc = c->rc ? c->rc : result.exit_code;
	return NULL;
}

static void a_service_keeps_the_limit(void)
{
	enum { CALLERS = 8 };
	struct place p;
	pthread_t threads[CALLERS];
	struct caller callers[CALLERS];
	place_init(&p, "good_concurrent", "", "limits: {max_parallel_compiles: 1}\n");
	room_put_program(&p.room, "lonelycc", "#!/bin/sh\nmkdir busy || exit 7\nrmdir busy\n");
	SAME_NUMBER(place_start(&p), 0);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){.place = &p};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, compile_alone, &callers[i]), 0);
	}
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], NULL);
		SAME_NUMBER(callers[i].rc, 0);
	}
	place_release(&p);
}

/* The one permit is somebody else's. */
static void only_a_compile_waits(void)
{
	struct place p;
	struct permits others;
	struct permit one;
	const char *const argv[] = {"gcc", "-c", "unit.c", NULL}, *const new[] = {"gcc", "-O1", "-c", "unit.c", NULL};
	place_init_embedded(&p, "", "");
	vec_add(&p.env, "SOLDR_JOBS=1");
	room_put(&p.room, "unit.c", "int unit;\n");
	room_settle(&p.room);
	SAME_NUMBER(place_start(&p), 0);
	const soldr_compile_request request = {.argv = argv, .cwd = p.room.dir};
	SAME_NUMBER(compile_request(&p, request), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_MISS);
	others = (struct permits){.max = 1, .file = strdup(room_path(&p.room, "cache/permits"))};
	SAME_NUMBER(try(&others, &one), 0);
	SAME_NUMBER(compile_request(&p, request), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_HIT);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = new, .cwd = p.room.dir, .timeout_ns = 1000000}), SOLDR_E_TIMEOUT);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_NONE);
	expect_stat(&p, "max_parallel_compiles", 1);
	expect_stat(&p, "parallel_compiles", 1);
	permits_give_back(&others, &one);
	expect_stat(&p, "parallel_compiles", 0);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = new, .cwd = p.room.dir}), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_MISS);
	permits_release(&others);
	place_release(&p);
}

/* A compiler that calls soldr waits for it, and must not be waited for. */
static void below_a_permit_none_is_needed(void)
{
	struct place p;
	struct permits others;
	struct permit one;
	place_init(&p, "good_concurrent", "", "limits: {max_parallel_compiles: 1}\n");
	room_put_program(&p.room, "tellcc", "#!/bin/sh\necho \"$SOLDR_PERMIT\"\n");
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(compile(&p, (const char *const[]){"tellcc", NULL}), 0);
	SAME(buf_str(&p.out[0]), "1\n");
	others = (struct permits){.max = 1, .file = strdup(room_path(&p.room, "cache/permits"))};
	SAME_NUMBER(try(&others, &one), 0);
	vec_add(&p.env, "SOLDR_PERMIT=1");
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = (const char *const[]){"tellcc", NULL}, .envp = vec_items(&p.env)}), 0);
	SAME(buf_str(&p.out[0]), "1\n");
	permits_give_back(&others, &one);
	permits_release(&others);
	place_release(&p);
}

/* What the host says goes before the config. */
static void a_host_says_its_limits(void)
{
	struct place p;
	soldr_limits limits = {.struct_size = sizeof limits, .max_parallel_compiles = 5};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	config.limits = &limits;
	place_init(&p, "good_concurrent", "", "limits: {max_parallel_compiles: 3}\n");
	SAME_NUMBER(place_start_with(&p, config), 0);
	expect_stat(&p, "max_parallel_compiles", 5);
	soldr_service_free(p.service);
	p.service = NULL;
	limits.max_parallel_compiles = SOLDR_UNLIMITED;
	SAME_NUMBER(place_start_with(&p, config), 0);
	expect_stat(&p, "max_parallel_compiles", 0);
	SAME_NUMBER(compile(&p, (const char *const[]){p.compiler, "-c", "0", NULL}), 0);
	CU_ASSERT_FALSE(room_has(&p.room, "cache/permits"));
	soldr_service_free(p.service);
	p.service = NULL;
	limits.max_parallel_compiles = 0;
	SAME_NUMBER(place_start_with(&p, config), 0);
	expect_stat(&p, "max_parallel_compiles", 3);
	soldr_service_free(p.service);
	p.service = NULL;
	limits.max_parallel_compiles = PERMITS_MAX + 1;
	SAME_NUMBER(place_start_with(&p, config), SOLDR_E_INVALID);
	limits = (soldr_limits){.struct_size = sizeof limits, .priority = 99};
	SAME_NUMBER(place_start_with(&p, config), SOLDR_E_INVALID);
	HOLDS(p.err.message, "99");
	place_release(&p);
}

void suite_permits(void)
{
	CU_pSuite s = CU_add_suite("permits", NULL, NULL);
	CU_add_test(s, "as many as the limit are given", as_many_as_the_limit_are_given);
	CU_add_test(s, "without a limit nothing is done", without_a_limit_nothing_is_done);
	CU_add_test(s, "a file that cannot be used lets compiles run", a_file_that_cannot_be_used_lets_compiles_run);
	CU_add_test(s, "a killed holder frees its permit", a_killed_holder_frees_its_permit);
	CU_add_test(s, "what the host runs counts", what_the_host_runs_counts);
	CU_add_test(s, "nobody passes who has waited", nobody_passes_who_has_waited);
	CU_add_test(s, "processes and threads keep the limit", processes_and_threads_keep_the_limit);
	CU_add_test(s, "a service keeps the limit", a_service_keeps_the_limit);
	CU_add_test(s, "only a compile waits", only_a_compile_waits);
	CU_add_test(s, "below a permit none is needed", below_a_permit_none_is_needed);
	CU_add_test(s, "a host says its limits", a_host_says_its_limits);
}
