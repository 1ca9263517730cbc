#!/bin/sh
# Who may tell soldr what: docs/threat-model.md. A file that somebody else could have changed is not believed and nothing
# in it runs; a project's file chooses nothing; what lies in the store leads nowhere.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
fixtures=${SOLDR_TEST_FIXTURES:-$root/build/tests/fixtures}
cache=$SOLDR_CACHE_DIR
export SOLDR_TEST_MARKER="$T/marker"

echo 'int f(int a) { return a * 3; }' >x.c
gcc -g -O2 -c x.c -o want.o
settle
refuses() { # NAME ERE CMD…: 111, with a sentence; nothing of a plugin ran
	refuses_name=$1 refuses_ere=$2
	shift 2
	run "$@"
	is "$status" 111 "$refuses_name: 111"
	like "$err" "^soldr: .*$refuses_ere" "$refuses_name: says why"
	ok "$refuses_name: nothing ran" test ! -e marker
}

# ---- the config file, its directories, and links to it ---------------------------------------

# The plugin leaves a mark as soon as it is loaded.
cp "$fixtures/runs_at_load.so" "$T/plugin.so"
mkdir -m 755 place
printf 'version: 1\nbackend: acme\nbackends: {acme: {plugin: %s/plugin.so}}\n' "$T" >place/soldr.yaml
run "$SOLDR" --config place/soldr.yaml gcc -c x.c -o x.o
ok "(the plugin of the config file runs when all is well)" test -e marker
rm -f marker x.o

each_way() { # NAME ERE FILE: by option, by variable
	refuses "s09: $1, by --config" "$2" "$SOLDR" --config "$3" gcc -c x.c -o x.o
	refuses "s09: $1, by SOLDR_CONFIG" "$2" env SOLDR_CONFIG="$3" "$SOLDR" gcc -c x.c -o x.o
}
chmod 664 place/soldr.yaml
each_way "a config file that the group may write" "place/soldr.yaml can be written by other users.*chmod go-w" "$T/place/soldr.yaml"
chmod 644 place/soldr.yaml
chmod 777 place
each_way "a config file in a directory that anyone may write" "place can be written by other users" "$T/place/soldr.yaml"
chmod 755 place
mkdir -m 777 open && chmod 777 open && ln -s "$T/open/soldr.yaml" linked.yaml && cp place/soldr.yaml open/
each_way "a link into a directory that anyone may write" "open can be written by other users" "$T/linked.yaml"
mkdir -p "$XDG_CONFIG_HOME/soldr" && cp place/soldr.yaml "$XDG_CONFIG_HOME/soldr/" && chmod 666 "$XDG_CONFIG_HOME/soldr/soldr.yaml"
refuses "s09: the user's own config file, writable by all" "can be written by other users" "$SOLDR" gcc -c x.c -o x.o
drop "$XDG_CONFIG_HOME/soldr/soldr.yaml"
chmod 777 place
printf 'version: 1\nbackend: acme\nbackends: {acme: {plugin: %s/place/plugin.so}}\n' "$T" >good.yaml
printf 'version: 1\nbackend: acme\nbackends: {acme: {plugin: plugin}}\n' >named.yaml
cp plugin.so place/
refuses "s08: a plugin in a directory that anyone may write" "place can be written by other users" \
	"$SOLDR" --config good.yaml gcc -c x.c -o x.o
refuses "s08: the same, found by plugin_path" "place can be written by other users" env SOLDR_PLUGIN_PATH="$T/place" \
	"$SOLDR" --config named.yaml gcc -c x.c -o x.o
chmod 755 place
if [ "$(id -u)" = 0 ]; then
	chown 65534 place/soldr.yaml
	each_way "another user's config file" "owned by user 65534" "$T/place/soldr.yaml"
	chown 0 place/soldr.yaml
	chown 65534 place
	each_way "a config file in another user's directory" "owned by user 65534" "$T/place/soldr.yaml"
	chown 0 place
else
	skip "s09: another user's files" "only root can give files away"
fi

# ---- what is no config file: refused without reading it -------------------------------------------

mkdir -p work/.git && cp x.c work/
odd() { # WHAT FILE: puts it there
	drop "$2"
	case $1 in
	directory) mkdir "$2" ;;
	FIFO) mkfifo "$2" ;;
	"/dev/zero") ln -s /dev/zero "$2" ;;
	"100 MB") truncate -s 100M "$2" ;;
	"NUL bytes") printf 'version: 1\n\0\0\0\n' >"$2" ;;
	"anchor bomb") (
		echo 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
		for n in 1 2 3 4 5 6 7 8 9; do
			p=*a$((n - 1))
			echo "a$n: &a$n [$p, $p, $p, $p, $p, $p, $p, $p, $p]"
		done
	) >"$2" ;;
	esac
}
for what in directory FIFO /dev/zero "100 MB" "NUL bytes" "anchor bomb"; do
	for place in "$T/odd.yaml" "$T/work/.soldr.yaml"; do
		odd "$what" "$place"
		cd work || exit 1
		# The clock only ends what would never end; what is asserted is the processor's time and the bytes.
		run timeout 60 sh -c 'ulimit -t 1 && ulimit -v 500000 && exec "$@"' sh "$SOLDR" --config "$T/odd.yaml" gcc -c x.c -o x.o
		[ -n "$SOLDR_TEST_SAN" ] && run timeout 60 "$SOLDR" --config "$T/odd.yaml" gcc -c x.c -o x.o
		cd "$T" || exit 1
		is "$status" 111 "s07: $(basename "$place") is a $what: 111 within a second of the processor"
		like "$err" "^soldr: .*$place" "s07: $(basename "$place") is a $what: named"
		is "$(printf '%s\n' "$err" | wc -l)" 1 "s07: $(basename "$place") is a $what: in one line"
		if command -v strace >/dev/null && [ -z "$SOLDR_TEST_SAN" ]; then
			(cd work && timeout 60 strace -f -qq -y -e trace=read,pread64,readv -o "$T/trace" "$SOLDR" --config "$T/odd.yaml" gcc -c x.c >/dev/null 2>&1)
			is "$(sed -n 's,.*\(odd.yaml\|soldr.yaml\|/dev/zero\).*= \([0-9]*\)$,\2,p' trace | awk '{ n += $1 } END { print (n <= 1048577) }')" 1 \
				"s07: $(basename "$place") is a $what: at most a mebibyte of it is read"
		fi
		drop "$T/odd.yaml" "$T/work/.soldr.yaml"
		: >odd.yaml
	done
done

# ---- a project's file: it chooses nothing ------------------------------------------------------------

cd work || exit 1
cp "$lib_dir/../../config/soldr.schema.json" schema.json
python3 - schema.json >rows <<'END'
import json, sys
def walk(path, node):
    for key, value in node.get("properties", {}).items():
        if value.get("properties"):
            walk(path + [key], value)
        else:
            text = json.dumps(value)
            sample = "[/tmp]" if '"array"' in text else "{a: {plugin: /tmp/x.so}}" if '"object"' in text else (
                [v for v in value.get("enum", []) if isinstance(v, str)] + ["1"])[0]
            print(".".join(path + [key]), " ".join("%s: {" % p for p in path) + " %s: %s " % (key, sample) + "}" * len(path), sep="|")
walk([], json.load(open(sys.argv[1])))
END
ok "there are keys" test "$(wc -l <rows)" -ge 20
"$SOLDR" config show --json >before.json
while IFS='|' read -r key text; do
	echo "$text" >.soldr.yaml
	run "$SOLDR" gcc -c x.c -o x.o
	case $key in
	version | audit.mode) is "$status" 0 "a project file may say $key" ;;
	*)
		is "$status" 111 "a project file may not say $key"
		like "$err" ".soldr.yaml:1:[0-9]+: ${key%%.*}[a-z_.]*: a project file may not set this" "and is told so: $key"
		;;
	esac
done <rows
rm .soldr.yaml
printf 'audit: {mode: off}\n' >.soldr.yaml
"$SOLDR" config show --json >after.json
is "$(python3 -c '
import json
a, b = (json.load(open(n)) for n in ("before.json", "after.json"))
flat = lambda d: {(s.get("key") or s.get("name")): s.get("value") for s in d["settings"]} if isinstance(d.get("settings"), list) else d.get("settings", d)
x, y = flat(a), flat(b)
print(" ".join(sorted(k for k in y if x.get(k) != y[k] and k != "project_file")))')" "audit.mode" "what it may say changes that alone"
chmod 666 .soldr.yaml
run "$SOLDR" gcc -c x.c -o x.o
is "$status" 111 "s09: a project file that anyone may write is not believed"
drop "$T/work/.soldr.yaml"
cd "$T" || exit 1

# ---- the directory of compiler links --------------------------------------------------------------------

drop "$cache"
printf 'all:\n\tgcc -c x.c -o x.o\n' >Makefile
run "$SOLDR" make -s
shims=$(find "$cache/shims" -mindepth 1 -maxdepth 1 -type d)
ok "there are links" test -L "$shims/gcc"
for spoilt in "$shims" "$cache/shims" "$cache"; do
	chmod 777 "$spoilt"
	printf '#!/bin/sh\n: >%s\n' "$T/marker" >"$shims/gcc.planted"
	chmod 755 "$shims/gcc.planted"
	mv "$shims/gcc.planted" "$shims/gcc"
	run "$SOLDR" make -s
	ok "s09: with $(basename "$spoilt") open to all, a program planted among the links does not run" test ! -e marker
	ok "s09: and the build goes on" test -e x.o
	chmod 700 "$spoilt"
	rm -f x.o
	run "$SOLDR" make -s
	ok "s09: closed again, the planted one is replaced" test -L "$shims/gcc"
	rm -f x.o marker
done

# ---- the store: links in it lead nowhere -------------------------------------------------------------------

drop "$cache"
settle
run "$SOLDR" gcc -g -O2 -c x.c -o x.o
run "$SOLDR" gcc -g -O2 -c x.c -o x.o
echo precious >victim
cp victim victim.want
planted() { # FILE: a link to the victim in its place
	rm -f "$1"
	ln -s "$T/victim" "$1"
}
# Everything that soldr keeps, but for the runs' and compilers' directories, whose files are named by content.
for kept in $(find "$cache" -type f | sort); do
	planted "$kept"
	rm -f x.o
	run "$SOLDR" gcc -g -O2 -c x.c -o x.o
	name=$(echo "$kept" | sed "s|$cache/||; s|[0-9a-f]\{20,\}|…|; s|/[0-9a-f][0-9a-f]/|/XX/|; s|day-[0-9]*|DAY|")
	is "$status $(cmp x.o want.o 2>&1)" "0 " "s09: a link planted as $name: the compile is right"
	is "$(cat victim)" precious "s09: a link planted as $name: what it leads to stays"
	[ -L "$kept" ] && rm "$kept"
done
# A directory of the store that leads somewhere else is somebody's mistake or attack.
mkdir elsewhere
for dir in embedded runs counters; do
	drop "$cache/$dir"
	mkdir -p "$cache" && ln -s "$T/elsewhere" "$cache/$dir"
	rm -f x.o
	run "$SOLDR" gcc -g -O2 -c x.c -o x.o
	is "$status $(cmp x.o want.o 2>&1)" "0 " "s09: $dir is a link: the compile is right"
	rm "$cache/$dir"
done

# The output is a link that somebody planted: as the compiler.
drop "$cache"
plant_output() {
	rm -f out.o
	echo old >target.o
	ln -s target.o out.o
}
look() {
	echo "$(readlink out.o) $(cksum <out.o) $(cksum <target.o)"
}
plant_output
gcc -g -O2 -c x.c -o out.o
bare=$(look)
for turn in 1 2 3; do
	plant_output
	run "$SOLDR" gcc -g -O2 -c x.c -o out.o
	is "$status $(look)" "0 $bare" "c28: an output that is a link, time $turn: as the compiler"
done

done_testing
