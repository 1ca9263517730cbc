#!/bin/sh
# The upstream source archive of a distribution's source package:
#
#	fetch-source.sh PACKAGE
#
# prints the archive's path. It is kept in build/test-sources, so that only the
# first run of the tests needs a network. The package comes from wherever this
# machine's own apt gets its packages: the configured sources are copied to a
# private directory with deb turned into deb-src, and apt works on those copies
# alone. Exit status 1, with a sentence on stderr, when there is no such source.

package=$1
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
store=$root/build/test-sources
mkdir -p "$store" || exit 1

kept() {
	set -- "$store/$package/"*.orig.tar.*
	case $1 in *.asc) shift ;; esac
	[ -f "$1" ] && echo "$1"
}

kept && exit 0

die() {
	echo "$*" >&2
	exit 1
}

command -v apt-get >/dev/null || die "apt-get is not here, so the source of $package cannot be fetched"

# One at a time: the lists are shared by all packages.
if [ -z "$FETCH_SOURCE_LOCKED" ] && command -v flock >/dev/null; then
	export FETCH_SOURCE_LOCKED=1
	exec flock "$store/lock" "$0" "$package"
fi

apt=$store/apt
parts=$apt/sources
private() {
	apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$parts" -o Dir::State::lists="$apt/lists" \
		-o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o Acquire::http::Timeout=20 -o Acquire::Retries=1 "$@"
}

if [ ! -e "$apt/ready" ]; then
	mkdir -p "$parts" "$apt/lists/partial" "$apt/cache/archives/partial" || exit 1
	eval "$(apt-config shell list Dir::Etc::sourcelist/f dir Dir::Etc::sourceparts/d)"
	for file in "$list" "$dir"/*.list; do
		[ -f "$file" ] && sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" >"$parts/$(basename "$file")"
	done
	for file in "$dir"/*.sources; do
		[ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$parts/$(basename "$file")"
	done
	# A source of somebody else may have no source packages: what counts is whether the package is found below.
	private update >"$apt/update.log" 2>&1
	[ -n "$(find "$apt/lists" -maxdepth 1 -name '*_Sources*' -print)" ] ||
		die "no list of source packages: $(grep -v '^W:' "$apt/update.log" | head -n 1)"
	: >"$apt/ready"
fi

# What is downloaded counts only when it is whole.
rm -rf "$store/.$package" && mkdir "$store/.$package" && cd "$store/.$package" || exit 1
if ! private source --download-only "$package" >"$apt/source.log" 2>&1; then
	rm -f "$apt/ready"
	die "apt-get source $package: $(tail -n 1 "$apt/source.log")"
fi
rm -rf "${store:?}/$package" && mv "$store/.$package" "$store/$package" || exit 1
kept || die "the source package $package has no upstream archive"
