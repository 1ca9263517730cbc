#!/bin/sh
# From nothing to a warm build: a clean Debian root with no compiler, the README's commands, and a real project (Lua,
# by its Debian source) built twice. What it took is printed; docs/performance.md has the figures.
. "$(dirname "$0")/../e2e/lib.sh"
. "$lib_dir/root.sh"

top=$(cd "$lib_dir/../.." && pwd)
root_needs tar
seconds() { echo "# $1: $(($(date +%s) - from)) s"; }

from=$(date +%s)
root_make
seconds "debootstrap"
ok "there is no compiler" sh -c "! [ -e '$R/usr/bin/cc' ] && ! [ -e '$R/usr/bin/make' ]"

make -s -C "$top" dist >dist || exit 1
mkdir "$R/root/soldr"
tar -xzf "$top/$(cat dist)" --strip-components=1 -C "$R/root/soldr"

# README: "make demo"; make alone has to be there.
from=$(date +%s)
run in_root sh -c 'apt-get -qq update && apt-get -qq install --no-install-recommends -y make >/dev/null'
is "$status" 0 "make is installed"
run in_root make -C /root/soldr demo
is "$status" 0 "make demo installs what is missing, builds soldr and finds every byte the same"
[ "$status" = 0 ] || lib_note demo "$(printf '%s\n' "$out" "$err" | tail -n 30)"
printf '%s\n' "$out" | tail -n 12 | sed 's/^/# /'
seconds "make demo"
run in_root make -s -C /root/soldr install
is "$status" 0 "make install"

from=$(date +%s)
run as_user 'apt-get -qq source --download-only lua5.4 && mkdir lua && tar -xf lua5.4_*.orig.tar.gz --strip-components=1 -C lua && touch unpacked'
is "$status" 0 "a real project is fetched"
[ "$status" = 0 ] || skip_all "a warm build" "apt-get source: $(printf '%s\n' "$err" | tail -n 1)"

build() { # NAME WORD…
	name=$1
	shift
	from=$(date +%s%N)
	run as_user "cd lua && $* make -j2 generic >/dev/null"
	echo "# $name: $((($(date +%s%N) - from) / 1000000)) ms"
	[ "$status" = 0 ] || lib_note "$name" "$(printf '%s\n' "$err" | tail -n 5)"
	is "$status" 0 "Lua builds: $name"
	as_user 'cd lua && find . -type f -newer ../unpacked -exec sha256sum {} + | sort -k 2' >"files-$name"
	as_user 'cd lua && make clean >/dev/null 2>&1'
}
build plain
build cold soldr
like "$err" '^soldr: +hit rate' "a summary ends the cold build"
printf '%s\n' "$err" | sed -n 's/^soldr:/#/p'
build warm soldr
printf '%s\n' "$err" | sed -n 's/^soldr:/#/p'
like "$err" '^soldr: +hit rate 100.0 %' "every compile of the warm build is a hit"
ok "outputs were compared" test "$(wc -l <files-plain)" -ge 20
ok "the cold build's files are the plain build's" diff files-plain files-cold
ok "the warm build's files are the plain build's" diff files-plain files-warm
is "$(root_left)" 0 "nothing is mounted"
done_testing
