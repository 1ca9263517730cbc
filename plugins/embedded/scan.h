/*
 * scan: what in the raw text of an input could make its result differ from one
 * run to the next although no input changed.
 *
 * The scan knows no conditions and no macros: it looks at every identifier and
 * directive outside comments, with line splices (also trigraph and
 * trailing-blank ones) undone, whether or not a condition hides them. Where it
 * must guess, it takes text for code: it may suspect too much, never too little.
 *
 * Words that token pasting could build are covered by their pieces: when the
 * inputs use ## and hold identifiers that join to one of the time macros, that
 * is suspected as well. A single letter counts as a piece beside a ## only.
 */
#ifndef EMBEDDED_SCAN_H
#define EMBEDDED_SCAN_H

#include "buf.h"
#include "scan_names.h"

enum scan_flag {
	SCAN_DATE = 1u << 0,       /* __DATE__ */
	SCAN_TIME = 1u << 1,       /* __TIME__ */
	SCAN_TIMESTAMP = 1u << 2,  /* __TIMESTAMP__ */
	SCAN_INCBIN = 1u << 3,     /* .incbin, or .include in assembly, or what may be one of them in pieces */
	SCAN_EMBED = 1u << 4,      /* #embed, __has_embed, #pragma GCC pch_preprocess */
	SCAN_HAS_INCLUDE = 1u << 5,
	SCAN_ONCE = 1u << 6,       /* #pragma once, #import: compares files by time and content */
	SCAN_DEPENDENCY = 1u << 7, /* #pragma GCC dependency: compares file times */
	SCAN_PASTE = 1u << 8,      /* ## */
	SCAN_COMPUTED = 1u << 9,   /* #include MACRO */
	SCAN_SYSTEM_HEADER = 1u << 10, /* #pragma GCC system_header */
	SCAN_HAS_COMPUTED = 1u << 11, /* __has_include of a name that is not spelled out */
	SCAN_ONCE_ANY = 1u << 12,  /* #import, _Pragma("once"): what SCAN_ONCE says may be about another file than this one */
	SCAN_ONCE_WORD = 1u << 13, /* the word once */
	SCAN_PRAGMA_MADE = 1u << 14, /* _Pragma of something that is not spelled out */
	SCAN_COMMENT_IN_LINE = 1u << 15 /* a comment begins in what may be one of the other kind */
};

/* Pieces of the three macro names met as identifiers, one bit for each substring (scan.c). */
struct scan_pieces {
	uint64_t bits[4];
};

struct scan {
	uint32_t flags;
	bool old_c; /* // is no comment: -ansi and its like */
	bool no_raw_strings; /* R"(…)" may be a macro before a string */
	struct scan_pieces pieces;
	/* Names as spelled in #include and __has_include, each with its opening '"' or '<' first. Optional. */
	struct vec *includes;
	struct vec *has_includes;
	/* Those of them that #include_next, __has_include_next or a wrapper was given: the search may begin behind their first place. */
	struct vec *next_names;
	/* Macros that #include was given in place of a name, "" where that is more than a plain word. Optional. */
	struct vec *computed;
	/* Macros that #define was given. Optional. */
	struct scan_names *defined;
	/*
	 * Macros found to be no more than __has_include(PARAMETER). Optional; without
	 * it such a macro is SCAN_HAS_COMPUTED. A second scan of all inputs with these
	 * names as `asking` then finds the names that they are asked for.
	 */
	struct vec *wrappers;
	const struct vec *asking;
	const char *begin; /* of the text being scanned */
};

/* Adds what is found in text to s. assembly: the text is assembler source. */
void scan_text(struct scan *s, const char *text, size_t len, bool assembly);
/* After all inputs: flags, with the time macros and the pragmas that pieces could build added. */
uint32_t scan_conclude(const struct scan *);

#endif
