#!/bin/sh
# docs/tutorial-backend.md: its blocks run, one after the other, against an installed soldr.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
build=$(cd "$(dirname "$SOLDR")/.." && pwd)
page=$root/docs/tutorial-backend.md
if [ "$build" != "$root/build" ]; then
	skip "the tutorial" "the soldr under test is not of this tree's build directory, or has a sanitizer"
	done_testing
fi
command -v pkg-config >/dev/null || { skip "the tutorial" "no pkg-config"; done_testing; }

run make --no-print-directory -s -C "$root" install PREFIX="$T/prefix"
is "$status" 0 "make install"
chmod -R go-w "$T/prefix"
umask 022
export PKG_CONFIG_PATH="$T/prefix/lib/pkgconfig" PATH="$T/prefix/bin:$PATH"

# soldr.pc, from where it lies.
prefix=$(pkg-config --variable=prefix soldr)
is "$(cd "$prefix" && pwd)" "$T/prefix" "pkg-config soldr: the prefix"
is "$(cd "$(pkg-config --variable=plugindir soldr)" && ls)" "$(printf 'embedded.so\nnull.so\nwrapped.so')" "plugindir has the plugins"
is "$(pkg-config --modversion soldr)" "$(soldr version | sed -n 's/^soldr \([0-9.]*\).*/\1/p')" "modversion is soldr's"
printf '#include <soldr/service.h>\n#include <stdio.h>\nint main(void) { puts(soldr_version()); return 0; }\n' >version.c
run sh -c 'gcc version.c $(pkg-config --cflags --libs soldr) -Wl,-rpath,"$1/lib" -o version && ./version' sh "$T/prefix"
is "$out$err" "$(pkg-config --modversion soldr)" "a program is compiled and linked by it"
run sh -c 'gcc -static version.c $(pkg-config --cflags --libs --static soldr) -o static 2>/dev/null && ./static'
if [ "$status" = 0 ]; then
	is "$out" "$(pkg-config --modversion soldr)" "a static one too"
else
	# Debian has no static libraries for all of them everywhere.
	skip "a static program" "it cannot be linked here"
fi
mkdir elsewhere
mv prefix elsewhere/moved
is "$(PKG_CONFIG_PATH=$T/elsewhere/moved/lib/pkgconfig pkg-config --variable=plugindir soldr | sed 's,lib/pkgconfig/../../,,')" \
	"$T/elsewhere/moved/lib/soldr" "the tree can be moved as a whole"
mv elsewhere/moved prefix

# The blocks; those with "sqlite3" need the program and the library.
mkdir blocks
awk -v dir="$T/blocks" '
	/^```sh test/ { n++; file = sprintf("%s/%02d", dir, n); print substr($0, 12) >(file ".needs"); inside = 1; next }
	/^```/ { inside = 0 }
	inside { print >(file ".sh") }' "$page"
ok "the tutorial has blocks" test -e blocks/09.sh
have_sqlite=
command -v sqlite3 >/dev/null && pkg-config --exists sqlite3 && have_sqlite=1
echo 'set -eu' >all.sh
for needs in blocks/*.needs; do
	name=$(basename "$needs" .needs)
	if grep -q sqlite3 "$needs" && [ -z "$have_sqlite" ]; then
		skip "block $name" "no sqlite3 with its library"
		rm "blocks/$name.sh"
		continue
	fi
	{ cat "blocks/$name.sh"; echo "printf '%s ' >'$T/blocks/$name.done'"; } >>all.sh
done
mkdir place && cd place || exit 1
run sh "$T/all.sh"
[ "$status" = 0 ] || lib_note "the blocks said" "$out$err"
for script in "$T"/blocks/*.sh; do
	name=$(basename "$script" .sh)
	ok "block $name: $(head -n 1 "$script")" test -e "$T/blocks/$name.done"
done
if [ -n "$have_sqlite" ]; then
	want=$(awk '/^```text/ { text = ""; inside = 1; next } /^```/ { inside = 0 } inside { text = text $0 "\n" } END { printf "%s", text }' "$page")
	is "$(printf '%s\n' "$out" | tail -n 3)" "$want" "the database says what the page says"
	first=$(awk '/^```text/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$page")
	like "$out" "^$first\$" "the first check ends as the page says"
	is "$(printf '%s\n' "$out" | grep -c '^fail')" 0 "no clause fails"
fi

done_testing
