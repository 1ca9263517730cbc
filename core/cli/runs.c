/* runs: see runs.h. */
#include "runs.h"

#include "counters.h"
#include "fs.h"
#include "path.h"
#include "session.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "runs";

enum { SUMMARY_MAX = 1 << 20, RUNS_MAX = 10000 };

/* ---- a line ------------------------------------------------------------------------------- */

static bool take_text(const json_t *line, const char *key, char **to)
{
	const char *text = json_string_value(json_object_get(line, key));
	*to = strdup(text ? text : "");
	return *to != NULL;
}

static uint64_t number(const json_t *line, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(line, key));
	return n > 0 ? (uint64_t)n : 0;
}

/* RFC 3339 in UTC, with nanoseconds. */
static int64_t parse_time(const char *ts)
{
	struct tm tm = {0};
	long ns = 0;
	int at = 0;
	if (sscanf(ts, "%d-%d-%dT%d:%d:%d.%9ldZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ns, &at) != 7 ||
	    !at || tm.tm_year < 1970 || tm.tm_year > 2200 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60 || ns < 0)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm) * 1000000000 + ns;
}

static bool take_line(struct run_compile *c, const json_t *line)
{
	const struct {
		const char *key;
		char **to;
	} texts[] = {
		{"ts", &c->ts}, {"run_id", &c->run_id}, {"compile_id", &c->compile_id}, {"backend", &c->backend}, {"outcome", &c->outcome},
		{"reason", &c->reason}, {"detail", &c->detail}, {"compiler", &c->compiler}, {"cwd", &c->cwd},
	};
	const json_t *args = json_object_get(line, "args"), *item;
	size_t i;
	bool good = true;
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		good = take_text(line, texts[i].key, texts[i].to) && good;
	json_array_foreach(args, i, item) {
		good = json_is_string(item) && good;
		if (good)
			vec_add(&c->args, json_string_value(item));
	}
	c->ended = json_is_integer(json_object_get(line, "exit_code"));
	c->exit_code = json_integer_value(json_object_get(line, "exit_code"));
	c->signal = json_integer_value(json_object_get(line, "signal"));
	c->latency_ns = number(line, "latency_ns");
	c->time_saved_ns = number(line, "time_saved_ns");
	c->output_bytes = number(line, "output_bytes");
	if (!good || !vec_ok(&c->args) || !c->args.len)
		return false;
	c->when_ns = parse_time(c->ts);
	return *c->outcome && *c->cwd == '/' && *c->compiler == '/';
}

int run_compile_read(struct run_compile *c, const char *text, size_t len)
{
	*c = RUN_COMPILE_INIT;
	json_t *line = json_loadb(text, len, 0, NULL);
	bool good = line && take_line(c, line);
	json_decref(line);
	return good ? 0 : -1;
}

void run_compile_release(struct run_compile *c)
{
	char *const all[] = {c->ts, c->run_id, c->compile_id, c->backend, c->outcome, c->reason, c->detail, c->compiler, c->cwd};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
	vec_release(&c->args);
	*c = RUN_COMPILE_INIT;
}

/* ---- an event -------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	snprintf(to, size, "%s", text ? text : "");
}

int run_event_read(struct run_event *e, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	const json_t *fields = json_object_get(line, "fields"), *duration = json_object_get(line, "duration_ns");
	const char *ts = json_string_value(json_object_get(line, "ts"));
	*e = (struct run_event){.end_ns = ts ? parse_time(ts) : 0, .is_span = json_is_integer(duration)};
	copy_text(e->event, sizeof e->event, line, "event");
	copy_text(e->category, sizeof e->category, line, "category");
	copy_text(e->event_id, sizeof e->event_id, line, "event_id");
	copy_text(e->compile_id, sizeof e->compile_id, line, "compile_id");
	e->duration_ns = number(line, "duration_ns");
	e->probe = json_is_true(json_object_get(fields, "probe"));
	e->spawn_ns = number(fields, "spawn_ns");
	e->user_ns = number(fields, "user_ns");
	e->system_ns = number(fields, "system_ns");
	e->processor_ns = number(fields, "processor_ns");
	json_decref(line);
	return e->event[0] && e->end_ns ? 0 : -1;
}

/* ---- a manifest in another directory ---------------------------------------------------------- */

static json_t *file_entry(const char *dir, const char *name, const char *schema)
{
	struct stat st;
	char *path = path_join(dir, name);
	json_t *entry = NULL;
	if (path && sys.lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		entry = json_pack("{s:s,s:s,s:I}", "name", name, "schema", schema, "size_bytes", (json_int_t)st.st_size);
	free(path);
	return entry;
}

int run_manifest_copy(const char *from, const char *dir, const char *more, const char *more_schema, soldr_error *err)
{
	struct buf text = BUF_INIT;
	int rc = fs_read_file(from, SUMMARY_MAX, &text, err);
	json_t *root = rc ? NULL : json_loadb(buf_str(&text), text.len, 0, NULL), *files = json_array(), *file;
	const json_t *old = json_object_get(root, "files");
	char *to = path_join(dir, path_base(from)), *out = NULL;
	size_t i;
	buf_release(&text);
	json_array_foreach(old, i, file) {
		const char *name = json_string_value(json_object_get(file, "name")), *schema = json_string_value(json_object_get(file, "schema"));
		if (name && schema && !strchr(name, '/'))
			json_array_append_new(files, file_entry(dir, name, schema)); /* NULL, of one that is not there, is not taken */
	}
	json_array_append_new(files, file_entry(dir, more, more_schema));
	if (!rc && !root)
		rc = err_set(err, SOLDR_E_INVALID, 0, origin, E609_NO_MANIFEST, from);
	if (!rc && json_object_set(root, "files", files) == 0)
		out = json_dumps(root, JSON_INDENT(2));
	if (!rc)
		rc = out && to ? fs_write_file(to, out, strlen(out), 0666, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	free(out);
	free(to);
	json_decref(files);
	json_decref(root);
	return rc;
}

/* ---- its files ----------------------------------------------------------------------------- */

static bool is_source(const struct run_compile *c, size_t i)
{
	static const char *const extensions[] = {".c", ".cc", ".cp", ".cxx", ".cpp", ".c++", ".C", ".i", ".ii", ".m", ".mi", ".mm",
	                                         ".M", ".mii", ".s", ".S", ".sx", ".rs"};
	const char *arg = c->args.items[i], *extension = path_ext(arg);
	if (*arg == '-' || strcmp(c->args.items[i - 1], "-o") == 0)
		return false;
	for (size_t k = 0; k < sizeof extensions / sizeof *extensions; k++)
		if (strcmp(extension, extensions[k]) == 0)
			return true;
	return false;
}

const char *run_compile_subject(const struct run_compile *c)
{
	for (size_t i = 1; i < c->args.len; i++)
		if (is_source(c, i))
			return c->args.items[i];
	for (size_t i = 1; i < c->args.len; i++)
		if (c->args.items[i][0] != '-')
			return c->args.items[i];
	return path_base(c->compiler);
}

struct wanted {
	const char *file, *path; /* as spelled; absolute */
	const char *cwd;         /* of the compile */
};

static enum run_match match_path(const struct wanted *w, const char *spelled)
{
	char *path = path_absolute(w->cwd, spelled);
	enum run_match how = RUN_MATCH_NONE;
	if (path && strcmp(path, w->path) == 0) {
		how = RUN_MATCH_PATH;
	} else if (path && *w->file != '/' && *w->file) {
		size_t len = strlen(path), end = strlen(w->file);
		if (len > end && path[len - end - 1] == '/' && strcmp(path + len - end, w->file) == 0)
			how = RUN_MATCH_NAME;
	}
	free(path);
	return how;
}

static enum run_match better(enum run_match a, enum run_match b)
{
	return a > b ? a : b;
}

/* The value of an option in its own argument or the next; NULL: not given. */
static const char *value_of(const struct run_compile *c, const char *option)
{
	size_t n = strlen(option);
	for (size_t i = 1; i < c->args.len; i++) {
		const char *arg = c->args.items[i];
		if (strncmp(arg, option, n) != 0)
			continue;
		if (!arg[n])
			return i + 1 < c->args.len ? c->args.items[i + 1] : NULL;
		if (arg[n] == '=')
			return arg + n + 1;
	}
	return NULL;
}

/* -C extra-filename=… in both spellings. */
static const char *extra_filename(const struct run_compile *c)
{
	static const char name[] = "extra-filename=";
	for (size_t i = 1; i < c->args.len; i++) {
		const char *at = strstr(c->args.items[i], name);
		if (at && (at == c->args.items[i] || strncmp(c->args.items[i], "-C", 2) == 0 || strncmp(c->args.items[i], "--codegen", 9) == 0))
			return at + strlen(name);
	}
	return "";
}

/* What rustc names by crate and directory. */
static enum run_match match_crate(const struct run_compile *c, const struct wanted *w)
{
	static const char *const forms[][2] = {{"lib", ".rlib"}, {"lib", ".rmeta"}, {"lib", ".so"}, {"lib", ".a"}, {"", ""}, {"", ".d"}};
	const char *crate = value_of(c, "--crate-name"), *dir = value_of(c, "--out-dir");
	enum run_match how = RUN_MATCH_NONE;
	for (size_t i = 0; crate && i < sizeof forms / sizeof *forms; i++) {
		struct buf file = BUF_INIT;
		buf_addf(&file, "%s/%s%s%s%s", dir ? dir : ".", forms[i][0], crate, extra_filename(c), forms[i][1]);
		if (buf_ok(&file))
			how = better(how, match_path(w, file.data));
		buf_release(&file);
	}
	return how;
}

/* What the compiler writes where no -o says otherwise. */
static enum run_match match_object(const struct wanted *w, const char *source)
{
	struct buf object = BUF_INIT;
	const char *base = path_base(source);
	buf_addf(&object, "%.*s.o", (int)path_stem_len(base), base);
	enum run_match how = buf_ok(&object) ? match_path(w, object.data) : RUN_MATCH_NONE;
	buf_release(&object);
	return how;
}

enum run_match run_compile_match(const struct run_compile *c, const char *file, const char *path)
{
	const struct wanted w = {file, path, c->cwd};
	const char *output = value_of(c, "-o");
	enum run_match how = match_crate(c, &w);
	if (output)
		how = better(how, match_path(&w, output));
	for (size_t i = 1; i < c->args.len; i++) {
		const char *arg = c->args.items[i];
		if (is_source(c, i)) {
			how = better(how, match_path(&w, arg));
			if (!output)
				how = better(how, match_object(&w, arg));
		} else if (strncmp(arg, "-o", 2) == 0 && arg[2]) {
			how = better(how, match_path(&w, arg + 2));
		}
	}
	return how;
}

/* ---- summaries, and which run ----------------------------------------------------------------- */

static char *summary_path(const struct config *config, const char *run)
{
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s/runs/%s/summary.json", config->cache_root, run);
	return buf_detach(&b);
}

void run_summary_read_file(struct run_summary *s, const char *file)
{
	struct buf text = BUF_INIT;
	*s = (struct run_summary){0};
	json_t *root = fs_read_file(file, SUMMARY_MAX, &text, NULL) == 0 ? json_loadb(buf_str(&text), text.len, 0, NULL) : NULL;
	if (root && take_text(root, "command", &s->command) && take_text(root, "backend", &s->backend)) {
		s->exit_code = json_integer_value(json_object_get(root, "exit_code"));
		s->signal = json_integer_value(json_object_get(root, "signal"));
		const json_t *reasons = json_object_get(root, "reasons");
		s->duration_ms = number(root, "duration_ms");
		s->lost_lines = number(reasons, reason_name(SOLDR_REASON_AUDIT_LOST)) + number(reasons, reason_name(SOLDR_REASON_JOURNAL_FULL));
		s->lost_events = number(json_object_get(root, "counts"), "audit_lost_events");
		s->known = true;
	}
	json_decref(root);
	buf_release(&text);
}

void run_summary_read(struct run_summary *s, const struct config *config, const char *run)
{
	char *file = summary_path(config, run);
	*s = (struct run_summary){0};
	if (file)
		run_summary_read_file(s, file);
	free(file);
}

void run_summary_release(struct run_summary *s)
{
	free(s->command);
	free(s->backend);
	*s = (struct run_summary){0};
}

static bool is_newer(const char *a, const char *b)
{
	struct stat x, y;
	if (sys.stat(a, &x) != 0)
		return false;
	return sys.stat(b, &y) != 0 || x.st_mtim.tv_sec > y.st_mtim.tv_sec ||
	       (x.st_mtim.tv_sec == y.st_mtim.tv_sec && x.st_mtim.tv_nsec > y.st_mtim.tv_nsec);
}

int run_latest(const struct config *config, char run[JOURNAL_RUN_MAX], soldr_error *err)
{
	char at[PATH_MAX];
	int rc = journal_latest(config, run, err);
	char *link = path_join(config->cache_root, SESSION_LAST);
	ssize_t n = link ? readlink(link, at, sizeof at - 1) : -1;
	free(link);
	if (n <= 0)
		return rc;
	at[n] = 0;
	const char *session = path_base(at);
	char *ended = summary_path(config, session), *journal = rc ? NULL : journal_path(config, run);
	if (ended && strlen(session) < JOURNAL_RUN_MAX && run_check_name(session, NULL) == 0 && is_newer(ended, journal ? journal : "")) {
		memcpy(run, session, strlen(session) + 1);
		rc = 0;
	}
	free(ended);
	free(journal);
	return rc;
}

struct dated {
	char name[JOURNAL_RUN_MAX];
	struct timespec when;
};

static int newest_first(const void *left, const void *right)
{
	const struct dated *a = left, *b = right;
	if (a->when.tv_sec != b->when.tv_sec)
		return a->when.tv_sec < b->when.tv_sec ? 1 : -1;
	return (a->when.tv_nsec < b->when.tv_nsec) - (a->when.tv_nsec > b->when.tv_nsec);
}

int runs_list(const struct config *config, struct vec *runs, soldr_error *err)
{
	struct dated *all = NULL;
	size_t count = 0;
	char *path = path_join(config->cache_root, "runs");
	DIR *dir = path ? opendir(path) : NULL;
	for (struct dirent *e; dir && count < RUNS_MAX && (e = readdir(dir));) {
		struct stat st;
		char *file = run_check_name(e->d_name, NULL) == 0 ? journal_path(config, e->d_name) : NULL;
		bool there = file && sys.lstat(file, &st) == 0 && S_ISREG(st.st_mode);
		free(file);
		struct dated *more = there ? realloc(all, (count + 1) * sizeof *all) : NULL;
		if (!more)
			continue;
		all = more;
		memcpy(all[count].name, e->d_name, strlen(e->d_name) + 1); /* run_check_name() looked at its length */
		all[count++].when = st.st_mtim;
	}
	if (dir)
		closedir(dir);
	free(path);
	if (count)
		qsort(all, count, sizeof *all, newest_first);
	for (size_t i = 0; i < count; i++)
		vec_add(runs, all[i].name);
	free(all);
	if (count)
		return vec_ok(runs) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	char ignored[JOURNAL_RUN_MAX];
	return journal_latest(config, ignored, err); /* it knows the sentence */
}

int run_check_name(const char *run, soldr_error *err)
{
	if (*run && *run != '.' && !strchr(run, '/') && strlen(run) < JOURNAL_RUN_MAX)
		return 0;
	return err_set(err, SOLDR_E_INVALID, 0, origin, E607_NO_RUN_ID, run);
}
