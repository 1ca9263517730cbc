#!/bin/sh
# Real cargo with soldr as RUSTC_WRAPPER: a workspace with libraries, a build
# script that compiles C, a procedural macro, a program, tests. What cargo would
# rebuild is rebuilt, what it takes for fresh stays fresh, and every artifact is
# the one that cargo without soldr makes in the same place. The numbers are the
# rows of the project's correctness list.
. "$(dirname "$0")/lib.sh"
. "$lib_dir/cargo.sh"

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
