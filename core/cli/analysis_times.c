/*
 * analysis_times: who ran beside whom.
 *
 * A compile gets the lowest lane that is free when it starts. So lanes never
 * hold two compiles at once, and there are as many as ran at once at most
 * (interval partitioning in the order of the starts).
 */
#include "analysis.h"

#include <stdlib.h>

static int by_start(const void *left, const void *right, void *arg)
{
	const struct span *spans = arg;
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	if (spans[a].start_ns != spans[b].start_ns)
		return spans[a].start_ns < spans[b].start_ns ? -1 : 1;
	return (a > b) - (a < b);
}

/* An end that is not known occupies its lane for an instant. */
static void take_lane(struct analysis *a, struct span *s, int64_t *ends)
{
	unsigned lane = 0;
	while (lane < a->lanes && ends[lane] > s->start_ns)
		lane++;
	if (lane == ANALYSIS_LANES_MAX) {
		s->lane = ANALYSIS_LANES_MAX;
		return;
	}
	if (lane == a->lanes)
		a->lanes++;
	ends[lane] = s->end_ns > s->start_ns ? s->end_ns : s->start_ns + 1;
	s->lane = (uint16_t)lane;
}

static void add_concurrency(struct analysis *a, const struct span *s)
{
	const double width = (double)(a->end_ns - a->begin_ns) / ANALYSIS_BUCKETS;
	if (width <= 0)
		return;
	const double from = (double)(s->start_ns - a->begin_ns) / width, to = (double)(s->end_ns - a->begin_ns) / width;
	for (size_t i = from > 0 ? (size_t)from : 0; i < ANALYSIS_BUCKETS && (double)i < to; i++) {
		double low = from > (double)i ? from : (double)i, high = to < (double)(i + 1) ? to : (double)(i + 1);
		if (high > low)
			a->concurrency[i] += high - low;
	}
}

double analysis_most(const struct analysis *a)
{
	double most = 0;
	for (size_t i = 0; i < ANALYSIS_BUCKETS; i++)
		most = a->concurrency[i] > most ? a->concurrency[i] : most;
	return most;
}

bool analysis_times(struct analysis *a)
{
	uint32_t *order = malloc((a->span_count + 1) * sizeof *order);
	int64_t *ends = calloc(ANALYSIS_LANES_MAX, sizeof *ends), busy_until = 0;
	if (order && ends) {
		for (size_t i = 0; i < a->span_count; i++)
			order[i] = (uint32_t)i;
		qsort_r(order, a->span_count, sizeof *order, by_start, a->spans);
		for (size_t i = 0; i < a->span_count; i++) {
			struct span *s = &a->spans[order[i]];
			take_lane(a, s, ends);
			add_concurrency(a, s);
			if (s->end_ns > busy_until) {
				int64_t from = s->start_ns > busy_until ? s->start_ns : busy_until;
				a->busy_ns += (uint64_t)(s->end_ns - from);
				busy_until = s->end_ns;
			}
		}
	}
	bool good = order && ends;
	free(order);
	free(ends);
	return good;
}
