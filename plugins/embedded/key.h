/*
 * key: what decides a result and is known before the compiler runs.
 *
 * Fields are grouped; the direct key is the digest of the groups' digests, and
 * the groups are stored with the result, so that a miss can be explained by
 * the group that differs. Every field has a tag and a length: neighbours cannot
 * run together. Changing anything here changes KEY_FORMAT.
 */
#ifndef EMBEDDED_KEY_H
#define EMBEDDED_KEY_H

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "invocation.h"

#include <soldr/backend.h>

enum { KEY_FORMAT = 1 };

/* The numbers are on disk: never renumber. */
enum key_group {
	KEY_COMPILER,    /* its name and real path; the paths of its assembler and objcopy (contents: inputs) */
	KEY_OPTIONS,     /* action, language, arguments in order */
	KEY_ENVIRONMENT, /* variables that the compiler reads */
	KEY_DIRECTORY,   /* the working directory, where it can reach an output */
	KEY_OUTPUT,      /* names of outputs, where they reach an output */
	KEY_SOURCE,      /* the source's path as spelled, and its content */
	KEY_GROUPS
};

struct key {
	struct digest group[KEY_GROUPS];
	struct digest direct;
};

/* A variable that makes the compiler write or read more than its arguments say; NULL: none is set. */
const char *key_hostile_variable(enum family, const char *const *envp);
/*
 * source: digest of the source's content. tools: of identity_tools(). root: that of the checkout, where it is mapped
 * away; paths below it then count by what follows the root. NULL: all paths count as spelled.
 */
int key_compute(struct key *, const struct invocation *, const soldr_request *, const char *real, const char *tools,
                const struct digest *source, const char *root, soldr_error *);
/* The variables that the group of the environment holds, NULL-ended. */
const char *const *key_variables(enum family);
/* Those besides that hold a path, which counts as other paths do. */
const char *const *key_places(enum family);
/* What of the terminal and its variables decides the look of diagnostics. */
void key_terminal(const soldr_request *, struct digest *);
/* The directory as the compiler will call it: $PWD where that is the same directory, as GCC and Clang do. malloc'ed. */
char *key_apparent_directory(const soldr_request *);
/* Where OLD of an option -f…-prefix-map=OLD=NEW begins; NULL: it is none. */
const char *key_prefix_map(const char *argument);
const char *key_group_name(enum key_group);

#endif
