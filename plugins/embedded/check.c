/*
 * check: looks at every file of the store (`soldr cache verify`): is it what its
 * name says, whole, and could a hit be served from it. With repair, what is not
 * goes, and the sizes are counted anew.
 *
 * Files that another process writes or evicts meanwhile are in order or gone:
 * they appear whole, and one that cannot be opened any more does not count.
 */
#include "unit.h"

#include "fs.h"
#include "header_record.h"
#include "history.h"
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char origin[] = "embedded";

/* In the order of enum store_kind; the last are files of what was learnt of compilers. */
static const char *const kinds[] = {"manifests", "entries", "header records", "histories", "compilers"};

enum { KIND_COMPILER = STORE_HISTORY + 1, KINDS, PROGRESS_SHARDS = 8, COMPILERS_MAX = 1 << 16 };

struct check {
	soldr_instance *inst;
	soldr_report *report;
	bool repair;
	uint64_t damaged[KINDS];
	uint64_t left; /* damaged files that could not be removed */
};

static void say(const struct check *c, uint32_t level, const char *text)
{
	c->inst->host->log(c->inst->host->core, level, origin, text);
}

static void found_damaged(struct check *c, unsigned kind, const char *path, const struct stat *st, const soldr_error *why)
{
	struct buf text = BUF_INIT;
	c->damaged[kind]++;
	c->report->files_corrupt++;
	buf_addf(&text, "%s: %s", path, why->message);
	say(c, SOLDR_LOG_WARN, buf_str(&text));
	buf_release(&text);
	if (!c->repair)
		return;
	if (sys.unlink(path) == 0) {
		c->report->files_removed++;
		c->report->bytes_removed += (uint64_t)st->st_size;
	} else if (errno != ENOENT) {
		c->left++;
	}
}

static int check_entry(struct entry *e, const struct digest *key, soldr_error *err)
{
	int rc = entry_decode(e, key, err);
	for (size_t i = 0; !rc && i < e->section_count; i++) {
		struct buf raw = BUF_INIT;
		rc = entry_unpack(&e->sections[i], &raw, err);
		buf_release(&raw);
	}
	return rc;
}

/* SOLDR_E_NOT_FOUND: it is gone by now. */
static int check_content(struct check *c, enum store_kind kind, const struct digest *key, soldr_error *err)
{
	struct header_record record = HEADER_RECORD_INIT;
	struct buf text = BUF_INIT;
	struct manifest m = MANIFEST_INIT;
	struct entry e = {0};
	struct history h = {.count = 0};
	struct buf *file = kind == STORE_MANIFEST ? &m.file : kind == STORE_ENTRY ? &e.file : &text;
	int rc = store_read(&c->inst->store, kind, key, file, err);
	if (!rc && kind == STORE_MANIFEST)
		rc = manifest_decode(&m, key, err);
	else if (!rc && kind == STORE_ENTRY)
		rc = check_entry(&e, key, err);
	else if (!rc && kind == STORE_HISTORY)
		rc = history_decode(&h, &text, key, err);
	else if (!rc && header_record_decode(&record, &text, key) != 0)
		rc = err_set(err, SOLDR_E_CORRUPT, 0, origin, E706_HEADER_RECORD_DAMAGED);
	manifest_release(&m);
	entry_release(&e);
	header_record_release(&record);
	history_release(&h);
	buf_release(&text);
	return rc;
}

static void check_file(void *arg, unsigned shard, const char *name, const char *path, const struct stat *st)
{
	struct check *c = arg;
	enum store_kind kind = (enum store_kind)(strchr(STORE_KIND_LETTERS, name[63]) - STORE_KIND_LETTERS);
	soldr_error why = SOLDR_ERROR_INIT;
	struct digest key;
	key.bytes[0] = (unsigned char)shard;
	int rc = digest_unhex(name, key.bytes + 1, DIGEST_SIZE - 1)
	                 ? check_content(c, kind, &key, &why)
	                 : err_set(&why, SOLDR_E_CORRUPT, 0, origin, E707_NO_KEY_NAME);
	if (rc == SOLDR_E_NOT_FOUND)
		return;
	c->report->files_seen++;
	if (rc)
		found_damaged(c, kind, path, st, &why);
}

static void check_compilers(struct check *c)
{
	char *at = path_join(c->inst->store.dir, "compilers");
	DIR *dir = at ? sys.opendir(at) : NULL;
	size_t seen = 0;
	for (struct dirent *e; dir && seen < COMPILERS_MAX && (e = readdir(dir)); seen++) {
		soldr_error why = SOLDR_ERROR_INIT;
		struct stat st;
		char *path = path_join(at, e->d_name);
		if (path && *e->d_name != '.' && sys.lstat(path, &st) == 0) {
			int rc = identity_check(path, &why);
			c->report->files_seen += rc != SOLDR_E_NOT_FOUND;
			if (rc && rc != SOLDR_E_NOT_FOUND)
				found_damaged(c, KIND_COMPILER, path, &st, &why);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	free(at);
}

static void summarise(struct check *c)
{
	struct buf text = BUF_INIT;
	for (unsigned i = 0; i < KINDS; i++)
		if (c->damaged[i])
			buf_addf(&text, "%s%llu %s", text.len ? ", " : "damaged: ", (unsigned long long)c->damaged[i], kinds[i]);
	if (c->report->files_corrupt && !c->repair)
		buf_adds(&text, c->inst->store.readonly ? " (the store is read-only)" : " (soldr cache verify --repair removes them)");
	snprintf(c->report->message, sizeof c->report->message, "%s", buf_str(&text));
	buf_release(&text);
}

void embedded_check(soldr_instance *inst, bool repair, soldr_report *report)
{
	struct check c = {.inst = inst, .report = report, .repair = repair && !inst->store.readonly};
	soldr_report ignored = {.struct_size = sizeof ignored};
	for (unsigned i = 0; i < STORE_SHARDS; i++) {
		store_visit(&inst->store, i, check_file, &c);
		if ((i + 1) % PROGRESS_SHARDS == 0) {
			char text[96];
			snprintf(text, sizeof text, "%u %% checked, %llu files, %llu damaged", (i + 1) * 100 / STORE_SHARDS,
			         (unsigned long long)report->files_seen, (unsigned long long)report->files_corrupt);
			say(&c, SOLDR_LOG_DEBUG, text);
		}
	}
	check_compilers(&c);
	if (c.repair)
		store_recount(&inst->store, &ignored, NULL);
	if (c.left)
		report->status = SOLDR_STEP_FAILED;
	summarise(&c);
}
