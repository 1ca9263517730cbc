/*
 * front: see front.h. The list is what `libtool -dlpreopen` would have made of
 * the plugins: for each an archive's name, and behind it the names that are
 * looked up in it.
 */
#include "front.h"

#include "exec.h"
#include "loader.h"
#include "path.h"

#include <ltdl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "front", host_name[] = "soldr-host";

typedef const soldr_backend *entry_fn(uint32_t host_abi, soldr_error *);

extern entry_fn embedded_LTX_soldr_backend_v1, wrapped_LTX_soldr_backend_v1, null_LTX_soldr_backend_v1;

/* ISO C has no such conversion, POSIX (dlsym) has. */
#define ADDRESS(function) __extension__(void *)(function)

const lt_dlsymlist lt_preloaded_symbols[] = {
	{"@PROGRAM@", NULL},
	{"embedded.a", NULL},
	{"embedded_LTX_soldr_backend_v1", ADDRESS(embedded_LTX_soldr_backend_v1)},
	{"wrapped.a", NULL},
	{"wrapped_LTX_soldr_backend_v1", ADDRESS(wrapped_LTX_soldr_backend_v1)},
	{"null.a", NULL},
	{"null_LTX_soldr_backend_v1", ADDRESS(null_LTX_soldr_backend_v1)},
	{NULL, NULL},
};

void front_preopen(void)
{
	LTDL_SET_PRELOADED_SYMBOLS();
}

/* What is not found at all is for the one that loads it to complain about. */
static bool is_held(const struct config *config, const struct config_backend *backend)
{
	char *path = NULL;
	bool is_file = plugin_find(backend->plugin, vec_items(&config->plugin_path), &path, NULL) == 0 && *path == '/';
	free(path);
	return !is_file;
}

static bool holds_what_is_needed(const struct config *config, bool all)
{
	const struct config_backend *selected = config_backend_find(config, config->backend, NULL);
	bool held = !selected || is_held(config, selected);
	for (size_t i = 0; all && held && i < config->backend_count; i++)
		held = is_held(config, &config->backends[i]);
	return held;
}

bool front_loads_file(const struct config *config)
{
	const struct config_backend *selected = program_is_static ? NULL : config_backend_find(config, config->backend, NULL);
	return selected && !is_held(config, selected);
}

/* The file called name beside this program, malloc'ed. */
static char *beside(const char *name)
{
	char *self = path_self(), *dir = self ? path_dir(self) : NULL, *path = dir ? path_join(dir, name) : NULL;
	free(dir);
	free(self);
	return path;
}

int front_become_host(const struct cli *cli, soldr_error *err)
{
	if (!program_is_static)
		return 0;
	char *host = beside(host_name);
	const soldr_spawn spawn = {
		.struct_size = sizeof spawn,
		.file = host,
		.argv = (const char *const *)cli->given,
		.envp = cli->envp,
	};
	int rc = host ? exec_replace(&spawn, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	err_prefix(err, "a plugin that is a file needs %s beside soldr: install it again", host_name);
	free(host);
	return rc;
}

int front_give_way(const struct cli *cli, const struct config *config, bool all, soldr_error *err)
{
	return !program_is_static || holds_what_is_needed(config, all) ? 0 : front_become_host(cli, err);
}

char *front_executable(void)
{
	char *self = path_self();
	char *front = self && strcmp(path_base(self), host_name) == 0 ? beside("soldr") : NULL;
	if (!front || access(front, X_OK) != 0) {
		free(front);
		return self;
	}
	free(self);
	return front;
}
