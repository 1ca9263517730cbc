/*
 * depfile: rules as the installed compilers write them, read back and written
 * again to the byte; and rules that no compiler writes.
 */
#include "depfile.h"
#include "room.h"

void suite_depfile(void);

static void parse(struct depfile *d, const char *text, int expected)
{
	int rc = depfile_parse(d, text, strlen(text));
	if (rc != expected)
		fprintf(stderr, "\n<%s>\n", text);
	SAME_NUMBER(rc, expected);
}

static void expect_rule(const char *text, const char *targets, const char *paths, bool phony)
{
	struct depfile d;
	struct buf t = BUF_INIT, p = BUF_INIT;
	parse(&d, text, 0);
	for (size_t i = 0; i < d.targets.len; i++)
		buf_addf(&t, "%s|", d.targets.items[i]);
	for (size_t i = 0; i < d.paths.len; i++)
		buf_addf(&p, "%s|", d.paths.items[i]);
	SAME(buf_str(&t), targets);
	SAME(buf_str(&p), paths);
	CU_ASSERT_EQUAL(d.phony, phony);
	SAME_NUMBER(d.spelled.len, d.paths.len);
	buf_release(&t);
	buf_release(&p);
	depfile_release(&d);
}

static void escapes_are_undone(void)
{
	expect_rule("a.o: a.c a.h\n", "a.o|", "a.c|a.h|", false);
	expect_rule("a.o: \\\n a.c \\\n  b.h\n", "a.o|", "a.c|b.h|", false);
	expect_rule("a.o: a.c \\\r\n b.h\r\n", "a.o|", "a.c|b.h|", false);
	expect_rule("a.o: a.c b.h\r\nb.h:\r\n", "a.o|", "a.c|b.h|", true);
	expect_rule("a.o:\n", "a.o|", "", false);
	expect_rule("a.o b.o: a.c\n", "a.o|b.o|", "a.c|", false);
	expect_rule("a.o: x\\ y.c\n", "a.o|", "x y.c|", false);
	expect_rule("a.o: x\\#y.c a$$b.h\n", "a.o|", "x#y.c|a$b.h|", false);
	expect_rule("a.o: a\\b.c c\\\\d.h\n", "a.o|", "a\\b.c|c\\\\d.h|", false);
	/* 2n+1 backslashes before a blank are n and the blank. */
	expect_rule("a.o: a\\\\\\ b.c\n", "a.o|", "a\\ b.c|", false);
	expect_rule("a.o: a\\\\ b.c\n", "a.o|", "a\\|b.c|", false);
	expect_rule("a.o: C:/x.c\n", "a.o|", "C:/x.c|", false);
	expect_rule("dir\\ x/a.o: a.c\n", "dir\\ x/a.o|", "a.c|", false);
	expect_rule("a.o: a.c b.h\nb.h:\n", "a.o|", "a.c|b.h|", true);
	expect_rule("a.o: a.c b.h c.h\n\nb.h:\n\nc.h:\n", "a.o|", "a.c|b.h|c.h|", true);
	expect_rule("a.o: \xff\xc3\xa9.c\n", "a.o|", "\xff\xc3\xa9.c|", false);
}

static void what_is_no_rule_is_refused(void)
{
	static const char *const texts[] = {
		"", "\n", "a.o\n", "a.o b.o\n", "a.o: a.c\n\techo\n", "a.o: a.c\nb.o: b.c\n", "a.o: a.c\nx = 1\n", "a.o: a.c\n# remark\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct depfile d;
		parse(&d, texts[i], -1);
		depfile_release(&d);
	}
}

/* Every way to cut a rule, and every byte of it changed: no crash, and what is parsed can be written. */
static void damaged_rules_do_no_harm(void)
{
	static const char text[] = "a.o b\\ c.o: a.c \\\n x\\\\\\ y\\#z.h $$w.h \\\r\n q\\\nx.h:\nq:\n";
	for (size_t cut = 0; cut < sizeof text; cut++)
		for (int flip = -1; flip < 8; flip++) {
			struct depfile d;
			struct buf out = BUF_INIT;
			char *copy = malloc(cut + 1);
			CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
			char *exact = copy + 1;
			memcpy(exact, text, cut);
			if (flip >= 0 && cut)
				exact[cut / 2] = (char)(exact[cut / 2] ^ 1 << flip);
			if (depfile_parse(&d, exact, cut) == 0)
				depfile_format(&d, flip & 1 ? FAMILY_GCC : FAMILY_CLANG, NULL, &out);
			buf_release(&out);
			depfile_release(&d);
			free(copy);
		}
}

static void unwanted_names_are_left_out(void)
{
	struct depfile d;
	struct buf out = BUF_INIT;
	const bool keep[] = {true, false, true, false};
	parse(&d, "a.o: a.c /usr/include/x.h b.h /usr/include/y.h\n/usr/include/x.h:\nb.h:\n/usr/include/y.h:\n", 0);
	depfile_format(&d, FAMILY_GCC, keep, &out);
	SAME(buf_str(&out), "a.o: a.c b.h\nb.h:\n");
	buf_release(&out);
	depfile_release(&d);
}

/* ---- what the compilers write ---------------------------------------------------------------- */

static const struct {
	const char *name;
	enum family family;
} compilers[] = {{"gcc", FAMILY_GCC}, {"clang", FAMILY_CLANG}};

enum { COMPILERS = sizeof compilers / sizeof *compilers };

/* Headers whose names have every length, so that each column is met where lines break. */
static void make_headers(struct room *room)
{
	struct buf source = BUF_INIT, name = BUF_INIT;
	for (int i = 1; i <= 100; i++) {
		buf_clear(&name);
		buf_addf(&name, "h%d", i);
		for (int k = 0; k < i * 37 % 83; k++)
			buf_addc(&name, 'x');
		buf_adds(&name, ".h");
		room_put(room, name.data, "");
		buf_addf(&source, "#include \"%s\"\n", name.data);
	}
	buf_adds(&source, "#include <stdio.h>\n#include <stdlib.h>\nint x;\n");
	room_put(room, "long.c", source.data);
	room_put(room, "none.c", "int x;\n");
	room_put(room, "sp ace.h", "");
	room_put(room, "ha#sh.h", "");
	room_put(room, "dol$lar.h", "");
	room_put(room, "back\\slash.h", "");
	room_put(room, "utf\xc3\xa9.h", "");
	room_put(room, "odd.c", "#include \"sp ace.h\"\n#include \"ha#sh.h\"\n#include \"dol$lar.h\"\n#include \"utf\xc3\xa9.h\"\nint x;\n");
	room_put(room, "back.c", "#include \"back\\slash.h\"\nint x;\n");
	buf_release(&source);
	buf_release(&name);
}

static void expect_faithful(struct room *room, const char *compiler, enum family family, const char *options)
{
	struct depfile d;
	SAME_NUMBER(room_sh(room, "rm -f out.d && %s -c %s -MF out.d -o out.o", compiler, options), 0);
	struct buf text = room_get(room, "out.d");
	CU_ASSERT(text.len > 0);
	SAME_NUMBER(depfile_parse(&d, buf_str(&text), text.len), 0);
	bool faithful = depfile_is_faithful(&d, family, buf_str(&text), text.len);
	if (!faithful) {
		struct buf again = BUF_INIT;
		depfile_format(&d, family, NULL, &again);
		fprintf(stderr, "\n%s %s:\n%s---\n%s", compiler, options, buf_str(&text), buf_str(&again));
		buf_release(&again);
	}
	CU_ASSERT(faithful);
	/* It notices a difference. */
	buf_addc(&text, '\n');
	CU_ASSERT_FALSE(depfile_is_faithful(&d, family, buf_str(&text), text.len));
	depfile_release(&d);
	buf_release(&text);
}

static void rules_of_the_compilers_are_written_again(void)
{
	static const char *const options[] = {
		"-MD none.c",
		"-MD -MP none.c",
		"-MD long.c",
		"-MMD long.c",
		"-MD -MP long.c",
		"-MD -MT target long.c",
		"-MD -MT one -MT two -MT three long.c",
		"-MD -MP -MT one -MQ 'sp ace' -MQ 'd$x' -MT 'raw target' none.c",
		"-MD -MT a_long_target_name_that_takes_up_most_of_the_line_and_then_some_more_of_it_too -MT another_long_one none.c",
		"-MD -MT a_target_that_takes_some_forty_columns_x -MT another_target_of_forty_columns_xxxxx long.c",
		"-MD -MP odd.c",
		"-MMD odd.c",
	};
	struct room room;
	room_init(&room, "depfile");
	make_headers(&room);
	for (size_t c = 0; c < COMPILERS; c++)
		for (size_t i = 0; i < sizeof options / sizeof *options; i++)
			expect_faithful(&room, compilers[c].name, compilers[c].family, options[i]);
	expect_faithful(&room, "gcc", FAMILY_GCC, "-MD -MP back.c");
	room_release(&room);
}

static void odd_names_come_back_as_files(void)
{
	struct room room;
	room_init(&room, "depfile");
	make_headers(&room);
	for (size_t c = 0; c < COMPILERS; c++) {
		struct depfile d;
		SAME_NUMBER(room_sh(&room, "%s -c -MMD odd.c -MF odd.d -o odd.o", compilers[c].name), 0);
		struct buf text = room_get(&room, "odd.d");
		SAME_NUMBER(depfile_parse(&d, buf_str(&text), text.len), 0);
		SAME_NUMBER(d.paths.len, 5);
		for (size_t i = 0; i < d.paths.len; i++)
			CU_ASSERT(room_has(&room, d.paths.items[i]));
		depfile_release(&d);
		buf_release(&text);
	}
	/* Clang writes a backslash as a slash; GCC keeps it. */
	struct depfile d;
	SAME_NUMBER(room_sh(&room, "gcc -c -MMD back.c -MF back.d -o back.o"), 0);
	struct buf text = room_get(&room, "back.d");
	SAME_NUMBER(depfile_parse(&d, buf_str(&text), text.len), 0);
	SAME(d.paths.len == 2 ? d.paths.items[1] : NULL, "back\\slash.h");
	depfile_release(&d);
	buf_release(&text);
	room_release(&room);
}

void suite_depfile(void)
{
	CU_pSuite s = CU_add_suite("depfile", NULL, NULL);
	CU_add_test(s, "c27: escapes are undone", escapes_are_undone);
	CU_add_test(s, "what is no rule is refused", what_is_no_rule_is_refused);
	CU_add_test(s, "damaged rules do no harm", damaged_rules_do_no_harm);
	CU_add_test(s, "unwanted names are left out", unwanted_names_are_left_out);
	CU_add_test(s, "c02: rules of the compilers are written again", rules_of_the_compilers_are_written_again);
	CU_add_test(s, "c27: odd names come back as files", odd_names_come_back_as_files);
}
