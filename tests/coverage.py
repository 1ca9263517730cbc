#!/usr/bin/env python3
"""coverage.py BUILD [--lines]: line coverage of core and plugins, from the counts that a build with --coverage left.

A line for each room and file, and the sum. --lines: also the lines that never ran. Exit status 1: a room is below 90 %.
"""
import json
import os
import subprocess
import sys

LEAST = 90.0


def counts(build):
    """{source: {line: times}} of all objects."""
    lines = {}
    for base, _, names in os.walk(os.path.join(build, "obj")):
        notes = [os.path.join(base, n) for n in names if n.endswith(".gcno")]
        if not notes or not any(part in base for part in ("/core/", "/plugins/")):
            continue
        text = subprocess.run(["gcov", "--json-format", "--stdout"] + notes, capture_output=True, text=True, check=True).stdout
        for document in text.splitlines():
            if not document.startswith("{"):
                continue
            for file in json.loads(document)["files"]:
                if file["file"].startswith(("core/", "plugins/")):
                    of = lines.setdefault(file["file"], {})
                    for line in file["lines"]:
                        of[line["line_number"]] = of.get(line["line_number"], 0) + line["count"]
    return lines


def ranges(numbers):
    text, first, last = [], None, None
    for n in sorted(numbers) + [None]:
        if first is not None and n != last + 1:
            text.append("%d" % first if first == last else "%d-%d" % (first, last))
            first = None
        if first is None:
            first = n
        last = n
    return " ".join(text)


def main():
    lines = counts(sys.argv[1])
    rooms, total = {}, [0, 0]
    for source, of in sorted(lines.items()):
        ran = sum(1 for times in of.values() if times)
        room = rooms.setdefault(os.path.dirname(source), [0, 0])
        for sums in (room, total):
            sums[0] += ran
            sums[1] += len(of)
        print("%-42s %5d of %5d lines  %5.1f %%" % (source, ran, len(of), 100.0 * ran / len(of)))
        if "--lines" in sys.argv:
            missed = ranges([line for line, times in of.items() if not times])
            if missed:
                print("    " + missed)
    print()
    for room, (ran, all_) in sorted(rooms.items()):
        print("%-42s %5d of %5d lines  %5.1f %%" % (room, ran, all_, 100.0 * ran / all_))
    share = 100.0 * total[0] / total[1] if total[1] else 0
    print("%-42s %5d of %5d lines  %5.1f %%" % ("all", total[0], total[1], share))
    return 0 if rooms and all(100.0 * ran / all_ >= LEAST for ran, all_ in rooms.values()) else 1


sys.exit(main())
