/* store: see store.h. */
#include "store.h"

#include "fs.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "embedded";

enum { STORE_FILE_MAX = 1 << 30, SIZES_FORMAT = 1 };

struct store_sizes {
	char magic[8];
	uint32_t format, byte_order;
	uint64_t turn;       /* of eviction: the shard to look at next is the rest by 256 */
	uint64_t uncounted;  /* the shards below this number are still to be counted */
	uint64_t reserved[4];
	struct store_shard_size shards[STORE_SHARDS];
};

static const char sizes_magic[8] = {'S', 'L', 'D', 'R', 'S', 'I', 'Z', 0};

int store_init(struct store *s, const char *cache_root, uint64_t max_size, bool readonly, soldr_error *err)
{
	*s = (struct store){.max_size = max_size, .readonly = readonly, .step_ns = STORE_STEP_NS, .upkeep = store_upkeep};
	pthread_mutex_init(&s->mapping, NULL);
	s->dir = path_join(cache_root, "embedded/v1");
	return s->dir ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

void store_release(struct store *s)
{
	if (s->sizes)
		munmap(s->sizes, sizeof *s->sizes);
	if (s->dir)
		pthread_mutex_destroy(&s->mapping);
	free(s->dir);
	*s = (struct store){0};
}

char *store_path(const struct store *s, enum store_kind kind, const struct digest *key)
{
	char hex[DIGEST_HEX_SIZE];
	struct buf b = BUF_INIT;
	digest_hex(key, hex);
	buf_adds(&b, s->dir);
	buf_addc(&b, '/');
	buf_add(&b, hex, 2);
	buf_addc(&b, '/');
	buf_adds(&b, hex + 2);
	buf_addc(&b, '.');
	buf_addc(&b, STORE_KIND_LETTERS[kind]);
	return buf_detach(&b);
}

/* Blocks as most file systems give them out: what `du` would say, without asking. */
static int64_t disk_size(int64_t size)
{
	return (size + 4095) / 4096 * 4096;
}

static void renew(int fd)
{
	struct stat st;
	struct timespec now;
	if (sys.fstat(fd, &st) != 0)
		return;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (st.st_mtim.tv_sec < now.tv_sec - STORE_TOUCH_SECONDS || st.st_mtim.tv_sec > now.tv_sec + STORE_TOUCH_SECONDS)
		sys.futimens(fd, NULL);
}

int store_read(struct store *s, enum store_kind kind, const struct digest *key, struct buf *out, soldr_error *err)
{
	char *path = store_path(s, kind, key);
	if (!path)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	int rc;
	int fd = sys.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0) {
		rc = err_set(err, errno == ENOENT ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, origin, E104_NOT_OPENED, path);
	} else {
		rc = fs_read_fd(fd, path, STORE_FILE_MAX, out, err);
		if (!rc && !s->readonly)
			renew(fd);
		sys.close(fd);
	}
	free(path);
	return rc;
}

static unsigned shard_of(const struct digest *key)
{
	return key->bytes[0];
}

static int make_shard(struct store *s, const char *path, soldr_error *err)
{
	static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory is a cache of soldr.\n";
	char *dir = path_dir(path), *tag_file = path_join(s->dir, "CACHEDIR.TAG");
	struct stat st;
	int rc = dir && tag_file ? fs_make_dirs(dir, 0700, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (!rc && sys.stat(tag_file, &st) != 0)
		rc = fs_write_file(tag_file, tag, sizeof tag - 1, 0600, err);
	free(dir);
	free(tag_file);
	return rc;
}

int store_write(struct store *s, enum store_kind kind, const struct digest *key, const struct buf *data, soldr_error *err)
{
	char *path = store_path(s, kind, key);
	if (!path)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	struct stat old;
	store_shards(s); /* the sums are there before the first file is */
	bool replaces = sys.lstat(path, &old) == 0;
	struct fs_temp t;
	soldr_error first = SOLDR_ERROR_INIT;
	int rc = fs_temp_open(&t, path, 0600, &first);
	if (rc && first.sys_errno == ENOENT) {
		rc = make_shard(s, path, err);
		if (!rc)
			rc = fs_temp_open(&t, path, 0600, err);
	} else if (rc && err) {
		*err = first;
	}
	if (!rc) {
		t.replaces = replaces;
		int why = fs_write_all(t.fd, data->data, data->len);
		if (why) {
			fs_temp_discard(&t);
			rc = err_set(err, SOLDR_E_IO, why, origin, E107_NOT_WRITTEN, path);
		} else {
			rc = fs_temp_publish(&t, err);
		}
	}
	free(path);
	if (rc)
		return rc;
	store_account(s, shard_of(key), disk_size((int64_t)data->len) - (replaces ? disk_size(old.st_size) : 0),
	              kind == STORE_ENTRY && !replaces);
	s->upkeep(s, s->upkeep_arg);
	return 0;
}

bool store_has(const struct store *s, enum store_kind kind, const struct digest *key)
{
	char *path = store_path(s, kind, key);
	struct stat st;
	bool there = path && sys.lstat(path, &st) == 0;
	free(path);
	return there;
}

void store_remove(struct store *s, enum store_kind kind, const struct digest *key)
{
	char *path = store_path(s, kind, key);
	struct stat st;
	if (path && sys.lstat(path, &st) == 0 && sys.unlink(path) == 0)
		store_account(s, shard_of(key), -disk_size(st.st_size), kind == STORE_ENTRY ? -1 : 0);
	free(path);
}

/* Numbers that no drift leads to: the file was damaged. A shard below them would hide any amount of files from the limit. */
static bool is_absurd(const struct store_sizes *z)
{
	const int64_t least = -((int64_t)4 << 30), most = (int64_t)1 << 50;
	bool absurd = z->uncounted > STORE_SHARDS;
	for (unsigned i = 0; i < STORE_SHARDS; i++) {
		int64_t bytes = (int64_t)__atomic_load_n(&z->shards[i].bytes, __ATOMIC_RELAXED);
		int64_t entries = (int64_t)__atomic_load_n(&z->shards[i].entries, __ATOMIC_RELAXED);
		absurd = absurd || bytes < least || bytes > most || entries < least || entries > most;
	}
	return absurd;
}

static bool is_ours(const struct store_sizes *z)
{
	return memcmp(z->magic, sizes_magic, sizeof z->magic) == 0 && __atomic_load_n(&z->format, __ATOMIC_ACQUIRE) == SIZES_FORMAT &&
	       z->byte_order == 0x01020304 && z->uncounted <= STORE_SHARDS;
}

static bool has_shards(const struct store *s)
{
	DIR *dir = sys.opendir(s->dir);
	bool found = !dir;
	for (const struct dirent *e; dir && !found && (e = readdir(dir)) != NULL;)
		found = strlen(e->d_name) == 2 && e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return found;
}

/*
 * New, or not ours: what is there is to be counted. In a new store nothing is, and must not be: a file that is counted while its
 * writer adds it would be in the sum twice. Of processes that begin it at once, one does this.
 */
static void begin_sizes(const struct store *s, const char *path, struct store_sizes *z)
{
	int fd = sys.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	if (!is_ours(z)) {
		memset(z, 0, sizeof *z);
		memcpy(z->magic, sizes_magic, sizeof z->magic);
		z->byte_order = 0x01020304;
		z->uncounted = has_shards(s) ? STORE_SHARDS : 0;
		__atomic_store_n(&z->format, SIZES_FORMAT, __ATOMIC_RELEASE);
	}
	if (fd >= 0)
		sys.close(fd);
}

static struct store_sizes *map_file(const struct store *s)
{
	char *path = path_join(s->dir, "size");
	struct store_sizes *z = path ? fs_map_shared(path, sizeof *z, NULL) : NULL;
	if (z && !is_ours(z))
		begin_sizes(s, path, z);
	else if (z && is_absurd(z))
		__atomic_store_n(&z->uncounted, STORE_SHARDS, __ATOMIC_RELAXED);
	free(path);
	return z;
}

static struct store_sizes *map_sizes(struct store *s)
{
	struct store_sizes *z = __atomic_load_n(&s->sizes, __ATOMIC_ACQUIRE);
	if (z || s->readonly)
		return z;
	pthread_mutex_lock(&s->mapping);
	z = s->sizes ? s->sizes : map_file(s);
	__atomic_store_n(&s->sizes, z, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&s->mapping);
	return z;
}

struct store_shard_size *store_shards(struct store *s)
{
	struct store_sizes *z = map_sizes(s);
	return z ? z->shards : NULL;
}

void store_account(struct store *s, unsigned shard, int64_t bytes, int64_t entries)
{
	struct store_shard_size *z = store_shards(s);
	if (!z)
		return;
	__atomic_fetch_add(&z[shard].bytes, (uint64_t)bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&z[shard].entries, (uint64_t)entries, __ATOMIC_RELAXED);
}

void store_set_shard(struct store *s, unsigned shard, const struct store_shard_size *sums)
{
	struct store_shard_size *z = store_shards(s);
	if (!z)
		return;
	__atomic_store_n(&z[shard].bytes, sums->bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&z[shard].entries, sums->entries, __ATOMIC_RELAXED);
}

void store_totals(struct store *s, uint64_t *bytes, uint64_t *entries)
{
	struct store_shard_size *z = store_shards(s);
	uint64_t b = 0, n = 0; /* unsigned: a damaged file holds any numbers */
	for (unsigned i = 0; z && i < STORE_SHARDS; i++) {
		b += __atomic_load_n(&z[i].bytes, __ATOMIC_RELAXED);
		n += __atomic_load_n(&z[i].entries, __ATOMIC_RELAXED);
	}
	*bytes = (int64_t)b > 0 ? b : 0;
	*entries = (int64_t)n > 0 ? n : 0;
}

uint64_t store_next_turn(struct store *s)
{
	struct store_sizes *z = map_sizes(s);
	return z ? __atomic_fetch_add(&z->turn, 1, __ATOMIC_RELAXED) : 0;
}

uint64_t *store_uncounted(struct store *s)
{
	struct store_sizes *z = map_sizes(s);
	return z ? &z->uncounted : NULL;
}
