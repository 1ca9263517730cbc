/* expansion: which strings of preprocessed text reach the assembler as an .incbin. */
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
}

void suite_expansion(void);

void suite_expansion(void)
{
	CU_pSuite s = CU_add_suite("expansion", NULL, NULL);
	CU_add_test(s, "c21: strings that embed are seen", strings_that_embed_are_seen);
	CU_add_test(s, "c21: ordinary text is not suspected", ordinary_text_is_not_suspected);
	CU_add_test(s, "text may end anywhere", text_may_end_anywhere);
}
