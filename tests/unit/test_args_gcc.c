/*
 * The parser of GCC's and Clang's command lines: a table of calls with all
 * that is read from them, the option table's own order, and properties over
 * random calls. What the rows say about names and refusals was checked against
 * GCC 12 and Clang 14.
 */
#include "args_gcc_rows.h"
#include "args_header_rows.h"
#include "args_names.h"
#include "args_sides_rows.h"
#include "args_table.h"
#include "invocation.h"
#include "path.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void suite_args_gcc(void);

/* The words of a line as an argument vector. "%e" stands for an empty argument. */
static void split_line(struct vec *argv, const char *line)
{
	while (*line) {
		size_t len = strcspn(line, " ");

		if (len == 2 && !strncmp(line, "%e", 2))
			vec_add(argv, "");
		else
			vec_addn(argv, line, len);
		line += len + (line[len] == ' ');
	}
}

static void render_list(struct buf *out, const char *title, const struct vec *list)
{
	if (!list->len)
		return;
	buf_addf(out, " | %s", title);
	for (size_t i = 0; i < list->len; i++)
		buf_addf(out, " %s", list->items[i]);
}

static void render_flags(struct buf *out, const struct invocation *inv)
{
	const struct {
		bool set;
		const char *name;
	} flags[] = {
		{inv->output_in_key, "OUT"}, {inv->cwd_in_key, "CWD"},       {inv->compiler_path_in_key, "COMPILER"},
		{inv->colour_given, "COLOUR"}, {inv->no_output, "NONE"}, {inv->output_keeps_mode, "KEEPS"},
		{inv->output_is_rewritten, "TWICE"}, {inv->preprocesses_apart, "APART"}, {inv->no_standard_includes, "NOSTD"}, {inv->expanded, "EXPANDED"},
		{inv->native, "NATIVE"}, {inv->untimed, "UNTIMED"},
	};

	for (size_t i = 0, shown = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (flags[i].set)
			buf_addf(out, "%s%s", shown++ ? " " : " | ", flags[i].name);
}

/* The files besides the output: '?' marks one that may not be written, '+' one that is written into where it is, '*' twice. */
static void render_sides(struct buf *out, const struct invocation *inv)
{
	for (size_t i = 0; i < inv->side_count; i++)
		buf_addf(out, "%s%s%s%s%s", i ? " " : " | side ", inv->sides[i].path, inv->sides[i].optional ? "?" : "",
		         inv->sides[i].keeps_mode ? "+" : "", inv->sides[i].rewritten ? "*" : "");
}

/* "object c a.c > a.o | dep all a.d | OUT | key -MD": "=>" marks an output or depfile that was given. */
static void render(struct buf *out, const struct invocation *inv)
{
	static const char *const reasons[] = {
#define NAME(id, name, kind, text) name,
		SOLDR_REASONS(NAME)
#undef NAME
	};
	static const char *const languages[] = {"?", "c", "c++", "objc", "objc++", "i", "ii", "asm", "asm-cpp", "header", "header++", "objc-header", "objc-header++"};
	static const char *const actions[] = {"object", "assembly", "syntax"};
	static const char kinds[] = "qnsa";

	if (inv->refused != SOLDR_REASON_NONE) {
		buf_addf(out, "%s: %s", reasons[inv->refused], inv->detail);
		return;
	}
	buf_addf(out, "%s %s %s %s %s", actions[inv->action], languages[inv->language],
	         inv->source, inv->output_given ? "=>" : ">", inv->output);
	if (inv->depfile_mode != DEPFILE_NONE)
		buf_addf(out, " | dep %s %s %s", inv->depfile_mode == DEPFILE_ALL ? "all" : "user",
		         inv->depfile_given ? "=>" : ">", inv->depfile);
	if (inv->mmd_index >= 0)
		buf_addf(out, " | mmd %d %s", inv->mmd_index, inv->mmd_replacement);
	render_sides(out, inv);
	render_flags(out, inv);
	for (size_t i = 0; i < inv->include_dir_count; i++)
		buf_addf(out, "%s%c:%s", i ? " " : " | ", kinds[inv->include_dirs[i].kind], inv->include_dirs[i].path);
	render_list(out, "forced", &inv->forced_includes);
	render_list(out, "front", &inv->frontend_includes);
	render_list(out, "pch", &inv->precompiled);
	render_list(out, "extra", &inv->extra_inputs);
	render_list(out, "probe", &inv->probe_args);
	render_list(out, "key", &inv->key_args);
}

/* Parses a line in cwd; the family is what the program's name says. */
static char *parsed(const char *line, const char *cwd)
{
	struct invocation inv = INVOCATION_INIT;
	struct vec argv = VEC_INIT;
	struct buf text = BUF_INIT;

	split_line(&argv, line);
	enum family family = family_of_name(path_base(argv.items[0]));
	CU_ASSERT_EQUAL(invocation_parse(&inv, family == FAMILY_UNKNOWN ? FAMILY_GCC : family, vec_items(&argv), cwd), 0);
	render(&text, &inv);
	invocation_release(&inv);
	vec_release(&argv);
	return buf_detach(&text);
}

static void check_rows(const struct row *list, size_t count, const char *cwd)
{
	for (size_t i = 0; i < count; i++) {
		char *actual = parsed(list[i].line, cwd);
		bool equal = !strcmp(actual, list[i].expected);

		if (!equal)
			fprintf(stderr, "%s\n   expected: %s\n   actual:   %s\n", list[i].line, list[i].expected, actual);
		CU_ASSERT(equal);
		free(actual);
	}
}

/* A directory that does not exist: what a row says must not depend on files. */
static const char nowhere[] = "/nonexistent/soldr";

static void the_rows(void)
{
	check_rows(rows, sizeof rows / sizeof rows[0], nowhere);
}

static void the_rows_of_sides(void)
{
	check_rows(side_rows, sizeof side_rows / sizeof side_rows[0], nowhere);
}

static void the_rows_of_headers(void)
{
	check_rows(header_rows, sizeof header_rows / sizeof header_rows[0], nowhere);
}

static void the_table_is_sorted(void)
{
	for (size_t i = 1; i < option_table_size; i++) {
		const struct option *a = &option_table[i - 1], *b = &option_table[i];
		int order = strcmp(a->spelling, b->spelling);

		if (order > 0 || (order == 0 && (a->families & b->families)))
			fprintf(stderr, "out of order: %s, %s\n", a->spelling, b->spelling);
		CU_ASSERT(order < 0 || (order == 0 && !(a->families & b->families)));
	}
}

/* Each entry is found for each of its families: exactly, and with a joined value. */
static void every_entry_is_reached(void)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option *o = &option_table[i];

		for (int clang = 0; clang < 2; clang++) {
			char joined[80];
			const char *value;
			enum family family = clang ? FAMILY_CLANG : FAMILY_GCC;

			if (!(o->families & (clang ? OPTION_FOR_CLANG : OPTION_FOR_GCC)))
				continue;
			CU_ASSERT_PTR_EQUAL(option_find(family, o->spelling, &value), o);
			CU_ASSERT(o->arity == ARITY_JOINED ? value != NULL : value == NULL);
			if (o->arity != ARITY_JOINED && o->arity != ARITY_EITHER)
				continue;
			snprintf(joined, sizeof joined, "%s\x01", o->spelling);
			CU_ASSERT_PTR_EQUAL(option_find(family, joined, &value), o);
			CU_ASSERT_STRING_EQUAL(value, "\x01");
		}
	}
}

/* Lookup against the plain definition: the longest spelling that fits. */
static const struct option *find_slowly(enum family family, const char *argument)
{
	const struct option *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option *o = &option_table[i];
		size_t len = strlen(o->spelling);

		if (!(o->families & (family == FAMILY_CLANG ? OPTION_FOR_CLANG : OPTION_FOR_GCC)) || len <= best_len ||
		    strncmp(o->spelling, argument, len) != 0)
			continue;
		if (!argument[len] || o->arity == ARITY_JOINED || o->arity == ARITY_EITHER) {
			best = o;
			best_len = len;
		}
	}
	return best;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void lookup_finds_the_longest_spelling(void)
{
	uint32_t state = 1;

	for (size_t i = 0; i < 20000; i++) {
		char text[96];
		const char *value;
		const char *head = option_table[next_random(&state) % option_table_size].spelling;
		const char *tail = option_table[next_random(&state) % option_table_size].spelling;
		size_t cut = next_random(&state) % (strlen(head) + 1);
		enum family family = i % 2 ? FAMILY_GCC : FAMILY_CLANG;

		snprintf(text, sizeof text, "%.*s%s", (int)cut, head, tail + next_random(&state) % strlen(tail));
		CU_ASSERT_PTR_EQUAL(option_find(family, text, &value), find_slowly(family, text));
	}
}

static const char *const key_options[] = {
	"-O2",       "-Wall", "-Wno-unused", "-DX=1",     "-DX=2",  "-UX",   "-fPIC",        "-m32",
	"-Ia",       "-Ib",   "-isystemc",   "-std=c11",  "-pipe",  "-flto", "-gdwarf-5",    "-include=h",
	"-unknown1", "-zoo",  "-fmystery",   "-Wfuture=", "-Wa,-L", "-lm",   "-fno-builtin", "--param=x=1",
};

static void joined_line(struct buf *line, const char *const *options, size_t count)
{
	buf_clear(line);
	buf_adds(line, "gcc -c a.c");
	for (size_t i = 0; i < count; i++)
		buf_addf(line, " %s", options[i]);
}

/* Two different options exchanged: another key; the key holds all options in their order. */
static void order_is_kept(void)
{
	enum { COUNT = 6 };
	uint32_t state = 7;
	struct buf line = BUF_INIT;

	for (int round = 0; round < 2000; round++) {
		const char *options[COUNT];
		size_t a = next_random(&state) % COUNT, b = next_random(&state) % COUNT;

		for (size_t i = 0; i < COUNT; i++)
			options[i] = key_options[next_random(&state) % (sizeof key_options / sizeof key_options[0])];
		joined_line(&line, options, COUNT);
		char *before = parsed(buf_str(&line), nowhere);
		const char *key = strstr(before, " | key ");
		CU_ASSERT_PTR_NOT_NULL_FATAL(key);
		CU_ASSERT_STRING_EQUAL(key + strlen(" | key"), buf_str(&line) + strlen("gcc -c a.c"));

		const char *moved = options[a];
		options[a] = options[b];
		options[b] = moved;
		joined_line(&line, options, COUNT);
		char *after = parsed(buf_str(&line), nowhere);
		CU_ASSERT_EQUAL(!strcmp(before, after), !strcmp(options[a], options[b]));
		free(before);
		free(after);
	}
	buf_release(&line);
}

/* Every invocation that was not refused must be whole, whatever bytes stood in the line. */
static void check_whole(const char *line)
{
	struct invocation inv = INVOCATION_INIT;
	struct vec argv = VEC_INIT;

	split_line(&argv, line);
	for (int family = FAMILY_UNKNOWN; family <= FAMILY_CLANG; family++) {
		CU_ASSERT_EQUAL(invocation_parse(&inv, (enum family)family, argv.items ? vec_items(&argv) : (const char *const[]){NULL},
		                                 nowhere), 0);
		if (inv.refused == SOLDR_REASON_NONE) {
			CU_ASSERT(inv.source && inv.output && inv.language != LANGUAGE_UNKNOWN);
			CU_ASSERT_EQUAL(inv.depfile_mode != DEPFILE_NONE, inv.depfile != NULL);
			CU_ASSERT_EQUAL(inv.mmd_index >= 0, inv.mmd_replacement != NULL);
			CU_ASSERT(inv.side_count == 0 || inv.output_in_key);
			for (size_t i = 0; i < inv.side_count; i++)
				CU_ASSERT(*inv.sides[i].path && strcmp(inv.sides[i].path, inv.source) != 0);
		}
		invocation_release(&inv);
	}
	vec_release(&argv);
}

static void mutated_lines_are_survived(void)
{
	static const char bytes[] = "-=,@ /.\\\"'MDxco\xff\x01";
	uint32_t state = 42;

	for (int round = 0; round < 6000; round++) {
		char text[400];
		bool sides = round % 3 == 0;
		size_t count = sides ? sizeof side_rows / sizeof side_rows[0] : sizeof rows / sizeof rows[0];
		snprintf(text, sizeof text, "%s", (sides ? side_rows : rows)[next_random(&state) % count].line);
		for (uint32_t edits = next_random(&state) % 4 + 1; edits; edits--) {
			size_t len = strlen(text), at = next_random(&state) % (len + 1);
			char byte = bytes[next_random(&state) % (sizeof bytes - 1)];

			if (next_random(&state) % 3 == 0 && at < len)
				text[at] = byte;
			else if (next_random(&state) % 2 && at < len)
				memmove(text + at, text + at + 1, len - at);
			else if (len + 2 < sizeof text) {
				memmove(text + at + 1, text + at, len - at + 1);
				text[at] = byte;
			}
		}
		check_whole(text);
	}
}

static void write_text(const char *dir, const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void files_decide(void)
{
	static const struct row with_files[] = {
		{"gcc -c a.c -fnew=other", "object c a.c > a.o | key -fnew=other"},
		{"gcc -c a.c -fnew=list", "unknown_file_option: -fnew=list"},
		{"gcc -c a.c -mavx2", "object c a.c > a.o | probe -mavx2 | key -mavx2"},
		{"gcc -c a.c @args", "object c a.c => x y.o | dep user > x y.d | mmd 6 -MD | OUT EXPANDED | key -DA=b c -MMD"},
		{"gcc @outer a.c", "object c a.c => x y.o | dep user > x y.d | mmd 5 -MD | OUT EXPANDED | key -DA=b c -MMD"},
		{"gcc -c a.c @missing", "response_file: @missing"},
		{"gcc --version @missing", "response_file: @missing"},
		{"gcc -c a.c -o @name", "object c a.c => n.o | EXPANDED"},
	};
	const char *base = getenv("TMPDIR");
	char dir[200], path[300];
	static const char *const names[] = {"list", "avx2", "args", "outer", "name"};

	snprintf(dir, sizeof dir, "%s/soldr-args.XXXXXX", base && *base ? base : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	write_text(dir, "list", "");
	write_text(dir, "avx2", "");
	write_text(dir, "args", "'-DA=b c' -o \"x y.o\"\n-MMD\n");
	write_text(dir, "outer", "-c @args");
	write_text(dir, "name", "n.o");
	check_rows(with_files, sizeof with_files / sizeof with_files[0], dir);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		CU_ASSERT_EQUAL(unlink(path), 0);
	}
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void names_of_programs(void)
{
	static const struct {
		const char *name;
		enum family family;
	} names[] = {
		{"gcc", FAMILY_GCC}, {"g++", FAMILY_GCC}, {"gcc-12", FAMILY_GCC}, {"g++-12.2.0", FAMILY_GCC}, {"gcc12", FAMILY_GCC},
		{"x86_64-linux-gnu-gcc", FAMILY_GCC}, {"arm-none-eabi-g++-9", FAMILY_GCC}, {"x86_64-w64-mingw32-gcc-posix", FAMILY_GCC},
		{"clang", FAMILY_CLANG}, {"clang++", FAMILY_CLANG}, {"clang-14", FAMILY_CLANG}, {"clang++-14", FAMILY_CLANG},
		{"aarch64-linux-android21-clang++", FAMILY_CLANG}, {"clang-g++", FAMILY_CLANG}, {"cc", FAMILY_UNKNOWN},
		{"c++", FAMILY_UNKNOWN}, {"gcc-ar", FAMILY_UNKNOWN}, {"gcc-ar-12", FAMILY_UNKNOWN}, {"clang-tidy", FAMILY_UNKNOWN},
		{"clang-format-14", FAMILY_UNKNOWN}, {"clang-cl", FAMILY_UNKNOWN}, {"rustc", FAMILY_UNKNOWN}, {"", FAMILY_UNKNOWN},
		{"-", FAMILY_UNKNOWN}, {"12", FAMILY_UNKNOWN}, {"mygcc", FAMILY_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (family_of_name(names[i].name) != names[i].family)
			fprintf(stderr, "family of %s\n", names[i].name);
		CU_ASSERT_EQUAL(family_of_name(names[i].name), names[i].family);
	}
}

void suite_args_gcc(void)
{
	CU_pSuite s = CU_add_suite("args_gcc", NULL, NULL);

	CU_add_test(s, "c01-c06, c13-c18, c20-c26: what a call asks for", the_rows);
	CU_add_test(s, "c01, c03, c14-c16: which further files a call writes", the_rows_of_sides);
	CU_add_test(s, "c22: precompiled headers", the_rows_of_headers);
	CU_add_test(s, "the option table is sorted", the_table_is_sorted);
	CU_add_test(s, "every option of the table is reached", every_entry_is_reached);
	CU_add_test(s, "lookup finds the longest spelling", lookup_finds_the_longest_spelling);
	CU_add_test(s, "c36: order is kept in the key", order_is_kept);
	CU_add_test(s, "mutated lines are survived", mutated_lines_are_survived);
	CU_add_test(s, "c04, c17: files that arguments name", files_decide);
	CU_add_test(s, "names of programs", names_of_programs);
}
