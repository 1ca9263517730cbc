/*
 * evict: keeps the store under its limit, oldest files first.
 *
 * A small store (SMALL_STORE entries or fewer) is looked at whole, so that its order is
 * truly least recently used. In a larger one a compile that finds the store
 * full looks at single shards, going round: each is brought to 90 % of its fair
 * share (1/256 of the limit). Keys are digests, so shards fill evenly, and the
 * work of one compile does not grow with the store. Some shard is above its
 * share whenever the store is above its limit, so this ends.
 */
#include "store.h"

#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SMALL_STORE = 2048 };

struct victim {
	char *path;
	unsigned shard;
	bool is_entry;
	int64_t age_key; /* mtime, ns */
	int64_t bytes;
};

struct victims {
	struct victim *items;
	size_t len, cap;
	int64_t bytes;
	bool failed;
};

static bool is_litter(const char *name, const struct stat *st)
{
	return strncmp(name, FS_TEMP_PREFIX, strlen(FS_TEMP_PREFIX)) == 0 && time(NULL) - st->st_mtim.tv_sec > STORE_TEMP_MAX_AGE;
}

static bool is_store_name(const char *name)
{
	size_t n = strlen(name);
	return n == 64 && name[62] == '.' && strchr(STORE_KIND_LETTERS, name[63]);
}

static bool is_entry_name(const char *name)
{
	return name[63] == 'e';
}

static void visit_dir(const char *dir_path, unsigned shard, store_visit_fn visit, void *arg)
{
	DIR *dir = opendir(dir_path);
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		struct stat st;
		if (e->d_name[0] == '.' && strncmp(e->d_name, FS_TEMP_PREFIX, strlen(FS_TEMP_PREFIX)) != 0)
			continue;
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (is_litter(e->d_name, &st)) {
			unlinkat(dirfd(dir), e->d_name, 0);
			continue;
		}
		if (!is_store_name(e->d_name))
			continue;
		struct buf path = BUF_INIT;
		buf_addf(&path, "%s/%s", dir_path, e->d_name);
		if (buf_ok(&path))
			visit(arg, shard, e->d_name, path.data, &st);
		buf_release(&path);
	}
	closedir(dir);
}

void store_visit(struct store *s, unsigned shard, store_visit_fn visit, void *arg)
{
	struct buf dir = BUF_INIT;
	buf_addf(&dir, "%s/%02x", s->dir, shard);
	if (buf_ok(&dir))
		visit_dir(dir.data, shard, visit, arg);
	buf_release(&dir);
}

static void collect(void *arg, unsigned shard, const char *name, const char *path, const struct stat *st)
{
	struct victims *v = arg;
	if (v->len == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 256;
		struct victim *items = realloc(v->items, cap * sizeof *items);
		if (!items) {
			v->failed = true;
			return;
		}
		v->items = items;
		v->cap = cap;
	}
	struct victim one = {
		.path = strdup(path),
		.shard = shard,
		.is_entry = is_entry_name(name),
		.age_key = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.bytes = (st->st_size + 4095) / 4096 * 4096,
	};
	if (!one.path) {
		v->failed = true;
		return;
	}
	v->items[v->len++] = one;
	v->bytes += one.bytes;
}

static int by_age(const void *a, const void *b)
{
	int64_t x = ((const struct victim *)a)->age_key, y = ((const struct victim *)b)->age_key;
	return (x > y) - (x < y);
}

/* Removes the oldest of v until target bytes are left of them. */
static void prune(struct store *s, struct victims *v, uint64_t target, soldr_report *report)
{
	if (v->len)
		qsort(v->items, v->len, sizeof *v->items, by_age);
	for (size_t i = 0; i < v->len; i++) {
		struct victim *one = &v->items[i];
		if ((uint64_t)v->bytes > target && sys.unlink(one->path) == 0) {
			store_account(s, one->shard, -one->bytes, one->is_entry ? -1 : 0);
			v->bytes -= one->bytes;
			report->files_removed++;
			report->bytes_removed += (uint64_t)one->bytes;
		}
		free(one->path);
	}
	report->files_seen += v->len;
	free(v->items);
	*v = (struct victims){0};
}

int store_evict(struct store *s, soldr_report *report, soldr_error *err)
{
	struct store_shard_size *z = store_shards(s);
	if (!z)
		return err_set(err, SOLDR_E_IO, 0, "embedded", "the store at %s cannot be written", s->dir);
	uint64_t bytes, entries, share = s->max_size / STORE_SHARDS;
	store_totals(s, &bytes, &entries);
	if (entries <= SMALL_STORE) {
		struct victims all = {0};
		for (unsigned i = 0; bytes > s->max_size && i < STORE_SHARDS; i++)
			store_visit(s, i, collect, &all);
		prune(s, &all, s->max_size / 10 * 9, report);
		return 0;
	}
	for (unsigned turns = 0; bytes > s->max_size && turns < STORE_SHARDS; turns++) {
		unsigned shard = store_next_victim(s);
		if ((int64_t)__atomic_load_n(&z[shard].bytes, __ATOMIC_RELAXED) <= (int64_t)(share / 10 * 9))
			continue;
		struct victims one = {0};
		store_visit(s, shard, collect, &one);
		prune(s, &one, share / 10 * 9, report);
		store_totals(s, &bytes, &entries);
	}
	return 0;
}

static void add_up(void *arg, unsigned shard, const char *name, const char *path, const struct stat *st)
{
	struct store_shard_size *sums = arg;
	(void)path;
	sums[shard].bytes += (uint64_t)((st->st_size + 4095) / 4096 * 4096);
	sums[shard].entries += is_entry_name(name);
}

int store_recount(struct store *s, soldr_report *report, soldr_error *err)
{
	struct store_shard_size *z = store_shards(s);
	struct store_shard_size sums[STORE_SHARDS] = {0};
	if (!z)
		return err_set(err, SOLDR_E_IO, 0, "embedded", "the store at %s cannot be written", s->dir);
	for (unsigned i = 0; i < STORE_SHARDS; i++) {
		store_visit(s, i, add_up, sums);
		__atomic_store_n(&z[i].bytes, sums[i].bytes, __ATOMIC_RELAXED);
		__atomic_store_n(&z[i].entries, sums[i].entries, __ATOMIC_RELAXED);
		report->files_seen += sums[i].entries;
	}
	return 0;
}
