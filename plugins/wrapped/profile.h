/*
 * profile: what is known of each external cache: its program, how it is called,
 * and where it says what it did. One table; the options of the plugin name its rows.
 */
#ifndef SOLDR_WRAPPED_PROFILE_H
#define SOLDR_WRAPPED_PROFILE_H

#include <stdbool.h>

/* Where the outcome of a call is read. */
enum outcome_source {
	OUTCOME_NOT_SAID,   /* the tool does not tell it per call */
	OUTCOME_CCACHE_LOG, /* the file named by CCACHE_STATSLOG (ccache 4.4 and newer) */
	OUTCOME_SOURCE_COUNT
};

struct profile {
	const char *name;
	const char *binary;       /* looked up on PATH; NULL: the option must name it */
	const char *readonly_env; /* "NAME=value" that makes it store nothing; NULL: it cannot */
	const char *recache_env;  /* "NAME=value" that makes it look nothing up; NULL: it cannot */
	enum outcome_source outcome;
};

/* Choices of the options, as soldr_option_spec wants them. */
#define PROFILE_CHOICES "ccache|sccache|zccache|generic"
#define OUTCOME_CHOICES "auto|none|ccache_log"

/* NULL: no such profile. */
const struct profile *profile_find(const char *name);
/* false: no such source. "auto" is the profile's own. */
bool outcome_source_find(const char *name, const struct profile *, enum outcome_source *);

#endif
