/* err: see err.h. */
#include "err.h"

#include "buf.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ID_SIZE = sizeof "E104 " - 1, TAG_SIZE = sizeof " [E104]" - 1 };

static bool is_id(const char *p)
{
	return p[0] == 'E' && isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2]) && isdigit((unsigned char)p[3]);
}

int err_id_length(const char *text)
{
	return is_id(text) && text[ID_SIZE - 1] == ' ' ? ID_SIZE : 0;
}

/* A text without its id, at the beginning or at the end, and the id as it stands at the end. */
struct parts {
	const char *text;
	int len;
	char tag[TAG_SIZE + 1];
};

static struct parts take_apart(const char *text)
{
	struct parts p = {.text = text + err_id_length(text)};
	size_t len = strlen(p.text);
	const char *end = p.text + (len >= TAG_SIZE ? len - TAG_SIZE : 0);
	if (len >= TAG_SIZE && strncmp(end, " [", 2) == 0 && is_id(end + 2) && end[TAG_SIZE - 1] == ']') {
		memcpy(p.tag, end, TAG_SIZE);
		len -= TAG_SIZE;
	} else if (p.text != text) {
		memcpy(p.tag, " [", 2);
		memcpy(p.tag + 2, text, ID_SIZE - 1);
		p.tag[TAG_SIZE - 1] = ']';
	}
	p.len = (int)len;
	return p;
}

/* Returns the new length, at most max. */
static size_t add(char *to, size_t at, size_t max, const char *text, size_t len)
{
	if (len > max - at)
		len = max - at;
	memcpy(to + at, text, len);
	return at + len;
}

/* before, text, colon, after and the id; what has no room is cut off, the id never. Without printf: a hit comes here too (no config file). */
static void put_together(soldr_error *err, const char *before, const struct parts *p, const char *colon, const char *after)
{
	char *to = err->message;
	const size_t tag = strlen(p->tag), room = sizeof err->message - 1 - tag;
	size_t at = add(to, 0, room, before, strlen(before));
	at = add(to, at, room, p->text, (size_t)p->len);
	at = add(to, at, room, colon, strlen(colon));
	at = add(to, at, room, after, strlen(after));
	memcpy(to + at, p->tag, tag + 1);
}

int err_set(soldr_error *err, int code, int sys_errno, const char *origin, const char *fmt, ...)
{
	if (!err)
		return code;
	err->struct_size = sizeof *err;
	err->code = code;
	err->sys_errno = sys_errno;
	char text[sizeof err->message + ID_SIZE];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(err->origin, sizeof err->origin, "%s", origin);
	const struct parts parts = take_apart(text);
	put_together(err, "", &parts, sys_errno ? ": " : "", sys_errno ? strerror(sys_errno) : "");
	return code;
}

int err_prefix(soldr_error *err, const char *fmt, ...)
{
	if (!err)
		return SOLDR_E_INTERNAL;
	char old[sizeof err->message], before[sizeof err->message];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(before, sizeof before - 2, fmt, ap);
	va_end(ap);
	size_t at = len < 0 ? 0 : (size_t)len < sizeof before - 2 ? (size_t)len : sizeof before - 3;
	memcpy(before + at, ": ", sizeof ": ");
	snprintf(old, sizeof old, "%s", err->message);
	const struct parts parts = take_apart(old);
	put_together(err, before, &parts, "", "");
	return err->code;
}

int err_suffix(soldr_error *err, const char *fmt, ...)
{
	if (!err)
		return SOLDR_E_INTERNAL;
	char old[sizeof err->message], after[sizeof err->message];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(after, sizeof after, fmt, ap);
	va_end(ap);
	snprintf(old, sizeof old, "%s", err->message);
	const struct parts parts = take_apart(old);
	put_together(err, "", &parts, "", after);
	return err->code;
}

void err_show(struct buf *out, const char *text)
{
	const struct parts parts = take_apart(text);
	buf_addf(out, "%.*s%s", parts.len, parts.text, parts.tag);
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
