/*
 * log: soldr's own messages. Off by default: a compiler wrapper must not print.
 * SOLDR_LOG names a level (error, warn, info, debug, trace: to stderr) or an
 * absolute file (every message up to debug, appended). Errors and warnings also
 * go to <cache root>/logs/soldr.log, so that nothing is lost while the build
 * stays quiet; that file is bounded (renamed to .1 at 1 MiB). Secrets are taken
 * out of every message (redact.h).
 */
#ifndef SOLDR_SERVICE_LOG_H
#define SOLDR_SERVICE_LOG_H

#include "redact.h"

#include <soldr/backend.h>
#include <stdbool.h>

struct config;

struct log {
	uint32_t level;   /* of what goes to the user's choice */
	bool to_stderr;
	char *file;       /* SOLDR_LOG's file, or NULL */
	char *fault_file; /* <cache root>/logs/soldr.log, or NULL */
	struct redaction rules; /* borrowed from the config */
};

void log_init(struct log *, const struct config *);
void log_release(struct log *);
/* From now on nothing goes to the fault file. */
void log_forget_faults(struct log *);
/* Whether a line of that level goes anywhere. */
bool log_wants(const struct log *, uint32_t level);
/* One line, time and process id before it, one write. */
void log_write(const struct log *, uint32_t level, const char *origin, const char *message);

#endif
