#!/bin/sh
# How many compilers run at once: counted by the compilers themselves, over processes, kills, nesting and make.
. "$(dirname "$0")/lib.sh"

# A gcc that finds another one at work says so; and one that tells that it runs and then waits.
mkdir bin held
real=$(command -v gcc || echo /usr/bin/gcc)
cat >bin/gcc <<END
#!/bin/sh
case \$* in *-c*) ;; *) exec $real "\$@" ;; esac
mkdir $T/busy || { echo overlap >>$T/overlaps; exit 7; }
echo run >>$T/ran
rmdir $T/busy
END
mkfifo never
cat >held/gcc <<END
#!/bin/sh
echo \$\$ >>$T/holding
read x <>$T/never
END
chmod +x bin/gcc held/gcc
until_there() { # FILE
	while [ ! -s "$1" ]; do :; done
}
export SOLDR_BACKEND=embedded

SOLDR_JOBS=1
export SOLDR_JOBS
pids=
for i in 1 2 3 4 5 6 7 8; do
	"$SOLDR" --backend wrapped bin/gcc -c x$i.c 2>/dev/null &
	"$SOLDR" bin/gcc -c x$i.c &
	pids="$pids $!"
done
wait
is "$(cat overlaps 2>/dev/null)" "" "with SOLDR_JOBS=1 no two compilers run at once"
ok "and they all ran" test "$(wc -l <ran)" -ge 8

# ---- a holder that is killed, and one that waits ----------------------------------------------------

"$SOLDR" held/gcc -c x.c &
holder=$!
until_there holding
compiler=$(cat holding)
run "$SOLDR" stats
like "$out" '^limit +1 compilers at once, 1 now$' "stats says the limit, and how many run"
is "$("$SOLDR" stats --json | sed -n 's/.*"parallel_compiles": *\([0-9]*\).*/\1/p' | tail -n 1)" 1 "as JSON too"
run "$SOLDR" doctor
like "$out" 'at most 1 compilers at once \(SOLDR_JOBS\), 1 now' "doctor says it, and where it comes from"
like "$out" 'priority auto: with a load of [0-9.]+ on [0-9]+ processors' "and what the priority comes to"

echo 'int x;' >x.c
settle
SOLDR_JOBS=0 "$SOLDR" "$real" -c x.c -o x.o
SOLDR_JOBS=0 "$SOLDR" "$real" -c x.c -o x.o
run env SOLDR_LOG=info "$SOLDR" "$real" -c x.c -o x.o
like "$err" 'info dispatch: hit' "a hit does not wait"
"$SOLDR" held/gcc -c y.c &
waiter=$!
# It has nothing to tell of that it waits, but for the descriptor on which it will hold its permit.
while ! readlink /proc/$waiter/fd/* 2>/dev/null | grep -q /permits; do :; done
kill -TERM $waiter
wait $waiter
is $? 143 "who waits is ended by a signal"
is "$(wc -l <holding)" 1 "and ran nothing"

kill -KILL $holder
wait $holder
rm -f ran overlaps
run "$SOLDR" bin/gcc -c x.c
is "$status $(cat ran)" "0 run" "a killed holder frees its permit"
kill $compiler

# ---- nesting -----------------------------------------------------------------------------------------

mkdir nest
printf '#!/bin/sh\nexec %s %s "$@"\n' "$SOLDR" "$real" >nest/gcc
chmod +x nest/gcc
run "$SOLDR" nest/gcc -c x.c -o nested.o
is "$status" 0 "a compiler that calls soldr does not wait for itself"
ok "and gives its object" test -s nested.o

if command -v make >/dev/null; then
	printf 'all: a.o b.o c.o d.o\n%%.o: %%.c\n\t+gcc -flto=jobserver -c $< -o $@\n' >Makefile
	for i in a b c d; do echo "int $i;" >$i.c; done
	settle
	run "$SOLDR" make -s -j4
	is "$status" 0 "make with a jobserver and a limit of one goes through"
	ok "with every object" test -s a.o -a -s b.o -a -s c.o -a -s d.o
fi

# ---- from the file, and what is no limit ----------------------------------------------------------------

unset SOLDR_JOBS
printf 'version: 1\nlimits: {max_parallel_compiles: 3, priority: idle}\n' >"$XDG_CONFIG_HOME/soldr/soldr.yaml"
run "$SOLDR" doctor
like "$out" 'at most 3 compilers at once \(limits.max_parallel_compiles\), 0 now' "the limit of the file applies"
like "$out" 'is raised by 19' "and its priority"
printf '#!/bin/sh\nnice >%s/level\n' "$T" >held/cc
chmod +x held/cc
"$SOLDR" held/cc -c x.c
base=$(nice)
is "$(cat level)" "$((base + 19 > 19 ? 19 : base + 19))" "which a compiler gets"
SOLDR_JOBS=0 "$SOLDR" doctor >out
unlike "$(cat out)" 'at most' "SOLDR_JOBS=0 is no limit"
rm "$XDG_CONFIG_HOME/soldr/soldr.yaml"

if command -v strace >/dev/null && [ -z "$SOLDR_TEST_SAN" ]; then
	echo 'int z;' >z.c
	settle
	strace -f -qq -o trace "$SOLDR" "$real" -c z.c -o z.o
	is "$(grep -c permits trace)" 0 "without a limit a miss looks at no permits"
	soldr_pid=$(sed -n '1s/ .*//p' trace)
	is "$(grep "^$soldr_pid " trace | grep -c 'futex\|F_OFD_SETLK, {l_type=F_WRLCK')" 0 "and takes no lock"
fi

# ---- a parent that ignores SIGCHLD -------------------------------------------------------------------------

echo 'int x' >bad.c
run "$SOLDR" "$real" -c bad.c -o bad.o
want=$status
run python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' "$SOLDR" "$real" -c bad.c -o bad.o
is "$status" "$want" "a failing compile fails where SIGCHLD was ignored"

done_testing
