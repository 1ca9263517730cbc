/*
 * materialise: puts outputs where the compiler would have put them.
 *
 * Every output is written beside its target and renamed over it: the mode comes
 * from the umask, the times are now, another hard link of an old output keeps
 * its content. The depfile goes first: an object without its depfile would make
 * ninja forget what to rebuild.
 */
#ifndef EMBEDDED_MATERIALISE_H
#define EMBEDDED_MATERIALISE_H

#include "entry.h"

struct output {
	const char *path; /* absolute */
	enum entry_kind kind;
};

/* True when the path can be an output of ours: absent, or a regular file. */
bool materialise_possible(const char *path);
/* Writes all outputs, in the given order; on an error none of the targets was touched by half. */
int materialise(const struct entry *, const struct output *, size_t count, uint64_t *bytes, soldr_error *);

#endif
