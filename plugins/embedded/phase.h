/*
 * phase: what the audit trail is told of a request's parts: how long each took,
 * and what it was decided by. Where nobody asks for it, it costs a comparison.
 */
#ifndef EMBEDDED_PHASE_H
#define EMBEDDED_PHASE_H

#include "unit.h"

/* host.audit_mode, as far as it matters here. */
enum phase_detail {
	PHASE_NOTHING,
	PHASE_UNIT,  /* the unit alone: source, output, language */
	PHASE_TIMES, /* and each phase */
	PHASE_ALL    /* and what it was decided by */
};

enum phase_detail phase_detail_of(const char *audit_mode); /* NULL: NOTHING */

/* What there is to say of one; zeros are left out. */
struct phase_facts {
	const char *result;       /* "hit", "stored", … */
	enum soldr_reason why;
	const uint32_t *inputs, *candidates, *guards, *outputs; /* how many */
	const uint64_t *bytes;    /* of outputs */
	const struct digest *key; /* of the result in the store */
	bool direct;              /* and the direct key */
};

/* When it began; 0: nobody asks. */
uint64_t phase_begin(const struct unit *);
void phase_end(const struct unit *, const char *phase, uint64_t begun, const struct phase_facts *);
/* The ends of "inputs" and "store". */
void phase_inputs(const struct unit *, uint64_t begun, enum soldr_reason why, uint32_t inputs, uint32_t guards);
void phase_store(const struct unit *, uint64_t begun, bool stored, enum soldr_reason why, uint64_t bytes);
/* The unit itself, as far as it was read. */
void phase_unit(const struct unit *);
/* The end of "fingerprint": why it ended the request, and what is in the key. */
void phase_fingerprint(const struct unit *, uint64_t begun, enum soldr_reason why);

#endif
