/*
 * parity_compare: see parity.h. A difference is one line: the file or stream,
 * the first byte that differs, and, where that says more, the ELF section or the
 * line of text that it lies in.
 */
#include "parity.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct report {
	const char *what;
	struct vec *lines;
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void differ(struct report *r, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	if (r->count++ >= PARITY_DIFFERENCES_MAX)
		return;
	buf_addf(&b, "%s: ", r->what);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (buf_ok(&b))
		vec_add(r->lines, b.data);
	buf_release(&b);
}

static size_t first_difference(const struct buf *a, const struct buf *b)
{
	size_t n = a->len < b->len ? a->len : b->len, i = 0;
	while (i < n && a->data[i] == b->data[i])
		i++;
	return i;
}

/* The ELF section that holds the offset, or NULL. */
static const char *section_at(const struct buf *f, size_t offset)
{
	Elf64_Ehdr h;
	Elf64_Shdr strings, s;
	if (f->len < sizeof h || memcmp(f->data, ELFMAG, SELFMAG) != 0 || f->data[EI_CLASS] != ELFCLASS64)
		return NULL;
	memcpy(&h, f->data, sizeof h);
	if (h.e_shentsize != sizeof s || h.e_shoff > f->len || h.e_shnum > (f->len - h.e_shoff) / sizeof s || h.e_shstrndx >= h.e_shnum)
		return NULL;
	memcpy(&strings, f->data + h.e_shoff + h.e_shstrndx * sizeof s, sizeof s);
	if (strings.sh_offset > f->len || strings.sh_size > f->len - strings.sh_offset || !strings.sh_size ||
	    f->data[strings.sh_offset + strings.sh_size - 1] != 0)
		return NULL;
	for (unsigned i = 1; i < h.e_shnum; i++) {
		memcpy(&s, f->data + h.e_shoff + i * sizeof s, sizeof s);
		if (s.sh_type != SHT_NOBITS && offset >= s.sh_offset && offset - s.sh_offset < s.sh_size && s.sh_name < strings.sh_size)
			return f->data + strings.sh_offset + s.sh_name;
	}
	return NULL;
}

static bool is_text(const struct buf *b)
{
	for (size_t i = 0; i < b->len && i < 4096; i++)
		if ((unsigned char)b->data[i] < 0x20 && !strchr("\t\n\r\033\f", b->data[i]))
			return false;
	return true;
}

/* The line around an offset, made printable. */
static void quote_line(const struct buf *b, size_t offset, struct buf *out)
{
	enum { WIDTH = 100 };
	size_t from = offset < b->len ? offset : b->len;
	while (from > 0 && b->data[from - 1] != '\n' && offset - from < WIDTH)
		from--;
	buf_addc(out, '"');
	for (size_t i = from; i < b->len && b->data[i] != '\n' && i - from < WIDTH; i++)
		buf_addc(out, isprint((unsigned char)b->data[i]) ? b->data[i] : '.');
	buf_addc(out, '"');
}

static void compare_bytes(struct report *r, const char *name, const struct buf *truth, const struct buf *other)
{
	size_t at = first_difference(truth, other);
	if (at == truth->len && at == other->len)
		return;
	struct buf more = BUF_INIT;
	const char *section = section_at(truth, at);
	if (section) {
		buf_addf(&more, " (section %s)", section);
	} else if (is_text(truth) && is_text(other)) {
		buf_adds(&more, ": compiler ");
		quote_line(truth, at, &more);
		buf_adds(&more, ", here ");
		quote_line(other, at, &more);
	}
	differ(r, "%s differs at byte %zu of %zu (here %zu)%s", name, at, truth->len, other->len, buf_str(&more));
	buf_release(&more);
}

static void compare_file(struct report *r, const struct parity_file *a, const struct parity_file *b)
{
	if (a->removed != b->removed)
		differ(r, "%s is %s by the compiler, %s here", a->path, a->removed ? "removed" : "written", b->removed ? "removed" : "written");
	else if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
		differ(r, "%s is another type of file", a->path);
	else if (a->mode != b->mode)
		differ(r, "%s has mode %04o, here %04o", a->path, a->mode & 07777, b->mode & 07777);
	if (a->removed == b->removed)
		compare_bytes(r, a->path, &a->data, &b->data);
}

static void compare_files(struct report *r, const struct parity_run *a, const struct parity_run *b)
{
	size_t i = 0, k = 0;
	while (i < a->file_count || k < b->file_count) {
		int order = i == a->file_count ? 1 : k == b->file_count ? -1 : strcmp(a->files[i].path, b->files[k].path);
		if (order == 0)
			compare_file(r, &a->files[i++], &b->files[k++]);
		else if (order < 0)
			differ(r, "%s is missing", a->files[i++].path);
		else
			differ(r, "%s is not written by the compiler", b->files[k++].path);
	}
}

size_t parity_compare(const struct parity_run *truth, const struct parity_run *other, const char *what, struct vec *lines)
{
	struct report r = {.what = what, .lines = lines};
	if (other->timed_out && !truth->timed_out)
		differ(&r, "did not end within the time-out");
	else if (truth->signal != other->signal)
		differ(&r, "ends by signal %d, here %d", truth->signal, other->signal);
	else if (truth->exit_code != other->exit_code)
		differ(&r, "exit status %d, here %d", truth->exit_code, other->exit_code);
	compare_bytes(&r, "stdout", &truth->out, &other->out);
	compare_bytes(&r, "stderr", &truth->errs, &other->errs);
	compare_files(&r, truth, other);
	return r.count;
}
