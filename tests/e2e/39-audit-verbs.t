#!/bin/sh
# soldr audit: what the files of a run say, for people, as JSON, and in the forms of other programs.
san=${SOLDR_TEST_SAN:-} # lib.sh clears the environment
. "$(dirname "$0")/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
runs=$SOLDR_CACHE_DIR/runs
made="python3 $lib_dir/audit_runs.py"
trace="python3 $lib_dir/trace.py"

analyze() { # ARGS…: into analysis.json
	run "$SOLDR" audit analyze "$@" --json
	printf '%s\n' "$out" >"$T/analysis.json"
}
part() { json "$T/analysis.json" "$@"; }
# Without those that depend on how fast this machine is.
findings() {
	python3 -c 'import json, sys
timely = {"long_unit", "low_parallelism", "slow_hits", "slow_spawn"}
print(" ".join(sorted({f["id"] for f in json.load(open(sys.argv[1]))["findings"]} - timely)))' "$T/analysis.json"
}
valid() { # NAME SCHEMA FILE
	if python3 -c 'import jsonschema' 2>/dev/null; then
		ok "$1 is what $2 says" python3 -c 'import json, sys, jsonschema
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))' "$top/docs/schema/$2" "$3"
	else
		skip "$1 is what $2 says" "no Python module jsonschema"
	fi
}

# ---- findings: each in a run that has its cause, none in one just below --------------------------------------

$made findings "$SOLDR" >found
ok "findings were tried" test "$(wc -l <found)" -ge 15
while read -r name there absent evidence; do
	[ "$name" = healthy ] && is "$there" none "a healthy run has no finding" && continue
	is "$there $absent $evidence" "there absent evidence" "finding $name: there with its cause and with evidence, absent just below"
done <found

# What misses differ in comes from the backend: of compiles that were.
mkdir src && cd src || exit 1
for n in $(seq 1 20); do echo "int f$n;" >$n.c; done
printf 'all: %s\n%%.o: %%.c\n\tgcc $(FLAGS) -c $< -o $@\n' "$(seq -f %g.o -s ' ' 1 20)" >Makefile
build() { settle && rm -f ./*.o && "$SOLDR" -q make -s -j4 "$@" && analyze last; }
build
is "$(findings)" "cold_store" "finding cold_store: a store that has not seen the sources"
is "$(part misses 0 reason) $(part misses 0 count)" "not_seen 20" "misses by reason"
is "$(part differences asked) $(part differences told) $(part differences items 0 kind)" "20 20 first_seen" "the backend was asked about them"
build FLAGS=-DBUILD=1
is "$(findings)" "options_vary" "finding options_vary: and the store is not cold"
is "$(part differences items 0 group) $(part differences items 0 what) $(part differences items 0 count)" "options -DBUILD=1 20" \
	"the group of the key, the option, and how many"
build FLAGS=-DBUILD=1
is "$(findings)" "" "a build of hits has none"
is "$(part hit_rate) $(part outcomes hit count) $(part differences asked)" "1.0 20 0" "and nothing to ask about"
SOURCE_DATE_EPOCH=1 build FLAGS=-DBUILD=1
is "$(findings)" "environment_varies" "finding environment_varies"
is "$(part differences items 0 group) $(part differences items 0 what)" "environment SOURCE_DATE_EPOCH" "with the variable"
objects=$(seq -f %g.o -s ' ' 1 20)
printf 'all: %s\n%s: %%.o:\n\tgcc -g -c %s/$*.c -o $@\n' "$objects" "$objects" "$T/src" >../Makefile
build -f ../Makefile
mkdir ../other && cd ../other || exit 1
build -f ../Makefile
like "$(findings)" "directory_varies" "finding directory_varies"
cd "$T" || exit 1

# ---- the whole of it -------------------------------------------------------------------------------------------

$made write small 300
analyze small
valid "analyze --json" analysis.schema.json "$T/analysis.json"
is "$(part compilations) $(part outcomes hit count) $(part outcomes miss count) $(part outcomes bypass count) $(part failed) $(part unknown_end)" \
	"300 165 75 60 9 21" "counts"
is "$(part concurrency most)" 4 "four at once"
ok "the picture of concurrency adds up to the time of the compiles" python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))
work = sum(o["latency_ns"] for o in a["outcomes"].values())
drawn = sum(a["concurrency"]["buckets"]) * a["concurrency"]["span_ns"] / len(a["concurrency"]["buckets"])
assert abs(work - drawn) < work / 1000, (work, drawn)
assert a["concurrency"]["busy_ns"] <= a["concurrency"]["span_ns"]
times = [s["latency_ns"] for s in a["slowest"]]
assert times == sorted(times, reverse=True) and len(times) == 20' "$T/analysis.json"
is "$(part misses 0 reason) $(part misses 0 detail) $(part misses 0 count)" "input_changed include/core/config.h 45" "misses by what changed"
is "$(part not_cached 0 reason) $(part not_cached 0 count)" "time_macro 30" "sources that are their own detail are one cause"
run "$SOLDR" audit analyze small
is "$status" 0 "analyze, for people"
like "$out" '^  miss +75 +25.0 % ' "outcomes"
like "$out" '^  input_changed +45 .* include/core/config.h +src/' "causes"
like "$out" '^  warning: One changed file causes many misses \(changed_input, confidence high, about ' "findings"
run "$SOLDR" audit analyze "$runs/small"
like "$out" '^run small$' "a run may be given by its directory"
cp -r "$runs/small" elsewhere
run "$SOLDR" audit analyze ./elsewhere --json
is "$status" 0 "also outside the cache root"
$made hostile bad
run "$SOLDR" audit analyze bad
unlike "$out" "$(printf '\033')" "a name cannot steer the terminal"
run "$SOLDR" -q audit analyze small
is "$err" "" "nothing but the answer"
mkdir -m 700 "$runs/empty"
for wrong in "analyze none" "analyze empty" "analyze ../x" "analyze /nowhere/" "export none --format html"; do
	run "$SOLDR" audit $wrong
	is "$status" 1 "audit $wrong: there is none"
	like "$err" "^soldr: " "which is said"
done
for wrong in "" nonesuch "analyze a b" "analyze --jsn" "export small" "export small --format htm" "export small --format pdf" "export a b --format html"; do
	run "$SOLDR" audit $wrong
	is "$status" 2 "audit $wrong: wrong usage"
done
run "$SOLDR" audit export small --format htm
like "$err" "did you mean html" "the nearest format"
run "$SOLDR" audit analyze --jsn
like "$err" "did you mean --json" "the nearest option"

# ---- Chrome's trace events -----------------------------------------------------------------------------------------

run "$SOLDR" audit export small --format chrome --output trace.json
is "$status $out" "0 " "export --format chrome, to a file"
is "$($trace trace.json)" "279 21 4 0" "279 compiles and 21 of unknown length, in four lanes that do not overlap"
run "$SOLDR" audit export small --format chrome
ok "the same on standard output" sh -c 'printf "%s\n" "$1" | cmp - trace.json' - "$out"
run "$SOLDR" audit export bad --format chrome
printf '%s\n' "$out" >bad.json
is "$($trace bad.json)" "10 0 5 0" "names of any kind"
run sh -c '"$1" audit export small --format chrome >/dev/full' - "$SOLDR"
is "$status" 1 "a full disk: exit status"
like "$err" "cannot write to standard output: No space" "a full disk: message"
# What is no regular file is written to, never replaced.
run sh -c 'mkfifo pipe; cat pipe >through & "$1" audit export small --format chrome --output pipe; wait' - "$SOLDR"
ok "a FIFO gets the text" cmp trace.json through
ok "and stays one" test -p pipe
ln -s through linked
run "$SOLDR" audit export small --format chrome --output linked
ok "what a link leads to gets the text" sh -c 'test -L linked && cmp trace.json through'
run "$SOLDR" audit export small --format chrome --output /dev/stdout
ok "/dev/stdout too" sh -c 'test -L /dev/stdout && printf "%s\n" "$1" | cmp - trace.json' - "$out"
run "$SOLDR" audit export small --format chrome --output nowhere/trace.json
is "$status" 1 "a directory that is not there"

# ---- JUnit -------------------------------------------------------------------------------------------------------------

cat >junit.py <<'END'
import sys
import xml.etree.ElementTree as E
root = E.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites", root.tag
suite = root.find("testsuite")
cases = suite.findall("testcase")
assert int(suite.get("tests")) == len(cases) and all(c.get("classname") and c.get("name") and float(c.get("time")) >= 0 for c in cases)
failures, errors = suite.findall("testcase/failure"), suite.findall("testcase/error")
assert int(suite.get("failures")) == len(failures) and int(suite.get("errors")) == len(errors)
print(len(cases), len(failures), len(errors), ",".join(sorted(set(f.get("type") + " " + f.get("message") for f in failures))))
END
run "$SOLDR" audit export small --format junit --output junit.xml
is "$(python3 junit.py junit.xml)" "300 9 0 compile_failed exit status 1" "a test case for each compile, failing ones as failures"
run "$SOLDR" audit export bad --format junit --output bad.xml
is "$(python3 junit.py bad.xml)" "10 0 0 " "names of any kind"
run "$SOLDR" audit export with-fallbacks --format junit --output fault.xml
is "$(python3 junit.py fault.xml)" "401 0 1 " "a fault of soldr is an error"

# ---- the page, as far as it can be seen without a browser -----------------------------------------------------------------

cat >page.py <<'END'
# What the page is made of: tags that are opened are closed, none that loads or runs anything; prints some text of it.
import html.parser, sys

VOID = {"meta", "rect", "path", "br"}
PLAIN = {"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p", "dl", "dt", "dd",
         "div", "span", "code", "svg", "rect", "path", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "style", "role", "aria-label", "aria-hidden", "viewbox",
              "preserveaspectratio", "x", "y", "width", "height", "d", "data-l"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.rects = [], [], 0

    def handle_starttag(self, tag, attrs):
        assert tag in PLAIN, tag
        assert all(name in ATTRIBUTES for name, _ in attrs), (tag, attrs)
        self.rects += tag == "rect"
        if tag == "rect" or tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data)


raw = open(sys.argv[1], "rb").read()
text = raw.decode("utf-8")
assert not any(c < 32 and c not in (9, 10) for c in raw)
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
for word in "http:", "https:", "url(", "@import", "src=":
    assert word not in text.replace("http-equiv", "").replace("src=x", ""), word
print(page.rects, len(raw) < 400000)
open("page.txt", "w", encoding="utf-8").write("".join(page.text))
END
run "$SOLDR" audit export small --format html --output small.html
is "$(python3 page.py small.html)" "304 True" "one page, of reasonable size, with a mark for each of 300 compiles, and nothing that loads or runs"
for text in "Run small" "One changed file causes many misses" "include/core/config.h" "Slowest units" "Not cached"; do
	ok "the page says: $text" grep -qF "$text" page.txt
done
run "$SOLDR" audit export bad --format html --output bad.html
is "$(python3 page.py bad.html)" "14 True" "names with markup in them are text"
ok "and stand there as they are" grep -qF "<script>document.title='owned'</script>.c" page.txt
ok "in all their languages" grep -qF "日本語" page.txt
"$SOLDR" -q build -- true
run "$SOLDR" audit export last --format html --output empty.html
is "$status $(python3 page.py empty.html)" "0 0 True" "a build that compiled nothing"

# ---- a large run -------------------------------------------------------------------------------------------------------------

if [ -z "$san" ]; then
	$made write large 10000
	run python3 -c 'import os, pty, subprocess, sys
ours, theirs = pty.openpty()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=theirs, check=True)
os.close(theirs)
print(os.read(ours, 4096))' "$SOLDR" audit analyze large
	like "$out" "soldr: 8,192 compiles read.r" "on a terminal it says how far it is"
	for format in chrome html junit; do
		ok "10,000 compiles as $format in 24 MB" sh -c 'ulimit -v 24576; exec "$@"' - "$SOLDR" audit export large --format $format --output "$T/large.$format"
	done
	ok "the page is of reasonable size" test "$(wc -c <large.html)" -lt 400000
	is "$($trace large.chrome)" "9300 700 4 0" "the trace is whole"
else
	skip "memory for a large run" "a sanitizer takes more"
fi

done_testing
