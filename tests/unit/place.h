/*
 * place: one service with its own home, config, compiler and cache, for the
 * tests of libsoldr. Each plugin is copied into a private directory, as in
 * test_loader.c. "Compilers" are shell scripts that note each run in a file.
 */
#ifndef SOLDR_TESTS_PLACE_H
#define SOLDR_TESTS_PLACE_H

#include "room.h"
#include "service_internal.h"

#include <soldr/service.h>

struct place {
	struct room room;
	struct vec env;
	const char *compiler;
	soldr_service *service;
	soldr_error err;
	soldr_result result;
	struct buf out[2]; /* of the last compile: stdout, stderr */
};

/* Loading looks at owner and mode of the file and all above it: it is copied into the room. variable: names its directory. */
static inline void place_copy_plugin(struct place *p, const char *variable, const char *name)
{
	const char *dir = getenv(variable);
	struct buf from = BUF_INIT, data = BUF_INIT;
	buf_addf(&from, "%s/%s.so", dir ? dir : variable, name);
	if (fs_read_file(buf_str(&from), 64 << 20, &data, &p->err) != 0) {
		fprintf(stderr, "\n%s\n", p->err.message);
		CU_FAIL_FATAL("the plugin cannot be read");
	}
	buf_clear(&from);
	buf_addf(&from, "%s.so", name);
	chmod(room_put_bytes(&p->room, buf_str(&from), data.data, data.len), 0755);
	buf_release(&from);
	buf_release(&data);
}

static inline void place_init_from(struct place *p, const char *variable, const char *plugin, const char *options, const char *more)
{
	*p = (struct place){.err = SOLDR_ERROR_INIT};
	room_init(&p->room, "service");
	place_copy_plugin(p, variable, plugin);
	struct buf yaml = BUF_INIT;
	buf_addf(&yaml, "version: 1\nbackend: fx\nbackends:\n  fx: {plugin: %s/%s.so%s}\n%s", p->room.dir, plugin, options, more);
	room_put(&p->room, "soldr.yaml", buf_str(&yaml));
	buf_release(&yaml);
	vec_addf(&p->env, "HOME=%s", p->room.dir);
	vec_addf(&p->env, "SOLDR_CONFIG=%s/soldr.yaml", p->room.dir);
	vec_addf(&p->env, "SOLDR_CACHE_DIR=%s/cache", p->room.dir);
	vec_addf(&p->env, "PATH=%s:/usr/bin:/bin", p->room.dir);
	/* Says its arguments on both streams and ends with the last one. */
	p->compiler = room_put_program(&p->room, "fakecc",
	                               "#!/bin/sh\necho ran >> \"$HOME/runs\"\necho \"out $*\"\necho \"err $*\" >&2\nexit $2\n");
}

/* plugin: a fixture. more: further lines of the config. */
static inline void place_init(struct place *p, const char *plugin, const char *options, const char *more)
{
	place_init_from(p, "SOLDR_TEST_FIXTURES", plugin, options, more);
}

/* With the embedded backend. */
static inline void place_init_embedded(struct place *p, const char *options, const char *more)
{
	place_init_from(p, "SOLDR_TEST_PLUGINS", "embedded", options, more);
}

/* given: what is said besides environment and directory. */
static inline int place_start_with(struct place *p, soldr_service_config config)
{
	config.envp = vec_items(&p->env);
	config.cwd = p->room.dir;
	p->err = SOLDR_ERROR_INIT;
	return soldr_service_start(&config, &p->service, &p->err);
}

static inline int place_start(struct place *p)
{
	return place_start_with(p, (soldr_service_config)SOLDR_SERVICE_CONFIG_INIT);
}

static inline void place_release(struct place *p)
{
	soldr_service_free(p->service);
	buf_release(&p->out[0]);
	buf_release(&p->out[1]);
	vec_release(&p->env);
	room_release(&p->room);
}

static inline int32_t collect(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct place *p = arg;
	CU_ASSERT(stream == SOLDR_STDOUT || stream == SOLDR_STDERR);
	buf_add(&p->out[stream == SOLDR_STDERR], data, (size_t)len);
	return 0;
}

/* request: without struct_size. */
static inline int compile_request(struct place *p, soldr_compile_request request)
{
	request.struct_size = sizeof request;
	buf_clear(&p->out[0]);
	buf_clear(&p->out[1]);
	p->err = SOLDR_ERROR_INIT;
	p->result = (soldr_result){.struct_size = sizeof p->result};
	return soldr_service_compile_streaming(p->service, &request, collect, p, &p->result, &p->err);
}

static inline int compile(struct place *p, const char *const *argv)
{
	return compile_request(p, (soldr_compile_request){.argv = argv});
}

static inline void expect_runs(struct place *p, size_t runs)
{
	struct buf b = room_get(&p->room, "runs");
	SAME_NUMBER(b.len, runs * strlen("ran\n"));
	buf_release(&b);
}

/* Compiles once with status 3; the user sees just what the compiler gives. */
static inline void expect_compile(struct place *p, uint32_t outcome, const char *reason)
{
	SAME_NUMBER(compile(p, (const char *const[]){p->compiler, "-c", "3", NULL}), 0);
	SAME_NUMBER(p->result.outcome, outcome);
	SAME_NUMBER(p->result.exit_code, 3);
	SAME_NUMBER(p->result.signal, 0);
	SAME(p->result.reason, reason);
	SAME(buf_str(&p->out[0]), "out -c 3\n");
	SAME(buf_str(&p->out[1]), "err -c 3\n");
}

struct wanted {
	const char *name;
	uint64_t value;
	unsigned seen;
};

static inline void on_stat(void *arg, const soldr_stat *stat)
{
	struct wanted *w = arg;
	CU_ASSERT(stat->struct_size == sizeof *stat);
	if (strcmp(stat->name, w->name) == 0) {
		w->value = stat->value;
		w->seen++;
	}
}

static inline void expect_stat(struct place *p, const char *name, uint64_t value)
{
	struct wanted w = {.name = name};
	SAME_NUMBER(soldr_service_stats(p->service, on_stat, &w, &p->err), 0);
	SAME_NUMBER(w.seen, 1);
	if (w.value != value)
		fprintf(stderr, "\nstatistic %s\n", name);
	SAME_NUMBER(w.value, value);
}

#endif
