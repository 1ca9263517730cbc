# snippets.sh: runs the blocks of a document that open with "sh test". Source it after lib.sh.
#
#	snippets PAGE    one test for each block: it comes to its end
#
# Blocks of a page build on one another, so one shell runs them all, in order, in a directory of the page's own with its
# own cache, and marks those that came to their end. Words after "sh test" are programs without which a block is skipped.
# $PATH has to have soldr. Between blocks the file system's clock ticks: soldr stores no result whose inputs changed as
# the compile began.

snippets() {
	snip_name=$(basename "$1" .md)
	snip=$T/snippets-$snip_name
	mkdir "$snip" "$snip/place" || exit 1
	awk -v dir="$snip" '
		/^```sh test/ { n++; file = sprintf("%s/%02d", dir, n); print substr($0, 12) >(file ".needs"); inside = 1; next }
		/^```/ { inside = 0 }
		inside { print >(file ".sh") }' "$1"
	cat >"$snip/all.sh" <<END
set -eu
settle() {
	touch '$T/.tick'
	settle_from=\$(stat -c %z '$T/.tick')
	while touch '$T/.tick' && [ "\$(stat -c %z '$T/.tick')" = "\$settle_from" ]; do :; done
}
cd '$snip/place'
END
	for snip_needs in "$snip"/[0-9]*.needs; do
		if [ ! -e "$snip_needs" ]; then
			lib_result 1 "$snip_name has snippets to test"
			return
		fi
		snip_block=${snip_needs%.needs}
		for snip_program in $(cat "$snip_needs"); do
			command -v "$snip_program" >/dev/null && continue
			skip "$snip_name snippet $(basename "$snip_block")" "no $snip_program"
			rm -f "$snip_block.sh"
			break
		done
		[ -e "$snip_block.sh" ] && { cat "$snip_block.sh"; echo ": >'$snip_block.done'; settle"; } >>"$snip/all.sh"
	done
	run env SOLDR_CACHE_DIR="$snip/cache" sh "$snip/all.sh" </dev/null
	[ "$status" = 0 ] || lib_note "the snippets of $snip_name said" "$out$err"
	for snip_script in "$snip"/[0-9]*.sh; do
		snip_block=${snip_script%.sh}
		ok "$snip_name snippet $(basename "$snip_block"): $(head -n 1 "$snip_script" | tr -d "\\\\")" test -e "$snip_block.done"
	done
}
