/*
 * path: paths as strings, and programs on PATH.
 *
 * Functions that return char * return malloc'ed memory, NULL when memory is
 * out (or where said). Paths are byte strings; nothing assumes an encoding.
 */
#ifndef SOLDR_UTIL_PATH_H
#define SOLDR_UTIL_PATH_H

#include <stdbool.h>
#include <stddef.h>

const char *path_base(const char *path); /* after the last '/' */
char *path_dir(const char *path);        /* before it; "." or "/" where there is none */
char *path_join(const char *dir, const char *name); /* name alone when absolute or dir is "" */
/* "name" without its last ".ext" (a leading dot is no extension); stem_len bytes of path_base(). */
size_t path_stem_len(const char *base);
const char *path_ext(const char *path); /* ".c", or "" */
/* Absolute and lexically clean ("." and "//" removed; ".." kept: it may cross a link). */
char *path_absolute(const char *cwd, const char *path);
void path_tidy(char *path); /* in place: without "." and doubled slashes, lexically; "." becomes "" */
bool path_is_below(const char *path, const char *dir); /* lexically dir itself or below it */
/* realpath of /proc/self/exe; NULL where it cannot be read. */
char *path_self(void);

/* Value of NAME in an environment list, or NULL. */
const char *env_get(const char *const *envp, const char *name);

/*
 * The first executable regular file called name on path_list (NULL: a default
 * of /usr/local/bin:/usr/bin:/bin) that skip() does not reject. A name with a
 * slash is taken as it is. Relative entries are resolved against cwd. NULL:
 * not found (errno is then ENOENT, or EACCES when all that was found may not
 * be executed).
 */
typedef bool (*path_skip_fn)(void *arg, const char *candidate);
char *path_find_program(const char *name, const char *path_list, const char *cwd, path_skip_fn skip, void *arg);

#endif
