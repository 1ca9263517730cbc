#!/usr/bin/env python3
"""What one compile costs through soldr, beside the floor, the compiler and other caches.

usage: bench.py [--runs N] [--scenarios small,cxx,…] [--peers NAME=PATH,…] [--out DIR] [--counts-only]

For each scenario: an empty static and an empty dynamic process (the floor), the bare
compiler, soldr with the null backend, soldr's hit (of the small unit in each audit mode) and miss, a hit by a call into
libsoldr, one by a client of the build daemon docs/examples/buildd.c, and hit and miss of each peer (ccache and sccache where they are on PATH; --peers
adds others that are used the way ccache is: NAME COMPILER ARGS…). All of them run in turns
(pacer.c), so that each round has every one under the same load. Ratios are taken round
by round: their median is what the table says. Instructions and system calls of a hit
come from callgrind and strace, once; they do not depend on the load.

Before it is timed, a hit must have written the object of the bare compiler, and a
counter must say that it was a hit: otherwise the scenario is an error, not a number.

The table goes to stdout, and with --out to bench.md and bench.json. SOLDR_BIN names the
soldr to measure. Exit status: 0, 1 something was not right, 2 usage.
"""
import argparse
import contextlib
import json
import os
import random
import re
import shutil
import statistics
import string
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CORE = os.path.dirname(os.path.dirname(HERE)) + "/core"
HEADERS = 2000
MISS_RUNS = 5  # one of these rounds for each MISS_SHARE of the fast ones: a compile is slow
MISS_SHARE = 10
SCCACHE_PORT = "4388"


def fail(text):
    sys.exit("bench.py: " + text)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def small(tree):
    write(tree + "/x.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n")
    return ["gcc", "-O2", "-c", "x.c", "-o", "x{}.o"]


def cxx(tree):
    write(tree + "/x.cc", "#include <iostream>\n#include <vector>\n#include <map>\n#include <regex>\n#include <algorithm>\n"
          "int main() { std::map<int, std::vector<int>> m; m[1].push_back(2); std::cout << std::regex_match(\"a\", std::regex(\"a\")); }\n")
    return ["g++", "-O2", "-c", "x.cc", "-o", "x{}.o"]


def big_object(tree):
    noise = random.Random(1)  # text, which gcc takes in quickly, and not much to pack
    parts = ["".join(noise.choices(string.ascii_letters + string.digits, k=65536)) for _ in range(80)]
    write(tree + "/x.c", "".join(f'const char part{i}[] = "{part}";\n' for i, part in enumerate(parts)))
    return ["gcc", "-c", "x.c", "-o", "x{}.o"]


def many_headers(tree):
    for i in range(HEADERS):
        write(f"{tree}/inc/h{i}.h", f"#ifndef H{i}\n#define H{i}\nint f{i}(int);\n#endif\n")
    write(tree + "/x.c", "".join(f"#include \"h{i}.h\"\n" for i in range(HEADERS)))
    return ["gcc", "-Iinc", "-c", "x.c", "-o", "x{}.o"]


def rustc(kind, *emit):
    def make(tree):
        write(tree + "/x.rs", "#[derive(Debug, Clone)] pub struct P { pub x: i32 }\npub fn sum(v: &[P]) -> i32 { v.iter().map(|p| p.x).sum() }\n"
              "fn main() { println!(\"{}\", sum(&[P { x: 1 }])); }\n")
        return ["rustc", "--crate-name", "x", "--edition=2021", "x.rs", "--crate-type", kind, *emit, "-C", "metadata=a", "--out-dir", "out{}"]
    return make


def refused(tree):
    write(tree + "/x.c", "int x;\n")
    return ["gcc", "-E", "x.c"]


def version(tree):
    write(tree + "/x.c", "")
    return ["rustc", "-vV"]


# name -> (how to make it, what is in it, the output to compare or None)
SCENARIOS = {
    "small": (small, "small C, `<stdio.h>`", "x0.o"),
    "cxx": (cxx, "C++, 5 headers of the library, 242 in all", "x0.o"),
    "object": (big_object, "C, an object of 5 MB", "x0.o"),
    "headers": (many_headers, f"C, {HEADERS} headers", "x0.o"),
    "rustlib": (rustc("lib", "--emit=dep-info,metadata,link"), "rustc, lib", "out0/libx.rlib"),
    "rustbin": (rustc("bin", "--emit=dep-info,link"), "rustc, bin", "out0/x"),
    "rustcheck": (rustc("lib", "--emit=dep-info,metadata"), "rustc, check", "out0/libx.rmeta"),
    "refused": (refused, "`gcc -E`: not cached", None),
    "version": (version, "`rustc -vV`: not cached", None),
}


class Command:
    def __init__(self, name, argv, cwd, env):
        self.name, self.argv, self.cwd, self.env = name, argv, cwd, env

    def text(self):
        lines = [f"name {self.name}", f"cwd {self.cwd}"]
        lines += [f"env {n}={v}" for n, v in self.env.items()] + [f"arg {a}" for a in self.argv]
        return "\n".join(lines) + "\nend\n"

    def once(self, **options):
        argv = [a.replace("{}", "0") for a in self.argv]
        return subprocess.run(argv, cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)


class Bench:
    def __init__(self, options, root):
        self.options, self.root = options, root
        soldr = os.environ.get("SOLDR_BIN") or shutil.which("soldr") or fail("SOLDR_BIN names no soldr")
        self.soldr = os.path.realpath(soldr)
        self.env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", root), "LC_ALL": "C",
                    "XDG_CONFIG_HOME": root + "/config", "XDG_CACHE_HOME": root + "/xdg"}
        for name in ("RUSTUP_HOME", "CARGO_HOME"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.peers = {n: shutil.which(n) for n in ("ccache", "sccache") if shutil.which(n)}
        self.peers.update(p.split("=", 1) for p in options.peers.split(",") if p)
        self.results, self.broken = {}, []
        self.build_tools()

    def compile_c(self, name, source, *args):
        done = subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", f"{self.root}/bin/{name}", source, *args], capture_output=True, text=True)
        if done.returncode:
            fail(f"cannot build {name}: {done.stderr}")
        return f"{self.root}/bin/{name}"

    def build_tools(self):
        os.makedirs(self.root + "/bin")
        write(self.root + "/floor.c", "int main(void) { return 0; }\n")
        self.static = self.compile_c("floor-static", self.root + "/floor.c", "-static")
        self.dynamic = self.compile_c("floor-dynamic", self.root + "/floor.c")
        self.pacer = self.compile_c("pacer", HERE + "/pacer.c", "-std=c11")
        library = os.path.join(os.path.dirname(os.path.dirname(self.soldr)), "lib")
        self.libcall = None
        if os.path.exists(library + "/libsoldr.so"):
            self.libcall = self.compile_c("libcall", HERE + "/libcall.c", "-std=c11", f"-I{CORE}/include", library + "/libsoldr.so")
            os.symlink(library + "/libsoldr.so", self.root + "/bin/libsoldr.so.1")
            buildd = os.path.dirname(CORE) + "/docs/examples/buildd.c"
            self.buildd = self.compile_c("buildd", buildd, "-std=c11", f"-I{CORE}/include", library + "/libsoldr.so", "-lpthread")
            self.library = {"LD_LIBRARY_PATH": self.root + "/bin"}

    def commands(self, name):
        """The commands of a scenario, fast ones and slow ones."""
        make, _, output = SCENARIOS[name]
        tree = f"{self.root}/{name}"
        os.makedirs(tree)
        words = make(tree)
        compiler = shutil.which(words[0])
        if not compiler:
            return None
        if words[0] == "rustc":  # rustup's own front would be part of every number
            found = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True).stdout.strip() + "/bin/rustc"
            compiler = found if os.path.exists(found) else compiler
            for i in range(8):
                os.makedirs(f"{tree}/out{i}", exist_ok=True)
        words = [compiler] + words[1:]
        soldr = dict(self.env, SOLDR_CACHE_DIR=f"{self.root}/cache-{name}")
        bare = Command("bare", words, tree, self.env)
        null = Command("soldr-null", [self.soldr] + words, tree, dict(soldr, SOLDR_BACKEND="null"))
        fast = [Command("floor-static", [self.static], tree, self.env), Command("floor-dynamic", [self.dynamic], tree, self.env),
                Command("soldr-hit" if output else "soldr", [self.soldr] + words, tree, soldr)]
        if name == "small":  # what it costs to write down what happened; the default is normal
            fast += [Command("soldr-hit-" + mode, [self.soldr] + words, tree, dict(soldr, SOLDR_AUDIT=mode))
                     for mode in ("off", "verbose", "forensic")]
        if self.libcall and output:
            fast.append(Command("buildd-hit", [self.buildd, "run", self.root + "/socket"] + words, tree, dict(soldr, **self.library)))
        # Where nothing is cached every way runs the compiler, and none is slower for it.
        slow = [bare, null, Command("soldr-miss", [self.soldr] + words, tree, dict(soldr, SOLDR_RECACHE="1"))] if output else []
        fast += [] if output else [bare, null]
        for peer, path in self.peers.items():
            if words[0].endswith("rustc") and peer != "sccache":
                continue
            env = dict(self.env, CCACHE_DIR=f"{self.root}/ccache-{name}", SCCACHE_DIR=f"{self.root}/sccache", SCCACHE_SERVER_PORT=SCCACHE_PORT)
            fast.append(Command(peer + ("-hit" if output else ""), [path] + words, tree, env))
            if output and peer != "sccache":  # sccache has a variable for it as well, read by its server alone
                slow.append(Command(peer + "-miss", [path] + words, tree, dict(env, CCACHE_RECACHE="1")))
        return tree, fast, slow, output

    def counters(self, command):
        """soldr's own count of hits, from the store that the command uses."""
        done = subprocess.run([self.soldr, "stats", "--json"], env=command.env, cwd=command.cwd, capture_output=True, text=True)
        return json.loads(done.stdout)["hits"] if done.returncode == 0 else -1

    def prepare(self, name, tree, fast, slow, output):
        """Fills every cache and checks the bytes of every hit."""
        if not output:
            return
        bare = next(c for c in slow if c.name == "bare")
        bare.once(check=True)
        with open(f"{tree}/{output}", "rb") as file:
            want = file.read()
        for command in fast:
            if command.name.startswith("floor"):
                continue
            for _ in range(3):  # peers may need a second compile to keep their index
                subprocess.run(["sleep", "0.02"], check=True)
                command.once(check=True)
            own_hit = command.name.startswith("soldr-hit")
            before = self.counters(command) if own_hit else 0
            os.unlink(f"{tree}/{output}")
            command.once(check=True)
            with open(f"{tree}/{output}", "rb") as file:
                if file.read() != want:
                    self.broken.append(f"{name}: {command.name}: {output} is not the bare compiler's")
            if own_hit and self.counters(command) != before + 1:
                self.broken.append(f"{name}: soldr did not hit")

    def pace(self, commands, rounds, jobs):
        """name -> list of (wall, cpu, peak), by round."""
        path = self.root + "/commands"
        write(path, "".join(c.text() for c in commands))
        done = subprocess.run([self.pacer, str(rounds), str(jobs), path], capture_output=True, text=True)
        if done.returncode:
            fail(done.stderr)
        found = {}
        for line in done.stdout.splitlines():
            name, *numbers = line.split()
            found.setdefault(name, []).append(tuple(int(n) for n in numbers))
        return found

    def counts(self, command):
        """System calls and instructions of one run; None where the tool is missing."""
        found = {}
        argv = [a.replace("{}", "0") for a in command.argv]
        options = {"cwd": command.cwd, "env": command.env, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        if shutil.which("strace"):
            log = self.root + "/strace"
            subprocess.run(["strace", "-f", "-o", log, *argv], **options)
            with open(log) as file:
                found["system_calls"] = sum(1 for line in file if re.search(r"^\d+ +\w+\(", line))
        if shutil.which("valgrind"):
            # valgrind sets LD_PRELOAD, which is part of a key: the first run stores, the second one hits.
            for _ in range(2):
                done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.root}/callgrind", *argv], **options)
            match = re.search(r"Collected : (\d+)", done.stderr)
            if match:
                found["instructions"] = int(match.group(1))
        return found

    def measure(self, name):
        made = self.commands(name)
        if made is None:
            print(f"# {name}: skipped: its compiler is not here", file=sys.stderr)
            return
        tree, fast, slow, output = made
        with self.daemon(next((c for c in fast if c.name == "buildd-hit"), None)):
            self.measure_made(name, tree, fast, slow, output)

    @contextlib.contextmanager
    def daemon(self, client):
        """The daemon that the client wants, if there is one."""
        if client is None:
            yield
            return
        done = subprocess.Popen([self.buildd, "serve", client.argv[2]], env=client.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        done.stdout.readline()
        try:
            yield
        finally:
            done.terminate()
            done.wait()

    def measure_made(self, name, tree, fast, slow, output):
        self.prepare(name, tree, fast, slow, output)
        result = {"what": SCENARIOS[name][1], "jobs": {}, "counts": {}}
        for command in fast:
            if command.name.startswith("soldr"):
                result["counts"][command.name] = self.counts(command)
        if not self.options.counts_only:
            runs = self.options.runs
            for jobs in (1, 4):
                self.pace(fast, 3, jobs)  # each copy writes files of its own, which a cache may not know yet
                times = self.pace(fast, runs if jobs == 1 else max(runs // 2, 1), jobs)
                if jobs == 1 and slow:
                    times.update(self.pace(slow, max(runs // MISS_SHARE, MISS_RUNS), 1))
                result["jobs"][jobs] = times
            if self.libcall and output:
                command = next(c for c in fast if c.name == "soldr-hit")
                argv = [self.libcall, str(runs)] + [a.replace("{}", "0") for a in command.argv[1:]]
                done = subprocess.run(argv, cwd=tree, env=dict(command.env, **self.library), capture_output=True, text=True)
                if done.returncode:
                    self.broken.append(f"{name}: {done.stderr.strip()}")
                result["jobs"][1]["libsoldr"] = [tuple(int(n) for n in line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("libsoldr")]
        self.results[name] = result
        print(f"# {name}: done", file=sys.stderr, flush=True)

    def table(self):
        lines = []
        for name, result in self.results.items():
            lines += [f"### {name}: {result['what']}", ""]
            for jobs, times in result["jobs"].items():
                lines += [f"{jobs} at once:", "", "| way | median ms | p90 | p99 | spread (p10 to p90) | processor ms | peak MB | over the floor | of soldr's hit |", "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
                for way, runs in times.items():
                    lines.append(row(way, runs, times))
                lines.append("")
            for way, counts in result["counts"].items():
                if counts:
                    lines += [f"{way}: " + ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in counts.items()), ""]
        return "\n".join(lines)


def ratio(runs, base):
    """The median of the ratios, round by round; of medians where the rounds are not the same ones."""
    if not base:
        return ""
    if len(runs) == len(base):
        return f"{statistics.median(a[0] / b[0] for a, b in zip(runs, base)):.2f}"
    return f"{statistics.median(a[0] for a in runs) / statistics.median(b[0] for b in base):.2f}"


def row(way, runs, times):
    wall = sorted(r[0] / 1e6 for r in runs)
    part = lambda share: wall[min(int(len(wall) * share), len(wall) - 1)]
    hit = times.get("soldr-hit") or times.get("soldr")
    return (f"| {way} | {statistics.median(wall):.3f} | {part(0.9):.3f} | {part(0.99):.3f} | {part(0.9) - part(0.1):.3f} | {statistics.median(r[1] for r in runs) / 1e6:.3f} | "
            f"{max(r[2] for r in runs) / 1024:.1f} | {ratio(runs, times.get('floor-static'))} | {ratio(runs, hit)} |")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--peers", default="")
    parser.add_argument("--out")
    parser.add_argument("--counts-only", action="store_true")
    options = parser.parse_args()
    unknown = [n for n in options.scenarios.split(",") if n not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario {unknown[0]}; there are: {', '.join(SCENARIOS)}")
    root = tempfile.mkdtemp(prefix="soldr-bench-")
    try:
        bench = Bench(options, root)
        for name in options.scenarios.split(","):
            bench.measure(name)
        text = bench.table() + "\n" + ("Gate: " + ("; ".join(bench.broken) or "passed")) + "\n"
        print(text)
        if options.out:
            os.makedirs(options.out, exist_ok=True)
            write(options.out + "/bench.md", text)
            write(options.out + "/bench.json", json.dumps({"schema_version": 1, "results": bench.results, "broken": bench.broken}))
        return 1 if bench.broken else 0
    finally:
        if "sccache" in (bench.peers if "bench" in locals() else {}):
            subprocess.run(["sccache", "--stop-server"], env=dict(os.environ, SCCACHE_SERVER_PORT=SCCACHE_PORT), capture_output=True)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
