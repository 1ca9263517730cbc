#!/bin/sh
# rustc and clippy-driver through the embedded cache. Every step runs the bare
# compiler first, here and now, then soldr, and compares outputs, messages and
# status to the byte; and it says what the outcome has to be. The numbers are
# the rows of the project's correctness list.
. "$(dirname "$0")/lib.sh"

command -v rustc >/dev/null && sysroot=$(rustc --print sysroot 2>/dev/null) || sysroot=
if [ -z "$sysroot" ]; then
	skip 'rustc' 'no rustc'
	done_testing
fi
RUSTC=$sysroot/bin/rustc
unset LD_LIBRARY_PATH LD_PRELOAD RUSTUP_TOOLCHAIN
export SOLDR_LOG="$T/log"
work=$T/work
mkdir "$work" && cd "$work" || exit 1

# Until the file system's clock has ticked: what was written before is old then.
settle() {
	: >"$T/.tick"
	until [ -n "$(find "$T/.tock" -newer "$T/.tick" 2>/dev/null)" ]; do : >"$T/.tock"; done
}

put() { # NAME TEXT
	case $1 in */*) mkdir -p "${1%/*}" ;; esac
	printf '%s\n' "$2" >"$1"
}

# All that a compile may have written: content, mode, in the directories for it.
tree() {
	find out out2 'out 3' -type f -exec sha256sum {} + 2>/dev/null | sort -k 2
	find out out2 'out 3' -type f -printf '%m %p\n' 2>/dev/null | sort -k 2
}

empty() { # rustc makes no directory for a dep-info
	rm -rf "$work/out" "$work/out2" "$work/out 3"
	mkdir "$work/out" "$work/out2" "$work/out 3"
}

outcome() {
	sed -n 's/^.* dispatch: \(hit\),.*/\1/p; s/^.* dispatch: \(miss\|bypass\|fallback\) \([a-z_]*\).*/\1:\2/p
		s/^.* host: \(bypass\) \([a-z_]*\),.*/\1:\2/p' "$SOLDR_LOG" | tail -n 1
}

# The program named first: bare, then behind soldr. loose=1: messages name random files, and are not compared.
# unlike_bytes=1: two runs of the bare compiler give different files.
loose='' unlike_bytes=''
step() { # NAME OUTCOME PROGRAM ARGS…
	step_name=$1 step_want=$2
	shift 2
	settle
	empty
	run "$@"
	bare_status=$status bare_out=$out bare_err=$err
	tree >"$T/bare"
	empty
	: >"$SOLDR_LOG"
	run "$SOLDR" "$@"
	got=$(outcome)
	tree >"$T/now"
	problem=
	case $got in $step_want) ;; *) problem="outcome $got, wanted $step_want" ;; esac
	[ "$status" = "$bare_status" ] || problem="$problem; status $status, bare $bare_status"
	[ "$loose" ] || [ "$out" = "$bare_out" ] || problem="$problem; stdout differs"
	[ "$loose" ] || [ "$err" = "$bare_err" ] || problem="$problem; stderr differs"
	[ "$unlike_bytes" ] || cmp -s "$T/bare" "$T/now" || problem="$problem; outputs differ"
	if [ -z "$problem" ]; then
		lib_result 0 "$step_name"
	else
		lib_result 1 "$step_name"
		lib_note problem "${problem#; }"
		lib_note outputs "$(diff "$T/bare" "$T/now" | head -n 5)"
		lib_note stderr "$(printf '%s\n' "$err" | head -n 5)"
		lib_note log "$(tail -n 2 "$SOLDR_LOG")"
	fi
}

with() { # VARIABLE=VALUE CMD…
	with_name=${1%%=*}
	export "$1"
	shift
	"$@"
	unset "$with_name"
}

# A first time and a second time.
pair() { # NAME PROGRAM ARGS…
	pair_name=$1
	shift
	step "$pair_name: stored" 'miss:*' "$@"
	step "$pair_name: served" hit "$@"
}

refused() { # NAME REASON PROGRAM ARGS…
	refused_name=$1 refused_reason=$2
	shift 2
	step "$refused_name: once" "bypass:$refused_reason" "$@"
	step "$refused_name: again" "bypass:$refused_reason" "$@"
}

json="--error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat"
lib="--crate-type lib --emit=dep-info,metadata,link -C debuginfo=2 --out-dir out"

put a.rs 'pub fn a() -> &'\''static str { "one" }  pub fn twice<T: Copy>(t: T) -> (T, T) { (t, t) }'
put main.rs 'fn main() { println!("{}", a::a()); }'

# ---- R01: what is asked for ----
pair r01_library "$RUSTC" --crate-name a a.rs $lib
pair r01_check "$RUSTC" --crate-name a a.rs --crate-type lib --emit=dep-info,metadata --out-dir out
step r01_library_after_check hit "$RUSTC" --crate-name a a.rs $lib
pair r01_no_emit "$RUSTC" a.rs --crate-type rlib --out-dir out
empty() { rm -rf out; }
step r01_makes_its_directory hit "$RUSTC" a.rs --crate-type rlib --out-dir out
step r01_makes_directories 'miss:not_seen' "$RUSTC" a.rs --crate-type rlib --out-dir out/in/side
step r01_makes_directories_again hit "$RUSTC" a.rs --crate-type rlib --out-dir out/in/side
step r01_no_directory 'bypass:output_special' "$RUSTC" --crate-name a a.rs $lib
empty() { # rustc makes no directory for a dep-info
	rm -rf "$work/out" "$work/out2" "$work/out 3"
	mkdir "$work/out" "$work/out2" "$work/out 3"
}
pair r01_o "$RUSTC" a.rs --crate-type lib -o out/q.rlib
pair r01_static "$RUSTC" a.rs --crate-type staticlib --out-dir out
pair r01_kinds "$RUSTC" a.rs --crate-type lib,cdylib,staticlib --emit=dep-info,link --out-dir out -C extra-filename=-0123456789abcdef
pair r01_text_outputs "$RUSTC" a.rs --crate-type lib --emit=asm,mir,llvm-ir,obj,llvm-bc --out-dir out -C codegen-units=1
pair r01_emit_path "$RUSTC" a.rs --crate-type lib --emit=metadata=out/m --emit=asm=out/s --out-dir out
put attribute.rs '#![crate_type = "lib"] pub fn f() {}'
refused r01_crate_type_in_source unsupported_option "$RUSTC" attribute.rs --out-dir out
put name-with.rs 'pub fn f() {}'
refused r01_dashed_name unsupported_option "$RUSTC" name-with.rs --crate-type lib --out-dir out

# ---- R02: externs ----
mkdir -p deps other
put b.rs 'pub fn a() -> &'\''static str { "two" }'
build() { "$RUSTC" "$@" 2>/dev/null || echo "# cannot build $*"; }
build a.rs --crate-type lib --emit=metadata,link --crate-name a -C metadata=1 --out-dir deps
build b.rs --crate-type lib --emit=metadata,link --crate-name b -C metadata=2 --out-dir deps
put both.rs 'pub fn f() -> String { format!("{}{}", x::a(), y::a()) }'
pair r02_alias "$RUSTC" both.rs --edition 2021 $lib --extern x=deps/liba.rmeta --extern y=deps/libb.rmeta
step r02_alias_swapped 'miss:not_seen' "$RUSTC" both.rs --edition 2021 $lib --extern x=deps/libb.rmeta --extern y=deps/liba.rmeta
put b.rs 'pub fn a() -> &'\''static str { "six" }'
build b.rs --crate-type lib --emit=metadata,link --crate-name b -C metadata=2 --out-dir deps
step r02_extern_rebuilt 'miss:input_changed' "$RUSTC" both.rs --edition 2021 $lib --extern x=deps/liba.rmeta --extern y=deps/libb.rmeta
touch deps/liba.rmeta deps/libb.rmeta
step r02_extern_touched hit "$RUSTC" both.rs --edition 2021 $lib --extern x=deps/liba.rmeta --extern y=deps/libb.rmeta
# A crate below the extern, found by the search alone.
hash=-00000000000000a
put low.rs 'pub fn f<T>(t: T) -> (T, u8) { (t, 1) }'
put mid.rs 'pub fn g() -> (u8, u8) { low::f(1) } pub use low::f;'
low() { build low.rs --edition 2021 --crate-type lib --emit=metadata,link --crate-name low -C metadata=3 -C extra-filename=${hash}1 --out-dir deps "$@"; }
mid() { build mid.rs --edition 2021 --crate-type lib --emit=metadata,link --crate-name mid -C metadata=4 -C extra-filename=${hash}2 --out-dir deps \
	-L dependency=deps --extern low=deps/liblow${hash}1.rmeta; }
low && mid
put top.rs 'pub fn h() -> u16 { mid::f(2u16).0 }'
pair r02_below "$RUSTC" top.rs --edition 2021 $lib -L dependency=deps --extern mid=deps/libmid${hash}2.rmeta
# Only the search leads to it: without it the compile has to fail.
mkdir aside && mv deps/liblow* aside/
step r02_below_gone 'bypass:compile_failed' "$RUSTC" top.rs --edition 2021 $lib -L dependency=deps --extern mid=deps/libmid${hash}2.rmeta
put deps/liblow${hash}1.rmeta 'something else'
step r02_below_damaged 'bypass:compile_failed' "$RUSTC" top.rs --edition 2021 $lib -L dependency=deps --extern mid=deps/libmid${hash}2.rmeta
mv aside/* deps/
step r02_below_back hit "$RUSTC" top.rs --edition 2021 $lib -L dependency=deps --extern mid=deps/libmid${hash}2.rmeta
put unrelated.rs 'pub fn u() {}'
build unrelated.rs --crate-type lib -C extra-filename=-00000000000000ff --out-dir deps
step r02_unrelated_crate_appears hit "$RUSTC" top.rs --edition 2021 $lib -L dependency=deps --extern mid=deps/libmid${hash}2.rmeta
put found.rs 'extern crate a; pub fn f() -> &'\''static str { a::a() }'
refused r02_found_by_name crates_unknown "$RUSTC" found.rs $lib -L deps
put std.rs 'extern crate std as s; pub fn f() -> s::string::String { s::string::String::new() }'
pair r02_standard_by_name "$RUSTC" std.rs $lib -L deps

# ---- R03: sources ----
put m/lib.rs 'mod one; mod two; pub fn f() -> (u8, u8, usize, &'\''static str) { (one::X, two::X, BYTES.len(), include_str!("asset.txt")) } static BYTES: &[u8] = include_bytes!("bytes");'
put m/one.rs 'pub const X: u8 = 1;'
put m/two.rs 'pub const X: u8 = 2;'
put m/asset.txt 'text'
put m/bytes 'bytes'
pair r03_modules "$RUSTC" m/lib.rs --crate-name m $lib
put m/one.rs 'pub const X: u8 = 2;'
put m/two.rs 'pub const X: u8 = 1;'
step r03_swapped 'miss:input_changed' "$RUSTC" m/lib.rs --crate-name m $lib
put m/asset.txt 'TEXT'
step r03_asset 'miss:input_changed' "$RUSTC" m/lib.rs --crate-name m $lib
put m/bytes 'BYTES'
step r03_bytes 'miss:input_changed' "$RUSTC" m/lib.rs --crate-name m $lib
mv m/two.rs m/three.rs && mkdir m/two && mv m/three.rs m/two/mod.rs
step r03_moved 'miss:input_missing' "$RUSTC" m/lib.rs --crate-name m $lib
step r03_moved_served hit "$RUSTC" m/lib.rs --crate-name m $lib
printf 'mod one;\nmod four;\npub fn f() -> u8 { one::X + four::X }\n' >m/lib.rs
put m/four.rs 'pub const X: u8 = 4;'
step r03_added 'miss:not_seen' "$RUSTC" m/lib.rs --crate-name m $lib

# mod x with both x.rs and x/mod.rs is an error, whichever came first.
mkdir -p m/four && put m/four/mod.rs 'pub const X: u8 = 5;'
step r03_other_file 'bypass:compile_failed' "$RUSTC" m/lib.rs --crate-name m $lib
rm m/four/mod.rs
step r03_other_file_gone hit "$RUSTC" m/lib.rs --crate-name m $lib
mkdir m/one && put m/one/other.rs ''
step r03_unrelated_file hit "$RUSTC" m/lib.rs --crate-name m $lib
put m/one/mod.rs ''
step r03_other_file_later 'bypass:compile_failed' "$RUSTC" m/lib.rs --crate-name m $lib
rm -r m/one

# A build script writes sources within the tick of the clock in which rustc starts.
mkdir -p fresh && put fresh/lib.rs 'pub mod gen;'
cat >fresh/go.py <<'END_OF_PYTHON'
import subprocess, sys
for i in range(20):
    with open("fresh/gen.rs", "w") as f:
        f.write("pub const A: u32 = %d;\n" % i)
    subprocess.run(sys.argv[1:], check=True)
END_OF_PYTHON
run env SOLDR_CACHE_DIR="$T/fresh-cache" python3 fresh/go.py "$SOLDR" "$RUSTC" fresh/lib.rs --crate-name fresh $lib
is "$status" 0 'r05_just_written: compiles'
SOLDR_CACHE_DIR="$T/fresh-cache" "$SOLDR" stats --json >"$T/fresh.json"
is "$(json "$T/fresh.json" misses) $(json "$T/fresh.json" non_cacheable)" '20 0' 'r05_just_written: every result is stored'

# ---- R04: variables of the source ----
put env.rs 'pub const E: Option<&str> = option_env!("SOME_V"); pub const P: &str = env!("MUST_V");'
export MUST_V=x
unset SOME_V
pair r04_unset "$RUSTC" env.rs $lib
export SOME_V=
step r04_empty 'miss:variable_changed' "$RUSTC" env.rs $lib
export SOME_V=1
step r04_set 'miss:variable_changed' "$RUSTC" env.rs $lib
export SOME_V='a
b\c'
pair r04_escaped "$RUSTC" env.rs $lib
export SOME_V=
step r04_empty_again hit "$RUSTC" env.rs $lib
unset SOME_V
step r04_unset_again hit "$RUSTC" env.rs $lib
export MUST_V=y
step r04_other 'miss:variable_changed' "$RUSTC" env.rs $lib
unset MUST_V
step r04_missing 'bypass:compile_failed' "$RUSTC" env.rs $lib
export UNREAD=1
put plain.rs 'pub fn f() {}'
pair r04_unread "$RUSTC" plain.rs $lib
export UNREAD=2
step r04_unread_changed hit "$RUSTC" plain.rs $lib
pair r04_without_depinfo "$RUSTC" plain.rs --crate-type lib --out-dir out
put env2.rs 'pub const E: Option<&str> = option_env!("SOME_V"); mod inner;'
put inner.rs ''
pair r04_without_depinfo_unset "$RUSTC" env2.rs --crate-type lib --out-dir out
SOME_V=2
export SOME_V
step r04_without_depinfo_set 'miss:variable_changed' "$RUSTC" env2.rs --crate-type lib --out-dir out
put inner.rs 'pub fn i() {}'
step r04_without_depinfo_module 'miss:input_changed' "$RUSTC" env2.rs --crate-type lib --out-dir out
unset SOME_V

# ---- R05: what build scripts hand over ----
mkdir gen1 gen2
put gen1/g.rs 'pub const G: u8 = 1;'
put gen2/g.rs 'pub const G: u8 = 2;'
put gen.rs 'include!(concat!(env!("OUT_DIR"), "/g.rs"));'
export OUT_DIR="$work/gen1"
pair r05_out_dir "$RUSTC" gen.rs $lib
export OUT_DIR="$work/gen2"
step r05_other_out_dir 'miss:*' "$RUSTC" gen.rs $lib
unset OUT_DIR
put cfg.rs '#[cfg(x)] pub const C: u8 = 1; #[cfg(not(x))] pub const C: u8 = 2;'
pair r05_cfg "$RUSTC" cfg.rs $lib --cfg x
step r05_other_cfg 'miss:not_seen' "$RUSTC" cfg.rs $lib

# ---- R06: procedural macros ----
put pm.rs 'extern crate proc_macro; use proc_macro::TokenStream;
#[proc_macro] pub fn peek(_: TokenStream) -> TokenStream {
	let v = std::env::var("CARGO_PKG_VERSION").unwrap_or_default() + &std::env::var("HIDDEN").unwrap_or_default();
	let f = std::fs::read_to_string("hidden.txt").unwrap_or_default();
	format!("{:?}", v + &f).parse().unwrap() }'
put hidden.txt one
pair r06_macro "$RUSTC" pm.rs --crate-type proc-macro --emit=dep-info,link --out-dir out -C prefer-dynamic --extern proc_macro
build pm.rs --crate-type proc-macro --out-dir deps -C prefer-dynamic --extern proc_macro
put uses.rs 'pub const V: &str = pm::peek!();'
uses="--edition 2021 --extern pm=deps/libpm.so $lib"
export CARGO_PKG_VERSION=1.0.0
pair r06_macro_used "$RUSTC" uses.rs $uses
export CARGO_PKG_VERSION=1.0.1
step r06_package_variable 'miss:not_seen' "$RUSTC" uses.rs $uses
cat >"$T/rust.yaml" <<-EOF
	version: 1
	backend: c
	backends:
	  c: {plugin: embedded, options: {rust: {key_env: [HIDDEN], extra_inputs: [hidden.txt]}}}
EOF
export SOLDR_CONFIG="$T/rust.yaml" HIDDEN=1
pair r06_declared "$RUSTC" uses.rs $uses
HIDDEN=2
step r06_declared_variable 'miss:not_seen' "$RUSTC" uses.rs $uses
put hidden.txt two
step r06_declared_file 'miss:input_changed' "$RUSTC" uses.rs $uses
# Not declared, it is what a verified hit finds.
printf 'version: 1\nverify: {percent: 100}\n' >"$T/verify.yaml"
SOLDR_CONFIG=$T/verify.yaml HIDDEN=3
step r06_undeclared_stored 'miss:*' "$RUSTC" uses.rs $uses
step r06_undeclared_verified 'miss:verified' "$RUSTC" uses.rs $uses
HIDDEN=4
step r06_undeclared_found 'miss:verify_mismatch' "$RUSTC" uses.rs $uses
unset SOLDR_CONFIG HIDDEN CARGO_PKG_VERSION
# A macro that lists and reads its package: with rust.package_tree each file counts.
put dir.rs 'extern crate proc_macro; use proc_macro::TokenStream;
#[proc_macro] pub fn dir(_: TokenStream) -> TokenStream {
	let top = std::env::var("CARGO_MANIFEST_DIR").unwrap();
	let mut all: Vec<String> = std::fs::read_dir(format!("{top}/sql")).unwrap().map(|e| { let e = e.unwrap();
		format!("{:?} {:?}", e.file_name(), std::fs::read_to_string(e.path()).unwrap_or_default()) }).collect();
	all.sort();
	format!("{:?}", all.join(" ")).parse().unwrap() }'
build dir.rs --crate-type proc-macro --out-dir deps -C prefer-dynamic --extern proc_macro
put pkg/uses.rs 'pub const V: &str = dir::dir!();'
put pkg/sql/a.sql one
put pkg/target/CACHEDIR.TAG tag
mkdir pkg/.git
cat >"$T/tree.yaml" <<-EOF
	version: 1
	backend: t
	backends:
	  t: {plugin: embedded, options: {rust: {package_tree: true}}}
EOF
export SOLDR_CONFIG="$T/tree.yaml" CARGO_MANIFEST_DIR="$work/pkg"
uses="pkg/uses.rs --edition 2021 --extern dir=deps/libdir.so $lib"
pair r06_package_tree "$RUSTC" $uses
put pkg/sql/a.sql two
pair r06_package_file_edited "$RUSTC" $uses
touch -d '2001-01-01' pkg/sql/a.sql
step r06_package_file_touched hit "$RUSTC" $uses
put pkg/sql/b.sql three
pair r06_package_file_new "$RUSTC" $uses
mkdir pkg/sql/c
pair r06_package_directory_new "$RUSTC" $uses
rmdir pkg/sql/c
rm pkg/sql/b.sql
step r06_package_file_gone hit "$RUSTC" $uses
mv pkg/sql/a.sql pkg/sql/d.sql
pair r06_package_file_renamed "$RUSTC" $uses
put "$T/away.sql" four
ln -s "$T/away.sql" pkg/sql/e.sql
pair r06_package_link "$RUSTC" $uses
put "$T/away.sql" five
step r06_package_link_target 'miss:not_seen' "$RUSTC" $uses
put pkg/target/debug/x made
put pkg/.git/index made
step r06_package_target_directory hit "$RUSTC" $uses
put slow.rs 'extern crate proc_macro; use proc_macro::TokenStream;
#[proc_macro] pub fn slow(_: TokenStream) -> TokenStream {
	let file = format!("{}/sql/made.sql", std::env::var("CARGO_MANIFEST_DIR").unwrap());
	std::fs::write(&file, "x").unwrap();
	std::fs::remove_file(&file).unwrap();
	"1".parse().unwrap() }'
build slow.rs --crate-type proc-macro --out-dir deps -C prefer-dynamic --extern proc_macro
put pkg/late.rs 'pub const V: u8 = slow::slow!();'
step r06_package_changes_meanwhile 'bypass:input_modified' "$RUSTC" pkg/late.rs --edition 2021 --extern slow=deps/libslow.so $lib
unset SOLDR_CONFIG CARGO_MANIFEST_DIR

# ---- R07: native libraries ----
if command -v cc >/dev/null && command -v ar >/dev/null; then
	mkdir nat1 nat2
	native() { # DIR VALUE
		printf 'int answer(void) { return %s; }\n' "$2" >"$T/answer.c"
		cc -c "$T/answer.c" -o "$T/answer.o" && rm -f "$1/libanswer.a" && ar rcs "$1/libanswer.a" "$T/answer.o"
	}
	native nat2 1
	put nat.rs 'extern "C" { fn answer() -> i32; } pub fn f() -> i32 { unsafe { answer() } }'
	nat="nat.rs $lib -L native=nat1 -L native=nat2 -l static=answer"
	pair r07_static "$RUSTC" $nat
	native nat2 2
	step r07_rebuilt 'miss:input_changed' "$RUSTC" $nat
	native nat1 3
	step r07_shadowed 'miss:input_shadowed' "$RUSTC" $nat
	rm nat1/libanswer.a
	put attribute.rs '#[link(name = "answer", kind = "static")] extern "C" { fn answer() -> i32; } pub fn f() -> i32 { unsafe { answer() } }'
	refused r07_by_attribute embedded_file "$RUSTC" attribute.rs $lib -L native=nat2
	put unused.rs '#[cfg(no)] #[link(name = "answer", kind = "static")] extern "C" {} pub fn f() {}'
	pair r07_attribute_left_out "$RUSTC" unused.rs $lib

	# ---- R08: links ----
	pair r08_bin "$RUSTC" main.rs --edition 2021 --emit=dep-info,link --out-dir out --extern a=deps/liba.rlib -L dependency=deps
	ok 'r08_bin: runs' test "$(out/main)" = one
	pair r08_release "$RUSTC" main.rs --edition 2021 -O -C strip=symbols --out-dir out --extern a=deps/liba.rlib
	put test.rs '#[test] fn t() { assert_eq!(1, 1); }'
	pair r08_test "$RUSTC" --test test.rs --emit=dep-info,link --out-dir out
	pair r08_cdylib "$RUSTC" plain.rs --crate-type cdylib --out-dir out
	refused r08_two_links link_unknown "$RUSTC" plain.rs --crate-type cdylib,dylib -C prefer-dynamic --out-dir out
	pair r08_dylib "$RUSTC" plain.rs --crate-type dylib -C prefer-dynamic --out-dir out
	(umask 077 && step r08_umask hit "$RUSTC" plain.rs --crate-type cdylib --out-dir out)
	lib_count=$((lib_count + 1))
	# The same crate hash, other machine code.
	native nat2 4
	build nat.rs --crate-type lib --emit=metadata,link --crate-name nat -C extra-filename=${hash}3 --out-dir deps -L native=nat2 -l static=answer
	put over.rs 'pub fn f() -> i32 { nat::f() }'
	build over.rs --edition 2021 --crate-type lib --emit=metadata,link --crate-name over -C extra-filename=${hash}4 --out-dir deps -L dependency=deps --extern nat=deps/libnat${hash}3.rmeta
	put end.rs 'fn main() { println!("{}", over::f()); }'
	end="end.rs --edition 2021 --out-dir out -L dependency=deps --extern over=deps/libover${hash}4.rlib"
	pair r08_below "$RUSTC" $end
	native nat2 5
	build nat.rs --crate-type lib --emit=metadata,link --crate-name nat -C extra-filename=${hash}3 --out-dir deps -L native=nat2 -l static=answer
	step r08_below_changed 'miss:input_changed' "$RUSTC" $end
	ok 'r08_below_changed: is linked' test "$(out/end)" = 5
	# A library that the linker finds.
	mkdir so1 so2
	shared() { printf 'int answer(void) { return 1; } int v%s;\n' "$2" >"$T/s.c" && cc -shared -fPIC "$T/s.c" -o "$1/libanswer.so"; }
	shared so2 1
	put dyn.rs '#[link(name = "answer")] extern "C" { fn answer() -> i32; } fn main() { unsafe { answer(); } }'
	dyn="dyn.rs --out-dir out -L native=so1 -L native=so2"
	pair r08_shared "$RUSTC" $dyn
	shared so2 2
	step r08_shared_rebuilt 'miss:*_changed' "$RUSTC" $dyn
	shared so1 3
	step r08_shared_shadowed 'miss:input_shadowed' "$RUSTC" $dyn
	rm so1/libanswer.so
	# The linker itself.
	printf '#include <unistd.h>\nint main(int c, char **v) { (void)c; v[0] = "%s"; execv(v[0], v); return 1; }\n' "$(command -v gcc || command -v cc)" >"$T/ld.c"
	cc "$T/ld.c" -o own-cc
	pair r08_linker "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C linker=./own-cc
	printf 'int other;\n' >>"$T/ld.c"
	cc "$T/ld.c" -o own-cc
	step r08_linker_replaced 'miss:compiler_changed' "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C linker=./own-cc
	printf '#!/bin/sh\nexec cc "$@"\n' >own-cc.sh && chmod +x own-cc.sh
	refused r08_linker_script link_unknown "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C linker=./own-cc.sh
	put script.ld ''
	refused r08_linker_file link_unknown "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C link-arg=-Wl,-T,script.ld
	pair r08_link_arg "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C link-arg=-Wl,-z,now
	step r08_other_link_arg 'miss:not_seen' "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C link-arg=-Wl,-z,lazy

	# ---- R18: failures ----
	put broken.rs 'extern "C" { fn nowhere_at_all(); } fn main() { unsafe { nowhere_at_all() } }'
	loose=1
	refused r18_link_fails compile_failed "$RUSTC" broken.rs --out-dir out
	loose=
	unlike "$err" 'link-args|dependency-file' 'r18_link_fails: nothing of ours in the message'
else
	skip r07_r08 'no C compiler'
fi
put wrong.rs 'pub fn f() -> u8 { "no" }'
refused r18_error compile_failed "$RUSTC" wrong.rs $lib
refused r18_error_json compile_failed "$RUSTC" wrong.rs $lib $json
step r18_missing 'bypass:input_unreadable' "$RUSTC" gone.rs $lib

# ---- R09: questions, and what is refused ----
unlike_bytes=1
pair r09_incremental "$RUSTC" plain.rs $lib -C incremental=inc1
step r09_incremental_elsewhere hit "$RUSTC" plain.rs $lib -C incremental=inc2
unlike_bytes=
step r09_not_incremental hit "$RUSTC" plain.rs $lib
unlike_bytes=1
refused r09_save_temps side_output "$RUSTC" plain.rs --crate-type lib --out-dir out -C save-temps
unlike_bytes=
refused r09_z unsupported_option "$RUSTC" plain.rs --crate-type lib --out-dir out -Z time-passes
step r09_vv 'bypass:probe' "$RUSTC" -vV
step r09_print 'bypass:probe' "$RUSTC" - --crate-name ___ --print=file-names --crate-type bin
step r09_explain 'bypass:probe' "$RUSTC" --explain E0308
step r09_nothing 'bypass:no_input' "$RUSTC"
printf 'pub fn f() {}\n' >"$T/stdin"
stdin() { "$@" --crate-type lib --out-dir out - <"$T/stdin"; }
settle
run stdin "$SOLDR" "$RUSTC" --crate-name s
is "$status $(outcome)" '0 bypass:stdin_input' r09_stdin
printf '%s\n' plain.rs --crate-type lib --cfg argument_file --out-dir out >args
pair r09_argument_file "$RUSTC" @args
printf '%s\n' -O >>args
step r09_argument_file_changed 'miss:not_seen' "$RUSTC" @args

# ---- R10: messages ----
put warn.rs 'pub fn f() { let unused = 1; } fn never() {}'
pair r10_json "$RUSTC" warn.rs $json $lib
pair r10_text "$RUSTC" warn.rs $lib
pair r10_short "$RUSTC" warn.rs $lib --error-format=short
pair r10_width "$RUSTC" warn.rs $json $lib --diagnostic-width=60
step r10_other_width 'miss:terminal_differs' "$RUSTC" warn.rs $json $lib --diagnostic-width=61
pair r10_silent "$RUSTC" plain.rs $json $lib --diagnostic-width=60
step r10_silent_any_width hit "$RUSTC" plain.rs $json $lib --diagnostic-width=90

# ---- R11: another output directory ----
move="--crate-type lib --emit=dep-info,metadata,link -C debuginfo=2"
pair r11_here "$RUSTC" warn.rs $json $move --out-dir "$work/out"
step r11_there hit "$RUSTC" warn.rs $json $move --out-dir "$work/out2"
step r11_with_slash hit "$RUSTC" warn.rs $json $move --out-dir "$work/out2/"
step r11_blank 'miss:not_seen' "$RUSTC" warn.rs $json $move --out-dir "$work/out 3"
step r11_blank_served hit "$RUSTC" warn.rs $json $move --out-dir "$work/out 3"
cp deps/liba.rmeta "$T/liba.rmeta"
for extern_dir in out out2; do cp "$T/liba.rmeta" "$extern_dir/"; done
empty() { # an extern stays in the output directories
	find out out2 -type f ! -name liba.rmeta -exec rm {} +
}
put use.rs 'pub fn f() -> (u8, u8) { a::twice(1) }'
pair r11_extern_here "$RUSTC" use.rs --edition 2021 $json $move --out-dir "$work/out" -L dependency="$work/out" --extern a="$work/out/liba.rmeta"
step r11_extern_there hit "$RUSTC" use.rs --edition 2021 $json $move --out-dir "$work/out2" -L dependency="$work/out2" --extern a="$work/out2/liba.rmeta"
empty() { find out out2 -type f -exec rm {} +; }
put own.rs 'pub const HERE: &str = env!("WHERE");'
export WHERE="$work/out"
pair r11_named_in_output "$RUSTC" own.rs $move --out-dir "$work/out"
step r11_named_in_output_elsewhere 'miss:variable_changed' "$RUSTC" own.rs $move --out-dir "$work/out2"
unset WHERE
put 'with blank.rs' 'mod part; pub fn f() {}'
put part.rs ''
pair r11_blank_in_source "$RUSTC" 'with blank.rs' --crate-name wb $move --out-dir "$work/out"

# ---- what no list names ----
put blob.bin x
put blob.rs 'core::arch::global_asm!(".incbin \"blob.bin\"");'
refused r03_incbin embedded_file "$RUSTC" blob.rs $lib
put blob.rs 'core::arch::global_asm!(concat!(".inc", "bin \"blob.bin\""));'
refused r03_incbin_in_pieces embedded_file "$RUSTC" blob.rs $lib
put asm.rs 'core::arch::global_asm!(".byte 0");'
pair r03_assembly "$RUSTC" asm.rs $lib

# ---- R13, R16: order ----
pair r13_remap "$RUSTC" a.rs $lib --remap-path-prefix "$work=/x"
step r13_other_remap 'miss:not_seen' "$RUSTC" a.rs $lib --remap-path-prefix "$work=/y"
step r13_two 'miss:not_seen' "$RUSTC" a.rs $lib --remap-path-prefix "$work=/x" --remap-path-prefix "$work=/y"
step r13_two_exchanged 'miss:not_seen' "$RUSTC" a.rs $lib --remap-path-prefix "$work=/y" --remap-path-prefix "$work=/x"
pair r16_flags "$RUSTC" a.rs $lib -C opt-level=0 -C opt-level=3
step r16_flags_exchanged 'miss:not_seen' "$RUSTC" a.rs $lib -C opt-level=3 -C opt-level=0
pair r16_lints "$RUSTC" warn.rs $lib -A unused_variables -W unused_variables
step r16_lints_exchanged 'miss:not_seen' "$RUSTC" warn.rs $lib -W unused_variables -A unused_variables
mkdir -p elsewhere/out && cp a.rs elsewhere/
(cd elsewhere && settle && run "$SOLDR" "$RUSTC" --crate-name a a.rs --crate-type lib --emit=dep-info,metadata,link -C debuginfo=2 --out-dir out && outcome) >"$T/elsewhere"
is "$(cat "$T/elsewhere")" 'miss:not_seen' r16_another_directory

# ---- R14: toolchain and target ----
with RUSTC_BOOTSTRAP=1 step r14_bootstrap 'miss:not_seen' "$RUSTC" plain.rs $lib
step r14_sysroot 'miss:not_seen' "$RUSTC" plain.rs $lib --sysroot "$sysroot"
with RUST_TARGET_PATH="$work" step r14_target_path 'bypass:environment' "$RUSTC" plain.rs $lib
proxy=$(command -v rustc)
if [ "$(basename "$(readlink -f "$proxy")")" = rustup ]; then
	toolchains=$(ls "${RUSTUP_HOME:?}/toolchains")
	pair r14_proxy "$proxy" plain.rs $lib
	name=$(sed -n 's/^default_toolchain = "\(.*\)"/\1/p' "$RUSTUP_HOME/settings.toml")
	step r14_proxy_by_name hit "$proxy" "+$name" plain.rs $lib
	with RUSTUP_TOOLCHAIN="$name" step r14_proxy_by_variable hit "$proxy" plain.rs $lib
	other=
	for t in $toolchains; do
		[ "$(readlink -f "$RUSTUP_HOME/toolchains/$t")" = "$(readlink -f "$sysroot")" ] || other=$t
	done
	if [ "$other" ]; then
		step r14_other_by_name 'miss:not_seen' "$proxy" "+$other" plain.rs $lib
		printf '[toolchain]\nchannel = "%s"\n' "$other" >rust-toolchain.toml
		step r14_other_by_file hit "$proxy" plain.rs $lib
		rm rust-toolchain.toml
		step r14_default_again hit "$proxy" plain.rs $lib
	else
		skip r14_other 'one toolchain only'
	fi
	printf '[toolchain]\npath = "%s"\n' "$sysroot" >rust-toolchain.toml
	step r14_file_with_path 'bypass:rustc' "$proxy" plain.rs $lib
	rm rust-toolchain.toml
else
	skip r14_proxy 'rustc is not a proxy of rustup'
fi
printf '#!/bin/sh\nexec "%s" "$@"\n' "$RUSTC" >"$T/rustc" && chmod +x "$T/rustc"
step r14_plain_script hit "$T/rustc" plain.rs $lib
printf '#!/bin/sh\nFLAG=-g\nexec "%s" $FLAG "$@"\n' "$RUSTC" >"$T/rustc"
step r14_script 'bypass:compiler_script' "$T/rustc" plain.rs $lib

# ---- R15: cargo's variables ----
export CARGO_MAKEFLAGS='-j1' CARGO_PKG_NAME=p
pair r15_cargo "$RUSTC" plain.rs $lib
export CARGO_MAKEFLAGS= CARGO_TARGET_DIR=/t CARGO_HOME_X=1
step r15_volatile hit "$RUSTC" plain.rs $lib
export CARGO_PKG_NAME=q
step r15_package 'miss:not_seen' "$RUSTC" plain.rs $lib
unset CARGO_MAKEFLAGS CARGO_PKG_NAME CARGO_TARGET_DIR CARGO_HOME_X

# ---- R17: profiles and the like ----
pair r17_coverage "$RUSTC" plain.rs $lib -C instrument-coverage
refused r17_linker_plugin unsupported_option "$RUSTC" main.rs --edition 2021 --out-dir out --extern a=deps/liba.rlib -C linker-plugin-lto
# As cargo builds for link-time optimisation: bitcode in the crates, machine code in the end.
empty() { rm -rf out && mkdir out; }
pair r17_bitcode "$RUSTC" --crate-name a a.rs $lib -C linker-plugin-lto -C opt-level=3
cp out/liba.rlib deps/libbitcode.rlib
pair r17_lto "$RUSTC" main.rs --edition 2021 --emit=dep-info,link --out-dir out -C opt-level=3 -C lto --extern a=deps/libbitcode.rlib
is "$(out/main)" one 'r17_lto: runs'
put b.rs 'pub fn a() -> &'\''static str { "six" }'
"$RUSTC" --crate-name a b.rs --crate-type lib -C linker-plugin-lto -C opt-level=3 -o deps/libbitcode.rlib
step r17_lto_changed 'miss:input_changed' "$RUSTC" main.rs --edition 2021 --emit=dep-info,link --out-dir out -C opt-level=3 -C lto --extern a=deps/libbitcode.rlib
refused r17_split side_output "$RUSTC" plain.rs $lib -C split-debuginfo=unpacked
if [ "$(uname -m)" = x86_64 ]; then
	pair r17_native "$RUSTC" plain.rs $lib -C target-cpu=native
	step r17_native_is_not_any 'miss:not_seen' "$RUSTC" plain.rs $lib -C target-cpu=x86-64
else
	skip r17_native 'not x86'
fi
profdata=$(find "$sysroot" -name llvm-profdata -type f | head -n 1)
[ "$profdata" ] || profdata=$(command -v llvm-profdata)
if [ "$profdata" ] && printf ':ir\n' | "$profdata" merge - -o p.profdata 2>/dev/null; then
	pair r17_profile_use "$RUSTC" plain.rs --crate-type lib --out-dir out -C profile-use=p.profdata
else
	skip r17_profile_use 'no llvm-profdata'
fi

# ---- R20: clippy, and what is no compiler ----
if [ -x "$sysroot/bin/clippy-driver" ]; then
	clippy=$sysroot/bin/clippy-driver
	put lint.rs 'pub fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8, h: u8, i: u8) -> u8 { return a + b + c + d + e + g + h + i; }'
	pair r20_clippy "$clippy" "$RUSTC" lint.rs $json $lib
	step r20_clippy_is_not_rustc 'miss:not_seen' "$RUSTC" lint.rs $json $lib
	put clippy.toml 'too-many-arguments-threshold = 20'
	step r20_settings_appear 'miss:input_shadowed' "$clippy" "$RUSTC" lint.rs $json $lib
	put clippy.toml 'too-many-arguments-threshold = 2'
	step r20_settings_changed 'miss:input_changed' "$clippy" "$RUSTC" lint.rs $json $lib
	with CLIPPY_ARGS=-Aclippy::all__CLIPPY_HACKERY__ step r20_arguments 'miss:*' "$clippy" "$RUSTC" lint.rs $json $lib
	pair r20_linked "$clippy" "$RUSTC" main.rs --edition 2021 $json --emit=dep-info,link --out-dir out --extern a=deps/liba.rlib
	like "$(cat out/main.d)" 'env-dep:CLIPPY_CONF_DIR' 'r20_linked: clippy is at work'
	refused r20_whole_workspace inputs_unknown "$clippy" "$RUSTC" lint.rs $lib -W clippy::cargo_common_metadata
	rm clippy.toml
else
	skip r20_clippy 'no clippy-driver'
fi
if [ -x "$sysroot/bin/rustdoc" ]; then
	step r20_rustdoc 'bypass:rustc' "$sysroot/bin/rustdoc" --version
fi

done_testing
