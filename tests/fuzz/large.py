#!/usr/bin/env python3
"""large.py DIR: large inputs for the targets of tests/fuzz, files DIR/TARGET.NAME.

Long lists, and texts in which a reader that searches from each place to an end
would search all of it each time. A reader whose time grows with the square of the
size needs minutes for them, not a second.
"""
import os
import struct
import sys

N = 100000


def manifest():
    """A manifest without its head (docs/formats.md): N inputs, each once in the one candidate."""
    def state(i):
        path = b"/usr/include/d/h%d.h\0" % i
        return struct.pack("<I", len(path)) + path + struct.pack("<I", 0) + struct.pack("<4Q5Q", i, i, i, i, 1, i, i, i, i)
    candidate = (b"\1" * 32 + struct.pack("<I", 1) + bytes(64) + struct.pack("<I", 0) +
                 struct.pack("<I%dI" % N, N, *((i * 7919) % N for i in range(N))) + struct.pack("<I", 0))
    states = b"".join(state(i) for i in range(N))
    return b"\0" + bytes(32 * 6) + struct.pack("<I", N) + states + struct.pack("<3I", 0, 0, 1) + candidate


def lines(form, count=N):
    return b"".join(form % i for i in range(count))


INPUTS = {
    "args_gcc.directories": lambda: lines(b"-I/d%d\n") + b"-c\nx.c",
    "args_gcc.response": lambda: b"@f\n\0" + b"-DX=1 '-DY=a b' " * 600000,
    "args_rustc.externs": lambda: b"\0x.rs\n" + lines(b"--extern\na%d=/b\n", 30000),
    "cargo.includes": lambda: b"x\0include = [\n" + b".toml" * 200000,
    "config.keys": lambda: lines(b"k%d: v\n", 60000),
    "config.list": lambda: b"a: [" + b"x, " * 300000 + b"]",
    "config.nesting": lambda: b"{" * 500000,
    "depfile.names": lambda: b"x.o: " + lines(b"/usr/include/d/h%d.h \\\n ") + b"\n",
    "depfile.backslashes": lambda: b"\\" * 2000000,
    "depinfo.sources": lambda: b"o.d: " + lines(b"m%d.rs ").strip() + b"\n\n" + lines(b"m%d.rs:\n") + lines(b"# env-dep:V%d=1\n"),
    "depinfo.one_line": lambda: b"/root/a: " * 300000 + b"\n",
    "expansion.raw_strings": lambda: b'R"x(' * 1000000,
    "journal.torn": lambda: b'{"ts":"' * 1000000 + b"\n",
    "journal.nesting": lambda: b'{"ts":"x","a":' + b"[" * 1000000 + b"}\n",
    "manifest.inputs": manifest,
    "redact.parameters": lambda: b"\n" + b")=" * 60000,
    "redact.separators": lambda: b"\n" + b"=a" * 60000,
    "requests.nesting": lambda: b"\0" + b"[" * 3000000,
    "response.words": lambda: b"-DA='x y' " * 1000000,
    "scan.includes": lambda: b"\0" + lines(b'#include "h%d.h"\n#define A%%d __has_include(x)\n'.replace(b"%%d", b"x")),
    "scan.raw_strings": lambda: b"\0" + b'R"x(' * 1000000,
    "scan.different_raw_strings": lambda: b"\0" + lines(b'R"%d(\n', 400000),
    "scan.disputed_raw_strings": lambda: b"\2" + lines(b'R"%d(\n', 400000),
    "scan.comments": lambda: b"\0" + b"/*" * 2000000,
    "script.words": lambda: b"#!/bin/sh\nexec /x " + b"a " * 8000 + b'"$@"',
    "toolchain.lines": lambda: b"\0s\n" + b'"/tmp" = "x\n' * 80000 + b"\0[toolchain]",
}

for name, make in INPUTS.items():
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(make())
