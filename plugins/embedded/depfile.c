/* depfile: see depfile.h. */
#include "depfile.h"

#include <stdlib.h>
#include <string.h>

void depfile_release(struct depfile *d)
{
	vec_release(&d->targets);
	vec_release(&d->spelled);
	vec_release(&d->paths);
	d->phony = false;
}

static bool is_break(const char *p, const char *end)
{
	return p + 1 < end && p[0] == '\\' && (p[1] == '\n' || (p + 2 < end && p[1] == '\r' && p[2] == '\n'));
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || is_break(p, end)))
		p += *p != '\\' ? 1 : p[1] == '\n' ? 2 : 3;
	return p;
}

/*
 * One name: ends at an unescaped blank, a line break or the end. Backslashes
 * before a blank are escapes (2n+1 of them give n and the blank), so is one
 * before a '#'; elsewhere they are themselves. "$$" is '$'.
 */
static const char *take_name(const char *p, const char *end, struct buf *path)
{
	while (p < end && *p != ' ' && *p != '\t' && *p != '\n' && !(*p == '\r' && p + 1 < end && p[1] == '\n')) {
		if (is_break(p, end))
			break;
		if (*p == '\\') {
			size_t n = 0;
			while (p + n < end && p[n] == '\\')
				n++;
			char next = p + n < end ? p[n] : 0;
			if (next == ' ' || next == '\t' || next == '#') {
				/* A '#' gets one backslash, and those before it stay as they are. */
				for (size_t i = 0; i < (next == '#' ? n - 1 : n / 2); i++)
					buf_addc(path, '\\');
				p += n;
				if (n % 2 || next == '#') {
					buf_addc(path, next);
					p++;
				}
				continue;
			}
			/* The last backslash before a newline continues the line. */
			size_t plain = next == '\n' ? n - 1 : n;
			buf_add(path, p, plain);
			p += plain;
			continue;
		}
		if (*p == '$' && p + 1 < end && p[1] == '$')
			p++;
		buf_addc(path, *p++);
	}
	return p;
}

/* A target ends with a colon that a blank, a line break or the end follows. */
static bool ends_target(const char *from, const char *to)
{
	return to > from && to[-1] == ':';
}

static int parse_phony(struct depfile *d, const char *p, const char *end)
{
	while (p < end) {
		if (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n')) {
			p++;
			continue;
		}
		struct buf path = BUF_INIT;
		const char *stop = take_name(p, end, &path);
		bool ok = ends_target(p, stop) && (stop == end || *stop == '\n' || *stop == '\r');
		buf_release(&path);
		if (!ok)
			return -1;
		d->phony = true;
		p = stop;
	}
	return 0;
}

int depfile_parse(struct depfile *d, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	bool in_targets = true;
	*d = DEPFILE_INIT;
	for (;;) {
		p = skip_blank(p, end);
		if (p == end || *p == '\n' || *p == '\r')
			break;
		struct buf path = BUF_INIT;
		const char *stop = take_name(p, end, &path);
		if (stop == p) {
			buf_release(&path);
			return -1;
		}
		if (in_targets) {
			bool last = ends_target(p, stop);
			vec_addn(&d->targets, p, (size_t)(stop - p) - last);
			in_targets = !last;
		} else {
			vec_addn(&d->spelled, p, (size_t)(stop - p));
			vec_addn(&d->paths, buf_str(&path), path.len);
		}
		buf_release(&path);
		p = stop;
	}
	if (in_targets || !vec_ok(&d->targets) || !vec_ok(&d->spelled) || !vec_ok(&d->paths))
		return -1;
	return parse_phony(d, p, end);
}

/* The layout of one family: where lines break, and how. */
struct layout {
	size_t columns;      /* the last column that may be used */
	const char *next;    /* between a line and its continuation */
	size_t next_columns; /* that the continuation's indent takes */
	size_t slack;        /* columns kept free for the break itself */
};

static void add_name(struct buf *out, const struct layout *l, const char *name, size_t *column, bool first)
{
	size_t n = strlen(name);
	if (!first) {
		if (*column + n + l->slack > l->columns) {
			buf_adds(out, l->next);
			*column = l->next_columns;
		}
		buf_addc(out, ' ');
		*column += 1;
	}
	buf_adds(out, name);
	*column += n;
}

void depfile_format(const struct depfile *d, enum family family, const bool *keep, struct buf *out)
{
	static const struct layout gcc = {72, " \\\n", 0, 0}, clang = {75, " \\\n ", 2, 3};
	const struct layout *l = family == FAMILY_CLANG ? &clang : &gcc;
	size_t column = 0;
	for (size_t i = 0; i < d->targets.len; i++)
		add_name(out, l, d->targets.items[i], &column, i == 0);
	buf_addc(out, ':');
	column++;
	for (size_t i = 0; i < d->spelled.len; i++)
		if (!keep || keep[i])
			add_name(out, l, d->spelled.items[i], &column, false);
	buf_addc(out, '\n');
	for (size_t i = 1; d->phony && i < d->spelled.len; i++)
		if (!keep || keep[i])
			buf_addf(out, "%s%s:\n", family == FAMILY_CLANG ? "\n" : "", d->spelled.items[i]);
}

static void move_names(struct vec *names, const char *from, const char *to)
{
	struct vec moved = VEC_INIT;
	size_t n = strlen(from);
	for (size_t i = 0; i < names->len; i++) {
		const char *name = names->items[i];
		bool below = strncmp(name, from, n) == 0 && (name[n] == '/' || name[n] == 0);
		vec_addf(&moved, "%s%s", below ? to : "", below ? name + n : name);
	}
	moved.failed |= names->failed;
	vec_release(names);
	*names = moved;
}

void depfile_move(struct depfile *d, const char *from, const char *to)
{
	move_names(&d->targets, from, to);
	move_names(&d->spelled, from, to);
	move_names(&d->paths, from, to);
}

bool depfile_is_faithful(const struct depfile *d, enum family family, const char *text, size_t len)
{
	struct buf again = BUF_INIT;
	depfile_format(d, family, NULL, &again);
	bool same = buf_ok(&again) && again.len == len && memcmp(again.data, text, len) == 0;
	buf_release(&again);
	return same;
}

bool depfile_repeats(const struct depfile *d)
{
	size_t n = d->paths.len;
	char **sorted = calloc(n + 1, sizeof *sorted);
	bool repeats = !sorted;
	if (sorted && n) {
		memcpy(sorted, d->paths.items, n * sizeof *sorted);
		qsort(sorted, n, sizeof *sorted, vec_order);
		for (size_t i = 1; i < n && !repeats; i++)
			repeats = strcmp(sorted[i - 1], sorted[i]) == 0;
	}
	free(sorted);
	return repeats;
}

int depfile_read_lines(const struct buf *text, bool preprocessed, struct vec *paths)
{
	struct buf path = BUF_INIT;
	for (const char *p = buf_str(text); *p; p++) {
		if (*p == '\n') {
			if (!preprocessed || path.len == 0 || path.data[0] != '<')
				vec_addn(paths, buf_str(&path), path.len);
			buf_clear(&path);
			continue;
		}
		bool escaped = *p == '\\' && p[1] && p[1] != '\n';
		p += escaped;
		buf_addc(&path, escaped && *p == 'n' ? '\n' : *p);
	}
	int rc = path.len == 0 && buf_ok(&path) && vec_ok(paths) ? 0 : -1;
	buf_release(&path);
	return rc;
}
