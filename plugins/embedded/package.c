/* package: see package.h. */
#include "package.h"

#include "path.h"
#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "embedded";

struct walk {
	struct digest_memory *memory;
	struct hasher hasher;
	int64_t since;
	bool young;
	size_t files;
	soldr_error *err;
};

static int out_of_memory(soldr_error *err)
{
	return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

/* Sorted: a directory gives its names in any order. */
static int list_names(struct walk *w, const char *path, struct vec *names)
{
	DIR *dir = sys.opendir(path);
	if (!dir)
		return err_set(w->err, SOLDR_E_IO, errno, origin, E735_PACKAGE_NOT_LISTED, path);
	for (struct dirent *e; (e = readdir(dir));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, ".git") == 0)
			continue;
		if (++w->files > PACKAGE_FILES_MAX) {
			closedir(dir);
			return err_set(w->err, SOLDR_E_UNSUPPORTED, 0, origin, E736_PACKAGE_LARGE, PACKAGE_FILES_MAX);
		}
		vec_add(names, e->d_name);
	}
	closedir(dir);
	if (!vec_ok(names))
		return out_of_memory(w->err);
	if (names->len)
		qsort(names->items, names->len, sizeof *names->items, vec_order);
	return 0;
}

static void look_at_age(struct walk *w, const struct stat *st)
{
	struct tuple tuple;
	tuple_of(&tuple, st);
	w->young = w->young || (w->since && tuple_unsafe_since(&tuple, w->since));
}

static int add_file(struct walk *w, const char *path)
{
	struct tuple tuple;
	struct digest digest;
	int rc = digests_read(w->memory, AT_FDCWD, path, &tuple, &digest, w->err);
	if (rc)
		return rc;
	w->young = w->young || (w->since && tuple_unsafe_since(&tuple, w->since));
	hasher_field(&w->hasher, "file", digest.bytes, DIGEST_SIZE);
	return 0;
}

static int add_link(struct walk *w, const char *path)
{
	char text[PATH_MAX];
	struct stat st;
	ssize_t n = sys.readlink(path, text, sizeof text);
	if (n < 0)
		return err_set(w->err, SOLDR_E_IO, errno, origin, E106_NOT_READ, path);
	hasher_field(&w->hasher, "link", text, (size_t)n);
	return sys.stat(path, &st) == 0 && S_ISREG(st.st_mode) ? add_file(w, path) : 0;
}

static int add_directory(struct walk *w, const char *path, const struct stat *, int depth);

static int add_name(struct walk *w, const char *path, int depth)
{
	struct stat st;
	if (sys.lstat(path, &st) != 0)
		return err_set(w->err, SOLDR_E_IO, errno, origin, E737_PACKAGE_NOT_SEEN, path);
	if (S_ISDIR(st.st_mode))
		return add_directory(w, path, &st, depth + 1);
	look_at_age(w, &st);
	if (S_ISLNK(st.st_mode))
		return add_link(w, path);
	return S_ISREG(st.st_mode) ? add_file(w, path) : 0;
}

static int add_directory(struct walk *w, const char *path, const struct stat *st, int depth)
{
	struct vec names = VEC_INIT;
	char *tag = path_join(path, "CACHEDIR.TAG");
	bool is_cache = depth && tag && sys.access(tag, F_OK) == 0;
	free(tag);
	if (is_cache)
		return 0;
	look_at_age(w, st);
	if (depth > PACKAGE_DEPTH_MAX)
		return err_set(w->err, SOLDR_E_UNSUPPORTED, 0, origin, E738_PACKAGE_DEEP);
	int rc = list_names(w, path, &names);
	for (size_t i = 0; i < names.len && !rc; i++) {
		char *child = path_join(path, names.items[i]);
		hasher_field_str(&w->hasher, "name", names.items[i]);
		rc = child ? add_name(w, child, depth) : out_of_memory(w->err);
		free(child);
	}
	hasher_field_str(&w->hasher, "end", "");
	vec_release(&names);
	return rc;
}

int package_digest(struct digest_memory *memory, const char *dir, int64_t since, struct digest *digest, bool *young, soldr_error *err)
{
	struct walk w = {.memory = memory, .since = since, .err = err};
	struct stat st;
	hasher_init(&w.hasher);
	int rc = sys.stat(dir, &st) == 0 ? add_directory(&w, dir, &st, 0)
	                                 : err_set(err, SOLDR_E_IO, errno, origin, E737_PACKAGE_NOT_SEEN, dir);
	hasher_end(&w.hasher, digest);
	if (!rc && young)
		*young = w.young;
	return rc;
}
