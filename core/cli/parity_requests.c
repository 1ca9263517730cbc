/*
 * parity_requests: see parity.h. The lines of a journal are looked at before
 * they become requests: what they need has to be there still. A recorded request is a file of its own in
 * the record's directory, in the length-prefixed form of buf.h: magic, cwd,
 * arguments, environment.
 */
#include "parity.h"

#include "compiler.h"
#include "fs.h"
#include "journal.h"
#include "path.h"
#include "worktree.h"

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
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E647_DATABASE_ENTRY, file, index);
	struct parity_request *r = parity_requests_add(l);
	if (!r)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E648_DATABASE_LARGE, file);
	struct buf where = BUF_INIT;
	buf_addf(&where, "%s:%zu", path_base(file), index);
	r->cwd = strdup(dir);
	r->origin = buf_detach(&where);
	int rc = arguments ? read_arguments(arguments, &r->argv) : split_command(command, &r->argv);
	if (rc)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E649_DATABASE_WORDS, file, index);
	return r->cwd && r->origin && vec_ok(&r->argv) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

int parity_read_database(struct parity_requests *l, const char *file, soldr_error *err)
{
	json_error_t where;
	json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E650_DATABASE_JSON, file, where.line, where.column, where.text);
	int rc = json_is_array(root) ? 0 : err_set(err, SOLDR_E_CONFIG, 0, origin, E651_DATABASE_ARRAY, file);
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
			rc = err_set(err, SOLDR_E_CORRUPT, 0, origin, E652_NO_RECORD, file);
	} else if (!rc) {
		rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
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
		return err_set(err, SOLDR_E_IO, errno, origin, E106_NOT_READ, dir);
	for (int i = 0; i < n; i++) {
		char *file = path_join(dir, names[i]->d_name);
		if (!rc)
			rc = file ? read_record(l, file, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
		free(file);
		free(names[i]);
	}
	free(names);
	return rc;
}

int parity_leave_path(struct parity_requests *l, const char *dir)
{
	for (size_t i = 0; i < l->len; i++) {
		struct vec *envp = &l->items[i].envp;
		for (size_t k = 0; k < envp->len; k++) {
			struct buf path = BUF_INIT;
			if (strncmp(envp->items[k], "PATH=", 5) != 0)
				continue;
			const char *between = "PATH=";
			for (const char *p = envp->items[k] + 5; *p;) {
				size_t n = strcspn(p, ":");
				char *entry = strndup(p, n);
				if (!entry)
					return -1;
				if (!path_is_below(entry, dir))
					buf_addf(&path, "%s%s", between, entry);
				between = path.len ? ":" : between;
				free(entry);
				p += n + (p[n] == ':');
			}
			if (!path.len)
				buf_adds(&path, between);
			char *whole = buf_detach(&path);
			if (!whole)
				return -1;
			free(envp->items[k]);
			envp->items[k] = whole;
		}
	}
	return 0;
}

/* ---- journals -------------------------------------------------------------------------- */

struct journal_reading {
	struct parity_work *work;
	json_t *seen; /* a set of "DIRECTORY\nARGUMENT\n…", to take equal requests once */
	bool failed;
};

/* Files of these kinds are inputs wherever they stand; headers and the rest the compiler finds by itself. */
static bool is_input_name(const char *name)
{
	static const char *const extensions[] = {".c", ".i", ".cc", ".cp", ".cxx", ".cpp", ".c++", ".C", ".ii", ".m", ".mi", ".mm",
	                                         ".M", ".mii", ".s", ".S", ".sx", ".rs", ".o", ".a", ".so"};
	const char *extension = path_ext(name);
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (strcmp(extension, extensions[i]) == 0)
			return true;
	return *name == '@';
}

static bool names_output(const char *option)
{
	static const char *const options[] = {"-o", "-MF", "-MT", "-MQ", "-MJ", "-dumpbase", "-dumpbase-ext", "-dumpdir", "-D", "-U"};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (strcmp(option, options[i]) == 0)
			return true;
	return false;
}

static bool inputs_are_there(const char *cwd, const struct vec *argv)
{
	for (size_t i = 1; i < argv->len; i++) {
		const char *arg = argv->items[i];
		if (*arg == '-' || !is_input_name(arg) || names_output(argv->items[i - 1]))
			continue;
		char *file = path_join(cwd, arg + (*arg == '@'));
		bool there = file && access(file, R_OK) == 0;
		free(file);
		if (!there)
			return false;
	}
	return true;
}

static bool is_set(const json_t *line, const char *key)
{
	return json_is_true(json_object_get(line, key));
}

/* Why the line cannot be replayed, PARITY_SKIP_COUNT when it can. */
static enum parity_skip judge_line(const json_t *line, const char *cwd, const char *compiler, const struct vec *argv)
{
	const char *reason = json_string_value(json_object_get(line, "reason"));
	struct stat st;
	if (is_set(line, "redacted"))
		return PARITY_SKIP_REDACTED;
	if (is_set(line, "args_truncated"))
		return PARITY_SKIP_TRUNCATED;
	if (is_set(line, "not_utf8"))
		return PARITY_SKIP_NOT_UTF8;
	if (!cwd || *cwd != '/' || !compiler || *compiler != '/' || !argv->len || !vec_ok(argv))
		return PARITY_SKIP_UNREADABLE;
	if (reason && (strcmp(reason, "probe") == 0 || strcmp(reason, "no_input") == 0))
		return PARITY_SKIP_PROBE;
	if (reason && strcmp(reason, "stdin_input") == 0)
		return PARITY_SKIP_STDIN;
	if (stat(cwd, &st) != 0 || !S_ISDIR(st.st_mode))
		return PARITY_SKIP_DIRECTORY_GONE;
	if (access(compiler, X_OK) != 0)
		return PARITY_SKIP_COMPILER_GONE;
	return inputs_are_there(cwd, argv) ? PARITY_SKIP_COUNT : PARITY_SKIP_SOURCE_GONE;
}

/* The name that it was called by, where that still leads to the same program; else its path. */
static void name_compiler(const struct cli *cli, const char *cwd, const char *compiler, struct vec *argv)
{
	char *found = path_find_program(argv->items[0], env_get(cli->envp, "PATH"), cwd, compiler_is_soldr, NULL);
	if (!found || strcmp(found, compiler) != 0) {
		char *path = strdup(compiler);
		if (path) {
			free(argv->items[0]);
			argv->items[0] = path;
		}
	}
	free(found);
}

/* False when an equal request was there before. */
static bool is_new(json_t *seen, const char *cwd, const struct vec *argv)
{
	struct buf key = BUF_INIT;
	buf_addf(&key, "%s\n", cwd);
	for (size_t i = 0; i < argv->len; i++)
		buf_addf(&key, "%s\n", argv->items[i]);
	bool fresh = !json_object_get(seen, buf_str(&key));
	if (fresh)
		json_object_set_new(seen, buf_str(&key), json_true());
	buf_release(&key);
	return fresh;
}

static void take_line(void *arg, const char *text, size_t len)
{
	struct journal_reading *r = arg;
	struct parity_work *w = r->work;
	struct vec argv = VEC_INIT;
	json_t *line = json_loadb(text, len, 0, NULL);
	const char *cwd = json_string_value(json_object_get(line, "cwd"));
	const char *compiler = json_string_value(json_object_get(line, "compiler"));
	if (read_arguments(json_object_get(line, "args"), &argv) != 0)
		vec_release(&argv);
	enum parity_skip skip = line ? judge_line(line, cwd, compiler, &argv) : PARITY_SKIP_UNREADABLE;
	if (skip != PARITY_SKIP_COUNT) {
		w->totals.skips[skip]++;
	} else {
		name_compiler(w->plan.cli, cwd, compiler, &argv);
		struct parity_request *request = is_new(r->seen, cwd, &argv) ? parity_requests_add(&w->requests) : NULL;
		if (request) {
			struct buf from = BUF_INIT;
			buf_addf(&from, "run %s", w->run);
			request->cwd = strdup(cwd);
			request->origin = buf_detach(&from);
			request->argv = argv;
			argv = VEC_INIT;
			r->failed = r->failed || !request->cwd || !request->origin;
		}
	}
	vec_release(&argv);
	json_decref(line);
}

int parity_read_journal(struct parity_work *w, const struct config *config, const char *run, soldr_error *err)
{
	char newest[JOURNAL_RUN_MAX];
	struct journal_reading r = {.work = w};
	size_t broken = 0;
	bool last = strcmp(run, "last") == 0;
	if (!last && (strchr(run, '/') || *run == '.' || !*run || strlen(run) >= JOURNAL_RUN_MAX))
		return err_set(err, SOLDR_E_INVALID, 0, origin, E653_RUN_ARGUMENT_ID, run);
	int rc = last ? journal_latest(config, newest, err) : 0;
	if (rc)
		return rc;
	r.seen = json_object();
	w->run = strdup(last ? newest : run);
	char *file = w->run ? journal_path(config, w->run) : NULL;
	rc = file ? journal_read(file, take_line, &r, &broken, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (rc == SOLDR_E_NOT_FOUND)
		err_set(err, rc, 0, origin, E654_RUN_WITHOUT_JOURNAL, w->run, file);
	if (!rc && r.failed)
		rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	w->totals.skips[PARITY_SKIP_UNREADABLE] += broken;
	free(file);
	json_decref(r.seen);
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

static bool is_rust(const char *program)
{
	return strcmp(path_base(program), "rustc") == 0 || strcmp(path_base(program), "clippy-driver") == 0;
}

/* The checkouts that the request may be of: the working directory's, and that of rustc's outputs. */
static void find_roots(const struct parity_request *q, const char *root, struct vec *roots)
{
	static const char option[] = "--out-dir";
	const size_t n = strlen(option);
	const char *places[2] = {q->cwd, NULL};
	for (size_t i = 1; i < q->argv.len && is_rust(q->argv.items[0]); i++) {
		const char *a = q->argv.items[i];
		if (strncmp(a, option, n) == 0 && (a[n] == '=' || (!a[n] && i + 1 < q->argv.len)))
			places[1] = a[n] ? a + n + 1 : q->argv.items[i + 1];
	}
	for (size_t i = 0; i < 2; i++) {
		char *found = root ? strdup(root) : places[i] ? worktree_find(places[i]) : NULL;
		if (found && worktree_is_plain(found) && (!roots->len || strcmp(roots->items[0], found) != 0))
			vec_add(roots, found);
		free(found);
	}
}

/* How many words come before the options: the compiler, "+toolchain", the path of rustc for clippy-driver. */
static size_t head_len(const struct vec *argv)
{
	size_t n = 1;
	n += is_rust(argv->items[0]) && n < argv->len && argv->items[n][0] == '+';
	n += is_rust(argv->items[0]) && n < argv->len && strcmp(path_base(argv->items[n]), "rustc") == 0;
	return n;
}

int parity_map_roots(struct parity_requests *r, const char *root)
{
	for (size_t i = 0; i < r->len; i++) {
		struct parity_request *q = &r->items[i];
		struct vec roots = VEC_INIT, mapped = VEC_INIT;
		bool rust = is_rust(q->argv.items[0]);
		if (!rust && !compiler_name_c(path_base(q->argv.items[0])))
			continue;
		find_roots(q, root, &roots);
		size_t head = head_len(&q->argv);
		for (size_t k = 0; k < head; k++)
			vec_add(&mapped, q->argv.items[k]);
		for (size_t k = 0; k < roots.len; k++)
			vec_addf(&mapped, rust ? "--remap-path-prefix=%s=." : "-ffile-prefix-map=%s=.", roots.items[k]);
		vec_add_all(&mapped, vec_items(&q->argv) + head);
		vec_release(&q->argv);
		q->argv = mapped;
		bool memory = vec_ok(&roots) && vec_ok(&q->argv);
		vec_release(&roots);
		if (!memory)
			return -1;
	}
	return 0;
}
