/*
 * store: the files of the cache, and nothing of what is in them.
 *
 * <cache root>/embedded/v1/
 *   CACHEDIR.TAG   backup programs skip the directory
 *   size           mapped: bytes and entries of each shard (counters, not truth)
 *   compilers/     what was learnt of each compiler (identity.h)
 *   00 … ff/       shards by the first byte of the key: <62 hex>.m  .e  .p  .h
 *
 * Invariants (numbered in docs/formats.md):
 *  1 a file appears under its name whole or not at all (temporary, rename)
 *  2 a reader believes nothing that its checksum and its own key do not cover
 *  3 whoever finds a bad file removes it
 *  4 two writers of one name are both right; the last one stays
 *  5 no lock is held while another process waits for anything
 *  6 sizes in `size` may drift after a crash; counting mends them; no result
 *    depends on them
 */
#ifndef EMBEDDED_STORE_H
#define EMBEDDED_STORE_H

#include "buf.h"
#include "digest.h"
#include "err.h"

#include <pthread.h>
#include <sys/stat.h>

enum { STORE_SHARDS = 256, STORE_TOUCH_SECONDS = 3600, STORE_TEMP_MAX_AGE = 24 * 3600, STORE_STEP_NS = 10 * 1000 * 1000 };

/* Files that a step of eviction holds in memory; it looks at a few times as many at most. */
enum { STORE_SAMPLE_MAX = 4096 };

enum store_kind { STORE_MANIFEST, STORE_ENTRY, STORE_RECORD, STORE_HISTORY };

/* The letters that end their names. */
#define STORE_KIND_LETTERS "meph"

struct store_shard_size {
	uint64_t bytes, entries;
};

struct store_sizes; /* the mapped file */

/* After init it is for any number of threads, but for release. */
struct store {
	char *dir;         /* …/embedded/v1 */
	uint64_t max_size; /* bytes */
	bool readonly;
	uint64_t step_ns;  /* how long a step of upkeep may hold up a write */
	struct store_sizes *sizes; /* mapped at first use; NULL: cannot be had */
	pthread_mutex_t mapping;   /* held to map them */
	/* Called after each write. store_upkeep; a host may want it done elsewhere, or do it itself. */
	void (*upkeep)(struct store *, void *arg);
	void *upkeep_arg;
};

/* Makes nothing: directories appear with the first write. */
int store_init(struct store *, const char *cache_root, uint64_t max_size, bool readonly, soldr_error *);
void store_release(struct store *);

/* Path of a file of the store, malloc'ed. */
char *store_path(const struct store *, enum store_kind, const struct digest *key);
/* SOLDR_E_NOT_FOUND when there is none. Renews the file's age at most once an hour. */
int store_read(struct store *, enum store_kind, const struct digest *key, struct buf *, soldr_error *);
/* Publishes, counts, and asks for upkeep. */
int store_write(struct store *, enum store_kind, const struct digest *key, const struct buf *, soldr_error *);
bool store_has(const struct store *, enum store_kind, const struct digest *key);
void store_remove(struct store *, enum store_kind, const struct digest *key);

void store_totals(struct store *, uint64_t *bytes, uint64_t *entries);
/* The sizes file; NULL where it cannot be mapped. */
struct store_shard_size *store_shards(struct store *);
void store_account(struct store *, unsigned shard, int64_t bytes, int64_t entries);
void store_set_shard(struct store *, unsigned shard, const struct store_shard_size *sums);
/* Eviction goes round the shards: the turn's number, and its rest by STORE_SHARDS is the shard. */
uint64_t store_next_turn(struct store *);
/* How many shards are still to be counted, in the sizes file; NULL where it cannot be mapped. */
uint64_t *store_uncounted(struct store *);

/* ---- evict.c ---- */

/* Brings the store below its limit, however long it takes. */
int store_evict(struct store *, soldr_report *, soldr_error *);
/* Counts every file anew. */
int store_recount(struct store *, soldr_report *, soldr_error *);
/* Counts the shards that are still to be counted, one at least, until ns are over; UINT64_MAX: all. */
void store_count(struct store *, uint64_t ns);
/*
 * What a compile does for the store after a write: nothing while it is counted and below its limit, else a step of
 * either, each of step_ns. What goes wrong here is no reason to say that a result was not stored.
 */
void store_upkeep(struct store *, void *none);
/* Visits every file of the store of one shard: name as in the directory. */
typedef void (*store_visit_fn)(void *arg, unsigned shard, const char *name, const char *path, const struct stat *);
void store_visit(struct store *, unsigned shard, store_visit_fn, void *arg);

#endif
