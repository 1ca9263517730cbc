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
	struct vec system_dirs; /* standard include directories in search order, as spelled by the compiler */
};

#define IDENTITY_INIT ((struct identity){0})

/* real: the compiler's path with links resolved. err: the compiler cannot be asked, or is none that we know. */
int identity_get(struct identity *, const soldr_host *, const soldr_request *, const char *real, const struct invocation *,
                 struct store *, soldr_error *);
void identity_release(struct identity *);

/* The paths of the invocation's tools that the driver will find, by PATH as execvp does, a line each; malloc'ed, NULL: no memory. */
char *identity_tools(const soldr_request *, const struct invocation *);

#endif
