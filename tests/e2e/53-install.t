#!/bin/sh
# make install and uninstall: a soldr below another prefix works from there, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
build=$(cd "$(dirname "$SOLDR")/.." && pwd)
case $build in
"$root"/build) san= ;;
"$root"/build/san-*) san=$(basename "$build" | sed 's/^san-//; s/-/,/g') ;;
*)
	skip "install" "the soldr under test is not of this tree's build directory"
	done_testing
	;;
esac

dest=$T/dest
list() { # what is below DESTDIR
	(cd "$dest" && find . ! -type d -print | sort)
}
install() {
	make --no-print-directory -s -C "$root" "$@" DESTDIR="$dest" PREFIX=/opt/x SAN="$san"
}

run install install
is "$status" 0 "make install"
is "$(ls "$dest")" opt "nothing is outside of PREFIX"
is "$(list | grep -v '^./opt/x/share/\(man\|doc\)/' | tr '\n' ' ')" \
	"$(printf './opt/x/%s ' bin/soldr bin/soldr-host include/soldr/backend.h include/soldr/reason.h include/soldr/service.h lib/libsoldr.a \
		lib/libsoldr.so lib/libsoldr.so.1 lib/libsoldr.so.1.0.0 lib/pkgconfig/soldr.pc lib/soldr/embedded.so lib/soldr/null.so lib/soldr/wrapped.so \
		share/bash-completion/completions/soldr share/fish/vendor_completions.d/soldr.fish share/soldr/soldr.schema.json \
		share/soldr/soldr.yaml share/zsh/site-functions/_soldr)" "the files that are installed"
is "$(list | sed -n 's,^./opt/x/share/man/man\(.\)/,\1 ,p' | sort -k 2)" \
	"$(for page in "$root"/docs/man/*.in; do page=$(basename "$page" .in) && echo "${page##*.} $page"; done)" "the man pages, by section"
is "$(list | sed -n 's,^./opt/x/share/doc/soldr/,,p' | grep '[.]md$')" "$(cd "$root" && ls CHANGELOG.md README.md docs/*.md)" "the documents"
is "$(readlink "$dest/opt/x/lib/libsoldr.so") $(readlink "$dest/opt/x/lib/libsoldr.so.1")" "libsoldr.so.1 libsoldr.so.1.0.0" \
	"the links of the shared library"
is "$(find "$dest/opt/x" ! -type d -perm /111 ! -type l | sed 's,.*/opt/x/,,' | sort | tr '\n' ' ')" "bin/soldr bin/soldr-host " \
	"the programs alone are executable"
is "$(find "$dest" ! -type l -perm /022)" "" "nobody else may write them"
run install install
is "$status" 0 "make install over an installed soldr"

# A copy elsewhere: nothing may lead back to where it was built or installed to.
mv "$dest/opt/x" "$T/moved"
soldr=$T/moved/bin/soldr
run "$soldr" backends --json
is "$status" 0 "the installed soldr finds its backends"
echo 'int answer(void) { return 42; }' >x.c
gcc -c x.c -o want.o
for backend in null embedded; do
	rm -f x.o
	run "$soldr" --backend $backend gcc -c x.c
	ok "and compiles through $backend" cmp x.o want.o
done
printf 'version: 1\nbackends: {file: {plugin: %s/lib/soldr/null.so}}\n' "$T/moved" >file.yaml
rm -f x.o
run "$soldr" --config file.yaml --backend file gcc -c x.c
ok "and through a plugin that is a file" cmp x.o want.o
"$soldr" stats --json >stats.json
is "$(json stats.json compilations)" 1 "and counts"
run "$soldr" config schema
is "$status" 0 "config schema"
printf '%s\n' "$out" >schema.json
ok "is what is installed" cmp schema.json "$T/moved/share/soldr/soldr.schema.json"
run "$soldr" --config "$T/moved/share/soldr/soldr.yaml" config check
is "$status/$err" "0/" "the installed reference config is valid"

# A program that links the installed library.
cat >embed.c <<'END_OF_C'
#include <soldr/service.h>
#include <stdio.h>

int main(void)
{
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	soldr_error error = {.struct_size = sizeof error};
	soldr_service *service = NULL;
	if (soldr_service_start(&config, &service, &error) != 0) {
		puts(error.message);
		return 1;
	}
	const char *argv[] = {"gcc", "-c", "x.c", "-o", "y.o", NULL};
	const soldr_compile_request request = {.struct_size = sizeof request, .argv = argv};
	soldr_result result = {.struct_size = sizeof result};
	int32_t rc = soldr_service_compile(service, &request, &result, &error);
	puts(rc ? error.message : soldr_version());
	soldr_service_free(service);
	return rc != 0;
}
END_OF_C
if [ -n "$san" ]; then
	skip "a program with libsoldr" "it would need the sanitizer's run time"
else
	run gcc -std=c11 -Wall -Werror -I"$T/moved/include" embed.c -L"$T/moved/lib" -lsoldr -Wl,-rpath,"$T/moved/lib" -o embed
	is "$status/$err" "0/" "a program links libsoldr"
	run env SOLDR_PLUGIN_PATH="$T/moved/lib/soldr" ./embed
	is "$out" "$("$soldr" version | sed -n 's/^soldr \([0-9.]*\).*/\1/p')" "and works"
	ok "and compiles" cmp y.o want.o
fi

mv "$T/moved" "$dest/opt/x"
echo mine >"$dest/opt/x/share/kept"
run install uninstall
is "$status" 0 "make uninstall"
is "$(list)" ./opt/x/share/kept "takes away what it installed and nothing else"
is "$(find "$dest/opt/x" -type d -name soldr)" "" "directories too"

done_testing
