/*
 * ids: which messages the unit tests make the code say. The program is linked with
 * --wrap=err_set, so every call comes through here; the ids go to the file that
 * SOLDR_TEST_IDS names, a line each. tests/e2e/66-errors.t wants to know.
 */
#include "err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

int __real_err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...);
int __wrap_err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...);

static bool said[1000];

__attribute__((format(printf, 5, 6))) int __wrap_err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...)
{
	char text[2 * sizeof err->message] = "";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (err && err_id_length(text)) /* nobody sees what is said to NULL */
		__atomic_store_n(&said[atoi(text + 1)], true, __ATOMIC_RELAXED);
	return __real_err_set(err, code, sys_errno, origin, "%s", text);
}

__attribute__((destructor)) static void tell(void)
{
	const char *name = getenv("SOLDR_TEST_IDS");
	FILE *file = name ? fopen(name, "a") : NULL;
	for (int id = 0; file && id < 1000; id++)
		if (said[id])
			fprintf(file, "E%03d\n", id);
	if (file)
		fclose(file);
}
