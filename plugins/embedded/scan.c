/*
 * scan: see scan.h.
 *
 * Compilers and dialects differ on where a comment or string ends in a text
 * with "??/", a carriage return alone, a NUL, R"( or // before C99; such a text is read without
 * comments and strings, all of it as code.
 *
 * One pass over the bytes. Runs of identifier characters are found with a
 * table; a run that stops at a line splice goes on behind it in a side buffer.
 * Of what came before, only the kind of the word right before the current one
 * is remembered: enough for "#pragma once" and "GCC dependency".
 */
#include "scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const time_words[] = {"__DATE__", "__TIME__", "__TIMESTAMP__"};
static const uint32_t time_flags[] = {SCAN_DATE, SCAN_TIME, SCAN_TIMESTAMP};

enum { WORD_COUNT = 3, WORD_MAX = 13, IDENTIFIER_MAX = 64 };

/* '$' and bytes beyond ASCII belong to identifiers in some dialects only: here they separate words. */
static inline bool is_identifier(unsigned char c)
{
	static const bool yes[256] = {
		['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		['_'] = 1,
		['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	};
	return yes[c];
}

/* The bit of word[from, to): substrings are numbered word by word. */
static unsigned piece_bit(unsigned word, unsigned from, unsigned to)
{
	unsigned bit = 0;
	for (unsigned w = 0; w < word; w++) {
		unsigned n = (unsigned)strlen(time_words[w]);
		bit += n * (n + 1) / 2;
	}
	unsigned n = (unsigned)strlen(time_words[word]);
	for (unsigned f = 0; f < from; f++)
		bit += n - f;
	return bit + (to - from - 1);
}

static void note_pieces(struct scan *s, const char *id, size_t len)
{
	for (unsigned w = 0; w < WORD_COUNT; w++) {
		const char *word = time_words[w];
		size_t n = strlen(word);
		for (size_t from = 0; from + len <= n; from++)
			if (memcmp(word + from, id, len) == 0) {
				unsigned bit = piece_bit(w, (unsigned)from, (unsigned)(from + len));
				s->pieces.bits[bit / 64] |= 1ull << (bit % 64);
			}
	}
}

uint32_t scan_conclude(const struct scan *s)
{
	uint32_t flags = s->flags;
	if ((flags & SCAN_ONCE_WORD) && (flags & SCAN_PRAGMA_MADE))
		flags |= SCAN_ONCE | SCAN_ONCE_ANY;
	if (!(flags & SCAN_PASTE))
		return flags;
	for (unsigned w = 0; w < WORD_COUNT; w++) {
		unsigned n = (unsigned)strlen(time_words[w]);
		bool reach[WORD_MAX + 1] = {true}; /* the first i characters can be joined from pieces */
		for (unsigned to = 1; to <= n; to++)
			for (unsigned from = 0; from < to; from++) {
				unsigned bit = piece_bit(w, from, to);
				if (reach[from] && !(from == 0 && to == n) && (s->pieces.bits[bit / 64] >> (bit % 64) & 1))
					reach[to] = true;
			}
		if (reach[n])
			flags |= time_flags[w];
	}
	return flags;
}

/* Length of the line splice at p: a backslash (or ??/), blanks, a newline. 0: none. */
static size_t splice_len(const char *p, const char *end)
{
	const char *q = p;
	if (*q == '\\')
		q++;
	else if (end - q >= 3 && memcmp(q, "?\?/", 3) == 0)
		q += 3;
	else
		return 0;
	while (q < end && (*q == ' ' || *q == '\t' || *q == '\r' || *q == '\f' || *q == '\v' || *q == 0))
		q++;
	return q < end && *q == '\n' ? (size_t)(q + 1 - p) : 0;
}

/* Behind the punctuator at p, whose characters may be apart by splices; NULL when it is another. */
static const char *take_signs(const char *p, const char *end, const char *signs)
{
	for (; *signs; signs++) {
		size_t n;
		while (p < end && (*p == '\\' || *p == '?') && (n = splice_len(p, end)))
			p += n;
		if (p >= end || *p++ != *signs)
			return NULL;
	}
	return p;
}

/* Behind the end of a comment; p is inside it. */
static const char *comment_end(const char *p, const char *end)
{
	while ((p = memchr(p, '*', (size_t)(end - p)))) {
		const char *behind = take_signs(p, end, "*/");
		if (behind)
			return behind;
		p++;
	}
	return end;
}

/* Blanks, splices and comments. */
static const char *skip_space(const char *p, const char *end)
{
	while (p < end) {
		size_t n = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		const char *comment = *p == '/' ? take_signs(p, end, "/*") : NULL;
		if (n) {
			p += n;
		} else if (*p == ' ' || *p == '\t' || *p == '\f' || *p == '\v') {
			p++;
		} else if (comment) {
			p = comment_end(comment, end);
		} else {
			break;
		}
	}
	return p;
}

/* An identifier that may be broken by splices, into id (at most IDENTIFIER_MAX kept; *len is the true length). */
static const char *take_identifier(const char *p, const char *end, char *id, size_t *len)
{
	size_t n = 0;
	while (p < end) {
		if (is_identifier((unsigned char)*p)) {
			if (n < IDENTIFIER_MAX)
				id[n] = *p;
			n++;
			p++;
			continue;
		}
		size_t skip = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		if (!skip)
			break;
		p += skip;
	}
	*len = n;
	return p;
}

/* The header name at p with its opening quote, splices undone; what is behind it, or NULL when there is none. */
static const char *take_header_name(const char *p, const char *end, struct buf *name)
{
	char close = p < end && *p == '"' ? '"' : p < end && *p == '<' ? '>' : 0;
	if (!close)
		return NULL;
	buf_addc(name, *p++);
	while (p < end && *p != close && *p != '\n') {
		size_t skip = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		if (skip)
			p += skip;
		else
			buf_addc(name, *p++);
	}
	return p < end && *p == close ? p + 1 : NULL;
}

/* What stands in place of a name. Letters beyond ASCII have several spellings. */
static void note_computed(struct scan *s, const char *p, const char *end)
{
	size_t len = 0;
	while (p + len < end && (isalnum((unsigned char)p[len]) || p[len] == '_'))
		len++;
	bool plain = len && len <= IDENTIFIER_MAX && !isdigit((unsigned char)*p) &&
	             (p + len == end || (!is_identifier((unsigned char)p[len]) && p[len] != '\\' && p[len] != '?'));
	s->flags |= SCAN_COMPUTED;
	if (s->computed)
		vec_addn(s->computed, p, plain ? len : 0);
}

/* The name behind #include. */
static const char *note_include(struct scan *s, const char *p, const char *end, bool next)
{
	struct buf name = BUF_INIT;
	p = skip_space(p, end);
	const char *behind = take_header_name(p, end, &name);
	if (behind && s->includes)
		vec_addn(s->includes, name.data, name.len);
	if (behind && next && s->next_names)
		vec_addn(s->next_names, name.data, name.len);
	if (!behind)
		note_computed(s, p, end);
	buf_release(&name);
	return behind ? behind : p;
}

/* An identifier at p without splices: its length. */
static size_t word_len(const char *p, const char *end)
{
	const char *q = p;
	while (q < end && is_identifier((unsigned char)*q))
		q++;
	return (size_t)(q - p);
}

static const char *expect(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);
	p = skip_space(p, end);
	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0 ? skip_space(p + n, end) : NULL;
}

/* Of the line that p is in, with the lines that it continues. */
static const char *line_start(const struct scan *s, const char *p)
{
	while (p > s->begin && !(p[-1] == '\n' && !(p - s->begin > 1 && p[-2] == '\\')))
		p--;
	return p;
}

/*
 * "(parameter)" behind a __has_include that stands in "#define NAME(…,
 * parameter, …)": NAME asks for whatever it is given, no more. false: it is
 * anything else.
 */
static bool note_wrapper(struct scan *s, const char *open, const char *end)
{
	const char *line = line_start(s, open);
	const char *arg = skip_space(open + 1, end);
	size_t arg_len = word_len(arg, end);
	const char *close = skip_space(arg + arg_len, end);
	const char *name = expect(line, open, "#");
	name = name ? expect(name, open, "define") : NULL;
	size_t name_len = name ? word_len(name, open) : 0;
	const char *p = name ? name + name_len : NULL;
	if (!s->wrappers || !arg_len || close >= end || *close != ')' || !name_len || p >= open || *p != '(')
		return false;
	for (p++; p < open && *p != ')';) {
		size_t n;
		p = skip_space(p, open);
		n = word_len(p, open);
		if (n == arg_len && memcmp(p, arg, n) == 0) {
			vec_addn(s->wrappers, name, name_len);
			return true;
		}
		p += n;
		p = skip_space(p, open);
		if (p < open && *p == ',')
			p++;
		else if (n == 0)
			break;
	}
	return false;
}

/* The name in parentheses behind __has_include; a macro there, or the bare word in one, could ask for anything. */
static const char *note_has_include(struct scan *s, const char *p, const char *end, bool next)
{
	struct buf name = BUF_INIT;
	const char *open = skip_space(p, end);
	const char *behind = open < end && *open == '(' ? take_header_name(skip_space(open + 1, end), end, &name) : NULL;
	s->flags |= SCAN_HAS_INCLUDE;
	if (behind && s->has_includes)
		vec_addn(s->has_includes, name.data, name.len);
	if (behind && next && s->next_names)
		vec_addn(s->next_names, name.data, name.len);
	if (!behind && !(open < end && *open == '(' && note_wrapper(s, open, end)))
		s->flags |= SCAN_HAS_COMPUTED;
	buf_release(&name);
	return behind ? behind : p;
}

static bool is_asking(const struct scan *s, const char *id, size_t len)
{
	for (size_t i = 0; s->asking && i < s->asking->len; i++)
		if (strlen(s->asking->items[i]) == len && memcmp(s->asking->items[i], id, len) == 0)
			return true;
	return false;
}

enum word {
	WORD_NONE,
	WORD_HASH, /* a '#' stood before, with nothing but space between */
	WORD_PRAGMA,
	WORD_PRAGMA_OPERATOR, /* _Pragma */
	WORD_GCC,  /* or clang */
	WORD_DEFINE, /* #define */
	WORD_NAMED /* #ifdef, defined, …: what follows is a name and no question */
};

static bool is(const char *id, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(id, word, len) == 0;
}

static bool is_raw_prefix(const char *id, size_t len)
{
	return len && len <= 3 && id[len - 1] == 'R' &&
	       (len == 1 || is(id, len, "LR") || is(id, len, "uR") || is(id, len, "UR") || is(id, len, "u8R"));
}

/* Whether the word could be given to a macro, or be all that one stands for. */
static bool is_argument(const struct scan *s, const char *id, const char *after, const char *end)
{
	if (id < s->begin || id >= end) /* with a splice in it */
		return true;
	const char *before = id;
	while (before > s->begin && (before[-1] == ' ' || before[-1] == '\t'))
		before--;
	after = skip_space(after, end);
	char last = before > s->begin ? before[-1] : '\n', next = after < end ? *after : '\n';
	if (!strchr("),\"\r\n", next))
		return false;
	return strchr("(,\"\n", last) || (is_identifier((unsigned char)last) && *skip_space(line_start(s, id), end) == '#') || last == ')';
}

static bool is_string_prefix(const char *id, size_t len)
{
	return is(id, len, "L") || is(id, len, "u") || is(id, len, "U") || is(id, len, "u8") || is_raw_prefix(id, len);
}

/* Whether a string in parentheses stands at p, as behind most of _Pragma. */
static bool is_spelled_out(const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p >= end || *p != '(')
		return false;
	p = skip_space(p + 1, end);
	size_t prefix = word_len(p, end);
	return p + prefix < end && p[prefix] == '"' && (!prefix || is_string_prefix(p, prefix));
}

/* Looks at one identifier; before: what stood right before it. Returns what the next one will see. */
static enum word note_identifier(struct scan *s, const char *id, size_t len, enum word before, const char **after, const char *end)
{
	if (len > IDENTIFIER_MAX)
		return WORD_NONE;
	if (before == WORD_DEFINE) {
		if (s->defined)
			scan_names_add(s->defined, id, len);
		before = WORD_NAMED;
	}
	if (before == WORD_HASH) {
		if (is(id, len, "include") || is(id, len, "include_next") || is(id, len, "import")) {
			*after = note_include(s, *after, end, len == strlen("include_next"));
			if (id[2] == 'p')
				s->flags |= SCAN_ONCE | SCAN_ONCE_ANY;
			return WORD_NONE;
		}
		if (is(id, len, "embed"))
			s->flags |= SCAN_EMBED;
		if (is(id, len, "pragma"))
			return WORD_PRAGMA;
		if (is(id, len, "define"))
			return WORD_DEFINE;
		if (is(id, len, "undef") || is(id, len, "ifdef") || is(id, len, "ifndef") ||
		    is(id, len, "elifdef") || is(id, len, "elifndef"))
			return WORD_NAMED;
	}
	/* _Pragma(L"once") */
	bool pragma = before == WORD_PRAGMA || before == WORD_PRAGMA_OPERATOR;
	if (pragma && is_string_prefix(id, len))
		return before;
	if (s->asking && before != WORD_NAMED && is_asking(s, id, len)) {
		*after = note_has_include(s, *after, end, true);
		return WORD_NONE;
	}
	switch (id[0]) {
	case '_':
		if (is(id, len, "_Pragma") || is(id, len, "__pragma")) {
			if (before != WORD_NAMED && !is_spelled_out(*after, end))
				s->flags |= SCAN_PRAGMA_MADE;
			return WORD_PRAGMA_OPERATOR;
		}
		if (is(id, len, "__has_include") || is(id, len, "__has_include_next") || is(id, len, "__has_include__") ||
		    is(id, len, "__has_include_next__")) {
			if (before != WORD_NAMED)
				*after = note_has_include(s, *after, end, len >= strlen("__has_include_next"));
			return WORD_NONE;
		}
		if (is(id, len, "__has_embed"))
			s->flags |= SCAN_EMBED;
		for (unsigned w = 0; w < WORD_COUNT; w++)
			if (is(id, len, time_words[w]))
				s->flags |= time_flags[w];
		break;
	case 'o':
		if (is(id, len, "once"))
			s->flags |= before == WORD_PRAGMA ? SCAN_ONCE : pragma ? SCAN_ONCE | SCAN_ONCE_ANY : is_argument(s, id, *after, end) ? SCAN_ONCE_WORD : 0;
		break;
	case 'G':
		if (is(id, len, "GCC"))
			return WORD_GCC;
		break;
	case 'c':
		if (pragma && is(id, len, "clang"))
			return WORD_GCC;
		break;
	case 's':
		if (before == WORD_GCC && is(id, len, "system_header"))
			s->flags |= SCAN_SYSTEM_HEADER;
		break;
	case 'p':
		if (before == WORD_GCC && is(id, len, "pch_preprocess"))
			s->flags |= SCAN_EMBED;
		break;
	case 'd':
		if (before == WORD_GCC && is(id, len, "dependency"))
			s->flags |= SCAN_DEPENDENCY;
		if (is(id, len, "defined"))
			return WORD_NAMED;
		break;
	case 'i':
		if (is(id, len, "incbin")) /* its dot may stand in the string before */
			s->flags |= SCAN_INCBIN;
		break;
	default:
		break;
	}
	return WORD_NONE;
}

static bool is_head_of(const char *id, size_t len, const char *word)
{
	return len < strlen(word) && memcmp(id, word, len) == 0;
}

/*
 * Assembler directives, in assembly or inside string literals: ".incbin"
 * always; ".include" in assembly and strings, or before a quoted name (as a
 * member in ".include = x" it is harmless). Assemblers ignore case.
 */
static void note_dot(struct scan *s, const char *p, const char *end, bool assembly)
{
	char id[IDENTIFIER_MAX];
	size_t len;
	const char *after = take_identifier(p + 1, end, id, &len);
	if (len == strlen("incbin") && strncasecmp(id, "incbin", len) == 0)
		s->flags |= SCAN_INCBIN;
	if (len == strlen("include") && strncasecmp(id, "include", len) == 0) {
		while (after < end && (*after == ' ' || *after == '\t' || *after == '\\'))
			after++;
		if (assembly || (after < end && *after == '"'))
			s->flags |= SCAN_INCBIN;
	}
	/* .inc\()bin, or an argument of a macro of the assembler in the middle. */
	bool macro = after < end && *after == '\\' && (assembly || (after + 1 < end && after[1] == '\\'));
	if (macro && len && (is_head_of(id, len, "incbin") || is_head_of(id, len, "include")))
		s->flags |= SCAN_INCBIN;
}

/* A string that ends in ".inc" before another string, or before a macro that may be one. */
static bool goes_on_as_directive(const char *from, const char *stop, const char *end)
{
	const char *dot = stop;
	while (dot > from && is_identifier((unsigned char)dot[-1]))
		dot--;
	size_t len = (size_t)(stop - dot);
	if (!len || dot == from || dot[-1] != '.' || (!is_head_of(dot, len, "incbin") && !is_head_of(dot, len, "include")))
		return false;
	const char *next = stop < end ? stop + 1 : end;
	for (const char *p = NULL; p != next;) {
		p = next;
		next = skip_space(next, end);
		next += next < end && (*next == '\n' || *next == '\r');
	}
	return next < end && (*next == '"' || *next == '#' || is_identifier((unsigned char)*next));
}

/* Where the scan stands. */
struct place {
	const char *p, *end;
	enum word before;
	bool in_string;      /* inside a string or character constant: no pieces */
	bool assembly;
	bool pasted;         /* a ## stands right before */
	const char *last;    /* the identifier right before, for a ## behind it */
	size_t last_len;
	const char *raw_quote; /* where a quote would open a raw string: right behind its prefix */
	size_t raw_left;       /* bytes that may still be searched in vain for the end of a raw string */
};

enum { RAW_SEARCH_MAX = 64 << 20 };

static void note_code_pieces(struct scan *s, struct place *at, const char *id, size_t len)
{
	if (at->in_string || len > WORD_MAX || !strchr("_DATEIMSP", id[0]))
		return;
	if (len > 1 || at->pasted || *id == '_')
		note_pieces(s, id, len);
}

static void scan_identifier(struct scan *s, struct place *at)
{
	const char *start = at->p;
	char joined[IDENTIFIER_MAX];
	const char *id = start;
	while (at->p < at->end && is_identifier((unsigned char)*at->p))
		at->p++;
	const char *first_end = at->p;
	size_t len = (size_t)(at->p - start), first_len = len;
	size_t splice = at->p < at->end && (*at->p == '\\' || *at->p == '?') ? splice_len(at->p, at->end) : 0;
	if (splice) {
		at->p = take_identifier(start, at->end, joined, &len);
		id = joined;
	}
	if (splice && at->before == WORD_DEFINE && s->defined)
		s->defined->unclear = true; /* where it ends depends on the dialect */
	at->raw_quote = is_raw_prefix(id, len) ? at->p : NULL;
	at->before = note_identifier(s, id, len, at->before, &at->p, at->end);
	note_code_pieces(s, at, id, len);
	if (splice && (*first_end == '?' || memchr(first_end, 0, splice))) {
		/* Not a splice for every compiler: the parts are words as well. */
		at->p = first_end + splice;
		note_identifier(s, start, first_len, WORD_NONE, &first_end, at->end);
	}
	at->pasted = false;
	at->last = start;
	at->last_len = len;
}

/* '#', "%:" or the trigraph: its length, or 0. */
static size_t hash_len(const char *p, const char *end)
{
	if (*p == '#')
		return 1;
	const char *behind = *p == '%' ? take_signs(p, end, "%:") : *p == '?' ? take_signs(p, end, "?\?=") : NULL;
	return behind ? (size_t)(behind - p) : 0;
}

static void scan_hash(struct scan *s, struct place *at, size_t len)
{
	const char *next = skip_space(at->p + len, at->end);
	size_t again = next < at->end ? hash_len(next, at->end) : 0;
	at->before = WORD_HASH;
	if (!again) {
		at->p = next;
		return;
	}
	s->flags |= SCAN_PASTE;
	if (at->last_len == 1)
		note_pieces(s, at->last, 1);
	at->pasted = true;
	at->p = skip_space(next + again, at->end);
}

/* Behind a comment that starts at p, or NULL when none does. */
static const char *skip_comment(const struct scan *s, const char *p, const char *end)
{
	const char *inside = take_signs(p, end, "/*");
	if (inside)
		return comment_end(inside, end);
	if (s->old_c || !take_signs(p, end, "//"))
		return NULL;
	while (p < end && *p != '\n') {
		size_t n = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		p += n ? n : 1;
	}
	return p;
}

/* The end of R"delimiter(…)delimiter", or NULL when it is no raw string. quote: its first '"'. *left: see struct place. */
static const char *raw_string_end(const char *quote, const char *end, size_t *left)
{
	enum { DELIMITER_MAX = 16 };
	char close[DELIMITER_MAX + 2];
	size_t n = 0;
	const char *p = quote + 1;
	while (p < end && *p != '(' && n < DELIMITER_MAX && !strchr(" )\\\t\n\"", *p))
		close[1 + n++] = *p++;
	if (p >= end || *p != '(')
		return NULL;
	close[0] = ')';
	close[n + 1] = '"';
	const char *stop = memmem(p, (size_t)(end - p), close, n + 2);
	if (!stop)
		*left -= (size_t)(end - p) < *left ? (size_t)(end - p) : *left;
	return stop ? stop + n + 2 : NULL;
}

static void scan_range(struct scan *s, struct place *at);

/* The text of a string or character constant: words count, quotes and comment signs do not. */
static void scan_quoted(struct scan *s, struct place *at)
{
	char quote = *at->p;
	const char *stop = quote == '"' && at->raw_quote == at->p ? raw_string_end(at->p, at->end, &at->raw_left) : NULL;
	/* A text of raw strings without ends, each searched to the end of the text: from here on every word counts. */
	at->assembly = at->assembly || !at->raw_left;
	if (!stop) {
		stop = at->p + 1;
		while (stop < at->end && *stop != quote && *stop != '\n') {
			size_t n = *stop == '\\' || *stop == '?' ? splice_len(stop, at->end) : 0;
			bool escape = !n && *stop == '\\';
			stop += n ? n : 1;
			while (escape && stop < at->end && *stop == '\\' && (n = splice_len(stop, at->end)))
				stop += n;
			stop += escape && stop < at->end && *stop != '\n';
		}
	}
	struct place inside = {.p = at->p + 1, .end = stop, .before = at->before, .in_string = true, .assembly = at->assembly};
	scan_range(s, &inside);
	if (goes_on_as_directive(at->p + 1, stop, at->end))
		s->flags |= SCAN_INCBIN;
	at->p = stop < at->end && *stop == quote ? stop + 1 : stop;
	at->before = WORD_NONE;
}

/* An apostrophe inside a number (1'000) separates digits. */
static bool is_digit_separator(const struct place *at)
{
	return at->last && at->last + at->last_len == at->p && at->last[0] >= '0' && at->last[0] <= '9';
}

static void scan_range(struct scan *s, struct place *at)
{
	while (at->p < at->end) {
		char c = *at->p;
		if (is_identifier((unsigned char)c)) {
			scan_identifier(s, at);
			continue;
		}
		size_t n = 0;
		const char *behind = NULL;
		switch (c) {
		case '#':
		case '%':
		case '?':
		case '\\':
			n = c == '\\' ? 0 : hash_len(at->p, at->end);
			if (n && !at->in_string) {
				scan_hash(s, at, n);
				continue;
			}
			n = splice_len(at->p, at->end);
			if (n) {
				at->p += n;
				continue;
			}
			break;
		case '/':
			behind = at->assembly || at->in_string ? NULL : skip_comment(s, at->p, at->end);
			if (behind) {
				at->p = behind;
				continue;
			}
			break;
		case '"':
		case '\'':
			if (!at->assembly && !at->in_string && !(c == '\'' && is_digit_separator(at))) {
				scan_quoted(s, at);
				continue;
			}
			break;
		case '.':
			note_dot(s, at->p, at->end, at->assembly || at->in_string);
			break;
		case ' ':
		case '\t':
		case '\f':
		case '\v':
		case '(': /* may stand between _Pragma and its word */
			at->p++;
			continue;
		default:
			break;
		}
		at->p++;
		at->before = WORD_NONE;
		at->pasted = false;
		at->last_len = 0;
	}
}

static bool holds_raw_string(const char *text, const char *end)
{
	size_t left = RAW_SEARCH_MAX;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "R\"", 2)); p += 2) {
		const char *from = p;
		while (from > text && is_identifier((unsigned char)from[-1]))
			from--;
		if (is_raw_prefix(from, (size_t)(p + 1 - from)) && (raw_string_end(p + 1, end, &left) || !left))
			return true;
	}
	return false;
}

/* In C90, "//" begins a comment for Clang, and for GCC in a system header: what if a comment of the other kind begins in it? */
static bool holds_comment_in_line(const char *text, const char *end)
{
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "//", 2)); p++) {
		const char *eol = p;
		do {
			eol = memchr(eol + 1, '\n', (size_t)(end - eol - 1));
		} while (eol && (eol[-1] == '\\' || eol[-1] == '\r'));
		eol = eol ? eol : end;
		if (memmem(p + 1, (size_t)(eol - p - 1), "/*", 2))
			return true;
		p = eol - 1;
	}
	return false;
}

/* Whether compilers may disagree on the ends of comments and strings. */
static bool is_disputed(struct scan *s, const char *text, size_t len)
{
	if (!len)
		return false;
	const char *end = text + len;
	if (s->old_c && holds_comment_in_line(text, end)) {
		s->flags |= SCAN_COMMENT_IN_LINE;
		return true;
	}
	if (s->no_raw_strings && holds_raw_string(text, end))
		return true;
	for (const char *p = text; (p = memchr(p, '\r', (size_t)(end - p))); p++)
		if (p + 1 == end || p[1] != '\n')
			return true;
	return memchr(text, 0, len) || memmem(text, len, "?\?/", 3);
}

void scan_text(struct scan *s, const char *text, size_t len, bool assembly)
{
	s->begin = text;
	struct place at = {.p = text, .end = text + len, .assembly = is_disputed(s, text, len) || assembly, .raw_left = RAW_SEARCH_MAX};
	scan_range(s, &at);
}
