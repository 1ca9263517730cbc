/*
 * rust: what is different about a request to rustc, on its way through the
 * backend. unit.h tells the way; the steps here are called from there.
 *
 *   rust.c         before: outputs, direct key; on a hit: texts for this output directory
 *   rust_inputs.c  on a miss: what rustc and its linker read
 */
#ifndef EMBEDDED_RUST_H
#define EMBEDDED_RUST_H

#include "args_rustc.h"
#include "crates.h"
#include "unit.h"

/* In key arguments: what follows is relative to the base (see below), or to the root that is mapped away. */
#define BASE_MARK "\001"
#define ROOT_MARK "\002"

struct rust_unit {
	struct rust_call call;
	/*
	 * The directory that the output directory is in, of those that a result may
	 * be given to another one of: it is no part of the key. NULL: there is none.
	 */
	char *base;
	bool at_home;   /* the package is in the checkout whose root is mapped away */
	bool made_here; /* or its build script writes there */
	size_t option_count; /* of key_args those in front, which stood on the command line */
	char *program;  /* behind the proxy, links resolved */
	char *linker;   /* where one runs */
	struct digest_memory digests;
	bool digests_open;
	int64_t entered; /* files_clock_ns() when the request came */
	struct digest package; /* of the package's files, where they count */
	struct crate_list crates;
	int link_report; /* a file in memory that rustc writes, or -1 */
	int link_request; /* one that clippy-driver hands to rustc, or -1 */
	struct buf moved[2]; /* texts of a hit, rewritten */
};

/* As prepare() in backend.c. */
enum soldr_reason rust_prepare(struct unit *, char *detail, size_t detail_size, soldr_error *, int *rc);
void rust_release(struct unit *);
/* Before a hit: makes the output directory as rustc does, and replaces texts that were made in another one. */
int rust_fit_entry(struct unit *, struct entry *, soldr_error *);

/* The package's directory, where all its files count (rust.package_tree); else NULL. */
const char *rust_package_dir(const struct unit *);
/* Contents that are remembered in the store. */
struct digest_memory *rust_digests(struct unit *);

/* ---- a miss ---- */

int rust_identity(struct unit *, struct identity *, soldr_error *);
/* The crates, before rustc starts. */
enum soldr_reason rust_begin(struct unit *, const struct identity *, char *detail, size_t detail_size);
/* Adds the request for the linker's command line. */
int rust_plan(struct unit *, struct vec *argv, soldr_error *);
/* As inputs_read and guards_make. */
enum soldr_reason rust_inputs(struct unit *, const struct identity *, int64_t begun, struct input_list *, struct guard_list *,
                              char *detail, size_t detail_size);
/* No message but notices of artifacts: right for every terminal. */
bool rust_is_quiet(const soldr_exit *);
/*
 * Appends a dep-info or messages with the directory `from` written as `to`. false: its name stands where a path could
 * not begin.
 */
bool rust_move_text(uint32_t kind, const char *text, size_t len, const char *from, const char *to, struct buf *out);
/* Whether this output, or text, of a compile may be given to another base. */
bool rust_is_movable(const struct unit *, uint32_t kind, const void *data, size_t len);

#endif
