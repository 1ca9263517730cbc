#!/bin/sh
# Other machines and another C library: soldr is built for them without a warning and passes the unit tests there.
#
#	i386    32 bits, by a cross compiler and this Debian's packages; runs as it is, or by qemu-i386-static
#	s390x   the most significant byte first, likewise by qemu-s390x-static
#	musl    this machine, by musl-gcc, with the libraries built from this Debian's sources; soldr is static
#
# And what one of them has stored is a hit for the others. SOLDR_TEST_MACHINES names those that are wanted.
. "$(dirname "$0")/../e2e/lib.sh"
here=$(cd "$lib_dir/../package" && pwd)
. "$here/sysroot.sh"

top=$(cd "$lib_dir/../.." && pwd)
libraries="libc6-dev libltdl-dev libyaml-dev libssl-dev libzstd-dev libjansson-dev libcunit1-dev"
cd "$top" || exit 1

lacks() { # PROGRAM…: the first that is not there
	for program in "$@"; do
		command -v "$program" >/dev/null || { echo "no $program"; return; }
	done
}

builds() { # NAME MAKE-VARIABLE…
	name=$1
	shift
	run nice -n 5 make -s -j2 BUILD="build/port/$name" "$@" all
	is "$status/$(printf '%s\n' "$err" | head -n 20)" "0/" "$name: soldr is built without a warning"
	run nice -n 5 make -s -j2 BUILD="build/port/$name" "$@" check-unit
	is "$status" 0 "$name: the unit tests pass"
	[ "$status" = 0 ] || lib_note "$name" "$(printf '%s\n' "$out" "$err" | grep -v 'passed$' | tail -n 40)"
	printf '%s\n' "$out" | sed -n "s/^ *\(tests\|asserts\) /# $name: &/p"
}

foreign() { # ARCH TRIPLET LOADER QEMU
	missing=$(lacks apt-get dpkg-deb "$2-gcc" "$4")
	sysroot_why=$missing
	root=$top/build/port/$1-root
	if [ -n "$missing" ] || ! sysroot_debian "$1" "$root" $libraries; then
		skip "$1" "$sysroot_why"
		return
	fi
	if "$root/$3" --version >/dev/null 2>&1; then
		emulator="$root/$3 --library-path $root/lib/$2:$root/usr/lib/$2"
		emulated=
	else
		emulator="$4 -L $root"
		emulated=1
	fi
	[ "$1" != i386 ] || emulator=$(printf '%s' "$emulator" | sed s/i686/i386/g)
	builds "$1" CC="$2-gcc --sysroot=$root" AR="$2-ar" OBJCOPY="$2-objcopy" EMULATOR="$emulator" EMULATED="$emulated"
	ways="$ways $1"
	# The static program needs no library.
	[ -z "$emulated" ] && emulator=
	eval "way_$1=\"\${emulated:+$emulator} $top/build/port/$1/bin/soldr\""
}

ways=native
way_native=$SOLDR
[ -x "$way_native" ] && [ "$way_native" != /bin/true ] || way_native=$top/build/bin/soldr
for machine in ${SOLDR_TEST_MACHINES:-i386 s390x musl}; do
	case $machine in
	i386) foreign i386 i686-linux-gnu lib/ld-linux.so.2 qemu-i386-static ;;
	s390x) foreign s390x s390x-linux-gnu lib/ld64.so.1 qemu-s390x-static ;;
	musl)
		sysroot_why=$(lacks apt-get musl-gcc perl)
		root=$top/build/port/musl-root
		if [ -n "$sysroot_why" ] || ! sysroot_musl "$root"; then
			skip musl "$sysroot_why"
			continue
		fi
		# The wrapper knows -static, but not -static-pie.
		builds musl CC="musl-gcc -B$root/lib -isystem $root/include" LDFLAGS="-L$root/lib" LINK_STATIC="-static -no-pie"
		like "$(file -L build/port/musl/bin/soldr 2>&1)" 'statically linked|not found' "musl: soldr is static"
		ways="$ways musl"
		way_musl=$top/build/port/musl/bin/soldr
		;;
	*) echo "Bail out! no machine $machine: i386, s390x, musl" && exit 1 ;;
	esac
done

# One store for all, begun by each in turn: formats and keys are the same everywhere.
cd "$T" || exit 1
printf '#include <stddef.h>\nint answer(void) { return 42; }\n' >x.c
gcc -O1 -c x.c -o want.o
settle
outcome() { sed -n 's/.*dispatch: \([a-z]*\).*/\1/p'; }
for first in $ways; do
	[ "$ways" = native ] && break
	drop "$T/cache"
	for way in $first $(printf '%s\n' $ways | grep -vx "$first"); do
		rm -f x.o
		eval "command=\$way_$way"
		run env SOLDR_LOG=info $command gcc -O1 -c x.c
		want=hit
		[ "$way" = "$first" ] && want=miss
		is "$status/$(printf '%s\n' "$err" | outcome)" "0/$want" "the store of $first: $way has a $want"
		ok "and the compiler's object" cmp x.o want.o
	done
done
done_testing
