#!/bin/sh
# The journal: a line for each compile, without secrets; what happens when it cannot be written; compiles replayed from it.
fixtures=${SOLDR_TEST_FIXTURES:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

fixtures=${fixtures:-$lib_dir/../../build/tests/fixtures}
runs=$SOLDR_CACHE_DIR/runs
config=$T/soldr.yaml
mkdir src && cd src || exit 1

cat >"$T/lines.py" <<'END'
# lines.py FILE EXPRESSION: the value of the expression; L is the list of the file's lines, all of them whole.
import json, sys
with open(sys.argv[1], encoding="utf-8") as f:
    text = f.read()
assert text.endswith("\n"), "the last line is torn"
L = [json.loads(line) for line in text.splitlines()]
print(eval(sys.argv[2]))
END
lines() { python3 "$T/lines.py" "$@"; }
day() { ls -d "$runs"/day-*/journal.jsonl 2>/dev/null; }
newest() { ls -t "$runs"/2*/journal.jsonl | head -n 1; }

i=0
while [ $i -lt 64 ]; do
	echo "int f$i(void) { return $i; }" >$i.c
	i=$((i + 1))
done
objects=$(seq -f %g.o -s ' ' 0 63)
printf 'all: %s\n%%.o: %%.c\n\tgcc -O1 -c $< -o $@\n' "$objects" >Makefile
settle

# ---- a run -------------------------------------------------------------------------------

run "$SOLDR" make -s -j8
is "$status" 0 "64 compiles in a run"
file=$(newest)
id=$(basename "$(dirname "$file")")
is "$(lines "$file" 'len(L), len(set(l["compile_id"] for l in L)), len(set(l["args"][3] for l in L))')" "(64, 64, 64)" \
	"are 64 whole lines, each with an id and arguments of its own"
is "$(lines "$file" 'set((l["schema"], l["schema_version"], l["run_id"]) for l in L)')" "{('soldr.journal.v1', 1, '$id')}" "of that run"
is "$(lines "$file" 'sorted(set((l["backend"], l["outcome"], l["reason"]) for l in L))')" "[('embedded', 'miss', 'not_seen')]" "with outcome and reason"
is "$(lines "$file" 'set((l["cwd"], l["compiler"], l["exit_code"], l["signal"]) for l in L)')" "{('$T/src', '$(command -v gcc)', 0, 0)}" \
	"with what a replay needs"
is "$(lines "$file" 'all(l["latency_ns"] > 0 and l["output_bytes"] > 0 and l["ts"].endswith("Z") for l in L)')" True "and the figures"
is "$(stat -c %a "$file")" 600 "the file is private"
is "$(day)" "" "and no day has a journal"
rm -f ./*.o
run "$SOLDR" make -s -j8
is "$(lines "$(newest)" 'sum(l["outcome"] == "hit" and l["reason"] == "" and l["time_saved_ns"] > 0 for l in L)')" 64 "a second run's are hits"

# ---- outside a run --------------------------------------------------------------------------

rm -f ./*.o
seq 0 63 | xargs -P 16 -I @@ "$SOLDR" gcc -O1 -c @@.c -o @@.o
is "$(lines "$(day)" 'len(L), len(set(l["compile_id"] for l in L))')" "(64, 64)" "64 parallel compiles outside a run: 64 whole lines of the day"
like "$(day)" '/day-[0-9]{8}/journal.jsonl$' "which is named by its date"
is "$(stat -c %a "$(day)") $(stat -c %a "$(dirname "$(day)")")" "600 700" "and private"
run env SOLDR_RUN_ID=nowhere "$SOLDR" gcc -O1 -c 0.c
is "$(lines "$(day)" 'len(L)')" 65 "a run id without a directory is the day's"
last() { lines "$(day)" "L[-1]$1"; }
run "$SOLDR" gcc --version
is "$(last '["reason"]') $(last '["exit_code"]') $(last '["latency_ns"]')" "probe None None" "a process that becomes the compiler is written before"
echo 'int x = ;' >bad.c
run "$SOLDR" gcc -c bad.c
is "$(last '["outcome"]') $(last '["exit_code"]')" "bypass 1" "a failing compile has its status"
count=$(lines "$(day)" 'len(L)')
for set in SOLDR_BYPASS=1 SOLDR_BACKEND=null SOLDR_AUDIT=off SOLDR_AUDIT=summary SOLDR_READONLY=1; do
	run env $set "$SOLDR" gcc -O1 -c 0.c
	is "$status $(lines "$(day)" 'len(L)')" "0 $count" "no line with $set"
done
run "$SOLDR" --audit off gcc -O1 -c 0.c
is "$status $(lines "$(day)" 'len(L)')" "0 $count" "nor with --audit off"
for mode in normal verbose forensic; do
	run "$SOLDR" --audit $mode gcc -O1 -c 0.c
done
is "$(lines "$(day)" 'len(L)')" "$((count + 3))" "a line each with normal, verbose and forensic"
mkdir -p "$runs/day-20200101" && : >"$runs/day-20200101/journal.jsonl"
drop "$(dirname "$(day | tail -n 1)")"
run "$SOLDR" gcc -O1 -c 0.c
ok "the first line of a day removes old ones" test ! -e "$runs/day-20200101"

# ---- secrets -----------------------------------------------------------------------------------

drop "$runs"
export MY_PASSWORD=environ-s3cr3t
run "$SOLDR" gcc -O1 -DPASSWORD='"hunter2-s3cr3t"' -D 'API_TOKEN="ghp_0123456789abcdefghijABCDEFGHIJ012345"' \
	-DURL='"https://me:s3cr3t@example.org/"' -c 0.c -o 0.o
is "$status" 0 "a compile with secrets in its arguments"
is "$(last '["args"][2:6]')" "['-DPASSWORD=[redacted]', '-D', 'API_TOKEN=[redacted]', '-DURL=\"https://[redacted]@example.org/\"']" \
	"s11: is journalled without them"
is "$(last '["redacted"]')" True "and marked"
run env SOLDR_LOG="$T/log" "$SOLDR" gcc --password=hunter2-s3cr3t -c 0.c
is "$(grep -rl -e s3cr3t -e ghp_ "$SOLDR_CACHE_DIR" "$T/log")" "" "s11: no file of the cache root and no log has them"
like "$(cat "$T/log")" 'bypass' "although that compile was logged"
unset MY_PASSWORD
printf 'audit:\n  redaction: {deny: ["ACME_*"], allow: ["*_KEY"]}\n' >"$config"
run "$SOLDR" --config "$config" gcc -DACME_HOST=a.example -DPUBLIC_KEY=ssh -O1 -c 0.c
is "$(last '["args"][1:3]')" "['-DACME_HOST=[redacted]', '-DPUBLIC_KEY=ssh']" "the config denies and allows names"
printf 'audit: {redaction: {enabled: false}}\n' >"$config"
run "$SOLDR" --config "$config" gcc -DPASSWORD=open -O1 -c 0.c
is "$(last '["args"][1]') $(last '.get("redacted")')" "-DPASSWORD=open None" "or nothing is taken out"
perl -e 'print "-DX", "x" x 9000, "=$_\n" for 1 .. 130' >long.rsp
run sh -c 'exec "$0" gcc $(cat long.rsp) -O1 -c 0.c' "$SOLDR"
is "$(last '["args_truncated"]')" True "a list that is too long is cut"
ok "to a line of a megabyte" test "$(tail -n 1 "$(day)" | wc -c)" -le 1048576

# ---- a journal that cannot be written -------------------------------------------------------------

policy() { printf 'audit: {sink_policy: %s}\n' "$1" >"$config"; }
lost() { "$SOLDR" --config "$config" stats --json >stats.json && json stats.json reasons audit_lost 2>/dev/null || echo 0; }
faults() { cat "$SOLDR_CACHE_DIR/logs/soldr.log" 2>/dev/null | grep -c journal; }
drop "$SOLDR_CACHE_DIR"
"$SOLDR" gcc -O1 -c 0.c -o 0.o
gcc -O1 -c 0.c -o 0.want
file=$(day)
rm -f "$file"
mkdir "$file"
expect() { # POLICY STATUS LOST FAULTS NAME
	policy "$1"
	drop "$SOLDR_CACHE_DIR/logs" "$SOLDR_CACHE_DIR/counters"
	rm -f 0.o
	run timeout 60 "$SOLDR" --config "$config" gcc -O1 -c 0.c -o 0.o
	is "$status $(lost) $(faults)" "$2 $3 $4" "$1: $5"
}
expect degrade 0 1 1 "a directory in its place: counted, logged, and the build goes on"
ok "degrade: with the right object" cmp 0.o 0.want
is "$err" "" "degrade: nothing is said"
expect drop_low_priority 0 1 0 "counted only"
expect block 0 1 1 "no waiting for what never passes"
expect fail_lossless 111 0 0 "the compile does not begin"
like "$err" "^soldr: cannot open $file for appending \\(mend .*audit.mode: off\\): Is a directory" "fail_lossless: says where, and the mend"
ok "fail_lossless: no object" test ! -e 0.o
rmdir "$file"

cat >full.sh <<'END'
mount -t tmpfs -o size=64k,mode=700 none "$RUNS" || exit 77
mkdir -m 700 "$RUNS/r"
: >"$RUNS/r/journal.jsonl"
dd if=/dev/zero of="$RUNS/filler" bs=4k 2>/dev/null
"$SOLDR" --config "$CONFIG" gcc -Wall -O1 -c 0.c -o 0.o &
if [ "$1" = block ]; then
	until grep -q 'waiting for it' "$LOG" 2>/dev/null; do kill -0 $! || exit 78; done
	echo "object $(test -e 0.o && echo there)"
	rm "$RUNS/filler"
fi
wait $!
echo "status $?"
cp "$RUNS/r/journal.jsonl" "$COPY"
END
mkdir "$T/mnt"
if unshare -m mount -t tmpfs none "$T/mnt" 2>/dev/null; then
	export RUNS="$runs" CONFIG="$config" LOG="$SOLDR_CACHE_DIR/logs/soldr.log" COPY="$T/copy" SOLDR
	for p in degrade drop_low_priority fail_lossless block; do
		policy $p
		drop "$SOLDR_CACHE_DIR/logs" "$SOLDR_CACHE_DIR/counters"
		rm -f 0.o "$T/copy"
		run timeout 100 env SOLDR_RUN_ID=r unshare -m sh full.sh $p
		[ "$status" = 77 ] && skip "full disk, $p" "cannot be mounted here" && continue
		case $p in
		degrade) want="status 0 1 1 0" ;;
		drop_low_priority) want="status 0 1 0 0" ;;
		fail_lossless) want="status 111 1 0 0" ;;
		block) want="status 0 0 1 1" ;;
		esac
		is "$(printf '%s\n' "$out" | tail -n 1) $(lost) $(faults) $(wc -l <"$T/copy")" "$want" \
			"full disk, $p: status, lines lost, logged, written"
		[ $p = block ] && is "$(lines "$T/copy" 'L[0]["outcome"]')" hit "full disk, block: the line is there once there was room"
		[ $p = fail_lossless ] && like "$err" "^soldr: cannot write to the journal below $SOLDR_CACHE_DIR \\(make room .*: No space left" \
			"full disk, fail_lossless: says where, and the mend"
	done
	policy fail_lossless
	drop "$SOLDR_CACHE_DIR"
	: >"$SOLDR_CACHE_DIR"
	run "$SOLDR" --config "$config" gcc -O1 -c 0.c -o 0.o
	is "$status" 111 "fail_lossless: a cache root that cannot be used is a lost line too"
	policy degrade
	run "$SOLDR" --config "$config" gcc -O1 -c 0.c -o 0.o
	is "$status" 0 "degrade: it is not"
	drop "$SOLDR_CACHE_DIR"
else
	skip "full disk" "no mount namespace may be made here"
fi

# ---- compiles replayed from it --------------------------------------------------------------------

drop "$SOLDR_CACHE_DIR"
run "$SOLDR" doctor --parity 5
is "$status" 1 "doctor --parity without a journal"
like "$out" "parity +there is no journal below $runs; compile something .*audit.mode" "says how to get one"
run "$SOLDR" parity --run last
is "$status" 1 "so does parity --run"
mkdir "$T/project" && cd "$T/project" || exit 1
for n in 1 2 3 4 5 6; do echo "int f$n(void) { return $n; }" >$n.c; done
mkdir sub && echo 'int s;' >sub/s.c && echo 'int gone;' >gone.c
cat >Makefile <<'END'
all: 1.o 2.o 3.o 4.o 5.o 6.o
	gcc -r 1.o 2.o -o all.o
	gcc -c gone.c -o gone.o
	gcc -c gone.c -o gone.o
	cd sub && gcc -c s.c
	gcc --version >probe
	echo 'int i;' | gcc -x c -c - -o i.o
	gcc -DTOKEN=abcdefgh -c 1.c -o t.o
%.o: %.c
	gcc -O2 -MMD -Wall -c $< -o $@
END
settle
run "$SOLDR" make -s
is "$status" 0 "a project is built"
rm -rf sub gone.c
run "$SOLDR" doctor --parity 20
is "$status" 0 "doctor --parity finds no difference of embedded"
like "$out" '^ok +parity +7 compiles of run 2[^ ]+ through embedded: 7 the same, 0 different; not replayable: redacted 1, probe 1, stdin 1, directory_gone 1, source_gone 2$' \
	"it counts what it replayed, and names why not the rest"
run "$SOLDR" doctor --parity 3 --seed 7 --json
printf '%s' "$out" >"$T/doctor.json"
is "$status $(json "$T/doctor.json" parity requests) $(json "$T/doctor.json" parity same) $(json "$T/doctor.json" ok)" "0 3 3 true" "a sample, as JSON"
is "$(json "$T/doctor.json" parity skipped)" '{"redacted": 1, "probe": 1, "stdin": 1, "directory_gone": 1, "source_gone": 2}' "with the reasons"
run "$SOLDR" parity --run last --backends embedded,null
is "$status" 0 "soldr parity --run last"
like "$out" '^7 requests: 7 the same' "takes the same requests"
like "$out" '  not replayable: source_gone 2 \(' "and says what each reason means"
echo 'torn{"schema":"soldr.jour' >>"$(newest)"
run "$SOLDR" parity --run "$(basename "$(dirname "$(newest)")")" --sample 1
like "$out" 'not replayable: unreadable 1' "a torn line is counted"
run "$SOLDR" parity --run none
is "$status" 1 "a run that is not there"
like "$err" "run none has no journal at $runs/none/journal.jsonl; name another" "is named"
for wrong in "--parity 0" "--parity many" "--seed 1" "--run last" "--parity 1 --run ../x"; do
	run "$SOLDR" doctor $wrong
	ok "doctor $wrong is wrong" test "$status" != 0
done
run "$SOLDR" parity --run last -- gcc -c 1.c
is "$status" 2 "--run and a command line exclude each other"
if [ -r "$fixtures/broken.so" ]; then
	chmod go-w "$fixtures/broken.so"
	cat >"$config" <<END
backend: broken
backends:
  broken: {plugin: $fixtures/broken.so, options: {fault: flip_byte}}
END
	run "$SOLDR" --config "$config" doctor --parity 2
	is "$status" 1 "a broken backend is caught by doctor --parity"
	like "$out" '^wrong +parity +2 compiles of run [^ ]+ through broken: 0 the same, 2 different' "which says so"
	like "$out" 'broken cold: .*\.o differs at byte 100' "and where"
else
	skip "a broken backend" "the fixtures are not built: make check-e2e builds them"
fi
run "$SOLDR" stats --json
is "$status" 0 "stats go on as ever"

done_testing
