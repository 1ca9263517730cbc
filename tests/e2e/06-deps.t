#!/bin/sh
# .ci/install-deps asks the package manager for what is missing, and no more: `make demo` brings no browser.
. "$(dirname "$0")/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
# A machine on which nothing is installed but what the script itself uses.
mkdir bin
for program in sh env id uname; do ln -s "$(command -v $program)" bin/$program; done
printf '#!/bin/sh\necho "$@" >>%s/asked\n' "$T" >bin/apt-get
printf '#!/bin/sh\n[ "$1" != -n ] || shift\nexec "$@"\n' >bin/sudo
chmod 755 bin/apt-get bin/sudo
asked() { # WORD…
	: >asked
	run env PATH="$T/bin" sh "$top/.ci/install-deps" "$@"
}

asked
is "$status" 0 "install-deps for everything"
like "$(cat asked)" ' gcc .*make' "the compiler is asked for"
like "$(cat asked)" ' chromium$' "and the browser of a test"
asked demo
is "$status" 0 "install-deps demo"
like "$(cat asked)" ' gcc .*make' "the compiler is asked for"
like "$(cat asked)" ' ccache$' "the cache that is compared"
is "$(grep -Ec 'chromium|clang|cargo|cunit|python' asked)" 0 "and nothing of the tests"
asked neither
is "$status/$(cat asked)" "2/" "another word installs nothing"
like "$(sed -n '/^demo:/,/^$/p' "$top/Makefile")" 'install-deps demo' "make demo asks for the demo alone"
done_testing
