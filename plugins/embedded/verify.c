/*
 * verify: a share of the hits is compiled anyway, and compared with what would
 * have been served.
 *
 * The compile takes the place of the hit: lookup.c leaves what it found in the
 * unit, miss.c runs the compiler as on any miss and asks here for the verdict.
 * Why it is done so is in docs/architecture.md.
 */
#include "rust.h"
#include "unit.h"

#include "args_names.h"
#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

/* The output function of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

bool verify_chosen(uint64_t seed, uint32_t percent)
{
	return (mix(seed + 0x9e3779b97f4a7c15u) >> 32) * 100 >> 32 < percent;
}

bool verify_is_due(const struct unit *u)
{
	/* An incremental compile gives equal function, not always equal bytes; GCC's precompiled headers hold addresses. */
	bool varies = (u->rust && u->rust->call.incremental) || (u->inv.family == FAMILY_GCC && language_is_header(u->inv.language));
	if (!u->inst->verify_percent || varies)
		return false;
	/* Random bytes that the kernel gives each program at its start. The rest tells the requests of one program apart. */
	const void *at_start = (const void *)(uintptr_t)getauxval(AT_RANDOM);
	uint64_t seed = 0;
	if (at_start)
		memcpy(&seed, at_start, sizeof seed);
	seed = mix(seed ^ mix(u->req->id ^ mix(clock_ns(CLOCK_MONOTONIC))));
	return verify_chosen(seed, u->inst->verify_percent);
}

/* ---- comparison --------------------------------------------------------------------- */

static bool is_message(uint32_t kind)
{
	return kind == ENTRY_STDOUT || kind == ENTRY_STDERR;
}

static int unpack(const struct entry_section *s, struct buf *out, soldr_error *err)
{
	return s ? entry_unpack(s, out, err) : 0;
}

static void compare_bytes(const char *name, const struct buf *stored, const struct buf *made, struct buf *differences)
{
	size_t shorter = stored->len < made->len ? stored->len : made->len, at = 0;
	while (at < shorter && stored->data[at] == made->data[at])
		at++;
	if (at < stored->len || at < made->len)
		buf_addf(differences, "%s: %zu bytes stored, %zu compiled; the first difference is at offset %zu\n", name, stored->len,
		         made->len, at);
}

/* stored, made: one may be NULL, for a section that is not there. */
static int compare_sections(const struct entry_section *stored, const struct entry_section *made, struct buf *differences,
                            soldr_error *err)
{
	struct buf was = BUF_INIT, is = BUF_INIT;
	char name[24];
	uint32_t kind = stored ? stored->kind : made->kind;
	if (kind == ENTRY_BASE || kind == ENTRY_RECORD) /* the compiler does not give it */
		return 0;
	evidence_name(kind, name);
	if (!is_message(kind) && (!stored || !made)) {
		buf_addf(differences, "%s: %s\n", name, stored ? "stored, but the compiler wrote none" : "the compiler wrote it, but none is stored");
		return 0;
	}
	if (stored && made && stored->executable != made->executable)
		buf_addf(differences, "%s: %sexecutable as stored, %sexecutable as compiled\n", name, stored->executable ? "" : "not ",
		         made->executable ? "" : "not ");
	int rc = unpack(stored, &was, err);
	if (!rc)
		rc = unpack(made, &is, err);
	if (!rc)
		compare_bytes(name, &was, &is, differences);
	buf_release(&was);
	buf_release(&is);
	return rc;
}

int verify_compare(const struct entry *stored, const struct entry *made, struct buf *differences, soldr_error *err)
{
	int rc = 0;
	if (stored->exit_code != made->exit_code)
		buf_addf(differences, "exit status: %" PRId32 " stored, %" PRId32 " compiled\n", stored->exit_code, made->exit_code);
	for (size_t i = 0; !rc && i < stored->section_count; i++)
		rc = compare_sections(&stored->sections[i], entry_find(made, stored->sections[i].kind), differences, err);
	for (size_t i = 0; !rc && i < made->section_count; i++)
		if (!entry_find(stored, made->sections[i].kind))
			rc = compare_sections(NULL, &made->sections[i], differences, err);
	if (!rc && !buf_ok(differences))
		rc = err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	return rc;
}

/* ---- verdict ------------------------------------------------------------------------ */

/*
 * NONE: every input is as the lookup saw it, so the compiler saw the same. An
 * edit between the two would otherwise look like a wrong entry.
 */
static enum soldr_reason look_again(struct unit *u, char *detail, size_t detail_size)
{
	struct file_memo memo = {.dir = u->dir};
	struct surroundings at = unit_surroundings(u);
	struct tuple tuple;
	struct digest source;
	enum soldr_reason why;
	bool stale;
	at.memo = &memo;
	const struct candidate *c = manifest_match(&u->found.manifest, &u->terminal, &at, &stale, &why, detail, detail_size);
	memo_release(&memo);
	if (c != u->found.candidate)
		return why == SOLDR_REASON_NONE ? SOLDR_REASON_INPUT_CHANGED : why;
	if (files_read(u->dir, u->inv.source, NULL, &tuple, &source, NULL) == 0 && digest_equal(&source, &u->source))
		return SOLDR_REASON_NONE;
	snprintf(detail, detail_size, "%s", u->inv.source);
	return SOLDR_REASON_INPUT_CHANGED;
}

/* Nothing that goes wrong here may fail the compile: it is logged. */
static void report(struct unit *u, const struct entry *made, const char *differences, char *detail, size_t detail_size)
{
	const soldr_host *host = u->inst->host;
	soldr_error err = SOLDR_ERROR_INIT;
	struct buf text = BUF_INIT, shown = BUF_INIT;
	const char *what = "evidence could not be kept: ", *about = err.message;
	if (unit_is_readonly(u)) {
		what = "the store is read-only: it stays there, and no evidence is kept";
		about = "";
	} else if (evidence_keep(u, made, differences, detail, detail_size, &err) == 0) {
		what = "evidence is in ";
		about = detail;
	}
	buf_addf(&text, E739_WRONG_HIT, (int)strcspn(differences, "\n"), differences, what, about);
	err_show(&shown, buf_str(&text));
	host->log(host->core, SOLDR_LOG_WARN, "embedded", buf_str(&shown));
	buf_release(&shown);
	buf_release(&text);
}

enum soldr_reason verify_judge(struct unit *u, const struct entry *made, verify_repeat_fn repeats, void *arg, char *detail,
                               size_t detail_size)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct buf differences = BUF_INIT;
	enum soldr_reason why = look_again(u, detail, detail_size);
	if (why != SOLDR_REASON_NONE)
		return why;
	if (verify_compare(&u->found.entry, made, &differences, &err) != 0) { /* it does not unpack, so it could not be served */
		u->inst->host->log(u->inst->host->core, SOLDR_LOG_WARN, "embedded", err.message);
		why = SOLDR_REASON_ENTRY_CORRUPT;
	} else {
		u->verdict = why = !differences.len     ? SOLDR_REASON_VERIFIED
		                   : repeats(arg, made) ? SOLDR_REASON_VERIFY_MISMATCH
		                                        : SOLDR_REASON_VERIFY_UNDECIDED;
	}
	if (why == SOLDR_REASON_VERIFY_MISMATCH)
		report(u, made, buf_str(&differences), detail, detail_size);
	if ((why == SOLDR_REASON_VERIFY_MISMATCH || why == SOLDR_REASON_ENTRY_CORRUPT) && !unit_is_readonly(u))
		unit_drop_result(u, &u->found.candidate->result);
	buf_release(&differences);
	return why;
}
