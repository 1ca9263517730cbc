#!/bin/sh
# The page of `soldr audit export --format html` in a real browser: on a phone, on a desk, on paper.
. "$(dirname "$0")/lib.sh"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$browser" ] || ! timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$T/profile" --dump-dom about:blank >/dev/null 2>&1; then
	skip "the page in a browser" "no chromium that runs"
	done_testing
fi
page() { # measure|look|print PAGE …
	what=$1 file=$T/$2
	shift 2
	python3 "$lib_dir/page.py" "$what" "$browser" "$file" "$@"
}

python3 "$lib_dir/audit_runs.py" write small 300
python3 "$lib_dir/audit_runs.py" hostile bad
for run in small bad; do
	run "$SOLDR" audit export $run --format html --output $run.html
	is "$status" 0 "$run.html is written"
done

# Width, title, width again, what can be scrolled to, marks in the timeline, and whether each has a size.
run page measure small.html 360 720 900 1280
for width in 360 720 900 1280; do
	like "$out" "^$width soldr: run small $width $width 300 true\$" "$width px: as wide as the window, 300 marks in the timeline"
done
run page measure bad.html 360 1280
for width in 360 1280; do
	like "$out" "^$width soldr: run bad $width $width 10 true\$" "$width px: hostile names change nothing of it"
done

# Thousandths of the pixels that are no background, and of the colour of misses.
for width in 360 1280; do
	page look small.html $width "$T/$width.png" >look.txt
	ok "$width px: something is to be seen, and the timeline has its misses" \
		python3 -c 'import sys; wide, seen, misses, _ = map(int, sys.argv[2:]); sys.exit(not (wide == int(sys.argv[1]) and seen > 100 and misses > 10))' \
		$width $(cat look.txt)
done
pages=$(page print small.html "$T/small.pdf")
ok "on paper it has two to four pages (got $pages)" test "${pages:-0}" -ge 2 -a "${pages:-0}" -le 4

# That these can fail: a page that is too wide, and one that is blank.
sed 's/^body{/body{min-width:500px;/' small.html >wide.html
is "$(page measure wide.html 360)" "360 soldr: run small 360 500 300 true" "a page that is too wide is found out"
sed 's/^body{/body{visibility:hidden;/' small.html >blank.html
is "$(page look blank.html 360 "$T/blank.png")" "360 0 0 0" "so is a blank one"

done_testing
