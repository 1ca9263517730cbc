/* match: a candidate fits just as long as its files are what they were. */
#include "manifest_rows.h"

#include <soldr/backend.h>

void suite_match(void);

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

/* The candidate, guarded by inc alone, with these names. */
static void guard_inc(struct scene *s, uint32_t state, const char *const *names, uint32_t count)
{
	struct key k = key_named("k");
	s->guards[0].exists = state;
	s->guards[0].names = names;
	s->guards[0].name_count = count;
	s->in.guard_count = 1;
	manifest_release(&s->manifest);
	buf_clear(&s->file);
	SAME_NUMBER(manifest_encode_with(NULL, &s->in, 8, &k, &s->file, NULL), 0);
	SAME_NUMBER(decode(&s->manifest, "k", s->file.data, s->file.len), 0);
}

static struct sys_calls real_sys;
static int looks, looked_from;

/* Names are looked up in their directory, which was opened; all else from the working directory. */
static int counted_fstatat(int dir, const char *path, struct stat *st, int flags)
{
	looks += dir != looked_from;
	return real_sys.fstatat(dir, path, st, flags);
}

/* What the lookup costs in a directory that changes with each compile: one look for all names below a missing directory. */
static void names_of_a_missing_directory_cost_one_look(void)
{
	static const char *const names[] = {"a.h", "bits/a.h", "bits/b.h", "bits/c.h", "bits/d/e.h", "bitset", "sys/a.h", "sys/b.h"};
	struct scene s;
	scene_init(&s);
	guard_inc(&s, GUARD_EXISTS, names, 8);
	real_sys = sys;
	sys.fstatat = counted_fstatat;
	looks = 0;
	looked_from = s.dir;
	expect_fit(&s, false);
	SAME_NUMBER(looks, 0);
	room_put(&s.room, "inc/object.o", "");
	expect_fit(&s, false);
	SAME_NUMBER(looks, 4); /* a.h, bits, bitset, sys */
	/* One that is there hides nothing. */
	room_put(&s.room, "inc/bits/other.h", "");
	expect_fit(&s, false);
	room_put(&s.room, "inc/sys/b.h", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "inc/sys/b.h")), 0);
	expect_fit(&s, false);
	room_put(&s.room, "inc/bits/d/e.h", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	sys = real_sys;
	scene_release(&s);
}

/* Compilers pass over a directory, but GCC takes one of precompiled headers; a name that ends in a slash means a directory. */
static void directories_are_no_headers(void)
{
	static const char *const names[] = {"d.h", "none/", "u.h.gch"};
	struct scene s;
	scene_init(&s);
	guard_inc(&s, GUARD_EXISTS, names, 3);
	CU_ASSERT_EQUAL(mkdir(room_path(&s.room, "inc/d.h"), 0777), 0);
	expect_fit(&s, false);
	CU_ASSERT_EQUAL(mkdir(room_path(&s.room, "inc/none"), 0777), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	CU_ASSERT_EQUAL(rmdir(room_path(&s.room, "inc/none")), 0);
	expect_fit(&s, false);
	CU_ASSERT_EQUAL(mkdir(room_path(&s.room, "inc/u.h.gch"), 0777), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	scene_release(&s);
}

static void a_pinned_directory_stays_the_very_one(void)
{
	struct scene s;
	scene_init(&s);
	guard_inc(&s, GUARD_PINNED, NULL, 0);
	room_put(&s.room, "inc/more.h", "");
	expect_fit(&s, false);
	CU_ASSERT_EQUAL(rename(room_path(&s.room, "inc"), room_path(&s.room, "was")), 0);
	expect_miss(&s, SOLDR_REASON_INPUT_MISSING, "inc");
	room_put(&s.room, "inc/other.h", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "inc");
	scene_release(&s);
}

/* The times of a directory do not tell what a link in it leads to, today or after a renewal. */
static void a_watched_directory_is_always_looked_into(void)
{
	static const char *const names[] = {"l.h"};
	struct scene s;
	struct candidate_input in;
	struct state *states;
	struct guard_input *guards;
	scene_init(&s);
	s.guards[0].tuple.ctime_ns = 0;
	CU_ASSERT_EQUAL(symlink("../t.h", room_path(&s.room, "inc/l.h")), 0);
	room_settle(&s.room);
	guard_inc(&s, GUARD_WATCHED, names, 1);
	expect_fit(&s, false);
	SAME_NUMBER(manifest_renew(&s.manifest, &s.manifest.candidates[0], &s.at, &in, &states, &guards), 0);
	SAME_NUMBER(guards[0].exists, GUARD_WATCHED);
	SAME_NUMBER(guards[0].tuple.ctime_ns, 0);
	candidate_input_release(&in, states, guards);
	room_put(&s.room, "t.h", "");
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

static struct sys_calls real;
static unsigned looked_at;

static int count_fstatat(int dir, const char *path, struct stat *st, int flags)
{
	looked_at++;
	return real.fstatat(dir, path, st, flags);
}

/* The candidates differ in the file that comes last: no file is looked at more often than there are states of it. */
static void the_last_of_many_candidates_is_found_cheaply(void)
{
	enum { CANDIDATES = 200 };
	struct scene s;
	struct key k = key_named("k");
	char name[16];
	scene_init(&s);
	struct state now = s.states[2], first = s.states[0];
	s.states[2] = first;
	s.states[0] = now;
	now = s.states[2];
	for (int i = CANDIDATES - 1; i >= 0; i--) {
		snprintf(name, sizeof name, "r%d", i);
		s.states[2] = now;
		s.states[2].tuple.ino += (uint64_t)(CANDIDATES - 1 - i); /* the oldest has the present one */
		s.states[2].tuple.size += i == CANDIDATES - 1 ? 0 : 1;
		s.in.result = digest_named(name);
		buf_clear(&s.file);
		SAME_NUMBER(manifest_encode_with(i == CANDIDATES - 1 ? NULL : &s.manifest, &s.in, CANDIDATES, &k, &s.file, NULL), 0);
		manifest_release(&s.manifest);
		SAME_NUMBER(decode(&s.manifest, "k", s.file.data, s.file.len), 0);
	}
	SAME_NUMBER(s.manifest.candidate_count, CANDIDATES);
	SAME_NUMBER(s.manifest.state_count, CANDIDATES + 2);
	real = sys;
	sys.fstatat = count_fstatat;
	looked_at = 0;
	const struct candidate *c = match(&s, "tty");
	sys = real;
	CU_ASSERT_PTR_EQUAL(c, &s.manifest.candidates[CANDIDATES - 1]);
	SAME_NUMBER(looked_at, CANDIDATES + 2 + 2); /* states, and the guards of the one that fits */
	/* None fits: the newest says why. */
	room_put(&s.room, "a.c", "int A;");
	expect_miss(&s, SOLDR_REASON_INPUT_CHANGED, "a.c");
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
	struct state states[3] = {s->states[1], {.path = "V", .flags = INPUT_VARIABLE}, {.path = "", .flags = INPUT_BASE}};
	states[0].path = "b.h";
	states[0].flags = INPUT_IN_BASE;
	input_text_digest("1", &states[1].digest);
	input_text_digest("sub/../out", &states[2].digest);
	CU_ASSERT_EQUAL(rename(room_path(&s->room, "b.h"), room_put(&s->room, "out/b.h", "")), 0);
	static const char *const names[] = {"libx.a"};
	const struct guard_input guard = {.path = "native", .exists = 1, .flags = INPUT_IN_BASE, .names = names, .name_count = 1};
	struct candidate_input in = {.result = digest_named("r"), .any_terminal = 1, .states = states, .state_count = 3,
	                             .guards = &guard, .guard_count = 1};
	manifest_release(&s->manifest);
	SAME_NUMBER(manifest_encode_with(NULL, &in, 8, &k, &s->file, NULL), 0);
	SAME_NUMBER(decode(&s->manifest, "k", s->file.data, s->file.len), 0);
	CU_ASSERT_EQUAL(mkdir(room_path(&s->room, "sub"), 0755), 0);
	s->envp[0] = "V=1";
	s->at.base = "sub/../out";
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
	/* A name that must stay absent there. */
	room_put(&s.room, "native/libx.a", "");
	CU_ASSERT_PTR_NOT_NULL(match(&s, "tty"));
	room_put(&s.room, "out/native/libx.a", "");
	expect_miss(&s, SOLDR_REASON_INPUT_SHADOWED, "native");
	CU_ASSERT_EQUAL(unlink(room_path(&s.room, "out/native/libx.a")), 0);
	s.at.base = "elsewhere";
	expect_miss(&s, SOLDR_REASON_INPUT_MISSING, "b.h");
	s.at.base = NULL;
	expect_miss(&s, SOLDR_REASON_INPUT_MISSING, "b.h");
	/* The same files under another name: the name was recorded. */
	s.at.base = "out";
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

void suite_match(void)
{
	CU_pSuite s = CU_add_suite("match", NULL, NULL);
	CU_add_test(s, "unchanged files fit without being read", unchanged_files_fit_without_being_read);
	CU_add_test(s, "c10: changed files do not fit", changed_files_do_not_fit);
	CU_add_test(s, "c10: a change with its time put back is seen", a_change_with_its_time_put_back_is_seen);
	CU_add_test(s, "c19: a changed compiler is said", a_changed_compiler_is_said);
	CU_add_test(s, "c11: names that appear shadow", names_that_appear_shadow);
	CU_add_test(s, "c11: names of a missing directory cost one look", names_of_a_missing_directory_cost_one_look);
	CU_add_test(s, "c11: directories are no headers", directories_are_no_headers);
	CU_add_test(s, "c11: a pinned directory stays the very one", a_pinned_directory_stays_the_very_one);
	CU_add_test(s, "c11: a watched directory is always looked into", a_watched_directory_is_always_looked_into);
	CU_add_test(s, "c11: a shadow with the directory's time put back is seen", a_shadow_with_the_directory_time_put_back_is_seen);
	CU_add_test(s, "c07: terminals differ", terminals_differ);
	CU_add_test(s, "any candidate may fit", any_candidate_may_fit);
	CU_add_test(s, "the last of many candidates is found cheaply", the_last_of_many_candidates_is_found_cheaply);
	CU_add_test(s, "stale tuples are renewed", stale_tuples_are_renewed);
	CU_add_test(s, "c22: times may count", times_may_count);
	CU_add_test(s, "r04: variables are inputs", variables_are_inputs);
	CU_add_test(s, "r04: unset differs from empty", unset_differs_from_empty);
	CU_add_test(s, "r11: files are found in the output directory", files_are_found_in_the_output_directory);
	CU_add_test(s, "a doubtful tuple is compared", a_doubtful_tuple_is_compared);
}
