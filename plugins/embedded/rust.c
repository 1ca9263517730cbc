/* rust: see rust.h. */
#include "rust.h"

#include "depinfo.h"
#include "fs.h"
#include "link.h"
#include "native.h"
#include "package.h"
#include "path.h"
#include "toolchain.h"
#include "worktree.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "embedded";
static const char artifact_head[] = "{\"$message_type\":\"artifact\",\"artifact\":\"";

/* ---- outputs ------------------------------------------------------------------------ */

static bool add_file(struct unit *u, struct vec *files, const char *dir, const char *format, const char *ending)
{
	const struct rust_call *call = &u->rust->call;
	struct buf name = BUF_INIT;
	if (dir && *dir)
		buf_addf(&name, "%s/", dir);
	buf_addf(&name, "%s%s%s%s", format, call->crate_name, call->extra_filename ? call->extra_filename : "", ending);
	vec_add(files, buf_str(&name));
	bool good = buf_ok(&name);
	buf_release(&name);
	return good;
}

/* The files of --emit link. */
static bool add_linked(struct unit *u, struct vec *files, const char *dir)
{
	static const struct {
		unsigned type;
		const char *head, *ending;
	} forms[] = {
		{CRATE_STATICLIB, "lib", ".a"}, {CRATE_DYLIB, "lib", ".so"}, {CRATE_CDYLIB, "lib", ".so"}, {CRATE_PROC_MACRO, "lib", ".so"},
		{CRATE_BIN, "", ""}, {CRATE_RLIB, "lib", ".rlib"},
	};
	const struct rust_call *call = &u->rust->call;
	bool one = (call->crate_types & (call->crate_types - 1)) == 0;
	const char *given = call->output ? call->output : call->emit_path[EMIT_LINK];
	if (given) {
		vec_add(files, given);
		return one;
	}
	bool good = true;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (call->crate_types & forms[i].type)
			good = add_file(u, files, dir, forms[i].head, forms[i].ending) && good;
	return good;
}

/* All files but the dep-info, in the order in which rustc writes them. */
static bool list_outputs(struct unit *u, struct vec *files)
{
	static const struct {
		enum rust_emit kind;
		const char *head, *ending;
	} forms[] = {
		{EMIT_METADATA, "lib", ".rmeta"}, {EMIT_MIR, "", ".mir"}, {EMIT_LLVM_IR, "", ".ll"}, {EMIT_LLVM_BC, "", ".bc"},
		{EMIT_ASM, "", ".s"}, {EMIT_OBJ, "", ".o"},
	};
	const struct rust_call *call = &u->rust->call;
	unsigned others = call->emits & ~(1u << EMIT_DEP_INFO);
	bool good = others != 0;
	/* With -o, the names of several outputs are made up from it. */
	if (call->output && (call->out_dir || call->extra_filename || (call->emits & (call->emits - 1))))
		return false;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (!(call->emits & 1u << forms[i].kind))
			continue;
		if (call->output || call->emit_path[forms[i].kind])
			vec_add(files, call->output ? call->output : call->emit_path[forms[i].kind]);
		else
			good = add_file(u, files, call->out_dir, forms[i].head, forms[i].ending) && good;
	}
	if (call->emits & 1u << EMIT_LINK)
		good = add_linked(u, files, call->out_dir) && good;
	return good && vec_ok(files) && files->len > 0;
}

static enum soldr_reason set_outputs(struct unit *u, char *detail, size_t detail_size)
{
	const struct rust_call *call = &u->rust->call;
	struct vec files = VEC_INIT, depinfo = VEC_INIT;
	enum soldr_reason why = SOLDR_REASON_NONE;
	if (!list_outputs(u, &files))
		why = SOLDR_REASON_UNSUPPORTED_OPTION;
	if (why == SOLDR_REASON_NONE && (call->emits & 1u << EMIT_DEP_INFO)) {
		if (call->emit_path[EMIT_DEP_INFO])
			vec_add(&depinfo, call->emit_path[EMIT_DEP_INFO]);
		else
			add_file(u, &depinfo, call->out_dir, "", ".d");
		if (!vec_ok(&depinfo) || !depinfo.len || !unit_add_output(u, (struct output){.path = depinfo.items[0], .kind = ENTRY_DEPFILE, .keeps_mode = true}))
			why = SOLDR_REASON_OUTPUT_SPECIAL;
		else
			u->depfile_path = u->outputs[0].path;
	}
	for (size_t i = 0; i < files.len && why == SOLDR_REASON_NONE; i++) {
		uint32_t kind = i + 1 == files.len ? (uint32_t)ENTRY_OBJECT : (uint32_t)(ENTRY_SIDE + i);
		snprintf(detail, detail_size, "%s", files.items[i]);
		if (!unit_add_output(u, (struct output){.path = files.items[i], .kind = kind}))
			why = SOLDR_REASON_OUTPUT_SPECIAL;
	}
	vec_release(&files);
	vec_release(&depinfo);
	return why;
}

/* A name that no option gives comes from the file's, or from an attribute in it. */
static enum soldr_reason name_crate(struct unit *u, const struct buf *source)
{
	struct rust_call *call = &u->rust->call;
	bool attribute_name = memmem(buf_str(source), source->len, "crate_name", 10);
	if (!call->crate_type_given && !call->test && memmem(buf_str(source), source->len, "crate_type", 10))
		return SOLDR_REASON_UNSUPPORTED_OPTION;
	if (call->crate_name)
		return SOLDR_REASON_NONE;
	const char *base = path_base(u->inv.source);
	size_t n = path_stem_len(base);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)base[i]) && base[i] != '_')
			attribute_name = true; /* rustc changes it */
	if (attribute_name || !n)
		return SOLDR_REASON_UNSUPPORTED_OPTION;
	call->crate_name = strndup(base, n);
	return call->crate_name ? SOLDR_REASON_NONE : SOLDR_REASON_INPUT_UNREADABLE;
}

/* File names and linkers of other systems differ. */
static bool is_target_known(const struct rust_call *call)
{
	bool plain = !(call->emits & 1u << EMIT_LINK) || call->crate_types == CRATE_RLIB;
	return plain || !call->target || (strstr(call->target, "-linux-") && !strchr(call->target, '/') && !strchr(call->target, '.'));
}

/* ---- the key -------------------------------------------------------------------------- */

/* Whether a directory's name stands in texts as it is: no escapes of make or JSON. */
static bool is_plain_directory(const char *dir)
{
	if (*dir != '/' || strlen(dir) < 2 || strlen(dir) >= PATH_MAX)
		return false;
	for (const char *p = dir; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"\\#", *p))
			return false;
	return true;
}

/*
 * cargo writes below one directory for each profile: PROFILE/deps,
 * PROFILE/examples, PROFILE/build/NAME. What these compiles name of each other lies in there.
 */
static size_t profile_len(const char *dir)
{
	size_t n = strlen(dir), last = n - strlen(path_base(dir));
	const char *name = dir + last;
	if (strcmp(name, "deps") == 0 || strcmp(name, "examples") == 0)
		return last - 1;
	if (last > strlen("/build/") && memcmp(name - strlen("/build/"), "/build/", strlen("/build/")) == 0)
		return last - strlen("/build/");
	return n;
}

/* Decides which directory plays no part. */
static bool set_base(struct unit *u)
{
	struct rust_unit *rust = u->rust;
	char *dir = rust->call.out_dir;
	if (!dir)
		return true;
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		dir[--n] = 0;
	if (!is_plain_directory(dir) || rust->call.emit_path[EMIT_DEP_INFO] || worktree_rest(u->root, dir))
		return true;
	n = profile_len(dir);
	rust->base = strndup(dir, n > 1 ? n : strlen(dir));
	return rust->base;
}

/* A path as it counts in the key: without the directory that plays no part, or the root that is mapped away. */
static void add_place(const struct unit *u, const char *path, struct buf *out)
{
	const char *in_base = u->rust->base ? path_below(path, u->rust->base) : NULL;
	const char *in_root = worktree_rest(u->root, path);
	if (in_base)
		buf_addf(out, BASE_MARK "/%s", in_base);
	else if (in_root)
		buf_addf(out, ROOT_MARK "%s", in_root);
	else
		buf_adds(out, path);
}

/* Settles the paths that the parser marked. */
static void settle_places(struct unit *u)
{
	struct vec *key = &u->inv.key_args;
	for (size_t i = 0; vec_ok(key) && i < key->len; i++) {
		const char *mark = strchr(key->items[i], PATH_MARK[0]);
		struct buf text = BUF_INIT;
		if (!mark)
			continue;
		buf_add(&text, key->items[i], (size_t)(mark - key->items[i]));
		add_place(u, mark + 1, &text);
		key->failed = key->failed || !buf_ok(&text);
		free(key->items[i]);
		key->items[i] = buf_detach(&text);
	}
}

static void key_text(struct vec *key, const char *what, const char *text)
{
	vec_add(key, what);
	vec_add(key, text ? "=" : "unset");
	if (text)
		vec_add(key, text);
}

static void key_place(struct unit *u, const char *what, const char *path)
{
	struct buf text = BUF_INIT;
	if (path)
		add_place(u, path, &text);
	key_text(&u->inv.key_args, what, path ? buf_str(&text) : NULL);
	u->inv.key_args.failed = u->inv.key_args.failed || !buf_ok(&text);
	buf_release(&text);
}

/* cargo puts the directory of crates in front of the list, so that rustc can load macros; what counts in there are inputs. */
static void key_library_path(struct unit *u)
{
	const char *list = env_get(u->req->envp, "LD_LIBRARY_PATH");
	key_text(&u->inv.key_args, "LD_LIBRARY_PATH", list ? "" : NULL);
	for (const char *at = list; at && *at;) {
		size_t n = strcspn(at, ":");
		char *dir = strndup(at, n);
		if (dir && vec_has(&u->rust->call.dependency_dirs, dir))
			key_place(u, "crates", dir);
		else
			key_text(&u->inv.key_args, "directory", dir);
		free(dir);
		at += n + (at[n] == ':');
	}
}

static void add_key_items(struct unit *u)
{
	struct vec *key = &u->inv.key_args;
	struct rust_unit *rust = u->rust;
	rust->option_count = key->len;
	key_text(key, "program", rust->program);
	key_text(key, "linker", rust->linker);
	key_place(u, "out-dir", rust->call.out_dir);
	if (u->root && rust->call.clippy) /* its settings may be above the root */
		vec_addn(key, u->root, (size_t)(path_base(u->root) - u->root));
	key_text(key, "cargo", env_get(u->req->envp, "CARGO") ? "" : NULL); /* diagnostics give advice for it */
	key_library_path(u);
	for (size_t i = 0; i < u->inst->key_env.len; i++)
		key_text(key, u->inst->key_env.items[i], env_get(u->req->envp, u->inst->key_env.items[i]));
}

static bool has_json_messages(const struct invocation *inv)
{
	for (size_t i = 0; i + 1 < inv->key_args.len; i++)
		if (strcmp(inv->key_args.items[i], "--error-format") == 0)
			return strcmp(inv->key_args.items[i + 1], "json") == 0;
	return false;
}

/* Messages in JSON are for a program; only their width comes from a terminal, by an option. */
static void set_terminal(struct unit *u)
{
	struct hasher h;
	hasher_init(&h);
	key_terminal(u->req, &u->terminal);
	if (!has_json_messages(&u->inv))
		hasher_field(&h, "terminal", u->terminal.bytes, DIGEST_SIZE);
	hasher_field_str(&h, "width", u->rust->call.diagnostic_width);
	hasher_end(&h, &u->terminal);
}

struct digest_memory *rust_digests(struct unit *u)
{
	struct rust_unit *rust = u->rust;
	if (!rust->digests_open)
		digests_open(&rust->digests, &u->inst->store);
	rust->digests_open = true;
	return &rust->digests;
}

static int read_known(void *arg, int dir, const char *path, struct tuple *tuple, struct digest *digest)
{
	return digests_read(rust_digests(arg), dir, path, tuple, digest, NULL);
}

const char *rust_package_dir(const struct unit *u)
{
	const char *dir = u->inst->package_tree ? env_get(u->req->envp, "CARGO_MANIFEST_DIR") : NULL;
	return dir && *dir == '/' ? dir : NULL;
}

static enum soldr_reason key_package(struct unit *u, char *detail, size_t detail_size)
{
	const char *dir = rust_package_dir(u);
	char hex[DIGEST_HEX_SIZE];
	soldr_error err = SOLDR_ERROR_INIT;
	if (!dir)
		return SOLDR_REASON_NONE;
	if (package_digest(rust_digests(u), dir, 0, &u->rust->package, NULL, &err) != 0) {
		snprintf(detail, detail_size, "%s: %s", dir, err.message);
		return SOLDR_REASON_INPUT_UNREADABLE;
	}
	digest_hex(&u->rust->package, hex);
	key_text(&u->inv.key_args, "package-tree", hex);
	return SOLDR_REASON_NONE;
}

static enum soldr_reason find_programs(struct unit *u, char *detail, size_t detail_size)
{
	struct rust_unit *rust = u->rust;
	if (!toolchain_is_proxy(u->real))
		rust->program = strdup(u->real);
	else
		rust->program = toolchain_program(u->req, path_base(u->req->argv[0]), rust->call.toolchain, detail, detail_size);
	if (!rust->program)
		return SOLDR_REASON_RUSTC;
	if (script_at(rust->program))
		return SOLDR_REASON_COMPILER_SCRIPT;
	if (rust_links(&rust->call)) {
		unsigned linked = rust->call.crate_types & ~(unsigned)(CRATE_RLIB | CRATE_STATICLIB);
		snprintf(detail, detail_size, "%s", "several crate types");
		if (linked & (linked - 1)) /* the report of one link would hide the other's */
			return SOLDR_REASON_LINK_UNKNOWN;
		rust->linker = link_program(u->req, &rust->call);
		snprintf(detail, detail_size, "%s", rust->call.linker ? rust->call.linker : "cc");
		if (!rust->linker)
			return SOLDR_REASON_LINK_UNKNOWN;
	}
	return SOLDR_REASON_NONE;
}

static enum soldr_reason read_source(struct unit *u)
{
	struct buf source = BUF_INIT;
	struct tuple tuple;
	enum soldr_reason why = SOLDR_REASON_INPUT_UNREADABLE;
	u->dir = sys.open(u->req->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	u->memo.dir = u->dir;
	u->memo.read = read_known;
	u->memo.arg = u;
	if (u->dir >= 0 && files_read(u->dir, u->inv.source, &source, &tuple, &u->source, NULL) == 0)
		why = name_crate(u, &source);
	buf_release(&source);
	return why;
}

enum soldr_reason rust_prepare(struct unit *u, char *detail, size_t detail_size, soldr_error *err, int *rc)
{
	struct rust_unit *rust = u->rust = calloc(1, sizeof *rust);
	if (!rust || rust_parse(&rust->call, &u->inv, u->req->argv, u->req->cwd) != 0) {
		*rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
		return SOLDR_REASON_NONE;
	}
	rust->link_report = rust->link_request = -1;
	rust->entered = files_clock_ns();
	snprintf(detail, detail_size, "%s", u->inv.detail);
	if (u->inv.refused != SOLDR_REASON_NONE)
		return u->inv.refused;
	const char *hostile = key_hostile_variable(FAMILY_RUSTC, u->req->envp);
	snprintf(detail, detail_size, "%s", hostile ? hostile : rust->call.target ? rust->call.target : "");
	if (hostile)
		return SOLDR_REASON_ENVIRONMENT;
	if (!is_target_known(&rust->call))
		return SOLDR_REASON_UNSUPPORTED_OPTION;
	if (u->inv.native && !native_resolve(&u->inv)) {
		snprintf(detail, detail_size, "native on a processor whose cores may differ");
		return SOLDR_REASON_UNSUPPORTED_OPTION;
	}
	enum soldr_reason why = find_programs(u, detail, detail_size);
	if (why != SOLDR_REASON_NONE)
		return why;
	snprintf(detail, detail_size, "%s", u->inv.source);
	why = read_source(u);
	if (why == SOLDR_REASON_NONE)
		why = set_outputs(u, detail, detail_size);
	if (why != SOLDR_REASON_NONE)
		return why;
	bool memory = remap_prepare(u) == 0 && set_base(u);
	settle_places(u);
	add_key_items(u);
	why = key_package(u, detail, detail_size);
	if (why != SOLDR_REASON_NONE)
		return why;
	if (!memory || !vec_ok(&u->inv.key_args)) {
		*rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
		return SOLDR_REASON_NONE;
	}
	set_terminal(u);
	*rc = key_compute(&u->key, &u->inv, u->req, u->real, NULL, &u->source, u->root, err);
	return SOLDR_REASON_NONE;
}

void rust_release(struct unit *u)
{
	struct rust_unit *rust = u->rust;
	if (!rust)
		return;
	rust_call_release(&rust->call);
	crates_release(&rust->crates);
	digests_close(&rust->digests);
	if (rust->link_report >= 0)
		sys.close(rust->link_report);
	if (rust->link_request >= 0)
		sys.close(rust->link_request);
	free(rust->base);
	free(rust->program);
	free(rust->linker);
	buf_release(&rust->moved[0]);
	buf_release(&rust->moved[1]);
	free(rust);
	u->rust = NULL;
}

/* ---- texts that name directories ---------------------------------------------------------- */

/* Notices of artifacts name files of the directory; no other line may. */
static bool move_messages(const char *text, size_t len, const char *from, const char *to, struct buf *out)
{
	const size_t head = strlen(artifact_head), n = strlen(from);
	for (const char *at = text, *end = text + len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t line = stop ? (size_t)(stop - at) + 1 : (size_t)(end - at), done = 0;
		if (line > head + n && memcmp(at, artifact_head, head) == 0 && memcmp(at + head, from, n) == 0 && at[head + n] == '/') {
			buf_add(out, at, head);
			buf_adds(out, to);
			done = head + n;
		}
		if (memmem(at + done, line - done, from, n))
			return false;
		buf_add(out, at + done, line - done);
		at += line;
	}
	return buf_ok(out);
}

bool rust_move_text(uint32_t kind, const char *text, size_t len, const char *from, const char *to, struct buf *out)
{
	return kind == ENTRY_DEPFILE ? depinfo_move(text, len, from, to, out) : move_messages(text, len, from, to, out);
}

bool rust_is_movable(const struct unit *u, uint32_t kind, const void *data, size_t len)
{
	const char *dir = u->rust->base;
	struct buf same = BUF_INIT;
	bool movable;
	if (!dir)
		return true; /* it is in the key */
	if (kind == ENTRY_DEPFILE || kind == ENTRY_STDERR)
		movable = rust_move_text(kind, data, len, dir, dir, &same) && same.len == len && (!len || memcmp(same.data, data, len) == 0);
	else
		movable = !len || !memmem(data, len, dir, strlen(dir));
	buf_release(&same);
	return movable;
}

bool rust_is_quiet(const soldr_exit *ex)
{
	const char *at = ex->stderr_data, *end = at ? at + ex->stderr_len : at;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop || (size_t)(stop - at) < strlen(artifact_head) || memcmp(at, artifact_head, strlen(artifact_head)) != 0)
			return false;
		at = stop + 1;
	}
	return ex->stdout_len == 0;
}

static int move_texts(struct unit *u, struct entry *e, soldr_error *err)
{
	static const uint32_t kinds[] = {ENTRY_DEPFILE, ENTRY_STDERR};
	const struct entry_section *root = entry_find(e, ENTRY_BASE);
	struct rust_unit *rust = u->rust;
	struct buf from = BUF_INIT;
	int rc = 0;
	if (!root || !rust->base)
		return 0;
	rc = entry_unpack(root, &from, err);
	bool same = !rc && strcmp(buf_str(&from), rust->base) == 0;
	for (size_t i = 0; !rc && !same && i < sizeof kinds / sizeof *kinds; i++) {
		struct entry_section *s = e->sections;
		struct buf raw = BUF_INIT;
		while (s < e->sections + e->section_count && s->kind != kinds[i])
			s++;
		if (s == e->sections + e->section_count)
			continue;
		rc = entry_unpack(s, &raw, err);
		if (!rc && !rust_move_text(kinds[i], buf_str(&raw), raw.len, buf_str(&from), rust->base, &rust->moved[i]))
			rc = err_set(err, SOLDR_E_CORRUPT, 0, origin, E710_OUTPUT_DIRECTORY_PLACE);
		buf_release(&raw);
		*s = (struct entry_section){.kind = kinds[i], .executable = s->executable, .data = buf_str(&rust->moved[i]),
		                            .len = rust->moved[i].len, .raw_len = rust->moved[i].len};
	}
	buf_release(&from);
	return rc;
}

int rust_fit_entry(struct unit *u, struct entry *e, soldr_error *err)
{
	const struct rust_call *call = &u->rust->call;
	struct stat st;
	int rc = 0;
	/* With a dep-info to write, rustc fails where there is no directory. */
	if (call->out_dir && !(call->emits & 1u << EMIT_DEP_INFO) && sys.fstatat(u->dir, call->out_dir, &st, 0) != 0) {
		char *dir = path_absolute(u->req->cwd, call->out_dir);
		rc = dir ? fs_make_dirs(dir, 0777, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
		free(dir);
	}
	return rc ? rc : move_texts(u, e, err);
}
