/*
 * soldr/backend.h: the backend ABI, version 1.
 *
 * A backend is a shared object that exports one function, soldr_backend_v1().
 * The host (the soldr command, or a program that links libsoldr) loads it,
 * asks for its table, opens one instance with the options of the config file
 * and hands it one request for each compiler call. This header is all that a
 * backend needs; it includes nothing but <stddef.h> and <stdint.h> and works from C11 and C++.
 *
 * Versions      `abi` is SOLDR_ABI: major << 16 | minor. Majors must be equal.
 *               Minors only add members at the end of structs: each side
 *               copies min(its size, the other's struct_size) into a zeroed
 *               local, so older and newer minors load in both directions.
 * Structs       `struct_size` is the first member of every struct that crosses
 *               and is set by whoever fills the struct. Only fixed-width types,
 *               pointers and NUL-terminated byte strings cross.
 * Errors        Functions that can fail return 0 or a SOLDR_E_* code and then
 *               fill the caller's soldr_error (never NULL). On failure all
 *               other outputs are untouched. A miss, a bypass or a compile that
 *               fails is an outcome, not an error.
 * Ownership     What a success returns belongs to the caller. Memory that
 *               crosses is allocated by host->alloc and freed by host->release.
 *               Arguments live until the call returns unless said otherwise.
 * Threads       Without SOLDR_CAP_CONCURRENT the host serialises all calls on
 *               one instance. open() and close() never overlap any other call
 *               on the same plugin. Every function of soldr_host may be called
 *               from any thread until close() has returned.
 * Units         Times are nanoseconds, sizes are bytes.
 * Limits        Strings in fixed arrays are truncated to fit, always with a
 *               terminating NUL.
 */
#ifndef SOLDR_BACKEND_H
#define SOLDR_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOLDR_ABI_MAJOR 1u
#define SOLDR_ABI_MINOR 0u
#define SOLDR_ABI ((SOLDR_ABI_MAJOR << 16) | SOLDR_ABI_MINOR)
#define SOLDR_ABI_MAJOR_OF(abi) ((uint32_t)(abi) >> 16)

#if defined(__GNUC__)
#define SOLDR_EXPORT __attribute__((visibility("default")))
#else
#define SOLDR_EXPORT
#endif

/* ---- errors ------------------------------------------------------------- */

enum soldr_error_code {
	SOLDR_OK = 0,
	SOLDR_E_NOMEM = 1,       /* out of memory */
	SOLDR_E_INVALID = 2,     /* an argument breaks this contract */
	SOLDR_E_CONFIG = 3,      /* a setting the user can mend */
	SOLDR_E_IO = 4,          /* a system call failed: sys_errno says how */
	SOLDR_E_NOT_FOUND = 5,   /* a file or name does not exist */
	SOLDR_E_ABI = 6,         /* the plugin and the host do not fit */
	SOLDR_E_TRUST = 7,       /* owner or mode of a file is unsafe */
	SOLDR_E_UNSUPPORTED = 8, /* valid, but not offered here */
	SOLDR_E_CANCELLED = 9,   /* the request was cancelled */
	SOLDR_E_TIMEOUT = 10,    /* a limit of time was reached */
	SOLDR_E_LIMIT = 11,      /* a stated maximum was reached */
	SOLDR_E_CORRUPT = 12,    /* stored data fails its check */
	SOLDR_E_BUSY = 13,       /* try later */
	SOLDR_E_INTERNAL = 14,   /* a bug */
	SOLDR_E_SHUTDOWN = 15    /* the service was shut down */
};

typedef struct soldr_error {
	uint32_t struct_size;
	int32_t code;      /* enum soldr_error_code */
	int32_t sys_errno; /* errno of the failing call, or 0 */
	char origin[32];   /* who failed: "embedded", "loader", … */
	char message[468]; /* one sentence: what, where, what to do */
} soldr_error;

/* ---- small shared types -------------------------------------------------- */

typedef struct soldr_core soldr_core;         /* the host's own state */
typedef struct soldr_instance soldr_instance; /* the backend's own state */

typedef struct soldr_kv {
	const char *key;
	const char *value;
} soldr_kv;

enum soldr_log_level {
	SOLDR_LOG_ERROR = 0,
	SOLDR_LOG_WARN = 1,
	SOLDR_LOG_INFO = 2,
	SOLDR_LOG_DEBUG = 3,
	SOLDR_LOG_TRACE = 4
};

enum soldr_stream { SOLDR_STDOUT = 1, SOLDR_STDERR = 2 };

/* ---- options that a backend declares ------------------------------------- */

enum soldr_option_type {
	SOLDR_OPT_STRING = 0,
	SOLDR_OPT_BOOL = 1,     /* delivered as "true" or "false" */
	SOLDR_OPT_INT = 2,      /* delivered as a decimal number */
	SOLDR_OPT_SIZE = 3,     /* YAML "20GiB"; delivered in bytes, decimal */
	SOLDR_OPT_DURATION = 4, /* YAML "30d", "5s"; delivered in ns, decimal */
	SOLDR_OPT_ENUM = 5,     /* one of choices */
	SOLDR_OPT_LIST = 6,     /* of strings: one kv with the same key for each */
	SOLDR_OPT_PATH = 7,     /* delivered absolute; "~/" expanded */
	SOLDR_OPT_MAP = 8       /* free keys: delivered as "name.KEY" */
};

enum soldr_option_flag { SOLDR_OPTION_REQUIRED = 1u << 0 };

/*
 * An array of these, ended by name == NULL, with the stride of the first
 * element's struct_size. Core checks the YAML against it before open().
 */
typedef struct soldr_option_spec {
	uint32_t struct_size;
	uint32_t type;             /* enum soldr_option_type */
	uint32_t flags;            /* enum soldr_option_flag */
	uint32_t reserved;         /* 0 */
	const char *name;          /* a dot nests: "compression.level" */
	const char *default_value; /* as YAML text, or NULL */
	int64_t min, max;          /* inclusive; both 0: no bound */
	const char *choices;       /* ENUM: "a|b|c" */
	const char *help;          /* one sentence */
} soldr_option_spec;

/* ---- a request ------------------------------------------------------------ */

enum soldr_fd_kind {
	SOLDR_FD_OTHER = 0,  /* a pipe, a file, /dev/null, a callback */
	SOLDR_FD_TTY = 1,    /* a terminal */
	SOLDR_FD_CLOSED = 2  /* not open, or every write to it would fail */
};

enum soldr_request_flag {
	SOLDR_REQUEST_READONLY = 1u << 0, /* look up, store nothing */
	SOLDR_REQUEST_RECACHE = 1u << 1   /* look nothing up, store */
};

/* One compiler call. All of it is borrowed for the length of compile(). */
typedef struct soldr_request {
	uint32_t struct_size;
	uint32_t flags;          /* enum soldr_request_flag */
	uint64_t id;             /* unique in this host */
	uint32_t argc, envc;
	const char *const *argv; /* argv[0]: the compiler as the user named it; NULL-ended */
	const char *const *envp; /* "NAME=value"; NULL-ended */
	const char *compiler;    /* absolute path of the program to run */
	const char *cwd;         /* absolute working directory (physical) */
	uint32_t stdin_kind, stdout_kind, stderr_kind; /* enum soldr_fd_kind */
	uint32_t columns;        /* width of the terminal; 0: none */
} soldr_request;

enum soldr_outcome {
	SOLDR_OUTCOME_NONE = 0,
	SOLDR_OUTCOME_HIT = 1,         /* served; the compiler did not run */
	SOLDR_OUTCOME_MISS = 2,        /* the compiler ran and the result is stored */
	SOLDR_OUTCOME_BYPASS = 3,      /* not cacheable; the compiler ran */
	SOLDR_OUTCOME_PASSTHROUGH = 4, /* this backend never caches */
	SOLDR_OUTCOME_ERROR_HIT = 5,   /* a cached failing compile */
	SOLDR_OUTCOME_FALLBACK = 6     /* a fault; the host ran the compiler */
};

/* Filled by compile(); zeroed by the host but for struct_size. */
typedef struct soldr_result {
	uint32_t struct_size;
	uint32_t outcome;         /* enum soldr_outcome */
	int32_t exit_code;        /* of the compiler, when signal is 0 */
	int32_t signal;           /* that killed the compiler, or 0 */
	uint64_t time_saved_ns;   /* hits: what the stored compile took */
	uint64_t output_bytes;    /* of the files restored or stored */
	char reason[40];          /* why not a hit: a name of soldr/reason.h, or [a-z0-9_]+ */
	char detail[216];         /* which option, file or variable; may be empty */
} soldr_result;

/* ---- running tools --------------------------------------------------------- */

enum soldr_spawn_flag {
	/* Keep a full copy in soldr_exit. Otherwise the stream is only passed on. */
	SOLDR_SPAWN_CAPTURE_STDOUT = 1u << 0,
	SOLDR_SPAWN_CAPTURE_STDERR = 1u << 1,
	/* Do not pass it on to the request's own stdout and stderr. */
	SOLDR_SPAWN_MUTE_STDOUT = 1u << 2,
	SOLDR_SPAWN_MUTE_STDERR = 1u << 3,
	/* stdin is /dev/null instead of the request's. */
	SOLDR_SPAWN_NO_STDIN = 1u << 4,
	/* Not the request's own compile but a question to the compiler: not counted as one, and muted it gets no terminal. */
	SOLDR_SPAWN_PROBE = 1u << 5
};

typedef struct soldr_spawn {
	uint32_t struct_size;
	uint32_t flags;          /* enum soldr_spawn_flag */
	const char *file;        /* absolute path */
	const char *const *argv; /* NULL-ended */
	const char *const *envp; /* NULL-ended; NULL: the request's */
	const char *cwd;         /* NULL: the request's */
	uint64_t timeout_ns;     /* 0: none. After it: TERM, then KILL; SOLDR_E_TIMEOUT */
	uint64_t capture_max;    /* 0: 1 GiB. A stream that grows past it is passed on whole, kept not at all, and `truncated` set */
	const char *detail;      /* replace() only: what soldr_result.detail would say; NULL: "" */
} soldr_spawn;

typedef struct soldr_exit {
	uint32_t struct_size;
	int32_t exit_code;  /* when signal is 0 */
	int32_t signal;     /* that killed it, or 0 */
	uint32_t truncated; /* 1: a captured stream passed capture_max */
	void *stdout_data;  /* by host->alloc, or NULL; the caller releases it */
	uint64_t stdout_len;
	void *stderr_data;
	uint64_t stderr_len;
	uint64_t wall_ns;
	int64_t start_realtime_ns; /* CLOCK_REALTIME just before the start */
} soldr_exit;

/* ---- what the host offers --------------------------------------------------- */

typedef void (*soldr_task_fn)(void *arg);

typedef struct soldr_host {
	uint32_t struct_size;
	uint32_t abi;
	soldr_core *core; /* the first argument of every function below */
	/* alloc never returns NULL for size 0; NULL when memory is out. release takes NULL. */
	void *(*alloc)(soldr_core *, uint64_t size);
	void (*release)(soldr_core *, void *);
	/* message: one line, no newline. */
	void (*log)(soldr_core *, uint32_t level, const char *origin, const char *message);
	uint64_t (*monotonic_ns)(soldr_core *);
	/* 1 when the request (0: the service) was cancelled. */
	uint32_t (*cancelled)(soldr_core *, uint64_t request_id);
	/*
	 * Records an event of the audit trail, as the user's audit mode allows:
	 * "compile" adds to what is said of the request itself (source, output,
	 * language), every other name is a phase of it, from verbose on. event:
	 * [a-z0-9_.-]+, at most 64 bytes. "duration_ns" makes it a span that ends now. Keys are
	 * [a-z0-9_]+; those that end in _ns, _bytes or _count have numbers, neighbours
	 * with one key that ends in [] are a list. "evidence[]" names what is kept
	 * on disk. Secrets are taken out. All is copied.
	 */
	void (*audit)(soldr_core *, uint64_t request_id, const char *event, const soldr_kv *, uint32_t n);
	/*
	 * Appends to the request's stdout or stderr. The bytes reach the user
	 * when compile() returns 0, or before the next run(); after an error they
	 * are dropped, so that the fallback's own output is all that is seen.
	 */
	int32_t (*emit)(soldr_core *, uint64_t request_id, uint32_t stream, const void *data, uint64_t len, soldr_error *);
	/*
	 * Runs a program to its end: signals forwarded, process group, descriptors
	 * and limits those of the host, streams passed on as they come. Where the
	 * request's stream is a terminal the child sees a terminal.
	 */
	int32_t (*run)(soldr_core *, uint64_t request_id, const soldr_spawn *, soldr_exit *, soldr_error *);
	/*
	 * The same without capture, and where the host allows it in place of the
	 * host's own process: then it does not return and the request is counted
	 * as `outcome` (enum soldr_outcome) with `reason`.
	 */
	int32_t (*replace)(soldr_core *, uint64_t request_id, const soldr_spawn *, uint32_t outcome, const char *reason, soldr_exit *, soldr_error *);
	/* Runs task(arg) soon on the host's executor; without one, now, on this thread. */
	int32_t (*submit)(soldr_core *, soldr_task_fn task, void *arg);
} soldr_host;

/* ---- what the backend offers -------------------------------------------------- */

enum soldr_cap {
	SOLDR_CAP_CONCURRENT = 1u << 0, /* compile() may run in many threads at once */
	SOLDR_CAP_CACHING = 1u << 1,    /* a repeated request is expected to hit */
	SOLDR_CAP_STATS = 1u << 2,
	SOLDR_CAP_FLUSH = 1u << 3,
	SOLDR_CAP_MAINTAIN = 1u << 4,
	SOLDR_CAP_SHUTDOWN = 1u << 5,
	SOLDR_CAP_EXPLAIN = 1u << 6
};

enum soldr_stat_unit { SOLDR_UNIT_COUNT = 0, SOLDR_UNIT_BYTES = 1, SOLDR_UNIT_NS = 2 };

typedef struct soldr_stat {
	uint32_t struct_size;
	uint32_t unit;    /* enum soldr_stat_unit */
	const char *name; /* "entries", "size_bytes", "max_size_bytes", … */
	uint64_t value;
} soldr_stat;

typedef void (*soldr_stat_fn)(void *arg, const soldr_stat *);
typedef void (*soldr_explain_fn)(void *arg, const soldr_kv *);

enum soldr_maintain_kind {
	SOLDR_MAINTAIN_EVICT = 1,  /* down to the limits */
	SOLDR_MAINTAIN_CLEAR = 2,  /* remove every entry */
	SOLDR_MAINTAIN_VERIFY = 3, /* check every file; remove what fails */
	SOLDR_MAINTAIN_RECOUNT = 4, /* size counters from the files themselves */
	SOLDR_MAINTAIN_CHECK = 5   /* check every file; change nothing */
};

enum soldr_shutdown_mode { SOLDR_SHUTDOWN_GRACEFUL = 1, SOLDR_SHUTDOWN_FORCE = 2 };

enum soldr_step_status { SOLDR_STEP_COMPLETED = 0, SOLDR_STEP_FAILED = 1, SOLDR_STEP_TIMED_OUT = 2 };

/* What flush, maintain and shutdown did. */
typedef struct soldr_report {
	uint32_t struct_size;
	uint32_t status;         /* enum soldr_step_status */
	uint64_t files_seen;
	uint64_t files_removed;
	uint64_t bytes_removed;
	uint64_t files_corrupt;
	char message[240];       /* for people; may be empty */
} soldr_report;

typedef struct soldr_backend {
	uint32_t struct_size;
	uint32_t abi;
	uint64_t caps;                    /* enum soldr_cap */
	const char *name;                 /* [a-z0-9_-]+, at most 31 bytes */
	const char *version;              /* at most 31 bytes */
	const soldr_option_spec *options; /* NULL: none */
	/*
	 * kv holds every declared option that is set or has a default, and what
	 * the host says of itself:
	 *   host.cache_root  absolute directory, private to the user; may not exist yet
	 *   host.readonly    "true" when nothing may be written below it
	 *   host.path_remap  "auto" or "off"
	 *   host.worktree_root  the root of the checkout, where the user names it; else absent
	 *   host.redact      "true": secrets are taken out of what is written down
	 *   host.redact_deny, host.redact_allow  the user's patterns of names, one kv each
	 *   host.verify_percent  "0" to "100": the share of hits to compile anyway and compare
	 *   host.disk_budget  bytes that the store may have, in place of the backend's own limit; absent: no budget
	 *   host.maintenance  "service": the backend keeps to its limits by itself; "host": only when maintain() is called
	 *   host.audit_mode  "off", "summary", "normal", "verbose" or "forensic": what audit() makes use of
	 */
	int32_t (*open)(const soldr_host *, const soldr_kv *, uint32_t n, soldr_instance **out, soldr_error *);
	/*
	 * Serves the request: after 0 the result is filled and the outputs, stdout
	 * and stderr are those that the compiler would have given. After an error
	 * the host runs the compiler itself, unless run() already ran it for this
	 * request: then that exit stands.
	 */
	int32_t (*compile)(soldr_instance *, const soldr_request *, soldr_result *, soldr_error *);
	/* Takes NULL. */
	void (*close)(soldr_instance *);
	/* 1.0 required ends here. The rest: NULL unless the cap bit is set. */
	int32_t (*stats)(soldr_instance *, soldr_stat_fn, void *arg, soldr_error *);
	int32_t (*flush)(soldr_instance *, soldr_report *, soldr_error *);
	int32_t (*maintain)(soldr_instance *, uint32_t kind, soldr_report *, soldr_error *);
	int32_t (*shutdown)(soldr_instance *, uint32_t mode, soldr_report *, soldr_error *);
	/*
	 * Visits what is known of compiles of the request's sources, whenever they
	 * were: "at" (nanoseconds since 1970, when the result was stored) begins
	 * one, newest first for each source. Then "output" (absolute path),
	 * "against" ("at" of the earlier one that it was compared with) where there
	 * is one, and for each difference "difference" (its kind, [a-z_]+), and
	 * where known "what", "old" and "new". Strings live until visit returns.
	 */
	int32_t (*explain)(soldr_instance *, const soldr_request *, soldr_explain_fn, void *arg, soldr_error *);
} soldr_backend;

/* The size that every 1.x table has at least: up to and with close. */
#define SOLDR_BACKEND_SIZE_1_0 ((uint32_t)offsetof(soldr_backend, stats))

/*
 * The one symbol of a plugin. Returns its table (static, never freed), or NULL
 * with the error filled when it cannot serve a host of this ABI.
 */
SOLDR_EXPORT const soldr_backend *soldr_backend_v1(uint32_t host_abi, soldr_error *err);

#ifdef __cplusplus
}
#endif
#endif
