/*
 * store: the files of the store. A checksum would stop nearly every input, so
 * the target seals what it is given and the readers behind the checksum see it.
 * The first byte says whether the file is given as it is instead.
 */
#include "fuzz.h"

#include "digests.h"
#include "entry.h"
#include "fs.h"
#include "header_record.h"
#include "history.h"
#include "identity.h"
#include "manifest.h"
#include "sealed.h"
#include "store.h"

#include "counters.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIXED_FILE = 1 };

static const char entry_magic[SEALED_MAGIC_SIZE] = "SLDRENT", manifest_magic[SEALED_MAGIC_SIZE] = "SLDRMAN",
	history_magic[SEALED_MAGIC_SIZE] = "SLDRHIS", record_magic[SEALED_MAGIC_SIZE] = "SLDRPCH";

static struct buf seal(const char magic[SEALED_MAGIC_SIZE], uint32_t format, const uint8_t *data, size_t len)
{
	struct buf file = BUF_INIT;
	uint8_t kind = fuzz_byte(&data, &len);
	if (kind & FIXED_FILE) {
		buf_add(&file, data ? (const char *)data : "", len);
	} else {
		sealed_begin(&file, magic, format, fuzz_key());
		buf_add(&file, data ? (const char *)data : "", len);
		HOLDS_ALWAYS(sealed_end(&file));
	}
	return file;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

/* ---- entries ------------------------------------------------------------------------------ */

/* What both ways of unpacking give; they agree. */
static bool unpack(const struct entry_section *s, struct buf *out)
{
	struct buf written = BUF_INIT;
	int fd = memfd_create("section", MFD_CLOEXEC);
	bool whole = entry_unpack(s, out, NULL) == 0;
	HOLDS_ALWAYS(fd >= 0);
	HOLDS_ALWAYS((entry_write(s, fd, NULL) == 0) == whole);
	if (whole) {
		HOLDS_ALWAYS(out->len == s->raw_len);
		HOLDS_ALWAYS(lseek(fd, 0, SEEK_SET) == 0 && fs_read_fd(fd, "section", BUF_MAX_DEFAULT, &written, NULL) == 0);
		HOLDS_ALWAYS(same(&written, out));
	}
	close(fd);
	buf_release(&written);
	return whole;
}

void fuzz_entry(const uint8_t *data, size_t len)
{
	static struct buf raw[ENTRY_SECTIONS_MAX];
	struct entry e = {.file = seal(entry_magic, ENTRY_FORMAT, data, len)}, again = {0};
	if (entry_decode(&e, fuzz_key(), NULL) == 0) {
		bool whole = true;
		again.exit_code = e.exit_code;
		again.compile_ns = e.compile_ns;
		again.section_count = e.section_count;
		for (size_t i = 0; i < e.section_count; i++) {
			whole = unpack(&e.sections[i], &raw[i]) && whole;
			again.sections[i] = e.sections[i];
			again.sections[i].data = buf_str(&raw[i]);
			again.sections[i].len = again.sections[i].raw_len;
		}
		/* Written and read again it says the same. */
		struct buf out = BUF_INIT;
		if (whole) {
			HOLDS_ALWAYS(entry_encode(fuzz_key(), &again, 1, &out, NULL) == 0);
			again.file = out;
			HOLDS_ALWAYS(entry_decode(&again, fuzz_key(), NULL) == 0);
			HOLDS_ALWAYS(again.exit_code == e.exit_code && again.section_count == e.section_count);
			for (size_t i = 0; i < again.section_count; i++) {
				struct buf once = BUF_INIT;
				HOLDS_ALWAYS(again.sections[i].kind == e.sections[i].kind && again.sections[i].executable == e.sections[i].executable);
				HOLDS_ALWAYS(unpack(&again.sections[i], &once) && same(&once, &raw[i]));
				buf_release(&once);
			}
		}
		for (size_t i = 0; i < e.section_count; i++)
			buf_release(&raw[i]);
	}
	entry_release(&again);
	entry_release(&e);
}

/* ---- manifests ---------------------------------------------------------------------------- */

/* With one more candidate it can be read, has that one first, and those that it had. */
static void add_candidate(const struct manifest *m)
{
	static const char *const names[] = {"new.h"};
	const struct state state = {.path = "/a/new.c", .flags = 0};
	const struct guard_input guard = {.path = "/a", .exists = GUARD_EXISTS, .names = names, .name_count = 1};
	struct candidate_input in = {.any_terminal = 1, .states = &state, .state_count = 1, .guards = &guard, .guard_count = 1};
	struct key key = {.direct = *fuzz_key()};
	struct manifest more = MANIFEST_INIT;
	memset(in.result.bytes, 0xfe, DIGEST_SIZE);
	HOLDS_ALWAYS(manifest_encode_with(m, &in, MANIFEST_CANDIDATES_MAX, &key, &more.file, NULL) == 0);
	HOLDS_ALWAYS(manifest_decode(&more, fuzz_key(), NULL) == 0);
	HOLDS_ALWAYS(more.candidate_count && digest_equal(&more.candidates[0].result, &in.result));
	HOLDS_ALWAYS(more.candidate_count <= m->candidate_count + 1 && more.candidate_count <= MANIFEST_CANDIDATES_MAX);
	HOLDS_ALWAYS(strcmp(more.states[more.candidates[0].inputs[0]].path, "/a/new.c") == 0);
	manifest_release(&more);
}

void fuzz_manifest(const uint8_t *data, size_t len)
{
	struct manifest m = {.file = seal(manifest_magic, MANIFEST_FORMAT, data, len)};
	struct buf again = BUF_INIT;
	if (manifest_decode(&m, fuzz_key(), NULL) == 0) {
		HOLDS_ALWAYS(manifest_encode(&m, fuzz_key(), &again, NULL) == 0);
		HOLDS_ALWAYS(same(&again, &m.file));
		add_candidate(&m);
		/* Nor does the root that is put in front get into the file. */
		HOLDS_ALWAYS(manifest_settle(&m, "/a/root", fuzz_key()) == 0);
		HOLDS_ALWAYS(manifest_encode(&m, fuzz_key(), &again, NULL) == 0);
		HOLDS_ALWAYS(same(&again, &m.file));
	}
	buf_release(&again);
	manifest_release(&m);
}

/* ---- histories, records, memories ------------------------------------------------------------ */

void fuzz_history(const uint8_t *data, size_t len)
{
	struct buf file = seal(history_magic, HISTORY_FORMAT, data, len), again = BUF_INIT;
	struct history *h = calloc(1, sizeof *h), *rest = calloc(1, sizeof *rest), *back = calloc(1, sizeof *back);
	HOLDS_ALWAYS(h && rest && back);
	if (history_decode(h, &file, fuzz_key(), NULL) == 0 && h->count) {
		rest->count = h->count - 1;
		memcpy(rest->items, h->items + 1, rest->count * sizeof *rest->items);
		HOLDS_ALWAYS(history_encode(&h->items[0], rest, fuzz_key(), &again, NULL) == 0);
		HOLDS_ALWAYS(history_decode(back, &again, fuzz_key(), NULL) == 0);
		HOLDS_ALWAYS(back->count <= h->count);
		HOLDS_ALWAYS(!back->count || back->items[0].when_ns == h->items[0].when_ns);
		history_release(back);
	}
	history_release(h);
	free(h);
	free(rest);
	free(back);
	buf_release(&again);
	buf_release(&file);
}

void fuzz_header_record(const uint8_t *data, size_t len)
{
	struct buf file = seal(record_magic, HEADER_RECORD_FORMAT, data, len), again = BUF_INIT;
	struct header_record h = HEADER_RECORD_INIT, back = HEADER_RECORD_INIT;
	if (header_record_decode(&h, &file, fuzz_key()) == 0) {
		HOLDS_ALWAYS(header_record_encode(&h, fuzz_key(), &again));
		HOLDS_ALWAYS(header_record_decode(&back, &again, fuzz_key()) == 0);
		HOLDS_ALWAYS(back.paths.len == h.paths.len && back.wrappers.len == h.wrappers.len && back.flags == h.flags);
		header_record_release(&back);
	}
	header_record_release(&h);
	buf_release(&again);
	buf_release(&file);
}

/* The text of a compiler's memory, its last line made right. */
void fuzz_compiler_memory(const uint8_t *data, size_t len)
{
	static const char head[] = "soldr-compiler 1\n", name[] = "memory";
	struct buf text = BUF_INIT;
	struct identity id = IDENTITY_INIT;
	struct hasher h;
	struct digest d;
	char hex[DIGEST_HEX_SIZE];
	uint8_t kind = fuzz_byte(&data, &len);
	buf_adds(&text, head);
	buf_add(&text, data ? (const char *)data : "", len);
	if (len && data[len - 1] != '\n')
		buf_addc(&text, '\n');
	hasher_init(&h);
	hasher_field(&h, "text", text.data, text.len);
	hasher_field_str(&h, "name", name);
	hasher_end(&h, &d);
	digest_hex(&d, hex);
	if (!(kind & FIXED_FILE))
		buf_addf(&text, "end %s\n", hex);
	const char *file = fuzz_file(name, text.data, text.len);
	if (identity_recall(file, &id))
		HOLDS_ALWAYS(!id.programs.len || id.states);
	identity_release(&id);
	buf_release(&text);
}

/* Files that are mapped and believed a word at a time. */
void fuzz_mapped(const uint8_t *data, size_t len)
{
	static const char *const names[] = {"embedded/v1/size", "embedded/v1/digests", "counters"};
	struct store s;
	struct digest_memory memory = DIGEST_MEMORY_INIT;
	struct counter_totals totals;
	struct tuple tuple;
	struct digest digest, right;
	uint64_t bytes, entries;
	char path[512];
	uint8_t which = fuzz_byte(&data, &len) % 3, at = fuzz_byte(&data, &len);
	HOLDS_ALWAYS(store_init(&s, fuzz_dir(), 1 << 20, false, NULL) == 0);
	HOLDS_ALWAYS(fs_make_dirs(s.dir, 0700, NULL) == 0);
	snprintf(path, sizeof path, "%s/%s", fuzz_dir(), names[which]);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	HOLDS_ALWAYS(fd >= 0 && pwrite(fd, data ? (const char *)data : "", len, at) == (ssize_t)len);
	close(fd);
	store_totals(&s, &bytes, &entries);
	store_next_turn(&s);
	store_upkeep(&s, NULL);
	snprintf(path, sizeof path, "%s/counters", fuzz_dir());
	counters_read(path, &totals, NULL);
	struct counters *c = counters_open(path, NULL);
	counters_close(c);
	char input[512];
	snprintf(input, sizeof input, "%s", fuzz_file("input", data, len));
	digests_open(&memory, &s);
	if (digests_read(&memory, AT_FDCWD, input, &tuple, &digest, NULL) == 0) {
		digest_of(&right, data ? (const char *)data : "", len);
		HOLDS_ALWAYS(digest_equal(&digest, &right));
	}
	digests_close(&memory);
	store_release(&s);
}

/* ---- first inputs ------------------------------------------------------------------------------ */

enum { SEALED_HEAD = SEALED_MAGIC_SIZE + 4 + 2 * DIGEST_SIZE };

/* The body of a sealed file, behind the byte that says so. */
static void write_body(const char *dir, const char *name, const struct buf *file)
{
	struct buf body = BUF_INIT, path = BUF_INIT;
	buf_addc(&body, 0);
	buf_add(&body, file->data + SEALED_HEAD, file->len - SEALED_HEAD);
	buf_addf(&path, "%s/%s", dir, name);
	HOLDS_ALWAYS(fs_write_file(path.data, body.data, body.len, 0600, NULL) == 0);
	buf_release(&body);
	buf_release(&path);
}

static void entry_seeds(const char *dir)
{
	static char large[300000];
	static const char text[] = "x.c:1: warning: so it is\n";
	struct buf out = BUF_INIT;
	struct entry e = {.exit_code = 0, .compile_ns = 12345678};
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (char)("0123456789abcdef"[i / 7 % 16]);
	HOLDS_ALWAYS(entry_encode(fuzz_key(), &e, 1, &out, NULL) == 0);
	write_body(dir, "empty", &out);
	e.sections[e.section_count++] = (struct entry_section){ENTRY_DEPFILE, .rootless = true, .data = text, .len = 5, .raw_len = 5};
	e.sections[e.section_count++] = (struct entry_section){ENTRY_STDERR, .data = text, .len = sizeof text, .raw_len = sizeof text};
	HOLDS_ALWAYS(entry_encode(fuzz_key(), &e, 1, &out, NULL) == 0);
	write_body(dir, "texts", &out);
	e.sections[e.section_count++] = (struct entry_section){ENTRY_OBJECT, .executable = true, .data = large, .len = sizeof large, .raw_len = sizeof large};
	HOLDS_ALWAYS(entry_encode(fuzz_key(), &e, 1, &out, NULL) == 0);
	write_body(dir, "packed", &out);
	buf_release(&out);
}

static void manifest_seeds(const char *dir)
{
	static const char *const names[] = {"a.h", "sub/b.h"};
	struct state states[2] = {{.path = "/a/x.c", .flags = INPUT_COMPILER, .tuple = {1, 2, 3, 4, 5}}, {.path = "/y.h", .flags = INPUT_BELOW_ROOT}};
	struct guard_input guards[2] = {{.path = "/a", .exists = GUARD_EXISTS, .names = names, .name_count = 2},
	                                {.path = "/b", .exists = GUARD_ABSENT, .names = names, .name_count = 1, .flags = INPUT_BELOW_ROOT}};
	struct candidate_input in = {.any_terminal = 1, .shared = 1, .states = states, .state_count = 2, .guards = guards, .guard_count = 2};
	struct key key = {.direct = *fuzz_key()};
	struct manifest old = MANIFEST_INIT;
	struct buf out = BUF_INIT;
	HOLDS_ALWAYS(manifest_encode_with(NULL, &in, 16, &key, &old.file, NULL) == 0);
	write_body(dir, "one", &old.file);
	HOLDS_ALWAYS(manifest_decode(&old, fuzz_key(), NULL) == 0);
	in.result.bytes[0] = 9;
	states[0].tuple.size = 77;
	HOLDS_ALWAYS(manifest_encode_with(&old, &in, 16, &key, &out, NULL) == 0);
	write_body(dir, "two", &out);
	buf_release(&out);
	manifest_release(&old);
}

static struct past some_past(const char *output)
{
	struct past p = {.when_ns = 1700000000, .against_ns = 1};
	struct digest d = {{7}};
	past_add_text(&p, "/a");
	past_add_text(&p, output);
	for (int i = PAST_COMPILER; i < PAST_TEXTS; i++)
		past_add_text(&p, "gcc");
	facts_add(&p.options, "-O2", &d);
	facts_add(&p.variables, "CPATH", &d);
	past_differ(&p, "input", "/a/x.h", NULL, NULL);
	return p;
}

static void history_seeds(const char *dir)
{
	struct history *none = calloc(1, sizeof *none);
	struct past one = some_past("/a/x.o"), two = some_past("/a/y.o");
	struct buf out = BUF_INIT;
	HOLDS_ALWAYS(none);
	HOLDS_ALWAYS(history_encode(&one, none, fuzz_key(), &out, NULL) == 0);
	write_body(dir, "one", &out);
	none->items[none->count++] = one;
	HOLDS_ALWAYS(history_encode(&two, none, fuzz_key(), &out, NULL) == 0);
	write_body(dir, "two", &out);
	past_release(&two);
	history_release(none);
	free(none);
	buf_release(&out);
}

static void record_seeds(const char *dir)
{
	struct header_record h = HEADER_RECORD_INIT;
	struct digest digests[2] = {{{1}}, {{2}}};
	struct buf out = BUF_INIT;
	vec_add(&h.paths, "/a/x.h");
	vec_add(&h.paths, "/a/y.h");
	vec_add(&h.wrappers, "HAS");
	h.digests = digests;
	HOLDS_ALWAYS(header_record_encode(&h, fuzz_key(), &out));
	write_body(dir, "one", &out);
	h.digests = NULL;
	header_record_release(&h);
	buf_release(&out);
}

void fuzz_store_seeds(const char *target, const char *dir)
{
	static const struct {
		const char *target;
		void (*write)(const char *dir);
	} makers[] = {{"entry", entry_seeds}, {"manifest", manifest_seeds}, {"history", history_seeds}, {"header_record", record_seeds}};
	for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
		if (strcmp(makers[i].target, target) == 0)
			makers[i].write(dir);
}
