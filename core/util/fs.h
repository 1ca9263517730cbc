/*
 * fs: whole files, atomic publication, private directories, trust.
 *
 * Every function returns 0 or a SOLDR_E_* code with err filled (err may be
 * NULL), unless said otherwise. Descriptors are always close-on-exec.
 */
#ifndef SOLDR_UTIL_FS_H
#define SOLDR_UTIL_FS_H

#include "buf.h"
#include "err.h"
#include "sys.h"

/* Appends the file's bytes. Not a regular file, or larger than max bytes: an error, without reading it. */
int fs_read_file(const char *path, size_t max, struct buf *, soldr_error *);
/* The same from an open descriptor. */
int fs_read_fd(int fd, const char *name, size_t max, struct buf *, soldr_error *);
/*
 * The same without keeping it: take gets piece after piece, until it returns false. Each begins with the last `overlap`
 * bytes (below FS_PIECE) of the one before. Large files are quicker this way, as memory that is touched first costs more than reading.
 */
enum { FS_PIECE = 64 << 10 };
int fs_feed_fd(int fd, const char *name, size_t max, size_t overlap, bool (*take)(void *arg, const char *, size_t len), void *arg,
               soldr_error *);
/* Writes all bytes; retries short writes and EINTR. 0, or errno. */
int fs_write_all(int fd, const void *, size_t len);

/*
 * A file under construction, in the directory of its target: created with
 * O_EXCL under a name ".soldr-tmp.…", then put in the place of the target in
 * one step. A name of that form that is older than a day is litter of a killed
 * process.
 */
struct fs_temp {
	int fd;       /* -1: none */
	char *path;   /* of the temporary */
	char *target;
	bool replaces; /* the caller knows of a file there: publishing is then quicker */
};

#define FS_TEMP_PREFIX ".soldr-tmp."
#define FS_TEMP_INIT ((struct fs_temp){.fd = -1})

/* mode goes through the process's umask, as for any new file. */
int fs_temp_open(struct fs_temp *, const char *target, mode_t mode, soldr_error *);
/*
 * The same for a file that the user names. What is there and no regular file (a device, a FIFO, a link) is
 * written to and never replaced: publishing then only closes it.
 */
int fs_temp_open_output(struct fs_temp *, const char *target, mode_t mode, soldr_error *);
int fs_temp_publish(struct fs_temp *, soldr_error *); /* close, put in the target's place; releases */
void fs_temp_discard(struct fs_temp *);               /* unlink; safe after publish and on INIT */

/* Publishes data as path in one step. */
int fs_write_file(const char *path, const void *, size_t len, mode_t mode, soldr_error *);
/* The same by fs_temp_open_output. */
int fs_write_output(const char *path, const void *, size_t len, mode_t mode, soldr_error *);

/* mkdir -p. Directories that exist are left as they are. */
int fs_make_dirs(const char *path, mode_t mode, soldr_error *);
/* Removes a tree without following links. Missing: 0. Counts may be NULL. */
int fs_remove_tree(const char *path, uint64_t *files, uint64_t *bytes, soldr_error *);

/*
 * Trust: path exists and neither it nor any directory above it can be changed
 * by another user than us or root: owner is us or root, no write bit for group
 * or others (directories: or the sticky bit, as /tmp has). Links are resolved
 * first. SOLDR_E_TRUST says which part is unsafe and how to mend it;
 * SOLDR_E_NOT_FOUND when it does not exist.
 */
int fs_check_trusted(const char *path, soldr_error *);
/* fs_read_file of a path that has to be trusted; what was read is what was checked, however links change meanwhile. */
int fs_read_trusted(const char *path, size_t max, struct buf *, soldr_error *);
/* Trust for a directory of ours: also owned by us, and not a link (path itself). */
int fs_check_private_dir(const char *path, soldr_error *);

/* Maps size bytes of a file shared and writable, made and extended as needed. NULL: err. munmap() ends it. */
void *fs_map_shared(const char *path, size_t size, soldr_error *);

#endif
