/*
 * permits: how many compilers run at once.
 *
 * A permit is a lock on one byte of <cache root>/permits, on a descriptor of its
 * own: all soldr processes of a user with this cache directory share them, and the
 * kernel takes back the permit of a process that is killed. Only a run of a
 * compiler needs one; a hit, and a question to a compiler, never wait. A soldr that runs below a
 * permit (SOLDR_PERMIT in the request's environment) needs none of its own: its
 * parent waits for it.
 *
 * Who waits sleeps until a permit is given back, and looks by itself every
 * 100 ms, since a killed holder tells nobody. Who has waited for a second goes before all others.
 *
 * Without a limit nothing here makes a system call.
 */
#ifndef SOLDR_SERVICE_PERMITS_H
#define SOLDR_SERVICE_PERMITS_H

#include "config.h"

#include <soldr/service.h>

#define PERMITS_VARIABLE "SOLDR_PERMIT"

enum { PERMITS_MAX = 4096 }; /* permits; a limit is at most that */

struct permits_words; /* what is mapped */

struct permits {
	uint32_t max;                     /* 0: no limit */
	uint32_t (*in_flight)(void *arg); /* compilers that the host runs by itself, or NULL */
	void *in_flight_arg;
	char *file;
	struct permits_words *words;     /* mapped at first use */
};

struct permit {
	int fd; /* -1: none was needed, or none can be had */
};

#define PERMIT_NONE ((struct permit){-1})

/* What a wait is given up for: SOLDR_E_CANCELLED and the like, or 0. Asked at least every 100 ms. */
typedef int (*permits_stop_fn)(void *arg);

/* The limit that the config says: SOLDR_JOBS, else limits.max_parallel_compiles. */
uint32_t permits_configured(const struct config *);
/* Makes no system call. -1: memory is out. */
int permits_init(struct permits *, const struct config *);
/* What a host says in place of the config. */
int permits_override(struct permits *, const soldr_limits *, soldr_error *);
void permits_release(struct permits *);

/*
 * 0: a permit, which permits_give_back() gives back. Otherwise what stop() said.
 * A file that cannot be used is an error in *problem and lets the compile run: a limit never breaks a build.
 */
int permits_take(struct permits *, permits_stop_fn stop, void *arg, struct permit *, soldr_error *problem);
void permits_give_back(struct permits *, struct permit *);
/* Permits that are held on this machine now, of the first max. */
uint32_t permits_held(const struct config *, uint32_t max);

#endif
