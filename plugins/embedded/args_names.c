/*
 * args_names: the languages, the assembler's and the front end's options, and
 * the drivers' names, each as one table.
 */
#include "args_names.h"

#include "args_table.h"
#include "path.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *name;
	enum language language;
} language_names[] = {
	{"c", LANGUAGE_C},
	{"c++", LANGUAGE_CXX},
	{"objective-c", LANGUAGE_OBJC},
	{"objective-c++", LANGUAGE_OBJCXX},
	{"cpp-output", LANGUAGE_C_CPP_OUTPUT},
	{"c++-cpp-output", LANGUAGE_CXX_CPP_OUTPUT},
	{"assembler", LANGUAGE_ASM},
	{"assembler-with-cpp", LANGUAGE_ASM_CPP},
	{"c-header", LANGUAGE_HEADER},
	{"c++-header", LANGUAGE_HEADER_CXX},
	{"c++-system-header", LANGUAGE_HEADER_CXX},
	{"c++-user-header", LANGUAGE_HEADER_CXX},
	{"c++-header-unit-header", LANGUAGE_HEADER_CXX},
	{"objective-c-header", LANGUAGE_HEADER_OBJC},
	{"objective-c++-header", LANGUAGE_HEADER_OBJCXX},
};

enum language language_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof language_names / sizeof language_names[0]; i++)
		if (!strcmp(language_names[i].name, name))
			return language_names[i].language;
	return LANGUAGE_UNKNOWN;
}

bool language_is_preprocessed(enum language language)
{
	return language == LANGUAGE_ASM || language == LANGUAGE_C_CPP_OUTPUT || language == LANGUAGE_CXX_CPP_OUTPUT;
}

bool language_is_header(enum language language)
{
	return language == LANGUAGE_HEADER || language == LANGUAGE_HEADER_CXX || language == LANGUAGE_HEADER_OBJC ||
	       language == LANGUAGE_HEADER_OBJCXX;
}

bool language_is_cxx(enum language language)
{
	return language == LANGUAGE_CXX || language == LANGUAGE_OBJCXX || language == LANGUAGE_HEADER_CXX || language == LANGUAGE_HEADER_OBJCXX;
}

static const struct {
	const char *extension;
	unsigned char families;
	unsigned char language, language_cxx; /* by gcc or clang; by g++ or clang++ */
} extensions[] = {
	{".c", OPTION_FOR_BOTH, LANGUAGE_C, LANGUAGE_CXX},
	{".cc", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".cpp", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".cxx", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".C", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".cp", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".CPP", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".c++", OPTION_FOR_BOTH, LANGUAGE_CXX, LANGUAGE_CXX},
	{".i", OPTION_FOR_BOTH, LANGUAGE_C_CPP_OUTPUT, LANGUAGE_CXX_CPP_OUTPUT},
	{".ii", OPTION_FOR_BOTH, LANGUAGE_CXX_CPP_OUTPUT, LANGUAGE_CXX_CPP_OUTPUT},
	{".m", OPTION_FOR_BOTH, LANGUAGE_OBJC, LANGUAGE_OBJC},
	{".mm", OPTION_FOR_BOTH, LANGUAGE_OBJCXX, LANGUAGE_OBJCXX},
	{".M", OPTION_FOR_BOTH, LANGUAGE_OBJCXX, LANGUAGE_OBJCXX},
	{".s", OPTION_FOR_BOTH, LANGUAGE_ASM, LANGUAGE_ASM},
	{".S", OPTION_FOR_BOTH, LANGUAGE_ASM_CPP, LANGUAGE_ASM_CPP},
	{".sx", OPTION_FOR_GCC, LANGUAGE_ASM_CPP, LANGUAGE_ASM_CPP},
	{".h", OPTION_FOR_BOTH, LANGUAGE_HEADER, LANGUAGE_HEADER_CXX},
	{".hh", OPTION_FOR_BOTH, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".hpp", OPTION_FOR_BOTH, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".hxx", OPTION_FOR_BOTH, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".H", OPTION_FOR_BOTH, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".hp", OPTION_FOR_GCC, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".HPP", OPTION_FOR_GCC, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".h++", OPTION_FOR_GCC, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
	{".tcc", OPTION_FOR_GCC, LANGUAGE_HEADER_CXX, LANGUAGE_HEADER_CXX},
};

enum language language_of_file(enum family family, const char *path, bool cxx)
{
	unsigned mask = family == FAMILY_CLANG ? OPTION_FOR_CLANG : OPTION_FOR_GCC;
	const char *extension = path_ext(path);

	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
		if ((extensions[i].families & mask) && !strcmp(extensions[i].extension, extension))
			return cxx ? extensions[i].language_cxx : extensions[i].language;
	return LANGUAGE_UNKNOWN;
}

/* Whether text is pattern, whose final '*' stands for any rest. */
static bool matches(const char *pattern, const char *text)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, text, len - 1);
	return !strcmp(pattern, text);
}

static const struct assembler_option assembler_options[] = {
	{"--32", false, false},
	{"--64", false, false},
	{"--x32", false, false},
	{"--noexecstack", false, false},
	{"--execstack", false, false},
	{"--fatal-warnings", false, false},
	{"--no-warn", false, false},
	{"--warn", false, false},
	{"-W", false, false},
	{"--defsym", true, false},
	{"-defsym", true, false},
	{"--divide", false, false},
	{"--keep-locals", false, false},
	{"-L", false, false},
	{"--strip-local-absolute", false, false},
	{"--traditional-format", false, false},
	{"--reduce-memory-overheads", false, false},
	{"--no-pad-sections", false, false},
	{"--compress-debug-sections*", false, false},
	{"-compress-debug-sections*", false, false},
	{"--nocompress-debug-sections", false, false},
	{"--elf-stt-common=*", false, false},
	{"--size-check=*", false, false},
	{"--generate-missing-build-notes=*", false, false},
	{"--alternate", false, false},
	{"-I", true, false},
	{"-I*", false, false},
	{"-g*", false, true},
	{"--gen-debug", false, true},
	{"--gdwarf*", false, true},
	{"--gstabs*", false, true},
	{"--debug-prefix-map", true, true},
	{"--debug-prefix-map=*", false, true},
	{"-mcpu=*", false, false},
	{"-march=*", false, false},
	{"-mtune=*", false, false},
	{"-mfpu=*", false, false},
	{"-mabi=*", false, false},
	{"-mfloat-abi=*", false, false},
	{"-mimplicit-it=*", false, false},
	{"-mthumb*", false, false},
	{"-mrelax-relocations=*", false, false},
	{"-mrelax", false, false},
	{"-mno-relax", false, false},
	{"-mbranches-within-32B-boundaries", false, false},
	{"-malign-branch*", false, false},
	{"-mx86-used-note=*", false, false},
	{"-mlfence-*", false, false},
	{"-momit-lock-prefix=*", false, false},
	{"-mfence-as-lock-add=*", false, false},
	{"-mshared", false, false},
	{"-mno-shared", false, false},
	{"-msyntax=*", false, false},
	{"-mmnemonic=*", false, false},
	{"-mnaked-reg", false, false},
	{"-meabi=*", false, false},
	{"-mpower*", false, false},
	{"-many", false, false},
};

const struct assembler_option *assembler_option_find(const char *item)
{
	for (size_t i = 0; i < sizeof assembler_options / sizeof assembler_options[0]; i++)
		if (matches(assembler_options[i].spelling, item))
			return &assembler_options[i];
	return NULL;
}

const char *assembler_listing_file(const char *item)
{
	size_t kinds = !strncmp(item, "-a", 2) ? strspn(item + 2, "cdlmn") : 0;

	return kinds && memchr(item + 2, 'n', kinds) && item[2 + kinds] == '=' ? item + 3 + kinds : NULL;
}

bool frontend_option_is_safe(const char *value)
{
	static const char *const safe[] = {
		"-target-feature", "+*", "-disable-O0-optnone", "-disable-llvm-passes", "-disable-llvm-verifier",
		"-disable-llvm-optzns", "-no-opaque-pointers", "-opaque-pointers", "-fmerge-functions",
		"-fforce-enable-int128", "-fnative-half-type", "-fallow-half-arguments-and-returns", "-mrelax-relocations=no",
		"-fdefault-calling-conv=*", "-fno-math-builtin", "-fexperimental-max-bitint-width=*",
		"-debug-info-kind=none", "-mdisable-tail-calls", "-mno-constructor-aliases",
	};

	for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
		if (matches(safe[i], value))
			return true;
	return false;
}

bool backend_option_is_safe(const char *value)
{
	/* Words in the names of options that write files, print reports or time the compiler. */
	static const char *const unsafe[] = {
		"time", "stats", "statistics", "track-memory", "file", "output", "print", "debug-only", "debug-pass", "view",
		"dot-", "dump", "remarks", "profile", "memprof", "record", "trace", "load", "path", "report", "verbose",
	};

	for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
		if (strstr(value, unsafe[i]))
			return false;
	return true;
}

bool option_warns_of_missing_directories(const char *option)
{
	return strncmp(option, "-W", 2) == 0 && (strstr(option, "missing-include-dirs") || strstr(option, "everything"));
}

bool option_resolves_names(const char *option)
{
	return strcmp(option, "-fdiagnostics-absolute-paths") == 0;
}

static const struct {
	const char *tool;
	enum family family;
	bool cxx, preprocessor;
} programs[] = {
	{"gcc", FAMILY_GCC, false, false},
	{"xgcc", FAMILY_GCC, false, false},
	{"g++", FAMILY_GCC, true, false},
	{"xg++", FAMILY_GCC, true, false},
	{"clang", FAMILY_CLANG, false, false},
	{"clang++", FAMILY_CLANG, true, false},
	{"cc", FAMILY_UNKNOWN, false, false},
	{"c++", FAMILY_UNKNOWN, true, false},
	{"cpp", FAMILY_UNKNOWN, false, true},
};

/* The length of base without what packagers put behind a driver's name: -12, -12.2.0, 14, -posix, -win32. */
static size_t length_without_version(const char *base)
{
	static const char *const threads[] = {"-posix", "-win32"};
	size_t len = strlen(base);

	for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
		size_t tail = strlen(threads[i]);

		if (len > tail && !strcmp(base + len - tail, threads[i]))
			len -= tail;
	}
	while (len > 0 && (isdigit((unsigned char)base[len - 1]) || base[len - 1] == '.'))
		len--;
	if (len > 0 && base[len - 1] == '-')
		len--;
	return len;
}

struct program_name program_name_of(const char *base)
{
	size_t len = length_without_version(base), start = len;

	while (start > 0 && base[start - 1] != '-')
		start--;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		if (strlen(programs[i].tool) != len - start || strncmp(programs[i].tool, base + start, len - start) != 0)
			continue;
		/* "clang-g++" and "clang-cpp" are names of Clang. */
		bool clang = start >= 6 && !strncmp(base + start - 6, "clang-", 6);
		return (struct program_name){
			.family = clang ? FAMILY_CLANG : programs[i].family,
			.known = true,
			.cxx = programs[i].cxx,
			.preprocessor = programs[i].preprocessor,
		};
	}
	return (struct program_name){.family = FAMILY_UNKNOWN};
}

enum family family_of_name(const char *base)
{
	return program_name_of(base).family;
}
