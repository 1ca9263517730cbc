#!/bin/sh
# Man pages and completions: they are made from the program's own tables, so here is checked that these are whole, that
# the pages are well formed, and that real shells complete what the program has.
. "$(dirname "$0")/lib.sh"

top=$(cd "$lib_dir/../.." && pwd)
PATH=$(dirname "$SOLDR"):$PATH

have() { # NAME PROGRAM: or skips
	command -v "$2" >/dev/null && return
	skip "$1" "no $2"
	return 1
}

# ---- man pages

mkdir man
for source in "$top"/docs/man/*.in; do
	page=$(basename "$source" .in)
	ok "$page: is made" sh -c '"$1/docs/gen-man.sh" "$2" "$3" >"$4"' sh "$top" "$SOLDR" "$source" "man/$page"
	is "$(grep -En '^@.*@$|@version@' "man/$page")" "" "$page: nothing is left to fill in"
	have "$page: mandoc" mandoc && is "$(mandoc -T lint -W warning "man/$page")" "" "$page: mandoc has no warning"
	have "$page: groff" groff && is "$(groff -ww -man -Tutf8 -k "man/$page" 2>&1 >/dev/null)" "" "$page: groff has no warning"
	sed 's/\\-/-/g; s/\\f.//g; s/\\e/\\/g' "man/$page" >"man/$page.text"
	for other in $(grep -o '^[.]BR [a-z.\\-]* ([0-9])' "man/$page" | sed 's/^[.]BR //; s/\\-/-/g; s/ (\(.\))/.\1/' | grep soldr); do
		ok "$page: $other is a page" test -e "$top/docs/man/$other.in"
	done
done

run "$SOLDR" help
verbs=$(printf '%s\n' "$out" | sed -n '/^verbs:$/,/^$/s/^  \([a-z]*\) .*/\1/p')
for verb in $verbs; do
	ok "soldr(1) has the verb $verb" grep -q "^[.]SS soldr $verb" man/soldr.1.text
done
options=$(grep -ho '{"--[a-z-]*"' "$top"/core/cli/*.c | tr -d '{"' | sort -u)
ok "the code has options" test "$(printf '%s\n' "$options" | wc -l)" -ge 15
for option in $options; do
	ok "soldr(1) has $option" grep -Eq -e "(^|[^a-z-])$option([^a-z-]|\$)" man/soldr.1.text
done
for variable in $(grep -o '^	{"SOLDR_[A-Z_]*"' "$top/core/service/config.c" | grep -o 'SOLDR_[A-Z_]*'); do
	ok "soldr(1) has $variable" grep -q "^[.]B $variable\$" man/soldr.1.text
done

# Every key of the schema. Keys of the config and their defaults are compared with the code by the unit tests.
"$SOLDR" config schema | python3 -c '
import json, sys
schema = json.load(sys.stdin)
def walk(node, path):
    for key, value in node.get("properties", {}).items():
        if "properties" in value:
            walk(value, path + [key])
        else:
            print(".".join(path + [key]))
walk(schema, [])
for name in "embedded_options", "wrapped_options":
    walk(schema["$defs"][name], [])' >keys
ok "the schema has keys" test "$(wc -l <keys)" -ge 20
while read -r key; do
	ok "soldr.yaml(5) has $key" grep -Eq "^$key(:|\$)" man/soldr.yaml.5.text
done <keys
is "$(sed -n 's/^audit.keep_days: //p; s/^max_size: //p' man/soldr.yaml.5.text | tr '\n' ' ')" "30 20GiB " "soldr.yaml(5) has defaults"

for name in $(grep -o '[a-z_]*(' "$top/core/include/soldr/service.h" | grep '^soldr_' | sort -u | tr -d '('); do
	ok "libsoldr(3) has $name" grep -q "^[.]B $name()" man/libsoldr.3.text
done
for name in $(sed -n 's/.*(\*\([a-z_]*\))(.*/\1/p' "$top/core/include/soldr/backend.h" | grep -v '_fn$'); do
	ok "soldr-backend(7) has $name" grep -q "^[.]B $name()" man/soldr-backend.7.text
done
for name in $(grep -o '^	SOLDR_\(CAP\|OUTCOME\|E\)_[A-Z_]*' "$top/core/include/soldr/backend.h"); do
	ok "soldr-backend(7) has $name" grep -q "^[.]B $name\$" man/soldr-backend.7.text
done

# ---- completions

mkdir zsh
"$top/docs/gen-completions.sh" "$SOLDR" bash >soldr.bash
"$top/docs/gen-completions.sh" "$SOLDR" zsh >zsh/_soldr
"$top/docs/gen-completions.sh" "$SOLDR" fish >soldr.fish
touch some-file

# Each of these prints, for each line of the standard input, the line and what its end can become, sorted.
in_bash() {
	cat >try.bash <<'END_OF_BASH'
source ./soldr.bash
while IFS= read -r line; do
	read -ra COMP_WORDS <<<"$line"
	[[ $line == *' ' ]] && COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_soldr
	echo "$line> $(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' ' -)"
done
END_OF_BASH
	bash --norc try.bash
}
in_fish() {
	fish --no-config -c 'source soldr.fish
		while read -l line
			echo "$line>" (complete -C $line | string replace -r "\t.*" "" | sort)
		end'
}
# zsh completes in an editor: a line is typed, then a tab, then a key that prints what stands there now.
in_zsh() {
	mkdir -p zdot
	cat >zdot/.zshrc <<'END_OF_ZSH'
PS1='READY> '
fpath=($PWD/zsh $fpath)
autoload -Uz compinit
compinit -u -d $PWD/zdot/dump
unsetopt auto_menu list_ambiguous
show() { print; print -r -- "<<$BUFFER>>"; BUFFER=; }
zle -N show
bindkey -e
bindkey '^I' complete-word
bindkey '^X' show
END_OF_ZSH
	cat >try.zsh <<'END_OF_ZSH'
zmodload zsh/zpty
zpty z "TERM=dumb ZDOTDIR=$PWD/zdot zsh -i"
zpty -r z out '*READY> *'
while IFS= read -r line; do
	zpty -w -n z "$line"$'\t\x18'
	zpty -r z out '*\>\>*'
	out=${out##*\<\<}
	out=${${out%%\>\>*}% }
	print -r -- "$line> ${out##* }"
done
zpty -d z
END_OF_ZSH
	timeout 60 zsh -f try.zsh
}

# With one possible end, all three shells have to say the same.
cat >lines <<'END_OF_LINES'
soldr bac> backends
soldr cache ver> verify
soldr --quiet cache ver> verify
soldr --back> --backend
soldr --backend wr> wrapped
soldr -q --audit foren> forensic
soldr help reas> reasons
soldr help err> errors
soldr stats --js> --json
soldr parity --backends nu> null
soldr parity --in> --in-place
soldr config check some-f> some-file
soldr build -- readlin> readlink
END_OF_LINES
cp "$top/config/soldr.yaml" "$XDG_CONFIG_HOME/soldr/soldr.yaml"
printf 'version: 1\nbackends: {theirs: {plugin: wrapped}}\n' >"$XDG_CONFIG_HOME/soldr/soldr.yaml"
echo 'soldr --backend thei> theirs' >>lines
for shell in bash fish zsh; do
	have "$shell completes" $shell || continue
	sed 's/> .*//' lines >typed
	run in_$shell <typed
	if [ $shell = bash ]; then # without bash-completion loaded, a command behind -- gets files
		printf '%s\n' "$out" | grep -v readlin >got
		grep -v readlin lines >want
	else
		printf '%s\n' "$out" >got
		cp lines want
	fi
	ok "$shell completes verbs, words, options, values, backends and files" diff -u want got
done

# Every verb and every option.
for shell in bash fish; do
	have "$shell: every verb" $shell || continue
	echo 'soldr ' >typed
	in_$shell <typed | tr ' ' '\n' >got
	for verb in $verbs; do
		ok "$shell offers soldr $verb" grep -qx -e "$verb" got
	done
	{
		echo 'soldr --'
		for verb in $verbs; do
			case $verb in cargo | make | gmake | ninja | samu | cmake) ;; *) echo "soldr $verb --" ;; esac
		done
	} >typed
	in_$shell <typed | tr ' ' '\n' >got
	for option in $options; do
		ok "$shell offers $option" grep -qx -e "$option" got
	done
done
if have "bash: compilers" gcc && have "bash: compilers" bash; then
	echo 'soldr gc' >typed
	like "$(in_bash <typed)" '> ([^ ]* )*gcc( |$)' "bash offers gcc"
	is "$(in_bash <typed | sed 's/.*> //' | tr ' ' '\n' | grep -v '^gcc')" "" "and nothing else that begins like it"
fi
done_testing
