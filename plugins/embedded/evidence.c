/*
 * evidence: what is kept of a hit that would have been wrong. The layout is in
 * docs/formats.md.
 *
 * A directory is made under a temporary name and renamed, so that it appears
 * whole. It names the variables of the environment and never holds a value; what
 * redact.h takes for a secret is left out of the arguments.
 */
#include "unit.h"

#include "fs.h"
#include "path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "embedded";

enum { STAMP_LEN = 16, KEY_DIGITS = 16, NAME_LEN = STAMP_LEN + 1 + KEY_DIGITS }; /* 20261122T050000Z-0123456789abcdef */

const char *evidence_name(uint32_t kind, char name[static 24])
{
	static const char *const names[] = {
		[ENTRY_OBJECT] = "object", [ENTRY_DEPFILE] = "depfile", [ENTRY_STDOUT] = "stdout", [ENTRY_STDERR] = "stderr",
	};
	if (kind < sizeof names / sizeof *names && names[kind])
		snprintf(name, 24, "%s", names[kind]);
	else
		snprintf(name, 24, "output-%" PRIu32, kind);
	return name;
}

/* ---- one directory -------------------------------------------------------------------- */

static int write_text(const char *dir, const char *name, const struct buf *text, soldr_error *err)
{
	char *path = path_join(dir, name);
	int rc = path && buf_ok(text) ? fs_write_file(path, text->data, text->len, 0600, err)
	                              : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	free(path);
	return rc;
}

static void add_quoted(struct buf *out, const char *word)
{
	buf_addc(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *word);
	buf_addc(out, '\'');
}

static void add_argument(const struct unit *u, uint32_t i, struct buf *out)
{
	const soldr_request *req = u->req;
	const struct redaction rules = unit_redaction(u->inst);
	redact_argument(&rules, i ? req->argv[i - 1] : NULL, req->argv[i], out);
}

static int write_readme(const struct unit *u, const char *dir, const char *differences, bool whole, soldr_error *err)
{
	struct buf b = BUF_INIT;
	char name[24];
	buf_addf(&b, "A hit was compiled to verify it, and the compiler gave something else.\n"
	             "The build got the compiler's result; the stored one was dropped.\n\n%s\n", differences);
	for (size_t i = 0; i < u->output_count; i++)
		buf_addf(&b, "%s is %s\n", evidence_name(u->outputs[i].kind, name), u->outputs[i].path);
	buf_adds(&b, whole ? "stored/ holds what the hit would have given, compiled/ what the compiler gave.\n"
	                   : "The files themselves are too large to be kept.\n");
	buf_adds(&b, "request.txt and key.txt say what was asked; entry and manifest are the files of the store.\n"
	             "\nWhether the compiler gives the same every time is told by\n  cd ");
	add_quoted(&b, u->req->cwd);
	buf_adds(&b, " && soldr parity --");
	for (uint32_t i = 0; i < u->req->argc; i++) {
		struct buf clean = BUF_INIT;
		add_argument(u, i, &clean);
		buf_addc(&b, ' ');
		add_quoted(&b, buf_str(&clean));
		buf_release(&clean);
	}
	buf_adds(&b, "\n\"not deterministic\" there: no fault of the cache. Otherwise something decides the result that the\n"
	             "cache did not see, or the store was damaged: please report it.\n");
	int rc = write_text(dir, "README.txt", &b, err);
	buf_release(&b);
	return rc;
}

static int write_request(const struct unit *u, const char *dir, soldr_error *err)
{
	const soldr_request *req = u->req;
	struct buf b = BUF_INIT;
	buf_addf(&b, "directory %s\ncompiler %s\n", req->cwd, u->real);
	for (uint32_t i = 0; i < req->argc; i++) {
		buf_adds(&b, "argument ");
		add_argument(u, i, &b);
		buf_addc(&b, '\n');
	}
	for (uint32_t i = 0; i < req->envc; i++)
		buf_addf(&b, "variable %.*s\n", (int)strcspn(req->envp[i], "="), req->envp[i]);
	int rc = write_text(dir, "request.txt", &b, err);
	buf_release(&b);
	return rc;
}

static int write_key(const struct unit *u, const char *dir, soldr_error *err)
{
	struct buf b = BUF_INIT;
	char hex[DIGEST_HEX_SIZE];
	digest_hex(&u->key.direct, hex);
	buf_addf(&b, "direct %s\n", hex);
	for (int i = 0; i < KEY_GROUPS; i++) {
		digest_hex(&u->key.group[i], hex);
		buf_addf(&b, "%s %s\n", key_group_name((enum key_group)i), hex);
	}
	digest_hex(&u->found.candidate->result, hex);
	buf_addf(&b, "result %s\n", hex);
	int rc = write_text(dir, "key.txt", &b, err);
	buf_release(&b);
	return rc;
}

static int write_sections(const char *dir, const char *sub, const struct entry *e, soldr_error *err)
{
	char name[24];
	char *path = path_join(dir, sub);
	int rc = path ? fs_make_dirs(path, 0700, err) : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	for (size_t i = 0; !rc && i < e->section_count; i++) {
		struct buf raw = BUF_INIT;
		rc = entry_unpack(&e->sections[i], &raw, err);
		if (!rc)
			rc = write_text(path, evidence_name(e->sections[i].kind, name), &raw, err);
		buf_release(&raw);
	}
	free(path);
	return rc;
}

static uint64_t size_of(const struct entry *e)
{
	uint64_t size = e->file.len;
	for (size_t i = 0; i < e->section_count; i++)
		size += e->sections[i].raw_len;
	return size;
}

/* Half the limit at most, so that the newest fits whatever else is there. */
static int fill(const struct unit *u, const struct entry *made, const char *differences, const char *dir, soldr_error *err)
{
	const struct found *found = &u->found;
	bool whole = size_of(&found->entry) + size_of(made) + found->manifest.file.len <= EVIDENCE_BYTES_MAX / 2;
	int rc = fs_make_dirs(dir, 0700, err);
	if (!rc)
		rc = write_request(u, dir, err);
	if (!rc)
		rc = write_key(u, dir, err);
	if (!rc && whole)
		rc = write_text(dir, "manifest", &found->manifest.file, err);
	if (!rc && whole)
		rc = write_text(dir, "entry", &found->entry.file, err);
	if (!rc && whole)
		rc = write_sections(dir, "stored", &found->entry, err);
	if (!rc && whole)
		rc = write_sections(dir, "compiled", made, err);
	return rc ? rc : write_readme(u, dir, differences, whole, err);
}

/* ---- all of them ------------------------------------------------------------------------ */

static bool is_evidence(const char *name)
{
	return strlen(name) == NAME_LEN && isdigit((unsigned char)*name) && name[8] == 'T' && name[STAMP_LEN] == '-';
}

static uint64_t tree_bytes(const char *path, int depth)
{
	struct stat st;
	DIR *dir = depth ? sys.opendir(path) : NULL;
	uint64_t sum = 0;
	if (!dir)
		return sys.lstat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
	for (struct dirent *e; (e = readdir(dir));) {
		char *below = *e->d_name == '.' ? NULL : path_join(path, e->d_name);
		sum += below ? tree_bytes(below, depth - 1) : 0;
		free(below);
	}
	closedir(dir);
	return sum;
}

static int newest_first(const void *left, const void *right)
{
	return strcmp(*(char *const *)right, *(char *const *)left);
}

/* Removes the oldest beyond the limits, and what killed processes left behind. The newest always stays. */
static void prune(const char *root)
{
	struct vec names = VEC_INIT;
	uint64_t bytes = 0;
	DIR *dir = sys.opendir(root);
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		struct stat st;
		bool litter = strncmp(e->d_name, FS_TEMP_PREFIX, strlen(FS_TEMP_PREFIX)) == 0;
		char *path = litter ? path_join(root, e->d_name) : NULL;
		if (path && sys.lstat(path, &st) == 0 && time(NULL) - st.st_mtim.tv_sec > STORE_TEMP_MAX_AGE)
			fs_remove_tree(path, NULL, NULL, NULL);
		free(path);
		if (is_evidence(e->d_name))
			vec_add(&names, e->d_name);
	}
	closedir(dir);
	if (vec_ok(&names) && names.len)
		qsort(names.items, names.len, sizeof *names.items, newest_first);
	for (size_t i = 0; vec_ok(&names) && i < names.len; i++) {
		char *path = path_join(root, names.items[i]);
		bytes += path ? tree_bytes(path, 2) : 0;
		if (path && i && (i >= EVIDENCE_MAX || bytes > EVIDENCE_BYTES_MAX))
			fs_remove_tree(path, NULL, NULL, NULL);
		free(path);
	}
	vec_release(&names);
}

int evidence_keep(const struct unit *u, const struct entry *made, const char *differences, char *dir, size_t dir_size, soldr_error *err)
{
	char stamp[STAMP_LEN + 1], hex[DIGEST_HEX_SIZE];
	struct tm tm;
	time_t now = time(NULL);
	struct buf temp = BUF_INIT, path = BUF_INIT;
	if (!gmtime_r(&now, &tm) || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm) != STAMP_LEN)
		snprintf(stamp, sizeof stamp, "19700101T000000Z");
	digest_hex(&u->key.direct, hex);
	buf_addf(&path, "%s/%s-%.*s", u->inst->evidence, stamp, KEY_DIGITS, hex);
	buf_addf(&temp, "%s/" FS_TEMP_PREFIX "%ld.%" PRIu64 ".%.*s", u->inst->evidence, (long)getpid(), u->req->id, KEY_DIGITS,
	         hex);
	int rc = buf_ok(&temp) && buf_ok(&path) ? fill(u, made, differences, temp.data, err)
	                                        : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (!rc && sys.rename(temp.data, path.data) != 0 && errno != ENOTEMPTY && errno != EEXIST)
		rc = err_set(err, SOLDR_E_IO, errno, origin, E109_NOT_PUBLISHED, path.data);
	if (buf_ok(&temp)) /* gone, or not wanted: of the same key and second there is one already */
		fs_remove_tree(temp.data, NULL, NULL, NULL);
	if (!rc) {
		snprintf(dir, dir_size, "%s", path.data);
		prune(u->inst->evidence);
	}
	buf_release(&temp);
	buf_release(&path);
	return rc;
}
