/*
 * conform_host: the host of a plugin under test. It does what soldr's own host
 * does, runs programs by the same code, and takes note of what the plugin does
 * wrong with it.
 */
#include "conform.h"

#include "clock.h"
#include "exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char origin[] = "host";

enum {
	MEET_SECONDS = 1, /* a plugin may serialise its calls itself: they then never meet */
	ARGUMENTS_MAX = 1 << 20
};

static struct conform_host *host_of(soldr_core *core)
{
	return (struct conform_host *)(void *)core;
}

static void violated(struct conform_host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void violated(struct conform_host *h, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	pthread_mutex_lock(&h->lock);
	if (!h->violation[0])
		vsnprintf(h->violation, sizeof h->violation, fmt, ap);
	pthread_mutex_unlock(&h->lock);
	va_end(ap);
}

/* ---- memory ------------------------------------------------------------------------ */

static void *host_alloc(soldr_core *core, uint64_t size)
{
	struct conform_host *h = host_of(core);
	void *p = size > SIZE_MAX ? NULL : malloc(size ? (size_t)size : 1);
	pthread_mutex_lock(&h->lock);
	if (p && h->live_count == h->live_cap) {
		size_t cap = h->live_cap ? 2 * h->live_cap : 64;
		void **more = realloc(h->live, cap * sizeof *more);
		if (more) {
			h->live = more;
			h->live_cap = cap;
		} else {
			free(p);
			p = NULL;
		}
	}
	if (p)
		h->live[h->live_count++] = p;
	pthread_mutex_unlock(&h->lock);
	return p;
}

/* Memory that is not the host's stays as it is: what it is cannot be told. */
static void host_release(soldr_core *core, void *p)
{
	struct conform_host *h = host_of(core);
	size_t at = 0;
	if (!p)
		return;
	pthread_mutex_lock(&h->lock);
	while (at < h->live_count && h->live[at] != p)
		at++;
	bool ours = at < h->live_count;
	if (ours)
		h->live[at] = h->live[--h->live_count];
	pthread_mutex_unlock(&h->lock);
	if (ours)
		free(p);
	else
		violated(h, "release() was given memory that alloc() did not give, or that was released already");
}

/* ---- what needs no request ------------------------------------------------------------ */

static void host_log(soldr_core *core, uint32_t level, const char *from, const char *message)
{
	if (level > SOLDR_LOG_TRACE || !from || !message || strchr(message, '\n'))
		violated(host_of(core), "log() was given no level, no origin, or a message that is not one line");
}

static uint64_t host_monotonic_ns(soldr_core *core)
{
	(void)core;
	return clock_ns(CLOCK_MONOTONIC);
}

static uint32_t host_cancelled(soldr_core *core, uint64_t id)
{
	(void)id;
	return host_of(core)->fail_run == SOLDR_E_CANCELLED;
}

static int32_t host_submit(soldr_core *core, soldr_task_fn task, void *arg)
{
	if (!task) {
		violated(host_of(core), "submit() was given no task");
		return SOLDR_E_INVALID;
	}
	task(arg);
	return 0;
}

/* ---- a request's functions --------------------------------------------------------------- */

static struct conform_call *find_call(struct conform_host *h, uint64_t id, const char *function)
{
	struct conform_call *call = NULL;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < CONFORM_CALLS && !call; i++)
		if (h->calls[i] && h->calls[i]->request.id == id)
			call = h->calls[i];
	pthread_mutex_unlock(&h->lock);
	if (!call)
		violated(h, "%s() was called for request %llu, which is not being served", function, (unsigned long long)id);
	return call;
}

static void host_audit(soldr_core *core, uint64_t id, const char *event, const soldr_kv *kv, uint32_t n)
{
	if (id)
		find_call(host_of(core), id, "audit");
	if (!event || !*event || (n && !kv))
		violated(host_of(core), "audit() was given no event, or no list");
}

static int32_t sink_write(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct conform_call *call = arg;
	if (call->deaf)
		return 1;
	buf_add(&call->streams[stream == SOLDR_STDERR], data, (size_t)len);
	return 0;
}

static int32_t host_emit(soldr_core *core, uint64_t id, uint32_t stream, const void *data, uint64_t len, soldr_error *err)
{
	struct conform_call *call = find_call(host_of(core), id, "emit");
	if (!err)
		violated(host_of(core), "emit() was given no error to fill");
	if (!call || (stream != SOLDR_STDOUT && stream != SOLDR_STDERR) || (len && !data)) {
		violated(host_of(core), "emit() was given a stream that is neither stdout nor stderr, or no data");
		return err_set(err, SOLDR_E_INVALID, 0, origin, E676_CHECK_EMIT);
	}
	sink_write(call, stream, data, len);
	return 0;
}

static const char *spawn_fault(const soldr_spawn *sp, const soldr_exit *ex, const soldr_error *err)
{
	size_t n = 0;
	if (!sp || !ex || !err)
		return "no spawn, exit or error";
	if (sp->struct_size < sizeof *sp)
		return "a soldr_spawn whose struct_size is not set";
	if (ex->struct_size < sizeof *ex)
		return "a soldr_exit whose struct_size is not set";
	if (!sp->file || *sp->file != '/')
		return "a file that is not an absolute path";
	if (!sp->argv || !sp->argv[0])
		return "no arguments";
	while (sp->argv[n] && n < ARGUMENTS_MAX)
		n++;
	return sp->argv[n] ? "arguments without an end" : NULL;
}

/* For a check of threads: all of them are in here at one time. */
static void meet(struct conform_host *h)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += MEET_SECONDS;
	pthread_mutex_lock(&h->lock);
	h->inside++;
	pthread_cond_broadcast(&h->arrived);
	int why = 0;
	while (h->inside < h->meet && !why)
		why = pthread_cond_timedwait(&h->arrived, &h->lock, &until);
	pthread_mutex_unlock(&h->lock);
}

/* Captured output as the plugin is to get it: out of alloc(). */
static bool hand_over(struct conform_host *h, void **data, uint64_t len)
{
	void *own = *data ? host_alloc((soldr_core *)(void *)h, len + 1) : NULL;
	bool good = own || !*data;
	if (own)
		memcpy(own, *data, (size_t)len);
	free(*data);
	*data = own;
	return good;
}

static int32_t run(struct conform_host *h, struct conform_call *call, const soldr_spawn *sp, soldr_exit *ex, soldr_error *err)
{
	soldr_spawn full = *sp;
	soldr_exit mine = {.struct_size = sizeof mine};
	const struct exec_sink sink = {.write = sink_write, .arg = call, .stdout_kind = call->request.stdout_kind,
		                           .stderr_kind = call->request.stderr_kind, .stdout_fd = -1, .stderr_fd = -1};
	full.struct_size = sizeof full;
	full.envp = full.envp ? full.envp : call->request.envp;
	full.cwd = full.cwd ? full.cwd : call->request.cwd;
	if (h->meet)
		meet(h);
	int rc = exec_run(&full, &sink, NULL, NULL, &mine, err);
	if (rc)
		return rc;
	call->ran += !(sp->flags & SOLDR_SPAWN_PROBE);
	const bool kept_stdout = hand_over(h, &mine.stdout_data, mine.stdout_len), kept_stderr = hand_over(h, &mine.stderr_data, mine.stderr_len);
	if (!kept_stdout || !kept_stderr)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	mine.struct_size = ex->struct_size;
	memcpy(ex, &mine, sizeof mine);
	return 0;
}

static int32_t host_run(soldr_core *core, uint64_t id, const soldr_spawn *sp, soldr_exit *ex, soldr_error *err)
{
	struct conform_host *h = host_of(core);
	struct conform_call *call = find_call(h, id, "run");
	const char *fault = spawn_fault(sp, ex, err);
	if (fault)
		violated(h, "run() or replace() was given %s", fault);
	if (!call || fault)
		return err_set(err, SOLDR_E_INVALID, 0, origin, E677_CHECK_RUN);
	if (h->fail_run)
		return err_set(err, h->fail_run, 0, origin, E678_CHECK_FAILS_RUN);
	return run(h, call, sp, ex, err);
}

static int32_t host_replace(soldr_core *core, uint64_t id, const soldr_spawn *sp, uint32_t outcome, const char *reason, soldr_exit *ex,
                            soldr_error *err)
{
	if (outcome == SOLDR_OUTCOME_NONE || outcome > SOLDR_OUTCOME_FALLBACK || !reason)
		violated(host_of(core), "replace() was given no outcome, or no reason");
	if (sp && (sp->flags & (SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_CAPTURE_STDERR)))
		violated(host_of(core), "replace() was asked to capture, which it cannot");
	return host_run(core, id, sp, ex, err);
}

void conform_host_init(struct conform_host *h, bool newer)
{
	*h = (struct conform_host){.lock = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER};
	h->host.table = (soldr_host){
		.struct_size = newer ? sizeof h->host : sizeof h->host.table,
		.abi = newer ? SOLDR_ABI + 9 : SOLDR_ABI,
		.core = (soldr_core *)(void *)h,
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
	conform_guard_set(h->host.more);
}
