/*
 * export_timeline: the build as a picture, in SVG without any text: the page
 * stretches it to its own width, and its labels stand around it. A kind of
 * outcome has a colour and a shape, so that it is told apart without colour.
 */
#include "export.h"

#include "text.h"

#include <stdlib.h>

/* Neighbours that follow at once are told apart by a seam; the shortest are still seen. */
static const double SEAM = 0.8, SEAM_FROM = 3, LEAST = 0.6;

enum {
	WIDTH = 1000,
	LANE = 12,           /* height of one, of which GAP stays free */
	GAP = 2,
	UNITS_MAX = 1500,    /* drawn; of more the longest */
	LANES_DRAWN = 128
};

struct drawing {
	struct export *e;
	uint64_t least_ns, drawn, left_out;
};

static int longest_first(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a < b) - (a > b);
}

/* What a compile must take at least to be among the longest. */
static uint64_t least_drawn(const struct analysis *a)
{
	if (a->span_count <= UNITS_MAX)
		return 0;
	uint64_t *all = malloc(a->span_count * sizeof *all), least = UINT64_MAX;
	if (!all)
		return least;
	for (size_t i = 0; i < a->span_count; i++)
		all[i] = (uint64_t)(a->spans[i].end_ns - a->spans[i].start_ns);
	qsort(all, a->span_count, sizeof *all, longest_first);
	least = all[UNITS_MAX - 1];
	free(all);
	return least;
}

static const struct shape {
	const char *class;
	int top, height; /* within a lane */
} shapes[] = {
	[SOLDR_OUTCOME_NONE] = {"o", 0, LANE - GAP},
	[SOLDR_OUTCOME_HIT] = {"h", 6, 4},
	[SOLDR_OUTCOME_MISS] = {"m", 0, LANE - GAP},
	[SOLDR_OUTCOME_BYPASS] = {"o", 1, LANE - GAP - 2},
	[SOLDR_OUTCOME_PASSTHROUGH] = {"o", 1, LANE - GAP - 2},
	[SOLDR_OUTCOME_ERROR_HIT] = {"h", 6, 4},
	[SOLDR_OUTCOME_FALLBACK] = {"f", 0, 4},
};

static void add_unit(void *arg, const struct run_compile *c, const struct span *s)
{
	struct drawing *d = arg;
	const struct analysis *a = d->e->analysis;
	struct buf *out = &d->e->out;
	char time[TEXT_SIZE], name[ANALYSIS_TEXT];
	if (!s || s->lane >= LANES_DRAWN || c->latency_ns < d->least_ns || d->drawn == UNITS_MAX) {
		d->left_out++;
		return;
	}
	const double scale = (double)WIDTH / (double)(a->end_ns > a->begin_ns ? a->end_ns - a->begin_ns : 1);
	const double x = (double)(s->start_ns - a->begin_ns) * scale, width = (double)(s->end_ns - s->start_ns) * scale;
	const struct shape *shape = &shapes[s->outcome < sizeof shapes / sizeof *shapes ? s->outcome : SOLDR_OUTCOME_NONE];
	d->drawn++;
	buf_addf(out, "<rect class=%s x=%.2f y=%d width=%.2f height=%d><title>", shape->class, x, s->lane * LANE + shape->top,
	         width > SEAM_FROM ? width - SEAM : width > LEAST ? width : LEAST, shape->height);
	analysis_name(name, run_compile_subject(c));
	export_text(out, name);
	buf_addc(out, '\n');
	export_text(out, c->outcome);
	if (*c->reason) {
		buf_addc(out, ' ');
		export_text(out, c->reason);
	}
	buf_addf(out, ", %s</title></rect>\n", c->ended ? text_duration(time, c->latency_ns) : "end not known");
}

static void add_axis(struct export *e)
{
	enum { MARKS = 4 };
	const uint64_t wall = (uint64_t)(e->analysis->end_ns - e->analysis->begin_ns);
	char time[TEXT_SIZE];
	buf_adds(&e->out, "<div class=axis aria-hidden=true>");
	for (uint64_t i = 0; i <= MARKS; i++)
		buf_addf(&e->out, "<span>%s</span>", i ? text_duration(time, wall / MARKS * i) : "0");
	buf_adds(&e->out, "</div>\n");
}

static void add_legend(struct buf *out)
{
	static const struct {
		const char *class, *text;
		int top, height;
	} entries[] = {
		{"m", "miss", 0, 10}, {"h", "hit", 6, 4}, {"o", "not cached", 1, 8}, {"f", "fault of soldr", 0, 4},
	};
	buf_adds(out, "<p class=legend>");
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		buf_addf(out, "<span><svg width=22 height=10 viewBox=\"0 0 22 10\" aria-hidden=true><rect class=%s x=1 y=%d width=20 height=%d /></svg> %s</span> ",
		         entries[i].class, entries[i].top, entries[i].height, entries[i].text);
	buf_adds(out, "</p>\n");
}

int export_timeline(struct export *e, soldr_error *err)
{
	const struct analysis *a = e->analysis;
	struct drawing d = {.e = e, .least_ns = least_drawn(a)};
	unsigned lanes = a->lanes < LANES_DRAWN ? a->lanes : LANES_DRAWN;
	unsigned pixels = lanes <= 8 ? 22 : lanes <= 24 ? 16 : LANE; /* of a lane */
	char count[TEXT_SIZE];
	if (!a->span_count)
		return 0;
	add_legend(&e->out);
	buf_addf(&e->out, "<svg class=lanes role=img aria-label=\"%u lanes of compiles over time\" style=\"height:%upx\" viewBox=\"0 0 %d %u\" "
	                  "preserveAspectRatio=none>\n", lanes, lanes * pixels, WIDTH, lanes * LANE);
	int rc = export_compiles(e, add_unit, &d, err);
	buf_adds(&e->out, "</svg>\n");
	add_axis(e);
	if (d.left_out)
		buf_addf(&e->out, "<p class=note>%s shorter compiles are not drawn.</p>\n", text_count(count, d.left_out));
	return rc;
}

void export_concurrency(struct export *e)
{
	enum { HEIGHT = 60 };
	const struct analysis *a = e->analysis;
	const double most = analysis_most(a);
	if (most <= 0)
		return;
	buf_addf(&e->out, "<p class=note>How many ran at once: %u at most; the full height is an average of %.1f.</p>\n", a->lanes, most);
	buf_addf(&e->out, "<svg class=area role=img aria-label=\"compiles at once over time\" viewBox=\"0 0 %d %d\" preserveAspectRatio=none><path d=\"M0 %d",
	         ANALYSIS_BUCKETS, HEIGHT, HEIGHT);
	for (size_t i = 0; i < ANALYSIS_BUCKETS; i++)
		buf_addf(&e->out, "V%.1fH%zu", HEIGHT * (1 - a->concurrency[i] / most), i + 1);
	buf_addf(&e->out, "V%dZ\"/></svg>\n", HEIGHT);
}
