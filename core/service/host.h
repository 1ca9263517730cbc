/*
 * host: what the programs of this tree (the soldr command) need of a service
 * beyond soldr/service.h: a ready config, descriptors instead of callbacks,
 * replacing the process, signals.
 */
#ifndef SOLDR_SERVICE_HOST_H
#define SOLDR_SERVICE_HOST_H

#include "config.h"
#include "counters.h"
#include "exec.h"
#include "loader.h"

#include <soldr/service.h>

/* How far a request is, for whoever has to go on when a plugin ends the process (core/cli/rescue.h). */
struct host_progress {
	const char *volatile where; /* the plugin's function that runs, "open", "compile" or "close"; NULL: none */
	volatile sig_atomic_t ran;  /* the compile was run to its end, and its output shown */
	volatile sig_atomic_t done; /* the request is served, journalled and counted */
	volatile sig_atomic_t exit_code, signal; /* of either */
};

/* What an earlier process, whose plugin ended it, knew of this request. */
struct host_crash {
	char text[160]; /* what happened, as the end of a sentence */
	bool ran;
	int exit_code, signal;
};

/* What soldr/service.h lets a host decide; zero where it says nothing. */
struct embedder {
	soldr_limits limits;
	soldr_runtime runtime;
	const soldr_cancel_token *cancel; /* of every request, or NULL */
	uint64_t disk_budget;             /* bytes; 0: the backend's own limit */
	bool maintains;                   /* the store is the host's to keep to its limit */
};

struct host_options {
	const struct config *config; /* borrowed until soldr_service_free() */
	const char *const *envp;     /* borrowed as well */
	const char *cwd;
	bool may_replace;            /* the process may become the compiler */
	struct exec_watch watch;
	struct host_progress *progress; /* NULL: nobody asks */
	const struct host_crash *crash; /* the plugin is not loaded again; NULL: there was none */
	/* NULL, or gets what the backend logs, at any level and besides the log. */
	void (*said)(void *arg, uint32_t level, const char *message);
	void *said_arg;
	const struct embedder *embedder; /* of a program that links libsoldr, else NULL */
};

/*
 * Like soldr_service_start with a loaded config. When the backend cannot be
 * loaded or opened: under on_error fail, or when the fault is the user's to
 * mend (SOLDR_E_CONFIG, a missing or refused plugin), the error; otherwise a
 * service that runs every compile bare and counts it as a fallback.
 */
int host_start(const struct host_options *, soldr_service **, soldr_error *);

/* One request whose output goes to descriptors 1 and 2. */
int host_compile(soldr_service *, const char *const *argv, const char *compiler, soldr_result *, soldr_error *);

/* What the backend knows of the compiles of the request's sources (explain of soldr/backend.h); UNSUPPORTED: it has no such function. */
int host_explain(soldr_service *, const soldr_request *, soldr_explain_fn, void *arg, soldr_error *);

/* The loaded plugin; NULL in a service that only falls back. */
const struct plugin *host_plugin(const soldr_service *);
/* <cache root>/counters/<backend name>; malloc'ed. */
char *host_counters_file(const struct config *, const char *backend);

#endif
