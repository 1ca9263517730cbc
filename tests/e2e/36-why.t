#!/bin/sh
# soldr why: each cause of a miss is named, and so is what a refused compile could do. Reports, and how long runs are kept.
. "$(dirname "$0")/lib.sh"

runs=$SOLDR_CACHE_DIR/runs
unset LANG
config=$T/soldr.yaml

# The differences of the last compile: "KIND WHAT OLD NEW", a line each; digests as "digest".
differences() {
	"$SOLDR" why --last --json >"$T/why.json" || return
	python3 - "$T/why.json" <<'END'
import json, re, sys
for d in json.load(open(sys.argv[1]))["differences"]:
    print(" ".join(re.sub("^[0-9a-f]{64}$", "digest", d[k] or "-") for k in ("kind", "what", "old", "new")))
END
}
why() { json "$T/why.json" "$@"; }
compile() { settle; run "$SOLDR" "$@"; }
cause() { # NAME WANT, of the last compile
	is "$(differences)" "$2" "$1"
}

# ---- causes of a miss ------------------------------------------------------------------

for cc in gcc clang; do
	command -v $cc >/dev/null || { skip "$cc" "no $cc"; continue; }
	mkdir "$T/$cc" "$T/$cc/early" "$T/$cc/late" "$T/$cc/other" && cd "$T/$cc" || exit 1
	printf '#include "a.h"\nint x = A;\n' >a.c
	echo '#define A 1' >late/a.h
	: >early/b.h
	build() { compile $cc -Iearly -Ilate "$@" -c a.c -o a.o; }
	build
	cause "$cc: first time seen" "first_seen a.c - -"
	is "$(why outcome) $(why reason) $(why compared_with)" "miss not_seen null" "$cc: and nothing to compare it with"
	build
	is "$(differences)$(why outcome) $(why reason)" "hit null" "$cc: a hit has no cause"
	build -O1
	cause "$cc: option added" "option_added -O1 - -"
	build -O1 -DB=1 -D C=2
	cause "$cc: several options added" "option_added -DB=1 - -
option_added -D C=2 - -"
	build -O1 -DB=2 -D C=2
	cause "$cc: define changed" "option_changed -DB=2 -DB=1 -DB=2"
	build -O1 -D C=2 -DB=2
	cause "$cc: the order of options" "option_order -D C=2 - -"
	build -O1 -D C=2
	cause "$cc: option removed" "option_removed -DB=2 - -"
	build -O1 -D C=2 -DAPI_TOKEN=abcdefgh1
	build -O1 -D C=2 -DAPI_TOKEN=abcdefgh2
	cause "$cc: a secret changed, and is not shown" "option_changed -DAPI_TOKEN=[redacted] -DAPI_TOKEN=[redacted] -DAPI_TOKEN=[redacted]"
	is "$(grep -rl abcdefgh "$SOLDR_CACHE_DIR")" "" "$cc: nor is it in any file"
	echo '#define A 2' >late/a.h
	build -O1 -D C=2
	cause "$cc: header edited" "input_changed late/a.h digest digest"
	is "$(why differences 0 old) $(why differences 0 new)" \
		"$(echo '#define A 1' | sha256sum | cut -d' ' -f1) $(sha256sum <late/a.h | cut -d' ' -f1)" "$cc: by its old and new digest"
	ok "$cc: in order" sh -c 'echo "$1" | grep -q "T.*Z$"' - "$(why compared_with)"
	echo '#define A 3' >early/a.h
	build -O1 -D C=2
	cause "$cc: header appeared earlier on the path" "input_shadowed early/a.h late/a.h early/a.h"
	export LANG=xx
	build -O1 -D C=2
	cause "$cc: environment variable" "environment LANG unset digest"
	unset LANG
	build -O1 -D C=2
	is "$(differences)$(why outcome)" hit "$cc: unset again, a hit"
	echo 'int y;' >>a.c
	build -O1 -D C=2
	cause "$cc: source edited" "source_edited a.c digest digest"
	echo 'int z;' >>a.c
	echo '#define A 4' >early/a.h
	build -O2 -D C=2
	cause "$cc: three causes at once" "option_changed -O2 -O1 -O2
source_edited a.c digest digest
input_changed early/a.h digest digest"
	compile $cc -g -I"$PWD/early" -c "$PWD/a.c" -o g.o
	(cd other && compile $cc -g -I"$T/$cc/early" -c "$T/$cc/a.c" -o g.o)
	cause "$cc: working directory with -g" "directory $T/$cc/other $T/$cc $T/$cc/other"
	find "$SOLDR_CACHE_DIR/embedded" -name '*.e' -exec rm {} +
	build -O2 -D C=2
	cause "$cc: entry evicted" "evicted a.c - -"
	is "$(why reason)" entry_missing "$cc: which is a reason of its own"
	find "$SOLDR_CACHE_DIR/embedded" -name '*.[em]' -exec rm {} +
	build -O2 -D C=2
	cause "$cc: its manifest too" "evicted a.c - -"
	mkdir bin && ln -s "$(command -v $cc)" bin/$cc
	real=$(readlink -f "$(command -v $cc)")
	compile "$PWD/bin/$cc" -Iearly -Ilate -O2 -D C=2 -c a.c -o a.o
	cause "$cc: compiler of another path" "compiler $PWD/bin/$cc $(command -v $cc) $PWD/bin/$cc"
	run "$SOLDR" why
	like "$out" "^  - the compiler is $PWD/bin/$cc, before $(command -v $cc)\$" "$cc: said in words"
	# A program that stands behind the compiler is replaced: same path, other content.
	rm bin/$cc
	cp "$real" bin/$cc
	# Away from its place, GCC finds its own parts by this.
	[ $cc = clang ] || GCC_EXEC_PREFIX=$(dirname "$(dirname "$(dirname "$(gcc -print-prog-name=cc1)")")")/ && export GCC_EXEC_PREFIX
	build_copy() { compile "$PWD/bin/$cc" -O2 -Iearly -Ilate -c a.c -o a.o; }
	build_copy
	if [ "$status" = 0 ]; then
		printf x >>bin/$cc
		build_copy
		cause "$cc: compiler replaced" "program_changed $PWD/bin/$cc digest digest"
		is "$(why reason)" compiler_changed "$cc: by its reason"
	else
		skip "$cc: compiler replaced" "a copy of it does not run"
	fi
	unset GCC_EXEC_PREFIX
	"$SOLDR" cache clear >/dev/null
	is "$(find "$SOLDR_CACHE_DIR/embedded" -name '*.h')" "" "$cc: clearing the cache forgets it all"
	build
	cause "$cc: then it is seen for the first time" "first_seen a.c - -"
done

# ---- which compile -------------------------------------------------------------------------

mkdir -p "$T/pick/src" && cd "$T/pick" || exit 1
echo 'int one;' >src/one.c
echo 'int two;' >src/two.c
settle
for name in one two one; do "$SOLDR" gcc -c src/$name.c -o $name.o; done
"$SOLDR" gcc -c src/two.c
run "$SOLDR" why src/one.c
like "$out" '^hit: src/one.c$' "a source: the newest compile of it"
like "$out" '1 other compile of it in this run' "and how many others"
run "$SOLDR" why one.o
like "$out" '^hit: src/one.c$' "an output"
run "$SOLDR" why two.o
like "$out" '^miss: src/two.c$|^hit: src/two.c$' "the object that no -o names"
cd / || exit 1
run "$SOLDR" why one.c
like "$out" '^hit: src/one.c$' "the end of a path is enough"
cd "$T/pick" || exit 1
id=$("$SOLDR" why one.o --json | sed -n 's/.*"compile_id": "\(.*\)",/\1/p')
run "$SOLDR" why "$(echo "$id" | cut -c 1-10)"
like "$out" "^  compile $id," "a compile id, by its first digits"
run "$SOLDR" why none.c
is "$status" 1 "a file that nobody compiled"
like "$err" 'no journal below .* has a compile of none.c; name a source' "says so"
run "$SOLDR" why --last one.c
is "$status" 2 "--last and a file exclude each other"
SOLDR_CACHE_DIR=$T/nothing run "$SOLDR" why
is "$status" 1 "without a journal"
like "$err" 'there is no journal below .*audit.mode' "it says how to get one"
settle
run "$SOLDR" gcc -c src/one.c src/two.c
echo 'int three;' >>src/two.c
compile gcc -c src/one.c src/two.c
cause "several sources: the one that differs" "source_edited src/two.c digest digest"
SOLDR_BACKEND=null "$SOLDR" --backend null gcc -c src/one.c -o n.o
rm -f "$SOLDR_CACHE_DIR"/embedded/v1/??/*.h
run "$SOLDR" why two.o
like "$out" 'what it differed in is not kept any more' "a history that was evicted"
"$SOLDR" cache verify >/dev/null
settle
echo 'int four;' >>src/two.c
compile gcc -c src/two.c -o two.o
for file in "$SOLDR_CACHE_DIR"/embedded/v1/??/*.h; do printf x >>"$file"; done
run "$SOLDR" why two.o
is "$status" 0 "a damaged history"
like "$out" 'damaged' "is said to be"
echo 'int five;' >>src/two.c
compile gcc -c src/two.c -o two.o
is "$status" 0 "and does no harm to a compile"
cause "it begins anew" "first_seen src/two.c - -"
for file in "$SOLDR_CACHE_DIR"/embedded/v1/??/*.h; do printf x >>"$file"; done
run "$SOLDR" cache verify
is "$status $(find "$SOLDR_CACHE_DIR/embedded" -name '*.h' | wc -l)" "1 1" "verify finds it, and changes nothing"
like "$out" '^/.*/[0-9a-f]{62}\.h: a history in the store is damaged: ' "and names it"
run "$SOLDR" cache verify --repair
is "$status $(find "$SOLDR_CACHE_DIR/embedded" -name '*.h' | wc -l)" "1 0" "verify --repair removes it"

# ---- refusals, and what to do ------------------------------------------------------------------

refused() { # REASON DETAIL ARGS…: of gcc
	want=$1 detail=$2
	shift 2
	compile gcc "$@"
	"$SOLDR" why --last --json >"$T/why.json"
	is "$(why outcome) $(why reason) $(why detail)" "bypass $want $detail" "refused: $want"
	mend=$(why mend)
	like "$("$SOLDR" why)" "^  to do: " "$want: what to do"
	ok "$want: as soldr help reasons has it" sh -c '"$1" help reasons | grep -qF "  to do: $2"' - "$SOLDR" "$mend"
	ok "$want: and docs/reasons.md" grep -q "^| \`$want\` | [^|]* |\$" "$lib_dir/../../docs/reasons.md"
}
echo 'const char *t = __TIME__;' >time.c
echo 'asm(".incbin \"src/one.c\"");' >incbin.c
refused time_macro time.c -c time.c -o t.o
refused embedded_file incbin.c -c incbin.c -o i.o
refused unsupported_option --offload=x --offload=x -c src/one.c -o s.o
export SUNPRO_DEPENDENCIES="$T/sun x"
refused environment SUNPRO_DEPENDENCIES -c src/one.c -o e.o
unset SUNPRO_DEPENDENCIES
refused stdout_output - -S src/one.c -o -
mkdir dir.o
refused output_special null -c src/one.c -o dir.o
echo 'int x = ;' >bad.c
refused compile_failed null -c bad.c -o bad.o
SOLDR_READONLY=1 "$SOLDR" gcc -c src/one.c -o ro.o
SOLDR_AUDIT=normal "$SOLDR" --backend null gcc -c src/one.c -o n.o
"$SOLDR" why n.o --json >"$T/why.json"
is "$(why backend) $(why outcome) $(why reason)" "null passthrough null_backend" "the null backend says what it can"
like "$(why mend)" 'select another backend' "and what to do"

plugin=$(dirname "$SOLDR")/../lib/soldr/embedded.so
if [ -r "$plugin" ]; then
	cp "$plugin" "$T/mine.so" && chmod 755 "$T/mine.so"
	printf 'backend: mine\nbackends:\n  mine: {plugin: %s}\n' "$T/mine.so" >"$config"
	settle
	run "$SOLDR" --config "$config" gcc -DMINE=1 -c src/one.c -o mine.o
	settle
	run "$SOLDR" --config "$config" gcc -DMINE=2 -c src/one.c -o mine.o
	run "$SOLDR" --config "$config" why mine.o
	like "$out" '^  - option changed: -DMINE=2, before -DMINE=1$' "a backend whose plugin is a file is asked as well"
	run "$SOLDR" why mine.o
	like "$out" '^  \(.*mine.*\)$' "where the config does not name it, that is said"
else
	skip "a plugin that is a file" "it is not built"
fi

# ---- Rust: to the root of a chain -----------------------------------------------------------------

if command -v rustc >/dev/null; then
	mkdir -p "$T/rust/out/a" "$T/rust/out/b" "$T/rust/out/c" && cd "$T/rust" || exit 1
	echo 'pub fn a() -> u32 { include!("n.in") }' >a.rs
	echo 1 >n.in
	echo 'pub fn b() -> u32 { a::a() + option_env!("MAYBE").map_or(0, |s| s.len() as u32) }' >b.rs
	echo 'pub fn c() -> u32 { b::b() }' >c.rs
	crate() { # NAME ARGS…
		name=$1
		shift
		compile rustc --crate-name $name --crate-type lib --emit=dep-info,link --edition 2021 --out-dir "$PWD/out/$name" \
			"$@" $name.rs
	}
	all() {
		crate a
		crate b --extern a="$PWD/out/a/liba.rlib"
		crate c -L dependency="$PWD/out/a" --extern b="$PWD/out/b/libb.rlib"
	}
	all
	cause "rustc: first time seen" "first_seen c.rs - -"
	crate a --cfg 'feature="x"'
	cause "rustc: --cfg" "option_added --cfg feature=\"x\" - -"
	crate a
	export MAYBE=yes
	crate b --extern a="$PWD/out/a/liba.rlib"
	cause "rustc: a variable that the source reads" "variable_changed MAYBE digest digest"
	unset MAYBE
	CARGO_PKG_VERSION=2 crate a
	cause "rustc: a variable that cargo sets" "environment CARGO_PKG_VERSION unset digest"
	all
	is "$(differences)$(why outcome)" hit "rustc: as before, hits"
	echo 2 >n.in
	all
	cause "rustc: an extern changed" "input_changed $PWD/out/b/libb.rlib digest digest
input_changed $PWD/out/a/liba.rlib digest digest"
	is "$(why causes 0 subject) $(why causes 0 differences 0 what)" "b.rs $PWD/out/a/liba.rlib" "rustc: because b was another"
	is "$(why causes 1 subject) $(why causes 1 reason) $(why causes 1 differences 0 what)" "a.rs input_changed n.in" \
		"rustc: because a read another file"
	run "$SOLDR" why out/c/libc.rlib
	like "$out" '^ *which comes from a.rs' "rustc: found by its output, and said in words"
else
	skip rustc "no rustc"
fi

# ---- the report of a run -----------------------------------------------------------------------------

mkdir "$T/report" && cd "$T/report" || exit 1
for n in 1 2 3; do echo "int f$n;" >$n.c; done
cp "$T/pick/time.c" time.c
printf 'all: 1.o 2.o 3.o time.o\n%%.o: %%.c\n\tgcc -c $< -o $@\n' >Makefile
settle
"$SOLDR" -q make -s
first=$(ls "$runs" | grep '^2')
rm -f 1.o 2.o 3.o && echo 'int more;' >>3.c && settle && "$SOLDR" -q make -s
run "$SOLDR" report --json
printf '%s' "$out" >report.json
is "$status $(json report.json command) $(json report.json exit_code)" "0 make 0" "report: of the last run"
is "$(json report.json compilations) $(json report.json outcomes hit) $(json report.json outcomes miss) $(json report.json hit_rate)" "3 2 1 0.6667" \
	"report: totals and hit rate"
is "$(json report.json misses 0 reason) $(json report.json misses 0 subject)" "not_seen 3.c" "report: reasons with an example"
is "$(json report.json slowest 0 subject)" "3.c" "report: the slowest misses"
run "$SOLDR" report "$first" --json
printf '%s' "$out" >report.json
is "$(json report.json run_id) $(json report.json not_cached 0 reason) $(json report.json not_cached 0 detail)" "$first time_macro time.c" \
	"report: of a run by its name, with what was refused"
ok "report: the slowest come first" python3 -c 'import json,sys
times = [s["latency_ns"] for s in json.load(open("report.json"))["slowest"]]
sys.exit(len(times) != 3 or times != sorted(times, reverse=True))'
run "$SOLDR" report "$first" --markdown
like "$out" '^\| time\\_macro \| 1 \| time.c \| time.c \|' "report: as Markdown"
run "$SOLDR" report "$first"
like "$out" '^  time_macro +1  time.c  time.c' "report: as text"
printf '{"schema":"soldr.journal.v1","torn' >>"$runs/$first/journal.jsonl"
run "$SOLDR" report "$first" --json
printf '%s' "$out" >report.json
is "$status $(json report.json compilations) $(json report.json unreadable)" "0 4 1" "report: a line cut off by a crash costs no other"
"$SOLDR" -q make -s
run "$SOLDR" report
like "$out" '^make ended with status 0' "report: a build that compiled nothing"
like "$out" '^  all +0$' "report: has nothing to count"
for wrong in ../x none; do
	run "$SOLDR" report $wrong
	is "$status" 1 "report $wrong: there is none"
done
run "$SOLDR" report --json --markdown
is "$status" 2 "report: one form at a time"

# ---- how long, and how much -----------------------------------------------------------------------------

names() { ls "$runs" | grep -v '^day-' | sort | tr '\n' ' '; }
drop "$runs"
printf 'audit: {keep_runs: 2}\n' >"$config"
for n in 1 2 3 4 5; do
	mkdir -p "$runs/2020010${n}T000000-999999999-00000001"
done
chmod 700 "$runs"
mkdir "$T/away" "$runs/mine" "$runs/new" "$runs/notes"
: >"$runs/mine/counters"
: >"$T/away/counters"
: >"$runs/new/counters"
ln -s "$T/away" "$runs/link"
touch -d '3 days ago' "$runs/mine/counters"
touch -d '3 days ago' "$runs/notes"
mkdir "$runs/.soldr-tmp.half"
"$SOLDR" --config "$config" -q build -- true
left=$(names)
ok "retention: what an interrupted removal left goes too" test ! -e "$runs/.soldr-tmp.half"
like "$left" 'link new notes ' "retention: what is new, or no run, stays"
unlike "$left" 'mine|20200101|20200102|20200103' "retention: the oldest go, those with a name of the user's too"
ok "retention: nothing outside the cache root goes" test -e "$T/away/counters"
printf 'audit: {keep_days: 7}\n' >"$config"
mkdir "$runs/20200101T000000-999999999-00000001" "$runs/$(date -u -d '6 days ago' +%Y%m%dT%H%M%S)-999999999-00000002"
"$SOLDR" --config "$config" -q build -- true
unlike "$(names)" '20200101' "retention: a run that is too old goes"
like "$(names)" '00000002' "retention: a younger one stays"
mkdir -p "$runs/day-20200101" "$runs/day-$(date -u -d '6 days ago' +%Y%m%d)"
drop "$runs/day-$(date -u +%Y%m%d)"
"$SOLDR" --config "$config" gcc -c 1.c -o 1.o
is "$(ls -d "$runs"/day-* | wc -l)" 2 "retention: so do days"

drop "$runs"
printf 'audit: {max_journal_size: 64KiB}\n' >"$config"
seq 1 120 | xargs -P 4 -I @@ "$SOLDR" --config "$config" gcc -DX=1 -c 1.c -o "$T/@@.o"
"$SOLDR" --config "$config" stats --zero >/dev/null
pad=$(printf '%01000d' 0)
seq 1 90 | xargs -P 4 -I @@ "$SOLDR" --config "$config" gcc -DPAD=$pad -c 1.c -o "$T/@@.o"
file=$(ls "$runs"/day-*/journal.jsonl)
ok "a journal is bounded" test "$(wc -c <"$file")" -le $(((64 << 10) + 4 * 1600)) # those that write at once may pass it
left_out=$("$SOLDR" stats --json | sed -n 's/.*"journal_full": \([0-9]*\).*/\1/p')
is "$((left_out + $(wc -l <"$file")))" 210 "what is left out is counted"
is "$(grep -c 'the journal of run.*max_journal_size' "$SOLDR_CACHE_DIR/logs/soldr.log")" 1 "and said once"
run "$SOLDR" report
like "$out" 'The journal reached its limit' "the report says so"
printf 'audit: {max_journal_size: 64KiB, sink_policy: fail_lossless}\n' >"$config"
before=$(wc -l <"$file")
run "$SOLDR" --config "$config" gcc -c 1.c -o 1.o
is "$status $(wc -l <"$file")" "0 $((before + 1))" "where no line may be lost there is no limit"
for wrong in 'keep_runs: 0' 'keep_days: many' 'max_journal_size: 1KiB'; do
	printf 'audit: {%s}\n' "$wrong" >"$config"
	run "$SOLDR" --config "$config" config check
	is "$status" 1 "$wrong is wrong"
done

done_testing
