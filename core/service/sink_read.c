/*
 * sink_read: the whole lines of a log.
 *
 * Every line begins with the same bytes, which no JSON string can hold (its
 * quotes would be escaped). So the whole line is found again that stands
 * behind the torn piece of another one.
 */
#include "sink.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char origin[] = "log";

struct reading {
	const char *begin; /* of every line */
	size_t begin_len;
	sink_line_fn visit;
	void *arg;
	size_t *broken;
	struct buf rest; /* the beginning of a line */
	bool skipping;   /* it grew beyond the maximum: on to the next newline */
};

static void take_line(struct reading *r, char *text, size_t len)
{
	char *from = NULL;
	for (char *at = text; (at = memmem(at, len - (size_t)(at - text), r->begin, r->begin_len)); at++)
		from = at;
	bool whole = from && text[len - 1] == '}';
	if (len && (!whole || from != text))
		++*r->broken;
	text[len] = 0;
	if (whole)
		r->visit(r->arg, from, len - (size_t)(from - text));
}

static void take_lines(struct reading *r)
{
	size_t done = 0;
	for (char *end; r->rest.len > done && (end = memchr(r->rest.data + done, '\n', r->rest.len - done));) {
		size_t next = (size_t)(end - r->rest.data) + 1;
		if (!r->skipping)
			take_line(r, r->rest.data + done, next - 1 - done);
		r->skipping = false;
		done = next;
	}
	if (done)
		memmove(r->rest.data, r->rest.data + done, r->rest.len - done);
	r->rest.len -= done;
	if (r->rest.len > 2 * (size_t)SINK_LINE_MAX) {
		*r->broken += !r->skipping;
		r->skipping = true;
		r->rest.len = 0;
	}
}

int sink_read(const char *file, const char *schema, sink_line_fn visit, void *arg, size_t *broken, soldr_error *err)
{
	enum { CHUNK = 1 << 16 };
	char begin[SINK_SCHEMA_MAX + 16];
	int len = snprintf(begin, sizeof begin, "{\"schema\":\"%s\"", schema);
	struct reading r = {.begin = begin, .begin_len = (size_t)len, .visit = visit, .arg = arg, .broken = broken};
	struct stat st;
	int rc = 0, fd = sys.open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	*broken = 0;
	if (fd < 0 || sys.fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, errno == ENOENT ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, fd < 0 ? errno : 0, origin, E442_LOG_NOT_READ, file);
	for (ssize_t n = 1; !rc && n > 0;) {
		char *to = buf_reserve(&r.rest, CHUNK);
		n = to ? sys.read(fd, to, CHUNK) : 0;
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0) {
			r.rest.len += (size_t)n;
			take_lines(&r);
		} else if (n < 0)
			rc = err_set(err, SOLDR_E_IO, errno, origin, E442_LOG_NOT_READ, file);
		if (!to)
			rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	}
	if (r.rest.len || r.skipping)
		*broken += !r.skipping;
	if (fd >= 0)
		sys.close(fd);
	buf_release(&r.rest);
	return rc;
}
