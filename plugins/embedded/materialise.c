/* materialise: see materialise.h. */
#include "materialise.h"

#include "fs.h"

#include <errno.h>
#include <fcntl.h>

bool materialise_possible(const char *path, bool *there, bool *empty)
{
	struct stat st;
	*there = *empty = false;
	if (sys.lstat(path, &st) != 0)
		return errno == ENOENT;
	*there = true;
	*empty = st.st_size == 0;
	return S_ISREG(st.st_mode);
}

static int fill(struct fs_temp *t, const struct entry *e, const struct output *o, uint64_t *bytes, soldr_error *err)
{
	const struct entry_section *s = entry_find(e, o->kind);
	if (!s && o->optional)
		return 0;
	if (!s)
		return err_set(err, SOLDR_E_CORRUPT, 0, "embedded", E708_OUTPUT_LACKING, o->path);
	int rc = fs_temp_open(t, o->path, s->executable ? 0777 : 0666, err);
	if (rc)
		return rc;
	t->replaces = o->there;
	struct stat st;
	if (o->keeps_mode && sys.lstat(o->path, &st) == 0)
		sys.fchmod(t->fd, st.st_mode & 07777);
	rc = entry_write(s, t->fd, err);
	if (rc)
		err_prefix(err, "output %s", o->path);
	*bytes += s->raw_len;
	return rc;
}

int materialise(const struct entry *e, const struct output *outputs, size_t count, uint64_t *bytes, soldr_error *err)
{
	struct fs_temp temps[OUTPUTS_MAX];
	int rc = count <= OUTPUTS_MAX ? 0 : err_set(err, SOLDR_E_LIMIT, 0, "embedded", E712_MANY_OUTPUTS);
	for (size_t i = 0; i < OUTPUTS_MAX; i++)
		temps[i] = FS_TEMP_INIT;
	for (size_t i = 0; !rc && i < count; i++)
		rc = fill(&temps[i], e, &outputs[i], bytes, err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = temps[i].fd < 0 ? 0 : fs_temp_publish(&temps[i], err);
	for (size_t i = 0; i < OUTPUTS_MAX; i++)
		fs_temp_discard(&temps[i]);
	return rc;
}

/* The compiler wrote into the file, so its other names would keep the old text. */
static int rewrite(const char *path, const struct buf *text, soldr_error *err)
{
	int fd = sys.open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0);
	int why = fd < 0 ? errno : fs_write_all(fd, buf_str(text), text->len);
	if (fd >= 0 && sys.close(fd) != 0 && !why)
		why = errno;
	return why ? err_set(err, SOLDR_E_IO, why, "embedded", E107_NOT_WRITTEN, path) : 0;
}

int materialise_anew(const char *path, const struct buf *text, soldr_error *err)
{
	struct fs_temp t;
	struct stat st;
	if (!buf_ok(text))
		return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	bool there = sys.lstat(path, &st) == 0;
	if (there && st.st_nlink > 1)
		return rewrite(path, text, err);
	int rc = fs_temp_open(&t, path, 0666, err);
	if (rc)
		return rc;
	if (there)
		sys.fchmod(t.fd, st.st_mode & 07777);
	int why = fs_write_all(t.fd, buf_str(text), text->len);
	if (why) {
		fs_temp_discard(&t);
		return err_set(err, SOLDR_E_IO, why, "embedded", E107_NOT_WRITTEN, path);
	}
	return fs_temp_publish(&t, err);
}
