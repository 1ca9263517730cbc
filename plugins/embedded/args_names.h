/*
 * args_names: what names on a command line mean: languages, file extensions,
 * options handed on to the assembler, front end and code generator, and the
 * drivers themselves.
 */
#ifndef EMBEDDED_ARGS_NAMES_H
#define EMBEDDED_ARGS_NAMES_H

#include "invocation.h"

/* Of -x; LANGUAGE_UNKNOWN also for those that are not cached. */
enum language language_of_name(const char *name);
/* No preprocessor runs for it. */
bool language_is_preprocessed(enum language);
/* A precompiled header is made of it. */
bool language_is_header(enum language);
bool language_is_cxx(enum language);
/* Of a file by its extension. cxx: the driver is g++ or clang++, where .c, .i and .h are C++. */
enum language language_of_file(enum family, const char *path, bool cxx);

/* An option of the assembler that reads and writes no file. */
struct assembler_option {
	const char *spelling; /* a final '*': any rest */
	bool takes_next;      /* its value is the next item */
	bool cwd;             /* debug information: the working directory reaches the object */
};
const struct assembler_option *assembler_option_find(const char *item);
/*
 * The file of a listing, -a…=FILE, or NULL. Of the kinds of listing only those
 * that hold no time (g), no name of a temporary file (s, or pages for want of
 * an n) and no text of files that debug information names (h).
 */
const char *assembler_listing_file(const char *item);
/* A value of -Xclang that acts on the code alone. */
bool frontend_option_is_safe(const char *value);
/* Turns on warnings about directories of the include path that are not there: -Wmissing-include-dirs, in Clang also -Weverything. */
bool option_warns_of_missing_directories(const char *option);
/* By which messages name files by where links lead (Clang). */
bool option_resolves_names(const char *option);
/* A value of -mllvm that writes no file and no report. */
bool backend_option_is_safe(const char *value);

/* What a program name says. */
struct program_name {
	enum family family;
	bool known;        /* a driver by the name of one */
	bool cxx;          /* g++, clang++, c++ */
	bool preprocessor; /* cpp, clang-cpp */
};
struct program_name program_name_of(const char *base);

#endif
