/*
 * service_internal: what service.c (the backend), embed.c (the embedder's API), drain.c
 * (what is in progress), dispatch.c (one request) and host_api.c (what plugins call)
 * share. Nobody else includes it.
 */
#ifndef SOLDR_SERVICE_INTERNAL_H
#define SOLDR_SERVICE_INTERNAL_H

#include "audit.h"
#include "host.h"
#include "log.h"
#include "permits.h"

#include <pthread.h>

/* One request between its start and its outcome. */
struct active {
	struct active *next;
	soldr_service *service;
	const struct config *config; /* the service's, or that with the request's own run and trace */
	struct counters *run;        /* of that run, or NULL */
	const soldr_request *request;
	struct exec_sink sink;
	bool to_stdio;          /* the sink is descriptors 1 and 2 of this process */
	struct buf pending[2];  /* emitted, not yet shown: stdout, stderr */
	bool ran;               /* the compile itself was run to its end */
	bool stopped;           /* it was stopped, or nobody knows how it ended: it is not run again */
	int32_t exit_code, signal; /* of that run */
	uint64_t start_ns;
	struct audit_request audit;       /* guarded by the service's audit_lock */
	uint64_t deadline_ns;             /* 0: none */
	const soldr_cancel_token *cancel; /* of the request, or NULL */
	const char *session; /* that the host says for the audit log, or NULL */
	uint64_t command;    /* the span of the command that it says, or 0 */
	int dropped;                      /* SOLDR_E_*: why it was ended */
};

enum service_state {
	SERVICE_OPEN,
	SERVICE_DRAINING, /* no further request begins */
	SERVICE_FORCED,   /* and those that run are ended */
	SERVICE_CLOSED    /* shut down to the end */
};

struct task;

/* What is in progress. */
struct drain {
	pthread_mutex_t lock;   /* guards all but last_id, and state for those who only look */
	pthread_cond_t changed; /* something ended while there are waiters */
	enum service_state state;
	unsigned waiters;
	struct active *active;
	struct task *tasks, **tasks_end; /* that no thread took yet */
	uint64_t running;                /* tasks that one did */
	uint64_t last_id;                /* of a request; atomic */
	uint64_t dropped;                /* requests that were ended by force; atomic */
};

struct soldr_service {
	const struct config *config;
	struct config own_config; /* where config points when the service loaded it */
	bool config_owned;
	const char *const *envp;
	struct vec own_envp;          /* where envp points when the service copied it */
	char *cwd;
	bool may_replace;
	struct exec_watch watch;
	struct embedder embedder;
	struct permits permits;
	bool permits_broken;          /* they cannot be had, and that was said; atomic */
	enum config_priority priority;
	bool priority_lowered;        /* our own, in the soldr command */
	struct log log;
	void (*said)(void *arg, uint32_t level, const char *message); /* NULL: nobody listens */
	void *said_arg;
	struct counters *total, *run; /* NULL: not counted */
	bool journal;                 /* a line for each compile, and events */
	bool journal_lost;            /* one could not be written, and that was said */
	struct audit audit;
	struct sink_keep kept[2];     /* the files of both, where embedded */
	struct sink_keep *keep_journal;
	struct plugin plugin;         /* backend.abi == 0: none, everything falls back */
	soldr_instance *instance;
	struct host_progress *progress; /* NULL: nobody asks */
	const struct host_crash *crash; /* of an earlier process with this request; NULL: none */
	char fault_reason[40];        /* why there is none */
	soldr_host host;              /* what the plugin sees; core points back here */
	pthread_mutex_t audit_lock;   /* guards the events of requests in progress */
	pthread_mutex_t call_lock;    /* held around calls of a backend without CONCURRENT */
	struct drain drain;
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
/* The same for a request, which is asked every 100 ms whether it has to be ended: then its code, and nothing is entered. */
int service_enter_for(soldr_service *, const struct active *);
int service_leave(soldr_service *, int rc);

/* The counters of the run that the config names; NULL: there is no such run. */
struct counters *service_run_counters(const struct config *);
/* A request as far as it is the same for all: id, flags, argv, envp. */
void service_request(soldr_service *, soldr_request *, const char *const *argv, const char *const *envp);

/* drain.c */
int drain_init(struct drain *); /* 0 or an error number */
void drain_release(struct drain *);
uint64_t drain_next_id(struct drain *);
/* SOLDR_E_SHUTDOWN: no request may begin any more. */
int drain_enter(struct drain *, struct active *, soldr_error *);
void drain_leave(struct drain *, struct active *);
/* The request in progress with that id, or NULL. It stays while its backend is called. */
struct active *drain_find(struct drain *, uint64_t id);
int drain_submit(struct drain *, const soldr_runtime *, soldr_task_fn, void *arg);

/* host_api.c */
/* What the request has to be ended for: SOLDR_E_CANCELLED, _SHUTDOWN, _TIMEOUT; or 0. */
int active_stop_code(const struct active *);
void host_api_init(soldr_service *);
/* Writes what was emitted to the sink, and forgets it. */
void active_flush(struct active *);
/* Adds an event to the request's (audit.h). */
void active_audit(struct active *, const char *event, const soldr_kv *, uint32_t n);
/* Runs the request's compile without cache, replacing the process where allowed. */
int active_run_bare(struct active *, uint32_t outcome, const char *reason, soldr_result *, soldr_error *);

/* dispatch.c */
/* request, sink and what else the caller knows are set in the active, the rest is zero. */
int dispatch(soldr_service *, struct active *, soldr_result *, soldr_error *);
/*
 * Journals and counts the request. replaced: the process is about to become the
 * compiler. An error only where audit.sink_policy lets no line be lost.
 */
int dispatch_record(struct active *, const soldr_result *, bool replaced, soldr_error *);

#endif
