/* compilers: command lines, and what compilers and their caches write: make rules, dep-info, sources, preprocessed text. */
#include "fuzz.h"

#include "args_rustc.h"
#include "crates.h"
#include "depfile.h"
#include "depinfo.h"
#include "invocation.h"
#include "outcome.h"
#include "response.h"
#include "scan.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

void fuzz_response(const uint8_t *data, size_t len)
{
	struct vec words = VEC_INIT, again = VEC_INIT;
	struct buf text = BUF_INIT;
	bool clear = response_split(data ? (const char *)data : "", len, &words);
	/* The words, each written plainly, give the same words. */
	for (size_t i = 0; clear && i < words.len; i++) {
		for (const char *p = words.items[i]; *p; p++) {
			if (strchr(" \t\v\f'\"\\", *p))
				buf_addc(&text, '\\');
			buf_addc(&text, *p);
		}
		buf_addc(&text, '\n');
	}
	bool plain = clear;
	for (size_t i = 0; plain && i < words.len; i++)
		plain = !strpbrk(words.items[i], "\r\n") && (i || !strchr("\xff\xfe\xef", words.items[i][0]));
	if (plain) {
		HOLDS_ALWAYS(response_split(buf_str(&text), text.len, &again));
		HOLDS_ALWAYS(again.len == words.len);
		for (size_t i = 0; i < words.len; i++)
			HOLDS_ALWAYS(strcmp(again.items[i], words.items[i]) == 0);
	}
	vec_release(&words);
	vec_release(&again);
	buf_release(&text);
}

/* Up to a NUL the arguments, a line each; behind it the response file "f". */
static struct vec command_line(const char *compiler, const uint8_t *data, size_t len)
{
	struct vec argv = VEC_INIT;
	char *arguments = fuzz_text(&data, &len, 0);
	struct vec lines = fuzz_lines((const uint8_t *)arguments, strlen(arguments));
	fuzz_file("f", data, len);
	vec_add(&argv, compiler);
	for (size_t i = 0; i < lines.len; i++)
		/* Paths of this machine are none of its business. */
		vec_add(&argv, strncmp(lines.items[i], "@/", 2) == 0 ? "@f" : lines.items[i]);
	vec_release(&lines);
	free(arguments);
	return argv;
}

static void parse(const char *compiler, enum family family, const uint8_t *data, size_t len)
{
	struct vec argv = command_line(compiler, data, len);
	struct invocation inv = INVOCATION_INIT;
	HOLDS_ALWAYS(invocation_parse(&inv, family, vec_items(&argv), fuzz_dir()) == 0);
	if (inv.refused == SOLDR_REASON_NONE) {
		HOLDS_ALWAYS(inv.source && inv.source_count == 1);
		HOLDS_ALWAYS(inv.no_output || inv.output);
		HOLDS_ALWAYS(inv.mmd_index < (int)inv.args.len);
		HOLDS_ALWAYS(inv.mmd_index < 0 || inv.mmd_replacement);
		HOLDS_ALWAYS(inv.side_count <= SIDE_OUTPUTS_MAX);
		for (size_t i = 0; i < inv.source_count; i++)
			HOLDS_ALWAYS(inv.source_at[i] < inv.args.len);
	}
	invocation_release(&inv);
	vec_release(&argv);
}

void fuzz_args_gcc(const uint8_t *data, size_t len)
{
	parse("gcc", FAMILY_GCC, data, len);
}

void fuzz_args_clang(const uint8_t *data, size_t len)
{
	parse("clang", FAMILY_CLANG, data, len);
}

void fuzz_args_rustc(const uint8_t *data, size_t len)
{
	uint8_t kind = fuzz_byte(&data, &len);
	struct vec argv = command_line(kind & 1 ? "clippy-driver" : "rustc", data, len);
	struct rust_call call = {0};
	struct invocation inv = INVOCATION_INIT;
	HOLDS_ALWAYS(rust_parse(&call, &inv, vec_items(&argv), fuzz_dir()) == 0);
	if (inv.refused == SOLDR_REASON_NONE) {
		HOLDS_ALWAYS(inv.source);
		HOLDS_ALWAYS(call.extern_names.len == call.extern_paths.len);
		rust_links(&call);
		rust_bundles(&call);
	}
	rust_call_release(&call);
	invocation_release(&inv);
	vec_release(&argv);
}

static bool writes_well(const struct vec *names)
{
	bool good = true;
	for (size_t i = 0; good && i < names->len; i++) {
		size_t len = strlen(names->items[i]);
		good = len && !strpbrk(names->items[i], "\n\r") && names->items[i][len - 1] != '\\';
	}
	return good;
}

static void check_depfile(const struct depfile *d, enum family family, const char *text, size_t len)
{
	struct buf made = BUF_INIT;
	struct depfile again = DEPFILE_INIT;
	depfile_format(d, family, NULL, &made);
	HOLDS_ALWAYS(buf_ok(&made));
	if (depfile_is_faithful(d, family, text, len))
		HOLDS_ALWAYS(made.len == len);
	/* The names outlive writing and reading, but for line breaks in them and backslashes that would stand before one. */
	bool plain = writes_well(&d->spelled) && writes_well(&d->targets);
	if (plain && !d->phony && depfile_parse(&again, made.data, made.len) == 0 && again.targets.len == d->targets.len) {
		HOLDS_ALWAYS(again.paths.len == d->paths.len);
		for (size_t i = 0; i < d->paths.len; i++)
			HOLDS_ALWAYS(strcmp(again.paths.items[i], d->paths.items[i]) == 0);
	}
	depfile_release(&again);
	buf_release(&made);
}

void fuzz_depfile(const uint8_t *data, size_t len)
{
	struct depfile d = DEPFILE_INIT;
	const char *text = data ? (const char *)data : "";
	if (depfile_parse(&d, text, len) == 0) {
		HOLDS_ALWAYS(d.spelled.len == d.paths.len);
		check_depfile(&d, FAMILY_GCC, text, len);
		check_depfile(&d, FAMILY_CLANG, text, len);
		depfile_move(&d, "/a/root", "\001");
	}
	depfile_release(&d);
}

void fuzz_depinfo(const uint8_t *data, size_t len)
{
	struct depinfo d = DEPINFO_INIT;
	struct buf moved = BUF_INIT, back = BUF_INIT;
	const char *text = data ? (const char *)data : "";
	if (depinfo_parse(&d, text, len) == 0)
		HOLDS_ALWAYS(d.sources.len && d.names.len == d.values.len);
	depinfo_release(&d);
	/* To a mark and back is where it was. */
	if (depinfo_move(text, len, "/root", "\001", &moved) && !memchr(text, 1, len)) {
		HOLDS_ALWAYS(depinfo_move(buf_str(&moved), moved.len, "\001", "/root", &back));
		HOLDS_ALWAYS(back.len == len && (!len || memcmp(back.data, text, len) == 0));
	}
	buf_release(&moved);
	buf_release(&back);
}

struct scanned {
	struct scan scan;
	struct vec includes, has_includes, next_names, computed, wrappers;
	struct scan_names defined;
};

static uint32_t scan_once(const char *text, size_t len, uint8_t kind)
{
	struct scanned s = {0};
	s.scan.old_c = kind & 1;
	s.scan.no_raw_strings = kind & 2;
	s.scan.includes = &s.includes;
	s.scan.has_includes = &s.has_includes;
	s.scan.next_names = &s.next_names;
	s.scan.computed = &s.computed;
	s.scan.wrappers = &s.wrappers;
	scan_text(&s.scan, text, len, kind & 4);
	uint32_t flags = scan_conclude(&s.scan);
	struct vec *const lists[] = {&s.includes, &s.has_includes, &s.next_names, &s.computed, &s.wrappers};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		vec_release(lists[i]);
	return flags;
}

/* A splice between any two bytes of a word changes nothing that a compiler reads. */
static bool splice(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\'' || text[i] == '\\' || text[i] == '?')
			return false; /* in raw strings it would */
		buf_addc(out, text[i]);
		if (i % 3 == 2)
			buf_adds(out, "\\\n");
	}
	return buf_ok(out);
}

void fuzz_scan(const uint8_t *data, size_t len)
{
	const uint32_t times = SCAN_DATE | SCAN_TIME | SCAN_TIMESTAMP;
	uint8_t kind = fuzz_byte(&data, &len);
	const char *text = data ? (const char *)data : "";
	struct buf spliced = BUF_INIT;
	uint32_t flags = scan_once(text, len, kind);
	if (!(kind & 4) && splice(text, len, &spliced))
		HOLDS_ALWAYS((scan_once(buf_str(&spliced), spliced.len, kind) & times) == (flags & times));
	buf_release(&spliced);
}

void fuzz_expansion(const uint8_t *data, size_t len)
{
	expansion_embeds(data ? (const char *)data : "", len);
}

void fuzz_crates(const uint8_t *data, size_t len)
{
	struct rust_call call = {0};
	vec_add(&call.extern_names, "serde");
	crates_named(data ? (const char *)data : "", len, &call);
	vec_release(&call.extern_names);
}

void fuzz_statslog(const uint8_t *data, size_t len)
{
	struct outcome o;
	outcome_from_ccache_log(data ? (const char *)data : "", len, &o);
	HOLDS_ALWAYS(memchr(o.detail, 0, sizeof o.detail));
	HOLDS_ALWAYS(o.reason && strlen(o.reason) < 40);
}
