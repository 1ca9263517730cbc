#!/bin/sh
# Builds that do not go as planned: interrupted, two at once, with an error in
# one crate, cleaned between, few and many jobs; and a random mix of builds after
# which cargo finds all fresh. The artifacts are those of cargo without soldr.
# SEED=N repeats a mix.
seed=${SEED:-$$}
. "$(dirname "$0")/lib.sh"
. "$lib_dir/cargo.sh"

cargo_front="$SOLDR --no-session-summary cargo"
workspace "$T/ws"
for n in 1 2 3 4 5 6; do
	package more$n '[dependencies]
base = { path = "../base" }
mac = { path = "../mac" }'
	put more$n/src/lib.rs "pub fn more() -> u32 { base::name().len() as u32 * mac::seven!() + $n }"
done
sed -i 's/"app"\]/"app", "more*"]/' Cargo.toml
cargo generate-lockfile 2>/dev/null
settle

# The truth about the sources as they are: the files of a plain build in the same place.
truth() { # ARGS…
	drop "$T/kept"
	[ ! -d target ] || mv target "$T/kept"
	cargo_plain build -q "$@"
	artifacts target >"$T/plain"
	drop "$T/ws/target"
	[ ! -d "$T/kept" ] || mv "$T/kept" target
}
is_true() { # NAME
	artifacts target >"$T/now"
	ok "$1" diff "$T/plain" "$T/now"
}
# What an interrupted rustc leaves beside the artifacts is its own.
has_truth() { # NAME
	sed 's|  \./|  target/|' "$T/plain" >"$T/sums"
	ok "$1" sha256sum --quiet -c "$T/sums"
}
truth
ok 'there are artifacts to compare with' test "$(wc -l <"$T/plain")" -gt 20

# ---- few and many jobs ----------------------------------------------------------------

for jobs in 1 64; do
	drop "$SOLDR_CACHE_DIR"
	alike jobs_$jobs build -j$jobs
done

# ---- interrupted ------------------------------------------------------------------------

# As from a terminal: the signal goes to every process of the build, once something was compiled.
put "$T/interrupt.pl" 'use POSIX ();
my ($signal, $log, $lines, @command) = @ARGV;
my $pid = fork // die;
if (!$pid) { POSIX::setpgid(0, 0); exec @command or die }
for (1 .. 30000) {
	open my $f, "<", $log or die;
	my $n = grep /dispatch:/, <$f>;
	last if $n >= $lines || waitpid($pid, POSIX::WNOHANG()) == $pid;
	select undef, undef, undef, 0.001;
}
kill $signal, -$pid;
waitpid $pid, 0;
print "ended by $?\n";'
interrupted() { # SIGNAL AFTER-COMPILES: what the build ended by
	: >"$SOLDR_LOG"
	run perl "$T/interrupt.pl" "$1" "$SOLDR_LOG" "$2" "$SOLDR" cargo build -j2
}
for signal in INT TERM KILL; do
	drop "$SOLDR_CACHE_DIR" "$T/ws/target"
	settle
	interrupted $signal 1
	unlike "$out" '^ended by 0$' "interrupted_$signal: ends the build"
	interrupted $signal 3
	cargo_soldr build
	is "$status" 0 "interrupted_$signal: the next one goes through"
	has_truth "interrupted_$signal: twice, then finished"
	drop "$T/ws/target"
	cargo_soldr build
	is_true "interrupted_$signal: what was stored meanwhile is right"
	ok "interrupted_$signal: and served" test "$(count hit)" -gt 2
	drop "$T/ws/target"
	settle
	interrupted $signal 2
	cargo_soldr build
	has_truth "interrupted_$signal: in the midst of hits"
	is "$(find "$SOLDR_CACHE_DIR/embedded" -name '.soldr-tmp.*' | wc -l)" "$(find "$SOLDR_CACHE_DIR/embedded" -name '.soldr-tmp.*' -size -1024k | wc -l)" \
		"interrupted_$signal: what is left in the store is small"
done

# ---- two at once ------------------------------------------------------------------------------

together() { # NAME DIR1 DIR2: two builds into these target directories
	CARGO_TARGET_DIR=$2 "$SOLDR" cargo build >"$T/one" 2>&1 &
	one=$!
	CARGO_TARGET_DIR=$3 "$SOLDR" cargo build >"$T/two" 2>&1
	two=$?
	wait $one
	is "$? $two" '0 0' "$1: both end well"
}
for round in cold warm; do
	[ $round = warm ] || drop "$SOLDR_CACHE_DIR"
	drop "$T/ws/target"
	settle
	together "together_$round" target target
	is_true "together_$round: in one workspace and target directory"
done
for dir in a b; do
	CARGO_TARGET_DIR=$T/$dir cargo_plain build
	artifacts "$T/$dir" >"$T/plain-$dir"
done
for round in cold warm; do
	[ $round = warm ] || drop "$SOLDR_CACHE_DIR"
	drop "$T/a" "$T/b"
	settle
	together "apart_$round" "$T/a" "$T/b"
	for dir in a b; do
		artifacts "$T/$dir" >"$T/now"
		ok "apart_$round: $dir of two target directories" diff "$T/plain-$dir" "$T/now"
	done
done

# ---- an error in one crate ----------------------------------------------------------------------

cp more3/src/lib.rs "$T/good.rs"
echo 'pub fn wrong() -> u8 { "no" }' >>more3/src/lib.rs
settle
drop "$T/ws/target"
cargo_plain build --keep-going
plain_status=$status plain_err=$err
artifacts target >"$T/plain"
for round in cold warm; do
	drop "$T/ws/target"
	settle
	cargo_soldr build --keep-going
	is "$status" "$plain_status" "error_$round: the build fails as without soldr"
	# What cargo says of other crates comes between at any moment.
	is "$(printf '%s\n' "$err" | sed '/Compiling\|^warning/d' | grep -A 9 '^error' | sort)" \
		"$(printf '%s\n' "$plain_err" | sed '/Compiling\|^warning/d' | grep -A 9 '^error' | sort)" "error_$round: in the same words"
	is_true "error_$round: all other crates are there"
done
cp "$T/good.rs" more3/src/lib.rs
settle
cargo_soldr build
is "$status" 0 'error_mended: the build goes on'
truth
is_true 'error_mended: with the same files'

# ---- cleaned between ---------------------------------------------------------------------------------

run "$SOLDR" cargo clean
ok 'clean: nothing is left' test ! -d target/debug
cargo_soldr build
is_true 'clean: built again'
is "$(reasons)" '' 'clean: of hits alone'
run "$SOLDR" cargo clean -p base -p native
cargo_soldr build
is_true 'clean_package: built again'
is "$(reasons)" '' 'clean_package: of hits alone'
cargo_soldr build
unlike "$err" Compiling 'clean_package: then all is fresh'

# ---- R12: a random mix -----------------------------------------------------------------------------------

echo "# SEED=$seed"
if command -v git >/dev/null; then
	printf 'target\n' >.gitignore
	for args in 'init -q' 'config user.name t' 'config user.email t@localhost' 'add -A' 'commit -qm one' 'branch other'; do
		# shellcheck disable=SC2086 # words
		git $args
	done
	git checkout -q other
	sed -i 's/"base" }/"other" }/' base/src/lib.rs
	put native/answer.c 'int answer(void) { return 41; }'
	git commit -qam two
	git checkout -q -
	switch='switch switch'
else
	switch=
fi
ops=$(python3 -c 'import random, sys
random.seed(int(sys.argv[1]))
print(*(random.choice(sys.argv[2:]) for _ in range(20)))' "$seed" cold clean touch touch_c edit unedit release plain feature variable interrupt $switch)
branch=base
change() { # OPERATION
	case $1 in
	cold) drop "$SOLDR_CACHE_DIR" "$T/ws/target" ;;
	clean) drop "$T/ws/target" ;;
	touch) touch base/src/lib.rs more2/src/lib.rs ;;
	touch_c) touch native/answer.c ;;
	edit) echo "// $round" >>more4/src/lib.rs ;;
	unedit) git checkout -q more4/src/lib.rs 2>/dev/null || cp "$T/good.rs" more4/src/lib.rs ;;
	release) cargo_soldr build --release ;;
	plain) touch mac/src/lib.rs && cargo_plain build ;;
	feature) cargo_soldr build --features loud --manifest-path app/Cargo.toml ;;
	variable) MAYBE=$round cargo_soldr build ;;
	interrupt) drop "$T/ws/target" && interrupted INT 2 ;;
	switch)
		git checkout -q more4/src/lib.rs
		git checkout -q -
		[ $branch = base ] && branch=other || branch=base
		;;
	esac
}
round=0 stale='' wrong='' different=''
for op in $ops; do
	round=$((round + 1))
	settle
	change "$op"
	settle
	cargo_soldr build
	[ "$status" = 0 ] || wrong="$wrong $round:$op:status$status"
	cargo_soldr build
	compiled=$(grep -c 'dispatch:' "$SOLDR_LOG")$(printf '%s' "$err" | grep -c Compiling)
	[ "$compiled" = 00 ] || stale="$stale $round:$op"
	cargo_plain build
	case $err in *Compiling*) stale="$stale $round:$op:plain" ;; esac
	case $(target/debug/app) in "$branch base None "*) ;; *) wrong="$wrong $round:$op:$(target/debug/app)" ;; esac
	if [ $((round % 5)) = 0 ]; then
		cargo_soldr clean --release -q 2>/dev/null
		truth
		sed 's|  \./|  target/|' "$T/plain" >"$T/sums"
		sha256sum --quiet -c "$T/sums" >"$T/sum.log" 2>&1 || different="$different $round:$op"
	fi
done
is "$stale" '' "r12: after each of 20 builds ($(echo $ops)) a build does nothing"
is "$wrong" '' 'r12: and the program is that of the sources'
is "$different" '' 'r12: and the artifacts are those of cargo without soldr'
done_testing
