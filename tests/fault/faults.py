#!/usr/bin/env python3
"""Every system call of a compile made to fail, one at a time.

usage: faults.py [--scenario NAME,…] [--part N/M] [--list]

In each scenario a compile is run once to list its calls, then once for each call
and each way to fail: with an error at the Nth use, with one from the Nth use
on, or with half of the bytes. Whatever fails, the compile has to give the bare
compiler's bytes, messages and status; the store has to verify; a compile
that was no hit has to be counted under a reason; and the same compile without a
fault has to be right afterwards, and then to hit. --part takes every Mth case, each
call with one error then: the errors go round. Exit status 1: something was not so.
"""
import argparse
import itertools
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import scene
from scene import Failure

KEEP = 20      # of a call that is made often, so many uses at the beginning, at the end and between
# Found wrong once, and so in every part: scenario, call, what its path has in it, the fault.
ALWAYS = [
    ("filtered miss", "open", "/tree/" + scene.TEMP_PREFIX, "+:EMFILE"),
    ("filtered miss", "open", "/tree/" + scene.TEMP_PREFIX, ":ENOSPC"),
]
LATER_MAX = 3  # compiles until there is a hit again
ERRORS = ("ENOSPC", "EIO", "EACCES", "EMFILE", "EINTR", "EROFS")
LASTING = ("ENOSPC", "EIO", "EMFILE")
SHORT = ("read", "pread", "write", "writev")


class Scenario:
    def __init__(self, name, unit, prepare, first, keep=KEEP, config=""):
        self.name, self.unit, self.prepare, self.first, self.keep, self.config = name, unit, prepare, first, keep, config


def nothing(s, unit):
    pass


def stored(s, unit):
    s.compile(unit, "stored")
    s.compile(unit, "stored: a hit")


def edited(s, unit):
    stored(s, unit)
    s.put("inc2/value.h", "#define VALUE 43\n")


def touched(s, unit):
    stored(s, unit)
    s.put("inc2/value.h", scene.FILES["inc2/value.h"])


def shadowed(s, unit):
    stored(s, unit)
    s.put("inc1/value.h", "#define VALUE 44\n")


def crowded(s, unit):
    """A store above its limit: the next write evicts."""
    stored(s, unit)
    fill = os.environ.get("SOLDR_TEST_FILL", scene.ROOT + "/build/tests/fill")
    subprocess.run([fill, s.store, "200"], check=True, env=s.env)
    s.put("inc2/value.h", "#define VALUE 45\n")


# What the first compile without a fault is, by its counters.
SCENARIOS = [
    Scenario("miss", "warns", nothing, "miss", keep=1000),
    Scenario("filtered miss", "mmd", nothing, "miss"),
    Scenario("clang miss", "clang", nothing, "miss"),
    Scenario("header miss", "pch", nothing, "miss"),
    Scenario("failing compile", "fails", nothing, "bypass"),
    Scenario("hit", "warns", stored, "hit"),
    Scenario("edited header", "warns", edited, "miss"),
    Scenario("touched header", "warns", touched, "hit"),
    Scenario("shadowed header", "warns", shadowed, "miss"),
    Scenario("eviction", "plain", crowded, "miss", keep=6,
             config="version: 1\nbackends:\n  embedded: {options: {max_size: 1MiB}}\n"),
]


class Run:
    def __init__(self, scenario, tally):
        self.scenario, self.tally = scenario, tally
        self.s = scene.Scene([scenario.unit])
        self.unit = self.s.units[0]
        scenario.prepare(self.s, self.unit)
        if scenario.config:
            os.makedirs(self.s.root + "/config/soldr")
            with open(self.s.root + "/config/soldr/soldr.yaml", "w") as f:
                f.write(scenario.config)
        self.s.learn()
        scene.settle(self.s.root)
        self.saved = self.s.save("saved") if os.path.isdir(self.s.store) else None
        self.before = scene.counters(self.s.store)

    def calls(self):
        """What each call of the compile was about, in order, by its name: a path, or else a descriptor."""
        log = self.s.root + "/log/calls"
        if os.path.exists(log):
            os.unlink(log)
        self.s.restore(self.saved)
        self.s.compile(self.unit, "without a fault", scene.FAULTY, {"FAULT_LOG": log})
        after = scene.counters(self.s.store)
        if after[self.scenario.first] != self.before[self.scenario.first] + 1:
            raise Failure(f"{self.scenario.name}: without a fault it is no {self.scenario.first}: {after}")
        found, pipes = {}, set()
        with open(log) as f:
            for line in f:
                words = line.rstrip("\n").split("\t")
                if words[0] == "pipe2":
                    pipes.add(words[1])
                elif words[0] == "close":
                    pipes.discard(words[1])
                elif words[0] == "read" and words[1] in pipes:
                    words[1] = "pipe"
                found.setdefault(words[0], []).append(words[2] if len(words) > 2 and words[0] != "write" else words[1])
        return found

    def cases(self):
        self.uses = self.calls()
        for scenario, name, part, way in ALWAYS:
            if scenario == self.scenario.name:
                yield True, [f"{name}:{n + 1}{way}" for n, use in enumerate(self.uses.get(name, [])) if part in use]
        for name, count in sorted((n, len(u)) for n, u in self.uses.items()):
            numbers, keep = range(1, count + 1), self.scenario.keep
            if keep and count > 3 * keep:
                numbers = sorted({*range(1, keep + 1), *range(count - keep, count + 1), *range(1, count, max(1, count // keep))})
            for n in numbers:
                ways = [e for e in ERRORS] + (["short"] if name in SHORT else [])
                yield False, [f"{name}:{n}:{w}" for w in ways] + [f"{name}:{n}+:{w}" for w in LASTING]

    def case(self, fault):
        s, unit, name = self.s, self.unit, f"{self.scenario.name}: {fault}"
        s.restore(self.saved)
        s.clean(unit)
        done = s.run([scene.FAULTY], unit, {"FAULT": fault})
        if not self.is_excused(fault, done):
            s.expect(unit, s.result(unit, done), name)
            self.counted(fault, name)
        if litter := s.litter():
            if not fault.startswith("unlink"):
                raise Failure(f"{name}: left {litter}")
            for path in litter:
                os.unlink(path)
        s.verify(name, allowed=0)
        for later in range(1, LATER_MAX + 1):
            before = scene.counters(s.store)
            s.compile(unit, f"{name}: compile {later} after it")
            after = scene.counters(s.store)
            if self.scenario.first == "bypass" or after["hit"] == before["hit"] + 1:
                return
        raise Failure(f"{name}: there is no hit afterwards: {after}")

    def is_excused(self, fault, done):
        """What the compiler's own run would not survive, or the user has to mend: then soldr has to say so."""
        name, number, way = fault.split(":")
        first = int(number.rstrip("+"))
        met = self.uses[name][first - 1:] if number.endswith("+") else self.uses[name][first - 1:first]
        message = done.stderr.decode(errors="replace")
        if done.returncode == 111 and "/soldr.yaml" in message and (self.scenario.config or any("/soldr.yaml" in w for w in met)):
            self.tally.count("config unreadable")
        elif name in ("stat", "access") and first == 1 and done.returncode == 127 and "not found" in message:
            self.tally.count("compiler not found")
        elif name == "write" and any(w in ("1", "2") for w in met) and done.returncode == self.unit.want["status"] and not message:
            self.tally.count("stderr unwritable")
        elif name == "read" and "pipe" in met and way in ERRORS:
            self.tally.count("compiler unheard") # a pipe does not fail; and a compiler whose messages nobody takes does
        else:
            return False
        return True

    def counted(self, fault, name):
        """One compile more, with an outcome, and with a reason when it was no hit; unless the counters were what failed."""
        after = scene.counters(self.s.store)
        rose = {n: after[n] - self.before[n] for n in scene.COUNTERS}
        reasons = {n: v - self.before["reasons"].get(n, 0) for n, v in after["reasons"].items()}
        reasons = {n: v for n, v in reasons.items() if v}
        why = [n for n in reasons if n not in ("audit_lost", "journal_full")]
        if rose["compilations"] == 0 and self.may_be_uncounted(fault):
            self.tally.count("uncounted")
            return
        outcomes = sum(rose[n] for n in ("hit", "miss", "bypass", "passthrough", "error_hit", "fallback"))
        if rose["compilations"] != 1 or outcomes != 1 or len(why) != 1 - rose["hit"]:
            raise Failure(f"{name}: counted as {rose}, {reasons}")
        self.tally.count(next(n for n in ("hit", "miss", "bypass", "fallback") if rose[n]))
        for n in ("audit_lost", "disk_full", "store_failed"):
            self.tally.count(n, reasons.get(n, 0))

    def may_be_uncounted(self, fault):
        """The call belongs to making or mapping the file of counters or the cache root."""
        env = {"FAULT": fault, "FAULT_LOG": self.s.root + "/log/one"}
        if os.path.exists(env["FAULT_LOG"]):
            os.unlink(env["FAULT_LOG"])
        self.s.restore(self.saved)
        self.s.compile(self.unit, fault, scene.FAULTY, env)
        with open(env["FAULT_LOG"]) as f:
            text = f.read()
        opened = [l for l in text.split("\n") if l.startswith("open\t") and "/counters/" in l and not l.startswith("open\t-1")]
        # Either it was never opened, or it was and what came next on it failed.
        return not opened or fault.split(":")[0] in ("fstat", "fallocate", "mmap", "close")


def main():
    args = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].replace("usage: ", ""))
    args.add_argument("--scenario", default=",".join(x.name for x in SCENARIOS))
    args.add_argument("--part", default="")
    args.add_argument("--list", action="store_true", help="only how many calls there are")
    options = args.parse_args()
    step, parts = (int(x) for x in options.part.split("/")) if options.part else (0, 1)
    status = 0
    number = itertools.count()
    for scenario in SCENARIOS:
        if scenario.name not in options.scenario.split(","):
            continue
        tally = scene.Tally(scenario.name)
        if not scene.shutil.which(scene.UNITS[scenario.unit].words[0]):
            print(f"{scenario.name}: no {scene.UNITS[scenario.unit].words[0]}: left out")
            continue
        run = Run(scenario, tally)
        if options.list:
            print(f"{scenario.name}: {sum(map(len, run.calls().values()))} calls, {sum(len(ways) for _, ways in run.cases())} cases")
            run.s.release()
            continue
        for always, ways in run.cases():
            n = next(number)
            if options.part and not always:
                ways = [ways[n // parts % len(ways)]] if n % parts == step % parts else []
            for fault in ways:
                tally.case(run.case, fault)
        status |= tally.end()
        run.s.release()
    return status


if __name__ == "__main__":
    sys.exit(main())
