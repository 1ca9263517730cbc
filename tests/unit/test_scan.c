/*
 * scan: what it must see, whatever the dialect, and what it must not take for
 * more than it is. `may`: flags that it is free to raise as well (it may
 * suspect too much, never too little).
 */
#include "room.h"
#include "scan.h"

static void wrappers_of_has_include_are_named(void)
{
	static const struct {
		const char *text, *wrapper; /* NULL: none, and the asking is computed */
	} rows[] = {
		{"#define HAS(x) __has_include(x)\n", "HAS"},
		{"#  define HAS( a , x ) \\\n  (a && __has_include ( x ))\n", "HAS"},
		{"int first;\n#define HAS(x) __has_include_next(x)\n", "HAS"},
		{"#define HAS(x) __has_include(y)\n", NULL},
		{"#define HAS(x) __has_include(#x)\n", NULL},
		{"#define HAS(x) __has_include(x y)\n", NULL},
		{"#define HAS __has_include\n", NULL},
		{"#define OTHER(x) 1\n#if __has_include(x)\n#endif\n", NULL},
		{"#undef HAS(x) __has_include(x)\n", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vec wrappers = VEC_INIT;
		struct scan s = {.wrappers = &wrappers};
		scan_text(&s, rows[i].text, strlen(rows[i].text), false);
		SAME_NUMBER(wrappers.len, rows[i].wrapper ? 1 : 0);
		SAME_NUMBER(!!(s.flags & SCAN_HAS_COMPUTED), !rows[i].wrapper);
		if (rows[i].wrapper && wrappers.len)
			CU_ASSERT_STRING_EQUAL(wrappers.items[0], rows[i].wrapper);
		vec_release(&wrappers);
	}
}

static void names_that_a_wrapper_is_asked_for_are_found(void)
{
	static const char text[] = "#ifdef HAS\n#if HAS(<a.h>) || HAS ( \"b.h\" )\n#endif\n#endif\n";
	static const char computed[] = "#if HAS(NAME)\n#endif\n";
	struct vec asking = VEC_INIT, names = VEC_INIT, met = VEC_INIT;
	vec_add(&asking, "HAS");
	struct scan s = {.has_includes = &names, .asking = &asking, .wrappers = &met};
	scan_text(&s, text, strlen(text), false);
	SAME_NUMBER(names.len, 2);
	SAME_NUMBER(!!(s.flags & SCAN_HAS_COMPUTED), 0);
	scan_text(&s, computed, strlen(computed), false);
	SAME_NUMBER(!!(s.flags & SCAN_HAS_COMPUTED), 1);
	vec_release(&asking);
	vec_release(&names);
	vec_release(&met);
}

/* Which words behind #include may be macros: those that some text defines. */
static void macros_behind_include_are_named(void)
{
	static const struct {
		const char *text, *computed; /* NULL: none; "": no plain word */
		bool defined;
	} rows[] = {
		{"#include <a.h>\n", NULL, false},
		{"#ifdef USER\n#include USER\n#endif\n", "USER", false},
		{"#include USER /* x */\n#undef USER\n", "USER", false},
		{"#define USER <a.h>\n#include USER\n", "USER", true},
		{"# /* x */ define /* y */ USER <a.h>\n#include USER", "USER", true},
		{"%:define USER <a.h>\n#include USER\n", "USER", true},
		{"#de\\\nfine USER <a.h>\n#include USER\n", "USER", true},
		{"#define US\\\nER <a.h>\n#include USER\n", "USER", true},
		{"#define US?\?/\nER <a.h>\n#include USER\n", "USER", true},
		{"#define USER(x) <x.h>\n#include USER(a)\n", "USER", true},
		{"#include US\\\nER\n", "", false},
		{"#include USER\\\n\n", "", false},
		{"#include \xc3\xa9\n", "", false},
		{"#include a\\u00e9\n", "", false},
		{"#include 1\n", "", false},
		{"#include\n", "", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vec computed = VEC_INIT;
		struct scan_names defined = {0};
		struct scan s = {.computed = &computed, .defined = &defined};
		scan_text(&s, rows[i].text, strlen(rows[i].text), false);
		SAME_NUMBER(computed.len, rows[i].computed ? 1 : 0);
		SAME_NUMBER(!!(s.flags & SCAN_COMPUTED), rows[i].computed != NULL);
		if (rows[i].computed && computed.len)
			SAME(computed.items[0], rows[i].computed);
		SAME_NUMBER(scan_names_have(&defined, "USER", 4), rows[i].defined);
		vec_release(&computed);
	}
}

void suite_scan(void);

enum {
	D = SCAN_DATE, T = SCAN_TIME, S = SCAN_TIMESTAMP, I = SCAN_INCBIN, E = SCAN_EMBED, H = SCAN_HAS_INCLUDE, O = SCAN_ONCE, A = SCAN_ONCE_ANY, W = SCAN_ONCE_WORD, M = SCAN_PRAGMA_MADE,
	G = SCAN_DEPENDENCY, P = SCAN_PASTE, C = SCAN_COMPUTED, Y = SCAN_SYSTEM_HEADER, X = SCAN_HAS_COMPUTED
};

struct row {
	const char *text;
	uint32_t must, may;
	enum { CODE, ASSEMBLY, OLD_C, NO_RAW_STRINGS } how;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		struct scan s = {.old_c = r->how == OLD_C, .no_raw_strings = r->how == NO_RAW_STRINGS};
		/* A copy of its very length: a sanitizer sees a byte too much. */
		size_t len = strlen(r->text);
		char *copy = malloc(len ? len : 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, r->text, len);
		scan_text(&s, copy, len, r->how == ASSEMBLY);
		free(copy);
		uint32_t flags = scan_conclude(&s);
		bool good = (flags & r->must) == r->must && !(flags & ~(r->must | r->may));
		if (!good)
			fprintf(stderr, "\n<%s>\n  must 0x%x, may 0x%x, got 0x%x\n", r->text, r->must, r->may, flags);
		CU_ASSERT(good);
	}
}
#define CHECK(rows) check_rows(rows, sizeof rows / sizeof *rows)

static void time_macros(void)
{
	static const struct row rows[] = {
		{"char *d = __DATE__;", D, 0, CODE},
		{"char *t = __TIME__;", T, 0, CODE},
		{"char *t = __TIMESTAMP__;", S, 0, CODE},
		{"__DATE__ __TIME__ __TIMESTAMP__", D | T | S, 0, CODE},
		{"__DATE__", D, 0, CODE},
		{"(__DATE__)", D, 0, CODE},
		{"x\n#if 0\n__DATE__\n#endif\n", D, 0, CODE}, /* conditions are not known */
		{"#define WHEN __TIME__", T, 0, CODE},
		{"#pragma message(__TIME__)", T, 0, CODE},
		{"_Static_assert(1, \"\" __DATE__ \"\");", D, 0, CODE},
		{"\"x\"__DATE__", D, 0, CODE},
		{"'x'__DATE__", D, 0, CODE},
		{"1'000 + __DATE__ '", D, 0, CODE},
		{".ascii __DATE__", D, 0, ASSEMBLY},
		{"# it's __DATE__", D, 0, ASSEMBLY},
		{"/* __DATE__ */", 0, D, ASSEMBLY},
		/* Dialects that do not count these to identifiers. */
		{"$__DATE__", D, 0, CODE},
		{"__DATE__$", D, 0, CODE},
		{"\xe2\x86\x92__DATE__", D, 0, CODE},
		/* No such words. */
		{"x__DATE__ __DATE__x _DATE_ __date__ DATE __DATE___ 1__DATE__", 0, 0, CODE},
		{"__TIME __TIMESTAMP _ _TIME__ __STDC__ __FILE__ __LINE__ __COUNTER__", 0, 0, CODE},
		{"", 0, 0, CODE},
		{"\n", 0, 0, CODE},
		{"int a_very_long_identifier_of_more_than_sixty_four_characters_that_ends_in__DATE__;", 0, 0, CODE},
		/* In a string the word stands for itself; it may be suspected. */
		{"puts(\"__DATE__\");", 0, D, CODE},
	};
	CHECK(rows);
}

static void comments_hide(void)
{
	static const struct row rows[] = {
		{"/* __DATE__ */", 0, 0, CODE},
		{"// __DATE__\n", 0, 0, CODE},
		{"// __DATE__", 0, 0, CODE},
		{"/* __DATE__", 0, 0, CODE},
		{"/**/ __DATE__ /**/", D, 0, CODE},
		{"/*/ __DATE__ */", 0, 0, CODE},
		{"/* **/ __DATE__", D, 0, CODE},
		{"/* /* */ __DATE__", D, 0, CODE},
		{"/* // */ __DATE__", D, 0, CODE},
		{"// /*\n__DATE__", D, 0, CODE},
		{"// x \\\n__DATE__\n", 0, 0, CODE},
		{"// x \\ \t\n__DATE__\n", 0, 0, CODE},
		{"// x \\\r\n__DATE__\r\n", 0, 0, CODE},
		{"// x \\\\\n__DATE__\n", 0, 0, CODE},
		{"// x \\ y\n__DATE__\n", D, 0, CODE},
		{"a / b __DATE__ / c", D, 0, CODE},
		{"a /\\\n* __DATE__ */ b", 0, D, CODE},
		{"a /\\\n/ __DATE__\n", 0, D, CODE},
		{"/* c *\\\n/ __DATE__ /* */", D, 0, CODE},
		{"/* c *\\ \r\n\\\n/ __DATE__ /* */", D, 0, CODE},
		{"/* don't */ __DATE__ /* can't */", D, 0, CODE},
		{"/* \" */ __DATE__ /* \" */", D, 0, CODE},
		/* -ansi: two slashes are no comment. */
		{"a //* c */ __DATE__\n", D, SCAN_COMMENT_IN_LINE, OLD_C},
		{"// __DATE__\n", D, 0, OLD_C},
		{"/* __DATE__ */", 0, 0, OLD_C},
		/* With "??/" the line goes on or not, as the dialect has it; so with a carriage return or a NUL. */
		{"// what ?\?/\n__DATE__\n", D, 0, CODE},
		{"// what \r__DATE__\n", D, 0, CODE},
		{"// what\r\n__DATE__\r\n", D, 0, CODE},
		{"/* c *?\?/\n/ __DATE__ /* */", D, 0, CODE},
	};
	CHECK(rows);
}

static void strings_and_characters_do_not_open_comments(void)
{
	static const struct row rows[] = {
		{"\"/*\" __DATE__ \"*/\"", D, 0, CODE},
		{"\"//\" __DATE__", D, 0, CODE},
		{"\"\\\"/*\" __DATE__", D, 0, CODE},
		{"\"\\\\\" __DATE__ /* \" */", D, 0, CODE},
		{"\"a\\\n/*\" __DATE__ /* */", D, 0, CODE},
		{"\"a\\\\\n/*\" __DATE__", D, 0, CODE},
		{"\"unterminated /*\n__DATE__ /* */", D, 0, CODE},
		{"'\"' /* ' __TIME__ */ __DATE__ '\"'", D, 0, CODE},
		{"L'\"' __DATE__ L'\"'", D, 0, CODE},
		{"u8'\"' /* __TIME__ */ __DATE__", D, 0, CODE},
		{"'\\'' /* ' __TIME__ */ __DATE__", D, 0, CODE},
		{"'/*' __DATE__", D, 0, CODE},
		{"don't /*\n__DATE__", D, 0, CODE},
		{"1'000'000 /* ' */ __DATE__ /* ' */", D, 0, CODE},
		{"0x1'f /* it's __TIME__ */ __DATE__", D, 0, CODE},
		{"1e5'0 \"/*\" __DATE__", D, 0, CODE},
		{"\"a?\?/\" /* \" __DATE__ /* */", D, 0, CODE},
	};
	CHECK(rows);
}

static void raw_strings(void)
{
	static const struct row rows[] = {
		{"R\"(/*)\" __DATE__ /* */", D, 0, CODE},
		{"a(R\"(\");\n__DATE__\nb(\")\")", 0, D, CODE},
		{"a(R\"(\");\n__DATE__\nb(\")\")", D, 0, NO_RAW_STRINGS},
		{"/* OR\"(x)\" __DATE__ */", 0, 0, NO_RAW_STRINGS},
		{"R\"(\")\" __DATE__ /* \" */", D, 0, CODE},
		{"R\"x()\" /* )x\" __DATE__ /* */", D, 0, CODE},
		{"R\"x(\n//)x\" __DATE__", D, 0, CODE},
		{"u8R\"(/*)\" __DATE__", D, 0, CODE},
		{"LR\"(/*)\" uR\"(/*)\" UR\"(/*)\" __DATE__", D, 0, CODE},
		{"R\"(\\\")\" __DATE__ /* \" */", D, 0, CODE},
		{"R\\\n\"(/*)\" __DATE__ /* */", D, 0, CODE},
		{"R\"0123456789abcdef(/*)0123456789abcdef\" __DATE__", D, 0, CODE},
		/* No raw strings: too long a delimiter, another prefix, a blank between. */
		{"xR\"(\" /* )\" __TIME__ */ __DATE__", D, 0, CODE},
		{"R \"(\" /* )\" __TIME__ */ __DATE__", D, 0, CODE},
		{"R\"never closed\" __DATE__ /* */", D, 0, CODE},
		{"R\"(never closed\n__DATE__ /* */", D, 0, CODE},
	};
	CHECK(rows);
}

static void splices_join(void)
{
	static const struct row rows[] = {
		{"__DA\\\nTE__", D, 0, CODE},
		{"__DA\\\r\nTE__", D, 0, CODE},
		{"__DA\\ \nTE__", D, 0, CODE},
		{"__DA\\\t \v\f\nTE__", D, 0, CODE},
		{"__DA\\ \t\r\nTE__", D, 0, CODE},
		{"__DA?\?/\nTE__", D, 0, CODE},
		{"__DA?\?/ \r\nTE__", D, 0, CODE},
		{"_\\\n_\\\nD\\\nA\\\nT\\\nE\\\n_\\\n_", D, 0, CODE},
		{"__DA\\\n\\\nTE__", D, 0, CODE},
		{"__TIMESTAMP__\\\n", S, 0, CODE},
		{"\\\n__TIME__", T, 0, CODE},
		{"x\\\n__DATE__", 0, D, CODE},
		/* Two words for compilers that know no trigraphs. */
		{"x?\?/\n__DATE__", D, 0, CODE},
		{"__DATE__?\?/\nx", D, 0, CODE},
		{"x?\?/\ny?\?/\n__DATE__?\?/\nz", D, 0, CODE},
		{"__DA\\\n TE__", 0, 0, CODE},
		{"__DA\\ x\nTE__", 0, 0, CODE},
		{"__DA\nTE__", 0, 0, CODE},
		{"__DA\\", 0, 0, CODE},
		{"__DA?\?/", 0, 0, CODE},
	};
	CHECK(rows);
	/* A NUL between backslash and newline is a blank to some. */
	static const char nul[] = "__DA\\\0\nTE__ x\\\0\n__TIME__";
	struct scan s = {0};
	scan_text(&s, nul, sizeof nul - 1, false);
	SAME_NUMBER(scan_conclude(&s), D | T);
}

static void lines_that_may_be_comments_are_suspected(void)
{
	enum { L = SCAN_COMMENT_IN_LINE };
	static const struct row rows[] = {
		{"// /*\n__DATE__\n// */", L | D, 0, OLD_C},
		{"//* \n__DATE__\n// */", L | D, 0, OLD_C},
		{"// x \\\n/*\n__DATE__\n// */", L | D, 0, OLD_C},
		{"// /*\n__DATE__\n// */", D, 0, CODE},
		{"/* http://x */ /* __DATE__ */", L | D, 0, OLD_C}, /* too much, but not too little */
		{"/* http://x\n */ /* __DATE__ */", 0, 0, OLD_C},
	};
	CHECK(rows);
}

static void pasting_is_suspected(void)
{
	static const struct row rows[] = {
		{"#define P __DA##TE__", P | D, 0, CODE},
		{"#define P(a, b) a##b\nP(__DA, TE__)", P | D, 0, CODE},
		{"#define P(a, b) a ## b\nP(TE__, __DA)", P | D, 0, CODE}, /* the order is not known */
		{"_##_TIME_##_", P | T, 0, CODE},
		{"__##D##A##T##E##__", P | D, 0, CODE},
		{"#define P(a) a ## D ## ATE__\nP(__)", P | D, 0, CODE},
		{"#define P(a) D ## a\nP(ATE__) Q(__)", P | D, 0, CODE},
		{"__TIME##STAMP__", P | S, 0, CODE},
		{"__DA %:%: TE__", P | D, 0, CODE},
		{"__DA ?\?=?\?= TE__", P | D, 0, CODE},
		{"__DA #\\\n# TE__", P | D, 0, CODE},
		{"__DA %\\\n:%\\\n: TE__", P | D, 0, CODE},
		{"__DA #%: TE__", 0, P | D, CODE},
		{"__D\\\nA ## T\\\nE__", P | D, 0, CODE},
		{"__DA /* x */ ## /* y */ TE__", P | D, 0, CODE},
		{"#define P(a,b) a##b\n/* __DA TE__ */", P, 0, CODE},
		{"#define P(a,b) a##b\nint __x, y__, DATE;", P, 0, CODE},
		{"#define P(a,b) a##b\nint x = __DA, y = T;", P, 0, CODE},
		{"__DA TE__", 0, 0, CODE},
		{"#define P(a,b) a##b\nputs(\"__DA\" \"TE__\");", P, D, CODE},
		{"#define S(x) #x", 0, 0, CODE},
	};
	CHECK(rows);
}

static void pieces_add_up_over_files(void)
{
	static const char *const files[] = {"#define CAT(a, b) a ## b\n", "int y = FIRST(__TI);\n", "int x = SECOND(ME__);\n"};
	enum { FILES = sizeof files / sizeof *files };
	for (unsigned set = 0; set < 1u << FILES; set++) {
		struct scan s = {0};
		for (unsigned i = 0; i < FILES; i++)
			if (set >> i & 1)
				scan_text(&s, files[i], strlen(files[i]), false);
		SAME_NUMBER(scan_conclude(&s), (set & 1 ? P : 0) | (set == 7 ? T : 0));
	}
}

static void directives(void)
{
	static const struct row rows[] = {
		{"#pragma once", O, 0, CODE},
		{"# pragma /* c */ once", O, 0, CODE},
		{"#pragma\\\n once", O, 0, CODE},
		{"#pragma\fonce", O, 0, CODE},
		{"%:pragma once", O, 0, CODE},
		{"?\?=pragma once", O, 0, CODE},
		{"_Pragma(\"once\")", O | A, 0, CODE},
		{"_Pragma ( \"once\" )", O | A, 0, CODE},
		{"_Pragma(L\"once\")", O | A, 0, CODE},
		{"_Pragma(R\"(once)\")", O | A, 0, CODE},
		{"__pragma(once)", O | A, M, CODE},
		{"#pragma once\r\n", O, 0, CODE},
		{"/* #pragma once */", 0, 0, CODE},
		{"pragma once;", 0, 0, CODE},
		{"#pragma GCC once", 0, O | W, CODE},
		{"int once;", 0, 0, CODE},
		{"int f(int *once, int (*)());", 0, 0, CODE},
		{"puts(\"not at once\")", 0, 0, CODE},
		{"P(\"once\")", W, 0, CODE},
		{"#define W once\n", W, 0, CODE},
		{"#define W() \\\n once\n", W, 0, CODE},
		{"P ( once )", W, 0, CODE},
		{"P(on\\\nce)", W, 0, CODE},
		{"#define P(x) _Pragma(#x)\nP(once)", O | A | W | M, 0, CODE}, /* once the two are put together */
		{"#define P(x) _Pragma(#x)", M, 0, CODE},
		{"#ifdef _Pragma", 0, 0, CODE},
		{"#import \"x.h\"", O | A, 0, CODE},
		{"#pragma GCC dependency \"x.y\"", G, 0, CODE},
		{"_Pragma(\"GCC dependency \\\"x.y\\\"\")", G, 0, CODE},
		{"#pragma clang dependency \"x.y\"", G, 0, CODE},
		{"#pragma GCC poison dependency", 0, G, CODE},
		{"#pragma GCC system_header", Y, 0, CODE},
		{"int dependency, system_header;", 0, 0, CODE},
		{"#pragma GCC pch_preprocess \"x.gch\"", E, 0, CODE},
		{"#embed \"data.bin\"", E, 0, CODE},
		{"# embed <data.bin> limit(4)", E, 0, CODE},
		{"#if __has_embed(\"x\")", E, 0, CODE},
		{"int embed = 1;", 0, 0, CODE},
		{"#include MACRO", C, 0, CODE},
		{"#include_next MACRO", C, 0, CODE},
		{"#include <unclosed", C, 0, CODE},
		{"#include \"x.h\"", 0, 0, CODE},
		{"#if __has_include(<x.h>)", H, 0, CODE},
		{"#if __has_include(MACRO)", H | X, 0, CODE},
		{"#if defined(__has_include) && 1", 0, H, CODE},
		{"#ifdef __has_include", 0, H, CODE},
		{"#define ASK __has_include", H | X, 0, CODE},
		{"#define ASK(x) __has_include(x)", H | X, 0, CODE},
		{"#if __has_include_next(\"x.h\")", H, 0, CODE},
	};
	CHECK(rows);
}

static void embedded_files(void)
{
	static const struct row rows[] = {
		{"asm(\".incbin \\\"x\\\"\");", I, 0, CODE},
		{"asm(\"nop\\n\\t.incbin \\\"x\\\"\");", I, 0, CODE},
		{"asm(R\"(.incbin \"x\")\");", I, 0, CODE},
		{"asm(\".INCBIN \\\"x\\\"\");", I, 0, CODE},
		{"asm(\".inc\\\nbin 'x'\");", I, 0, CODE},
		{"asm(\".include \\\"x.s\\\"\");", I, 0, CODE},
		{"asm(\".include\\t\\\"x.s\\\"\");", I, 0, CODE},
		{"#define INC(f) asm(\".include \" #f)", I, 0, CODE},
		{"#define INCBIN .incbin", I, 0, CODE},
		{".incbin \"x\"", I, 0, ASSEMBLY},
		{".include \"x.s\"", I, 0, ASSEMBLY},
		{".Include \"x.s\"", I, 0, ASSEMBLY},
		{"\t.text\n\tnop # .include\n", 0, I, ASSEMBLY},
		{"struct o o = {.include = 1, .include= x};", 0, 0, CODE},
		{"o.include = 1; o.include(); f(o.include)", 0, 0, CODE},
		{"o.included .incbins .xincbin xinclude", 0, 0, CODE},
		{"asm(\".inc\" \"bin \\\"x\\\"\");", I, 0, CODE},
		{"asm(\".\" \"incbin \\\"x\\\"\");", I, 0, CODE},
		{"incbin", 0, I, CODE},
		{"/* .incbin \"x\" */", 0, 0, CODE},
		{"\t.text\n\t.globl main\nmain:\tret\n", 0, 0, ASSEMBLY},
	};
	CHECK(rows);
}

/* ---- names -------------------------------------------------------------------------------- */

static void expect_names(const char *text, const char *includes, const char *asked)
{
	struct vec got = VEC_INIT, has = VEC_INIT;
	struct scan s = {.includes = &got, .has_includes = &has};
	struct buf a = BUF_INIT, b = BUF_INIT;
	scan_text(&s, text, strlen(text), false);
	for (size_t i = 0; i < got.len; i++)
		buf_addf(&a, "%s|", got.items[i]);
	for (size_t i = 0; i < has.len; i++)
		buf_addf(&b, "%s|", has.items[i]);
	SAME(buf_str(&a), includes);
	SAME(buf_str(&b), asked);
	buf_release(&a);
	buf_release(&b);
	vec_release(&got);
	vec_release(&has);
}

static void included_names_are_listed(void)
{
	expect_names("#include \"a.h\"\n#include <b/c.h>\n", "\"a.h|<b/c.h|", "");
	expect_names("#include<a>\n#include\"b\"", "<a|\"b|", "");
	expect_names(" # /* x */ include /* y */ \"a b.h\" /* z */\n", "\"a b.h|", "");
	expect_names("#\\\ninc\\\nlude \\\n \"a\\\n.h\"\n", "\"a.h|", "");
	expect_names("#/\\\n* c *\\\n/ include <x>\n", "<x|", "");
	expect_names("%:include <x>\n?\?=include <y>\n", "<x|<y|", "");
	expect_names("#include <sys//*.h>\n#include <next>\n", "<sys//*.h|<next|", "");
	expect_names("#include \"it's\"\r\n#include \"n\\ext\"\r\n", "\"it's|\"n\\ext|", "");
	expect_names("#include_next <stdio.h>\n#import \"o.h\"\n", "<stdio.h|\"o.h|", "");
	expect_names("#if 0\n#include \"hidden\"\n#endif", "\"hidden|", "");
	expect_names("/*\n#include \"a\"\n*/ // #include \"b\"\n", "", "");
	expect_names("#include MACRO\n#include <\n", "", "");
	expect_names("include \"x\"\nputs(\"#include <y>\");", "", "");
	expect_names("#if __has_include(<a.h>) && __has_include ( \"b.h\" )\n", "", "<a.h|\"b.h|");
	expect_names("#if defined(__has_include) && __has_include_next(<d//e.h>) && __has_include(<f.h>)", "", "<d//e.h|<f.h|");
}

/* ---- the machine's own headers ------------------------------------------------------------ */

/* Scans all that a unit includes; the flags together. */
static uint32_t scan_unit(struct room *room, const char *compiler, const char *source)
{
	struct scan s = {0};
	struct buf rule = BUF_INIT;
	SAME_NUMBER(room_sh(room, "%s -M %s > unit.d", compiler, source), 0);
	rule = room_get(room, "unit.d");
	size_t files = 0;
	for (char *p = strtok(buf_str(&rule)[0] ? rule.data : NULL, " \n\\"); p; p = strtok(NULL, " \n\\")) {
		struct buf text = BUF_INIT;
		if (*p != '/')
			continue;
		SAME_NUMBER(fs_read_file(p, 64 << 20, &text, NULL), 0);
		scan_text(&s, buf_str(&text), text.len, false);
		buf_release(&text);
		files++;
	}
	CU_ASSERT(files > 10);
	buf_release(&rule);
	return scan_conclude(&s);
}

static void usual_headers_raise_no_alarm(void)
{
	static const uint32_t refused = D | T | S | I | E | G;
	struct room room;
	room_init(&room, "scan");
	room_put(&room, "c.c", "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n#include <unistd.h>\n");
	room_put(&room, "x.cc", "#include <iostream>\n#include <vector>\n#include <map>\n#include <regex>\n#include <thread>\n");
	SAME_NUMBER(scan_unit(&room, "gcc", "c.c") & refused, 0);
	SAME_NUMBER(scan_unit(&room, "g++", "x.cc") & refused, 0);
	room_release(&room);
}

/* Every way to cut a text, so that nothing is read beyond its end. */
static void texts_may_end_anywhere(void)
{
	static const char text[] = "#include \"a\\\nb\" ?\?/\n__has_include(<x>) R\"q(x)q\" 'a\\\\' \"\\\"\" _Pragma(\"once\") %\\\n:%: ?\?=?\?= "
	                           "/* x *\\\n/ // y\\\n .incbin .include \"z\" __DA\\\nTE__ 1'0";
	for (size_t from = 0; from < sizeof text; from++)
		for (size_t to = from; to < sizeof text; to++) {
			struct scan s = {0};
			struct vec names = VEC_INIT;
			char *copy = malloc(to - from + 1);
			CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
			char *cut = copy + 1; /* ends where the memory ends */
			memcpy(cut, text + from, to - from);
			s.includes = s.has_includes = &names;
			scan_text(&s, cut, to - from, from & 1);
			vec_release(&names);
			free(copy);
		}
}

void suite_scan(void)
{
	CU_pSuite s = CU_add_suite("scan", NULL, NULL);
	CU_add_test(s, "c08: time macros", time_macros);
	CU_add_test(s, "c08: comments hide", comments_hide);
	CU_add_test(s, "c08: strings and characters do not open comments", strings_and_characters_do_not_open_comments);
	CU_add_test(s, "c08: raw strings", raw_strings);
	CU_add_test(s, "c08: splices join", splices_join);
	CU_add_test(s, "c21: lines that may be comments are suspected", lines_that_may_be_comments_are_suspected);
	CU_add_test(s, "c08: pasting is suspected", pasting_is_suspected);
	CU_add_test(s, "c08: pieces add up over files", pieces_add_up_over_files);
	CU_add_test(s, "c10, c21: directives", directives);
	CU_add_test(s, "c21: embedded files", embedded_files);
	CU_add_test(s, "c11: included names are listed", included_names_are_listed);
	CU_add_test(s, "usual headers raise no alarm", usual_headers_raise_no_alarm);
	CU_add_test(s, "texts may end anywhere", texts_may_end_anywhere);
	CU_add_test(s, "wrappers of __has_include are named", wrappers_of_has_include_are_named);
	CU_add_test(s, "names that a wrapper is asked for are found", names_that_a_wrapper_is_asked_for_are_found);
	CU_add_test(s, "c11: macros behind #include are named", macros_behind_include_are_named);
}
