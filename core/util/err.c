/* err: see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...)
{
	if (!err)
		return code;
	err->struct_size = sizeof *err;
	err->code = code;
	err->sys_errno = sys_errno;
	snprintf(err->origin, sizeof err->origin, "%s", origin);
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	if (sys_errno && len >= 0 && (size_t)len < sizeof err->message)
		snprintf(err->message + len, sizeof err->message - (size_t)len, ": %s", strerror(sys_errno));
	return code;
}

int err_prefix(soldr_error *err, const char *fmt, ...)
{
	if (!err)
		return SOLDR_E_INTERNAL;
	char text[2 * sizeof err->message];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof err->message, fmt, ap);
	va_end(ap);
	size_t at = len < 0 ? 0 : (size_t)len < sizeof err->message ? (size_t)len : sizeof err->message - 1;
	snprintf(text + at, sizeof text - at, ": %s", err->message);
	memcpy(err->message, text, sizeof err->message - 1);
	err->message[sizeof err->message - 1] = 0;
	return err->code;
}

const char *err_code_text(int code)
{
	static const char *const text[] = {
		[SOLDR_OK] = "no error",
		[SOLDR_E_NOMEM] = "out of memory",
		[SOLDR_E_INVALID] = "invalid argument",
		[SOLDR_E_CONFIG] = "configuration error",
		[SOLDR_E_IO] = "input/output error",
		[SOLDR_E_NOT_FOUND] = "not found",
		[SOLDR_E_ABI] = "plugin does not fit this soldr",
		[SOLDR_E_TRUST] = "unsafe owner or mode",
		[SOLDR_E_UNSUPPORTED] = "not supported",
		[SOLDR_E_CANCELLED] = "cancelled",
		[SOLDR_E_TIMEOUT] = "timed out",
		[SOLDR_E_LIMIT] = "limit reached",
		[SOLDR_E_CORRUPT] = "stored data is damaged",
		[SOLDR_E_BUSY] = "busy",
		[SOLDR_E_INTERNAL] = "internal error",
		[SOLDR_E_SHUTDOWN] = "shut down",
	};
	return code >= 0 && (size_t)code < sizeof text / sizeof *text ? text[code] : "unknown error";
}
