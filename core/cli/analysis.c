/* analysis: reads a run, and adds up. See analysis.h. */
#include "analysis.h"

#include "fnv.h"
#include "fs.h"
#include "path.h"
#include "why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "audit";

static int out_of_memory(soldr_error *err)
{
	return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

/* ---- small things ------------------------------------------------------------------------------ */

void analysis_name(char to[ANALYSIS_TEXT], const char *name)
{
	static const char cut[] = "…";
	size_t len = strlen(name);
	if (len < ANALYSIS_TEXT) {
		memcpy(to, name, len + 1);
		return;
	}
	const char *from = name + len - (ANALYSIS_TEXT - sizeof cut);
	while (((unsigned char)*from & 0xc0) == 0x80) /* not within a character */
		from++;
	snprintf(to, ANALYSIS_TEXT, "%s%s", cut, from);
}

void evidence_add(struct evidence *e, const char *id)
{
	if (e->count < ANALYSIS_EVIDENCE_MAX)
		snprintf(e->ids[e->count++], ANALYSIS_ID, "%s", id);
}

uint64_t analysis_id(const char *compile_id)
{
	return fnv_str(compile_id);
}

uint32_t analysis_outcome(const char *name)
{
	for (uint32_t i = 0; i < ANALYSIS_OUTCOMES; i++)
		if (strcmp(outcome_name(i), name) == 0)
			return i;
	return SOLDR_OUTCOME_NONE;
}

bool analysis_is_day(const struct analysis *a)
{
	return sink_is_day(a->run);
}

uint64_t analysis_hits(const struct analysis *a)
{
	return a->outcomes[SOLDR_OUTCOME_HIT].count + a->outcomes[SOLDR_OUTCOME_ERROR_HIT].count;
}

uint64_t analysis_wall_ns(const struct analysis *a)
{
	return a->summary.known ? a->summary.duration_ms * 1000000 : (uint64_t)(a->end_ns - a->begin_ns);
}

char *analysis_file(const struct analysis *a, const char *name)
{
	return path_join(a->dir, name);
}

/* ---- the journal --------------------------------------------------------------------------------- */

/*
 * Misses that the backend is asked about, spread evenly over the run: every
 * n-th, where n doubles whenever the table is full.
 */
struct samples {
	struct run_compile items[ANALYSIS_SAMPLES_MAX];
	size_t count;
	uint64_t seen, every;
};

struct reading {
	struct analysis *a;
	struct samples *samples; /* NULL: none are wanted */
	uint32_t *slots;         /* of causes by hash, index + 1; 0: free */
	struct progress progress;
	bool failed;             /* memory is out */
};

enum { SLOTS = 4 * ANALYSIS_CAUSES_MAX };

static void sample(struct samples *s, struct run_compile *c)
{
	if (s->seen++ % s->every)
		return;
	if (s->count == ANALYSIS_SAMPLES_MAX) {
		for (size_t i = 0; i < ANALYSIS_SAMPLES_MAX / 2; i++) {
			run_compile_release(&s->items[2 * i + 1]);
			s->items[i] = s->items[2 * i];
		}
		s->count /= 2;
		s->every *= 2;
		if ((s->seen - 1) % s->every)
			return;
	}
	s->items[s->count++] = *c;
	*c = RUN_COMPILE_INIT;
}

static void add_slow(struct analysis *a, const struct run_compile *c, uint32_t outcome, int64_t start_ns)
{
	size_t at = a->slow_count;
	while (at && a->slowest[at - 1].latency_ns < c->latency_ns)
		at--;
	if (at == ANALYSIS_SLOWEST_MAX)
		return;
	a->slow_count += a->slow_count < ANALYSIS_SLOWEST_MAX;
	memmove(&a->slowest[at + 1], &a->slowest[at], (a->slow_count - at - 1) * sizeof *a->slowest);
	struct slow_unit *s = &a->slowest[at];
	*s = (struct slow_unit){.start_ns = start_ns, .latency_ns = c->latency_ns, .outcome = outcome};
	analysis_name(s->subject, run_compile_subject(c));
	snprintf(s->reason, sizeof s->reason, "%s", c->reason);
	snprintf(s->id, sizeof s->id, "%s", c->compile_id);
}

static bool is_cause(const struct cause *k, uint32_t outcome, enum soldr_reason reason, const char *detail)
{
	return k->outcome == outcome && k->reason == reason && strcmp(k->detail, detail) == 0;
}

static struct cause *find_cause(struct reading *r, uint32_t outcome, enum soldr_reason reason, const char *detail)
{
	struct analysis *a = r->a;
	const uint32_t key[] = {outcome, (uint32_t)reason};
	uint64_t h = fnv_add(fnv_str(detail), key, sizeof key);
	size_t slot = h % SLOTS;
	for (; r->slots[slot]; slot = (slot + 1) % SLOTS)
		if (is_cause(&a->causes[r->slots[slot] - 1], outcome, reason, detail))
			return &a->causes[r->slots[slot] - 1];
	if (a->cause_count == ANALYSIS_CAUSES_MAX)
		return NULL;
	struct cause *k = &a->causes[a->cause_count++];
	*k = (struct cause){.outcome = outcome, .reason = reason};
	snprintf(k->detail, sizeof k->detail, "%s", detail);
	r->slots[slot] = (uint32_t)a->cause_count;
	return k;
}

static void add_cause(struct reading *r, const struct run_compile *c, uint32_t outcome, enum soldr_reason reason)
{
	char detail[ANALYSIS_TEXT];
	const char *subject = run_compile_subject(c);
	analysis_name(detail, strcmp(c->detail, subject) == 0 ? "" : c->detail); /* or each source were a cause of its own */
	struct cause *k = find_cause(r, outcome, reason, detail);
	if (!k) {
		r->a->causes_left_out++;
		return;
	}
	if (!k->count++)
		analysis_name(k->subject, subject);
	k->latency_ns += c->latency_ns;
	k->unknown += !c->ended;
	evidence_add(&k->evidence, c->compile_id);
}

static void add_span(struct reading *r, const struct run_compile *c, uint32_t outcome, int64_t start_ns)
{
	struct analysis *a = r->a;
	if (!a->begin_ns || start_ns < a->begin_ns)
		a->begin_ns = start_ns;
	if (c->when_ns > a->end_ns)
		a->end_ns = c->when_ns;
	if (a->span_count == ANALYSIS_SPANS_MAX) {
		a->spans_left_out++;
		return;
	}
	if (a->span_count == a->span_cap) {
		size_t cap = a->span_cap ? 2 * a->span_cap : 1024;
		struct span *more = realloc(a->spans, cap * sizeof *more);
		if (!more) {
			r->failed = true;
			return;
		}
		a->spans = more;
		a->span_cap = cap;
	}
	a->spans[a->span_count++] = (struct span){
		.start_ns = start_ns, .end_ns = c->when_ns, .id = analysis_id(c->compile_id), .outcome = (uint8_t)outcome,
	};
}

static void add_compile(struct reading *r, struct run_compile *c)
{
	struct analysis *a = r->a;
	uint32_t outcome = analysis_outcome(c->outcome);
	enum soldr_reason reason = reason_index(c->reason);
	bool hit = outcome == SOLDR_OUTCOME_HIT || outcome == SOLDR_OUTCOME_ERROR_HIT;
	int64_t start_ns = c->when_ns - (int64_t)c->latency_ns;
	a->compilations++;
	a->failed += c->ended && (c->exit_code || c->signal);
	a->unknown_end += !c->ended;
	a->outcomes[outcome].count++;
	a->outcomes[outcome].latency_ns += c->latency_ns;
	if (c->when_ns && start_ns > 0)
		add_span(r, c, outcome, start_ns);
	if (c->ended)
		add_slow(a, c, outcome, start_ns);
	if (hit) {
		a->time_saved_ns += c->time_saved_ns;
		return;
	}
	a->reasons[reason].count++;
	a->reasons[reason].latency_ns += c->latency_ns;
	add_cause(r, c, outcome, reason);
	if (r->samples && outcome == SOLDR_OUTCOME_MISS)
		sample(r->samples, c);
}

static void take_line(void *arg, const char *text, size_t len)
{
	struct reading *r = arg;
	struct run_compile c;
	if (run_compile_read(&c, text, len) == 0)
		add_compile(r, &c);
	else
		r->a->broken++;
	run_compile_release(&c);
	progress_step(&r->progress, r->a->compilations, "compiles");
}

static int by_time(const void *left, const void *right)
{
	const struct cause *a = left, *b = right;
	if (a->latency_ns != b->latency_ns)
		return a->latency_ns < b->latency_ns ? 1 : -1;
	return (a->count < b->count) - (a->count > b->count);
}

static int read_journal(struct reading *r, soldr_error *err)
{
	struct analysis *a = r->a;
	size_t broken = 0;
	char *file = analysis_file(a, JOURNAL_FILE);
	int rc = file ? journal_read(file, take_line, r, &broken, err) : out_of_memory(err);
	free(file);
	progress_end(&r->progress);
	a->broken += broken;
	if (rc == SOLDR_E_NOT_FOUND)
		return a->summary.known ? 0 /* a build that compiled nothing */
		                        : err_set(err, rc, 0, origin, E608_NO_JOURNAL_AT, a->dir);
	if (rc)
		return rc;
	if (r->failed || !analysis_times(a))
		return out_of_memory(err);
	if (a->cause_count)
		qsort(a->causes, a->cause_count, sizeof *a->causes, by_time);
	return 0;
}

/* ---- what the backend knows of misses ---------------------------------------------------------------- */

static struct difference_count *find_difference(struct analysis *a, const char *kind, const char *what)
{
	for (size_t i = 0; i < a->difference_count; i++)
		if (strcmp(a->differences[i].kind, kind) == 0 && strcmp(a->differences[i].what, what) == 0)
			return &a->differences[i];
	if (a->difference_count == ANALYSIS_DIFFERENCES_MAX)
		return NULL;
	struct difference_count *d = &a->differences[a->difference_count];
	*d = (struct difference_count){.group = why_difference_group(kind), .kind = strdup(kind), .what = strdup(what)};
	if (!d->kind || !d->what) {
		free(d->kind);
		free(d->what);
		return NULL;
	}
	if (strcmp(kind, "key") == 0)
		d->group = d->what;
	a->difference_count++;
	return d;
}

/* These name the compile's own source: they are one thing, whatever the source. NULL: another kind. */
static const char *own_text(const char *kind)
{
	static const char *const own[][2] = {
		{"first_seen", "no earlier compile of the source is known"},
		{"evicted", "stored before; the result was evicted or removed"},
		{"source_edited", "the source was edited"},
	};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(own[i][0], kind) == 0)
			return own[i][1];
	return NULL;
}

static void add_differences(struct analysis *a, const struct explanation *e)
{
	for (size_t i = 0; i + DIFFERENCE_PARTS <= e->differences.len; i += DIFFERENCE_PARTS) {
		const char *kind = e->differences.items[i + DIFFERENCE_KIND], *own = own_text(kind);
		struct difference_count *d = find_difference(a, kind, own ? "" : e->differences.items[i + DIFFERENCE_WHAT]);
		if (!d)
			continue;
		if (!d->count++) {
			struct buf text = BUF_INIT;
			if (own)
				buf_adds(&text, own);
			else
				why_difference_text(&e->differences, i, &text);
			d->text = buf_detach(&text);
		}
		d->latency_ns += e->compile.latency_ns;
		evidence_add(&d->evidence, e->compile.compile_id);
	}
	a->told += e->differences.len > 0;
}

static int by_count(const void *left, const void *right)
{
	const struct difference_count *a = left, *b = right;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->kind, b->kind);
}

static void ask_backend(struct analysis *a, const struct cli *cli, struct config *config, struct samples *samples)
{
	struct explanation e;
	for (size_t i = 0; i < samples->count; i++) {
		why_explain_one(&e, cli, config, &samples->items[i]);
		add_differences(a, &e);
		run_compile_release(&e.compile);
		vec_release(&e.differences);
		a->asked++;
	}
	if (a->difference_count)
		qsort(a->differences, a->difference_count, sizeof *a->differences, by_count);
}

/* ---- a run ---------------------------------------------------------------------------------------------- */

static int find_run(struct analysis *a, const struct cli *cli, const struct config *config, const char *run, soldr_error *err)
{
	struct buf dir = BUF_INIT;
	int rc = 0;
	if (run && strchr(run, '/')) {
		a->dir = path_absolute(cli->cwd, run);
		if (!a->dir)
			return out_of_memory(err);
		snprintf(a->run, sizeof a->run, "%s", path_base(a->dir));
		return 0;
	}
	if (!run || strcmp(run, "last") == 0)
		rc = run_latest(config, a->run, err);
	else if ((rc = run_check_name(run, err)) == 0)
		snprintf(a->run, sizeof a->run, "%s", run);
	if (rc)
		return rc;
	buf_addf(&dir, "%s/runs/%s", config->cache_root, a->run);
	a->dir = buf_detach(&dir);
	return a->dir ? 0 : out_of_memory(err);
}

static int read_beside(struct analysis *a, soldr_error *err)
{
	struct stat st;
	struct counter_totals totals;
	char *summary = analysis_file(a, "summary.json"), *counters = analysis_file(a, "counters"), *full = analysis_file(a, sink_journal.full);
	int rc = summary && counters && full ? 0 : out_of_memory(err);
	if (!rc) {
		run_summary_read_file(&a->summary, summary);
		a->left_out = a->summary.lost_lines;
		a->events_lost = a->summary.lost_events;
		/* A run that has not ended has no summary; one that was kept elsewhere has no counters. */
		if (!a->summary.known && counters_read(counters, &totals, NULL) == 0) {
			a->events_lost = totals.audit_lost_events;
			a->left_out = totals.reasons[SOLDR_REASON_AUDIT_LOST] + totals.reasons[SOLDR_REASON_JOURNAL_FULL];
		}
		a->journal_full = sys.lstat(full, &st) == 0;
	}
	free(summary);
	free(counters);
	free(full);
	return rc;
}

int analysis_read(struct analysis *a, const struct cli *cli, struct config *config, const char *run, bool ask, soldr_error *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	*a = (struct analysis){.cpus = cpus > 0 ? (unsigned)cpus : 1};
	a->causes = calloc(ANALYSIS_CAUSES_MAX, sizeof *a->causes);
	struct samples *samples = calloc(1, sizeof *samples);
	struct reading r = {.a = a, .samples = ask ? samples : NULL, .slots = calloc(SLOTS, sizeof *r.slots)};
	r.progress.wanted = !config->quiet && isatty(STDERR_FILENO);
	int rc = a->causes && samples && r.slots ? find_run(a, cli, config, run, err) : out_of_memory(err);
	if (!rc)
		rc = read_beside(a, err);
	if (!rc) {
		samples->every = 1;
		rc = read_journal(&r, err);
	}
	if (!rc)
		rc = analysis_events(a, r.progress.wanted, err);
	if (!rc)
		ask_backend(a, cli, config, samples);
	for (size_t i = 0; samples && i < samples->count; i++)
		run_compile_release(&samples->items[i]);
	free(samples);
	free(r.slots);
	return rc;
}

void analysis_release(struct analysis *a)
{
	for (size_t i = 0; i < a->difference_count; i++) {
		free(a->differences[i].kind);
		free(a->differences[i].what);
		free(a->differences[i].text);
	}
	run_summary_release(&a->summary);
	free(a->causes);
	free(a->spans);
	free(a->dir);
	*a = (struct analysis){.run = ""};
}
