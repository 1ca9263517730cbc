#!/bin/sh
# The guides for people: their commands run, and every command, config and CI file in any document is one that there is.
. "$(dirname "$0")/lib.sh"
. "$lib_dir/snippets.sh"

top=$(cd "$lib_dir/../.." && pwd)
PATH=$(dirname "$SOLDR"):$PATH

for page in quickstart migration tuning troubleshooting faq; do
	snippets "$top/docs/$page.md"
done

if command -v gcc >/dev/null && command -v make >/dev/null; then
	SOLDR_CACHE_DIR=$T/snippets-quickstart/cache "$SOLDR" stats --json >stats.json
	ok "the quick start's second build hits" test "$(json stats.json hits)" -ge 2
fi

run python3 "$lib_dir/check_docs.py" "$SOLDR" "$top"/README.md "$top"/CONTRIBUTING.md "$top"/docs/*.md
is "$status/$out" "0/" "commands, options, make targets, configs and CI files in the documents are right"
echo "# $err"
python3 -c 'import yaml' 2>/dev/null || skip "CI files are YAML" "no PyYAML"
python3 -c 'import jsonschema' 2>/dev/null || skip "configs pass the schema" "no jsonschema"

# The checker sees what it is there for.
cat >wrong.md <<'END_OF_PAGE'
Say `soldr stast`, or `soldr stats --jsn`; `audit.mod` is a key.

```sh
soldr cache wipe
if true
```

```yaml
version: 1
bakend: null
```

```yaml ci
jobs: {build: {steps: [{name: nothing}]}}
```

```yaml ci
jobs: {build: {steps: [{run: soldr maek}]}}
```

```perl
```
END_OF_PAGE
run python3 "$lib_dir/check_docs.py" "$SOLDR" wrong.md
for wrong in 'soldr stast is neither' 'no option --jsn' 'audit.mod is no key' 'cache has no wipe' 'not sh' 'bakend' "unknown kind 'perl'"; do
	like "$out" "^wrong.md:[0-9]+: .*$wrong" "it finds: $wrong"
done
if python3 -c 'import yaml' 2>/dev/null; then
	like "$out" '^wrong.md:[0-9]+: no job runs anything' "it finds a CI file without commands"
	like "$out" '^wrong.md:[0-9]+: .*soldr maek is neither' "it finds a wrong command in a CI file"
fi

# Every setting of ccache has its line in docs/migration.md; and what stands for it in soldr is a key or a variable.
if command -v ccache >/dev/null; then
	for key in $(ccache --show-config | sed 's/^([^)]*) *//; s/ =.*//'); do
		ok "docs/migration.md has ccache's $key" grep -q "^| .*\`$key\`[^|]* |" "$top/docs/migration.md"
	done
else
	skip "docs/migration.md has ccache's settings" "no ccache"
fi
"$SOLDR" config schema | tr -d ' \n' >schema.json
for key in $(awk -F '|' '/^\| `[a-zA-Z_`, .]*` \|/ && NF >= 5 { print $3 }' "$top/docs/migration.md" | grep -o '`[a-z_.]*`' | tr -d '`' | grep -v -e '^soldr$' -e json | sort -u); do
	ok "docs/migration.md: $key is a key of soldr" grep -q "\"${key##*.}\":{" schema.json
done
for name in $(grep -oh 'SOLDR_[A-Z_]*' "$top"/README.md "$top"/docs/*.md | sort -u); do
	case $name in SOLDR_CAP_* | SOLDR_E_* | SOLDR_[A-Z]*_ | SOLDR_ | SOLDR_BIN | SOLDR_EXPORT | SOLDR_ABI* | SOLDR_REASON* | SOLDR_TEST*) continue ;; esac
	grep -q "\b$name\b" "$top"/core/include/soldr/*.h && continue
	ok "$name is a variable that soldr reads" grep -q "\"$name\"" "$top/core/service/config.c"
done
done_testing
