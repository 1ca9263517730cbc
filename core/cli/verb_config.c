/*
 * verb_config: `soldr config show | check [FILE] | path | schema`.
 */
#include "cli.h"
#include "front.h"
#include "fs.h"
#include "json.h"
#include "path.h"
#include "plugins.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { SCHEMA_MAX = 1 << 20 };

struct request {
	const struct cli *cli;
	bool as_json;
	const char *file; /* of check */
};

/* ---- show ------------------------------------------------------------------------ */

static const char *origin_name(enum config_origin origin)
{
	static const char *const names[] = {
		[CONFIG_FROM_DEFAULT] = "default",   [CONFIG_FROM_FILE] = "file",
		[CONFIG_FROM_PROJECT] = "project",   [CONFIG_FROM_ENV] = "environment",
		[CONFIG_FROM_COMMAND_LINE] = "command line",
	};
	return names[origin];
}

static void show_json(void *arg, const char *key, const char *value, const struct config_source *source, const char *help)
{
	struct json *j = arg;
	json_open(j, NULL, '{');
	json_str(j, "key", key);
	json_str(j, "value", value);
	json_str(j, "origin", origin_name(source->origin));
	json_str(j, "source", source->file);
	if (source->line)
		json_i64(j, "line", source->line);
	if (source->column)
		json_i64(j, "column", source->column);
	json_str(j, "help", help);
	json_close(j, '}');
}

static void show_row(void *arg, const char *key, const char *value, const struct config_source *source, const char *help)
{
	struct table *table = arg;
	(void)help;
	table_cell(table, key);
	table_cell(table, value && *value ? value : "\"\"");
	if (source->origin == CONFIG_FROM_DEFAULT || !source->file)
		table_cell(table, origin_name(source->origin));
	else if (source->line)
		table_cellf(table, "%s:%d", source->file, source->line);
	else
		table_cellf(table, "%s %s", origin_name(source->origin), source->file);
}

static int show(const struct request *request)
{
	struct config config;
	int status = cli_config(request->cli, &config);
	if (status)
		return status;
	struct buf out = BUF_INIT;
	if (request->as_json) {
		struct json j = json_to(&out, true);
		json_open(&j, NULL, '{');
		json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
		json_str(&j, "config_file", config.file);
		json_str(&j, "project_file", config.project_file);
		json_open(&j, "settings", '[');
		config_visit(&config, show_json, &j);
		json_close(&j, ']');
		json_close(&j, '}');
		buf_addc(&out, '\n');
	} else {
		struct table table;
		table_init(&table, "lll");
		table_cell(&table, "SETTING");
		table_cell(&table, "VALUE");
		table_cell(&table, "FROM");
		config_visit(&config, show_row, &table);
		table_print(&table, &out, 0);
	}
	config_release(&config);
	return cli_print(&out, 0);
}

/* ---- check ------------------------------------------------------------------------- */

struct check {
	const struct config *config;
	struct vec wrong, noted;
};

/* The selected backend must be usable; another one only must not be misspelt. */
static void check_backend(void *arg, const struct config_backend *backend, bool made_up, bool selected)
{
	struct check *check = arg;
	struct plugin plugin;
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = made_up && !selected ? -1 : plugins_try(check->config, backend, &plugin, &err);
	if (rc == 0)
		plugin_unload(&plugin);
	else if (rc > 0 && (selected || rc == SOLDR_E_CONFIG))
		vec_add(&check->wrong, err.message);
	else if (rc > 0)
		vec_addf(&check->noted, "backend %s, which is not selected: %s", backend->name, err.message);
}

static void check_json(const struct check *check, const char *file, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_bool(&j, "ok", check->wrong.len == 0);
	json_str(&j, "config_file", file);
	json_open(&j, "errors", '[');
	for (size_t i = 0; i < check->wrong.len; i++)
		json_str(&j, NULL, check->wrong.items[i]);
	json_close(&j, ']');
	json_open(&j, "warnings", '[');
	for (size_t i = 0; i < check->noted.len; i++)
		json_str(&j, NULL, check->noted.items[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void check_text(const struct check *check, const char *file, struct buf *out)
{
	for (size_t i = 0; i < check->wrong.len; i++)
		buf_addf(out, "error: %s\n", check->wrong.items[i]);
	for (size_t i = 0; i < check->noted.len; i++)
		buf_addf(out, "warning: %s\n", check->noted.items[i]);
	if (!check->wrong.len)
		buf_addf(out, "%s: good, backend %s\n", file ? file : "built-in defaults", check->config->backend);
}

static int check_config(const struct request *request)
{
	const struct cli *cli = request->cli;
	struct config_overrides overrides = cli->overrides;
	struct config config = {0};
	struct check check = {.config = &config};
	soldr_error err = SOLDR_ERROR_INIT;
	struct buf out = BUF_INIT;
	if (request->file)
		overrides.file = request->file;
	int rc = config_load(&config, &overrides, cli->envp, cli->cwd ? cli->cwd : "/", &err);
	int way = rc ? rc : front_give_way(cli, &config, true, &err);
	if (way)
		vec_add(&check.wrong, err.message);
	else
		plugins_visit(&config, check_backend, &check);
	const char *file = rc ? overrides.file : config.file;
	if (request->as_json)
		check_json(&check, file, &out);
	else
		check_text(&check, file, &out);
	int status = check.wrong.len ? STATUS_WRONG : 0;
	if (!rc)
		config_release(&config);
	vec_release(&check.wrong);
	vec_release(&check.noted);
	return cli_print(&out, status);
}

/* ---- path and schema -------------------------------------------------------------------- */

/* Where the user's own file would be. */
static char *usual_file(const char *const *envp)
{
	const char *base = env_get(envp, "XDG_CONFIG_HOME"), *home = env_get(envp, "HOME");
	if (base && *base == '/')
		return path_join(base, "soldr/soldr.yaml");
	return path_join(home && *home == '/' ? home : "/", ".config/soldr/soldr.yaml");
}

static int show_path(const struct request *request)
{
	struct config config;
	int status = cli_config(request->cli, &config);
	if (status)
		return status;
	struct buf out = BUF_INIT;
	char *usual = usual_file(request->cli->envp);
	if (request->as_json) {
		struct json j = json_to(&out, true);
		json_open(&j, NULL, '{');
		json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
		json_str(&j, "config_file", config.file);
		json_str(&j, "project_file", config.project_file);
		json_str(&j, "user_file", usual);
		json_close(&j, '}');
		buf_addc(&out, '\n');
	} else if (config.file || usual) {
		buf_addf(&out, "%s\n", config.file ? config.file : usual);
	}
	status = cli_print(&out, 0);
	if (!config.file && !request->as_json && !config.quiet)
		cli_error(E601_DEFAULTS_IN_EFFECT);
	free(usual);
	config_release(&config);
	return status;
}

static int show_schema(const struct request *request)
{
	static const char *const places[] = {"../share/soldr/soldr.schema.json", "../../config/soldr.schema.json"};
	struct buf out = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	char *self = path_self(), *dir = self ? path_dir(self) : NULL;
	int rc = SOLDR_E_NOT_FOUND;
	(void)request;
	for (size_t i = 0; dir && rc == SOLDR_E_NOT_FOUND && i < sizeof places / sizeof *places; i++) {
		char *path = path_join(dir, places[i]);
		rc = path ? fs_read_file(path, SCHEMA_MAX, &out, &err) : SOLDR_E_NOMEM;
		free(path);
	}
	if (rc == SOLDR_E_NOT_FOUND)
		cli_error(E602_SCHEMA_MISSING, self ? self : "soldr", places[0], places[1]);
	else if (rc)
		cli_report(&err, NULL);
	free(dir);
	free(self);
	if (!rc)
		return cli_print(&out, 0);
	buf_release(&out);
	return STATUS_SOLDR;
}

/* ---- the verb ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int operands; /* after the name, at most */
	int (*run)(const struct request *);
} actions[] = {
	{"show", 0, show},
	{"check", 1, check_config},
	{"path", 0, show_path},
	{"schema", 0, show_schema},
};

static int run(const struct cli *cli, const struct verb *verb)
{
	struct request request = {.cli = cli};
	const struct cli_option options[] = {{"--json", &request.as_json, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (!operands.count)
		return cli_usage(verb, E529_ACTION_MISSING, "config", "show, check, path or schema");
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(actions[i].name, operands.items[0]) != 0)
			continue;
		if (operands.count - 1 > actions[i].operands)
			return cli_usage(verb, E527_ACTION_UNEXPECTED_ARGUMENT, "config", actions[i].name,
			                 operands.items[actions[i].operands + 1]);
		request.file = operands.items[1];
		return actions[i].run(&request);
	}
	return cli_usage(verb, E528_ACTION_UNKNOWN, "config", operands.items[0]);
}

const struct verb verb_config = {
	"config", "config show|check [FILE]|path|schema [--json]", "settings and where they come from",
	"  show          every setting with its value and where it comes from\n"
	"  check [FILE]  is the config (or FILE) right, does the selected backend's plugin load, and does\n"
	"                it know its options? Exit status 1 when something is wrong\n"
	"  path          the config file in use, or where yours would be\n"
	"  schema        the JSON schema of the config file, for editors\n"
	"  --json        one JSON object (schema is JSON already)\n"
	"\nExample:\n  soldr config check ./soldr.yaml\n",
	run};
