/* header_record: see header_record.h. */
#include "header_record.h"

#include "sealed.h"

#include <stdlib.h>
#include <string.h>

static const char magic[SEALED_MAGIC_SIZE] = {'S', 'L', 'D', 'R', 'P', 'C', 'H', 0};

enum { PIECE_WORDS = sizeof((struct scan_pieces){0}.bits) / sizeof(uint64_t) };

bool header_record_encode(const struct header_record *h, const struct digest *key, struct buf *out)
{
	sealed_begin(out, magic, HEADER_RECORD_FORMAT, key);
	buf_add_u32(out, h->flags);
	for (size_t i = 0; i < PIECE_WORDS; i++)
		buf_add_u64(out, h->pieces.bits[i]);
	buf_add_u32(out, h->timed);
	buf_add_u32(out, (uint32_t)h->wrappers.len);
	for (size_t i = 0; i < h->wrappers.len; i++)
		buf_add_str(out, h->wrappers.items[i], strlen(h->wrappers.items[i]));
	buf_add_u32(out, (uint32_t)h->paths.len);
	for (size_t i = 0; i < h->paths.len; i++) {
		buf_add_str(out, h->paths.items[i], strlen(h->paths.items[i]));
		buf_add(out, h->digests[i].bytes, DIGEST_SIZE);
	}
	return sealed_end(out);
}

static void read_string(struct reader *r, struct vec *to)
{
	size_t len;
	const char *s = reader_str(r, &len);
	if (s && !memchr(s, 0, len))
		vec_addn(to, s, len);
	else
		r->failed = true;
}

static uint32_t read_count(struct reader *r)
{
	uint32_t count = reader_u32(r);
	if (count > HEADER_RECORD_INPUTS_MAX)
		r->failed = true;
	return r->failed ? 0 : count;
}

int header_record_decode(struct header_record *h, const struct buf *file, const struct digest *key)
{
	struct reader r;
	if (sealed_open(file, magic, HEADER_RECORD_FORMAT, key, &r))
		return -1;
	h->flags = reader_u32(&r);
	for (size_t i = 0; i < PIECE_WORDS; i++)
		h->pieces.bits[i] = reader_u64(&r);
	h->timed = reader_u32(&r) != 0;
	for (uint32_t n = read_count(&r); n > 0 && !r.failed; n--)
		read_string(&r, &h->wrappers);
	uint32_t count = read_count(&r);
	h->digests = calloc((size_t)count + 1, sizeof *h->digests);
	for (uint32_t i = 0; h->digests && i < count && !r.failed; i++) {
		read_string(&r, &h->paths);
		const void *digest = reader_take(&r, DIGEST_SIZE);
		if (digest)
			memcpy(h->digests[i].bytes, digest, DIGEST_SIZE);
	}
	bool whole = h->digests && !r.failed && r.at == r.end && vec_ok(&h->wrappers) && vec_ok(&h->paths);
	return whole ? 0 : -1;
}

void header_record_release(struct header_record *h)
{
	vec_release(&h->wrappers);
	vec_release(&h->paths);
	free(h->digests);
	*h = HEADER_RECORD_INIT;
}
