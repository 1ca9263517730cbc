/*
 * session: one run of a build through the front door, from start to end.
 *
 * A session owns <cache root>/runs/<run-id>/ (mode 0700): `counters`, to which
 * every compile that finds SOLDR_RUN_ID in its environment is added, and
 * `summary.json`, written at the end. A front door below another one joins the
 * outer session and reports nothing of its own. At most
 * audit.keep_runs run directories are kept, none longer than audit.keep_days;
 * the oldest go first, and never those whose process is still alive, or that
 * were written to within a day where their name does not tell the process. <cache root>/last-session is a link to the
 * directory of the session that ended last.
 *
 * Shims are symbolic links under compilers' names to the soldr executable, in
 * <cache root>/shims/<digest>/. The digest is of the executable's path and the
 * names, so that the directory is the same in every session, and a build tree
 * that remembers a path in it stays good.
 */
#ifndef SOLDR_SERVICE_SESSION_H
#define SOLDR_SERVICE_SESSION_H

#include "config.h"
#include "counters.h"
#include "path.h"

enum { SESSION_ID_MAX = 64, SESSION_SHIMS_MAX = 1024 };

#define SESSION_LAST "last-session" /* in the cache root */

struct session {
	char *id;
	char *dir;
	bool joined;                  /* the directory belongs to an outer session */
	struct counter_totals before; /* what a reused run directory had counted already */
	uint64_t start_ns;            /* monotonic */
};

/*
 * below: this process was started by another soldr; then a SOLDR_RUN_ID whose
 * directory exists is joined. Otherwise config->run_id, or a new id, is opened.
 */
int session_open(struct session *, const struct config *, bool below, soldr_error *);
void session_release(struct session *);
uint64_t session_elapsed_ns(const struct session *);
/* What the compiles of this session added up to so far. */
int session_totals(const struct session *, struct counter_totals *, soldr_error *);

struct session_end {
	const char *backend;
	const char *command;     /* the program's name, without its arguments: those may hold secrets */
	int exit_code, signal;   /* of the command */
	uint64_t duration_ns;
	const struct counter_totals *totals;
};

/* Publishes summary.json, and the session as the last one. */
int session_write_summary(const struct session *, const struct session_end *, soldr_error *);

struct session_shims {
	const char *soldr;                     /* absolute path of the executable that the links point at */
	const char *path_list;                 /* PATH to look through, or NULL */
	bool (*is_compiler)(const char *name); /* which names get a link */
	path_skip_fn is_soldr;                 /* files that are soldr already get none */
};

/* Makes the links, or mends them; *dir is malloc'ed, or NULL when PATH has no compiler. */
int session_make_shims(const struct config *, const struct session_shims *, char **dir, soldr_error *);

#endif
