/*
 * object: what ELF files are: whether the bytes of an output can be searched
 * for a path, and whether a program has a dynamic loader. Of either width and
 * byte order: a compiler need not be built as soldr is.
 *
 * A path that reached an output lies there as it was spelled, unless the format
 * packs it: compressed sections, bitcode, link-time optimisation, packed
 * metadata of a crate. The layout of ELF files is that of the System V ABI,
 * chapter 4; that of archives is in ar(5); metadata is told by its head
 * (METADATA_HEADER in rustc_metadata).
 */
#ifndef EMBEDDED_OBJECT_H
#define EMBEDDED_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

/* True for an ELF file, an archive or the metadata of a crate in which nothing is packed, and for text. */
bool object_is_searchable(const void *data, size_t len);
/* True for a program that names a dynamic loader. data: the beginning of its file, which holds the program headers. */
bool object_has_loader(const void *data, size_t len);

#endif
