#!/bin/sh
# Every target of tests/fuzz: its first inputs, past finds, and inputs made of them at random. What
# libFuzzer finds takes `make fuzz`; a find becomes a file in tests/fuzz/crashes/TARGET.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
replay=${SOLDR_TEST_REPLAY:-$root/build/tests/fuzz-replay}
if [ ! -x "$replay" ]; then
	skip "targets of tests/fuzz" "no $replay: make builds it for make check-e2e"
	done_testing
fi
# Under a sanitizer a find has to die of a signal, so that its input is kept.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}abort_on_error=1:handle_abort=0" TMPDIR="$T"

"$replay" --list >targets
ok "there are targets" test "$(wc -l <targets)" -ge 30
while read -r target max; do
	mkdir -p "seeds/$target"
	"$replay" --seeds "$target" "seeds/$target"
	find "seeds/$target" "$root/tests/fuzz/seeds/$target" "$root/tests/fuzz/crashes/$target" -type f 2>/dev/null | sort >inputs
	is "$(xargs "$replay" "$target" <inputs 2>&1)" "$target: $(wc -l <inputs) inputs" "$target: first inputs and past finds"
	is "$(xargs "$replay" --mutate 400 "$target" <inputs 2>&1)" "$target: 400 inputs at random" "$target: inputs at random"
	[ -e "crash-$target" ] && lib_note "the input" "$(od -An -c "crash-$target" | head -40)"
done <targets
is "$(find "$root/tests/fuzz/seeds" "$root/tests/fuzz/crashes" -mindepth 1 -maxdepth 1 -type d -exec basename {} \; | sort -u |
	while read -r name; do grep -q "^$name " targets || echo "$name"; done)" "" "no inputs are of a target that is gone"

done_testing
