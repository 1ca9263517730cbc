/*
 * config_yaml: YAML text to a flat list of dotted keys, the only user of libyaml.
 *
 * The text is first checked byte by byte (UTF-8, no control characters), which
 * gives exact positions where libyaml gives none. Then libyaml's events are
 * walked by recursive descent; CONFIG_DEPTH_MAX bounds the recursion and
 * CONFIG_NODES_MAX the work. Nothing of YAML that lets a short file mean a lot
 * (anchors, aliases, tags, merge keys, several documents) gets through. Every
 * dotted path is put into a hash set, so a duplicate is found in one look.
 */
#include "config_internal.h"

#include "fnv.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A key with a dot would look like two keys; below an option's own map ("environment.KEY") keys are free. */
enum { FREE_KEY_LEVEL = 5 };

struct path_set {
	char **slots;
	size_t cap, len;
};

struct walk {
	yaml_parser_t parser;
	const char *text;
	size_t text_len;
	struct config_source at; /* where the last key or list element is */
	struct buf path;
	size_t nodes;
	struct path_set seen;
	struct yaml_doc *doc;
	soldr_error *err;
};

/* ---- the bytes ------------------------------------------------------------------ */

/* Length of the UTF-8 character at p, 0 when it is not one (overlong, surrogate, past U+10FFFF, cut off). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first_min, first_max, second_min, second_max;
		size_t len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (*p < forms[i].first_min || *p > forms[i].first_max)
			continue;
		if (forms[i].len > left || p[1] < forms[i].second_min || p[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

/* Control characters could rewrite a terminal that shows an error; C1 ones are two bytes in UTF-8. */
static bool is_control(const unsigned char *p)
{
	return (*p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r') || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
}

static int check_bytes(const char *file, const char *text, size_t len, soldr_error *err)
{
	struct config_source at = {CONFIG_FROM_FILE, file, 1, 1};
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		if (!n)
			return config_fail(err, &at, NULL, E230_NO_UTF8, (unsigned)*p);
		if (*p == 0)
			return config_fail(err, &at, NULL, E231_NUL_BYTE);
		if (is_control(p))
			return config_fail(err, &at, NULL, E232_CONTROL_CHARACTER, (unsigned)p[n - 1]);
		bool ends_line = *p == '\n' || (*p == '\r' && !(p + 1 < end && p[1] == '\n'));
		at.line += ends_line;
		at.column = ends_line ? 1 : at.column + 1;
		p += n;
	}
	return 0;
}

/* ---- duplicates -------------------------------------------------------------------- */

static size_t hash_of(const char *s)
{
	uint64_t h = fnv_str(s);
	return (size_t)(h ^ h >> 32);
}

static char **set_slot(const struct path_set *set, const char *path)
{
	size_t i = hash_of(path) & (set->cap - 1);
	while (set->slots[i] && strcmp(set->slots[i], path) != 0)
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

static bool set_grow(struct path_set *set)
{
	struct path_set bigger = {.cap = set->cap ? set->cap * 2 : 128, .len = set->len};
	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i])
			*set_slot(&bigger, set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = bigger;
	return true;
}

static void set_release(struct path_set *set)
{
	for (size_t i = 0; i < set->cap; i++)
		free(set->slots[i]);
	free(set->slots);
}

static int remember_path(struct walk *w)
{
	if (w->seen.len * 2 >= w->seen.cap && !set_grow(&w->seen))
		return config_no_memory(w->err);
	char **slot = set_slot(&w->seen, buf_str(&w->path));
	if (*slot)
		return config_fail(w->err, &w->at, w->path.data, E233_KEY_TWICE);
	*slot = strdup(buf_str(&w->path));
	if (!*slot)
		return config_no_memory(w->err);
	w->seen.len++;
	return 0;
}

/* ---- events ---------------------------------------------------------------------------- */

static void stand_at(struct walk *w, const yaml_mark_t *mark)
{
	w->at.line = (int)mark->line + 1;
	w->at.column = (int)mark->column + 1;
}

/* The first byte of the character at w->at; 0 at the end of the text. */
static char char_at(const struct walk *w)
{
	const char *p = w->text, *end = p + w->text_len;
	for (int line = 1; line < w->at.line && p < end; p++)
		line += *p == '\n';
	for (int column = 1; p < end && *p != '\n'; p++) {
		if (column == w->at.column)
			return *p;
		/* Count the last byte of each character. */
		column += p + 1 == end || ((unsigned char)p[1] & 0xc0) != 0x80;
	}
	return 0;
}

static int syntax_error(struct walk *w)
{
	const yaml_parser_t *p = &w->parser;
	if (p->error == YAML_MEMORY_ERROR)
		return config_no_memory(w->err);
	stand_at(w, &p->problem_mark);
	const char *problem = p->problem ? p->problem : "unknown error";
	if (char_at(w) == '\t')
		return config_fail(w->err, &w->at, NULL, E234_TAB);
	if (p->context)
		return config_fail(w->err, &w->at, NULL, E235_NO_YAML_CONTEXT,
		                   problem, p->context, p->context_mark.line + 1);
	return config_fail(w->err, &w->at, NULL, E236_NO_YAML, problem);
}

/* What an event carries that a config file may not have, in words; NULL: nothing. */
static const char *forbidden(const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return "an alias (*name); write the value out";
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (ev->data.document_start.tag_directives.start != ev->data.document_start.tag_directives.end)
			return "a %TAG directive; remove it";
		break;
	default:
		break;
	}
	if (anchor)
		return "an anchor (&name); write the value out where it is wanted";
	return tag ? "a tag (!name); remove it, or quote the value if the ! is part of it" : NULL;
}

/* On success the caller deletes the event. */
static int next_event(struct walk *w, yaml_event_t *ev)
{
	if (!yaml_parser_parse(&w->parser, ev))
		return syntax_error(w);
	int rc = 0;
	const char *why = forbidden(ev);
	if (why || ++w->nodes > CONFIG_NODES_MAX) {
		stand_at(w, &ev->start_mark);
		rc = why ? config_fail(w->err, &w->at, NULL, E237_YAML_FORBIDDEN, why)
		         : config_fail(w->err, &w->at, NULL, E238_TOO_MANY_NODES, CONFIG_NODES_MAX);
		yaml_event_delete(ev);
	}
	return rc;
}

static bool is_plain(const yaml_event_t *ev, const char *text)
{
	return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp((const char *)ev->data.scalar.value, text) == 0;
}

static bool is_null_word(const yaml_event_t *ev)
{
	return is_plain(ev, "null") || is_plain(ev, "Null") || is_plain(ev, "NULL");
}

/* Escapes in a quoted scalar can still make what check_bytes() refused. */
static int check_scalar(struct walk *w, const yaml_event_t *ev, const char *key)
{
	const unsigned char *p = ev->data.scalar.value;
	for (size_t i = 0; i < ev->data.scalar.length; i++)
		if (is_control(p + i))
			return config_fail(w->err, &w->at, key, E239_ESCAPED_CONTROL);
	return 0;
}

/* scalar NULL: a map, or an empty list. */
static int add_entry(struct walk *w, const yaml_event_t *scalar, bool in_list)
{
	struct yaml_doc *doc = w->doc;
	if (doc->len == doc->cap) {
		size_t cap = doc->cap ? doc->cap * 2 : 32;
		struct yaml_entry *items = realloc(doc->items, cap * sizeof *items);
		if (!items)
			return config_no_memory(w->err);
		doc->items = items;
		doc->cap = cap;
	}
	struct yaml_entry e = {.line = w->at.line, .column = w->at.column, .in_list = in_list};
	bool says_nothing = !scalar || is_plain(scalar, "") || is_plain(scalar, "~");
	e.is_null = scalar && is_null_word(scalar);
	e.key = strdup(buf_str(&w->path));
	e.value = says_nothing ? NULL : strdup((const char *)scalar->data.scalar.value);
	if (!e.key || (!says_nothing && !e.value)) {
		free(e.key);
		free(e.value);
		return config_no_memory(w->err);
	}
	doc->items[doc->len++] = e;
	return 0;
}

static int walk_list(struct walk *w)
{
	for (size_t count = 0;; count++) {
		yaml_event_t ev;
		int rc = next_event(w, &ev);
		if (rc)
			return rc;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return count ? 0 : add_entry(w, NULL, true);
		}
		stand_at(w, &ev.start_mark);
		if (ev.type != YAML_SCALAR_EVENT)
			rc = config_fail(w->err, &w->at, w->path.data, E240_LIST_NESTED);
		else if (is_plain(&ev, "") || is_plain(&ev, "~") || is_null_word(&ev))
			rc = config_fail(w->err, &w->at, w->path.data, E241_LIST_ELEMENT_EMPTY);
		else
			rc = check_scalar(w, &ev, w->path.data);
		if (!rc)
			rc = add_entry(w, &ev, true);
		yaml_event_delete(&ev);
		if (rc)
			return rc;
	}
}

/* Appends the key to the path. */
static int enter_key(struct walk *w, const yaml_event_t *ev, int level)
{
	stand_at(w, &ev->start_mark);
	const char *outer = w->path.len ? w->path.data : NULL;
	if (ev->type != YAML_SCALAR_EVENT)
		return config_fail(w->err, &w->at, outer, E242_KEY_SHAPE);
	const char *key = (const char *)ev->data.scalar.value;
	struct shown shown = config_shown(key);
	int rc = check_scalar(w, ev, outer);
	if (rc)
		return rc;
	if (!*key)
		return config_fail(w->err, &w->at, outer, E243_KEY_EMPTY);
	if (ev->data.scalar.length > CONFIG_KEY_MAX)
		return config_fail(w->err, &w->at, outer, E244_KEY_LONG, shown.text,
		                   CONFIG_KEY_MAX);
	if (is_plain(ev, "<<"))
		return config_fail(w->err, &w->at, outer, E245_MERGE_KEY);
	if (level < FREE_KEY_LEVEL && strchr(key, '.'))
		return config_fail(w->err, &w->at, outer, E246_KEY_DOT,
		                   shown.text);
	if (w->path.len)
		buf_addc(&w->path, '.');
	buf_adds(&w->path, key);
	return buf_ok(&w->path) ? remember_path(w) : config_no_memory(w->err);
}

static int walk_map(struct walk *w, int level);

static int add_map(struct walk *w, int level)
{
	int rc = add_entry(w, NULL, false);
	if (rc)
		return rc;
	size_t self = w->doc->len - 1;
	rc = walk_map(w, level + 1);
	w->doc->items[self].is_map = true;
	w->doc->items[self].filled = w->doc->len > self + 1;
	return rc;
}

static int walk_value(struct walk *w, int level)
{
	yaml_event_t ev;
	int rc = next_event(w, &ev);
	if (rc)
		return rc;
	switch (ev.type) {
	case YAML_SCALAR_EVENT:
		rc = check_scalar(w, &ev, w->path.data);
		if (!rc)
			rc = add_entry(w, &ev, false);
		break;
	case YAML_SEQUENCE_START_EVENT:
		rc = walk_list(w);
		break;
	case YAML_MAPPING_START_EVENT:
		rc = add_map(w, level);
		break;
	default:
		rc = config_fail(w->err, &w->at, w->path.data, E247_NO_YAML_HERE);
	}
	yaml_event_delete(&ev);
	return rc;
}

static int walk_map(struct walk *w, int level)
{
	if (level > CONFIG_DEPTH_MAX)
		return config_fail(w->err, &w->at, w->path.data, E248_TOO_DEEP,
		                   CONFIG_DEPTH_MAX);
	for (;;) {
		yaml_event_t ev;
		int rc = next_event(w, &ev);
		if (rc)
			return rc;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		size_t outer = w->path.len;
		rc = enter_key(w, &ev, level);
		yaml_event_delete(&ev);
		if (!rc)
			rc = walk_value(w, level);
		if (rc)
			return rc;
		w->path.len = outer;
		w->path.data[outer] = 0;
	}
}

static int walk_root(struct walk *w, const yaml_event_t *ev)
{
	stand_at(w, &ev->start_mark);
	if (ev->type == YAML_MAPPING_START_EVENT)
		return walk_map(w, 1);
	/* A file of comments after "---" is an empty one. */
	if (ev->type == YAML_SCALAR_EVENT && (is_plain(ev, "") || is_plain(ev, "~") || is_null_word(ev)))
		return 0;
	return config_fail(w->err, &w->at, NULL, E249_NO_MAP);
}

static int walk_stream(struct walk *w)
{
	int documents = 0;
	for (;;) {
		yaml_event_t ev;
		int rc = next_event(w, &ev);
		if (rc)
			return rc;
		yaml_event_type_t type = ev.type;
		if (type == YAML_DOCUMENT_START_EVENT && documents++) {
			stand_at(w, &ev.start_mark);
			rc = config_fail(w->err, &w->at, NULL, E250_SECOND_DOCUMENT);
		} else if (type == YAML_SCALAR_EVENT || type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) {
			rc = walk_root(w, &ev);
		}
		yaml_event_delete(&ev);
		if (rc || type == YAML_STREAM_END_EVENT)
			return rc;
	}
}

int config_yaml_parse(const char *file, const char *text, size_t len, struct yaml_doc *doc, soldr_error *err)
{
	*doc = (struct yaml_doc){0};
	int rc = check_bytes(file, text, len, err);
	if (rc)
		return rc;
	struct walk w = {.text = text, .text_len = len, .at = {CONFIG_FROM_FILE, file, 1, 1}, .doc = doc, .err = err};
	if (!yaml_parser_initialize(&w.parser))
		return config_no_memory(err);
	yaml_parser_set_encoding(&w.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&w.parser, (const unsigned char *)text, len);
	rc = walk_stream(&w);
	yaml_parser_delete(&w.parser);
	buf_release(&w.path);
	set_release(&w.seen);
	if (rc)
		config_yaml_release(doc);
	return rc;
}

void config_yaml_release(struct yaml_doc *doc)
{
	for (size_t i = 0; i < doc->len; i++) {
		free(doc->items[i].key);
		free(doc->items[i].value);
	}
	free(doc->items);
	*doc = (struct yaml_doc){0};
}

/* ---- text out -------------------------------------------------------------------------------- */

void config_yaml_quote(struct buf *out, const char *value)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-";
	if (*value && !strchr("-+.", *value) && value[strspn(value, safe)] == 0) {
		buf_adds(out, value);
		return;
	}
	buf_addc(out, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_addf(out, "\\%c", *value);
		else if ((unsigned char)*value < 0x20 || *value == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned)*value);
		else
			buf_addc(out, *value);
	}
	buf_addc(out, '"');
}
