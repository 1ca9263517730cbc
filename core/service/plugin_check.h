/*
 * plugin_check: is a plugin's table one that this host can use? The part of the
 * loader that only reads memory; it loads and opens nothing.
 */
#ifndef SOLDR_SERVICE_PLUGIN_CHECK_H
#define SOLDR_SERVICE_PLUGIN_CHECK_H

#include "err.h"

#include <soldr/backend.h>

enum {
	PLUGIN_TABLE_SIZE_MAX = 65536,  /* bytes of a backend table, whatever the minor */
	PLUGIN_OPTION_SIZE_MAX = 4096,  /* bytes of one option spec */
	PLUGIN_OPTIONS_MAX = 256,       /* option specs of one plugin */
	PLUGIN_OPTION_NAME_MAX = 63,    /* bytes of an option's name */
	PLUGIN_OPTION_TEXT_MAX = 4096   /* bytes of a default or of a list of choices */
};

/*
 * Checks theirs (which may be NULL) in the order of loader.h. On success out is
 * a zero-extended copy: caps that this host knows, optional functions only
 * where their cap bit is set, options NULL where there are none; stride is the
 * distance of the option specs in bytes, 0 without options. The messages do not
 * name the file: the caller prefixes them.
 */
int plugin_check_table(const soldr_backend *theirs, soldr_backend *out, uint64_t *stride, soldr_error *);
/* The same; after an error *clause is the id of the clause of docs/abi.md that is broken. */
int plugin_check_clauses(const soldr_backend *theirs, soldr_backend *out, uint64_t *stride, const char **clause, soldr_error *);

#endif
