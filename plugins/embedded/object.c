/* object: see object.h. */
#include "object.h"

#include <ar.h>
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char metadata_head[7] = "rust\0\0\0";

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

static void tell_kind(struct elf *e)
{
	e->wide = e->data[EI_CLASS] == ELFCLASS64;
	e->big = e->data[EI_DATA] == ELFDATA2MSB;
}

static bool open_elf(struct elf *e)
{
	tell_kind(e);
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

/* Metadata of a crate. In a library that is loaded, a head and a length stand before it; packed, no second head follows. */
static bool is_plain_metadata(const unsigned char *data, uint64_t len, uint64_t at)
{
	return len >= at + sizeof metadata_head && memcmp(data + at, metadata_head, sizeof metadata_head) == 0;
}

static bool is_plain_section(const struct elf *e, uint64_t index, const char *name)
{
	uint64_t offset = SECTION_WORD(e, index, sh_offset), len = SECTION_WORD(e, index, sh_size);
	bool library = strcmp(name, ".rustc") == 0;
	if (!library && strcmp(name, ".rmeta") != 0)
		return true;
	return offset <= e->len && len <= e->len - offset && is_plain_metadata(e->data + offset, len, library ? 16 : 0);
}

static bool is_packed_name(const char *name)
{
	static const char *const heads[] = {".zdebug", ".gnu.lto_", ".gnu.debuglto_", ".llvmbc", ".llvm.lto"};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

static bool is_plain_elf(const void *data, size_t len)
{
	struct elf e = {.data = data, .len = len};
	if (len < sizeof(Elf32_Ehdr) || !open_elf(&e))
		return false;
	for (uint64_t i = 0; i < e.count; i++) {
		uint64_t at = number(&e, section(&e, i), 4);
		if (at >= e.names_len)
			return false;
		const char *name = (const char *)e.data + e.names + at;
		if (SECTION_WORD(&e, i, sh_flags) & SHF_COMPRESSED || is_packed_name(name) || !is_plain_section(&e, i, name))
			return false;
	}
	return true;
}

/* One file, no archive. */
static bool is_searchable(const void *data, size_t len)
{
	if (len >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0)
		return is_plain_elf(data, len);
	return len == 0 || is_plain_metadata(data, len, 0) || !memchr(data, 0, len);
}

/* The index of names, and the table of long ones. */
static bool is_table(const char *name)
{
	return strncmp(name, "/ ", 2) == 0 || strncmp(name, "// ", 3) == 0 || strncmp(name, "/SYM64/ ", 8) == 0;
}

static bool is_plain_archive(const char *data, size_t len)
{
	struct ar_hdr header;
	for (size_t at = SARMAG; at < len;) {
		char size[sizeof header.ar_size + 1] = {0}, *stop;
		if (len - at < sizeof header)
			return false;
		memcpy(&header, data + at, sizeof header);
		at += sizeof header;
		memcpy(size, header.ar_size, sizeof header.ar_size);
		unsigned long n = strtoul(size, &stop, 10);
		if (stop == size || n > len - at || (!is_table(header.ar_name) && !is_searchable(data + at, n)))
			return false;
		at += n + n % 2;
	}
	return true;
}

bool object_is_searchable(const void *data, size_t len)
{
	if (len >= SARMAG && memcmp(data, ARMAG, SARMAG) == 0)
		return is_plain_archive(data, len);
	return is_searchable(data, len);
}

bool object_has_loader(const void *data, size_t len)
{
	struct elf e = {.data = data, .len = len};
	if (len < sizeof(Elf32_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return false;
	tell_kind(&e);
	uint64_t at = e.wide ? number(&e, offsetof(Elf64_Ehdr, e_phoff), 8) : number(&e, offsetof(Elf32_Ehdr, e_phoff), 4);
	uint64_t size = number(&e, e.wide ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize), 2);
	uint64_t count = number(&e, e.wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum), 2);
	for (uint64_t i = 0; i < count && at < len; i++, at += size)
		if (number(&e, at, 4) == PT_INTERP)
			return true;
	return false;
}
