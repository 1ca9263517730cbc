/* depinfo: see depinfo.h. */
#include "depinfo.h"

#include <stdlib.h>
#include <string.h>

static const char variable_head[] = "# env-dep:";

void depinfo_release(struct depinfo *d)
{
	vec_release(&d->sources);
	vec_release(&d->names);
	vec_release(&d->values);
	free(d->was_set);
	*d = DEPINFO_INIT;
}

/* A source's own rule: "NAME:", no blank that is not escaped. The name in out. */
static bool is_source_rule(const char *line, size_t len, struct buf *out)
{
	buf_clear(out);
	if (len < 2 || line[len - 1] != ':')
		return false;
	for (size_t i = 0; i + 1 < len; i++) {
		if (line[i] == ' ')
			return false;
		bool escaped = line[i] == '\\' && line[i + 1] == ' ';
		i += escaped;
		buf_addc(out, line[i]);
	}
	return true;
}

/* "OUTPUT: SOURCE …" with all sources as spelled; only so is it known where the output's name ends. */
static bool is_output_rule(const char *line, size_t len, const struct buf *sources)
{
	return len > sources->len + 1 && line[len - sources->len - 1] == ':' &&
	       memcmp(line + len - sources->len, sources->data, sources->len) == 0;
}

static bool unescape(const char *text, size_t len, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\\') {
			buf_addc(out, text[i]);
			continue;
		}
		if (++i == len || !strchr("nr\\", text[i]))
			return false;
		buf_addc(out, text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : '\\');
	}
	return buf_ok(out);
}

static bool add_variable(struct depinfo *d, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name = equals ? (size_t)(equals - text) : len;
	struct buf plain = BUF_INIT;
	bool *was_set = realloc(d->was_set, d->names.len + 1);
	bool good = was_set && name && unescape(text, name, &plain);
	if (was_set)
		d->was_set = was_set;
	if (good) {
		was_set[d->names.len] = equals;
		vec_addn(&d->names, buf_str(&plain), plain.len);
		good = !equals || unescape(equals + 1, len - name - 1, &plain);
		vec_addn(&d->values, buf_str(&plain), equals ? plain.len : 0);
	}
	buf_release(&plain);
	return good;
}

int depinfo_parse(struct depinfo *d, const char *text, size_t len)
{
	struct buf name = BUF_INIT, spelled = BUF_INIT;
	size_t rules = 0;
	bool good = !memchr(text, 0, len) && (len == 0 || text[len - 1] == '\n');
	for (const char *at = text, *end = text + len; good && at < end;) {
		size_t n = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at);
		if (n >= strlen(variable_head) && memcmp(at, variable_head, strlen(variable_head)) == 0) {
			good = add_variable(d, at + strlen(variable_head), n - strlen(variable_head));
		} else if (n && *at == '#') {
			good = false; /* newer than this */
		} else if (n && is_source_rule(at, n, &name)) {
			vec_addn(&d->sources, buf_str(&name), name.len);
			buf_addc(&spelled, ' ');
			buf_add(&spelled, at, n - 1);
		}
		at += n + 1;
	}
	/* Both ways of naming the sources must agree, or a name holds a byte that the form cannot. */
	for (const char *at = text, *end = text + len; good && at < end;) {
		size_t n = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at);
		if (n && *at != '#' && !is_source_rule(at, n, &name)) {
			good = spelled.len && is_output_rule(at, n, &spelled);
			rules++;
		}
		at += n + 1;
	}
	good = good && rules && buf_ok(&name) && buf_ok(&spelled);
	good = good && vec_ok(&d->sources) && vec_ok(&d->names) && vec_ok(&d->values);
	buf_release(&name);
	buf_release(&spelled);
	return good ? 0 : -1;
}

static bool needs_escape(const char *path)
{
	return strpbrk(path, " \\\n\r#") != NULL;
}

/* A path begins at an offset of a line that is a rule. */
static bool begins_path(const char *line, size_t at)
{
	return *line != '#' && (at == 0 || (line[at - 1] == ' ' && (at == 1 || line[at - 2] != '\\')));
}

bool depinfo_move(const char *text, size_t len, const char *from, const char *to, struct buf *out)
{
	size_t n = strlen(from);
	const char *end = text + len, *line = text, *done = text;
	if (needs_escape(from) || needs_escape(to) || memchr(text, 0, len))
		return false;
	for (const char *at = text; (at = memmem(at, (size_t)(end - at), from, n)); done = at) {
		const char *stop = memrchr(done, '\n', (size_t)(at - done)); /* none before: line is right */
		line = stop ? stop + 1 : line;
		if (!begins_path(line, (size_t)(at - line)) || at + n == end || at[n] != '/')
			return false;
		buf_add(out, done, (size_t)(at - done));
		buf_adds(out, to);
		at += n;
	}
	buf_add(out, done, (size_t)(end - done));
	return buf_ok(out);
}
