#!/bin/sh
# 200 secrets of 20 kinds in arguments, response files, the environment and messages: no file below the cache root and no log
# ever has one, in the mode that writes the most.
. "$(dirname "$0")/lib.sh"

mkdir -p src/out && cd src || exit 1
echo 'int f(void) { return 1; }' >1.c
echo 'int g() { return 2; }' >2.cc
echo 'pub fn h() -> u32 { 3 }' >3.rs
settle

cat >"$T/secrets.py" <<'END'
# secrets.py SOLDR KIND…: compiles of those kinds with secrets in them, which are noted in the file `words`.
import os, random, string, subprocess, sys

soldr, kinds = sys.argv[1], sys.argv[2:]
rng = random.Random(11)
letters, digits = string.ascii_letters, string.digits
some = lambda alphabet, n: "".join(rng.choice(alphabet) for _ in range(n))

# A shape of its own, or "": the name says it. In pieces, so that no one takes them for real.
SHAPES = [
    ("AK" + "IA", string.ascii_uppercase + digits, 16), ("AS" + "IA", string.ascii_uppercase + digits, 16),
    ("AI" + "za", letters + digits + "_-", 35), ("gh" + "p_", letters + digits, 36), ("gh" + "s_", letters + digits, 36),
    ("github" + "_pat_", letters + digits, 40), ("gl" + "pat-", letters + digits + "_-", 20), ("xo" + "xb-1234567890-", letters + digits, 24),
    ("np" + "m_", letters + digits, 36), ("py" + "pi-AgEIcHlwaS5vcmc", letters + digits + "_-", 60), ("sk_" + "live_", letters + digits, 24),
    ("SG" + ".aaaaaaaaaaaaaaaaaaaaaa.", letters + digits, 43), ("hv" + "s.", letters + digits, 40), ("dop" + "_v1_", "0123456789abcdef", 64),
    ("ey" + "JhbGciOiJIUzI1NiJ9.ey" + "J", letters + digits, 40), ("-----BEGIN RSA PRIV" + "ATE KEY-----\\n", letters + digits + "+/", 64),
    ("", letters + digits + "+/", 40), ("", "0123456789abcdef", 40), ("", letters, 16), ("p4ss ", letters + digits + "!%", 16),
]
NAMES = ["API_KEY", "DB_PASSWORD", "authToken", "client_secret", "PRIVATE_KEY"]
URLS = ["https://me:%s@example.org/x", "postgres://user:%s@db/x"]
planted = []


def secret(i):
    prefix, alphabet, n = SHAPES[i % len(SHAPES)]
    planted.append(some(alphabet, n))
    return prefix + planted[-1]


def plain():
    planted.append(some(letters + digits, 24))
    return planted[-1]


def name():
    return rng.choice(NAMES)


def respond(file, lines):
    with open(file, "w") as f:
        f.writelines(line + "\n" for line in lines)
    return "@" + file


def c_arguments(i):
    """Joined and apart, in a URL, in a response file, in the environment."""
    args = [f'-D{name()}="{secret(i)}"', "-D", f"{name()}={secret(i + 1)}", f'-DSITE="{rng.choice(URLS) % plain()}"', f"-DX_{name()}={secret(i + 2)}"]
    args.append(respond(f"{i}.rsp", [f"'-D{name()}={secret(i + 3)}'", f"-DY_{name()}={plain()}"]))
    return args, {"AWS_SECRET_ACCESS_KEY": secret(i + 4), "MY_PLAIN_VARIABLE": secret(i + 5)}


def rust_arguments(i):
    args = [f'--cfg={name()}="{secret(i)}"', "--cfg", f'{name()}="{secret(i + 1)}"', "--cfg", f'site="{rng.choice(URLS) % plain()}"']
    args.append(respond(f"{i}.args", ["--cfg", f'{name()}="{secret(i + 2)}"']))
    return args, {"CARGO_REGISTRY_TOKEN": secret(i + 3), "CARGO_PKG_X": secret(i + 4), "RUST_PLAIN": secret(i + 5)}


CALLS = {
    "gcc": ["gcc", "-O1", "-c", "1.c", "-o", "1.o"],
    "g++": ["g++", "-O1", "-c", "2.cc", "-o", "2.o"],
    "rustc": ["rustc", "--crate-name", "x", "--crate-type", "lib", "--emit=dep-info,metadata,link", "--out-dir", "out", "-A", "warnings", "3.rs"],
}


def run(argv, env):
    return subprocess.run([soldr, *argv], env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


failed = []
for kind in kinds:
    for i in range(0, 20, 2):
        args, env = (rust_arguments if kind == "rustc" else c_arguments)(i)
        for _ in range(2):  # a miss, and a hit or one that is compiled again
            r = run(CALLS[kind] + args, env)
            if r.returncode:
                failed.append(r.stderr.decode()[:300])
        run(CALLS[kind] + args + [f"-DPASSWORD={secret(i)}", "-no-such-thing"], env)  # a refusal, and its message
with open("words", "w") as f:
    f.writelines(word + "\n" for word in planted)
print(len(planted) >= 200, failed[:1], len(SHAPES))
END
kinds="gcc"
command -v g++ >/dev/null && kinds="$kinds g++"
command -v rustc >/dev/null && rustc --version >/dev/null 2>&1 && kinds="$kinds rustc"
export SOLDR_LOG="$T/log" SOLDR_VERIFY=50 SOLDR_AUDIT=forensic
# shellcheck disable=SC2086
run python3 "$T/secrets.py" "$SOLDR" $kinds
if [ "$kinds" = "gcc g++ rustc" ]; then
	is "$status $out" "0 True [] 20" "compiles by $kinds with 200 secrets of 20 kinds"
else
	skip "compiles with 200 secrets" "g++ or rustc is missing: fewer were planted"
fi
found() { grep -rlF -f words "$@" 2>/dev/null | sed "s|^$T/||" | sort | head; }
ok "which are where they were planted" test -n "$(found .)"
is "$(found "$SOLDR_CACHE_DIR")" "" "s11: no file below the cache root has one"
is "$(found "$T/log")" "" "s11: nor has the log"
for what in audit.jsonl journal.jsonl; do
	ok "although $what has the calls" grep -q '\[redacted\]' "$SOLDR_CACHE_DIR"/runs/day-*/$what
done
like "$(cat "$SOLDR_CACHE_DIR"/runs/day-*/audit.jsonl)" '"event":"compile".*"outcome":"hit"' "hits among them"

# A build leaves its command, a summary and a manifest.
unset SOLDR_VERIFY
printf 'all:\n\tgcc -O1 -DTOKEN=$(TOKEN) -c 1.c -o 1.o\n' >Makefile
word=$(head -n 1 words)
run "$SOLDR" make -s TOKEN="$word"
is "$status" 0 "a build that is given one"
is "$(found "$SOLDR_CACHE_DIR")" "" "s11: nothing of it has it"
like "$(cat "$SOLDR_CACHE_DIR/last-session/audit.jsonl")" '"event":"command".*"TOKEN=\[redacted\]"' "though the event has the command's arguments"

# The search would find one.
printf 'audit: {redaction: {enabled: false}}\n' >"$T/open.yaml"
"$SOLDR" --config "$T/open.yaml" gcc -O1 -DTOKEN="$word" -c 1.c -o 1.o
like "$(found "$SOLDR_CACHE_DIR")" 'runs/day-[0-9]*/audit.jsonl' "with redaction off it is found"

done_testing
