/*
 * cli: what all parts of the soldr command share: how it was called, the table
 * of verbs, messages, and the options of a verb.
 *
 * A message of soldr is one line on stderr, "soldr: …", in one write, so that
 * lines of parallel compiles never mix. What a verb prints is built in a buf
 * and written once; a reader that went away (EPIPE) is no error.
 */
#ifndef SOLDR_CLI_CLI_H
#define SOLDR_CLI_CLI_H

#include "buf.h"
#include "config.h"
#include "err.h"

#include <soldr/service.h>

enum cli_status {
	STATUS_WRONG = 1,            /* a check found something (doctor, config check, cache verify) */
	STATUS_USAGE = 2,            /* the command line is wrong */
	STATUS_SOLDR = 111,          /* soldr itself failed */
	STATUS_NOT_EXECUTABLE = 126, /* as a shell says it */
	STATUS_NOT_FOUND = 127
};

enum { JSON_SCHEMA_VERSION = 1, CLI_OPERANDS_MAX = 64 };

/* How soldr was called. All of it is borrowed from main. */
struct cli {
	int argc;
	char **argv; /* from the verb or compiler on; NULL-ended */
	char **given; /* all that main was given */
	const char *const *envp;
	const char *cwd; /* absolute, physical; NULL when the directory is gone */
	struct config_overrides overrides;
};

struct verb {
	const char *name;
	const char *usage;   /* after "soldr " */
	const char *summary; /* one line of `soldr help` */
	const char *help;    /* options and an example: all lines after the summary */
	int (*run)(const struct cli *, const struct verb *);
};

/* Every verb, NULL-ended, in the order of `soldr help`. */
extern const struct verb *const cli_verbs[];
const struct verb *cli_verb_find(const char *name); /* NULL: none */

extern const struct verb verb_cargo, verb_make, verb_gmake, verb_ninja, verb_samu, verb_cmake, verb_build;
extern const struct verb verb_stats, verb_status, verb_backends, verb_plugin, verb_doctor, verb_config, verb_cache, verb_parity, verb_why, verb_report, verb_audit, verb_logs, verb_version, verb_help;

/* The whole text of `soldr help` and of `soldr help VERB`. */
void help_overview(struct buf *);
void help_verb(struct buf *, const struct verb *);
/* `soldr help reasons` */
void help_reasons(struct buf *);
/* help_errors.c: `soldr help errors` and `soldr help E104`. False: there is no such id. */
void help_errors(struct buf *);
bool help_is_error(const char *word);
bool help_error(struct buf *, const char *id);

/* ---- messages ------------------------------------------------------------ */

/* fmt: a row of messages.h. Shown with its id at the end, as an error is. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with the verb's usage line after it; returns STATUS_USAGE. */
int cli_usage(const struct verb *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The error of a call, with "about: " before it where about is not NULL. err NULL: out of memory. */
void cli_report(const soldr_error *err, const char *about);
/* The same, with what comes of it: "…; so". */
void cli_report_so(soldr_error *err, const char *so);
/* Nothing is wrong: a line without an id. */
void cli_remark(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "; did you mean NEAR?", or "" where near is NULL. */
struct cli_hint {
	char text[96];
};
struct cli_hint cli_hint(const char *near, const char *quote);

/* Writes the text to stdout and releases it. Returns status, or STATUS_WRONG when it cannot be written. */
int cli_print(struct buf *, int status);

/* ---- options of a verb ------------------------------------------------------ */

struct cli_option {
	const char *name; /* "--json" */
	bool *flag;       /* set when given, or … */
	const char **value;
};

struct cli_operands {
	const char *items[CLI_OPERANDS_MAX];
	int count;
};

/*
 * Reads cli->argv[1…]. options ends with a NULL name. --help and -h print the
 * verb's help. Returns -1 to go on, else the status to end with.
 */
int cli_parse(const struct cli *, const struct verb *, const struct cli_option *, struct cli_operands *);

/* Reads a number given for the option; text NULL leaves *out alone. 0 or STATUS_USAGE. */
int cli_number(const struct verb *, const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out);

/* Loads the config, or says what is wrong with it: 0 or STATUS_SOLDR. */
int cli_config(const struct cli *, struct config *);
/* Starts the configured backend: 0, or STATUS_SOLDR after saying why not. */
int cli_service(const struct cli *, const struct config *, soldr_service **);
/* said gets what the backend logs: see host_options. */
int cli_service_watched(const struct cli *, const struct config *, void (*said)(void *, uint32_t level, const char *), void *arg,
                        soldr_service **);

/* ---- environment -------------------------------------------------------------- */

/*
 * envp with the given "NAME=value" strings set: in place where NAME is there,
 * else at the end. Pointers are borrowed; only the list is malloc'ed. NULL:
 * out of memory.
 */
const char **cli_env(const char *const *envp, const char *const *sets, size_t count);
/* SOLDR_BACKEND=null, SOLDR_BYPASS or SOLDR_BYPASS_ZCCACHE, where --backend does not say otherwise. */
bool cli_bypass(const struct cli *);

/*
 * SOLDR_DEPTH counts how often soldr runs below itself, so that a script named
 * gcc that calls `soldr gcc` ends with a message instead of a fork bomb.
 */
enum { CLI_DEPTH_MAX = 8, CLI_DEPTH_TEXT = 32 };
unsigned cli_depth(const struct cli *);
/* "SOLDR_DEPTH=n" for the child of a soldr at this depth. */
void cli_depth_set(char text[CLI_DEPTH_TEXT], unsigned depth);

#endif
