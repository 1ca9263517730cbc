/*
 * loader: finds a plugin file, checks that it may be trusted, loads it through
 * libltdl and negotiates the ABI. Only this module includes <ltdl.h>.
 *
 * Nothing of a file is executed before its owner and mode, and those of every
 * directory above it, were checked (fs_check_trusted).
 */
#ifndef SOLDR_SERVICE_LOADER_H
#define SOLDR_SERVICE_LOADER_H

#include "buf.h"
#include "err.h"

#include <soldr/backend.h>

typedef const soldr_backend *(*plugin_entry_fn)(uint32_t host_abi, soldr_error *);

struct plugin {
	char *path;            /* absolute, resolved; the plain name of a plugin that the program holds */
	soldr_backend backend; /* a zero-extended copy of the plugin's table */
	uint64_t options_stride; /* bytes between option specs; 0: none */
	plugin_entry_fn entry; /* the function that gave the table */
	void *handle;          /* libltdl's */
};

/*
 * name: an absolute path, or a plain name looked up as DIR/NAME.so in
 * search (NULL-ended list of directories, in order), then among the plugins
 * that the program holds itself (preopened through libltdl; *path is then the
 * plain name), then in ../lib/soldr relative to the running executable's directory, and, in a program that links
 * libsoldr.so, in the directory soldr beside that library.
 * SOLDR_E_NOT_FOUND lists the places that were looked at and says how to mend.
 */
int plugin_find(const char *name, const char *const *search, char **path, soldr_error *);

/*
 * Loads path (absolute, or a name that plugin_find gave) and checks, in this order: trust; that it is a shared object that
 * loads; the symbol; the table (not NULL, aligned); abi major equal;
 * struct_size at least SOLDR_BACKEND_SIZE_1_0 and sane; name and version well
 * formed; open, compile and close there; every known cap bit with its function
 * inside struct_size; unknown cap bits ignored; option specs well formed
 * (stride, types, names, choices, defaults that satisfy their own type).
 */
int plugin_load(const char *path, struct plugin *, soldr_error *);
/* The same; after an error *clause is the id of the clause of docs/abi.md that is broken. */
int plugin_load_clauses(const char *path, struct plugin *, const char **clause, soldr_error *);
void plugin_unload(struct plugin *); /* safe on a zeroed struct */

/* Directories that plugin_find would search, for messages and doctor. */
void plugin_search_list(const char *const *search, struct vec *out);

#endif
