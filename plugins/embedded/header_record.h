/*
 * header_record: what is known of a precompiled header that was made through
 * the cache, found by the digest of its bytes. Its text cannot be scanned any
 * more, so what the scan of its inputs found is kept here (docs/formats.md).
 */
#ifndef EMBEDDED_HEADER_RECORD_H
#define EMBEDDED_HEADER_RECORD_H

#include "buf.h"
#include "digest.h"
#include "scan.h"

enum { HEADER_RECORD_FORMAT = 1, HEADER_RECORD_INPUTS_MAX = 1 << 18 };

struct header_record {
	uint32_t flags; /* enum scan_flag, of all inputs */
	struct scan_pieces pieces;
	struct vec wrappers;    /* macros that stand for __has_include */
	bool timed;             /* its user compares the modification times of the inputs */
	struct vec paths;       /* of the inputs, absolute */
	struct digest *digests; /* one for each of paths */
};

#define HEADER_RECORD_INIT ((struct header_record){0})

/* key: digest of the precompiled header. false: memory is out. */
bool header_record_encode(const struct header_record *, const struct digest *key, struct buf *out);
/* 0, or -1: damaged, or no record of that key. Release in both cases. */
int header_record_decode(struct header_record *, const struct buf *, const struct digest *key);
void header_record_release(struct header_record *);

#endif
