#!/bin/sh
# A backend from outside this tree: built with the public headers and nothing
# else, named in the config by its path, serving a whole build.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)

# Only these two files leave the tree.
mkdir -p outside/include plugins
cp -r "$root/core/include/soldr" outside/include
cp "$root/tests/abi/fixtures/external.c" outside/acme.c
run gcc -std=c11 -Wall -Wextra -Werror -O2 -fPIC -fvisibility=hidden -shared -Ioutside/include outside/acme.c -o plugins/acme.so
is "$status/$err" "0/" "it builds from the public headers alone"
is "$(nm -D --defined-only plugins/acme.so | awk '{ print $3 }')" soldr_backend_v1 "and exports one symbol"

cat >soldr.yaml <<EOF
version: 1
backend: acme
on_error: fail
backends:
  acme: {plugin: $T/plugins/acme.so, options: {log: $T/requests.log}}
EOF
export SOLDR_CONFIG="$T/soldr.yaml"
run "$SOLDR" config check
is "$status" 0 "config check accepts it"
run "$SOLDR" backends --json
printf '%s\n' "$out" >backends.json
like "$(cat backends.json)" '"acme"' "soldr backends lists it"
like "$(cat backends.json)" "$T/plugins/acme.so" "with its file"

# A project of twenty units, a header, a library and a program.
mkdir project && cd project || exit 1
echo 'int last(int);' >all.h
n=1
while [ $n -le 20 ]; do
	printf '#include "all.h"\n#include <stdio.h>\nint f%d(int a) { printf("%%d\\n", a); return a + %d; }\n' $n $n >f$n.c
	echo "int f$n(int);" >>all.h
	n=$((n + 1))
done
printf '#include "all.h"\nint main(void) { return f1(-1) + f20(-20); }\n' >main.c
cat >Makefile <<'END_OF_MAKEFILE'
CFLAGS := -O2 -g -Wall -MMD
OBJECTS := $(patsubst %.c,%.o,$(filter f%.c,$(wildcard *.c)))
prog: main.o libf.a
	gcc $^ -o $@
libf.a: $(OBJECTS)
	ar rcD $@ $^
%.o: %.c
	gcc $(CFLAGS) -c $< -o $@
clean:
	rm -f prog libf.a *.o *.d
END_OF_MAKEFILE
tree() { find . -type f -exec sha256sum {} + | sort -k 2; }
make -s -j2
tree >"$T/plain"
make -s clean
run env SOLDR_RUN_ID=outside "$SOLDR" make -s -j2
is "$status" 0 "a build through it"
tree >"$T/now"
ok "every file is the plain build's" cmp "$T/plain" "$T/now"
ok "the program runs" ./prog
summary=$SOLDR_CACHE_DIR/runs/outside/summary.json
is "$(json "$summary" backend) $(json "$summary" counts compilations)" "acme 22" "22 compilations by backend acme"
is "$(json "$summary" counts fallbacks) $(json "$summary" counts non_cacheable)" "0 22" "all of them served, as it says of itself"
is "$(wc -l <"$T/requests.log")" 22 "it saw each request once"
ok "with its arguments as they were" grep -qx ".*gcc -O2 -g -Wall -MMD -c f7.c -o f7.o" "$T/requests.log"
like "$err" "^soldr: .*other 22" "a reason that soldr does not know is counted as other"

# Its failures are the config's business.
rm "$T/requests.log" && mkdir "$T/requests.log"
rm -f f1.o
run "$SOLDR" gcc -O2 -g -Wall -MMD -c f1.c -o f1.o
is "$status" 111 "when it fails under on_error: fail: 111"
like "$err" "cannot append to the file of options.log" "in its own words"
ok "no object" test ! -e f1.o
sed -i 's/on_error: fail/on_error: fallback/' "$SOLDR_CONFIG"
run "$SOLDR" gcc -O2 -g -Wall -MMD -c f1.c -o f1.o
is "$status/$err" "0/" "under on_error: fallback the compiler runs"
is "$(sha256sum f1.o)" "$(sed -n 's|  ./f1.o$|  f1.o|p' "$T/plain")" "and gives its object"
"$SOLDR" stats --json >stats.json
is "$(json stats.json reasons backend_error)" 1 "which is counted"

# Another build of it in the same place is taken at once, without a word to soldr.
rmdir "$T/requests.log"
sed -i 's/logged_only/logged_again/' "$T/outside/acme.c"
gcc -std=c11 -O2 -fPIC -fvisibility=hidden -shared -I"$T/outside/include" "$T/outside/acme.c" -o "$T/plugins/new.so" &&
	mv "$T/plugins/new.so" "$T/plugins/acme.so"
run env SOLDR_LOG=info "$SOLDR" gcc -O2 -c f1.c -o f1.o
like "$err" "bypass logged_again" "a rebuilt plugin takes effect with the next compile"
run "$SOLDR" why f1.o
like "$out" '^  reason: logged_again ' "soldr why tells its reason"

done_testing
