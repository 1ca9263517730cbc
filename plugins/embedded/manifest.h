/*
 * manifest: for one direct key, the input sets seen so far and the result each
 * leads to. Newest first; at most max_candidates; the oldest goes, never all.
 *
 * States of files are shared between candidates: a manifest with 16 candidates
 * of 200 headers holds about 200 paths once, not 3200. The layout is in
 * docs/formats.md.
 *
 * Where checkouts share results (remap.h), paths below the root are stored
 * without it, and every reader puts its own root in front (manifest_settle).
 */
#ifndef EMBEDDED_MANIFEST_H
#define EMBEDDED_MANIFEST_H

#include "digest.h"
#include "err.h"
#include "files.h"
#include "key.h"

#include <soldr/reason.h>

enum { MANIFEST_FORMAT = 4, MANIFEST_INPUTS_MAX = 1 << 20, MANIFEST_CANDIDATES_MAX = 256 };

enum input_flag {
	INPUT_COMPILER = 1u << 0,   /* a program, not a source */
	INPUT_BELOW_ROOT = 1u << 1, /* path is below the checkout's root */
	INPUT_IN_BASE = 1u << 2, /* the path is relative to the base of rustc's outputs */
	INPUT_VARIABLE = 1u << 3,   /* no file: path is a variable's name, the digest is input_text_digest of its value */
	INPUT_BASE = 1u << 4,       /* no file: the digest is input_text_digest of the base */
	INPUT_TIMED = 1u << 5       /* the modification time decides too */
};

/* Of a text that is an input by itself; NULL (a variable that is not set) differs from "". */
void input_text_digest(const char *text, struct digest *);

/* Where the names of a candidate's inputs are looked up. */
struct surroundings {
	struct file_memo *memo; /* with the working directory */
	const char *const *envp;
	const char *base;       /* of rustc's outputs (rust.h); NULL: the request has none */
};

/* One file, or text, in one state. A tuple with ctime 0 fits nothing: the content is always looked at. */
struct state {
	const char *path; /* NUL-terminated, in the manifest's memory */
	size_t root_len;  /* bytes of path that are the root, and are not stored; 0 also before manifest_settle() */
	uint32_t flags;   /* enum input_flag */
	struct digest digest;
	struct tuple tuple;
};

enum guard_state {
	GUARD_ABSENT, /* there was no such directory */
	GUARD_EXISTS,
	GUARD_PINNED, /* it was there, and must stay the very one: the tuple's device and inode */
	GUARD_WATCHED /* its times tell nothing: a name in it is a link to what is not there */
};

/* A directory that must not have gained one of the names (guards.h). */
struct guard {
	const char *path;
	size_t root_len;  /* as that of a state */
	uint32_t exists;  /* enum guard_state */
	uint32_t flags;   /* of enum input_flag those that say where path starts */
	struct tuple tuple; /* of the directory; ctime_ns 0: always look at the names */
	uint32_t *names;  /* indexes of names, relative to path */
	uint32_t name_count;
};

struct candidate {
	struct digest result;
	uint32_t any_terminal; /* 1: no diagnostics, so every terminal would have got the same */
	struct digest terminal;
	struct digest root; /* of the checkout that the tuples are of; zeros: checkouts play no part */
	uint32_t shared;  /* 1: holds nothing of the root, so it fits other checkouts too */
	uint32_t *inputs; /* indexes of states */
	uint32_t input_count;
	uint32_t *guards; /* indexes of guards */
	uint32_t guard_count;
};

struct manifest {
	struct buf file; /* owns the strings of what was read */
	struct vec paths;  /* owns those that manifest_settle() made */
	const char *root;  /* of this checkout, or NULL */
	struct digest root_id;
	struct digest group[KEY_GROUPS];
	struct state *states;
	uint32_t state_count;
	struct guard *guards;
	uint32_t guard_count;
	const char **names;
	uint32_t name_count;
	struct candidate *candidates;
	uint32_t candidate_count;
};

#define MANIFEST_INIT ((struct manifest){0})

/* file must hold the bytes. SOLDR_E_CORRUPT when anything is wrong. */
int manifest_decode(struct manifest *, const struct digest *key, soldr_error *);
/* Puts the root in front of what is stored without it. id: names the root. root is borrowed. -1: memory is out. */
int manifest_settle(struct manifest *, const char *root, const struct digest *id);
int manifest_encode(const struct manifest *, const struct digest *key, struct buf *out, soldr_error *);
void manifest_release(struct manifest *);

/* What a candidate to be added consists of; strings are borrowed. */
struct guard_input {
	const char *path;
	uint32_t exists; /* enum guard_state */
	struct tuple tuple;
	const char *const *names;
	uint32_t name_count;
	uint32_t flags;
	size_t root_len;
};

struct candidate_input {
	struct digest result;
	uint32_t any_terminal;
	struct digest terminal;
	struct digest root;
	uint32_t shared;
	const struct state *states;
	uint32_t state_count;
	const struct guard_input *guards;
	uint32_t guard_count;
};

/*
 * Encodes a manifest with the new candidate first, then those of old (may be
 * NULL) that are not the same result for the same terminal and checkout,
 * max_candidates in all. States and guards that no candidate uses any more are dropped.
 */
int manifest_encode_with(const struct manifest *old, const struct candidate_input *, uint32_t max_candidates,
                         const struct key *, struct buf *out, soldr_error *);

/*
 * The first candidate whose inputs all are as recorded, those of this checkout
 * before those of others, or NULL with the reason why the nearest one did not
 * fit and which file was in the way (detail).
 * *stale: set when some input matched by content only, so that its tuple
 * deserves to be renewed (manifest_renew).
 */
const struct candidate *manifest_match(const struct manifest *, const struct digest *terminal, const struct surroundings *, bool *stale,
                                       enum soldr_reason *, char *detail, size_t detail_size);
/*
 * The candidate as an input of manifest_encode_with, with the tuples that the
 * files have now. -1: not now. Release with candidate_input_release in both cases.
 */
int manifest_renew(const struct manifest *, const struct candidate *, const struct surroundings *, struct candidate_input *,
                   struct state **states, struct guard_input **guards);
/* Frees the two arrays and the guards' lists of names. */
void candidate_input_release(struct candidate_input *, struct state *states, struct guard_input *guards);

#endif
