/* verb_why: `soldr why`, what came of one compile, and why. */
#include "why.h"

#include "counters.h"
#include "json.h"
#include "path.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ID_DIGITS = 32, ID_LEAST = 8 };

/* ---- which compile ---------------------------------------------------------------------------- */

struct search {
	const char *id;    /* its first digits; NULL: not asked for by id */
	const char *file;  /* as spelled; NULL: the last compile */
	const char *path;  /* the same, absolute */
	struct run_compile best;
	enum run_match how;
	size_t count;      /* that are as good */
};

static enum run_match judge(const struct search *s, const struct run_compile *c)
{
	if (s->id)
		return strncmp(c->compile_id, s->id, strlen(s->id)) == 0 ? RUN_MATCH_PATH : RUN_MATCH_NONE;
	return s->file ? run_compile_match(c, s->file, s->path) : RUN_MATCH_PATH;
}

static void look_at(void *arg, const char *text, size_t len)
{
	struct search *s = arg;
	struct run_compile c;
	enum run_match how = run_compile_read(&c, text, len) == 0 ? judge(s, &c) : RUN_MATCH_NONE;
	if (how == RUN_MATCH_NONE || how < s->how) {
		run_compile_release(&c);
		return;
	}
	s->count = how == s->how ? s->count + 1 : 1;
	s->how = how;
	run_compile_release(&s->best);
	s->best = c; /* lines are in order, so the last one is the newest */
}

/* Looks through the runs, newest first, until one has it. */
static int find(struct search *s, const struct config *config, soldr_error *err)
{
	struct vec runs = VEC_INIT;
	int rc = runs_list(config, &runs, err);
	for (size_t i = 0; i < runs.len && !rc && s->how == RUN_MATCH_NONE; i++) {
		size_t broken;
		char *file = journal_path(config, runs.items[i]);
		rc = file ? journal_read(file, look_at, s, &broken, err) : err_set(err, SOLDR_E_NOMEM, 0, "why", E101_NO_MEMORY);
		if (rc == SOLDR_E_NOT_FOUND)
			rc = 0; /* removed just now */
		free(file);
	}
	vec_release(&runs);
	if (rc || s->how != RUN_MATCH_NONE)
		return rc;
	return err_set(err, SOLDR_E_NOT_FOUND, 0, "why", E605_NO_SUCH_COMPILE,
	               config->cache_root, s->file ? s->file : s->id ? s->id : "anything");
}

static bool is_id(const char *text)
{
	size_t n = strlen(text);
	return n >= ID_LEAST && n <= ID_DIGITS && strspn(text, "0123456789abcdef") == n;
}

/* ---- text -------------------------------------------------------------------------------------- */

static enum soldr_reason reason_of(const struct run_compile *c)
{
	return reason_index(c->reason);
}

/* The reason of a miss already stands in its differences; of a refusal the detail is the option or construct. */
static void outcome_text(const struct explanation *e, int indent, struct buf *out)
{
	const struct run_compile *c = &e->compile;
	char saved[TEXT_SIZE];
	enum soldr_reason reason = reason_of(c);
	bool missed = strcmp(c->outcome, "miss") == 0;
	if (strcmp(c->outcome, "hit") == 0) {
		buf_addf(out, "%*sserved from the store; the compiler would have taken %s\n", indent, "", text_duration(saved, c->time_saved_ns));
		return;
	}
	if (*c->reason)
		buf_addf(out, "%*sreason: %s (%s)\n", indent, "", c->reason, reason_text(reason));
	if (*c->detail && (!missed || !e->differences.len))
		buf_addf(out, "%*swhat: %s\n", indent, "", c->detail);
	for (size_t i = 0; i + DIFFERENCE_PARTS <= e->differences.len; i += DIFFERENCE_PARTS) {
		buf_addf(out, "%*s- ", indent, "");
		why_difference_text(&e->differences, i, out);
		buf_addc(out, '\n');
	}
	if (*e->note)
		buf_addf(out, "%*s(%s)\n", indent, "", e->note);
}

static void stamp(int64_t ns, char text[TEXT_SIZE])
{
	struct tm tm;
	time_t t = (time_t)(ns / 1000000000);
	if (!gmtime_r(&t, &tm) || !strftime(text, TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, TEXT_SIZE, "?");
}

static void why_text(const struct why *w, const struct search *s, struct buf *out)
{
	const struct explanation *first = &w->chain[0];
	const struct run_compile *c = &first->compile;
	char when[TEXT_SIZE];
	const char *mend = reason_mend(reason_of(c));
	buf_addf(out, "%s: %s\n  compile %s, run %s, %.19sZ\n", c->outcome, run_compile_subject(c), c->compile_id, c->run_id, c->ts);
	outcome_text(first, 2, out);
	if (first->against_ns) {
		stamp(first->against_ns, when);
		buf_addf(out, "  compared with the one stored at %s\n", when);
	}
	for (size_t i = 1; i < w->count; i++) {
		const struct run_compile *cause = &w->chain[i].compile;
		buf_addf(out, "%*swhich comes from %s (%s, compile %s)\n", (int)i * 2, "", run_compile_subject(cause), cause->outcome, cause->compile_id);
		outcome_text(&w->chain[i], (int)i * 2 + 2, out);
	}
	if (*mend && !first->differences.len && strcmp(c->outcome, "hit") != 0)
		buf_addf(out, "  to do: %s\n", mend);
	if (s->count > 1 && s->file)
		buf_addf(out, "  %zu other compile%s of it in this run; this is the newest\n", s->count - 1, s->count == 2 ? "" : "s");
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void differences_json(const struct explanation *e, struct json *j)
{
	static const char *const keys[DIFFERENCE_PARTS] = {"kind", "what", "old", "new"};
	json_open(j, "differences", '[');
	for (size_t i = 0; i + DIFFERENCE_PARTS <= e->differences.len; i += DIFFERENCE_PARTS) {
		struct buf text = BUF_INIT;
		json_open(j, NULL, '{');
		for (size_t k = 0; k < DIFFERENCE_PARTS; k++)
			json_str(j, keys[k], *e->differences.items[i + k] ? e->differences.items[i + k] : NULL);
		const char *group = why_difference_group(e->differences.items[i]);
		json_str(j, "group", *group ? group : NULL);
		why_difference_text(&e->differences, i, &text);
		json_str(j, "text", buf_str(&text));
		json_close(j, '}');
		buf_release(&text);
	}
	json_close(j, ']');
}

static void compile_json(const struct explanation *e, struct json *j)
{
	const struct run_compile *c = &e->compile;
	enum soldr_reason reason = reason_of(c);
	char when[TEXT_SIZE];
	const char *mend = reason_mend(reason);
	json_str(j, "compile_id", c->compile_id);
	json_str(j, "run_id", c->run_id);
	json_str(j, "ts", c->ts);
	json_str(j, "subject", run_compile_subject(c));
	json_str(j, "cwd", c->cwd);
	json_str(j, "compiler", c->compiler);
	json_str(j, "backend", c->backend);
	json_str(j, "outcome", c->outcome);
	json_str(j, "reason", *c->reason ? c->reason : NULL);
	json_str(j, "meaning", *c->reason ? reason_text(reason) : NULL);
	json_str(j, "detail", *c->detail ? c->detail : NULL);
	json_str(j, "mend", *c->reason && *mend ? mend : NULL);
	stamp(e->against_ns, when);
	json_str(j, "compared_with", e->against_ns ? when : NULL);
	differences_json(e, j);
	json_str(j, "note", *e->note ? e->note : NULL);
}

static void why_json(const struct why *w, const struct search *s, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	compile_json(&w->chain[0], &j);
	json_open(&j, "causes", '[');
	for (size_t i = 1; i < w->count; i++) {
		json_open(&j, NULL, '{');
		compile_json(&w->chain[i], &j);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_u64(&j, "others", s->file && s->count ? s->count - 1 : 0);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

/* ---- the verb ------------------------------------------------------------------------------------- */

static int answer(const struct cli *cli, struct config *config, struct search *s, bool as_json)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct buf out = BUF_INIT;
	if (find(s, config, &err) != 0) {
		cli_report(&err, NULL);
		return STATUS_WRONG;
	}
	struct why *w = calloc(1, sizeof *w);
	if (!w) {
		cli_error(E101_NO_MEMORY);
		return STATUS_SOLDR;
	}
	why_explain(w, cli, config, &s->best);
	if (as_json)
		why_json(w, s, &out);
	else
		why_text(w, s, &out);
	why_release(w);
	free(w);
	return cli_print(&out, 0);
}

static int run(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false, last = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {"--last", &last, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct config config;
	struct search s = {.best = RUN_COMPILE_INIT};
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	const char *what = operands.count ? operands.items[0] : NULL;
	if (operands.count > 1)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "why", operands.items[1]);
	if (last && what)
		return cli_usage(verb, E531_EXCLUDE, "why", "--last", what);
	if (what && !*what)
		return cli_usage(verb, E606_NAME_EMPTY);
	status = cli_config(cli, &config);
	if (status)
		return status;
	char *path = what ? path_absolute(cli->cwd, what) : NULL;
	s.id = what && is_id(what) ? what : NULL;
	s.file = what && !s.id ? what : NULL;
	s.path = path;
	if (what && !path) {
		cli_error(E101_NO_MEMORY);
		status = STATUS_SOLDR;
	} else {
		status = answer(cli, &config, &s, as_json);
	}
	run_compile_release(&s.best);
	free(path);
	config_release(&config);
	return status;
}

const struct verb verb_why = {
	"why", "why [--last | FILE | COMPILE-ID] [--json]", "why a compile was a hit, a miss or not cacheable",
	"  --last       the last compile of the run that was active last; so it is without an argument\n"
	"  FILE         the newest compile that reads this source or writes this output; the end of its\n"
	"               path is enough\n"
	"  COMPILE-ID   of a line of a journal; eight digits are enough\n"
	"  --json       one JSON object: schema_version, compile_id, run_id, ts, subject, cwd, compiler,\n"
	"               backend, outcome, reason, meaning, detail, mend, compared_with, differences (kind,\n"
	"               what, old, new, group, text), note, causes (the same of the compiles that led to it),\n"
	"               others\n"
	"\nA miss is compared with the nearest compile of its source that was stored before: options,\n"
	"headers, variables, compiler. For Rust, a changed crate leads on to the compile that made it.\n"
	"Needs a journal (audit.mode normal or above).\n"
	"\nExample:\n  soldr why src/main.c\n",
	run};
