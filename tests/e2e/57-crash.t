#!/bin/sh
# s01: a part of tests/fault/crash.py: soldr is killed, power is lost, and no wrong byte is served afterwards.
# make crash is the whole.
programs=${SOLDR_TEST_FAULT:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

programs=${programs:-$lib_dir/../../build/tests/fault}
[ -x "$programs/soldr-faulty" ] || { echo "1..0 # SKIP no $programs/soldr-faulty: make check-e2e builds it"; exit 0; }
export SOLDR_BIN="$SOLDR" SOLDR_TEST_FAULT="$programs" TMPDIR="$T"

for part in "calls 197" "table 131" "random 30" "power 4"; do
	run python3 "$lib_dir/../fault/crash.py" --calls 0 --table 0 --random 0 --power 0 --${part% *} ${part#* }
	is "$status" 0 "s01: $part: nothing wrong is served, and nothing else is lost"
	[ "$status" = 0 ] || lib_note report "$out$err"
	printf '%s\n' "$out" | sed 's/^/# /'
	like "$out" '^crash, [a-z]*: [1-9][0-9]* cases, |no ptrace here' "s01: $part: there were cases"
done

# Progress is for terminals alone; what is damaged is said wherever it goes.
echo 'int x;' >x.c
settle
"$SOLDR" gcc -c x.c
entry=$(find "$SOLDR_CACHE_DIR/embedded" -name '*.e')
printf x >>"$entry"
compiler=$(ls -d "$SOLDR_CACHE_DIR"/embedded/v1/compilers/*)
printf x >>"$compiler"
run "$SOLDR" cache verify
is "$status/$err" "1/" "s02: cache verify: damage gives exit status 1, and no progress goes into a pipe"
like "$out" "^$entry: an entry is damaged: its checksum differs \[E70[15]\]$" "s02: cache verify names an entry"
like "$out" "^$compiler: what was learnt of a compiler is damaged: " "s02: and what was learnt of a compiler"
like "$out" '^verify: 4 files, 2 damaged$' "s02: and counts"
ok "s02: and changes nothing" test -e "$entry" -a -e "$compiler"
SOLDR_READONLY=1 run "$SOLDR" cache verify --repair
ok "s02: nor does --repair where nothing may be written" test -e "$entry"
run "$SOLDR" cache verify --repair --json
is "$status $(json "$T/.stdout" files_corrupt) $(json "$T/.stdout" files_removed)" "1 2 2" "s02: --repair removes both"
is "$(json "$T/.stdout" damaged | grep -o "$entry")" "$entry" "s02: and JSON has their names"
run "$SOLDR" cache verify
is "$status" 0 "s02: then all is in order"
run "$SOLDR" cache evict --repair
is "$status" 2 "cache evict knows no --repair"
if command -v script >/dev/null; then
	script -qec "'$SOLDR' cache verify" /dev/null >typescript 2>&1
	ok "progress goes to a terminal" grep -q '100 % checked' typescript
else
	skip "progress goes to a terminal" "no script"
fi
done_testing
