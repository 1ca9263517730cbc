/* object: see object.h. */
#include "object.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

struct elf {
	const unsigned char *data;
	size_t len;
	bool wide, big; /* 64 bits; most significant byte first */
	uint64_t table, entry_size, count;
	uint64_t names, names_len; /* the section names */
};

/* A number of the file; size bytes at an offset. 0 past the end, which no check below takes for good. */
static uint64_t number(const struct elf *e, uint64_t at, unsigned size)
{
	uint64_t n = 0;
	if (at > e->len || e->len - at < size)
		return 0;
	for (unsigned i = 0; i < size; i++)
		n = n << 8 | e->data[at + (e->big ? i : size - 1 - i)];
	return n;
}

static uint64_t section(const struct elf *e, uint64_t index)
{
	return e->table + index * e->entry_size;
}

static uint64_t section_word(const struct elf *e, uint64_t index, size_t narrow, size_t wide)
{
	return number(e, section(e, index) + (e->wide ? wide : narrow), e->wide ? 8 : 4);
}

#define SECTION_WORD(e, index, member) section_word(e, index, offsetof(Elf32_Shdr, member), offsetof(Elf64_Shdr, member))

static bool open_elf(struct elf *e)
{
	e->wide = e->data[EI_CLASS] == ELFCLASS64;
	e->big = e->data[EI_DATA] == ELFDATA2MSB;
	e->table = e->wide ? number(e, offsetof(Elf64_Ehdr, e_shoff), 8) : number(e, offsetof(Elf32_Ehdr, e_shoff), 4);
	e->entry_size = number(e, e->wide ? offsetof(Elf64_Ehdr, e_shentsize) : offsetof(Elf32_Ehdr, e_shentsize), 2);
	e->count = number(e, e->wide ? offsetof(Elf64_Ehdr, e_shnum) : offsetof(Elf32_Ehdr, e_shnum), 2);
	uint64_t names = number(e, e->wide ? offsetof(Elf64_Ehdr, e_shstrndx) : offsetof(Elf32_Ehdr, e_shstrndx), 2);
	if (!e->table || e->table >= e->len || e->entry_size != (e->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return false;
	/* Numbers too large for the header are in the first section. */
	if (e->count == 0)
		e->count = SECTION_WORD(e, 0, sh_size);
	if (names == SHN_XINDEX)
		names = number(e, section(e, 0) + (e->wide ? offsetof(Elf64_Shdr, sh_link) : offsetof(Elf32_Shdr, sh_link)), 4);
	if (e->count == 0 || e->count > (e->len - e->table) / e->entry_size || names >= e->count)
		return false;
	e->names = SECTION_WORD(e, names, sh_offset);
	e->names_len = SECTION_WORD(e, names, sh_size);
	return e->names <= e->len && e->names_len <= e->len - e->names && e->names_len &&
	       e->data[e->names + e->names_len - 1] == 0;
}

static bool is_packed_name(const char *name)
{
	static const char *const heads[] = {".zdebug", ".gnu.lto_", ".gnu.debuglto_", ".llvmbc", ".llvm.lto"};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

bool object_is_searchable(const void *data, size_t len)
{
	struct elf e = {.data = data, .len = len};
	if (len < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0)
		return len == 0 || !memchr(data, 0, len);
	if (len < sizeof(Elf32_Ehdr) || !open_elf(&e))
		return false;
	for (uint64_t i = 0; i < e.count; i++) {
		uint64_t name = number(&e, section(&e, i), 4);
		if (SECTION_WORD(&e, i, sh_flags) & SHF_COMPRESSED || name >= e.names_len ||
		    is_packed_name((const char *)e.data + e.names + name))
			return false;
	}
	return true;
}
