/* object: which outputs can be searched for a path, which programs have a loader. */
#include "object.h"
#include "room.h"

#include <elf.h>
#include <stddef.h>

void suite_object(void);

static const char source[] = "static const char name[] = \"/some/where\"; const char *f(void) { return name; }\n";

/* What the compiler makes of the source with the options. false: it does not know them. */
static bool compile(struct room *room, const char *options, struct buf *object)
{
	room_put(room, "x.c", source);
	if (room_sh(room, "rm -f x.o; gcc %s -c x.c -o x.o 2>/dev/null", options) != 0)
		return false;
	*object = room_get(room, "x.o");
	return true;
}

static void objects_are_searchable_unless_packed(void)
{
	static const struct {
		const char *options;
		bool searchable;
	} rows[] = {
		{"-O1", true}, {"-g", true}, {"-g -m32", true}, {"-g -gz", false}, {"-g -gz=zlib-gnu", false}, {"-flto", false}, {"-S", true},
		{"-g -ffunction-sections", true},
	};
	struct room room;
	room_init(&room, "object");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf object = BUF_INIT;
		if (compile(&room, rows[i].options, &object) && object_is_searchable(object.data, object.len) != rows[i].searchable) {
			fprintf(stderr, "\n%s: expected %d\n", rows[i].options, rows[i].searchable);
			CU_FAIL("an object is searchable unless it is packed");
		}
		buf_release(&object);
	}
	room_release(&room);
}

/* A table of 65280 sections or more has its length elsewhere. */
static void an_object_of_many_sections_is_read(void)
{
	struct room room;
	struct buf text = BUF_INIT;
	room_init(&room, "object");
	for (int i = 0; i < 66000; i++)
		buf_addf(&text, ".section s%d\n.byte 0\n", i);
	room_put(&room, "many.s", buf_str(&text));
	SAME_NUMBER(room_sh(&room, "gcc -c many.s -o many.o"), 0);
	struct buf object = room_get(&room, "many.o");
	CU_ASSERT_TRUE(object_is_searchable(object.data, object.len));
	buf_release(&object);
	buf_release(&text);
	room_release(&room);
}

static void other_bytes_are_searchable_as_text_alone(void)
{
	CU_ASSERT_TRUE(object_is_searchable("", 0));
	CU_ASSERT_TRUE(object_is_searchable("plain text\n", 11));
	CU_ASSERT_FALSE(object_is_searchable("BC\xc0\xde\0\1", 6));
	CU_ASSERT_FALSE(object_is_searchable("\177ELF", 5));
}

/* The metadata of a crate, in a file or in a section, as it is or packed. */
static void metadata_is_searchable_unless_packed(void)
{
	static const char plain[] = "rust\0\0\0\n\1\0\0\0\0\0\0\0rust\0\0\0\n\2\0\0\0\0\0\0\0 /some/where";
	static const char packed[] = "rust\0\0\0\n\1\0\0\0\0\0\0\0\377\6\0\0sNaPpY";
	static const struct {
		const char *section, *content;
		size_t len;
		bool searchable;
	} rows[] = {
		{".rustc", plain, sizeof plain, true}, {".rustc", packed, sizeof packed, false}, {".rustc", plain, 16, false},
		{".rmeta", plain + 16, sizeof plain - 16, true}, {".rmeta", "\377\6\0\0sNaPpY", 11, false},
		{".other", packed, sizeof packed, true},
	};
	struct room room;
	room_init(&room, "object");
	CU_ASSERT_TRUE(object_is_searchable(plain + 16, sizeof plain - 16));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf object = BUF_INIT;
		CU_ASSERT_TRUE_FATAL(compile(&room, "-O1", &object));
		buf_release(&object);
		room_put_bytes(&room, "m", rows[i].content, rows[i].len);
		SAME_NUMBER(room_sh(&room, "objcopy --add-section %s=m x.o y.o", rows[i].section), 0);
		object = room_get(&room, "y.o");
		if (object_is_searchable(object.data, object.len) != rows[i].searchable) {
			fprintf(stderr, "\nrow %zu, %s: expected %d\n", i, rows[i].section, rows[i].searchable);
			CU_FAIL("metadata is searchable unless it is packed");
		}
		buf_release(&object);
	}
	room_release(&room);
}

static void archives_are_searchable_when_all_members_are(void)
{
	struct room room;
	struct buf object = BUF_INIT;
	room_init(&room, "object");
	CU_ASSERT_TRUE_FATAL(compile(&room, "-O1", &object));
	buf_release(&object);
	SAME_NUMBER(room_sh(&room, "echo text >a-member-with-a-long-name && ar crs good.a a-member-with-a-long-name x.o"), 0);
	CU_ASSERT_TRUE_FATAL(compile(&room, "-flto", &object));
	buf_release(&object);
	SAME_NUMBER(room_sh(&room, "cp good.a bad.a && ar q bad.a x.o 2>/dev/null"), 0);
	struct buf good = room_get(&room, "good.a"), bad = room_get(&room, "bad.a");
	CU_ASSERT_TRUE(object_is_searchable(good.data, good.len));
	CU_ASSERT_FALSE(object_is_searchable(bad.data, bad.len));
	for (size_t len = good.len - 200; len + 1 < good.len; len++) {
		char *cut = malloc(len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
		memcpy(cut, good.data, len);
		CU_ASSERT_FALSE(object_is_searchable(cut, len));
		free(cut);
	}
	buf_release(&good);
	buf_release(&bad);
	room_release(&room);
}

/* Cut and damaged objects, in memory of just their length: any answer, no harm; never searchable without the table. */
static void damaged_objects_do_no_harm(void)
{
	struct room room;
	struct buf object = BUF_INIT;
	room_init(&room, "object");
	CU_ASSERT_TRUE_FATAL(compile(&room, "-g", &object));
	for (size_t len = 5; len < object.len; len += len < 128 ? 1 : 37) {
		char *cut = malloc(len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
		memcpy(cut, object.data, len);
		CU_ASSERT_FALSE(object_is_searchable(cut, len));
		free(cut);
	}
	char *copy = malloc(object.len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	for (size_t at = 0; at < object.len; at += at < 64 || at > object.len - 2048 ? 1 : 61) {
		memcpy(copy, object.data, object.len);
		copy[at] = (char)(copy[at] ^ 0xff);
		object_is_searchable(copy, object.len);
	}
	free(copy);
	buf_release(&object);
	room_release(&room);
}

static void put_number(unsigned char *at, uint64_t value, size_t size, bool big)
{
	for (size_t i = 0; i < size; i++)
		at[big ? size - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

/* The first bytes of a program with two program headers, the second of the type. */
static size_t make_program(unsigned char *file, bool wide, bool big, uint32_t type)
{
	enum { AT = 80 };
	size_t word = wide ? sizeof(Elf64_Off) : sizeof(Elf32_Off), entry = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	memcpy(file, ELFMAG, SELFMAG);
	file[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	file[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
	put_number(file + (wide ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff)), AT, word, big);
	put_number(file + (wide ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize)), entry, 2, big);
	put_number(file + (wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)), 2, 2, big);
	put_number(file + AT, PT_LOAD, 4, big);
	put_number(file + AT + entry, type, 4, big);
	return AT + 2 * entry;
}

static void a_program_with_a_loader_is_told_whatever_its_machine(void)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		unsigned char file[256] = {0};
		size_t len = make_program(file, kind & 1, kind & 2, PT_INTERP);
		CU_ASSERT_TRUE(object_has_loader(file, len));
		for (size_t cut = 0; cut < 80; cut++)
			CU_ASSERT_FALSE(object_has_loader(file, cut));
		/* The other order is another number. */
		file[EI_DATA] = file[EI_DATA] == ELFDATA2MSB ? ELFDATA2LSB : ELFDATA2MSB;
		CU_ASSERT_FALSE(object_has_loader(file, len));
		len = make_program(file, kind & 1, kind & 2, PT_NOTE);
		CU_ASSERT_FALSE(object_has_loader(file, len));
	}
	CU_ASSERT_FALSE(object_has_loader(source, sizeof source));
}

void suite_object(void)
{
	CU_pSuite s = CU_add_suite("object", NULL, NULL);
	CU_add_test(s, "objects are searchable unless packed", objects_are_searchable_unless_packed);
	CU_add_test(s, "an object of many sections is read", an_object_of_many_sections_is_read);
	CU_add_test(s, "other bytes are searchable as text alone", other_bytes_are_searchable_as_text_alone);
	CU_add_test(s, "metadata is searchable unless packed", metadata_is_searchable_unless_packed);
	CU_add_test(s, "archives are searchable when all members are", archives_are_searchable_when_all_members_are);
	CU_add_test(s, "damaged objects do no harm", damaged_objects_do_no_harm);
	CU_add_test(s, "a program with a loader is told whatever its machine", a_program_with_a_loader_is_told_whatever_its_machine);
}
