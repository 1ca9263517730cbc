/*
 * sink: the append-only files of a run, journal.jsonl and audit.jsonl.
 *
 * <cache root>/runs/<run id>/FILE; outside a run, and where the run's directory
 * is gone, the run of the day: runs/day-YYYYMMDD (UTC), made with its first
 * line. SINK_DAYS_MAX days are kept, none older than audit.keep_days.
 *
 * What belongs together is one write to a file opened for appending, so that
 * lines of parallel compiles never mix. A file that has reached
 * audit.max_journal_size gets no more lines, and `full` appears beside it.
 */
#ifndef SOLDR_SERVICE_SINK_H
#define SOLDR_SERVICE_SINK_H

#include "config.h"

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

enum {
	SINK_DAYS_MAX = 14,
	SINK_RUN_MAX = 129, /* a run id and its NUL */
	SINK_LINE_MAX = 1 << 20, /* bytes that readers expect of a line, about */
	SINK_SCHEMA_MAX = 64
};

struct sink {
	const char *file, *full; /* names in the run's directory */
	const char *what;        /* for messages: "journal" */
	const char *counted;     /* what is left out of it is counted as this */
};

extern const struct sink sink_journal, sink_audit;

/* Whether audit.mode and readonly ask for a journal and events. */
bool sink_wanted(const struct config *);

/*
 * A file that stays open between lines, for a program that writes many: one descriptor. It is
 * used for as long as its path leads to it, and the next is opened when it does not.
 */
struct sink_keep {
	pthread_mutex_t lock;
	int fd;         /* -1: none */
	unsigned users; /* lines being written to it */
	dev_t dev;
	ino_t ino;
};

#define SINK_KEEP_INIT ((struct sink_keep){.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1})

void sink_keep_release(struct sink_keep *);

/* One file, open for appending. */
struct sink_end {
	const struct sink *sink;
	int fd;                 /* -1: not open */
	bool made;              /* by this opening */
	int64_t size;           /* bytes, at its opening; -1: not looked at */
	struct sink_keep *keep; /* whose the descriptor is; NULL: ours */
	char run[SINK_RUN_MAX]; /* whose it is */
};

/* Opens the file of the run, or of the day of `now`; makes it. keep: NULL for none. */
int sink_open(const struct config *, const struct sink *, struct sink_keep *keep, time_t now, struct sink_end *, soldr_error *);
void sink_close(struct sink_end *);
/*
 * Appends whole lines. The first byte of the text is a newline, which is written only
 * after a torn line. SOLDR_E_LIMIT: the file is full, and the text left
 * out; for the first one the message says so, for all others it is empty. Under
 * fail_lossless there is no limit. After an error with `torn` set a part of it
 * is in the file; a next try then begins on a line of its own, and readers skip
 * the part.
 */
int sink_write(const struct config *, const struct sink_end *, const struct buf *text, bool *torn, soldr_error *);
/* Whether it may be better in a while: room on the disk, descriptors, memory, a reader that is slow. */
bool sink_may_pass(int sys_errno);
/* Whether the file can be opened for appending; makes it. */
int sink_check(const struct config *, const struct sink *, soldr_error *);

/* day-YYYYMMDD, the run of no front door. */
bool sink_is_day(const char *run);
/* runs/<run>/<name>; malloc'ed, NULL when memory is out. */
char *sink_path(const struct config *, const char *run, const char *name);
/* Whether lines of the run were left out at the limit. */
bool sink_is_full(const struct config *, const struct sink *, const char *run);

/* ---- reading ------------------------------------------------------------------------ */

/* One whole line without its newline; text is NUL-terminated. */
typedef void (*sink_line_fn)(void *arg, const char *text, size_t len);
/*
 * Visits the lines of a file whose first member is this schema, in order.
 * *broken counts pieces that are no line: torn by a full disk or a kill.
 * SOLDR_E_NOT_FOUND: no such file.
 */
int sink_read(const char *file, const char *schema, sink_line_fn visit, void *arg, size_t *broken, soldr_error *);

#endif
