/*
 * files: the state of an input file, as the cache remembers it.
 *
 * A stat tuple that is equal in all five members stands for unchanged content:
 * the kernel sets ctime at every change, no program can set it back, and
 * compile.c only stores inputs whose ctime lies before the compile began, so
 * that any later change gets another one. On a mismatch contents decide.
 */
#ifndef EMBEDDED_FILES_H
#define EMBEDDED_FILES_H

#include "buf.h"
#include "digest.h"
#include "err.h"

#include <sys/stat.h>

enum { FILE_INPUT_MAX = 1 << 30 }; /* bytes of one input */

struct tuple {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

void tuple_of(struct tuple *, const struct stat *);
static inline bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

/*
 * True when the file may have changed at or after the moment t (ns, from
 * files_clock_ns) without its ctime telling: changed since, or in the same tick
 * of the file system's clock. A ctime of whole seconds means a file system
 * that keeps no better, and gets a window of two seconds.
 */
bool tuple_unsafe_since(const struct tuple *, int64_t t);
/* The clock that the kernel stamps files with. */
int64_t files_clock_ns(void);

/*
 * Reads a regular file whole: content appended to out, its tuple and digest.
 * dir: descriptor that relative paths start from (AT_FDCWD: the process's).
 * 0, or SOLDR_E_* with err filled. content may be NULL.
 */
int files_read(int dir, const char *path, struct buf *content, struct tuple *, struct digest *, soldr_error *);

/* Digests of files by path, so that one request reads each file at most once. */
struct file_memo {
	int dir; /* where relative paths start */
	/* Reads a file like files_read without its content; NULL: files_read does. */
	int (*read)(void *arg, int dir, const char *path, struct tuple *, struct digest *);
	void *arg;
	struct memo_item *items;
	size_t len, cap; /* cap: a power of two */
};

struct memo_item {
	char *path; /* NULL: free slot */
	bool ok;
	bool settled; /* no later change can have this tuple too */
	struct tuple tuple;
	struct digest digest;
};

void memo_release(struct file_memo *);
/* The item of path, read now if it is not known; NULL when memory is out. ok false: unreadable. */
const struct memo_item *memo_get(struct file_memo *, const char *path);
/* Adds the path without reading the file; for use as a set. NULL when memory is out. */
const struct memo_item *memo_note(struct file_memo *, const char *path);
bool memo_has(const struct file_memo *, const char *path);

#endif
