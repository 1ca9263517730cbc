/*
 * script: a compiler that is a shell script is followed to the command that it
 * stands for. A script is followed where its text leaves no doubt:
 *
 *	#!/bin/sh
 *	exec /usr/bin/gcc -m32 "$@"
 *
 * Comments, blank lines and `set -e` may stand around it. Any other script has
 * to be declared with its command, which is then taken at its word.
 */
#ifndef EMBEDDED_SCRIPT_H
#define EMBEDDED_SCRIPT_H

#include "buf.h"

#include <stdbool.h>

enum { SCRIPT_MAX = 16 * 1024 };

/* The command of a script: the arguments of a call stand between before and after. */
struct script {
	struct vec before, after;
};

#define SCRIPT_INIT ((struct script){VEC_INIT, VEC_INIT})

/*
 * Reads the start of the program; text: what was read, when it is a script, up
 * to one byte more than SCRIPT_MAX. false: no script, or not readable.
 */
bool script_read(const char *path, struct buf *text);
bool script_at(const char *path); /* the program is a script */
/* false: not so plain that what it runs is known. */
bool script_parse(struct script *, const char *text, size_t len);
/* A declared command: words of the shell without variables, with "$@" at most once, at the end where it is missing. */
bool script_parse_command(struct script *, const char *command);
/* The environment changes what a plain script does. */
bool script_is_swayed(const char *const *envp);
void script_release(struct script *);

#endif
