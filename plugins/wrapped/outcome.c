/*
 * outcome: see outcome.h.
 *
 * ccache raises several counters per call: how its storage answered (always)
 * and how the call ended (exactly one, unless ccache itself failed). The table
 * names the ends; what only describes the storage is told by its name. A
 * counter that is in neither group comes from a newer ccache: the call has an
 * end that is not understood here, and nothing is claimed about it.
 */
#include "outcome.h"

#include <stdio.h>
#include <string.h>

static const char hit[] = "", miss[] = "external_miss", recache[] = "recache", uncacheable[] = "external_uncacheable",
                  unknown[] = "external_unknown";

/* How a call can end. */
static const struct ending {
	const char *counter;
	uint32_t outcome;
	const char *reason;
} endings[] = {
	{"direct_cache_hit", SOLDR_OUTCOME_HIT, hit},
	{"preprocessed_cache_hit", SOLDR_OUTCOME_HIT, hit},
	{"cache_miss", SOLDR_OUTCOME_MISS, miss},
	{"recache", SOLDR_OUTCOME_MISS, recache},
	{"autoconf_test", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"bad_compiler_arguments", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"bad_input_file", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"bad_output_file", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"called_for_link", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"called_for_preprocessing", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"compile_failed", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"compiler_check_failed", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"compiler_produced_empty_output", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"compiler_produced_no_output", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"compiler_produced_stdout", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"could_not_find_compiler", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"could_not_use_modules", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"could_not_use_precompiled_header", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"disabled", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"error_hashing_extra_file", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"internal_error", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"missing_cache_file", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"modified_input_file", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"multiple_source_files", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"no_input_file", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"output_to_stdout", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"preprocessor_error", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"unsupported_code_directive", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"unsupported_compiler_option", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"unsupported_environment_variable", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"unsupported_source_encoding", SOLDR_OUTCOME_BYPASS, uncacheable},
	{"unsupported_source_language", SOLDR_OUTCOME_BYPASS, uncacheable},
};

/* Counters that say nothing about how the call ended, by their beginning. */
static const char *const storage_counters[] = {
	"local_storage_",  "remote_storage_",         "primary_storage_",   "secondary_storage_",
	"direct_cache_miss", "preprocessed_cache_miss", "cleanups_performed", "files_in_cache",
	"cache_size_",     "stats_",                  "obsolete_",          "subdir_",
};

static const struct ending *ending_of(const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (strlen(endings[i].counter) == len && memcmp(endings[i].counter, line, len) == 0)
			return &endings[i];
	return NULL;
}

static bool is_storage(const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof storage_counters / sizeof *storage_counters; i++) {
		size_t n = strlen(storage_counters[i]);
		if (n <= len && memcmp(storage_counters[i], line, n) == 0)
			return true;
	}
	return false;
}

/* Only what looks like a counter's name may reach logs and reports. */
static bool is_counter_name(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((line[i] >= 'a' && line[i] <= 'z') || (line[i] >= '0' && line[i] <= '9') || line[i] == '_'))
			return false;
	return len > 0;
}

static void set(struct outcome *o, uint32_t outcome, const char *reason, const char *detail, size_t len)
{
	*o = (struct outcome){.outcome = outcome, .reason = reason};
	snprintf(o->detail, sizeof o->detail, "%.*s", (int)(len < sizeof o->detail ? len : sizeof o->detail - 1), detail);
}

void outcome_unknown(struct outcome *o)
{
	set(o, SOLDR_OUTCOME_BYPASS, unknown, "", 0);
}

void outcome_from_ccache_log(const char *text, size_t len, struct outcome *o)
{
	const char *end = text + len;
	bool ended = false; /* a counter of the table was seen in this block */
	outcome_unknown(o);
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line = text;
		size_t n = (size_t)((newline ? newline : end) - line);
		text = line + n + 1;
		if (n && line[0] == '#') {
			outcome_unknown(o);
			o->unfinished = true;
			ended = false;
			continue;
		}
		if (ended || is_storage(line, n) || !is_counter_name(line, n))
			continue;
		const struct ending *e = ending_of(line, n);
		if (e)
			set(o, e->outcome, e->reason, e->outcome == SOLDR_OUTCOME_HIT ? "" : line, e->outcome == SOLDR_OUTCOME_HIT ? 0 : n);
		else
			set(o, SOLDR_OUTCOME_BYPASS, unknown, line, n);
		ended = e != NULL;
	}
}
