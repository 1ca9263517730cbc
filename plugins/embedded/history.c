/* history: see history.h. */
#include "history.h"

#include "sealed.h"

#include <string.h>

static const char origin[] = "embedded";
static const char magic[SEALED_MAGIC_SIZE] = {'S', 'L', 'D', 'R', 'H', 'I', 'S', 0};

void facts_add(struct facts *f, const char *name, const struct digest *d)
{
	if (f->names.len == HISTORY_FACTS_MAX)
		return;
	vec_addn(&f->names, name, strnlen(name, HISTORY_TEXT_MAX));
	buf_add(&f->digests, d->bytes, DIGEST_SIZE);
}

const unsigned char *facts_digest(const struct facts *f, size_t i)
{
	return (const unsigned char *)f->digests.data + i * DIGEST_SIZE;
}

static void facts_release(struct facts *f)
{
	vec_release(&f->names);
	buf_release(&f->digests);
}

void past_release(struct past *p)
{
	vec_release(&p->texts);
	facts_release(&p->options);
	facts_release(&p->variables);
	vec_release(&p->differences);
}

void past_add_text(struct past *p, const char *text)
{
	vec_addn(&p->texts, text ? text : "", text ? strnlen(text, HISTORY_TEXT_MAX) : 0);
}

void past_differ(struct past *p, const char *kind, const char *what, const char *old, const char *now)
{
	const char *const all[DIFFERENCE_STRINGS] = {kind, what, old, now};
	if (past_is_full(p))
		return;
	for (int i = 0; i < DIFFERENCE_STRINGS; i++)
		vec_addn(&p->differences, all[i] ? all[i] : "", all[i] ? strnlen(all[i], HISTORY_TEXT_MAX) : 0);
}

void history_release(struct history *h)
{
	for (size_t i = 0; i < h->count; i++)
		past_release(&h->items[i]);
	h->count = 0;
}

void history_key(const char *path, struct digest *key)
{
	struct hasher h;
	hasher_init(&h);
	hasher_field_str(&h, "history", path);
	hasher_end(&h, key);
}

/* ---- one compile as bytes ---------------------------------------------------------------- */

static void add_list(struct buf *b, const struct vec *list)
{
	buf_add_u32(b, (uint32_t)list->len);
	for (size_t i = 0; i < list->len; i++)
		buf_add_str(b, list->items[i], strlen(list->items[i]));
}

static void add_facts(struct buf *b, const struct facts *f)
{
	add_list(b, &f->names);
	buf_add(b, f->digests.data, f->digests.len);
}

static void add_past(struct buf *b, const struct past *p)
{
	buf_add_u64(b, (uint64_t)p->when_ns);
	buf_add_u64(b, (uint64_t)p->against_ns);
	buf_add(b, p->key.direct.bytes, DIGEST_SIZE);
	for (int g = 0; g < KEY_GROUPS; g++)
		buf_add(b, p->key.group[g].bytes, DIGEST_SIZE);
	buf_add(b, p->result.bytes, DIGEST_SIZE);
	buf_add(b, p->source.bytes, DIGEST_SIZE);
	buf_add(b, p->fixed, sizeof p->fixed);
	add_list(b, &p->texts);
	add_facts(b, &p->options);
	add_facts(b, &p->variables);
	add_list(b, &p->differences);
}

static void take_bytes(struct reader *r, void *to, size_t len)
{
	const void *from = reader_take(r, len);
	if (from)
		memcpy(to, from, len);
}

static void take_list(struct reader *r, struct vec *list, size_t most)
{
	uint32_t n = reader_u32(r);
	if (n > most)
		r->failed = true;
	for (uint32_t i = 0; i < n && !r->failed; i++) {
		size_t len;
		const char *text = reader_str(r, &len);
		if (text && len <= HISTORY_TEXT_MAX && !memchr(text, 0, len))
			vec_addn(list, text, len);
		else
			r->failed = true;
	}
	r->failed = r->failed || !vec_ok(list);
}

static void take_facts(struct reader *r, struct facts *f)
{
	take_list(r, &f->names, HISTORY_FACTS_MAX);
	size_t len = f->names.len * DIGEST_SIZE;
	const void *from = r->failed ? NULL : reader_take(r, len);
	if (from)
		buf_add(&f->digests, from, len);
	r->failed = r->failed || f->digests.len != len;
}

static bool take_past(struct reader *r, struct past *p)
{
	p->when_ns = (int64_t)reader_u64(r);
	p->against_ns = (int64_t)reader_u64(r);
	take_bytes(r, p->key.direct.bytes, DIGEST_SIZE);
	for (int g = 0; g < KEY_GROUPS; g++)
		take_bytes(r, p->key.group[g].bytes, DIGEST_SIZE);
	take_bytes(r, p->result.bytes, DIGEST_SIZE);
	take_bytes(r, p->source.bytes, DIGEST_SIZE);
	take_bytes(r, p->fixed, sizeof p->fixed);
	take_list(r, &p->texts, PAST_TEXTS);
	take_facts(r, &p->options);
	take_facts(r, &p->variables);
	take_list(r, &p->differences, (size_t)HISTORY_DIFFERENCES_MAX * DIFFERENCE_STRINGS);
	return !r->failed && p->texts.len == PAST_TEXTS && p->differences.len % DIFFERENCE_STRINGS == 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

int history_decode(struct history *h, const struct buf *file, const struct digest *key, soldr_error *err)
{
	struct reader r;
	h->count = 0;
	const char *wrong = sealed_open(file, magic, HISTORY_FORMAT, key, &r);
	uint32_t n = wrong ? 0 : reader_u32(&r);
	if (!wrong && (r.failed || n > HISTORY_MAX))
		wrong = "it is cut or too long";
	for (uint32_t i = 0; i < n && !wrong; i++) {
		h->items[i] = (struct past){0};
		h->count++;
		if (!take_past(&r, &h->items[i]))
			wrong = "it is cut or too long";
	}
	if (!wrong && r.at != r.end)
		wrong = "there is more behind its end";
	if (!wrong)
		return 0;
	history_release(h);
	return err_set(err, SOLDR_E_CORRUPT, 0, origin, E703_HISTORY_DAMAGED, wrong);
}

/* The others that stay: those with one output only as long as they are few. */
static size_t choose(const struct past *newest, const struct history *others, const struct past *kept[HISTORY_MAX])
{
	size_t count = 0;
	kept[count++] = newest;
	for (size_t i = 0; i < others->count && count < HISTORY_MAX; i++) {
		const struct past *p = &others->items[i];
		int alike = 0;
		for (size_t k = 0; k < count; k++)
			alike += strcmp(past_text(kept[k], PAST_OUTPUT), past_text(p, PAST_OUTPUT)) == 0;
		if (alike < HISTORY_OUTPUT_MAX)
			kept[count++] = p;
	}
	return count;
}

int history_encode(const struct past *newest, const struct history *others, const struct digest *key, struct buf *out, soldr_error *err)
{
	const struct past *kept[HISTORY_MAX];
	struct buf body = BUF_INIT;
	size_t count = choose(newest, others, kept), fitting = 0, len = 0;
	for (; fitting < count; fitting++) {
		add_past(&body, kept[fitting]);
		if (body.len > HISTORY_BYTES_MAX)
			break;
		len = body.len;
	}
	sealed_begin(out, magic, HISTORY_FORMAT, key);
	buf_add_u32(out, (uint32_t)fitting);
	buf_add(out, buf_str(&body), len);
	bool good = buf_ok(&body) && sealed_end(out);
	buf_release(&body);
	return good ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}
