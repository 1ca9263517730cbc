/* ids: see ids.h. */
#include "ids.h"

#include "clock.h"
#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { TRACE_BYTES = 16, VERSION_LEN = 3 /* "00-" */ };

static void hex_of(const unsigned char *bytes, size_t len, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * len] = 0;
}

/* A span of zeros is none. */
static uint64_t number_of(const unsigned char *bytes)
{
	uint64_t n;
	memcpy(&n, bytes, sizeof n);
	return n ? n : 1;
}

void ids_make(struct ids *ids, uint64_t number, const void *place)
{
	enum { AT_RANDOM_SIZE = 16 };
	struct hasher hasher;
	struct digest digest;
	struct timespec when = {0};
	pid_t pid = getpid();
	const void *noise = (const void *)getauxval(AT_RANDOM);
	clock_gettime(CLOCK_REALTIME, &when);
	hasher_init(&hasher);
	hasher_field(&hasher, "exec", noise, noise ? AT_RANDOM_SIZE : 0);
	hasher_field(&hasher, "process", &pid, sizeof pid);
	hasher_field(&hasher, "time", &when, sizeof when);
	hasher_field(&hasher, "request", &number, sizeof number);
	hasher_field(&hasher, "place", &place, sizeof place);
	hasher_end(&hasher, &digest);
	hex_of(digest.bytes, TRACE_BYTES, ids->id);
	memcpy(ids->event, digest.bytes + TRACE_BYTES, sizeof ids->event);
	ids->span = number_of(digest.bytes + DIGEST_SIZE - sizeof ids->span);
}

uint64_t ids_span(const struct ids *ids, uint32_t n)
{
	uint64_t span = ids->span + n * UINT64_C(0x9e3779b97f4a7c15); /* odd: all are different */
	return span ? span : 1;
}

void ids_event(const struct ids *ids, uint32_t n, char hex[ID_SIZE])
{
	const unsigned char number[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n};
	hex_of(ids->event, sizeof ids->event, hex);
	hex_of(number, sizeof number, hex + 2 * sizeof ids->event);
}

void ids_of_run(struct run_ids *ids, const char *home, const char *who, const char *run)
{
	struct hasher hasher;
	struct digest digest;
	hasher_init(&hasher);
	hasher_field_str(&hasher, "home", home);
	hasher_field_str(&hasher, "who", who);
	hasher_field_str(&hasher, "run", run);
	hasher_end(&hasher, &digest);
	hex_of(digest.bytes, TRACE_BYTES, ids->trace);
	ids->root = number_of(digest.bytes + TRACE_BYTES);
}

void span_hex(uint64_t span, char hex[SPAN_SIZE])
{
	unsigned char bytes[sizeof span];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(span >> (8 * (sizeof bytes - 1 - i)));
	hex_of(bytes, sizeof bytes, hex);
}

void stamp_of(const struct timespec *when, char text[STAMP_SIZE])
{
	const struct clock_utc utc = clock_utc(when->tv_sec);
	char *at = text;
	if (utc.year < 0 || utc.year > 9999) /* a clock that is off */
		at += snprintf(text, STAMP_SIZE / 2, "%04lld", (long long)utc.year);
	else
		at = clock_digits(at, 4, (uint64_t)utc.year);
	const struct {
		char before;
		unsigned char width;
		unsigned n;
	} parts[] = {{'-', 2, utc.month}, {'-', 2, utc.day}, {'T', 2, utc.hour}, {':', 2, utc.minute}, {':', 2, utc.second},
	             {'.', 9, (unsigned)when->tv_nsec}};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		*at++ = parts[i].before;
		at = clock_digits(at, parts[i].width, parts[i].n);
	}
	memcpy(at, "Z", 2);
}

uint64_t traceparent_read(const char *text, char trace[ID_SIZE])
{
	char span[SPAN_SIZE];
	trace[0] = 0;
	if (!text || strlen(text) < VERSION_LEN + ID_SIZE + SPAN_SIZE)
		return 0;
	memcpy(trace, text + VERSION_LEN, ID_SIZE - 1);
	trace[ID_SIZE - 1] = 0;
	memcpy(span, text + VERSION_LEN + ID_SIZE, sizeof span - 1);
	span[sizeof span - 1] = 0;
	return strtoull(span, NULL, 16);
}
