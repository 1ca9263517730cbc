/* header_record: what is written comes back, and damage is seen. */
#include "header_record.h"
#include "room.h"
#include "sealed.h"

void suite_header_record(void);

static struct digest digest_named(const char *name)
{
	struct digest d;
	digest_of(&d, name, strlen(name));
	return d;
}

static void sample(struct buf *out)
{
	struct digest digests[2] = {digest_named("p.h"), digest_named("q.h")}, key = digest_named("k");
	struct header_record h = {.flags = SCAN_TIME | SCAN_ONCE, .pieces = {{1, 2, 3, UINT64_MAX}}, .timed = true, .digests = digests};
	vec_add(&h.wrappers, "HAS");
	vec_add(&h.paths, "/w/p.h");
	vec_add(&h.paths, "/w/q.h");
	CU_ASSERT_TRUE(header_record_encode(&h, &key, out));
	vec_release(&h.wrappers);
	vec_release(&h.paths);
}

/* From memory of exactly the file's length, so that a sanitizer sees a read behind the end. */
static int decode(struct header_record *h, const char *key, const void *bytes, size_t len)
{
	struct digest d = digest_named(key);
	struct buf file = {.data = malloc(len ? len : 1), .len = len, .cap = len};
	CU_ASSERT_PTR_NOT_NULL_FATAL(file.data);
	if (len)
		memcpy(file.data, bytes, len);
	*h = HEADER_RECORD_INIT;
	int rc = header_record_decode(h, &file, &d);
	buf_release(&file);
	return rc;
}

static void a_record_comes_back(void)
{
	struct buf file = BUF_INIT;
	struct header_record h;
	struct digest key, wanted = digest_named("k"), q = digest_named("q.h");
	sample(&file);
	SAME_NUMBER(decode(&h, "k", file.data, file.len), 0);
	SAME_NUMBER(h.flags, SCAN_TIME | SCAN_ONCE);
	SAME_NUMBER(h.pieces.bits[1], 2);
	CU_ASSERT(h.pieces.bits[3] == UINT64_MAX);
	CU_ASSERT_TRUE(h.timed);
	SAME_NUMBER(h.wrappers.len, 1);
	SAME(h.wrappers.items[0], "HAS");
	SAME_NUMBER(h.paths.len, 2);
	SAME(h.paths.items[1], "/w/q.h");
	CU_ASSERT(digest_equal(&h.digests[1], &q));
	CU_ASSERT_TRUE(sealed_key(&file, &key));
	CU_ASSERT(digest_equal(&key, &wanted));
	header_record_release(&h);
	buf_release(&file);
}

static void damage_is_seen(void)
{
	struct buf file = BUF_INIT;
	struct header_record h;
	struct digest key;
	sample(&file);
	SAME_NUMBER(decode(&h, "other", file.data, file.len), -1);
	header_record_release(&h);
	for (size_t n = 0; n < file.len; n++) {
		SAME_NUMBER(decode(&h, "k", file.data, n), -1);
		header_record_release(&h);
		file.data[n] ^= 1;
		SAME_NUMBER(decode(&h, "k", file.data, file.len), -1);
		header_record_release(&h);
		file.data[n] ^= 1;
	}
	file.len = 10;
	CU_ASSERT_FALSE(sealed_key(&file, &key));
	buf_release(&file);
}

/* A file whose checksum is right, and whose lists are not. */
static void sealed_nonsense_does_no_harm(void)
{
	static const char magic[SEALED_MAGIC_SIZE] = {'S', 'L', 'D', 'R', 'P', 'C', 'H', 0};
	const struct digest key = digest_named("k");
	static const uint32_t counts[][2] = {{1, 0}, {UINT32_MAX, 0}, {0, 1}, {0, HEADER_RECORD_INPUTS_MAX}, {0, UINT32_MAX}};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct buf file = BUF_INIT;
		struct header_record h;
		sealed_begin(&file, magic, HEADER_RECORD_FORMAT, &key);
		buf_add(&file, (char[4 + 32 + 4]){0}, 4 + 32 + 4);
		buf_add_u32(&file, counts[i][0]);
		buf_add_u32(&file, counts[i][1]);
		CU_ASSERT_TRUE(sealed_end(&file));
		SAME_NUMBER(decode(&h, "k", file.data, file.len), -1);
		header_record_release(&h);
		buf_release(&file);
	}
}

void suite_header_record(void)
{
	CU_pSuite s = CU_add_suite("header_record", NULL, NULL);
	CU_add_test(s, "a record comes back", a_record_comes_back);
	CU_add_test(s, "s02: damage is seen", damage_is_seen);
	CU_add_test(s, "s04: sealed nonsense does no harm", sealed_nonsense_does_no_harm);
}
