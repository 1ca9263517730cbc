/*
 * match: which candidate of a manifest fits the files as they are now.
 *
 * For each input: the stat tuple first; contents only where it differs. Each
 * state is looked at once and each file read once per request, however many
 * candidates name it: 200 candidates that differ in one of 200 headers would
 * be 40,000 system calls otherwise.
 *
 * A directory that many inputs are in is opened, and they are looked up in it:
 * a walk from the root costs a third as much again as the look-up itself.
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
	return s->flags & (INPUT_VARIABLE | INPUT_BASE);
}

static bool text_fits(const struct state *s, const struct surroundings *at)
{
	struct digest now;
	input_text_digest(s->flags & INPUT_VARIABLE ? env_get(at->envp, s->path) : at->base, &now);
	return digest_equal(&now, &s->digest);
}

/* The path from the working directory; room: PATH_MAX bytes. "" where there can be none. */
static const char *place_of(const char *path, uint32_t flags, const struct surroundings *at, char *room)
{
	if (!(flags & INPUT_IN_BASE))
		return path;
	int n = snprintf(room, PATH_MAX, "%s/%s", at->base ? at->base : "", path);
	return at->base && n > 0 && n < PATH_MAX ? room : "";
}

/* Clang compares the times of the headers in a precompiled one: with another time, equal content is not the same input. */
static bool time_differs(const struct state *s, const struct tuple *now)
{
	return (s->flags & INPUT_TIMED) && s->tuple.mtime_ns != now->mtime_ns;
}

enum {
	DIRS_MAX = 16,
	NO_DIR = DIRS_MAX,
	DIR_PAYS = 9 /* inputs from which on opening and closing costs less than the walks */
};

struct dirs {
	int base; /* what paths are relative to */
	size_t count;
	struct {
		const char *path; /* of an input: its first len bytes are the directory */
		size_t len, inputs;
		int fd; /* -1: not opened */
	} at[DIRS_MAX];
};

/* What a request has seen of the states of a manifest. */
struct looks {
	unsigned char *states; /* enum look, by the state's index */
	unsigned char *places; /* where in dirs its directory is, or NO_DIR */
	struct dirs dirs;
};

static unsigned char place_in(struct dirs *d, const char *path, unsigned char last)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash && slash[1] ? (size_t)(slash - path) : 0, i = 0;
	if (!len || len >= PATH_MAX)
		return NO_DIR;
	if (last != NO_DIR && d->at[last].len == len && memcmp(d->at[last].path, path, len) == 0)
		i = last; /* neighbours mostly are in one */
	while (i < d->count && (d->at[i].len != len || memcmp(d->at[i].path, path, len) != 0))
		i++;
	if (i == DIRS_MAX)
		return NO_DIR;
	if (i == d->count) {
		d->at[i].path = path;
		d->at[i].len = len;
		d->at[i].inputs = 0;
		d->at[i].fd = -1;
		d->count++;
	}
	d->at[i].inputs++;
	return (unsigned char)i;
}

static bool looks_init(struct looks *l, const struct manifest *m, int base)
{
	*l = (struct looks){.dirs = {.base = base}};
	l->states = calloc(2 * (size_t)m->state_count + 1, 1);
	if (!l->states)
		return false;
	l->places = l->states + m->state_count;
	unsigned char last = NO_DIR;
	for (uint32_t i = 0; i < m->state_count; i++) {
		const struct state *s = &m->states[i];
		/* What is in the working directory has one already. */
		l->places[i] = last = is_text(s) || (s->flags & INPUT_IN_BASE) ? NO_DIR : place_in(&l->dirs, s->path, last);
	}
	return true;
}

static void looks_release(struct looks *l)
{
	for (size_t i = 0; i < l->dirs.count; i++)
		if (l->dirs.at[i].fd >= 0)
			sys.close(l->dirs.at[i].fd);
	free(l->states);
}

/* A descriptor of the directory; -1: it does not pay, or cannot be had. */
static int dir_of(struct dirs *d, unsigned char place)
{
	if (place == NO_DIR || d->at[place].inputs < DIR_PAYS)
		return -1;
	if (d->at[place].fd < 0) {
		char dir[PATH_MAX];
		memcpy(dir, d->at[place].path, d->at[place].len);
		dir[d->at[place].len] = 0;
		d->at[place].fd = sys.openat(d->base, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		if (d->at[place].fd < 0)
			d->at[place].inputs = 0; /* once is enough */
	}
	return d->at[place].fd;
}

static int stat_input(struct dirs *d, unsigned char place, const char *path, struct stat *st)
{
	int dir = dir_of(d, place);
	return dir >= 0 ? sys.fstatat(dir, path + d->at[place].len + 1, st, 0) : sys.fstatat(d->base, path, st, 0);
}

enum look { LOOK_NOT_YET, LOOK_SAME, LOOK_SAME_CONTENT, LOOK_DIFFERS, LOOK_MISSING };

static enum look look_at(struct dirs *dirs, unsigned char place, const struct state *s, const struct surroundings *at)
{
	char room[PATH_MAX];
	struct stat st;
	struct tuple now;
	if (is_text(s))
		return text_fits(s, at) ? LOOK_SAME : LOOK_DIFFERS;
	const char *path = place_of(s->path, s->flags, at, room);
	/* What is in the base is named in room, which does not stay. */
	if ((path == room ? sys.fstatat(at->memo->dir, path, &st, 0) : stat_input(dirs, place, path, &st)) != 0)
		return LOOK_MISSING;
	tuple_of(&now, &st);
	if (tuple_equal(&now, &s->tuple))
		return LOOK_SAME;
	bool comparable = now.size == s->tuple.size && S_ISREG(st.st_mode) && !time_differs(s, &now);
	const struct memo_item *item = comparable ? memo_get(at->memo, path) : NULL;
	return item && item->ok && digest_equal(&item->digest, &s->digest) ? LOOK_SAME_CONTENT : LOOK_DIFFERS;
}

static enum soldr_reason reason_of(const struct state *s, enum look look)
{
	if (is_text(s))
		return SOLDR_REASON_VARIABLE_CHANGED;
	if (s->flags & INPUT_COMPILER)
		return SOLDR_REASON_COMPILER_CHANGED;
	return look == LOOK_MISSING ? SOLDR_REASON_INPUT_MISSING : SOLDR_REASON_INPUT_CHANGED;
}

static struct verdict check_inputs(struct looks *looks, const struct manifest *m, const struct candidate *c, const struct surroundings *at)
{
	struct verdict v = {SOLDR_REASON_NONE, "", false};
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct state *s = &m->states[c->inputs[i]];
		unsigned char *look = &looks->states[c->inputs[i]];
		if (*look == LOOK_NOT_YET)
			*look = (unsigned char)look_at(&looks->dirs, looks->places[c->inputs[i]], s, at);
		if (*look == LOOK_DIFFERS || *look == LOOK_MISSING)
			return (struct verdict){reason_of(s, *look), s->path, false};
		v.stale = v.stale || *look == LOOK_SAME_CONTENT;
	}
	return v;
}

/* Compilers pass over a directory that has a header's name, but GCC takes one of precompiled headers. */
static bool is_taken(const struct stat *st, const char *name)
{
	const char *ext = path_ext(name);
	size_t n = strlen(name);
	return !S_ISDIR(st->st_mode) || (n && name[n - 1] == '/') || strcmp(ext, ".gch") == 0 || strcmp(ext, ".pch") == 0;
}

/* The first len bytes of name. */
static bool is_absent(int dir, const char *name, size_t len)
{
	struct stat st;
	char path[PATH_MAX];
	if (len >= sizeof path)
		return false;
	memcpy(path, name, len);
	path[len] = 0;
	if (sys.fstatat(dir, path, &st, 0) == 0)
		return !name[len] && !is_taken(&st, name);
	return errno == ENOENT || errno == ENOTDIR;
}

/*
 * True when one of the names now exists in the directory. Names of one missing
 * directory stand side by side, so one look at it is enough for all of them.
 */
static bool name_appeared(const struct manifest *m, const struct guard *g, const char *place, int dir)
{
	const char *missing = "";
	size_t missing_len = 0;
	int fd = sys.openat(dir, place, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	bool appeared = fd < 0 && errno != ENOENT && errno != ENOTDIR;
	for (uint32_t i = 0; fd >= 0 && !appeared && i < g->name_count; i++) {
		const char *name = m->names[g->names[i]];
		if (missing_len && strncmp(name, missing, missing_len) == 0)
			continue;
		const char *slash = strchr(name, '/');
		size_t len = slash ? (size_t)(slash + 1 - name) : 0;
		bool several = len > 1 && i + 1 < g->name_count && strncmp(m->names[g->names[i + 1]], name, len) == 0;
		if (several && is_absent(fd, name, len - 1)) {
			missing = name;
			missing_len = len;
			continue;
		}
		appeared = !is_absent(fd, name, strlen(name));
	}
	if (fd >= 0)
		sys.close(fd);
	return appeared;
}

static enum soldr_reason check_guard(const struct manifest *m, const struct guard *g, const struct surroundings *at)
{
	char room[PATH_MAX];
	const char *place = place_of(g->path, g->flags, at, room);
	int dir = at->memo->dir;
	struct stat st;
	struct tuple now = {0};
	bool exists = sys.fstatat(dir, place, &st, 0) == 0;
	if (exists)
		tuple_of(&now, &st);
	bool same = exists && g->exists && now.dev == g->tuple.dev && now.ino == g->tuple.ino;
	if (g->exists == GUARD_PINNED && !same)
		return exists ? SOLDR_REASON_INPUT_SHADOWED : SOLDR_REASON_INPUT_MISSING;
	if (!exists || (same && g->tuple.ctime_ns && now.mtime_ns == g->tuple.mtime_ns && now.ctime_ns == g->tuple.ctime_ns))
		return SOLDR_REASON_NONE;
	return name_appeared(m, g, place, dir) ? SOLDR_REASON_INPUT_SHADOWED : SOLDR_REASON_NONE;
}

static struct verdict check_guards(const struct manifest *m, const struct candidate *c, const struct surroundings *at)
{
	for (uint32_t i = 0; i < c->guard_count; i++) {
		const struct guard *g = &m->guards[c->guards[i]];
		enum soldr_reason why = check_guard(m, g, at);
		if (why != SOLDR_REASON_NONE)
			return (struct verdict){why, g->path, false};
	}
	return (struct verdict){SOLDR_REASON_NONE, "", false};
}

/* Whether a candidate of another checkout may do: none of its files is named by a path that the compiler would have mapped here. */
static bool may_borrow(const struct manifest *m, const struct candidate *c)
{
	if (!c->shared || !m->root)
		return false;
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct state *s = &m->states[c->inputs[i]];
		if (!(s->flags & INPUT_BELOW_ROOT) && worktree_rest(m->root, s->path))
			return false;
	}
	return true;
}

static struct verdict check_candidate(struct looks *looks, const struct manifest *m, const struct candidate *c,
                                      const struct digest *terminal, const struct surroundings *at)
{
	if (!c->any_terminal && !digest_equal(&c->terminal, terminal))
		return (struct verdict){SOLDR_REASON_TERMINAL_DIFFERS, "", false};
	struct verdict v = check_inputs(looks, m, c, at);
	if (v.reason != SOLDR_REASON_NONE)
		return v;
	/* A guard that is merely out of date (objects written beside sources) is not worth a write. */
	struct verdict guards = check_guards(m, c, at);
	return guards.reason == SOLDR_REASON_NONE ? v : guards;
}

const struct candidate *manifest_match(const struct manifest *m, const struct digest *terminal, const struct surroundings *at, bool *stale,
                                       enum soldr_reason *reason, char *detail, size_t detail_size)
{
	struct looks looks;
	bool memory = looks_init(&looks, m, at->memo->dir);
	const struct candidate *found = NULL;
	bool nearest_known = false;
	*reason = SOLDR_REASON_NOT_SEEN;
	/* Twice: those of this checkout, then those of others. */
	for (uint32_t n = 0; memory && !found && n < 2 * m->candidate_count; n++) {
		const struct candidate *c = &m->candidates[n % m->candidate_count];
		bool own = digest_equal(&c->root, &m->root_id), own_turn = n < m->candidate_count;
		if (own != own_turn || (!own && !may_borrow(m, c)))
			continue;
		struct verdict v = check_candidate(&looks, m, c, terminal, at);
		if (v.reason == SOLDR_REASON_NONE) {
			*stale = v.stale;
			*reason = SOLDR_REASON_NONE;
			found = c;
		} else if (!nearest_known) { /* the newest is the nearest */
			*reason = v.reason;
			snprintf(detail, detail_size, "%s", v.path);
			nearest_known = true;
		}
	}
	if (memory && !found && !nearest_known && m->candidate_count)
		*reason = SOLDR_REASON_CHECKOUT_DIFFERS;
	looks_release(&looks);
	return found;
}

/* The directory as it is now: looked at before the names, so that one that comes later shows in the tuple. */
static void renew_guard(const struct manifest *m, const struct guard *g, const char *place, int dir, struct guard_input *out)
{
	struct stat st;
	struct tuple now;
	int64_t begun = files_clock_ns();
	if (g->exists == GUARD_WATCHED || sys.fstatat(dir, place, &st, 0) != 0)
		return;
	tuple_of(&now, &st);
	if (tuple_unsafe_since(&now, begun) || name_appeared(m, g, place, dir))
		return;
	if (!g->exists)
		out->exists = GUARD_EXISTS;
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
		const char *path = place_of(s->path, s->flags, at, room);
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
		if (!item || !item->ok || !item->settled || !tuple_equal(&item->tuple, &now) || !digest_equal(&item->digest, &s->digest) ||
		    time_differs(s, &now))
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
		(*guards)[i] = (struct guard_input){.path = g->path, .exists = g->exists, .tuple = g->tuple, .names = names,
		                                    .name_count = g->name_count, .flags = g->flags, .root_len = g->root_len};
		renew_guard(m, g, place_of(g->path, g->flags, at, room), at->memo->dir, &(*guards)[i]);
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
