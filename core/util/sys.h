/*
 * sys: the system calls that can fail, behind one replaceable table.
 *
 * All of soldr's file work goes through `sys`, so that a test can make any one
 * call fail (ENOSPC, EIO, EMFILE, short counts) without a special file system.
 * Production code never writes to the table.
 */
#ifndef SOLDR_UTIL_SYS_H
#define SOLDR_UTIL_SYS_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sys_calls {
	int (*open)(const char *path, int flags, mode_t mode);
	int (*openat)(int dir, const char *path, int flags, mode_t mode);
	int (*close)(int fd);
	ssize_t (*read)(int fd, void *data, size_t len);
	ssize_t (*write)(int fd, const void *data, size_t len);
	ssize_t (*writev)(int fd, const struct iovec *, int count);
	int (*fstat)(int fd, struct stat *);
	int (*stat)(const char *path, struct stat *);
	int (*lstat)(const char *path, struct stat *);
	int (*fstatat)(int dir, const char *path, struct stat *, int flags);
	int (*rename)(const char *from, const char *to);
	int (*exchange)(const char *one, const char *other); /* renameat2(RENAME_EXCHANGE) */
	int (*unlink)(const char *path);
	int (*mkdir)(const char *path, mode_t mode);
	int (*ftruncate)(int fd, off_t len);
	int (*futimens)(int fd, const struct timespec times[2]);
	void *(*mmap)(void *, size_t len, int prot, int flags, int fd, off_t);
};

extern struct sys_calls sys;

#endif
