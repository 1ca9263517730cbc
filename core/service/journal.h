/*
 * journal: one line for each compile that went through a backend.
 *
 * <cache root>/runs/<run id>/journal.jsonl; outside a run, and where the run's
 * directory is gone, the run of the day: runs/day-YYYYMMDD (UTC), made with its
 * first line. JOURNAL_DAYS_MAX days are kept, none older than audit.keep_days.
 *
 * A line is a JSON object in one write to a file opened for appending, so that
 * lines of parallel compiles never mix. It has what a replay needs: compiler,
 * arguments, directory. The environment is never in it, and what redact.h takes
 * for a secret is not either. A journal that has reached audit.max_journal_size
 * gets no more lines, and JOURNAL_FULL appears beside it. docs/formats.md has the members.
 */
#ifndef SOLDR_SERVICE_JOURNAL_H
#define SOLDR_SERVICE_JOURNAL_H

#include "config.h"

#include <time.h>

#define JOURNAL_SCHEMA "soldr.journal.v1"
#define JOURNAL_FILE "journal.jsonl"
#define JOURNAL_FULL "journal.full"

enum {
	JOURNAL_LINE_MAX = 1 << 20, /* bytes; arguments beyond it are left out */
	JOURNAL_DAYS_MAX = 14,
	JOURNAL_RUN_MAX = 129       /* a run id and its NUL */
};

/* One compile. All of it is borrowed. */
struct journal_entry {
	const soldr_request *request;
	const soldr_result *result;
	bool replaced;       /* the process becomes the compiler: how it ends is not known */
	uint64_t latency_ns;
};

/* Whether audit.mode and readonly ask for a journal. */
bool journal_wanted(const struct config *);
/* The line, newline included, of a compile that ended at `when`. */
void journal_line(const struct config *, const char *run, const struct journal_entry *, const struct timespec *when, struct buf *);
/*
 * Appends the line. SOLDR_E_LIMIT: the journal is full, and the line left out;
 * for the first one the message says so, for all others it is empty. Under
 * fail_lossless there is no limit. After an error with `torn` set a part of it is in the file;
 * a next try then begins on a line of its own, and readers skip the part.
 */
int journal_append(const struct config *, const struct journal_entry *, bool *torn, soldr_error *);
/* Whether the file can be opened for appending; makes it. */
int journal_check(const struct config *, soldr_error *);

/* Whether lines of the run were left out at the limit. */
bool journal_is_full(const struct config *, const char *run);

/* ---- reading ------------------------------------------------------------------------ */

/* runs/<run>/journal.jsonl; malloc'ed, NULL when memory is out. */
char *journal_path(const struct config *, const char *run);
/* The run whose journal was written to last. SOLDR_E_NOT_FOUND: there is none. */
int journal_latest(const struct config *, char run[JOURNAL_RUN_MAX], soldr_error *);

/* One whole line without its newline; text is NUL-terminated. */
typedef void (*journal_line_fn)(void *arg, const char *text, size_t len);
/* Visits the lines in order. *broken counts pieces that are no line: torn by a full disk or a kill. */
int journal_read(const char *file, journal_line_fn, void *arg, size_t *broken, soldr_error *);

#endif
