# cargo.sh: for the tests that run real cargo. Source it after lib.sh; without
# cargo the test ends there.
#
#	workspace DIR       makes it and goes there: a library, a procedural macro, a
#	                    library whose build script compiles C, a program, tests
#	artifacts DIR       a line for each file that the compiler made in a target directory
#	cargo_plain ARGS…   run cargo
#	cargo_soldr ARGS…   run it with soldr as RUSTC_WRAPPER, or as $cargo_front says
#	count OUTCOME       of the compiles since then
#	reasons             why compiles were not hits
#	alike NAME ARGS…    plain, with soldr, and again: the same files and words; the last time hits alone
#	settle              as in lib.sh, and leaves the directory as it is

if ! command -v cargo >/dev/null || ! cargo --version >/dev/null 2>&1; then
	skip cargo 'no cargo'
	done_testing
fi
export SOLDR_LOG="$T/log" CARGO_HOME="$T/cargo" CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
unset LD_LIBRARY_PATH LD_PRELOAD OUT_DIR
mkdir -p "$CARGO_HOME"

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
cargo_front="env RUSTC_WRAPPER=$SOLDR cargo"
cargo_soldr() {
	: >"$SOLDR_LOG"
	# shellcheck disable=SC2086 # words
	run $cargo_front "$@"
}

count() { grep -c "dispatch: $1" "$SOLDR_LOG"; }
reasons() { sed -n 's/^.* dispatch: \(miss\|bypass\|fallback\) \([a-z_]*\).*/\1:\2/p' "$SOLDR_LOG" | sort | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'; }

settle() {
	: >"$T/.tick"
	until [ -n "$(find "$T/.tock" -newer "$T/.tick" 2>/dev/null)" ]; do : >"$T/.tock"; done
}

# What cargo and test programs say, without times and in an order of its own.
said() { printf '%s\n' "$1" | sed 's/finished in .*//; /Finished\|Running/d' | sort; }

# Without soldr, with an empty cache or what is in it, and again: the same files, and the second time hits alone.
target=target
alike() { # NAME CARGO-ARGS…
	alike_name=$1
	shift
	rm -rf "$target"
	cargo_plain "$@"
	plain_status=$status plain_err=$err plain_out=$out
	artifacts "$target" >"$T/plain"
	rm -rf "$target"
	settle
	cargo_soldr "$@"
	is "$status" "$plain_status" "$alike_name: ends as without soldr"
	is "$(said "$err")" "$(said "$plain_err")" "$alike_name: says what it says without soldr"
	is "$(said "$out")" "$(said "$plain_out")" "$alike_name: prints what it prints without soldr"
	artifacts "$target" >"$T/cold"
	ok "$alike_name: cold: all artifacts are cargo's own" diff "$T/plain" "$T/cold"
	rm -rf "$target"
	settle
	cargo_soldr "$@"
	artifacts "$target" >"$T/warm"
	ok "$alike_name: warm: all artifacts are cargo's own" diff "$T/plain" "$T/warm"
	ok "$alike_name: there are artifacts" test -s "$T/warm"
	is "$(reasons)" '' "$alike_name: warm: hits alone"
	ok "$alike_name: warm: there are hits" test "$(count hit)" -gt 2
}
