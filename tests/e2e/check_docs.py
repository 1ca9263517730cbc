#!/usr/bin/env python3
"""Checks what is in the code blocks and code words of the documents against the program.

    check_docs.py SOLDR PAGE…

Prints a line "PAGE:LINE: what is wrong" for each mistake, and at the end, on stderr, what was looked at.

  sh blocks     are syntax for sh; in them, and in code words of the text, `soldr …` has a verb or compiler that there is,
                with options that its help has; `make TARGET` of README and CONTRIBUTING is a target of the Makefile
  yaml blocks   pass `soldr config check`, and the schema where Python has jsonschema
  yaml ci       parse (where Python has PyYAML), have steps or scripts, and those are sh
  code words    `audit.mode` and the like are keys
"""

import collections
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    yaml = None
try:
    import jsonschema
except ImportError:
    jsonschema = None

COMPILER = re.compile(r"^(.*/.*|\$.*|([A-Za-z0-9_]+-)*(gcc|g\+\+|cc|c\+\+|clang|clang\+\+|rustc|clippy-driver)(-[0-9.]+)?)$")
WITH_VALUE = {"--config", "--backend", "--audit"}
seen = collections.Counter()
problems = []


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


class Program:
    def __init__(self, soldr):
        self.soldr = soldr
        self.overview = output(soldr, "help").stdout
        verbs = re.search(r"^verbs:\n(.*?)\n\n", self.overview, re.S | re.M).group(1)
        self.help = {verb: output(soldr, "help", verb).stdout for verb in re.findall(r"^  ([a-z]+) ", verbs, re.M)}
        self.schema = json.loads(output(soldr, "config", "schema").stdout)
        self.keys = set()
        self.collect(self.schema, "")
        for options in "embedded_options", "wrapped_options":
            self.collect(self.schema["$defs"][options], "")
            self.collect(self.schema["$defs"][options], "options.")

    def collect(self, node, path):
        for key, value in node.get("properties", {}).items():
            self.keys.add(path + key)
            self.collect(value, path + key + ".")

    def command(self, words):
        """What is wrong with `soldr WORDS`, or None."""
        words = list(words)
        while words and words[0].startswith("-"):
            option = words.pop(0).split("=")[0]
            if not re.search(r"(^|[\s,])" + re.escape(option) + r"([\s,]|$)", self.overview):
                return f"no option {option} before the verb"
            if option in WITH_VALUE and words:
                words.pop(0)
        if not words or re.match(r"^[A-Z…\[<]", words[0]):
            return None
        verb = words.pop(0)
        if verb not in self.help:
            return None if COMPILER.match(verb) else f"soldr {verb} is neither a verb nor a compiler"
        text = self.help[verb]
        if text.startswith(f"usage: soldr {verb} ARGS"):
            return None
        for word in words:
            if word == "--":
                break
            if word.startswith("--") and not re.search(re.escape(word.split("=")[0]) + r"([^a-z-]|$)", text):
                return f"soldr {verb} has no option {word}"
        choices = re.match(r"usage: soldr \S+ ([a-z]+(?:\|[a-z]+)+)", re.sub(r" \[[^]]*\]", "", text))
        if choices and words and re.match(r"^[a-z]+$", words[0]) and words[0] not in choices.group(1).split("|"):
            return f"soldr {verb} has no {words[0]}"
        return None


def commands(text):
    """The simple commands of a piece of shell, as lists of words."""
    text = re.sub(r"\\\n", " ", text)
    for line in text.split("\n"):
        for part in re.split(r"&&|\|\||[;|]", re.sub(r"(^|\s)#.*", "", line)):
            try:
                words = shlex.split(part.strip())
            except ValueError:
                words = part.split()
            while words and re.match(r"^([A-Za-z_]+=.*|export|sudo|exec)$", words[0]):
                words.pop(0)
            if words:
                yield words


def check_shell(program, where, text, targets):
    done = subprocess.run(["sh", "-n"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        problems.append(f"{where}: not sh: {done.stdout.strip()}")
    for words in commands(text):
        check_words(program, where, words, targets)


def check_words(program, where, words, targets):
    if words[0] == "soldr":
        seen["commands"] += 1
        wrong = program.command([w for w in words[1:] if not re.match(r"^[0-9]*[<>]", w)])
        if wrong:
            problems.append(f"{where}: {' '.join(words)}: {wrong}")
    elif words[0] == "make" and targets is not None:
        for word in words[1:]:
            if re.match(r"^[a-z][a-z-]*$", word):
                seen["targets"] += 1
                if word not in targets:
                    problems.append(f"{where}: {' '.join(words)}: the Makefile has no target {word}")


def check_config(program, where, text):
    seen["configs"] += 1
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "soldr.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = output(program.soldr, "config", "check", path)
        if done.returncode:
            problems.append(f"{where}: {done.stdout.strip()}")
    if yaml and jsonschema:
        try:
            jsonschema.validate(yaml.safe_load(text), program.schema)
        except (jsonschema.ValidationError, yaml.YAMLError) as error:
            problems.append(f"{where}: the schema refuses it: {str(error).splitlines()[0]}")


def scripts(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "run" and isinstance(value, str):
                yield value
            elif key == "script" and isinstance(value, list):
                yield "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for value in node:
            yield from scripts(value)


def check_ci(program, where, text):
    seen["ci files"] += 1
    if not yaml:
        return
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problems.append(f"{where}: not YAML: {error}")
        return
    found = list(scripts(tree))
    if not found:
        problems.append(f"{where}: no job runs anything")
    for script in found:
        check_shell(program, where, script, None)


def check_page(program, page, targets):
    name = os.path.basename(page)
    with open(page, encoding="utf-8") as file:
        lines = file.read().split("\n")
    block, kind, start = None, None, 0
    for number, line in enumerate(lines, 1):
        where = f"{name}:{start if block is not None else number}"
        if line.startswith("```"):
            if block is None:
                block, kind, start = [], line[3:].strip(), number
                continue
            text = "\n".join(block) + "\n"
            seen[kind.split(" ")[0] + " blocks"] += 1
            if kind.split(" ")[0] == "sh":
                check_shell(program, where, text, targets)
            elif kind == "yaml ci":
                check_ci(program, where, text)
            elif kind == "yaml":
                check_config(program, where, text)
            elif kind not in ("text", "c", "c example", "json", "toml", "make"):
                problems.append(f"{where}: a block of the unknown kind '{kind}'")
            block = None
        elif block is not None:
            block.append(line)
        else:
            for word in re.findall(r"`([^`]+)`", line):
                if word.startswith("soldr "):
                    for words in commands(word):
                        check_words(program, where, words, None)
                elif re.match(r"^(audit|identity|limits|verify|rust|compression|options)\.[a-z_.]+$", word) and not (
                        re.search(r"\.(c|h|md|jsonl)$", word) or name == "audit.md"):  # files, and names of events
                    seen["keys"] += 1
                    if word not in program.keys:
                        problems.append(f"{where}: {word} is no key of the config")
    if block is not None:
        problems.append(f"{name}:{start}: a block without an end")


def main():
    program = Program(sys.argv[1])
    for page in sys.argv[2:]:
        targets = None
        if os.path.basename(page) in ("README.md", "CONTRIBUTING.md"):
            with open(os.path.join(os.path.dirname(page), "Makefile"), encoding="utf-8") as file:
                targets = set(re.findall(r"^([a-z][a-z-]*):", file.read(), re.M))
        check_page(program, page, targets)
    print("\n".join(problems), end="\n" if problems else "")
    print(", ".join(f"{count} {what}" for what, count in sorted(seen.items())), file=sys.stderr)


main()
