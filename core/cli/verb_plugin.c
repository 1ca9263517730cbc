/*
 * verb_plugin: `soldr plugin check`, the conformance checks of a backend's
 * plugin, and `soldr plugin clauses`, what they check.
 */
#include "conform.h"
#include "front.h"
#include "json.h"
#include "path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_DEFAULT = 20, TIMEOUT_MAX = 3600 };

static const char *const words[] = {
	[CONFORM_PASS] = "pass", [CONFORM_FAIL] = "fail", [CONFORM_NOT_APPLICABLE] = "not applicable", [CONFORM_NOT_RUN] = "not run",
};

struct given {
	bool as_json;
	const char *clause, *timeout;
	struct vec options;
};

static bool is_wanted(const struct given *given, size_t i)
{
	return !given->clause || strcmp(given->clause, conform_id(i)) == 0;
}

static size_t tally(const struct given *given, const struct conform_report *report, enum conform_verdict verdict)
{
	size_t n = 0;
	for (size_t i = 0; i < conform_count(); i++)
		n += is_wanted(given, i) && report->results[i].verdict == verdict;
	return n;
}

static void report_json(const struct given *given, const char *path, const struct conform_report *report, struct buf *out)
{
	static const char *const counts[] = {
		[CONFORM_PASS] = "passed", [CONFORM_FAIL] = "failed", [CONFORM_NOT_APPLICABLE] = "not_applicable", [CONFORM_NOT_RUN] = "not_run",
	};
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "plugin", path);
	json_str(&j, "name", report->name[0] ? report->name : NULL);
	json_str(&j, "version", report->version[0] ? report->version : NULL);
	json_str(&j, "abi", report->abi[0] ? report->abi : NULL);
	for (size_t v = 0; v < sizeof counts / sizeof *counts; v++)
		json_u64(&j, counts[v], tally(given, report, (enum conform_verdict)v));
	json_open(&j, "verdicts", '[');
	for (size_t i = 0; i < conform_count(); i++) {
		if (!is_wanted(given, i))
			continue;
		json_open(&j, NULL, '{');
		json_str(&j, "clause", conform_id(i));
		json_str(&j, "text", conform_text(i));
		json_str(&j, "verdict", words[report->results[i].verdict]);
		json_str(&j, "why", report->results[i].why[0] ? report->results[i].why : NULL);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void report_text(const struct given *given, const char *path, const struct conform_report *report, struct buf *out)
{
	buf_adds(out, path);
	if (report->name[0])
		buf_addf(out, ": backend %s %s, ABI %s", report->name, report->version, report->abi);
	buf_adds(out, "\n\n");
	for (size_t i = 0; i < conform_count(); i++) {
		const struct conform_result *r = &report->results[i];
		if (!is_wanted(given, i))
			continue;
		buf_addf(out, "%-14s  %-12s  %s\n", words[r->verdict], conform_id(i), conform_text(i));
		if (r->why[0] && r->verdict != CONFORM_NOT_RUN)
			buf_addf(out, "%30s  %s\n", "", r->why);
	}
	buf_addf(out, "\n%zu pass, %zu fail, %zu not applicable", tally(given, report, CONFORM_PASS), tally(given, report, CONFORM_FAIL),
	         tally(given, report, CONFORM_NOT_APPLICABLE));
	size_t not_run = tally(given, report, CONFORM_NOT_RUN);
	if (not_run)
		buf_addf(out, ", %zu not run, for it does not load", not_run);
	buf_addc(out, '\n');
}

/* A file by its path, or a name as the config's plugin: has it. malloc'ed; NULL: that was said. */
static char *find_plugin(const struct cli *cli, const char *name)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct config config;
	char *path = NULL;
	if (!cli->cwd) {
		cli_error(E510_CWD_GONE);
		return NULL;
	}
	bool is_file = strchr(name, '/') || strcmp(path_ext(name), ".so") == 0;
	char *full = is_file ? path_absolute(cli->cwd, name) : NULL;
	if (!is_file && cli_config(cli, &config) != 0)
		return NULL;
	if (plugin_find(is_file ? full : name, is_file ? NULL : vec_items(&config.plugin_path), &path, &err) != 0)
		cli_report(&err, NULL);
	if (!is_file)
		config_release(&config);
	free(full);
	return path;
}

static int check(const struct cli *cli, const struct verb *verb, const struct given *given, const char *name)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct conform_plan plan = {.given = &given->options, .only = given->clause, .path_list = env_get(cli->envp, "PATH"),
		                        .timeout_s = TIMEOUT_DEFAULT};
	struct conform_report report = {.results = NULL};
	struct buf out = BUF_INIT;
	int status = cli_number(verb, "--timeout", given->timeout, 1, TIMEOUT_MAX, &plan.timeout_s);
	char *path = status ? NULL : find_plugin(cli, name);
	if (!path)
		return status ? status : STATUS_SOLDR;
	plan.path = path;
	if ((*path == '/' && front_become_host(cli, &err) != 0) || conform_run(&plan, &report, &err) != 0) {
		cli_report(&err, NULL);
		status = STATUS_SOLDR;
	} else {
		(given->as_json ? report_json : report_text)(given, path, &report, &out);
		status = cli_print(&out, tally(given, &report, CONFORM_FAIL) || tally(given, &report, CONFORM_NOT_RUN) ? STATUS_WRONG : 0);
	}
	conform_report_release(&report);
	free(path);
	return status;
}

static int list(const struct given *given)
{
	struct buf out = BUF_INIT;
	struct json j = json_to(&out, true);
	if (given->as_json) {
		json_open(&j, NULL, '{');
		json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
		json_open(&j, "clauses", '[');
	}
	for (size_t i = 0; i < conform_count(); i++) {
		if (given->as_json) {
			json_open(&j, NULL, '{');
			json_str(&j, "clause", conform_id(i));
			json_str(&j, "text", conform_text(i));
			json_close(&j, '}');
		} else {
			buf_addf(&out, "%-12s  %s\n", conform_id(i), conform_text(i));
		}
	}
	if (given->as_json) {
		json_close(&j, ']');
		json_close(&j, '}');
		buf_addc(&out, '\n');
	}
	return cli_print(&out, 0);
}

static int look_at_given(const struct verb *verb, const struct given *given)
{
	bool known = !given->clause;
	for (size_t i = 0; i < conform_count(); i++)
		known = known || strcmp(conform_id(i), given->clause) == 0;
	if (!known)
		return cli_usage(verb, E672_NO_CLAUSE, given->clause);
	for (size_t i = 0; i < given->options.len; i++)
		if (!strchr(given->options.items[i], '=') || given->options.items[i][0] == '=')
			return cli_usage(verb, E673_OPTION_FORM, given->options.items[i]);
	return vec_ok(&given->options) ? 0 : STATUS_SOLDR;
}

static int run(const struct cli *cli, const struct verb *verb)
{
	struct given given = {.options = VEC_INIT};
	const struct cli_option options[] = {
		{"--json", &given.as_json, NULL}, {"--clause", NULL, &given.clause}, {"--timeout", NULL, &given.timeout}, {NULL, NULL, NULL},
	};
	struct cli_operands operands;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	for (int i = 2; i < operands.count; i++)
		vec_add(&given.options, operands.items[i]);
	const char *what = operands.count ? operands.items[0] : "";
	status = look_at_given(verb, &given);
	if (status)
		; /* said */
	else if (strcmp(what, "check") == 0 && operands.count >= 2)
		status = check(cli, verb, &given, operands.items[1]);
	else if (strcmp(what, "clauses") == 0 && operands.count == 1)
		status = list(&given);
	else
		status = cli_usage(verb, E671_PLUGIN_WORDS);
	vec_release(&given.options);
	return status;
}

const struct verb verb_plugin = {
	"plugin", "plugin check FILE.so|NAME [OPTION=VALUE…] [--clause ID] [--timeout S] [--json] | clauses",
	"whether a backend's plugin keeps the contract of the ABI",
	"  check    checks every clause of docs/abi.md, each in a process of its own, and gives a verdict:\n"
	"           pass, fail or not applicable. Exit status 1 when one fails. NAME is looked for as the\n"
	"           plugin: of a config is; a file is named by its path. Nothing of a file is run before its\n"
	"           owner and mode were checked\n"
	"  clauses  lists the clauses\n"
	"\n"
	"  OPTION=VALUE  an option of the backend, as it is handed to it (sizes in bytes). Options that are\n"
	"                not given have their defaults; paths, and required options without a default, are\n"
	"                made up\n"
	"  --clause ID   this clause alone\n"
	"  --timeout S   seconds for one check; default 20\n"
	"  --json        one JSON object: schema_version, plugin, name, version, abi, passed, failed,\n"
	"                not_applicable, not_run, and in verdicts for each: clause, text, verdict, why\n"
	"\nCompiles are tried with gcc, cc or clang of PATH, in a temporary directory.\n"
	"\nExample:\n  soldr plugin check ./acme.so\n",
	run};
