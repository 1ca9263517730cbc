#!/bin/sh
# libsoldr from outside: what it exports, the example of its page, and what a program and a child notice of it.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
lib=$(cd "$(dirname "$SOLDR")/../lib" && pwd)
san=${SOLDR_TEST_SAN:+-fsanitize=$SOLDR_TEST_SAN}
cc="gcc -std=c11 -Wall -Wextra -Werror $san -I$root/core/include"
export SOLDR_PLUGIN_PATH="$lib/soldr" LD_LIBRARY_PATH="$lib"

# ---- symbols ---------------------------------------------------------------------------------

sed -n 's/^SOLDR_EXPORT .*[ *]\(soldr_[a-z_]*\)(.*/\1/p' "$root/core/include/soldr/service.h" | sort >wanted
nm -D --defined-only --with-symbol-versions "$lib/libsoldr.so" | sed -n 's/^[0-9a-f]* [A-Z] \(.*\)$/\1/p' | sort >exported
is "$(sed -n 's/@@SOLDR_1.0$//p' exported)" "$(cat wanted)" "libsoldr.so exports the functions of service.h, at SOLDR_1.0"
if [ -z "$san" ]; then
	is "$(grep -v '@@SOLDR_1.0$' exported)" "SOLDR_1.0" "and nothing else"
	is "$(nm -g --defined-only "$lib/libsoldr.a" | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort)" "$(cat wanted)" "libsoldr.a the same"
fi
is "$(readelf -dW "$lib/libsoldr.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" libsoldr.so.1 "its name has the version"
banned='abort|_?exit|quick_exit|_Exit|chdir|fchdir|umask|putenv|setenv|clearenv|fork|vfork|system|signal|sigaction|pthread_create'
is "$(nm "$lib"/libsoldr.a | sed -n 's/^ *U //p' | grep -xE "$banned")" "chdir" "it calls nothing that would change its host, but for one chdir"
is "$(grep -l "chdir(" "$root"/core/service/*.c)" "$root/core/service/exec.c" "which is that of exec_replace(), for the soldr command"

# ---- the example ---------------------------------------------------------------------------------

sed -n '/^```c example$/,/^```$/p' "$root/docs/libsoldr.md" | sed '1d;$d' >example.c
ok "the example of docs/libsoldr.md compiles" $cc -o example example.c -L"$lib" -lsoldr
ok "as C++ too" g++ -x c++ -std=c++17 -Wall -Wextra -Wno-missing-field-initializers $san "-I$root/core/include" -o example++ example.c -L"$lib" -lsoldr
printf '#warning look\nint x;\n' >x.c
gcc -c x.c -o true.o 2>true.err
settle
run ./example gcc -c x.c -o x.o
is "$status $out" "0 miss: not_seen" "it runs, and misses"
is "$err" "$(cat true.err)" "with the compiler's messages"
rm x.o
run ./example gcc -c x.c -o x.o
is "$status $out" "0 hit" "and hits"
is "$err" "$(cat true.err)" "with the same messages"
ok "and object" cmp x.o true.o
run ./example gcc -c missing.c
is "$status $out" "1 bypass: input_unreadable" "a compile that fails is a result"
run ./example no-such-compiler
is "$status $err" "1 example: compiler no-such-compiler is not on PATH: No such file or directory [E431]" "what is not there is an error"
if $cc -o example-static example.c "$lib/libsoldr.a" -lltdl -lyaml -lcrypto -lpthread 2>link.err; then
	rm x.o
	run ./example-static gcc -c x.c -o x.o
	is "$status $out" "0 hit" "with the static library as well"
else
	skip "the static library" "$(head -n 1 link.err)"
fi

done_testing
