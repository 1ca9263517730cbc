/*
 * manifest: what is written comes back, damage is seen, and candidates stay
 * bounded with the newest first.
 */
#include "manifest_rows.h"

#include <soldr/backend.h>

void suite_manifest(void);

static struct state state_of(const char *path, int content)
{
	char text[64];
	snprintf(text, sizeof text, "%s %d", path, content);
	return (struct state){
		.path = path,
		.digest = digest_named(text),
		.tuple = {1, 2, (uint64_t)content, 1000 + content, INT64_MIN + content},
	};
}

/* A candidate of two states and two guards that share a name. */
struct sample {
	struct state states[2];
	struct guard_input guards[2];
	struct candidate_input in;
};

static void sample_init(struct sample *s, const char *result, int content)
{
	*s = (struct sample){
		.states = {state_of("a.c", content), state_of("/usr/bin/cc", 7)},
		.guards = {{.path = "inc", .exists = 1, .tuple = {9, 8, 7, 6, 5}, .names = names_one, .name_count = 2},
		           {.path = "none/sub", .names = names_two, .name_count = 1}},
	};
	s->states[1].flags = INPUT_COMPILER;
	s->in = (struct candidate_input){
		.result = digest_named(result), .terminal = digest_named("tty"), .states = s->states, .state_count = 2,
		.guards = s->guards, .guard_count = 2,
	};
}

static void put(const struct manifest *old, const struct sample *s, uint32_t max, struct buf *out)
{
	struct key k = key_named("k");
	soldr_error err = SOLDR_ERROR_INIT;
	SAME_NUMBER(manifest_encode_with(old, &s->in, max, &k, out, &err), 0);
}

static void lists_come_back(void)
{
	struct sample s;
	struct buf file = BUF_INIT;
	struct manifest m;
	sample_init(&s, "r", 3);
	s.in.any_terminal = 1;
	put(NULL, &s, 8, &file);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	struct key k = key_named("k");
	CU_ASSERT(memcmp(m.group, k.group, sizeof m.group) == 0);
	SAME_NUMBER(m.state_count, 2);
	SAME(m.states[0].path, "a.c");
	CU_ASSERT(tuple_equal(&m.states[0].tuple, &s.states[0].tuple));
	CU_ASSERT(digest_equal(&m.states[0].digest, &s.states[0].digest));
	SAME_NUMBER(m.states[1].flags, INPUT_COMPILER);
	SAME_NUMBER(m.name_count, 2);
	SAME_NUMBER(m.guard_count, 2);
	SAME(m.guards[0].path, "inc");
	SAME_NUMBER(m.guards[0].exists, 1);
	SAME_NUMBER(m.guards[0].tuple.ctime_ns, 5);
	SAME(m.names[m.guards[0].names[1]], "y.h");
	SAME(m.names[m.guards[1].names[0]], "x.h");
	SAME_NUMBER(m.guards[1].exists, 0);
	SAME_NUMBER(m.candidate_count, 1);
	const struct candidate *c = &m.candidates[0];
	CU_ASSERT(digest_equal(&c->result, &s.in.result) && digest_equal(&c->terminal, &s.in.terminal));
	SAME_NUMBER(c->any_terminal, 1);
	SAME_NUMBER(c->input_count, 2);
	SAME_NUMBER(c->guard_count, 2);
	/* Written again it is the same file. */
	struct buf again = BUF_INIT;
	SAME_NUMBER(manifest_encode(&m, &k.direct, &again, NULL), 0);
	SAME_BYTES(again.data, again.len, file.data, file.len);
	buf_release(&again);
	manifest_release(&m);
	buf_release(&file);
}

static void an_empty_candidate_is_one(void)
{
	const struct sample s = {.in = {.result = digest_named("r")}};
	struct buf file = BUF_INIT;
	struct manifest m;
	put(NULL, &s, 1, &file);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	SAME_NUMBER(m.candidate_count, 1);
	SAME_NUMBER(m.state_count + m.guard_count + m.name_count, 0);
	manifest_release(&m);
	buf_release(&file);
}

/* ---- damage ------------------------------------------------------------------------------- */

static void every_changed_byte_is_seen(void)
{
	static const unsigned char masks[] = {0x01, 0x80, 0xff, 0x10};
	struct sample s;
	struct buf file = BUF_INIT;
	struct manifest m;
	sample_init(&s, "r", 3);
	put(NULL, &s, 8, &file);
	for (size_t i = 0; i < file.len; i++)
		for (size_t k = 0; k < sizeof masks; k++) {
			file.data[i] = (char)(file.data[i] ^ masks[k]);
			int rc = decode(&m, "k", file.data, file.len);
			if (rc != SOLDR_E_CORRUPT)
				fprintf(stderr, "\nbyte %zu of %zu\n", i, file.len);
			SAME_NUMBER(rc, SOLDR_E_CORRUPT);
			manifest_release(&m);
			file.data[i] = (char)(file.data[i] ^ masks[k]);
		}
	buf_release(&file);
}

static void every_length_but_the_right_one_is_refused(void)
{
	struct sample s;
	struct buf file = BUF_INIT;
	struct manifest m;
	sample_init(&s, "r", 3);
	put(NULL, &s, 8, &file);
	size_t len = file.len;
	buf_adds(&file, "and some more");
	for (size_t cut = 0; cut <= file.len; cut++) {
		SAME_NUMBER(decode(&m, "k", file.data, cut), cut == len ? 0 : SOLDR_E_CORRUPT);
		manifest_release(&m);
	}
	buf_release(&file);
}

static void a_manifest_knows_its_own_key(void)
{
	struct sample s;
	struct buf file = BUF_INIT;
	struct manifest m;
	sample_init(&s, "r", 3);
	put(NULL, &s, 8, &file);
	SAME_NUMBER(decode(&m, "other", file.data, file.len), SOLDR_E_CORRUPT);
	manifest_release(&m);
	buf_release(&file);
}

enum { SUM_AT = 8 + 4 + DIGEST_SIZE, BODY_AT = SUM_AT + DIGEST_SIZE };

static void seal(struct buf *file)
{
	struct hasher h;
	struct digest d;
	hasher_init(&h);
	hasher_add(&h, file->data, SUM_AT);
	hasher_add(&h, file->data + BODY_AT, file->len - BODY_AT);
	hasher_end(&h, &d);
	memcpy(file->data + SUM_AT, d.bytes, DIGEST_SIZE);
}

/* With a right checksum the reader is alone with its bounds: no crash, and no index out of its list. */
static void sealed_nonsense_does_no_harm(void)
{
	static const unsigned char values[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff};
	struct sample s;
	struct buf file = BUF_INIT, changed = BUF_INIT;
	struct manifest m;
	size_t accepted = 0, refused = 0;
	sample_init(&s, "r", 3);
	put(NULL, &s, 8, &file);
	for (size_t i = BODY_AT; i < file.len; i++)
		for (size_t v = 0; v < sizeof values; v++) {
			buf_clear(&changed);
			buf_add(&changed, file.data, file.len);
			changed.data[i] = (char)values[v];
			seal(&changed);
			if (decode(&m, "k", changed.data, changed.len) == 0) {
				for (uint32_t c = 0; c < m.candidate_count; c++) {
					for (uint32_t n = 0; n < m.candidates[c].input_count; n++)
						CU_ASSERT_FATAL(m.candidates[c].inputs[n] < m.state_count);
					for (uint32_t n = 0; n < m.candidates[c].guard_count; n++)
						CU_ASSERT_FATAL(m.candidates[c].guards[n] < m.guard_count);
				}
				accepted++;
			} else {
				refused++;
			}
			manifest_release(&m);
		}
	CU_ASSERT(accepted > 0 && refused > 0);
	buf_release(&changed);
	/* Bodies cut short, and of another format. */
	for (size_t cut = BODY_AT; cut < file.len; cut++) {
		buf_clear(&changed);
		buf_add(&changed, file.data, cut);
		seal(&changed);
		SAME_NUMBER(decode(&m, "k", changed.data, cut), SOLDR_E_CORRUPT);
		manifest_release(&m);
	}
	buf_clear(&changed);
	buf_add(&changed, file.data, file.len);
	changed.data[8]++;
	seal(&changed);
	SAME_NUMBER(decode(&m, "k", changed.data, changed.len), SOLDR_E_CORRUPT);
	manifest_release(&m);
	buf_release(&changed);
	buf_release(&file);
}

/* ---- candidates ----------------------------------------------------------------------------- */

/* Adds candidates r0, r1, … one by one, each with an a.c of its own; the last file is in out. */
static void put_many(int from, int to, uint32_t max, struct buf *out)
{
	for (int i = from; i < to; i++) {
		char result[16];
		struct sample s;
		struct manifest old = MANIFEST_INIT;
		bool first = !out->len;
		snprintf(result, sizeof result, "r%d", i);
		sample_init(&s, result, i);
		if (!first)
			SAME_NUMBER(decode(&old, "k", out->data, out->len), 0);
		put(first ? NULL : &old, &s, max, out);
		manifest_release(&old);
	}
}

static void expect_candidates(const struct manifest *m, const char *const *results)
{
	uint32_t n = 0;
	for (; results[n]; n++) {
		struct digest d = digest_named(results[n]);
		CU_ASSERT_FATAL(n < m->candidate_count);
		if (!digest_equal(&m->candidates[n].result, &d))
			fprintf(stderr, "\ncandidate %u is not %s\n", n, results[n]);
		CU_ASSERT(digest_equal(&m->candidates[n].result, &d));
	}
	SAME_NUMBER(m->candidate_count, n);
}

static void the_newest_come_first_and_the_oldest_go(void)
{
	struct buf file = BUF_INIT;
	struct manifest m;
	put_many(0, 6, 4, &file);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	expect_candidates(&m, (const char *const[]){"r5", "r4", "r3", "r2", NULL});
	/* States that nobody uses any more are gone; the compiler's is there once. */
	SAME_NUMBER(m.state_count, 5);
	SAME_NUMBER(m.guard_count, 2);
	SAME_NUMBER(m.name_count, 2);
	for (uint32_t c = 0; c < 4; c++) {
		const struct state *s = &m.states[m.candidates[c].inputs[0]];
		SAME(s->path, "a.c");
		SAME_NUMBER(s->tuple.size, 5 - c);
	}
	manifest_release(&m);
	/* A limit that was lowered holds at the next write. */
	put_many(6, 7, 2, &file);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	expect_candidates(&m, (const char *const[]){"r6", "r5", NULL});
	SAME_NUMBER(m.state_count, 3);
	manifest_release(&m);
	put_many(7, 8, 1, &file);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	expect_candidates(&m, (const char *const[]){"r7", NULL});
	manifest_release(&m);
	buf_release(&file);
}

static void the_same_result_replaces_itself(void)
{
	struct buf file = BUF_INIT;
	struct manifest m;
	struct sample s;
	put_many(0, 3, 8, &file);
	/* r1 again, with other tuples. */
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	sample_init(&s, "r1", 50);
	put(&m, &s, 8, &file);
	manifest_release(&m);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	expect_candidates(&m, (const char *const[]){"r1", "r2", "r0", NULL});
	SAME_NUMBER(m.states[m.candidates[0].inputs[0]].tuple.size, 50);
	/* For another terminal it is another candidate. */
	sample_init(&s, "r1", 50);
	s.in.terminal = digest_named("pipe");
	put(&m, &s, 8, &file);
	manifest_release(&m);
	SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	expect_candidates(&m, (const char *const[]){"r1", "r1", "r2", "r0", NULL});
	manifest_release(&m);
	buf_release(&file);
}

static void many_inputs_are_shared(void)
{
	enum { STATES = 300, CANDIDATES = 16 };
	static char paths[STATES][16];
	static struct state states[STATES];
	struct buf file = BUF_INIT;
	struct manifest m = MANIFEST_INIT;
	struct key k = key_named("k");
	for (int i = 0; i < STATES; i++) {
		snprintf(paths[i], sizeof paths[i], "h%d.h", i);
		states[i] = state_of(paths[i], 1);
	}
	for (int c = 0; c < CANDIDATES; c++) {
		char result[16];
		snprintf(result, sizeof result, "r%d", c);
		states[c] = state_of(paths[c], 100 + c);
		const struct candidate_input in = {.result = digest_named(result), .states = states, .state_count = STATES};
		SAME_NUMBER(manifest_encode_with(c ? &m : NULL, &in, CANDIDATES, &k, &file, NULL), 0);
		manifest_release(&m);
		SAME_NUMBER(decode(&m, "k", file.data, file.len), 0);
	}
	SAME_NUMBER(m.candidate_count, CANDIDATES);
	SAME_NUMBER(m.state_count, STATES + CANDIDATES - 1);
	manifest_release(&m);
	buf_release(&file);
}

void suite_manifest(void)
{
	CU_pSuite s = CU_add_suite("manifest", NULL, NULL);
	CU_add_test(s, "lists come back", lists_come_back);
	CU_add_test(s, "an empty candidate is one", an_empty_candidate_is_one);
	CU_add_test(s, "s02: every changed byte is seen", every_changed_byte_is_seen);
	CU_add_test(s, "s02: every length but the right one is refused", every_length_but_the_right_one_is_refused);
	CU_add_test(s, "s02: a manifest knows its own key", a_manifest_knows_its_own_key);
	CU_add_test(s, "s04: sealed nonsense does no harm", sealed_nonsense_does_no_harm);
	CU_add_test(s, "the newest come first and the oldest go", the_newest_come_first_and_the_oldest_go);
	CU_add_test(s, "the same result replaces itself", the_same_result_replaces_itself);
	CU_add_test(s, "many inputs are shared", many_inputs_are_shared);
}
