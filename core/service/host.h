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

struct host_options {
	const struct config *config; /* borrowed until soldr_service_free() */
	const char *const *envp;     /* borrowed as well */
	const char *cwd;
	bool may_replace;            /* the process may become the compiler */
	struct exec_watch watch;
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
