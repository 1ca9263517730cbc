/*
 * package: all files of a directory tree as one digest, for procedural macros
 * that read files of their package without telling rustc (rust.package_tree).
 *
 * What is below a .git, or below a directory with a CACHEDIR.TAG (cargo's target
 * directory has one), does not count. Links to files stand for the files, links
 * to directories for their text.
 */
#ifndef EMBEDDED_PACKAGE_H
#define EMBEDDED_PACKAGE_H

#include "digests.h"

enum { PACKAGE_FILES_MAX = 20000, PACKAGE_DEPTH_MAX = 64 };

/*
 * since: files_clock_ns() from before something that may have read the tree, or
 * 0. *young then tells whether a file or directory may have changed at or after
 * that moment. 0, or SOLDR_E_* with err filled: unreadable, or too large.
 */
int package_digest(struct digest_memory *, const char *dir, int64_t since, struct digest *, bool *young, soldr_error *);

#endif
