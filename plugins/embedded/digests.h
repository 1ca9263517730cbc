/*
 * digests: contents by stat tuple, in a mapped file of the store.
 *
 * Crates are large, and each is an input of many compiles: the first one that
 * reads it leaves its digest here. A slot is believed by its check alone; a lost
 * or torn slot costs a read, never a wrong digest (docs/formats.md).
 */
#ifndef EMBEDDED_DIGESTS_H
#define EMBEDDED_DIGESTS_H

#include "files.h"
#include "store.h"

struct digest_slot;

struct digest_memory {
	struct digest_slot *slots; /* NULL: there is none */
};

#define DIGEST_MEMORY_INIT ((struct digest_memory){NULL})

void digests_open(struct digest_memory *, const struct store *);
void digests_close(struct digest_memory *);
/* As files_read without the content; the file is read only where its tuple is not known. */
int digests_read(struct digest_memory *, int dir, const char *path, struct tuple *, struct digest *, soldr_error *);

#endif
