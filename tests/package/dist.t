#!/bin/sh
# The source tarball: the same bytes each time, everything in it, and it builds and passes the unit tests by itself.
. "$(dirname "$0")/../e2e/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
export SOURCE_DATE_EPOCH=1700000000

run make -s -C "$top" dist
is "$status" 0 "make dist"
name=$(basename "$out" .tar.gz)
cp "$top/build/$name.tar.gz" first.tar.gz
tar -xzf first.tar.gz
is "$(ls -d soldr-*)" "$name" "one directory, named by the version"
if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
	is "$(cd "$name" && find . ! -type d | sed 's,^./,,' | LC_ALL=C sort)" "$(git -C "$top" ls-files | LC_ALL=C sort)" "the files that git tracks"
else
	skip "the files that git tracks" "not a git tree"
fi
is "$(tar --numeric-owner -tvzf first.tar.gz | awk '{ print $2 }' | sort -u)" "0/0" "the owner is nobody's"
is "$(find "$name" -perm /022)" "" "nobody else may write"

# From the unpacked tarball, with another umask and at another time.
run sh -c "umask 077 && make -s -C '$name' dist"
is "$status" 0 "make dist in the unpacked tarball"
ok "gives the same bytes" cmp first.tar.gz "$name/build/$name.tar.gz"

run make -s -C "$name" -j2
is "$status" 0 "it builds"
run "$name/build/bin/soldr" version
like "$out" "^soldr ${name#soldr-} " "the soldr of it has its version"
run make -s -C "$name" check-unit
is "$status" 0 "it passes the unit tests"
printf '%s\n' "$out" | sed -n 's/^/# /; /Run Summary/,$p'
done_testing
