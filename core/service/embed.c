/*
 * embed: libsoldr's own half of the API: what a host says at the start and with
 * each request, made into what the rest of the room works with. What a host and the
 * soldr command have in common is in service.c.
 */
#include "service_internal.h"

#include "clock.h"
#include "path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

extern char **environ;

static const char origin[] = "service";

/* ---- tokens -------------------------------------------------------------------------- */

struct soldr_cancel_token {
	uint32_t on;
};

int32_t soldr_cancel_token_new(soldr_cancel_token **out, soldr_error *err)
{
	soldr_cancel_token *t = calloc(1, sizeof *t);
	if (!t)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	*out = t;
	return 0;
}

void soldr_cancel(soldr_cancel_token *t)
{
	__atomic_store_n(&t->on, 1, __ATOMIC_RELEASE);
}

uint32_t soldr_is_cancelled(const soldr_cancel_token *t)
{
	return t ? __atomic_load_n(&t->on, __ATOMIC_ACQUIRE) : 0;
}

void soldr_cancel_token_free(soldr_cancel_token *t)
{
	free(t);
}

/* ---- starting ------------------------------------------------------------------------ */

/* What the caller's struct has of ours; the rest of ours stays as it is. */
static void take(void *ours, size_t size, const void *given)
{
	uint32_t theirs;
	if (!given)
		return;
	memcpy(&theirs, given, sizeof theirs);
	memcpy(ours, given, theirs < size ? theirs : size);
}

static int set_name(char **to, const char *name, const char *what, soldr_error *err)
{
	enum { NAME_MAX_BYTES = 64 };
	if (!name)
		return 0;
	if (!config_is_name(name, NAME_MAX_BYTES))
		return err_set(err, SOLDR_E_INVALID, 0, origin, E421_NAME_LETTERS, what, name, 64);
	char *copy = strdup(name);
	if (!copy)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	free(*to);
	*to = copy;
	return 0;
}

static int set_identity(struct config *c, const soldr_identity *given, soldr_error *err)
{
	soldr_identity who = {0};
	take(&who, sizeof who, given);
	int rc = set_name(&c->product, who.product, "product", err);
	if (!rc)
		rc = set_name(&c->instance_id, who.instance_id, "instance_id", err);
	return rc ? rc : set_name(&c->workspace, who.workspace_id, "workspace_id", err);
}

/* Per cent of a file system are of its whole size: a limit that shrinks as the cache grows would be none. */
static int set_budget(const soldr_service_config *sc, const char *root, uint64_t *budget, soldr_error *err)
{
	struct statvfs fs;
	*budget = sc->disk_budget_bytes;
	if (!sc->disk_budget_percent)
		return 0;
	if (sc->disk_budget_percent > 100)
		return err_set(err, SOLDR_E_INVALID, 0, origin, E422_BUDGET, sc->disk_budget_percent);
	char *dir = strdup(root);
	while (dir && statvfs(dir, &fs) != 0 && errno == ENOENT && strcmp(dir, "/") != 0) { /* it may not exist yet */
		char *above = path_dir(dir);
		free(dir);
		dir = above;
	}
	if (!dir || statvfs(dir, &fs) != 0) {
		free(dir);
		return err_set(err, SOLDR_E_IO, errno, origin, E423_DISK_SIZE_UNKNOWN, root);
	}
	free(dir);
	uint64_t share = (uint64_t)((double)fs.f_blocks * (double)fs.f_frsize / 100 * sc->disk_budget_percent);
	share = share ? share : 1;
	*budget = *budget && *budget < share ? *budget : share;
	return 0;
}

static int set_embedder(struct embedder *e, const struct config *config, const soldr_service_config *sc, soldr_error *err)
{
	if (sc->maintenance > SOLDR_MAINTENANCE_HOST)
		return err_set(err, SOLDR_E_INVALID, 0, origin, E424_NO_MAINTENANCE, sc->maintenance);
	e->maintains = sc->maintenance == SOLDR_MAINTENANCE_HOST;
	e->cancel = sc->cancel;
	take(&e->limits, sizeof e->limits, sc->limits);
	take(&e->runtime, sizeof e->runtime, sc->runtime);
	struct permits scratch = {0};
	int rc = permits_override(&scratch, &e->limits, err);
	if (!rc && e->limits.priority > SOLDR_PRIORITY_IDLE)
		rc = err_set(err, SOLDR_E_INVALID, 0, origin, E425_NO_PRIORITY, e->limits.priority);
	return rc ? rc : set_budget(sc, config->cache_root, &e->disk_budget, err);
}

int32_t soldr_service_start(const soldr_service_config *given, soldr_service **out, soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	if (!err)
		err = &local;
	soldr_service_config sc = SOLDR_SERVICE_CONFIG_INIT;
	take(&sc, sizeof sc, given);
	struct config_overrides over = {.file = sc.config_file, .backend = sc.backend, .audit_mode = sc.audit_mode};
	char here[PATH_MAX];
	if (!sc.cwd && !getcwd(here, sizeof here))
		return err_set(err, SOLDR_E_IO, errno, origin, E426_NO_WORKING_DIRECTORY);
	struct vec envp = VEC_INIT;
	vec_add_all(&envp, sc.envp ? sc.envp : (const char *const *)environ);
	if (!vec_ok(&envp)) {
		vec_release(&envp);
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	}
	struct config config;
	int rc = config_load(&config, &over, vec_items(&envp), sc.cwd ? sc.cwd : here, err);
	if (rc) {
		vec_release(&envp);
		return rc;
	}
	struct embedder embedder = {.maintains = false};
	const struct host_options o = {
		.config = &config, .envp = vec_items(&envp), .cwd = sc.cwd ? sc.cwd : here, .embedder = &embedder,
	};
	soldr_service *s = NULL;
	rc = set_identity(&config, sc.identity, err);
	if (!rc)
		rc = set_embedder(&embedder, &config, &sc, err);
	if (!rc)
		rc = host_start(&o, &s, err);
	if (rc) {
		config_release(&config);
		vec_release(&envp);
		return rc;
	}
	s->own_config = config;
	s->config = s->audit.config = &s->own_config;
	s->config_owned = true;
	s->own_envp = envp;
	s->envp = vec_items(&s->own_envp);
	*out = s;
	return 0;
}

/* ---- compiling ----------------------------------------------------------------------- */

/* Where the request belongs, in place of where the service does. */
struct place {
	struct config config; /* the service's, with these in it */
	char traceparent[64];
	struct counters *run;
};

static int set_place(struct place *p, const soldr_service *s, struct active *a, const soldr_audit_context *given, soldr_error *err)
{
	enum { RUN_MAX = 128 };
	soldr_audit_context c = {0};
	take(&c, sizeof c, given);
	p->config = *s->config;
	if (c.run_id && !config_is_name(c.run_id, RUN_MAX))
		return err_set(err, SOLDR_E_INVALID, 0, origin, E421_NAME_LETTERS, "run_id", c.run_id, RUN_MAX);
	if (c.trace_id) {
		int n = snprintf(p->traceparent, sizeof p->traceparent, "00-%s-%s-01", c.trace_id, c.parent_span_id ? c.parent_span_id : "");
		if (n < 0 || (size_t)n >= sizeof p->traceparent || !config_valid_traceparent(p->traceparent))
			return err_set(err, SOLDR_E_INVALID, 0, origin, E427_TRACE_CONTEXT);
		p->config.traceparent = p->traceparent;
	}
	if (c.session_id && !config_is_name(c.session_id, AUDIT_SESSION_MAX - 1))
		return err_set(err, SOLDR_E_INVALID, 0, origin, E421_NAME_LETTERS, "session_id", c.session_id,
		               AUDIT_SESSION_MAX - 1);
	if (c.command_id && (strlen(c.command_id) != SPAN_SIZE - 1 || c.command_id[strspn(c.command_id, "0123456789abcdef")]))
		return err_set(err, SOLDR_E_INVALID, 0, origin, E428_COMMAND_ID, c.command_id);
	a->session = c.session_id;
	a->command = c.command_id ? strtoull(c.command_id, NULL, 16) : 0;
	if (c.run_id) {
		p->config.run_id = (char *)(uintptr_t)c.run_id;
		p->run = service_run_counters(&p->config);
	}
	return 0;
}

static int compile_in(soldr_service *s, struct active *a, const soldr_audit_context *context, soldr_result *r, soldr_error *err)
{
	struct place place = {.run = NULL};
	if (!context)
		return dispatch(s, a, r, err);
	int rc = set_place(&place, s, a, context, err);
	if (!rc) {
		a->config = &place.config;
		a->run = place.run;
		rc = dispatch(s, a, r, err);
		a->config = NULL;
		a->run = NULL;
	}
	counters_close(place.run);
	return rc;
}

int32_t soldr_service_compile_streaming(soldr_service *s, const soldr_compile_request *given, soldr_output_fn output, void *arg,
                                        soldr_result *r, soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	if (!err)
		err = &local;
	soldr_compile_request cr = {0};
	take(&cr, sizeof cr, given);
	if (!cr.argv || !cr.argv[0])
		return err_set(err, SOLDR_E_INVALID, 0, origin, E429_NO_ARGV);
	if (cr.cwd && *cr.cwd != '/')
		return err_set(err, SOLDR_E_INVALID, 0, origin, E430_CWD_RELATIVE, cr.cwd);
	const char *const *envp = cr.envp ? cr.envp : s->envp;
	const char *cwd = cr.cwd ? cr.cwd : s->cwd;
	char *compiler = path_find_program(cr.argv[0], env_get(envp, "PATH"), cwd, NULL, NULL);
	if (!compiler)
		return err_set(err, SOLDR_E_NOT_FOUND, errno, origin, E431_COMPILER_NOT_ON_PATH, cr.argv[0]);
	soldr_request req;
	service_request(s, &req, cr.argv, envp);
	req.compiler = compiler;
	req.cwd = cwd;
	struct active a = {
		.request = &req,
		.sink = {.write = output, .arg = arg, .stdout_fd = -1, .stderr_fd = -1},
		.cancel = cr.cancel,
	};
	uint64_t timeout = cr.timeout_ns ? cr.timeout_ns : s->embedder.limits.timeout_ns;
	a.deadline_ns = timeout ? clock_ns(CLOCK_MONOTONIC) + timeout : 0;
	int rc = compile_in(s, &a, cr.context, r, err);
	free(compiler);
	return rc;
}

int32_t soldr_service_compile(soldr_service *s, const soldr_compile_request *req, soldr_result *r, soldr_error *err)
{
	return soldr_service_compile_streaming(s, req, NULL, NULL, r, err);
}
