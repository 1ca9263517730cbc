/*
 * run_manifest: manifest.json of a front door's run: who made it, when, and
 * which files there are. Written when the run begins, and again when it ends;
 * without `ended` it is still going, or was killed. docs/audit.md.
 */
#ifndef SOLDR_SERVICE_RUN_MANIFEST_H
#define SOLDR_SERVICE_RUN_MANIFEST_H

#include "config.h"

#include <time.h>

#define RUN_MANIFEST_FILE "manifest.json"

struct run_manifest {
	const char *id, *dir;       /* of the session */
	const char *command, *cwd;  /* the program's name */
	struct timespec started;
	bool has_ended;
	struct timespec ended;
	int exit_code, signal;
};

int run_manifest_write(const struct config *, const struct run_manifest *, soldr_error *);

#endif
