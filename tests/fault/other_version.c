/*
 * other_version: linked into a soldr of its own, makes it one of another version:
 * all files of its store have other format numbers, under the same names. The
 * linker leads the calls here (--wrap).
 */
#include "sealed.h"

enum { LATER = 1000 };

void __real_sealed_begin(struct buf *, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key);
void __wrap_sealed_begin(struct buf *, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key);
const char *__real_sealed_open(const struct buf *, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key,
                               struct reader *body);
const char *__wrap_sealed_open(const struct buf *, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key,
                               struct reader *body);

void __wrap_sealed_begin(struct buf *b, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key)
{
	__real_sealed_begin(b, magic, format + LATER, key);
}

const char *__wrap_sealed_open(const struct buf *b, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key,
                               struct reader *body)
{
	return __real_sealed_open(b, magic, format + LATER, key, body);
}
