/*
 * explain: writes down what was stored for a source, and tells it.
 *
 * The differences are found when the result is stored, because then both sides
 * are at hand: the manifest that the lookup read, and the inputs of the new
 * compile. So telling them needs nothing but the history.
 */
#include "rust.h"
#include "unit.h"

#include "args_table.h"
#include "differ.h"
#include "history.h"
#include "path.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char origin[] = "embedded";

struct redaction unit_redaction(const soldr_instance *inst)
{
	return (struct redaction){
		.enabled = !inst->redact_off,
		.deny = inst->redact_deny.len ? vec_items(&inst->redact_deny) : NULL,
		.allow = inst->redact_allow.len ? vec_items(&inst->redact_allow) : NULL,
	};
}

/* ---- what the compile was ------------------------------------------------------------------ */

static bool takes_next(const struct invocation *inv, const char *argument)
{
	const char *value;
	const struct option *o = inv->family == FAMILY_RUSTC ? NULL : option_find(inv->family, argument, &value);
	if (inv->family == FAMILY_RUSTC) /* its long options, and -C -L -l …, stand in front of their values */
		return *argument == '-' && !strchr(argument, '=') && (argument[1] == '-' || strlen(argument) == 2);
	return o && !value && (o->arity == ARITY_SEPARATE || o->arity == ARITY_EITHER);
}

/* An option with its value is one fact; the digest is of the bytes that the text may leave out. */
static void add_options(const struct unit *u, struct past *p)
{
	const struct vec *args = &u->inv.key_args;
	const struct redaction rules = unit_redaction(u->inst);
	size_t count = u->rust ? u->rust->option_count : args->len;
	struct buf text = BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		struct hasher h;
		struct digest d;
		bool pair = takes_next(&u->inv, args->items[i]) && i + 1 < count;
		hasher_init(&h);
		buf_clear(&text);
		hasher_field_str(&h, "argument", args->items[i]);
		redact_argument(&rules, i ? args->items[i - 1] : NULL, args->items[i], &text);
		if (pair) {
			i++;
			hasher_field_str(&h, "argument", args->items[i]);
			buf_addc(&text, ' ');
			redact_argument(&rules, args->items[i - 1], args->items[i], &text);
		}
		hasher_end(&h, &d);
		if (buf_ok(&text))
			facts_add(&p->options, buf_str(&text), &d);
	}
	buf_release(&text);
}

static void add_variable(const struct unit *u, struct past *p, const char *name)
{
	const char *value = env_get(u->req->envp, name);
	struct digest d;
	input_text_digest(value, &d);
	if (value)
		facts_add(&p->variables, name, &d);
}

static void add_variables(const struct unit *u, struct past *p)
{
	for (const char *const *name = key_variables(u->inv.family); *name; name++)
		add_variable(u, p, *name);
	for (const char *const *name = key_places(u->inv.family); *name; name++)
		add_variable(u, p, *name);
	for (size_t i = 0; u->rust && i < u->inst->key_env.len; i++)
		add_variable(u, p, u->inst->key_env.items[i]);
}

static void add_texts(const struct unit *u, struct past *p)
{
	const struct rust_unit *rust = u->rust;
	char *directory = u->inv.cwd_in_key && !rust ? key_apparent_directory(u->req) : strdup(u->req->cwd);
	past_add_text(p, directory);
	past_add_text(p, u->output_count ? u->outputs[u->output_count - 1].path : "");
	past_add_text(p, u->req->compiler);
	past_add_text(p, rust ? rust->program : u->real);
	past_add_text(p, rust ? rust->linker : u->tools);
	past_add_text(p, u->inv.source);
	free(directory);
}

static void describe(const struct unit *u, const struct digest *result, struct past *p)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	p->when_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	p->key = u->key;
	p->result = *result;
	p->source = u->source;
	p->fixed[0] = (unsigned char)u->inv.family;
	p->fixed[1] = (unsigned char)u->inv.action;
	p->fixed[2] = (unsigned char)u->inv.language;
	p->fixed[3] = (unsigned char)u->inv.depfile_mode;
	add_texts(u, p);
	add_options(u, p);
	add_variables(u, p);
}

/* ---- what it differs in --------------------------------------------------------------------- */

static const struct candidate *candidate_of(const struct manifest *m, const struct digest *result)
{
	for (uint32_t i = 0; i < m->candidate_count; i++)
		if (digest_equal(&m->candidates[i].result, result))
			return &m->candidates[i];
	return NULL;
}

static struct now_input *inputs_now(const struct input_list *l, size_t *count)
{
	struct now_input *all = calloc(l->len + 1, sizeof *all);
	*count = 0;
	for (size_t i = 0; all && i < l->len; i++) {
		const struct input *in = &l->items[i];
		if (!in->is_source || (in->state_flags & INPUT_TIMED))
			all[(*count)++] = (struct now_input){in->path, (in->is_program ? INPUT_COMPILER : 0u) | in->state_flags, in->digest};
	}
	return all;
}

/* The inputs of the earlier compile are in the manifest of its key, if that still is there. */
static void differ_earlier_inputs(struct unit *u, struct past *now, const struct past *old, const struct now_input *inputs, size_t count)
{
	struct manifest m = MANIFEST_INIT;
	bool there = store_read(&u->inst->store, STORE_MANIFEST, &old->key.direct, &m.file, NULL) == 0 &&
	             manifest_decode(&m, &old->key.direct, NULL) == 0 && (!u->root || manifest_settle(&m, u->root, &u->root_id) == 0);
	const struct candidate *c = there ? candidate_of(&m, &old->result) : NULL;
	if (c)
		differ_inputs(now, &m, c, inputs, count, true);
	manifest_release(&m);
}

static void differ_same_key(const struct unit *u, struct past *now, const struct history *others, const struct now_input *inputs, size_t count)
{
	const struct manifest *m = &u->found.manifest;
	const struct candidate *c = differ_nearest_candidate(m, inputs, count);
	now->against_ns = 0;
	for (size_t i = 0; c && i < others->count && !now->against_ns; i++)
		if (digest_equal(&others->items[i].result, &c->result))
			now->against_ns = others->items[i].when_ns;
	if (c)
		differ_inputs(now, m, c, inputs, count, false);
}

static void differ(struct unit *u, struct past *now, const struct history *others, const struct input_list *l)
{
	size_t count;
	const struct past *old = differ_nearest(now, others);
	struct now_input *inputs = inputs_now(l, &count);
	bool same_key = old && digest_equal(&old->key.direct, &now->key.direct);
	now->against_ns = old ? old->when_ns : 0;
	switch (u->found.why) {
	case SOLDR_REASON_NOT_SEEN:
		if (!old) {
			past_differ(now, "first_seen", past_text(now, PAST_SOURCE), NULL, NULL);
		} else if (same_key) {
			past_differ(now, "evicted", past_text(now, PAST_SOURCE), NULL, NULL);
		} else {
			differ_key(now, old);
			if (inputs)
				differ_earlier_inputs(u, now, old, inputs, count);
		}
		break;
	case SOLDR_REASON_ENTRY_MISSING:
		past_differ(now, "evicted", past_text(now, PAST_SOURCE), NULL, NULL);
		break;
	case SOLDR_REASON_INPUT_CHANGED:
	case SOLDR_REASON_INPUT_MISSING:
	case SOLDR_REASON_INPUT_SHADOWED:
	case SOLDR_REASON_COMPILER_CHANGED:
	case SOLDR_REASON_VARIABLE_CHANGED:
		if (inputs)
			differ_same_key(u, now, others, inputs, count);
		break;
	default:
		break; /* the reason says all there is */
	}
	free(inputs);
}

void explain_record(struct unit *u, const struct digest *result, const struct input_list *l)
{
	struct history others = {.count = 0};
	struct past now = {0};
	struct digest key;
	struct buf file = BUF_INIT, out = BUF_INIT;
	char *source = path_absolute(u->req->cwd, u->inv.source);
	if (!source)
		return;
	history_key(source, &key);
	if (store_read(&u->inst->store, STORE_HISTORY, &key, &file, NULL) == 0)
		(void)history_decode(&others, &file, &key, NULL); /* a damaged one is written anew */
	describe(u, result, &now);
	if (now.texts.len == PAST_TEXTS) {
		differ(u, &now, &others, l);
		if (vec_ok(&now.differences) && history_encode(&now, &others, &key, &out, NULL) == 0)
			(void)store_write(&u->inst->store, STORE_HISTORY, &key, &out, NULL);
	}
	past_release(&now);
	history_release(&others);
	buf_release(&file);
	buf_release(&out);
	free(source);
}

/* ---- telling ------------------------------------------------------------------------------------ */

static void tell_number(soldr_explain_fn visit, void *arg, const char *key, int64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, number);
	visit(arg, &(soldr_kv){key, text});
}

static void tell_past(const struct past *p, soldr_explain_fn visit, void *arg)
{
	static const char *const keys[DIFFERENCE_STRINGS] = {"difference", "what", "old", "new"};
	tell_number(visit, arg, "at", p->when_ns);
	visit(arg, &(soldr_kv){"output", past_text(p, PAST_OUTPUT)});
	if (p->against_ns)
		tell_number(visit, arg, "against", p->against_ns);
	for (size_t i = 0; i < p->differences.len; i++)
		if (p->differences.items[i][0])
			visit(arg, &(soldr_kv){keys[i % DIFFERENCE_STRINGS], p->differences.items[i]});
}

static int tell_source(soldr_instance *inst, const char *cwd, const char *source, soldr_explain_fn visit, void *arg, soldr_error *err)
{
	struct history h = {.count = 0};
	struct buf file = BUF_INIT;
	struct digest key;
	char *path = path_absolute(cwd, source);
	int rc = path ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (!rc) {
		history_key(path, &key);
		rc = store_read(&inst->store, STORE_HISTORY, &key, &file, err);
	}
	if (!rc)
		rc = history_decode(&h, &file, &key, err);
	for (size_t i = 0; i < h.count; i++)
		tell_past(&h.items[i], visit, arg);
	history_release(&h);
	buf_release(&file);
	free(path);
	return rc == SOLDR_E_NOT_FOUND ? 0 : rc;
}

int32_t embedded_explain(soldr_instance *inst, const soldr_request *req, soldr_explain_fn visit, void *arg, soldr_error *err)
{
	struct unit u = {.inst = inst, .asked = req, .req = req, .inv = INVOCATION_INIT, .dir = -1};
	struct rust_call call = {0};
	enum soldr_reason why;
	enum family family = unit_find_compiler(&u, &why);
	int rc = 0;
	if (family == FAMILY_RUSTC)
		rc = rust_parse(&call, &u.inv, u.req->argv, u.req->cwd);
	else if (family != FAMILY_UNKNOWN)
		rc = invocation_parse(&u.inv, family, u.req->argv, u.req->cwd);
	if (rc)
		rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (!rc && u.inv.source && u.inv.source_count <= 1)
		rc = tell_source(inst, u.req->cwd, u.inv.source, visit, arg, err);
	for (size_t i = 0; !rc && u.inv.source_count > 1 && i < u.inv.source_count; i++)
		rc = tell_source(inst, u.req->cwd, u.inv.args.items[u.inv.source_at[i]], visit, arg, err);
	rust_call_release(&call);
	unit_release(&u);
	return rc;
}
