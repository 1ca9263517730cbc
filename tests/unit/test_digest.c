/* digest: SHA-256 as published (FIPS 180-4 examples), and fields that cannot run together. */
#include "digest.h"
#include "room.h"

void suite_digest(void);

static void same_hex(const struct digest *d, const char *expected)
{
	char hex[DIGEST_HEX_SIZE];
	digest_hex(d, hex);
	SAME(hex, expected);
}

static void known_digests(void)
{
	struct digest d;
	struct hasher h;
	char block[1000];
	digest_of(&d, "", 0);
	same_hex(&d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_of(&d, "abc", 3);
	same_hex(&d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	memset(block, 'a', sizeof block);
	hasher_init(&h);
	for (int i = 0; i < 1000; i++)
		hasher_add(&h, block, sizeof block);
	hasher_end(&h, &d);
	same_hex(&d, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* The digest of a list of fields, each "TAG=VALUE", or "TAG" for NULL. */
static struct digest of_fields(const char *const *fields)
{
	struct hasher h;
	struct digest d;
	hasher_init(&h);
	for (; *fields; fields++) {
		char tag[64];
		size_t n = strcspn(*fields, "=");
		snprintf(tag, sizeof tag, "%.*s", (int)n, *fields);
		hasher_field_str(&h, tag, (*fields)[n] ? *fields + n + 1 : NULL);
	}
	hasher_end(&h, &d);
	return d;
}

static void neighbours_cannot_run_together(void)
{
	static const char *const lists[][4] = {
		{"t=ab", "t=c", NULL},  {"t=a", "t=bc", NULL}, {"t=abc", NULL},   {"t=", "t=abc", NULL},
		{"t=abc", "t=", NULL},  {"t=c", "t=ab", NULL}, {"ta=b", "t=c", NULL}, {"t=abc", "t", NULL},
		{"t", "t=abc", NULL},   {"t", NULL},           {"t=", NULL},      {"u", NULL},
		{"u=", NULL},           {NULL},                {"t=", "t=", NULL}, {"t", "t", NULL},
		{"absent=t", NULL},
	};
	enum { COUNT = sizeof lists / sizeof *lists };
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k <= i; k++) {
			struct digest a = of_fields(lists[i]), b = of_fields(lists[k]);
			/* "absent" is reserved as a tag: it is how a missing value is written. */
			bool same = i == k || (i == COUNT - 1 && k == 9);
			if (digest_equal(&a, &b) != same)
				fprintf(stderr, "\nlists %zu and %zu\n", i, k);
			CU_ASSERT_EQUAL(digest_equal(&a, &b), same);
		}
}

/* A value that looks like the end of itself and the next field. */
static void values_cannot_imitate_fields(void)
{
	struct digest two, one;
	struct hasher h;
	hasher_init(&h);
	hasher_field(&h, "t", "a", 1);
	hasher_field(&h, "t", "b", 1);
	hasher_end(&h, &two);
	hasher_init(&h);
	hasher_field(&h, "t", "at\0b", 4);
	hasher_end(&h, &one);
	CU_ASSERT_FALSE(digest_equal(&two, &one));
	hasher_init(&h);
	hasher_field(&h, "t", "at\0\1\0\0\0\0\0\0\0b", 12);
	hasher_end(&h, &one);
	CU_ASSERT_FALSE(digest_equal(&two, &one));
}

static void digests_differ_by_any_byte(void)
{
	struct digest a, b;
	digest_of(&a, "x", 1);
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		b = a;
		CU_ASSERT(digest_equal(&a, &b));
		b.bytes[i] ^= 1;
		CU_ASSERT_FALSE(digest_equal(&a, &b));
	}
}

/* docs/formats.md says the bytes: another machine must not find another key. */
static void numbers_are_fields_of_little_endian_bytes(void)
{
	struct hasher h;
	struct digest numbers, bytes;
	hasher_init(&h);
	hasher_field_u32(&h, "n", (const uint32_t[]){0x01020304, 5}, 2);
	hasher_field_u64(&h, "t", 0x0102030405060708);
	hasher_end(&h, &numbers);
	hasher_init(&h);
	hasher_field(&h, "n", "\4\3\2\1\5\0\0", 8);
	hasher_field(&h, "t", "\10\7\6\5\4\3\2\1", 8);
	hasher_end(&h, &bytes);
	CU_ASSERT_TRUE(digest_equal(&numbers, &bytes));
}

void suite_digest(void)
{
	CU_pSuite s = CU_add_suite("digest", NULL, NULL);
	CU_add_test(s, "known digests", known_digests);
	CU_add_test(s, "neighbours cannot run together", neighbours_cannot_run_together);
	CU_add_test(s, "values cannot imitate fields", values_cannot_imitate_fields);
	CU_add_test(s, "numbers are fields of little-endian bytes", numbers_are_fields_of_little_endian_bytes);
	CU_add_test(s, "digests differ by any byte", digests_differ_by_any_byte);
}
