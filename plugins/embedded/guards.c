/* guards: see guards.h. */
#include "guards.h"

#include "sys.h"
#include "worktree.h"

#include <fcntl.h>
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

static const char *keep_string(struct guard_list *l, const char *text)
{
	vec_add(&l->strings, text);
	return vec_ok(&l->strings) ? l->strings.items[l->strings.len - 1] : NULL;
}

struct guard_input *guards_append(struct guard_list *l, const char *dir)
{
	if (l->len == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 16;
		struct guard_input *items = realloc(l->items, cap * sizeof *items);
		if (!items)
			return NULL;
		l->items = items;
		l->cap = cap;
	}
	struct guard_input *g = &l->items[l->len];
	*g = (struct guard_input){.path = keep_string(l, dir)};
	if (!g->path)
		return NULL;
	l->len++;
	return g;
}

static struct guard_input *guard_of(struct guard_list *l, const struct unit *u, const char *dir, bool watched, int64_t begun)
{
	for (uint32_t i = 0; i < l->len; i++)
		if ((l->items[i].exists == GUARD_WATCHED) == watched && strcmp(l->items[i].path, dir) == 0)
			return &l->items[i];
	struct guard_input *g = guards_append(l, dir);
	struct stat st;
	if (!g)
		return NULL;
	if (worktree_rest(u->root, dir)) {
		g->flags = INPUT_BELOW_ROOT;
		g->root_len = strlen(u->root);
	}
	if (sys.fstatat(u->dir, dir, &st, 0) == 0) {
		g->exists = watched ? GUARD_WATCHED : GUARD_EXISTS;
		tuple_of(&g->tuple, &st);
		/* Changed while the compiler ran: from now on always look at the names. */
		if (watched || tuple_unsafe_since(&g->tuple, begun))
			g->tuple.ctime_ns = 0;
	}
	return g;
}

bool guards_add_name(struct guard_list *l, struct guard_input *g, const char *name)
{
	uint32_t n = g ? g->name_count : 0;
	if (g && (n & (n - 1)) == 0) { /* full: the capacity is a power of two */
		const char **names = realloc((void *)(uintptr_t)g->names, (n ? n * 2 : 1) * sizeof *names);
		if (!names)
			return false;
		g->names = names;
	}
	const char *kept = g ? keep_string(l, name) : NULL;
	if (kept)
		((const char **)(uintptr_t)g->names)[g->name_count++] = kept;
	return kept != NULL;
}

static bool is_directory(const struct unit *u, const char *path)
{
	struct stat st;
	return sys.fstatat(u->dir, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* What a link leads to can appear without a change to the directory of the link. */
static bool is_link(const struct unit *u, const char *path)
{
	struct stat st;
	return sys.fstatat(u->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

bool guards_add_absent(struct guard_list *l, const struct unit *u, const char *dir, const char *name, int64_t begun)
{
	char path[PATH_MAX], component[PATH_MAX];
	size_t n = strlen(dir);
	bool slash = n && dir[n - 1] != '/';
	int len = snprintf(path, sizeof path, "%s%s%s", dir, slash ? "/" : "", name);
	if (len < 0 || (size_t)len >= sizeof path)
		return false;
	size_t rest = n + slash; /* where the name begins */
	memcpy(component, path, (size_t)len + 1);
	for (size_t i = (size_t)len; i-- > 0 && i + 1 >= rest;) {
		if (path[i] != '/')
			continue;
		path[i] = 0;
		const char *parent = i ? path : "/";
		if (is_directory(u, parent))
			return guards_add_name(l, guard_of(l, u, parent, is_link(u, component), begun), path + i + 1);
		path[i] = '/';
		component[i] = 0;
	}
	if (!n)
		return guards_add_name(l, guard_of(l, u, ".", is_link(u, component), begun), name);
	return guards_add_name(l, guard_of(l, u, dir, false, begun), name);
}

bool guards_pin(struct guard_list *l, const struct unit *u, const char *dir, int64_t begun)
{
	struct guard_input *g = guard_of(l, u, *dir ? dir : ".", false, begun);
	if (g && g->exists)
		g->exists = GUARD_PINNED;
	return g != NULL;
}

void guards_sort(struct guard_list *l)
{
	for (uint32_t i = 0; i < l->len; i++)
		if (l->items[i].name_count)
			qsort((void *)(uintptr_t)l->items[i].names, l->items[i].name_count, sizeof *l->items[i].names, vec_order);
}
