/* crates: see crates.h. */
#include "crates.h"

#include "fs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENDING = 17, OVERLAP = 32 }; /* "-" and 16 hex digits; what is looked for is shorter than OVERLAP */

/* What comes with the compiler and needs no path. */
static const char *const standard[] = {"std", "core", "alloc", "proc_macro", "test", "self", NULL};

/* A crate file in a -L directory. */
struct found {
	char *path;
	char ending[ENDING + 1]; /* "": none of cargo's form */
	unsigned kind;           /* index into extensions */
	bool wanted;
};

/* In the order in which rustc reads metadata from them. */
static const char *const extensions[] = {".rmeta", ".rlib", ".so"};

enum { KIND_RMETA, KIND_RLIB, KIND_SO, KINDS };

struct search {
	struct found *items;
	size_t len, cap;
	bool no_memory;
};

void crates_release(struct crate_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		free(l->items[i].path);
	free(l->items);
	*l = (struct crate_list){0};
}

static bool crates_have(const struct crate_list *l, const char *path)
{
	for (size_t i = 0; i < l->len; i++)
		if (strcmp(l->items[i].path, path) == 0)
			return true;
	return false;
}

static bool is_standard(const char *name, size_t len)
{
	for (size_t i = 0; standard[i]; i++)
		if (strlen(standard[i]) == len && memcmp(standard[i], name, len) == 0)
			return true;
	return false;
}

/* A library made by rustc has a section ".rustc"; the names of sections are at a file's end. */
static bool is_rust_library(int dir, const char *path)
{
	char tail[16384];
	int fd = sys.openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t n = sys.pread(fd, tail, sizeof tail, size > (off_t)sizeof tail ? size - (off_t)sizeof tail : 0);
	sys.close(fd);
	/* A long table of sections may push the names out of reach: then it counts. */
	return n > 0 && (memmem(tail, (size_t)n, ".rustc", 7) || !memmem(tail, (size_t)n, ".shstrtab", 10));
}

static void add_found(struct search *s, const char *dir, const char *name, unsigned kind)
{
	if (s->len == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct found *items = realloc(s->items, cap * sizeof *items);
		if (!items) {
			s->no_memory = true;
			return;
		}
		s->items = items;
		s->cap = cap;
	}
	struct found *f = &s->items[s->len];
	struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%s", dir, name);
	*f = (struct found){.path = buf_detach(&path), .kind = kind};
	if (!f->path) {
		s->no_memory = true;
		return;
	}
	s->len++;
	size_t stem = strlen(name) - strlen(extensions[kind]);
	bool hashed = stem > ENDING && name[stem - ENDING] == '-';
	for (size_t i = stem - ENDING + 1; hashed && i < stem; i++)
		hashed = isxdigit((unsigned char)name[i]);
	if (hashed)
		memcpy(f->ending, name + stem - ENDING, ENDING);
}

/* direct: crates are looked for by their bare names here; a system's directory of libraries may be among them. */
static void list(struct search *s, int at, const char *dir, bool direct, bool *loose)
{
	int fd = sys.openat(at, *dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			sys.close(fd);
		return; /* rustc ignores it too */
	}
	for (struct dirent *e; (e = readdir(d));) {
		size_t n = strlen(e->d_name);
		if (strncmp(e->d_name, "lib", 3) != 0)
			continue;
		for (unsigned k = 0; k < KINDS; k++) {
			size_t m = strlen(extensions[k]);
			if (n <= m || strcmp(e->d_name + n - m, extensions[k]) != 0)
				continue;
			if (direct && k == KIND_SO && !is_rust_library(fd, e->d_name))
				continue;
			*loose = *loose || direct;
			add_found(s, dir, e->d_name, k);
		}
	}
	closedir(d);
}

static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int ending = memcmp(x->ending, y->ending, sizeof x->ending);
	return ending ? ending : strcmp(x->path, y->path);
}

/* Marks what has this ending. */
static void want(struct search *s, const char *ending)
{
	size_t low = 0, high = s->len;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (memcmp(s->items[mid].ending, ending, ENDING) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->len && memcmp(s->items[low].ending, ending, ENDING) == 0; low++)
		s->items[low].wanted = true;
}

static bool scan(void *search, const char *data, size_t len)
{
	for (const char *p = data, *end = data + len; (p = memchr(p, '-', (size_t)(end - p))); p++) {
		if (end - p < ENDING)
			break;
		if (isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[ENDING - 1]))
			want(search, p);
	}
	return true;
}

static bool look_for_macros(void *found, const char *data, size_t len)
{
	static const char symbol[] = "__rustc_proc_macro_decls_";
	*(bool *)found = memmem(data, len, symbol, strlen(symbol));
	return !*(bool *)found;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

static int open_crate(int dir, const char *path)
{
	return sys.openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
}

/* The metadata of an extern: what lies beside a library, or the library itself. */
static int open_metadata(int dir, const char *path)
{
	struct buf beside = BUF_INIT;
	int fd = -1;
	if (ends_with(path, ".rlib")) {
		buf_add(&beside, path, strlen(path) - strlen("rlib"));
		buf_adds(&beside, "rmeta");
		fd = buf_ok(&beside) ? open_crate(dir, beside.data) : -1;
	}
	buf_release(&beside);
	return fd >= 0 ? fd : open_crate(dir, path);
}

/* Follows one extern. A library of procedural macros brings no crates along; the metadata of another .so is packed. */
static bool follow(struct search *s, int dir, const char *path)
{
	bool macros = false, packed = ends_with(path, ".so");
	int fd = packed ? open_crate(dir, path) : open_metadata(dir, path);
	if (fd < 0)
		return false;
	int rc = fs_feed_fd(fd, path, FILE_INPUT_MAX, OVERLAP, packed ? look_for_macros : scan, packed ? (void *)&macros : s, NULL);
	sys.close(fd);
	for (size_t i = 0; packed && !macros && i < s->len; i++)
		s->items[i].wanted = true;
	return rc == 0;
}

/* Without its metadata file a crate's library is read; when nothing is linked, that is all that is read of it. */
static bool is_superseded(const struct search *s, size_t i)
{
	const struct found *f = &s->items[i];
	size_t stem = strlen(f->path) - strlen(extensions[f->kind]);
	for (size_t k = 0; k < s->len; k++) {
		const struct found *o = &s->items[k];
		if (o->kind < f->kind && o->kind == KIND_RMETA && strlen(o->path) == stem + strlen(extensions[KIND_RMETA]) &&
		    memcmp(o->path, f->path, stem) == 0)
			return true;
	}
	return false;
}

static bool add_crate(struct crate_list *l, const char *path)
{
	if (crates_have(l, path))
		return true;
	if (l->len == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct crate_file *items = realloc(l->items, cap * sizeof *items);
		if (!items)
			return false;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->len] = (struct crate_file){.path = strdup(path)};
	return l->items[l->len++].path != NULL;
}

static enum soldr_reason digest_all(struct crate_list *l, struct digest_memory *memory, int dir, char *detail, size_t detail_size)
{
	for (size_t i = 0; i < l->len; i++) {
		struct crate_file *c = &l->items[i];
		int64_t begun = files_clock_ns();
		if (digests_read(memory, dir, c->path, &c->tuple, &c->digest, NULL) != 0) {
			snprintf(detail, detail_size, "%s", c->path);
			return SOLDR_REASON_INPUT_UNREADABLE;
		}
		c->doubtful = tuple_unsafe_since(&c->tuple, begun);
	}
	return SOLDR_REASON_NONE;
}

static void search_release(struct search *s)
{
	for (size_t i = 0; i < s->len; i++)
		free(s->items[i].path);
	free(s->items);
}

enum soldr_reason crates_find(struct crate_list *l, const struct rust_call *call, struct digest_memory *memory, int dir, char *detail,
                              size_t detail_size)
{
	struct search s = {0};
	bool whole = rust_bundles(call), good = true, ignored = false;
	for (size_t i = 0; i < call->bare_externs.len; i++) {
		const char *name = call->bare_externs.items[i];
		if (is_standard(name, strlen(name)))
			continue;
		snprintf(detail, detail_size, "%s", name);
		return SOLDR_REASON_CRATES_UNKNOWN;
	}
	for (size_t i = 0; i < call->dependency_dirs.len; i++)
		list(&s, dir, call->dependency_dirs.items[i], false, &ignored);
	for (size_t i = 0; i < call->crate_dirs.len; i++)
		list(&s, dir, call->crate_dirs.items[i], true, &l->loose);
	if (s.len)
		qsort(s.items, s.len, sizeof *s.items, compare_found);
	for (size_t i = 0; good && i < call->extern_paths.len; i++) {
		const char *path = call->extern_paths.items[i];
		snprintf(detail, detail_size, "%s", path);
		good = add_crate(l, path) && follow(&s, dir, path);
	}
	for (size_t i = 0; good && i < s.len; i++)
		if ((s.items[i].wanted || !*s.items[i].ending) && (whole || !is_superseded(&s, i)))
			good = add_crate(l, s.items[i].path);
	bool fits = !s.no_memory && l->len <= CRATES_MAX;
	search_release(&s);
	if (!good || !fits)
		return good ? SOLDR_REASON_CRATES_UNKNOWN : SOLDR_REASON_INPUT_UNREADABLE;
	*detail = 0;
	return digest_all(l, memory, dir, detail, detail_size);
}

const char *crates_changed(const struct crate_list *l, int dir)
{
	for (size_t i = 0; i < l->len; i++) {
		const struct crate_file *c = &l->items[i];
		struct stat st;
		struct tuple now;
		struct digest digest;
		if (sys.fstatat(dir, c->path, &st, 0) != 0)
			return c->path;
		tuple_of(&now, &st);
		if (!tuple_equal(&now, &c->tuple))
			return c->path;
		if (c->doubtful && (files_read(dir, c->path, NULL, &now, &digest, NULL) != 0 || !digest_equal(&digest, &c->digest)))
			return c->path;
	}
	return NULL;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

bool crates_named(const char *text, size_t len, const struct rust_call *call)
{
	const char *end = text + len;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "extern", 6)); p += 6) {
		const char *at = skip_blanks(p + 6, end);
		if (at == p + 6 || end - at < 6 || memcmp(at, "crate", 5) != 0 || is_word(at[5]))
			continue;
		at = skip_blanks(at + 5, end);
		size_t n = 0;
		while (at + n < end && is_word(at[n]))
			n++;
		bool given = is_standard(at, n);
		for (size_t i = 0; !given && i < call->extern_names.len; i++)
			given = strlen(call->extern_names.items[i]) == n && memcmp(call->extern_names.items[i], at, n) == 0;
		if (!given)
			return false;
	}
	return true;
}
