/*
 * audit: soldr.audit.v1, the events of a run (docs/audit.md has every member).
 *
 * What happens within a request is collected in memory and appended with the
 * request's own event by one write to audit.jsonl (sink.h), when its outcome is
 * known. Secrets are taken out as events are added, so that nothing else is ever held.
 * A span is one event, written at its end. The first event of a file is its
 * root's, written by whoever makes the file.
 *
 * Threads: the functions on one request need the caller's lock.
 */
#ifndef SOLDR_SERVICE_AUDIT_H
#define SOLDR_SERVICE_AUDIT_H

#include "ids.h"
#include "sink.h"

#include <sys/resource.h>

#define AUDIT_SCHEMA "soldr.audit.v1"

enum {
	AUDIT_LINE_MAX = 1 << 20,   /* bytes */
	AUDIT_PARTS_MAX = 256,      /* events of one request beside its own; more are counted as lost */
	AUDIT_SESSION_MAX = 65,     /* an id and its NUL */
	AUDIT_FIELDS_MAX = 256 << 10 /* bytes of one event's fields; more are left out */
};

/* Who records: a service, or a front door. */
struct audit {
	const struct config *config;
	bool wanted;             /* events are written */
	struct sink_keep *keep;  /* NULL: the file is opened for each request */
	char session[AUDIT_SESSION_MAX];
	uint64_t command;        /* the span of the command that requests belong to; 0: the parent of each */
	char trace[ID_SIZE];     /* of TRACEPARENT; "" without */
	uint64_t parent;         /* its span; 0 without */
};

void audit_init(struct audit *, const struct config *, bool wanted);
const char *audit_mode_name(enum config_audit_mode);
const char *audit_policy_name(enum config_sink_policy);

/* ---- a request ------------------------------------------------------------------------ */

struct audit_part {
	char event[65];
	uint64_t end_ns, duration_ns; /* monotonic */
	bool is_span;
	size_t fields, fields_len, evidence, evidence_len; /* in text, as JSON without brackets */
};

struct audit_request {
	struct ids ids;
	char trace[ID_SIZE];      /* of its TRACEPARENT; "" without */
	uint64_t parent;          /* its span; 0 without */
	struct audit_part *parts;
	uint32_t count, left_out;
	bool made;                /* its first try made the file */
	struct buf text;          /* of the parts */
	struct audit_part unit;   /* what a backend says of the compile itself */
};

/* traceparent: of the request's own environment; NULL: that of who records. One that is not valid is none. */
void audit_request_init(struct audit_request *, const struct audit *, uint64_t number, const char *traceparent);
void audit_request_release(struct audit_request *);

/*
 * One event within the request: a phase, "fallback" or "error"; "compile" adds to the
 * fields of the request's own. Of kv, "duration_ns" makes it a span
 * that ends now, and "evidence[]" names what is kept on disk; keys that end in
 * [] and stand together are a list. Names that end in _ns, _bytes and _count
 * have numbers. What is no such name is left out.
 */
void audit_add(const struct audit *, struct audit_request *, const char *event, const soldr_kv *, uint32_t n);

struct audit_compile {
	const soldr_request *request;
	const soldr_result *result;
	bool replaced;         /* the process becomes the compiler */
	uint64_t latency_ns;
	uint64_t processor_ns; /* of the process; 0: not known */
};

/*
 * Appends the compile and its parts; brief: without the phases. *lost: how many
 * events are not in the file. Errors and torn as sink_write().
 */
int audit_append(const struct audit *, struct audit_request *, const struct audit_compile *, bool brief, bool *torn, uint64_t *lost,
                 soldr_error *);

/* "TRACEPARENT=00-TRACE-SPAN-01" for what the request runs; false: it has no trace to hand on. */
enum { TRACEPARENT_ENTRY_SIZE = 68 };
bool audit_request_entry(const struct audit_request *, char entry[TRACEPARENT_ENTRY_SIZE]);

/* ---- a front door (audit_run.c) ---------------------------------------------------------- */

struct audit_run {
	struct audit audit;
	struct ids ids;
	uint32_t events;
	char name[SINK_RUN_MAX];
	char trace[ID_SIZE];
	uint64_t run, parent;   /* its span, 0 where it joined another front door; and what that is below */
	uint64_t command;       /* the span of what it runs */
	bool remote;            /* the parent is another program's */
	uint64_t lost;          /* events that could not be written */
};

struct audit_command {
	const char *program, *cwd;
	const char *const *argv;
	int exit_code, signal;
	uint64_t duration_ns, run_ns; /* of the command, of the front door */
	struct rusage used;           /* of all children */
};

struct counter_totals;

/*
 * joined: below another front door; else run.start is written. command: the
 * program's name. An error only where audit.sink_policy lets no event be lost.
 */
int audit_run_start(struct audit_run *, const struct config *, const char *run, bool joined, const char *command, const char *cwd,
                    soldr_error *);
/* "00-TRACE-SPAN-01": what the command is given; "" where no events are written. */
enum { TRACEPARENT_SIZE = 56 };
void audit_run_traceparent(const struct audit_run *, char text[TRACEPARENT_SIZE]);
/* command, sink.lost where something was lost, and run.end unless joined. Errors as above. */
int audit_run_end(struct audit_run *, const struct audit_command *, const struct counter_totals *, soldr_error *);

/* ---- events, for the two files of this module ------------------------------------------- */

struct audit_event {
	const char *event, *category, *level;
	const struct timespec *when;
	const struct ids *ids;
	uint32_t n;                     /* its number among those of ids */
	const char *run, *trace, *compile; /* compile NULL: null */
	uint64_t span, parent, command; /* 0: null */
	bool is_span;
	uint64_t duration_ns;
	const char *fields, *evidence;  /* JSON without brackets */
	size_t fields_len, evidence_len;
};

/* Appends the line. */
void audit_line(const struct audit *, const struct audit_event *, struct buf *);

struct audit_start {
	const char *run, *trace;
	const struct timespec *when;
	const struct ids *ids;
	uint32_t n;
	uint64_t span, parent;
	bool remote;              /* the parent is another program's */
	const char *command, *cwd; /* of a front door, or NULL */
};

/* Appends run.start. */
void audit_start_line(const struct audit *, const struct audit_start *, struct buf *);
/* A string member without its secrets; args: a list of arguments, as far as there is room. */
struct json;
void audit_string(const struct audit *, struct json *, const char *key, const char *text);
void audit_arguments(const struct audit *, struct json *, const char *key, const char *const *argv);

#endif
