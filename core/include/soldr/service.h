/*
 * soldr/service.h: soldr inside another program (libsoldr).
 *
 * A service holds one open backend and serves compile requests as function
 * calls: for a build daemon that wants the cache in its own process. The soldr
 * command is itself a user of this header. docs/libsoldr.md is the guide.
 *
 * Life cycle     start → compile from any number of threads → shutdown → free.
 *                After a shutdown of either mode compiles fail with
 *                SOLDR_E_SHUTDOWN, and there is no way back: start another one.
 * Process rules  libsoldr never changes the host's working directory, signal
 *                handlers, signal mask (but for moments within a call),
 *                environment, umask, priority or standard streams, never calls
 *                exit or abort, never forks a copy of the host, and starts no
 *                thread of its own. It waits for its own children only, so the
 *                host must neither ignore SIGCHLD nor wait for "any" child: a
 *                compile whose end somebody else took fails with SOLDR_E_INVALID.
 * Children       run in a process group of their own, with no signal blocked or
 *                ignored, stdin /dev/null, and the request's environment and
 *                working directory. Descriptors that the host keeps open
 *                without O_CLOEXEC reach them.
 * Threads        Every function but start and free may be called from any
 *                thread at any time. start must not run in two threads at once
 *                (also not for two services); free must not overlap any other
 *                call on the same service. Requests to a backend without
 *                SOLDR_CAP_CONCURRENT wait for each other.
 * Errors         As in soldr/backend.h: 0 or SOLDR_E_*, err filled, outputs
 *                untouched on failure. err may be NULL.
 * Structs        struct_size is set by the caller. A shorter one, of an older
 *                header, is read as if the rest were zero; zero always means the
 *                default. `reserved` members are 0.
 * Ownership      Strings and structs passed in are copied or used only during the
 *                call, but for the callbacks' `arg` and cancellation tokens: these
 *                have to outlive the service or the call that they were given to.
 * Units          Nanoseconds and bytes.
 */
#ifndef SOLDR_SERVICE_H
#define SOLDR_SERVICE_H

#include <soldr/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct soldr_service soldr_service;

/* ---- cancellation ------------------------------------------------------------ */

/*
 * One switch that goes from off to on, for any number of requests or services.
 * What runs for them is then ended (TERM to the compiler's process group,
 * 2 seconds later KILL) within 100 ms and those 2 seconds, leaves no output and
 * no entry, and fails with SOLDR_E_CANCELLED. A hit that is being served, and a
 * compile that has just ended, are completed.
 */
typedef struct soldr_cancel_token soldr_cancel_token;

SOLDR_EXPORT int32_t soldr_cancel_token_new(soldr_cancel_token **out, soldr_error *err);
/* From any thread, and from a signal handler. */
SOLDR_EXPORT void soldr_cancel(soldr_cancel_token *);
/* 1 once soldr_cancel() was called. Takes NULL: 0. */
SOLDR_EXPORT uint32_t soldr_is_cancelled(const soldr_cancel_token *);
/* Takes NULL. Nothing may use the token any more. */
SOLDR_EXPORT void soldr_cancel_token_free(soldr_cancel_token *);

/* ---- starting ---------------------------------------------------------------- */

/* Who hosts the service; it is named in what is recorded. NULL: as configured (identity.*). */
typedef struct soldr_identity {
	uint32_t struct_size;
	uint32_t reserved;
	const char *product;      /* each at most 64 bytes */
	const char *instance_id;
	const char *workspace_id;
} soldr_identity;

enum soldr_priority {
	SOLDR_PRIORITY_CONFIGURED = 0, /* limits.priority */
	SOLDR_PRIORITY_AUTO = 1,       /* lower where the machine is saturated */
	SOLDR_PRIORITY_NORMAL = 2,
	SOLDR_PRIORITY_LOW = 3,
	SOLDR_PRIORITY_IDLE = 4
};

#define SOLDR_UNLIMITED UINT32_MAX

typedef struct soldr_limits {
	uint32_t struct_size;
	/*
	 * Compilers that run at once, of all soldr processes and services with this
	 * cache directory on this machine. 0: as configured (SOLDR_JOBS,
	 * limits.max_parallel_compiles); SOLDR_UNLIMITED: no limit.
	 */
	uint32_t max_parallel_compiles;
	uint32_t priority; /* enum soldr_priority */
	uint32_t reserved;
	uint64_t timeout_ns; /* of each request, from the call on; 0: none. Then SOLDR_E_TIMEOUT */
	/*
	 * How many compilers the host runs by itself, beside this service: they count
	 * against the limit, but one compile may always run. Called from a
	 * request that wants to start a compiler, at least every 100 ms while it waits;
	 * must not block or call the service. NULL: none.
	 */
	uint32_t (*in_flight)(void *arg);
	void *arg;
} soldr_limits;

typedef struct soldr_runtime {
	uint32_t struct_size;
	uint32_t reserved;
	/*
	 * The host's executor: runs task(task_arg) soon, on any thread, and returns 0;
	 * or returns another value and does not. It is given work that no compile has
	 * to wait for (upkeep of the store). A task that was accepted must have run, or
	 * never run at all any more, before soldr_service_free(). NULL: soldr runs tasks
	 * on the thread of the request.
	 */
	int32_t (*submit)(void *arg, soldr_task_fn task, void *task_arg);
	void *arg;
} soldr_runtime;

enum soldr_maintenance {
	SOLDR_MAINTENANCE_SERVICE = 0, /* compiles keep the store to its limit, in steps of 10 ms */
	SOLDR_MAINTENANCE_HOST = 1     /* the store grows until the host calls soldr_service_maintain() */
};

typedef struct soldr_service_config {
	uint32_t struct_size;
	uint32_t maintenance;          /* enum soldr_maintenance */
	const char *config_file;       /* NULL: the usual search (docs/config.md) */
	const char *const *envp;       /* NULL: the process's. Source of SOLDR_* and XDG_*, and the environment of requests */
	const char *cwd;               /* NULL: the process's. Where a project file is looked for, and where requests run */
	const char *backend;           /* NULL: as configured */
	const char *audit_mode;        /* NULL: as configured */
	const soldr_identity *identity;    /* NULL: as configured */
	const soldr_limits *limits;        /* NULL: as configured */
	const soldr_runtime *runtime;      /* NULL: no executor */
	const soldr_cancel_token *cancel;  /* cancels every request; NULL: none */
	/*
	 * What the store may have: bytes, or per cent of the file system that holds
	 * the cache directory (1 to 100), the smaller where both are given. 0: the backend's own limit.
	 */
	uint64_t disk_budget_bytes;
	uint32_t disk_budget_percent;
	uint32_t reserved;
} soldr_service_config;

#define SOLDR_SERVICE_CONFIG_INIT \
	{ sizeof(soldr_service_config), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 }

/* What the user can mend (config, plugin) is an error; a backend that does not open otherwise is done without (on_error). */
SOLDR_EXPORT int32_t soldr_service_start(const soldr_service_config *, soldr_service **out, soldr_error *err);

/* ---- compiling --------------------------------------------------------------- */

/* Where a request belongs, for what is recorded of it. NULL members: where the service does. */
typedef struct soldr_audit_context {
	uint32_t struct_size;
	uint32_t reserved;
	const char *run_id;         /* a run below the cache directory: its journal and counters get the request */
	const char *trace_id;       /* W3C Trace Context: 32 lower-case hexadecimal digits, together with the next */
	const char *parent_span_id; /* 16 of them */
	const char *command_id;     /* the span of the command, 16 of them */
	const char *session_id;     /* at most 64 letters, digits, '.', '_' and '-' */
} soldr_audit_context;

typedef struct soldr_compile_request {
	uint32_t struct_size;
	uint32_t reserved;
	const char *const *argv; /* NULL-ended; argv[0]: the compiler, a path or a name on PATH of envp */
	const char *const *envp; /* NULL: the service's */
	const char *cwd;         /* absolute; NULL: the service's */
	const soldr_audit_context *context; /* NULL: none */
	const soldr_cancel_token *cancel;   /* NULL: the service's alone */
	uint64_t timeout_ns;                /* 0: that of the service's limits */
} soldr_compile_request;

/*
 * Called with output: on a miss as it comes, on a hit in one piece for each
 * stream, before the call of compile returns, on its thread. The order within a
 * stream is kept, that between the two is not. A slow callback slows the compiler down,
 * and delays what its token asks for. Non-zero: send no more of this stream; the compiler
 * sees a closed pipe.
 */
typedef int32_t (*soldr_output_fn)(void *arg, uint32_t stream, const void *data, uint64_t len);

/*
 * Serves the request. 0: the result is filled, and files and messages are those
 * of the compiler, whose failure is a result as well. The result's struct_size is
 * set by the caller. Errors that end a request for good:
 *   SOLDR_E_CANCELLED  its token, or the service's
 *   SOLDR_E_TIMEOUT    its timeout_ns
 *   SOLDR_E_SHUTDOWN   the service was shut down, by force where it ran already
 *   SOLDR_E_NOT_FOUND  there is no such compiler
 *   SOLDR_E_INTERNAL   a bug of soldr or of the backend, and others: on_error says fail
 * compile drops what the compiler writes.
 */
SOLDR_EXPORT int32_t soldr_service_compile(soldr_service *, const soldr_compile_request *, soldr_result *, soldr_error *err);
SOLDR_EXPORT int32_t soldr_service_compile_streaming(soldr_service *, const soldr_compile_request *, soldr_output_fn, void *arg,
                                                     soldr_result *, soldr_error *err);

/* ---- the rest of its life ------------------------------------------------------ */

/*
 * Counters of this user and backend since they were last zeroed, the limits that
 * are applied, then the backend's own. Compiles nothing, and waits for no compile
 * of a backend that is CONCURRENT.
 */
SOLDR_EXPORT int32_t soldr_service_stats(soldr_service *, soldr_stat_fn, void *arg, soldr_error *err);

/* One step of flush or shutdown, told when it is over. Strings live until the call returns. */
typedef struct soldr_step {
	uint32_t struct_size;
	uint32_t status;      /* enum soldr_step_status */
	const char *name;     /* "requests", "tasks", "backend", "counters" */
	const char *message;  /* what went wrong, or was dropped; may be empty */
	uint64_t count;       /* how many requests or tasks it was about */
	uint64_t duration_ns;
} soldr_step;

typedef void (*soldr_step_fn)(void *arg, const soldr_step *);

/*
 * Waits until what had begun is done: "requests" that were in progress, "tasks"
 * that were submitted (those that no thread of the executor took yet, it runs itself),
 * the "backend"'s own flush, and "counters" are on the disk. timeout_ns is for all steps
 * together; 0: no limit. Every step is taken, whatever became of the one before.
 * Returns 0, or the code of the first step that did not complete (SOLDR_E_TIMEOUT: timed out).
 * visit may be NULL.
 */
SOLDR_EXPORT int32_t soldr_service_flush(soldr_service *, uint64_t timeout_ns, soldr_step_fn visit, void *arg, soldr_error *err);
/*
 * Ends the service. GRACEFUL: lets no further request begin and takes the steps of
 * flush. FORCE: ends what runs first, as a token would; the message of "requests" says how
 * many were dropped. Either may follow a call that timed out; a second call after success
 * has nothing to do. Must not be called from a callback of the service.
 */
SOLDR_EXPORT int32_t soldr_service_shutdown(soldr_service *, uint32_t mode, uint64_t timeout_ns, soldr_step_fn visit, void *arg,
                                            soldr_error *err);
/* kind: enum soldr_maintain_kind. Other requests go on meanwhile where the backend is CONCURRENT. */
SOLDR_EXPORT int32_t soldr_service_maintain(soldr_service *, uint32_t kind, soldr_report *, soldr_error *err);
/* Takes NULL. Shuts down gracefully, without a limit of time, where that was not done. */
SOLDR_EXPORT void soldr_service_free(soldr_service *);
/* "1.0.0" */
SOLDR_EXPORT const char *soldr_version(void);

#ifdef __cplusplus
}
#endif
#endif
