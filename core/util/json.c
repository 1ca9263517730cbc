/* json: see json.h. */
#include "json.h"

#include <math.h>
#include <string.h>

struct json json_to(struct buf *out, bool indent)
{
	return (struct json){.out = out, .indent = indent};
}

struct json json_members(struct buf *out)
{
	return (struct json){.out = out, .depth = 1};
}

static void newline(struct json *j)
{
	if (!j->indent)
		return;
	buf_addc(j->out, '\n');
	for (int i = 0; i < j->depth; i++)
		buf_adds(j->out, "  ");
}

/* Length of the valid UTF-8 sequence at s, 0 when it is none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	if (s[0] < 0x80)
		return 1;
	size_t n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool json_is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len((const unsigned char *)s + i, len - i);
		if (!n)
			return false;
		i += n;
	}
	return true;
}

/* How many of the next bytes stand for themselves. */
static size_t plain_len(const unsigned char *s, size_t left)
{
	size_t n = 0;
	while (n < left && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* before and after: 0 for none. Nearly every string stands for itself, and goes in at once. */
static void plain(struct buf *out, char before, const char *s, size_t len, char after)
{
	char *to = buf_reserve(out, len + 4);
	if (!to)
		return;
	if (before)
		*to++ = before;
	*to++ = '"';
	if (len)
		memcpy(to, s, len);
	to += len;
	*to++ = '"';
	if (after)
		*to++ = after;
	*to = 0;
	out->len = (size_t)(to - out->data);
}

static void quoted(struct buf *out, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	if (plain_len(p, len) == len) {
		plain(out, 0, s, len, 0);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = plain_len(p + i, len - i);
		buf_add(out, p + i, n);
		i += n;
		if (i == len)
			break;
		n = utf8_len(p + i, len - i);
		if (n == 0) {
			buf_adds(out, "\\ufffd");
			n = 1;
		} else if (p[i] == '"' || p[i] == '\\') {
			buf_addc(out, '\\');
			buf_addc(out, (char)p[i]);
		} else if (p[i] == '\n') {
			buf_adds(out, "\\n");
		} else if (p[i] == '\t') {
			buf_adds(out, "\\t");
		} else if (p[i] < 0x20 || p[i] == 0x7f) {
			buf_addf(out, "\\u%04x", p[i]);
		} else {
			buf_add(out, p + i, n);
		}
		i += n;
	}
	buf_addc(out, '"');
}

static void begin(struct json *j, const char *key)
{
	size_t len = key ? strlen(key) : 0;
	bool comma = j->depth > 0 && j->filled[j->depth - 1];
	if (j->depth > 0)
		j->filled[j->depth - 1] = true;
	if (key && !j->indent && plain_len((const unsigned char *)key, len) == len) {
		plain(j->out, comma ? ',' : 0, key, len, ':');
		return;
	}
	if (comma)
		buf_addc(j->out, ',');
	if (j->depth > 0)
		newline(j);
	if (key) {
		quoted(j->out, key, len);
		buf_adds(j->out, j->indent ? ": " : ":");
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	buf_addc(j->out, bracket);
	if (j->depth == JSON_DEPTH_MAX) {
		j->out->failed = true;
		return;
	}
	j->filled[j->depth++] = false;
}

void json_close(struct json *j, char bracket)
{
	bool filled = j->depth > 0 && j->filled[j->depth - 1];
	if (j->depth > 0)
		j->depth--;
	if (filled)
		newline(j);
	buf_addc(j->out, bracket);
}

void json_strn(struct json *j, const char *key, const char *value, size_t len)
{
	begin(j, key);
	quoted(j->out, value, len);
}

void json_str(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		quoted(j->out, value, strlen(value));
	else
		buf_adds(j->out, "null");
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	begin(j, key);
	buf_add_decimal(j->out, v);
}

void json_i64(struct json *j, const char *key, int64_t v)
{
	begin(j, key);
	if (v < 0)
		buf_addc(j->out, '-');
	buf_add_decimal(j->out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	begin(j, key);
	buf_adds(j->out, v ? "true" : "false");
}

void json_double(struct json *j, const char *key, double v, int decimals)
{
	begin(j, key);
	if (isfinite(v))
		buf_addf(j->out, "%.*f", decimals, v);
	else
		buf_adds(j->out, "null"); /* JSON has no word for it */
}
