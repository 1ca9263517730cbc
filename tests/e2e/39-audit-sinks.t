#!/bin/sh
# An audit log that cannot be written: a reader that is slow, a file made read-only while a build runs, a full disk. Each policy
# does what it says.
. "$(dirname "$0")/lib.sh"

runs=$SOLDR_CACHE_DIR/runs
config=$T/soldr.yaml
log=$SOLDR_CACHE_DIR/logs/soldr.log
audit() { python3 "$lib_dir/audit.py" "$@"; } # RUN-DIRECTORY EXPRESSION
policy() {
	printf 'audit: {mode: verbose, sink_policy: %s}\n' "$1" >"$config"
	drop "$SOLDR_CACHE_DIR/logs" "$SOLDR_CACHE_DIR/counters" "$runs"
	mkdir -m 700 "$runs"
	rm -f ./*.o
}
lost() { # events, lines of the journal, messages
	"$SOLDR" --config "$config" stats --json >stats.json
	echo "$(json stats.json audit_lost_events) $(json stats.json reasons audit_lost 2>/dev/null || echo 0)" \
		"$(cat "$log" 2>/dev/null | grep -Ec 'journal|audit log')"
}
words() { echo "$1" | tr , ' '; }

mkdir src && cd src || exit 1
echo 'int f(void) { return 1; }' >1.c
echo 'int g(void) { return 2; }' >2.c
settle
"$SOLDR" gcc -O1 -c 1.c -o 1.o && "$SOLDR" gcc -O1 -c 2.c -o 2.o || exit 1

# ---- a slow reader ------------------------------------------------------------------------------

cat >"$T/reader.py" <<'END'
# reader.py FIFO ROOM: leaves room for so many bytes, reads on once `go` is there, and prints the events that came until `end` is.
import fcntl, json, os, sys, time
fifo, room = sys.argv[1], int(sys.argv[2])
r = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
w = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
size = fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
os.write(w, b"x" * (size - room - 1) + b"\n")
os.close(w)
with open("ready", "w") as f:
    f.write("ready\n")
while not os.path.exists("go"):
    time.sleep(0.01)
got = b""
while True:
    ended = os.path.exists("end")
    try:
        piece = os.read(r, 65536)
    except BlockingIOError:
        piece = b""
    got += piece
    if not piece and ended:
        break
    if not piece:
        time.sleep(0.01)
print([json.loads(line)["event"] for line in got.decode().splitlines() if line.startswith("{")])
END
slow() { # ROOM [waits]: one hit whose log is a pipe
	mkdir -m 700 "$runs/r" && mkfifo -m 600 "$runs/r/audit.jsonl"
	rm -f ready go end waited
	mkfifo ready
	python3 "$T/reader.py" "$runs/r/audit.jsonl" "$1" >events &
	reader=$!
	read -r ready_line <ready
	SOLDR_RUN_ID=r timeout 60 "$SOLDR" --config "$config" gcc -O1 -c 1.c -o 1.o 2>message &
	compile=$!
	if [ "$2" = waits ]; then
		until grep -q 'waiting for it' "$log" 2>/dev/null; do kill -0 $compile || break; done
		kill -0 $compile && : >waited
		: >go
	fi
	wait $compile
	status=$?
	: >go
	: >end
	wait $reader
}
all="['fingerprint', 'lookup', 'materialise', 'compile']"
for row in "degrade 100 0 [] 4,0,1" "drop_low_priority 100 0 [] 4,0,0" "drop_low_priority 1500 0 ['compile'] 3,0,0" \
	"fail_lossless 100 111 [] 4,0,0" "block 100 0 all 0,0,1"; do
	set -- $row
	policy "$1"
	slow "$2" "$([ "$1" = block ] && echo waits)"
	want=$4
	[ "$want" = all ] && want=$all
	is "$status $(cat events) $(lost)" "$3 $want $(words "$5")" \
		"a slow reader, $1, room for $2 bytes: status, what came; events, lines lost; messages"
	[ "$1" = block ] && ok "block: it waited" test -e waited
	[ "$1" = fail_lossless ] && like "$(cat message)" "^soldr: cannot write to the audit log below $SOLDR_CACHE_DIR \\(make room .*audit.mode: off\\)" \
		"fail_lossless: says where, and the mend"
done
policy degrade
mkdir -m 700 "$runs/r" && mkfifo "$runs/r/audit.jsonl"
run env SOLDR_RUN_ID=r timeout 60 "$SOLDR" --config "$config" gcc -O1 -c 1.c -o 1.o
is "$status $(lost)" "0 4 0 1" "a pipe that nobody reads hangs nobody"

# ---- read-only while the build runs, and a full disk ----------------------------------------------

mkdir "$T/mnt"
if ! unshare -m mount -t tmpfs none "$T/mnt" 2>/dev/null; then
	skip "a log that becomes read-only" "no mount namespace may be made here"
	skip "a full disk" "no mount namespace may be made here"
	done_testing
fi
cat >Makefile <<'END'
all:
	gcc -O1 -c 1.c -o 1.o
	mount --bind $(LOG) $(LOG) && mount -o remount,ro,bind $(LOG)
	gcc -O1 -c 2.c -o 2.o
END
for row in "degrade 0 7" "drop_low_priority 0 7" "block 0 7" "fail_lossless 111 2"; do
	set -- $row
	policy "$1"
	run timeout 60 unshare -m env SOLDR_RUN_ID=r "$SOLDR" --config "$config" make -s LOG="$runs/r/audit.jsonl"
	# Four events of the second compile, command and run.end. Under fail_lossless no compile begins, so none of its is lost.
	is "$status $(audit "$runs/r" '[e["event"] for e in E if e["category"] != "phase"], S["counts"]["audit_lost_events"]')" \
		"$2 (['run.start', 'compile'], $([ "$1" = fail_lossless ] && echo 2 || echo 6))" \
		"made read-only while a build runs, $1: status, what was written, what was counted"
	ok "$1: $([ "$1" = fail_lossless ] && echo 'no object without its event' || echo 'the build goes on')" \
		test "$(ls 2.o 2>/dev/null)" = "$([ "$1" = fail_lossless ] || echo 2.o)"
done
cat >full.sh <<'END'
mount -t tmpfs -o size=64k,mode=700 none "$RUNS" || exit 77
mkdir -m 700 "$RUNS/r"
: >"$RUNS/r/journal.jsonl"
: >"$RUNS/r/audit.jsonl"
dd if=/dev/zero of="$RUNS/filler" bs=4k 2>/dev/null
SOLDR_RUN_ID=r "$SOLDR" --config "$CONFIG" gcc -O1 -c 1.c -o 1.o &
if [ "$1" = block ]; then
	until grep -q 'waiting for it' "$LOG" 2>/dev/null; do kill -0 $! || exit 78; done
	rm "$RUNS/filler"
fi
wait $!
echo "status $?"
cp "$RUNS/r/audit.jsonl" "$COPY"
END
export RUNS="$runs" CONFIG="$config" LOG="$log" COPY="$T/copy" SOLDR
for row in "degrade 0 4,1,1 0" "drop_low_priority 0 4,1,0 0" "fail_lossless 111 0,1,0 0" "block 0 0,0,1 4"; do
	set -- $row
	policy "$1"
	rm -f "$T/copy"
	run timeout 100 unshare -m sh full.sh "$1"
	[ "$status" = 77 ] && skip "full disk, $1" "cannot be mounted here" && continue
	is "$(printf '%s\n' "$out" | tail -n 1) $(lost) $(wc -l <"$T/copy")" "status $2 $(words "$3") $4" \
		"full disk, $1: status; events, lines lost; messages; events written"
done

done_testing
