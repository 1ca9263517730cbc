"""What the differential tester is made of: snippets of source, options,
variables, and the generator that turns a seed into steps.

A file is a list of snippets, each with a small number. Numbers are few, so that
a later edit often brings an earlier content back.
"""
import random
import re
import subprocess
import tempfile

# @N: a number of this place in its file; @V: a digit; @H: another header; @K: this header.
COMMON = """
int v@N = @V;
const char *file@N = __FILE__;
int line@N = __LINE__ + @V;
int counter@N = __COUNTER__ * 10 + @V;
const char *base@N = __BASE_FILE__; int level@N = __INCLUDE_LEVEL__;
static int unused@N(void) { int lonely@N; return @V; }
#include "h@H.h"\\nint k@N = K@H;
#include <h@H.h>\\n#ifdef K@H\\nint k@N = K@H;\\n#endif
#include "h@H.h"\\n#ifdef K@H\\nint k@N = K@H + __LINE__;\\n#endif
#if __has_include("h@H.h")\\n#include "h@H.h"\\n#endif\\n#ifdef K@H\\nint k@N = K@H;\\n#endif
#define INC@N "h@H.h"\\n#include INC@N\\n#ifdef K@H\\nint k@N = K@H;\\n#endif
#include "../inc1/h@H.h"
#include "sub/deep.h"
#import "h@H.h"
#if __has_include("maybe@V.h")\\n#include "maybe@V.h"\\n#endif
#if __has_include(<h@H.h>)\\nint has@N = 1;\\n#else\\nint has@N = 0;\\n#endif
#define HAS@N(x) __has_include(x)\\n#if HAS@N("maybe@V.h")\\nint has@N = 1;\\n#endif
#if __has_include_next(<maybe@V.h>)\\nint next@N = 1;\\n#endif
#ifdef D@V\\nint d@N = 1;\\n#else\\nint d@N = 0;\\n#endif
#warning look @V
#pragma message("message @V")
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC poison poisoned@V
#pragma GCC dependency "h@H.h"
#pragma once
_Pragma("GCC diagnostic push") static int quiet@N(int a) { if (a = @V) return 1; return 0; } _Pragma("GCC diagnostic pop")
int sw@N(int a) { switch (a) { case @V: a++; /* fall through */ case 9: a--; } return a; }
int sx@N(int a) { switch (a) { case @V: a++; case 9: a--; } return a; }
const char *time@N = __DATE__ " " __TIME__;
const char *stamp@N = __TIMESTAMP__;
/* __TIME__ in a comment, @V */
#define P@N(a, b) a##b\\nint P@N(pas, te@N) = @V;
#define P@N(a, b) a##b\\nconst char *P@N(ti, me@N) = P@N(__TI, ME__);
int spl\\\\\\nice@N = @V;
const char *utf@N = "\u00fc@V \u20ac";
const char *trigraph@N = "??/@V";
__asm__("nop # @V");
__asm__(".section .rodata\\\\n.incbin \\"blob.bin\\"\\\\n.text");
__asm__(".section .rodata\\\\n.inc" "bin \\"blob.bin\\"\\\\n.text");
__asm__("bogus@V");
#line 1@V "odd name@V.c"
#line 2@V
#include <assert.h>\\nvoid as@N(int a) { assert(a > @V); }
#include <stddef.h>\\nsize_t size@N = sizeof(ptrdiff_t) + @V;
#include <limits.h>\\nint limit@N = INT_MAX - @V;
int e@N = undeclared@V;
#include "none@V.h"
#error stop @V
int loop@N(int *a, int n) { int s = @V; for (int i = 0; i < n; i++) s += a[i] * i; return s; }
int branch@N(int a) { if (a > @V) return a * 3; for (;;) a += branch@N(a); }
static int local@N = @V; int *get@N(void) { static int held = @V; return held ? &held : &local@N; }
__thread int tls@N = @V;
__attribute__((section(".sec@V"))) int section@N = @V;
__attribute__((deprecated("since @V"))) int old@N(void); int use@N(void) { return old@N(); }
\tint tab@N(int a) {\\n\tif (a)\\n\t  a++;\\n\t  a--;\\n\treturn a; }
int crlf@N = @V;\\r\\n#define CRLF@N \\\\\\r\\n 1\\r\\nint crlg@N = CRLF@N;
int spaces@N = @V;    \\n\\n\\n
int format@N(void) { return __builtin_printf("%s\\\\n", @V); }
"""
ONLY_C = """
int kr@N(a) int a; { return a + @V; }
int implicit@N(void) { return missing@N(@V); }
struct s@N { int a, b; } s@N = {.b = @V};
int pointer@N = (int)"text@V";
"""
ONLY_CXX = """
template <int N> struct F@N { static const int v = N * F@N<N - 1>::v; }; template <> struct F@N<0> { static const int v = @V; }; int f@N = F@N<4>::v;
template <class T> T t@N(T a) { return a.none@V; } int u@N() { return t@N(1); }
struct B@N { virtual int f(); virtual ~B@N(); }; int B@N::f() { return @V; } B@N::~B@N() {}
namespace { struct Q@N { Q@N(); int v; } q@N; Q@N::Q@N() : v(@V) {} } int uq@N() { return q@N.v; }
constexpr int c@N(int a) { return a ? a * c@N(a - 1) : 1; } static_assert(c@N(@V) < 100, "c"); int cc@N = c@N(@V);
void g@N(); int h@N() { try { g@N(); } catch (int i) { return i + @V; } return 0; }
auto l@N = [](int a) { return a + @V; }; int m@N() { return l@N(1); }
struct O@N { virtual void f(); }; struct P@N : O@N { void f(int); int g() {} };
#include <cstddef>\\nstd::size_t cs@N = @V;
inline int inl@N() { static int s = @V; return ++s; } int il@N() { return inl@N(); }
"""
HEADER = """
#ifndef K@K\\n#define K@K @V\\n#endif
#ifndef K@K\\n#define K@K @V\\n#endif
#ifndef K@K\\n#define K@K @V /* note */\\n#endif
#ifndef K@K\\n#define K@K __LINE__ + @V\\n#endif
#include "h@H.h"
#if __has_include(<h@H.h>)\\n#include <h@H.h>\\n#endif
#if __has_include_next(<h@K.h>)\\n#include_next <h@K.h>\\n#endif
#if __has_include("maybe@V.h")\\n#include "maybe@V.h"\\n#endif
#pragma GCC system_header
static const char *in@K_@N = __FILE__;
static inline int get@K_@N(void) { int spare@V; return @V; }
static int idle@K_@N(void) { return @V; }
#warning header @V
#ifdef D@V\\n#undef K@K\\n#define K@K 8\\n#endif
/* only words: @V */
static const int count@K_@N = __COUNTER__;
#include "maybe@V.h"
#line 3@V "elsewhere@V.h"
"""
RARE = ("_next(<h@K", "\"../inc1/h", "__asm__(\"bogus", "int e@N = undec", "#error", "#include \"none", "__TIME", "__TI,", ".incbin", ".inc\"", "#pragma once",
        "#pragma GCC dep", "#include \"maybe", "template <class T> T t@N", "{ return old@N", "#import", "_Pragma", "#include \"sub")
DIRS = ("inc1", "inc2", "sys", "quote", "after", "src", "src/sub")
HEADERS = 6
SUFFIX = {"c": ".c", "c++": ".cc"}
CSMITH_H = """#include <stdint.h>
#define platform_main_begin()
#define platform_main_end(a, b)
#define crc32_gentab()
#define transparent_crc(a, b, c)
"""


def lines_of(table):
    return [(line.encode("raw_unicode_escape").decode("unicode_escape") + "\n") for line in table.strip("\n").split("\n")]


class Part:
    """A snippet in its place, with its number."""

    def __init__(self, rng, table, place):
        including = [t for t in table if "@H" in t]
        self.text = rng.choice(including if rng.random() < 0.25 else table)
        while any(r in self.text for r in RARE) and rng.random() < 0.97:
            self.text = rng.choice(table)
        self.place, self.digit, self.header = place, rng.randrange(3), rng.randrange(HEADERS)


class File:
    """A generated source file; above: headers with a higher number alone are included, so that no include is endless."""

    def __init__(self, rng, table, above=None, guard=""):
        self.table, self.above, self.guard = table, above, guard
        self.parts = [Part(rng, table, i) for i in range(rng.randint(2, 6))]

    def tweak(self, rng):
        part = rng.choice(self.parts)
        if rng.random() < 0.7:
            part.digit = (part.digit + 1) % 3
        else:
            self.parts[self.parts.index(part)] = Part(rng, self.table, part.place)

    def text(self):
        out = self.guard
        for p in self.parts:
            header = p.header
            if self.above is not None:
                if "@H" in p.text and self.above >= HEADERS - 1:
                    continue
                header = self.above + 1 + p.header % max(1, HEADERS - 1 - self.above)
            text = p.text.replace("@N", str(p.place)).replace("@V", str(p.digit)).replace("@H", str(header))
            out += text.replace("@K", str(self.above))
        if self.above is not None and f"#define K{self.above}" not in out:
            out += f"#ifndef K{self.above}\n#define K{self.above} 1\n#endif\n"
        return out + ("#endif\n" if self.guard.startswith("#ifndef") else "")


# ---- options --------------------------------------------------------------------------

# One line, one kind; "|" separates. The odd ones are mostly refused: a table of their own keeps the tester among hits.
BOTH_OPTIONS = """
-O0|-O1|-O2|-O2|-Os|-O3|-Og
-g|-g|-g0|-g1|-g3|-ggdb|-gdwarf-4|-gdwarf-5|-g -gz|-gno-column-info -g|-g -g0
-Wall|-Wall -Wextra|-Wextra|-pedantic|-Wall -w|-Wsystem-headers|-Wall -Wno-unused-function|-Wimplicit-fallthrough|-Wno-no-such-warning
-DD0|-DD1=1|-DD2|-D D0|-UD0|-DD0 -UD0|-UD0 -DD0|-DK0=9|-DQ="a\\ b"|-DEMPTY=|-DF(x)=x
-include h0.h|-include {R}/inc1/h1.h|-imacros h2.h|-include h3.h -imacros h0.h|-include stddef.h
-fPIC|-fpie|-fno-common|-ffunction-sections -fdata-sections|-fvisibility=hidden|-fno-ident|-fstack-protector-strong|-fomit-frame-pointer
-fdebug-prefix-map={R}=/x -g|-ffile-prefix-map={R}=.|-fmacro-prefix-map={R}/inc1=I|-fdebug-prefix-map={R}/src=. -g
-march=native|-march=x86-64-v2|-mtune=native|-msse4.2|-mno-red-zone|-mcmodel=large
-frecord-gcc-switches|-grecord-gcc-switches -g|-fverbose-asm|-pipe|-w|-H
-fdiagnostics-color=always|-fdiagnostics-color=never|-fmessage-length=50|-fno-diagnostics-show-option|-ftabstop=3|-fdiagnostics-color=auto
-Wa,--noexecstack|-Xassembler --noexecstack|-Wp,-DD1|-Xpreprocessor -DD2|-Wl,-z,now|-Wp,-MD,wp.d|-Wp,-MMD,wp.d|-Wp,-MD,wp.d,-MT,x
-trigraphs|-fsigned-char|-funsigned-char|-fshort-enums|-fwrapv|-ffast-math|-fno-builtin|-ffreestanding|-flto -frandom-seed=3
-fsanitize=undefined|-fopenmp|-L.|-lm|-static|--sysroot=/|-isysroot /|--param=ssp-buffer-size=4|-fmax-errors=1|-pg|-S|-fno-working-directory
"""
ODD_OPTIONS = """
-save-temps|-save-temps=obj|-save-temps=cwd|-fstack-usage|-fstack-usage -g|-gsplit-dwarf -g|-gsplit-dwarf -g -O2
--coverage|-ftest-coverage|-fprofile-arcs|-fprofile-generate|-fprofile-use|-frandom-seed=7 --coverage|-fprofile-use=none.gcda|-fauto-profile=none
-Werror|-Wall -Werror|-Wall -Werror=unused-function|-pedantic-errors|-Wfatal-errors|-Wno-such|-v -w|-D=|-DT=__TIME__|-include none.h
-fno-such-option|-fplugin=none.so|-specs=none|-B {R}/inc1|-dumpbase db|-dumpdir dd|-Zunknown|-m32|-Wa,-al=list.txt|-fsanitize=address|-undef|-nostdinc|-ansi
-fsyntax-only|-S -fsyntax-only|-P|-C|-CC|-dM|-dD|-x none|-MV|-MG|-M|-traditional-cpp|-finput-charset=latin1
-ferror-limit=1|-fworking-directory|-fpch-preprocess|-fno-integrated-as|-fuse-ld=bfd
"""
GCC_OPTIONS = """
-fno-diagnostics-show-caret|-fdiagnostics-plain-output|-fdiagnostics-format=json|-fdiagnostics-urls=always|-fdebug-types-section -g
-fvar-tracking-assignments -g|-ginline-points -g|-fprofile-update=atomic|-fanalyzer
"""
ODD_GCC_OPTIONS = """
-fdump-tree-original|-fcallgraph-info|-aux-info aux.txt|-fopt-info-vec|-fopt-info-all=opt.txt|-fsave-optimization-record|-fdump-rtl-expand=rtl
-fdirectives-only|-fpreprocessed|-fcompare-debug|-dA|-da|-Q|-fstats|-fdiagnostics-format=json-file|-fprofile-dir=pd --coverage
-fprofile-abs-path --coverage|-fprofile-note=notes.gcno --coverage|-fprofile-update=atomic --coverage
"""
CLANG_OPTIONS = """
-Qunused-arguments|-fcolor-diagnostics|-Weverything|-fdiagnostics-format=msvc|-fansi-escape-codes|-fno-caret-diagnostics|-fshow-source-location
-Xclang -dwarf-version=4 -g|-mllvm -inline-threshold=5|--target=x86_64-linux-gnu|-integrated-as|-gline-tables-only|-emit-llvm|-frecord-command-line
-fdebug-compilation-dir=. -g|-ffile-compilation-dir=x -g|-Rpass=inline -O2|-fdiagnostics-absolute-paths|-gembed-source -gdwarf-5|-fembed-bitcode
"""
ODD_CLANG_OPTIONS = """
-serialize-diagnostics dia|-MJ mj.json|-Xclang -fdebug-pass-manager|-target i386-linux-gnu|-fdiagnostics-show-template-tree|-fcrash-diagnostics-dir=cr
-fcoverage-mapping -fprofile-instr-generate|-fsanitize-ignorelist={R}/src/ignore.txt -fsanitize=address|-fsave-optimization-record|-ftime-trace -w
-fmodules|-fcxx-modules|-fmodule-file=none|-gmodules -g|-dependency-file dep2.d|-gcodeview
-foptimization-record-file=r.yaml|-fminimize-whitespace|-fuse-ctor-homing
"""
STANDARDS = {"c": "-std=gnu11|-std=c99|-std=gnu17|-std=gnu89|-std=gnu2x|-x c",
             "c++": "-std=c++11|-std=gnu++17|-std=c++20|-std=c++98|-fno-exceptions|-fno-rtti|-x c++|-Wnon-virtual-dtor"}
DEPFILES = """||||-MD|-MMD|-MD -MF d.d|-MMD -MF d.d|-MD -MF out/d2.d -MT tar|-MMD -MQ a$b -MP|-MD -MP|-MD -MT a -MT b -MF d.d
-MMD -MF {R}/src/out/d3.d -MP|-MF d.d -MD -MQ o.o|-MFd.d -MMD -MTx|-MD -MF dep_\u00fc.d|-Wp,-MMD,wp.d -MT z|-MD""".replace("\n", "|")
ODD_DEPFILES = "-MMD -MF /dev/null|-MD -MF -|-MP|-MF d.d|-MD -MMD|-MMD -MD -MF d.d|-MD -MF missing/d.d|-MMD -MG"
OUTPUTS = "||-o out/x.o|-o out/x.o|-o out/y.o|-o z.o|-oout/w.o|-o {R}/src/out/x.o|-o ../other/q.o|-o noext|-o out/\u00fc$.o"
ODD_OUTPUTS = "-o missing/x.o|-o /dev/null|-o out|-o -|-o a.o -o b.o|-o out/l.o|-o out/ro.o|-o"
ODD_MODES = "-S|-E|-M|-MM|-fsyntax-only|-c -E|-c -S|-shared -fPIC|-r -nostdlib|"
VARIABLES = """CPATH={R}/inc2|CPATH={R}/sys:|C_INCLUDE_PATH={R}/after|CPLUS_INCLUDE_PATH={R}/after|SOURCE_DATE_EPOCH=1|SOURCE_DATE_EPOCH=86400|LC_ALL=C.UTF-8
LANG=C.UTF-8|LC_ALL=|LANGUAGE=de|GCC_COLORS=|GCC_COLORS=error=01;35|COLUMNS=40|NO_COLOR=1|TERM=dumb|UNRELATED=1|UNRELATED=2|MAKEFLAGS=-j2|PWD=/nowhere
CLICOLOR_FORCE=1|GCC_URLS=no|POSIXLY_CORRECT=1|OBJC_INCLUDE_PATH={R}/after|DISTCC_HOSTS=x|CCACHE_DIR=x""".replace("\n", "|")
ODD_VARIABLES = """DEPENDENCIES_OUTPUT={R}/src/dep.out|DEPENDENCIES_OUTPUT={R}/src/dep.out\u00a0tgt|SUNPRO_DEPENDENCIES={R}/src/sun.out\u00a0tgt|COMPILER_PATH={R}/inc1
CCC_OVERRIDE_OPTIONS=+-DD1|TMPDIR={R}/none|LIBRARY_PATH={R}/inc1|CC_PRINT_OPTIONS=1|CC_LOG_DIAGNOSTICS=1|SOURCE_DATE_EPOCH=never""".replace("\n", "|")


def pick(rng, table):
    return [a.replace("\u00a0", " ").replace("\\ ", " ") for a in rng.choice(table.split("|")).split(" ") if a]


class Generator:
    """Steps from a seed. A step: {"ops": […], "compile": {…}, …}; nothing in it depends on what compiles gave."""

    def __init__(self, seed, language, clang):
        self.rng = random.Random(seed)
        self.language, self.clang = language, clang
        self.files, self.place, self.past = {}, {}, {}
        self.history, self.undo, self.was_odd = [], [], False
        self.precompiled = []  # compiles that make one
        self.env, self.csmith = {}, None
        self.usual = (BOTH_OPTIONS + (CLANG_OPTIONS if clang else GCC_OPTIONS)).split("\n")
        self.usual = [line for line in self.usual if line] + [STANDARDS[language]] * 2
        self.odd = [line for line in (ODD_OPTIONS + (ODD_CLANG_OPTIONS if clang else ODD_GCC_OPTIONS)).split("\n") if line]

    # ---- the tree -------------------------------------------------------------------

    def unit_table(self):
        return lines_of(COMMON + (ONLY_CXX if self.language == "c++" else ONLY_C).lstrip("\n"))

    def first_tree(self):
        """Operations that make the first tree, and its sources."""
        rng, suffix = self.rng, SUFFIX[self.language]
        ops = [("mkdir", d) for d in DIRS + ("other/out", "src/out")]
        ops += [("symlink", "lnk", "src"), ("symlink", "cur", "inc1")]
        for i in range(HEADERS):
            guard = rng.choice(["", "#pragma once\n", f"#ifndef G{i}\n#define G{i}\n"])
            name = f"{rng.choice(DIRS[:3])}/h{i}.h"
            self.files[name] = File(rng, lines_of(HEADER), i, guard)
        self.files["src/sub/deep.h"] = File(rng, lines_of(HEADER), HEADERS - 1, "#ifndef DEEP\n#define DEEP 4\n")
        self.sources = []
        for i, name in enumerate(["u0", "u1", "u2", "sub/u3", "odd \u00fc$#x"]):
            self.files[f"src/{name}{suffix}"] = File(rng, self.unit_table())
            self.sources.append(name + suffix)
        ops += [self.write(n) for n in self.files]
        for name, text in {
            "src/a.s": ".text\n.globl here\nhere:\n ret\n", "src/pre.i": '# 1 "pre.c"\nint pre(void) { return 1; }\n',
            "src/b.S": '#include "h5.h"\n.long K5\n#ifdef D0\n.incbin "blob.bin"\n#endif\n', "src/blob.bin": "bytes", "src/empty" + suffix: "",
            "src/ignore.txt": "fun:main\n", "src/csmith.h": CSMITH_H, "r0.rsp": "-DD0", "r1.rsp": "-O1 '-DQ=\"a b\"'\n", "after/maybe2.h": "\n",
            "src/long" + suffix: self.program(),
        }.items():
            ops.append(("write", name, text, "new"))
        self.sources += ["a.s", "pre.i", "b.S", "empty" + suffix, "long" + suffix]
        return ops

    def program(self):
        """A program of csmith, or a plain one where it is not installed."""
        seed = str(self.rng.randrange(1, 1 << 30))
        command = ["csmith", "--seed", seed, "--no-safe-math", "--no-checksum", "--no-argc", "--max-funcs", "3", "--max-block-size",
                   "2", "--max-block-depth", "2", "--max-expr-complexity", "4"]
        try:
            with tempfile.TemporaryDirectory() as cwd:  # it leaves a file where it runs
                text = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=20, check=True).stdout
            self.csmith = (self.csmith or 0) + 1
            return text
        except (OSError, subprocess.SubprocessError):
            return f"int plain = {seed};\n"

    def write(self, name, times="new"):
        text = self.files[name].text()
        past = self.past.setdefault(name, [])
        if text not in past:
            past.append(text)
        return ("write", name, text, times)

    # ---- edits ----------------------------------------------------------------------

    def headers(self):
        return [n for n in self.files if n.endswith(".h")]

    def target(self):
        """A file and a header to edit: mostly such as a recent compile reads."""
        rng = self.rng
        names, headers = list(self.files), self.headers()
        if self.history and rng.random() < 0.75:
            source = "src/" + rng.choice(self.history[-4:])["source"]
            seen, todo = [], [source] if source in self.files else []
            while todo:
                seen.append(todo.pop())
                numbers = re.findall(r"\bh(\d)\.h", self.files[seen[-1]].text())
                todo += [h for h in headers if h[-3] in numbers and h not in seen + todo]
            names, headers = seen or names, seen[1:] or headers
        return rng.choice(names), rng.choice(headers)

    def edit(self):
        rng = self.rng
        name, header = self.target()
        weights = {
            "none": 18, "tweak": 14, "unseen": 5, "revert": 12, "swap_in": 5, "touch": 6, "shadow": 6, "vanish": 9, "move": 4, "symlinked": 3,
            "directories": 3, "retarget": 3, "response": 5, "outputs": 10, "odd_output": 4, "variable": 8, "exchange": 3, "maybe": 4, "program": 1,
            "blob": 2, "future": 1, "two_edits": 3, "rebuild": 4, "precompiled": 4,
        }
        kind = rng.choices(list(weights), list(weights.values()))[0]
        ops = getattr(self, "edit_" + kind)(name, header)
        # States in which little compiles do not stay.
        undone = {
            "odd_output": [("remove", d) for d in ("src/out", "src/d.d", "src/d-hard.d")] + [("mkdir", "src/out")],
            "move": [("remove", op[2]) for op in ops[:1]] + [self.write(header, "first")] if kind == "move" else [],
            "retarget": [("symlink", "cur", "inc1")],
        }.get(kind)
        if undone:
            self.undo.append((rng.randrange(4), undone))
        return kind, ops

    def edit_none(self, name, header):
        return []

    def edit_tweak(self, name, header):
        self.files[name].tweak(self.rng)
        return [self.write(name)]

    def edit_two_edits(self, name, header):
        return self.edit_tweak(name, header) + self.edit_tweak(header, name)

    def edit_unseen(self, name, header):
        self.files[name].tweak(self.rng)
        return [self.write(name, "keep")]

    def edit_revert(self, name, header):
        text = self.rng.choice(self.past[name][-3:])
        return [("write", name, text, self.rng.choice(["first", "first", "new"]))]

    def edit_swap_in(self, name, header):
        self.files[name].tweak(self.rng)
        _, _, text, _ = self.write(name)
        return [("write", name + ".new", text, "first"), ("rename", name + ".new", name)]

    def edit_touch(self, name, header):
        return [("touch", name, None)]

    def edit_future(self, name, header):
        return [("touch", name, self.rng.choice([1, 1000000000, 4000000000]))]

    def edit_shadow(self, name, header):
        base = header.rsplit("/", 1)[1]
        where = self.rng.choice(DIRS) + "/" + base
        text = self.rng.choice(self.past[header])
        if self.rng.random() < 0.5:
            text = f"#ifndef K{base[1]}\n#define K{base[1]} 7{self.rng.randrange(3)}\n#endif\n"
        return [("write", where, text, self.rng.choice(["new", "first"]))]

    def edit_vanish(self, name, header):
        base = header.rsplit("/", 1)[1]
        return [("remove", f"{d}/{base}") for d in DIRS if f"{d}/{base}" not in self.files] + [self.write(header, "first")]

    def edit_move(self, name, header):
        base = header.rsplit("/", 1)[1]
        return [("rename", header, f"{self.rng.choice(DIRS[:5])}/{base}")]

    def edit_symlinked(self, name, header):
        base = header.rsplit("/", 1)[1]
        return [("rename", header, "other/" + base), ("symlink", header, "{up}other/".format(up="../" * header.count("/")) + base)]

    def edit_directories(self, name, header):
        a, b = self.rng.sample(["inc1", "inc2", "sys", "quote", "after"], 2)
        return [("rename", a, "swapped"), ("rename", b, a), ("rename", "swapped", b)]

    def edit_exchange(self, name, header):
        # Only with a file of the same name: headers that include each other in a circle take a compiler for ever.
        other = self.rng.choice(DIRS[:5]) + "/" + header.rsplit("/", 1)[1]
        return [("rename", header, "swapped"), ("rename", other, header), ("rename", "swapped", other)]

    def edit_retarget(self, name, header):
        return [("symlink", "cur", self.rng.choice(["inc1", "inc1", "inc2", "sys", "none"]))]

    def edit_response(self, name, header):
        words = self.option()
        text = self.rng.choice(["{}\n", "{} -DD1", "@{{R}}/r1.rsp {}", "'{}'"]).format(" ".join(words).replace('"', '\\"'))
        return [("write", self.rng.choice(["r0.rsp", "r1.rsp"]), text if "r1" not in text or self.rng.random() < 0.9 else "", "new")]

    def edit_outputs(self, name, header):
        gone = self.rng.choice(["src/out/x.o", "src/d.d", "src/u0.o", "src/u0.d", "src/wp.d"] + ["src/out"] * 5)
        return [("remove", gone)] + ([("mkdir", gone)] if gone == "src/out" else [])

    def edit_odd_output(self, name, header):
        return self.rng.choice([
            [("chmod", "src/out/x.o", 0o444)], [("link", "src/out/x.o", f"src/out/hard{self.rng.randrange(3)}.o")],
            [("symlink", "src/out/l.o", "x.o")], [("symlink", "src/out/l.o", "dangling.o")], [("symlink", "src/out/x.o", "/dev/null")],
            [("remove", "src/out/x.o"), ("mkdir", "src/out/x.o")], [("write", "src/out/ro.o", "old", "new"), ("chmod", "src/out/ro.o", 0o400)],
            [("chmod", "src/out", 0o555)], [("chmod", "src/d.d", 0o600)], [("symlink", "src/d.d", "out/d2.d")], [("link", "src/d.d", "src/d-hard.d")],
        ])

    def edit_variable(self, name, header):
        self.env = {}
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            variable, value = " ".join(self.rarely(ODD_VARIABLES, VARIABLES, 0.1)).split("=", 1)
            self.env[variable] = value
        return []

    def edit_maybe(self, name, header):
        where = f"{self.rng.choice(DIRS)}/maybe{self.rng.randrange(3)}.h"
        if self.rng.random() < 0.5:
            return [("remove", where)]
        return [("write", where, f"#define MAYBE {self.rng.randrange(3)}\n", "new")]

    def edit_rebuild(self, name, header):
        ops = [op for d in DIRS[:5] + ("src/out",) for op in (("remove", d), ("mkdir", d))]
        return ops + [("remove", "cur"), ("symlink", "cur", "inc1")] + [self.write(n, "first") for n in self.files]

    def edit_program(self, name, header):
        return [("write", "src/long" + SUFFIX[self.language], self.program(), "new")]

    def edit_blob(self, name, header):
        return [("write", "src/blob.bin", self.rng.choice(["bytes", "other"]), self.rng.choice(["new", "first"]))]

    def edit_precompiled(self, name, header):
        if not self.precompiled:
            return []
        made = self.rng.choice(self.precompiled)["makes"]
        other = self.rng.choice(DIRS[:3]) + "/" + made.rsplit("/", 1)[1]
        return [self.rng.choice([("remove", made), ("remove", made), ("touch", made, None), ("rename", made, other)])]

    # ---- compiles -------------------------------------------------------------------

    def make_precompiled(self):
        """A compile that makes one of a header; few options, since its users need the same."""
        rng, header = self.rng, self.target()[1]
        made = header + (rng.choice([".pch", ".pch", ".gch"]) if self.clang else ".gch")
        args = ["-I../inc1", "-I../inc2", "-isystem", "../sys"] + pick(rng, "|-g|-O2|-O2 -g|-Wall|-DD1")
        args += pick(rng, "-Xclang -fno-pch-timestamp||") if self.clang else []
        args += pick(rng, "||-MD|-MMD -MF d.d") + ["-x", "c-header" if self.language == "c" else "c++-header"]
        new = {"args": args + ["../" + header, "-o", "../" + made], "source": self.sources[0], "cwd": "src", "umask": 0o022, "joined": False,
               "makes": made, "varies": [] if self.clang else [made]}
        self.precompiled = self.precompiled[-3:] + [new]
        return new

    def use_precompiled(self):
        rng, made = self.rng, self.rng.choice(self.precompiled)
        args = [a for a in made["args"][:made["args"].index("-x")] if not a.startswith("-M") and a != "d.d"]
        name = "../" + made["makes"]
        if self.clang and rng.random() < 0.5:
            args += rng.choice([["-include-pch", name], ["-Xclang", "-include-pch", "-Xclang", name]])
        else:
            args += ["-include", name[:-4]]
        source = rng.choice(self.sources[:5])
        return {"args": args + pick(rng, DEPFILES) + ["-c", source], "source": source, "cwd": "src", "umask": 0o022, "joined": False}

    def search_path(self):
        rng = self.rng
        form = rng.choice(["../{}", "../{}", "{{R}}/{}", "./../{}"])
        at = form.format
        parts = [["-I" + at("inc1")], ["-I", at("inc2")], ["-isystem", at("sys")], ["-iquote", at("quote")], ["-idirafter", at("after")]]
        if rng.random() < 0.3:
            rng.shuffle(parts)
        if rng.random() < 0.2:
            parts[rng.randrange(5)] = ["-I" + at("cur")]
        if rng.random() < 0.1:
            parts.append(rng.choice([["-I-"], ["-isystem", at("inc1")], ["-I" + at("sys")], ["-I."], ["-Inone"], ["-I" + at("inc1") + "/"]]))
        return [a for p in parts for a in p]

    def rarely(self, odd, usual, chance=0.04):
        is_odd = self.rng.random() < chance
        self.was_odd = self.was_odd or is_odd
        return pick(self.rng, odd if is_odd else usual)

    def option(self):
        return self.rarely(self.rng.choice(self.odd), self.rng.choice(self.usual), 0.08)

    def new_compile(self):
        rng = self.rng
        cwd = rng.choices(["src", "other", "lnk"], [8, 1, 1])[0]
        where = {"src": "", "lnk": "", "other": "../src/"}[cwd]
        if rng.random() < 0.1:
            where = "{R}/src/"
        source = rng.choice(self.sources[:5] if rng.random() < 0.85 else self.sources)
        sources = [where + source]
        if rng.random() < 0.04:
            sources.append(where + rng.choice(self.sources))
        groups = [self.rarely(ODD_MODES, "-c", 0.1), self.rarely(ODD_DEPFILES, DEPFILES), self.rarely(ODD_OUTPUTS, OUTPUTS)]
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
            groups.append(self.option())
        if rng.random() < 0.08:
            groups.append([rng.choice(["@../r0.rsp", "@{R}/r1.rsp"])])
        rng.shuffle(groups)
        args = self.search_path() + [a for g in groups for a in g]
        at = rng.choice([0, len(args)])
        if rng.random() < 0.02:
            sources, args = ["../inc1/h1.h"], [a for a in args if a not in ("-c", "-S")]
        return {"args": args[:at] + sources + args[at:], "source": source, "cwd": cwd, "umask": rng.choices([0o022, 0o077, 0o002], [8, 1, 1])[0], "joined": rng.random() < 0.1}

    def mutated(self, old):
        """The same compile but for one thing."""
        rng, new = self.rng, dict(old, args=list(old["args"]))
        kind = rng.randrange(4)
        if kind == 0:
            new["args"] += self.option()
        elif kind == 1:
            new["args"] += pick(rng, DEPFILES)
        elif kind == 2:
            new["cwd"] = {"src": "lnk", "lnk": "src", "other": "other"}[old["cwd"]]
        else:
            new["umask"] = rng.choice([0o022, 0o077])
        return new

    def next_compile(self):
        rng, recent, self.was_odd = self.rng, self.history[-5:], False
        roll = rng.random()
        if roll < 0.03 or (self.precompiled and roll < 0.06):
            new = self.make_precompiled() if roll < 0.015 or not self.precompiled else rng.choice(self.precompiled)
        elif self.precompiled and roll < 0.10:
            new = self.use_precompiled()
        elif recent and roll < 0.62:
            new = rng.choice(recent)
        elif recent and roll < 0.72:
            new = self.mutated(rng.choice(recent))
        else:
            new = self.new_compile()
        # What is refused or fails is seldom worth another look.
        if "makes" not in new and new not in recent and not (self.was_odd and rng.random() < 0.8):
            self.history.append(new)
        compile_ = dict(new, env=dict(self.env))
        if rng.random() < 0.3:
            self.env = {}
        return compile_

    def step(self):
        rng = self.rng
        kind, ops = self.edit()
        ops = [op for later, undone in self.undo if later == 0 for op in undone] + ops
        self.undo = [(later - 1, undone) for later, undone in self.undo if later > 0]
        step = {"edit": kind, "ops": ops, "compile": self.next_compile(), "settle": rng.random() < 0.9, "times": rng.choice([1, 2, 2]),
                "keep": rng.random() < 0.6, "race": None}
        step["keep"] = step["keep"] or "makes" in step["compile"]
        if rng.random() < 0.03:
            header = rng.choice(self.headers())
            self.files[header].tweak(rng)
            race = [self.write(header, rng.choice(["new", "keep"]))]
            if rng.random() < 0.5:
                race.append(("write", header, self.past[header][-2] if len(self.past[header]) > 1 else "", "first"))
            step["race"] = (rng.choice([0.002, 0.005, 0.01, 0.02]), race)
        return step
