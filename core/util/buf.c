/* buf and vec: see buf.h. Growth doubles, so appends are amortised constant. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/*
 * A fault for each small page costs about as much as packing what is in it:
 * with huge pages soldr's own part of storing a 25 MB result takes a sixth
 * less. Advice only; where there are none nothing changes.
 */
static void prefer_huge_pages(char *data, size_t cap)
{
#ifdef MADV_HUGEPAGE
	uintptr_t from = ((uintptr_t)data + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	uintptr_t to = ((uintptr_t)data + cap) / HUGE_PAGE * HUGE_PAGE;
	if (cap >= 2 * HUGE_PAGE && to > from)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
	(void)data, (void)cap;
#endif
}

void buf_release(struct buf *b)
{
	size_t max = b->max;
	free(b->data);
	*b = (struct buf){.max = max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = 0;
}

char *buf_reserve(struct buf *b, size_t extra)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	if (b->failed || extra > max || b->len > max - extra) {
		b->failed = true;
		return NULL;
	}
	size_t need = b->len + extra + 1;
	if (need > b->cap) {
		size_t cap = b->cap ? b->cap : 64;
		while (cap < need)
			cap *= 2;
		char *data = realloc(b->data, cap);
		if (!data) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
		prefer_huge_pages(data, cap);
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *to = buf_reserve(b, len);
	if (!to)
		return;
	if (len)
		memcpy(to, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_add_decimal(struct buf *b, uint64_t v)
{
	char text[20], *at = text + sizeof text;
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(b, at, (size_t)(text + sizeof text - at));
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	/* What fits into the room that is there is done with one pass. */
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT, cap = b->cap <= max ? b->cap : max + 1;
	size_t room = b->failed || cap <= b->len ? 0 : cap - b->len;
	int len = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
	if (len < 0) {
		b->failed = true;
	} else if ((size_t)len < room) {
		b->len += (size_t)len;
	} else if (buf_reserve(b, (size_t)len)) {
		vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	} else if (room) {
		b->data[b->len] = 0; /* where the first pass has begun to write */
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void buf_add_u32(struct buf *b, uint32_t v)
{
	unsigned char raw[sizeof v];
	buf_put_number(raw, v, sizeof raw);
	buf_add(b, raw, sizeof raw);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	unsigned char raw[sizeof v];
	buf_put_number(raw, v, sizeof raw);
	buf_add(b, raw, sizeof raw);
}

void buf_add_str(struct buf *b, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		b->failed = true;
		return;
	}
	buf_add_u32(b, (uint32_t)len);
	buf_add(b, data, len);
}

char *buf_detach(struct buf *b)
{
	char *data = NULL;
	if (!b->data)
		buf_add(b, "", 0);
	if (b->failed)
		free(b->data);
	else
		data = b->data;
	*b = (struct buf){.max = b->max};
	return data;
}

const void *reader_take(struct reader *r, size_t len)
{
	if (r->failed || len > (size_t)(r->end - r->at)) {
		r->failed = true;
		return NULL;
	}
	const void *p = r->at;
	r->at += len;
	return p;
}

uint8_t reader_u8(struct reader *r)
{
	const unsigned char *p = reader_take(r, 1);
	return p ? *p : 0;
}

uint32_t reader_u32(struct reader *r)
{
	const unsigned char *p = reader_take(r, 4);
	if (!p)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t reader_u64(struct reader *r)
{
	const unsigned char *p = reader_take(r, 8);
	if (!p)
		return 0;
	/* Spelled out, the compiler sees that it is one load; a manifest has thousands. */
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

const char *reader_str(struct reader *r, size_t *len)
{
	uint32_t n = reader_u32(r);
	const char *p = reader_take(r, n);
	*len = p ? n : 0;
	return p;
}

void vec_release(struct vec *v)
{
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = VEC_INIT;
}

/* Takes ownership of s, which may be NULL after a failed allocation. */
static void vec_push(struct vec *v, char *s)
{
	if (s && v->len + 2 > v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 16;
		char **items = realloc(v->items, cap * sizeof *items);
		if (items) {
			v->items = items;
			v->cap = cap;
		}
	}
	if (!s || v->len + 2 > v->cap) {
		v->failed = true;
		free(s);
		return;
	}
	v->items[v->len++] = s;
	v->items[v->len] = NULL;
}

void vec_addn(struct vec *v, const char *s, size_t len)
{
	char *copy = malloc(len + 1);
	if (copy) {
		memcpy(copy, s, len);
		copy[len] = 0;
	}
	vec_push(v, copy);
}

void vec_add(struct vec *v, const char *s)
{
	vec_addn(v, s, strlen(s));
}

void vec_addf(struct vec *v, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	vec_push(v, buf_detach(&b));
}

bool vec_hasn(const struct vec *v, const char *s, size_t len)
{
	for (size_t i = 0; i < v->len; i++)
		if (strlen(v->items[i]) == len && memcmp(v->items[i], s, len) == 0)
			return true;
	return false;
}

bool vec_has(const struct vec *v, const char *s)
{
	return vec_hasn(v, s, strlen(s));
}

void vec_add_once(struct vec *v, const char *s)
{
	if (!vec_has(v, s))
		vec_add(v, s);
}

void vec_add_all(struct vec *v, const char *const *items)
{
	for (; items && *items; items++)
		vec_add(v, *items);
}

int vec_order(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}
