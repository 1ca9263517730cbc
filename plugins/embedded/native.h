/*
 * native: which processor -march=native and its like stand for.
 *
 * On x86 the drivers of GCC and Clang resolve "native" from what the CPUID
 * instruction says, and from nothing else. A digest of the same answers stands
 * in the key, so that neither the compiler nor a file has to be asked.
 */
#ifndef EMBEDDED_NATIVE_H
#define EMBEDDED_NATIVE_H

#include "digest.h"
#include "invocation.h"

#include <stdbool.h>
#include <stdint.h>

/* What CPUID gives, in the order of the registers. */
struct cpuid_answer {
	uint32_t eax, ebx, ecx, edx;
};

/* A processor, or a table in its place. */
struct cpu {
	struct cpuid_answer (*cpuid)(const void *arg, uint32_t leaf, uint32_t subleaf);
	uint64_t (*xgetbv)(const void *arg); /* which registers the system saves; asked where CPUID allows it */
	const void *arg;
};

/* False: the answers may differ from core to core, or there is no CPUID. */
bool native_fingerprint(const struct cpu *, struct digest *);
/* Adds the fingerprint of this processor to the key's arguments; false: it has none. */
bool native_resolve(struct invocation *);

#endif
