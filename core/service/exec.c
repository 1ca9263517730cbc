/*
 * exec: see exec.h.
 *
 * posix_spawn starts the child: glibc and musl use a vfork there, so the cost
 * does not grow with the host's memory, it is safe in threaded programs, and an
 * exec that fails comes back as an error number. A stream that is neither kept
 * nor sent to a callback is inherited as it is, at no cost.
 *
 * The end of the child is seen by a pidfd in the same poll as its output: a
 * daemon that the child left behind may hold the pipes open for ever, and must
 * not hold us.
 */
#include "exec.h"

#include "clock.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "exec";

enum {
	READ_CHUNK = 64 * 1024,
	POLL_STEP_MS = 100,       /* how often cancellation and time-outs are looked at */
	KILL_AFTER_MS = 2000,     /* from TERM to KILL */
	CAPTURE_MAX_DEFAULT = 1 << 30
};

/* One of the child's two output streams. */
struct stream {
	uint32_t id;        /* enum soldr_stream */
	bool capture, mute;
	bool probe;         /* a question: its answer must not be coloured */
	bool is_tty;
	int parent;         /* our end of the pipe or terminal; -1: none or ended */
	int child;          /* what becomes the child's descriptor; -1: as it is */
	struct buf kept;
	bool truncated;
	bool deaf;          /* nobody listens any more */
};

/* A descriptor of 3 or more, so that it can never be mistaken for a standard stream. */
static int above_stdio(int fd)
{
	if (fd < 0 || fd > 2)
		return fd;
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sys.close(fd);
	return high;
}

static int open_pipe(struct stream *s)
{
	int ends[2];
	if (sys.pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	s->parent = above_stdio(ends[0]);
	s->child = above_stdio(ends[1]);
	return s->parent < 0 || s->child < 0 ? -1 : 0;
}

/* A terminal like the one behind real_fd, but passing bytes through unchanged. */
static int open_terminal(struct stream *s, int real_fd)
{
	char name[128];
	struct termios mode;
	struct winsize size;
	s->parent = above_stdio(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (s->parent < 0 || grantpt(s->parent) != 0 || unlockpt(s->parent) != 0 ||
	    ptsname_r(s->parent, name, sizeof name) != 0)
		return -1;
	s->child = above_stdio(sys.open(name, O_RDWR | O_NOCTTY | O_CLOEXEC, 0));
	if (s->child < 0 || (tcgetattr(real_fd, &mode) != 0 && tcgetattr(s->child, &mode) != 0))
		return -1;
	mode.c_oflag &= ~(tcflag_t)OPOST;
	mode.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(s->child, TCSANOW, &mode) != 0)
		return -1;
	if (ioctl(real_fd, TIOCGWINSZ, &size) == 0)
		ioctl(s->child, TIOCSWINSZ, &size);
	return 0;
}

static void stream_release(struct stream *s)
{
	if (s->parent >= 0)
		sys.close(s->parent);
	if (s->child >= 0)
		sys.close(s->child);
	buf_release(&s->kept);
	s->parent = s->child = -1;
}

/* Decides how the stream travels. real_fd: behind the sink, or -1. */
static int stream_open(struct stream *s, uint32_t kind, int real_fd, bool has_sink)
{
	bool tty = kind == SOLDR_FD_TTY;
	if (kind == SOLDR_FD_CLOSED && !s->capture)
		return 0;
	bool unheard = !s->capture && (s->mute || (real_fd < 0 && !has_sink));
	if (unheard) {
		s->child = above_stdio(sys.open("/dev/null", O_WRONLY | O_CLOEXEC, 0));
		if (s->child >= 0)
			return 0; /* else a pipe, whose bytes go nowhere */
	} else if (!s->capture && real_fd >= 0) {
		return 0;
	}
	s->is_tty = tty && !unheard && !(s->mute && s->probe);
	int rc = s->is_tty ? open_terminal(s, real_fd) : open_pipe(s);
	if (rc == 0)
		fcntl(s->parent, F_SETFL, fcntl(s->parent, F_GETFL) | O_NONBLOCK);
	return rc;
}

static void stream_keep(struct stream *s, const char *data, size_t len)
{
	if (!s->capture || s->truncated)
		return;
	buf_add(&s->kept, data, len);
	if (!buf_ok(&s->kept)) {
		buf_release(&s->kept);
		s->truncated = true;
	}
}

/* Takes what is there now. Closes our end at the end of the stream. */
static void stream_drain(struct stream *s, const struct exec_sink *sink)
{
	char chunk[READ_CHUNK];
	while (s->parent >= 0) {
		ssize_t n = sys.read(s->parent, chunk, sizeof chunk);
		if (n > 0) {
			stream_keep(s, chunk, (size_t)n);
			int32_t why = !s->mute && !s->deaf && sink->write ? sink->write(sink->arg, s->id, chunk, (uint64_t)n) : 0;
			if (why) {
				s->deaf = true;
				s->truncated = true;
			}
			if (why && why != EXEC_SINK_LOST) {
				/* As with the bare compiler: its next write meets a closed pipe. */
				sys.close(s->parent);
				s->parent = -1;
			}
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		sys.close(s->parent); /* end of file; EIO is a terminal's end */
		s->parent = -1;
	}
}

/* mask: of signals, for the child. */
static int set_attributes(posix_spawnattr_t *attr, bool own_group, const sigset_t *mask)
{
	short flags = POSIX_SPAWN_SETSIGMASK;
	sigset_t set;
	int rc = 0;
	if (own_group) {
		flags |= POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF;
		sigfillset(&set);
		rc = posix_spawnattr_setsigdefault(attr, &set);
		sigemptyset(&set);
		mask = &set;
	}
	if (!rc)
		rc = posix_spawnattr_setsigmask(attr, mask);
	return rc ? rc : posix_spawnattr_setflags(attr, flags);
}

static int spawn_child(const soldr_spawn *sp, const struct stream *out, const struct stream *errs, const struct exec_sink *sink,
                       bool own_group, const sigset_t *mask, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&actions);
		return rc;
	}
	if (sp->flags & SOLDR_SPAWN_NO_STDIN)
		rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!rc && out->child >= 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out->child, 1);
	else if (!rc && sink->stdout_fd > 2 && !out->capture)
		rc = posix_spawn_file_actions_adddup2(&actions, sink->stdout_fd, 1);
	if (!rc && errs->child >= 0)
		rc = posix_spawn_file_actions_adddup2(&actions, errs->child, 2);
	else if (!rc && sink->stderr_fd > 2 && !errs->capture)
		rc = posix_spawn_file_actions_adddup2(&actions, sink->stderr_fd, 2);
	if (!rc)
		rc = set_attributes(&attr, own_group, mask);
	if (!rc && sp->cwd)
		rc = posix_spawn_file_actions_addchdir_np(&actions, sp->cwd);
	if (!rc)
		rc = sys.spawn(pid, sp->file, &actions, &attr, (char *const *)(uintptr_t)sp->argv, (char *const *)(uintptr_t)sp->envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

/* TERM once, KILL after a while. why: the error that exec_run will give. */
struct stopper {
	pid_t whom; /* as for kill(): the child, or its group */
	int why;
	uint64_t since;
	bool killed;
};

static void stopper_look(struct stopper *st, const soldr_spawn *sp, const struct exec_watch *watch, uint64_t start)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	if (!st->why) {
		if (watch && watch->cancelled && watch->cancelled(watch->arg))
			st->why = SOLDR_E_CANCELLED;
		else if (sp->timeout_ns && now - start >= sp->timeout_ns)
			st->why = SOLDR_E_TIMEOUT;
		if (st->why) {
			kill(st->whom, SIGTERM);
			st->since = now;
		}
	} else if (!st->killed && now - st->since >= (uint64_t)KILL_AFTER_MS * 1000000u) {
		kill(st->whom, SIGKILL);
		st->killed = true;
	}
}

enum { END_UNKNOWN = -1 };

/* Waits for the child as the flags of waitid() say. False: it has not ended. END_UNKNOWN: somebody else took its end. */
static bool take_end(const struct stopper *st, pid_t pid, int flags, int *status, struct rusage *used)
{
	siginfo_t info = {.si_pid = 0};
	int rc;
	/* The rest of a group goes with the child that was stopped, while its number cannot mean another one. */
	if (st->why && st->whom < 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid)
		kill(st->whom, SIGKILL);
	do
		rc = wait4(pid, status, flags, used);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		*status = END_UNKNOWN;
	return rc != 0;
}

/* Moves output until the child has ended; its wait status. */
static int supervise(const soldr_spawn *sp, struct stream *out, struct stream *errs, const struct exec_sink *sink,
                     const struct exec_watch *watch, pid_t pid, uint64_t start, struct stopper *st, struct rusage *used)
{
	int status = 0, pidfd = open_pidfd(pid);
	bool timed = sp->timeout_ns || (watch && watch->cancelled);
	bool ended = false;
	while (!ended) {
		bool streaming = out->parent >= 0 || errs->parent >= 0;
		if (!streaming && !timed) {
			take_end(st, pid, 0, &status, used);
			break;
		}
		struct pollfd p[3] = {{out->parent, POLLIN, 0}, {errs->parent, POLLIN, 0}, {pidfd, POLLIN, 0}};
		poll(p, 3, timed || pidfd < 0 ? POLL_STEP_MS : -1);
		stream_drain(out, sink);
		stream_drain(errs, sink);
		if (timed)
			stopper_look(st, sp, watch, start);
		if (pidfd < 0 || (p[2].revents & POLLIN))
			ended = take_end(st, pid, WNOHANG, &status, used);
	}
	/* What the child wrote before it ended is all in the pipes by now. */
	stream_drain(out, sink);
	stream_drain(errs, sink);
	if (pidfd >= 0)
		sys.close(pidfd);
	return status;
}

static void hand_over(struct stream *s, void **data, uint64_t *len)
{
	*len = s->kept.len;
	*data = s->capture && !s->truncated ? buf_detach(&s->kept) : NULL;
	if (!*data)
		*len = 0;
}

int exec_run(const soldr_spawn *sp, const struct exec_sink *sink, const struct exec_watch *watch, const struct exec_limits *limits,
             soldr_exit *ex, soldr_error *err)
{
	struct stream out = {.id = SOLDR_STDOUT, .parent = -1, .child = -1};
	struct stream errs = {.id = SOLDR_STDERR, .parent = -1, .child = -1};
	out.capture = sp->flags & SOLDR_SPAWN_CAPTURE_STDOUT;
	errs.capture = sp->flags & SOLDR_SPAWN_CAPTURE_STDERR;
	out.mute = sp->flags & SOLDR_SPAWN_MUTE_STDOUT;
	errs.mute = sp->flags & SOLDR_SPAWN_MUTE_STDERR;
	out.probe = errs.probe = sp->flags & SOLDR_SPAWN_PROBE;
	out.kept.max = errs.kept.max = sp->capture_max ? (size_t)sp->capture_max : CAPTURE_MAX_DEFAULT;
	int rc = 0;
	pid_t pid = 0;
	struct stopper st = {0};

	if (stream_open(&out, sink->stdout_kind, sink->stdout_fd, sink->write) != 0 ||
	    stream_open(&errs, sink->stderr_kind, sink->stderr_fd, sink->write) != 0) {
		rc = err_set(err, SOLDR_E_IO, errno, origin, E403_NO_PIPE, sp->file);
		goto done;
	}
	int64_t started = (int64_t)clock_ns(CLOCK_REALTIME);
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	/* No signal may come between the start of the child and the moment its watcher knows whom to pass it on to. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool own_group = limits && limits->own_group;
	int why = spawn_child(sp, &out, &errs, sink, own_group, &before, &pid);
	if (!why && watch && watch->child)
		watch->child(watch->arg, pid);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why) {
		int code = why == ENOENT || why == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO;
		rc = err_set(err, code, why, origin, E401_NOT_RUN, sp->file);
		goto done;
	}
	if (limits && limits->nice_add) {
		errno = 0;
		int level = getpriority(PRIO_PROCESS, 0);
		if (level != -1 || errno == 0)
			setpriority(own_group ? PRIO_PGRP : PRIO_PROCESS, (id_t)pid, level + limits->nice_add);
	}
	for (int i = 0; i < 2; i++) {
		struct stream *s = i ? &errs : &out;
		if (s->child >= 0)
			sys.close(s->child);
		s->child = -1;
	}
	st.whom = own_group ? -pid : pid;
	struct exec_cost cost = {.spawn_ns = clock_ns(CLOCK_MONOTONIC) - start};
	int status = supervise(sp, &out, &errs, sink, watch, pid, start, &st, &cost.used);
	if (watch && watch->cost)
		*watch->cost = cost;
	if (watch && watch->child)
		watch->child(watch->arg, 0);
	if (st.why) {
		rc = err_set(err, st.why, 0, origin, E404_STOPPED, sp->file, err_code_text(st.why));
		goto done;
	}
	if (status == END_UNKNOWN) {
		rc = err_set(err, SOLDR_E_INVALID, 0, origin, E405_END_UNKNOWN, sp->file);
		goto done;
	}
	ex->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	ex->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	ex->truncated = out.truncated || errs.truncated;
	ex->wall_ns = clock_ns(CLOCK_MONOTONIC) - start;
	ex->start_realtime_ns = started;
	hand_over(&out, &ex->stdout_data, &ex->stdout_len);
	hand_over(&errs, &ex->stderr_data, &ex->stderr_len);
done:
	stream_release(&out);
	stream_release(&errs);
	return rc;
}

int exec_replace(const soldr_spawn *sp, soldr_error *err)
{
	if (sp->cwd && chdir(sp->cwd) != 0)
		return err_set(err, SOLDR_E_IO, errno, origin, E402_DIRECTORY_NOT_ENTERED, sp->cwd);
	execve(sp->file, (char *const *)(uintptr_t)sp->argv, (char *const *)(uintptr_t)sp->envp);
	return err_set(err, errno == ENOENT ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, origin, E401_NOT_RUN, sp->file);
}
