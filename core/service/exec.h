/*
 * exec: runs a child to its end, or becomes it.
 *
 * The child gets the caller's process group, signal mask and dispositions as
 * they were at start-up, its descriptors (also the jobserver's), limits and
 * nice level. stdout and stderr are passed on as they come and, if asked,
 * kept in full. A stream that is a terminal stays one for the child (a pseudo
 * terminal of the same size). An exec that fails is reported with its errno.
 */
#ifndef SOLDR_SERVICE_EXEC_H
#define SOLDR_SERVICE_EXEC_H

#include "buf.h"
#include "err.h"

#include <signal.h>
#include <soldr/backend.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/*
 * Where the child's output goes. write: 0; EXEC_SINK_LOST: this output is lost (a full disk), and so is what comes, but the
 * child goes on; any other number: nobody listens any more, and the child meets a closed pipe.
 */
enum { EXEC_SINK_LOST = INT32_MIN };

struct exec_sink {
	int32_t (*write)(void *arg, uint32_t stream, const void *, uint64_t len);
	void *arg;
	uint32_t stdout_kind, stderr_kind; /* enum soldr_fd_kind, of what is behind write */
	int stdout_fd, stderr_fd;          /* descriptors behind write, or -1: for streams that need no copy */
};

/* What a child took. */
struct exec_cost {
	uint64_t spawn_ns;   /* until it was started */
	struct rusage used;  /* of it and what it waited for */
};

/* Told of each child, so that a program with signal handlers can forward. pid 0: ended. */
struct exec_watch {
	void (*child)(void *arg, pid_t pid);
	bool (*cancelled)(void *arg); /* polled at least every 100 ms; true: TERM, after 2 s KILL */
	void *arg;
	struct exec_cost *cost;       /* filled when the child has ended; or NULL */
};

struct exec_limits {
	int nice_add; /* added to the child's nice level; 0: as it is */
	/*
	 * The child begins a process group, which is what is stopped, and no signal is
	 * blocked or ignored in it: for programs whose threads arrange signals for themselves.
	 */
	bool own_group;
};

/*
 * argv, envp, cwd of spawn must be set. Captured data is malloc'ed into the exit struct.
 * SOLDR_E_INVALID: the child ran, and this program let somebody else take its end (SIGCHLD is ignored).
 */
int exec_run(const soldr_spawn *, const struct exec_sink *, const struct exec_watch *, const struct exec_limits *, soldr_exit *,
             soldr_error *);
/* Becomes the program; returns only on failure. */
int exec_replace(const soldr_spawn *, soldr_error *);

#endif
