/*
 * buf: a growing byte string with a maximum; vec: a growing list of strings.
 *
 * Appending never returns an error: a buffer that ran out of memory or passed
 * its maximum is marked failed, ignores what follows, and buf_ok() tells once
 * at the end. data is always NUL-terminated after the first append (the NUL is
 * not counted in len); before it, data is NULL. Release with buf_release(),
 * which leaves an empty buffer that can be used again.
 */
#ifndef SOLDR_UTIL_BUF_H
#define SOLDR_UTIL_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUF_MAX_DEFAULT = 1 << 30 }; /* bytes, where max is 0 */

struct buf {
	char *data;
	size_t len, cap;
	size_t max; /* bytes; 0: BUF_MAX_DEFAULT */
	bool failed;
};

#define BUF_INIT ((struct buf){0})

void buf_release(struct buf *);
void buf_clear(struct buf *); /* len 0, memory kept, failure forgotten */
/* Makes room for extra more bytes and returns where they go, or NULL. len is unchanged. */
char *buf_reserve(struct buf *, size_t extra);
void buf_add(struct buf *, const void *, size_t len);
void buf_adds(struct buf *, const char *);
void buf_addc(struct buf *, char);
void buf_add_decimal(struct buf *, uint64_t); /* as text; printf is many times slower, and a compile writes dozens */
void buf_addf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));
/* Little-endian numbers and length-prefixed (u32) byte strings, for files. */
void buf_add_u8(struct buf *, uint8_t);
void buf_add_u32(struct buf *, uint32_t);
void buf_add_u64(struct buf *, uint64_t);
void buf_add_str(struct buf *, const void *, size_t len);
/* The number's low bytes, the least first; what those functions write. */
static inline void buf_put_number(unsigned char *to, uint64_t n, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(n >> (8 * i));
}
static inline bool buf_ok(const struct buf *b) { return !b->failed; }
/* The text, "" for an empty buffer. */
static inline const char *buf_str(const struct buf *b) { return b->data ? b->data : ""; }
/* The memory, to be freed by the caller (NULL after a failure); the buffer is empty afterwards. */
char *buf_detach(struct buf *);

/* Reads what the buf_add_ functions wrote. After any overrun `failed` is set and all reads give 0. */
struct reader {
	const unsigned char *at, *end;
	bool failed;
};

static inline struct reader reader_of(const void *data, size_t len)
{
	const unsigned char *p = data;
	return (struct reader){p, p + len, false};
}
const void *reader_take(struct reader *, size_t len); /* NULL past the end */
uint8_t reader_u8(struct reader *);
uint32_t reader_u32(struct reader *);
uint64_t reader_u64(struct reader *);
const char *reader_str(struct reader *, size_t *len); /* not NUL-terminated */

/* A NULL-ended list of owned strings. */
struct vec {
	char **items;
	size_t len, cap;
	bool failed;
};

#define VEC_INIT ((struct vec){0})

void vec_release(struct vec *);
void vec_add(struct vec *, const char *);
void vec_addn(struct vec *, const char *, size_t len);
void vec_addf(struct vec *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vec_add_all(struct vec *, const char *const *items); /* NULL-ended */
bool vec_has(const struct vec *, const char *);
bool vec_hasn(const struct vec *, const char *, size_t len);
void vec_add_once(struct vec *, const char *); /* unless it has it */
/* For qsort() and bsearch() of the items of a vec, or of any strings: by their bytes. */
int vec_order(const void *, const void *);
static inline const char *const *vec_items(const struct vec *v) { return (const char *const *)v->items; }
static inline bool vec_ok(const struct vec *v) { return !v->failed; }

#endif
