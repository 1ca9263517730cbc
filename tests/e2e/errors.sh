# errors.sh: what the lines of errors.list have at hand. Each line runs in an empty directory, HOME, config and cache below it.

soldr() { "$SOLDR" "$@"; }

# faulty FAULT ARGS…: soldr with a fault as tests/fault/faulty.c has them; "-" for none. It also writes down what it only thinks.
faulty() {
	faulty_fault=$1
	shift
	[ "$faulty_fault" = - ] && faulty_fault='any:1000000:EIO'
	FAULT=$faulty_fault "$FAULTY" "$@"
}

# sweep CALL ERROR LAST ARGS…: the first call of it fails, then the second, … until the message is said.
sweep() {
	sweep_call=$1 sweep_error=$2 sweep_last=$3 sweep_n=0
	shift 3
	while sweep_n=$((sweep_n + 1)) && [ "$sweep_n" -le "$sweep_last" ]; do
		faulty "$sweep_call:$sweep_n:$sweep_error" "$@" >>"$OUT.sweep" 2>&1
		grep -qsx "$ID" "$SOLDR_TEST_IDS" && break
		grep -qsF "[$ID]" "$OUT.sweep" && break
	done
	tail -n 20 "$OUT.sweep"
}

conf() { printf '%s\n' "$1" >"$XDG_CONFIG_HOME/soldr/soldr.yaml"; }
project() { printf '%s\n' "$1" >.soldr.yaml; }

# A backend of tests/abi/fixtures, with options as YAML.
backend() { conf "{backend: theirs, backends: {theirs: {plugin: $FIXTURES/$1.so, options: {${2-}}}}}"; }

settle() {
	: >.tick
	while : >.tock && [ -z "$(find .tock -newer .tick)" ]; do :; done
}

# A source, and two compiles of it: a miss and a hit.
built() {
	printf 'int f(void) { return 1; }\n' >a.c
	settle
	"$SOLDR" gcc -c a.c
	"$SOLDR" gcc -c a.c
}

# limited MOST ARGS…: with ever more descriptors, until the message is said.
limited() {
	limited_n=3 limited_most=$1
	shift
	while limited_n=$((limited_n + 1)) && [ "$limited_n" -le "$limited_most" ]; do
		(ulimit -n "$limited_n" && exec "$SOLDR" "$@") >>"$OUT.sweep" 2>&1
		grep -qsF "[$ID]" "$OUT.sweep" && break
	done
	tail -n 20 "$OUT.sweep"
}

stored() { find "$SOLDR_CACHE_DIR" -path "*$1*" -type f -size +0; }
# Writes over a byte of each file in a directory of the store, or over all of it.
damage() { stored "$1" | while read -r f; do printf x | dd of="$f" bs=1 seek="${2:-90}" conv=notrunc 2>/dev/null; done; }
foreign() { stored "$1" | while read -r f; do seq 100 >"$f"; done; }

# The newest entry of the store; and an entry that gets the content of another, with key and checksum right (docs/formats.md).
entry() { find "$SOLDR_CACHE_DIR/embedded" -name '*.e' -exec ls -t {} + | head -n 1; }
plant() {
	python3 -c 'import hashlib, sys
to = open(sys.argv[2], "rb").read()[:44]
body = open(sys.argv[1], "rb").read()[76:]
open(sys.argv[2], "wb").write(to + hashlib.sha256(to + body).digest() + body)' "$1" "$2"
}
