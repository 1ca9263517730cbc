/*
 * unit: one request on its way through the embedded backend.
 *
 *   backend.c   prepare: is it cacheable, where do outputs go, the direct key
 *   lookup.c    manifest → candidate → entry → outputs           (a hit)
 *   miss.c      run the compiler once, learn its inputs, store   (a miss)
 *   several.c   a call with several sources: each is a unit of its own
 *   inputs.c    the list of inputs that a compiler wrote, read and judged
 *   expansion.c what the scan suspects, settled by the preprocessor
 *   precompiled.c precompiled headers: what is in one that was made, and which are used
 *   rust.c      what is different for rustc, with rust_inputs.c
 *   shadow.c    which names must stay absent for the result to stay right
 *   verify.c    a share of the hits is compiled anyway, and compared
 *   evidence.c  what is kept of a hit that would have been wrong
 *   remap.c     what checkouts may share, where the user wants it
 *   phase.c     what the audit trail is told
 *   explain.c   what a miss differed in from an earlier compile of its source
 */
#ifndef EMBEDDED_UNIT_H
#define EMBEDDED_UNIT_H

#include "entry.h"
#include "files.h"
#include "identity.h"
#include "invocation.h"
#include "key.h"
#include "manifest.h"
#include "materialise.h"
#include "redact.h"
#include "scan.h"
#include "script.h"
#include "store.h"

#include <soldr/backend.h>

struct soldr_instance {
	const soldr_host *host;
	struct store store;
	int level;               /* zstd's */
	uint64_t max_entry_size; /* bytes of outputs and messages */
	uint32_t max_candidates;
	uint32_t verify_percent; /* of the hits */
	char *evidence;          /* directory */
	struct declared_script {
		char *path;
		struct script script;
	} *scripts; /* compiler_scripts of the config */
	size_t script_count;
	bool path_remap;         /* checkouts share results */
	char *worktree_root;     /* as the user names it, or NULL: found */
	struct vec key_env;      /* further variables that decide results of rustc */
	struct vec extra_inputs; /* further files that do */
	bool package_tree;       /* and all files of the package */
	struct vec pure_macros;  /* crates of procedural macros that read nothing but their input */
	struct vec redact_deny, redact_allow; /* the user's patterns of names */
	bool redact_off;         /* secrets may be written down */
	bool upkeep_pending;     /* a task of the host's executor; atomic */
	int audit;               /* enum phase_detail */
};

/* The texts of an entry that may name the root: depfile, and with rustc stderr. */
enum { REMAP_TEXTS = 2 };

/* What a lookup found. */
struct found {
	enum soldr_reason why;   /* nothing that can be served; NONE otherwise */
	struct manifest manifest;
	const struct candidate *candidate; /* of the manifest */
	struct entry entry;
	struct buf texts[REMAP_TEXTS]; /* of the entry, as this checkout gets them */
};

/* One of several sources keeps to itself until all of them are known to be good. */
struct held {
	struct buf streams[2];  /* stdout and stderr */
	enum soldr_reason why;  /* the whole call has to run untouched; NONE: not so */
	char detail[200];
};

struct rust_unit; /* rust.h */

struct unit {
	soldr_instance *inst;
	struct held *held;          /* NULL: the unit is the whole call */
	const soldr_request *asked; /* as it came */
	const soldr_request *req;   /* the same, or with the command that a script stands for */
	struct followed {
		soldr_request req;
		struct vec argv;
	} followed;
	struct invocation inv;
	char *real;              /* the compiler with links resolved */
	char *tools;             /* paths of the programs that the compiler finds on PATH */
	int dir;                 /* descriptor of the working directory */
	struct file_memo memo;
	struct digest source;    /* of the source's content */
	struct key key;
	struct digest terminal;
	struct output outputs[OUTPUTS_MAX]; /* in the order in which a hit publishes them: the depfile first, the object last */
	size_t output_count;
	const char *depfile_path; /* among outputs; NULL: none */
	char *root;              /* of the checkout, where it is mapped away; NULL: paths stay as they are */
	struct digest root_id;   /* zeros without root */
	struct vec maps;         /* options that map it, for before the user's */
	size_t maps_at;          /* index in argv: what stands before it chooses the compiler */
	struct found found;
	bool verify;                /* the hit is compiled instead of served */
	enum soldr_reason verdict;  /* then: VERIFIED, VERIFY_MISMATCH, VERIFY_UNDECIDED, or NONE: it cannot be told */
	struct rust_unit *rust;   /* a request to rustc; otherwise NULL */
};

/* Finds the compiler behind links and scripts. FAMILY_UNKNOWN: why. */
enum family unit_find_compiler(struct unit *, enum soldr_reason *why);
/* NONE: the unit has its key. Otherwise why it is not cacheable, or in *rc an error. */
enum soldr_reason unit_prepare(struct unit *, char *detail, size_t detail_size, soldr_error *, int *rc);
/* A prepared unit, to its outcome. */
int unit_serve(struct unit *, soldr_result *r, soldr_error *);
void unit_release(struct unit *);
/* Shows text to the user, or keeps it where the unit is held. stream: enum soldr_stream. */
int unit_emit(struct unit *, uint32_t stream, const void *data, size_t len, soldr_error *);

/* Serves from the store: the outcome in r, or its reason (a miss) with outcome NONE. Errors: a fault; nothing was shown. */
int lookup(struct unit *, soldr_result *r, soldr_error *);
/* Runs the compiler and stores what it gave. r->reason: why there was no hit. */
int miss(struct unit *, soldr_result *r, soldr_error *);
/* Runs the compiler untouched. The outcome: BYPASS, or FALLBACK for a fault of the store. A held unit only says why. */
int unit_bypass(struct unit *, enum soldr_reason, const char *detail, soldr_result *r, soldr_error *);
/* What the inputs of a candidate are compared with. */
struct surroundings unit_surroundings(struct unit *);
void result_reason(soldr_result *r, enum soldr_reason, const char *detail);
/* False: the path cannot be an output that a hit writes. path: as the user spelled it. */
bool unit_add_output(struct unit *, struct output);
/* Writes the manifest with the candidate in front of what is stored now. */
int unit_store_candidate(struct unit *, const struct candidate_input *, soldr_error *);

/* Takes the result, and the candidates that lead to it, out of the store. */
void unit_drop_result(struct unit *, const struct digest *result);
/* The compiler read the response files by itself: whether they may have said something else to it than to us. */
bool unit_arguments_changed(const struct unit *);
/* Nothing may be stored for this request. */
static inline bool unit_is_readonly(const struct unit *u)
{
	return u->inst->store.readonly || (u->req->flags & SOLDR_REQUEST_READONLY);
}

/* Whether the preprocessor runs, which alone knows of further inputs. */
static inline bool unit_runs_preprocessor(const struct unit *u)
{
	return u->inv.language != LANGUAGE_C_CPP_OUTPUT && u->inv.language != LANGUAGE_CXX_CPP_OUTPUT && u->inv.language != LANGUAGE_ASM;
}

/* ---- verify.c ---- */

/* Whether a hit is to be compiled instead of served; for percent of all seeds, which may be neighbours. */
bool verify_chosen(uint64_t seed, uint32_t percent);
bool verify_is_due(const struct unit *);
/* Runs the compiler once more: whether it gives the same again. */
typedef bool (*verify_repeat_fn)(void *arg, const struct entry *made);
/*
 * Compares what the lookup found with what the compiler gave. Sets u->verdict;
 * a mismatch is kept as evidence and dropped from the store, unless the compiler
 * does not agree with itself. Returns the reason
 * that the lookup would give now; detail: the file, or the evidence.
 */
enum soldr_reason verify_judge(struct unit *, const struct entry *made, verify_repeat_fn, void *arg, char *detail, size_t detail_size);
/* Appends a line for each difference. Errors: they cannot be told. */
int verify_compare(const struct entry *stored, const struct entry *made, struct buf *differences, soldr_error *);

/* ---- evidence.c ---- */

enum { EVIDENCE_MAX = 16, EVIDENCE_BYTES_MAX = 256 << 20 };

/*
 * Writes down what was stored, what was compiled, and what both come from, in
 * a new directory below the instance's; the oldest go when a limit is passed.
 */
int evidence_keep(const struct unit *, const struct entry *made, const char *differences, char *dir, size_t dir_size, soldr_error *);
/* What a section is called in messages and files: "object", "depfile", … */
const char *evidence_name(uint32_t kind, char name[static 24]);

/* ---- several.c ---- */

/* A call that was refused for its several sources. */
int several_compile(struct unit *whole, soldr_result *r, soldr_error *);

/* ---- explain.c ---- */

struct input_list;

/* Writes down the compile that was just stored, and what it differs in. What cannot be written is left out. */
void explain_record(struct unit *, const struct digest *result, const struct input_list *);
/* explain() of the table. */
int32_t embedded_explain(soldr_instance *, const soldr_request *, soldr_explain_fn, void *arg, soldr_error *);
/* How secrets are told in what is written down. */
struct redaction unit_redaction(const soldr_instance *);

/* ---- check.c ---- */

/* Looks at every file of the store, logs each damaged one, and removes it with repair, where the store may be written. */
void embedded_check(soldr_instance *, bool repair, soldr_report *);

/* ---- inputs.c ---- */

struct input {
	char *path;       /* as the compiler spelled it */
	struct tuple tuple;
	struct digest digest;
	uint32_t flags;   /* enum scan_flag */
	uint32_t state_flags; /* enum input_flag, but for INPUT_COMPILER */
	bool is_source, is_program, is_system;
	bool is_opaque;   /* no text of it was looked at: a precompiled header, or what is in one */
	bool is_precompiled;
	struct vec includes, has_includes, next_names, computed; /* as in scan.h */
};

struct input_list {
	struct input *items;
	size_t len, cap;
	struct scan scan;  /* of all together */
	struct vec wrappers; /* macros that stand for __has_include */
	bool precompiled;  /* a precompiled header stands for texts that are not in the list */
	bool passes_over;  /* and further files may be passed over because it has their text */
	bool complete;     /* every file of the compiler's list was read */
	bool binds_root;   /* the result may be another one in another checkout */
	const char *time_macro; /* a macro of time may be expanded: its name, or the one file that spells one; else NULL */
	const char *embedder;   /* the assembler may be told to read a file: the one that spells it; else NULL */
};

void inputs_release(struct input_list *);
/* An input of that path, zeroed but for it; NULL when memory is out. */
struct input *inputs_add(struct input_list *, const char *path);
/*
 * Adds the file (the last of the list then), with its state and digest; content
 * may be NULL. NONE, or why: unreadable, or not provably unchanged since begun.
 */
enum soldr_reason inputs_load(struct unit *, struct input_list *, const char *path, int64_t begun, struct buf *content);
/* NONE, or INPUT_MODIFIED when one of the programs is not what the identity says. */
enum soldr_reason inputs_add_programs(struct input_list *, const struct identity *, int64_t begun);
/*
 * Reads every file of paths (and of the options, and the compiler's programs),
 * digests and scans it. NONE, or why the result must not be stored; detail:
 * the file. begun: files_clock_ns() from before the compiler started.
 */
enum soldr_reason inputs_read(struct unit *, const struct vec *paths, const struct identity *, int64_t begun, struct input_list *,
                              char *detail, size_t detail_size);
/* Adds a file that __has_include found and nothing read: when it goes, the result changes. */
enum soldr_reason inputs_add_asked(const struct unit *, struct input_list *, const char *path, int64_t begun);
/* keep[i] for each path of a full list: what a user's -MMD would list. false: cannot be told for sure. */
bool inputs_user_headers(const struct unit *, const struct identity *, const struct input_list *, const struct vec *paths, bool *keep);

/* True when every input still is in the state that was recorded. */
bool inputs_unchanged(const struct unit *, const struct input_list *);

/* ---- expansion.c ---- */

enum expansion_hazard {
	EXPANSION_TIME = 1u << 0,   /* a macro of time is expanded */
	EXPANSION_EMBED = 1u << 1,  /* a string tells the assembler to read a file */
	EXPANSION_UNNAMED = 1u << 2 /* a file is included by a name that stays unknown */
};

/*
 * A macro of time that is only spelled, not expanded, does no harm; nor does an
 * .incbin in no string of the unit. What a macro includes has to have a name: it
 * is added to those that the inputs spell. NONE, or why nothing may be stored.
 */
enum soldr_reason expansion_judge(struct unit *, struct input_list *, char *detail, size_t detail_size);
/* That part of it, for what the preprocessor gave with -dI. false: not all can be told. */
bool expansion_add_names(const struct unit *, struct input_list *, const char *text, size_t len);
/*
 * Runs the preprocessor once more to have it write the make rule of all inputs
 * into the file. -1: it failed. Only for GCC.
 */
int expansion_list(struct unit *, const char *file);
/* Whether a string of preprocessed C or C++ may hold an .incbin or .include for the assembler. */
bool expansion_embeds(const char *text, size_t len);

/* ---- remap.c ---- */

/* Decides whether the root is mapped away for this unit. -1: memory is out. */
int remap_prepare(struct unit *);
/* True when the text of an input could make the result depend on the root. */
bool remap_text_binds(const struct unit *, const char *text, size_t len);
/* True when the names of the inputs do. */
bool remap_names_bind(const struct unit *, const struct identity *, const struct input_list *);
/* Whether other checkouts may have the result. Then e's texts are without the root, in memory that has to outlive e. */
bool remap_share(const struct unit *, struct entry *e, struct buf texts[static REMAP_TEXTS]);
/* Whether an entry that another checkout stored is what this one would have got. */
bool remap_may_serve(const struct unit *, const struct entry *);
/* Puts this root into e's texts, which then are in that memory. SOLDR_E_CORRUPT when that is none. */
int remap_restore(const struct unit *, struct entry *e, struct buf texts[static REMAP_TEXTS], soldr_error *);

/* ---- shadow.c ---- */

/* The include path, in order and tidy; names in <> are searched from *first_bracket on. */
void search_path(const struct unit *, const struct identity *, struct vec *dirs, size_t *first_bracket);

struct guard_list {
	struct guard_input *items;
	uint32_t len, cap;
	struct vec strings; /* owns paths and names */
};

void guards_release(struct guard_list *);
/*
 * NONE, or why the result must not be stored: INPUT_MODIFIED when a file that would shadow an input appeared since
 * begun, PRECOMPILED_HEADER when one lies where GCC looks for it. Adds to the inputs what __has_include found.
 */
enum soldr_reason guards_make(const struct unit *, const struct identity *, struct input_list *, int64_t begun,
                              struct guard_list *, char *detail, size_t detail_size);

#endif
