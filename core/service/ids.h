/*
 * ids: the identities of requests and events, as W3C Trace Context writes them.
 *
 * Unique across processes and machines without asking the system for anything: the
 * digest of AT_RANDOM (16 bytes of the kernel's for each exec), process id, time,
 * request and a counter. AT_RANDOM is not given away by its digest. Spans and
 * trace of a run come from its name instead, so that every process finds them.
 */
#ifndef SOLDR_SERVICE_IDS_H
#define SOLDR_SERVICE_IDS_H

#include <stdint.h>
#include <time.h>

enum { ID_SIZE = 33, SPAN_SIZE = 17, STAMP_SIZE = 96 }; /* hex digits and NUL */

/* What one request, or one front door, numbers its events with. */
struct ids {
	char id[ID_SIZE];         /* a request's compile_id */
	uint64_t span;            /* of span_of(ids, 0) */
	unsigned char event[12];  /* the head of its event ids */
};

/* number and place tell apart what happens in one process at one time. */
void ids_make(struct ids *, uint64_t number, const void *place);
/* The n-th span and event. */
uint64_t ids_span(const struct ids *, uint32_t n);
void ids_event(const struct ids *, uint32_t n, char hex[ID_SIZE]);

struct run_ids {
	char trace[ID_SIZE];
	uint64_t root; /* span */
};
/* home: the cache root, who: the instance id; run: the run's name. */
void ids_of_run(struct run_ids *, const char *home, const char *who, const char *run);

void span_hex(uint64_t span, char hex[SPAN_SIZE]);
/* RFC 3339 in UTC with nanoseconds. */
void stamp_of(const struct timespec *, char text[STAMP_SIZE]);

/* A valid TRACEPARENT ("00-…"; later versions begin alike): its trace and span. text NULL: 0 and "". */
uint64_t traceparent_read(const char *text, char trace[ID_SIZE]);

#endif
