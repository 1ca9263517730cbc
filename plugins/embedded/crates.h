/*
 * crates: the crate files that a compile may load.
 *
 * Those of --extern are on the command line. What these depend on, rustc finds
 * in the -L directories, and no list names them. A crate's metadata holds the
 * name endings (-C extra-filename) of all crates below it, so the files in those
 * directories whose ending occurs in the metadata of an extern are all that can
 * be loaded. A file without an ending of cargo's form always counts.
 */
#ifndef EMBEDDED_CRATES_H
#define EMBEDDED_CRATES_H

#include "args_rustc.h"
#include "digests.h"

enum { CRATES_MAX = 1 << 14 };

struct crate_file {
	char *path;
	struct tuple tuple;
	struct digest digest;
	bool doubtful; /* just written when it was read: its tuple may stand for two contents */
};

struct crate_list {
	struct crate_file *items;
	size_t len, cap;
	bool loose; /* a crate could be found by its bare name in a -L directory */
};

/*
 * Finds and digests them, before the compiler starts. NONE, or why the result
 * cannot be stored; detail: the file or directory. dir: of relative paths.
 */
enum soldr_reason crates_find(struct crate_list *, const struct rust_call *, struct digest_memory *, int dir, char *detail,
                              size_t detail_size);
/* After the compile: the file that is not what it was, or NULL. */
const char *crates_changed(const struct crate_list *, int dir);
void crates_release(struct crate_list *);
/*
 * False: the text asks for a crate by `extern crate` that neither an --extern
 * nor the standard library gives.
 */
bool crates_named(const char *text, size_t len, const struct rust_call *);

#endif
