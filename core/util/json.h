/*
 * json: writes JSON text into a buf. Commas and nesting are kept by the writer.
 *
 * Strings are byte strings: what is not valid UTF-8 is written as U+FFFD, so
 * that the output always parses. Depth is limited to JSON_DEPTH_MAX.
 */
#ifndef SOLDR_UTIL_JSON_H
#define SOLDR_UTIL_JSON_H

#include "buf.h"

enum { JSON_DEPTH_MAX = 32 };

struct json {
	struct buf *out;
	int depth;
	bool indent;                 /* pretty: one member a line, two spaces a level */
	bool filled[JSON_DEPTH_MAX]; /* this level has a member already */
};

/* Whether a string is written as it is, without U+FFFD. */
bool json_is_utf8(const char *, size_t len);

struct json json_to(struct buf *, bool indent);
/* The members of an object, or the elements of a list, whose brackets somebody else writes. */
struct json json_members(struct buf *);
/* key is NULL inside an array and at the top. */
void json_open(struct json *, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *, char bracket);                 /* '}' or ']' */
void json_str(struct json *, const char *key, const char *value); /* NULL: null */
void json_strn(struct json *, const char *key, const char *value, size_t len);
void json_u64(struct json *, const char *key, uint64_t);
void json_i64(struct json *, const char *key, int64_t);
void json_bool(struct json *, const char *key, bool);
void json_double(struct json *, const char *key, double, int decimals);

#endif
