/*
 * faulty: linked into a soldr of its own, makes its system calls fail. It puts
 * wrappers into the table of core/util/sys.h before main() runs.
 *
 *   FAULT=NAME:N:WHAT    at the Nth call of NAME; N+: from the Nth on
 *       NAME   a member of the table, or any of them, or memory: malloc() and its like
 *       WHAT   ENOSPC, EIO and others (whats): it fails with that, undone
 *              short   reads and writes take half of what they are given
 *              kill    the process dies before the call
 *              torn    the process dies of a write that took half
 *   FAULT_LOG=FILE       appends a line for each call: the words NAME, then in order
 *              the descriptor it is about or gave, paths, and of a write its bytes in hex
 *
 * A close that fails has closed, as on Linux.
 */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE_SIZE = 8192, LOG_FD = 400 };

enum what { WHAT_NOTHING, WHAT_ERRNO, WHAT_SHORT, WHAT_KILL, WHAT_TORN };

static struct sys_calls real;
static struct {
	char name[32];
	unsigned long from;
	bool onwards;
	enum what what;
	int error;
	unsigned long met;
	int log;
} fault = {.log = -1};

static const struct {
	const char *name;
	enum what what;
	int error;
} whats[] = {
	{"ENOSPC", WHAT_ERRNO, ENOSPC}, {"EIO", WHAT_ERRNO, EIO},     {"EACCES", WHAT_ERRNO, EACCES}, {"EMFILE", WHAT_ERRNO, EMFILE},
	{"EINTR", WHAT_ERRNO, EINTR},   {"EROFS", WHAT_ERRNO, EROFS}, {"EDQUOT", WHAT_ERRNO, EDQUOT}, {"EFBIG", WHAT_ERRNO, EFBIG},
	{"EPERM", WHAT_ERRNO, EPERM},   {"EINVAL", WHAT_ERRNO, EINVAL}, {"ENODEV", WHAT_ERRNO, ENODEV},
	{"ENOMEM", WHAT_ERRNO, ENOMEM}, {"EOPNOTSUPP", WHAT_ERRNO, EOPNOTSUPP}, {"short", WHAT_SHORT, 0}, {"kill", WHAT_KILL, 0}, {"torn", WHAT_TORN, 0},
};

static void die(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

/* What is to become of this call of name. */
static enum what meet(const char *name)
{
	bool named = strcmp(fault.name, name) == 0, any = strcmp(fault.name, "any") == 0 && strcmp(name, "memory") != 0;
	if (!named && !any)
		return WHAT_NOTHING;
	fault.met++;
	if (fault.onwards ? fault.met < fault.from : fault.met != fault.from)
		return WHAT_NOTHING;
	if (fault.what == WHAT_KILL)
		die();
	return fault.what;
}

/* True when the call has to fail; errno is set. */
static bool fails(const char *name)
{
	if (meet(name) != WHAT_ERRNO)
		return false;
	errno = fault.error;
	return true;
}

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	char line[LINE_SIZE];
	int error = errno;
	va_list ap;
	if (fault.log < 0)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n > 0 && n < LINE_SIZE && write(fault.log, line, (size_t)n) != n)
		abort();
	errno = error;
}

static void note_bytes(const char *name, int fd, const void *data, ssize_t len)
{
	const unsigned char *p = data;
	int error = errno;
	if (fault.log < 0 || len < 0)
		return;
	size_t size = 2 * (size_t)len + 64, at;
	char *line = malloc(size);
	if (!line)
		abort();
	at = (size_t)snprintf(line, size, "%s\t%d\t", name, fd);
	for (ssize_t i = 0; i < len; i++)
		at += (size_t)snprintf(line + at, size - at, "%02x", p[i]);
	line[at++] = '\n';
	if (write(fault.log, line, at) != (ssize_t)at)
		abort();
	free(line);
	errno = error;
}

/* Calls on a path that give 0 or a descriptor. */
#define ON_PATH(name, params, args, path, more_fmt, more)                 \
	static int faulty_##name params                                   \
	{                                                                 \
		if (fails(#name))                                         \
			return -1;                                        \
		int got = real.name args;                                 \
		note(#name "\t%d\t%s" more_fmt "\n", got, path, more);   \
		return got;                                               \
	}
ON_PATH(open, (const char *path, int flags, mode_t mode), (path, flags, mode), path, "\t%d", flags)
ON_PATH(openat, (int dir, const char *path, int flags, mode_t mode), (dir, path, flags, mode), path, "\t%d", flags)
ON_PATH(stat, (const char *path, struct stat *st), (path, st), path, "%s", "")
ON_PATH(lstat, (const char *path, struct stat *st), (path, st), path, "%s", "")
ON_PATH(fstatat, (int dir, const char *path, struct stat *st, int flags), (dir, path, st, flags), path, "%s", "")
ON_PATH(access, (const char *path, int mode), (path, mode), path, "%s", "")
ON_PATH(rename, (const char *from, const char *to), (from, to), from, "\t%s", to)
ON_PATH(exchange, (const char *from, const char *to), (from, to), from, "\t%s", to)
ON_PATH(unlink, (const char *path), (path), path, "%s", "")
ON_PATH(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), path, "%s", "")
ON_PATH(symlink, (const char *target, const char *path), (target, path), path, "%s", "")
ON_PATH(mkdir, (const char *path, mode_t mode), (path, mode), path, "%s", "")
ON_PATH(memfd_create, (const char *name, unsigned flags), (name, flags), name, "%s", "")

#define ON_DESCRIPTOR(name, params, args, fd)                 \
	static int faulty_##name params                       \
	{                                                     \
		if (fails(#name))                             \
			return -1;                            \
		int got = real.name args;                     \
		note(#name "\t%d\n", fd);                     \
		return got;                                   \
	}
ON_DESCRIPTOR(fstat, (int fd, struct stat *st), (fd, st), fd)
ON_DESCRIPTOR(ftruncate, (int fd, off_t len), (fd, len), fd)
ON_DESCRIPTOR(fchmod, (int fd, mode_t mode), (fd, mode), fd)
ON_DESCRIPTOR(futimens, (int fd, const struct timespec times[2]), (fd, times), fd)
ON_DESCRIPTOR(inotify_init1, (int flags), (flags), got)
ON_DESCRIPTOR(pipe2, (int ends[2], int flags), (ends, flags), ends[0])

static int faulty_close(int fd)
{
	bool bad = fails("close");
	int error = errno, got = real.close(fd);
	note("close\t%d\n", fd);
	if (bad)
		errno = error;
	return bad ? -1 : got;
}

/* A short one takes a byte at least: none would be the end of the file. */
static size_t half(size_t len)
{
	return len > 1 ? len / 2 : len;
}

static ssize_t faulty_read(int fd, void *data, size_t len)
{
	enum what what = meet("read");
	if (what == WHAT_ERRNO) {
		errno = fault.error;
		return -1;
	}
	ssize_t got = real.read(fd, data, what == WHAT_SHORT ? half(len) : len);
	note("read\t%d\n", fd);
	return got;
}

static ssize_t faulty_pread(int fd, void *data, size_t len, off_t at)
{
	enum what what = meet("pread");
	if (what == WHAT_ERRNO) {
		errno = fault.error;
		return -1;
	}
	note("pread\t%d\n", fd);
	return real.pread(fd, data, what == WHAT_SHORT ? half(len) : len, at);
}

static ssize_t faulty_write(int fd, const void *data, size_t len)
{
	enum what what = meet("write");
	if (what == WHAT_ERRNO) {
		errno = fault.error;
		return -1;
	}
	ssize_t got = real.write(fd, data, what == WHAT_SHORT || what == WHAT_TORN ? half(len) : len);
	note_bytes("write", fd, data, got);
	if (what == WHAT_TORN)
		die();
	return got;
}

static ssize_t faulty_writev(int fd, const struct iovec *parts, int count)
{
	enum what what = meet("writev");
	if (what == WHAT_ERRNO) {
		errno = fault.error;
		return -1;
	}
	note("writev\t%d\n", fd);
	return real.writev(fd, parts, what == WHAT_SHORT ? 1 : count);
}

static char *faulty_realpath(const char *path, char *resolved)
{
	if (fails("realpath"))
		return NULL;
	note("realpath\t0\t%s\n", path);
	return real.realpath(path, resolved);
}

static ssize_t faulty_readlink(const char *path, char *to, size_t len)
{
	if (fails("readlink"))
		return -1;
	note("readlink\t0\t%s\n", path);
	return real.readlink(path, to, len);
}

static DIR *faulty_opendir(const char *path)
{
	if (fails("opendir"))
		return NULL;
	note("opendir\t0\t%s\n", path);
	return real.opendir(path);
}

static int faulty_fallocate(int fd, off_t from, off_t len)
{
	if (fails("fallocate"))
		return errno;
	note("fallocate\t%d\n", fd);
	return real.fallocate(fd, from, len);
}

static void *faulty_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (fails("mmap"))
		return MAP_FAILED;
	note("mmap\t%d\n", fd);
	return real.mmap(at, len, prot, flags, fd, offset);
}

static int faulty_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                        char *const argv[], char *const envp[])
{
	if (fails("spawn"))
		return errno;
	note("spawn\t0\t%s\n", path);
	return real.spawn(pid, path, actions, attr, argv, envp);
}

/* The linker gives these the calls of all objects but the C library's own. */
#define MEMORY(name, params, args)                                 \
	void *__real_##name params;                                \
	void *__wrap_##name params;                                \
	void *__wrap_##name params                                 \
	{                                                          \
		return fails("memory") ? NULL : __real_##name args; \
	}
MEMORY(malloc, (size_t size), (size))
MEMORY(calloc, (size_t count, size_t size), (count, size))
MEMORY(realloc, (void *p, size_t size), (p, size))
MEMORY(strdup, (const char *text), (text))
MEMORY(strndup, (const char *text, size_t len), (text, len))

/* false: not understood. */
static bool parse(const char *text)
{
	char onwards[2] = "", what[16] = "";
	if (sscanf(text, "%31[a-z0-9_]:%lu:%15s", fault.name, &fault.from, what) != 3 &&
	    sscanf(text, "%31[a-z0-9_]:%lu%1[+]:%15s", fault.name, &fault.from, onwards, what) != 4)
		return false;
	fault.onwards = *onwards;
	for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
		if (strcmp(whats[i].name, what) == 0) {
			fault.what = whats[i].what;
			fault.error = whats[i].error;
		}
	return fault.what != WHAT_NOTHING;
}

__attribute__((constructor)) static void install(void)
{
	const char *text = getenv("FAULT"), *log = getenv("FAULT_LOG");
	if (text && !parse(text)) {
		fprintf(stderr, "faulty: FAULT is NAME:N:WHAT, not %s\n", text);
		_exit(2);
	}
	if (log) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		fault.log = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD); /* out of the way: the numbers of others stay what they are */
		close(fd);
		if (fault.log < 0)
			abort();
	}
	if (!text && !log)
		return;
	real = sys;
	sys = (struct sys_calls){
		.open = faulty_open,
		.openat = faulty_openat,
		.close = faulty_close,
		.read = faulty_read,
		.pread = faulty_pread,
		.write = faulty_write,
		.writev = faulty_writev,
		.fstat = faulty_fstat,
		.stat = faulty_stat,
		.lstat = faulty_lstat,
		.fstatat = faulty_fstatat,
		.access = faulty_access,
		.realpath = faulty_realpath,
		.readlink = faulty_readlink,
		.opendir = faulty_opendir,
		.rename = faulty_rename,
		.exchange = faulty_exchange,
		.unlink = faulty_unlink,
		.unlinkat = faulty_unlinkat,
		.symlink = faulty_symlink,
		.mkdir = faulty_mkdir,
		.ftruncate = faulty_ftruncate,
		.fallocate = faulty_fallocate,
		.fchmod = faulty_fchmod,
		.futimens = faulty_futimens,
		.mmap = faulty_mmap,
		.memfd_create = faulty_memfd_create,
		.inotify_init1 = faulty_inotify_init1,
		.pipe2 = faulty_pipe2,
		.spawn = faulty_spawn,
	};
	for (size_t i = 0; i < sizeof sys / sizeof(void (*)(void)); i++) /* a member that was added to the table and not here */
		if (!((void (**)(void))(void *)&sys)[i])
			abort();
}
