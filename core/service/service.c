/*
 * service: the life cycle of one open backend, and the public API around it.
 *
 * host_start() is the one way in: soldr_service_start() only loads a config
 * first. A backend that cannot be opened through no fault of the user leaves a
 * service that runs every compile bare, so that a build never breaks.
 */
#include "service_internal.h"

#include "fs.h"
#include "journal.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char origin[] = "service";

const char *soldr_version(void)
{
	return SOLDR_VERSION;
}

char *host_counters_file(const struct config *c, const char *backend)
{
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s/counters/%s", c->cache_root, backend);
	return buf_detach(&b);
}

struct counters *service_run_counters(const struct config *c)
{
	struct counters *run = NULL;
	struct buf b = BUF_INIT;
	struct stat st;
	if (c->readonly || !c->run_id || strchr(c->run_id, '/') || c->run_id[0] == '.')
		return NULL;
	buf_addf(&b, "%s/runs/%s", c->cache_root, c->run_id);
	if (buf_ok(&b) && sys.stat(b.data, &st) == 0) {
		buf_adds(&b, "/counters");
		if (buf_ok(&b))
			run = counters_open(b.data, NULL);
	}
	buf_release(&b);
	return run;
}

static void open_counters(soldr_service *s)
{
	const struct config *c = s->config;
	char *file = c->readonly ? NULL : host_counters_file(c, c->backend);
	if (file)
		s->total = counters_open(file, NULL);
	free(file);
	s->run = service_run_counters(c);
}

/* The cache root exists and is ours alone. */
static int prepare_root(const struct config *c, soldr_error *err)
{
	int rc = fs_check_private_dir(c->cache_root, err);
	if (rc != SOLDR_E_NOT_FOUND || c->readonly)
		return rc == SOLDR_E_NOT_FOUND ? 0 : rc;
	rc = fs_make_dirs(c->cache_root, 0700, err);
	return rc ? rc : fs_check_private_dir(c->cache_root, err);
}

static int load_plugin(soldr_service *s, struct config_kvs *kvs, soldr_error *err)
{
	const struct config *c = s->config;
	const struct config_backend *b = config_backend_find(c, c->backend, err);
	char *path = NULL;
	if (!b)
		return err->code;
	int rc = plugin_find(b->plugin, vec_items(&c->plugin_path), &path, err);
	if (!rc)
		rc = plugin_load(path, &s->plugin, err);
	if (rc && b->source.file && b->source.line)
		err_prefix(err, "%s:%d:%d: backends.%s.plugin", b->source.file, b->source.line, b->source.column, b->name);
	if (!rc)
		rc = config_backend_options(b, s->plugin.backend.options, kvs, err);
	free(path);
	return rc;
}

/* What the user takes for a secret, for what a backend writes down. */
static int add_redaction(const struct config *c, struct config_kvs *kvs)
{
	int rc = config_kvs_add(kvs, "host.redact", c->redaction ? "true" : "false");
	for (size_t i = 0; i < c->redaction_deny.len && !rc; i++)
		rc = config_kvs_add(kvs, "host.redact_deny", c->redaction_deny.items[i]);
	for (size_t i = 0; i < c->redaction_allow.len && !rc; i++)
		rc = config_kvs_add(kvs, "host.redact_allow", c->redaction_allow.items[i]);
	return rc;
}

static int open_backend(soldr_service *s, struct config_kvs *kvs, soldr_error *err)
{
	const struct config *c = s->config;
	char percent[24], budget[24];
	snprintf(percent, sizeof percent, "%lld", (long long)c->verify_percent);
	snprintf(budget, sizeof budget, "%llu", (unsigned long long)s->embedder.disk_budget);
	if (config_kvs_add(kvs, "host.cache_root", c->cache_root) != 0 ||
	    config_kvs_add(kvs, "host.readonly", c->readonly ? "true" : "false") != 0 ||
	    config_kvs_add(kvs, "host.path_remap", c->path_remap == PATH_REMAP_AUTO ? "auto" : "off") != 0 ||
	    config_kvs_add(kvs, "host.audit_mode", audit_mode_name(sink_wanted(c) ? c->audit_mode : AUDIT_OFF)) != 0 ||
	    config_kvs_add(kvs, "host.verify_percent", percent) != 0 || add_redaction(c, kvs) != 0 ||
	    config_kvs_add(kvs, "host.maintenance", s->embedder.maintains ? "host" : "service") != 0 ||
	    (s->embedder.disk_budget && config_kvs_add(kvs, "host.disk_budget", budget) != 0) ||
	    (c->worktree_root && config_kvs_add(kvs, "host.worktree_root", c->worktree_root) != 0))
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	soldr_instance *instance = NULL;
	service_at(s, "open");
	int rc = s->plugin.backend.open(&s->host, kvs->items, (uint32_t)kvs->len, &instance, err);
	service_at(s, NULL);
	if (!rc && !instance)
		rc = err_set(err, SOLDR_E_ABI, 0, origin, E418_NO_INSTANCE, s->plugin.backend.name);
	if (!rc)
		s->instance = instance;
	return rc;
}

bool service_falls_back(const struct config *c, int code)
{
	if (config_given(c, "on_error"))
		return c->on_error == ON_ERROR_FALLBACK;
	return code != SOLDR_E_CONFIG && code != SOLDR_E_NOT_FOUND && code != SOLDR_E_ABI && code != SOLDR_E_TRUST;
}

static enum config_priority priority_of(const soldr_service *s)
{
	static const enum config_priority priorities[] = {
		[SOLDR_PRIORITY_AUTO] = PRIORITY_AUTO, [SOLDR_PRIORITY_NORMAL] = PRIORITY_NORMAL,
		[SOLDR_PRIORITY_LOW] = PRIORITY_LOW, [SOLDR_PRIORITY_IDLE] = PRIORITY_IDLE,
	};
	uint32_t given = s->embedder.limits.priority;
	return given ? priorities[given] : s->config->priority;
}

int host_start(const struct host_options *o, soldr_service **out, soldr_error *err)
{
	soldr_error local = SOLDR_ERROR_INIT;
	if (!err)
		err = &local;
	soldr_service *s = calloc(1, sizeof *s);
	if (!s || drain_init(&s->drain) != 0) {
		free(s);
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	}
	s->config = o->config;
	s->envp = o->envp;
	s->may_replace = o->may_replace;
	s->watch = o->watch;
	s->progress = o->progress;
	s->crash = o->crash;
	s->said = o->said;
	s->said_arg = o->said_arg;
	if (o->embedder)
		s->embedder = *o->embedder;
	s->priority = priority_of(s);
	pthread_mutex_init(&s->call_lock, NULL);
	pthread_mutex_init(&s->audit_lock, NULL);
	s->kept[0] = s->kept[1] = SINK_KEEP_INIT;
	s->cwd = strdup(o->cwd);
	log_init(&s->log, s->config);
	host_api_init(s);

	struct config_kvs kvs = {0};
	soldr_error unusable = SOLDR_ERROR_INIT;
	enum soldr_reason reason = SOLDR_REASON_PLUGIN_REFUSED;
	int root = prepare_root(s->config, &unusable);
	bool memory = s->cwd && permits_init(&s->permits, s->config) == 0;
	int rc = memory ? permits_override(&s->permits, &s->embedder.limits, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (root || s->config->readonly) /* no file for permits is made there */
		s->permits.max = 0;
	if (!rc && o->crash) {
		reason = SOLDR_REASON_BACKEND_CRASHED;
		rc = err_set(err, SOLDR_E_INTERNAL, 0, origin, E419_BACKEND_CRASHED, s->config->backend,
		             o->crash->text);
	} else if (!rc) {
		rc = load_plugin(s, &kvs, err);
	}
	/* A name that is no backend is a mistake in the config itself, which no on_error excuses. */
	bool can_go_on = rc && config_backend_find(s->config, s->config->backend, NULL) && service_falls_back(s->config, rc);
	if (!rc && root) {
		reason = SOLDR_REASON_CACHE_UNUSABLE;
		*err = unusable;
		rc = root;
		/* An unsafe or unwritable cache never stops a build unless it was asked to. */
		can_go_on = s->config->on_error == ON_ERROR_FALLBACK;
	}
	if (!rc) {
		reason = SOLDR_REASON_BACKEND_OPEN_FAILED;
		rc = open_backend(s, &kvs, err);
		can_go_on = rc && service_falls_back(s->config, rc);
	}
	if (root && sink_wanted(s->config) && s->config->sink_policy == SINK_FAIL_LOSSLESS) {
		*err = unusable;
		rc = root;
		can_go_on = false;
	}
	s->journal = !root && sink_wanted(s->config);
	audit_init(&s->audit, s->config, s->journal);
	if (o->embedder) { /* it lives long */
		s->keep_journal = &s->kept[0];
		s->audit.keep = &s->kept[1];
	}
	if (root)
		log_forget_faults(&s->log); /* what is not safely ours is not written to, not even to say so */
	else
		open_counters(s);
	if (rc && can_go_on) {
		snprintf(s->fault_reason, sizeof s->fault_reason, "%s", reason_name(reason));
		service_log(s, SOLDR_LOG_WARN, err->origin, "%s", err->message);
		rc = 0;
	}
	config_kvs_release(&kvs);
	if (rc) {
		soldr_service_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

const struct plugin *host_plugin(const soldr_service *s)
{
	return s->instance ? &s->plugin : NULL;
}

static uint32_t flags_of(const struct config *c)
{
	return (c->readonly ? SOLDR_REQUEST_READONLY : 0u) | (c->recache ? SOLDR_REQUEST_RECACHE : 0u);
}

static uint32_t count(const char *const *list)
{
	uint32_t n = 0;
	while (list[n])
		n++;
	return n;
}

void service_request(soldr_service *s, soldr_request *req, const char *const *argv, const char *const *envp)
{
	*req = (soldr_request){
		.struct_size = sizeof *req,
		.flags = flags_of(s->config),
		.id = drain_next_id(&s->drain),
		.argc = count(argv),
		.envc = count(envp),
		.argv = argv,
		.envp = envp,
	};
}

/* Whether a write to it is bound to fail. What a compiler does then is its own affair. */
static bool is_deaf(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};
	struct stat st, null;
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return true;
	if (sys.fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode))
		return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLNVAL));
	return sys.stat("/dev/null", &null) != 0 || st.st_rdev != null.st_rdev; /* /dev/full, and what nobody knows */
}

/* A standard stream that main found closed is held by a close-on-exec descriptor, which the child does not get. */
static uint32_t kind_of_fd(int fd)
{
	int flags = fcntl(fd, F_GETFD);
	if (flags < 0 || (flags & FD_CLOEXEC))
		return SOLDR_FD_CLOSED;
	if (isatty(fd))
		return SOLDR_FD_TTY;
	return is_deaf(fd) ? SOLDR_FD_CLOSED : SOLDR_FD_OTHER;
}

/*
 * Writes to our own stdout or stderr. SIGPIPE is held back for the write, so
 * that a reader that went away ends the compiler's stream and not us.
 */
static int32_t write_stdio(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	sigset_t pipe_only, before, waiting;
	(void)arg;
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&waiting);
	bool was_waiting = sigismember(&waiting, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	int why = fs_write_all(stream == SOLDR_STDOUT ? 1 : 2, data, (size_t)len);
	if (why == EPIPE && !was_waiting) {
		struct timespec none = {0};
		sigtimedwait(&pipe_only, NULL, &none);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* GCC goes on where its messages meet a full disk. */
	return why == ENOSPC || why == EDQUOT || why == EFBIG || why == EIO ? EXEC_SINK_LOST : why;
}

int host_compile(soldr_service *s, const char *const *argv, const char *compiler, soldr_result *r, soldr_error *err)
{
	soldr_request req;
	struct winsize size;
	service_request(s, &req, argv, s->envp);
	req.compiler = compiler;
	req.cwd = s->cwd;
	req.stdin_kind = kind_of_fd(0);
	req.stdout_kind = kind_of_fd(1);
	req.stderr_kind = kind_of_fd(2);
	if (req.stderr_kind == SOLDR_FD_TTY && ioctl(2, TIOCGWINSZ, &size) == 0)
		req.columns = size.ws_col;
	struct active a = {
		.request = &req,
		.sink = {
			.write = write_stdio,
			.stdout_kind = req.stdout_kind,
			.stderr_kind = req.stderr_kind,
			.stdout_fd = 1,
			.stderr_fd = 2,
		},
		.to_stdio = true,
	};
	return dispatch(s, &a, r, err);
}

void service_at(const soldr_service *s, const char *where)
{
	if (s->progress)
		s->progress->where = where;
}

void service_enter(soldr_service *s)
{
	if (!(s->plugin.backend.caps & SOLDR_CAP_CONCURRENT))
		pthread_mutex_lock(&s->call_lock);
}

int service_enter_for(soldr_service *s, const struct active *a)
{
	enum { STEP_NS = 100 * 1000 * 1000 };
	int code = 0;
	if (s->plugin.backend.caps & SOLDR_CAP_CONCURRENT)
		return 0;
	while (!code && pthread_mutex_trylock(&s->call_lock) != 0) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += STEP_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_mutex_timedlock(&s->call_lock, &until) == 0)
			break;
		code = active_stop_code(a);
	}
	return code;
}

int service_leave(soldr_service *s, int rc)
{
	if (!(s->plugin.backend.caps & SOLDR_CAP_CONCURRENT))
		pthread_mutex_unlock(&s->call_lock);
	return rc;
}

int32_t soldr_service_stats(soldr_service *s, soldr_stat_fn visit, void *arg, soldr_error *err)
{
	struct counter_totals t;
	char *file = host_counters_file(s->config, s->config->backend);
	int rc = file ? counters_read(file, &t, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	free(file);
	if (rc)
		return rc;
	const soldr_stat own[] = {
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "compilations", t.compilations},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "hits", t.hits},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "misses", t.misses},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "non_cacheable", t.non_cacheable},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "passthrough", t.passthrough},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "fallbacks", t.fallbacks},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "errors", t.errors},
		{sizeof(soldr_stat), SOLDR_UNIT_NS, "time_saved_ns", t.time_saved_ns},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "max_parallel_compiles", s->permits.max},
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "parallel_compiles", permits_held(s->config, s->permits.max)},
	};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		visit(arg, &own[i]);
	if (s->instance && s->plugin.backend.stats) {
		service_enter(s);
		rc = service_leave(s, s->plugin.backend.stats(s->instance, visit, arg, err));
	}
	return rc;
}

static int not_offered(const soldr_service *s, const char *what, soldr_error *err)
{
	return err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E420_NOT_OFFERED, s->config->backend, what);
}

int32_t soldr_service_maintain(soldr_service *s, uint32_t kind, soldr_report *report, soldr_error *err)
{
	if (!s->instance || !s->plugin.backend.maintain)
		return not_offered(s, "maintenance of a store", err);
	service_enter(s);
	return service_leave(s, s->plugin.backend.maintain(s->instance, kind, report, err));
}

int host_explain(soldr_service *s, const soldr_request *req, soldr_explain_fn visit, void *arg, soldr_error *err)
{
	if (!s->instance || !s->plugin.backend.explain)
		return not_offered(s, "explanations", err);
	service_enter(s);
	return service_leave(s, s->plugin.backend.explain(s->instance, req, visit, arg, err));
}

void soldr_service_free(soldr_service *s)
{
	if (!s)
		return;
	if (s->config_owned) /* the soldr command is done with it all by now */
		(void)soldr_service_shutdown(s, SOLDR_SHUTDOWN_GRACEFUL, 0, NULL, NULL, NULL);
	if (s->instance) {
		service_at(s, "close");
		s->plugin.backend.close(s->instance);
		service_at(s, NULL);
	}
	plugin_unload(&s->plugin);
	counters_close(s->total);
	counters_close(s->run);
	log_release(&s->log);
	permits_release(&s->permits);
	pthread_mutex_destroy(&s->call_lock);
	pthread_mutex_destroy(&s->audit_lock);
	drain_release(&s->drain);
	sink_keep_release(&s->kept[0]);
	sink_keep_release(&s->kept[1]);
	free(s->cwd);
	vec_release(&s->own_envp);
	if (s->config_owned)
		config_release(&s->own_config);
	free(s);
}
