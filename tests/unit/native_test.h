/*
 * native_test: a test of what an emulator of another machine's processes does
 * not show: why an exec failed, and which file runs. It is inactive where
 * SOLDR_TEST_EMULATED is set (`make check-port`); main counts those as no failure.
 */
#ifndef TESTS_NATIVE_TEST_H
#define TESTS_NATIVE_TEST_H

#include <CUnit/CUnit.h>
#include <stdlib.h>

static inline void add_native_test(CU_pSuite s, const char *name, CU_TestFunc run)
{
	CU_pTest t = CU_add_test(s, name, run);
	if (t && getenv("SOLDR_TEST_EMULATED"))
		CU_set_test_active(t, CU_FALSE);
}

#endif
