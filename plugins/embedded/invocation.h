/*
 * invocation: what a compiler call asks for, in terms that no longer depend on
 * the compiler's spelling. args_gcc fills it for GCC and Clang.
 *
 * A refusal is a result like any other: `refused` names the reason and
 * `detail` the option. All strings are owned by the invocation; paths are as
 * the user spelled them (relative ones to the request's cwd) unless said.
 *
 * The rule for options (docs/architecture.md): each known option has an effect
 * in one table. An unknown option goes into the key, in order; an unknown
 * option whose value may be a path refuses the request.
 */
#ifndef EMBEDDED_INVOCATION_H
#define EMBEDDED_INVOCATION_H

#include "buf.h"

#include <soldr/reason.h>

/* On disk: never renumber. */
enum family { FAMILY_UNKNOWN, FAMILY_GCC, FAMILY_CLANG, FAMILY_RUSTC };

enum language {
	LANGUAGE_UNKNOWN,
	LANGUAGE_C,
	LANGUAGE_CXX,
	LANGUAGE_OBJC,
	LANGUAGE_OBJCXX,
	LANGUAGE_C_CPP_OUTPUT,   /* .i */
	LANGUAGE_CXX_CPP_OUTPUT, /* .ii */
	LANGUAGE_ASM,            /* .s */
	LANGUAGE_ASM_CPP,        /* .S .sx */
	LANGUAGE_HEADER,         /* this one and those below: a precompiled header is made */
	LANGUAGE_HEADER_CXX,
	LANGUAGE_HEADER_OBJC,
	LANGUAGE_HEADER_OBJCXX
};

enum action {
	ACTION_OBJECT,   /* -c */
	ACTION_ASSEMBLY, /* -S */
	ACTION_SYNTAX    /* -fsyntax-only: messages, perhaps a depfile */
};

enum depfile_mode {
	DEPFILE_NONE,
	DEPFILE_ALL, /* -MD: system headers too */
	DEPFILE_USER /* -MMD: user headers only */
};

enum include_kind { INCLUDE_QUOTE, INCLUDE_NORMAL, INCLUDE_SYSTEM, INCLUDE_AFTER };

struct include_dir {
	enum include_kind kind;
	char *path;
};

enum { SOURCES_MAX = 64, SIDE_OUTPUTS_MAX = 24 };

/* Programs that the driver finds on PATH, as bits. */
enum tool { TOOL_ASSEMBLER = 1, TOOL_OBJCOPY = 2 };

/* A file that is written besides the output and the depfile. */
struct side_output {
	char *path;
	bool optional;   /* whether it is written depends on the source, too */
	bool keeps_mode; /* the compiler writes into a file that is there */
	bool rewritten;  /* it is written twice */
};

struct invocation {
	enum family family;
	enum soldr_reason refused; /* SOLDR_REASON_NONE: cacheable as far as the arguments tell */
	char detail[200];          /* the option or file behind a refusal */

	enum action action;
	enum language language;
	char *source;
	char *output;        /* given by -o, or the compiler's default for it */
	bool output_given;
	bool no_output;      /* nothing is left under that name: -fsyntax-only, -o /dev/null */
	bool output_keeps_mode; /* the compiler writes into an output that is there */
	bool output_is_rewritten; /* it is written twice: objcopy takes the debug information out of an object */
	unsigned tools;           /* enum tool */
	bool preprocesses_apart;  /* Clang reads its own preprocessed text */
	struct side_output sides[SIDE_OUTPUTS_MAX];
	size_t side_count;

	enum depfile_mode depfile_mode;
	char *depfile;       /* where the compiler will write it; NULL: none */
	bool depfile_given;  /* by -MF or -Wp,-MD,FILE */
	/*
	 * Where in args[] the -MMD stands that must become -MD to learn all inputs
	 * (GCC; the user's own depfile is then filtered), and the text to put there
	 * ("-MD" or "-Wp,-MD,FILE"). -1: none.
	 */
	int mmd_index;
	char *mmd_replacement;

	struct vec args;     /* argv with response files expanded; args[0] is the compiler as spelled */
	bool expanded;       /* there was a response file */
	/* Where in args the input files stand; a call with more of them is refused with source_count 0. */
	size_t source_at[SOURCES_MAX], source_count;
	/*
	 * What decides the result, in order: every argument but argv[0], the
	 * source, -o and its value, -MF and its value, and those proven irrelevant.
	 * An option and its separate value stay two items; "-I" "dir" and "-Idir"
	 * may differ.
	 */
	struct vec key_args;
	/*
	 * Set when the output's name reaches the bytes of an output (the depfile's
	 * target with no -MT or -MQ, an option that derives names from it): then
	 * output and depfile names are part of the key as spelled.
	 */
	bool output_in_key;
	/* Set when the working directory can reach an output: debug information, LTO, coverage, … */
	bool cwd_in_key;
	/* Set when the compiler's own path reaches an output (Clang's -frecord-command-line). */
	bool compiler_path_in_key;
	/*
	 * The files of -include and -imacros as spelled, in order: the depfile lists
	 * them, but a .gch or .pch beside one would be read in its place.
	 */
	struct vec forced_includes;
	/* Those that Clang's driver hands to its front end as they stand: no precompiled form of them is looked for. */
	struct vec frontend_includes;
	/* The files of -include-pch. */
	struct vec precompiled;
	/* The precompiled header that is made does not hold the modification times of its inputs. */
	bool untimed;
	/* Files that options name and that no depfile lists; their contents belong to the inputs. */
	struct vec extra_inputs;
	/* The include path as the options give it, in order of the command line. */
	struct include_dir *include_dirs;
	size_t include_dir_count;
	bool no_standard_includes; /* -nostdinc, -nostdinc++ */
	/*
	 * Arguments that choose the standard include directories and the programs
	 * that the driver runs (-m*, --sysroot, -isysroot, -target, -stdlib, -nostdinc,
	 * -x is not among them): given to the probes of the compiler.
	 */
	struct vec probe_args;
	/* An option stands for the processor that the compiler runs on: see native.h. */
	bool native;
	/* The colour of diagnostics is decided by an option: the terminal does not matter for it. */
	bool colour_given;
};

#define INVOCATION_INIT ((struct invocation){.mmd_index = -1})

/*
 * Parses argv for the family. cwd: absolute, to read response files. Returns
 * 0 (also for a refusal), or -1 when memory is out. Release in both cases.
 */
int invocation_parse(struct invocation *, enum family, const char *const *argv, const char *cwd);
void invocation_release(struct invocation *);

/*
 * The family that a program name suggests ("gcc-12", "x86_64-linux-gnu-g++",
 * "clang++-14", "cc", "c++"): cc and c++ give UNKNOWN, since they may be either.
 */
enum family family_of_name(const char *base);

#endif
