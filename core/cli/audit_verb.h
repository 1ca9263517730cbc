/*
 * audit_verb: what the actions of `soldr audit` share.
 *
 *   verb_audit.c    which action; analyze and export
 *   audit_record.c  run
 *   audit_about.c   capabilities
 */
#ifndef SOLDR_CLI_AUDIT_VERB_H
#define SOLDR_CLI_AUDIT_VERB_H

#include "analysis.h"
#include "export.h"

/* A run that was read, and what is found in it. */
struct audit_view {
	struct analysis analysis;
	struct findings findings;
};

/* run and ask as of analysis_read(). */
int audit_view_read(struct audit_view *, const struct cli *, struct config *, const char *run, bool ask, soldr_error *);
void audit_view_free(struct audit_view *); /* takes NULL */
/* To a file of its own, which appears when it is whole. */
int audit_export_file(const struct export_format *, struct audit_view *, const char *path, soldr_error *);

/* How much `audit run` records. */
struct audit_profile {
	const char *name, *mode, *what;
};
extern const struct audit_profile audit_profiles[]; /* ended by a NULL name */

int audit_record(const struct cli *, const struct verb *);
int audit_capabilities(const struct cli *, const struct verb *);

#endif
