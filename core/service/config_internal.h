/*
 * config_internal: what the files of the config module share, and nobody else
 * includes: the flat form of a YAML file, error sentences, the settings table.
 */
#ifndef SOLDR_SERVICE_CONFIG_INTERNAL_H
#define SOLDR_SERVICE_CONFIG_INTERNAL_H

#include "config.h"

enum { CONFIG_KEY_MAX = 256, CONFIG_BUILTIN_COUNT = 3, CONFIG_SETTING_COUNT = 30 };

struct config_internal {
	char *home;                                          /* $HOME where absolute, or NULL */
	struct config_source sources[CONFIG_SETTING_COUNT];  /* in the table's order */
	struct config_backend builtin[CONFIG_BUILTIN_COUNT]; /* made up; their strings are constants */
};

/* ---- config_yaml.c: YAML text as a flat list, in the order of the file ------ */

/*
 * A scalar, a list element, an empty list, or a map (followed by what is in
 * it). The position is that of the key, of a list element its own. value is
 * NULL for a map, an empty list (in_list), and where nothing is said: no text
 * or "~". A plain `null` is kept as text with is_null set, because null is also
 * the name of a backend.
 */
struct yaml_entry {
	char *key; /* "audit.mode" */
	char *value;
	int line, column; /* from 1, in characters */
	bool in_list, is_null;
	bool is_map, filled; /* filled: a map that is not empty */
};

struct yaml_doc {
	struct yaml_entry *items;
	size_t len, cap;
};

/* file names the text in errors. An empty text gives an empty document. */
int config_yaml_parse(const char *file, const char *text, size_t len, struct yaml_doc *, soldr_error *);
void config_yaml_release(struct yaml_doc *);
/* Appends the value as YAML text, quoted where it has to be. */
void config_yaml_quote(struct buf *, const char *value);

/* ---- config_values.c --------------------------------------------------------- */

/* A value of the user as an error may show it: short, no control characters. */
struct shown {
	char text[64];
};
struct shown config_shown(const char *value);

/* SOLDR_E_CONFIG: "FILE:LINE:COLUMN: KEY: …", or "NAME: …" for a variable or option. key may be NULL. */
int config_fail(soldr_error *, const struct config_source *, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int config_no_memory(soldr_error *);
/* " (did you mean "X"?)" or "". */
struct shown config_did_you_mean(const char *name, const char *const *items);
enum path_fault { PATH_FINE, PATH_HOMELESS, PATH_RELATIVE };
/* An absolute path as it is, "~/" below home: malloc'ed. Otherwise NULL and *fault, PATH_FINE when memory is out. */
char *config_expand_path(const char *text, const char *home, enum path_fault *fault);
int config_parse_int(const char *text, int64_t *);

/* ---- config_settings.c: the table ---------------------------------------------- */

enum setting_place {
	SETTING_IN_FILE = 1u << 0,    /* the config file may set it */
	SETTING_IN_PROJECT = 1u << 1, /* the project file too */
	SETTING_IS_LIST = 1u << 2,
	SETTING_IS_NAME = 1u << 3 /* a plain `null` is a name here, not nothing */
};

struct setting;

const struct setting *config_setting_find(const char *key); /* NULL: none */
unsigned config_setting_places(const struct setting *);
/* Where its value came from. */
const struct config_source *config_setting_source(const struct config *, const struct setting *);
/* Parses text and stores it. Elements of a list are added one by one, except from a variable. */
int config_setting_set(struct config *, const struct setting *, const char *text, const struct config_source *, soldr_error *);
/* Gives every setting its default. ci: the CI variable is set. */
int config_settings_default(struct config *, bool ci, soldr_error *);
/* Why a key of a file with a value, or (is_map) with a map, is wrong. Always an error. */
int config_setting_wrong(const char *key, bool is_map, const struct config_source *, soldr_error *);
/* Are there settings below the key? */
bool config_setting_is_group(const char *key);

#endif
