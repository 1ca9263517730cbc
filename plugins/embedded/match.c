/*
 * match: which candidate of a manifest fits the files as they are now.
 *
 * For each input: the stat tuple first; contents only where it differs. A file
 * is read at most once per request, however many candidates name it.
 *
 * A directory that many inputs are in is opened, and they are looked up in it:
 * a walk from the root costs half as much again as the look-up itself.
 */
#include "manifest.h"

#include "path.h"
#include "sys.h"
#include "worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verdict {
	enum soldr_reason reason; /* NONE: fits */
	const char *path;
	bool stale;
};

void input_text_digest(const char *text, struct digest *d)
{
	struct hasher h;
	hasher_init(&h);
	hasher_field_str(&h, "text", text);
	hasher_end(&h, d);
}

static bool is_text(const struct state *s)
{
	return s->flags & (INPUT_VARIABLE | INPUT_OUT_DIR);
}

static bool text_fits(const struct state *s, const struct surroundings *at)
{
	struct digest now;
	input_text_digest(s->flags & INPUT_VARIABLE ? env_get(at->envp, s->path) : at->out_dir, &now);
	return digest_equal(&now, &s->digest);
}

/* The path from the working directory; room: PATH_MAX bytes. "" where there can be none. */
static const char *place_of(const struct state *s, const struct surroundings *at, char *room)
{
	if (!(s->flags & INPUT_IN_OUT_DIR))
		return s->path;
	int n = snprintf(room, PATH_MAX, "%s/%s", at->out_dir ? at->out_dir : "", s->path);
	return at->out_dir && n > 0 && n < PATH_MAX ? room : "";
}

enum {
	DIRS_MAX = 16,
	DIR_PAYS = 8 /* inputs from which on opening and closing costs less than the walks */
};

struct dirs {
	int base; /* what paths are relative to */
	size_t count;
	struct {
		const char *path; /* of an input: its first len bytes are the directory */
		size_t len, seen;
		int fd; /* -1: not opened */
	} at[DIRS_MAX];
};

/* A descriptor of the directory that is the first len bytes of path; -1: it does not pay, or cannot be had. */
static int dir_of(struct dirs *d, const char *path, size_t len)
{
	size_t i = 0;
	while (i < d->count && (d->at[i].len != len || memcmp(d->at[i].path, path, len) != 0))
		i++;
	if (i == d->count) {
		if (i < DIRS_MAX) {
			d->at[i].path = path;
			d->at[i].len = len;
			d->at[i].seen = 1;
			d->at[i].fd = -1;
			d->count++;
		}
		return -1;
	}
	if (++d->at[i].seen == DIR_PAYS) {
		char dir[PATH_MAX];
		memcpy(dir, path, len);
		dir[len] = 0;
		d->at[i].fd = sys.openat(d->base, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	}
	return d->at[i].fd;
}

static int stat_input(struct dirs *d, const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int dir = len && len < PATH_MAX && slash[1] ? dir_of(d, path, len) : -1;
	return dir >= 0 ? sys.fstatat(dir, slash + 1, st, 0) : sys.fstatat(d->base, path, st, 0);
}

static void close_dirs(struct dirs *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->at[i].fd >= 0)
			sys.close(d->at[i].fd);
}

static struct verdict check_inputs_in(struct dirs *dirs, const struct manifest *m, const struct candidate *c,
                                      const struct surroundings *at)
{
	struct verdict v = {SOLDR_REASON_NONE, "", false};
	char room[PATH_MAX];
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct state *s = &m->states[c->inputs[i]];
		struct stat st;
		struct tuple now;
		bool program = s->flags & INPUT_COMPILER;
		if (is_text(s)) {
			if (!text_fits(s, at))
				return (struct verdict){SOLDR_REASON_VARIABLE_CHANGED, s->path, false};
			continue;
		}
		const char *path = place_of(s, at, room);
		/* What is in the output directory is named in room, which does not stay. */
		if ((path == room ? sys.fstatat(at->memo->dir, path, &st, 0) : stat_input(dirs, path, &st)) != 0)
			return (struct verdict){program ? SOLDR_REASON_COMPILER_CHANGED : SOLDR_REASON_INPUT_MISSING, s->path, false};
		tuple_of(&now, &st);
		if (tuple_equal(&now, &s->tuple))
			continue;
		const struct memo_item *item = now.size == s->tuple.size && S_ISREG(st.st_mode) ? memo_get(at->memo, path) : NULL;
		if (!item || !item->ok || !digest_equal(&item->digest, &s->digest))
			return (struct verdict){program ? SOLDR_REASON_COMPILER_CHANGED : SOLDR_REASON_INPUT_CHANGED, s->path, false};
		v.stale = true;
	}
	return v;
}

static struct verdict check_inputs(const struct manifest *m, const struct candidate *c, const struct surroundings *at)
{
	struct dirs dirs = {.base = at->memo->dir};
	struct verdict v = check_inputs_in(&dirs, m, c, at);
	close_dirs(&dirs);
	return v;
}

/* True when one of the names now exists in the directory. */
static bool name_appeared(const struct manifest *m, const struct guard *g, int dir)
{
	struct stat st;
	int fd = sys.openat(dir, g->path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	bool appeared = fd < 0 && errno != ENOENT && errno != ENOTDIR;
	for (uint32_t i = 0; fd >= 0 && !appeared && i < g->name_count; i++)
		appeared = sys.fstatat(fd, m->names[g->names[i]], &st, 0) == 0 || (errno != ENOENT && errno != ENOTDIR);
	if (fd >= 0)
		sys.close(fd);
	return appeared;
}

static struct verdict check_guards(const struct manifest *m, const struct candidate *c, int dir)
{
	struct verdict v = {SOLDR_REASON_NONE, "", false};
	for (uint32_t i = 0; i < c->guard_count; i++) {
		const struct guard *g = &m->guards[c->guards[i]];
		struct stat st;
		bool exists = sys.fstatat(dir, g->path, &st, 0) == 0;
		if (!exists && !g->exists)
			continue;
		if (exists && g->exists && g->tuple.ctime_ns) {
			struct tuple now;
			tuple_of(&now, &st);
			if (now.dev == g->tuple.dev && now.ino == g->tuple.ino && now.mtime_ns == g->tuple.mtime_ns &&
			    now.ctime_ns == g->tuple.ctime_ns)
				continue;
		}
		if (exists && name_appeared(m, g, dir))
			return (struct verdict){SOLDR_REASON_INPUT_SHADOWED, g->path, false};
		v.stale = true;
	}
	return v;
}

enum fit { FIT_NONE, FIT_OTHER_ROOT, FIT_OWN_ROOT };

/*
 * Whose checkout a candidate is of. One of another checkout must not name a
 * file by a path that is below this root: here the compiler would have mapped it.
 */
static enum fit fit_root(const struct manifest *m, const struct candidate *c)
{
	if (digest_equal(&c->root, &m->root_id))
		return FIT_OWN_ROOT;
	if (!c->shared || !m->root)
		return FIT_NONE;
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct state *s = &m->states[c->inputs[i]];
		if (!(s->flags & INPUT_BELOW_ROOT) && worktree_rest(m->root, s->path))
			return FIT_NONE;
	}
	return FIT_OTHER_ROOT;
}

static struct verdict check_candidate(const struct manifest *m, const struct candidate *c, const struct digest *terminal,
                                      const struct surroundings *at)
{
	if (!c->any_terminal && !digest_equal(&c->terminal, terminal))
		return (struct verdict){SOLDR_REASON_TERMINAL_DIFFERS, "", false};
	struct verdict v = check_inputs(m, c, at);
	if (v.reason != SOLDR_REASON_NONE)
		return v;
	/* A guard that is merely out of date (objects written beside sources) is not worth a write. */
	bool inputs_stale = v.stale;
	v = check_guards(m, c, at->memo->dir);
	v.stale = inputs_stale;
	return v;
}

const struct candidate *manifest_match(const struct manifest *m, const struct digest *terminal, const struct surroundings *at, bool *stale,
                                       enum soldr_reason *reason, char *detail, size_t detail_size)
{
	*reason = SOLDR_REASON_NOT_SEEN;
	bool nearest_known = false;
	for (enum fit wanted = FIT_OWN_ROOT; wanted > FIT_NONE; wanted--)
		for (uint32_t i = 0; i < m->candidate_count; i++) {
			const struct candidate *c = &m->candidates[i];
			if (fit_root(m, c) != wanted)
				continue;
			struct verdict v = check_candidate(m, c, terminal, at);
			if (v.reason == SOLDR_REASON_NONE) {
				*stale = v.stale;
				*reason = SOLDR_REASON_NONE;
				return c;
			}
			if (!nearest_known) { /* the newest is the nearest */
				*reason = v.reason;
				snprintf(detail, detail_size, "%s", v.path);
				nearest_known = true;
			}
		}
	if (!nearest_known && m->candidate_count)
		*reason = SOLDR_REASON_CHECKOUT_DIFFERS;
	return NULL;
}

/* The directory as it is now: looked at before the names, so that one that comes later shows in the tuple. */
static void renew_guard(const struct manifest *m, const struct guard *g, int dir, struct guard_input *out)
{
	struct stat st;
	struct tuple now;
	int64_t begun = files_clock_ns();
	if (sys.fstatat(dir, g->path, &st, 0) != 0)
		return;
	tuple_of(&now, &st);
	if (tuple_unsafe_since(&now, begun) || name_appeared(m, g, dir))
		return;
	out->exists = 1;
	out->tuple = now;
}

int manifest_renew(const struct manifest *m, const struct candidate *c, const struct surroundings *at, struct candidate_input *out,
                   struct state **states, struct guard_input **guards)
{
	char room[PATH_MAX];
	*out = (struct candidate_input){.result = c->result, .any_terminal = c->any_terminal, .terminal = c->terminal,
	                                .root = m->root_id, .shared = c->shared};
	out->states = *states = calloc(c->input_count + 1, sizeof **states);
	out->guards = *guards = calloc(c->guard_count + 1, sizeof **guards);
	if (!*states || !*guards)
		return -1;
	out->state_count = c->input_count;
	for (uint32_t i = 0; i < c->input_count; i++) {
		struct stat st;
		(*states)[i] = m->states[c->inputs[i]];
		struct state *s = &(*states)[i];
		if (is_text(s))
			continue;
		const char *path = place_of(s, at, room);
		if (sys.fstatat(at->memo->dir, path, &st, 0) != 0)
			return -1;
		struct tuple now;
		tuple_of(&now, &st);
		if (tuple_equal(&now, &s->tuple))
			continue;
		const struct memo_item *item = memo_get(at->memo, path);
		/*
		 * The tuple that belongs to the bytes that were compared, if it was old enough then to be trusted. A file that is
		 * read only now must still hold what was recorded.
		 */
		if (!item || !item->ok || !item->settled || !tuple_equal(&item->tuple, &now) || !digest_equal(&item->digest, &s->digest))
			return -1;
		s->tuple = now;
	}
	for (uint32_t i = 0; i < c->guard_count; i++) {
		const struct guard *g = &m->guards[c->guards[i]];
		const char **names = calloc(g->name_count + 1, sizeof *names);
		if (!names)
			return -1;
		for (uint32_t n = 0; n < g->name_count; n++)
			names[n] = m->names[g->names[n]];
		(*guards)[i] = (struct guard_input){g->path, g->exists, g->tuple, names, g->name_count, g->below_root, g->root_len};
		renew_guard(m, g, at->memo->dir, &(*guards)[i]);
		out->guard_count = i + 1;
	}
	return 0;
}

void candidate_input_release(struct candidate_input *in, struct state *states, struct guard_input *guards)
{
	for (uint32_t i = 0; guards && i < in->guard_count; i++)
		free((void *)(uintptr_t)guards[i].names);
	free(guards);
	free(states);
}
