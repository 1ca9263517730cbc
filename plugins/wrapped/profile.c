/*
 * profile: see profile.h.
 *
 * sccache and zccache keep their counters in a server; asking it costs more
 * than most hits save, so for them the outcome of a single call is not known.
 * Whether they store anything is a setting of that server as well, which is why
 * a read-only call has to go around them.
 */
#include "profile.h"

#include <stddef.h>
#include <string.h>

static const struct profile profiles[] = {
	{"ccache", "ccache", "CCACHE_READONLY=1", "CCACHE_RECACHE=1", OUTCOME_CCACHE_LOG},
	{"sccache", "sccache", NULL, "SCCACHE_RECACHE=1", OUTCOME_NOT_SAID},
	{"zccache", "zccache", NULL, NULL, OUTCOME_NOT_SAID},
	{"generic", NULL, NULL, NULL, OUTCOME_NOT_SAID},
};

static const char *const outcome_sources[OUTCOME_SOURCE_COUNT] = {
	[OUTCOME_NOT_SAID] = "none",
	[OUTCOME_CCACHE_LOG] = "ccache_log",
};

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

bool outcome_source_find(const char *name, const struct profile *profile, enum outcome_source *out)
{
	if (strcmp(name, "auto") == 0) {
		*out = profile->outcome;
		return true;
	}
	for (int i = 0; i < OUTCOME_SOURCE_COUNT; i++) {
		if (strcmp(outcome_sources[i], name) == 0) {
			*out = (enum outcome_source)i;
			return true;
		}
	}
	return false;
}
