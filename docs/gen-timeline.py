#!/usr/bin/env python3
"""Draws builds from their journals as an SVG, on one scale of time, on standard output:

    docs/gen-timeline.py "cold=RUN/journal.jsonl" "warm=RUN/journal.jsonl" >docs/timeline.svg

A bar is a compile, from its start to its end; bars at the same time are below one another. Needs nothing but Python.
"""

import datetime
import html
import json
import os
import sys

COLOURS = {"hit": "#2a9d55", "miss": "#d98324", "bypass": "#7a7f87", "passthrough": "#7a7f87", "fallback": "#c0392b"}
WORDS = {"hit": "hit: served from the store", "miss": "miss: compiled and stored", "bypass": "not cacheable: the link runs"}
LEFT, RIGHT, LANE, GAP, HEAD = 70, 20, 18, 34, 30
WIDTH = 900


def read(path):
    """Bars (start, end, outcome, what) in seconds from the first start. A process that soldr became has no length."""
    bars = []
    with open(path, encoding="utf-8") as journal:
        for text in journal:
            line = json.loads(text)
            stamp, fraction = line["ts"].rstrip("Z").split(".")
            second = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc).timestamp()
            end = second + float("0." + fraction)
            args = line["args"]
            what = args[args.index("-o") + 1] if "-o" in args[:-1] else args[-1]
            bars.append((end - (line["latency_ns"] or 0) / 1e9, end, line["outcome"], os.path.basename(what)))
    bars.sort()
    first = bars[0][0]
    return [(start - first, end - first, outcome, what) for start, end, outcome, what in bars]


def lanes(bars):
    """Each bar in the first lane that is free when it starts."""
    free, placed = [], []
    for bar in bars:
        lane = next((i for i, until in enumerate(free) if until <= bar[0]), len(free))
        if lane == len(free):
            free.append(0)
        free[lane] = bar[1]
        placed.append((lane, bar))
    return len(free), placed


def draw(builds):
    span = max(bar[1] for _, bars in builds for bar in bars)
    scale = (WIDTH - LEFT - RIGHT) / span
    shapes, y = [], HEAD
    used = set()
    for name, bars in builds:
        count, placed = lanes(bars)
        total = max(bar[1] for bar in bars)
        shapes.append(f'<text x="8" y="{y + 13}" class="name">{html.escape(name)}</text>')
        for lane, (start, end, outcome, what) in placed:
            used.add(outcome)
            shapes.append(
                f'<rect x="{LEFT + start * scale:.1f}" y="{y + lane * LANE}" width="{max((end - start) * scale, 1):.1f}" '
                f'height="{LANE - 4}" fill="{COLOURS.get(outcome, "#555")}"><title>{html.escape(what)}: {outcome}, '
                f"{(end - start) * 1000:.1f} ms</title></rect>")
        shapes.append(f'<text x="{LEFT + total * scale + 6:.1f}" y="{y + 11}" class="total">{total:.2f} s, {len(bars)} compiles</text>'
                      if total < span / 2 else
                      f'<text x="{WIDTH - RIGHT}" y="{y - 6}" text-anchor="end" class="total">{total:.2f} s, {len(bars)} compiles</text>')
        y += count * LANE + GAP
    y -= GAP - 12
    step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if span / s <= 10)
    tick = 0
    while tick * step <= span:
        x = LEFT + tick * step * scale
        shapes.append(f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + 5}" class="axis"/>'
                      f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle">{tick * step:g} s</text>')
        tick += 1
    shapes.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" class="axis"/>')
    y += 40
    x = LEFT
    for outcome in [o for o in WORDS if o in used]:
        shapes.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{COLOURS[outcome]}"/>'
                      f'<text x="{x + 18}" y="{y}">{WORDS[outcome]}</text>')
        x += 240
    y += 16
    style = ("text{font:12px sans-serif;fill:#444}.name{font-weight:bold}.axis{stroke:#888}"
             "@media(prefers-color-scheme:dark){text{fill:#ccc}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
            f'aria-label="Compiles of builds over time">\n<style>{style}</style>\n' + "\n".join(shapes) + "\n</svg>\n")


def main():
    if len(sys.argv) < 2 or any("=" not in arg for arg in sys.argv[1:]):
        sys.exit(__doc__)
    builds = [(name, read(path)) for name, _, path in (arg.partition("=") for arg in sys.argv[1:])]
    sys.stdout.write(draw(builds))


main()
