/*
 * conform: does a plugin keep the contract of the backend ABI? Each clause of
 * docs/abi.md has an id, a sentence and a check; the table is in conform.c.
 *
 * A check runs in a child process of its own, in which the plugin is loaded
 * anew: what crashes, hangs or ends the process ends that check alone, and that
 * is its verdict. Nothing of the file is executed before its owner and mode
 * were checked (plugin_load_clauses).
 *
 *   conform.c          the clauses, the children and their verdicts
 *   conform_host.c     the host that a plugin under test sees
 *   conform_scene.c    directories, the compiler, requests
 *   conform_elf.c      what the file says of itself
 *   conform_open.c, conform_compile.c, conform_process.c   the checks
 */
#ifndef SOLDR_CLI_CONFORM_H
#define SOLDR_CLI_CONFORM_H

#include "buf.h"
#include "cli.h"
#include "loader.h"

#include <pthread.h>
#include <stdbool.h>

enum {
	CONFORM_WHY = 512,
	CONFORM_GUARD = 128, /* bytes behind each struct that a plugin fills */
	CONFORM_CALLS = 16   /* requests at one time */
};

enum conform_verdict { CONFORM_PASS, CONFORM_FAIL, CONFORM_NOT_APPLICABLE, CONFORM_NOT_RUN };

struct conform_result {
	enum conform_verdict verdict;
	char why[CONFORM_WHY]; /* a sentence, unless it passed */
};

/* What the user asked for. All of it is borrowed. */
struct conform_plan {
	const char *path;        /* as plugin_find gave it */
	const struct vec *given; /* options of the backend: "NAME=VALUE" */
	const char *only;        /* the id of one clause; NULL: all */
	const char *path_list;   /* PATH, where the compiler is looked for */
	uint64_t timeout_s;      /* of one check */
};

struct conform_report {
	char name[32], version[32], abi[16]; /* "" while it does not load */
	struct conform_result *results;      /* conform_count() of them */
};

size_t conform_count(void);
const char *conform_id(size_t);
const char *conform_text(size_t);
/* Fills the report. 0, or SOLDR_E_* where the checks themselves cannot be made. */
int conform_run(const struct conform_plan *, struct conform_report *, soldr_error *);
void conform_report_release(struct conform_report *);

/* ---- the host that a plugin sees: conform_host.c ----------------------------------- */

/* One request and what came of it. */
struct conform_call {
	soldr_request request; /* id is set by conform_compile() */
	struct buf streams[2]; /* stdout, stderr, as emitted and passed on */
	unsigned ran;          /* run() and replace() without PROBE */
	bool deaf;             /* nobody reads the streams */
	/* The result and the error, each with a guard behind it. */
	struct {
		soldr_result value;
		unsigned char guard[CONFORM_GUARD];
	} result;
	struct {
		soldr_error value;
		unsigned char guard[CONFORM_GUARD];
	} error;
};

struct conform_host {
	struct {
		soldr_host table;
		unsigned char more[CONFORM_GUARD]; /* members of a newer minor */
	} host;
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct conform_call *calls[CONFORM_CALLS];
	uint64_t next_id;
	void **live; /* what alloc gave and release has not taken back */
	size_t live_count, live_cap;
	int32_t fail_run;  /* what run() and replace() give instead of running; 0: they run */
	unsigned meet;     /* run() waits until so many are in it at once */
	unsigned inside;
	char violation[CONFORM_WHY]; /* the first thing that the plugin did wrong with the host */
};

void conform_host_init(struct conform_host *, bool newer);

/* ---- one check: conform_scene.c ------------------------------------------------------ */

/* Made once, before all checks. */
struct conform_scene {
	char *dir;      /* private, removed at the end */
	char *compiler; /* NULL: there is none */
	const char *path_list;
	struct buf object, depfile, messages; /* what the bare compiler gives for unit.c; its messages about bad.c */
	int bad_status;
};

int conform_scene_open(struct conform_scene *, const char *path_list, soldr_error *);
void conform_scene_close(struct conform_scene *);

/* What parent and child share. */
struct conform_shared {
	char doing[64];     /* "open()": what a death is blamed on */
	const char *clause; /* that loading it has reached; NULL: it is loaded */
	char name[32], version[32], abi[16];
	struct conform_result result;
	bool done;
};

struct conform {
	const struct conform_plan *plan;
	const struct conform_scene *scene;
	struct conform_shared *shared;
	struct plugin plugin;
	struct conform_host host;
	char *work, *cache; /* directories of this check alone */
	struct vec env;
	uint32_t flags; /* of each request */
	bool crowded;   /* several threads are at it: conform_doing() does nothing */
	bool newer;    /* structs of a newer minor */
	bool readonly; /* host.readonly, and READONLY in each request */
	bool sealed;   /* arguments cannot be written to, nor read once the call has returned */
};

/* Makes the directories of check number n, and enters them. */
int conform_enter(struct conform *, size_t n);

/* A check gives 0 (pass), or what one of these gives. */
typedef int conform_check_fn(struct conform *);
int conform_fail(struct conform *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int conform_skip(struct conform *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Names the plugin's function that runs now. */
void conform_doing(struct conform *, const char *what);

/* open() with the options of the plan, defaults, made-up values of required ones, and extra, which may be NULL; its code. */
int32_t conform_try_open(struct conform *, const soldr_kv *extra, soldr_instance **, soldr_error *);
/* 0, or the check has failed. */
int conform_open(struct conform *, soldr_instance **);
void conform_close(struct conform *, soldr_instance *);

/* The compile of work/unit.c, or of another source and to another object. */
struct conform_argv {
	const char *items[16];
};
struct conform_argv conform_unit(const struct conform *, const char *source, const char *object);
void conform_call_init(struct conform *, struct conform_call *, const char *const *argv);
void conform_call_release(struct conform_call *);
/* compile(); the code that it gave. */
int32_t conform_compile(struct conform *, soldr_instance *, struct conform_call *);
/* Whether the file in work holds these bytes. */
bool conform_same(const struct conform *, const char *name, const struct buf *want);
void conform_remove(const struct conform *, const char *name);
/* Waits until the file system's clock has moved on: backends do not store results of inputs as young as the compile. */
void conform_settle(const struct conform *);
/* What is wrong with the error that came with rc, or NULL. */
const char *conform_error_fault(const soldr_error *, int32_t rc);
/* Whether the guard is as it was made. */
bool conform_guard_holds(const unsigned char guard[CONFORM_GUARD]);
void conform_guard_set(unsigned char guard[CONFORM_GUARD]);

/* ---- the checks ------------------------------------------------------------------------ */

conform_check_fn conform_bind_now, conform_exports;
conform_check_fn conform_static_table, conform_other_minors, conform_other_major, conform_longer_structs;
conform_check_fn conform_opens, conform_unknown_option, conform_bad_values, conform_two_instances, conform_close_null,
	conform_open_again, conform_reopen_leaks;
conform_check_fn conform_outputs_untouched, conform_host_memory, conform_guards, conform_arguments, conform_host_use;
conform_check_fn conform_errors_filled, conform_run_fails, conform_run_cancelled, conform_no_compiler;
conform_check_fn conform_compiles, conform_failing_compile, conform_exact_end, conform_result_range, conform_read_only,
	conform_recache, conform_strange_arguments, conform_strange_places, conform_closed_streams;
conform_check_fn conform_concurrent, conform_any_thread;
conform_check_fn conform_directory, conform_signals, conform_environment, conform_threads, conform_descriptors, conform_silent;
conform_check_fn conform_cap_caching, conform_cap_stats, conform_cap_flush, conform_cap_maintain, conform_cap_shutdown,
	conform_cap_explain;

#endif
