/*
 * expansion: what the scan only suspects, settled. See unit.h.
 *
 * The scan sees that __DATE__, __TIME__ or __TIMESTAMP__ is spelled somewhere, or
 * could be pasted together: in a macro that nobody uses, say. The preprocessor
 * knows. It runs once more over the unit, with the three macros defined as
 * markers: where no marker comes out, nothing of the result depends on the
 * time. A macro that the user defines is left as it is.
 *
 * Likewise with .incbin for the assembler, which the scan suspects wherever
 * pieces of strings could join to it: in what the preprocessor gives, the strings
 * that the compiler will join stand side by side. Every string counts, not those
 * of asm statements alone: the name of a section reaches the assembler too.
 *
 * And with -dI it gives each directive that includes a file, also where the file
 * is passed over, with the name that a macro stood for. The line markers tell
 * which file the directive is in.
 */
#include "unit.h"

#include "args_table.h"
#include "path.h"
#include "precompiled.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *marker;
} macros[] = {
	{"__DATE__", "soldr_marks_the_date"},
	{"__TIME__", "soldr_marks_the_time"},
	{"__TIMESTAMP__", "soldr_marks_the_timestamp"},
};

enum { MACROS = sizeof macros / sizeof *macros, OUTPUT_MAX = 256 << 20, FILES_OPEN_MAX = 4096 };

static bool user_defines(const struct vec *args, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < args->len; i++) {
		const char *a = args->items[i];
		const char *defined = strncmp(a, "-D", 2) != 0 ? NULL : a[2] ? a + 2 : i + 1 < args->len ? args->items[i + 1] : NULL;
		if (defined && strncmp(defined, name, n) == 0 && (defined[n] == 0 || defined[n] == '=' || defined[n] == '('))
			return true;
	}
	return false;
}

/* Options that write files, which the compile has written already, or ask for another kind of call. */
static bool is_dropped(const struct option *o)
{
	switch ((enum option_effect)o->effect) {
	case EFFECT_DEPFILE_ALL:
	case EFFECT_DEPFILE_USER:
	case EFFECT_DEPFILE_TARGET:
	case EFFECT_DEPFILE_PHONY:
	case EFFECT_SIDE:
	case EFFECT_SYNTAX_ONLY: return true;
	default: return false;
	}
}

/* What would have a precompiled header written, or read by GCC, in the place of text. */
static bool is_precompiling(const char *argument, const char *value)
{
	return strcmp(argument, "-fpch-preprocess") == 0 || strcmp(argument, "-Xclang=-emit-pch") == 0 ||
	       (strcmp(argument, "-Xclang") == 0 && value && strcmp(value, "-emit-pch") == 0);
}

/* The unit's arguments for the preprocessor, without what keeps comments or drops line markers. */
static void question(const struct unit *u, struct vec *argv)
{
	const struct vec *args = &u->inv.key_args;
	vec_add(argv, u->req->argv[0]);
	for (size_t i = 0; i < args->len; i++) {
		const char *a = args->items[i], *value;
		const struct option *o = option_find(u->inv.family, a, &value);
		bool separate = o && !value && (o->arity == ARITY_SEPARATE || o->arity == ARITY_EITHER) && i + 1 < args->len;
		bool dropped = strncmp(a, "-Wp,-M", 6) == 0 || strcmp(a, "-C") == 0 || strcmp(a, "-CC") == 0 || strcmp(a, "-P") == 0 ||
		               (o && is_dropped(o)) || is_precompiling(a, separate ? args->items[i + 1] : NULL);
		if (!dropped)
			vec_add(argv, a);
		i += separate;
		if (!dropped && separate)
			vec_add(argv, args->items[i]);
	}
	vec_add(argv, "-w");
}

/* ---- strings of preprocessed text ------------------------------------------------------ */

static bool is_word(int c)
{
	return isalnum(c) || c == '_' || c == '$';
}

static bool names_directive(const char *word)
{
	static const char *const words[] = {".macro", ".irp", "incbin", NULL}; /* a macro may put its name together */
	for (size_t i = 0; words[i]; i++)
		if (strcasestr(word, words[i]))
			return true;
	for (const char *p = word; (p = strcasestr(p, ".include")) != NULL; p++)
		if (!is_word((unsigned char)p[strlen(".include")]))
			return true;
	/* {att|intel}: the compiler chooses one of the pieces. */
	return strchr(word, '{') && strchr(word, '|') && strcasestr(word, "bin");
}

static int digit_value(char c, int base)
{
	int v = c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : base;
	return v < base ? v : -1;
}

struct words {
	const char *p, *end;
	struct buf joined; /* the strings since something else than a string stood there */
	bool line_start, after_asm;
	bool unclear; /* a character is written in a way that is not read here */
};

/* Digits of an escape sequence; at most max of them, any number for 0. */
static void take_number(struct words *w, int base, size_t max, struct buf *out)
{
	uint32_t value = 0;
	size_t n = 0;
	for (; w->p < w->end && (!max || n < max) && digit_value(*w->p, base) >= 0; n++)
		value = value * (uint32_t)base + (uint32_t)digit_value(*w->p++, base);
	w->unclear = w->unclear || !n;
	buf_addc(out, value && value < 128 ? (char)value : ' ');
}

/* One character of a string. */
static void take_character(struct words *w, struct buf *out)
{
	char c = *w->p++;
	if (c != '\\' || w->p == w->end) {
		buf_addc(out, c ? c : ' ');
		return;
	}
	c = *w->p;
	if (c >= '0' && c <= '7') {
		take_number(w, 8, 3, out);
		return;
	}
	w->p++;
	if (c == 'x' || c == 'u' || c == 'U')
		take_number(w, 16, c == 'x' ? 0 : c == 'u' ? 4 : 8, out);
	else if (c == 'N' || c == 'o')
		w->unclear = true;
	else
		buf_addc(out, strchr("abefnrtv", c) ? ' ' : c);
}

/* Behind the closing quote. What the string says goes to `joined`; a character constant is passed over. */
static void take_quoted(struct words *w)
{
	char quote = *w->p++;
	struct buf ignored = BUF_INIT;
	while (w->p < w->end && *w->p != quote && *w->p != '\n')
		take_character(w, quote == '"' ? &w->joined : &ignored);
	w->p += w->p < w->end && *w->p == quote;
	buf_release(&ignored);
}

/* An identifier or number. True: what stands here cannot be read as plain strings. */
static bool take_word(struct words *w)
{
	static const char *const assemblers[] = {"asm", "__asm", "__asm__"};
	static const char *const qualifiers[] = {"volatile", "__volatile__", "__volatile", "inline", "__inline", "__inline__", "goto"};
	const char *from = w->p;
	bool number = isdigit((unsigned char)*from); /* which may have separators: 1'000 */
	while (w->p < w->end && (is_word((unsigned char)*w->p) || (number && *w->p == '\'' && w->p + 1 < w->end && is_word((unsigned char)w->p[1]))))
		w->p++;
	size_t len = (size_t)(w->p - from);
	bool assembler = false, qualifier = false;
	for (size_t i = 0; i < sizeof assemblers / sizeof *assemblers; i++)
		assembler = assembler || (strlen(assemblers[i]) == len && memcmp(from, assemblers[i], len) == 0);
	for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++)
		qualifier = qualifier || (strlen(qualifiers[i]) == len && memcmp(from, qualifiers[i], len) == 0);
	w->after_asm = assembler || (qualifier && w->after_asm);
	return w->p < w->end && *w->p == '"' && from[len - 1] == 'R'; /* a raw string, or not: that depends on the language */
}

/* A prefix of a string does not end the joining: "a" u8"b". */
static bool is_prefix(const char *from, const char *to, const char *end)
{
	return to < end && *to == '"' && to - from <= 2 && strchr("uUL", *from);
}

bool expansion_embeds(const char *text, size_t len)
{
	struct words w = {.p = text, .end = text + len, .joined = BUF_INIT, .line_start = true};
	bool found = false;
	while (!found && w.p < w.end) {
		char c = *w.p;
		if (c == '\n' || isspace((unsigned char)c)) {
			w.line_start = w.line_start || c == '\n';
			w.p++;
			continue;
		}
		if (c == '#' && w.line_start) { /* a line marker, or a pragma */
			const char *eol = memchr(w.p, '\n', (size_t)(w.end - w.p));
			w.p = eol ? eol : w.end;
			continue;
		}
		w.line_start = false;
		const char *from = w.p;
		if (c == '"') {
			take_quoted(&w);
			w.after_asm = false;
			continue;
		}
		if (is_word((unsigned char)c)) {
			found = take_word(&w);
			if (is_prefix(from, w.p, w.end))
				continue;
		} else if (c == '\'') {
			take_quoted(&w);
		} else {
			/* asm { … } has no strings, asm((…)) may compute them. */
			found = w.after_asm && (c == '{' || (c == '(' && w.p + 1 < w.end && w.p[1] == '('));
			w.after_asm = false;
			w.p++;
		}
		found = found || w.unclear || (w.joined.len && names_directive(buf_str(&w.joined)));
		buf_clear(&w.joined);
	}
	found = found || w.unclear || names_directive(buf_str(&w.joined)) || !buf_ok(&w.joined);
	buf_release(&w.joined);
	return found;
}

/* ---- names that macros gave ---------------------------------------------------------------- */

/* tidy: the paths of the inputs, in order. The list may lack a "./" that a marker has. */
static struct input *input_of(struct input_list *l, const struct vec *tidy, char *path)
{
	path_tidy(path);
	for (size_t i = 0; i < tidy->len; i++)
		if (!l->items[i].is_program && strcmp(tidy->items[i], path) == 0)
			return &l->items[i];
	return NULL;
}

/* The name in a line marker: # 1 "NAME" FLAGS. Behind it, or NULL when it is none. */
static const char *take_marker(const char *line, const char *eol, struct buf *name)
{
	if (eol - line < 5 || line[0] != '#' || line[1] != ' ' || !isdigit((unsigned char)line[2]))
		return NULL;
	const char *p = memchr(line, '"', (size_t)(eol - line));
	for (p = p ? p + 1 : eol; p < eol && *p != '"'; p++) {
		bool escape = *p == '\\' && p + 1 < eol;
		if (escape && eol - p > 3 && digit_value(p[1], 8) >= 0) { /* as GCC writes bytes that are not ASCII */
			buf_addc(name, (char)(digit_value(p[1], 8) << 6 | digit_value(p[2], 8) << 3 | digit_value(p[3], 8)));
			p += 3;
			continue;
		}
		p += escape;
		buf_addc(name, escape && *p == 'n' ? '\n' : *p);
	}
	return p < eol ? p + 1 : NULL;
}

/* #include, #include_next or #import with its name, as -dI gives them, added to what the file spells unless it does. */
static bool add_name(struct input *in, const char *line, const char *eol)
{
	static const char *const directives[] = {"#include ", "#include_next ", "#import "};
	for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
		size_t n = strlen(directives[i]);
		if ((size_t)(eol - line) <= n || memcmp(line, directives[i], n) != 0)
			continue;
		const char *name = line + n, *stop = eol - 1;
		while (stop > name && *stop != (*name == '<' ? '>' : '"'))
			stop--;
		if (!in || stop == name)
			return false;
		char *spelled = strndup(name, (size_t)(stop - name));
		if (spelled)
			vec_add_once(&in->includes, spelled);
		if (spelled && i == 1)
			vec_add_once(&in->next_names, spelled);
		bool good = spelled && vec_ok(&in->includes) && vec_ok(&in->next_names);
		free(spelled);
		return good;
	}
	return true;
}

/* The files that the preprocessor is in, by its line markers. */
struct position {
	struct vec files; /* the innermost last */
	struct vec tidy;  /* of the inputs */
	struct input *in; /* the innermost, if it is one */
};

static bool follow_marker(struct position *at, struct input_list *l, const struct buf *name, char flag)
{
	if (flag == '1' && at->files.len == FILES_OPEN_MAX)
		return false;
	if (flag == '1')
		vec_addn(&at->files, buf_str(name), name->len);
	if (flag == '2' && at->files.len > 1) {
		free(at->files.items[--at->files.len]);
		at->files.items[at->files.len] = NULL;
	}
	if (!vec_ok(&at->files) || !buf_ok(name))
		return false;
	if (flag == '1' || flag == '2')
		at->in = input_of(l, &at->tidy, at->files.items[at->files.len - 1]);
	return true;
}

/* What options include is known, and stands in a file called <built-in> or the like. */
static bool is_in_options(const struct position *at)
{
	return !at->in && *at->files.items[at->files.len - 1] == '<';
}

static bool read_names(struct position *at, struct input_list *l, const char *text, size_t len)
{
	const char *end = text + len;
	bool good = len && *text == '#';
	for (const char *line = text, *eol; good && line < end; line = eol + (eol < end)) {
		eol = memchr(line, '\n', (size_t)(end - line));
		eol = eol ? eol : end;
		if (*line != '#')
			continue;
		struct buf name = BUF_INIT;
		const char *flags = take_marker(line, eol, &name);
		if (flags)
			good = follow_marker(at, l, &name, eol - flags > 1 ? flags[1] : 0);
		else if (!is_in_options(at) && (!at->in || (at->in->flags & SCAN_COMPUTED)))
			good = add_name(at->in, line, eol);
		buf_release(&name);
	}
	return good;
}

bool expansion_add_names(const struct unit *u, struct input_list *l, const char *text, size_t len)
{
	struct position at = {VEC_INIT, VEC_INIT, NULL};
	for (size_t i = 0; i < l->len; i++) {
		vec_add(&at.tidy, l->items[i].path);
		if (vec_ok(&at.tidy))
			path_tidy(at.tidy.items[i]);
	}
	vec_add(&at.files, u->inv.source);
	bool good = vec_ok(&at.tidy) && vec_ok(&at.files);
	if (good)
		at.in = input_of(l, &at.tidy, at.files.items[0]);
	good = good && read_names(&at, l, text, len);
	vec_release(&at.files);
	vec_release(&at.tidy);
	return good;
}

/* ---- the question ------------------------------------------------------------------------ */

/* Which of these, where they are suspected, the unit really has; all of them when the preprocessor cannot tell. */
static uint32_t ask(struct unit *u, struct input_list *l)
{
	const soldr_host *host = u->inst->host;
	struct vec argv = VEC_INIT;
	question(u, &argv);
	vec_add(&argv, "-E");
	vec_add(&argv, "-dI");
	for (size_t i = 0; i < MACROS; i++)
		if (!user_defines(&u->inv.key_args, macros[i].name))
			vec_addf(&argv, "-D%s=%s", macros[i].name, macros[i].marker);
	vec_add(&argv, u->inv.source);
	soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_NO_STDIN | SOLDR_SPAWN_PROBE,
		.file = u->req->compiler,
		.argv = vec_items(&argv),
		.capture_max = OUTPUT_MAX,
	};
	soldr_exit ex = {.struct_size = sizeof ex};
	soldr_error ignored = SOLDR_ERROR_INIT;
	uint32_t hazards = EXPANSION_TIME | EXPANSION_EMBED | EXPANSION_UNNAMED;
	/* In C90 and with -E, "//" begins no comment for Clang, but in a compile it does. */
	bool trusted = u->inv.family != FAMILY_CLANG || !(l->scan.flags & SCAN_COMMENT_IN_LINE);
	if (trusted && vec_ok(&argv) && host->run(host->core, u->req->id, &sp, &ex, &ignored) == 0) {
		const char *text = ex.stdout_data;
		size_t len = (size_t)ex.stdout_len;
		if (!ex.exit_code && !ex.signal && !ex.truncated && text) {
			hazards = l->embedder && expansion_embeds(text, len) ? EXPANSION_EMBED : 0;
			for (size_t i = 0; l->time_macro && i < MACROS; i++)
				if (memmem(text, len, macros[i].marker, strlen(macros[i].marker)))
					hazards |= EXPANSION_TIME;
			if ((l->scan.flags & SCAN_COMPUTED) && !expansion_add_names(u, l, text, len))
				hazards |= EXPANSION_UNNAMED;
		}
		host->release(host->core, ex.stdout_data);
	}
	vec_release(&argv);
	return hazards;
}

enum soldr_reason expansion_judge(struct unit *u, struct input_list *inputs, char *detail, size_t detail_size)
{
	bool computed = !u->rust && unit_runs_preprocessor(u) && (inputs->scan.flags & SCAN_COMPUTED);
	if (!inputs->time_macro && !inputs->embedder && !computed)
		return SOLDR_REASON_NONE;
	uint32_t hazards = ask(u, inputs);
	if (inputs->time_macro && (hazards & EXPANSION_TIME)) {
		snprintf(detail, detail_size, "%s", inputs->time_macro);
		return SOLDR_REASON_TIME_MACRO;
	}
	if (inputs->embedder && (hazards & EXPANSION_EMBED)) {
		snprintf(detail, detail_size, "%s", inputs->embedder);
		return SOLDR_REASON_EMBEDDED_FILE;
	}
	if (computed && (hazards & EXPANSION_UNNAMED)) {
		snprintf(detail, detail_size, "#include of a macro");
		return SOLDR_REASON_INPUTS_UNKNOWN;
	}
	/* The preprocessor must have seen what the compiler saw. */
	if (!precompiled_text_stands(u, inputs)) {
		snprintf(detail, detail_size, "%s", inputs->time_macro ? inputs->time_macro : inputs->embedder);
		return SOLDR_REASON_PRECOMPILED_HEADER;
	}
	return inputs_unchanged(u, inputs) ? SOLDR_REASON_NONE : SOLDR_REASON_INPUT_MODIFIED;
}

int expansion_list(struct unit *u, const char *file)
{
	const soldr_host *host = u->inst->host;
	struct vec argv = VEC_INIT;
	question(u, &argv);
	vec_add(&argv, "-M");
	vec_add(&argv, "-MF");
	vec_add(&argv, file);
	vec_add(&argv, u->inv.source);
	soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_NO_STDIN | SOLDR_SPAWN_PROBE,
		.file = u->req->compiler,
		.argv = vec_items(&argv),
	};
	soldr_exit ex = {.struct_size = sizeof ex};
	soldr_error ignored = SOLDR_ERROR_INIT;
	bool good = vec_ok(&argv) && host->run(host->core, u->req->id, &sp, &ex, &ignored) == 0 && !ex.exit_code && !ex.signal;
	vec_release(&argv);
	return good ? 0 : -1;
}
