#!/bin/sh
# soldr status: the counters at a glance, for people, for programs, and again and again.
. "$(dirname "$0")/lib.sh"

command -v gcc >/dev/null || { skip "status" "no gcc"; done_testing; }
for n in 1 2 3; do echo "int f$n(void) { return $n; }" >f$n.c; done
echo 'int main(void) { return 0; }' >main.c
echo 'const char *today = __DATE__;' >date.c

run "$SOLDR" status
is "$status" 0 "of nothing"
like "$out" '^backend embedded, ' "it names the backend"
like "$out" '^hit rate    \[-{30}\]  -, 0 of 0 cacheable compilations$' "the bar of nothing is empty"
like "$out" '^time saved  0 ms$' "nothing is saved"
run "$SOLDR" status --json
printf '%s\n' "$out" >s.json
is "$(json s.json schema_version) $(json s.json hit_rate) $(json s.json misses) $(json s.json faults)" "1 null {} {}" "--json of nothing"

# Three of four cacheable compilations hit; a link and a source with today's date are not cacheable.
settle
for n in 1 1 1 1; do "$SOLDR" gcc -c f$n.c -o f.o; done
"$SOLDR" gcc -c main.c -o main.o
"$SOLDR" gcc main.o -o main
"$SOLDR" gcc -c date.c
"$SOLDR" gcc -c date.c
run "$SOLDR" status
like "$out" '^hit rate    \[#{18}-{12}\]  60\.0 %, 3 of 5 cacheable compilations$' "the bar has eighteen thirtieths of 60 %"
like "$out" '^store       \[#-{29}\]  0\.0 %, .* of 20\.0 GiB, 2 entries$' "a store that is not empty shows, however small its part"
is "$(printf '%s\n' "$out" | sed -n '/^misses/,$p' | awk '/^  / { print $1, $2; next } NF { $1 = $1; print }' | tr '\n' ';')" \
	"misses 2;not_seen 2;not cacheable 3;time_macro 2;link 1;" "reasons by what they mean, the most frequent first"
is "$(printf '%s' "$out" | tr -d '\n -~')" "" "in a pipe it is plain text"
run "$SOLDR" status --json
printf '%s\n' "$out" >s.json
is "$(json s.json hits) $(json s.json cacheable) $(json s.json compilations) $(json s.json hit_rate) $(json s.json entries)" "3 5 8 0.6 2" "--json has the numbers"
is "$(json s.json refusals)" '{"time_macro": 2, "link": 1}' "--json: refusals in order"
is "$(json s.json misses not_seen)" 2 "--json: misses"

# On a terminal.
if command -v script >/dev/null; then
	run script -qec "$SOLDR status" /dev/null
	like "$out" 'hit rate    .\[32m(█){18}.\[2m(░){12}.\[0m  60' "on a terminal the bar is in colour"
	run env NO_COLOR=1 script -qec "$SOLDR status" /dev/null
	like "$out" 'hit rate    \[#{18}-{12}\]' "unless NO_COLOR is set"
else
	skip "on a terminal" "no script"
fi

# A backend that says nothing of a store, and faults.
run "$SOLDR" --backend null status
unlike "$out" '^store' "a backend without a store has no bar for it"
run "$SOLDR" status
unlike "$out" '^faults' "without faults no word of them"
printf 'version: 1\nbackend: ccache\non_error: fallback\nbackends: {ccache: {plugin: wrapped, options: {binary: /nonexistent/ccache}}}\n' >c.yaml
"$SOLDR" --config c.yaml gcc -c f1.c -o f.o
run "$SOLDR" --config c.yaml status
like "$out" '^faults  1$' "with one there is"
like "$out" '^  backend_error  1  ' "and which"

# Again and again, until nobody reads.
run sh -c '"$1" status --watch --interval 1 | sed -n "/^hit rate/p; /^hit rate/q"' sh "$SOLDR"
like "$out" '^hit rate' "--watch ends when nobody reads any more"
run sh -c '"$1" status --watch --interval 1 --json | python3 -c "
import json, sys
text, decoder, seen = \"\", json.JSONDecoder(), 0
for line in sys.stdin:
    text += line
    try:
        value, end = decoder.raw_decode(text)
    except ValueError:
        continue
    text, seen = text[end:].lstrip(), seen + 1
    if seen == 2:
        print(value[\"hits\"])
        break
"' sh "$SOLDR"
is "$out" 3 "--watch --json: one object after another"
for words in "--interval 1" "--watch --interval 0" "--watch --interval soon" "more"; do
	run "$SOLDR" status $words
	is "$status" 2 "status $words: wrong usage"
done

done_testing
