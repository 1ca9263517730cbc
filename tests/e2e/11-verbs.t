#!/bin/sh
# The operators' verbs: text, JSON, exit statuses, help.
. "$(dirname "$0")/lib.sh"

config=$XDG_CONFIG_HOME/soldr/soldr.yaml
printf 'version: 1\nbackend: null\n' >"$config"
echo 'int answer(void) { return 42; }' >x.c
cat >fail.c <<'END'
#error no
END

json_ok() { # NAME CMD…: prints one JSON document with a schema_version
	name=$1
	shift
	run "$@"
	printf '%s\n' "$out" >doc.json
	ok "$name is JSON" python3 -m json.tool doc.json
	is "$(json doc.json schema_version)" 1 "$name has a schema_version"
}

# version, help
run "$SOLDR" version
is "$status" 0 "version"
like "$out" '^soldr [0-9]+\.[0-9]+\.[0-9]+ \(backend ABI [0-9]+\.[0-9]+\)$' "version names soldr and the ABI"
run "$SOLDR" --version
like "$out" '^soldr [0-9]' "--version"
json_ok "version --json" "$SOLDR" version --json
run "$SOLDR" help
is "$status" 0 "help"
verbs=$(printf '%s\n' "$out" | sed -n '/^verbs:/,/^$/s/^  \([a-z]*\)  .*/\1/p')
like "$verbs" '^stats$' "help lists the verbs"
for verb in $verbs; do
	run "$SOLDR" help "$verb"
	like "$out" "^usage: soldr $verb" "help $verb"
	like "$out" "^Example:" "help $verb has an example"
done
for verb in stats backends doctor config cache version; do
	run "$SOLDR" "$verb" --help
	is "$status/$(printf '%s\n' "$out" | head -n 1 | cut -d' ' -f1-3)" "0/usage: soldr $verb" "$verb --help"
	run "$SOLDR" "$verb" --jsn
	is "$status" 2 "$verb --jsn: wrong usage"
	like "$err" "did you mean --json" "$verb --jsn: the nearest option"
	like "$err" "^usage: soldr $verb" "$verb --jsn: the usage line"
	run "$SOLDR" "$verb" nonesuch nonesuch nonesuch
	is "$status" 2 "$verb with a strange argument: 2"
done
run "$SOLDR" help stast
is "$status" 2 "help of an unknown verb: 2"
like "$err" "did you mean 'stats'" "and the nearest"

# stats
json_ok "stats --json of nothing" "$SOLDR" stats --json
is "$(json doc.json compilations)" 0 "nothing was counted"
is "$(json doc.json backend)" null "the backend"
for key in compilations hits misses non_cacheable passthrough fallbacks errors time_saved_ms size_bytes max_size_bytes entries; do
	like "$(json doc.json "$key")" '^[0-9]+$' "stats has $key"
done
is "$(json doc.json reasons)" "{}" "stats has reasons"
"$SOLDR" gcc -c x.c
"$SOLDR" gcc -c fail.c 2>/dev/null
json_ok "stats --json" "$SOLDR" stats --json
is "$(json doc.json compilations)" 2 "two compilations"
is "$(json doc.json passthrough)" 2 "both passed through"
like "$(json doc.json since)" '^"?[0-9]{4}-[0-9]{2}-[0-9]{2}T' "since when"
run "$SOLDR" stats
like "$out" '^compilations +2' "stats in words"
like "$out" '^  passthrough +2 +100.0 %' "with percentages"
run "$SOLDR" stats --zero
is "$status" 0 "stats --zero"
run "$SOLDR" stats --json
printf '%s\n' "$out" >doc.json
is "$(json doc.json compilations)" 0 "nothing is left"

# backends
json_ok "backends --json" "$SOLDR" backends --json
is "$(python3 -c 'import json; print([b["name"] for b in json.load(open("doc.json"))["backends"] if b["selected"]])')" "['null']" "the selected backend"
is "$(python3 -c 'import json; print([b["abi"] for b in json.load(open("doc.json"))["backends"] if b["name"] == "null"])')" "['1.0']" "its ABI"
printf 'version: 1\nbackend: null\nbackends:\n  acme: {plugin: /nonexistent/acme.so}\n' >"$config"
run "$SOLDR" backends
is "$status" 0 "backends, one of which does not load"
like "$out" '^\*  null +built-in +[0-9.]+ +1\.0 ' "backends in words, the selected one marked"
like "$out" '^acme: .*/nonexistent/acme.so' "and why another does not load"

# config
json_ok "config show --json" "$SOLDR" config show --json
is "$(python3 -c 'import json; print([s["origin"] for s in json.load(open("doc.json"))["settings"] if s["key"] == "backend"])')" "['file']" "origin of a setting"
run "$SOLDR" config show
like "$out" "^backend +.*null.* +$config:2" "config show with file and line"
run "$SOLDR" --backend wrapped config show
like "$out" "^backend +wrapped +command line --backend" "the command line as origin"
run env SOLDR_AUDIT=verbose "$SOLDR" config show
like "$out" "^audit.mode +verbose +environment SOLDR_AUDIT" "the environment as origin"
run "$SOLDR" config path
is "$out" "$config" "config path"
json_ok "config path --json" "$SOLDR" config path --json
run env XDG_CONFIG_HOME="$T/none" "$SOLDR" config path
is "$out" "$T/none/soldr/soldr.yaml" "config path without a file: where it would be"
run "$SOLDR" config check
is "$status" 0 "config check"
like "$out" "^warning: backend acme" "an unselected backend that does not load is a warning"
run "$SOLDR" --backend acme config check
is "$status" 1 "the selected one is an error"
printf 'version: 1\nbakend: null\n' >bad.yaml
run "$SOLDR" config check bad.yaml
is "$status" 1 "config check FILE of a bad one: 1"
like "$out" "^error: .*bad.yaml:2:1: bakend: .*backend" "file, line, column, key and the nearest key"
json_ok "config check --json" "$SOLDR" config check --json bad.yaml
is "$(json doc.json ok)" false "and it says not ok"
printf 'version: 1\nbackend: one\nbackends:\n  one: {plugin: null, options: {colour: red}}\n' >bad.yaml
run "$SOLDR" config check bad.yaml
is "$status" 1 "an option that the plugin does not declare: 1"
like "$out" "colour" "with its name"
if [ -e "$(dirname "$SOLDR")/../share/soldr/soldr.schema.json" ] || [ -e "$(dirname "$SOLDR")/../../config/soldr.schema.json" ]; then
	run "$SOLDR" config schema
	printf '%s\n' "$out" >doc.json
	ok "config schema is JSON" python3 -m json.tool doc.json
else
	run "$SOLDR" config schema
	is "$status" 111 "config schema without the file: 111"
fi
run "$SOLDR" --config bad2.yaml stats
is "$status" 111 "a verb with a config that does not exist: 111"

# cache
printf 'version: 1\nbackend: null\n' >"$config"
run "$SOLDR" cache path
is "$out" "$T/cache" "cache path"
json_ok "cache path --json" "$SOLDR" cache path --json
json_ok "cache size --json" "$SOLDR" cache size --json
if "$SOLDR" --backend embedded config check >/dev/null 2>&1; then
	"$SOLDR" --backend embedded gcc -c x.c
	for action in size verify evict clear; do
		json_ok "cache $action --json" "$SOLDR" --backend embedded cache $action --json
		is "$status" 0 "cache $action: exit status"
	done
	run "$SOLDR" --backend embedded cache clear
	like "$out" '^clear: [0-9,]+ of [0-9,]+ files removed' "cache clear in words"
	run "$SOLDR" --backend embedded cache size
	like "$out" '^[0-9.]+ [KMG]?i?B in 0 entries' "cache size in words"
else
	skip "cache actions" "the embedded backend does not load"
fi

# doctor
json_ok "doctor --json" "$SOLDR" doctor --json
is "$status" 0 "doctor: all is well"
is "$(json doc.json ok)" true "doctor: ok"
run env SOLDR_BAKEND=null "$SOLDR" doctor
is "$status" 1 "doctor: an unknown variable is wrong"
like "$out" "^wrong +environment +SOLDR_BAKEND .*did you mean SOLDR_BACKEND" "doctor: the nearest variable"
mkdir open && chmod 777 open
run env SOLDR_CACHE_DIR="$T/open" "$SOLDR" doctor
is "$status" 1 "doctor: a cache root that others can write is wrong"
like "$out" "^wrong +cache .*$T/open" "doctor: and is named"
run "$SOLDR" --config bad.yaml doctor
is "$status" 1 "doctor: a backend with a wrong option"
ln -s "$SOLDR" soldr-link
run env RUSTC_WRAPPER="$T/soldr-link" CMAKE_C_COMPILER_LAUNCHER=/bin/true "$SOLDR" doctor
like "$out" "^ok +wrapper +RUSTC_WRAPPER is soldr" "doctor: RUSTC_WRAPPER is soldr"
like "$out" "^note +wrapper +CMAKE_C_COMPILER_LAUNCHER=/bin/true" "doctor: another launcher"
run env RUSTC_WRAPPER=/bin/true "$SOLDR" doctor
like "$out" "^note +wrapper +RUSTC_WRAPPER gives cargo the wrapper true: .* put soldr behind it, and a cargo" "doctor: cargo's wrapper in the environment"
run env RUSTC_WRAPPER=/bin/true RUSTC=/bin/false "$SOLDR" doctor
like "$out" "^note +wrapper +cargo has a wrapper \(RUSTC_WRAPPER\) and a rustc of its own \(RUSTC\)" "doctor: cargo's wrapper and rustc"
mkdir -p cargo/.cargo cargo/sub cargo/bin
printf '#!/bin/sh\nexit 0\n' >cargo/bin/sccache
cp cargo/bin/sccache cargo/bin/rustc
chmod +x cargo/bin/*
printf '[build] # of the team\nrustc-wrapper = "bin/sccache"\n' >cargo/.cargo/config.toml
cd cargo/sub || exit 1
run "$SOLDR" doctor
like "$out" "^note +wrapper +$T/cargo/.cargo/config.toml gives cargo the wrapper sccache: .* behind it, so each compile passes two caches" \
	"doctor: cargo's wrapper in a file above"
printf 'include = [\n\t{ path = "self.toml" }, "config.toml", # both\n]\n' >../.cargo/config.toml
printf '[build]\nrustc-wrapper = "bin/sccache"\n' >../.cargo/self.toml
run "$SOLDR" doctor
like "$out" "^note +wrapper +$T/cargo/.cargo/self.toml gives cargo the wrapper sccache" "doctor: in an included file, and no end to a file that includes itself"
run env RUSTC_WRAPPER= "$SOLDR" doctor
unlike "$out" "^[a-z]+ +wrapper" "doctor: taken back by an empty variable"
printf 'build = { rustc-workspace-wrapper = "absent" }\n' >../.cargo/config.toml
run "$SOLDR" doctor
is "$status" 1 "doctor: a wrapper that is not there"
like "$out" "^wrong +wrapper +$T/cargo/.cargo/config.toml: absent: no such program" "doctor: and is named"
printf '# rustc-wrapper = "x"\n[alias]\nw = "build --features rustc-wrapper"\n' >../.cargo/config.toml
run env PATH="$T/cargo/bin:$PATH" "$SOLDR" --backend embedded doctor
unlike "$out" "^[a-z]+ +wrapper" "doctor: the words in a comment or a string are no wrapper"
like "$out" "^note +rust +a procedural macro .* rust.extra_inputs and rust.key_env, set rust.package_tree: true" "doctor: what macros read in secret"
printf 'backend: mine\nbackends: {mine: {plugin: embedded, options: {rust: {package_tree: yes}}}}\n' >../declared.yaml
run env PATH="$T/cargo/bin:$PATH" "$SOLDR" --config ../declared.yaml doctor
like "$out" "^ok +backend +mine \\(selected\\)" "doctor: a section of the embedded plugin"
unlike "$out" "^note +rust" "doctor: no word where it is declared"
cd "$T" || exit 1
mkdir masquerade
printf '#!/bin/sh\nexit 0\n' >masquerade/ccache
chmod +x masquerade/ccache
ln -s ccache masquerade/gcc
run env PATH="$T/masquerade:$PATH" "$SOLDR" doctor
like "$out" "^note +compiler +gcc is $T/masquerade/gcc, which is ccache" "doctor: gcc is ccache"

# Output that nobody can take
run sh -c '"$1" help >/dev/full' sh "$SOLDR"
is "$status" 1 "a full disk behind stdout is said: exit status"
like "$err" "cannot write to standard output: No space" "a full disk behind stdout is said: message"
run sh -c '"$1" version >&-' sh "$SOLDR"
is "$status" 1 "c29: a verb whose stdout is closed does not pretend to have answered"
run perl -e '$SIG{PIPE} = "IGNORE"; pipe(my $r, my $w); close $r; open STDOUT, ">&", $w; exec @ARGV' "$SOLDR" help
is "$status/$err" "0/" "a reader that went away is no error"

# A file's name may hold what a terminal would obey.
name=$(printf 'a\033[2Jb\nc\302\233d')
run "$SOLDR" --config "$T/$name" stats
is "$status" 111 "a config file that is not there"
is "$(printf '%s' "$err" | LC_ALL=C tr -d ' -~')" "" "no control character of its name is printed"
like "$err" 'a.x1b.2Jb.x0ac.xc2.x9bd' "they are spelled instead"

done_testing
