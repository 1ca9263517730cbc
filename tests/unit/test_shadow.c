/*
 * shadow: which names must stay absent so that a result stays right. Each case
 * is a directory tree, an include path and the inputs that a compiler read; the
 * guards are compared as "DIRECTORY NAME" lines.
 */
#include "room.h"
#include "unit.h"

void suite_shadow(void);

enum { INPUTS_MAX = 8, DIRS_MAX = 8 };

struct scene {
	struct room room;
	struct unit unit;
	soldr_request req;
	const char *envp[3];
	struct include_dir dirs[DIRS_MAX];
	struct identity id;
	struct input items[INPUTS_MAX];
	struct input_list inputs;
	struct guard_list guards;
	char detail[200];
	int64_t begun;
};

static void scene_init(struct scene *s)
{
	*s = (struct scene){.id = IDENTITY_INIT};
	room_init(&s->room, "shadow");
	s->req = (soldr_request){.struct_size = sizeof s->req, .envp = s->envp, .cwd = s->room.dir};
	s->unit.req = &s->req;
	s->unit.inv = INVOCATION_INIT;
	s->unit.inv.family = FAMILY_CLANG;
	s->unit.inv.include_dirs = s->dirs;
	s->unit.dir = open(s->room.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	s->inputs.items = s->items;
}

static void scene_release(struct scene *s)
{
	for (size_t i = 0; i < s->inputs.len; i++) {
		vec_release(&s->items[i].includes);
		vec_release(&s->items[i].has_includes);
		vec_release(&s->items[i].next_names);
	}
	vec_release(&s->id.system_dirs);
	vec_release(&s->unit.inv.key_args);
	vec_release(&s->unit.inv.forced_includes);
	guards_release(&s->guards);
	close(s->unit.dir);
	room_release(&s->room);
}

static void search(struct scene *s, enum include_kind kind, const char *path)
{
	s->dirs[s->unit.inv.include_dir_count++] = (struct include_dir){kind, (char *)(uintptr_t)path};
}

/* An input with its text, which is written and scanned; the first one is the source. */
static void read_input(struct scene *s, const char *path, const char *text)
{
	struct input *in = &s->items[s->inputs.len];
	struct scan scan = {.includes = &in->includes, .has_includes = &in->has_includes, .next_names = &in->next_names};
	*in = (struct input){.path = (char *)(uintptr_t)path, .is_source = s->inputs.len == 0};
	if (*path != '/')
		room_put(&s->room, path, text);
	scan_text(&scan, text, strlen(text), false);
	if (*path != '/')
		SAME_NUMBER(files_read(s->unit.dir, path, NULL, &in->tuple, &in->digest, NULL), 0);
	in->flags = scan.flags;
	s->inputs.scan.flags |= scan.flags;
	s->inputs.len++;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* expected: sorted "DIRECTORY NAME" lines; "-" before the directory where it must not exist. */
static void expect_guards_at(int line, struct scene *s, const char *expected)
{
	struct vec lines = VEC_INIT;
	struct buf got = BUF_INIT;
	room_settle(&s->room);
	s->begun = files_clock_ns();
	guards_release(&s->guards);
	SAME_NUMBER(guards_make(&s->unit, &s->id, &s->inputs, s->begun, &s->guards, s->detail, sizeof s->detail), SOLDR_REASON_NONE);
	for (uint32_t i = 0; i < s->guards.len; i++) {
		const struct guard_input *g = &s->guards.items[i];
		for (uint32_t n = 0; n < g->name_count; n++)
			vec_addf(&lines, "%s%s %s", g->exists ? "" : "-", g->path, g->names[n]);
	}
	if (lines.len)
		qsort(lines.items, lines.len, sizeof *lines.items, by_text);
	for (size_t i = 0; i < lines.len; i++)
		buf_addf(&got, "%s\n", lines.items[i]);
	same_text_at(__FILE__, line, buf_str(&got), expected);
	vec_release(&lines);
	buf_release(&got);
}
#define GUARDS(s, expected) expect_guards_at(__LINE__, s, expected)

static void directories_before_the_one_that_had_it(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	room_put(&s.room, "three/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	search(&s, INCLUDE_NORMAL, "three");
	read_input(&s, "src/a.c", "#include \"h.h\"\n#include <k.h>\n");
	read_input(&s, "two/h.h", "");
	read_input(&s, "three/k.h", "");
	GUARDS(&s, "one h.h\none k.h\nsrc h.h\ntwo k.h\n");
	scene_release(&s);
}

/* What lies beside its includer was found first of all. */
static void nothing_comes_before_the_includer(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	read_input(&s, "src/a.c", "#include \"h.h\"\n");
	read_input(&s, "src/h.h", "#include \"sub/k.h\"\n");
	read_input(&s, "src/sub/k.h", "");
	GUARDS(&s, "");
	scene_release(&s);
}

static void the_working_directory_may_be_the_includer(void)
{
	struct scene s;
	scene_init(&s);
	search(&s, INCLUDE_NORMAL, "inc");
	read_input(&s, "a.c", "#include \"h.h\"\n");
	read_input(&s, "inc/h.h", "");
	GUARDS(&s, ". h.h\n");
	scene_release(&s);
}

static void kinds_of_directories_are_searched_in_order(void)
{
	struct scene s;
	scene_init(&s);
	static const char *const dirs[] = {"after", "system", "normal", "quote", "env", "own"};
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		char name[32];
		snprintf(name, sizeof name, "%s/x", dirs[i]);
		room_put(&s.room, name, "");
	}
	search(&s, INCLUDE_AFTER, "after");
	search(&s, INCLUDE_SYSTEM, "system");
	search(&s, INCLUDE_NORMAL, "normal");
	search(&s, INCLUDE_QUOTE, "quote");
	s.envp[0] = "CPATH=env";
	vec_add(&s.id.system_dirs, "own");
	read_input(&s, "src/a.c", "#include \"q.h\"\n#include <b.h>\n");
	read_input(&s, "after/q.h", "");
	read_input(&s, "own/b.h", "");
	/* <b.h> is not looked for where only "…" is. */
	GUARDS(&s, "env b.h\nenv q.h\nnormal b.h\nnormal q.h\nown q.h\nquote q.h\nsrc q.h\nsystem b.h\nsystem q.h\n");
	scene_release(&s);
}

/* The deepest directory that is there stands for what is below. */
static void absent_directories_are_guarded_from_above(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/sub/x", "");
	room_put(&s.room, "two/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	search(&s, INCLUDE_NORMAL, "none");
	search(&s, INCLUDE_NORMAL, "three");
	read_input(&s, "src/a.c", "#include <sub/deep/h.h>\n");
	read_input(&s, "three/sub/deep/h.h", "");
	GUARDS(&s, "-none sub/deep/h.h\none/sub deep/h.h\ntwo sub/deep/h.h\n");
	scene_release(&s);
}

static void questions_are_guarded_everywhere(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	room_put(&s.room, "two/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	read_input(&s, "src/a.c", "#if __has_include(<opt.h>) || __has_include(\"own.h\")\n#endif\n");
	GUARDS(&s, "one opt.h\none own.h\nsrc own.h\ntwo opt.h\ntwo own.h\n");
	scene_release(&s);
}

/* A name that nobody spells is guarded in every directory before the one that the file lies below, and beside every input. */
static void unexplained_names_are_guarded(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	read_input(&s, "src/a.c", "#include MACRO\n");
	read_input(&s, "two/sub/h.h", "");
	GUARDS(&s, "one sub/h.h\nsrc sub/h.h\ntwo/sub sub/h.h\n");
	scene_release(&s);
}

/* No name could have been looked for that led there. */
static void an_input_from_nowhere_is_refused(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	read_input(&s, "src/a.c", "int a;\n");
	read_input(&s, "/else/where/h.h", "");
	s.begun = files_clock_ns();
	SAME_NUMBER(guards_make(&s.unit, &s.id, &s.inputs, s.begun, &s.guards, s.detail, sizeof s.detail), SOLDR_REASON_INPUTS_UNKNOWN);
	SAME(s.detail, "/else/where/h.h");
	/* Unless an option names it. */
	guards_release(&s.guards);
	vec_add(&s.unit.inv.key_args, "-fsome-list=/else/where/h.h");
	GUARDS(&s, "");
	scene_release(&s);
}

/* The search of #include_next and __has_include_next goes on behind the first place. */
static void next_names_are_guarded_behind_their_first_place(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "two/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	read_input(&s, "src/a.c", "#include <h.h>\n");
	read_input(&s, "one/h.h", "#if __has_include_next(<h.h>)\n#include_next <h.h>\n#endif\n");
	GUARDS(&s, "two h.h\n");
	scene_release(&s);
}

/* GCC drops all but one of them; which one, the search path as it is spelled does not tell. */
static void names_of_one_directory_are_one_place(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "two/x", "");
	room_put(&s.room, "one/x", "");
	CU_ASSERT_EQUAL(symlink("one", room_path(&s.room, "link")), 0);
	search(&s, INCLUDE_NORMAL, "link");
	search(&s, INCLUDE_NORMAL, "two");
	search(&s, INCLUDE_SYSTEM, "one");
	read_input(&s, "src/a.c", "#include <h.h>\n");
	read_input(&s, "one/h.h", "");
	GUARDS(&s, "two h.h\n");
	bool pinned = false;
	for (uint32_t i = 0; i < s.guards.len; i++)
		pinned = pinned || (strcmp(s.guards.items[i].path, "link") == 0 && s.guards.items[i].exists == GUARD_PINNED);
	CU_ASSERT(pinned);
	scene_release(&s);
}

/* It comes by the change of something else than the directory. */
static void links_to_nothing_are_watched(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	CU_ASSERT_EQUAL(symlink("../late.h", room_path(&s.room, "one/h.h")), 0);
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	read_input(&s, "src/a.c", "#include <h.h>\n#include <k.h>\n");
	read_input(&s, "two/h.h", "");
	read_input(&s, "two/k.h", "int k;");
	GUARDS(&s, "one h.h\none k.h\n");
	SAME_NUMBER(s.guards.len, 2);
	SAME_NUMBER(s.guards.items[0].exists, GUARD_WATCHED);
	SAME_NUMBER(s.guards.items[0].tuple.ctime_ns, 0);
	SAME_NUMBER(s.guards.items[1].exists, GUARD_EXISTS);
	scene_release(&s);
}

static void precompiled_headers_would_be_taken(void)
{
	struct scene s;
	scene_init(&s);
	s.unit.inv.family = FAMILY_GCC;
	search(&s, INCLUDE_NORMAL, "inc");
	read_input(&s, "src/a.c", "#include <h.h>\n");
	read_input(&s, "inc/h.h", "");
	GUARDS(&s, "inc h.h.gch\ninc stdc-predef.h\n");
	scene_release(&s);
}

/* In its place nothing is listed: the name is looked for where it may have been found. */
static void a_precompiled_header_stands_for_a_name(void)
{
	struct scene s;
	scene_init(&s);
	s.unit.inv.family = FAMILY_GCC;
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	room_put(&s.room, "one/x", "");
	room_put(&s.room, "two/h.h", "");
	read_input(&s, "src/a.c", "#include <h.h>\n#include <never.h>\n");
	read_input(&s, "two/h.h.gch", "");
	s.items[1].is_opaque = s.items[1].is_precompiled = true;
	s.inputs.precompiled = true;
	s.inputs.cap = INPUTS_MAX;
	GUARDS(&s, "one h.h\none h.h.gch\none never.h\none never.h.gch\none stdc-predef.h\ntwo never.h\ntwo never.h.gch\ntwo stdc-predef.h\n");
	SAME_NUMBER(s.inputs.len, 3);
	SAME(s.items[2].path, "two/h.h");
	free(s.items[2].path);
	scene_release(&s);
}

static void absolute_names_need_no_guard(void)
{
	struct scene s;
	scene_init(&s);
	search(&s, INCLUDE_NORMAL, "inc");
	room_put(&s.room, "inc/x", "");
	read_input(&s, "src/a.c", "#include \"/usr/include/stdio.h\"\n#include <never/found.h>\n");
	GUARDS(&s, "");
	scene_release(&s);
}

static void tuples_of_guarded_directories_are_theirs(void)
{
	struct scene s;
	struct stat st;
	struct tuple t;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	read_input(&s, "src/a.c", "#include <h.h>\n");
	read_input(&s, "two/h.h", "");
	GUARDS(&s, "one h.h\n");
	CU_ASSERT_EQUAL(stat(room_path(&s.room, "one"), &st), 0);
	tuple_of(&t, &st);
	CU_ASSERT(tuple_equal(&t, &s.guards.items[0].tuple));
	/* A directory that changed during the compile is not trusted by its times. */
	guards_release(&s.guards);
	room_put(&s.room, "one/object.o", "");
	SAME_NUMBER(guards_make(&s.unit, &s.id, &s.inputs, s.begun, &s.guards, s.detail, sizeof s.detail), SOLDR_REASON_NONE);
	SAME_NUMBER(s.guards.len, 1);
	SAME_NUMBER(s.guards.items[0].tuple.ctime_ns, 0);
	scene_release(&s);
}

/* It was passed by, or it came too late: nobody knows. */
static void a_shadow_that_came_during_the_compile_is_not_stored(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "one/x", "");
	search(&s, INCLUDE_NORMAL, "one");
	search(&s, INCLUDE_NORMAL, "two");
	read_input(&s, "src/a.c", "#include <h.h>\n");
	read_input(&s, "two/h.h", "");
	GUARDS(&s, "one h.h\n");
	guards_release(&s.guards);
	room_put(&s.room, "one/h.h", "");
	SAME_NUMBER(guards_make(&s.unit, &s.id, &s.inputs, s.begun, &s.guards, s.detail, sizeof s.detail),
	            SOLDR_REASON_INPUT_MODIFIED);
	SAME(s.detail, "one/h.h");
	scene_release(&s);
}

void suite_shadow(void)
{
	CU_pSuite s = CU_add_suite("shadow", NULL, NULL);
	CU_add_test(s, "c11: directories before the one that had it", directories_before_the_one_that_had_it);
	CU_add_test(s, "c11: nothing comes before the includer", nothing_comes_before_the_includer);
	CU_add_test(s, "c11: the working directory may be the includer", the_working_directory_may_be_the_includer);
	CU_add_test(s, "c11: kinds of directories are searched in order", kinds_of_directories_are_searched_in_order);
	CU_add_test(s, "c11: absent directories are guarded from above", absent_directories_are_guarded_from_above);
	CU_add_test(s, "c11: questions are guarded everywhere", questions_are_guarded_everywhere);
	CU_add_test(s, "c11: unexplained names are guarded", unexplained_names_are_guarded);
	CU_add_test(s, "c11: an input from nowhere is refused", an_input_from_nowhere_is_refused);
	CU_add_test(s, "c11: next names are guarded behind their first place", next_names_are_guarded_behind_their_first_place);
	CU_add_test(s, "c11: names of one directory are one place", names_of_one_directory_are_one_place);
	CU_add_test(s, "c11: links to nothing are watched", links_to_nothing_are_watched);
	CU_add_test(s, "c22: precompiled headers would be taken", precompiled_headers_would_be_taken);
	CU_add_test(s, "c22: a precompiled header stands for a name", a_precompiled_header_stands_for_a_name);
	CU_add_test(s, "absolute names need no guard", absolute_names_need_no_guard);
	CU_add_test(s, "tuples of guarded directories are theirs", tuples_of_guarded_directories_are_theirs);
	CU_add_test(s, "c12: a shadow that came during the compile is not stored",
	            a_shadow_that_came_during_the_compile_is_not_stored);
}
