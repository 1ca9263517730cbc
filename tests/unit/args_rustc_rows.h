/*
 * Calls of rustc and clippy-driver, and what args_rustc reads from them, as
 * render() in test_args_rustc.c writes it. "%e": an empty argument.
 */
#ifndef TEST_ARGS_RUSTC_ROWS_H
#define TEST_ARGS_RUSTC_ROWS_H

struct row {
	const char *line, *expected;
};

static const struct row rows[] = {
	{"rustc a.rs", "a.rs | emits link | types bin"},
	{"rustc --crate-type lib a.rs", "a.rs | emits link | types rlib | key --crate-type lib"},
	{"rustc --crate-type=lib a.rs", "a.rs | emits link | types rlib | key --crate-type lib"},
	{"rustc --crate-type lib,cdylib a.rs", "a.rs | emits link | types rlib cdylib | key --crate-type lib,cdylib"},
	{"rustc --crate-type lib --crate-type staticlib a.rs", "a.rs | emits link | types rlib staticlib | key --crate-type lib --crate-type staticlib"},
	{"rustc --crate-type sdylib a.rs", "unsupported_option: sdylib"},
	{"rustc --test --crate-type lib a.rs", "a.rs | emits link | types bin | key --test --crate-type lib"},
	{"rustc --emit=dep-info,metadata,link a.rs", "a.rs | emits dep-info metadata link | types bin | key --emit dep-info,metadata,link"},
	{"rustc --emit asm=x.s --emit obj a.rs", "a.rs | emits asm=x.s obj | types bin | key --emit asm=x.s --emit obj"},
	{"rustc --emit thin-link-bitcode a.rs", "unsupported_option: thin-link-bitcode"},
	{"rustc --emit asm=- a.rs", "stdout_output: asm=-"},
	{"rustc -o - a.rs", "stdout_output: -o"},
	{"rustc -o x a.rs", "a.rs | emits link | types bin | out x | key -o x"},
	{"rustc -ox a.rs", "a.rs | emits link | types bin | out x | key -o x"},

	/* R02: the alias and the path of an extern, in order; "^" marks where a path begins. */
	{"rustc --extern a=liba.rlib a.rs", "a.rs | emits link | types bin | externs a=liba.rlib | key --extern a=^liba.rlib"},
	{"rustc --extern=a=liba.rlib a.rs", "a.rs | emits link | types bin | externs a=liba.rlib | key --extern a=^liba.rlib"},
	{"rustc --extern noprelude:a=x a.rs", "a.rs | emits link | types bin | externs a=x | key --extern noprelude:a=^x"},
	{"rustc --extern proc_macro a.rs", "a.rs | emits link | types bin | bare proc_macro | key --extern proc_macro"},
	{"rustc --extern a= a.rs", "unsupported_option: a="},
	{"rustc --extern a=/t/deps/liba.rmeta a.rs --out-dir /t/deps",
	 "a.rs | emits link | types bin | in /t/deps | externs a=/t/deps/liba.rmeta | key --extern a=^/t/deps/liba.rmeta"},
	{"rustc --extern a=/t/deps2/liba.rmeta a.rs --out-dir /t/deps",
	 "a.rs | emits link | types bin | in /t/deps | externs a=/t/deps2/liba.rmeta | key --extern a=^/t/deps2/liba.rmeta"},
	{"rustc -L dependency=/t/deps --out-dir=/t/deps/ a.rs",
	 "a.rs | emits link | types bin | in /t/deps/ | dependency /t/deps | key -L dependency=^/t/deps"},
	{"rustc --out-dir a --out-dir b a.rs", "unsupported_option: b"},

	/* R07: where native libraries are looked for */
	{"rustc -L native=n -L all=o -Lp -L crate=c a.rs",
	 "a.rs | emits link | types bin | crates o p c | native n o p | key -L native=^n -L all=^o -L ^p -L crate=^c"},
	{"rustc -lstatic=z -l dylib=m -lc a.rs", "a.rs | emits link | types bin | static z | key -l static=z -l dylib=m -l c"},
	{"rustc -l static:-bundle=z a.rs", "a.rs | emits link | types bin | static z | key -l static:-bundle=z"},
	{"rustc -l static:+verbatim=z.a a.rs", "unsupported_option: static:+verbatim=z.a"},
	{"rustc -L native= a.rs", "unsupported_option: native="},

	/* R09 */
	{"rustc -C incremental=/t/inc a.rs", "a.rs | emits link | types bin | key -C incremental"},
	{"rustc -Cincremental=/u/inc a.rs", "a.rs | emits link | types bin | key -C incremental"},
	{"rustc -C save-temps a.rs", "side_output: save-temps"},
	{"rustc -C save-temps=no a.rs", "a.rs | emits link | types bin | key -C save-temps=no"},
	{"rustc -Z time-passes a.rs", "unsupported_option: time-passes"},
	{"rustc -Ztime-passes a.rs", "unsupported_option: time-passes"},
	{"rustc -vV", "probe: -vV"},
	{"rustc -V", "probe: -V"},
	{"rustc --version --verbose", "probe: --version"},
	{"rustc --print cfg", "probe: --print"},
	{"rustc --print=file-names a.rs", "probe: --print"},
	{"rustc - --crate-name ___ --print=cfg", "probe: --print"},
	{"rustc --explain E0001", "probe: --explain"},
	{"rustc -", "stdin_input: -"},
	{"rustc", "no_input: "},
	{"rustc a.rs b.rs", "multiple_inputs: b.rs"},
	{"rustc --frobnicate a.rs", "unsupported_option: --frobnicate"},
	{"rustc a.rs --cfg", "unsupported_option: --cfg"},
	{"rustc --test=yes a.rs", "unsupported_option: --test=yes"},
	{"rustc -gx a.rs", "unsupported_option: -gx"},

	/* R14 */
	{"rustc --target my.json a.rs", "a.rs | emits link | types bin | target my.json | inputs my.json | key --target my.json"},
	{"rustc --sysroot /s a.rs", "a.rs | emits link | types bin | key --sysroot /s"},
	{"rustc +nightly a.rs", "a.rs | emits link | types bin | toolchain nightly"},

	/* R16: order is kept */
	{"rustc -A x -D x -C opt-level=1 -O -C opt-level=3 a.rs",
	 "a.rs | emits link | types bin | key -A x -D x -C opt-level=1 -O -C opt-level=3"},
	{"rustc --remap-path-prefix a=b --remap-path-prefix c=d a.rs",
	 "a.rs | emits link | types bin | key --remap-path-prefix from ^a to b --remap-path-prefix from ^c to d | mapped a c"},
	{"rustc --remap-path-prefix=a=b=c a.rs", "a.rs | emits link | types bin | key --remap-path-prefix from ^a=b to c | mapped a=b"},
	{"rustc --remap-path-prefix a a.rs", "unsupported_option: a"},
	{"rustc --remap-path-scope=debuginfo a.rs", "a.rs | emits link | types bin | key --remap-path-scope debuginfo | keeps paths"},
	{"rustc -C instrument-coverage a.rs", "a.rs | emits link | types bin | key -C instrument-coverage | keeps paths"},
	{"rustc --cap-lints allow a.rs", "a.rs | emits link | types bin | key --cap-lints allow | foreign"},

	/* R17 */
	{"rustc -C profile-use=p.profdata a.rs", "a.rs | emits link | types bin | inputs p.profdata | key -C profile-use=p.profdata | keeps paths"},
	{"rustc -C profile_use=p a.rs", "a.rs | emits link | types bin | inputs p | key -C profile_use=p | keeps paths"},
	{"rustc -C linker-plugin-lto a.rs", "unsupported_option: a link with linker-plugin-lto"},
	{"rustc -C linker-plugin-lto -C linker-plugin-lto=no a.rs",
	 "a.rs | emits link | types bin | key -C linker-plugin-lto -C linker-plugin-lto=no"},
	{"rustc -C linker-plugin-lto --crate-type lib a.rs", "a.rs | emits link | types rlib | key -C linker-plugin-lto --crate-type lib"},
	{"rustc -C split-debuginfo=packed a.rs", "side_output: split-debuginfo=packed"},
	{"rustc -C split-debuginfo=off a.rs", "a.rs | emits link | types bin | key -C split-debuginfo=off"},
	{"rustc -C target-cpu=native a.rs", "a.rs | emits link | types bin | native | key -C target-cpu=native"},
	{"rustc -Ctarget_cpu=native -C target-cpu=x86-64 a.rs", "a.rs | emits link | types bin | key -C target_cpu=native -C target-cpu=x86-64"},
	{"rustc -C target-cpu=skylake a.rs", "a.rs | emits link | types bin | key -C target-cpu=skylake"},
	{"rustc -C llvm-args=-x a.rs", "unsupported_option: llvm-args=-x"},
	{"rustc -C rpath a.rs", "unsupported_option: rpath"},
	{"rustc -C frobnicate=1 a.rs", "unsupported_option: frobnicate=1"},
	{"rustc -C linker=/l a.rs", "a.rs | emits link | types bin | linker /l | key -C linker=/l"},

	/* R10: the width belongs to the terminal */
	{"rustc --diagnostic-width=80 --error-format json a.rs", "a.rs | emits link | types bin | width 80 | key --error-format json"},

	/* names */
	{"rustc --crate-name x -C extra-filename=-1 a.rs", "a.rs | emits link | types bin | name x -1 | key --crate-name x -C extra-filename=-1"},
	{"rustc --crate-name x --crate-name y a.rs", "unsupported_option: y"},

	/* R20 */
	{"clippy-driver /b/rustc --crate-name x a.rs", "a.rs | emits link | types bin | name x  | clippy | key /b/rustc --crate-name x"},
	{"clippy-driver a.rs", "a.rs | emits link | types bin | clippy"},
	{"clippy-driver rustc -vV", "probe: -vV"},

	{"rustc @gone", "response_file: gone"},
	{"rustc --cfg \001/x a.rs", "unsupported_option: \001/x"},
	{"rustc --cfg a\002/x a.rs", "unsupported_option: a\002/x"},
};

#endif
