/*
 * history: of one source, the compiles that were stored last, and what each
 * differed in from the nearest one before it. Written on a miss, read by the
 * next miss and by explain(); a hit never looks at it. One file for each
 * source, bounded, evicted like every file of the store; losing it costs an
 * explanation and no result. The layout is in docs/formats.md.
 *
 * No value of a variable is in it but as a digest, and what redact.h takes for
 * a secret is left out of the options.
 */
#ifndef EMBEDDED_HISTORY_H
#define EMBEDDED_HISTORY_H

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "key.h"

enum {
	HISTORY_FORMAT = 1,
	HISTORY_MAX = 16,           /* compiles of a source */
	HISTORY_OUTPUT_MAX = 3,     /* of them with one output */
	HISTORY_FACTS_MAX = 1024,   /* options, and variables, of a compile */
	HISTORY_TEXT_MAX = 1024,    /* bytes of a text; the rest is left out */
	HISTORY_DIFFERENCES_MAX = 40,
	HISTORY_BYTES_MAX = 512 << 10
};

/* Names, each with the digest of what it stands for. */
struct facts {
	struct vec names;
	struct buf digests;
};

void facts_add(struct facts *, const char *name, const struct digest *);
const unsigned char *facts_digest(const struct facts *, size_t i);

enum past_text { PAST_DIRECTORY, PAST_OUTPUT, PAST_COMPILER, PAST_PROGRAM, PAST_TOOLS, PAST_SOURCE, PAST_TEXTS };

enum { PAST_FIXED = 4, DIFFERENCE_STRINGS = 4 };

/* One stored compile. */
struct past {
	int64_t when_ns;    /* since 1970 */
	int64_t against_ns; /* when_ns of the one that it was compared with; 0: none */
	struct key key;
	struct digest result, source; /* source: of its content */
	unsigned char fixed[PAST_FIXED]; /* as in group_options() of key.c */
	struct vec texts;       /* enum past_text */
	struct facts options, variables;
	struct vec differences; /* DIFFERENCE_STRINGS each: kind, what, old, new; "": not known */
};

struct history {
	struct past items[HISTORY_MAX]; /* newest first */
	size_t count;
};

void past_release(struct past *);
void past_add_text(struct past *, const char *); /* in the order of enum past_text */
static inline const char *past_text(const struct past *p, enum past_text which)
{
	return p->texts.items[which];
}
/* At most HISTORY_DIFFERENCES_MAX; what comes later is left out. NULL is "". */
static inline bool past_is_full(const struct past *p)
{
	return p->differences.len / DIFFERENCE_STRINGS >= HISTORY_DIFFERENCES_MAX;
}
void past_differ(struct past *, const char *kind, const char *what, const char *old, const char *now);

void history_release(struct history *);
/* The name of a source's file in the store. path: absolute. */
void history_key(const char *path, struct digest *);
/* SOLDR_E_CORRUPT when anything is wrong. */
int history_decode(struct history *, const struct buf *file, const struct digest *key, soldr_error *);
/* The newest compile in front of the others, as many as the limits let in. */
int history_encode(const struct past *newest, const struct history *others, const struct digest *key, struct buf *out, soldr_error *);

#endif
