#!/bin/sh
# demo.sh: one project, built through every backend, compared byte for byte.
#
#	SOLDR_BIN=build/bin/soldr tests/demo.sh
#	DEMO_SRC=dir DEMO_CMD='make -j2' tests/demo.sh
#
# Without DEMO_SRC the project is soldr itself. It is copied to a temporary
# directory and built there once for each round, always under the same path
# (debug information holds it) and from the same file times. The plain round is
# the truth: whatever the build makes there, objects, depfiles, libraries and
# programs, must come out the same in every other round. Exit status 1 when
# anything differs.

here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
soldr=$(readlink -f "${SOLDR_BIN:-$here/build/bin/soldr}")
[ -x "$soldr" ] || { echo "demo: no soldr at $soldr: run make, or set SOLDR_BIN" >&2; exit 1; }
source=${DEMO_SRC:-$here}
command=${DEMO_CMD:-make -j$(nproc 2>/dev/null || echo 2)}
[ -d "$source" ] || { echo "demo: DEMO_SRC=$source is no directory" >&2; exit 1; }

for name in $(env | sed -n 's/^\(\(SOLDR\|CCACHE\)_[A-Z_]*\)=.*/\1/p') MAKEFLAGS MFLAGS MAKELEVEL CC CXX CFLAGS CXXFLAGS; do
	unset "$name"
done
root=$(mktemp -d "${TMPDIR:-/tmp}/soldr-demo.XXXXXX") && root=$(cd "$root" && pwd -P) || exit 1
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
export SOLDR_CACHE_DIR="$root/cache" XDG_CONFIG_HOME="$root/config" CCACHE_DIR="$root/ccache" LC_ALL=C
mkdir "$root/pristine" "$root/config" "$root/out"
work=$root/work

if [ -z "$DEMO_SRC" ]; then
	tar -C "$source" --exclude=./build --exclude=./.git -cf - . | tar -C "$root/pristine" -xf -
else
	cp -a "$source/." "$root/pristine"
fi

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

restore() { # the sources as they were, with their times
	case $work in
	"$root"/?*) rm -rf "$work" ;;
	*) exit 1 ;;
	esac
	cp -a "$root/pristine" "$work" && cd "$work" || exit 1
}

products() { # every file that is not a source, by content
	find . -type f -newer "$root/began" ! -path './.git/*' -exec sha256sum {} + | sort -k 2
}

number() { # FILE KEY
	sed -n "s/^ *\"$2\": \([0-9]*\),*$/\1/p" "$1" | head -n 1
}

failed=0
row() { # ROUND WALL_MS COMPILATIONS HITS MISSES NON_CACHEABLE IDENTICAL
	each=-
	[ "${3:-0}" != - ] && [ "${3:-0}" -gt 0 ] && each=$(awk -v w="$2" -v n="$3" 'BEGIN { printf "%.1f", w / n }')
	printf '%-14s %9s %8s %9s %6s %7s %14s %10s\n' "$1" "$(awk -v w="$2" 'BEGIN { printf "%.2f s", w / 1000 }')" \
		"$3" "$each" "$4" "$5" "$6" "$7"
}

round() { # NAME CMD…: builds, checks, prints a row
	name=$1
	shift
	restore
	sync
	: >"$root/began"
	# What the build makes is newer than this file; file systems stamp times in ticks.
	: >"$root/tick"
	while [ -z "$(find "$root/tick" -newer "$root/began")" ]; do : >"$root/tick"; done
	start=$(now_ms)
	if ! "$@" >"$root/log" 2>&1; then
		echo "demo: $name: the build failed:" >&2
		tail -n 20 "$root/log" >&2
		exit 1
	fi
	wall=$(($(now_ms) - start))
	products >"$root/out/$name"
	same=yes
	if ! cmp -s "$root/out/plain" "$root/out/$name"; then
		same=NO
		failed=1
		diff "$root/out/plain" "$root/out/$name" | sed -n 's/^[<>] [0-9a-f]*  /differs: /p' | sort -u >>"$root/differs"
	fi
	[ "$name" = plain ] && { plain_wall=$wall; return; }
	summary=$SOLDR_CACHE_DIR/runs/$name/summary.json
	if [ -f "$summary" ]; then
		row "$name" "$wall" "$(number "$summary" compilations)" "$(number "$summary" hits)" "$(number "$summary" misses)" \
			"$(($(number "$summary" non_cacheable) + $(number "$summary" passthrough)))" "$same"
	else
		row "$name" "$wall" "$units" - - - "$same"
	fi
}

through() { # NAME [OPTIONS…]
	name=$1
	shift
	round "$name" env SOLDR_RUN_ID="$name" "$soldr" "$@" build -- sh -c "$command"
}

round plain sh -c "$command"
objects=$(grep -c '\.o$' "$root/out/plain")
if [ "$objects" = 0 ]; then
	echo "demo: '$command' in $source made no object" >&2
	exit 1
fi

cat >"$root/ccache.yaml" <<'END'
version: 1
backends:
  ccache: {plugin: wrapped, options: {profile: ccache, binary: ccache}}
END

# The plain round ran without a counter; its units are those that soldr sees in the same build.
units=$objects
echo "$command, $objects objects, $(wc -l <"$root/out/plain") files compared"
printf '%-14s %9s %8s %9s %6s %7s %14s %10s\n' round wall units ms/unit hits misses non-cacheable identical
row plain "$plain_wall" "$units" - - - "(truth)"
# On the command line `null` opens no session: the compilers are soldr, which becomes the real ones.
mkdir "$root/shims"
for compiler in gcc cc g++ c++ clang clang++; do
	command -v $compiler >/dev/null && ln -s "$soldr" "$root/shims/$compiler"
done
round null env SOLDR_BACKEND=null PATH="$root/shims:$PATH" sh -c "$command"
through embedded-cold --backend embedded
through embedded-warm --backend embedded
warm=$SOLDR_CACHE_DIR/runs/embedded-warm/summary.json
if command -v ccache >/dev/null; then
	through wrapped-cold --config "$root/ccache.yaml" --backend ccache
	through wrapped-warm --config "$root/ccache.yaml" --backend ccache
else
	echo "wrapped: no ccache here"
fi

if [ $failed = 1 ]; then
	sort "$root/differs" | uniq -c | sort -rn | head -n 20 >&2
	echo "demo: some files differ from the plain build" >&2
	exit 1
fi
if [ "$(number "$warm" misses)" != 0 ]; then
	echo "demo: the warm round had misses" >&2
	exit 1
fi
echo "Every file of every round is byte for byte that of the plain build."
