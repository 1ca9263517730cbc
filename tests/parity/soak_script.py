"""A difference as a shell script: the operations that make the state, the
compiles before, and at the end the compiler and soldr side by side.
"""
import os
import shlex

import soak_scene as scene

HEAD = """#!/bin/sh
# {compiler}, seed {seed}, step {step}: soldr differs from the compiler.
# usage: SOLDR=path/to/soldr sh THIS; exit status 1 where they still differ.
SOLDR=${{SOLDR:-soldr}}
T=$(mktemp -d) || exit 2
trap 'chmod -R u+w "$T"; rm -rf "$T"' EXIT
R=$T/tree
mkdir -p "$R/tmp" "$T/stamps" "$T/home"
mkdir -m 700 "$T/store"
cd "$R" || exit 2

run() {{ # WHERE CWD MASK [NAME=VALUE…] COMMAND…
	sleep 0.03
	where=$1 cwd=$2 mask=$3
	shift 3
	(cd "$R/$cwd" && umask "$mask" && exec env -i PATH="$PATH" ${{SOLDR_BACKEND:+"SOLDR_BACKEND=$SOLDR_BACKEND"}} \\
		${{SOLDR_CONFIG:+"SOLDR_CONFIG=$SOLDR_CONFIG"}} LC_ALL=C HOME="$T/home" XDG_CONFIG_HOME="$T/config" SOLDR_CACHE_DIR="$T/store" \\
		TMPDIR="$R/tmp" PWD="$R/$cwd" "$@") >"$T/$where.out" 2>"$T/$where.err" </dev/null
	echo $? >"$T/$where.status"
}}

same() {{ # two names of one file, or of equal links
	if [ -h "$1" ] || [ -h "$2" ]; then
		[ "$(readlink "$1")" = "$(readlink "$2")" ]
	else
		cmp -s "$1" "$2" && [ "$(stat -c %a "$1")" = "$(stat -c %a "$2")" ]
	fi
}}

keep() {{ # WHERE: the tree is copied; then what the run made is removed, and what it changed is put back
	cp -a "$R" "$T/$1"
	find . ! -type d -printf '%m %p\\n' | sort >"$T/$1.modes"
	find . -depth | while read -r made; do [ -e "$T/before/$made" ] || [ -h "$T/before/$made" ] || rm -rf "$made"; done
	(cd "$T/before" && find . ! -type d) | while read -r old; do
		same "$T/before/$old" "$old" || {{ rm -rf "$old"; cp -aT "$T/before/$old" "$old"; }}
	done
}}
"""
TAIL = """
different=0
for got in first second; do
	for what in out err status modes; do
		cmp -s "$T/want.$what" "$T/$got.$what" && continue
		different=1
		echo "$got run, $what: compiler (-), soldr (+)"
		diff -u "$T/want.$what" "$T/$got.$what"
	done
	(cd "$T" && diff -r --no-dereference want "$got") || different=1
done
exit $different
"""


def quote(text):
    """One word for a shell in which $R is the tree."""
    return '"$R"'.join(shlex.quote(part) if part else "" for part in text.split("{R}")) or "''"


def words(compile_, compiler):
    """NAME=VALUE… COMPILER ARGUMENT…"""
    return " ".join([f"{n}={quote(v)}" for n, v in compile_["env"].items()] + [compiler] + [quote(a) for a in compile_["args"]])


def operation(op):
    """An operation, in a shell whose working directory is the tree."""
    kind, name = op[0], shlex.quote(op[1])
    above = shlex.quote(os.path.dirname(op[1]) or ".")
    other = shlex.quote(str(op[2])) if len(op) > 2 else ""
    if kind == "write":
        stamp = '"$T"/stamps/' + scene.stamp_name(op[1], op[2])
        lines = [f"mkdir -p {above}; [ ! -h {name} ] || rm -f {name}"]
        lines += [f'touch -r {name} "$T/kept"'] * (op[3] == "keep")
        lines += [f"printf %s {quote(op[2])} >{name}"]
        lines += [f'touch -r "$T/kept" {name}'] * (op[3] == "keep")
        lines += [f"[ ! -e {stamp} ] || touch -r {stamp} {name}"] * (op[3] == "first")
        return "\n".join(lines + [f"[ -e {stamp} ] || touch -r {name} {stamp}"])
    if kind == "touch":
        return f"touch -c {name}" if op[2] is None else f"touch -c -d @{op[2]} {name}"
    if kind == "chmod":
        return f"chmod {op[2]:o} {name}"
    return {
        "remove": f"rm -rf {name}",
        "rename": f"mv -T {name} {other}",
        "symlink": f"mkdir -p {above}; rm -rf {name}; ln -s {other} {name}",
        "link": f"ln {name} {other}",
        "mkdir": f"mkdir -p {name}",
    }[kind]


def script(items, compiler, seed, step):
    """items: ("op", operation) and ("compile", step) in order; the last is the compile that differs."""
    lines = [HEAD.format(compiler=compiler, seed=seed, step=step)]
    through = '"$SOLDR" '

    def call(where, compile_, soldr):
        variables = " ".join(f"{n}={quote(v)}" for n, v in compile_["env"].items())
        rest = " ".join([compiler] + [quote(a) for a in compile_["args"]])
        return f"run {where} {compile_['cwd']} {compile_['umask']:03o} {variables} {soldr}{rest}".replace("  ", " ")

    for kind, what in items[:-1]:
        if kind == "op":
            lines.append(operation(what))
            continue
        if what["race"]:
            lines += [call("race", what["compile"], through) + " &", f"sleep {0.03 + what['race'][0]}"]
            lines += [operation(op) for op in what["race"][1]] + ["wait"]
        lines.append(call("earlier", what["compile"], through))
    last = items[-1][1]["compile"]
    lines += ['\ncp -a "$R" "$T/before"']
    for where, soldr in (("first", through), ("second", through), ("want", "")):
        lines += [call(where, last, soldr), f"keep {where}"]
    return "\n".join(lines) + TAIL
