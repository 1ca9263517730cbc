/*
 * evict: keeps the store under its limit, least recently used files first, in
 * steps whose cost does not grow with the store.
 *
 * A step looks at whole shards, going round, until it has seen half a sample
 * of files or every shard, and removes the oldest of them until what is left is 90 %
 * of their share of the limit. So a store of that many files is looked at
 * whole, and its order is truly least recently used. A sample that gets
 * too large is halved by the digits of the names, and goes on with names of that half;
 * the next round takes another part. Keys are digests: shards fill evenly, and
 * each part of the names is a fair sample, in whatever order a directory lists them.
 *
 * A compile takes one step, and ends it when store.step_ns are over; but for the
 * least counts below, without which a slow disk would let the store grow. What is
 * left over is for the compiles that follow, or for `soldr cache evict`.
 */
#include "store.h"

#include "clock.h"
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SAMPLE_LEAST = 64,   /* that it looks at even if it is late */
	REMOVE_LEAST = 4,    /* that it removes then: more than a compile adds */
	HALVINGS_MAX = 16,   /* bits that sliced() takes from a name */
	NAME_SIZE = 65
};

static const uint64_t never = UINT64_MAX;

static uint64_t deadline_in(uint64_t ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	return ns < never - now ? now + ns : never;
}

static bool is_over(uint64_t deadline)
{
	return deadline != never && clock_ns(CLOCK_MONOTONIC) >= deadline;
}

/* ---- looking at a shard ------------------------------------------------------------ */

/* Of each file of the store; false ends the walk. */
typedef bool (*walk_fn)(void *arg, int dir, unsigned shard, const char *name);

static bool is_litter(int dir, const char *name)
{
	struct stat st;
	return strncmp(name, FS_TEMP_PREFIX, strlen(FS_TEMP_PREFIX)) == 0 && sys.fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && time(NULL) - st.st_mtim.tv_sec > STORE_TEMP_MAX_AGE;
}

static bool is_store_name(const char *name)
{
	size_t n = strlen(name);
	return n == NAME_SIZE - 1 && name[62] == '.' && strchr(STORE_KIND_LETTERS, name[63]);
}

static bool is_entry_name(const char *name)
{
	return name[63] == 'e';
}

static bool stat_file(int dir, const char *name, struct stat *st)
{
	return sys.fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

static uint64_t disk_size(const struct stat *st)
{
	return (uint64_t)(st->st_size + 4095) / 4096 * 4096;
}

/* True when it came to the end of the shard. Litter is swept on the way. */
static bool walk(struct store *s, unsigned shard, walk_fn look, void *arg)
{
	struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%02x", s->dir, shard);
	DIR *dir = buf_ok(&path) ? sys.opendir(path.data) : NULL;
	bool going = true;
	buf_release(&path);
	if (!dir)
		return true;
	for (struct dirent *e; going && (e = readdir(dir));) {
		if (is_store_name(e->d_name))
			going = look(arg, dirfd(dir), shard, e->d_name);
		else if (!s->readonly && is_litter(dirfd(dir), e->d_name))
			sys.unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
	return going;
}

struct visitor {
	struct store *store;
	store_visit_fn visit;
	void *arg;
};

static bool visit_file(void *arg, int dir, unsigned shard, const char *name)
{
	struct visitor *v = arg;
	struct stat st;
	struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%02x/%s", v->store->dir, shard, name);
	if (buf_ok(&path) && stat_file(dir, name, &st))
		v->visit(v->arg, shard, name, path.data, &st);
	buf_release(&path);
	return true;
}

void store_visit(struct store *s, unsigned shard, store_visit_fn visit, void *arg)
{
	struct visitor v = {s, visit, arg};
	walk(s, shard, visit_file, &v);
}

/* ---- one step ---------------------------------------------------------------------- */

struct victim {
	char name[NAME_SIZE];
	unsigned char shard;
	int64_t age_key; /* mtime, ns */
	uint64_t bytes;
};

struct sample {
	struct victim *items; /* STORE_SAMPLE_MAX */
	size_t len;
	uint64_t bytes;
	unsigned halvings;
	uint64_t round;       /* which half, a bit for each halving */
	uint64_t deadline;
	uint64_t seen;
	struct store_shard_size shard; /* the sums of the one that is being looked at */
};

static bool is_sampled(const struct sample *v, const char *name)
{
	unsigned char bits[2] = {0, 0};
	digest_unhex(name, bits, sizeof bits);
	unsigned part = (unsigned)(bits[0] << 8 | bits[1]) ^ (unsigned)(v->round & 0xffff);
	return !(part & ((1u << v->halvings) - 1));
}

static void halve(struct sample *v)
{
	size_t kept = 0;
	v->halvings++;
	v->bytes = 0;
	for (size_t i = 0; i < v->len; i++)
		if (is_sampled(v, v->items[i].name)) {
			v->items[kept] = v->items[i];
			v->bytes += v->items[kept++].bytes;
		}
	v->len = kept;
}

static bool gather_file(void *arg, int dir, unsigned shard, const char *name)
{
	struct sample *v = arg;
	struct stat st;
	if (v->len == STORE_SAMPLE_MAX && v->halvings < HALVINGS_MAX)
		halve(v);
	if (v->len == STORE_SAMPLE_MAX)
		return false;
	if (is_sampled(v, name) && stat_file(dir, name, &st)) {
		struct victim *one = &v->items[v->len++];
		memcpy(one->name, name, NAME_SIZE);
		one->shard = (unsigned char)shard;
		one->age_key = clock_stamp(st.st_mtim);
		one->bytes = disk_size(&st);
		v->bytes += one->bytes;
		v->seen++;
		v->shard.bytes += one->bytes;
		v->shard.entries += is_entry_name(name);
	}
	return v->seen < SAMPLE_LEAST || !is_over(v->deadline);
}

/*
 * Fills the sample. Returns how many shards it is of. A shard that was seen whole
 * is counted on the way, so that sums which drifted do not evict for ever.
 */
static unsigned gather(struct store *s, struct store_shard_size *z, struct sample *v, uint64_t *held)
{
	unsigned shards = 0;
	bool going = true;
	*held = 0;
	while (going && shards < STORE_SHARDS && v->seen < STORE_SAMPLE_MAX / 2) {
		uint64_t turn = store_next_turn(s);
		unsigned shard = (unsigned)(turn % STORE_SHARDS);
		if (!shards)
			v->round = turn / STORE_SHARDS;
		v->shard = (struct store_shard_size){0};
		going = walk(s, shard, gather_file, v);
		if (going && !v->halvings)
			store_set_shard(s, shard, &v->shard);
		int64_t bytes = (int64_t)__atomic_load_n(&z[shard].bytes, __ATOMIC_RELAXED);
		*held += bytes > 0 ? (uint64_t)bytes : 0;
		shards++;
		going = going && (v->seen < SAMPLE_LEAST || !is_over(v->deadline));
	}
	return shards;
}

static int by_age(const void *a, const void *b)
{
	int64_t x = ((const struct victim *)a)->age_key, y = ((const struct victim *)b)->age_key;
	return (x > y) - (x < y);
}

enum removal { REMOVAL_DONE, REMOVAL_BY_OTHERS, REMOVAL_FAILED };

static enum removal remove_victim(struct store *s, const struct victim *one)
{
	struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%02x/%s", s->dir, one->shard, one->name);
	int why = !buf_ok(&path) ? ENOMEM : sys.unlink(path.data) != 0 ? errno : 0;
	buf_release(&path);
	if (why)
		return why == ENOENT ? REMOVAL_BY_OTHERS : REMOVAL_FAILED;
	store_account(s, one->shard, -(int64_t)one->bytes, is_entry_name(one->name) ? -1 : 0);
	return REMOVAL_DONE;
}

/* Removes the oldest of the sample until keep bytes of it are left. What another process removed first is gone as well. */
static void prune(struct store *s, struct sample *v, uint64_t keep, soldr_report *report)
{
	if (v->len && v->bytes > keep)
		qsort(v->items, v->len, sizeof *v->items, by_age);
	for (size_t i = 0; i < v->len && v->bytes > keep && (i < REMOVE_LEAST || !is_over(v->deadline)); i++) {
		const struct victim *one = &v->items[i];
		enum removal done = remove_victim(s, one);
		if (done == REMOVAL_FAILED)
			continue;
		v->bytes -= one->bytes;
		if (done == REMOVAL_DONE) {
			report->files_removed++;
			report->bytes_removed += one->bytes;
		}
	}
}

/* One step, in two halves of the time. Returns how many shards it looked at; 0: memory is out. */
static unsigned evict_step(struct store *s, struct store_shard_size *z, uint64_t ns, soldr_report *report)
{
	uint64_t end = deadline_in(ns), held;
	struct sample v = {.items = malloc(STORE_SAMPLE_MAX * sizeof *v.items), .deadline = deadline_in(ns == never ? ns : ns / 2)};
	unsigned shards = v.items ? gather(s, z, &v, &held) : 0;
	double share = (double)(s->max_size / 10 * 9) * shards / STORE_SHARDS;
	v.deadline = end;
	/* Of the sample as large a part is kept as of the shards that it is from. */
	if (shards && (double)held > share)
		prune(s, &v, (uint64_t)((double)v.bytes * share / (double)held), report);
	report->files_seen += v.seen;
	free(v.items);
	return shards;
}

int store_evict(struct store *s, soldr_report *report, soldr_error *err)
{
	struct store_shard_size *z = store_shards(s);
	if (!z)
		return err_set(err, SOLDR_E_IO, 0, "embedded", E716_STORE_UNWRITABLE, s->dir);
	uint64_t bytes, entries;
	store_count(s, never);
	store_totals(s, &bytes, &entries);
	for (unsigned idle = 0; bytes > s->max_size && idle < STORE_SHARDS;) {
		uint64_t before = report->files_removed;
		unsigned shards = evict_step(s, z, never, report);
		if (!shards)
			return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
		idle = report->files_removed > before ? 0 : idle + shards;
		store_totals(s, &bytes, &entries);
	}
	return 0;
}

void store_upkeep(struct store *s, void *none)
{
	(void)none;
	struct store_shard_size *z = store_shards(s);
	soldr_report report = {.struct_size = sizeof report};
	uint64_t bytes, entries;
	if (!z)
		return;
	store_count(s, s->step_ns);
	store_totals(s, &bytes, &entries);
	if (bytes > s->max_size)
		evict_step(s, z, s->step_ns, &report);
}

/* ---- counting ---------------------------------------------------------------------- */

struct tally {
	struct store_shard_size sum;
	uint64_t seen, late; /* files of which the size was looked at, and not */
	uint64_t deadline;
};

static bool tally_file(void *arg, int dir, unsigned shard, const char *name)
{
	struct tally *t = arg;
	struct stat st;
	(void)shard;
	t->sum.entries += is_entry_name(name);
	if (t->seen >= SAMPLE_LEAST && is_over(t->deadline)) {
		t->late++;
	} else if (stat_file(dir, name, &st)) {
		t->sum.bytes += disk_size(&st);
		t->seen++;
	}
	return true;
}

/* Of a shard that is not done in time, the files that are left are taken to be as large as the others. */
static void count_shard(struct store *s, unsigned shard, uint64_t deadline)
{
	struct tally t = {.deadline = deadline};
	walk(s, shard, tally_file, &t);
	t.sum.bytes += t.seen ? t.sum.bytes / t.seen * t.late : 0;
	store_set_shard(s, shard, &t.sum);
}

void store_count(struct store *s, uint64_t ns)
{
	uint64_t deadline = deadline_in(ns), left;
	uint64_t *uncounted = store_uncounted(s);
	bool late = false;
	while (uncounted && !late && (left = __atomic_load_n(uncounted, __ATOMIC_RELAXED)) > 0) {
		count_shard(s, (unsigned)((left - 1) % STORE_SHARDS), deadline);
		/* Only afterwards: a process that is killed while it counts leaves the shard to the next one. */
		__atomic_compare_exchange_n(uncounted, &left, left - 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		late = is_over(deadline);
	}
}

int store_recount(struct store *s, soldr_report *report, soldr_error *err)
{
	uint64_t *uncounted = store_uncounted(s);
	uint64_t bytes, entries;
	if (!uncounted)
		return err_set(err, SOLDR_E_IO, 0, "embedded", E716_STORE_UNWRITABLE, s->dir);
	__atomic_store_n(uncounted, STORE_SHARDS, __ATOMIC_RELAXED);
	store_count(s, never);
	store_totals(s, &bytes, &entries);
	report->files_seen += entries;
	return 0;
}
