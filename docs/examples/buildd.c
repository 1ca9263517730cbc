/*
 * buildd: a build daemon around libsoldr, as small as one can be and still be
 * right: one process, one service, a thread for each compile.
 *
 *   buildd serve SOCKET        the daemon, until SIGTERM or SIGINT; what runs then may end,
 *                              for ten seconds or until the signal comes again
 *   buildd stats SOCKET        its statistics
 *   buildd run SOCKET COMPILER ARG…   one compile: messages, files and exit status are
 *                              those of the compiler
 *
 * A message is a kind, a length and so many bytes. The client sends one, of
 * NUL-ended strings: the verb, then its working directory, the number of arguments, these
 * and its environment. The daemon answers with any number of 'o' and 'e' (stdout
 * and stderr) and one 'x' (the exit status, or 128 + the signal, as a number).
 *
 * Who may connect is a matter of the socket's directory: it should be its owner's alone.
 * A client that goes away takes its compile with it.
 */
#define _GNU_SOURCE
#include <soldr/service.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 8 << 20, CONNECTIONS_MAX = 256, DRAIN_SECONDS = 10, SEND_SECONDS = 60 };

extern char **environ;

/* ---- messages ------------------------------------------------------------------------ */

struct head {
	uint32_t kind, len;
};

static int send_all(int fd, const void *data, size_t len)
{
	for (const char *at = data; len;) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_message(int fd, uint32_t kind, const void *data, size_t len)
{
	const struct head head = {kind, (uint32_t)len};
	return send_all(fd, &head, sizeof head) || send_all(fd, data, len) ? -1 : 0;
}

static int receive_all(int fd, void *data, size_t len)
{
	for (char *at = data; len;) {
		ssize_t n = recv(fd, at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The bytes with a NUL behind them, to be freed; NULL: the other side went away or talks nonsense. */
static char *receive_message(int fd, struct head *head)
{
	if (receive_all(fd, head, sizeof *head) != 0 || head->len > MESSAGE_MAX)
		return NULL;
	char *data = malloc(head->len + 1);
	if (data && receive_all(fd, data, head->len) != 0) {
		free(data);
		return NULL;
	}
	if (data)
		data[head->len] = 0;
	return data;
}

static int open_socket(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path) {
		fprintf(stderr, "buildd: %s: too long for a socket\n", path);
		exit(1);
	}
	strcpy(address->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* ---- the client ---------------------------------------------------------------------- */

static size_t add(char *to, size_t at, const char *text)
{
	size_t len = strlen(text) + 1;
	if (at + len > MESSAGE_MAX) {
		fprintf(stderr, "buildd: arguments and environment are too long\n");
		exit(1);
	}
	memcpy(to + at, text, len);
	return at + len;
}

static int ask(const char *verb, const char *path, int argc, char **argv)
{
	char number[16], *cwd = getcwd(NULL, 0), *message = malloc(MESSAGE_MAX), *data;
	struct sockaddr_un address;
	struct head head;
	int status = 1, fd = open_socket(path, &address);
	if (!cwd || !message || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		fprintf(stderr, "buildd: cannot reach a daemon at %s: %s\n", path, strerror(errno));
		return 1;
	}
	snprintf(number, sizeof number, "%d", argc);
	size_t len = add(message, add(message, add(message, 0, verb), cwd), number);
	for (int i = 0; i < argc; i++)
		len = add(message, len, argv[i]);
	for (char **variable = environ; *variable; variable++)
		len = add(message, len, *variable);
	bool going = send_message(fd, 'q', message, len) == 0;
	while (going && (data = receive_message(fd, &head))) {
		going = head.kind != 'x';
		if (going)
			fwrite(data, 1, head.len, head.kind == 'o' ? stdout : stderr);
		else
			status = atoi(data);
		free(data);
	}
	if (going)
		fprintf(stderr, "buildd: the daemon went away\n");
	free(message);
	free(cwd);
	close(fd);
	return status;
}

/* ---- the daemon ---------------------------------------------------------------------- */

/* One client, on a thread of its own. The main thread watches whether it is still there. */
struct connection {
	struct connection *next;
	struct daemon *daemon;
	int fd;
	pthread_t thread;
	soldr_cancel_token *token;
	bool done; /* atomic */
};

struct daemon {
	soldr_service *service;
	struct connection *connections; /* the main thread's alone */
	size_t count;
	uint64_t served; /* atomic */
};

/* Signals and threads that are done wake the main thread by a byte in this pipe: 's' or 'd'. */
static int wake[2];

static void on_signal(int sig)
{
	int before = errno;
	(void)sig;
	if (write(wake[1], "s", 1) < 0) { /* it is full: the main thread will look anyway */
	}
	errno = before;
}

/* A client that reads slowly slows its compiler down, and nobody else. */
static int32_t pass_on(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	const struct connection *c = arg;
	return send_message(c->fd, stream == SOLDR_STDOUT ? 'o' : 'e', data, (size_t)len);
}

static void finish(struct connection *c, int status, const char *problem)
{
	char text[16], line[600];
	if (problem)
		send_message(c->fd, 'e', line, (size_t)snprintf(line, sizeof line, "buildd: %s\n", problem));
	send_message(c->fd, 'x', text, (size_t)snprintf(text, sizeof text, "%d", status));
}

/* words: the client's, after verb and directory: so many arguments, then the environment. */
static void compile(struct connection *c, const char *cwd, const char **words, size_t count, size_t argc)
{
	soldr_error err = {.struct_size = sizeof err};
	soldr_result result = {.struct_size = sizeof result};
	const char **argv = calloc(argc + 1, sizeof *argv), **envp = calloc(count - argc + 1, sizeof *envp);
	if (argv && envp) {
		memcpy(argv, words, argc * sizeof *argv);
		memcpy(envp, words + argc, (count - argc) * sizeof *envp);
		const soldr_compile_request request = {
			.struct_size = sizeof request, .argv = argv, .envp = envp, .cwd = cwd, .cancel = c->token,
		};
		if (soldr_service_compile_streaming(c->daemon->service, &request, pass_on, c, &result, &err) != 0)
			finish(c, 111, err.message);
		else
			finish(c, result.signal ? 128 + result.signal : result.exit_code, NULL);
		__atomic_add_fetch(&c->daemon->served, 1, __ATOMIC_RELAXED);
	} else {
		finish(c, 111, "out of memory");
	}
	free(argv);
	free(envp);
}

static void tell_statistic(void *arg, const soldr_stat *s)
{
	char line[128];
	send_message(((const struct connection *)arg)->fd, 'o', line,
	             (size_t)snprintf(line, sizeof line, "%s %llu\n", s->name, (unsigned long long)s->value));
}

static void tell_statistics(struct connection *c)
{
	soldr_error err = {.struct_size = sizeof err};
	const soldr_stat served = {sizeof served, SOLDR_UNIT_COUNT, "served", __atomic_load_n(&c->daemon->served, __ATOMIC_RELAXED)};
	tell_statistic(c, &served);
	int32_t rc = soldr_service_stats(c->daemon->service, tell_statistic, c, &err);
	finish(c, rc != 0, rc ? err.message : NULL);
}

static void answer(struct connection *c, char *message, size_t len)
{
	size_t count = 0, cap = 0;
	for (size_t i = 0; i < len; i++)
		cap += !message[i];
	const char **words = calloc(cap + 1, sizeof *words);
	for (char *at = message; words && count < cap; at += strlen(at) + 1)
		words[count++] = at;
	size_t argc = count >= 3 ? strtoul(words[2], NULL, 10) : 0;
	if (count >= 3 && strcmp(words[0], "stats") == 0)
		tell_statistics(c);
	else if (count >= 3 && strcmp(words[0], "run") == 0 && argc > 0 && argc <= count - 3)
		compile(c, words[1], words + 3, count - 3, argc);
	else
		finish(c, 2, "this is no request");
	free(words);
}

static void *serve_one(void *arg)
{
	struct connection *c = arg;
	struct head head;
	char *message = receive_message(c->fd, &head);
	if (message)
		answer(c, message, head.len);
	free(message);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	if (write(wake[1], "d", 1) < 0) { /* it is full: the main thread will look anyway */
	}
	return NULL;
}

static void accept_one(struct daemon *d, int listening)
{
	const struct timeval patience = {.tv_sec = SEND_SECONDS};
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) /* a client that does not read at all must not hold a thread for ever */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	struct connection *c = fd < 0 ? NULL : calloc(1, sizeof *c);
	if (c && d->count < CONNECTIONS_MAX && soldr_cancel_token_new(&c->token, NULL) == 0) {
		c->daemon = d;
		c->fd = fd;
		if (pthread_create(&c->thread, NULL, serve_one, c) == 0) {
			c->next = d->connections;
			d->connections = c;
			d->count++;
			return;
		}
	}
	if (c)
		soldr_cancel_token_free(c->token);
	free(c);
	if (fd >= 0)
		close(fd);
}

static void reap(struct daemon *d, bool all)
{
	for (struct connection **at = &d->connections; *at;) {
		struct connection *c = *at;
		if (!all && !__atomic_load_n(&c->done, __ATOMIC_ACQUIRE)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		d->count--;
		shutdown(c->fd, SHUT_RD); /* one that never said what it wants */
		pthread_join(c->thread, NULL);
		soldr_cancel_token_free(c->token);
		close(c->fd);
		free(c);
	}
}

/* True: a signal came. */
static bool drain_pipe(void)
{
	char bytes[256];
	ssize_t n = read(wake[0], bytes, sizeof bytes);
	return n > 0 && memchr(bytes, 's', (size_t)n);
}

static int milliseconds_until(time_t when)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec < when ? (int)(when - now.tv_sec) * 1000 : 0;
}

/*
 * Until a signal comes. A client that hangs up has its compile cancelled.
 * listening -1: no more clients are taken, and it ends with the last one, or when
 * the time is over.
 */
static void serve(struct daemon *d, int listening, time_t until)
{
	struct pollfd *p = calloc(CONNECTIONS_MAX + 2, sizeof *p);
	bool going = p != NULL;
	while (going && (listening >= 0 || d->count)) {
		nfds_t n = 2;
		p[0] = (struct pollfd){wake[0], POLLIN, 0};
		p[1] = (struct pollfd){listening, POLLIN, 0};
		for (struct connection *c = d->connections; c; c = c->next)
			p[n++] = (struct pollfd){soldr_is_cancelled(c->token) ? -1 : c->fd, POLLRDHUP, 0};
		int ready = poll(p, n, listening >= 0 ? -1 : milliseconds_until(until));
		if (ready < 0)
			continue;
		n = 2;
		for (struct connection *c = d->connections; c; c = c->next)
			if (p[n++].revents)
				soldr_cancel(c->token);
		going = ready > 0 && !(p[0].revents && drain_pipe());
		reap(d, false);
		if (going && listening >= 0 && p[1].revents)
			accept_one(d, listening);
	}
	free(p);
}

static void tell_step(void *arg, const soldr_step *s)
{
	static const char *const status[] = {"completed", "failed", "timed out"};
	(void)arg;
	fprintf(stderr, "buildd: %s %s%s%s\n", s->name, status[s->status], s->message[0] ? ": " : "", s->message);
}

static int run_daemon(const char *path)
{
	const soldr_identity identity = {.struct_size = sizeof identity, .product = "buildd"};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	soldr_error err = {.struct_size = sizeof err};
	struct sigaction action = {.sa_handler = on_signal};
	struct daemon d = {.count = 0};
	struct sockaddr_un address;
	int listening = open_socket(path, &address);
	if (listening < 0 || pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0 || bind(listening, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(listening, 64) != 0) {
		fprintf(stderr, "buildd: cannot listen at %s: %s\n", path, strerror(errno));
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	config.identity = &identity;
	int status = soldr_service_start(&config, &d.service, &err) != 0;
	if (status) {
		fprintf(stderr, "buildd: %s\n", err.message);
	} else {
		printf("buildd: ready\n");
		fflush(stdout);
		serve(&d, listening, 0);
		close(listening);
		listening = -1;
		unlink(path);
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		serve(&d, -1, now.tv_sec + DRAIN_SECONDS); /* a second signal is for the impatient */
		uint32_t mode = d.count ? SOLDR_SHUTDOWN_FORCE : SOLDR_SHUTDOWN_GRACEFUL;
		status = soldr_service_shutdown(d.service, mode, 0, tell_step, NULL, &err) != 0;
		reap(&d, true);
		soldr_service_free(d.service);
	}
	if (listening >= 0) {
		close(listening);
		unlink(path);
	}
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return run_daemon(argv[2]);
	if (argc == 3 && strcmp(argv[1], "stats") == 0)
		return ask("stats", argv[2], 0, NULL);
	if (argc > 3 && strcmp(argv[1], "run") == 0)
		return ask("run", argv[2], argc - 3, argv + 3);
	fprintf(stderr, "usage: buildd serve SOCKET | stats SOCKET | run SOCKET COMPILER ARG...\n");
	return 2;
}
