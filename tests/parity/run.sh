#!/bin/sh
# run.sh: the parity gate. The corpus through every backend; a difference of
# embedded or null fails, one of a wrapped tool is shown as that tool's.
#
#   SOLDR_BIN=build/bin/soldr tests/parity/run.sh [PARITY-OPTIONS…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
soldr=${SOLDR_BIN:-$here/../../build/bin/soldr}
root=$(mktemp -d "${TMPDIR:-/tmp}/soldr-corpus.XXXXXX")
server= # the sccache to be stopped
trap '[ -z "$server" ] || "$server" --stop-server >/dev/null 2>&1; rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
export XDG_CONFIG_HOME="$root/config" SOLDR_CACHE_DIR="$root/cache" LC_ALL=C
unset SOLDR_CONFIG SOLDR_BACKEND SOLDR_BYPASS

# The tool's own differences are shown, and are no failure of the gate.
wrapped() { # DATABASE OPTIONS…
	database=$1
	shift
	"$soldr" "$@" --compdb "$root/corpus/$database" || [ $? = 1 ]
}

echo "corpus: $(python3 "$here/corpus.py" "$root/corpus")"
sleep 0.1 # inputs must be older than the compiles
status=0
echo '== embedded and null'
"$soldr" parity --backends embedded,null --compdb "$root/corpus/compile_commands.json" "$@" || status=$?
if command -v ccache >/dev/null 2>&1; then
	echo "== wrapped: $(ccache --version | head -n 1) (differences are the tool's own)"
	wrapped compile_commands.json parity --backends wrapped "$@"
else
	echo '== wrapped: skipped, ccache is not installed'
fi

# sccache compiles in a server, which sees no private mount namespace. It gets the
# requests of rustc, which ccache does not know.
if command -v sccache >/dev/null 2>&1 && command -v rustc >/dev/null 2>&1; then
	echo "== wrapped: $(sccache --version), rustc alone (differences are the tool's own)"
	python3 -c 'import json, sys
requests = json.load(open(sys.argv[1]))
json.dump([r for r in requests if "rustc" in r["arguments"][0]], open(sys.argv[2], "w"))' \
		"$root/corpus/compile_commands.json" "$root/corpus/rustc.json"
	cat >"$root/sccache.yaml" <<-'EOF'
		version: 1
		backends:
		  sccache: {plugin: wrapped, options: {profile: sccache, binary: sccache}}
	EOF
	export SCCACHE_DIR="$root/sccache" SCCACHE_SERVER_PORT=$((20000 + $$ % 20000))
	if sccache --start-server >/dev/null 2>&1; then
		server=sccache
		wrapped rustc.json --config "$root/sccache.yaml" parity --in-place --backends sccache "$@"
		sccache --show-stats | grep -E '^(Compile requests|Cache hits|Cache misses|Non-cacheable)'
	else
		echo '== wrapped: skipped, the server of sccache does not start'
	fi
else
	echo '== wrapped: rustc skipped, sccache or rustc is not installed'
fi
exit "$status"
