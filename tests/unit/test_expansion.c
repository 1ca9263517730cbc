/* expansion: which strings of preprocessed text reach the assembler as an .incbin, and which names macros gave to #include. */
#include "room.h"
#include "unit.h"

static void strings_that_embed_are_seen(void)
{
	static const char *const texts[] = {
		"asm(\".incbin \\\"f\\\"\");",
		"asm(\".inc\" \"bin \\\"f\\\"\");",
		"__asm__ volatile(\".in\"\n# 12 \"x.h\"\n   \"cbin f\");",
		"asm(\".INCBIN f\");",
		"asm(\".include \\\"f\\\"\");",
		"asm(\".\\151ncbin f\");",
		"asm(\".\\x69ncbin f\");",
		"asm(\".\\x0000000000000069ncbin f\");",
		"asm(\".\\u0069ncbin f\");",
		"asm(\".\\x{69}ncbin f\");",
		"asm(\".\\N{LATIN SMALL LETTER I}ncbin f\");",
		"asm(\".\\o{151}ncbin f\");",
		"asm(\".in\" u8\"cbin f\");",
		"asm(R\"(.in\"\")\");",
		"asm(\".macro m a\\n .inc\\\\a f\\n.endm\\nm bin\");",
		"asm(\".{in|inc}{cbin|bin} f\");",
		"int s __attribute__((section(\".data\\n.incbin f\")));",
		"asm { nop };",
		"asm volatile {\n nop };",
		"asm((text()));",
		"int x = 1'000; asm(\".incbin f\"); int y = 1'0;",
		"char c = '\"'; asm(\".incbin f\");",
		"char c = '\\''; asm(\".incbin f\");",
		"#pragma it's\nasm(\".incbin f\");",
		"char *s = \"\\\"\"; asm(\".incbin f\");",
		"asm(\".incbin",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		bool seen = expansion_embeds(texts[i], strlen(texts[i]));
		if (!seen)
			printf("\nnot seen: %s\n", texts[i]);
		CU_ASSERT_TRUE(seen);
	}
}

static void ordinary_text_is_not_suspected(void)
{
	static const char *const texts[] = {
		"",
		"char *name = \"brackets.tab.i\"; static void die(const char *fmt);",
		"extern int f(void) __asm__(\"\" \"__isoc99_f\");",
		"int a = s.inc, b = x.include;",
		"puts(\"a.included\" \"b\");",
		"asm volatile(\"nop\" ::: \"memory\");",
		"__asm volatile (\"{movl|mov} %0\" : \"=r\"(x));",
		"puts(\".in\"); puts(\"cbin\");",
		"# 1 \"a.incbin\"\nint x;",
		"int asm_(int); char c = 'i';",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		bool seen = expansion_embeds(texts[i], strlen(texts[i]));
		if (seen)
			printf("\nsuspected: %s\n", texts[i]);
		CU_ASSERT_FALSE(seen);
	}
}

enum { FILES = 3 };

/* The names of the three files, after what the preprocessor says about x.c, which includes by macros, p/i.h, which does so too, and p/s.h. */
static void names_after(bool told, const char *text, const char *const expected[FILES])
{
	char paths[FILES][16] = {"x.c", "./p/i.h", "p/s.h"};
	struct input items[FILES] = {{0}};
	struct input_list l = {.items = items, .len = FILES};
	struct unit u = {.inv = INVOCATION_INIT};
	u.inv.source = paths[0];
	for (int i = 0; i < FILES; i++) {
		items[i].path = paths[i];
		items[i].flags = i < 2 ? SCAN_COMPUTED : 0;
		vec_add(&items[i].includes, "\"spelled.h");
	}
	CU_ASSERT_EQUAL(expansion_add_names(&u, &l, text, strlen(text)), told);
	for (int i = 0; i < FILES; i++) {
		struct buf got = BUF_INIT;
		for (size_t k = 1; k < items[i].includes.len; k++)
			buf_addf(&got, "%s|", items[i].includes.items[k]);
		for (size_t k = 0; k < items[i].next_names.len; k++)
			buf_addf(&got, "next %s|", items[i].next_names.items[k]);
		if (expected)
			SAME(buf_str(&got), expected[i]);
		buf_release(&got);
		vec_release(&items[i].includes);
		vec_release(&items[i].next_names);
	}
}

static void names_given_by_macros_are_added(void)
{
	static const char *const none[FILES] = {"", "", ""};
	names_after(true, "# 0 \"x.c\"\n", none);
	names_after(false, "", none);
	names_after(false, "int a;\n#include <a.h>\n", none);
	static const char *const source[FILES] = {"<a.h|", "", ""};
	names_after(true, "# 0 \"x.c\"\n# 0 \"<command-line>\"\n# 1 \"x.c\"\n#include <a.h> /* clang -E -dI */\n#include \"spelled.h\"\n", source);
	static const char *const header[FILES] = {"<d.h|", "\"b.h|<c.h|next <c.h|", ""};
	names_after(true, "# 1 \"x.c\"\n# 1 \"./p/i.h\" 1\n#import \"b.h\"\n#line 4 \"s.y\"\n# 4 \"p/s.h\"\n#include_next <c.h>\n"
	                  "# 1 \"p/s.h\" 1 3\n#include <not.h>\n# 9 \"p/i.h\" 2\n# 7 \"x.c\" 2\n#include <d.h>\n", header);
	static const char *const option[FILES] = {"", "<e.h|", ""};
	names_after(true, "# 1 \"x.c\"\n# 1 \"<built-in>\" 1\n#include \"p/i.h\" /* clang -E -dI */\n# 1 \"p/i.h\" 1\n#include <e.h>\n", option);
	/* A file that is no input: who knows beside what its names are looked for. */
	names_after(false, "# 1 \"x.c\"\n# 1 \"q/unknown.h\" 1\n#include <e.h>\n", none);
	names_after(true, "# 1 \"x.c\"\n# 1 \"q/unknown.h\" 1\nint a;\n", none);
	names_after(false, "# 1 \"x.c\"\n#include broken\n", none);
}

static void text_may_end_anywhere(void)
{
	static const char text[] = "asm volatile(\".\\x69\" u8\"\\u0069\" R\"(\" '\\777' 1'0 \"\\";
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n + 1); /* so that a sanitizer sees a read behind the end */
		memcpy(copy, text, n);
		copy = realloc(copy, n ? n : 1);
		expansion_embeds(copy, n);
		free(copy);
	}
	static const char marked[] = "# 0 \"x\\303\\\"\" 1\n# 1 \"y\n#include <a.h>\n#include \"\n# 2 \"\" 2\n# 1 \"\\30";
	for (size_t n = 0; n < sizeof marked; n++) {
		struct unit u = {.inv = INVOCATION_INIT};
		char source[] = "x.c";
		struct input in = {.path = source, .flags = SCAN_COMPUTED};
		struct input_list l = {.items = &in, .len = 1};
		char *copy = malloc(n + 1);
		memcpy(copy, marked, n);
		copy = realloc(copy, n ? n : 1);
		u.inv.source = source;
		expansion_add_names(&u, &l, copy, n);
		vec_release(&in.includes);
		free(copy);
	}
}

void suite_expansion(void);

void suite_expansion(void)
{
	CU_pSuite s = CU_add_suite("expansion", NULL, NULL);
	CU_add_test(s, "c21: strings that embed are seen", strings_that_embed_are_seen);
	CU_add_test(s, "c21: ordinary text is not suspected", ordinary_text_is_not_suspected);
	CU_add_test(s, "c11: names given by macros are added", names_given_by_macros_are_added);
	CU_add_test(s, "text may end anywhere", text_may_end_anywhere);
}
