/*
 * statslog: a file for ccache's statistics of one call.
 *
 * It lives in memory and is named through /proc, so it needs no directory, is
 * there with a read-only cache root, and a killed process leaves nothing behind.
 */
#ifndef SOLDR_WRAPPED_STATSLOG_H
#define SOLDR_WRAPPED_STATSLOG_H

#include "buf.h"

#define STATSLOG_VARIABLE "CCACHE_STATSLOG"

struct statslog {
	int fd; /* -1: none */
	char entry[sizeof STATSLOG_VARIABLE + 48]; /* "CCACHE_STATSLOG=/proc/PID/fd/N" */
};

#define STATSLOG_INIT ((struct statslog){.fd = -1})

/* false: there is no such file here; the call then runs without. */
bool statslog_open(struct statslog *);
/* Appends what was written so far; more than STATSLOG_MAX bytes are cut off. */
void statslog_read(const struct statslog *, struct buf *);
void statslog_close(struct statslog *); /* safe on INIT */

/* Appends text to the file that the user wanted it in. 0, or errno. */
int statslog_append(const char *cwd, const char *file, const struct buf *text);

enum { STATSLOG_MAX = 65536 }; /* bytes; one call writes a few hundred */

#endif
