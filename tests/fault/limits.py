#!/usr/bin/env python3
"""What soldr does with sizes that nobody meant: results right, memory bounded, time in proportion.

usage: limits.py [--case NAME,…]

Each case is compiled bare, as a miss and as a hit, at a size and at twice that size. Object and status
have to be the same, soldr's memory below the bound that docs/reliability.md states, and the
processor time of the larger one at most three times that of the smaller. Exit status 1: not so.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import scene
from scene import Failure

MIB = 1 << 20
GROWTH, SLACK_SECONDS = 3.0, 0.15


class Place:
    def __init__(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="soldr-limits."))
        self.tree, self.store = self.root + "/tree", self.root + "/store"
        os.makedirs(self.tree)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.root, "LC_ALL": "C", "SOLDR_CACHE_DIR": self.store}

    def release(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def put(self, name, text):
        os.makedirs(os.path.dirname(f"{self.tree}/{name}"), exist_ok=True)
        with open(f"{self.tree}/{name}", "w") as f:
            f.write(text)

    def run(self, words):
        """Status, messages and object, peak memory of the process itself and its own processor time."""
        for name in ("x.o", "x.d"):
            if os.path.exists(f"{self.tree}/{name}"):
                os.unlink(f"{self.tree}/{name}")
        with open(self.root + "/messages", "w+b") as messages:
            # Of soldr alone: the compiler's memory is in a child of its own, so it is read from /proc at the end (VmHWM).
            p = subprocess.Popen(words, cwd=self.tree, env=self.env, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)
            peak = 0
            while True:
                try:
                    with open(f"/proc/{p.pid}/status") as f:
                        for line in f:
                            if line.startswith("VmHWM"):
                                peak = max(peak, int(line.split()[1]) << 10)
                except (OSError, ValueError):
                    pass
                pid, status, usage = os.wait4(p.pid, os.WNOHANG)
                if pid:
                    p.returncode = os.waitstatus_to_exitcode(status)
                    break
                time.sleep(0.002)
            messages.seek(0)
            said = messages.read()
        return p.returncode, said, self.digest("x.o"), peak, usage.ru_utime + usage.ru_stime

    def digest(self, name):
        h = hashlib.sha256()
        try:
            with open(f"{self.tree}/{name}", "rb") as f:
                while chunk := f.read(MIB):
                    h.update(chunk)
        except FileNotFoundError:
            return None
        return h.hexdigest()


def headers(place, n):
    for i in range(n):
        place.put(f"h/{i // 1000}/{i}.h", f"#define H{i}\n")
    place.put("x.c", "".join(f'#include "h/{i // 1000}/{i}.h"\n' for i in range(n)) + "int x;\n")
    return "gcc -c x.c -o x.o".split()


def response_blank(place, n):
    place.put("x.c", "int x = A;\n")
    place.put("args", "-DA=1 " + " \n" * (n // 2) + " -c x.c -o x.o")
    return ["gcc", "@args"]


def response_words(place, n):
    place.put("x.c", "int x = N7;\n")
    place.put("args", "\n".join(f"-DN{i}={i}" for i in range(n // 16)) + "\n-c x.c -o x.o")
    return ["clang", "@args"]


def arguments(place, n):
    """Nearly as many as GCC can pass on to itself in a variable."""
    place.put("x.c", "int x = N7;\n")
    return ["gcc"] + [f"-DN{i}={i}" for i in range(n)] + "-c x.c -o x.o".split()


def object_of(place, n):
    place.put("x.S", f"\t.data\n\t.fill {n // 8}, 8, 0x0123456789abcdef\n")
    return "gcc -c x.S -o x.o".split()


def source_of(place, n):
    place.put("x.c", "int x;\n" + "/* " + "a" * 75 + " */\n" * 1 + ("/* " + "b" * 74 + " */\n") * (n // 80))
    return "gcc -c x.c -o x.o".split()


def messages_of(place, n):
    place.put("x.c", "".join(f"int f{i}(void) {{ int v; return {i}; }}\n" for i in range(n)))
    return "gcc -Wall -c x.c -o x.o".split()


# Name, how it is made, the smaller size, bound of soldr's memory at twice that size.
CASES = {
    "headers": (headers, 50000, 256 * MIB),
    "response file of blanks": (response_blank, 5 * MIB, 96 * MIB),
    "response file of words": (response_words, 5 * MIB, 512 * MIB),
    "arguments": (arguments, 3000, 96 * MIB),
    "source": (source_of, 32 * MIB, 256 * MIB),
    "messages": (messages_of, 3000, 96 * MIB),
    "object": (object_of, 480 * MIB, 2304 * MIB),
    "object above max_entry_size": (object_of, 640 * MIB, 2304 * MIB),
}


def measure(name, make, n):
    place = Place()
    try:
        words = make(place, n)
        scene.settle(place.root)
        bare = place.run(words)
        miss = place.run([scene.SOLDR] + words)
        hit = place.run([scene.SOLDR] + words)
        counted = scene.counters(place.store)
        for what, got in (("miss", miss), ("hit", hit)):
            if got[:3] != bare[:3]:
                raise Failure(f"{name}, {n}: the {what} is not the compiler's result: {str(got[:3])[:300]}, not {str(bare[:3])[:300]}")
        return bare, miss, hit, counted
    finally:
        place.release()


def check(name, make, n, bound):
    small, large = measure(name, make, n), measure(name, make, 2 * n)
    reasons = ", ".join(f"{k} {v}" for k, v in large[3]["reasons"].items() if k != "not_seen")
    print(f"{name}: {n} and {2 * n}: peak {small[1][3] // MIB} and {large[1][3] // MIB} MiB on a miss, {small[2][3] // MIB} and "
          f"{large[2][3] // MIB} on a hit; {large[3]['hit']} hits{'; ' + reasons if reasons else ''}; hit "
          f"{small[2][4]:.2f} and {large[2][4]:.2f} s of the processor, bare {large[0][4]:.2f}", flush=True)
    for what, i in (("miss", 1), ("hit", 2)):
        if large[i][3] > bound:
            raise Failure(f"{name}: {large[i][3] // MIB} MiB on a {what}, more than {bound // MIB}")
    own = [max(0.0, m[1][4] - m[0][4]) for m in (small, large)] # a miss without its compiler
    for what, (a, b) in (("miss", own), ("hit", (small[2][4], large[2][4]))):
        if b > GROWTH * a + SLACK_SECONDS:
            raise Failure(f"{name}: a {what} takes {b:.2f} s at twice the size of one that takes {a:.2f} s")


def main():
    args = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].replace("usage: ", ""))
    args.add_argument("--case", default=",".join(CASES))
    tally = scene.Tally("limits")
    for name in args.parse_args().case.split(","):
        make, n, bound = CASES[name]
        tally.case(check, name, make, n, bound)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
