/*
 * native: see native.h.
 *
 * The leaves are those that GCC's driver-i386.cc and cpuinfo.h and LLVM's
 * Host.cpp read, and those beside them that describe features or caches (Intel
 * SDM volume 2, CPUID; AMD APM volume 3, appendix E). Left out is what differs
 * between cores or from one moment to the next: the APIC ids (leaf 1 EBX, 0xb,
 * 0x1f, 0x8000001e), power and performance counters, and the size of the save
 * area in use. A leaf too many costs a hit, a leaf too few a wrong one.
 */
#include "native.h"

#include <stddef.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define EXTENDED UINT32_C(0x80000000) /* no enumerator: these are ints */

enum {
	LEAF_FEATURES = 1,
	OSXSAVE = 1 << 27,      /* leaf 1 ECX */
	LEAF_MORE_FEATURES = 7,
	HYBRID = 1 << 15,       /* leaf 7 EDX */
	SUBLEAVES_MAX = 16
};

static const struct leaf {
	uint32_t leaf;
	uint32_t subleaves; /* how many, from 0 */
	bool until_empty;   /* ends before them where the low bits of EAX are 0: a list of caches */
	uint32_t ebx_mask;
} leaves[] = {
	{LEAF_FEATURES, 1, false, 0x00ffffff},
	{0x2, 1, false, ~0u},
	{0x4, SUBLEAVES_MAX, true, ~0u},
	{LEAF_MORE_FEATURES, 3, false, ~0u},
	{0xd, 2, false, 0},
	{0x14, 1, false, ~0u},
	{0x19, 1, false, ~0u},
	{0x1e, 2, false, ~0u},
	{0x24, 2, false, ~0u},
	{EXTENDED + 1, 1, false, ~0u},
	{EXTENDED + 5, 1, false, ~0u},
	{EXTENDED + 6, 1, false, ~0u},
	{EXTENDED + 7, 1, false, ~0u},
	{EXTENDED + 8, 1, false, ~0u},
	{EXTENDED + 0x1d, SUBLEAVES_MAX, true, ~0u},
	{EXTENDED + 0x21, 1, false, ~0u},
};

static void add_leaf(struct hasher *h, const struct cpu *cpu, const struct leaf *l)
{
	for (uint32_t i = 0; i < l->subleaves; i++) {
		struct cpuid_answer a = cpu->cpuid(cpu->arg, l->leaf, i);
		if (l->until_empty && (a.eax & 0x1f) == 0)
			return;
		const uint32_t words[] = {l->leaf, i, a.eax, a.ebx & l->ebx_mask, a.ecx, a.edx};
		hasher_field(h, "leaf", words, sizeof words);
	}
}

bool native_fingerprint(const struct cpu *cpu, struct digest *d)
{
	struct hasher h;
	/* Beyond its last leaf a processor repeats another one, APIC ids and all. */
	struct cpuid_answer first = cpu->cpuid(cpu->arg, 0, 0), extended = cpu->cpuid(cpu->arg, EXTENDED, 0);
	if (first.eax < LEAF_FEATURES)
		return false;
	if (first.eax >= LEAF_MORE_FEATURES && (cpu->cpuid(cpu->arg, LEAF_MORE_FEATURES, 0).edx & HYBRID))
		return false;
	hasher_init(&h);
	hasher_field(&h, "vendor", &first, sizeof first);
	for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
		if (leaves[i].leaf <= (leaves[i].leaf < EXTENDED ? first.eax : extended.eax))
			add_leaf(&h, cpu, &leaves[i]);
	if (cpu->cpuid(cpu->arg, LEAF_FEATURES, 0).ecx & OSXSAVE) {
		uint64_t saved = cpu->xgetbv(cpu->arg);
		hasher_field(&h, "saved", &saved, sizeof saved);
	}
	hasher_end(&h, d);
	return true;
}

#if defined(__x86_64__) || defined(__i386__)
static struct cpuid_answer this_cpuid(const void *arg, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_answer a;
	(void)arg;
	__cpuid_count(leaf, subleaf, a.eax, a.ebx, a.ecx, a.edx);
	return a;
}

static uint64_t this_xgetbv(const void *arg)
{
	uint32_t low, high;
	(void)arg;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

bool native_resolve(struct invocation *inv)
{
	static const struct cpu cpu = {this_cpuid, this_xgetbv, NULL};
	struct digest d;
	char hex[DIGEST_HEX_SIZE];
	if (!native_fingerprint(&cpu, &d))
		return false;
	digest_hex(&d, hex);
	vec_addf(&inv->key_args, "native:%s", hex);
	return vec_ok(&inv->key_args);
}
#else
bool native_resolve(struct invocation *inv)
{
	(void)inv;
	return false;
}
#endif
