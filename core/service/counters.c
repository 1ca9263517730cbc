/*
 * counters: see counters.h. The file, format 1 (docs/formats.md): a 64-byte
 * header, then 64-bit slots in host byte order; the header names the byte order
 * and the number of slots, and a file that does not fit is made anew.
 */
#include "counters.h"

#include "reason_mend.h"

#include "fs.h"
#include "json.h"
#include "path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { COUNTERS_FORMAT = 1, REASON_SLOTS = 448, OUTCOME_SLOTS = 16 };

_Static_assert((int)SOLDR_REASON_COUNT <= (int)REASON_SLOTS, "more reasons than slots on disk");

enum slot { SLOT_COMPILATIONS, SLOT_ERRORS, SLOT_TIME_SAVED, SLOT_OUTCOME_FIRST, SLOT_COUNT = SLOT_OUTCOME_FIRST + OUTCOME_SLOTS };

/* All values are added with atomics; magic and format are written once, format last. */
struct counters {
	char magic[8];
	uint32_t format;
	uint32_t byte_order; /* 0x01020304 as this machine writes it */
	uint64_t since;      /* seconds since 1970 */
	uint64_t lost_events;
	uint64_t reserved[4];
	uint64_t slots[SLOT_COUNT];
	uint64_t reasons[REASON_SLOTS];
};

static const char magic[8] = {'S', 'L', 'D', 'R', 'C', 'N', 'T', 0};

static bool fits(const struct counters *c)
{
	return memcmp(c->magic, magic, sizeof magic) == 0 && c->format == COUNTERS_FORMAT && c->byte_order == 0x01020304;
}

/*
 * Writes the header. Two processes that meet a new file both do so, with the
 * same bytes but for the second of `since`; the slots of a new file are zero
 * already and are left alone, since the other may have counted by then.
 */
static void begin(struct counters *c)
{
	c->since = (uint64_t)time(NULL);
	c->byte_order = 0x01020304;
	memcpy(c->magic, magic, sizeof magic);
	__atomic_store_n(&c->format, COUNTERS_FORMAT, __ATOMIC_RELEASE);
}

static void clear(struct counters *c)
{
	c->lost_events = 0;
	memset(c->slots, 0, sizeof c->slots);
	memset(c->reasons, 0, sizeof c->reasons);
}

struct counters *counters_open(const char *file, soldr_error *err)
{
	struct counters *c = fs_map_shared(file, sizeof *c, NULL);
	if (!c) {
		char *dir = path_dir(file);
		int rc = dir ? fs_make_dirs(dir, 0700, err) : err_set(err, SOLDR_E_NOMEM, 0, "counters", E101_NO_MEMORY);
		free(dir);
		if (rc)
			return NULL;
		c = fs_map_shared(file, sizeof *c, err);
	}
	if (c && !fits(c)) {
		static const char none[sizeof c->magic];
		bool beginning = memcmp(c->magic, magic, sizeof magic) == 0 && c->format == 0; /* another process is at it */
		if (memcmp(c->magic, none, sizeof none) != 0 && !beginning)
			clear(c); /* another format, or damaged */
		begin(c);
	}
	return c;
}

void counters_close(struct counters *c)
{
	if (c)
		munmap(c, sizeof *c);
}

int counters_sync(struct counters *c)
{
	return c && msync(c, sizeof *c, MS_SYNC) != 0 ? errno : 0;
}

static void bump(uint64_t *slot, uint64_t by)
{
	__atomic_fetch_add(slot, by, __ATOMIC_RELAXED);
}

void counters_add(struct counters *c, const soldr_result *r, bool failed)
{
	if (!c)
		return;
	bump(&c->slots[SLOT_COMPILATIONS], 1);
	if (failed)
		bump(&c->slots[SLOT_ERRORS], 1);
	if (r->outcome < OUTCOME_SLOTS)
		bump(&c->slots[SLOT_OUTCOME_FIRST + r->outcome], 1);
	if (r->outcome == SOLDR_OUTCOME_HIT || r->outcome == SOLDR_OUTCOME_ERROR_HIT)
		bump(&c->slots[SLOT_TIME_SAVED], r->time_saved_ns);
	else
		bump(&c->reasons[reason_index(r->reason)], 1);
}

void counters_add_lost(struct counters *c, enum soldr_reason why)
{
	if (c)
		bump(&c->reasons[why], 1);
}

void counters_add_lost_events(struct counters *c, uint64_t events)
{
	if (c && events)
		bump(&c->lost_events, events);
}

void counters_json(struct json *j, const struct counter_totals *t, uint64_t lost)
{
	json_u64(j, "compilations", t->compilations);
	json_u64(j, "hits", t->hits);
	json_u64(j, "misses", t->misses);
	json_u64(j, "non_cacheable", t->non_cacheable);
	json_u64(j, "passthrough", t->passthrough);
	json_u64(j, "fallbacks", t->fallbacks);
	json_u64(j, "errors", t->errors);
	json_u64(j, "error_hits", t->error_hits);
	json_u64(j, "time_saved_ms", t->time_saved_ns / 1000000);
	json_u64(j, "verified", t->reasons[SOLDR_REASON_VERIFIED]);
	json_u64(j, "verify_mismatches", t->reasons[SOLDR_REASON_VERIFY_MISMATCH]);
	json_u64(j, "audit_lost_events", lost);
}

static void totals_of(const struct counters *c, struct counter_totals *t)
{
	const uint64_t *outcome = c->slots + SLOT_OUTCOME_FIRST;
	t->compilations = c->slots[SLOT_COMPILATIONS];
	t->errors = c->slots[SLOT_ERRORS];
	t->time_saved_ns = c->slots[SLOT_TIME_SAVED];
	t->error_hits = outcome[SOLDR_OUTCOME_ERROR_HIT];
	t->hits = outcome[SOLDR_OUTCOME_HIT] + t->error_hits;
	t->misses = outcome[SOLDR_OUTCOME_MISS];
	t->non_cacheable = outcome[SOLDR_OUTCOME_BYPASS];
	t->passthrough = outcome[SOLDR_OUTCOME_PASSTHROUGH];
	t->fallbacks = outcome[SOLDR_OUTCOME_FALLBACK];
	t->since_unix = c->since;
	t->audit_lost_events = c->lost_events;
	memcpy(t->reasons, c->reasons, sizeof t->reasons);
}

int counters_read(const char *file, struct counter_totals *t, soldr_error *err)
{
	struct buf b = {.max = 1 << 20};
	struct counters c;
	soldr_error mine = SOLDR_ERROR_INIT;
	int rc = fs_read_file(file, 1 << 20, &b, &mine);
	memset(t, 0, sizeof *t);
	if (rc == SOLDR_E_NOT_FOUND)
		rc = 0;
	else if (rc && err)
		*err = mine;
	if (b.len >= sizeof c) {
		memcpy(&c, b.data, sizeof c);
		if (fits(&c))
			totals_of(&c, t);
	}
	buf_release(&b);
	return rc;
}

int counters_zero(const char *file, soldr_error *err)
{
	struct counters *c = counters_open(file, err);
	if (!c)
		return err ? err->code : SOLDR_E_IO;
	clear(c);
	begin(c);
	counters_close(c);
	return 0;
}

static const struct {
	const char *name;
	const char *text;
	enum soldr_reason_kind kind;
} reasons[] = {
#define REASON_ROW(id, name, kind, text) {name, text, SOLDR_REASON_KIND_##kind},
	SOLDR_REASONS(REASON_ROW)
#undef REASON_ROW
};

const char *reason_name(enum soldr_reason r)
{
	return reasons[r < SOLDR_REASON_COUNT ? r : SOLDR_REASON_OTHER].name;
}

const char *reason_text(enum soldr_reason r)
{
	return reasons[r < SOLDR_REASON_COUNT ? r : SOLDR_REASON_OTHER].text;
}

const char *reason_mend(enum soldr_reason r)
{
	static const char *const mends[SOLDR_REASON_COUNT] = {
#define MEND_ROW(id, text) [SOLDR_REASON_##id] = text,
		SOLDR_MENDS(MEND_ROW)
#undef MEND_ROW
	};
	return r < SOLDR_REASON_COUNT && mends[r] ? mends[r] : "";
}

enum soldr_reason_kind reason_kind(enum soldr_reason r)
{
	return reasons[r < SOLDR_REASON_COUNT ? r : SOLDR_REASON_OTHER].kind;
}

enum soldr_reason reason_index(const char *name)
{
	if (!name || !*name)
		return SOLDR_REASON_NONE;
	for (unsigned i = 0; i < SOLDR_REASON_COUNT; i++)
		if (strcmp(reasons[i].name, name) == 0)
			return (enum soldr_reason)i;
	return SOLDR_REASON_OTHER;
}

const char *outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[SOLDR_OUTCOME_NONE] = "none",
		[SOLDR_OUTCOME_HIT] = "hit",
		[SOLDR_OUTCOME_MISS] = "miss",
		[SOLDR_OUTCOME_BYPASS] = "bypass",
		[SOLDR_OUTCOME_PASSTHROUGH] = "passthrough",
		[SOLDR_OUTCOME_ERROR_HIT] = "error_hit",
		[SOLDR_OUTCOME_FALLBACK] = "fallback",
	};
	return outcome < sizeof names / sizeof *names ? names[outcome] : "unknown";
}
