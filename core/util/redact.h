/*
 * redact: takes secrets out of text before it leaves the process.
 *
 * Two rules. By name: in NAME=VALUE (`-DAPI_KEY=…`, `token="…"`, `?key=…`) the
 * name decides, deny first: the user's deny patterns, then the user's allow
 * patterns, then the built-in words. By shape: credentials whose form is
 * documented (cloud keys, tokens of code hosts and package registries, JSON web
 * tokens, private keys, passwords in URLs, bearer headers), whatever they are
 * called; an allowed name lets its value pass in any shape.
 *
 * Pure functions: the same text gives the same text. A secret becomes
 * REDACTED, without its length. A value that a yes, a no or a small number can
 * fill is no secret, so that -DUSE_AUTH=1 stays.
 */
#ifndef SOLDR_UTIL_REDACT_H
#define SOLDR_UTIL_REDACT_H

#include "buf.h"

#define REDACTED "[redacted]"

struct redaction {
	bool enabled;
	const char *const *deny, *const *allow; /* name patterns (fnmatch, any case), NULL-ended, or NULL */
};

/*
 * Appends one argument of a command line; before is the argument in front of it
 * or NULL (`--token X`). A secret by name reaches to the argument's end.
 * Returns whether something was taken out.
 */
bool redact_argument(const struct redaction *, const char *before, const char *argument, struct buf *out);
/* Appends a sentence: there a secret by name reaches to the next blank, or the end of its quotes. */
bool redact_text(const struct redaction *, const char *text, struct buf *out);

#endif
