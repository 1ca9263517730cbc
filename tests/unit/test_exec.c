/*
 * exec: children run to their end, what they write, how they end, and what they
 * inherit. Children are /bin/sh. Tests that need another set of descriptors run
 * in a process of their own.
 */
#include "exec.h"
#include "native_test.h"
#include "room.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <termios.h>

extern char **environ;

void suite_exec(void);

enum { CAPTURE_BOTH = SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_CAPTURE_STDERR,
	MUTE_BOTH = SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR };

/* One run: what to do before, what came out after. */
struct run {
	uint32_t flags;
	uint64_t timeout_ns, capture_max;
	const char *cwd;
	struct exec_watch *watch;
	struct exec_limits limits;
	struct exec_sink sink;
	struct buf seen[2]; /* by the sink: stdout, stderr */
	soldr_exit ex;
	soldr_error err;
};

static int32_t collect(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct run *r = arg;
	buf_add(&r->seen[stream == SOLDR_STDERR], data, (size_t)len);
	return 0;
}

static void run_init(struct run *r)
{
	*r = (struct run){
		.sink = {.write = collect, .stdout_fd = -1, .stderr_fd = -1},
		.ex = {.struct_size = sizeof r->ex, .exit_code = -1, .signal = -1},
		.err = SOLDR_ERROR_INIT,
	};
	r->sink.arg = r;
}

static void run_release(struct run *r)
{
	free(r->ex.stdout_data);
	free(r->ex.stderr_data);
	buf_release(&r->seen[0]);
	buf_release(&r->seen[1]);
}

static int run_argv(struct run *r, const char *file, const char *const *argv)
{
	const soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = r->flags,
		.file = file,
		.argv = argv,
		.envp = (const char *const *)environ,
		.cwd = r->cwd,
		.timeout_ns = r->timeout_ns,
		.capture_max = r->capture_max,
	};
	return exec_run(&sp, &r->sink, r->watch, &r->limits, &r->ex, &r->err);
}

static int run_sh(struct run *r, const char *script)
{
	return run_argv(r, "/bin/sh", (const char *const[]){"sh", "-c", script, NULL});
}

static void expect_exit(const char *script, int code, int signal)
{
	struct run r;
	run_init(&r);
	SAME_NUMBER(run_sh(&r, script), 0);
	SAME_NUMBER(r.ex.exit_code, code);
	SAME_NUMBER(r.ex.signal, signal);
	CU_ASSERT(r.ex.start_realtime_ns > 0);
	run_release(&r);
}

static void the_end_is_reported(void)
{
	expect_exit("exit 0", 0, 0);
	expect_exit("exit 1", 1, 0);
	expect_exit("exit 255", 255, 0);
	expect_exit("kill -KILL $$", 0, SIGKILL);
	expect_exit("kill -TERM $$", 0, SIGTERM);
	/* As the shell saw a grandchild's: a plain status. */
	expect_exit("sh -c 'kill -KILL $$'; exit $?", 128 + SIGKILL, 0);
}

static void expect_no_start(struct run *r, const char *file, int code, int why)
{
	SAME_NUMBER(run_argv(r, file, (const char *const[]){file, NULL}), code);
	SAME_NUMBER(r->err.sys_errno, why);
	HOLDS(r->err.message, file);
	/* Outputs are untouched. */
	SAME_NUMBER(r->ex.exit_code, -1);
	SAME_NUMBER(r->ex.signal, -1);
	CU_ASSERT_PTR_NULL(r->ex.stdout_data);
}

static void an_exec_that_fails_says_why(void)
{
	struct room room;
	struct run r;
	room_init(&room, "exec");
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	expect_no_start(&r, room_path(&room, "none"), SOLDR_E_NOT_FOUND, ENOENT);
	expect_no_start(&r, room_put(&room, "plain", "text"), SOLDR_E_IO, EACCES);
	expect_no_start(&r, room_path(&room, "plain/below"), SOLDR_E_NOT_FOUND, ENOTDIR);
	expect_no_start(&r, room_put_program(&room, "text", "no program"), SOLDR_E_IO, ENOEXEC);
	expect_no_start(&r, room.dir, SOLDR_E_IO, EACCES);
	room_release(&room);
	run_release(&r);
}

/* ---- streams ------------------------------------------------------------------------- */

static void streams_are_kept_apart(void)
{
	struct run r;
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	SAME_NUMBER(run_sh(&r, "printf 'o\\000ut'; printf err >&2"), 0);
	SAME_BYTES(r.ex.stdout_data, r.ex.stdout_len, "o\0ut", 4);
	SAME_BYTES(r.ex.stderr_data, r.ex.stderr_len, "err", 3);
	SAME_BYTES(r.seen[0].data, r.seen[0].len, "o\0ut", 4);
	SAME_BYTES(r.seen[1].data, r.seen[1].len, "err", 3);
	SAME_NUMBER(r.ex.truncated, 0);
	run_release(&r);

	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDERR;
	SAME_NUMBER(run_sh(&r, "echo out; echo err >&2"), 0);
	CU_ASSERT_PTR_NULL(r.ex.stdout_data);
	SAME_BYTES(r.ex.stderr_data, r.ex.stderr_len, "err\n", 4);
	SAME_BYTES(r.seen[0].data, r.seen[0].len, "out\n", 4);
	run_release(&r);
}

/* More than any pipe holds, on both at once: whoever reads one to its end first hangs here. */
static void ten_megabytes_on_both_streams(void)
{
	enum { SIZE = 10 << 20 };
	struct run r;
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	SAME_NUMBER(run_sh(&r, "head -c 10485760 /dev/zero & head -c 10485760 /dev/zero | tr '\\000' e >&2; wait"), 0);
	SAME_NUMBER(r.ex.stdout_len, SIZE);
	SAME_NUMBER(r.ex.stderr_len, SIZE);
	SAME_NUMBER(r.seen[0].len, SIZE);
	SAME_NUMBER(r.seen[1].len, SIZE);
	bool same = r.ex.stderr_len == SIZE && r.seen[1].len == SIZE && memcmp(r.ex.stderr_data, r.seen[1].data, SIZE) == 0;
	for (size_t i = 0; same && i < SIZE; i++)
		same = r.seen[1].data[i] == 'e' && r.seen[0].data[i] == 0;
	CU_ASSERT(same);
	run_release(&r);
}

static void muted_streams_are_not_passed_on(void)
{
	struct run r;
	run_init(&r);
	r.flags = CAPTURE_BOTH | MUTE_BOTH;
	SAME_NUMBER(run_sh(&r, "echo out; echo err >&2"), 0);
	SAME_BYTES(r.ex.stdout_data, r.ex.stdout_len, "out\n", 4);
	SAME_BYTES(r.ex.stderr_data, r.ex.stderr_len, "err\n", 4);
	SAME_NUMBER(r.seen[0].len + r.seen[1].len, 0);
	run_release(&r);
	run_init(&r);
	r.flags = MUTE_BOTH;
	SAME_NUMBER(run_sh(&r, "echo out && echo err >&2 && exit 5"), 0);
	SAME_NUMBER(r.ex.exit_code, 5);
	SAME_NUMBER(r.seen[0].len + r.seen[1].len, 0);
	CU_ASSERT_PTR_NULL(r.ex.stdout_data);
	run_release(&r);
}

static void past_the_maximum_all_is_shown_and_nothing_kept(void)
{
	struct run r;
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	r.capture_max = 1000;
	SAME_NUMBER(run_sh(&r, "head -c 200000 /dev/zero; echo err >&2"), 0);
	SAME_NUMBER(r.ex.truncated, 1);
	CU_ASSERT_PTR_NULL(r.ex.stdout_data);
	SAME_NUMBER(r.ex.stdout_len, 0);
	SAME_NUMBER(r.seen[0].len, 200000);
	run_release(&r);
}

static void descriptors_of_the_sink_are_used_as_they_are(void)
{
	struct room room;
	struct run r;
	room_init(&room, "exec");
	run_init(&r);
	int fd = open(room_put(&room, "out", ""), O_WRONLY | O_CLOEXEC);
	r.sink.stdout_fd = r.sink.stderr_fd = fd;
	SAME_NUMBER(run_sh(&r, "echo out; echo err >&2"), 0);
	struct buf b = room_get(&room, "out");
	SAME(buf_str(&b), "out\nerr\n");
	SAME_NUMBER(r.seen[0].len + r.seen[1].len, 0);
	buf_release(&b);
	close(fd);
	run_release(&r);
	room_release(&room);
}

static int32_t refuse(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	(void)stream, (void)data, (void)len;
	++*(int *)arg;
	return EPIPE;
}

static void a_sink_that_closes_is_a_closed_pipe(void)
{
	struct run r;
	int calls = 0;
	run_init(&r);
	r.sink.write = refuse;
	r.sink.arg = &calls;
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT;
	void (*before)(int) = signal(SIGPIPE, SIG_DFL);
	SAME_NUMBER(run_argv(&r, "/usr/bin/yes", (const char *const[]){"yes", NULL}), 0);
	signal(SIGPIPE, before);
	SAME_NUMBER(r.ex.signal, SIGPIPE);
	SAME_NUMBER(calls, 1);
	/* What was not seen to the end is never taken for the whole. */
	SAME_NUMBER(r.ex.truncated, 1);
	CU_ASSERT_PTR_NULL(r.ex.stdout_data);
	run_release(&r);
}

/* A process left behind keeps the pipes open; the child's own end ends the run. */
static void a_daemon_that_holds_the_pipes_does_not_hold_us(void)
{
	struct run r;
	long pid = 0;
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	SAME_NUMBER(run_sh(&r, "sleep 600 & echo $!"), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.ex.stdout_data);
	CU_ASSERT_EQUAL(sscanf(r.ex.stdout_data, "%ld", &pid), 1);
	/* It still lives, so nobody waited for it. */
	CU_ASSERT(pid > 1 && kill((pid_t)pid, 0) == 0);
	if (pid > 1)
		kill((pid_t)pid, SIGKILL);
	run_release(&r);
}

/* ---- standard streams that are closed, stdin, inherited descriptors ---------------------- */

/* Runs body in a process of its own; its exit status. */
static int apart(int (*body)(void *), void *arg)
{
	int status = -1;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(body(arg));
	CU_ASSERT_FATAL(pid > 0);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int with_closed_streams(void *arg)
{
	const bool *closed = arg;
	struct run r;
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	for (int fd = 0; fd < 3; fd++)
		if (closed[fd])
			close(fd);
	int rc = run_sh(&r, "[ -e /proc/$$/fd/0 ] && printf 0; printf out; printf err >&2");
	/* Captured streams are pipes whatever ours were; stdin stays what it is. */
	const char *expected = closed[0] ? "out" : "0out";
	bool same = r.ex.stdout_len == strlen(expected) && memcmp(r.ex.stdout_data, expected, strlen(expected)) == 0 &&
	            r.ex.stderr_len == 3 && memcmp(r.ex.stderr_data, "err", 3) == 0;
	run_release(&r);
	return rc ? 2 : same ? 0 : 3;
}

static void closed_standard_streams_stay_closed(void)
{
	for (unsigned set = 0; set < 8; set++) {
		bool closed[3] = {set & 1, set & 2, set & 4};
		SAME_NUMBER(apart(with_closed_streams, closed), 0);
	}
}

/* A closed sink that nothing is captured of: the child has no such descriptor. */
static int with_closed_sink(void *arg)
{
	struct run r;
	(void)arg;
	run_init(&r);
	close(1);
	r.sink.stdout_kind = SOLDR_FD_CLOSED;
	int rc = run_sh(&r, "[ -e /proc/$$/fd/1 ] && exit 3; echo x 2>/dev/null; exit 0");
	run_release(&r);
	return rc ? 2 : r.ex.exit_code;
}

static void a_closed_sink_is_closed_for_the_child(void)
{
	SAME_NUMBER(apart(with_closed_sink, NULL), 0);
}

static int with_text_on_stdin(void *arg)
{
	const bool *none = arg;
	int ends[2];
	struct run r;
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT | (*none ? SOLDR_SPAWN_NO_STDIN : 0u);
	if (pipe(ends) != 0 || write(ends[1], "text", 4) != 4 || dup2(ends[0], 0) != 0)
		return 9;
	close(ends[1]);
	int rc = run_sh(&r, "cat");
	size_t expected = *none ? 0 : 4;
	bool same = r.ex.stdout_len == expected;
	run_release(&r);
	return rc ? 2 : same ? 0 : 3;
}

static void stdin_is_ours_or_empty(void)
{
	bool none = false;
	SAME_NUMBER(apart(with_text_on_stdin, &none), 0);
	none = true;
	SAME_NUMBER(apart(with_text_on_stdin, &none), 0);
}

/* The child names its descriptors while its end of `wait` keeps it alive. */
struct listing {
	int go;       /* a byte here lets the child go on */
	pid_t pid;
	unsigned char child[256];
	bool looked;
};

static int32_t list_descriptors(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct listing *l = arg;
	(void)stream, (void)data, (void)len;
	for (int fd = 0; fd < 256; fd++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)l->pid, fd);
		l->child[fd] = lstat(path, &st) == 0;
	}
	l->looked = true;
	return write(l->go, "x\n", 2) == 2 ? 0 : EIO;
}

static void note_child(void *arg, pid_t pid)
{
	struct listing *l = arg;
	if (pid)
		l->pid = pid;
}

static int with_inherited_descriptors(void *arg)
{
	int ends[2];
	struct run r;
	struct listing l = {0};
	struct exec_watch watch = {.child = note_child, .arg = &l};
	(void)arg;
	run_init(&r);
	if (pipe(ends) != 0 || dup2(ends[0], 0) != 0 || dup2(ends[0], 9) != 9 || dup2(ends[0], 200) != 200)
		return 9;
	l.go = ends[1];
	r.sink.write = list_descriptors;
	r.sink.arg = &l;
	r.watch = &watch;
	bool ours[256];
	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);
		ours[fd] = flags >= 0 && !(flags & FD_CLOEXEC);
	}
	int rc = run_sh(&r, "echo ready; read x");
	run_release(&r);
	if (rc || r.ex.exit_code || !l.looked)
		return 2;
	for (int fd = 0; fd < 256; fd++)
		if (ours[fd] != (l.child[fd] != 0)) {
			fprintf(stderr, "descriptor %d: ours %d, the child's %d\n", fd, ours[fd], l.child[fd]);
			return 3;
		}
	return 0;
}

static void descriptors_are_inherited_untouched(void)
{
	SAME_NUMBER(apart(with_inherited_descriptors, NULL), 0);
}

/* ---- terminals ----------------------------------------------------------------------------- */

static int open_terminal(int *master)
{
	char name[128];
	struct winsize size = {.ws_row = 33, .ws_col = 77};
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0 || grantpt(*master) != 0 || unlockpt(*master) != 0 || ptsname_r(*master, name, sizeof name) != 0)
		return -1;
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave >= 0)
		ioctl(slave, TIOCSWINSZ, &size);
	return slave;
}

static void a_terminal_stays_one(void)
{
	struct run r;
	int master = -1, slave = open_terminal(&master);
	CU_ASSERT_FATAL(slave >= 0);
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	r.sink.stderr_kind = SOLDR_FD_TTY;
	r.sink.stderr_fd = slave;
	SAME_NUMBER(run_sh(&r, "[ -t 2 ] || exit 3; [ -t 1 ] && exit 4; stty size <&2; printf 'a\\nb\\tc\\n\\001' >&2"), 0);
	SAME_NUMBER(r.ex.exit_code, 0);
	/* Bytes as the child wrote them: the terminal behind the sink does its own translation. */
	SAME_BYTES(r.ex.stderr_data, r.ex.stderr_len, "a\nb\tc\n\1", 7);
	SAME_BYTES(r.seen[1].data, r.seen[1].len, "a\nb\tc\n\1", 7);
	SAME_BYTES(r.ex.stdout_data, r.ex.stdout_len, "33 77\n", 6);
	run_release(&r);

	/* Nothing is kept: the very terminal is handed on. */
	run_init(&r);
	r.sink.stderr_kind = SOLDR_FD_TTY;
	r.sink.stderr_fd = slave;
	SAME_NUMBER(run_sh(&r, "[ -t 2 ] && printf 'x\\n' >&2"), 0);
	SAME_NUMBER(r.ex.exit_code, 0);
	char text[16] = "";
	struct pollfd p = {.fd = master, .events = POLLIN};
	ssize_t n = poll(&p, 1, 5000) == 1 ? read(master, text, sizeof text) : -1;
	SAME_BYTES(text, n > 0 ? (size_t)n : 0, "x\r\n", 3);
	run_release(&r);

	/* A muted question must not be answered in colour. */
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDERR | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_PROBE;
	r.sink.stderr_kind = SOLDR_FD_TTY;
	r.sink.stderr_fd = slave;
	SAME_NUMBER(run_sh(&r, "[ -t 2 ] && exit 3; exit 0"), 0);
	SAME_NUMBER(r.ex.exit_code, 0);
	run_release(&r);

	/* A compile whose messages are shown later sees what it would see now. */
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDERR | SOLDR_SPAWN_MUTE_STDERR;
	r.sink.stderr_kind = SOLDR_FD_TTY;
	r.sink.stderr_fd = slave;
	SAME_NUMBER(run_sh(&r, "[ -t 2 ] && printf later >&2"), 0);
	SAME_NUMBER(r.ex.exit_code, 0);
	SAME_BYTES(r.ex.stderr_data, r.ex.stderr_len, "later", 5);
	SAME_NUMBER(poll(&p, 1, 0), 0);
	run_release(&r);
	close(slave);
	close(master);
}

static void much_output_to_a_terminal_is_whole(void)
{
	struct run r;
	int master = -1, slave = open_terminal(&master);
	CU_ASSERT_FATAL(slave >= 0);
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDERR;
	r.sink.stderr_kind = SOLDR_FD_TTY;
	r.sink.stderr_fd = slave;
	SAME_NUMBER(run_sh(&r, "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done >&2"), 0);
	size_t lines = 0;
	for (size_t i = 0; i < r.seen[1].len; i++)
		lines += r.seen[1].data[i] == '\n';
	SAME_NUMBER(lines, 3000);
	SAME_NUMBER(r.ex.stderr_len, r.seen[1].len);
	CU_ASSERT_PTR_NULL(memchr(buf_str(&r.seen[1]), '\r', r.seen[1].len));
	run_release(&r);
	close(slave);
	close(master);
}

/* ---- stopping -------------------------------------------------------------------------------- */

struct witness {
	pid_t pid;
	int starts, ends;
	int polls; /* of cancelled(): true from the second on */
};

static void witness_child(void *arg, pid_t pid)
{
	struct witness *w = arg;
	if (pid) {
		w->pid = pid;
		w->starts++;
	} else {
		w->ends++;
	}
}

static bool witness_cancelled(void *arg)
{
	struct witness *w = arg;
	return ++w->polls > 1;
}

static bool is_gone(pid_t pid)
{
	return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

static void a_child_is_told_of_and_reaped(void)
{
	struct witness w = {0};
	struct exec_watch watch = {.child = witness_child, .arg = &w};
	struct run r;
	run_init(&r);
	r.watch = &watch;
	SAME_NUMBER(run_sh(&r, "exit 0"), 0);
	SAME_NUMBER(w.starts, 1);
	SAME_NUMBER(w.ends, 1);
	CU_ASSERT(is_gone(w.pid));
	SAME_NUMBER(run_argv(&r, "/nonexistent/program", (const char *const[]){"x", NULL}), SOLDR_E_NOT_FOUND);
	SAME_NUMBER(w.starts, 1);
	run_release(&r);
}

static void a_time_out_terminates(void)
{
	struct room room;
	struct witness w = {0};
	struct exec_watch watch = {.child = witness_child, .arg = &w};
	struct run r;
	struct buf script = BUF_INIT;
	room_init(&room, "exec");
	run_init(&r);
	r.watch = &watch;
	r.flags = CAPTURE_BOTH;
	r.timeout_ns = 300 * 1000000;
	buf_addf(&script, "trap 'echo TERM > %s/told; exit 0' TERM; while :; do sleep 0.05; done", room.dir);
	SAME_NUMBER(run_sh(&r, script.data), SOLDR_E_TIMEOUT);
	SAME_NUMBER(r.ex.exit_code, -1);
	CU_ASSERT(is_gone(w.pid));
	CU_ASSERT(room_has(&room, "told"));
	/* One that does not listen is killed. */
	buf_clear(&script);
	buf_addf(&script, "trap 'echo TERM > %s/deaf' TERM; while :; do sleep 0.05; done", room.dir);
	SAME_NUMBER(run_sh(&r, script.data), SOLDR_E_TIMEOUT);
	CU_ASSERT(is_gone(w.pid));
	CU_ASSERT(room_has(&room, "deaf"));
	/* One that ends in time is not disturbed. */
	r.timeout_ns = (uint64_t)600 * 1000000000;
	SAME_NUMBER(run_sh(&r, "exit 7"), 0);
	SAME_NUMBER(r.ex.exit_code, 7);
	buf_release(&script);
	run_release(&r);
	room_release(&room);
}

static void a_cancelled_run_terminates(void)
{
	struct witness w = {0};
	struct exec_watch watch = {.child = witness_child, .cancelled = witness_cancelled, .arg = &w};
	struct run r;
	run_init(&r);
	r.watch = &watch;
	SAME_NUMBER(run_argv(&r, "/bin/sleep", (const char *const[]){"sleep", "600", NULL}), SOLDR_E_CANCELLED);
	CU_ASSERT(is_gone(w.pid));
	run_release(&r);
}

static void on_alarm(int number)
{
	(void)number;
}

static void signals_do_not_lose_output(void)
{
	struct run r;
	struct sigaction act = {.sa_handler = on_alarm}, before;
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	run_init(&r);
	r.flags = CAPTURE_BOTH;
	sigaction(SIGALRM, &act, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	int rc = run_sh(&r, "for i in 1 2 3 4 5; do head -c 100000 /dev/zero; sleep 0.02; done; exit 9");
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	SAME_NUMBER(rc, 0);
	SAME_NUMBER(r.ex.exit_code, 9);
	SAME_NUMBER(r.ex.stdout_len, 500000);
	run_release(&r);
}

/* ---- what the child has of us ------------------------------------------------------------------ */

static long number_of(struct run *r, const char *script)
{
	long n = -1;
	SAME_NUMBER(run_sh(r, script), 0);
	CU_ASSERT(r->ex.stdout_len > 0);
	char text[64];
	snprintf(text, sizeof text, "%.*s", (int)r->ex.stdout_len, (const char *)r->ex.stdout_data);
	CU_ASSERT_EQUAL(sscanf(text, "%ld", &n), 1);
	run_release(r);
	return n;
}

static void the_child_gets_our_group_mask_and_level(void)
{
	struct run r;
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT;
	SAME_NUMBER(number_of(&r, "cut -d' ' -f5 /proc/$$/stat"), getpgrp());
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT;
	SAME_NUMBER(number_of(&r, "nice"), getpriority(PRIO_PROCESS, 0));

	sigset_t one, before, after;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &one, &before);
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT;
	int rc = run_argv(&r, "/bin/grep", (const char *const[]){"grep", "SigBlk", "/proc/self/status", NULL});
	pthread_sigmask(SIG_SETMASK, &before, &after);
	SAME_NUMBER(rc, 0);
	SAME_BYTES(r.ex.stdout_data, r.ex.stdout_len, "SigBlk:\t0000000000000200\n", 25);
	CU_ASSERT(sigismember(&after, SIGUSR1) == 1 && sigismember(&after, SIGTERM) == 0);
	run_release(&r);
}

/* The level is set from outside, so the child may run a moment without it. */
static void the_nice_level_is_added(void)
{
	struct run r;
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT;
	r.limits.nice_add = 3;
	int expected = getpriority(PRIO_PROCESS, 0) + 3;
	if (expected > 19)
		expected = 19;
	struct buf script = BUF_INIT;
	buf_addf(&script, "i=0; while [ \"$(nice)\" != %d ] && [ $i -lt 2000 ]; do i=$((i+1)); done; nice", expected);
	SAME_NUMBER(number_of(&r, script.data), expected);
	buf_release(&script);
}

static void the_working_directory_is_set(void)
{
	struct room room;
	struct run r;
	room_init(&room, "exec");
	run_init(&r);
	r.flags = SOLDR_SPAWN_CAPTURE_STDOUT;
	r.cwd = room.dir;
	SAME_NUMBER(run_sh(&r, "pwd -P | tr -d '\\n'; : > here"), 0);
	char *real = realpath(room.dir, NULL);
	SAME_BYTES(r.ex.stdout_data, r.ex.stdout_len, real, strlen(real));
	CU_ASSERT(room_has(&room, "here"));
	free(real);
	run_release(&r);
	run_init(&r);
	r.cwd = room_path(&room, "none");
	CU_ASSERT(run_sh(&r, "exit 0") != 0);
	run_release(&r);
	room_release(&room);
}

static int become(void *arg)
{
	const char *file = arg;
	const soldr_spawn sp = {
		.struct_size = sizeof sp,
		.file = file,
		.argv = (const char *const[]){"sh", "-c", "[ \"$PWD\" = / ] && exit 42", NULL},
		.envp = (const char *const[]){"PATH=/usr/bin:/bin", NULL},
		.cwd = "/",
	};
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = exec_replace(&sp, &err);
	return rc == SOLDR_E_NOT_FOUND && err.sys_errno == ENOENT && strstr(err.message, file) ? 7 : 8;
}

static void a_process_becomes_the_program(void)
{
	char sh[] = "/bin/sh", none[] = "/nonexistent/program";
	SAME_NUMBER(apart(become, sh), 42);
	SAME_NUMBER(apart(become, none), 7);
	soldr_error err = SOLDR_ERROR_INIT;
	const soldr_spawn nowhere = {.struct_size = sizeof nowhere, .file = "/bin/sh", .argv = (const char *const[]){"sh", NULL}, .cwd = none};
	SAME_NUMBER(exec_replace(&nowhere, &err), SOLDR_E_IO);
	HOLDS(err.message, "cannot enter /nonexistent/program: No such file or directory [E402]");
}

void suite_exec(void)
{
	CU_pSuite s = CU_add_suite("exec", NULL, NULL);
	CU_add_test(s, "c30: the end is reported", the_end_is_reported);
	add_native_test(s, "an exec that fails says why", an_exec_that_fails_says_why);
	CU_add_test(s, "streams are kept apart", streams_are_kept_apart);
	CU_add_test(s, "ten megabytes on both streams", ten_megabytes_on_both_streams);
	CU_add_test(s, "muted streams are not passed on", muted_streams_are_not_passed_on);
	CU_add_test(s, "past the maximum all is shown and nothing kept", past_the_maximum_all_is_shown_and_nothing_kept);
	CU_add_test(s, "descriptors of the sink are used as they are", descriptors_of_the_sink_are_used_as_they_are);
	CU_add_test(s, "c29: a sink that closes is a closed pipe", a_sink_that_closes_is_a_closed_pipe);
	CU_add_test(s, "a daemon that holds the pipes does not hold us", a_daemon_that_holds_the_pipes_does_not_hold_us);
	CU_add_test(s, "c29: closed standard streams stay closed", closed_standard_streams_stay_closed);
	CU_add_test(s, "c29: a closed sink is closed for the child", a_closed_sink_is_closed_for_the_child);
	CU_add_test(s, "c29: stdin is ours or empty", stdin_is_ours_or_empty);
	CU_add_test(s, "c31: descriptors are inherited untouched", descriptors_are_inherited_untouched);
	CU_add_test(s, "c07: a terminal stays one", a_terminal_stays_one);
	CU_add_test(s, "c07: much output to a terminal is whole", much_output_to_a_terminal_is_whole);
	add_native_test(s, "a child is told of and reaped", a_child_is_told_of_and_reaped);
	CU_add_test(s, "a time-out terminates", a_time_out_terminates);
	CU_add_test(s, "c30: a cancelled run terminates", a_cancelled_run_terminates);
	CU_add_test(s, "signals do not lose output", signals_do_not_lose_output);
	CU_add_test(s, "c31: the child gets our group, mask and level", the_child_gets_our_group_mask_and_level);
	CU_add_test(s, "the nice level is added", the_nice_level_is_added);
	add_native_test(s, "the working directory is set", the_working_directory_is_set);
	CU_add_test(s, "a process becomes the program", a_process_becomes_the_program);
}
