/*
 * response: expands @file arguments as the drivers of GCC and Clang do.
 *
 * Both replace an argument "@file" by the words of the file, again and again,
 * with paths relative to the working directory. They agree on plain words,
 * quotes and most backslashes, but not on every byte (docs/architecture.md):
 * a file on which two versions could disagree is refused rather than guessed.
 */
#ifndef EMBEDDED_RESPONSE_H
#define EMBEDDED_RESPONSE_H

#include "buf.h"

enum {
	RESPONSE_MAX_DEPTH = 32,         /* files that include one another */
	RESPONSE_MAX_FILES = 1000,       /* in one command line */
	RESPONSE_MAX_BYTES = 16 << 20    /* of all files together */
};

enum response_status {
	RESPONSE_OK,
	RESPONSE_REFUSED,  /* detail says which file */
	RESPONSE_NO_MEMORY
};

struct response {
	struct vec args; /* the arguments; one that could not be expanded stays as it is */
	bool expanded;   /* at least one file was replaced by its words */
	char detail[200];
};

#define RESPONSE_INIT ((struct response){0})

/* Expands argv (NULL-ended; argv[0] is never expanded). cwd: absolute. Release in every case. */
enum response_status response_expand(struct response *, const char *const *argv, const char *cwd);
void response_release(struct response *);

/*
 * Splits the text of a response file into words. False: its meaning depends on
 * who reads it (an open quote, a backslash that shells and older drivers read
 * differently, a NUL, a byte-order mark), or memory is out (vec_ok() tells).
 */
bool response_split(const char *text, size_t len, struct vec *words);

#endif
