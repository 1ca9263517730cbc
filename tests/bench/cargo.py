#!/usr/bin/env python3
"""A cargo project built plain, through soldr, and with sccache, side by side.

usage: cargo.py [--project DIR | --crate NAME@VERSION] [--ways plain,null,soldr,sccache]
                [--rounds N] [--noops N] [--touches N] [--args "--features x"]
                [--touch FILE] [--test "ARGS"] [--ignore REGEX] [--out DIR]

Every way has a copy of the project, a target directory and a cache of its own; the
copies are moved to one and the same path in turn, since paths reach artifacts.
In each round the ways take turns with: a cold build (empty cache), a build
after `cargo clean` (warm), --touches builds after the time of --touch was renewed, and
--noops builds with nothing to do. The gate: cold and warm artifacts of every way
must be those of the plain build, byte for byte, and soldr's warm build must have had hits.
--ignore: files that a build script names at random (the default: autocfg's).
Times are wall time and, of everything but sccache's server, processor time of
the build. Ratios are those of the same round. The table goes to stdout, and with
--out to cargo.md and cargo.json there. Exit status: 0, 1 gate failed, 2 usage.

The crate is fetched by cargo itself. SOLDR_BIN names soldr. Nothing outside a
temporary directory is written, but for what cargo adds to its registry cache.
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

SCCACHE_PORT = "4387"
NOTES = (".fingerprint", "incremental")  # cargo's own notes: times, and the wrapper's name
NOTE_FILES = (".rustc_info.json", "CACHEDIR.TAG", "output", "stderr", "invoked.timestamp", ".cargo-lock", ".cargo-build-lock", ".cargo-artifact-lock")


def fail(text):
    sys.exit("cargo.py: " + text)


def run(command, cwd, env, **options):
    return subprocess.run(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def fetch(crate, root):
    """The source of a crate from the registry, as cargo unpacks it."""
    name, _, version = crate.partition("@")
    scratch = root + "/fetch"
    os.makedirs(scratch + "/src")
    open(scratch + "/src/lib.rs", "w").close()
    with open(scratch + "/Cargo.toml", "w") as manifest:
        manifest.write(f'[package]\nname = "fetch"\nversion = "0.1.0"\n[dependencies]\n{name} = "={version}"\n')
    done = run(["cargo", "fetch"], scratch, os.environ)
    home = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
    found = glob.glob(f"{home}/registry/src/*/{name}-{version}")
    if done.returncode or not found:
        fail(f"cannot fetch {crate}: {done.stdout.strip().splitlines()[-1:] or 'not in the registry'}")
    shutil.copytree(found[0], root + "/source")
    return root + "/source"


class Way:
    """One way to build: its environment, its command, its files."""

    def __init__(self, name, bench):
        self.name, self.bench = name, bench
        self.home = f"{bench.root}/{name}"
        os.makedirs(self.home)
        shutil.copytree(bench.source, self.home + "/project", symlinks=True)
        self.env = dict(bench.env)
        self.front = []
        if name in ("soldr", "null"):
            self.front = [bench.soldr]
            self.env["SOLDR_CACHE_DIR"] = self.home + "/cache"
            self.env["SOLDR_BACKEND"] = "embedded" if name == "soldr" else "null"
        elif name == "sccache":
            self.env.update(RUSTC_WRAPPER="sccache", SCCACHE_DIR=self.home + "/cache", SCCACHE_SERVER_PORT=SCCACHE_PORT)
            if shutil.which("sccache") is None:
                fail("no sccache on PATH")
        elif name != "plain":
            fail(f"no such way: {name}; ways: plain, null, soldr, sccache")

    def cargo(self, *words):
        """Runs cargo in the project, at the common path. Returns (seconds, processor seconds, output)."""
        os.rename(self.home + "/project", self.bench.place)
        try:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.monotonic()
            done = run(self.front + ["cargo", *words], self.bench.place, self.env)
            took = time.monotonic() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        finally:
            os.rename(self.bench.place, self.home + "/project")
        if done.returncode:
            fail(f"{self.name}: cargo {' '.join(words)} failed:\n{done.stdout[-3000:]}")
        busy = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return took, busy, done.stdout

    def build(self):
        return self.cargo("build", "--locked", "--offline", *self.bench.args)

    def forget(self):
        """An empty cache, an empty target directory."""
        if self.name == "sccache":
            self.stop()
        for path in (self.home + "/cache", self.home + "/project/target"):
            shutil.rmtree(path, ignore_errors=True)
        if self.name == "sccache":
            run(["sccache", "--start-server"], self.home, self.env)

    def clean(self):
        shutil.rmtree(self.home + "/project/target")

    def stop(self):
        if self.name == "sccache":
            run(["sccache", "--stop-server"], self.home, self.env)

    def artifacts(self):
        """Digest of every file that the compiler made."""
        top = self.home + "/project/target"
        found = {}
        for directory, below, files in os.walk(top):
            below[:] = [d for d in below if d not in NOTES]
            for name in files:
                path = os.path.join(directory, name)
                if name not in NOTE_FILES and not os.path.islink(path) and not re.search(self.bench.options.ignore, name):
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
            hits = sum(read["cache_hits"]["counts"].values())
            reasons = dict(read.get("not_cached", {}))
            return {"hits": hits, "of": read["compile_requests"], "reasons": reasons}
        return {}


class Bench:
    def __init__(self, options, root):
        self.root, self.options = root, options
        self.args = shlex.split(options.args)
        self.place = root + "/place"
        self.soldr = os.path.realpath(os.environ.get("SOLDR_BIN") or shutil.which("soldr") or fail("SOLDR_BIN names no soldr"))
        keep = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR", "LANG")
        self.env = {n: os.environ[n] for n in keep if n in os.environ}
        self.env.update(CARGO_INCREMENTAL="0", CARGO_TERM_COLOR="never", XDG_CONFIG_HOME=root + "/config", XDG_CACHE_HOME=root + "/xdg")
        self.source = os.path.abspath(options.project) if options.project else fetch(options.crate, root)
        done = run(["cargo", "fetch", "--locked"], self.source, self.env)
        if done.returncode:
            fail(f"cannot fetch what the project depends on: {done.stdout.strip()[-500:]}")
        self.ways = [Way(name, self) for name in options.ways.split(",")]
        self.times = {}  # scenario -> way -> [(wall, busy)], one per turn
        self.hits, self.tested, self.broken, self.plain = {}, {}, [], None

    def note(self, scenario, way, took, busy):
        self.times.setdefault(scenario, {}).setdefault(way.name, []).append((took, busy))
        print(f"# {scenario}: {way.name}: {took:.2f} s, processor {busy:.2f} s", file=sys.stderr, flush=True)

    def gate(self, scenario, way):
        made = way.artifacts()
        if self.plain is None:
            self.plain = made
            return
        differ = sorted(n for n in set(made) | set(self.plain) if made.get(n) != self.plain.get(n))
        if differ:
            self.broken.append(f"{scenario}: {way.name}: {len(differ)} of {len(self.plain)} artifacts are not the plain build's: {', '.join(differ[:5])}")

    def whole_builds(self, turn):
        order = self.ways if turn == 0 else self.ways[turn % len(self.ways):] + self.ways[:turn % len(self.ways)]
        for scenario in ("cold", "warm"):
            for way in order:
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
            for way in self.ways[turn % len(self.ways):] + self.ways[:turn % len(self.ways)]:
                prepare(way)
                took, busy, _ = way.build()
                self.note(scenario, way, took, busy)

    def touch(self, way):
        os.utime(os.path.join(way.home, "project", self.options.touch))

    def measure(self):
        for turn in range(self.options.rounds):
            self.whole_builds(turn)
        self.small_builds("touched", self.options.touches, self.touch)
        self.small_builds("nothing to do", self.options.noops, lambda way: None)
        if self.options.test is not None:
            self.tested = {way.name: self.test(way) for way in self.ways if way.name in ("plain", "soldr")}
        warm = self.hits.get("soldr")
        if warm and warm["hits"] == 0:
            self.broken.append("warm: soldr: not one hit: its times mean nothing")

    def test(self, way):
        _, _, said = way.cargo("test", "--locked", "--offline", *self.args, *shlex.split(self.options.test))
        results = [line for line in said.splitlines() if line.startswith("test result:")]
        passed = sum(int(line.split(" passed")[0].split()[-1]) for line in results)
        return f"{passed} tests of {len(results)} programs passed"

    def table(self):
        lines = ["| what | way | median s | min | max | processor s | over plain, same turn | hits |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for scenario, ways in self.times.items():
            base = ways.get("plain")
            for name, turns in ways.items():
                wall = [t[0] for t in turns]
                over = ""
                if base and name != "plain":
                    pairs = [(a[0] / b[0], a[0] - b[0]) for a, b in zip(turns, base)]
                    over = f"× {statistics.median(p[0] for p in pairs):.3f}, {statistics.median(p[1] for p in pairs) * 1000:+.0f} ms"
                hits = self.hits.get(name) if scenario == "warm" else None
                lines.append(f"| {scenario} | {name} | {statistics.median(wall):.3f} | {min(wall):.3f} | {max(wall):.3f} | "
                             f"{statistics.median(t[1] for t in turns):.2f} | {over} | {str(hits['hits']) + ' of ' + str(hits['of']) if hits else ''} |")
        return "\n".join(lines) + "\n"

    def report(self):
        text = self.table()
        for name, found in self.hits.items():
            if found:
                text += f"\nNot hits of {name}'s warm build: {found['reasons']}\n"
        for name, result in self.tested.items():
            text += f"\nThe program's own tests, way {name}: {result}.\n"
        text += f"\nArtifacts compared with the plain build's, byte for byte: {len(self.plain)}; gate: {'; '.join(self.broken) or 'passed'}\n"
        print(text)
        if self.options.out:
            os.makedirs(self.options.out, exist_ok=True)
            with open(self.options.out + "/cargo.md", "w") as file:
                file.write(text)
            with open(self.options.out + "/cargo.json", "w") as file:
                json.dump({"schema_version": 1, "times": self.times, "hits": self.hits, "broken": self.broken}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("--project")
    parser.add_argument("--crate", default="bat@0.26.1")
    parser.add_argument("--ways", default="plain,null,soldr,sccache")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--noops", type=int, default=20)
    parser.add_argument("--touches", type=int, default=5)
    parser.add_argument("--args", default="")
    parser.add_argument("--touch", default="src/lib.rs")
    parser.add_argument("--test")
    parser.add_argument("--ignore", default=r"^autocfg_[0-9a-f]+_")
    parser.add_argument("--out")
    options = parser.parse_args()
    root = tempfile.mkdtemp(prefix="soldr-bench-")
    bench = None
    try:
        bench = Bench(options, root)
        bench.measure()
        bench.report()
        return 1 if bench.broken else 0
    finally:
        for way in bench.ways if bench else ():
            way.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
