/*
 * sink: see sink.h. Whoever makes a file knows that it did (O_EXCL), and can
 * write what has to stand there once.
 */
#include "sink.h"

#include "clock.h"
#include "fs.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char day_prefix[] = "day-";

enum { DAY_DIGITS = 8, DAY_SIZE = 16, DAY_SECONDS = 86400 };

const struct sink sink_journal = {"journal.jsonl", "journal.full", "journal", "journal_full"};
const struct sink sink_audit = {"audit.jsonl", "audit.full", "audit log", "audit_lost_events"};

bool sink_wanted(const struct config *c)
{
	return c->audit_mode >= AUDIT_NORMAL && !c->readonly;
}

static void day_of(time_t when, char day[DAY_SIZE])
{
	const struct clock_utc utc = clock_utc(when);
	memcpy(day, day_prefix, sizeof day_prefix);
	char *at = clock_digits(day + sizeof day_prefix - 1, 4, (uint64_t)utc.year);
	at = clock_digits(at, 2, utc.month);
	*clock_digits(at, 2, utc.day) = 0;
}

bool sink_is_day(const char *run)
{
	const char *digits = run + sizeof day_prefix - 1;
	return strncmp(run, day_prefix, sizeof day_prefix - 1) == 0 && strlen(digits) == DAY_DIGITS &&
	       strspn(digits, "0123456789") == DAY_DIGITS;
}

static int days_only(const struct dirent *e)
{
	return sink_is_day(e->d_name);
}

/* Names sort by time. What cannot be removed stays; the next day tries again. */
static void prune_days(const struct config *c, const char *runs)
{
	struct dirent **names = NULL;
	char oldest[DAY_SIZE];
	if (fs_check_private_dir(runs, NULL) != 0)
		return; /* it may lead out of the cache root */
	int n = scandir(runs, &names, days_only, alphasort);
	day_of(time(NULL) - (time_t)c->keep_days * DAY_SECONDS, oldest);
	for (int i = 0; i < n; i++) {
		bool keep = i >= n - SINK_DAYS_MAX && strcmp(names[i]->d_name, oldest) >= 0;
		char *path = keep ? NULL : path_join(runs, names[i]->d_name);
		if (path)
			(void)fs_remove_tree(path, NULL, NULL, NULL);
		free(path);
		free(names[i]);
	}
	free(names);
}

static int make_day(const struct config *c, const char *day)
{
	char *runs = path_join(c->cache_root, "runs"), *path = runs ? path_join(runs, day) : NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	int why = path ? 0 : ENOMEM;
	if (!why && fs_make_dirs(runs, 0700, &err) != 0)
		why = err.sys_errno ? err.sys_errno : ENOMEM;
	if (!why && sys.mkdir(path, 0700) == 0)
		prune_days(c, runs);
	else if (!why && errno != EEXIST)
		why = errno;
	free(path);
	free(runs);
	return why;
}

char *sink_path(const struct config *c, const char *run, const char *name)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, c->cache_root);
	buf_adds(&b, "/runs/");
	buf_adds(&b, run);
	buf_addc(&b, '/');
	buf_adds(&b, name);
	return buf_detach(&b);
}

/* ---- a file that stays open ---------------------------------------------------------- */

/* Whether the kept file is the one at path. */
static bool take_kept(struct sink_keep *keep, const char *path, struct sink_end *end)
{
	struct stat st;
	pthread_mutex_lock(&keep->lock);
	if (keep->fd >= 0 && sys.lstat(path, &st) == 0 && st.st_dev == keep->dev && st.st_ino == keep->ino) {
		keep->users++;
		end->keep = keep;
		end->fd = keep->fd;
		end->size = st.st_size;
	}
	pthread_mutex_unlock(&keep->lock);
	return end->keep != NULL;
}

/* The file that was opened takes the place of the kept one, unless lines are being written to that. */
static void offer_kept(struct sink_keep *keep, struct sink_end *end)
{
	struct stat st;
	pthread_mutex_lock(&keep->lock);
	if (!keep->users && sys.fstat(end->fd, &st) == 0) {
		if (keep->fd >= 0)
			sys.close(keep->fd);
		keep->fd = end->fd;
		keep->dev = st.st_dev;
		keep->ino = st.st_ino;
		keep->users = 1;
		end->keep = keep;
		end->size = st.st_size;
	}
	pthread_mutex_unlock(&keep->lock);
}

void sink_keep_release(struct sink_keep *keep)
{
	if (keep->fd >= 0)
		sys.close(keep->fd);
	pthread_mutex_destroy(&keep->lock);
	*keep = SINK_KEEP_INIT;
}

/* ---- opening ------------------------------------------------------------------------- */

/* Opens the file of end->run; false with errno. */
static bool open_run(const struct config *c, struct sink_keep *keep, struct sink_end *end)
{
	/* A FIFO or a link put there must neither hang nor lead away. */
	enum { HOW = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK };
	char *path = sink_path(c, end->run, end->sink->file);
	if (path && keep && take_kept(keep, path, end)) {
		free(path);
		return true;
	}
	end->fd = path ? sys.open(path, HOW, 0) : -1;
	int why = path ? errno : ENOMEM;
	if (end->fd < 0 && why == ENOENT) {
		end->fd = sys.open(path, HOW | O_CREAT | O_EXCL, 0600);
		why = errno;
		end->made = end->fd >= 0;
	}
	if (end->fd < 0 && why == EEXIST) {
		end->fd = sys.open(path, HOW, 0);
		why = errno;
	}
	free(path);
	if (end->fd >= 0 && keep)
		offer_kept(keep, end);
	errno = why;
	return end->fd >= 0;
}

int sink_open(const struct config *c, const struct sink *sink, struct sink_keep *keep, time_t now, struct sink_end *end, soldr_error *err)
{
	*end = (struct sink_end){.sink = sink, .fd = -1, .size = -1};
	errno = ENOENT;
	if (c->run_id) {
		snprintf(end->run, sizeof end->run, "%s", c->run_id);
		open_run(c, keep, end);
	}
	if (end->fd < 0 && errno == ENOENT) {
		day_of(now, end->run);
		open_run(c, keep, end);
	}
	if (end->fd < 0 && errno == ENOENT) {
		errno = make_day(c, end->run);
		if (!errno)
			open_run(c, keep, end);
	}
	if (end->fd >= 0)
		return 0;
	return err_set(err, SOLDR_E_IO, errno, sink->what, E439_LOG_NOT_OPENED, c->cache_root, end->run,
	               sink->file);
}

void sink_close(struct sink_end *end)
{
	if (end->keep) {
		pthread_mutex_lock(&end->keep->lock);
		end->keep->users--;
		pthread_mutex_unlock(&end->keep->lock);
	} else if (end->fd >= 0) {
		sys.close(end->fd);
	}
	end->keep = NULL;
	end->fd = -1;
}

int sink_check(const struct config *c, const struct sink *sink, soldr_error *err)
{
	struct sink_end end;
	int rc = sink_open(c, sink, NULL, time(NULL), &end, err);
	sink_close(&end);
	return rc;
}

bool sink_may_pass(int why)
{
	return why == ENOSPC || why == EDQUOT || why == EMFILE || why == ENFILE || why == ENOMEM || why == EAGAIN;
}

static int write_lines(const struct config *c, const struct sink_end *end, const struct buf *b, bool *torn, soldr_error *err)
{
	/* The first byte ends a torn line. */
	const char *from = b->data + !*torn;
	size_t len = b->len - !*torn;
	ssize_t n;
	do
		n = sys.write(end->fd, from, len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	*torn = *torn || n > 0;
	return err_set(err, SOLDR_E_IO, n < 0 ? errno : ENOSPC, end->sink->what, E440_LOG_NOT_WRITTEN, end->sink->what, c->cache_root);
}

bool sink_is_full(const struct config *c, const struct sink *sink, const char *run)
{
	struct stat st;
	char *path = sink_path(c, run, sink->full);
	bool full = path && sys.lstat(path, &st) == 0;
	free(path);
	return full;
}

/* The file's own size is asked for: counters would not know of other backends' lines, nor of what a crash left out. */
static bool has_room(const struct config *c, const struct sink_end *end, size_t len)
{
	struct stat st = {.st_size = (off_t)end->size};
	return c->sink_policy == SINK_FAIL_LOSSLESS || (end->size < 0 && sys.fstat(end->fd, &st) != 0) ||
	       st.st_size + (int64_t)len <= c->max_journal_size;
}

/* One process of all makes the file, and has the message. */
static int leave_out(const struct config *c, const struct sink_end *end, soldr_error *err)
{
	char *path = sink_path(c, end->run, end->sink->full);
	int fd = path ? sys.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	free(path);
	if (fd < 0)
		return err_set(err, SOLDR_E_LIMIT, 0, end->sink->what, "%s", "");
	sys.close(fd);
	return err_set(err, SOLDR_E_LIMIT, 0, end->sink->what, E441_LOG_FULL,
	               end->sink->what, end->run, end->sink->counted);
}

int sink_write(const struct config *c, const struct sink_end *end, const struct buf *text, bool *torn, soldr_error *err)
{
	if (!buf_ok(text))
		return err_set(err, SOLDR_E_NOMEM, 0, end->sink->what, E101_NO_MEMORY);
	return has_room(c, end, text->len) ? write_lines(c, end, text, torn, err) : leave_out(c, end, err);
}
