/*
 * room: a private directory for one test, removed with all that is in it, and
 * the small things that most tests need of files. Strings that room_path()
 * gives belong to the room.
 */
#ifndef SOLDR_TESTS_ROOM_H
#define SOLDR_TESTS_ROOM_H

#include "buf.h"
#include "fs.h"
#include "path.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct room {
	char dir[256];
	struct vec paths;
};

static inline void room_init(struct room *room, const char *name)
{
	const char *tmp = getenv("TMPDIR");
	*room = (struct room){.paths = VEC_INIT};
	snprintf(room->dir, sizeof room->dir, "%s/soldr-%s.XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
	if (!mkdtemp(room->dir))
		CU_FAIL_FATAL("cannot make a directory for the test");
}

static inline void room_release(struct room *room)
{
	CU_ASSERT_EQUAL(fs_remove_tree(room->dir, NULL, NULL, NULL), 0);
	vec_release(&room->paths);
}

static inline const char *room_path(struct room *room, const char *name)
{
	vec_addf(&room->paths, "%s/%s", room->dir, name);
	if (!vec_ok(&room->paths))
		CU_FAIL_FATAL("out of memory");
	return room->paths.items[room->paths.len - 1];
}

/* Writes the file through its own name, so that inode and links stay. Directories are made. */
static inline const char *room_put_bytes(struct room *room, const char *name, const void *data, size_t len)
{
	const char *path = room_path(room, name);
	char *dir = path_dir(path);
	CU_ASSERT_EQUAL_FATAL(fs_make_dirs(dir, 0755, NULL), 0);
	free(dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(fs_write_all(fd, data, len), 0);
	close(fd);
	return path;
}

static inline const char *room_put(struct room *room, const char *name, const char *text)
{
	return room_put_bytes(room, name, text, strlen(text));
}

static inline const char *room_put_program(struct room *room, const char *name, const char *text)
{
	const char *path = room_put(room, name, text);
	CU_ASSERT_EQUAL(chmod(path, 0755), 0);
	return path;
}

/* The file's bytes, "" where there is none. The caller releases. */
static inline struct buf room_get(struct room *room, const char *name)
{
	struct buf b = BUF_INIT;
	fs_read_file(room_path(room, name), 256 << 20, &b, NULL);
	return b;
}

static inline bool room_has(struct room *room, const char *name)
{
	struct stat st;
	return lstat(room_path(room, name), &st) == 0;
}

/* Runs a shell command in the room; its exit status, or -1. */
__attribute__((format(printf, 2, 3))) static inline int room_sh(struct room *room, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_addf(&b, "cd '%s' && ", room->dir);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	int status = buf_ok(&b) ? system(b.data) : -1;
	buf_release(&b);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Until the clock that files are stamped with is past the times of all files so far: it ticks every some milliseconds. */
static inline void room_settle(struct room *room)
{
	struct stat st = {0};
	struct timespec now;
	const struct timespec pause = {.tv_nsec = 1000000};
	CU_ASSERT_EQUAL_FATAL(stat(room_put(room, ".settle", ""), &st), 0);
	do {
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec < st.st_ctim.tv_sec || (now.tv_sec == st.st_ctim.tv_sec && now.tv_nsec <= st.st_ctim.tv_nsec));
}

static inline size_t count_names(const char *dir, const char *prefix)
{
	struct buf b = BUF_INIT;
	size_t n = 0;
	buf_addf(&b, "ls -A '%s'", dir);
	FILE *f = popen(buf_str(&b), "r");
	char line[512];
	while (f && fgets(line, sizeof line, f))
		n += strncmp(line, prefix, strlen(prefix)) == 0;
	if (f)
		pclose(f);
	buf_release(&b);
	return n;
}

/* Assertions that show both sides. */
static inline void same_bytes_at(const char *file, int line, const void *actual, size_t actual_len, const void *expected, size_t len)
{
	bool same = actual_len == len && (len == 0 || memcmp(actual, expected, len) == 0);
	if (!same)
		fprintf(stderr, "\n%s:%d:\n  expected \"%.*s\" (%zu)\n  actual   \"%.*s\" (%zu)\n", file, line, (int)(len < 300 ? len : 300),
		        (const char *)expected, len, (int)(actual_len < 300 ? actual_len : 300), actual ? (const char *)actual : "",
		        actual_len);
	CU_assertImplementation(same, (unsigned)line, "bytes are as expected", file, "", CU_FALSE);
}
#define SAME_BYTES(actual, actual_len, expected, len) same_bytes_at(__FILE__, __LINE__, actual, (size_t)(actual_len), expected, len)

static inline void same_text_at(const char *file, int line, const char *actual, const char *expected)
{
	const char *a = actual ? actual : "(null)", *e = expected ? expected : "(null)";
	same_bytes_at(file, line, a, strlen(a), e, strlen(e));
}
#define SAME(actual, expected) same_text_at(__FILE__, __LINE__, actual, expected)

static inline void same_number_at(const char *file, int line, const char *what, long long actual, long long expected)
{
	if (actual != expected)
		fprintf(stderr, "\n%s:%d: %s: expected %lld, actual %lld\n", file, line, what, expected, actual);
	CU_assertImplementation(actual == expected, (unsigned)line, what, file, "", CU_FALSE);
}
#define SAME_NUMBER(actual, expected) same_number_at(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

static inline void holds_at(const char *file, int line, const char *text, const char *part)
{
	bool found = text && strstr(text, part);
	if (!found)
		fprintf(stderr, "\n%s:%d:\n  expected \"…%s…\"\n  actual   \"%s\"\n", file, line, part, text ? text : "(null)");
	CU_assertImplementation(found, (unsigned)line, "text holds the part", file, "", CU_FALSE);
}
#define HOLDS(text, part) holds_at(__FILE__, __LINE__, text, part)

/* A malloc'ed string compared and freed. */
static inline void same_owned_at(const char *file, int line, char *actual, const char *expected)
{
	same_text_at(file, line, actual, expected);
	free(actual);
}
#define SAME_OWNED(actual, expected) same_owned_at(__FILE__, __LINE__, actual, expected)

#endif
