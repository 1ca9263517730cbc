/*
 * drain: what is in progress in a service, and the end of it.
 *
 * Requests are in a list from their admission to their outcome. Tasks that a
 * backend submits wait in a queue until a thread of the host's executor takes
 * them, or flush and shutdown do: so these never wait for an executor that has
 * stopped. Flush and shutdown are the same row of steps.
 */
#include "service_internal.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char origin[] = "service";

struct task {
	struct task *next;
	soldr_task_fn run;
	void *arg;
};

int drain_init(struct drain *d)
{
	pthread_condattr_t attr;
	*d = (struct drain){0};
	d->tasks_end = &d->tasks;
	int why = pthread_condattr_init(&attr);
	if (why)
		return why;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	why = pthread_cond_init(&d->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (!why)
		why = pthread_mutex_init(&d->lock, NULL);
	return why;
}

void drain_release(struct drain *d)
{
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
}

/* ---- requests ------------------------------------------------------------------------ */

uint64_t drain_next_id(struct drain *d)
{
	return __atomic_add_fetch(&d->last_id, 1, __ATOMIC_RELAXED);
}

int drain_enter(struct drain *d, struct active *a, soldr_error *err)
{
	pthread_mutex_lock(&d->lock);
	bool open = d->state == SERVICE_OPEN;
	if (open) {
		a->next = d->active;
		d->active = a;
	}
	pthread_mutex_unlock(&d->lock);
	return open ? 0 : err_set(err, SOLDR_E_SHUTDOWN, 0, origin, E412_SHUT_DOWN);
}

void drain_leave(struct drain *d, struct active *a)
{
	pthread_mutex_lock(&d->lock);
	struct active **at = &d->active;
	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	if (d->waiters)
		pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

struct active *drain_find(struct drain *d, uint64_t id)
{
	pthread_mutex_lock(&d->lock);
	struct active *a = d->active;
	while (a && a->request->id != id)
		a = a->next;
	pthread_mutex_unlock(&d->lock);
	return a;
}

/* ---- tasks --------------------------------------------------------------------------- */

/* False: there was none. */
static bool run_one_task(struct drain *d)
{
	pthread_mutex_lock(&d->lock);
	struct task *t = d->tasks;
	if (t) {
		d->tasks = t->next;
		d->tasks_end = t->next ? d->tasks_end : &d->tasks;
		d->running++;
	}
	pthread_mutex_unlock(&d->lock);
	if (!t)
		return false;
	t->run(t->arg);
	free(t);
	pthread_mutex_lock(&d->lock);
	d->running--;
	if (d->waiters)
		pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return true;
}

/* What the executor is given: one for each task, though it need not be the same. */
static void take_task(void *arg)
{
	run_one_task(arg);
}

int drain_submit(struct drain *d, const soldr_runtime *runtime, soldr_task_fn run, void *arg)
{
	struct task *t = runtime->submit ? malloc(sizeof *t) : NULL;
	if (!t) {
		run(arg);
		return 0;
	}
	*t = (struct task){NULL, run, arg};
	pthread_mutex_lock(&d->lock);
	*d->tasks_end = t;
	d->tasks_end = &t->next;
	pthread_mutex_unlock(&d->lock);
	if (runtime->submit(runtime->arg, take_task, d) != 0)
		run_one_task(d);
	return 0;
}

/* ---- steps --------------------------------------------------------------------------- */

/* One row of steps. */
struct steps {
	soldr_service *service;
	uint32_t mode;     /* enum soldr_shutdown_mode; 0: a flush */
	uint64_t deadline; /* 0: none */
	uint64_t last_id;  /* the requests up to it are waited for */
	uint64_t count;
	char message[240];
	soldr_step_fn visit;
	void *arg;
	int rc;            /* of the first step that failed */
	soldr_error *err;
};

static uint64_t count_requests(const struct drain *d, uint64_t last_id)
{
	uint64_t n = 0;
	for (const struct active *a = d->active; a; a = a->next)
		n += a->request->id <= last_id;
	return n;
}

static uint64_t count_running(const struct drain *d, uint64_t none)
{
	(void)none;
	return d->running;
}

/* Waits, with the lock held, until there are none. How many are left at the deadline. */
static uint64_t await_none(struct steps *s, uint64_t (*count)(const struct drain *, uint64_t), uint64_t limit)
{
	struct drain *d = &s->service->drain;
	const struct timespec until = {.tv_sec = (time_t)(s->deadline / 1000000000), .tv_nsec = (long)(s->deadline % 1000000000)};
	uint64_t left;
	int why = 0;
	d->waiters++;
	while ((left = count(d, limit)) > 0 && why != ETIMEDOUT)
		why = s->deadline ? pthread_cond_timedwait(&d->changed, &d->lock, &until) : pthread_cond_wait(&d->changed, &d->lock);
	d->waiters--;
	return left;
}

static int late(struct steps *s, uint64_t left, const char *what)
{
	return err_set(s->err, SOLDR_E_TIMEOUT, 0, origin, E413_NOT_ENDED_IN_TIME, (unsigned long long)left, what);
}

static int step_requests(struct steps *s)
{
	struct drain *d = &s->service->drain;
	pthread_mutex_lock(&d->lock);
	s->count = count_requests(d, s->last_id);
	uint64_t left = await_none(s, count_requests, s->last_id);
	pthread_mutex_unlock(&d->lock);
	uint64_t dropped = s->mode == SOLDR_SHUTDOWN_FORCE ? __atomic_load_n(&d->dropped, __ATOMIC_RELAXED) : 0;
	if (dropped)
		snprintf(s->message, sizeof s->message, "%llu requests were ended before they were done", (unsigned long long)dropped);
	return left ? late(s, left, "requests have") : 0;
}

static int step_tasks(struct steps *s)
{
	struct drain *d = &s->service->drain;
	bool in_time = true;
	while (in_time && run_one_task(d)) {
		s->count++;
		in_time = !s->deadline || clock_ns(CLOCK_MONOTONIC) < s->deadline;
	}
	pthread_mutex_lock(&d->lock);
	s->count += d->running;
	uint64_t left = in_time ? await_none(s, count_running, 0) : 1;
	pthread_mutex_unlock(&d->lock);
	return left ? late(s, left, "tasks have") : 0;
}

static int step_backend(struct steps *s)
{
	soldr_service *service = s->service;
	const soldr_backend *b = &service->plugin.backend;
	soldr_report report = {.struct_size = sizeof report};
	int rc = 0;
	bool offered = s->mode ? b->shutdown != NULL : b->flush != NULL;
	if (!service->instance || !offered)
		return 0;
	service_enter(service);
	if (s->mode)
		rc = b->shutdown(service->instance, s->mode, &report, s->err);
	else
		rc = b->flush(service->instance, &report, s->err);
	service_leave(service, rc);
	report.message[sizeof report.message - 1] = 0;
	snprintf(s->message, sizeof s->message, "%s", report.message);
	if (!rc && report.status == SOLDR_STEP_TIMED_OUT)
		rc = err_set(s->err, SOLDR_E_TIMEOUT, 0, b->name, E414_BACKEND_LATE, report.message[0] ? ": " : "", report.message);
	else if (!rc && report.status != SOLDR_STEP_COMPLETED)
		rc = err_set(s->err, SOLDR_E_IO, 0, b->name, E415_BACKEND_STEP_FAILED, report.message[0] ? ": " : "", report.message);
	return rc;
}

static int step_counters(struct steps *s)
{
	struct counters *const all[] = {s->service->total, s->service->run};
	int why = 0;
	for (size_t i = 0; i < 2; i++) {
		int one = counters_sync(all[i]);
		why = why ? why : one;
	}
	return why ? err_set(s->err, SOLDR_E_IO, why, origin, E416_COUNTERS_NOT_WRITTEN) : 0;
}

static void take_step(struct steps *s, const char *name, int (*step)(struct steps *))
{
	soldr_error problem = SOLDR_ERROR_INIT, *outer = s->err;
	uint64_t begun = clock_ns(CLOCK_MONOTONIC);
	s->count = 0;
	s->message[0] = 0;
	s->err = &problem;
	int rc = step(s);
	s->err = outer;
	const soldr_step told = {
		.struct_size = sizeof told,
		.status = rc == 0 ? SOLDR_STEP_COMPLETED : rc == SOLDR_E_TIMEOUT ? SOLDR_STEP_TIMED_OUT : SOLDR_STEP_FAILED,
		.name = name,
		.message = rc ? problem.message : s->message,
		.count = s->count,
		.duration_ns = clock_ns(CLOCK_MONOTONIC) - begun,
	};
	if (s->visit)
		s->visit(s->arg, &told);
	if (rc && !s->rc) {
		s->rc = rc;
		*s->err = problem;
	}
}

static int take_steps(struct steps *s, uint64_t timeout_ns)
{
	if (timeout_ns)
		s->deadline = clock_ns(CLOCK_MONOTONIC) + timeout_ns;
	take_step(s, "requests", step_requests);
	take_step(s, "tasks", step_tasks);
	take_step(s, "backend", step_backend);
	take_step(s, "counters", step_counters);
	return s->rc;
}

int32_t soldr_service_flush(soldr_service *service, uint64_t timeout_ns, soldr_step_fn visit, void *arg, soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	struct steps s = {.service = service, .visit = visit, .arg = arg, .err = err ? err : &local};
	s.last_id = __atomic_load_n(&service->drain.last_id, __ATOMIC_RELAXED);
	return take_steps(&s, timeout_ns);
}

int32_t soldr_service_shutdown(soldr_service *service, uint32_t mode, uint64_t timeout_ns, soldr_step_fn visit, void *arg,
                               soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	struct drain *d = &service->drain;
	struct steps s = {.service = service, .mode = mode, .last_id = UINT64_MAX, .visit = visit, .arg = arg, .err = err ? err : &local};
	if (mode != SOLDR_SHUTDOWN_GRACEFUL && mode != SOLDR_SHUTDOWN_FORCE)
		return err_set(s.err, SOLDR_E_INVALID, 0, origin, E417_NO_SHUTDOWN_MODE, mode);
	pthread_mutex_lock(&d->lock);
	bool done = d->state == SERVICE_CLOSED;
	if (!done && (mode == SOLDR_SHUTDOWN_FORCE || d->state == SERVICE_OPEN))
		__atomic_store_n(&d->state, mode == SOLDR_SHUTDOWN_FORCE ? SERVICE_FORCED : SERVICE_DRAINING, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&d->lock);
	if (done)
		return 0;
	int rc = take_steps(&s, timeout_ns);
	if (!rc)
		__atomic_store_n(&d->state, SERVICE_CLOSED, __ATOMIC_RELEASE);
	return rc;
}
