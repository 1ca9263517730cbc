/*
 * verb_logs: `soldr logs paths`, where everything is that soldr writes about
 * what it does.
 */
#include "cli.h"
#include "fs.h"
#include "json.h"
#include "path.h"
#include "runs.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct place {
	const char *name, *what;
	char *path; /* owned; NULL: there is none */
};

enum { PLACES_MAX = 8 };

struct places {
	struct place items[PLACES_MAX];
	size_t count;
	bool failed; /* memory is out */
};

static void add_place(struct places *p, const char *name, const char *what, char *path)
{
	p->items[p->count++] = (struct place){name, what, path};
	p->failed = p->failed || !path;
}

static void find_places(struct places *p, const struct config *config)
{
	char run[JOURNAL_RUN_MAX];
	*p = (struct places){.count = 0};
	add_place(p, "runs", "a directory for each run and each day", path_join(config->cache_root, "runs"));
	if (run_latest(config, run, NULL) == 0) {
		add_place(p, "last_journal", "of the run that was active last: its compiles", journal_path(config, run));
		add_place(p, "last_events", "its events", sink_path(config, run, sink_audit.file));
		add_place(p, "last_summary", "its counts, once it has ended", sink_path(config, run, "summary.json"));
	}
	add_place(p, "faults", "errors and warnings of soldr", path_join(config->cache_root, "logs/soldr.log"));
	add_place(p, "faults_before", "the same, before it became too large", path_join(config->cache_root, "logs/soldr.log.1"));
	if (config->log && *config->log == '/')
		add_place(p, "log", "messages, by SOLDR_LOG", strdup(config->log));
	add_place(p, "evidence", "hits that were found wrong", path_join(config->cache_root, "evidence"));
}

static void places_json(const struct places *p, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_open(&j, "paths", '[');
	for (size_t i = 0; i < p->count; i++) {
		struct stat st;
		bool there = sys.lstat(p->items[i].path, &st) == 0;
		json_open(&j, NULL, '{');
		json_str(&j, "name", p->items[i].name);
		json_str(&j, "path", p->items[i].path);
		json_str(&j, "what", p->items[i].what);
		json_bool(&j, "exists", there);
		if (there && S_ISREG(st.st_mode))
			json_u64(&j, "size_bytes", (uint64_t)st.st_size);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void places_text(const struct places *p, struct buf *out)
{
	struct table t;
	char size[TEXT_SIZE];
	table_init(&t, "lrll");
	for (size_t i = 0; i < p->count; i++) {
		struct stat st;
		bool there = sys.lstat(p->items[i].path, &st) == 0;
		table_cell(&t, p->items[i].name);
		table_cell(&t, !there ? "not there" : S_ISREG(st.st_mode) ? text_bytes(size, (uint64_t)st.st_size) : "");
		table_cell(&t, p->items[i].path);
		table_cell(&t, p->items[i].what);
	}
	table_print(&t, out, 0);
}

static int run(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct config config;
	struct places places;
	struct buf out = BUF_INIT;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (!operands.count || strcmp(operands.items[0], "paths") != 0)
		return operands.count ? cli_usage(verb, E528_ACTION_UNKNOWN, "logs", operands.items[0]) : cli_usage(verb, E529_ACTION_MISSING, "logs", "paths");
	if (operands.count > 1)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "logs paths", operands.items[1]);
	status = cli_config(cli, &config);
	if (status)
		return status;
	find_places(&places, &config);
	if (places.failed) {
		cli_error(E101_NO_MEMORY);
		status = STATUS_SOLDR;
	} else {
		if (as_json)
			places_json(&places, &out);
		else
			places_text(&places, &out);
		status = cli_print(&out, 0);
	}
	for (size_t i = 0; i < places.count; i++)
		free(places.items[i].path);
	config_release(&config);
	return status;
}

const struct verb verb_logs = {
	"logs", "logs paths [--json]", "where soldr writes what it does",
	"  paths   the runs' directories, the files of the run that was active last, the file of faults,\n"
	"          evidence of wrong hits\n"
	"  --json  one JSON object: schema_version, paths (name, path, what, exists, size_bytes)\n"
	"\nExample:\n  soldr logs paths\n",
	run};
