/*
 * args_sides: the files that a compile writes besides its output and depfile.
 *
 * Options ask for kinds of files (struct side_request, filled by args_gcc);
 * sides_settle() gives them the names that the compiler will choose. A name
 * that were wrong would be found out: what is not optional has to be there
 * after the compile, or nothing is stored.
 */
#ifndef EMBEDDED_ARGS_SIDES_H
#define EMBEDDED_ARGS_SIDES_H

#include "invocation.h"

enum side {
	SIDE_FILE,        /* the option names the file */
	SIDE_FILE_ANEW,   /* likewise, and an old file is replaced, not written into */
	SIDE_SPLIT_DWARF, /* .dwo */
	SIDE_NOTES,       /* .gcno */
	SIDE_STACK_USAGE, /* .su */
	SIDE_CALL_GRAPH,  /* .ci */
	SIDE_RECORD,      /* GCC: .opt-record.json.gz, Clang: .opt.yaml */
	SIDE_RECORD_FILE, /* the name of Clang's */
	SIDE_TEMPORARIES  /* .i .s .bc … of -save-temps */
};

struct side_request {
	unsigned kinds;           /* 1 << enum side */
	const char *temporaries;  /* "", "=obj" or "=cwd" */
	const char *record_file;
	const char *dump_dir, *dump_base, *dump_extension;
	bool reads_profile;
	const char *profile;      /* "": by its default name */
	bool compile, emit_llvm, syntax_only; /* what the options say */
};

/* Adds a file. false: too many, or memory is out. */
bool sides_add(struct invocation *, const char *path, bool optional, bool keeps_mode);
/*
 * Adds all files that are asked for, and the profile that is read to the
 * inputs. The invocation's language, source, output, depfile and key are known by
 * then. cwd: absolute. false: memory is out. What cannot be restored in full
 * refuses the invocation.
 */
bool sides_settle(struct invocation *, const struct side_request *, const char *cwd);
/*
 * The same beforehand for a precompiled header. language: by its name, or NULL. unnamed_depfile: one without a name is asked for.
 * NONE, or why such a call is not cached, with a detail unless it is the source.
 */
enum soldr_reason sides_of_header(struct invocation *, struct side_request *, const char *language, bool unnamed_depfile, const char **detail);
/* What GCC puts in front of the extension of a further file, or of a depfile that -o does not name. NULL: no memory. */
char *sides_gcc_prefix(const struct invocation *, const struct side_request *);

#endif
