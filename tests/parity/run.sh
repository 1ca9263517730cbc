#!/bin/sh
# run.sh: the parity gate. The corpus through every backend; a difference of
# embedded or null fails, one of a wrapped tool is shown as that tool's.
#
#   SOLDR_BIN=build/bin/soldr tests/parity/run.sh [PARITY-OPTIONS…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
soldr=${SOLDR_BIN:-$here/../../build/bin/soldr}
root=$(mktemp -d "${TMPDIR:-/tmp}/soldr-corpus.XXXXXX")
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
export XDG_CONFIG_HOME="$root/config" SOLDR_CACHE_DIR="$root/cache" LC_ALL=C
unset SOLDR_CONFIG SOLDR_BACKEND SOLDR_BYPASS

echo "corpus: $(python3 "$here/corpus.py" "$root/corpus")"
sleep 0.1 # inputs must be older than the compiles
status=0
echo '== embedded and null'
"$soldr" parity --backends embedded,null --compdb "$root/corpus/compile_commands.json" "$@" || status=$?
if command -v ccache >/dev/null 2>&1; then
	echo "== wrapped: $(ccache --version | head -n 1) (differences are the tool's own)"
	"$soldr" parity --backends wrapped --compdb "$root/corpus/compile_commands.json" "$@" || [ $? = 1 ]
else
	echo '== wrapped: skipped, ccache is not installed'
fi
exit "$status"
