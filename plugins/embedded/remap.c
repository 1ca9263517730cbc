/*
 * remap: results that checkouts of one project share. See unit.h, and "Checkouts
 * that share results" in docs/architecture.md.
 *
 * The compiler is told to write the root as ".", before the user's own maps, so
 * that his win. What its arguments say of paths below the root then reaches
 * outputs without the root, and the key counts only what follows it. Where that
 * is not sure, in order of what is lost:
 *
 *   remap_prepare()    the unit is not mapped: it is cached as if this file did not exist
 *   remap_share()      the result is stored for this checkout alone
 *   remap_may_serve()  the result of another checkout is not taken
 */
#include "unit.h"

#include "depfile.h"
#include "object.h"
#include "path.h"
#include "worktree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Stands for the root in stored depfiles: no name begins with it (checked when storing). */
static const char placeholder[] = "\001";

/* ---- is the root mapped ----------------------------------------------------------- */

/* Options by which the command line itself, or a path that no map reaches, gets into outputs, packed or as a checksum. */
static const char *const unmapped[] = {
	"-frecord-gcc-switches", "-frecord-command-line", "--coverage", "-coverage", "-ftest-coverage", "-fcoverage-",
	"-fcondition-coverage", "-fpath-coverage", "-fprofile-", "-flto", "-emit-llvm", "-fembed-bitcode", "-fopenmp", "-fopenacc",
	"-funique-internal-linkage-names", "-gcodeview", NULL,
};
static const char *const unmapped_by_clang[] = {"-grecord-gcc-switches", "-grecord-command-line", NULL};

static bool begins_with_any(const char *text, const char *const *heads)
{
	for (; *heads; heads++)
		if (strncmp(text, *heads, strlen(*heads)) == 0)
			return true;
	return false;
}

enum user_map { USER_MAP_FREE, USER_MAP_COVERS, USER_MAP_CONFLICTS };

/*
 * What a map of the user means for ours. One of the whole root does our work.
 * One of a directory above would leave part of the root's name; the compilers
 * disagree about the order in others that overlap, of which GCC takes the last.
 */
static enum user_map judge_map(enum family family, const char *argument, const char *root)
{
	const char *old = key_prefix_map(argument);
	size_t len = strlen(root), old_len = old ? strcspn(old, "=") : 0;
	if (!old || (old_len && *old != '/'))
		return USER_MAP_FREE;
	bool is_root = strncmp(old, root, len) == 0 && (old_len == len || (old_len == len + 1 && old[len] == '/'));
	if (is_root && strncmp(argument, "-ffile-", 7) == 0)
		return USER_MAP_COVERS;
	if (old_len < len)
		return strncmp(root, old, old_len) == 0 ? USER_MAP_CONFLICTS : USER_MAP_FREE;
	return family == FAMILY_CLANG && strncmp(old, root, len) == 0 ? USER_MAP_CONFLICTS : USER_MAP_FREE;
}

/* False: the unit must stay as it is. *covered: the user maps the root himself. */
static bool arguments_fit(const struct invocation *inv, const char *root, bool exactly, bool *covered)
{
	*covered = false;
	for (size_t i = 0; i < inv->args.len; i++) {
		const char *a = inv->args.items[i];
		enum user_map map = judge_map(inv->family, a, root);
		if (map == USER_MAP_CONFLICTS || begins_with_any(a, unmapped) ||
		    (inv->family == FAMILY_CLANG && begins_with_any(a, unmapped_by_clang)))
			return false;
		/* Maps go by characters: one of ROOT itself would change ROOT-2 too. */
		if (exactly && worktree_has_neighbour(root, a))
			return false;
		*covered = *covered || map == USER_MAP_COVERS;
	}
	return true;
}

/* GCC names a system header by its real path where that is shorter: with links in the root, that depends on the root. */
static bool is_physical(const struct unit *u, const char *root)
{
	if (path_is_below(u->req->cwd, root))
		return true;
	char *real = realpath(root, NULL);
	bool same = real && strcmp(real, root) == 0;
	free(real);
	return same;
}

static char *find_root(const struct unit *u, const char *directory)
{
	if (u->inst->worktree_root)
		return path_absolute("/", u->inst->worktree_root);
	char *root = worktree_find(directory);
	if (root || *u->inv.source != '/')
		return root;
	char *beside = path_dir(u->inv.source); /* a build directory outside the checkout */
	root = beside ? worktree_find(beside) : NULL;
	free(beside);
	return root;
}

static bool may_map(const struct unit *u, const char *directory, const char *root, bool *exactly, bool *covered)
{
	static const char *const system_dirs[] = {"C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "OBJCPLUS_INCLUDE_PATH"};
	*exactly = strcmp(directory, root) == 0;
	if (!worktree_is_plain(root) || !arguments_fit(&u->inv, root, *exactly, covered))
		return false;
	if (u->inv.family != FAMILY_GCC)
		return true;
	for (size_t i = 0; i < sizeof system_dirs / sizeof *system_dirs; i++)
		if (env_get(u->req->envp, system_dirs[i]))
			return false;
	return is_physical(u, root);
}

int remap_prepare(struct unit *u)
{
	/* A precompiled header is full of paths, packed by Clang, and no other checkout's is used here. */
	if (!u->inst->path_remap || u->inv.language == LANGUAGE_HEADER || u->inv.precompiled.len)
		return 0;
	char *directory = key_apparent_directory(u->req);
	if (!directory)
		return -1;
	bool exactly, covered;
	char *root = find_root(u, directory);
	if (root && may_map(u, directory, root, &exactly, &covered)) {
		u->root = root;
		digest_of(&u->root_id, root, strlen(root));
		/* Both the directory itself, which debug information names, and what is below it; its neighbours keep their names. */
		if (!covered)
			vec_addf(&u->maps, "-ffile-prefix-map=%s/=./", root);
		if (!covered && exactly)
			vec_addf(&u->maps, "-fdebug-prefix-map=%s=.", root);
		/* A compiler that does not know the option says so when it is asked what it is. */
		vec_add(&u->inv.probe_args, "-ffile-prefix-map=.=.");
	} else {
		free(root);
	}
	free(directory);
	return vec_ok(&u->maps) && vec_ok(&u->inv.probe_args) ? 0 : -1;
}

/* ---- may others have the result ----------------------------------------------------- */

static bool holds(const void *data, size_t len, const char *text)
{
	return len && memmem(data, len, text, strlen(text));
}

/* A #line or line marker that may name an absolute path: the compiler maps that too, in one checkout and not in another. */
static bool renames_file(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	bool word = end - p > 4 && memcmp(p, "line", 4) == 0 && !isalnum((unsigned char)p[4]) && p[4] != '_';
	p += word ? 4 : 0;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	const char *number = p;
	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (!word && p == number)
		return false;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p < end && *p != '\n' && (*p != '"' || p + 1 == end || p[1] == '/' || p[1] == '\\');
}

bool remap_text_binds(const struct unit *u, const char *text, size_t len)
{
	if (holds(text, len, u->root))
		return true;
	const char *end = text + len;
	for (const char *p = text; (p = memchr(p, '#', (size_t)(end - p)));)
		if (renames_file(++p, end))
			return true;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "%:", 2));)
		if (renames_file(p += 2, end))
			return true;
	return false;
}

static bool has_parent_step(const char *path)
{
	return strncmp(path, "../", 3) == 0 || strstr(path, "/../");
}

static bool below_search_path(const struct unit *u, const struct identity *id, const char *path, bool absolute)
{
	for (size_t i = 0; i < u->inv.include_dir_count; i++) {
		const char *dir = u->inv.include_dirs[i].path;
		if ((!absolute || *dir == '/') && path_is_below(path, dir))
			return true;
	}
	for (size_t i = 0; i < id->system_dirs.len; i++)
		if (path_is_below(path, id->system_dirs.items[i]))
			return true;
	return false;
}

/*
 * GCC names a system header by its real path where that is shorter than the one
 * spelled. Of two absolute paths below the root either may be chosen, everywhere
 * the same; a choice between a relative and an absolute one, or one outside,
 * goes by the length of the root.
 */
bool remap_names_bind(const struct unit *u, const struct identity *id, const struct input_list *l)
{
	bool relative = false, any = false;
	if (u->inv.family != FAMILY_GCC)
		return false;
	for (size_t i = 0; i < u->inv.include_dir_count; i++) {
		const struct include_dir *d = &u->inv.include_dirs[i];
		bool system = d->kind == INCLUDE_SYSTEM || d->kind == INCLUDE_AFTER;
		any = any || system;
		relative = relative || (system && *d->path != '/');
	}
	for (size_t i = 0; i < l->len; i++)
		if (l->items[i].flags & SCAN_SYSTEM_HEADER && (*l->items[i].path != '/' || worktree_rest(u->root, l->items[i].path)))
			any = relative = true;
	for (size_t i = 0; any && i < l->len; i++) {
		const char *path = l->items[i].path;
		if (l->items[i].is_program || l->items[i].is_source)
			continue;
		bool chosen = *path != '/'                      ? relative && has_parent_step(path)
		              : worktree_rest(u->root, path)    ? relative && !below_search_path(u, id, path, true)
		                                                : !below_search_path(u, id, path, false);
		if (chosen)
			return true;
	}
	return false;
}

/* The root by both names under which it could be met: as it is, and with links resolved. */
struct names {
	const char *root;
	char *real;
};

static bool names_init(struct names *n, const char *root)
{
	*n = (struct names){root, realpath(root, NULL)};
	return n->real != NULL;
}

/* True when the section, which is not packed, may hold the root. */
static bool section_binds(const struct names *n, uint32_t kind, const void *data, size_t len)
{
	bool text = kind == ENTRY_STDOUT || kind == ENTRY_STDERR || kind == ENTRY_DEPFILE;
	return (!text && !object_is_searchable(data, len)) || holds(data, len, n->root) || holds(data, len, n->real);
}

/* The depfile with one name of the root's in place of another, in the compiler's layout. */
static bool move_depfile(const struct unit *u, const void *text, size_t len, const char *from, const char *to, bool check,
                         struct buf *out)
{
	struct depfile rule = DEPFILE_INIT;
	bool good = depfile_parse(&rule, text, len) == 0 && (!check || depfile_is_faithful(&rule, u->inv.family, text, len));
	if (good) {
		depfile_move(&rule, from, to);
		depfile_format(&rule, u->inv.family, NULL, out);
		good = vec_ok(&rule.targets) && vec_ok(&rule.spelled) && vec_ok(&rule.paths) && buf_ok(out);
	}
	depfile_release(&rule);
	return good;
}

static void set_section(struct entry_section *s, const struct buf *text, bool rootless)
{
	s->data = buf_str(text);
	s->len = s->raw_len = text->len;
	s->packed = false;
	s->rootless = rootless;
}

bool remap_share(const struct unit *u, struct entry *e, struct buf *depfile)
{
	struct names n;
	struct entry_section *rule = NULL;
	bool good = names_init(&n, u->root);
	for (size_t i = 0; good && i < e->section_count; i++) {
		struct entry_section *s = &e->sections[i];
		const void *data = s->data;
		size_t len = (size_t)s->len;
		if (s->kind == ENTRY_DEPFILE && holds(data, len, u->root)) {
			good = !holds(data, len, placeholder) && move_depfile(u, data, len, u->root, placeholder, true, depfile);
			rule = s;
			data = buf_str(depfile);
			len = depfile->len;
		}
		good = good && !section_binds(&n, s->kind, data, len);
	}
	if (good && rule)
		set_section(rule, depfile, true);
	free(n.real);
	return good;
}

bool remap_may_serve(const struct unit *u, const struct entry *e)
{
	struct names n;
	bool good = names_init(&n, u->root);
	for (size_t i = 0; good && i < e->section_count; i++) {
		struct buf raw = BUF_INIT;
		good = entry_unpack(&e->sections[i], &raw, NULL) == 0 && !section_binds(&n, e->sections[i].kind, buf_str(&raw), raw.len);
		buf_release(&raw);
	}
	free(n.real);
	return good;
}

int remap_restore(const struct unit *u, struct entry *e, struct buf *depfile, soldr_error *err)
{
	for (size_t i = 0; i < e->section_count; i++) {
		struct entry_section *s = &e->sections[i];
		if (!s->rootless)
			continue;
		struct buf raw = BUF_INIT;
		int rc = entry_unpack(s, &raw, err);
		if (!rc && !move_depfile(u, buf_str(&raw), raw.len, placeholder, u->root, false, depfile))
			rc = err_set(err, SOLDR_E_CORRUPT, 0, "embedded", "an entry's depfile is not what was stored");
		buf_release(&raw);
		if (rc)
			return rc;
		set_section(s, depfile, false);
	}
	return 0;
}
