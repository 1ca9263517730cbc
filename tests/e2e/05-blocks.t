#!/bin/sh
# Blocks of commands that need more than a page shows: a project, a plugin, a run to look at. Each is run as it stands, in a place made for it.
. "$(dirname "$0")/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
PATH=$(dirname "$SOLDR"):$PATH
command -v gcc >/dev/null && command -v make >/dev/null || { skip "blocks run" "no gcc or make"; done_testing; }

# The NUMBERth block "```sh" of a page, run in the working directory up to its first failure.
block() { # PAGE NUMBER
	awk -v wanted="$2" '/^```sh$/ { n++; inside = n == wanted; next } /^```$/ { inside = 0 } inside' "$top/docs/$1.md" >"$T/block"
	run sh -eux "$T/block"
	is "$status/$(grep -c . "$T/block" | sed 's/^[1-9].*/some/')" "0/some" "docs/$1.md, block $2: $(sed -n 1p "$T/block")"
	[ "$status" = 0 ] || lib_note said "$out$err"
}

mkdir plugin && cd plugin || exit 1
chmod go-w . ..
sed 's/"null"/"acme"/' "$top/plugins/null/null.c" >acme.c
sed -i '1i #define SOLDR_VERSION "1"' acme.c
cp "$top/plugins/null/null.map" .
printf 'int hello(void) { return 0; }\n' >hello.c
export C_INCLUDE_PATH="$top/core/include"
block abi 1
unset C_INCLUDE_PATH
chmod go-w acme.so
cp "$SOLDR_TEST_FIXTURES/external.so" acme.so
block abi 2

mkdir "$T/parity" && cd "$T/parity" || exit 1
for name in x y z; do printf 'int %s(void) { return 2; }\n' $name >$name.c; done
printf 'all: x.o y.o z.o\n%%.o: %%.c\n\tgcc -O2 -c $< -o $@\n' >Makefile
printf '[{"directory": "%s", "file": "x.c", "arguments": ["gcc", "-O2", "-c", "x.c", "-o", "x.o"]}]\n' "$PWD" >compile_commands.json
settle
block parity 1
rm -f ./*.o
block audit 1

if command -v cargo >/dev/null && command -v rustc >/dev/null; then
	mkdir -p "$T/crate/src" && cd "$T/crate" || exit 1
	printf '[package]\nname = "crate-of-a-test"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
	printf 'fn main() {}\n' >src/main.rs
	settle
	block rust 1
	ok "and the program is there" test -x target/release/crate-of-a-test
else
	skip "docs/rust.md, block 1" "no cargo"
fi
done_testing
