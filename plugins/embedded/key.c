/* key: see key.h. */
#include "key.h"

#include "args_table.h"
#include "files.h"
#include "path.h"
#include "sys.h"
#include "worktree.h"

#include <stdlib.h>
#include <string.h>

/*
 * Variables that GCC and Clang read and that can change bytes of an output or
 * of a message (GCC manual, "Environment Variables"; clang(1)). Each is hashed
 * as set, empty or unset.
 */
static const char *const read_variables[] = {
	"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "OBJCPLUS_INCLUDE_PATH", /* where headers are */
	"GCC_EXEC_PREFIX", "COMPILER_PATH", "LIBRARY_PATH",                                           /* where programs are */
	"LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES",                                      /* language of messages */
	"SOURCE_DATE_EPOCH", "GCC_EXTRA_DIAGNOSTIC_OUTPUT", "GCC_TARGET", "CLANG_CONFIG_FILE_SYSTEM_DIR", "CLANG_CONFIG_FILE_USER_DIR",
	"CLANG_NO_DEFAULT_CONFIG", "LD_PRELOAD", "LD_LIBRARY_PATH", "SDKROOT", "MACOSX_DEPLOYMENT_TARGET", "COMPILER_RT_PROFILE",
	NULL,
};

/* Variables by which the compiler writes another file or rewrites its own options. */
static const char *const hostile_variables[] = {
	"DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "CCC_OVERRIDE_OPTIONS", "CCC_PRINT_OPTIONS", "CC_PRINT_OPTIONS",
	"CC_PRINT_HEADERS", "CC_LOG_DIAGNOSTICS", "CC_PRINT_PROC_STAT", "GCC_COMPARE_DEBUG", "COLLECT_GCC_OPTIONS", "CL", "_CL_",
	"CCC_ADD_ARGS", "GCC_ROOT", "AS_TRACE_FILE", NULL,
};

/* Variables that decide colours, links and widths of diagnostics. */
static const char *const terminal_variables[] = {
	"TERM", "COLUMNS", "GCC_COLORS", "GCC_URLS", "TERM_URLS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", NULL,
};

/*
 * Variables that rustc, clippy or the linker read. cargo's own are here because
 * procedural macros read them without telling rustc; those that change with
 * every build (CARGO_MAKEFLAGS) or name the target directory (OUT_DIR) are not.
 */
static const char *const rust_variables[] = {
	"RUSTC_BOOTSTRAP", "RUSTC_FORCE_RUSTC_VERSION", "SOURCE_DATE_EPOCH", "LD_PRELOAD", "SYSROOT",
	"UNSTABLE_RUSTDOC_TEST_LINE", "UNSTABLE_RUSTDOC_TEST_PATH",
	"CLIPPY_ARGS", "CLIPPY_CONF_DIR", "CLIPPY_TERMINAL_WIDTH", "CLIPPY_DISABLE_DOCS_LINKS",
	"CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_MANIFEST_LINKS", "CARGO_PKG_AUTHORS",
	"CARGO_PKG_DESCRIPTION", "CARGO_PKG_HOMEPAGE", "CARGO_PKG_LICENSE", "CARGO_PKG_LICENSE_FILE", "CARGO_PKG_NAME",
	"CARGO_PKG_README", "CARGO_PKG_REPOSITORY", "CARGO_PKG_RUST_VERSION", "CARGO_PKG_VERSION", "CARGO_PKG_VERSION_MAJOR",
	"CARGO_PKG_VERSION_MINOR", "CARGO_PKG_VERSION_PATCH", "CARGO_PKG_VERSION_PRE", "CARGO_PRIMARY_PACKAGE",
	"COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH", "LD_RUN_PATH", "RUSTC_RETRY_LINKER_ON_SEGFAULT", "SDKROOT",
	NULL,
};

/* Those of them that only say where the package is. */
static const char *const rust_places[] = {"CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", NULL};

/* By which rustc writes more, or looks for target files. */
static const char *const rust_hostile_variables[] = {"RUSTC_LOG", "RUST_TARGET_PATH", "RUST_DEP_GRAPH", "LDEMULATION", NULL};

const char *key_hostile_variable(enum family family, const char *const *envp)
{
	const char *const *names = family == FAMILY_RUSTC ? rust_hostile_variables : hostile_variables;
	for (; *names; names++)
		if (env_get(envp, *names))
			return *names;
	return NULL;
}

const char *const *key_variables(enum family family)
{
	return family == FAMILY_RUSTC ? rust_variables : read_variables;
}

const char *const *key_places(enum family family)
{
	static const char *const none[] = {NULL};
	return family == FAMILY_RUSTC ? rust_places : none;
}

static void field_variables(struct hasher *h, const char *const *names, const char *const *envp)
{
	for (size_t i = 0; names[i]; i++)
		hasher_field_str(h, names[i], env_get(envp, names[i]));
}

char *key_apparent_directory(const soldr_request *req)
{
	const char *pwd = env_get(req->envp, "PWD");
	struct stat a, b;
	if (pwd && strcmp(pwd, req->cwd) != 0 && *pwd == '/' && sys.stat(pwd, &a) == 0 && sys.stat(req->cwd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return strdup(pwd);
	return strdup(req->cwd);
}

static void group_compiler(struct hasher *h, const soldr_request *req, const char *real, const char *tools)
{
	/* The name chooses the driver's mode (gcc or g++, clang or clang++), the path its prefix. */
	hasher_field_str(h, "name", path_base(req->argv[0]));
	hasher_field_str(h, "path", req->compiler);
	hasher_field_str(h, "real", real);
	hasher_field_str(h, "tools", tools);
}

/*
 * Text in which a path begins at head. Below the root only what follows it
 * counts; the field then has a tag of its own, which no other text gets.
 */
static void field_path(struct hasher *h, const char *tag, const char *text, size_t head, const char *root)
{
	const char *rest = text ? worktree_rest(root, text + head) : NULL;
	if (!rest) {
		hasher_field_str(h, tag, text);
		return;
	}
	hasher_field_str(h, tag, "below the root");
	hasher_field(h, "head", text, head);
	hasher_field_str(h, "rest", rest);
}

/* The same for an option by which one path stands for another: OLD=NEW. */
static void field_prefix_map(struct hasher *h, const char *text, size_t head, const char *root)
{
	const char *equals = strchr(text + head, '=');
	char *old = equals ? strndup(text + head, (size_t)(equals - text) - head) : NULL;
	const char *rest = old ? worktree_rest(root, old) : NULL;
	if (rest) {
		hasher_field_str(h, "argument", "a map of the root");
		hasher_field(h, "head", text, head);
		hasher_field_str(h, "rest", rest);
		hasher_field_str(h, "new", equals);
	} else {
		hasher_field_str(h, "argument", text);
	}
	free(old);
}

/* The values of these options reach outputs only as names of files, which the compiler maps, or in the depfile. */
static bool names_path(const struct option *o)
{
	switch ((enum option_effect)o->effect) {
	case EFFECT_INCLUDE_QUOTE:
	case EFFECT_INCLUDE_NORMAL:
	case EFFECT_INCLUDE_SYSTEM:
	case EFFECT_INCLUDE_AFTER:
	case EFFECT_FORCED_INCLUDE:
	case EFFECT_DEPFILE_TARGET:
		return true;
	default:
		return false;
	}
}

/* key_args with paths below the root by what follows it. */
static void field_arguments(struct hasher *h, const struct invocation *inv, const char *root)
{
	for (size_t i = 0; i < inv->key_args.len; i++) {
		const char *text = inv->key_args.items[i], *value;
		const struct option *o = option_find(inv->family, text, &value);
		bool separate = o && !value && (o->arity == ARITY_SEPARATE || o->arity == ARITY_EITHER) && i + 1 < inv->key_args.len;
		size_t head = value ? (size_t)(value - text) : 0;
		if (o && value && names_path(o))
			field_path(h, "argument", text, head, root);
		else if (key_prefix_map(text))
			field_prefix_map(h, text, (size_t)(key_prefix_map(text) - text), root);
		else
			hasher_field_str(h, "argument", text);
		if (separate)
			field_path(h, "argument", inv->key_args.items[++i], 0, names_path(o) ? root : NULL);
	}
}

const char *key_prefix_map(const char *argument)
{
	static const char tail[] = "-prefix-map=";
	const char *p = strncmp(argument, "-f", 2) == 0 ? strstr(argument, tail) : NULL;
	return p ? p + strlen(tail) : NULL;
}

static void group_options(struct hasher *h, const struct invocation *inv, const char *root)
{
	const unsigned char fixed[] = {(unsigned char)inv->family, (unsigned char)inv->action, (unsigned char)inv->language,
	                               (unsigned char)inv->depfile_mode};
	hasher_field(h, "fixed", fixed, sizeof fixed);
	if (root)
		hasher_field_str(h, "mapped", "1");
	if (root && inv->family != FAMILY_RUSTC) { /* those of rustc are without the root by now */
		field_arguments(h, inv, root);
		return;
	}
	for (size_t i = 0; i < inv->key_args.len; i++)
		hasher_field_str(h, "argument", inv->key_args.items[i]);
}

static void group_output(struct hasher *h, const struct invocation *inv, const char *root)
{
	if (!inv->output_in_key)
		return;
	field_path(h, "output", inv->output, 0, root);
	field_path(h, "depfile", inv->depfile, 0, root);
}

int key_compute(struct key *key, const struct invocation *inv, const soldr_request *req, const char *real, const char *tools,
                const struct digest *source, const char *root, soldr_error *err)
{
	struct hasher all;
	bool rust = inv->family == FAMILY_RUSTC;
	char *directory = !inv->cwd_in_key ? NULL : rust ? strdup(req->cwd) : key_apparent_directory(req);
	if (inv->cwd_in_key && !directory)
		return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	hasher_init(&all);
	const uint32_t format = KEY_FORMAT;
	hasher_field_u32(&all, "format", &format, 1);
	for (int g = 0; g < KEY_GROUPS; g++) {
		struct hasher h;
		hasher_init(&h);
		switch ((enum key_group)g) {
		case KEY_COMPILER:
			group_compiler(&h, req, real, tools);
			break;
		case KEY_OPTIONS:
			group_options(&h, inv, root);
			break;
		case KEY_ENVIRONMENT:
			field_variables(&h, key_variables(inv->family), req->envp);
			for (const char *const *name = key_places(inv->family); *name; name++)
				field_path(&h, *name, env_get(req->envp, *name), 0, root);
			break;
		case KEY_DIRECTORY:
			field_path(&h, "directory", directory, 0, root);
			break;
		case KEY_OUTPUT:
			group_output(&h, inv, root);
			break;
		case KEY_SOURCE:
			field_path(&h, "path", inv->source, 0, root);
			hasher_field(&h, "content", source->bytes, DIGEST_SIZE);
			break;
		case KEY_GROUPS:
			break;
		}
		hasher_end(&h, &key->group[g]);
		hasher_field(&all, key_group_name((enum key_group)g), key->group[g].bytes, DIGEST_SIZE);
	}
	hasher_end(&all, &key->direct);
	free(directory);
	return 0;
}

void key_terminal(const soldr_request *req, struct digest *d)
{
	struct hasher h;
	const uint32_t facts[] = {req->stdout_kind, req->stderr_kind, req->columns};
	hasher_init(&h);
	hasher_field_u32(&h, "kinds", facts, sizeof facts / sizeof *facts);
	field_variables(&h, terminal_variables, req->envp);
	hasher_end(&h, d);
}

const char *key_group_name(enum key_group g)
{
	static const char *const names[KEY_GROUPS] = {
		[KEY_COMPILER] = "compiler", [KEY_OPTIONS] = "options", [KEY_ENVIRONMENT] = "environment",
		[KEY_DIRECTORY] = "directory", [KEY_OUTPUT] = "output", [KEY_SOURCE] = "source",
	};
	return (unsigned)g < KEY_GROUPS ? names[g] : "unknown";
}
