#!/bin/sh
# soldr plugin check: the plugins of this tree keep the contract, each fixture that breaks it gets the verdict of its
# clause, and nothing of a file runs before it is known to be safe.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
fixtures=${SOLDR_TEST_FIXTURES:-$root/build/tests/fixtures}
if [ ! -e "$fixtures/good_minimal.so" ]; then
	skip "plugin check" "no fixtures at $fixtures: make check-e2e builds them"
	done_testing
fi
mkdir plugins tmp
export TMPDIR="$T/tmp"
cp "$fixtures"/*.so plugins
chmod go-w . plugins plugins/*.so

# The plugins of this tree, as files and as soldr holds them.
lib=$(cd "$(dirname "$SOLDR")/../lib/soldr" && pwd)
cat >store.sh <<'END_OF_SH'
#!/bin/sh
exec "$@"
END_OF_SH
chmod 755 store.sh
check() { run "$SOLDR" plugin check "$@"; }
for name in null embedded; do
	check "$lib/$name.so"
	is "$status $(printf '%s\n' "$out" | grep -c '^fail')" "0 0" "$name.so keeps every clause"
	[ "$status" = 0 ] || lib_note said "$out"
done
check wrapped profile=generic binary="$T/store.sh" --clause compile-1
is "$status" 0 "a plugin that needs options gets them: wrapped, with a program of ours"
check wrapped profile=generic binary="$T/store.sh" --clause cap-caching
like "$status $out" '^fail +cap-caching ' "which caches nothing"
if command -v ccache >/dev/null; then
	check "$lib/wrapped.so"
	is "$status $(printf '%s\n' "$out" | grep -c '^fail')" "0 0" "wrapped.so keeps every clause, with ccache"
else
	skip "wrapped.so keeps every clause" "no ccache"
fi
check null --json
printf '%s\n' "$out" >null.json
is "$(json null.json name) $(json null.json abi) $(json null.json failed) $(json null.json not_run)" "null 1.0 0 0" "--json: who it is, and counts"
run "$SOLDR" plugin clauses
printf '%s\n' "$out" >clauses
is "$(json null.json verdicts | grep -o '"clause":' | wc -l)" "$(wc -l <clauses)" "--json: a verdict for each clause"
is "$(sed -n 's/^| `\([a-z]*-[a-z0-9]*\)` | \(.*\) |$/\1 \2/p' "$root/docs/abi.md")" "$(tr -s ' ' <clauses)" "docs/abi.md has the clauses, in the same words"

# One fixture, one clause: FIXTURE CLAUSE PATTERN [OPTION=VALUE…]
breaks() {
	fixture=$1 clause=$2 pattern=$3
	shift 3
	check "plugins/$fixture.so" --clause "$clause" --timeout "${patience:-300}" "$@"
	is "$status" 1 "$fixture $*: exit status 1"
	like "$(printf '%s' "$out" | tr '\n' ' ' | tr -s ' ')" "fail $clause .*\. ($pattern).* 0 pass, 1 fail, 0 not applicable" "$fixture $*: breaks $clause"
}
died='(died of signal|ended the process)'
breaks undefined_symbol load-3 ".*undefined symbol: function_of"
breaks load_crashes load-3 "loading it $died"
breaks no_symbol load-4 ".*does not export"
breaks exports_more load-6 "it also exports helper_of_the_fixture"
breaks table_null table-1 ".*gave no table"
breaks table_misaligned table-1 ".*not aligned"
breaks entry_refuses table-1 ".*no flux capacitor"
breaks entry_crashes table-1 "loading it $died"
breaks wrong_major table-2 ".*ABI 2.0"
breaks size_too_small table-3 ".*struct_size 63"
breaks size_absurd table-3 ".*struct_size 3735928559"
breaks bad_name table-4 ".*its name"
breaks bad_version table-4 ".*its version"
for function in open compile close; do
	breaks no_$function table-5 ".*$function\(\) is NULL"
done
breaks cap_without_function table-6 ".*maintain\(\), which is NULL"
breaks cap_beyond_size table-6 ".*outside its struct_size"
breaks options_bad_default table-7 ".*has the default"
breaks options_duplicate table-7 ".*the same place"
breaks options_bad_stride table-7 ".*struct_size"
breaks table_changes table-8 "each call"
breaks exact_version version-1 "it refuses a host"
breaks exact_version version-2 "it gives a host of ABI 2.0 no table and does not say why"
breaks breaks_open version-3 "open\(\) gave 3: this is the fault" fault=needs_host_size
breaks open_fails open-1 "open\(\) gave"
breaks open_crashes open-1 "open\(\) $died"
breaks breaks_open open-1 "open\(\) ended the process with status 3" fault=exits
patience=1
breaks breaks_open open-1 "open\(\) did not come back within 1 s" fault=hangs
patience=
breaks breaks_open open-2 "with a key more" fault=refuses_keys
breaks breaks_open open-3 "with number=.*written to its output" fault=writes_out
breaks breaks_open open-4 "." fault=shares_instance
breaks breaks_open open-6 "open\(\) gave 3" fault=opens_once
breaks breaks_open open-7 "[0-9]+ pieces of memory from alloc" fault=keeps_host_memory
breaks breaks_compile own-1 "compile\(\) gave 4, and has written" fault=writes_result
breaks breaks_compile own-2 ".*captured output" fault=keeps_captured
breaks breaks_compile own-2 "release\(\) was given" fault=releases_foreign
breaks breaks_compile own-3 "compile\(\) wrote past" fault=writes_past_result
breaks breaks_open own-4 "compile\(\) $died" fault=keeps_arguments
breaks breaks_open own-4 "open\(\) $died" fault=writes_arguments
breaks breaks_compile own-5 "run\(\) was called for request 1001" fault=wrong_request
breaks breaks_compile own-5 "run\(\) or replace\(\) was given a soldr_spawn whose" fault=spawn_without_size
breaks breaks_compile error-1 "compile\(\) gave 4, which came without a message" fault=error_unfilled
breaks breaks_compile error-1 "compile\(\) gave 4, which is not the code in the error" fault=error_other_code
breaks breaks_compile error-1 "compile\(\) gave 4711, which is none" fault=error_unknown_code
breaks breaks_compile error-2 "run\(\) gave the error 4, and compile\(\) a success" fault=swallows_errors
breaks breaks_compile error-3 "run\(\) gave the error 9, and compile\(\) a success" fault=ignores_cancellation
breaks breaks_compile error-4 "there is no compiler, and compile\(\) gave a success" fault=needs_no_compiler
breaks broken compile-1 "unit.o is missing, or not" fault=flip_byte
breaks broken compile-1 "unit.d is missing, or not" fault=drop_depfile
breaks breaks_compile compile-1 "compile\(\) $died" fault=crashes
breaks breaks_compile compile-2 "a source with an error made compile\(\) fail" fault=failure_is_error
breaks broken compile-2 "its messages are not" fault=swap_stderr
breaks broken compile-3 "the compiler ended with status 113, signal 0, and the result says status 3" fault=wrong_status
breaks breaks_compile compile-3 "the compiler ended with status 0, signal 15, and" fault=loses_signal
breaks result_garbage compile-4 "compile\(\) succeeds with outcome 4711"
breaks breaks_compile compile-4 "there is no reason" fault=no_reason
breaks breaks_compile compile-5 "host.readonly is set" fault=writes_readonly
breaks breaks_compile compile-6 "the request has RECACHE set" fault=always_hit
breaks breaks_compile compile-7 "compile\(\) $died" fault=few_arguments
breaks breaks_compile compile-8 "compile\(\) $died" fault=needs_path
breaks breaks_compile compile-9 "with closed streams compile\(\) gave 8" fault=needs_streams
breaks breaks_compile thread-1 "." fault=shares_result
breaks breaks_open thread-2 "compile\(\) $died" fault=thread_local
breaks breaks_compile process-1 "the working directory" fault=changes_directory
breaks breaks_compile process-1 "the umask of the process was 022, and is 077" fault=changes_umask
breaks breaks_compile process-2 "signal 13" fault=ignores_sigpipe
breaks breaks_compile process-2 "signal 10" fault=blocks_signal
breaks breaks_open process-3 "the environment of the process has changed: FIXTURE" fault=sets_variable
breaks breaks_open process-4 "1 threads are left" fault=leaves_thread
breaks breaks_open process-4 "a child process" fault=leaves_child
breaks breaks_open process-5 "descriptor [0-9]+ is still open" fault=leaves_descriptor
breaks breaks_compile process-6 "it wrote to descriptor" fault=prints
breaks breaks_compile cap-caching "CACHING is set" fault=none
breaks breaks_open open-5 "close\(\) $died" fault=close_null
for function in stats flush maintain shutdown explain; do
	breaks breaks_caps cap-$function "$function\(\)" fault=$function
done
if [ -n "$SOLDR_TEST_SAN" ]; then
	skip "breaks_open fault=leaks" "the sanitizer's malloc does not tell how much is in use"
else
	breaks breaks_open open-7 "each open\(\) and close\(\) leaves some [0-9]* bytes" fault=leaks
fi

# What is not broken passes.
check plugins/breaks_caps.so fault=none
is "$status $(printf '%s\n' "$out" | grep -e '^fail' -e '^not applicable')" "0 $(printf '%s\n' "$out" | grep -e cap-caching -e thread-1)" \
	"a fixture with every optional function and without a fault passes"
check plugins/external.so
is "$status $(printf '%s\n' "$out" | grep '^fail')" "0 " "external passes"
for fixture in good_size_1_0 good_newer_minor good_options; do
	for clause in version-1 version-3 open-3; do
		check plugins/$fixture.so --clause $clause
		is "$status" 0 "$fixture keeps $clause"
	done
done

# Files that are none, and files that others could have written: the clause, and not a byte of them is run.
mark() { [ -e "$T/mark" ] && echo ran; }
export SOLDR_TEST_MARKER="$T/mark"
check plugins/runs_at_load.so --clause open-1
is "$status $(mark)" "0 ran" "a file that is safe is run"
rm mark
chmod 777 plugins/runs_at_load.so
check plugins/runs_at_load.so
is "$status $(mark)" "1 " "a world-writable file is not"
like "$out" '^fail +load-1 ' "which breaks load-1"
like "$out" '^not run +open-1 ' "and nothing else is checked"
chmod 755 plugins/runs_at_load.so
mkdir open
chmod 777 open
cp plugins/runs_at_load.so open
check open/runs_at_load.so
is "$status $(mark)" "1 " "nor is one in a world-writable directory"
like "$out" '^fail +load-1 ' "which breaks load-1 as well"
cp plugins/runs_at_load.so plugins/foreign.so
if chown nobody plugins/foreign.so 2>/dev/null; then
	check plugins/foreign.so
	is "$status $(mark)" "1 " "nor is another user's"
	like "$out" '^fail +load-1 ' "which breaks load-1 too"
else
	skip "another user's file" "not root"
fi
echo 'not a plugin' >plugins/text.so
chmod 644 plugins/text.so
mkdir plugins/directory.so
mkfifo plugins/fifo.so
head -c 3000 plugins/good_minimal.so >plugins/short.so
for file in text directory fifo short; do
	check plugins/$file.so --clause load-2
	like "$status $out" '^fail +load-2 ' "$file: breaks load-2"
done
if [ -n "$SOLDR_TEST_SAN" ]; then
	skip "linked lazily" "it would need the sanitizer's run time"
else
	gcc -fPIC -fvisibility=hidden -shared -Wl,-z,lazy -I"$root/core/include" "$root/tests/abi/fixtures/good_minimal.c" -o plugins/lazy.so
	check plugins/lazy.so --clause load-5
	like "$out" '^fail +load-5 ' "linked lazily: breaks load-5"
fi

# Wrong usage.
for words in "" "check" "clauses more" "look null" "check null word" "check null =x" "check null --clause load-99" "check null --timeout 0"; do
	run "$SOLDR" plugin $words
	is "$status" 2 "soldr plugin $words: wrong usage"
done
check ./nowhere.so
is "$status" 111 "a file that is not there: 111"
like "$err" 'no plugin file .*/nowhere.so' "with its path"
check no-such-name
is "$status" 111 "so is a name that is nowhere"
is "$(ls "$TMPDIR")" "" "nothing is left in the directory for temporary files"

# Ended from outside while a plugin hangs.
"$SOLDR" plugin check plugins/breaks_open.so --clause open-1 fault=hangs >/dev/null 2>&1 &
checker=$!
until [ -n "$(find "$TMPDIR" -name '*.out')" ] || ! kill -0 $checker 2>/dev/null; do :; done
kill -TERM $checker
wait $checker 2>/dev/null
is "$?" 143 "a check that is ended dies of the signal"
is "$(ls "$TMPDIR")" "" "and leaves nothing behind either"

done_testing
