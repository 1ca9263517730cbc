#!/bin/sh
# Large and hostile inputs: readers take time and memory in proportion to them. Limits of the
# processor's time and of memory, no clock.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
replay=${SOLDR_TEST_REPLAY:-$root/build/tests/fuzz-replay}
if [ -n "$SOLDR_TEST_SAN" ]; then
	skip "large inputs" "sanitizers take time and memory of their own"
	done_testing
fi
if [ ! -x "$replay" ]; then
	skip "large inputs" "no $replay: make builds it for make check-e2e"
	done_testing
fi
export TMPDIR="$T"
mkdir large
ok "inputs are made" "$root/tests/fuzz/large.py" large
for input in large/*; do
	target=$(basename "$input")
	target=${target%%.*}
	is "$( (ulimit -t 4 && ulimit -v 1000000 && exec "$replay" "$target" "$input") 2>&1)" "$target: 1 inputs" \
		"$(basename "$input"), $(wc -c <"$input") bytes: at most 4 seconds of the processor"
done

done_testing
