/*
 * verb_doctor: `soldr doctor`, is everything as it should be? One function for
 * each check; each adds findings, and none stops the next.
 */
#include "cargo.h"
#include "cli.h"
#include "compiler.h"
#include "front.h"
#include "fs.h"
#include "json.h"
#include "load.h"
#include "parity.h"
#include "path.h"
#include "permits.h"
#include "plugins.h"
#include "text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum severity { FINE, NOTE, WRONG };

static const char *const severity_names[] = {[FINE] = "ok", [NOTE] = "note", [WRONG] = "wrong"};

enum { FINDINGS_MAX = 256 };

struct finding {
	const char *check;
	enum severity severity;
	char *text;
};

struct doctor {
	const struct cli *cli;
	const char *run;            /* whose compiles to replay */
	uint64_t sample, seed;      /* sample 0: none */
	struct parity_work parity;
	bool has_parity;            /* its requests were checked */
	struct config config;
	bool has_config;
	struct finding findings[FINDINGS_MAX];
	size_t count;
};

static void found(struct doctor *d, const char *check, enum severity severity, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void found(struct doctor *d, const char *check, enum severity severity, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	if (d->count == FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	d->findings[d->count++] = (struct finding){check, severity, buf_detach(&b)};
}

/* ---- the checks ------------------------------------------------------------------- */

static void check_config(struct doctor *d)
{
	soldr_error err = SOLDR_ERROR_INIT;
	const struct cli *cli = d->cli;
	if (!cli->cwd) {
		found(d, "config", WRONG, "the working directory does not exist any more: cd to one that does");
		return;
	}
	if (config_load(&d->config, &cli->overrides, cli->envp, cli->cwd, &err) != 0) {
		found(d, "config", WRONG, "%s", err.message);
		return;
	}
	d->has_config = true;
	found(d, "config", FINE, "%s", d->config.file ? d->config.file : "no file: built-in defaults");
	if (d->config.project_file)
		found(d, "config", FINE, "project file %s", d->config.project_file);
}

static void unknown_variable(void *arg, const char *name, const char *nearest)
{
	if (nearest)
		found(arg, "environment", WRONG, "%s is no variable of soldr; did you mean %s?", name, nearest);
	else
		found(arg, "environment", WRONG, "%s is no variable of soldr: unset it", name);
}

static void check_environment(struct doctor *d)
{
	size_t before = d->count;
	config_unknown_env(d->cli->envp, unknown_variable, d);
	if (cli_bypass(d->cli))
		found(d, "environment", NOTE, "soldr is bypassed by the environment: no compile is cached");
	if (d->count == before)
		found(d, "environment", FINE, "no unknown SOLDR_ variable");
}

static void check_backend(void *arg, const struct config_backend *backend, bool made_up, bool selected)
{
	struct doctor *d = arg;
	struct plugin plugin;
	soldr_error err = SOLDR_ERROR_INIT;
	const char *mark = selected ? " (selected)" : "";
	if (made_up && !selected)
		return;
	if (plugins_try(&d->config, backend, &plugin, &err) != 0) {
		found(d, "backend", WRONG, "%s%s: %s", backend->name, mark, err.message);
		return;
	}
	found(d, "backend", FINE, "%s%s: %s %s", backend->name, mark, plugins_place(&plugin), plugin.backend.version);
	plugin_unload(&plugin);
}

static void check_backends(struct doctor *d)
{
	soldr_error err = SOLDR_ERROR_INIT;
	if (!d->has_config)
		return;
	if (front_give_way(d->cli, &d->config, true, &err) != 0)
		found(d, "backend", WRONG, "%s", err.message);
	else
		plugins_visit(&d->config, check_backend, d);
}

/* A file can really be made there: modes alone do not tell of a full or read-only disk. */
static int try_write(const char *dir, soldr_error *err)
{
	struct fs_temp temp;
	char *path = path_join(dir, "doctor");
	int rc = path ? fs_temp_open(&temp, path, 0600, err) : err_set(err, SOLDR_E_NOMEM, 0, "doctor", E101_NO_MEMORY);
	if (!rc) {
		int why = fs_write_all(temp.fd, "soldr\n", 6);
		if (why)
			rc = err_set(err, SOLDR_E_IO, why, "doctor", E612_DOCTOR_NOT_WRITTEN, dir);
		fs_temp_discard(&temp);
	}
	free(path);
	return rc;
}

static void check_limits(struct doctor *d)
{
	static const char *const priorities[] = {
		[PRIORITY_AUTO] = "auto", [PRIORITY_NORMAL] = "normal", [PRIORITY_LOW] = "low", [PRIORITY_IDLE] = "idle",
	};
	if (!d->has_config)
		return;
	uint32_t max = permits_configured(&d->config);
	if (!max)
		found(d, "limits", FINE, "no limit on compilers at once");
	else if (d->config.readonly)
		found(d, "limits", NOTE, "compilers at once are not limited: with SOLDR_READONLY no permits can be given below the cache");
	else
		found(d, "limits", FINE, "at most %u compilers at once (%s), %u now", max,
		      config_given(&d->config, "jobs") ? "SOLDR_JOBS" : "limits.max_parallel_compiles", permits_held(&d->config, max));
	const struct load load = load_now();
	found(d, "limits", FINE, "priority %s: with a load of %.1f on %u processors the nice level of a compiler is raised by %d",
	      priorities[d->config.priority], load.average, load.cpus, load_nice(d->config.priority));
}

static void check_cache(struct doctor *d)
{
	soldr_error err = SOLDR_ERROR_INIT;
	const char *root = d->config.cache_root;
	if (!d->has_config)
		return;
	int rc = fs_check_private_dir(root, &err);
	if (rc == SOLDR_E_NOT_FOUND && d->config.readonly) {
		found(d, "cache", NOTE, "%s does not exist, and SOLDR_READONLY forbids to make it", root);
		return;
	}
	if (rc == SOLDR_E_NOT_FOUND)
		rc = fs_make_dirs(root, 0700, &err);
	if (!rc && !d->config.readonly)
		rc = try_write(root, &err);
	if (rc)
		found(d, "cache", WRONG, "%s", err.message);
	else
		found(d, "cache", FINE, "%s is private%s", root, d->config.readonly ? ", read-only by SOLDR_READONLY" : " and writable");
}

static bool skip_soldr(void *arg, const char *path)
{
	return compiler_is_soldr(arg, path);
}

static void check_compilers(struct doctor *d)
{
	static const char *const names[] = {"cc", "c++", "gcc", "g++", "clang", "clang++", "rustc"};
	const char *path_list = env_get(d->cli->envp, "PATH"), *cwd = d->cli->cwd ? d->cli->cwd : "/";
	char real[PATH_MAX];
	size_t count = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = path_find_program(names[i], path_list, cwd, skip_soldr, NULL);
		char *first = path ? path_find_program(names[i], path_list, cwd, NULL, NULL) : NULL;
		if (!path)
			continue;
		count++;
		const char *target = realpath(path, real) ? path_base(real) : "";
		if (compiler_wrapper_name(target))
			found(d, "compiler", NOTE, "%s is %s, which is %s: each compile passes two caches; take its directory off PATH",
			      names[i], path, target);
		else
			found(d, "compiler", FINE, "%s is %s%s", names[i], path,
			      first && strcmp(first, path) != 0 ? ", behind a link to soldr" : "");
		free(first);
		free(path);
	}
	if (!count)
		found(d, "compiler", NOTE, "no C, C++ or Rust compiler on PATH");
}

/* Launchers that send compiles past soldr or through a second cache. */
static void check_launchers(struct doctor *d)
{
	static const char *const names[] = {"CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER"};
	const char *cwd = d->cli->cwd ? d->cli->cwd : "/";
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = env_get(d->cli->envp, names[i]);
		if (!value || !*value)
			continue;
		char *path = path_find_program(value, env_get(d->cli->envp, "PATH"), cwd, NULL, NULL);
		if (!path)
			found(d, "wrapper", WRONG, "%s=%s: no such program; unset it, or give soldr's path", names[i], value);
		else if (compiler_is_soldr(NULL, path))
			found(d, "wrapper", FINE, "%s is soldr", names[i]);
		else
			found(d, "wrapper", NOTE, "%s=%s: these compiles do not come to soldr; set it to soldr, or unset it", names[i], value);
		free(path);
	}
}

/* The same for cargo, whose settings may be in files; what the front door makes of them is in build.c. */
static void check_cargo(struct doctor *d)
{
	static const enum cargo_program wrappers[] = {CARGO_WRAPPER, CARGO_WORKSPACE_WRAPPER};
	struct cargo_settings settings;
	cargo_settings_read(&settings, d->cli, NULL);
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
		const struct cargo_setting *s = &settings.of[wrappers[i]];
		if (!s->origin)
			continue;
		const char *base = s->value ? path_base(s->value) : "";
		if (s->is_soldr)
			found(d, "wrapper", FINE, "%s is soldr", s->origin);
		else if (s->is_missing)
			found(d, "wrapper", WRONG, "%s: %s: no such program; take it out, or give soldr's path", s->origin, s->value);
		else if (cargo_is_foreign(&settings, CARGO_RUSTC))
			found(d, "wrapper", NOTE, "cargo has a wrapper (%s) and a rustc of its own (%s): rustc does not come to soldr; take one "
			      "of the two out", s->origin, settings.of[CARGO_RUSTC].origin);
		else
			found(d, "wrapper", NOTE, "%s gives cargo the wrapper %s: soldr's front doors put soldr behind it%s, and a cargo started "
			      "otherwise does not come to soldr; take it out, or set it to soldr", s->origin, *base ? base : "(unclear)",
			      compiler_wrapper_name(base) ? ", so each compile passes two caches" : "");
	}
	cargo_settings_release(&settings);
}

static bool declares_macros(const struct config_backend *backend)
{
	for (size_t i = 0; i < backend->option_count; i++)
		if (strncmp(backend->options[i].key, "rust.", 5) == 0)
			return true;
	return false;
}

/* The one thing that rustc does not report, and that soldr cannot find out. */
static void check_macros(struct doctor *d)
{
	const char *cwd = d->cli->cwd ? d->cli->cwd : "/";
	char *rustc = path_find_program("rustc", env_get(d->cli->envp, "PATH"), cwd, skip_soldr, NULL);
	const struct config_backend *backend = d->has_config ? config_backend_find(&d->config, d->config.backend, NULL) : NULL;
	if (rustc && backend && strcmp(backend->plugin, "embedded") == 0 && !declares_macros(backend))
		found(d, "rust", NOTE, "a procedural macro that reads files or variables without telling rustc (SQL files, DATABASE_URL) may give "
		      "a stale hit: declare them as rust.extra_inputs and rust.key_env, set rust.package_tree: true, or look for such macros "
		      "with SOLDR_VERIFY=100 (docs/rust.md)");
	free(rustc);
}

static void replayed(struct doctor *d)
{
	const struct parity_totals *t = &d->parity.totals;
	struct buf skips = BUF_INIT, own = BUF_INIT;
	parity_report_skips(t, &skips);
	if (t->not_deterministic)
		buf_addf(&own, ", %zu not deterministic by themselves", t->not_deterministic);
	if (t->not_replayable)
		buf_addf(&own, ", %zu could not be run again", t->not_replayable);
	found(d, "parity", t->different ? WRONG : t->requests ? FINE : NOTE,
	      "%zu %s of run %s through %s: %zu the same, %zu different%s%s%s", t->requests, t->requests == 1 ? "compile" : "compiles",
	      d->parity.run, d->config.backend, t->same, t->different, buf_str(&own), skips.len ? "; " : "", buf_str(&skips));
	buf_release(&own);
	buf_release(&skips);
}

static void check_parity(struct doctor *d)
{
	soldr_error err = SOLDR_ERROR_INIT;
	if (!d->sample || !d->has_config)
		return;
	int rc = parity_work_open(&d->parity, d->cli, &d->config, NULL, &err);
	if (!rc) {
		rc = parity_read_journal(&d->parity, &d->config, d->run, &err);
		if (!rc && d->sample < d->parity.requests.len)
			parity_sample(&d->parity.requests, (size_t)d->sample, d->seed);
		if (!rc && d->parity.requests.len)
			rc = parity_work_run(&d->parity, 0, &err);
		d->has_parity = rc == 0;
	}
	if (rc)
		found(d, "parity", WRONG, "%s", err.message);
	else
		replayed(d);
}

static void (*const checks[])(struct doctor *) = {
	check_config, check_environment, check_backends, check_cache, check_limits, check_compilers, check_launchers, check_cargo, check_macros,
	check_parity,
};

/* ---- the report --------------------------------------------------------------------- */

static size_t count_of(const struct doctor *d, enum severity severity)
{
	size_t n = 0;
	for (size_t i = 0; i < d->count; i++)
		n += d->findings[i].severity == severity;
	return n;
}

static void report_json(const struct doctor *d, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_bool(&j, "ok", count_of(d, WRONG) == 0);
	json_u64(&j, "wrong", count_of(d, WRONG));
	json_u64(&j, "notes", count_of(d, NOTE));
	json_open(&j, "findings", '[');
	for (size_t i = 0; i < d->count; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "check", d->findings[i].check);
		json_str(&j, "status", severity_names[d->findings[i].severity]);
		json_str(&j, "message", d->findings[i].text);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	if (d->has_parity) {
		json_open(&j, "parity", '{');
		parity_report_members(&d->parity, &j);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void report_text(const struct doctor *d, struct buf *out)
{
	struct table table;
	table_init(&table, "lll");
	for (size_t i = 0; i < d->count; i++) {
		table_cell(&table, severity_names[d->findings[i].severity]);
		table_cell(&table, d->findings[i].check);
		table_cell(&table, d->findings[i].text);
	}
	table_print(&table, out, 0);
	if (d->has_parity && d->parity.totals.requests > d->parity.totals.same) {
		buf_addc(out, '\n');
		parity_report_details(&d->parity.requests, d->parity.verdicts, out);
	}
	size_t wrong = count_of(d, WRONG);
	if (wrong)
		buf_addf(out, "\n%zu %s wrong\n", wrong, wrong == 1 ? "thing is" : "things are");
	else
		buf_adds(out, "\nall is well\n");
}

static int read_options(const struct cli *cli, const struct verb *verb, struct doctor *d, bool *as_json)
{
	const char *sample = NULL, *seed = NULL;
	const struct cli_option options[] = {
		{"--json", as_json, NULL}, {"--parity", NULL, &sample}, {"--seed", NULL, &seed}, {"--run", NULL, &d->run}, {NULL, NULL, NULL},
	};
	struct cli_operands operands;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "doctor", operands.items[0]);
	if (!sample && (seed || d->run))
		return cli_usage(verb, E532_GOES_WITH, "doctor", seed ? "--seed" : "--run", "--parity N");
	status = cli_number(verb, "--parity", sample, 1, PARITY_REQUESTS_MAX, &d->sample);
	if (!status)
		status = cli_number(verb, "--seed", seed, 0, UINT32_MAX, &d->seed);
	if (!d->run)
		d->run = "last";
	return status ? status : -1;
}

static int run(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false;
	struct doctor d = {.cli = cli};
	int status = read_options(cli, verb, &d, &as_json);
	if (status >= 0)
		return status;
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		checks[i](&d);
	if (as_json)
		report_json(&d, &out);
	else
		report_text(&d, &out);
	status = count_of(&d, WRONG) ? STATUS_WRONG : 0;
	for (size_t i = 0; i < d.count; i++)
		free(d.findings[i].text);
	parity_work_release(&d.parity);
	if (d.has_config)
		config_release(&d.config);
	return cli_print(&out, status);
}

const struct verb verb_doctor = {
	"doctor", "doctor [--parity N [--seed S] [--run ID]] [--json]", "look for what is wrong, and say how to mend it",
	"Looks at the config, SOLDR_ variables, the backends' plugins, the cache root, the compilers on\n"
	"PATH and other tools' wrapper settings. Exit status 1 when something is wrong; a note is no\n"
	"fault.\n"
	"\n"
	"  --parity N   also take N compiles of the last run from its journal, and check as `soldr parity`\n"
	"               does that the selected backend gives the compiler's bytes\n"
	"  --seed S     take others\n"
	"  --run ID     of this run and not the last one\n"
	"  --json       one JSON object: schema_version, ok, wrong, notes, and in findings for each: check,\n"
	"               status (ok, note, wrong), message; with --parity its report in parity\n"
	"\n"
	"Compiles are run in the present environment. What cannot be replayed is counted by its reason:\n"
	"a secret was taken out, or directory, compiler or source are gone (docs/parity.md).\n"
	"\nExample:\n  soldr doctor --parity 20\n",
	run};
