/*
 * compiler: which words name a compiler, and where the real one is.
 *
 * A program on PATH may be soldr under a compiler's name (a symbolic link);
 * the search steps over those, so that soldr never runs itself by accident.
 */
#ifndef SOLDR_CLI_COMPILER_H
#define SOLDR_CLI_COMPILER_H

#include "cli.h"

#include <stdbool.h>

/* cc, c++, gcc, g++, clang, clang++, rustc, clippy-driver; with "TARGET-" before and "-VERSION" after. */
bool compiler_name(const char *name);
/* The same without the Rust ones. */
bool compiler_name_c(const char *name);
/* ccache, sccache and the like: programs that take a compiler as their first argument. */
bool compiler_wrapper_name(const char *name);
/* The base names of soldr's own executables. */
bool compiler_is_soldr_name(const char *name);

/* The file is soldr: this executable, or by links one named soldr. Fits path_skip_fn. */
bool compiler_is_soldr(void *arg, const char *path);

struct compiler {
	char *path;        /* absolute */
	const char *argv0; /* borrowed from word or path */
};

/*
 * word: a path or a name; a path that is soldr itself stands for its base name.
 * argv0 is the word as it is, unless the first program of that name on PATH is
 * not the one found: then it is the path, because compilers look for their own
 * installation by it. Returns 0, or after a message STATUS_NOT_FOUND or
 * STATUS_NOT_EXECUTABLE.
 */
int compiler_find(const struct cli *, const char *word, struct compiler *);
void compiler_release(struct compiler *);

#endif
