/* parity_report: see parity.h. The JUnit form is that of Jenkins and GitLab: testsuite, testcase, failure, skipped. */
#include "parity.h"

#include "json.h"
#include "text.h"

#include <string.h>

static const char *const status_names[] = {
	[PARITY_SAME] = "same",
	[PARITY_DIFFERENT] = "different",
	[PARITY_NOT_DETERMINISTIC] = "not_deterministic",
	[PARITY_NOT_REPLAYABLE] = "not_replayable",
};

void parity_label(const struct parity_request *r, struct buf *out)
{
	enum { WIDTH = 160 };
	size_t from = out->len;
	for (size_t i = 0; i < r->argv.len; i++) {
		if (i)
			buf_addc(out, ' ');
		for (const char *p = r->argv.items[i]; *p; p++)
			buf_addc(out, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
	}
	if (buf_ok(out) && out->len - from > WIDTH) {
		out->len = from + WIDTH;
		while (out->len > from && ((unsigned char)out->data[out->len] & 0xc0) == 0x80)
			out->len--; /* not in the middle of a character */
		out->data[out->len] = 0;
		buf_adds(out, "…");
	}
}

static void outcome_counts(const struct parity_plan *plan, size_t count, const struct parity_verdict *v, struct buf *out)
{
	struct table table;
	table_init(&table, "lrrrrr");
	static const char *const heads[] = {"backend", "miss, hit", "refused", "passthrough", "other", "not run"};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		table_cell(&table, heads[i]);
	for (size_t b = 0; b < plan->backend_count; b++) {
		size_t cached = 0, refused = 0, passed = 0, other = 0, none = 0;
		for (size_t i = 0; i < count; i++) {
			const char *cold = v[i].outcomes[b][0], *warm = v[i].outcomes[b][1];
			if (!*cold)
				none++;
			else if (strncmp(cold, "miss", 4) == 0 && strncmp(warm, "hit", 3) == 0)
				cached++;
			else if (strncmp(cold, "bypass", 6) == 0)
				refused++;
			else if (strncmp(cold, "passthrough", 11) == 0)
				passed++;
			else
				other++;
		}
		table_cell(&table, plan->backends[b]);
		table_cellf(&table, "%zu", cached);
		table_cellf(&table, "%zu", refused);
		table_cellf(&table, "%zu", passed);
		table_cellf(&table, "%zu", other);
		table_cellf(&table, "%zu", none);
	}
	table_print(&table, out, 0);
}

static const struct {
	const char *name, *text;
} skips[] = {
#define SKIP_ROW(id, name, text) {name, text},
	PARITY_SKIPS(SKIP_ROW)
#undef SKIP_ROW
};

void parity_report_skips(const struct parity_totals *t, struct buf *out)
{
	const char *between = "not replayable: ";
	for (size_t i = 0; i < PARITY_SKIP_COUNT; i++) {
		if (!t->skips[i])
			continue;
		buf_addf(out, "%s%s %zu", between, skips[i].name, t->skips[i]);
		between = ", ";
	}
}

void parity_report_details(const struct parity_requests *requests, const struct parity_verdict *v, struct buf *out)
{
	for (size_t i = 0; i < requests->len; i++) {
		if (v[i].status == PARITY_SAME)
			continue;
		buf_addf(out, "%s: %s%s", status_names[v[i].status], requests->items[i].origin, *requests->items[i].origin ? ": " : "");
		parity_label(&requests->items[i], out);
		buf_addf(out, "\n  in %s\n", requests->items[i].cwd);
		for (size_t k = 0; k < v[i].lines.len; k++)
			buf_addf(out, "  %s\n", v[i].lines.items[k]);
	}
}

void parity_report_text(const struct parity_work *w, struct buf *out)
{
	const struct parity_totals *t = &w->totals;
	parity_report_details(&w->requests, w->verdicts, out);
	outcome_counts(&w->plan, w->requests.len, w->verdicts, out);
	buf_addf(out, "%zu requests: %zu the same, %zu different, %zu not deterministic by themselves, %zu not replayable\n", t->requests,
	         t->same, t->different, t->not_deterministic, t->not_replayable);
	if (!w->run)
		return;
	buf_addf(out, "from the journal of run %s\n", w->run);
	for (size_t i = 0; i < PARITY_SKIP_COUNT; i++)
		if (t->skips[i])
			buf_addf(out, "  not replayable: %s %zu (%s)\n", skips[i].name, t->skips[i], skips[i].text);
}

static void result_json(const struct parity_plan *plan, const struct parity_request *r, const struct parity_verdict *v, struct json *j)
{
	json_open(j, NULL, '{');
	json_str(j, "status", status_names[v->status]);
	json_str(j, "origin", r->origin);
	json_str(j, "directory", r->cwd);
	json_open(j, "arguments", '[');
	for (size_t k = 0; k < r->argv.len; k++)
		json_str(j, NULL, r->argv.items[k]);
	json_close(j, ']');
	json_open(j, "outcomes", '{');
	for (size_t b = 0; b < plan->backend_count; b++) {
		json_open(j, plan->backends[b], '{');
		json_str(j, "cold", v->outcomes[b][0]);
		json_str(j, "warm", v->outcomes[b][1]);
		json_close(j, '}');
	}
	json_close(j, '}');
	json_open(j, "details", '[');
	for (size_t k = 0; k < v->lines.len; k++)
		json_str(j, NULL, v->lines.items[k]);
	json_close(j, ']');
	json_close(j, '}');
}

void parity_report_members(const struct parity_work *w, struct json *j)
{
	const struct parity_totals *t = &w->totals;
	json_u64(j, "requests", t->requests);
	json_u64(j, "same", t->same);
	json_u64(j, "different", t->different);
	json_u64(j, "not_deterministic", t->not_deterministic);
	json_u64(j, "not_replayable", t->not_replayable);
	if (w->run) {
		json_str(j, "run", w->run);
		json_open(j, "skipped", '{');
		for (size_t i = 0; i < PARITY_SKIP_COUNT; i++)
			if (t->skips[i])
				json_u64(j, skips[i].name, t->skips[i]);
		json_close(j, '}');
	}
	json_open(j, "results", '[');
	for (size_t i = 0; i < w->requests.len; i++)
		result_json(&w->plan, &w->requests.items[i], &w->verdicts[i], j);
	json_close(j, ']');
}

void parity_report_json(const struct parity_work *w, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	parity_report_members(w, &j);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void xml_text(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		default: buf_addc(out, (unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f ? '?' : *s); break;
		}
	}
}

void parity_report_junit(const struct parity_requests *requests, const struct parity_verdict *v, const struct parity_totals *t,
                         struct buf *out)
{
	buf_addf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"soldr parity\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n",
	         t->requests, t->different, t->not_deterministic + t->not_replayable);
	for (size_t i = 0; i < requests->len; i++) {
		struct buf label = BUF_INIT;
		parity_label(&requests->items[i], &label);
		buf_addf(out, "<testcase classname=\"parity\" time=\"%.3f\" name=\"", (double)v[i].wall_ns / 1e9);
		xml_text(out, buf_str(&label));
		buf_adds(out, "\">");
		buf_release(&label);
		if (v[i].status != PARITY_SAME) {
			const char *tag = v[i].status == PARITY_DIFFERENT ? "failure" : "skipped";
			buf_addf(out, "<%s message=\"%s\">", tag, status_names[v[i].status]);
			for (size_t k = 0; k < v[i].lines.len; k++) {
				xml_text(out, v[i].lines.items[k]);
				buf_addc(out, '\n');
			}
			buf_addf(out, "</%s>", tag);
		}
		buf_adds(out, "</testcase>\n");
	}
	buf_adds(out, "</testsuite>\n");
}
