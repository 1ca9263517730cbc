/*
 * export_html: one page with everything in it: no script, no font, no picture
 * from elsewhere, and a policy that forbids them. Tables become lists on a
 * narrow screen. Everything that comes from the build is escaped.
 */
#include "export.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 25 };

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1c2024;--dim:#5a6169;--line:#d9dde2;--card:#f5f6f8;"
	"--hit:#1b8a6b;--miss:#d9570a;--other:#5b6b7d;--fault:#a3123a;--area:#7a9cc6}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e6e8ea;--dim:#a0a8b0;--line:#343a41;--card:#1e2329;"
	"--hit:#3ec49d;--miss:#ff9146;--other:#9db0c5;--fault:#ff6f91;--area:#4d6d96}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:1rem;max-width:72rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.4rem;line-height:1.25;margin:.2rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}\n"
	"h1,h2,h3,p,td,th,dd{overflow-wrap:anywhere}\n"
	"code{font:.875em/1.4 ui-monospace,monospace;unicode-bidi:isolate;overflow-wrap:anywhere}\n"
	".note,.sub{color:var(--dim);margin:.25rem 0;font-size:.9rem}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.5rem;margin:1rem 0 0}\n"
	".tiles div{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.5rem .7rem}\n"
	".tiles dt{color:var(--dim);font-size:.85rem}.tiles dd{margin:0;font-size:1.25rem;font-weight:600}\n"
	".finding{border:1px solid var(--line);border-left:.35rem solid var(--other);border-radius:.3rem;padding:.5rem .7rem;margin:.5rem 0}\n"
	".finding.warning{border-left-color:var(--miss)}.finding.error{border-left-color:var(--fault)}\n"
	".finding p{margin:.25rem 0}\n"
	"svg.lanes,svg.area{display:block;width:100%;background:var(--card);border:1px solid var(--line)}\n"
	"svg.area{height:60px}svg.area path{fill:var(--area)}\n"
	"rect.h{fill:var(--hit)}rect.m{fill:var(--miss)}rect.f{fill:var(--fault)}\n"
	"rect.o{fill:none;stroke:var(--other);stroke-width:1.5;vector-effect:non-scaling-stroke}\n"
	".axis{display:flex;justify-content:space-between;color:var(--dim);font-size:.8rem}\n"
	".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0;font-size:.9rem}.legend span{white-space:nowrap}\n"
	"table{border-collapse:collapse;width:100%;font-size:.92rem}\n"
	"th{text-align:left;color:var(--dim);font-weight:600;border-bottom:2px solid var(--line)}\n"
	"th,td{padding:.3rem .9rem .3rem 0;vertical-align:top}td{border-bottom:1px solid var(--line)}\n"
	"th{white-space:nowrap}td.k{white-space:nowrap}td.n{min-width:18rem}\n"
	"th.r,td.r{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
	"footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.5rem}\n"
	"@media screen and (max-width:56rem){thead{display:none}table,tbody,tr,td{display:block;width:auto}"
	"tr{border:1px solid var(--line);border-radius:.3rem;margin:.5rem 0;padding:.3rem .6rem}td{border:0;padding:.1rem 0}"
	"td.r,td.k{text-align:left;white-space:normal}td.n{min-width:0}td:empty{display:none}td[data-l]::before{content:attr(data-l) \": \";color:var(--dim)}}\n"
	"@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--card:#fff;--hit:#1b8a6b;--miss:#d9570a;--other:#5b6b7d;"
	"--fault:#a3123a;--area:#9bb3d3}body{max-width:none;padding:0;font-size:10pt}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
	"table{font-size:9pt}td,th{padding-right:.5rem}td.n{min-width:0}tr,.finding,svg,.tiles div{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}}\n";

/* ---- tables -------------------------------------------------------------------------------- */

struct column {
	const char *head;
	bool number, code;
	bool word; /* is not broken where there is room … */
	bool name; /* … gets room */
};

struct table_writer {
	struct buf *out;
	const struct column *columns;
	size_t count, at;
};

static void open_table(struct table_writer *t, struct buf *out, const char *title, const struct column *columns, size_t count)
{
	*t = (struct table_writer){.out = out, .columns = columns, .count = count};
	buf_addf(out, "<section><h2>%s</h2>\n<table><thead><tr>", title);
	for (size_t i = 0; i < count; i++)
		buf_addf(out, "<th%s>%s</th>", columns[i].number ? " class=r" : "", columns[i].head);
	buf_adds(out, "</tr></thead>\n<tbody>\n");
}

static void cell(struct table_writer *t, const char *text)
{
	const struct column *c = &t->columns[t->at];
	buf_adds(t->out, t->at ? "" : "<tr>");
	buf_addf(t->out, "<td%s", c->number ? " class=r" : c->word ? " class=k" : c->name ? " class=n" : "");
	if (*c->head && *text)
		buf_addf(t->out, " data-l=\"%s\"", c->head);
	buf_adds(t->out, c->code && *text ? "><code>" : ">");
	export_text(t->out, text);
	buf_adds(t->out, c->code && *text ? "</code></td>" : "</td>");
	t->at = (t->at + 1) % t->count;
	buf_adds(t->out, t->at ? "" : "</tr>\n");
}

static void close_table(struct table_writer *t, uint64_t more)
{
	char count[TEXT_SIZE];
	buf_adds(t->out, "</tbody></table>\n");
	if (more)
		buf_addf(t->out, "<p class=note>%s more are not shown.</p>\n", text_count(count, more));
	buf_adds(t->out, "</section>\n");
}

#define COLUMNS(list) (list), sizeof(list) / sizeof *(list)

/* ---- the parts of the page ------------------------------------------------------------------- */

static void add_tile(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, value);
}

static void add_head(struct export *e)
{
	const struct analysis *a = e->analysis;
	struct buf *out = &e->out;
	char x[TEXT_SIZE];
	buf_adds(out, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
	              "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	              "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>soldr: run ");
	export_text(out, a->run);
	buf_adds(out, "</title>\n<style>\n");
	buf_adds(out, style);
	buf_adds(out, "</style>\n</head>\n<body>\n<header>\n<h1>Run ");
	export_text(out, a->run);
	buf_adds(out, "</h1>\n");
	if (a->summary.known) {
		buf_adds(out, "<p class=sub><code>");
		export_text(out, a->summary.command);
		buf_addf(out, "</code> ended with %s %lld after %s, backend <code>", a->summary.signal ? "signal" : "status",
		         (long long)(a->summary.signal ? a->summary.signal : a->summary.exit_code), text_duration(x, analysis_wall_ns(a)));
		export_text(out, a->summary.backend);
		buf_adds(out, "</code>.</p>\n");
	}
	buf_adds(out, "</header>\n<main>\n");
}

static void add_totals(struct export *e)
{
	const struct analysis *a = e->analysis;
	struct buf *out = &e->out;
	char x[TEXT_SIZE];
	uint64_t misses = a->outcomes[SOLDR_OUTCOME_MISS].count, hits = analysis_hits(a);
	buf_adds(out, "<dl class=tiles>\n");
	add_tile(out, "compiles", text_count(x, a->compilations));
	add_tile(out, "hit rate", text_percent(x, hits, hits + misses));
	add_tile(out, "hits", text_count(x, hits));
	add_tile(out, "misses", text_count(x, misses));
	add_tile(out, "not cached", text_count(x, a->compilations - hits - misses));
	if (a->failed)
		add_tile(out, "failed", text_count(x, a->failed));
	add_tile(out, "time saved", text_duration(x, a->time_saved_ns));
	add_tile(out, "in misses", text_duration(x, a->outcomes[SOLDR_OUTCOME_MISS].latency_ns));
	buf_adds(out, "</dl>\n");
}

static void add_findings(struct export *e)
{
	struct buf *out = &e->out;
	char x[TEXT_SIZE];
	buf_adds(out, "<section><h2>Findings</h2>\n");
	if (!e->findings->count)
		buf_adds(out, "<p>None.</p>\n");
	for (size_t i = 0; i < e->findings->count; i++) {
		const struct finding *f = &e->findings->items[i];
		const char *severity = finding_severity_name(f->severity);
		buf_addf(out, "<div class=\"finding %s\"><h3>%s: %s</h3>\n<p>", severity, severity, f->title);
		export_text(out, f->what);
		buf_addf(out, "</p>\n<p>To do: %s.</p>\n<p class=note><code>%s</code>, confidence %s", f->action, f->id,
		         finding_confidence_name(f->confidence));
		if (f->impact_ns)
			buf_addf(out, ", about %s", text_duration(x, f->impact_ns));
		if (f->evidence.count)
			buf_adds(out, "; for example");
		for (size_t k = 0; k < f->evidence.count && k < 3; k++) {
			buf_adds(out, " <code>");
			export_text(out, f->evidence.ids[k]);
			buf_adds(out, "</code>");
		}
		buf_adds(out, "</p></div>\n");
	}
	buf_adds(out, "</section>\n");
}

static void add_causes(struct export *e, bool misses, const char *title)
{
	static const struct column columns[] = {
		{"reason", .code = true, .word = true}, {"count", .number = true}, {"time", .number = true}, {"what", .code = true},
		{"for example", .code = true, .name = true}, {.head = "meaning"},
	};
	const struct analysis *a = e->analysis;
	struct table_writer t = {.out = NULL};
	char x[TEXT_SIZE], y[TEXT_SIZE];
	uint64_t shown = 0, all = 0;
	for (size_t i = 0; i < a->cause_count; i++) {
		const struct cause *c = &a->causes[i];
		if ((c->outcome == SOLDR_OUTCOME_MISS) != misses || all++ >= ROWS_MAX)
			continue;
		if (!shown++)
			open_table(&t, &e->out, title, COLUMNS(columns));
		cell(&t, reason_name(c->reason));
		cell(&t, text_count(x, c->count));
		cell(&t, c->unknown == c->count ? "not known" : text_duration(y, c->latency_ns));
		cell(&t, c->detail);
		cell(&t, c->subject);
		cell(&t, reason_text(c->reason));
	}
	if (shown)
		close_table(&t, all - shown);
}

static void add_differences(struct export *e)
{
	static const struct column columns[] = {{"group of the key", .word = true}, {"misses", .number = true}, {.head = "what differs"}};
	const struct analysis *a = e->analysis;
	struct table_writer t;
	char x[TEXT_SIZE];
	if (!a->difference_count)
		return;
	open_table(&t, &e->out, "What misses differ in", COLUMNS(columns));
	for (size_t i = 0; i < a->difference_count && i < ROWS_MAX; i++) {
		const struct difference_count *d = &a->differences[i];
		cell(&t, *d->group ? d->group : "none");
		cell(&t, text_count(x, d->count));
		cell(&t, d->text ? d->text : d->kind);
	}
	close_table(&t, a->difference_count > ROWS_MAX ? a->difference_count - ROWS_MAX : 0);
}

static void add_phases(struct export *e)
{
	static const struct column columns[] = {
		{"phase", .code = true}, {"count", .number = true}, {"time", .number = true}, {"each", .number = true}, {"longest", .number = true},
	};
	const struct analysis *a = e->analysis;
	struct table_writer t;
	char x[TEXT_SIZE];
	if (!a->phase_count)
		return;
	open_table(&t, &e->out, "Phases", COLUMNS(columns));
	for (size_t i = 0; i < a->phase_count; i++) {
		const struct phase_sum *p = &a->phases[i];
		cell(&t, p->name);
		cell(&t, text_count(x, p->count));
		cell(&t, text_duration(x, p->duration_ns));
		cell(&t, text_duration(x, p->duration_ns / p->count));
		cell(&t, text_duration(x, p->longest_ns));
	}
	close_table(&t, 0);
}

static void add_slowest(struct export *e)
{
	static const struct column columns[] = {
		{"time", .number = true}, {"unit", .code = true, .name = true}, {"outcome", .word = true}, {"reason", .code = true, .word = true},
		{"compile", .code = true},
	};
	const struct analysis *a = e->analysis;
	struct table_writer t;
	char x[TEXT_SIZE];
	if (!a->slow_count)
		return;
	open_table(&t, &e->out, "Slowest units", COLUMNS(columns));
	for (size_t i = 0; i < a->slow_count; i++) {
		cell(&t, text_duration(x, a->slowest[i].latency_ns));
		cell(&t, a->slowest[i].subject);
		cell(&t, outcome_name(a->slowest[i].outcome));
		cell(&t, a->slowest[i].reason);
		cell(&t, a->slowest[i].id);
	}
	close_table(&t, 0);
}

static void add_foot(struct export *e)
{
	const struct analysis *a = e->analysis;
	struct buf *out = &e->out;
	char x[TEXT_SIZE];
	uint64_t missing = a->left_out + a->events_lost;
	buf_adds(out, "</main>\n<footer>\n");
	if (missing || a->journal_full)
		buf_addf(out, "<p class=note>%s lines of the log are missing, and what they were about with them.</p>\n", text_count(x, missing));
	if (a->broken + a->events_broken)
		buf_addf(out, "<p class=note>%s pieces of the log are no whole lines.</p>\n", text_count(x, a->broken + a->events_broken));
	buf_addf(out, "<p class=note>soldr %s. <code>soldr why COMPILE</code> explains a compile by its id.</p>\n</footer>\n</body>\n</html>\n",
	         soldr_version());
}

int export_html(struct export *e, soldr_error *err)
{
	add_head(e);
	add_totals(e);
	add_findings(e);
	buf_adds(&e->out, "<section><h2>Timeline</h2>\n");
	if (!e->analysis->span_count)
		buf_adds(&e->out, "<p>No compile has a time.</p>\n");
	int rc = export_timeline(e, err);
	export_concurrency(e);
	buf_adds(&e->out, "</section>\n");
	add_causes(e, true, "Misses");
	add_differences(e);
	add_causes(e, false, "Not cached");
	add_phases(e);
	add_slowest(e);
	add_foot(e);
	return rc;
}
