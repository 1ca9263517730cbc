/*
 * soldr/service.h: soldr inside another program (libsoldr).
 *
 * A service holds one open backend and serves compile requests as function
 * calls. The soldr command is itself a user of this header.
 *
 * Process rules  libsoldr never changes the host's working directory, signal
 *                handlers, environment, umask or standard streams, never calls
 *                exit or abort, and starts no thread of its own.
 * Threads        Every function but start and free may be called from any
 *                thread; requests to a backend without SOLDR_CAP_CONCURRENT wait
 *                for each other.
 * Errors         As in soldr/backend.h: 0 or SOLDR_E_*, err filled, outputs
 *                untouched on failure. err may be NULL.
 * Ownership      Strings passed in are copied or used only during the call.
 * Units          Nanoseconds and bytes.
 */
#ifndef SOLDR_SERVICE_H
#define SOLDR_SERVICE_H

#include <soldr/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct soldr_service soldr_service;

/* Called with output as it comes (a miss) or in one piece (a hit). Non-zero: stop sending; the child sees a closed pipe. */
typedef int32_t (*soldr_output_fn)(void *arg, uint32_t stream, const void *data, uint64_t len);

typedef struct soldr_service_config {
	uint32_t struct_size;
	uint32_t reserved;
	const char *config_file;      /* NULL: the usual search (docs/config.md) */
	const char *const *envp;      /* NULL: the process's; source of SOLDR_* and XDG_* */
	const char *cwd;              /* NULL: the process's; where a project file is looked for */
	const char *backend;          /* NULL: as configured */
	const char *audit_mode;       /* NULL: as configured */
	const char *product, *instance_id, *workspace; /* host identity; NULL: as configured */
} soldr_service_config;

#define SOLDR_SERVICE_CONFIG_INIT { sizeof(soldr_service_config), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

typedef struct soldr_compile_request {
	uint32_t struct_size;
	uint32_t reserved;
	const char *const *argv; /* NULL-ended; argv[0]: the compiler, a path or a name on PATH of envp */
	const char *const *envp; /* NULL: the service's */
	const char *cwd;         /* NULL: the service's */
} soldr_compile_request;

SOLDR_EXPORT int32_t soldr_service_start(const soldr_service_config *, soldr_service **out, soldr_error *err);
/* The result's struct_size is set by the caller. Output is dropped. */
SOLDR_EXPORT int32_t soldr_service_compile(soldr_service *, const soldr_compile_request *, soldr_result *, soldr_error *err);
SOLDR_EXPORT int32_t soldr_service_compile_streaming(soldr_service *, const soldr_compile_request *, soldr_output_fn, void *arg,
                                                     soldr_result *, soldr_error *err);
/* Counters of this user and backend since they were last zeroed, then the backend's own. */
SOLDR_EXPORT int32_t soldr_service_stats(soldr_service *, soldr_stat_fn, void *arg, soldr_error *err);
SOLDR_EXPORT int32_t soldr_service_flush(soldr_service *, soldr_report *, soldr_error *err);
SOLDR_EXPORT int32_t soldr_service_maintain(soldr_service *, uint32_t kind, soldr_report *, soldr_error *err);
SOLDR_EXPORT int32_t soldr_service_shutdown(soldr_service *, uint32_t mode, soldr_report *, soldr_error *err);
/* Takes NULL. Shuts down gracefully where that was not done. */
SOLDR_EXPORT void soldr_service_free(soldr_service *);
/* "1.0.0" */
SOLDR_EXPORT const char *soldr_version(void);

#ifdef __cplusplus
}
#endif
#endif
