/*
 * manifest and match: what is written comes back, damage is seen, candidates
 * stay bounded with the newest first, and a candidate fits just as long as its
 * files are what they were.
 */
#include "manifest.h"
#include "room.h"

#include <soldr/backend.h>

void suite_manifest(void);

static struct digest digest_named(const char *name)
{
	struct digest d;
	digest_of(&d, name, strlen(name));
	return d;
}

static struct key key_named(const char *name)
{
	struct key k;
	for (int g = 0; g < KEY_GROUPS; g++) {
		k.group[g] = digest_named(name);
		k.group[g].bytes[0] = (unsigned char)g;
	}
	k.direct = digest_named(name);
	return k;
}

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

static const char *const names_one[] = {"x.h", "y.h"}, *const names_two[] = {"x.h"};

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

/* A decode of the bytes from memory of exactly their length. */
static int decode(struct manifest *m, const char *key, const void *bytes, size_t len)
{
	struct digest d = digest_named(key);
	soldr_error err = SOLDR_ERROR_INIT;
	*m = MANIFEST_INIT;
	m->file.data = malloc(len ? len : 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->file.data);
	if (len)
		memcpy(m->file.data, bytes, len);
	m->file.len = m->file.cap = len;
	int rc = manifest_decode(m, &d, &err);
	SAME_NUMBER(rc, err.code);
	return rc;
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

/* ---- matching ---------------------------------------------------------------------------------- */

/* Files a.c, b.h and cc as they are now, guarded by inc (there) and none (absent), as one candidate. */
struct scene {
	struct room room;
	int dir;
	struct state states[3];
	struct guard_input guards[2];
	struct candidate_input in;
	struct buf file;
	struct manifest manifest;
	struct file_memo memo;
	const char *envp[3];
	struct surroundings at;
	bool stale;
	enum soldr_reason reason;
	char detail[200];
};

static void scene_init(struct scene *s)
{
	static const char *const paths[] = {"a.c", "b.h", "cc"};
	struct stat st;
	*s = (struct scene){.reason = SOLDR_REASON_OTHER};
	room_init(&s->room, "manifest");
	room_put(&s->room, "a.c", "int a;");
	room_put(&s->room, "b.h", "int b;");
	room_put(&s->room, "cc", "compiler");
	room_put(&s->room, "inc/other.h", "");
	room_settle(&s->room);
	s->dir = open(s->room.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		s->states[i] = (struct state){.path = paths[i], .flags = i == 2 ? INPUT_COMPILER : 0};
		SAME_NUMBER(files_read(s->dir, paths[i], NULL, &s->states[i].tuple, &s->states[i].digest, NULL), 0);
	}
	CU_ASSERT_EQUAL(stat(room_path(&s->room, "inc"), &st), 0);
	s->guards[0] = (struct guard_input){.path = "inc", .exists = 1, .names = names_one, .name_count = 2};
	tuple_of(&s->guards[0].tuple, &st);
	s->guards[1] = (struct guard_input){.path = "none", .names = names_two, .name_count = 1};
	s->in = (struct candidate_input){
		.result = digest_named("r"), .terminal = digest_named("tty"), .states = s->states, .state_count = 3, .guards = s->guards,
		.guard_count = 2,
	};
	struct key k = key_named("k");
	SAME_NUMBER(manifest_encode_with(NULL, &s->in, 8, &k, &s->file, NULL), 0);
	SAME_NUMBER(decode(&s->manifest, "k", s->file.data, s->file.len), 0);
	s->memo.dir = s->dir;
	s->at = (struct surroundings){&s->memo, s->envp, NULL};
}

static void scene_release(struct scene *s)
{
	memo_release(&s->memo);
	manifest_release(&s->manifest);
	buf_release(&s->file);
	close(s->dir);
	room_release(&s->room);
}

/* As a new request would see it. */
static const struct candidate *match(struct scene *s, const char *terminal)
{
	struct digest d = digest_named(terminal);
	memo_release(&s->memo);
	s->stale = false;
	s->detail[0] = 0;
	return manifest_match(&s->manifest, &d, &s->at, &s->stale, &s->reason, s->detail, sizeof s->detail);
}

static void expect_miss(struct scene *s, enum soldr_reason reason, const char *detail)
{
	CU_ASSERT_PTR_NULL(match(s, "tty"));
	SAME_NUMBER(s->reason, reason);
	SAME(s->detail, detail);
}

static void expect_fit(struct scene *s, bool stale)
{
	CU_ASSERT_PTR_NOT_NULL(match(s, "tty"));
	SAME_NUMBER(s->reason, SOLDR_REASON_NONE);
	CU_ASSERT_EQUAL(s->stale, stale);
}

static void unchanged_files_fit_without_being_read(void)
{
	struct scene s;
	scene_init(&s);
	expect_fit(&s, false);
	SAME_NUMBER(s.memo.len, 0);
	scene_release(&s);
}

static void changed_files_do_not_fit(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "b.h", "int B;");
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	room_put(&s.room, "b.h", "int longer;");
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	room_put(&s.room, "b.h", "int b;");
	expect_fit(&s, true);
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "b.h")), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_MISSING, "b.h");
	CU_ASSERT_EQUAL(mkdir(room_path(&s.room, "b.h"), 0755), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	CU_ASSERT_EQUAL(rmdir(room_path(&s.room, "b.h")), 0);
	CU_ASSERT_EQUAL(mkfifo(room_path(&s.room, "b.h"), 0600), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	scene_release(&s);
}

/* Equal size, and the old mtime put back: only ctime tells. */
static void a_change_with_its_time_put_back_is_seen(void)
{
	struct scene s;
	struct stat before, after;
	scene_init(&s);
	const char *path = room_path(&s.room, "b.h");
	CU_ASSERT_EQUAL(stat(path, &before), 0);
	room_put(&s.room, "b.h", "int X;");
	const struct timespec times[2] = {before.st_atim, before.st_mtim};
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, times, 0), 0);
	CU_ASSERT_EQUAL(stat(path, &after), 0);
	CU_ASSERT(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec && after.st_size == before.st_size);
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	scene_release(&s);
}

static void a_changed_compiler_is_said(void)
{
	struct scene s;
	scene_init(&s);
	room_put(&s.room, "cc", "COMPILER");
	expect_miss(&s, SOLDR_REASON_COMPILER_CHANGED, "cc");
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "cc")), 0);
	expect_miss(&s, SOLDR_REASON_COMPILER_CHANGED, "cc");
	scene_release(&s);
}

static void names_that_appear_shadow(void)
{
	struct scene s;
	scene_init(&s);
	/* Another file in a guarded directory is nothing. */
	room_put(&s.room, "inc/object.o", "");
	expect_fit(&s, false);
	room_put(&s.room, "inc/y.h", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "inc/y.h")), 0);
	expect_fit(&s, false);
	room_put(&s.room, "none/z.h", "");
	expect_fit(&s, false);
	room_put(&s.room, "none/x.h", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "none");
	CU_ASSERT_EQUAL(fs_remove_tree(room_path(&s.room, "none"), NULL, NULL, NULL), 0);
	CU_ASSERT_EQUAL(symlink("inc", room_path(&s.room, "none")), 0);
	room_put(&s.room, "inc/x.h", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	scene_release(&s);
}

/* Its time put back does not hide it: the directory's ctime tells. */
static void a_shadow_with_the_directory_time_put_back_is_seen(void)
{
	struct scene s;
	struct stat before;
	scene_init(&s);
	const char *inc = room_path(&s.room, "inc");
	CU_ASSERT_EQUAL(stat(inc, &before), 0);
	room_put(&s.room, "inc/x.h", "");
	const struct timespec times[2] = {before.st_atim, before.st_mtim};
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, inc, times, 0), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	scene_release(&s);
}

static void terminals_differ(void)
{
	struct scene s;
	scene_init(&s);
	CU_ASSERT_PTR_NULL(match(&s, "pipe"));
	SAME_NUMBER(s.reason, SOLDR_REASON_TERMINAL_DIFFERS);
	s.manifest.candidates[0].any_terminal = 1;
	CU_ASSERT_PTR_NOT_NULL(match(&s, "pipe"));
	s.manifest.candidates[0].any_terminal = 0;
	CU_ASSERT_PTR_NOT_NULL(match(&s, "tty"));
	/* Nothing there is not seen. */
	uint32_t count = s.manifest.candidate_count;
	s.manifest.candidate_count = 0;
	CU_ASSERT_PTR_NULL(match(&s, "tty"));
	SAME_NUMBER(s.reason, SOLDR_REASON_NOT_SEEN);
	s.manifest.candidate_count = count;
	scene_release(&s);
}

/* Two states of b.h, a candidate each: whichever is there now is found. The reason is the newest one's. */
static void any_candidate_may_fit(void)
{
	struct scene s;
	struct key k = key_named("k");
	scene_init(&s);
	room_put(&s.room, "b.h", "int other;");
	SAME_NUMBER(files_read(s.dir, "b.h", NULL, &s.states[1].tuple, &s.states[1].digest, NULL), 0);
	s.in.result = digest_named("r2");
	SAME_NUMBER(manifest_encode_with(&s.manifest, &s.in, 8, &k, &s.file, NULL), 0);
	manifest_release(&s.manifest);
	SAME_NUMBER(decode(&s.manifest, "k", s.file.data, s.file.len), 0);
	const struct candidate *c = match(&s, "tty");
	CU_ASSERT(c == &s.manifest.candidates[0]);
	room_put(&s.room, "b.h", "int b;");
	c = match(&s, "tty");
	CU_ASSERT(c == &s.manifest.candidates[1]);
	CU_ASSERT(s.stale);
	room_put(&s.room, "b.h", "int third;");
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	s.manifest.candidates[1].any_terminal = 1;
	CU_ASSERT_PTR_NULL(match(&s, "pipe"));
	SAME_NUMBER(s.reason, SOLDR_REASON_TERMINAL_DIFFERS);
	SAME(s.detail, "");
	scene_release(&s);
}

static void stale_tuples_are_renewed(void)
{
	struct scene s;
	struct candidate_input in;
	struct state *states;
	struct guard_input *guards;
	struct key k = key_named("k");
	scene_init(&s);
	room_put(&s.room, "b.h", "int b;");
	const struct candidate *c = match(&s, "tty");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT(s.stale);
	/* In the tick of its change a tuple tells nothing yet. The clock is the kernel's, so this may be past already. */
	room_settle(&s.room);
	c = match(&s, "tty");
	SAME_NUMBER(manifest_renew(&s.manifest, c, &s.at, &in, &states, &guards), 0);
	SAME_NUMBER(manifest_encode_with(&s.manifest, &in, 8, &k, &s.file, NULL), 0);
	candidate_input_release(&in, states, guards);
	manifest_release(&s.manifest);
	SAME_NUMBER(decode(&s.manifest, "k", s.file.data, s.file.len), 0);
	SAME_NUMBER(s.manifest.candidate_count, 1);
	expect_fit(&s, false);
	SAME_NUMBER(s.memo.len, 0);
	/* Not for a file that is gone, or has changed since it was compared. */
	room_put(&s.room, "b.h", "int B;");
	room_settle(&s.room);
	SAME_NUMBER(manifest_renew(&s.manifest, &s.manifest.candidates[0], &s.at, &in, &states, &guards), -1);
	candidate_input_release(&in, states, guards);
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "b.h")), 0);
	SAME_NUMBER(manifest_renew(&s.manifest, &s.manifest.candidates[0], &s.at, &in, &states, &guards), -1);
	candidate_input_release(&in, states, guards);
	scene_release(&s);
}

static void times_may_count(void)
{
	const struct timespec second[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct scene s;
	struct candidate_input in;
	struct state *states;
	struct guard_input *guards;
	scene_init(&s);
	s.manifest.states[1].flags = INPUT_TIMED;
	SAME_NUMBER(utimensat(s.dir, "b.h", second, 0), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "b.h");
	SAME_NUMBER(manifest_renew(&s.manifest, &s.manifest.candidates[0], &s.at, &in, &states, &guards), -1);
	candidate_input_release(&in, states, guards);
	s.manifest.states[1].tuple.mtime_ns = 1000000000;
	expect_fit(&s, true);
	scene_release(&s);
}

/* ---- inputs that are no files of the working directory -------------------------------------------- */

/* Replaces the candidate by one with b.h named from the output directory, a variable, and the directory's name. */
static void scene_of_rust(struct scene *s)
{
	struct key k = key_named("k");
	struct state states[3] = {s->states[1], {.path = "V", .flags = INPUT_VARIABLE}, {.path = "", .flags = INPUT_OUT_DIR}};
	states[0].path = "b.h";
	states[0].flags = INPUT_IN_OUT_DIR;
	input_text_digest("1", &states[1].digest);
	input_text_digest("sub/../out", &states[2].digest);
	CU_ASSERT_EQUAL(rename(room_path(&s->room, "b.h"), room_put(&s->room, "out/b.h", "")), 0);
	struct candidate_input in = {.result = digest_named("r"), .any_terminal = 1, .states = states, .state_count = 3};
	manifest_release(&s->manifest);
	SAME_NUMBER(manifest_encode_with(NULL, &in, 8, &k, &s->file, NULL), 0);
	SAME_NUMBER(decode(&s->manifest, "k", s->file.data, s->file.len), 0);
	CU_ASSERT_EQUAL(mkdir(room_path(&s->room, "sub"), 0755), 0);
	s->envp[0] = "V=1";
	s->at.out_dir = "sub/../out";
}

static void variables_are_inputs(void)
{
	struct scene s;
	scene_init(&s);
	scene_of_rust(&s);
	CU_ASSERT_PTR_NOT_NULL(match(&s, "tty"));
	s.envp[0] = "V=2";
	expect_miss(&s, SOLDR_REASON_VARIABLE_CHANGED, "V");
	s.envp[0] = "V=";
	expect_miss(&s, SOLDR_REASON_VARIABLE_CHANGED, "V");
	s.envp[0] = NULL;
	expect_miss(&s, SOLDR_REASON_VARIABLE_CHANGED, "V");
	scene_release(&s);
}

static void unset_differs_from_empty(void)
{
	struct digest unset, empty;
	input_text_digest(NULL, &unset);
	input_text_digest("", &empty);
	CU_ASSERT_FALSE(digest_equal(&unset, &empty));
}

static void files_are_found_in_the_output_directory(void)
{
	struct scene s;
	struct candidate_input in;
	struct state *states;
	struct guard_input *guards;
	scene_init(&s);
	scene_of_rust(&s);
	const struct candidate *c = match(&s, "tty");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	room_settle(&s.room);
	match(&s, "tty");
	SAME_NUMBER(manifest_renew(&s.manifest, c, &s.at, &in, &states, &guards), 0);
	SAME(in.states[0].path, "b.h");
	candidate_input_release(&in, states, guards);
	s.at.out_dir = "elsewhere";
	expect_miss(&s, SOLDR_REASON_INPUT_MISSING, "b.h");
	s.at.out_dir = NULL;
	expect_miss(&s, SOLDR_REASON_INPUT_MISSING, "b.h");
	/* The same files under another name: the name was recorded. */
	s.at.out_dir = "out";
	expect_miss(&s, SOLDR_REASON_VARIABLE_CHANGED, "");
	scene_release(&s);
}

/* A tuple without ctime fits nothing, so a file of the same tick is always compared. */
static void a_doubtful_tuple_is_compared(void)
{
	struct scene s;
	scene_init(&s);
	for (uint32_t i = 0; i < s.manifest.state_count; i++)
		s.manifest.states[i].tuple.ctime_ns = 0;
	expect_fit(&s, true);
	SAME_NUMBER(s.memo.len, 3);
	scene_release(&s);
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
	CU_add_test(s, "unchanged files fit without being read", unchanged_files_fit_without_being_read);
	CU_add_test(s, "c10: changed files do not fit", changed_files_do_not_fit);
	CU_add_test(s, "c10: a change with its time put back is seen", a_change_with_its_time_put_back_is_seen);
	CU_add_test(s, "c19: a changed compiler is said", a_changed_compiler_is_said);
	CU_add_test(s, "c11: names that appear shadow", names_that_appear_shadow);
	CU_add_test(s, "c11: a shadow with the directory's time put back is seen", a_shadow_with_the_directory_time_put_back_is_seen);
	CU_add_test(s, "c07: terminals differ", terminals_differ);
	CU_add_test(s, "any candidate may fit", any_candidate_may_fit);
	CU_add_test(s, "stale tuples are renewed", stale_tuples_are_renewed);
	CU_add_test(s, "c22: times may count", times_may_count);
	CU_add_test(s, "r04: variables are inputs", variables_are_inputs);
	CU_add_test(s, "r04: unset differs from empty", unset_differs_from_empty);
	CU_add_test(s, "r11: files are found in the output directory", files_are_found_in_the_output_directory);
	CU_add_test(s, "a doubtful tuple is compared", a_doubtful_tuple_is_compared);
}
