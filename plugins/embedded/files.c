/* files: see files.h. */
#include "files.h"

#include "clock.h"
#include "fnv.h"
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void tuple_of(struct tuple *t, const struct stat *st)
{
	t->dev = (uint64_t)st->st_dev;
	t->ino = (uint64_t)st->st_ino;
	t->size = (uint64_t)st->st_size;
	t->mtime_ns = clock_stamp(st->st_mtim);
	t->ctime_ns = clock_stamp(st->st_ctim);
}

bool tuple_unsafe_since(const struct tuple *t, int64_t since)
{
	int64_t window = t->ctime_ns % 1000000000 == 0 ? (int64_t)2000000000 : 0;
	return t->ctime_ns + window >= since;
}

int64_t files_clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct digesting {
	struct hasher hasher;
	size_t len;
};

static bool digest_piece(void *arg, const char *data, size_t len)
{
	struct digesting *d = arg;
	hasher_add(&d->hasher, data, len);
	d->len += len;
	return true;
}

int files_read(int dir, const char *path, struct buf *content, struct tuple *tuple, struct digest *digest, soldr_error *err)
{
	struct digesting d = {0};
	size_t before = content ? content->len : 0;
	int fd = sys.openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno == ENOENT || errno == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, "embedded", E104_NOT_OPENED, path);
	struct stat st;
	hasher_init(&d.hasher);
	int rc = content ? fs_read_fd(fd, path, FILE_INPUT_MAX, content, err)
	                 : fs_feed_fd(fd, path, FILE_INPUT_MAX, 0, digest_piece, &d, err);
	/* After the read: a change during it then shows as a size or ctime that is too new. */
	if (!rc && sys.fstat(fd, &st) != 0)
		rc = err_set(err, SOLDR_E_IO, errno, "embedded", E105_NOT_LOOKED_AT, path);
	sys.close(fd);
	if (!rc) {
		tuple_of(tuple, &st);
		if (content)
			digest_piece(&d, buf_str(content) + before, content->len - before);
		hasher_end(&d.hasher, digest);
		if (tuple->size != d.len)
			rc = err_set(err, SOLDR_E_BUSY, 0, "embedded", E722_CHANGED_WHILE_READ, path);
	}
	return rc;
}

static struct memo_item *memo_slot(const struct file_memo *m, const char *path)
{
	size_t i = (size_t)fnv_str(path) & (m->cap - 1);
	while (m->items[i].path && strcmp(m->items[i].path, path) != 0)
		i = (i + 1) & (m->cap - 1);
	return &m->items[i];
}

static bool memo_grow(struct file_memo *m)
{
	struct file_memo bigger = *m;
	bigger.cap = m->cap ? m->cap * 2 : 64;
	bigger.items = calloc(bigger.cap, sizeof *bigger.items);
	if (!bigger.items)
		return false;
	for (size_t i = 0; i < m->cap; i++)
		if (m->items[i].path)
			*memo_slot(&bigger, m->items[i].path) = m->items[i];
	free(m->items);
	*m = bigger;
	return true;
}

static struct memo_item *memo_place(struct file_memo *m, const char *path, bool *is_new)
{
	*is_new = false;
	if (m->len * 2 >= m->cap && !memo_grow(m))
		return NULL;
	struct memo_item *item = memo_slot(m, path);
	if (item->path)
		return item;
	item->path = strdup(path);
	if (!item->path)
		return NULL;
	m->len++;
	*is_new = true;
	return item;
}

const struct memo_item *memo_note(struct file_memo *m, const char *path)
{
	bool is_new;
	return memo_place(m, path, &is_new);
}

const struct memo_item *memo_get(struct file_memo *m, const char *path)
{
	bool is_new;
	struct memo_item *item = memo_place(m, path, &is_new);
	if (item && is_new) {
		int64_t begun = files_clock_ns();
		item->ok = (m->read ? m->read(m->arg, m->dir, path, &item->tuple, &item->digest)
		                    : files_read(m->dir, path, NULL, &item->tuple, &item->digest, NULL)) == 0;
		item->settled = item->ok && !tuple_unsafe_since(&item->tuple, begun);
	}
	return item;
}

bool memo_has(const struct file_memo *m, const char *path)
{
	return m->cap && memo_slot(m, path)->path;
}

void memo_release(struct file_memo *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->items[i].path);
	free(m->items);
	*m = (struct file_memo){.dir = m->dir, .read = m->read, .arg = m->arg};
}
