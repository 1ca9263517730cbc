/* differ: see differ.h. */
#include "differ.h"

#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the nearest ------------------------------------------------------------------------ */

static unsigned distance(const struct past *a, const struct past *b)
{
	unsigned apart = strcmp(past_text(a, PAST_OUTPUT), past_text(b, PAST_OUTPUT)) != 0 ? KEY_GROUPS + 1 : 0;
	for (int g = 0; g < KEY_GROUPS; g++)
		apart += !digest_equal(&a->key.group[g], &b->key.group[g]);
	return digest_equal(&a->key.direct, &b->key.direct) ? 0 : apart;
}

const struct past *differ_nearest(const struct past *now, const struct history *others)
{
	const struct past *nearest = NULL;
	for (size_t i = 0; i < others->count; i++)
		if (!nearest || distance(now, &others->items[i]) < distance(now, nearest))
			nearest = &others->items[i];
	return nearest;
}

/* ---- options ------------------------------------------------------------------------------ */

static bool same_fact(const struct facts *a, size_t i, const struct facts *b, size_t k)
{
	return memcmp(facts_digest(a, i), facts_digest(b, k), DIGEST_SIZE) == 0;
}

/* What is the same in -DX=1, -DX=2 and -DX, or in -O1 and -O2. */
static size_t name_len(const char *option)
{
	return strncmp(option, "-O", 2) == 0 ? 2 : strcspn(option, "=");
}

static bool same_name(const char *a, const char *b)
{
	size_t n = name_len(a);
	return n == name_len(b) && strncmp(a, b, n) == 0;
}

/* Marks what both lists have, each item once. */
static void match(const struct facts *a, bool *in_b, const struct facts *b, bool *in_a)
{
	for (size_t i = 0; i < a->names.len; i++)
		for (size_t k = 0; k < b->names.len && !in_b[i]; k++)
			if (!in_a[k] && same_fact(a, i, b, k))
				in_b[i] = in_a[k] = true;
}

static void tell_options(struct past *now, const struct past *old, bool *kept, bool *known)
{
	const struct vec *was = &old->options.names, *is = &now->options.names;
	for (size_t i = 0; i < was->len; i++) {
		for (size_t k = 0; k < is->len && !kept[i]; k++)
			if (!known[k] && same_name(was->items[i], is->items[k])) {
				past_differ(now, "option_changed", is->items[k], was->items[i], is->items[k]);
				kept[i] = known[k] = true;
			}
		if (!kept[i])
			past_differ(now, "option_removed", was->items[i], NULL, NULL);
	}
	for (size_t k = 0; k < is->len; k++)
		if (!known[k])
			past_differ(now, "option_added", is->items[k], NULL, NULL);
}

static void differ_options(struct past *now, const struct past *old)
{
	static const char *const fixed[PAST_FIXED] = {"compiler", "action", "language", "depfile"};
	bool kept[HISTORY_FACTS_MAX] = {false}, known[HISTORY_FACTS_MAX] = {false};
	for (size_t i = 0; i < PAST_FIXED; i++)
		if (now->fixed[i] != old->fixed[i])
			past_differ(now, fixed[i], NULL, NULL, NULL);
	size_t told = now->differences.len, len = now->options.names.len;
	match(&old->options, kept, &now->options, known);
	tell_options(now, old, kept, known);
	if (told != now->differences.len || len != old->options.names.len)
		return;
	for (size_t i = 0; i < len; i++)
		if (!same_fact(&now->options, i, &old->options, i)) {
			past_differ(now, "option_order", now->options.names.items[i], NULL, NULL);
			return;
		}
}

/* ---- variables ------------------------------------------------------------------------------ */

static size_t find(const struct vec *names, const char *name)
{
	size_t i = 0;
	while (i < names->len && strcmp(names->items[i], name) != 0)
		i++;
	return i;
}

static const char *hex_at(const struct facts *f, size_t i, char hex[DIGEST_HEX_SIZE])
{
	struct digest d;
	if (i == f->names.len)
		return "unset";
	memcpy(d.bytes, facts_digest(f, i), DIGEST_SIZE);
	digest_hex(&d, hex);
	return hex;
}

static void differ_variable(struct past *now, const struct past *old, const char *name)
{
	char before[DIGEST_HEX_SIZE], after[DIGEST_HEX_SIZE];
	const struct facts *was = &old->variables, *is = &now->variables;
	size_t i = find(&was->names, name), k = find(&is->names, name);
	if (i == was->names.len || k == is->names.len || !same_fact(was, i, is, k))
		past_differ(now, "environment", name, hex_at(was, i, before), hex_at(is, k, after));
}

static void differ_variables(struct past *now, const struct past *old)
{
	for (size_t i = 0; i < now->variables.names.len; i++)
		differ_variable(now, old, now->variables.names.items[i]);
	for (size_t i = 0; i < old->variables.names.len; i++)
		if (find(&now->variables.names, old->variables.names.items[i]) == now->variables.names.len)
			differ_variable(now, old, old->variables.names.items[i]);
}

/* ---- the key ---------------------------------------------------------------------------------- */

static void differ_text(struct past *now, const struct past *old, enum past_text which, const char *kind)
{
	if (strcmp(past_text(now, which), past_text(old, which)) != 0)
		past_differ(now, kind, past_text(now, which), past_text(old, which), past_text(now, which));
}

static void differ_source(struct past *now, const struct past *old)
{
	char before[DIGEST_HEX_SIZE], after[DIGEST_HEX_SIZE];
	differ_text(now, old, PAST_SOURCE, "source_renamed");
	if (digest_equal(&now->source, &old->source))
		return;
	digest_hex(&old->source, before);
	digest_hex(&now->source, after);
	past_differ(now, "source_edited", past_text(now, PAST_SOURCE), before, after);
}

static void differ_group(struct past *now, const struct past *old, enum key_group g)
{
	switch (g) {
	case KEY_COMPILER:
		differ_text(now, old, PAST_COMPILER, "compiler");
		differ_text(now, old, PAST_PROGRAM, "compiler");
		differ_text(now, old, PAST_TOOLS, "tools");
		break;
	case KEY_OPTIONS:
		differ_options(now, old);
		break;
	case KEY_ENVIRONMENT:
		break; /* told before */
	case KEY_DIRECTORY:
		differ_text(now, old, PAST_DIRECTORY, "directory");
		break;
	case KEY_OUTPUT:
		differ_text(now, old, PAST_OUTPUT, "output");
		break;
	case KEY_SOURCE:
		differ_source(now, old);
		break;
	case KEY_GROUPS:
		break;
	}
}

void differ_key(struct past *now, const struct past *old)
{
	/* Of rustc some variables are among the options. */
	if (!digest_equal(&now->key.group[KEY_ENVIRONMENT], &old->key.group[KEY_ENVIRONMENT]) ||
	    !digest_equal(&now->key.group[KEY_OPTIONS], &old->key.group[KEY_OPTIONS]))
		differ_variables(now, old);
	bool variables = now->differences.len > 0;
	for (int g = 0; g < KEY_GROUPS; g++) {
		size_t told = now->differences.len;
		if (digest_equal(&now->key.group[g], &old->key.group[g]))
			continue;
		differ_group(now, old, (enum key_group)g);
		if (told == now->differences.len && !(variables && (g == KEY_ENVIRONMENT || g == KEY_OPTIONS)))
			past_differ(now, "key", key_group_name((enum key_group)g), NULL, NULL);
	}
}

/* ---- inputs ------------------------------------------------------------------------------------- */

static const char *kind_of_change(uint32_t flags)
{
	if (flags & (INPUT_VARIABLE | INPUT_BASE))
		return "variable_changed";
	return flags & INPUT_COMPILER ? "program_changed" : "input_changed";
}

/* Two paths of one input: where it lies below the root is not what it is. */
static bool same_input(const struct state *s, const struct now_input *n)
{
	const uint32_t what = INPUT_IN_BASE | INPUT_VARIABLE | INPUT_BASE;
	return (s->flags & what) == (n->flags & what) && strcmp(s->path, n->path) == 0;
}

static int by_path(const void *left, const void *right)
{
	const struct now_input *const *a = left, *const *b = right;
	return strcmp((*a)->path, (*b)->path);
}

static int path_to_input(const void *path, const void *item)
{
	const struct now_input *const *n = item;
	return strcmp(path, (*n)->path);
}

/* The new input that has the old one's name in another directory; NULL: none. */
static const struct now_input *find_shadow(const struct manifest *m, const struct candidate *c, const struct state *s,
                                           const struct now_input *inputs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool is_new = strcmp(path_base(inputs[i].path), path_base(s->path)) == 0;
		for (uint32_t k = 0; k < c->input_count && is_new; k++)
			is_new = !same_input(&m->states[c->inputs[k]], &inputs[i]);
		if (is_new)
			return &inputs[i];
	}
	return NULL;
}

static void tell_missing(struct past *now, const struct manifest *m, const struct candidate *c, const struct state *s,
                         const struct now_input *inputs, size_t count)
{
	const struct now_input *shadow = find_shadow(m, c, s, inputs, count);
	if (shadow)
		past_differ(now, "input_shadowed", shadow->path, s->path, shadow->path);
	else
		past_differ(now, "input_gone", s->path, NULL, NULL);
}

static bool is_told_as_shadow(const struct past *now, const char *path)
{
	for (size_t d = 0; d < now->differences.len; d += DIFFERENCE_STRINGS)
		if (strcmp(now->differences.items[d], "input_shadowed") == 0 && strcmp(now->differences.items[d + 1], path) == 0)
			return true;
	return false;
}

static void tell_added(struct past *now, const struct manifest *m, const struct candidate *c, const struct now_input *inputs, size_t count)
{
	struct vec known = VEC_INIT;
	for (uint32_t k = 0; k < c->input_count; k++)
		vec_add(&known, m->states[c->inputs[k]].path);
	if (vec_ok(&known) && known.len)
		qsort(known.items, known.len, sizeof *known.items, vec_order);
	for (size_t i = 0; i < count && vec_ok(&known) && !past_is_full(now); i++) {
		const char *path = inputs[i].path;
		bool had = known.len && bsearch(&path, known.items, known.len, sizeof *known.items, vec_order);
		if (!had && !is_told_as_shadow(now, path))
			past_differ(now, "input_added", path, NULL, NULL);
	}
	vec_release(&known);
}

/* The inputs in the order of their paths, to be searched; NULL: memory is out. */
static const struct now_input **sort_inputs(const struct now_input *inputs, size_t count)
{
	const struct now_input **sorted = calloc(count + 1, sizeof *sorted);
	for (size_t i = 0; sorted && i < count; i++)
		sorted[i] = &inputs[i];
	if (sorted && count)
		qsort(sorted, count, sizeof *sorted, by_path);
	return sorted;
}

static const struct now_input *find_input(const struct now_input *const *sorted, size_t count, const struct state *s)
{
	const struct now_input *const *at = bsearch(s->path, sorted, count, sizeof *sorted, path_to_input);
	return at && same_input(s, *at) ? *at : NULL;
}

const struct candidate *differ_nearest_candidate(const struct manifest *m, const struct now_input *inputs, size_t count)
{
	const struct now_input **sorted = sort_inputs(inputs, count);
	const struct candidate *nearest = NULL;
	uint32_t least = UINT32_MAX;
	for (uint32_t i = 0; sorted && i < m->candidate_count; i++) {
		const struct candidate *c = &m->candidates[i];
		uint32_t apart = 0;
		for (uint32_t k = 0; k < c->input_count && apart < least; k++) {
			const struct state *s = &m->states[c->inputs[k]];
			const struct now_input *now = find_input(sorted, count, s);
			apart += !now || !digest_equal(&s->digest, &now->digest);
		}
		if (apart < least) {
			least = apart;
			nearest = c;
		}
	}
	free(sorted);
	return nearest;
}

void differ_inputs(struct past *now, const struct manifest *m, const struct candidate *old, const struct now_input *inputs, size_t count, bool both)
{
	const struct now_input **sorted = sort_inputs(inputs, count);
	for (uint32_t i = 0; sorted && i < old->input_count && !past_is_full(now); i++) {
		const struct state *s = &m->states[old->inputs[i]];
		const struct now_input *at = find_input(sorted, count, s);
		char before[DIGEST_HEX_SIZE], after[DIGEST_HEX_SIZE];
		if (at && !digest_equal(&s->digest, &at->digest)) {
			digest_hex(&s->digest, before);
			digest_hex(&at->digest, after);
			past_differ(now, kind_of_change(s->flags), *s->path ? s->path : "the output directory", before, after);
		} else if (!at && !both) {
			tell_missing(now, m, old, s, inputs, count);
		}
	}
	if (sorted && !both)
		tell_added(now, m, old, inputs, count);
	free(sorted);
}
