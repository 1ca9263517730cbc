/*
 * service_internal: what service.c (life cycle), dispatch.c (one request) and
 * host_api.c (what plugins call) share. Nobody else includes it.
 */
#ifndef SOLDR_SERVICE_INTERNAL_H
#define SOLDR_SERVICE_INTERNAL_H

#include "audit.h"
#include "host.h"
#include "log.h"

#include <pthread.h>

/* One request between its start and its outcome. */
struct active {
	struct active *next;
	soldr_service *service;
	const soldr_request *request;
	struct exec_sink sink;
	bool to_stdio;          /* the sink is descriptors 1 and 2 of this process */
	struct buf pending[2];  /* emitted, not yet shown: stdout, stderr */
	bool ran;               /* the compile itself was run to its end */
	bool stopped;           /* it was run, and ended by cancellation or a time-out: it is not run again */
	int32_t exit_code, signal; /* of that run */
	uint64_t start_ns;
	struct audit_request audit; /* guarded by the service's audit_lock */
};

struct soldr_service {
	const struct config *config;
	struct config own_config; /* where config points when the service loaded it */
	bool config_owned;
	const char *const *envp;
	char *cwd;
	bool may_replace;
	struct exec_watch watch;
	struct exec_limits limits;
	struct log log;
	void (*said)(void *arg, uint32_t level, const char *message); /* NULL: nobody listens */
	void *said_arg;
	struct counters *total, *run; /* NULL: not counted */
	bool journal;                 /* a line for each compile, and events */
	bool journal_lost;            /* one could not be written, and that was said */
	struct audit audit;
	struct plugin plugin;         /* backend.abi == 0: none, everything falls back */
	soldr_instance *instance;
	struct host_progress *progress; /* NULL: nobody asks */
	const struct host_crash *crash; /* of an earlier process with this request; NULL: none */
	char fault_reason[40];        /* why there is none */
	soldr_host host;              /* what the plugin sees; core points back here */
	pthread_mutex_t list_lock;    /* guards active and next_id */
	pthread_mutex_t audit_lock;   /* guards the events of requests in progress */
	pthread_mutex_t call_lock;    /* held around calls of a backend without CONCURRENT */
	struct active *active;
	uint64_t next_id;
};

void service_log(const soldr_service *, uint32_t level, const char *origin, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Whether a compile goes on without the backend after an error of this code.
 * on_error said in the config decides. Unsaid, a fault of soldr falls back, and
 * what the user can mend (plugin missing or refused, an option wrong) is an
 * error, so that it is seen.
 */
bool service_falls_back(const struct config *, int code);

/* Around every call of the backend that serves a request: which function runs; NULL: none. */
void service_at(const soldr_service *, const char *where);
/* Around every call of the backend: one at a time, unless it declares CONCURRENT. leave returns rc. */
void service_enter(soldr_service *);
int service_leave(soldr_service *, int rc);

/* host_api.c */
void host_api_init(soldr_service *);
/* Writes what was emitted to the sink, and forgets it. */
void active_flush(struct active *);
/* Adds an event to the request's (audit.h). */
void active_audit(struct active *, const char *event, const soldr_kv *, uint32_t n);
/* Runs the request's compile without cache, replacing the process where allowed. */
int active_run_bare(struct active *, uint32_t outcome, const char *reason, soldr_result *, soldr_error *);

/* dispatch.c */
int dispatch(soldr_service *, const soldr_request *, const struct exec_sink *, bool to_stdio, soldr_result *, soldr_error *);
/*
 * Journals and counts the request. replaced: the process is about to become the
 * compiler. An error only where audit.sink_policy lets no line be lost.
 */
int dispatch_record(struct active *, const soldr_result *, bool replaced, soldr_error *);

#endif
