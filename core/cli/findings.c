/*
 * findings: what in a run is worth a word. Each kind is a row of the table:
 * when it is there, what it costs, and what can be done. Thresholds are shares
 * and counts, so that a small or a healthy build has no findings.
 */
#include "analysis.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

enum {
	MANY = 5,                 /* compiles with one cause that are worth a word */
	FEW = 3,
	SHARE = 10,               /* percent of the misses, or of the compiles */
	PARALLEL_LEAST = 20,      /* compiles below which parallelism says nothing */
	WAIT_LEAST_NS = 1000000000, /* of waiting that is worth a word */
	HIT_SLOW_NS = 20000000,   /* a hit takes a millisecond or two */
	HIT_LEAST = 10,
	SPAWN_SLOW_NS = 10000000, /* a process starts in half a millisecond */
	COLD_LEAST = 20,
	COLD_SHARE = 80
};

static bool is_share(uint64_t part, uint64_t whole, unsigned percent)
{
	return part * 100 >= whole * percent;
}

static uint64_t misses_of(const struct analysis *a)
{
	return a->outcomes[SOLDR_OUTCOME_MISS].count;
}

static uint64_t mean_miss_ns(const struct analysis *a)
{
	return misses_of(a) ? a->outcomes[SOLDR_OUTCOME_MISS].latency_ns / misses_of(a) : 0;
}

__attribute__((format(printf, 2, 3))) static void say(struct finding *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof f->what, fmt, ap);
	va_end(ap);
}

static void take_evidence(struct finding *f, const struct evidence *e)
{
	for (size_t i = 0; i < e->count; i++)
		evidence_add(&f->evidence, e->ids[i]);
}

/* ---- causes --------------------------------------------------------------------------------- */

/* A finding about compiles with one reason, whatever their details. */
static bool about_reason(const struct analysis *a, enum soldr_reason reason, uint64_t least, struct finding *f)
{
	char time[TEXT_SIZE];
	const struct sums *s = &a->reasons[reason];
	if (!s->count || s->count < least)
		return false;
	f->impact_ns = s->latency_ns;
	const struct cause *first = NULL;
	for (size_t i = 0; i < a->cause_count; i++)
		if (a->causes[i].reason == reason) {
			first = first ? first : &a->causes[i];
			take_evidence(f, &a->causes[i].evidence);
		}
	say(f, "%llu compile%s, %s in all; for example %s%s%s", (unsigned long long)s->count, s->count == 1 ? "" : "s",
	    text_duration(time, s->latency_ns), first ? first->subject : "?", first && *first->detail ? ": " : "", first ? first->detail : "");
	return true;
}

/* The cause with the most compiles of those that want() takes. */
static const struct cause *most(const struct analysis *a, bool (*want)(const struct cause *))
{
	const struct cause *best = NULL;
	for (size_t i = 0; i < a->cause_count; i++)
		if (want(&a->causes[i]) && (!best || a->causes[i].count > best->count))
			best = &a->causes[i];
	return best;
}

static bool is_changed_input(const struct cause *c)
{
	return c->outcome == SOLDR_OUTCOME_MISS && *c->detail &&
	       (c->reason == SOLDR_REASON_INPUT_CHANGED || c->reason == SOLDR_REASON_INPUT_MISSING || c->reason == SOLDR_REASON_INPUT_SHADOWED);
}

static bool changed_input(const struct analysis *a, struct finding *f)
{
	char time[TEXT_SIZE];
	const struct cause *c = most(a, is_changed_input);
	if (!c || c->count < MANY || !is_share(c->count, misses_of(a), SHARE))
		return false;
	f->impact_ns = c->latency_ns;
	take_evidence(f, &c->evidence);
	say(f, "%s: %llu of %llu misses, %s of compiling", c->detail, (unsigned long long)c->count, (unsigned long long)misses_of(a),
	    text_duration(time, c->latency_ns));
	return true;
}

/* Refusals by an option that a build could leave out. Questions, links and the like are no matter of options. */
static bool is_refused_option(const struct cause *c)
{
	static const enum soldr_reason reasons[] = {
		SOLDR_REASON_UNSUPPORTED_OPTION, SOLDR_REASON_UNKNOWN_FILE_OPTION, SOLDR_REASON_SIDE_OUTPUT, SOLDR_REASON_PROFILE,
		SOLDR_REASON_MODULES, SOLDR_REASON_DEPFILE_UNCLEAR, SOLDR_REASON_RESPONSE_FILE,
	};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (c->reason == reasons[i])
			return c->outcome != SOLDR_OUTCOME_MISS && *c->detail;
	return false;
}

static bool refused_option(const struct analysis *a, struct finding *f)
{
	const struct cause *c = most(a, is_refused_option);
	if (!c || c->count < MANY || !is_share(c->count, a->compilations, SHARE))
		return false;
	/* Where the process became the compiler its time is not known: as much as a miss takes. */
	f->impact_ns = c->latency_ns + c->unknown * mean_miss_ns(a);
	f->confidence = c->unknown ? FINDING_MEDIUM : FINDING_HIGH;
	take_evidence(f, &c->evidence);
	say(f, "%s refuses %llu of %llu compiles (%s): %s", c->detail, (unsigned long long)c->count, (unsigned long long)a->compilations,
	    reason_name(c->reason), reason_mend(c->reason));
	return true;
}

static bool time_macro(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_TIME_MACRO, FEW, f);
}

static bool compiler_script(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_COMPILER_SCRIPT, 1, f);
}

static bool nested_wrapper(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_NESTED_WRAPPER, 1, f);
}

static bool checkout_differs(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_CHECKOUT_DIFFERS, FEW, f);
}

static bool output_contended(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_OUTPUT_CONTENDED, 1, f);
}

static bool compiler_changed(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_COMPILER_CHANGED, MANY, f);
}

static bool verify_mismatch(const struct analysis *a, struct finding *f)
{
	return about_reason(a, SOLDR_REASON_VERIFY_MISMATCH, 1, f);
}

static bool entries_evicted(const struct analysis *a, struct finding *f)
{
	return is_share(a->reasons[SOLDR_REASON_ENTRY_MISSING].count, misses_of(a), SHARE) &&
	       about_reason(a, SOLDR_REASON_ENTRY_MISSING, MANY, f);
}

static bool faults(const struct analysis *a, struct finding *f)
{
	const struct cause *first = NULL;
	for (size_t i = 0; i < a->cause_count; i++)
		if (a->causes[i].outcome == SOLDR_OUTCOME_FALLBACK) {
			first = first ? first : &a->causes[i];
			take_evidence(f, &a->causes[i].evidence);
		}
	const struct sums *s = &a->outcomes[SOLDR_OUTCOME_FALLBACK];
	if (!s->count)
		return false;
	f->impact_ns = s->latency_ns;
	say(f, "%llu compiles ran without the cache; for example %s: %s", (unsigned long long)s->count, first ? first->subject : "?",
	    first ? reason_text(first->reason) : "?");
	return true;
}

/* ---- what sampled misses differ in ------------------------------------------------------------- */

/* The difference of this group that most of the sampled misses have. */
static const struct difference_count *most_different(const struct analysis *a, const char *group)
{
	for (size_t i = 0; i < a->difference_count; i++)
		if (strcmp(a->differences[i].group, group) == 0 && *a->differences[i].what)
			return &a->differences[i];
	return NULL;
}

/* What was seen in a sample, scaled up to all misses. */
static bool about_difference(const struct analysis *a, const struct difference_count *d, struct finding *f)
{
	if (!d || d->count < MANY || !is_share(d->count, a->asked, SHARE))
		return false;
	f->impact_ns = d->latency_ns / a->asked * misses_of(a);
	take_evidence(f, &d->evidence);
	say(f, "%s; so in %llu of %llu misses that were looked at", d->text ? d->text : d->what, (unsigned long long)d->count,
	    (unsigned long long)a->asked);
	return true;
}

static bool options_vary(const struct analysis *a, struct finding *f)
{
	return about_difference(a, most_different(a, "options"), f);
}

static bool environment_varies(const struct analysis *a, struct finding *f)
{
	return about_difference(a, most_different(a, "environment"), f);
}

static bool directory_varies(const struct analysis *a, struct finding *f)
{
	return about_difference(a, most_different(a, "directory"), f);
}

static bool cold_store(const struct analysis *a, struct finding *f)
{
	const struct difference_count *seen = NULL;
	for (size_t i = 0; i < a->difference_count; i++)
		if (strcmp(a->differences[i].kind, "first_seen") == 0)
			seen = &a->differences[i];
	if (!seen || misses_of(a) < COLD_LEAST || !is_share(seen->count, a->asked, COLD_SHARE))
		return false;
	take_evidence(f, &seen->evidence);
	say(f, "%llu of %llu misses that were looked at are of sources that were never compiled through this store",
	    (unsigned long long)seen->count, (unsigned long long)a->asked);
	return true;
}

/* ---- time --------------------------------------------------------------------------------------- */

static bool low_parallelism(const struct analysis *a, struct finding *f)
{
	uint64_t wall = (uint64_t)(a->end_ns - a->begin_ns), work = 0;
	char time[TEXT_SIZE];
	for (uint32_t i = 0; i < ANALYSIS_OUTCOMES; i++)
		work += a->outcomes[i].latency_ns;
	if (a->compilations < PARALLEL_LEAST || analysis_is_day(a) || wall < WAIT_LEAST_NS || work * 2 >= wall * a->cpus)
		return false;
	f->impact_ns = wall - work / a->cpus;
	f->confidence = a->unknown_end ? FINDING_LOW : FINDING_MEDIUM;
	say(f, "%.1f compiles at once on average, %u at most, on %u processors; no compile at all in %s of the time",
	    (double)work / (double)wall, a->lanes, a->cpus, text_percent(time, wall - a->busy_ns, wall));
	for (size_t i = 0; i < a->slow_count && i < FEW; i++)
		evidence_add(&f->evidence, a->slowest[i].id);
	return true;
}

static bool long_unit(const struct analysis *a, struct finding *f)
{
	uint64_t wall = (uint64_t)(a->end_ns - a->begin_ns);
	char time[TEXT_SIZE], share[TEXT_SIZE];
	if (a->compilations < PARALLEL_LEAST || analysis_is_day(a) || wall < WAIT_LEAST_NS || !a->slow_count ||
	    a->slowest[0].latency_ns * 2 < wall)
		return false;
	f->impact_ns = a->slowest[0].latency_ns;
	evidence_add(&f->evidence, a->slowest[0].id);
	say(f, "%s takes %s, %s of the time from the first compile to the last", a->slowest[0].subject,
	    text_duration(time, a->slowest[0].latency_ns), text_percent(share, a->slowest[0].latency_ns, wall));
	return true;
}

static const struct phase_sum *phase(const struct analysis *a, const char *name)
{
	for (size_t i = 0; i < a->phase_count; i++)
		if (strcmp(a->phases[i].name, name) == 0)
			return &a->phases[i];
	return NULL;
}

static bool slow_hits(const struct analysis *a, struct finding *f)
{
	const struct sums *s = &a->outcomes[SOLDR_OUTCOME_HIT];
	const struct phase_sum *m = phase(a, "materialise");
	char time[TEXT_SIZE], part[TEXT_SIZE];
	if (s->count < HIT_LEAST || s->latency_ns / s->count < HIT_SLOW_NS)
		return false;
	f->impact_ns = s->latency_ns;
	for (size_t i = 0; i < a->slow_count; i++)
		if (a->slowest[i].outcome == SOLDR_OUTCOME_HIT)
			evidence_add(&f->evidence, a->slowest[i].id);
	say(f, "%s for each of %llu hits%s%s", text_duration(time, s->latency_ns / s->count), (unsigned long long)s->count,
	    m ? "; writing the outputs takes of it " : "", m ? text_percent(part, m->duration_ns, s->latency_ns) : "");
	return true;
}

static bool slow_spawn(const struct analysis *a, struct finding *f)
{
	const struct processes *p = &a->processes;
	char time[TEXT_SIZE], all[TEXT_SIZE];
	if (p->compilers < HIT_LEAST || p->spawn_ns < WAIT_LEAST_NS || p->spawn_ns / p->compilers < SPAWN_SLOW_NS)
		return false;
	f->impact_ns = p->spawn_ns;
	say(f, "%s to start each of %llu processes, %s in all", text_duration(time, p->spawn_ns / p->compilers), (unsigned long long)p->compilers,
	    text_duration(all, p->spawn_ns));
	for (size_t i = 0; i < a->slow_count && i < FEW; i++)
		evidence_add(&f->evidence, a->slowest[i].id);
	return true;
}

/* ---- the log itself -------------------------------------------------------------------------------- */

static bool lost_events(const struct analysis *a, struct finding *f)
{
	uint64_t lost = a->left_out + a->events_lost;
	if (!lost && !a->journal_full)
		return false;
	for (size_t i = 0; i < a->lost_events.count; i++)
		evidence_add(&f->events, a->lost_events.ids[i]);
	say(f, "%llu lines were lost or left out%s; the figures here are without them", (unsigned long long)lost,
	    a->journal_full ? ", the journal has reached audit.max_journal_size" : "");
	return true;
}

static bool torn_lines(const struct analysis *a, struct finding *f)
{
	size_t torn = a->broken + a->events_broken;
	if (!torn)
		return false;
	say(f, "%zu pieces of the journal or the events are no whole lines", torn);
	return true;
}

/* ---- the table --------------------------------------------------------------------------------------- */

static const struct kind {
	const char *id;
	enum finding_severity severity;
	enum finding_confidence confidence;
	bool (*look)(const struct analysis *, struct finding *);
	const char *title, *action;
} kinds[] = {
	{"verify_mismatch", FINDING_ERROR, FINDING_HIGH, verify_mismatch, "A hit would have been wrong",
	 "look at evidence/ in the cache root, and report it"},
	{"fallbacks", FINDING_ERROR, FINDING_HIGH, faults, "Faults kept compiles from the cache",
	 "run soldr doctor; logs/soldr.log in the cache root has the causes"},
	{"lost_events", FINDING_WARNING, FINDING_HIGH, lost_events, "Parts of the log are missing",
	 "make room for the cache root, raise audit.max_journal_size, or set audit.sink_policy: block"},
	{"torn_lines", FINDING_INFO, FINDING_HIGH, torn_lines, "The log has torn lines",
	 "nothing, after a crash or a full disk; otherwise look at the file system of the cache root"},
	{"changed_input", FINDING_WARNING, FINDING_HIGH, changed_input, "One changed file causes many misses",
	 "split what changes often out of it, include it in fewer sources, or write it only when its content changes"},
	{"options_vary", FINDING_WARNING, FINDING_MEDIUM, options_vary, "An option differs from build to build",
	 "take what changes from build to build (numbers, dates, paths) out of the options of all sources"},
	{"environment_varies", FINDING_WARNING, FINDING_MEDIUM, environment_varies, "A variable of the environment differs from build to build",
	 "set the variable to the same value in every build"},
	{"directory_varies", FINDING_WARNING, FINDING_MEDIUM, directory_varies, "The working directory differs from build to build",
	 "build in the same directory, or set path_remap: auto"},
	{"refused_option", FINDING_WARNING, FINDING_HIGH, refused_option, "One option keeps many compiles from the cache",
	 "leave the option out where the build does not need it"},
	{"time_macro", FINDING_WARNING, FINDING_HIGH, time_macro, "Sources with the time of day are not cached",
	 "keep __DATE__ and __TIME__ in one source, or set SOURCE_DATE_EPOCH"},
	{"compiler_script", FINDING_WARNING, FINDING_HIGH, compiler_script, "A compiler is a script",
	 "declare its command under compiler_scripts, or call the compiler itself"},
	{"nested_wrapper", FINDING_WARNING, FINDING_HIGH, nested_wrapper, "The compiler is another cache's wrapper",
	 "name the real compiler: take the other wrapper's directory out of PATH, or its name out of CC"},
	{"checkout_differs", FINDING_WARNING, FINDING_HIGH, checkout_differs, "Results of other checkouts cannot be shared",
	 "set path_remap: auto"},
	{"compiler_changed", FINDING_INFO, FINDING_HIGH, compiler_changed, "The compiler is another one than before",
	 "nothing after an update; otherwise make every build find the same compiler"},
	{"entries_evicted", FINDING_WARNING, FINDING_HIGH, entries_evicted, "Results were evicted before they were needed",
	 "raise max_size of the backend"},
	{"output_contended", FINDING_WARNING, FINDING_HIGH, output_contended, "Several compiles write to one output",
	 "give each compile an output of its own"},
	{"cold_store", FINDING_INFO, FINDING_HIGH, cold_store, "The store had not seen these sources",
	 "nothing the first time; in CI keep the cache root from job to job"},
	{"low_parallelism", FINDING_INFO, FINDING_MEDIUM, low_parallelism, "Few compiles run at once",
	 "give the build tool more jobs (-j), or look at what the compiles wait for in the timeline"},
	{"long_unit", FINDING_INFO, FINDING_HIGH, long_unit, "One unit takes half of the time",
	 "split it, or start it earlier"},
	{"slow_hits", FINDING_WARNING, FINDING_MEDIUM, slow_hits, "Hits are slow",
	 "put the cache root and the build directory on a fast local disk"},
	{"slow_spawn", FINDING_WARNING, FINDING_MEDIUM, slow_spawn, "Processes start slowly",
	 "look for a virus scanner or a tracer, too little memory, or compilers on a network disk"},
};

bool finding_kind(size_t i, const char **id, const char **title)
{
	if (i >= sizeof kinds / sizeof *kinds)
		return false;
	*id = kinds[i].id;
	*title = kinds[i].title;
	return true;
}

const char *finding_severity_name(enum finding_severity s)
{
	static const char *const names[] = {[FINDING_INFO] = "info", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};
	return names[s];
}

const char *finding_confidence_name(enum finding_confidence c)
{
	static const char *const names[] = {[FINDING_LOW] = "low", [FINDING_MEDIUM] = "medium", [FINDING_HIGH] = "high"};
	return names[c];
}

static bool goes_before(const struct finding *a, const struct finding *b)
{
	return a->severity != b->severity ? a->severity > b->severity : a->impact_ns > b->impact_ns;
}

void findings_of(const struct analysis *a, struct findings *all)
{
	all->count = 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && all->count < FINDINGS_MAX; i++) {
		const struct kind *k = &kinds[i];
		struct finding f = {.id = k->id, .title = k->title, .action = k->action, .severity = k->severity, .confidence = k->confidence};
		if (!k->look(a, &f))
			continue;
		size_t at = all->count++;
		for (; at && goes_before(&f, &all->items[at - 1]); at--)
			all->items[at] = all->items[at - 1];
		all->items[at] = f;
	}
}
