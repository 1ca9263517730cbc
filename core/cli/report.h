/*
 * report: the counters and the backend's own numbers, as `stats` and `cache`
 * show them.
 */
#ifndef SOLDR_CLI_REPORT_H
#define SOLDR_CLI_REPORT_H

#include "cli.h"

/* What a backend says of its store; known is false for one that says nothing. */
struct store_size {
	uint64_t size_bytes, max_size_bytes, entries;
	bool known;
};

/* 0, or STATUS_SOLDR after a message. */
int report_store_size(soldr_service *, struct store_size *);

#endif
