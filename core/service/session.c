/*
 * session: the run directory, its summary, and the shims. See session.h.
 *
 * Nothing here is needed for a right build: callers go on without a session
 * when it cannot be opened.
 */
#include "session.h"

#include "clock.h"
#include "digest.h"
#include "fs.h"
#include "journal.h"
#include "json.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "session";

enum { STAMP_LEN = 15 /* 20261122T050000 */, DAY_SECONDS = 86400, LISTED_MAX = 1 << 20 };

static int out_of_memory(soldr_error *err)
{
	return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

/* ---- run ids and directories -------------------------------------------------- */

static char *new_id(void)
{
	char stamp[STAMP_LEN + 1];
	uint32_t noise = 0;
	struct tm tm;
	time_t now = time(NULL);
	if (!gmtime_r(&now, &tm) || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &tm) != STAMP_LEN)
		memcpy(stamp, "19700101T000000", sizeof stamp);
	if (getrandom(&noise, sizeof noise, GRND_NONBLOCK) != (ssize_t)sizeof noise)
		noise = (uint32_t)clock_ns(CLOCK_MONOTONIC);
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s-%ld-%08x", stamp, (long)getpid(), (unsigned)noise);
	return buf_detach(&b);
}

/* A run id becomes a file name. */
static bool is_valid_id(const char *id)
{
	size_t len = strlen(id);
	if (len == 0 || len > SESSION_ID_MAX || *id == '.')
		return false;
	for (; *id; id++)
		if (!isalnum((unsigned char)*id) && !strchr("._-", *id))
			return false;
	return true;
}

/* The pid in an id of new_id(); 0 for another name. */
static pid_t pid_of_id(const char *name)
{
	for (int i = 0; i < STAMP_LEN; i++)
		if (i == 8 ? name[i] != 'T' : !isdigit((unsigned char)name[i]))
			return 0;
	if (name[STAMP_LEN] != '-')
		return 0;
	char *end;
	long pid = strtol(name + STAMP_LEN + 1, &end, 10);
	return *end == '-' && pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* Whether the link to the last session ends there. */
static bool is_last(const char *runs, const char *name)
{
	char at[PATH_MAX];
	char *root = path_dir(runs), *link = root ? path_join(root, SESSION_LAST) : NULL;
	ssize_t n = link ? sys.readlink(link, at, sizeof at - 1) : -1;
	free(link);
	free(root);
	if (n < 0)
		return false;
	at[n] = 0;
	return strcmp(path_base(at), name) == 0;
}

struct kept_run {
	char name[SESSION_ID_MAX + 1];
	int64_t when; /* seconds since 1970 */
};

/*
 * When the run began, by its id; of a name that the user chose, when its files
 * were last written to. -1: it has no counters, so it is no run.
 */
static int64_t time_of_run(const char *runs, const char *name)
{
	static const char *const files[] = {"counters", JOURNAL_FILE};
	struct tm tm = {0};
	int64_t when = -1;
	if (pid_of_id(name) && strptime(name, "%Y%m%dT%H%M%S", &tm))
		return timegm(&tm);
	for (size_t i = 0; i < sizeof files / sizeof *files && (i == 0 || when >= 0); i++) {
		struct stat st;
		struct buf path = BUF_INIT;
		buf_addf(&path, "%s/%s/%s", runs, name, files[i]);
		if (buf_ok(&path) && sys.lstat(path.data, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtim.tv_sec > when)
			when = st.st_mtim.tv_sec;
		buf_release(&path);
	}
	return when;
}

static int newest_first(const void *left, const void *right)
{
	const struct kept_run *a = left, *b = right;
	return a->when != b->when ? (a->when < b->when) - (a->when > b->when) : strcmp(b->name, a->name);
}

/* The days are the journal's. */
static bool may_be_run(const struct dirent *e)
{
	return is_valid_id(e->d_name) && strncmp(e->d_name, "day-", 4) != 0 && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
}

static size_t list_runs(const char *runs, struct kept_run **all)
{
	size_t count = 0;
	DIR *dir = sys.opendir(runs);
	for (struct dirent *e; dir && count < LISTED_MAX && (e = readdir(dir));) {
		int64_t when = may_be_run(e) ? time_of_run(runs, e->d_name) : -1;
		struct kept_run *more = when >= 0 ? realloc(*all, (count + 1) * sizeof **all) : NULL;
		if (!more)
			continue;
		*all = more;
		memcpy(more[count].name, e->d_name, strlen(e->d_name) + 1);
		more[count++].when = when;
	}
	if (dir)
		closedir(dir);
	if (count)
		qsort(*all, count, sizeof **all, newest_first);
	return count;
}

/* A run whose name does not tell its process counts as alive for a day. */
static bool is_alive(const struct kept_run *run, int64_t now)
{
	pid_t pid = pid_of_id(run->name);
	return pid ? kill(pid, 0) == 0 || errno == EPERM : now - run->when < DAY_SECONDS;
}

/* Under another name first: what a kill leaves of it is still known for litter. */
static void remove_run(const char *runs, const char *name)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	buf_addf(&from, "%s/%s", runs, name);
	buf_addf(&to, "%s/" FS_TEMP_PREFIX "%s", runs, name);
	if (buf_ok(&from) && buf_ok(&to) && sys.rename(from.data, to.data) == 0)
		(void)fs_remove_tree(to.data, NULL, NULL, NULL);
	buf_release(&from);
	buf_release(&to);
}

static void remove_litter(const char *runs)
{
	DIR *dir = sys.opendir(runs);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		bool litter = strncmp(e->d_name, FS_TEMP_PREFIX, strlen(FS_TEMP_PREFIX)) == 0;
		char *path = litter ? path_join(runs, e->d_name) : NULL;
		if (path)
			(void)fs_remove_tree(path, NULL, NULL, NULL);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* What cannot be removed stays; the next session tries again. */
static void prune_runs(const struct config *config, const char *runs, const char *own)
{
	struct kept_run *all = NULL;
	int64_t now = time(NULL);
	size_t count = list_runs(runs, &all);
	for (size_t i = 0; i < count; i++) {
		bool wanted = (int64_t)i < config->keep_runs && now - all[i].when <= config->keep_days * DAY_SECONDS;
		if (!wanted && strcmp(all[i].name, own) != 0 && !is_alive(&all[i], now) && !is_last(runs, all[i].name))
			remove_run(runs, all[i].name);
	}
	free(all);
	remove_litter(runs);
}

static int make_private_dir(const char *path, soldr_error *err)
{
	int rc = fs_check_private_dir(path, err);
	if (rc != SOLDR_E_NOT_FOUND)
		return rc;
	rc = fs_make_dirs(path, 0700, err);
	return rc ? rc : fs_check_private_dir(path, err);
}

/* <cache root>/name. The root is checked before anything is made in it. */
static int private_dir(const struct config *config, const char *name, char **out, soldr_error *err)
{
	char *path = path_join(config->cache_root, name);
	int rc = path ? make_private_dir(config->cache_root, err) : out_of_memory(err);
	if (!rc)
		rc = make_private_dir(path, err);
	if (rc)
		free(path);
	else
		*out = path;
	return rc;
}

static int counters_of(const struct session *session, struct counter_totals *totals, soldr_error *err)
{
	char *file = path_join(session->dir, "counters");
	int rc = file ? counters_read(file, totals, err) : out_of_memory(err);
	free(file);
	return rc;
}

/* Made here and not by the first compile: two first ones at once could each begin it. */
static int begin_counters(const struct session *session, soldr_error *err)
{
	char *file = path_join(session->dir, "counters");
	struct counters *counters = file ? counters_open(file, err) : NULL;
	int rc = counters ? 0 : file ? SOLDR_E_IO : out_of_memory(err);
	counters_close(counters);
	free(file);
	return rc;
}

static int open_in(struct session *session, const char *runs, const struct config *config, bool below, soldr_error *err)
{
	struct stat st;
	if (config->run_id && !is_valid_id(config->run_id))
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E435_RUN_ID,
		               config->run_id, SESSION_ID_MAX);
	session->id = config->run_id ? strdup(config->run_id) : new_id();
	session->dir = session->id ? path_join(runs, session->id) : NULL;
	if (!session->dir)
		return out_of_memory(err);
	bool exists = sys.lstat(session->dir, &st) == 0;
	if (!exists && sys.mkdir(session->dir, 0700) != 0)
		return err_set(err, SOLDR_E_IO, errno, origin, E436_RUN_NOT_CREATED, session->dir);
	session->joined = exists && below;
	if (!exists)
		return begin_counters(session, err);
	int rc = fs_check_private_dir(session->dir, err);
	return rc ? rc : counters_of(session, &session->before, err);
}

int session_open(struct session *session, const struct config *config, bool below, soldr_error *err)
{
	struct session mine = {.start_ns = clock_ns(CLOCK_MONOTONIC)};
	char *runs = NULL;
	if (config->readonly)
		return err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E437_READONLY_RUN);
	int rc = private_dir(config, "runs", &runs, err);
	if (!rc)
		rc = open_in(&mine, runs, config, below, err);
	if (rc) {
		session_release(&mine);
	} else {
		if (!mine.joined)
			prune_runs(config, runs, mine.id);
		*session = mine;
	}
	free(runs);
	return rc;
}

void session_release(struct session *session)
{
	free(session->id);
	free(session->dir);
	*session = (struct session){0};
}

uint64_t session_elapsed_ns(const struct session *session)
{
	return clock_ns(CLOCK_MONOTONIC) - session->start_ns;
}

/* ---- totals and summary ---------------------------------------------------------- */

static uint64_t less(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

int session_totals(const struct session *session, struct counter_totals *totals, soldr_error *err)
{
	struct counter_totals now;
	const struct counter_totals *b = &session->before;
	int rc = counters_of(session, &now, err);
	if (rc)
		return rc;
	*totals = (struct counter_totals){
		.compilations = less(now.compilations, b->compilations),
		.hits = less(now.hits, b->hits),
		.misses = less(now.misses, b->misses),
		.non_cacheable = less(now.non_cacheable, b->non_cacheable),
		.passthrough = less(now.passthrough, b->passthrough),
		.fallbacks = less(now.fallbacks, b->fallbacks),
		.errors = less(now.errors, b->errors),
		.error_hits = less(now.error_hits, b->error_hits),
		.time_saved_ns = less(now.time_saved_ns, b->time_saved_ns),
		.since_unix = now.since_unix,
		.audit_lost_events = less(now.audit_lost_events, b->audit_lost_events),
	};
	for (size_t i = 0; i < SOLDR_REASON_COUNT; i++)
		totals->reasons[i] = less(now.reasons[i], b->reasons[i]);
	return 0;
}

static void summary_json(const struct session *session, const struct session_end *end, struct buf *out)
{
	const struct counter_totals *t = end->totals;
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", 1);
	json_str(&j, "run_id", session->id);
	json_str(&j, "command", end->command);
	json_i64(&j, "exit_code", end->exit_code);
	json_i64(&j, "signal", end->signal);
	json_str(&j, "backend", end->backend);
	json_u64(&j, "duration_ms", end->duration_ns / 1000000);
	json_open(&j, "counts", '{');
	counters_json(&j, t, t->audit_lost_events);
	json_close(&j, '}');
	json_open(&j, "reasons", '{');
	for (enum soldr_reason r = SOLDR_REASON_NONE + 1; r < SOLDR_REASON_COUNT; r++)
		if (t->reasons[r])
			json_u64(&j, reason_name(r), t->reasons[r]);
	json_close(&j, '}');
	json_close(&j, '}');
	buf_addc(out, '\n');
}

/* <cache root>/last-session: one rename, so that summary and journal are always of one session. */
static int point_at(const struct session *session, soldr_error *err)
{
	char *runs = path_dir(session->dir), *root = runs ? path_dir(runs) : NULL, *link = root ? path_join(root, SESSION_LAST) : NULL;
	struct buf target = BUF_INIT, temp = BUF_INIT;
	buf_addf(&target, "runs/%s", session->id);
	buf_addf(&temp, "%s/" FS_TEMP_PREFIX "%ld.%s", root ? root : "", (long)getpid(), session->id);
	int rc = link && buf_ok(&target) && buf_ok(&temp) ? 0 : out_of_memory(err);
	if (!rc && sys.symlink(buf_str(&target), buf_str(&temp)) != 0)
		rc = err_set(err, SOLDR_E_IO, errno, origin, E436_RUN_NOT_CREATED, buf_str(&temp));
	else if (!rc && sys.rename(buf_str(&temp), link) != 0) {
		rc = err_set(err, SOLDR_E_IO, errno, origin, E436_RUN_NOT_CREATED, link);
		(void)sys.unlink(buf_str(&temp));
	}
	buf_release(&target);
	buf_release(&temp);
	free(link);
	free(root);
	free(runs);
	return rc;
}

int session_write_summary(const struct session *session, const struct session_end *end, soldr_error *err)
{
	struct buf text = BUF_INIT;
	char *file = path_join(session->dir, "summary.json");
	summary_json(session, end, &text);
	int rc = file && buf_ok(&text) ? fs_write_file(file, text.data, text.len, 0600, err) : out_of_memory(err);
	if (!rc)
		rc = point_at(session, err);
	buf_release(&text);
	free(file);
	return rc;
}

/* ---- shims -------------------------------------------------------------------------- */

static void scan_directory(const char *path, const struct session_shims *want, struct vec *names)
{
	DIR *dir = sys.opendir(path);
	if (!dir)
		return;
	for (struct dirent *e; names->len < SESSION_SHIMS_MAX && (e = readdir(dir));) {
		struct stat st;
		if (!want->is_compiler(e->d_name))
			continue;
		char *file = path_join(path, e->d_name);
		if (file && sys.stat(file, &st) == 0 && S_ISREG(st.st_mode) && sys.access(file, X_OK) == 0 && !want->is_soldr(NULL, file))
			vec_add(names, e->d_name);
		free(file);
	}
	closedir(dir);
}

/* Sorted, each name once. Relative entries of PATH mean another directory in every subdirectory: no shims for them. */
static void scan_path(const struct session_shims *want, struct vec *names)
{
	const char *p = want->path_list ? want->path_list : "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		size_t n = strcspn(p, ":");
		char *dir = n && *p == '/' ? strndup(p, n) : NULL;
		if (dir)
			scan_directory(dir, want, names);
		free(dir);
		if (!p[n])
			break;
		p += n + 1;
	}
	if (!names->len)
		return;
	qsort(names->items, names->len, sizeof *names->items, vec_order);
	size_t kept = 1;
	for (size_t i = 1; i < names->len; i++) {
		if (strcmp(names->items[i], names->items[kept - 1]) == 0)
			free(names->items[i]);
		else
			names->items[kept++] = names->items[i];
	}
	names->len = kept;
	names->items[kept] = NULL;
}

/* Makes dir/name a link to target. Several sessions may do so at once: each leaves a right link. */
static int ensure_link(const char *dir, const char *name, const char *target, soldr_error *err)
{
	char at[PATH_MAX];
	size_t len = strlen(target);
	char *link = path_join(dir, name);
	int rc = link ? 0 : out_of_memory(err);
	for (int attempt = 0; !rc; attempt++) {
		ssize_t n = sys.readlink(link, at, sizeof at);
		if (n == (ssize_t)len && memcmp(at, target, len) == 0)
			break;
		if (attempt == 3)
			rc = err_set(err, SOLDR_E_IO, EEXIST, origin, E438_NOT_LINKED, link);
		else if (n >= 0 || errno == EINVAL)
			(void)sys.unlink(link);
		else if (errno == ENOENT && sys.symlink(target, link) != 0 && errno != EEXIST)
			rc = err_set(err, SOLDR_E_IO, errno, origin, E436_RUN_NOT_CREATED, link);
	}
	free(link);
	return rc;
}

int session_make_shims(const struct config *config, const struct session_shims *want, char **dir, soldr_error *err)
{
	struct vec names = VEC_INIT;
	struct hasher hasher;
	struct digest digest;
	char hex[DIGEST_HEX_SIZE], sub[16 + sizeof "shims/"];
	char *path = NULL;
	int rc = 0;
	scan_path(want, &names);
	if (!vec_ok(&names))
		rc = out_of_memory(err);
	else if (names.len) {
		hasher_init(&hasher);
		hasher_field_str(&hasher, "soldr", want->soldr);
		for (size_t i = 0; i < names.len; i++)
			hasher_field_str(&hasher, "name", names.items[i]);
		hasher_end(&hasher, &digest);
		digest_hex(&digest, hex);
		snprintf(sub, sizeof sub, "shims/%.16s", hex);
		rc = private_dir(config, sub, &path, err);
	}
	for (size_t i = 0; !rc && i < names.len; i++)
		rc = ensure_link(path, names.items[i], want->soldr, err);
	vec_release(&names);
	if (rc)
		free(path);
	else
		*dir = path;
	return rc;
}
