/*
 * parity: proof that a backend gives the bytes that the compiler gives.
 *
 *   verb_parity.c      options, report
 *   parity_run.c       all requests: workers
 *   parity_requests.c  where requests come from: one command line, a compilation
 *                      database, the record of a build, the journal of a run
 *   parity_scene.c     one run of one request: isolated, watched
 *   parity_compare.c   two runs, difference by difference
 *   parity_check.c     one request through truth and backends: a verdict
 *   parity_report.c    verdicts as text, JSON and JUnit XML
 *
 * The truth is the bare compiler, run now, twice: what the two runs do not
 * agree on is the compiler's own and no backend's fault.
 */
#ifndef SOLDR_CLI_PARITY_H
#define SOLDR_CLI_PARITY_H

#include "cli.h"
#include "counters.h"

#include <sys/types.h>

enum {
	PARITY_FILES_MAX = 10000,       /* changed files of one run */
	PARITY_FILE_MAX = 1 << 30,      /* bytes of one of them */
	PARITY_DIFFERENCES_MAX = 20,    /* shown for one request */
	PARITY_REQUESTS_MAX = 1 << 20
};

/* ---- requests -------------------------------------------------------------------- */

struct parity_request {
	char *cwd;       /* absolute */
	struct vec argv; /* argv[0]: the compiler */
	struct vec envp; /* empty: that of this process */
	char *origin;    /* "compile_commands.json:17", "run ID", or "" */
};

struct parity_requests {
	struct parity_request *items;
	size_t len, cap;
};

void parity_requests_release(struct parity_requests *);
/* Appends an empty request; NULL: out of memory, or more than PARITY_REQUESTS_MAX. */
struct parity_request *parity_requests_add(struct parity_requests *);
/* A compilation database (JSON array of {directory, file, arguments | command}). */
int parity_read_database(struct parity_requests *, const char *file, soldr_error *);
/* The directory that SOLDR_RECORD named during a build. */
int parity_read_record(struct parity_requests *, const char *dir, soldr_error *);
/*
 * Takes the directories below dir out of the requests' PATH: the links of the recorded build, by which a linker that
 * rustc calls would be one more compile through soldr. -1: memory is out.
 */
int parity_leave_path(struct parity_requests *, const char *dir);
/* Called by each compile: writes its request into the directory. Failing is silent: a build must not break. */
void parity_record(const char *dir, const char *cwd, const char *const *argv, const char *const *envp);
/* Keeps n of them, the same ones for the same seed, in their order. */
void parity_sample(struct parity_requests *, size_t n, uint64_t seed);
/*
 * For path_remap: puts a map of the checkout's root into each compile of C or Rust, so that the bare compiler writes what
 * a backend that maps the root gives. root: of all of them; NULL: that of each working directory, with rustc also that
 * of the outputs. -1: memory is out.
 */
int parity_map_roots(struct parity_requests *, const char *root);

/* ---- one run ----------------------------------------------------------------------- */

enum parity_isolation {
	PARITY_OVERLAY, /* a private mount namespace with an overlay over each directory */
	PARITY_IN_PLACE /* none to be had or wanted: outputs are written where they belong, and the truth's stay there */
};

struct parity_file {
	char *path;      /* absolute, as the compiler saw it */
	bool removed;    /* the run removed it */
	uint32_t mode;   /* st_mode */
	struct buf data; /* content, or a link's target */
};

struct parity_run {
	int exit_code, signal;
	bool timed_out;
	struct buf out, errs;
	struct parity_file *files; /* sorted by path */
	size_t file_count;
};

struct parity_scene {
	enum parity_isolation isolation;
	struct vec roots;   /* directories that the request may write to */
	char *scratch;      /* directory of this scene */
	char *exclude;      /* directory of the whole check; what changes in it is not the request's doing */
	unsigned runs;      /* made so far */
	uint64_t timeout_ns;
};

/* Whether an overlay is possible for this request, here and now. */
bool parity_scene_can_cover(const struct parity_request *, const char *scratch);
/* Decides the isolation by trying it, unless in_place. */
int parity_scene_open(struct parity_scene *, const struct parity_request *, const char *scratch, bool in_place, uint64_t timeout_ns,
                      soldr_error *);
void parity_scene_release(struct parity_scene *);
/*
 * Runs program with argv in the request's directory. An error means that the
 * request cannot be replayed at all. stale: files of an earlier run to remove
 * first, where the isolation does not do so.
 */
int parity_scene_run(struct parity_scene *, const struct parity_request *, const char *program, const char *const *argv,
                     const char *const *envp, const struct parity_run *stale, struct parity_run *, soldr_error *);
void parity_run_release(struct parity_run *);
/* Puts a run's files back in place (PARITY_IN_PLACE). */
void parity_run_restore(const struct parity_run *);

/* ---- differences --------------------------------------------------------------------- */

/* Appends one line for each difference, at most PARITY_DIFFERENCES_MAX; what: "embedded warm". Returns how many there are. */
size_t parity_compare(const struct parity_run *truth, const struct parity_run *other, const char *what, struct vec *lines);

/* ---- verdicts --------------------------------------------------------------------------- */

enum parity_status {
	PARITY_SAME,
	PARITY_DIFFERENT,
	PARITY_NOT_DETERMINISTIC, /* the compiler does not agree with itself */
	PARITY_NOT_REPLAYABLE
};

enum { PARITY_BACKENDS_MAX = 8, PARITY_OUTCOME_SIZE = 72 };

/* What is checked, and with what. All borrowed. */
struct parity_plan {
	const struct cli *cli;
	const char *self;                           /* absolute path of soldr */
	const char *scratch;                        /* directory of this check */
	const char *backends[PARITY_BACKENDS_MAX];
	bool caching[PARITY_BACKENDS_MAX];          /* the backend says that a repeated request hits */
	size_t backend_count;
	bool in_place;                              /* no overlays, although they might be had */
	uint64_t timeout_ns;
	const char *keep;                           /* directory for what differs, or NULL */
	bool path_remap;                            /* the requests' roots are mapped */
	const char *worktree_root;                  /* of all of them, or NULL: found; of the config */
};

struct parity_verdict {
	enum parity_status status;
	struct vec lines;  /* differences, or the reason in words */
	char outcomes[PARITY_BACKENDS_MAX][2][PARITY_OUTCOME_SIZE]; /* "miss recache", "hit" */
	uint64_t wall_ns;
};

/* number: of the request, for names of files. */
void parity_check(const struct parity_plan *, const struct parity_request *, size_t number, struct parity_verdict *);
void parity_verdict_release(struct parity_verdict *);
/* To and from another process. */
void parity_verdict_write(const struct parity_verdict *, const struct parity_plan *, struct buf *);
int parity_verdict_read(struct parity_verdict *, const struct parity_plan *, const void *, size_t len);

/* Why a line of a journal is no request: PARITY_SKIPS(X) calls X(IDENTIFIER, "name", "what it means"). */
#define PARITY_SKIPS(X) \
	X(REDACTED, "redacted", "a secret was taken out of it") \
	X(TRUNCATED, "truncated", "the arguments were too long for the journal") \
	X(NOT_UTF8, "not_utf8", "an argument is no UTF-8 text") \
	X(UNREADABLE, "unreadable", "the line is torn") \
	X(PROBE, "probe", "a question to the compiler, without a source") \
	X(STDIN, "stdin", "the source came from standard input") \
	X(DIRECTORY_GONE, "directory_gone", "its working directory is gone") \
	X(COMPILER_GONE, "compiler_gone", "its compiler is gone") \
	X(SOURCE_GONE, "source_gone", "a file named by the arguments is gone")

enum parity_skip {
#define PARITY_SKIP_ENUM_(id, name, text) PARITY_SKIP_##id,
	PARITY_SKIPS(PARITY_SKIP_ENUM_)
#undef PARITY_SKIP_ENUM_
	PARITY_SKIP_COUNT
};

struct parity_totals {
	size_t requests, same, different, not_deterministic, not_replayable;
	size_t skips[PARITY_SKIP_COUNT];
};

/* Everything of one check. */
struct parity_work {
	struct parity_plan plan; /* timeout_ns, keep: the caller's to set */
	struct parity_requests requests;
	struct parity_verdict *verdicts; /* one for each request, once it ran */
	struct parity_totals totals;
	bool progress;   /* said on stderr */
	char *run;       /* whose journal the requests are from, or NULL */
	char *self, *scratch;
	struct vec backends;
	pid_t *pids;
};

/* backends: "a,b", or NULL for the configured one. SOLDR_E_INVALID: wrong usage. */
int parity_work_open(struct parity_work *, const struct cli *, const struct config *, const char *backends, soldr_error *);
void parity_work_release(struct parity_work *);
/*
 * The requests of a run's journal ("last": the newest one), each once, in the
 * present environment. What cannot be replayed is counted in totals.skips.
 * SOLDR_E_NOT_FOUND: there is no journal.
 */
int parity_read_journal(struct parity_work *, const struct config *, const char *run, soldr_error *);
/* Checks the requests; jobs 0: one for each processor. */
int parity_work_run(struct parity_work *, size_t jobs, soldr_error *);

/* "not replayable: redacted 1, source_gone 2"; nothing when there are none. */
void parity_report_skips(const struct parity_totals *, struct buf *);
/* The members of the JSON report, into an object that is open. */
struct json;
void parity_report_members(const struct parity_work *, struct json *);
/* The requests that are not the same, line by line. */
void parity_report_details(const struct parity_requests *, const struct parity_verdict *, struct buf *);
/* "gcc -c x.c -o x.o", cut to a readable length. */
void parity_label(const struct parity_request *, struct buf *);
void parity_report_text(const struct parity_work *, struct buf *);
void parity_report_json(const struct parity_work *, struct buf *);
void parity_report_junit(const struct parity_requests *, const struct parity_verdict *, const struct parity_totals *, struct buf *);

#endif
