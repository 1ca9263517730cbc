/*
 * err: fills the soldr_error of a caller.
 *
 * Every function of core and plugins that can fail ends with a soldr_error *,
 * returns 0 or the code, and is the first to know the cause: it writes the
 * sentence, one of messages.h. Callers that know more (which config key, which
 * request) prefix it.
 *
 * In a message the id stands at the end: "cannot open /x: Permission denied [E104]".
 * It has one id, that of who knew the cause: a text that already ends with an id
 * keeps this one when it is wrapped into another, and an id is never cut off.
 */
#ifndef SOLDR_UTIL_ERR_H
#define SOLDR_UTIL_ERR_H

#include "messages.h"

#include <soldr/backend.h>

struct buf;

#define SOLDR_ERROR_INIT ((soldr_error){.struct_size = sizeof(soldr_error)})

/*
 * Returns code. err may be NULL. sys_errno 0: none. The message gets ": strerror" where it is not 0.
 * fmt: a row of messages.h, or "%s" for a text that begins with an id.
 */
int err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Puts "text: " before the message, or text behind it, before its id. Both return the code. */
int err_prefix(soldr_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_suffix(soldr_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds text, which begins with an id, as a message shows it. */
void err_show(struct buf *, const char *text);
/* The bytes of "E104 " where text begins so, else 0. */
int err_id_length(const char *text);
/* "invalid argument", "out of memory", …: the code in words. */
const char *err_code_text(int code);

#endif
