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
#include "rust.h"
#include "unit.h"

#include "args_names.h"
#include "depfile.h"
#include "object.h"
#include "path.h"
#include "sys.h"
#include "worktree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Stands for the root in stored texts: no name begins with it (checked when storing). */
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
	char *real = sys.realpath(root, NULL);
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

/* Both the directory itself, which debug information names, and what is below it; its neighbours keep their names. */
static void add_maps(struct unit *u, bool exactly, bool covered)
{
	if (!covered)
		vec_addf(&u->maps, "-ffile-prefix-map=%s/=./", u->root);
	if (!covered && exactly)
		vec_addf(&u->maps, "-fdebug-prefix-map=%s=.", u->root);
	/* A compiler that does not know the option says so when it is asked what it is. */
	vec_add(&u->inv.probe_args, "-ffile-prefix-map=.=.");
}

/* ---- the same for rustc ----------------------------------------------------------- */

/*
 * cargo compiles every package in a directory of its own, and writes into the
 * checkout that it was started for: that is the root also for what a package of
 * a registry makes there. But a directory of outputs may be outside, or below
 * the root of something larger.
 */
static char *find_rust_root(const struct unit *u)
{
	const struct rust_call *call = &u->rust->call;
	const char *cwd = u->req->cwd;
	if (u->inst->worktree_root)
		return path_absolute("/", u->inst->worktree_root);
	char *of_outputs = call->out_dir && *call->out_dir == '/' ? worktree_find(call->out_dir) : NULL;
	bool may_be_nearer = of_outputs ? path_is_below(cwd, of_outputs) && strcmp(cwd, of_outputs) != 0 : !call->foreign;
	char *nearer = may_be_nearer ? worktree_find(cwd) : NULL;
	if (!nearer)
		return of_outputs;
	free(of_outputs);
	return nearer;
}

/* rustc's maps go by whole names, and the last that fits counts. */
static enum user_map judge_rust_map(const char *from, const char *root)
{
	if (*from && *from != '/')
		return USER_MAP_FREE;
	if (strcmp(from, root) == 0)
		return USER_MAP_COVERS;
	return worktree_is_plain(from) && !path_is_below(root, from) ? USER_MAP_FREE : USER_MAP_CONFLICTS;
}

static bool may_map_rust(const struct unit *u, const char *root, bool *covered)
{
	const struct rust_call *call = &u->rust->call;
	bool concerned = path_is_below(u->req->cwd, root) || (call->out_dir && path_is_below(call->out_dir, root)) ||
	                 path_is_below(u->inv.source, root);
	*covered = false;
	if (!concerned || call->keeps_paths || !worktree_is_plain(root))
		return false;
	for (size_t i = 0; i < call->mapped.len; i++) {
		enum user_map map = judge_rust_map(call->mapped.items[i], root);
		if (map == USER_MAP_CONFLICTS)
			return false;
		*covered = *covered || map == USER_MAP_COVERS;
	}
	return true;
}

static void add_rust_maps(struct unit *u, bool covered)
{
	const char *manifest = env_get(u->req->envp, "CARGO_MANIFEST_DIR"), *made = env_get(u->req->envp, "OUT_DIR");
	struct rust_unit *rust = u->rust;
	rust->at_home = worktree_rest(u->root, u->req->cwd) || worktree_rest(u->root, u->inv.source) || worktree_rest(u->root, manifest);
	rust->made_here = worktree_rest(u->root, made);
	if (!covered)
		vec_addf(&u->maps, "--remap-path-prefix=%s=.", u->root);
	u->maps_at = rust->call.head;
}

int remap_prepare(struct unit *u)
{
	/* A precompiled header is full of paths, packed by Clang, and no other checkout's is used here. */
	if (!u->inst->path_remap || language_is_header(u->inv.language) || u->inv.precompiled.len)
		return 0;
	char *directory = key_apparent_directory(u->req);
	if (!directory)
		return -1;
	bool exactly = false, covered;
	char *root = u->rust ? find_rust_root(u) : find_root(u, directory);
	if (root && (u->rust ? may_map_rust(u, root, &covered) : may_map(u, directory, root, &exactly, &covered))) {
		u->root = root;
		digest_of(&u->root_id, root, strlen(root));
		if (u->rust)
			add_rust_maps(u, covered);
		else
			add_maps(u, exactly, covered);
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
	if (u->rust) /* it has no such line */
		return false;
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

/*
 * True when the section, which is not packed by zstd, may hold the root. Of a
 * crate of a registry rustc is told the root only as the place of other crates,
 * so what cannot be searched does not hold it.
 */
static bool section_binds(const struct unit *u, const struct names *n, uint32_t kind, const void *data, size_t len)
{
	bool text = kind == ENTRY_STDOUT || kind == ENTRY_STDERR || kind == ENTRY_DEPFILE || kind == ENTRY_BASE;
	bool away = u->rust && !u->rust->at_home && !u->rust->made_here;
	return (!text && !away && !object_is_searchable(data, len)) || holds(data, len, n->root) || holds(data, len, n->real);
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

/* A text with the root, or what stands for it, in place of the other. */
static bool move_text(const struct unit *u, uint32_t kind, const void *text, size_t len, const char *from, const char *to, bool check,
                      struct buf *out)
{
	return u->rust ? rust_move_text(kind, text, len, from, to, out) : move_depfile(u, text, len, from, to, check, out);
}

/* Where among the moved texts this section's is; -1: it is not moved. */
static int text_index(const struct unit *u, uint32_t kind)
{
	return kind == ENTRY_DEPFILE ? 0 : kind == ENTRY_STDERR && u->rust ? 1 : -1;
}

static void set_section(struct entry_section *s, const struct buf *text, bool rootless)
{
	s->data = buf_str(text);
	s->len = s->raw_len = text->len;
	s->packed = false;
	s->rootless = rootless;
}

bool remap_share(const struct unit *u, struct entry *e, struct buf texts[static REMAP_TEXTS])
{
	struct names n;
	struct entry_section *moved[REMAP_TEXTS] = {NULL};
	bool good = names_init(&n, u->root);
	for (size_t i = 0; good && i < e->section_count; i++) {
		struct entry_section *s = &e->sections[i];
		const void *data = s->data;
		size_t len = (size_t)s->len;
		int at = holds(data, len, u->root) ? text_index(u, s->kind) : -1;
		if (at >= 0) {
			good = !holds(data, len, placeholder) && move_text(u, s->kind, data, len, u->root, placeholder, true, &texts[at]);
			moved[at] = s;
			data = buf_str(&texts[at]);
			len = texts[at].len;
		}
		good = good && !section_binds(u, &n, s->kind, data, len);
	}
	for (size_t i = 0; good && i < REMAP_TEXTS; i++)
		if (moved[i])
			set_section(moved[i], &texts[i], true);
	free(n.real);
	return good;
}

bool remap_may_serve(const struct unit *u, const struct entry *e)
{
	struct names n;
	bool good = names_init(&n, u->root);
	for (size_t i = 0; good && i < e->section_count; i++) {
		struct buf raw = BUF_INIT;
		good = entry_unpack(&e->sections[i], &raw, NULL) == 0 && !section_binds(u, &n, e->sections[i].kind, buf_str(&raw), raw.len);
		buf_release(&raw);
	}
	free(n.real);
	return good;
}

int remap_restore(const struct unit *u, struct entry *e, struct buf texts[static REMAP_TEXTS], soldr_error *err)
{
	for (size_t i = 0; i < e->section_count; i++) {
		struct entry_section *s = &e->sections[i];
		int at = text_index(u, s->kind);
		if (!s->rootless)
			continue;
		struct buf raw = BUF_INIT;
		int rc = entry_unpack(s, &raw, err);
		if (!rc && (at < 0 || !move_text(u, s->kind, buf_str(&raw), raw.len, placeholder, u->root, false, &texts[at])))
			rc = err_set(err, SOLDR_E_CORRUPT, 0, "embedded", E709_TEXT_DIFFERS);
		buf_release(&raw);
		if (rc)
			return rc;
		set_section(s, &texts[at], false);
	}
	return 0;
}
