/* phase: see phase.h. */
#include "phase.h"

#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_SIZE = 24, EVIDENCE_SIZE = 16 + DIGEST_HEX_SIZE };

enum phase_detail phase_detail_of(const char *mode)
{
	static const struct {
		const char *mode;
		enum phase_detail detail;
	} modes[] = {{"normal", PHASE_UNIT}, {"verbose", PHASE_TIMES}, {"forensic", PHASE_ALL}};
	for (size_t i = 0; mode && i < sizeof modes / sizeof *modes; i++)
		if (strcmp(mode, modes[i].mode) == 0)
			return modes[i].detail;
	return PHASE_NOTHING;
}

static void say(const struct unit *u, const char *event, const soldr_kv *kv, uint32_t n)
{
	const soldr_host *host = u->inst->host;
	host->audit(host->core, u->req->id, event, kv, n);
}

uint64_t phase_begin(const struct unit *u)
{
	const soldr_host *host = u->inst->host;
	return u->inst->audit >= PHASE_TIMES ? host->monotonic_ns(host->core) : 0;
}

static void add_number(soldr_kv *kv, uint32_t *n, const char *key, uint64_t value, char text[NUMBER_SIZE])
{
	snprintf(text, NUMBER_SIZE, "%llu", (unsigned long long)value);
	kv[(*n)++] = (soldr_kv){key, text};
}

static void add_evidence(soldr_kv *kv, uint32_t *n, const char *kind, const struct digest *key, char text[EVIDENCE_SIZE])
{
	char hex[DIGEST_HEX_SIZE];
	digest_hex(key, hex);
	snprintf(text, EVIDENCE_SIZE, "%s:%s", kind, hex);
	kv[(*n)++] = (soldr_kv){"evidence[]", text};
}

void phase_end(const struct unit *u, const char *phase, uint64_t begun, const struct phase_facts *f)
{
	const soldr_host *host = u->inst->host;
	const bool all = u->inst->audit == PHASE_ALL;
	const struct {
		const char *key;
		const uint32_t *count;
	} counts[] = {
		{"inputs_count", f->inputs}, {"candidates_count", all ? f->candidates : NULL}, {"guards_count", all ? f->guards : NULL},
		{"outputs_count", f->outputs},
	};
	enum { COUNTS = sizeof counts / sizeof *counts };
	char numbers[COUNTS + 2][NUMBER_SIZE], evidence[2][EVIDENCE_SIZE];
	soldr_kv kv[COUNTS + 6];
	soldr_result reason = {.struct_size = sizeof reason};
	uint32_t n = 0;
	if (!begun)
		return;
	add_number(kv, &n, "duration_ns", host->monotonic_ns(host->core) - begun, numbers[COUNTS]);
	if (f->result)
		kv[n++] = (soldr_kv){"result", f->result};
	if (f->why != SOLDR_REASON_NONE) {
		result_reason(&reason, f->why, "");
		kv[n++] = (soldr_kv){"reason", reason.reason};
	}
	for (size_t i = 0; i < COUNTS; i++)
		if (counts[i].count)
			add_number(kv, &n, counts[i].key, *counts[i].count, numbers[i]);
	if (f->bytes)
		add_number(kv, &n, "output_bytes", *f->bytes, numbers[COUNTS + 1]);
	if (all && f->direct)
		add_evidence(kv, &n, "direct", &u->key.direct, evidence[0]);
	if (all && f->key)
		add_evidence(kv, &n, "result", f->key, evidence[1]);
	say(u, phase, kv, n);
}

void phase_inputs(const struct unit *u, uint64_t begun, enum soldr_reason why, uint32_t inputs, uint32_t guards)
{
	phase_end(u, "inputs", begun, &(struct phase_facts){.why = why, .inputs = &inputs, .guards = &guards});
}

void phase_store(const struct unit *u, uint64_t begun, bool stored, enum soldr_reason why, uint64_t bytes)
{
	phase_end(u, "store", begun, &(struct phase_facts){.result = stored ? "stored" : "not_stored", .why = why, .bytes = &bytes, .direct = true});
}

void phase_unit(const struct unit *u)
{
	static const char *const languages[] = {
		[LANGUAGE_UNKNOWN] = NULL, [LANGUAGE_C] = "c", [LANGUAGE_CXX] = "c++", [LANGUAGE_OBJC] = "objective-c",
		[LANGUAGE_OBJCXX] = "objective-c++", [LANGUAGE_C_CPP_OUTPUT] = "c", [LANGUAGE_CXX_CPP_OUTPUT] = "c++",
		[LANGUAGE_ASM] = "assembler", [LANGUAGE_ASM_CPP] = "assembler", [LANGUAGE_HEADER] = "c", [LANGUAGE_HEADER_CXX] = "c++",
		[LANGUAGE_HEADER_OBJC] = "objective-c", [LANGUAGE_HEADER_OBJCXX] = "objective-c++",
	};
	const char *output = u->inv.output, *language = u->rust ? "rust" : languages[u->inv.language];
	soldr_kv kv[3];
	uint32_t n = 0;
	if (u->inst->audit == PHASE_NOTHING || !u->inv.source)
		return;
	if (u->rust && u->output_count)
		output = u->outputs[u->output_count - 1].path;
	kv[n++] = (soldr_kv){"source", u->inv.source};
	if (output)
		kv[n++] = (soldr_kv){"output", output};
	if (language)
		kv[n++] = (soldr_kv){"language", language};
	say(u, "compile", kv, n);
}

/* The variables of the key's groups that are set. */
static void add_variables(const struct unit *u, soldr_kv *kv, uint32_t *n, uint32_t max)
{
	const char *const *const lists[] = {key_variables(u->inv.family), key_places(u->inv.family)};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (const char *const *name = lists[i]; *name && *n < max; name++)
			if (env_get(u->req->envp, *name))
				kv[(*n)++] = (soldr_kv){"environment[]", *name};
}

void phase_fingerprint(const struct unit *u, uint64_t begun, enum soldr_reason why)
{
	enum { MAX = 64 };
	const soldr_host *host = u->inst->host;
	soldr_result reason = {.struct_size = sizeof reason};
	char took[NUMBER_SIZE], args[NUMBER_SIZE], evidence[EVIDENCE_SIZE];
	soldr_kv kv[MAX];
	uint32_t n = 0;
	phase_unit(u);
	if (!begun)
		return;
	add_number(kv, &n, "duration_ns", host->monotonic_ns(host->core) - begun, took);
	if (why != SOLDR_REASON_NONE) {
		result_reason(&reason, why, "");
		kv[n++] = (soldr_kv){"reason", reason.reason};
	}
	if (u->inst->audit == PHASE_ALL) {
		add_number(kv, &n, "args_count", u->req->argc, args);
		if (why == SOLDR_REASON_NONE)
			add_evidence(kv, &n, "direct", &u->key.direct, evidence);
		add_variables(u, kv, &n, MAX);
	}
	say(u, "fingerprint", kv, n);
}
