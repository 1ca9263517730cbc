/* entry: what is stored comes back to the byte, and nothing that was changed, cut or put elsewhere is believed. */
#include "entry.h"
#include "room.h"

#include <soldr/backend.h>

#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

void suite_entry(void);

static struct digest key_of(const char *name)
{
	struct digest d;
	digest_of(&d, name, strlen(name));
	return d;
}

static void add(struct entry *e, enum entry_kind kind, const void *data, size_t len)
{
	e->sections[e->section_count++] = (struct entry_section){.kind = (uint32_t)kind, .data = data, .len = len, .raw_len = len};
}

/* Text that packs well and bytes that do not. */
static void fill(unsigned char *data, size_t len, bool packs)
{
	uint32_t x = 2463534242u;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (unsigned char)(packs ? "the same words again and again "[i % 31] : (int)(x >> 7));
	}
}

static void encode(const char *key, const struct entry *e, struct buf *out)
{
	struct digest d = key_of(key);
	soldr_error err = SOLDR_ERROR_INIT;
	SAME_NUMBER(entry_encode(&d, e, 1, out, &err), 0);
}

/* A decode of the bytes from memory of exactly their length. */
static int decode(struct entry *e, const char *key, const void *bytes, size_t len)
{
	struct digest d = key_of(key);
	soldr_error err = SOLDR_ERROR_INIT;
	*e = (struct entry){0};
	e->file.data = malloc(len ? len : 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e->file.data);
	if (len)
		memcpy(e->file.data, bytes, len);
	e->file.len = e->file.cap = len;
	int rc = entry_decode(e, &d, &err);
	SAME_NUMBER(rc, err.code);
	return rc;
}

/* What entry_write() wrote of the section; rc: what it returned. */
static struct buf written(const struct entry_section *s, int expected)
{
	struct buf out = BUF_INIT;
	int fd = memfd_create("section", MFD_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	SAME_NUMBER(entry_write(s, fd, NULL), expected);
	off_t len = lseek(fd, 0, SEEK_END);
	char *to = buf_reserve(&out, (size_t)len);
	CU_ASSERT_FATAL(to && pread(fd, to, (size_t)len, 0) == (ssize_t)len);
	out.len = (size_t)len;
	close(fd);
	return out;
}

static void expect_section(const struct entry *e, enum entry_kind kind, const void *data, size_t len)
{
	struct buf out = BUF_INIT;
	const struct entry_section *s = entry_find(e, kind);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	SAME_NUMBER(s->raw_len, len);
	buf_adds(&out, "before");
	SAME_NUMBER(entry_unpack(s, &out, NULL), 0);
	CU_ASSERT(out.len == 6 + len && memcmp(out.data + 6, data, len) == 0);
	buf_release(&out);
	out = written(s, 0);
	CU_ASSERT(out.len == len && memcmp(out.data, data, len) == 0);
	buf_release(&out);
}

static void results_come_back(void)
{
	enum { SIZE = 300000 };
	struct entry e = {.exit_code = -3, .compile_ns = 1234567890123}, back;
	struct buf file = BUF_INIT;
	unsigned char *packs = malloc(SIZE), *noise = malloc(SIZE);
	CU_ASSERT_FATAL(packs && noise);
	fill(packs, SIZE, true);
	fill(noise, SIZE, false);
	add(&e, ENTRY_OBJECT, packs, SIZE);
	add(&e, ENTRY_DEPFILE, noise, SIZE);
	add(&e, ENTRY_STDOUT, "", 0);
	add(&e, ENTRY_STDERR, "short \0 text", 12);
	encode("k", &e, &file);
	CU_ASSERT(file.len > SIZE && file.len < SIZE + SIZE / 4);
	SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
	SAME_NUMBER(back.exit_code, -3);
	SAME_NUMBER(back.compile_ns, 1234567890123);
	SAME_NUMBER(back.section_count, 4);
	expect_section(&back, ENTRY_OBJECT, packs, SIZE);
	expect_section(&back, ENTRY_DEPFILE, noise, SIZE);
	expect_section(&back, ENTRY_STDOUT, "", 0);
	expect_section(&back, ENTRY_STDERR, "short \0 text", 12);
	SAME_NUMBER(entry_find(&back, ENTRY_OBJECT)->packed, 1);
	entry_release(&back);
	buf_release(&file);
	free(packs);
	free(noise);
}

static void frames_of_any_size_are_read(void)
{
	enum { SIZE = 300000, CUT = 200001 };
	unsigned char *raw = malloc(SIZE);
	char *packed = malloc(2 * SIZE);
	CU_ASSERT_FATAL(raw && packed);
	fill(raw, SIZE, true);
	size_t one = ZSTD_compress(packed, SIZE, raw, CUT, 1), two = ZSTD_compress(packed + one, SIZE, raw + CUT, SIZE - CUT, 1);
	struct entry_section s = {.packed = true, .data = packed, .len = one + two, .raw_len = SIZE};
	struct buf out = written(&s, 0);
	CU_ASSERT(out.len == SIZE && memcmp(out.data, raw, SIZE) == 0);
	buf_release(&out);
	/* Too much of it, too little, and a frame that is cut: never more is written than there should be. */
	static const struct {
		int raw, len;
	} changes[] = {{-1, 0}, {1, 0}, {-SIZE + CUT - 1, 0}, {0, -1}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct entry_section wrong = s;
		wrong.raw_len = (uint64_t)(SIZE + changes[i].raw);
		wrong.len = (uint64_t)((int)(one + two) + changes[i].len);
		out = written(&wrong, SOLDR_E_CORRUPT);
		CU_ASSERT(out.len <= wrong.raw_len);
		buf_release(&out);
	}
	packed[one] ^= 0x55; /* no frame any more */
	out = written(&s, SOLDR_E_CORRUPT);
	SAME_NUMBER(out.len, CUT);
	buf_release(&out);
	free(raw);
	free(packed);
}

/* Few bytes that unpack to many: no memory for what is only claimed, and none for a frame larger than any that is written. */
static void a_bomb_is_refused_before_it_unpacks(void)
{
	enum { CLAIM = 1 << 30, REAL = 64 << 20 };
	static const unsigned char claims[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 0x01, 0, 0}; /* a header with that size, an empty block */
	struct buf packed = BUF_INIT, out = BUF_INIT;
	void *zeros = calloc(1, REAL);
	CU_ASSERT_FATAL(zeros != NULL);
	char *to = buf_reserve(&packed, ZSTD_compressBound(REAL));
	packed.len = ZSTD_compress(to, ZSTD_compressBound(REAL), zeros, REAL, 1);
	CU_ASSERT(packed.len < 1 << 15);
	const struct entry_section bombs[] = {
		{.packed = true, .data = claims, .len = sizeof claims, .raw_len = CLAIM},
		{.packed = true, .data = packed.data, .len = packed.len, .raw_len = REAL},
	};
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
		SAME_NUMBER(entry_unpack(&bombs[i], &out, NULL), SOLDR_E_CORRUPT);
		SAME_NUMBER(out.len, 0);
		CU_ASSERT(out.cap < 1 << 20);
		struct buf file = written(&bombs[i], SOLDR_E_CORRUPT);
		SAME_NUMBER(file.len, 0);
		buf_release(&file);
	}
	buf_release(&out);
	buf_release(&packed);
	free(zeros);
}

static void a_large_section_is_many_frames(void)
{
	enum { SIZE = 300000, FRAME = 128 << 10 };
	struct entry e = {0}, back;
	struct buf file = BUF_INIT;
	unsigned char *packs = malloc(SIZE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(packs);
	fill(packs, SIZE, true);
	add(&e, ENTRY_OBJECT, packs, SIZE);
	encode("k", &e, &file);
	SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
	const struct entry_section *s = entry_find(&back, ENTRY_OBJECT);
	CU_ASSERT_FATAL(s && s->packed);
	SAME_NUMBER(ZSTD_getFrameContentSize(s->data, (size_t)s->len), FRAME);
	entry_release(&back);
	buf_release(&file);
	free(packs);
}

static void an_entry_may_be_empty_or_full(void)
{
	struct entry e = {0}, back;
	struct buf file = BUF_INIT;
	encode("k", &e, &file);
	SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
	SAME_NUMBER(back.section_count, 0);
	CU_ASSERT_PTR_NULL(entry_find(&back, ENTRY_OBJECT));
	entry_release(&back);
	for (int i = 0; i < ENTRY_SECTIONS_MAX; i++)
		add(&e, ENTRY_STDOUT, "x", 1);
	encode("k", &e, &file);
	SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
	SAME_NUMBER(back.section_count, ENTRY_SECTIONS_MAX);
	entry_release(&back);
	buf_release(&file);
}

/* Large enough to be packed. */
static void small_entry(struct buf *file, const char *key, const char *text)
{
	static unsigned char packs[5000];
	struct entry e = {.exit_code = 0, .compile_ns = 5};
	fill(packs, sizeof packs, true);
	add(&e, ENTRY_OBJECT, packs, sizeof packs);
	add(&e, ENTRY_STDERR, text, strlen(text));
	encode(key, &e, file);
}

static void every_changed_byte_is_seen(void)
{
	static const unsigned char masks[] = {0x01, 0x80, 0xff, 0x10};
	struct buf file = BUF_INIT;
	struct entry back;
	small_entry(&file, "k", "warning");
	for (size_t i = 0; i < file.len; i++)
		for (size_t m = 0; m < sizeof masks; m++) {
			file.data[i] = (char)(file.data[i] ^ masks[m]);
			int rc = decode(&back, "k", file.data, file.len);
			if (rc != SOLDR_E_CORRUPT)
				fprintf(stderr, "\nbyte %zu of %zu\n", i, file.len);
			SAME_NUMBER(rc, SOLDR_E_CORRUPT);
			entry_release(&back);
			file.data[i] = (char)(file.data[i] ^ masks[m]);
		}
	buf_release(&file);
}

static void every_length_but_the_right_one_is_refused(void)
{
	struct buf file = BUF_INIT;
	struct entry back;
	small_entry(&file, "k", "warning");
	size_t len = file.len;
	buf_adds(&file, "and some more");
	for (size_t cut = 0; cut <= file.len; cut++) {
		SAME_NUMBER(decode(&back, "k", file.data, cut), cut == len ? 0 : SOLDR_E_CORRUPT);
		entry_release(&back);
	}
	buf_release(&file);
}

static void an_entry_knows_its_own_key(void)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct entry back;
	small_entry(&a, "a", "warning of a");
	small_entry(&b, "b", "warning of b");
	SAME_NUMBER(decode(&back, "a", a.data, a.len), 0);
	entry_release(&back);
	SAME_NUMBER(decode(&back, "a", b.data, b.len), SOLDR_E_CORRUPT);
	entry_release(&back);
	SAME_NUMBER(decode(&back, "b", a.data, a.len), SOLDR_E_CORRUPT);
	entry_release(&back);
	buf_release(&a);
	buf_release(&b);
}

/* Where the checksum is right but the content cannot be: a bound for each member. */
enum { KEY_AT = 12, SUM_AT = KEY_AT + DIGEST_SIZE, BODY_AT = SUM_AT + DIGEST_SIZE, COUNT_AT = BODY_AT + 12, FIRST_AT = COUNT_AT + 4 };

static void seal(struct buf *file)
{
	struct hasher h;
	struct digest d;
	hasher_init(&h);
	hasher_add(&h, file->data, SUM_AT);
	hasher_add(&h, file->data + BODY_AT, file->len - BODY_AT);
	hasher_end(&h, &d);
	memcpy(file->data + SUM_AT, d.bytes, DIGEST_SIZE);
}

static void sealed_nonsense_is_refused(void)
{
	static const struct {
		size_t at;
		unsigned char bytes[8];
		size_t len;
	} changes[] = {
		{8, {ENTRY_FORMAT + 1}, 1},
		{COUNT_AT, {ENTRY_SECTIONS_MAX + 1}, 1},
		{COUNT_AT, {0xff, 0xff, 0xff, 0xff}, 4},
		{COUNT_AT, {1}, 1},
		{COUNT_AT, {3}, 1},
		{FIRST_AT + 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8},
		{FIRST_AT + 8, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 8},
		{FIRST_AT + 16, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8},
		{FIRST_AT + 16, {1, 0, 0, 0x40, 0, 0, 0, 0}, 8},
		{FIRST_AT + 4, {0}, 1}, /* a packed section called plain */
	};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct buf file = BUF_INIT;
		struct entry back;
		small_entry(&file, "k", "warning");
		seal(&file);
		SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
		entry_release(&back);
		memcpy(file.data + changes[i].at, changes[i].bytes, changes[i].len);
		seal(&file);
		int rc = decode(&back, "k", file.data, file.len);
		if (rc != SOLDR_E_CORRUPT)
			fprintf(stderr, "\nchange %zu\n", i);
		SAME_NUMBER(rc, SOLDR_E_CORRUPT);
		entry_release(&back);
		buf_release(&file);
	}
	/* A size that zstd does not find is seen when the section is unpacked. */
	struct buf file = BUF_INIT, out = BUF_INIT;
	struct entry back;
	small_entry(&file, "k", "warning");
	file.data[FIRST_AT + 16]--;
	seal(&file);
	SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
	SAME_NUMBER(entry_unpack(entry_find(&back, ENTRY_OBJECT), &out, NULL), SOLDR_E_CORRUPT);
	SAME_NUMBER(out.len, 0);
	buf_release(&out);
	out = written(entry_find(&back, ENTRY_OBJECT), SOLDR_E_CORRUPT);
	entry_release(&back);
	buf_release(&out);
	buf_release(&file);
}

static void memory_that_is_not_there_is_said(void)
{
	struct buf file = BUF_INIT, narrow = {.max = 16};
	struct digest key = {{0}};
	struct entry back;
	soldr_error err = SOLDR_ERROR_INIT;
	small_entry(&file, "k", "warning");
	SAME_NUMBER(decode(&back, "k", file.data, file.len), 0);
	SAME_NUMBER(entry_unpack(entry_find(&back, ENTRY_OBJECT), &narrow, &err), SOLDR_E_NOMEM);
	HOLDS(err.message, "out of memory unpacking ");
	HOLDS(err.message, " bytes [E715]");
	buf_release(&narrow);
	narrow = (struct buf){.max = 16};
	SAME_NUMBER(entry_encode(&key, &back, 1, &narrow, &err), SOLDR_E_NOMEM);
	SAME(err.message, "out of memory packing a result [E714]");
	buf_release(&narrow);
	entry_release(&back);
	buf_release(&file);
}

void suite_entry(void)
{
	CU_pSuite s = CU_add_suite("entry", NULL, NULL);
	CU_add_test(s, "results come back", results_come_back);
	CU_add_test(s, "a large section is many frames", a_large_section_is_many_frames);
	CU_add_test(s, "s04: frames of any size are read", frames_of_any_size_are_read);
	CU_add_test(s, "s02: a bomb is refused before it unpacks", a_bomb_is_refused_before_it_unpacks);
	CU_add_test(s, "an entry may be empty or full", an_entry_may_be_empty_or_full);
	CU_add_test(s, "s02: every changed byte is seen", every_changed_byte_is_seen);
	CU_add_test(s, "s02: every length but the right one is refused", every_length_but_the_right_one_is_refused);
	CU_add_test(s, "s02: an entry knows its own key", an_entry_knows_its_own_key);
	CU_add_test(s, "s04: sealed nonsense is refused", sealed_nonsense_is_refused);
	CU_add_test(s, "memory that is not there is said", memory_that_is_not_there_is_said);
}
