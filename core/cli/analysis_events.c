/*
 * analysis_events: what a run's audit.jsonl adds to its journal: the phases of
 * compiles, what processes cost, and the events that findings rest on.
 */
#include "analysis.h"

#include "err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sums --------------------------------------------------------------------------------------- */

struct reading {
	struct analysis *a;
	struct progress progress;
};

static void add_phase(struct analysis *a, const struct run_event *e)
{
	size_t i = 0;
	while (i < a->phase_count && strcmp(a->phases[i].name, e->event) != 0)
		i++;
	if (i == ANALYSIS_PHASES_MAX)
		return;
	struct phase_sum *p = &a->phases[i];
	if (i == a->phase_count) {
		a->phase_count++;
		snprintf(p->name, sizeof p->name, "%s", e->event);
	}
	p->count++;
	p->duration_ns += e->duration_ns;
	if (e->duration_ns > p->longest_ns)
		p->longest_ns = e->duration_ns;
}

static void add_process(struct processes *p, const struct run_event *e)
{
	p->compilers++;
	p->probes += e->probe;
	p->spawn_ns += e->spawn_ns;
	p->user_ns += e->user_ns;
	p->system_ns += e->system_ns;
}

static void take_event(void *arg, const char *text, size_t len)
{
	struct reading *r = arg;
	struct analysis *a = r->a;
	struct run_event e;
	if (run_event_read(&e, text, len) != 0) {
		a->events_broken++;
		return;
	}
	a->events++;
	progress_step(&r->progress, a->events, "events");
	if (strcmp(e.category, "phase") == 0 && e.is_span)
		add_phase(a, &e);
	if (strcmp(e.event, "compiler") == 0)
		add_process(&a->processes, &e);
	if (strcmp(e.event, "compile") == 0 && e.processor_ns) {
		a->processes.wrappers++;
		a->processes.wrapper_ns += e.processor_ns;
	}
	if (strcmp(e.event, "sink.lost") == 0)
		evidence_add(&a->lost_events, e.event_id);
}

static int longest_first(const void *left, const void *right)
{
	const struct phase_sum *a = left, *b = right;
	return (a->duration_ns < b->duration_ns) - (a->duration_ns > b->duration_ns);
}

int analysis_events(struct analysis *a, bool progress, soldr_error *err)
{
	struct reading r = {.a = a, .progress = {.wanted = progress}};
	size_t broken = 0;
	char *file = analysis_file(a, sink_audit.file);
	int rc = file ? sink_read(file, AUDIT_SCHEMA, take_event, &r, &broken, err) : err_set(err, SOLDR_E_NOMEM, 0, "audit", E101_NO_MEMORY);
	free(file);
	progress_end(&r.progress);
	a->events_broken += broken;
	a->has_events = rc == 0;
	if (a->phase_count)
		qsort(a->phases, a->phase_count, sizeof *a->phases, longest_first);
	return rc == SOLDR_E_NOT_FOUND ? 0 : rc;
}

/* ---- the events of the compiles that findings name --------------------------------------------------- */

enum { ID_DIGITS = 32 };

/* Members before `fields` hold nothing of the user's, so the first of a name is the event's own. */
static const char *member(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at && strlen(at) > strlen(name) + ID_DIGITS ? at + strlen(name) : NULL;
}

static void name_event(void *arg, const char *text, size_t len)
{
	struct findings *all = arg;
	const char *compile = member(text, "\"compile_id\":\"");
	struct run_event e = {.event = ""};
	if (!compile)
		return;
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < all->items[i].evidence.count; k++) {
			if (strncmp(all->items[i].evidence.ids[k], compile, ID_DIGITS) != 0)
				continue;
			if (!e.event[0] && (run_event_read(&e, text, len) != 0 || strcmp(e.event, "compile") != 0))
				return;
			evidence_add(&all->items[i].events, e.event_id);
		}
}

void findings_events(const struct analysis *a, struct findings *all)
{
	size_t broken;
	char *file = a->has_events ? analysis_file(a, sink_audit.file) : NULL;
	if (file)
		(void)sink_read(file, AUDIT_SCHEMA, name_event, all, &broken, NULL);
	free(file);
}
