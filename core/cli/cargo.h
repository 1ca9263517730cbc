/*
 * cargo: what the user told cargo about rustc, by variables, by cargo's config
 * files and by --config. The front door must not put soldr in the place of it.
 *
 * Config files are searched for the keys, not parsed: a key that is found where
 * cargo would not see it makes the front door more careful than it had to be.
 */
#ifndef SOLDR_CLI_CARGO_H
#define SOLDR_CLI_CARGO_H

#include "cli.h"

enum cargo_program { CARGO_WRAPPER, CARGO_WORKSPACE_WRAPPER, CARGO_RUSTC, CARGO_PROGRAMS };

struct cargo_setting {
	char *value;   /* as it is written; "" where that cannot be told; NULL: not set */
	char *origin;  /* the variable or file; NULL: not set */
	bool is_soldr, is_missing;
};

struct cargo_settings {
	struct cargo_setting of[CARGO_PROGRAMS];
};

/* argv: of the cargo command, from "cargo" on, for its options --config and -C; NULL: another program. */
void cargo_settings_read(struct cargo_settings *, const struct cli *, char *const *argv);
void cargo_settings_release(struct cargo_settings *);

/* Set to a program that is not soldr. */
static inline bool cargo_is_foreign(const struct cargo_settings *s, enum cargo_program which)
{
	return s->of[which].origin && !s->of[which].is_soldr;
}

#endif
