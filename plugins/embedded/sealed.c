/* sealed: see sealed.h. */
#include "sealed.h"

#include <string.h>

enum {
	CHECKSUM_AT = SEALED_MAGIC_SIZE + 4 + DIGEST_SIZE, /* magic, format, key */
	BODY_AT = CHECKSUM_AT + DIGEST_SIZE
};

static void checksum(const struct buf *file, struct digest *d)
{
	struct hasher h;
	hasher_init(&h);
	hasher_add(&h, file->data, CHECKSUM_AT);
	hasher_add(&h, file->data + BODY_AT, file->len - BODY_AT);
	hasher_end(&h, d);
}

void sealed_begin(struct buf *b, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key)
{
	static const char room[DIGEST_SIZE];
	buf_clear(b);
	buf_add(b, magic, SEALED_MAGIC_SIZE);
	buf_add_u32(b, format);
	buf_add(b, key->bytes, DIGEST_SIZE);
	buf_add(b, room, sizeof room);
}

bool sealed_end(struct buf *b)
{
	struct digest sum;
	if (!buf_ok(b))
		return false;
	checksum(b, &sum);
	memcpy(b->data + CHECKSUM_AT, sum.bytes, DIGEST_SIZE);
	return true;
}

const char *sealed_open(const struct buf *b, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key,
                        struct reader *body)
{
	struct digest sum;
	if (b->len < BODY_AT || memcmp(b->data, magic, SEALED_MAGIC_SIZE) != 0)
		return "it is something else";
	struct reader r = reader_of(b->data + SEALED_MAGIC_SIZE, b->len - SEALED_MAGIC_SIZE);
	if (reader_u32(&r) != format)
		return "another format";
	if (memcmp(reader_take(&r, DIGEST_SIZE), key->bytes, DIGEST_SIZE) != 0)
		return "it belongs to another key";
	checksum(b, &sum);
	if (memcmp(reader_take(&r, DIGEST_SIZE), sum.bytes, DIGEST_SIZE) != 0)
		return "its checksum differs";
	*body = r;
	return NULL;
}

bool sealed_key(const struct buf *b, struct digest *key)
{
	if (b->len < BODY_AT)
		return false;
	memcpy(key->bytes, b->data + SEALED_MAGIC_SIZE + 4, DIGEST_SIZE);
	return true;
}
