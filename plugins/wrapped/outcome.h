/*
 * outcome: what an external cache said of one call, in the words of soldr.
 */
#ifndef SOLDR_WRAPPED_OUTCOME_H
#define SOLDR_WRAPPED_OUTCOME_H

#include <soldr/backend.h>
#include <stdbool.h>

struct outcome {
	uint32_t outcome;   /* enum soldr_outcome: HIT, MISS or BYPASS */
	const char *reason; /* a name of soldr/reason.h, static; "" for a hit */
	char detail[64];    /* the tool's own word for it; may be empty */
	bool unfinished;    /* the tool began the call and did not come to any end that it counts */
};

/* What is known before anything is read: the tool did not say. */
void outcome_unknown(struct outcome *);

/*
 * Reads the statistics log of one ccache call: lines of "# INPUT" followed by
 * one line for each counter that the call raised, sorted by name. A tool that
 * calls itself writes several such blocks; the last one is the outer call's.
 */
void outcome_from_ccache_log(const char *text, size_t len, struct outcome *);

#endif
