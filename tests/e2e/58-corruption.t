#!/bin/sh
# s02: a part of tests/fault/corrupt.py: files of the store are damaged, and what is served is right. make corrupt is
# the whole.
. "$(dirname "$0")/lib.sh"

export SOLDR_BIN="$SOLDR" TMPDIR="$T"
run python3 "$lib_dir/../fault/corrupt.py" --number 120 --seed 58
is "$status" 0 "s02: no damage to the store reaches a result"
[ "$status" = 0 ] || lib_note report "$out$err"
printf '%s\n' "$out" | sed 's/^/# /'
like "$out" '^corruption: 120 cases, 0 failed, ' "s02: all of them ran"
like "$out" '[1-9][0-9]* noticed' "s02: and damage was noticed"
done_testing
