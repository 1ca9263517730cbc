/*
 * depfile: make rules as compilers write them (-MD, -MMD), read and written.
 *
 * Reading keeps each name twice: as spelled in the rule (with make's escapes)
 * and as a path. Writing reproduces the layout of GCC (a line breaks before
 * column 72) and Clang (75); depfile_is_faithful() tells whether it does so for
 * a given file, before a changed one is written in its place.
 * Sources: GNU make manual, "Rule Syntax"; behaviour observed of GCC 12 and
 * Clang 14, and tested against the installed compilers.
 */
#ifndef EMBEDDED_DEPFILE_H
#define EMBEDDED_DEPFILE_H

#include "buf.h"
#include "invocation.h"

enum { DEPFILE_MAX = 64 << 20 }; /* bytes of one depfile */

struct depfile {
	struct vec targets; /* as spelled */
	struct vec spelled; /* prerequisites as spelled */
	struct vec paths;   /* the same, escapes removed */
	bool phony;         /* -MP: a rule without prerequisites for each but the first */
};

#define DEPFILE_INIT ((struct depfile){0})

/* 0, or -1 when the text is not one rule (and its phony targets), or memory is out. */
int depfile_parse(struct depfile *, const char *text, size_t len);
void depfile_release(struct depfile *);
/* The rule in the family's layout, with the prerequisites that keep[] marks (NULL: all). */
void depfile_format(const struct depfile *, enum family, const bool *keep, struct buf *out);
/* Names that begin with the directory from begin with to instead. */
void depfile_move(struct depfile *, const char *from, const char *to);
bool depfile_is_faithful(const struct depfile *, enum family, const char *text, size_t len);
/* Whether a prerequisite stands there more than once, as for a header that GCC found by two searches; true as well when memory is out. */
bool depfile_repeats(const struct depfile *);
/*
 * Clang's list of headers (CC_PRINT_HEADERS_FILE), added to paths: one a line, with backslash, quote and newline written as
 * in a string of C. preprocessed: Clang reads text that it preprocessed itself, and takes "<built-in>" for a header.
 * 0, or -1 when the last line is torn, or memory is out.
 */
int depfile_read_lines(const struct buf *text, bool preprocessed, struct vec *paths);

#endif
