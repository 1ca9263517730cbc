/* sys: the table with the real calls in it. */
#include "sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
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

static int sys_exchange(const char *one, const char *other)
{
	return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

struct sys_calls sys = {
	.open = sys_open,
	.openat = sys_openat,
	.close = close,
	.read = read,
	.write = write,
	.writev = writev,
	.fstat = fstat,
	.stat = stat,
	.lstat = lstat,
	.fstatat = fstatat,
	.rename = rename,
	.exchange = sys_exchange,
	.unlink = unlink,
	.mkdir = mkdir,
	.ftruncate = ftruncate,
	.futimens = futimens,
	.mmap = mmap,
};
