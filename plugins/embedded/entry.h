/*
 * entry: one stored result as one file. The only user of zstd.
 *
 * Layout (docs/formats.md), little-endian: magic, format, own key, checksum of
 * everything else, exit status, compile time, sections. Each section (an
 * output, stdout, stderr) is compressed by itself and written straight to where
 * it belongs. A reader checks magic, format, key, checksum and every bound
 * before it uses anything.
 */
#ifndef EMBEDDED_ENTRY_H
#define EMBEDDED_ENTRY_H

#include "buf.h"
#include "digest.h"
#include "err.h"

#include <stdbool.h>

enum { ENTRY_FORMAT = 3, ENTRY_SECTIONS_MAX = 64 };

/*
 * On disk: never renumber. ENTRY_BASE: the directory of the outputs that the texts name, where it is no part of the key.
 * ENTRY_RECORD: what is known of the precompiled header that is the output (precompiled.h). ENTRY_SIDE + n: the nth further output, in the order in which
 * the invocation names them.
 */
enum entry_kind {
	ENTRY_OBJECT = 1,
	ENTRY_DEPFILE = 2,
	ENTRY_STDOUT = 3,
	ENTRY_STDERR = 4,
	ENTRY_BASE = 5,
	ENTRY_RECORD = 6,
	ENTRY_SIDE = 16
};

struct entry_section {
	uint32_t kind;    /* enum entry_kind */
	bool packed;      /* by zstd */
	bool executable;  /* an output that its maker made executable */
	bool rootless;    /* a depfile in which paths below the checkout's root are without it (remap.c) */
	const void *data;
	uint64_t len;     /* of data */
	uint64_t raw_len; /* unpacked */
};

struct entry {
	struct buf file; /* owns what the sections point to */
	int32_t exit_code;
	uint64_t compile_ns;
	struct entry_section sections[ENTRY_SECTIONS_MAX];
	size_t section_count;
};

/* Serialises into out. Sections come raw (len == raw_len). level: zstd's. */
int entry_encode(const struct digest *key, const struct entry *, int level, struct buf *out, soldr_error *);
/* file must hold the file's bytes. SOLDR_E_CORRUPT when anything is wrong. */
int entry_decode(struct entry *, const struct digest *key, soldr_error *);
void entry_release(struct entry *);
const struct entry_section *entry_find(const struct entry *, uint32_t kind);
/* Appends the section's raw bytes. */
int entry_unpack(const struct entry_section *, struct buf *out, soldr_error *);
/* Writes them to fd, with memory for a part of them only. On an error some may be written already. */
int entry_write(const struct entry_section *, int fd, soldr_error *);

#endif
