/*
 * verb_audit: `soldr audit analyze | export`: what the files of a run say, read
 * by analysis.h.
 */
#include "audit_verb.h"

#include "fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- analyze ------------------------------------------------------------------------------- */

void audit_view_free(struct audit_view *v)
{
	if (v)
		analysis_release(&v->analysis);
	free(v);
}

int audit_view_read(struct audit_view *v, const struct cli *cli, struct config *config, const char *run, bool ask, soldr_error *err)
{
	int rc = analysis_read(&v->analysis, cli, config, run, ask, err);
	if (!rc) {
		findings_of(&v->analysis, &v->findings);
		findings_events(&v->analysis, &v->findings);
	}
	return rc;
}

/* NULL after a message, with the status to end with. */
static struct audit_view *view_of(const struct cli *cli, const struct cli_operands *operands, int *status)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct config config;
	*status = cli_config(cli, &config);
	if (*status)
		return NULL;
	struct audit_view *v = calloc(1, sizeof *v);
	if (!v) {
		cli_error(E101_NO_MEMORY);
		*status = STATUS_SOLDR;
	} else if (audit_view_read(v, cli, &config, operands->count ? operands->items[0] : NULL, true, &err) != 0) {
		cli_report(&err, NULL);
		*status = STATUS_WRONG;
		audit_view_free(v);
		v = NULL;
	}
	config_release(&config);
	return v;
}

static int analyze(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct buf out = BUF_INIT;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count > 1)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "audit analyze", operands.items[1]);
	struct audit_view *v = view_of(cli, &operands, &status);
	if (!v)
		return status;
	if (as_json)
		analysis_json(&v->analysis, &v->findings, &out);
	else
		analysis_text(&v->analysis, &v->findings, &out);
	audit_view_free(v);
	return cli_print(&out, 0);
}

/* ---- export -------------------------------------------------------------------------------- */

static int unknown_format(const struct verb *verb, const char *given)
{
	const char *names[8] = {NULL};
	struct buf list = BUF_INIT;
	for (size_t i = 0; export_formats[i].name && i + 1 < sizeof names / sizeof *names; i++) {
		names[i] = export_formats[i].name;
		buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	}
	const char *near = given ? config_nearest(given, names) : NULL;
	struct buf places = BUF_INIT;
	buf_addf(&places, "it is one of %s", buf_str(&list));
	int status = !given ? cli_usage(verb, E628_FORMAT_MISSING, buf_str(&list))
	                   : cli_usage(verb, E629_FORMAT_UNKNOWN, given, near ? cli_hint(near, "").text + strlen("; ") : buf_str(&places));
	buf_release(&places);
	buf_release(&list);
	return status;
}

int audit_export_file(const struct export_format *format, struct audit_view *v, const char *path, soldr_error *err)
{
	struct fs_temp temp = FS_TEMP_INIT;
	int rc = fs_temp_open_output(&temp, path, 0666, err);
	if (!rc)
		rc = export_write(format, &v->analysis, &v->findings, temp.fd, path, err);
	if (!rc)
		rc = fs_temp_publish(&temp, err);
	fs_temp_discard(&temp);
	return rc;
}

static int export(const struct cli *cli, const struct verb *verb)
{
	const char *name = NULL, *path = NULL;
	const struct cli_option options[] = {{"--format", NULL, &name}, {"--output", NULL, &path}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	soldr_error err = SOLDR_ERROR_INIT;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count > 1)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "audit export", operands.items[1]);
	const struct export_format *format = name ? export_format_find(name) : NULL;
	if (!format)
		return unknown_format(verb, name);
	struct audit_view *v = view_of(cli, &operands, &status);
	if (!v)
		return status;
	int rc = path ? audit_export_file(format, v, path, &err)
	              : export_write(format, &v->analysis, &v->findings, STDOUT_FILENO, "standard output", &err);
	if (rc)
		cli_report(&err, NULL);
	audit_view_free(v);
	return rc ? STATUS_WRONG : 0;
}

/* ---- the verb --------------------------------------------------------------------------------- */

static const struct action {
	const char *name;
	int (*run)(const struct cli *, const struct verb *);
} actions[] = {
	{"analyze", analyze},
	{"export", export},
	{"run", audit_record},
	{"capabilities", audit_capabilities},
};

/* The action's own options follow it: it is parsed as a verb is. */
static int run(const struct cli *cli, const struct verb *verb)
{
	const char *word = cli->argc > 1 ? cli->argv[1] : NULL;
	struct cli rest = *cli;
	if (!word || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		struct buf out = BUF_INIT;
		if (!word)
			return cli_usage(verb, E529_ACTION_MISSING, "audit", "analyze, export, run or capabilities");
		help_verb(&out, verb);
		return cli_print(&out, 0);
	}
	rest.argc--;
	rest.argv++;
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(actions[i].name, word) == 0)
			return actions[i].run(&rest, verb);
	return cli_usage(verb, E528_ACTION_UNKNOWN, "audit", word);
}

const struct verb verb_audit = {
	"audit",
	"audit analyze|export|run|capabilities [RUN] [--json] [--format FORMAT] [--output FILE] [--profile PROFILE] [--events GLOBS] [-- COMMAND ARGS…]",
	"what a run's files say; builds recorded for that",
	"  analyze            times, causes of misses and refusals, concurrency, slowest units, and findings:\n"
	"                     what is worth a look, what it costs, what to do\n"
	"  export             the run in the form of another program, to standard output or a file\n"
	"  run                run a build command as `soldr build -- COMMAND` does, and keep all of it: manifest.json,\n"
	"                     audit.jsonl, journal.jsonl, summary.json and trace.json; the exit status is the command's\n"
	"  capabilities       schemas, events, modes, profiles, formats and findings, by their names\n"
	"  RUN                a name below runs in the cache root, or last, which is also the default: the\n"
	"                     run that was active last; with a slash, a directory with the files of a run\n"
	"  --json             analyze, capabilities: one JSON object (docs/schema)\n"
	"  --format FORMAT    export: chrome (trace events, for chrome://tracing and Perfetto), html (one\n"
	"                     page that needs nothing else) or junit (a test case for each compile)\n"
	"  --output FILE      export: into this file, which appears when it is whole; run: into this\n"
	"                     directory instead of the run's own\n"
	"  --profile PROFILE  run: quick (audit.mode normal), full (verbose, the default) or forensic\n"
	"  --events GLOBS     run, with --output: in audit.jsonl these events alone, as in 'compile,run.*'\n"
	"\ndocs/audit.md explains the figures and lists the findings.\n"
	"\nExample:\n  soldr audit analyze last\n  soldr audit export last --format html --output build.html\n"
	"  soldr audit run --profile forensic --output recorded -- make -j8\n",
	run};
