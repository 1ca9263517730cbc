#!/usr/bin/env python3
"""Many processes over one small store for a while, with everything that goes wrong at once.

usage: soak.py [--minutes M | --compiles N] [--processes N] [--cap MiB] [--seed N]

64 processes compile at random out of a set of sources and headers that is several times as large
as the store may be, so that it is evicted from all the time. A quarter of them is a soldr of
another version, whose files have other format numbers under the same names. Some are killed, some
have a system call that fails; and the disk is full for spells, where a file system of that size may
be mounted (root). Checked:

- every compile that was not killed gives the bare compiler's bytes, messages and status;
- counters and journal add up: each compile is counted once, with one outcome, and has a line or is
  counted as lost; those that were killed may be missing;
- the store never holds twice its limit, and keeps to it in the end; every file left is in order.

Exit status 1: not so.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import scene
from scene import Failure

KILLED, FAULTY, OTHER = 0.03, 0.04, 0.25  # shares of the compiles
FAULTS = [f"{name}:{n}{on}:{why}" for name in ("write", "rename", "exchange", "mkdir", "futimens", "unlink")
          for n in (1, 2, 3) for on in ("", "+") for why in ("ENOSPC", "EIO", "EMFILE")]
SOURCES, HEADERS, OWN_BYTES = 40, 5, 6000
STORE_MIB = 64 # of the file system; the journal grows in it
SPELL_SECONDS, BETWEEN_SECONDS = 1.0, 3.0


class Soak:
    def __init__(self, options, rng):
        self.o, self.rng, self.lock = options, rng, threading.Lock()
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="soldr-soak."))
        self.tree, self.store = self.root + "/tree", os.environ.get("SOAK_STORE", self.root + "/store")
        os.makedirs(self.tree)
        os.makedirs(self.store, 0o700, exist_ok=True)
        os.makedirs(self.root + "/config/soldr")
        with open(self.root + "/config/soldr/soldr.yaml", "w") as f:
            f.write(f"version: 1\nbackends:\n  embedded: {{options: {{max_size: {options.cap}MiB}}}}\n")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.root, "XDG_CONFIG_HOME": self.root + "/config",
                    "LC_ALL": "C", "SOLDR_CACHE_DIR": self.store}
        self.env.update({n: os.environ[n] for n in scene.SANITIZERS if n in os.environ})
        self.counts = {n: 0 for n in ("compiled", "killed", "with a fault", "by the other version", "spells of a full disk")}
        self.failures, self.peak, self.stop = [], 0, threading.Event()
        self.make_tree()

    def make_tree(self):
        for n in range(HEADERS):
            os.makedirs(f"{self.tree}/h{n}")
            with open(f"{self.tree}/h{n}/value.h", "w") as f:
                f.write(f"#define VALUE {n}\n")
        for n in range(SOURCES):
            noise = random.Random(n)
            table = ",".join(str(noise.getrandbits(31)) for _ in range(OWN_BYTES // 4))
            warning = "int unused; " if n % 4 == 0 else ""
            with open(f"{self.tree}/s{n}.c", "w") as f:
                f.write(f'#include "value.h"\nint f{n}(int a) {{ {warning}return a + VALUE; }}\nint t{n}[] = {{{table}}};\n')
        scene.settle(self.tree)
        self.requests = [(s, h) for s in range(SOURCES) for h in range(HEADERS)]
        self.rng.shuffle(self.requests)
        self.want = {}

    def words(self, request, out):
        return ["gcc", "-Wall", f"-Ih{request[1]}", "-c", f"s{request[0]}.c", "-o", out]

    def expected(self, request):
        """By the bare compiler, once for each request."""
        with self.lock:
            if request in self.want:
                return self.want[request]
        out = f"{self.root}/want-{threading.get_ident()}.o"
        done = subprocess.run(self.words(request, out), cwd=self.tree, env=self.env, capture_output=True)
        with open(out, "rb") as f:
            got = (done.returncode, done.stdout, done.stderr, f.read())
        os.unlink(out)
        with self.lock:
            self.want[request] = got
        return got

    def count(self, name):
        with self.lock:
            self.counts[name] += 1

    def fail(self, text):
        with self.lock:
            self.failures.append(text)
            if len(self.failures) <= 20:
                print(f"soak: {text}", flush=True)

    def once(self, rng, out):
        request = rng.choice(self.requests)
        want = self.expected(request)
        env, soldr, what = self.env, scene.SOLDR, "soldr"
        p = rng.random()
        if p < FAULTY:
            soldr, env = scene.FAULTY, {**env, "FAULT": rng.choice(FAULTS)}
            what = "with a fault"
            self.count(what)
        elif p < FAULTY + OTHER:
            soldr, what = scene.OTHER, "by the other version"
            self.count(what)
        killed = rng.random() < KILLED
        child = subprocess.Popen([soldr] + self.words(request, out), cwd=self.tree, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        if killed:
            time.sleep(rng.uniform(0, 0.2))
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            stdout, stderr = child.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            self.fail(f"{request} {what}: hangs")
            return
        if killed and child.returncode < 0:
            self.count("killed")
            return
        self.count("compiled")
        try:
            with open(out, "rb") as f:
                data = f.read()
        except OSError:
            data = None
        got = (child.returncode, stdout, stderr, data)
        # What was to be written to standard error was made to fail.
        excused = what == "with a fault" and "write" in env["FAULT"] and got[:2] + got[3:] == want[:2] + want[3:] and want[2].startswith(got[2])
        if got != want and not excused:
            part = next(n for n, g, w in zip(("status", "stdout", "stderr", "object"), got, want) if g != w)
            self.fail(f"{request} {what} {env.get('FAULT', '')}: {part} differs: {str(got)[:300]}")

    def work(self, number):
        rng = random.Random(f"{self.o.seed} {number}")
        done = 0
        while not self.stop.is_set() and not (self.o.compiles and done >= self.o.compiles // self.o.processes):
            out = f"{self.root}/out-{number}-{done}.o"
            try:
                self.once(rng, out)
            except OSError as e:
                self.fail(f"the test itself: {e}")
            if os.path.exists(out):
                os.unlink(out)
            done += 1

    def held(self):
        """Bytes of the store's files, in blocks."""
        total = 0
        for at, _, names in os.walk(self.store + "/embedded/v1"):
            if at.endswith("/v1") or len(os.path.basename(at)) != 2:
                continue # the limit is for the shards; mapped files beside them have fixed sizes
            for n in names:
                try:
                    if not n.startswith(scene.TEMP_PREFIX):
                        total += (os.stat(f"{at}/{n}").st_size + 4095) // 4096 * 4096
                except OSError:
                    pass
        return total

    def watch(self):
        while not self.stop.wait(0.05):
            self.peak = max(self.peak, self.held())

    def fill(self):
        """Spells in which the disk of the store is full."""
        while self.o.mounted and not self.stop.wait(self.rng.uniform(0, 2 * BETWEEN_SECONDS)):
            path = self.store + "/filler"
            self.count("spells of a full disk")
            try:
                with open(path, "wb", buffering=0) as f:
                    while True:
                        f.write(bytes(4096))
            except OSError:
                pass
            self.stop.wait(self.rng.uniform(0, 2 * SPELL_SECONDS))
            os.unlink(path)

    def run(self):
        subprocess.run([scene.SOLDR] + self.words(self.requests[0], self.root + "/first.o"), cwd=self.tree, env=self.env, check=True,
                       capture_output=True)
        workers = [threading.Thread(target=self.work, args=(n,)) for n in range(self.o.processes)]
        others = [threading.Thread(target=self.watch), threading.Thread(target=self.fill)]
        begun = time.monotonic()
        for t in workers + others:
            t.start()
        if not self.o.compiles:
            self.stop.wait(self.o.minutes * 60)
            self.stop.set()
        for t in workers:
            t.join()
        self.stop.set()
        for t in others:
            t.join()
        self.seconds = time.monotonic() - begun

    def judge(self):
        c, compiled, killed = scene.counters(self.store), self.counts["compiled"] + 1, self.counts["killed"]
        outcomes = sum(c[n] for n in ("hit", "miss", "bypass", "passthrough", "error_hit", "fallback"))
        lost = c["reasons"].get("audit_lost", 0)
        lines = self.journal_lines()
        if not compiled <= c["compilations"] <= compiled + killed:
            self.fail(f"{compiled} compiled and {killed} killed, but {c['compilations']} were counted")
        if not c["compilations"] - killed <= outcomes <= c["compilations"]:
            self.fail(f"the outcomes of {c['compilations']} compiles are {outcomes}")
        # One of those that are counted as lost may have its line, and lack events alone.
        if lines + lost < compiled or lines > compiled + killed:
            self.fail(f"{compiled} compiled and {killed} killed, but {lines} lines in the journal and {lost} lost")
        cap = self.o.cap << 20
        if self.peak > 2 * cap:
            self.fail(f"the store held {self.peak} bytes, of {cap} allowed")
        verify = subprocess.run([scene.SOLDR, "cache", "verify", "--repair", "--json"], env=self.env, capture_output=True, text=True)
        files = scene.json.loads(verify.stdout)
        ours = [d for d in files["damaged"] if "another format" not in d and "it is something else" not in d]
        if ours:
            self.fail(f"damaged files are left: {ours[:5]}")
        subprocess.run([scene.SOLDR, "cache", "evict"], env=self.env, capture_output=True)
        if self.held() > cap:
            self.fail(f"in the end the store holds {self.held()} bytes, of {cap} allowed")
        counted = ", ".join(f"{v} {n}" for n, v in self.counts.items() if v)
        reasons = ", ".join(f"{n} {v}" for n, v in sorted(c["reasons"].items(), key=lambda r: -r[1]) if n != "none")
        print(f"soak: {self.o.processes} processes, {self.seconds:.0f} s: {counted}; {c['hit']} hits, {c['miss']} misses, "
              f"{c['fallback']} fallbacks ({reasons}); the store held {self.peak >> 10} KiB at most, of {cap >> 10}; "
              f"{len(self.failures)} failed")
        return 1 if self.failures else 0

    def journal_lines(self):
        lines = 0
        for at, _, names in os.walk(self.store + "/runs"):
            for n in names:
                if n == "journal.jsonl":
                    with open(f"{at}/{n}", "rb") as f:
                        lines += sum(1 for l in f if l.rstrip(b"\n").endswith(b"}") and b'{"schema":"soldr.journal.v1"' in l)
        return lines


def remount(argv):
    """Runs itself again with the store on a small file system of its own, where that may be made."""
    probe = os.path.realpath(tempfile.mkdtemp(prefix="soldr-soak."))
    command = f'mount -t tmpfs -o size={STORE_MIB}m,mode=700 none "{probe}" && SOAK_STORE="{probe}" exec "$@"'
    try:
        if shutil.which("unshare") and subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", probe],
                                                      capture_output=True).returncode == 0:
            return subprocess.run(["unshare", "-m", "sh", "-c", command, "sh", sys.executable] + argv).returncode
    finally:
        os.rmdir(probe)
    print("soak: no file system may be mounted here: the disk is full by failing calls alone")
    return None


def main():
    args = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].replace("usage: ", ""))
    args.add_argument("--minutes", type=float, default=10)
    args.add_argument("--compiles", type=int, default=0)
    args.add_argument("--processes", type=int, default=64)
    args.add_argument("--cap", type=int, default=2)
    args.add_argument("--seed", type=int, default=1)
    options = args.parse_args()
    options.mounted = "SOAK_STORE" in os.environ
    if not options.mounted:
        status = remount(sys.argv)
        if status is not None:
            return status
    soak = Soak(options, random.Random(options.seed))
    try:
        soak.run()
        return soak.judge()
    finally:
        shutil.rmtree(soak.root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
