/*
 * config: every setting of soldr, with where its value came from.
 *
 * Precedence: command line, environment, project file (.soldr.yaml at the
 * worktree root, a safe subset of keys), config file, built-in default. The
 * settings live in one table (config_settings); YAML keys, environment names,
 * `config show`, `help` and the checks are generated from it. Only this module
 * includes <yaml.h>.
 *
 * A mistake of the user is SOLDR_E_CONFIG with "FILE:LINE:COLUMN: KEY: what is
 * wrong; what to do". Limits: a config file has at most CONFIG_FILE_MAX bytes,
 * CONFIG_DEPTH_MAX levels, CONFIG_NODES_MAX nodes; anchors and aliases, tags,
 * duplicate keys and more than one document are refused.
 */
#ifndef SOLDR_SERVICE_CONFIG_H
#define SOLDR_SERVICE_CONFIG_H

#include "buf.h"
#include "err.h"
#include "redact.h"

#include <soldr/backend.h>

enum { CONFIG_FILE_MAX = 1 << 20, CONFIG_DEPTH_MAX = 8, CONFIG_NODES_MAX = 10000 };

enum config_origin {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_PROJECT,
	CONFIG_FROM_ENV,
	CONFIG_FROM_COMMAND_LINE
};

enum config_on_error { ON_ERROR_FALLBACK, ON_ERROR_FAIL };
enum config_audit_mode { AUDIT_OFF, AUDIT_SUMMARY, AUDIT_NORMAL, AUDIT_VERBOSE, AUDIT_FORENSIC };
enum config_sink_policy { SINK_BLOCK, SINK_DROP_LOW_PRIORITY, SINK_DEGRADE, SINK_FAIL_LOSSLESS };
enum config_path_remap { PATH_REMAP_OFF, PATH_REMAP_AUTO };
enum config_priority { PRIORITY_AUTO, PRIORITY_NORMAL, PRIORITY_LOW, PRIORITY_IDLE };

/* Where one scalar was found: file is owned by the config, NULL for defaults; line and column from 1. */
struct config_source {
	enum config_origin origin;
	const char *file; /* path, or the name of the environment variable or option */
	int line, column;
};

/* One scalar (or list element) of a backend's options, flattened: "compression.level". */
struct config_option {
	char *key, *value; /* value NULL: nothing said; with in_list: an empty list */
	struct config_source source;
	bool in_list; /* one element of a list */
};

struct config_backend {
	char *name;   /* the key under `backends` */
	char *plugin; /* name or absolute path */
	struct config_option *options;
	size_t option_count;
	struct config_source source;
	const char *home; /* what "~/" in a path option means; NULL: not known */
};

struct config {
	char *file;         /* the config file that was read, or NULL */
	char *project_file; /* or NULL */
	char *backend;      /* name under backends, or a built-in */
	struct config_backend *backends;
	size_t backend_count;
	struct vec plugin_path;  /* absolute directories: SOLDR_PLUGIN_PATH first, then the file's */
	char *cache_root;        /* absolute */
	enum config_audit_mode audit_mode;
	enum config_sink_policy sink_policy;
	int64_t keep_runs, keep_days; /* below runs */
	int64_t max_journal_size;     /* bytes, of one run */
	bool redaction;
	struct vec redaction_deny, redaction_allow; /* further name patterns */
	char *product, *instance_id, *workspace;
	int64_t max_parallel_compiles; /* 0: no limit */
	enum config_priority priority;
	enum config_on_error on_error;
	enum config_path_remap path_remap;
	char *worktree_root;     /* or NULL: found */
	bool readonly, recache, quiet, session_summary;
	char *log;               /* SOLDR_LOG: a level name or an absolute file; NULL: off */
	char *run_id;            /* SOLDR_RUN_ID or NULL */
	char *traceparent;       /* valid W3C value or NULL */
	int64_t verify_percent;  /* of the hits */
	int64_t jobs;            /* SOLDR_JOBS; 0: not set */
	struct config_internal *internal; /* sources of each setting, file texts */
};

/* What the command line said; all may be NULL or false. */
struct config_overrides {
	const char *file, *backend, *audit_mode;
	bool quiet, no_session_summary;
};

/* envp: NULL-ended. cwd: absolute. On success the config is filled; release it with config_release(). */
int config_load(struct config *, const struct config_overrides *, const char *const *envp, const char *cwd, soldr_error *);
void config_release(struct config *);

/*
 * The backend that `backend` names: its section, or for a built-in name
 * without a section one made up (plugin = name, no options). NULL with err
 * (SOLDR_E_CONFIG, nearest known names) when there is none.
 */
const struct config_backend *config_backend_find(const struct config *, const char *name, soldr_error *);

/*
 * Checks a backend's options against what its plugin declares, and gives what
 * open() gets: every declared option that is set or has a default, normalised
 * as soldr/backend.h says. keys/values are owned by the list.
 */
struct config_kvs {
	soldr_kv *items;
	size_t len, cap;
};
int config_backend_options(const struct config_backend *, const soldr_option_spec *, struct config_kvs *, soldr_error *);
int config_kvs_add(struct config_kvs *, const char *key, const char *value);
void config_kvs_release(struct config_kvs *);

/* Visits every setting in the table's order: dotted key, value as YAML text, source, one-line help. */
typedef void (*config_visit_fn)(void *arg, const char *key, const char *value, const struct config_source *, const char *help);
void config_visit(const struct config *, config_visit_fn, void *arg);

/* What audit.redaction.* says; borrows from the config. */
struct redaction config_redaction(const struct config *);

/* True when the setting was said somewhere, false when it is the built-in default. key: dotted, of the table. */
bool config_given(const struct config *, const char *key);

/* SOLDR_* variables that soldr does not know, each with the nearest known one (or NULL). */
typedef void (*config_unknown_env_fn)(void *arg, const char *name, const char *nearest);
void config_unknown_env(const char *const *envp, config_unknown_env_fn, void *arg);

/* "20GiB", "1.5 MB", "4096" → bytes; "30d", "1h", "250ms" → ns; both reject overflow. 0 or SOLDR_E_INVALID. */
int config_parse_size(const char *text, uint64_t *bytes);
int config_parse_duration(const char *text, uint64_t *ns);
int config_parse_bool(const char *text, bool *);
/* A valid traceparent of W3C Trace Context. */
bool config_valid_traceparent(const char *);
/* 1 to max letters, digits, '.', '_' and '-', not beginning with '.' or '-'. */
bool config_is_name(const char *text, size_t max);
/* The item nearest to name by edit distance, if near enough to be a typing error; else NULL. items: NULL-ended. */
const char *config_nearest(const char *name, const char *const *items);

#endif
