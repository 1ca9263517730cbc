#!/bin/sh
# s04 s10 s12: a short form of tests/fault/soak.py: 64 processes, two versions of soldr, evictions, kills, failing
# calls and a full disk over one small store. make soak is the long one.
programs=${SOLDR_TEST_FAULT:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

programs=${programs:-$lib_dir/../../build/tests/fault}
[ -x "$programs/soldr-faulty" ] || { echo "1..0 # SKIP no $programs/soldr-faulty: make check-e2e builds it"; exit 0; }
export SOLDR_BIN="$SOLDR" SOLDR_TEST_FAULT="$programs" TMPDIR="$T"

run python3 "$lib_dir/../fault/soak.py" --compiles 384 --cap 1 --seed 59
is "$status" 0 "s12: every output is right, counters and journal add up, the limit is kept"
[ "$status" = 0 ] || lib_note report "$out$err"
printf '%s\n' "$out" | sed 's/^/# /'
like "$out" ' [0-9]{2,} by the other version, ' "s04: two versions took part"
like "$out" 'entry_corrupt [0-9]{2,}' "s04: and each took the other's files for damaged"
like "$out" ' [0-9]{2,} hits, ' "s12: results were served all the same"

# s04: neither reads the other's format, and a downgrade is an upgrade.
echo 'int x;' >x.c
gcc -c x.c -o want.o
settle
for soldr in "$SOLDR" "$programs/soldr-other" "$SOLDR"; do
	for n in 1 2; do
		rm -f x.o
		"$soldr" gcc -c x.c
		ok "s04: $(basename "$soldr"), compile $n: the object" cmp x.o want.o
	done
done
"$SOLDR" stats --json >stats.json
is "$(json stats.json hits) $(json stats.json misses) $(json stats.json reasons entry_corrupt)" "3 3 2" \
	"s04: each version misses once after the other, and hits its own"
done_testing
