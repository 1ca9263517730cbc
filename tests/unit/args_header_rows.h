/*
 * Precompiled headers: calls that make one, and calls that name one, as
 * render() in test_args_gcc.c writes them.
 */
#ifndef TEST_ARGS_HEADER_ROWS_H
#define TEST_ARGS_HEADER_ROWS_H

#include "args_gcc_rows.h"

static const struct row header_rows[] = {
	{"gcc -c a.h", "object header a.h > a.h.gch | OUT CWD KEEPS"},
	{"gcc -c d/a.h", "object header d/a.h > d/a.h.gch | OUT CWD KEEPS"},
	{"gcc a.h -o a.h.gch", "object header a.h => a.h.gch | OUT CWD KEEPS"},
	{"gcc -c a.hpp", "object header++ a.hpp > a.hpp.gch | OUT CWD KEEPS"},
	{"gcc -c a.tcc", "object header++ a.tcc > a.tcc.gch | OUT CWD KEEPS"},
	{"gcc -x c-header -c a.c", "object header a.c > a.c.gch | OUT CWD KEEPS | key -x c-header"},
	{"gcc -x c++-header a.h", "object header++ a.h > a.h.gch | OUT CWD KEEPS | key -x c++-header"},
	{"gcc -x c++-header -MMD -o p.gch a.h", "object header++ a.h => p.gch | dep user > p.d | mmd 3 -MD | OUT CWD KEEPS | key -x c++-header -MMD"},
	{"gcc -MD -MF d a.h", "object header a.h > a.h.gch | dep all => d | OUT CWD KEEPS | key -MD"},
	{"gcc -MD a.h", "precompiled_header: without -o"},
	{"gcc -g -gsplit-dwarf a.h", "object header a.h > a.h.gch | OUT CWD KEEPS | key -g -gsplit-dwarf"},
	{"gcc -c --coverage a.h -o p.gch", "object header a.h => p.gch | side p.gcno+ | OUT CWD KEEPS | key --coverage"},
	{"gcc -save-temps a.h", "precompiled_header: a.h"},
	{"gcc -fsyntax-only a.h", "precompiled_header: a.h"},
	{"gcc -S a.h", "precompiled_header: a.h"},
	{"gcc a.h -o /dev/null", "precompiled_header: /dev/null"},
	{"gcc -E a.h", "preprocess_only: -E"},
	{"g++ -x c++-user-header a.h", "modules: c++-user-header"},
	{"g++ -x c++-system-header vector", "modules: c++-system-header"},
	{"clang -c a.h", "precompiled_header: without -o"},
	{"clang a.h -o a.pch", "object header a.h => a.pch | OUT CWD"},
	{"clang --coverage a.h -o a.pch", "object header a.h => a.pch | OUT CWD | key --coverage"},
	{"clang -emit-llvm a.h -o a.pch", "precompiled_header: a.h"},
	{"clang -Xclang -emit-pch -Xclang -include -Xclang a.h -x c-header -c e.c -o a.pch",
	 "object header e.c => a.pch | OUT CWD | front a.h | key -Xclang -emit-pch -Xclang -include -Xclang a.h -x c-header"},
	{"clang -Xclang -fno-pch-timestamp a.h -o a.pch", "object header a.h => a.pch | OUT CWD UNTIMED | key -Xclang -fno-pch-timestamp"},
	{"clang -Xclang -emit-pch -c a.c", "precompiled_header: -Xclang -emit-pch"},
	{"clang -fpch-codegen a.h -o a.pch", "precompiled_header: -fpch-codegen"},
	{"clang -c a.c -include-pch x.pch", "object c a.c > a.o | pch x.pch | key -include-pch x.pch"},
	{"clang -c a.c -Xclang -include-pch -Xclang x.pch", "object c a.c > a.o | pch x.pch | key -Xclang -include-pch -Xclang x.pch"},
	{"clang -c a.c -Xclang -include-pch -O2 -Xclang x.pch", "object c a.c > a.o | pch x.pch | key -Xclang -include-pch -O2 -Xclang x.pch"},
	{"clang -c a.c -Xclang=-include-pch -Xclang=x.pch", "object c a.c > a.o | pch x.pch | key -Xclang=-include-pch -Xclang=x.pch"},
	{"clang -c a.c -Xclang -include-pch", "unsupported_option: a front end option without its value"},
	{"clang -c a.c -include-pch x.pch -Xclang -include-pch -Xclang y.pch", "precompiled_header: -include-pch"},
	{"clang -c a.i -include-pch x.pch", "precompiled_header: -include-pch"},
	{"clang -c a.c -Xclang -verify-pch", "precompiled_header: -Xclang -verify-pch"},
};

#endif
