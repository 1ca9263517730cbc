#!/bin/sh
# The Debian packages: built, checked by lintian, installed in a clean root, tried there by a user, and removed again.
. "$(dirname "$0")/../e2e/lib.sh"
. "$lib_dir/root.sh"

top=$(cd "$lib_dir/../.." && pwd)
root_needs dpkg-buildpackage dh lintian

run env DEB_BUILD_OPTIONS=nocheck make -C "$top" deb
is "$status" 0 "make deb"
[ "$status" = 0 ] || lib_note "make deb" "$(printf '%s\n' "$err" | tail -n 20)"
debs=$(cd "$top/build/deb" && ls *.deb | grep -v dbgsym)
is "$(printf '%s\n' "$debs" | sed 's/_.*//' | tr '\n' ' ')" "libsoldr-dev libsoldr1 soldr " "three packages"
run lintian --fail-on error,warning "$top"/build/deb/*.changes
is "$status/$out" "0/" "lintian has no error and no warning"

root_make
mkdir "$R/debs"
for deb in $debs; do cp "$top/build/deb/$deb" "$R/debs"; done
in_root find / -xdev ! -path '/proc/*' -name '*soldr*' ! -path '/debs*' | sort >before
run in_root sh -c 'apt-get -qq update && apt-get -qq install --no-install-recommends -y gcc libc6-dev make pkg-config >/dev/null'
is "$status" 0 "a compiler is installed"
run in_root sh -c 'apt-get -qq install --no-install-recommends -y /debs/*.deb'
is "$status" 0 "the packages are installed"
[ "$status" = 0 ] || lib_note "apt-get" "$err"
is "$(in_root dpkg --audit)" "" "dpkg finds them whole"

cat >"$R/home/builder/x.c" <<'END_OF_C'
int answer(void) { return 42; }
END_OF_C
printf 'all: x.o\n\tcc -o /dev/null -c x.c\n' >"$R/home/builder/Makefile"
run as_user 'gcc -c x.c -o want.o && sleep 0.1 && soldr gcc -c x.c && cmp x.o want.o && soldr gcc -c x.c && cmp x.o want.o'
is "$status/$err" "0/" "a user compiles"
run as_user 'soldr stats --json'
printf '%s\n' "$out" >stats.json
is "$(json stats.json hits) $(json stats.json misses)" "1 1" "and the second compile is a hit"
run as_user 'soldr make 2>&1'
like "$out" '^soldr: [0-9]+ compilations?' "a build sums up"
run as_user 'soldr doctor'
is "$status" 0 "soldr doctor finds nothing wrong"
[ "$status" = 0 ] || lib_note doctor "$out"
run as_user 'printf "version: 1\nbackend: file\nbackends: {file: {plugin: /usr/lib/soldr/null.so}}\n" >file.yaml && soldr --config file.yaml gcc -c x.c && cmp x.o want.o'
is "$status/$err" "0/" "a plugin that is a file is loaded"

# A program that links the library, and a backend made with the header.
sed -n "/^cat >embed.c/,/^END_OF_C/p" "$top/tests/e2e/53-install.t" | sed '1d;$d' >"$R/home/builder/embed.c"
cp "$top/plugins/null/null.c" "$top/plugins/null/null.map" "$R/home/builder"
run as_user 'gcc -Wall -Werror embed.c $(pkg-config --cflags --libs soldr) -o embed && ./embed && cmp y.o want.o'
is "$status/$out" "0/$(sed -n 's/^VERSION := //p' "$top/Makefile")" "a program links libsoldr and compiles"
run as_user 'gcc embed.c -l:libsoldr.a $(pkg-config --static --libs soldr | sed s/-lsoldr//) -o embed-static 2>&1'
is "$status" 0 "the static library links too"
[ "$status" = 0 ] || lib_note link "$out"
run as_user 'gcc -shared -fPIC -DSOLDR_VERSION=\"1\" -fvisibility=hidden -Wl,-z,now -Wl,--version-script=null.map null.c -o acme.so &&
	printf "version: 1\nbackend: acme\nbackends: {acme: {plugin: /home/builder/acme.so}}\n" >acme.yaml && soldr --config acme.yaml config check'
is "$status" 0 "a backend is made with the installed header"
[ "$status" = 0 ] || lib_note backend "$out$err"
for page in man1/soldr.1 man1/soldr-host.1 man1/soldr-parity.1 man5/soldr.yaml.5 man7/soldr-backend.7 man3/libsoldr.3; do
	ok "the packages have $page" sh -c "zcat '$top/build/deb/'soldr-[0-9]*/debian/*/usr/share/man/$page.gz | grep -q '^.TH'"
done
run as_user 'bash -c "source /usr/share/bash-completion/completions/soldr; COMP_WORDS=(soldr sta); COMP_CWORD=1; _soldr; echo \${COMPREPLY[*]}"'
is "$out" "stats status" "bash completes by the installed file"

run in_root apt-get -qq purge -y soldr libsoldr1 libsoldr-dev
is "$status" 0 "the packages are removed"
in_root find / -xdev ! -path '/proc/*' ! -path '/home/*' ! -path '/debs*' -name '*soldr*' | sort >after
ok "and nothing of them is left" diff before after
is "$(root_left)" 0 "nothing is mounted"
done_testing
