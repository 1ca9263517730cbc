/* fs: whole files and their limits, atomic publication, trees, trust, mapped files; with system calls made to fail. */
#include "room.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

void suite_fs(void);

/* ---- calls that fail on demand ------------------------------------------------------ */

static struct sys_calls real;
static int fault_errno, fault_left; /* the next fault_left calls fail with fault_errno */

static int save_calls(void)
{
	real = sys;
	return 0;
}

static bool faulted(void)
{
	if (fault_left <= 0)
		return false;
	fault_left--;
	errno = fault_errno;
	return true;
}

static ssize_t bad_read(int fd, void *data, size_t len)
{
	return faulted() ? -1 : real.read(fd, data, len > 3 ? 3 : len);
}

static ssize_t bad_write(int fd, const void *data, size_t len)
{
	return faulted() ? -1 : real.write(fd, data, len > 3 ? 3 : len);
}

static ssize_t no_write(int fd, const void *data, size_t len)
{
	(void)fd, (void)data, (void)len;
	return 0;
}

static int bad_open(const char *path, int flags, mode_t mode)
{
	return faulted() ? -1 : real.open(path, flags, mode);
}

static int bad_close(int fd)
{
	int rc = real.close(fd);
	return faulted() ? -1 : rc;
}

static int bad_rename(const char *from, const char *to)
{
	return faulted() ? -1 : real.rename(from, to);
}

static int bad_fstat(int fd, struct stat *st)
{
	return faulted() ? -1 : real.fstat(fd, st);
}

/* As if the file had been empty when it was opened. */
static int early_fstat(int fd, struct stat *st)
{
	int rc = real.fstat(fd, st);
	st->st_size = 0;
	return rc;
}

static void *bad_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return faulted() ? MAP_FAILED : real.mmap(at, len, prot, flags, fd, offset);
}

static void fail_next(int why, int times)
{
	fault_errno = why;
	fault_left = times;
}

static void heal(void)
{
	sys = real;
	fault_left = 0;
}

/* ---- reading -------------------------------------------------------------------------- */

static void expect_read(const char *path, size_t max, int code, int sys_errno, const char *bytes, size_t len)
{
	struct buf b = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	buf_adds(&b, "before ");
	SAME_NUMBER(fs_read_file(path, max, &b, &err), code);
	SAME_NUMBER(err.code, code);
	SAME_NUMBER(err.sys_errno, sys_errno);
	if (code)
		HOLDS(err.message, path);
	SAME_BYTES(buf_str(&b) + 7, b.len - 7, bytes, len);
	SAME_NUMBER(fs_read_file(path, max, &b, NULL), code);
	buf_release(&b);
}

static void whole_files_are_read_up_to_a_limit(void)
{
	struct room room;
	room_init(&room, "fs");
	const char *file = room_put_bytes(&room, "file", "ab\0cd", 5), *empty = room_put(&room, "empty", "");
	expect_read(file, 100, 0, 0, "ab\0cd", 5);
	expect_read(file, 5, 0, 0, "ab\0cd", 5);
	expect_read(file, 4, SOLDR_E_LIMIT, 0, "", 0);
	expect_read(file, 0, SOLDR_E_LIMIT, 0, "", 0);
	expect_read(empty, 0, 0, 0, "", 0);
	/* A huge file is refused by its size, without a byte read. */
	const char *huge = room_put(&room, "huge", "");
	CU_ASSERT_EQUAL(truncate(huge, (off_t)1 << 40), 0);
	expect_read(huge, 1 << 20, SOLDR_E_LIMIT, 0, "", 0);
	room_release(&room);
}

static void what_is_no_regular_file_is_refused_at_once(void)
{
	struct room room;
	room_init(&room, "fs");
	const char *fifo = room_path(&room, "fifo");
	CU_ASSERT_EQUAL(mkfifo(fifo, 0600), 0);
	expect_read(fifo, 100, SOLDR_E_INVALID, 0, "", 0);
	expect_read(room.dir, 100, SOLDR_E_INVALID, 0, "", 0);
	expect_read("/dev/zero", 100, SOLDR_E_INVALID, 0, "", 0);
	expect_read(room_path(&room, "none"), 100, SOLDR_E_NOT_FOUND, ENOENT, "", 0);
	room_put(&room, "plain", "x");
	expect_read(room_path(&room, "plain/below"), 100, SOLDR_E_NOT_FOUND, ENOTDIR, "", 0);
	CU_ASSERT_EQUAL(symlink("loop", room_path(&room, "loop")), 0);
	expect_read(room_path(&room, "loop"), 100, SOLDR_E_IO, ELOOP, "", 0);
	room_release(&room);
}

static void short_and_interrupted_reads_go_on(void)
{
	struct room room;
	room_init(&room, "fs");
	const char *file = room_put(&room, "file", "0123456789");
	sys.read = bad_read;
	struct buf b = BUF_INIT;
	fail_next(EINTR, 4);
	SAME_NUMBER(fs_read_file(file, 10, &b, NULL), 0);
	SAME(b.data, "0123456789");
	fail_next(EIO, 1);
	buf_release(&b);
	soldr_error err = SOLDR_ERROR_INIT;
	SAME_NUMBER(fs_read_file(file, 10, &b, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, EIO);
	heal();
	sys.fstat = bad_fstat;
	fail_next(EIO, 1);
	SAME_NUMBER(fs_read_file(file, 10, &b, &err), SOLDR_E_IO);
	heal();
	buf_release(&b);
	b.max = 5;
	SAME_NUMBER(fs_read_file(file, 10, &b, &err), SOLDR_E_NOMEM);
	buf_release(&b);
	room_release(&room);
}

static void a_file_that_grows_is_read_whole_or_refused(void)
{
	struct room room;
	char text[20000];
	room_init(&room, "fs");
	memset(text, 'g', sizeof text);
	const char *file = room_put_bytes(&room, "file", text, sizeof text);
	struct buf b = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	sys.fstat = early_fstat;
	SAME_NUMBER(fs_read_file(file, sizeof text, &b, &err), 0);
	SAME_BYTES(b.data, b.len, text, sizeof text);
	buf_release(&b);
	SAME_NUMBER(fs_read_file(file, sizeof text - 1, &b, &err), SOLDR_E_LIMIT);
	HOLDS(err.message, "grew past");
	CU_ASSERT(b.len < sizeof text + 8192);
	heal();
	buf_release(&b);
	room_release(&room);
}

static void everything_is_written(void)
{
	struct room room;
	room_init(&room, "fs");
	const char *file = room_put(&room, "file", "");
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	sys.write = bad_write;
	fail_next(EINTR, 3);
	SAME_NUMBER(fs_write_all(fd, "0123456789", 10), 0);
	fail_next(ENOSPC, 1);
	SAME_NUMBER(fs_write_all(fd, "x", 1), ENOSPC);
	sys.write = no_write;
	SAME_NUMBER(fs_write_all(fd, "x", 1), EIO);
	SAME_NUMBER(fs_write_all(fd, "x", 0), 0);
	heal();
	close(fd);
	struct buf b = room_get(&room, "file");
	SAME(buf_str(&b), "0123456789");
	buf_release(&b);
	room_release(&room);
}

/* ---- publication ---------------------------------------------------------------------- */

static void same_file(struct room *room, const char *name, const char *text)
{
	struct buf b = room_get(room, name);
	SAME(buf_str(&b), text);
	buf_release(&b);
}

static void a_file_appears_whole_or_not_at_all(void)
{
	struct room room;
	struct fs_temp t;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	const char *target = room_put(&room, "target", "old");
	SAME_NUMBER(fs_temp_open(&t, target, 0644, &err), 0);
	CU_ASSERT_EQUAL(strncmp(path_base(t.path), FS_TEMP_PREFIX, strlen(FS_TEMP_PREFIX)), 0);
	SAME_OWNED(path_dir(t.path), room.dir);
	CU_ASSERT(fcntl(t.fd, F_GETFD) & FD_CLOEXEC);
	SAME_NUMBER(fs_write_all(t.fd, "new", 3), 0);
	same_file(&room, "target", "old");
	SAME_NUMBER(fs_temp_publish(&t, &err), 0);
	same_file(&room, "target", "new");
	SAME_NUMBER(count_names(room.dir, ""), 1);
	CU_ASSERT_EQUAL(t.fd, -1);
	CU_ASSERT_PTR_NULL(t.path);
	fs_temp_discard(&t);
	same_file(&room, "target", "new");

	SAME_NUMBER(fs_temp_open(&t, target, 0644, &err), 0);
	fs_write_all(t.fd, "newer", 5);
	fs_temp_discard(&t);
	fs_temp_discard(&t);
	same_file(&room, "target", "new");
	SAME_NUMBER(count_names(room.dir, ""), 1);
	t = FS_TEMP_INIT;
	fs_temp_discard(&t);
	room_release(&room);
}

static int bad_exchange(const char *one, const char *other)
{
	return faulted() ? -1 : real.exchange(one, other);
}

/* 0, or what fs_temp_publish() returned for "new" in the place of the target. */
static int publish_over(const char *target, soldr_error *err)
{
	struct fs_temp t;
	int rc = fs_temp_open(&t, target, 0644, err);
	t.replaces = true;
	fs_write_all(t.fd, "new", 3);
	return rc ? rc : fs_temp_publish(&t, err);
}

static void a_file_that_is_known_is_exchanged(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	const char *target = room_put(&room, "target", "old");
	CU_ASSERT_EQUAL(link(target, room_path(&room, "other")), 0);
	sys.rename = bad_rename; /* not needed */
	fail_next(EIO, 1);
	SAME_NUMBER(publish_over(target, &err), 0);
	heal();
	same_file(&room, "target", "new");
	same_file(&room, "other", "old");
	SAME_NUMBER(count_names(room.dir, ""), 2);
	/* It was removed meanwhile, or the file system cannot do it. */
	unlink(target);
	SAME_NUMBER(publish_over(target, &err), 0);
	same_file(&room, "target", "new");
	room_put(&room, "target", "old");
	sys.exchange = bad_exchange;
	fail_next(EINVAL, 1);
	SAME_NUMBER(publish_over(target, &err), 0);
	heal();
	same_file(&room, "target", "new");
	SAME_NUMBER(count_names(room.dir, ""), 2);
	/* A directory is there by now, and stays with what is in it. */
	unlink(target);
	mkdir(target, 0755);
	room_put(&room, "target/kept", "kept");
	SAME_NUMBER(publish_over(target, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, EISDIR);
	same_file(&room, "target/kept", "kept");
	SAME_NUMBER(count_names(room.dir, ""), 2);
	room_release(&room);
}

static void another_link_of_the_target_keeps_its_content(void)
{
	struct room room;
	room_init(&room, "fs");
	const char *target = room_put(&room, "target", "old");
	CU_ASSERT_EQUAL(link(target, room_path(&room, "other")), 0);
	SAME_NUMBER(fs_write_file(target, "new", 3, 0644, NULL), 0);
	same_file(&room, "target", "new");
	same_file(&room, "other", "old");
	/* A symbolic link is replaced, not followed. */
	CU_ASSERT_EQUAL(symlink("other", room_path(&room, "soft")), 0);
	SAME_NUMBER(fs_write_file(room_path(&room, "soft"), "2", 1, 0644, NULL), 0);
	same_file(&room, "other", "old");
	same_file(&room, "soft", "2");
	room_release(&room);
}

static void the_mode_goes_through_the_umask(void)
{
	struct room room;
	struct stat st;
	room_init(&room, "fs");
	mode_t before = umask(027);
	SAME_NUMBER(fs_write_file(room_path(&room, "a"), "", 0, 0666, NULL), 0);
	umask(before);
	CU_ASSERT_EQUAL(stat(room_path(&room, "a"), &st), 0);
	SAME_NUMBER(st.st_mode & 07777, 0640);
	room_release(&room);
}

static void failed_publications_leave_nothing(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	const char *target = room_put(&room, "target", "old");
	sys.write = bad_write;
	fail_next(ENOSPC, 1);
	SAME_NUMBER(fs_write_file(target, "new", 3, 0644, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, ENOSPC);
	heal();
	sys.rename = bad_rename;
	fail_next(EDQUOT, 1);
	SAME_NUMBER(fs_write_file(target, "new", 3, 0644, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, EDQUOT);
	HOLDS(err.message, target);
	heal();
	/* close is where some file systems report that a write failed. */
	sys.close = bad_close;
	fail_next(EIO, 1);
	SAME_NUMBER(fs_write_file(target, "new", 3, 0644, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, EIO);
	heal();
	sys.open = bad_open;
	fail_next(EMFILE, 1);
	SAME_NUMBER(fs_write_file(target, "new", 3, 0644, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, EMFILE);
	same_file(&room, "target", "old");
	/* A name that is taken is not an end. */
	fail_next(EEXIST, 5);
	SAME_NUMBER(fs_write_file(target, "new", 3, 0644, &err), 0);
	heal();
	same_file(&room, "target", "new");
	SAME_NUMBER(count_names(room.dir, ""), 1);
	SAME_NUMBER(fs_write_file(room_path(&room, "none/target"), "new", 3, 0644, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, ENOENT);
	SAME_NUMBER(fs_write_file(room.dir, "new", 3, 0644, &err), SOLDR_E_IO);
	room_release(&room);
}

/* ---- directories ------------------------------------------------------------------------ */

static void directories_are_made_with_their_parents(void)
{
	struct room room;
	struct stat st;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	mode_t before = umask(0);
	SAME_NUMBER(fs_make_dirs(room_path(&room, "a/b//c/"), 0751, &err), 0);
	umask(before);
	CU_ASSERT_EQUAL(stat(room_path(&room, "a"), &st), 0);
	SAME_NUMBER(st.st_mode & 0777, 0751);
	CU_ASSERT_EQUAL(stat(room_path(&room, "a/b/c"), &st), 0);
	CU_ASSERT(S_ISDIR(st.st_mode));
	/* What exists is left as it is. */
	SAME_NUMBER(fs_make_dirs(room_path(&room, "a"), 0700, &err), 0);
	CU_ASSERT_EQUAL(stat(room_path(&room, "a"), &st), 0);
	SAME_NUMBER(st.st_mode & 0777, 0751);
	CU_ASSERT_EQUAL(symlink("a", room_path(&room, "link")), 0);
	SAME_NUMBER(fs_make_dirs(room_path(&room, "link"), 0700, &err), 0);
	SAME_NUMBER(fs_make_dirs(room_path(&room, "link/z"), 0700, &err), 0);
	CU_ASSERT(room_has(&room, "a/z"));
	SAME_NUMBER(fs_make_dirs("/", 0700, &err), 0);

	room_put(&room, "plain", "");
	SAME_NUMBER(fs_make_dirs(room_path(&room, "plain"), 0700, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, ENOTDIR);
	SAME_NUMBER(fs_make_dirs(room_path(&room, "plain/x/y"), 0700, &err), SOLDR_E_IO);
	CU_ASSERT_EQUAL(symlink("nowhere", room_path(&room, "dangling")), 0);
	SAME_NUMBER(fs_make_dirs(room_path(&room, "dangling"), 0700, &err), SOLDR_E_IO);
	SAME_NUMBER(fs_make_dirs("", 0700, &err), SOLDR_E_IO);
	room_release(&room);
}

static void trees_are_removed_without_following_links(void)
{
	struct room room;
	uint64_t files = 1, bytes = 1;
	room_init(&room, "fs");
	room_put(&room, "keep/file", "precious");
	room_put(&room, "tree/a", "12345");
	room_put(&room, "tree/sub/deep/b", "123");
	CU_ASSERT_EQUAL(symlink(room_path(&room, "keep"), room_path(&room, "tree/sub/link")), 0);
	CU_ASSERT_EQUAL(symlink("../../keep/file", room_path(&room, "tree/sub/soft")), 0);
	CU_ASSERT_EQUAL(mkfifo(room_path(&room, "tree/fifo"), 0600), 0);
	SAME_NUMBER(fs_remove_tree(room_path(&room, "tree"), &files, &bytes, NULL), 0);
	CU_ASSERT_FALSE(room_has(&room, "tree"));
	same_file(&room, "keep/file", "precious");
	SAME_NUMBER(files, 1 + 5);
	CU_ASSERT(bytes >= 1 + 8);
	/* The path itself may be a link, or a file, or nothing. */
	CU_ASSERT_EQUAL(symlink("keep", room_path(&room, "link")), 0);
	SAME_NUMBER(fs_remove_tree(room_path(&room, "link"), NULL, NULL, NULL), 0);
	CU_ASSERT_FALSE(room_has(&room, "link"));
	same_file(&room, "keep/file", "precious");
	SAME_NUMBER(fs_remove_tree(room_path(&room, "keep/file"), NULL, NULL, NULL), 0);
	CU_ASSERT_FALSE(room_has(&room, "keep/file"));
	SAME_NUMBER(fs_remove_tree(room_path(&room, "none"), NULL, NULL, NULL), 0);
	room_release(&room);
}

static void depth_is_limited(void)
{
	struct room room;
	struct buf path = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	buf_adds(&path, "tree");
	for (int i = 0; i < 80; i++)
		buf_adds(&path, "/d");
	SAME_NUMBER(fs_make_dirs(room_path(&room, path.data), 0700, NULL), 0);
	SAME_NUMBER(fs_remove_tree(room_path(&room, "tree"), NULL, NULL, &err), SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, ELOOP);
	path.data[4 + 2 * 40] = 0;
	SAME_NUMBER(fs_remove_tree(room_path(&room, path.data), NULL, NULL, &err), 0);
	SAME_NUMBER(fs_remove_tree(room_path(&room, "tree"), NULL, NULL, &err), 0);
	buf_release(&path);
	room_release(&room);
}

/* ---- trust ------------------------------------------------------------------------------- */

static void expect_trust(struct room *room, const char *name, int code, const char *says)
{
	soldr_error err = SOLDR_ERROR_INIT;
	SAME_NUMBER(fs_check_trusted(room_path(room, name), &err), code);
	if (code)
		HOLDS(err.message, says);
}

static void unsafe_places_are_said(void)
{
	struct room room;
	room_init(&room, "fs");
	room_put(&room, "safe/file", "");
	room_put(&room, "open/file", "");
	room_put(&room, "open/sub/file", "");
	room_put(&room, "sticky/file", "");
	chmod(room_path(&room, "open"), 0777);
	chmod(room_path(&room, "sticky"), 01777);
	expect_trust(&room, "safe", 0, "");
	expect_trust(&room, "safe/file", 0, "");
	expect_trust(&room, "sticky", 0, "");
	expect_trust(&room, "sticky/file", 0, "");
	expect_trust(&room, "open", SOLDR_E_TRUST, "chmod go-w");
	expect_trust(&room, "open/file", SOLDR_E_TRUST, "/open can be written by other users (mode 0777)");
	expect_trust(&room, "open/sub/file", SOLDR_E_TRUST, "/open can be written");
	chmod(room_path(&room, "safe/file"), 0646);
	expect_trust(&room, "safe/file", SOLDR_E_TRUST, "/safe/file can be written by other users (mode 0646)");
	chmod(room_path(&room, "safe/file"), 0664);
	expect_trust(&room, "safe/file", SOLDR_E_TRUST, "(mode 0664)");
	/* The sticky bit excuses a directory only. */
	chmod(room_path(&room, "safe/file"), 01666);
	expect_trust(&room, "safe/file", SOLDR_E_TRUST, "/safe/file");
	expect_trust(&room, "safe/none", SOLDR_E_NOT_FOUND, "/safe/none");
	expect_trust(&room, "safe/file/none", SOLDR_E_NOT_FOUND, "/safe/file/none");
	room_release(&room);
}

static void links_are_judged_by_where_they_lead(void)
{
	struct room room;
	room_init(&room, "fs");
	room_put(&room, "safe/file", "");
	room_put(&room, "open/file", "");
	chmod(room_path(&room, "open"), 0777);
	CU_ASSERT_EQUAL(symlink("../open/file", room_path(&room, "safe/link")), 0);
	CU_ASSERT_EQUAL(symlink("../safe/file", room_path(&room, "safe/good")), 0);
	CU_ASSERT_EQUAL(symlink("nowhere", room_path(&room, "safe/dangling")), 0);
	expect_trust(&room, "safe/link", SOLDR_E_TRUST, "/open can be written");
	expect_trust(&room, "safe/good", 0, "");
	expect_trust(&room, "safe/dangling", SOLDR_E_NOT_FOUND, "dangling");
	room_release(&room);
}

/* Somebody who may change a link shows one file to the reader and another to the check. */
static const char *swapped_link;

static int swapping_open(const char *path, int flags, mode_t mode)
{
	int fd = real.open(path, flags, mode);
	if (swapped_link && strcmp(path, swapped_link) == 0) {
		CU_ASSERT_EQUAL(unlink(path), 0);
		CU_ASSERT_EQUAL(symlink("../safe/file", path), 0);
	}
	return fd;
}

static void what_is_read_is_what_was_checked(void)
{
	struct room room;
	struct buf text = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	room_put(&room, "safe/file", "ours");
	room_put(&room, "open/file", "somebody else's");
	chmod(room_path(&room, "open"), 0777);
	CU_ASSERT_EQUAL(symlink("../open/file", room_path(&room, "safe/link")), 0);
	SAME_NUMBER(fs_read_trusted(room_path(&room, "safe/link"), 100, &text, &err), SOLDR_E_TRUST);
	HOLDS(err.message, "/open can be written");
	buf_clear(&text);
	swapped_link = room_path(&room, "safe/link");
	sys.open = swapping_open;
	SAME_NUMBER(fs_read_trusted(swapped_link, 100, &text, &err), SOLDR_E_TRUST);
	HOLDS(err.message, "led to another file");
	sys.open = real.open;
	swapped_link = NULL;
	buf_clear(&text);
	SAME_NUMBER(fs_read_trusted(room_path(&room, "safe/link"), 100, &text, &err), 0);
	SAME(buf_str(&text), "ours");
	SAME_NUMBER(fs_read_trusted(room_path(&room, "safe/none"), 100, &text, &err), SOLDR_E_NOT_FOUND);
	buf_release(&text);
	room_release(&room);
}

static void a_private_directory_is_ours_alone(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	room_put(&room, "mine/file", "");
	SAME_NUMBER(fs_check_private_dir(room_path(&room, "mine"), &err), 0);
	SAME_NUMBER(fs_check_private_dir(room_path(&room, "none"), &err), SOLDR_E_NOT_FOUND);
	SAME_NUMBER(fs_check_private_dir(room_path(&room, "mine/file"), &err), SOLDR_E_TRUST);
	CU_ASSERT_EQUAL(symlink("mine", room_path(&room, "link")), 0);
	SAME_NUMBER(fs_check_private_dir(room_path(&room, "link"), &err), SOLDR_E_TRUST);
	HOLDS(err.message, "/link");
	chmod(room_path(&room, "mine"), 0770);
	SAME_NUMBER(fs_check_private_dir(room_path(&room, "mine"), &err), SOLDR_E_TRUST);
	chmod(room_path(&room, "mine"), 0700);
	if (geteuid() == 0) {
		enum { SOMEBODY = 12345 };
		CU_ASSERT_EQUAL(chown(room_path(&room, "mine"), SOMEBODY, SOMEBODY), 0);
		SAME_NUMBER(fs_check_private_dir(room_path(&room, "mine"), &err), SOLDR_E_TRUST);
		HOLDS(err.message, "12345");
		SAME_NUMBER(fs_check_trusted(room_path(&room, "mine/file"), &err), SOLDR_E_TRUST);
		HOLDS(err.message, "owned by user 12345");
	}
	room_release(&room);
}

/* ---- mapped files -------------------------------------------------------------------------- */

static void mapped_files_are_shared_and_stay(void)
{
	struct room room;
	struct stat st;
	soldr_error err = SOLDR_ERROR_INIT;
	enum { SIZE = 10000 };
	room_init(&room, "fs");
	const char *file = room_path(&room, "map");
	unsigned char *one = fs_map_shared(file, SIZE, &err), *two = fs_map_shared(file, SIZE, &err);
	CU_ASSERT_FATAL(one && two);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT(st.st_size >= SIZE);
	SAME_NUMBER(st.st_mode & 0777, 0600);
	one[SIZE - 1] = 7;
	SAME_NUMBER(two[SIZE - 1], 7);
	munmap(one, SIZE);
	munmap(two, SIZE);
	/* A file that is shorter is extended, its content kept. */
	CU_ASSERT_EQUAL(truncate(file, 3), 0);
	one = fs_map_shared(file, SIZE, &err);
	CU_ASSERT_FATAL(one != NULL);
	one[0]++;
	SAME_NUMBER(one[SIZE - 1], 0);
	munmap(one, SIZE);
	room_release(&room);
}

static void what_cannot_be_mapped_is_refused(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "fs");
	const char *file = room_put(&room, "victim", "text");
	CU_ASSERT_EQUAL(symlink("victim", room_path(&room, "link")), 0);
	CU_ASSERT_PTR_NULL(fs_map_shared(room_path(&room, "link"), 4096, &err));
	SAME_NUMBER(err.code, SOLDR_E_IO);
	same_file(&room, "victim", "text");
	CU_ASSERT_PTR_NULL(fs_map_shared(room.dir, 4096, NULL));
	CU_ASSERT_PTR_NULL(fs_map_shared(room_path(&room, "none/map"), 4096, &err));
	SAME_NUMBER(err.sys_errno, ENOENT);
	CU_ASSERT_EQUAL(mkfifo(room_path(&room, "fifo"), 0600), 0);
	CU_ASSERT_PTR_NULL(fs_map_shared(room_path(&room, "fifo"), 4096, &err));
	sys.mmap = bad_mmap;
	fail_next(ENOMEM, 1);
	CU_ASSERT_PTR_NULL(fs_map_shared(file, 4096, &err));
	SAME_NUMBER(err.sys_errno, ENOMEM);
	heal();
	sys.fstat = bad_fstat;
	fail_next(EIO, 1);
	CU_ASSERT_PTR_NULL(fs_map_shared(file, 4096, &err));
	SAME_NUMBER(err.sys_errno, EIO);
	heal();
	room_release(&room);
}

void suite_fs(void)
{
	CU_pSuite s = CU_add_suite("fs", save_calls, NULL);
	CU_add_test(s, "whole files are read, up to a limit", whole_files_are_read_up_to_a_limit);
	CU_add_test(s, "what is no regular file is refused at once", what_is_no_regular_file_is_refused_at_once);
	CU_add_test(s, "short and interrupted reads go on", short_and_interrupted_reads_go_on);
	CU_add_test(s, "a file that grows is read whole or refused", a_file_that_grows_is_read_whole_or_refused);
	CU_add_test(s, "everything is written", everything_is_written);
	CU_add_test(s, "a file appears whole or not at all", a_file_appears_whole_or_not_at_all);
	CU_add_test(s, "a file that is known is exchanged", a_file_that_is_known_is_exchanged);
	CU_add_test(s, "c28: another link of the target keeps its content", another_link_of_the_target_keeps_its_content);
	CU_add_test(s, "c28: the mode goes through the umask", the_mode_goes_through_the_umask);
	CU_add_test(s, "s03: failed publications leave nothing", failed_publications_leave_nothing);
	CU_add_test(s, "directories are made with their parents", directories_are_made_with_their_parents);
	CU_add_test(s, "trees are removed without following links", trees_are_removed_without_following_links);
	CU_add_test(s, "depth is limited", depth_is_limited);
	CU_add_test(s, "s09: unsafe places are said", unsafe_places_are_said);
	CU_add_test(s, "s09: links are judged by where they lead", links_are_judged_by_where_they_lead);
	CU_add_test(s, "s09: what is read is what was checked", what_is_read_is_what_was_checked);
	CU_add_test(s, "s09: a private directory is ours alone", a_private_directory_is_ours_alone);
	CU_add_test(s, "mapped files are shared and stay", mapped_files_are_shared_and_stay);
	CU_add_test(s, "what cannot be mapped is refused", what_cannot_be_mapped_is_refused);
}
