/* script: which texts are followed, to which command, and which are not. */
#include "script.h"
#include "room.h"

void suite_script(void);

/* "BEFORE… @ AFTER…", or "no". */
static char *command_of(const struct script *s, bool good)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; good && i < s->before.len; i++)
		buf_addf(&b, "[%s]", s->before.items[i]);
	buf_adds(&b, good ? "@" : "no");
	for (size_t i = 0; good && i < s->after.len; i++)
		buf_addf(&b, "[%s]", s->after.items[i]);
	return buf_detach(&b);
}

static char *followed(const char *text)
{
	struct script s;
	bool good = script_parse(&s, text, strlen(text));
	char *command = command_of(&s, good);
	script_release(&s);
	return command;
}

static char *declared(const char *text)
{
	struct script s;
	bool good = script_parse_command(&s, text);
	char *command = command_of(&s, good);
	script_release(&s);
	return command;
}

#define ALL " \"$@\"\n"

static void a_plain_script_is_followed(void)
{
	SAME_OWNED(followed("#!/bin/sh\nexec /usr/bin/gcc" ALL), "[/usr/bin/gcc]@");
	SAME_OWNED(followed("#! /bin/bash \n# why\n\n  # more\nset -e\n\texec\t/usr/bin/gcc  -m32\t-DA=b,c:@%+" ALL "# end\n\n"),
	           "[/usr/bin/gcc][-m32][-DA=b,c:@%+]@");
	SAME_OWNED(followed("#!/bin/dash\nexec /usr/bin/gcc \"$@\" -O2 -lm"), "[/usr/bin/gcc]@[-O2][-lm]");
	SAME_OWNED(followed("#!/bin/sh\nexec '/my gcc' -D'A=\"$x\"' \"-DB='c d'\" ''" ALL), "[/my gcc][-DA=\"$x\"][-DB='c d'][]@");
}

static void what_leaves_a_doubt_is_not_followed(void)
{
	static const char *const texts[] = {
		"", "#!", "/bin/sh\nexec /usr/bin/gcc" ALL,
		/* another interpreter, or one with options */
		"#!/usr/bin/python3\nexec /usr/bin/gcc" ALL, "#!/bin/sh -x\nexec /usr/bin/gcc" ALL, "#!/usr/bin/env sh\nexec /usr/bin/gcc" ALL,
		/* no exec, or not of an absolute path */
		"#!/bin/sh\n", "#!/bin/sh\n/usr/bin/gcc" ALL, "#!/bin/sh\nexec gcc" ALL, "#!/bin/sh\nexec -a gcc /usr/bin/gcc" ALL,
		"#!/bin/sh\nexec" ALL, "#!/bin/sh\nexecute /usr/bin/gcc" ALL, "#!/bin/sh\nexec $CC" ALL, "#!/bin/sh\nexec ~/gcc" ALL,
		"#!/bin/sh\nexec A=1 /usr/bin/gcc" ALL,
		/* the arguments are not handed on once and whole */
		"#!/bin/sh\nexec /usr/bin/gcc\n", "#!/bin/sh\nexec /usr/bin/gcc $@\n", "#!/bin/sh\nexec /usr/bin/gcc \"$*\"\n",
		"#!/bin/sh\nexec /usr/bin/gcc '$@' $1\n", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"" ALL, "#!/bin/sh\nexec /usr/bin/gcc -D\"$@\"\n",
		"#!/bin/sh\nexec /usr/bin/gcc \"$@\"-x\n", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"''\n",
		/* the shell would do more than split words */
		"#!/bin/sh\nexec /usr/bin/gcc -I*" ALL, "#!/bin/sh\nexec /usr/bin/gcc -I{a,b}" ALL, "#!/bin/sh\nexec /usr/bin/gcc \"-I`pwd`\"" ALL,
		"#!/bin/sh\nexec /usr/bin/gcc \"-I\\\\\"" ALL, "#!/bin/sh\nexec /usr/bin/gcc -I\\ a" ALL, "#!/bin/sh\nexec /usr/bin/gcc -I$X" ALL,
		"#!/bin/sh\nexec /usr/bin/gcc \"$@\" >log\n", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"; true\n", "#!/bin/sh\nexec /usr/bin/gcc \"$@\" &\n",
		"#!/bin/sh\nexec /usr/bin/gcc \"$@\" # why\n", "#!/bin/sh\nexec /usr/bin/gcc 'open" ALL, "#!/bin/sh\nexec /usr/bin/gcc \\\n-m32" ALL,
		/* something else happens before or after */
		"#!/bin/sh\nexport A=1\nexec /usr/bin/gcc" ALL, "#!/bin/sh\ncd /\nexec /usr/bin/gcc" ALL, "#!/bin/sh\nset -x\nexec /usr/bin/gcc" ALL,
		"#!/bin/sh\nif true; then\nexec /usr/bin/gcc" ALL "fi\n", "#!/bin/sh\nexec /usr/bin/gcc" ALL "exec /usr/bin/gcc" ALL,
		"#!/bin/sh\r\nexec /usr/bin/gcc" ALL, "#!/bin/sh\nexec /usr/bin/gcc \"$@\"\r\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *command = followed(texts[i]);
		if (strcmp(command, "no") != 0)
			fprintf(stderr, "\nfollowed to %s:\n%s\n", command, texts[i]);
		CU_ASSERT_STRING_EQUAL(command, "no");
		free(command);
	}
	struct script s;
	CU_ASSERT_FALSE(script_parse(&s, "#!/bin/sh\nexec /b/gcc \0 \"$@\"\n", 30));
	script_release(&s);
	struct buf large = BUF_INIT;
	buf_adds(&large, "#!/bin/sh\n");
	while (large.len <= SCRIPT_MAX)
		buf_adds(&large, "# comment\n");
	buf_adds(&large, "exec /usr/bin/gcc" ALL);
	SAME_OWNED(followed(buf_str(&large)), "no");
	buf_release(&large);
}

static void a_declared_command_is_read_by_the_same_rules(void)
{
	SAME_OWNED(declared("/usr/bin/gcc"), "[/usr/bin/gcc]@");
	SAME_OWNED(declared(" /usr/bin/gcc -m32 '-DA=b c' "), "[/usr/bin/gcc][-m32][-DA=b c]@");
	SAME_OWNED(declared("/usr/bin/gcc \"$@\" -m32"), "[/usr/bin/gcc]@[-m32]");
	SAME_OWNED(declared(""), "no");
	SAME_OWNED(declared("gcc -m32"), "no");
	SAME_OWNED(declared("/usr/bin/gcc -I$HOME"), "no");
	SAME_OWNED(declared("/usr/bin/gcc \"$@\" \"$@\""), "no");
}

static void scripts_are_told_from_programs(void)
{
	struct room room;
	struct buf text = BUF_INIT;
	room_init(&room, "script");
	CU_ASSERT_TRUE(script_read(room_put(&room, "script", "#!/bin/sh\n"), &text));
	SAME(buf_str(&text), "#!/bin/sh\n");
	CU_ASSERT_FALSE(script_read(room_put(&room, "short", "#"), &text));
	CU_ASSERT_FALSE(script_read(room_put(&room, "text", "# !"), &text));
	CU_ASSERT_FALSE(script_read(room_path(&room, "none"), &text));
	CU_ASSERT_FALSE(script_read("/bin/true", &text));
	buf_release(&text);
	room_release(&room);
}

static void variables_sway_a_shell(void)
{
	const char *const plain[] = {"PATH=/bin", "ENVIRONMENT=1", "MY_BASH=1", NULL};
	const char *const read_first[] = {"PATH=/bin", "BASH_ENV=/tmp/x", NULL};
	const char *const function[] = {"BASH_FUNC_exec%%=() { :; }", NULL};
	CU_ASSERT_FALSE(script_is_swayed(plain));
	CU_ASSERT_TRUE(script_is_swayed(read_first));
	CU_ASSERT_TRUE(script_is_swayed(function));
}

void suite_script(void)
{
	CU_pSuite suite = CU_add_suite("script", NULL, NULL);
	CU_add_test(suite, "c19: a plain script is followed", a_plain_script_is_followed);
	CU_add_test(suite, "c19: what leaves a doubt is not followed", what_leaves_a_doubt_is_not_followed);
	CU_add_test(suite, "c19: a declared command is read by the same rules", a_declared_command_is_read_by_the_same_rules);
	CU_add_test(suite, "scripts are told from programs", scripts_are_told_from_programs);
	CU_add_test(suite, "variables sway a shell", variables_sway_a_shell);
}
