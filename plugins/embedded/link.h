/*
 * link: what rustc's linker reads besides the crates.
 *
 * rustc tells its linker's command line (--print link-args=FILE, which changes
 * no output). The part of it that names no crate and no object of this compile
 * (start files, libraries, flags) is linked once by itself, to nothing, and the
 * linker writes down which files it opened (--dependency-file). The answer is
 * remembered in the store, so most linked compiles cost no extra link.
 */
#ifndef EMBEDDED_LINK_H
#define EMBEDDED_LINK_H

#include "crates.h"
#include "identity.h"

/* The linker that rustc will run: -C linker, or cc on PATH, soldr's own links passed over. malloc'ed, NULL: none. */
char *link_program(const soldr_request *, const struct rust_call *);

/* A library that a -L directory lacks: were it there, it would be linked. */
struct link_absence {
	const char *dir; /* in link_facts.dirs */
	char *name;
};

struct link_facts {
	struct vec words;       /* the command line, unquoted */
	struct vec dirs;        /* of -L */
	struct identity files;  /* the linker's programs, and all that it read */
	struct link_absence *absent;
	size_t absent_count;
};

#define LINK_FACTS_INIT ((struct link_facts){0})

/*
 * NONE, or LINK_UNKNOWN with the word that is not understood. text: rustc's
 * report; may hold several links. program: of link_program().
 */
enum soldr_reason link_learn(struct link_facts *, const char *text, const char *program, const struct rust_call *,
                             const struct crate_list *, const struct identity *toolchain, const soldr_host *,
                             const soldr_request *, struct store *, char *detail, size_t detail_size);
void link_release(struct link_facts *);

/* Unquotes one line of the report: variables into env, then the words. false: not of that form. */
bool link_split(const char *line, size_t len, struct vec *env, struct vec *words);

#endif
