/* precompiled: see precompiled.h. */
#include "precompiled.h"

#include "args_names.h"
#include "digests.h"
#include "path.h"
#include "sealed.h"
#include "sys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of the texts in a precompiled header matters to its users. Other findings were judged when it was made. */
enum { PASSED_ON = SCAN_DATE | SCAN_TIME | SCAN_TIMESTAMP | SCAN_PASTE | SCAN_INCBIN };

static bool has_suffix(const char *path)
{
	const char *suffix = path_ext(path);
	return strcmp(suffix, ".gch") == 0 || strcmp(suffix, ".pch") == 0;
}

int precompiled_digest(void *arg, int dir, const char *path, struct tuple *tuple, struct digest *digest)
{
	struct digest_memory memory = DIGEST_MEMORY_INIT;
	if (has_suffix(path))
		digests_open(&memory, arg);
	int rc = digests_read(&memory, dir, path, tuple, digest, NULL);
	digests_close(&memory);
	return rc;
}

/* ---- where compilers look ----------------------------------------------------------- */

bool precompiled_is_searched(const struct unit *u)
{
	/* While GCC makes one it takes no other. */
	return u->inv.family == FAMILY_GCC && !language_is_header(u->inv.language);
}

static bool is_there(const struct unit *u, const char *path)
{
	struct stat st;
	return sys.fstatat(u->dir, path, &st, 0) == 0;
}

static bool note(const struct unit *u, struct vec *found, const char *dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];
	size_t n = strlen(dir);
	int len = snprintf(path, sizeof path, "%s%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name, suffix);
	if (len < 0 || (size_t)len >= sizeof path || !is_there(u, path))
		return false;
	if (*suffix)
		vec_add_once(found, path);
	return true;
}

/* GCC's search for one name, up to the first directory that has the header itself. */
static void search_name(const struct unit *u, const char *includer_dir, const char *spelled, const struct vec *dirs, size_t first_bracket,
                        struct vec *found)
{
	bool quoted = *spelled == '"', absolute = spelled[1] == '/';
	if (quoted || absolute) {
		note(u, found, absolute ? "" : includer_dir, spelled + 1, ".gch");
		if (absolute || note(u, found, includer_dir, spelled + 1, ""))
			return;
	}
	for (size_t i = quoted ? 0 : first_bracket; i < dirs->len; i++) {
		note(u, found, dirs->items[i], spelled + 1, ".gch");
		if (note(u, found, dirs->items[i], spelled + 1, ""))
			return;
	}
}

/* What the source and the options include: GCC takes a precompiled header for the first include only. */
static void search_gcc(const struct unit *u, const struct identity *id, struct vec *found)
{
	struct vec dirs = VEC_INIT, includes = VEC_INIT;
	struct buf text = BUF_INIT;
	struct tuple tuple;
	struct digest digest;
	size_t first_bracket;
	char *dir = strchr(u->inv.source, '/') ? path_dir(u->inv.source) : strdup("");
	search_path(u, id, &dirs, &first_bracket);
	if (files_read(u->dir, u->inv.source, &text, &tuple, &digest, NULL) == 0) {
		struct scan s = {.includes = &includes};
		scan_text(&s, buf_str(&text), text.len, u->inv.language == LANGUAGE_ASM_CPP);
	}
	for (size_t i = 0; dir && i < includes.len; i++)
		search_name(u, dir, includes.items[i], &dirs, first_bracket, found);
	for (size_t i = 0; i < u->inv.forced_includes.len; i++) {
		buf_clear(&text);
		buf_addf(&text, "\"%s", u->inv.forced_includes.items[i]);
		search_name(u, "", buf_str(&text), &dirs, first_bracket, found);
	}
	if (!dir || !vec_ok(&dirs) || !vec_ok(&includes) || !buf_ok(&text))
		found->failed = true;
	free(dir);
	buf_release(&text);
	vec_release(&dirs);
	vec_release(&includes);
}

static void search_clang(const struct unit *u, struct vec *found)
{
	if (u->inv.precompiled.len)
		vec_add_all(found, vec_items(&u->inv.precompiled));
	for (size_t i = 0; i < u->inv.forced_includes.len; i++) {
		note(u, found, "", u->inv.forced_includes.items[i], ".pch");
		note(u, found, "", u->inv.forced_includes.items[i], ".gch");
	}
}

/* ---- using -------------------------------------------------------------------------- */

static int load_record(struct unit *u, const struct digest *key, struct header_record *h)
{
	struct buf file = BUF_INIT;
	int rc = store_read(&u->inst->store, STORE_RECORD, key, &file, NULL);
	if (!rc && header_record_decode(h, &file, key) != 0) {
		if (!u->inst->store.readonly)
			store_remove(&u->inst->store, STORE_RECORD, key);
		rc = -1;
	}
	buf_release(&file);
	return rc ? -1 : 0;
}

static enum soldr_reason add_opaque(struct unit *u, const char *path, int64_t begun, struct input_list *l)
{
	struct input *in = inputs_add(l, path);
	if (!in)
		return SOLDR_REASON_INPUTS_UNKNOWN;
	in->is_opaque = true;
	if (precompiled_digest(&u->inst->store, u->dir, path, &in->tuple, &in->digest) != 0)
		return SOLDR_REASON_INPUT_UNREADABLE;
	return tuple_unsafe_since(&in->tuple, begun) ? SOLDR_REASON_INPUT_MODIFIED : SOLDR_REASON_NONE;
}

static void merge(const struct unit *u, const struct header_record *h, struct input_list *l)
{
	l->scan.flags |= h->flags & PASSED_ON;
	for (size_t i = 0; i < sizeof h->pieces.bits / sizeof *h->pieces.bits; i++)
		l->scan.pieces.bits[i] |= h->pieces.bits[i];
	if (h->wrappers.len)
		vec_add_all(&l->wrappers, vec_items(&h->wrappers));
	l->precompiled = true;
	l->passes_over = l->passes_over || u->inv.family == FAMILY_CLANG || (h->flags & SCAN_ONCE);
}

static enum soldr_reason add_one(struct unit *u, const char *path, int64_t begun, bool messages, struct input_list *l)
{
	struct header_record h = HEADER_RECORD_INIT;
	struct stat st;
	/* A directory holds several, one for each set of options. */
	if (sys.fstatat(u->dir, path, &st, 0) == 0 && !S_ISREG(st.st_mode))
		return SOLDR_REASON_PRECOMPILED_HEADER;
	enum soldr_reason why = add_opaque(u, path, begun, l);
	if (why != SOLDR_REASON_NONE)
		return why;
	l->items[l->len - 1].is_precompiled = true;
	if (load_record(u, &l->items[l->len - 1].digest, &h) != 0)
		why = SOLDR_REASON_PRECOMPILED_HEADER;
	else
		merge(u, &h, l);
	bool reads_inputs = u->inv.family == FAMILY_CLANG || messages;
	for (size_t i = 0; i < h.paths.len && why == SOLDR_REASON_NONE && reads_inputs; i++) {
		why = add_opaque(u, h.paths.items[i], begun, l);
		if (why == SOLDR_REASON_NONE && h.timed)
			l->items[l->len - 1].state_flags |= INPUT_TIMED;
	}
	header_record_release(&h);
	return why;
}

enum soldr_reason precompiled_add(struct unit *u, const struct identity *id, int64_t begun, bool messages, struct input_list *l,
                                  char *detail, size_t detail_size)
{
	struct vec found = VEC_INIT;
	enum soldr_reason why = SOLDR_REASON_NONE;
	if (u->inv.family == FAMILY_CLANG)
		search_clang(u, &found);
	else if (precompiled_is_searched(u))
		search_gcc(u, id, &found);
	if (!vec_ok(&found))
		why = SOLDR_REASON_INPUTS_UNKNOWN;
	for (size_t i = 0; i < found.len && why == SOLDR_REASON_NONE; i++) {
		why = add_one(u, found.items[i], begun, messages, l);
		snprintf(detail, detail_size, "%s", why == SOLDR_REASON_NONE ? "" : found.items[i]);
	}
	vec_release(&found);
	return why;
}

bool precompiled_holds(const struct unit *u, const struct input_list *l, const char *path)
{
	for (size_t i = 0; i < l->len && u->inv.family == FAMILY_CLANG; i++)
		if (l->items[i].is_opaque && strcmp(l->items[i].path, path) == 0)
			return true;
	return false;
}

/* Whether the header beside it is one of its inputs, and all of these still hold the text that it was made from. */
static bool stands(struct unit *u, const char *path, const struct header_record *h)
{
	char *beside = path_absolute(u->req->cwd, path);
	bool met = false, same = beside != NULL;
	if (beside)
		beside[strlen(beside) - strlen(path_ext(beside))] = 0;
	for (size_t i = 0; i < h->paths.len && same; i++) {
		struct tuple tuple;
		struct digest now;
		met = met || strcmp(h->paths.items[i], beside) == 0;
		same = files_read(u->dir, h->paths.items[i], NULL, &tuple, &now, NULL) == 0 && digest_equal(&now, &h->digests[i]);
	}
	free(beside);
	return same && met;
}

bool precompiled_text_stands(struct unit *u, const struct input_list *l)
{
	bool good = true;
	/* Clang's preprocessor reads precompiled headers itself. */
	for (size_t i = 0; i < l->len && good && u->inv.family == FAMILY_GCC; i++) {
		struct header_record h = HEADER_RECORD_INIT;
		if (l->items[i].is_precompiled)
			good = load_record(u, &l->items[i].digest, &h) == 0 && stands(u, l->items[i].path, &h);
		header_record_release(&h);
	}
	return good;
}

/* ---- making ------------------------------------------------------------------------- */

void precompiled_mark_times(const struct unit *u, struct input_list *l)
{
	if (!language_is_header(u->inv.language) || u->inv.family != FAMILY_CLANG || u->inv.untimed)
		return;
	for (size_t i = 0; i < l->len; i++)
		if (!l->items[i].is_program)
			l->items[i].state_flags |= INPUT_TIMED;
}

bool precompiled_record(const struct unit *u, const struct input_list *l, const struct entry_section *made, struct buf *out, struct digest *key)
{
	struct header_record h = {
		.flags = l->scan.flags & (uint32_t)(PASSED_ON | SCAN_ONCE), .pieces = l->scan.pieces, .wrappers = l->wrappers,
		.digests = calloc(l->len + 1, sizeof *h.digests),
	};
	bool good = h.digests && made;
	for (size_t i = 0; i < l->len && good; i++) {
		if (l->items[i].is_program)
			continue;
		char *path = path_absolute(u->req->cwd, l->items[i].path);
		good = path != NULL;
		h.digests[h.paths.len] = l->items[i].digest;
		h.timed = h.timed || (l->items[i].state_flags & INPUT_TIMED);
		if (path)
			vec_add(&h.paths, path);
		free(path);
	}
	if (made)
		digest_of(key, made->data, (size_t)made->len);
	good = good && vec_ok(&h.paths) && header_record_encode(&h, key, out);
	h.wrappers = VEC_INIT; /* the list's */
	header_record_release(&h);
	return good;
}

void precompiled_restore(struct unit *u, const struct entry *e)
{
	const struct entry_section *s = entry_find(e, ENTRY_RECORD);
	struct buf file = BUF_INIT;
	struct digest key;
	if (s && !u->inst->store.readonly && entry_unpack(s, &file, NULL) == 0 && sealed_key(&file, &key) &&
	    !store_has(&u->inst->store, STORE_RECORD, &key))
		store_write(&u->inst->store, STORE_RECORD, &key, &file, NULL);
	buf_release(&file);
}
