#!/bin/sh
# Real cargo with soldr as RUSTC_WRAPPER: a workspace with libraries, a build
# script that compiles C, a procedural macro, a program, tests. What cargo would
# rebuild is rebuilt, what it takes for fresh stays fresh, and every artifact is
# the one that cargo without soldr makes in the same place. The numbers are the
# rows of the project's correctness list.
. "$(dirname "$0")/lib.sh"

if ! command -v cargo >/dev/null || ! cargo --version >/dev/null 2>&1; then
	skip cargo 'no cargo'
	done_testing
fi
export SOLDR_LOG="$T/log" CARGO_HOME="$T/cargo" CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
unset LD_LIBRARY_PATH LD_PRELOAD OUT_DIR
mkdir -p "$CARGO_HOME"
cargo_bin=$(command -v cargo)

put() { # NAME TEXT
	case $1 in */*) mkdir -p "${1%/*}" ;; esac
	printf '%s\n' "$2" >"$1"
}

package() { # NAME LINES-OF-MANIFEST
	put "$1/Cargo.toml" "[package]
name = \"$1\"
version = \"0.1.0\"
edition = \"2021\"
$2"
}

workspace() { # DIR
	mkdir "$1" && cd "$1" || exit 1
	put Cargo.toml '[workspace]
members = ["base", "mac", "native", "app"]
resolver = "2"'
	package base '[features]
loud = []'
	put base/src/lib.rs 'pub fn base() -> &'\''static str { if cfg!(feature = "loud") { "BASE" } else { "base" } }
pub fn name() -> &'\''static str { env!("CARGO_PKG_NAME") }
pub fn maybe() -> Option<&'\''static str> { option_env!("MAYBE") }
pub fn warned() { let unused = 1; }'
	package mac '[lib]
proc-macro = true'
	put mac/src/lib.rs 'use proc_macro::TokenStream;
#[proc_macro] pub fn seven(_: TokenStream) -> TokenStream { "7u32".parse().unwrap() }'
	package native ''
	put native/build.rs 'use std::{env, path::PathBuf, process::Command};
fn main() {
	let out = PathBuf::from(env::var("OUT_DIR").unwrap());
	let object = out.join("answer.o");
	assert!(Command::new("cc").args(["-c", "-fPIC", "answer.c", "-o"]).arg(&object).status().unwrap().success());
	assert!(Command::new("ar").arg("crs").arg(out.join("libanswer.a")).arg(&object).status().unwrap().success());
	std::fs::write(out.join("made.rs"), "pub const MADE: u8 = 3;").unwrap();
	println!("cargo:rerun-if-changed=answer.c");
	println!("cargo:rustc-link-search=native={}", out.display());
	println!("cargo:rustc-link-lib=static=answer");
	println!("cargo:rustc-env=GIVEN=given");
	println!("cargo:rustc-cfg=given");
}'
	put native/answer.c 'int answer(void) { return 42; }'
	put native/src/lib.rs '#![allow(unexpected_cfgs)]
include!(concat!(env!("OUT_DIR"), "/made.rs"));
extern "C" { fn answer() -> i32; }
pub fn ask() -> (i32, &'\''static str, bool) { (unsafe { answer() }, env!("GIVEN"), cfg!(given)) }'
	package app '[dependencies]
base = { path = "../base" }
mac = { path = "../mac" }
native = { path = "../native" }
[features]
loud = ["base/loud"]'
	put app/src/main.rs 'fn main() { println!("{} {} {:?} {:?} {} {}", base::base(), base::name(), base::maybe(), native::ask(), native::MADE, mac::seven!()); }
#[cfg(test)] mod tests { #[test] fn it() { assert_eq!(mac::seven!(), 7); } }'
}

# Everything that the compiler made. cargo's own notes hold times and the wrapper's name.
artifacts() { # DIR
	(cd "$1" && find . -type f ! -path '*/.fingerprint/*' ! -name '.cargo-*lock' ! -name .rustc_info.json ! -path '*/incremental/*' \
		! -name output ! -name stderr ! -name CACHEDIR.TAG ! -name invoked.timestamp -exec sha256sum {} + | sort -k 2)
}

cargo_plain() { run cargo "$@"; }
cargo_soldr() {
	: >"$SOLDR_LOG"
	run env RUSTC_WRAPPER="$SOLDR" cargo "$@"
}

count() { grep -c "dispatch: $1" "$SOLDR_LOG"; }
reasons() { sed -n 's/^.* dispatch: \(miss\|bypass\|fallback\) \([a-z_]*\).*/\1:\2/p' "$SOLDR_LOG" | sort | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'; }

settle() {
	: >"$T/.tick"
	until [ -n "$(find "$T/.tock" -newer "$T/.tick" 2>/dev/null)" ]; do : >"$T/.tock"; done
}

# Without soldr, with an empty cache or what is in it, and again: the same files, and the second time hits alone.
alike() { # NAME CARGO-ARGS…
	alike_name=$1
	shift
	rm -rf target
	cargo_plain "$@"
	plain_status=$status plain_err=$err
	artifacts target >"$T/plain"
	rm -rf target
	settle
	cargo_soldr "$@"
	is "$status" "$plain_status" "$alike_name: ends as without soldr"
	is "$(printf '%s\n' "$err" | sed '/Finished\|Running/d' | sort)" "$(printf '%s\n' "$plain_err" | sed '/Finished\|Running/d' | sort)" "$alike_name: says what it says without soldr"
	artifacts target >"$T/cold"
	ok "$alike_name: cold: all artifacts are cargo's own" diff "$T/plain" "$T/cold"
	rm -rf target
	settle
	cargo_soldr "$@"
	artifacts target >"$T/warm"
	ok "$alike_name: warm: all artifacts are cargo's own" diff "$T/plain" "$T/warm"
	is "$(reasons)" '' "$alike_name: warm: hits alone"
	ok "$alike_name: warm: there are hits" test "$(count hit)" -gt 2
}

workspace "$T/ws"
alike build build
is "$(target/debug/app)" 'base base None (42, "given", true) 3 7' 'build: runs'

# ---- R12: fresh is fresh ----
repeat=0 compiled=0
while [ $repeat -lt 20 ]; do
	cargo_soldr build
	compiled=$((compiled + $(grep -c 'dispatch:' "$SOLDR_LOG") + $(printf '%s' "$err" | grep -c Compiling)))
	repeat=$((repeat + 1))
done
is "$compiled" 0 'r12: after a warm build cargo finds all fresh, 20 times'
settle
touch base/src/lib.rs
cargo_soldr build
is "$(reasons)" '' 'r12: a touch gives hits'
ok 'r12: of the touched crate and what depends on it' test "$(count hit)" = 2
cargo_soldr build
is "$(grep -c 'dispatch:' "$SOLDR_LOG")" 0 'r12: then all is fresh'

# ---- edits ----
settle
sed -i 's/"base" }/"other" }/' base/src/lib.rs
cargo_soldr build
is "$(target/debug/app | cut -d' ' -f1)" other 'edit: is in the program'
ok 'edit: two crates are compiled' test "$(count miss)" = 2
settle
sed -i 's/"other" }/"base" }/' base/src/lib.rs
cargo_soldr build
is "$(target/debug/app | cut -d' ' -f1) $(reasons)" 'base ' 'edit: taken back, hits'

# ---- R04: a variable ----
export MAYBE=1
cargo_soldr build
is "$(target/debug/app | cut -d' ' -f3)" 'Some("1")' 'r04: set'
export MAYBE=
cargo_soldr build
is "$(target/debug/app | cut -d' ' -f3)" 'Some("")' 'r04: empty'
unset MAYBE
cargo_soldr build
is "$(target/debug/app | cut -d' ' -f3) $(reasons)" 'None ' 'r04: unset again, hits'

# ---- features ----
alike feature build --features loud --manifest-path app/Cargo.toml
is "$(target/debug/app | cut -d' ' -f1)" BASE 'feature: is in the program'

# ---- R05, R07: the build script's library ----
cargo_plain clean
settle
cargo_soldr build
settle
put native/answer.c 'int answer(void) { return 43; }'
cargo_soldr build
is "$(target/debug/app | cut -d' ' -f4)" '(43,' 'r07: the new library is linked'
put native/answer.c 'int answer(void) { return 42; }'

# ---- other ways to build ----
alike check check
alike release build --release
alike test test --no-run
cargo_soldr test
is "$status" 0 'test: the tests run'
if cargo clippy --version >/dev/null 2>&1; then
	alike r20_clippy clippy
else
	skip r20_clippy 'no clippy'
fi
rm -rf target
run env CARGO_INCREMENTAL=1 RUSTC_WRAPPER="$SOLDR" cargo build
rm -rf target
settle
: >"$SOLDR_LOG"
run env CARGO_INCREMENTAL=1 RUSTC_WRAPPER="$SOLDR" cargo build
is "$(target/debug/app | cut -d' ' -f1) $(reasons)" 'base ' 'r09: incremental builds hit'

# ---- R18: an error, and out of it ----
settle
cp base/src/lib.rs "$T/good.rs"
echo 'pub fn wrong() -> u8 { "no" }' >>base/src/lib.rs
cargo_plain build
plain_err=$err plain_status=$status
cargo_soldr build
is "$status" "$plain_status" 'r18: an error is an error'
is "$(printf '%s\n' "$err" | sed '/Compiling\|waiting/d' | sort)" "$(printf '%s\n' "$plain_err" | sed '/Compiling\|waiting/d' | sort)" 'r18: in the same words'
settle
cp "$T/good.rs" base/src/lib.rs
cargo_soldr build
is "$status $(target/debug/app | cut -d' ' -f1)" '0 base' 'r18: mended'

# ---- another target directory ----
rm -rf target "$T/elsewhere"
export CARGO_TARGET_DIR="$T/elsewhere"
settle
cargo_plain build
artifacts "$T/elsewhere" >"$T/plain"
rm -rf "$T/elsewhere"
settle
cargo_soldr build
artifacts "$T/elsewhere" >"$T/warm"
ok 'r11: another target directory: all artifacts are cargo'\''s own' diff "$T/plain" "$T/warm"
ok 'r11: crates without a build script are shared' test "$(count hit)" -ge 2
unset CARGO_TARGET_DIR

# ---- R19: the front door ----
rm -rf target
: >"$SOLDR_LOG"
run "$SOLDR" cargo build
is "$status" 0 'r19: soldr cargo build'
rm -rf target
: >"$SOLDR_LOG"
settle
run "$SOLDR" cargo build
is "$(reasons)" '' 'r19: soldr cargo build again: hits, C of the build script among them'
ok 'r19: six hits' test "$(count hit)" -ge 6

done_testing
