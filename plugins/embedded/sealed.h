/*
 * sealed: the frame of the store's files. Magic, format, the file's own key and
 * a SHA-256 of everything else come first; nothing of what follows is looked at
 * before they were checked (docs/formats.md).
 */
#ifndef EMBEDDED_SEALED_H
#define EMBEDDED_SEALED_H

#include "buf.h"
#include "digest.h"

enum { SEALED_MAGIC_SIZE = 8 };

/* Empties the buffer and begins a file in it; the body is appended by the caller. */
void sealed_begin(struct buf *, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key);
/* Puts the checksum in. false: memory ran out on the way. */
bool sealed_end(struct buf *);
/* NULL and a reader of the body, or what is wrong with the file. */
const char *sealed_open(const struct buf *, const char magic[SEALED_MAGIC_SIZE], uint32_t format, const struct digest *key,
                        struct reader *body);

/* The key that a file says is its own. false: it is too short for one. */
bool sealed_key(const struct buf *, struct digest *key);

#endif
