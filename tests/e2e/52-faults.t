#!/bin/sh
# What goes wrong around soldr, and what a build sees of it: a mistake in the
# config is said with its place, every other fault runs the compiler.
. "$(dirname "$0")/lib.sh"

root=$(cd "$lib_dir/../.." && pwd)
fixtures=${SOLDR_TEST_FIXTURES:-$root/build/tests/fixtures}
cache=$SOLDR_CACHE_DIR
config=$T/soldr.yaml

for n in 1 2 3 4 5 6 7 8 9 10; do echo "int f$n(int a) { return a * $n; }" >$n.c; done
for n in 1 2 3 4 5 6 7 8 9 10; do gcc -g -O2 -c $n.c -o $n.want; done
settle

policies="fallback fail"
policy() { # fallback|fail [MORE LINES]
	printf 'version: 1\non_error: %s\n%s' "$1" "${2:-}" >"$config"
}
compile() { # N: compiles N.c to N.o through soldr
	rm -f "$1.o"
	run timeout 60 "$SOLDR" --config "$config" gcc -g -O2 -c "$1.c" -o "$1.o"
}
right() { # N NAME: and N.o is what the compiler gives
	compile "$1"
	is "$status" 0 "$2: exit status"
	ok "$2: object" cmp "$1.o" "$1.want"
}
refused() { # N NAME ERE: 111, one line that matches, no object
	compile "$1"
	is "$status" 111 "$2: 111"
	like "$err" "^soldr: .*$3" "$2: says why"
	ok "$2: no object" test ! -e "$1.o"
}
counted() { # COUNTER [REASON]
	"$SOLDR" --config "$config" stats --json >stats.json 2>&1 && json stats.json "$@" 2>/dev/null || echo 0
}

# ---- mistakes in the config: an error whatever on_error says ---------------------------

mistake() { # NAME LINE:COLUMN KEY MEND TEXT
	for p in $policies; do
		case $5 in
		version*) printf "on_error: $p\n$5" >"$config" ;;
		*) printf "version: 1\non_error: $p\n$5" >"$config" ;;
		esac
		rm -f 1.o
		run timeout 1 "$SOLDR" --config "$config" gcc -c 1.c -o 1.o
		is "$status" 111 "config: $1: 111 under $p"
		is "$(printf '%s\n' "$err" | wc -l)" 1 "config: $1: one line"
		like "$err" "^soldr: $config:$2: $3.*; .*($4)" "config: $1: place, key and mend"
		ok "config: $1: nothing was compiled" test ! -e 1.o
	done
}
mistake "no YAML" 4:1 "not valid YAML" "correct the line" 'backend: {embedded\n'
mistake "unknown key" 3:1 bakend 'config schema|did you mean "backend"' 'bakend: null\n'
mistake "value for a map" 3:1 audit "below it go" 'audit: loud\n'
mistake "value that is none of the choices" 4:3 audit.mode "use off, summary" 'audit:\n  mode: loud\n'
mistake "unknown word" 4:3 limits.max_parallel_compiles "write one" 'limits:\n  max_parallel_compiles: many\n'
mistake "key set twice" 4:1 backend "remove one" 'backend: embedded\nbackend: wrapped\n'
mistake "unknown backend" 3:1 backend "add a section|did you mean .embedded" 'backend: embeded\n'
mistake "backend without a plugin" 4:3 backends.acme "add .plugin" 'backends:\n  acme: {}\nbackend: acme\n'
mistake "version of another soldr" 2:1 version "write version: 1" 'version: 2\n'
mistake "anchor" 3:8 "not allowed" "write the value out" 'audit: &a {mode: off}\n'
mistake "tab" 4:1 "a tab" "indent with spaces" 'audit:\n\tmode: off\n'
mistake "two documents" 3:1 "a second document" "has one" '---\nversion: 1\n'
printf 'version: 1\non_error: sometimes\n' >"$config"
refused 1 "config: on_error itself" "$config:2:1: on_error: \"sometimes\".*; use fallback or fail"
for what in directory FIFO /dev/zero; do
	drop "$config"
	case $what in
	directory) mkdir "$config" ;;
	FIFO) mkfifo "$config" ;;
	*) ln -s /dev/zero "$config" ;;
	esac
	run timeout 1 "$SOLDR" --config "$config" gcc -c 1.c -o 1.o
	is "$status" 111 "s07: config is a $what: 111, at once"
	like "$err" "^soldr: .*$config" "s07: and it is named"
	drop "$config"
done

# ---- options and plugins: an error, but for on_error: fallback ----------------------------

# The compile runs bare and is counted where the config says so, else 111 with a sentence.
plugin_fault() { # NAME ERE YAML
	printf "version: 1\n$3" >"$config"
	refused 1 "$1, on_error not said" "$2"
	policy fail "$(printf "$3")"
	refused 1 "$1, on_error: fail" "$2"
	drop "$cache"
	policy fallback "$(printf "$3")"
	right 1 "$1, on_error: fallback"
	is "$(counted reasons plugin_refused)" 1 "$1, on_error: fallback: counted"
	like "$(cat "$cache/logs/soldr.log" 2>/dev/null)" "$2" "$1, on_error: fallback: logged"
}
acme='backend: acme\nbackends:\n  acme: {plugin: '
plugin_fault "unknown option" "[345]:[0-9]+: backends.embedded.options.max_sise: .*max_size" \
	'backends:\n  embedded: {options: {max_sise: 1GiB}}\n'
plugin_fault "option out of range" "compression.level: .99. is out of range; use 1 to 19" \
	'backends:\n  embedded: {options: {compression: {level: 99}}}\n'
plugin_fault "no such size" "max_size: .20 parrots. is not a size" 'backends:\n  embedded: {options: {max_size: 20 parrots}}\n'
plugin_fault "missing plugin" "[345]:3: backends.acme.plugin: no plugin file .*install it" "$acme$T/absent.so}\n"
plugin_fault "missing plugin, by name" "no plugin .absent.: looked for absent.so in" "${acme}absent}\n"
echo "no shared object" >text.so
plugin_fault "plugin that is text" "text.so" "$acme$T/text.so}\n"
: >empty.so
plugin_fault "plugin that is empty" "empty.so" "$acme$T/empty.so}\n"
head -c 4000 "$(dirname "$SOLDR")/../lib/soldr/null.so" >torn.so
plugin_fault "plugin cut short" "torn.so" "$acme$T/torn.so}\n"
if [ -e "$fixtures/wrong_major.so" ]; then
	plugin_fault "plugin of ABI 2" "ABI 2.0.*install" "$acme$fixtures/wrong_major.so}\n"
	plugin_fault "plugin without the symbol" "does not export soldr_backend_v1" "$acme$fixtures/no_symbol.so}\n"
	plugin_fault "plugin without open" "open\(\) is NULL" "$acme$fixtures/no_open.so}\n"
	plugin_fault "plugin with a short table" "struct_size" "$acme$fixtures/size_too_small.so}\n"
	plugin_fault "cap without its function" "NULL" "$acme$fixtures/cap_without_function.so}\n"
	cp "$fixtures/runs_at_load.so" writable.so
	chmod 666 writable.so
	SOLDR_TEST_MARKER=$T/marker
	export SOLDR_TEST_MARKER
	plugin_fault "s08: plugin that others may write" "writable.so.*(write|chmod)" "$acme$T/writable.so}\n"
	ok "s08: none of its code ran" test ! -e marker
	if [ "$(id -u)" = 0 ]; then
		cp "$fixtures/runs_at_load.so" foreign.so
		chown 65534 foreign.so
		plugin_fault "s08: plugin of another user" "foreign.so.*own" "$acme$T/foreign.so}\n"
		ok "s08: none of its code ran either" test ! -e marker
	else
		skip "s08: plugin of another user" "not root"
	fi
	unset SOLDR_TEST_MARKER

	# A backend that fails later: at open, or at a request.
	for fault in open_fails=backend_open_failed compile_errors=backend_error emits_then_errors=backend_error \
		result_garbage=backend_error; do
		name=${fault%%=*}
		drop "$cache"
		policy fallback "$(printf "$acme$fixtures/$name.so}\n")"
		right 1 "$name under fallback"
		is "$out$err" "" "$name under fallback: nothing is on stdout or stderr"
		is "$(counted reasons "${fault#*=}")" 1 "$name under fallback: counted"
		[ $name = result_garbage ] && continue # it ran the compiler, whose end stands
		policy fail "$(printf "$acme$fixtures/$name.so}\n")"
		refused 1 "$name under fail" .
	done
else
	skip "broken plugins" "no fixtures at $fixtures"
fi

# ---- the cache directory ------------------------------------------------------------------

# A root that cannot be used: bare compiles, or 111.
root_fault() { # NAME ERE PREFIX…: the prefix runs soldr
	root_name=$1
	root_ere=$2
	shift 2
	for p in "" fallback; do
		printf 'version: 1\n%s\n' "${p:+on_error: $p}" >"$config"
		rm -f 1.o
		run "$@" timeout 60 "$SOLDR" --config "$config" gcc -g -O2 -c 1.c -o 1.o
		is "$status/$err" "0/" "s03: $root_name: ${p:-default}: exit status, and nothing is said"
		ok "s03: $root_name: ${p:-default}: object" cmp 1.o 1.want
	done
	policy fail
	rm -f 1.o
	run "$@" timeout 60 "$SOLDR" --config "$config" gcc -g -O2 -c 1.c -o 1.o
	is "$status" 111 "s03: $root_name: fail: 111"
	like "$err" "^soldr: .*$root_ere" "s03: $root_name: fail: says where"
	ok "s03: $root_name: fail: no object" test ! -e 1.o
}
drop "$cache"
: >"$cache"
root_fault "the cache root is a file" "$cache"
drop "$cache"
mkdir -m 777 "$cache"
chmod 777 "$cache"
root_fault "s09: anyone may write the cache root" "$cache"
is "$(ls -A "$cache")" "" "s09: nothing was put there"
drop "$cache"
mkdir real && ln -s real "$cache"
root_fault "s09: the cache root is a link" "$cache"
is "$(ls -A real)" "" "s09: nothing was put behind it"
drop "$cache"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 700 "$cache" && chown 65534 "$cache"
	root_fault "s09: the cache root is another user's" "$cache.*own"
	is "$(ls -A "$cache")" "" "s09: nothing was put into his"
	drop "$cache"
	if command -v setpriv >/dev/null && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$SOLDR"; then
		chmod 711 "$T"
		mkdir -m 755 closed user && chown 65534 user && cp 1.c user && cd user || exit 1
		gcc -g -O2 -c 1.c -o 1.want
		chmod 644 "$config"
		root_fault "an ordinary user may not make the cache root" "$T/closed" env SOLDR_CACHE_DIR="$T/closed/root" \
			setpriv --reuid=65534 --regid=65534 --clear-groups
		cd "$T" || exit 1
		chmod 700 "$T"
	else
		skip "an ordinary user" "setpriv is not here, or nobody may run $SOLDR"
	fi
elif mkdir closed && chmod 555 closed; then
	root_fault "the cache root cannot be made" "$T/closed" env SOLDR_CACHE_DIR="$T/closed/root"
	chmod 755 closed
fi

# Deleted in the middle of a build, and then replaced by a file.
cat >Makefile <<'END'
all: $(patsubst %,%.o,1 2 3 4 5 6 7 8 9 10)
%.o: %.c
	gcc -g -O2 -c $< -o $@
	@case $*-$(HARM) in 4-gone|7-gone|4-file) rm -rf "$(ROOT)";; esac
	@case $*-$(HARM) in 4-file) : >"$(ROOT)";; esac
END
for p in $policies; do
	for harm in gone file; do
		[ $p-$harm = fail-file ] && continue # there the next compile says 111, as it should
		drop "$cache"
		policy $p
		rm -f ./*.o
		run "$SOLDR" --config "$config" make ROOT="$cache" HARM=$harm
		is "$status" 0 "s03: the cache root is $harm under a running build, $p"
		ok "s03: $harm, $p: every object" sh -c 'for n in 1 2 3 4 5 6 7 8 9 10; do cmp $n.o $n.want || exit 1; done'
	done
done
drop "$cache"

# ---- the disk ------------------------------------------------------------------------------

# In a mount namespace of our own: a small file system at the cache root, filled in several states.
cat >full.sh <<'END'
state=$1 what=$2
mount -t tmpfs -o size=2m,mode=700,nr_inodes=${3:-0} none "$SOLDR_CACHE_DIR" || exit 77
[ "$what" = used ] && { "$SOLDR" --config "$CONFIG" gcc -g -O2 -c 2.c -o 2.o || exit 1; }
case $state in
disk) dd if=/dev/zero of="$SOLDR_CACHE_DIR/filler" bs=4k 2>/dev/null ;;
inodes) n=0; while touch "$SOLDR_CACHE_DIR/filler.$n"; do n=$((n + 1)); done 2>/dev/null ;;
readonly) mount -o remount,ro "$SOLDR_CACHE_DIR" || exit 77 ;;
esac
"$SOLDR" --config "$CONFIG" gcc -g -O2 -c 1.c -o 1.o
echo "status $?"
[ "$what" = used ] && { "$SOLDR" --config "$CONFIG" gcc -g -O2 -c 2.c -o 2.o; echo "again $?"; }
"$SOLDR" --config "$CONFIG" stats --json >stats.json
exit 0
END
mkdir mnt
if unshare -m mount -t tmpfs none "$T/mnt" 2>/dev/null; then
	export CONFIG="$config" SOLDR
	for state in disk inodes readonly; do
		for what in new used; do
			for p in $policies; do
				name="s03: no room ($state, $what store, $p)"
				mkdir -p -m 700 "$cache"
				policy $p
				rm -f 1.o 2.o
				run timeout 60 unshare -m sh full.sh $state $what $([ $state = inodes ] && echo 40)
				if [ "$status" = 77 ]; then
					skip "$name" "cannot be mounted here"
					continue
				fi
				is "$status" 0 "$name"
				[ $what = used ] && like "$out" "^again 0" "$name: a unit stored before"
				[ $what = used ] && ok "$name: its object" cmp 2.o 2.want
				if [ $p = fail ] && [ ! -e 1.o ]; then
					like "$out" "^status 111" "$name: 111"
					like "$err" "^soldr: .*$cache" "$name: and says where"
					continue
				fi
				like "$out" "^status 0" "$name: the compile"
				ok "$name: object" cmp 1.o 1.want
				[ $what/$state = used/disk ] || continue
				is "$(json stats.json reasons disk_full)" 1 "$name: counted"
				is "$(json stats.json hits)" 1 "$name: what was stored before is a hit"
			done
		done
	done
	drop "$cache"
else
	skip "s03: full disk, no inodes, read-only file system" "no mount namespace may be made here"
fi

# Few descriptors: as without soldr, or better.
policy fallback
for n in 5 6 7 8 10 12 16; do
	want=$( (ulimit -n $n && gcc -g -O2 -c 3.c -o 3.plain) >/dev/null 2>&1 && echo 0 || echo 1)
	rm -f 3.o
	run sh -c "ulimit -n $n && exec \"\$@\"" sh "$SOLDR" --config "$config" gcc -g -O2 -c 3.c -o 3.o
	if [ "$want" = 0 ]; then
		is "$status" 0 "s03: $n descriptors are enough"
		ok "s03: $n descriptors: object" cmp 3.o 3.want
	else
		ok "s03: $n descriptors: no wrong object" sh -c '[ ! -e 3.o ] || cmp 3.o 3.want'
	fi
done

# A limit of file sizes that the object stays below and a file of the store does not.
gcc -O2 -c 4.c -o 4.limit
for n in 3 4 5 6 8 16; do # of 512 or 1024 bytes
	drop "$cache"
	rm -f 4.o
	(ulimit -f $n && gcc -O2 -c 4.c -o 4.o) >/dev/null 2>&1
	[ $? = 0 ] || continue
	rm -f 4.o
	run sh -c "ulimit -f $n && exec \"\$@\"" sh "$SOLDR" --config "$config" gcc -O2 -c 4.c -o 4.o
	is "$status" 0 "s03: a file-size limit of $n blocks"
	ok "s03: a file-size limit of $n blocks: object" cmp 4.o 4.limit
done

# ---- SOLDR_READONLY --------------------------------------------------------------------------

drop "$cache"
policy fail
right 1 "a store is filled"
listing() { find "$cache" -printf '%p %s %T@ %C@\n' | sort; }
settle
listing >before
export SOLDR_READONLY=1
right 1 "read-only: what is stored"
right 2 "read-only: what is not"
unset SOLDR_READONLY
listing >after
ok "read-only: nothing of the cache root was touched" cmp before after
is "$(counted hits) $(counted misses)" "0 1" "read-only: nor counted"

# ---- damaged store files -----------------------------------------------------------------------

flip() { # FILE OFFSET: one bit of one byte
	perl -e 'open my $f, "+<", $ARGV[0] or die; seek $f, $ARGV[1], 0; read $f, my $b, 1; seek $f, $ARGV[1], 0;
		print $f chr(ord($b) ^ 0x10)' "$1" "$2"
}
stored() { # KIND: the one store file of that kind
	find "$cache/embedded" -name "*.$1"
}
harm() { # FILE HOW
	size=$(stat -c %s "$1")
	case $2 in
	first) flip "$1" 0 ;;
	format) flip "$1" 8 ;;
	early) flip "$1" 50 ;;
	middle) flip "$1" $((size / 2)) ;;
	last) flip "$1" $((size - 1)) ;;
	empty) : >"$1" ;;
	half) truncate -s $((size / 2)) "$1" ;;
	short) truncate -s $((size - 1)) "$1" ;;
	long) printf x >>"$1" ;;
	huge) truncate -s 3G "$1" ;;
	esac
}
for p in $policies; do
	policy $p
	for kind in e m; do
		for how in first format early middle last empty half short long huge; do
			case $p-$how in fail-middle | fail-half | fallback-*) ;; *) continue ;; esac
			drop "$cache"
			compile 1
			harm "$(stored $kind)" $how
			right 1 "s02: $kind file, $how, $p"
			is "$(counted hits) $(counted misses) $(counted fallbacks)" "0 2 0" "s02: $kind file, $how, $p: a miss"
			is "$(counted reasons entry_corrupt)" 1 "s02: $kind file, $how, $p: counted"
			compile 1
			is "$status $(counted hits)" "0 1" "s02: $kind file, $how, $p: mended"
		done
	done
done

# Two whole files swapped, and a directory in the place of a file.
policy fallback
for kind in e m; do
	drop "$cache"
	compile 1
	one=$(stored $kind)
	compile 2
	two=$(stored $kind | grep -vF "$one")
	mv "$one" swap && mv "$two" "$one" && mv swap "$two"
	right 1 "s02: $kind files swapped, the first"
	right 2 "s02: $kind files swapped, the second"
	is "$(counted hits) $(counted misses) $(counted reasons entry_corrupt)" "0 4 2" "s02: $kind files swapped: two misses"
	drop "$one"
	mkdir "$one"
	right 1 "s02: a directory in place of a $kind file"
	right 1 "s02: the same again"
done

# Mapped files of another format, or of random bytes.
for file in counters/embedded embedded/v1/size; do
	for how in first empty half random; do
		drop "$cache"
		compile 1
		if [ $how = random ]; then
			head -c "$(stat -c %s "$cache/$file")" /dev/urandom >"$cache/$file"
		else
			harm "$cache/$file" $how
		fi
		right 1 "$file, $how: a stored unit"
		right 2 "$file, $how: a new one"
	done
done

done_testing
