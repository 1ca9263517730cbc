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
#include <stdint.h>

enum { WITNESS_FILES_MAX = 32 };

struct witness_target {
	const char *path; /* absolute; must outlive the witness */
	bool rewritten;   /* the compiler writes into it, or renames over it, a second time */
};

struct witness {
	int events;       /* of inotify; -1: nothing is watched */
	int claims;       /* the store's file of claims; -1: none */
	uint32_t *starts; /* what is in it: how often each slot was claimed */
	bool shared;      /* a slot was held by another when it was claimed */
	size_t count;
	struct witness_file {
		const char *name;
		int watch;          /* of its directory */
		size_t slot;
		uint32_t start;     /* our number in the slot */
		unsigned begun, done;
		bool rewritten, renamed, odd;
	} files[WITNESS_FILES_MAX];
};

#define WITNESS_INIT ((struct witness){.events = -1, .claims = -1})

/*
 * Watches the files.
 * claims: the path of the file of claims, made when it is missing; NULL: none.
 * Where the system cannot tell, every answer is yes.
 */
void witness_begin(struct witness *, const char *claims, const struct witness_target *, size_t count);
/*
 * Whether, since the begin or the last question, each file was written at most
 * `writes` times (each a writing and a rewriting, for one that is rewritten),
 * from its beginning to its end, and by nobody else.
 */
bool witness_alone(struct witness *, unsigned writes);
/* No more will be asked. Early, since the kernel takes its time to forget what was watched, and a release waits for it. */
void witness_dismiss(struct witness *);
void witness_release(struct witness *);

#endif
