#!/bin/sh
# s03: a part of the fault run (tests/fault/faults.py): system calls of a compile fail, and its result is
# right all the same. make fault is the whole.
programs=${SOLDR_TEST_FAULT:-} fill=${SOLDR_TEST_FILL:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

programs=${programs:-$lib_dir/../../build/tests/fault}
[ -x "$programs/soldr-faulty" ] || { echo "1..0 # SKIP no $programs/soldr-faulty: make check-e2e builds it"; exit 0; }
export SOLDR_BIN="$SOLDR" SOLDR_TEST_FAULT="$programs" TMPDIR="$T"
[ -z "$fill" ] || export SOLDR_TEST_FILL="$fill"

run python3 "$lib_dir/../fault/faults.py" --part 7/100
is "$status" 0 "s03: whatever call fails, results are right, the store is in order, and it is counted"
[ "$status" = 0 ] || lib_note report "$out$err"
printf '%s\n' "$out" | sed 's/^/# /'
cases=$(printf '%s\n' "$out" | awk '$0 ~ /^[a-z ]*: [0-9]+ cases, / { sub(/^[a-z ]*: /, ""); n += $1 } END { print n + 0 }')
ok "s03: and there were enough of them ($cases)" test "$cases" -ge 25

# A table that does nothing when it is asked to would pass all of that.
echo 'int x;' >x.c
settle
"$SOLDR" gcc -c x.c
for fault in "write:1:kill" "any:50:kill"; do
	FAULT=$fault run "$programs/soldr-faulty" gcc -c x.c
	is "$status" 137 "faults do happen: $fault"
done
FAULT=nonsense run "$programs/soldr-faulty" gcc -c x.c
is "$status" 2 "and one that is not understood is said"
done_testing
