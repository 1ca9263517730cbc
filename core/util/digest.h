/*
 * digest: SHA-256, the one digest of soldr, and fields that cannot run together.
 *
 * Uses the low-level SHA256_* of libcrypto: EVP costs up to 0.9 ms in a fresh
 * process, these 20 µs (docs/architecture.md).
 */
#ifndef SOLDR_UTIL_DIGEST_H
#define SOLDR_UTIL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 65 };

struct digest {
	unsigned char bytes[DIGEST_SIZE];
};

/* Room for libcrypto's context, checked at compile time in digest.c. */
struct hasher {
	uint64_t state[16];
};

void hasher_init(struct hasher *);
void hasher_add(struct hasher *, const void *, size_t len);
/* tag, length, bytes: neighbours cannot be confused. tag names what the field is. */
void hasher_field(struct hasher *, const char *tag, const void *, size_t len);
void hasher_field_str(struct hasher *, const char *tag, const char *); /* NULL differs from "" */
/* Numbers, little-endian on every machine. */
void hasher_field_u32(struct hasher *, const char *tag, const uint32_t *, size_t count);
void hasher_field_u64(struct hasher *, const char *tag, uint64_t);
void hasher_end(struct hasher *, struct digest *);

void digest_of(struct digest *, const void *, size_t len);
/* hex: DIGEST_HEX_SIZE bytes, lower case, NUL-terminated. */
void digest_hex(const struct digest *, char *hex);
/* Reads 2 * len hex digits into bytes; false: other characters there. */
bool digest_unhex(const char *hex, unsigned char *bytes, size_t len);
bool digest_equal(const struct digest *, const struct digest *);

#endif
