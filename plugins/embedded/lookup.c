/* lookup: from the direct key to outputs on disk. See unit.h. */
#include "phase.h"
#include "precompiled.h"
#include "rust.h"
#include "unit.h"

#include "args_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void result_reason(soldr_result *r, enum soldr_reason reason, const char *detail)
{
	static const char *const names[] = {
#define REASON_NAME(id, name, kind, text) name,
		SOLDR_REASONS(REASON_NAME)
#undef REASON_NAME
	};
	snprintf(r->reason, sizeof r->reason, "%s", names[reason]);
	snprintf(r->detail, sizeof r->detail, "%s", detail);
}

/* Reads and decodes; a damaged file is removed. NONE, or why there is no manifest. */
static enum soldr_reason read_manifest(struct unit *u, struct manifest *m)
{
	struct store *store = &u->inst->store;
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = store_read(store, STORE_MANIFEST, &u->key.direct, &m->file, &err);
	if (rc == SOLDR_E_NOT_FOUND)
		return SOLDR_REASON_NOT_SEEN;
	if (!rc)
		rc = manifest_decode(m, &u->key.direct, &err);
	if (!rc && u->root && manifest_settle(m, u->root, &u->root_id) != 0)
		return SOLDR_REASON_NOT_SEEN; /* memory is out */
	if (!rc)
		return SOLDR_REASON_NONE;
	u->inst->host->log(u->inst->host->core, SOLDR_LOG_WARN, "embedded", err.message);
	if (!store->readonly)
		store_remove(store, STORE_MANIFEST, &u->key.direct);
	return SOLDR_REASON_ENTRY_CORRUPT;
}

static enum soldr_reason read_entry(struct unit *u, const struct digest *result, struct entry *e)
{
	struct store *store = &u->inst->store;
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = store_read(store, STORE_ENTRY, result, &e->file, &err);
	if (rc == SOLDR_E_NOT_FOUND)
		return SOLDR_REASON_ENTRY_MISSING;
	if (!rc)
		rc = entry_decode(e, result, &err);
	if (!rc)
		return SOLDR_REASON_NONE;
	u->inst->host->log(u->inst->host->core, SOLDR_LOG_WARN, "embedded", err.message);
	if (!store->readonly)
		store_remove(store, STORE_ENTRY, result);
	return SOLDR_REASON_ENTRY_CORRUPT;
}

static int replay(struct unit *u, const struct entry *e, enum entry_kind kind, uint32_t stream, soldr_error *err)
{
	const struct entry_section *s = entry_find(e, kind);
	struct buf text = BUF_INIT;
	if (!s || !s->raw_len)
		return 0;
	int rc = entry_unpack(s, &text, err);
	if (!rc)
		rc = unit_emit(u, stream, text.data, text.len, err);
	buf_release(&text);
	return rc;
}

struct surroundings unit_surroundings(struct unit *u)
{
	return (struct surroundings){&u->memo, u->req->envp, u->rust ? u->rust->base : NULL};
}

/* Files that were touched but hold the same bytes: next time their stat tuples will do. */
static void renew(struct unit *u, const struct manifest *m, const struct candidate *c)
{
	struct candidate_input in;
	struct state *states = NULL;
	struct guard_input *guards = NULL;
	const struct surroundings at = unit_surroundings(u);
	if (manifest_renew(m, c, &at, &in, &states, &guards) == 0)
		unit_store_candidate(u, &in, NULL);
	candidate_input_release(&in, states, guards);
}

static int serve(struct unit *u, const struct entry *e, soldr_result *r, soldr_error *err)
{
	const uint32_t count = (uint32_t)u->output_count;
	uint64_t bytes = 0, begun = phase_begin(u);
	int rc = materialise(e, u->outputs, u->output_count, &bytes, err);
	if (!rc)
		rc = replay(u, e, ENTRY_STDOUT, SOLDR_STDOUT, err);
	if (!rc)
		rc = replay(u, e, ENTRY_STDERR, SOLDR_STDERR, err);
	phase_end(u, "materialise", begun, &(struct phase_facts){.outputs = &count, .bytes = &bytes});
	if (rc)
		return rc;
	r->outcome = SOLDR_OUTCOME_HIT;
	r->exit_code = e->exit_code;
	r->time_saved_ns = e->compile_ns;
	r->output_bytes = bytes;
	return 0;
}

/* Makes what was found what this checkout would have got. NONE, or why it is not. */
static enum soldr_reason take_entry(struct unit *u, const struct candidate *c)
{
	struct found *found = &u->found;
	soldr_error ignored = SOLDR_ERROR_INIT;
	enum soldr_reason why = read_entry(u, &c->result, &found->entry);
	if (why != SOLDR_REASON_NONE || !u->root)
		return why;
	if (!digest_equal(&c->root, &u->root_id) && !remap_may_serve(u, &found->entry))
		return SOLDR_REASON_CHECKOUT_DIFFERS;
	return remap_restore(u, &found->entry, found->texts, &ignored) == 0 ? SOLDR_REASON_NONE : SOLDR_REASON_ENTRY_CORRUPT;
}

static void tell(const struct unit *u, uint64_t begun, const struct candidate *c, enum soldr_reason why)
{
	const bool hit = c && why == SOLDR_REASON_NONE;
	phase_end(u, "lookup", begun, &(struct phase_facts){
		.result = hit ? "hit" : "miss", .why = why, .inputs = hit ? &c->input_count : NULL, .guards = hit ? &c->guard_count : NULL,
		.candidates = &u->found.manifest.candidate_count, .key = hit ? &c->result : NULL, .direct = true,
	});
}

int lookup(struct unit *u, soldr_result *r, soldr_error *err)
{
	struct found *found = &u->found;
	char detail[sizeof r->detail] = "";
	const struct surroundings at = unit_surroundings(u);
	const uint64_t begun = phase_begin(u);
	bool stale = false;
	int rc = 0;
	if (u->req->flags & SOLDR_REQUEST_RECACHE) {
		found->why = SOLDR_REASON_RECACHE;
		result_reason(r, SOLDR_REASON_RECACHE, "");
		tell(u, begun, NULL, SOLDR_REASON_RECACHE);
		return 0;
	}
	enum soldr_reason why = read_manifest(u, &found->manifest);
	const struct candidate *c = NULL;
	if (why == SOLDR_REASON_NONE)
		c = manifest_match(&found->manifest, &u->terminal, &at, &stale, &why, detail, sizeof detail);
	if (c)
		why = take_entry(u, c);
	if (c && why == SOLDR_REASON_NONE && u->rust)
		rc = rust_fit_entry(u, &found->entry, err);
	if (rc)
		return rc;
	found->why = why;
	tell(u, begun, c, why);
	if (!c || why != SOLDR_REASON_NONE) {
		result_reason(r, why, detail);
		return 0;
	}
	found->candidate = c;
	u->verify = verify_is_due(u);
	if (u->verify)
		result_reason(r, SOLDR_REASON_VERIFIED, "");
	else
		rc = serve(u, &found->entry, r, err);
	if (!rc && !u->verify && language_is_header(u->inv.language))
		precompiled_restore(u, &found->entry);
	bool foreign = !digest_equal(&c->root, &u->root_id);
	if (!rc && (stale || foreign) && !u->inst->store.readonly)
		renew(u, &found->manifest, c);
	return rc;
}

int unit_store_candidate(struct unit *u, const struct candidate_input *in, soldr_error *err)
{
	struct manifest old = MANIFEST_INIT;
	struct buf out = BUF_INIT;
	bool have = read_manifest(u, &old) == SOLDR_REASON_NONE;
	int rc = manifest_encode_with(have ? &old : NULL, in, u->inst->max_candidates, &u->key, &out, err);
	if (!rc)
		rc = store_write(&u->inst->store, STORE_MANIFEST, &u->key.direct, &out, err);
	buf_release(&out);
	manifest_release(&old);
	return rc;
}

void unit_drop_result(struct unit *u, const struct digest *result)
{
	struct store *store = &u->inst->store;
	struct manifest m = MANIFEST_INIT;
	struct buf out = BUF_INIT;
	uint32_t kept = 0;
	store_remove(store, STORE_ENTRY, result);
	if (read_manifest(u, &m) == SOLDR_REASON_NONE) {
		for (uint32_t i = 0; i < m.candidate_count; i++) {
			if (digest_equal(&m.candidates[i].result, result))
				continue;
			struct candidate other = m.candidates[kept];
			m.candidates[kept++] = m.candidates[i];
			m.candidates[i] = other;
		}
		struct manifest rest = m; /* of what m owns */
		rest.candidate_count = kept;
		if (!kept)
			store_remove(store, STORE_MANIFEST, &u->key.direct);
		else if (manifest_encode(&rest, &u->key.direct, &out, NULL) == 0)
			store_write(store, STORE_MANIFEST, &u->key.direct, &out, NULL);
	}
	buf_release(&out);
	manifest_release(&m);
}
