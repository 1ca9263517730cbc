/*
 * audit: see audit.h. Events are lines of JSON that all begin with the same
 * bytes, which no JSON string can hold: as in the journal, a reader finds the
 * whole line behind a torn one.
 */
#include "audit.h"

#include "clock.h"
#include "config_internal.h"
#include "counters.h"
#include "json.h"
#include "redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const mode_names[] = {
	[AUDIT_OFF] = "off", [AUDIT_SUMMARY] = "summary", [AUDIT_NORMAL] = "normal", [AUDIT_VERBOSE] = "verbose", [AUDIT_FORENSIC] = "forensic",
};

static const char *const policy_names[] = {
	[SINK_BLOCK] = "block", [SINK_DROP_LOW_PRIORITY] = "drop_low_priority", [SINK_DEGRADE] = "degrade", [SINK_FAIL_LOSSLESS] = "fail_lossless",
};

const char *audit_mode_name(enum config_audit_mode mode)
{
	return mode_names[mode];
}

const char *audit_policy_name(enum config_sink_policy policy)
{
	return policy_names[policy];
}

/* Events within a request that are no phases. */
static const struct {
	const char *event, *category, *level;
} faults[] = {
	{"fallback", "fault", "warn"},
	{"error", "fault", "error"},
};

/* Fields of a plugin that the core writes itself. */
static const char *const own_fields[] = {
	"outcome", "reason", "detail", "backend", "compiler", "exit_code", "signal", "output_bytes", "time_saved_ns", "replaced",
	"processor_ns", "args", "cwd", "environment_count", "remote_parent",
};

void audit_init(struct audit *a, const struct config *c, bool wanted)
{
	struct ids ids;
	*a = (struct audit){.config = c, .wanted = wanted};
	if (!wanted)
		return;
	ids_make(&ids, 0, a);
	span_hex(ids.span, a->session);
	a->parent = traceparent_read(c->traceparent, a->trace);
}

/* ---- lines ----------------------------------------------------------------------------- */

static void add_span(struct json *j, const char *key, uint64_t span)
{
	char hex[SPAN_SIZE];
	span_hex(span, hex);
	json_str(j, key, span ? hex : NULL);
}

void audit_line(const struct audit *a, const struct audit_event *e, struct buf *out)
{
	struct json j = json_to(out, false);
	char stamp[STAMP_SIZE], id[ID_SIZE];
	stamp_of(e->when, stamp);
	ids_event(e->ids, e->n, id);
	json_open(&j, NULL, '{');
	json_str(&j, "schema", AUDIT_SCHEMA);
	json_u64(&j, "schema_version", 1);
	json_str(&j, "ts", stamp);
	json_str(&j, "event_id", id);
	json_str(&j, "run_id", e->run);
	json_str(&j, "build_id", sink_is_day(e->run) ? NULL : e->run);
	json_str(&j, "trace_id", e->trace);
	add_span(&j, "span_id", e->span);
	add_span(&j, "parent_span_id", e->parent);
	add_span(&j, "command_id", e->command);
	json_str(&j, "compile_id", e->compile);
	json_str(&j, "session_id", a->session);
	json_str(&j, "category", e->category);
	json_str(&j, "event", e->event);
	json_str(&j, "level", e->level);
	json_str(&j, "mode", mode_names[a->config->audit_mode]);
	if (e->is_span)
		json_u64(&j, "duration_ns", e->duration_ns);
	else
		json_str(&j, "duration_ns", NULL);
	json_open(&j, "fields", '{');
	buf_add(out, e->fields, e->fields_len);
	json_close(&j, '}');
	json_open(&j, "evidence_ids", '[');
	buf_add(out, e->evidence, e->evidence_len);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
}

void audit_string(const struct audit *a, struct json *j, const char *key, const char *text)
{
	const struct redaction rules = config_redaction(a->config);
	struct buf clean = BUF_INIT;
	redact_text(&rules, text, &clean);
	json_strn(j, key, buf_str(&clean), clean.len);
	if (!buf_ok(&clean))
		j->out->failed = true;
	buf_release(&clean);
}

void audit_arguments(const struct audit *a, struct json *j, const char *key, const char *const *argv)
{
	const struct redaction rules = config_redaction(a->config);
	const size_t room = j->out->len + AUDIT_FIELDS_MAX;
	json_open(j, key, '[');
	for (size_t i = 0; argv[i]; i++) {
		struct buf clean = BUF_INIT;
		redact_argument(&rules, i ? argv[i - 1] : NULL, argv[i], &clean);
		/* An escape takes up to six bytes for one. */
		bool fits = buf_ok(&clean) && j->out->len + 6 * clean.len + 64 < room;
		if (fits)
			json_strn(j, NULL, buf_str(&clean), clean.len);
		buf_release(&clean);
		if (!fits)
			break;
	}
	json_close(j, ']');
}

void audit_start_line(const struct audit *a, const struct audit_start *s, struct buf *out)
{
	const struct config *c = a->config;
	struct buf fields = BUF_INIT;
	struct json j = json_members(&fields);
	json_str(&j, "version", SOLDR_VERSION);
	json_str(&j, "backend", c->backend);
	json_str(&j, "sink_policy", policy_names[c->sink_policy]);
	json_str(&j, "product", c->product);
	json_str(&j, "instance_id", c->instance_id);
	json_str(&j, "workspace", c->workspace);
	json_i64(&j, "pid", getpid());
	json_bool(&j, "rolling", sink_is_day(s->run));
	if (s->command)
		audit_string(a, &j, "command", s->command);
	if (s->cwd)
		audit_string(a, &j, "cwd", s->cwd);
	if (s->remote)
		json_bool(&j, "remote_parent", true);
	const struct audit_event e = {
		.event = "run.start", .category = "run", .level = "info", .when = s->when, .ids = s->ids, .n = s->n, .run = s->run,
		.trace = s->trace, .span = s->span, .parent = s->parent, .fields = buf_str(&fields), .fields_len = fields.len, .evidence = "",
	};
	audit_line(a, &e, out);
	if (!buf_ok(&fields))
		out->failed = true;
	buf_release(&fields);
}

/* ---- the parts of a request ---------------------------------------------------------------- */

void audit_request_init(struct audit_request *r, const struct audit *a, uint64_t number, const char *traceparent)
{
	*r = (struct audit_request){.parent = a->parent, .text = {.max = 2 * AUDIT_LINE_MAX}};
	memcpy(r->trace, a->trace, sizeof r->trace);
	if (traceparent)
		r->parent = traceparent_read(config_valid_traceparent(traceparent) ? traceparent : NULL, r->trace);
	ids_make(&r->ids, number, r);
}

bool audit_request_entry(const struct audit_request *r, char entry[TRACEPARENT_ENTRY_SIZE])
{
	char span[SPAN_SIZE];
	if (!r->parent)
		return false;
	span_hex(ids_span(&r->ids, 0), span);
	snprintf(entry, TRACEPARENT_ENTRY_SIZE, "TRACEPARENT=00-%.32s-%s-01", r->trace, span);
	return true;
}

void audit_request_release(struct audit_request *r)
{
	free(r->parts);
	r->parts = NULL;
	r->count = 0;
	buf_release(&r->text);
}

/* [a-z0-9_.-]+ */
static bool is_event_name(const char *name, size_t max)
{
	size_t len = strlen(name);
	return len > 0 && len < max && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_number_name(const char *key)
{
	static const char *const names[] = {"exit_code", "signal", "code", "errno"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return ends_with(key, "_ns") || ends_with(key, "_bytes") || ends_with(key, "_count");
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text + (*text == '-'), "0123456789");
	bool padded = digits > 1 && text[*text == '-'] == '0';
	return digits > 0 && digits < 19 && !padded && text[digits + (*text == '-')] == 0;
}

static void add_value(const struct audit *a, struct json *j, const soldr_kv *kv)
{
	const char *value = kv->value ? kv->value : "";
	if (is_number_name(kv->key) && is_number(value))
		json_i64(j, kv->key, strtoll(value, NULL, 10));
	else if (strcmp(kv->key, "probe") == 0)
		json_bool(j, kv->key, strcmp(value, "true") == 0);
	else
		audit_string(a, j, kv->key, value);
}

/* The values of the pairs from kv on that have its key, "args[]", as a list. Returns how many there are. */
static uint32_t add_list(const struct audit *a, struct json *j, const char *name, const soldr_kv *kv, uint32_t n)
{
	uint32_t count = 0;
	while (count < n && strcmp(kv[count].key, kv->key) == 0)
		count++;
	const char **values = calloc((size_t)count + 1, sizeof *values);
	for (uint32_t i = 0; values && i < count; i++)
		values[i] = kv[i].value ? kv[i].value : "";
	if (values)
		audit_arguments(a, j, name, values);
	else
		j->out->failed = true;
	free(values);
	return count;
}

static bool is_own(const char *key)
{
	for (size_t i = 0; i < sizeof own_fields / sizeof *own_fields; i++)
		if (strcmp(key, own_fields[i]) == 0)
			return true;
	return false;
}

/* A member that can be written and was not yet. */
static bool is_good_key(const char *key, const soldr_kv *before, const soldr_kv *first)
{
	enum { KEY_MAX = 65 };
	if (!is_event_name(key, KEY_MAX) || strpbrk(key, ".-"))
		return false;
	while (before-- > first)
		if (before->key && strcmp(before->key, key) == 0)
			return false;
	return true;
}

/* One pair, or all of a list; returns how many. */
static uint32_t add_member(const struct audit *a, struct json *j, struct audit_part *part, const soldr_kv *kv, uint32_t i, uint32_t n, bool unit)
{
	char name[65];
	const char *key = kv[i].key ? kv[i].key : "";
	size_t len = strlen(key), room = part->fields + AUDIT_FIELDS_MAX;
	bool list = len > 2 && len < sizeof name && strcmp(key + len - 2, "[]") == 0;
	if (strcmp(key, "duration_ns") == 0) {
		part->is_span = kv[i].value && is_number(kv[i].value);
		part->duration_ns = part->is_span ? strtoull(kv[i].value, NULL, 10) : 0;
		return 1;
	}
	if (list) {
		memcpy(name, key, len - 2);
		name[len - 2] = 0;
		if (is_good_key(name, kv + i, kv) && strcmp(name, "evidence") != 0 && (i == 0 || strcmp(kv[i - 1].key, key) != 0) && j->out->len < room)
			return add_list(a, j, name, kv + i, n - i);
	} else if (is_good_key(key, kv + i, kv) && !(unit && is_own(key)) && kv[i].value && j->out->len + 6 * strlen(kv[i].value) < room) {
		add_value(a, j, &kv[i]);
	}
	return 1;
}

/* Fields and evidence of the part, as JSON at the end of the text. */
static void render(const struct audit *a, struct audit_request *r, struct audit_part *part, const soldr_kv *kv, uint32_t n, bool unit)
{
	struct buf *out = &r->text;
	struct json j = json_members(out);
	part->fields = out->len;
	for (uint32_t i = 0; i < n;)
		i += add_member(a, &j, part, kv, i, n, unit);
	part->fields_len = out->len - part->fields;
	part->evidence = out->len;
	j = json_members(out);
	for (uint32_t i = 0; i < n; i++)
		if (kv[i].key && kv[i].value && strcmp(kv[i].key, "evidence[]") == 0)
			json_str(&j, NULL, kv[i].value);
	part->evidence_len = out->len - part->evidence;
}

static size_t fault_index(const char *event)
{
	size_t i = 0;
	while (i < sizeof faults / sizeof *faults && strcmp(faults[i].event, event) != 0)
		i++;
	return i;
}

static bool is_fault(const char *event)
{
	return fault_index(event) < sizeof faults / sizeof *faults;
}

void audit_add(const struct audit *a, struct audit_request *r, const char *event, const soldr_kv *kv, uint32_t n)
{
	if (!a->wanted || !is_event_name(event, sizeof r->unit.event))
		return;
	if (strcmp(event, "compile") == 0) {
		if (!r->unit.fields_len)
			render(a, r, &r->unit, kv, n, true);
		return;
	}
	if (a->config->audit_mode < AUDIT_VERBOSE && !is_fault(event))
		return;
	struct audit_part *more = r->count < AUDIT_PARTS_MAX ? realloc(r->parts, (r->count + 1) * sizeof *more) : NULL;
	if (!more) {
		r->left_out++;
		return;
	}
	r->parts = more;
	struct audit_part *part = &more[r->count++];
	*part = (struct audit_part){.end_ns = clock_ns(CLOCK_MONOTONIC)};
	memcpy(part->event, event, strlen(event) + 1);
	render(a, r, part, kv, n, false);
}

/* ---- the compile ----------------------------------------------------------------------------- */

static void compile_fields(const struct audit *a, const struct audit_request *r, const struct audit_compile *c, bool remote, struct buf *out)
{
	const soldr_result *result = c->result;
	struct json j = json_members(out);
	json_str(&j, "outcome", outcome_name(result->outcome));
	json_str(&j, "reason", result->reason);
	audit_string(a, &j, "detail", result->detail);
	json_str(&j, "backend", a->config->backend);
	audit_string(a, &j, "compiler", c->request->compiler);
	if (c->replaced) {
		json_str(&j, "exit_code", NULL);
		json_str(&j, "signal", NULL);
		json_bool(&j, "replaced", true);
	} else {
		json_i64(&j, "exit_code", result->exit_code);
		json_i64(&j, "signal", result->signal);
	}
	json_u64(&j, "output_bytes", result->output_bytes);
	json_u64(&j, "time_saved_ns", result->time_saved_ns);
	if (c->processor_ns)
		json_u64(&j, "processor_ns", c->processor_ns);
	if (remote)
		json_bool(&j, "remote_parent", true);
	if (a->config->audit_mode == AUDIT_FORENSIC) {
		audit_arguments(a, &j, "args", c->request->argv);
		audit_string(a, &j, "cwd", c->request->cwd);
		json_u64(&j, "environment_count", c->request->envc);
	}
	if (r->unit.fields_len) {
		buf_addc(out, ',');
		buf_add(out, r->text.data + r->unit.fields, r->unit.fields_len);
	}
}

/* What all events of one compile share. */
struct place {
	const struct audit *audit;
	const struct audit_request *request;
	struct timespec now;
	uint64_t now_ns; /* monotonic */
	const char *run, *trace;
	uint64_t parent, command; /* of the compile */
};

static void part_line(const struct place *p, const struct audit_part *part, uint32_t n, struct buf *out)
{
	enum { SECOND = 1000000000 };
	const struct audit_request *r = p->request;
	size_t fault = fault_index(part->event);
	bool phase = !is_fault(part->event);
	int64_t ago = (int64_t)(p->now_ns - part->end_ns), at = (int64_t)p->now.tv_sec * SECOND + p->now.tv_nsec - ago;
	struct timespec when = {.tv_sec = at / SECOND, .tv_nsec = (long)(at % SECOND)};
	/* A moment belongs to the compile's own span. */
	bool span = phase && part->is_span;
	const struct audit_event e = {
		.event = part->event, .category = phase ? "phase" : faults[fault].category, .level = phase ? "debug" : faults[fault].level,
		.when = &when, .ids = &r->ids, .n = n, .run = p->run, .trace = p->trace, .compile = r->ids.id,
		.span = ids_span(&r->ids, span ? n : 0), .parent = span ? ids_span(&r->ids, 0) : p->parent, .command = p->command,
		.is_span = span, .duration_ns = part->duration_ns,
		.fields = buf_str(&r->text) + part->fields, .fields_len = part->fields_len,
		.evidence = buf_str(&r->text) + part->evidence, .evidence_len = part->evidence_len,
	};
	audit_line(p->audit, &e, out);
}

static uint64_t lines(const struct audit *a, struct audit_request *r, const struct audit_compile *c, const struct sink_end *end,
                      const struct timespec *now, bool brief, struct buf *out)
{
	struct run_ids run;
	const bool day = sink_is_day(end->run);
	struct place place = {a, r, *now, clock_ns(CLOCK_MONOTONIC), end->run, r->trace, r->parent, a->command ? a->command : day ? 0 : r->parent};
	uint64_t written = 1;
	uint32_t n = 1;
	r->made = r->made || end->made; /* and a first try may have failed */
	if (r->made || !r->parent)
		ids_of_run(&run, a->config->cache_root, a->config->instance_id, end->run);
	if (!r->parent) {
		place.trace = run.trace;
		place.parent = run.root;
	}
	if (r->made) {
		const struct audit_start start = {.run = end->run, .trace = run.trace, .when = now, .ids = &r->ids, .n = n++, .span = run.root};
		audit_start_line(a, &start, out);
	}
	for (uint32_t i = 0; i < r->count; i++, n++) {
		if (brief && !is_fault(r->parts[i].event))
			continue;
		part_line(&place, &r->parts[i], n, out);
		written++;
	}
	struct buf fields = {.max = AUDIT_LINE_MAX};
	compile_fields(a, r, c, day && r->parent, &fields);
	const struct audit_event e = {
		.event = "compile", .category = "compile", .level = c->result->outcome == SOLDR_OUTCOME_FALLBACK ? "warn" : "info",
		.when = now, .ids = &r->ids, .n = 0, .run = end->run, .trace = place.trace, .compile = r->ids.id,
		.span = ids_span(&r->ids, 0), .parent = place.parent, .command = place.command,
		.is_span = true, .duration_ns = c->latency_ns, .fields = buf_str(&fields), .fields_len = fields.len,
		.evidence = buf_str(&r->text) + r->unit.evidence, .evidence_len = r->unit.evidence_len,
	};
	audit_line(a, &e, out);
	if (!buf_ok(&fields) || !buf_ok(&r->text))
		out->failed = true;
	buf_release(&fields);
	return written;
}

int audit_append(const struct audit *a, struct audit_request *r, const struct audit_compile *c, bool brief, bool *torn, uint64_t *lost,
                 soldr_error *err)
{
	struct timespec now = {0};
	struct sink_end end;
	struct buf out = {.max = 64 * (size_t)AUDIT_LINE_MAX};
	clock_gettime(CLOCK_REALTIME, &now);
	*lost = (uint64_t)r->count + r->left_out + 1;
	int rc = sink_open(a->config, &sink_audit, a->keep, now.tv_sec, &end, err);
	if (rc)
		return rc;
	buf_addc(&out, '\n');
	uint64_t written = lines(a, r, c, &end, &now, brief, &out);
	rc = sink_write(a->config, &end, &out, torn, err);
	if (!rc)
		*lost -= written;
	sink_close(&end);
	buf_release(&out);
	return rc;
}
