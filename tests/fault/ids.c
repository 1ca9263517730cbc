/*
 * ids: which messages the code is made to say, shown or not. The unit tests and
 * soldr-faulty are linked with --wrap=err_set, so every call comes through here;
 * the ids go to the file that SOLDR_TEST_IDS names, a line each.
 * tests/e2e/66-errors.t wants to know.
 */
#include "err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int __real_err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...);
int __wrap_err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...);

static bool said[1000];

static void tell(const char *text)
{
	const int error = errno;
	const char *name = getenv("SOLDR_TEST_IDS");
	int fd = name && !__atomic_exchange_n(&said[atoi(text + 1)], true, __ATOMIC_RELAXED)
		? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd >= 0 && dprintf(fd, "%.4s\n", text) < 0)
		abort();
	if (fd >= 0)
		close(fd);
	errno = error;
}

__attribute__((format(printf, 5, 6))) int __wrap_err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...)
{
	char text[2 * sizeof err->message] = "";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (err && err_id_length(text)) /* nobody sees what is said to NULL */
		tell(text);
	return __real_err_set(err, code, sys_errno, origin, "%s", text);
}
