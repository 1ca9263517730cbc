#!/bin/sh
# s03 s05 s06: file systems that give times in whole seconds, lack calls, or have a quota; and clocks that jump.
programs=${SOLDR_TEST_FAULT:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

programs=${programs:-$lib_dir/../../build/tests/fault}
faulty=$programs/soldr-faulty
counted() { # COUNTER [REASON]
	"$SOLDR" stats --json >stats.json 2>&1 && json stats.json "$@" 2>/dev/null || echo 0
}

# ---- a build on a file system of its own, its store too ----------------------------------------

# Prints "right" or what is wrong for each step; runs in a mount namespace of its own.
cat >on.sh <<'END'
kind=$1 at=$2
case $kind in
tmpfs) mount -t tmpfs none "$at" ;;
overlayfs)
	mount -t tmpfs none "$at" && mkdir "$at/l" "$at/u" "$at/w" "$at/m" &&
	mount -t overlay -o "lowerdir=$at/l,upperdir=$at/u,workdir=$at/w" overlay "$at/m" && at=$at/m ;;
seconds) # ext2 with small inodes
	truncate -s 16M "$at.img" && mkfs.ext2 -q -I 128 "$at.img" && mount -o loop "$at.img" "$at" ;;
esac >/dev/null 2>&1 || exit 77
cd "$at" && mkdir -m 700 store && export SOLDR_CACHE_DIR="$at/store" || exit 1
same() { # NAME: x.c by soldr is what it is bare
	gcc -g -MD -c x.c -o x.o && mv x.o want.o && mv x.d want.d
	"$SOLDR" gcc -g -MD -c x.c -o x.o && cmp x.o want.o && cmp x.d want.d || echo "$1: wrong"
}
echo '#include "x.h"' >x.c
echo 'int f(void) { return VALUE; }' >>x.c
# Edits within one second, of equal size: the file's times do not tell them apart.
for n in 10 11 12 13 14 15 16 17; do
	echo "#define VALUE $n" >x.h
	same "edit $n"
	same "edit $n, again"
done
for round in 1 2 3; do # until the times are old, whatever they are counted in
	: >.tick
	while : >.tock && [ -z "$(find .tock -newer .tick)" ]; do :; done
done
"$SOLDR" stats --zero >/dev/null
same first
same second
same third
cp -p x.h old.h
echo '#define VALUE 99' >x.h
touch -r old.h x.h
same "an edit whose time was put back"
"$SOLDR" cache verify >/dev/null || echo "verify: $?"
"$SOLDR" stats --json >stats.json
umount "$SOLDR_CACHE_DIR" 2>/dev/null
cat stats.json >"$OUT"
END
mkdir mnt
for kind in tmpfs overlayfs seconds; do
	mkdir -p "mnt/$kind"
	export OUT="$T/stats.$kind" SOLDR
	run unshare -m sh on.sh $kind "$T/mnt/$kind"
	if [ ! -s "$OUT" ] && [ "$status" != 0 ]; then
		skip "s06: $kind" "it cannot be mounted here"
		continue
	fi
	is "$status/$out" "0/" "s05 s06: $kind: every compile is right"
	is "$(json "$OUT" compilations) $(json "$OUT" fallbacks)" "4 0" "s06: $kind: without a fault"
	ok "s06: $kind: and is cached" test "$(json "$OUT" hits)" -ge 2
done

# ---- calls that a file system lacks, and quotas --------------------------------------------------

if [ -x "$faulty" ]; then
	echo 'int g(void) { return 7; }' >y.c
	echo '#define VALUE 1' >y.h
	echo '#include "y.h"' >>y.c
	gcc -c y.c -o want.o
	settle
	for lack in fallocate:1+:EOPNOTSUPP exchange:1+:EINVAL mmap:1+:ENODEV fchmod:1+:EPERM inotify_init1:1+:EMFILE futimens:1+:EPERM; do
		drop "$SOLDR_CACHE_DIR"
		for n in 1 2 3; do
			FAULT=$lack run "$faulty" gcc -c y.c -o y.o
			is "$status/$err" "0/" "s06: without ${lack%%:*}, compile $n"
			ok "s06: without ${lack%%:*}, compile $n: object" cmp y.o want.o
		done
		[ ${lack%%:*} = mmap ] || is "$(counted hits)" 2 "s06: without ${lack%%:*}: cached"
	done
	for case in EDQUOT=disk_full ENOSPC=disk_full EFBIG=store_failed; do
		why=${case%=*}
		drop "$SOLDR_CACHE_DIR"
		"$SOLDR" gcc -c y.c -o y.o
		rm -f "$SOLDR_CACHE_DIR"/embedded/v1/??/*
		FAULT=write:1+:$why run "$faulty" gcc -c y.c -o y.o
		is "$status/$err" "0/" "s03: $why"
		ok "s03: $why: object" cmp y.o want.o
		is "$(counted fallbacks) $(counted reasons "${case#*=}") $(counted reasons audit_lost)" "1 1 1" "s03: $why: counted"
	done
	# GCC goes on where its messages meet a full disk. They come in pieces, so that it would meet a closed pipe.
	for n in $(seq 400); do echo "int w$n(void) { int unused; return 0; }"; done >w.c
	gcc -c w.c -o want.o
	FAULT=write:1+:ENOSPC run "$faulty" gcc -Wall -c w.c -o w.o
	is "$status/$err" "0/" "s03: messages that cannot be written end no compile"
	ok "s03: and its object is right" cmp w.o want.o
	"$SOLDR" gcc -Wall -c w.c -o w.o 2>said
	gcc -Wall -c w.c -o w.o 2>wanted
	ok "s03: nor are they left out the next time" cmp said wanted
else
	skip "s06: calls that a file system lacks" "no $faulty: make check-e2e builds it"
fi

# ---- clocks -------------------------------------------------------------------------------------

dated() { # NAME TOUCH-ARGUMENTS…: source and header get that time, are compiled, edited in place with equal size, and compiled
	name=$1
	shift
	drop "$SOLDR_CACHE_DIR"
	for value in 21 22 23; do
		printf '#define VALUE %s\n' $value >z.h
		printf '#include "z.h"\nint z = VALUE; // %s\n' $value >z.c
		touch "$@" z.c z.h
		settle
		gcc -c z.c -o want.o
		for n in 1 2 3; do
			"$SOLDR" gcc -c z.c -o z.o
			ok "s05: $name: $value, compile $n" cmp z.o want.o
		done
	done
	is "$(counted hits) $(counted misses)" "6 3" "s05: $name: cached"
}
dated "files of the future" -d '2036-01-01 00:00:00'
dated "files of 1970" -d '1970-01-01 00:00:00 UTC'
dated "files before 1970" -d '1960-01-01 00:00:00 UTC'
# The store itself from another time: served, and what is evicted is still evicted.
for when in 2036-01-01 1971-01-01; do
	find "$SOLDR_CACHE_DIR" -exec touch -d $when {} +
	"$SOLDR" gcc -c z.c -o z.o
	ok "s05: a store of $when: right" cmp z.o want.o
done
is "$(counted hits)" 8 "s05: and they are hits"
skip "s05: the clock itself is set back" "a test may not set the machine's clock, and the kernel has no time namespace for it"
done_testing
