#!/bin/sh
# The sources are C11 and what POSIX and Linux add: GCC and Clang take them with -pedantic-errors, and musl has what they
# call, as far as they include no header of a library or of the kernel that is here for glibc.
. "$(dirname "$0")/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
cd "$top" || exit 1

for compiler in gcc clang musl-gcc; do
	if ! command -v $compiler >/dev/null; then
		skip "$compiler takes the sources" "no $compiler"
		continue
	fi
	seen=0
	: >"$T/said"
	for source in core/*/*.c plugins/*/*.c; do
		[ $compiler = musl-gcc ] && grep -Eq '#include <(yaml|ltdl|zstd|jansson|openssl/[a-z]*|linux/[a-z]*)[.]h>' "$source" && continue
		seen=$((seen + 1))
		$compiler -std=c11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -D_GNU_SOURCE -DSOLDR_VERSION='"1"' -Icore/include \
			-Icore/util -Icore/service -Icore/cli "$source" >>"$T/said" 2>&1
	done
	is "$(grep -E 'error|warning' "$T/said" | head -n 20)" "" "$compiler takes $seen sources as pedantic C11"
	ok "and that is most of them" test "$seen" -ge 100
done
done_testing
