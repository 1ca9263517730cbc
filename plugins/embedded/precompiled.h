/*
 * precompiled: precompiled headers on their way through the backend.
 *
 * A compile that uses one depends on its bytes, which are an input like others,
 * but no text of it can be scanned: a macro in it may be __TIME__, or stand for
 * __has_include. So only one is trusted that was made through the cache, which left
 * a record of what its inputs held under the digest of its bytes.
 *
 * GCC takes NAME.gch for a header NAME where it would have looked for NAME, and
 * looks at nothing of what it was made from. Clang takes what -include-pch names,
 * or NAME.pch or NAME.gch beside the file of an -include, and compares times and
 * sizes of everything that it was made from: all of it is an input there.
 */
#ifndef EMBEDDED_PRECOMPILED_H
#define EMBEDDED_PRECOMPILED_H

#include "header_record.h"
#include "unit.h"

/* file_memo's way to read: large files by the store's memory of digests. arg: the store. */
int precompiled_digest(void *arg, int dir, const char *path, struct tuple *, struct digest *);

/* ---- a compile that uses some ---- */

/* Whether GCC may take a precompiled header for one that the unit includes. */
bool precompiled_is_searched(const struct unit *);
/*
 * Adds those that the compiler may have read, and what they stand for. messages: the
 * compiler said something, and may have quoted the headers in them. NONE, or why
 * nothing may be stored; detail: the file.
 */
enum soldr_reason precompiled_add(struct unit *, const struct identity *, int64_t begun, bool messages, struct input_list *,
                                  char *detail, size_t detail_size);
/* Whether the path is listed for what is in a precompiled header, without having been read: Clang's rules do so. */
bool precompiled_holds(const struct unit *, const struct input_list *, const char *path);
/* Whether the preprocessor, reading the texts, sees what the compiler saw that read the precompiled headers in their place. */
bool precompiled_text_stands(struct unit *, const struct input_list *);

/* ---- a compile that makes one ---- */

/* Marks the inputs whose times are in the output. */
void precompiled_mark_times(const struct unit *, struct input_list *);
/* The record of what was made from these inputs, as a file, and its key. false: memory is out. */
bool precompiled_record(const struct unit *, const struct input_list *, const struct entry_section *made, struct buf *out, struct digest *key);
/* The entry was served: its record may have been evicted. */
void precompiled_restore(struct unit *, const struct entry *);

#endif
