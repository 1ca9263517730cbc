/*
 * conform_elf: what the file of a plugin says of itself: how it is bound, and
 * what it shows to others. The file was checked and loaded before; what does
 * not fit is still read as if it came from a broken linker.
 */
#include "conform.h"

#include "fs.h"

#include <elf.h>
#include <link.h>
#include <string.h>

enum { FILE_MAX = 256 << 20 };

/* The bytes of section number i; NULL: none. */
static const char *section(const struct buf *file, size_t i, ElfW(Shdr) *head)
{
	ElfW(Ehdr) elf;
	*head = (ElfW(Shdr)){0};
	if (file->len < sizeof elf)
		return NULL;
	memcpy(&elf, file->data, sizeof elf);
	if (i >= elf.e_shnum || elf.e_shoff > file->len || (file->len - elf.e_shoff) / sizeof *head <= i)
		return NULL;
	memcpy(head, file->data + elf.e_shoff + i * sizeof *head, sizeof *head);
	return head->sh_offset <= file->len && head->sh_size <= file->len - head->sh_offset ? file->data + head->sh_offset : NULL;
}

/* Those of the first section of a type. */
static const char *section_of(const struct buf *file, uint32_t type, ElfW(Shdr) *head)
{
	for (size_t i = 0; i <= UINT16_MAX; i++) {
		const char *data = section(file, i, head);
		if (data && head->sh_type == type)
			return data;
	}
	*head = (ElfW(Shdr)){0};
	return NULL;
}

/* 0 where there is a file to look into. */
static int read_plugin(struct conform *c, struct buf *file)
{
	soldr_error err = SOLDR_ERROR_INIT;
	if (*c->plugin.path != '/')
		return conform_skip(c, "soldr holds it itself: there is no file");
	return fs_read_file(c->plugin.path, FILE_MAX, file, &err) ? conform_fail(c, "%s", err.message) : 0;
}

int conform_bind_now(struct conform *c)
{
	struct buf file = BUF_INIT;
	ElfW(Shdr) head;
	int rc = read_plugin(c, &file);
	if (rc)
		return rc;
	const char *dynamic = section_of(&file, SHT_DYNAMIC, &head);
	bool now = false;
	for (size_t at = 0; dynamic && at + sizeof(ElfW(Dyn)) <= head.sh_size; at += sizeof(ElfW(Dyn))) {
		ElfW(Dyn) d;
		memcpy(&d, dynamic + at, sizeof d);
		now = now || d.d_tag == DT_BIND_NOW || (d.d_tag == DT_FLAGS && (d.d_un.d_val & DF_BIND_NOW)) ||
		      (d.d_tag == DT_FLAGS_1 && (d.d_un.d_val & DF_1_NOW));
	}
	buf_release(&file);
	return now ? 0 : conform_fail(c, "it is not linked with -Wl,-z,now: a missing symbol would end a compile in its middle");
}

static bool belongs(const char *name)
{
	static const char tail[] = "_LTX_soldr_backend_v1";
	size_t n = strlen(name), m = sizeof tail - 1;
	/* Sanitizers show their own. */
	return strcmp(name, "soldr_backend_v1") == 0 || (n > m && strcmp(name + n - m, tail) == 0) || strncmp(name, "__", 2) == 0;
}

int conform_exports(struct conform *c)
{
	struct buf file = BUF_INIT;
	ElfW(Shdr) symbols_head, names_head;
	char first[64] = "";
	size_t others = 0;
	int rc = read_plugin(c, &file);
	if (rc)
		return rc;
	const char *symbols = section_of(&file, SHT_DYNSYM, &symbols_head), *names = section(&file, symbols_head.sh_link, &names_head);
	for (size_t at = 0; symbols && names && at + sizeof(ElfW(Sym)) <= symbols_head.sh_size; at += sizeof(ElfW(Sym))) {
		ElfW(Sym) s;
		memcpy(&s, symbols + at, sizeof s);
		unsigned bind = s.st_info >> 4;
		bool shown = s.st_shndx != SHN_UNDEF && s.st_shndx < SHN_LORESERVE && (bind == STB_GLOBAL || bind == STB_WEAK) &&
		             s.st_name < names_head.sh_size;
		if (!shown || belongs(names + s.st_name))
			continue;
		if (!others++)
			strncpy(first, names + s.st_name, sizeof first - 1);
	}
	buf_release(&file);
	return others ? conform_fail(c, "it also exports %s%s: a program that loads it may have the same names; use a version script like "
	                                "plugins/null/null.map", first, others > 1 ? " and others" : "") : 0;
}
