/*
 * verb_help: `soldr help [VERB]` and `soldr version`. The texts come from the
 * table of verbs.
 */
#include "cli.h"
#include "json.h"
#include "text.h"

#include <string.h>

void help_verb(struct buf *out, const struct verb *verb)
{
	buf_addf(out, "usage: soldr %s\n\n%s\n\n%s", verb->usage, verb->summary, verb->help);
}

void help_overview(struct buf *out)
{
	struct table table;
	buf_adds(out,
	         "soldr: a compile front end with exchangeable cache backends\n"
	         "\n"
	         "usage: soldr [OPTIONS] COMPILER ARGS…   compile through the selected backend\n"
	         "       soldr [OPTIONS] make ARGS…       run a build with its compiles through soldr\n"
	         "       soldr [OPTIONS] VERB …\n"
	         "\n"
	         "COMPILER is a path, or gcc, g++, cc, c++, clang, clang++, rustc or clippy-driver, also with a\n"
	         "target prefix and a version (x86_64-linux-gnu-gcc-12). A link named gcc to soldr works as well.\n"
	         "\n"
	         "verbs:\n");
	table_init(&table, "ll");
	for (const struct verb *const *v = cli_verbs; *v; v++) {
		table_cell(&table, (*v)->name);
		table_cell(&table, (*v)->summary);
	}
	table_print(&table, out, 2);
	buf_adds(out,
	         "\n"
	         "options, before the verb or compiler:\n"
	         "  --config FILE          read this config file and no other\n"
	         "  --backend NAME         use this backend: one of the config, or embedded, wrapped, null\n"
	         "  --audit MODE           off, summary, normal, verbose or forensic\n"
	         "  -q, --quiet            no summary and no remarks\n"
	         "  --no-session-summary   no summary at the end of a build\n"
	         "  --help, --version\n"
	         "\n"
	         "exit status: the compiler's or command's own; 111 when soldr itself failed; 2 for wrong usage.\n"
	         "SOLDR_BYPASS=1 takes soldr out of the way. `soldr help VERB` says more.\n");
}

void help_reasons(struct buf *out)
{
	static const char *const kinds[] = {
		[SOLDR_REASON_KIND_MISS] = "miss", [SOLDR_REASON_KIND_REFUSAL] = "not cacheable",
		[SOLDR_REASON_KIND_FAULT] = "fault", [SOLDR_REASON_KIND_BACKEND] = "of a backend",
	};
	buf_adds(out, "Why a compile was not a hit, and what to do about it.\n");
	for (enum soldr_reason r = SOLDR_REASON_NONE + 1; r < SOLDR_REASON_COUNT; r++) {
		buf_addf(out, "\n%s (%s)\n  %s\n", reason_name(r), kinds[reason_kind(r)], reason_text(r));
		if (*reason_mend(r))
			buf_addf(out, "  to do: %s\n", reason_mend(r));
	}
}

static int run_help(const struct cli *cli, const struct verb *verb)
{
	struct buf out = BUF_INIT;
	const char *name = cli->argc > 1 ? cli->argv[1] : NULL;
	if (cli->argc > 2)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "help", cli->argv[2]);
	if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0))
		name = verb->name;
	const struct verb *about = name ? cli_verb_find(name) : NULL;
	if (!name) {
		help_overview(&out);
	} else if (about) {
		help_verb(&out, about);
	} else if (strcmp(name, "reasons") == 0) {
		help_reasons(&out);
	} else if (strcmp(name, "errors") == 0) {
		help_errors(&out);
	} else if (help_is_error(name)) {
		if (!help_error(&out, name))
			return cli_usage(verb, E534_NO_ERROR_ID, name);
	} else {
		const char *names[64] = {NULL};
		for (size_t i = 0; cli_verbs[i] && i + 1 < sizeof names / sizeof *names; i++)
			names[i] = cli_verbs[i]->name;
		return cli_usage(verb, E533_NO_VERB, name, cli_hint(config_nearest(name, names), "'").text);
	}
	return cli_print(&out, 0);
}

static int run_version(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct buf out = BUF_INIT;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "version", operands.items[0]);
	if (as_json) {
		struct json j = json_to(&out, true);
		json_open(&j, NULL, '{');
		json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
		json_str(&j, "version", soldr_version());
		json_open(&j, "abi", '{');
		json_u64(&j, "major", SOLDR_ABI_MAJOR);
		json_u64(&j, "minor", SOLDR_ABI_MINOR);
		json_close(&j, '}');
		json_close(&j, '}');
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "soldr %s (backend ABI %u.%u)\n", soldr_version(), SOLDR_ABI_MAJOR, SOLDR_ABI_MINOR);
	}
	return cli_print(&out, 0);
}

const struct verb verb_version = {
	"version", "version [--json]", "the versions of soldr and of its backend ABI",
	"  --json   one JSON object: schema_version, version, abi {major, minor}\n"
	"\nExample:\n  soldr version\n",
	run_version};

const struct verb verb_help = {
	"help", "help [VERB|reasons|errors]", "this overview, or what a verb, a reason or a message means",
	"  reasons  every reason for not being a hit, and what to do about it\n"
	"  errors   every message of soldr by its id, and what to do about it\n"
	"  E104     one message, by the id at the end of its line\n"
	"\nExample:\n  soldr help stats\n  soldr help E104\n",
	run_help};
