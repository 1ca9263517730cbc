#!/usr/bin/env python3
"""trace.py FILE: checks that a trace is whole: compiles of one lane do not overlap, phases are within a compile of their lane,
every lane has a name. Prints how many compiles, instants, lanes and phases there are."""
import bisect
import collections
import json
import sys

trace = json.load(open(sys.argv[1]))
events = trace["traceEvents"]
lanes, phases = collections.defaultdict(list), 0
for e in events:
    assert e["ph"] in "XiMC" and "pid" in e and "tid" in e and e["name"], e
    if e["ph"] == "X":
        assert e["ts"] >= 0 and e["dur"] >= 0, e
        if e["cat"] != "phase":
            lanes[e["tid"]].append((e["ts"], e["ts"] + e["dur"]))
for lane in lanes.values():
    lane.sort()
    for one, next in zip(lane, lane[1:]):
        assert one[1] <= next[0] + 0.002, (one, next)
for e in events:
    if e.get("cat") == "phase":
        lane = lanes[e["tid"]]
        around = lane[max(bisect.bisect(lane, (e["ts"] + 0.002, float("inf"))) - 1, 0)]
        assert around[0] - 0.002 <= e["ts"] and e["ts"] + e["dur"] <= around[1] + 0.002, (around, e)
        phases += 1
names = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
assert set(lanes) <= set(names) and any(e["name"] == "process_name" for e in events)
print(sum(map(len, lanes.values())), sum(e["ph"] == "i" for e in events), len(lanes), phases)
