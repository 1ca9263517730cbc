/*
 * verb_report: `soldr report`, what a run's compiles came to, from its journal
 * and summary: for people, as Markdown for a CI job's summary, and as JSON.
 */
#include "cli.h"
#include "counters.h"
#include "front.h"
#include "host.h"
#include "json.h"
#include "runs.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOWEST_MAX = 10, SHOWN_MAX = 160, OUTCOMES = SOLDR_OUTCOME_FALLBACK + 1 };

struct example {
	uint64_t count;
	char subject[SHOWN_MAX], detail[SHOWN_MAX]; /* of the first */
};

struct slow {
	uint64_t latency_ns;
	char subject[SHOWN_MAX], reason[40], id[40];
};

struct tally {
	char run[JOURNAL_RUN_MAX];
	struct run_summary summary;
	uint64_t compilations, failed, time_saved_ns, miss_ns;
	uint64_t outcomes[OUTCOMES];
	struct example misses[SOLDR_REASON_COUNT], others[SOLDR_REASON_COUNT]; /* others: not stored */
	struct slow slowest[SLOWEST_MAX];
	size_t slow_count;
	char begin[40], end[40];
	size_t broken;
	bool full;         /* the journal reached its limit */
	uint64_t left_out; /* lines that the journal's limit left out, and lost ones */
};

/* ---- adding up --------------------------------------------------------------------------------- */

static uint32_t outcome_index(const char *name)
{
	for (uint32_t i = 0; i < OUTCOMES; i++)
		if (strcmp(outcome_name(i), name) == 0)
			return i;
	return SOLDR_OUTCOME_NONE;
}

static void add_example(struct example *e, const struct run_compile *c)
{
	if (e->count++)
		return;
	snprintf(e->subject, sizeof e->subject, "%s", run_compile_subject(c));
	snprintf(e->detail, sizeof e->detail, "%s", c->detail);
}

static void add_slow(struct tally *t, const struct run_compile *c)
{
	size_t at = t->slow_count;
	while (at && t->slowest[at - 1].latency_ns < c->latency_ns)
		at--;
	if (at == SLOWEST_MAX)
		return;
	t->slow_count += t->slow_count < SLOWEST_MAX;
	memmove(&t->slowest[at + 1], &t->slowest[at], (t->slow_count - at - 1) * sizeof *t->slowest);
	struct slow *s = &t->slowest[at];
	s->latency_ns = c->latency_ns;
	snprintf(s->subject, sizeof s->subject, "%s", run_compile_subject(c));
	snprintf(s->reason, sizeof s->reason, "%s", c->reason);
	snprintf(s->id, sizeof s->id, "%s", c->compile_id);
}

static void add_line(void *arg, const char *text, size_t len)
{
	struct tally *t = arg;
	struct run_compile c;
	if (run_compile_read(&c, text, len) != 0) {
		t->broken++;
		run_compile_release(&c);
		return;
	}
	uint32_t outcome = outcome_index(c.outcome);
	bool hit = outcome == SOLDR_OUTCOME_HIT || outcome == SOLDR_OUTCOME_ERROR_HIT;
	t->compilations++;
	t->outcomes[outcome]++;
	t->failed += c.ended && (c.exit_code || c.signal);
	if (hit)
		t->time_saved_ns += c.time_saved_ns;
	else
		add_example(outcome == SOLDR_OUTCOME_MISS ? &t->misses[reason_index(c.reason)] : &t->others[reason_index(c.reason)], &c);
	if (outcome == SOLDR_OUTCOME_MISS) {
		t->miss_ns += c.latency_ns;
		add_slow(t, &c);
	}
	if (!t->begin[0])
		snprintf(t->begin, sizeof t->begin, "%s", c.ts);
	snprintf(t->end, sizeof t->end, "%s", c.ts);
	run_compile_release(&c);
}

static uint64_t hits_of(const struct tally *t)
{
	return t->outcomes[SOLDR_OUTCOME_HIT] + t->outcomes[SOLDR_OUTCOME_ERROR_HIT];
}

/* Indices of those that were counted, most frequent first. */
static size_t sort_examples(const struct example all[SOLDR_REASON_COUNT], enum soldr_reason order[SOLDR_REASON_COUNT])
{
	size_t n = 0;
	for (enum soldr_reason r = SOLDR_REASON_NONE; r < SOLDR_REASON_COUNT; r++) {
		size_t at = n;
		if (!all[r].count)
			continue;
		for (; at && all[order[at - 1]].count < all[r].count; at--)
			order[at] = order[at - 1];
		order[at] = r;
		n++;
	}
	return n;
}

/* ---- text and Markdown: the same tables --------------------------------------------------------- */

struct page {
	struct buf *out;
	bool markdown;
	size_t columns;
	struct table table;
};

/* What a cell of Markdown must not hold as it is. */
static void add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|\\`*_<>[]", *text))
			buf_addc(out, '\\');
		buf_addc(out, *text == '\n' || *text == '\r' ? ' ' : *text);
	}
}

static void page_begin(struct page *p, const char *title, const char *align, const char *const *heads)
{
	p->columns = strlen(align);
	buf_addf(p->out, p->markdown ? "\n### %s\n\n|" : "\n%s\n", title);
	if (!p->markdown) {
		table_init(&p->table, align);
		return;
	}
	for (size_t i = 0; i < p->columns; i++)
		buf_addf(p->out, " %s |", heads[i]);
	buf_adds(p->out, "\n|");
	for (size_t i = 0; i < p->columns; i++)
		buf_adds(p->out, align[i] == 'r' ? " ---: |" : " --- |");
	buf_addc(p->out, '\n');
}

static void page_row(struct page *p, const char *const *cells)
{
	if (p->markdown)
		buf_adds(p->out, "|");
	for (size_t i = 0; i < p->columns; i++) {
		if (!p->markdown) {
			table_cell(&p->table, cells[i]);
			continue;
		}
		buf_addc(p->out, ' ');
		add_cell(p->out, cells[i]);
		buf_adds(p->out, " |");
	}
	if (p->markdown)
		buf_addc(p->out, '\n');
}

static void page_end(struct page *p)
{
	if (!p->markdown)
		table_print(&p->table, p->out, 2);
}

static void show_totals(const struct tally *t, struct page *p)
{
	static const char *const heads[] = {"", "count", "share"};
	static const struct {
		const char *name;
		uint32_t outcome;
	} rows[] = {
		{"hits", SOLDR_OUTCOME_HIT}, {"hits of failing compiles", SOLDR_OUTCOME_ERROR_HIT}, {"misses", SOLDR_OUTCOME_MISS},
		{"not cacheable", SOLDR_OUTCOME_BYPASS}, {"passthrough", SOLDR_OUTCOME_PASSTHROUGH}, {"fallbacks", SOLDR_OUTCOME_FALLBACK},
	};
	char a[TEXT_SIZE], b[TEXT_SIZE];
	page_begin(p, "Compiles", "lrr", heads);
	page_row(p, (const char *const[]){"all", text_count(a, t->compilations), ""});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (t->outcomes[rows[i].outcome])
			page_row(p, (const char *const[]){rows[i].name, text_count(a, t->outcomes[rows[i].outcome]),
			                                  text_percent(b, t->outcomes[rows[i].outcome], t->compilations)});
	if (t->failed)
		page_row(p, (const char *const[]){"failed", text_count(a, t->failed), text_percent(b, t->failed, t->compilations)});
	page_end(p);
}

static void show_examples(const struct example all[SOLDR_REASON_COUNT], const char *title, struct page *p)
{
	static const char *const heads[] = {"reason", "count", "for example", "what", "meaning"};
	enum soldr_reason order[SOLDR_REASON_COUNT];
	size_t n = sort_examples(all, order);
	char count[TEXT_SIZE];
	if (!n)
		return;
	page_begin(p, title, "lrlll", heads);
	for (size_t i = 0; i < n; i++) {
		const struct example *e = &all[order[i]];
		page_row(p, (const char *const[]){reason_name(order[i]), text_count(count, e->count), e->subject, e->detail, reason_text(order[i])});
	}
	page_end(p);
}

static void show_slowest(const struct tally *t, struct page *p)
{
	static const char *const heads[] = {"time", "unit", "reason", "compile"};
	char time[TEXT_SIZE];
	if (!t->slow_count)
		return;
	page_begin(p, "Slowest misses", "rlll", heads);
	for (size_t i = 0; i < t->slow_count; i++)
		page_row(p, (const char *const[]){text_duration(time, t->slowest[i].latency_ns), t->slowest[i].subject, t->slowest[i].reason,
		                                  t->slowest[i].id});
	page_end(p);
}

static void report_page(const struct tally *t, bool markdown, struct buf *out)
{
	struct page p = {.out = out, .markdown = markdown};
	char a[TEXT_SIZE], b[TEXT_SIZE];
	uint64_t hits = hits_of(t), misses = t->outcomes[SOLDR_OUTCOME_MISS];
	buf_addf(out, "%sRun %s\n%s", markdown ? "## " : "", t->run, markdown ? "\n" : "");
	if (t->summary.known)
		buf_addf(out, "%s ended with %s %lld after %s, backend %s.\n", t->summary.command, t->summary.signal ? "signal" : "status",
		         (long long)(t->summary.signal ? t->summary.signal : t->summary.exit_code),
		         text_duration(a, t->summary.duration_ms * 1000000), t->summary.backend);
	buf_addf(out, "Hit rate %s of what can be cached; ", text_percent(a, hits, hits + misses));
	buf_addf(out, "about %s of compiling saved, %s spent on misses.\n", text_duration(a, t->time_saved_ns), text_duration(b, t->miss_ns));
	if (t->left_out)
		buf_addf(out, "%s compiles are not in the journal, and so not here.\n", text_count(a, t->left_out));
	if (t->full)
		buf_adds(out, "The journal reached its limit (audit.max_journal_size); what came later is not here.\n");
	if (t->broken)
		buf_addf(out, "%zu pieces of the journal are no whole lines.\n", t->broken);
	show_totals(t, &p);
	show_examples(t->misses, "Why it was a miss", &p);
	show_examples(t->others, "Not cached", &p);
	show_slowest(t, &p);
}

/* ---- JSON ------------------------------------------------------------------------------------------ */

static void examples_json(const struct example all[SOLDR_REASON_COUNT], const char *key, struct json *j)
{
	enum soldr_reason order[SOLDR_REASON_COUNT];
	size_t n = sort_examples(all, order);
	json_open(j, key, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_str(j, "reason", reason_name(order[i]));
		json_u64(j, "count", all[order[i]].count);
		json_str(j, "subject", all[order[i]].subject);
		json_str(j, "detail", all[order[i]].detail);
		json_str(j, "mend", reason_mend(order[i]));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void summary_members(const struct run_summary *s, struct json *j)
{
	if (!s->known)
		return;
	json_str(j, "command", s->command);
	json_str(j, "backend", s->backend);
	json_i64(j, "exit_code", s->exit_code);
	json_i64(j, "signal", s->signal);
	json_u64(j, "duration_ms", s->duration_ms);
}

static void report_json(const struct tally *t, struct buf *out)
{
	struct json j = json_to(out, true);
	uint64_t hits = hits_of(t), misses = t->outcomes[SOLDR_OUTCOME_MISS];
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", 1);
	json_str(&j, "run_id", t->run);
	summary_members(&t->summary, &j);
	json_str(&j, "first", t->begin[0] ? t->begin : NULL);
	json_str(&j, "last", t->end[0] ? t->end : NULL);
	json_u64(&j, "compilations", t->compilations);
	json_open(&j, "outcomes", '{');
	for (uint32_t i = SOLDR_OUTCOME_NONE + 1; i < OUTCOMES; i++)
		json_u64(&j, outcome_name(i), t->outcomes[i]);
	json_close(&j, '}');
	json_u64(&j, "failed", t->failed);
	json_double(&j, "hit_rate", hits + misses ? (double)hits / (double)(hits + misses) : 0, 4);
	json_u64(&j, "time_saved_ms", t->time_saved_ns / 1000000);
	json_u64(&j, "miss_ms", t->miss_ns / 1000000);
	examples_json(t->misses, "misses", &j);
	examples_json(t->others, "not_cached", &j);
	json_open(&j, "slowest", '[');
	for (size_t i = 0; i < t->slow_count; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "subject", t->slowest[i].subject);
		json_str(&j, "reason", t->slowest[i].reason);
		json_str(&j, "compile_id", t->slowest[i].id);
		json_u64(&j, "latency_ns", t->slowest[i].latency_ns);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_bool(&j, "journal_full", t->full);
	json_u64(&j, "left_out", t->left_out);
	json_u64(&j, "unreadable", t->broken);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

/* ---- the verb ------------------------------------------------------------------------------------- */

/* The backend of the run ends first what it holds back. That it cannot is no reason for no report. */
static void flush(const struct cli *cli, struct config *config, const struct run_summary *summary)
{
	char *backend = summary->known ? strdup(summary->backend) : NULL;
	if (backend) {
		free(config->backend);
		config->backend = backend;
	}
	const struct host_options options = {.config = config, .envp = cli->envp, .cwd = cli->cwd};
	soldr_service *service = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	if (front_give_way(cli, config, false, &err) == 0 && host_start(&options, &service, &err) == 0)
		(void)soldr_service_flush(service, 0, NULL, NULL, &err);
	soldr_service_free(service);
}

static void read_left_out(struct tally *t, const struct config *config)
{
	struct counter_totals totals;
	struct buf file = BUF_INIT;
	buf_addf(&file, "%s/runs/%s/counters", config->cache_root, t->run);
	if (buf_ok(&file) && counters_read(file.data, &totals, NULL) == 0)
		t->left_out = totals.reasons[SOLDR_REASON_AUDIT_LOST] + totals.reasons[SOLDR_REASON_JOURNAL_FULL];
	buf_release(&file);
}

static int find_run(struct tally *t, const struct config *config, const char *run, soldr_error *err)
{
	bool named = run && strcmp(run, "last") != 0;
	int rc = named ? run_check_name(run, err) : run_latest(config, t->run, err);
	if (rc)
		return rc;
	if (named)
		snprintf(t->run, sizeof t->run, "%s", run);
	run_summary_read(&t->summary, config, t->run);
	return 0;
}

static int read_run(struct tally *t, const struct config *config, soldr_error *err)
{
	size_t broken = 0;
	read_left_out(t, config);
	t->full = sink_is_full(config, &sink_journal, t->run);
	char *file = journal_path(config, t->run);
	int rc = file ? journal_read(file, add_line, t, &broken, err) : err_set(err, SOLDR_E_NOMEM, 0, "report", E101_NO_MEMORY);
	t->broken += broken;
	free(file);
	if (rc == SOLDR_E_NOT_FOUND && t->summary.known)
		return 0; /* a build that compiled nothing */
	if (rc == SOLDR_E_NOT_FOUND)
		return err_set(err, rc, 0, "report", E604_NO_JOURNAL_OF_RUN, t->run, config->cache_root);
	return rc;
}

static int run(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false, markdown = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {"--markdown", &markdown, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct config config;
	struct buf out = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count > 1)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "report", operands.items[1]);
	if (as_json && markdown)
		return cli_usage(verb, E531_EXCLUDE, "report", "--json", "--markdown");
	status = cli_config(cli, &config);
	if (status)
		return status;
	struct tally *t = calloc(1, sizeof *t);
	int rc = t ? find_run(t, &config, operands.count ? operands.items[0] : NULL, &err) : err_set(&err, SOLDR_E_NOMEM, 0, "report", E101_NO_MEMORY);
	if (!rc) {
		flush(cli, &config, &t->summary);
		rc = read_run(t, &config, &err);
	}
	if (rc) {
		cli_report(&err, NULL);
		status = STATUS_WRONG;
	} else {
		if (as_json)
			report_json(t, &out);
		else
			report_page(t, markdown, &out);
		status = cli_print(&out, 0);
	}
	if (t)
		run_summary_release(&t->summary);
	free(t);
	config_release(&config);
	return status;
}

const struct verb verb_report = {
	"report", "report [RUN] [--markdown | --json]", "what the compiles of a run came to",
	"  RUN         a name below runs in the cache root; without it, or last: the run that was active last\n"
	"  --markdown  for the summary of a CI job\n"
	"  --json      one JSON object: schema_version, run_id, command, backend, exit_code, signal, duration_ms\n"
	"              (of a build), first, last, compilations, outcomes, failed, hit_rate, time_saved_ms,\n"
	"              miss_ms, misses and not_cached (reason, count, subject, detail, mend), slowest,\n"
	"              journal_full, left_out, unreadable\n"
	"\nTotals, hit rate, reasons with an example each, and the slowest misses, from the run's journal\n"
	"(audit.mode normal or above).\n"
	"\nExample:\n  soldr report --markdown >>\"$GITHUB_STEP_SUMMARY\"\n",
	run};
