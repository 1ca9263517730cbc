/*
 * counters: how many compiles had which outcome and reason. One small mapped
 * file per backend under <cache root>/counters/, bumped with atomics: no lock,
 * no write call. Counting never fails a compile: without the file nothing is
 * counted.
 */
#ifndef SOLDR_SERVICE_COUNTERS_H
#define SOLDR_SERVICE_COUNTERS_H

#include "err.h"

#include <soldr/backend.h>
#include <soldr/reason.h>
#include <stdbool.h>

struct counters; /* one mapped file */

struct counter_totals {
	uint64_t compilations, hits, misses, non_cacheable, passthrough, fallbacks, errors, error_hits;
	uint64_t time_saved_ns, since_unix; /* since_unix: when they were last zeroed */
	uint64_t audit_lost_events;         /* that could not be written */
	uint64_t reasons[SOLDR_REASON_COUNT];
};

/* file: absolute path; its directory is made. NULL with err when it cannot be used. */
struct counters *counters_open(const char *file, soldr_error *);
void counters_close(struct counters *); /* takes NULL */
/* Waits until the counts are on the disk. 0 or errno. Takes NULL. */
int counters_sync(struct counters *);
/* One compile: outcome and reason of the result; failed: it ended with a status other than 0. NULL counters: nothing. */
void counters_add(struct counters *, const soldr_result *, bool failed);
/* A line is not in the journal: counted under why (audit_lost, journal_full), beside the reason of the compile itself. */
void counters_add_lost(struct counters *, enum soldr_reason why);
/* So many events are not in the audit log. */
void counters_add_lost_events(struct counters *, uint64_t events);
/* The counts as members of an object: what summary.json and run.end have. lost: events. */
struct json;
void counters_json(struct json *, const struct counter_totals *, uint64_t lost);
/* Reads a file without making one; a missing file gives zeros. */
int counters_read(const char *file, struct counter_totals *, soldr_error *);
int counters_zero(const char *file, soldr_error *);

/* The table of soldr/reason.h. index of a name: SOLDR_REASON_OTHER when unknown, NONE for "". */
const char *reason_name(enum soldr_reason);
const char *reason_text(enum soldr_reason);
const char *reason_mend(enum soldr_reason); /* what to do about it; "" where there is nothing */
enum soldr_reason_kind reason_kind(enum soldr_reason);
enum soldr_reason reason_index(const char *name);
/* "hit", "miss", "bypass", "passthrough", "error_hit", "fallback" */
const char *outcome_name(uint32_t outcome);

#endif
