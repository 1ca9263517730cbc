"""What the tests of faults, crashes, corruption and load share: a tree of small
units with what the bare compiler makes of each, a store, and ways to run soldr.

Environment: SOLDR_BIN, and SOLDR_TEST_FAULT for the directory with soldr-faulty,
soldr-other and killat (both set by make).
"""
import ctypes
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOLDR = os.path.realpath(os.environ.get("SOLDR_BIN", ROOT + "/build/bin/soldr"))
PROGRAMS = os.environ.get("SOLDR_TEST_FAULT", ROOT + "/build/tests/fault")
FAULTY, OTHER, KILLAT = (PROGRAMS + "/" + n for n in ("soldr-faulty", "soldr-other", "killat"))
SANITIZERS = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
HANG_SECONDS = 60
TEMP_PREFIX = ".soldr-tmp."

# Offsets in a file of counters (docs/formats.md).
COUNTERS = {"compilations": 64, "errors": 72, "hit": 96, "miss": 104, "bypass": 112, "passthrough": 120, "error_hit": 128,
            "fallback": 136}
COUNTERS_SIZE, REASONS_AT = 3800, 216


def reason_names():
    """In the order of their numbers, from the header that fixes it."""
    with open(ROOT + "/core/include/soldr/reason.h") as f:
        lines = [l.split('"')[1] for l in f if l.strip().startswith("X(")]
    return lines


REASONS = reason_names()


class Unit:
    """A compile: its words, the files that it writes, and what the bare compiler gives."""

    def __init__(self, name, words, outputs, varies=False):
        self.name, self.words, self.outputs = name, words, outputs
        self.varies = varies # the compiler itself does not write the same bytes twice
        self.want = None


UNITS = {
    # A warning to replay, a header of the user's, debug information, a full depfile.
    "warns": Unit("warns", "gcc -g -O1 -Wall -Iinc1 -Iinc2 -MD -MF warns.d -c warns.c -o warns.o".split(), ["warns.o", "warns.d"]),
    # -MMD: the depfile is filtered after the compile.
    "mmd": Unit("mmd", "gcc -Iinc2 -MMD -c mmd.c -o mmd.o".split(), ["mmd.o", "mmd.d"]),
    "plain": Unit("plain", "gcc -Iinc2 -c plain.c -o plain.o".split(), ["plain.o"]),
    "assembled": Unit("assembled", "gcc -c assembled.S -o assembled.o".split(), ["assembled.o"]),
    "fails": Unit("fails", "gcc -c fails.c -o fails.o".split(), []),
    "pch": Unit("pch", "gcc -x c-header pch.h -o pch.h.gch".split(), ["pch.h.gch"], varies=True),
    "uses": Unit("uses", "gcc -include pch.h -c uses.c -o uses.o".split(), ["uses.o"]),
    "cxx": Unit("cxx", "g++ -O1 -Iinc2 -MD -c cxx.cc -o cxx.o".split(), ["cxx.o", "cxx.d"]),
    "clang": Unit("clang", "clang -Iinc2 -MMD -c mmd.c -o clang.o".split(), ["clang.o", "clang.d"]),
}
FILES = {
    "inc2/value.h": "#define VALUE 41\n",
    "inc2/level.h": "#define LEVEL 1\n",
    "inc2/other.h": "#include <stddef.h>\nstatic inline size_t other(size_t n) { return n * VALUE; }\n",
    "warns.c": '#include "value.h"\n#include "other.h"\n#include "level.h"\nint f(int a) { int unused; return a + VALUE + LEVEL; }\n',
    "mmd.c": '#include "value.h"\n#include "other.h"\nsize_t g(size_t n) { return other(n); }\n',
    "plain.c": '#include "value.h"\nint h = VALUE;\n' + "".join(f"int t{n}[{n + 1}] = {{{n}}};\n" for n in range(150)),
    "assembled.S": "\t.globl s\ns:\t.long 7\n",
    "fails.c": "int broken(void) { return missing; }\n",
    "pch.h": "#include <stddef.h>\nstatic inline int from_pch(int a) { return a + 1; }\n",
    "uses.c": "int k(int a) { return from_pch(a); }\n",
    "cxx.cc": '#include "value.h"\ntemplate <class T> T twice(T a) { return a * VALUE; }\nint i(int a) { return twice(a); }\n',
}


class Failure(Exception):
    """A promise that was not kept; says which, and where."""


def counters(root, backend="embedded"):
    """What is counted, by name; nothing where there is no file."""
    try:
        with open(f"{root}/counters/{backend}", "rb") as f:
            data = f.read()
    except OSError:
        return {n: 0 for n in COUNTERS} | {"reasons": {}}
    if len(data) < COUNTERS_SIZE:
        return {n: 0 for n in COUNTERS} | {"reasons": {}}
    got = {n: struct.unpack_from("<Q", data, at)[0] for n, at in COUNTERS.items()}
    got["reasons"] = {n: v for i, n in enumerate(REASONS) if (v := struct.unpack_from("<Q", data, REASONS_AT + 8 * i)[0])}
    return got


def settle(directory):
    """Until file times have moved on: inputs as young as the compile are not stored."""
    def stamp(name):
        path = f"{directory}/{name}"
        with open(path, "w"):
            pass
        now = os.stat(path).st_mtime_ns
        os.unlink(path)
        return now
    first = stamp(".tick")
    while stamp(".tock") <= first:
        pass


class Scene:
    def __init__(self, units, directory=None):
        self.root = directory or os.path.realpath(tempfile.mkdtemp(prefix="soldr-fault."))
        self.tree, self.store, self.home = (f"{self.root}/{n}" for n in ("tree", "store", "home"))
        for d in (self.tree + "/inc1", self.tree + "/inc2", self.home, self.root + "/log"):
            os.makedirs(d, exist_ok=True)
        for name, text in FILES.items():
            self.put(name, text)
        path = ":".join(dict.fromkeys([os.path.dirname(shutil.which(w) or "/usr/bin/") for w in ("gcc", "g++", "clang")] +
                                      ["/usr/bin", "/bin"]))
        self.env = {"PATH": path, "HOME": self.home, "XDG_CONFIG_HOME": self.root + "/config", "LC_ALL": "C",
                    "SOLDR_CACHE_DIR": self.store}
        self.env.update({n: os.environ[n] for n in SANITIZERS if n in os.environ})
        settle(self.root)
        self.units = [Unit(u, UNITS[u].words, UNITS[u].outputs, UNITS[u].varies) for u in units if shutil.which(UNITS[u].words[0])]
        self.learn()

    def release(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def put(self, name, text):
        with open(f"{self.tree}/{name}", "w") as f:
            f.write(text)

    def learn(self):
        """What the bare compiler makes of every unit as the tree is now."""
        for u in self.units:
            self.clean(u)
            u.want = self.result(u, self.run([], u))

    def clean(self, unit):
        for o in unit.outputs:
            path = f"{self.tree}/{o}"
            if os.path.lexists(path):
                os.unlink(path)

    def run(self, front, unit, env=None):
        try:
            return subprocess.run(list(front) + unit.words, cwd=self.tree, env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{unit.name}: hangs")

    def result(self, unit, done):
        got = {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        for o in unit.outputs:
            try:
                with open(f"{self.tree}/{o}", "rb") as f:
                    got[o] = f.read()
            except FileNotFoundError:
                got[o] = None
        return got

    def expect(self, unit, got, what):
        for part, want in unit.want.items():
            if got[part] != want and not (unit.varies and part in unit.outputs and got[part]):
                raise Failure(f"{what}: {unit.name}: {part} is {str(got[part])[:200]}, not {str(want)[:200]}")

    def compile(self, unit, what, soldr=SOLDR, env=None):
        """Compiles, and all has to be as by the bare compiler."""
        self.clean(unit)
        self.expect(unit, self.result(unit, self.run([soldr], unit, env)), what)

    def verb(self, *words, soldr=SOLDR, env=None):
        try:
            return subprocess.run([soldr, *words], cwd=self.root, env={**self.env, **(env or {})}, capture_output=True, text=True,
                                  timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"soldr {' '.join(words)}: hangs")

    def verify(self, what, repair=False, allowed=None):
        """Every file of the store is in order; allowed: this many may not be. Returns the report."""
        done = self.verb("cache", "verify", "--json", *(["--repair"] if repair else []))
        try:
            report = json.loads(done.stdout)
        except ValueError:
            raise Failure(f"{what}: cache verify: status {done.returncode}: {done.stdout}{done.stderr}")
        if allowed is not None and report["files_corrupt"] > allowed or done.returncode not in (0, 1):
            raise Failure(f"{what}: cache verify: {done.stdout}")
        return report

    def store_files(self):
        """Paths of all files below the store, relative to it, without temporary ones."""
        found = []
        for at, _, names in os.walk(self.store):
            found += [os.path.relpath(f"{at}/{n}", self.store) for n in names if not n.startswith(TEMP_PREFIX)]
        return sorted(found)

    def litter(self, directory=None):
        return [f"{at}/{n}" for at, _, names in os.walk(directory or self.tree) for n in names if n.startswith(TEMP_PREFIX)]

    def restore(self, saved):
        """The store as it was saved; None: no store."""
        shutil.rmtree(self.store, ignore_errors=True)
        if saved:
            shutil.copytree(saved, self.store, symlinks=True)

    def save(self, name):
        shutil.rmtree(f"{self.root}/{name}", ignore_errors=True)
        shutil.copytree(self.store, f"{self.root}/{name}", symlinks=True)
        return f"{self.root}/{name}"


def adopt():
    """Processes whose parent was killed become ours, so that reap() can wait for them."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


class Tally:
    """Counts cases, prints failures as they come and a line at the end."""

    def __init__(self, what):
        self.what, self.cases, self.failed, self.extra, self.begun = what, 0, 0, {}, time.monotonic()

    def case(self, run, *args):
        self.cases += 1
        try:
            run(*args)
        except Failure as e:
            self.failed += 1
            if self.failed <= 40:
                print(f"{self.what}: {e}", flush=True)

    def count(self, name, by=1):
        self.extra[name] = self.extra.get(name, 0) + by

    def end(self):
        more = "".join(f", {v} {n}" for n, v in sorted(self.extra.items()))
        print(f"{self.what}: {self.cases} cases, {self.failed} failed{more}; {time.monotonic() - self.begun:.0f} s", flush=True)
        return 1 if self.failed else 0
