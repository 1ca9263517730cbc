/*
 * args_rustc: what a call of rustc or clippy-driver asks for.
 *
 * The neutral part (source, key arguments, refusal) goes into the invocation;
 * what only Rust knows is here. Paths are as the user spelled them. Key
 * arguments that name something in the output directory name it relative to
 * OUT_DIR_MARK, so that two projects can share a result.
 */
#ifndef EMBEDDED_ARGS_RUSTC_H
#define EMBEDDED_ARGS_RUSTC_H

#include "invocation.h"

#define PATH_MARK "\001"

enum { RUST_ARGS_MAX = 1 << 16, RUST_ARGFILE_MAX = 16 << 20 };

enum rust_emit {
	EMIT_DEP_INFO,
	EMIT_METADATA,
	EMIT_MIR,
	EMIT_LLVM_IR,
	EMIT_LLVM_BC,
	EMIT_ASM,
	EMIT_OBJ,
	EMIT_LINK,
	EMIT_KINDS
};

/* Bits of rust_call.crate_types. */
enum crate_type {
	CRATE_RLIB = 1u << 0, /* lib is rlib */
	CRATE_STATICLIB = 1u << 1,
	CRATE_CDYLIB = 1u << 2,
	CRATE_DYLIB = 1u << 3,
	CRATE_PROC_MACRO = 1u << 4,
	CRATE_BIN = 1u << 5 /* --test too */
};

struct rust_call {
	bool clippy;          /* clippy-driver */
	size_t head;          /* words of argv before the arguments: the program, "+name", the path of rustc for clippy */
	const char *toolchain; /* "+name" of a rustup proxy, without the plus; borrowed from argv */
	unsigned emits;       /* bit 1 << enum rust_emit */
	char *emit_path[EMIT_KINDS]; /* of --emit KIND=PATH */
	unsigned crate_types;
	bool test, crate_type_given, incremental;
	bool plugin_lto;      /* -C linker-plugin-lto */
	bool foreign;         /* --cap-lints: cargo says so of packages that are not the user's */
	bool keeps_paths;     /* paths reach outputs packed, or where only some of them are mapped */
	char *crate_name;     /* of --crate-name, or NULL */
	char *extra_filename; /* of -C extra-filename, or NULL */
	char *out_dir;        /* of --out-dir, or NULL: the working directory */
	char *output;         /* of -o, or NULL */
	char *target, *sysroot, *linker; /* or NULL */
	char *diagnostic_width;
	struct vec extern_names, extern_paths; /* of --extern NAME=PATH, in step */
	struct vec bare_externs;    /* of --extern NAME: searched for */
	struct vec dependency_dirs; /* of -L dependency= */
	struct vec crate_dirs;      /* of -L crate= and all=: a crate may be found there by its name alone */
	struct vec native_dirs;     /* of -L native= and all= */
	struct vec static_libs;     /* of -l static=NAME */
	struct vec mapped;          /* FROM of --remap-path-prefix FROM=TO */
};

/* Parses argv (argv[0]: the compiler) into both. 0, or -1 when memory is out. Release both in either case. */
int rust_parse(struct rust_call *, struct invocation *, const char *const *argv, const char *cwd);
void rust_call_release(struct rust_call *);

/* A linker runs. */
bool rust_links(const struct rust_call *);
/* The machine code of other crates is in the output: linked, or a static library. */
bool rust_bundles(const struct rust_call *);
/* path below dir: what follows "dir/"; otherwise NULL. Text only. */
const char *path_below(const char *path, const char *dir);

#endif
