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
row() { # ROUND WALL_MS COMPILATIONS HITS MISSES NON_CACHEABLE IDENTICAL: kept for the table
	echo "$*" >>"$root/rows"
}

# The plain and null rounds have no counter: theirs are the compilations that soldr sees in the same build.
table() {
	compilations=$(number "$SOLDR_CACHE_DIR/runs/embedded-cold/summary.json" compilations)
	echo "$command: $compilations compilations, $(wc -l <"$root/out/plain") files compared"
	awk -v all="$compilations" '
		BEGIN { printf "%-14s %9s %8s %9s %6s %7s %14s %10s\n", "round", "wall", "units", "ms/unit", "hits", "misses", "non-cacheable", "identical" }
		{ n = $3 == "-" ? all : $3
		  printf "%-14s %7.2f s %8d %9s %6s %7s %14s %10s\n", $1, $2 / 1000, n, (n > 0 ? sprintf("%.1f", $2 / n) : "-"), $4, $5, $6, $7 }
	' "$root/rows"
}

round() { # NAME CMD…: builds, checks, prints a row
	name=$1
	shift
	echo "demo: $name" >&2
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
	if [ "$name" = plain ]; then
		row "$name" "$wall" - - - - "(truth)"
		return
	fi
	summary=$SOLDR_CACHE_DIR/runs/$name/summary.json
	if [ -f "$summary" ]; then
		row "$name" "$wall" "$(number "$summary" compilations)" "$(number "$summary" hits)" "$(number "$summary" misses)" \
			"$(($(number "$summary" non_cacheable) + $(number "$summary" passthrough)))" "$same"
	else
		row "$name" "$wall" - - - - "$same"
	fi
}

through() { # NAME [OPTIONS…]
	name=$1
	shift
	round "$name" env SOLDR_RUN_ID="$name" "$soldr" "$@" build -- sh -c "$command"
}

round plain sh -c "$command"
if ! grep -q '\.o$' "$root/out/plain"; then
	echo "demo: '$command' in $source made no object" >&2
	exit 1
fi

cat >"$root/ccache.yaml" <<'END'
version: 1
backends:
  ccache: {plugin: wrapped, options: {profile: ccache, binary: ccache}}
END

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
fi
table
command -v ccache >/dev/null || echo "(no ccache here: nothing was wrapped)"

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
