/*
 * export_trace: the trace events of Chrome ("Trace Event Format", the JSON
 * object form). A compile is a complete event ("X") in the thread of its lane;
 * one whose end is not known is an instant ("i"). Its phases, where there are events
 * of them, are complete events within it. Counters ("C") say how many
 * ran at once. Times are microseconds from the first start.
 */
#include "export.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PID = 1 };

/* The writer's levels end at any point, so that the text goes out in pieces. */
struct trace {
	struct export *e;
	struct json json;
};

static void begin_event(struct trace *t, const char *name, const char *phase, uint64_t tid)
{
	json_open(&t->json, NULL, '{');
	json_str(&t->json, "name", name);
	json_str(&t->json, "ph", phase);
	json_u64(&t->json, "pid", PID);
	json_u64(&t->json, "tid", tid);
}

static void add_time(struct trace *t, const char *key, int64_t ns)
{
	json_double(&t->json, key, (double)ns / 1e3, 3);
}

static void add_metadata(struct trace *t, const char *name, uint64_t tid, const char *value)
{
	begin_event(t, name, "M", tid);
	json_open(&t->json, "args", '{');
	json_str(&t->json, "name", value);
	json_close(&t->json, '}');
	json_close(&t->json, '}');
}

static void add_names(struct trace *t)
{
	const struct analysis *a = t->e->analysis;
	struct buf text = BUF_INIT;
	char lane[32];
	buf_addf(&text, "soldr run %s", a->run);
	add_metadata(t, "process_name", 0, buf_str(&text));
	buf_release(&text);
	for (unsigned i = 0; i < a->lanes; i++) {
		snprintf(lane, sizeof lane, "lane %u", i + 1);
		add_metadata(t, "thread_name", i + 1, lane);
		begin_event(t, "thread_sort_index", "M", i + 1);
		json_open(&t->json, "args", '{');
		json_u64(&t->json, "sort_index", i + 1);
		json_close(&t->json, '}');
		json_close(&t->json, '}');
	}
}

static void add_concurrency(struct trace *t)
{
	const struct analysis *a = t->e->analysis;
	int64_t width = (a->end_ns - a->begin_ns) / ANALYSIS_BUCKETS;
	for (int64_t i = 0; i <= ANALYSIS_BUCKETS && width; i++) {
		begin_event(t, "compiles at once", "C", 0);
		add_time(t, "ts", i * width);
		json_open(&t->json, "args", '{');
		json_double(&t->json, "compiles", i < ANALYSIS_BUCKETS ? a->concurrency[i] : 0, 3);
		json_close(&t->json, '}');
		json_close(&t->json, '}');
	}
}

static void add_compile(void *arg, const struct run_compile *c, const struct span *s)
{
	struct trace *t = arg;
	if (!s || s->lane == ANALYSIS_LANES_MAX)
		return;
	begin_event(t, run_compile_subject(c), c->ended ? "X" : "i", s->lane + 1u);
	json_str(&t->json, "cat", c->outcome);
	add_time(t, "ts", s->start_ns - t->e->analysis->begin_ns);
	if (c->ended)
		add_time(t, "dur", s->end_ns - s->start_ns);
	else
		json_str(&t->json, "s", "t");
	json_open(&t->json, "args", '{');
	json_str(&t->json, "outcome", c->outcome);
	json_str(&t->json, "reason", c->reason);
	json_str(&t->json, "detail", c->detail);
	json_str(&t->json, "compiler", c->compiler);
	json_str(&t->json, "compile_id", c->compile_id);
	if (c->ended) {
		json_i64(&t->json, "exit_code", c->exit_code);
		json_i64(&t->json, "signal", c->signal);
	}
	json_close(&t->json, '}');
	json_close(&t->json, '}');
}

/* ---- phases, within their compiles ------------------------------------------------------------ */

/* Where the spans of compiles are, by the hash of their id. */
struct index {
	uint32_t *slots; /* number of the span + 1; 0: free */
	size_t size;     /* a power of two, at least twice as many */
};

static bool make_index(struct index *x, const struct analysis *a)
{
	x->size = 16;
	while (x->size < 2 * a->span_count)
		x->size *= 2;
	x->slots = calloc(x->size, sizeof *x->slots);
	for (size_t i = 0; x->slots && i < a->span_count; i++) {
		size_t at = (size_t)a->spans[i].id & (x->size - 1);
		while (x->slots[at])
			at = (at + 1) & (x->size - 1);
		x->slots[at] = (uint32_t)i + 1;
	}
	return x->slots != NULL;
}

static const struct span *find_span(const struct index *x, const struct analysis *a, const char *compile_id)
{
	const uint64_t id = analysis_id(compile_id);
	for (size_t at = (size_t)id & (x->size - 1); x->slots[at]; at = (at + 1) & (x->size - 1))
		if (a->spans[x->slots[at] - 1].id == id)
			return &a->spans[x->slots[at] - 1];
	return NULL;
}

struct phases {
	struct trace *t;
	struct index index;
};

/* The clocks of both logs are read one after the other: a phase is kept within its compile, so that slices nest. */
static void add_phase(void *arg, const char *text, size_t len)
{
	const struct phases *p = arg;
	const struct analysis *a = p->t->e->analysis;
	struct run_event e;
	if (p->t->e->problem || run_event_read(&e, text, len) != 0 || !e.is_span || strcmp(e.category, "phase") != 0)
		return;
	const struct span *s = find_span(&p->index, a, e.compile_id);
	if (!s || s->lane == ANALYSIS_LANES_MAX || s->end_ns == s->start_ns)
		return;
	int64_t end = e.end_ns < s->end_ns ? e.end_ns : s->end_ns, start = end - (int64_t)e.duration_ns;
	start = start > s->start_ns ? start : s->start_ns;
	begin_event(p->t, e.event, "X", s->lane + 1u);
	json_str(&p->t->json, "cat", "phase");
	add_time(p->t, "ts", start - a->begin_ns);
	add_time(p->t, "dur", end > start ? end - start : 0);
	json_close(&p->t->json, '}');
	export_step(p->t->e);
}

static int add_phases(struct trace *t, soldr_error *err)
{
	struct phases p = {.t = t};
	size_t broken;
	if (!t->e->analysis->has_events)
		return 0;
	char *file = analysis_file(t->e->analysis, sink_audit.file);
	int rc = file && make_index(&p.index, t->e->analysis) ? sink_read(file, AUDIT_SCHEMA, add_phase, &p, &broken, err)
	                                                      : err_set(err, SOLDR_E_NOMEM, 0, "audit", E101_NO_MEMORY);
	free(p.index.slots);
	free(file);
	return rc;
}

int export_trace(struct export *e, soldr_error *err)
{
	struct trace t = {.e = e, .json = json_to(&e->out, false)};
	json_open(&t.json, NULL, '{');
	json_str(&t.json, "displayTimeUnit", "ms");
	json_open(&t.json, "otherData", '{');
	json_str(&t.json, "run_id", e->analysis->run);
	json_str(&t.json, "soldr", soldr_version());
	json_u64(&t.json, "left_out", e->analysis->spans_left_out);
	json_close(&t.json, '}');
	json_open(&t.json, "traceEvents", '[');
	add_names(&t);
	int rc = export_compiles(e, add_compile, &t, err);
	if (!rc)
		rc = add_phases(&t, err);
	add_concurrency(&t);
	json_close(&t.json, ']');
	json_close(&t.json, '}');
	buf_addc(&e->out, '\n');
	return rc;
}
