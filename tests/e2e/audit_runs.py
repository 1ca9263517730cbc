#!/usr/bin/env python3
"""Runs that were never built: journals for the tests of `soldr audit`.

    audit_runs.py findings SOLDR        a line for each finding: ID, whether it is there in the run that has its cause, and
                                        whether it is absent in one that is just below
    audit_runs.py write RUN COUNT       a run of so many compiles below $SOLDR_CACHE_DIR, by a fixed recipe
    audit_runs.py hostile RUN           a run with file names that try to break out of what shows them

Compiles are described by what they take of the clock, so nothing here depends on this machine's.
"""
import hashlib
import json
import os
import subprocess
import sys

MS = 1000000
BEGIN = 1795000000 * 1000 * MS  # 2026-11-18


def ts(ns):
    import time
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + ".%09dZ" % (ns % 10**9)


def compile_(n, start_ms, ms, outcome="miss", reason="", detail="", name=None, ended=True, **more):
    """One line of a journal; ms is None where soldr became the compiler."""
    source = name or "src/unit_%d.c" % n
    end = BEGIN + int((start_ms + (ms if ended else 0)) * MS)
    line = {
        "schema": "soldr.journal.v1", "schema_version": 1, "ts": ts(end), "run_id": "synthetic", "compile_id": hashlib.md5(b"%d" % n).hexdigest(),
        "backend": "embedded", "outcome": outcome, "reason": reason, "compiler": "/usr/bin/gcc",
        "args": ["gcc", "-O2", "-c", source, "-o", "unit_%d.o" % n], "cwd": "/nowhere/project", "detail": detail,
        "exit_code": 0 if ended else None, "signal": 0 if ended else None, "latency_ns": int(ms * MS) if ended else None,
        "time_saved_ns": 40 * MS if outcome == "hit" else 0, "output_bytes": 1000,
    }
    line.update(more)
    return line


def directory(run):
    path = os.path.join(os.environ["SOLDR_CACHE_DIR"], "runs", run)
    os.makedirs(path, mode=0o700, exist_ok=True)
    os.chmod(os.environ["SOLDR_CACHE_DIR"], 0o700)
    return path


def spawns(count, ms):
    """Events of so many processes that took so long to start."""
    return [{"schema": "soldr.audit.v1", "schema_version": 1, "ts": ts(BEGIN), "event_id": "%032x" % n, "run_id": "synthetic", "build_id": None,
             "trace_id": "0" * 32, "span_id": "%016x" % n, "parent_span_id": None, "command_id": None,
             "compile_id": hashlib.md5(b"%d" % n).hexdigest(), "session_id": "0" * 16, "category": "phase", "event": "compiler", "level": "debug",
             "mode": "verbose", "duration_ns": 10 * MS, "fields": {"program": "/usr/bin/gcc", "probe": n % 2 == 0, "spawn_ns": int(ms * MS)},
             "evidence_ids": []} for n in range(count)]


def lost(count):
    event = spawns(1, 0)[0]
    event.update(event="sink.lost", category="sink", level="warn", duration_ns=None, compile_id=None, fields={"lost_count": count})
    return [event]


def write(run, lines, torn=False, full=False, command="make", events=(), events_lost=0):
    path = directory(run)
    with open(os.path.join(path, "journal.jsonl"), "wb") as f:
        for line in lines:
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
            f.write(text.encode("utf-8", "surrogateescape") + b"\n")
        if torn:
            f.write(b'{"schema":"soldr.journal.v1","torn')
    if events:
        with open(os.path.join(path, "audit.jsonl"), "w") as f:
            f.writelines(json.dumps(event, separators=(",", ":")) + "\n" for event in events)
    if full:
        open(os.path.join(path, "journal.full"), "w").close()
    with open(os.path.join(path, "summary.json"), "w") as f:
        json.dump({"schema_version": 1, "run_id": run, "command": command, "exit_code": 0, "signal": 0, "backend": "embedded",
                   "duration_ms": 5000, "counts": {"audit_lost_events": events_lost}, "reasons": {}}, f)
    return path


# ---- findings ------------------------------------------------------------------------------------------

def hits(count, ms=1, begin=0):
    """Hits in a dense build: 300 at once, so that no machine calls it idle."""
    return [compile_(1000 + n, n // 300 * ms, ms, "hit") for n in range(begin, begin + count)]


def same(count, reason, detail="", outcome="miss", ms=10, **more):
    return [compile_(n, 0, ms, outcome, reason, detail, **more) for n in range(count)]


def scenarios():
    """For each finding the run that has it, and one that is just below; options of write() may stand in a pair."""
    healthy = hits(400)
    yield "verify_mismatch", same(1, "verify_mismatch") + healthy, same(1, "verified") + healthy
    yield "fallbacks", same(1, "backend_error", outcome="fallback") + healthy, healthy
    yield "lost_events", (healthy, {"full": True}), healthy
    yield "lost_events", (healthy, {"events": lost(7), "events_lost": 7}), (healthy, {"events": spawns(1, 0)})
    yield "torn_lines", (healthy, {"torn": True}), healthy
    yield "changed_input", same(5, "input_changed", "core.h") + healthy, same(4, "input_changed", "core.h") + healthy
    yield ("refused_option", same(50, "unsupported_option", "-fplugin=x.so", "bypass", ended=False) + healthy,
           same(40, "unsupported_option", "-fplugin=x.so", "bypass", ended=False) + healthy)
    yield "time_macro", same(3, "time_macro", "x.c", "bypass") + healthy, same(2, "time_macro", "x.c", "bypass") + healthy
    yield "compiler_script", same(1, "compiler_script", "/opt/cc", "bypass", ended=False) + healthy, healthy
    yield "nested_wrapper", same(1, "nested_wrapper", "ccache", "bypass", ended=False) + healthy, healthy
    yield "checkout_differs", same(3, "checkout_differs") + healthy, same(2, "checkout_differs") + healthy
    yield "compiler_changed", same(5, "compiler_changed", "cc1") + healthy, same(4, "compiler_changed", "cc1") + healthy
    yield "entries_evicted", same(5, "entry_missing") + healthy, same(4, "entry_missing") + healthy
    yield "output_contended", same(1, "output_contended", outcome="bypass") + healthy, healthy
    sparse = [compile_(n, n * 1000, 100, "miss", "not_seen") for n in range(20)]
    yield "low_parallelism", sparse, sparse[:19]
    four = hits(400) + [compile_(2, 3999, 1, "hit")]
    yield "long_unit", four + [compile_(1, 0, 2000, "miss", "not_seen")], four + [compile_(1, 0, 1999, "miss", "not_seen")]
    yield "slow_hits", hits(10, ms=20), hits(10, ms=19)
    yield "slow_spawn", (healthy, {"events": spawns(10, 100)}), (healthy, {"events": spawns(10, 99)})


def ids_of(soldr, run, lines):
    options = {}
    if isinstance(lines, tuple):
        lines, options = lines
    write(run, lines, **options)
    out = subprocess.run([soldr, "audit", "analyze", run, "--json"], check=True, stdout=subprocess.PIPE).stdout
    found = json.loads(out)["findings"]
    for f in found:
        assert f["title"] and f["suggested_action"] and f["what"], f
        assert f["severity"] in ("info", "warning", "error") and f["confidence"] in ("low", "medium", "high"), f
    return {f["id"]: f for f in found}


def findings(soldr):
    for name, yes, no in scenarios():
        there = ids_of(soldr, "with-" + name, yes)
        absent = ids_of(soldr, "below-" + name, no)
        found = there.get(name, {"compile_ids": [], "event_ids": []})
        evidence = name == "torn_lines" or name == "lost_events" and isinstance(yes, tuple) and "full" in yes[1] or \
            bool(found["compile_ids"] or found["event_ids"])
        print(name, "there" if name in there else "missing", "absent" if name not in absent else "present",
              "evidence" if evidence else "no-evidence")
    print("healthy", ",".join(sorted(ids_of(soldr, "healthy", hits(400)))) or "none")


# ---- runs to look at -------------------------------------------------------------------------------------

def recipe(count):
    """A build of so many units on four processors: hits, misses, refusals, links, a failure now and then."""
    free = [0.0] * 4
    for n in range(count):
        lane = free.index(min(free))
        start = free[lane]
        kind = (n * 7919) % 100
        name = "src/module_%d/translation_unit_%d.cc" % (n % 23, n)
        if kind < 55:
            ms = 1 + (n * 31) % 9
            line = compile_(n, start, ms, "hit", name=name)
        elif kind < 80:
            ms = 40 + (n * 613) % 900
            reason, detail = ("input_changed", "include/core/config.h") if kind < 70 else ("not_seen", "")
            line = compile_(n, start, ms, "miss", reason, detail, name=name)
        elif kind < 90:
            ms = 60 + (n * 127) % 300
            line = compile_(n, start, ms, "bypass", "time_macro", name, name=name)
        elif kind < 97:
            ms = 0
            line = compile_(n, start, 0, "bypass", "link", "", name="libmodule_%d.so" % n, ended=False)
        else:
            ms = 30 + (n * 17) % 50
            line = compile_(n, start, ms, "bypass", "compile_failed", "", name=name, exit_code=1)
        free[lane] = start + ms + (200 if n % 150 == 149 else 0.2)
        yield line


HOSTILE = [
    "<script>document.title='owned'</script>.c",
    "\"onload=\"alert(1).c",
    "'quoted' & ampersand.c",
    "</title></style></svg><img src=x onerror=\"document.title='owned'\">.c",
    "]]>.c",
    "new\nline\ttab\x1b[31mred.c",
    "bytes_\ufffd\ufffd.c",
    "not_utf8_\udcff\udcfe.c",
    "emoji_\U0001f600_日本語_עברית.c",
    "very_" + "long_" * 60 + "name.c",
    "{{template}}${x}`y`.c",
]


def hostile():
    for n, name in enumerate(HOSTILE):
        yield compile_(n, n * 10, 50, "miss" if n % 2 else "bypass", "input_changed" if n % 2 else "time_macro", name, name=name,
                       compiler="/usr/bin/<b>gcc</b>")


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == "findings":
        findings(args[0])
    elif what == "write":
        write(args[0], recipe(int(args[1])))
    elif what == "hostile":
        write(args[0], hostile(), command="<i>make</i>")


main()
