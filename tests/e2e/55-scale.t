#!/bin/sh
# Large stores, many compiles at once, many candidates: what a compile costs does not grow with
# what is there. Costs are system calls, never times. make bench-scale does it with larger stores.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
fill=${SOLDR_TEST_FILL:-$root/build/tests/fill}
[ -x "$fill" ] || { echo "1..0 # SKIP no $fill: make check-e2e builds it"; exit 0; }
entries=3000

stat() { # KEY…: a value of soldr stats
	"$SOLDR" stats --json >stats.json && json stats.json "$@"
}
limit() { # BYTES: of the store
	printf 'version: 1\nbackends:\n  embedded:\n    options: {max_size: %s, max_candidates: 200}\n' "$1" >"$XDG_CONFIG_HOME/soldr/soldr.yaml"
}
mkdir trace # outputs are watched, and a log beside them would make soldr read, and so grow
calls() { # CMD…: how many system calls soldr itself makes
	strace -o trace/calls "$@" >trace/out 2>&1 && grep -c "^[a-z_0-9]*(" trace/calls
}
files() {
	find "$SOLDR_CACHE_DIR/embedded/v1" -name "*.$1" | wc -l
}
have_strace=$(command -v strace)
[ -n "${SOLDR_TEST_SAN:-}" ] && have_strace= # the sanitizers make calls of their own

# ---- a store of thousands of entries ------------------------------------------------------

echo 'int f(int a) { return a * 3; }' >x.c
gcc -c x.c -o want.o
settle
"$SOLDR" gcc -c x.c -o x.o
[ -n "$have_strace" ] && small=$(calls "$SOLDR" gcc -c x.c -o x.o)
ok "results are filled in" "$fill" "$SOLDR_CACHE_DIR" $entries
is "$(stat entries)" $((entries + 1)) "they are counted"
rm -f x.o
"$SOLDR" gcc -c x.c -o x.o
ok "a hit among them is right" cmp x.o want.o
is "$(stat misses)" 1 "and is a hit"
if [ -n "$have_strace" ]; then
	is "$(calls "$SOLDR" gcc -c x.c -o x.o)" "$small" "a hit makes as many system calls as in an empty store"
else
	skip "a hit makes as many system calls as in an empty store" "no strace"
fi
"$SOLDR" cache verify --json >verify.json
is "$(json verify.json files_seen) $(json verify.json files_corrupt)" "$(find "$SOLDR_CACHE_DIR"/embedded/v1/?? "$SOLDR_CACHE_DIR"/embedded/v1/compilers -type f | wc -l) 0" \
	"verify finds every file in order"
ok "and those that were filled in" test "$(json verify.json files_seen)" -ge $((2 * entries + 2))

# ---- upkeep ---------------------------------------------------------------------------------

# What a compile may do for the store at most, in system calls: two writes, each of which looks at some two samples.
bound=20000
bytes=$(stat size_bytes)
limit $((bytes / 4))
if [ -n "$have_strace" ]; then
	got=$(SOLDR_RECACHE=1 calls "$SOLDR" gcc -c x.c -o x.o)
	ok "a compile that evicts makes a bounded number of system calls ($got)" test "$got" -lt $bound
else
	skip "a compile that evicts makes a bounded number of system calls" "no strace"
fi
turns=0
while [ "$(stat size_bytes)" -gt $((bytes / 4)) ] && [ $turns -lt 1000 ]; do
	SOLDR_RECACHE=1 "$SOLDR" gcc -c x.c -o x.o || break
	turns=$((turns + 1))
done
ok "compiles bring the store below a limit that was lowered (in $turns)" test "$(stat size_bytes)" -le $((bytes / 4))
ok "and not far below" test "$(stat size_bytes)" -ge $((bytes / 8))
ok "what was used last is still there" cmp x.o want.o
misses=$(stat misses)
"$SOLDR" gcc -c x.c -o x.o
is "$(stat misses)" "$misses" "as a hit"

drop "$SOLDR_CACHE_DIR/embedded/v1/size"
"$SOLDR" gcc -c x.c -o x.o
SOLDR_RECACHE=1 "$SOLDR" gcc -c x.c -o x.o
is "$(stat entries)" "$(files e)" "a lost sizes file is counted anew"

# Two at once remove what one would, and a third that is killed loses nothing but what it removed.
"$SOLDR" cache clear >cleared
"$fill" "$SOLDR_CACHE_DIR" $entries
bytes=$(stat size_bytes)
limit $((bytes / 2))
"$SOLDR" cache evict >evict.1 2>&1 &
first=$!
"$SOLDR" cache evict >evict.2 2>&1 &
second=$!
"$SOLDR" cache evict >evict.3 2>&1 &
third=$!
kill -9 $third 2>kill.err
wait $first
is "$?" 0 "two evictors at once: the first"
wait $second
is "$?" 0 "two evictors at once: the second"
wait $third 2>wait.err
left=$(($(files e) + $(files m)))
ok "together they remove what one would ($left files left)" test $left -le $((entries + 2)) -a $left -ge $((entries * 8 / 10))
"$SOLDR" cache verify --repair --json >verify.json
is "$(json verify.json files_corrupt)" 0 "what is left is whole"
is "$(stat entries)" "$(files e)" "and counted"

# ---- many at once -----------------------------------------------------------------------------

many=500
drop "$SOLDR_CACHE_DIR"
limit 1GiB
mkdir many
for n in $(seq $many); do echo "int f$n(int a) { return a + $n; }" >many/$n.c; done
settle
at_once() {
	rm -f many/*.o
	ok "$1: $many compiles at once succeed" sh -c "seq $many | xargs -P $many -I{} '$SOLDR' gcc -c many/{}.c -o many/{}.o"
}
at_once misses
cp -r many compiled
# Two outputs may share a slot of the table of claims (output_contended); such a result is not stored. It is rare.
stored=$(stat misses)
is "$(stat compilations) $(stat fallbacks)" "$many 0" "misses: each is counted"
like "$(stat reasons)" '^\{"not_seen": [0-9]*(, "output_contended": [0-9]*)?\}$' "none is left out but for a shared slot"
ok "and nearly all are stored ($stored)" test "$stored" -ge $((many * 95 / 100))
is "$(stat entries) $(files e)" "$stored $stored" "each miss was stored, and counted"
at_once hits
is "$(stat hits) $(stat compilations) $(stat fallbacks)" "$stored $((2 * many)) 0" "hits: each is counted"
ok "each hit is what the compiler wrote" diff -r many compiled

# ---- many candidates ----------------------------------------------------------------------------

candidates=200 headers=30
mkdir inc versions
for n in $(seq $headers); do echo "#define H$n" >inc/h$n.h; echo "#include \"h$n.h\""; done >y.c
printf '#include "version.h"\nint version = VERSION;\n' >>y.c
for n in $(seq $candidates); do echo "#define VERSION $((1000 + n))" >versions/$n.h; done
settle
version() { # N: links, so that each version keeps its own times
	ln -sfn ../versions/$1.h inc/version.h
}
for n in $(seq $candidates); do
	version $n
	"$SOLDR" gcc -Iinc -c y.c -o y.o || break
done
hits=$(stat hits) misses=$(stat misses)
for n in 1 $candidates; do
	version $n
	gcc -Iinc -c y.c -o bare.o
	rm -f y.o
	"$SOLDR" gcc -Iinc -c y.c -o y.o
	ok "candidate $n of $candidates: right" cmp y.o bare.o
	[ -z "$have_strace" ] || calls "$SOLDR" gcc -Iinc -c y.c -o y.o >calls.$n
done
ok "they are hits" test "$(stat hits)" -ge $((hits + 2))
is "$(stat misses)" "$misses" "all of them"
if [ -n "$have_strace" ]; then
	oldest=$(cat calls.1) newest=$(cat calls.$candidates)
	ok "the oldest costs a look at each version more than the newest ($oldest, $newest)" \
		test "$oldest" -le $((newest + candidates + 20))
else
	skip "the oldest costs a look at each version more than the newest" "no strace"
fi

# ---- a directory in which something is written all the time ---------------------------------------

if [ -n "$have_strace" ]; then
	SOLDR_RECACHE=1 run timeout -k 1 60 strace -o log "$SOLDR" gcc -c x.c -o x.o
	is "$status" 0 "a log that grows with each look at the directory holds no compile"
	ok "its output is right" cmp x.o want.o
else
	skip "a log that grows with each look at the directory holds no compile" "no strace"
fi

done_testing
