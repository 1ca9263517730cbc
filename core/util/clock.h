/* clock: a clock of the system as one number, and its date. */
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

/* The same of a file's time. One that is centuries away wraps around: files can have been given any time. */
static inline int64_t clock_stamp(struct timespec t)
{
	return (int64_t)((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

/* Writes the last `width` decimal digits of n, no NUL. Returns what follows them. */
static inline char *clock_digits(char *to, unsigned width, uint64_t n)
{
	for (unsigned i = width; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	return to + width;
}

struct clock_utc {
	int64_t year;
	unsigned month, day, hour, minute, second;
};

/*
 * Date and time of day in UTC. gmtime_r() would read the time zone's file
 * first, seven system calls. Days to a date: Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms", civil_from_days; its years begin in March.
 */
static inline struct clock_utc clock_utc(int64_t seconds)
{
	enum { DAY = 86400, ERA_DAYS = 146097, ERA_YEARS = 400, EPOCH = 719468 };
	int64_t days = seconds / DAY - (seconds % DAY < 0), left = seconds - days * DAY;
	days += EPOCH;
	int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS, of_era = days - era * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100), from_march = (5 * of_year + 2) / 153;
	unsigned month = (unsigned)(from_march < 10 ? from_march + 3 : from_march - 9);
	return (struct clock_utc){
		.year = year + era * ERA_YEARS + (month <= 2),
		.month = month,
		.day = (unsigned)(of_year - (153 * from_march + 2) / 5 + 1),
		.hour = (unsigned)(left / 3600),
		.minute = (unsigned)(left / 60 % 60),
		.second = (unsigned)(left % 60),
	};
}

#endif
