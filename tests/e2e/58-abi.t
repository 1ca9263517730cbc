#!/bin/sh
# The backend ABI stays: plugins that were built against the header of 1.0, and plugins that will be built against a newer
# minor, load into this soldr and compile. Where each member lies is checked by 01-rooms.t.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
frozen=$root/tests/abi/frozen-1.0
mkdir plugins
printf 'int answer(void) { return 42; }\n' >x.c
gcc -O1 -c x.c -o want.o

serves() { # NAME OPTIONS: plugins/NAME.so as backend acme
	name=$1
	printf 'version: 1\nbackend: acme\non_error: fail\nbackends: {acme: {plugin: %s%s}}\n' "$T/plugins/$name.so" "$2" >soldr.yaml
	rm -f x.o
	run env SOLDR_LOG=info "$SOLDR" --config soldr.yaml gcc -O1 -c x.c
	is "$status" 0 "$name: serves a compile"
	ok "$name: the object is the compiler's" cmp x.o want.o
	unlike "$err" fallback "$name: by itself"
	run "$SOLDR" plugin check plugins/$name.so
	is "$(printf '%s\n' "$out" | grep '^fail')" "" "$name: keeps every clause"
}
build() { # COMPILER HEADERS SOURCE NAME
	ok "$4: builds with every warning" "$1" -Wall -Wextra -Werror -O2 -fPIC -fvisibility=hidden -shared -Wl,-z,now "-I$2" "$3" -o "plugins/$4.so"
}
log=", options: {log: $T/requests.log}"

build gcc "$frozen" "$root/tests/abi/fixtures/external.c" external_1_0
serves external_1_0 "$log"
build gcc "$frozen" "$root/plugins/null/null.c" null_1_0
run "$SOLDR" plugin check plugins/null_1_0.so --clause load-6
is "$status" 0 "null_1_0: shows what null shows"

# A header of a newer minor: members at the end of every struct that may grow, and a function with a cap bit.
mkdir -p next/soldr
awk '
	/^#define SOLDR_ABI_MINOR/ { sub(/0u/, "1u") }
	/^} soldr_(error|request|result|spawn|exit|host|stat|report|option_spec|backend);/ { print "\tuint64_t added_by_1_1[4];" }
	{ print }' "$frozen/soldr/backend.h" >next/soldr/backend.h
is "$(grep -c added_by_1_1 next/soldr/backend.h)" 10 "ten structs of the newer minor are longer"
sed 's/^\t\.close = external_close,/&\n\t.added_by_1_1 = {1, 2, 3, 4},/' "$root/tests/abi/fixtures/external.c" >next/external.c
build gcc "$T/next" next/external.c external_1_1
serves external_1_1 "$log"
run "$SOLDR" --config soldr.yaml backends --json
like "$out" '"abi": "1.1"' "external_1_1 says that it is of ABI 1.1"
if command -v clang >/dev/null && [ -z "$SOLDR_TEST_SAN" ]; then
	build clang "$frozen" "$root/tests/abi/fixtures/external.c" external_clang
	run "$SOLDR" plugin check plugins/external_clang.so --clause compile-1
	is "$status" 0 "one that clang built serves too"
else
	skip "a plugin that clang built" "no clang, or a sanitizer"
fi

# A backend in C++, against the header of 1.0.
if command -v g++ >/dev/null; then
	cp "$root/tests/abi/backend.cc" next/backend.cc
	ok "a backend in C++17 builds" g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -O2 -fPIC -fvisibility=hidden -shared -Wl,-z,now \
		-Wl,--version-script="$root/plugins/null/null.map" "-I$frozen" next/backend.cc -o plugins/cxx.so
	serves cxx ""
else
	skip "a backend in C++" "no g++"
fi

done_testing
