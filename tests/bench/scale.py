#!/usr/bin/env python3
"""What the embedded backend's store costs by its number of entries.

usage: scale.py --fill PROGRAM [--sizes 1000,10000,…] [--runs N] [--out DIR]

For each size a store of its own is filled (fill.c writes entries and manifests by the
backend's own code; `soldr cache verify` has to find every one of them in order). Then,
by turns with the same compile over an empty store: a hit, and a miss. Then what a miss
costs that has to evict: with the limit at half of the store, so that each has more to do
than it may; and with the sizes file gone, so that each has to count. Then the verbs.

Gates: a hit writes the bytes of the bare compiler, and a counter says that it was one;
it makes at most 2 % more system calls than in an empty store; the limit is
reached in the end. Times are not gates: the machine may be busy.

The table goes to stdout, and with --out to scale.md and scale.json. SOLDR_BIN names
the soldr to measure. Exit status: 0, 1 something was not right, 2 usage.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import bench

CALLS_MAX = 1.02  # of a hit, against an empty store
UPKEEP_RUNS = 20
MIB = 1 << 20


class Scale(bench.Bench):
    def __init__(self, options, root):
        super().__init__(options, root)
        self.tree = root + "/tree"
        os.makedirs(self.tree)
        self.words = bench.small(self.tree)
        self.words[0] = shutil.which(self.words[0]) or bench.fail("no gcc")
        bench.Command("bare", self.words, self.tree, self.env).once(check=True)
        with open(self.tree + "/x0.o", "rb") as file:
            self.want = file.read()

    def compile(self, name, cache, **variables):
        return bench.Command(name, [self.soldr] + self.words, self.tree, dict(self.env, SOLDR_CACHE_DIR=cache, **variables))

    def verb(self, cache, *words):
        return bench.Command("-".join(words), [self.soldr, *words], self.tree, dict(self.env, SOLDR_CACHE_DIR=cache))

    def size(self, cache):
        done = self.verb(cache, "cache", "size", "--json").once(check=True)
        return json.loads(done.stdout)

    def ask(self, what, fine):
        if not fine:
            self.broken.append(what)

    def warm(self, size, cache):
        """Stores the unit, and checks the hit that follows."""
        hit = self.compile("hit", cache)
        subprocess.run(["sleep", "0.02"], check=True)
        hit.once(check=True)
        before = self.counters(hit)
        os.unlink(self.tree + "/x0.o")
        hit.once(check=True)
        with open(self.tree + "/x0.o", "rb") as file:
            self.ask(f"{size}: the hit's object is not the bare compiler's", file.read() == self.want)
        self.ask(f"{size}: soldr did not hit", self.counters(hit) == before + 1)
        return hit

    def upkeep(self, cache):
        """Misses over a store twice as large as it may be, and of which the sizes are lost."""
        limit = max(self.size(cache)["size_bytes"] // 2, MIB)
        config = f"{self.root}/half.yaml"
        bench.write(config, f"version: 1\nbackends:\n  embedded:\n    options: {{max_size: {limit}}}\n")
        over = self.compile("evicting", cache, SOLDR_RECACHE="1", SOLDR_CONFIG=config)
        calls = self.counts(over).get("system_calls")
        times = self.pace([over], UPKEEP_RUNS, 1)
        os.unlink(cache + "/embedded/v1/size")
        times.update(self.pace([self.compile("counting", cache, SOLDR_RECACHE="1")], UPKEEP_RUNS, 1))
        shrink = self.verb(cache, "cache", "evict")
        shrink.env["SOLDR_CONFIG"] = config
        times.update(self.pace([shrink], 1, 1))
        left = self.size(cache)
        self.ask(f"{left['size_bytes']} bytes are left, {limit} are allowed", left["size_bytes"] <= limit)
        return times, calls

    def measure_size(self, size, empty):
        cache = f"{self.root}/cache-{size}"
        subprocess.run([self.options.fill, cache, str(size)], check=True)
        os.chmod(cache, 0o700)
        hit = self.warm(size, cache)
        misses = [self.compile("miss-empty", empty.env["SOLDR_CACHE_DIR"], SOLDR_RECACHE="1"), self.compile("miss", cache, SOLDR_RECACHE="1")]
        times = self.pace([empty, hit], self.options.runs, 1)
        times.update(self.pace(misses, max(self.options.runs // 5, 5), 1))
        result = {"counts": self.counts(hit), "empty_counts": self.counts(empty), "files": 0, "directories": 0}
        times.update(self.pace([self.verb(cache, "stats"), self.verb(cache, "cache", "size")], 10, 1))
        times.update(self.pace([self.verb(cache, "cache", "verify")], 1, 1))
        checked = json.loads(self.verb(cache, "cache", "verify", "--json").once().stdout) if size <= 10000 else None
        self.ask(f"{size}: verify does not see every file", not checked or (checked["files_seen"] >= 2 * size and not checked["files_corrupt"]))
        self.ask(f"{size}: entries are missing", self.size(cache)["entries"] >= size)
        for _, directories, files in os.walk(cache + "/embedded"):
            result["files"] += len(files)
            result["directories"] += len(directories)
        result["bytes"] = self.size(cache)["size_bytes"]
        more, result["evicting_calls"] = self.upkeep(cache)
        times.update(more)
        times.update(self.pace([self.verb(cache, "cache", "clear")], 1, 1))
        result["times"] = times
        calls, base = result["counts"].get("system_calls"), result["empty_counts"].get("system_calls")
        self.ask(f"{size}: a hit makes {calls} system calls, {base} in an empty store", not calls or calls <= base * CALLS_MAX)
        self.results[size] = result
        self.save()
        shutil.rmtree(cache)
        print(f"# {size}: done", file=sys.stderr, flush=True)

    def save(self):
        """Of the sizes that are done; the larger ones take long."""
        text = table(self.results) + "\n\nGate: " + ("; ".join(self.broken) or "passed") + "\n"
        if self.options.out:
            os.makedirs(self.options.out, exist_ok=True)
            bench.write(self.options.out + "/scale.md", text)
            bench.write(self.options.out + "/scale.json", json.dumps({"schema_version": 1, "results": self.results, "broken": self.broken}))
        return text


def ms(runs, pick=statistics.median, part=0):
    return f"{pick(r[part] for r in runs) / 1e6:.2f}"


ROWS = (
    ("hit, system calls (empty store)", lambda r: f"{r['counts'].get('system_calls', '?')} ({r['empty_counts'].get('system_calls', '?')})"),
    ("hit, instructions (empty store)", lambda r: f"{r['counts'].get('instructions', '?')} ({r['empty_counts'].get('instructions', '?')})"),
    ("hit, median ms", lambda r: ms(r["times"]["hit"])),
    ("hit, of one in an empty store, round by round", lambda r: bench.ratio(r["times"]["hit"], r["times"]["hit-empty"])),
    ("hit, peak MB", lambda r: f"{max(t[2] for t in r['times']['hit']) / 1024:.1f}"),
    ("miss, median ms", lambda r: ms(r["times"]["miss"])),
    ("miss, of one in an empty store", lambda r: bench.ratio(r["times"]["miss"], r["times"]["miss-empty"])),
    ("miss that evicts, median ms", lambda r: ms(r["times"]["evicting"])),
    ("miss that evicts, longest ms", lambda r: ms(r["times"]["evicting"], max)),
    ("miss that evicts, system calls", lambda r: str(r["evicting_calls"] or "?")),
    ("miss that evicts, processor ms (one that does not)", lambda r: f"{ms(r['times']['evicting'], part=1)} ({ms(r['times']['miss'], part=1)})"),
    ("miss that counts, median ms", lambda r: ms(r["times"]["counting"])),
    ("miss that counts, longest ms", lambda r: ms(r["times"]["counting"], max)),
    ("`soldr stats`, ms", lambda r: ms(r["times"]["stats"])),
    ("`soldr cache size`, ms", lambda r: ms(r["times"]["cache-size"])),
    ("`soldr cache verify`, ms", lambda r: ms(r["times"]["cache-verify"])),
    ("`soldr cache verify`, peak MB", lambda r: f"{max(t[2] for t in r['times']['cache-verify']) / 1024:.1f}"),
    ("`soldr cache evict` of what is left over half, ms", lambda r: ms(r["times"]["cache-evict"])),
    ("`soldr cache evict`, peak MB", lambda r: f"{max(t[2] for t in r['times']['cache-evict']) / 1024:.1f}"),
    ("`soldr cache clear` of the rest, ms", lambda r: ms(r["times"]["cache-clear"])),
    ("files", lambda r: str(r["files"])),
    ("directories", lambda r: str(r["directories"])),
    ("MiB, in blocks", lambda r: f"{r['bytes'] / MIB:.0f}"),
)


def table(results):
    lines = ["| entries | " + " | ".join(str(n) for n in results) + " |", "| --- |" + " ---: |" * len(results)]
    lines += [f"| {name} | " + " | ".join(cell(r) for r in results.values()) + " |" for name, cell in ROWS]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("--fill", required=True)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--out")
    options = parser.parse_args()
    options.peers = ""
    options.fill = os.path.realpath(options.fill)
    if not re.fullmatch(r"\d+(,\d+)*", options.sizes):
        parser.error("--sizes: numbers with commas between them")
    root = tempfile.mkdtemp(prefix="soldr-scale-")
    try:
        scale = Scale(options, root)
        empty = scale.warm(0, root + "/cache-empty")
        empty.name = "hit-empty"
        for size in options.sizes.split(","):
            scale.measure_size(int(size), empty)
        print(scale.save())
        return 1 if scale.broken else 0
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
