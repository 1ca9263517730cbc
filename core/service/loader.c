/*
 * loader: see loader.h.
 *
 * A plugin becomes a table of functions in four steps, and code of the file
 * runs only in the last two:
 *   1. The path is resolved once; from then on only the resolved path is used,
 *      so that the file that was checked is the file that is loaded. Owner and
 *      mode of it and of all directories above it are checked: who passes that
 *      check could change our own files as well.
 *   2. Its ELF headers are read. The run-time linker maps a truncated file as
 *      it is and dies of SIGBUS in it; and a text file, a directory or a FIFO
 *      deserves a better sentence than libltdl's "file not found".
 *   3. libltdl loads it: by absolute path, so that no search path of libltdl
 *      counts; local, so that two plugins may define the same names; resident,
 *      because a plugin may have left thread-local data or exit handlers.
 *   4. soldr_backend_v1() gives the table, and plugin_check reads it.
 *
 * A program may hold plugins itself (it tells libltdl by lt_dlpreload_default()).
 * Of these there is no file to check: only steps 3, by name, and 4 are left.
 *
 * libltdl keeps its state in the process and has no lock; so, like
 * soldr_service_start(), these functions must not run in two threads at once.
 * lt_dlinit() has no lt_dlexit() here: modules are resident, and a libltdl that
 * starts over forgets them without releasing them.
 */
#include "loader.h"

#include "fs.h"
#include "path.h"
#include "plugin_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <ltdl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "loader";

#define PLUGIN_SYMBOL "soldr_backend_v1"

enum {
	PLACES_TEXT_MAX = 240,     /* bytes of a message that name the places looked at */
	PROGRAM_HEADERS_MAX = 128, /* of a shared object; real ones have about ten */
	PLUGIN_NAME_MAX = 64       /* bytes of a plain name */
};

/* ---- finding -------------------------------------------------------------------- */

/* Adds suffix below the directory that is up levels above file. */
static void add_beside(struct vec *list, const char *file, int up, const char *suffix)
{
	char *dir = file ? strdup(file) : NULL;
	for (int i = 0; dir && i < up; i++) {
		char *parent = path_dir(dir);
		free(dir);
		dir = parent;
	}
	char *full = dir ? path_join(dir, suffix) : NULL;
	if (full)
		vec_add_once(list, full);
	free(full);
	free(dir);
}

static void add_given(struct vec *list, const char *const *search)
{
	for (; search && *search; search++)
		if (**search)
			vec_add_once(list, *search);
}

/* In which object of this process an address lies; library: NULL for the program, which is the first. */
struct object_search {
	uintptr_t address;
	bool past_program;
	const char *library;
};

static int search_object(struct dl_phdr_info *object, size_t size, void *arg)
{
	struct object_search *s = arg;
	(void)size;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		if (part->p_type == PT_LOAD && s->address - (object->dlpi_addr + part->p_vaddr) < part->p_memsz) {
			s->library = s->past_program ? object->dlpi_name : NULL;
			return 1;
		}
	}
	s->past_program = true;
	return 0;
}

static void add_own(struct vec *out)
{
	char *self = path_self();
	add_beside(out, self, 2, "lib/soldr"); /* PREFIX/bin/soldr: PREFIX/lib/soldr */

	/* In a program that links libsoldr.so, the plugins are installed beside that library. */
	struct object_search search = {.address = (uintptr_t)origin};
	dl_iterate_phdr(search_object, &search);
	char *library = search.library ? sys.realpath(search.library, NULL) : NULL;
	if (library)
		add_beside(out, library, 1, "soldr");
	free(library);
	free(self);
}

void plugin_search_list(const char *const *search, struct vec *out)
{
	add_given(out, search);
	add_own(out);
}

/* Whether this program holds the plugin itself. */
static bool is_preopened(const char *name)
{
	const lt_dlvtable *loader = lt_dlinit() == 0 ? lt_dlloader_find("lt_preopen") : NULL;
	char archive[PLUGIN_NAME_MAX + sizeof ".a"]; /* as libltdl names it */
	int n = snprintf(archive, sizeof archive, "%s.a", name);
	return loader && n > 0 && (size_t)n < sizeof archive && loader->module_open(loader->dlloader_data, archive, NULL);
}

static bool exists(const char *path)
{
	struct stat st;
	/* What is there but cannot be looked at is found: loading it then says why. */
	return sys.stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static int find_absolute(const char *name, char **path, soldr_error *err)
{
	if (!exists(name))
		return err_set(err, SOLDR_E_NOT_FOUND, 0, origin, E301_NO_PLUGIN_FILE, name);
	char *found = strdup(name);
	if (!found)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	*path = found;
	return 0;
}

static int not_found(const char *name, const struct vec *dirs, soldr_error *err)
{
	struct buf places = BUF_INIT;
	size_t shown = 0;
	while (shown < dirs->len && (!shown || places.len + strlen(dirs->items[shown]) < PLACES_TEXT_MAX)) {
		buf_addf(&places, "%s%s", shown ? ", " : "", dirs->items[shown]);
		shown++;
	}
	if (shown < dirs->len)
		buf_addf(&places, " and %zu more", dirs->len - shown);
	int rc = err_set(err, SOLDR_E_NOT_FOUND, 0, origin, E302_NO_PLUGIN,
	                 name, name, buf_str(&places));
	buf_release(&places);
	return rc;
}

/* The first NAME.so in dirs from number at on; *found stays NULL where there is none. false: out of memory. */
static bool look_in(const struct vec *dirs, size_t at, const char *name, char **found)
{
	bool memory = vec_ok(dirs);
	for (size_t i = at; memory && !*found && i < dirs->len; i++) {
		struct buf b = BUF_INIT;
		buf_addf(&b, "%s/%s.so", dirs->items[i], name);
		*found = buf_detach(&b);
		memory = *found;
		if (*found && !exists(*found)) {
			free(*found);
			*found = NULL;
		}
	}
	return memory;
}

int plugin_find(const char *name, const char *const *search, char **path, soldr_error *err)
{
	if (*name == '/')
		return find_absolute(name, path, err);
	if (!*name || strchr(name, '/') || *name == '.' || strlen(name) > PLUGIN_NAME_MAX)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E303_PLUGIN_NAME, name);
	struct vec dirs = VEC_INIT;
	char *found = NULL;
	add_given(&dirs, search);
	bool memory = look_in(&dirs, 0, name, &found);
	if (memory && !found && is_preopened(name)) {
		found = strdup(name);
		memory = found;
	}
	if (memory && !found) {
		size_t given = dirs.len;
		add_own(&dirs);
		memory = look_in(&dirs, given, name, &found);
	}
	int rc = 0;
	if (found)
		*path = found;
	else if (memory)
		rc = not_found(name, &dirs, err);
	else
		rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	vec_release(&dirs);
	return rc;
}

/* ---- looking at the file before it is loaded --------------------------------------- */

static bool read_at(int fd, void *to, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && sys.pread(fd, to, len, (off_t)offset) == (ssize_t)len;
}

/* Of the program or library that holds this code: the linker names its first byte so. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* musl's loader does not look. */
static bool is_for_this_machine(const ElfW(Ehdr) *head)
{
	const ElfW(Ehdr) *own = &__ehdr_start;
	return head->e_ident[EI_CLASS] == own->e_ident[EI_CLASS] && head->e_ident[EI_DATA] == own->e_ident[EI_DATA] &&
	       head->e_machine == own->e_machine;
}

/* What is wrong with the shared object in fd, or NULL. */
static const char *elf_fault(int fd, uint64_t size)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) table[PROGRAM_HEADERS_MAX];
	if (!read_at(fd, &head, sizeof head, 0))
		return E310_PLUGIN_FOREIGN;
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || !is_for_this_machine(&head) || head.e_type != ET_DYN ||
	    head.e_phentsize != sizeof *table)
		return E310_PLUGIN_FOREIGN;
	if (head.e_phnum == 0 || head.e_phnum > PROGRAM_HEADERS_MAX)
		return E310_PLUGIN_FOREIGN;
	if (!read_at(fd, table, head.e_phnum * sizeof *table, head.e_phoff))
		return E311_PLUGIN_CUT;
	for (size_t i = 0; i < head.e_phnum; i++)
		if (table[i].p_type == PT_LOAD && (table[i].p_offset > size || table[i].p_filesz > size - table[i].p_offset))
			return E311_PLUGIN_CUT;
	return NULL;
}

static int check_shared_object(const char *path, soldr_error *err)
{
	/* libltdl would take this for a libtool archive and load the file that is named in it. */
	if (strcmp(path_ext(path), ".la") == 0)
		return err_set(err, SOLDR_E_ABI, 0, origin, E305_LIBTOOL_ARCHIVE);
	/* O_NONBLOCK: a FIFO must not make us wait for a writer. */
	int fd = sys.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, SOLDR_E_IO, errno, origin, E306_PLUGIN_NOT_OPENED);
	struct stat st;
	const char *fault = NULL;
	int rc = 0;
	if (sys.fstat(fd, &st) != 0)
		rc = err_set(err, SOLDR_E_IO, errno, origin, E307_PLUGIN_NOT_LOOKED_AT);
	else if (S_ISDIR(st.st_mode))
		fault = E308_PLUGIN_DIRECTORY;
	else if (!S_ISREG(st.st_mode))
		fault = E309_PLUGIN_NOT_REGULAR;
	else
		fault = elf_fault(fd, (uint64_t)st.st_size);
	if (!rc && fault)
		rc = err_set(err, SOLDR_E_ABI, 0, origin, "%s", fault);
	sys.close(fd);
	return rc;
}

/* ---- loading -------------------------------------------------------------------- */

static const char *ltdl_message(void)
{
	const char *text = lt_dlerror();
	return text ? text : "no reason given";
}

/*
 * Why path does not load. libltdl asks its loaders in turn and reports what the
 * last one said, which is "file not found" whatever the first one found; so the
 * loader of shared objects is asked again, alone.
 */
static void explain_failure(const char *path, lt_dladvise advice, soldr_error *err)
{
	const char *why = ltdl_message();
	const lt_dlvtable *loader = lt_dlloader_find("lt_dlopen");
	if (loader) {
		lt_module module = loader->module_open(loader->dlloader_data, path, advice);
		if (module)
			loader->module_close(loader->dlloader_data, module);
		else
			why = ltdl_message();
	}
	err_set(err, SOLDR_E_ABI, 0, origin, E312_PLUGIN_NOT_LOADED, why);
}

static int open_module(const char *path, lt_dlhandle *handle, soldr_error *err)
{
	if (lt_dlinit() != 0)
		return err_set(err, SOLDR_E_INTERNAL, 0, origin, E313_LTDL_FAILED, ltdl_message());
	lt_dladvise advice;
	if (lt_dladvise_init(&advice) != 0)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E313_LTDL_FAILED, ltdl_message());
	/* No lt_dladvise_ext(): only this very file, never one with a suffix added to its name. */
	int rc = 0;
	/* A plain name is of a plugin that this program holds; never may libltdl look for a file of that name. */
	bool held = *path != '/';
	if (lt_dladvise_local(&advice) != 0 || lt_dladvise_resident(&advice) != 0 ||
	    (held && lt_dladvise_preload(&advice) != 0)) {
		rc = err_set(err, SOLDR_E_INTERNAL, 0, origin, E313_LTDL_FAILED, ltdl_message());
	} else {
		lt_dlhandle opened = lt_dlopenadvise(path, advice);
		if (opened) {
			*handle = opened;
		} else {
			explain_failure(path, advice, err);
			rc = SOLDR_E_ABI;
		}
	}
	lt_dladvise_destroy(&advice);
	return rc;
}

static int ask_for_table(lt_dlhandle handle, plugin_entry_fn *out, const soldr_backend **table, const char **clause, soldr_error *err)
{
	*clause = "load-4";
	void *symbol = lt_dlsym(handle, PLUGIN_SYMBOL);
	if (!symbol)
		return err_set(err, SOLDR_E_ABI, 0, origin, E314_NO_ENTRY);
	plugin_entry_fn entry;
	memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from an object's address to a function's */
	soldr_error said = SOLDR_ERROR_INIT;
	*clause = "table-1";
	*out = entry;
	*table = entry(SOLDR_ABI, &said);
	if (*table || !said.message[0])
		return 0;
	said.message[sizeof said.message - 1] = 0;
	int code = said.code > SOLDR_OK && said.code <= SOLDR_E_INTERNAL ? said.code : SOLDR_E_ABI;
	return err_set(err, code, 0, origin, E315_PLUGIN_REFUSES, said.message);
}

static int load_resolved(char *path, struct plugin *plugin, const char **clause, soldr_error *err)
{
	struct plugin loaded = {.path = path};
	lt_dlhandle handle = NULL;
	const soldr_backend *table = NULL;
	bool is_file = *path == '/';
	*clause = "load-1";
	int rc = is_file ? fs_check_trusted(path, err) : 0;
	if (!rc) {
		*clause = "load-2";
		rc = is_file ? check_shared_object(path, err) : 0;
	}
	if (!rc) {
		*clause = "load-3";
		rc = open_module(path, &handle, err);
	}
	if (!rc)
		rc = ask_for_table(handle, &loaded.entry, &table, clause, err);
	if (!rc)
		rc = plugin_check_clauses(table, &loaded.backend, &loaded.options_stride, clause, err);
	if (rc) {
		if (handle)
			lt_dlclose(handle);
		return rc;
	}
	loaded.handle = handle;
	*plugin = loaded;
	return 0;
}

int plugin_load_clauses(const char *path, struct plugin *plugin, const char **clause, soldr_error *err)
{
	*clause = "load-2";
	char *resolved = *path == '/' ? sys.realpath(path, NULL) : strdup(path);
	if (!resolved)
		return err_set(err, errno == ENOENT || errno == ENOTDIR ? SOLDR_E_NOT_FOUND : SOLDR_E_IO, errno, origin, E304_PLUGIN_GONE, path);
	int rc = load_resolved(resolved, plugin, clause, err);
	if (rc) {
		err_prefix(err, "plugin %s", resolved);
		free(resolved);
	}
	return rc;
}

int plugin_load(const char *path, struct plugin *plugin, soldr_error *err)
{
	const char *clause;
	return plugin_load_clauses(path, plugin, &clause, err);
}

void plugin_unload(struct plugin *plugin)
{
	/* Gives the reference back; the code stays mapped, for it is resident. */
	if (plugin->handle)
		lt_dlclose(plugin->handle);
	free(plugin->path);
	*plugin = (struct plugin){0};
}
