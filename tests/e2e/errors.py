"""errors: the table of messages against the code and against what makes the program say them.

    errors.py table ROOT             checks table and code; lines PASS NAME or FAIL NAME: WHY
    errors.py run ROOT DIR IDS ID…   runs the lines of errors.list, all or those IDs, in directories below DIR; adds the ids that were
                                     said to the file IDS
    errors.py covered ROOT IDS       wants each message in IDS, or in errors.untriggered with its reason
"""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_S = 600 # for a machine that does much else
SAYS = ("err_set", "cli_error", "cli_usage", "config_fail")


def passed(name):
    print("PASS " + name)


def check(name, wrong):
    print(f"FAIL {name}: {'; '.join(wrong[:8])}" if wrong else "PASS " + name)


def unquoted(c_strings):
    """The text of adjacent C literals, PRI… macros among them."""
    c_strings = re.sub(r"\bPRI([diux])\d+\b", r'"l\1"', c_strings)
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', c_strings))
    return text.replace('\\"', '"').replace("\\\\", "\\")


def rows(root):
    """[(file, number, name, text, meaning, mend)]"""
    out = []
    room = os.path.join(root, "core/util")
    for included in re.findall(r'#include "(messages_\w+\.def)"', open(os.path.join(room, "messages.def")).read()):
        for line in open(os.path.join(room, included)):
            if not line.startswith("MESSAGE("):
                continue
            m = re.match(r'MESSAGE\((\d+), (\w+), (.*), ("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\)$', line.rstrip("\n"))
            if not m:
                raise SystemExit(f"{included}: not a row: {line}")
            out.append((included, int(m[1]), m[2], unquoted(m[3]), unquoted(m[4]), unquoted(m[5])))
    return out


def pattern(text):
    """A regular expression of what the format makes."""
    parts = re.split(r"%(?:[-0-9.*]*)(?:hh|h|ll|l|z|j)?[a-zA-Z]|(%%)", text)
    return ".*".join(re.escape("%" if p == "%%" else p) if p else "" for p in parts)


def sources(root):
    for room in ("core", "plugins"):
        for where, _, names in os.walk(os.path.join(root, room)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(where, name)
                    yield os.path.relpath(path, root), open(path).read()


def first_words(text):
    """(line, what follows) of each call in SAYS: its arguments up to the first string."""
    for m in re.finditer(r"\b(?:%s)\(((?:[^\";{}]|\"\"|\n)*?)\"((?:[^\"\\]|\\.)*)\"" % "|".join(SAYS), text):
        if not text[text.rfind("\n", 0, m.start()) + 1:m.start()].startswith(("int ", "void ")):
            yield text.count("\n", 0, m.start()) + 1, m[1], m[2]


def check_table(root):
    table = rows(root)
    numbers = [r[1] for r in table]
    check("rows stand in the order of their numbers", [f"E{b} after E{a}" for a, b in zip(numbers, numbers[1:]) if b <= a])
    names = [r[2] for r in table]
    check("names are of one row each", sorted({n for n in names if names.count(n) > 1}))
    check("an id has three digits", [str(n) for n in numbers if not 100 <= n <= 999])
    check("what to do stands in the text, behind a colon or the like, or beside it",
          [f"E{r[1]}" for r in table if not r[5] and not re.search(r"[:;,(?].* ", r[3])])
    known = {f"E{r[1]}_{r[2]}" for r in table}
    used, bare = set(), []
    for file, text in sources(root):
        if file.startswith("core/util/messages") or file == "core/cli/help_errors.c":
            continue
        used |= set(re.findall(r"\bE[1-9]\d\d_[A-Z0-9_]+\b", text))
        for line, before, literal in first_words(text):
            if not before.strip().endswith("NULL,") and not re.search(r"\bE[1-9]\d\d_", before) and not re.fullmatch(r"[a-z: ]*", literal) and not literal.startswith("%"):
                bare.append(f"{file}:{line}: \"{literal[:40]}\"")
    check("every message is said somewhere", sorted(known - used))
    check("nothing is said without an id", bare)


def triggers():
    for line in open(os.path.join(HERE, "errors.list")):
        if re.match(r"E\d{3} ", line):
            yield line[:4], line[5:].strip()


def said_in(home, out):
    text = out
    for path in (os.path.join(home, "cache/logs/soldr.log"), os.path.join(home, "log")):
        if os.path.exists(path):
            text += open(path, errors="replace").read()
    return text


def trigger(ident, command, text, place, ids):
    """What is wrong with it, or None."""
    os.makedirs(os.path.join(place, "config/soldr"))
    os.makedirs(os.path.join(place, "work"))
    said = os.path.join(place, "ids")
    env = dict(os.environ, HOME=place, XDG_CONFIG_HOME=f"{place}/config", XDG_CACHE_HOME=f"{place}/xdg", SOLDR_CACHE_DIR=f"{place}/cache",
               SOLDR_TEST_IDS=said, OUT=f"{place}/out", ID=ident)
    if "TMPDIR=" not in command:
        env["TMPDIR"] = place
    run = subprocess.run(["sh", "-c", f". '{HERE}/errors.sh'; {command}"], cwd=f"{place}/work", env=env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
    out = said_in(place, run.stdout.decode(errors="replace"))
    thought = open(said).read().split() if os.path.exists(said) else []
    lines = [line for line in out.splitlines() if f"[{ident}]" in line]
    if not lines and ident not in thought:
        return f"not said by: {command}; got: {out[-300:]!r} {' '.join(thought)}"
    wrong = [line for line in lines if not re.search(pattern(text), line)]
    if wrong:
        return f"another text: {wrong[0]}"
    with open(ids, "a") as f:
        f.write(ident + "\n")
    return None


def needs(command):
    """The programs without which a line cannot do what it is for."""
    return [p for p, sign in (("rustc", r"(?<!/)\brustc --"), ("ccache", r"plugin: wrapped\}")) if re.search(sign, command)]


def run(root, where, ids, wanted):
    texts = {f"E{r[1]}": r[3] for r in rows(root)}
    for n, (ident, command) in enumerate(triggers()):
        if wanted and ident not in wanted:
            continue
        lacking = [p for p in needs(command) if not shutil.which(p)]
        if lacking:
            print(f"PASS {ident} # SKIP no {lacking[0]}")
            with open(ids, "a") as f:
                f.write(ident + "\n")
            continue
        try:
            wrong = trigger(ident, command, texts[ident], os.path.join(where, f"{n}"), ids)
        except subprocess.TimeoutExpired:
            wrong = f"takes more than {TIMEOUT_S} s: {command}"
        check(f"{ident} is said", [wrong.replace("\n", " ")] if wrong else [])


def covered(root, ids):
    said = set(open(ids).read().split())
    excused = {}
    for line in open(os.path.join(HERE, "errors.untriggered")):
        m = re.match(r"(E\d{3}) (\S.*)", line)
        if m:
            excused[m[1]] = m[2]
    known = [f"E{r[1]}" for r in rows(root)]
    check("every message is triggered by a test", [i for i in known if i not in said and i not in excused])
    check("what is excused is not triggered after all", [i for i in excused if i in said or i not in known])
    passed(f"{len([i for i in known if i in said])} of {len(known)} messages are triggered, {len(excused)} cannot be")


if sys.argv[1] == "table":
    check_table(sys.argv[2])
elif sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
else:
    covered(sys.argv[2], sys.argv[3])
