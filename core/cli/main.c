/*
 * main: which form of the command line this is, and nothing else.
 *
 * In order: called under a compiler's name (masquerade); global options; a verb
 * or front door; a compiler. Everything else is wrong usage.
 */
#include "cli.h"
#include "compiler.h"
#include "front.h"
#include "path.h"
#include "wrap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A standard stream that is closed is occupied, or the next file opened would
 * become it. Opened the wrong way round, it still fails to read and write;
 * close-on-exec tells the host, and the child, that it was closed.
 */
static void occupy_closed_streams(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		int got = open("/dev/null", (fd == 0 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
		if (got >= 0 && got != fd)
			close(got);
	}
}

struct global {
	const char *name, *alias;
	size_t offset; /* in struct config_overrides */
	bool is_flag;
};

static const struct global globals[] = {
	{"--config", NULL, offsetof(struct config_overrides, file), false},
	{"--backend", NULL, offsetof(struct config_overrides, backend), false},
	{"--audit", NULL, offsetof(struct config_overrides, audit_mode), false},
	{"--quiet", "-q", offsetof(struct config_overrides, quiet), true},
	{"--no-session-summary", NULL, offsetof(struct config_overrides, no_session_summary), true},
};

static int unknown_global(const char *arg)
{
	const char *names[sizeof globals / sizeof *globals + 1] = {NULL};
	for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
		names[i] = globals[i].name;
	cli_error(E503_GLOBAL_UNKNOWN, arg, cli_hint(config_nearest(arg, names), "").text);
	return STATUS_USAGE;
}

/* Takes the option at the front of cli->argv. Returns 0 or STATUS_USAGE. */
static int take_global(struct cli *cli)
{
	const char *arg = cli->argv[0];
	size_t len = strcspn(arg, "=");
	for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
		const struct global *g = &globals[i];
		bool named = strlen(g->name) == len && strncmp(arg, g->name, len) == 0;
		if (!named && !(g->alias && strcmp(arg, g->alias) == 0))
			continue;
		char *field = (char *)&cli->overrides + g->offset;
		int used = 1;
		if (g->is_flag) {
			if (arg[len]) {
				cli_error(E504_GLOBAL_NO_VALUE, g->name);
				return STATUS_USAGE;
			}
			*(bool *)(void *)field = true;
		} else {
			const char *value = arg[len] ? arg + len + 1 : cli->argv[1];
			used = arg[len] ? 1 : 2;
			if (!value || !*value) {
				cli_error(E505_GLOBAL_WANTS_VALUE, g->name);
				return STATUS_USAGE;
			}
			*(const char **)(void *)field = value;
		}
		cli->argc -= used;
		cli->argv += used;
		return 0;
	}
	return unknown_global(arg);
}

/* "soldr", or a path of that base name to soldr itself, as in `soldr soldr gcc`. */
static bool is_soldr_word(const char *word)
{
	return compiler_is_soldr_name(path_base(word)) && (!strchr(word, '/') || compiler_is_soldr(NULL, word));
}

/* Options that stand for a verb: `soldr --help stats`. */
static const char *verb_option(const char *word)
{
	static const struct {
		const char *option, *verb;
	} table[] = {{"--help", "help"}, {"-h", "help"}, {"--version", "version"}, {"-V", "version"}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(word, table[i].option) == 0)
			return table[i].verb;
	return NULL;
}

static int unknown_word(const char *word)
{
	const char *known[64] = {NULL};
	size_t n = 0;
	for (const struct verb *const *v = cli_verbs; *v && n + 1 < sizeof known / sizeof *known; v++)
		known[n++] = (*v)->name;
	static const char *const compilers[] = {"gcc", "g++", "clang", "clang++", "rustc", "clippy-driver"};
	for (size_t i = 0; i < sizeof compilers / sizeof *compilers && n + 1 < sizeof known / sizeof *known; i++)
		known[n++] = compilers[i];
	cli_error(E502_UNKNOWN_WORD, word, cli_hint(config_nearest(word, known), "'").text);
	return STATUS_USAGE;
}

/* As RUSTC_WRAPPER with a RUSTC_WORKSPACE_WRAPPER of any name: soldr NAME PATH/rustc ARGS… */
static bool wraps_rustc(const struct cli *cli)
{
	const char *next = cli->argv[1];
	return next && compiler_name(path_base(next)) && !compiler_name_c(path_base(next));
}

static int run(struct cli *cli)
{
	while (cli->argc) {
		const char *word = cli->argv[0], *verb_word = verb_option(word);
		if (verb_word)
			return cli_verb_find(verb_word)->run(cli, cli_verb_find(verb_word));
		if (word[0] == '-' && strcmp(word, "--") != 0) {
			int status = take_global(cli);
			if (status)
				return status;
		} else if (strcmp(word, "--") == 0 || is_soldr_word(word)) {
			cli->argc--;
			cli->argv++;
		} else {
			break;
		}
	}
	if (!cli->argc) {
		cli_error(E501_NOTHING_TO_DO);
		return STATUS_USAGE;
	}
	const char *word = cli->argv[0];
	const struct verb *verb = cli_verb_find(word);
	if (verb)
		return verb->run(cli, verb);
	if (strchr(word, '/') || compiler_name(word) || compiler_wrapper_name(word) || wraps_rustc(cli))
		return wrap_compile(cli);
	return unknown_word(word);
}

int main(int argc, char **argv)
{
	occupy_closed_streams();
	char *cwd = getcwd(NULL, 0);
	front_preopen();
	struct cli cli = {.argc = argc, .argv = argv, .given = argv, .envp = (const char *const *)environ, .cwd = cwd};
	int status;
	if (argc > 0 && strncmp(path_base(argv[0]), "soldr", 5) != 0) {
		char *path = argv[0], *name = argv[0] + (path_base(path) - path);
		argv[0] = name;
		status = wrap_compile(&cli);
	} else {
		cli.argc -= argc > 0;
		cli.argv += argc > 0;
		status = run(&cli);
	}
	free(cwd);
	return status;
}
