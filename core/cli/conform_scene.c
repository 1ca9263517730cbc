/*
 * conform_scene: where a check takes place: a private directory, two sources
 * and what the bare compiler makes of them, an environment, and requests.
 *
 * A check may seal the arguments of its calls: they then lie in pages of their
 * own, which cannot be written to, and which are gone once the call has returned.
 */
#include "conform.h"

#include "config.h"
#include "exec.h"
#include "fs.h"
#include "path.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char origin[] = "plugin check";

enum { KVS_MAX = 600, FILE_MAX = 64 << 20, GUARD_BYTE = 0xa5 };

static const char unit_c[] = "#include \"unit.h\"\nint unit(int a) { return a * UNIT + 1; }\n";
static const char unit_h[] = "#define UNIT 41\n";
static const char bad_c[] = "int bad(void) { return no_such_name; }\n";

/* ---- guards -------------------------------------------------------------------------- */

void conform_guard_set(unsigned char guard[CONFORM_GUARD])
{
	memset(guard, GUARD_BYTE, CONFORM_GUARD);
}

bool conform_guard_holds(const unsigned char guard[CONFORM_GUARD])
{
	for (size_t i = 0; i < CONFORM_GUARD; i++)
		if (guard[i] != GUARD_BYTE)
			return false;
	return true;
}

/* ---- the scene --------------------------------------------------------------------------- */

static int write_sources(const char *dir, soldr_error *err)
{
	static const struct {
		const char *name, *text;
	} files[] = {{"unit.c", unit_c}, {"unit.h", unit_h}, {"bad.c", bad_c}};
	int rc = 0;
	for (size_t i = 0; i < sizeof files / sizeof *files && !rc; i++) {
		char *path = path_join(dir, files[i].name);
		rc = path ? fs_write_file(path, files[i].text, strlen(files[i].text), 0600, err) : SOLDR_E_NOMEM;
		free(path);
	}
	return rc;
}

static void make_env(struct vec *env, const char *path_list, const char *dir)
{
	vec_addf(env, "PATH=%s", path_list ? path_list : "/usr/local/bin:/usr/bin:/bin");
	vec_addf(env, "HOME=%s", dir);
	vec_addf(env, "TMPDIR=%s", dir);
	vec_add(env, "LC_ALL=C");
}

struct conform_argv conform_unit(const struct conform *c, const char *source, const char *object)
{
	(void)c;
	return (struct conform_argv){{"gcc", "-O1", "-MD", "-MF", "unit.d", "-c", source, "-o", object, NULL}};
}

static int32_t into_buf(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	(void)stream;
	buf_add(arg, data, (size_t)len);
	return 0;
}

static bool read_into(const char *dir, const char *name, struct buf *out)
{
	char *path = path_join(dir, name);
	bool good = path && fs_read_file(path, FILE_MAX, out, NULL) == 0;
	free(path);
	return good;
}

/* What the bare compiler gives. false: it cannot compile, so nothing can be compared. */
static bool ask_compiler(struct conform_scene *s, const char *work, const char *source, int *status, struct buf *messages)
{
	struct conform_argv argv = conform_unit(NULL, source, "unit.o");
	struct vec env = VEC_INIT;
	soldr_exit ex = {.struct_size = sizeof ex};
	make_env(&env, s->path_list, s->dir);
	const soldr_spawn sp = {.struct_size = sizeof sp, .flags = SOLDR_SPAWN_NO_STDIN, .file = s->compiler, .argv = argv.items,
		                    .envp = vec_items(&env), .cwd = work};
	const struct exec_sink sink = {.write = into_buf, .arg = messages, .stdout_fd = -1, .stderr_fd = -1};
	int rc = vec_ok(&env) ? exec_run(&sp, &sink, NULL, NULL, &ex, NULL) : SOLDR_E_NOMEM;
	vec_release(&env);
	*status = ex.exit_code;
	return rc == 0 && ex.signal == 0;
}

static void find_compiler(struct conform_scene *s, const char *work)
{
	static const char *const names[] = {"gcc", "cc", "clang"};
	int status = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names && !s->compiler; i++)
		s->compiler = path_find_program(names[i], s->path_list, work, NULL, NULL);
	bool works = s->compiler && ask_compiler(s, work, "unit.c", &status, &s->messages) && status == 0 &&
	             read_into(work, "unit.o", &s->object) && read_into(work, "unit.d", &s->depfile) &&
	             ask_compiler(s, work, "bad.c", &s->bad_status, &s->messages) && s->bad_status != 0;
	if (!works) {
		free(s->compiler);
		s->compiler = NULL;
	}
}

int conform_scene_open(struct conform_scene *s, const char *path_list, soldr_error *err)
{
	struct buf name = BUF_INIT;
	const char *tmp = getenv("TMPDIR");
	*s = (struct conform_scene){.path_list = path_list};
	buf_addf(&name, "%s/soldr-check.XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	char *made = buf_ok(&name) ? mkdtemp(name.data) : NULL, *real = made ? realpath(made, NULL) : NULL;
	buf_release(&name);
	if (!real)
		return err_set(err, SOLDR_E_IO, 0, origin, E679_CHECK_SCRATCH, tmp ? tmp : "/tmp");
	s->dir = real;
	char *work = path_join(s->dir, "bare");
	int rc = work ? fs_make_dirs(work, 0700, err) : SOLDR_E_NOMEM;
	if (!rc)
		rc = write_sources(work, err);
	if (!rc)
		find_compiler(s, work);
	free(work);
	if (rc)
		conform_scene_close(s);
	return rc;
}

void conform_scene_close(struct conform_scene *s)
{
	if (s->dir)
		(void)fs_remove_tree(s->dir, NULL, NULL, NULL);
	free(s->dir);
	free(s->compiler);
	buf_release(&s->object);
	buf_release(&s->depfile);
	buf_release(&s->messages);
	*s = (struct conform_scene){0};
}

int conform_enter(struct conform *c, size_t number)
{
	struct buf name = BUF_INIT;
	buf_addf(&name, "%s/%zu", c->scene->dir, number);
	c->work = path_join(buf_str(&name), "work");
	c->cache = path_join(buf_str(&name), "cache");
	make_env(&c->env, c->scene->path_list, buf_str(&name));
	conform_host_init(&c->host, c->newer);
	bool good = c->work && c->cache && vec_ok(&c->env) && fs_make_dirs(c->work, 0700, NULL) == 0 && write_sources(c->work, NULL) == 0 &&
	            chdir(c->work) == 0;
	buf_release(&name);
	return good ? 0 : conform_fail(c, "the check cannot make its files below %s", c->scene->dir);
}

bool conform_same(const struct conform *c, const char *name, const struct buf *want)
{
	struct buf got = BUF_INIT;
	bool same = read_into(c->work, name, &got) && got.len == want->len && memcmp(buf_str(&got), buf_str(want), want->len) == 0;
	buf_release(&got);
	return same;
}

void conform_remove(const struct conform *c, const char *name)
{
	char *path = path_join(c->work, name);
	if (path)
		(void)sys.unlink(path);
	free(path);
}

void conform_settle(const struct conform *c)
{
	struct stat first, now;
	char *tick = path_join(c->work, ".tick");
	bool going = tick && fs_write_file(tick, "", 0, 0600, NULL) == 0 && sys.stat(tick, &first) == 0;
	while (going && fs_write_file(tick, "", 0, 0600, NULL) == 0 && sys.stat(tick, &now) == 0)
		going = now.st_mtim.tv_sec == first.st_mtim.tv_sec && now.st_mtim.tv_nsec == first.st_mtim.tv_nsec;
	if (tick)
		(void)sys.unlink(tick);
	free(tick);
}

/* ---- sealed arguments -------------------------------------------------------------------- */

/* Pages of their own; at is NULL in the pass that only counts. */
struct seal {
	char *pages, *at;
	size_t size, used;
};

static void *seal_take(struct seal *s, const void *data, size_t len)
{
	size_t at = (s->used + 15) & ~(size_t)15;
	s->used = at + len;
	if (!s->pages)
		return NULL;
	memcpy(s->pages + at, data, len);
	return s->pages + at;
}

static const char *seal_text(struct seal *s, const char *text)
{
	return text ? seal_take(s, text, strlen(text) + 1) : NULL;
}

static const char *const *seal_list(struct seal *s, const char *const *list, uint32_t n)
{
	const char **copy = seal_take(s, list, (n + 1) * sizeof *list);
	for (uint32_t i = 0; i < n; i++) {
		const char *text = seal_text(s, list[i]);
		if (copy)
			copy[i] = text;
	}
	return copy;
}

static const soldr_request *seal_request(struct seal *s, const soldr_request *from)
{
	soldr_request *to = seal_take(s, from, sizeof *from), r = *from;
	r.argv = seal_list(s, from->argv, from->argc);
	r.envp = seal_list(s, from->envp, from->envc);
	r.compiler = seal_text(s, from->compiler);
	r.cwd = seal_text(s, from->cwd);
	if (to)
		*to = r;
	return to;
}

static const soldr_kv *seal_kvs(struct seal *s, const soldr_kv *from, uint32_t n)
{
	soldr_kv *kv = seal_take(s, from, n * sizeof *from);
	for (uint32_t i = 0; i < n; i++) {
		soldr_kv one = {seal_text(s, from[i].key), seal_text(s, from[i].value)};
		if (kv)
			kv[i] = one;
	}
	return kv;
}

/* Makes the pages for what the counting pass has counted. */
static bool seal_open(struct seal *s)
{
	s->size = s->used;
	s->used = 0;
	s->pages = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->pages == MAP_FAILED)
		s->pages = NULL;
	return s->pages;
}

static void seal_shut(struct seal *s, int protection)
{
	if (s->pages)
		mprotect(s->pages, s->size, protection);
}

/* ---- opening ------------------------------------------------------------------------------- */

struct kvs {
	soldr_kv items[KVS_MAX];
	uint32_t n;
	struct vec texts;
};

static void kvs_add(struct kvs *k, const char *key, const char *value)
{
	if (k->n == KVS_MAX)
		return;
	k->items[k->n++] = (soldr_kv){key, value};
}

static const soldr_option_spec *option_at(const struct plugin *p, size_t i)
{
	return (const soldr_option_spec *)(const void *)((const char *)p->backend.options + i * p->options_stride);
}

/* A value that a required option without one might have. */
static void make_up(struct conform *c, struct kvs *k, const soldr_option_spec *o)
{
	switch (o->type) {
	case SOLDR_OPT_BOOL:
		vec_add(&k->texts, "false");
		break;
	case SOLDR_OPT_INT:
	case SOLDR_OPT_SIZE:
	case SOLDR_OPT_DURATION:
		vec_addf(&k->texts, "%lld", (long long)(o->min || o->max ? o->min : 1));
		break;
	case SOLDR_OPT_ENUM:
		vec_addn(&k->texts, o->choices, strcspn(o->choices, "|"));
		break;
	case SOLDR_OPT_PATH:
		vec_addf(&k->texts, "%s/%s", c->work, o->name);
		break;
	default:
		vec_add(&k->texts, "value");
	}
}

/* "1GiB", "30d": as the host would deliver it, in bytes or nanoseconds. */
static void add_quantity(struct kvs *k, const soldr_option_spec *o)
{
	uint64_t number = 0;
	int rc = o->type == SOLDR_OPT_SIZE ? config_parse_size(o->default_value, &number) : config_parse_duration(o->default_value, &number);
	if (rc == 0)
		vec_addf(&k->texts, "%llu", (unsigned long long)number);
	else
		vec_add(&k->texts, o->default_value);
}

static bool is_given(const struct conform *c, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < c->plan->given->len; i++)
		if (strncmp(c->plan->given->items[i], name, n) == 0 && strchr("=.", c->plan->given->items[i][n]))
			return true;
	return false;
}

static void add_defaults(struct conform *c, struct kvs *k)
{
	for (size_t i = 0; c->plugin.options_stride; i++) {
		const soldr_option_spec *o = option_at(&c->plugin, i);
		if (!o->name)
			break;
		bool is_path = o->type == SOLDR_OPT_PATH; /* what the user has at its default is not for a check */
		if (is_given(c, o->name) || (!o->default_value && !is_path && !(o->flags & SOLDR_OPTION_REQUIRED)))
			continue;
		if (!o->default_value || is_path)
			make_up(c, k, o);
		else if (o->type == SOLDR_OPT_SIZE || o->type == SOLDR_OPT_DURATION)
			add_quantity(k, o);
		else
			vec_add(&k->texts, o->default_value);
		kvs_add(k, o->name, k->texts.len ? k->texts.items[k->texts.len - 1] : "");
	}
}

static void add_given(struct conform *c, struct kvs *k)
{
	for (size_t i = 0; i < c->plan->given->len; i++) {
		const char *text = c->plan->given->items[i], *value = strchr(text, '=');
		vec_addn(&k->texts, text, (size_t)(value - text));
		kvs_add(k, k->texts.len ? k->texts.items[k->texts.len - 1] : "", value + 1);
	}
}

int32_t conform_try_open(struct conform *c, const soldr_kv *extra, soldr_instance **out, soldr_error *err)
{
	struct kvs *k = calloc(1, sizeof *k);
	struct seal seal = {0};
	if (!k)
		return SOLDR_E_NOMEM;
	if (extra) /* first: backends take the first of a key */
		kvs_add(k, extra->key, extra->value);
	add_defaults(c, k);
	add_given(c, k);
	kvs_add(k, "host.cache_root", c->cache);
	kvs_add(k, "host.readonly", c->readonly ? "true" : "false");
	kvs_add(k, "host.path_remap", "off");
	kvs_add(k, "host.verify_percent", "0");
	kvs_add(k, "host.redact", "true");
	const soldr_kv *kv = k->items;
	if (c->sealed) {
		seal_kvs(&seal, k->items, k->n);
		kv = seal_open(&seal) ? seal_kvs(&seal, k->items, k->n) : kv;
		seal_shut(&seal, PROT_READ);
	}
	conform_doing(c, "open()");
	int32_t rc = c->plugin.backend.open(&c->host.host.table, kv, k->n, out, err);
	conform_doing(c, "the check");
	seal_shut(&seal, PROT_NONE);
	vec_release(&k->texts);
	free(k);
	return rc;
}

int conform_open(struct conform *c, soldr_instance **out)
{
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_instance *instance = NULL;
	int32_t rc = conform_try_open(c, NULL, &instance, &err);
	if (rc)
		return conform_fail(c, "open() gave %d: %.300s; give it what it needs as OPTION=VALUE behind its name", rc, err.message);
	if (!instance)
		return conform_fail(c, "open() gave success and no instance");
	*out = instance;
	return 0;
}

void conform_close(struct conform *c, soldr_instance *instance)
{
	conform_doing(c, "close()");
	c->plugin.backend.close(instance);
	conform_doing(c, "the check");
}

/* ---- requests --------------------------------------------------------------------------------- */

static uint32_t count(const char *const *list)
{
	uint32_t n = 0;
	while (list[n])
		n++;
	return n;
}

void conform_call_init(struct conform *c, struct conform_call *call, const char *const *argv)
{
	*call = (struct conform_call){
		.request = {
			.struct_size = sizeof call->request,
			.flags = c->flags | (c->readonly ? SOLDR_REQUEST_READONLY : 0u),
			.argc = count(argv),
			.envc = (uint32_t)c->env.len,
			.argv = argv,
			.envp = vec_items(&c->env),
			.compiler = c->scene->compiler,
			.cwd = c->work,
		},
		.result.value.struct_size = sizeof(soldr_result),
		.error.value.struct_size = sizeof(soldr_error),
	};
	conform_guard_set(call->result.guard);
	conform_guard_set(call->error.guard);
	if (c->newer) { /* members that a plugin of today does not know */
		call->result.value.struct_size += 32;
		call->error.value.struct_size += 32;
		call->request.struct_size += 32;
	}
}

void conform_call_release(struct conform_call *call)
{
	buf_release(&call->streams[0]);
	buf_release(&call->streams[1]);
}

/* Where the host finds it; CONFORM_CALLS: there are too many. */
static size_t enter(struct conform_host *h, struct conform_call *call)
{
	size_t at = 0;
	pthread_mutex_lock(&h->lock);
	call->request.id = ++h->next_id;
	while (at < CONFORM_CALLS && h->calls[at])
		at++;
	if (at < CONFORM_CALLS)
		h->calls[at] = call;
	pthread_mutex_unlock(&h->lock);
	return at;
}

static void leave(struct conform_host *h, size_t at)
{
	pthread_mutex_lock(&h->lock);
	h->calls[at] = NULL;
	pthread_mutex_unlock(&h->lock);
}

int32_t conform_compile(struct conform *c, soldr_instance *instance, struct conform_call *call)
{
	struct {
		soldr_request value;
		unsigned char more[CONFORM_GUARD];
	} longer;
	struct seal seal = {0};
	size_t at = enter(&c->host, call);
	if (at == CONFORM_CALLS)
		return err_set(&call->error.value, SOLDR_E_LIMIT, 0, origin, E680_CHECK_MANY);
	longer.value = call->request;
	conform_guard_set(longer.more);
	const soldr_request *request = &longer.value;
	if (c->sealed) {
		seal_request(&seal, request);
		request = seal_open(&seal) ? seal_request(&seal, request) : request;
		seal_shut(&seal, PROT_READ);
	}
	conform_doing(c, "compile()");
	int32_t rc = c->plugin.backend.compile(instance, request, &call->result.value, &call->error.value);
	conform_doing(c, "the check");
	seal_shut(&seal, PROT_NONE);
	leave(&c->host, at);
	return rc;
}

const char *conform_error_fault(const soldr_error *err, int32_t rc)
{
	size_t origin_len = strnlen(err->origin, sizeof err->origin), len = strnlen(err->message, sizeof err->message);
	if (rc < SOLDR_OK || rc > SOLDR_E_INTERNAL)
		return "is none of the SOLDR_E_* codes";
	if (err->code != rc)
		return "is not the code in the error";
	if (origin_len == sizeof err->origin || len == sizeof err->message)
		return "came with a text that has no NUL at its end";
	if (!origin_len)
		return "came without an origin";
	return len ? NULL : "came without a message";
}
