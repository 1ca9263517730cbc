/*
 * args_table: the one table of the options of GCC and Clang.
 *
 * An option is looked up by its longest spelling in the table: exactly, or as
 * the head of a joined value. What is not found is unknown: the parser hashes
 * it, or refuses it where its value may name a file.
 */
#ifndef EMBEDDED_ARGS_TABLE_H
#define EMBEDDED_ARGS_TABLE_H

#include "invocation.h"

enum option_arity {
	ARITY_NONE,     /* -c */
	ARITY_JOINED,   /* -std=c11; the value may be empty */
	ARITY_SEPARATE, /* --param name=value */
	ARITY_EITHER    /* -Idir, -I dir */
};

enum option_effect {
	EFFECT_KEY,                 /* decides the result; hashed in order, nothing else */
	EFFECT_COMPILE,             /* -c */
	EFFECT_ASSEMBLY,            /* -S */
	EFFECT_PREPROCESS,          /* -E -M -MM */
	EFFECT_SYNTAX_ONLY,         /* -fsyntax-only */
	EFFECT_QUESTION,            /* asks the driver: --version, -print-… */
	EFFECT_OUTPUT,              /* -o */
	EFFECT_LANGUAGE,            /* -x */
	EFFECT_DRIVER_MODE,         /* --driver-mode= */
	EFFECT_DEPFILE_ALL,         /* -MD */
	EFFECT_DEPFILE_USER,        /* -MMD */
	EFFECT_DEPFILE_NAME,        /* -MF */
	EFFECT_DEPFILE_TARGET,      /* -MT -MQ */
	EFFECT_DEPFILE_PHONY,       /* -MP */
	EFFECT_INCLUDE_QUOTE,
	EFFECT_INCLUDE_NORMAL,
	EFFECT_INCLUDE_SYSTEM,
	EFFECT_INCLUDE_AFTER,
	EFFECT_FORCED_INCLUDE,      /* -include -imacros: the depfile lists the file */
	EFFECT_PRECOMPILED,         /* -include-pch */
	EFFECT_EXTRA_INPUT,         /* a file that no depfile lists */
	EFFECT_PROFILE_USE,         /* reads a profile: the one named, or one found by name */
	EFFECT_SIDE,                /* writes a further file */
	EFFECT_DUMP_DIR,            /* -dumpdir: GCC names further files by it */
	EFFECT_DUMP_BASE,           /* -dumpbase */
	EFFECT_DUMP_EXTENSION,      /* -dumpbase-ext */
	EFFECT_MACHINE,             /* -march= …: "native" is this processor */
	EFFECT_ARCHITECTURE,        /* -arch: once */
	EFFECT_EMIT_LLVM,           /* another default output name */
	EFFECT_COLOUR,              /* decides the colour of diagnostics; the value "auto" does not */
	EFFECT_PREPROCESSOR_LIST,   /* -Wp, */
	EFFECT_PREPROCESSOR_OPTION, /* -Xpreprocessor */
	EFFECT_ASSEMBLER_LIST,      /* -Wa, */
	EFFECT_ASSEMBLER_OPTION,    /* -Xassembler */
	EFFECT_FRONTEND_OPTION,     /* -Xclang */
	EFFECT_BACKEND_OPTION,      /* -mllvm */
	EFFECT_REFUSE
};

enum {
	OPTION_CWD = 1,            /* the working directory reaches an output */
	OPTION_OUTPUT_NAME = 2,    /* the output's name reaches an output */
	OPTION_COMPILER_PATH = 4,  /* the compiler's own path reaches an output */
	OPTION_PROBE = 8,          /* also for the probes of the compiler */
	OPTION_NO_STANDARD = 16,   /* standard include directories are dropped */
	OPTION_CHECK_VALUE = 32    /* refused where the value may name a file */
};

enum { OPTION_FOR_GCC = 1, OPTION_FOR_CLANG = 2, OPTION_FOR_BOTH = 3 };

struct option {
	const char *spelling;
	unsigned char families; /* OPTION_FOR_… */
	unsigned char arity;    /* enum option_arity */
	unsigned char effect;   /* enum option_effect */
	unsigned char flags;    /* OPTION_… */
	unsigned char which;    /* enum soldr_reason of EFFECT_REFUSE, enum side of EFFECT_SIDE */
};

/* Sorted by spelling as strcmp has it; one spelling may stand twice, for different families. */
extern const struct option option_table[];
extern const size_t option_table_size;

/* The entry for an argument, or NULL. *value: where a joined value begins, NULL without one. */
const struct option *option_find(enum family, const char *argument, const char **value);

#endif
