/*
 * rust_inputs: what a compile of rustc read. See rust.h.
 *
 *   sources, variables   the dep-info; where none is asked for, rustc runs once more up to it, muted
 *                        (asking for it in the same run would change the crate's hash)
 *   crates               crates.h, before the compile; nothing lists them
 *   the linker's files   link.h, by its command line
 *   what options name    static libraries, profiles, target files
 *   the compiler         toolchain.h
 */
#include "rust.h"

#include "archive.h"
#include "depfile.h"
#include "depinfo.h"
#include "fs.h"
#include "guards.h"
#include "link.h"
#include "package.h"
#include "path.h"
#include "toolchain.h"
#include "worktree.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINK_REPORT_MAX = 16 << 20 };

struct gathering {
	struct unit *u;
	int64_t begun;
	struct input_list *list;
	struct guard_list *guards;
	char *detail;
	size_t detail_size;
};

int rust_identity(struct unit *u, struct identity *id, soldr_error *err)
{
	return toolchain_identity(id, u->inst->host, u->req, u->rust->program, &u->rust->call, &u->inst->store, err);
}

enum soldr_reason rust_begin(struct unit *u, const struct identity *id, char *detail, size_t detail_size)
{
	struct rust_unit *rust = u->rust;
	if (rust_links(&rust->call) && !id->reports_links) {
		snprintf(detail, detail_size, "this rustc writes no report of its link");
		return SOLDR_REASON_LINK_UNKNOWN;
	}
	return crates_find(&rust->crates, &rust->call, rust_digests(u), u->dir, detail, detail_size);
}

/* clippy-driver leaves its lints out where it sees a --print, so there the option comes out of an argument file. */
static int hide_request(struct rust_unit *rust, const char *option, struct vec *argv)
{
	rust->link_request = sys.memfd_create("soldr-request", MFD_CLOEXEC);
	if (rust->link_request < 0)
		return errno;
	vec_addf(argv, "@/proc/%ld/fd/%d", (long)getpid(), rust->link_request);
	return fs_write_all(rust->link_request, option, strlen(option));
}

int rust_plan(struct unit *u, struct vec *argv, soldr_error *err)
{
	struct rust_unit *rust = u->rust;
	struct buf option = BUF_INIT;
	int why = 0;
	if (!rust_links(&rust->call))
		return 0;
	rust->link_report = sys.memfd_create("soldr-link", MFD_CLOEXEC);
	buf_addf(&option, "--print=link-args=/proc/%ld/fd/%d", (long)getpid(), rust->link_report);
	if (rust->link_report < 0)
		why = errno;
	else if (rust->call.clippy)
		why = hide_request(rust, buf_str(&option), argv);
	else
		vec_add(argv, buf_str(&option));
	bool memory = buf_ok(&option) && vec_ok(argv);
	buf_release(&option);
	if (why)
		return err_set(err, SOLDR_E_IO, why, "embedded", E732_NO_LIST_REPORT);
	return memory ? 0 : err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
}

/* ---- one input ------------------------------------------------------------------------- */

/* A file of any kind; content may be NULL. */
static enum soldr_reason add_file(struct gathering *g, const char *path, struct buf *content)
{
	snprintf(g->detail, g->detail_size, "%s", path);
	return inputs_load(g->u, g->list, path, g->begun, content);
}

static enum soldr_reason add_variable(struct gathering *g, const char *name)
{
	struct input *in = inputs_add(g->list, name);
	if (!in)
		return SOLDR_REASON_INPUTS_UNKNOWN;
	in->state_flags = INPUT_VARIABLE;
	input_text_digest(env_get(g->u->req->envp, name), &in->digest);
	return SOLDR_REASON_NONE;
}

/* Inputs from the index on: the command line names them, and it counts without the base. */
static enum soldr_reason place_inputs(struct gathering *g, size_t from)
{
	const char *base = g->u->rust->base;
	for (size_t i = from; base && i < g->list->len; i++) {
		struct input *in = &g->list->items[i];
		const char *rest = path_below(in->path, base);
		char *path = rest ? strdup(rest) : NULL;
		if (rest && !path)
			return SOLDR_REASON_INPUTS_UNKNOWN;
		if (!rest)
			continue;
		free(in->path);
		in->path = path;
		in->state_flags |= INPUT_IN_BASE;
	}
	return SOLDR_REASON_NONE;
}

static struct guard_input *find_guard(struct guard_list *l, const char *dir, bool has_tuple)
{
	for (uint32_t i = 0; i < l->len; i++)
		if (strcmp(l->items[i].path, dir) == 0 && (l->items[i].tuple.ctime_ns != 0) == has_tuple)
			return &l->items[i];
	return NULL;
}

/*
 * The name must not appear in the directory. tuple: of the directory, from
 * before the name was found absent; NULL: it changes too often to be worth it,
 * and the name is looked at every time.
 */
static bool forbid(struct guard_list *l, const char *dir, const char *name, const struct tuple *tuple)
{
	struct guard_input *g = find_guard(l, dir, tuple != NULL);
	if (!g && (g = guards_append(l, dir))) {
		g->exists = GUARD_EXISTS;
		if (tuple)
			g->tuple = *tuple;
	}
	return guards_add_name(l, g, name);
}

/* mod x is x.rs or x/mod.rs: with both the compile fails, so the other one must stay absent. */
static bool forbid_other_module(struct gathering *g, const char *path)
{
	const char *base = path_base(path), *ext = path_ext(path);
	struct buf dir = BUF_INIT, name = BUF_INIT;
	struct stat st;
	struct tuple tuple = {0};
	if (strcmp(ext, ".rs") != 0 || strcmp(path, g->u->inv.source) == 0)
		return true;
	buf_add(&dir, path, (size_t)(base - path));
	if (strcmp(base, "mod.rs") == 0) {
		while (dir.len && dir.data[dir.len - 1] == '/')
			dir.data[--dir.len] = 0;
		const char *own = path_base(buf_str(&dir));
		buf_addf(&name, "%s.rs", own);
		dir.len = (size_t)(own - buf_str(&dir));
	} else {
		buf_add(&name, base, (size_t)(ext - base));
		buf_add(&dir, base, (size_t)(ext - base));
		bool nested = buf_ok(&dir) && sys.fstatat(g->u->dir, buf_str(&dir), &st, 0) == 0;
		dir.len -= nested ? 0 : (size_t)(ext - base);
		if (nested)
			buf_clear(&name);
		buf_adds(&name, nested ? "mod.rs" : "/mod.rs");
	}
	if (!dir.len)
		buf_addc(&dir, '.');
	bool good = buf_ok(&dir) && buf_ok(&name);
	if (good) {
		dir.data[dir.len] = 0;
		bool known = sys.fstatat(g->u->dir, dir.data, &st, 0) == 0;
		if (known)
			tuple_of(&tuple, &st);
		known = known && !tuple_unsafe_since(&tuple, g->begun);
		char *other = path_join(dir.data, name.data);
		good = other && (sys.fstatat(g->u->dir, other, &st, 0) == 0 || forbid(g->guards, dir.data, name.data, known ? &tuple : NULL));
		free(other);
	}
	buf_release(&dir);
	buf_release(&name);
	return good;
}

/* ---- the dep-info ------------------------------------------------------------------------- */

/* The user's arguments for one more run that writes the dep-info and nothing else. */
static void question(const struct unit *u, int memory, struct vec *argv)
{
	static const char *const dropped[] = {"--emit", "-o"};
	const struct vec *args = &u->inv.args;
	const struct rust_call *call = &u->rust->call;
	vec_add(argv, u->req->argv[0]);
	if (call->toolchain)
		vec_addf(argv, "+%s", call->toolchain);
	if (call->clippy)
		vec_add(argv, "rustc");
	for (size_t i = 1; i < args->len; i++) {
		const char *a = args->items[i];
		bool codegen = strcmp(a, "-C") == 0 || strcmp(a, "--codegen") == 0;
		const char *value = codegen && i + 1 < args->len ? args->items[i + 1] : strncmp(a, "-C", 2) == 0 ? a + 2 : "";
		bool drop = strncmp(value, "incremental", 11) == 0;
		bool separate = codegen;
		for (size_t k = 0; k < sizeof dropped / sizeof *dropped; k++) {
			size_t n = strlen(dropped[k]);
			if (strncmp(a, dropped[k], n) == 0 && (!a[n] || a[n] == '=' || k == 1)) {
				drop = true;
				separate = !a[n];
			}
		}
		if (!drop)
			vec_add(argv, a);
		else
			i += separate;
	}
	vec_addf(argv, "--emit=dep-info=/proc/%ld/fd/%d", (long)getpid(), memory);
}

static int ask_depinfo(struct unit *u, struct buf *text)
{
	const soldr_host *host = u->inst->host;
	struct vec argv = VEC_INIT;
	soldr_error ignored = SOLDR_ERROR_INIT;
	soldr_exit ex = {.struct_size = sizeof ex};
	int memory = sys.memfd_create("soldr-inputs", MFD_CLOEXEC);
	int rc = -1;
	question(u, memory, &argv);
	const soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_NO_STDIN | SOLDR_SPAWN_PROBE,
		.file = u->req->compiler,
		.argv = vec_items(&argv),
	};
	if (memory >= 0 && vec_ok(&argv) && host->run(host->core, u->req->id, &sp, &ex, &ignored) == 0 && !ex.exit_code && !ex.signal &&
	    lseek(memory, 0, SEEK_SET) == 0)
		rc = fs_read_fd(memory, "dep-info", DEPFILE_MAX, text, NULL);
	if (memory >= 0)
		sys.close(memory);
	vec_release(&argv);
	return rc;
}

/* #[link(kind = "static")], or a kind that a macro gives. */
static bool names_static_library(const char *text, size_t len)
{
	const char *end = text + len;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "kind", 4)); p += 4) {
		const char *q = p + 4;
		while (q < end && isspace((unsigned char)*q))
			q++;
		if (q == end || *q++ != '=')
			continue;
		while (q < end && isspace((unsigned char)*q))
			q++;
		if (q < end && (*q == '$' || (end - q > 7 && memcmp(q, "\"static", 7) == 0)))
			return true;
	}
	return false;
}

/* Inline assembly that may read a file: the directive whole, or where there is assembly, its beginning. */
static bool may_embed(const char *text, size_t len)
{
	return memmem(text, len, ".incbin", 7) || (memmem(text, len, "asm!", 4) && memmem(text, len, ".inc", 4));
}

/* Words of a source that make it read what the dep-info does not list. */
static enum soldr_reason judge_text(const struct unit *u, const struct buf *text)
{
	const struct rust_unit *rust = u->rust;
	const char *at = buf_str(text);
	if (rust->crates.loose && !crates_named(at, text->len, &rust->call))
		return SOLDR_REASON_CRATES_UNKNOWN;
	if (rust->call.clippy && memmem(at, text->len, "clippy::cargo", 13))
		return SOLDR_REASON_INPUTS_UNKNOWN; /* it reads the whole workspace */
	if (may_embed(at, text->len))
		return SOLDR_REASON_EMBEDDED_FILE;
	/* A native library may become part of the output. Of an rlib the members tell (judge_members), of a link its report. */
	bool unclear = (rust->call.crate_types & CRATE_STATICLIB) || rust->call.static_libs.len;
	return unclear && names_static_library(at, text->len) ? SOLDR_REASON_EMBEDDED_FILE : SOLDR_REASON_NONE;
}

static enum soldr_reason add_sources(struct gathering *g)
{
	struct unit *u = g->u;
	struct buf text = BUF_INIT, content = BUF_INIT;
	struct depinfo d = DEPINFO_INIT;
	bool asked = u->rust->call.emits & 1u << EMIT_DEP_INFO, met = false;
	int rc = asked ? fs_read_file(u->depfile_path, DEPFILE_MAX, &text, NULL) : ask_depinfo(u, &text);
	enum soldr_reason why = !rc && depinfo_parse(&d, buf_str(&text), text.len) == 0 ? SOLDR_REASON_NONE : SOLDR_REASON_INPUTS_UNKNOWN;
	for (size_t i = 0; why == SOLDR_REASON_NONE && i < d.sources.len; i++) {
		buf_clear(&content);
		met = met || strcmp(d.sources.items[i], u->inv.source) == 0;
		why = add_file(g, d.sources.items[i], &content);
		g->list->binds_root = g->list->binds_root || (u->root && remap_text_binds(u, buf_str(&content), content.len));
		if (why == SOLDR_REASON_NONE)
			why = judge_text(u, &content);
		if (why == SOLDR_REASON_NONE && !forbid_other_module(g, d.sources.items[i]))
			why = SOLDR_REASON_INPUTS_UNKNOWN;
	}
	for (size_t i = 0; why == SOLDR_REASON_NONE && i < d.names.len; i++) {
		const char *now = env_get(u->req->envp, d.names.items[i]);
		/* A procedural macro may say it read a variable under another value: then nothing is known. */
		bool same = d.was_set[i] ? now && strcmp(now, d.values.items[i]) == 0 : !now;
		snprintf(g->detail, g->detail_size, "%s", d.names.items[i]);
		why = same ? add_variable(g, d.names.items[i]) : SOLDR_REASON_INPUTS_UNKNOWN;
	}
	if (why == SOLDR_REASON_NONE && !met)
		why = SOLDR_REASON_INPUTS_UNKNOWN;
	depinfo_release(&d);
	buf_release(&text);
	buf_release(&content);
	return why;
}

/* ---- what the dep-info does not list ---------------------------------------------------------- */

/* Whether an attribute of the source put a native library into an rlib; those of -l are known. */
static enum soldr_reason judge_members(struct gathering *g)
{
	const struct unit *u = g->u;
	const struct rust_call *call = &u->rust->call;
	if (!(call->emits & 1u << EMIT_LINK) || !(call->crate_types & CRATE_RLIB) || call->static_libs.len)
		return SOLDR_REASON_NONE;
	/* The rlib is the last output (rust.c). */
	const char *path = u->outputs[u->output_count - 1].path;
	snprintf(g->detail, g->detail_size, "%s", path);
	return archive_is_rustc_only(path) ? SOLDR_REASON_NONE : SOLDR_REASON_EMBEDDED_FILE;
}

/* -l static=NAME: rustc takes the first libNAME.a of its -L directories. */
static enum soldr_reason add_static_libraries(struct gathering *g)
{
	const struct rust_call *call = &g->u->rust->call;
	enum soldr_reason why = SOLDR_REASON_NONE;
	size_t from = g->list->len;
	for (size_t i = 0; i < call->static_libs.len && why == SOLDR_REASON_NONE; i++) {
		struct buf name = BUF_INIT;
		bool found = false;
		buf_addf(&name, "lib%s.a", call->static_libs.items[i]);
		for (size_t k = 0; k < call->native_dirs.len && !found && why == SOLDR_REASON_NONE; k++) {
			struct stat st;
			char *path = path_join(call->native_dirs.items[k], buf_str(&name));
			found = path && sys.fstatat(g->u->dir, path, &st, 0) == 0;
			if (found)
				why = add_file(g, path, NULL);
			else if (!path || !forbid(g->guards, call->native_dirs.items[k], buf_str(&name), NULL))
				why = SOLDR_REASON_INPUTS_UNKNOWN;
			free(path);
		}
		if (!found && !rust_links(call)) /* found in a directory that rustc knows by itself */
			why = SOLDR_REASON_INPUTS_UNKNOWN;
		buf_release(&name);
	}
	return why == SOLDR_REASON_NONE ? place_inputs(g, from) : why;
}

/*
 * A procedural macro may read files of the package and hand on its place, and
 * nobody would know: what one checkout got is not for others, unless the user
 * says that the macro does no such thing.
 */
static bool may_look_around(const struct unit *u, const char *crate)
{
	const char *base = path_base(crate);
	if (!u->rust->at_home || strcmp(path_ext(base), ".so") != 0)
		return false;
	size_t len = path_stem_len(base);
	const char *ending = memrchr(base, '-', len), *name = base + (strncmp(base, "lib", 3) == 0 ? 3 : 0);
	len = (size_t)((ending ? ending : base + len) - name);
	for (size_t i = 0; i < u->inst->pure_macros.len; i++) {
		const char *pure = u->inst->pure_macros.items[i];
		if (strlen(pure) == len && memcmp(pure, name, len) == 0)
			return false;
	}
	return true;
}

static enum soldr_reason add_crates(struct gathering *g)
{
	struct unit *u = g->u;
	const struct crate_list *crates = &u->rust->crates;
	const char *changed = crates_changed(crates, u->dir);
	if (changed) {
		snprintf(g->detail, g->detail_size, "%s", changed);
		return SOLDR_REASON_INPUT_MODIFIED;
	}
	size_t from = g->list->len;
	for (size_t i = 0; i < crates->len; i++) {
		const struct crate_file *c = &crates->items[i];
		g->list->binds_root = g->list->binds_root || may_look_around(u, c->path);
		struct input *in = inputs_add(g->list, c->path);
		if (!in)
			return SOLDR_REASON_INPUTS_UNKNOWN;
		in->tuple = c->tuple;
		in->digest = c->digest;
		if (c->doubtful || tuple_unsafe_since(&c->tuple, g->begun))
			in->tuple.ctime_ns = 0;
	}
	return place_inputs(g, from);
}

static enum soldr_reason add_link(struct gathering *g, const struct identity *toolchain)
{
	struct unit *u = g->u;
	struct rust_unit *rust = u->rust;
	struct buf report = BUF_INIT;
	struct link_facts facts = LINK_FACTS_INIT;
	enum soldr_reason why = SOLDR_REASON_LINK_UNKNOWN;
	if (rust->link_report < 0)
		return SOLDR_REASON_NONE;
	if (lseek(rust->link_report, 0, SEEK_SET) == 0 && fs_read_fd(rust->link_report, "the link's report", LINK_REPORT_MAX, &report, NULL) == 0)
		why = link_learn(&facts, buf_str(&report), rust->linker, &rust->call, &rust->crates, toolchain, u->inst->host, u->req,
		                 &u->inst->store, g->detail, g->detail_size);
	size_t from = g->list->len;
	if (why == SOLDR_REASON_NONE)
		why = inputs_add_programs(g->list, &facts.files, g->begun);
	if (why == SOLDR_REASON_NONE)
		why = place_inputs(g, from);
	for (size_t i = 0; why == SOLDR_REASON_NONE && i < facts.absent_count; i++)
		if (!forbid(g->guards, facts.absent[i].dir, facts.absent[i].name, NULL))
			why = SOLDR_REASON_INPUTS_UNKNOWN;
	link_release(&facts);
	buf_release(&report);
	return why;
}

static bool forbid_if_absent(struct guard_list *l, const char *dir, const char *name)
{
	struct stat st;
	char *path = path_join(dir, name);
	bool good = path && (sys.stat(path, &st) == 0 || forbid(l, dir, name, NULL));
	free(path);
	return good;
}

/* Clippy's settings: the first of these files from the package's directory upwards; one that is there is in the dep-info. */
static enum soldr_reason add_clippy(struct gathering *g)
{
	const struct unit *u = g->u;
	const char *args = env_get(u->req->envp, "CLIPPY_ARGS"), *at = env_get(u->req->envp, "CLIPPY_CONF_DIR");
	if (!u->rust->call.clippy)
		return SOLDR_REASON_NONE;
	for (size_t i = 0; i < u->inv.args.len; i++)
		if (strstr(u->inv.args.items[i], "clippy::cargo"))
			return SOLDR_REASON_INPUTS_UNKNOWN;
	if (args && strstr(args, "clippy::cargo"))
		return SOLDR_REASON_INPUTS_UNKNOWN;
	if (!at || !*at)
		at = env_get(u->req->envp, "CARGO_MANIFEST_DIR");
	char *dir = path_absolute(u->req->cwd, at && *at ? at : ".");
	bool good = dir != NULL;
	while (good) {
		char *slash = strrchr(dir, '/');
		good = forbid_if_absent(g->guards, dir, ".clippy.toml") && forbid_if_absent(g->guards, dir, "clippy.toml");
		if (!slash || !dir[1])
			break;
		slash[slash == dir] = 0;
	}
	free(dir);
	return good ? SOLDR_REASON_NONE : SOLDR_REASON_INPUTS_UNKNOWN;
}

/* It is in the key as it was when the request came; a procedural macro may have read it at any time since. */
static enum soldr_reason check_package(struct gathering *g)
{
	struct unit *u = g->u;
	const char *dir = rust_package_dir(u);
	struct digest now;
	bool young = false;
	if (!dir)
		return SOLDR_REASON_NONE;
	snprintf(g->detail, g->detail_size, "%s", dir);
	if (package_digest(rust_digests(u), dir, g->begun, &now, &young, NULL) != 0 || young ||
	    memcmp(now.bytes, u->rust->package.bytes, DIGEST_SIZE) != 0)
		return SOLDR_REASON_INPUT_MODIFIED;
	return SOLDR_REASON_NONE;
}

/* Where the directories of guards start from; they are absolute, or relative to the working directory, so far. */
static void place_guards(const struct unit *u, struct guard_list *guards)
{
	for (uint32_t i = 0; i < guards->len; i++) {
		struct guard_input *g = &guards->items[i];
		const char *rest = u->rust->base ? path_below(g->path, u->rust->base) : NULL;
		if (rest) {
			g->path = rest;
			g->flags = INPUT_IN_BASE;
		} else if (worktree_rest(u->root, g->path)) {
			g->flags = INPUT_BELOW_ROOT;
			g->root_len = strlen(u->root);
		}
	}
}

enum soldr_reason rust_inputs(struct unit *u, const struct identity *id, int64_t begun, struct input_list *list, struct guard_list *guards,
                              char *detail, size_t detail_size)
{
	struct gathering g = {u, begun, list, guards, detail, detail_size};
	const struct vec *named[] = {&u->inv.extra_inputs, &u->inst->extra_inputs};
	if (unit_arguments_changed(u))
		return SOLDR_REASON_INPUT_MODIFIED;
	enum soldr_reason why = add_sources(&g);
	for (size_t k = 0; k < sizeof named / sizeof *named; k++)
		for (size_t i = 0; why == SOLDR_REASON_NONE && i < named[k]->len; i++)
			why = add_file(&g, named[k]->items[i], NULL);
	if (why == SOLDR_REASON_NONE)
		why = check_package(&g);
	if (why == SOLDR_REASON_NONE)
		why = judge_members(&g);
	if (why == SOLDR_REASON_NONE)
		why = add_static_libraries(&g);
	if (why == SOLDR_REASON_NONE)
		why = add_clippy(&g);
	if (why == SOLDR_REASON_NONE)
		why = add_crates(&g);
	if (why == SOLDR_REASON_NONE)
		why = add_link(&g, id);
	if (why == SOLDR_REASON_NONE)
		why = inputs_add_programs(list, id, begun);
	place_guards(u, guards);
	list->complete = why == SOLDR_REASON_NONE;
	return why;
}
