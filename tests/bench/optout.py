#!/usr/bin/env python3
"""What soldr's opt-outs cost: the same command bare, and with each of them.

    tests/bench/optout.py [--runs N]

Runs are interleaved: each round runs every variant once, so that a busy machine
hits all of them. Times are medians, of the wall clock and of the processor; ratios
are medians of the ratios to the bare run of the same round. System calls are
those of all processes of one run, counted by strace -c -f. Everything is made
below a temporary directory. SOLDR_BIN names the program, else build/bin/soldr.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SOLDR = os.environ.get("SOLDR_BIN", os.path.join(TOP, "build/bin/soldr"))

VARIANTS = (  # name, variables, options of soldr; None: without soldr
    ("bare", {}, None),
    ("SOLDR_BACKEND=null", {"SOLDR_BACKEND": "null"}, []),
    ("SOLDR_BYPASS=1", {"SOLDR_BYPASS": "1"}, []),
    ("SOLDR_BYPASS_ZCCACHE=1", {"SOLDR_BYPASS_ZCCACHE": "1"}, []),
    ("--backend null", {}, ["--backend", "null"]),
)


def environment(root):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SOLDR_", "CARGO_BUILD_", "RUSTC"))}
    home = env.get("HOME", "/")
    env.setdefault("RUSTUP_HOME", os.path.join(home, ".rustup"))
    env.update(HOME=root, CARGO_HOME=os.path.join(root, "cargo"), XDG_CONFIG_HOME=os.path.join(root, "config"),
               SOLDR_CACHE_DIR=os.path.join(root, "cache"), LC_ALL="C")
    os.mkdir(env["CARGO_HOME"])
    return env


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def commands(root, env):
    """Name, working directory and words of each command; the compilers are called as cargo and make call them."""
    write(os.path.join(root, "c/x.c"), "int f(void) { return 1; }\n")
    write(os.path.join(root, "p/src/lib.rs"), "pub fn f() -> u8 { 1 }\n")
    write(os.path.join(root, "p/Cargo.toml"), '[package]\nname = "p"\nversion = "0.1.0"\nedition = "2021"\n')
    yield "gcc -c x.c", os.path.join(root, "c"), [shutil.which("gcc"), "-c", "x.c"]
    if shutil.which("rustc"):
        sysroot = subprocess.run(["rustc", "--print", "sysroot"], env=env, capture_output=True, text=True, check=True).stdout.strip()
        rustc = os.path.join(sysroot, "bin/rustc")
        yield "rustc lib.rs", os.path.join(root, "p/src"), [rustc, "--crate-type=lib", "--emit=metadata", "lib.rs"]
        yield "cargo build, nothing to do", os.path.join(root, "p"), ["cargo", "build", "-q"]


def line(words, options):
    return words if options is None else [SOLDR, *options, *words]


def once(words, cwd, env):
    """Seconds by the wall clock, and of the processor."""
    begun = time.perf_counter()
    child = subprocess.Popen(words, cwd=cwd, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    taken = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(words)}: ended with {child.returncode}")
    return taken, usage.ru_utime + usage.ru_stime


def system_calls(words, cwd, env):
    with tempfile.NamedTemporaryFile("r") as report:
        subprocess.run(["strace", "-c", "-f", "-o", report.name, *words], cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)
        total = [fields for fields in map(str.split, report) if fields and fields[-1] == "total"][-1]
    return int(total[3])


def measure(name, cwd, words, env, runs):
    envs = {variant: {**env, **more} for variant, more, _ in VARIANTS}
    times = {variant: [] for variant in envs}
    for variant, _, options in VARIANTS:
        once(line(words, options), cwd, envs[variant])
    for _ in range(runs):
        for variant, _, options in VARIANTS:
            times[variant].append(once(line(words, options), cwd, envs[variant]))
    print(f"| {name} | | | | | |")
    bare_calls = None
    for variant, _, options in VARIANTS:
        calls = system_calls(line(words, options), cwd, envs[variant]) if shutil.which("strace") else 0
        bare_calls = calls if bare_calls is None else bare_calls
        cells = [f"{calls - bare_calls:+d}" if variant != "bare" else f"{calls}"]
        for clock in range(2):
            median = statistics.median(run[clock] for run in times[variant])
            ratio = statistics.median(run[clock] / bare[clock] for run, bare in zip(times[variant], times["bare"]))
            cells += [f"{median * 1000:.1f} ms", f"{ratio:.3f}"]
        print(f"| — {variant} | {' | '.join(cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    args = parser.parse_args()
    if not os.access(SOLDR, os.X_OK):
        sys.exit(f"no soldr at {SOLDR}: run make, or set SOLDR_BIN")
    with tempfile.TemporaryDirectory(prefix="soldr-bench.") as root:
        env = environment(root)
        print("| command | system calls | wall clock | ratio | processor | ratio |\n| --- | --- | --- | --- | --- | --- |")
        for name, cwd, words in commands(root, env):
            measure(name, cwd, words, env, args.runs)


if __name__ == "__main__":
    main()
