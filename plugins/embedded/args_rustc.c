/*
 * args_rustc: see args_rustc.h.
 *
 * Two tables: the options of rustc and, behind -C, those of its code generator
 * (rustc book, "Command-line Arguments" and "Codegen Options"; checked against
 * rustc 1.95). What is in neither is refused: rustc knows no other, or it is
 * newer than the tables. Everything else goes into the key, in order.
 */
#include "args_rustc.h"

#include "fs.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum effect {
	KEY,            /* decides the result; nothing else */
	QUESTION,
	SOURCE_VALUE,   /* a profile whose content decides */
	EMIT,
	CRATE_TYPE,
	CRATE_NAME,
	EXTERN,
	SEARCH,         /* -L */
	NATIVE_LIB,     /* -l */
	OUT_DIR,
	OUTPUT,
	TARGET,
	SYSROOT,
	TEST,
	CODEGEN,        /* -C */
	DIAGNOSTIC_WIDTH,
	EXTRA_FILENAME,
	INCREMENTAL,    /* its directory does not matter, that it is one does */
	LINKER,
	CPU,
	PLUGIN_LTO,
	REMAP,
	KEEPS_PATHS,
	FOREIGN,
	SWITCHED_OFF,   /* side outputs unless its value says no */
	REFUSE_SIDE_OUTPUT,
	REFUSE_UNSUPPORTED
};

struct rust_option {
	const char *spelling;
	bool takes_value;
	enum effect effect;
};

static const struct rust_option options[] = {
	{"--allow", true, KEY},
	{"--cap-lints", true, FOREIGN},
	{"--cfg", true, KEY},
	{"--check-cfg", true, KEY},
	{"--codegen", true, CODEGEN},
	{"--color", true, KEY},
	{"--crate-name", true, CRATE_NAME},
	{"--crate-type", true, CRATE_TYPE},
	{"--deny", true, KEY},
	{"--diagnostic-width", true, DIAGNOSTIC_WIDTH},
	{"--edition", true, KEY},
	{"--emit", true, EMIT},
	{"--error-format", true, KEY},
	{"--explain", true, QUESTION},
	{"--extern", true, EXTERN},
	{"--forbid", true, KEY},
	{"--force-warn", true, KEY},
	{"--help", false, QUESTION},
	{"--json", true, KEY},
	{"--out-dir", true, OUT_DIR},
	{"--print", true, QUESTION},
	{"--remap-path-prefix", true, REMAP},
	{"--remap-path-scope", true, KEEPS_PATHS},
	{"--sysroot", true, SYSROOT},
	{"--target", true, TARGET},
	{"--test", false, TEST},
	{"--verbose", false, KEY},
	{"--version", false, QUESTION},
	{"--warn", true, KEY},
	{"-A", true, KEY},
	{"-C", true, CODEGEN},
	{"-D", true, KEY},
	{"-F", true, KEY},
	{"-L", true, SEARCH},
	{"-O", false, KEY},
	{"-V", false, QUESTION},
	{"-W", true, KEY},
	{"-Z", true, REFUSE_UNSUPPORTED},
	{"-g", false, KEY},
	{"-h", false, QUESTION},
	{"-l", true, NATIVE_LIB},
	{"-o", true, OUTPUT},
	{"-v", false, KEY},
	{"-vV", false, QUESTION},
};

static const struct rust_option codegen_options[] = {
	{"ar", true, KEY},
	{"code-model", true, KEY},
	{"codegen-units", true, KEY},
	{"control-flow-guard", true, KEY},
	{"debug-assertions", true, KEY},
	{"debuginfo", true, KEY},
	{"default-linker-libraries", true, KEY},
	{"dlltool", true, REFUSE_UNSUPPORTED},
	{"dwarf-version", true, KEY},
	{"embed-bitcode", true, KEY},
	{"extra-filename", true, EXTRA_FILENAME},
	{"force-frame-pointers", true, KEY},
	{"force-unwind-tables", true, KEY},
	{"incremental", true, INCREMENTAL},
	{"inline-threshold", true, KEY},
	{"instrument-coverage", true, KEEPS_PATHS},
	{"link-arg", true, KEY},  /* what the linker reads is learnt from its own command line */
	{"link-args", true, KEY},
	{"link-dead-code", true, KEY},
	{"link-self-contained", true, KEY},
	{"linker", true, LINKER},
	{"linker-features", true, KEY},
	{"linker-flavor", true, KEY},
	{"linker-plugin-lto", true, PLUGIN_LTO},
	{"llvm-args", true, REFUSE_UNSUPPORTED},
	{"lto", true, KEY},
	{"metadata", true, KEY},
	{"no-prepopulate-passes", true, KEY},
	{"no-redzone", true, KEY},
	{"no-stack-check", true, KEY},
	{"no-vectorize-loops", true, KEY},
	{"no-vectorize-slp", true, KEY},
	{"opt-level", true, KEY},
	{"overflow-checks", true, KEY},
	{"panic", true, KEY},
	{"passes", true, REFUSE_UNSUPPORTED},
	{"prefer-dynamic", true, KEY},
	{"profile-generate", true, KEEPS_PATHS}, /* the directory is where the program will write */
	{"profile-use", true, SOURCE_VALUE},
	{"relocation-model", true, KEY},
	{"relro-level", true, KEY},
	{"remark", true, KEY},
	{"rpath", true, REFUSE_UNSUPPORTED}, /* the output's place is in the output */
	{"save-temps", true, SWITCHED_OFF},
	{"soft-float", true, KEY},
	{"split-debuginfo", true, SWITCHED_OFF},
	{"strip", true, KEY},
	{"symbol-mangling-version", true, KEY},
	{"target-cpu", true, CPU},
	{"target-feature", true, KEY},
};

struct parse {
	struct rust_call *call;
	struct invocation *inv;
	const char *cwd;
	const char *const *args; /* expanded */
	size_t at;
	const char *question, *source;
	size_t inputs;
	enum soldr_reason refused;
	char detail[200];
	bool no_memory;
};

static void refuse(struct parse *p, enum soldr_reason reason, const char *detail)
{
	if (p->refused != SOLDR_REASON_NONE)
		return;
	p->refused = reason;
	snprintf(p->detail, sizeof p->detail, "%s", detail);
}

static void set_text(struct parse *p, char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	p->no_memory = p->no_memory || !*to;
}

/* An option that may stand once. rustc rejects a second one, or takes one of them: not worth knowing which. */
static void set_once(struct parse *p, char **to, const char *text)
{
	if (*to)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, text);
	set_text(p, to, text);
}

static void emit(struct parse *p, const char *list)
{
	static const char *const names[EMIT_KINDS] = {
		[EMIT_DEP_INFO] = "dep-info", [EMIT_METADATA] = "metadata", [EMIT_MIR] = "mir", [EMIT_LLVM_IR] = "llvm-ir",
		[EMIT_LLVM_BC] = "llvm-bc", [EMIT_ASM] = "asm", [EMIT_OBJ] = "obj", [EMIT_LINK] = "link",
	};
	for (const char *at = list; *at;) {
		size_t len = strcspn(at, ","), name = strcspn(at, "=,");
		int kind = 0;
		while (kind < EMIT_KINDS && (strlen(names[kind]) != name || memcmp(names[kind], at, name) != 0))
			kind++;
		if (kind == EMIT_KINDS) {
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, list);
			return;
		}
		p->call->emits |= 1u << kind;
		if (name < len) {
			char *path = strndup(at + name + 1, len - name - 1);
			p->no_memory = p->no_memory || !path;
			if (path && (!*path || strcmp(path, "-") == 0))
				refuse(p, SOLDR_REASON_STDOUT_OUTPUT, list);
			free(p->call->emit_path[kind]);
			p->call->emit_path[kind] = path;
		}
		at += len + (at[len] == ',');
	}
}

static void crate_type(struct parse *p, const char *list)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {
		{"lib", CRATE_RLIB}, {"rlib", CRATE_RLIB}, {"staticlib", CRATE_STATICLIB}, {"cdylib", CRATE_CDYLIB},
		{"dylib", CRATE_DYLIB}, {"proc-macro", CRATE_PROC_MACRO}, {"bin", CRATE_BIN},
	};
	p->call->crate_type_given = true;
	for (const char *at = list; *at;) {
		size_t len = strcspn(at, ","), i = 0, count = sizeof names / sizeof *names;
		while (i < count && (strlen(names[i].name) != len || memcmp(names[i].name, at, len) != 0))
			i++;
		if (i == count)
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, list);
		else
			p->call->crate_types |= names[i].bit;
		at += len + (at[len] == ',');
	}
}

/* [options:]NAME[=PATH] */
static void add_extern(struct parse *p, const char *value)
{
	const char *equals = strchr(value, '='), *colon = strchr(value, ':');
	const char *name = colon && (!equals || colon < equals) ? colon + 1 : value;
	if (equals) {
		vec_addn(&p->call->extern_names, name, (size_t)(equals - name));
		vec_add(&p->call->extern_paths, equals + 1);
		if (!equals[1])
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, value);
	} else {
		vec_add(&p->call->bare_externs, name);
	}
}

/* [KIND=]PATH. *path: where in the value the path begins. */
static void add_search(struct parse *p, const char *value, const char **path)
{
	struct rust_call *call = p->call;
	const struct {
		const char *head;
		struct vec *to[2];
	} kinds[] = {
		{"dependency=", {&call->dependency_dirs, NULL}},
		{"crate=", {&call->crate_dirs, NULL}},
		{"native=", {&call->native_dirs, NULL}},
		{"all=", {&call->crate_dirs, &call->native_dirs}},
		{"framework=", {NULL, NULL}},
		{"", {&call->crate_dirs, &call->native_dirs}},
	};
	size_t k = 0;
	while (strncmp(value, kinds[k].head, strlen(kinds[k].head)) != 0)
		k++;
	*path = value + strlen(kinds[k].head);
	if (!**path || strncmp(*path, "@RUSTC_BUILTIN", 14) == 0)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, value);
	for (int i = 0; i < 2; i++)
		if (kinds[k].to[i])
			vec_add(kinds[k].to[i], *path);
}

/* [KIND[:MODIFIERS]=]NAME[:RENAME]. A static library becomes part of the output, also where no linker runs. */
static void add_native(struct parse *p, const char *value)
{
	const char *equals = strchr(value, '='), *name = equals ? equals + 1 : value;
	if (strncmp(value, "static", 6) != 0 || !equals)
		return;
	if (strstr(value, "verbatim") || strchr(name, ':'))
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, value);
	vec_add(&p->call->static_libs, name);
}

static bool is_off(const char *value)
{
	static const char *const no[] = {"off", "no", "n", "false"};
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (strcmp(value, no[i]) == 0)
			return true;
	return false;
}

static const struct rust_option *find(const struct rust_option *table, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(table[i].spelling) == len && memcmp(table[i].spelling, name, len) == 0)
			return &table[i];
	return NULL;
}

static void keep(struct parse *p, const char *option, const char *value)
{
	vec_add(&p->inv->key_args, option);
	if (value)
		vec_add(&p->inv->key_args, value);
}

/* at: where in the value a path begins that only says where a file is. */
static void keep_place(struct parse *p, const char *option, const char *value, const char *at)
{
	struct buf text = BUF_INIT;
	buf_add(&text, value, (size_t)(at - value));
	buf_addf(&text, PATH_MARK "%s", at);
	keep(p, option, buf_str(&text));
	p->no_memory = p->no_memory || !buf_ok(&text);
	buf_release(&text);
}

/* FROM=TO; the last "=" counts. */
static void remap(struct parse *p, const char *option, const char *value)
{
	const char *equals = strrchr(value, '=');
	if (!equals) {
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, value);
		return;
	}
	struct vec *mapped = &p->call->mapped;
	vec_addn(mapped, value, (size_t)(equals - value));
	if (!vec_ok(mapped))
		return;
	keep(p, option, NULL);
	keep_place(p, "from", mapped->items[mapped->len - 1], mapped->items[mapped->len - 1]);
	keep(p, "to", equals + 1);
}

static void codegen(struct parse *p, const char *value)
{
	size_t len = strcspn(value, "=");
	const char *setting = value[len] ? value + len + 1 : "";
	struct buf name = BUF_INIT;
	buf_add(&name, value, len);
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == '_')
			name.data[i] = '-'; /* rustc takes both */
	const struct rust_option *o = find(codegen_options, sizeof codegen_options / sizeof *codegen_options, buf_str(&name), name.len);
	p->no_memory = p->no_memory || !buf_ok(&name);
	buf_release(&name);
	switch (o ? o->effect : REFUSE_UNSUPPORTED) {
	case EXTRA_FILENAME:
		set_text(p, &p->call->extra_filename, setting);
		break;
	case INCREMENTAL:
		p->call->incremental = true;
		keep(p, "-C", "incremental");
		return;
	case LINKER:
		set_text(p, &p->call->linker, setting);
		break;
	case CPU:
		p->inv->native = strcmp(setting, "native") == 0; /* the last one counts */
		break;
	case PLUGIN_LTO: /* bitcode in place of machine code; a linker would read more than it reports */
		p->call->plugin_lto = !is_off(setting);
		break;
	case SOURCE_VALUE: /* a profile: functions of the same name are told apart by their files */
		vec_add(&p->inv->extra_inputs, setting);
		p->call->keeps_paths = true;
		break;
	case KEEPS_PATHS:
		p->call->keeps_paths = true;
		break;
	case SWITCHED_OFF:
		if (!is_off(setting))
			refuse(p, SOLDR_REASON_SIDE_OUTPUT, value);
		break;
	case KEY:
		break;
	default:
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, value);
		break;
	}
	keep(p, "-C", value);
}

/* Applies an option and puts it into the key. */
static void apply(struct parse *p, const struct rust_option *o, const char *value)
{
	struct rust_call *call = p->call;
	const char *path = NULL;
	switch (o->effect) {
	case QUESTION:
		p->question = o->spelling;
		return;
	case CODEGEN:
		codegen(p, value);
		return;
	case DIAGNOSTIC_WIDTH: /* like the width of a terminal */
		set_text(p, &call->diagnostic_width, value);
		return;
	case OUT_DIR:
		set_once(p, &call->out_dir, value);
		return;
	case EXTERN:
		add_extern(p, value);
		path = strchr(value, '=');
		if (path)
			keep_place(p, o->spelling, value, path + 1);
		else
			keep(p, o->spelling, value);
		return;
	case SEARCH:
		add_search(p, value, &path);
		keep_place(p, o->spelling, value, path);
		return;
	case EMIT:
		emit(p, value);
		break;
	case CRATE_TYPE:
		crate_type(p, value);
		break;
	case CRATE_NAME:
		set_once(p, &call->crate_name, value);
		break;
	case NATIVE_LIB:
		add_native(p, value);
		break;
	case OUTPUT:
		set_once(p, &call->output, value);
		if (!*value || strcmp(value, "-") == 0)
			refuse(p, SOLDR_REASON_STDOUT_OUTPUT, o->spelling);
		break;
	case TARGET:
		set_once(p, &call->target, value);
		if (strlen(value) > 5 && strcmp(value + strlen(value) - 5, ".json") == 0)
			vec_add(&p->inv->extra_inputs, value);
		break;
	case SYSROOT:
		set_once(p, &call->sysroot, value);
		break;
	case TEST:
		call->test = true;
		break;
	case FOREIGN:
		call->foreign = true;
		break;
	case KEEPS_PATHS:
		call->keeps_paths = true;
		break;
	case REMAP:
		remap(p, o->spelling, value);
		return;
	case KEY:
		break;
	default:
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, value ? value : o->spelling);
		break;
	}
	keep(p, o->spelling, value);
}

/* The option at the cursor and its value; moves the cursor over a separate value. NULL: none that is known. */
static const struct rust_option *take(struct parse *p, const char **value)
{
	const char *arg = p->args[p->at];
	bool is_long = strncmp(arg, "--", 2) == 0;
	size_t len = is_long ? strcspn(arg, "=") : 2;
	const struct rust_option *o = find(options, sizeof options / sizeof *options, arg, strlen(arg));
	*value = NULL;
	if (!o)
		o = find(options, sizeof options / sizeof *options, arg, len);
	if (!o || (!o->takes_value && strlen(arg) > strlen(o->spelling)))
		return NULL;
	if (!o->takes_value)
		return o;
	if (arg[len])
		*value = arg + len + is_long;
	else if (p->args[p->at + 1])
		*value = p->args[++p->at];
	return *value ? o : NULL;
}

static void each_argument(struct parse *p)
{
	for (p->at = 0; p->args[p->at]; p->at++) {
		const char *arg = p->args[p->at], *value;
		if (arg[0] != '-' || !arg[1]) {
			p->inputs++;
			p->source = arg;
			continue;
		}
		const struct rust_option *o = take(p, &value);
		if (o)
			apply(p, o, value);
		else
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, arg);
	}
}

/* The marks of rust.c would be taken for its own. */
static void refuse_marks(struct parse *p)
{
	for (p->at = 0; p->args[p->at]; p->at++)
		if (strpbrk(p->args[p->at], "\001\002"))
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, p->args[p->at]);
}

static void settle(struct parse *p)
{
	struct invocation *inv = p->inv;
	struct rust_call *call = p->call;
	enum soldr_reason why = p->refused;
	const char *detail = p->detail;
	if (p->question)
		why = SOLDR_REASON_PROBE, detail = p->question;
	else if (p->inputs == 0)
		why = SOLDR_REASON_NO_INPUT, detail = "";
	else if (p->inputs > 1)
		why = SOLDR_REASON_MULTIPLE_INPUTS, detail = p->source;
	else if (strcmp(p->source, "-") == 0)
		why = SOLDR_REASON_STDIN_INPUT, detail = "-";
	if (why != SOLDR_REASON_NONE) {
		inv->refused = why;
		snprintf(inv->detail, sizeof inv->detail, "%s", detail);
		return;
	}
	set_text(p, &inv->source, p->source);
	if (!call->emits)
		call->emits = 1u << EMIT_LINK;
	if (call->test)
		call->crate_types = CRATE_BIN;
	else if (!call->crate_types)
		call->crate_types = CRATE_BIN;
	if (call->plugin_lto && rust_links(call)) {
		inv->refused = SOLDR_REASON_UNSUPPORTED_OPTION;
		snprintf(inv->detail, sizeof inv->detail, "a link with linker-plugin-lto");
	}
}

/* Argument files: one argument a line. */
static bool add_argfile(struct parse *p, struct vec *args, const char *name)
{
	struct buf text = BUF_INIT;
	char *path = path_absolute(p->cwd, name);
	bool good = path && fs_read_file(path, RUST_ARGFILE_MAX, &text, NULL) == 0 && strlen(buf_str(&text)) == text.len;
	for (const char *at = buf_str(&text); good && *at;) {
		size_t n = strcspn(at, "\n");
		vec_addn(args, at, n - (n > 0 && at[n - 1] == '\r'));
		at += n + (at[n] == '\n');
	}
	free(path);
	buf_release(&text);
	return good;
}

static bool expand(struct parse *p, const char *const *argv, struct vec *args)
{
	for (size_t i = 0; argv[i]; i++) {
		if (argv[i][0] != '@') {
			vec_add(args, argv[i]);
			continue;
		}
		p->inv->expanded = true;
		if (!add_argfile(p, args, argv[i] + 1)) {
			p->inv->refused = SOLDR_REASON_RESPONSE_FILE;
			snprintf(p->inv->detail, sizeof p->inv->detail, "%s", argv[i] + 1);
			return false;
		}
	}
	if (args->len > RUST_ARGS_MAX)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, "too many arguments");
	return true;
}

int rust_parse(struct rust_call *call, struct invocation *inv, const char *const *argv, const char *cwd)
{
	struct parse p = {.call = call, .inv = inv, .cwd = cwd};
	size_t skip = 1;
	inv->family = FAMILY_RUSTC;
	inv->cwd_in_key = true; /* it is in the metadata of every crate */
	call->clippy = strcmp(path_base(argv[0]), "clippy-driver") == 0;
	vec_add(&inv->args, argv[0]);
	if (argv[1] && argv[1][0] == '+')
		call->toolchain = argv[skip++] + 1;
	/* As cargo calls a workspace wrapper: the compiler's path comes first. */
	if (call->clippy && argv[skip] && strcmp(path_base(argv[skip]), "rustc") == 0)
		keep(&p, argv[skip++], NULL);
	call->head = skip;
	if (expand(&p, argv + skip, &inv->args) && vec_ok(&inv->args)) {
		p.args = vec_items(&inv->args) + 1;
		refuse_marks(&p);
		each_argument(&p);
		settle(&p);
	}
	const struct vec *lists[] = {
		&inv->args, &inv->key_args, &inv->extra_inputs, &call->extern_names, &call->extern_paths, &call->bare_externs,
		&call->dependency_dirs, &call->crate_dirs, &call->native_dirs, &call->static_libs, &call->mapped,
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		p.no_memory = p.no_memory || !vec_ok(lists[i]);
	return p.no_memory ? -1 : 0;
}

void rust_call_release(struct rust_call *call)
{
	char *texts[] = {call->crate_name, call->extra_filename, call->out_dir, call->output,
	                 call->target, call->sysroot, call->linker, call->diagnostic_width};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	for (size_t i = 0; i < EMIT_KINDS; i++)
		free(call->emit_path[i]);
	vec_release(&call->extern_names);
	vec_release(&call->extern_paths);
	vec_release(&call->bare_externs);
	vec_release(&call->dependency_dirs);
	vec_release(&call->crate_dirs);
	vec_release(&call->native_dirs);
	vec_release(&call->static_libs);
	vec_release(&call->mapped);
	*call = (struct rust_call){0};
}

bool rust_links(const struct rust_call *call)
{
	return (call->emits & 1u << EMIT_LINK) && (call->crate_types & ~(unsigned)(CRATE_RLIB | CRATE_STATICLIB));
}

bool rust_bundles(const struct rust_call *call)
{
	return rust_links(call) || ((call->emits & 1u << EMIT_LINK) && (call->crate_types & CRATE_STATICLIB));
}

const char *path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (!n || strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	for (path += n; *path == '/'; path++)
		;
	return path;
}
