#!/bin/sh
# The audit log: events of every mode and backend, one tree of spans, valid line by line; what happens when it cannot be written.
. "$(dirname "$0")/lib.sh"

runs=$SOLDR_CACHE_DIR/runs
config=$T/soldr.yaml
audit() { python3 "$lib_dir/audit.py" "$@"; } # RUN-DIRECTORY EXPRESSION
last() { audit "$SOLDR_CACHE_DIR/last-session" "$1"; }
day() { audit "$(echo "$runs"/day-*)" "$1"; }
if python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then
	valid() { is "$(audit "$1" 'problems()')" "[]" "$2"; } # RUN-DIRECTORY NAME
else
	valid() { skip "$2" "no python3-jsonschema"; }
fi

mkdir src && cd src || exit 1
for n in 1 2 3; do echo "int f$n(void) { return $n; }" >$n.c; done
printf 'all: 1.o 2.o 3.o\n%%.o: %%.c\n\tgcc -O1 -c $< -o $@\n' >Makefile
settle

# ---- modes -----------------------------------------------------------------------------------

run "$SOLDR" make -s
is "$status" 0 "three misses"
for mode in off summary; do
	rm -f ./*.o
	run "$SOLDR" --audit $mode make -s
	is "$status $(last '[E, J], S["counts"]["hits"]')" "0 ([[], []], 3)" "$mode: no event, no line, but the counts"
done
is "$(last 'M["audit"]["mode"]') $(last 'S["counts"]["audit_lost_events"]')" "summary 0" "summary: a manifest"
for mode in normal verbose forensic; do
	rm -f ./*.o
	run "$SOLDR" --audit $mode make -s
	case $mode in
	normal) want="{'run.start': 1, 'compile': 3, 'command': 1, 'run.end': 1}" ;;
	*) want="{'run.start': 1, 'fingerprint': 3, 'lookup': 3, 'materialise': 3, 'compile': 3, 'command': 1, 'run.end': 1}" ;;
	esac
	is "$status $(last 'dict(Counter(e["event"] for e in E))')" "0 $want" "$mode: the events of three hits"
	valid "$SOLDR_CACHE_DIR/last-session" "$mode: each valid"
	is "$(last 'set(e["mode"] for e in E)')" "{'$mode'}" "$mode: which say so"
done
is "$(last 'sorted(set(e["fields"]["source"] + " " + e["fields"]["output"] + " " + e["fields"]["language"] for e in named("compile")))')" \
	"['1.c 1.o c', '2.c 2.o c', '3.c 3.o c']" "a compile names its source and output"
is "$(last 'named("compile")[0]["fields"]["args"][1:] == ["-O1", "-c", "1.c", "-o", "1.o"], named("lookup")[0]["evidence_ids"][0][:7], len(named("lookup")[0]["evidence_ids"])')" \
	"(True, 'direct:', 2)" "forensic: arguments, and the keys of what is stored"
is "$(last 'sorted(e["compile_id"] for e in named("compile")) == sorted(l["compile_id"] for l in J)')" True "events and journal have the same ids"
is "$(last 'M["ended"] > M["started"], [f["name"] for f in M["files"]]')" "(True, ['audit.jsonl', 'journal.jsonl', 'summary.json'])" \
	"the manifest lists what there is"
is "$(stat -c %a "$SOLDR_CACHE_DIR/last-session/audit.jsonl" "$SOLDR_CACHE_DIR/last-session/manifest.json" | tr '\n' ' ')" "600 600 " "all private"
rm -f ./*.o
run env CI=true "$SOLDR" make -s
is "$(last 'set(e["mode"] for e in E)')" "{'verbose'}" "verbose where CI is set"

# ---- a large build --------------------------------------------------------------------------

mkdir "$T/large" && cd "$T/large" || exit 1
n=0
while [ $n -lt 200 ]; do
	echo "int g$n;" >$n.c
	n=$((n + 1))
done
echo 'int bad = ;' >7.c
printf 'all: %s\n%%.o: %%.c\n\t-gcc -c $< -o $@\n\t@gcc --version >/dev/null\n' "$(seq -f %g.o -s ' ' 0 199)" >Makefile
settle
run "$SOLDR" --audit forensic make -s -j16
is "$status" 0 "200 units at once, forensic"
valid "$SOLDR_CACHE_DIR/last-session" "every line is valid"
spans=$(last 'len([e for e in E if e["duration_ns"] is not None])')
is "$(last 'tree()')" "spans $spans, roots 1, orphans 0, doubled 0" "the spans are one tree"
is "$(last 'len(E) > 1200, len(named("compile")), len(named("store")), len(J)')" "(True, 400, 199, 400)" "with an event for each of 400 calls"
"$SOLDR" stats --last --json >stats.json
is "$(last 'counts()')" "{'bypass': $(json stats.json counts non_cacheable), 'miss': $(json stats.json counts misses)}" "whose outcomes are those of soldr stats"
is "$(last 'all(S["counts"][k] == v for k, v in named("run.end")[0]["fields"].items() if k in S["counts"]), S["counts"]["compilations"]')" \
	"(True, 400)" "and of the summary"
is "$(last 'dict(Counter(e["fields"]["reason"] for e in named("compile"))) == S["reasons"]')" True "and whose reasons are"
is "$(last 'all(0 < e["duration_ns"] <= named("run.end")[0]["duration_ns"] for e in E if e["duration_ns"] is not None)')" True \
	"no span is longer than the run"
is "$(last 'set(e["command_id"] for e in named("compile")) == {named("command")[0]["span_id"]}, named("command")[0]["fields"]["args"]')" \
	"(True, ['make', '-s', '-j16'])" "the compiles are below the command"
cd "$T/src" || exit 1

# ---- traces ----------------------------------------------------------------------------------

trace=0af7651916cd43dd8448eb211c80319c
rm -f ./*.o
run env TRACEPARENT=00-$trace-b7ad6b7169203331-01 "$SOLDR" make -s
is "$(last 'set(e["trace_id"] for e in E), named("run.end")[0]["parent_span_id"], tree()')" \
	"({'$trace'}, 'b7ad6b7169203331', 'spans 5, roots 1, orphans 0, doubled 0')" "a run joins the trace that it is given"
printf 'all:\n\t@echo "$$TRACEPARENT" >parent\n\t@+SOLDR_QUIET=1 %s make -s -f inner\n' "$SOLDR" >outer
printf 'all:\n\t@gcc -O1 -c 1.c -o 1.o\n' >inner
run "$SOLDR" --audit verbose make -s -f outer
is "$(cat parent)" "00-$(last 'named("command")[-1]["trace_id"] + "-" + named("command")[-1]["span_id"]')-01" "the command is given its own span"
is "$(last 'tree()') $(last 'len(named("command")), len(named("run.end"))')" "spans 7, roots 1, orphans 0, doubled 0 (2, 1)" \
	"a front door below another one is a command below the other's"
valid "$SOLDR_CACHE_DIR/last-session" "both valid"
run env SOLDR_RUN_ID=mine "$SOLDR" make -s -f inner
run env SOLDR_RUN_ID=mine "$SOLDR" make -s -f inner
is "$(last 'tree()') $(last 'len(named("run.end"))')" "spans 6, roots 1, orphans 0, doubled 0 2" "a run that is opened again stays one tree"

drop "$runs"
seq 0 63 | xargs -P 16 -I @@ "$SOLDR" --audit verbose gcc -O1 -c 1.c -o @@.obj
is "$(day 'tree()') $(day 'len(named("compile")), len(named("run.start")), len(set(e["session_id"] for e in E)), E[0]["build_id"]')" \
	"spans 257, roots 1, orphans 0, doubled 0 (64, 1, 64, None)" "64 processes at once outside a run: one tree with the day as its root"
valid "$(echo "$runs"/day-*)" "valid as well"
run env TRACEPARENT=00-$trace-b7ad6b7169203331-01 "$SOLDR" gcc -O1 -c 1.c -o 1.o
is "$(day 'E[-1]["trace_id"], E[-1]["parent_span_id"], E[-1]["fields"]["remote_parent"]')" "('$trace', 'b7ad6b7169203331', True)" \
	"a compile outside a run joins the trace that it is given"

# The compiler's own children tell what they are given: the compile's span, and a hit is none the less a hit.
mkdir -p "$T/bin"
printf '#!/bin/sh\necho "$TRACEPARENT" >>"%s/seen"\nexec "%s" "$@"\n' "$T" "$(command -v as)" >"$T/bin/as"
chmod +x "$T/bin/as"
echo 'int traced;' >traced.c
settle
for n in 1 2; do
	TRACEPARENT=00-$trace-b7ad6b716920333$n-01 PATH=$T/bin:$PATH "$SOLDR" gcc -c traced.c -o traced.o
done
is "$(day '[e["fields"]["outcome"] for e in E[-2:]]')" "['miss', 'hit']" "the variable is in no key"
is "$(tail -n 1 "$T/seen")" "00-$trace-$(day 'E[-2]["span_id"]')-01" "a compile hands its own span on to the compiler"
PATH=$T/bin:$PATH "$SOLDR" gcc -c traced.c -o traced.o -O2
is "$(tail -n 1 "$T/seen")" "" "and none where it was given none"

# ---- backends ---------------------------------------------------------------------------------

for backend in null wrapped; do
	drop "$runs"
	if [ $backend = wrapped ]; then
		command -v ccache >/dev/null || { skip "wrapped" "no ccache"; continue; }
		printf 'backend: cc\nbackends:\n  cc: {plugin: wrapped, options: {profile: ccache, environment: {CCACHE_DIR: "%s"}}}\n' "$T/ccache" >"$config"
		want="{'cc': 'miss'} (False, 1)"
	else
		printf 'backend: "null"\n' >"$config"
		want="{'null': 'passthrough'} (True, 0)"
	fi
	run "$SOLDR" --config "$config" --audit verbose gcc -O1 -c 1.c -o 1.o
	is "$status $(day '{e["fields"]["backend"]: e["fields"]["outcome"] for e in named("compile")}') $(day \
		'"replaced" in named("compile")[0]["fields"], len(named("compiler"))')" "0 $want" "$backend records as well"
	valid "$(echo "$runs"/day-*)" "$backend: valid"
done
mkdir "$T/blocked" && : >"$T/blocked/embedded"
chmod 700 "$T/blocked"
run env SOLDR_CACHE_DIR="$T/blocked" "$SOLDR" gcc -O1 -c 1.c -o 1.o
is "$status $(audit "$(echo "$T"/blocked/runs/day-*)" 'counts(), [e["level"] for e in E if e["category"] != "run"]')" "0 ({'fallback': 1}, ['warn'])" \
	"a compile without its backend is an event, too"

# ---- what is kept -----------------------------------------------------------------------------

drop "$runs"
printf 'audit: {max_journal_size: 64KiB}\n' >"$config"
printf 'all:\n\tfor n in $$(seq 30); do gcc -O1 -c 1.c -o 1.o; done\n' >many
run "$SOLDR" --config "$config" --audit forensic make -s -f many
is "$status $(last 'len(broken)') $(test -e "$SOLDR_CACHE_DIR/last-session/audit.full" && echo full)" "0 0 full" "the log is bounded, too"
ok "and not larger" test "$(stat -c %s "$SOLDR_CACHE_DIR/last-session/audit.jsonl")" -le 65536
is "$(last 'S["counts"]["audit_lost_events"] > 0')" True "what it leaves out is counted"
drop "$runs"
"$SOLDR" gcc -O1 -c 1.c -o 1.o
printf '{"schema":"soldr.audit.v1","ts' >>"$(echo "$runs"/day-*)/audit.jsonl"
"$SOLDR" gcc -O1 -c 1.c -o 1.o
is "$(day 'len(E), len(broken)')" "(2, 1)" "a torn line costs the one behind it"

done_testing
