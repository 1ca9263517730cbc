/*
 * parity_check: one request, through the bare compiler twice and each backend
 * cold and warm. A backend runs as a user runs it: `soldr --backend NAME
 * COMPILER ARGS`, with a cache root of the check's own. "Cold" looks nothing up
 * (SOLDR_RECACHE), so that an equal request before it makes no difference; what
 * it did is read from the counters of a run id of its own.
 */
#include "parity.h"

#include "compiler.h"
#include "fs.h"
#include "path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void parity_verdict_release(struct parity_verdict *v)
{
	vec_release(&v->lines);
	*v = (struct parity_verdict){0};
}

void parity_verdict_write(const struct parity_verdict *v, const struct parity_plan *plan, struct buf *b)
{
	buf_add_u32(b, v->status);
	buf_add_u64(b, v->wall_ns);
	buf_add_u32(b, (uint32_t)v->lines.len);
	for (size_t i = 0; i < v->lines.len; i++)
		buf_add_str(b, v->lines.items[i], strlen(v->lines.items[i]));
	for (size_t i = 0; i < plan->backend_count; i++)
		buf_add(b, v->outcomes[i], sizeof v->outcomes[i]);
}

int parity_verdict_read(struct parity_verdict *v, const struct parity_plan *plan, const void *data, size_t len)
{
	struct reader r = reader_of(data, len);
	*v = (struct parity_verdict){.status = (enum parity_status)reader_u32(&r)};
	v->wall_ns = reader_u64(&r);
	uint32_t n = reader_u32(&r);
	for (uint32_t i = 0; i < n && !r.failed; i++) {
		size_t size;
		const char *s = reader_str(&r, &size);
		if (s)
			vec_addn(&v->lines, s, size);
	}
	for (size_t i = 0; i < plan->backend_count; i++) {
		const void *p = reader_take(&r, sizeof v->outcomes[i]);
		if (p)
			memcpy(v->outcomes[i], p, sizeof v->outcomes[i]);
	}
	return r.failed || r.at != r.end || v->status > PARITY_NOT_REPLAYABLE ? -1 : 0;
}

static void say(struct parity_verdict *v, const char *text)
{
	vec_add(&v->lines, text);
}

/* ---- one backend ------------------------------------------------------------------------ */

struct check {
	const struct parity_plan *plan;
	const struct parity_request *request;
	struct parity_scene scene;
	size_t number;
	const char *const *envp;      /* the request's */
	const struct parity_run *last; /* whose files may be in the way */
	struct parity_verdict *verdict;
};

/* The outcome of the one compile that a run id counted: "miss not_seen". */
static void outcome_of_run(const char *run_dir, char text[PARITY_OUTCOME_SIZE])
{
	struct counter_totals t;
	struct buf file = BUF_INIT;
	buf_addf(&file, "%s/counters", run_dir);
	bool known = buf_ok(&file) && counters_read(file.data, &t, NULL) == 0 && t.compilations;
	buf_release(&file);
	if (!known) {
		snprintf(text, PARITY_OUTCOME_SIZE, "not counted");
		return;
	}
	const char *name = t.hits ? "hit" : t.misses ? "miss" : t.non_cacheable ? "bypass" : t.passthrough ? "passthrough" : "fallback";
	const char *reason = "";
	for (unsigned i = 1; i < SOLDR_REASON_COUNT; i++)
		if (t.reasons[i])
			reason = reason_name((enum soldr_reason)i);
	snprintf(text, PARITY_OUTCOME_SIZE, "%s%s%s%s", name, *reason ? " " : "", reason, t.compilations > 1 ? " (counted more than once)" : "");
}

static int run_backend(struct check *c, size_t backend, bool warm, struct parity_run *run, char outcome[PARITY_OUTCOME_SIZE],
                       soldr_error *err)
{
	const struct parity_plan *plan = c->plan;
	const char *name = plan->backends[backend];
	struct vec argv = VEC_INIT, sets = VEC_INIT;
	struct buf run_dir = BUF_INIT;
	buf_addf(&run_dir, "%s/cache/runs/parity-%zu-%s-%s", plan->scratch, c->number, name, warm ? "warm" : "cold");
	vec_add(&argv, plan->self);
	if (plan->cli->overrides.file) {
		vec_add(&argv, "--config");
		vec_add(&argv, plan->cli->overrides.file);
	}
	vec_add(&argv, "--backend");
	vec_add(&argv, name);
	vec_add_all(&argv, vec_items(&c->request->argv));
	vec_addf(&sets, "SOLDR_CACHE_DIR=%s/cache", plan->scratch);
	vec_addf(&sets, "SOLDR_RUN_ID=%s", buf_ok(&run_dir) ? path_base(run_dir.data) : "");
	vec_addf(&sets, "SOLDR_RECACHE=%d", !warm);
	vec_add(&sets, "SOLDR_VERIFY=0"); /* the comparison is made here */
	vec_addf(&sets, "SOLDR_PATH_REMAP=%s", plan->path_remap ? "auto" : "off");
	vec_addf(&sets, "CCACHE_DIR=%s/ccache", plan->scratch);
	vec_addf(&sets, "SCCACHE_DIR=%s/sccache", plan->scratch);
	const char **envp = cli_env(c->envp, vec_items(&sets), sets.len);
	int rc = envp && buf_ok(&run_dir) && vec_ok(&argv) && vec_ok(&sets) ? fs_make_dirs(run_dir.data, 0700, err)
	                                                                   : err_set(err, SOLDR_E_NOMEM, 0, "parity", E101_NO_MEMORY);
	if (!rc)
		rc = parity_scene_run(&c->scene, c->request, plan->self, vec_items(&argv), envp, c->last, run, err);
	if (!rc)
		outcome_of_run(run_dir.data, outcome);
	free(envp);
	vec_release(&argv);
	vec_release(&sets);
	buf_release(&run_dir);
	return rc;
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* miss then hit for a backend that caches; the same thing twice for what it refuses. */
static void judge_outcomes(struct check *c, size_t backend)
{
	const char *cold = c->verdict->outcomes[backend][0], *warm = c->verdict->outcomes[backend][1];
	bool good;
	if (begins(cold, "miss"))
		good = begins(warm, "hit");
	else
		good = (begins(cold, "bypass") && begins(warm, "bypass")) || (begins(cold, "passthrough") && strcmp(cold, warm) == 0);
	if (!c->plan->caching[backend])
		good = good || strcmp(cold, warm) == 0;
	if (good && !strstr(cold, "more than once"))
		return;
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s: outcomes read \"%s\", then \"%s\"", c->plan->backends[backend], cold, warm);
	if (buf_ok(&b))
		say(c->verdict, b.data);
	buf_release(&b);
	c->verdict->status = PARITY_DIFFERENT;
}

/* What differs, as files to look at: KEEP/NUMBER/{compiler,BACKEND-cold,…}/ABSOLUTE-PATH. */
static void keep_run(const struct check *c, const char *what, const struct parity_run *run)
{
	struct buf dir = BUF_INIT;
	buf_addf(&dir, "%s/%zu/%s", c->plan->keep, c->number, what);
	for (size_t i = 0; buf_ok(&dir) && i < run->file_count; i++) {
		char *file = path_join(dir.data, run->files[i].path + 1);
		char *parent = file ? path_dir(file) : NULL;
		if (parent && fs_make_dirs(parent, 0700, NULL) == 0)
			fs_write_file(file, buf_str(&run->files[i].data), run->files[i].data.len, 0600, NULL);
		free(parent);
		free(file);
	}
	const struct {
		const char *name;
		const struct buf *text;
	} streams[] = {{"stdout", &run->out}, {"stderr", &run->errs}};
	for (size_t i = 0; buf_ok(&dir) && i < 2; i++) {
		char *file = path_join(dir.data, streams[i].name);
		if (file && fs_make_dirs(dir.data, 0700, NULL) == 0)
			fs_write_file(file, buf_str(streams[i].text), streams[i].text->len, 0600, NULL);
		free(file);
	}
	buf_release(&dir);
}

static void check_backend(struct check *c, size_t backend, const struct parity_run *truth)
{
	for (int warm = 0; warm < 2; warm++) {
		struct parity_run run = {0};
		soldr_error err = SOLDR_ERROR_INIT;
		char what[64];
		snprintf(what, sizeof what, "%s %s", c->plan->backends[backend], warm ? "warm" : "cold");
		int rc = run_backend(c, backend, warm, &run, c->verdict->outcomes[backend][warm], &err);
		if (rc)
			say(c->verdict, err.message);
		if (rc || parity_compare(truth, &run, what, &c->verdict->lines)) {
			c->verdict->status = PARITY_DIFFERENT;
			if (c->plan->keep) {
				keep_run(c, "compiler", truth);
				keep_run(c, what, &run);
			}
		}
		parity_run_release(&run);
	}
	judge_outcomes(c, backend);
}

/* ---- one request ------------------------------------------------------------------------- */

static void not_replayable(struct parity_verdict *v, const char *why)
{
	v->status = PARITY_NOT_REPLAYABLE;
	say(v, why);
}

/*
 * Two runs in one second agree on the time of day, and a backend's run in the
 * next one differs from both: before a backend is blamed the compiler is asked
 * once more.
 */
static void doubt_truth(struct check *c, const char *compiler, const struct parity_run *truth)
{
	struct parity_run later = {0};
	struct vec lines = VEC_INIT;
	int rc = parity_scene_run(&c->scene, c->request, compiler, vec_items(&c->request->argv), c->envp, c->last, &later, NULL);
	if (!rc && parity_compare(truth, &later, "the compiler run again", &lines)) {
		vec_release(&c->verdict->lines);
		c->verdict->lines = lines;
		c->verdict->status = PARITY_NOT_DETERMINISTIC;
	} else {
		vec_release(&lines);
	}
	parity_run_release(&later);
}

static void check_with_truth(struct check *c, const char *compiler, soldr_error *err)
{
	const char *const *argv = vec_items(&c->request->argv);
	struct parity_run first = {0}, truth = {0}, again = {0};
	/* In place, a first run finds out which files must be out of the way for the others. */
	int rc = c->scene.isolation == PARITY_IN_PLACE
	                 ? parity_scene_run(&c->scene, c->request, compiler, argv, c->envp, NULL, &first, err)
	                 : 0;
	c->last = &first;
	if (!rc)
		rc = parity_scene_run(&c->scene, c->request, compiler, argv, c->envp, c->last, &truth, err);
	if (!rc)
		rc = parity_scene_run(&c->scene, c->request, compiler, argv, c->envp, c->last, &again, err);
	if (rc) {
		not_replayable(c->verdict, err->message);
	} else if (truth.timed_out) {
		not_replayable(c->verdict, "the compiler did not end within the time-out");
	} else if (parity_compare(&truth, &again, "the compiler run again", &c->verdict->lines)) {
		c->verdict->status = PARITY_NOT_DETERMINISTIC;
	} else {
		for (size_t i = 0; i < c->plan->backend_count; i++)
			check_backend(c, i, &truth);
		if (c->verdict->status == PARITY_DIFFERENT)
			doubt_truth(c, compiler, &truth);
	}
	if (c->scene.isolation == PARITY_IN_PLACE && !rc)
		parity_run_restore(&truth);
	parity_run_release(&again);
	parity_run_release(&truth);
	parity_run_release(&first);
	c->last = NULL;
}

void parity_check(const struct parity_plan *plan, const struct parity_request *request, size_t number, struct parity_verdict *v)
{
	struct check c = {.plan = plan, .request = request, .number = number, .verdict = v};
	soldr_error err = SOLDR_ERROR_INIT;
	struct buf scratch = BUF_INIT;
	*v = (struct parity_verdict){.status = PARITY_SAME};
	c.envp = request->envp.len ? vec_items(&request->envp) : plan->cli->envp;
	char *compiler = path_find_program(request->argv.items[0], env_get(c.envp, "PATH"), request->cwd, compiler_is_soldr, NULL);
	buf_addf(&scratch, "%s/scene%zu", plan->scratch, number);
	if (!compiler) {
		struct buf why = BUF_INIT;
		buf_addf(&why, "compiler %s: %s", request->argv.items[0], strerror(errno));
		not_replayable(v, buf_str(&why));
		buf_release(&why);
	} else if (!buf_ok(&scratch) || parity_scene_open(&c.scene, request, scratch.data, plan->in_place, plan->timeout_ns, &err) != 0) {
		not_replayable(v, err.message);
	} else {
		check_with_truth(&c, compiler, &err);
	}
	parity_scene_release(&c.scene);
	buf_release(&scratch);
	free(compiler);
}
