/*
 * wrap: the compile path. See wrap.h.
 *
 * The bypass comes before everything else: with SOLDR_BACKEND=null no config is
 * read and nothing is loaded, soldr becomes the compiler. Otherwise the backend
 * serves the request in this process, and soldr ends as the compiler ended.
 */
#include "wrap.h"

#include "compiler.h"
#include "exec.h"
#include "front.h"
#include "host.h"
#include "parity.h"
#include "path.h"
#include "rescue.h"
#include "signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int become(const struct compiler *compiler, const char **argv, const char *const *envp)
{
	soldr_error err = SOLDR_ERROR_INIT;
	const soldr_spawn spawn = {
		.struct_size = sizeof spawn,
		.file = compiler->path,
		.argv = argv,
		.envp = envp,
	};
	exec_replace(&spawn, &err);
	cli_report(&err, NULL);
	return err.sys_errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* The exit status, or minus the signal to die of once everything is released. */
static int serve(const struct cli *cli, const struct config *config, const struct compiler *compiler, const char **argv,
                 const char *const *envp, const struct host_crash *crash)
{
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_result result = {.struct_size = sizeof result};
	soldr_service *service = NULL;
	struct host_options options = {
		.config = config,
		.envp = envp,
		.cwd = cli->cwd,
		.may_replace = true,
		.watch = {.child = signals_child},
		.crash = crash,
	};
	signals_install();
	if (!crash)
		options.progress = rescue_arm(cli, config, true);
	int rc = host_start(&options, &service, &err);
	if (!rc)
		rc = host_compile(service, argv, compiler->path, &result, &err);
	soldr_service_free(service);
	rescue_disarm();
	if (rc) {
		cli_report(&err, NULL);
		return STATUS_SOLDR;
	}
	/* A hit after a signal that ended only a probe: the compiler would have died of it. */
	if (!result.signal && (result.outcome == SOLDR_OUTCOME_HIT || result.outcome == SOLDR_OUTCOME_ERROR_HIT))
		result.signal = signals_received();
	return result.signal ? -result.signal : result.exit_code & 0xff;
}

/* For parity. Not before it is known that this process is the one that serves the request. */
static void record(const struct cli *cli, const char *const *argv)
{
	const char *dir = env_get(cli->envp, "SOLDR_RECORD");
	if (dir && *dir == '/' && cli->cwd)
		parity_record(dir, cli->cwd, argv, cli->envp);
}

static int compile(const struct cli *cli, const struct compiler *compiler, const char **argv, const char *const *envp,
                   const struct host_crash *crash)
{
	if (cli_bypass(cli) || !cli->cwd) { /* no directory, no key: the compiler may still manage with absolute paths */
		record(cli, argv);
		return become(compiler, argv, envp);
	}
	struct config config;
	soldr_error err = SOLDR_ERROR_INIT;
	int status = cli_config(cli, &config);
	if (status)
		return status;
	/* Who asked for fallbacks gets one from the loader, which cannot load the plugin here. */
	bool falls_back = config_given(&config, "on_error") && config.on_error == ON_ERROR_FALLBACK;
	if (crash || front_give_way(cli, &config, false, &err) == 0 || falls_back) {
		if (!crash)
			record(cli, argv);
		status = serve(cli, &config, compiler, argv, envp, crash);
	} else {
		cli_report(&err, NULL);
		status = STATUS_SOLDR;
	}
	config_release(&config);
	return status;
}

int wrap_compile(const struct cli *cli)
{
	struct compiler compiler;
	struct host_crash crash = {.ran = false};
	bool crashed = rescue_take(&crash);
	char depth_text[CLI_DEPTH_TEXT];
	const char *sets[] = {depth_text};
	unsigned depth = cli_depth(cli);
	int status = compiler_find(cli, cli->argv[0], &compiler);
	if (status)
		return status;
	if (depth > CLI_DEPTH_MAX) {
		cli_error(E509_CALLS_ITSELF, depth, compiler.path, "compiler");
		compiler_release(&compiler);
		return STATUS_SOLDR;
	}
	cli_depth_set(depth_text, depth);
	const char **envp = cli_env(cli->envp, sets, 1);
	const char **argv = calloc((size_t)cli->argc + 1, sizeof *argv);
	if (envp && argv) {
		memcpy(argv, cli->argv, (size_t)cli->argc * sizeof *argv);
		argv[0] = compiler.argv0;
		status = compile(cli, &compiler, argv, envp, crashed ? &crash : NULL);
	} else {
		cli_error(E101_NO_MEMORY);
		status = STATUS_SOLDR;
	}
	free(argv);
	free(envp);
	compiler_release(&compiler);
	if (status < 0)
		signals_die(-status);
	return status;
}
