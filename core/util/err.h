/*
 * err: fills the soldr_error of a caller.
 *
 * Every function of core and plugins that can fail ends with a soldr_error *,
 * returns 0 or the code, and is the first to know the cause: it writes the
 * sentence. Callers that know more (which config key, which request) prefix it.
 */
#ifndef SOLDR_UTIL_ERR_H
#define SOLDR_UTIL_ERR_H

#include <soldr/backend.h>

#define SOLDR_ERROR_INIT ((soldr_error){.struct_size = sizeof(soldr_error)})

/* Returns code. err may be NULL. sys_errno 0: none. The message gets ": strerror" where it is not 0. */
int err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Puts "text: " before the message. Returns the code. */
int err_prefix(soldr_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "invalid argument", "out of memory", …: the code in words. */
const char *err_code_text(int code);

#endif
