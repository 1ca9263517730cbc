#!/bin/sh
# run.sh FUZZ REPLAY SECONDS [TARGET…]: each target for that long (all by default), from its seeds
# (seeds/TARGET, and those that REPLAY generates), past finds (crashes/TARGET) and what earlier runs
# found interesting (corpus/TARGET beside FUZZ). What ends the program, takes more than a minute for
# one input or more than 512 MiB goes to finds/TARGET beside FUZZ. Exit status 1 when something did.
here=$(cd "$(dirname "$0")" && pwd)
fuzz=$1 replay=$2 seconds=$3
shift 3
work=$(cd "$(dirname "$fuzz")/.." && pwd)
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/soldr-fuzz-run.XXXXXX") || exit 2
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM
"$replay" --list >"$TMPDIR/targets" || exit 2
[ $# -gt 0 ] || set -- $(cut -d' ' -f1 "$TMPDIR/targets")
failed=0
for target; do
	max=$(sed -n "s/^$target //p" "$TMPDIR/targets")
	[ -n "$max" ] || { echo "run.sh: there is no target $target; $replay --list names them" >&2; exit 2; }
	corpus=$work/corpus/$target finds=$work/finds/$target
	mkdir -p "$corpus" "$finds" "$TMPDIR/seeds/$target"
	"$replay" --seeds "$target" "$TMPDIR/seeds/$target" || exit 2
	set --
	for dir in "$here/seeds/$target" "$here/crashes/$target"; do
		[ -d "$dir" ] && set -- "$@" "$dir"
	done
	if SOLDR_FUZZ_TARGET=$target "$fuzz" -max_total_time="$seconds" -max_len="$max" -timeout=60 -rss_limit_mb=512 \
		-malloc_limit_mb=256 -use_value_profile=1 -artifact_prefix="$finds/" -print_final_stats=1 -verbosity=0 \
		"$corpus" "$TMPDIR/seeds/$target" "$@" >"$TMPDIR/log" 2>&1; then
		echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$TMPDIR/log") inputs in $seconds s, nothing found"
	else
		failed=1
		echo "$target: found something:"
		tail -40 "$TMPDIR/log"
	fi
done
exit $failed
