/* native: what of a processor reaches the key, read from tables in place of the instruction. */
#include "native.h"
#include "room.h"

void suite_native(void);

enum { ROWS_MAX = 12 };

/* The rows that differ from all zeros. As a processor does it, a leaf past the last gives the last one. */
struct table {
	struct row {
		uint32_t leaf, subleaf;
		struct cpuid_answer answer;
	} rows[ROWS_MAX];
	uint64_t saved;
};

static const struct table plain = {
	{
		{0x0, 0, {0xd, 0x68747541, 0x444d4163, 0x69746e65}},
		{0x1, 0, {0x00b10f21, 0x01020800, 0x7ffa3203, 0x1f8bfbff}},
		{0x7, 0, {0, 0xf1bf97a9, 0x00405fce, 0x10}},
		{0xd, 0, {0xe7, 0x980, 0x988, 0}},
		{0xd, 1, {0xf, 0x348, 0x1800, 0}},
		{0x80000000, 0, {0x80000006, 0, 0, 0}},
		{0x80000001, 0, {0, 0, 0x75c237ff, 0x2fd3fbff}},
		{0x80000005, 0, {0, 0, 0x30040140, 0x20080140}},
		{0x80000006, 0, {0, 0, 0x04006140, 0}},
	},
	0xe7,
};

static struct cpuid_answer read_table(const void *arg, uint32_t leaf, uint32_t subleaf)
{
	const struct table *t = arg;
	for (size_t i = 0; i < ROWS_MAX; i++)
		if (t->rows[i].leaf == leaf && t->rows[i].subleaf == subleaf)
			return t->rows[i].answer;
	if (leaf > t->rows[0].answer.eax && leaf < 0x80000000)
		return t->rows[4].answer;
	return (struct cpuid_answer){0};
}

static uint64_t read_saved(const void *arg)
{
	return ((const struct table *)arg)->saved;
}

static struct digest fingerprint(const struct table *t)
{
	const struct cpu cpu = {read_table, read_saved, t};
	struct digest d = {{0}};
	CU_ASSERT_TRUE(native_fingerprint(&cpu, &d));
	return d;
}

static bool changes(const struct table *t)
{
	struct digest a = fingerprint(&plain), b = fingerprint(t);
	return !digest_equal(&a, &b);
}

static struct table with(size_t row, struct cpuid_answer answer)
{
	struct table t = plain;
	t.rows[row].answer = answer;
	return t;
}

static void the_same_processor_has_the_same_fingerprint(void)
{
	struct table t = plain;
	CU_ASSERT_FALSE(changes(&t));
}

static void another_core_has_the_same_fingerprint(void)
{
	struct table t = plain;
	t.rows[1].answer.ebx ^= 0x05000000; /* the initial APIC id */
	CU_ASSERT_FALSE(changes(&t));
	t = plain;
	t.rows[3].answer.ebx += 64; /* the save area of this moment */
	t.rows[4].answer.ebx += 64;
	CU_ASSERT_FALSE(changes(&t));
	/* A leaf that the processor does not have repeats another. */
	t = plain;
	t.rows[9] = (struct row){0x1f, 0, {1, 2, 3, 4}};
	t.rows[10] = (struct row){0x24, 0, {1, 2, 3, 4}};
	CU_ASSERT_FALSE(changes(&t));
}

static void what_a_driver_reads_changes_the_fingerprint(void)
{
	struct table t;
	t = with(0, (struct cpuid_answer){0xd, 0x756e6547, 0x6c65746e, 0x49656e69}); /* the vendor */
	CU_ASSERT_TRUE(changes(&t));
	t = plain;
	t.rows[1].answer.eax ^= 0x10; /* the model */
	CU_ASSERT_TRUE(changes(&t));
	t = plain;
	t.rows[2].answer.ebx ^= 0x10000; /* AVX-512F */
	CU_ASSERT_TRUE(changes(&t));
	t = plain;
	t.rows[4].answer.eax ^= 2; /* XSAVEC */
	CU_ASSERT_TRUE(changes(&t));
	t = plain;
	t.rows[7].answer.ecx += 0x10000000; /* the size of a cache: --param=l1-cache-size */
	CU_ASSERT_TRUE(changes(&t));
	t = plain;
	t.saved = 7; /* the system does not save AVX-512 registers */
	CU_ASSERT_TRUE(changes(&t));
}

static void caches_are_read_to_the_end_of_their_list(void)
{
	struct table t = plain, longer;
	t.rows[9] = (struct row){0x4, 0, {0x121, 0x02c0003f, 0x3f, 0}};
	CU_ASSERT_TRUE(changes(&t));
	longer = t;
	longer.rows[10] = (struct row){0x4, 1, {0x143, 0x03c0003f, 0x7ff, 0}};
	struct digest a = fingerprint(&t), b = fingerprint(&longer);
	CU_ASSERT_FALSE(digest_equal(&a, &b));
}

static void cores_that_differ_have_no_fingerprint(void)
{
	struct table t = plain;
	struct digest d;
	const struct cpu cpu = {read_table, read_saved, &t};
	t.rows[2].answer.edx |= 1 << 15;
	CU_ASSERT_FALSE(native_fingerprint(&cpu, &d));
	t = plain;
	t.rows[0].answer.eax = 0;
	CU_ASSERT_FALSE(native_fingerprint(&cpu, &d));
}

static void the_fingerprint_joins_the_key(void)
{
	const char *const argv[] = {"gcc", "-march=native", "-c", "a.c", NULL};
	struct invocation inv = INVOCATION_INIT;
	CU_ASSERT_EQUAL(invocation_parse(&inv, FAMILY_GCC, argv, "/"), 0);
	CU_ASSERT_TRUE(inv.native);
	size_t before = inv.key_args.len;
	if (native_resolve(&inv)) {
		CU_ASSERT_EQUAL(inv.key_args.len, before + 1);
		CU_ASSERT_EQUAL(strlen(inv.key_args.items[before]), strlen("native:") + DIGEST_HEX_SIZE - 1);
	}
	invocation_release(&inv);
}

void suite_native(void)
{
	CU_pSuite suite = CU_add_suite("native", NULL, NULL);
	CU_add_test(suite, "c20: the same processor has the same fingerprint", the_same_processor_has_the_same_fingerprint);
	CU_add_test(suite, "c20: another core has the same fingerprint", another_core_has_the_same_fingerprint);
	CU_add_test(suite, "c20: what a driver reads changes the fingerprint", what_a_driver_reads_changes_the_fingerprint);
	CU_add_test(suite, "c20: caches are read to the end of their list", caches_are_read_to_the_end_of_their_list);
	CU_add_test(suite, "c20: the fingerprint joins the key", the_fingerprint_joins_the_key);
	CU_add_test(suite, "c20: cores that differ have no fingerprint", cores_that_differ_have_no_fingerprint);
}
