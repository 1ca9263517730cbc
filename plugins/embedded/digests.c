/* digests: see digests.h. */
#include "digests.h"

#include "fnv.h"
#include "fs.h"
#include "path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOTS = 16384 };

struct digest_slot {
	uint64_t check;
	struct tuple tuple;
	struct digest digest;
};

static uint64_t check_of(const struct digest_slot *s)
{
	uint64_t h = fnv_add(FNV_BEGIN, &s->tuple, sizeof s->tuple);
	return fnv_add(h, &s->digest, sizeof s->digest) | 1; /* an empty slot has 0 */
}

static struct digest_slot *slot_of(struct digest_memory *m, const struct tuple *t)
{
	uint64_t h = fnv_add(FNV_BEGIN, t, sizeof *t);
	return &m->slots[(size_t)(h ^ h >> 32) % SLOTS];
}

void digests_open(struct digest_memory *m, const struct store *store)
{
	struct buf path = BUF_INIT;
	*m = DIGEST_MEMORY_INIT;
	buf_addf(&path, "%s/digests", store->dir);
	if (buf_ok(&path) && !store->readonly && fs_make_dirs(store->dir, 0700, NULL) == 0)
		m->slots = fs_map_shared(path.data, SLOTS * sizeof *m->slots, NULL);
	buf_release(&path);
}

void digests_close(struct digest_memory *m)
{
	if (m->slots)
		munmap(m->slots, SLOTS * sizeof *m->slots);
	*m = DIGEST_MEMORY_INIT;
}

int digests_read(struct digest_memory *m, int dir, const char *path, struct tuple *tuple, struct digest *digest, soldr_error *err)
{
	struct stat st;
	int64_t begun = files_clock_ns();
	if (m->slots && sys.fstatat(dir, path, &st, 0) == 0 && S_ISREG(st.st_mode)) {
		tuple_of(tuple, &st);
		struct digest_slot s = *slot_of(m, tuple);
		if (s.check == check_of(&s) && tuple_equal(&s.tuple, tuple)) {
			*digest = s.digest;
			return 0;
		}
	}
	int rc = files_read(dir, path, NULL, tuple, digest, err);
	if (!rc && m->slots && !tuple_unsafe_since(tuple, begun)) {
		struct digest_slot s = {.tuple = *tuple, .digest = *digest};
		s.check = check_of(&s);
		*slot_of(m, tuple) = s;
	}
	return rc;
}
