/*
 * archive: who made the members of a library (ar format, GNU names, as rustc
 * writes an rlib).
 */
#ifndef EMBEDDED_ARCHIVE_H
#define EMBEDDED_ARCHIVE_H

#include <stdbool.h>

/*
 * True when every member is rustc's own: its metadata, or an object of one of
 * its code units (NAME.rcgu.o). False also for what is no archive.
 */
bool archive_is_rustc_only(const char *path);

#endif
