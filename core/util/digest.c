/* digest: see digest.h. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest.h"

#include "buf.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hasher), "struct hasher is too small");

static SHA256_CTX *context(struct hasher *h)
{
	return (SHA256_CTX *)(void *)h->state;
}

void hasher_init(struct hasher *h)
{
	SHA256_Init(context(h));
}

void hasher_add(struct hasher *h, const void *data, size_t len)
{
	SHA256_Update(context(h), data, len);
}

static void begin_field(struct hasher *h, const char *tag, size_t len)
{
	enum { TAG_MAX = 56 };
	unsigned char head[TAG_MAX + 8], *raw = head;
	size_t n = strlen(tag) + 1;
	if (n <= TAG_MAX) { /* all of them: one call in the place of two */
		memcpy(head, tag, n);
		raw += n;
	} else {
		hasher_add(h, tag, n);
	}
	buf_put_number(raw, len, 8);
	hasher_add(h, head, (size_t)(raw + 8 - head));
}

void hasher_field(struct hasher *h, const char *tag, const void *data, size_t len)
{
	begin_field(h, tag, len);
	hasher_add(h, data, len);
}

void hasher_field_u32(struct hasher *h, const char *tag, const uint32_t *numbers, size_t count)
{
	begin_field(h, tag, count * sizeof *numbers);
	for (size_t i = 0; i < count; i++) {
		unsigned char raw[sizeof *numbers];
		buf_put_number(raw, numbers[i], sizeof raw);
		hasher_add(h, raw, sizeof raw);
	}
}

void hasher_field_u64(struct hasher *h, const char *tag, uint64_t number)
{
	unsigned char raw[sizeof number];
	buf_put_number(raw, number, sizeof raw);
	hasher_field(h, tag, raw, sizeof raw);
}

void hasher_field_str(struct hasher *h, const char *tag, const char *s)
{
	if (s)
		hasher_field(h, tag, s, strlen(s));
	else
		hasher_field(h, "absent", tag, strlen(tag));
}

void hasher_end(struct hasher *h, struct digest *d)
{
	SHA256_Final(d->bytes, context(h));
}

void digest_of(struct digest *d, const void *data, size_t len)
{
	struct hasher h;
	hasher_init(&h);
	hasher_add(&h, data, len);
	hasher_end(&h, d);
}

void digest_hex(const struct digest *d, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = digits[d->bytes[i] >> 4];
		hex[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	hex[2 * DIGEST_SIZE] = 0;
}

bool digest_unhex(const char *hex, unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned byte;
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = (unsigned char)byte;
	}
	return true;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}
