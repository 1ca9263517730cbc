/*
 * depinfo: the list of inputs that rustc writes (--emit dep-info).
 *
 * Rules "OUTPUT: SOURCE …", one for each output (its name as it is), then a rule without
 * prerequisites for each source, then "# env-dep:NAME=VALUE" for each variable
 * that env!() or option_env!() read ("# env-dep:NAME": it was not set). A blank
 * in a source's name is written "\ "; in variables "\n", "\r" and "\\" stand for
 * themselves. Nothing else is escaped (rustc_interface, passes.rs, 1.95).
 */
#ifndef EMBEDDED_DEPINFO_H
#define EMBEDDED_DEPINFO_H

#include "buf.h"

struct depinfo {
	struct vec sources;
	struct vec names;  /* of variables */
	struct vec values; /* in step; see was_set */
	bool *was_set;
};

#define DEPINFO_INIT ((struct depinfo){0})

/* 0, or -1 when the text is not of this form, or memory is out. Release in both cases. */
int depinfo_parse(struct depinfo *, const char *text, size_t len);
void depinfo_release(struct depinfo *);
/*
 * Appends text with the directory `from` written as `to` at the beginning of every path. false: the name stands
 * somewhere else too, or one of them needs an escape.
 */
bool depinfo_move(const char *text, size_t len, const char *from, const char *to, struct buf *out);

#endif
