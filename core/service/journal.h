/*
 * journal: one line for each compile that went through a backend.
 *
 * A line is a JSON object in one write to journal.jsonl of the run or of the day
 * (sink.h). It has what a replay needs: compiler, arguments, directory. The
 * environment is never in it, and what redact.h takes for a secret is not
 * either. docs/formats.md has the members.
 */
#ifndef SOLDR_SERVICE_JOURNAL_H
#define SOLDR_SERVICE_JOURNAL_H

#include "sink.h"

#define JOURNAL_SCHEMA "soldr.journal.v1"
#define JOURNAL_FILE "journal.jsonl"
#define JOURNAL_FULL "journal.full"

enum {
	JOURNAL_LINE_MAX = 1 << 20, /* bytes; arguments beyond it are left out */
	JOURNAL_RUN_MAX = SINK_RUN_MAX
};

/* One compile. All of it is borrowed. */
struct journal_entry {
	const soldr_request *request;
	const soldr_result *result;
	const char *compile_id; /* ids.h */
	bool replaced;       /* the process becomes the compiler: how it ends is not known */
	uint64_t latency_ns;
};

/* The line, newline included, of a compile that ended at `when`. */
void journal_line(const struct config *, const char *run, const struct journal_entry *, const struct timespec *when, struct buf *);
/* Appends the line; errors and `torn` are those of sink_write(). */
int journal_append(const struct config *, struct sink_keep *, const struct journal_entry *, bool *torn, soldr_error *);

/* ---- reading ------------------------------------------------------------------------ */

/* runs/<run>/journal.jsonl; malloc'ed, NULL when memory is out. */
char *journal_path(const struct config *, const char *run);
/* The run whose journal was written to last. SOLDR_E_NOT_FOUND: there is none. */
int journal_latest(const struct config *, char run[JOURNAL_RUN_MAX], soldr_error *);

/* Visits the lines in order: sink_read(). */
int journal_read(const char *file, sink_line_fn, void *arg, size_t *broken, soldr_error *);

#endif
