/* audit_about: `soldr audit capabilities`, all names that a program may meet in what soldr audit writes. */
#include "audit_verb.h"

#include "audit.h"
#include "json.h"
#include "run_manifest.h"
#include "text.h"

#include <string.h>

/* The modes from least to most; a file has its events from the one that is named here on. */
static const struct {
	const char *name, *category;
	enum config_audit_mode mode;
} events[] = {
	{"run.start", "run", AUDIT_NORMAL},
	{"run.end", "run", AUDIT_NORMAL},
	{"command", "run", AUDIT_NORMAL},
	{"compile", "compile", AUDIT_NORMAL},
	{"fingerprint", "phase", AUDIT_VERBOSE},
	{"lookup", "phase", AUDIT_VERBOSE},
	{"compiler", "phase", AUDIT_VERBOSE},
	{"inputs", "phase", AUDIT_VERBOSE},
	{"store", "phase", AUDIT_VERBOSE},
	{"materialise", "phase", AUDIT_VERBOSE},
	{"fallback", "fault", AUDIT_NORMAL},
	{"error", "fault", AUDIT_NORMAL},
	{"sink.lost", "sink", AUDIT_NORMAL},
};

static const struct {
	const char *what, *schema, *file;
} schemas[] = {
	{"event", AUDIT_SCHEMA, "audit.jsonl"},
	{"journal", JOURNAL_SCHEMA, JOURNAL_FILE},
	{"manifest", "soldr.manifest.v1", RUN_MANIFEST_FILE},
	{"summary", "soldr.summary.v1", "summary.json"},
	{"analysis", "soldr.analysis.v1", NULL},
};

static void names_json(struct json *j, const char *key, const char *(*name)(int), int count)
{
	json_open(j, key, '[');
	for (int i = 0; i < count; i++)
		json_str(j, NULL, name(i));
	json_close(j, ']');
}

static const char *mode_name(int i) { return audit_mode_name((enum config_audit_mode)i); }
static const char *policy_name(int i) { return audit_policy_name((enum config_sink_policy)i); }

static void lists_json(struct json *j)
{
	const char *id, *title;
	json_open(j, "profiles", '[');
	for (const struct audit_profile *p = audit_profiles; p->name; p++) {
		json_open(j, NULL, '{');
		json_str(j, "name", p->name);
		json_str(j, "mode", p->mode);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "formats", '[');
	for (const struct export_format *f = export_formats; f->name; f++) {
		json_open(j, NULL, '{');
		json_str(j, "name", f->name);
		json_str(j, "what", f->what);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "findings", '[');
	for (size_t i = 0; finding_kind(i, &id, &title); i++) {
		json_open(j, NULL, '{');
		json_str(j, "id", id);
		json_str(j, "title", title);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void about_json(struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "version", soldr_version());
	json_open(&j, "schemas", '[');
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "what", schemas[i].what);
		json_str(&j, "schema", schemas[i].schema);
		json_u64(&j, "schema_version", 1);
		json_str(&j, "file", schemas[i].file);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "events", '[');
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "name", events[i].name);
		json_str(&j, "category", events[i].category);
		json_str(&j, "mode", audit_mode_name(events[i].mode));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	names_json(&j, "modes", mode_name, AUDIT_FORENSIC + 1);
	names_json(&j, "sink_policies", policy_name, SINK_FAIL_LOSSLESS + 1);
	lists_json(&j);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void about_text(struct buf *out)
{
	struct table t;
	const char *id, *title;
	buf_adds(out, "schemas\n");
	table_init(&t, "lll");
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
		table_cell(&t, schemas[i].what);
		table_cell(&t, schemas[i].schema);
		table_cell(&t, schemas[i].file);
	}
	table_print(&t, out, 2);
	buf_adds(out, "\nevents, and the mode from which on they are written\n");
	table_init(&t, "lll");
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		table_cell(&t, events[i].name);
		table_cell(&t, events[i].category);
		table_cell(&t, audit_mode_name(events[i].mode));
	}
	table_print(&t, out, 2);
	buf_adds(out, "\nprofiles of audit run, and their modes\n");
	table_init(&t, "lll");
	for (const struct audit_profile *p = audit_profiles; p->name; p++) {
		table_cell(&t, p->name);
		table_cell(&t, p->mode);
		table_cell(&t, p->what);
	}
	table_print(&t, out, 2);
	buf_adds(out, "\nformats of audit export\n");
	table_init(&t, "ll");
	for (const struct export_format *f = export_formats; f->name; f++) {
		table_cell(&t, f->name);
		table_cell(&t, f->what);
	}
	table_print(&t, out, 2);
	buf_adds(out, "\nfindings of audit analyze\n");
	table_init(&t, "ll");
	for (size_t i = 0; finding_kind(i, &id, &title); i++) {
		table_cell(&t, id);
		table_cell(&t, title);
	}
	table_print(&t, out, 2);
}

int audit_capabilities(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct buf out = BUF_INIT;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "audit capabilities", operands.items[0]);
	if (as_json)
		about_json(&out);
	else
		about_text(&out);
	return cli_print(&out, 0);
}
