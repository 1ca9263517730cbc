#!/bin/sh
# The front door: sessions, shims, launchers, summary, exit status.
. "$(dirname "$0")/lib.sh"

config=$XDG_CONFIG_HOME/soldr/soldr.yaml
printf 'version: 1\nbackend: null\n' >"$config"

mkdir -p project/sub
cd project || exit 1
for n in one two three; do echo "int $n(void) { return 1; }" >$n.c; done
cat >Makefile <<'END'
CC = gcc
all: one.o two.o three.o
	+@$(MAKE) --no-print-directory -C sub
%.o: %.c
	@$(CC) -c $< -o $@
clean:
	@rm -f *.o sub/*.o
show:
	@echo "run=$$SOLDR_RUN_ID backend=$$SOLDR_BACKEND config=$$SOLDR_CONFIG audit=$$SOLDR_AUDIT"
	@echo "c=$$CMAKE_C_COMPILER_LAUNCHER cxx=$$CMAKE_CXX_COMPILER_LAUNCHER"
	@echo "gcc=$$(command -v gcc)"
fail:
	@exit 3
nested:
	@$(SOLDR) make one.o
END
printf 'all: four.o\nfour.o: four.c\n\t@gcc -c four.c\n' >sub/Makefile
echo 'int four(void) { return 4; }' >sub/four.c
runs=$T/cache/runs

newest() { # the directory of the latest run
	ls -dt "$runs"/*/ | head -n 1
}

run "$SOLDR" make -j2
is "$status" 0 "soldr make"
ok "objects are there" test -s one.o -a -s three.o -a -s sub/four.o
unlike "$err" "jobserver" "c31: the jobserver reaches the sub-make"
is "$(printf '%s\n' "$err" | grep -c '^soldr: ')" "$(printf '%s\n' "$err" | wc -l)" "only the summary is on stderr"
ok "five lines at most" test "$(printf '%s\n' "$err" | wc -l)" -le 5
like "$err" "^soldr: 4 compilations by backend null in " "it counts the compilations"
like "$err" "hits 0, misses 0, non-cacheable 0, errors 0, passthrough 4" "and their outcomes"
like "$err" "hit rate -, time saved 0 ms" "and has no rate of nothing"
is "$out" "" "nothing of soldr is on stdout"

dir=$(newest)
like "$(basename "$dir")" '^[0-9]{8}T[0-9]{6}-[0-9]+-[0-9a-f]{8}$' "a run id sorts by time"
is "$(stat -c %a "$dir")" 700 "the run directory is private"
is "$(json "$dir/summary.json" counts compilations)" 4 "summary.json counts"
is "$(json "$dir/summary.json" schema_version)" 1 "summary.json has a schema_version"
is "$(json "$dir/summary.json" run_id)" "$(basename "$dir")" "summary.json names the run"
is "$(json "$dir/summary.json" command)" make "summary.json names the command"
is "$(json "$dir/summary.json" exit_code)" 0 "summary.json has the exit status"

run "$SOLDR" make -s show TOKEN=s3cr3t
shims=$(printf '%s\n' "$out" | sed -n 's/^gcc=\(.*\)\/gcc$/\1/p')
like "$shims" "^$T/cache/shims/[0-9a-f]{16}$" "gcc is a shim"
is "$(readlink "$shims/gcc")" "$SOLDR" "which is a link to soldr"
is "$(find "$shims" ! -type d ! -lname "$SOLDR")" "" "all shims are"
ok "c++ has one too" test -L "$shims/g++"
ok "a program that is no compiler has none" test ! -e "$shims/gcc-ar" -a ! -e "$shims/ld"
like "$out" "^c=$SOLDR cxx=$SOLDR$" "CMake's launchers are set"
like "$out" "^run=$(basename "$(newest)") backend= config= audit=$" "SOLDR_RUN_ID is set, and no more than that"
is "$err" "" "no compile, no summary"
unlike "$(cat "$(newest)summary.json")" s3cr3t "s11: arguments are not in the summary"
# Without shims, gcc is the system's own: nothing below may touch that directory.
case $shims in
"$T"/cache/shims/?*) ;;
*) echo "Bail out! no shims below $T: gcc is in '$shims'"; exit 1 ;;
esac
rm "$shims/gcc"
ln -sf /bin/false "$shims/g++"
run "$SOLDR" make -s show
like "$out" "^gcc=$shims/gcc$" "the next session has the same shims"
is "$(readlink "$shims/gcc") $(readlink "$shims/g++")" "$SOLDR $SOLDR" "and mends them"
run env CMAKE_C_COMPILER_LAUNCHER=mine "$SOLDR" make -s show
like "$out" "^c=mine cxx=$SOLDR$" "a launcher of the user stays"
cp "$config" own.yaml
run "$SOLDR" --config own.yaml --backend wrapped --audit off make -s show
like "$out" "backend=wrapped config=$T/project/own.yaml audit=off$" "options of the command line reach the compiles"

rm -f ./*.o
run "$SOLDR" --quiet make
is "$status/$err" "0/" "--quiet: no summary"
rm -f ./*.o
run "$SOLDR" --no-session-summary make
is "$err" "" "--no-session-summary"
rm -f ./*.o
run env SOLDR_QUIET=1 "$SOLDR" make
is "$err" "" "SOLDR_QUIET"
rm -f ./*.o
run env SOLDR_RUN_ID=ci-42 "$SOLDR" make one.o
is "$(json "$runs/ci-42/summary.json" counts compilations)" 1 "SOLDR_RUN_ID names the run"
run env SOLDR_RUN_ID=ci-42 "$SOLDR" make two.o three.o
like "$err" "^soldr: 2 compilations" "and a second session of that name counts its own"
run env SOLDR_RUN_ID=../up "$SOLDR" make two.o
is "$status" 111 "a run id that is no file name is refused"
rm -f ./*.o
run "$SOLDR" make nested SOLDR="$SOLDR"
is "$(printf '%s\n' "$err" | grep -c compilation)" 1 "a front door below another one joins its session"
like "$err" "^soldr: 1 compilation " "and its compiles are counted there"

run "$SOLDR" make fail
is "$status" 2 "the exit status of make"
is "$(json "$(newest)summary.json" exit_code)" 2 "which is in the summary"
run "$SOLDR" build -- sh -c 'exit 77'
is "$status" 77 "the exit status of build"
died=$(perl -e 'system(@ARGV); print $? & 127' "$SOLDR" build -- sh -c 'kill -TERM $$')
is "$died" 15 "dies of the command's signal"
cat >wait.pl <<'END'
$SIG{TERM} = sub { print "told\n"; exit 9 };
$| = 1;
print "ready\n";
alarm 30;
sleep 30 while 1;
END
got=$(perl -e 'my $pid = open(my $from, "-|", @ARGV); my $l = <$from>; kill "TERM", $pid; print <$from>; close $from; print $? >> 8' \
	"$SOLDR" build -- perl wait.pl)
is "$got" "told
9" "c30: a signal to soldr reaches the command, whose end is soldr's"
run "$SOLDR" build
is "$status" 2 "build without a command: 2"
run "$SOLDR" build -- "$T/absent"
is "$status" 127 "a command that does not exist: 127"
rm -f one.o
run "$SOLDR" build -- gcc -c one.c
like "$err" "^soldr: 1 compilation " "build runs any command"
printf '#!/bin/sh\necho "$0"\n' >configure && chmod +x configure
run "$SOLDR" build -- ./configure
is "$out" ./configure "a script finds itself where the user called it"
run "$SOLDR" build --help
like "$out" "^usage: soldr build" "build --help is about soldr"

echo '{' >broken.yaml
run "$SOLDR" --config broken.yaml make clean
is "$status" 111 "a broken config: 111"
is "$(printf '%s\n' "$err" | wc -l)" 1 "said once"
ok "before the command starts" test -e one.o
rm -f one.o
run env SOLDR_BYPASS=1 SOLDR_CONFIG=broken.yaml "$SOLDR" make -s show one.o
like "$out" "^run= " "a bypass opens no session"
unlike "$out" "shims" "and has no shims"
is "$status/$err" "0/" "nor a summary"

# The cache root cannot be used: the build goes on.
: >"$T/file"
rm -f one.o
run env SOLDR_CACHE_DIR="$T/file/root" "$SOLDR" make one.o
is "$status" 0 "s03: no cache root, the build goes on"
like "$err" "$T/file/root" "s03: and the directory is named"
ok "s03: with its object" test -s one.o

# Only the newest hundred runs stay.
i=0
then=$(date -u -d '3 days ago' +%Y%m%dT000000)
while [ $i -lt 120 ]; do
	mkdir "$runs/$then-4194999-$(printf %08x $i)"
	i=$((i + 1))
done
mkdir "$runs/20190101T000000-$$-00000000" "$runs/notes"
"$SOLDR" make one.o
ok "at most a hundred runs are kept" test "$(ls "$runs" | grep -c '^20.*T.*-.*-')" -le 101
ok "the newest among them" test -d "$runs/$then-4194999-00000077"
ok "not the oldest" test ! -e "$runs/$then-4194999-00000000"
ok "but one whose process is alive" test -d "$runs/20190101T000000-$$-00000000"
ok "and what is no run of soldr" test -d "$runs/notes" -a -d "$runs/ci-42"

if command -v cmake >/dev/null; then
	mkdir cm && cd cm || exit 1
	printf 'cmake_minimum_required(VERSION 3.17)\nproject(p C)\nadd_library(p STATIC ../one.c ../two.c)\n' >CMakeLists.txt
	run "$SOLDR" cmake -S . -B out
	is "$status" 0 "soldr cmake"
	unlike "$(cat out/CMakeCache.txt)" "shims" "no shim is in CMakeCache.txt"
	run "$SOLDR" cmake --build out
	like "$err" "^soldr: 2 compilations" "compiles go through the launcher"
	run env PATH="$PATH" "$SOLDR" build -- "$SOLDR" "$shims/gcc" -c ../one.c
	like "$err" "^soldr: 1 compilation " "a launcher before a shim is one compile"
	cd ..
else
	skip "cmake" "no cmake"
fi

if "$SOLDR" --backend embedded config check >/dev/null 2>&1; then
	rm -f ./*.o
	"$SOLDR" --backend embedded make one.o two.o three.o 2>/dev/null
	rm -f ./*.o
	run "$SOLDR" --backend embedded make one.o two.o three.o
	like "$err" "hits 3, misses 0" "a second build has hits"
	like "$err" "hit rate 100.0 %" "and the rate says so"
else
	skip "hits in the summary" "the embedded backend does not load"
fi

done_testing
