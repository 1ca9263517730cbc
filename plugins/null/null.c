/*
 * null: the smallest complete backend, and the example to copy.
 *
 * It caches nothing: each request is handed back to the host, which becomes
 * the compiler. That makes it the truth that other backends are compared with,
 * and the way to switch caching off.
 *
 * Everything a backend needs is in <soldr/backend.h>. To start your own, copy
 * this file, change the name, and build a shared object that exports nothing
 * but its entry:
 *
 *     cc -shared -fPIC -fvisibility=hidden -Wl,-z,now \
 *        -Wl,--version-script=null.map -o acme.so acme.c
 *     soldr --config soldr.yaml config check
 *
 * Then name it in soldr.yaml:
 *
 *     backend: acme
 *     backends:
 *       acme: {plugin: /opt/acme/lib/acme.so}
 */
#include <soldr/backend.h>

#include <stdio.h>
#include <stdlib.h>

/*
 * What one open backend keeps. The host makes one instance for each section of
 * its configuration, so nothing may live in global variables.
 */
struct soldr_instance {
	const soldr_host *host; /* valid until close() has returned */
};

/* Fills the error that the caller handed in, and gives the code to return. */
static int32_t fail(soldr_error *err, int32_t code, const char *message)
{
	err->code = code;
	err->sys_errno = 0;
	snprintf(err->origin, sizeof err->origin, "null");
	snprintf(err->message, sizeof err->message, "%s", message);
	return code;
}

/*
 * Called once before anything else. Keep it cheap: the soldr command opens its
 * backend anew for each compile. kv holds the options; this backend has none.
 */
static int32_t null_open(const soldr_host *host, const soldr_kv *kv, uint32_t n, soldr_instance **out, soldr_error *err)
{
	(void)kv;
	(void)n;
	soldr_instance *instance = malloc(sizeof *instance);
	if (!instance)
		return fail(err, SOLDR_E_NOMEM, "out of memory");
	instance->host = host;
	*out = instance; /* only on success: a failure leaves all outputs as they were */
	return SOLDR_OK;
}

/*
 * Called for each compiler call. replace() does not return where the host's
 * process may become the compiler; the host then counts the request with the
 * outcome and reason given here. Where it returns 0 the compiler has run, and
 * the result says how it ended. A compile that failed is a result like any
 * other: an error is returned only when the compiler could not be run.
 */
static int32_t null_compile(soldr_instance *instance, const soldr_request *request, soldr_result *result, soldr_error *err)
{
	static const char reason[] = "null_backend"; /* a name of <soldr/reason.h> */
	const soldr_host *host = instance->host;
	const soldr_spawn spawn = {
		.struct_size = sizeof spawn,
		.file = request->compiler, /* resolved by the host; argv[0] stays as the user wrote it */
		.argv = request->argv,
		.envp = request->envp,
		.cwd = request->cwd,
	};
	soldr_exit ended = {.struct_size = sizeof ended};
	int32_t rc = host->replace(host->core, request->id, &spawn, SOLDR_OUTCOME_PASSTHROUGH, reason, &ended, err);
	if (rc != SOLDR_OK)
		return rc; /* the host has filled err, and falls back */
	result->outcome = SOLDR_OUTCOME_PASSTHROUGH;
	result->exit_code = ended.exit_code;
	result->signal = ended.signal;
	snprintf(result->reason, sizeof result->reason, "%s", reason);
	return SOLDR_OK;
}

static void null_close(soldr_instance *instance)
{
	free(instance);
}

/*
 * The table. What is not named stays NULL, as it must without its cap bit.
 * compile() keeps no state of its own, so any number of threads may be in it.
 */
static const soldr_backend null_backend = {
	.struct_size = sizeof null_backend,
	.abi = SOLDR_ABI,
	.caps = SOLDR_CAP_CONCURRENT,
	.name = "null",
	.version = "1.0.0",
	.open = null_open,
	.compile = null_compile,
	.close = null_close,
};

/*
 * The entry, twice. A plugin of your own needs only soldr_backend_v1(), defined
 * as a plain function. The backends of this tree can also be built into one
 * executable; there each needs a name of its own (FILE_LTX_ENTRY, as libltdl
 * looks for it), and the common name is weak so that the three do not collide.
 */
SOLDR_EXPORT const soldr_backend *null_LTX_soldr_backend_v1(uint32_t host_abi, soldr_error *err);

const soldr_backend *null_LTX_soldr_backend_v1(uint32_t host_abi, soldr_error *err)
{
	/* The host checks abi and struct_size of the table; refuse here only what this code cannot serve. */
	if (SOLDR_ABI_MAJOR_OF(host_abi) != SOLDR_ABI_MAJOR) {
		fail(err, SOLDR_E_ABI, "built for backend ABI 1: install the build that belongs to this soldr");
		return NULL;
	}
	return &null_backend;
}

const soldr_backend *soldr_backend_v1(uint32_t host_abi, soldr_error *err)
	__attribute__((weak, alias("null_LTX_soldr_backend_v1")));
