/*
 * several: one compiler call with several sources (gcc -c a.c b.c).
 *
 * The driver compiles one source after the other, each with the command line
 * that it would have by itself (seen with -###, GCC 12 and Clang 14). So each
 * is looked up, and on a miss compiled, as a call of its own, in order. Nothing
 * is shown before the last one is done.
 *
 * What the drivers do with one compile for all of them is theirs: where a
 * source fails, or the driver itself has something to say, the whole call runs
 * untouched and writes every output anew.
 */
#include "unit.h"

#include "args_names.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	struct unit unit;
	struct held held;
	soldr_request req;
	struct vec argv;
	soldr_result result;
};

static void part_begin(struct part *p, soldr_instance *inst)
{
	p->unit = (struct unit){.inst = inst, .held = &p->held, .asked = &p->req, .req = &p->req, .inv = INVOCATION_INIT, .dir = -1};
}

/* The call with one of its sources. */
static bool part_init(struct part *p, struct unit *whole, size_t index)
{
	const struct invocation *inv = &whole->inv;
	for (size_t i = 0, next = 0; i < inv->args.len; i++) {
		bool is_source = next < inv->source_count && inv->source_at[next] == i;
		if (!is_source || next == index)
			vec_add(&p->argv, inv->args.items[i]);
		next += is_source;
	}
	p->req = *whole->req;
	p->req.argv = vec_items(&p->argv);
	p->req.argc = (uint32_t)p->argv.len;
	p->result.struct_size = sizeof p->result;
	part_begin(p, whole->inst);
	return vec_ok(&p->argv);
}

static void parts_free(struct part *parts, size_t count)
{
	for (size_t i = 0; parts && i < count; i++) {
		unit_release(&parts[i].unit);
		buf_release(&parts[i].held.streams[0]);
		buf_release(&parts[i].held.streams[1]);
		vec_release(&parts[i].argv);
	}
	free(parts);
}

/* Whether the call can be taken apart: no name or record of the whole call reaches a part's output. */
static bool is_separable(const struct part *p)
{
	const struct unit *u = &p->unit;
	return !u->inv.output_given && !u->inv.depfile_given && !u->inv.compiler_path_in_key &&
	       u->inv.side_count == 0;
}

/* a/x.c and b/x.c have one object. Names of outputs follow from those of the sources, so no output is a source either. */
static bool have_one_output(const struct part *a, const struct part *b)
{
	for (size_t i = 0; i < a->unit.output_count; i++)
		for (size_t k = 0; k < b->unit.output_count; k++)
			if (strcmp(a->unit.outputs[i].path, b->unit.outputs[k].path) == 0)
				return true;
	return false;
}

static enum soldr_reason prepare_all(struct part *parts, size_t count, char *detail, size_t detail_size, soldr_error *err, int *rc)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < count && !*rc && why == SOLDR_REASON_NONE; i++) {
		why = unit_prepare(&parts[i].unit, detail, detail_size, err, rc);
		/* The next source may use a precompiled header that this one makes. */
		if (!*rc && why == SOLDR_REASON_NONE && language_is_header(parts[i].unit.inv.language))
			why = SOLDR_REASON_MULTIPLE_INPUTS;
		if (!*rc && why == SOLDR_REASON_NONE && !is_separable(&parts[i]))
			why = SOLDR_REASON_MULTIPLE_INPUTS;
		for (size_t k = 0; k < i && !*rc && why == SOLDR_REASON_NONE; k++)
			if (have_one_output(&parts[i], &parts[k]))
				why = SOLDR_REASON_MULTIPLE_INPUTS;
	}
	return why;
}

/* Behind the sequences that a terminal takes for colours. */
static const char *skip_colours(const char *p)
{
	while (p[0] == '\033' && p[1] == '[') {
		p += 2;
		while (*p && (*p < '@' || *p > '~'))
			p++;
		p += *p != 0;
	}
	return p;
}

/* A message of the driver, which it would give once, and not for each source. Its lines begin with its name; clang++ says clang. */
static bool driver_spoke(const struct part *p)
{
	const char *name = path_base(p->unit.req->argv[0]), *text = buf_str(&p->held.streams[1]);
	size_t len = strcspn(name, ".");
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(skip_colours(line), name, len) == 0 || strncmp(skip_colours(line), "clang:", 6) == 0)
			return true;
	return false;
}

/* NONE, or why the whole call has to run. */
static enum soldr_reason serve_one(struct part *p, bool again, char *detail, size_t detail_size, soldr_error *err, int *rc)
{
	if (again) {
		/* A compile went before: the source may have been changed since it was read. */
		unit_release(&p->unit);
		part_begin(p, p->unit.inst);
		enum soldr_reason why = unit_prepare(&p->unit, detail, detail_size, err, rc);
		if (*rc || why != SOLDR_REASON_NONE)
			return why;
	}
	*rc = unit_serve(&p->unit, &p->result, err);
	if (*rc || p->result.signal)
		return SOLDR_REASON_NONE;
	snprintf(detail, detail_size, "%s", p->held.why == SOLDR_REASON_NONE ? p->unit.inv.source : p->held.detail);
	return p->held.why != SOLDR_REASON_NONE ? p->held.why
	       : p->result.exit_code             ? SOLDR_REASON_COMPILE_FAILED
	       : driver_spoke(p)                 ? SOLDR_REASON_MULTIPLE_INPUTS
	                                         : SOLDR_REASON_NONE;
}

/* From best to worst, as one outcome must speak for all. */
static unsigned rank(uint32_t outcome)
{
	return outcome == SOLDR_OUTCOME_HIT ? 0 : outcome == SOLDR_OUTCOME_MISS ? 1 : outcome == SOLDR_OUTCOME_BYPASS ? 2 : 3;
}

/* The outcome of the worst part, with its reason; counted as one compile. That an entry was wrong must not be lost. */
static void conclude(const struct part *parts, size_t count, soldr_result *r)
{
	const soldr_result *worst = &parts[0].result, *mismatch = NULL;
	size_t hits = 0;
	for (size_t i = 0; i < count; i++) {
		const soldr_result *one = &parts[i].result;
		if (rank(one->outcome) > rank(worst->outcome))
			worst = one;
		if (parts[i].unit.verdict == SOLDR_REASON_VERIFY_MISMATCH)
			mismatch = one;
		hits += one->outcome == SOLDR_OUTCOME_HIT;
		r->time_saved_ns += one->time_saved_ns;
		r->output_bytes += one->output_bytes;
		r->signal = one->signal;
	}
	worst = mismatch ? mismatch : worst;
	r->outcome = worst->outcome;
	memcpy(r->reason, worst->reason, sizeof r->reason);
	snprintf(r->detail, sizeof r->detail, "%zu of %zu hit%s%.180s", hits, count, worst->detail[0] ? ", " : "", worst->detail);
}

static int show(struct unit *whole, const struct part *parts, size_t count, soldr_error *err)
{
	static const uint32_t streams[] = {SOLDR_STDOUT, SOLDR_STDERR};
	int rc = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < 2 && !rc; k++) {
			const struct buf *text = &parts[i].held.streams[k];
			if (text->len)
				rc = unit_emit(whole, streams[k], text->data, text->len, err);
		}
	return rc;
}

int several_compile(struct unit *whole, soldr_result *r, soldr_error *err)
{
	size_t count = whole->inv.source_count, done = 0;
	char detail[sizeof r->detail] = "";
	bool ran = false;
	int rc = 0;
	if (!count)
		return unit_bypass(whole, SOLDR_REASON_MULTIPLE_INPUTS, whole->inv.detail, r, err);
	struct part *parts = calloc(count, sizeof *parts);
	bool memory = parts != NULL;
	for (size_t i = 0; parts && i < count; i++)
		memory = part_init(&parts[i], whole, i) && memory;
	if (!memory)
		rc = err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	enum soldr_reason why = rc ? SOLDR_REASON_NONE : prepare_all(parts, count, detail, sizeof detail, err, &rc);
	while (!rc && why == SOLDR_REASON_NONE && done < count) {
		struct part *p = &parts[done++];
		why = serve_one(p, ran, detail, sizeof detail, err, &rc);
		ran = ran || p->result.outcome != SOLDR_OUTCOME_HIT;
		if (p->result.signal)
			break;
	}
	/* Once a compiler ran, an error would let its exit stand for all. */
	if (rc && ran && rc != SOLDR_E_CANCELLED && rc != SOLDR_E_TIMEOUT) {
		snprintf(detail, sizeof detail, "%.200s", err->message);
		why = SOLDR_REASON_BACKEND_ERROR;
		rc = 0;
	}
	if (!rc && why == SOLDR_REASON_NONE)
		rc = show(whole, parts, done, err);
	if (!rc && why == SOLDR_REASON_NONE)
		conclude(parts, done, r);
	parts_free(parts, count);
	return rc || why == SOLDR_REASON_NONE ? rc : unit_bypass(whole, why, detail, r, err);
}
