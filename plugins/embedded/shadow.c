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
 * The search order is that of the GCC manual, "Options for Directory Search":
 * the includer's directory (for "…"), -iquote, -I, CPATH, -isystem, the
 * compiler's own, -idirafter. Compilers drop a directory that is there twice, and
 * may list a header under another name of its directory, or of itself: so an
 * input is known by every name that leads to it.
 *
 * An input that no name leads to was included in a way that is not understood
 * here. What its name may have been follows from the directories it lies below.
 */
#include "guards.h"

#include "args_names.h"
#include "path.h"
#include "precompiled.h"
#include "sys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A directory of the include path. */
struct place {
	const char *path;  /* tidy */
	struct vec others; /* other names of the directory by which inputs may be listed */
	uint64_t dev, ino; /* zeros: it is not there */
	bool pinned;
};

struct search {
	const struct unit *u;
	struct input_list *inputs;
	struct vec dirs;       /* the include path, in order; tidy */
	struct place *places;  /* the same */
	size_t first_bracket;  /* dirs before this serve "…" only */
	struct file_memo paths;     /* set of input paths, tidy: depfiles drop a "./" that the search path has, and keep others */
	struct file_memo explained; /* those that some name leads to */
	struct file_memo passed;    /* set of "DIR/NAME" looked at */
	struct file_memo followed;  /* set of names followed, with who asked and from where */
	struct file_memo asked;     /* set of names in some __has_include */
	struct vec present;         /* found by __has_include, or another name of an input; no input by that name */
	struct vec aliases;         /* of these, the other names of inputs */
	int64_t begun;
	struct guard_list *out;
	char *detail;
	size_t detail_size;
	bool failed;
};

/* Where one name is looked for, in order: beside the includer, then on the include path. */
struct walk {
	const char *name;
	const char *beside; /* the includer's directory, "" for the working directory; NULL: not there */
	size_t from, len;   /* of the places; len counts the one beside too */
};

/* How a name came up. */
enum asker {
	ASKER_HEADER, /* included by a header */
	ASKER_FIRST,  /* by the source or an option: GCC takes a precompiled header here */
	ASKER_HAS     /* __has_include */
};

static bool join(char *out, const char *dir, const char *name)
{
	size_t n = strlen(dir);
	int len = snprintf(out, PATH_MAX, "%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name);
	return len > 0 && len < PATH_MAX;
}

static void note(struct search *s, struct file_memo *set, const char *path)
{
	if (!memo_note(set, path))
		s->failed = true;
}

static void add_tidy(struct vec *to, const char *path)
{
	vec_add(to, path);
	if (vec_ok(to))
		path_tidy(to->items[to->len - 1]);
}

static enum soldr_reason refuse(struct search *s, enum soldr_reason why, const char *path)
{
	snprintf(s->detail, s->detail_size, "%s", path);
	return why;
}

static bool is_file(const struct search *s, const char *path, struct stat *st)
{
	return sys.fstatat(s->u->dir, path, st, 0) == 0 && S_ISREG(st->st_mode);
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
	if (!join(path, dir, name) || memo_has(&s->passed, path))
		return SOLDR_REASON_NONE; /* longer than any file that could appear, or known */
	note(s, &s->passed, path);
	bool there = sys.fstatat(s->u->dir, path, &st, 0) == 0;
	if (!there || S_ISDIR(st.st_mode)) {
		if (!guards_add_absent(s->out, s->u, dir, name, s->begun))
			s->failed = true;
		return SOLDR_REASON_NONE;
	}
	tuple_of(&t, &st);
	return S_ISREG(st.st_mode) && tuple_unsafe_since(&t, s->begun) ? refuse(s, SOLDR_REASON_INPUT_MODIFIED, path) : SOLDR_REASON_NONE;
}

static bool is_input(struct search *s, const char *dir, const char *name, bool explains)
{
	char path[PATH_MAX];
	if (!join(path, dir, name))
		return false;
	path_tidy(path);
	if (!memo_has(&s->paths, path))
		return false;
	if (explains)
		note(s, &s->explained, path);
	return true;
}

/* NAME.SUFFIX in DIR, where the compiler would take it for the header. There, and no input: who knows what it holds. */
static enum soldr_reason pass_by_form(struct search *s, const char *dir, const char *name, const char *suffix, bool guard)
{
	char path[PATH_MAX], form[PATH_MAX];
	struct stat st;
	int n = snprintf(form, sizeof form, "%s.%s", name, suffix);
	if (n < 0 || (size_t)n >= sizeof form || !join(path, dir, form))
		return SOLDR_REASON_NONE;
	if (sys.fstatat(s->u->dir, path, &st, 0) != 0)
		return guard ? pass_by(s, dir, form) : SOLDR_REASON_NONE;
	if (is_input(s, dir, form, true))
		return SOLDR_REASON_NONE;
	return refuse(s, SOLDR_REASON_PRECOMPILED_HEADER, path);
}

/* DIR/NAME was asked for: absent it is guarded, present it is remembered. */
static enum soldr_reason asked_for(struct search *s, const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	if (join(path, dir, name) && is_file(s, path, &st))
		add_tidy(&s->present, path);
	return pass_by(s, dir, name);
}

/* ---- which places have an input ------------------------------------------------------------ */

static const char *dir_at(const struct search *s, const struct walk *w, size_t i)
{
	return w->beside && i == 0 ? w->beside : s->dirs.items[w->from + i - (w->beside != NULL)];
}

static bool has_input(struct search *s, const struct walk *w, size_t i, bool explains)
{
	if (is_input(s, dir_at(s, w, i), w->name, explains))
		return true;
	if (w->beside && i == 0)
		return false;
	struct place *p = &s->places[w->from + i - (w->beside != NULL)];
	for (size_t k = 0; k < p->others.len; k++) {
		if (!is_input(s, p->others.items[k], w->name, explains))
			continue;
		if (!p->pinned && !guards_pin(s->out, s->u, p->path, s->begun))
			s->failed = true;
		p->pinned = true;
		return true;
	}
	return false;
}

static struct input *input_by_inode(struct search *s, const struct stat *st)
{
	for (size_t i = 0; i < s->inputs->len; i++) {
		struct input *in = &s->inputs->items[i];
		if (!in->is_program && in->tuple.dev == st->st_dev && in->tuple.ino == st->st_ino)
			return in;
	}
	return NULL;
}

/* An input under a name that may come to mean another file. */
static void note_alias(struct search *s, const char *path, const struct input *in)
{
	char tidy[PATH_MAX];
	snprintf(tidy, sizeof tidy, "%s", in->path);
	path_tidy(tidy);
	note(s, &s->explained, tidy);
	add_tidy(&s->present, path);
	vec_add_once(&s->aliases, path);
}

/* A file that is no input: GCC may have passed over it because an input that is read once has its content and time. */
static enum soldr_reason judge_twin(struct search *s, const char *path, const struct stat *st)
{
	const uint32_t flags = s->inputs->scan.flags, any = flags & SCAN_ONCE_ANY ? SCAN_ONCE : 0;
	struct tuple t;
	struct digest digest;
	soldr_error err = {0};
	bool read = false;
	if (!(flags & SCAN_ONCE))
		return SOLDR_REASON_NONE;
	tuple_of(&t, st);
	if (tuple_unsafe_since(&t, s->begun))
		return refuse(s, SOLDR_REASON_INPUT_MODIFIED, path);
	for (size_t i = 0; i < s->inputs->len; i++) {
		const struct input *in = &s->inputs->items[i];
		if (in->is_program || !((in->flags | any) & SCAN_ONCE) || in->tuple.size != t.size)
			continue;
		if (!read && files_read(s->u->dir, path, NULL, &t, &digest, &err) != 0)
			return SOLDR_REASON_NONE; /* GCC could not read it either */
		read = true;
		if (digest_equal(&digest, &in->digest))
			return refuse(s, SOLDR_REASON_TIME_COMPARISON, path);
	}
	return SOLDR_REASON_NONE;
}

/*
 * Looks for files that are no inputs where the compiler did: the first place
 * that has the name; with next, every place. *last: becomes the last place with an input.
 */
static enum soldr_reason meet(struct search *s, const struct walk *w, bool next, bool *found, size_t *last)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < w->len && why == SOLDR_REASON_NONE; i++) {
		char path[PATH_MAX];
		struct stat st;
		bool own = has_input(s, w, i, false);
		if (!own && (!join(path, dir_at(s, w, i), w->name) || !is_file(s, path, &st)))
			continue;
		const struct input *alias = own ? NULL : input_by_inode(s, &st);
		if (alias) {
			note_alias(s, path, alias);
			*last = *found && *last > i ? *last : i;
			*found = true;
		} else if (!own) {
			why = judge_twin(s, path, &st);
		}
		if (!next)
			break;
	}
	return why;
}

/* ---- following names ------------------------------------------------------------------------ */

/* GCC takes NAME.gch for the header wherever it looks for it, up to the place that has the header. */
static enum soldr_reason pass_by_precompiled(struct search *s, const struct walk *w, bool guard, size_t len)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < len && why == SOLDR_REASON_NONE; i++) {
		why = pass_by_form(s, dir_at(s, w, i), w->name, "gch", guard);
		if (w->beside && i == 0 && is_input(s, w->beside, w->name, false))
			break;
	}
	return why;
}

static enum soldr_reason follow_walk(struct search *s, const struct walk *w, enum asker asker, bool next)
{
	bool asked = asker == ASKER_HAS, found = false;
	size_t last = 0;
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < w->len; i++)
		if (has_input(s, w, i, !asked)) {
			last = i;
			found = true;
			if (w->beside && i == 0 && !next)
				break; /* nothing comes before it */
		}
	if (!asked)
		why = meet(s, w, next, &found, &last);
	/* A precompiled header may stand for it, or hold its text: then no list names it. And where a __has_include of the name
	 * found nothing, GCC remembers that, and passes over an #include of it in silence. */
	asked = asked || (!found && (s->inputs->precompiled || memo_has(&s->asked, w->name)));
	if (why == SOLDR_REASON_NONE && asker == ASKER_FIRST && precompiled_is_searched(s->u))
		why = pass_by_precompiled(s, w, found || asked, found ? last + 1 : w->len);
	if (asked && (next || !found))
		last = w->len;
	for (size_t i = 0; i < last && why == SOLDR_REASON_NONE; i++)
		if (!has_input(s, w, i, false))
			why = (asked ? asked_for : pass_by)(s, dir_at(s, w, i), w->name);
	return why;
}

static bool followed_before(struct search *s, const char *includer_dir, const char *spelled, enum asker asker, bool next)
{
	struct buf key = BUF_INIT;
	buf_addf(&key, "%d%d%s%s", (int)asker, next, *spelled == '"' ? includer_dir : "", spelled);
	bool known = buf_ok(&key) && memo_has(&s->followed, buf_str(&key));
	if (buf_ok(&key) && !known)
		note(s, &s->followed, buf_str(&key));
	else if (!known)
		s->failed = true;
	buf_release(&key);
	return known;
}

/* One name as spelled by an includer in includer_dir. next: it may be that of an #include_next. */
static enum soldr_reason follow(struct search *s, const char *includer_dir, const char *spelled, enum asker asker, bool next)
{
	struct walk w = {.name = spelled + 1, .beside = *spelled == '"' ? includer_dir : NULL};
	if (!*w.name || followed_before(s, includer_dir, spelled, asker, next))
		return SOLDR_REASON_NONE;
	if (*w.name == '/') {
		w.beside = "";
		w.len = 1;
	} else {
		w.from = w.beside ? 0 : s->first_bracket;
		w.len = s->dirs.len - w.from + (w.beside != NULL);
	}
	return follow_walk(s, &w, asker, next);
}

static enum soldr_reason follow_names(struct search *s, const struct input *in, const char *dir)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t k = 0; k < in->includes.len && why == SOLDR_REASON_NONE; k++)
		why = follow(s, dir, in->includes.items[k], in->is_source ? ASKER_FIRST : ASKER_HEADER,
		             vec_has(&in->next_names, in->includes.items[k]));
	for (size_t k = 0; k < in->has_includes.len && why == SOLDR_REASON_NONE; k++)
		why = follow(s, dir, in->has_includes.items[k], ASKER_HAS, vec_has(&in->next_names, in->has_includes.items[k]));
	return why;
}

/* The directory of a path as a search spells it; NULL when memory is out. */
static char *dir_of(const char *path)
{
	return strchr(path, '/') ? path_dir(path) : strdup("");
}

/* Headers of the user may have a precompiled form beside them, from one moment to the next. */
static enum soldr_reason guard_precompiled(struct search *s, const struct input *in, const char *dir)
{
	bool concerned = precompiled_is_searched(s->u) && !in->is_source && !in->is_system;
	return concerned ? pass_by_form(s, dir, path_base(in->path), "gch", true) : SOLDR_REASON_NONE;
}

static enum soldr_reason follow_inputs(struct search *s)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < s->inputs->len && why == SOLDR_REASON_NONE; i++) {
		const struct input *in = &s->inputs->items[i];
		bool text = !in->is_program && !in->is_opaque;
		char *dir = text ? dir_of(in->path) : NULL;
		if (dir)
			why = follow_names(s, in, dir);
		if (dir && why == SOLDR_REASON_NONE)
			why = guard_precompiled(s, in, dir);
		s->failed = s->failed || (!dir && text);
		free(dir);
	}
	return why;
}

/* A header that was met under another name looks for its own "…" beside that one. */
static enum soldr_reason follow_aliases(struct search *s)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < s->aliases.len && why == SOLDR_REASON_NONE; i++) { /* the list grows */
		char *dir = dir_of(s->aliases.items[i]);
		struct stat st;
		const struct input *in = is_file(s, s->aliases.items[i], &st) ? input_by_inode(s, &st) : NULL;
		if (!in)
			why = refuse(s, SOLDR_REASON_INPUT_MODIFIED, s->aliases.items[i]);
		else if (dir)
			why = follow_names(s, in, dir);
		s->failed = s->failed || !dir;
		free(dir);
	}
	return why;
}

/* -include and -imacros look like #include "…" in the working directory. */
static enum soldr_reason follow_option(struct search *s, const char *name)
{
	struct buf spelled = BUF_INIT;
	enum soldr_reason why = SOLDR_REASON_NONE;
	buf_addf(&spelled, "\"%s", name);
	if (buf_ok(&spelled))
		why = follow(s, "", buf_str(&spelled), ASKER_FIRST, false);
	else
		s->failed = true;
	buf_release(&spelled);
	return why;
}

/* What the command line and the compiler itself include. */
static enum soldr_reason follow_options(struct search *s)
{
	static const char *const forms[] = {"pch", "gch"};
	const struct invocation *inv = &s->u->inv;
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < inv->frontend_includes.len && why == SOLDR_REASON_NONE; i++)
		why = follow_option(s, inv->frontend_includes.items[i]);
	for (size_t i = 0; i < inv->forced_includes.len && why == SOLDR_REASON_NONE; i++) {
		const char *name = inv->forced_includes.items[i];
		why = follow_option(s, name);
		/* Clang does not search for the precompiled form. */
		for (size_t k = 0; k < 2 && why == SOLDR_REASON_NONE && inv->family == FAMILY_CLANG; k++)
			why = pass_by_form(s, "", name, forms[k], true);
	}
	/* GCC includes this one before all others, if it finds it. */
	if (why == SOLDR_REASON_NONE && inv->family == FAMILY_GCC && unit_runs_preprocessor(s->u)) {
		static const char first[] = "<stdc-predef.h";
		why = follow(s, "", first, ASKER_HEADER, false);
		if (why == SOLDR_REASON_NONE)
			why = follow(s, "", first, ASKER_HAS, false);
	}
	return why;
}

/* ---- inputs that no name leads to ------------------------------------------------------------ */

/* Compilers list some of the files that options name as if they were headers. */
static bool is_of_option(const struct search *s, const char *path)
{
	for (size_t i = 0; i < s->u->inv.key_args.len; i++) {
		const char *argument = s->u->inv.key_args.items[i];
		size_t n = strlen(argument), m = strlen(path);
		if (n >= m && strcmp(argument + n - m, path) == 0)
			return true;
	}
	return false;
}

/* What is left of path below the directory, or NULL. */
static const char *rest_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	if (!n)
		return *path == '/' ? NULL : path;
	return path_is_below(path, dir) && path[n] ? path + n + (path[n] == '/') : NULL;
}

/* The name may have been asked for by any input, and in every directory before the one at `found`. */
static enum soldr_reason pass_by_everywhere(struct search *s, size_t found, const char *name)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < found && why == SOLDR_REASON_NONE; i++)
		why = pass_by(s, s->dirs.items[i], name);
	for (size_t i = 0; i < s->inputs->len && why == SOLDR_REASON_NONE; i++) {
		if (s->inputs->items[i].is_program)
			continue;
		char *dir = dir_of(s->inputs->items[i].path);
		if (dir)
			why = pass_by(s, dir, name);
		s->failed = s->failed || !dir;
		free(dir);
	}
	return why;
}

/* Whether path may have been included by way of the directory of an input that is explained itself. Nothing comes before that. */
static bool lies_below(struct search *s, const struct input *in, const char *path)
{
	char own[PATH_MAX];
	snprintf(own, sizeof own, "%s", in->path);
	path_tidy(own);
	if (in->is_program || (!in->is_source && !memo_has(&s->explained, own)))
		return false;
	char *dir = dir_of(own);
	s->failed = s->failed || !dir;
	bool below = dir && rest_below(path, dir);
	free(dir);
	return below;
}

/* path: tidy. */
static enum soldr_reason follow_unexplained(struct search *s, const char *path)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	bool derived = false;
	for (size_t i = 0; i < s->dirs.len && why == SOLDR_REASON_NONE; i++) {
		const struct vec *others = &s->places[i].others;
		for (size_t k = 0; k <= others->len && why == SOLDR_REASON_NONE; k++) {
			const char *name = rest_below(path, k ? others->items[k - 1] : s->dirs.items[i]);
			derived = derived || name;
			if (name)
				why = pass_by_everywhere(s, i, name);
		}
	}
	for (size_t i = 0; i < s->inputs->len && !derived; i++)
		derived = lies_below(s, &s->inputs->items[i], path);
	if (derived)
		note(s, &s->explained, path);
	return derived || is_of_option(s, path) ? why : refuse(s, SOLDR_REASON_INPUTS_UNKNOWN, path);
}

static enum soldr_reason follow_all_unexplained(struct search *s, const struct identity *id)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < s->inputs->len && why == SOLDR_REASON_NONE; i++) {
		const struct input *in = &s->inputs->items[i];
		char path[PATH_MAX];
		if (in->is_program || in->is_source || in->is_opaque || vec_has(&s->u->inv.extra_inputs, in->path) || vec_has(&id->programs, in->path))
			continue;
		snprintf(path, sizeof path, "%s", in->path);
		path_tidy(path);
		if (!memo_has(&s->explained, path))
			why = follow_unexplained(s, path);
	}
	return why;
}

/* ---- the include path ------------------------------------------------------------------------ */

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

static void add_other_name(struct place *p, const char *path)
{
	if (strcmp(p->path, path) != 0)
		vec_add_once(&p->others, path);
}

/* GCC lists a system header by its real path where that is shorter. */
static void add_real_name(const struct search *s, struct place *p)
{
	char real[PATH_MAX], *full = path_absolute(s->u->req->cwd, p->path);
	if (full && sys.realpath(full, real))
		add_other_name(p, real);
	free(full);
}

static bool warns_of_missing(const struct invocation *inv)
{
	for (size_t i = 0; i < inv->key_args.len; i++)
		if (option_warns_of_missing_directories(inv->key_args.items[i]))
			return true;
	return false;
}

static void guard_directory(struct search *s, const struct place *p)
{
	struct buf name = BUF_INIT; /* with a slash, that of a directory */
	buf_addf(&name, "%s/", p->path);
	if (p->ino ? !guards_pin(s->out, s->u, p->path, s->begun)
	           : !buf_ok(&name) || !guards_add_absent(s->out, s->u, "", buf_str(&name), s->begun))
		s->failed = true;
	buf_release(&name);
}

/* Which directories are one, and by which names. */
static enum soldr_reason know_places(struct search *s)
{
	bool warns = warns_of_missing(&s->u->inv);
	for (size_t i = 0; i < s->dirs.len; i++) {
		struct place *p = &s->places[i];
		struct stat st;
		p->path = s->dirs.items[i];
		if (sys.fstatat(s->u->dir, *p->path ? p->path : ".", &st, 0) == 0) {
			/* A header map, which gives other names to files. */
			if (S_ISREG(st.st_mode) && s->u->inv.family == FAMILY_CLANG)
				return refuse(s, SOLDR_REASON_INPUTS_UNKNOWN, p->path);
			p->dev = st.st_dev;
			p->ino = st.st_ino;
			add_real_name(s, p);
		}
		if (warns)
			guard_directory(s, p);
	}
	for (size_t i = 0; i < s->dirs.len; i++)
		for (size_t k = 0; k < s->dirs.len; k++)
			if (s->places[i].ino && s->places[i].ino == s->places[k].ino && s->places[i].dev == s->places[k].dev)
				add_other_name(&s->places[i], s->places[k].path);
	for (size_t i = 0; i < s->dirs.len; i++)
		s->failed = s->failed || !vec_ok(&s->places[i].others);
	return SOLDR_REASON_NONE;
}

static void note_inputs(struct search *s)
{
	for (size_t i = 0; i < s->inputs->len; i++) {
		char path[PATH_MAX];
		if (s->inputs->items[i].is_program)
			continue;
		if (snprintf(path, sizeof path, "%s", s->inputs->items[i].path) >= (int)sizeof path)
			s->failed = true;
		path_tidy(path);
		note(s, &s->paths, path);
		for (size_t k = 0; k < s->inputs->items[i].has_includes.len; k++)
			note(s, &s->asked, s->inputs->items[i].has_includes.items[k] + 1);
	}
}

/* What is there by a name that is no input's: when it goes or changes, so does the result. */
static enum soldr_reason add_present(struct search *s)
{
	enum soldr_reason why = SOLDR_REASON_NONE;
	for (size_t i = 0; i < s->present.len && why == SOLDR_REASON_NONE; i++) {
		const char *path = s->present.items[i];
		if (memo_has(&s->paths, path))
			continue;
		note(s, &s->paths, path);
		why = inputs_add_asked(s->u, s->inputs, path, s->begun);
		if (why != SOLDR_REASON_NONE)
			refuse(s, why, path);
	}
	return why;
}

static void search_release(struct search *s)
{
	for (size_t i = 0; s->places && i < s->dirs.len; i++)
		vec_release(&s->places[i].others);
	free(s->places);
	vec_release(&s->dirs);
	vec_release(&s->present);
	vec_release(&s->aliases);
	memo_release(&s->paths);
	memo_release(&s->explained);
	memo_release(&s->passed);
	memo_release(&s->followed);
	memo_release(&s->asked);
}

enum soldr_reason guards_make(const struct unit *u, const struct identity *id, struct input_list *l, int64_t begun,
                              struct guard_list *out, char *detail, size_t detail_size)
{
	struct search s = {.u = u, .inputs = l, .begun = begun, .out = out, .detail = detail, .detail_size = detail_size};
	search_path(u, id, &s.dirs, &s.first_bracket);
	s.places = calloc(s.dirs.len + 1, sizeof *s.places);
	s.failed = !vec_ok(&s.dirs) || !s.places;
	note_inputs(&s);
	enum soldr_reason why = s.failed ? SOLDR_REASON_INPUTS_UNKNOWN : know_places(&s);
	if (why == SOLDR_REASON_NONE)
		why = follow_inputs(&s);
	if (why == SOLDR_REASON_NONE)
		why = follow_options(&s);
	if (why == SOLDR_REASON_NONE)
		why = follow_aliases(&s);
	if (why == SOLDR_REASON_NONE)
		why = follow_all_unexplained(&s, id);
	if (why == SOLDR_REASON_NONE)
		why = add_present(&s);
	guards_sort(out);
	s.failed = s.failed || !vec_ok(&s.present) || !vec_ok(&s.aliases);
	search_release(&s);
	return s.failed ? SOLDR_REASON_INPUTS_UNKNOWN : why;
}
