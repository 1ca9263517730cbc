#!/usr/bin/env python3
"""Files of the store damaged at random: what is served is right all the same.

usage: corrupt.py [--number N] [--seed N]

Each of N times (10,000) one file below the cache root is damaged: a bit flipped, cut
at any length, bytes appended, a block overwritten, emptied, or swapped for another whole
and valid one; entries, manifests, records, histories, what was learnt of compilers, the
mapped files (sizes, outputs, digests, counters) and the journal, each as often as
the others. Then the unit that the file belongs to is compiled. Its object, depfile,
messages and status have to be the bare compiler's, no program may crash or hang, and:

- damage to an entry or manifest that the compile reads is counted (entry_corrupt), and
  the unit hits the time after;
- `soldr cache verify --repair`, `stats` and `why` do not stumble over what there is.

Exit status 1: not so.
"""
import argparse
import os
import random
import shutil
import sys

sys.dont_write_bytecode = True
import scene
from scene import Failure

UNITS = ["warns", "mmd", "plain", "assembled", "pch", "uses", "cxx", "clang"]
VERBS = [("stats", "--json"), ("why", "--json"), ("cache", "verify", "--repair", "--json"), ("cache", "size"), ("report",)]
VERBS_EVERY = 20


class Corruption:
    def __init__(self, tally):
        self.tally = tally
        self.s = scene.Scene(UNITS)
        self.owner = {}
        for u in self.s.units:
            before = set(self.s.store_files())
            self.s.compile(u, "stored")
            for f in set(self.s.store_files()) - before:
                self.owner[f] = u
        for u in self.s.units:
            self.s.compile(u, "stored: a hit")
        self.files = {}
        for f in self.s.store_files():
            with open(f"{self.s.store}/{f}", "rb") as at:
                self.files[f] = at.read()
        self.saved = self.s.save("saved")
        self.kinds = {}
        for f in self.files:
            self.kinds.setdefault(self.kind(f), []).append(f)
        self.header = f"{self.s.tree}/pch.h.gch"
        shutil.copy2(self.header, self.s.root + "/header")

    @staticmethod
    def kind(f):
        parts = f.split("/")
        if parts[0] != "embedded":
            return parts[0]
        if len(parts) == 4 and len(parts[2]) == 2:
            return {"m": "manifest", "e": "entry", "p": "record", "h": "history"}[f[-1]]
        return "compilers" if parts[2] == "compilers" else parts[2]

    def damaged(self, f, data, rng):
        how = rng.choice(["flip", "flip", "flip", "cut", "more", "block", "empty", "swap"])
        if how == "swap":
            others = [o for o in self.kinds[self.kind(f)] if o != f]
            if others:
                return how, self.files[rng.choice(others)]
            how = "flip"
        if how == "flip" and data:
            at = rng.randrange(len(data))
            return how, data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
        if how == "cut" and data:
            return how, data[:rng.randrange(len(data))]
        if how == "block" and data:
            at, n = rng.randrange(len(data)), rng.randrange(1, 200)
            return how, (data[:at] + rng.randbytes(n) + data[at + n:])[:max(len(data), 1)]
        if how == "more":
            return how, data + rng.randbytes(rng.randrange(1, 5000))
        return "empty", b""

    def case(self, number, rng):
        s = self.s
        kind = rng.choice(sorted(self.kinds))
        f = rng.choice(self.kinds[kind])
        how, data = self.damaged(f, self.files[f], rng)
        unit = self.owner.get(f) or rng.choice(s.units)
        name = f"{number}: {kind} {f}, {how}"
        with open(f"{s.store}/{f}", "wb") as out:
            out.write(data)
        try:
            self.judge(name, kind, unit, data != self.files[f], number)
        finally:
            self.mend()
        self.tally.count(how)

    def judge(self, name, kind, unit, differs, number):
        s = self.s
        if number % VERBS_EVERY == 0:
            for words in VERBS[:2]:
                self.verb(name, words)
        before = scene.counters(s.store)
        s.compile(unit, name)
        after = scene.counters(s.store)
        reasons = {n: v - before["reasons"].get(n, 0) for n, v in after["reasons"].items()}
        if kind in ("entry", "manifest") and differs and reasons.get("entry_corrupt", 0) != 1:
            raise Failure(f"{name}: {unit.name}: not noticed: {reasons}")
        self.tally.count("noticed", reasons.get("entry_corrupt", 0) if kind != "counters" else 0)
        if kind in ("entry", "manifest"):
            middle = scene.counters(s.store)
            s.compile(unit, name + ": mended")
            if scene.counters(s.store)["hit"] != middle["hit"] + 1:
                raise Failure(f"{name}: {unit.name}: it is not mended")
        if number % VERBS_EVERY == 0:
            for words in VERBS[2:]:
                self.verb(name, words)

    def verb(self, name, words):
        done = self.s.verb(*words)
        if done.returncode not in (0, 1, 111) or done.returncode == 111 and "soldr: " not in done.stderr:
            raise Failure(f"{name}: soldr {' '.join(words)}: status {done.returncode}: {done.stdout}{done.stderr}")

    def mend(self):
        """Every file as it was; the precompiled header as well, which GCC never makes twice alike."""
        s = self.s
        shutil.copy2(s.root + "/header", self.header)
        for f in s.store_files():
            if f not in self.files:
                os.unlink(f"{s.store}/{f}")
        for f, data in self.files.items():
            path = f"{s.store}/{f}"
            try:
                with open(path, "rb") as now:
                    if now.read() == data:
                        continue
            except OSError:
                pass
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            with open(path, "wb") as out:
                out.write(data)


def main():
    args = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].replace("usage: ", ""))
    args.add_argument("--number", type=int, default=10000)
    args.add_argument("--seed", type=int, default=1)
    o = args.parse_args()
    tally = scene.Tally("corruption")
    c = Corruption(tally)
    for n in range(o.number):
        tally.case(c.case, n, random.Random(f"{o.seed} {n}"))
    c.s.release()
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
