/* The parser of rustc's command lines: a table of calls with all that is read from them, and argument files. */
#include "args_rustc.h"
#include "args_rustc_rows.h"
#include "room.h"

void suite_args_rustc(void);

static void split_line(struct vec *argv, const char *line)
{
	while (*line) {
		size_t len = strcspn(line, " ");
		vec_addn(argv, line, len);
		line += len + (line[len] == ' ');
	}
}

static void render_list(struct buf *out, const char *title, const struct vec *list)
{
	if (list->len)
		buf_addf(out, " | %s", title);
	for (size_t i = 0; i < list->len; i++)
		buf_addf(out, " %s", list->items[i]);
}

static void render_text(struct buf *out, const char *title, const char *text)
{
	if (text)
		buf_addf(out, " | %s %s", title, text);
}

static void render_kinds(struct buf *out, const struct rust_call *call)
{
	static const char *const emits[EMIT_KINDS] = {"dep-info", "metadata", "mir", "llvm-ir", "llvm-bc", "asm", "obj", "link"};
	static const char *const types[] = {"rlib", "staticlib", "cdylib", "dylib", "proc-macro", "bin"};
	buf_adds(out, " | emits");
	for (size_t i = 0; i < EMIT_KINDS; i++)
		if (call->emits & 1u << i)
			buf_addf(out, call->emit_path[i] ? " %s=%s" : " %s", emits[i], call->emit_path[i]);
	buf_adds(out, " | types");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (call->crate_types & 1u << i)
			buf_addf(out, " %s", types[i]);
}

static void render(struct buf *out, const struct rust_call *call, const struct invocation *inv)
{
	buf_addf(out, "%s", inv->source);
	render_kinds(out, call);
	render_text(out, "toolchain", call->toolchain);
	if (call->crate_name)
		buf_addf(out, " | name %s %s", call->crate_name, call->extra_filename ? call->extra_filename : "");
	render_text(out, "in", call->out_dir);
	render_text(out, "out", call->output);
	render_text(out, "target", call->target);
	render_text(out, "linker", call->linker);
	render_text(out, "width", call->diagnostic_width);
	if (call->clippy)
		buf_adds(out, " | clippy");
	for (size_t i = 0; i < call->extern_names.len; i++)
		buf_addf(out, "%s%s=%s", i ? " " : " | externs ", call->extern_names.items[i], call->extern_paths.items[i]);
	render_list(out, "bare", &call->bare_externs);
	render_list(out, "dependency", &call->dependency_dirs);
	render_list(out, "crates", &call->crate_dirs);
	render_list(out, "native", &call->native_dirs);
	render_list(out, "static", &call->static_libs);
	render_list(out, "inputs", &inv->extra_inputs);
	if (inv->native)
		buf_adds(out, " | native");
	render_list(out, "key", &inv->key_args);
	render_list(out, "mapped", &call->mapped);
	if (call->foreign)
		buf_adds(out, " | foreign");
	if (call->keeps_paths)
		buf_adds(out, " | keeps paths");
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] == PATH_MARK[0])
			out->data[i] = '^';
}

static void read_line(struct buf *out, const char *line, const char *cwd)
{
	static const char *const names[] = {
#define NAME(id, name, kind, text) name,
		SOLDR_REASONS(NAME)
#undef NAME
	};
	struct vec argv = VEC_INIT;
	struct rust_call call = {0};
	struct invocation inv = INVOCATION_INIT;
	split_line(&argv, line);
	SAME_NUMBER(rust_parse(&call, &inv, vec_items(&argv), cwd), 0);
	CU_ASSERT_EQUAL(inv.family, FAMILY_RUSTC);
	buf_clear(out);
	if (inv.refused != SOLDR_REASON_NONE)
		buf_addf(out, "%s: %s", names[inv.refused], inv.detail);
	else
		render(out, &call, &inv);
	rust_call_release(&call);
	invocation_release(&inv);
	vec_release(&argv);
}

static void calls_are_read(void)
{
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		read_line(&out, rows[i].line, "/");
		if (strcmp(buf_str(&out), rows[i].expected) != 0)
			fprintf(stderr, "\n%s\n  got  %s\n  want %s\n", rows[i].line, buf_str(&out), rows[i].expected);
		SAME(buf_str(&out), rows[i].expected);
	}
	buf_release(&out);
}

static void argument_files_hold_one_a_line(void)
{
	struct room room;
	struct buf out = BUF_INIT;
	room_init(&room, "rustc");
	room_put(&room, "args", "--cfg\nfeature=\"a b\"\r\na.rs\n");
	read_line(&out, "rustc @args", room.dir);
	SAME(buf_str(&out), "a.rs | emits link | types bin | key --cfg feature=\"a b\"");
	room_put(&room, "inner", "@args\n");
	read_line(&out, "rustc @inner", room.dir);
	SAME(buf_str(&out), "@args | emits link | types bin"); /* not again */
	room_put_bytes(&room, "nul", "a.rs\0b", 6);
	read_line(&out, "rustc @nul", room.dir);
	SAME(buf_str(&out), "response_file: nul");
	buf_release(&out);
	room_release(&room);
}

static void paths_below_are_told_by_whole_names(void)
{
	SAME(path_below("/a/b/c", "/a/b"), "c");
	SAME(path_below("/a/b/c", "/a/b/"), "c");
	SAME(path_below("/a/b", "/a/b"), "");
	CU_ASSERT_PTR_NULL(path_below("/a/bc", "/a/b"));
	CU_ASSERT_PTR_NULL(path_below("/a", "/a/b"));
	CU_ASSERT_PTR_NULL(path_below("/a", ""));
}

void suite_args_rustc(void)
{
	CU_pSuite s = CU_add_suite("args_rustc", NULL, NULL);
	CU_add_test(s, "r02 r09 r16: calls are read", calls_are_read);
	CU_add_test(s, "argument files hold one argument a line", argument_files_hold_one_a_line);
	CU_add_test(s, "paths below are told by whole names", paths_below_are_told_by_whole_names);
}
