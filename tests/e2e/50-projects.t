#!/bin/sh
# Real projects: Lua, zlib and redis, from their upstream archives, by their own
# Makefiles. Each is built without soldr, then through it with an empty cache,
# then from that cache, always in the same directory, cleaned by its own clean
# target in between. After each build every file of the tree, from objects and
# depfiles to libraries and programs, must be what the plain build left there,
# and the last build may not miss once.
. "$(dirname "$0")/lib.sh"

. "$lib_dir/projects.sh"

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
	build="make -j2 -e -C src linux MYCFLAGS=-g"
	three_builds 34 '"link": 2'
	[ $compiler = gcc ] || continue

	# The same tree through the other backends and back, by configuration alone.
	project=lua-null
	clean >/dev/null
	export SOLDR_BACKEND=null
	run "$SOLDR" $build
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
			through $round $build
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
	through again $build
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
	build="make -j2 all"
	three_builds 30 '"link": 7'
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
	build="make -j2 -C src MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no OPTIMIZATION=-O0 redis-server"
	three_builds 90 '"link": 3, "preprocess_only": 1'
fi

binaries >"$T/binaries-now"
ok "soldr itself was not built again" cmp "$T/binaries" "$T/binaries-now"

done_testing
