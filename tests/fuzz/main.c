/*
 * main: chooses the target. With libFuzzer (FUZZ_LIBFUZZER) by the variable
 * SOLDR_FUZZ_TARGET; without it the program replays files:
 *
 *	fuzz-replay --list                   targets, and the longest input of each
 *	fuzz-replay --seeds TARGET DIR       first inputs that are generated
 *	fuzz-replay TARGET FILE…             replays; the exit status is 0, or the process dies
 *	fuzz-replay --mutate N TARGET FILE…  N inputs made of these at random, the same ones each time; one that
 *	                                     ends the process is left in crash-TARGET in the working directory
 */
#include "fuzz.h"

#include "fs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct target {
	const char *name;
	size_t max;
	void (*run)(const uint8_t *, size_t);
} targets[] = {
#define ROW(name, max) {#name, max, fuzz_##name},
	FUZZ_TARGETS(ROW)
#undef ROW
};

enum { TARGETS = sizeof targets / sizeof *targets, FILE_MAX = 64 << 20 };

static char dir[256];

/* ---- what targets share ------------------------------------------------------------------ */

void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

uint8_t fuzz_byte(const uint8_t **data, size_t *len)
{
	if (!*len)
		return 0;
	--*len;
	return *(*data)++;
}

char *fuzz_text(const uint8_t **data, size_t *len, uint8_t separator)
{
	const uint8_t *stop = *len ? memchr(*data, separator, *len) : NULL;
	size_t n = stop ? (size_t)(stop - *data) : *len;
	char *text = malloc(n + 1);
	if (!text)
		abort();
	if (n)
		memcpy(text, *data, n);
	text[n] = 0;
	*data += n + (stop != NULL);
	*len -= n + (stop != NULL);
	return text;
}

struct vec fuzz_lines(const uint8_t *data, size_t len)
{
	struct vec lines = VEC_INIT;
	while (len) {
		char *line = fuzz_text(&data, &len, '\n');
		vec_add(&lines, line);
		free(line);
	}
	return lines;
}

static void remove_dir(void)
{
	fs_remove_tree(dir, NULL, NULL, NULL);
}

const char *fuzz_dir(void)
{
	if (!*dir) {
		const char *tmp = getenv("TMPDIR");
		snprintf(dir, sizeof dir, "%s/soldr-fuzz.XXXXXX", tmp && *tmp ? tmp : "/tmp");
		if (!mkdtemp(dir))
			abort();
		atexit(remove_dir);
	}
	return dir;
}

const char *fuzz_file(const char *name, const void *data, size_t len)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", fuzz_dir(), name);
	FILE *f = fopen(path, "we");
	if (!f || fwrite(data ? data : "", 1, len, f) != len || fclose(f) != 0)
		abort();
	return path;
}

const struct digest *fuzz_key(void)
{
	static const struct digest key = {{1, 2, 3}};
	return &key;
}

static const struct target *find(const char *name)
{
	for (size_t i = 0; name && i < TARGETS; i++)
		if (strcmp(targets[i].name, name) == 0)
			return &targets[i];
	fprintf(stderr, "fuzz: there is no target %s; fuzz-replay --list names them\n", name ? name : "(SOLDR_FUZZ_TARGET is not set)");
	exit(2);
}

#ifdef FUZZ_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct target *target;
	if (!target)
		target = find(getenv("SOLDR_FUZZ_TARGET"));
	target->run(data, len);
	return 0;
}

#else

static struct buf read_input(const char *file)
{
	struct buf text = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	if (fs_read_file(file, FILE_MAX, &text, &err) != 0) {
		fprintf(stderr, "fuzz: %s\n", err.message);
		exit(2);
	}
	return text;
}

/* From a block of exactly this size, so that a read past its end is seen. */
static void run(const struct target *target, const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	target->run(copy, len);
	free(copy);
}

/* ---- inputs at random ----------------------------------------------------------------------- */

enum { SEEDS_MAX = 64, CHANGES_MAX = 6 };

static struct {
	uint8_t *data;
	size_t len;
	char file[64];
} current;

/* xorshift64* (Vigna 2016). */
static uint64_t random_below(uint64_t *state, uint64_t limit)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return limit ? *state * 2685821657736338717u % limit : 0;
}

/* One change; a part of another input now and then. data has room for max bytes. */
static size_t change(uint8_t *data, size_t len, size_t max, const struct buf *other, uint64_t *state)
{
	static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, ' ', '\n', '\\', '"', '\'', '=', ':', '/', '@', '#', '{', '-', '%'};
	size_t at = (size_t)random_below(state, len + 1), n = 1 + (size_t)random_below(state, 16);
	n = n < len - at ? n : len - at;
	switch (random_below(state, 6)) {
	case 0:
		if (at < len)
			data[at] ^= (uint8_t)(1u << random_below(state, 8));
		return len;
	case 1:
		if (at < len)
			data[at] = odd[random_below(state, sizeof odd)];
		return len;
	case 2: /* out with it */
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 3: /* once more, somewhere else */
		if (len + n <= max) {
			size_t to = (size_t)random_below(state, len + 1);
			uint8_t piece[16];
			memcpy(piece, data + at, n);
			memmove(data + to + n, data + to, len - to);
			memcpy(data + to, piece, n);
			return len + n;
		}
		return len;
	case 4: /* the end of another one */
		if (other->len) {
			size_t from = (size_t)random_below(state, other->len), rest = other->len - from;
			rest = rest < max - at ? rest : max - at;
			memcpy(data + at, other->data + from, rest);
			return at + rest;
		}
		return len;
	default:
		return at;
	}
}

static void keep_current(int number)
{
	int fd = open(current.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, current.data, current.len) == (ssize_t)current.len)
		close(fd);
	signal(number, SIG_DFL);
	raise(number);
}

static void mutate(const struct target *target, unsigned long rounds, char **files, int count)
{
	static const int deaths[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	struct buf seeds[SEEDS_MAX] = {BUF_INIT};
	uint64_t state = 0x9e3779b97f4a7c15u;
	int used = count < SEEDS_MAX ? count : SEEDS_MAX;
	snprintf(current.file, sizeof current.file, "crash-%s", target->name);
	for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
		signal(deaths[i], keep_current);
	for (int i = 0; i < used; i++)
		seeds[i] = read_input(files[i]);
	current.data = malloc(target->max);
	if (!current.data)
		abort();
	for (unsigned long n = 0; n < rounds; n++) {
		const struct buf *from = &seeds[random_below(&state, (uint64_t)used)];
		current.len = from->len < target->max ? from->len : target->max;
		if (current.len)
			memcpy(current.data, from->data, current.len);
		for (uint64_t k = 1 + random_below(&state, CHANGES_MAX); k; k--)
			current.len = change(current.data, current.len, target->max, &seeds[random_below(&state, (uint64_t)used)], &state);
		run(target, current.data, current.len);
	}
	for (int i = 0; i < used; i++)
		buf_release(&seeds[i]);
	free(current.data);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < TARGETS; i++)
			printf("%s %zu\n", targets[i].name, targets[i].max);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
		fuzz_store_seeds(find(argv[2])->name, argv[3]);
		return 0;
	}
	if (argc > 4 && strcmp(argv[1], "--mutate") == 0) {
		mutate(find(argv[3]), strtoul(argv[2], NULL, 10), argv + 4, argc - 4);
		printf("%s: %s inputs at random\n", argv[3], argv[2]);
		return 0;
	}
	const struct target *target = find(argc > 1 ? argv[1] : NULL);
	for (int i = 2; i < argc; i++) {
		struct buf text = read_input(argv[i]);
		run(target, text.data, text.len);
		buf_release(&text);
	}
	printf("%s: %d inputs\n", target->name, argc - 2);
	return 0;
}

#endif
