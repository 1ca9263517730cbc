/*
 * shadow: names that must stay absent.
 *
 * A header that appears earlier on the include path than the one that was
 * found changes the result although no input changed. So for every name that
 * the inputs include, and every directory that the search passed before the
 * one that had it, the absence of the name there is part of the result; for
 * names in __has_include, absence in every directory. Likewise NAME.gch beside
 * or before a header, which GCC would take in its place.
 *
 * Absences are grouped by the deepest directory that exists: as long as its
 * inode and times are the recorded ones nothing appeared in it, and a hit costs
 * one stat for each directory, about 20 to 60, not one for each name.
 *
 * The search order is that of the GCC manual, "Options for Directory Search":
 * the includer's directory (for "…"), -iquote, -I, CPATH, -isystem, the
 * compiler's own, -idirafter.
 */
#include "unit.h"

#include "path.h"
#include "precompiled.h"
#include "sys.h"
#include "worktree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void guards_release(struct guard_list *l)
{
	for (uint32_t i = 0; i < l->len; i++)
		free((void *)(uintptr_t)l->items[i].names);
	free(l->items);
	vec_release(&l->strings);
	*l = (struct guard_list){0};
}

struct search {
	const struct unit *u;
	const struct input_list *inputs;
	struct vec dirs;       /* the include path, in order; tidy */
	size_t first_bracket;  /* dirs before this serve "…" only */
	struct file_memo paths;   /* set of input paths, tidy: depfiles drop a "./" that the search path has, and keep others */
	struct file_memo done;    /* set of "DIR/NAME" looked at */
	struct vec present;       /* found by __has_include, and no input */
	int64_t begun;
	struct guard_list *out;
	uint32_t *caps;        /* capacity of each guard's names */
	char *detail;
	size_t detail_size;
	bool failed;
};

static const char *keep_string(struct search *s, const char *text)
{
	vec_add(&s->out->strings, text);
	if (!vec_ok(&s->out->strings)) {
		s->failed = true;
		return "";
	}
	return s->out->strings.items[s->out->strings.len - 1];
}

static struct guard_input *guard_of(struct search *s, const char *dir)
{
	struct guard_list *l = s->out;
	for (uint32_t i = 0; i < l->len; i++)
		if (strcmp(l->items[i].path, dir) == 0)
			return &l->items[i];
	if (l->len == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 16;
		struct guard_input *items = realloc(l->items, cap * sizeof *items);
		if (items)
			l->items = items;
		uint32_t *caps = items ? realloc(s->caps, cap * sizeof *caps) : NULL;
		if (!caps) {
			s->failed = true;
			return NULL;
		}
		s->caps = caps;
		l->cap = cap;
	}
	struct guard_input *g = &l->items[l->len];
	struct stat st;
	*g = (struct guard_input){.path = keep_string(s, dir)};
	g->below_root = worktree_rest(s->u->root, dir) != NULL;
	g->root_len = g->below_root ? strlen(s->u->root) : 0;
	s->caps[l->len] = 0;
	l->len++;
	if (sys.fstatat(s->u->dir, *dir ? dir : ".", &st, 0) == 0) {
		g->exists = 1;
		tuple_of(&g->tuple, &st);
		/* Changed while the compiler ran: from now on always look at the names. */
		if (tuple_unsafe_since(&g->tuple, s->begun))
			g->tuple.ctime_ns = 0;
	}
	return g;
}

static void guard_add(struct search *s, const char *dir, const char *name)
{
	struct guard_input *g = guard_of(s, dir);
	if (!g)
		return;
	uint32_t *cap = &s->caps[g - s->out->items];
	if (g->name_count == *cap) {
		uint32_t bigger = *cap ? *cap * 2 : 8;
		const char **names = realloc((void *)(uintptr_t)g->names, bigger * sizeof *names);
		if (!names) {
			s->failed = true;
			return;
		}
		g->names = names;
		*cap = bigger;
	}
	((const char **)(uintptr_t)g->names)[g->name_count++] = keep_string(s, name);
}

static void join(char *out, size_t size, const char *dir, const char *name, bool *fits)
{
	size_t n = strlen(dir);
	int len = snprintf(out, size, "%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name);
	*fits = len > 0 && (size_t)len < size;
}

/* Records that DIR/NAME is absent, at the deepest directory of it that exists. */
static void guard_absent(struct search *s, const char *dir, const char *name)
{
	char path[PATH_MAX];
	const char *rest = name;
	struct stat st;
	bool fits;
	join(path, sizeof path, dir, name, &fits);
	if (!fits) {
		s->failed = true;
		return;
	}
	size_t base = strlen(path) - strlen(name); /* what belongs to dir, with its slash */
	for (char *slash = strrchr(path, '/'); slash && (size_t)(slash - path) >= base; slash = strrchr(path, '/')) {
		*slash = 0;
		if (sys.fstatat(s->u->dir, path, &st, 0) == 0 && S_ISDIR(st.st_mode)) {
			rest = name + (size_t)(slash + 1 - path - (ptrdiff_t)base);
			guard_add(s, path, rest);
			return;
		}
	}
	guard_add(s, *dir ? dir : ".", name);
}

/*
 * DIR/NAME was passed by. Absent: guarded. There: it was passed because it is
 * an input under another name, or no file; unless it came during the compile.
 */
static enum soldr_reason pass_by(struct search *s, const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	struct tuple t;
	bool fits;
	join(path, sizeof path, dir, name, &fits);
	if (!fits)
		return SOLDR_REASON_NONE; /* longer than any file that could appear */
	size_t before = s->done.len;
	if (!memo_note(&s->done, path)) {
		s->failed = true;
		return SOLDR_REASON_NONE;
	}
	if (s->done.len == before)
		return SOLDR_REASON_NONE;
	if (sys.fstatat(s->u->dir, path, &st, 0) != 0) {
		guard_absent(s, dir, name);
		return SOLDR_REASON_NONE;
	}
	tuple_of(&t, &st);
	if (!S_ISREG(st.st_mode) || !tuple_unsafe_since(&t, s->begun))
		return SOLDR_REASON_NONE;
	snprintf(s->detail, s->detail_size, "%s", path);
	return SOLDR_REASON_INPUT_MODIFIED;
}

static void add_tidy(struct vec *to, const char *path)
{
	vec_add(to, path);
	if (vec_ok(to))
		path_tidy(to->items[to->len - 1]);
}

static bool is_input(struct search *s, const char *dir, const char *name)
{
	char path[PATH_MAX];
	bool fits;
	join(path, sizeof path, dir, name, &fits);
	if (fits)
		path_tidy(path);
	return fits && memo_has(&s->paths, path);
}

/* NAME.SUFFIX in DIR, where the compiler would take it for the header. There, and no input: who knows what it holds. */
static enum soldr_reason pass_by_form(struct search *s, const char *dir, const char *name, const char *suffix, bool guard)
{
	char path[PATH_MAX], form[PATH_MAX];
	struct stat st;
	bool fits;
	int n = snprintf(form, sizeof form, "%s.%s", name, suffix);
	join(path, sizeof path, dir, form, &fits);
	if (n < 0 || (size_t)n >= sizeof form || !fits)
		return SOLDR_REASON_NONE;
	if (sys.fstatat(s->u->dir, path, &st, 0) != 0)
		return guard ? pass_by(s, dir, form) : SOLDR_REASON_NONE;
	if (is_input(s, dir, form))
		return SOLDR_REASON_NONE;
	snprintf(s->detail, s->detail_size, "%s", path);
	return SOLDR_REASON_PRECOMPILED_HEADER;
}

static enum soldr_reason pass_by_precompiled(struct search *s, const char *dir, const char *name, bool guard)
{
	return pass_by_form(s, dir, name, "gch", guard);
}

/* DIR/NAME was asked for: absent it is guarded, present it is remembered. */
static enum soldr_reason asked_for(struct search *s, const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	bool fits;
	join(path, sizeof path, dir, name, &fits);
	if (fits && sys.fstatat(s->u->dir, path, &st, 0) == 0 && S_ISREG(st.st_mode))
		add_tidy(&s->present, path);
	return pass_by(s, dir, name);
}

/*
 * A file that is no input: the compiler may have passed over it because an
 * input with #pragma once is the same file (Clang), or has its content and time (GCC).
 */
static enum soldr_reason judge_twin(struct search *s, const char *path, const struct stat *st)
{
	struct tuple t;
	struct digest digest;
	soldr_error err = {0};
	enum soldr_reason why = SOLDR_REASON_NONE;
	bool read = false;
	tuple_of(&t, st);
	if (tuple_unsafe_since(&t, s->begun))
		why = SOLDR_REASON_INPUT_MODIFIED;
	for (size_t i = 0; i < s->inputs->len && why == SOLDR_REASON_NONE; i++) {
		const struct input *in = &s->inputs->items[i];
		if (in->is_program || !(in->flags & SCAN_ONCE) || in->tuple.size != t.size)
			continue;
		if (in->tuple.dev == t.dev && in->tuple.ino == t.ino) { /* another name of it, which may come to mean another file */
			add_tidy(&s->present, path);
			return SOLDR_REASON_NONE;
		}
		if (!read && files_read(s->u->dir, path, NULL, &t, &digest, &err) != 0)
			return SOLDR_REASON_NONE; /* GCC could not read it either */
		read = true;
		if (digest_equal(&digest, &in->digest))
			why = SOLDR_REASON_TIME_COMPARISON;
	}
	if (why != SOLDR_REASON_NONE)
		snprintf(s->detail, s->detail_size, "%s", path);
	return why;
}

/* The first file that the search for a name meets, if no input: is it the twin of one? */
static enum soldr_reason follow_twin(struct search *s, const char *includer_dir, const char *spelled)
{
	const char *name = spelled + 1;
	bool absolute = *name == '/', quoted = *spelled == '"';
	size_t from = quoted ? 0 : s->first_bracket, end = absolute ? from : s->dirs.len;
	if (!(s->inputs->scan.flags & SCAN_ONCE))
		return SOLDR_REASON_NONE;
	for (size_t i = from; i <= end; i++) { /* a place before the directories: the includer's, or none */
		const char *dir = i > from ? s->dirs.items[i - 1] : absolute ? "" : includer_dir;
		char path[PATH_MAX];
		struct stat st;
		bool fits;
		join(path, sizeof path, dir, name, &fits);
		if (!fits || (i == from && !quoted && !absolute))
			continue;
		if (is_input(s, dir, name))
			return SOLDR_REASON_NONE;
		if (sys.fstatat(s->u->dir, path, &st, 0) == 0 && S_ISREG(st.st_mode))
			return judge_twin(s, path, &st);
	}
	return SOLDR_REASON_NONE;
}

/* How a name came up. */
enum asker {
	ASKER_HEADER, /* included by a header */
	ASKER_FIRST,  /* by the source or an option: GCC takes a precompiled header here */
	ASKER_HAS     /* __has_include */
};

/* One name as spelled by an includer in includer_dir. */
static enum soldr_reason follow(struct search *s, const char *includer_dir, const char *spelled, enum asker asker)
{
	const char *name = spelled + 1;
	bool quoted = *spelled == '"', asked = asker == ASKER_HAS;
	bool precompiled = asker == ASKER_FIRST && precompiled_is_searched(s->u);
	enum soldr_reason why = asked ? SOLDR_REASON_NONE : follow_twin(s, includer_dir, spelled);
	if (why == SOLDR_REASON_NONE && *name == '/' && s->inputs->precompiled && !is_input(s, "", name))
		return asked_for(s, "", name);
	if (why != SOLDR_REASON_NONE || *name == '/' || !*name)
		return why;
	size_t from = quoted ? 0 : s->first_bracket, last = from;
	bool found = false;
	for (size_t i = from; i < s->dirs.len; i++)
		if (is_input(s, s->dirs.items[i], name)) {
			last = i;
			found = true;
		}
	bool beside = quoted && is_input(s, includer_dir, name);
	/* A precompiled header may stand for it, or hold its text: then no list names it. */
	if (s->inputs->precompiled && !found && !beside)
		asked = true;
	if (precompiled && quoted)
		why = pass_by_precompiled(s, includer_dir, name, found || beside || asked);
	for (size_t i = from; precompiled && !beside && i < (found ? last + 1 : s->dirs.len) && why == SOLDR_REASON_NONE; i++)
		why = pass_by_precompiled(s, s->dirs.items[i], name, found || asked);
	if (why != SOLDR_REASON_NONE || (!asked && (beside || !found)))
		return why; /* nothing comes before the includer's own directory; or never looked for */
	if (asked && !found)
		last = s->dirs.len;
	if (quoted && !beside)
		why = (asked ? asked_for : pass_by)(s, includer_dir, name);
	for (size_t i = from; i < last && why == SOLDR_REASON_NONE; i++)
		if (!is_input(s, s->dirs.items[i], name))
			why = (asked ? asked_for : pass_by)(s, s->dirs.items[i], name);
	return why;
}

/*
 * An input that no spelled name explains (a computed #include): what its name
 * may have been follows from the directories that it lies below.
 */
static enum soldr_reason follow_unexplained(struct search *s, const struct input_list *l, const char *input)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	char path[PATH_MAX];
	bool fits;
	join(path, sizeof path, "", input, &fits);
	if (!fits)
		return SOLDR_REASON_INPUTS_UNKNOWN;
	path_tidy(path);
	for (size_t i = 0; i < s->dirs.len && why == SOLDR_REASON_NONE; i++) {
		const char *dir = s->dirs.items[i];
		size_t n = strlen(dir);
		if (n ? !path_is_below(path, dir) || path[n] == 0 : *path == '/')
			continue;
		const char *name = path + n + (path[n] == '/');
		for (size_t k = 0; k < i && why == SOLDR_REASON_NONE; k++)
			why = pass_by(s, s->dirs.items[k], name);
		for (size_t k = 0; k < l->len && why == SOLDR_REASON_NONE; k++) {
			if (l->items[k].is_program || !(l->items[k].flags & SCAN_COMPUTED))
				continue;
			char *includer = path_dir(l->items[k].path);
			if (includer)
				why = pass_by(s, strcmp(includer, ".") == 0 ? "" : includer, name);
			free(includer);
		}
	}
	return why;
}

static void add_env_dirs(struct vec *dirs, const char *list)
{
	for (const char *p = list; p && *p;) {
		size_t n = strcspn(p, ":");
		if (n)
			vec_addn(dirs, p, n);
		else
			vec_add(dirs, ".");
		p += n + (p[n] == ':');
	}
}

static void add_kind(struct vec *dirs, const struct invocation *inv, enum include_kind kind)
{
	for (size_t i = 0; i < inv->include_dir_count; i++)
		if (inv->include_dirs[i].kind == kind)
			vec_add(dirs, inv->include_dirs[i].path);
}

void search_path(const struct unit *u, const struct identity *id, struct vec *dirs, size_t *first_bracket)
{
	const struct invocation *inv = &u->inv;
	add_kind(dirs, inv, INCLUDE_QUOTE);
	*first_bracket = dirs->len;
	add_kind(dirs, inv, INCLUDE_NORMAL);
	add_env_dirs(dirs, env_get(u->req->envp, "CPATH"));
	add_kind(dirs, inv, INCLUDE_SYSTEM);
	vec_add_all(dirs, vec_items(&id->system_dirs));
	add_kind(dirs, inv, INCLUDE_AFTER);
	for (size_t i = 0; i < dirs->len; i++)
		path_tidy(dirs->items[i]);
}

/* Headers of the user may have a precompiled form beside them, from one moment to the next. */
static enum soldr_reason guard_precompiled(struct search *s, const struct input *in)
{
	char *dir = path_dir(in->path);
	enum soldr_reason why = SOLDR_REASON_NONE;
	if (dir)
		why = pass_by_precompiled(s, strchr(in->path, '/') ? dir : "", path_base(in->path), true);
	else
		s->failed = true;
	free(dir);
	return why;
}

/* -include and -imacros look like #include "…" in the working directory. */
static enum soldr_reason follow_option(struct search *s, const char *name)
{
	struct buf spelled = BUF_INIT;
	enum soldr_reason why = SOLDR_REASON_NONE;
	buf_addf(&spelled, "\"%s", name);
	if (buf_ok(&spelled))
		why = follow(s, "", spelled.data, ASKER_FIRST);
	else
		s->failed = true;
	buf_release(&spelled);
	return why;
}

static enum soldr_reason follow_all(struct search *s, const struct input_list *l)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	bool computed = l->scan.flags & SCAN_COMPUTED;
	for (size_t i = 0; i < l->len && why == SOLDR_REASON_NONE; i++) {
		const struct input *in = &l->items[i];
		if (in->is_program || in->is_opaque)
			continue;
		char *dir = strchr(in->path, '/') ? path_dir(in->path) : strdup("");
		if (!dir) {
			s->failed = true;
			break;
		}
		for (size_t k = 0; k < in->includes.len && why == SOLDR_REASON_NONE; k++)
			why = follow(s, dir, in->includes.items[k], in->is_source ? ASKER_FIRST : ASKER_HEADER);
		for (size_t k = 0; k < in->has_includes.len && why == SOLDR_REASON_NONE; k++)
			why = follow(s, dir, in->has_includes.items[k], ASKER_HAS);
		free(dir);
		if (why == SOLDR_REASON_NONE && computed && !in->is_source)
			why = follow_unexplained(s, l, in->path);
		if (why == SOLDR_REASON_NONE && precompiled_is_searched(s->u) && !in->is_source && !in->is_system)
			why = guard_precompiled(s, in);
	}
	for (size_t i = 0; i < s->u->inv.frontend_includes.len && why == SOLDR_REASON_NONE; i++)
		why = follow_option(s, s->u->inv.frontend_includes.items[i]);
	for (size_t i = 0; i < s->u->inv.forced_includes.len && why == SOLDR_REASON_NONE; i++) {
		why = follow_option(s, s->u->inv.forced_includes.items[i]);
		/* Clang does not search for the precompiled form. */
		static const char *const forms[] = {"pch", "gch"};
		for (size_t k = 0; k < 2 && why == SOLDR_REASON_NONE && s->u->inv.family == FAMILY_CLANG; k++)
			why = pass_by_form(s, "", s->u->inv.forced_includes.items[i], forms[k], true);
	}
	return why;
}

static void note_inputs(struct search *s, const struct input_list *l)
{
	struct vec tidy = VEC_INIT;
	for (size_t i = 0; i < l->len; i++)
		if (!l->items[i].is_program)
			add_tidy(&tidy, l->items[i].path);
	for (size_t i = 0; i < tidy.len; i++)
		if (!memo_note(&s->paths, tidy.items[i]))
			s->failed = true;
	if (!vec_ok(&tidy))
		s->failed = true;
	vec_release(&tidy);
}

enum soldr_reason guards_make(const struct unit *u, const struct identity *id, struct input_list *l, int64_t begun,
                              struct guard_list *out, char *detail, size_t detail_size)
{
	struct search s = {.u = u, .inputs = l, .begun = begun, .out = out, .detail = detail, .detail_size = detail_size};
	search_path(u, id, &s.dirs, &s.first_bracket);
	s.failed = !vec_ok(&s.dirs);
	note_inputs(&s, l);
	enum soldr_reason why = follow_all(&s, l);
	for (size_t i = 0; i < s.present.len && why == SOLDR_REASON_NONE; i++) {
		if (memo_has(&s.paths, s.present.items[i]))
			continue;
		if (!memo_note(&s.paths, s.present.items[i]))
			s.failed = true;
		why = inputs_add_asked(u, l, s.present.items[i], begun);
		snprintf(detail, detail_size, "%s", s.present.items[i]);
	}
	if (!vec_ok(&s.present))
		s.failed = true;
	vec_release(&s.present);
	vec_release(&s.dirs);
	memo_release(&s.paths);
	memo_release(&s.done);
	free(s.caps);
	return s.failed ? SOLDR_REASON_INPUTS_UNKNOWN : why;
}
