/*
 * why: one compile of a journal, explained.
 *
 *   why.c       what the backend knows of it, and what led to it
 *   verb_why.c  which compile; text and JSON
 */
#ifndef SOLDR_CLI_WHY_H
#define SOLDR_CLI_WHY_H

#include "cli.h"
#include "runs.h"

enum { WHY_CHAIN_MAX = 16, WHY_DIFFERENCES_MAX = 256, DIFFERENCE_PARTS = 4 };

/* Of a difference: kind, what, old, new; "": not known. The kinds are those of the backend (docs/formats.md). */
enum difference_part { DIFFERENCE_KIND, DIFFERENCE_WHAT, DIFFERENCE_OLD, DIFFERENCE_NEW };

struct explanation {
	struct run_compile compile;
	int64_t against_ns;      /* when the compile that it is compared with was stored; 0: there is none */
	struct vec differences;  /* DIFFERENCE_PARTS each */
	char note[600];          /* why there are none; "" */
};

/* The compile, then the one that made what changed of its inputs, and so on to the root. */
struct why {
	struct explanation chain[WHY_CHAIN_MAX];
	size_t count;
};

/* Takes over the compile. config->backend becomes that of the compile. */
void why_explain(struct why *, const struct cli *, struct config *, struct run_compile *);
void why_release(struct why *);
/* That one compile alone. Of what the explanation then holds, compile and differences are to be released. */
void why_explain_one(struct explanation *, const struct cli *, struct config *, struct run_compile *);

/* A sentence for one difference. */
void why_difference_text(const struct vec *differences, size_t at, struct buf *out);
/* The group of the key that a kind of difference belongs to (docs/formats.md); "inputs": what the manifest lists; "": none. */
const char *why_difference_group(const char *kind);

#endif
