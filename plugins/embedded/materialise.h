/*
 * materialise: puts outputs where the compiler would have put them.
 *
 * Every output is written beside its target and put in its place: the mode comes
 * from the umask (or from the old file), the times are now, another hard link of an old output keeps
 * its content. The depfile goes first: an object without its depfile would make
 * ninja forget what to rebuild.
 */
#ifndef EMBEDDED_MATERIALISE_H
#define EMBEDDED_MATERIALISE_H

#include "entry.h"

enum { OUTPUTS_MAX = 32 }; /* files that one compile may write and have cached */

struct output {
	char *path;    /* absolute */
	uint32_t kind; /* enum entry_kind */
	bool optional; /* whether the compiler writes it depends on the source */
	bool keeps_mode; /* the compiler writes into a file that is there, and leaves its mode */
	bool rewritten;  /* it is written twice */
	bool there;        /* when the request came */
	bool by_assembler; /* GNU as replaces a file that is there, but writes into an empty one */
};

/* True when the path can be an output of ours: absent, or a regular file that is there; empty: one without bytes. */
bool materialise_possible(const char *path, bool *there, bool *empty);
/*
 * Writes all outputs, in the given order; on an error none of the targets was
 * touched by half. An optional output that the entry lacks stays as it is.
 */
int materialise(const struct entry *, const struct output *, size_t count, uint64_t *bytes, soldr_error *);
/* Puts the text in the place of a file that the compiler wrote, with the mode and the other names that the file has. */
int materialise_anew(const char *path, const struct buf *text, soldr_error *);

#endif
