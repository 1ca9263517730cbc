/*
 * verb_parity: `soldr parity`: where requests come from, workers, the report.
 *
 * Each request is checked in a process of its own (it enters namespaces), which
 * leaves its verdict in a file; the parent keeps as many going as --jobs says.
 */
#include "parity.h"

#include "clock.h"
#include "fs.h"
#include "path.h"
#include "plugins.h"
#include "text.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
	bool build, as_json, quiet;
	const char *database, *backends, *sample, *jobs, *seed, *timeout, *keep, *junit;
	uint64_t sample_n, jobs_n, seed_n;
};

struct work {
	struct parity_plan plan;
	struct parity_requests requests;
	struct parity_verdict *verdicts;
	pid_t *pids;
	struct parity_totals totals;
	bool progress;
};

/* ---- options ------------------------------------------------------------------------------ */

static int read_number(const struct verb *verb, const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	char *end;
	if (!text)
		return 0;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno || *end || !*text || *text == '-' || v < least || v > most)
		return cli_usage(verb, "parity: %s takes a number from %llu to %llu, not '%s'", name, (unsigned long long)least,
		                 (unsigned long long)most, text);
	*out = v;
	return 0;
}

static int read_options(const struct cli *cli, const struct verb *verb, struct options *o, struct parity_plan *plan)
{
	struct cli_operands operands;
	const struct cli_option table[] = {
		{"--build", &o->build, NULL},    {"--json", &o->as_json, NULL},   {"--quiet", &o->quiet, NULL},
		{"--compdb", NULL, &o->database}, {"--backends", NULL, &o->backends}, {"--sample", NULL, &o->sample},
		{"--jobs", NULL, &o->jobs},      {"--seed", NULL, &o->seed},      {"--timeout", NULL, &o->timeout},
		{"--keep", NULL, &o->keep},      {"--junit", NULL, &o->junit},    {NULL, NULL, NULL},
	};
	int status = cli_parse(cli, verb, table, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, "parity: unexpected argument '%s'; the command line to check comes after --", operands.items[0]);
	uint64_t timeout_ns = 0;
	if (o->timeout && config_parse_duration(o->timeout, &timeout_ns) != 0)
		return cli_usage(verb, "parity: --timeout takes a duration such as 60s, not '%s'", o->timeout);
	plan->timeout_ns = o->timeout ? timeout_ns : (uint64_t)600 * 1000000000u;
	status = read_number(verb, "--sample", o->sample, 1, PARITY_REQUESTS_MAX, &o->sample_n);
	if (!status)
		status = read_number(verb, "--jobs", o->jobs, 1, 256, &o->jobs_n);
	if (!status)
		status = read_number(verb, "--seed", o->seed, 0, UINT32_MAX, &o->seed_n);
	return status ? status : -1;
}

/* The names of --backends, or the configured backend; each must load. */
static int read_backends(const struct config *config, const char *names, struct parity_plan *plan, struct vec *storage)
{
	const char *p = names ? names : config->backend;
	while (*p) {
		size_t n = strcspn(p, ",");
		if (n)
			vec_addn(storage, p, n);
		p += n + (p[n] == ',');
	}
	if (!storage->len || storage->len > PARITY_BACKENDS_MAX) {
		cli_error("parity: --backends takes 1 to %d names", PARITY_BACKENDS_MAX);
		return STATUS_USAGE;
	}
	for (size_t i = 0; i < storage->len; i++) {
		soldr_error err = SOLDR_ERROR_INIT;
		struct plugin plugin;
		const struct config_backend *b = config_backend_find(config, storage->items[i], &err);
		if (!b || plugins_try(config, b, &plugin, &err) != 0) {
			cli_error("parity: backend %s: %s", storage->items[i], err.message);
			return STATUS_SOLDR;
		}
		plan->caching[i] = plugin.backend.caps & SOLDR_CAP_CACHING;
		plan->backends[i] = storage->items[i];
		plugin_unload(&plugin);
	}
	plan->backend_count = storage->len;
	return 0;
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
	cli_error("parity: the build failed (%s %d); nothing is checked", WIFSIGNALED(status) ? "signal" : "status",
	          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return STATUS_WRONG;
}

static int record_build(struct work *w, char *const *command)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char *record = path_join(w->plan.scratch, "record");
	int status = record && fs_make_dirs(record, 0700, &err) == 0 ? 0 : STATUS_SOLDR;
	if (status)
		cli_error("parity: %s", err.message);
	if (!status)
		status = run_build(&w->plan, command, record);
	if (!status && parity_read_record(&w->requests, record, &err) != 0) {
		cli_error("parity: %s", err.message);
		status = STATUS_SOLDR;
	}
	free(record);
	return status;
}

static int one_request(struct work *w, char *const *command)
{
	struct parity_request *r = parity_requests_add(&w->requests);
	if (r) {
		r->cwd = strdup(w->plan.cli->cwd);
		r->origin = strdup("");
		vec_add_all(&r->argv, (const char *const *)command);
	}
	if (r && r->cwd && r->origin && vec_ok(&r->argv))
		return 0;
	cli_error("out of memory");
	return STATUS_SOLDR;
}

static int gather(struct work *w, const struct verb *verb, const struct options *o, char *const *command)
{
	soldr_error err = SOLDR_ERROR_INIT;
	int status = 0;
	bool has_command = command && *command;
	if ((o->build || !o->database) && !has_command)
		return cli_usage(verb, "parity: what to check? A command line after --, or --compdb FILE");
	if (o->database && has_command)
		return cli_usage(verb, "parity: --compdb and a command line exclude each other");
	if (o->build) {
		status = record_build(w, command);
	} else if (o->database) {
		char *file = path_absolute(w->plan.cli->cwd, o->database);
		if (!file || parity_read_database(&w->requests, file, &err) != 0) {
			cli_error("parity: %s", file ? err.message : "out of memory");
			status = STATUS_USAGE;
		}
		free(file);
	} else {
		status = one_request(w, command);
	}
	if (!status && o->sample_n && o->sample_n < w->requests.len)
		parity_sample(&w->requests, (size_t)o->sample_n, o->seed_n);
	if (!status && !w->requests.len) {
		cli_error("parity: there is no compile to check");
		status = STATUS_WRONG;
	}
	return status;
}

/* ---- workers --------------------------------------------------------------------------------- */

static void verdict_path(const struct work *w, size_t i, struct buf *path)
{
	buf_addf(path, "%s/verdict%zu", w->plan.scratch, i);
}

static pid_t start_worker(struct work *w, size_t i)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	struct buf path = BUF_INIT, text = BUF_INIT;
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	parity_check(&w->plan, &w->requests.items[i], i, &w->verdicts[i]);
	w->verdicts[i].wall_ns = clock_ns(CLOCK_MONOTONIC) - start;
	parity_verdict_write(&w->verdicts[i], &w->plan, &text);
	verdict_path(w, i, &path);
	_exit(buf_ok(&path) && buf_ok(&text) && fs_write_file(path.data, text.data, text.len, 0600, NULL) == 0 ? 0 : 1);
}

static void take_verdict(struct work *w, size_t i)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	verdict_path(w, i, &path);
	struct parity_verdict *v = &w->verdicts[i];
	if (!buf_ok(&path) || fs_read_file(path.data, BUF_MAX_DEFAULT, &text, NULL) != 0 ||
	    parity_verdict_read(v, &w->plan, text.data, text.len) != 0) {
		v->status = PARITY_NOT_REPLAYABLE;
		vec_add(&v->lines, "the check itself ended without a verdict");
	}
	if (buf_ok(&path))
		unlink(path.data);
	size_t *counts[] = {&w->totals.same, &w->totals.different, &w->totals.not_deterministic, &w->totals.not_replayable};
	++*counts[v->status];
	buf_release(&path);
	buf_release(&text);
}

static void show_progress(const struct work *w, size_t done)
{
	if (w->progress)
		fprintf(stderr, "\rparity: %zu of %zu, %zu different%s", done, w->requests.len, w->totals.different,
		        done == w->requests.len ? "\r\033[K" : "");
}

/* Runs [first, last) of the order with the given number of workers. */
static void run_some(struct work *w, const size_t *order, size_t count, size_t jobs, size_t *done)
{
	size_t started = 0, running = 0;
	while (started < count || running) {
		while (started < count && running < jobs) {
			size_t i = order[started++];
			w->pids[i] = start_worker(w, i);
			if (w->pids[i] > 0)
				running++;
			else
				take_verdict(w, i);
		}
		int status;
		pid_t pid = waitpid(-1, &status, 0);
		for (size_t k = 0; pid > 0 && k < started; k++)
			if (w->pids[order[k]] == pid) {
				w->pids[order[k]] = 0;
				running--;
				take_verdict(w, order[k]);
				show_progress(w, ++*done);
			}
		if (pid < 0 && errno != EINTR)
			break;
	}
}

static int run_all(struct work *w, size_t jobs)
{
	size_t n = w->requests.len, alone = 0, together = 0, done = 0;
	size_t *order = calloc(n, sizeof *order), *serial = calloc(n, sizeof *serial);
	w->verdicts = calloc(n, sizeof *w->verdicts);
	w->pids = calloc(n, sizeof *w->pids);
	if (!order || !serial || !w->verdicts || !w->pids) {
		free(order);
		free(serial);
		cli_error("out of memory");
		return STATUS_SOLDR;
	}
	/* Requests that run in place would see each other's outputs: one at a time, after the others. */
	for (size_t i = 0; i < n; i++)
		if (parity_scene_can_cover(&w->requests.items[i], w->plan.scratch))
			order[together++] = i;
		else
			serial[alone++] = i;
	w->totals.requests = n;
	run_some(w, order, together, jobs, &done);
	run_some(w, serial, alone, 1, &done);
	free(order);
	free(serial);
	return 0;
}

/* ---- the verb ---------------------------------------------------------------------------------- */

static int report(const struct work *w, const struct options *o)
{
	int status = w->totals.different ? STATUS_WRONG : 0;
	struct buf out = BUF_INIT;
	if (o->junit) {
		soldr_error err = SOLDR_ERROR_INIT;
		parity_report_junit(&w->requests, w->verdicts, &w->totals, &out);
		if (!buf_ok(&out) || fs_write_file(o->junit, out.data, out.len, 0666, &err) != 0) {
			cli_error("parity: %s", err.message);
			status = STATUS_SOLDR;
		}
		buf_clear(&out);
	}
	if (o->as_json)
		parity_report_json(&w->plan, &w->requests, w->verdicts, &w->totals, &out);
	else
		parity_report_text(&w->plan, &w->requests, w->verdicts, &w->totals, &out);
	return cli_print(&out, status);
}

static int check_all(struct work *w, const struct verb *verb, const struct options *o, const struct config *config, char *const *command)
{
	struct vec names = VEC_INIT;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int status = read_backends(config, o->backends, &w->plan, &names);
	if (!status)
		status = gather(w, verb, o, command);
	if (!status)
		status = run_all(w, o->jobs_n ? (size_t)o->jobs_n : processors > 0 ? (size_t)processors : 1);
	if (!status)
		status = report(w, o);
	for (size_t i = 0; w->verdicts && i < w->requests.len; i++)
		parity_verdict_release(&w->verdicts[i]);
	free(w->verdicts);
	free(w->pids);
	parity_requests_release(&w->requests);
	vec_release(&names);
	return status;
}

static int run(const struct cli *cli, const struct verb *verb)
{
	struct options o = {0};
	struct work w = {.plan = {.cli = cli}};
	struct cli before_dashes = *cli;
	for (int i = 1; i < cli->argc && before_dashes.argc == cli->argc; i++)
		if (strcmp(cli->argv[i], "--") == 0)
			before_dashes.argc = i;
	char *const *command = before_dashes.argc < cli->argc ? cli->argv + before_dashes.argc + 1 : NULL;
	int status = read_options(&before_dashes, verb, &o, &w.plan);
	if (status >= 0)
		return status;
	struct config config;
	status = cli_config(cli, &config);
	if (status)
		return status;
	const char *base = env_get(cli->envp, "TMPDIR");
	struct buf scratch = BUF_INIT;
	buf_addf(&scratch, "%s/soldr-parity.XXXXXX", base && *base == '/' ? base : "/tmp");
	char *self = path_self(), *keep = o.keep ? path_absolute(cli->cwd, o.keep) : NULL;
	if (!self || !buf_ok(&scratch) || (o.keep && !keep) || !mkdtemp(scratch.data)) {
		cli_error("parity: cannot make a directory below %s: %s", base ? base : "/tmp", strerror(errno));
		status = STATUS_SOLDR;
	} else {
		w.plan.self = self;
		w.plan.scratch = scratch.data;
		w.plan.keep = keep;
		w.progress = !o.quiet && !config.quiet && !o.as_json && isatty(2);
		status = check_all(&w, verb, &o, &config, command);
		fs_remove_tree(scratch.data, NULL, NULL, NULL);
	}
	buf_release(&scratch);
	free(self);
	free(keep);
	config_release(&config);
	return status;
}

const struct verb verb_parity = {
	.name = "parity",
	.usage = "parity [OPTIONS] -- COMPILER ARGS… | --compdb FILE | --build -- COMMAND…",
	.summary = "check that backends give the compiler's bytes",
	.help =
		"Runs each compile by the bare compiler, then cold and warm through each backend, and\n"
		"compares every file written, its mode, stdout, stderr and the exit status.\n"
		"\n"
		"  -- COMPILER ARGS…   one compile\n"
		"  --compdb FILE       every entry of a compile_commands.json\n"
		"  --build -- COMMAND  every compile of this build (it runs once, recorded)\n"
		"  --backends A,B      these backends; default: the selected one\n"
		"  --sample N          N of the requests; --seed N chooses others\n"
		"  --jobs N            checks at once; default: one for each processor\n"
		"  --timeout TIME      for one run, e.g. 60s; default 10min\n"
		"  --keep DIR          keep the files of runs that differ\n"
		"  --json              the report as JSON; --junit FILE: also as JUnit XML\n"
		"  --quiet             no progress\n"
		"\n"
		"Nothing of yours is touched where the system allows private mount namespaces; elsewhere\n"
		"requests run in place, one at a time, and leave the compiler's own outputs behind.\n"
		"Exit status: 0 all the same, 1 something differs, 2 wrong usage.\n"
		"\n"
		"Example: soldr parity --backends embedded,null -- gcc -O2 -c x.c -o x.o\n",
	.run = run,
};
