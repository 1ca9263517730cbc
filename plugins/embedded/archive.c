/* archive: see archive.h. The format is in ar(5). */
#include "archive.h"

#include "buf.h"
#include "sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 60, NAME = 16, SIZE_AT = 48, SIZE = 10, NAMES_MAX = 16 << 20, MEMBERS_MAX = 1 << 16 };

static const char magic[] = "!<arch>\n";

static bool read_at(int fd, off_t at, void *to, size_t len)
{
	return sys.pread(fd, to, len, at) == (ssize_t)len;
}

/* A decimal field, blank to its end. */
static bool number(const char *field, size_t len, uint64_t *out)
{
	char text[NAME + 1] = {0}, *stop;
	memcpy(text, field, len);
	*out = strtoull(text, &stop, 10);
	return stop > text && stop[strspn(stop, " ")] == 0;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);
	return len >= n && memcmp(s + len - n, end, n) == 0;
}

static bool is_own_name(const char *name, size_t len)
{
	static const char *const metadata[] = {"lib.rmeta", "lib.rmeta-link"}; /* the second from 1.97 on */
	for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++)
		if (strlen(metadata[i]) == len && memcmp(name, metadata[i], len) == 0)
			return true;
	return ends_with(name, len, ".rcgu.o");
}

/* names: the table of long names, of which "/123" is one that ends with a slash and a newline. */
static bool is_own(const char *header, const struct buf *names)
{
	uint64_t at;
	if (header[0] != '/') {
		const char *slash = memchr(header, '/', NAME);
		return slash && is_own_name(header, (size_t)(slash - header));
	}
	if (header[1] == ' ' || memcmp(header, "/SYM64/ ", 8) == 0)
		return true; /* the index */
	if (!number(header + 1, NAME - 1, &at) || at >= names->len)
		return false;
	const char *name = names->data + at, *stop = memchr(name, '/', names->len - (size_t)at);
	return stop && is_own_name(name, (size_t)(stop - name));
}

bool archive_is_rustc_only(const char *path)
{
	char header[HEADER];
	struct buf names = BUF_INIT;
	int fd = sys.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	struct stat st;
	bool own = fd >= 0 && sys.fstat(fd, &st) == 0 && read_at(fd, 0, header, strlen(magic)) && memcmp(header, magic, strlen(magic)) == 0;
	off_t at = (off_t)strlen(magic);
	for (size_t members = 0; own && at < st.st_size; members++) {
		uint64_t size;
		own = members < MEMBERS_MAX && read_at(fd, at, header, HEADER) && number(header + SIZE_AT, SIZE, &size) &&
		      size <= (uint64_t)(st.st_size - at - HEADER);
		if (!own)
			break;
		if (memcmp(header, "// ", 3) == 0) {
			char *to = size <= NAMES_MAX ? buf_reserve(&names, (size_t)size) : NULL;
			own = to && read_at(fd, at + HEADER, to, (size_t)size);
			names.len = own ? (size_t)size : 0;
		} else {
			own = is_own(header, &names);
		}
		at += HEADER + (off_t)(size + size % 2);
	}
	if (fd >= 0)
		sys.close(fd);
	buf_release(&names);
	return own;
}
