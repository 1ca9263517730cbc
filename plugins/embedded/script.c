/*
 * script: see script.h. Words are read by the rules of POSIX, Shell Command
 * Language 2.2 and 2.6, for the characters that have no meaning there. A word
 * that would be expanded in any way ends the reading.
 */
#include "script.h"

#include "sys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

void script_release(struct script *s)
{
	vec_release(&s->before);
	vec_release(&s->after);
}

bool script_read(const char *path, struct buf *text)
{
	char chunk[4096];
	ssize_t n = 0;
	int fd = sys.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	buf_clear(text);
	while (text->len <= SCRIPT_MAX) {
		n = sys.read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_add(text, chunk, (size_t)n);
		if (text->len < 2 || memcmp(buf_str(text), "#!", 2) != 0)
			break;
	}
	sys.close(fd);
	return n >= 0 && buf_ok(text) && text->len >= 2 && memcmp(text->data, "#!", 2) == 0;
}

bool script_at(const char *path)
{
	struct buf text = BUF_INIT;
	bool script = script_read(path, &text);
	buf_release(&text);
	return script;
}

static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-./+=,:@%", c));
}

/* One word at *at, its quotes removed; *all: it is "$@". false: it would be expanded, or is no word. */
static bool read_word(const char **at, const char *end, struct buf *word, bool *all)
{
	const char *p = *at;
	buf_clear(word);
	*all = end - p >= 4 && memcmp(p, "\"$@\"", 4) == 0;
	if (*all) {
		*at = p + 4;
		return p + 4 == end || p[4] == ' ' || p[4] == '\t';
	}
	while (p < end && *p != ' ' && *p != '\t') {
		if (*p == '\'' || *p == '"') {
			const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
			if (!close)
				return false;
			for (const char *q = p + 1; q < close; q++)
				if (*p == '"' && strchr("$`\\", *q))
					return false;
			buf_add(word, p + 1, (size_t)(close - p - 1));
			p = close + 1;
		} else if (is_plain(*p)) {
			buf_addc(word, *p++);
		} else {
			return false;
		}
	}
	*at = p;
	return buf_ok(word);
}

/* The words of a command from an absolute path on. *calls: how often "$@" stands there. */
static bool read_command(struct script *s, const char *at, const char *end, unsigned *calls)
{
	struct buf word = BUF_INIT;
	bool good = true, all = false;
	*calls = 0;
	for (;;) {
		at += strspn(at, " \t");
		if (at >= end)
			break;
		good = read_word(&at, end, &word, &all);
		if (!good)
			break;
		*calls += all;
		if (!all)
			vec_addn(*calls ? &s->after : &s->before, buf_str(&word), word.len);
	}
	buf_release(&word);
	return good && s->before.len > 0 && s->before.items[0][0] == '/' && *calls <= 1 && vec_ok(&s->before) && vec_ok(&s->after);
}

/* The shells whose exec and "$@" are those of POSIX, called without options. */
static bool is_shell(const char *line, size_t len)
{
	static const char *const shells[] = {"/bin/sh", "/usr/bin/sh", "/bin/dash", "/usr/bin/dash", "/bin/bash", "/usr/bin/bash"};
	const char *p = line + 2, *end = line + len;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
		if (strlen(shells[i]) == (size_t)(end - p) && memcmp(shells[i], p, (size_t)(end - p)) == 0)
			return true;
	return false;
}

static bool says_nothing(const char *line, size_t len)
{
	return len == 0 || *line == '#' || (len == 6 && memcmp(line, "set -e", 6) == 0);
}

bool script_parse(struct script *s, const char *text, size_t len)
{
	const char *end = text + len;
	bool found = false;
	unsigned calls;
	*s = SCRIPT_INIT;
	if (len > SCRIPT_MAX || memchr(text, 0, len) || memchr(text, '\r', len))
		return false;
	if (strncmp(text, "#!", 2) != 0 || !is_shell(text, strcspn(text, "\n")))
		return false;
	for (const char *p = text + strcspn(text, "\n"); p < end;) {
		p += strspn(p, " \t\n");
		size_t n = strcspn(p, "\n");
		bool exec = n > 5 && strncmp(p, "exec", 4) == 0 && (p[4] == ' ' || p[4] == '\t');
		if (exec && !found)
			found = read_command(s, p + 5, p + n, &calls) && calls == 1;
		else if (!says_nothing(p, n))
			return false;
		if (exec && !found)
			return false;
		p += n;
	}
	return found;
}

bool script_parse_command(struct script *s, const char *command)
{
	unsigned calls;
	*s = SCRIPT_INIT;
	return read_command(s, command, command + strlen(command), &calls);
}

bool script_is_swayed(const char *const *envp)
{
	/* Files to read first, functions in place of exec, traces: shells take them from these. */
	static const char *const heads[] = {"BASH", "SHELLOPTS=", "ENV="};
	for (; *envp; envp++)
		for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
			if (strncmp(*envp, heads[i], strlen(heads[i])) == 0)
				return true;
	return false;
}
