/*
 * analysis: what the journal and the events of a run come to.
 *
 *   analysis.c        reads a run, and adds up
 *   analysis_events.c the events beside it
 *   analysis_times.c  who ran beside whom: lanes and concurrency
 *   findings.c        what of it is worth a word
 *   analysis_show.c   `soldr audit analyze`, as text and as JSON
 *   export.c          `soldr audit export`, with one file for each format
 *
 * Memory is bounded whatever the run holds, and time is linear in its size
 * (sorting apart): 32 bytes for each compile up to ANALYSIS_SPANS_MAX, and
 * tables of a fixed size. What did not fit is counted. Files are read as if a
 * broken program had written them. All times are nanoseconds.
 */
#ifndef SOLDR_CLI_ANALYSIS_H
#define SOLDR_CLI_ANALYSIS_H

#include "cli.h"
#include "audit.h"
#include "counters.h"
#include "runs.h"

enum {
	ANALYSIS_SPANS_MAX = 1 << 20,  /* compiles whose times are kept */
	ANALYSIS_CAUSES_MAX = 1024,    /* different pairs of reason and detail */
	ANALYSIS_SLOWEST_MAX = 20,
	ANALYSIS_SAMPLES_MAX = 64,     /* misses that the backend is asked about */
	ANALYSIS_EVIDENCE_MAX = 5,     /* compiles named for one thing */
	ANALYSIS_BUCKETS = 60,         /* of the run's time */
	ANALYSIS_LANES_MAX = 1024,
	ANALYSIS_PHASES_MAX = 16,
	ANALYSIS_DIFFERENCES_MAX = 256,
	ANALYSIS_TEXT = 200,           /* bytes of a name; of a longer one the end */
	ANALYSIS_ID = 40,
	ANALYSIS_OUTCOMES = SOLDR_OUTCOME_FALLBACK + 1,
	FINDINGS_MAX = 64
};

/* Ids of the first compiles that something is about. */
struct evidence {
	char ids[ANALYSIS_EVIDENCE_MAX][ANALYSIS_ID];
	size_t count;
};

/* When a compile ran, in the order of the journal. */
struct span {
	int64_t start_ns, end_ns; /* since 1970; the same: its end is not known */
	uint64_t id;              /* the hash of its compile_id */
	uint16_t lane;            /* compiles of one lane do not overlap; ANALYSIS_LANES_MAX: in none */
	uint8_t outcome;
};

/* Misses, or compiles that were not cached, with one reason and one detail. */
struct cause {
	uint32_t outcome;
	enum soldr_reason reason;
	uint64_t count, latency_ns;
	uint64_t unknown; /* of them without a latency: the process became the compiler */
	char detail[ANALYSIS_TEXT], subject[ANALYSIS_TEXT];
	struct evidence evidence;
};

/* What sampled misses differ in from the nearest earlier compile of their source. */
struct difference_count {
	const char *group;        /* of the key */
	char *kind, *what, *text; /* owned */
	uint64_t count, latency_ns;
	struct evidence evidence;
};

struct slow_unit {
	int64_t start_ns;
	uint64_t latency_ns;
	uint32_t outcome;
	char subject[ANALYSIS_TEXT], reason[40], id[ANALYSIS_ID];
};

struct sums {
	uint64_t count, latency_ns;
};

/* Events of one name in category phase. */
struct phase_sum {
	char name[65];
	uint64_t count, duration_ns, longest_ns;
};

/* What events say of processes. */
struct processes {
	uint64_t compilers, probes;     /* programs that were run; of them questions */
	uint64_t spawn_ns;              /* until they were started */
	uint64_t user_ns, system_ns;    /* of them */
	uint64_t wrappers, wrapper_ns;  /* processes of soldr whose processor time is known, and that time */
};

struct analysis {
	char run[JOURNAL_RUN_MAX];
	char *dir; /* of the run's files */
	struct run_summary summary;

	uint64_t compilations, failed, unknown_end;
	struct sums outcomes[ANALYSIS_OUTCOMES], reasons[SOLDR_REASON_COUNT];
	uint64_t time_saved_ns;
	struct slow_unit slowest[ANALYSIS_SLOWEST_MAX];
	size_t slow_count;
	struct cause *causes; /* by time, longest first, once read */
	size_t cause_count;
	uint64_t causes_left_out;

	struct span *spans;
	size_t span_count, span_cap;
	uint64_t spans_left_out;
	int64_t begin_ns, end_ns;  /* from the first start to the last end; 0: no compile */
	uint64_t busy_ns;          /* of that, with at least one compile */
	unsigned lanes;            /* how many compiles ran at once at most */
	double concurrency[ANALYSIS_BUCKETS]; /* on average, in equal parts of the run's time */

	struct difference_count differences[ANALYSIS_DIFFERENCES_MAX]; /* most frequent first */
	size_t difference_count;
	uint64_t asked, told;      /* sampled misses; those that the backend knew something of */

	bool has_events;           /* there is an audit.jsonl */
	uint64_t events, events_lost;
	struct evidence lost_events; /* events that say so */
	size_t events_broken;
	struct phase_sum phases[ANALYSIS_PHASES_MAX]; /* longest first */
	size_t phase_count;
	struct processes processes;

	bool journal_full;
	uint64_t left_out;         /* lines that the journal's limit left out, and lost ones */
	size_t broken;
	unsigned cpus;
};

/*
 * Reads the run named in `run`: its id, "last" or NULL for the one that was
 * active last, or with a slash a directory with its files. ask: the backends
 * are asked what misses differ in, and config->backend may be another one
 * afterwards. Release in both cases.
 */
int analysis_read(struct analysis *, const struct cli *, struct config *, const char *run, bool ask, soldr_error *);
void analysis_release(struct analysis *);
char *analysis_file(const struct analysis *, const char *name); /* malloc'ed; NULL: out of memory */
void evidence_add(struct evidence *, const char *id);
uint64_t analysis_wall_ns(const struct analysis *); /* of the build; where that is not known, from first start to last end */
bool analysis_is_day(const struct analysis *); /* compiles outside a build: what lies between them says nothing */
uint64_t analysis_hits(const struct analysis *);
uint64_t analysis_id(const char *compile_id); /* as in struct span */
/* A name as it is kept and shown: its end where it is too long. */
void analysis_name(char to[ANALYSIS_TEXT], const char *name);
uint32_t analysis_outcome(const char *name);

/* What audit.jsonl adds; where there is none, nothing. progress: it is shown. */
int analysis_events(struct analysis *, bool progress, soldr_error *);
/* Lanes, concurrency, busy time, from the spans. False: out of memory. */
bool analysis_times(struct analysis *);
double analysis_most(const struct analysis *); /* the largest of concurrency */

/* ---- findings ------------------------------------------------------------------------------- */

enum finding_severity { FINDING_INFO, FINDING_WARNING, FINDING_ERROR };
enum finding_confidence { FINDING_LOW, FINDING_MEDIUM, FINDING_HIGH };

struct finding {
	const char *id, *title, *action; /* id: stable, never renamed */
	enum finding_severity severity;
	enum finding_confidence confidence;
	uint64_t impact_ns;              /* estimated, of compile or wall time; 0: not a matter of time */
	char what[600];
	struct evidence evidence;        /* compiles … */
	struct evidence events;          /* … and their events, where there are any */
};

struct findings {
	struct finding items[FINDINGS_MAX];
	size_t count;
};

/* Errors first, then by impact. */
void findings_of(const struct analysis *, struct findings *);
/* Names the events of the compiles that findings rest on, where there are events. */
void findings_events(const struct analysis *, struct findings *);
/* Every id and title, in the order of the table; false at its end. */
bool finding_kind(size_t i, const char **id, const char **title);
const char *finding_severity_name(enum finding_severity);
const char *finding_confidence_name(enum finding_confidence);

/* ---- showing it ------------------------------------------------------------------------------- */

void analysis_text(const struct analysis *, const struct findings *, struct buf *out);
void analysis_json(const struct analysis *, const struct findings *, struct buf *out);
/* How much of the file is read, on stderr where that is a terminal. */
struct progress {
	bool wanted;
	uint64_t done;
};
void progress_step(struct progress *, uint64_t read, const char *what);
void progress_end(struct progress *);

#endif
