/*
 * identity: which programs stand behind a compiler's name, and where it looks
 * for headers by itself. Asked of the compiler once, then remembered in
 * <store>/compilers/ until one of the programs changes.
 *
 * The programs (driver, cc1, assembler, objcopy, the shared libraries of each) become
 * inputs of every stored result: a hit compares their stat tuples, and their
 * contents when those differ. So a hit never runs the compiler and never opens
 * this memory; it is needed for a miss only.
 */
#ifndef EMBEDDED_IDENTITY_H
#define EMBEDDED_IDENTITY_H

#include "buf.h"
#include "err.h"
#include "files.h"
#include "invocation.h"
#include "store.h"

#include <soldr/backend.h>

/* The state of one program; contents are digested when the compiler is first met, not at every miss. */
struct program {
	struct tuple tuple;
	struct digest digest;
};

struct identity {
	enum family family;     /* as the compiler itself says */
	struct vec programs;    /* absolute paths of files whose contents decide */
	struct program *states; /* one for each of programs */
	bool native;            /* it builds for this processor even where no option says so */
	bool reports_links;     /* a rustc that writes its linker's command line into a file */
	struct vec system_dirs; /* standard include directories in search order, as spelled by the compiler */
};

#define IDENTITY_INIT ((struct identity){0})

/* real: the compiler's path with links resolved. err: the compiler cannot be asked, or is none that we know. */
int identity_get(struct identity *, const soldr_host *, const soldr_request *, const char *real, const struct invocation *,
                 struct store *, soldr_error *);
void identity_release(struct identity *);

/* The paths of the invocation's tools that the driver will find, by PATH as execvp does, a line each; malloc'ed, NULL: no memory. */
char *identity_tools(const soldr_request *, const struct invocation *);

/* ---- for other families (toolchain.c, link.c) ---- */

/* Runs a question, in the C locale; its stdout and stderr appended to out. extra_env: a variable to set, or NULL. */
int identity_ask(const soldr_host *, const soldr_request *, const char *file, const struct vec *argv, const char *extra_env,
                 struct buf *out, soldr_error *);
/* Adds the shared libraries of the programs. */
int identity_add_libraries(struct identity *, const soldr_host *, const soldr_request *, soldr_error *);
/* Fills states. */
int identity_digest_programs(struct identity *, struct store *, soldr_error *);
/* The file that remembers what the fields decide; malloc'ed. Ends the hasher. */
char *identity_memory_path(const struct store *, struct hasher *);
/* begun: before the compiler was asked. A program that changed since is not remembered. */
int identity_remember(const char *file, const struct identity *, int64_t begun);
bool identity_recall(const char *file, struct identity *);
/* Whether the file is whole and belongs under its name; that it is still true is not asked. SOLDR_E_NOT_FOUND: it is gone. */
int identity_check(const char *file, soldr_error *);

#endif
