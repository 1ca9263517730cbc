#!/bin/sh
# docs/examples/buildd.c, a build daemon around libsoldr: one process serves many clients, and ends well.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
lib=$(cd "$(dirname "$SOLDR")/../lib" && pwd)
san=${SOLDR_TEST_SAN:+-fsanitize=$SOLDR_TEST_SAN}
export SOLDR_PLUGIN_PATH="$lib/soldr" LD_LIBRARY_PATH="$lib"
socket=$T/socket
ok "buildd compiles without a warning" gcc -std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror $san "-I$root/core/include" \
	-o buildd "$root/docs/examples/buildd.c" -L"$lib" -lsoldr -lpthread
start() {
	rm -f ready
	./buildd serve "$socket" >ready 2>steps &
	daemon=$!
	while [ ! -s ready ]; do kill -0 $daemon || break; done
}
statistic() { ./buildd stats "$socket" | sed -n "s/^$1 //p"; }

i=0
while [ $i -lt 16 ]; do
	printf '#warning unit %d\nint f%d(void) { return %d; }\n' $i $i $i >$i.c
	gcc -c $i.c -o true$i.o 2>true$i.err
	i=$((i + 1))
done
settle
start

# ---- many clients ------------------------------------------------------------------------------

compile_all() { # all at once; the names of those that got something else than from the compiler
	pids=
	i=0
	while [ $i -lt 16 ]; do
		rm -f $i.o
		./buildd run "$socket" gcc -c $i.c -o $i.o 2>$i.err &
		pids="$pids $!"
		i=$((i + 1))
	done
	for pid in $pids; do
		wait "$pid" || echo "status $?"
	done
	i=0
	while [ $i -lt 16 ]; do
		cmp -s $i.o true$i.o && cmp -s $i.err true$i.err || echo $i
		i=$((i + 1))
	done
}
is "$(compile_all)" "" "16 clients at once get the compiler's objects and messages"
i=0
while [ $i -lt 16 ]; do # outputs at once may share a slot of claims; one by one each is stored
	./buildd run "$socket" gcc -c $i.c -o $i.o 2>/dev/null
	i=$((i + 1))
done
before=$(statistic hits)
is "$(compile_all)" "" "and again"
is "$(statistic served) $(statistic compilations) $(($(statistic hits) - before))" "48 48 16" "when they hit"
run "$SOLDR" stats --json
like "$out" '"compilations": 48' "counted where the soldr command counts"
rm 3.o
"$SOLDR" gcc -c 3.c -o 3.o 2>3.err
ok "whose compiles it shares" cmp 3.o true3.o

echo 'int x' >bad.c
gcc -c bad.c 2>bad.err
want=$?
run ./buildd run "$socket" gcc -c bad.c
is "$status" "$want" "a compile that fails has its exit status"
is "$err" "$(cat bad.err)" "and messages"
mkdir elsewhere
(cd elsewhere && CPATH=. ../buildd run "$socket" gcc -c ../1.c -o here.o 2>/dev/null)
ok "directory and environment are the client's" cmp elsewhere/here.o true1.o
run ./buildd run "$socket" sh -c 'kill -9 $$'
is "$status" 137 "a signal is told"
run ./buildd run "$socket" no-such-compiler
is "$status" 111 "what cannot be served is told"
printf 'nonsense of no kind whatsoever' | timeout 10 python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read()); s.close()' "$socket"
is "$(./buildd run "$socket" gcc -c 1.c -o 1.o 2>&1)" "$(cat true1.err)" "nonsense on the socket harms nobody"

# ---- clients and daemons that go away ---------------------------------------------------------------

mkfifo never
printf '#!/bin/sh\necho $$ >>%s/holding\nread x <>%s/never\n' "$T" "$T" >heldcc
chmod +x heldcc
gone() { # PID: waits for its end
	while kill -0 "$1" 2>/dev/null; do :; done
}
./buildd run "$socket" ./heldcc -c x.c &
client=$!
while [ ! -s holding ]; do :; done
kill -KILL $client
gone "$(cat holding)"
ok "a client that is killed takes its compile with it" true

rm holding
./buildd run "$socket" ./heldcc -c x.c 2>client.err &
client=$!
while [ ! -s holding ]; do :; done
kill -TERM $daemon
echo >never
wait $client
is $? 0 "SIGTERM lets a compile end that runs"
wait $daemon
is "$? $(cat steps | tr '\n' ' ')" \
	"0 buildd: requests completed buildd: tasks completed buildd: backend completed buildd: counters completed " "and then ends the daemon"
ok "without its socket" test ! -e "$socket"
run ./buildd run "$socket" gcc -c 1.c
is "$status" 1 "whom nobody can reach then"

# By force, with half an object written and nobody who would remove it but soldr.
rm holding never
mkfifo never
cat >as <<END
#!/bin/sh
case \$* in *--version*) exec /usr/bin/as "\$@" ;; esac
trap '' TERM
while [ \$# -gt 1 ]; do [ "\$1" = -o ] && echo half >"\$2"; shift; done
echo \$\$ >>$T/holding
read x <>$T/never
END
chmod +x as
rm -f [0-9]*.o
start
pids=
for i in 1 2 3 4; do
	PATH=$T:$PATH ./buildd run "$socket" gcc -O1 -c $i.c -o $i.o 2>$i.err &
	pids="$pids $!"
done
while [ "$(cat holding 2>/dev/null | wc -l)" -lt 4 ]; do :; done
kill -TERM $daemon
while [ -e "$socket" ]; do :; done # it takes nobody any more
kill -TERM $daemon
for pid in $pids; do
	wait $pid
	echo $?
done >ends
wait $daemon
is "$? $(head -n 1 steps)" "0 buildd: requests completed: 4 requests were ended before they were done" "a second SIGTERM ends by force"
is "$(sort -u ends)" 111 "which the clients are told"
like "$(cat 1.err)" 'shut down by force' "with the reason"
is "$(echo [0-9]*.o)" '[0-9]*.o' "no half object stays"
for pid in $(cat holding); do gone "$pid"; done
run "$SOLDR" cache verify
is "$status" 0 "and the store is whole"

done_testing
