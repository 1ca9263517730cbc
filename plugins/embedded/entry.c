/* entry: see entry.h. */
#include "entry.h"

#include "fs.h"
#include "sealed.h"

#include <string.h>
#include <zstd.h>

static const char origin[] = "embedded";
static const char magic[SEALED_MAGIC_SIZE] = {'S', 'L', 'D', 'R', 'E', 'N', 'T', 0};

enum {
	SMALL = 4096,           /* bytes below which packing costs a hit more than it can save: a file takes a whole block */
	PIECE = 128 << 10,      /* bytes of one zstd frame, unpacked: a hit needs memory for one at a time */
	FRAME_MAX = 8 << 20,    /* the largest that is read: another version may choose other pieces */
	SECTION_HEAD_SIZE = 24  /* kind, flags, len, raw_len */
};

/* Flags of a section on disk. */
enum { SECTION_PACKED = 1u << 0, SECTION_EXECUTABLE = 1u << 1, SECTION_ROOTLESS = 1u << 2, SECTION_FLAGS = (1u << 3) - 1 };

/* Appends the section as zstd frames; false: that makes it no smaller, and nothing was added. */
static bool add_frames(struct buf *out, const struct entry_section *s, int level)
{
	size_t before = out->len, bound = ZSTD_compressBound(PIECE);
	ZSTD_CCtx *context = s->len >= SMALL ? ZSTD_createCCtx() : NULL;
	bool good = context && buf_reserve(out, ZSTD_compressBound((size_t)s->len)); /* all at once: not to be copied as it grows */
	for (size_t at = 0; good && at < s->len; at += PIECE) {
		size_t piece = s->len - at < PIECE ? (size_t)s->len - at : PIECE;
		char *to = buf_reserve(out, bound);
		size_t n = to ? ZSTD_compressCCtx(context, to, bound, (const char *)s->data + at, piece, level) : 0;
		good = to && !ZSTD_isError(n) && out->len + n - before < s->len;
		if (good) {
			out->len += n;
			out->data[out->len] = 0;
		}
	}
	ZSTD_freeCCtx(context);
	if (!good)
		out->len = before;
	return good;
}

static void add_section(struct buf *out, const struct entry_section *s, int level, bool *packed, uint64_t *len)
{
	size_t before = out->len;
	*packed = add_frames(out, s, level);
	if (!*packed)
		buf_add(out, s->data, (size_t)s->len);
	*len = out->len - before;
}

int entry_encode(const struct digest *key, const struct entry *e, int level, struct buf *out, soldr_error *err)
{
	struct buf table = BUF_INIT;
	sealed_begin(out, magic, ENTRY_FORMAT, key);
	buf_add_u32(out, (uint32_t)e->exit_code);
	buf_add_u64(out, e->compile_ns);
	buf_add_u32(out, (uint32_t)e->section_count);
	size_t table_at = out->len; /* filled in when the packed sizes are known */
	size_t table_size = e->section_count * SECTION_HEAD_SIZE;
	if (buf_reserve(out, table_size))
		out->len += table_size;
	for (size_t i = 0; i < e->section_count; i++) {
		const struct entry_section *s = &e->sections[i];
		bool packed;
		uint64_t len;
		add_section(out, s, level, &packed, &len);
		buf_add_u32(&table, s->kind);
		buf_add_u32(&table, (packed ? SECTION_PACKED : 0) | (s->executable ? SECTION_EXECUTABLE : 0) |
		                    (s->rootless ? SECTION_ROOTLESS : 0));
		buf_add_u64(&table, len);
		buf_add_u64(&table, s->raw_len);
	}
	bool ok = buf_ok(&table) && buf_ok(out) && table.len == table_size;
	if (ok) {
		memcpy(out->data + table_at, buf_str(&table), table_size);
		ok = sealed_end(out);
	}
	buf_release(&table);
	return ok ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E714_NO_MEMORY_PACKING);
}

static int damaged(soldr_error *err, const char *what)
{
	return err_set(err, SOLDR_E_CORRUPT, 0, origin, E701_ENTRY_DAMAGED, what);
}

int entry_decode(struct entry *e, const struct digest *key, soldr_error *err)
{
	struct buf *f = &e->file;
	struct reader r;
	const char *wrong = sealed_open(f, magic, ENTRY_FORMAT, key, &r);
	if (wrong)
		return damaged(err, wrong);
	e->exit_code = (int32_t)reader_u32(&r);
	e->compile_ns = reader_u64(&r);
	uint32_t n = reader_u32(&r);
	if (n > ENTRY_SECTIONS_MAX)
		return damaged(err, "too many sections");
	for (uint32_t i = 0; i < n; i++) {
		struct entry_section *s = &e->sections[i];
		s->kind = reader_u32(&r);
		uint32_t flags = reader_u32(&r);
		if (flags & ~(uint32_t)SECTION_FLAGS)
			return damaged(err, "a section has unknown flags");
		s->packed = flags & SECTION_PACKED;
		s->executable = flags & SECTION_EXECUTABLE;
		s->rootless = flags & SECTION_ROOTLESS;
		s->len = reader_u64(&r);
		s->raw_len = reader_u64(&r);
	}
	for (uint32_t i = 0; i < n && !r.failed; i++) {
		struct entry_section *s = &e->sections[i];
		s->data = s->len <= f->len ? reader_take(&r, (size_t)s->len) : NULL;
		if (!s->data)
			return damaged(err, "it ends early");
		if (s->raw_len > BUF_MAX_DEFAULT || (!s->packed && s->raw_len != s->len))
			return damaged(err, "a size is impossible");
	}
	if (r.failed || r.at != r.end)
		return damaged(err, "its length is wrong");
	e->section_count = n;
	return 0;
}

void entry_release(struct entry *e)
{
	buf_release(&e->file);
	e->section_count = 0;
}

const struct entry_section *entry_find(const struct entry *e, uint32_t kind)
{
	for (size_t i = 0; i < e->section_count; i++)
		if (e->sections[i].kind == kind)
			return &e->sections[i];
	return NULL;
}

static int write_out(int fd, const void *data, size_t len, soldr_error *err)
{
	int why = fs_write_all(fd, data, len);
	return why ? err_set(err, SOLDR_E_IO, why, origin, E713_OUTPUT_NOT_WRITTEN) : 0;
}

/*
 * Frame by frame: appended to out, or (fd not -1) written through it. What a file says of its size gets memory for a
 * frame at a time, as it proves true: a few bytes can claim a gigabyte.
 */
static int unpack_frames(const struct entry_section *s, struct buf *out, int fd, soldr_error *err)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	const char *data = s->data;
	uint64_t done = 0;
	int rc = context ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	for (size_t at = 0; !rc && at < s->len;) {
		size_t left = (size_t)s->len - at, packed = ZSTD_findFrameCompressedSize(data + at, left);
		uint64_t raw = ZSTD_isError(packed) ? UINT64_MAX : ZSTD_getFrameContentSize(data + at, left);
		if (raw > FRAME_MAX || raw > s->raw_len - done) { /* or one of zstd's two values for not known */
			rc = damaged(err, "a section does not unpack");
			break;
		}
		if (fd >= 0)
			buf_clear(out);
		char *to = buf_reserve(out, (size_t)raw);
		size_t n = to ? ZSTD_decompressDCtx(context, to, (size_t)raw, data + at, packed) : 0;
		if (!to)
			rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E715_NO_MEMORY_UNPACKING, (unsigned long long)raw);
		else if (ZSTD_isError(n) || n != raw)
			rc = damaged(err, "a section does not unpack");
		else if (fd >= 0)
			rc = write_out(fd, to, n, err);
		if (!rc) {
			out->len += n;
			out->data[out->len] = 0;
		}
		done += raw;
		at += packed;
	}
	ZSTD_freeDCtx(context);
	return rc || done == s->raw_len ? rc : damaged(err, "a section does not unpack");
}

int entry_unpack(const struct entry_section *s, struct buf *out, soldr_error *err)
{
	if (s->packed)
		return unpack_frames(s, out, -1, err);
	buf_add(out, s->data, (size_t)s->len);
	return buf_ok(out) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

int entry_write(const struct entry_section *s, int fd, soldr_error *err)
{
	if (!s->packed)
		return write_out(fd, s->data, (size_t)s->len, err);
	struct buf piece = BUF_INIT;
	int rc = unpack_frames(s, &piece, fd, err);
	buf_release(&piece);
	return rc;
}
