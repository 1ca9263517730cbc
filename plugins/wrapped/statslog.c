/*
 * statslog: see statslog.h.
 *
 * The name is /proc/PID/fd/N of this process, not /proc/self: another process
 * opens it. Where /proc is missing or closed to children, ccache finds no file
 * to write to and goes on, and the outcome stays unknown.
 */
#include "statslog.h"

#include "fs.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

bool statslog_open(struct statslog *log)
{
	*log = STATSLOG_INIT;
	log->fd = memfd_create("soldr-statslog", MFD_CLOEXEC);
	if (log->fd < 0)
		return false;
	snprintf(log->entry, sizeof log->entry, STATSLOG_VARIABLE "=/proc/%ld/fd/%d", (long)getpid(), log->fd);
	return true;
}

void statslog_read(const struct statslog *log, struct buf *out)
{
	char *to = buf_reserve(out, STATSLOG_MAX);
	if (!to)
		return;
	/* At an offset: the writers have their own, and it is not known whether they share ours. */
	ssize_t n = pread(log->fd, to, STATSLOG_MAX, 0);
	if (n <= 0)
		return;
	out->len += (size_t)n;
	out->data[out->len] = 0;
}

void statslog_close(struct statslog *log)
{
	if (log->fd >= 0)
		sys.close(log->fd);
	*log = STATSLOG_INIT;
}

int statslog_append(const char *cwd, const char *file, const struct buf *text)
{
	char *path = path_absolute(cwd, file);
	if (!path)
		return ENOMEM;
	int fd = sys.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	int why = fd < 0 ? errno : fs_write_all(fd, text->data, text->len);
	if (fd >= 0)
		sys.close(fd);
	free(path);
	return why;
}
