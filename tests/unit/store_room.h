/* What the tests of store and evict share: a store in a temporary directory, with files of known names and ages. */
#ifndef TEST_STORE_ROOM_H
#define TEST_STORE_ROOM_H

#include "room.h"
#include "store.h"

#include <soldr/backend.h>

enum { BLOCK = 4096, MANY = 1 << 30 };

static inline struct digest key_number(unsigned n)
{
	struct digest d;
	char text[32];
	snprintf(text, sizeof text, "key %u", n);
	digest_of(&d, text, strlen(text));
	return d;
}

static inline void open_store(struct store *s, struct room *room, uint64_t max_size)
{
	SAME_NUMBER(store_init(s, room->dir, max_size, false, NULL), 0);
	s->step_ns = UINT64_MAX; /* no test depends on how fast the machine is */
}

static inline int put(struct store *s, enum store_kind kind, unsigned n, size_t len)
{
	struct digest key = key_number(n);
	struct buf b = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	char *to = buf_reserve(&b, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	memset(to, 'a' + (int)(n % 26), len);
	b.len = len;
	int rc = store_write(s, kind, &key, &b, &err);
	buf_release(&b);
	return rc;
}

static inline bool is_there(struct store *s, enum store_kind kind, unsigned n)
{
	struct digest key = key_number(n);
	char *path = store_path(s, kind, &key);
	bool there = access(path, F_OK) == 0;
	free(path);
	return there;
}

/* age: seconds before now. */
static inline void set_age(struct store *s, enum store_kind kind, unsigned n, long age)
{
	struct digest key = key_number(n);
	char *path = store_path(s, kind, &key);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= age;
	const struct timespec times[2] = {now, now};
	SAME_NUMBER(utimensat(AT_FDCWD, path, times, 0), 0);
	free(path);
}

static inline long age_of(struct store *s, enum store_kind kind, unsigned n)
{
	struct digest key = key_number(n);
	char *path = store_path(s, kind, &key);
	struct stat st = {0};
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	free(path);
	return (long)(time(NULL) - st.st_mtim.tv_sec);
}

static inline void expect_totals(struct store *s, uint64_t bytes, uint64_t entries)
{
	uint64_t b, n;
	store_totals(s, &b, &n);
	SAME_NUMBER(b, bytes);
	SAME_NUMBER(n, entries);
}

#endif
