/* history, differ: what is kept of a source's compiles, and what two of them differ in. */
#include "differ.h"
#include "history.h"
#include "room.h"

void suite_history(void);

static void digest_text(const char *text, struct digest *d)
{
	digest_of(d, text, strlen(text));
}

static void add_facts(struct facts *f, const char *const *names)
{
	for (; *names; names++) {
		struct digest d;
		digest_text(*names, &d);
		facts_add(f, *names, &d);
	}
}

/* A compile with these options, to that output; the groups follow from them. */
static struct past past_of(const char *output, const char *const *options, int64_t when)
{
	struct past p = {.when_ns = when};
	struct hasher h;
	const char *const texts[PAST_TEXTS] = {"/w", output, "/usr/bin/gcc", "/usr/bin/gcc-12", "/usr/bin/as", "a.c"};
	for (size_t i = 0; i < PAST_TEXTS; i++)
		past_add_text(&p, texts[i]);
	add_facts(&p.options, options);
	hasher_init(&h);
	hasher_field(&h, "options", p.options.digests.data, p.options.digests.len);
	hasher_end(&h, &p.key.group[KEY_OPTIONS]);
	p.key.direct = p.key.group[KEY_OPTIONS];
	return p;
}

static const char *const plain[] = {"-O2", "-DX=1", NULL}, *const other[] = {"-O2", "-DX=2", NULL};

/* "KIND WHAT; …" */
static void expect_differences_at(int line, const struct past *p, const char *want)
{
	struct buf got = BUF_INIT;
	for (size_t i = 0; i < p->differences.len; i += DIFFERENCE_STRINGS)
		buf_addf(&got, "%s%s %s", i ? "; " : "", p->differences.items[i], p->differences.items[i + 1]);
	same_text_at(__FILE__, line, buf_str(&got), want);
	buf_release(&got);
}
#define DIFFERENCES(p, want) expect_differences_at(__LINE__, p, want)

static void encode(const struct past *newest, const struct history *others, const struct digest *key, struct buf *file)
{
	SAME_NUMBER(history_encode(newest, others, key, file, NULL), 0);
}

static void what_was_written_is_read(void)
{
	struct history none = {.count = 0}, back = {.count = 0};
	struct digest key;
	struct buf file = BUF_INIT;
	struct past p = past_of("/w/a.o", plain, 7);
	history_key("/w/a.c", &key);
	p.against_ns = 5;
	past_differ(&p, "option_added", "-O2", NULL, "x");
	encode(&p, &none, &key, &file);
	SAME_NUMBER(history_decode(&back, &file, &key, NULL), 0);
	SAME_NUMBER(back.count, 1);
	SAME_NUMBER(back.items[0].when_ns, 7);
	SAME_NUMBER(back.items[0].against_ns, 5);
	CU_ASSERT_TRUE(digest_equal(&back.items[0].key.direct, &p.key.direct));
	CU_ASSERT_STRING_EQUAL(past_text(&back.items[0], PAST_OUTPUT), "/w/a.o");
	CU_ASSERT_STRING_EQUAL(back.items[0].options.names.items[1], "-DX=1");
	CU_ASSERT_EQUAL(memcmp(facts_digest(&back.items[0].options, 1), facts_digest(&p.options, 1), DIGEST_SIZE), 0);
	DIFFERENCES(&back.items[0], "option_added -O2");
	CU_ASSERT_STRING_EQUAL(back.items[0].differences.items[3], "x");
	history_release(&back);
	past_release(&p);
	buf_release(&file);
}

/* Cut anywhere, with a bit flipped anywhere, longer, or another source's. */
static void damaged_files_are_refused(void)
{
	struct history none = {.count = 0}, back = {.count = 0};
	struct digest key, foreign;
	struct buf file = BUF_INIT;
	struct past p = past_of("/w/a.o", plain, 7);
	history_key("/w/a.c", &key);
	history_key("/w/b.c", &foreign);
	encode(&p, &none, &key, &file);
	SAME_NUMBER(history_decode(&back, &file, &foreign, NULL), SOLDR_E_CORRUPT);
	for (size_t i = 0; i < file.len; i++) {
		struct buf cut = file;
		cut.len = i;
		if (history_decode(&back, &cut, &key, NULL) != SOLDR_E_CORRUPT)
			CU_FAIL("a file that is cut was read");
		file.data[i] ^= 4;
		if (history_decode(&back, &file, &key, NULL) != SOLDR_E_CORRUPT)
			CU_FAIL("a damaged file was read");
		file.data[i] ^= 4;
		SAME_NUMBER(back.count, 0);
	}
	buf_addc(&file, 0);
	SAME_NUMBER(history_decode(&back, &file, &key, NULL), SOLDR_E_CORRUPT);
	past_release(&p);
	buf_release(&file);
}

static void limits_hold(void)
{
	struct history back = {.count = 0};
	struct digest key, d;
	char name[32];
	history_key("/w/a.c", &key);
	for (int i = 0; i < 40; i++) {
		struct buf file = BUF_INIT;
		/* Every second one goes to one output. */
		snprintf(name, sizeof name, i % 2 ? "/w/a.o" : "/w/%d.o", i);
		struct past p = past_of(name, plain, i);
		encode(&p, &back, &key, &file);
		history_release(&back);
		SAME_NUMBER(history_decode(&back, &file, &key, NULL), 0);
		past_release(&p);
		buf_release(&file);
	}
	int alike = 0;
	for (size_t i = 0; i < back.count; i++)
		alike += strcmp(past_text(&back.items[i], PAST_OUTPUT), "/w/a.o") == 0;
	SAME_NUMBER(back.count, HISTORY_MAX);
	SAME_NUMBER(alike, HISTORY_OUTPUT_MAX);
	SAME_NUMBER(back.items[0].when_ns, 39);
	history_release(&back);

	static char text[2 * HISTORY_TEXT_MAX];
	struct past p = {.when_ns = 1};
	memset(text, 'x', sizeof text - 1);
	digest_text(text, &d);
	for (int i = 0; i < 2 * HISTORY_FACTS_MAX; i++)
		facts_add(&p.options, text, &d);
	for (int i = 0; i < 2 * HISTORY_DIFFERENCES_MAX; i++)
		past_differ(&p, "kind", text, NULL, NULL);
	SAME_NUMBER(p.options.names.len, HISTORY_FACTS_MAX);
	SAME_NUMBER(p.differences.len, HISTORY_DIFFERENCES_MAX * DIFFERENCE_STRINGS);
	SAME_NUMBER(strlen(p.options.names.items[0]), HISTORY_TEXT_MAX);
	for (int i = 0; i < PAST_TEXTS; i++)
		past_add_text(&p, text);
	/* Too large by itself: nothing is kept, and that is a good file. */
	struct buf file = BUF_INIT;
	encode(&p, &back, &key, &file);
	CU_ASSERT(file.len < HISTORY_BYTES_MAX);
	SAME_NUMBER(history_decode(&back, &file, &key, NULL), 0);
	SAME_NUMBER(back.count, 0);
	buf_release(&file);
	past_release(&p);
}

static void options_are_told_apart(void)
{
	static const struct {
		const char *old[5], *now[5], *want;
	} rows[] = {
		{{"-O2"}, {"-O2", "-g"}, "option_added -g"},
		{{"-O2", "-g"}, {"-O2"}, "option_removed -g"},
		{{"-O2"}, {"-O3"}, "option_changed -O3"},
		{{"-DX"}, {"-DX=1"}, "option_changed -DX=1"},
		{{"-DX=1", "-DY=1"}, {"-DX=2", "-DZ=1"}, "option_changed -DX=2; option_removed -DY=1; option_added -DZ=1"},
		{{"-Ia", "-Ib"}, {"-Ib", "-Ia"}, "option_order -Ib"},
		{{"-Ia", "-Ia"}, {"-Ia"}, "option_removed -Ia"},
		{{"-std=c11"}, {"-std=c99"}, "option_changed -std=c99"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct past old = past_of("/w/a.o", rows[i].old, 1), now = past_of("/w/a.o", rows[i].now, 2);
		differ_key(&now, &old);
		DIFFERENCES(&now, rows[i].want);
		past_release(&old);
		past_release(&now);
	}
}

/* A part of the key that has no text of its own is named by its group; a variable by its name. */
static void the_rest_of_the_key_is_told(void)
{
	struct past old = past_of("/w/a.o", plain, 1), now = past_of("/w/a.o", plain, 2);
	now.key.group[KEY_DIRECTORY].bytes[0] = 1;
	differ_key(&now, &old);
	DIFFERENCES(&now, "key directory");
	past_release(&now);
	now = past_of("/w/a.o", plain, 2);
	now.key.group[KEY_ENVIRONMENT].bytes[0] = 1;
	add_facts(&now.variables, (const char *const[]){"LANG", NULL});
	add_facts(&old.variables, (const char *const[]){"CPATH", NULL});
	differ_key(&now, &old);
	DIFFERENCES(&now, "environment LANG; environment CPATH");
	CU_ASSERT_STRING_EQUAL(now.differences.items[2], "unset");
	CU_ASSERT_STRING_EQUAL(now.differences.items[7], "unset");
	past_release(&old);
	past_release(&now);
}

static void the_nearest_has_the_same_output(void)
{
	struct history h = {.count = 3};
	h.items[0] = past_of("/w/b.o", plain, 3);
	h.items[1] = past_of("/w/a.o", other, 2);
	h.items[2] = past_of("/w/a.o", other, 1);
	struct past now = past_of("/w/a.o", (const char *const[]){"-O1", NULL}, 4);
	CU_ASSERT_PTR_EQUAL(differ_nearest(&now, &h), &h.items[1]);
	past_release(&now);
	/* The same key comes first, wherever the output went. */
	now = past_of("/w/a.o", plain, 4);
	CU_ASSERT_PTR_EQUAL(differ_nearest(&now, &h), &h.items[0]);
	past_release(&now);
	history_release(&h);
}

void suite_history(void)
{
	CU_pSuite s = CU_add_suite("history", NULL, NULL);
	CU_add_test(s, "what was written is read", what_was_written_is_read);
	CU_add_test(s, "damaged files are refused", damaged_files_are_refused);
	CU_add_test(s, "limits hold", limits_hold);
	CU_add_test(s, "options are told apart", options_are_told_apart);
	CU_add_test(s, "the rest of the key is told", the_rest_of_the_key_is_told);
	CU_add_test(s, "the nearest has the same output", the_nearest_has_the_same_output);
}
