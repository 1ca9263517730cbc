/* store: files appear whole, and sizes are counted. Times are set by utimensat. */
#include "store_room.h"

#include <errno.h>

void suite_store(void);

static void what_is_written_is_read(void)
{
	struct room room;
	struct store s;
	struct buf b = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	struct digest key = key_number(1);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT_FALSE(room_has(&room, "embedded"));
	SAME_NUMBER(put(&s, STORE_ENTRY, 1, 5000), 0);
	SAME_NUMBER(put(&s, STORE_MANIFEST, 1, 10), 0);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, &err), 0);
	SAME_NUMBER(b.len, 5000);
	SAME_NUMBER(strspn(b.data, "b"), 5000);
	buf_clear(&b);
	SAME_NUMBER(store_read(&s, STORE_MANIFEST, &key, &b, &err), 0);
	SAME_NUMBER(b.len, 10);
	/* What a reader has open stays what it was; the next one sees the new file. */
	SAME_NUMBER(put(&s, STORE_MANIFEST, 1, 20), 0);
	buf_clear(&b);
	SAME_NUMBER(store_read(&s, STORE_MANIFEST, &key, &b, &err), 0);
	SAME_NUMBER(b.len, 20);
	CU_ASSERT(room_has(&room, "embedded/v1/CACHEDIR.TAG"));
	store_remove(&s, STORE_MANIFEST, &key);
	buf_clear(&b);
	SAME_NUMBER(store_read(&s, STORE_MANIFEST, &key, &b, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT(is_there(&s, STORE_ENTRY, 1));
	buf_release(&b);
	store_release(&s);
	room_release(&room);
}

static void paths_follow_the_key(void)
{
	struct store s;
	struct digest key = {{0}};
	SAME_NUMBER(store_init(&s, "/cache", MANY, true, NULL), 0);
	key.bytes[0] = 0xab;
	SAME_OWNED(store_path(&s, STORE_ENTRY, &key),
	           "/cache/embedded/v1/ab/00000000000000000000000000000000000000000000000000000000000000.e");
	SAME_OWNED(store_path(&s, STORE_MANIFEST, &key),
	           "/cache/embedded/v1/ab/00000000000000000000000000000000000000000000000000000000000000.m");
	store_release(&s);
}

static void sizes_are_counted_in_blocks(void)
{
	struct room room;
	struct store s, other;
	struct digest key;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 1);
	expect_totals(&s, BLOCK, 1);
	put(&s, STORE_ENTRY, 2, BLOCK);
	put(&s, STORE_MANIFEST, 2, BLOCK + 1);
	expect_totals(&s, 4 * BLOCK, 2);
	/* A file in place of another counts its difference. */
	put(&s, STORE_ENTRY, 1, 3 * BLOCK);
	expect_totals(&s, 6 * BLOCK, 2);
	put(&s, STORE_ENTRY, 1, 1);
	expect_totals(&s, 4 * BLOCK, 2);
	/* Another process sees the same. */
	open_store(&other, &room, MANY);
	expect_totals(&other, 4 * BLOCK, 2);
	key = key_number(2);
	store_remove(&other, STORE_MANIFEST, &key);
	store_remove(&other, STORE_MANIFEST, &key);
	expect_totals(&s, 2 * BLOCK, 2);
	store_remove(&other, STORE_ENTRY, &key);
	expect_totals(&s, BLOCK, 1);
	store_release(&other);
	store_release(&s);
	room_release(&room);
}

/* The same number many times, from an offset on. */
static void put_numbers(const char *file, off_t at, uint64_t number, size_t count)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	for (size_t i = 0; i < count; i++)
		SAME_NUMBER(pwrite(fd, &number, sizeof number, at + (off_t)(i * sizeof number)), sizeof number);
	close(fd);
}

static void recounting_mends_wrong_sizes(void)
{
	struct room room;
	struct store s;
	soldr_report report = {.struct_size = sizeof report};
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < 20; n++) {
		put(&s, STORE_ENTRY, n, 10);
		put(&s, STORE_MANIFEST, n, 10);
	}
	store_account(&s, 3, 1000000, 77);
	store_account(&s, 4, -5000000, -99);
	SAME_NUMBER(store_recount(&s, &report, NULL), 0);
	expect_totals(&s, 40 * BLOCK, 20);
	store_release(&s);
	/* The file is garbage, or gone: it is counted anew. */
	room_put(&room, "embedded/v1/size", "garbage garbage garbage");
	open_store(&s, &room, MANY);
	store_count(&s, UINT64_MAX);
	expect_totals(&s, 40 * BLOCK, 20);
	store_release(&s);
	/* Sums and a number of uncounted shards that cannot be: neither an overflow nor counting without end. */
	put_numbers(room_path(&room, "embedded/v1/size"), 64, UINT64_MAX / 3, 2 * STORE_SHARDS);
	put_numbers(room_path(&room, "embedded/v1/size"), 24, (uint64_t)1 << 60, 1);
	open_store(&s, &room, MANY);
	store_count(&s, UINT64_MAX);
	expect_totals(&s, 40 * BLOCK, 20);
	store_release(&s);
	put_numbers(room_path(&room, "embedded/v1/size"), 64, INT64_MAX, 2 * STORE_SHARDS);
	open_store(&s, &room, MANY);
	expect_totals(&s, 0, 0);
	SAME_NUMBER(store_recount(&s, &report, NULL), 0);
	expect_totals(&s, 40 * BLOCK, 20);
	store_release(&s);
	CU_ASSERT_EQUAL(unlink(room_path(&room, "embedded/v1/size")), 0);
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 20, 10);
	expect_totals(&s, 41 * BLOCK, 21);
	store_release(&s);
	room_release(&room);
}

/* Counters below zero, as after a crash, are no huge sums. */
static void sums_below_zero_are_zero(void)
{
	struct room room;
	struct store s;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 1);
	store_account(&s, 9, -100 * BLOCK, -100);
	expect_totals(&s, 0, 0);
	store_release(&s);
	room_release(&room);
}

/* Numbers that a flipped bit makes: they are counted anew, and nothing waits for as many shards as they say. */
static void absurd_sums_are_counted_anew(void)
{
	static const struct {
		long at; /* in the file: docs/formats.md */
		uint64_t value;
	} flips[] = {
		{24, (uint64_t)1 << 60}, {64, (uint64_t)1 << 62}, {64, (uint64_t)-1 << 40}, {72, (uint64_t)1 << 60}, {72, (uint64_t)1 << 63},
	};
	struct room room;
	struct store s;
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	for (unsigned n = 0; n < 20; n++)
		put(&s, STORE_ENTRY, n, 10);
	store_count(&s, UINT64_MAX);
	store_release(&s);
	for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
		int fd = open(room_path(&room, "embedded/v1/size"), O_RDWR | O_CLOEXEC);
		SAME_NUMBER(pwrite(fd, &flips[i].value, sizeof flips[i].value, flips[i].at), sizeof flips[i].value);
		close(fd);
		open_store(&s, &room, MANY);
		store_count(&s, UINT64_MAX);
		expect_totals(&s, 20 * BLOCK, 20);
		store_release(&s);
	}
	room_release(&room);
}

static void litter_is_swept_and_strangers_stay(void)
{
	struct room room;
	struct store s;
	struct buf shard = BUF_INIT;
	struct digest key = key_number(1);
	soldr_report report = {.struct_size = sizeof report};
	struct timespec old[2];
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 10);
	buf_addf(&shard, "embedded/v1/%02x/", key.bytes[0]);
	size_t n = shard.len;
	clock_gettime(CLOCK_REALTIME, &old[0]);
	old[0].tv_sec -= STORE_TEMP_MAX_AGE + 60;
	old[1] = old[0];
	static const struct {
		const char *name;
		bool is_old, stays;
	} files[] = {
		{FS_TEMP_PREFIX "1.2.3", true, false},
		{FS_TEMP_PREFIX "4.5.6", false, true}, /* its writer may still be at it */
		{"README", true, true},
		{".hidden", true, true},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		shard.len = n;
		buf_adds(&shard, files[i].name);
		const char *path = room_put(&room, shard.data, "x");
		if (files[i].is_old)
			CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, old, 0), 0);
	}
	SAME_NUMBER(store_recount(&s, &report, NULL), 0);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		shard.len = n;
		buf_adds(&shard, files[i].name);
		CU_ASSERT_EQUAL(room_has(&room, shard.data), files[i].stays);
	}
	expect_totals(&s, BLOCK, 1);
	buf_release(&shard);
	store_release(&s);
	room_release(&room);
}

static void links_in_the_store_are_not_followed(void)
{
	struct room room;
	struct store s;
	struct buf b = BUF_INIT;
	struct digest key = key_number(1);
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 10);
	char *path = store_path(&s, STORE_ENTRY, &key);
	const char *victim = room_put(&room, "victim", "text");
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(symlink(victim, path), 0);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), SOLDR_E_IO);
	/* A write puts a file in the link's place. */
	SAME_NUMBER(put(&s, STORE_ENTRY, 1, 10), 0);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	SAME_NUMBER(b.len, 10);
	buf_clear(&b);
	SAME_NUMBER(fs_read_file(victim, 100, &b, NULL), 0);
	SAME(b.data, "text");
	free(path);
	buf_release(&b);
	store_release(&s);
	room_release(&room);
}

/* ---- faults --------------------------------------------------------------------------------- */

static struct sys_calls real;

static size_t room_left; /* bytes that the disk still takes */

static ssize_t full_write(int fd, const void *data, size_t len)
{
	if (!room_left) {
		errno = ENOSPC;
		return -1;
	}
	size_t n = len < room_left ? len : room_left;
	room_left -= n;
	return real.write(fd, data, n);
}

static int no_rename(const char *from, const char *to)
{
	(void)from, (void)to;
	errno = EROFS;
	return -1;
}

static void a_full_disk_leaves_the_old_file(void)
{
	struct room room;
	struct store s;
	struct buf b = BUF_INIT;
	struct digest key = key_number(1), other = key_number(2);
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 100);
	real = sys;
	for (size_t left = 0; left < 5000; left += 1111) {
		sys.write = full_write;
		room_left = left;
		SAME_NUMBER(put(&s, STORE_ENTRY, 1, 5000), SOLDR_E_IO);
		room_left = left;
		SAME_NUMBER(put(&s, STORE_ENTRY, 2, 5000), SOLDR_E_IO);
		sys = real;
	}
	sys.rename = sys.exchange = no_rename;
	SAME_NUMBER(put(&s, STORE_ENTRY, 1, 5000), SOLDR_E_IO);
	sys = real;
	expect_totals(&s, BLOCK, 1);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	SAME_NUMBER(b.len, 100);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &other, &b, NULL), SOLDR_E_NOT_FOUND);
	char *path = store_path(&s, STORE_ENTRY, &key), *dir = path_dir(path);
	SAME_NUMBER(count_names(dir, FS_TEMP_PREFIX), 0);
	free(path);
	free(dir);
	buf_release(&b);
	store_release(&s);
	room_release(&room);
}

static void a_store_that_vanishes_is_made_again(void)
{
	struct room room;
	struct store s;
	struct buf b = BUF_INIT;
	struct digest key = key_number(1);
	room_init(&room, "store");
	open_store(&s, &room, MANY);
	put(&s, STORE_ENTRY, 1, 100);
	SAME_NUMBER(fs_remove_tree(room_path(&room, "embedded"), NULL, NULL, NULL), 0);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), SOLDR_E_NOT_FOUND);
	SAME_NUMBER(put(&s, STORE_ENTRY, 1, 200), 0);
	SAME_NUMBER(store_read(&s, STORE_ENTRY, &key, &b, NULL), 0);
	SAME_NUMBER(b.len, 200);
	buf_release(&b);
	store_release(&s);
	room_release(&room);
}

/* ---- several processes ------------------------------------------------------------------------ */

enum { WRITERS = 4, ROUNDS = 300, KEYS = 12 };

/* Writes and reads keys that the others write too: whatever is read is whole and of one writer. */
static void write_and_read(struct room *room, unsigned seed)
{
	struct store s;
	if (store_init(&s, room->dir, 8 * 3 * BLOCK, false, NULL) != 0)
		_exit(1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned n = (i * 7 + seed * 5) % KEYS;
		struct digest key = key_number(n);
		struct buf b = BUF_INIT;
		for (size_t k = 0; k < 3 * BLOCK - 100 * seed; k++)
			buf_addc(&b, (char)('0' + seed));
		if (store_write(&s, STORE_ENTRY, &key, &b, NULL) != 0)
			_exit(2);
		buf_clear(&b);
		int rc = store_read(&s, STORE_ENTRY, &key, &b, NULL);
		if (rc != 0 && rc != SOLDR_E_NOT_FOUND)
			_exit(3);
		if (rc == 0) {
			unsigned writer = (unsigned)(b.data[0] - '0');
			const char same[] = {b.data[0], 0};
			if (writer >= WRITERS || b.len != 3 * BLOCK - 100 * writer || strspn(b.data, same) != b.len)
				_exit(4);
		}
		buf_release(&b);
	}
	store_release(&s);
	_exit(0);
}

static void writers_of_one_key_are_all_right(void)
{
	struct room room;
	struct store s;
	uint64_t bytes, entries;
	soldr_report report = {.struct_size = sizeof report};
	room_init(&room, "store");
	fflush(NULL);
	for (unsigned i = 0; i < WRITERS; i++)
		if (fork() == 0)
			write_and_read(&room, i);
	for (unsigned i = 0; i < WRITERS; i++) {
		int status = -1;
		wait(&status);
		SAME_NUMBER(status, 0);
	}
	/* What is there keeps the limit but for what raced last; the sums may have drifted by as much. */
	open_store(&s, &room, 8 * 3 * BLOCK);
	store_recount(&s, &report, NULL);
	store_totals(&s, &bytes, &entries);
	CU_ASSERT(bytes <= (8 + WRITERS) * 3 * BLOCK);
	store_evict(&s, &report, NULL);
	store_totals(&s, &bytes, &entries);
	CU_ASSERT(bytes <= 8 * 3 * BLOCK);
	store_release(&s);
	room_release(&room);
}

void suite_store(void)
{
	CU_pSuite s = CU_add_suite("store", NULL, NULL);
	CU_add_test(s, "what is written is read", what_is_written_is_read);
	CU_add_test(s, "paths follow the key", paths_follow_the_key);
	CU_add_test(s, "sizes are counted in blocks", sizes_are_counted_in_blocks);
	CU_add_test(s, "s02: recounting mends wrong sizes", recounting_mends_wrong_sizes);
	CU_add_test(s, "sums below zero are zero", sums_below_zero_are_zero);
	CU_add_test(s, "s02: absurd sums are counted anew", absurd_sums_are_counted_anew);
	CU_add_test(s, "s01: litter is swept and strangers stay", litter_is_swept_and_strangers_stay);
	CU_add_test(s, "s09: links in the store are not followed", links_in_the_store_are_not_followed);
	CU_add_test(s, "s03: a full disk leaves the old file", a_full_disk_leaves_the_old_file);
	CU_add_test(s, "s03: a store that vanishes is made again", a_store_that_vanishes_is_made_again);
	CU_add_test(s, "s12: writers of one key are all right", writers_of_one_key_are_all_right);
}
