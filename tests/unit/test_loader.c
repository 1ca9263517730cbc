/*
 * The loader against fixture plugins (tests/abi/fixtures), one for each clause
 * of the contract. SOLDR_TEST_FIXTURES names the directory of the built
 * fixtures; each is copied into a private directory first, so that owners and
 * modes of the build tree do not matter and may be changed.
 */
#include "fs.h"
#include "loader.h"
#include "path.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <ltdl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void suite_loader(void);

/* ---- a private directory per test ----------------------------------------------- */

struct room {
	char dir[256];
};

static void room_init(struct room *room)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(room->dir, sizeof room->dir, "%s/soldr-loader.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(room->dir))
		CU_FAIL_FATAL("cannot make a directory for the test");
}

static void room_release(struct room *room)
{
	fs_remove_tree(room->dir, NULL, NULL, NULL);
}

/* The path of name in the room; the caller frees it. */
static char *room_path(const struct room *room, const char *name)
{
	char *path = path_join(room->dir, name);
	if (!path)
		CU_FAIL_FATAL("out of memory");
	return path;
}

/* The test's own files cannot be used: nothing that follows would mean anything. */
static void give_up(const soldr_error *err)
{
	fprintf(stderr, "\n%s\n", err->message);
	CU_FAIL_FATAL("the test cannot prepare its files");
}

static void write_file(const char *path, const void *data, size_t len)
{
	soldr_error err = SOLDR_ERROR_INIT;
	if (fs_write_file(path, data, len, 0755, &err))
		give_up(&err);
	chmod(path, 0755);
}

static void read_fixture(const char *name, struct buf *out)
{
	const char *dir = getenv("SOLDR_TEST_FIXTURES");
	struct buf path = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	buf_addf(&path, "%s/%s.so", dir ? dir : "SOLDR_TEST_FIXTURES is not set", name);
	if (fs_read_file(buf_str(&path), 64 << 20, out, &err))
		give_up(&err);
	buf_release(&path);
}

/* A private copy of a fixture; the caller frees the path. */
static char *copy_fixture(const struct room *room, const char *name)
{
	struct buf data = BUF_INIT, file = BUF_INIT;
	read_fixture(name, &data);
	buf_addf(&file, "%s.so", name);
	char *path = room_path(room, buf_str(&file));
	write_file(path, data.data, data.len);
	buf_release(&data);
	buf_release(&file);
	return path;
}

/* ---- expectations ----------------------------------------------------------------- */

static void expect_refused(const char *path, int code, const char *says)
{
	struct plugin plugin, untouched;
	memset(&plugin, 0x5a, sizeof plugin);
	untouched = plugin;
	soldr_error err = SOLDR_ERROR_INIT;
	int rc = plugin_load(path, &plugin, &err);
	if (rc != code || err.code != code || !strstr(err.message, says)) {
		fprintf(stderr, "\n%s: expected error %d saying \"%s\"\n  got %d saying \"%s\"\n", path, code, says, rc, err.message);
		CU_FAIL("not refused as expected");
		return;
	}
	/* The sentence names the file, and the outputs are as they were. */
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, path_base(path)));
	CU_ASSERT_STRING_EQUAL(err.origin, rc == SOLDR_E_TRUST ? "fs" : "loader");
	CU_ASSERT(memcmp(&plugin, &untouched, sizeof plugin) == 0);
}

static bool expect_loads(const char *path, struct plugin *plugin)
{
	soldr_error err = SOLDR_ERROR_INIT;
	*plugin = (struct plugin){0};
	if (plugin_load(path, plugin, &err) == 0)
		return true;
	fprintf(stderr, "\n%s: expected to load, got \"%s\"\n", path, err.message);
	CU_FAIL("a good plugin was refused");
	return false;
}

/* ---- good plugins -------------------------------------------------------------------- */

static void a_minimal_plugin_loads_and_works(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "good_minimal");
	struct plugin plugin;
	if (expect_loads(path, &plugin)) {
		soldr_error err = SOLDR_ERROR_INIT;
		soldr_instance *instance = NULL;
		char *resolved = realpath(path, NULL);
		CU_ASSERT_STRING_EQUAL(plugin.path, resolved);
		CU_ASSERT_STRING_EQUAL(plugin.backend.name, "fixture");
		CU_ASSERT_EQUAL(plugin.backend.caps, 0);
		CU_ASSERT_EQUAL(plugin.options_stride, 0);
		CU_ASSERT_PTR_NULL(plugin.backend.options);
		CU_ASSERT_EQUAL(plugin.backend.open(NULL, NULL, 0, &instance, &err), 0);
		plugin.backend.close(instance);
		free(resolved);
		plugin_unload(&plugin);
		CU_ASSERT_PTR_NULL(plugin.path);
		plugin_unload(&plugin); /* of a zeroed struct */
	}
	free(path);
	room_release(&room);
}

static void a_plugin_loads_again_after_it_was_unloaded(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "good_minimal");
	for (int i = 0; i < 3; i++) {
		struct plugin first, second;
		if (expect_loads(path, &first) && expect_loads(path, &second)) {
			plugin_unload(&first);
			CU_ASSERT_STRING_EQUAL(second.backend.version, "1.0");
			plugin_unload(&second);
		}
	}
	free(path);
	room_release(&room);
}

static void a_newer_minor_loads_without_what_is_not_known(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "good_newer_minor");
	struct plugin plugin;
	if (expect_loads(path, &plugin)) {
		CU_ASSERT_EQUAL(plugin.backend.struct_size, sizeof(soldr_backend));
		CU_ASSERT_EQUAL(plugin.backend.abi, SOLDR_ABI + 7);
		CU_ASSERT_EQUAL(plugin.backend.caps, SOLDR_CAP_CONCURRENT);
		plugin_unload(&plugin);
	}
	free(path);
	room_release(&room);
}

static void a_1_0_table_loads_and_nothing_after_it_is_read(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "good_size_1_0");
	struct plugin plugin;
	if (expect_loads(path, &plugin)) {
		CU_ASSERT_PTR_NULL(plugin.backend.stats);
		CU_ASSERT_PTR_NULL(plugin.backend.explain);
		CU_ASSERT_PTR_NOT_NULL(plugin.backend.close);
		plugin_unload(&plugin);
	}
	free(path);
	room_release(&room);
}

static void options_of_every_type_are_accepted(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "good_options");
	struct plugin plugin;
	if (expect_loads(path, &plugin)) {
		CU_ASSERT_EQUAL(plugin.options_stride, sizeof(soldr_option_spec));
		CU_ASSERT_STRING_EQUAL(plugin.backend.options[8].name, "nested.map");
		plugin_unload(&plugin);
	}
	free(path);
	room_release(&room);
}

/* ---- one fixture per clause ------------------------------------------------------------ */

#define LP64 (sizeof(void *) == 8)

static void a_plugin_that_breaks_the_abi_is_refused_with_the_clause(void)
{
	static const struct {
		const char *fixture;
		int code;
		const char *says;
	} cases[] = {
		{"wrong_major", SOLDR_E_ABI, "ABI 2.0, and this soldr has 1."},
		{"size_too_small", SOLDR_E_ABI, LP64 ? "struct_size 63" : "struct_size 39"},
		{"size_absurd", SOLDR_E_ABI, "struct_size 3735928559"},
		{"table_null", SOLDR_E_ABI, "gave no table"},
		{"table_misaligned", SOLDR_E_ABI, "not aligned"},
		{"entry_refuses", SOLDR_E_UNSUPPORTED, "refuses this soldr: this machine has no flux capacitor"},
		{"no_open", SOLDR_E_ABI, "open() is NULL"},
		{"no_compile", SOLDR_E_ABI, "compile() is NULL"},
		{"no_close", SOLDR_E_ABI, "close() is NULL"},
		{"cap_without_function", SOLDR_E_ABI, "promise maintain(), which is NULL"},
		{"cap_beyond_size", SOLDR_E_ABI, LP64 ? "promise stats(), which lies outside its struct_size of 64" : "lies outside its struct_size of 40"},
		{"bad_name", SOLDR_E_ABI, "its name is not"},
		{"bad_version", SOLDR_E_ABI, "its version is not"},
		{"no_symbol", SOLDR_E_ABI, "does not export soldr_backend_v1()"},
		{"undefined_symbol", SOLDR_E_ABI, "function_of_a_library_that_is_not_there"},
		{"options_bad_default", SOLDR_E_ABI, "\"way\" has the default \"d\", which is not one of its choices"},
		{"options_duplicate", SOLDR_E_ABI, "\"text\" and \"text\" take the same place"},
		{"options_bad_stride", SOLDR_E_ABI, "number 2 has 24"},
	};
	struct room room;
	room_init(&room);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *path = copy_fixture(&room, cases[i].fixture);
		expect_refused(path, cases[i].code, cases[i].says);
		free(path);
	}
	room_release(&room);
}

static int no_open(const char *path, int flags, mode_t mode)
{
	(void)path, (void)flags, (void)mode;
	errno = EMFILE;
	return -1;
}

static int no_fstat(int fd, struct stat *st)
{
	(void)fd, (void)st;
	errno = EIO;
	return -1;
}

static void a_file_that_cannot_be_looked_at_is_refused(void)
{
	struct room room;
	room_init(&room);
	char *good = copy_fixture(&room, "good_minimal");
	struct sys_calls real = sys;
	sys.open = no_open;
	expect_refused(good, SOLDR_E_IO, "cannot be opened: Too many open files [E306]");
	sys = real;
	sys.fstat = no_fstat;
	expect_refused(good, SOLDR_E_IO, "cannot stat it: Input/output error [E307]");
	sys = real;
	free(good);
	room_release(&room);
}

/* ---- files that are no plugins ---------------------------------------------------------------- */

static void files_that_are_no_shared_objects_are_refused(void)
{
	static const char text[] = "#!/bin/sh\necho this is a script, and longer than the header of a shared object is\n";
	static const char archive[] = "# a libtool library file\ndlname='good_minimal.so'\ninstalled=no\n";
	struct room room;
	room_init(&room);
	char *good = copy_fixture(&room, "good_minimal");
	char *path = room_path(&room, "text.so");
	write_file(path, text, sizeof text - 1);
	expect_refused(path, SOLDR_E_ABI, "is not a shared object");
	write_file(path, "", 0);
	expect_refused(path, SOLDR_E_ABI, "is not a shared object");
	free(path);
	path = room_path(&room, "directory.so");
	mkdir(path, 0755);
	expect_refused(path, SOLDR_E_ABI, "is a directory");
	free(path);
	path = room_path(&room, "fifo.so");
	mkfifo(path, 0644);
	expect_refused(path, SOLDR_E_ABI, "is not a regular file");
	free(path);
	/* libltdl would load what the archive names, which nobody checked. */
	path = room_path(&room, "other.la");
	write_file(path, archive, sizeof archive - 1);
	expect_refused(path, SOLDR_E_ABI, "is a libtool archive");
	free(path);
	path = room_path(&room, "missing.so");
	expect_refused(path, SOLDR_E_NOT_FOUND, "cannot be found");
	free(path);
	free(good);
	room_release(&room);
}

/* The run-time linker itself dies of a file whose segments are cut off. */
static void a_truncated_plugin_never_crashes(void)
{
	struct room room;
	room_init(&room);
	struct buf data = BUF_INIT;
	read_fixture("good_minimal", &data);
	size_t refused = 0, step = data.len / 40 + 1;
	for (size_t len = 1; len < data.len; len += step) {
		char name[32];
		snprintf(name, sizeof name, "cut%zu.so", len);
		char *path = room_path(&room, name);
		write_file(path, data.data, len);
		struct plugin plugin = {0};
		soldr_error err = SOLDR_ERROR_INIT;
		if (plugin_load(path, &plugin, &err) == 0)
			plugin_unload(&plugin); /* only debug information or section names were cut off */
		else
			refused += err.code == SOLDR_E_ABI;
		if (len == 1 + step)
			expect_refused(path, SOLDR_E_ABI, "is truncated");
		free(path);
	}
	CU_ASSERT(refused >= 3);
	char *path = room_path(&room, "headers.so");
	write_file(path, data.data, 100); /* in the middle of the program headers */
	expect_refused(path, SOLDR_E_ABI, "is truncated");
	free(path);
	buf_release(&data);
	room_release(&room);
}

static void a_plugin_for_another_machine_is_refused(void)
{
	struct room room;
	room_init(&room);
	struct buf data = BUF_INIT;
	read_fixture("good_minimal", &data);
	char *path = room_path(&room, "other.so");
	data.data[4] ^= 3; /* EI_CLASS: 32 for 64 bits and the reverse */
	write_file(path, data.data, data.len);
	expect_refused(path, SOLDR_E_ABI, "for this machine");
	data.data[4] ^= 3;
	data.data[18] ^= 0x55; /* e_machine */
	write_file(path, data.data, data.len);
	expect_refused(path, SOLDR_E_ABI, "for this machine");
	data.data[18] ^= 0x55;
	data.data[5] ^= 3; /* EI_DATA: the other byte order */
	write_file(path, data.data, data.len);
	expect_refused(path, SOLDR_E_ABI, "for this machine");
	free(path);
	buf_release(&data);
	room_release(&room);
}

/* ---- trust -------------------------------------------------------------------------------------- */

static void nothing_of_an_untrusted_file_runs(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "runs_at_load"), *mark = room_path(&room, "mark");
	setenv("SOLDR_TEST_MARKER", mark, 1);
	chmod(path, 0666);
	expect_refused(path, SOLDR_E_TRUST, "can be written by other users (mode 0666)");
	CU_ASSERT(access(mark, F_OK) != 0);
	chmod(path, 0755);
	/* The control: loaded from a trusted place, the same file leaves its mark. */
	struct plugin plugin;
	if (expect_loads(path, &plugin))
		plugin_unload(&plugin);
	CU_ASSERT(access(mark, F_OK) == 0);
	unsetenv("SOLDR_TEST_MARKER");
	free(path);
	free(mark);
	room_release(&room);
}

static void a_plugin_below_a_writable_directory_is_refused(void)
{
	struct room room, inner;
	room_init(&room);
	snprintf(inner.dir, sizeof inner.dir, "%.200s/open/safe", room.dir);
	char *open_dir = room_path(&room, "open"), *link = room_path(&room, "link.so");
	mkdir(open_dir, 0700);
	mkdir(inner.dir, 0700);
	char *path = copy_fixture(&inner, "good_minimal");
	chmod(open_dir, 0777);
	expect_refused(path, SOLDR_E_TRUST, "/open can be written by other users");
	/* A link from a safe place changes nothing: what it leads to is what would be loaded. */
	CU_ASSERT_EQUAL(symlink(path, link), 0);
	soldr_error err = SOLDR_ERROR_INIT;
	struct plugin plugin = {0};
	CU_ASSERT_EQUAL(plugin_load(link, &plugin, &err), SOLDR_E_TRUST);
	chmod(open_dir, 0755);
	if (expect_loads(link, &plugin)) {
		char *resolved = realpath(path, NULL);
		CU_ASSERT_STRING_EQUAL(plugin.path, resolved);
		free(resolved);
		plugin_unload(&plugin);
	}
	free(path);
	free(open_dir);
	free(link);
	room_release(&room);
}

static void a_plugin_of_another_user_is_refused(void)
{
	struct room room;
	room_init(&room);
	char *path = copy_fixture(&room, "good_minimal");
	/* Only root can give a file away; for everybody else there is nothing to test. */
	if (geteuid() == 0 && chown(path, 54321, 54321) == 0)
		expect_refused(path, SOLDR_E_TRUST, "is owned by user 54321");
	free(path);
	room_release(&room);
}

/* ---- finding ---------------------------------------------------------------------------------------- */

static void the_first_directory_that_has_the_name_wins(void)
{
	struct room room;
	room_init(&room);
	char *one = room_path(&room, "one"), *two = room_path(&room, "two"), *in_two = room_path(&room, "two/acme.so"),
	     *in_one = room_path(&room, "one/acme.so");
	const char *search[] = {one, two, NULL};
	char *found = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	mkdir(one, 0700);
	mkdir(two, 0700);
	write_file(in_two, "", 0);
	CU_ASSERT_EQUAL(plugin_find("acme", search, &found, &err), 0);
	CU_ASSERT_STRING_EQUAL(found, in_two);
	free(found);
	write_file(in_one, "", 0);
	CU_ASSERT_EQUAL(plugin_find("acme", search, &found, &err), 0);
	CU_ASSERT_STRING_EQUAL(found, in_one);
	free(found);
	CU_ASSERT_EQUAL(plugin_find(in_two, search, &found, &err), 0);
	CU_ASSERT_STRING_EQUAL(found, in_two);
	free(found);
	free(one);
	free(two);
	free(in_one);
	free(in_two);
	room_release(&room);
}

static void a_missing_plugin_lists_where_it_was_looked_for(void)
{
	static const char *const search[] = {"/nonexistent/first", "/nonexistent/second", NULL};
	char untouched, *found = &untouched;
	soldr_error err = SOLDR_ERROR_INIT;
	CU_ASSERT_EQUAL(plugin_find("acme", search, &found, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT_PTR_EQUAL(found, &untouched);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "acme.so in /nonexistent/first, /nonexistent/second, "));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "SOLDR_PLUGIN_PATH"));
	CU_ASSERT_EQUAL(plugin_find("/nonexistent/acme.so", search, &found, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "no plugin file /nonexistent/acme.so"));
}

static void a_long_list_of_places_does_not_cut_off_the_mend(void)
{
	struct vec dirs = VEC_INIT;
	for (int i = 0; i < 50; i++)
		vec_addf(&dirs, "/nonexistent/directory-%d", i);
	char *found = NULL;
	soldr_error err = SOLDR_ERROR_INIT;
	CU_ASSERT_EQUAL(plugin_find("acme", vec_items(&dirs), &found, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, " more; "));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "give the plugin's absolute path"));
	vec_release(&dirs);
}

static void names_that_are_neither_plain_nor_absolute_are_refused(void)
{
	static const char *const names[] = {
		"", "./acme.so", "dir/acme", "..", "a-name-of-more-than-sixty-four-bytes-is-a-mistake-of-somebody-sure",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *found = NULL;
		soldr_error err = SOLDR_ERROR_INIT;
		CU_ASSERT_EQUAL(plugin_find(names[i], NULL, &found, &err), SOLDR_E_CONFIG);
		CU_ASSERT_PTR_NULL(found);
	}
}

static void the_search_list_ends_beside_the_executable_and_has_no_repeats(void)
{
	static const char *const search[] = {"/a", "/b", "/a", "", NULL};
	struct vec dirs = VEC_INIT;
	plugin_search_list(search, &dirs);
	char *self = path_self(), *bin = path_dir(self), *prefix = path_dir(bin), *own = path_join(prefix, "lib/soldr");
	CU_ASSERT_FATAL(vec_ok(&dirs) && dirs.len >= 3);
	CU_ASSERT_STRING_EQUAL(dirs.items[0], "/a");
	CU_ASSERT_STRING_EQUAL(dirs.items[1], "/b");
	CU_ASSERT_STRING_EQUAL(dirs.items[2], own);
	free(self);
	free(bin);
	free(prefix);
	free(own);
	vec_release(&dirs);
}

/* ---- plugins that the program holds ------------------------------------------------------------------- */

static const soldr_backend *held_entry(uint32_t abi, soldr_error *err)
{
	(void)abi;
	err->code = SOLDR_E_UNSUPPORTED;
	snprintf(err->message, sizeof err->message, "this is the held one");
	return NULL;
}

__extension__ static const lt_dlsymlist held_plugins[] = {
	{"test", NULL},
	{"held.a", NULL},
	{"held_LTX_soldr_backend_v1", (void *)held_entry},
	{NULL, NULL},
};

static void a_plugin_that_the_program_holds_is_found_by_name(void)
{
	struct room room;
	room_init(&room);
	char *file = room_path(&room, "held.so"), *found = NULL;
	const char *search[] = {room.dir, NULL};
	soldr_error err = SOLDR_ERROR_INIT;
	CU_ASSERT_EQUAL_FATAL(lt_dlinit(), 0);
	CU_ASSERT_EQUAL(plugin_find("held", search, &found, &err), SOLDR_E_NOT_FOUND);
	CU_ASSERT_EQUAL(lt_dlpreload(held_plugins), 0);
	CU_ASSERT_EQUAL_FATAL(plugin_find("held", search, &found, &err), 0);
	CU_ASSERT_STRING_EQUAL(found, "held");
	expect_refused(found, SOLDR_E_UNSUPPORTED, "refuses this soldr: this is the held one");
	free(found);
	/* A file that the user names goes first. */
	write_file(file, "", 0);
	CU_ASSERT_EQUAL_FATAL(plugin_find("held", search, &found, &err), 0);
	CU_ASSERT_STRING_EQUAL(found, file);
	free(found);
	free(file);
	room_release(&room);
}

static void a_plain_name_never_leads_to_a_file(void)
{
	struct room room;
	room_init(&room);
	char *file = copy_fixture(&room, "runs_at_load"), *bare = room_path(&room, "runs_at_load"), *mark = room_path(&room, "mark");
	char before[256];
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof before));
	CU_ASSERT_EQUAL(link(file, bare), 0);
	CU_ASSERT_EQUAL(chdir(room.dir), 0);
	setenv("SOLDR_TEST_MARKER", mark, 1);
	setenv("LTDL_LIBRARY_PATH", room.dir, 1);
	expect_refused("runs_at_load", SOLDR_E_ABI, "cannot be loaded");
	expect_refused("runs_at_load.so", SOLDR_E_ABI, "cannot be loaded");
	CU_ASSERT(access(mark, F_OK) != 0);
	unsetenv("LTDL_LIBRARY_PATH");
	unsetenv("SOLDR_TEST_MARKER");
	CU_ASSERT_EQUAL(chdir(before), 0);
	free(file);
	free(bare);
	free(mark);
	room_release(&room);
}

void suite_loader(void)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
		{"a minimal plugin loads and works", a_minimal_plugin_loads_and_works},
		{"a plugin loads again after it was unloaded", a_plugin_loads_again_after_it_was_unloaded},
		{"a newer minor loads without what is not known", a_newer_minor_loads_without_what_is_not_known},
		{"a 1.0 table loads and nothing after it is read", a_1_0_table_loads_and_nothing_after_it_is_read},
		{"options of every type are accepted", options_of_every_type_are_accepted},
		{"s08: a plugin that breaks the ABI is refused with the clause", a_plugin_that_breaks_the_abi_is_refused_with_the_clause},
		{"s08: a file that cannot be looked at is refused", a_file_that_cannot_be_looked_at_is_refused},
		{"s08: files that are no shared objects are refused", files_that_are_no_shared_objects_are_refused},
		{"s08: a truncated plugin never crashes", a_truncated_plugin_never_crashes},
		{"s08: a plugin for another machine is refused", a_plugin_for_another_machine_is_refused},
		{"s08: nothing of an untrusted file runs", nothing_of_an_untrusted_file_runs},
		{"s08: a plugin below a writable directory is refused", a_plugin_below_a_writable_directory_is_refused},
		{"s08: a plugin of another user is refused", a_plugin_of_another_user_is_refused},
		{"the first directory that has the name wins", the_first_directory_that_has_the_name_wins},
		{"a missing plugin lists where it was looked for", a_missing_plugin_lists_where_it_was_looked_for},
		{"a long list of places does not cut off the mend", a_long_list_of_places_does_not_cut_off_the_mend},
		{"names that are neither plain nor absolute are refused", names_that_are_neither_plain_nor_absolute_are_refused},
		{"a plugin that the program holds is found by name", a_plugin_that_the_program_holds_is_found_by_name},
		{"s08: a plain name never leads to a file", a_plain_name_never_leads_to_a_file},
		{"the search list ends beside the executable and has no repeats",
		 the_search_list_ends_beside_the_executable_and_has_no_repeats},
	};
	CU_pSuite suite = CU_add_suite("loader", NULL, NULL);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		CU_add_test(suite, tests[i].name, tests[i].test);
}
