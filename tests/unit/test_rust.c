/*
 * The parts of rustc's inputs that can be told without a rustc: crates by their
 * endings, members of libraries, reports of links, rustup's choice, and the
 * memory of digests.
 */
#include "archive.h"
#include "crates.h"
#include "digests.h"
#include "link.h"
#include "package.h"
#include "room.h"
#include "toolchain.h"

#include <errno.h>

void suite_rust(void);

/* ---- crates ------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files that the words lead to, sorted; or the reason. */
static void expect_crates(struct room *room, const char *const *argv, const char *expected)
{
	struct rust_call call = {0};
	struct invocation inv = INVOCATION_INIT;
	struct crate_list list = {0};
	struct digest_memory memory = DIGEST_MEMORY_INIT;
	struct buf out = BUF_INIT;
	char detail[200];
	int dir = open(room->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	SAME_NUMBER(rust_parse(&call, &inv, argv, room->dir), 0);
	enum soldr_reason why = crates_find(&list, &call, &memory, dir, detail, sizeof detail);
	char *paths[64];
	CU_ASSERT_FATAL(list.len < 64);
	for (size_t i = 0; i < list.len; i++)
		paths[i] = list.items[i].path;
	qsort(paths, list.len, sizeof *paths, by_text);
	for (size_t i = 0; why == SOLDR_REASON_NONE && i < list.len; i++)
		buf_addf(&out, "%s ", paths[i]);
	if (why != SOLDR_REASON_NONE)
		buf_addf(&out, "%s: %s", why == SOLDR_REASON_CRATES_UNKNOWN ? "unknown" : "unreadable", detail);
	SAME(buf_str(&out), expected);
	CU_ASSERT_PTR_NULL(why == SOLDR_REASON_NONE ? crates_changed(&list, dir) : NULL);
	close(dir);
	buf_release(&out);
	crates_release(&list);
	rust_call_release(&call);
	invocation_release(&inv);
}

#define ENDING(digit) "-000000000000000" digit

static void crates_are_found_by_their_endings(void)
{
	struct room room;
	room_init(&room, "crates");
	room_put(&room, "d/libtop" ENDING("1") ".rmeta", "metadata names low" ENDING("2") "\n");
	room_put(&room, "d/libtop" ENDING("1") ".rlib", "an archive without a name");
	room_put(&room, "d/liblow" ENDING("2") ".rmeta", "");
	room_put(&room, "d/liblow" ENDING("2") ".rlib", "");
	room_put(&room, "d/libmac" ENDING("3") ".so", "__rustc_proc_macro_decls_1 low" ENDING("4"));
	room_put(&room, "d/libother" ENDING("4") ".rmeta", "");
	room_put(&room, "d/libplain.rlib", "");
	room_put(&room, "d/other.txt", "");
	room_settle(&room);
	const char *const library[] = {"rustc", "--crate-type", "lib", "--extern", "t=d/libtop" ENDING("1") ".rmeta", "-L", "dependency=d", "a.rs", NULL};
	expect_crates(&room, library, "d/liblow" ENDING("2") ".rmeta d/libplain.rlib d/libtop" ENDING("1") ".rmeta ");
	/* Linked, the libraries count too; the metadata is read from beside the library. */
	const char *const program[] = {"rustc", "--extern", "t=d/libtop" ENDING("1") ".rlib", "-L", "dependency=d", "a.rs", NULL};
	expect_crates(&room, program, "d/liblow" ENDING("2") ".rlib d/liblow" ENDING("2") ".rmeta d/libplain.rlib d/libtop" ENDING("1") ".rlib ");
	/* A library of macros brings none along. */
	const char *const macros[] = {"rustc", "--crate-type", "lib", "--extern", "m=d/libmac" ENDING("3") ".so", "-L", "dependency=d", "a.rs", NULL};
	expect_crates(&room, macros, "d/libmac" ENDING("3") ".so d/libplain.rlib ");
	const char *const gone[] = {"rustc", "--extern", "t=d/libgone.rlib", "a.rs", NULL};
	expect_crates(&room, gone, "unreadable: d/libgone.rlib");
	const char *const bare[] = {"rustc", "--extern", "proc_macro", "--extern", "serde", "a.rs", NULL};
	expect_crates(&room, bare, "unknown: serde");
	room_release(&room);
}

static void a_dynamic_crate_may_load_all(void)
{
	struct room room;
	room_init(&room, "crates");
	room_put(&room, "d/libdyn" ENDING("1") ".so", "packed metadata");
	room_put(&room, "d/liblow" ENDING("2") ".rmeta", "");
	room_settle(&room);
	const char *const argv[] = {"rustc", "--crate-type", "lib", "--extern", "t=d/libdyn" ENDING("1") ".so", "-L", "dependency=d", "a.rs", NULL};
	expect_crates(&room, argv, "d/libdyn" ENDING("1") ".so d/liblow" ENDING("2") ".rmeta ");
	room_release(&room);
}

static void changes_of_crates_are_seen(void)
{
	struct room room;
	struct crate_list list = {0};
	struct rust_call call = {0};
	struct digest_memory memory = DIGEST_MEMORY_INIT;
	char detail[200];
	room_init(&room, "crates");
	room_put(&room, "a.rmeta", "one");
	vec_add(&call.extern_names, "a");
	vec_add(&call.extern_paths, "a.rmeta");
	int dir = open(room.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	SAME_NUMBER(crates_find(&list, &call, &memory, dir, detail, sizeof detail), SOLDR_REASON_NONE);
	CU_ASSERT_PTR_NULL(crates_changed(&list, dir));
	/* In the same tick of the clock only the content tells. */
	list.items[0].doubtful = true;
	list.items[0].digest.bytes[0] ^= 1;
	SAME(crates_changed(&list, dir), "a.rmeta");
	list.items[0].digest.bytes[0] ^= 1;
	list.items[0].doubtful = false;
	room_settle(&room);
	room_put(&room, "a.rmeta", "two");
	SAME(crates_changed(&list, dir), "a.rmeta");
	close(dir);
	crates_release(&list);
	rust_call_release(&call);
	room_release(&room);
}

static void names_of_crates_are_given_or_not(void)
{
	static const struct {
		const char *text;
		bool named;
	} rows[] = {
		{"", true}, {"extern crate std;", true}, {"extern  crate\nproc_macro ;", true}, {"extern crate a;", true}, {"extern crate b;", false},
		{"extern crate a as b;", true}, {"extern crate $name;", false}, {"extern \"C\" {}", true}, {"extern crates;", true},
		{"extern crate self as x;", true}, {"externcrate b;", true}, {"extern crate", true}, {"/* */ extern crate a; extern crate c;", false},
	};
	struct rust_call call = {0};
	vec_add(&call.extern_names, "a");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CU_ASSERT_EQUAL(crates_named(rows[i].text, strlen(rows[i].text), &call), rows[i].named);
	rust_call_release(&call);
}

/* ---- archives ------------------------------------------------------------------------------------- */

static void add_member(struct buf *b, const char *name, const char *content)
{
	buf_addf(b, "%-16s%-12s%-6s%-6s%-8s%-10zu`\n%s%s", name, "0", "0", "0", "644", strlen(content), content, strlen(content) % 2 ? "\n" : "");
}

static bool is_own(struct room *room, const struct buf *b, size_t len)
{
	return archive_is_rustc_only(room_put_bytes(room, "lib.rlib", buf_str(b), len));
}

static void members_tell_who_made_them(void)
{
	struct room room;
	struct buf b = BUF_INIT;
	room_init(&room, "archive");
	buf_adds(&b, "!<arch>\n");
	add_member(&b, "/", "index");
	add_member(&b, "//", "a-long-name.cgu.0.rcgu.o/\nforeign-object-name.o/\n");
	add_member(&b, "lib.rmeta/", "metadata");
	add_member(&b, "/0", "object");
	add_member(&b, "short.rcgu.o/", "o");
	CU_ASSERT(is_own(&room, &b, b.len));
	size_t own = b.len;
	for (size_t len = 0; len < own; len++) /* cut anywhere: no crash */
		is_own(&room, &b, len);
	CU_ASSERT_FALSE(is_own(&room, &b, own - 2)); /* without the last byte of a member */
	add_member(&b, "/26", "native");
	CU_ASSERT_FALSE(is_own(&room, &b, b.len));
	b.len = own;
	add_member(&b, "answer.o/", "native");
	CU_ASSERT_FALSE(is_own(&room, &b, b.len));
	b.len = own;
	add_member(&b, "/9999", "native");
	CU_ASSERT_FALSE(is_own(&room, &b, b.len));
	CU_ASSERT_FALSE(archive_is_rustc_only(room_put(&room, "text", "no archive at all")));
	CU_ASSERT_FALSE(archive_is_rustc_only(room_path(&room, "gone")));
	buf_release(&b);
	room_release(&room);
}

/* ---- links ------------------------------------------------------------------------------------------ */

static void expect_split(const char *line, const char *expected)
{
	struct vec env = VEC_INIT, words = VEC_INIT;
	struct buf out = BUF_INIT;
	bool good = link_split(line, strlen(line), &env, &words);
	for (size_t i = 0; good && i < env.len; i++)
		buf_addf(&out, "{%s}", env.items[i]);
	for (size_t i = 0; good && i < words.len; i++)
		buf_addf(&out, "[%s]", words.items[i]);
	SAME(good ? buf_str(&out) : "refused", expected);
	vec_release(&env);
	vec_release(&words);
	buf_release(&out);
}

static void reports_are_split(void)
{
	expect_split("LC_ALL=\"C\" PATH=\"/a:/b\" \"cc\" \"-m64\" \"a b.o\"", "{LC_ALL=C}{PATH=/a:/b}[cc][-m64][a b.o]");
	expect_split("\"cc\" \"q\\\"\\\\\" \"\"", "[cc][q\"\\][]");
	expect_split("\"cc\"", "refused");
	expect_split("", "refused");
	expect_split("\"cc\" plain", "refused");
	expect_split("\"cc\" \"open", "refused");
	expect_split("\"cc\" \"a\"\"b\"", "refused");
	expect_split("\"cc\" X=\"late\" \"a\"", "refused");
	expect_split("\"cc\" \"\\u{e4}\"", "refused");
	expect_split("\"cc\" \"a\\", "refused");
}

/* ---- rustup ------------------------------------------------------------------------------------------- */

static void expect_program(struct room *room, const char *cwd, const char *variable, const char *chosen, const char *expected)
{
	char home[300], toolchain[300], why[200];
	snprintf(home, sizeof home, "RUSTUP_HOME=%s/rustup", room->dir);
	snprintf(toolchain, sizeof toolchain, "RUSTUP_TOOLCHAIN=%s", variable ? variable : "");
	const char *const envp[] = {home, toolchain, NULL};
	soldr_request req = {.struct_size = sizeof req, .cwd = room_path(room, cwd), .envp = envp};
	char *program = toolchain_program(&req, "rustc", chosen, why, sizeof why);
	char *want = expected ? realpath(room_path(room, expected), NULL) : NULL;
	SAME(program ? program : "none", want ? want : "none");
	free(program);
	free(want);
}

static void toolchains_are_chosen_in_order(void)
{
	struct room room;
	char settings[400];
	room_init(&room, "rustup");
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {"one-HOST", "two", "three", "four"};
		char name[80];
		snprintf(name, sizeof name, "rustup/toolchains/%s/bin/rustc", names[i]);
		room_put(&room, name, names[i]);
	}
	snprintf(settings, sizeof settings, "version = \"12\"\ndefault_host_triple = \"HOST\"\ndefault_toolchain = \"one\"\n[overrides]\n\"%s/w/over\" = \"four\"\n", room.dir);
	room_put(&room, "rustup/settings.toml", settings);
	room_put(&room, "w/over/deep/file", "");
	room_put(&room, "w/file/rust-toolchain.toml", "[toolchain]\nchannel = 'two' # here\n");
	room_put(&room, "w/file/sub/x", "");
	room_put(&room, "w/old/rust-toolchain", "three\n");
	room_put(&room, "w/path/rust-toolchain.toml", "[toolchain]\npath = \"/somewhere\"\n");
	room_put(&room, "w/odd/rust-toolchain", "[toolchain]\ncomponents = [\"rustfmt\"]\n");
	expect_program(&room, "w", NULL, NULL, "rustup/toolchains/one-HOST/bin/rustc");
	expect_program(&room, "w", NULL, "two", "rustup/toolchains/two/bin/rustc");
	expect_program(&room, "w", "three", NULL, "rustup/toolchains/three/bin/rustc");
	expect_program(&room, "w", "three", "two", "rustup/toolchains/two/bin/rustc");
	expect_program(&room, "w/over/deep", NULL, NULL, "rustup/toolchains/four/bin/rustc");
	expect_program(&room, "w/file/sub", NULL, NULL, "rustup/toolchains/two/bin/rustc");
	expect_program(&room, "w/file/sub", "three", NULL, "rustup/toolchains/three/bin/rustc");
	expect_program(&room, "w/old", NULL, NULL, "rustup/toolchains/three/bin/rustc");
	expect_program(&room, "w/path", NULL, NULL, NULL);
	expect_program(&room, "w/odd", NULL, NULL, NULL);
	expect_program(&room, "w", "absent", NULL, NULL);
	expect_program(&room, "w", "../../w", NULL, NULL);
	room_release(&room);
}

/* ---- the memory of digests ------------------------------------------------------------------------------ */

static int no_openat(int dir, const char *path, int flags, mode_t mode)
{
	(void)dir;
	(void)path;
	(void)flags;
	(void)mode;
	errno = EIO;
	return -1;
}

static void digests_are_remembered_by_tuple(void)
{
	struct room room;
	struct store store;
	struct digest_memory memory;
	struct tuple tuple, again;
	struct digest first, second, truth;
	room_init(&room, "digests");
	SAME_NUMBER(store_init(&store, room.dir, 1 << 20, false, NULL), 0);
	digests_open(&memory, &store);
	CU_ASSERT_PTR_NOT_NULL_FATAL(memory.slots);
	const char *path = room_put(&room, "file", "content");
	room_settle(&room);
	digest_of(&truth, "content", 7);
	SAME_NUMBER(digests_read(&memory, AT_FDCWD, path, &tuple, &first, NULL), 0);
	CU_ASSERT(digest_equal(&first, &truth));
	/* Known by its tuple alone, also to the next process. */
	digests_close(&memory);
	digests_open(&memory, &store);
	struct sys_calls real = sys;
	sys.openat = no_openat;
	SAME_NUMBER(digests_read(&memory, AT_FDCWD, path, &again, &second, NULL), 0);
	sys = real;
	CU_ASSERT(digest_equal(&second, &truth) && tuple_equal(&again, &tuple));
	room_put(&room, "file", "CONTENT");
	digest_of(&truth, "CONTENT", 7);
	SAME_NUMBER(digests_read(&memory, AT_FDCWD, path, &again, &second, NULL), 0);
	CU_ASSERT(digest_equal(&second, &truth));
	/* Every byte of the file damaged: the contents are read. */
	digests_close(&memory);
	room_settle(&room);
	digests_open(&memory, &store);
	digests_read(&memory, AT_FDCWD, path, &again, &second, NULL);
	digests_close(&memory);
	const char *file = room_path(&room, "embedded/v1/digests");
	struct buf bytes = BUF_INIT;
	SAME_NUMBER(fs_read_file(file, 16 << 20, &bytes, NULL), 0);
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i])
			bytes.data[i] ^= 0x10;
	room_put_bytes(&room, "embedded/v1/digests", bytes.data, bytes.len);
	digests_open(&memory, &store);
	SAME_NUMBER(digests_read(&memory, AT_FDCWD, path, &again, &second, NULL), 0);
	CU_ASSERT(digest_equal(&second, &truth));
	buf_release(&bytes);
	digests_close(&memory);
	store_release(&store);
	room_release(&room);
}

static DIR *no_opendir(const char *path)
{
	(void)path;
	errno = EIO;
	return NULL;
}

static int expect_package(struct room *room, const char *says)
{
	struct digest_memory memory = DIGEST_MEMORY_INIT;
	struct digest digest;
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = package_digest(&memory, room_path(room, "package"), 0, &digest, NULL, &err);
	HOLDS(err.message, says);
	return rc;
}

static void a_package_has_its_limits(void)
{
	struct room room;
	room_init(&room, "package");
	SAME_NUMBER(expect_package(&room, "cannot look at "), SOLDR_E_IO);
	SAME_NUMBER(expect_package(&room, "[E737]"), SOLDR_E_IO);
	SAME_NUMBER(room_sh(&room, "mkdir package"), 0);
	struct sys_calls real = sys;
	sys.opendir = no_opendir;
	SAME_NUMBER(expect_package(&room, "package: Input/output error [E735]"), SOLDR_E_IO);
	sys = real;
	/* d/d/… */
	SAME_NUMBER(room_sh(&room, "cd package && p=d && for i in $(seq %d); do p=$p/d; done && mkdir -p $p", PACKAGE_DEPTH_MAX), 0);
	SAME_NUMBER(expect_package(&room, "directories too deep [E738]"), SOLDR_E_UNSUPPORTED);
	SAME_NUMBER(room_sh(&room, "rm -r package/d && cd package && seq -f a%%g %d | xargs touch", PACKAGE_FILES_MAX + 1), 0);
	SAME_NUMBER(expect_package(&room, "more than 20000 files [E736]"), SOLDR_E_UNSUPPORTED);
	room_release(&room);
}

void suite_rust(void)
{
	CU_pSuite s = CU_add_suite("rust", NULL, NULL);
	CU_add_test(s, "r02: crates are found by their endings", crates_are_found_by_their_endings);
	CU_add_test(s, "r02: a dynamic crate may load all", a_dynamic_crate_may_load_all);
	CU_add_test(s, "r02: changes of crates are seen", changes_of_crates_are_seen);
	CU_add_test(s, "r02: names of crates are given or not", names_of_crates_are_given_or_not);
	CU_add_test(s, "r07: members tell who made them", members_tell_who_made_them);
	CU_add_test(s, "r08: reports are split", reports_are_split);
	CU_add_test(s, "r14: toolchains are chosen in order", toolchains_are_chosen_in_order);
	CU_add_test(s, "a package has its limits", a_package_has_its_limits);
	CU_add_test(s, "digests are remembered by tuple", digests_are_remembered_by_tuple);
}
