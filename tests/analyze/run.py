#!/usr/bin/env python3
"""run.py [TOOL…] [FILE…]: cppcheck, gcc -fanalyzer, clang --analyze and clang-tidy (all by default) over core and plugins.

A finding is either mended, or stands in known.txt beside this file with the reason why it
is none. Exit status 1: there are others, or some of known.txt are gone. Another version of a
tool says other things: they are shown, and do not count.
"""
import collections
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEFINES = ["-D_GNU_SOURCE", '-DSOLDR_VERSION="0"']
# What each room may include, as in the Makefile.
ROOMS = {
    "core/util": ["core/include", "core/util"],
    "core/service": ["core/include", "core/util", "core/service"],
    "core/cli": ["core/include", "core/util", "core/service", "core/cli"],
}
# What these define themselves cannot be a macro there.
WITHOUT_MODEL = ["core/util/err.c", "core/service/config_values.c"]
# Report of a tool: file, line, text, check.
FORM = re.compile(r"^([^:\s]+):(\d+):(?:\d+:)? (?:warning|error|portability|performance): (.*) \[([^\]]+)\]$")
TOOLS = {
    "gcc": lambda file, flags: ["gcc", "-std=c11", "-O1", "-fanalyzer", *flags, "-c", file, "-o", "/dev/null"],
    "clang": lambda file, flags: ["clang", "--analyze", "--analyzer-output", "text", "-std=c11", "-Wno-unused-value", *flags, file],
    "clang-tidy": lambda file, flags: ["clang-tidy", "--quiet", file, "--", "-std=c11", "-Wno-unused-value", *flags],
    "cppcheck": lambda file, flags: ["cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability",
                                     "--template={file}:{line}: warning: {message} [{id}]", "--template-location=",
                                     *[f.replace("-include", "--include=") for f in flags], file],
}
# The versions that known.txt is about.
VERSIONS = {"gcc": "12.", "clang": "14.", "clang-tidy": "14.", "cppcheck": "2.10"}


def is_known_version(tool):
    text = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\d+\.\d[.\d]*", text)
    return bool(version) and version[0].startswith(VERSIONS[tool])


def includes(file):
    room = os.path.dirname(file)
    model = [] if file in WITHOUT_MODEL else ["-include" + os.path.join(HERE, "model.h")]
    return ["-I" + d for d in ROOMS.get(room, ["core/include", "core/util"])] + model


def findings(tool, file):
    """What the tool says of the file. A header's finding counts once, wherever it was seen."""
    run = subprocess.run(TOOLS[tool](file, DEFINES + includes(file)), capture_output=True, text=True, cwd=ROOT, check=False)
    found = set()
    for line in (run.stdout + run.stderr).splitlines():
        report = FORM.match(line)
        if report and not report[1].startswith("/usr"):
            path = os.path.relpath(os.path.join(ROOT, report[1]), ROOT)
            found.add((tool, path, report[4].split(",")[0], report[2], report[3]))
    return found


def known():
    """{(tool, file, check): how many}"""
    table = {}
    with open(os.path.join(HERE, "known.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith(("#", " ")):
                tool, file, check, count = line.split()
                table[tool, file, check] = int(count)
    return table


def main():
    tools = [a for a in sys.argv[1:] if a in TOOLS] or list(TOOLS)
    only = [a for a in sys.argv[1:] if a not in TOOLS]
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        print("analyze: not installed, left out: " + ", ".join(missing))
    tools = [t for t in tools if t not in missing]
    files = only or sorted(f for pattern in ("core/*/*.c", "plugins/*/*.c") for f in glob.glob(pattern, root_dir=ROOT))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        sets = pool.map(lambda job: findings(*job), [(t, f) for t in tools for f in files])
    by_place = collections.defaultdict(list)
    for tool, file, check, line, text in sorted(set().union(*sets)):
        by_place[tool, file, check].append("%s:%s: %s [%s, %s]" % (file, line, text, tool, check))
    others = [t for t in tools if not is_known_version(t)]
    if others:
        print("analyze: of another version than known.txt, shown and not counted: " + ", ".join(others))
    table, wrong = known(), 0
    for place, reports in sorted(by_place.items()):
        if len(reports) > table.get(place, 0):
            wrong += (len(reports) - table.get(place, 0)) * (place[0] not in others)
            print("\n".join(reports))
    for place, count in sorted(table.items()):
        if place[0] in tools and place[0] not in others and place[1] in files and len(by_place.get(place, [])) < count:
            wrong += 1
            print("known.txt: %s %s %s is said %d times now, not %d" % (*place, len(by_place.get(place, [])), count))
    explained = sum(min(len(reports), table.get(place, 0)) for place, reports in by_place.items())
    print("analyze: %s over %d files: %d findings, %d of them explained in known.txt" %
          (", ".join(tools), len(files), sum(map(len, by_place.values())), explained))
    return 1 if wrong else 0


sys.exit(main())
