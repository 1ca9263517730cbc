/*
 * identity: what the installed compilers, and scripts in their place, answer;
 * and for how long the answer is remembered. The host's run() is posix_spawn.
 */
#include "identity.h"
#include "room.h"

#include <spawn.h>
#include <sys/mman.h>

extern char **environ;

void suite_identity(void);

/* The state behind the host: how many programs it ran. */
struct asked {
	unsigned runs;
};

static void *host_alloc(soldr_core *core, uint64_t size)
{
	(void)core;
	return malloc(size ? (size_t)size : 1);
}

static void host_release(soldr_core *core, void *data)
{
	(void)core;
	free(data);
}

/* A stream of the child into a file without a name. */
static int open_stream(posix_spawn_file_actions_t *actions, int fd)
{
	int file = memfd_create("stream", MFD_CLOEXEC);
	posix_spawn_file_actions_adddup2(actions, file, fd);
	return file;
}

static void take_stream(int file, void **data, uint64_t *len)
{
	struct buf b = BUF_INIT;
	lseek(file, 0, SEEK_SET);
	CU_ASSERT_EQUAL(fs_read_fd(file, "a stream", 64 << 20, &b, NULL), 0);
	*len = b.len;
	*data = buf_detach(&b);
	close(file);
}

static int32_t host_run(soldr_core *core, uint64_t id, const soldr_spawn *sp, soldr_exit *ex, soldr_error *err)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	int status = 0;
	(void)id;
	((struct asked *)(void *)core)->runs++;
	/* A question is not seen, not counted as a compile, and reads nothing. */
	const uint32_t quiet = SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_NO_STDIN | SOLDR_SPAWN_PROBE;
	CU_ASSERT_EQUAL(sp->flags & quiet, quiet);
	posix_spawn_file_actions_init(&actions);
	int out = open_stream(&actions, 1), errs = open_stream(&actions, 2);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	int why = posix_spawn(&pid, sp->file, &actions, NULL, (char *const *)(uintptr_t)sp->argv, (char *const *)(uintptr_t)sp->envp);
	posix_spawn_file_actions_destroy(&actions);
	if (why) {
		close(out);
		close(errs);
		return err_set(err, SOLDR_E_IO, why, "test", "cannot run %s", sp->file);
	}
	waitpid(pid, &status, 0);
	ex->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	ex->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	take_stream(out, &ex->stdout_data, &ex->stdout_len);
	take_stream(errs, &ex->stderr_data, &ex->stderr_len);
	return 0;
}

/* A question about one compiler, with a store of its own. */
struct scene {
	struct room room;
	struct store store;
	struct asked asked;
	soldr_host host;
	struct vec env;
	struct invocation inv;
	struct identity id;
	soldr_error err;
	struct buf text;
};

static void scene_init(struct scene *s)
{
	*s = (struct scene){.inv = INVOCATION_INIT, .id = IDENTITY_INIT, .err = SOLDR_ERROR_INIT, .text = BUF_INIT};
	room_init(&s->room, "identity");
	SAME_NUMBER(store_init(&s->store, s->room.dir, 1 << 30, false, NULL), 0);
	s->host = (soldr_host){
		.struct_size = sizeof s->host, .abi = SOLDR_ABI, .core = (soldr_core *)(void *)&s->asked, .alloc = host_alloc,
		.release = host_release, .run = host_run,
	};
	vec_add_all(&s->env, (const char *const *)environ);
	s->inv.language = LANGUAGE_C;
	s->inv.tools = TOOL_ASSEMBLER;
}

static void scene_release(struct scene *s)
{
	identity_release(&s->id);
	invocation_release(&s->inv);
	store_release(&s->store);
	vec_release(&s->env);
	buf_release(&s->text);
	room_release(&s->room);
}

/* Asks; the number of programs that were run for it, or -1 for an error. */
static int ask(struct scene *s, const char *compiler)
{
	char *real = realpath(compiler, NULL);
	const char *const argv[] = {compiler, NULL};
	const soldr_request req = {
		.struct_size = sizeof req, .argc = 1, .argv = argv, .envp = vec_items(&s->env), .compiler = compiler, .cwd = s->room.dir,
	};
	CU_ASSERT_PTR_NOT_NULL_FATAL(real);
	identity_release(&s->id);
	s->asked.runs = 0;
	int rc = identity_get(&s->id, &s->host, &req, real, &s->inv, &s->store, &s->err);
	free(real);
	return rc ? -1 : (int)s->asked.runs;
}

static bool has(const struct vec *v, const char *part)
{
	for (size_t i = 0; i < v->len; i++)
		if (strstr(v->items[i], part))
			return true;
	fprintf(stderr, "\n%s is not among %zu\n", part, v->len);
	return false;
}

static void expect_states_of_programs(const struct identity *id)
{
	for (size_t i = 0; i < id->programs.len; i++) {
		struct tuple t;
		struct digest d;
		CU_ASSERT_EQUAL(id->programs.items[i][0], '/');
		SAME_NUMBER(files_read(AT_FDCWD, id->programs.items[i], NULL, &t, &d, NULL), 0);
		CU_ASSERT(tuple_equal(&t, &id->states[i].tuple));
		CU_ASSERT(digest_equal(&d, &id->states[i].digest));
	}
}

static void gcc_names_its_programs_and_directories(void)
{
	struct scene s;
	scene_init(&s);
	CU_ASSERT(ask(&s, "/usr/bin/gcc") > 0);
	SAME_NUMBER(s.id.family, FAMILY_GCC);
	char *real = realpath("/usr/bin/gcc", NULL);
	SAME(s.id.programs.items[0], real);
	free(real);
	CU_ASSERT(has(&s.id.programs, "/cc1"));
	CU_ASSERT(has(&s.id.programs, "as"));
	CU_ASSERT(has(&s.id.programs, "/libc.so")); /* the libraries that these load */
	CU_ASSERT(has(&s.id.system_dirs, "/usr/include"));
	expect_states_of_programs(&s.id);
	/* What C++ asks for is another answer. */
	s.inv.language = LANGUAGE_CXX;
	CU_ASSERT(ask(&s, "/usr/bin/g++") > 0);
	CU_ASSERT(has(&s.id.programs, "/cc1plus"));
	CU_ASSERT(has(&s.id.system_dirs, "c++"));
	scene_release(&s);
}

static void clang_names_its_directories(void)
{
	struct scene s;
	scene_init(&s);
	CU_ASSERT(ask(&s, "/usr/bin/clang") > 0);
	SAME_NUMBER(s.id.family, FAMILY_CLANG);
	CU_ASSERT(has(&s.id.programs, "clang"));
	CU_ASSERT(has(&s.id.programs, "/libc.so"));
	CU_ASSERT(has(&s.id.system_dirs, "/usr/include"));
	CU_ASSERT(has(&s.id.system_dirs, "clang")); /* its own stddef.h */
	expect_states_of_programs(&s.id);
	scene_release(&s);
}

static void options_reach_the_question(void)
{
	struct scene s;
	scene_init(&s);
	CU_ASSERT(ask(&s, "/usr/bin/gcc") > 0);
	size_t dirs = s.id.system_dirs.len;
	vec_add(&s.inv.probe_args, "-nostdinc");
	CU_ASSERT(ask(&s, "/usr/bin/gcc") > 0);
	CU_ASSERT(dirs > 0);
	SAME_NUMBER(s.id.system_dirs.len, 0);
	scene_release(&s);
}

/* ---- a compiler made of text --------------------------------------------------------------- */

/* Answers as GCC does, translated unless it is asked for the C locale. */
static const char *put_compiler(struct scene *s, const char *version)
{
	struct buf text = BUF_INIT;
	buf_addf(&text, "#!/bin/sh\n"
	                "[ \"$LC_ALL\" = C ] || { echo 'Thread-Modell' >&2; exit 0; }\n"
	                "[ \"$1\" = -print-prog-name=as ] && { echo %s/as; exit; }\n"
	                "cat >&2 <<'END'\n%s\n"
	                " %s/cc1 -E -quiet -v /dev/null\n"
	                "ignoring nonexistent directory \"/none\"\n"
	                "#include \"...\" search starts here:\n /quoted\n"
	                "#include <...> search starts here:\n /inc one\n /inc/two\n"
	                "End of search list.\n /not/a/directory\nEND\n",
	          s->room.dir, version, s->room.dir);
	const char *path = room_put_program(&s->room, "gcc", text.data);
	buf_release(&text);
	room_put(&s->room, "cc1", "cc1 itself");
	room_put(&s->room, "as", "the assembler");
	room_settle(&s->room);
	return path;
}

static void answers_are_read_in_any_locale(void)
{
	struct scene s;
	struct buf list = BUF_INIT, expected = BUF_INIT;
	scene_init(&s);
	vec_add(&s.env, "LANG=de_DE.UTF-8");
	vec_add(&s.env, "LC_ALL=de_DE.UTF-8");
	CU_ASSERT(ask(&s, put_compiler(&s, "gcc version 12.2.0 (Test)")) > 0);
	SAME_NUMBER(s.id.family, FAMILY_GCC);
	for (size_t i = 0; i < s.id.programs.len; i++)
		buf_addf(&list, "%s\n", s.id.programs.items[i]);
	buf_addf(&expected, "%s/gcc\n%s/cc1\n%s/as\n", s.room.dir, s.room.dir, s.room.dir);
	SAME(buf_str(&list), expected.data);
	SAME_NUMBER(s.id.system_dirs.len, 2);
	SAME(s.id.system_dirs.items[0], "/inc one");
	SAME(s.id.system_dirs.items[1], "/inc/two");
	buf_release(&list);
	buf_release(&expected);
	scene_release(&s);
}

static void what_is_no_compiler_is_refused(void)
{
	struct scene s;
	scene_init(&s);
	SAME_NUMBER(ask(&s, put_compiler(&s, "tcc version 0.9")), -1);
	SAME_NUMBER(s.err.code, SOLDR_E_UNSUPPORTED);
	SAME_NUMBER(s.id.programs.len, 0);
	SAME_NUMBER(ask(&s, room_put_program(&s.room, "fails", "#!/bin/sh\nexit 3\n")), -1);
	HOLDS(s.err.message, "fails");
	SAME_NUMBER(ask(&s, room_put_program(&s.room, "killed", "#!/bin/sh\nkill -KILL $$\n")), -1);
	SAME_NUMBER(ask(&s, "/bin/true"), -1);
	/* A refusal is not remembered. */
	CU_ASSERT_FALSE(room_has(&s.room, "embedded/v1/compilers"));
	scene_release(&s);
}

static void a_compiler_for_its_own_processor_has_to_be_told(void)
{
	struct scene s;
	scene_init(&s);
	const char *native = put_compiler(&s, "Configured with: ../src/configure --with-arch=native\ngcc version 12.2.0 (Test)");
	SAME_NUMBER(ask(&s, native), -1);
	HOLDS(s.err.message, "processor");
	s.inv.native = true; /* an option says so too: the processor is in the key */
	CU_ASSERT(ask(&s, native) > 0);
	scene_release(&s);
}

static void options_in_a_configuration_file_have_to_be_plain(void)
{
	static const struct {
		const char *text;
		bool plain;
	} rows[] = {
		{"", true},
		{"# -g\n", true},
		{"  # -g\n-O2\n", true},
		{"-march=haswell\n-DX=1 --gcc-toolchain=/opt\n", true},
		{"-march=native\n", false},
		{"-g\n", false},
		{"-O2 # -g\n", false}, /* no comment there */
		{"-Wall -Wno-unused\n", true},
		{"-Wmissing-include-dirs\n", false},
		{"-Weverything\n", false},
		{"-MD\n", false},
		{"-isystem /opt/include\n", false},
		{"-include pre.h\n", false},
		{"-fcolor-diagnostics\n", false},
		{"-gsplit-dwarf\n", false},
		{"-save-temps\n", false},
		{"-E\n", false},
		{"@more.cfg\n", false},
		{"-DX=<CFGDIR>\n", false},
		{"-fprofile-instr-use=p\n", false},
		{"\"-O2\n", false},
		{"y.c\n", false},
	};
	struct scene s;
	scene_init(&s);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&s.text);
		buf_addf(&s.text, "Configuration file: %s\nTest clang version 14.0.0", room_put(&s.room, "c.cfg", rows[i].text));
		room_settle(&s.room);
		int asked = ask(&s, put_compiler(&s, s.text.data));
		if ((asked > 0) != rows[i].plain)
			printf("\nc.cfg: %s\n", rows[i].text);
		CU_ASSERT((asked > 0) == rows[i].plain);
	}
	scene_release(&s);
}

static void an_answer_is_remembered_until_a_program_changes(void)
{
	static const char *const parts[] = {"cc1", "as", "gcc"};
	struct scene s;
	scene_init(&s);
	const char *gcc = put_compiler(&s, "gcc version 12.2.0 (Test)");
	CU_ASSERT(ask(&s, gcc) > 0);
	SAME_NUMBER(ask(&s, gcc), 0);
	SAME_NUMBER(s.id.family, FAMILY_GCC);
	SAME_NUMBER(s.id.programs.len, 3);
	SAME_NUMBER(s.id.system_dirs.len, 2);
	expect_states_of_programs(&s.id);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		/* The same bytes, a new ctime. */
		CU_ASSERT_EQUAL(chmod(room_path(&s.room, parts[i]), 0700), 0);
		room_settle(&s.room);
		CU_ASSERT(ask(&s, gcc) > 0);
		SAME_NUMBER(ask(&s, gcc), 0);
	}
	/* Another environment may be another answer. */
	vec_add(&s.env, "COMPILER_PATH=/opt");
	CU_ASSERT(ask(&s, gcc) > 0);
	SAME_NUMBER(ask(&s, gcc), 0);
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "cc1")), 0);
	SAME_NUMBER(ask(&s, gcc), -1);
	scene_release(&s);
}

/* A program that changed since the question was begun is asked again next time. */
static void a_compiler_in_motion_is_not_remembered(void)
{
	struct scene s;
	struct buf text = BUF_INIT;
	scene_init(&s);
	const char *gcc = put_compiler(&s, "gcc version 12.2.0 (Test)");
	struct buf script = room_get(&s.room, "gcc");
	buf_addf(&text, "#!/bin/sh\n: >> %s/cc1; touch %s/cc1\n%s", s.room.dir, s.room.dir, buf_str(&script) + strlen("#!/bin/sh\n"));
	room_put_program(&s.room, "gcc", text.data);
	room_settle(&s.room);
	CU_ASSERT(ask(&s, gcc) > 0);
	CU_ASSERT(ask(&s, gcc) > 0);
	buf_release(&text);
	buf_release(&script);
	scene_release(&s);
}

/* The one file below compilers/. */
static const char *memory_of(struct scene *s)
{
	static char name[300];
	char line[200] = "";
	struct buf command = BUF_INIT;
	buf_addf(&command, "ls '%s/embedded/v1/compilers'", s->room.dir);
	FILE *f = popen(command.data, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, f));
	pclose(f);
	buf_release(&command);
	line[strcspn(line, "\n")] = 0;
	snprintf(name, sizeof name, "embedded/v1/compilers/%s", line);
	return name;
}

static void a_damaged_memory_is_not_believed(void)
{
	struct scene s;
	scene_init(&s);
	const char *gcc = put_compiler(&s, "gcc version 12.2.0 (Test)");
	CU_ASSERT(ask(&s, gcc) > 0);
	const char *name = memory_of(&s);
	struct buf good = room_get(&s.room, name);
	CU_ASSERT(good.len > 100);
	for (size_t i = 0; i < good.len; i += 13) {
		good.data[i] = (char)(good.data[i] ^ 1);
		room_put_bytes(&s.room, name, good.data, good.len);
		good.data[i] = (char)(good.data[i] ^ 1);
		CU_ASSERT(ask(&s, gcc) > 0);
		room_put_bytes(&s.room, name, good.data, i);
		CU_ASSERT(ask(&s, gcc) > 0);
		SAME_NUMBER(s.id.programs.len, 3);
	}
	room_put_bytes(&s.room, name, good.data, good.len);
	SAME_NUMBER(ask(&s, gcc), 0);
	/* One that belongs under another name. */
	const char *other = room_put_program(&s.room, "other-gcc", "#!/bin/sh\nexit 3\n");
	SAME_NUMBER(ask(&s, other), -1);
	vec_add(&s.env, "CPATH=/x");
	CU_ASSERT(ask(&s, gcc) > 0);
	SAME_NUMBER(room_sh(&s.room, "cd embedded/v1/compilers && set -- * && [ $# = 2 ] && mv $1 t && mv $2 $1 && mv t $2"), 0);
	CU_ASSERT(ask(&s, gcc) > 0);
	buf_release(&good);
	scene_release(&s);
}

static void tools_are_found(void)
{
	struct room room;
	struct buf path = BUF_INIT;
	room_init(&room, "identity");
	room_put_program(&room, "bin/as", "");
	buf_addf(&path, "PATH=%s/none:%s/bin:/usr/bin", room.dir, room.dir);
	const char *const envp[] = {path.data, NULL};
	const soldr_request req = {.struct_size = sizeof req, .envp = envp, .cwd = room.dir};
	struct invocation inv = {.tools = TOOL_ASSEMBLER | TOOL_OBJCOPY};
	struct buf expected = BUF_INIT;
	room_put_program(&room, "none/objcopy", "");
	buf_addf(&expected, "%s/bin/as\n%s/none/objcopy\n", room.dir, room.dir);
	SAME_OWNED(identity_tools(&req, &inv), expected.data);
	inv.tools = TOOL_ASSEMBLER;
	buf_clear(&expected);
	buf_addf(&expected, "%s/bin/as\n\n", room.dir);
	SAME_OWNED(identity_tools(&req, &inv), expected.data);
	buf_release(&expected);
	buf_release(&path);
	room_release(&room);
}

void suite_identity(void)
{
	CU_pSuite s = CU_add_suite("identity", NULL, NULL);
	CU_add_test(s, "c19: gcc names its programs and directories", gcc_names_its_programs_and_directories);
	CU_add_test(s, "c19: clang names its directories", clang_names_its_directories);
	CU_add_test(s, "options reach the question", options_reach_the_question);
	CU_add_test(s, "c18: answers are read in any locale", answers_are_read_in_any_locale);
	CU_add_test(s, "what is no compiler is refused", what_is_no_compiler_is_refused);
	CU_add_test(s, "c20: a compiler for its own processor has to be told", a_compiler_for_its_own_processor_has_to_be_told);
	CU_add_test(s, "c17: options in a configuration file have to be plain", options_in_a_configuration_file_have_to_be_plain);
	CU_add_test(s, "c19: an answer is remembered until a program changes", an_answer_is_remembered_until_a_program_changes);
	CU_add_test(s, "c19: a compiler in motion is not remembered", a_compiler_in_motion_is_not_remembered);
	CU_add_test(s, "s02: a damaged memory is not believed", a_damaged_memory_is_not_believed);
	CU_add_test(s, "tools are found", tools_are_found);
}
