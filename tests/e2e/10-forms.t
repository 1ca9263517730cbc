#!/bin/sh
# The forms of the command line: how soldr finds the compiler, and how it ends.
. "$(dirname "$0")/lib.sh"

printf 'version: 1\nbackend: null\n' >"$XDG_CONFIG_HOME/soldr/soldr.yaml"
echo 'int answer(void) { return 42; }' >x.c
gcc -c x.c -o want.o

# A compiler that says how it was called.
mkdir tools
cat >tools/report-gcc <<'END'
#!/bin/sh
echo "zero=$0 args=$* depth=$SOLDR_DEPTH"
END
# One that ends as its argument says.
cat >tools/end-gcc <<'END'
#!/bin/sh
case $1 in
exit) exit "$2" ;;
kill) kill -"$2" $$ ;;
fd) if [ -e "/proc/$$/fd/$2" ]; then echo open >"$3"; else echo closed >"$3"; fi ;;
esac
END
echo not a program >tools/plain-gcc
chmod +x tools/report-gcc tools/end-gcc
tools=$T/tools

same() { # NAME: x.o is what the compiler gives
	is "$status" 0 "$1: exit status"
	ok "$1: object" cmp x.o want.o
	rm -f x.o
}

run "$SOLDR" gcc -c x.c
same "a name"
run "$SOLDR" "$(command -v gcc)" -c x.c
same "an absolute path"
run "$SOLDR" soldr gcc -c x.c
same "soldr soldr gcc"
run "$SOLDR" "$SOLDR" --quiet gcc -c x.c
same "soldr by its path, and an option, before the compiler"
run "$SOLDR" -- gcc -c x.c
same "-- before the compiler"
run "$SOLDR" tools/report-gcc a 'b c'
like "$out" "args=a b c depth=1" "a relative path"
cp "$(command -v gcc)" tools/copy-gcc
run "$SOLDR" gcc -v
like "$err" "^COLLECT_GCC=gcc$" "the compiler's own name is a name where the user gave a name"
run "$SOLDR" tools/copy-gcc -v
like "$err" "^COLLECT_GCC=tools/copy-gcc$" "and a path where the user gave a path"
run env PATH="$tools:$PATH" "$SOLDR" report-gcc
like "$out" "zero=$tools/report-gcc" "a target prefix makes a compiler's name"
ln -s report-gcc tools/report-gcc-12.2
run env PATH="$tools:$PATH" "$SOLDR" report-gcc-12.2 v
like "$out" "args=v" "so does a version behind it"

mkdir shims empty
for name in gcc report-gcc end-gcc gone-gcc; do ln -s "$SOLDR" "shims/$name"; done
run env PATH="$T/shims:$PATH" gcc -c x.c
same "a link named gcc"
run "$T/shims/gcc" -c x.c
same "the same by its path"
run env PATH="$T/shims:$PATH" "$SOLDR" gcc -c x.c
same "soldr gcc steps over a link to itself"
run "$SOLDR" "$T/shims/gcc" -c x.c
same "soldr LINK is soldr under the link's name"
run env PATH="$T/shims:$tools:$PATH" report-gcc
is "$out" "zero=$tools/report-gcc args= depth=1" "behind a link the compiler gets its own path"
run env PATH="$T/shims:$PATH" gone-gcc
is "$status" 127 "a link without a compiler behind it: 127"
like "$err" "gone-gcc: command not found" "and it says so"

run "$SOLDR" absent-gcc -c x.c
is "$status" 127 "a name that is not on PATH: 127"
is "$err" "soldr: absent-gcc: command not found on PATH [E507]" "one line says so"
run "$SOLDR" ./absent -c x.c
is "$status" 127 "a path that does not exist: 127"
run "$SOLDR" tools/plain-gcc
is "$status" 126 "a file that may not be executed: 126"
run "$SOLDR" tools/
is "$status" 126 "a directory: 126"

run "$SOLDR"
is "$status" 2 "nothing to do: 2"
run "$SOLDR" stast
is "$status" 2 "an unknown word: 2"
like "$err" "did you mean 'stats'" "and the nearest verb"
run "$SOLDR" gccc -c x.c
like "$err" "did you mean 'gcc'" "or the nearest compiler"
for name in clang-tidy gcc-ar c++filt gcc-ranlib-12; do
	run "$SOLDR" "$name"
	is "$status" 2 "$name is no compiler"
done
run "$SOLDR" --bakend null gcc
is "$status" 2 "an unknown option: 2"
like "$err" "did you mean --backend" "and the nearest option"
run "$SOLDR" --config
is "$status" 2 "an option without its value: 2"

# How soldr ends, with each kind of backend: null makes way for the compiler, the others outlive it.
cat >backends.yaml <<'END'
version: 1
backends:
  cc: {plugin: wrapped, options: {profile: ccache, binary: ccache}}
END
for backend in null embedded cc; do
	if ! "$SOLDR" --config backends.yaml --backend $backend config check >/dev/null 2>&1 ||
		{ [ $backend = cc ] && ! command -v ccache >/dev/null; }; then
		skip "$backend: how soldr ends" "the backend cannot be used here"
		continue
	fi
	set -- "$SOLDR" --config "$T/backends.yaml" --backend $backend
	run "$@" tools/end-gcc exit 0
	is "$status" 0 "$backend: exit status 0"
	run "$@" tools/end-gcc exit 77
	is "$status" 77 "$backend: exit status 77"
	for sig in KILL/9 TERM/15 SEGV/11 INT/2; do
		died=$(perl -e 'system(@ARGV); print $? & 127' "$@" tools/end-gcc kill ${sig%/*} 2>/dev/null)
		is "$died" "${sig#*/}" "$backend: dies of SIG${sig%/*} as the compiler did"
	done
	# c29: closed standard streams stay closed for the compiler, and for nobody else.
	"$@" gcc -c x.c >&- 2>/dev/null
	status=$?
	same "$backend: c29: stdout closed"
	"$@" gcc -c x.c <&- >&- 2>&-
	status=$?
	same "$backend: c29: all three closed"
	rm -f fd
	"$@" tools/end-gcc fd 1 "$T/fd" >&-
	is "$(cat fd)" closed "$backend: c29: the compiler finds stdout closed"
	"$@" tools/end-gcc fd 1 "$T/fd"
	is "$(cat fd)" open "$backend: c29: and open where it is open"
done

# c32: a script of the compiler's name that runs soldr again.
mkdir loop
printf '#!/bin/sh\nexec "%s" gcc "$@"\n' "$SOLDR" >loop/gcc
chmod +x loop/gcc
for backend in null embedded; do
	run env PATH="$T/loop:$PATH" SOLDR_BYPASS=$([ $backend = null ] && echo 1) "$SOLDR" gcc -c x.c
	is "$status" 111 "c32: endless recursion ends with 111 ($backend)"
	like "$err" "soldr called itself 9 times for $T/loop/gcc" "c32: and names the script ($backend)"
done
mkdir one
printf '#!/bin/sh\nPATH=${PATH#*:} exec "%s" gcc "$@"\n' "$SOLDR" >one/gcc
chmod +x one/gcc
run env PATH="$T/one:$PATH" "$SOLDR" gcc -c x.c
same "c32: a script that runs soldr once"

# The bypass comes before the config, and loads nothing.
echo '{' >broken.yaml
run "$SOLDR" --config broken.yaml gcc -c x.c
is "$status" 111 "a broken config: 111"
like "$err" "^soldr: .*broken.yaml" "with its name"
for bypass in SOLDR_BACKEND=null SOLDR_BYPASS=1 SOLDR_BYPASS=yes SOLDR_BYPASS_ZCCACHE=true; do
	run env "$bypass" SOLDR_CONFIG="$T/broken.yaml" "$SOLDR" gcc -c x.c
	same "$bypass"
done
run env SOLDR_BYPASS=0 SOLDR_CONFIG="$T/broken.yaml" "$SOLDR" gcc -c x.c
is "$status" 111 "SOLDR_BYPASS=0 is no bypass"
run env SOLDR_BYPASS=1 "$SOLDR" --backend nonesuch gcc -c x.c
is "$status" 111 "--backend wins over the bypass"
like "$err" nonesuch "and the error names it"
rm -rf cache
run env SOLDR_BYPASS=1 "$SOLDR" gcc -c x.c
ok "a bypass leaves no cache directory" test ! -e cache
run env SOLDR_BYPASS=1 "$SOLDR" tools/absent-gcc
is "$status" 127 "127 in a bypass as well"

# A directory that was removed below us: the compiler decides what it can do there.
mkdir gone
run sh -c 'cd gone && rmdir ../gone && "$1" gcc -c "$2/x.c" -o "$2/x.o"' sh "$SOLDR" "$T"
same "in a directory that is gone"

done_testing
