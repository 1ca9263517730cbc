/* why: see why.h. */
#include "why.h"

#include "front.h"
#include "host.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the backend tells ----------------------------------------------------------------- */

/* Of what is told, the compiles that were stored while this one ran; those with its output, else the newest. */
struct telling {
	struct explanation *to;
	int64_t from_ns, until_ns;
	struct vec pending;    /* of the one that is being told */
	int64_t at, against;
	bool in_time, is_its;  /* that one */
	bool taken, took_its;
};

static void take_pending(struct telling *t)
{
	if (t->in_time && (t->is_its || !t->taken)) {
		if (t->is_its && !t->took_its)
			vec_release(&t->to->differences);
		vec_add_all(&t->to->differences, t->pending.items ? vec_items(&t->pending) : (const char *const[]){NULL});
		t->to->against_ns = t->against;
		t->taken = true;
		t->took_its = t->took_its || t->is_its;
	}
	vec_release(&t->pending);
	t->in_time = t->is_its = false;
	t->against = 0;
}

static void set_last(struct vec *list, enum difference_part part, const char *value)
{
	char *copy = list->len >= DIFFERENCE_PARTS && vec_ok(list) ? strdup(value) : NULL;
	if (!copy)
		return;
	char **at = &list->items[list->len - DIFFERENCE_PARTS + part];
	free(*at);
	*at = copy;
}

static void hear(void *arg, const soldr_kv *kv)
{
	struct telling *t = arg;
	if (strcmp(kv->key, "at") == 0) {
		take_pending(t);
		t->at = strtoll(kv->value, NULL, 10);
		t->in_time = t->at >= t->from_ns && t->at <= t->until_ns;
	} else if (strcmp(kv->key, "output") == 0) {
		t->is_its = run_compile_match(&t->to->compile, kv->value, kv->value) == RUN_MATCH_PATH;
	} else if (strcmp(kv->key, "against") == 0) {
		t->against = strtoll(kv->value, NULL, 10);
	} else if (strcmp(kv->key, "difference") == 0) {
		if (t->pending.len < (size_t)WHY_DIFFERENCES_MAX * DIFFERENCE_PARTS) {
			vec_add(&t->pending, kv->value);
			for (int i = 1; i < DIFFERENCE_PARTS; i++)
				vec_add(&t->pending, "");
		}
	} else if (strcmp(kv->key, "what") == 0) {
		set_last(&t->pending, DIFFERENCE_WHAT, kv->value);
	} else if (strcmp(kv->key, "old") == 0) {
		set_last(&t->pending, DIFFERENCE_OLD, kv->value);
	} else if (strcmp(kv->key, "new") == 0) {
		set_last(&t->pending, DIFFERENCE_NEW, kv->value);
	}
}

static void ask(const struct cli *cli, soldr_service *service, struct explanation *e)
{
	const struct run_compile *c = &e->compile;
	struct telling t = {.to = e, .from_ns = c->when_ns - (int64_t)c->latency_ns, .until_ns = c->when_ns};
	soldr_error err = SOLDR_ERROR_INIT;
	uint32_t envc = 0;
	while (cli->envp[envc])
		envc++;
	const soldr_request req = {
		.struct_size = sizeof req, .argc = (uint32_t)c->args.len, .envc = envc, .argv = vec_items(&c->args), .envp = cli->envp,
		.compiler = c->compiler, .cwd = c->cwd,
	};
	int rc = host_explain(service, &req, hear, &t, &err);
	take_pending(&t);
	if (rc == SOLDR_E_UNSUPPORTED)
		snprintf(e->note, sizeof e->note, "backend %s does not tell what compiles differ in", c->backend);
	else if (rc)
		snprintf(e->note, sizeof e->note, "%s", err.message);
	else if (!t.taken)
		snprintf(e->note, sizeof e->note, "what it differed in is not kept any more");
}

static void explain(const struct cli *cli, struct config *config, struct explanation *e)
{
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_service *service = NULL;
	const struct host_options options = {.config = config, .envp = cli->envp, .cwd = cli->cwd};
	char *backend = strcmp(e->compile.outcome, "miss") == 0 ? strdup(e->compile.backend) : NULL;
	if (!backend)
		return;
	free(config->backend);
	config->backend = backend;
	if (front_give_way(cli, config, false, &err) == 0 && host_start(&options, &service, &err) == 0)
		ask(cli, service, e);
	else
		snprintf(e->note, sizeof e->note, "%s", err.message);
	soldr_service_free(service);
}

/* ---- from a changed crate to the compile that made it ------------------------------------------ */

struct producer_search {
	const char *path;
	int64_t before_ns;
	struct run_compile found;
	bool any;
};

static void look_at(void *arg, const char *text, size_t len)
{
	struct producer_search *s = arg;
	struct run_compile c;
	bool made = run_compile_read(&c, text, len) == 0 && c.when_ns < s->before_ns && run_compile_match(&c, s->path, s->path) == RUN_MATCH_PATH;
	if (made) {
		run_compile_release(&s->found);
		s->found = c;
		s->any = true;
	} else {
		run_compile_release(&c);
	}
}

static bool is_crate_file(const char *path)
{
	const char *ext = path_ext(path);
	return strcmp(ext, ".rlib") == 0 || strcmp(ext, ".rmeta") == 0 || strcmp(ext, ".so") == 0;
}

/* The compile that last wrote the file before `c`, in the same run. */
static bool find_producer(const struct config *config, const struct run_compile *c, const char *spelled, struct run_compile *out)
{
	struct producer_search s = {.path = NULL, .before_ns = c->when_ns, .found = RUN_COMPILE_INIT};
	char *path = path_absolute(c->cwd, spelled), *journal = journal_path(config, c->run_id);
	size_t broken;
	s.path = path;
	if (path && journal && run_check_name(c->run_id, NULL) == 0)
		(void)journal_read(journal, look_at, &s, &broken, NULL);
	free(path);
	free(journal);
	*out = s.found;
	return s.any;
}

static bool is_in_chain(const struct why *w, const char *id)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->chain[i].compile.compile_id, id) == 0)
			return true;
	return false;
}

/* The first changed crate whose compile is known; false: the chain ends. */
static bool step_back(const struct why *w, const struct config *config, struct run_compile *out)
{
	const struct explanation *last = &w->chain[w->count - 1];
	for (size_t i = 0; i + DIFFERENCE_PARTS <= last->differences.len; i += DIFFERENCE_PARTS) {
		const char *what = last->differences.items[i + DIFFERENCE_WHAT];
		if (strcmp(last->differences.items[i], "input_changed") != 0 || !is_crate_file(what))
			continue;
		if (find_producer(config, &last->compile, what, out) && !is_in_chain(w, out->compile_id))
			return true;
		run_compile_release(out);
	}
	return false;
}

void why_explain_one(struct explanation *e, const struct cli *cli, struct config *config, struct run_compile *c)
{
	*e = (struct explanation){.compile = *c};
	*c = RUN_COMPILE_INIT;
	explain(cli, config, e);
}

void why_explain(struct why *w, const struct cli *cli, struct config *config, struct run_compile *c)
{
	struct run_compile next = *c;
	*c = RUN_COMPILE_INIT;
	w->count = 0;
	do
		why_explain_one(&w->chain[w->count++], cli, config, &next);
	while (w->count < WHY_CHAIN_MAX && step_back(w, config, &next));
	run_compile_release(&next);
}

void why_release(struct why *w)
{
	for (size_t i = 0; i < w->count; i++) {
		run_compile_release(&w->chain[i].compile);
		vec_release(&w->chain[i].differences);
	}
	w->count = 0;
}

/* ---- sentences ------------------------------------------------------------------------------------ */

/* In a template @ is the thing, < what it was, > what it is. */
static const struct {
	const char *kind, *group, *text;
} sentences[] = {
	{"first_seen", "", "no earlier compile of @ is known"},
	{"evicted", "", "the same compile was stored before; its result was evicted or removed"},
	{"source_edited", "source", "the source @ was edited (content < before, > now)"},
	{"source_renamed", "source", "the source is named >, before <"},
	{"option_added", "options", "option added: @"},
	{"option_removed", "options", "option removed: @"},
	{"option_changed", "options", "option changed: >, before <"},
	{"option_order", "options", "the options stand in another order, from @ on"},
	{"action", "options", "another kind of output is asked for (-c, -S, -fsyntax-only)"},
	{"language", "options", "another language"},
	{"depfile", "options", "another kind of dependency file is asked for (-MD, -MMD or none)"},
	{"environment", "environment", "environment variable @ differs (value < before, > now)"},
	{"directory", "directory", "the working directory is >, before <"},
	{"output", "output", "the output is >, before <"},
	{"compiler", "compiler", "the compiler is >, before <"},
	{"tools", "compiler", "the programs that the compiler finds on PATH are >, before <"},
	{"input_changed", "inputs", "@ has other content (< before, > now)"},
	{"input_added", "inputs", "@ is read now, and was not before"},
	{"input_gone", "inputs", "@ was read before, and is not now"},
	{"input_shadowed", "inputs", "> is found now in place of <"},
	{"program_changed", "inputs", "the compiler's program @ has other content (< before, > now)"},
	{"variable_changed", "inputs", "variable @, which the source reads, has another value (< before, > now)"},
	{"key", "key", "something in the group '@' of the key"},
};

/* Twelve digits of a digest tell it from another. */
static void add_value(struct buf *out, const char *text)
{
	enum { DIGEST_DIGITS = 64, SHOWN = 12 };
	bool digest = strlen(text) == DIGEST_DIGITS && strspn(text, "0123456789abcdef") == DIGEST_DIGITS;
	buf_addf(out, "%.*s", digest ? SHOWN : 4096, *text ? text : "none");
}

static void add_sentence(struct buf *out, const char *template, char *const *parts)
{
	for (; *template; template++)
		switch (*template) {
		case '@': add_value(out, parts[DIFFERENCE_WHAT]); break;
		case '<': add_value(out, parts[DIFFERENCE_OLD]); break;
		case '>': add_value(out, parts[DIFFERENCE_NEW]); break;
		default: buf_addc(out, *template);
		}
}

void why_difference_text(const struct vec *differences, size_t at, struct buf *out)
{
	char *const *parts = &differences->items[at];
	const char *kind = parts[DIFFERENCE_KIND];
	if (strcmp(kind, "option_changed") == 0 && strcmp(parts[DIFFERENCE_OLD], parts[DIFFERENCE_NEW]) == 0) {
		add_sentence(out, "option changed: @, in the part that is not shown", parts);
		return;
	}
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		if (strcmp(sentences[i].kind, kind) == 0) {
			add_sentence(out, sentences[i].text, parts);
			return;
		}
	buf_addf(out, "%s", kind); /* of a backend that this program does not know */
	add_sentence(out, *parts[DIFFERENCE_WHAT] ? ": @" : "", parts);
}

const char *why_difference_group(const char *kind)
{
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		if (strcmp(sentences[i].kind, kind) == 0)
			return sentences[i].group;
	return "";
}
