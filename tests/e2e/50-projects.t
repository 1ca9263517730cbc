#!/bin/sh
# Real projects: Lua, zlib and redis, from their upstream archives, by their own
# Makefiles. Each is built without soldr, then through it with an empty cache,
# then from that cache, always in the same directory, cleaned by its own clean
# target in between. After each build every file of the tree, from objects and
# depfiles to libraries and programs, must be what the plain build left there,
# and the last build may not miss once.
. "$(dirname "$0")/lib.sh"

fetch=$lib_dir/fetch-source.sh
work=$T/work # every build of every project is here: paths reach objects through -g
unset LD_PRELOAD LD_LIBRARY_PATH

# Unpacks a package's upstream archive into $work, or skips.
unpack() { # PACKAGE
	if ! archive=$("$fetch" "$1" 2>"$T/.fetch"); then
		skip "$project" "$(tail -n 1 "$T/.fetch")"
		return 1
	fi
	case $work in
	"$T"/?*) rm -rf "$work" ;;
	*) echo "Bail out! $work is not below $T"; exit 1 ;;
	esac
	mkdir "$work" && tar -xf "$archive" --strip-components=1 -C "$work" && cd "$work" || exit 1
}

# Every file of the tree with its content, links with their target. configure.log names its own process.
tree() {
	find . -type f ! -name configure.log -exec sha256sum {} + | sort -k 2
	find . -type l -printf '%p -> %l\n' | sort
}

# The tree against the plain build's.
same_tree() { # NAME
	tree >"$T/now"
	if cmp -s "$T/plain" "$T/now"; then
		lib_result 0 "$project: $1: all $(wc -l <"$T/now") files are the plain build's"
	else
		lib_result 1 "$project: $1: every file is the plain build's"
		lib_note "plain (<) and $1 (>)" "$(diff "$T/plain" "$T/now" | grep '^[<>]' | head -n 20)"
	fi
}

counts() { # RUN
	summary=$SOLDR_CACHE_DIR/runs/$1/summary.json
	compilations=$(json "$summary" counts compilations)
	hits=$(json "$summary" counts hits)
	misses=$(json "$summary" counts misses)
	faults=$(($(json "$summary" counts fallbacks) + $(json "$summary" counts errors)))
	reasons=$(json "$summary" reasons)
	echo "# $project: $1: $compilations compilations, $hits hits, $misses misses, not hits: $reasons"
	lib_note "$project: $1: said why" "$(sed -n 's/^[^ ]* [0-9]* info dispatch: \(bypass .*\), exit.*/\1/p' "$T/log-$project-$1" | sort | uniq -c)"
}

# soldr in front of a command, as one run that has a name.
through() { # RUN CMD…
	through_run=$1
	shift
	run env SOLDR_RUN_ID="$through_run" SOLDR_LOG="$T/log-$project-$through_run" "$SOLDR" "$@"
	is "$status" 0 "$project: $through_run: soldr $1 ends well"
	[ "$status" = 0 ] || lib_note stderr "$(printf '%s\n' "$err" | tail -n 20)"
}

# A project under a name. The caller defines configure (of the words before it, soldr's or none), clean and flags.
three_builds() { # NON_CACHEABLE
	export SOLDR_CACHE_DIR="$T/cache-$project"
	run configure
	run make -j2 $flags
	is "$status" 0 "$project: plain build"
	tree >"$T/plain"
	run clean
	run configure "$SOLDR" build --
	through cold make -j2 $flags
	same_tree cold
	counts cold
	is "$reasons" "{\"not_seen\": $misses, $1}" "$project: cold: nothing is refused but $1"
	is "$faults" 0 "$project: cold: no fault"
	run clean
	run configure "$SOLDR" build --
	through warm make -j2 $flags
	same_tree warm
	counts warm
	is "$misses" 0 "$project: warm: no miss"
	is "$reasons" "{$1}" "$project: warm: a hit for everything but $1"
	is "$faults" 0 "$project: warm: no fault"
	ok "$project: warm: there were hits" test "$hits" -gt 20
}

configure() { :; }

binaries() {
	find "$(dirname "$SOLDR")" "$(dirname "$SOLDR")/../lib" -type f -exec stat -c '%n %i %Y %s' {} + | sort
}
binaries >"$T/binaries"

for compiler in gcc clang; do
	project=lua-$compiler
	if ! command -v $compiler >/dev/null; then
		skip "$project" "no $compiler"
		continue
	fi
	unpack lua5.4 || continue
	clean() { make -C src clean; }
	export CC="$compiler -std=gnu99"
	flags="-e -C src linux MYCFLAGS=-g"
	three_builds '"link": 2'
	[ $compiler = gcc ] || continue

	# The same tree through the other backends and back, by configuration alone.
	project=lua-null
	clean >/dev/null
	export SOLDR_BACKEND=null
	run "$SOLDR" make -j2 $flags
	unset SOLDR_BACKEND
	is "$status" 0 "$project: build"
	same_tree null
	if command -v ccache >/dev/null; then
		project=lua-ccache
		cat >"$T/ccache.yaml" <<-EOF
			version: 1
			backend: other
			backends:
			  other: {plugin: wrapped, options: {profile: ccache, binary: ccache}}
		EOF
		export CCACHE_DIR="$T/ccache" SOLDR_CONFIG="$T/ccache.yaml"
		for round in ccache-cold ccache-warm; do
			clean >/dev/null
			through $round make -j2 $flags
			same_tree $round
			counts $round
		done
		is "$hits" 34 "$project: 34 hits in the second round"
		is "$misses" 0 "$project: and no miss"
		stats=$(ccache --print-stats)
		is "$(printf '%s\n' "$stats" | awk '$1 == "direct_cache_hit" || $1 == "preprocessed_cache_hit" { n += $2 } END { print n }')" \
			34 "$project: ccache's own counters say 34 hits"
		is "$(printf '%s\n' "$stats" | awk '$1 == "cache_miss" { print $2 }')" 34 "$project: and 34 misses of the first round"
		unset CCACHE_DIR SOLDR_CONFIG
	else
		skip lua-ccache "no ccache"
	fi
	project=lua-embedded
	clean >/dev/null
	through again make -j2 $flags
	same_tree again
	counts again
	is "$hits $misses" "34 0" "$project: the cache is as it was left"
done
unset CC

# The decoder's state is named TIME, and a header of the C library pastes "__"
# to names: the scan suspects __TIME__, and the preprocessor clears it.
project=zlib
if unpack zlib; then
	configure() { "$@" ./configure; }
	clean() { make distclean; }
	flags=all
	three_builds '"link": 7'
	configure() { :; }
fi

# redis stamps the time of its first build into release.h, which its clean
# targets leave alone, so all three builds have the plain build's stamp. Its
# Makefile compiles a probe each time it is read, and asks for dependencies
# by -MM; liblua's two programs and the server are links. Without optimisation
# the two builds take half the time, and a cache sees the same requests.
project=redis
if unpack redis; then
	clean() { make -C src distclean; }
	flags="-C src MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no OPTIMIZATION=-O0 redis-server"
	three_builds '"link": 3, "preprocess_only": 1'
fi

binaries >"$T/binaries-now"
ok "soldr itself was not built again" cmp "$T/binaries" "$T/binaries-now"

done_testing
