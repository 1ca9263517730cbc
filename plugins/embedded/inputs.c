/* inputs: what a compiler read, judged. See unit.h. */
#include "unit.h"

#include "args_names.h"
#include "path.h"
#include "sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void inputs_release(struct input_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->items[i].path);
		vec_release(&l->items[i].includes);
		vec_release(&l->items[i].has_includes);
		vec_release(&l->items[i].computed);
		vec_release(&l->items[i].next_names);
	}
	free(l->items);
	vec_release(&l->wrappers);
	*l = (struct input_list){0};
}

struct input *inputs_add(struct input_list *l, const char *path)
{
	if (l->len == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct input *items = realloc(l->items, cap * sizeof *items);
		if (!items)
			return NULL;
		l->items = items;
		l->cap = cap;
	}
	struct input *in = &l->items[l->len];
	*in = (struct input){.path = strdup(path)};
	if (!in->path)
		return NULL;
	l->len++;
	return in;
}

/* Paths met already. The memo of the unit cannot serve: it may hold what a lookup read before the compile. */
static bool seen(struct file_memo *memo, const char *path)
{
	size_t before = memo->len;
	return !memo_note(memo, path) || memo->len == before;
}

static bool is_assembly(const struct unit *u)
{
	return u->inv.language == LANGUAGE_ASM || u->inv.language == LANGUAGE_ASM_CPP;
}

/* The argument that chooses the dialect: the last one wins. "" for none. */
static const char *dialect_of(const struct unit *u)
{
	for (size_t i = u->inv.key_args.len; i-- > 0;) {
		const char *a = u->inv.key_args.items[i];
		a += a[0] == '-' && a[1] == '-'; /* --std=, --ansi */
		if (strncmp(a, "-std=", 5) == 0 || strcmp(a, "-ansi") == 0)
			return a;
	}
	return "";
}

static bool is_one_of(const char *dialect, const char *const *any)
{
	while (*any && strcmp(*any, dialect) != 0)
		any++;
	return *any;
}

/* ISO C90 without GNU extensions: // does not begin a comment. */
static bool is_old_c(const struct unit *u)
{
	static const char *const dialects[] = {"-ansi", "-std=c89", "-std=c90", "-std=iso9899:1990", "-std=iso9899:199409", NULL};
	return !language_is_cxx(u->inv.language) && is_one_of(dialect_of(u), dialects);
}

/* Raw strings came with C++11; GCC has them in some dialects of C, Clang in others. */
static bool lacks_raw_strings(const struct unit *u)
{
	static const char *const dialects[] = {"-ansi", "-std=c++98", "-std=c++03", "-std=gnu++98", "-std=gnu++03", NULL};
	return !language_is_cxx(u->inv.language) || is_one_of(dialect_of(u), dialects);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

enum soldr_reason inputs_load(struct unit *u, struct input_list *l, const char *path, int64_t begun, struct buf *content)
{
	struct input *in = inputs_add(l, path);
	if (!in)
		return SOLDR_REASON_INPUTS_UNKNOWN;
	int rc = files_read(u->dir, path, content, &in->tuple, &in->digest, NULL);
	if (rc)
		return rc == SOLDR_E_BUSY ? SOLDR_REASON_INPUT_MODIFIED : SOLDR_REASON_INPUT_UNREADABLE;
	in->is_source = strcmp(path, u->inv.source) == 0;
	/* The source's content was read before the compile as well: the tick in which both happened is no doubt here. */
	bool same = in->is_source ? digest_equal(&in->digest, &u->source) && in->tuple.ctime_ns <= begun
	                          : !tuple_unsafe_since(&in->tuple, begun);
	return same ? SOLDR_REASON_NONE : SOLDR_REASON_INPUT_MODIFIED;
}

static enum soldr_reason read_one(struct unit *u, struct input_list *l, const char *path, int64_t begun, struct buf *content,
                                  struct scan_names *defined)
{
	if (ends_with(path, ".gch") || ends_with(path, ".pch") || ends_with(path, ".pcm"))
		return SOLDR_REASON_PRECOMPILED_HEADER;
	buf_clear(content);
	enum soldr_reason why = inputs_load(u, l, path, begun, content);
	if (why != SOLDR_REASON_NONE)
		return why;
	struct input *in = &l->items[l->len - 1];
	struct scan one = {
		.old_c = is_old_c(u), .no_raw_strings = lacks_raw_strings(u), .pieces = l->scan.pieces, .includes = &in->includes,
		.has_includes = &in->has_includes, .next_names = &in->next_names, .wrappers = &l->wrappers,
		.computed = &in->computed, .defined = defined,
	};
	scan_text(&one, buf_str(content), content->len, is_assembly(u));
	l->binds_root = l->binds_root || (u->root && remap_text_binds(u, buf_str(content), content->len));
	in->flags = one.flags;
	l->scan.flags |= one.flags;
	l->scan.pieces = one.pieces;
	return SOLDR_REASON_NONE;
}

static bool all_known(const struct vec *names, const struct vec *known)
{
	for (size_t i = 0; i < names->len; i++)
		if (!vec_has(known, names->items[i]))
			return false;
	return vec_ok(names);
}

/*
 * Which names the wrappers of __has_include are asked for: known only once every
 * definition was seen, so the texts are looked through again, where there is one.
 * A wrapper of a wrapper is not followed further.
 */
static enum soldr_reason follow_wrappers(struct unit *u, struct input_list *l, struct buf *content)
{
	if (!vec_ok(&l->wrappers))
		return SOLDR_REASON_INPUTS_UNKNOWN;
	for (size_t i = 0; l->wrappers.len && i < l->len; i++) {
		struct input *in = &l->items[i];
		struct tuple tuple;
		struct digest digest;
		struct vec met = VEC_INIT;
		if (in->is_opaque)
			continue;
		buf_clear(content);
		if (files_read(u->dir, in->path, content, &tuple, &digest, NULL) != 0 || !digest_equal(&digest, &in->digest))
			return SOLDR_REASON_INPUT_MODIFIED;
		struct scan again = {
			.old_c = is_old_c(u), .no_raw_strings = lacks_raw_strings(u), .has_includes = &in->has_includes,
			.next_names = &in->next_names, .wrappers = &met, .asking = &l->wrappers,
		};
		scan_text(&again, buf_str(content), content->len, is_assembly(u));
		in->flags |= all_known(&met, &l->wrappers) ? again.flags & SCAN_HAS_COMPUTED : SCAN_HAS_COMPUTED;
		l->scan.flags |= in->flags & SCAN_HAS_COMPUTED;
		vec_release(&met);
	}
	return SOLDR_REASON_NONE;
}

/* Words on the command line (-DX=__DATE__) count like words in a file. */
static void scan_arguments(struct unit *u, struct input_list *l)
{
	struct scan s = {.pieces = l->scan.pieces};
	for (size_t i = 0; i < u->inv.key_args.len; i++)
		scan_text(&s, u->inv.key_args.items[i], strlen(u->inv.key_args.items[i]), false);
	if (s.flags & SCAN_HAS_INCLUDE)
		s.flags |= SCAN_HAS_COMPUTED; /* asked from wherever the macro stands */
	l->scan.flags |= s.flags & (SCAN_DATE | SCAN_TIME | SCAN_TIMESTAMP | SCAN_PASTE | SCAN_INCBIN | SCAN_HAS_COMPUTED | SCAN_DEPENDENCY |
	                            SCAN_ONCE | SCAN_ONCE_ANY | SCAN_ONCE_WORD | SCAN_PRAGMA_MADE);
	l->scan.pieces = s.pieces;
}

/* A macro of this name: in a text, on the command line, or of the compiler's own. */
static bool may_be_defined(const struct unit *u, const struct scan_names *defined, const char *name)
{
	if (!*name || *name == '_' || scan_names_have(defined, name, strlen(name)))
		return true;
	for (size_t i = 0; i < u->inv.key_args.len; i++)
		if (strstr(u->inv.key_args.items[i], name))
			return true;
	return false;
}

/* Specs may define macros; so may the text that a precompiled header stands for. */
static bool knows_definitions(const struct unit *u, const struct input_list *l, const struct identity *id)
{
	bool known = !l->precompiled;
	for (size_t i = 0; i < u->inv.key_args.len; i++)
		known = known && !strstr(u->inv.key_args.items[i], "specs");
	for (size_t i = 0; i < id->programs.len; i++)
		known = known && strcmp(path_base(id->programs.items[i]), "specs") != 0;
	return known;
}

/*
 * An #include of a word that nothing defines is one that no condition let
 * through: had the compiler met it, the compile would have failed. Many libraries
 * have such a place for the user's own configuration.
 */
static void drop_hidden_includes(const struct unit *u, struct input_list *l, const struct identity *id, const struct scan_names *defined)
{
	if (!(l->scan.flags & SCAN_COMPUTED) || !knows_definitions(u, l, id))
		return;
	l->scan.flags &= ~(uint32_t)SCAN_COMPUTED;
	for (size_t i = 0; i < l->len; i++) {
		struct input *in = &l->items[i];
		bool hidden = vec_ok(&in->computed);
		for (size_t k = 0; k < in->computed.len && hidden; k++)
			hidden = !may_be_defined(u, defined, in->computed.items[k]);
		if (hidden)
			in->flags &= ~(uint32_t)SCAN_COMPUTED;
		l->scan.flags |= in->flags & SCAN_COMPUTED;
	}
}

/* The one file that has the flag, or otherwise. */
static const char *culprit(const struct input_list *l, uint32_t flag, const char *otherwise)
{
	for (size_t k = 0; k < l->len; k++)
		if (l->items[k].flags & flag)
			return l->items[k].path;
	return otherwise;
}

/* Which macro of time the unit may expand; NULL: none. */
static const char *suspect_time(const struct unit *u, const struct input_list *l)
{
	uint32_t flags = l->scan.flags;
	/* GCC takes date and time from this variable, which is in the key. Clang does so from release 16 on. */
	const char *epoch = env_get(u->req->envp, "SOURCE_DATE_EPOCH");
	if (u->inv.family == FAMILY_GCC && epoch && *epoch)
		flags &= ~(uint32_t)(SCAN_DATE | SCAN_TIME);
	return flags & SCAN_DATE        ? culprit(l, SCAN_DATE, "__DATE__")
	       : flags & SCAN_TIME      ? culprit(l, SCAN_TIME, "__TIME__")
	       : flags & SCAN_TIMESTAMP ? culprit(l, SCAN_TIMESTAMP, "__TIMESTAMP__")
	                                : NULL;
}

static bool is_settled_by_preprocessor(enum language language)
{
	return language_is_header(language) || language == LANGUAGE_C || language == LANGUAGE_CXX || language == LANGUAGE_OBJC || language == LANGUAGE_OBJCXX;
}

static enum soldr_reason judge(const struct unit *u, struct input_list *l, const char **what)
{
	static const struct {
		uint32_t flag;
		enum soldr_reason reason;
		const char *what;
	} table[] = {
		{SCAN_EMBED, SOLDR_REASON_EMBEDDED_FILE, "#embed"},
		{SCAN_DEPENDENCY, SOLDR_REASON_TIME_COMPARISON, "#pragma GCC dependency"},
		{SCAN_HAS_COMPUTED, SOLDR_REASON_INPUTS_UNKNOWN, "__has_include of a macro"},
	};
	if (l->scan.flags & SCAN_INCBIN) {
		*what = culprit(l, SCAN_INCBIN, ".incbin or .include");
		if (!is_settled_by_preprocessor(u->inv.language))
			return SOLDR_REASON_EMBEDDED_FILE;
		l->embedder = *what;
	}
	/* What it names may be passed over for the text that a precompiled header holds, and is then in no list. */
	for (size_t i = 0; i < l->len && l->passes_over; i++)
		if (l->items[i].flags & SCAN_COMPUTED) {
			*what = l->items[i].path;
			return SOLDR_REASON_INPUTS_UNKNOWN;
		}
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (l->scan.flags & table[i].flag) {
			*what = culprit(l, table[i].flag, table[i].what);
			return table[i].reason;
		}
	return SOLDR_REASON_NONE;
}

/*
 * #pragma once and #import take two files for one when their content and
 * times are equal: with two such files among the inputs, times decide.
 */
static const char *find_twins(const struct input_list *l)
{
	uint32_t any = l->scan.flags & SCAN_ONCE_ANY ? SCAN_ONCE : 0;
	if (!(l->scan.flags & SCAN_ONCE))
		return NULL;
	for (size_t i = 0; i < l->len; i++)
		for (size_t k = i + 1; k < l->len; k++)
			if (!l->items[i].is_program && !l->items[k].is_program && !l->items[k].is_opaque && l->items[i].tuple.size &&
			    ((l->items[i].flags | any) & SCAN_ONCE) && l->items[i].tuple.size == l->items[k].tuple.size &&
			    digest_equal(&l->items[i].digest, &l->items[k].digest))
				return l->items[i].path;
	return NULL;
}

enum soldr_reason inputs_add_programs(struct input_list *l, const struct identity *id, int64_t begun)
{
	for (size_t i = 0; i < id->programs.len; i++) {
		struct input *in = inputs_add(l, id->programs.items[i]);
		if (!in)
			return SOLDR_REASON_INPUTS_UNKNOWN;
		in->is_program = true;
		in->tuple = id->states[i].tuple;
		in->digest = id->states[i].digest;
		struct stat st;
		struct tuple now;
		if (sys.stat(in->path, &st) != 0)
			return SOLDR_REASON_INPUT_MODIFIED;
		tuple_of(&now, &st);
		if (!tuple_equal(&now, &in->tuple) || tuple_unsafe_since(&now, begun))
			return SOLDR_REASON_INPUT_MODIFIED;
	}
	return SOLDR_REASON_NONE;
}

enum soldr_reason inputs_read(struct unit *u, const struct vec *paths, const struct identity *id, int64_t begun, struct input_list *l,
                              char *detail, size_t detail_size)
{
	struct buf content = BUF_INIT;
	struct file_memo met = {.dir = u->dir};
	enum soldr_reason why = SOLDR_REASON_NONE;
	const struct vec *lists[] = {paths, &u->inv.extra_inputs};
	struct scan_names defined = {0};
	bool source_met = false;
	for (size_t k = 0; k < 2 && why == SOLDR_REASON_NONE; k++)
		for (size_t i = 0; i < lists[k]->len && why == SOLDR_REASON_NONE; i++) {
			const char *path = lists[k]->items[i];
			if (seen(&met, path))
				continue;
			why = read_one(u, l, path, begun, &content, &defined);
			if (why != SOLDR_REASON_NONE)
				snprintf(detail, detail_size, "%s", path);
			source_met = source_met || strcmp(path, u->inv.source) == 0;
		}
	if (why == SOLDR_REASON_NONE && !source_met) {
		why = read_one(u, l, u->inv.source, begun, &content, &defined);
		snprintf(detail, detail_size, "%s", u->inv.source);
	}
	l->complete = why == SOLDR_REASON_NONE;
	if (why == SOLDR_REASON_NONE)
		why = follow_wrappers(u, l, &content);
	if (why == SOLDR_REASON_NONE) {
		const char *what = "";
		scan_arguments(u, l);
		drop_hidden_includes(u, l, id, &defined);
		l->scan.flags = scan_conclude(&l->scan);
		why = judge(u, l, &what);
		l->time_macro = suspect_time(u, l);
		const char *twin = why == SOLDR_REASON_NONE ? find_twins(l) : NULL;
		if (twin) {
			why = SOLDR_REASON_TIME_COMPARISON;
			what = twin;
		}
		snprintf(detail, detail_size, "%s", what);
	}
	if (why == SOLDR_REASON_NONE)
		why = inputs_add_programs(l, id, begun);
	buf_release(&content);
	memo_release(&met);
	return why;
}

bool inputs_unchanged(const struct unit *u, const struct input_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		struct stat st;
		struct tuple now;
		if (sys.fstatat(u->dir, l->items[i].path, &st, 0) != 0)
			return false;
		tuple_of(&now, &st);
		if (!tuple_equal(&now, &l->items[i].tuple))
			return false;
	}
	return true;
}

enum soldr_reason inputs_add_asked(const struct unit *u, struct input_list *l, const char *path, int64_t begun)
{
	struct input *in = inputs_add(l, path);
	if (!in)
		return SOLDR_REASON_INPUTS_UNKNOWN;
	if (files_read(u->dir, path, NULL, &in->tuple, &in->digest, NULL) != 0)
		return SOLDR_REASON_INPUT_UNREADABLE;
	return tuple_unsafe_since(&in->tuple, begun) ? SOLDR_REASON_INPUT_MODIFIED : SOLDR_REASON_NONE;
}

/* ---- the user's own -MMD -------------------------------------------------------------- */

/* Compared are full names without "." and doubled slashes: compilers drop a leading "./" from some names and not from others. */
static bool below_any(const char *full, const struct vec *dirs)
{
	for (size_t i = 0; i < dirs->len; i++)
		if (path_is_below(full, dirs->items[i]))
			return true;
	return false;
}

static bool add_full(struct vec *to, const char *cwd, const char *path)
{
	char *full = path_absolute(cwd, path);
	if (full)
		vec_add(to, full);
	free(full);
	return full && vec_ok(to);
}

struct dir_lists {
	struct vec user, system;
};

/*
 * One directory under two names, by links: both compilers search it once, as a
 * system directory, but Clang lists its headers by the name that it met first.
 */
static bool share_a_directory(const struct dir_lists *d)
{
	struct stat *user = calloc(d->user.len + 1, sizeof *user), st;
	bool shared = !user; /* memory is out: nobody knows */
	for (size_t i = 0; user && i < d->user.len; i++)
		if (sys.stat(d->user.items[i], &user[i]) != 0)
			user[i].st_ino = 0;
	for (size_t k = 0; k < d->system.len && !shared; k++) {
		bool there = sys.stat(d->system.items[k], &st) == 0;
		for (size_t i = 0; there && i < d->user.len; i++)
			shared = shared || (user[i].st_ino == st.st_ino && user[i].st_dev == st.st_dev &&
			                    strcmp(d->user.items[i], d->system.items[k]) != 0);
	}
	free(user);
	return shared;
}

/* Directories whose headers are system headers, and those whose are not. */
static bool sort_dirs(const struct unit *u, const struct identity *id, struct dir_lists *d)
{
	const char *cwd = u->req->cwd;
	for (size_t i = 0; i < id->system_dirs.len; i++)
		if (!add_full(&d->system, cwd, id->system_dirs.items[i]))
			return false;
	size_t standard = d->system.len;
	for (size_t i = 0; i < u->inv.include_dir_count; i++) {
		const struct include_dir *dir = &u->inv.include_dirs[i];
		char *full = path_absolute(cwd, dir->path);
		bool system = dir->kind == INCLUDE_SYSTEM || dir->kind == INCLUDE_AFTER;
		/* Both compilers ignore a -I that names a system directory. */
		for (size_t k = 0; full && !system && k < standard; k++)
			system = strcmp(full, d->system.items[k]) == 0;
		if (full)
			vec_add(system ? &d->system : &d->user, full);
		free(full);
		if (!full)
			return false;
	}
	return vec_ok(&d->system) && vec_ok(&d->user);
}

static bool name_matches(const char *path, const char *spelled)
{
	const char *name = spelled + 1; /* behind the quote */
	size_t n = strlen(path), m = strlen(name);
	return n >= m && strcmp(path + n - m, name) == 0 && (n == m || path[n - m - 1] == '/');
}

/* Some system header may have been the first to include this file: then it counts as one itself. */
static bool met_by_system_header(const struct input_list *l, const char *path)
{
	for (size_t i = 0; i < l->len; i++) {
		const struct input *in = &l->items[i];
		if (!in->is_system && !(in->flags & SCAN_SYSTEM_HEADER))
			continue;
		if (in->flags & SCAN_COMPUTED)
			return true;
		for (size_t k = 0; k < in->includes.len; k++)
			if (name_matches(path, in->includes.items[k]))
				return true;
	}
	return false;
}

/* A header that a user's file may have found beside itself is no system header, whatever its directory is. */
static bool found_beside(const struct unit *u, const struct input *user, const char *full)
{
	char *dir = path_dir(user->path), *own = dir ? path_absolute(u->req->cwd, dir) : NULL;
	bool found = !own || ((user->flags & SCAN_COMPUTED) && path_is_below(full, own));
	for (size_t k = 0; !found && k < user->includes.len; k++) {
		const char *spelled = user->includes.items[k];
		char *joined = *spelled == '"' ? path_join(own, spelled + 1) : NULL;
		char *beside = joined ? path_absolute("", joined) : NULL;
		found = beside && strcmp(beside, full) == 0;
		free(joined);
		free(beside);
	}
	free(dir);
	free(own);
	return found;
}

static bool met_by_user_header(const struct unit *u, const struct input_list *l, const char *full)
{
	/* -include looks in the working directory first. */
	for (size_t i = 0; i < u->inv.forced_includes.len; i++) {
		char *named = path_absolute(u->req->cwd, u->inv.forced_includes.items[i]);
		bool same = !named || strcmp(named, full) == 0;
		free(named);
		if (same)
			return true;
	}
	for (size_t i = 0; i < l->len; i++)
		if (!l->items[i].is_program && !l->items[i].is_system && found_beside(u, &l->items[i], full))
			return true;
	return false;
}

/* Clang that shows the headers lists system headers in a -MMD depfile as well; not in every release, and not for -Wp,-H. */
static bool shows_headers(const struct invocation *inv)
{
	for (size_t i = 0; inv->family == FAMILY_CLANG && i < inv->key_args.len; i++)
		if (strcmp(inv->key_args.items[i], "-H") == 0 || strcmp(inv->key_args.items[i], "--trace-includes") == 0)
			return true;
	return false;
}

/* Of what is in a precompiled header, that knows best which are system headers. */
static bool lists_precompiled(const struct unit *u, const struct input_list *l)
{
	static const char option[] = "-fpch-deps";
	bool lists = u->inv.family == FAMILY_CLANG;
	for (size_t i = 0; i < u->inv.key_args.len; i++)
		lists = lists || strcmp(u->inv.key_args.items[i], option) == 0;
	return l->precompiled && lists;
}

bool inputs_user_headers(const struct unit *u, const struct identity *id, const struct input_list *l, const struct vec *paths, bool *keep)
{
	struct dir_lists d = {VEC_INIT, VEC_INIT};
	bool sure = sort_dirs(u, id, &d) && !share_a_directory(&d) && !env_get(u->req->envp, "CPATH") && !shows_headers(&u->inv) &&
	            !lists_precompiled(u, l) && !u->inv.frontend_includes.len;
	for (size_t i = 0; i < l->len && sure; i++) {
		struct input *in = &l->items[i];
		char *full = path_absolute(u->req->cwd, in->path);
		in->is_system = full && !in->is_program && !in->is_source && below_any(full, &d.system);
		if (!full || (in->is_system && below_any(full, &d.user)))
			sure = false;
		/* Included by its full path, a header in a system directory is a user header. */
		for (size_t k = 0; k < in->includes.len; k++)
			if (in->includes.items[k][1] == '/')
				sure = false;
		free(full);
	}
	for (size_t i = 0; i < paths->len && sure; i++) {
		const char *path = paths->items[i];
		char *full = path_absolute(u->req->cwd, path);
		bool source = strcmp(path, u->inv.source) == 0;
		/* The sanitizers' own lists are system files to Clang. */
		keep[i] = source || (full && !below_any(full, &d.system) && !vec_has(&id->programs, path));
		if (!full || (!source && (keep[i] ? met_by_system_header(l, path) : met_by_user_header(u, l, full))))
			sure = false;
		free(full);
	}
	vec_release(&d.user);
	vec_release(&d.system);
	return sure;
}
