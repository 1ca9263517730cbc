/* verb_parity: `soldr parity`: options, where the requests come from, the report. */
#include "parity.h"

#include "fs.h"
#include "path.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	bool build, as_json, quiet, in_place;
	const char *database, *journal, *backends, *sample, *jobs, *seed, *timeout, *keep, *junit;
	uint64_t sample_n, jobs_n, seed_n, timeout_ns;
};

/* ---- options ------------------------------------------------------------------------------ */

static int read_options(const struct cli *cli, const struct verb *verb, struct options *o)
{
	struct cli_operands operands;
	const struct cli_option table[] = {
		{"--build", &o->build, NULL},    {"--json", &o->as_json, NULL},   {"--quiet", &o->quiet, NULL},
		{"--in-place", &o->in_place, NULL},
		{"--compdb", NULL, &o->database}, {"--backends", NULL, &o->backends}, {"--sample", NULL, &o->sample},
		{"--jobs", NULL, &o->jobs},      {"--seed", NULL, &o->seed},      {"--timeout", NULL, &o->timeout},
		{"--keep", NULL, &o->keep},      {"--junit", NULL, &o->junit},    {"--run", NULL, &o->journal},
		{NULL, NULL, NULL},
	};
	int status = cli_parse(cli, verb, table, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E641_PARITY_ARGUMENT, operands.items[0]);
	if (o->timeout && config_parse_duration(o->timeout, &o->timeout_ns) != 0)
		return cli_usage(verb, E642_PARITY_TIMEOUT, o->timeout);
	status = cli_number(verb, "--sample", o->sample, 1, PARITY_REQUESTS_MAX, &o->sample_n);
	if (!status)
		status = cli_number(verb, "--jobs", o->jobs, 1, 256, &o->jobs_n);
	if (!status)
		status = cli_number(verb, "--seed", o->seed, 0, UINT32_MAX, &o->seed_n);
	return status ? status : -1;
}

/* ---- requests ------------------------------------------------------------------------------- */

static int run_build(const struct parity_plan *plan, char *const *command, const char *record)
{
	struct vec argv = VEC_INIT, sets = VEC_INIT;
	int status = 0, rc;
	pid_t pid;
	vec_add(&argv, plan->self);
	vec_add(&argv, "--no-session-summary");
	vec_add(&argv, "build");
	vec_add(&argv, "--");
	vec_add_all(&argv, (const char *const *)command);
	vec_addf(&sets, "SOLDR_RECORD=%s", record);
	vec_addf(&sets, "SOLDR_CACHE_DIR=%s/cache", plan->scratch);
	const char **envp = cli_env(plan->cli->envp, vec_items(&sets), sets.len);
	rc = envp && vec_ok(&argv) ? posix_spawn(&pid, plan->self, NULL, NULL, argv.items, (char *const *)(uintptr_t)envp) : ENOMEM;
	while (!rc && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	free(envp);
	vec_release(&argv);
	vec_release(&sets);
	if (!rc && status == 0)
		return 0;
	cli_error(E645_PARITY_BUILD_FAILED, WIFSIGNALED(status) ? "signal" : "status",
	          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return STATUS_WRONG;
}

static int record_build(struct parity_work *w, char *const *command)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char *record = path_join(w->plan.scratch, "record");
	int status = record && fs_make_dirs(record, 0700, &err) == 0 ? 0 : STATUS_SOLDR;
	if (status)
		cli_report(&err, "parity");
	if (!status)
		status = run_build(&w->plan, command, record);
	if (!status && parity_read_record(&w->requests, record, &err) != 0) {
		cli_report(&err, "parity");
		status = STATUS_SOLDR;
	}
	char *links = path_join(w->plan.scratch, "cache");
	if (!status && (!links || parity_leave_path(&w->requests, links) != 0)) {
		cli_report(NULL, "parity");
		status = STATUS_SOLDR;
	}
	free(links);
	free(record);
	return status;
}

static int one_request(struct parity_work *w, char *const *command)
{
	struct parity_request *r = parity_requests_add(&w->requests);
	if (r) {
		r->cwd = strdup(w->plan.cli->cwd);
		r->origin = strdup("");
		vec_add_all(&r->argv, (const char *const *)command);
	}
	if (r && r->cwd && r->origin && vec_ok(&r->argv))
		return 0;
	cli_error(E101_NO_MEMORY);
	return STATUS_SOLDR;
}

static int from_database(struct parity_work *w, const char *name)
{
	soldr_error err = SOLDR_ERROR_INIT;
	int status = 0;
	char *file = path_absolute(w->plan.cli->cwd, name);
	if (!file || parity_read_database(&w->requests, file, &err) != 0) {
		cli_report(file ? &err : NULL, "parity");
		status = STATUS_USAGE;
	}
	free(file);
	return status;
}

static int from_journal(struct parity_work *w, const struct config *config, const char *run)
{
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = parity_read_journal(w, config, run, &err);
	if (!rc)
		return 0;
	cli_report(&err, "parity");
	return rc == SOLDR_E_INVALID ? STATUS_USAGE : rc == SOLDR_E_NOT_FOUND ? STATUS_WRONG : STATUS_SOLDR;
}

static int gather(struct parity_work *w, const struct verb *verb, const struct options *o, const struct config *config,
                  char *const *command)
{
	bool has_command = command && *command;
	if ((o->build || (!o->database && !o->journal)) && !has_command)
		return cli_usage(verb, E643_PARITY_NOTHING);
	if (!!o->database + !!o->journal + has_command > 1)
		return cli_usage(verb, E644_PARITY_EXCLUDE);
	int status = o->build      ? record_build(w, command)
	             : o->database ? from_database(w, o->database)
	             : o->journal  ? from_journal(w, config, o->journal)
	                           : one_request(w, command);
	if (!status && o->sample_n && o->sample_n < w->requests.len)
		parity_sample(&w->requests, (size_t)o->sample_n, o->seed_n);
	if (!status && !w->requests.len) {
		struct buf why = BUF_INIT;
		parity_report_skips(&w->totals, &why);
		cli_error(E646_PARITY_NO_COMPILE, why.len ? "; " : "", buf_str(&why));
		buf_release(&why);
		status = STATUS_WRONG;
	}
	return status;
}

/* ---- the verb ---------------------------------------------------------------------------------- */

static int report(const struct parity_work *w, const struct options *o)
{
	int status = w->totals.different ? STATUS_WRONG : 0;
	struct buf out = BUF_INIT;
	if (o->junit) {
		soldr_error err = SOLDR_ERROR_INIT;
		parity_report_junit(&w->requests, w->verdicts, &w->totals, &out);
		if (!buf_ok(&out) || fs_write_output(o->junit, out.data, out.len, 0666, &err) != 0) {
			cli_report(&err, "parity");
			status = STATUS_SOLDR;
		}
		buf_clear(&out);
	}
	if (o->as_json)
		parity_report_json(w, &out);
	else
		parity_report_text(w, &out);
	return cli_print(&out, status);
}

static int check_all(struct parity_work *w, const struct verb *verb, const struct options *o, const struct config *config,
                     char *const *command)
{
	soldr_error err = SOLDR_ERROR_INIT;
	int status = gather(w, verb, o, config, command);
	if (status)
		return status;
	if (parity_work_run(w, (size_t)o->jobs_n, &err) != 0) {
		cli_report(&err, "parity");
		return STATUS_SOLDR;
	}
	return report(w, o);
}

static int run(const struct cli *cli, const struct verb *verb)
{
	struct options o = {0};
	struct parity_work w;
	struct cli before_dashes = *cli;
	soldr_error err = SOLDR_ERROR_INIT;
	for (int i = 1; i < cli->argc && before_dashes.argc == cli->argc; i++)
		if (strcmp(cli->argv[i], "--") == 0)
			before_dashes.argc = i;
	char *const *command = before_dashes.argc < cli->argc ? cli->argv + before_dashes.argc + 1 : NULL;
	int status = read_options(&before_dashes, verb, &o);
	if (status >= 0)
		return status;
	struct config config;
	status = cli_config(cli, &config);
	if (status)
		return status;
	char *keep = o.keep ? path_absolute(cli->cwd, o.keep) : NULL;
	if (parity_work_open(&w, cli, &config, o.backends, &err) != 0) {
		cli_report(&err, "parity");
		status = err.code == SOLDR_E_INVALID ? STATUS_USAGE : STATUS_SOLDR;
	} else {
		w.plan.keep = keep;
		w.plan.in_place = o.in_place;
		if (o.timeout)
			w.plan.timeout_ns = o.timeout_ns;
		w.progress = !o.quiet && !config.quiet && !o.as_json && isatty(2);
		status = check_all(&w, verb, &o, &config, command);
		parity_work_release(&w);
	}
	free(keep);
	config_release(&config);
	return status;
}

const struct verb verb_parity = {
	.name = "parity",
	.usage = "parity [OPTIONS] -- COMPILER ARGS… | --compdb FILE | --build -- COMMAND… | --run ID",
	.summary = "check that backends give the compiler's bytes",
	.help =
		"Runs each compile by the bare compiler, then cold and warm through each backend, and\n"
		"compares every file written, its mode, stdout, stderr and the exit status.\n"
		"\n"
		"  -- COMPILER ARGS…   one compile\n"
		"  --compdb FILE       every entry of a compile_commands.json\n"
		"  --build -- COMMAND  every compile of this build (it runs once, recorded)\n"
		"  --run ID|last       every compile of the journal of a run, as far as it can be replayed, in\n"
		"                      the present environment\n"
		"  --backends A,B      these backends; default: the selected one\n"
		"  --sample N          N of the requests; --seed N chooses others\n"
		"  --jobs N            checks at once; default: one for each processor\n"
		"  --timeout TIME      for one run, e.g. 60s; default 10min\n"
		"  --keep DIR          keep the files of runs that differ\n"
		"  --in-place          no private view of the files; needed where a server outside would do the work\n"
		"  --json              the report as JSON; --junit FILE: also as JUnit XML\n"
		"  --quiet             no progress\n"
		"\n"
		"Nothing of yours is touched where the system allows private mount namespaces; elsewhere,\n"
		"and with --in-place, requests run one at a time and leave the compiler's own outputs behind.\n"
		"Exit status: 0 all the same, 1 something differs, 2 wrong usage.\n"
		"\n"
		"Example: soldr parity --backends embedded,null -- gcc -O2 -c x.c -o x.o\n",
	.run = run,
};
