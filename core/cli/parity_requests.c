/*
 * parity_requests: see parity.h. A recorded request is a file of its own in
 * the record's directory, in the length-prefixed form of buf.h: magic, cwd,
 * arguments, environment.
 */
#include "parity.h"

#include "fs.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "parity";
static const char magic[] = "soldr-request 1";

enum { RECORD_MAX = 16 << 20 };

static void request_release(struct parity_request *r)
{
	free(r->cwd);
	free(r->origin);
	vec_release(&r->argv);
	vec_release(&r->envp);
}

void parity_requests_release(struct parity_requests *l)
{
	for (size_t i = 0; i < l->len; i++)
		request_release(&l->items[i]);
	free(l->items);
	*l = (struct parity_requests){0};
}

struct parity_request *parity_requests_add(struct parity_requests *l)
{
	if (l->len == PARITY_REQUESTS_MAX)
		return NULL;
	if (l->len == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct parity_request *items = realloc(l->items, cap * sizeof *items);
		if (!items)
			return NULL;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->len] = (struct parity_request){0};
	return &l->items[l->len++];
}

/* ---- compilation databases ----------------------------------------------------------- */

/*
 * The words of a "command": as a POSIX shell would split it, without any
 * expansion (JSON Compilation Database Format Specification, LLVM).
 */
static int split_command(const char *p, struct vec *argv)
{
	while (*p) {
		struct buf word = BUF_INIT;
		char quote = 0;
		p += strspn(p, " \t\n");
		if (!*p)
			break;
		buf_adds(&word, "");
		for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
			if (!quote && (*p == '"' || *p == '\'')) {
				quote = *p;
			} else if (quote && *p == quote) {
				quote = 0;
			} else if (*p == '\\' && quote != '\'' && p[1] && (!quote || strchr("\"\\$`", p[1]))) {
				buf_addc(&word, *++p);
			} else {
				buf_addc(&word, *p);
			}
		}
		if (buf_ok(&word) && !quote)
			vec_addn(argv, buf_str(&word), word.len);
		buf_release(&word);
		if (quote)
			return -1;
	}
	return argv->len ? 0 : -1;
}

static int read_arguments(const json_t *list, struct vec *argv)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return -1;
		vec_add(argv, json_string_value(item));
	}
	return argv->len ? 0 : -1;
}

static int read_row(struct parity_requests *l, const json_t *row, const char *file, size_t index, soldr_error *err)
{
	const char *dir = json_string_value(json_object_get(row, "directory"));
	const char *command = json_string_value(json_object_get(row, "command"));
	const json_t *arguments = json_object_get(row, "arguments");
	if (!dir || *dir != '/' || (!command && !json_is_array(arguments)))
		return err_set(err, SOLDR_E_CONFIG, 0, origin,
		               "%s: entry %zu needs an absolute \"directory\" and \"arguments\" or \"command\"", file, index);
	struct parity_request *r = parity_requests_add(l);
	if (!r)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, "%s: too many entries, or out of memory", file);
	struct buf where = BUF_INIT;
	buf_addf(&where, "%s:%zu", path_base(file), index);
	r->cwd = strdup(dir);
	r->origin = buf_detach(&where);
	int rc = arguments ? read_arguments(arguments, &r->argv) : split_command(command, &r->argv);
	if (rc)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, "%s: entry %zu: its command line cannot be split into words", file, index);
	return r->cwd && r->origin && vec_ok(&r->argv) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, "out of memory");
}

int parity_read_database(struct parity_requests *l, const char *file, soldr_error *err)
{
	json_error_t where;
	json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, "%s:%d:%d: %s", file, where.line, where.column, where.text);
	int rc = json_is_array(root) ? 0 : err_set(err, SOLDR_E_CONFIG, 0, origin, "%s: a compilation database is a JSON array", file);
	size_t i;
	json_t *row;
	json_array_foreach(root, i, row) {
		if (!rc)
			rc = read_row(l, row, file, i, err);
	}
	json_decref(root);
	return rc;
}

/* ---- records of a build ------------------------------------------------------------------ */

static void add_list(struct buf *b, const char *const *list)
{
	uint32_t n = 0;
	while (list[n])
		n++;
	buf_add_u32(b, n);
	for (uint32_t i = 0; i < n; i++)
		buf_add_str(b, list[i], strlen(list[i]));
}

void parity_record(const char *dir, const char *cwd, const char *const *argv, const char *const *envp)
{
	struct buf b = {.max = RECORD_MAX}, path = BUF_INIT;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	buf_add_str(&b, magic, strlen(magic));
	buf_add_str(&b, cwd, strlen(cwd));
	add_list(&b, argv);
	add_list(&b, envp);
	buf_addf(&path, "%s/%012lld%09ld.%ld", dir, (long long)now.tv_sec, now.tv_nsec, (long)getpid());
	if (buf_ok(&b) && buf_ok(&path))
		fs_write_file(path.data, b.data, b.len, 0600, NULL);
	buf_release(&b);
	buf_release(&path);
}

static void read_list(struct reader *r, struct vec *to)
{
	uint32_t n = reader_u32(r);
	for (uint32_t i = 0; i < n && !r->failed; i++) {
		size_t len;
		const char *s = reader_str(r, &len);
		if (s)
			vec_addn(to, s, len);
	}
}

/* Variables of soldr itself are not part of the request. */
static void drop_own_variables(struct vec *envp)
{
	size_t kept = 0;
	for (size_t i = 0; i < envp->len; i++) {
		if (strncmp(envp->items[i], "SOLDR_", 6) == 0)
			free(envp->items[i]);
		else
			envp->items[kept++] = envp->items[i];
	}
	envp->len = kept;
	if (envp->items)
		envp->items[kept] = NULL;
}

static int read_record(struct parity_requests *l, const char *file, soldr_error *err)
{
	struct buf b = BUF_INIT;
	int rc = fs_read_file(file, RECORD_MAX, &b, err);
	struct parity_request *r = rc ? NULL : parity_requests_add(l);
	if (r) {
		struct reader in = reader_of(b.data, b.len);
		size_t len;
		const char *head = reader_str(&in, &len);
		bool ours = head && len == strlen(magic) && memcmp(head, magic, len) == 0;
		const char *cwd = reader_str(&in, &len);
		r->cwd = cwd ? strndup(cwd, len) : NULL;
		r->origin = strdup("");
		read_list(&in, &r->argv);
		read_list(&in, &r->envp);
		drop_own_variables(&r->envp);
		if (!ours || in.failed || !r->cwd || !r->origin || !r->argv.len)
			rc = err_set(err, SOLDR_E_CORRUPT, 0, origin, "%s is no record of a compile", file);
	} else if (!rc) {
		rc = err_set(err, SOLDR_E_NOMEM, 0, origin, "out of memory");
	}
	buf_release(&b);
	return rc;
}

static int only_records(const struct dirent *e)
{
	return e->d_name[0] >= '0' && e->d_name[0] <= '9';
}

int parity_read_record(struct parity_requests *l, const char *dir, soldr_error *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, only_records, alphasort), rc = 0;
	if (n < 0)
		return err_set(err, SOLDR_E_IO, errno, origin, "cannot read %s", dir);
	for (int i = 0; i < n; i++) {
		char *file = path_join(dir, names[i]->d_name);
		if (!rc)
			rc = file ? read_record(l, file, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, "out of memory");
		free(file);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* xorshift64* (Vigna 2016): small, and the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717u;
}

/* Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S). */
void parity_sample(struct parity_requests *l, size_t n, uint64_t seed)
{
	uint64_t state = seed * 2654435769u + 1;
	size_t kept = 0, len = l->len;
	for (size_t i = 0; i < len; i++) {
		if (next_random(&state) % (len - i) < n - kept)
			l->items[kept++] = l->items[i];
		else
			request_release(&l->items[i]);
	}
	l->len = kept;
}
