/* files: stat tuples, the moment from which a time can be trusted, and the memo of digests. */
#include "files.h"
#include "room.h"

#include <errno.h>

void suite_files(void);

static void tuples_differ_in_any_member(void)
{
	struct stat st = {0};
	struct tuple a, b;
	st.st_dev = 1;
	st.st_ino = 2;
	st.st_size = 3;
	st.st_mtim = (struct timespec){4, 5};
	st.st_ctim = (struct timespec){6, 7};
	tuple_of(&a, &st);
	SAME_NUMBER(a.dev, 1);
	SAME_NUMBER(a.ino, 2);
	SAME_NUMBER(a.size, 3);
	SAME_NUMBER(a.mtime_ns, 4000000005);
	SAME_NUMBER(a.ctime_ns, 6000000007);
	CU_ASSERT(tuple_equal(&a, &a));
	for (int i = 0; i < 5; i++) {
		b = a;
		uint64_t *unsigned_members[] = {&b.dev, &b.ino, &b.size};
		if (i < 3)
			++*unsigned_members[i];
		else
			++*(i == 3 ? &b.mtime_ns : &b.ctime_ns);
		CU_ASSERT_FALSE(tuple_equal(&a, &b));
	}
	/* Before 1970. */
	st.st_mtim = (struct timespec){-1, 999999999};
	tuple_of(&a, &st);
	SAME_NUMBER(a.mtime_ns, -1);
	/* Files can be given any time: centuries away it wraps around, and still differs from its neighbour. */
	st.st_mtim = (struct timespec){INT64_MAX / 2, 999999999};
	tuple_of(&a, &st);
	st.st_mtim.tv_sec++;
	tuple_of(&b, &st);
	CU_ASSERT_FALSE(tuple_equal(&a, &b));
}

static void a_time_is_trusted_when_its_tick_is_over(void)
{
	const int64_t second = 1000000000;
	struct tuple t = {.ctime_ns = 50 * second + 7};
	CU_ASSERT_FALSE(tuple_unsafe_since(&t, 50 * second + 8));
	CU_ASSERT(tuple_unsafe_since(&t, 50 * second + 7));
	CU_ASSERT(tuple_unsafe_since(&t, 50 * second + 6));
	CU_ASSERT(tuple_unsafe_since(&t, 0));
	/* Whole seconds: perhaps the file system keeps no better, or only every second one. */
	t.ctime_ns = 50 * second;
	CU_ASSERT(tuple_unsafe_since(&t, 50 * second + 1));
	CU_ASSERT(tuple_unsafe_since(&t, 52 * second));
	CU_ASSERT_FALSE(tuple_unsafe_since(&t, 52 * second + 1));
	/* The mtime can be set to anything and says nothing. */
	t = (struct tuple){.ctime_ns = 50 * second + 7, .mtime_ns = 90 * second};
	CU_ASSERT_FALSE(tuple_unsafe_since(&t, 51 * second));
}

static void the_clock_is_the_one_of_the_files(void)
{
	struct room room;
	struct stat st;
	struct tuple t;
	room_init(&room, "files");
	for (int i = 0; i < 20; i++) {
		int64_t before = files_clock_ns();
		const char *path = room_put(&room, "f", "x");
		CU_ASSERT_EQUAL(stat(path, &st), 0);
		tuple_of(&t, &st);
		/* A file written after the moment is never taken for older. */
		CU_ASSERT(tuple_unsafe_since(&t, before));
	}
	room_settle(&room);
	CU_ASSERT_FALSE(tuple_unsafe_since(&t, files_clock_ns()));
	room_release(&room);
}

static void files_are_read_with_their_state(void)
{
	struct room room;
	struct buf b = BUF_INIT;
	struct tuple t;
	struct digest d, expected;
	struct stat st;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "files");
	const char *path = room_put_bytes(&room, "sub/f", "con\0tent", 8);
	buf_adds(&b, "before");
	SAME_NUMBER(files_read(AT_FDCWD, path, &b, &t, &d, &err), 0);
	SAME_BYTES(b.data, b.len, "beforecon\0tent", 14);
	digest_of(&expected, "con\0tent", 8);
	CU_ASSERT(digest_equal(&d, &expected));
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	struct tuple now;
	tuple_of(&now, &st);
	CU_ASSERT(tuple_equal(&t, &now));
	buf_release(&b);

	int dir = open(room.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	SAME_NUMBER(files_read(dir, "sub/f", NULL, &t, &d, &err), 0);
	CU_ASSERT(digest_equal(&d, &expected));
	SAME_NUMBER(files_read(dir, "f", NULL, &t, &d, &err), SOLDR_E_NOT_FOUND);
	SAME_NUMBER(files_read(dir, "sub", NULL, &t, &d, &err), SOLDR_E_INVALID);
	SAME_NUMBER(files_read(dir, "sub/f/x", NULL, &t, &d, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(mkfifo(room_path(&room, "fifo"), 0600), 0);
	SAME_NUMBER(files_read(dir, "fifo", NULL, &t, &d, &err), SOLDR_E_INVALID);
	room_put(&room, "empty", "");
	SAME_NUMBER(files_read(dir, "empty", NULL, &t, &d, &err), 0);
	digest_of(&expected, "", 0);
	CU_ASSERT(digest_equal(&d, &expected));
	close(dir);
	room_release(&room);
}

static struct sys_calls real;
static const char *growing; /* appended to after its last byte was read */

static ssize_t read_and_grow(int fd, void *data, size_t len)
{
	ssize_t n = real.read(fd, data, len);
	if (n > 0) {
		int other = open(growing, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (other < 0 || write(other, "x", 1) != 1)
			n = -1;
		close(other);
	}
	return n;
}

static void a_file_that_grows_while_it_is_read_is_refused(void)
{
	struct room room;
	struct tuple t;
	struct digest d;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "files");
	growing = room_put(&room, "f", "text");
	real = sys;
	sys.read = read_and_grow;
	SAME_NUMBER(files_read(AT_FDCWD, growing, NULL, &t, &d, &err), SOLDR_E_BUSY);
	sys = real;
	SAME_NUMBER(files_read(AT_FDCWD, growing, NULL, &t, &d, &err), 0);
	room_release(&room);
}

static void the_memo_reads_each_file_once(void)
{
	struct room room;
	struct digest first;
	room_init(&room, "files");
	room_put(&room, "f", "one");
	struct file_memo m = {.dir = open(room.dir, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	CU_ASSERT_FALSE(memo_has(&m, "f"));
	const struct memo_item *item = memo_get(&m, "f");
	CU_ASSERT_FATAL(item && item->ok);
	first = item->digest;
	room_put(&room, "f", "two");
	item = memo_get(&m, "f");
	CU_ASSERT(item && digest_equal(&item->digest, &first));
	item = memo_get(&m, "none");
	CU_ASSERT(item && !item->ok);
	room_put(&room, "none", "late");
	item = memo_get(&m, "none");
	CU_ASSERT(item && !item->ok);
	SAME_NUMBER(m.len, 2);
	memo_release(&m);
	SAME_NUMBER(m.len, 0);
	item = memo_get(&m, "none");
	CU_ASSERT(item && item->ok);
	memo_release(&m);
	close(m.dir);
	room_release(&room);
}

static void the_memo_is_a_set_of_any_size(void)
{
	struct file_memo m = {.dir = AT_FDCWD};
	char path[32];
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof path, "dir%d/file%d", i % 7, i);
		CU_ASSERT_PTR_NOT_NULL(memo_note(&m, path));
		CU_ASSERT_PTR_NOT_NULL(memo_note(&m, path));
	}
	SAME_NUMBER(m.len, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof path, "dir%d/file%d", i % 7, i);
		CU_ASSERT(memo_has(&m, path));
		snprintf(path, sizeof path, "dir%d/file%d", (i + 1) % 7, i);
		CU_ASSERT_FALSE(memo_has(&m, path));
	}
	CU_ASSERT_FALSE(memo_has(&m, ""));
	memo_release(&m);
}

void suite_files(void)
{
	CU_pSuite s = CU_add_suite("files", NULL, NULL);
	CU_add_test(s, "tuples differ in any member", tuples_differ_in_any_member);
	CU_add_test(s, "s05: a time is trusted when its tick is over", a_time_is_trusted_when_its_tick_is_over);
	CU_add_test(s, "c12: the clock is the one of the files", the_clock_is_the_one_of_the_files);
	CU_add_test(s, "files are read with their state", files_are_read_with_their_state);
	CU_add_test(s, "c12: a file that grows while it is read is refused", a_file_that_grows_while_it_is_read_is_refused);
	CU_add_test(s, "the memo reads each file once", the_memo_reads_each_file_once);
	CU_add_test(s, "the memo is a set of any size", the_memo_is_a_set_of_any_size);
}
