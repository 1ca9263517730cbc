/* depinfo: rustc's lists as it writes them, and texts that it does not write. */
#include "depinfo.h"
#include "room.h"

void suite_depinfo(void);

static void expect(const char *text, const char *expected)
{
	struct depinfo d = DEPINFO_INIT;
	struct buf out = BUF_INIT;
	int rc = depinfo_parse(&d, text, strlen(text));
	for (size_t i = 0; !rc && i < d.sources.len; i++)
		buf_addf(&out, "%s|", d.sources.items[i]);
	for (size_t i = 0; !rc && i < d.names.len; i++)
		buf_addf(&out, d.was_set[i] ? "%s=%s|" : "%s|", d.names.items[i], d.values.items[i]);
	SAME(rc ? "refused" : buf_str(&out), expected);
	buf_release(&out);
	depinfo_release(&d);
}

static void lists_are_read(void)
{
	expect("/t/liba.rlib: a.rs\n\na.rs:\n", "a.rs|");
	expect("/t/a.d: a.rs b/mod.rs\n\n/t/liba.rlib: a.rs b/mod.rs\n\na.rs:\nb/mod.rs:\n", "a.rs|b/mod.rs|");
	expect("/t\\ u/a.d: a.rs b\\ c.rs\n\na.rs:\nb\\ c.rs:\n", "a.rs|b c.rs|");
	expect("/t u: v/a.d: a.rs\n\na.rs:\n", "a.rs|"); /* outputs are not escaped */
	expect("/t/a.d: back\\slash.rs\n\nback\\slash.rs:\n", "back\\slash.rs|");
	expect("x.d: a:b.rs\n\na:b.rs:\n", "a:b.rs|");
}

static void variables_are_read(void)
{
	/* R04: empty is not unset */
	expect("x.d: a.rs\n\na.rs:\n\n# env-dep:A=1\n# env-dep:B=\n# env-dep:C\n", "a.rs|A=1|B=|C|");
	expect("x.d: a.rs\n\na.rs:\n\n# env-dep:A=x=y\n", "a.rs|A=x=y|");
	expect("x.d: a.rs\n\na.rs:\n\n# env-dep:A=a\\nb\\\\c\\r\n", "a.rs|A=a\nb\\c\r|");
	expect("x.d: a.rs\n\na.rs:\n\n# env-dep:A=a\\tb\n", "refused");
	expect("x.d: a.rs\n\na.rs:\n\n# env-dep:A=a\\\n", "refused");
	expect("x.d: a.rs\n\na.rs:\n\n# env-dep:=1\n", "refused");
}

static void other_texts_are_refused(void)
{
	static const char *const texts[] = {
		"", "\n", "a.rs:\n", "x.d: a.rs\n", "x.d: a.rs\n\na.rs:", "x.d: a.rs\n\na.rs:\nb.rs:\n", "x.d: a.rs b.rs\n\na.rs:\n",
		"x.d: a.rs\ny.d: a.rs b.rs\na.rs:\n", "x.d:\n\na.rs:\n", "x.d: a.rs\n\na.rs:\n\n# checksum:blake3=0 a.rs\n", "x.d: a\nb.rs\n\na\nb.rs:\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect(texts[i], "refused");
	struct depinfo d = DEPINFO_INIT;
	SAME_NUMBER(depinfo_parse(&d, "x.d: a.rs\n\na.rs:\n\0\n", 19), -1);
	depinfo_release(&d);
}

/* Whatever the bytes are: no crash, and no source without a name. */
static void any_bytes_are_survived(void)
{
	static const char alphabet[] = "ab:/\\ \n\n#=\r.";
	char text[64];
	srandom(7);
	for (int round = 0; round < 20000; round++) {
		struct depinfo d = DEPINFO_INIT;
		size_t len = (size_t)random() % sizeof text;
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[(size_t)random() % (sizeof alphabet - 1)];
		char *exact = malloc(len ? len : 1);
		memcpy(exact, text, len);
		if (depinfo_parse(&d, exact, len) == 0) {
			CU_ASSERT(d.sources.len > 0);
			for (size_t i = 0; i < d.sources.len; i++)
				CU_ASSERT(d.sources.items[i][0] != 0);
		}
		struct buf out = BUF_INIT;
		depinfo_move(exact, len, "/a", "/bb", &out);
		buf_release(&out);
		depinfo_release(&d);
		free(exact);
	}
}

static void expect_moved(const char *text, const char *expected)
{
	struct buf out = BUF_INIT;
	bool good = depinfo_move(text, strlen(text), "/t/deps", "/u/elsewhere", &out);
	SAME(good ? buf_str(&out) : "refused", expected);
	buf_release(&out);
}

static void outputs_are_moved(void)
{
	expect_moved("/t/deps/a.d: a.rs\n\n/t/deps/liba.rlib: a.rs\n\na.rs:\n\n# env-dep:X=1\n",
	             "/u/elsewhere/a.d: a.rs\n\n/u/elsewhere/liba.rlib: a.rs\n\na.rs:\n\n# env-dep:X=1\n");
	expect_moved("/t/deps/a.d: b.rs /t/deps/a.rs\n\nb.rs:\n/t/deps/a.rs:\n", "/u/elsewhere/a.d: b.rs /u/elsewhere/a.rs\n\nb.rs:\n/u/elsewhere/a.rs:\n");
	expect_moved("x/a.d: a.rs\n\na.rs:\n", "x/a.d: a.rs\n\na.rs:\n");
	/* The name where no path begins, and that of a neighbour. */
	expect_moved("/t/deps/a.d: a.rs\n\na.rs:\n\n# env-dep:X=/t/deps/x\n", "refused");
	expect_moved("/t/deps/a.d: a\\ /t/deps/b.rs\n", "refused");
	expect_moved("/t/deps/a.d: /s/t/deps/b.rs\n", "refused");
	expect_moved("/t/deps2/a.d: a.rs\n\na.rs:\n", "refused");
	expect_moved("a.d: /t/deps", "refused");
	struct buf out = BUF_INIT;
	CU_ASSERT_FALSE(depinfo_move("/t/deps/a.d: a.rs\n", 18, "/t/deps", "/u v", &out));
	buf_release(&out);
}

void suite_depinfo(void)
{
	CU_pSuite s = CU_add_suite("depinfo", NULL, NULL);
	CU_add_test(s, "r11: lists are read", lists_are_read);
	CU_add_test(s, "r04: variables are read", variables_are_read);
	CU_add_test(s, "other texts are refused", other_texts_are_refused);
	CU_add_test(s, "any bytes are survived", any_bytes_are_survived);
	CU_add_test(s, "r11: outputs are moved", outputs_are_moved);
}
