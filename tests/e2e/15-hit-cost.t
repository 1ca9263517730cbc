#!/bin/sh
# What a hit asks of the system: no process, few calls, one look at each input. Counted, not timed.
. "$(dirname "$0")/lib.sh"

if ! command -v strace >/dev/null; then
	skip "the calls of a hit" "no strace"
	done_testing
fi
if [ -n "$SOLDR_TEST_SAN" ]; then
	skip "the calls of a hit" "a sanitizer's run time makes calls of its own"
	done_testing
fi

# Nothing outside decides: two directories to search, a compiler, no project file above.
PATH=/usr/bin:/bin
echo 'int small(void) { return 1; }' >small.c
mkdir headers
n=0
while [ $n -lt 100 ]; do
	echo "extern int h$n;" >headers/h$n.h
	echo "#include \"headers/h$n.h\"" >>large.c
	n=$((n + 1))
done
settle
for unit in small large; do
	"$SOLDR" gcc -c $unit.c -o $unit.o
	settle
	rm $unit.o
	run env SOLDR_LOG=info "$SOLDR" gcc -c $unit.c -o $unit.o
	like "$err" "info dispatch: hit" "$unit.c hits"
done

calls() { # UNIT: the calls of a hit, one a line
	rm -f "$1.o"
	strace -f -qq -o trace "$SOLDR" gcc -c "$1.c" -o "$1.o"
	sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' trace
}
count() { # FILE NAME…: how many lines are one of the names
	file=$1
	shift
	grep -cxE "$(echo "$*" | tr ' ' '|')" "$file"
}
at_most() { # NUMBER LIMIT NAME
	ok "$3: $1, at most $2" test "$1" -le "$2"
}

calls small >small.calls
calls large >large.calls
is "$(count small.calls execve) $(count small.calls clone clone3 fork vfork)" "1 0" "a hit starts no process"
is "$(count small.calls getdents getdents64)" 0 "and lists no directory"
is "$(count small.calls flock fsync fdatasync)" 0 "and waits for nobody"
is "$(count small.calls socket connect)" 0 "and talks to nobody"

# Settings (2), source, manifest, entry, output, journal, audit log, counters, the compiler, the working directory, and that again for guards.
linked=$(readelf -lW "$SOLDR" | grep -c INTERP)
[ "$linked" = 0 ] && at_most "$(count small.calls open openat)" 12 "files opened"
at_most "$(count small.calls write writev pwrite64)" 3 "writes: the output, a line of the journal, an event"
at_most "$(grep -vcxE 'newfstatat|stat|lstat|statx|readlink|access|faccessat|faccessat2' small.calls)" 90 \
	"calls that are no question for a name"
# Each header is looked at once, in a directory that was opened for that; nothing else grows with their number.
at_most $(($(wc -l <large.calls) - $(wc -l <small.calls))) 104 "more calls for 100 headers"
at_most "$(grep -c '"headers/h' trace)" 8 "walks to a header from the working directory"

# What the audit log costs a hit: nothing while it is off, a file opened, measured, written and closed for the journal and for events.
mode_calls() { # MODE
	SOLDR_AUDIT=$1
	export SOLDR_AUDIT
	calls small | wc -l
	unset SOLDR_AUDIT
}
off=$(mode_calls off)
is "$(mode_calls summary)" "$off" "the audit modes off and summary make the same calls"
at_most $(($(mode_calls normal) - off)) 10 "more calls in mode normal"
at_most $(($(mode_calls verbose) - off)) 14 "more calls in mode verbose"
at_most $(($(mode_calls forensic) - off)) 14 "more calls in mode forensic"
calls small >small.calls

# A miss: the driver, the compiler, the assembler. A configuration header that nothing names costs no run more, a macro that may
# name one is settled by the preprocessor.
programs() { # UNIT
	settle
	strace -f -qq -e trace=execve -o trace "$SOLDR" gcc -c "$1.c" -o "$1.o"
	grep -c 'execve(.*) = 0$' trace
}
printf '#ifdef USER_CONFIG\n#include USER_CONFIG\n#endif\nint hidden;\n' >hidden.c
printf '#define CONFIG "headers/h0.h"\n#include CONFIG\nint named;\n' >named.c
is "$(programs hidden)" 4 "a miss with an #include of a word that nothing defines runs the compiler once"
is "$(programs named)" 6 "with one of a macro, and the preprocessor"

# soldr's own calls on a miss, without the compiler's. The trace must not lie in the directory where outputs are watched.
mkdir alone
echo 'int alone(void) { return 1; }' >alone/x.c
settle
(cd alone && strace -qq -o ../trace "$SOLDR" gcc -c x.c -o x.o)
[ "$linked" = 0 ] && at_most "$(wc -l <trace)" 330 "calls of a miss"
is "$(grep -c "^open.*[.]soldr-tmp.* = [0-9]" trace)" 3 "of which three files are written: entry, manifest and history"
# The kernel takes its time to forget a watch, and who closes inotify's descriptor waits until it has.
is "$(sed -n 's/^inotify_rm_watch.*/forget/p; s/^open.*[.]soldr-tmp.*/store/p; s/^open.*"x[.]c".*/read inputs/p' trace | tail -n +2 | head -1)" forget \
	"the outputs are no longer watched when inputs are read and the result is stored"

if command -v valgrind >/dev/null; then
	# The environment is read, too: here it is the same everywhere.
	instructions() { # UNIT
		env -i PATH="$PATH" HOME="$HOME" LC_ALL=C XDG_CONFIG_HOME="$XDG_CONFIG_HOME" SOLDR_CACHE_DIR="$SOLDR_CACHE_DIR" \
			valgrind --tool=callgrind --callgrind-out-file=/dev/null "$SOLDR" gcc -c "$1.c" -o "$1.o" 2>&1 |
			sed -n 's/.*refs: *//p' | tr -d ,
	}
	first=$(instructions small) # the environment that valgrind sets may matter to the key
	small=$(instructions small)
	large=$(instructions large)
	large=$(instructions large)
	at_most "$small" 900000 "instructions of a hit"
	at_most $(((large - small) / 100)) 9000 "instructions for one more header"
	# And no more than 3 % above what was last found good, where the same compiler and C library make the program.
	made_by="$(readelf -p .comment "$SOLDR" | sed -n 's/.*\(GCC: .*\)/\1/p' | sort -u) / $(getconf GNU_LIBC_VERSION)"
	if [ "$linked" = 0 ] && [ "$made_by" = "GCC: (Debian 12.2.0-14+deb12u1) 12.2.0 / glibc 2.36" ] && grep -qw avx2 /proc/cpuinfo; then
		while read -r unit good; do
			now=$small
			[ "$unit" = small ] || now=$large
			at_most "$now" $((good * 103 / 100)) "instructions of a hit of $unit.c, recorded: $good"
		done <"$lib_dir/../bench/instructions.txt"
	else
		skip "instructions within 3 % of those recorded" "recorded for another compiler: $made_by"
	fi
else
	skip "the instructions of a hit" "no valgrind"
fi

done_testing
