/*
 * host_api: the functions of soldr_host, as a plugin sees them.
 *
 * Output that a plugin emits is held back until its compile() succeeds or it
 * starts a program: a hit that turns out wrong half-way then leaves no trace
 * in front of the fallback's own output.
 */
#include "service_internal.h"

#include "clock.h"
#include "load.h"
#include "path.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char origin[] = "host";

static soldr_service *service_of(soldr_core *core)
{
	return (soldr_service *)(void *)core;
}

void service_log(const soldr_service *s, uint32_t level, const char *from, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	if (!log_wants(&s->log, level)) /* most lines, on every compile */
		return;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	log_write(&s->log, level, from, buf_str(&b));
	buf_release(&b);
}

static struct active *find_active(soldr_service *s, uint64_t id)
{
	return drain_find(&s->drain, id);
}

static int no_such_request(uint64_t id, soldr_error *err)
{
	return err_set(err, SOLDR_E_INVALID, 0, origin, E407_NO_SUCH_REQUEST,
	               (unsigned long long)id);
}

static void *host_alloc(soldr_core *core, uint64_t size)
{
	(void)core;
	return size > SIZE_MAX ? NULL : malloc(size ? (size_t)size : 1);
}

static void host_release(soldr_core *core, void *p)
{
	(void)core;
	free(p);
}

static void host_log(soldr_core *core, uint32_t level, const char *from, const char *message)
{
	const soldr_service *s = service_of(core);
	log_write(&s->log, level, from, message);
	if (s->said)
		s->said(s->said_arg, level, message);
}

static uint64_t host_monotonic_ns(soldr_core *core)
{
	(void)core;
	return clock_ns(CLOCK_MONOTONIC);
}

static int service_stop_code(const soldr_service *s)
{
	if (__atomic_load_n(&s->drain.state, __ATOMIC_ACQUIRE) == SERVICE_FORCED)
		return SOLDR_E_SHUTDOWN;
	bool cancelled = soldr_is_cancelled(s->embedder.cancel) || (s->watch.cancelled && s->watch.cancelled(s->watch.arg));
	return cancelled ? SOLDR_E_CANCELLED : 0;
}

int active_stop_code(const struct active *a)
{
	int code = service_stop_code(a->service);
	if (!code && soldr_is_cancelled(a->cancel))
		code = SOLDR_E_CANCELLED;
	if (!code && a->deadline_ns && clock_ns(CLOCK_MONOTONIC) >= a->deadline_ns)
		code = SOLDR_E_TIMEOUT;
	return code;
}

static uint32_t host_cancelled(soldr_core *core, uint64_t id)
{
	soldr_service *s = service_of(core);
	const struct active *a = id ? find_active(s, id) : NULL;
	return a ? active_stop_code(a) != 0 : service_stop_code(s) != 0;
}

static void host_audit(soldr_core *core, uint64_t id, const char *event, const soldr_kv *kv, uint32_t n)
{
	soldr_service *s = service_of(core);
	struct active *a = s->audit.wanted ? find_active(s, id) : NULL;
	if (a)
		active_audit(a, event, kv, n);
	if (!s->log.file && !s->log.to_stderr)
		return;
	struct buf b = {.max = 16 * 1024};
	buf_addf(&b, "request %llu: %s", (unsigned long long)id, event);
	for (uint32_t i = 0; i < n; i++)
		buf_addf(&b, " %s=%s", kv[i].key, kv[i].value);
	log_write(&s->log, SOLDR_LOG_DEBUG, "audit", buf_str(&b));
	buf_release(&b);
}

void active_audit(struct active *a, const char *event, const soldr_kv *kv, uint32_t n)
{
	soldr_service *s = a->service;
	pthread_mutex_lock(&s->audit_lock);
	audit_add(&s->audit, &a->audit, event, kv, n);
	pthread_mutex_unlock(&s->audit_lock);
}

void active_flush(struct active *a)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct buf *b = &a->pending[i];
		if (b->len && a->sink.write)
			a->sink.write(a->sink.arg, i == 0 ? SOLDR_STDOUT : SOLDR_STDERR, b->data, b->len);
		buf_release(b);
	}
}

static int32_t host_emit(soldr_core *core, uint64_t id, uint32_t stream, const void *data, uint64_t len, soldr_error *err)
{
	struct active *a = find_active(service_of(core), id);
	if (!a)
		return no_such_request(id, err);
	if (stream != SOLDR_STDOUT && stream != SOLDR_STDERR)
		return err_set(err, SOLDR_E_INVALID, 0, origin, E408_NO_STREAM, stream);
	struct buf *b = &a->pending[stream == SOLDR_STDERR];
	buf_add(b, data, (size_t)len);
	return buf_ok(b) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E409_NO_MEMORY_OUTPUT, (unsigned long long)len);
}

/* The spawn with every default of the request filled in. */
static soldr_spawn complete(const struct active *a, const soldr_spawn *sp)
{
	soldr_spawn full = {0};
	memcpy(&full, sp, sp->struct_size < sizeof full ? sp->struct_size : sizeof full);
	full.struct_size = sizeof full;
	if (!full.envp)
		full.envp = a->request->envp;
	/* The child inherits our own directory; a chdir is needed for any other only. */
	if (a->to_stdio && (!full.cwd || strcmp(full.cwd, a->request->cwd) == 0))
		full.cwd = NULL;
	else if (!full.cwd)
		full.cwd = a->request->cwd;
	return full;
}

/* The event "compiler". */
static void audit_child(struct active *a, const soldr_spawn *sp, int rc, const soldr_exit *ex, const struct exec_cost *cost, uint64_t start)
{
	enum { NUMBERS = 7, SIZE = 24 };
	const struct rusage *used = &cost->used;
	const struct {
		const char *key;
		int64_t value;
	} numbers[NUMBERS] = {
		{"duration_ns", (int64_t)(clock_ns(CLOCK_MONOTONIC) - start)},
		{"spawn_ns", (int64_t)cost->spawn_ns},
		{"user_ns", used->ru_utime.tv_sec * 1000000000 + used->ru_utime.tv_usec * 1000},
		{"system_ns", used->ru_stime.tv_sec * 1000000000 + used->ru_stime.tv_usec * 1000},
		{"max_rss_bytes", used->ru_maxrss * 1024},
		{"exit_code", ex->exit_code},
		{"signal", ex->signal},
	};
	char texts[NUMBERS][SIZE];
	soldr_kv kv[NUMBERS + 2] = {{"program", sp->file}, {"probe", sp->flags & SOLDR_SPAWN_PROBE ? "true" : "false"}};
	uint32_t n = 2;
	for (size_t i = 0; i < (rc ? 1 : NUMBERS); i++) {
		snprintf(texts[i], SIZE, "%lld", (long long)numbers[i].value);
		kv[n++] = (soldr_kv){numbers[i].key, texts[i]};
	}
	active_audit(a, "compiler", kv, n);
}

/*
 * Hands the compile's span on to the compiler, where it was given a trace: the
 * variable is replaced, never added. Not to rustc, whose crates may read any
 * variable: for them the result has to be that of the variable as it was given.
 */
static const char **hand_on(const struct active *a, const soldr_spawn *sp, char entry[TRACEPARENT_ENTRY_SIZE])
{
	static const char name[] = "TRACEPARENT=";
	const char *program = path_base(a->request->compiler);
	size_t n = 0, at = SIZE_MAX;
	if (!a->service->audit.wanted || (sp->flags & SOLDR_SPAWN_PROBE) || strcmp(program, "rustc") == 0 || strcmp(program, "clippy-driver") == 0)
		return NULL;
	for (; sp->envp[n]; n++)
		if (strncmp(sp->envp[n], name, sizeof name - 1) == 0)
			at = n;
	const char **envp = at != SIZE_MAX && audit_request_entry(&a->audit, entry) ? malloc((n + 1) * sizeof *envp) : NULL;
	if (envp) {
		memcpy(envp, sp->envp, (n + 1) * sizeof *envp);
		envp[at] = entry;
	}
	return envp;
}

/* A compile whose output was held back is not over for the user. */
static void note_run(const struct active *a, const soldr_spawn *sp, const soldr_exit *ex)
{
	struct host_progress *progress = a->service->progress;
	if (!progress || (sp->flags & (SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR)))
		return;
	progress->exit_code = ex->exit_code;
	progress->signal = ex->signal;
	progress->ran = 1;
}

/* Notes why, so that all who look later say the same. */
static int stop_request(void *arg)
{
	struct active *a = arg;
	if (!a->dropped)
		a->dropped = active_stop_code(a);
	return a->dropped;
}

static bool is_stopped(void *arg)
{
	return stop_request(arg) != 0;
}

static int take_permit(struct active *a, const soldr_spawn *sp, struct permit *permit)
{
	soldr_service *s = a->service;
	soldr_error problem = SOLDR_ERROR_INIT;
	*permit = PERMIT_NONE;
	/* Below a permit none is needed: who holds it waits for us. */
	if (!s->permits.max || (sp->flags & SOLDR_SPAWN_PROBE) || env_get(a->request->envp, PERMITS_VARIABLE))
		return 0;
	int why = permits_take(&s->permits, stop_request, a, permit, &problem);
	if (problem.code && !__atomic_exchange_n(&s->permits_broken, true, __ATOMIC_RELAXED))
		service_log(s, SOLDR_LOG_WARN, problem.origin, "%s", problem.message);
	return why;
}

/* envp of the spawn, and that the program runs below a permit. */
static int add_permit(soldr_spawn *sp, struct vec *envp, soldr_error *err)
{
	vec_add_all(envp, sp->envp);
	vec_add(envp, PERMITS_VARIABLE "=1");
	if (!vec_ok(envp))
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	sp->envp = vec_items(envp);
	return 0;
}

/* What it may take of the request's time. False: that is over. */
static bool set_timeout(const struct active *a, soldr_spawn *sp)
{
	uint64_t now = a->deadline_ns ? clock_ns(CLOCK_MONOTONIC) : 0;
	if (!a->deadline_ns)
		return true;
	uint64_t left = a->deadline_ns > now ? a->deadline_ns - now : 0;
	if (!sp->timeout_ns || left < sp->timeout_ns)
		sp->timeout_ns = left;
	return left > 0;
}

/*
 * A priority that was lowered cannot be raised again. This process lives for one
 * compile, so it may lower its own, and the compiler has it from its first instruction.
 */
static void lower_own_priority(soldr_service *s)
{
	int add = s->priority_lowered ? 0 : load_nice(s->priority);
	s->priority_lowered = true;
	errno = 0;
	int level = add ? getpriority(PRIO_PROCESS, 0) : 0;
	if (add && errno == 0)
		setpriority(PRIO_PROCESS, 0, level + add);
}

/* In a program that links libsoldr a request may be stopped, and signals and process groups are arranged anew for its children. */
static int run_child(struct active *a, soldr_spawn *sp, struct exec_cost *cost, soldr_exit *ex, soldr_error *err)
{
	soldr_service *s = a->service;
	struct exec_watch watch = a->to_stdio ? s->watch : (struct exec_watch){.cancelled = is_stopped, .arg = a};
	watch.cost = cost;
	if (a->to_stdio) {
		lower_own_priority(s);
		return exec_run(sp, &a->sink, &watch, NULL, ex, err);
	}
	sp->flags |= SOLDR_SPAWN_NO_STDIN;
	if (stop_request(a) || !set_timeout(a, sp))
		return err_set(err, SOLDR_E_CANCELLED, 0, origin, E406_REQUEST_OVER, sp->file);
	const struct exec_limits limits = {.nice_add = load_nice(s->priority), .own_group = true};
	return exec_run(sp, &a->sink, &watch, &limits, ex, err);
}

static int run_spawn(struct active *a, const soldr_spawn *sp, soldr_exit *ex, soldr_error *err)
{
	soldr_service *s = a->service;
	soldr_spawn full = complete(a, sp);
	char entry[TRACEPARENT_ENTRY_SIZE];
	const char **envp = hand_on(a, &full, entry);
	if (envp)
		full.envp = envp;
	soldr_exit mine = {.struct_size = sizeof mine};
	struct permit permit;
	struct vec below = VEC_INIT;
	active_flush(a);
	struct exec_cost cost = {0};
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	int rc = take_permit(a, &full, &permit);
	if (rc)
		err_set(err, rc, 0, origin, E406_REQUEST_OVER, full.file);
	if (!rc && permit.fd >= 0)
		rc = add_permit(&full, &below, err);
	if (!rc)
		rc = run_child(a, &full, s->audit.wanted ? &cost : NULL, &mine, err);
	permits_give_back(&s->permits, &permit);
	if (s->audit.wanted && s->config->audit_mode >= AUDIT_VERBOSE)
		audit_child(a, &full, rc, &mine, &cost, start);
	vec_release(&below);
	free(envp);
	if (rc) {
		bool ended = rc == SOLDR_E_CANCELLED || rc == SOLDR_E_TIMEOUT || rc == SOLDR_E_SHUTDOWN;
		if (ended)
			stop_request(a);
		a->stopped = a->stopped || a->dropped || (!(full.flags & SOLDR_SPAWN_PROBE) && (ended || rc == SOLDR_E_INVALID));
		return rc == SOLDR_E_SHUTDOWN ? SOLDR_E_CANCELLED : rc;
	}
	if (!(full.flags & SOLDR_SPAWN_PROBE)) {
		a->ran = true;
		a->exit_code = mine.exit_code;
		a->signal = mine.signal;
		note_run(a, &full, &mine);
	}
	uint32_t size = ex->struct_size < sizeof mine ? ex->struct_size : (uint32_t)sizeof mine;
	mine.struct_size = ex->struct_size;
	memcpy(ex, &mine, size);
	return 0;
}

static int32_t host_run(soldr_core *core, uint64_t id, const soldr_spawn *sp, soldr_exit *ex, soldr_error *err)
{
	struct active *a = find_active(service_of(core), id);
	return a ? run_spawn(a, sp, ex, err) : no_such_request(id, err);
}

static int replace_or_run(struct active *a, const soldr_spawn *sp, uint32_t outcome, const char *reason, soldr_exit *ex,
                          soldr_error *err)
{
	soldr_service *s = a->service;
	soldr_spawn full = complete(a, sp);
	full.flags &= ~(uint32_t)(SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_CAPTURE_STDERR);
	bool plain = !(full.flags & (SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_NO_STDIN)) && !full.timeout_ns;
	if (!s->may_replace || !a->to_stdio || !plain || s->permits.max)
		return run_spawn(a, &full, ex, err);
	/* There is no later: what is journalled and counted must be so now, and the status cannot be known. */
	soldr_result r = {.struct_size = sizeof r, .outcome = outcome};
	snprintf(r.reason, sizeof r.reason, "%s", reason);
	snprintf(r.detail, sizeof r.detail, "%s", full.detail ? full.detail : "");
	int rc = dispatch_record(a, &r, true, err);
	if (rc)
		return rc;
	active_flush(a);
	lower_own_priority(s);
	service_log(s, SOLDR_LOG_INFO, origin, "%s %s, becomes %s", outcome_name(outcome), reason, full.file);
	char entry[TRACEPARENT_ENTRY_SIZE];
	const char **envp = hand_on(a, &full, entry);
	if (envp)
		full.envp = envp;
	rc = exec_replace(&full, err);
	free(envp);
	return rc;
}

static int32_t host_replace(soldr_core *core, uint64_t id, const soldr_spawn *sp, uint32_t outcome, const char *reason, soldr_exit *ex,
                            soldr_error *err)
{
	struct active *a = find_active(service_of(core), id);
	return a ? replace_or_run(a, sp, outcome, reason, ex, err) : no_such_request(id, err);
}

static int32_t host_submit(soldr_core *core, soldr_task_fn task, void *arg)
{
	soldr_service *s = service_of(core);
	return drain_submit(&s->drain, &s->embedder.runtime, task, arg);
}

int active_run_bare(struct active *a, uint32_t outcome, const char *reason, soldr_result *r, soldr_error *err)
{
	soldr_spawn sp = {.struct_size = sizeof sp, .file = a->request->compiler, .argv = a->request->argv};
	soldr_exit ex = {.struct_size = sizeof ex};
	int rc = replace_or_run(a, &sp, outcome, reason, &ex, err);
	if (rc)
		return rc;
	r->outcome = outcome;
	r->exit_code = ex.exit_code;
	r->signal = ex.signal;
	snprintf(r->reason, sizeof r->reason, "%s", reason);
	return 0;
}

void host_api_init(soldr_service *s)
{
	s->host = (soldr_host){
		.struct_size = sizeof s->host,
		.abi = SOLDR_ABI,
		.core = (soldr_core *)(void *)s,
		.alloc = host_alloc,
		.release = host_release,
		.log = host_log,
		.monotonic_ns = host_monotonic_ns,
		.cancelled = host_cancelled,
		.audit = host_audit,
		.emit = host_emit,
		.run = host_run,
		.replace = host_replace,
		.submit = host_submit,
	};
}
