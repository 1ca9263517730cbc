/* key: what changes it, what does not, and in which group a change shows. */
#include "key.h"
#include "room.h"

void suite_key(void);

/* One compile, parsed as the backend does it. */
struct call {
	const char *argv[24];
	const char *envp[24];
	const char *cwd, *compiler, *real, *tools, *source_text, *root;
};

static const struct call plain = {
	.argv = {"gcc", "-O2", "-c", "a.c", "-o", "a.o"},
	.envp = {"PATH=/usr/bin", "HOME=/root"},
	.cwd = "/w", .compiler = "/usr/bin/gcc", .real = "/usr/bin/gcc-12", .tools = "/usr/bin/as", .source_text = "int x;",
};

static struct key key_of(const struct call *c)
{
	struct key k;
	struct invocation inv = INVOCATION_INIT;
	struct digest source;
	const soldr_request req = {.struct_size = sizeof req, .argv = c->argv, .envp = c->envp, .compiler = c->compiler, .cwd = c->cwd};
	digest_of(&source, c->source_text, strlen(c->source_text));
	SAME_NUMBER(invocation_parse(&inv, FAMILY_GCC, c->argv, c->cwd), 0);
	SAME_NUMBER(inv.refused, SOLDR_REASON_NONE);
	SAME_NUMBER(key_compute(&k, &inv, &req, c->real, c->tools, &source, c->root, NULL), 0);
	invocation_release(&inv);
	return k;
}

/* The names of the groups in which two calls differ, joined by blanks. The direct key differs just when one does. */
static void expect_difference_at(int line, const struct call *a, const struct call *b, const char *groups)
{
	struct key x = key_of(a), y = key_of(b);
	struct buf names = BUF_INIT;
	for (int g = 0; g < KEY_GROUPS; g++)
		if (!digest_equal(&x.group[g], &y.group[g]))
			buf_addf(&names, "%s%s", names.len ? " " : "", key_group_name((enum key_group)g));
	same_text_at(__FILE__, line, buf_str(&names), groups);
	CU_ASSERT_EQUAL(digest_equal(&x.direct, &y.direct), *groups == 0);
	buf_release(&names);
}
#define DIFFERS(a, b, groups) expect_difference_at(__LINE__, a, b, groups)

static void the_same_call_has_the_same_key(void)
{
	struct call c = plain;
	DIFFERS(&plain, &c, "");
	/* Where the outputs go does not reach them. */
	c.argv[5] = "other/b.o";
	DIFFERS(&plain, &c, "");
	c.cwd = "/elsewhere";
	DIFFERS(&plain, &c, "");
	c.envp[1] = "HOME=/home/me";
	c.envp[2] = "MAKEFLAGS=-j8";
	DIFFERS(&plain, &c, "");
}

static void each_group_shows_its_change(void)
{
	struct call c = plain;
	c.source_text = "int y;";
	DIFFERS(&plain, &c, "source");
	c = plain;
	c.argv[3] = "./a.c";
	DIFFERS(&plain, &c, "source");
	c = plain;
	c.argv[1] = "-O3";
	DIFFERS(&plain, &c, "options");
	c = plain;
	c.argv[0] = "x86_64-linux-gnu-gcc";
	DIFFERS(&plain, &c, "compiler");
	c = plain;
	c.real = "/usr/bin/gcc-13";
	DIFFERS(&plain, &c, "compiler");
	c = plain;
	c.compiler = "/opt/bin/gcc";
	DIFFERS(&plain, &c, "compiler");
	c = plain;
	c.tools = "/opt/bin/as";
	DIFFERS(&plain, &c, "compiler");
	c.tools = NULL;
	DIFFERS(&plain, &c, "compiler");
}

static void the_order_of_options_counts(void)
{
	struct call a = plain, b = plain;
	a.argv[6] = b.argv[7] = "-DA=1";
	a.argv[7] = b.argv[6] = "-UA";
	DIFFERS(&a, &b, "options");
	/* Neighbours do not run together. */
	a = b = plain;
	a.argv[6] = "-DA";
	a.argv[7] = "-DB";
	b.argv[6] = "-DA-DB";
	DIFFERS(&a, &b, "options");
	a = b = plain;
	a.argv[6] = "-D";
	a.argv[7] = "AB";
	b.argv[6] = "-DA";
	b.argv[7] = "-DB";
	DIFFERS(&a, &b, "options");
}

/* Unset, empty and set are three things. */
static void variables_of_the_compiler_count(void)
{
	static const char *const names[] = {
		"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH", "LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE",
		"SOURCE_DATE_EPOCH", "LD_PRELOAD", "LD_LIBRARY_PATH",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct call empty = plain, set = plain, other = plain;
		char none[64], one[64], two[64];
		snprintf(none, sizeof none, "%s=", names[i]);
		snprintf(one, sizeof one, "%s=1", names[i]);
		snprintf(two, sizeof two, "%s=2", names[i]);
		empty.envp[2] = none;
		set.envp[2] = one;
		other.envp[2] = two;
		DIFFERS(&plain, &empty, "environment");
		DIFFERS(&empty, &set, "environment");
		DIFFERS(&set, &other, "environment");
	}
}

static void the_directory_counts_where_it_can_be_seen(void)
{
	struct call a = plain, b = plain;
	a.argv[6] = b.argv[6] = "-g";
	b.cwd = "/elsewhere";
	DIFFERS(&a, &b, "directory");
}

/* $PWD, where it is the same directory by another name, is what debug information says. */
static void the_apparent_directory_counts(void)
{
	struct room room;
	room_init(&room, "key");
	room_put(&room, "real/x", "");
	room_put(&room, "other/x", "");
	CU_ASSERT_EQUAL(symlink("real", room_path(&room, "link")), 0);
	struct buf link = BUF_INIT, other = BUF_INIT, relative = BUF_INIT;
	buf_addf(&link, "PWD=%s/link", room.dir);
	buf_addf(&other, "PWD=%s/other", room.dir);
	buf_adds(&relative, "PWD=link");
	const char *const lists[][2] = {{link.data, NULL}, {other.data, NULL}, {relative.data, NULL}, {"PWD=", NULL}, {"PWD=/nowhere", NULL}};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const soldr_request req = {.struct_size = sizeof req, .envp = lists[i], .cwd = room_path(&room, "real")};
		SAME_OWNED(key_apparent_directory(&req), room_path(&room, i == 0 ? "link" : "real"));
	}
	struct call a = plain, b = plain;
	a.argv[6] = b.argv[6] = "-g";
	a.cwd = b.cwd = room_path(&room, "real");
	b.envp[2] = link.data;
	DIFFERS(&a, &b, "directory");
	buf_release(&link);
	buf_release(&other);
	buf_release(&relative);
	room_release(&room);
}

/* A depfile names its target: then the output's name is part of what is stored. */
static void the_output_counts_where_it_is_written_down(void)
{
	struct call a = plain, b = plain;
	a.argv[6] = b.argv[6] = "-MD";
	b.argv[5] = "b.o";
	DIFFERS(&a, &b, "output");
	/* Unless the target is given. */
	a.argv[7] = b.argv[7] = "-MT";
	a.argv[8] = b.argv[8] = "target";
	DIFFERS(&a, &b, "");
	b.argv[8] = "other";
	DIFFERS(&a, &b, "options");
}

/* Below the root only what follows it counts, where no output holds more. */
static void checkouts_may_have_the_same_key(void)
{
	static const char *const shared[] = {
		"-I%s/inc", "-isystem%s/inc", "-include%s/c.h", "-ffile-prefix-map=%s=/x", "-fdebug-prefix-map=%s/a=/x", NULL,
	};
	static const char *const apart[] = {"-DX=%s", "-D%s", "-Wa,-I%s", "-ffile-prefix-map=/x=%s", "-I%s-2", NULL};
	struct call a = plain, b = plain;
	char x[64], y[64];
	a.root = a.cwd = "/w/one";
	b.root = b.cwd = "/v/other";
	for (size_t i = 0; shared[i]; i++) {
		snprintf(x, sizeof x, shared[i], a.root);
		snprintf(y, sizeof y, shared[i], b.root);
		a.argv[6] = x;
		b.argv[6] = y;
		DIFFERS(&a, &b, "");
		/* Somewhere else below the root is somewhere else. */
		snprintf(y, sizeof y, shared[i], "/v/other/sub");
		DIFFERS(&a, &b, "options");
	}
	for (size_t i = 0; apart[i]; i++) {
		snprintf(x, sizeof x, apart[i], a.root);
		snprintf(y, sizeof y, apart[i], b.root);
		a.argv[6] = x;
		b.argv[6] = y;
		DIFFERS(&a, &b, "options");
	}
	a.argv[6] = b.argv[6] = "-I";
	a.argv[7] = "/w/one/inc";
	b.argv[7] = "/v/other/inc";
	DIFFERS(&a, &b, "");
	/* The value of one option is not taken for another. */
	a.argv[6] = b.argv[6] = "-D";
	a.argv[7] = "-I/w/one";
	b.argv[7] = "-I/v/other";
	DIFFERS(&a, &b, "options");
	/* The directory, the source and the outputs. */
	a.argv[6] = b.argv[6] = "-g";
	a.argv[7] = b.argv[7] = "-MD";
	a.argv[3] = "/w/one/a.c";
	b.argv[3] = "/v/other/a.c";
	a.argv[5] = "/w/one/a.o";
	b.argv[5] = "/v/other/a.o";
	DIFFERS(&a, &b, "");
	b.cwd = "/v/other/sub";
	DIFFERS(&a, &b, "directory");
	b.cwd = "/w/one";
	DIFFERS(&a, &b, "directory");
	/* Mapped or not is a difference. */
	b = plain;
	a = plain;
	a.root = "/w";
	DIFFERS(&a, &b, "options");
}

static void hostile_variables_are_named(void)
{
	CU_ASSERT_PTR_NULL(key_hostile_variable(FAMILY_GCC, plain.envp));
	SAME(key_hostile_variable(FAMILY_GCC, (const char *const[]){"A=b", "DEPENDENCIES_OUTPUT=x", NULL}), "DEPENDENCIES_OUTPUT");
	SAME(key_hostile_variable(FAMILY_GCC, (const char *const[]){"SUNPRO_DEPENDENCIES=", NULL}), "SUNPRO_DEPENDENCIES");
	SAME(key_hostile_variable(FAMILY_CLANG, (const char *const[]){"CCC_OVERRIDE_OPTIONS=+-g", NULL}), "CCC_OVERRIDE_OPTIONS");
	CU_ASSERT_PTR_NULL(key_hostile_variable(FAMILY_GCC, (const char *const[]){"DEPENDENCIES_OUTPUT2=x", NULL}));
}

static struct digest terminal_of(uint32_t out, uint32_t err, uint32_t columns, const char *variable)
{
	const char *const envp[] = {variable, NULL};
	const soldr_request req = {
		.struct_size = sizeof req, .envp = envp, .stdout_kind = out, .stderr_kind = err, .columns = columns,
	};
	struct digest d;
	key_terminal(&req, &d);
	return d;
}

static void terminals_are_told_apart(void)
{
	const struct digest all[] = {
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, NULL),
		terminal_of(SOLDR_FD_TTY, SOLDR_FD_OTHER, 0, NULL),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_TTY, 0, NULL),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_TTY, 80, NULL),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_TTY, 81, NULL),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "TERM=xterm"),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "TERM=dumb"),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "GCC_COLORS="),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "NO_COLOR="),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "NO_COLOR=1"),
		terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "COLUMNS=70"),
	};
	enum { COUNT = sizeof all / sizeof *all };
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_FALSE(digest_equal(&all[i], &all[k]));
	struct digest again = terminal_of(SOLDR_FD_OTHER, SOLDR_FD_OTHER, 0, "EDITOR=vi");
	CU_ASSERT(digest_equal(&all[0], &again));
}

void suite_key(void)
{
	CU_pSuite s = CU_add_suite("key", NULL, NULL);
	CU_add_test(s, "the same call has the same key", the_same_call_has_the_same_key);
	CU_add_test(s, "each group shows its change", each_group_shows_its_change);
	CU_add_test(s, "c36: the order of options counts", the_order_of_options_counts);
	CU_add_test(s, "c18: variables of the compiler count", variables_of_the_compiler_count);
	CU_add_test(s, "c13: the directory counts where it can be seen", the_directory_counts_where_it_can_be_seen);
	CU_add_test(s, "c13: the apparent directory counts", the_apparent_directory_counts);
	CU_add_test(s, "c02: the output counts where it is written down", the_output_counts_where_it_is_written_down);
	CU_add_test(s, "c34: checkouts may have the same key", checkouts_may_have_the_same_key);
	CU_add_test(s, "c18: hostile variables are named", hostile_variables_are_named);
	CU_add_test(s, "c07: terminals are told apart", terminals_are_told_apart);
}
