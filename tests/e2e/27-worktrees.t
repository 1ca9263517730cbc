#!/bin/sh
# Checkouts that share results (SOLDR_PATH_REMAP=auto): two git worktrees of one
# project, whose paths differ in length. The oracle for what a checkout gets is
# the bare compiler, run in that checkout with the options that soldr adds.
. "$(dirname "$0")/lib.sh"

if ! command -v git >/dev/null; then
	skip "worktrees" "no git"
	done_testing
fi
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@localhost
one=$T/one two=$T/another-checkout-of-it
log=$T/log

# Both checkouts afresh, with what the function project puts there, and an empty cache.
checkouts() {
	drop "$one" "$two" "$T/cache"
	mkdir "$one" && cd "$one" && project && git init -q . && git add -A && git commit -qm all &&
		git worktree add -q "$two" || { echo "Bail out! no worktrees"; exit 1; }
	mkdir -p "$one/build" "$two/build"
	settle
}

# The options by which soldr maps the root away for a compile in the working directory.
maps() { # ROOT
	printf -- '-ffile-prefix-map=%s/=./' "$1"
	[ "$PWD" != "$1" ] || printf -- ' -fdebug-prefix-map=%s=.' "$1"
}

# The outcome and reason of the last compile: "hit", "miss not_seen".
outcome() {
	sed -n 's/^[^ ]* [0-9]* info dispatch: \([^,]*\), exit.*/\1/p' "$log" | tail -n 1
}

# A compile by soldr in the working directory; ROOT in the words stands for the checkout.
compile() { # ROOT CC ARGS…
	compile_root=$1
	shift
	words=$(printf '%s\n' "$@" | sed "s#ROOT#$compile_root#g")
	rm -f x.o x.d x.dwo x.su "$log"
	run env SOLDR_PATH_REMAP="${remap:-auto}" SOLDR_LOG="$log" "$SOLDR" $words
	settle
}

# What the compile left: files and messages.
result() {
	for result_file in x.o x.d x.s x.dwo x.su; do
		[ ! -f $result_file ] || sha256sum $result_file
	done
	printf '%s %s %s\n' "$status" "$out" "$err"
}

# A compile in the first checkout, then in the second: what does that one get, and is it what the compiler would give?
both() { # NAME OUTCOME-IN-THE-SECOND CC ARGS…
	both_name=$1 both_want=$2
	shift 2
	cd "$one/$dir" && compile "$one" "$@"
	like "$(outcome)" "^miss" "$both_name: stored by the first checkout"
	cd "$two/$dir" || exit 1
	words=$(printf '%s\n' "$@" | sed "s#ROOT#$two#g")
	bare=$1
	rm -f x.o x.d x.dwo x.su
	# shellcheck disable=SC2086
	set -- $words && shift
	# shellcheck disable=SC2046
	run "$bare" $([ "$mapped" = no ] || maps "$two") "$@"
	both_expected=$(result)
	settle
	rm -f "$log" x.o x.d x.dwo x.su
	run env SOLDR_PATH_REMAP="${remap:-auto}" SOLDR_LOG="$log" "$SOLDR" "$bare" "$@"
	is "$(outcome)" "$both_want" "$both_name: in the second: $both_want"
	is "$(result)" "$both_expected" "$both_name: the second gets what the compiler gives there"
	settle
}

each_compiler() { # FUNCTION
	for cc in gcc clang; do
		if command -v $cc >/dev/null; then
			"$1"
		else
			skip "$1 with $cc" "not installed"
		fi
	done
}

# ---- a project -------------------------------------------------------------------------

project() {
	mkdir src inc
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		cat >src/unit$i.c <<-END
			#include <assert.h>
			#include <stdio.h>
			#include "common.h"
			int unit$i(int n)
			{
				assert(n > $i);
				printf("%s %s\n", __FILE__, common_name());
				return n + $i;
			}
		END
	done
	cat >src/main.c <<-END
		#include "common.h"
		int unit1(int n);
		int main(void)
		{
			return unit1(2) != 3;
		}
	END
	echo 'static inline const char *common_name(void) { return __FILE__; }' >inc/common.h
	{
		echo 'SRC ?= src'
		echo 'INC ?= inc'
		echo 'OBJ = $(patsubst $(SRC)/%.c,build/%.o,$(wildcard $(SRC)/*.c))'
		printf 'build/prog: $(OBJ)\n\t$(CC) -o $@ $(OBJ)\n'
		printf 'build/%%.o: $(SRC)/%%.c\n\t$(CC) -g -O1 -MD -I$(INC) -c $< -o $@\n'
	} >Makefile
	echo build >.gitignore
}

files() {
	(cd "$1" && find build -type f -exec sha256sum {} + | sort -k 2)
}

counts() { # RUN
	counts_file=$SOLDR_CACHE_DIR/runs/$1/summary.json
	hits=$(json "$counts_file" counts hits)
	misses=$(json "$counts_file" counts misses)
	echo "# $1: $hits hits, $misses misses, not hits: $(json "$counts_file" reasons)"
}

# Builds in both checkouts; the second has to live on what the first stored.
shared_build() { # NAME MAKE-WORDS-WITH-ROOT…
	build_name="$cc, $1"
	shift
	for root in "$one" "$two"; do
		words=$(printf '%s\n' "$@" | sed "s#ROOT#$root#g")
		cd "$root" || exit 1
		drop "$root/build" && mkdir build
		# shellcheck disable=SC2086
		run make -s CC="$cc $(maps "$root")" $words
		is "$status" 0 "$build_name: bare build"
		files "$root" >"$T/expected"
		drop "$root/build" && mkdir build
		settle
		# shellcheck disable=SC2086
		run env SOLDR_PATH_REMAP=auto SOLDR_RUN_ID="run-$(basename "$root")-$cc-$#" "$SOLDR" make CC="$cc" $words
		is "$status" 0 "$build_name: build"
		files "$root" >"$T/got"
		ok "$build_name: every file is the compiler's" diff "$T/expected" "$T/got"
	done
	counts "run-$(basename "$two")-$cc-$#"
	ok "$build_name: the second checkout hits at least 95 of 100" test $((hits * 100)) -ge $(((hits + misses) * 95)) -a "$hits" -ge 20
	if ! command -v gdb >/dev/null; then
		skip "$build_name: gdb finds the sources" "no gdb"
		return
	fi
	for root in "$one" "$two"; do
		cd "$root" || exit 1
		run gdb -nx -batch -ex 'list main' -ex 'list unit7' -ex 'info source' build/prog
		like "$out" 'return unit1\(2\) != 3;' "$build_name: gdb finds the source of main in $(basename "$root")"
		like "$out" 'assert\(n > 7\);' "$build_name: gdb finds the source of a unit in $(basename "$root")"
	done
}

builds() {
	checkouts
	shared_build "relative paths"
	shared_build "absolute paths" SRC=ROOT/src INC=ROOT/inc
	cd "$T" || exit 1
	run gdb -nx -batch -cd "$two" -ex 'list main' "$two/build/prog"
	like "$out" 'return unit1\(2\) != 3;' "$cc: from elsewhere, gdb -cd finds the sources"
}
each_compiler builds

# ---- what is shared, and what never is ------------------------------------------------------

project() {
	mkdir src inc data
	printf 'int f(void);\nstatic inline const char *h(void) { return __FILE__; }\n' >inc/h.h
	printf '#include "h.h"\nint f(void) { return h()[0]; }\n' >src/x.c
	printf '#line 7 "%s/src/made.y"\nconst char *made(void) { return __FILE__; }\n' "$one" >src/line_here.c
	printf '#line 7 "/elsewhere/made.y"\nconst char *made(void) { return __FILE__; }\n' >src/line_away.c
	printf '#line 7 "made.y"\nconst char *made(void) { return __FILE__; }\n' >src/line_relative.c
	printf '#ident CHECKOUT\nconst char *r(void) { return CHECKOUT; }\n' >src/ident.c
	printf '#include <string.h>\nvoid r(char *p) { memcpy(p, CHECKOUT, sizeof CHECKOUT); }\nint n = sizeof CHECKOUT;\n' >src/inlined.c
	printf '#pragma message "built in " CHECKOUT\nint p;\n' >src/pragma.c
	printf '#include "h.h"\nint w(void) { int unused; return 0; }\n' >src/warns.c
	printf 'int u(int *p) { return p[1] << p[0]; }\n' >src/ub.c
	# ../inc/PAD/../h2.h is longer than its real path in the first checkout, and shorter in the second.
	pad=$(printf '%s-------' "$T" | tr -c '\n' x)
	printf '#pragma GCC system_header\n#include "%s/../h2.h"\n' "$pad" >inc/sys.h
	printf '#include "sys.h"\nint s;\n' >src/uses_sys.c
	mkdir "inc/$pad" && : >"inc/$pad/kept" && echo 'extern int h2;' >inc/h2.h
	printf '.globl a\na: ret\n' >src/a.S
	printf '#include "%s/inc/h2.h"\nint a;\n' "$two" >src/names_second.c
	echo build >.gitignore
}

rows() {
	checkouts
	dir=build mapped=yes
	all='-IROOT/inc -c ROOT/src'
	# shellcheck disable=SC2086
	{
	both "$cc: c34: absolute paths" hit $cc -g -MD $all/x.c -o x.o
	both "$cc: c34: absolute output, -MMD and -MP" hit $cc -g -MMD -MP $all/x.c -o ROOT/build/x.o
	both "$cc: c34: -MT and -MF" hit $cc -MD -MT ROOT/build/target -MF ROOT/build/x.d $all/x.c -o x.o
	both "$cc: c34: relative paths" hit $cc -g -MD -I../inc -c ../src/x.c -o x.o
	both "$cc: c34: -isystem and -include" hit $cc -g -MD -include ROOT/inc/h2.h -isystem ROOT/inc -c ROOT/src/x.c -o x.o
	both "$cc: c34: assembly" hit $cc -g -S $all/x.c -o x.s
	both "$cc: c34: -O2 -g3" hit $cc -O2 -g3 $all/x.c -o x.o
	both "$cc: c14: split debug information" hit $cc -g -gsplit-dwarf $all/x.c -o x.o
	both "$cc: c16: stack usage names the source as it is" "miss checkout_differs" $cc -fstack-usage $all/x.c -o x.o
	both "$cc: c13: the user's map of something else" hit $cc -g -ffile-prefix-map=/usr/include=/inc $all/x.c -o x.o
	both "$cc: c34: a relative #line" hit $cc -g $all/line_relative.c -o x.o
	both "$cc: a warning by a relative name" hit $cc -Wall -I../inc -c ../src/warns.c -o x.o

	both "$cc: a #line that names the first checkout" "miss checkout_differs" $cc -g $all/line_here.c -o x.o
	both "$cc: a #line that names neither" "miss checkout_differs" $cc -g $all/line_away.c -o x.o
	both "$cc: an #include that names the second checkout" "miss checkout_differs" $cc -g -c ../src/names_second.c -o x.o
	both "$cc: -D in a string and .ident" "miss not_seen" $cc -DCHECKOUT=\"ROOT\" -c ../src/ident.c -o x.o
	both "$cc: -D copied by instructions" "miss not_seen" $cc -O2 -DCHECKOUT=\"ROOT/x\" -c ../src/inlined.c -o x.o
	both "$cc: -D in a message" "miss not_seen" $cc -DCHECKOUT=\"ROOT\" -c ../src/pragma.c -o x.o
	both "$cc: a warning by an absolute name" "miss checkout_differs" $cc -Wall $all/warns.c -o x.o
	both "$cc: a sanitizer's file name" "miss checkout_differs" $cc -fsanitize=undefined $all/ub.c -o x.o
	both "$cc: compressed debug information" "miss checkout_differs" $cc -g -gz $all/x.c -o x.o

	mapped=no
	both "$cc: c13: the user maps the root" hit $cc -g -MD -ffile-prefix-map=ROOT=/project $all/x.c -o x.o
	both "$cc: c13: the user maps a directory above" "miss not_seen" $cc -g -ffile-prefix-map=$T=/t $all/x.c -o x.o
	both "$cc: c24: the command line is recorded" "miss not_seen" $cc -g -frecord-gcc-switches $all/x.c -o x.o
	both "$cc: link-time optimisation" "miss not_seen" $cc -flto -frandom-seed=1 $all/x.c -o x.o
	remap=off
	both "c34: without the map, nothing that names a checkout" hit $cc -O1 -I../inc -c ../src/x.c -o x.o
	both "c34: without the map, debug information" "miss not_seen" $cc -g -I../inc -c ../src/x.c -o x.o
	}
	remap='' mapped=yes
}
each_compiler rows

# A map of the user's comes after ours: GCC takes the last. Clang does not, so there the unit stays as it is.
cc=gcc dir=build
both "gcc: c13: the user's map of a directory wins" hit gcc -g -ffile-prefix-map=ROOT/inc=/headers -IROOT/inc -c ROOT/src/x.c -o x.o
ok "gcc: it did" grep -q /headers/h.h x.o
both "gcc: c13: the user's map for debug information wins" hit gcc -g -fdebug-prefix-map=ROOT=/project -IROOT/inc -c ROOT/src/x.c -o x.o
ok "gcc: it did so too" grep -q /project/src x.o
both "gcc: a system header below the root, by a relative name" "miss checkout_differs" gcc -g -MD -I../inc -c ../src/uses_sys.c -o x.o
dir=.
both "gcc: in the root itself" hit gcc -g -MD -Iinc -c src/x.c -o x.o
both "gcc: assembler" hit gcc -g -c src/a.S -o x.o
dir=build
if command -v clang >/dev/null; then
	mapped=no
	both "clang: c13: the user's own maps stay alone" "miss not_seen" clang -g -fdebug-prefix-map=ROOT=/project -IROOT/inc -c ROOT/src/x.c -o x.o
	mapped=yes
fi

# ---- two checkouts over time ---------------------------------------------------------------

checkouts
manifest() {
	find "$SOLDR_CACHE_DIR/embedded" -name '*.m' -exec stat -c '%n %i' {} +
}
set -- gcc -g -IROOT/inc -c ROOT/src/x.c -o x.o
cd "$one/build" && compile "$one" "$@"
cd "$two/build" && compile "$two" "$@"
first_state=$(manifest)
for again in 1 2; do
	cd "$one/build" && compile "$one" "$@"
	is "$(outcome)" hit "in turns: the first checkout hits, turn $again"
	cd "$two/build" && compile "$two" "$@"
	is "$(outcome)" hit "in turns: the second checkout hits, turn $again"
done
is "$(manifest)" "$first_state" "in turns: each finds its own files' states, and writes none"

echo 'int more;' >>"$two/inc/h.h"
settle
cd "$two/build" && compile "$two" "$@"
like "$(outcome)" "^miss input_changed" "a header changed in the second checkout: a miss there"
cd "$one/build" && compile "$one" "$@"
is "$(outcome)" hit "and a hit in the first still"
(cd "$two" && git checkout -q inc/h.h)
settle
cd "$two/build" && compile "$two" "$@"
is "$(outcome)" hit "changed back: a hit again"

checkouts
set -- gcc -g -IROOT/first -IROOT/inc -c ROOT/src/x.c -o x.o
cd "$one/build" && compile "$one" "$@"
mkdir "$two/first" && echo 'static const char *h(void) { return "shadow"; }' >"$two/first/h.h"
settle
cd "$two/build" && compile "$two" "$@"
like "$(outcome)" "^miss input_shadowed" "c11: a header that shadows another in the second checkout alone"
ok "c11: it is the one that was compiled" grep -q shadow x.o
cd "$one/build" && compile "$one" "$@"
is "$(outcome)" hit "c11: the first checkout does not have it"

# ---- roots --------------------------------------------------------------------------------------

checkouts
mkdir "$T/one-build" "$T/plain-dir" "$T/with space"
settle
set -- gcc -IROOT/inc -c ROOT/src/x.c -o x.o
cd "$T/one-build" && compile "$one" "$@"
cd "$T/plain-dir" && compile "$two" "$@"
is "$(outcome)" hit "the source tells the checkout where the working directory does not"
set -- gcc -g -IROOT/inc -c ROOT/src/x.c -o x.o
cd "$T/one-build" && compile "$one" "$@"
ok "a neighbour of the root keeps its name" grep -q "$T/one-build" x.o
cd "$T/plain-dir" && compile "$two" "$@"
is "$(outcome)" "miss not_seen" "a working directory outside all checkouts is not shared where it shows"

cp -R "$one/src" "$one/inc" "$T/with space/" && mkdir "$T/with space/.git" "$T/with space/build"
settle
cd "$one/build" && compile "$one" gcc -g -I../inc -c ../src/x.c -o x.o
cd "$T/with space/build" && compile "$one" gcc -g -I../inc -c ../src/x.c -o x.o
is "$(outcome)" "miss not_seen" "c27: a root with a blank is not mapped"
ok "c27: its name stays in debug information" grep -q "$T/with space" x.o

mkdir -p "$T/named/a/src" "$T/named/b/src"
for named in a b; do
	cp "$one/src/x.c" "$one/inc/h.h" "$T/named/$named/src/"
done
settle
cd "$T/named/a/src" && SOLDR_WORKTREE_ROOT=$T/named/a compile x gcc -g -c x.c -o x.o
cd "$T/named/b/src" && SOLDR_WORKTREE_ROOT=$T/named/b compile x gcc -g -c x.c -o x.o
is "$(outcome)" hit "SOLDR_WORKTREE_ROOT names the root where git does not"

cat >"$T/remap.yaml" <<-END
	version: 1
	path_remap: auto
END
cd "$one/build" && compile "$one" gcc -g -O3 -I../inc -c ../src/x.c -o x.o
cd "$two/build" || exit 1
run env SOLDR_LOG="$log" "$SOLDR" --config "$T/remap.yaml" gcc -g -O3 -I../inc -c ../src/x.c -o x.o
is "$(outcome)" hit "path_remap in the config file"

# A logical working directory is what the compilers write down.
ln -s "$one" "$T/link"
cd "$T/link/build" && compile "$T/link" gcc -g -IROOT/inc -c ROOT/src/x.c -o x.o
ok "c13: a root with a link in it is not mapped for GCC" grep -q "$T/link" x.o

# ---- a real project --------------------------------------------------------------------------------

lua() {
	if ! archive=$("$lib_dir/fetch-source.sh" lua5.4 2>"$T/.fetch"); then
		skip "lua with $cc" "$(tail -n 1 "$T/.fetch")"
		return
	fi
	project() {
		tar -xf "$archive" --strip-components=1
	}
	checkouts
	for root in "$one" "$two"; do
		cd "$root/src" || exit 1
		run env SOLDR_PATH_REMAP=auto SOLDR_RUN_ID="lua-$(basename "$root")-$cc" "$SOLDR" make -j2 CC="$cc -std=gnu99" MYCFLAGS=-g linux
		is "$status" 0 "lua with $cc: build"
	done
	counts "lua-$(basename "$two")-$cc"
	ok "lua with $cc: the second checkout hits at least 95 of 100" test $((hits * 100)) -ge $(((hits + misses) * 95)) -a "$hits" -gt 30
	unlike "$(grep -l "$T" "$two"/src/*.o)" . "lua with $cc: no object names a checkout"
	command -v gdb >/dev/null || return
	cd "$two/" && run gdb -nx -batch -ex 'list pmain' src/lua
	like "$out" 'static int pmain' "lua with $cc: gdb finds the sources"
}
each_compiler lua
done_testing
