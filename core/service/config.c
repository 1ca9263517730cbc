/*
 * config: see config.h. Where settings come from, and in which order.
 *
 * config_load() applies one source after the other, weakest first: defaults,
 * config file, project file, environment, command line; each overwrites what
 * came before. The environment is read once, into a table, because the search
 * for the file needs it too. A config is built aside and handed over whole.
 *
 * A bypass (backend null, asked for by the environment or the command line) is
 * the way out when something is broken, so files with mistakes are then left
 * out instead of refused; a file named by --config is not.
 */
#include "config_internal.h"

#include "fs.h"
#include "path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef SOLDR_SYSCONFDIR
#define SOLDR_SYSCONFDIR "/etc"
#endif

static const char project_name[] = ".soldr.yaml";
static const char *const builtin_names[CONFIG_BUILTIN_COUNT + 1] = {"embedded", "wrapped", "null", NULL};

/* ---- the environment ------------------------------------------------------------------ */

/* In the order in which they are applied: of several that set the backend, bypassing wins. */
static const struct variable {
	const char *name;
	const char *key;       /* of the setting; NULL: read elsewhere, or not a setting */
	const char *when_true; /* a yes-or-no variable that, when yes, sets this value */
} variables[] = {
	{"SOLDR_ZCCACHE_EMBEDDED", "backend", "embedded"},
	{"SOLDR_BACKEND", "backend", NULL},
	{"SOLDR_BYPASS_ZCCACHE", "backend", "null"},
	{"SOLDR_BYPASS", "backend", "null"},
	{"SOLDR_AUDIT", "audit.mode", NULL},
	{"SOLDR_CACHE_DIR", "cache_dir", NULL},
	{"SOLDR_PLUGIN_PATH", "plugin_path", NULL},
	{"SOLDR_QUIET", "quiet", NULL},
	{"SOLDR_NO_SESSION_SUMMARY", "session_summary", "false"},
	{"SOLDR_RUN_ID", "run_id", NULL},
	{"TRACEPARENT", "traceparent", NULL},
	{"SOLDR_LOG", "log", NULL},
	{"SOLDR_READONLY", "readonly", NULL},
	{"SOLDR_RECACHE", "recache", NULL},
	{"SOLDR_VERIFY", "verify.percent", NULL},
	{"SOLDR_PATH_REMAP", "path_remap", NULL},
	{"SOLDR_WORKTREE_ROOT", "worktree_root", NULL},
	{"SOLDR_JOBS", "jobs", NULL},
	{"SOLDR_CONFIG", NULL, NULL},
	{"SOLDR_RECORD", NULL, NULL}, /* a directory to which compiles write their requests, for parity */
	{"SOLDR_PERMIT", NULL, NULL}, /* set for what runs below a permit, see permits.h */
	{"SOLDR_DEPTH", NULL, NULL}, /* the guard against running itself, see the compile path */
	{"HOME", NULL, NULL},
	{"XDG_CONFIG_HOME", NULL, NULL},
	{"XDG_CACHE_HOME", NULL, NULL},
	{"CI", NULL, NULL},
};

enum { VARIABLE_COUNT = sizeof variables / sizeof *variables };

struct environment {
	const char *values[VARIABLE_COUNT]; /* NULL: unset or empty */
};

static bool is_ours(const char *entry)
{
	return strncmp(entry, "SOLDR_", 6) == 0;
}

static void environment_read(struct environment *env, const char *const *envp)
{
	*env = (struct environment){{NULL}};
	for (; envp && *envp; envp++) {
		/* Most variables are none of these: look at one letter first. */
		if (!strchr("SHXCT", **envp))
			continue;
		size_t n = strcspn(*envp, "=");
		for (size_t i = 0; i < VARIABLE_COUNT; i++) {
			const char *name = variables[i].name;
			if (!env->values[i] && (*envp)[n] && (*envp)[n + 1] && strncmp(*envp, name, n) == 0 && !name[n])
				env->values[i] = *envp + n + 1;
		}
	}
}

static const char *environment_get(const struct environment *env, const char *name)
{
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		if (strcmp(variables[i].name, name) == 0)
			return env->values[i];
	return NULL;
}

/* XDG: a base directory that is not absolute is to be ignored. */
static const char *environment_dir(const struct environment *env, const char *name)
{
	const char *dir = environment_get(env, name);
	return dir && *dir == '/' ? dir : NULL;
}

static int apply_variable(struct config *cfg, const struct variable *v, const char *value, soldr_error *err)
{
	struct config_source source = {CONFIG_FROM_ENV, v->name, 0, 0};
	bool yes = true;
	if (v->when_true && config_parse_bool(value, &yes) != 0)
		return config_fail(err, &source, NULL, E201_VARIABLE_NO_BOOL, config_shown(value).text);
	if (!yes)
		return 0;
	return config_setting_set(cfg, config_setting_find(v->key), v->when_true ? v->when_true : value, &source, err);
}

static int apply_environment(struct config *cfg, const struct environment *env, soldr_error *err)
{
	int rc = 0;
	for (size_t i = 0; i < VARIABLE_COUNT && !rc; i++)
		if (variables[i].key && env->values[i])
			rc = apply_variable(cfg, &variables[i], env->values[i], err);
	return rc;
}

void config_unknown_env(const char *const *envp, config_unknown_env_fn visit, void *arg)
{
	const char *names[VARIABLE_COUNT + 1];
	size_t n = 0;
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		if (is_ours(variables[i].name))
			names[n++] = variables[i].name;
	names[n] = NULL;
	for (; envp && *envp; envp++) {
		if (!is_ours(*envp))
			continue;
		char *name = strndup(*envp, strcspn(*envp, "="));
		bool known = false;
		for (size_t i = 0; name && names[i]; i++)
			known |= strcmp(names[i], name) == 0;
		if (name && !known)
			visit(arg, name, config_nearest(name, names));
		free(name);
	}
}

/* ---- sections of backends ---------------------------------------------------------------- */

static bool is_builtin(const char *name)
{
	for (size_t i = 0; i < CONFIG_BUILTIN_COUNT; i++)
		if (strcmp(name, builtin_names[i]) == 0)
			return true;
	return false;
}

/* The section called name (len bytes). Keys of one map are unique and stand together: only the last can be it. */
static struct config_backend *section(struct config *cfg, const char *name, size_t len, const struct config_source *at,
                                      soldr_error *err)
{
	size_t n = cfg->backend_count;
	struct config_backend *last = n ? &cfg->backends[n - 1] : NULL;
	if (last && strlen(last->name) == len && memcmp(last->name, name, len) == 0)
		return last;
	/* Doubling at powers of two needs no separate capacity. */
	if ((n & (n - 1)) == 0) {
		struct config_backend *grown = realloc(cfg->backends, (n ? n * 2 : 1) * sizeof *grown);
		if (!grown) {
			config_no_memory(err);
			return NULL;
		}
		cfg->backends = grown;
	}
	char *copy = strndup(name, len);
	if (!copy) {
		config_no_memory(err);
		return NULL;
	}
	cfg->backends[n] = (struct config_backend){.name = copy, .source = *at, .home = cfg->internal->home};
	cfg->backend_count++;
	return &cfg->backends[n];
}

static int set_plugin(struct config *cfg, struct config_backend *b, const struct yaml_entry *e,
                      const struct config_source *at, soldr_error *err)
{
	enum path_fault fault = PATH_FINE;
	if (e->is_map || e->in_list)
		return config_fail(err, at, e->key, E202_PLUGIN_SHAPE);
	if (!e->value)
		return 0;
	b->plugin = config_is_name(e->value, 64) ? strdup(e->value) : config_expand_path(e->value, cfg->internal->home, &fault);
	if (b->plugin)
		return 0;
	if (config_is_name(e->value, 64) || !fault)
		return config_no_memory(err);
	return config_fail(err, at, e->key, E203_PLUGIN_NO_NAME, config_shown(e->value).text);
}

static int add_option(struct config_backend *b, const char *key, const struct yaml_entry *e, const struct config_source *at,
                      soldr_error *err)
{
	size_t n = b->option_count;
	if ((n & (n - 1)) == 0) {
		struct config_option *grown = realloc(b->options, (n ? n * 2 : 1) * sizeof *grown);
		if (!grown)
			return config_no_memory(err);
		b->options = grown;
	}
	bool says_something = e->value && !e->is_null;
	struct config_option o = {.key = strdup(key), .source = *at, .in_list = e->in_list};
	o.value = says_something ? strdup(e->value) : NULL;
	if (!o.key || (says_something && !o.value)) {
		free(o.key);
		free(o.value);
		return config_no_memory(err);
	}
	b->options[b->option_count++] = o;
	return 0;
}

/* rest: what follows "backends.". */
static int apply_backend_entry(struct config *cfg, const struct yaml_entry *e, const char *rest,
                               const struct config_source *at, soldr_error *err)
{
	static const char *const keys[] = {"plugin", "options", NULL};
	size_t len = strcspn(rest, ".");
	struct config_backend *b = section(cfg, rest, len, at, err);
	if (!b)
		return SOLDR_E_NOMEM;
	if (!config_is_name(b->name, 31))
		return config_fail(err, at, "backends", E204_BACKEND_NO_NAME,
		                   config_shown(b->name).text);
	if (!rest[len])
		return e->is_map || (!e->value && !e->in_list) ? 0
		       : config_fail(err, at, e->key, E205_BACKEND_SHAPE);
	const char *key = rest + len + 1;
	if (strcmp(key, "plugin") == 0)
		return set_plugin(cfg, b, e, at, err);
	if (strcmp(key, "options") == 0)
		return e->is_map || (!e->value && !e->in_list) || e->is_null
		       ? 0 : config_fail(err, at, e->key, E206_OPTIONS_SHAPE);
	if (strncmp(key, "options.", 8) == 0)
		return e->is_map && e->filled ? 0 : add_option(b, key + 8, e, at, err);
	return config_fail(err, at, e->key, E207_BACKEND_KEY_UNKNOWN, config_did_you_mean(key, keys).text);
}

static int finish_sections(struct config *cfg, soldr_error *err)
{
	for (size_t i = 0; i < cfg->backend_count; i++) {
		struct config_backend *b = &cfg->backends[i];
		struct buf key = BUF_INIT;
		int rc = 0;
		if (!b->plugin && is_builtin(b->name)) {
			b->plugin = strdup(b->name);
			rc = b->plugin ? 0 : config_no_memory(err);
		} else if (!b->plugin) {
			buf_addf(&key, "backends.%s", b->name);
			rc = config_fail(err, &b->source, buf_str(&key), E208_BACKEND_WITHOUT_PLUGIN);
		}
		buf_release(&key);
		if (rc)
			return rc;
	}
	return 0;
}

const struct config_backend *config_backend_find(const struct config *cfg, const char *name, soldr_error *err)
{
	for (size_t i = 0; i < cfg->backend_count; i++)
		if (strcmp(cfg->backends[i].name, name) == 0)
			return &cfg->backends[i];
	for (size_t i = 0; i < CONFIG_BUILTIN_COUNT; i++)
		if (strcmp(builtin_names[i], name) == 0)
			return &cfg->internal->builtin[i];
	struct vec names = VEC_INIT;
	for (size_t i = 0; i < cfg->backend_count; i++)
		vec_add(&names, cfg->backends[i].name);
	vec_add_all(&names, builtin_names);
	struct buf list = BUF_INIT;
	for (size_t i = 0; i < names.len && list.len < 160; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", names.items[i]);
	/* Where the name came from, if it is the configured one. */
	bool configured = cfg->backend && strcmp(cfg->backend, name) == 0;
	config_fail(err, configured ? config_setting_source(cfg, config_setting_find("backend")) : NULL, "backend", E209_NO_SUCH_BACKEND, config_shown(name).text,
	            config_did_you_mean(name, vec_items(&names)).text, buf_str(&list));
	buf_release(&list);
	vec_release(&names);
	return NULL;
}

/* ---- files ------------------------------------------------------------------------------------- */

static int apply_setting_entry(struct config *cfg, const struct yaml_entry *e, const struct config_source *at,
                               soldr_error *err)
{
	const struct setting *s = config_setting_find(e->key);
	unsigned places = s ? config_setting_places(s) : 0;
	bool says_nothing = !e->in_list && (!e->value || (e->is_null && !(places & SETTING_IS_NAME)));
	if (!s && says_nothing && config_setting_is_group(e->key))
		return 0;
	if (!(places & SETTING_IN_FILE) || e->is_map)
		return config_setting_wrong(e->key, e->is_map, at, err);
	if (says_nothing)
		return 0;
	if (places & SETTING_IS_LIST) {
		if (!e->in_list)
			return config_fail(err, at, e->key, E210_WANTS_LIST, config_shown(e->value).text);
		return e->value ? config_setting_set(cfg, s, e->value, at, err) : 0;
	}
	if (e->in_list)
		return config_fail(err, at, e->key, E211_WANTS_ONE_VALUE);
	return config_setting_set(cfg, s, e->value, at, err);
}

static int apply_config_entry(struct config *cfg, const struct yaml_entry *e, const struct config_source *at,
                              soldr_error *err)
{
	static const char sections[] = "backends";
	if (strncmp(e->key, "backends.", sizeof sections) == 0)
		return apply_backend_entry(cfg, e, e->key + sizeof sections, at, err);
	if (strcmp(e->key, sections) != 0)
		return apply_setting_entry(cfg, e, at, err);
	if (e->is_map || (!e->in_list && (!e->value || e->is_null)))
		return 0;
	return config_fail(err, at, e->key, E212_BACKENDS_SHAPE);
}

/* Whoever wrote a project file may not be the user: it gets only what cannot run code or move files. */
static int apply_project_entry(struct config *cfg, const struct yaml_entry *e, const struct config_source *at,
                               soldr_error *err)
{
	const struct setting *s = config_setting_find(e->key);
	bool allowed = s ? config_setting_places(s) & SETTING_IN_PROJECT : !e->value && strcmp(e->key, "audit") == 0;
	if (allowed)
		return apply_setting_entry(cfg, e, at, err);
	return config_fail(err, at, e->key, E213_PROJECT_FILE_LIMITED);
}

typedef int (*apply_fn)(struct config *, const struct yaml_entry *, const struct config_source *, soldr_error *);

static int apply_text(struct config *cfg, const char *file, const struct buf *text, enum config_origin origin,
                      apply_fn apply, soldr_error *err)
{
	struct yaml_doc doc;
	int rc = config_yaml_parse(file, buf_str(text), text->len, &doc, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < doc.len && !rc; i++) {
		struct config_source at = {origin, file, doc.items[i].line, doc.items[i].column};
		rc = apply(cfg, &doc.items[i], &at, err);
	}
	config_yaml_release(&doc);
	return rc;
}

/* A fault with a file, as a mistake that the user can mend. */
static int fail_file(const soldr_error *cause, const char *mend, soldr_error *err)
{
	if (cause->code == SOLDR_E_NOMEM)
		return config_no_memory(err);
	if (!err)
		return SOLDR_E_CONFIG;
	*err = *cause;
	err->code = SOLDR_E_CONFIG;
	return err_suffix(err, "; %s", mend);
}

/* SOLDR_E_NOT_FOUND is for the caller to judge, and leaves err alone. */
static int read_trusted(const char *path, struct buf *text, soldr_error *err)
{
	soldr_error cause = SOLDR_ERROR_INIT;
	int rc = fs_read_trusted(path, CONFIG_FILE_MAX, text, &cause);
	if (rc == SOLDR_E_NOT_FOUND)
		return rc;
	if (rc == SOLDR_E_LIMIT || rc == SOLDR_E_INVALID)
		return fail_file(&cause, "a config file is a small text file", err);
	if (rc == SOLDR_E_TRUST)
		return fail_file(&cause, "until then soldr does not trust this config file", err);
	return rc ? fail_file(&cause, "make it readable, or name another file with --config", err) : 0;
}

/* Reads path into cfg->file. must_exist: it was named, not searched for. */
static int load_file(struct config *cfg, char *path, const char *named_by, soldr_error *err)
{
	struct buf text = BUF_INIT;
	if (!path)
		return config_no_memory(err);
	int rc = read_trusted(path, &text, err);
	if (rc == SOLDR_E_NOT_FOUND) {
		rc = named_by ? config_fail(err, NULL, named_by, E214_NO_CONFIG_FILE, path) : 0;
		free(path);
		buf_release(&text);
		return rc;
	}
	cfg->file = path;
	if (!rc)
		rc = apply_text(cfg, path, &text, CONFIG_FROM_FILE, apply_config_entry, err);
	buf_release(&text);
	return rc ? rc : finish_sections(cfg, err);
}

static int load_config_file(struct config *cfg, const struct environment *env, const char *named, const char *cwd,
                            soldr_error *err)
{
	if (named)
		return load_file(cfg, path_absolute(cwd, named), "--config", err);
	named = environment_get(env, "SOLDR_CONFIG");
	if (named)
		return load_file(cfg, path_absolute(cwd, named), "SOLDR_CONFIG", err);
	const char *base = environment_dir(env, "XDG_CONFIG_HOME");
	const char *tail = base ? "soldr/soldr.yaml" : ".config/soldr/soldr.yaml";
	if (!base)
		base = cfg->internal->home;
	int rc = base ? load_file(cfg, path_join(base, tail), NULL, err) : 0;
	return rc || cfg->file ? rc : load_file(cfg, strdup(SOLDR_SYSCONFDIR "/soldr/soldr.yaml"), NULL, err);
}

/* ---- the project file ------------------------------------------------------------------------------ */

static bool exists_in(struct buf *dir, const char *name)
{
	struct stat st;
	size_t len = dir->len;
	buf_addf(dir, "/%s", name);
	bool found = buf_ok(dir) && sys.stat(buf_str(dir), &st) == 0;
	dir->len = len;
	if (dir->data)
		dir->data[len] = 0;
	return found;
}

/*
 * The nearest .soldr.yaml from cwd up to the root of the worktree, malloc'ed;
 * NULL where there is none. Without a worktree nothing counts: a file in /tmp or
 * / is nobody's project. root: SOLDR_WORKTREE_ROOT, or NULL: the directory with .git.
 */
static char *find_project_file(const char *cwd, const char *root)
{
	struct buf dir = BUF_INIT;
	char *found = NULL;
	buf_adds(&dir, root && !path_is_below(cwd, root) ? root : cwd);
	while (dir.len > 1 && dir.data[dir.len - 1] == '/')
		dir.data[--dir.len] = 0;
	for (bool at_root = false; !at_root && buf_ok(&dir);) {
		if (dir.len == 1)
			dir.data[dir.len = 0] = 0;
		if (!found && exists_in(&dir, project_name))
			found = path_join(dir.len ? dir.data : "/", project_name);
		at_root = root ? dir.len <= strlen(root) : exists_in(&dir, ".git");
		if (!at_root && !dir.len) {
			free(found);
			found = NULL;
			break;
		}
		while (!at_root && dir.len && dir.data[--dir.len] != '/')
			;
		dir.data[dir.len] = 0;
	}
	buf_release(&dir);
	return found;
}

static int load_project_file(struct config *cfg, const struct environment *env, const char *cwd, soldr_error *err)
{
	char *root = NULL;
	const char *named = environment_get(env, "SOLDR_WORKTREE_ROOT");
	enum path_fault fault = PATH_FINE;
	if (named) {
		root = config_expand_path(named, cfg->internal->home, &fault);
		if (!root && !fault)
			return config_no_memory(err);
		/* A malformed one is reported when the environment is applied. */
	}
	cfg->project_file = fault ? NULL : find_project_file(cwd, root);
	free(root);
	if (!cfg->project_file)
		return 0;
	struct buf text = BUF_INIT;
	int rc = read_trusted(cfg->project_file, &text, err);
	if (!rc)
		rc = apply_text(cfg, cfg->project_file, &text, CONFIG_FROM_PROJECT, apply_project_entry, err);
	buf_release(&text);
	/* Removed between the look and the read. */
	if (rc == SOLDR_E_NOT_FOUND) {
		free(cfg->project_file);
		cfg->project_file = NULL;
		rc = 0;
	}
	return rc;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static int apply_overrides(struct config *cfg, const struct config_overrides *over, soldr_error *err)
{
	const struct {
		const char *option, *key, *value;
	} given[] = {
		{"--backend", "backend", over->backend},
		{"--audit", "audit.mode", over->audit_mode},
		{"--quiet", "quiet", over->quiet ? "true" : NULL},
		{"--no-session-summary", "session_summary", over->no_session_summary ? "false" : NULL},
	};
	int rc = 0;
	for (size_t i = 0; i < sizeof given / sizeof *given && !rc; i++) {
		struct config_source source = {CONFIG_FROM_COMMAND_LINE, given[i].option, 0, 0};
		if (given[i].value)
			rc = config_setting_set(cfg, config_setting_find(given[i].key), given[i].value, &source, err);
	}
	return rc;
}

static int default_cache_root(struct config *cfg, const struct environment *env, soldr_error *err)
{
	if (cfg->cache_root)
		return 0;
	const char *base = environment_dir(env, "XDG_CACHE_HOME"), *home = cfg->internal->home;
	if (!base && !home)
		return config_fail(err, NULL, "cache_dir", E215_NO_CACHE_PLACE);
	cfg->cache_root = path_join(base ? base : home, base ? "soldr" : ".cache/soldr");
	return cfg->cache_root ? 0 : config_no_memory(err);
}

static int prepare(struct config *cfg, const struct environment *env, soldr_error *err)
{
	const char *home = environment_dir(env, "HOME");
	cfg->internal = calloc(1, sizeof *cfg->internal);
	if (!cfg->internal)
		return config_no_memory(err);
	cfg->internal->home = home ? strdup(home) : NULL;
	if (home && !cfg->internal->home)
		return config_no_memory(err);
	for (size_t i = 0; i < CONFIG_BUILTIN_COUNT; i++) {
		/* Never written to or freed; the struct is shared with sections that own theirs. */
		char *name = (char *)(uintptr_t)builtin_names[i];
		cfg->internal->builtin[i] = (struct config_backend){.name = name, .plugin = name, .home = cfg->internal->home};
	}
	return config_settings_default(cfg, environment_get(env, "CI"), err);
}

static int load(struct config *cfg, const struct config_overrides *over, const struct environment *env, const char *cwd,
                bool with_files, soldr_error *err)
{
	int rc = prepare(cfg, env, err);
	if (!rc && with_files)
		rc = load_config_file(cfg, env, over->file, cwd, err);
	if (!rc && with_files)
		rc = load_project_file(cfg, env, cwd, err);
	if (!rc)
		rc = apply_environment(cfg, env, err);
	if (!rc)
		rc = apply_overrides(cfg, over, err);
	if (!rc)
		rc = default_cache_root(cfg, env, err);
	if (rc)
		config_release(cfg);
	return rc;
}

static bool is_yes(const char *value)
{
	bool yes;
	return value && config_parse_bool(value, &yes) == 0 && yes;
}

static bool asks_for_bypass(const struct environment *env, const struct config_overrides *over)
{
	const char *backend = over->backend ? over->backend : environment_get(env, "SOLDR_BACKEND");
	bool switched = is_yes(environment_get(env, "SOLDR_BYPASS")) || is_yes(environment_get(env, "SOLDR_BYPASS_ZCCACHE"));
	if (switched && !over->backend)
		return true;
	return backend && strcmp(backend, "null") == 0;
}

int config_load(struct config *out, const struct config_overrides *over, const char *const *envp, const char *cwd,
                soldr_error *err)
{
	static const struct config_overrides none = {NULL, NULL, NULL, false, false};
	struct environment env;
	struct config cfg = {0};
	environment_read(&env, envp);
	over = over ? over : &none;
	int rc = load(&cfg, over, &env, cwd, true, err);
	if (rc == SOLDR_E_CONFIG && !over->file && asks_for_bypass(&env, over))
		rc = load(&cfg, over, &env, cwd, false, err);
	if (!rc)
		*out = cfg;
	return rc;
}

static void release_backend(struct config_backend *b)
{
	for (size_t i = 0; i < b->option_count; i++) {
		free(b->options[i].key);
		free(b->options[i].value);
	}
	free(b->options);
	free(b->name);
	free(b->plugin);
}

struct redaction config_redaction(const struct config *c)
{
	return (struct redaction){c->redaction, vec_items(&c->redaction_deny), vec_items(&c->redaction_allow)};
}

void config_release(struct config *cfg)
{
	for (size_t i = 0; i < cfg->backend_count; i++)
		release_backend(&cfg->backends[i]);
	free(cfg->backends);
	vec_release(&cfg->plugin_path);
	vec_release(&cfg->redaction_deny);
	vec_release(&cfg->redaction_allow);
	char *const owned[] = {cfg->file, cfg->project_file, cfg->backend, cfg->cache_root, cfg->product, cfg->instance_id,
	                       cfg->workspace, cfg->worktree_root, cfg->log, cfg->run_id, cfg->traceparent};
	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		free(owned[i]);
	if (cfg->internal)
		free(cfg->internal->home);
	free(cfg->internal);
	*cfg = (struct config){0};
}
