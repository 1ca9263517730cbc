/*
 * pacer: runs commands in turns and prints what each run cost.
 *
 *   pacer ROUNDS JOBS FILE
 *
 * FILE has the commands, each as lines: "name NAME", "cwd DIR", "env NAME=VALUE"…,
 * "arg WORD"…, "end". The environment is what the lines say and nothing else. In
 * each round every command runs once, in an order that moves on by one from round to round,
 * so that what one leaves behind for the next (warm caches, clock frequency) meets all
 * alike. JOBS copies of a command run at once; "{}" in a word is the number of the copy.
 * Each copy's stdout and stderr go to /dev/null.
 *
 * One line for each command and round: NAME WALL_NS CPU_NS PEAK_KB, with the sum of
 * processor time of all copies and the largest memory of one; a run that does not
 * exit with 0 ends everything with status 1. CPU time of what a command leaves
 * running (a server) is not in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 64, WORDS_MAX = 256, JOBS_MAX = 64, LINE_MAX_BYTES = 65536 };

struct command {
	char *name, *cwd;
	char *argv[WORDS_MAX + 1], *envp[WORDS_MAX + 1];
	size_t argc, envc;
};

static void die(const char *what, const char *which)
{
	fprintf(stderr, "pacer: %s: %s\n", what, which);
	exit(2);
}

static char *copy(const char *s)
{
	char *c = strdup(s);
	if (!c)
		die("out of memory", s);
	return c;
}

static size_t read_commands(const char *file, struct command *c)
{
	static char line[LINE_MAX_BYTES];
	FILE *f = fopen(file, "re");
	size_t n = 0;
	if (!f)
		die("cannot read", file);
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		char *value = strchr(line, ' ');
		if (value)
			*value++ = 0;
		if (n == COMMANDS_MAX || c[n].argc == WORDS_MAX || c[n].envc == WORDS_MAX)
			die("too much in", file);
		if (!strcmp(line, "end"))
			n++;
		else if (!value)
			die("not a line of a command", line);
		else if (!strcmp(line, "name"))
			c[n].name = copy(value);
		else if (!strcmp(line, "cwd"))
			c[n].cwd = copy(value);
		else if (!strcmp(line, "env"))
			c[n].envp[c[n].envc++] = copy(value);
		else if (!strcmp(line, "arg"))
			c[n].argv[c[n].argc++] = copy(value);
		else
			die("not a line of a command", line);
	}
	fclose(f);
	return n;
}

/* The word with "{}" replaced by the number of the copy. */
static char *numbered(const char *word, int number)
{
	const char *at = strstr(word, "{}");
	size_t size = strlen(word) + 16;
	char *made = malloc(size);
	if (!made)
		die("out of memory", word);
	if (at)
		snprintf(made, size, "%.*s%d%s", (int)(at - word), word, number, at + 2);
	else
		snprintf(made, size, "%s", word);
	return made;
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void run(const struct command *c, char *words[][WORDS_MAX + 1], int jobs, const posix_spawn_file_actions_t *actions)
{
	uint64_t cpu = 0;
	long peak = 0;
	uint64_t start = now_ns();
	for (int j = 0; j < jobs; j++) {
		pid_t pid;
		if (posix_spawn(&pid, words[j][0], actions, NULL, words[j], c->envp) != 0)
			die("cannot run", words[j][0]);
	}
	for (int j = 0; j < jobs; j++) {
		struct rusage used;
		int status;
		if (wait4(-1, &status, 0, &used) < 0)
			die("cannot wait", strerror(errno));
		if (status != 0) {
			fprintf(stderr, "pacer: %s: status %d\n", c->name, status);
			exit(1);
		}
		cpu += ns_of(used.ru_utime) + ns_of(used.ru_stime);
		if (used.ru_maxrss > peak)
			peak = used.ru_maxrss;
	}
	printf("%s %llu %llu %ld\n", c->name, (unsigned long long)(now_ns() - start), (unsigned long long)cpu, peak);
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	static char *words[COMMANDS_MAX][JOBS_MAX][WORDS_MAX + 1];
	int rounds = argc == 4 ? atoi(argv[1]) : 0, jobs = argc == 4 ? atoi(argv[2]) : 0;
	if (rounds < 1 || jobs < 1 || jobs > JOBS_MAX) {
		fprintf(stderr, "usage: pacer ROUNDS JOBS FILE\n");
		return 2;
	}
	size_t n = read_commands(argv[3], commands);
	posix_spawn_file_actions_t actions[COMMANDS_MAX];
	for (size_t i = 0; i < n; i++) {
		if (!commands[i].name || !commands[i].cwd || !commands[i].argc)
			die("a command without name, cwd or arg in", argv[3]);
		for (int j = 0; j < jobs; j++)
			for (size_t k = 0; k < commands[i].argc; k++)
				words[i][j][k] = numbered(commands[i].argv[k], j);
		posix_spawn_file_actions_init(&actions[i]);
		posix_spawn_file_actions_addopen(&actions[i], 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&actions[i], 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&actions[i], 2, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addchdir_np(&actions[i], commands[i].cwd);
	}
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < n; i++) {
			size_t at = (i + (size_t)round) % n;
			run(&commands[at], words[at], jobs, &actions[at]);
		}
	return 0;
}
