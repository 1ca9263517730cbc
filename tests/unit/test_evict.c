/*
 * evict: the store stays under its limit with the oldest gone first, in steps
 * that keep no compile waiting. Times are set by utimensat.
 */
#include "store_room.h"

#include <errno.h>

void suite_evict(void);

static void the_limit_is_kept_and_the_oldest_go(void)
{
	enum { LIMIT = 100 * BLOCK };
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	room_init(&room, "store");
	open_store(&s, &room, LIMIT);
	for (unsigned n = 0; n < 100; n++) {
		SAME_NUMBER(put(&s, STORE_ENTRY, n, BLOCK), 0);
		/* Not in the order of keys or of writing. */
		set_age(&s, STORE_ENTRY, n, 1000 + (long)n * 37 % 100 * 100); /* far apart, however long this takes */
	}
	expect_totals(&s, LIMIT, 100);
	SAME_NUMBER(put(&s, STORE_ENTRY, 100, BLOCK), 0);
	store_totals(&s, &bytes, &entries);
	SAME_NUMBER(bytes, LIMIT / 10 * 9);
	SAME_NUMBER(entries, 90);
	CU_ASSERT(is_there(&s, STORE_ENTRY, 100));
	for (unsigned n = 0; n < 100; n++) {
		bool oldest = n * 37 % 100 >= 89;
		if (is_there(&s, STORE_ENTRY, n) == oldest)
			fprintf(stderr, "\nentry %u of age %u\n", n, n * 37 % 100);
		CU_ASSERT_EQUAL(is_there(&s, STORE_ENTRY, n), !oldest);
	}
	/* The sums are true. */
	soldr_report report = {.struct_size = sizeof report};
	store_recount(&s, &report, NULL);
	expect_totals(&s, LIMIT / 10 * 9, 90);
	store_release(&s);
	room_release(&room);
}

static void a_read_renews_an_old_file(void)
{
	struct room room;
	struct store s;
	struct buf b = BUF_INIT;
	struct digest key = key_number(1);
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 10);
	set_age(&s, STORE_ENTRY, 1, STORE_TOUCH_SECONDS * 10);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	CU_ASSERT(age_of(&s, STORE_ENTRY, 1) < STORE_TOUCH_SECONDS);
	/* Not more often than once an hour. */
	set_age(&s, STORE_ENTRY, 1, STORE_TOUCH_SECONDS / 2);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	CU_ASSERT(age_of(&s, STORE_ENTRY, 1) > STORE_TOUCH_SECONDS / 4);
	/* A time of the future would keep it for ever. */
	set_age(&s, STORE_ENTRY, 1, -STORE_TOUCH_SECONDS * 10);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	CU_ASSERT(age_of(&s, STORE_ENTRY, 1) > -STORE_TOUCH_SECONDS);
	store_release(&s);
	/* A read-only user leaves it alone. */
	SAME_NUMBER(store_init(&s, room.dir, MANY, true, NULL), 0);
	set_age(&s, STORE_ENTRY, 1, STORE_TOUCH_SECONDS * 10);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	CU_ASSERT(age_of(&s, STORE_ENTRY, 1) > STORE_TOUCH_SECONDS);
	store_release(&s);
	buf_release(&b);
	room_release(&room);
}

static void an_entry_above_the_limit_is_no_error(void)
{
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	room_init(&room, "store");
	open_store(&s, &room, 10 * BLOCK);
	for (unsigned n = 0; n < 5; n++)
		SAME_NUMBER(put(&s, STORE_ENTRY, n, BLOCK), 0);
	SAME_NUMBER(put(&s, STORE_ENTRY, 9, 20 * BLOCK), 0);
	store_totals(&s, &bytes, &entries);
	CU_ASSERT(bytes <= 10 * BLOCK);
	/* And the store goes on. */
	SAME_NUMBER(put(&s, STORE_ENTRY, 10, BLOCK), 0);
	CU_ASSERT(is_there(&s, STORE_ENTRY, 10));
	store_release(&s);
	room_release(&room);
}

static void a_lowered_limit_is_reached(void)
{
	struct room room;
	struct store s;
	soldr_report report = {.struct_size = sizeof report};
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < 40; n++) {
		put(&s, STORE_ENTRY, n, BLOCK);
		set_age(&s, STORE_ENTRY, n, 100 + (long)n);
	}
	store_release(&s);
	open_store(&s, &room, 20 * BLOCK);
	SAME_NUMBER(store_evict(&s, &report, NULL), 0);
	SAME_NUMBER(report.files_removed, 22);
	SAME_NUMBER(report.bytes_removed, 22 * BLOCK);
	expect_totals(&s, 18 * BLOCK, 18);
	CU_ASSERT(is_there(&s, STORE_ENTRY, 0) && !is_there(&s, STORE_ENTRY, 39));
	/* Below the limit nothing is touched. */
	report = (soldr_report){.struct_size = sizeof report};
	SAME_NUMBER(store_evict(&s, &report, NULL), 0);
	SAME_NUMBER(report.files_removed, 0);
	store_release(&s);
	room_release(&room);
}

/* More entries than are looked at whole: single shards, until the limit holds. */
static void a_large_store_is_evicted_by_shards(void)
{
	enum { ENTRIES = 2300, LIMIT = 2000 };
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < ENTRIES; n++)
		SAME_NUMBER(put(&s, STORE_ENTRY, n, 1), 0);
	expect_totals(&s, (uint64_t)ENTRIES * BLOCK, ENTRIES);
	store_release(&s);
	open_store(&s, &room, (uint64_t)LIMIT * BLOCK);
	SAME_NUMBER(put(&s, STORE_ENTRY, ENTRIES, 1), 0);
	store_totals(&s, &bytes, &entries);
	CU_ASSERT(bytes <= (uint64_t)LIMIT * BLOCK);
	/* Not far more than what is asked for. */
	CU_ASSERT(bytes >= (uint64_t)LIMIT / 2 * BLOCK);
	soldr_report report = {.struct_size = sizeof report};
	store_recount(&s, &report, NULL);
	expect_totals(&s, bytes, entries);
	store_release(&s);
	room_release(&room);
}

/* ---- upkeep in steps ------------------------------------------------------------------------ */

static struct sys_calls real;
static unsigned looked_at, removed;

static int count_fstatat(int dir, const char *path, struct stat *st, int flags)
{
	looked_at++;
	return real.fstatat(dir, path, st, flags);
}

static int count_unlink(const char *path)
{
	removed++;
	return real.unlink(path);
}

static void count_calls(void)
{
	real = sys;
	sys.fstatat = count_fstatat;
	sys.unlink = count_unlink;
	looked_at = removed = 0;
}

static char *path_in_one_shard(struct store *s, unsigned n)
{
	struct digest key = key_number(1000000 + n);
	key.bytes[0] = 0;
	return store_path(s, n % 2 ? STORE_MANIFEST : STORE_ENTRY, &key);
}

/* Files of one block, all in shard 0, the first ones oldest, without going through store_write. */
static void fill_one_shard(struct store *s, unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		char *path = path_in_one_shard(s, n), *dir = path_dir(path);
		struct timespec t = {.tv_sec = time(NULL) - 1000000 + (time_t)n}, times[2] = {t, t};
		if (n == 0)
			SAME_NUMBER(fs_make_dirs(dir, 0700, NULL), 0);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		CU_ASSERT_FATAL(fd >= 0);
		CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
		CU_ASSERT_EQUAL(futimens(fd, times), 0);
		close(fd);
		free(dir);
		free(path);
	}
}

static unsigned left_of(struct store *s, unsigned from, unsigned to)
{
	unsigned left = 0;
	for (unsigned n = from; n < to; n++) {
		char *path = path_in_one_shard(s, n);
		left += access(path, F_OK) == 0;
		free(path);
	}
	return left;
}

/* A shard of far more files than a step may look at: its turn comes as often as there are parts of it, and once more. */
static void a_step_of_eviction_is_bounded(void)
{
	enum { FILES = 3 * STORE_SAMPLE_MAX, SHARE = FILES / 2, ROUNDS_OF_PARTS = 8 };
	const struct store_shard_size full = {(uint64_t)FILES * BLOCK, FILES / 2};
	struct room room;
	struct store s;
	room_init(&room, "store");
	open_store(&s, &room, (uint64_t)STORE_SHARDS * SHARE * BLOCK);
	fill_one_shard(&s, FILES);
	store_count(&s, UINT64_MAX);
	for (unsigned i = 1; i < STORE_SHARDS; i++) /* as if the others were as full */
		store_set_shard(&s, i, &full);
	for (unsigned round = 0; round < ROUNDS_OF_PARTS; round++) {
		count_calls();
		store_upkeep(&s, NULL);
		sys = real;
		CU_ASSERT(looked_at > STORE_SAMPLE_MAX / 4 && looked_at <= 2 * STORE_SAMPLE_MAX);
		CU_ASSERT(removed <= STORE_SAMPLE_MAX && (removed > 0 || round > 3));
		while (store_next_turn(&s) % STORE_SHARDS != STORE_SHARDS - 1)
			;
	}
	SAME_NUMBER(left_of(&s, 0, FILES / 4), 0);
	SAME_NUMBER(left_of(&s, FILES / 4 * 3, FILES), FILES / 4);
	unsigned left = left_of(&s, 0, FILES);
	CU_ASSERT(left > SHARE / 10 * 7 && left <= SHARE);
	SAME_NUMBER(store_shards(&s)[0].bytes, left * BLOCK);
	store_release(&s);
	room_release(&room);
}

/* However slow the disk is, each write removes more files than a compile adds, and the limit is reached. */
static void a_step_without_time_still_gets_on(void)
{
	enum { FILES = 600, LIMIT = 256 };
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < FILES; n++)
		put(&s, STORE_ENTRY, n, 1);
	store_release(&s);
	open_store(&s, &room, (uint64_t)LIMIT * BLOCK);
	s.step_ns = 0;
	unsigned writes = 0;
	for (bytes = MANY; bytes > (uint64_t)LIMIT * BLOCK && writes < FILES; writes++) {
		count_calls();
		SAME_NUMBER(put(&s, STORE_ENTRY, FILES + writes, 1), 0);
		sys = real;
		CU_ASSERT(looked_at <= 200 && removed <= 4);
		store_totals(&s, &bytes, &entries);
	}
	CU_ASSERT(writes > 50 && writes < FILES);
	store_release(&s);
	room_release(&room);
}

/* The sizes file is gone: each write counts one shard at least, and in the end the sums are true. */
static void a_lost_sizes_file_is_counted_in_steps(void)
{
	enum { FILES = 400 };
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	soldr_report report = {.struct_size = sizeof report};
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < FILES; n++)
		put(&s, STORE_ENTRY, n, 1);
	store_release(&s);
	CU_ASSERT_EQUAL(unlink(room_path(&room, "embedded/v1/size")), 0);
	open_store(&s, &room, MANY);
	s.step_ns = 0;
	for (unsigned n = 0; n < STORE_SHARDS; n++) {
		count_calls();
		SAME_NUMBER(put(&s, STORE_ENTRY, FILES + n, 1), 0);
		sys = real;
		CU_ASSERT(looked_at <= 20);
		SAME_NUMBER(*store_uncounted(&s), STORE_SHARDS - 1 - n);
	}
	store_totals(&s, &bytes, &entries);
	SAME_NUMBER(entries, FILES + STORE_SHARDS);
	SAME_NUMBER(bytes, (FILES + STORE_SHARDS) * BLOCK);
	/* A shard that takes too long is taken to be like its first files. */
	fill_one_shard(&s, 1000);
	*store_uncounted(&s) = 1;
	count_calls();
	store_count(&s, 0);
	sys = real;
	CU_ASSERT(looked_at <= 100);
	SAME_NUMBER(*store_uncounted(&s), 0);
	store_totals(&s, &bytes, &entries);
	SAME_NUMBER(bytes, (FILES + STORE_SHARDS + 1000) * BLOCK);
	store_recount(&s, &report, NULL);
	expect_totals(&s, (FILES + STORE_SHARDS + 1000) * BLOCK, FILES + STORE_SHARDS + 500);
	store_release(&s);
	room_release(&room);
}

static struct store *other_evictor;

static int evict_by_another_first(const char *path)
{
	soldr_report report = {.struct_size = sizeof report};
	sys.unlink = real.unlink;
	store_evict(other_evictor, &report, NULL);
	SAME_NUMBER(report.files_removed, 11);
	return real.unlink(path);
}

static void two_evictors_remove_what_one_would(void)
{
	enum { FILES = 101, LIMIT = 100 };
	struct room room;
	struct store s, other;
	soldr_report report = {.struct_size = sizeof report};
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < FILES; n++)
		put(&s, STORE_ENTRY, n, 1);
	store_release(&s);
	open_store(&s, &room, (uint64_t)LIMIT * BLOCK);
	open_store(&other, &room, (uint64_t)LIMIT * BLOCK);
	other_evictor = &other;
	real = sys;
	sys.unlink = evict_by_another_first;
	SAME_NUMBER(store_evict(&s, &report, NULL), 0);
	sys = real;
	SAME_NUMBER(report.files_removed, 0);
	expect_totals(&s, 90 * BLOCK, 90);
	store_recount(&s, &report, NULL);
	expect_totals(&s, 90 * BLOCK, 90);
	store_release(&other);
	store_release(&s);
	room_release(&room);
}

static int die_at_the_fifth(const char *path)
{
	if (++removed == 5)
		_exit(7);
	return real.unlink(path);
}

static void a_killed_evictor_loses_nothing(void)
{
	enum { FILES = 100, LIMIT = 80 };
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	int status = -1;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < FILES; n++) {
		put(&s, STORE_ENTRY, n, 1);
		set_age(&s, STORE_ENTRY, n, 1000 - (long)n);
	}
	store_release(&s);
	fflush(NULL);
	if (fork() == 0) {
		soldr_report report = {.struct_size = sizeof report};
		real = sys;
		sys.unlink = die_at_the_fifth;
		removed = 0;
		open_store(&s, &room, (uint64_t)LIMIT * BLOCK);
		store_evict(&s, &report, NULL);
		_exit(0);
	}
	wait(&status);
	SAME_NUMBER(WEXITSTATUS(status), 7);
	open_store(&s, &room, (uint64_t)LIMIT * BLOCK);
	for (unsigned n = 0; n < FILES; n++) /* the four oldest, and no other */
		CU_ASSERT_EQUAL(is_there(&s, STORE_ENTRY, n), n >= 4);
	SAME_NUMBER(put(&s, STORE_ENTRY, FILES, 1), 0);
	store_totals(&s, &bytes, &entries);
	SAME_NUMBER(entries, LIMIT / 10 * 9);
	CU_ASSERT(is_there(&s, STORE_ENTRY, FILES));
	store_release(&s);
	room_release(&room);
}

/* Sums that say too much would evict at every write, for ever. */
static void eviction_mends_sums_that_drifted(void)
{
	struct room room;
	struct store s;
	room_init(&room, "store");
	open_store(&s, &room, 100 * BLOCK);
	for (unsigned n = 0; n < 50; n++)
		put(&s, STORE_ENTRY, n, 1);
	store_account(&s, 7, 1000 * BLOCK, 3);
	SAME_NUMBER(put(&s, STORE_ENTRY, 50, 1), 0);
	expect_totals(&s, 51 * BLOCK, 51);
	store_release(&s);
	room_release(&room);
}

void suite_evict(void)
{
	CU_pSuite s = CU_add_suite("evict", NULL, NULL);
	CU_add_test(s, "s10: the limit is kept and the oldest go", the_limit_is_kept_and_the_oldest_go);
	CU_add_test(s, "s10: a read renews an old file", a_read_renews_an_old_file);
	CU_add_test(s, "s10: an entry above the limit is no error", an_entry_above_the_limit_is_no_error);
	CU_add_test(s, "s10: a lowered limit is reached", a_lowered_limit_is_reached);
	CU_add_test(s, "s10: a large store is evicted by shards", a_large_store_is_evicted_by_shards);
	CU_add_test(s, "s10: a step of eviction is bounded", a_step_of_eviction_is_bounded);
	CU_add_test(s, "s10: a step without time still gets on", a_step_without_time_still_gets_on);
	CU_add_test(s, "s10: a lost sizes file is counted in steps", a_lost_sizes_file_is_counted_in_steps);
	CU_add_test(s, "s10: two evictors remove what one would", two_evictors_remove_what_one_would);
	CU_add_test(s, "s01: a killed evictor loses nothing", a_killed_evictor_loses_nothing);
	CU_add_test(s, "s10: eviction mends sums that drifted", eviction_mends_sums_that_drifted);
}
