/*
 * fill: puts results into a store of the embedded backend, as many as are asked for.
 *
 *   fill CACHE_ROOT COUNT
 *
 * Each is an entry with an object of OBJECT_SIZE random bytes and a manifest with one
 * candidate, encoded and written by the backend's own code, so that `soldr cache
 * verify` finds every byte in order. No compile ever asks for one of them: their keys
 * are digests of their numbers. The times of the files are spread over the last SPREAD
 * seconds, in no order that a directory knows.
 */
#include "entry.h"
#include "manifest.h"
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OBJECT_SIZE = 3000, SPREAD = 30 * 24 * 3600, INPUTS = 3 };

static uint64_t noise(uint64_t *state)
{
	*state ^= *state << 13; /* xorshift64, George Marsaglia */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void digest_number(struct digest *d, const char *what, unsigned long n)
{
	char text[64];
	snprintf(text, sizeof text, "%s %lu", what, n);
	digest_of(d, text, strlen(text));
}

static int put_entry(struct store *s, const struct digest *result, uint64_t *random, soldr_error *err)
{
	unsigned char object[OBJECT_SIZE];
	struct buf file = BUF_INIT;
	for (size_t i = 0; i < sizeof object; i++)
		object[i] = (unsigned char)noise(random);
	struct entry e = {.compile_ns = 100000000, .section_count = 1};
	e.sections[0] = (struct entry_section){.kind = ENTRY_OBJECT, .data = object, .len = sizeof object, .raw_len = sizeof object};
	int rc = entry_encode(result, &e, 1, &file, err);
	if (!rc)
		rc = store_write(s, STORE_ENTRY, result, &file, err);
	buf_release(&file);
	return rc;
}

static int put_manifest(struct store *s, const struct digest *direct, const struct digest *result, unsigned long n, soldr_error *err)
{
	char path[INPUTS][64];
	struct state states[INPUTS];
	struct key key = {.direct = *direct};
	struct buf file = BUF_INIT;
	for (unsigned i = 0; i < INPUTS; i++) {
		snprintf(path[i], sizeof path[i], "/filled/%lu/input%u.h", n, i);
		states[i] = (struct state){.path = path[i], .digest = *direct, .tuple = {1, n, i, 1, 1}};
	}
	struct candidate_input in = {.result = *result, .any_terminal = 1, .states = states, .state_count = INPUTS};
	int rc = manifest_encode_with(NULL, &in, 16, &key, &file, err);
	if (!rc)
		rc = store_write(s, STORE_MANIFEST, direct, &file, err);
	buf_release(&file);
	return rc;
}

static void set_age(struct store *s, enum store_kind kind, const struct digest *key, time_t age)
{
	char *path = store_path(s, kind, key);
	struct timespec t = {.tv_sec = time(NULL) - age}, times[2] = {t, t};
	if (path)
		utimensat(AT_FDCWD, path, times, 0);
	free(path);
}

int main(int argc, char **argv)
{
	soldr_error err = SOLDR_ERROR_INIT;
	struct store s;
	uint64_t random = 88172645463325252u;
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (!count) {
		fprintf(stderr, "usage: fill CACHE_ROOT COUNT\n");
		return 2;
	}
	int rc = store_init(&s, argv[1], INT64_MAX, false, &err);
	for (unsigned long n = 0; !rc && n < count; n++) {
		struct digest direct, result;
		time_t age = (time_t)(noise(&random) % SPREAD);
		digest_number(&direct, "direct", n);
		digest_number(&result, "result", n);
		rc = put_entry(&s, &result, &random, &err);
		if (!rc)
			rc = put_manifest(&s, &direct, &result, n, &err);
		set_age(&s, STORE_ENTRY, &result, age);
		set_age(&s, STORE_MANIFEST, &direct, age);
	}
	store_release(&s);
	if (rc)
		fprintf(stderr, "fill: %s\n", err.message);
	return rc ? 1 : 0;
}
