/*
 * scan: see scan.h.
 *
 * One pass over the bytes. Runs of identifier characters are found with a
 * table; a run that stops at a line splice goes on behind it in a side buffer.
 * Of what came before, only the kind of the word right before the current one
 * is remembered: enough for "#pragma once" and "GCC dependency".
 */
#include "scan.h"

#include <string.h>

static const char *const time_words[] = {"__DATE__", "__TIME__", "__TIMESTAMP__"};
static const uint32_t time_flags[] = {SCAN_DATE, SCAN_TIME, SCAN_TIMESTAMP};

enum { WORD_COUNT = 3, WORD_MAX = 13, IDENTIFIER_MAX = 64 };

static inline bool is_identifier(unsigned char c)
{
	static const bool yes[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['_'] = true, ['$'] = true, [0x80 ... 0xff] = true,
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
	while (q < end && (*q == ' ' || *q == '\t' || *q == '\r' || *q == '\f' || *q == '\v'))
		q++;
	return q < end && *q == '\n' ? (size_t)(q + 1 - p) : 0;
}

/* Blanks, splices and comments. */
static const char *skip_space(const char *p, const char *end)
{
	while (p < end) {
		size_t n = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		if (n) {
			p += n;
		} else if (*p == ' ' || *p == '\t' || *p == '\f' || *p == '\v') {
			p++;
		} else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
			const char *stop = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
			p = stop ? stop + 2 : end;
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

static const char *note_header_name(struct vec *to, const char *p, const char *end, struct scan *s, bool in_directive)
{
	struct buf name = BUF_INIT;
	p = skip_space(p, end);
	if (!in_directive && p < end && *p == '(')
		p = skip_space(p + 1, end);
	const char *behind = take_header_name(p, end, &name);
	if (behind && to)
		vec_addn(to, name.data, name.len);
	if (!behind)
		s->flags |= SCAN_COMPUTED;
	buf_release(&name);
	return behind ? behind : p;
}

enum word {
	WORD_NONE,
	WORD_HASH, /* a '#' stood before, with nothing but space between */
	WORD_PRAGMA,
	WORD_GCC /* or clang */
};

static bool is(const char *id, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(id, word, len) == 0;
}

/* Looks at one identifier; before: what stood right before it. Returns what the next one will see. */
static enum word note_identifier(struct scan *s, const char *id, size_t len, enum word before, const char **after, const char *end)
{
	if (len > IDENTIFIER_MAX)
		return WORD_NONE;
	if (before == WORD_HASH) {
		if (is(id, len, "include") || is(id, len, "include_next") || is(id, len, "import")) {
			*after = note_header_name(s->includes, *after, end, s, true);
			if (id[2] == 'p')
				s->flags |= SCAN_ONCE;
			return WORD_NONE;
		}
		if (is(id, len, "embed"))
			s->flags |= SCAN_EMBED;
		if (is(id, len, "pragma"))
			return WORD_PRAGMA;
	}
	switch (id[0]) {
	case '_':
		if (is(id, len, "_Pragma"))
			return WORD_PRAGMA;
		if (is(id, len, "__has_include") || is(id, len, "__has_include_next")) {
			s->flags |= SCAN_HAS_INCLUDE;
			*after = note_header_name(s->has_includes, *after, end, s, false);
			return WORD_NONE;
		}
		if (is(id, len, "__has_embed"))
			s->flags |= SCAN_EMBED;
		for (unsigned w = 0; w < WORD_COUNT; w++)
			if (is(id, len, time_words[w]))
				s->flags |= time_flags[w];
		break;
	case 'o':
		if (before == WORD_PRAGMA && is(id, len, "once"))
			s->flags |= SCAN_ONCE;
		break;
	case 'G':
		if (is(id, len, "GCC"))
			return WORD_GCC;
		break;
	case 'c':
		if (before == WORD_PRAGMA && is(id, len, "clang"))
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
		break;
	default:
		break;
	}
	return WORD_NONE;
}

/*
 * Assembler directives, in assembly or inside string literals: ".incbin"
 * always; ".include" in assembly, or before a quoted name (as a member in
 * ".include = x" it is harmless).
 */
static void note_dot(struct scan *s, const char *p, const char *end, bool assembly)
{
	char id[IDENTIFIER_MAX];
	size_t len;
	const char *after = take_identifier(p + 1, end, id, &len);
	if (is(id, len, "incbin"))
		s->flags |= SCAN_INCBIN;
	if (is(id, len, "include")) {
		while (after < end && (*after == ' ' || *after == '\t' || *after == '\\'))
			after++;
		if (assembly || (after < end && *after == '"'))
			s->flags |= SCAN_INCBIN;
	}
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
};

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
	size_t len = (size_t)(at->p - start);
	if (at->p < at->end && (*at->p == '\\' || *at->p == '?') && splice_len(at->p, at->end)) {
		at->p = take_identifier(start, at->end, joined, &len);
		id = joined;
	}
	at->before = note_identifier(s, id, len, at->before, &at->p, at->end);
	note_code_pieces(s, at, id, len);
	at->pasted = false;
	at->last = start;
	at->last_len = len;
}

/* '#', "%:" or the trigraph: its length, or 0. */
static size_t hash_len(const char *p, const char *end)
{
	if (*p == '#')
		return 1;
	if (end - p >= 2 && memcmp(p, "%:", 2) == 0)
		return 2;
	return end - p >= 3 && memcmp(p, "?\?=", 3) == 0 ? 3 : 0;
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
	if (end - p < 2 || p[0] != '/')
		return NULL;
	if (p[1] == '*') {
		const char *stop = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
		return stop ? stop + 2 : end;
	}
	if (p[1] != '/' || s->old_c)
		return NULL;
	while (p < end && *p != '\n') {
		size_t n = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		p += n ? n : 1;
	}
	return p;
}

/* The end of R"delimiter(…)delimiter", or NULL when it is no raw string. quote: its first '"'. */
static const char *raw_string_end(const char *quote, const char *end)
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
	return stop ? stop + n + 2 : NULL;
}

static bool before_is(const struct place *at, const char *quote, const char *const *words)
{
	for (; *words; words++)
		if (at->last && at->last + at->last_len == quote && is(at->last, at->last_len, *words))
			return true;
	return false;
}

static void scan_range(struct scan *s, struct place *at);

/* The text of a string or character constant: words count, quotes and comment signs do not. */
static void scan_quoted(struct scan *s, struct place *at)
{
	static const char *const raw[] = {"R", "LR", "uR", "UR", "u8R", NULL};
	char quote = *at->p;
	const char *stop = quote == '"' && before_is(at, at->p, raw) ? raw_string_end(at->p, at->end) : NULL;
	if (!stop) {
		stop = at->p + 1;
		while (stop < at->end && *stop != quote && *stop != '\n') {
			size_t n = *stop == '\\' || *stop == '?' ? splice_len(stop, at->end) : 0;
			if (!n)
				n = *stop == '\\' && stop + 1 < at->end && stop[1] != '\n' ? 2 : 1;
			stop += n;
		}
	}
	struct place inside = {.p = at->p + 1, .end = stop, .before = at->before, .in_string = true, .assembly = at->assembly};
	scan_range(s, &inside);
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
			note_dot(s, at->p, at->end, at->assembly);
			break;
		case ' ':
		case '\t':
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

void scan_text(struct scan *s, const char *text, size_t len, bool assembly)
{
	struct place at = {.p = text, .end = text + len, .assembly = assembly};
	scan_range(s, &at);
}
