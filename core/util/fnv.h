/*
 * fnv: FNV-1a with 64 bits, for tables in memory and in mapped files. No proof
 * against anybody: what must not collide is a digest (digest.h).
 */
#ifndef SOLDR_UTIL_FNV_H
#define SOLDR_UTIL_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

/* The hash h, which begins as FNV_BEGIN, with len more bytes. */
static inline uint64_t fnv_add(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

static inline uint64_t fnv_str(const char *s)
{
	uint64_t h = FNV_BEGIN;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * FNV_PRIME;
	return h;
}

#endif
