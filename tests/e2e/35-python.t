#!/bin/sh
# Python packages with a Rust half, installed by pip three times from the same
# place: plain, through soldr with an empty cache, and from that cache. The
# installed library is the plain build's each time, and nothing that can be cached
# is compiled again. The packages are in python/; docs/python.md shows them.
. "$(dirname "$0")/lib.sh"

export CARGO_HOME="${CARGO_HOME:-$T/cargo}" CARGO_TERM_COLOR=never PIP_DISABLE_PIP_VERSION_CHECK=1
for tool in cargo cc; do
	if ! command -v "$tool" >/dev/null; then
		skip "python" "no $tool"
		done_testing
	fi
done
if ! python3 -m venv "$T/venv" >"$T/venv.log" 2>&1; then
	skip "python" "no virtual environment: $(tail -n 1 "$T/venv.log")"
	done_testing
fi
PATH=$T/venv/bin:$PATH

# Takes the tree back to its sources, and the package out of the environment.
clean() {
	drop "$project/target" "$project/build" "$project/hybrid.egg-info" "$project/python/hybrid.egg-info"
	pip uninstall -q -y hybrid >/dev/null 2>&1
}

library() {
	(cd "$T/venv" && find lib -path '*/hybrid/*.so' -exec sha256sum {} +)
}

count() { # RUN NAME
	json "$SOLDR_CACHE_DIR/runs/$1/summary.json" counts "$2"
}

# What a package must show. $plain, $install: pip's command line without and with soldr.
three_installs() { # LABEL EXPRESSION RESULT
	clean
	(cd "$project" && $plain) >"$T/plain.log" 2>&1 || {
		skip "$1" "pip cannot build it here: $(grep -i error "$T/plain.log" | tail -n 1 | tr -d '#')"
		return
	}
	bare=$(library)
	for turn in cold warm; do
		clean
		settle
		ok "$1: $turn: pip install" sh -c 'cd "$1" && SOLDR_RUN_ID=$2 && export SOLDR_RUN_ID && shift 2 && exec "$@"' - "$project" "$1-$turn" $install
		is "$(cd / && python -c "import hybrid; print($2)" 2>&1)" "$3" "$1: $turn: the package works"
		is "$(library)" "$bare" "$1: $turn: the installed library is the plain build's"
	done
	is "$(count "$1-warm" misses)" 0 "$1: warm: no miss"
	is "$(count "$1-warm" hits)" "$(count "$1-cold" misses)" "$1: warm: all that was stored is a hit"
	ok "$1: cold: something was stored" [ "$(count "$1-cold" misses)" -gt 1 ]
	is "$(python -c 'import json, sys
print(*sorted(set(json.load(open(sys.argv[1]))["reasons"]) - {"probe", "no_input", "stdin_input", "compile_failed"}))' \
		"$SOLDR_CACHE_DIR/runs/$1-warm/summary.json")" "" "$1: warm: only questions to the compiler were refused"
}

pip="pip install -v --no-deps ."
mkdir "$T/bare" && printf '#!/bin/sh\nexec "$@"\n' >"$T/bare/soldr" && chmod +x "$T/bare/soldr"
for name in ctypes setuptools-rust maturin; do
	cp -R "$lib_dir/python/$name" "$T/$name" && project=$T/$name
	export SOLDR_CACHE_DIR="$T/cache-$name"
	case $name in
	# setup.py runs "soldr cargo build" itself; in the plain build what it finds by that name does nothing but run cargo.
	ctypes) plain="env SOLDR=$T/bare/soldr $pip" install="env SOLDR=$SOLDR $pip" ;;
	# The build back end finds cargo by itself: soldr stands in front of pip.
	*) plain=$pip install="$SOLDR build -- $pip" ;;
	esac
	three_installs "$name" 'hybrid.double(21)' 42
done
done_testing
