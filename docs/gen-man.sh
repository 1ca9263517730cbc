#!/bin/sh
# Writes a man page to standard output:
#
#	docs/gen-man.sh SOLDR docs/man/soldr.1.in >soldr.1
#
# The source is a page for man(7) with lines of the form "@WHAT@" in it. Such a
# line becomes what the program SOLDR, the reference config, the tables of
# docs/config.md or a public header say, so that no page can drift:
#
#	@version@            anywhere in a line: the version of soldr
#	@verbs@              usage and summary of each verb, and its help
#	@help VERB@          the help of one verb
#	@options@            the options before the verb
#	@environment@        the table of variables of docs/config.md
#	@keys@               every key of config/soldr.yaml, with its comment and default
#	@prototypes HEADER@  the functions of a public header
#	@functions HEADER@   the same one by one, each with its comment
#	@members STRUCT HEADER@, @values ENUM HEADER@
#	                     the functions in a struct, the values of an enum, with their comments
set -eu
soldr=$1
page=$2
root=$(cd "$(dirname "$0")/.." && pwd)
version=$("$soldr" version | sed -n 's/^soldr \([^ ]*\).*/\1/p')

# Functions for all the awk programs below: text for man(7), `words` of Markdown in bold.
awk_text='
function plain(s) {
	gsub(/\\/, "\\\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/…/, "...", s)
	gsub(/–/, "\\(en", s)
	sub(/^[.\x27]/, "\\\\\\&&", s)
	return s
}
function marked(s,   out, n, parts, i) {
	gsub(/\[[^]]*\]\([^)]*\)/, "&", s)
	while (match(s, /\[[^]]*\]\([^)]*\)/)) {
		out = substr(s, RSTART, RLENGTH)
		sub(/^\[/, "", out)
		sub(/\].*/, "", out)
		s = substr(s, 1, RSTART - 1) out substr(s, RSTART + RLENGTH)
	}
	n = split(plain(s), parts, "`")
	out = parts[1]
	for (i = 2; i <= n; i++)
		out = out (i % 2 ? "\\fR" : "\\fB") parts[i]
	return out
}'

# `soldr help VERB`: lists of "  TERM  text", paragraphs, and what follows "Example:".
verb_help() {
	"$soldr" help "$1" | awk "$awk_text"'
	function literal_end() { if (literal) print ".EE\n.RE"; literal = 0 }
	NR == 1 { next }
	!seen && $0 == "" { next }
	!seen { seen = 1; text = plain($0); sub(/^[a-z]/, toupper(substr(text, 1, 1)), text); print ".PP\n" text "."; next }
	$0 == "" { literal_end(); inside = 0; gap = 1; next }
	/^Examples?:/ {
		literal_end()
		print ".PP\nExample:\n.RS\n.EX"
		literal = 1
		if (sub(/^Examples?: */, "") && $0 != "")
			print plain($0)
		next
	}
	literal { sub(/^  /, ""); print plain($0); next }
	/^  [^ ]/ && match(substr($0, 3), /[^ ]  +[^ ]/) {
		print ".TP\n.B " plain(substr($0, 3, RSTART))
		print plain(substr($0, 2 + RSTART + RLENGTH - 1))
		inside = 1
		next
	}
	/^  [^ ]/ { print ".TP\n.B " plain(substr($0, 3)); inside = 1; next }
	inside && /^    / { sub(/^ +/, ""); print plain($0); next }
	{ if (gap || inside) print ".PP"; gap = inside = 0; print plain($0) }
	END { literal_end() }'
}

verbs() {
	"$soldr" help | sed -n '/^verbs:$/,/^$/s/^  \([a-z]*\) .*/\1/p' | while read -r verb; do
		"$soldr" help "$verb" | sed -n '1s/^usage: //p' | awk "$awk_text"'{ print ".SS " plain($0) }'
		verb_help "$verb" | sed '1{/^\.PP$/d}'
	done
}

options() {
	"$soldr" help | sed -n '/^options, before/,/^$/p' | awk "$awk_text"'
	!/^  / { next }
	match(substr($0, 3), /[^ ]  +[^ ]/) {
		print ".TP\n.B " plain(substr($0, 3, RSTART))
		print plain(substr($0, 2 + RSTART + RLENGTH - 1))
		next
	}
	/--help, --version/ { print ".TP\n.B \\-\\-help\\fR, \\fB\\-\\-version\nas the verbs\n.B help\nand\n.BR version ."; next }
	{ print ".TP\n.B " plain(substr($0, 3)) "\n\\&" }'
}

environment() {
	sed -n 's/: see \[below\][^|]*/ /
		s/^| `\(SOLDR_[A-Z_]*\)` | \(.*\)| \(.*\) |$/\1	\2	\3/p' "$root/docs/config.md" | awk "$awk_text"'
	BEGIN { FS = "\t" }
	{
		print ".TP\n.B " $1
		sub(/ *$/, "", $2)
		if ($2 != "")
			print marked($2) ";"
		print marked($3)
	}'
}

# Comments of the file belong to the key after them. A commented key is "#key:"; deeper ones, "#  key:".
keys() {
	awk "$awk_text"'
	function flush() {
		if (tags != "")
			text[part] = text[part] tags (comment_of != "" ? comment_of : "\\&\n")
		tags = comment_of = ""
	}
	function key_line(depth, line,   key, value, path, i, into) {
		key = value = line
		sub(/:.*/, "", key)
		sub(/^[^:]*: */, "", value)
		for (i in stack)
			if (i + 0 >= depth)
				delete stack[i]
		stack[depth] = key
		path = ""
		for (i = 0; i <= depth; i++)
			path = path (i ? "." : "") stack[i]
		if (path ~ /^backends\.acme/ || path ~ /compiler_scripts\./ || path ~ /environment\./ || (comment == "" && value == "")) {
			comment = ""
			return
		}
		into = path ~ /^backends\.[a-z]+\.options\./ ? (path ~ /^backends\.embedded/ ? "embedded" : "wrapped") : ""
		if (into != "")
			sub(/^backends\.[a-z]+\.options\./, "", path)
		else
			sub(/^backends\.[a-z]+\./, "backends.NAME.", path)
		if ((into, path) in seen)
			return
		seen[into, path] = 1
		if (comment != "" || into != part)
			flush()
		part = into
		tags = tags (tags == "" ? ".TP\n" : ".TQ\n") "\\fB" plain(path) "\\fR" (value != "" ? ": " plain(value) : "") "\n"
		comment_of = comment_of comment
		comment = ""
	}
	/^$/ { flush(); comment = ""; next }
	{
		match($0, /^ */)
		depth = RLENGTH
		line = substr($0, depth + 1)
		if (line ~ /^#(    )*(  )?#? ?[A-Za-z_\/]/ && line ~ /^#((  )+# |(  )*[A-Za-z_\/][A-Za-z_.\/]*:( |$))/) {
			line = substr(line, 2)
			match(line, /^ */)
			depth += RLENGTH
			line = substr(line, RLENGTH + 1)
		}
		if (line ~ /^#/) {
			sub(/^# ?/, "", line)
			if (line ~ /^   *[a-z]+   */) {
				sub(/^ +/, "", line)
				match(line, /  +/)
				comment = comment ".br\n" plain(substr(line, 1, RSTART - 1)) ": " plain(substr(line, RSTART + RLENGTH)) "\n"
				broken = 1
			} else {
				comment = comment (broken ? ".br\n" : "") marked(line) "\n"
				broken = 0
			}
		} else if (line ~ /^[A-Za-z_\/][^ ]*:/) {
			broken = 0
			key_line(depth / 2, line)
		}
	}
	END {
		flush()
		printf "%s.SS Options of the plugin embedded\n%s.SS Options of the plugin wrapped\n%s", text[""], text["embedded"], text["wrapped"]
	}' "$root/config/soldr.yaml"
}

prototypes() {
	awk "$awk_text"'
	/^SOLDR_EXPORT/ { inside = 1; sub(/^SOLDR_EXPORT /, "") }
	inside { sub(/^[ \t]+/, "    "); sub(/ *\/\*.*/, ""); print plain($0) }
	/;/ { inside = 0 }' "$root/$1"
}

# Declarations with the comment before or behind them. START and END are patterns of the lines around them.
declarations() { # HEADER START END
	awk -v start="$2" -v end="$3" "$awk_text"'
	function strip(s) { sub(/[ \t]*\*\/[ \t]*$/, "", s); sub(/^[ \t]*(\/\*+|\*)?[ \t]*/, "", s); return s }
	function show(name, text) {
		if (name == "")
			return
		print ".TP\n.B " plain(name)
		print text == "" ? "\\&" : plain(text)
	}
	$0 ~ start { on = 1; if (start !~ /EXPORT/) next }
	!on && start !~ /EXPORT/ { next }
	$0 ~ end { on = 0; if (start !~ /EXPORT/) exit }
	in_comment || /^[ \t]*\/\*/ {
		if (!in_comment)
			comment = ""
		text = strip($0)
		if (text ~ /^---/)
			text = ""
		if (comment != "" && text != "")
			comment = comment ($0 ~ /^[ \t]*\*  +[^ ]+  / ? "\n.br\n" : " ")
		comment = comment text
		in_comment = $0 !~ /\*\//
		next
	}
	/^$/ || /^#/ || /^}/ { comment = ""; next }
	{
		line = $0
		behind = ""
		if (match(line, /\/\*.*\*\//)) {
			behind = strip(substr(line, RSTART, RLENGTH))
			line = substr(line, 1, RSTART - 1)
		}
		if (start ~ /EXPORT/) {
			if (line ~ /^SOLDR_EXPORT/ && match(line, /[a-z_0-9]+\(/))
				show(substr(line, RSTART, RLENGTH) ")", comment != "" ? comment : behind)
		} else if (line ~ /\(\*[a-z_]+\)/) {
			match(line, /\(\*[a-z_]+\)/)
			show(substr(line, RSTART + 2, RLENGTH - 3) "()", comment)
		} else if (line ~ /SOLDR_[A-Z0-9_]+ *=/) {
			match(line, /SOLDR_[A-Z0-9_]+/)
			show(substr(line, RSTART, RLENGTH), behind)
		}
		comment = ""
	}' "$root/$1"
}

while IFS= read -r line; do
	case $line in
	@verbs@) verbs ;;
	"@help "*@) verb=${line#@help } && verb_help "${verb%@}" | sed '1{/^\.PP$/d}' ;;
	@options@) options ;;
	@environment@) environment ;;
	@keys@) keys ;;
	"@"*" core/include/"*@)
		# shellcheck disable=SC2086 # words
		set -- $(printf '%s\n' "$line" | tr -d @)
		case $1 in
		prototypes) prototypes "$2" ;;
		functions) declarations "$2" '^SOLDR_EXPORT' '^$' ;;
		members) declarations "$3" "^typedef struct $2 " "^} $2" ;;
		values) declarations "$3" "^enum $2 {" '^};' ;;
		esac
		;;
	*@version@*) printf '%s\n' "$line" | sed "s/@version@/$version/" ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$page"
