/* settings: what users and projects write down: config, project file, variables, cargo's and rustup's files, scripts. */
#include "fuzz.h"

#include "cargo.h"
#include "config.h"
#include "config_internal.h"
#include "script.h"
#include "toolchain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Every value as `soldr config show` would write it, read again, is itself. */
static void check_quoting(const struct yaml_doc *doc)
{
	for (size_t i = 0; i < doc->len; i++) {
		const char *value = doc->items[i].value;
		struct buf text = BUF_INIT;
		struct yaml_doc again = {0};
		if (!value || doc->items[i].in_list)
			continue;
		buf_adds(&text, "k: ");
		config_yaml_quote(&text, value);
		buf_addc(&text, '\n');
		HOLDS_ALWAYS(config_yaml_parse("again", text.data, text.len, &again, NULL) == 0);
		HOLDS_ALWAYS(again.len == 1 && again.items[0].value && strcmp(again.items[0].value, value) == 0);
		config_yaml_release(&again);
		buf_release(&text);
	}
}

static void load(const char *const *envp, const char *cwd, const char *file)
{
	struct config c = {0};
	const struct config_overrides over = {.file = file};
	soldr_error err = SOLDR_ERROR_INIT;
	if (config_load(&c, &over, envp, cwd, &err) == 0) {
		HOLDS_ALWAYS(c.cache_root && *c.cache_root == '/');
		HOLDS_ALWAYS(c.backend);
		config_backend_find(&c, c.backend, &err);
		config_release(&c);
	} else {
		HOLDS_ALWAYS(err.code == SOLDR_E_CONFIG && *err.message);
		/* One line, and nothing that could act on a terminal. */
		for (const char *p = err.message; *p; p++)
			HOLDS_ALWAYS((unsigned char)*p >= ' ' && *p != 0x7f);
	}
}

static const char *const quiet[] = {"HOME=/nonexistent", "PATH=/usr/bin:/bin", NULL};

void fuzz_config(const uint8_t *data, size_t len)
{
	struct yaml_doc doc = {0};
	char *text = malloc(len + 1);
	if (!text)
		abort();
	memcpy(text, data ? (const char *)data : "", len);
	text[len] = 0;
	if (config_yaml_parse("file", text, len, &doc, NULL) == 0) {
		check_quoting(&doc);
		config_yaml_release(&doc);
	}
	free(text);
	load(quiet, "/", fuzz_file("config.yaml", data, len));
}

void fuzz_project(const uint8_t *data, size_t len)
{
	char git[300];
	struct config c = {0};
	soldr_error err = SOLDR_ERROR_INIT;
	fuzz_file(".soldr.yaml", data, len);
	snprintf(git, sizeof git, "%s/.git", fuzz_dir());
	mkdir(git, 0755);
	if (config_load(&c, NULL, quiet, fuzz_dir(), &err) != 0)
		return;
	/* Whatever it says, it chose no program, no plugin and no place. */
	HOLDS_ALWAYS(strcmp(c.backend, "embedded") == 0 && c.backend_count == 0 && c.plugin_path.len == 0);
	HOLDS_ALWAYS(strcmp(c.cache_root, "/nonexistent/.cache/soldr") == 0 && !c.log && !c.worktree_root);
	config_release(&c);
}

void fuzz_environment(const uint8_t *data, size_t len)
{
	struct vec envp = fuzz_lines(data, len);
	vec_add(&envp, "HOME=/nonexistent");
	for (size_t i = 0; i < envp.len; i++)
		if (strncmp(envp.items[i], "SOLDR_CONFIG=", 13) == 0)
			envp.items[i][0] = 'x'; /* files of this machine are none of its business */
	load(vec_items(&envp), fuzz_dir(), NULL);
	vec_release(&envp);
}

void fuzz_script(const uint8_t *data, size_t len)
{
	struct script s = SCRIPT_INIT;
	char *text = malloc(len + 1);
	if (!text)
		abort();
	memcpy(text, data ? (const char *)data : "", len);
	text[len] = 0;
	if (script_parse(&s, text, len))
		HOLDS_ALWAYS(s.before.len && s.before.items[0][0] == '/');
	script_release(&s);
	if (script_parse_command(&s, text))
		HOLDS_ALWAYS(s.before.len && s.before.items[0][0] == '/');
	script_release(&s);
	free(text);
}

/* The first line chooses, the second is the name in "+name"; then settings.toml, after a NUL the toolchain file. */
void fuzz_toolchain(const uint8_t *data, size_t len)
{
	char home[300], why[64];
	const char *envp[] = {home, NULL};
	const char *argv[] = {"rustc", NULL};
	snprintf(home, sizeof home, "RUSTUP_HOME=%s", fuzz_dir());
	uint8_t kind = fuzz_byte(&data, &len);
	char *chosen = fuzz_text(&data, &len, '\n'), *settings = fuzz_text(&data, &len, 0);
	fuzz_file("settings.toml", settings, strlen(settings));
	fuzz_file(kind & 1 ? "rust-toolchain" : "rust-toolchain.toml", data, len);
	const soldr_request req = {.struct_size = sizeof req, .argc = 1, .argv = argv, .envp = envp, .cwd = fuzz_dir()};
	free(toolchain_program(&req, "rustc", kind & 2 ? chosen : NULL, why, sizeof why));
	free(chosen);
	free(settings);
}

void fuzz_cargo(const uint8_t *data, size_t len)
{
	static char program[] = "cargo", option[] = "--config", *argv[] = {program, option, NULL, NULL};
	struct cli cli = {.envp = quiet, .cwd = fuzz_dir()};
	struct cargo_settings s;
	char directory[300];
	char *given = fuzz_text(&data, &len, 0);
	snprintf(directory, sizeof directory, "%s/.cargo", fuzz_dir());
	mkdir(directory, 0755);
	fuzz_file(".cargo/config.toml", data, len);
	argv[2] = given;
	cargo_settings_read(&s, &cli, argv);
	for (int i = 0; i < CARGO_PROGRAMS; i++)
		HOLDS_ALWAYS(!s.of[i].value == !s.of[i].origin);
	cargo_settings_release(&s);
	free(given);
}
