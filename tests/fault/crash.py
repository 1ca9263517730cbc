#!/usr/bin/env python3
"""soldr killed at every system call, at every call of its table, and at random times; power lost.

usage: crash.py [--calls STEP] [--table STEP] [--random N] [--power N] [--seed N]

calls    kill -9 at each STEPth system call of a miss, of a hit and of a miss that
         replaces files (by ptrace)
table    kill -9 at each STEPth call of the table, and in the middle of each write
random   N kills at random times of compiles that go on side by side over one store
power    N states of the disk after power was lost: soldr syncs nothing, so of what
         it wrote in the last seconds each file may be as it was before, empty, cut,
         full of zeros in places, or there

After each: `soldr cache verify` finds no damaged file (power: any), none is found
after --repair, every unit of the tree is right and then hits, and of what was
stored before at most what was being written is lost. Exit status 1: not so.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import scene
from scene import Failure

UNITS = ["warns", "mmd", "plain", "assembled"]
JOBS, BATCH = 4, 100 # random kills at once, and between two looks
EDITED = {"inc2/level.h": "#define LEVEL 2\n"} # of the victim alone


def edit(s):
    for name, text in EDITED.items():
        s.put(name, text)
    s.learn()
    scene.settle(s.root)


class Crash:
    def __init__(self, tally):
        self.tally = tally
        self.s = scene.Scene(UNITS)
        self.victim, self.others = self.s.units[0], self.s.units[1:]
        for u in self.s.units:
            self.s.compile(u, "stored")
        self.full = self.s.save("full")
        for f in self.entries():
            os.unlink(f"{self.s.store}/{f}")
        for u in self.others:
            self.s.compile(u, "stored")
        self.without = self.s.save("without")

    def entries(self):
        """Files of the victim: the entries, manifests and histories are named by digests, so by what one compile adds."""
        s = self.s
        have = set(s.store_files())
        s.put("warns.c", scene.FILES["warns.c"] + "int more;\n")
        s.restore(None)
        for u in self.others:
            s.compile(u, "stored")
        others = {f for f in s.store_files() if f[-2:] in (".e", ".m", ".h", ".p")}
        s.put("warns.c", scene.FILES["warns.c"])
        s.restore(self.full)
        scene.settle(s.root)
        return [f for f in have if f[-2:] in (".e", ".m", ".h", ".p") and f not in others]

    def survives(self, name, hits_before):
        """What is promised after a kill."""
        s = self.s
        s.verify(name, allowed=0)
        kept = 0
        for u in self.others:
            before = scene.counters(s.store)["hit"]
            s.compile(u, f"{name}: what was stored before")
            kept += scene.counters(s.store)["hit"] - before
        if kept < hits_before:
            raise Failure(f"{name}: {hits_before - kept} results of others are lost")
        s.compile(self.victim, f"{name}: the victim again")
        before = scene.counters(s.store)
        s.compile(self.victim, f"{name}: and once more")
        after = scene.counters(s.store)
        if after["hit"] != before["hit"] + 1:
            raise Failure(f"{name}: there is no hit afterwards: {after}")
        self.plausible(name, after)

    def plausible(self, name, c):
        outcomes = sum(c[n] for n in ("hit", "miss", "bypass", "passthrough", "error_hit", "fallback"))
        if not 0 <= c["compilations"] - outcomes <= 1 or c["compilations"] > 100000:
            raise Failure(f"{name}: counters are {c}")

    def swept(self, name):
        """Temporary files in the store go once they are a day old."""
        s = self.s
        litter = s.litter(s.store + "/embedded")
        shards = [p for p in litter if len(os.path.basename(os.path.dirname(p))) == 2]
        for p in shards:
            old = time.time() - 2 * 86400
            os.utime(p, (old, old))
        if shards:
            s.verb("cache", "verify", "--repair")
            if left := [p for p in shards if os.path.exists(p)]:
                raise Failure(f"{name}: {left} is not swept")
            self.tally.count("temporary files swept", len(shards))

    def one(self, name, saved, run):
        s = self.s
        s.restore(saved)
        s.clean(self.victim)
        for path in s.litter():
            os.unlink(path)
        done = run()
        scene.reap() # the compiler of a soldr that was killed goes on
        self.check_victim(name, done)
        self.swept(name)
        self.survives(name, len(self.others))

    def check_victim(self, name, done):
        """An output is whole or not there; and an object is not there without its depfile."""
        got = self.s.result(self.victim, done)
        outputs = {o: got[o] for o in self.victim.outputs}
        if self.ran_compiler:
            return # a compiler that goes on alone, or was cut off, writes what it does
        for o, data in outputs.items():
            if data is not None and data != self.victim.want[o]:
                raise Failure(f"{name}: {o} is written by half")
        if outputs["warns.o"] is not None and outputs["warns.d"] is None:
            raise Failure(f"{name}: an object without its depfile")

    def modes(self):
        """Name, store before, whether the compiler runs."""
        yield "miss", self.without, True
        yield "hit", self.full, False
        edit(self.s)
        yield "replaced", self.full, True

    def at_calls(self, step):
        for mode, saved, runs in self.modes():
            self.ran_compiler = runs
            self.s.restore(saved)
            done = self.s.run([scene.KILLAT, "0", scene.SOLDR], self.victim)
            if done.returncode:
                print(f"crash: no ptrace here: {done.stderr.decode()}: calls are left out")
                return
            calls = int(done.stdout.split()[-1])
            self.tally.count(f"system calls of a {mode}", calls)
            for n in range(step, calls + 1, step):
                self.tally.case(self.one, f"{mode}: killed at system call {n}", saved,
                                lambda n=n: self.s.run([scene.KILLAT, str(n), scene.SOLDR], self.victim))

    def at_table(self, step):
        log = self.s.root + "/log/calls"
        for mode, saved, runs in self.modes():
            self.ran_compiler = runs
            self.s.restore(saved)
            if os.path.exists(log):
                os.unlink(log)
            self.s.run([scene.FAULTY], self.victim, {"FAULT_LOG": log})
            with open(log) as f:
                names = [l.split("\t")[0] for l in f]
            # Counting the shards of a new store is 256 times the same.
            numbers = [n for n, name in enumerate(names, 1) if name != "opendir" or names[n - 2] != "opendir"]
            faults = [f"any:{n}:kill" for n in numbers[::step]]
            faults += [f"write:{n}:torn" for n in range(1, names.count("write") + 1)]
            for fault in faults:
                self.tally.case(self.one, f"{mode}: {fault}", saved, lambda f=fault: self.s.run([scene.FAULTY], self.victim, {"FAULT": f}))

    def at_random(self, count, rng):
        """Jobs over one store, each with a tree of its own name; every one is killed after a random time."""
        s = self.s
        s.restore(self.full)
        self.ran_compiler = True
        longest = 0.05 # a kill that comes too late makes the next ones sooner, and the other way round
        done = number = 0
        while done < count:
            stop, running = min(done + BATCH, count), []
            while done < stop or running:
                while len(running) < JOBS and done + len(running) < stop:
                    number += 1
                    running.append((self.start(number), time.monotonic() + rng.uniform(0, longest)))
                for p, when in list(running):
                    if p.poll() is None and time.monotonic() >= when:
                        os.killpg(p.pid, signal.SIGKILL)
                        p.wait()
                    if p.poll() is None:
                        continue
                    running.remove((p, when))
                    killed = p.returncode < 0
                    longest *= 1.03 if killed else 0.97
                    done += killed
                    self.tally.count("killed" if killed else "ended before it was to be killed")
                time.sleep(0.0005)
            scene.reap()
            self.tally.case(self.survives, f"after {done} random kills", 0)
        self.tally.case(self.swept, "after random kills")

    def start(self, number):
        """A compile of its own: a miss, and every third time something that was stored."""
        s = self.s
        unit = s.units[number % len(s.units)]
        words = [w for w in unit.words if w not in ("-MD", "-MMD", "-MF", "warns.d")]
        words[words.index("-o") + 1] = f"{s.root}/log/out{number % JOBS}.o"
        own = [] if number % 3 == 0 else [f"-DN{number}"]
        return subprocess.Popen([scene.SOLDR] + words + own, cwd=s.tree, env=s.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    # ---- power ------------------------------------------------------------------------

    def lose_power(self, count, rng):
        """Of what a compile did to the store, each file's last state may be missing, or its data."""
        for mode, saved, runs in self.modes():
            s = self.s
            s.restore(saved)
            before = {f: open(f"{s.store}/{f}", "rb").read() for f in s.store_files()}
            states = self.record()
            for n in range(count):
                self.tally.case(self.power_case, f"power lost, {mode} {n}", saved, before, states, random.Random(rng.random()))

    def record(self):
        """Every content that each file of the store had under its own name, in order, from the log of writes and renames."""
        s, log = self.s, self.s.root + "/log/power"
        if os.path.exists(log):
            os.unlink(log)
        s.clean(self.victim)
        s.run([scene.FAULTY], self.victim, {"FAULT_LOG": log})
        path_of, data, states = {}, {}, {}
        with open(log) as f:
            for line in f:
                w = line.rstrip("\n").split("\t")
                if w[0] == "open" and w[1] != "-1" and w[2].startswith(s.store):
                    path_of[w[1]] = w[2]
                    data.setdefault(w[2], bytearray())
                elif w[0] == "close":
                    path_of.pop(w[1], None)
                elif w[0] == "write" and w[1] in path_of:
                    data[path_of[w[1]]] += bytes.fromhex(w[2])
                elif w[0] in ("rename", "exchange") and w[1] == "0" and w[3].startswith(s.store):
                    states.setdefault(os.path.relpath(w[3], s.store), []).append(bytes(data.get(w[2], b"")))
        # Mapped files and the journal: as they are at the end.
        for f in s.store_files():
            if f not in states:
                states[f] = [open(f"{s.store}/{f}", "rb").read()]
        return states

    def damage(self, data, rng):
        kind = rng.choice(["whole", "empty", "cut", "zeros", "zeros at the end", "block"])
        at = rng.randrange(len(data) + 1)
        if kind == "empty":
            return b""
        if kind == "cut":
            return data[:at]
        if kind == "zeros":
            return bytes(len(data))
        if kind == "zeros at the end":
            return data[:at] + bytes(len(data) - at)
        if kind == "block":
            at = at // 512 * 512
            return data[:at] + bytes(min(512, len(data) - at)) + data[at + 512:]
        return data

    def power_case(self, name, saved, before, states, rng):
        s = self.s
        s.restore(saved)
        for f, versions in states.items():
            choice = rng.choice(["before", "now", "damaged", "damaged", "gone"])
            path = f"{s.store}/{f}"
            if choice == "before" and f in before:
                data = before[f]
            elif choice in ("gone", "before"):
                if f in before and choice == "gone":
                    continue # a file that was there for long stays as it was
                if os.path.exists(path):
                    os.unlink(path)
                continue
            else:
                data = rng.choice(versions)
                data = self.damage(data, rng) if choice == "damaged" else data
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            with open(path, "wb") as out:
                out.write(data)
        if rng.random() < 0.5:
            self.tally.count("damaged files found", s.verify(name, repair=True)["files_corrupt"])
            s.verify(name + ": after --repair", allowed=0)
        for u in s.units:
            s.compile(u, name)
        for u in s.units: # and it goes on as if nothing had been
            s.compile(u, name + ": again")
        s.verify(name + ": in the end", repair=True) # what was damaged and nobody asked for
        s.verify(name + ": in the end", allowed=0)
        if not self.hits(s.units):
            raise Failure(f"{name}: no hits in the end")

    def hits(self, units):
        before = scene.counters(self.s.store)["hit"]
        for u in units:
            self.s.compile(u, "in the end")
        return scene.counters(self.s.store)["hit"] == before + len(units)


def main():
    args = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].replace("usage: ", ""))
    for name, default in (("calls", 1), ("table", 1), ("random", 1000), ("power", 200), ("seed", 1)):
        args.add_argument("--" + name, type=int, default=default)
    o = args.parse_args()
    status = 0
    scene.adopt()
    rng = random.Random(o.seed)
    for what, run in (("calls", lambda c: c.at_calls(o.calls)), ("table", lambda c: c.at_table(o.table)),
                      ("random", lambda c: c.at_random(o.random, rng)), ("power", lambda c: c.lose_power(o.power, rng))):
        if not getattr(o, what):
            continue
        tally = scene.Tally("crash, " + what)
        crash = Crash(tally)
        run(crash)
        status |= tally.end()
        crash.s.release()
    return status


if __name__ == "__main__":
    sys.exit(main())
