#!/bin/sh
# 60-parity: the gate. Each way to be wrong is caught; the corpus is clean for
# embedded and null; the command line, reports and recorded builds work.
fixtures=${SOLDR_TEST_FIXTURES:-} # lib.sh clears the environment
san=${SOLDR_TEST_SAN:-}
. "$(dirname "$0")/lib.sh"

fixtures=${fixtures:-$lib_dir/../../build/tests/fixtures}
mkdir -p src && cd src || exit 1
printf '#ifndef V\n#define V 1\n#endif\n#include "a.h"\nint v = V + A;\nint f(int x) { int unused; return x; }\n' > x.c
printf '#define A 1\n' > a.h
sleep 0.05

broken() { # FAULT: a config with that backend
	cat > ../broken.yaml <<EOF
backends:
  broken:
    plugin: $fixtures/broken.so
    options: {fault: $1, store: "$T/first.o"}
EOF
	rm -f "$T/first.o"
}
caught() { # FAULT PATTERN
	for how in --quiet --in-place; do # in a private view of the files, and without one
		broken "$1"
		run "$SOLDR" --config ../broken.yaml parity $how --backends broken -- gcc -Wall -MMD -MF x.d -c x.c -o x.o
		is "$status" 1 "a backend that does $1 is caught ($how)"
		like "$out" "$2" "and the report says so ($how)"
		rm -f x.o x.d left-over.o
	done
}

if [ -r "$fixtures/broken.so" ]; then
	chmod go-w "$fixtures/broken.so"
	caught flip_byte 'broken cold: .*/x.o differs at byte 100 of [0-9]+ \(here [0-9]+\)'
	caught drop_depfile 'broken cold: .*/x.d is missing'
	caught swap_stderr 'broken warm: stderr differs at byte 0'
	caught wrong_status 'exit status 0, here 3'
	caught wrong_mode '/x.o has mode 0[0-7]{3}, here 0600'
	caught extra_file 'left-over.o is not written by the compiler'
	caught late_outcome 'outcomes read "miss[^"]*", then "miss'
	broken stale_object
	cat > two.json <<EOF
[{"directory": "$T/src", "arguments": ["gcc", "-DV=1", "-c", "x.c", "-o", "x.o"], "file": "x.c"},
 {"directory": "$T/src", "command": "gcc -DV=2 -c x.c -o 'x.o'", "file": "x.c"}]
EOF
	run "$SOLDR" --config ../broken.yaml parity --backends broken --jobs 1 --compdb two.json
	is "$status" 1 "a stale object is caught"
	like "$out" 'x.o differs at byte .*section \.data' "with the section it differs in"
	broken flip_byte
	run "$SOLDR" --config ../broken.yaml parity --backends broken --keep "$T/kept" --junit "$T/j.xml" --json -- gcc -c x.c -o x.o
	is "$status" 1 "--json reports a difference by the status as well"
	ok "--keep leaves both objects" test -f "$T/kept/0/compiler$T/src/x.o" -a -f "$T/kept/0/broken cold$T/src/x.o"
	like "$(cat "$T/j.xml")" '<failure message="different">' "--junit names the failure"
	printf '%s' "$out" > out.json
	ok "the JSON is JSON" python3 -c 'import json; d = json.load(open("out.json")); assert d["different"] == 1 and d["results"][0]["status"] == "different"'
else
	skip "broken backends" "the fixtures are not built: make check-e2e builds them"
fi

rm -f x.o x.d
before=$(ls)
run "$SOLDR" parity --backends embedded,null -- gcc -Wall -MMD -MF x.d -c x.c -o x.o
is "$status" 0 "embedded and null give the compiler's bytes"
is "$(ls)" "$before" "nothing is left in the user's directory"
run "$SOLDR" parity --in-place --backends embedded,null -- gcc -Wall -MMD -MF x.d -c x.c -o x.o
is "$status" 0 "in place too embedded and null give the compiler's bytes"
ok "and the compiler's own outputs stay" test -s x.o -a -s x.d
rm -f x.o x.d
run "$SOLDR" parity -- nocc -c x.c
is "$status" 0 "a request that cannot be replayed is no difference"
like "$out" '1 not replayable' "but counted"
like "$out" 'compiler nocc: No such file' "and named with its reason"
printf 'const char *t = __TIME__;\n' > t.c
run "$SOLDR" parity -- sh -c 'echo $$'
like "$out" 'not_deterministic' "a command that does not agree with itself is no backend's fault"
printf 'const char *t = T;\n' > t2.c
cat > drift.sh <<'EOF'
#!/bin/sh
# A compiler whose output changes with every third run.
n=$(cat "$COUNT" 2>/dev/null || echo 0)
echo $((n + 1)) > "$COUNT"
exec gcc -DT="\"$((n / 3))\"" "$@"
EOF
chmod +x drift.sh
mkdir "$T/count"
COUNT="$T/count/n"
export COUNT
run "$SOLDR" parity --backends null -- ./drift.sh -c t2.c -o t2.o
like "$out" '^not_deterministic' "a compiler that drifts between runs is not blamed on a backend"
printf '#define P 1\n' > p.h
run "$SOLDR" parity --backends embedded,null -- gcc -x c-header p.h -o p.h.gch
is "$status" 0 "GCC's precompiled headers hold addresses, and that is no difference"
like "$out" '^not_deterministic.*p.h.gch' "but the compiler's own"
run "$SOLDR" parity --build --backends embedded,null -- sh -c 'gcc -c x.c -o b1.o && cc -O2 -c x.c -o b2.o && gcc b1.o -r -o b3.o'
is "$status" 0 "a recorded build is clean"
like "$out" '^3 requests: 3 the same' "with each of its compiles"
mkdir -p "$T/tree/.git" "$T/tree/src"
printf 'const char *f(void) { return __FILE__; }\n' >"$T/tree/src/y.c"
sleep 0.05
cd "$T/tree/src" || exit 1
run env SOLDR_PATH_REMAP=auto "$SOLDR" parity --backends embedded,null -- gcc -g -MD -c "$T/tree/src/y.c" -o y.o
is "$status" 0 "with path_remap the bare compiler maps the root as well"
like "$out" '^embedded +1 ' "and the embedded backend caches it"
if command -v rustc >/dev/null; then
	printf 'pub fn f() -> &%sstatic str { file!() }\n' "'" >"$T/tree/src/y.rs"
	mkdir "$T/tree/out"
	sleep 0.05
	for cwd in "$T/tree" "$T"; do # a package in the checkout, and one that is built for it
		cd "$cwd" || exit 1
		run env SOLDR_PATH_REMAP=auto "$SOLDR" parity --backends embedded,null -- rustc "$T/tree/src/y.rs" --crate-type lib -g \
			--emit=dep-info,metadata,link -C embed-bitcode=no --out-dir "$T/tree/out"
		is "$status" 0 "with path_remap so does the bare rustc, in $(basename "$cwd")"
		like "$out" '^embedded +1 ' "and the embedded backend caches it"
	done
	cd "$T/tree/src" || exit 1
else
	skip "path_remap with rustc" "no rustc"
fi
cd "$OLDPWD" || exit 1
run "$SOLDR" parity
is "$status" 2 "no request: wrong usage"
run "$SOLDR" parity --sample 0 -- gcc -c x.c
is "$status" 2 "a sample of nothing: wrong usage"
run "$SOLDR" parity --compdb nowhere.json
is "$status" 2 "a database that is not there: wrong usage"
printf '[{"directory": "x"}]' > bad.json
run "$SOLDR" parity --compdb bad.json
like "$err" 'bad.json: entry 0 needs an absolute "directory"' "a bad entry is named"

# In a build of cargo rustc calls the linker by a name that leads through soldr; replayed, that must count as one compile.
if command -v cargo >/dev/null && command -v cc >/dev/null; then
	mkdir -p "$T/crate/src"
	cd "$T/crate" || exit 1
	printf '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
	printf 'fn main() {}\n' >src/main.rs
	run env CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$T/target" "$SOLDR" parity --backends embedded,null --build -- cargo build --offline
	is "$status" 0 "a build of cargo gives rustc's bytes"
	like "$out" '^[1-9][0-9]* requests: .* 0 different' "and every request is counted once"
	[ "$status" = 0 ] || lib_note report "$out"
	cd "$T/src" || exit 1
else
	skip "a build of cargo" "no cargo, or no cc to link with"
fi

mkdir "$T/corpus"
counts=$(python3 "$lib_dir/../parity/corpus.py" "$T/corpus")
lib_note corpus "$counts"
ok "the corpus has at least 300 requests" test "${counts##*total=}" -ge 300
sleep 0.05
sample= enough=150
if [ -n "$san" ]; then # each process starts slowly there; the whole corpus is the plain build's
	sample='--sample 200 --seed 1' enough=75
	lib_note corpus "with sanitizers: 200 of them"
fi
# shellcheck disable=SC2086 # words of their own
run "$SOLDR" parity $sample --backends embedded,null --compdb "$T/corpus/compile_commands.json"
is "$status" 0 "the corpus is the same through embedded and null"
like "$out" ' 0 different, ' "no request differs"
like "$out" ' 0 not replayable' "every request was replayed"
[ "$status" = 0 ] || lib_note report "$out"
lib_note corpus "$(printf '%s\n' "$out" | tail -4)"
hits=$(printf '%s\n' "$out" | awk '$1 == "embedded" {print $2}')
ok "about half of it or more is cached ($hits)" test "${hits:-0}" -ge "$enough"

done_testing
