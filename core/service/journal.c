/* journal: see journal.h. */
#include "journal.h"

#include "counters.h"
#include "fs.h"
#include "ids.h"
#include "json.h"
#include "path.h"
#include "redact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "journal";
/* ---- the line -------------------------------------------------------------------------- */

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
	char stamp[STAMP_SIZE];
	stamp_of(when, stamp);
	json_open(&l.json, NULL, '{');
	json_str(&l.json, "schema", JOURNAL_SCHEMA);
	json_u64(&l.json, "schema_version", 1);
	json_str(&l.json, "ts", stamp);
	json_str(&l.json, "run_id", run);
	json_str(&l.json, "compile_id", e->compile_id);
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

int journal_append(const struct config *c, struct sink_keep *keep, const struct journal_entry *e, bool *torn, soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	struct timespec now = {0};
	struct sink_end end;
	struct buf b = {.max = 8 * (size_t)JOURNAL_LINE_MAX}; /* an escape takes up to six bytes for one */
	if (!err)
		err = &local;
	clock_gettime(CLOCK_REALTIME, &now);
	int rc = sink_open(c, &sink_journal, keep, now.tv_sec, &end, err);
	if (rc)
		return rc;
	buf_addc(&b, '\n');
	journal_line(c, end.run, e, &now, &b);
	rc = sink_write(c, &end, &b, torn, err);
	sink_close(&end);
	buf_release(&b);
	return rc;
}

/* ---- reading ----------------------------------------------------------------------------- */

char *journal_path(const struct config *c, const char *run)
{
	return sink_path(c, run, JOURNAL_FILE);
}

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
		err_set(err, SOLDR_E_NOT_FOUND, 0, origin, E434_NO_JOURNALS,
		        c->cache_root);
	free(runs);
	return rc;
}

int journal_read(const char *file, sink_line_fn visit, void *arg, size_t *broken, soldr_error *err)
{
	return sink_read(file, JOURNAL_SCHEMA, visit, arg, broken, err);
}
