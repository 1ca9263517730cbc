/*
 * build: the front door. `soldr make …` runs make with its compiles pointed at
 * soldr, in a session, and says at the end what the cache did.
 *
 * How a compile gets here depends on the program: by shims in front of PATH, by
 * CMake's launcher variables, by cargo's RUSTC_WRAPPER, each where the user did
 * not say otherwise. A wrapper that he gave to cargo stays, and soldr stands
 * behind it, in the place of rustc. A compile that passes two of them (a
 * launcher and a shim) is one compile: `soldr SHIM/gcc` is soldr under the name gcc.
 *
 * The command is started by posix_spawn and gets all descriptors as they are,
 * so that a jobserver of GNU make above or below works.
 */
#include "audit.h"
#include "cargo.h"
#include "cli.h"
#include "clock.h"
#include "compiler.h"
#include "exec.h"
#include "front.h"
#include "fs.h"
#include "path.h"
#include "rescue.h"
#include "run_manifest.h"
#include "session.h"
#include "signals.h"
#include "text.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum door_flag {
	DOOR_SHIMS = 1,      /* all compilers' names in front of PATH */
	DOOR_SHIMS_C = 2,    /* those of C and C++ only */
	DOOR_LAUNCHERS = 4   /* CMAKE_*_COMPILER_LAUNCHER */
};

static const struct {
	const char *verb;
	int flags;
} doors[] = { /* a program that is not here: shims and launchers; RUSTC_WRAPPER for all, since any build may call cargo */
	{"make", DOOR_SHIMS | DOOR_LAUNCHERS},
	{"gmake", DOOR_SHIMS | DOOR_LAUNCHERS},
	{"ninja", DOOR_SHIMS | DOOR_LAUNCHERS},
	{"samu", DOOR_SHIMS | DOOR_LAUNCHERS},
	{"cmake", DOOR_LAUNCHERS}, /* CMake would write the shims' paths into its cache */
	{"cargo", DOOR_SHIMS_C | DOOR_LAUNCHERS},
};

static const char *const launchers[] = {"CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER"};

/* One run of the front door. */
struct door {
	const struct cli *cli;
	int flags;
	struct config config;
	struct session session;
	bool has_session;
	struct audit_run audit;
	struct run_manifest manifest;
	struct vec sets; /* "NAME=value" for the command's environment */
	char *program;           /* absolute */
	char **argv;
	char **run_dir;          /* where the run's directory is wanted; NULL: nowhere */
};

/* `soldr build -- gcc …`: the command is what its name means on the new PATH. */
static void use_shim(struct door *door, const char *dir)
{
	char *shim = path_join(dir, door->argv[0]);
	if (shim && access(shim, X_OK) == 0) {
		free(door->program);
		door->program = shim;
	} else {
		free(shim);
	}
}

static void add_shims(struct door *door, const char *soldr)
{
	const struct cli *cli = door->cli;
	soldr_error err = SOLDR_ERROR_INIT;
	char *dir = NULL;
	const char *path = env_get(cli->envp, "PATH");
	const struct session_shims want = {
		.soldr = soldr,
		.path_list = path,
		.is_compiler = door->flags & DOOR_SHIMS ? compiler_name : compiler_name_c,
		.is_soldr = compiler_is_soldr,
	};
	if (session_make_shims(&door->config, &want, &dir, &err) != 0) {
		if (!door->config.quiet)
			cli_report_so(&err, "this build calls its compilers without soldr");
	} else if (dir) {
		size_t len = strlen(dir);
		bool there = path && strncmp(path, dir, len) == 0 && path[len] == ':'; /* below another front door */
		if (!there)
			vec_addf(&door->sets, "PATH=%s:%s", dir, path ? path : "/usr/local/bin:/usr/bin:/bin");
		if (!strchr(door->argv[0], '/') && want.is_compiler(door->argv[0]))
			use_shim(door, dir);
	}
	free(dir);
}

static bool is_rustc(const char *name)
{
	return strcmp(name, "rustc") == 0;
}

/*
 * cargo's wrapper of the user gets every call as without soldr; what it runs as
 * rustc is a shim. So whatever it adds or changes, soldr sees what rustc gets.
 */
static void add_rustc_behind(struct door *door, const struct cargo_settings *settings, const char *soldr)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char *dir = NULL;
	const struct session_shims want = {
		.soldr = soldr,
		.path_list = env_get(door->cli->envp, "PATH"),
		.is_compiler = is_rustc,
		.is_soldr = compiler_is_soldr,
	};
	if (session_make_shims(&door->config, &want, &dir, &err) != 0) {
		if (!door->config.quiet)
			cli_report_so(&err, "this build calls rustc without soldr");
	} else if (dir) {
		vec_addf(&door->sets, "RUSTC=%s/rustc", dir);
		if (settings->of[CARGO_WRAPPER].is_soldr) /* or each call would be counted twice */
			vec_add(&door->sets, "RUSTC_WRAPPER=");
	}
	free(dir);
}

static void add_rustc(struct door *door, const char *soldr)
{
	struct cargo_settings settings;
	bool is_cargo = strcmp(path_base(door->argv[0]), "cargo") == 0;
	cargo_settings_read(&settings, door->cli, is_cargo ? door->argv : NULL);
	const struct cargo_setting *wrapper =
		&settings.of[cargo_is_foreign(&settings, CARGO_WRAPPER) ? CARGO_WRAPPER : CARGO_WORKSPACE_WRAPPER];
	if (!cargo_is_foreign(&settings, CARGO_WRAPPER) && !cargo_is_foreign(&settings, CARGO_WORKSPACE_WRAPPER)) {
		if (!settings.of[CARGO_WRAPPER].origin)
			vec_addf(&door->sets, "RUSTC_WRAPPER=%s", soldr);
	} else if (!cargo_is_foreign(&settings, CARGO_RUSTC)) {
		add_rustc_behind(door, &settings, soldr);
	} else if (!door->config.quiet) {
		cli_error(E512_CARGO_BOTH, wrapper->origin, settings.of[CARGO_RUSTC].origin);
	}
	cargo_settings_release(&settings);
}

static void add_pointers(struct door *door)
{
	char *soldr = front_executable();
	if (!soldr)
		return; /* no /proc: nothing to point at */
	for (size_t i = 0; (door->flags & DOOR_LAUNCHERS) && i < sizeof launchers / sizeof *launchers; i++)
		if (!env_get(door->cli->envp, launchers[i]))
			vec_addf(&door->sets, "%s=%s", launchers[i], soldr);
	add_rustc(door, soldr);
	if (door->flags & (DOOR_SHIMS | DOOR_SHIMS_C))
		add_shims(door, soldr);
	free(soldr);
}

/* The command line's settings for the compiles, and paths that hold in every directory. */
static void add_settings(struct door *door)
{
	const struct cli *cli = door->cli;
	const struct config *config = &door->config;
	const char *root = env_get(cli->envp, "SOLDR_CACHE_DIR"), *file = env_get(cli->envp, "SOLDR_CONFIG");
	if (config->file && (cli->overrides.file || (file && *file && *file != '/'))) {
		char *absolute = path_absolute(cli->cwd, config->file);
		vec_addf(&door->sets, "SOLDR_CONFIG=%s", absolute ? absolute : config->file);
		free(absolute);
	}
	if (cli->overrides.backend)
		vec_addf(&door->sets, "SOLDR_BACKEND=%s", cli->overrides.backend);
	if (cli->overrides.audit_mode)
		vec_addf(&door->sets, "SOLDR_AUDIT=%s", cli->overrides.audit_mode);
	if (root && *root && *root != '/')
		vec_addf(&door->sets, "SOLDR_CACHE_DIR=%s", config->cache_root);
	if (door->has_session) {
		char parent[TRACEPARENT_SIZE];
		vec_addf(&door->sets, "SOLDR_RUN_ID=%s", door->session.id);
		audit_run_traceparent(&door->audit, parent);
		if (*parent)
			vec_addf(&door->sets, "TRACEPARENT=%s", parent);
	}
}

static int command_failed(const char *word, int why)
{
	cli_error(E511_PROGRAM_NOT_RUN, word, strerror(why));
	return why == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* Runs the command to its end; *wait_status, or a status > 0 when it could not be started. */
static int run_command(const struct door *door, const char *const *envp, int *wait_status)
{
	pid_t pid = 0;
	siginfo_t info;
	sigset_t mask;
	posix_spawnattr_t attr;
	signals_install();
	int why = posix_spawnattr_init(&attr);
	if (why)
		return command_failed(door->argv[0], why);
	signals_hold(&mask);
	posix_spawnattr_setsigmask(&attr, &mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	why = posix_spawn(&pid, door->program, NULL, &attr, door->argv, (char *const *)(uintptr_t)envp);
	signals_child(NULL, why ? 0 : pid);
	signals_release(&mask);
	posix_spawnattr_destroy(&attr);
	if (why)
		return command_failed(door->argv[0], why);
	/* Seen first, reaped after: no signal is ever passed on to a pid that is free again. */
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
	signals_child(NULL, 0);
	while (waitpid(pid, wait_status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* At most five lines, in one write: a verified hit that was wrong takes the place of the reasons. */
static void summary_text(struct buf *out, const struct door *door, const struct session_end *end)
{
	const struct counter_totals *t = end->totals;
	const uint64_t verified = t->reasons[SOLDR_REASON_VERIFIED], mismatches = t->reasons[SOLDR_REASON_VERIFY_MISMATCH];
	enum soldr_reason top[SOLDR_REASON_COUNT];
	char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE];
	buf_addf(out, "soldr: %s %s by backend %s in %s\n", text_count(a, t->compilations),
	         t->compilations == 1 ? "compilation" : "compilations", end->backend, text_duration(b, end->duration_ns));
	buf_addf(out, "soldr:   hits %s, misses %s, non-cacheable %s, errors %s", text_count(a, t->hits), text_count(b, t->misses),
	         text_count(c, t->non_cacheable), text_count(d, t->errors));
	if (t->passthrough)
		buf_addf(out, ", passthrough %s", text_count(a, t->passthrough));
	if (t->fallbacks)
		buf_addf(out, ", fallbacks %s", text_count(a, t->fallbacks));
	buf_addf(out, "\nsoldr:   hit rate %s, time saved %s", text_percent(a, t->hits, t->hits + t->misses),
	         text_duration(b, t->time_saved_ns));
	if (verified || mismatches)
		buf_addf(out, ", verified %s", text_count(a, verified + mismatches));
	buf_addc(out, '\n');
	if (mismatches)
		buf_addf(out, "soldr:   %s of the verified would have been wrong: see %s/evidence\n", text_count(a, mismatches),
		         door->config.cache_root);
	size_t n = mismatches ? 0 : text_top_reasons(t, top);
	for (size_t i = 0; i < n && i < 3; i++)
		buf_addf(out, "%s%s %s", i ? ", " : "soldr:   not hits: ", reason_name(top[i]), text_count(a, t->reasons[top[i]]));
	buf_addf(out, "%ssoldr:   run %s\n", n ? "\n" : "", door->session.id);
}

/* A run that no audit asks for has no manifest. What cannot be written is left out. */
static void write_manifest(const struct door *door)
{
	if (!door->session.joined && door->config.audit_mode != AUDIT_OFF)
		(void)run_manifest_write(&door->config, &door->manifest, NULL);
}

/* The events of the run and of its command: 0, or a status. */
static int begin_audit(struct door *door)
{
	soldr_error err = SOLDR_ERROR_INIT;
	const struct session *session = &door->session;
	int rc = audit_run_start(&door->audit, &door->config, session->id, session->joined, path_base(door->argv[0]), door->cli->cwd, &err);
	door->manifest = (struct run_manifest){
		.id = session->id, .dir = session->dir, .command = path_base(door->argv[0]), .cwd = door->cli->cwd,
	};
	clock_gettime(CLOCK_REALTIME, &door->manifest.started);
	if (!rc)
		write_manifest(door);
	else
		cli_report(&err, NULL);
	return rc ? STATUS_SOLDR : 0;
}

static int end_audit(struct door *door, int wait_status, uint64_t command_ns, const struct counter_totals *totals)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct audit_command command = {
		.program = door->program,
		.cwd = door->cli->cwd,
		.argv = (const char *const *)door->argv,
		.exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0,
		.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0,
		.duration_ns = command_ns,
		.run_ns = session_elapsed_ns(&door->session),
	};
	getrusage(RUSAGE_CHILDREN, &command.used);
	int rc = audit_run_end(&door->audit, &command, totals, &err);
	if (rc)
		cli_report(&err, NULL);
	return rc ? STATUS_SOLDR : 0;
}

/* 0, or the status where an event is lost and none may be. */
static int finish(struct door *door, int wait_status, uint64_t command_ns)
{
	const struct session *session = &door->session;
	struct counter_totals totals = {0};
	if (!door->has_session || (!session->joined && session_totals(session, &totals, NULL) != 0))
		return 0;
	int status = end_audit(door, wait_status, command_ns, &totals);
	if (session->joined)
		return status;
	totals.audit_lost_events += door->audit.lost;
	const struct session_end end = {
		.backend = door->config.backend,
		.command = path_base(door->argv[0]),
		.exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0,
		.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0,
		.duration_ns = session_elapsed_ns(session),
		.totals = &totals,
	};
	(void)session_write_summary(session, &end, NULL);
	clock_gettime(CLOCK_REALTIME, &door->manifest.ended);
	door->manifest.has_ended = true;
	door->manifest.exit_code = end.exit_code;
	door->manifest.signal = end.signal;
	write_manifest(door);
	if (!totals.compilations || door->config.quiet || !door->config.session_summary)
		return status;
	struct buf text = BUF_INIT;
	summary_text(&text, door, &end);
	if (buf_ok(&text))
		(void)fs_write_all(STDERR_FILENO, text.data, text.len);
	buf_release(&text);
	return status;
}

static int run_session(struct door *door, const char *const *envp)
{
	int wait_status = 0;
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	int status = run_command(door, envp, &wait_status);
	if (status)
		return status;
	status = finish(door, wait_status, clock_ns(CLOCK_MONOTONIC) - start);
	if (status)
		return status;
	return WIFSIGNALED(wait_status) ? -WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Mistakes in the config are said here once, not by every compile of the build. */
static int check_backend(const struct cli *cli, const struct config *config)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct host_crash crash = {.ran = false};
	struct host_options options = {.config = config, .envp = cli->envp, .cwd = cli->cwd};
	soldr_service *service = NULL;
	options.crash = rescue_take(&crash) ? &crash : NULL;
	int rc = options.crash ? 0 : front_give_way(cli, config, false, &err);
	if (!rc && !options.crash)
		options.progress = rescue_arm(cli, config, true);
	if (!rc)
		rc = host_start(&options, &service, &err);
	soldr_service_free(service);
	rescue_disarm();
	if (rc)
		cli_report(&err, NULL);
	return rc ? STATUS_SOLDR : 0;
}

static int open_door(struct door *door)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char depth[CLI_DEPTH_TEXT];
	int status = cli_config(door->cli, &door->config);
	if (status)
		return status;
	status = check_backend(door->cli, &door->config);
	if (!status) {
		int rc = session_open(&door->session, &door->config, cli_depth(door->cli) > 0, &err);
		door->has_session = rc == 0;
		if (rc == SOLDR_E_CONFIG) {
			cli_report(&err, NULL);
			status = STATUS_SOLDR;
		} else if (rc && rc != SOLDR_E_UNSUPPORTED && !door->config.quiet) {
			cli_report_so(&err, "this run is not summed up");
		}
	}
	if (!status && door->has_session)
		status = begin_audit(door);
	if (!status) {
		cli_depth_set(depth, cli_depth(door->cli));
		vec_add(&door->sets, depth);
		add_settings(door);
		add_pointers(door);
		const char **envp = vec_ok(&door->sets) ? cli_env(door->cli->envp, vec_items(&door->sets), door->sets.len) : NULL;
		if (envp) {
			status = run_session(door, envp);
		} else {
			cli_error(E101_NO_MEMORY);
			status = STATUS_SOLDR;
		}
		free(envp);
	}
	vec_release(&door->sets);
	if (door->has_session && door->run_dir)
		*door->run_dir = strdup(door->session.dir);
	if (door->has_session)
		session_release(&door->session);
	config_release(&door->config);
	return status;
}

/* No cache was asked for: the command as it is. */
static int become(const struct door *door)
{
	soldr_error err = SOLDR_ERROR_INIT;
	const soldr_spawn spawn = {
		.struct_size = sizeof spawn,
		.file = door->program,
		.argv = (const char *const *)door->argv,
		.envp = door->cli->envp,
	};
	exec_replace(&spawn, &err);
	return command_failed(door->argv[0], err.sys_errno);
}

/* `soldr build -- cmake …` is `soldr cmake …`: the program decides, not the verb. */
static int flags_of(const char *program)
{
	const char *name = path_base(program);
	for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
		if (strcmp(doors[i].verb, name) == 0)
			return doors[i].flags;
	return DOOR_SHIMS | DOOR_LAUNCHERS;
}

/* The status, or -SIGNAL. */
static int enter(const struct cli *cli, char **run_dir)
{
	struct door door = {.cli = cli, .flags = flags_of(cli->argv[0]), .argv = cli->argv, .run_dir = run_dir};
	const char *backend = cli->overrides.backend;
	struct compiler found;
	int status = compiler_find(cli, door.argv[0], &found);
	if (status)
		return status;
	door.program = found.path; /* owned from here on */
	/* A script finds its files by $0, which is the path that it was started by: "./configure" stays that. */
	if (found.argv0 == door.argv[0] && strchr(door.argv[0], '/')) {
		char *as_written = strdup(door.argv[0]);
		if (as_written) {
			free(door.program);
			door.program = as_written;
		}
	}
	if (cli_depth(cli) > CLI_DEPTH_MAX) {
		cli_error(E509_CALLS_ITSELF, cli_depth(cli), door.program, "program");
		status = STATUS_SOLDR;
	} else if (cli_bypass(cli) || (backend && strcmp(backend, "null") == 0)) {
		status = become(&door);
	} else {
		status = open_door(&door);
	}
	free(door.program);
	return status;
}

int front_run(const struct cli *cli, char **run_dir)
{
	*run_dir = NULL;
	return enter(cli, run_dir);
}

static int run_front_door(const struct cli *cli, const struct verb *verb)
{
	(void)verb;
	int status = enter(cli, NULL);
	if (status < 0)
		signals_die(-status);
	return status;
}

/* `soldr build -- CMD ARGS…`: the program that has no verb of its own. */
static int run_build(const struct cli *cli, const struct verb *verb)
{
	struct cli command = *cli;
	int skip = 1;
	if (cli->argc > 1 && (strcmp(cli->argv[1], "--help") == 0 || strcmp(cli->argv[1], "-h") == 0)) {
		struct buf b = BUF_INIT;
		help_verb(&b, verb);
		return cli_print(&b, 0);
	}
	if (cli->argc > 1 && strcmp(cli->argv[1], "--") == 0)
		skip = 2;
	else if (cli->argc > 1 && cli->argv[1][0] == '-')
		return cli_usage(verb, E521_OPTION_GIVEN_UNKNOWN, "build", cli->argv[1], "");
	if (cli->argc <= skip)
		return cli_usage(verb, E530_NO_COMMAND, "build");
	command.argc -= skip;
	command.argv += skip;
	return run_front_door(&command, verb);
}

#define DOOR_HELP(how) \
	how "\n" \
	"Prints at most five lines about the cache at the end; --quiet or --no-session-summary before\n" \
	"the verb leaves them out. The exit status is the command's own.\n"

#define SHIMS_HELP \
	"Compilers found by name go through soldr (links in front of PATH), and CMake is told to\n" \
	"launch compilers by soldr unless CMAKE_C_COMPILER_LAUNCHER is set already. cargo gets\n" \
	"RUSTC_WRAPPER, as with `soldr cargo`.\n"

#define DOOR(id, example) \
	const struct verb verb_##id = {#id, #id " ARGS…", "run " #id " with its compiles through soldr", \
	                               DOOR_HELP(SHIMS_HELP) "\nExample:\n  soldr " example "\n", run_front_door}

DOOR(make, "make -j8");
DOOR(gmake, "gmake -j8");
DOOR(ninja, "ninja -C out");
DOOR(samu, "samu -C out");

const struct verb verb_cmake = {
	"cmake", "cmake ARGS…", "run cmake with soldr as compiler launcher",
	DOOR_HELP("Sets CMAKE_C_COMPILER_LAUNCHER and CMAKE_CXX_COMPILER_LAUNCHER unless they are set: build\n"
	          "trees configured here compile through soldr, also when built without it.\n")
	"\nExample:\n  soldr cmake -S . -B out && soldr cmake --build out\n", run_front_door};

const struct verb verb_cargo = {
	"cargo", "cargo ARGS…", "run cargo with its compiles through soldr",
	DOOR_HELP("Sets RUSTC_WRAPPER; C and C++ compilers that build scripts call by name go through soldr as\n"
	          "well. A wrapper of yours (RUSTC_WRAPPER, build.rustc-wrapper and the like) stays: it runs\n"
	          "first, and soldr behind it as its rustc.\n")
	"\nExample:\n  soldr cargo build --release\n", run_front_door};

const struct verb verb_build = {
	"build", "build -- COMMAND ARGS…", "run any build command with its compiles through soldr",
	DOOR_HELP(SHIMS_HELP) "\nExample:\n  soldr build -- ./build.sh --release\n", run_build};
