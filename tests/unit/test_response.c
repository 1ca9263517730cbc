/* Response files: how their text splits into words, nesting, limits, and what is refused. */
#include "response.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void suite_response(void);

/* Words joined by '|', or "unclear". */
static char *split(const char *text, size_t len)
{
	struct vec words = VEC_INIT;
	struct buf out = BUF_INIT;

	if (response_split(text, len, &words)) {
		for (size_t i = 0; i < words.len; i++)
			buf_addf(&out, "%s%s", i ? "|" : "", words.items[i]);
	} else {
		buf_adds(&out, "unclear");
	}
	vec_release(&words);
	return buf_detach(&out);
}

static void words_and_quotes(void)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", ""},
		{"  \n\t\r\n", ""},
		{"-c a.c", "-c|a.c"},
		{"\n-c\r\n a.c\n", "-c|a.c"},
		{"-DA='b c'", "-DA=b c"},
		{"\"-DA=b c\" d", "-DA=b c|d"},
		{"-DA='q'\"r\"s", "-DA=qrs"},
		{"'a\"b' \"c'd\"", "a\"b|c'd"},
		{"a\\ b", "a b"},
		{"-DA=\\\"x\\\"", "-DA=\"x\""},
		{"\"-DA=\\\"y z\\\"\"", "-DA=\"y z\""},
		{"a\\\\b \"c\\\\d\"", "a\\b|c\\d"},
		{"\"\\$\\`\"", "$`"},
		{"'a\nb'", "a\nb"},
		{"# x", "#|x"},
		{"@x \"@y\"", "@x|@y"},
		{"\xc3\xa9\xff", "\xc3\xa9\xff"},
		/* Readers differ. */
		{"'a\\b'", "unclear"},
		{"\"a\\nb\"", "unclear"},
		{"a\\", "unclear"},
		{"a\\\nb", "unclear"},
		{"\"a\\\nb\"", "unclear"},
		{"\"a", "unclear"},
		{"'a", "unclear"},
		{"a '' b", "unclear"},
		{"\"\"", "unclear"},
		{"a\vb", "unclear"},
		{"a\fb", "unclear"},
		{"\xef\xbb\xbf-c", "unclear"},
		{"\xff\xfe-", "unclear"},
		{"\xfe\xff-", "unclear"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *actual = split(cases[i].text, strlen(cases[i].text));
		if (strcmp(actual, cases[i].expected) != 0)
			fprintf(stderr, "<%s>\n   expected: %s\n   actual:   %s\n", cases[i].text, cases[i].expected, actual);
		CU_ASSERT_STRING_EQUAL(actual, cases[i].expected);
		free(actual);
	}
	char *actual = split("-c\0a.c", 6);
	CU_ASSERT_STRING_EQUAL(actual, "unclear");
	free(actual);
	actual = split("-c \\\0a.c", 8);
	CU_ASSERT_STRING_EQUAL(actual, "unclear");
	free(actual);
}

static char dir[200];

static int make_dir(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%s/soldr-response.XXXXXX", base && *base ? base : "/tmp");
	return mkdtemp(dir) ? 0 : 1;
}

static int remove_dir(void)
{
	return rmdir(dir) == 0 ? 0 : 1;
}

static void put(const char *name, const char *text)
{
	char path[300];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void drop(const char *name)
{
	char path[300];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	CU_ASSERT_EQUAL(remove(path), 0);
}

/* The arguments after gcc, joined by '|', with "refused DETAIL: " before them where so. */
static char *expanded(const char *const *argv)
{
	struct response r = RESPONSE_INIT;
	struct buf out = BUF_INIT;
	enum response_status status = response_expand(&r, argv, dir);

	if (status == RESPONSE_REFUSED)
		buf_addf(&out, "refused %s: ", r.detail);
	for (size_t i = 1; i < r.args.len; i++)
		buf_addf(&out, "%s%s", i > 1 ? "|" : "", r.args.items[i]);
	CU_ASSERT_NOT_EQUAL(status, RESPONSE_NO_MEMORY);
	response_release(&r);
	return buf_detach(&out);
}

static void check_expansion(const char *argument, const char *expected)
{
	char *actual = expanded((const char *const[]){"gcc", "-c", argument, "z.c", NULL});

	CU_ASSERT_STRING_EQUAL(actual, expected);
	free(actual);
}

static void nested_files(void)
{
	put("in", "-DIN=1 'x y'");
	put("out", "-DA @in\n-DB");
	put("empty", " \n");
	check_expansion("@in", "-c|-DIN=1|x y|z.c");
	check_expansion("@out", "-c|-DA|-DIN=1|x y|-DB|z.c");
	check_expansion("@empty", "-c|z.c");
	drop("in");
	check_expansion("@out", "refused @in: -c|-DA|@in|z.c");
	drop("out");
	drop("empty");
}

/* The driver's own name is never taken for a file. */
static void the_program_is_not_expanded(void)
{
	struct response r = RESPONSE_INIT;

	CU_ASSERT_EQUAL(response_expand(&r, (const char *const[]){"@gcc", "-c", NULL}, dir), RESPONSE_OK);
	CU_ASSERT_STRING_EQUAL(r.args.items[0], "@gcc");
	CU_ASSERT_FALSE(r.expanded);
	response_release(&r);
	CU_ASSERT_EQUAL(response_expand(&r, (const char *const[]){NULL}, dir), RESPONSE_OK);
	CU_ASSERT_EQUAL(r.args.len, 0);
	response_release(&r);
}

static void unreadable_files_stay(void)
{
	char path[300];

	put("quote", "'open");
	snprintf(path, sizeof path, "%s/fifo", dir);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	check_expansion("@none", "refused @none: -c|@none|z.c");
	check_expansion("@", "refused @: -c|@|z.c");
	check_expansion("@.", "refused @.: -c|@.|z.c");
	check_expansion("@fifo", "refused @fifo: -c|@fifo|z.c");
	check_expansion("@quote", "refused @quote: -c|@quote|z.c");
	drop("fifo");
	drop("quote");
}

static void content_decides(void)
{
	put("f", "-DX=1");
	check_expansion("@f", "-c|-DX=1|z.c");
	put("f", "-DX=2");
	check_expansion("@f", "-c|-DX=2|z.c");
	drop("f");
}

static void limits_hold(void)
{
	/* A file that names itself, and one that would grow without a bound on the number of files. */
	put("self", "@self");
	put("twice", "-DA @twice2 @twice2");
	put("twice2", "@twice @twice");
	char *actual = expanded((const char *const[]){"gcc", "@self", NULL});
	CU_ASSERT_STRING_EQUAL(actual, "refused @self: @self");
	free(actual);
	struct response r = RESPONSE_INIT;
	CU_ASSERT_EQUAL(response_expand(&r, (const char *const[]){"gcc", "@twice", NULL}, dir), RESPONSE_REFUSED);
	CU_ASSERT(r.args.len < 3 * RESPONSE_MAX_FILES);
	response_release(&r);
	drop("self");
	drop("twice");
	drop("twice2");

	char path[300];
	snprintf(path, sizeof path, "%s/big", dir);
	put("big", "");
	CU_ASSERT_EQUAL(truncate(path, RESPONSE_MAX_BYTES + 1), 0);
	check_expansion("@big", "refused @big: -c|@big|z.c");
	drop("big");
}

/* A chain of files, each naming the next: as deep as the limit, and one deeper. */
static void depth_is_limited(void)
{
	char name[16], text[16];

	for (int i = 0; i <= RESPONSE_MAX_DEPTH; i++) {
		snprintf(name, sizeof name, "d%d", i);
		snprintf(text, sizeof text, "@d%d", i + 1);
		put(name, i < RESPONSE_MAX_DEPTH ? text : "-DEND");
	}
	check_expansion("@d1", "-c|-DEND|z.c");
	snprintf(text, sizeof text, "@d%d", RESPONSE_MAX_DEPTH);
	char *actual = expanded((const char *const[]){"gcc", "@d0", NULL});
	CU_ASSERT_EQUAL(strncmp(actual, "refused @d", strlen("refused @d")), 0);
	CU_ASSERT_STRING_EQUAL(actual + strlen(actual) - strlen(text), text);
	free(actual);
	for (int i = 0; i <= RESPONSE_MAX_DEPTH; i++) {
		snprintf(name, sizeof name, "d%d", i);
		drop(name);
	}
}

void suite_response(void)
{
	CU_pSuite s = CU_add_suite("response", make_dir, remove_dir);

	CU_add_test(s, "c04: words and quotes", words_and_quotes);
	CU_add_test(s, "c04: nested files", nested_files);
	CU_add_test(s, "c04: content decides", content_decides);
	CU_add_test(s, "the program is not expanded", the_program_is_not_expanded);
	CU_add_test(s, "unreadable files stay and refuse", unreadable_files_stay);
	CU_add_test(s, "limits hold", limits_hold);
	CU_add_test(s, "depth is limited", depth_is_limited);
}
