/*
 * config_options: a backend's options against what its plugin declares.
 *
 * First every key of the file must belong to a declared option; then the
 * declared options are gone through in order and each is delivered, as the
 * plugin's open() wants it, from the file or else from its default.
 */
#include "config_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One value on its way to the plugin. */
struct delivery {
	const struct config_backend *backend;
	const soldr_option_spec *spec;
	const struct config_source *at;
	const char *key; /* of the file; NULL: the plugin's default */
	struct config_kvs *out;
	soldr_error *err;
};

int config_kvs_add(struct config_kvs *kvs, const char *key, const char *value)
{
	if (kvs->len == kvs->cap) {
		size_t cap = kvs->cap ? kvs->cap * 2 : 16;
		soldr_kv *items = realloc(kvs->items, cap * sizeof *items);
		if (!items)
			return SOLDR_E_NOMEM;
		kvs->items = items;
		kvs->cap = cap;
	}
	char *k = strdup(key), *v = strdup(value);
	if (!k || !v) {
		free(k);
		free(v);
		return SOLDR_E_NOMEM;
	}
	kvs->items[kvs->len++] = (soldr_kv){k, v};
	return 0;
}

void config_kvs_release(struct config_kvs *kvs)
{
	for (size_t i = 0; i < kvs->len; i++) {
		free((char *)(uintptr_t)kvs->items[i].key);
		free((char *)(uintptr_t)kvs->items[i].value);
	}
	free(kvs->items);
	*kvs = (struct config_kvs){0};
}

/* Newer plugins may have longer specs: the first one's size is the stride of all. */
static const soldr_option_spec *spec_at(const soldr_option_spec *specs, size_t i)
{
	if (!specs)
		return NULL;
	const soldr_option_spec *s = (const void *)((const char *)specs + i * specs->struct_size);
	return s->name ? s : NULL;
}

static bool is_below(const char *key, const char *name)
{
	size_t n = strlen(name);
	return strncmp(key, name, n) == 0 && key[n] == '.' && key[n + 1];
}

/* "backends.NAME.options.KEY", as errors call it. */
static int fail_at(const struct config_backend *b, const struct config_source *at, const char *key, const char *text,
                   soldr_error *err)
{
	struct buf full = BUF_INIT;
	buf_addf(&full, "backends.%s.options.%s", b->name, key);
	int rc = config_fail(err, at, buf_str(&full), "%s", text);
	buf_release(&full);
	return rc;
}

static const char *whose(const struct delivery *d)
{
	return d->key ? "" : "the plugin's own default ";
}

static int fail(const struct delivery *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(const struct delivery *d, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	int rc = fail_at(d->backend, d->at, d->key ? d->key : d->spec->name, buf_str(&text), d->err);
	buf_release(&text);
	return rc;
}

/* ---- one value ------------------------------------------------------------------------- */

static int deliver(const struct delivery *d, const char *value)
{
	bool free_key = d->spec->type == SOLDR_OPT_MAP && d->key;
	return config_kvs_add(d->out, free_key ? d->key : d->spec->name, value) ? config_no_memory(d->err) : 0;
}

static int deliver_bool(const struct delivery *d, const char *value)
{
	bool b;
	if (config_parse_bool(value, &b) == 0)
		return deliver(d, b ? "true" : "false");
	return fail(d, E251_OPTION_NO_BOOL, whose(d), config_shown(value).text);
}

static bool in_range(const soldr_option_spec *s, bool negative, uint64_t magnitude)
{
	if (s->min == 0 && s->max == 0)
		return true;
	if (!negative && magnitude > INT64_MAX)
		return false;
	int64_t v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return v >= s->min && v <= s->max;
}

static int fail_range(const struct delivery *d, const char *value, const char *unit)
{
	if (d->spec->max == INT64_MAX)
		return fail(d, E252_OPTION_LOW, whose(d), config_shown(value).text, d->spec->min, unit);
	return fail(d, E253_OPTION_RANGE, whose(d), config_shown(value).text, d->spec->min, d->spec->max, unit);
}

static int deliver_int(const struct delivery *d, const char *value)
{
	int64_t n;
	char text[24];
	if (config_parse_int(value, &n) != 0)
		return fail(d, E254_OPTION_NO_INTEGER, whose(d), config_shown(value).text);
	if (!in_range(d->spec, n < 0, n < 0 ? 0 - (uint64_t)n : (uint64_t)n))
		return fail_range(d, value, "");
	snprintf(text, sizeof text, "%" PRId64, n);
	return deliver(d, text);
}

static int deliver_quantity(const struct delivery *d, const char *value)
{
	bool is_size = d->spec->type == SOLDR_OPT_SIZE;
	uint64_t n;
	char text[24];
	if ((is_size ? config_parse_size : config_parse_duration)(value, &n) != 0)
		return fail(d, is_size ? E255_OPTION_NO_SIZE : E256_OPTION_NO_DURATION, whose(d), config_shown(value).text);
	if (!in_range(d->spec, false, n))
		return fail_range(d, value, is_size ? " bytes" : " ns");
	snprintf(text, sizeof text, "%" PRIu64, n);
	return deliver(d, text);
}

static int deliver_enum(const struct delivery *d, const char *value)
{
	struct vec choices = VEC_INIT;
	bool known = false;
	for (const char *p = d->spec->choices ? d->spec->choices : ""; *p;) {
		size_t n = strcspn(p, "|");
		vec_addn(&choices, p, n);
		known |= strlen(value) == n && strncmp(p, value, n) == 0;
		p += n + (p[n] == '|');
	}
	int rc = known ? deliver(d, value)
	               : fail(d, E257_OPTION_NO_CHOICE, whose(d), config_shown(value).text,
	                      config_did_you_mean(value, vec_items(&choices)).text, d->spec->choices ? d->spec->choices : "(none)");
	vec_release(&choices);
	return rc;
}

static int deliver_path(const struct delivery *d, const char *value)
{
	enum path_fault fault;
	char *path = config_expand_path(value, d->backend->home, &fault);
	int rc = fault == PATH_HOMELESS   ? fail(d, E258_OPTION_NO_HOME, whose(d), config_shown(value).text)
	         : fault == PATH_RELATIVE ? fail(d, E259_OPTION_RELATIVE, whose(d), config_shown(value).text)
	         : path                   ? deliver(d, path)
	                                  : config_no_memory(d->err);
	free(path);
	return rc;
}

static const struct {
	int (*deliver)(const struct delivery *, const char *value);
	const char *shape; /* what the option takes, where it is given something else */
} types[] = {
	[SOLDR_OPT_STRING] = {deliver, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_BOOL] = {deliver_bool, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_INT] = {deliver_int, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_SIZE] = {deliver_quantity, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_DURATION] = {deliver_quantity, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_ENUM] = {deliver_enum, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_LIST] = {deliver, E261_OPTION_WANTS_LIST},
	[SOLDR_OPT_PATH] = {deliver_path, E260_OPTION_WANTS_VALUE},
	[SOLDR_OPT_MAP] = {deliver, E262_OPTION_WANTS_MAP},
};

static bool known_type(const soldr_option_spec *s)
{
	return s->type < sizeof types / sizeof *types;
}

/* ---- the keys of the file ------------------------------------------------------------------ */

static int fail_unknown(const struct config_backend *b, const struct config_option *o, const soldr_option_spec *specs,
                        soldr_error *err)
{
	struct vec names = VEC_INIT;
	for (size_t i = 0; spec_at(specs, i); i++)
		vec_add(&names, spec_at(specs, i)->name);
	struct buf list = BUF_INIT, text = BUF_INIT;
	for (size_t i = 0; i < names.len; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", names.items[i]);
	buf_addf(&text, E263_OPTION_UNKNOWN, config_shown(b->plugin).text, config_did_you_mean(o->key, vec_items(&names)).text,
	         names.len ? "; it has: " : "; it has no options", buf_str(&list));
	int rc = fail_at(b, &o->source, o->key, buf_str(&text), err);
	buf_release(&list);
	buf_release(&text);
	vec_release(&names);
	return rc;
}

/* The option must belong to a spec, in the shape that its type takes. */
static int check_option(const struct config_backend *b, const struct config_option *o, const soldr_option_spec *specs,
                        soldr_error *err)
{
	bool says_nothing = !o->value && !o->in_list;
	for (size_t i = 0; spec_at(specs, i); i++) {
		const soldr_option_spec *s = spec_at(specs, i);
		if (is_below(s->name, o->key)) {
			/* A group of options, such as `compression`. */
			if (says_nothing)
				return 0;
			return fail_at(b, &o->source, o->key, E264_OPTION_GROUP, err);
		}
		bool below = is_below(o->key, s->name), same = strcmp(o->key, s->name) == 0;
		if (!below && !same)
			continue;
		if (!known_type(s))
			return fail_at(b, &o->source, o->key, E265_OPTION_TYPE_UNKNOWN, err);
		bool wants_map = s->type == SOLDR_OPT_MAP, wants_list = s->type == SOLDR_OPT_LIST;
		if (below != wants_map && !(same && says_nothing))
			return fail_at(b, &o->source, o->key, types[s->type].shape, err);
		if (o->in_list != wants_list && !says_nothing)
			return fail_at(b, &o->source, o->key, types[s->type].shape, err);
		return 0;
	}
	return fail_unknown(b, o, specs, err);
}

/* ---- the options of the plugin ----------------------------------------------------------------- */

static int deliver_default(struct delivery *d)
{
	if (d->spec->type != SOLDR_OPT_LIST && d->spec->type != SOLDR_OPT_MAP)
		return types[d->spec->type].deliver(d, d->spec->default_value);
	/* "[a, b]" or "{KEY: value}": read as the file would be. */
	struct buf text = BUF_INIT;
	struct yaml_doc doc;
	buf_addf(&text, "default: %s\n", d->spec->default_value);
	int rc = buf_ok(&text) ? config_yaml_parse("the plugin's own default", text.data, text.len, &doc, d->err)
	                       : config_no_memory(d->err);
	buf_release(&text);
	if (rc)
		return rc;
	for (size_t i = 0; i < doc.len && !rc; i++) {
		const char *rest = doc.items[i].key + strlen("default");
		struct buf key = BUF_INIT;
		buf_addf(&key, "%s%s", d->spec->name, rest);
		if (doc.items[i].value && config_kvs_add(d->out, buf_str(&key), doc.items[i].value) != 0)
			rc = config_no_memory(d->err);
		buf_release(&key);
	}
	config_yaml_release(&doc);
	return rc;
}

static int deliver_option(struct delivery *d)
{
	const struct config_backend *b = d->backend;
	const soldr_option_spec *s = d->spec;
	bool set = false;
	for (size_t i = 0; i < b->option_count; i++) {
		const struct config_option *o = &b->options[i];
		if (strcmp(o->key, s->name) != 0 && !(s->type == SOLDR_OPT_MAP && is_below(o->key, s->name)))
			continue;
		set |= o->value || o->in_list;
		d->at = &o->source;
		d->key = o->key;
		int rc = o->value ? types[s->type].deliver(d, o->value) : 0;
		if (rc)
			return rc;
	}
	d->at = &b->source;
	d->key = NULL;
	if (set)
		return 0;
	if (s->default_value)
		return deliver_default(d);
	if (s->flags & SOLDR_OPTION_REQUIRED)
		return fail_at(b, d->at, s->name, E266_OPTION_MISSING, d->err);
	return 0;
}

int config_backend_options(const struct config_backend *b, const soldr_option_spec *specs, struct config_kvs *out,
                           soldr_error *err)
{
	struct config_kvs kvs = {0};
	int rc = 0;
	for (size_t i = 0; i < b->option_count && !rc; i++)
		rc = check_option(b, &b->options[i], specs, err);
	for (size_t i = 0; !rc && spec_at(specs, i); i++) {
		struct delivery d = {.backend = b, .spec = spec_at(specs, i), .out = &kvs, .err = err};
		/* An option of a newer type that nobody sets is the plugin's own affair. */
		if (known_type(d.spec))
			rc = deliver_option(&d);
	}
	for (size_t i = 0; i < kvs.len && !rc; i++)
		if (config_kvs_add(out, kvs.items[i].key, kvs.items[i].value) != 0)
			rc = config_no_memory(err);
	config_kvs_release(&kvs);
	return rc;
}
