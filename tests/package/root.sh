# root.sh: a clean Debian root for a test, in a mount and process namespace of its own. Source it after ../e2e/lib.sh:
#
#	root_needs PROGRAM…  ends the test with a skip where these, root, a namespace or debootstrap are not to be had
#	root_make [ARCH]     makes the root $R, or ends the test with a skip: no network, no archive
#	in_root CMD…         runs it in there, as root
#	as_user COMMAND      runs a line of shell as a user without rights, with a home of its own
#
# What is mounted is seen by the test alone and goes with it, as do its processes, however it ends.
# SOLDR_TEST_MIRROR: an archive other than that of this machine's apt; SOLDR_TEST_SUITE: another suite.

R=$T/root

skip_all() {
	skip "$1" "$2"
	done_testing
}

root_needs() {
	root_name=$(basename "$0")
	[ "$(uname -s)" = Linux ] || skip_all "$root_name" "not Linux"
	[ "$(id -u)" = 0 ] || skip_all "$root_name" "not root"
	for root_program in debootstrap unshare chroot apt-get "$@"; do
		command -v "$root_program" >/dev/null || skip_all "$root_name" "no $root_program"
	done
	unshare --mount --pid --fork true 2>/dev/null || skip_all "$root_name" "no namespaces"
}

root_make() {
	root_suite=${SOLDR_TEST_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
	root_mirror=${SOLDR_TEST_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Codename: $root_suite" 'Created-By: Packages' | head -n 1)}
	if ! unshare --mount --pid --fork --kill-child debootstrap --variant=minbase ${1:+--arch="$1"} "$root_suite" "$R" "$root_mirror" >"$T/debootstrap.log" 2>&1; then
		skip_all "$(basename "$0")" "debootstrap: $(tail -n 1 "$T/debootstrap.log")"
	fi
	cp /etc/resolv.conf "$R/etc/resolv.conf"
	cat /etc/apt/apt.conf.d/*proxy* >"$R/etc/apt/apt.conf.d/90proxy" 2>/dev/null
	printf 'deb %s %s main\ndeb-src %s %s main\n' "$root_mirror" "$root_suite" "$root_mirror" "$root_suite" >"$R/etc/apt/sources.list"
	in_root useradd -m builder
}

# proc is mounted inside, where nobody else sees it. --kill-child: nothing runs on when the test is stopped.
in_root() {
	unshare --mount --pid --fork --kill-child --mount-proc="$R/proc" chroot "$R" \
		/usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive "$@"
}

as_user() {
	in_root su builder -c "export HOME=/home/builder LC_ALL=C && cd && $1"
}

# Nothing is mounted below the root here: that was in namespaces.
root_left() {
	grep -c " $T/" /proc/self/mounts
}
