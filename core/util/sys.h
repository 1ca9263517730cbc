/*
 * sys: the system calls that can fail, behind one replaceable table.
 *
 * All of soldr's file work below core/cli goes through `sys`, so that a test can
 * make any one call fail (ENOSPC, EIO, EMFILE, short counts) without a special
 * file system. Production code never writes to the table.
 */
#ifndef SOLDR_UTIL_SYS_H
#define SOLDR_UTIL_SYS_H

#include <dirent.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sys_calls {
	int (*open)(const char *path, int flags, mode_t mode);
	int (*openat)(int dir, const char *path, int flags, mode_t mode);
	int (*close)(int fd);
	ssize_t (*read)(int fd, void *data, size_t len);
	ssize_t (*pread)(int fd, void *data, size_t len, off_t at);
	ssize_t (*write)(int fd, const void *data, size_t len);
	ssize_t (*writev)(int fd, const struct iovec *, int count);
	int (*fstat)(int fd, struct stat *);
	int (*stat)(const char *path, struct stat *);
	int (*lstat)(const char *path, struct stat *);
	int (*fstatat)(int dir, const char *path, struct stat *, int flags);
	int (*access)(const char *path, int mode);
	char *(*realpath)(const char *path, char *resolved);
	ssize_t (*readlink)(const char *path, char *to, size_t len);
	DIR *(*opendir)(const char *path);
	int (*rename)(const char *from, const char *to);
	int (*exchange)(const char *one, const char *other); /* renameat2(RENAME_EXCHANGE) */
	int (*unlink)(const char *path);
	int (*unlinkat)(int dir, const char *path, int flags);
	int (*symlink)(const char *target, const char *path);
	int (*mkdir)(const char *path, mode_t mode);
	int (*ftruncate)(int fd, off_t len);
	int (*fallocate)(int fd, off_t from, off_t len); /* posix_fallocate: returns the error */
	int (*fchmod)(int fd, mode_t mode);
	int (*futimens)(int fd, const struct timespec times[2]);
	void *(*mmap)(void *, size_t len, int prot, int flags, int fd, off_t);
	int (*memfd_create)(const char *name, unsigned flags);
	int (*inotify_init1)(int flags);
	int (*pipe2)(int ends[2], int flags);
	/* posix_spawn: returns the error */
	int (*spawn)(pid_t *, const char *path, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const argv[],
	             char *const envp[]);
};

extern struct sys_calls sys;

#endif
