/*
 * verb_backends: `soldr backends`, every backend that the config names or that
 * comes with soldr, and whether its plugin loads.
 */
#include "cli.h"
#include "front.h"
#include "json.h"
#include "plugins.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const built_in[] = {"embedded", "wrapped", "null"};

static const struct {
	uint64_t bit;
	const char *name;
} caps[] = {
	{SOLDR_CAP_CONCURRENT, "concurrent"}, {SOLDR_CAP_CACHING, "caching"},   {SOLDR_CAP_STATS, "stats"},
	{SOLDR_CAP_FLUSH, "flush"},           {SOLDR_CAP_MAINTAIN, "maintain"}, {SOLDR_CAP_SHUTDOWN, "shutdown"},
	{SOLDR_CAP_EXPLAIN, "explain"},
};

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->backend_count; i++)
		if (strcmp(config->backends[i].name, name) == 0)
			return true;
	return false;
}

void plugins_visit(const struct config *config, plugins_visit_fn visit, void *arg)
{
	soldr_error err = SOLDR_ERROR_INIT;
	for (size_t i = 0; i < config->backend_count; i++) {
		const struct config_backend *b = &config->backends[i];
		visit(arg, b, false, strcmp(b->name, config->backend) == 0);
	}
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++) {
		if (is_configured(config, built_in[i]))
			continue;
		const struct config_backend *b = config_backend_find(config, built_in[i], &err);
		if (b)
			visit(arg, b, true, strcmp(built_in[i], config->backend) == 0);
	}
}

int plugins_try(const struct config *config, const struct config_backend *backend, struct plugin *plugin, soldr_error *err)
{
	struct config_kvs kvs = {0};
	char *path = NULL;
	*plugin = (struct plugin){0};
	int rc = plugin_find(backend->plugin, vec_items(&config->plugin_path), &path, err);
	if (!rc)
		rc = plugin_load(path, plugin, err);
	if (!rc) {
		rc = config_backend_options(backend, plugin->backend.options, &kvs, err);
		config_kvs_release(&kvs);
		if (rc)
			plugin_unload(plugin);
	}
	free(path);
	return rc;
}

const char *plugins_place(const struct plugin *plugin)
{
	return *plugin->path == '/' ? plugin->path : "in soldr itself";
}

struct listing {
	const struct config *config;
	struct json *json;   /* or … */
	struct table *table;
	struct buf *errors;  /* of plugins that do not load, below the table */
};

static void list_json(struct json *j, const struct config_backend *b, bool made_up, bool selected, const struct plugin *plugin,
                      const soldr_error *err)
{
	json_open(j, NULL, '{');
	json_str(j, "name", b->name);
	json_bool(j, "selected", selected);
	json_str(j, "defined_in", made_up ? "built-in" : b->source.file);
	json_str(j, "plugin", b->plugin);
	json_bool(j, "loads", !err);
	json_str(j, "error", err ? err->message : NULL);
	json_str(j, "path", err || *plugin->path != '/' ? NULL : plugin->path);
	json_str(j, "plugin_name", err ? NULL : plugin->backend.name);
	json_str(j, "version", err ? NULL : plugin->backend.version);
	char abi[32];
	snprintf(abi, sizeof abi, "%u.%u", plugin->backend.abi >> 16, plugin->backend.abi & 0xffffu);
	json_str(j, "abi", err ? NULL : abi);
	json_open(j, "capabilities", '[');
	for (size_t i = 0; !err && i < sizeof caps / sizeof *caps; i++)
		if (plugin->backend.caps & caps[i].bit)
			json_str(j, NULL, caps[i].name);
	json_close(j, ']');
	json_close(j, '}');
}

static void list_row(const struct listing *l, const struct config_backend *b, bool made_up, bool selected,
                     const struct plugin *plugin, const soldr_error *err)
{
	table_cell(l->table, selected ? "*" : "");
	table_cell(l->table, b->name);
	table_cell(l->table, made_up ? "built-in" : "config");
	if (err) {
		table_cell(l->table, "-");
		table_cell(l->table, "-");
		table_cellf(l->table, "%s: does not load", b->plugin);
		buf_addf(l->errors, "\n%s: %s\n", b->name, err->message);
		return;
	}
	table_cell(l->table, plugin->backend.version);
	table_cellf(l->table, "%u.%u", plugin->backend.abi >> 16, plugin->backend.abi & 0xffffu);
	table_cell(l->table, plugins_place(plugin));
}

static void list_one(void *arg, const struct config_backend *b, bool made_up, bool selected)
{
	const struct listing *l = arg;
	soldr_error err = SOLDR_ERROR_INIT;
	struct plugin plugin;
	int rc = plugins_try(l->config, b, &plugin, &err);
	if (l->json)
		list_json(l->json, b, made_up, selected, &plugin, rc ? &err : NULL);
	else
		list_row(l, b, made_up, selected, &plugin, rc ? &err : NULL);
	if (!rc)
		plugin_unload(&plugin);
}

static void backends_json(const struct config *config, struct buf *out)
{
	struct json j = json_to(out, true);
	struct listing l = {.config = config, .json = &j};
	struct vec dirs = VEC_INIT;
	plugin_search_list(vec_items(&config->plugin_path), &dirs);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "backend", config->backend);
	json_open(&j, "backends", '[');
	plugins_visit(config, list_one, &l);
	json_close(&j, ']');
	json_open(&j, "plugin_path", '[');
	for (size_t i = 0; i < dirs.len; i++)
		json_str(&j, NULL, dirs.items[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
	vec_release(&dirs);
}

static void backends_text(const struct config *config, struct buf *out)
{
	static const char *const head[] = {"", "NAME", "FROM", "VERSION", "ABI", "PLUGIN"};
	struct table table;
	struct buf errors = BUF_INIT;
	struct listing l = {.config = config, .table = &table, .errors = &errors};
	table_init(&table, "llllll");
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		table_cell(&table, head[i]);
	plugins_visit(config, list_one, &l);
	table_print(&table, out, 0);
	buf_adds(out, buf_str(&errors));
	buf_release(&errors);
}

static int run(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct config config;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "backends", operands.items[0]);
	status = cli_config(cli, &config);
	if (status)
		return status;
	soldr_error err = SOLDR_ERROR_INIT;
	if (front_give_way(cli, &config, true, &err) != 0) {
		cli_report(&err, NULL);
		config_release(&config);
		return STATUS_SOLDR;
	}
	struct buf out = BUF_INIT;
	if (as_json)
		backends_json(&config, &out);
	else
		backends_text(&config, &out);
	status = cli_print(&out, 0);
	config_release(&config);
	return status;
}

const struct verb verb_backends = {
	"backends", "backends [--json]", "the configured and built-in backends, and whether they load",
	"  --json   one JSON object: schema_version, backend, plugin_path, and in backends for each:\n"
	"           name, selected, defined_in, plugin, loads, error, path, plugin_name, version, abi,\n"
	"           capabilities; path is null for a plugin that soldr itself holds\n"
	"\nThe selected one is marked with *. To select another: backend: NAME in the config file,\n"
	"SOLDR_BACKEND=NAME, or --backend NAME before the verb.\n"
	"\nExample:\n  soldr backends\n",
	run};
