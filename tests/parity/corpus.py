#!/usr/bin/env python3
"""Writes the parity corpus: sources and a compile_commands.json.

usage: corpus.py DIRECTORY

One entry a request, over gcc, g++, clang, clang++ and rustc, whichever are
installed, for the rows of the list of behaviours that a compile cache must get
right. Each request has an output name of its own, so that they may run at once.
Prints the number of requests of each compiler.
"""
import json
import os
import shutil
import sys

C = {
    "plain.c": '#include <stdio.h>\n#include "inc/own.h"\nint main(void) { printf("%d\\n", OWN + own(2)); return 0; }\n',
    "inc/own.h": "#ifndef OWN_H\n#define OWN_H\n#define OWN 3\nstatic inline int own(int x) { return x * OWN; }\n#endif\n",
    "sys/sysy.h": '#ifndef SYSY_H\n#define SYSY_H\n#include <stddef.h>\nstatic inline size_t sysy(void) { return sizeof(int); }\n#endif\n',
    "usesys.c": '#include <sysy.h>\n#include "inc/own.h"\nunsigned long f(void) { return sysy() + own(1); }\n',
    "warn.c": "int unused(int a) { int b; switch (a) { case 1: a++; case 2: a--; } return 0; }\nstatic void never(void) {}\n",
    "error.c": '#include "inc/own.h"\nint f(void) { return undeclared + OWN; }\n',
    "missing.c": '#include "no_such_file.h"\n',
    "hash.c": "#error stop here\n",
    "time.c": 'const char *t = __DATE__ " " __TIME__;\n',
    "stamp.c": "const char *t = __TIMESTAMP__;\n",
    "paste.c": "#define P(a, b) a##b\n#define Q(a, b) P(a, b)\nconst char *t = Q(__DA, TE__);\n",
    "splice.c": "const char *t = __DA\\\nTE__;\n",
    "hasinc.c": '#if __has_include("maybe.h")\n#include "maybe.h"\n#else\nint no;\n#endif\n',
    "incbin.c": '__asm__(".incbin \\"blob.bin\\"");\nint x;\n',
    "blob.bin": "some bytes\n",
    "asm.S": "#ifdef TWO\n.long 2\n#else\n.long 1\n#endif\n.section .note.GNU-stack,\"\",@progbits\n",
    "plain.s": ".text\n.globl here\nhere:\n ret\n.section .note.GNU-stack,\"\",@progbits\n",
    "pre.i": '# 1 "pre.c"\nint pre(int a) { return a + 1; }\n',
    "macro.c": '#ifndef VALUE\n#define VALUE 0\n#endif\nint v = VALUE;\nconst char *file = __FILE__;\n',
    "assert.c": "#include <assert.h>\nvoid f(int a) { assert(a > 0 && \"positive\"); }\n",
    "fall.c": "int f(int a) {\n switch (a) {\n case 1:\n  a++;\n  /* fall through */\n case 2:\n  a--;\n }\n return a;\n}\n",
    "once.c": '#include "once.h"\n#include "once.h"\nint o = ONCE;\n',
    "once.h": "#pragma once\n#define ONCE 1\n",
    "big.c": "#include <stdlib.h>\n#include <string.h>\n#include <stdio.h>\n#include <math.h>\n#include <errno.h>\n#include <unistd.h>\n"
             "double big(int n) { double s = 0; for (int i = 0; i < n; i++) s += sqrt(i) * sin(i); return s; }\n",
    "with space.c": '#include "inc/own.h"\nint spaced = OWN;\n',
    "dollar$hash#.c": '#include "inc/own.h"\nint odd = OWN;\n',
    "quote'name.c": "int quoted = 1;\n",
    "\u00fcml\u00e4ut.c": 'const char *u = "\u00fc";\nconst char *f = __FILE__;\n',
    "loop.c": "int f(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }\n",
    "flags.rsp": "-O2 -DVALUE=7\n'-DNAME=\"a b\"'\n",
    "nested.rsp": "@flags.rsp -Wall\n",
    "empty.c": "",
    "crlf.c": "#include \"inc/own.h\"\r\nint c = OWN;\r\n",
    "nonewline.c": "int n = 1;",
}
CXX = {
    "plain.cc": '#include "inc/own.h"\nstruct A { virtual ~A(); int x = OWN; };\nA::~A() {}\n',
    "std.cc": "#include <string>\n#include <vector>\nstd::vector<std::string> v() { return {\"a\", \"b\"}; }\n",
    "tmpl.cc": "template <int N> struct F { static const int v = N * F<N - 1>::v; };\ntemplate <> struct F<0> { static const int v = 1; };\nint x = F<10>::v;\n",
    "error.cc": "struct S { int x; };\nint f(S s) { return s.y; }\n",
    "warn.cc": "struct B { virtual void f(); };\nstruct D : B { void f(int); int g() {} };\n",
    "anon.cc": "namespace { struct Q { Q(); int v; } q; }\nint use() { return q.v; }\nnamespace { Q::Q() : v(1) {} }\n",
    "except.cc": "void g();\nint f() { try { g(); } catch (int i) { return i; } return 0; }\n",
}
RUST = {
    "lib.rs": "pub mod part;\npub fn f(x: u32) -> u32 { part::g(x) + 1 }\n",
    "part.rs": "pub fn g(x: u32) -> u32 { x * 2 }\n",
    "main.rs": 'fn main() { println!("{}", 1 + 1); }\n',
    "warn.rs": "pub fn f() { let x = 1; }\n",
    "error.rs": "pub fn f() -> u32 { missing() }\n",
    "env.rs": 'pub const A: Option<&str> = option_env!("PARITY_VALUE");\n',
    "data.rs": 'pub const D: &str = include_str!("data.txt");\n',
    "data.txt": "data\n",
    "macro.rs": "extern crate proc_macro;\n#[proc_macro]\npub fn m(i: proc_macro::TokenStream) -> proc_macro::TokenStream { i }\n",
    "test.rs": "#[test]\nfn t() { assert_eq!(1, 1); }\n",
    "generic.rs": "pub struct V<T>(pub Vec<T>);\nimpl<T: Clone> V<T> { pub fn twice(&self) -> Vec<T> { let mut v = self.0.clone(); v.extend(self.0.iter().cloned()); v } }\n",
}

# Arguments after the compiler and before "-o OUTPUT"; the source is named in them.
COMMON = [
    "-c plain.c", "-O2 -c plain.c", "-Os -c plain.c", "-O3 -funroll-loops -c loop.c", "-g -c plain.c", "-g3 -c macro.c", "-g1 -O1 -c plain.c",
    "-gdwarf-4 -c plain.c", "-ggdb -c plain.c", "-g0 -c plain.c", "-fPIC -c plain.c", "-fpie -c plain.c", "-m32 -c tests.c", "-std=c11 -c plain.c",
    "-std=c99 -pedantic -c plain.c", "-ansi -c loop.c", "-std=gnu17 -c plain.c", "-Wall -Wextra -c warn.c", "-Wall -Werror -c warn.c", "-w -c warn.c",
    "-Wall -Wno-unused -c warn.c", "-Wno-unused -Wall -c warn.c", "-fdiagnostics-color=always -Wall -Wextra -c warn.c",
    "-fno-diagnostics-color -Wall -c warn.c", "-fmessage-length=40 -Wall -Wextra -c warn.c", "-c error.c", "-c missing.c", "-c hash.c", "-fmax-errors=1 -c error.c",
    "-c time.c", "-c stamp.c", "-c paste.c", "-c splice.c", "-DNOW=__TIME__ -c macro.c", "-c hasinc.c", "-c incbin.c", "-c asm.S", "-DTWO -c asm.S",
    "-g -c asm.S", "-c plain.s", "-c pre.i", "-x c -c pre.i", "-DVALUE=4 -c macro.c", "-D VALUE=5 -c macro.c", "-DVALUE=1 -UVALUE -c macro.c",
    "-UVALUE -DVALUE=1 -c macro.c", "-c assert.c", "-DNDEBUG -c assert.c", "-Wimplicit-fallthrough -c fall.c", "-c once.c", "-O2 -c big.c", "-O2 -g -c big.c",
    "-Iinc -c plain.c", "-I inc -c plain.c", "-isystem sys -c usesys.c", "-iquote inc -isystem sys -c usesys.c", "-idirafter sys -c usesys.c",
    "-include inc/own.h -c loop.c", "-imacros inc/own.h -c loop.c", "-MD -c plain.c", "-MMD -c plain.c", "-MD -MP -c plain.c", "-MMD -MP -c plain.c",
    "-MMD -MP -isystem sys -c usesys.c", "-MD -MT target -c plain.c", "-MD -MQ $tar -c plain.c", "-MMD -MT a -MT b -c plain.c", "-MD -MF {n}.dep -c plain.c",
    "-MMD -MF {n}.dep -c plain.c", "-MMD -MF {n}.dep -MT x.o -isystem sys -c usesys.c", "-Wp,-MD,{n}.dep -c plain.c", "-Wp,-MMD,{n}.dep -c plain.c",
    "-MMD -c big.c", "-MMD -MP -c big.c", "-MD -c error.c", "-MMD -c missing.c", "-S plain.c", "-S -O2 loop.c", "-S -g plain.c", "-S -fverbose-asm loop.c",
    "-E plain.c", "-E -dM plain.c", "-M plain.c", "-MM plain.c", "-fsyntax-only plain.c", "-save-temps=obj -c plain.c", "--coverage -c plain.c",
    "-fprofile-arcs -ftest-coverage -O1 -c loop.c", "-fprofile-generate -c loop.c", "-gsplit-dwarf -c plain.c", "-gsplit-dwarf -g2 -O2 -c big.c",
    "-fstack-usage -c loop.c", "-flto -O2 -frandom-seed=1 -c plain.c", "-ffile-prefix-map={d}=/src -g -c macro.c", "-fdebug-prefix-map={d}=/src -g -c plain.c",
    "-fmacro-prefix-map={d}=/src -c macro.c", "-frecord-gcc-switches -c plain.c", "-frecord-gcc-switches -g -MMD -c plain.c", "-grecord-gcc-switches -g -c plain.c",
    "-fsanitize=address -c plain.c", "-fsanitize=undefined -O1 -c loop.c", "-fstack-protector-strong -D_FORTIFY_SOURCE=2 -O2 -c big.c", "-fvisibility=hidden -fPIC -c plain.c",
    "-ffunction-sections -fdata-sections -c plain.c", "-pthread -c plain.c", "-pipe -O2 -c plain.c", "-march=x86-64-v2 -O2 -c loop.c", "-mtune=generic -O2 -c loop.c",
    "-march=native -O2 -c loop.c", "-mavx2 -O3 -c loop.c", "-fopenmp -c loop.c", "-c|with space.c", "-MD -c|with space.c", "-MMD -MP -c|with space.c", "-c|dollar$hash#.c",
    "-MD -c|dollar$hash#.c", "-MMD -c|dollar$hash#.c", "-c|quote'name.c", "-MD -c|quote'name.c", "-c|\u00fcml\u00e4ut.c", "-g -MMD -c|\u00fcml\u00e4ut.c", "@flags.rsp -c macro.c",
    "@nested.rsp -c macro.c", "-c empty.c", "-c crlf.c", "-c nonewline.c", "-v -c plain.c", "-### -c plain.c", "-H -c plain.c", "-Wa,--noexecstack -c plain.c",
    "-Wa,-a={n}.lst -c plain.c", "-Wa,-aln={n}.lst -c plain.c", "-save-temps -g -c loop.c", "-O2 -fsave-optimization-record -c loop.c",
    "-fstack-usage -save-temps=obj -MMD -c big.c", "-ftest-coverage -c plain.c", "-fsyntax-only -Wall -MMD -MF {n}.dep -c warn.c", "-gsplit-dwarf -fsyntax-only warn.c", "-x c++ -c plain.c", "-x none -c plain.c", "-funknown-option -c plain.c", "-Wunknown-warning -c plain.c", "-fdiagnostics-format=json -Wall -c warn.c",
    "-fplugin=none.so -c plain.c", "-B . -c plain.c", "-nostdinc -Iinc -isystem sys -c loop.c", "-iwithprefix x -c plain.c", "-C -E plain.c", "-dM -E empty.c", "-P -E plain.c",
]
COMMON_CXX = [
    "-c plain.cc", "-O2 -c plain.cc", "-g -O2 -c std.cc", "-std=c++20 -c std.cc", "-MMD -MP -c std.cc", "-c tmpl.cc", "-ftemplate-depth=5 -c tmpl.cc", "-c error.cc",
    "-Wall -Wextra -c warn.cc", "-c anon.cc", "-g -c anon.cc", "-fno-exceptions -c except.cc", "-c except.cc", "-fno-rtti -c plain.cc", "-S -O2 plain.cc", "-O2 -c plain.c",
    "-flto -frandom-seed=2 -c plain.cc", "-gsplit-dwarf -c plain.cc", "--coverage -c tmpl.cc", "-D_GLIBCXX_DEBUG -c std.cc",
]
RUSTC = [
    "--crate-type lib lib.rs", "--crate-type rlib -O lib.rs", "--crate-type lib --emit metadata lib.rs", "--crate-type lib --emit dep-info,metadata,link lib.rs",
    "--crate-type staticlib part.rs", "--crate-type cdylib part.rs", "--crate-type dylib -C prefer-dynamic part.rs", "main.rs", "-O main.rs", "-g main.rs",
    "--crate-type lib warn.rs", "--crate-type lib --error-format=json warn.rs", "--crate-type lib --error-format=json --json=artifacts,diagnostic-rendered-ansi warn.rs",
    "--crate-type lib error.rs", "--crate-type lib --color=always error.rs", "--crate-type lib env.rs", "--crate-type lib data.rs", "--crate-type lib --emit dep-info,link data.rs",
    "--crate-type proc-macro macro.rs", "--test test.rs", "--crate-type lib --edition 2021 generic.rs", "--crate-type lib --emit asm generic.rs", "--crate-type lib --emit mir part.rs",
    "--crate-type lib --emit llvm-ir part.rs", "--crate-type lib --emit obj -C opt-level=3 part.rs", "--crate-type lib -C debuginfo=2 lib.rs", "--crate-type lib --cfg feature=\"x\" lib.rs",
    "--crate-type lib --remap-path-prefix {d}=/src -g lib.rs", "--crate-type lib -C metadata=abc -C extra-filename=-abc part.rs", "--crate-type lib --cap-lints allow warn.rs",
    "--crate-type lib -D warnings warn.rs", "--version", "-vV", "--print cfg", "--print sysroot", "--crate-type lib -C codegen-units=1 -C panic=abort part.rs",
    "--crate-name own --edition=2021 lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat --crate-type lib "
    "--emit=dep-info,metadata,link -C embed-bitcode=no -C debuginfo=2 -C metadata=0123 -C extra-filename=-0123",
    "--crate-name own --edition=2021 lib.rs --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat --crate-type lib "
    "--emit=dep-info,metadata -C embed-bitcode=no -C metadata=0123 -C extra-filename=-0123",
    "--crate-name warned --edition=2021 warn.rs --crate-type lib --emit=dep-info,metadata,link -C opt-level=3 -C metadata=4567 -C extra-filename=-4567",
]


def words(line):
    """Words split at blanks; what follows '|' is one last word."""
    head, bar, last = line.partition("|")
    return head.split() + ([last] if bar else [])


def main(directory):
    directory = os.path.realpath(directory)
    for files in (C, CXX, RUST):
        for name, text in files.items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(text)
    entries, counts = [], {}

    def add(compiler, line, output):
        n = len(entries)
        args = [w.replace("{d}", directory).replace("{n}", f"out/{n}") for w in words(line)]
        if output and not any(a in ("-E", "-M", "-MM", "-fsyntax-only") for a in args):
            args += ["-o", f"out/{n}.o"]
        source = args[-3] if output and args[-2:-1] == ["-o"] else args[-1]
        entries.append({"directory": directory, "arguments": [compiler] + args, "file": source})
        counts[compiler] = counts.get(compiler, 0) + 1

    os.makedirs(os.path.join(directory, "out"), exist_ok=True)
    for compiler, lines in (("gcc", COMMON), ("clang", COMMON), ("g++", COMMON_CXX), ("clang++", COMMON_CXX)):
        if shutil.which(compiler):
            for line in lines:
                add(compiler, line, True)
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler):
            for line in ("-c loop.c", "-MD -c loop.c", "-S loop.c", "-c plain.c macro.c", "-c plain.c -o -", "-c plain.c -o /dev/null",
                         "plain.c -o {n}.bin", "-c nothere.c", "--version", "-dumpmachine", "-print-prog-name=cc1", "-c plain.c -o nodir/x.o",
                         "-c plain.c -o out", "-c -x c -", "-x c-header inc/own.h -o {n}.gch",
                         "-c -O2 -x c-header plain.c -o {n}.gch", "-MMD -include inc/own.h -x c-header empty.c -o {n}.gch", "-x c-header time.c -o {n}.gch"):
                add(compiler, line, False)
    if shutil.which("rustc"):
        for line in RUSTC:
            probe = line.startswith("-") and not line.startswith("--crate-type") and ".rs" not in line
            add("rustc", line + ("" if probe else " --out-dir {n}.d"), False)
    for n, e in enumerate(entries):
        if f"out/{n}.d" in e["arguments"]:
            os.makedirs(os.path.join(directory, f"out/{n}.d"), exist_ok=True)
    with open(os.path.join(directory, "compile_commands.json"), "w", encoding="utf-8") as f:
        json.dump(entries, f, indent=1)
    print(" ".join(f"{k}={v}" for k, v in counts.items()), f"total={len(entries)}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
