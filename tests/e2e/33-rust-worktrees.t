#!/bin/sh
# cargo in two git worktrees of one workspace, whose paths differ in length. With
# SOLDR_PATH_REMAP=auto the oracle is cargo with a wrapper that adds the same
# option and nothing else, run in that checkout; without, it is cargo alone.
. "$(dirname "$0")/lib.sh"
. "$lib_dir/cargo.sh"

if ! command -v git >/dev/null; then
	skip "worktrees" "no git"
	done_testing
fi
export CARGO_NET_OFFLINE=true
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@localhost
one=$T/one two=$T/another-checkout-of-it
RUSTC=$(rustc --print sysroot)/bin/rustc

project() {
	put Cargo.toml '[workspace]
members = ["base", "mac", "user", "native", "placed", "app"]
exclude = ["apart"]
resolver = "2"'
	put .gitignore target
	package base ''
	put base/src/lib.rs 'pub mod inner;
pub fn file() -> &'\''static str { file!() }
pub fn generic<T: std::fmt::Debug>(t: T) -> String { format!("{:?} {}", t, file!()) }
pub fn fails(n: usize) -> u8 { let empty: Vec<u8> = Vec::new(); empty[n] }'
	put base/src/inner.rs 'fn unused() {}'
	package apart ''
	put apart/src/lib.rs 'pub fn file() -> &'\''static str { file!() }'
	package mac '[lib]
proc-macro = true'
	put mac/src/lib.rs 'use proc_macro::TokenStream;
#[proc_macro] pub fn seven(_: TokenStream) -> TokenStream { "7u32".parse().unwrap() }
#[proc_macro] pub fn beside(_: TokenStream) -> TokenStream {
	let path = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/beside.txt";
	format!("{:?}", std::fs::read_to_string(path).unwrap_or_default()).parse().unwrap() }'
	package user '[dependencies]
mac = { path = "../mac" }'
	put user/src/lib.rs 'pub fn beside() -> &'\''static str { mac::beside!() }'
	package native ''
	put native/build.rs 'use std::{env, path::PathBuf, process::Command};
fn main() {
	let out = PathBuf::from(env::var("OUT_DIR").unwrap());
	let object = out.join("answer.o");
	assert!(Command::new("cc").args(["-c", "-fPIC", "answer.c", "-o"]).arg(&object).status().unwrap().success());
	assert!(Command::new("ar").arg("crs").arg(out.join("libanswer.a")).arg(&object).status().unwrap().success());
	println!("cargo:rerun-if-changed=answer.c");
	println!("cargo:rustc-link-search=native={}", out.display());
	println!("cargo:rustc-link-lib=static=answer");
}'
	put native/answer.c 'int answer(void) { return 42; }'
	put native/src/lib.rs 'extern "C" { fn answer() -> i32; }
pub fn ask() -> i32 { unsafe { answer() } }'
	package placed ''
	put placed/build.rs 'fn main() { std::fs::write(std::env::var("OUT_DIR").unwrap() + "/made.rs", "pub fn made() -> &'\''static str { file!() }").unwrap(); }'
	put placed/src/lib.rs 'include!(concat!(env!("OUT_DIR"), "/made.rs"));
pub fn place() -> &'\''static str { env!("CARGO_MANIFEST_DIR") }'
	package app '[dependencies]
base = { path = "../base" }
apart = { path = "../apart" }
native = { path = "../native" }'
	put app/src/main.rs 'fn main() {
	println!("{} {} {} {}", base::file(), base::generic(3), apart::file(), native::ask());
	if std::env::args().count() > 1 { base::fails(3); }
}
#[cfg(test)] mod tests { #[test] fn it() { assert_eq!(native::ask(), 42); } }'
}

checkouts() {
	drop "$one" "$two" "$T/cache"
	mkdir "$one" && cd "$one" && project && { [ ! -f Cargo.toml ] || cargo -q generate-lockfile; } && git init -q . && git add -A && git commit -qm all &&
		git worktree add -q "$two" || { echo "Bail out! no worktrees"; exit 1; }
	settle
}

# What the compiler made. cargo's own notes hold times and the wrapper's name; files of build scripts are theirs.
artifacts() {
	(cd "$1/target" && find . -type f ! -path '*/.fingerprint/*' ! -name '.cargo-*lock' ! -name .rustc_info.json ! -path '*/out/*' \
		! -name output ! -name root-output ! -name stderr ! -name CACHEDIR.TAG ! -name invoked.timestamp -exec sha256sum {} + | sort -k 2)
}

# How many of each outcome: "3 hit 1 miss:not_seen".
outcomes() {
	sed -n 's/^.* dispatch: \(hit\),.*/\1/p; s/^.* dispatch: \(miss\|bypass\|fallback\) \([a-z_]*\).*/\1:\2/p' "$SOLDR_LOG" |
		grep -v ':probe$' | sort | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'
}

cat >"$T/mapped" <<'END'
#!/bin/sh
first=$1
shift
case $1 in
*/rustc) second=$1 && shift && exec "$first" "$second" "--remap-path-prefix=$MAPPED=." "$@" ;; # clippy-driver
*) exec "$first" "--remap-path-prefix=$MAPPED=." "$@" ;;
esac
END
chmod +x "$T/mapped"

# cargo in a checkout: by itself with the map, and through soldr. Messages are compared but for the order and the last line.
in_checkout() { # NAME ROOT CARGO-ARGS…
	here_name=$1 here=$2
	shift 2
	cd "$here" || exit 1
	drop "$here/target"
	if [ "$remap" = auto ]; then
		run env MAPPED="$here" RUSTC_WRAPPER="$T/mapped" cargo "$@"
	else
		run cargo "$@"
	fi
	bare_status=$status
	bare_said=$(printf '%s\n' "$err" | sed '/Finished\|Executable/d' | sort)
	artifacts "$here" >"$T/expected"
	drop "$here/target"
	settle
	: >"$SOLDR_LOG"
	run env SOLDR_PATH_REMAP="$remap" RUSTC_WRAPPER="$SOLDR" cargo "$@"
	is "$status" "$bare_status" "$here_name: ends as without soldr"
	is "$(printf '%s\n' "$err" | sed '/Finished\|Executable/d' | sort)" "$bare_said" "$here_name: says what it says without soldr"
	artifacts "$here" >"$T/got"
	ok "$here_name: every file is the compiler's" diff "$T/expected" "$T/got"
	settle
}

# ---- mapped ---------------------------------------------------------------------------------

remap=auto
checkouts
in_checkout "first" "$one" build
is "$(outcomes)" '9 miss:not_seen' "first: all is compiled"
in_checkout "second" "$two" build
# placed holds its directory by env!, and user asks a procedural macro.
is "$(outcomes)" '7 hit 2 miss:checkout_differs' "second: hits, but for what depends on the place"
is "$(target/debug/app)" 'base/src/lib.rs 3 base/src/lib.rs apart/src/lib.rs 42' "second: the program runs, and file!() is right"
run target/debug/app fail
like "$err" 'panicked at base/src/lib.rs:4:' "second: a panic says where"
like "$(cat target/debug/deps/base-*.d)" "^$two/target/debug/deps/libbase-[0-9a-f]*\\.rlib: base/src/lib.rs base/src/inner.rs" \
	"r11: the dep-info is of this checkout"
is "$(grep -rl "$one" target)" '' "second: nothing names the first checkout"
: >"$SOLDR_LOG"
run env SOLDR_PATH_REMAP=auto RUSTC_WRAPPER="$SOLDR" cargo build
is "$(grep -c dispatch "$SOLDR_LOG") $(printf '%s' "$err" | grep -c Compiling)" '0 0' "r12: then all is fresh"
if command -v gdb >/dev/null; then
	for root in "$one" "$two"; do
		cd "$root" || exit 1
		run gdb -nx -batch -ex 'list base::fails' -ex 'list app::main' target/debug/app
		like "$out" 'empty\[n\]' "gdb finds the source of a library in $(basename "$root")"
		like "$out" 'base::fails\(3\)' "gdb finds the source of the program in $(basename "$root")"
	done
else
	skip "gdb finds the sources" "no gdb"
fi

# In turns: each keeps its own, and what others did does not matter.
for root in "$one" "$two"; do
	drop "$root/target"
	settle
	cd "$root" && : >"$SOLDR_LOG" && run env SOLDR_PATH_REMAP=auto RUSTC_WRAPPER="$SOLDR" cargo build
	is "$(outcomes)" '9 hit' "in turns: $(basename "$root") hits"
done

# What a macro reads in secret differs between checkouts.
put user/beside.txt 'only here'
drop "$two/target"
cd "$one" && drop "$one/target" && settle
put mac/src/more.rs '' && echo '// other' >>mac/src/lib.rs
in_checkout "macro, first" "$one" build -p user
cd "$two" && echo '// other' >>mac/src/lib.rs && settle
in_checkout "macro, second" "$two" build -p user
like "$(outcomes)" '1 miss:checkout_differs' "r06: what a macro made is for one checkout"
ok "r06: it read its own checkout's file" grep -q 'only here' target/debug/libuser.rlib
cat >"$T/pure.yaml" <<-END
	version: 1
	path_remap: auto
	backend: c
	backends:
	  c: {plugin: embedded, options: {rust: {pure_macros: [mac]}}}
END
rm user/beside.txt
for root in "$one" "$two"; do
	cd "$root" && drop "$root/target" && echo '// pure' >>user/src/lib.rs && settle && : >"$SOLDR_LOG"
	run env SOLDR_CONFIG="$T/pure.yaml" RUSTC_WRAPPER="$SOLDR" cargo build -p user
done
is "$(outcomes)" '2 hit' "r06: unless the user says that it does not depend on the place"
cd "$one" && git checkout -q . && cd "$two" && git checkout -q . || exit 1

# An edit in one of them, a file that is only in one of them, and a library that differs.
settle
sed -i 's/3)/4)/' app/src/main.rs
in_checkout "edited in the second" "$two" build
is "$(outcomes)" '8 hit 1 miss:not_seen' "edited in the second: one miss"
in_checkout "not edited in the first" "$one" build
is "$(outcomes)" '9 hit' "not edited in the first: hits"
mkdir "$two/base/src/inner" && put "$two/base/src/inner/mod.rs" ''
settle
in_checkout "r03: a second file for a module" "$two" build -p base
like "$(outcomes)" '1 bypass:compile_failed' "r03: it is an error there, and no hit"
drop "$two/base/src/inner"
put "$two/native/answer.c" 'int answer(void) { return 43; }'
settle
in_checkout "r07: another native library" "$two" build
is "$(outcomes)" '7 hit 2 miss:input_changed' "r07: what holds it is compiled"
is "$(target/debug/app | cut -d' ' -f5)" 43 "r07: it is in the program"
(cd "$two" && git checkout -q .)

# ---- other ways to build --------------------------------------------------------------------------

others() { # NAME SECOND CARGO-ARGS…
	others_name=$1 others_want=$2
	shift 2
	in_checkout "$others_name, first" "$one" "$@"
	in_checkout "$others_name, second" "$two" "$@"
	is "$(outcomes)" "$others_want" "$others_name, second: $others_want"
}
others check '4 hit 2 miss:checkout_differs' check -p base -p user -p placed -p mac
others release '6 hit' build --release -p app -p mac
others tests '6 hit' test --no-run -p app -p base
if cargo clippy --version >/dev/null 2>&1; then
	others r20_clippy '5 hit' clippy -p app
else
	skip r20_clippy 'no clippy'
fi
export RUSTFLAGS='--cfg outside'
cd "$two" && mkdir -p "$T/targets/one" "$T/targets/two"
for root in one two; do
	[ $root = one ] && cd "$one" || cd "$two" || exit 1
	settle
	: >"$SOLDR_LOG"
	run env CARGO_TARGET_DIR="$T/targets/$root" SOLDR_PATH_REMAP=auto RUSTC_WRAPPER="$SOLDR" cargo build -p app
done
is "$(outcomes)" '5 hit' "target directories outside the checkouts: hits"
run env MAPPED="$two" RUSTC_WRAPPER="$T/mapped" CARGO_TARGET_DIR="$T/targets/bare" cargo build -p app
is "$(sha256sum <"$T/targets/two/debug/app")" "$(sha256sum <"$T/targets/bare/debug/app")" "target directories outside: the same program"
unset RUSTFLAGS

# ---- the compiler by hand -----------------------------------------------------------------------

outcome() {
	sed -n 's/^.* dispatch: \(hit\),.*/\1/p; s/^.* dispatch: \(miss\|bypass\|fallback\) \([a-z_]*\).*/\1 \2/p' "$SOLDR_LOG" | tail -n 1
}

# In the first checkout, then in the second; the second gets what the compiler gives there. ROOT stands for the checkout.
both() { # NAME OUTCOME-IN-THE-SECOND RUSTC-ARGS…
	both_name=$1 both_want=$2
	shift 2
	for root in "$one" "$two"; do
		cd "$root" || exit 1
		words=$(printf '%s\n' "$@" | sed "s#ROOT#$root#g")
		rm -rf out && mkdir out
		# shellcheck disable=SC2086
		run "$RUSTC" $([ "$mapped" = no ] || echo "--remap-path-prefix=$root=.") $words
		expected="$status $out $err $(find out -type f -exec sha256sum {} + | sort -k 2)"
		rm -rf out && mkdir out
		settle
		: >"$SOLDR_LOG"
		# shellcheck disable=SC2086
		run env SOLDR_PATH_REMAP="$remap" "$SOLDR" "$RUSTC" $words
		is "$status $out $err $(find out -type f -exec sha256sum {} + | sort -k 2)" "$expected" "$both_name: $(basename "$root") gets what the compiler gives"
	done
	is "$(outcome)" "$both_want" "$both_name: in the second: $both_want"
}

project() {
	put src/x.rs 'pub fn f() -> &'\''static str { file!() }'
	put src/warns.rs 'fn unused() {}'
	put src/literal.rs "pub const P: &str = \"$one/x\";"
	put src/includes.rs "pub const P: &str = include_str!(\"$two/data\");"
	put src/absolute.rs 'mod below; pub use below::*;'
	put src/below.rs 'pub fn g() -> &'\''static str { file!() }'
	put src/variable.rs 'pub const P: &str = env!("PLACE");'
	put data data
	put .gitignore out
}
checkouts
mapped=yes
lib='--crate-type lib --emit=dep-info,metadata,link -C embed-bitcode=no -C debuginfo=2 --out-dir ROOT/out'
# shellcheck disable=SC2086
{
both "a library" hit src/x.rs $lib
both "an absolute source" hit ROOT/src/absolute.rs $lib
both "a relative directory of outputs" hit src/x.rs --crate-type lib --emit=dep-info,link -C embed-bitcode=no -C debuginfo=2 --out-dir out
both "several kinds" hit src/x.rs --crate-type lib,cdylib -C embed-bitcode=no --out-dir ROOT/out -g
both "a shared library" hit src/x.rs --crate-type cdylib --out-dir ROOT/out -g
both "text" hit src/x.rs --crate-type lib --emit=asm,llvm-ir,mir --out-dir ROOT/out -g
both "r10: a warning by a relative name" hit src/warns.rs --error-format=json --json=artifacts $lib
both "r10: a warning by an absolute name" hit ROOT/src/warns.rs --error-format=json --json=artifacts $lib
both "r13: the user's map of a directory" hit --remap-path-prefix ROOT/src=/s ROOT/src/x.rs $lib
both "r13: the user's map of another" hit --remap-path-prefix /usr=/u ROOT/src/x.rs $lib
both "bitcode in the library" "miss checkout_differs" src/x.rs --crate-type lib --out-dir ROOT/out
both "a source that holds the first checkout" "miss checkout_differs" src/literal.rs $lib
both "a source that names a file of the second" "miss checkout_differs" src/includes.rs $lib
both "the root in another option" "miss not_seen" src/x.rs --cfg 'place="ROOT"' $lib
mapped=no
both "r13: the user maps the root" hit --remap-path-prefix ROOT=/project ROOT/src/x.rs $lib
both "r13: the user maps a directory above" "miss not_seen" --remap-path-prefix "$T=/t" ROOT/src/x.rs $lib
both "a scope of maps" "miss not_seen" --remap-path-scope=debuginfo ROOT/src/x.rs $lib
both "r17: coverage" "miss not_seen" -C instrument-coverage src/x.rs $lib
remap=off
both "without the map" "miss not_seen" src/x.rs $lib
}
remap=auto mapped=yes
export PLACE="$one/place"
both "r04: a variable that names the first checkout" "miss checkout_differs" src/variable.rs --crate-type lib --out-dir ROOT/out
unset PLACE

# ---- not mapped: what names no checkout --------------------------------------------------------------

# cargo's layout in two target directories; the crate itself lies outside both, as one of a registry does.
remap=off
mkdir -p "$T/registry" && cd "$T/registry" || exit 1
put low.rs 'pub fn low() -> u8 { 1 }'
put lib.rs 'pub fn f() -> u8 { low::low() }'
put build.rs 'fn main() { println!("{}", low::low()); }'
put native.rs 'extern "C" { fn answer() -> i32; } pub fn ask() -> i32 { unsafe { answer() } }'
put answer42.c 'int answer(void) { return 42; }'
put answer43.c 'int answer(void) { return 43; }'
for target in one two; do
	mkdir -p "$T/t-$target/deps" "$T/t-$target/build/lib-1" "$T/t-$target/build/native-1/out"
done
settle
in_targets() { # NAME OUTCOME RUSTC-ARGS…; TARGET stands for the directory
	targets_name=$1 targets_want=$2
	shift 2
	for target in one two; do
		words=$(printf '%s\n' "$@" | sed "s#TARGET#$T/t-$target#g")
		settle
		: >"$SOLDR_LOG"
		# shellcheck disable=SC2086
		run "$SOLDR" "$RUSTC" --edition 2021 $words
		is "$status" 0 "$targets_name: $target compiles"
	done
	is "$(outcome)" "$targets_want" "$targets_name: in the second: $targets_want"
}
in_targets "registry: a crate" hit low.rs --crate-type lib --emit=dep-info,metadata,link -C extra-filename=-0000000000000001 --out-dir TARGET/deps
in_targets "registry: one that uses it" hit --crate-name lib lib.rs --crate-type lib --emit=dep-info,metadata,link --out-dir TARGET/deps \
	-L dependency=TARGET/deps --extern low=TARGET/deps/liblow-0000000000000001.rmeta
in_targets "registry: a build script" hit --crate-name build_script_build build.rs --emit=dep-info,link --out-dir TARGET/build/lib-1 \
	-L dependency=TARGET/deps --extern low=TARGET/deps/liblow-0000000000000001.rlib
like "$(cat "$T"/t-two/build/lib-1/*.d)" "^$T/t-two/build/lib-1/build_script_build: build.rs" "registry: its dep-info is of its own target directory"
if command -v cc >/dev/null; then
	library() { cc -c "answer$2.c" -o answer.o && ar crs "$T/t-$1/build/native-1/out/libanswer.a" answer.o; }
	library one 42 && cp "$T/t-one/build/native-1/out/libanswer.a" "$T/t-two/build/native-1/out/"
	set -- --crate-name native native.rs --crate-type lib --emit=dep-info,metadata,link --out-dir TARGET/deps \
		-L native=TARGET/build/first/out -L native=TARGET/build/native-1/out -l static=answer
	in_targets "r07: the same native library" hit "$@"
	rm "$T/t-two/build/native-1/out/libanswer.a" && library two 43
	in_targets "r07: another native library" "miss input_changed" "$@"
	mkdir "$T/bare"
	# shellcheck disable=SC2046
	run "$RUSTC" --edition 2021 $(printf '%s\n' "$@" | sed "s#TARGET/deps#$T/bare#; s#TARGET#$T/t-two#")
	is "$(sha256sum <"$T/t-two/deps/libnative.rlib")" "$(sha256sum <"$T/bare/libnative.rlib")" "r07: it is in the crate"
	in_targets "r07: and then both are known" hit "$@"
	mkdir -p "$T/t-two/build/first/out" && cp "$T/t-one/build/native-1/out/libanswer.a" "$T/t-two/build/first/out/"
	in_targets "r07: a library that is found earlier" "miss input_shadowed" "$@"
	is "$(sha256sum <"$T/t-two/deps/libnative.rlib")" "$(sha256sum <"$T/t-one/deps/libnative.rlib")" "r07: it is in the crate then"
else
	skip "r07: native libraries" "no cc"
fi
done_testing
