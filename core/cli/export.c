/* export: see export.h. */
#include "export.h"

#include "fs.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char origin[] = "audit";

const struct export_format export_formats[] = {
	{"chrome", "trace events, for chrome://tracing and Perfetto", export_trace},
	{"html", "one page that needs nothing else: timeline, reasons, slowest units, findings", export_html},
	{"junit", "JUnit XML: a test case for each compile", export_junit},
	{NULL, NULL, NULL},
};

const struct export_format *export_format_find(const char *name)
{
	for (const struct export_format *f = export_formats; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void write_out(struct export *e)
{
	if (!e->problem && !buf_ok(&e->out))
		e->problem = ENOMEM;
	if (!e->problem)
		e->problem = fs_write_all(e->fd, buf_str(&e->out), e->out.len);
	buf_clear(&e->out);
}

void export_step(struct export *e)
{
	enum { ENOUGH = 1 << 16 };
	if (e->out.len >= ENOUGH || !buf_ok(&e->out))
		write_out(e);
}

/* The length of the character at s; 0: not one that HTML and XML may hold. */
static size_t character(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (n == 1)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (strnlen((const char *)s, n) < n || !json_is_utf8((const char *)s, n))
		return 0;
	bool c1 = s[0] == 0xc2 && s[1] < 0xa0, none = s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe; /* U+0080 to 9F; U+FFFE, U+FFFF */
	return c1 || none ? 0 : n;
}

void export_text(struct buf *out, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s;) {
		size_t n = character(s);
		switch (*s) {
		case '&': buf_adds(out, "&amp;"); break;
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		case '\'': buf_adds(out, "&#39;"); break;
		default:
			if (n)
				buf_add(out, s, n);
			else
				buf_adds(out, "\xef\xbf\xbd");
		}
		s += n ? n : 1;
	}
}

/* ---- the second reading ----------------------------------------------------------------------------- */

struct second {
	struct export *e;
	export_compile_fn visit;
	void *arg;
	size_t next; /* span */
};

/* In the order of the first reading; compiles that came since then have no span. */
static void take_line(void *arg, const char *text, size_t len)
{
	struct second *s = arg;
	const struct analysis *a = s->e->analysis;
	struct run_compile c;
	if (!s->e->problem && run_compile_read(&c, text, len) == 0) {
		const struct span *span = s->next < a->span_count ? &a->spans[s->next] : NULL;
		if (span && span->id != analysis_id(c.compile_id))
			span = NULL;
		s->next += span != NULL;
		s->visit(s->arg, &c, span);
		run_compile_release(&c);
		export_step(s->e);
	}
}

int export_compiles(struct export *e, export_compile_fn visit, void *arg, soldr_error *err)
{
	struct second s = {.e = e, .visit = visit, .arg = arg};
	size_t broken = 0;
	char *file = analysis_file(e->analysis, JOURNAL_FILE);
	if (!file)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	int rc = journal_read(file, take_line, &s, &broken, err);
	free(file);
	return rc == SOLDR_E_NOT_FOUND ? 0 : rc; /* a build that compiled nothing */
}

int export_write(const struct export_format *format, struct analysis *a, const struct findings *f, int fd, const char *name, soldr_error *err)
{
	struct export e = {.analysis = a, .findings = f, .fd = fd, .name = name};
	int rc = format->write(&e, err);
	if (!rc)
		write_out(&e);
	buf_release(&e.out);
	if (!rc && e.problem && e.problem != EPIPE)
		rc = err_set(err, SOLDR_E_IO, e.problem, origin, E610_EXPORT_NOT_WRITTEN, name);
	return rc;
}
