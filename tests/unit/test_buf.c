/* buf, reader and vec: growth, the maximum, failures that stick, numbers in files. */
#include "room.h"

void suite_buf(void);

static void a_new_buffer_is_empty_text(void)
{
	struct buf b = BUF_INIT;
	CU_ASSERT_PTR_NULL(b.data);
	SAME(buf_str(&b), "");
	buf_add(&b, NULL, 0);
	CU_ASSERT_PTR_NOT_NULL(b.data);
	SAME(buf_str(&b), "");
	buf_release(&b);
	CU_ASSERT_PTR_NULL(b.data);
	buf_release(&b);
}

static void appending_keeps_a_nul_behind(void)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_addf(&b, "%d %s", 2, "three");
	struct buf decimal = BUF_INIT;
	buf_add_decimal(&decimal, 0);
	buf_addc(&decimal, ' ');
	buf_add_decimal(&decimal, 1090);
	buf_addc(&decimal, ' ');
	buf_add_decimal(&decimal, UINT64_MAX);
	CU_ASSERT_STRING_EQUAL(buf_str(&decimal), "0 1090 18446744073709551615");
	buf_release(&decimal);
	buf_add(&b, "\0x", 2);
	SAME_NUMBER(b.len, 13);
	SAME_BYTES(b.data, b.len + 1, "one 2 three\0x", 14);
	buf_clear(&b);
	SAME_NUMBER(b.len, 0);
	SAME(b.data, "");
	buf_release(&b);
}

static void long_text_grows_as_needed(void)
{
	struct buf b = BUF_INIT, once = BUF_INIT;
	char word[5000];
	memset(word, 'w', sizeof word - 1);
	word[sizeof word - 1] = 0;
	for (int i = 0; i < 100; i++)
		buf_addf(&b, "%s", word);
	SAME_NUMBER(b.len, 100 * (sizeof word - 1));
	SAME_NUMBER(strspn(b.data, "w"), b.len);
	CU_ASSERT(b.cap > b.len);
	buf_addf(&once, "%s", "");
	SAME_NUMBER(once.len, 0);
	buf_release(&once);
	buf_release(&b);
}

static void the_maximum_fails_and_sticks(void)
{
	struct buf b = {.max = 10};
	buf_adds(&b, "0123456789");
	CU_ASSERT(buf_ok(&b));
	buf_adds(&b, "");
	CU_ASSERT(buf_ok(&b));
	buf_addc(&b, 'x');
	CU_ASSERT_FALSE(buf_ok(&b));
	SAME(b.data, "0123456789");
	/* Formatted text that does not fit leaves what was there. */
	struct buf f = {.max = 10};
	buf_adds(&f, "0123");
	buf_addf(&f, "%s", "456789x");
	CU_ASSERT_FALSE(buf_ok(&f));
	SAME(f.data, "0123");
	buf_release(&f);
	/* Once failed, nothing more is taken, however small. */
	buf_clear(&b);
	CU_ASSERT(buf_ok(&b));
	buf_adds(&b, "01234567890");
	CU_ASSERT_FALSE(buf_ok(&b));
	buf_addc(&b, 'x');
	buf_addf(&b, "%d", 1);
	buf_add_u8(&b, 1);
	CU_ASSERT_PTR_NULL(buf_reserve(&b, 0));
	SAME_NUMBER(b.len, 0);
	CU_ASSERT_FALSE(buf_ok(&b));
	buf_release(&b);
	CU_ASSERT(buf_ok(&b));
	SAME_NUMBER(b.max, 10);
	buf_addf(&b, "%s", "01234567890");
	CU_ASSERT_FALSE(buf_ok(&b));
	buf_release(&b);
}

static void sizes_that_overflow_fail(void)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, "abc");
	CU_ASSERT_PTR_NULL(buf_reserve(&b, SIZE_MAX));
	CU_ASSERT_FALSE(buf_ok(&b));
	buf_clear(&b);
	CU_ASSERT_PTR_NULL(buf_reserve(&b, SIZE_MAX - 3));
	buf_clear(&b);
	CU_ASSERT_PTR_NULL(buf_reserve(&b, (size_t)BUF_MAX_DEFAULT + 1));
	buf_release(&b);
}

static void reserving_adds_nothing(void)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, "ab");
	char *to = buf_reserve(&b, 1000);
	CU_ASSERT_PTR_EQUAL(to, b.data + 2);
	SAME_NUMBER(b.len, 2);
	memset(to, 'c', 1000);
	b.len += 1000;
	b.data[b.len] = 0;
	SAME_NUMBER(strlen(b.data), 1002);
	buf_release(&b);
}

static void detaching_gives_the_memory_away(void)
{
	struct buf b = {.max = 8};
	buf_adds(&b, "text");
	SAME_OWNED(buf_detach(&b), "text");
	CU_ASSERT_PTR_NULL(b.data);
	SAME_NUMBER(b.len + b.cap, 0);
	SAME_NUMBER(b.max, 8);
	SAME_OWNED(buf_detach(&b), "");
	buf_adds(&b, "too long for it");
	CU_ASSERT_PTR_NULL(buf_detach(&b));
	CU_ASSERT(buf_ok(&b));
	buf_adds(&b, "12345678");
	buf_adds(&b, "9");
	CU_ASSERT_PTR_NULL(buf_detach(&b));
}

/* ---- numbers ------------------------------------------------------------------- */

static void add_all_kinds(struct buf *b)
{
	buf_add_u8(b, 0xfe);
	buf_add_u32(b, 0x01020384);
	buf_add_u64(b, 0x1112131415161788u);
	buf_add_str(b, "a\0b", 3);
	buf_add_str(b, NULL, 0);
}

static void numbers_are_little_endian(void)
{
	struct buf b = BUF_INIT;
	add_all_kinds(&b);
	SAME_BYTES(b.data, b.len,
	           "\xfe"
	           "\x84\x03\x02\x01"
	           "\x88\x17\x16\x15\x14\x13\x12\x11"
	           "\x03\0\0\0a\0b"
	           "\0\0\0\0",
	           1 + 4 + 8 + 7 + 4);
	buf_release(&b);
}

static bool read_all_kinds(struct reader *r)
{
	size_t len = 77, none = 77;
	bool same = reader_u8(r) == 0xfe;
	same = reader_u32(r) == 0x01020384 && same;
	same = reader_u64(r) == 0x1112131415161788u && same;
	const char *s = reader_str(r, &len);
	same = s && len == 3 && memcmp(s, "a\0b", 3) == 0 && same;
	s = reader_str(r, &none);
	return s && none == 0 && same;
}

/* Memory of exactly the length read, so that a sanitizer sees a byte too much. */
static void every_overrun_is_seen(void)
{
	struct buf b = BUF_INIT;
	add_all_kinds(&b);
	for (size_t len = 0; len <= b.len; len++) {
		unsigned char *copy = malloc(len ? len : 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, b.data, len);
		struct reader r = reader_of(copy, len);
		CU_ASSERT_EQUAL(read_all_kinds(&r), len == b.len);
		CU_ASSERT_EQUAL(r.failed, len != b.len);
		if (len == b.len)
			CU_ASSERT_PTR_EQUAL(r.at, r.end);
		free(copy);
	}
	buf_release(&b);
}

static void after_an_overrun_all_reads_are_zero(void)
{
	static const unsigned char bytes[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct reader r = reader_of(bytes, sizeof bytes);
	size_t len = 77;
	/* A length beyond the end. */
	CU_ASSERT_PTR_NULL(reader_str(&r, &len));
	SAME_NUMBER(len, 0);
	CU_ASSERT(r.failed);
	SAME_NUMBER(reader_u8(&r), 0);
	SAME_NUMBER(reader_u32(&r), 0);
	SAME_NUMBER(reader_u64(&r), 0);
	CU_ASSERT_PTR_NULL(reader_take(&r, 0));
	len = 77;
	CU_ASSERT_PTR_NULL(reader_str(&r, &len));
	SAME_NUMBER(len, 0);
	r = reader_of(bytes, sizeof bytes);
	CU_ASSERT_PTR_NULL(reader_take(&r, SIZE_MAX));
	CU_ASSERT(r.failed);
}

/* ---- vec ----------------------------------------------------------------------- */

static void a_list_owns_copies_and_ends_with_null(void)
{
	struct vec v = VEC_INIT;
	char text[] = "first";
	CU_ASSERT_PTR_NULL(vec_items(&v));
	vec_add(&v, text);
	text[0] = 'X';
	vec_addn(&v, "second and more", 6);
	vec_addf(&v, "%s-%d", "third", 3);
	vec_addn(&v, "", 0);
	CU_ASSERT(vec_ok(&v));
	SAME_NUMBER(v.len, 4);
	SAME(v.items[0], "first");
	SAME(v.items[1], "second");
	SAME(v.items[2], "third-3");
	SAME(v.items[3], "");
	CU_ASSERT_PTR_NULL(v.items[4]);
	vec_release(&v);
	SAME_NUMBER(v.len, 0);
	CU_ASSERT_PTR_NULL(v.items);
}

static void a_list_grows(void)
{
	struct vec v = VEC_INIT, all = VEC_INIT;
	for (int i = 0; i < 1000; i++) {
		vec_addf(&v, "%d", i);
		CU_ASSERT_PTR_NULL(v.items[v.len]);
	}
	vec_add_all(&all, NULL);
	SAME_NUMBER(all.len, 0);
	vec_add_all(&all, vec_items(&v));
	vec_add_all(&all, vec_items(&v));
	SAME_NUMBER(all.len, 2000);
	SAME(all.items[1999], "999");
	vec_release(&v);
	vec_release(&all);
}

static void a_list_knows_what_it_has(void)
{
	struct vec v = VEC_INIT;
	CU_ASSERT_FALSE(vec_has(&v, "one"));
	vec_add_once(&v, "one");
	vec_add_once(&v, "other");
	vec_add_once(&v, "one");
	SAME_NUMBER(v.len, 2);
	CU_ASSERT(vec_has(&v, "one") && vec_has(&v, "other") && vec_hasn(&v, "others", 5));
	CU_ASSERT_FALSE(vec_has(&v, "oth") || vec_has(&v, "") || vec_hasn(&v, "other", 4));
	vec_release(&v);
}

void suite_buf(void)
{
	CU_pSuite s = CU_add_suite("buf", NULL, NULL);
	CU_add_test(s, "a new buffer is empty text", a_new_buffer_is_empty_text);
	CU_add_test(s, "appending keeps a NUL behind", appending_keeps_a_nul_behind);
	CU_add_test(s, "long text grows as needed", long_text_grows_as_needed);
	CU_add_test(s, "the maximum fails and sticks", the_maximum_fails_and_sticks);
	CU_add_test(s, "sizes that overflow fail", sizes_that_overflow_fail);
	CU_add_test(s, "reserving adds nothing", reserving_adds_nothing);
	CU_add_test(s, "detaching gives the memory away", detaching_gives_the_memory_away);
	CU_add_test(s, "numbers are little-endian", numbers_are_little_endian);
	CU_add_test(s, "every overrun is seen", every_overrun_is_seen);
	CU_add_test(s, "after an overrun all reads are zero", after_an_overrun_all_reads_are_zero);
	CU_add_test(s, "a list owns copies and ends with NULL", a_list_owns_copies_and_ends_with_null);
	CU_add_test(s, "a list grows", a_list_grows);
	CU_add_test(s, "a list knows what it has", a_list_knows_what_it_has);
}
