/*
 * help_errors: `soldr help errors` and `soldr help E104`, out of the table of
 * core/util/messages.h.
 */
#include "cli.h"

#include <ctype.h>
#include <string.h>

/*
 * Four strings for each row, all in one object. An array of pointers would be
 * relocated at every start, a hit's too: the program is position-independent.
 */
#define MESSAGE(number, name, text, meaning, mend) char name[sizeof(#number "\0" text "\0" meaning "\0" mend)];
static const struct {
#include "messages.def"
} rows = {
#undef MESSAGE
#define MESSAGE(number, name, text, meaning, mend) #number "\0" text "\0" meaning "\0" mend,
#include "messages.def"
};
#undef MESSAGE

struct message {
	const char *number, *text, *meaning, *mend;
};

static const char *take(const char **at)
{
	const char *text = *at;
	*at += strlen(text) + 1;
	return text;
}

/* The row at *at, which moves on to the next. False at the end. */
static bool next_message(const char **at, struct message *m)
{
	if (*at == (const char *)&rows + sizeof rows)
		return false;
	*m = (struct message){.number = take(at)};
	m->text = take(at);
	m->meaning = take(at);
	m->mend = take(at);
	return true;
}

/* By the hundreds of their ids. */
static const char *const rooms[] = {
	[1] = "memory, files and directories",
	[2] = "the configuration; in front of the text stands the file and key, or the variable",
	[3] = "plugins; in front of most stands the plugin",
	[4] = "serving compiles: processes, runs and their logs",
	[5] = "the command line, compilers and builds",
	[6] = "verbs that report and check",
	[7] = "the embedded backend; most are in soldr.log and `soldr why` alone, for the compiler ran",
	[8] = "the wrapped backend",
};

/* The format with "…" where it has a conversion. */
static void add_text(struct buf *out, const char *format)
{
	static const char dots[] = "…";
	for (const char *p = format; *p; p++) {
		if (*p != '%' || p[1] == '%') {
			buf_addc(out, *p);
			p += *p == '%';
			continue;
		}
		p += 1 + strspn(p + 1, "#0- +.*123456789hlLjzt");
		size_t n = sizeof dots - 1;
		if (out->len < n || memcmp(out->data + out->len - n, dots, n) != 0)
			buf_adds(out, dots);
	}
}

static void add_message(struct buf *out, const struct message *m)
{
	buf_addf(out, "\nE%s  ", m->number);
	add_text(out, m->text);
	buf_addc(out, '\n');
	if (*m->meaning)
		buf_addf(out, "  %s\n", m->meaning);
	if (*m->mend)
		buf_addf(out, "  to do: %s\n", m->mend);
}

void help_errors(struct buf *out)
{
	const char *at = (const char *)&rows;
	char room = 0;
	buf_adds(out, "Every message of soldr. Its id stands at the end of the line, in brackets; `soldr help E104` shows one.\n");
	for (struct message m; next_message(&at, &m); add_message(out, &m)) {
		if (*m.number != room)
			buf_addf(out, "\nE%c: %s\n", *m.number, rooms[*m.number - '0']);
		room = *m.number;
	}
}

bool help_is_error(const char *word)
{
	return toupper((unsigned char)*word) == 'E' && strlen(word) == sizeof "E104" - 1 && strspn(word + 1, "0123456789") == 3;
}

bool help_error(struct buf *out, const char *id)
{
	const char *at = (const char *)&rows;
	struct message m;
	while (next_message(&at, &m)) {
		if (strcmp(m.number, id + 1) != 0)
			continue;
		struct buf text = BUF_INIT;
		add_message(&text, &m);
		buf_adds(out, buf_str(&text) + 1); /* without the line between two */
		buf_release(&text);
		return true;
	}
	return false;
}
