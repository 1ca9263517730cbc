#!/bin/sh
# Real projects by other build systems than a Makefile: autotools with libtool,
# CMake with ninja (C++), and meson. As in 50-projects.t: built plain, cold and
# warm, and everything that was built must be the plain build's. What a
# configuration writes about itself (caches, logs, launchers) is left out.
. "$(dirname "$0")/lib.sh"
. "$lib_dir/projects.sh"

outputs='( -name *.o -o -name *.lo -o -name *.a -o -name *.so* -o -name *.Plo -o -name *.Po -o -perm -u+x ) ! -name libtool ! -name config.status'
built() {
	case $PWD in
	"$T"/?*) rm -rf build && mkdir build ;;
	esac
}
clean() { built; }

has() { # COMMAND…
	for has_command in "$@"; do
		command -v "$has_command" >/dev/null && continue
		skip "$project" "no $has_command"
		return 1
	done
}

project=fribidi-autotools
if unpack fribidi; then
	configure() { built && (cd build && "$@" ../configure --disable-silent-rules); }
	build='make -j2 -C build'
	three_builds 24 '"link": 5'
fi

project=fmt-cmake-ninja
if has cmake ninja c++ && unpack fmtlib; then
	configure() {
		if [ $# -gt 0 ]; then
			"$SOLDR" cmake -S . -B build -G Ninja -DFMT_TEST=OFF -DFMT_DOC=OFF -DCMAKE_BUILD_TYPE=Debug
		else
			cmake -S . -B build -G Ninja -DFMT_TEST=OFF -DFMT_DOC=OFF -DCMAKE_BUILD_TYPE=Debug
		fi
	}
	build='ninja -C build'
	three_builds 2 ''
fi

# Without CC, meson would put a ccache that it finds in front of the compiler.
project=fribidi-meson
if has meson ninja && unpack fribidi; then
	export CC=gcc
	configure() { "$@" meson setup build -Ddocs=false; }
	build='ninja -C build'
	three_builds 41 '"link": 14'
fi

# Precompiled headers by CMake: with GCC they are beside their headers, Clang gets them by options of its front end.
outputs='( -name *.o -o -name *.a -o -name *.d -o -name *.pch )'
for compilers in gcc:g++ clang:clang++; do
	CC=${compilers%:*} CXX=${compilers#*:}
	export CC CXX
	project=precompiled-cmake-$CC
	has cmake ninja "$CC" "$CXX" || continue
	drop "$work"
	mkdir "$work" && cd "$work" || exit 1
	cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.16)
project(precompiled C CXX)
add_library(cxx STATIC a.cpp b.cpp c.cpp)
target_precompile_headers(cxx PRIVATE <vector> <string> <map> own.h)
add_library(again STATIC b.cpp)
target_precompile_headers(again REUSE_FROM cxx)
add_library(c STATIC d.c)
target_precompile_headers(c PRIVATE <stdio.h> own.h)
EOF
	printf '#pragma once\n#define OWN 1\n' >own.h
	echo 'unsigned long a() { return OWN + std::string("x").size(); }' >a.cpp
	printf '#include "own.h"\n#include <vector>\nunsigned long b() { return OWN + std::vector<int>(3).size(); }\n' >b.cpp
	echo 'std::map<int, std::string> c(int n) { return {{n, std::to_string(OWN)}}; }' >c.cpp
	echo 'int d(void) { return OWN + puts(""); }' >d.c
	configure() { "$@" cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug; }
	clean() { drop "$work/build"; }
	build='ninja -C build'
	three_builds 7 ''
done

done_testing
