/*
 * wrapped: a backend that calls an external compile cache, ccache for instance.
 *
 * A request becomes `BINARY COMPILER ARGS...`, run by the host with its output
 * passed on; the tool's exit is the request's exit. What the tool did is read
 * from the tool's own statistics where it offers them per call (profile.c).
 *
 * Loops: the tool is given the absolute path of the real compiler, its
 * environment carries SOLDR_BYPASS=1 so that a soldr that it meets on PATH
 * stands aside, and a candidate for the tool that is this very program is
 * skipped. When the compiler of a request is itself the tool (a "gcc" that is a
 * link to ccache) it is run as it is, for no cache wraps itself.
 *
 * The tool may break down without having run the compiler (no cache directory,
 * for instance). Where its statistics show that, the compiler is run here: a
 * cache must not break a build.
 */
#include "command.h"
#include "err.h"
#include "outcome.h"
#include "path.h"
#include "profile.h"
#include "statslog.h"
#include "sys.h"

#include <errno.h>
#include <inttypes.h>
#include <soldr/backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char origin[] = "wrapped";

#define BYPASS_ENTRY "SOLDR_BYPASS=1"
#define ENVIRONMENT_PREFIX "environment."

struct soldr_instance {
	const soldr_host *host;
	const struct profile *profile;
	enum outcome_source source;
	bool readonly;          /* of the host, for all requests */
	char *binary;           /* a plain name, or an absolute path */
	struct vec args;        /* the template of what follows the binary */
	struct vec environment; /* "NAME=value" */
};

static const soldr_option_spec options[] = {
	{
		.struct_size = sizeof(soldr_option_spec),
		.type = SOLDR_OPT_ENUM,
		.name = "profile",
		.default_value = "ccache",
		.choices = PROFILE_CHOICES,
		.help = "Which external cache is called; generic is any program that takes a compile command.",
	},
	{
		.struct_size = sizeof(soldr_option_spec),
		.type = SOLDR_OPT_STRING,
		.name = "binary",
		.help = "The program: a name to be found on PATH, or an absolute path; the profile's own name where it is not set.",
	},
	{
		.struct_size = sizeof(soldr_option_spec),
		.type = SOLDR_OPT_LIST,
		.name = "args",
		.help = "What follows the program; {compiler} and {args} stand for the compile command. Not set: both, in that order.",
	},
	{
		.struct_size = sizeof(soldr_option_spec),
		.type = SOLDR_OPT_MAP,
		.name = "environment",
		.help = "Variables that are set for the program.",
	},
	{
		.struct_size = sizeof(soldr_option_spec),
		.type = SOLDR_OPT_ENUM,
		.name = "outcome",
		.default_value = "auto",
		.choices = OUTCOME_CHOICES,
		.help = "How hits and misses are told apart: auto is the profile's own way, ccache_log reads CCACHE_STATSLOG.",
	},
	{.name = NULL},
};

static int out_of_memory(soldr_error *err)
{
	return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

/* ---- open and close -------------------------------------------------------------- */

static void wrapped_close(soldr_instance *instance)
{
	if (!instance)
		return;
	free(instance->binary);
	vec_release(&instance->args);
	vec_release(&instance->environment);
	free(instance);
}

static const char *option(const soldr_kv *kv, uint32_t n, const char *key, const char *otherwise)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(kv[i].key, key) == 0)
			return kv[i].value;
	return otherwise;
}

static int take_binary(soldr_instance *instance, const char *binary, soldr_error *err)
{
	if (!binary || !*binary)
		binary = instance->profile->binary;
	if (!binary)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E801_NO_PROGRAM,
		               instance->profile->name);
	/* A relative path would be another program in each directory that a compile runs in. */
	if (*binary != '/' && strchr(binary, '/'))
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E802_BINARY_RELATIVE, binary);
	instance->binary = strdup(binary);
	return instance->binary ? 0 : out_of_memory(err);
}

static int take_lists(soldr_instance *instance, const soldr_kv *kv, uint32_t n, soldr_error *err)
{
	const size_t prefix = strlen(ENVIRONMENT_PREFIX);
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(kv[i].key, "args") == 0) {
			vec_add(&instance->args, kv[i].value);
		} else if (strncmp(kv[i].key, ENVIRONMENT_PREFIX, prefix) == 0) {
			const char *name = kv[i].key + prefix;
			if (!*name || strchr(name, '='))
				return err_set(err, SOLDR_E_CONFIG, 0, origin, E803_NO_VARIABLE_NAME, name);
			vec_addf(&instance->environment, "%s=%s", name, kv[i].value);
		}
	}
	if (!instance->args.len) {
		vec_add(&instance->args, COMMAND_COMPILER);
		vec_add(&instance->args, COMMAND_ARGS);
	}
	if (!vec_ok(&instance->args) || !vec_ok(&instance->environment))
		return out_of_memory(err);
	const char *fault = command_template_fault(vec_items(&instance->args));
	return fault ? err_set(err, SOLDR_E_CONFIG, 0, origin, E804_ARGS_FORM, fault) : 0;
}

static int take_options(soldr_instance *instance, const soldr_kv *kv, uint32_t n, soldr_error *err)
{
	const char *profile = option(kv, n, "profile", "ccache"), *source = option(kv, n, "outcome", "auto");
	instance->readonly = strcmp(option(kv, n, "host.readonly", "false"), "true") == 0;
	instance->profile = profile_find(profile);
	if (!instance->profile)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E805_PROFILE_NAME, profile, PROFILE_CHOICES);
	if (!outcome_source_find(source, instance->profile, &instance->source))
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E806_OUTCOME_NAME, source, OUTCOME_CHOICES);
	int rc = take_binary(instance, option(kv, n, "binary", NULL), err);
	return rc ? rc : take_lists(instance, kv, n, err);
}

/* The program is not looked for here: PATH belongs to a request, and open() is paid for by every compile. */
static int32_t wrapped_open(const soldr_host *host, const soldr_kv *kv, uint32_t n, soldr_instance **out, soldr_error *err)
{
	soldr_instance *instance = calloc(1, sizeof *instance);
	if (!instance)
		return out_of_memory(err);
	instance->host = host;
	int rc = take_options(instance, kv, n, err);
	if (rc) {
		wrapped_close(instance);
		return rc;
	}
	*out = instance;
	return SOLDR_OK;
}

/* ---- the program ------------------------------------------------------------------ */

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;
	return sys.stat(a, &sa) == 0 && sys.stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool is_this_program(void *arg, const char *candidate)
{
	(void)arg;
	return same_file(candidate, "/proc/self/exe");
}

static char *find_tool(const soldr_instance *instance, const soldr_request *request, soldr_error *err)
{
	const char *binary = instance->binary, *path = env_get(request->envp, "PATH");
	char *tool = path_find_program(binary, path, request->cwd, is_this_program, NULL);
	if (tool && is_this_program(NULL, tool)) { /* named by its path, which is not searched */
		free(tool);
		err_set(err, SOLDR_E_CONFIG, 0, origin, E807_BINARY_IS_SOLDR, binary);
		return NULL;
	}
	if (!tool && errno == ENOMEM)
		out_of_memory(err);
	else if (!tool && *binary == '/')
		err_set(err, SOLDR_E_CONFIG, errno, origin, E808_BINARY_NOT_RUN,
		        binary);
	else if (!tool)
		err_set(err, SOLDR_E_CONFIG, 0, origin, E809_BINARY_NOT_FOUND, binary);
	return tool;
}

/* ---- a request --------------------------------------------------------------------- */

/* One call of the tool. Everything but argv and envp is borrowed or fixed. */
struct call {
	char *tool;
	bool is_compiler; /* the request's compiler is the tool already */
	const char **argv, **envp;
	const char *user_log; /* where the user wants ccache's statistics; NULL: nowhere */
	struct statslog log;
};

static void call_release(struct call *call)
{
	statslog_close(&call->log);
	free(call->argv);
	free(call->envp);
	free(call->tool);
}

static int call_environment(struct call *call, const soldr_instance *instance, const soldr_request *request, uint32_t flags)
{
	enum { OWN_ENTRIES_MAX = 4 };
	call->envp = command_environment(request, instance->environment.len + OWN_ENTRIES_MAX);
	if (!call->envp)
		return SOLDR_E_NOMEM;
	for (size_t i = 0; i < instance->environment.len; i++)
		command_environment_set(call->envp, instance->environment.items[i]);
	command_environment_set(call->envp, BYPASS_ENTRY);
	if (flags & SOLDR_REQUEST_READONLY)
		command_environment_set(call->envp, instance->profile->readonly_env);
	if (flags & SOLDR_REQUEST_RECACHE)
		command_environment_set(call->envp, instance->profile->recache_env);
	if (instance->source == OUTCOME_CCACHE_LOG && statslog_open(&call->log)) {
		call->user_log = env_get(call->envp, STATSLOG_VARIABLE);
		command_environment_set(call->envp, call->log.entry);
	}
	return 0;
}

static int call_init(struct call *call, const soldr_instance *instance, const soldr_request *request, uint32_t flags,
                     soldr_error *err)
{
	call->tool = find_tool(instance, request, err);
	if (!call->tool)
		return err->code;
	call->is_compiler = same_file(call->tool, request->compiler);
	if (!call->is_compiler)
		call->argv = command_argv(call->tool, vec_items(&instance->args), request);
	if ((!call->is_compiler && !call->argv) || call_environment(call, instance, request, flags))
		return out_of_memory(err);
	return 0;
}

static void fill(soldr_result *result, uint32_t outcome, const char *reason, const char *detail, const soldr_exit *ended)
{
	result->outcome = outcome;
	result->exit_code = ended->exit_code;
	result->signal = ended->signal;
	snprintf(result->reason, sizeof result->reason, "%s", reason);
	snprintf(result->detail, sizeof result->detail, "%s", detail);
}

static soldr_spawn bare_compile(const soldr_request *request)
{
	return (soldr_spawn){
		.struct_size = sizeof(soldr_spawn),
		.file = request->compiler,
		.argv = request->argv,
		.envp = request->envp,
		.cwd = request->cwd,
	};
}

/* What the request asks for cannot be asked of this tool: the compiler runs without it. */
static int32_t go_around(const soldr_instance *instance, const soldr_request *request, const char *reason,
                         soldr_result *result, soldr_error *err)
{
	const soldr_host *host = instance->host;
	const soldr_spawn spawn = bare_compile(request);
	soldr_exit ended = {.struct_size = sizeof ended};
	int32_t rc = host->replace(host->core, request->id, &spawn, SOLDR_OUTCOME_BYPASS, reason, &ended, err);
	if (!rc)
		fill(result, SOLDR_OUTCOME_BYPASS, reason, instance->profile->name, &ended);
	return rc;
}

static void read_outcome(const soldr_instance *instance, const soldr_request *request, const struct call *call,
                         struct outcome *outcome)
{
	outcome_unknown(outcome);
	if (call->log.fd < 0)
		return;
	struct buf text = BUF_INIT;
	statslog_read(&call->log, &text);
	outcome_from_ccache_log(buf_str(&text), text.len, outcome);
	int why = call->user_log && *call->user_log && text.len ? statslog_append(request->cwd, call->user_log, &text) : 0;
	if (why) {
		soldr_error said = SOLDR_ERROR_INIT;
		err_set(&said, SOLDR_E_IO, why, origin, E811_STATSLOG_NOT_WRITTEN, STATSLOG_VARIABLE, call->user_log);
		instance->host->log(instance->host->core, SOLDR_LOG_WARN, origin, said.message);
	}
	buf_release(&text);
}

/* The tool broke down before it ran the compiler: its exit says nothing of the compile. */
static int32_t rescue(const soldr_instance *instance, const soldr_request *request, const soldr_exit *tool_ended,
                      soldr_result *result, soldr_error *err)
{
	const soldr_host *host = instance->host;
	soldr_error said = SOLDR_ERROR_INIT;
	err_set(&said, SOLDR_E_IO, 0, origin, E812_TOOL_BROKE, instance->binary, tool_ended->exit_code);
	host->log(host->core, SOLDR_LOG_WARN, origin, said.message);
	char message[200];
	snprintf(message, sizeof message, "%.*s", (int)sizeof message - 1, said.message);
	const soldr_spawn spawn = bare_compile(request);
	soldr_exit ended = {.struct_size = sizeof ended};
	int32_t rc = host->run(host->core, request->id, &spawn, &ended, err);
	if (!rc)
		fill(result, SOLDR_OUTCOME_FALLBACK, "backend_error", message, &ended);
	return rc;
}

static int32_t run_call(const soldr_instance *instance, const soldr_request *request, const struct call *call,
                        soldr_result *result, soldr_error *err)
{
	soldr_spawn spawn = bare_compile(request);
	spawn.envp = call->envp;
	if (!call->is_compiler) {
		spawn.file = call->tool;
		spawn.argv = call->argv;
	}
	soldr_exit ended = {.struct_size = sizeof ended};
	int32_t rc = instance->host->run(instance->host->core, request->id, &spawn, &ended, err);
	if (rc) {
		err_prefix(err, "running %s", spawn.file);
		return rc;
	}
	struct outcome outcome;
	read_outcome(instance, request, call, &outcome);
	bool failed = ended.exit_code != 0 || ended.signal != 0;
	if (outcome.unfinished && ended.exit_code != 0 && !ended.signal && !call->is_compiler)
		return rescue(instance, request, &ended, result, err);
	if (outcome.outcome == SOLDR_OUTCOME_HIT && failed)
		outcome.outcome = SOLDR_OUTCOME_ERROR_HIT;
	fill(result, outcome.outcome, outcome.reason, outcome.detail, &ended);
	return SOLDR_OK;
}

static int32_t wrapped_compile(soldr_instance *instance, const soldr_request *request, soldr_result *result, soldr_error *err)
{
	uint32_t flags = request->flags | (instance->readonly ? SOLDR_REQUEST_READONLY : 0u);
	if ((flags & SOLDR_REQUEST_READONLY) && !instance->profile->readonly_env)
		return go_around(instance, request, "readonly", result, err);
	if ((flags & SOLDR_REQUEST_RECACHE) && !instance->profile->recache_env)
		return go_around(instance, request, "recache", result, err);
	struct call call = {.log = STATSLOG_INIT};
	int32_t rc = call_init(&call, instance, request, flags, err);
	if (!rc)
		rc = run_call(instance, request, &call, result, err);
	call_release(&call);
	return rc;
}

/* ---- the table --------------------------------------------------------------------- */

static const soldr_backend wrapped_backend = {
	.struct_size = sizeof wrapped_backend,
	.abi = SOLDR_ABI,
	.caps = SOLDR_CAP_CONCURRENT | SOLDR_CAP_CACHING,
	.name = "wrapped",
	.version = "1.0.0",
	.options = options,
	.open = wrapped_open,
	.compile = wrapped_compile,
	.close = wrapped_close,
};

/* Two names of one function: see plugins/null/null.c. */
SOLDR_EXPORT const soldr_backend *wrapped_LTX_soldr_backend_v1(uint32_t host_abi, soldr_error *err);

const soldr_backend *wrapped_LTX_soldr_backend_v1(uint32_t host_abi, soldr_error *err)
{
	if (SOLDR_ABI_MAJOR_OF(host_abi) != SOLDR_ABI_MAJOR) {
		err_set(err, SOLDR_E_ABI, 0, origin, E810_WRAPPED_ABI,
		        SOLDR_ABI_MAJOR);
		return NULL;
	}
	return &wrapped_backend;
}

const soldr_backend *soldr_backend_v1(uint32_t host_abi, soldr_error *err)
	__attribute__((weak, alias("wrapped_LTX_soldr_backend_v1")));
