/* log: see log.h. One write per line, so that parallel compiles do not mix their lines. */
#include "log.h"

#include "buf.h"
#include "config.h"
#include "fs.h"
#include "path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FAULT_FILE_MAX = 1 << 20 };

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};

void log_init(struct log *l, const struct config *c)
{
	*l = (struct log){.level = SOLDR_LOG_DEBUG, .rules = config_redaction(c)};
	if (c->log && *c->log == '/')
		l->file = strdup(c->log);
	for (uint32_t i = 0; c->log && i < sizeof level_names / sizeof *level_names; i++)
		if (strcmp(c->log, level_names[i]) == 0) {
			l->level = i;
			l->to_stderr = true;
		}
	if (!c->readonly)
		l->fault_file = path_join(c->cache_root, "logs/soldr.log");
}

void log_release(struct log *l)
{
	free(l->file);
	free(l->fault_file);
	*l = (struct log){0};
}

void log_forget_faults(struct log *l)
{
	free(l->fault_file);
	l->fault_file = NULL;
}

static void append(const char *file, const struct buf *line, bool bounded)
{
	int fd = sys.open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 && bounded) {
		char *dir = path_dir(file);
		if (dir && fs_make_dirs(dir, 0700, NULL) == 0)
			fd = sys.open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		free(dir);
	}
	if (fd < 0)
		return;
	struct stat st;
	if (bounded && sys.fstat(fd, &st) == 0 && st.st_size > FAULT_FILE_MAX) {
		struct buf old = BUF_INIT;
		buf_addf(&old, "%s.1", file);
		if (buf_ok(&old))
			sys.rename(file, old.data);
		buf_release(&old);
	}
	fs_write_all(fd, line->data, line->len);
	sys.close(fd);
}

static bool is_fault(const struct log *l, uint32_t level)
{
	return level <= SOLDR_LOG_WARN && l->fault_file;
}

static bool is_asked_for(const struct log *l, uint32_t level)
{
	return (l->file || l->to_stderr) && level <= l->level;
}

bool log_wants(const struct log *l, uint32_t level)
{
	return (is_fault(l, level) || is_asked_for(l, level)) && level < sizeof level_names / sizeof *level_names;
}

void log_write(const struct log *l, uint32_t level, const char *from, const char *message)
{
	bool fault = is_fault(l, level), wanted = is_asked_for(l, level);
	if (!log_wants(l, level))
		return;
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	struct buf line = {.max = 64 * 1024}, clean = BUF_INIT;
	redact_text(&l->rules, message, &clean);
	buf_addf(&line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %ld %s %s: ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
	         utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000, (long)getpid(), level_names[level], from);
	for (const char *p = buf_str(&clean); *p; p++)
		buf_addc(&line, *p == '\n' || *p == '\r' ? ' ' : *p);
	buf_addc(&line, '\n');
	if (buf_ok(&line) && buf_ok(&clean)) {
		if (fault)
			append(l->fault_file, &line, true);
		if (wanted && l->file)
			append(l->file, &line, false);
		if (wanted && l->to_stderr)
			fs_write_all(2, line.data, line.len);
	}
	buf_release(&line);
	buf_release(&clean);
}
