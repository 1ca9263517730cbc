#!/bin/sh
# The documents say what is so: the README's snippets run, its tables are whole, generated pages are up to date.
. "$(dirname "$0")/lib.sh"
. "$lib_dir/snippets.sh"

top=$(cd "$lib_dir/../.." && pwd)
README=$top/README.md
PATH=$(dirname "$SOLDR"):$PATH

# docs/reasons.md
run sh "$top/docs/gen-reasons.sh"
is "$status" 0 "gen-reasons.sh runs"
ok "it prints every reason of the header" \
	test "$(printf '%s\n' "$out" | grep -c '^| [0-9]')" = "$(grep -c '^	X(' "$top/core/include/soldr/reason.h")"
ok "docs/reasons.md is what docs/gen-reasons.sh prints" diff -u "$top/docs/reasons.md" "$T/.stdout"

# docs/errors.md
run sh "$top/docs/gen-errors.sh" "$SOLDR"
is "$status" 0 "gen-errors.sh runs"
ok "it prints every message" test "$(printf '%s\n' "$out" | grep -c '^| E[0-9]')" = "$(cat "$top"/core/util/messages_*.def | grep -c '^MESSAGE(')"
ok "docs/errors.md is what docs/gen-errors.sh prints" diff -u "$top/docs/errors.md" "$T/.stdout"

# Verbs, in both directions.
run "$SOLDR" help
verbs=$(printf '%s\n' "$out" | sed -n '/^verbs:$/,/^$/s/^  \([a-z]*\) .*/\1/p')
ok "soldr help lists verbs" test "$(printf '%s\n' "$verbs" | wc -l)" -ge 10
for verb in $verbs; do
	ok "README's table of commands has soldr $verb" grep -q "^| .*\`soldr $verb[ \`]" "$README"
done
for verb in $(grep '^| `soldr' "$README" | grep -o '`soldr [a-z]*[ `]' | sed 's/^`soldr \([a-z]*\).$/\1/' | sort -u); do
	ok "soldr $verb of that table is a verb" "$SOLDR" help "$verb"
done

# Environment variables: those that the code reads are in docs/config.md, and no others.
in_code=$(grep -o '^	{"SOLDR_[A-Z_]*"' "$top/core/service/config.c" | grep -o 'SOLDR_[A-Z_]*' | sort -u)
in_docs=$(grep -o '^| `SOLDR_[A-Z_]*`' "$top/docs/config.md" | grep -o 'SOLDR_[A-Z_]*' | sort -u)
is "$in_docs" "$in_code" "docs/config.md lists the environment variables"

# Links between the documents, and the files that they name.
for page in "$top"/*.md "$top"/docs/*.md; do
	for link in $(grep -o '](\([^)#:]*\)[)#]' "$page" | sed 's/^](//; s/[)#]$//'); do
		ok "$(basename "$page"): $link is there" test -e "$(dirname "$page")/$link"
	done
	for file in $(grep -o '`\(core\|plugins\|tests\|docs\|config\)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`' | grep -v NAME | sort -u); do
		ok "$(basename "$page"): $file is there" test -e "$top/$file"
	done
done

# Tests that docs/formats.md names.
sed -n 's/^| [^|]* | `\(tests[^`]*\)`: "\(.*\)" |$/\1 \2/p' "$top/docs/formats.md" >named
ok "docs/formats.md names tests" test -s named
while read -r file name; do
	ok "docs/formats.md: $file has \"$name\"" grep -qF "\"$name\"" "$top/$file"
done <named

# README's snippets; those of the guides are in 04-guides.t.
snippets "$README"
done_testing
