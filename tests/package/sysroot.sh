# sysroot.sh: what a build for another machine links with, without root. Source it after ../e2e/lib.sh:
#
#	sysroot_debian ARCH DIR PACKAGE…  packages of this Debian for ARCH, with what they need, unpacked in DIR; sysroot_why on failure
#	sysroot_musl DIR                  the libraries that soldr links with, built by musl-gcc from this Debian's sources, in DIR
#
# Both leave DIR/complete, and do nothing where it is there.
# SOLDR_TEST_MIRROR, SOLDR_TEST_SUITE: as for root.sh.

sysroot_suite=${SOLDR_TEST_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}

sysroot_begin() { # ARCH DIR: lists of the archive, apart from those of this machine
	sysroot_apt="$2/apt"
	sysroot_arch=$1
	rm -rf "$2"
	mkdir -p "$sysroot_apt/lists/partial" "$sysroot_apt/cache/archives/partial"
	: >"$sysroot_apt/status"
	sysroot_mirror=${SOLDR_TEST_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Codename: $sysroot_suite" 'Created-By: Packages' | head -n 1)}
	printf 'deb %s %s main\ndeb-src %s %s main\n' "$sysroot_mirror" "$sysroot_suite" "$sysroot_mirror" "$sysroot_suite" >"$sysroot_apt/sources.list"
	sysroot_get update
}

sysroot_get() {
	apt-get -qq -o APT::Architecture="$sysroot_arch" -o APT::Architectures::="$sysroot_arch" -o Dir::State::lists="$sysroot_apt/lists" \
		-o Dir::State::status="$sysroot_apt/status" -o Dir::Cache="$sysroot_apt/cache" -o Dir::Etc::sourcelist="$sysroot_apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Debug::NoLocking=1 -o APT::Install-Recommends=false -o APT::Sandbox::User="$(id -un)" \
		"$@" >"$T/sysroot.log" 2>&1 || { sysroot_why="apt-get $1: $(tail -n 1 "$T/sysroot.log")"; return 1; }
}

sysroot_debian() {
	[ -e "$2/complete" ] && return
	sysroot_begin "$1" "$2" || return 1
	sysroot_dir=$2
	shift 2
	sysroot_get install --download-only -y "$@" || return 1
	for sysroot_deb in "$sysroot_apt"/cache/archives/*.deb; do
		case ${sysroot_deb##*/} in # the tools that some need are for the other machine
		lib*perl*) ;;
		lib* | linux-libc* | zlib* | gcc-*-base*) dpkg-deb -x "$sysroot_deb" "$sysroot_dir" || return 1 ;;
		esac
	done
	rm -rf "$sysroot_apt"
	: >"$sysroot_dir/complete"
}

# The libraries by their own makefiles, or file by file where that is simpler.
sysroot_musl() {
	[ -e "$1/complete" ] && return
	sysroot_begin "$(dpkg --print-architecture)" "$1" || return 1
	mkdir -p "$1/src" "$1/include" "$1/lib"
	# Headers of the kernel are the same for every C library.
	ln -s /usr/include/linux /usr/include/asm-generic "/usr/include/$(gcc -print-multiarch)/asm" "$1/include"
	(cd "$1/src" && sysroot_get source --download-only libyaml libzstd openssl libtool jansson cunit) || { sysroot_why="apt-get source: no sources"; return 1; }
	for sysroot_archive in "$1"/src/*.orig.tar.*; do
		case $sysroot_archive in *.asc) continue ;; esac
		sysroot_name=$(basename "$sysroot_archive" | sed 's/_.*//')
		mkdir "$1/src/$sysroot_name"
		tar -xf "$sysroot_archive" --strip-components=1 -C "$1/src/$sysroot_name" || return 1
	done
	sh -e "$(dirname "$0")/musl-libraries.sh" "$1" >"$T/sysroot.log" 2>&1 || { sysroot_why="musl-libraries.sh: $(tail -n 1 "$T/sysroot.log")"; return 1; }
	rm -rf "$1/src" "$sysroot_apt"
	: >"$1/complete"
}
