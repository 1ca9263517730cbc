/* sys: the table with the real calls in it. */
#include "sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* open and openat are variadic in libc; a table entry needs one shape. */
static int sys_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

static int sys_openat(int dir, const char *path, int flags, mode_t mode)
{
	return openat(dir, path, flags, mode);
}

enum { EXCHANGE = 1 << 1 }; /* RENAME_EXCHANGE of <linux/fs.h> */

static int sys_exchange(const char *one, const char *other)
{
	/* musl has no function for it. */
	return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, EXCHANGE);
}

struct sys_calls sys = {
	.open = sys_open,
	.openat = sys_openat,
	.close = close,
	.read = read,
	.pread = pread,
	.write = write,
	.writev = writev,
	.fstat = fstat,
	.stat = stat,
	.lstat = lstat,
	.fstatat = fstatat,
	.access = access,
	.realpath = realpath,
	.readlink = readlink,
	.opendir = opendir,
	.rename = rename,
	.exchange = sys_exchange,
	.unlink = unlink,
	.unlinkat = unlinkat,
	.symlink = symlink,
	.mkdir = mkdir,
	.ftruncate = ftruncate,
	.fallocate = posix_fallocate,
	.fchmod = fchmod,
	.futimens = futimens,
	.mmap = mmap,
	.memfd_create = memfd_create,
	.inotify_init1 = inotify_init1,
	.pipe2 = pipe2,
	.spawn = posix_spawn,
};
