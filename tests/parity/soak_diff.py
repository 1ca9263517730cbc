#!/usr/bin/env python3
"""Random edits and compiles: the bare compiler against soldr.

usage: soak_diff.py [--compiler NAME] [--seed N] [--steps N] [--minutes M] [--keep DIR]
                    [--replay SEED:STEP] [--no-reduce] [--soldr FILE]

Each step edits a small tree of generated sources, headers, response files and
variables, then runs one compile bare and, once or twice, through soldr, in the
same state of the tree. Exit status, messages and every file that changed must
be the same. A difference counts when the compiler, run again, agrees with
itself. It is then reduced, by leaving out steps, and written as a shell script
into the directory of --keep. Without --steps and --minutes it runs until stopped.

SOLDR_BACKEND and SOLDR_CONFIG are passed on to soldr. Exit status: 0 no
difference, 1 a difference, 2 usage. The steps of a seed depend on nothing but
the seed and the compiler's kind, and on whether csmith is installed.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import soak_scene as scene
import soak_script
import soak_words

PASSED_ON = ("PATH", "SOLDR_BACKEND", "SOLDR_CONFIG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
REDUCE_SECONDS = 120
HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    """A tree with a store of its own, and the two ways to run a compile in it."""

    def __init__(self, root, options, compilers=None):
        self.root, self.options = root, options
        os.makedirs(root)
        self.tree = scene.Tree(root + "/tree")
        self.base = {n: os.environ[n] for n in PASSED_ON if n in os.environ}
        self.base.update(LC_ALL="C", HOME=root + "/home", XDG_CONFIG_HOME=root + "/config", XDG_CACHE_HOME=root + "/xdg")
        self.store = root + "/store"
        os.makedirs(self.store, 0o700)
        if compilers and os.path.isdir(compilers):  # what soldr learned of the compilers need not be asked again
            os.makedirs(self.store + "/embedded/v1", 0o700)
            shutil.copytree(compilers, self.store + "/embedded/v1/compilers")

    @property
    def compilers(self):
        return self.store + "/embedded/v1/compilers"

    def soldr_env(self, compile_):
        env = scene.environment(self.tree, compile_, self.base)
        env["SOLDR_CACHE_DIR"] = self.store
        return env

    def bare(self, compile_):
        return scene.run(self.tree, compile_, scene.words(self.tree, compile_, self.options.compiler),
                         scene.environment(self.tree, compile_, self.base))

    def soldr(self, compile_, meanwhile=None):
        argv = [self.options.soldr] + scene.words(self.tree, compile_, self.options.compiler)
        return scene.run(self.tree, compile_, argv, self.soldr_env(compile_), meanwhile)

    def edit(self, ops):
        for op in ops:
            self.tree.apply(op)

    def race(self, compile_, race):
        """A compile whose inputs change meanwhile. What it gives may be either; what it stores may not be wrong."""
        before = self.tree.scan()
        self.soldr(compile_, race)
        after = self.tree.scan()
        for op in race[1]:
            before.pop(op[1], None)
            if op[1] in after:
                before[op[1]] = after[op[1]]
        self.tree.restore(before)
        scene.settle()

    def compare(self, step):
        """Differences of a step's compile, or "unstable"; None when there are none."""
        compile_ = step["compile"]
        if not os.path.isdir(f"{self.tree.root}/{compile_['cwd']}"):
            return None
        if step["race"]:
            self.race(compile_, step["race"])
        if step["settle"]:
            scene.settle()
        before = self.tree.scan()
        want = self.bare(compile_)
        for attempt in range(step["times"]):
            self.tree.restore(before)
            got = self.soldr(compile_)
            bad = self.differences(compile_, before, want, got)
            if bad:
                bad = self.doubt(compile_, before, want, got, bad)
                if bad:
                    return bad
        if not step["keep"]:
            self.tree.restore(before)
        return None

    @staticmethod
    def differences(compile_, before, want, got):
        return scene.differences(before, want, got, compile_.get("varies", ()))

    def doubt(self, compile_, before, want, got, bad):
        """The compiler again: does it agree with itself, or now with soldr? With -pipe, whether it still writes its depfile,
        and how it ends, depends on how soon an assembler that fails stops it."""
        piped = "-pipe" in compile_["args"] and want.status and got.status
        if piped and {want.status, got.status} == {1, 2} and len(bad) == 1:  # so does its status; on a busy machine one is rare
            return "unstable"
        for attempt in range(40 if piped else 3):
            self.tree.restore(before)
            again = self.bare(compile_)
            if not self.differences(compile_, before, again, got):
                return None
            if self.differences(compile_, before, want, again):
                return "unstable"
        return bad

    def statistics(self):
        env = dict(self.base, SOLDR_CACHE_DIR=self.store)
        out = subprocess.run([self.options.soldr, "stats", "--json"], env=env, capture_output=True).stdout
        return json.loads(out or b"{}")


# ---- a difference --------------------------------------------------------------------


def items_of(steps):
    """Single things that can be left out: ("op", …), ("compile", step)."""
    items = []
    for s in steps:
        items += [("op", op) for op in s["ops"]]
        items.append(("compile", s))
    return items


def replay(items, root, options, compilers):
    """The differences of the last compile after the things before it, in a new tree."""
    bench = Bench(root, options, compilers)
    try:
        for kind, what in items[:-1]:
            if kind == "op":
                bench.tree.apply(what)
            else:
                bench.compare(dict(what, keep=True))
        bad = bench.compare(dict(items[-1][1], times=2))
        return None if bad == "unstable" else bad
    finally:
        scene.remove_tree(root)


def reduce(items, root, options, compilers):
    """Leaves out what the difference does not need. None where it does not come again."""
    until = time.monotonic() + REDUCE_SECONDS
    last = items[-1]

    def differs(some):
        return time.monotonic() < until and replay(some, root, options, compilers)

    same = [i for i in items[:-1] if i[0] == "op" or i[1]["compile"]["args"] == last[1]["compile"]["args"]] + [last]
    alone = [i for i in items if i[0] == "op"] + [last]
    for some in (alone, same, items):
        if differs(some):
            items = some
            break
    else:
        return None
    size = len(items) // 2
    while size and time.monotonic() < until:
        at, before = 0, len(items)
        while at < len(items) - 1:
            less = items[:at] + items[min(at + size, len(items) - 1):]
            if differs(less):
                items = less
            else:
                at += size
        if size == 1 and len(items) == before:
            break
        size = max(1, size // 2) if len(items) == before or size > 1 else 1
    return items


def report(bench, options, steps, bad, keep):
    print(f"{options.compiler}: seed {options.seed}, step {options.step}: soldr differs from the compiler", flush=True)
    for line in bad:
        print("    " + line)
    items, root = items_of(steps), bench.root + ".again"
    reduced = None if options.no_reduce else reduce(items, root, options, bench.compilers)
    if reduced and len(reduced) < len(items):
        print(f"reduced from {len(items)} edits and compiles to {len(reduced)}")
    elif not reduced and not options.no_reduce:
        print("it did not come again in a new tree: the script holds every step")
    os.makedirs(keep, exist_ok=True)
    path = f"{keep}/{os.path.basename(options.compiler)}-{options.seed}-{options.step}.sh"
    with open(path, "w") as f:
        f.write(soak_script.script(reduced or items, options.compiler, options.seed, options.step))
    print("command: " + soak_script.words(steps[-1]["compile"], options.compiler))
    print(f"script: {path}")
    print(f"again: soak_diff.py --compiler {options.compiler} --replay {options.seed}:{options.step}", flush=True)


def summary(bench, counts):
    s = bench.statistics()
    done = max(1, sum(s.get(k, 0) for k in ("hits", "misses", "non_cacheable", "passthrough", "fallbacks")))
    print(f"{counts['steps']} steps, {counts['unstable']} where the compiler disagrees with itself, "
          f"{counts['programs'] or 'no'} programs of csmith{'' if counts['programs'] else ' (not installed)'}")
    print(f"through soldr: {s.get('hits', 0)} hits ({100 * s.get('hits', 0) // done} %), {s.get('misses', 0)} misses, "
          f"{s.get('non_cacheable', 0)} refused, {s.get('passthrough', 0)} passed through, {s.get('fallbacks', 0)} faults")
    print("reasons: " + ", ".join(f"{k} {v}" for k, v in sorted(s.get("reasons", {}).items(), key=lambda kv: -kv[1])), flush=True)


def soak(options):
    """0, or 1 at the first difference."""
    base = os.path.basename(options.compiler)
    work = os.path.realpath(tempfile.mkdtemp(prefix="soldr-soak."))
    keep = options.keep or os.path.join(os.path.realpath(tempfile.gettempdir()), "soldr-soak-kept")
    counts = {"steps": 0, "unstable": 0, "programs": 0}
    until = time.monotonic() + options.minutes * 60 if options.minutes else None
    try:
        bench = Bench(work + "/w", options)
        generator = soak_words.Generator(options.seed, "c++" if "++" in base else "c", "clang" in base)
        first = generator.first_tree()
        bench.edit(first)
        steps = [{"ops": first, "compile": {"args": ["-c", "gone.c"], "cwd": "src", "env": {}, "umask": 0o022},
                  "settle": True, "times": 1, "keep": True, "race": None, "edit": "first"}]
        while not (options.steps and counts["steps"] >= options.steps) and not (until and time.monotonic() > until):
            step = generator.step()
            steps.append(step)
            counts["steps"] += 1
            options.step = counts["steps"]
            if options.verbose:
                print(f"{options.step}: {step['edit']} {step['ops']} {soak_script.words(step['compile'], base)}", flush=True)
            bench.edit(step["ops"])
            bad = bench.compare(step)
            counts["unstable"] += bad == "unstable"
            counts["programs"] = generator.csmith or 0
            if bad and bad != "unstable":
                report(bench, options, steps, bad, keep)
                summary(bench, counts)
                return 1
            if counts["steps"] % 1000 == 0 and sys.stderr.isatty():
                print(f"{counts['steps']} steps", file=sys.stderr)
        summary(bench, counts)
        return 0
    except KeyboardInterrupt:
        summary(bench, counts)
        return 0
    finally:
        scene.remove_tree(work)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    p.add_argument("--compiler", default="gcc")
    p.add_argument("--seed", type=int, default=int(time.time()) % 1000000)
    p.add_argument("--steps", type=int, default=0)
    p.add_argument("--minutes", type=float, default=0)
    p.add_argument("--keep", help="where scripts of differences are written")
    p.add_argument("--replay", help="SEED:STEP: runs a seed up to a step and shows the last steps")
    p.add_argument("--no-reduce", action="store_true")
    p.add_argument("--soldr", default=os.environ.get("SOLDR_BIN", HERE + "/../../build/bin/soldr"))
    p.add_argument("--verbose", action="store_true")
    options = p.parse_args()
    if options.replay:
        options.seed, options.steps = map(int, options.replay.split(":"))
    options.soldr = os.path.realpath(options.soldr)
    if not os.access(options.soldr, os.X_OK):
        p.error(f"no soldr at {options.soldr}: run make, or set SOLDR_BIN")
    if not shutil.which(options.compiler):
        p.error(f"{options.compiler} is not installed")
    print(f"{options.compiler}: seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return soak(options)


if __name__ == "__main__":
    sys.exit(main())
