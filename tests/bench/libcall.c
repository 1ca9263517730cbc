/*
 * libcall: what a compile costs a program that keeps libsoldr open.
 *
 *   libcall ROUNDS COMPILER ARG…
 *
 * Compiles once to fill the cache, then ROUNDS times, and prints a line for each of
 * these: libsoldr WALL_NS CPU_NS PEAK_KB, as pacer does. Every one of them has to
 * be a hit. SOLDR_* and PATH come from the environment.
 */
#include <soldr/service.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static unsigned long long ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (unsigned long long)t.tv_sec * 1000000000u + (unsigned long long)t.tv_nsec;
}

int main(int argc, char **argv)
{
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	soldr_error err = {.struct_size = sizeof err};
	soldr_service *service;
	int rounds = argc > 2 ? atoi(argv[1]) : 0;
	if (rounds < 1) {
		fprintf(stderr, "usage: libcall ROUNDS COMPILER ARG...\n");
		return 2;
	}
	if (soldr_service_start(&config, &service, &err) != 0) {
		fprintf(stderr, "libcall: %s\n", err.message);
		return 2;
	}
	int status = 0;
	for (int i = 0; i <= rounds && !status; i++) {
		soldr_compile_request request = {.struct_size = sizeof request, .argv = (const char *const *)argv + 2};
		soldr_result result = {.struct_size = sizeof result};
		struct rusage used;
		unsigned long long wall = ns(CLOCK_MONOTONIC), cpu = ns(CLOCK_PROCESS_CPUTIME_ID);
		int rc = soldr_service_compile(service, &request, &result, &err);
		wall = ns(CLOCK_MONOTONIC) - wall;
		cpu = ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		getrusage(RUSAGE_SELF, &used);
		if (rc != 0 || (i > 0 && result.outcome != SOLDR_OUTCOME_HIT)) {
			fprintf(stderr, "libcall: round %d is no hit: %s\n", i, rc ? err.message : "see stats");
			status = 1;
		} else if (i > 0) {
			printf("libsoldr %llu %llu %ld\n", wall, cpu, used.ru_maxrss);
		}
	}
	soldr_service_free(service);
	return status;
}
