/*
 * cargo: see cargo.h. In cargo's order: its own variables, --config, variables
 * that stand for keys, the config files from the working directory upwards, and
 * that of CARGO_HOME.
 */
#include "cargo.h"

#include "compiler.h"
#include "fs.h"
#include "path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 1 << 20, LEVELS_MAX = 256, INCLUDE_DEPTH_MAX = 4, INCLUDES_MAX = 64 };

static const struct {
	const char *own, *build, *key; /* variable, variable that stands for the key, key */
} programs[CARGO_PROGRAMS] = {
	[CARGO_WRAPPER] = {"RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "rustc-wrapper"},
	[CARGO_WORKSPACE_WRAPPER] = {"RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER", "rustc-workspace-wrapper"},
	[CARGO_RUSTC] = {"RUSTC", "CARGO_BUILD_RUSTC", "rustc"},
};

struct reading {
	struct cargo_settings *settings;
	const struct cli *cli;
	char *cwd;                   /* as -C says */
	int includes;                /* files that were read because another one names them */
	bool closed[CARGO_PROGRAMS]; /* a stronger source decided */
};

/* dir: where a relative path in the value starts. */
static void take(struct reading *r, enum cargo_program which, const char *value, const char *origin, const char *dir)
{
	struct cargo_setting *s = &r->settings->of[which];
	if (r->closed[which])
		return;
	r->closed[which] = true;
	s->value = strdup(value);
	s->origin = strdup(origin);
	char *path = *value ? path_find_program(value, env_get(r->cli->envp, "PATH"), dir, NULL, NULL) : NULL;
	s->is_soldr = path && compiler_is_soldr(NULL, path);
	s->is_missing = *value && !path;
	free(path);
}

/* An own variable that is empty takes back what the weaker sources say. */
static void read_variables(struct reading *r, bool own)
{
	for (int i = 0; i < CARGO_PROGRAMS; i++) {
		const char *name = own ? programs[i].own : programs[i].build, *value = env_get(r->cli->envp, name);
		if (value && *value)
			take(r, (enum cargo_program)i, value, name, r->cwd);
		else if (value && own)
			r->closed[i] = true;
	}
}

/* ---- TOML ---------------------------------------------------------------------- */

static size_t without_comment(const char *line, size_t len)
{
	char quote = 0;
	for (size_t i = 0; i < len; i++) {
		if (quote && line[i] == '\\' && quote == '"')
			i++;
		else if (quote)
			quote = line[i] == quote ? 0 : quote;
		else if (line[i] == '"' || line[i] == '\'')
			quote = line[i];
		else if (line[i] == '#')
			return i;
	}
	return len;
}

static const char *skip(const char *p, const char *end, const char *set)
{
	while (p < end && strchr(set, *p))
		p++;
	return p;
}

/* What follows `KEY =` in the line: a dotted, quoted or inner key too. NULL: the key is not there. */
static const char *after_key(const char *line, const char *end, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = line; (p = memmem(p, (size_t)(end - p), key, n)); p++) {
		const char *q = skip(skip(p + n, end, "\"'"), end, " \t");
		if ((p == line || strchr(" \t.,{\"'", p[-1])) && q < end && *q == '=')
			return skip(q + 1, end, " \t");
	}
	return NULL;
}

/* The plain string that begins there, malloc'ed; "" for anything else. */
static char *plain_string(const char *p, const char *end)
{
	const char *close = p < end && (*p == '"' || *p == '\'') ? memchr(p + 1, *p, (size_t)(end - p - 1)) : NULL;
	bool plain = close && !memchr(p, '\\', (size_t)(close - p));
	return plain ? strndup(p + 1, (size_t)(close - p - 1)) : strdup("");
}

static bool read_line(struct reading *r, const char *line, size_t len, const char *origin, const char *dir)
{
	const char *end = line + without_comment(line, len);
	for (int i = 0; i < CARGO_PROGRAMS; i++) {
		const char *at = after_key(line, end, programs[i].key);
		char *value = at ? plain_string(at, end) : NULL;
		if (value)
			take(r, (enum cargo_program)i, value, origin, dir);
		free(value);
	}
	return after_key(line, end, "include");
}

static void read_file(struct reading *r, const char *file, const char *dir, int depth);

/* Every string of the text that may be the name of an included file. */
static void read_includes(struct reading *r, const char *text, const char *dir, int depth)
{
	const char *from = text, *seen = text; /* where the name begins; what was looked at for that */
	for (const char *p = text; r->includes < INCLUDES_MAX && (p = strstr(p, ".toml")); p += 5) {
		for (; seen < p; seen++)
			if (strchr("\"'\n", *seen))
				from = seen + 1;
		if (p - from > PATH_MAX)
			continue;
		char *name = strndup(from, (size_t)(p - from) + 5), *file = name ? path_join(dir, name) : NULL;
		if (file && from > text && strchr("\"'", from[-1]) && r->includes++ < INCLUDES_MAX)
			read_file(r, file, dir, depth + 1);
		free(file);
		free(name);
	}
}

/* A file that cannot be read is cargo's to complain about. dir: of the file, where included names start. */
static void read_file(struct reading *r, const char *file, const char *dir, int depth)
{
	struct buf text = BUF_INIT;
	bool includes = false;
	char *above = path_dir(dir); /* paths in DIR/.cargo/config.toml start at DIR */
	if (above && depth <= INCLUDE_DEPTH_MAX && fs_read_file(file, CONFIG_MAX, &text, NULL) == 0) {
		const char *p = buf_str(&text);
		while (*p) {
			size_t n = strcspn(p, "\n");
			includes = read_line(r, p, n, file, above) || includes;
			p += n + (p[n] == '\n');
		}
		if (includes)
			read_includes(r, buf_str(&text), dir, depth);
	}
	free(above);
	buf_release(&text);
}

static void read_config_in(struct reading *r, const char *dir)
{
	static const char *const names[] = {"config", "config.toml"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *file = path_join(dir, names[i]);
		if (file)
			read_file(r, file, dir, 0);
		free(file);
	}
}

static void read_configs(struct reading *r)
{
	const char *cargo_home = env_get(r->cli->envp, "CARGO_HOME"), *home = env_get(r->cli->envp, "HOME");
	char *dir = strdup(r->cwd);
	for (int level = 0; dir && level < LEVELS_MAX; level++) {
		char *config = path_join(dir, ".cargo");
		if (config)
			read_config_in(r, config);
		free(config);
		char *slash = strrchr(dir, '/');
		if (!slash || !dir[1])
			break;
		slash[slash == dir] = 0;
	}
	free(dir);
	char *last = cargo_home && *cargo_home ? path_absolute(r->cwd, cargo_home) : home ? path_join(home, ".cargo") : NULL;
	if (last)
		read_config_in(r, last);
	free(last);
}

/* ---- the command line ------------------------------------------------------------ */

/* The option's value, beside it or in the next word; *at moves over it. NULL: another option. */
static const char *option_value(char *const *argv, size_t *at, const char *name)
{
	size_t n = strlen(name);
	const char *arg = argv[*at];
	if (strncmp(arg, name, n) != 0)
		return NULL;
	if (arg[n])
		return arg[n] == '=' ? arg + n + 1 : name[1] == '-' ? NULL : arg + n;
	return argv[*at + 1] ? argv[++*at] : NULL;
}

static void read_directory(struct reading *r, char *const *argv)
{
	for (size_t i = 1; argv && argv[i] && strcmp(argv[i], "--") != 0; i++) {
		const char *dir = option_value(argv, &i, "-C");
		char *moved = dir ? path_absolute(r->cwd, dir) : NULL;
		if (moved) {
			free(r->cwd);
			r->cwd = moved;
		}
	}
}

static void read_command_line(struct reading *r, char *const *argv)
{
	for (size_t i = 1; argv && argv[i] && strcmp(argv[i], "--") != 0; i++) {
		const char *value = option_value(argv, &i, "--config");
		if (!value)
			continue;
		char *file = strchr(value, '=') ? NULL : path_absolute(r->cwd, value), *dir = file ? path_dir(file) : NULL;
		if (dir)
			read_file(r, file, dir, 0);
		else
			(void)read_line(r, value, strlen(value), "--config", r->cwd);
		free(dir);
		free(file);
	}
}

void cargo_settings_read(struct cargo_settings *settings, const struct cli *cli, char *const *argv)
{
	struct reading r = {.settings = settings, .cli = cli, .cwd = strdup(cli->cwd ? cli->cwd : "/")};
	*settings = (struct cargo_settings){0};
	if (r.cwd)
		read_directory(&r, argv);
	if (r.cwd) {
		read_variables(&r, true);
		read_command_line(&r, argv);
		read_variables(&r, false);
		read_configs(&r);
	}
	free(r.cwd);
}

void cargo_settings_release(struct cargo_settings *settings)
{
	for (int i = 0; i < CARGO_PROGRAMS; i++) {
		free(settings->of[i].value);
		free(settings->of[i].origin);
	}
	*settings = (struct cargo_settings){0};
}
