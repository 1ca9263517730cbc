/*
 * program_static: what makes the program `soldr`. See front.h.
 *
 * A static C library has dlopen() as well, but what that loads needs the very
 * version of the C library that was linked. So this program has no loader of
 * files at all: libltdl finds its loaders in a list, which is empty here.
 */
#include "front.h"

#include <dlfcn.h>
#include <ltdl.h>

const bool program_is_static = true;

/* In place of libltdl's own. The first name says whose list it is. */
extern const lt_dlsymlist lt_libltdl_LTX_preloaded_symbols[];
const lt_dlsymlist lt_libltdl_LTX_preloaded_symbols[] = {{"libltdl", NULL}, {NULL, NULL}};

/* No part of this program is in a library; the C library's would bring its dynamic linker along. */
int dladdr1(const void *address, Dl_info *info, void **extra, int flags)
{
	(void)address, (void)info, (void)extra, (void)flags;
	return 0;
}
