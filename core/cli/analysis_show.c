/* analysis_show: `soldr audit analyze`, for people and as JSON. */
#include "analysis.h"

#include "fs.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_CAUSES = 10, SHOWN_DIFFERENCES = 10, SHOWN_SLOW = 10, NAME = 60, JSON_CAUSES = 100 };

/* ---- progress ------------------------------------------------------------------------------- */

void progress_step(struct progress *p, uint64_t read, const char *what)
{
	enum { EVERY = 1 << 13 };
	char line[64], count[TEXT_SIZE];
	if (!p->wanted || read < p->done + EVERY)
		return;
	p->done = read;
	int n = snprintf(line, sizeof line, "\rsoldr: %s %s read", text_count(count, read), what);
	(void)fs_write_all(STDERR_FILENO, line, (size_t)n);
}

void progress_end(struct progress *p)
{
	if (p->done)
		(void)fs_write_all(STDERR_FILENO, "\r\033[K", 4);
	p->done = 0;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Text from the user's files: nothing in it may steer the terminal. */
static void plain_cell(struct table *t, const char *text)
{
	char plain[600];
	size_t n = 0;
	for (; *text && n + 1 < sizeof plain; text++)
		plain[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	plain[n] = 0;
	table_cell(t, plain);
}

/* Of a name too long for a column, the end. */
static void name_cell(struct table *t, const char *name)
{
	char cut[NAME + 8];
	size_t len = strlen(name);
	if (len <= NAME) {
		plain_cell(t, name);
		return;
	}
	const char *from = name + len - NAME;
	while (((unsigned char)*from & 0xc0) == 0x80)
		from++;
	snprintf(cut, sizeof cut, "…%s", from);
	plain_cell(t, cut);
}

static void ids(struct buf *out, const struct evidence *e)
{
	for (size_t i = 0; i < e->count; i++)
		buf_addf(out, "%s%.8s", i ? " " : "", e->ids[i]);
}

static void evidence_cell(struct table *t, const struct evidence *e)
{
	struct buf b = BUF_INIT;
	ids(&b, e);
	table_cell(t, buf_str(&b));
	buf_release(&b);
}

static void totals_text(const struct analysis *a, struct buf *out)
{
	char x[TEXT_SIZE], y[TEXT_SIZE], z[TEXT_SIZE];
	struct table t;
	uint64_t misses = a->outcomes[SOLDR_OUTCOME_MISS].count, wall = (uint64_t)(a->end_ns - a->begin_ns), work = 0;
	buf_addf(out, "run %s\n", a->run);
	if (a->summary.known)
		buf_addf(out, "%s by backend %s: %s %lld after %s\n", a->summary.command, a->summary.backend, a->summary.signal ? "signal" : "status",
		         (long long)(a->summary.signal ? a->summary.signal : a->summary.exit_code), text_duration(x, analysis_wall_ns(a)));
	buf_addf(out, "hit rate %s of what can be cached; about %s of compiling saved\n",
	         text_percent(x, analysis_hits(a), analysis_hits(a) + misses), text_duration(y, a->time_saved_ns));
	buf_adds(out, "\nCompiles\n");
	table_init(&t, "lrrr");
	for (uint32_t i = 0; i < ANALYSIS_OUTCOMES; i++) {
		const struct sums *s = &a->outcomes[i];
		work += s->latency_ns;
		if (!s->count)
			continue;
		table_cell(&t, i ? outcome_name(i) : "unknown");
		table_cell(&t, text_count(x, s->count));
		table_cell(&t, text_percent(y, s->count, a->compilations));
		table_cell(&t, text_duration(z, s->latency_ns));
	}
	table_print(&t, out, 2);
	if (a->failed)
		buf_addf(out, "  %s failed\n", text_count(x, a->failed));
	if (a->unknown_end)
		buf_addf(out, "  %s of unknown length: soldr became the compiler\n", text_count(x, a->unknown_end));
	if (!wall)
		return;
	buf_addf(out, "\nTime\n  from the first compile to the last %s; in %s of it none ran\n", text_duration(x, wall),
	         text_percent(y, wall - a->busy_ns, wall));
	buf_addf(out, "  at once: %u at most, %.1f on average; this machine has %u processors\n", a->lanes, (double)work / (double)wall, a->cpus);
}

static void concurrency_text(const struct analysis *a, struct buf *out)
{
	static const char *const levels[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	char x[TEXT_SIZE];
	const double most = analysis_most(a);
	if (most <= 0)
		return;
	buf_adds(out, "  |");
	for (size_t i = 0; i < ANALYSIS_BUCKETS; i++) {
		size_t level = (size_t)(a->concurrency[i] / most * 8 + 0.5);
		buf_adds(out, levels[!level && a->concurrency[i] > 0 ? 1 : level]);
	}
	buf_addf(out, "| each %s\n", text_duration(x, (uint64_t)(a->end_ns - a->begin_ns) / ANALYSIS_BUCKETS));
}

static void phases_text(const struct analysis *a, struct buf *out)
{
	char x[TEXT_SIZE], y[TEXT_SIZE], z[TEXT_SIZE], w[TEXT_SIZE];
	struct table t;
	const struct processes *p = &a->processes;
	if (!a->phase_count)
		return;
	buf_adds(out, "\nPhases                   (of all compiles, added up)\n");
	table_init(&t, "lrrrr");
	for (size_t i = 0; i < a->phase_count; i++) {
		const struct phase_sum *s = &a->phases[i];
		name_cell(&t, s->name);
		table_cell(&t, text_count(x, s->count));
		table_cell(&t, text_duration(y, s->duration_ns));
		table_cellf(&t, "each %s", text_duration(z, s->duration_ns / s->count));
		table_cellf(&t, "longest %s", text_duration(w, s->longest_ns));
	}
	table_print(&t, out, 2);
	if (p->compilers)
		buf_addf(out, "  %s processes started, %s each; they used %s of processor time\n", text_count(x, p->compilers),
		         text_duration(y, p->spawn_ns / p->compilers), text_duration(z, p->user_ns + p->system_ns));
	if (p->wrappers)
		buf_addf(out, "  soldr itself used %s of processor time in %s processes\n", text_duration(x, p->wrapper_ns), text_count(y, p->wrappers));
}

static void causes_text(const struct analysis *a, bool misses, const char *title, struct buf *out)
{
	char x[TEXT_SIZE], y[TEXT_SIZE];
	struct table t;
	size_t shown = 0;
	table_init(&t, "lrrlll");
	for (size_t i = 0; i < a->cause_count && shown < SHOWN_CAUSES; i++) {
		const struct cause *c = &a->causes[i];
		if ((c->outcome == SOLDR_OUTCOME_MISS) != misses)
			continue;
		table_cell(&t, reason_name(c->reason));
		table_cell(&t, text_count(x, c->count));
		table_cell(&t, c->unknown == c->count ? "?" : text_duration(y, c->latency_ns));
		name_cell(&t, c->detail);
		name_cell(&t, c->subject);
		evidence_cell(&t, &c->evidence);
		shown++;
	}
	if (shown)
		buf_addf(out, "\n%s\n", title);
	table_print(&t, out, 2);
}

static void differences_text(const struct analysis *a, struct buf *out)
{
	char x[TEXT_SIZE];
	struct table t;
	if (!a->difference_count)
		return;
	buf_addf(out, "\nWhat misses differ in    (%llu of them looked at)\n", (unsigned long long)a->asked);
	table_init(&t, "lrll");
	for (size_t i = 0; i < a->difference_count && i < SHOWN_DIFFERENCES; i++) {
		const struct difference_count *d = &a->differences[i];
		table_cell(&t, *d->group ? d->group : "-");
		table_cell(&t, text_count(x, d->count));
		plain_cell(&t, d->text ? d->text : d->kind);
		evidence_cell(&t, &d->evidence);
	}
	table_print(&t, out, 2);
}

static void slowest_text(const struct analysis *a, struct buf *out)
{
	char x[TEXT_SIZE];
	struct table t;
	if (!a->slow_count)
		return;
	buf_adds(out, "\nSlowest units\n");
	table_init(&t, "rllll");
	for (size_t i = 0; i < a->slow_count && i < SHOWN_SLOW; i++) {
		const struct slow_unit *s = &a->slowest[i];
		table_cell(&t, text_duration(x, s->latency_ns));
		name_cell(&t, s->subject);
		table_cell(&t, outcome_name(s->outcome));
		name_cell(&t, s->reason);
		name_cell(&t, s->id);
	}
	table_print(&t, out, 2);
}

static void findings_text(const struct findings *f, struct buf *out)
{
	char x[TEXT_SIZE];
	if (!f->count)
		buf_adds(out, "\nFindings: none\n");
	else
		buf_addf(out, "\nFindings: %zu\n", f->count);
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->items[i];
		struct table t;
		buf_addf(out, "  %s: %s (%s, confidence %s", finding_severity_name(one->severity), one->title, one->id,
		         finding_confidence_name(one->confidence));
		if (one->impact_ns)
			buf_addf(out, ", about %s", text_duration(x, one->impact_ns));
		buf_adds(out, ")\n");
		table_init(&t, "l");
		plain_cell(&t, one->what);
		table_cellf(&t, "to do: %s", one->action);
		table_print(&t, out, 4);
		if (one->evidence.count) {
			buf_adds(out, "    compiles: ");
			ids(out, &one->evidence);
			buf_addc(out, '\n');
		}
	}
}

void analysis_text(const struct analysis *a, const struct findings *f, struct buf *out)
{
	totals_text(a, out);
	concurrency_text(a, out);
	phases_text(a, out);
	causes_text(a, true, "Misses", out);
	differences_text(a, out);
	causes_text(a, false, "Not cached", out);
	slowest_text(a, out);
	findings_text(f, out);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void evidence_json(const struct evidence *e, const char *key, struct json *j)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < e->count; i++)
		json_str(j, NULL, e->ids[i]);
	json_close(j, ']');
}

static void totals_json(const struct analysis *a, struct json *j)
{
	uint64_t misses = a->outcomes[SOLDR_OUTCOME_MISS].count, cacheable = analysis_hits(a) + misses;
	json_u64(j, "compilations", a->compilations);
	json_u64(j, "failed", a->failed);
	json_u64(j, "unknown_end", a->unknown_end);
	json_double(j, "hit_rate", cacheable ? (double)analysis_hits(a) / (double)cacheable : 0, 4);
	json_u64(j, "time_saved_ns", a->time_saved_ns);
	json_open(j, "outcomes", '{');
	for (uint32_t i = SOLDR_OUTCOME_NONE + 1; i < ANALYSIS_OUTCOMES; i++) {
		json_open(j, outcome_name(i), '{');
		json_u64(j, "count", a->outcomes[i].count);
		json_u64(j, "latency_ns", a->outcomes[i].latency_ns);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void times_json(const struct analysis *a, struct json *j)
{
	uint64_t wall = (uint64_t)(a->end_ns - a->begin_ns), work = 0;
	for (uint32_t i = 0; i < ANALYSIS_OUTCOMES; i++)
		work += a->outcomes[i].latency_ns;
	json_u64(j, "wall_ns", analysis_wall_ns(a));
	json_open(j, "concurrency", '{');
	json_u64(j, "cpus", a->cpus);
	json_u64(j, "span_ns", wall);
	json_u64(j, "busy_ns", a->busy_ns);
	json_u64(j, "most", a->lanes);
	json_double(j, "average", wall ? (double)work / (double)wall : 0, 3);
	json_u64(j, "bucket_ns", wall / ANALYSIS_BUCKETS);
	json_open(j, "buckets", '[');
	for (size_t i = 0; i < ANALYSIS_BUCKETS && wall; i++)
		json_double(j, NULL, a->concurrency[i], 3);
	json_close(j, ']');
	json_close(j, '}');
}

static void phases_json(const struct analysis *a, struct json *j)
{
	const struct processes *p = &a->processes;
	json_open(j, "phases", '[');
	for (size_t i = 0; i < a->phase_count; i++) {
		json_open(j, NULL, '{');
		json_str(j, "name", a->phases[i].name);
		json_u64(j, "count", a->phases[i].count);
		json_u64(j, "duration_ns", a->phases[i].duration_ns);
		json_u64(j, "longest_ns", a->phases[i].longest_ns);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "processes", '{');
	json_u64(j, "started", p->compilers);
	json_u64(j, "probes", p->probes);
	json_u64(j, "spawn_ns", p->spawn_ns);
	json_u64(j, "user_ns", p->user_ns);
	json_u64(j, "system_ns", p->system_ns);
	json_u64(j, "wrappers", p->wrappers);
	json_u64(j, "wrapper_ns", p->wrapper_ns);
	json_close(j, '}');
}

static void causes_json(const struct analysis *a, bool misses, const char *key, struct json *j)
{
	size_t shown = 0;
	json_open(j, key, '[');
	for (size_t i = 0; i < a->cause_count && shown < JSON_CAUSES; i++) {
		const struct cause *c = &a->causes[i];
		if ((c->outcome == SOLDR_OUTCOME_MISS) != misses)
			continue;
		json_open(j, NULL, '{');
		json_str(j, "reason", reason_name(c->reason));
		json_str(j, "detail", *c->detail ? c->detail : NULL);
		json_u64(j, "count", c->count);
		json_u64(j, "latency_ns", c->latency_ns);
		json_u64(j, "unknown", c->unknown);
		json_str(j, "subject", c->subject);
		json_str(j, "mend", *reason_mend(c->reason) ? reason_mend(c->reason) : NULL);
		evidence_json(&c->evidence, "compile_ids", j);
		json_close(j, '}');
		shown++;
	}
	json_close(j, ']');
}

static void differences_json(const struct analysis *a, struct json *j)
{
	json_open(j, "differences", '{');
	json_u64(j, "asked", a->asked);
	json_u64(j, "told", a->told);
	json_open(j, "items", '[');
	for (size_t i = 0; i < a->difference_count; i++) {
		const struct difference_count *d = &a->differences[i];
		json_open(j, NULL, '{');
		json_str(j, "group", *d->group ? d->group : NULL);
		json_str(j, "kind", d->kind);
		json_str(j, "what", *d->what ? d->what : NULL);
		json_str(j, "text", d->text);
		json_u64(j, "count", d->count);
		json_u64(j, "latency_ns", d->latency_ns);
		evidence_json(&d->evidence, "compile_ids", j);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void slowest_json(const struct analysis *a, struct json *j)
{
	json_open(j, "slowest", '[');
	for (size_t i = 0; i < a->slow_count; i++) {
		const struct slow_unit *s = &a->slowest[i];
		json_open(j, NULL, '{');
		json_str(j, "subject", s->subject);
		json_str(j, "outcome", outcome_name(s->outcome));
		json_str(j, "reason", *s->reason ? s->reason : NULL);
		json_str(j, "compile_id", s->id);
		json_i64(j, "offset_ns", s->start_ns - a->begin_ns);
		json_u64(j, "latency_ns", s->latency_ns);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void findings_json(const struct findings *f, struct json *j)
{
	json_open(j, "findings", '[');
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->items[i];
		json_open(j, NULL, '{');
		json_str(j, "id", one->id);
		json_str(j, "title", one->title);
		json_str(j, "severity", finding_severity_name(one->severity));
		json_str(j, "confidence", finding_confidence_name(one->confidence));
		json_u64(j, "estimated_impact_ms", one->impact_ns / 1000000);
		json_str(j, "what", one->what);
		json_str(j, "suggested_action", one->action);
		evidence_json(&one->evidence, "compile_ids", j);
		evidence_json(&one->events, "event_ids", j);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void log_json(const struct analysis *a, struct json *j)
{
	json_open(j, "log", '{');
	json_bool(j, "has_events", a->has_events);
	json_u64(j, "events", a->events);
	json_u64(j, "events_lost", a->events_lost);
	json_bool(j, "journal_full", a->journal_full);
	json_u64(j, "left_out", a->left_out);
	json_u64(j, "unreadable", a->broken + a->events_broken);
	json_u64(j, "spans_left_out", a->spans_left_out);
	json_u64(j, "causes_left_out", a->causes_left_out);
	json_close(j, '}');
}

void analysis_json(const struct analysis *a, const struct findings *f, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_str(&j, "schema", "soldr.analysis.v1");
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "run_id", a->run);
	json_str(&j, "command", a->summary.command);
	json_str(&j, "backend", a->summary.backend);
	if (a->summary.known) {
		json_i64(&j, "exit_code", a->summary.exit_code);
		json_i64(&j, "signal", a->summary.signal);
	}
	totals_json(a, &j);
	times_json(a, &j);
	phases_json(a, &j);
	causes_json(a, true, "misses", &j);
	causes_json(a, false, "not_cached", &j);
	differences_json(a, &j);
	slowest_json(a, &j);
	findings_json(f, &j);
	log_json(a, &j);
	json_close(&j, '}');
	buf_addc(out, '\n');
}
