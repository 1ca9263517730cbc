# projects.sh: real projects, built three times: without soldr, through it with an
# empty cache, and from that cache, always in the same directory. Source it after
# lib.sh. The test sets $project, and defines or sets before three_builds:
#
#	configure   given the words in front of a command: soldr's, or none
#	clean       takes the tree back to where configure starts
#	build       a command line that builds; split into words
#	outputs     an expression of find(1): the files that must equal the plain build's

fetch=$lib_dir/fetch-source.sh
work=$T/work # every build of every project is here: paths reach objects through -g
unset LD_PRELOAD LD_LIBRARY_PATH
# All files, but for zlib's configure.log, which names its own process.
outputs='! -name configure.log'

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

# Every output with its content, links with their target.
tree() {
	find . -type f $outputs -exec sha256sum {} + | sort -k 2
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

# The whole of it. HITS: how many there must be at least, NON_CACHEABLE: the reasons for which units are refused, as
# JSON members.
three_builds() { # HITS NON_CACHEABLE
	export SOLDR_CACHE_DIR="$T/cache-$project"
	run configure
	run $build
	is "$status" 0 "$project: plain build"
	tree >"$T/plain"
	run clean
	run configure "$SOLDR" build --
	through cold $build
	same_tree cold
	counts cold
	is "$reasons" "{\"not_seen\": $misses${2:+, $2}}" "$project: cold: nothing is refused but ${2:-nothing}"
	is "$faults" 0 "$project: cold: no fault"
	run clean
	run configure "$SOLDR" build --
	through warm $build
	same_tree warm
	counts warm
	is "$misses" 0 "$project: warm: no miss"
	is "$reasons" "{$2}" "$project: warm: a hit for everything but ${2:-nothing}"
	is "$faults" 0 "$project: warm: no fault"
	ok "$project: warm: at least $1 hits" test "$hits" -ge "$1"
}
