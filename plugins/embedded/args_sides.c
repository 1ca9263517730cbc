/*
 * args_sides: see args_sides.h. GCC derives names from -dumpdir, -dumpbase and
 * -o (GCC manual, "Overall Options"); Clang from -o, or from the source. Both
 * were checked by running GCC 12 and Clang 14.
 */
#include "args_sides.h"

#include "args_names.h"
#include "path.h"
#include "sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settling {
	struct invocation *inv;
	const struct side_request *request;
	struct buf name;
	bool failed;
};

static void refuse(struct settling *s, enum soldr_reason reason, const char *detail)
{
	if (s->inv->refused != SOLDR_REASON_NONE)
		return;
	s->inv->refused = reason;
	snprintf(s->inv->detail, sizeof s->inv->detail, "%s", detail);
}

static bool asks_for(const struct settling *s, enum side side)
{
	return s->request->kinds & 1u << side;
}

static bool is_assembler(const struct invocation *inv)
{
	return inv->language == LANGUAGE_ASM || inv->language == LANGUAGE_ASM_CPP;
}

/* The last option of the key that begins so, or NULL. */
static const char *option_given(const struct invocation *inv, const char *head)
{
	for (size_t i = inv->key_args.len; i > 0; i--)
		if (!strncmp(inv->key_args.items[i - 1], head, strlen(head)))
			return inv->key_args.items[i - 1];
	return NULL;
}

/* The length of a path without its last extension. */
static size_t stem_len(const char *path)
{
	const char *dot = strrchr(path_base(path), '.');

	return dot ? (size_t)(dot - path) : strlen(path);
}

bool sides_add(struct invocation *inv, const char *path, bool optional, bool keeps_mode)
{
	if (inv->side_count == SIDE_OUTPUTS_MAX)
		return false;
	char *copy = strdup(path);
	if (copy)
		inv->sides[inv->side_count++] = (struct side_output){copy, optional, keeps_mode, false};
	return copy != NULL;
}

/* Adds the file that is called like the first len bytes of path, with the two tails. */
static void add_named(struct settling *s, const char *path, size_t len, const char *tail, const char *extension, bool optional,
                      bool keeps_mode)
{
	buf_clear(&s->name);
	buf_add(&s->name, path, len);
	buf_adds(&s->name, tail);
	buf_adds(&s->name, extension);
	if (!buf_ok(&s->name) || !sides_add(s->inv, buf_str(&s->name), optional, keeps_mode))
		s->failed = true;
}

/* What the preprocessor's output is called; NULL: it does not run, or for assembler into the .s. */
static const char *preprocessed_extension(enum language language)
{
	switch (language) {
	case LANGUAGE_C: return ".i";
	case LANGUAGE_CXX: return ".ii";
	case LANGUAGE_OBJC: return ".mi";
	case LANGUAGE_OBJCXX: return ".mii";
	default: return NULL;
	}
}

/* -save-temps: the files behind a common beginning. bitcode: Clang keeps it, too. */
static void add_temporaries(struct settling *s, const char *path, size_t len, bool clang)
{
	const struct invocation *inv = s->inv;
	const char *preprocessed = preprocessed_extension(inv->language);

	if (preprocessed)
		add_named(s, path, len, "", preprocessed, false, !clang);
	if (preprocessed && clang)
		add_named(s, path, len, "", ".bc", false, false);
	if (inv->action == ACTION_OBJECT && inv->language != LANGUAGE_ASM)
		add_named(s, path, len, "", ".s", false, !clang);
}

/* ---- GCC -------------------------------------------------------------------------- */

char *sides_gcc_prefix(const struct invocation *inv, const struct side_request *r)
{
	const char *source = path_base(inv->source), *base = r->dump_base;
	struct buf name = BUF_INIT;
	size_t len;

	if (base && *base) {
		size_t tail = r->dump_extension ? strlen(r->dump_extension) : 0;

		len = strlen(base);
		if (tail && len > tail && !strcmp(base + len - tail, r->dump_extension))
			len -= tail;
	} else {
		base = base || !inv->output_given ? source : path_base(inv->output);
		len = path_stem_len(base);
	}
	if (base == r->dump_base && strchr(base, '/'))
		;
	else if (r->dump_dir)
		buf_adds(&name, r->dump_dir);
	else if (inv->output_given)
		buf_add(&name, inv->output, (size_t)(path_base(inv->output) - inv->output));
	buf_add(&name, base, len);
	return buf_detach(&name);
}

static void settle_gcc(struct settling *s)
{
	static const struct {
		enum side side;
		const char *extension;
		bool from_code; /* with -flto that is made by the link */
	} files[] = {
		{SIDE_NOTES, ".gcno", false},
		{SIDE_STACK_USAGE, ".su", true},
		{SIDE_CALL_GRAPH, ".ci", true},
	};
	struct invocation *inv = s->inv;
	const struct side_request *r = s->request;
	char *prefix = sides_gcc_prefix(inv, r);
	bool dumps = r->dump_dir || r->dump_base;

	if (!prefix) {
		s->failed = true;
		return;
	}
	size_t len = strlen(prefix);
	/* With a seed in place of the time GCC removes the counts of earlier runs, which a hit would leave. */
	if (asks_for(s, SIDE_NOTES) && option_given(inv, "-frandom-seed="))
		refuse(s, SOLDR_REASON_PROFILE, option_given(inv, "-frandom-seed="));
	if (r->dump_extension && !r->dump_base)
		refuse(s, SOLDR_REASON_SIDE_OUTPUT, "-dumpbase-ext");
	for (size_t i = 0; i < sizeof files / sizeof files[0] && !is_assembler(inv); i++)
		if (asks_for(s, files[i].side))
			add_named(s, prefix, len, "", files[i].extension, files[i].from_code && option_given(inv, "-flto"), true);
	if (asks_for(s, SIDE_RECORD) && !is_assembler(inv)) {
		if (r->dump_base)
			refuse(s, SOLDR_REASON_SIDE_OUTPUT, "-dumpbase");
		add_named(s, prefix, len, path_ext(inv->source), ".opt-record.json.gz", false, true);
	}
	if (asks_for(s, SIDE_SPLIT_DWARF) && inv->action == ACTION_OBJECT)
		add_named(s, prefix, len, "", ".dwo", false, false);
	inv->output_is_rewritten = asks_for(s, SIDE_SPLIT_DWARF) && inv->action == ACTION_OBJECT;
	inv->tools = TOOL_ASSEMBLER | (inv->output_is_rewritten ? TOOL_OBJCOPY : 0);
	if (asks_for(s, SIDE_TEMPORARIES)) {
		bool here = !strcmp(r->temporaries, "=cwd");
		const char *from = here ? path_base(prefix) : prefix;

		if (here && dumps)
			refuse(s, SOLDR_REASON_SIDE_OUTPUT, "-save-temps=cwd");
		add_temporaries(s, from, strlen(from), false);
	}
	if (r->reads_profile && !is_assembler(inv)) {
		/* A directory for profiles makes GCC look for another name. */
		if (option_given(inv, "-fprofile-dir=") || option_given(inv, "-fprofile-generate="))
			refuse(s, SOLDR_REASON_PROFILE, "-fprofile-use with a directory");
		vec_addf(&inv->extra_inputs, "%s.gcda", prefix);
	}
	inv->output_keeps_mode = inv->action == ACTION_ASSEMBLY;
	free(prefix);
}

/* ---- Clang ------------------------------------------------------------------------ */

static bool has_integrated_assembler(const struct invocation *inv)
{
	for (size_t i = inv->key_args.len; i > 0; i--) {
		const char *a = inv->key_args.items[i - 1];

		if (!strcmp(a, "-fintegrated-as") || !strcmp(a, "-integrated-as"))
			return true;
		if (!strcmp(a, "-fno-integrated-as") || !strcmp(a, "-no-integrated-as") || !strcmp(a, "-via-file-asm"))
			return false;
	}
	return true;
}

static void settle_clang_temporaries(struct settling *s)
{
	const struct invocation *inv = s->inv;
	const char *source = path_base(inv->source);
	bool beside = !strcmp(s->request->temporaries, "=obj") && inv->output_given;
	size_t directory = beside ? (size_t)(path_base(inv->output) - inv->output) : 0;
	struct buf from = BUF_INIT;

	/* Bitcode as the result goes through other files. */
	if (s->request->emit_llvm || option_given(inv, "-flto") || option_given(inv, "-fembed-bitcode"))
		refuse(s, SOLDR_REASON_SIDE_OUTPUT, "-save-temps with bitcode");
	s->inv->preprocesses_apart = true;
	buf_add(&from, inv->output, directory);
	buf_add(&from, source, stem_len(source));
	add_temporaries(s, buf_str(&from), from.len, true);
	s->failed |= !buf_ok(&from);
	buf_release(&from);
}

static void settle_clang_profile(struct settling *s, const char *cwd)
{
	static const char usual[] = "default.profdata";
	struct invocation *inv = s->inv;
	const char *given = s->request->profile;
	char *path = path_join(cwd, given);
	struct stat st;

	if (!path)
		s->failed = true;
	else if (!*given)
		vec_add(&inv->extra_inputs, usual);
	else if (sys.stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		vec_addf(&inv->extra_inputs, "%s/%s", given, usual);
	else
		vec_add(&inv->extra_inputs, given);
	free(path);
}

/* Before the assembler, in a step of its own, or objcopy fills the file, the compiler empties it. */
static void settle_clang_split(struct settling *s, const char *from, bool integrated)
{
	struct invocation *inv = s->inv;
	bool compiled = !is_assembler(inv), object = inv->action == ACTION_OBJECT;

	add_named(s, from, stem_len(from), "", ".dwo", true, compiled || integrated);
	inv->output_is_rewritten = object && !integrated;
	if (inv->side_count)
		inv->sides[inv->side_count - 1].rewritten = object && compiled && (asks_for(s, SIDE_TEMPORARIES) || !integrated);
}

static void settle_clang(struct settling *s, const char *cwd)
{
	struct invocation *inv = s->inv;
	const struct side_request *r = s->request;
	const char *source = path_base(inv->source);
	size_t len = stem_len(inv->output);
	bool integrated = has_integrated_assembler(inv);

	if (asks_for(s, SIDE_NOTES) && !is_assembler(inv))
		add_named(s, inv->output, len, "", ".gcno", false, true);
	if (asks_for(s, SIDE_STACK_USAGE) && !is_assembler(inv)) /* none for a source without functions */
		add_named(s, inv->output, len, "", ".su", true, true);
	if (asks_for(s, SIDE_RECORD_FILE)) {
		add_named(s, r->record_file, strlen(r->record_file), "", "", false, true);
	} else if (asks_for(s, SIDE_RECORD) && !is_assembler(inv)) {
		if (!inv->output_given) { /* named after the source, from which two extensions go */
			buf_clear(&s->name);
			buf_add(&s->name, inv->output, len);
			len = stem_len(buf_str(&s->name));
		}
		add_named(s, inv->output, len, "", ".opt.yaml", false, true);
	}
	if (asks_for(s, SIDE_SPLIT_DWARF)) { /* none without -g, and none of bitcode */
		bool after_output = inv->output_given && r->compile;
		const char *from = after_output ? inv->output : source;

		if (!after_output && (option_given(inv, "-fdebug-compilation-dir") || option_given(inv, "-ffile-compilation-dir")))
			refuse(s, SOLDR_REASON_SIDE_OUTPUT, "-gsplit-dwarf with -fdebug-compilation-dir");
		settle_clang_split(s, from, integrated);
	}
	if (asks_for(s, SIDE_TEMPORARIES))
		settle_clang_temporaries(s);
	if (r->reads_profile && !is_assembler(inv))
		settle_clang_profile(s, cwd);
	/* What the integrated assembler makes of a file, it writes into an object that is there. */
	inv->output_keeps_mode = inv->action == ACTION_OBJECT && (asks_for(s, SIDE_TEMPORARIES) || is_assembler(inv)) && integrated;
	inv->tools = (integrated ? 0 : TOOL_ASSEMBLER) | (inv->output_is_rewritten ? TOOL_OBJCOPY : 0);
}

/* ---- both ------------------------------------------------------------------------- */

/* No two names are one file, and none is a stream. Other spellings are compared where paths are absolute. */
static void check_names(struct settling *s)
{
	const struct invocation *inv = s->inv;

	for (size_t i = 0; i < inv->side_count; i++) {
		const char *path = inv->sides[i].path;
		bool odd = !*path || !strcmp(path, "-") || !strncmp(path, "/dev/", 5) || !strcmp(path, inv->source) ||
		           !strcmp(path, inv->output) || (inv->depfile && !strcmp(path, inv->depfile));

		for (size_t k = 0; k < i; k++)
			odd |= !strcmp(path, inv->sides[k].path);
		if (odd)
			refuse(s, SOLDR_REASON_SIDE_OUTPUT, path);
	}
}

enum soldr_reason sides_of_header(struct invocation *inv, struct side_request *r, const char *language, bool unnamed_depfile,
                                  const char **detail)
{
	if (language && !strncmp(language, "c++-", 4) && strcmp(language, "c++-header") != 0) {
		*detail = language;
		return SOLDR_REASON_MODULES;
	}
	if (r->syntax_only || r->emit_llvm || (r->kinds & 1u << SIDE_TEMPORARIES))
		return SOLDR_REASON_PRECOMPILED_HEADER;
	/* Where Clang puts it differs from version to version, and GCC has an odd name for the depfile. */
	if (!inv->output_given && (inv->family == FAMILY_CLANG || unnamed_depfile)) {
		*detail = "without -o";
		return SOLDR_REASON_PRECOMPILED_HEADER;
	}
	if (inv->output && !strcmp(inv->output, "/dev/null")) {
		*detail = inv->output;
		return SOLDR_REASON_PRECOMPILED_HEADER;
	}
	/* There is no code yet for which these would be written; GCC writes notes all the same. */
	r->kinds &= ~(1u << SIDE_SPLIT_DWARF | (inv->family == FAMILY_CLANG ? 1u << SIDE_NOTES : 0));
	/* Relative paths of inputs may be completed in it, and Clang names it in itself. */
	inv->cwd_in_key = inv->output_in_key = true;
	return SOLDR_REASON_NONE;
}

bool sides_settle(struct invocation *inv, const struct side_request *r, const char *cwd)
{
	struct settling s = {.inv = inv, .request = r, .name = BUF_INIT};
	const char *named_after = inv->output_given ? inv->output : inv->source;
	unsigned by_name = r->kinds & ~(1u << SIDE_FILE | 1u << SIDE_FILE_ANEW | 1u << SIDE_RECORD_FILE);

	/* How a name that begins with a dot is cut, and what half a compile writes, is not known well enough. */
	if ((by_name || r->reads_profile) && (path_base(named_after)[0] == '.' || inv->no_output))
		refuse(&s, SOLDR_REASON_SIDE_OUTPUT, r->syntax_only ? "-fsyntax-only" : named_after);
	/* GCC keeps the argument files that it makes for its parts, .args.0 and on, where it was given one. */
	else if (inv->family == FAMILY_GCC && asks_for(&s, SIDE_TEMPORARIES) && inv->expanded)
		refuse(&s, SOLDR_REASON_SIDE_OUTPUT, "-save-temps with an argument file");
	else if (inv->family == FAMILY_CLANG)
		settle_clang(&s, cwd);
	else
		settle_gcc(&s);
	if (language_is_header(inv->language)) { /* neither an assembler nor objcopy runs */
		inv->tools = 0;
		inv->output_keeps_mode = inv->family == FAMILY_GCC;
	}
	check_names(&s);
	buf_release(&s.name);
	return !s.failed;
}
