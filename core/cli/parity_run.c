/*
 * parity_run: see parity.h. Each request is checked in a process of its own (it
 * enters namespaces), which leaves its verdict in a file; the parent keeps as
 * many going as it was told.
 */
#include "parity.h"

#include "clock.h"
#include "front.h"
#include "fs.h"
#include "path.h"
#include "plugins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char origin[] = "parity";

/* The names of --backends, or the configured backend; each must load. */
static int read_backends(const struct config *config, const char *names, struct parity_work *w, soldr_error *err)
{
	struct parity_plan *plan = &w->plan;
	const char *p = names ? names : config->backend;
	while (*p) {
		size_t n = strcspn(p, ",");
		if (n)
			vec_addn(&w->backends, p, n);
		p += n + (p[n] == ',');
	}
	if (!w->backends.len || w->backends.len > PARITY_BACKENDS_MAX)
		return err_set(err, SOLDR_E_INVALID, 0, origin, E655_BACKENDS_MANY, PARITY_BACKENDS_MAX);
	for (size_t i = 0; i < w->backends.len; i++) {
		struct plugin plugin;
		const char *name = w->backends.items[i];
		const struct config_backend *b = config_backend_find(config, name, err);
		int rc = b ? plugins_try(config, b, &plugin, err) : err->code;
		if (rc) {
			err_prefix(err, "backend %s", name);
			return rc;
		}
		plan->caching[i] = plugin.backend.caps & SOLDR_CAP_CACHING;
		plan->backends[i] = name;
		plugin_unload(&plugin);
	}
	plan->backend_count = w->backends.len;
	return 0;
}

int parity_work_open(struct parity_work *w, const struct cli *cli, const struct config *config, const char *backends, soldr_error *err)
{
	const char *base = env_get(cli->envp, "TMPDIR");
	struct buf scratch = BUF_INIT;
	*w = (struct parity_work){.plan = {.cli = cli, .timeout_ns = (uint64_t)600 * 1000000000u}};
	w->plan.path_remap = config->path_remap == PATH_REMAP_AUTO;
	w->plan.worktree_root = config->worktree_root;
	int way = front_give_way(cli, config, true, err);
	if (way)
		return way;
	if (!base || *base != '/')
		base = "/tmp";
	buf_addf(&scratch, "%s/soldr-parity.XXXXXX", base);
	w->self = front_executable();
	if (w->self && buf_ok(&scratch) && mkdtemp(scratch.data))
		w->scratch = buf_detach(&scratch);
	int rc = w->scratch ? 0 : err_set(err, SOLDR_E_IO, errno, origin, E656_NO_SCRATCH, base);
	buf_release(&scratch);
	w->plan.self = w->self;
	w->plan.scratch = w->scratch;
	if (!rc)
		rc = read_backends(config, backends, w, err);
	if (rc)
		parity_work_release(w);
	return rc;
}

void parity_work_release(struct parity_work *w)
{
	for (size_t i = 0; w->verdicts && i < w->requests.len; i++)
		parity_verdict_release(&w->verdicts[i]);
	free(w->verdicts);
	free(w->pids);
	parity_requests_release(&w->requests);
	vec_release(&w->backends);
	if (w->scratch)
		fs_remove_tree(w->scratch, NULL, NULL, NULL);
	free(w->run);
	free(w->scratch);
	free(w->self);
	*w = (struct parity_work){0};
}

/* ---- workers --------------------------------------------------------------------------------- */

static void verdict_path(const struct parity_work *w, size_t i, struct buf *path)
{
	buf_addf(path, "%s/verdict%zu", w->plan.scratch, i);
}

static pid_t start_worker(struct parity_work *w, size_t i)
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

static void take_verdict(struct parity_work *w, size_t i)
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

static void show_progress(const struct parity_work *w, size_t done)
{
	if (w->progress)
		fprintf(stderr, "\rparity: %zu of %zu, %zu different%s", done, w->requests.len, w->totals.different,
		        done == w->requests.len ? "\r\033[K" : "");
}

/* Runs [first, last) of the order with the given number of workers. */
static void run_some(struct parity_work *w, const size_t *order, size_t count, size_t jobs, size_t *done)
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

int parity_work_run(struct parity_work *w, size_t jobs, soldr_error *err)
{
	size_t n = w->requests.len, alone = 0, together = 0, done = 0;
	if (w->plan.path_remap && parity_map_roots(&w->requests, w->plan.worktree_root) != 0)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t *order = calloc(n, sizeof *order), *serial = calloc(n, sizeof *serial);
	w->verdicts = calloc(n, sizeof *w->verdicts);
	w->pids = calloc(n, sizeof *w->pids);
	if (!order || !serial || !w->verdicts || !w->pids) {
		free(order);
		free(serial);
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	}
	/* Requests that run in place would see each other's outputs: one at a time, after the others. */
	for (size_t i = 0; i < n; i++)
		if (!w->plan.in_place && parity_scene_can_cover(&w->requests.items[i], w->plan.scratch))
			order[together++] = i;
		else
			serial[alone++] = i;
	w->totals.requests = n;
	run_some(w, order, together, jobs ? jobs : processors > 0 ? (size_t)processors : 1, &done);
	run_some(w, serial, alone, 1, &done);
	free(order);
	free(serial);
	return 0;
}
