/*
 * args_gcc: parses a command line of GCC or Clang into an invocation.
 *
 * One pass over the expanded arguments: each option is looked up in
 * args_table and its effect applied; what is kept goes to key_args in order.
 * A second step, finish(), looks at the whole: one source, its language, the
 * names the driver would choose. Refusals found on the way are kept, the first
 * one wins, but what kind of call it is (a question, a link, …) is said first.
 */
#include "args_names.h"
#include "args_sides.h"
#include "args_table.h"
#include "path.h"
#include "response.h"
#include "sys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	struct invocation *inv;
	const char *cwd;
	size_t at; /* the argument under the cursor */
	struct program_name program;
	bool cxx;

	enum soldr_reason refused; /* by an option */
	char detail[200];
	bool no_memory;

	const char *question, *preprocess; /* the option that makes it one */
	bool assembly;
	struct side_request sides;
	size_t inputs;
	bool stdin_input;
	const char *source;
	const char *language_name;  /* of the last -x; NULL: by extension */
	const char *source_language_name;
	bool architecture_given;
	bool assembler_value_next; /* the next item for the assembler is a value */
	struct vec *frontend_value; /* where the next item for Clang's front end goes; NULL: it is an option */
	bool emits_precompiled;     /* -Xclang -emit-pch */

	unsigned all_count, user_count, list_count; /* -MD, -MMD, and either in a -Wp, */
	bool list_user;
	const char *depfile; /* of -MF or -Wp, */
	char *list_depfile;
	bool depfile_conflict, target_given, phony_given;
};

static void refuse(struct parse *p, enum soldr_reason reason, const char *detail)
{
	if (p->refused != SOLDR_REASON_NONE)
		return;
	p->refused = reason;
	snprintf(p->detail, sizeof p->detail, "%s", detail);
}

static char *copy_text(struct parse *p, const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		p->no_memory = true;
	return copy;
}

static bool starts_with(const char *text, const char *head)
{
	return !strncmp(text, head, strlen(head));
}

/*
 * Whether the value of an option nobody classified may name a file. A word
 * that names an existing file does, whatever it looks like.
 */
static bool may_name_file(struct parse *p, const char *value)
{
	const char *dot = strrchr(value, '.');
	struct stat st;

	if (strchr(value, '/') || value[0] == '.' || (dot && isalpha((unsigned char)dot[1])))
		return true;
	char *path = *value ? path_join(p->cwd, value) : NULL;
	bool exists = path && sys.stat(path, &st) == 0;
	if (*value && !path)
		p->no_memory = true;
	free(path);
	return exists;
}

static void keep(struct parse *p, const char *argument)
{
	vec_add(&p->inv->key_args, argument);
}

/* The same for an option as it stands: only what follows '=' is a value for sure. */
static bool option_may_name_file(struct parse *p, const char *argument)
{
	const char *equals = strchr(argument, '=');

	return equals ? may_name_file(p, equals + 1) : strchr(argument, '/') != NULL;
}

static void unknown_option(struct parse *p, const char *argument)
{
	if (option_may_name_file(p, argument))
		refuse(p, SOLDR_REASON_UNKNOWN_FILE_OPTION, argument);
	keep(p, argument);
}

static void add_include_dir(struct parse *p, enum include_kind kind, const char *path, const char *argument)
{
	struct invocation *inv = p->inv;
	size_t count = inv->include_dir_count;

	/* "=" and "$SYSROOT" stand for a directory that only the driver knows. */
	if (!*path || *path == '=' || starts_with(path, "$SYSROOT") || !strcmp(path, "-")) {
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
		return;
	}
	if ((count & (count - 1)) == 0) { /* full at each power of two */
		struct include_dir *grown = realloc(inv->include_dirs, (count ? count * 2 : 1) * sizeof *grown);
		if (!grown) {
			p->no_memory = true;
			return;
		}
		inv->include_dirs = grown;
	}
	char *copy = copy_text(p, path, strlen(path));
	if (copy)
		inv->include_dirs[inv->include_dir_count++] = (struct include_dir){kind, copy};
}

static void set_output(struct parse *p, const char *value, const char *argument)
{
	/* GCC rejects a second -o in some versions only, Clang takes the last. */
	if (p->inv->output_given || !*value) {
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
		return;
	}
	p->inv->output = copy_text(p, value, strlen(value));
	p->inv->output_given = true;
}

static void set_language(struct parse *p, const char *value, const char *argument)
{
	/* Drivers warn about a -x after the last input: its place would matter. */
	if (p->inputs)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
	p->language_name = strcmp(value, "none") ? value : NULL;
}

static void set_driver_mode(struct parse *p, const char *value, const char *argument)
{
	if (!strcmp(value, "g++"))
		p->cxx = true;
	else if (!strcmp(value, "gcc"))
		p->cxx = false;
	else
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
}

static void set_depfile(struct parse *p, const char *value)
{
	if (p->depfile && strcmp(p->depfile, value) != 0)
		p->depfile_conflict = true;
	p->depfile = value;
}

static void set_colour(struct parse *p, const char *value)
{
	p->inv->colour_given = !value || !strcmp(value, "always") || !strcmp(value, "never");
}

/* The next item of a comma list, copied into item; false at the end. */
static bool next_item(const char **at, struct buf *item)
{
	const char *start = *at;

	if (!start)
		return false;
	size_t len = strcspn(start, ",");
	buf_clear(item);
	buf_add(item, start, len);
	*at = start[len] ? start + len + 1 : NULL;
	return true;
}

static void add_side_file(struct parse *p, const char *path, bool keeps_mode, const char *argument)
{
	if (p->inv->side_count == SIDE_OUTPUTS_MAX)
		refuse(p, SOLDR_REASON_SIDE_OUTPUT, argument);
	else if (!sides_add(p->inv, path, false, keeps_mode))
		p->no_memory = true;
}

static void ask_for_side(struct parse *p, enum side side, const char *value, const char *argument)
{
	p->sides.kinds |= 1u << side;
	switch (side) {
	case SIDE_FILE:
	case SIDE_FILE_ANEW: add_side_file(p, value, side == SIDE_FILE, argument); break;
	case SIDE_RECORD_FILE: p->sides.record_file = value; break;
	case SIDE_TEMPORARIES:
		/* Which of two forms wins is not relied on. */
		if ((*value && strcmp(value, "=obj") != 0 && strcmp(value, "=cwd") != 0) ||
		    (p->sides.temporaries && strcmp(p->sides.temporaries, value) != 0))
			refuse(p, SOLDR_REASON_SIDE_OUTPUT, argument);
		p->sides.temporaries = value;
		break;
	default: break;
	}
}

static void assembler_item(struct parse *p, const char *item, const char *argument)
{
	if (p->assembler_value_next) {
		p->assembler_value_next = false;
		return;
	}
	const char *listing = assembler_listing_file(item);
	if (listing) {
		p->inv->cwd_in_key = p->inv->output_in_key = true;
		add_side_file(p, listing, true, argument);
		return;
	}
	const struct assembler_option *o = assembler_option_find(item);
	if (!o) {
		/* -a…, --MD and -o write files; @file and what is not known may read one. */
		bool writes = starts_with(item, "-a") || starts_with(item, "-MD") || starts_with(item, "--MD") ||
		              starts_with(item, "-o");
		refuse(p, writes ? SOLDR_REASON_SIDE_OUTPUT : SOLDR_REASON_UNSUPPORTED_OPTION, argument);
		return;
	}
	p->assembler_value_next = o->takes_next;
	p->inv->cwd_in_key |= o->cwd;
}

static void assembler_list(struct parse *p, const char *list, const char *argument)
{
	struct buf item = BUF_INIT;

	while (next_item(&list, &item))
		assembler_item(p, buf_str(&item), argument);
	if (!buf_ok(&item))
		p->no_memory = true;
	buf_release(&item);
}

static bool is_macro_item(const char *item)
{
	return starts_with(item, "-D") || starts_with(item, "-U");
}

/*
 * -Wp,LIST. The depfile's name leaves the key, as that of -MF does; replaced
 * is the list with -MD for -MMD. Clang understands the depfile options only
 * where they are the whole list.
 */
static void preprocessor_list(struct parse *p, const char *list, const char *argument)
{
	struct buf item = BUF_INIT, key = BUF_INIT, replaced = BUF_INIT;
	bool whole = true, user = false, found = false;

	buf_adds(&key, "-Wp");
	buf_adds(&replaced, "-Wp");
	while (next_item(&list, &item)) {
		const char *text = buf_str(&item);

		buf_addf(&key, ",%s", text);
		buf_addf(&replaced, ",%s", strcmp(text, "-MMD") ? text : "-MD");
		if (!strcmp(text, "-MD") || !strcmp(text, "-MMD")) {
			user = !strcmp(text, "-MMD");
			if (found || !next_item(&list, &item) || !item.len) {
				refuse(p, SOLDR_REASON_DEPFILE_UNCLEAR, argument);
				break;
			}
			found = true;
			p->list_count++;
			p->list_user |= user;
			free(p->list_depfile);
			p->list_depfile = copy_text(p, buf_str(&item), item.len);
			buf_addc(&key, ',');
			buf_addf(&replaced, ",%s", buf_str(&item));
		} else if (is_macro_item(text)) {
			whole = false;
			if (!text[2] && next_item(&list, &item)) {
				buf_addf(&key, ",%s", buf_str(&item));
				buf_addf(&replaced, ",%s", buf_str(&item));
			}
		} else {
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
		}
	}
	if (found && !whole && p->inv->family == FAMILY_CLANG)
		refuse(p, SOLDR_REASON_DEPFILE_UNCLEAR, argument);
	keep(p, buf_str(&key));
	if (!buf_ok(&item) || !buf_ok(&key) || !buf_ok(&replaced))
		p->no_memory = true;
	if (user && p->inv->mmd_index < 0) {
		p->inv->mmd_index = (int)p->at;
		p->inv->mmd_replacement = buf_detach(&replaced);
	}
	buf_release(&item);
	buf_release(&key);
	buf_release(&replaced);
}

static void depfile_user(struct parse *p)
{
	p->user_count++;
	if (p->inv->mmd_index < 0) {
		p->inv->mmd_index = (int)p->at;
		p->inv->mmd_replacement = copy_text(p, "-MD", 3);
	}
}

/* False: it may do what is not known here. */
static bool frontend_item(struct parse *p, const char *item)
{
	if (p->frontend_value) {
		vec_add(p->frontend_value, item);
		p->frontend_value = NULL;
	} else if (!strcmp(item, "-include")) {
		p->frontend_value = &p->inv->frontend_includes;
	} else if (!strcmp(item, "-include-pch")) {
		p->frontend_value = &p->inv->precompiled;
	} else if (!strcmp(item, "-emit-pch")) {
		p->emits_precompiled = true;
	} else if (!strcmp(item, "-fno-pch-timestamp")) {
		p->inv->untimed = true;
	} else {
		return frontend_option_is_safe(item);
	}
	return true;
}

static void passed_on(struct parse *p, const struct option *o, const char *value, const char *argument)
{
	bool fine = true;

	switch (o->effect) {
	case EFFECT_PREPROCESSOR_OPTION:
		fine = (is_macro_item(value) && value[2]) || !strcmp(value, "-fopenmp");
		break;
	case EFFECT_FRONTEND_OPTION:
		fine = frontend_item(p, value);
		break;
	case EFFECT_BACKEND_OPTION:
		fine = backend_option_is_safe(value) && !option_may_name_file(p, value);
		break;
	default:
		assembler_item(p, value, argument);
		break;
	}
	if (fine)
		return;
	struct buf text = BUF_INIT;
	buf_addf(&text, "%s %s", argument, value);
	refuse(p, strstr(value, "-pch") ? SOLDR_REASON_PRECOMPILED_HEADER : SOLDR_REASON_UNSUPPORTED_OPTION,
	       buf_str(&text));
	buf_release(&text);
}

/* What an option does beyond its flags and its place in the key. value: "" where it has none. */
static void apply(struct parse *p, const struct option *o, const char *argument, const char *value)
{
	struct invocation *inv = p->inv;

	switch ((enum option_effect)o->effect) {
	case EFFECT_KEY: break;
	case EFFECT_COMPILE: p->sides.compile = true; break;
	case EFFECT_ASSEMBLY: p->assembly = true; break;
	case EFFECT_PREPROCESS: p->preprocess = argument; break;
	case EFFECT_SYNTAX_ONLY: p->sides.syntax_only = true; break;
	case EFFECT_QUESTION: p->question = argument; break;
	case EFFECT_OUTPUT: set_output(p, value, argument); break;
	case EFFECT_LANGUAGE: set_language(p, value, argument); break;
	case EFFECT_DRIVER_MODE: set_driver_mode(p, value, argument); break;
	case EFFECT_DEPFILE_ALL: p->all_count++; break;
	case EFFECT_DEPFILE_USER: depfile_user(p); break;
	case EFFECT_DEPFILE_NAME: set_depfile(p, value); break;
	case EFFECT_DEPFILE_TARGET: p->target_given = true; break;
	case EFFECT_DEPFILE_PHONY: p->phony_given = true; break;
	case EFFECT_INCLUDE_QUOTE: add_include_dir(p, INCLUDE_QUOTE, value, argument); break;
	case EFFECT_INCLUDE_NORMAL: add_include_dir(p, INCLUDE_NORMAL, value, argument); break;
	case EFFECT_INCLUDE_SYSTEM: add_include_dir(p, INCLUDE_SYSTEM, value, argument); break;
	case EFFECT_INCLUDE_AFTER: add_include_dir(p, INCLUDE_AFTER, value, argument); break;
	case EFFECT_FORCED_INCLUDE: vec_add(&inv->forced_includes, value); break;
	case EFFECT_PRECOMPILED: vec_add(&inv->precompiled, value); break;
	case EFFECT_EXTRA_INPUT:
		vec_add(&inv->extra_inputs, value);
		if (!*value)
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
		break;
	case EFFECT_PROFILE_USE:
		p->sides.reads_profile = true;
		p->sides.profile = value;
		break;
	case EFFECT_SIDE: ask_for_side(p, (enum side)o->which, value, argument); break;
	case EFFECT_DUMP_DIR: p->sides.dump_dir = value; break;
	case EFFECT_DUMP_BASE: p->sides.dump_base = value; break;
	case EFFECT_DUMP_EXTENSION: p->sides.dump_extension = value; break;
	case EFFECT_MACHINE: inv->native |= starts_with(value, "native"); break;
	case EFFECT_ARCHITECTURE:
		if (p->architecture_given)
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
		p->architecture_given = true;
		break;
	case EFFECT_EMIT_LLVM: p->sides.emit_llvm = true; break;
	case EFFECT_COLOUR: set_colour(p, o->arity == ARITY_JOINED ? value : NULL); break;
	case EFFECT_PREPROCESSOR_LIST: preprocessor_list(p, value, argument); break;
	case EFFECT_ASSEMBLER_LIST: assembler_list(p, value, argument); break;
	case EFFECT_PREPROCESSOR_OPTION:
	case EFFECT_ASSEMBLER_OPTION:
	case EFFECT_FRONTEND_OPTION:
	case EFFECT_BACKEND_OPTION: passed_on(p, o, value, argument); break;
	case EFFECT_REFUSE: refuse(p, (enum soldr_reason)o->which, argument); break;
	}
}

/* Effects that say elsewhere in the key what they decide, or that only name an output. */
static bool leaves_key(enum option_effect effect)
{
	return effect == EFFECT_COMPILE || effect == EFFECT_ASSEMBLY || effect == EFFECT_OUTPUT ||
	       effect == EFFECT_DEPFILE_NAME || effect == EFFECT_PREPROCESSOR_LIST;
}

static void option(struct parse *p, const char *argument)
{
	struct invocation *inv = p->inv;
	const char *value, *separate = NULL;
	const struct option *o = option_find(inv->family, argument, &value);

	if (!o) {
		unknown_option(p, argument);
		return;
	}
	if (!value && (o->arity == ARITY_SEPARATE || o->arity == ARITY_EITHER)) {
		value = separate = inv->args.items[p->at + 1];
		if (!separate) {
			/* The driver will say that a value is missing. */
			refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, argument);
			return;
		}
	}
	apply(p, o, argument, value ? value : "");
	if ((o->flags & OPTION_CHECK_VALUE) && option_may_name_file(p, argument))
		refuse(p, SOLDR_REASON_UNKNOWN_FILE_OPTION, argument);
	inv->cwd_in_key |= (o->flags & OPTION_CWD) != 0;
	inv->output_in_key |= (o->flags & OPTION_OUTPUT_NAME) != 0;
	inv->compiler_path_in_key |= (o->flags & OPTION_COMPILER_PATH) != 0;
	inv->no_standard_includes |= (o->flags & OPTION_NO_STANDARD) != 0;
	for (int copies = 0; copies < 2; copies++) {
		struct vec *to = copies ? &inv->probe_args : &inv->key_args;

		if (copies ? !(o->flags & OPTION_PROBE) : leaves_key((enum option_effect)o->effect))
			continue;
		vec_add(to, argument);
		if (separate)
			vec_add(to, separate);
	}
	p->at += separate != NULL;
}

static void input(struct parse *p, const char *argument)
{
	if (p->inputs < SOURCES_MAX)
		p->inv->source_at[p->inputs] = p->at;
	p->inputs++;
	p->inv->source_count = p->inputs <= SOURCES_MAX ? p->inputs : 0;
	if (!strcmp(argument, "-"))
		p->stdin_input = true;
	if (!*argument)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, "an empty argument");
	p->source = argument;
	p->source_language_name = p->language_name;
}

/* The whole call is of a kind that is not cached. */
static bool settle(struct parse *p, enum soldr_reason reason, const char *detail)
{
	p->inv->refused = reason;
	snprintf(p->inv->detail, sizeof p->inv->detail, "%s", detail);
	return false;
}

static bool links(const struct parse *p)
{
	return !p->sides.compile && !p->assembly && !p->sides.syntax_only;
}

static bool settle_header(struct parse *p)
{
	const char *detail = p->source;
	bool named = p->depfile || p->list_depfile, depfile = p->all_count || p->user_count || p->list_count;
	enum soldr_reason why = sides_of_header(p->inv, &p->sides, p->source_language_name, depfile && !named, &detail);

	if (p->assembly)
		why = SOLDR_REASON_PRECOMPILED_HEADER;
	return why == SOLDR_REASON_NONE || settle(p, why, detail);
}

static bool settle_language(struct parse *p)
{
	struct invocation *inv = p->inv;

	if (p->source_language_name)
		inv->language = language_of_name(p->source_language_name);
	else
		inv->language = language_of_file(inv->family, p->source, p->cxx);
	if (language_is_header(inv->language))
		return settle_header(p);
	if (links(p))
		return settle(p, SOLDR_REASON_LINK, p->source);
	if (inv->language == LANGUAGE_UNKNOWN)
		return settle(p, SOLDR_REASON_UNKNOWN_LANGUAGE, p->source_language_name ? p->source_language_name : p->source);
	/* Of several Clang takes one, and for text that is preprocessed already none. */
	if (inv->precompiled.len > 1 || (inv->precompiled.len && language_is_preprocessed(inv->language)))
		refuse(p, SOLDR_REASON_PRECOMPILED_HEADER, "-include-pch");
	/* A g++ under another name would read .c as C++. */
	if (inv->family == FAMILY_GCC && !p->program.known && !p->source_language_name &&
	    inv->language != language_of_file(inv->family, p->source, true))
		return settle(p, SOLDR_REASON_UNKNOWN_COMPILER, inv->args.items[0]);
	return true;
}

/* What kind of call it is; true: one compile of one source. */
static bool settle_kind(struct parse *p)
{
	if (p->question)
		return settle(p, SOLDR_REASON_PROBE, p->question);
	if (p->preprocess || p->program.preprocessor)
		return settle(p, SOLDR_REASON_PREPROCESS_ONLY, p->preprocess ? p->preprocess : p->inv->args.items[0]);
	if (p->inputs == 0)
		return settle(p, SOLDR_REASON_NO_INPUT, "");
	if (p->stdin_input)
		return settle(p, SOLDR_REASON_STDIN_INPUT, "-");
	if (p->inputs > 1)
		return settle(p, links(p) ? SOLDR_REASON_LINK : SOLDR_REASON_MULTIPLE_INPUTS, p->source);
	return settle_language(p);
}

/* The length of a file name without its extension, as the driver counts it. */
static size_t stem_len(const struct invocation *inv, const char *base)
{
	const char *dot = strrchr(base, '.');

	if (!dot || (dot == base && inv->family == FAMILY_GCC))
		return strlen(base);
	return (size_t)(dot - base);
}

static char *named_after(struct parse *p, const char *path, size_t len, const char *extension)
{
	struct buf name = BUF_INIT;

	buf_add(&name, path, len);
	buf_adds(&name, extension);
	char *text = buf_detach(&name);
	if (!text)
		p->no_memory = true;
	return text;
}

static bool settle_output(struct parse *p)
{
	struct invocation *inv = p->inv;
	const char *base = path_base(p->source);
	bool llvm = p->sides.emit_llvm;
	const char *extension = p->assembly ? (llvm ? ".ll" : ".s") : (llvm ? ".bc" : ".o");

	inv->action = p->sides.syntax_only ? ACTION_SYNTAX : p->assembly ? ACTION_ASSEMBLY : ACTION_OBJECT;
	inv->source = copy_text(p, p->source, strlen(p->source));
	bool assembler = inv->language == LANGUAGE_ASM || inv->language == LANGUAGE_ASM_CPP;
	/* GCC assembles all the same. -S writes the preprocessed text to standard output, or nothing. */
	if (assembler && p->sides.syntax_only)
		return settle(p, SOLDR_REASON_UNSUPPORTED_OPTION, "-fsyntax-only of assembler");
	if (assembler && p->assembly)
		return settle(p, SOLDR_REASON_PREPROCESS_ONLY, "-S of assembler");
	if (!inv->output_given && language_is_header(inv->language))
		inv->output = named_after(p, p->source, strlen(p->source), ".gch");
	else if (!inv->output_given)
		inv->output = named_after(p, base, stem_len(inv, base), extension);
	if (!inv->output || !inv->source)
		return false;
	inv->no_output = inv->action == ACTION_SYNTAX || !strcmp(inv->output, "/dev/null");
	inv->output_in_key |= inv->no_output;
	if (!strcmp(inv->output, "-") || !strcmp(inv->output, "/dev/stdout"))
		return settle(p, SOLDR_REASON_STDOUT_OUTPUT, inv->output);
	if (!strcmp(inv->output, inv->source))
		return settle(p, SOLDR_REASON_UNSUPPORTED_OPTION, "the output is the source");
	return true;
}

/* Where the driver writes the depfile that no option names: beside the output, or in cwd after the source. */
static char *default_depfile(struct parse *p)
{
	struct invocation *inv = p->inv;

	if (!inv->output_given && inv->family == FAMILY_GCC) {
		char *prefix = sides_gcc_prefix(inv, &p->sides);
		char *name = prefix ? named_after(p, prefix, strlen(prefix), ".d") : NULL;

		free(prefix);
		p->no_memory |= !name;
		return name;
	}
	if (!inv->output_given) {
		const char *base = path_base(p->source);

		return named_after(p, base, stem_len(inv, base), ".d");
	}
	const char *base = path_base(inv->output), *dot = strrchr(base, '.');
	size_t len = dot ? (size_t)(dot - inv->output) : strlen(inv->output);
	return named_after(p, inv->output, len, ".d");
}

static bool is_terminal_like(const char *path)
{
	return !strcmp(path, "-") || (starts_with(path, "/dev/") && strcmp(path, "/dev/null") != 0);
}

/* Which depfile is asked for, and whether the options fit together. */
static bool settle_depfile(struct parse *p)
{
	struct invocation *inv = p->inv;
	bool wanted = p->all_count || p->user_count || p->list_count;
	bool preprocessed = language_is_preprocessed(inv->language);
	bool unclear = p->depfile_conflict || p->list_count > 1;

	/* GCC, Clang and their -Wp, disagree on which name wins. */
	unclear |= p->list_count && (p->all_count || p->user_count || p->depfile);
	unclear |= !wanted && (p->depfile || p->target_given || p->phony_given);
	/* Only one -MMD can be replaced. */
	unclear |= inv->family == FAMILY_GCC && p->user_count > 1;
	/* GCC has an odd name for the depfile of a call that asks for no output at all. */
	unclear |= inv->action == ACTION_SYNTAX && inv->family == FAMILY_GCC && wanted && !inv->output_given && !p->depfile &&
	           !p->list_count;
	/* Clang repeats the name in its warning that the option is unused. */
	unclear |= preprocessed && inv->family == FAMILY_CLANG && (p->depfile || p->list_count);
	if (unclear)
		return settle(p, SOLDR_REASON_DEPFILE_UNCLEAR, "-M options that do not fit together");
	if (!wanted || preprocessed)
		return true;

	const char *name = p->list_count ? p->list_depfile : p->depfile;
	inv->depfile_mode = p->user_count || p->list_user ? DEPFILE_USER : DEPFILE_ALL;
	inv->depfile_given = name != NULL;
	inv->depfile = name ? copy_text(p, name, strlen(name)) : default_depfile(p);
	inv->output_in_key |= !p->target_given;
	if (!inv->depfile)
		return false;
	if (!*inv->depfile || is_terminal_like(inv->depfile) || !strcmp(inv->depfile, inv->output) ||
	    !strcmp(inv->depfile, inv->source))
		return settle(p, SOLDR_REASON_DEPFILE_UNCLEAR, *inv->depfile ? inv->depfile : "-MF with an empty name");
	return true;
}

static void finish(struct parse *p)
{
	struct invocation *inv = p->inv;

	if (!settle_kind(p))
		return;
	if (p->assembler_value_next)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, "an assembler option without its value");
	if (p->frontend_value)
		refuse(p, SOLDR_REASON_UNSUPPORTED_OPTION, "a front end option without its value");
	if (p->emits_precompiled && !language_is_header(p->inv->language))
		refuse(p, SOLDR_REASON_PRECOMPILED_HEADER, "-Xclang -emit-pch");
	if (p->refused != SOLDR_REASON_NONE) {
		settle(p, p->refused, p->detail);
		return;
	}
	if (!settle_output(p) || !settle_depfile(p))
		return;
	p->no_memory |= !sides_settle(inv, &p->sides, p->cwd);
	if (inv->family != FAMILY_GCC || inv->depfile_mode != DEPFILE_USER) {
		free(inv->mmd_replacement);
		inv->mmd_replacement = NULL;
		inv->mmd_index = -1;
	}
}

/* Moves the expanded arguments into the invocation; false where the call is settled by that. */
static bool take_arguments(struct parse *p, const char *const *argv)
{
	struct response response = RESPONSE_INIT;
	enum response_status status = response_expand(&response, argv, p->cwd);

	p->inv->args = response.args;
	response.args = VEC_INIT;
	p->inv->expanded = response.expanded;
	if (status == RESPONSE_NO_MEMORY)
		p->no_memory = true;
	else if (status == RESPONSE_REFUSED)
		settle(p, SOLDR_REASON_RESPONSE_FILE, response.detail);
	response_release(&response);
	return status == RESPONSE_OK && p->inv->args.len > 0;
}

int invocation_parse(struct invocation *inv, enum family family, const char *const *argv, const char *cwd)
{
	struct parse p = {.inv = inv, .cwd = cwd};

	inv->family = family;
	if (take_arguments(&p, argv)) {
		p.program = program_name_of(path_base(inv->args.items[0]));
		p.cxx = p.program.cxx;
		for (p.at = 1; p.at < inv->args.len; p.at++) {
			const char *argument = inv->args.items[p.at];

			if (argument[0] == '-' && argument[1])
				option(&p, argument);
			else
				input(&p, argument);
		}
		finish(&p);
	} else if (!p.no_memory && inv->refused == SOLDR_REASON_NONE) {
		settle(&p, SOLDR_REASON_NO_INPUT, "");
	}
	free(p.list_depfile);
	return p.no_memory || !vec_ok(&inv->key_args) || !vec_ok(&inv->probe_args) || !vec_ok(&inv->extra_inputs) ||
	       !vec_ok(&inv->forced_includes) || !vec_ok(&inv->frontend_includes) || !vec_ok(&inv->precompiled) ? -1 : 0;
}

void invocation_release(struct invocation *inv)
{
	for (size_t i = 0; i < inv->include_dir_count; i++)
		free(inv->include_dirs[i].path);
	free(inv->include_dirs);
	free(inv->source);
	free(inv->output);
	free(inv->depfile);
	free(inv->mmd_replacement);
	for (size_t i = 0; i < inv->side_count; i++)
		free(inv->sides[i].path);
	vec_release(&inv->args);
	vec_release(&inv->key_args);
	vec_release(&inv->probe_args);
	vec_release(&inv->extra_inputs);
	vec_release(&inv->forced_includes);
	vec_release(&inv->frontend_includes);
	vec_release(&inv->precompiled);
	*inv = INVOCATION_INIT;
}
