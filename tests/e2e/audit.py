#!/usr/bin/env python3
# audit.py RUN-DIRECTORY EXPRESSION: reads all that a run left and prints the value of the expression. In it:
#
#   E       the events, as they stand in audit.jsonl;  J: the lines of the journal;  S: the summary;  M: the manifest
#   named(NAME)    the events of that name
#   problems()     what the schemas below docs/schema do not allow, and lines that are no JSON
#   tree()         "spans 5, roots 1, orphans 0, doubled 0" and what is out of order
#   counts()       outcomes of the compile events
import json
import os
import sys
from collections import Counter

run, expression = sys.argv[1:3]
schemas = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "schema")
broken = []


def text_of(name):
    try:
        with open(os.path.join(run, name), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def lines(name):
    found = []
    for number, line in enumerate(text_of(name).splitlines(), 1):
        try:
            found.append(json.loads(line))
        except ValueError as e:
            broken.append(f"{name}:{number}: {e}")
    return found


def whole(name):
    text = text_of(name)
    return json.loads(text) if text else None


E, J, S, M = lines("audit.jsonl"), lines("journal.jsonl"), whole("summary.json"), whole("manifest.json")


def problems():
    import jsonschema
    found = list(broken)
    for name, things in (("audit-event", E), ("journal-line", J), ("summary", [S] if S else []), ("manifest", [M] if M else [])):
        with open(os.path.join(schemas, name + ".schema.json"), encoding="utf-8") as f:
            schema = json.load(f)
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for thing in things:
            found += [f"{name}: {thing.get('event')}: {'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(thing)]
    return found[:10]


def named(name):
    return [e for e in E if e["event"] == name]


def tree():
    spans = [e for e in E if e["duration_ns"] is not None]
    open_ones = {e["span_id"]: e for e in E if e["event"] == "run.start"}
    ids = {e["span_id"] for e in spans} | set(open_ones)
    parent = {e["span_id"]: e["parent_span_id"] for e in spans}
    parent.update({e["span_id"]: e["parent_span_id"] for e in open_ones.values()})
    foreign = {e["span_id"] for e in E if e["fields"].get("remote_parent")}
    roots = [s for s in ids if parent[s] is None or s in foreign]
    orphans = [s for s in ids if parent[s] is not None and s not in foreign and parent[s] not in ids]
    doubled = len(spans) - len({e["span_id"] for e in spans})
    said = f"spans {len(ids)}, roots {len(roots)}, orphans {len(orphans)}, doubled {doubled}"
    if len({e["event_id"] for e in E}) != len(E):
        said += ", event ids that are not unique"
    if len({e["trace_id"] for e in E}) != 1:
        said += ", several traces"
    kinds = {e["span_id"]: e["category"] for e in E}
    for e in spans:
        if e["category"] == "phase" and kinds.get(e["parent_span_id"]) != "compile":
            said += f", {e['event']} is below no compile"
    return said


def counts():
    return dict(sorted(Counter(e["fields"]["outcome"] for e in named("compile")).items()))


print(eval(expression))
