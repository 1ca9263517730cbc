#!/bin/sh
# A plugin that is a file and crashes, or ends the process, takes no compile with it: the compiler runs, which is
# counted, journalled and said.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
fixtures=${SOLDR_TEST_FIXTURES:-$root/build/tests/fixtures}
if [ ! -e "$fixtures/good_minimal.so" ]; then
	skip "crashes of plugins" "no fixtures at $fixtures: make check-e2e builds them"
	done_testing
fi
mkdir plugins
cp "$fixtures/breaks_open.so" "$fixtures/breaks_compile.so" plugins
chmod go-w . plugins plugins/*.so
config() { # FIXTURE FAULT [MORE]
	printf 'version: 1\nbackend: acme\n%s\nbackends: {acme: {plugin: %s, options: {fault: %s}}}\n' "$3" "$T/plugins/$1.so" "$2" >soldr.yaml
}
export SOLDR_CONFIG="$T/soldr.yaml"
printf 'int answer(void) { return 42; }\n' >x.c
printf 'int answer(void) { return what; }\n' >bad.c
gcc -O1 -c x.c -o want.o
gcc -O1 -c bad.c -o bad.o 2>bad.want
counted() { "$SOLDR" --config /dev/null --backend acme stats --json >stats.json 2>/dev/null || true; }
reasons() { # of the journal of the day
	cat "$SOLDR_CACHE_DIR"/runs/day-*/journal.jsonl | grep -o '"reason":"[a-z_]*"' | sort | uniq -c | tr -s ' '
}

# FIXTURE FAULT WHERE: each ends in the bare compiler's object, without a word.
for row in "breaks_open crashes open" "breaks_open exits open" "breaks_compile crashes compile" "breaks_compile aborts compile" \
	"breaks_compile overflows compile" "breaks_compile exits compile"; do
	set -- $row
	config "$1" "$2"
	rm -rf x.o "$SOLDR_CACHE_DIR"
	run "$SOLDR" gcc -O1 -c x.c
	if [ -n "$SOLDR_TEST_SAN" ] && [ "$2" = overflows ]; then
		skip "$2" "the sanitizer has its own idea of stacks"
		continue
	fi
	is "$status/$out/$err" "0//" "$2 in $3(): the compile goes on"
	ok "$2: with the compiler's object" cmp x.o want.o
	is "$(reasons)" ' 1 "reason":"backend_crashed"' "$2: one line in the journal, reason backend_crashed"
	case $2 in exits) what='ended the process' ;; *) what='died of signal [0-9]+ .*' ;; esac
	like "$(cat "$SOLDR_CACHE_DIR/logs/soldr.log")" "backend acme: its plugin $what in $3\\(\\)" "$2: the fault log says what and where"
	run "$SOLDR" gcc -O1 -c bad.c -o bad.o
	is "$status/$err" "1/$(cat bad.want)" "$2: a failing compile fails with the compiler's words"
done

# After the compile has run and was shown: no second one.
config breaks_compile crashes_after_run
rm -rf "$SOLDR_CACHE_DIR"
run "$SOLDR" gcc -O1 -c bad.c -o bad.o
is "$status/$err" "1/$(cat bad.want)" "a crash after the compile: its exit stands, its messages are there once"
is "$(reasons)" ' 1 "reason":"backend_crashed"' "and it is in the journal once"
config breaks_open close_crashes
rm -rf x.o "$SOLDR_CACHE_DIR"
run "$SOLDR" gcc -O1 -c x.c
is "$status/$err" "0/" "a crash in close(): the compile is over"
ok "its object is there" cmp x.o want.o
is "$(reasons)" ' 1 "reason":"fixture"' "and in the journal once, as it was served"

# Other ways in, and what the compiler gets to see.
config breaks_open crashes
cat >gcc.sh <<'END_OF_SH'
#!/bin/sh
env >"$SEEN"
exec gcc "$@"
END_OF_SH
chmod 755 gcc.sh
rm -f x.o
run env SEEN="$T/seen" "$SOLDR" ./gcc.sh -O1 -c x.c
is "$status $(grep -c SOLDR_CRASHED seen)" "0 0" "the compiler's environment knows nothing of it"
mkdir masks
ln -s "$SOLDR" masks/gcc
rm -f x.o
run env PATH="$T/masks:$PATH" gcc -O1 -c x.c
is "$status/$err" "0/" "under the compiler's name"
ok "it gives the object too" cmp x.o want.o
rm -f x.o
run env PATH="$T/masks:$PATH" sh -c 'exec "$@"' sh gcc -O1 -c x.c -o sub/x.o
is "$status" 1 "and the compiler's own errors"
run sh -c 'ulimit -c 0; exec "$@"' sh "$SOLDR" build -- sh -c 'for i in 1 2 3; do gcc -O1 -c x.c -o x$i.o; done'
is "$status" 0 "in a build"
like "$err" 'backend_crashed 3' "whose summary has it"
ok "each object is the compiler's" sh -c 'cmp x1.o want.o && cmp x2.o want.o && cmp x3.o want.o'

# on_error, and verbs, which have no compile to save.
config breaks_open crashes 'on_error: fail'
rm -f x.o
run "$SOLDR" gcc -O1 -c x.c
is "$status" 111 "on_error: fail: 111"
like "$err" 'backend acme: its plugin died of signal [0-9]+ .* in open\(\)' "which says why"
ok "no object" test ! -e x.o
run "$SOLDR" stats
is "$status" 111 "soldr stats: 111"
like "$err" 'the plugin of backend acme died of signal [0-9]+ in open\(\); soldr plugin check' "which says why"
config breaks_compile none
rm -f x.o
run "$SOLDR" gcc -O1 -c x.c
is "$status/$err" "0/" "a plugin that lives serves as before"

done_testing
