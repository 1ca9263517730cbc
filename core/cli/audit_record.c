/*
 * audit_record: `soldr audit run`, a build with a chosen profile, and everything
 * that is kept of it in one directory: manifest.json, audit.jsonl, journal.jsonl,
 * summary.json, and trace.json made of them.
 */
#include "audit_verb.h"

#include "front.h"
#include "fs.h"
#include "path.h"
#include "run_manifest.h"
#include "signals.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct audit_profile audit_profiles[] = {
	{"quick", "normal", "compiles alone"},
	{"full", "verbose", "and the phases of each compile"},
	{"forensic", "forensic", "and what they were decided by"},
	{NULL, NULL, NULL},
};

enum { PATTERNS_MAX = 64 };

struct recording {
	const struct audit_profile *profile;
	char *output;          /* absolute; NULL: the run's own directory */
	struct vec patterns;   /* of events; none: all */
};

/* ---- files ------------------------------------------------------------------------------------ */

/* A file under construction, fed in pieces. */
struct copy {
	struct fs_temp temp;
	const struct recording *recording;
	const char *name;
	struct buf out;
	int problem;
};

static void flush_copy(struct copy *c)
{
	if (!c->problem)
		c->problem = buf_ok(&c->out) ? fs_write_all(c->temp.fd, buf_str(&c->out), c->out.len) : ENOMEM;
	buf_clear(&c->out);
}

static void add_line(void *arg, const char *text, size_t len)
{
	enum { ENOUGH = 1 << 16 };
	struct copy *c = arg;
	buf_add(&c->out, text, len);
	buf_addc(&c->out, '\n');
	if (c->out.len >= ENOUGH)
		flush_copy(c);
}

static void add_event(void *arg, const char *text, size_t len)
{
	const struct copy *c = arg;
	const struct vec *patterns = &c->recording->patterns;
	struct run_event e;
	if (run_event_read(&e, text, len) != 0)
		return;
	for (size_t i = 0; i < patterns->len; i++)
		if (fnmatch(patterns->items[i], e.event, 0) == 0) {
			add_line(arg, text, len);
			return;
		}
}

/* The whole lines of a log; what is torn stays behind. */
static int copy_lines(const struct recording *r, const char *from, const char *to, const char *schema, sink_line_fn visit, soldr_error *err)
{
	struct copy c = {.temp = FS_TEMP_INIT, .recording = r, .name = to};
	size_t broken;
	int rc = fs_temp_open(&c.temp, to, 0666, err);
	if (!rc) {
		rc = sink_read(from, schema, visit, &c, &broken, err);
		flush_copy(&c);
		if (rc == SOLDR_E_NOT_FOUND) { /* a build that compiled nothing */
			fs_temp_discard(&c.temp);
			buf_release(&c.out);
			return 0;
		}
	}
	if (!rc && c.problem)
		rc = err_set(err, SOLDR_E_IO, c.problem, "audit", E610_EXPORT_NOT_WRITTEN, to);
	if (!rc)
		rc = fs_temp_publish(&c.temp, err);
	fs_temp_discard(&c.temp);
	buf_release(&c.out);
	return rc;
}

static int copy_whole(const char *from, const char *to, soldr_error *err)
{
	enum { WHOLE_MAX = 1 << 20 };
	struct buf text = BUF_INIT;
	int rc = fs_read_file(from, WHOLE_MAX, &text, err);
	if (!rc)
		rc = fs_write_file(to, buf_str(&text), text.len, 0666, err);
	buf_release(&text);
	return rc == SOLDR_E_NOT_FOUND ? 0 : rc;
}

static int copy_files(const struct recording *r, const char *dir, soldr_error *err)
{
	const struct {
		const char *name, *schema;
		sink_line_fn visit;
	} files[] = {
		{"summary.json", NULL, NULL},
		{sink_journal.file, JOURNAL_SCHEMA, add_line},
		{sink_audit.file, AUDIT_SCHEMA, r->patterns.len ? add_event : add_line},
	};
	int rc = fs_make_dirs(r->output, 0777, err);
	for (size_t i = 0; !rc && i < sizeof files / sizeof *files; i++) {
		char *from = path_join(dir, files[i].name), *to = path_join(r->output, files[i].name);
		if (!from || !to)
			rc = err_set(err, SOLDR_E_NOMEM, 0, "audit", E101_NO_MEMORY);
		else if (files[i].visit)
			rc = copy_lines(r, from, to, files[i].schema, files[i].visit, err);
		else
			rc = copy_whole(from, to, err);
		free(from);
		free(to);
	}
	return rc;
}

static int copy_manifest(const struct recording *r, const char *dir, soldr_error *err)
{
	char *from = path_join(dir, RUN_MANIFEST_FILE);
	int rc = from ? run_manifest_copy(from, r->output, "trace.json", "chrome.trace-events", err)
	              : err_set(err, SOLDR_E_NOMEM, 0, "audit", E101_NO_MEMORY);
	free(from);
	return rc == SOLDR_E_NOT_FOUND ? 0 : rc;
}

/* Of the run's own files, not of the chosen events. */
static int write_trace(const struct cli *cli, struct config *config, const struct recording *r, const char *dir, soldr_error *err)
{
	struct audit_view *v = calloc(1, sizeof *v);
	char *path = path_join(r->output ? r->output : dir, "trace.json");
	int rc = v && path ? audit_view_read(v, cli, config, dir, false, err) : err_set(err, SOLDR_E_NOMEM, 0, "audit", E101_NO_MEMORY);
	if (!rc)
		rc = audit_export_file(export_format_find("chrome"), v, path, err);
	audit_view_free(v);
	free(path);
	return rc;
}

/* 0, or STATUS_SOLDR after a message. */
static int keep(const struct cli *cli, const struct recording *r, const char *dir)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct config config;
	int status = cli_config(cli, &config);
	if (status)
		return status;
	int rc = r->output ? copy_files(r, dir, &err) : 0;
	if (!rc)
		rc = write_trace(cli, &config, r, dir, &err);
	if (!rc && r->output)
		rc = copy_manifest(r, dir, &err);
	if (rc)
		cli_report(&err, NULL);
	else if (!config.quiet)
		cli_remark("  recorded in %s", r->output ? r->output : dir);
	config_release(&config);
	return rc ? STATUS_SOLDR : 0;
}

/* ---- the command line -------------------------------------------------------------------------- */

static int unknown_profile(const struct verb *verb, const char *given)
{
	const char *names[sizeof audit_profiles / sizeof *audit_profiles];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		names[i] = audit_profiles[i].name;
	const char *near = config_nearest(given, names);
	return cli_usage(verb, E621_PROFILE_UNKNOWN, given, near ? cli_hint(near, "").text + strlen("; ") : "it is quick, full or forensic");
}

static const struct audit_profile *find_profile(const char *name)
{
	for (const struct audit_profile *p = audit_profiles; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* "compile,run.*" */
static bool take_patterns(struct vec *to, const char *list)
{
	for (const char *p = list; *p; p += strspn(p, ",")) {
		size_t n = strcspn(p, ",");
		if (n)
			vec_addn(to, p, n);
		p += n;
	}
	return vec_ok(to) && to->len && to->len <= PATTERNS_MAX;
}

static int record(const struct cli *cli, const struct verb *verb, const struct recording *r, int skip)
{
	struct cli command = *cli;
	char *dir = NULL;
	command.argc -= skip;
	command.argv += skip;
	command.overrides.audit_mode = r->profile->mode;
	if (command.argc < 1)
		return cli_usage(verb, E530_NO_COMMAND, "audit run");
	const char *backend = cli->overrides.backend;
	if (cli_bypass(cli) || (backend && strcmp(backend, "null") == 0)) {
		cli_error(E622_BYPASSED);
		return STATUS_SOLDR;
	}
	int status = front_run(&command, &dir);
	if (dir && keep(cli, r, dir) != 0 && status == 0)
		status = STATUS_SOLDR; /* else the command's own says more */
	free(dir);
	if (status < 0)
		signals_die(-status);
	return status;
}

int audit_record(const struct cli *cli, const struct verb *verb)
{
	const char *profile = "full", *output = NULL, *events = NULL;
	const struct cli_option options[] = {
		{"--profile", NULL, &profile}, {"--output", NULL, &output}, {"--events", NULL, &events}, {NULL, NULL, NULL},
	};
	struct cli before = *cli; /* the options, without the command */
	struct cli_operands operands;
	int skip = 1;
	while (skip < cli->argc && strcmp(cli->argv[skip], "--") != 0)
		skip++;
	before.argc = skip;
	char *end = before.argv[skip];
	before.argv[skip] = NULL;
	int status = cli_parse(&before, verb, options, &operands);
	before.argv[skip] = end;
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E623_RUN_ARGUMENT, operands.items[0]);
	if (skip == cli->argc)
		return cli_usage(verb, E624_RUN_NO_COMMAND);
	if (events && !output)
		return cli_usage(verb, E625_EVENTS_WITHOUT_OUTPUT);
	struct recording r = {.profile = find_profile(profile), .output = output ? path_absolute(cli->cwd ? cli->cwd : "/", output) : NULL};
	if (!r.profile)
		status = unknown_profile(verb, profile);
	else if (output && (!*output || !r.output))
		status = cli_usage(verb, E626_OUTPUT_EMPTY);
	else if (events && !take_patterns(&r.patterns, events))
		status = cli_usage(verb, E627_EVENTS_MANY, PATTERNS_MAX);
	else
		status = record(cli, verb, &r, skip + 1);
	free(r.output);
	vec_release(&r.patterns);
	return status;
}
