/*
 * program_static: what makes the program `soldr`. See front.h.
 *
 * A static C library has dlopen() as well, but what that loads needs the very
 * version of the C library that was linked. So this program has no loader of
 * files at all: libltdl finds its loaders in a list, which is empty here.
 */
#include "front.h"

#include <ltdl.h>
#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

const bool program_is_static = true;

/* In place of libltdl's own. The first name says whose list it is. */
extern const lt_dlsymlist lt_libltdl_LTX_preloaded_symbols[];
const lt_dlsymlist lt_libltdl_LTX_preloaded_symbols[] = {{"libltdl", NULL}, {NULL, NULL}};

/*
 * libcrypto asks the processor what it can, before main() and in six or more
 * CPUID instructions. Each of them leaves a virtual machine, together for as
 * long as 25 stats. The C library has asked before. What is not set here is not
 * used: SHA-256 is then slower, never different.
 */
#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
extern unsigned OPENSSL_ia32cap_P[4];
void OPENSSL_cpuid_setup(void);

void OPENSSL_cpuid_setup(void)
{
	enum { ECX_SSSE3 = 1u << 9, EBX_BMI1 = 1u << 3, EBX_AVX2 = 1u << 5, EBX_BMI2 = 1u << 8, EBX_SHA = 1u << 29 };
	enum { EBX = 1, ECX = 2 };
	OPENSSL_ia32cap_P[1] = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1)->active_array[ECX] & ECX_SSSE3;
	OPENSSL_ia32cap_P[2] =
		__x86_get_cpuid_feature_leaf(CPUID_INDEX_7)->active_array[EBX] & (EBX_BMI1 | EBX_AVX2 | EBX_BMI2 | EBX_SHA);
}
#endif
