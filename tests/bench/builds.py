#!/usr/bin/env python3
"""Whole projects built plain, through soldr and with other caches, side by side.

usage: builds.py [--projects lua,redis,fmt,cargo] [--ways plain,null,soldr,ccache,sccache,floor]
                 [--phases cold,warm,touched,noop,test] [--crate NAME@VERSION | --cargo DIR] [--rounds N]
                 [--touches N] [--noops N] [--test "ARGS"] [--ignore REGEX] [--out DIR]

Every way has a copy of the project and a cache of its own; the copies are moved to one
and the same path in turn, since paths reach what is built. In each round the ways
take turns with: a cold build (empty cache) and, after the project was cleaned, a warm
one. Then --touches builds after the time of one source was renewed, and --noops builds with
nothing to do. "floor" is the build with an empty static process in the place of every
compiler, linker and archiver: what no cache can save. --phases leaves out the others; "test"
(not among the defaults) is `cargo test` with the further arguments of --test, by plain and soldr
alone, with an empty cache and once more.

The gate: cold and warm outputs of every way must be those of the plain build, byte for
byte, soldr's warm build must have had hits, and the same tests must pass in each.
--ignore: files that a build script names at random (the default: autocfg's). Times are
wall time and, but for sccache's server, processor time of the build. Ratios are
those of the same round. The table goes to stdout, and with --out to builds.md and builds.json there.
Exit status: 0, 1 gate failed, 2 usage.

Debian's sources are fetched as the end-to-end tests do, crates by cargo itself; a project
that cannot be had is left out, and said. SOLDR_BIN names soldr. Nothing outside a
temporary directory is written, but for what cargo adds to its registry cache and
fetch-source.sh to the build tree.
"""
import argparse
import glob
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCCACHE_PORT = "4387"
TOOLS = ("gcc", "g++", "cc", "c++", "ar", "ranlib", "gcc-ar", "gcc-ranlib", "ld")
COMPILERS = ("gcc", "g++", "cc", "c++")


class Missing(Exception):
    """The project cannot be had on this machine."""


def fail(text):
    sys.exit("builds.py: " + text)


def run(command, cwd, env, **options):
    return subprocess.run(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Missing(f"no {tool}")


class Debian:
    """A project in C or C++ from a Debian source package."""

    ways = ("plain", "null", "soldr", "ccache", "sccache", "floor")

    def __init__(self, package, build, touch, *, configure=None, clean=None, build_dir=None):
        self.package, self.build, self.touch = package, build.split(), touch
        self.configure, self.clean_command, self.build_dir = configure and configure.split(), clean and clean.split(), build_dir

    def fetch(self, root, env):
        need("make", "gcc", "g++", self.build[0])
        done = subprocess.run([HERE + "/../e2e/fetch-source.sh", self.package], capture_output=True, text=True)
        if done.returncode:
            raise Missing(done.stderr.strip().splitlines()[-1])
        os.makedirs(root + "/source")
        subprocess.run(["tar", "-xf", done.stdout.strip(), "--strip-components=1", "-C", root + "/source"], check=True)
        return root + "/source"

    def is_output(self, path):
        return path.endswith((".o", ".a", ".so", ".d")) or os.access(path, os.X_OK)


class Cargo:
    """A project in Rust: a crate from the registry, or a directory."""

    ways = ("plain", "null", "soldr", "sccache")
    build = ["cargo", "build", "--locked", "--offline"]
    configure = clean_command = None
    build_dir = "target"
    touch = "src/lib.rs"
    notes = (".rustc_info.json", "CACHEDIR.TAG", "output", "stderr", "invoked.timestamp", ".cargo-lock", ".cargo-build-lock", ".cargo-artifact-lock")

    def __init__(self, crate=None, directory=None):
        self.crate, self.directory = crate, directory

    def fetch(self, root, env):
        need("cargo")
        source = self.directory or self.fetch_crate(root)
        done = run(["cargo", "fetch", "--locked"], source, env)
        if done.returncode:
            raise Missing(f"cannot fetch what the project depends on: {done.stdout.strip()[-300:]}")
        return source

    def fetch_crate(self, root):
        name, _, version = self.crate.partition("@")
        scratch = root + "/fetch"
        os.makedirs(scratch + "/src")
        open(scratch + "/src/lib.rs", "w").close()
        with open(scratch + "/Cargo.toml", "w") as manifest:
            manifest.write(f'[package]\nname = "fetch"\nversion = "0.1.0"\n[dependencies]\n{name} = "={version}"\n')
        done = run(["cargo", "fetch"], scratch, os.environ)
        home = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
        found = glob.glob(f"{home}/registry/src/*/{name}-{version}")
        if done.returncode or not found:
            raise Missing(f"cannot fetch {self.crate}: {done.stdout.strip().splitlines()[-1:] or 'not in the registry'}")
        shutil.copytree(found[0], root + "/source")
        return root + "/source"

    def is_output(self, path):
        """What the compilers made: not cargo's own notes, which hold times and the wrapper's name."""
        return os.path.basename(path) not in self.notes and "/.fingerprint/" not in path and "/incremental/" not in path


class Way:
    """One way to build a project: its environment, its command, its files."""

    def __init__(self, name, bench):
        self.name, self.bench = name, bench
        self.home = f"{bench.root}/{name}"
        os.makedirs(self.home)
        shutil.copytree(bench.source, self.home + "/project", symlinks=True)
        self.env = dict(bench.env)
        self.front, self.compilers = [], {}
        cargo = isinstance(bench.project, Cargo)
        if name in ("soldr", "null"):
            self.front = [bench.soldr]
            self.env["SOLDR_CACHE_DIR"] = self.home + "/cache"
            self.env["SOLDR_BACKEND"] = "embedded" if name == "soldr" else "null"
        elif name == "ccache":
            self.env["CCACHE_DIR"] = self.home + "/cache"
            self.shims(lambda tool: f'exec ccache {shutil.which(tool)} "$@"', COMPILERS)
        elif name == "sccache":
            self.env.update(SCCACHE_DIR=self.home + "/cache", SCCACHE_SERVER_PORT=SCCACHE_PORT)
            if cargo:
                self.env["RUSTC_WRAPPER"] = "sccache"
            else:
                self.shims(lambda tool: f'exec sccache {shutil.which(tool)} "$@"', COMPILERS)
        self.configure()

    def shims(self, text, tools):
        """Tools found first on PATH. ccache would do with links; sccache would not."""
        directory = self.home + "/bin"
        os.makedirs(directory)
        for tool in tools:
            with open(f"{directory}/{tool}", "w") as file:
                file.write(f"#!/bin/sh\n{text(tool)}\n")
            os.chmod(f"{directory}/{tool}", 0o755)
        self.compilers = {"PATH": directory + ":" + self.env["PATH"]}

    def configure(self):
        project = self.bench.project
        if project.configure:
            # The compilers that a build directory remembers are those on PATH now.
            self.at_place(self.front + project.configure, dict(self.env, **self.compilers))
        if self.name == "floor":  # after configuring, which needs a compiler that works
            directory = self.home + "/bin"
            os.makedirs(directory)
            for tool in TOOLS:
                shutil.copy(self.bench.empty, f"{directory}/{tool}")
            self.compilers = {"PATH": directory + ":" + self.env["PATH"]}
            if project.configure:
                self.replace_remembered()

    def replace_remembered(self):
        """Absolute paths of tools in what ninja reads become those of the empty process."""
        ninja = f"{self.home}/project/{self.bench.project.build_dir}/build.ninja"
        for path in glob.glob(f"{os.path.dirname(ninja)}/**/*.ninja", recursive=True):
            with open(path) as file:
                text = file.read()
            for tool in TOOLS:
                text = re.sub(rf"/usr/bin/{re.escape(tool)}(?=[ \n])", f"{self.home}/bin/{tool}", text)
            with open(path, "w") as file:
                file.write(text)

    def at_place(self, command, env, may_fail=False):
        os.rename(self.home + "/project", self.bench.place)
        try:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.monotonic()
            done = run(command, self.bench.place, env)
            took = time.monotonic() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        finally:
            os.rename(self.bench.place, self.home + "/project")
        if done.returncode and not may_fail and self.name != "floor":
            fail(f"{self.name}: {' '.join(command)} failed:\n{done.stdout[-3000:]}")
        busy = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return took, busy, done.stdout

    def build(self):
        """Builds at the common path. Returns (seconds, processor seconds, output)."""
        return self.at_place(self.front + self.bench.project.build, dict(self.env, **self.compilers))

    def forget(self):
        """An empty cache, a project as before its first build."""
        if self.name == "sccache":
            self.stop()
        shutil.rmtree(self.home + "/cache", ignore_errors=True)
        self.clean()
        if self.name == "sccache":
            run(["sccache", "--start-server"], self.home, self.env)

    def clean(self):
        project = self.bench.project
        if project.clean_command:
            run(project.clean_command, self.home + "/project", self.env)
        elif isinstance(project, Cargo):
            shutil.rmtree(self.home + "/project/target", ignore_errors=True)

    def stop(self):
        if self.name == "sccache":
            run(["sccache", "--stop-server"], self.home, self.env)

    def outputs(self):
        """Digest of every file that was built."""
        top = self.home + "/project/" + (self.bench.project.build_dir or "")
        found = {}
        for directory, _, files in os.walk(top):
            for name in files:
                path = os.path.join(directory, name)
                if not os.path.islink(path) and self.bench.project.is_output(path) and not re.search(self.bench.options.ignore, name):
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, top)] = hashlib.sha256(file.read()).hexdigest()
        return found

    def counts(self):
        """What the way's cache says of itself: hits, of how many, and reasons."""
        if self.name == "soldr":
            summaries = sorted(glob.glob(self.home + "/cache/runs/*/summary.json"), key=os.path.getmtime)
            with open(summaries[-1]) as file:
                read = json.load(file)
            return {"hits": read["counts"]["hits"], "of": read["counts"]["compilations"], "reasons": read.get("reasons", {})}
        if self.name == "sccache":
            read = json.loads(run(["sccache", "--show-stats", "--stats-format=json"], self.home, self.env).stdout)["stats"]
            return {"hits": sum(read["cache_hits"]["counts"].values()), "of": read["compile_requests"], "reasons": dict(read.get("not_cached", {}))}
        if self.name == "ccache":
            read = dict(line.split("\t")[:2] for line in run(["ccache", "--print-stats"], self.home, self.env).stdout.splitlines() if "\t" in line)
            hits = int(read.get("direct_cache_hit", 0)) + int(read.get("preprocessed_cache_hit", 0))
            return {"hits": hits, "of": hits + int(read.get("cache_miss", 0)), "reasons": {}}
        return {}


class Bench:
    """One project, all its ways."""

    def __init__(self, name, project, options, root):
        self.name, self.project, self.root, self.options = name, project, root, options
        self.place = root + "/place"
        self.soldr = os.path.realpath(os.environ.get("SOLDR_BIN") or shutil.which("soldr") or fail("SOLDR_BIN names no soldr"))
        keep = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR", "LANG")
        self.env = {n: os.environ[n] for n in keep if n in os.environ}
        self.env.update(CARGO_INCREMENTAL="0", CARGO_TERM_COLOR="never", XDG_CONFIG_HOME=root + "/config", XDG_CACHE_HOME=root + "/xdg")
        self.empty = self.empty_process()
        self.source = project.fetch(root, self.env)
        wanted = [w for w in options.ways.split(",") if w in project.ways]
        self.ways = [Way(w, self) for w in wanted if w not in ("ccache", "sccache") or shutil.which(w)]
        self.times = {}  # scenario -> way -> [(wall, busy)], one per turn
        self.hits, self.tested, self.broken, self.plain = {}, {}, [], None
        self.phases = options.phases.split(",")

    def empty_process(self):
        source, made = self.root + "/empty.c", self.root + "/empty"
        with open(source, "w") as file:
            file.write("int main(void) { return 0; }\n")
        subprocess.run(["cc", "-O2", "-static", source, "-o", made], check=True)
        return made

    def note(self, scenario, way, took, busy):
        self.times.setdefault(scenario, {}).setdefault(way.name, []).append((took, busy))
        print(f"# {self.name}: {scenario}: {way.name}: {took:.2f} s, processor {busy:.2f} s", file=sys.stderr, flush=True)

    def gate(self, scenario, way):
        if way.name == "floor":
            return
        made = way.outputs()
        if self.plain is None:
            self.plain = made
            return
        differ = sorted(n for n in set(made) | set(self.plain) if made.get(n) != self.plain.get(n))
        if differ:
            self.broken.append(f"{self.name}: {scenario}: {way.name}: {len(differ)} of {len(self.plain)} outputs are not the plain build's: {', '.join(differ[:5])}")

    def in_turn(self, turn):
        """The ways, beginning with another one each time; in the first turn with plain, whose outputs are the measure."""
        at = turn % len(self.ways)
        return self.ways[at:] + self.ways[:at]

    def whole_builds(self, turn):
        for scenario in [s for s in ("cold", "warm") if s in self.phases]:
            for way in self.in_turn(turn):
                way.forget() if scenario == "cold" else way.clean()
                took, busy, _ = way.build()
                self.note(scenario, way, took, busy)
                self.gate(scenario, way)
                if scenario == "warm":
                    self.hits[way.name] = way.counts()

    def small_builds(self, scenario, turns, prepare):
        for way in self.ways:  # settles what moving the project away has stirred up
            prepare(way)
            way.build()
        for turn in range(turns):
            for way in self.in_turn(turn):
                prepare(way)
                took, busy, _ = way.build()
                self.note(scenario, way, took, busy)

    def touch(self, way):
        os.utime(os.path.join(way.home, "project", self.project.touch))

    def measure(self):
        for turn in range(self.options.rounds):
            self.whole_builds(turn)
        if "touched" in self.phases:
            self.small_builds("touched", self.options.touches, self.touch)
        if "noop" in self.phases:
            self.small_builds("nothing to do", self.options.noops, lambda way: None)
        if "test" in self.phases and isinstance(self.project, Cargo):
            self.test()
        warm = self.hits.get("soldr")
        if warm and warm["hits"] == 0:
            self.broken.append(f"{self.name}: warm: soldr: not one hit: its times mean nothing")

    def test(self):
        """The program's own tests: cold by plain and by soldr, then by soldr with what it stored."""
        ways, passed = {way.name: way for way in self.ways}, {}
        for scenario, name in (("test, cold", "plain"), ("test, cold", "soldr"), ("test, warm", "soldr")):
            way = ways.get(name)
            if not way:
                continue
            way.forget() if scenario == "test, cold" else way.clean()
            took, busy, said = way.at_place(way.front + ["cargo", "test", "--locked", "--offline", "--no-fail-fast",
                                                          *shlex.split(self.options.test)], way.env, may_fail=True)
            self.note(scenario, way, took, busy)
            results = sorted(line for line in said.splitlines() if re.match(r"test .* \.\.\. ", line))
            passed[scenario, name] = results
            found = way.counts()
            self.tested[f"{scenario}, {name}"] = f"{sum(line.endswith(' ok') for line in results)} of {len(results)} passed" + (
                f"; {found['hits']} hits of {found['of']}, others: {found['reasons']}" if found else "")
        first = next(iter(passed.values()), [])
        for (scenario, name), results in passed.items():
            if not results or results != first:
                self.broken.append(f"{self.name}: {scenario}: {name}: not the tests that passed first")

    def report(self):
        lines = [f"### {self.name}", "", "| what | way | median s | min | max | processor s | over plain, same turn | hits |",
                 "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for scenario, ways in self.times.items():
            for name, turns in ways.items():
                lines.append(self.row(scenario, name, turns, ways.get("plain")))
        for name, found in self.hits.items():
            if found and found["reasons"]:
                lines += ["", f"Not hits of {name}'s warm build: {found['reasons']}"]
        for name, result in self.tested.items():
            lines += ["", f"The program's own tests, {name}: {result}."]
        lines += ["", f"Outputs compared with the plain build's, byte for byte: {len(self.plain or ())}; gate: {'; '.join(self.broken) or 'passed'}", ""]
        return "\n".join(lines)

    def row(self, scenario, name, turns, base):
        wall = [t[0] for t in turns]
        over = ""
        if base and name != "plain":
            pairs = [(a[0] / b[0], a[0] - b[0]) for a, b in zip(turns, base)]
            over = f"× {statistics.median(p[0] for p in pairs):.3f}, {statistics.median(p[1] for p in pairs) * 1000:+.0f} ms"
        hits = self.hits.get(name) if scenario == "warm" else None
        return (f"| {scenario} | {name} | {statistics.median(wall):.3f} | {min(wall):.3f} | {max(wall):.3f} | "
                f"{statistics.median(t[1] for t in turns):.2f} | {over} | {str(hits['hits']) + ' of ' + str(hits['of']) if hits else ''} |")


def projects(options):
    known = {
        "lua": Debian("lua5.4", "make -j2 -C src linux MYCFLAGS=-g CC=gcc", "src/lapi.c", clean="make -C src clean"),
        "redis": Debian("redis", "make -j2 -C src MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no redis-server", "src/util.c", clean="make -C src distclean"),
        "fmt": Debian("fmtlib", "cmake --build build", "src/format.cc", clean="cmake --build build --target clean", build_dir="build",
                      configure="cmake -S . -B build -G Ninja -DFMT_TEST=ON -DFMT_DOC=OFF -DCMAKE_BUILD_TYPE=Debug"),
        "cargo": Cargo(options.crate, options.cargo and os.path.abspath(options.cargo)),
    }
    for name in options.projects.split(","):
        if name not in known:
            fail(f"no project {name}; there are: {', '.join(known)}")
        yield name, known[name]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("--projects", default="lua,redis,fmt,cargo")
    parser.add_argument("--ways", default="plain,null,soldr,ccache,sccache,floor")
    parser.add_argument("--phases", default="cold,warm,touched,noop")
    parser.add_argument("--crate", default="bat@0.26.1")
    parser.add_argument("--cargo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--noops", type=int, default=20)
    parser.add_argument("--touches", type=int, default=5)
    parser.add_argument("--test", default="")
    parser.add_argument("--ignore", default=r"^autocfg_[0-9a-f]+_")
    parser.add_argument("--out")
    options = parser.parse_args()
    text, broken, times = "", [], {}
    for name, project in projects(options):
        root = tempfile.mkdtemp(prefix="soldr-bench-")
        bench = None
        try:
            bench = Bench(name, project, options, root)
            bench.measure()
            text += bench.report() + "\n"
            broken += bench.broken
            times[name] = {"times": bench.times, "hits": bench.hits}
        except Missing as why:
            text += f"### {name}\n\nLeft out: {why}\n\n"
        finally:
            for way in bench.ways if bench else ():
                way.stop()
            shutil.rmtree(root, ignore_errors=True)
    print(text)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        with open(options.out + "/builds.md", "w") as file:
            file.write(text)
        with open(options.out + "/builds.json", "w") as file:
            json.dump({"schema_version": 1, "projects": times, "broken": broken}, file, indent=1)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
