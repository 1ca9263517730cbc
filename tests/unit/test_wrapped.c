/*
 * The wrapped and the null backend: first their parts that only read memory,
 * then the built plugins (SOLDR_TEST_PLUGINS names their directory) with a host
 * made here that spawns what it is asked to, calling small scripts and, where
 * it is installed, the real ccache.
 */
#include "fs.h"
#include "loader.h"
#include "native_test.h"
#include "path.h"

#include "../../plugins/wrapped/command.h"
#include "../../plugins/wrapped/outcome.h"
#include "../../plugins/wrapped/profile.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void suite_wrapped(void);

/* ---- outcomes ------------------------------------------------------------------- */

static void ccache_logs_are_told_apart(void)
{
	static const struct {
		const char *log;
		uint32_t outcome;
		const char *reason, *detail;
		bool unfinished;
	} cases[] = {
		{"", SOLDR_OUTCOME_BYPASS, "external_unknown", "", false},
		{"# a.c\ndirect_cache_hit\nlocal_storage_hit\nlocal_storage_read_hit\n", SOLDR_OUTCOME_HIT, "", "", false},
		{"# a.c\nlocal_storage_hit\npreprocessed_cache_hit\n", SOLDR_OUTCOME_HIT, "", "", false},
		{"# a.c\ndirect_cache_miss\npreprocessed_cache_hit\n", SOLDR_OUTCOME_HIT, "", "", false},
		{"# a.c\ncache_miss\ndirect_cache_miss\nlocal_storage_write\npreprocessed_cache_miss\n", SOLDR_OUTCOME_MISS,
		 "external_miss", "cache_miss", false},
		{"# a.c\nlocal_storage_read_hit\nlocal_storage_write\nrecache\n", SOLDR_OUTCOME_MISS, "recache", "recache", false},
		{"# a.o\ncalled_for_link\n", SOLDR_OUTCOME_BYPASS, "external_uncacheable", "called_for_link", false},
		{"# \nno_input_file", SOLDR_OUTCOME_BYPASS, "external_uncacheable", "no_input_file", false},
		{"# a.c\ncompile_failed\ndirect_cache_miss\n", SOLDR_OUTCOME_BYPASS, "external_uncacheable", "compile_failed", false},
		/* A counter of a newer version: nothing is claimed, whether it stands before or after a known one. */
		{"# a.c\nsent_to_the_moon\n", SOLDR_OUTCOME_BYPASS, "external_unknown", "sent_to_the_moon", false},
		{"# a.c\nanother_number\ncache_miss\n", SOLDR_OUTCOME_MISS, "external_miss", "cache_miss", false},
		{"# a.c\ncache_miss\nsent_to_the_moon\n", SOLDR_OUTCOME_MISS, "external_miss", "cache_miss", false},
		/* It broke down: no counter of an end. */
		{"# a.c\ndirect_cache_miss\nlocal_storage_read_miss\n", SOLDR_OUTCOME_BYPASS, "external_unknown", "", true},
		/* Two calls: the inner one writes first. */
		{"# a.c\ncache_miss\n# b.c\ndirect_cache_hit\n", SOLDR_OUTCOME_HIT, "", "", false},
		{"# a.c\ncache_miss\n# b.c\nlocal_storage_read_miss\n", SOLDR_OUTCOME_BYPASS, "external_unknown", "", true},
		/* Not a log at all. */
		{"\033[31mrubbish\n\n \n", SOLDR_OUTCOME_BYPASS, "external_unknown", "", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct outcome o;
		outcome_from_ccache_log(cases[i].log, strlen(cases[i].log), &o);
		if (o.outcome == cases[i].outcome && strcmp(o.reason, cases[i].reason) == 0 &&
		    strcmp(o.detail, cases[i].detail) == 0 && o.unfinished == cases[i].unfinished)
			continue;
		fprintf(stderr, "\nlog %zu: expected %u %s %s %d, got %u %s %s %d\n", i, cases[i].outcome, cases[i].reason,
		        cases[i].detail, cases[i].unfinished, o.outcome, o.reason, o.detail, o.unfinished);
		CU_FAIL("a log was read wrongly");
	}
}

static void a_long_counter_name_is_cut_and_ended(void)
{
	char log[300] = "# a.c\n";
	size_t at = strlen(log);
	memset(log + at, 'x', sizeof log - at);
	struct outcome o;
	outcome_from_ccache_log(log, sizeof log, &o);
	CU_ASSERT_EQUAL(strlen(o.detail), sizeof o.detail - 1);
}

/* ---- command lines ------------------------------------------------------------------- */

static void a_template_is_filled_from_the_request(void)
{
	static const char *const items[] = {"--flag", "{compiler}", "--", "{args}", "end", NULL};
	static const char *const argv[] = {"gcc", "-c", "a b.c", NULL};
	static const char *const expected[] = {"/opt/tool", "--flag", "/usr/bin/gcc", "--", "-c", "a b.c", "end"};
	const soldr_request request = {.argc = 3, .argv = argv, .compiler = "/usr/bin/gcc"};
	const char **got = command_argv("/opt/tool", items, &request);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		CU_ASSERT_STRING_EQUAL(got[i], expected[i]);
	CU_ASSERT_PTR_NULL(got[sizeof expected / sizeof *expected]);
	free(got);
}

static void a_template_that_drops_arguments_is_refused(void)
{
	static const char *const good[] = {"{args}", "x{y}", "{", NULL};
	static const char *const none[] = {"{compiler}", NULL};
	static const char *const twice[] = {"{args}", "{args}", NULL};
	static const char *const typo[] = {"{args}", "{compilr}", NULL};
	CU_ASSERT_PTR_NULL(command_template_fault(good));
	CU_ASSERT_PTR_NOT_NULL(command_template_fault(none));
	CU_ASSERT_PTR_NOT_NULL(command_template_fault(twice));
	CU_ASSERT_PTR_NOT_NULL(command_template_fault(typo));
}

static void a_variable_is_set_once_whatever_was_there(void)
{
	static const char *const envp[] = {"A=1", "AB=2", "A=3", "C=4", NULL};
	const soldr_request request = {.envc = 4, .envp = envp};
	const char **got = command_environment(&request, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	command_environment_set(got, "A=new");
	command_environment_set(got, "D=5");
	command_environment_set(got, "C=");
	static const char *const expected[] = {"A=new", "AB=2", "C=", "D=5"};
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_STRING_EQUAL(got[i], expected[i]);
	CU_ASSERT_PTR_NULL(got[4]);
	free(got);
}

/* ---- a host and a place to compile in ---------------------------------------------------- */

struct soldr_core {
	char dir[256];     /* private to the test; also the working directory */
	int runs, replaced;
	uint32_t replace_outcome;
	char replace_reason[40];
	int warnings;
	char last_file[300];
};

struct rig {
	soldr_core core;
	soldr_host host;
	struct plugin plugin;
	soldr_instance *instance;
	struct vec env;
	soldr_result result;
	soldr_error err;
};

static void *fake_alloc(soldr_core *core, uint64_t size)
{
	(void)core;
	return malloc(size ? (size_t)size : 1);
}

static void fake_release(soldr_core *core, void *data)
{
	(void)core;
	free(data);
}

static void fake_log(soldr_core *core, uint32_t level, const char *origin, const char *message)
{
	(void)origin, (void)message;
	core->warnings += level <= SOLDR_LOG_WARN;
}

static int32_t fake_run(soldr_core *core, uint64_t id, const soldr_spawn *spawn, soldr_exit *ended, soldr_error *err)
{
	(void)id;
	char *output = path_join(core->dir, "output");
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawn_file_actions_addchdir_np(&actions, spawn->cwd);
	pid_t pid;
	core->runs++;
	snprintf(core->last_file, sizeof core->last_file, "%s", spawn->file);
	/* posix_spawn() takes lists of char *; it does not write to them. */
	char **argv, **envp;
	memcpy(&argv, &spawn->argv, sizeof argv);
	memcpy(&envp, &spawn->envp, sizeof envp);
	int why = posix_spawn(&pid, spawn->file, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	free(output);
	if (why)
		return err_set(err, SOLDR_E_IO, why, "host", "cannot run %s", spawn->file);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	ended->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	ended->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return 0;
}

static int32_t fake_replace(soldr_core *core, uint64_t id, const soldr_spawn *spawn, uint32_t outcome, const char *reason,
                            soldr_exit *ended, soldr_error *err)
{
	core->replaced++;
	core->replace_outcome = outcome;
	snprintf(core->replace_reason, sizeof core->replace_reason, "%s", reason);
	return fake_run(core, id, spawn, ended, err);
}

static void in_room(const struct rig *rig, const char *name, char path[400])
{
	snprintf(path, 400, "%s/%s", rig->core.dir, name);
}

static void put_file(const struct rig *rig, const char *name, const char *text, mode_t mode)
{
	char path[400];
	in_room(rig, name, path);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fs_write_all(fd, text, strlen(text)) || fchmod(fd, mode) || close(fd))
		CU_FAIL_FATAL("the test cannot prepare its files");
}

static char *get_file(const struct rig *rig, const char *name)
{
	char path[400];
	struct buf b = BUF_INIT;
	in_room(rig, name, path);
	buf_adds(&b, "");
	fs_read_file(path, 1 << 20, &b, NULL);
	return buf_detach(&b);
}

static bool has_file(const struct rig *rig, const char *name)
{
	char path[400];
	in_room(rig, name, path);
	return access(path, F_OK) == 0;
}

static void rig_init(struct rig *rig, const char *plugin)
{
	memset(rig, 0, sizeof *rig);
	rig->err = SOLDR_ERROR_INIT;
	const char *tmp = getenv("TMPDIR"), *dir = getenv("SOLDR_TEST_PLUGINS");
	snprintf(rig->core.dir, sizeof rig->core.dir, "%.200s/soldr-wrapped.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%s.so", dir ? dir : "SOLDR_TEST_PLUGINS is not set", plugin);
	if (!mkdtemp(rig->core.dir) || plugin_load(buf_str(&path), &rig->plugin, &rig->err)) {
		fprintf(stderr, "\n%s\n", rig->err.message);
		CU_FAIL_FATAL("the test cannot start");
	}
	buf_release(&path);
	rig->host = (soldr_host){
		.struct_size = sizeof rig->host,
		.abi = SOLDR_ABI,
		.core = &rig->core,
		.alloc = fake_alloc,
		.release = fake_release,
		.log = fake_log,
		.run = fake_run,
		.replace = fake_replace,
	};
	put_file(rig, "a.c", "int f(void) { return 1; }\n", 0644);
	vec_addf(&rig->env, "CCACHE_DIR=%s/store", rig->core.dir);
	vec_add(&rig->env, "CCACHE_CONFIGPATH=/dev/null");
	vec_add(&rig->env, "HOME=/nonexistent");
	vec_add(&rig->env, "PATH=/usr/local/bin:/usr/bin:/bin");
}

static void rig_release(struct rig *rig)
{
	if (rig->instance)
		rig->plugin.backend.close(rig->instance);
	rig->plugin.backend.close(NULL);
	plugin_unload(&rig->plugin);
	fs_remove_tree(rig->core.dir, NULL, NULL, NULL);
	vec_release(&rig->env);
}

static void set_variable(struct rig *rig, const char *name, const char *value)
{
	size_t n = strlen(name);
	struct vec changed = VEC_INIT;
	for (size_t i = 0; i < rig->env.len; i++)
		if (strncmp(rig->env.items[i], name, n) != 0 || rig->env.items[i][n] != '=')
			vec_add(&changed, rig->env.items[i]);
	vec_addf(&changed, "%s=%s", name, value);
	vec_release(&rig->env);
	rig->env = changed;
}

static int open_with(struct rig *rig, const soldr_kv *kv, uint32_t n)
{
	if (rig->instance)
		rig->plugin.backend.close(rig->instance);
	rig->instance = NULL;
	return rig->plugin.backend.open(&rig->host, kv, n, &rig->instance, &rig->err);
}

#define OPEN(rig, ...) \
	open_with(rig, (const soldr_kv[]){__VA_ARGS__}, (uint32_t)(sizeof((const soldr_kv[]){__VA_ARGS__}) / sizeof(soldr_kv)))

static int compile_as(struct rig *rig, const char *compiler, uint32_t flags, const char *const *argv)
{
	soldr_request request = {
		.struct_size = sizeof request,
		.flags = flags,
		.id = 1,
		.argv = argv,
		.envp = vec_items(&rig->env),
		.envc = (uint32_t)rig->env.len,
		.compiler = compiler,
		.cwd = rig->core.dir,
	};
	while (argv[request.argc])
		request.argc++;
	rig->result = (soldr_result){.struct_size = sizeof rig->result};
	return rig->plugin.backend.compile(rig->instance, &request, &rig->result, &rig->err);
}

#define COMPILE(rig, flags, ...) compile_as(rig, compiler_path(), flags, (const char *const[]){"cc", __VA_ARGS__, NULL})

static const char *compiler_path(void)
{
	return access("/usr/bin/gcc", X_OK) == 0 ? "/usr/bin/gcc" : "/usr/bin/cc";
}

static void expect_result(const struct rig *rig, uint32_t outcome, const char *reason, const char *detail, int status)
{
	const soldr_result *r = &rig->result;
	if (r->outcome == outcome && strcmp(r->reason, reason) == 0 && (!detail || strcmp(r->detail, detail) == 0) &&
	    r->exit_code == status && r->signal == 0)
		return;
	fprintf(stderr, "\nexpected outcome %u \"%s\" \"%s\" status %d, got %u \"%s\" \"%s\" status %d signal %d\n", outcome, reason,
	        detail ? detail : "*", status, r->outcome, r->reason, r->detail, r->exit_code, r->signal);
	CU_FAIL("not the expected result");
}

/* ---- the null backend -------------------------------------------------------------------- */

static void null_hands_the_request_back_unchanged(void)
{
	struct rig rig;
	rig_init(&rig, "null");
	CU_ASSERT_STRING_EQUAL(rig.plugin.backend.name, "null");
	CU_ASSERT_EQUAL(rig.plugin.backend.caps & SOLDR_CAP_CACHING, 0);
	CU_ASSERT_EQUAL_FATAL(open_with(&rig, NULL, 0), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "a.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_PASSTHROUGH, "null_backend", "", 0);
	CU_ASSERT(has_file(&rig, "a.o"));
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "missing.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_PASSTHROUGH, "null_backend", "", 1);
	CU_ASSERT_EQUAL(rig.core.replaced, 2);
	CU_ASSERT_EQUAL(rig.core.replace_outcome, SOLDR_OUTCOME_PASSTHROUGH);
	CU_ASSERT_STRING_EQUAL(rig.core.replace_reason, "null_backend");
	static const char *const argv[] = {"cc", NULL};
	CU_ASSERT_NOT_EQUAL(compile_as(&rig, "/nonexistent/cc", 0, argv), 0);
	rig_release(&rig);
}

/* ---- options ------------------------------------------------------------------------------- */

static void wrong_options_are_refused_when_opened(void)
{
	static const struct {
		soldr_kv kv[2];
		const char *says;
	} cases[] = {
		{{{"profile", "bcache"}, {"outcome", "auto"}}, "options.profile \"bcache\""},
		{{{"profile", "ccache"}, {"outcome", "guess"}}, "options.outcome \"guess\""},
		{{{"profile", "generic"}, {"outcome", "auto"}}, "set options.binary"},
		{{{"profile", "ccache"}, {"binary", "bin/ccache"}}, "is a relative path"},
		{{{"profile", "ccache"}, {"args", "{compiler}"}}, "{args} exactly once"},
		{{{"args", "{args}"}, {"args", "{argz}"}}, "neither {compiler} nor {args}"},
		{{{"profile", "ccache"}, {"environment.A=B", "1"}}, "no name of a variable"},
	};
	struct rig rig;
	rig_init(&rig, "wrapped");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int rc = open_with(&rig, cases[i].kv, 2);
		if (rc != SOLDR_E_CONFIG || !strstr(rig.err.message, cases[i].says) || rig.instance) {
			fprintf(stderr, "\nexpected \"%s\", got %d \"%s\"\n", cases[i].says, rc, rig.err.message);
			CU_FAIL("not refused as expected");
		}
	}
	rig_release(&rig);
}

static void its_options_are_well_formed_and_open_without_any(void)
{
	struct rig rig;
	rig_init(&rig, "wrapped");
	CU_ASSERT_STRING_EQUAL(rig.plugin.backend.name, "wrapped");
	CU_ASSERT_EQUAL(rig.plugin.backend.caps, SOLDR_CAP_CONCURRENT | SOLDR_CAP_CACHING);
	CU_ASSERT_EQUAL(rig.plugin.options_stride, sizeof(soldr_option_spec));
	CU_ASSERT_EQUAL(open_with(&rig, NULL, 0), 0);
	rig_release(&rig);
}

/* ---- with scripts for a cache ------------------------------------------------------------------ */

static const char spy[] = "#!/bin/sh\n"
			  "printf '%s\\n' \"$@\" \"$SOLDR_BYPASS\" \"$EXTRA\" > \"$SPY_FILE\"\n"
			  "exec \"$@\"\n";

static void rig_with_script(struct rig *rig, const char *name, const char *script)
{
	char file[400];
	rig_init(rig, "wrapped");
	put_file(rig, name, script, 0755);
	/* The compiler finds its assembler on PATH. */
	snprintf(file, sizeof file, "%s:/usr/bin:/bin", rig->core.dir);
	set_variable(rig, "PATH", file);
	in_room(rig, "spied", file);
	set_variable(rig, "SPY_FILE", file);
}

static void the_tool_gets_the_real_compiler_and_the_recursion_guard(void)
{
	struct rig rig;
	char expected[400];
	rig_with_script(&rig, "mycache", spy);
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "generic"}, {"binary", "mycache"}, {"environment.EXTRA", "more"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_unknown", "", 0);
	CU_ASSERT(has_file(&rig, "a.o"));
	char *spied = get_file(&rig, "spied");
	snprintf(expected, sizeof expected, "%s\n-c\na.c\n1\nmore\n", compiler_path());
	CU_ASSERT_STRING_EQUAL(spied, expected);
	free(spied);
	rig_release(&rig);
}

static void a_binary_that_is_soldr_itself_is_skipped(void)
{
	struct rig rig;
	char path[900], bin[400], link[400];
	rig_with_script(&rig, "mycache", spy);
	in_room(&rig, "bin", bin);
	in_room(&rig, "bin/mycache", link);
	mkdir(bin, 0700);
	char *self = path_self();
	CU_ASSERT_EQUAL(symlink(self, link), 0);
	snprintf(path, sizeof path, "%s:%s:/usr/bin:/bin", bin, rig.core.dir);
	set_variable(&rig, "PATH", path);
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "generic"}, {"binary", "mycache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	CU_ASSERT(has_file(&rig, "spied"));
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "generic"}, {"binary", link}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), SOLDR_E_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.message, "is soldr itself"));
	free(self);
	rig_release(&rig);
}

static void a_missing_binary_is_an_error_that_names_it(void)
{
	struct rig rig;
	rig_init(&rig, "wrapped");
	set_variable(&rig, "PATH", rig.core.dir);
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), SOLDR_E_CONFIG);
	CU_ASSERT_STRING_EQUAL(rig.err.origin, "wrapped");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.message, "cannot find \"ccache\" on PATH"));
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}, {"binary", "/nonexistent/ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), SOLDR_E_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.message, "cannot run /nonexistent/ccache"));
	CU_ASSERT_EQUAL(rig.core.runs, 0);
	CU_ASSERT_EQUAL(rig.result.outcome, SOLDR_OUTCOME_NONE);
	rig_release(&rig);
}

static void a_tool_that_cannot_be_executed_is_an_error(void)
{
	struct rig rig;
	rig_with_script(&rig, "mycache", "#!/nonexistent/interpreter\n");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "generic"}, {"binary", "mycache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), SOLDR_E_IO);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.message, "running "));
	rig_release(&rig);
}

static void status_and_signal_of_the_tool_are_the_requests(void)
{
	struct rig rig;
	rig_with_script(&rig, "mycache", "#!/bin/sh\nexit 42\n");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "generic"}, {"binary", "mycache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_unknown", "", 42);
	put_file(&rig, "mycache", "#!/bin/sh\nkill -TERM $$\n", 0755);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	CU_ASSERT_EQUAL(rig.result.signal, 15);
	CU_ASSERT_EQUAL(rig.core.runs, 2);
	rig_release(&rig);
}

static void what_a_tool_cannot_do_goes_around_it(void)
{
	struct rig rig;
	rig_with_script(&rig, "sccache", spy);
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "sccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, SOLDR_REQUEST_READONLY, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "readonly", "sccache", 0);
	CU_ASSERT_EQUAL(rig.core.replaced, 1);
	CU_ASSERT_STRING_EQUAL(rig.core.last_file, compiler_path());
	CU_ASSERT_EQUAL(COMPILE(&rig, SOLDR_REQUEST_RECACHE, "-c", "a.c"), 0);
	CU_ASSERT_EQUAL(rig.core.replaced, 1);
	CU_ASSERT(has_file(&rig, "spied"));
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "sccache"}, {"host.readonly", "true"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "readonly", "sccache", 0);
	rig_release(&rig);
}

static void a_tool_that_breaks_down_does_not_break_the_build(void)
{
	struct rig rig;
	/* What ccache does when it cannot make its directory: it begins the call and ends with 1. */
	rig_with_script(&rig, "ccache", "#!/bin/sh\nprintf '# a.c\\ndirect_cache_miss\\n' >> \"$CCACHE_STATSLOG\"\nexit 1\n");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_FALLBACK, "backend_error", "ccache ended with status 1 before it ran the compiler [E812]", 0);
	CU_ASSERT(has_file(&rig, "a.o"));
	CU_ASSERT_EQUAL(rig.core.warnings, 1);
	/* A failing compile is none of that: it is not run a second time. */
	put_file(&rig, "ccache", "#!/bin/sh\nprintf '# a.c\\ncompile_failed\\n' >> \"$CCACHE_STATSLOG\"\nexit 1\n", 0755);
	rig.core.runs = 0;
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_uncacheable", "compile_failed", 1);
	CU_ASSERT_EQUAL(rig.core.runs, 1);
	/* Nor is a call that said nothing. */
	put_file(&rig, "ccache", "#!/bin/sh\nexit 1\n", 0755);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_unknown", "", 1);
	CU_ASSERT_EQUAL(rig.core.runs, 2);
	rig_release(&rig);
}

static void the_outcome_can_be_left_unread(void)
{
	struct rig rig;
	rig_with_script(&rig, "ccache", "#!/bin/sh\nprintf '%s' \"$CCACHE_STATSLOG\" > \"$SPY_FILE\"\n");
	set_variable(&rig, "CCACHE_STATSLOG", "/nonexistent/users-own");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}, {"outcome", "none"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_unknown", "", 0);
	char *spied = get_file(&rig, "spied");
	CU_ASSERT_STRING_EQUAL(spied, "/nonexistent/users-own");
	free(spied);
	rig_release(&rig);
}

/* ---- with ccache ------------------------------------------------------------------------------- */

static bool have_ccache(void)
{
	char *found = path_find_program("ccache", NULL, "/", NULL, NULL);
	free(found);
	if (!found)
		fprintf(stderr, "\nccache is not installed: not tested\n");
	return found != NULL;
}

static void ccache_misses_then_hits_with_the_same_bytes(void)
{
	struct rig rig;
	if (!have_ccache())
		return;
	rig_init(&rig, "wrapped");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "first.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_MISS, "external_miss", "cache_miss", 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "second.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_HIT, "", "", 0);
	struct buf first = BUF_INIT, second = BUF_INIT;
	char path[400];
	in_room(&rig, "first.o", path);
	CU_ASSERT_EQUAL(fs_read_file(path, 1 << 20, &first, NULL), 0);
	in_room(&rig, "second.o", path);
	CU_ASSERT_EQUAL(fs_read_file(path, 1 << 20, &second, NULL), 0);
	CU_ASSERT(first.len > 0 && first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	buf_release(&first);
	buf_release(&second);
	CU_ASSERT_EQUAL(COMPILE(&rig, SOLDR_REQUEST_RECACHE, "-c", "a.c", "-o", "a.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_MISS, "recache", NULL, 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(COMPILE(&rig, SOLDR_REQUEST_READONLY, "-O1", "-c", "a.c", "-o", "a.o"), 0);
		expect_result(&rig, SOLDR_OUTCOME_MISS, "external_miss", NULL, 0);
	}
	rig_release(&rig);
}

static void what_ccache_does_not_cache_is_named(void)
{
	struct rig rig;
	if (!have_ccache())
		return;
	rig_init(&rig, "wrapped");
	put_file(&rig, "bad.c", "int f(void) { return }\n", 0644);
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-E", "a.c", "-o", "a.i"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_uncacheable", "called_for_preprocessing", 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-shared", "-fPIC", "a.c", "-o", "a.so"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_uncacheable", "called_for_link", 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "bad.c", "-o", "bad.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_uncacheable", "compile_failed", 1);
	rig.core.runs = 0;
	set_variable(&rig, "CCACHE_DISABLE", "1");
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "bad.c", "-o", "bad.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_BYPASS, "external_unknown", "", 1);
	CU_ASSERT_EQUAL(rig.core.runs, 1);
	rig_release(&rig);
}

static void ccache_without_a_store_does_not_break_the_build(void)
{
	struct rig rig;
	if (!have_ccache())
		return;
	rig_init(&rig, "wrapped");
	set_variable(&rig, "CCACHE_DIR", "/proc/nonexistent");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "a.o"), 0);
	CU_ASSERT_EQUAL(rig.result.exit_code, 0);
	CU_ASSERT(has_file(&rig, "a.o"));
	rig_release(&rig);
}

static void a_statslog_of_the_user_still_gets_its_lines(void)
{
	struct rig rig;
	if (!have_ccache())
		return;
	rig_init(&rig, "wrapped");
	set_variable(&rig, "CCACHE_STATSLOG", "users.log");
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "a.o"), 0);
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "a.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_HIT, "", "", 0);
	char *log = get_file(&rig, "users.log");
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "cache_miss\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "direct_cache_hit\n"));
	free(log);
	set_variable(&rig, "CCACHE_STATSLOG", "/nonexistent/users.log");
	CU_ASSERT_EQUAL(COMPILE(&rig, 0, "-c", "a.c", "-o", "a.o"), 0);
	expect_result(&rig, SOLDR_OUTCOME_HIT, "", "", 0);
	CU_ASSERT_EQUAL(rig.core.warnings, 1);
	rig_release(&rig);
}

/* "gcc" is a link to ccache: ccache refuses to wrap itself. */
static void a_compiler_that_is_the_tool_runs_as_it_is(void)
{
	struct rig rig;
	if (!have_ccache())
		return;
	rig_init(&rig, "wrapped");
	char link[400];
	char *ccache = path_find_program("ccache", NULL, "/", NULL, NULL);
	in_room(&rig, "gcc", link);
	CU_ASSERT_EQUAL(symlink(ccache, link), 0);
	free(ccache);
	static const char *const argv[] = {"gcc", "-c", "a.c", "-o", "a.o", NULL};
	CU_ASSERT_EQUAL_FATAL(OPEN(&rig, {"profile", "ccache"}), 0);
	CU_ASSERT_EQUAL(compile_as(&rig, link, 0, argv), 0);
	expect_result(&rig, SOLDR_OUTCOME_MISS, "external_miss", "cache_miss", 0);
	CU_ASSERT_STRING_EQUAL(rig.core.last_file, link);
	CU_ASSERT_EQUAL(compile_as(&rig, link, 0, argv), 0);
	expect_result(&rig, SOLDR_OUTCOME_HIT, "", "", 0);
	rig_release(&rig);
}

void suite_wrapped(void)
{
	static const struct {
		const char *name;
		void (*test)(void);
		bool native;
	} tests[] = {
		{"ccache logs are told apart", ccache_logs_are_told_apart, false},
		{"a long counter name is cut and ended", a_long_counter_name_is_cut_and_ended, false},
		{"a template is filled from the request", a_template_is_filled_from_the_request, false},
		{"a template that drops arguments is refused", a_template_that_drops_arguments_is_refused, false},
		{"a variable is set once, whatever was there", a_variable_is_set_once_whatever_was_there, false},
		{"null hands the request back unchanged", null_hands_the_request_back_unchanged, true},
		{"wrong options are refused when opened", wrong_options_are_refused_when_opened, false},
		{"its options are well formed and it opens without any", its_options_are_well_formed_and_open_without_any, false},
		{"c32: the tool gets the real compiler and the recursion guard",
		 the_tool_gets_the_real_compiler_and_the_recursion_guard, false},
		{"c32: a binary that is soldr itself is skipped", a_binary_that_is_soldr_itself_is_skipped, true},
		{"a missing binary is an error that names it", a_missing_binary_is_an_error_that_names_it, false},
		{"a tool that cannot be executed is an error", a_tool_that_cannot_be_executed_is_an_error, true},
		{"c30: status and signal of the tool are the request's", status_and_signal_of_the_tool_are_the_requests, false},
		{"what a tool cannot do goes around it", what_a_tool_cannot_do_goes_around_it, false},
		{"a tool that breaks down does not break the build", a_tool_that_breaks_down_does_not_break_the_build, false},
		{"the outcome can be left unread", the_outcome_can_be_left_unread, false},
		{"ccache misses, then hits with the same bytes", ccache_misses_then_hits_with_the_same_bytes, false},
		{"what ccache does not cache is named", what_ccache_does_not_cache_is_named, false},
		{"ccache without a store does not break the build", ccache_without_a_store_does_not_break_the_build, false},
		{"a statslog of the user still gets its lines", a_statslog_of_the_user_still_gets_its_lines, false},
		{"c32: a compiler that is the tool runs as it is", a_compiler_that_is_the_tool_runs_as_it_is, false},
	};
	CU_pSuite suite = CU_add_suite("wrapped", NULL, NULL);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		if (tests[i].native)
			add_native_test(suite, tests[i].name, tests[i].test);
		else
			CU_add_test(suite, tests[i].name, tests[i].test);
}
