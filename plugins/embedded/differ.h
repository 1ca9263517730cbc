/*
 * differ: what a compile that missed differs in from an earlier one of its
 * source. The differences are written down with the newer one. Kinds:
 *
 *   first_seen       no earlier compile of the source is known
 *   evicted          the same compile was stored, and its result is gone
 *   source_edited    the source has other content
 *   source_renamed   the source is spelled in another way
 *   option_added, option_removed, option_changed, option_order
 *   action, language, depfile      what is asked for, by the options that are no part of the list
 *   environment      a variable that the compiler reads
 *   directory        the working directory, where it reaches an output
 *   output           the output's name, where it reaches an output
 *   compiler         its name or path; tools: those of the programs that it finds on PATH
 *   input_changed, input_added, input_gone, input_shadowed
 *   program_changed  the compiler, or a program that it runs, has other content
 *   variable_changed a variable that the source reads
 *   key              a group of the key differs in something that has no name of its own
 */
#ifndef EMBEDDED_DIFFER_H
#define EMBEDDED_DIFFER_H

#include "history.h"
#include "manifest.h"

/* Of the others the one that is nearest to now: the same output first, then the most groups of the key alike, then the newest. */
const struct past *differ_nearest(const struct past *now, const struct history *others);
/* What of the key differs. */
void differ_key(struct past *now, const struct past *old);

/* An input as it is now. */
struct now_input {
	const char *path;
	uint32_t flags; /* enum input_flag */
	struct digest digest;
};

/* The candidate from which the fewest inputs differ, the newest of several; NULL: there is none, or memory is out. */
const struct candidate *differ_nearest_candidate(const struct manifest *, const struct now_input *, size_t count);
/* What of the inputs differs. both: only of inputs that both have. */
void differ_inputs(struct past *now, const struct manifest *, const struct candidate *old, const struct now_input *, size_t count, bool both);

#endif
