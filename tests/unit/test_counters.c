/* counters: sums that stay exact however many processes count, damaged files, and the table of reasons. */
#include "counters.h"
#include "room.h"

void suite_counters(void);

static soldr_result result_of(uint32_t outcome, const char *reason, uint64_t saved)
{
	soldr_result r = {.struct_size = sizeof r, .outcome = outcome, .time_saved_ns = saved};
	snprintf(r.reason, sizeof r.reason, "%s", reason);
	return r;
}

static struct counter_totals read_totals(const char *file)
{
	struct counter_totals t;
	memset(&t, 0x5a, sizeof t);
	SAME_NUMBER(counters_read(file, &t, NULL), 0);
	return t;
}

static void every_outcome_has_its_counter(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "counters");
	const char *file = room_path(&room, "deep/er/counters");
	struct counters *c = counters_open(file, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	static const struct {
		uint32_t outcome;
		const char *reason;
		uint64_t saved;
		bool failed;
	} all[] = {
		{SOLDR_OUTCOME_HIT, "", 100, false},
		{SOLDR_OUTCOME_HIT, "input_changed", 20, false}, /* a hit has no reason: none is counted */
		{SOLDR_OUTCOME_ERROR_HIT, "", 3, true},
		{SOLDR_OUTCOME_MISS, "not_seen", 5000, false},
		{SOLDR_OUTCOME_BYPASS, "link", 0, true},
		{SOLDR_OUTCOME_BYPASS, "no_such_reason", 0, false},
		{SOLDR_OUTCOME_PASSTHROUGH, "null_backend", 0, false},
		{SOLDR_OUTCOME_FALLBACK, "", 0, false},
		{4711, "link", 0, false},
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		soldr_result r = result_of(all[i].outcome, all[i].reason, all[i].saved);
		counters_add(c, &r, all[i].failed);
	}
	counters_add_lost_events(c, 4);
	counters_close(c);
	struct counter_totals t = read_totals(file);
	SAME_NUMBER(t.audit_lost_events, 4);
	SAME_NUMBER(t.compilations, 9);
	SAME_NUMBER(t.hits, 3);
	SAME_NUMBER(t.error_hits, 1);
	SAME_NUMBER(t.misses, 1);
	SAME_NUMBER(t.non_cacheable, 2);
	SAME_NUMBER(t.passthrough, 1);
	SAME_NUMBER(t.fallbacks, 1);
	SAME_NUMBER(t.errors, 2);
	SAME_NUMBER(t.time_saved_ns, 123);
	SAME_NUMBER(t.reasons[SOLDR_REASON_INPUT_CHANGED], 0);
	SAME_NUMBER(t.reasons[SOLDR_REASON_NOT_SEEN], 1);
	SAME_NUMBER(t.reasons[SOLDR_REASON_LINK], 2);
	SAME_NUMBER(t.reasons[SOLDR_REASON_OTHER], 1);
	SAME_NUMBER(t.reasons[SOLDR_REASON_NONE], 1);
	CU_ASSERT(t.since_unix > 1600000000);

	SAME_NUMBER(counters_zero(file, &err), 0);
	t = read_totals(file);
	SAME_NUMBER(t.compilations + t.hits + t.time_saved_ns + t.reasons[SOLDR_REASON_LINK], 0);
	CU_ASSERT(t.since_unix > 1600000000);
	room_release(&room);
}

static void without_a_file_nothing_is_counted(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_result r = result_of(SOLDR_OUTCOME_HIT, "", 1);
	room_init(&room, "counters");
	counters_add(NULL, &r, false);
	counters_close(NULL);
	struct counter_totals t = read_totals(room_path(&room, "none"));
	SAME_NUMBER(t.compilations + t.since_unix, 0);
	CU_ASSERT_FALSE(room_has(&room, "none"));
	room_put(&room, "plain", "");
	CU_ASSERT_PTR_NULL(counters_open(room_path(&room, "plain/below"), &err));
	HOLDS(err.message, "plain");
	CU_ASSERT_PTR_NULL(counters_open(room.dir, NULL));
	SAME_NUMBER(counters_read(room.dir, &t, &err), SOLDR_E_INVALID);
	CU_ASSERT(counters_zero(room.dir, NULL) != 0);
	CU_ASSERT_EQUAL(symlink("plain", room_path(&room, "link")), 0);
	CU_ASSERT_PTR_NULL(counters_open(room_path(&room, "link"), &err));
	room_release(&room);
}

/* Foreign bytes are made a new file, shorter and longer than ours. */
static void damaged_files_begin_anew(void)
{
	static const size_t sizes[] = {1, 7, 8, 63, 64, 100, 1000, 3000, 3999, 20000};
	struct room room;
	char garbage[20000];
	room_init(&room, "counters");
	for (size_t i = 0; i < sizeof garbage; i++)
		garbage[i] = (char)(i * 31 + 7);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const char *file = room_put_bytes(&room, "garbage", garbage, sizes[i]);
		struct counter_totals t = read_totals(file);
		SAME_NUMBER(t.compilations, 0);
		struct counters *c = counters_open(file, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		soldr_result r = result_of(SOLDR_OUTCOME_MISS, "not_seen", 0);
		counters_add(c, &r, false);
		counters_close(c);
		t = read_totals(file);
		SAME_NUMBER(t.compilations, 1);
		SAME_NUMBER(t.misses, 1);
		SAME_NUMBER(t.hits + t.errors + t.fallbacks + t.passthrough + t.time_saved_ns, 0);
		uint64_t reasons = 0;
		for (int k = 0; k < SOLDR_REASON_COUNT; k++)
			reasons += t.reasons[k];
		SAME_NUMBER(reasons, 1);
	}
	/* Another format of ours. */
	struct buf b = room_get(&room, "garbage");
	b.data[8]++;
	const char *newer = room_put_bytes(&room, "newer", b.data, b.len);
	SAME_NUMBER(read_totals(newer).compilations, 0);
	buf_release(&b);
	room_release(&room);
}

enum { PROCESSES = 8, ADDS = 1000 };

static void count_when_told(const char *file, int gate)
{
	char go;
	if (read(gate, &go, 1) != 0) /* end of file: all may start */
		_exit(1);
	struct counters *c = counters_open(file, NULL);
	if (!c)
		_exit(2);
	for (int i = 0; i < ADDS; i++) {
		soldr_result hit = result_of(SOLDR_OUTCOME_HIT, "", 3), miss = result_of(SOLDR_OUTCOME_MISS, "input_changed", 0);
		counters_add(c, i % 4 ? &hit : &miss, i % 10 == 0);
	}
	counters_close(c);
	_exit(0);
}

/* The first open of a new file is raced for as well; several rounds, since the race is short. */
static void sums_are_exact_in_parallel(void)
{
	struct room room;
	room_init(&room, "counters");
	for (int round = 0; round < 10; round++) {
		char name[32];
		int gate[2];
		pid_t children[PROCESSES];
		snprintf(name, sizeof name, "d%d/counters", round);
		const char *file = room_path(&room, name);
		CU_ASSERT_EQUAL_FATAL(pipe2(gate, O_CLOEXEC), 0);
		fflush(NULL);
		for (int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (children[i] == 0) {
				close(gate[1]);
				count_when_told(file, gate[0]);
			}
		}
		close(gate[1]);
		for (int i = 0; i < PROCESSES; i++) {
			int status = -1;
			waitpid(children[i], &status, 0);
			SAME_NUMBER(status, 0);
		}
		close(gate[0]);
		struct counter_totals t = read_totals(file);
		SAME_NUMBER(t.compilations, PROCESSES * ADDS);
		SAME_NUMBER(t.misses, PROCESSES * ADDS / 4);
		SAME_NUMBER(t.hits, PROCESSES * ADDS / 4 * 3);
		SAME_NUMBER(t.time_saved_ns, PROCESSES * ADDS / 4 * 3 * 3);
		SAME_NUMBER(t.errors, PROCESSES * ADDS / 10);
		SAME_NUMBER(t.reasons[SOLDR_REASON_INPUT_CHANGED], PROCESSES * ADDS / 4);
	}
	room_release(&room);
}

static void every_reason_has_its_row(void)
{
	soldr_result r;
	for (int i = 0; i < SOLDR_REASON_COUNT; i++) {
		const char *name = reason_name((enum soldr_reason)i);
		CU_ASSERT_EQUAL(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")], 0);
		CU_ASSERT(*name && strlen(name) < sizeof r.reason);
		CU_ASSERT(*reason_text((enum soldr_reason)i) != 0);
		SAME_NUMBER(reason_index(name), i);
		CU_ASSERT(reason_kind((enum soldr_reason)i) <= SOLDR_REASON_KIND_BACKEND);
		/* Who is refused, or meets a fault, is told what to do. */
		enum soldr_reason_kind kind = reason_kind((enum soldr_reason)i);
		if (kind == SOLDR_REASON_KIND_REFUSAL || kind == SOLDR_REASON_KIND_FAULT)
			CU_ASSERT(*reason_mend((enum soldr_reason)i) != 0);
	}
	SAME(reason_mend(SOLDR_REASON_NONE), "");
	SAME_NUMBER(reason_index(""), SOLDR_REASON_NONE);
	SAME_NUMBER(reason_index(NULL), SOLDR_REASON_NONE);
	SAME_NUMBER(reason_index("Link"), SOLDR_REASON_OTHER);
	SAME(reason_name((enum soldr_reason)100000), "other");
	SAME_NUMBER(reason_kind(SOLDR_REASON_LINK), SOLDR_REASON_KIND_REFUSAL);
	SAME_NUMBER(reason_kind(SOLDR_REASON_DISK_FULL), SOLDR_REASON_KIND_FAULT);
	SAME(outcome_name(SOLDR_OUTCOME_ERROR_HIT), "error_hit");
	SAME(outcome_name(SOLDR_OUTCOME_FALLBACK), "fallback");
	SAME(outcome_name(SOLDR_OUTCOME_FALLBACK + 1), "unknown");
}

void suite_counters(void)
{
	CU_pSuite s = CU_add_suite("counters", NULL, NULL);
	CU_add_test(s, "every outcome has its counter", every_outcome_has_its_counter);
	CU_add_test(s, "without a file nothing is counted", without_a_file_nothing_is_counted);
	CU_add_test(s, "s02: damaged files begin anew", damaged_files_begin_anew);
	CU_add_test(s, "s12: sums are exact in parallel", sums_are_exact_in_parallel);
	CU_add_test(s, "every reason has its row", every_reason_has_its_row);
}
