/*
 * dispatch: one request from its arrival to its outcome.
 *
 *   request → backend → outcome
 *                └ error → nothing ran yet: the bare compiler (on_error: fallback)
 *                          or SOLDR_E_* to the caller (on_error: fail)
 *                        → the compiler ran already: its exit stands; it was
 *                          stopped (cancelled, out of time): SOLDR_E_*
 *
 * Every request that ends here is journalled and counted once, before its
 * messages are shown.
 */
#include "service_internal.h"

#include "clock.h"
#include "journal.h"
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char origin[] = "dispatch";

/* What is written of a request that ended. */
struct record {
	struct active *active;
	const soldr_result *result;
	bool replaced;
	uint64_t latency_ns;
	uint64_t lost; /* events that are not in the audit log */
};

typedef int (*append_fn)(struct record *, bool *torn, soldr_error *);

static int append_journal(struct record *r, bool *torn, soldr_error *err)
{
	const struct active *a = r->active;
	const struct journal_entry entry = {a->request, r->result, a->audit.ids.id, r->replaced, r->latency_ns};
	return journal_append(a->config, a->service->keep_journal, &entry, torn, err);
}

static int append_events(struct record *r, bool *torn, soldr_error *err)
{
	struct active *a = r->active;
	soldr_service *s = a->service;
	const enum config_sink_policy policy = s->config->sink_policy;
	/* In a program that serves one request alone. */
	bool alone = a->to_stdio && s->config->audit_mode >= AUDIT_VERBOSE;
	const struct audit_compile compile = {
		.request = a->request, .result = r->result, .replaced = r->replaced, .latency_ns = r->latency_ns,
		.processor_ns = alone ? clock_ns(CLOCK_PROCESS_CPUTIME_ID) : 0,
	};
	struct audit own = s->audit; /* of the run that the request belongs to */
	own.config = a->config;
	if (a->session)
		snprintf(own.session, sizeof own.session, "%s", a->session);
	own.command = a->command;
	pthread_mutex_lock(&s->audit_lock);
	int rc = audit_append(&own, &a->audit, &compile, false, torn, &r->lost, err);
	if (rc && policy == SINK_DROP_LOW_PRIORITY && a->audit.count) {
		soldr_error again = SOLDR_ERROR_INIT;
		if (audit_append(&own, &a->audit, &compile, true, torn, &r->lost, &again) == 0)
			rc = 0;
	}
	pthread_mutex_unlock(&s->audit_lock);
	return rc;
}

/* Waits and tries again, until it is written or the wait is pointless. */
static int append_blocking(append_fn append, struct record *r, soldr_error *err)
{
	static const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	soldr_service *s = r->active->service;
	bool torn = false, told = false;
	for (;;) {
		*err = SOLDR_ERROR_INIT;
		int rc = append(r, &torn, err);
		if (!rc || s->config->sink_policy != SINK_BLOCK || !sink_may_pass(err->sys_errno))
			return rc;
		if (active_stop_code(r->active))
			return rc;
		if (!told)
			service_log(s, SOLDR_LOG_WARN, err->origin, "%s; waiting for it", err->message);
		told = true;
		nanosleep(&pause, NULL);
	}
}

/* It is lost: what audit.sink_policy makes of it. That a file is full is what the user asked for. */
static int lose(const struct active *a, soldr_error *problem, soldr_error *err)
{
	soldr_service *s = a->service;
	enum config_sink_policy policy = s->config->sink_policy;
	if (problem->code == SOLDR_E_LIMIT) {
		if (problem->message[0])
			service_log(s, SOLDR_LOG_WARN, problem->origin, "%s", problem->message);
		return 0;
	}
	if (policy == SINK_FAIL_LOSSLESS) {
		if (err)
			*err = *problem;
		return problem->code;
	}
	if (policy != SINK_DROP_LOW_PRIORITY && !__atomic_exchange_n(&s->journal_lost, true, __ATOMIC_RELAXED))
		service_log(s, SOLDR_LOG_WARN, problem->origin, "%s", problem->message);
	return 0;
}

static void count_lost(soldr_service *s, const struct record *r, enum soldr_reason why)
{
	if (why != SOLDR_REASON_NONE) {
		counters_add_lost(s->total, why);
		counters_add_lost(r->active->run, why);
	}
	counters_add_lost_events(s->total, r->lost);
	counters_add_lost_events(r->active->run, r->lost);
}

/* Journal and events. A reason counts lines that are not in the journal; events have a counter of their own. */
static int write_down(struct record *r, soldr_error *err)
{
	static const append_fn appends[] = {append_journal, append_events};
	soldr_service *s = r->active->service;
	enum soldr_reason why = SOLDR_REASON_NONE;
	int rc = 0;
	for (size_t i = 0; i < sizeof appends / sizeof *appends && !rc; i++) {
		soldr_error problem = SOLDR_ERROR_INIT;
		int failed = append_blocking(appends[i], r, &problem);
		if (failed && i == 0)
			why = failed == SOLDR_E_LIMIT ? SOLDR_REASON_JOURNAL_FULL : SOLDR_REASON_AUDIT_LOST;
		rc = failed ? lose(r->active, &problem, err) : 0;
	}
	count_lost(s, r, why);
	return rc;
}

int dispatch_record(struct active *a, const soldr_result *r, bool replaced, soldr_error *err)
{
	soldr_service *s = a->service;
	bool failed = r->exit_code != 0 || r->signal != 0;
	if (s->journal) {
		struct record record = {.active = a, .result = r, .replaced = replaced, .latency_ns = clock_ns(CLOCK_MONOTONIC) - a->start_ns};
		int rc = write_down(&record, err);
		if (rc)
			return rc;
	}
	counters_add(s->total, r, failed);
	counters_add(a->run, r, failed);
	return 0;
}

static int call_backend(soldr_service *s, struct active *a, soldr_result *r, soldr_error *err)
{
	a->dropped = service_enter_for(s, a);
	if (a->dropped)
		return a->dropped;
	service_at(s, "compile");
	int rc = service_leave(s, s->plugin.backend.compile(s->instance, a->request, r, err));
	service_at(s, NULL);
	if (rc == 0 && (r->outcome == SOLDR_OUTCOME_NONE || r->outcome > SOLDR_OUTCOME_FALLBACK))
		rc = err_set(err, SOLDR_E_ABI, 0, origin, E410_OUTCOME_UNKNOWN, s->plugin.backend.name, r->outcome);
	return rc;
}

static void audit_fault(struct active *a, const char *event, const soldr_error *err)
{
	char code[16], why[16];
	snprintf(code, sizeof code, "%d", err->code);
	snprintf(why, sizeof why, "%d", err->sys_errno);
	const soldr_kv kv[] = {{"code", code}, {"errno", why}, {"origin", err->origin}, {"message", err->message}};
	active_audit(a, event, kv, sizeof kv / sizeof *kv);
}

/* The backend failed at this request. */
static int recover(soldr_service *s, struct active *a, soldr_result *r, soldr_error *err)
{
	service_log(s, a->dropped ? SOLDR_LOG_INFO : SOLDR_LOG_WARN, err->origin[0] ? err->origin : origin, "%s", err->message);
	if (!a->dropped)
		audit_fault(a, "fallback", err);
	buf_clear(&a->pending[0]);
	buf_clear(&a->pending[1]);
	*r = (soldr_result){.struct_size = sizeof *r, .outcome = SOLDR_OUTCOME_FALLBACK};
	snprintf(r->reason, sizeof r->reason, "%s", reason_name(SOLDR_REASON_BACKEND_ERROR));
	if (a->ran) {
		r->exit_code = a->exit_code;
		r->signal = a->signal;
		return 0;
	}
	if (a->stopped)
		return err->code;
	/* Of a backend's errors only a setting that the user can mend is worth stopping for, unless all are. */
	if (s->config->on_error == ON_ERROR_FAIL || (err->code == SOLDR_E_CONFIG && !service_falls_back(s->config, err->code)))
		return err->code;
	soldr_error again = SOLDR_ERROR_INIT;
	int rc = active_run_bare(a, SOLDR_OUTCOME_FALLBACK, reason_name(SOLDR_REASON_BACKEND_ERROR), r, &again);
	if (rc)
		*err = again;
	return rc;
}

static int serve(soldr_service *s, struct active *a, soldr_result *r, soldr_error *err)
{
	a->dropped = active_stop_code(a);
	if (a->dropped)
		return a->dropped;
	if (!s->instance && s->crash && s->crash->ran) { /* the user has seen this compile */
		*r = (soldr_result){.struct_size = sizeof *r, .outcome = SOLDR_OUTCOME_FALLBACK, .exit_code = s->crash->exit_code,
			                .signal = s->crash->signal};
		snprintf(r->reason, sizeof r->reason, "%s", s->fault_reason);
		return 0;
	}
	if (!s->instance)
		return active_run_bare(a, SOLDR_OUTCOME_FALLBACK, s->fault_reason, r, err);
	int rc = call_backend(s, a, r, err);
	return rc && !a->dropped ? recover(s, a, r, err) : rc;
}

/* Said with the request, else in its own environment: what is not in that is not there. NULL: that of the service. */
static const char *trace_of(const struct active *a)
{
	const soldr_service *s = a->service;
	if (a->config->traceparent != s->config->traceparent)
		return a->config->traceparent;
	if (a->request->envp == s->envp)
		return NULL;
	const char *value = env_get(a->request->envp, "TRACEPARENT");
	return value ? value : "";
}

static void service_shown(const soldr_service *s, const soldr_result *r)
{
	if (!s->progress)
		return;
	s->progress->exit_code = r->exit_code;
	s->progress->signal = r->signal;
	s->progress->done = 1;
}

/* It was ended before it was done: the code says by whom. */
static int drop(soldr_service *s, const struct active *a, soldr_error *err)
{
	static const char *const why[] = {
		[SOLDR_E_CANCELLED] = "the host cancelled it",
		[SOLDR_E_TIMEOUT] = "it did not end in time",
		[SOLDR_E_SHUTDOWN] = "the service was shut down by force",
	};
	__atomic_add_fetch(&s->drain.dropped, a->dropped == SOLDR_E_SHUTDOWN, __ATOMIC_RELAXED);
	return err_set(err, a->dropped, 0, origin, E411_DROPPED, why[a->dropped]);
}

/* A request without an outcome: its events say what ended it. It is no compilation, in no journal, and counted nowhere. */
static void record_end(struct active *a, const soldr_error *err)
{
	soldr_result none = {.struct_size = sizeof none};
	soldr_error ignored = SOLDR_ERROR_INIT;
	bool torn = false;
	snprintf(none.reason, sizeof none.reason, "%s",
	         a->dropped == SOLDR_E_CANCELLED  ? "cancelled"
	         : a->dropped == SOLDR_E_TIMEOUT  ? "timed_out"
	         : a->dropped == SOLDR_E_SHUTDOWN ? "shut_down"
	                                          : "failed");
	struct record r = {.active = a, .result = &none, .latency_ns = clock_ns(CLOCK_MONOTONIC) - a->start_ns};
	audit_fault(a, "error", err);
	(void)append_events(&r, &torn, &ignored);
}

int dispatch(soldr_service *s, struct active *a, soldr_result *r, soldr_error *err)
{
	soldr_error problem = SOLDR_ERROR_INIT;
	soldr_result mine = {.struct_size = sizeof mine};
	a->service = s;
	if (!a->config) {
		a->config = s->config;
		a->run = s->run;
	}
	a->start_ns = clock_ns(CLOCK_MONOTONIC);
	if (s->journal)
		audit_request_init(&a->audit, &s->audit, a->request->id, trace_of(a));
	int rc = drain_enter(&s->drain, a, err);
	if (rc) {
		audit_request_release(&a->audit);
		return rc;
	}
	/* Where no line may be lost, no compile begins that could not be written down. */
	bool lossless = s->journal && s->config->sink_policy == SINK_FAIL_LOSSLESS;
	if (lossless)
		rc = sink_check(a->config, &sink_journal, &problem);
	if (!rc && lossless)
		rc = sink_check(a->config, &sink_audit, &problem);
	if (!rc)
		rc = serve(s, a, &mine, &problem);
	if (rc && a->dropped)
		rc = drop(s, a, &problem);
	if (rc && s->journal)
		record_end(a, &problem);
	if (!rc) {
		mine.reason[sizeof mine.reason - 1] = 0;
		mine.detail[sizeof mine.detail - 1] = 0;
		rc = dispatch_record(a, &mine, false, &problem);
	}
	if (!rc)
		active_flush(a);
	drain_leave(&s->drain, a);
	buf_release(&a->pending[0]);
	buf_release(&a->pending[1]);
	audit_request_release(&a->audit);
	if (!rc)
		service_shown(s, &mine);
	if (rc) {
		if (err)
			*err = problem;
		return rc;
	}
	service_log(s, SOLDR_LOG_INFO, origin, "%s%s%s%s%s, exit %d signal %d, %llu us", outcome_name(mine.outcome),
	            mine.reason[0] ? " " : "", mine.reason, mine.detail[0] ? " " : "", mine.detail, mine.exit_code, mine.signal,
	            (unsigned long long)((clock_ns(CLOCK_MONOTONIC) - a->start_ns) / 1000));
	uint32_t size = r->struct_size < sizeof mine ? r->struct_size : (uint32_t)sizeof mine;
	mine.struct_size = r->struct_size;
	memcpy(r, &mine, size);
	return 0;
}
