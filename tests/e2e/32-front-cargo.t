#!/bin/sh
# `soldr cargo` and other front doors over real cargo: every form of cargo's
# command line, wrappers that the user gave to cargo, compilers below build
# scripts, the summary, the files of the last session.
. "$(dirname "$0")/lib.sh"
. "$lib_dir/cargo.sh"

cargo_front="$SOLDR --no-session-summary cargo"
workspace "$T/ws"
cargo generate-lockfile 2>/dev/null
host=$(rustc -vV | sed -n 's/^host: //p')

# ---- forms of the command line -----------------------------------------------------

alike front_build build
is "$(target/debug/app)" 'base base None (42, "given", true) 3 7' 'front_build: runs'
alike front_check check
alike front_run run -q
alike front_test test
alike front_bench bench
alike front_doc doc
alike front_target build --target "$host"
if cargo clippy --version >/dev/null 2>&1; then
	alike front_clippy clippy
else
	skip front_clippy 'no clippy'
fi
other=$(rustup toolchain list 2>/dev/null | sed -n 's/ .*//; /^nightly/p' | head -n 1)
if [ "$other" ]; then
	alike front_toolchain "+$other" build
	alike front_unstable "+$other" -Z unstable-options build
	put rust-toolchain.toml "[toolchain]
channel = \"$other\""
	alike front_toolchain_file check
	rm rust-toolchain.toml
	cd "$T" || exit 1
	target=$T/ws/target
	alike front_directory "+$other" -Z unstable-options -C ws build
	cd ws || exit 1
	target=target
else
	skip 'front_toolchain, front_unstable, front_directory' 'no second toolchain of rustup'
fi
put .cargo/config.toml '[alias]
fast = "build --release"'
alike front_alias fast
drop "$T/ws/.cargo"
cd base/src || exit 1
target=../../target
alike front_subdirectory build --workspace
cd "$T" || exit 1
target=$T/ws/target
alike front_manifest_path build --manifest-path ws/Cargo.toml -p app
cd ws || exit 1
target=target
alike front_package build -p native -p base
export CARGO_TARGET_DIR="$T/elsewhere"
target=$T/elsewhere
alike front_target_directory build
unset CARGO_TARGET_DIR
target=target
for kind in plain cold warm; do
	drop "$T/ws/target"
	settle
	if [ $kind = plain ]; then
		cargo_plain install -q --path app --root "$T/plain-root"
	else
		cargo_soldr install -q --path app --root "$T/$kind-root"
	fi
done
is "$status $(reasons)" '0 ' 'front_install: warm: hits alone'
ok 'front_install: cold: the same program' cmp "$T/plain-root/bin/app" "$T/cold-root/bin/app"
ok 'front_install: warm: the same program' cmp "$T/plain-root/bin/app" "$T/warm-root/bin/app"
cargo_plain build --no-such-option
plain_status=$status plain_err=$err
cargo_soldr build --no-such-option
is "$status $err" "$plain_status $plain_err" 'front: a mistake is told by cargo'

# ---- other front doors -----------------------------------------------------------------

printf 'all:\n\t@cargo build -q\n' >Makefile
printf 'rule cargo\n  command = cargo build -q\nbuild all: cargo\n' >build.ninja
printf 'execute_process(COMMAND cargo build -q RESULT_VARIABLE r)\nif(r)\n message(FATAL_ERROR no)\nendif()\n' >script.cmake
door() { # NAME PROGRAM ARGS…
	door_name=$1
	shift
	command -v "$1" >/dev/null || { skip "$door_name" "no $1"; return; }
	drop "$T/ws/target"
	settle
	: >"$SOLDR_LOG"
	case $1 in
	make | ninja | cmake) run "$SOLDR" "$@" ;;
	*) run "$SOLDR" build -- "$@" ;;
	esac
	is "$status $(reasons)" '0 ' "$door_name: hits alone, in a cargo below"
	like "$err" '^soldr:   hits [1-9]' "$door_name: which are in the summary"
}
# With shims, cargo finds rustup's proxy and not the rustc behind it: results of their own.
drop "$T/ws/target"
run "$SOLDR" make
door door_make make
door door_ninja ninja all
door door_cmake cmake -P script.cmake
door door_build_cargo cargo build -q
door door_build_script sh -c 'cd base && cargo build -q --workspace'

# ---- a wrapper of the user ------------------------------------------------------------------

put "$T/tools/wrap" "#!/bin/sh
echo \"\$@\" >>'$T/wrapped'
exec \"\$@\" \$WRAP_ADDS"
chmod +x "$T/tools/wrap"
crates() { grep -c -e '--crate-name [a-z]' "$T/wrapped"; }

# Built with the wrapper: it saw every crate that it would have seen, and soldr served them all behind it.
wrapped() { # NAME CMD…
	wrapped_name=$1
	shift
	for round in bare cold warm; do
		drop "$T/ws/target"
		settle
		: >"$T/wrapped"
		: >"$SOLDR_LOG"
		if [ $round = bare ]; then
			run env SOLDR_BYPASS=1 "$@"
			wrapped_crates=$(crates)
			artifacts target >"$T/plain"
		else
			run "$@"
		fi
	done
	is "$status $(crates)" "0 $wrapped_crates" "$wrapped_name: the wrapper runs for every crate"
	ok "$wrapped_name: which are some" test "$wrapped_crates" -ge 5
	is "$(reasons)" '' "$wrapped_name: soldr serves all that it runs"
	ok "$wrapped_name: there are hits" test "$(count hit)" -ge 6
	artifacts target >"$T/warm"
	ok "$wrapped_name: all artifacts are cargo's own" diff "$T/plain" "$T/warm"
	run env SOLDR_BYPASS=1 "$@"
	unlike "$err" Compiling "$wrapped_name: cargo without soldr finds all fresh"
}
config() { # DIR TEXT
	mkdir -p "$1/.cargo"
	printf '%b' "$2" >"$1/.cargo/config.toml"
}
wrapped wrapper_variable env RUSTC_WRAPPER="$T/tools/wrap" "$SOLDR" cargo build
wrapped wrapper_by_name env RUSTC_WRAPPER=wrap PATH="$T/tools:$PATH" "$SOLDR" cargo build
wrapped wrapper_build_variable env CARGO_BUILD_RUSTC_WRAPPER="$T/tools/wrap" "$SOLDR" cargo build
wrapped wrapper_option "$SOLDR" cargo --config "build.rustc-wrapper='$T/tools/wrap'" build
printf "build.rustc-wrapper = '%s'\n" "$T/tools/wrap" >"$T/more.toml"
wrapped wrapper_option_file "$SOLDR" cargo build --config="$T/more.toml"
wrapped wrapper_through_make env RUSTC_WRAPPER="$T/tools/wrap" "$SOLDR" make
wrapped wrapper_below_a_front_door env RUSTC_WRAPPER="$T/tools/wrap" "$SOLDR" build -- "$SOLDR" cargo build
config "$T/ws" '[build] # ours\nrustc-wrapper = "../tools/wrap"\n'
wrapped wrapper_config "$SOLDR" cargo build
config "$T/ws" "build = { jobs = 2, rustc-wrapper = '$T/tools/wrap' }\n"
wrapped wrapper_config_inline "$SOLDR" cargo build
drop "$T/ws/.cargo"
config "$T" "[build]\n\"rustc-wrapper\" = '$T/tools/wrap'\n"
wrapped wrapper_config_above "$SOLDR" cargo build
drop "$T/.cargo"
printf "[build]\nrustc-wrapper = '%s'\n" "$T/tools/wrap" >"$CARGO_HOME/config.toml"
wrapped wrapper_config_home "$SOLDR" cargo build
drop "$T/ws/target"
settle
: >"$T/wrapped"
: >"$SOLDR_LOG"
run env RUSTC_WRAPPER= "$SOLDR" cargo build
is "$(crates) $(reasons)" '0 ' 'wrapper_taken_back: an empty variable leaves soldr alone'
ok 'wrapper_taken_back: which serves' test "$(count hit)" -ge 6
drop "$CARGO_HOME/config.toml"
# A workspace wrapper is given to the packages of the workspace, in target names of their own.
wrapped wrapper_workspace env RUSTC_WORKSPACE_WRAPPER="$T/tools/wrap" "$SOLDR" cargo build
wrapped wrapper_workspace_and_soldr env RUSTC_WRAPPER="$SOLDR" RUSTC_WORKSPACE_WRAPPER="$T/tools/wrap" "$SOLDR" cargo build

# A wrapper that changes what rustc gets: never the result of other arguments.
loud() { RUSTC_WRAPPER="$T/tools/wrap" WRAP_ADDS="$1" "$SOLDR" cargo rustc -q -p base --lib; }
sed -i 's/^pub fn name/#[cfg(added)] compile_error!("added");\npub fn name/' base/src/lib.rs
drop "$T/ws/target"
settle
run loud ''
is "$status" 0 'wrapper_adds: nothing'
drop "$T/ws/target"
run loud '--cfg added'
like "$err" '^error: added' 'wrapper_adds: what it adds counts'

# soldr itself is no foreign wrapper.
for value in "$SOLDR" soldr; do
	drop "$T/ws/target"
	settle
	: >"$SOLDR_LOG"
	run env PATH="$(dirname "$SOLDR"):$PATH" RUSTC_WRAPPER="$value" "$SOLDR" cargo build
	is "$status $(grep -c '"compiler":"[^"]*/rustc","args":\["[^"]*","--crate-name","[a-z]' "$SOLDR_CACHE_DIR/last-session/journal.jsonl")" '0 5' \
		"wrapper_soldr: $(basename "$value"): each crate once"
done

# Both another wrapper and another rustc: said, and as the user wants it.
real=$(rustc --print sysroot)/bin/rustc
drop "$T/ws/target"
: >"$T/wrapped"
run env RUSTC="$real" RUSTC_WRAPPER="$T/tools/wrap" "$SOLDR" cargo build
like "$err" '^soldr: cargo has a wrapper of its own \(RUSTC_WRAPPER\) and a rustc of its own \(RUSTC\): .*; unset one of the two \[E512\]$' \
	'wrapper_and_rustc: said'
is "$status $(crates)" '0 5' 'wrapper_and_rustc: both are used'
like "$(head -n 1 "$T/wrapped")" "^$real " 'wrapper_and_rustc: the rustc too'
run env RUSTC="$real" RUSTC_WRAPPER="$T/tools/wrap" "$SOLDR" --quiet cargo build
unlike "$err" '^soldr' 'wrapper_and_rustc: not when quiet'
for round in cold warm; do
	drop "$T/ws/target"
	settle
	: >"$SOLDR_LOG"
	run env RUSTC="$real" "$SOLDR" cargo build
done
is "$status $(reasons)" '0 ' 'rustc_of_the_user: goes through soldr'

# Without a front door, cargo names a workspace wrapper by its bare name.
drop "$T/ws/target"
: >"$T/wrapped"
run env PATH="$T/tools:$PATH" RUSTC_WRAPPER="$SOLDR" RUSTC_WORKSPACE_WRAPPER=wrap cargo build
is "$status $(crates)" '0 5' 'workspace_wrapper_by_name: runs behind soldr'

# ---- R19: compilers below build scripts -------------------------------------------------------

mkdir "$T/natives" && cd "$T/natives" || exit 1
put Cargo.toml '[workspace]
members = ["by_name", "by_variable"]
resolver = "2"'
for n in by_name by_variable; do
	package $n ''
	put $n/a.c 'int answer(void) { return 42; }'
	put $n/src/main.rs 'extern "C" { fn answer() -> i32; } fn main() { println!("{}", unsafe { answer() }); }'
	put $n/build.rs 'use std::process::Command;
fn main() {
	let out = std::env::var("OUT_DIR").unwrap();
	let cc = if env!("CARGO_PKG_NAME") == "by_name" { "gcc".into() } else { std::env::var("CC").unwrap() };
	assert!(Command::new(cc).args(["-c", "-fPIC", "a.c", "-o"]).arg(format!("{out}/a.o")).status().unwrap().success());
	assert!(Command::new("ar").arg("crs").arg(format!("{out}/liba.a")).arg(format!("{out}/a.o")).status().unwrap().success());
	println!("cargo:rustc-link-search=native={out}\ncargo:rustc-link-lib=static=a");
}'
done
served_c() { # SOURCE: how many hits of it the last session had
	python3 -c 'import json, sys
print(sum(1 for l in map(json.loads, open(sys.argv[1])) if l["outcome"] == "hit" and any(a.endswith(sys.argv[2]) for a in l["args"])))' \
		"$SOLDR_CACHE_DIR/last-session/journal.jsonl" "$1"
}
twice() {
	for round in cold warm; do
		rm -rf target
		settle
		: >"$SOLDR_LOG"
		run "$SOLDR" cargo build
	done
}
export CC=gcc
twice
unset CC
is "$status $(reasons)" '0 ' 'r19: hits alone'
is "$(served_c a.c)" 2 'r19: a compiler by its name, and one by $CC'
is "$(target/debug/by_name) $(target/debug/by_variable)" '42 42' 'r19: the programs run'
mkdir "$T/crates" && cd "$T/crates" || exit 1
package withcc '[build-dependencies]
cc = "1"
cmake = "0.1"'
put withcc/a.c 'int answer(void) { return 42; }'
put withcc/CMakeLists.txt 'cmake_minimum_required(VERSION 3.5)
project(b C)
add_library(b STATIC b.c)
install(TARGETS b DESTINATION .)'
put withcc/b.c 'int question(void) { return 6; }'
put withcc/build.rs 'fn main() {
	cc::Build::new().file("a.c").compile("a");
	let at = cmake::build(".");
	println!("cargo:rustc-link-search=native={}\ncargo:rustc-link-lib=static=b", at.display());
}'
put withcc/src/main.rs 'extern "C" { fn answer() -> i32; fn question() -> i32; } fn main() { println!("{}", unsafe { answer() / question() }); }'
cd withcc || exit 1
if ! command -v cmake >/dev/null; then
	skip 'r19_crates' 'no cmake'
elif timeout 120 cargo fetch -q 2>/dev/null; then
	twice
	is "$status $(target/debug/withcc)" '0 7' 'r19_crates: the program runs'
	is "$(served_c a.c) $(served_c b.c)" '1 1' 'r19_crates: what the crates cc and cmake compile are hits'
else
	skip 'r19_crates' 'the crates cc and cmake cannot be fetched'
fi

# ---- the summary ----------------------------------------------------------------------------------

cd "$T/ws" || exit 1
again() {
	drop "$T/ws/target"
	settle
	run "$@"
}
again cargo build
plain_err=$err
for how in --quiet -q --no-session-summary; do
	again "$SOLDR" $how cargo build
	is "$(said "$err")" "$(said "$plain_err")" "summary: $how: cargo's own words alone"
done
for how in SOLDR_QUIET=1 SOLDR_NO_SESSION_SUMMARY=yes SOLDR_BYPASS=1 SOLDR_BYPASS_ZCCACHE=1 SOLDR_BACKEND=null; do
	again env $how "$SOLDR" cargo build
	is "$(said "$err")" "$(said "$plain_err")" "summary: $how: cargo's own words alone"
done
again "$SOLDR" cargo build
summary=$(printf '%s\n' "$err" | grep '^soldr:')
ok 'summary: five lines at most' test "$(printf '%s\n' "$summary" | wc -l)" -le 5
for word in 'compilations by backend embedded in [0-9.]+ m?s' 'hits [0-9]+, misses [0-9]+, non-cacheable [0-9]+, errors [0-9]+' \
	'hit rate 100.0 %, time saved [0-9.]+ m?s'; do
	like "$summary" "$word" "summary: $word"
done
if command -v strace >/dev/null && strace -o "$T/trace" true 2>/dev/null; then
	drop "$T/ws/target"
	settle
	strace -f -qq -e trace=write -s 4096 -o "$T/trace" "$SOLDR" cargo build 2>/dev/null
	is "$(grep -c 'write(2, "soldr:' "$T/trace")" 1 'summary: one write'
	ok 'summary: which has all of it' grep -q 'write(2, "soldr: .*soldr:   run ' "$T/trace"
else
	skip 'summary: one write' 'no strace'
fi

# ---- the last session --------------------------------------------------------------------------------

last=$SOLDR_CACHE_DIR/last-session
id() { json "$last/summary.json" run_id; }
again env SOLDR_RUN_ID=mine "$SOLDR" cargo build
is "$(readlink "$last") $(id)" 'runs/mine mine' 'last: a link to its directory'
ok 'last: with its journal' grep -q '"run_id":"mine"' "$last/journal.jsonl"
run "$SOLDR" stats --last
like "$out" '^run mine, since 2' 'last: stats --last'
like "$out" "^  hits +$(json "$last/summary.json" counts hits) " 'last: counts that session alone'
run "$SOLDR" stats --last --json
is "$out" "$(cat "$last/summary.json")" 'last: stats --last --json'
run "$SOLDR" stats --last --zero
is "$status" 2 'last: --zero is for the backend'
run env SOLDR_RUN_ID=theirs SOLDR_READONLY=1 "$SOLDR" cargo build
is "$status $(id)" '0 mine' 'last: a read-only root keeps the one it has'
run env SOLDR_RUN_ID=none SOLDR_BYPASS=1 "$SOLDR" cargo build
is "$status $(id)" '0 mine' 'last: a bypass is no session'
run env SOLDR_RUN_ID=outer "$SOLDR" build -- "$SOLDR" cargo build
is "$(id)" outer 'last: a front door below another one is its session'
run env SOLDR_CACHE_DIR="$T/fresh" "$SOLDR" stats --last
is "$status" 1 'last: there is none'
like "$err" "^soldr: no session has ended below $T/fresh; run a build by" 'last: said'
if command -v strace >/dev/null && strace -o "$T/trace" true 2>/dev/null; then
	SOLDR_RUN_ID=outer strace -qq -e trace=file -o "$T/trace" "$SOLDR" -q build -- true
	is "$(grep -v 'readlink\|newfstatat' "$T/trace" | grep -c '"[^"]*/last-session"')" 1 'last: one call replaces it'
	ok 'last: which is a rename' grep -q '^rename.*/last-session") = 0' "$T/trace"
else
	skip 'last: one call replaces it' 'no strace'
fi
# While many end at once, every look finds a whole one.
put "$T/look.py" 'import json, os, sys
root, done = sys.argv[1:]
seen = None
while not os.path.exists(done):
    for _ in range(1000):
        d = os.path.join(root, os.readlink(root + "/last-session"))
        if d != seen:
            break
    seen = d
    s = json.load(open(d + "/summary.json"))
    assert s["run_id"] == os.path.basename(d), s
    assert s["run_id"] == "outer" or s["counts"]["compilations"] == len(open(d + "/journal.jsonl").readlines()) == 1, s'
python3 "$T/look.py" "$SOLDR_CACHE_DIR" "$T/done" 2>"$T/torn" &
looker=$! many=
for n in 1 2 3 4 5 6; do
	for k in 1 2 3 4 5 6; do SOLDR_RUN_ID=many-$n-$k "$SOLDR" -q build -- gcc -c native/answer.c -o "$T/many-$n.o"; done &
	many="$many $!"
done
wait $many
: >"$T/done"
wait $looker
is "$(cat "$T/torn")" '' 'last: whole at every moment, with sessions in parallel'
like "$(id)" '^many-.-6$' 'last: one of those that ended last'
is "$(find "$SOLDR_CACHE_DIR" -maxdepth 1 -name '.soldr-tmp.*')" '' 'last: nothing is left behind'
i=0
while [ $i -lt 105 ]; do
	mkdir "$SOLDR_CACHE_DIR/runs/20200101T000000-4194999-$(printf %08x $i)"
	i=$((i + 1))
done
ln -sfn runs/20200101T000000-4194999-00000000 "$last"
run env SOLDR_RUN_ID=sweep "$SOLDR" build -- test -d "$SOLDR_CACHE_DIR/runs/20200101T000000-4194999-00000000"
is "$status" 0 'last: is not among the old ones that go'
ok 'last: but others are' test ! -e "$SOLDR_CACHE_DIR/runs/20200101T000000-4194999-00000001"
done_testing
