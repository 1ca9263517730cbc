# lib.sh: TAP for the end-to-end tests, in POSIX sh. Source it first:
#
#	. "$(dirname "$0")/lib.sh"
#
# It makes a temporary root $T, removed at the end, with HOME, the XDG
# directories and SOLDR_CACHE_DIR in it; clears every variable that could change
# what soldr or a build does; and sets $SOLDR to the soldr under test: $SOLDR_BIN,
# or bin/soldr of the build tree. Tests run in $T.
#
#	run CMD…            runs it: $status, $out (stdout), $err (stderr)
#	ok NAME CMD…        passes when CMD succeeds
#	is GOT WANT NAME    compares strings
#	like GOT ERE NAME   matches a line of GOT against an extended regular expression
#	unlike GOT ERE NAME
#	skip NAME WHY
#	settle              waits until file times have moved on: inputs as young as
#	                    the compile are not stored
#	drop PATH…          removes what is below $T; anything else ends the test
#	done_testing        the plan, and the exit status

lib_dir=$(cd "$(dirname "$0")" && pwd) || exit 1
SOLDR=${SOLDR_BIN:-$lib_dir/../../build/bin/soldr}
case $SOLDR in
/*) ;;
*) SOLDR=$(cd "$(dirname "$SOLDR")" && pwd)/$(basename "$SOLDR") ;;
esac
SOLDR=$(readlink -f "$SOLDR")
[ -x "$SOLDR" ] || { echo "Bail out! no soldr at $SOLDR: run make, or set SOLDR_BIN"; exit 1; }

for lib_name in $(env | sed -n 's/^\(\(SOLDR\|CCACHE\|CMAKE\|CARGO_BUILD\|RUSTC\|XDG\)_[A-Z_]*\)=.*/\1/p') \
	MAKEFLAGS MFLAGS MAKELEVEL TRACEPARENT CI CC CXX CFLAGS CXXFLAGS GCC_COLORS SOURCE_DATE_EPOCH; do
	case $lib_name in # what tests are told stays, but soldr and builds do not see it
	SOLDR_TEST_*) eval "lib_value=\$$lib_name; unset $lib_name; $lib_name=\$lib_value" ;;
	*) unset "$lib_name" ;;
	esac
done
# Tools that keep themselves below HOME still have to be found there.
[ -d "$HOME/.rustup" ] && export RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
[ -d "$HOME/.cargo" ] && export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}"
[ -d "$HOME/.pyenv" ] && export PYENV_ROOT="${PYENV_ROOT:-$HOME/.pyenv}"

T=$(mktemp -d "${TMPDIR:-/tmp}/soldr-e2e.XXXXXX") || exit 1
T=$(cd "$T" && pwd -P) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
export HOME="$T/home" XDG_CONFIG_HOME="$T/config" XDG_CACHE_HOME="$T/xdg-cache" SOLDR_CACHE_DIR="$T/cache" LC_ALL=C
mkdir -p "$HOME" "$XDG_CONFIG_HOME/soldr" "$XDG_CACHE_HOME"
cd "$T" || exit 1

lib_count=0
lib_failed=0

lib_result() { # 0|1 NAME
	lib_count=$((lib_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $lib_count - $2"
	else
		echo "not ok $lib_count - $2"
		lib_failed=$((lib_failed + 1))
	fi
}

lib_note() { # LABEL TEXT
	printf '%s\n' "$2" | sed "s/^/# $1: /"
}

run() {
	"$@" >"$T/.stdout" 2>"$T/.stderr"
	status=$?
	out=$(cat "$T/.stdout")
	err=$(cat "$T/.stderr")
}

ok() {
	lib_name=$1
	shift
	if "$@" >"$T/.check" 2>&1; then
		lib_result 0 "$lib_name"
	else
		lib_result 1 "$lib_name"
		lib_note failed "$* (status $?)"
		lib_note output "$(cat "$T/.check")"
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		lib_result 0 "$3"
	else
		lib_result 1 "$3"
		lib_note got "$1"
		lib_note want "$2"
	fi
}

like() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		lib_result 0 "$3"
	else
		lib_result 1 "$3"
		lib_note got "$1"
		lib_note pattern "$2"
	fi
}

unlike() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		lib_result 1 "$3"
		lib_note got "$1"
		lib_note unwanted "$2"
	else
		lib_result 0 "$3"
	fi
}

skip() {
	lib_count=$((lib_count + 1))
	echo "ok $lib_count - $1 # SKIP $2"
}

settle() {
	: >.tick
	while : >.tock && [ -z "$(find .tock -newer .tick)" ]; do :; done
	rm -f .tick .tock
}

drop() {
	for drop_path in "$@"; do
		case $drop_path in
		"$T"/?*) rm -rf "$drop_path" ;;
		*) echo "Bail out! $drop_path is not below $T"; exit 1 ;;
		esac
	done
}

# The value at a path of keys in a JSON file: json FILE KEY…
json() {
	python3 -c 'import json,sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2:]:
    v = v[int(k)] if isinstance(v, list) else v[k]
print(json.dumps(v) if isinstance(v, (dict, list, bool)) or v is None else v)' "$@"
}

done_testing() {
	echo "1..$lib_count"
	[ "$lib_failed" = 0 ]
	exit $?
}
