/* fs: see fs.h. */
#include "fs.h"

#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "fs";

/* SOLDR_E_*: it is no file to be read. */
static int judge_file(int fd, const char *name, size_t max, size_t *size, soldr_error *err)
{
	struct stat st;
	if (sys.fstat(fd, &st) != 0)
		return err_set(err, SOLDR_E_IO, errno, origin, E105_NOT_LOOKED_AT, name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, SOLDR_E_INVALID, 0, origin, E114_NOT_REGULAR, name);
	if ((uint64_t)st.st_size > max)
		return err_set(err, SOLDR_E_LIMIT, 0, origin, E115_TOO_LARGE, name,
		               (long long)st.st_size, max);
	*size = (size_t)st.st_size;
	return 0;
}

static int outgrown(const char *name, size_t max, soldr_error *err)
{
	return err_set(err, SOLDR_E_LIMIT, 0, origin, E116_GREW_TOO_LARGE, name, max);
}

int fs_feed_fd(int fd, const char *name, size_t max, size_t overlap, bool (*take)(void *arg, const char *, size_t len), void *arg,
               soldr_error *err)
{
	size_t size, kept = 0, got = 0;
	int rc = judge_file(fd, name, max, &size, err);
	if (rc)
		return rc;
	size_t room = size + 1 < FS_PIECE ? size + 1 : FS_PIECE;
	char *piece = malloc(overlap + room);
	if (!piece)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E102_NO_MEMORY_READING, name);
	for (;;) {
		ssize_t n = sys.read(fd, piece + kept, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_set(err, SOLDR_E_IO, errno, origin, E106_NOT_READ, name);
		got += n > 0 ? (size_t)n : 0;
		if (got > max)
			rc = outgrown(name, max, err);
		if (rc || n == 0 || !take(arg, piece, kept + (size_t)n) || got == size)
			break;
		size_t filled = kept + (size_t)n;
		kept = filled < overlap ? filled : overlap;
		memmove(piece, piece + filled - kept, kept);
	}
	free(piece);
	return rc;
}

int fs_read_fd(int fd, const char *name, size_t max, struct buf *out, soldr_error *err)
{
	size_t size;
	int rc = judge_file(fd, name, max, &size, err);
	if (rc)
		return rc;
	/* One byte more than the size: a read that ends there has seen the end of the file. */
	for (size_t want = size + 1, got = 0;;) {
		char *to = buf_reserve(out, want);
		if (!to)
			return err_set(err, SOLDR_E_NOMEM, 0, origin, E102_NO_MEMORY_READING, name);
		ssize_t n = sys.read(fd, to, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, SOLDR_E_IO, errno, origin, E106_NOT_READ, name);
		out->len += (size_t)n;
		got += (size_t)n;
		out->data[out->len] = 0;
		if (n == 0 || (size && got == size)) /* files of /proc have no size */
			return 0;
		if (got > max)
			return outgrown(name, max, err);
		want = (size_t)n < want ? want - (size_t)n : 4096;
	}
}

/* -1: errno, with err filled. O_NONBLOCK: a FIFO must not block us; it is refused by fs_read_fd. */
static int open_to_read(const char *path, soldr_error *err)
{
	int fd = sys.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0), why = errno;
	if (fd < 0)
		err_set(err, why == ENOENT || why == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, why, origin, E104_NOT_OPENED, path);
	errno = why;
	return fd;
}

int fs_read_file(const char *path, size_t max, struct buf *out, soldr_error *err)
{
	int fd = open_to_read(path, err);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO;
	int rc = fs_read_fd(fd, path, max, out, err);
	sys.close(fd);
	return rc;
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len) {
		ssize_t n = sys.write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_temp_open(struct fs_temp *t, const char *target, mode_t mode, soldr_error *err)
{
	*t = FS_TEMP_INIT;
	char *dir = path_dir(target);
	t->target = strdup(target);
	for (unsigned attempt = 0; dir && t->target && attempt < 100; attempt++) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		struct buf b = BUF_INIT;
		buf_addf(&b, "%s/" FS_TEMP_PREFIX "%ld.%lx.%u", dir, (long)getpid(), (unsigned long)now.tv_nsec, attempt);
		t->path = buf_detach(&b);
		if (!t->path)
			break;
		t->fd = sys.open(t->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (t->fd >= 0) {
			free(dir);
			return 0;
		}
		int why = errno;
		free(t->path);
		t->path = NULL;
		if (why != EEXIST) {
			err_set(err, SOLDR_E_IO, why, origin, E108_NOT_CREATED_IN, dir);
			free(dir);
			fs_temp_discard(t);
			return SOLDR_E_IO;
		}
	}
	free(dir);
	fs_temp_discard(t);
	return err_set(err, SOLDR_E_NOMEM, 0, origin, E103_NO_MEMORY_CREATING, target);
}

int fs_temp_open_output(struct fs_temp *t, const char *target, mode_t mode, soldr_error *err)
{
	struct stat st;
	if (sys.lstat(target, &st) != 0 || S_ISREG(st.st_mode))
		return fs_temp_open(t, target, mode, err);
	*t = FS_TEMP_INIT;
	t->target = strdup(target);
	t->fd = t->target ? sys.open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode) : -1;
	if (t->fd >= 0)
		return 0;
	int why = t->target ? errno : ENOMEM;
	fs_temp_discard(t);
	return err_set(err, SOLDR_E_IO, why, origin, E122_NOT_OPENED_TO_WRITE, target);
}

void fs_temp_discard(struct fs_temp *t)
{
	if (t->fd >= 0)
		sys.close(t->fd);
	if (t->path)
		sys.unlink(t->path);
	free(t->path);
	free(t->target);
	*t = FS_TEMP_INIT;
}

/*
 * rename() over a file makes ext4 write out the new one at once, which is a third of a hit's time. To exchange
 * the two and remove the old one does not, and readers see one or the other just the same.
 */
static int put_in_place(const struct fs_temp *t)
{
	if (!t->replaces || sys.exchange(t->path, t->target) != 0)
		return sys.rename(t->path, t->target);
	if (sys.unlink(t->path) == 0 || errno == ENOENT) /* somebody may sweep: the name now looks old */
		return 0;
	/* What was there cannot be removed, or is a directory by now: back, and rename() says what is wrong. */
	return sys.exchange(t->path, t->target) == 0 ? sys.rename(t->path, t->target) : -1;
}

int fs_temp_publish(struct fs_temp *t, soldr_error *err)
{
	int fd = t->fd;
	t->fd = -1;
	/* close can report a write that failed late (NFS, quota). */
	if ((sys.close(fd) != 0 && errno != EINTR) || (t->path && put_in_place(t) != 0)) {
		int rc = err_set(err, SOLDR_E_IO, errno, origin, E109_NOT_PUBLISHED, t->target);
		fs_temp_discard(t);
		return rc;
	}
	free(t->path);
	t->path = NULL;
	fs_temp_discard(t);
	return 0;
}

static int write_and_publish(struct fs_temp *t, const void *data, size_t len, const char *path, soldr_error *err)
{
	int why = fs_write_all(t->fd, data, len);
	if (why) {
		fs_temp_discard(t);
		return err_set(err, SOLDR_E_IO, why, origin, E107_NOT_WRITTEN, path);
	}
	return fs_temp_publish(t, err);
}

int fs_write_file(const char *path, const void *data, size_t len, mode_t mode, soldr_error *err)
{
	struct fs_temp t;
	int rc = fs_temp_open(&t, path, mode, err);
	return rc ? rc : write_and_publish(&t, data, len, path, err);
}

int fs_write_output(const char *path, const void *data, size_t len, mode_t mode, soldr_error *err)
{
	struct fs_temp t;
	int rc = fs_temp_open_output(&t, path, mode, err);
	return rc ? rc : write_and_publish(&t, data, len, path, err);
}

int fs_make_dirs(const char *path, mode_t mode, soldr_error *err)
{
	struct stat st;
	if (sys.mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST) {
		if (sys.stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return 0;
		return err_set(err, SOLDR_E_IO, ENOTDIR, origin, E110_NO_DIRECTORY_MADE, path);
	}
	if (errno != ENOENT)
		return err_set(err, SOLDR_E_IO, errno, origin, E110_NO_DIRECTORY_MADE, path);
	char *dir = path_dir(path);
	if (!dir)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	int rc = strcmp(dir, path) == 0 ? err_set(err, SOLDR_E_IO, ENOENT, origin, E110_NO_DIRECTORY_MADE, path)
	                                : fs_make_dirs(dir, mode, err);
	free(dir);
	if (rc)
		return rc;
	if (sys.mkdir(path, mode) != 0 && errno != EEXIST)
		return err_set(err, SOLDR_E_IO, errno, origin, E110_NO_DIRECTORY_MADE, path);
	return 0;
}

enum { REMOVE_DEPTH_MAX = 64 };

static int remove_below(int parent, const char *name, int depth, uint64_t *files, uint64_t *bytes)
{
	struct stat st;
	if (sys.fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISDIR(st.st_mode)) {
		if (sys.unlinkat(parent, name, 0) != 0)
			return errno == ENOENT ? 0 : errno;
		*files += 1;
		*bytes += (uint64_t)st.st_size;
		return 0;
	}
	if (depth == REMOVE_DEPTH_MAX)
		return ELOOP;
	int fd = sys.openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		int why = errno;
		if (fd >= 0)
			sys.close(fd);
		return why;
	}
	int first = 0;
	for (struct dirent *e; (e = readdir(dir));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int why = remove_below(fd, e->d_name, depth + 1, files, bytes);
		if (why && !first)
			first = why;
	}
	closedir(dir);
	if (!first && sys.unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		first = errno;
	return first;
}

int fs_remove_tree(const char *path, uint64_t *files, uint64_t *bytes, soldr_error *err)
{
	uint64_t f = 0, b = 0;
	int why = remove_below(AT_FDCWD, path, 0, &f, &b);
	if (files)
		*files += f;
	if (bytes)
		*bytes += b;
	return why ? err_set(err, SOLDR_E_IO, why, origin, E111_NOT_REMOVED, path) : 0;
}

static int check_one(const char *path, bool *is_link, soldr_error *err)
{
	struct stat st;
	if (sys.lstat(path, &st) != 0)
		return err_set(err, errno == ENOENT || errno == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, origin, E105_NOT_LOOKED_AT, path);
	*is_link = S_ISLNK(st.st_mode);
	if (*is_link)
		return 0;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, SOLDR_E_TRUST, 0, origin, E117_OWNER_FOREIGN, path,
		               (unsigned long)st.st_uid);
	bool sticky_dir = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
	if ((st.st_mode & 022) && !sticky_dir)
		return err_set(err, SOLDR_E_TRUST, 0, origin, E118_MODE_OPEN, path,
		               (unsigned)(st.st_mode & 07777), path);
	return 0;
}

/* The file and all directories above it, until one is a link. path is cut short; it is absolute and has no "..". */
static int check_upwards(char *path, bool *is_link, soldr_error *err)
{
	for (;;) {
		int rc = check_one(path, is_link, err);
		if (rc || *is_link || strcmp(path, "/") == 0)
			return rc;
		char *slash = strrchr(path, '/');
		slash[slash == path] = 0;
	}
}

/* Whether the path's own parts are what the kernel would walk through, if none of them is a link. */
static bool is_plain(const char *path)
{
	size_t len = strlen(path);
	bool plain = *path == '/' && len > 1 && len < PATH_MAX;
	for (const char *part = path; plain && *part; part += strcspn(part, "/")) {
		part++;
		size_t n = strcspn(part, "/");
		plain = n && strncmp(part, "..", n > 2 ? n : 2) != 0 && !(n == 1 && *part == '.');
	}
	return plain;
}

/* real: the path without links. */
static int check_trusted(const char *path, char real[PATH_MAX], soldr_error *err)
{
	char parts[PATH_MAX];
	bool is_link = true;
	if (is_plain(path)) {
		/* Looking for links and checking owners is one pass: most paths have no link. */
		memcpy(real, path, strlen(path) + 1);
		memcpy(parts, path, strlen(path) + 1);
		int rc = check_upwards(parts, &is_link, err);
		if (rc || !is_link)
			return rc;
	}
	if (!sys.realpath(path, real))
		return err_set(err, errno == ENOENT || errno == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, origin, E112_NOT_RESOLVED, path);
	memcpy(parts, real, strlen(real) + 1);
	return check_upwards(parts, &is_link, err);
}

int fs_check_trusted(const char *path, soldr_error *err)
{
	char real[PATH_MAX];
	return check_trusted(path, real, err);
}

int fs_read_trusted(const char *path, size_t max, struct buf *out, soldr_error *err)
{
	char real[PATH_MAX];
	struct stat read, checked;
	int fd = open_to_read(path, err);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO;
	int rc = fs_read_fd(fd, path, max, out, err);
	if (!rc)
		rc = check_trusted(path, real, err);
	if (!rc && (sys.fstat(fd, &read) != 0 || sys.lstat(real, &checked) != 0 || read.st_dev != checked.st_dev || read.st_ino != checked.st_ino))
		rc = err_set(err, SOLDR_E_TRUST, 0, origin, E119_FILE_EXCHANGED, path);
	sys.close(fd);
	return rc;
}

int fs_check_private_dir(const char *path, soldr_error *err)
{
	struct stat st;
	if (sys.lstat(path, &st) != 0)
		return err_set(err, errno == ENOENT ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, origin, E105_NOT_LOOKED_AT, path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, SOLDR_E_TRUST, 0, origin, E120_NO_DIRECTORY, path);
	if (st.st_uid != geteuid())
		return err_set(err, SOLDR_E_TRUST, 0, origin, E121_DIRECTORY_FOREIGN,
		               path, (unsigned long)st.st_uid);
	return fs_check_trusted(path, err);
}

void *fs_map_shared(const char *path, size_t size, soldr_error *err)
{
	int fd = sys.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_set(err, SOLDR_E_IO, errno, origin, E104_NOT_OPENED, path);
		return NULL;
	}
	struct stat st;
	void *map = MAP_FAILED;
	if (sys.fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		/* posix_fallocate: a hole on a full disk would be a SIGBUS at the first write. */
		int why = (uint64_t)st.st_size >= size && st.st_blocks > 0 ? 0 : sys.fallocate(fd, 0, (off_t)size);
		if (why == EOPNOTSUPP || why == EINVAL)
			why = sys.ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
		errno = why;
		if (!why)
			map = sys.mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	int why = errno;
	sys.close(fd);
	if (map == MAP_FAILED) {
		err_set(err, SOLDR_E_IO, why, origin, E113_NOT_MAPPED, path);
		return NULL;
	}
	return map;
}
