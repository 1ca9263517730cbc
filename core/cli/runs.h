/*
 * runs: what is kept of runs, read again: the lines of journals as compiles,
 * and summaries. Both are read as if a broken program had written them.
 */
#ifndef SOLDR_CLI_RUNS_H
#define SOLDR_CLI_RUNS_H

#include "buf.h"
#include "config.h"
#include "journal.h"

#include <soldr/backend.h>

/* One line of a journal. Strings are never NULL; "" where the line has none. */
struct run_compile {
	char *ts, *run_id, *compile_id, *backend, *outcome, *reason, *detail, *compiler, *cwd;
	struct vec args;
	int64_t when_ns;     /* ts, since 1970; 0: not readable */
	bool ended;          /* false: soldr became the compiler, so the next three are not known */
	int64_t exit_code, signal;
	uint64_t latency_ns;
	uint64_t time_saved_ns, output_bytes;
};

#define RUN_COMPILE_INIT ((struct run_compile){0})

/* -1: not a line of a compile, or memory is out; release in both cases. */
int run_compile_read(struct run_compile *, const char *text, size_t len);
void run_compile_release(struct run_compile *);
/* The source as spelled, else the first argument that is no option, else the compiler's name. Borrowed. */
const char *run_compile_subject(const struct run_compile *);

/* One line of audit.jsonl (docs/audit.md), as far as it is read here. Texts are "" and numbers 0 where it has none. */
struct run_event {
	char event[65], category[16], event_id[40], compile_id[40];
	int64_t end_ns;       /* since 1970 */
	uint64_t duration_ns;
	bool is_span;         /* it has a duration */
	bool probe;
	uint64_t spawn_ns, user_ns, system_ns, processor_ns;
};

/* -1: not an event. */
int run_event_read(struct run_event *, const char *text, size_t len);

/*
 * Copies manifest.json into a directory: its files are then those that are
 * there, and one more. SOLDR_E_NOT_FOUND: there is no manifest.
 */
int run_manifest_copy(const char *from, const char *dir, const char *more, const char *more_schema, soldr_error *);

enum run_match { RUN_MATCH_NONE, RUN_MATCH_NAME, RUN_MATCH_PATH };
/* Whether the compile reads or writes the file: by its path, or by the path's end. file: as spelled; path: absolute. */
enum run_match run_compile_match(const struct run_compile *, const char *file, const char *path);

/* What summary.json says besides the counters. */
struct run_summary {
	char *command, *backend;
	int64_t exit_code, signal;
	uint64_t duration_ms;
	uint64_t lost_lines, lost_events; /* of the journal, of the events: not written, or left out at the limit */
	bool known;
};

/* A run without a summary, as that of a day, leaves it unknown. */
void run_summary_read(struct run_summary *, const struct config *, const char *run);
void run_summary_read_file(struct run_summary *, const char *file);
void run_summary_release(struct run_summary *);

/*
 * The run that was active last: that of the newest journal, or a session that
 * ended later and compiled nothing. SOLDR_E_NOT_FOUND: there is none.
 */
int run_latest(const struct config *, char run[JOURNAL_RUN_MAX], soldr_error *);
/* The names of all runs with a journal, the one that was written to last first. */
int runs_list(const struct config *, struct vec *runs, soldr_error *);
/* The name of a run given by the user: 0, or SOLDR_E_INVALID. */
int run_check_name(const char *run, soldr_error *);

#endif
