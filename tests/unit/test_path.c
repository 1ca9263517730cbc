/* path: paths as strings, the environment, and the search for programs. */
#include "room.h"

#include <errno.h>

void suite_path(void);

static void parts_of_paths(void)
{
	static const struct {
		const char *path, *base, *dir, *ext;
	} cases[] = {
		{"/a/b.c", "b.c", "/a", ".c"},
		{"b.c", "b.c", ".", ".c"},
		{"/b", "b", "/", ""},
		{"/", "", "/", ""},
		{"//b", "b", "/", ""},
		{"a//b", "b", "a", ""},
		{"a///b/", "", "a///b", ""},
		{"", "", ".", ""},
		{"dir.d/x", "x", "dir.d", ""},
		{"x.tar.gz", "x.tar.gz", ".", ".gz"},
		{".profile", ".profile", ".", ""},
		{"a/.x.y", ".x.y", "a", ".y"},
		{"x.", "x.", ".", "."},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		SAME(path_base(cases[i].path), cases[i].base);
		SAME_OWNED(path_dir(cases[i].path), cases[i].dir);
		SAME(path_ext(cases[i].path), cases[i].ext);
		SAME_NUMBER(path_stem_len(cases[i].base), strlen(cases[i].base) - strlen(cases[i].ext));
	}
}

static void joining(void)
{
	SAME_OWNED(path_join("/a", "b"), "/a/b");
	SAME_OWNED(path_join("/a/", "b/c"), "/a/b/c");
	SAME_OWNED(path_join("/", "b"), "/b");
	SAME_OWNED(path_join("a", "/b"), "/b");
	SAME_OWNED(path_join("", "b"), "b");
	SAME_OWNED(path_join("a", ""), "a/");
}

static void absolute_paths_are_clean(void)
{
	static const struct {
		const char *path, *expected;
	} cases[] = {
		{"x.c", "/w/d/x.c"},   {"./x.c", "/w/d/x.c"},   {".", "/w/d"},          {"", "/w/d"},
		{"../x", "/w/d/../x"}, {"a/./b//c/", "/w/d/a/b/c"}, {"/", "/"},          {"/./", "/"},
		{"//a/./b", "/a/b"},   {"/a/../b", "/a/../b"},  {"...", "/w/d/..."},    {".x/.", "/w/d/.x"},
		{"/a/b/.", "/a/b"},    {"a b\n\xff", "/w/d/a b\n\xff"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		SAME_OWNED(path_absolute("/w/./d/", cases[i].path), cases[i].expected);
	SAME_OWNED(path_absolute("/", "x"), "/x");
}

static void tidy_drops_dots_and_slashes(void)
{
	static const char *const cases[][2] = {
		{"", ""}, {".", ""}, {"./", ""}, {"/", "/"}, {"//", "/"}, {"/.", "/"}, {"./a", "a"}, {"././a//b/./c/", "a/b/c"}, {"../a", "../a"},
		{"./../a/..", "../a/.."}, {"//a/./b", "/a/b"}, {".a/b.", ".a/b."}, {"a/.", "a"}, {"...", "..."},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[32];
		snprintf(path, sizeof path, "%s", cases[i][0]);
		path_tidy(path);
		CU_ASSERT_STRING_EQUAL(path, cases[i][1]);
	}
}

static void below_is_lexical(void)
{
	CU_ASSERT(path_is_below("/a/b", "/a"));
	CU_ASSERT(path_is_below("/a/b", "/a/"));
	CU_ASSERT(path_is_below("/a", "/a"));
	CU_ASSERT(path_is_below("/a", "/a///"));
	CU_ASSERT(path_is_below("/a", "/"));
	CU_ASSERT(path_is_below("/", "/"));
	CU_ASSERT(path_is_below("inc/x.h", "inc"));
	CU_ASSERT_FALSE(path_is_below("/ab", "/a"));
	CU_ASSERT_FALSE(path_is_below("/a", "/a/b"));
	CU_ASSERT_FALSE(path_is_below("a", "/"));
	CU_ASSERT_FALSE(path_is_below("include/x.h", "inc"));
}

static void variables(void)
{
	const char *const env[] = {"AB=long", "A=first", "A=second", "EMPTY=", "ODD", "=x", "B=c=d", NULL};
	SAME(env_get(env, "A"), "first");
	SAME(env_get(env, "AB"), "long");
	SAME(env_get(env, "EMPTY"), "");
	SAME(env_get(env, "B"), "c=d");
	CU_ASSERT_PTR_NULL(env_get(env, "ODD"));
	CU_ASSERT_PTR_NULL(env_get(env, "EMPT"));
	CU_ASSERT_PTR_NULL(env_get(NULL, "A"));
}

static void this_program_is_found(void)
{
	char *self = path_self();
	CU_ASSERT_PTR_NOT_NULL_FATAL(self);
	CU_ASSERT_EQUAL(*self, '/');
	CU_ASSERT_EQUAL(access(self, X_OK), 0);
	free(self);
}

/* ---- programs --------------------------------------------------------------------- */

/* Rooms a/ and b/ with a program each, n/ with a file that may not be executed, d/ with a directory of that name. */
static void make_programs(struct room *room)
{
	room_init(room, "path");
	room_put_program(room, "a/tool", "#!/bin/sh\n");
	room_put_program(room, "b/tool", "#!/bin/sh\n");
	room_put(room, "n/tool", "#!/bin/sh\n");
	room_put(room, "d/tool/file", "");
	room_put(room, "plain", "");
}

/* %s in list is the room. expected: below the room, or NULL; then errno must be why. */
static void expect_found(struct room *room, const char *name, const char *list, const char *cwd, const char *expected, int why)
{
	struct buf full = BUF_INIT, work = BUF_INIT;
	for (const char *p = list; p && *p; p++)
		if (*p == '%')
			buf_adds(&full, room->dir);
		else
			buf_addc(&full, *p);
	buf_addf(&work, "%s%s", room->dir, cwd);
	errno = 0;
	char *found = path_find_program(name, list ? buf_str(&full) : NULL, buf_str(&work), NULL, NULL);
	int got = errno;
	if (expected)
		SAME(found, room_path(room, expected));
	else if (found)
		SAME(found, "(null)");
	if (!expected)
		SAME_NUMBER(got, why);
	free(found);
	buf_release(&full);
	buf_release(&work);
}

static void programs_are_found_in_order(void)
{
	struct room room;
	make_programs(&room);
	expect_found(&room, "tool", "%/a:%/b", "", "a/tool", 0);
	expect_found(&room, "tool", "%/b:%/a", "", "b/tool", 0);
	expect_found(&room, "tool", "%/none:%/plain:%/a", "", "a/tool", 0);
	/* What may not be executed is passed by. */
	expect_found(&room, "tool", "%/n:%/d:%/a", "", "a/tool", 0);
	expect_found(&room, "tool", "%/n", "", NULL, EACCES);
	expect_found(&room, "tool", "%/d", "", NULL, EACCES);
	expect_found(&room, "tool", "%/n:%/none", "", NULL, EACCES);
	expect_found(&room, "tool", "%/none", "", NULL, ENOENT);
	expect_found(&room, "other", "%/a:%/b", "", NULL, ENOENT);
	expect_found(&room, "", "%/a", "", NULL, ENOENT);
	expect_found(&room, "tool", "%/a/:%/b/", "", "a/tool", 0);
	room_release(&room);
}

static void relative_and_empty_entries_start_at_the_working_directory(void)
{
	struct room room;
	make_programs(&room);
	expect_found(&room, "tool", "a", "", "a/tool", 0);
	expect_found(&room, "tool", "none:b", "", "b/tool", 0);
	expect_found(&room, "tool", "", "/a", "a/tool", 0);
	expect_found(&room, "tool", ":%/b", "/a", "a/tool", 0);
	expect_found(&room, "tool", "%/b:", "/a", "b/tool", 0);
	expect_found(&room, "tool", "%/none::", "/a", "a/tool", 0);
	expect_found(&room, "tool", "%/none:", "/b", "b/tool", 0);
	expect_found(&room, "tool", "%/none", "/b", NULL, ENOENT);
	room_release(&room);
}

static void a_name_with_a_slash_is_taken_as_it_is(void)
{
	struct room room;
	make_programs(&room);
	expect_found(&room, "./tool", "%/b", "/a", "a/tool", 0);
	expect_found(&room, "a/tool", "%/b", "", "a/tool", 0);
	expect_found(&room, "n/tool", "%/b", "", NULL, EACCES);
	expect_found(&room, "d/tool", "%/b", "", NULL, EACCES);
	expect_found(&room, "a/none", "%/b", "", NULL, ENOENT);
	SAME_OWNED(path_find_program(room_path(&room, "b/tool"), NULL, "/", NULL, NULL), room_path(&room, "b/tool"));
	room_release(&room);
}

static bool skip_in_a(void *arg, const char *candidate)
{
	int *asked = arg;
	++*asked;
	return strstr(candidate, "/a/") != NULL;
}

static void rejected_programs_are_passed_by(void)
{
	struct room room;
	int asked = 0;
	make_programs(&room);
	struct buf list = BUF_INIT;
	buf_addf(&list, "%s/n:%s/a:%s/b", room.dir, room.dir, room.dir);
	SAME_OWNED(path_find_program("tool", list.data, "/", skip_in_a, &asked), room_path(&room, "b/tool"));
	/* Asked only of what could run. */
	SAME_NUMBER(asked, 2);
	buf_clear(&list);
	buf_addf(&list, "%s/a", room.dir);
	errno = 0;
	CU_ASSERT_PTR_NULL(path_find_program("tool", list.data, "/", skip_in_a, &asked));
	SAME_NUMBER(errno, ENOENT);
	buf_release(&list);
	room_release(&room);
}

static void without_a_list_the_usual_places_are_searched(void)
{
	char *sh = path_find_program("sh", NULL, "/", NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(sh);
	free(sh);
}

void suite_path(void)
{
	CU_pSuite s = CU_add_suite("path", NULL, NULL);
	CU_add_test(s, "parts of paths", parts_of_paths);
	CU_add_test(s, "joining", joining);
	CU_add_test(s, "absolute paths are clean", absolute_paths_are_clean);
	CU_add_test(s, "below is lexical", below_is_lexical);
	CU_add_test(s, "tidy drops dots and slashes", tidy_drops_dots_and_slashes);
	CU_add_test(s, "variables", variables);
	CU_add_test(s, "this program is found", this_program_is_found);
	CU_add_test(s, "programs are found in order", programs_are_found_in_order);
	CU_add_test(s, "relative and empty entries start at the working directory",
	            relative_and_empty_entries_start_at_the_working_directory);
	CU_add_test(s, "a name with a slash is taken as it is", a_name_with_a_slash_is_taken_as_it_is);
	CU_add_test(s, "rejected programs are passed by", rejected_programs_are_passed_by);
	CU_add_test(s, "without a list the usual places are searched", without_a_list_the_usual_places_are_searched);
}
