/*
 * config_place: a directory of its own for one test of the config module, with
 * HOME in it, and the config that the test loads there. Included by the
 * test_config*.c files alone.
 */
#ifndef SOLDR_TESTS_CONFIG_PLACE_H
#define SOLDR_TESTS_CONFIG_PLACE_H

#include "config.h"
#include "fs.h"
#include "path.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char *dir;  /* also HOME and the working directory */
	char *file; /* dir/soldr.yaml */
	struct vec env;
	struct config cfg;
	soldr_error err;
};

static inline void place_init(struct place *p)
{
	const char *base = getenv("TMPDIR");
	struct buf b = BUF_INIT;
	*p = (struct place){.err = SOLDR_ERROR_INIT};
	buf_addf(&b, "%s/soldr-config.XXXXXX", base && *base ? base : "/tmp");
	p->dir = buf_detach(&b);
	if (!p->dir || !mkdtemp(p->dir))
		CU_FAIL_FATAL("cannot make a directory");
	p->file = path_join(p->dir, "soldr.yaml");
	vec_addf(&p->env, "HOME=%s", p->dir);
}

static inline void place_release(struct place *p)
{
	config_release(&p->cfg);
	CU_ASSERT_EQUAL(fs_remove_tree(p->dir, NULL, NULL, NULL), 0);
	vec_release(&p->env);
	free(p->file);
	free(p->dir);
}

static inline char *write_at(const struct place *p, const char *name, const char *text)
{
	char *path = path_join(p->dir, name), *dir = path_dir(path);
	CU_ASSERT_EQUAL_FATAL(fs_make_dirs(dir, 0755, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(fs_write_file(path, text, strlen(text), 0644, NULL), 0);
	CU_ASSERT_EQUAL(chmod(path, 0644), 0);
	free(dir);
	return path;
}

static inline void put(const struct place *p, const char *name, const char *text)
{
	free(write_at(p, name, text));
}

/* Loads with overrides; the config of the last load is released first. */
static inline int load_with(struct place *p, const struct config_overrides *over)
{
	config_release(&p->cfg);
	p->err = SOLDR_ERROR_INIT;
	return config_load(&p->cfg, over, vec_items(&p->env), p->dir, &p->err);
}

static inline int load_bytes(struct place *p, const void *text, size_t len)
{
	struct config_overrides over = {.file = p->file};
	CU_ASSERT_EQUAL_FATAL(fs_write_file(p->file, text, len, 0644, NULL), 0);
	return load_with(p, &over);
}

static inline int load_text(struct place *p, const char *text)
{
	return load_bytes(p, text, strlen(text));
}

static inline void same(const char *actual, const char *expected)
{
	if (!actual || strcmp(actual, expected) != 0)
		fprintf(stderr, "\n  expected \"%s\"\n  actual   \"%s\"\n", expected, actual ? actual : "(null)");
	CU_ASSERT_TRUE(actual && strcmp(actual, expected) == 0);
}

static inline void holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fprintf(stderr, "\n  expected \"…%s…\"\n  actual   \"%s\"\n", part, text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
}

struct seen {
	const char *key; /* wanted */
	char value[200];
	struct config_source source;
	size_t count;
	struct buf all;
};

static inline void on_setting(void *arg, const char *key, const char *value, const struct config_source *source, const char *help)
{
	struct seen *s = arg;
	CU_ASSERT_PTR_NOT_NULL(help);
	s->count++;
	buf_addf(&s->all, "%s=%s\n", key, value);
	if (s->key && strcmp(s->key, key) == 0) {
		snprintf(s->value, sizeof s->value, "%s", value);
		s->source = *source;
	}
}

static inline struct seen look(const struct place *p, const char *key)
{
	struct seen s = {.key = key};
	config_visit(&p->cfg, on_setting, &s);
	buf_release(&s.all);
	return s;
}

#endif
