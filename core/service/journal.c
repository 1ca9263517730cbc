/*
 * journal: see journal.h.
 *
 * Every line begins with the same bytes, which no JSON string can hold (its
 * quotes would be escaped). So a reader finds the whole line again that stands
 * behind the torn piece of another one.
 */
#include "journal.h"

#include "clock.h"
#include "counters.h"
#include "digest.h"
#include "fs.h"
#include "json.h"
#include "path.h"
#include "redact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char origin[] = "journal";
static const char line_begin[] = "{\"schema\":\"" JOURNAL_SCHEMA "\"";
static const char day_prefix[] = "day-";

enum { DAY_DIGITS = 8, DAY_SIZE = 16, DAY_SECONDS = 86400 };

bool journal_wanted(const struct config *c)
{
	return c->audit_mode >= AUDIT_NORMAL && !c->readonly;
}

/* ---- the line -------------------------------------------------------------------------- */

/* Unique across processes and machines: AT_RANDOM is of this exec, and is not given away by its digest. */
static void compile_id(const soldr_request *req, const struct timespec *when, char hex[DIGEST_HEX_SIZE])
{
	enum { SHOWN = 32, AT_RANDOM_SIZE = 16 };
	struct hasher hasher;
	struct digest digest;
	pid_t pid = getpid();
	const void *noise = (const void *)getauxval(AT_RANDOM);
	hasher_init(&hasher);
	hasher_field(&hasher, "exec", noise, noise ? AT_RANDOM_SIZE : 0);
	hasher_field(&hasher, "process", &pid, sizeof pid);
	hasher_field(&hasher, "time", when, sizeof *when);
	hasher_field(&hasher, "request", &req->id, sizeof req->id);
	hasher_field(&hasher, "place", &req, sizeof req);
	hasher_end(&hasher, &digest);
	digest_hex(&digest, hex);
	hex[SHOWN] = 0;
}

struct line {
	struct json json;
	struct redaction rules;
	struct buf clean; /* the string being written */
	bool redacted, truncated, lossy;
	bool detail_hidden; /* the detail repeats what was taken out */
};

/* l->clean becomes the text without its secrets. */
static void clean(struct line *l, const char *before, const char *text, const char *detail)
{
	buf_clear(&l->clean);
	if (redact_argument(&l->rules, before, text, &l->clean)) {
		l->redacted = true;
		l->detail_hidden = l->detail_hidden || (*text && strstr(detail, text));
	}
	if (!buf_ok(&l->clean))
		l->json.out->failed = true;
}

static void add_clean(struct line *l, const char *key)
{
	l->lossy = l->lossy || !json_is_utf8(buf_str(&l->clean), l->clean.len);
	json_str(&l->json, key, buf_str(&l->clean));
}

static void add_string(struct line *l, const char *key, const char *text, const char *detail)
{
	clean(l, NULL, text, detail);
	add_clean(l, key);
}

static void add_args(struct line *l, const soldr_request *req, const char *detail)
{
	enum { ROOM = JOURNAL_LINE_MAX - (64 << 10) }; /* paths and numbers come behind them */
	struct buf *out = l->json.out;
	json_open(&l->json, "args", '[');
	for (uint32_t i = 0; i < req->argc && !l->truncated; i++) {
		size_t len = out->len;
		clean(l, i ? req->argv[i - 1] : NULL, req->argv[i], detail);
		l->truncated = len + l->clean.len > ROOM;
		if (!l->truncated)
			add_clean(l, NULL);
		/* Escapes may have made it longer. */
		if (out->len > ROOM) {
			out->len = len;
			l->truncated = true;
		}
	}
	json_close(&l->json, ']');
}

static void add_end(struct json *j, const struct journal_entry *e)
{
	const soldr_result *r = e->result;
	if (e->replaced) {
		json_str(j, "exit_code", NULL);
		json_str(j, "signal", NULL);
		json_str(j, "latency_ns", NULL);
	} else {
		json_i64(j, "exit_code", r->exit_code);
		json_i64(j, "signal", r->signal);
		json_u64(j, "latency_ns", e->latency_ns);
	}
	json_u64(j, "time_saved_ns", r->time_saved_ns);
	json_u64(j, "output_bytes", r->output_bytes);
}

void journal_line(const struct config *c, const char *run, const struct journal_entry *e, const struct timespec *when, struct buf *out)
{
	struct line l = {.json = json_to(out, false), .rules = config_redaction(c)};
	const soldr_request *req = e->request;
	const char *detail = e->result->detail;
	char stamp[96], id[DIGEST_HEX_SIZE];
	const struct clock_utc utc = clock_utc(when->tv_sec);
	snprintf(stamp, sizeof stamp, "%04lld-%02u-%02uT%02u:%02u:%02u.%09ldZ", (long long)utc.year, utc.month, utc.day, utc.hour,
	         utc.minute, utc.second, when->tv_nsec);
	compile_id(req, when, id);
	json_open(&l.json, NULL, '{');
	json_str(&l.json, "schema", JOURNAL_SCHEMA);
	json_u64(&l.json, "schema_version", 1);
	json_str(&l.json, "ts", stamp);
	json_str(&l.json, "run_id", run);
	json_str(&l.json, "compile_id", id);
	json_str(&l.json, "backend", c->backend);
	json_str(&l.json, "outcome", outcome_name(e->result->outcome));
	json_str(&l.json, "reason", e->result->reason);
	add_string(&l, "compiler", req->compiler, detail);
	add_args(&l, req, detail);
	add_string(&l, "cwd", req->cwd, detail);
	bool whole = !l.redacted, faithful = !l.lossy;
	add_string(&l, "detail", l.detail_hidden ? REDACTED : detail, detail);
	add_end(&l.json, e);
	if (l.truncated)
		json_bool(&l.json, "args_truncated", true);
	if (!whole)
		json_bool(&l.json, "redacted", true);
	if (!faithful)
		json_bool(&l.json, "not_utf8", true);
	json_close(&l.json, '}');
	buf_addc(out, '\n');
	buf_release(&l.clean);
}

/* ---- directories ------------------------------------------------------------------------- */

static void day_of(time_t when, char day[DAY_SIZE])
{
	const struct clock_utc utc = clock_utc(when);
	snprintf(day, DAY_SIZE, "%s%04u%02u%02u", day_prefix, (unsigned)utc.year % 10000, utc.month % 100, utc.day % 100);
}

static int days_only(const struct dirent *e)
{
	const char *digits = e->d_name + sizeof day_prefix - 1;
	return strncmp(e->d_name, day_prefix, sizeof day_prefix - 1) == 0 && strlen(digits) == DAY_DIGITS &&
	       strspn(digits, "0123456789") == DAY_DIGITS;
}

/* Names sort by time. What cannot be removed stays; the next day tries again. */
static void prune_days(const struct config *c, const char *runs)
{
	struct dirent **names = NULL;
	char oldest[DAY_SIZE];
	if (fs_check_private_dir(runs, NULL) != 0)
		return; /* it may lead out of the cache root */
	int n = scandir(runs, &names, days_only, alphasort);
	day_of(time(NULL) - (time_t)c->keep_days * DAY_SECONDS, oldest);
	for (int i = 0; i < n; i++) {
		bool keep = i >= n - JOURNAL_DAYS_MAX && strcmp(names[i]->d_name, oldest) >= 0;
		char *path = keep ? NULL : path_join(runs, names[i]->d_name);
		if (path)
			(void)fs_remove_tree(path, NULL, NULL, NULL);
		free(path);
		free(names[i]);
	}
	free(names);
}

static int make_day(const struct config *c, const char *day)
{
	char *runs = path_join(c->cache_root, "runs"), *path = runs ? path_join(runs, day) : NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	int why = path ? 0 : ENOMEM;
	if (!why && fs_make_dirs(runs, 0700, &err) != 0)
		why = err.sys_errno ? err.sys_errno : ENOMEM;
	if (!why && sys.mkdir(path, 0700) == 0)
		prune_days(c, runs);
	else if (!why && errno != EEXIST)
		why = errno;
	free(path);
	free(runs);
	return why;
}

char *journal_path(const struct config *c, const char *run)
{
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s/runs/%s/" JOURNAL_FILE, c->cache_root, run);
	return buf_detach(&b);
}

/* Opens the file of this run; -1 with errno. */
static int open_run(const struct config *c, const char *run)
{
	char *path = journal_path(c, run);
	/* A FIFO or a link put there must neither hang nor lead away. */
	int fd = path ? sys.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600) : -1;
	int why = path ? errno : ENOMEM;
	free(path);
	errno = why;
	return fd;
}

/* The run's journal, or the day's. */
static int open_journal(const struct config *c, time_t now, char run[JOURNAL_RUN_MAX], soldr_error *err)
{
	int fd = -1;
	errno = ENOENT;
	if (c->run_id) {
		snprintf(run, JOURNAL_RUN_MAX, "%s", c->run_id);
		fd = open_run(c, run);
	}
	if (fd < 0 && errno == ENOENT) {
		day_of(now, run);
		fd = open_run(c, run);
	}
	if (fd < 0 && errno == ENOENT) {
		errno = make_day(c, run);
		if (!errno)
			fd = open_run(c, run);
	}
	if (fd < 0)
		err_set(err, SOLDR_E_IO, errno, origin,
		        "cannot open %s/runs/%s/" JOURNAL_FILE " for appending (mend its directory, or set audit.mode: off)",
		        c->cache_root, run);
	return fd;
}

int journal_check(const struct config *c, soldr_error *err)
{
	char run[JOURNAL_RUN_MAX];
	int fd = open_journal(c, time(NULL), run, err);
	if (fd < 0)
		return err->code;
	sys.close(fd);
	return 0;
}

static int write_line(int fd, const struct buf *b, const char *path, bool *torn, soldr_error *err)
{
	/* The first byte ends a torn line. */
	const char *from = b->data + !*torn;
	size_t len = b->len - !*torn;
	ssize_t n;
	do
		n = sys.write(fd, from, len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	*torn = *torn || n > 0;
	return err_set(err, SOLDR_E_IO, n < 0 ? errno : ENOSPC, origin,
	               "cannot write to the journal below %s (make room there, or set audit.mode: off)", path);
}

static char *full_path(const struct config *c, const char *run)
{
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s/runs/%s/" JOURNAL_FULL, c->cache_root, run);
	return buf_detach(&b);
}

bool journal_is_full(const struct config *c, const char *run)
{
	struct stat st;
	char *path = full_path(c, run);
	bool full = path && sys.lstat(path, &st) == 0;
	free(path);
	return full;
}

/* The file's own size is asked for: counters would not know of other backends' lines, nor of what a crash left out. */
static bool has_room(const struct config *c, int fd, size_t len)
{
	struct stat st;
	return c->sink_policy == SINK_FAIL_LOSSLESS || sys.fstat(fd, &st) != 0 || st.st_size + (int64_t)len <= c->max_journal_size;
}

/* One process of all makes the file, and has the message. */
static int leave_out(const struct config *c, const char *run, soldr_error *err)
{
	char *path = full_path(c, run);
	int fd = path ? sys.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	free(path);
	if (fd < 0)
		return err_set(err, SOLDR_E_LIMIT, 0, origin, "%s", "");
	sys.close(fd);
	return err_set(err, SOLDR_E_LIMIT, 0, origin,
	               "the journal of run %s has reached audit.max_journal_size; later compiles are left out of it and counted as journal_full", run);
}

int journal_append(const struct config *c, const struct journal_entry *e, bool *torn, soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	char run[JOURNAL_RUN_MAX];
	struct timespec now = {0};
	struct buf b = {.max = 8 * (size_t)JOURNAL_LINE_MAX}; /* an escape takes up to six bytes for one */
	if (!err)
		err = &local;
	clock_gettime(CLOCK_REALTIME, &now);
	int fd = open_journal(c, now.tv_sec, run, err);
	if (fd < 0)
		return err->code;
	buf_addc(&b, '\n');
	journal_line(c, run, e, &now, &b);
	int rc = !buf_ok(&b)                  ? err_set(err, SOLDR_E_NOMEM, 0, origin, "out of memory")
	         : has_room(c, fd, b.len) ? write_line(fd, &b, c->cache_root, torn, err)
	                                  : leave_out(c, run, err);
	sys.close(fd);
	buf_release(&b);
	return rc;
}

/* ---- reading ----------------------------------------------------------------------------- */

int journal_latest(const struct config *c, char run[JOURNAL_RUN_MAX], soldr_error *err)
{
	char *runs = path_join(c->cache_root, "runs");
	DIR *dir = runs ? sys.opendir(runs) : NULL;
	struct timespec newest = {0};
	int rc = SOLDR_E_NOT_FOUND;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct stat st;
		char *file = *e->d_name == '.' || strlen(e->d_name) >= JOURNAL_RUN_MAX ? NULL : journal_path(c, e->d_name);
		if (file && sys.lstat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		    (rc || st.st_mtim.tv_sec > newest.tv_sec ||
		     (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec > newest.tv_nsec))) {
			newest = st.st_mtim;
			memcpy(run, e->d_name, strlen(e->d_name) + 1);
			rc = 0;
		}
		free(file);
	}
	if (dir)
		closedir(dir);
	if (rc)
		err_set(err, SOLDR_E_NOT_FOUND, 0, origin,
		        "there is no journal below %s/runs; compile something through soldr with audit.mode normal or above first",
		        c->cache_root);
	free(runs);
	return rc;
}

struct reading {
	journal_line_fn visit;
	void *arg;
	size_t *broken;
	struct buf rest; /* the beginning of a line */
	bool skipping;   /* it grew beyond the maximum: on to the next newline */
};

static void take_line(struct reading *r, char *text, size_t len)
{
	enum { BEGIN = sizeof line_begin - 1 };
	char *from = NULL;
	for (char *at = text; (at = memmem(at, len - (size_t)(at - text), line_begin, BEGIN)); at++)
		from = at;
	bool whole = from && text[len - 1] == '}';
	if (len && (!whole || from != text))
		++*r->broken;
	text[len] = 0;
	if (whole)
		r->visit(r->arg, from, len - (size_t)(from - text));
}

static void take_lines(struct reading *r)
{
	size_t done = 0;
	for (char *end; r->rest.len > done && (end = memchr(r->rest.data + done, '\n', r->rest.len - done));) {
		size_t next = (size_t)(end - r->rest.data) + 1;
		if (!r->skipping)
			take_line(r, r->rest.data + done, next - 1 - done);
		r->skipping = false;
		done = next;
	}
	if (done)
		memmove(r->rest.data, r->rest.data + done, r->rest.len - done);
	r->rest.len -= done;
	if (r->rest.len > 2 * (size_t)JOURNAL_LINE_MAX) {
		*r->broken += !r->skipping;
		r->skipping = true;
		r->rest.len = 0;
	}
}

int journal_read(const char *file, journal_line_fn visit, void *arg, size_t *broken, soldr_error *err)
{
	enum { CHUNK = 1 << 16 };
	struct reading r = {.visit = visit, .arg = arg, .broken = broken};
	struct stat st;
	int rc = 0, fd = sys.open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	*broken = 0;
	if (fd < 0 || sys.fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, errno == ENOENT ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, fd < 0 ? errno : 0, origin, "cannot read the journal %s", file);
	for (ssize_t n = 1; !rc && n > 0;) {
		char *to = buf_reserve(&r.rest, CHUNK);
		n = to ? sys.read(fd, to, CHUNK) : 0;
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0) {
			r.rest.len += (size_t)n;
			take_lines(&r);
		} else if (n < 0)
			rc = err_set(err, SOLDR_E_IO, errno, origin, "cannot read the journal %s", file);
		if (!to)
			rc = err_set(err, SOLDR_E_NOMEM, 0, origin, "out of memory");
	}
	if (r.rest.len || r.skipping)
		*broken += !r.skipping;
	if (fd >= 0)
		sys.close(fd);
	buf_release(&r.rest);
	return rc;
}
