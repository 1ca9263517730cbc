/*
 * fuzz: readers of text and files that soldr did not write itself, or that
 * somebody may have changed. One target is one function: it gives the bytes to
 * a reader and checks what has to hold whatever they are. What does not hold ends
 * the process.
 *
 * The same targets are built twice (main.c): with libFuzzer, which makes up the
 * bytes, and without it, to replay files with any compiler.
 */
#ifndef SOLDR_TESTS_FUZZ_H
#define SOLDR_TESTS_FUZZ_H

#include "buf.h"
#include "digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, bytes of one input at most) */
#define FUZZ_TARGETS(X) \
	X(config, 4096) \
	X(project, 4096) \
	X(environment, 2048) \
	X(response, 4096) \
	X(args_gcc, 4096) \
	X(args_clang, 4096) \
	X(args_rustc, 4096) \
	X(depfile, 8192) \
	X(depinfo, 8192) \
	X(scan, 8192) \
	X(expansion, 8192) \
	X(crates, 8192) \
	X(script, 4096) \
	X(toolchain, 4096) \
	X(cargo, 4096) \
	X(entry, 16384) \
	X(manifest, 8192) \
	X(history, 8192) \
	X(header_record, 4096) \
	X(compiler_memory, 4096) \
	X(mapped, 4096) \
	X(journal, 8192) \
	X(requests, 8192) \
	X(redact, 2048) \
	X(json, 2048) \
	X(path, 1024) \
	X(elf, 4096) \
	X(table, 2048) \
	X(archive, 8192) \
	X(object, 8192) \
	X(statslog, 2048)

#define FUZZ_DECLARE(name, max) void fuzz_##name(const uint8_t *data, size_t len);
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

/* Ends the process, saying what does not hold. */
void fuzz_broken(const char *file, int line, const char *what) __attribute__((noreturn));
#define HOLDS_ALWAYS(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

/* Takes one byte off the front; 0 where there is none. */
uint8_t fuzz_byte(const uint8_t **data, size_t *len);
/* The bytes up to the separator, NUL-terminated, taken off the front. For free(). */
char *fuzz_text(const uint8_t **data, size_t *len, uint8_t separator);
/* All lines as a list of strings. Release. */
struct vec fuzz_lines(const uint8_t *data, size_t len);
/* A directory of this process, removed when it ends, and a file in it with these bytes. Borrowed. */
const char *fuzz_dir(void);
const char *fuzz_file(const char *name, const void *data, size_t len);
/* The key that store files are sealed under. */
const struct digest *fuzz_key(void);

/* Writes first inputs for targets whose inputs nobody writes by hand; nothing for others. */
void fuzz_store_seeds(const char *target, const char *dir);

#endif
