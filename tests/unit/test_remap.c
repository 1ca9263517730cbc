/*
 * remap: for which units the root is mapped away, what binds a result to its
 * checkout, and how a manifest serves several. tests/e2e/27-worktrees.t shows
 * the whole with compilers.
 */
#include "room.h"
#include "rust.h"
#include "unit.h"

void suite_remap(void);

/* A unit of a call in a directory; the root is what the row names, or found. */
struct call {
	struct soldr_instance inst;
	soldr_request req;
	struct unit unit;
	struct rust_unit rust;
};

static void call_init(struct call *c, enum family family, const char *cwd, const char *root, const char *const *argv, const char *const *envp)
{
	*c = (struct call){
		.inst = {.path_remap = true, .worktree_root = root ? strdup(root) : NULL},
		.req = {.struct_size = sizeof c->req, .cwd = cwd, .argv = argv, .envp = envp, .compiler = "/usr/bin/cc"},
	};
	c->unit = (struct unit){.inst = &c->inst, .req = &c->req, .inv = INVOCATION_INIT, .dir = -1};
	if (family == FAMILY_RUSTC) {
		c->unit.rust = &c->rust;
		SAME_NUMBER(rust_parse(&c->rust.call, &c->unit.inv, argv, cwd), 0);
	} else {
		SAME_NUMBER(invocation_parse(&c->unit.inv, family, argv, cwd), 0);
	}
	SAME_NUMBER(remap_prepare(&c->unit), 0);
}

static void call_release(struct call *c)
{
	invocation_release(&c->unit.inv);
	rust_call_release(&c->rust.call);
	vec_release(&c->unit.maps);
	free(c->unit.root);
	free(c->inst.worktree_root);
}

static const char *const no_variables[] = {NULL};

/* The maps that a call gets, joined by blanks; "-" where it stays as it is. */
static void expect_maps_at(int line, enum family family, const char *cwd, const char *root, const char *arguments, const char *expected)
{
	struct vec argv = VEC_INIT;
	struct call c;
	struct buf got = BUF_INIT;
	vec_add(&argv, family == FAMILY_GCC ? "gcc" : "clang");
	vec_add(&argv, "-c");
	vec_add(&argv, "x.c");
	for (const char *p = arguments; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		vec_addn(&argv, p, n);
		p += n;
	}
	call_init(&c, family, cwd, root, vec_items(&argv), no_variables);
	for (size_t i = 0; i < c.unit.maps.len; i++)
		buf_addf(&got, "%s%s", i ? " " : "", c.unit.maps.items[i]);
	if (!c.unit.root)
		buf_adds(&got, "-");
	same_text_at(__FILE__, line, buf_str(&got), expected);
	buf_release(&got);
	call_release(&c);
	vec_release(&argv);
}
#define MAPS(family, cwd, root, arguments, expected) expect_maps_at(__LINE__, FAMILY_##family, cwd, root, arguments, expected)

static void the_root_is_mapped_before_the_users_maps(void)
{
	static const char below[] = "-ffile-prefix-map=/w/a/=./";
	static const char both[] = "-ffile-prefix-map=/w/a/=./ -fdebug-prefix-map=/w/a=.";
	MAPS(GCC, "/w/a/b", "/w/a", "-g", below);
	MAPS(CLANG, "/w/a/b", "/w/a", "-g", below);
	MAPS(GCC, "/w/a", "/w/a", "-g", both);
	MAPS(GCC, "/w/a", "/w//a/", "-g", both);
	MAPS(GCC, "/w/a/b", "/w/a", "-ffile-prefix-map=/usr=/u", below);
	MAPS(GCC, "/w/a/b", "/w/a", "-fdebug-prefix-map=/w/a/b=/x", below);
	MAPS(GCC, "/w/a/b", "/w/a", "-fdebug-prefix-map=/w/a=/x", below);
	MAPS(GCC, "/w/a/b", "/w/a", "-ffile-prefix-map=.=/x", below);
	MAPS(CLANG, "/w/a/b", "/w/a", "-fdebug-prefix-map=/usr=/x", below);
	/* The user does it himself. */
	MAPS(GCC, "/w/a/b", "/w/a", "-ffile-prefix-map=/w/a=/x", "");
	MAPS(CLANG, "/w/a/b", "/w/a", "-ffile-prefix-map=/w/a/=", "");
}

static void what_is_not_sure_stays_as_it_is(void)
{
	MAPS(GCC, "/w/a", "/w a", "-g", "-");
	MAPS(GCC, "/w/a", "/", "-g", "-");
	/* Part of the root would stay. */
	MAPS(GCC, "/w/a", "/w/a", "-ffile-prefix-map=/w=/x", "-");
	MAPS(GCC, "/w/a", "/w/a", "-fdebug-prefix-map=/=/x", "-");
	MAPS(GCC, "/w/a", "/w/a", "-fmacro-prefix-map==/x", "-");
	MAPS(CLANG, "/w/a/b", "/w/a", "-fdebug-prefix-map=/w/a/b=/x", "-");
	MAPS(CLANG, "/w/a/b", "/w/a", "-fdebug-prefix-map=/w/a=/x", "-");
	/* What a map of the very root would change too. */
	MAPS(GCC, "/w/a", "/w/a", "-I/w/ab", "-");
	MAPS(GCC, "/w/a/b", "/w/a", "-I/w/ab", "-ffile-prefix-map=/w/a/=./");
	/* The command line and the like in the output. */
	MAPS(GCC, "/w/a", "/w/a", "-frecord-gcc-switches", "-");
	MAPS(CLANG, "/w/a", "/w/a", "-grecord-gcc-switches", "-");
	MAPS(GCC, "/w/a/b", "/w/a", "-grecord-gcc-switches", "-ffile-prefix-map=/w/a/=./");
	MAPS(GCC, "/w/a", "/w/a", "-flto", "-");
	MAPS(GCC, "/w/a", "/w/a", "-fprofile-update=atomic", "-");
	/* GCC shortens names of system headers by what links lead to. */
	MAPS(GCC, "/nowhere", "/w/a", "-g", "-");
	MAPS(CLANG, "/nowhere", "/w/a", "-g", "-ffile-prefix-map=/w/a/=./");
}

/* The maps that a call of rustc gets, and behind which words; "-": none. */
static void expect_rust_maps_at(int line, const char *cwd, const char *root, const char *arguments, const char *expected)
{
	struct vec argv = VEC_INIT;
	struct call c;
	struct buf got = BUF_INIT;
	for (const char *p = arguments; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		vec_addn(&argv, p, n);
		p += n;
	}
	call_init(&c, FAMILY_RUSTC, cwd, root, vec_items(&argv), no_variables);
	if (c.unit.root)
		buf_addf(&got, "%zu", c.unit.maps_at);
	for (size_t i = 0; i < c.unit.maps.len; i++)
		buf_addf(&got, " %s", c.unit.maps.items[i]);
	same_text_at(__FILE__, line, c.unit.root ? buf_str(&got) : "-", expected);
	buf_release(&got);
	call_release(&c);
	vec_release(&argv);
}
#define RUST_MAPS(cwd, root, arguments, expected) expect_rust_maps_at(__LINE__, cwd, root, arguments, expected)

static void rustc_gets_the_map_before_the_users(void)
{
	static const char map[] = "1 --remap-path-prefix=/w/a=.";
	RUST_MAPS("/w/a", "/w/a", "rustc a.rs", map);
	RUST_MAPS("/r/crate", "/w/a", "rustc a.rs --out-dir /w/a/target", map);
	RUST_MAPS("/r/crate", "/w/a", "rustc /w/a/a.rs", map);
	RUST_MAPS("/w/a", "/w/a", "rustc +nightly a.rs", "2 --remap-path-prefix=/w/a=.");
	RUST_MAPS("/w/a", "/w/a", "clippy-driver /b/rustc a.rs", "2 --remap-path-prefix=/w/a=.");
	RUST_MAPS("/w/a", "/w/a", "clippy-driver a.rs", map);
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix /w/a/b=x --remap-path-prefix /w/ab=y --remap-path-prefix s=z a.rs", map);
	/* The user does it himself. */
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix=/w/a=/x a.rs", "1");
	/* Part of the root would stay, or nobody knows. */
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix=/w=/x a.rs", "-");
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix=/=/x a.rs", "-");
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix==/x a.rs", "-");
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix=/w//a=/x a.rs", "-");
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-prefix=/w/a/=/x a.rs", "-");
	RUST_MAPS("/w/a", "/w/a", "rustc --remap-path-scope=debuginfo a.rs", "-");
	RUST_MAPS("/w/a", "/w/a", "rustc -C instrument-coverage a.rs", "-");
	RUST_MAPS("/w/a", "/w a", "rustc a.rs", "-");
	RUST_MAPS("/r/crate", "/w/a", "rustc a.rs --out-dir /t", "-");
}

/* cargo's directories, made in a room: the root that a call gets, without the room. */
static void expect_root_at(int line, struct room *room, const char *cwd, const char *out_dir, const char *more, const char *expected)
{
	struct buf out = BUF_INIT;
	struct call c;
	buf_addf(&out, "--out-dir=%s/%s", room->dir, out_dir);
	const char *const argv[] = {"rustc", "a.rs", buf_str(&out), more, NULL};
	call_init(&c, FAMILY_RUSTC, room_path(room, cwd), NULL, argv, no_variables);
	same_text_at(__FILE__, line, c.unit.root ? c.unit.root + strlen(room->dir) : "-", expected);
	call_release(&c);
	buf_release(&out);
}
#define ROOT(room, ...) expect_root_at(__LINE__, room, __VA_ARGS__)

static void rustc_works_for_the_checkout_of_its_outputs(void)
{
	struct room room;
	room_init(&room, "remap");
	room_put(&room, "home/one/.git", "");
	room_put(&room, "home/one/sub/.git", "");
	room_put(&room, "home/.cargo/git/x/.git", "");
	ROOT(&room, "home/one", "home/one/target/deps", NULL, "/home/one");
	ROOT(&room, "home/.cargo/registry/x", "home/one/target/deps", "--cap-lints=allow", "/home/one");
	ROOT(&room, "home/.cargo/git/x", "home/one/target/deps", "--cap-lints=allow", "/home/one");
	/* Outputs elsewhere. */
	ROOT(&room, "home/one", "t/deps", NULL, "/home/one");
	ROOT(&room, "home/.cargo/git/x", "t/deps", "--cap-lints=allow", "-");
	ROOT(&room, "home/one/sub", "home/one/target/deps", NULL, "/home/one/sub");
	/* A home that is a checkout too. */
	room_put(&room, "home/.git", "");
	ROOT(&room, "home/one", "home/t/deps", NULL, "/home/one");
	ROOT(&room, "home/.cargo/registry/x", "home/one/target/deps", "--cap-lints=allow", "/home/one");
	room_release(&room);
}

static void texts_bind_where_they_may_name_a_path(void)
{
	static const struct {
		const char *text;
		bool binds;
	} rows[] = {
		{"int x;\n", false}, {"", false}, {"#", false}, {"# ", false}, {"a#line", false}, {"#include \"/etc/x.h\"\n", false},
		{"char *p = \"/w/a\";\n", true}, {"#include \"/w/a/x.h\"", true},
		{"#line 3 \"x.y\"\n", false}, {"#line 3\n", false}, {"# 3 \"x.y\" 2\n", false}, {"#define line 3\n", false},
		{"#lines 3 \"/x\"\n", false}, {"#line 3 \"\"\n", false},
		{"#line 3 \"/x/y\"\n", true}, {"  #  line  3  \"/x/y\"", true}, {"# 3 \"/x/y\" 1 3\n", true}, {"%:line 3 \"/x/y\"\n", true},
		{"#line 3 NAME\n", true}, {"#line NAME\n", true}, {"#line 3 \"\\57x\"\n", true}, {"#line \\\n3 \"/x\"\n", true},
		{"#line 3 \"", true}, {"#line 3 \"x.y\"\n#line 3 \"/x\"\n", true},
	};
	struct unit u = {.root = (char *)(uintptr_t)"/w/a"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (remap_text_binds(&u, rows[i].text, strlen(rows[i].text)) != rows[i].binds) {
			fprintf(stderr, "\n\"%s\": expected %d\n", rows[i].text, rows[i].binds);
			CU_FAIL("a text binds where it may name a path");
		}
}

static struct entry_section section_of(uint32_t kind, const char *text)
{
	return (struct entry_section){.kind = kind, .data = text, .len = strlen(text), .raw_len = strlen(text)};
}

static void release_texts(struct buf texts[static REMAP_TEXTS])
{
	for (size_t i = 0; i < REMAP_TEXTS; i++)
		buf_release(&texts[i]);
}

/* Depfile and object as this checkout made them; what another one gets, or NULL. */
static void expect_shared_at(int line, const char *depfile, const char *object, const char *expected)
{
	struct room room;
	room_init(&room, "remap");
	struct unit here = {.root = room.dir, .inv = {.family = FAMILY_GCC}};
	struct unit there = {.root = (char *)(uintptr_t)"/v", .inv = {.family = FAMILY_GCC}};
	struct buf rule = BUF_INIT, rootless[REMAP_TEXTS] = {BUF_INIT, BUF_INIT}, restored[REMAP_TEXTS] = {BUF_INIT, BUF_INIT};
	buf_addf(&rule, depfile, room.dir);
	struct entry e = {.sections = {section_of(ENTRY_DEPFILE, rule.data), section_of(ENTRY_OBJECT, object)}, .section_count = 2};
	bool shared = remap_share(&here, &e, rootless);
	CU_ASSERT_EQUAL(shared, expected != NULL);
	if (shared) {
		CU_ASSERT_PTR_NULL(memmem(e.sections[0].data, (size_t)e.sections[0].len, room.dir, strlen(room.dir)));
		SAME_NUMBER(remap_restore(&there, &e, restored, NULL), 0);
		same_bytes_at(__FILE__, line, e.sections[0].data, (size_t)e.sections[0].raw_len, expected, strlen(expected));
	} else {
		CU_ASSERT_FALSE(e.sections[0].rootless);
	}
	buf_release(&rule);
	release_texts(rootless);
	release_texts(restored);
	room_release(&room);
}
#define SHARED(depfile, object, expected) expect_shared_at(__LINE__, depfile, object, expected)

static void results_are_shared_without_the_root(void)
{
	SHARED("x.o: x.c%.0s\n", "text", "x.o: x.c\n");
	SHARED("x.o: %1$s/x.c\n", "text", "x.o: /v/x.c\n");
	SHARED("%1$s/x.o: %1$s/x.c\n", "text", "/v/x.o: /v/x.c\n");
	SHARED("x.o: %1$s/a\\ b.c\n", "text", "x.o: /v/a\\ b.c\n");
	/* Not in the middle of a name, not in another layout, not with the placeholder in it. */
	SHARED("x.o: below%1$s/x.c\n", "text", NULL);
	SHARED("x.o:  %1$s/x.c\n", "text", NULL);
	SHARED("x.o: %1$s/x\001.c\n", "text", NULL);
	SHARED("x.o: x.c%.0s\n", "BC\300\336", "x.o: x.c\n");
	/* The working directory of the test is no part of the room, but /tmp is of all of them. */
	struct room room;
	room_init(&room, "remap");
	struct unit here = {.root = room.dir, .inv = {.family = FAMILY_GCC}};
	struct buf object = BUF_INIT, rootless[REMAP_TEXTS] = {BUF_INIT, BUF_INIT};
	buf_addf(&object, "text %s/x.c text", room.dir);
	struct entry e = {.sections = {section_of(ENTRY_OBJECT, object.data)}, .section_count = 1};
	CU_ASSERT_FALSE(remap_share(&here, &e, rootless));
	CU_ASSERT_FALSE(remap_may_serve(&here, &e));
	e.sections[0] = section_of(ENTRY_STDERR, object.data);
	CU_ASSERT_FALSE(remap_share(&here, &e, rootless));
	e.sections[0] = section_of(ENTRY_STDERR, "text");
	CU_ASSERT_TRUE(remap_share(&here, &e, rootless));
	CU_ASSERT_TRUE(remap_may_serve(&here, &e));
	buf_release(&object);
	release_texts(rootless);
	room_release(&room);
}

/* dep-info and messages of rustc, which another checkout gets; expected: of the dep-info, NULL: it may not have them. */
static void expect_rust_shared_at(int line, const char *depinfo, const char *messages, const char *expected, const char *expected_messages)
{
	struct room room;
	room_init(&room, "remap");
	struct rust_unit rust = {.link_report = -1};
	struct unit here = {.root = room.dir, .rust = &rust, .inv = {.family = FAMILY_RUSTC}};
	struct unit there = {.root = (char *)(uintptr_t)"/v", .rust = &rust, .inv = {.family = FAMILY_RUSTC}};
	struct buf list = BUF_INIT, notes = BUF_INIT, rootless[REMAP_TEXTS] = {BUF_INIT, BUF_INIT}, restored[REMAP_TEXTS] = {BUF_INIT, BUF_INIT};
	buf_addf(&list, depinfo, room.dir);
	buf_addf(&notes, messages, room.dir);
	struct entry e = {.sections = {section_of(ENTRY_DEPFILE, list.data), section_of(ENTRY_STDERR, notes.data)}, .section_count = 2};
	bool shared = remap_share(&here, &e, rootless);
	CU_ASSERT_EQUAL(shared, expected != NULL);
	if (shared) {
		SAME_NUMBER(remap_restore(&there, &e, restored, NULL), 0);
		same_bytes_at(__FILE__, line, e.sections[0].data, (size_t)e.sections[0].raw_len, expected, strlen(expected));
		same_bytes_at(__FILE__, line, e.sections[1].data, (size_t)e.sections[1].raw_len, expected_messages, strlen(expected_messages));
	}
	buf_release(&list);
	buf_release(&notes);
	release_texts(rootless);
	release_texts(restored);
	room_release(&room);
}
#define RUST_SHARED(...) expect_rust_shared_at(__LINE__, __VA_ARGS__)

#define ARTIFACT "{\"$message_type\":\"artifact\",\"artifact\":\""

static void texts_of_rustc_are_shared_without_the_root(void)
{
	RUST_SHARED("a.d: a.rs%.0s\n", "plain%.0s", "a.d: a.rs\n", "plain");
	RUST_SHARED("%1$s/a.d: a.rs %1$s/b.rs\n", ARTIFACT "%1$s/a.rlib\"}\n{\"message\"}\n", "/v/a.d: a.rs /v/b.rs\n",
	            ARTIFACT "/v/a.rlib\"}\n{\"message\"}\n");
	RUST_SHARED("a.d: a.rs%.0s\n", ARTIFACT "a.rlib in %s\"}\n", NULL, NULL);
	RUST_SHARED("a.d: a.rs%.0s\n", "{\"message\":\"%s/a.rs\"}\n", NULL, NULL);
	RUST_SHARED("a.d: a.rs\n\n# env-dep:X=%s/x\n", "%.0s", NULL, NULL);
}

/* ---- manifests of several checkouts ------------------------------------------------------ */

static struct digest digest_named(const char *name)
{
	struct digest d;
	digest_of(&d, name, strlen(name));
	return d;
}

/* The manifest m with a candidate of the checkout in front: its header h.h, below the root unless literal. */
static void store_from(struct manifest *m, struct buf *file, const char *root, const char *header, uint32_t shared)
{
	struct key key = {.direct = digest_named("key")};
	const char *rest = strncmp(header, root, strlen(root)) == 0 ? header + strlen(root) : NULL;
	struct state state = {.path = header, .root_len = rest ? strlen(root) : 0, .flags = rest ? INPUT_BELOW_ROOT : 0};
	struct buf dir = BUF_INIT;
	static const char *const names[] = {"shadow.h"};
	buf_addf(&dir, "%s/first", root);
	const struct guard_input guard = {.path = dir.data, .names = names, .name_count = 1, .flags = INPUT_BELOW_ROOT, .root_len = strlen(root)};
	SAME_NUMBER(files_read(AT_FDCWD, header, NULL, &state.tuple, &state.digest, NULL), 0);
	const struct candidate_input in = {
		.result = digest_named("result"), .any_terminal = 1, .root = digest_named(root), .shared = shared, .states = &state,
		.state_count = 1, .guards = &guard, .guard_count = 1,
	};
	SAME_NUMBER(manifest_encode_with(m->candidate_count ? m : NULL, &in, 8, &key, file, NULL), 0);
	buf_release(&dir);
	manifest_release(m);
	buf_add(&m->file, file->data, file->len);
	SAME_NUMBER(manifest_decode(m, &key.direct, NULL), 0);
}

/* Looks from a checkout; the name of the checkout whose candidate fits, or the reason why none does. */
static void expect_match_at(int line, const struct buf *file, const char *root, const char *whose, enum soldr_reason reason)
{
	struct manifest m = MANIFEST_INIT;
	struct file_memo memo = {.dir = AT_FDCWD};
	const struct surroundings at = {.memo = &memo};
	struct digest key = digest_named("key"), id = digest_named(root), any = {0};
	bool stale;
	enum soldr_reason why;
	char detail[200];
	buf_add(&m.file, file->data, file->len);
	SAME_NUMBER(manifest_decode(&m, &key, NULL), 0);
	SAME_NUMBER(manifest_settle(&m, root, &id), 0);
	const struct candidate *c = manifest_match(&m, &any, &at, &stale, &why, detail, sizeof detail);
	same_number_at(__FILE__, line, "reason", why, reason);
	CU_ASSERT_EQUAL(c != NULL, whose != NULL);
	if (c && whose) {
		struct digest expected = digest_named(whose);
		CU_assertImplementation(digest_equal(&c->root, &expected), (unsigned)line, "whose candidate", __FILE__, "", CU_FALSE);
	}
	/* Written again by whoever read it, it is the same file. */
	struct buf again = BUF_INIT;
	SAME_NUMBER(manifest_encode(&m, &key, &again, NULL), 0);
	same_bytes_at(__FILE__, line, again.data, again.len, file->data, file->len);
	buf_release(&again);
	memo_release(&memo);
	manifest_release(&m);
}
#define MATCH(file, root, whose, reason) expect_match_at(__LINE__, file, root, whose, SOLDR_REASON_##reason)

static void a_checkout_finds_its_own_files(void)
{
	struct room room;
	struct manifest m = MANIFEST_INIT;
	struct buf file = BUF_INIT;
	room_init(&room, "remap");
	const char *header = room_put(&room, "one/h.h", "int h;");
	room_put(&room, "other/h.h", "int h;");
	room_put(&room, "third/h.h", "int x;");
	room_settle(&room);
	const char *one = room_path(&room, "one"), *other = room_path(&room, "other"), *third = room_path(&room, "third");
	store_from(&m, &file, one, header, 1);
	MATCH(&file, one, one, NONE);
	MATCH(&file, other, one, NONE);
	MATCH(&file, third, NULL, INPUT_CHANGED);
	/* Its own candidate goes first, and the other's stays. */
	store_from(&m, &file, other, room_path(&room, "other/h.h"), 1);
	SAME_NUMBER(m.candidate_count, 2);
	MATCH(&file, other, other, NONE);
	MATCH(&file, one, one, NONE);
	/* A guarded name that appears in one checkout counts there. */
	room_put(&room, "other/first/shadow.h", "");
	MATCH(&file, other, NULL, INPUT_SHADOWED);
	MATCH(&file, one, one, NONE);
	manifest_release(&m);
	buf_release(&file);
	room_release(&room);
}

static void what_is_bound_stays_in_its_checkout(void)
{
	struct room room;
	struct manifest m = MANIFEST_INIT;
	struct buf file = BUF_INIT;
	room_init(&room, "remap");
	const char *header = room_put(&room, "one/h.h", "int h;");
	const char *literal = room_put(&room, "other/h.h", "int h;");
	room_settle(&room);
	const char *one = room_path(&room, "one"), *other = room_path(&room, "other");
	store_from(&m, &file, one, header, 0);
	MATCH(&file, one, one, NONE);
	MATCH(&file, other, NULL, CHECKOUT_DIFFERS);
	manifest_release(&m);
	/* A file of the other checkout by its whole name: there it would have been mapped. */
	store_from(&m, &file, one, literal, 1);
	MATCH(&file, one, one, NONE);
	MATCH(&file, other, NULL, CHECKOUT_DIFFERS);
	MATCH(&file, room_path(&room, "none"), one, NONE);
	manifest_release(&m);
	buf_release(&file);
	room_release(&room);
}

void suite_remap(void)
{
	CU_pSuite s = CU_add_suite("remap", NULL, NULL);
	CU_add_test(s, "c13: the root is mapped before the user's maps", the_root_is_mapped_before_the_users_maps);
	CU_add_test(s, "what is not sure stays as it is", what_is_not_sure_stays_as_it_is);
	CU_add_test(s, "r13: rustc gets the map before the user's", rustc_gets_the_map_before_the_users);
	CU_add_test(s, "rustc works for the checkout of its outputs", rustc_works_for_the_checkout_of_its_outputs);
	CU_add_test(s, "r10 r11: texts of rustc are shared without the root", texts_of_rustc_are_shared_without_the_root);
	CU_add_test(s, "texts bind where they may name a path", texts_bind_where_they_may_name_a_path);
	CU_add_test(s, "c34: results are shared without the root", results_are_shared_without_the_root);
	CU_add_test(s, "c34: a checkout finds its own files", a_checkout_finds_its_own_files);
	CU_add_test(s, "c34: what is bound stays in its checkout", what_is_bound_stays_in_its_checkout);
}
