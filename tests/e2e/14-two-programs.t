#!/bin/sh
# soldr is static and holds its own backends; soldr-host, beside it, loads plugins that are files. Both give the same.
. "$(dirname "$0")/lib.sh"

bin=$(dirname "$SOLDR")
lib=$(cd "$bin/../lib/soldr" && pwd)
host=$bin/soldr-host

# What the process of the last compile was, by the trace of its exec calls.
programs() { # COMMAND…
	strace -f -qq -e trace=execve -o "$T/.trace" "$@" >/dev/null
	sed -n 's/^[0-9 ]*execve("\([^"]*\)".* = 0$/\1/p' "$T/.trace" | sed 's|.*/||' | tr '\n' ' '
}

ok "soldr-host is beside soldr" test -x "$host"
linked=$(readelf -lW "$SOLDR" | grep -c 'INTERP')
if [ -n "$SOLDR_TEST_SAN" ] || [ "$linked" != 0 ]; then
	skip "soldr is static" "this one was linked dynamically"
	done_testing
fi
is "$(readelf -dW "$SOLDR" | grep -c NEEDED)" 0 "soldr is static: it needs no library"

echo 'int answer(void) { return 42; }' >x.c
gcc -c x.c -o want.o
settle
cat >outside.yaml <<END
version: 1
on_error: fail
backends:
  file: {plugin: $lib/embedded.so}
END

# One store, whoever serves it.
for form in "$SOLDR" "$host" "$SOLDR --config outside.yaml --backend file" "$host --config outside.yaml --backend file"; do
	rm -f x.o
	run env SOLDR_LOG=info $form gcc -c x.c
	case $form in "$SOLDR") want=miss ;; *) want=hit ;; esac
	like "$err" " $want" "$(echo "$form" | sed "s|$bin/||"): $want"
	ok "the same object" cmp x.o want.o
done
rm -f x.o

run "$SOLDR" --config outside.yaml backends --json
printf '%s\n' "$out" >backends.json
is "$(json backends.json backends 0 path)" "$lib/embedded.so" "a plugin that is a file is shown with its path"
is "$(json backends.json backends 1 name) $(json backends.json backends 1 path)" "embedded null" "one that soldr holds has none"

# A file of that name in plugin_path goes before what soldr holds.
run env SOLDR_PLUGIN_PATH="$lib" "$SOLDR" backends --json
printf '%s\n' "$out" >backends.json
is "$(json backends.json backends 0 path)" "$lib/embedded.so" "plugin_path goes before soldr's own"
mkdir empty
run env SOLDR_PLUGIN_PATH="$T/empty" "$SOLDR" backends --json
printf '%s\n' "$out" >backends.json
is "$(json backends.json backends 0 path)" null "where it has the name"

if command -v strace >/dev/null; then
	is "$(programs "$SOLDR" gcc -c x.c -o x.o)" "soldr " "a hit is one program"
	is "$(programs "$SOLDR" --config outside.yaml --backend file gcc -c x.c -o x.o)" "soldr soldr-host " "a file needs soldr-host"
	is "$(programs env SOLDR_BACKEND=null SOLDR_CONFIG=outside.yaml "$SOLDR" gcc --version)" "env soldr gcc " \
		"a bypass does not"
else
	skip "the programs of a compile" "no strace"
fi

# What is handed over: name, arguments, streams, environment.
export SOLDR_CONFIG="$T/outside.yaml" SOLDR_BACKEND=file
mkdir shims shims2 tools record
cat >tools/report-gcc <<'END'
#!/bin/sh
echo "zero=$0 args=$* depth=$SOLDR_DEPTH"
[ -e /dev/fd/0 ] || echo closed
END
chmod +x tools/report-gcc
ln -s "$SOLDR" shims/report-gcc
run env PATH="$T/shims:$T/tools:$PATH" report-gcc -c 'a b'
is "$out" "zero=$T/tools/report-gcc args=-c a b depth=1" "called under a compiler's name"
if ln "$SOLDR" shims2/report-gcc 2>/dev/null; then
	run env PATH="$T/shims2:$T/tools:$PATH" "$SOLDR" report-gcc x
	is "$out" "zero=$T/tools/report-gcc args=x depth=1" "a hard link with a compiler's name is stepped over"
else
	skip "a hard link" "it would cross a file system"
fi
run sh -c "$SOLDR $T/tools/report-gcc <&-"
is "$out" "$(printf 'zero=%s args= depth=1\nclosed' "$T/tools/report-gcc")" "a closed stream stays closed"
run env SOLDR_RECORD="$T/record" "$SOLDR" gcc -c x.c -o x.o
is "$(find record -type f | wc -l)" 1 "a request is recorded once"

# Without soldr-host.
mkdir alone
cp "$SOLDR" alone/soldr
run alone/soldr --backend embedded gcc -c x.c -o y.o
is "$status/$err" "0/" "soldr alone serves what it holds"
ok "and gives the object" cmp y.o want.o
run alone/soldr gcc -c x.c -o y.o
is "$status" 111 "and not a plugin that is a file"
like "$err" "^soldr: a plugin that is a file needs soldr-host beside soldr: install it again: cannot run $T/alone/soldr-host" "it says so"
sed 's/on_error: fail/on_error: fallback/' outside.yaml >fallback.yaml
rm -f y.o
run alone/soldr --config fallback.yaml gcc -c x.c -o y.o
is "$status" 0 "under on_error: fallback the compiler runs"
ok "and gives the object" cmp y.o want.o
run alone/soldr config check
is "$status" 1 "so does config check"
like "$out" "^error: .*soldr-host" "in the same words"

done_testing
