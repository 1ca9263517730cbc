/*
 * Tests of core/service/config: where settings come from, variables, single
 * values, options against a plugin's specs. Files are test_config_files.c.
 */
#include "config_place.h"

void suite_config(void);

/* ---- precedence --------------------------------------------------------------------------- */

static void works_without_any_file(void)
{
	struct place p;
	place_init(&p);
	CU_ASSERT_EQUAL_FATAL(load_with(&p, NULL), 0);
	const struct config *c = &p.cfg;
	char *root = path_join(p.dir, ".cache/soldr");
	CU_ASSERT_PTR_NULL(c->file);
	CU_ASSERT_PTR_NULL(c->project_file);
	same(c->backend, "embedded");
	same(c->cache_root, root);
	same(c->product, "soldr");
	same(c->instance_id, "default");
	same(c->workspace, "shared");
	CU_ASSERT_EQUAL(c->audit_mode, AUDIT_NORMAL);
	CU_ASSERT_EQUAL(c->sink_policy, SINK_DEGRADE);
	CU_ASSERT_EQUAL(c->priority, PRIORITY_AUTO);
	CU_ASSERT_EQUAL(c->on_error, ON_ERROR_FALLBACK);
	CU_ASSERT_EQUAL(c->path_remap, PATH_REMAP_OFF);
	CU_ASSERT_TRUE(c->redaction && c->session_summary);
	CU_ASSERT_FALSE(c->readonly || c->recache || c->quiet);
	CU_ASSERT_EQUAL(c->max_parallel_compiles, 0);
	CU_ASSERT_EQUAL(c->jobs, 0);
	CU_ASSERT_PTR_NULL(c->log);
	CU_ASSERT_PTR_NULL(c->run_id);
	CU_ASSERT_EQUAL(look(&p, "audit.mode").source.origin, CONFIG_FROM_DEFAULT);
	free(root);
	place_release(&p);
}

static void each_level_beats_the_one_below(void)
{
	struct place p;
	place_init(&p);
	struct config_overrides over = {.file = p.file};
	vec_add(&p.env, "CI=true");
	CU_ASSERT_EQUAL(load_text(&p, ""), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_VERBOSE);
	CU_ASSERT_EQUAL(look(&p, "audit.mode").source.origin, CONFIG_FROM_DEFAULT);

	CU_ASSERT_EQUAL(load_text(&p, "version: 1\naudit:\n  mode: summary\n"), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_SUMMARY);
	struct seen s = look(&p, "audit.mode");
	same(s.value, "summary");
	CU_ASSERT_EQUAL(s.source.origin, CONFIG_FROM_FILE);
	same(s.source.file, p.file);
	CU_ASSERT_EQUAL(s.source.line, 3);
	CU_ASSERT_EQUAL(s.source.column, 3);

	put(&p, ".git/HEAD", "");
	put(&p, ".soldr.yaml", "audit: {mode: forensic}\n");
	CU_ASSERT_EQUAL(load_with(&p, &over), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_FORENSIC);
	s = look(&p, "audit.mode");
	CU_ASSERT_EQUAL(s.source.origin, CONFIG_FROM_PROJECT);
	same(s.source.file, p.cfg.project_file);

	vec_add(&p.env, "SOLDR_AUDIT=off");
	CU_ASSERT_EQUAL(load_with(&p, &over), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_OFF);
	s = look(&p, "audit.mode");
	CU_ASSERT_EQUAL(s.source.origin, CONFIG_FROM_ENV);
	same(s.source.file, "SOLDR_AUDIT");

	over.audit_mode = "normal";
	CU_ASSERT_EQUAL(load_with(&p, &over), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_NORMAL);
	s = look(&p, "audit.mode");
	CU_ASSERT_EQUAL(s.source.origin, CONFIG_FROM_COMMAND_LINE);
	same(s.source.file, "--audit");

	over.audit_mode = "lud";
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "--audit: \"lud\" is not known");
	place_release(&p);
}

static void command_line_sets_what_it_can(void)
{
	struct place p;
	place_init(&p);
	struct config_overrides over = {.backend = "ccache", .quiet = true, .no_session_summary = true};
	vec_add(&p.env, "SOLDR_BYPASS=1");
	CU_ASSERT_EQUAL(load_with(&p, &over), 0);
	same(p.cfg.backend, "ccache");
	CU_ASSERT_TRUE(p.cfg.quiet && !p.cfg.session_summary);
	same(look(&p, "session_summary").source.file, "--no-session-summary");
	place_release(&p);
}

static void files_are_searched_in_order(void)
{
	struct place p;
	place_init(&p);
	put(&p, ".config/soldr/soldr.yaml", "identity: {product: home}\n");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.product, "home");

	vec_addf(&p.env, "XDG_CONFIG_HOME=%s/xdg", p.dir);
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.product, "soldr");
	put(&p, "xdg/soldr/soldr.yaml", "identity: {product: xdg}\n");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.product, "xdg");

	put(&p, "named.yaml", "identity: {product: variable}\n");
	vec_add(&p.env, "SOLDR_CONFIG=named.yaml");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.product, "variable");

	put(&p, "option.yaml", "identity: {product: option}\n");
	struct config_overrides over = {.file = "./option.yaml"};
	CU_ASSERT_EQUAL(load_with(&p, &over), 0);
	same(p.cfg.product, "option");
	char *full = path_join(p.dir, "option.yaml");
	same(p.cfg.file, full);
	free(full);

	over.file = "missing.yaml";
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "--config: the config file ");
	holds(p.err.message, "missing.yaml does not exist");
	vec_release(&p.env);
	vec_add(&p.env, "SOLDR_CONFIG=/nonexistent/soldr.yaml");
	vec_add(&p.env, "SOLDR_CACHE_DIR=/c");
	CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
	holds(p.err.message, "SOLDR_CONFIG: the config file /nonexistent/soldr.yaml does not exist");
	place_release(&p);
}

static void a_cache_root_needs_a_place(void)
{
	struct place p;
	place_init(&p);
	vec_release(&p.env);
	CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
	holds(p.err.message, "SOLDR_CACHE_DIR");
	holds(p.err.message, "HOME");
	vec_add(&p.env, "XDG_CACHE_HOME=relative/is/ignored");
	vec_add(&p.env, "HOME=");
	CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
	vec_add(&p.env, "SOLDR_CACHE_DIR=/a//b/./c");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.cache_root, "/a/b/c");
	vec_release(&p.env);
	vec_add(&p.env, "XDG_CACHE_HOME=/x");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.cache_root, "/x/soldr");
	place_release(&p);
}

/* ---- the environment --------------------------------------------------------------------------- */

static const struct {
	const char *entry, *key, *value; /* value as config_visit() gives it; NULL: an error that names the variable */
} env_cases[] = {
	{"SOLDR_BACKEND=ccache", "backend", "ccache"},
	{"SOLDR_BACKEND=a/b", "backend", NULL},
	{"SOLDR_BACKEND=", "backend", "embedded"},
	{"SOLDR_BYPASS=1", "backend", "null"},
	{"SOLDR_BYPASS=Yes", "backend", "null"},
	{"SOLDR_BYPASS=0", "backend", "embedded"},
	{"SOLDR_BYPASS=2", "backend", NULL},
	{"SOLDR_BYPASS_ZCCACHE=on", "backend", "null"},
	{"SOLDR_BYPASS_ZCCACHE=x", "backend", NULL},
	{"SOLDR_ZCCACHE_EMBEDDED=true", "backend", "embedded"},
	{"SOLDR_ZCCACHE_EMBEDDED=maybe", "backend", NULL},
	{"SOLDR_AUDIT=forensic", "audit.mode", "forensic"},
	{"SOLDR_AUDIT=Forensic", "audit.mode", NULL},
	{"SOLDR_CACHE_DIR=/cache/", "cache_dir", "/cache"},
	{"SOLDR_CACHE_DIR=cache", "cache_dir", NULL},
	{"SOLDR_PLUGIN_PATH=/a::/b/:", "plugin_path", "[/a, /b]"},
	{"SOLDR_PLUGIN_PATH=/a:b", "plugin_path", NULL},
	{"SOLDR_QUIET=yes", "quiet", "true"},
	{"SOLDR_QUIET=verily", "quiet", NULL},
	{"SOLDR_NO_SESSION_SUMMARY=1", "session_summary", "false"},
	{"SOLDR_NO_SESSION_SUMMARY=off", "session_summary", "true"},
	{"SOLDR_NO_SESSION_SUMMARY=-", "session_summary", NULL},
	{"SOLDR_RUN_ID=20250101T1200-ab.c_d", "run_id", "20250101T1200-ab.c_d"},
	{"SOLDR_RUN_ID=../../etc", "run_id", NULL},
	{"SOLDR_RUN_ID=..", "run_id", NULL},
	{"TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "traceparent",
	 "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	{"TRACEPARENT=00-00000000000000000000000000000000-b7ad6b7169203331-01", "traceparent", "~"},
	{"TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", "traceparent", "~"},
	{"TRACEPARENT=01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", "traceparent",
	 "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"},
	{"TRACEPARENT=ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "traceparent", "~"},
	{"TRACEPARENT=hello", "traceparent", "~"},
	{"SOLDR_LOG=debug", "log", "debug"},
	{"SOLDR_LOG=off", "log", "~"},
	{"SOLDR_LOG=/tmp/l.log", "log", "/tmp/l.log"},
	{"SOLDR_LOG=loud", "log", NULL},
	{"SOLDR_READONLY=1", "readonly", "true"},
	{"SOLDR_READONLY=r", "readonly", NULL},
	{"SOLDR_RECACHE=1", "recache", "true"},
	{"SOLDR_RECACHE=r", "recache", NULL},
	{"SOLDR_VERIFY=100", "verify.percent", "100"},
	{"SOLDR_VERIFY=101", "verify.percent", NULL},
	{"SOLDR_VERIFY=-1", "verify.percent", NULL},
	{"SOLDR_VERIFY=0.5", "verify.percent", NULL},
	{"SOLDR_PATH_REMAP=auto", "path_remap", "auto"},
	{"SOLDR_PATH_REMAP=on", "path_remap", NULL},
	{"SOLDR_WORKTREE_ROOT=/w", "worktree_root", "/w"},
	{"SOLDR_WORKTREE_ROOT=w", "worktree_root", NULL},
	{"SOLDR_JOBS=8", "jobs", "8"},
	{"SOLDR_JOBS=-1", "jobs", NULL},
	{"SOLDR_JOBS=99999999999999999999", "jobs", NULL},
	{"SOLDR_JOBS=4x", "jobs", NULL},
	{"SOLDR_DEPTH=1", "backend", "embedded"},
};

static void every_variable_is_read_and_checked(void)
{
	for (size_t i = 0; i < sizeof env_cases / sizeof *env_cases; i++) {
		struct place p;
		place_init(&p);
		vec_add(&p.env, env_cases[i].entry);
		int rc = load_with(&p, NULL);
		if (env_cases[i].value) {
			CU_ASSERT_EQUAL(rc, 0);
			same(rc ? p.err.message : look(&p, env_cases[i].key).value, env_cases[i].value);
		} else {
			char start[64];
			snprintf(start, sizeof start, "%.*s: \"", (int)strcspn(env_cases[i].entry, "="), env_cases[i].entry);
			CU_ASSERT_EQUAL(rc, SOLDR_E_CONFIG);
			CU_ASSERT_EQUAL(p.err.code, SOLDR_E_CONFIG);
			holds(p.err.message, start);
		}
		place_release(&p);
	}
}

static void bypass_wins_over_other_variables(void)
{
	struct place p;
	place_init(&p);
	vec_add(&p.env, "SOLDR_ZCCACHE_EMBEDDED=1");
	vec_add(&p.env, "SOLDR_BACKEND=ccache");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.backend, "ccache");
	vec_add(&p.env, "SOLDR_BYPASS_ZCCACHE=1");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.backend, "null");
	same(look(&p, "backend").source.file, "SOLDR_BYPASS_ZCCACHE");
	place_release(&p);
}

static void bypass_works_with_a_broken_file(void)
{
	struct place p;
	place_init(&p);
	put(&p, ".config/soldr/soldr.yaml", "product: [\n");
	CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
	vec_add(&p.env, "SOLDR_BYPASS=1");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	same(p.cfg.backend, "null");
	CU_ASSERT_PTR_NULL(p.cfg.file);
	/* A file that the command line names is meant to be read. */
	struct config_overrides over = {.file = ".config/soldr/soldr.yaml"};
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	place_release(&p);
}

static void variables_go_before_the_plugin_path_of_the_file(void)
{
	struct place p;
	place_init(&p);
	vec_add(&p.env, "SOLDR_PLUGIN_PATH=/e1:/e2");
	CU_ASSERT_EQUAL(load_text(&p, "plugin_path:\n  - /f1\n  - ~/f2\n"), 0);
	CU_ASSERT_EQUAL_FATAL(p.cfg.plugin_path.len, 4);
	same(p.cfg.plugin_path.items[0], "/e1");
	same(p.cfg.plugin_path.items[1], "/e2");
	same(p.cfg.plugin_path.items[2], "/f1");
	char *below_home = path_join(p.dir, "f2");
	same(p.cfg.plugin_path.items[3], below_home);
	free(below_home);
	place_release(&p);
}

static void on_unknown(void *arg, const char *name, const char *nearest)
{
	buf_addf(arg, "%s>%s;", name, nearest ? nearest : "-");
}

static void unknown_variables_get_the_nearest_name(void)
{
	static const char *const env[] = {"SOLDR_BAKEND=x", "SOLDR_AUDIT=off", "SOLDR_DEPTH=1", "PATH=/bin", "SOLDR_ZZZZZZZZ",
	                                  "SOLDR_CACHEDIR=", "TRACEPARENT=x", NULL};
	struct buf out = BUF_INIT;
	config_unknown_env(env, on_unknown, &out);
	same(buf_str(&out), "SOLDR_BAKEND>SOLDR_BACKEND;SOLDR_ZZZZZZZZ>-;SOLDR_CACHEDIR>SOLDR_CACHE_DIR;");
	buf_release(&out);
}

/* ---- values ---------------------------------------------------------------------------------------- */

static void sizes_are_parsed(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0}, {"4096", 4096}, {"1B", 1}, {"1KiB", 1024}, {"1K", 1024}, {"1kb", 1000}, {"1.5 MB", 1500000},
		{"0.25KiB", 256}, {"20GiB", 21474836480u}, {"20g", 21474836480u}, {"1TB", 1000000000000u}, {"2PiB", 2251799813685248u},
		{"18446744073709551615", UINT64_MAX}, {"16383PiB", 18445618173802708992u}, {"0.0GiB", 0},
	};
	static const char *const bad[] = {"", " ", "-1", "+1", "1.", ".5", "1.5", "1.5B", "1XiB", "1 Gi", "GiB", "1GiB ", " 1", "0x10",
		"1,5MB", "1e3", "18446744073709551616", "16384PiB", "99999999999999999999KiB", "1.00000MB", "18014398509481984KiB", "1GiBx",
		"18446.9999PB"};
	uint64_t n;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		n = 77;
		CU_ASSERT_EQUAL(config_parse_size(good[i].text, &n), 0);
		if (n != good[i].bytes)
			fprintf(stderr, "\n  %s gave %llu\n", good[i].text, (unsigned long long)n);
		CU_ASSERT_EQUAL(n, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		n = 77;
		if (config_parse_size(bad[i], &n) == 0)
			fprintf(stderr, "\n  \"%s\" was taken\n", bad[i]);
		CU_ASSERT_EQUAL(config_parse_size(bad[i], &n), SOLDR_E_INVALID);
		CU_ASSERT_EQUAL(n, 77);
	}
}

static void durations_are_parsed(void)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"0", 0}, {"1ns", 1}, {"5us", 5000}, {"250ms", 250000000}, {"5s", 5000000000u}, {"1.5 s", 1500000000u}, {"2m", 120000000000u},
		{"2min", 120000000000u}, {"1h", 3600000000000u}, {"30d", 2592000000000000u}, {"2w", 1209600000000000u},
		{"213503d", 18446659200000000000u},
	};
	static const char *const bad[] = {"", "5", "-1s", "1M", "1S", "1y", "1h30m", "213504d", "1.5ns", "s"};
	uint64_t n;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		n = 77;
		CU_ASSERT_EQUAL(config_parse_duration(good[i].text, &n), 0);
		CU_ASSERT_EQUAL(n, good[i].ns);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CU_ASSERT_EQUAL(config_parse_duration(bad[i], &n), SOLDR_E_INVALID);
}

static void truth_is_parsed(void)
{
	static const char *const yes[] = {"1", "true", "TRUE", "yes", "On"}, *const no[] = {"0", "false", "No", "off"};
	static const char *const bad[] = {"", "2", "y", "n", "truee", " true", "01"};
	bool b;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		CU_ASSERT_TRUE(config_parse_bool(yes[i], &b) == 0 && b);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		CU_ASSERT_TRUE(config_parse_bool(no[i], &b) == 0 && !b);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CU_ASSERT_EQUAL(config_parse_bool(bad[i], &b), SOLDR_E_INVALID);
}

static void the_nearest_name_is_found(void)
{
	static const char *const names[] = {"max_size", "max_entry_size", "max_candidates", "compression.level", "x", NULL};
	static const char *const none[] = {NULL};
	char long_name[200];
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = 0;
	same(config_nearest("max_siez", names), "max_size");
	same(config_nearest("maxsize", names), "max_size");
	same(config_nearest("MAX_SIZE", names), "max_size");
	same(config_nearest("max_entrysize", names), "max_entry_size");
	same(config_nearest("compresion.levl", names), "compression.level");
	CU_ASSERT_PTR_NULL(config_nearest("endpoint", names));
	CU_ASSERT_PTR_NULL(config_nearest("y", names));
	CU_ASSERT_PTR_NULL(config_nearest("", names));
	CU_ASSERT_PTR_NULL(config_nearest(long_name, names));
	CU_ASSERT_PTR_NULL(config_nearest("max_size", none));
}

/* ---- backends and their options --------------------------------------------------------------------- */

static void backends_are_found_by_name(void)
{
	struct place p;
	place_init(&p);
	CU_ASSERT_EQUAL_FATAL(load_text(&p, "backend: acem\nbackends:\n  acme: {plugin: /a.so}\n  embedded: {plugin: /e.so}\n"), 0);
	const struct config_backend *b = config_backend_find(&p.cfg, "acme", &p.err);
	same(b ? b->plugin : NULL, "/a.so");
	b = config_backend_find(&p.cfg, "embedded", &p.err);
	same(b ? b->plugin : NULL, "/e.so");
	b = config_backend_find(&p.cfg, "wrapped", &p.err);
	same(b ? b->plugin : NULL, "wrapped");
	CU_ASSERT_TRUE(b && b->option_count == 0);
	CU_ASSERT_PTR_NULL(config_backend_find(&p.cfg, "acem", &p.err));
	CU_ASSERT_EQUAL(p.err.code, SOLDR_E_CONFIG);
	holds(p.err.message, "soldr.yaml:1:1: backend: there is no backend \"acem\" (did you mean \"acme\"?); use acme, embedded");
	CU_ASSERT_PTR_NULL(config_backend_find(&p.cfg, "nul", &p.err));
	holds(p.err.message, "backend: there is no backend \"nul\" (did you mean \"null\"?)");
	place_release(&p);
}

#define SPEC(kind, called, standard, ...) \
	{.struct_size = sizeof(soldr_option_spec), .type = kind, .name = called, .default_value = standard, __VA_ARGS__}

static const soldr_option_spec specs[] = {
	SPEC(SOLDR_OPT_STRING, "text", "hello", .help = ""),
	SPEC(SOLDR_OPT_BOOL, "flag", "no", .help = ""),
	SPEC(SOLDR_OPT_INT, "number", NULL, .min = -5, .max = 5),
	SPEC(SOLDR_OPT_SIZE, "max_size", "20GiB", .min = 1 << 20, .max = INT64_MAX),
	SPEC(SOLDR_OPT_DURATION, "age", "30d", .min = 0, .max = INT64_MAX),
	SPEC(SOLDR_OPT_ENUM, "kind", "fast", .choices = "fast|small|off"),
	SPEC(SOLDR_OPT_LIST, "args", "[-a, \"b c\"]", .help = ""),
	SPEC(SOLDR_OPT_PATH, "binary", NULL, .help = ""),
	SPEC(SOLDR_OPT_MAP, "environment", "{A: 1}", .help = ""),
	SPEC(SOLDR_OPT_INT, "compression.level", "1", .min = 1, .max = 19),
	{.name = NULL},
};

static const soldr_option_spec required[] = {
	SPEC(SOLDR_OPT_STRING, "endpoint", NULL, .flags = SOLDR_OPTION_REQUIRED),
	{.name = NULL},
};

/* "key=value;" for each kv of the options, written as YAML below `options`; or the error. */
static const char *options_of(struct place *p, const char *yaml, const soldr_option_spec *list, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct config_kvs kvs = {0};
	buf_clear(out);
	buf_addf(&text, "backends:\n  x:\n    plugin: y\n    options: %s\n", yaml);
	int rc = load_bytes(p, text.data, text.len);
	if (!rc)
		rc = config_backend_options(&p->cfg.backends[0], list, &kvs, &p->err);
	for (size_t i = 0; i < kvs.len && !rc; i++)
		buf_addf(out, "%s=%s;", kvs.items[i].key, kvs.items[i].value);
	if (rc) {
		CU_ASSERT_EQUAL(rc, SOLDR_E_CONFIG);
		CU_ASSERT_EQUAL(kvs.len, 0);
		buf_adds(out, p->err.message);
	}
	config_kvs_release(&kvs);
	buf_release(&text);
	return buf_str(out);
}

static void options_are_normalised(void)
{
	struct place p;
	struct buf out = BUF_INIT;
	place_init(&p);
	same(options_of(&p, "{}", specs, &out),
	     "text=hello;flag=false;max_size=21474836480;age=2592000000000000;kind=fast;args=-a;args=b c;"
	     "environment.A=1;compression.level=1;");
	same(options_of(&p,
	                "{text: \"\", flag: on, number: -5, max_size: 1MiB, age: 250ms, kind: small, args: [x, x], binary: /usr//bin/cc,"
	                " environment: {B.C: 2, D: x=y}, compression: {level: 19}}",
	                specs, &out),
	     "text=;flag=true;number=-5;max_size=1048576;age=250000000;kind=small;args=x;args=x;binary=/usr/bin/cc;"
	     "environment.B.C=2;environment.D=x=y;compression.level=19;");
	/* Nothing said is the default; an empty list or a null is what it says. */
	same(options_of(&p, "{text: , flag: ~, number: null, args: [], environment: , compression: }", specs, &out),
	     "text=hello;flag=false;max_size=21474836480;age=2592000000000000;kind=fast;environment.A=1;compression.level=1;");
	char *path = path_join(p.dir, "bin/cc");
	options_of(&p, "{binary: ~/bin/cc}", specs, &out);
	holds(buf_str(&out), path);
	free(path);
	same(options_of(&p, "{endpoint: \"unix:/x\"}", required, &out), "endpoint=unix:/x;");
	same(options_of(&p, "{}", NULL, &out), "");
	buf_release(&out);
	place_release(&p);
}

static void bad_options_are_refused_with_their_position(void)
{
	static const struct {
		const char *yaml, *position, *says;
	} cases[] = {
		{"{text: [a]}", "4:22", "options.text: takes one value"},
		{"{text: {a: b}}", "4:22", "options.text.a: takes one value"},
		{"{flag: maybe}", "4:15", "options.flag: \"maybe\" is not yes or no"},
		{"{number: 6}", "4:15", "options.number: \"6\" is out of range; use -5 to 5"},
		{"{number: 1.0}", "4:15", "\"1.0\" is not a whole number"},
		{"{number: -9223372036854775809}", "4:15", "is not a whole number"},
		{"{max_size: 1023KiB}", "4:15", "\"1023KiB\" is out of range; use 1048576 bytes or more"},
		{"{max_size: 10000PiB}", "4:15", "is out of range"},
		{"{max_size: 20Gib2}", "4:15", "is not a size; write a number with B, KiB"},
		{"{age: 5}", "4:15", "\"5\" is not a duration"},
		{"{kind: smal}", "4:15", "\"smal\" is not known (did you mean \"small\"?); use one of fast|small|off"},
		{"{kind: \"fast|small\"}", "4:15", "is not known"},
		{"{args: x}", "4:15", "options.args: takes a list; write [a, b]"},
		{"{args: {a: b}}", "4:22", "options.args.a: takes a list"},
		{"{binary: cc}", "4:15", "\"cc\" is not an absolute path; begin it with / or ~/"},
		{"{environment: x}", "4:15", "options.environment: takes a map"},
		{"{environment: {A: [1]}}", "4:33", "options.environment.A: takes a map; write {KEY: value}, one value for each key"},
		{"{compression: 3}", "4:15", "options.compression: takes a map of options, not a value"},
		{"{compression: {level: 20}}", "4:29", "options.compression.level: \"20\" is out of range; use 1 to 19"},
		{"{compression: {levl: 2}}", "4:29", "unknown option of plugin y (did you mean \"compression.level\"?); it has: text"},
		{"{max_siz: 1MiB}", "4:15", "options.max_siz: unknown option of plugin y (did you mean \"max_size\"?)"},
		{"{zzz: }", "4:15", "options.zzz: unknown option"},
	};
	struct place p;
	struct buf out = BUF_INIT;
	place_init(&p);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf start = BUF_INIT;
		buf_addf(&start, "%s:%s: backends.x.options.", p.file, cases[i].position);
		holds(options_of(&p, cases[i].yaml, specs, &out), buf_str(&start));
		holds(buf_str(&out), cases[i].says);
		buf_release(&start);
	}
	holds(options_of(&p, "{}", required, &out), "soldr.yaml:2:3: backends.x.options.endpoint: is not set");
	holds(options_of(&p, "{endpont: x}", required, &out), "(did you mean \"endpoint\"?)");
	holds(options_of(&p, "{a: 1}", NULL, &out), "it has no options");
	static const soldr_option_spec broken[] = {SPEC(SOLDR_OPT_INT, "n", "x", .help = ""), {.name = NULL}};
	holds(options_of(&p, "{}", broken, &out), "options.n: the plugin's own default \"x\" is not a whole number");
	buf_release(&out);
	place_release(&p);
}

static void specs_of_a_newer_plugin_are_longer(void)
{
	static const struct newer {
		soldr_option_spec spec;
		uint64_t more[3];
	} list[] = {
		{{.struct_size = sizeof(struct newer), .type = SOLDR_OPT_INT, .name = "a", .default_value = "1"}, {7, 7, 7}},
		{{.struct_size = sizeof(struct newer), .type = 99, .name = "b", .default_value = "?"}, {7, 7, 7}},
		{{.struct_size = sizeof(struct newer), .type = SOLDR_OPT_BOOL, .name = "c"}, {7, 7, 7}},
		{{.name = NULL}, {7, 7, 7}},
	};
	struct place p;
	struct buf out = BUF_INIT;
	place_init(&p);
	same(options_of(&p, "{c: yes}", &list[0].spec, &out), "a=1;c=true;");
	holds(options_of(&p, "{b: 1}", &list[0].spec, &out), "has a type that this soldr does not know");
	buf_release(&out);
	place_release(&p);
}

void suite_config(void)
{
	static const struct {
		const char *name;
		CU_TestFunc run;
	} tests[] = {
		{"works without any file", works_without_any_file},
		{"each level beats the one below", each_level_beats_the_one_below},
		{"the command line sets what it can", command_line_sets_what_it_can},
		{"files are searched in order", files_are_searched_in_order},
		{"a cache root needs a place", a_cache_root_needs_a_place},
		{"every variable is read and checked", every_variable_is_read_and_checked},
		{"bypass wins over other variables", bypass_wins_over_other_variables},
		{"bypass works with a broken file", bypass_works_with_a_broken_file},
		{"SOLDR_PLUGIN_PATH goes before the file's", variables_go_before_the_plugin_path_of_the_file},
		{"unknown variables get the nearest name", unknown_variables_get_the_nearest_name},
		{"sizes are parsed", sizes_are_parsed},
		{"durations are parsed", durations_are_parsed},
		{"truth is parsed", truth_is_parsed},
		{"the nearest name is found", the_nearest_name_is_found},
		{"backends are found by name", backends_are_found_by_name},
		{"options are normalised", options_are_normalised},
		{"bad options are refused with their position", bad_options_are_refused_with_their_position},
		{"specs of a newer plugin are longer", specs_of_a_newer_plugin_are_longer},
	};
	CU_pSuite suite = CU_add_suite("config", NULL, NULL);
	for (size_t i = 0; suite && i < sizeof tests / sizeof *tests; i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
