/*
 * response: the expansion of @file arguments.
 *
 * Depth first, in place, as libiberty's expandargv and LLVM's
 * ExpandResponseFiles have it. The word splitter accepts only what all of
 * their versions read alike: GCC 15 took up the shell's rules for backslashes
 * inside quotes, LLVM does not count form feeds as white space and drops a
 * byte-order mark. Such a file refuses the request; build tools write none.
 */
#include "response.h"

#include "fs.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct expansion {
	struct response *response;
	const char *cwd;
	size_t files, bytes;
	bool refused, no_memory;
};

static void refuse(struct expansion *e, const char *argument)
{
	if (!e->refused)
		snprintf(e->response->detail, sizeof e->response->detail, "%s", argument);
	e->refused = true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The characters that a backslash escapes alike in quotes by the old rules and by the shell's. */
static bool is_plain_escape(char quote, char c)
{
	if (quote == '\'')
		return false;
	if (quote == '"')
		return c == '"' || c == '\\' || c == '$' || c == '`';
	return c != '\n' && c != '\r';
}

/* One word from *at on, which is no white space. Returns false where readers disagree. */
static bool split_word(const char **at, const char *end, struct buf *word)
{
	const char *p = *at;
	char quote = '\0';

	for (; p < end && (quote || !is_space(*p)); p++) {
		if (*p == '\0' || *p == '\v' || *p == '\f')
			return false;
		if (*p == '\\') {
			if (p + 1 == end || !p[1] || !is_plain_escape(quote, p[1]))
				return false;
			buf_addc(word, *++p);
		} else if (quote) {
			if (*p == quote)
				quote = '\0';
			else
				buf_addc(word, *p);
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else {
			buf_addc(word, *p);
		}
	}
	*at = p;
	/* Older LLVM drops an empty word, libiberty keeps it. */
	return !quote && (word->len || word->failed);
}

bool response_split(const char *text, size_t len, struct vec *words)
{
	const char *at = text, *end = text + len;
	struct buf word = BUF_INIT;
	bool clear = true;

	if (len >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
		return false;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return false;
	while (clear) {
		while (at < end && is_space(*at))
			at++;
		if (at == end)
			break;
		buf_clear(&word);
		clear = split_word(&at, end, &word);
		if (!buf_ok(&word))
			words->failed = true;
		else if (clear)
			vec_addn(words, word.data, word.len);
	}
	buf_release(&word);
	return clear && vec_ok(words);
}

static void expand(struct expansion *e, const char *argument, unsigned depth);

/* Replaces "@name" by its words, or leaves it and refuses. */
static void expand_file(struct expansion *e, const char *argument, unsigned depth)
{
	struct buf text = BUF_INIT;
	struct vec words = VEC_INIT;
	char *path = path_join(e->cwd, argument + 1);
	bool clear = false;

	if (!path) {
		e->no_memory = true;
	} else if (argument[1] && depth < RESPONSE_MAX_DEPTH && e->files < RESPONSE_MAX_FILES &&
	           fs_read_file(path, RESPONSE_MAX_BYTES - e->bytes, &text, NULL) == 0) {
		e->files++;
		e->bytes += text.len;
		clear = response_split(buf_str(&text), text.len, &words);
	}
	if (!vec_ok(&words) || !buf_ok(&text))
		e->no_memory = true;
	if (clear) {
		e->response->expanded = true;
		for (size_t i = 0; i < words.len && !e->refused; i++)
			expand(e, words.items[i], depth + 1);
	} else {
		refuse(e, argument);
		vec_add(&e->response->args, argument);
	}
	free(path);
	vec_release(&words);
	buf_release(&text);
}

static void expand(struct expansion *e, const char *argument, unsigned depth)
{
	if (argument[0] == '@')
		expand_file(e, argument, depth);
	else
		vec_add(&e->response->args, argument);
}

enum response_status response_expand(struct response *response, const char *const *argv, const char *cwd)
{
	struct expansion e = {.response = response, .cwd = cwd};

	if (argv[0])
		vec_add(&response->args, argv[0]);
	for (size_t i = 1; argv[0] && argv[i]; i++)
		expand(&e, argv[i], 0);
	if (e.no_memory || !vec_ok(&response->args))
		return RESPONSE_NO_MEMORY;
	return e.refused ? RESPONSE_REFUSED : RESPONSE_OK;
}

void response_release(struct response *response)
{
	vec_release(&response->args);
	*response = RESPONSE_INIT;
}
