/* clock: a clock of the system as one number. */
#ifndef SOLDR_UTIL_CLOCK_H
#define SOLDR_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC, CLOCK_REALTIME, …; 0 where the clock cannot be read. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t = {0, 0};
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
