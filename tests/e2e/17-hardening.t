#!/bin/sh
# How the products are linked, and what no source may do: docs/architecture.md, "Hardening".
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
bin=$(dirname "$SOLDR")
lib=$(cd "$bin/../lib" && pwd)

for file in "$bin/soldr" "$bin/soldr-host" "$lib"/soldr/*.so "$lib/libsoldr.so"; do
	name=$(basename "$file")
	readelf -hlW "$file" >headers
	readelf -dW "$file" >dynamic
	like "$(cat headers)" 'Type: +DYN' "$name can be loaded at any address"
	like "$(cat headers)" 'GNU_STACK .* RW +0x' "$name: the stack is not executable"
	is "$(grep -E '^ +LOAD' headers | grep -c 'RWE')" 0 "$name: nothing is writable and executable"
	like "$(cat headers)" 'GNU_RELRO' "$name: relocations become read-only"
	like "$(cat dynamic)" 'FLAGS.*(BIND_NOW|NOW)' "$name: all of them, before it starts"
	is "$(grep -cE 'TEXTREL|RPATH|RUNPATH' dynamic)" 0 "$name: no text relocations, and no search path of its own"
	# Linked statically there are no names of undefined functions to look for; the symbols are all there.
	symbols=$(nm -D "$file" 2>/dev/null; nm "$file" 2>/dev/null)
	like "$symbols" '__stack_chk_fail' "$name: stacks are guarded"
	if [ -n "$SOLDR_TEST_SAN" ]; then
		skip "$name: calls of the C library are checked" "with sanitizers they do it"
	elif [ "$name" = null.so ]; then
		skip "$name: calls of the C library are checked" "it makes none that could be"
	else
		like "$symbols" '__[a-z]+_chk' "$name: calls of the C library are checked"
	fi
done
make -C "$root" --no-print-directory -nB all 2>/dev/null | grep -e ' -c core/util/buf.c' >command
like "$(cat command)" '-fstack-protector-strong' "compiled with guarded stacks"
like "$(cat command)" '-fstack-clash-protection' "and large frames that touch each page"

# No shell, no copy without a bound, no name of a temporary file that somebody could have taken.
cd "$root" || exit 1
sources=$(find core plugins -name '*.[ch]')
banned() { # NAME…: lines that call one
	for name; do
		grep -nE "(^|[^A-Za-z0-9_.>])$name *\(" $sources
	done | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)'
}
is "$(banned system popen wordexp)" "" "no source runs a shell"
is "$(banned gets strcpy strcat sprintf vsprintf stpcpy strncat alloca)" "" "or copies without a bound"
is "$(banned mktemp tmpnam tempnam tmpfile mkstemp)" "" "or makes temporary files but by fs_temp_open()"
is "$(banned setuid seteuid setreuid setresuid)" "" "or changes who it is"
is "$(grep -nE '\bexecl?p?e?\(|execvpe?\(' $sources | grep -v 'sys\.' | grep -vE ':[[:space:]]*(/?\*)' | grep -oE '(execvpe|execlp|execvp)\(' | sort -u)" "" \
	"or searches PATH behind our back"
cd "$T" || exit 1

# What soldr makes for itself is the user's alone, whatever the umask says.
echo 'int private(void) { return 1; }' >x.c
settle
umask 000
run "$SOLDR" build -- "$SOLDR" gcc -c x.c -o x.o
is "$status" 0 "a build with umask 000"
is "$(find "$SOLDR_CACHE_DIR" ! -type l -perm /077 | sed "s,$SOLDR_CACHE_DIR,,")" "" "s09: nothing in the cache root is readable or writable by others"
is "$(find "$SOLDR_CACHE_DIR" -type d | wc -l | awk '{ print ($1 > 3) }')" 1 "and there was something to look at"
is "$(stat -c %a x.o)" 666 "an output has the mode that the umask gives"

# Temporary files: in the target's directory, and never one that is there.
if command -v strace >/dev/null && [ -z "$SOLDR_TEST_SAN" ]; then
	rm x.o
	run "$SOLDR" gcc -c x.c -o x.o
	rm x.o
	strace -f -qq -e trace=open,openat -o trace "$SOLDR" gcc -c x.c -o x.o
	is "$(grep -c 'soldr-tmp' trace)" "$(grep 'soldr-tmp' trace | grep -c 'O_EXCL.*O_NOFOLLOW\|O_NOFOLLOW.*O_EXCL')" \
		"every temporary file is made with O_EXCL and O_NOFOLLOW"
	ok "and there was one" grep -q soldr-tmp trace
else
	skip "temporary files" "no strace, or a sanitizer"
fi

done_testing
