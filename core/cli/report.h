/*
 * report: the counters and the backend's own numbers, as `stats` and `cache`
 * show them.
 */
#ifndef SOLDR_CLI_REPORT_H
#define SOLDR_CLI_REPORT_H

#include "cli.h"
#include "counters.h"

/* What a backend says of its store; known is false for one that says nothing. */
struct store_size {
	uint64_t size_bytes, max_size_bytes, entries;
	bool known;
};

/* What the selected backend has counted, and its store. */
struct report_stats {
	const struct config *config;
	struct counter_totals totals;
	struct store_size size;
	uint64_t limit, running; /* compilers at once: at most, and now */
	char since[32]; /* ISO 8601, UTC; "" when nothing was counted yet */
	const char *run; /* whose counters these are; NULL: the backend's */
};

/* 0, or STATUS_SOLDR after a message. */
int report_store_size(soldr_service *, struct store_size *);
/* Reads what is to be known of stats->config; the same. */
int report_read_stats(const struct cli *, struct report_stats *);

#endif
