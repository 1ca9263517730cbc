/*
 * config_settings: the one table of settings.
 *
 * A row says how a setting is called, what kind of value it takes, where it is
 * kept in struct config, which files may set it, its default and its help. A
 * kind is a pair of functions: text to member, member to text. Reading files
 * and variables, `config show` and the hints all go through the table.
 */
#include "config_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The lists are in the order of the enums of config.h. */
static const char *const audit_modes[] = {"off", "summary", "normal", "verbose", "forensic", NULL};
static const char *const sink_policies[] = {"block", "drop_low_priority", "degrade", "fail_lossless", NULL};
static const char *const priorities[] = {"auto", "normal", "low", "idle", NULL};
static const char *const on_errors[] = {"fallback", "fail", NULL};
static const char *const path_remaps[] = {"off", "auto", NULL};
static const char *const log_levels[] = {"off", "error", "warn", "info", "debug", "trace", NULL};

struct target {
	struct config *cfg;
	const struct setting *setting;
	const struct config_source *source;
	soldr_error *err;
};

struct kind {
	int (*set)(const struct target *, void *member, const char *text);
	void (*show)(struct buf *, const struct setting *, const void *member);
};

struct setting {
	const char *key;
	const struct kind *kind;
	unsigned places; /* enum setting_place */
	size_t offset;   /* of the member in struct config */
	const char *standard;
	const char *const *choices;
	int64_t min, max; /* numbers: the range; words: the length */
	const char *help;
};

static int keep_string(const struct target *t, char **member, char *fresh)
{
	if (!fresh)
		return config_no_memory(t->err);
	free(*member);
	*member = fresh;
	return 0;
}

static void show_string(struct buf *out, const struct setting *s, const void *member)
{
	const char *const *text = member;
	(void)s;
	if (*text)
		config_yaml_quote(out, *text);
	else
		buf_adds(out, "~");
}

/* ---- kinds -------------------------------------------------------------------------------- */

static int set_version(const struct target *t, void *member, const char *text)
{
	(void)member;
	return strcmp(text, "1") == 0 ? 0 : config_fail(t->err, t->source, t->setting->key, E216_VERSION_UNKNOWN, config_shown(text).text);
}

static void show_version(struct buf *out, const struct setting *s, const void *member)
{
	(void)member;
	buf_adds(out, s->standard);
}

static const struct kind version_kind = {set_version, show_version};

bool config_is_name(const char *text, size_t max)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(text);
	return len >= 1 && len <= max && *text != '.' && *text != '-' && text[strspn(text, allowed)] == 0;
}

static int set_name(const struct target *t, void *member, const char *text)
{
	if (!config_is_name(text, (size_t)t->setting->max))
		return config_fail(t->err, t->source, t->setting->key, E217_NO_NAME, config_shown(text).text, t->setting->max);
	return keep_string(t, member, strdup(text));
}

static const struct kind name_kind = {set_name, show_string};

static int set_traceparent(const struct target *t, void *member, const char *text)
{
	/* Trace Context, section 3.2: who cannot parse a foreign traceparent goes on without it. */
	return config_valid_traceparent(text) ? keep_string(t, member, strdup(text)) : 0;
}

static const struct kind traceparent_kind = {set_traceparent, show_string};

static int set_path(const struct target *t, void *member, const char *text)
{
	enum path_fault fault;
	char *path = config_expand_path(text, t->cfg->internal->home, &fault);
	if (fault == PATH_HOMELESS)
		return config_fail(t->err, t->source, t->setting->key, E218_NO_HOME_FOR_PATH, config_shown(text).text);
	if (fault == PATH_RELATIVE)
		return config_fail(t->err, t->source, t->setting->key, E219_PATH_RELATIVE, config_shown(text).text);
	return keep_string(t, member, path);
}

static const struct kind path_kind = {set_path, show_string};

static int set_log(const struct target *t, void *member, const char *text)
{
	if (*text == '/')
		return set_path(t, member, text);
	for (size_t i = 0; log_levels[i]; i++) {
		if (strcmp(text, log_levels[i]) != 0)
			continue;
		if (i > 0)
			return keep_string(t, member, strdup(text));
		free(*(char **)member);
		*(char **)member = NULL;
		return 0;
	}
	return config_fail(t->err, t->source, t->setting->key, E220_NO_LOG, config_shown(text).text);
}

static const struct kind log_kind = {set_log, show_string};

static int set_bool(const struct target *t, void *member, const char *text)
{
	if (config_parse_bool(text, member) == 0)
		return 0;
	return config_fail(t->err, t->source, t->setting->key, E221_NO_BOOL, config_shown(text).text);
}

static void show_bool(struct buf *out, const struct setting *s, const void *member)
{
	(void)s;
	buf_adds(out, *(const bool *)member ? "true" : "false");
}

static const struct kind bool_kind = {set_bool, show_bool};

static int set_int(const struct target *t, void *member, const char *text)
{
	int64_t value;
	if (config_parse_int(text, &value) == 0 && value >= t->setting->min && value <= t->setting->max) {
		memcpy(member, &value, sizeof value);
		return 0;
	}
	return config_fail(t->err, t->source, t->setting->key, E222_NO_INTEGER,
	                   config_shown(text).text, t->setting->min, t->setting->max);
}

static void show_int(struct buf *out, const struct setting *s, const void *member)
{
	(void)s;
	buf_addf(out, "%" PRId64, *(const int64_t *)member);
}

static const struct kind int_kind = {set_int, show_int};

static int set_size(const struct target *t, void *member, const char *text)
{
	uint64_t bytes;
	if (config_parse_size(text, &bytes) == 0 && bytes >= (uint64_t)t->setting->min && bytes <= (uint64_t)t->setting->max) {
		const int64_t value = (int64_t)bytes;
		memcpy(member, &value, sizeof value);
		return 0;
	}
	return config_fail(t->err, t->source, t->setting->key, E223_NO_SIZE,
	                   config_shown(text).text, t->setting->min, t->setting->max);
}

static const struct kind size_kind = {set_size, show_int};

/* The enums of config.h are ints to the compiler, and count from 0. */
static int set_choice(const struct target *t, void *member, const char *text)
{
	const char *const *choices = t->setting->choices;
	for (int i = 0; choices[i]; i++) {
		if (strcmp(text, choices[i]) == 0) {
			memcpy(member, &i, sizeof i);
			return 0;
		}
	}
	struct buf list = BUF_INIT;
	for (int i = 0; choices[i]; i++)
		buf_addf(&list, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
	int rc = config_fail(t->err, t->source, t->setting->key, E224_NO_CHOICE, config_shown(text).text,
	                     config_did_you_mean(text, choices).text, buf_str(&list));
	buf_release(&list);
	return rc;
}

static void show_choice(struct buf *out, const struct setting *s, const void *member)
{
	int i;
	memcpy(&i, member, sizeof i);
	buf_adds(out, s->choices[i]);
}

static const struct kind choice_kind = {set_choice, show_choice};

static void show_list(struct buf *out, const struct setting *s, const void *member)
{
	const struct vec *list = member;
	(void)s;
	buf_addc(out, '[');
	for (size_t i = 0; i < list->len; i++) {
		buf_adds(out, i ? ", " : "");
		config_yaml_quote(out, list->items[i]);
	}
	buf_addc(out, ']');
}

static int add_word(const struct target *t, void *member, const char *text)
{
	struct vec *list = member;
	if (!*text)
		return config_fail(t->err, t->source, t->setting->key, E225_EMPTY_PATTERN, config_shown(text).text);
	vec_add(list, text);
	return vec_ok(list) ? 0 : config_no_memory(t->err);
}

static const struct kind words_kind = {add_word, show_list};

static int add_directory(const struct target *t, struct vec *list, const char *text)
{
	char *path = NULL;
	int rc = set_path(t, &path, text);
	if (!rc)
		vec_add(list, path);
	free(path);
	return !rc && !vec_ok(list) ? config_no_memory(t->err) : rc;
}

/* From a variable: a list with colons, which goes before what the file says. */
static int add_directories(const struct target *t, void *member, const char *text)
{
	struct vec *list = member, fresh = VEC_INIT;
	if (t->source->origin != CONFIG_FROM_ENV)
		return add_directory(t, list, text);
	int rc = 0;
	for (const char *p = text; *p && !rc;) {
		size_t n = strcspn(p, ":");
		char *part = strndup(p, n);
		if (!part)
			rc = config_no_memory(t->err);
		else if (n)
			rc = add_directory(t, &fresh, part);
		free(part);
		p += n + (p[n] == ':');
	}
	vec_add_all(&fresh, vec_items(list));
	if (!rc && !vec_ok(&fresh))
		rc = config_no_memory(t->err);
	vec_release(rc ? &fresh : list);
	if (!rc)
		*list = fresh;
	return rc;
}

static const struct kind directories_kind = {add_directories, show_list};

/* The sections of backends: read by config.c, listed by config_visit(). */
static const struct kind sections_kind = {NULL, NULL};

/* ---- the table ------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct config, member)
#define FILE_ONLY SETTING_IN_FILE
#define LIST (SETTING_IN_FILE | SETTING_IS_LIST)
#define ELSEWHERE 0u

static const struct setting settings[] = {
	{"version", &version_kind, SETTING_IN_FILE | SETTING_IN_PROJECT, 0, "1", NULL, 0, 0,
	 "version of the file format"},
	{"backend", &name_kind, SETTING_IN_FILE | SETTING_IS_NAME, AT(backend), "embedded", NULL, 1, 31,
	 "who serves compiles: a name under backends, or embedded, wrapped or null"},
	{"backends", &sections_kind, FILE_ONLY, 0, NULL, NULL, 0, 0,
	 "backends by name, each with its plugin and that plugin's options"},
	{"plugin_path", &directories_kind, LIST, AT(plugin_path), NULL, NULL, 0, 0,
	 "directories searched for NAME.so, before the built-in places"},
	{"cache_dir", &path_kind, FILE_ONLY, AT(cache_root), NULL, NULL, 0, 0,
	 "directory of stores, runs and logs"},
	{"audit.mode", &choice_kind, SETTING_IN_FILE | SETTING_IN_PROJECT, AT(audit_mode), "normal", audit_modes, 0, 0,
	 "off and summary write no journal, the others a line for each compile; verbose by default where CI is set"},
	{"audit.sink_policy", &choice_kind, FILE_ONLY, AT(sink_policy), "degrade", sink_policies, 0, 0,
	 "when the journal cannot be written: wait, drop the line and count it, log that as well, or fail with 111"},
	{"audit.keep_runs", &int_kind, FILE_ONLY, AT(keep_runs), "100", NULL, 1, 100000,
	 "how many runs are kept, their journals and summaries"},
	{"audit.keep_days", &int_kind, FILE_ONLY, AT(keep_days), "30", NULL, 1, 36500,
	 "how old a run or the journal of a day may become, in days"},
	{"audit.max_journal_size", &size_kind, FILE_ONLY, AT(max_journal_size), "256MiB", NULL, 1 << 16, INT64_MAX,
	 "how large the journal of one run may become"},
	{"audit.redaction.enabled", &bool_kind, FILE_ONLY, AT(redaction), "true", NULL, 0, 0,
	 "keep secrets out of the journal and of the log"},
	{"audit.redaction.deny", &words_kind, LIST, AT(redaction_deny), NULL, NULL, 0, 0,
	 "further name patterns whose values the journal never gets"},
	{"audit.redaction.allow", &words_kind, LIST, AT(redaction_allow), NULL, NULL, 0, 0,
	 "name patterns whose values the journal may get; deny comes first"},
	{"identity.product", &name_kind, FILE_ONLY, AT(product), "soldr", NULL, 1, 64,
	 "name of the program, for the audit log"},
	{"identity.instance_id", &name_kind, FILE_ONLY, AT(instance_id), "default", NULL, 1, 64,
	 "which of several installations, for the audit log"},
	{"identity.workspace", &name_kind, FILE_ONLY, AT(workspace), "shared", NULL, 1, 64,
	 "what the work belongs to, for the audit log"},
	{"limits.max_parallel_compiles", &int_kind, FILE_ONLY, AT(max_parallel_compiles), "0", NULL, 0, 4096,
	 "compilers at the same time, of all soldr processes with this cache directory; 0: no limit"},
	{"limits.priority", &choice_kind, FILE_ONLY, AT(priority), "auto", priorities, 0, 0,
	 "nice level of compilers: auto raises it where the machine has more to do than processors"},
	{"on_error", &choice_kind, FILE_ONLY, AT(on_error), "fallback", on_errors, 0, 0,
	 "after a fault of soldr: run the compiler bare (fallback), or stop with status 111 (fail)"},
	{"path_remap", &choice_kind, FILE_ONLY, AT(path_remap), "off", path_remaps, 0, 0,
	 "auto: map the worktree root away, so that checkouts share results"},
	{"readonly", &bool_kind, FILE_ONLY, AT(readonly), "false", NULL, 0, 0,
	 "look results up, store none"},
	{"verify.percent", &int_kind, FILE_ONLY, AT(verify_percent), "0", NULL, 0, 100,
	 "share of the hits, in percent, that are compiled anyway and compared"},
	{"session_summary", &bool_kind, FILE_ONLY, AT(session_summary), "true", NULL, 0, 0,
	 "print a summary after a front-door build"},
	{"quiet", &bool_kind, FILE_ONLY, AT(quiet), "false", NULL, 0, 0,
	 "print nothing of soldr's own"},
	{"recache", &bool_kind, ELSEWHERE, AT(recache), "false", NULL, 0, 0,
	 "look nothing up, store afresh"},
	{"worktree_root", &path_kind, ELSEWHERE, AT(worktree_root), NULL, NULL, 0, 0,
	 "root of the checkout; unset: the nearest directory upward with .git"},
	{"log", &log_kind, ELSEWHERE, AT(log), NULL, NULL, 0, 0,
	 "soldr's own messages: a level (to stderr) or an absolute file"},
	{"run_id", &name_kind, ELSEWHERE, AT(run_id), NULL, NULL, 1, 128,
	 "the run that compiles belong to"},
	{"traceparent", &traceparent_kind, ELSEWHERE, AT(traceparent), NULL, NULL, 0, 0,
	 "W3C trace context that the journal continues; one that is not valid is ignored; reserved: accepted and checked, no effect yet"},
	{"jobs", &int_kind, ELSEWHERE, AT(jobs), "0", NULL, 0, 4096,
	 "in place of limits.max_parallel_compiles"},
};

_Static_assert(sizeof settings / sizeof *settings == CONFIG_SETTING_COUNT, "one source for each setting");
_Static_assert(sizeof(enum config_audit_mode) == sizeof(int), "set_choice() stores an int");

const struct setting *config_setting_find(const char *key)
{
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
		if (strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

unsigned config_setting_places(const struct setting *s)
{
	return s->places;
}

static struct config_source *source_of(const struct config *cfg, const struct setting *s)
{
	return &cfg->internal->sources[s - settings];
}

const struct config_source *config_setting_source(const struct config *cfg, const struct setting *s)
{
	return source_of(cfg, s);
}

int config_setting_set(struct config *cfg, const struct setting *s, const char *text, const struct config_source *source,
                       soldr_error *err)
{
	struct target t = {cfg, s, source, err};
	struct config_source *kept = source_of(cfg, s);
	int rc = s->kind->set(&t, (char *)cfg + s->offset, text);
	/* A list has the position of its first element. */
	if (!rc && !((s->places & SETTING_IS_LIST) && kept->origin == source->origin))
		*kept = *source;
	return rc;
}

int config_settings_default(struct config *cfg, bool ci, soldr_error *err)
{
	static const struct config_source source = {CONFIG_FROM_DEFAULT, NULL, 0, 0};
	int rc = 0;
	for (size_t i = 0; i < CONFIG_SETTING_COUNT && !rc; i++)
		if (settings[i].standard)
			rc = config_setting_set(cfg, &settings[i], settings[i].standard, &source, err);
	if (ci)
		cfg->audit_mode = AUDIT_VERBOSE;
	return rc;
}

/* ---- keys that are none ----------------------------------------------------------------------- */

/* key is NAME in "NAME.rest". */
static bool is_above(const char *key, const char *name)
{
	size_t n = strlen(key);
	return strncmp(name, key, n) == 0 && name[n] == '.';
}

bool config_setting_is_group(const char *key)
{
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
		if ((settings[i].places & SETTING_IN_FILE) && is_above(key, settings[i].key))
			return true;
	return false;
}

/* The last of a dotted key's parts. */
static const char *last_part(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot ? dot + 1 : key;
}

/* Length of as many parts of name as key has. */
static size_t same_parts(const char *name, const char *key)
{
	const char *end = name;
	for (;;) {
		end += strcspn(end, ".");
		key += strcspn(key, ".");
		if (!*end || !*key)
			return (size_t)(end - name);
		end++;
		key++;
	}
}

/* The nearest key or group of a file. A key that merely belongs into another group is nearer than any misspelling. */
static struct shown key_hint(const char *key)
{
	struct vec names = VEC_INIT;
	const char *moved[2] = {NULL, NULL};
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
		if (!(settings[i].places & SETTING_IN_FILE))
			continue;
		vec_addn(&names, settings[i].key, same_parts(settings[i].key, key));
		if (strcmp(last_part(settings[i].key), last_part(key)) == 0)
			moved[0] = settings[i].key;
	}
	struct shown hint = moved[0] ? config_did_you_mean(moved[0], moved) : config_did_you_mean(key, vec_items(&names));
	vec_release(&names);
	return hint;
}

int config_setting_wrong(const char *key, bool is_map, const struct config_source *at, soldr_error *err)
{
	const struct setting *s = config_setting_find(key);
	if (s && !(s->places & SETTING_IN_FILE))
		return config_fail(err, at, key, E226_VARIABLE_ONLY);
	if (s && is_map)
		return config_fail(err, at, key, E227_NO_MAP_HERE,
		                   s->places & SETTING_IS_LIST ? "a list" : "one value");
	if (!config_setting_is_group(key))
		return config_fail(err, at, key, E228_KEY_UNKNOWN, key_hint(key).text);
	struct buf names = BUF_INIT;
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
		if ((settings[i].places & SETTING_IN_FILE) && is_above(key, settings[i].key))
			buf_addf(&names, "%s%s", names.len ? ", " : "", settings[i].key + strlen(key) + 1);
	int rc = config_fail(err, at, key, E229_MAP_HERE, buf_str(&names));
	buf_release(&names);
	return rc;
}

/* ---- visiting ------------------------------------------------------------------------------------ */

static void visit_options(const struct config_backend *b, config_visit_fn visit, void *arg)
{
	for (size_t i = 0, next; i < b->option_count; i = next) {
		const struct config_option *first = &b->options[i];
		struct buf key = BUF_INIT, value = BUF_INIT;
		struct vec list = VEC_INIT;
		buf_addf(&key, "backends.%s.options.%s", b->name, first->key);
		for (next = i; next < b->option_count && strcmp(b->options[next].key, first->key) == 0; next++)
			if (b->options[next].value)
				vec_add(&list, b->options[next].value);
		if (first->in_list)
			show_list(&value, NULL, &list);
		else
			show_string(&value, NULL, &first->value);
		visit(arg, buf_str(&key), buf_str(&value), &first->source, "");
		buf_release(&key);
		buf_release(&value);
		vec_release(&list);
	}
}

static void visit_backends(const struct config *cfg, config_visit_fn visit, void *arg)
{
	for (size_t i = 0; i < cfg->backend_count; i++) {
		const struct config_backend *b = &cfg->backends[i];
		struct buf key = BUF_INIT, value = BUF_INIT;
		buf_addf(&key, "backends.%s.plugin", b->name);
		config_yaml_quote(&value, b->plugin);
		visit(arg, buf_str(&key), buf_str(&value), &b->source, "the plugin that serves this backend");
		buf_release(&key);
		buf_release(&value);
		visit_options(b, visit, arg);
	}
}

void config_visit(const struct config *cfg, config_visit_fn visit, void *arg)
{
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
		const struct setting *s = &settings[i];
		if (s->kind == &sections_kind) {
			visit_backends(cfg, visit, arg);
			continue;
		}
		struct buf value = BUF_INIT;
		s->kind->show(&value, s, (const char *)cfg + s->offset);
		visit(arg, s->key, buf_str(&value), &cfg->internal->sources[i], s->help);
		buf_release(&value);
	}
}

bool config_given(const struct config *cfg, const char *key)
{
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
		if (strcmp(settings[i].key, key) == 0)
			return cfg->internal->sources[i].origin != CONFIG_FROM_DEFAULT;
	return false;
}
