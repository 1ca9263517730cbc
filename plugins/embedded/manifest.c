/* manifest: the file format and the making of new ones; matching is in match.c. */
#include "manifest.h"

#include "fnv.h"
#include "sealed.h"

#include <stdlib.h>
#include <string.h>

static const char origin[] = "embedded";
static const char magic[SEALED_MAGIC_SIZE] = {'S', 'L', 'D', 'R', 'M', 'A', 'N', 0};

static int damaged(soldr_error *err, const char *what)
{
	return err_set(err, SOLDR_E_CORRUPT, 0, origin, E702_MANIFEST_DAMAGED, what);
}

void manifest_release(struct manifest *m)
{
	for (uint32_t i = 0; i < m->candidate_count; i++) {
		free(m->candidates[i].inputs);
		free(m->candidates[i].guards);
	}
	for (uint32_t i = 0; i < m->guard_count; i++)
		free(m->guards[i].names);
	free(m->candidates);
	free(m->states);
	free(m->guards);
	free(m->names);
	vec_release(&m->paths);
	buf_release(&m->file);
	*m = MANIFEST_INIT;
}

/* ---- reading ------------------------------------------------------------------- */

/* Strings are stored with their NUL, so that they can be used where they lie. */
static const char *read_string(struct reader *r)
{
	size_t len;
	const char *s = reader_str(r, &len);
	if (!s || len == 0 || s[len - 1] != 0 || memchr(s, 0, len - 1)) {
		r->failed = true;
		return "";
	}
	return s;
}

static void read_bytes(struct reader *r, void *to, size_t len)
{
	const void *p = reader_take(r, len);
	if (p)
		memcpy(to, p, len);
}

static void read_tuple(struct reader *r, struct tuple *t)
{
	t->dev = reader_u64(r);
	t->ino = reader_u64(r);
	t->size = reader_u64(r);
	t->mtime_ns = (int64_t)reader_u64(r);
	t->ctime_ns = (int64_t)reader_u64(r);
}

/* An array of count items; NULL (and the reader failed) when count cannot be true. */
static void *read_array(struct reader *r, uint32_t count, size_t item, size_t least_bytes)
{
	if (count > MANIFEST_INPUTS_MAX || (uint64_t)count * least_bytes > (uint64_t)(r->end - r->at)) {
		r->failed = true;
		return NULL;
	}
	void *p = calloc(count ? count : 1, item);
	if (!p)
		r->failed = true;
	return p;
}

static uint32_t *read_indexes(struct reader *r, uint32_t *count, uint32_t limit)
{
	*count = reader_u32(r);
	uint32_t *list = read_array(r, *count, sizeof *list, 4);
	for (uint32_t i = 0; list && i < *count; i++) {
		list[i] = reader_u32(r);
		if (list[i] >= limit)
			r->failed = true;
	}
	return list;
}

static void read_body(struct reader *r, struct manifest *m)
{
	read_bytes(r, m->group, sizeof m->group);
	m->state_count = reader_u32(r);
	m->states = read_array(r, m->state_count, sizeof *m->states, 4 + 4 + DIGEST_SIZE + 40);
	for (uint32_t i = 0; !r->failed && i < m->state_count; i++) {
		struct state *s = &m->states[i];
		s->path = read_string(r);
		s->flags = reader_u32(r);
		read_bytes(r, s->digest.bytes, DIGEST_SIZE);
		read_tuple(r, &s->tuple);
	}
	m->name_count = reader_u32(r);
	m->names = read_array(r, m->name_count, sizeof *m->names, 4);
	for (uint32_t i = 0; !r->failed && i < m->name_count; i++)
		m->names[i] = read_string(r);
	uint32_t guards = reader_u32(r);
	m->guards = read_array(r, guards, sizeof *m->guards, 4 + 4 + 4 + 40 + 4);
	for (uint32_t i = 0; !r->failed && i < guards; i++) {
		struct guard *g = &m->guards[i];
		m->guard_count = i + 1;
		g->path = read_string(r);
		g->exists = reader_u32(r);
		g->flags = reader_u32(r);
		read_tuple(r, &g->tuple);
		g->names = read_indexes(r, &g->name_count, m->name_count);
	}
	uint32_t count = reader_u32(r);
	m->candidates = count <= MANIFEST_CANDIDATES_MAX ? read_array(r, count, sizeof *m->candidates, 3 * DIGEST_SIZE + 16) : NULL;
	for (uint32_t i = 0; m->candidates && !r->failed && i < count; i++) {
		struct candidate *c = &m->candidates[i];
		m->candidate_count = i + 1;
		read_bytes(r, c->result.bytes, DIGEST_SIZE);
		c->any_terminal = reader_u32(r);
		read_bytes(r, c->terminal.bytes, DIGEST_SIZE);
		read_bytes(r, c->root.bytes, DIGEST_SIZE);
		c->shared = reader_u32(r);
		c->inputs = read_indexes(r, &c->input_count, m->state_count);
		c->guards = read_indexes(r, &c->guard_count, m->guard_count);
	}
	if (!m->candidates || m->candidate_count != count)
		r->failed = true;
}

int manifest_decode(struct manifest *m, const struct digest *key, soldr_error *err)
{
	struct buf *f = &m->file;
	struct reader r;
	const char *wrong = sealed_open(f, magic, MANIFEST_FORMAT, key, &r);
	if (wrong)
		return damaged(err, wrong);
	read_body(&r, m);
	return r.failed || r.at != r.end ? damaged(err, "its lists do not fit together") : 0;
}

/* The whole path, kept by the manifest; rest itself when memory is out, and then vec_ok() tells. */
static const char *put_root(struct manifest *m, const char *rest)
{
	vec_addf(&m->paths, "%s%s", m->root, rest);
	return vec_ok(&m->paths) ? m->paths.items[m->paths.len - 1] : rest;
}

int manifest_settle(struct manifest *m, const char *root, const struct digest *id)
{
	m->root = root;
	m->root_id = *id;
	size_t len = strlen(root);
	for (uint32_t i = 0; i < m->state_count; i++) {
		struct state *s = &m->states[i];
		if (s->flags & INPUT_BELOW_ROOT) {
			s->path = put_root(m, s->path);
			s->root_len = len;
		}
	}
	for (uint32_t i = 0; i < m->guard_count; i++) {
		struct guard *g = &m->guards[i];
		if (g->flags & INPUT_BELOW_ROOT) {
			g->path = put_root(m, g->path);
			g->root_len = len;
		}
	}
	return vec_ok(&m->paths) ? 0 : -1;
}

/* ---- writing -------------------------------------------------------------------- */

static void add_string(struct buf *b, const char *s)
{
	buf_add_str(b, s, strlen(s) + 1);
}

static void add_tuple(struct buf *b, const struct tuple *t)
{
	buf_add_u64(b, t->dev);
	buf_add_u64(b, t->ino);
	buf_add_u64(b, t->size);
	buf_add_u64(b, (uint64_t)t->mtime_ns);
	buf_add_u64(b, (uint64_t)t->ctime_ns);
}

static void add_indexes(struct buf *b, const uint32_t *list, uint32_t count)
{
	buf_add_u32(b, count);
	for (uint32_t i = 0; i < count; i++)
		buf_add_u32(b, list[i]);
}

int manifest_encode(const struct manifest *m, const struct digest *key, struct buf *out, soldr_error *err)
{
	sealed_begin(out, magic, MANIFEST_FORMAT, key);
	buf_add(out, m->group, sizeof m->group);
	buf_add_u32(out, m->state_count);
	for (uint32_t i = 0; i < m->state_count; i++) {
		const struct state *s = &m->states[i];
		add_string(out, s->path + s->root_len);
		buf_add_u32(out, s->flags);
		buf_add(out, s->digest.bytes, DIGEST_SIZE);
		add_tuple(out, &s->tuple);
	}
	buf_add_u32(out, m->name_count);
	for (uint32_t i = 0; i < m->name_count; i++)
		add_string(out, m->names[i]);
	buf_add_u32(out, m->guard_count);
	for (uint32_t i = 0; i < m->guard_count; i++) {
		const struct guard *g = &m->guards[i];
		add_string(out, g->path + g->root_len);
		buf_add_u32(out, g->exists);
		buf_add_u32(out, g->flags);
		add_tuple(out, &g->tuple);
		add_indexes(out, g->names, g->name_count);
	}
	buf_add_u32(out, m->candidate_count);
	for (uint32_t i = 0; i < m->candidate_count; i++) {
		const struct candidate *c = &m->candidates[i];
		buf_add(out, c->result.bytes, DIGEST_SIZE);
		buf_add_u32(out, c->any_terminal);
		buf_add(out, c->terminal.bytes, DIGEST_SIZE);
		buf_add(out, c->root.bytes, DIGEST_SIZE);
		buf_add_u32(out, c->shared);
		add_indexes(out, c->inputs, c->input_count);
		add_indexes(out, c->guards, c->guard_count);
	}
	return sealed_end(out) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

/* ---- a new candidate in front ------------------------------------------------------ */

static bool same_state(const struct state *a, const struct state *b)
{
	return a->flags == b->flags && tuple_equal(&a->tuple, &b->tuple) && digest_equal(&a->digest, &b->digest) &&
	       strcmp(a->path, b->path) == 0;
}

/* Where states and names that are there already are found: numbers of items, from 1 on; 0 is free. */
struct lookup {
	uint32_t *slots;
	size_t mask;
};

/* What a new manifest is made with. */
struct making {
	struct manifest m;
	struct lookup states, names;
};

static bool lookup_open(struct lookup *l, uint64_t items)
{
	size_t size = 64;
	while (size < 2 * items)
		size *= 2;
	l->slots = calloc(size, sizeof *l->slots);
	l->mask = size - 1;
	return l->slots;
}

static uint64_t state_hash(const struct state *s)
{
	uint64_t head;
	memcpy(&head, s->digest.bytes, sizeof head);
	return (fnv_str(s->path) ^ head ^ (uint64_t)s->tuple.ctime_ns ^ s->tuple.ino << 32) * FNV_PRIME;
}

/* Index of an equal state, or of a new one. */
static uint32_t put_state(struct making *k, const struct state *s)
{
	struct manifest *m = &k->m;
	uint64_t h = state_hash(s);
	size_t at = (size_t)(h ^ h >> 32) & k->states.mask;
	for (; k->states.slots[at]; at = (at + 1) & k->states.mask)
		if (same_state(&m->states[k->states.slots[at] - 1], s))
			return k->states.slots[at] - 1;
	m->states[m->state_count] = *s;
	k->states.slots[at] = ++m->state_count;
	return m->state_count - 1;
}

static uint32_t put_name(struct making *k, const char *name)
{
	struct manifest *m = &k->m;
	uint64_t h = fnv_str(name);
	size_t at = (size_t)(h ^ h >> 32) & k->names.mask;
	for (; k->names.slots[at]; at = (at + 1) & k->names.mask)
		if (strcmp(m->names[k->names.slots[at] - 1], name) == 0)
			return k->names.slots[at] - 1;
	m->names[m->name_count] = name;
	k->names.slots[at] = ++m->name_count;
	return m->name_count - 1;
}

static bool same_guard(const struct guard *a, const struct guard *b)
{
	return a->exists == b->exists && a->flags == b->flags && a->name_count == b->name_count && tuple_equal(&a->tuple, &b->tuple) &&
	       strcmp(a->path, b->path) == 0 && memcmp(a->names, b->names, a->name_count * sizeof *a->names) == 0;
}

/* Takes g->names. */
static uint32_t put_guard(struct manifest *m, const struct guard *g)
{
	for (uint32_t i = 0; i < m->guard_count; i++)
		if (same_guard(&m->guards[i], g)) {
			free(g->names);
			return i;
		}
	m->guards[m->guard_count] = *g;
	return m->guard_count++;
}

static bool put_new(struct making *k, const struct candidate_input *in)
{
	struct manifest *m = &k->m;
	struct candidate *c = &m->candidates[m->candidate_count];
	c->result = in->result;
	c->any_terminal = in->any_terminal;
	c->terminal = in->terminal;
	c->root = in->root;
	c->shared = in->shared;
	c->inputs = calloc(in->state_count + 1, sizeof *c->inputs);
	c->guards = calloc(in->guard_count + 1, sizeof *c->guards);
	m->candidate_count++;
	if (!c->inputs || !c->guards)
		return false;
	for (uint32_t i = 0; i < in->state_count; i++)
		c->inputs[c->input_count++] = put_state(k, &in->states[i]);
	for (uint32_t i = 0; i < in->guard_count; i++) {
		const struct guard_input *g = &in->guards[i];
		struct guard made = {g->path, g->root_len, g->exists, g->flags, g->tuple, NULL, 0};
		made.names = calloc(g->name_count + 1, sizeof *made.names);
		if (!made.names)
			return false;
		while (made.name_count < g->name_count) {
			made.names[made.name_count] = put_name(k, g->names[made.name_count]);
			made.name_count++;
		}
		c->guards[c->guard_count++] = put_guard(m, &made);
	}
	return true;
}

static bool put_old(struct making *k, const struct manifest *old, const struct candidate *from)
{
	struct manifest *m = &k->m;
	struct candidate *c = &m->candidates[m->candidate_count];
	*c = (struct candidate){.result = from->result, .any_terminal = from->any_terminal, .terminal = from->terminal,
	                        .root = from->root, .shared = from->shared};
	c->inputs = calloc(from->input_count + 1, sizeof *c->inputs);
	c->guards = calloc(from->guard_count + 1, sizeof *c->guards);
	m->candidate_count++;
	if (!c->inputs || !c->guards)
		return false;
	for (uint32_t i = 0; i < from->input_count; i++)
		c->inputs[c->input_count++] = put_state(k, &old->states[from->inputs[i]]);
	for (uint32_t i = 0; i < from->guard_count; i++) {
		const struct guard *g = &old->guards[from->guards[i]];
		struct guard made = *g;
		made.names = calloc(g->name_count + 1, sizeof *made.names);
		if (!made.names)
			return false;
		for (uint32_t n = 0; n < g->name_count; n++)
			made.names[n] = put_name(k, old->names[g->names[n]]);
		c->guards[c->guard_count++] = put_guard(m, &made);
	}
	return true;
}

int manifest_encode_with(const struct manifest *old, const struct candidate_input *in, uint32_t max_candidates,
                         const struct key *key, struct buf *out, soldr_error *err)
{
	struct making k = {0};
	struct manifest *m = &k.m;
	uint64_t names = old ? old->name_count : 0, states = (uint64_t)in->state_count + (old ? old->state_count : 0);
	for (uint32_t i = 0; i < in->guard_count; i++)
		names += in->guards[i].name_count;
	memcpy(m->group, key->group, sizeof m->group);
	m->states = calloc((size_t)states + 1, sizeof *m->states);
	m->guards = calloc(in->guard_count + (old ? old->guard_count : 0) + 1, sizeof *m->guards);
	m->names = calloc((size_t)names + 1, sizeof *m->names);
	m->candidates = calloc((old ? old->candidate_count : 0) + 1, sizeof *m->candidates);
	bool ok = m->states && m->guards && m->names && m->candidates && lookup_open(&k.states, states) && lookup_open(&k.names, names) &&
	          put_new(&k, in);
	for (uint32_t i = 0; ok && old && i < old->candidate_count && m->candidate_count < max_candidates; i++) {
		const struct candidate *c = &old->candidates[i];
		bool same = digest_equal(&c->result, &in->result) && c->any_terminal == in->any_terminal &&
		            digest_equal(&c->terminal, &in->terminal) && digest_equal(&c->root, &in->root);
		if (!same)
			ok = put_old(&k, old, c);
	}
	int rc = ok ? manifest_encode(m, &key->direct, out, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	free(k.states.slots);
	free(k.names.slots);
	manifest_release(m);
	return rc;
}
