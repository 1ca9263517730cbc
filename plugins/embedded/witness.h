/*
 * witness: did this compile alone write its outputs?
 *
 * A result is read back from the files that the compiler wrote. When another
 * process writes to the same name meanwhile (two targets of a build that share an
 * output, a second build in the same directory), what lies there may be the
 * other's, and must not be stored.
 */
#ifndef EMBEDDED_WITNESS_H
#define EMBEDDED_WITNESS_H

#include <stdbool.h>
#include <stddef.h>

enum { WITNESS_FILES_MAX = 2 };

struct witness {
	int fd; /* of inotify; -1: nothing is watched */
	size_t count;
	struct witness_file {
		int watch; /* of its directory */
		const char *name;
		unsigned begun, done;
		bool odd;
	} files[WITNESS_FILES_MAX];
};

#define WITNESS_INIT ((struct witness){.fd = -1})

/* Watches the files at these absolute paths, which must outlive the witness. Where the system cannot, every answer is yes. */
void witness_begin(struct witness *, const char *const *paths, size_t count);
/*
 * Whether, since the begin or the last question, each file was written at most
 * `writes` times, from its beginning to its end, and by nobody else.
 */
bool witness_alone(struct witness *, unsigned writes);
void witness_release(struct witness *);

#endif
