/*
 * scan: see scan.h.
 *
 * One pass over the bytes. Runs of identifier characters are found with a
 * table; a run that stops at a line splice goes on behind it in a side buffer.
 * Only the two identifiers before the current one are remembered: that is
 * enough for "#pragma once" and "GCC dependency".
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

/* The header name at p with its opening quote, splices undone; false when there is none. */
static bool take_header_name(const char *p, const char *end, struct buf *name)
{
	char close = p < end && *p == '"' ? '"' : p < end && *p == '<' ? '>' : 0;
	if (!close)
		return false;
	buf_addc(name, *p++);
	while (p < end && *p != close && *p != '\n') {
		size_t skip = *p == '\\' || *p == '?' ? splice_len(p, end) : 0;
		if (skip)
			p += skip;
		else
			buf_addc(name, *p++);
	}
	return p < end && *p == close;
}

static void note_header_name(struct vec *to, const char *p, const char *end, struct scan *s, bool in_directive)
{
	struct buf name = BUF_INIT;
	p = skip_space(p, end);
	if (!in_directive && p < end && *p == '(')
		p = skip_space(p + 1, end);
	if (take_header_name(p, end, &name)) {
		if (to)
			vec_addn(to, name.data, name.len);
	} else {
		s->flags |= SCAN_COMPUTED;
	}
	buf_release(&name);
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
static enum word note_identifier(struct scan *s, const char *id, size_t len, enum word before, const char *after, const char *end)
{
	if (len > IDENTIFIER_MAX)
		return WORD_NONE;
	if (before == WORD_HASH) {
		if (is(id, len, "include") || is(id, len, "include_next") || is(id, len, "import")) {
			note_header_name(s->includes, after, end, s, true);
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
			note_header_name(s->has_includes, after, end, s, false);
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
	case 'd':
		if (before == WORD_GCC && is(id, len, "dependency"))
			s->flags |= SCAN_DEPENDENCY;
		break;
	default:
		break;
	}
	if (len <= WORD_MAX && strchr("_DATEIMSP", id[0]))
		note_pieces(s, id, len);
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

void scan_text(struct scan *s, const char *text, size_t len, bool assembly)
{
	const char *p = text, *end = text + len;
	enum word before = WORD_NONE;
	while (p < end) {
		unsigned char c = (unsigned char)*p;
		if (is_identifier(c)) {
			const char *start = p;
			while (p < end && is_identifier((unsigned char)*p))
				p++;
			size_t n = (size_t)(p - start);
			if (p < end && (*p == '\\' || *p == '?') && splice_len(p, end)) {
				char id[IDENTIFIER_MAX];
				p = take_identifier(start, end, id, &n);
				before = note_identifier(s, id, n, before, p, end);
			} else {
				before = note_identifier(s, start, n, before, p, end);
			}
			continue;
		}
		switch (c) {
		case '#':
		case '%': /* the digraph %: is # */
		case '?': /* the trigraph ?\?= is # */
		{
			size_t n = c == '#' ? 1 : c == '%' ? 2 : 3;
			if (c != '#' && ((size_t)(end - p) < n || memcmp(p, c == '%' ? "%:" : "?\?=", n) != 0)) {
				p++;
				break;
			}
			p = skip_space(p + n, end);
			if (p < end && (*p == '#' || *p == '%' || *p == '?'))
				s->flags |= SCAN_PASTE;
			before = WORD_HASH;
			continue;
		}
		case '.':
			note_dot(s, p, end, assembly);
			p++;
			break;
		case ' ':
		case '\t':
		case '(':
		case '"':
			p++; /* may stand between _Pragma and its word */
			continue;
		case '\\': {
			size_t n = splice_len(p, end);
			p += n ? n : 1;
			if (n)
				continue;
			break;
		}
		default:
			p++;
			break;
		}
		before = WORD_NONE;
	}
}
