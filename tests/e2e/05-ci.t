#!/bin/sh
# The CI files of the quick start: their commands run, in one checkout after the other, and the second finds the first one's store.
# The actions of the services themselves cannot run here: ci_run.py stands in for checkout and cache, and says how.
. "$(dirname "$0")/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
PATH=$(dirname "$SOLDR"):$PATH
python3 -c 'import yaml' 2>/dev/null || { skip "CI files run" "no PyYAML"; done_testing; }
for program in gcc make bash; do
	command -v $program >/dev/null || { skip "CI files run" "no $program"; done_testing; }
done

mkdir project
for name in a b c; do printf 'int %s(void) { return 1; }\n' $name >project/$name.c; done
printf 'all: a.o b.o c.o\n%%.o: %%.c\n\tgcc -O1 -c $< -o $@\n' >project/Makefile
unset SOLDR_CACHE_DIR

# The counters are not among what the services keep: they are those of the last run.
outcomes() {
	SOLDR_CACHE_DIR=$T/workspace/.soldr-cache "$SOLDR" stats --json >stats.json
	echo "$(json stats.json hits) $(json stats.json misses)"
}
ci() { run python3 "$lib_dir/ci_run.py" "$top/docs/quickstart.md" "$1" "$T/project" "$T/workspace" "$T/kept-$2"; }

for round in first second; do
	ci build github
	is "$status" 0 "GitHub Actions: the $round run"
	[ "$status" = 0 ] || lib_note said "$out$err"
	[ $round = first ] && want="0 3" || want="3 0"
	is "$(outcomes)" "$want" "GitHub Actions: hits and misses of the $round run"
done
like "$(cat kept-github/summary.md)" '^\|' "GitHub Actions: the summary is a table"

for round in first second; do
	ci gitlab:build-default-branch gitlab
	is "$status" 0 "GitLab CI: the $round run of the default branch"
	[ "$status" = 0 ] || lib_note said "$out$err"
	[ $round = first ] && want="0 3" || want="3 0"
	is "$(outcomes)" "$want" "GitLab CI: hits and misses of the $round run"
done
# A branch takes what is there, and gives nothing back.
printf 'int d(void) { return 4; }\n' >>project/c.c
find kept-gitlab -type f | sort >before
ci gitlab:build gitlab
is "$status/$(outcomes)" "0/2 1" "GitLab CI: a branch finds the default branch's store"
is "$(find kept-gitlab -type f | sort)" "$(cat before)" "GitLab CI: and leaves it as it was"
done_testing
