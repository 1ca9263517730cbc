#!/bin/sh
# soldr audit run: a build recorded in one directory; what it is made of in the end. The names that programs may meet; where the logs are.
fixtures=${SOLDR_TEST_FIXTURES:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

fixtures=${fixtures:-$lib_dir/../../build/tests/fixtures}
top=$(cd "$lib_dir/../.." && pwd)
trace="python3 $lib_dir/trace.py"
audit() { python3 "$lib_dir/audit.py" "$@"; } # RUN-DIRECTORY EXPRESSION
last=$SOLDR_CACHE_DIR/last-session

# ---- capabilities -------------------------------------------------------------------------------

run "$SOLDR" audit capabilities --json
printf '%s\n' "$out" >about.json
about() { python3 -c 'import json, sys; a = json.load(open("about.json")); print(eval(sys.argv[1]))' "$1"; }
is "$status $(json about.json schema_version)" "0 1" "capabilities"
is "$(about '"\n".join(sorted(e["name"] + " " + e["category"] for e in a["events"]))')" \
	"$(sed -n '/^## Events/,/^## Reading/s/^| `\([a-z.]*\)` | \([a-z]*\) |.*/\1 \2/p' "$top/docs/audit.md" | sort)" "its events are those of docs/audit.md"
is "$(about '"\n".join(sorted(f["id"] for f in a["findings"]))')" \
	"$(sed -n '/^### Findings/,/^### Export/s/^| \(`[a-z_`, ]*`\) |.*/\1/p' "$top/docs/audit.md" | tr -d '`,' | tr ' ' '\n' | sort)" \
	"its findings are those of docs/audit.md"
is "$(about '" ".join(f["name"] for f in a["formats"])')" "$(sed -n '/^### Export/,$s/^| `\([a-z]*\)` |.*/\1/p' "$top/docs/audit.md" | sort | paste -sd' ' -)" "its formats, too"
is "$(about '" ".join(a["modes"]) + "; " + " ".join(a["sink_policies"])')" \
	"off summary normal verbose forensic; block drop_low_priority degrade fail_lossless" "modes and sink policies"
run "$SOLDR" audit capabilities
like "$out" '^  changed_input +One changed file' "in words"

# ---- a run ------------------------------------------------------------------------------------------

mkdir src && cd src || exit 1
for n in 1 2 3; do
	echo "int f$n;" >$n.c
	echo 'const char *t = __TIME__;' >time$n.c
done
printf 'all: 1.o 2.o 3.o time1.o time2.o time3.o\n%%.o: %%.c\n\tgcc -c $< -o $@\n' >Makefile
settle
run "$SOLDR" audit run --output "../kept/here" -- make -s -j4
is "$status" 0 "a build is recorded"
like "$err" "^soldr:   recorded in $T/src/../kept/here\$" "it says where"
is "$(ls ../kept/here | tr '\n' ' ')" "audit.jsonl journal.jsonl manifest.json summary.json trace.json " "everything is there"
is "$(audit ../kept/here 'len(J), sorted(counts().items()), M["audit"]["mode"], len(broken)')" "(6, [('bypass', 3), ('miss', 3)], 'verbose', 0)" "profile full: mode verbose"
is "$(audit ../kept/here 'tree()' | cut -d, -f2-)" " roots 1, orphans 0, doubled 0" "one tree of spans"
ok "the manifest names its files with their sizes" python3 -c 'import json, os
files = {f["name"]: f["size_bytes"] for f in json.load(open("../kept/here/manifest.json"))["files"]}
assert files == {n: os.path.getsize("../kept/here/" + n) for n in os.listdir("../kept/here") if n != "manifest.json"}, files'
phases=$(audit ../kept/here 'sum(e["category"] == "phase" and e["duration_ns"] is not None for e in E)')
is "$($trace ../kept/here/trace.json | cut -d' ' -f1,2,4)" "6 0 $phases" "the trace has the compiles, and their phases within them"
ok "with phases" test "$phases" -ge 12
if python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then
	is "$(audit ../kept/here 'problems()')" "[]" "all of it is what the schemas say"
	"$SOLDR" audit analyze ../kept/here --json >../analysis.json
	ok "so is its analysis" python3 -c 'import json, sys, jsonschema
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open("../analysis.json")))' "$top/docs/schema/analysis.schema.json"
else
	skip "schemas" "no python3-jsonschema"
fi

"$SOLDR" audit analyze ../kept/here --json >../analysis.json
is "$(json ../analysis.json log has_events) $(json ../analysis.json log events)" "true $(wc -l <../kept/here/audit.jsonl)" "the events are read"
is "$(python3 -c 'import json; print(sorted((p["name"], p["count"]) for p in json.load(open("../analysis.json"))["phases"]))')" \
	"$(audit ../kept/here 'sorted(Counter(e["event"] for e in E if e["category"] == "phase" and e["duration_ns"] is not None).items())')" "phases are counted"
is "$(json ../analysis.json processes started) $(json ../analysis.json processes spawn_ns) $(json ../analysis.json processes wrappers)" \
	"$(audit ../kept/here 'str(len(named("compiler"))) + " " + str(sum(e["fields"]["spawn_ns"] for e in named("compiler"))) + " 6"')" "and processes"
cat >evidence.py <<'END'
import json
events = {e["event_id"]: e for e in map(json.loads, open("../kept/here/audit.jsonl"))}
finding = [f for f in json.load(open("../analysis.json"))["findings"] if f["id"] == "time_macro"][0]
print(len(finding["event_ids"]), set(events[i]["event"] for i in finding["event_ids"]),
      set(events[i]["compile_id"] for i in finding["event_ids"]) == set(finding["compile_ids"]))
END
is "$(python3 evidence.py)" "3 {'compile'} True" "evidence: the events of the compiles"
"$SOLDR" audit export ../kept/here --format html >page.html
ok "the page has the phases" grep -q '<h2>Phases</h2>' page.html

run "$SOLDR" audit run --profile forensic --output ../kept/some --events 'compile,run.*' -- make -s -B
is "$status $(audit ../kept/some 'dict(Counter(e["event"] for e in E))') $(audit ../kept/some 'M["audit"]["mode"]')" \
	"0 {'run.start': 1, 'compile': 6, 'run.end': 1} forensic" "--events takes what matches"
is "$(audit ../kept/some 'len(J)')" 6 "the journal is whole"
run "$SOLDR" --quiet audit run --profile quick -- make -s -B
is "$status $err $(audit "$last" 'M["audit"]["mode"]') $($trace "$last/trace.json")" "0  normal 6 0 1 0" "without --output the trace is beside the run's own files"
run "$SOLDR" audit run -- sh -c 'echo out; exit 3'
is "$status $out" "3 out" "the exit status is the command's"
run "$SOLDR" audit run -- sh -c 'kill -TERM $$'
is "$status" 143 "as is the signal"
printf 'backend: "null"\n' >../soldr.yaml
run "$SOLDR" --config ../soldr.yaml audit run -- make -s -B
is "$status $(audit "$last" 'counts()')" "0 {'passthrough': 6}" "through the null backend of a config"
for how in "env SOLDR_BYPASS=1 $SOLDR" "env SOLDR_BACKEND=null $SOLDR" "$SOLDR --backend null"; do
	run $how audit run -- make -s -B
	is "$status" 111 "a bypass has nothing to record"
	like "$err" "^soldr: soldr is bypassed" "which is said"
done
: >file
run "$SOLDR" audit run --output file/x -- make -s -B
is "$status" 111 "a directory that cannot be made"
like "$err" "^soldr: .*file" "is named"
run "$SOLDR" audit run --output file/x -- sh -c 'exit 4'
is "$status" 4 "but the command's status comes first"
for wrong in "" "--" "make" "--profile quik -- make" "--profile x -- make" "--events run.* -- make" "--output d --events , -- make" "--jsn -- make"; do
	run "$SOLDR" audit run $wrong
	is "$status" 2 "audit run $wrong: wrong usage"
done
run "$SOLDR" audit run --profile quik -- make
like "$err" "did you mean quick" "the nearest profile"
run "$SOLDR" audit run -- nonesuch-command
is "$status" 127 "a command that is not there"

# ---- the build report ------------------------------------------------------------------------------------

# The backend of the run is flushed before the journal is read: what it held back is counted.
if [ -r "$fixtures/holds_back.so" ]; then
	chmod go-w "$fixtures/holds_back.so"
	mkdir ../held && printf 'all:\n\tgcc -c 1.c -o 1.o\n' >Makefile.one
	printf 'backend: slow\nbackends:\n  slow: {plugin: %s, options: {held: %s, to: %s}}\n' \
		"$fixtures/holds_back.so" "$T/held/line" "$T/held/journal" >../slow.yaml
	run "$SOLDR" --config ../slow.yaml make -s -f Makefile.one
	cp "$last/journal.jsonl" ../held/line
	ln "$last/journal.jsonl" ../held/journal
	run "$SOLDR" --config ../slow.yaml --backend embedded report --json
	printf '%s\n' "$out" >../report.json
	is "$status $(json ../report.json compilations) $(json ../report.json backend)" "0 2 slow" "report flushes the backend of the run first"
	rm ../held/line
	run "$SOLDR" --config ../slow.yaml report last
	is "$status" 0 "and that it cannot is no reason for no report"
else
	skip "report flushes first" "the fixtures are not built: make check-e2e builds them"
fi

# ---- logs ------------------------------------------------------------------------------------------------

run env SOLDR_LOG="$T/my.log" "$SOLDR" logs paths --json
printf '%s\n' "$out" >../logs.json
is "$status $(json ../logs.json schema_version)" "0 1" "logs paths"
is "$(python3 -c 'import json, os
paths = {p["name"]: p for p in json.load(open("../logs.json"))["paths"]}
print(*sorted(paths))
for p in paths.values():
    assert p["exists"] == os.path.lexists(p["path"]) and p.get("size_bytes", 0) == (os.path.getsize(p["path"]) if os.path.isfile(p["path"]) else 0), p')" \
	"evidence faults faults_before last_events last_journal last_summary log runs" "names them, and says which are there"
run "$SOLDR" logs paths
like "$out" "^last_events +[0-9.]+ [KM]?i?B +$SOLDR_CACHE_DIR/runs/" "in words"
for wrong in "" nonesuch "paths x" "paths --jsn"; do
	run "$SOLDR" logs $wrong
	is "$status" 2 "logs $wrong: wrong usage"
done

done_testing
