/*
 * Tests of core/service/config: what files say and what bad ones are told, the
 * project file, the annotated reference.
 *
 * The last two tests read config/soldr.yaml, so they run from the top of the
 * source tree, or from anywhere when SOLDR_SOURCE_DIR is defined.
 */
#include "config_place.h"

#include <errno.h>

#ifndef SOLDR_SOURCE_DIR
#define SOLDR_SOURCE_DIR "."
#endif

void suite_config_files(void);

/* ---- files ------------------------------------------------------------------------------------------ */

static const char whole_file[] = "# a comment\n"
				 "version: 1\n"
				 "backend: mine\n"
				 "backends:\n"
				 "  mine:\n"
				 "    plugin: /opt/x.so\n"
				 "    options:\n"
				 "      size: 3 KiB\n"
				 "      list: [a, \"b c\"]\n"
				 "      deep: {er: {est: yes}}\n"
				 "      none: []\n"
				 "  embedded: {}\n"
				 "  home: {plugin: ~/p.so}\n"
				 "  null:\n"
				 "plugin_path: [/p]\n"
				 "cache_dir: ~/c\n"
				 "audit: {sink_policy: block, redaction: {enabled: no, deny: [A*, 'B'], allow: [C]}}\n"
				 "identity: {product: p, instance_id: i, workspace: w}\n"
				 "limits: {max_parallel_compiles: 7, priority: idle}\n"
				 "on_error: fail\n"
				 "path_remap: auto\n"
				 "readonly: true\n"
				 "session_summary: off\n"
				 "quiet: 1\n";

static void every_key_of_the_file_is_read(void)
{
	struct place p;
	place_init(&p);
	CU_ASSERT_EQUAL_FATAL(load_text(&p, whole_file), 0);
	const struct config *c = &p.cfg;
	same(c->backend, "mine");
	CU_ASSERT_EQUAL(c->sink_policy, SINK_BLOCK);
	CU_ASSERT_FALSE(c->redaction || c->session_summary);
	CU_ASSERT_TRUE(c->readonly && c->quiet);
	CU_ASSERT_EQUAL(c->redaction_deny.len, 2);
	CU_ASSERT_EQUAL(c->max_parallel_compiles, 7);
	CU_ASSERT_EQUAL(c->priority, PRIORITY_IDLE);
	CU_ASSERT_EQUAL(c->on_error, ON_ERROR_FAIL);
	CU_ASSERT_EQUAL(c->path_remap, PATH_REMAP_AUTO);
	CU_ASSERT_EQUAL_FATAL(c->backend_count, 4);
	same(c->backends[0].plugin, "/opt/x.so");
	same(c->backends[1].plugin, "embedded");
	CU_ASSERT_PTR_NOT_NULL(strstr(c->backends[2].plugin, p.dir));
	same(c->backends[3].name, "null");
	same(c->backends[3].plugin, "null");
	CU_ASSERT_EQUAL(c->backends[0].source.line, 5);
	same(look(&p, "backends.mine.options.size").value, "\"3 KiB\"");
	same(look(&p, "backends.mine.options.list").value, "[a, \"b c\"]");
	same(look(&p, "backends.mine.options.deep.er.est").value, "yes");
	same(look(&p, "backends.mine.options.none").value, "[]");
	same(look(&p, "audit.redaction.deny").value, "[\"A*\", B]");
	CU_ASSERT_EQUAL(look(&p, "backends.mine.options.size").source.line, 8);
	place_release(&p);
}

static void visiting_keeps_the_order_of_the_table(void)
{
	struct place p;
	struct seen s = {0};
	place_init(&p);
	CU_ASSERT_EQUAL_FATAL(load_text(&p, "backends: {a: {plugin: b, options: {c: d}}}\n"), 0);
	config_visit(&p.cfg, on_setting, &s);
	const char *text = buf_str(&s.all);
	static const char *const order[] = {"version=1\n", "backend=embedded\n", "backends.a.plugin=b\n", "backends.a.options.c=d\n",
		"plugin_path=[]\n", "cache_dir=", "audit.mode=normal\n", "audit.sink_policy=degrade\n",
		"audit.keep_runs=100\n", "audit.keep_days=30\n", "audit.max_journal_size=268435456\n",
		"audit.redaction.enabled=true\n", "audit.redaction.deny=[]\n", "audit.redaction.allow=[]\n",
		"identity.product=soldr\n", "identity.instance_id=default\n", "identity.workspace=shared\n",
		"limits.max_parallel_compiles=0\n", "limits.priority=auto\n", "on_error=fallback\n", "path_remap=off\n",
		"readonly=false\n", "verify.percent=0\n", "session_summary=true\n", "quiet=false\n", "recache=false\n", "worktree_root=~\n", "log=~\n",
		"run_id=~\n", "traceparent=~\n", "jobs=0\n"};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		const char *found = strstr(text, order[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(found);
		text = found;
	}
	CU_ASSERT_EQUAL(s.count, sizeof order / sizeof *order);
	buf_release(&s.all);
	place_release(&p);
}

static void files_that_say_nothing_are_fine(void)
{
	static const char *const texts[] = {"", "\n\n", "# comment", "---\n", "---\n# comment\n...\n", "~\n", "{}\n",
		"\xef\xbb\xbfquiet: false\n",
		"audit:\n  # mode: x\n", "backends:\n", "backends: {embedded: }\n", "plugin_path:\n", "cache_dir:\n", "quiet: ~\n",
		"quiet: null\n", "backends: {embedded: {plugin: , options: }}\n",
		"%YAML 1.1\n---\nversion: 1\n", "version: 1\r\nquiet: no\r\n",
		"audit:\n  redaction:\n    deny: []\n"};
	struct place p;
	place_init(&p);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int rc = load_text(&p, texts[i]);
		same(rc ? p.err.message : "", "");
		CU_ASSERT_FALSE(p.cfg.quiet);
	}
	place_release(&p);
}

/* The bad files: where the error must stand, and what it must say. */
static const struct {
	const char *text, *position, *says;
} bad_files[] = {
	{"version: 2\n", "1:1", "version: \"2\" is not a version this soldr reads; write version: 1"},
	{"# x\nbackned: null\n", "2:1", "backned: unknown key (did you mean \"backend\"?)"},
	{"audit:\n  mod: off\n", "2:3", "audit.mod: unknown key (did you mean \"audit.mode\"?)"},
	{"audits:\n  mode: off\n", "1:1", "audits: unknown key (did you mean \"audit\"?)"},
	{"max_parallel_compiles: 3\n", "1:1", "(did you mean \"limits.max_parallel_compiles\"?)"},
	{"qqqqqqqqqqqqqq: 1\n", "1:1", "unknown key; `soldr config schema`"},
	{"audit: normal\n", "1:1", "audit: takes a map, not a value; below it go: mode, sink_policy, keep_runs, keep_days, max_journal_size, redaction.enabled"},
	{"audit: [mode]\n", "1:9", "audit: takes a map"},
	{"backend: {name: x}\n", "1:1", "backend: takes one value, not a map"},
	{"quiet: [true]\n", "1:9", "quiet: takes one value, not a list"},
	{"plugin_path: /p\n", "1:1", "plugin_path: takes a list; write [/p]"},
	{"plugin_path: {a: /p}\n", "1:1", "plugin_path: takes a list, not a map"},
	{"plugin_path:\n  - /ok\n  - not/absolute\n", "3:5", "\"not/absolute\" is not an absolute path"},
	{"plugin_path: [[a]]\n", "1:15", "a list may hold only plain values"},
	{"plugin_path: [/a, ]\nplugin_path: []\n", "2:1", "plugin_path: this key is set twice"},
	{"audit: {mode: off}\nquiet: no\naudit: {}\n", "3:1", "audit: this key is set twice"},
	{"audit: {mode: off, \"mode\": off}\n", "1:20", "audit.mode: this key is set twice"},
	{"quiet: maybe\n", "1:1", "quiet: \"maybe\" is not yes or no; use true or false"},
	{"audit:\n    mode: norml\n", "2:5", "(did you mean \"normal\"?); use off, summary, normal, verbose or forensic"},
	{"limits: {max_parallel_compiles: -1}\n", "1:10", "is not a whole number from 0 to 4096"},
	{"limits: {max_parallel_compiles: 1e3}\n", "1:10", "\"1e3\" is not a whole number"},
	{"identity: {product: \"a b\"}\n", "1:12", "\"a b\" is not a name"},
	{"cache_dir: relative\n", "1:1", "cache_dir: \"relative\" is not an absolute path"},
	{"cache_dir: ~other/x\n", "1:1", "is not an absolute path"},
	{"jobs: 3\n", "1:1", "jobs: cannot be set in a file; set its SOLDR_ variable"},
	{"backends: embedded\n", "1:1", "backends: takes a map"},
	{"backends: [embedded]\n", "1:12", "backends: takes a map"},
	{"backends:\n  acme: acme.so\n", "2:3", "backends.acme: takes a map: {plugin: NAME"},
	{"backends:\n  acme:\n    options: {a: 1}\n", "2:3", "backends.acme: has no plugin; add"},
	{"backends:\n  acme:\n    plugn: x\n", "3:5", "unknown key (did you mean \"plugin\"?)"},
	{"backends:\n  acme:\n    plugin: ./x.so\n", "3:5", "\"./x.so\" is neither a plugin's name nor an absolute path"},
	{"backends:\n  acme:\n    plugin: [x]\n", "3:14", "takes one value: a plugin's name"},
	{"backends:\n  acme:\n    plugin: x\n    options: y\n", "4:5", "takes a map of the plugin's options"},
	{"backends:\n  a b: {plugin: x}\n", "2:3", "\"a b\" is not a name for a backend"},
	{"backends:\n  a.b: {plugin: x}\n", "2:3", "the key \"a.b\" has a dot"},
	{"backends: {e: {plugin: x, options: {compression.level: 1}}}\n", "1:37", "has a dot; write nested keys as maps"},
	{"a: &x 1\nb: *x\n", "1:4", "an anchor (&name)"},
	{"a: *x\n", "1:4", "an alias (*name)"},
	{"audit: &a {mode: off}\n", "1:8", "an anchor"},
	{"plugin_path: &a [/a]\n", "1:14", "an anchor"},
	{"quiet: !!bool true\n", "1:8", "a tag (!name)"},
	{"!!map {quiet: true}\n", "1:1", "a tag"},
	{"plugin_path: !x [/a]\n", "1:14", "a tag"},
	{"%TAG ! tag:x,2000:\n---\nquiet: true\n", "1:1", "a %TAG directive"},
	{"audit:\n  <<: {mode: off}\n", "2:3", "audit: not allowed in a config file: a merge key"},
	{"quiet: true\n---\nquiet: true\n", "2:1", "a second document"},
	{"- quiet\n", "1:1", "the file must be a map of settings"},
	{"just text\n", "1:1", "the file must be a map of settings"},
	{"? [a]\n: b\n", "1:3", "a key must be a plain word"},
	{"\"\": b\n", "1:1", "an empty key"},
	{"plugin_path:\n  -\n", "2:4", "a list element without a value"},
	{"audit:\n\tmode: off\n", "2:1", "a tab where YAML wants spaces"},
	{"# \xc3\xa9\xc3\xa9\n\xc3\xa9: 1\n  x\n\ty: 2\n", "4:1", "a tab where YAML wants spaces"},
	{"audit: {mode: off\n", "2:1", "not valid YAML: "},
	{"audit: \"off\n", "2:1", "not valid YAML: "},
	{"audit: @x\n", "1:8", "not valid YAML: "},
	{"a: b: c\n", "1:5", "not valid YAML: mapping values are not allowed"},
	{"audit:\n  mode: off\n sink_policy: block\n", "3:2", "not valid YAML: "},
	{"quiet: \xff\n", "1:8", "byte 0xff is not valid UTF-8"},
	{"quiet: \xc0\xaf\n", "1:8", "byte 0xc0 is not valid UTF-8"},
	{"# \xed\xa0\x80\n", "1:3", "byte 0xed is not valid UTF-8"},
	{"# \xc3\xa9\xc3\xa9 \xe2\x82\n", "1:6", "byte 0xe2 is not valid UTF-8"},
	{"quiet: tr\x01ue\n", "1:10", "control character 0x01"},
	{"a: 1\r\nb: \x1b[2J\n", "2:4", "control character 0x1b"},
	{"identity: {product: \"a\\0b\"}\n", "1:12", "identity.product: an escape gives a control character"},
	{"identity: {product: \"\\x9b2J\"}\n", "1:12", "an escape gives a control character"},
	{"a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n", "1:29", "maps nested deeper than 8 levels"},
};

static void bad_files_are_refused_with_their_position(void)
{
	struct place p;
	place_init(&p);
	for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
		struct buf start = BUF_INIT;
		buf_addf(&start, "%s:%s: ", p.file, bad_files[i].position);
		int rc = load_text(&p, bad_files[i].text);
		CU_ASSERT_EQUAL(rc, SOLDR_E_CONFIG);
		if (rc != SOLDR_E_CONFIG || strncmp(p.err.message, buf_str(&start), start.len) != 0)
			fprintf(stderr, "\n  of: %s", bad_files[i].text);
		holds(p.err.message, buf_str(&start));
		holds(p.err.message, bad_files[i].says);
		CU_ASSERT_PTR_NULL(p.cfg.internal);
		buf_release(&start);
	}
	place_release(&p);
}

static void nul_bytes_are_refused(void)
{
	struct place p;
	place_init(&p);
	CU_ASSERT_EQUAL(load_bytes(&p, "quiet: true\nq\0", 14), SOLDR_E_CONFIG);
	holds(p.err.message, "soldr.yaml:2:2: a NUL byte");
	place_release(&p);
}

/* Text of n times the unit, after a beginning. */
static int load_repeated(struct place *p, const char *start, const char *unit, size_t n)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, start);
	for (size_t i = 0; i < n; i++)
		buf_adds(&b, unit);
	int rc = load_bytes(p, buf_str(&b), b.len);
	buf_release(&b);
	return rc;
}

static void limits_hold(void)
{
	struct place p;
	place_init(&p);
	static const struct {
		const char *start, *unit;
		size_t times;
		const char *says;
	} cases[] = {
		{"", "[", 500000, "1:1: the file must be a map"},
		{"", "{", 500000, "a key must be a plain word"},
		{"plugin_path:\n", " - /a\n", 150000, "more than 10000 nodes"},
		{"", "# long\n", 200000, "more than the"},
		{"", "- ", 400000, "the file must be a map"},
		{"", "? ", 400000, "a key must be a plain word"},
		{"a: ", "!", 400000, ""},
		{"a: ", "&", 400000, ""},
		{"", "%", 400000, ""},
		{"a: \"", "\\", 400001, ""},
		{"a: |\n", " ", 400000, "unknown key"},
		{"a: ", "b ", 400000, "unknown key"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CU_ASSERT_EQUAL(load_repeated(&p, cases[i].start, cases[i].unit, cases[i].times), SOLDR_E_CONFIG);
		holds(p.err.message, cases[i].says);
	}
	/* A list of just under the limit is read. */
	CU_ASSERT_EQUAL(load_repeated(&p, "plugin_path:\n", " - /a\n", 9000), 0);
	CU_ASSERT_EQUAL(p.cfg.plugin_path.len, 9000);
	/* Many sections, many options. */
	struct buf b = BUF_INIT;
	buf_adds(&b, "backends:\n");
	for (int i = 0; i < 800; i++)
		buf_addf(&b, "  b%d: {plugin: x, options: {a: 1, b: 2}}\n", i);
	CU_ASSERT_EQUAL(load_bytes(&p, b.data, b.len), 0);
	CU_ASSERT_EQUAL(p.cfg.backend_count, 800);
	CU_ASSERT_EQUAL(p.cfg.backends[799].option_count, 2);
	buf_release(&b);
	/* Keys have a maximum too, or a few long ones would be copied for each key below. */
	char key[300];
	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = 0;
	buf_addf(&b, "%s: 1\n", key);
	CU_ASSERT_EQUAL(load_bytes(&p, b.data, b.len), SOLDR_E_CONFIG);
	holds(p.err.message, ":1:1: the key \"kkk");
	holds(p.err.message, "has more than 256 bytes");
	buf_release(&b);
	place_release(&p);
}

static int fail_open(const char *path, int flags, mode_t mode)
{
	(void)path;
	(void)flags;
	(void)mode;
	errno = EACCES;
	return -1;
}

static void what_is_no_readable_file_is_refused_at_once(void)
{
	struct place p;
	place_init(&p);
	struct config_overrides over = {.file = p.dir};
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "is not a regular file; a config file is a small text file");
	over.file = "/dev/zero";
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "/dev/zero is not a regular file");
	over.file = p.file;
	CU_ASSERT_EQUAL_FATAL(mkfifo(p.file, 0600), 0);
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "is not a regular file");
	CU_ASSERT_EQUAL(unlink(p.file), 0);
	/* 100 MB, all of it a hole. */
	put(&p, "soldr.yaml", "");
	CU_ASSERT_EQUAL(truncate(p.file, 100 << 20), 0);
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "has 104857600 bytes, more than the 1048576 allowed");
	/* A file that was merely looked for is refused too when it cannot be read. */
	int (*real_open)(const char *, int, mode_t) = sys.open;
	sys.open = fail_open;
	int rc = load_with(&p, NULL);
	sys.open = real_open;
	CU_ASSERT_EQUAL(rc, SOLDR_E_CONFIG);
	holds(p.err.message, "cannot open ");
	holds(p.err.message, "make it readable");
	place_release(&p);
}

static void files_that_others_can_change_are_refused(void)
{
	struct place p;
	place_init(&p);
	struct config_overrides over = {.file = p.file};
	CU_ASSERT_EQUAL(load_text(&p, "quiet: true\n"), 0);
	CU_ASSERT_EQUAL(chmod(p.file, 0666), 0);
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "can be written by other users");
	holds(p.err.message, "chmod go-w");
	CU_ASSERT_EQUAL(chmod(p.file, 0644), 0);
	CU_ASSERT_EQUAL(chmod(p.dir, 0777), 0);
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "chmod go-w");
	CU_ASSERT_EQUAL(chmod(p.dir, 0700), 0);
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(chown(p.file, 12345, (gid_t)-1), 0);
		CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
		holds(p.err.message, "is owned by user 12345");
	}
	place_release(&p);
}

static void long_paths_leave_room_for_the_mend(void)
{
	struct place p;
	struct buf name = BUF_INIT;
	place_init(&p);
	for (int i = 0; i < 8; i++) {
		for (int k = 0; k < 100; k++)
			buf_addc(&name, 'd');
		buf_addc(&name, '/');
	}
	buf_adds(&name, "soldr.yaml");
	char *path = write_at(&p, buf_str(&name), "quiet: maybe\n");
	struct config_overrides over = {.file = path};
	CU_ASSERT_EQUAL(load_with(&p, &over), SOLDR_E_CONFIG);
	holds(p.err.message, "/soldr.yaml:1:1: quiet: \"maybe\" is not yes or no; use true or false");
	free(path);
	buf_release(&name);
	place_release(&p);
}

/* ---- the project file ----------------------------------------------------------------------------- */

static void a_project_file_counts_inside_a_worktree_only(void)
{
	struct place p;
	place_init(&p);
	put(&p, ".soldr.yaml", "audit: {mode: summary}\n");
	put(&p, "tree/sub/deep/x", "");
	char *sub = path_join(p.dir, "tree/sub/deep"), *tree = path_join(p.dir, "tree");
	CU_ASSERT_EQUAL(load_with(&p, NULL), 0);
	CU_ASSERT_PTR_NULL(p.cfg.project_file);

	/* A .git file is a worktree as well; what lies above it is another project's. */
	put(&p, "tree/.git", "gitdir: elsewhere\n");
	put(&p, ".git/HEAD", "");
	config_release(&p.cfg);
	CU_ASSERT_EQUAL(config_load(&p.cfg, NULL, vec_items(&p.env), sub, &p.err), 0);
	CU_ASSERT_PTR_NULL(p.cfg.project_file);

	put(&p, "tree/.soldr.yaml", "audit:\n  mode: forensic\nversion: 1\n");
	config_release(&p.cfg);
	CU_ASSERT_EQUAL(config_load(&p.cfg, NULL, vec_items(&p.env), sub, &p.err), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_FORENSIC);

	/* The root that is named wins, also for a build directory outside of it. */
	vec_addf(&p.env, "SOLDR_WORKTREE_ROOT=%s/", tree);
	config_release(&p.cfg);
	CU_ASSERT_EQUAL(config_load(&p.cfg, NULL, vec_items(&p.env), "/", &p.err), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_FORENSIC);
	same(p.cfg.worktree_root, tree);
	config_release(&p.cfg);
	CU_ASSERT_EQUAL(config_load(&p.cfg, NULL, vec_items(&p.env), sub, &p.err), 0);
	CU_ASSERT_EQUAL(p.cfg.audit_mode, AUDIT_FORENSIC);
	free(sub);
	free(tree);
	place_release(&p);
}

static void a_project_file_may_set_little(void)
{
	static const struct {
		const char *text, *position;
	} cases[] = {
		{"backend: null\n", "1:1"},
		{"cache_dir: /x\n", "1:1"},
		{"backends: {x: {plugin: /evil.so}}\n", "1:1"},
		{"plugin_path: [/evil]\n", "1:15"},
		{"audit:\n  sink_policy: block\n", "2:3"},
		{"audit: {redaction: {enabled: false}}\n", "1:9"},
		{"quiet: true\n", "1:1"},
		{"nonsense: 1\n", "1:1"},
	};
	struct place p;
	place_init(&p);
	put(&p, ".git/HEAD", "");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char part[64];
		snprintf(part, sizeof part, "/.soldr.yaml:%s: ", cases[i].position);
		put(&p, ".soldr.yaml", cases[i].text);
		CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
		holds(p.err.message, part);
		holds(p.err.message, "a project file may not set this");
	}
	put(&p, ".soldr.yaml", "audit: {mode: lud}\n");
	CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
	holds(p.err.message, "/.soldr.yaml:1:9: audit.mode: \"lud\" is not known");
	char *path = write_at(&p, ".soldr.yaml", "audit: {mode: off}\n");
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
	CU_ASSERT_EQUAL(load_with(&p, NULL), SOLDR_E_CONFIG);
	holds(p.err.message, "chmod go-w");
	free(path);
	place_release(&p);
}

/* ---- the annotated reference --------------------------------------------------------------------------- */

static void read_reference(struct buf *text)
{
	CU_ASSERT_EQUAL_FATAL(fs_read_file(SOLDR_SOURCE_DIR "/config/soldr.yaml", CONFIG_FILE_MAX, text, NULL), 0);
}

/* A line of settings, the sections of backends left out: the defaults have none. */
static void on_plain_setting(void *arg, const char *key, const char *value, const struct config_source *source, const char *help)
{
	(void)source;
	(void)help;
	if (strncmp(key, "backends.", 9) != 0)
		buf_addf(arg, "%s: %s\n", key, value);
}

static void the_reference_shows_the_defaults(void)
{
	struct place p;
	struct buf text = BUF_INIT, defaults = BUF_INIT, shown = BUF_INIT;
	place_init(&p);
	read_reference(&text);
	CU_ASSERT_EQUAL_FATAL(load_with(&p, NULL), 0);
	config_visit(&p.cfg, on_plain_setting, &defaults);
	int rc = load_bytes(&p, text.data, text.len);
	same(rc ? p.err.message : "", "");
	if (!rc)
		config_visit(&p.cfg, on_plain_setting, &shown);
	same(buf_str(&shown), buf_str(&defaults));
	/* With every comment of the form "#key:" put in force it is still valid. */
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.data[i] == '#' && (i == 0 || text.data[i - 1] == '\n') && text.data[i + 1] != ' ' && text.data[i + 1] != '\n')
			text.data[i] = ' ';
	struct buf lines = BUF_INIT;
	for (char *at = text.data; *at;) {
		size_t n = strcspn(at, "\n");
		/* " ccache:" below "#  ccache:" keeps its depth; " cache_dir" loses the blank. */
		buf_add(&lines, at + (strncmp(at, " cache_dir", 10) == 0), n - (strncmp(at, " cache_dir", 10) == 0));
		buf_addc(&lines, '\n');
		at += n + (at[n] == '\n');
	}
	CU_ASSERT_EQUAL(load_bytes(&p, lines.data, lines.len), 0);
	buf_release(&lines);
	buf_release(&text);
	buf_release(&defaults);
	buf_release(&shown);
	place_release(&p);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Whatever the bytes are, the answer is a config or a sentence. */
static void mutated_files_never_crash(void)
{
	struct place p;
	struct buf text = BUF_INIT;
	uint32_t state = 20250101;
	static const char pieces[] = "{}[]:,-?!&*#|>'\"%@`~\n\t \\\0\xff\xc3" "aZ0.<";
	place_init(&p);
	read_reference(&text);
	buf_add(&text, whole_file, sizeof whole_file - 1);
	char *copy = malloc(text.len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	int refused = 0, rounds = 600;
	for (int i = 0; i < rounds; i++) {
		/* Half of them start from the shorter text, whose every byte matters. */
		size_t from = i % 2 ? text.len - (sizeof whole_file - 1) : 0;
		size_t len = (from ? text.len : text.len - (sizeof whole_file - 1)) - from;
		memcpy(copy, text.data + from, len);
		for (uint32_t k = next_random(&state) % 4; k > 0; k--)
			copy[next_random(&state) % len] = pieces[next_random(&state) % (sizeof pieces - 1)];
		if (i % 3 == 0)
			len = next_random(&state) % len;
		int rc = load_bytes(&p, copy, len);
		CU_ASSERT_TRUE(rc == 0 || rc == SOLDR_E_CONFIG);
		CU_ASSERT_TRUE(rc == 0 || strlen(p.err.message) > 10);
		refused += rc != 0;
	}
	CU_ASSERT_TRUE(refused > rounds / 10 && refused < rounds);
	free(copy);
	buf_release(&text);
	place_release(&p);
}

void suite_config_files(void)
{
	static const struct {
		const char *name;
		CU_TestFunc run;
	} tests[] = {
		{"every key of the file is read", every_key_of_the_file_is_read},
		{"visiting keeps the order of the table", visiting_keeps_the_order_of_the_table},
		{"files that say nothing are fine", files_that_say_nothing_are_fine},
		{"s07_bad_files_are_refused_with_their_position", bad_files_are_refused_with_their_position},
		{"s07_nul_bytes_are_refused", nul_bytes_are_refused},
		{"s07_limits_hold", limits_hold},
		{"s07_what_is_no_readable_file_is_refused_at_once", what_is_no_readable_file_is_refused_at_once},
		{"s09_files_that_others_can_change_are_refused", files_that_others_can_change_are_refused},
		{"long paths leave room for the mend", long_paths_leave_room_for_the_mend},
		{"a project file counts inside a worktree only", a_project_file_counts_inside_a_worktree_only},
		{"a project file may set little", a_project_file_may_set_little},
		{"the reference shows the defaults", the_reference_shows_the_defaults},
		{"s07_mutated_files_never_crash", mutated_files_never_crash},
	};
	CU_pSuite suite = CU_add_suite("config_files", NULL, NULL);
	for (size_t i = 0; suite && i < sizeof tests / sizeof *tests; i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
