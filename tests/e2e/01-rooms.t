#!/bin/sh
# The rooms of the source tree: who may include whom, what leaves a shared
# object, and what no file may hold. docs/architecture.md has the drawing.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
cd "$root" || exit 1

rooms="core/include core/util core/service core/cli plugins/embedded plugins/wrapped plugins/null"

arrows() { # ROOM: the directories that it may include from
	case $1 in
	core/include) echo core/include ;;
	core/util) echo core/include core/util ;;
	core/service) echo core/include core/util core/service ;;
	core/cli) echo core/include core/util core/service core/cli ;;
	plugins/*) echo core/include core/util "$1" ;;
	esac
}

includes() { # ROOM: lines "FILE: <header>" or "FILE: "header""
	find "$1" -name '*.[ch]' -exec grep -H '^[[:space:]]*#[[:space:]]*include' {} + |
		sed 's/^\([^:]*\):[^<"]*\([<"][^>"]*[>"]\).*/\1: \2/'
}

astray() { # ROOM: includes of our own headers that lead out of the arrows
	includes "$1" | while read -r file spelled; do
		name=${spelled#?}
		name=${name%?}
		case $spelled in
		'<soldr/'*) [ -f "core/include/$name" ] && continue ;;
		'<'*) continue ;;
		*)
			found=
			for dir in $(arrows "$1"); do
				case $dir in
				core/include) ;;
				*) [ -f "$dir/$name" ] && found=1 ;;
				esac
			done
			case $name in */*) found= ;; esac
			[ -n "$found" ] && continue
			;;
		esac
		echo "$file includes $spelled"
	done
}

for room in $rooms; do
	is "$(astray "$room")" "" "$room includes from nowhere but $(arrows "$room")"
done
is "$(includes core/include | sed 's/.*: //' | grep -v -e '^<soldr/' -e '^<stddef.h>$' -e '^<stdint.h>$')" "" \
	"the public headers need no more than stddef.h and stdint.h"

# The rules of the Makefile give each room these directories and no others.
make --no-print-directory -nB all 2>/dev/null | grep -e ' -c ' >"$T/commands"
for room in $rooms; do
	[ "$room" = core/include ] && continue
	got=$(grep -e " -c $room/" "$T/commands" | grep -o -e ' -I[^ ]*' | sort -u | sed 's/ -I//' | tr '\n' ' ')
	want=$(arrows "$room" | tr ' ' '\n' | grep -v '^plugins/' | sort | tr '\n' ' ')
	is "$got" "$want" "$room is compiled with $want"
done

# A third-party library has one user in a room; the command also has the lists that libltdl reads.
for library in yaml.h=core/service/config_yaml.c ltdl.h=core/cli/front.c,core/cli/program_static.c,core/service/loader.c \
	zstd.h=plugins/embedded/entry.c openssl/=core/util/digest.c; do
	header=${library%%=*}
	is "$(for room in $rooms; do includes "$room"; done | grep -F "<$header" | sed 's/: .*//' | sort -u | paste -sd, -)" "${library#*=}" \
		"<$header> is included by ${library#*=} alone"
done

for compiler in gcc clang; do
	if ! command -v $compiler >/dev/null; then
		skip "public headers by $compiler" "no $compiler"
		continue
	fi
	for header in core/include/soldr/*.h; do
		echo "#include <soldr/$(basename "$header")>" >"$T/alone.c"
		cp "$T/alone.c" "$T/alone.cc"
		ok "$compiler: C11: $(basename "$header") alone" $compiler -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror \
			-Icore/include -fsyntax-only "$T/alone.c"
		ok "$compiler: C++17: $(basename "$header") alone" $compiler -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Werror \
			-Icore/include -fsyntax-only "$T/alone.cc"
	done
	ok "$compiler: C11: all headers, and what ABI 1.0 fixes" $compiler -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror \
		-Icore/include -fsyntax-only tests/abi/header_c11.c
	# Where each member lies, how large it is, and each number, against what 1.0 fixed.
	if [ "$(getconf LONG_BIT)" = 64 ] && $compiler -std=c11 -Wall -Wextra -Wpedantic -Werror -Icore/include tests/abi/layout.c -o "$T/layout"; then
		"$T/layout" >"$T/layout.now"
		ok "$compiler: the layout of ABI 1.0" diff -u tests/abi/layout-lp64.golden "$T/layout.now"
	else
		skip "$compiler: the layout of ABI 1.0" "it cannot be compiled here, or this is no 64-bit system"
	fi
	ok "$compiler: C11: the frozen header of 1.0" $compiler -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror \
		-Itests/abi/frozen-1.0 -fsyntax-only -x c tests/abi/frozen-1.0/soldr/backend.h
	ok "$compiler: C++17: all headers" $compiler -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Werror -Icore/include \
		-fsyntax-only tests/abi/header_cxx17.cc
done

# What a shared object shows to others. Sanitizers add their own.
exports() {
	nm -D --defined-only "$1" | sed 's/.* //' | grep -v -e '^__asan' -e '^__ubsan' -e '^__odr_asan' | sort
}
lib=$(cd "$(dirname "$SOLDR")/../lib" && pwd)
for plugin in "$lib"/soldr/*.so; do
	is "$(exports "$plugin" | sed "s/.*_LTX_//" | sort -u)" soldr_backend_v1 "$(basename "$plugin") exports one symbol"
done
is "$(exports "$lib/libsoldr.so" | grep -v -e '^soldr_' -e '^SOLDR_1.0$')" "" "libsoldr.so exports soldr_ names alone"
is "$(nm -g --defined-only "$lib/libsoldr.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | grep -v '^soldr_' |
	grep -v -e '^__asan' -e '^__ubsan' -e '^__odr_asan')" "" "so does libsoldr.a"

# What can fail goes through the table of core/util/sys.h. Exempt: exec and waitpid, which replace or end things, and the
# standard streams' own state. Comments and members of that name (backend.open) do not count.
calls=$(sed -n 's/^\t[a-zA-Z_].*(\*\([a-z0-9_]*\))(.*/\1/p' core/util/sys.h | paste -sd'|' -)
is "$(grep -nE "(^|[^a-zA-Z0-9_.>])($calls|posix_fallocate|posix_spawn|fopen|mkstemp|creat|rmdir|renameat2?|mkdirat|pwrite|truncate|utimensat)\(" \
	core/util/*.c core/service/*.c plugins/embedded/*.c | grep -v -e '^core/util/sys\.c:' -e '^[^:]*:[0-9]*:[[:space:]]*/\{0,1\}\*')" "" \
	"system calls on files go through the table"
ok "and the table has them" test "$(echo "$calls" | tr '|' '\n' | wc -l)" -ge 30

find core plugins config tests .ci -type f \( -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' -o -name '*.t' -o -name '*.pm' \
	-o -path '.ci/*' \) >"$T/files"
is "$(while read -r file; do wc -l "$file"; done <"$T/files" | awk '$1 > 750')" "" "no file has more than 750 lines"
is "$(xargs grep -nwE 'TO''DO|FIX''ME|X''XX' <"$T/files")" "" "nothing is left for later"

done_testing
