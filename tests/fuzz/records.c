/* records: journals and what parity reads; redaction, JSON and paths. */
#include "fuzz.h"

#include "json.h"
#include "journal.h"
#include "parity.h"
#include "path.h"
#include "redact.h"
#include "runs.h"
#include "worktree.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void take_line(void *arg, const char *text, size_t len)
{
	struct run_compile c;
	size_t *lines = arg;
	++*lines;
	HOLDS_ALWAYS(text[len] == 0 && strlen(text) <= len);
	if (run_compile_read(&c, text, len) == 0) {
		HOLDS_ALWAYS(c.args.len && *c.cwd == '/' && *c.compiler == '/');
		HOLDS_ALWAYS(run_compile_subject(&c));
		run_compile_match(&c, "x.c", "/a/x.c");
	}
	run_compile_release(&c);
}

void fuzz_journal(const uint8_t *data, size_t len)
{
	size_t lines = 0, broken = 0;
	const char *file = fuzz_file("journal.jsonl", data, len);
	HOLDS_ALWAYS(journal_read(file, take_line, &lines, &broken, NULL) == 0);
	HOLDS_ALWAYS(lines + broken <= len + 1);
}

/* A compilation database, or the record of a build, or a journal of requests. */
void fuzz_requests(const uint8_t *data, size_t len)
{
	struct parity_requests requests = {0};
	struct buf dir = BUF_INIT;
	uint8_t kind = fuzz_byte(&data, &len) % 3;
	buf_adds(&dir, fuzz_dir());
	if (kind == 0) {
		parity_read_database(&requests, fuzz_file("compile_commands.json", data, len), NULL);
	} else if (kind == 1) {
		buf_adds(&dir, "/record");
		mkdir(buf_str(&dir), 0700);
		fuzz_file("record/0", data, len);
		parity_read_record(&requests, buf_str(&dir), NULL);
	} else {
		static const char *const envp[] = {"PATH=/nonexistent", NULL};
		struct cli cli = {.envp = envp, .cwd = "/"};
		struct parity_work w = {.plan = {.cli = &cli}};
		struct config config = {.cache_root = dir.data};
		buf_adds(&dir, "/runs");
		mkdir(buf_str(&dir), 0700);
		buf_adds(&dir, "/r");
		mkdir(buf_str(&dir), 0700);
		fuzz_file("runs/r/" JOURNAL_FILE, data, len);
		dir.data[strlen(fuzz_dir())] = 0;
		parity_read_journal(&w, &config, "r", NULL);
		free(w.run);
		requests = w.requests;
	}
	parity_leave_path(&requests, "/usr");
	parity_sample(&requests, 2, 7);
	parity_requests_release(&requests);
	buf_release(&dir);
}

void fuzz_redact(const uint8_t *data, size_t len)
{
	static const char secret[] = "s3kr1t-V4lue-0x";
	const struct redaction on = {.enabled = true}, off = {.enabled = false};
	struct buf once = BUF_INIT, plain = BUF_INIT, planted = BUF_INIT;
	char *before = fuzz_text(&data, &len, '\n'), *text = fuzz_text(&data, &len, 0);
	bool hidden = redact_argument(&on, before, text, &once);
	HOLDS_ALWAYS(hidden ? strstr(buf_str(&once), REDACTED) != NULL : strcmp(buf_str(&once), text) == 0);
	redact_argument(&off, before, text, &plain);
	HOLDS_ALWAYS(strcmp(buf_str(&plain), text) == 0);
	buf_clear(&once);
	redact_text(&on, text, &once);
	/* The value of a name that says what it is never gets out, whatever stands before it. */
	buf_addf(&planted, "%s -DAPI_TOKEN=%s", text, secret);
	if (!strpbrk(text, "'\"`\\")) {
		buf_clear(&once);
		HOLDS_ALWAYS(redact_text(&on, buf_str(&planted), &once));
		HOLDS_ALWAYS(strstr(text, secret) || !strstr(buf_str(&once), secret));
	}
	buf_clear(&planted);
	buf_addf(&planted, "-DAPI_TOKEN=%s%s", secret, text);
	buf_clear(&once);
	HOLDS_ALWAYS(redact_argument(&on, before, buf_str(&planted), &once));
	HOLDS_ALWAYS(!strstr(buf_str(&once), secret));
	free(before);
	free(text);
	buf_release(&once);
	buf_release(&plain);
	buf_release(&planted);
}

void fuzz_json(const uint8_t *data, size_t len)
{
	struct buf out = BUF_INIT;
	struct json j = json_to(&out, len & 1);
	const char *text = data ? (const char *)data : "";
	json_open(&j, NULL, '{');
	json_strn(&j, "value", text, len);
	json_open(&j, "list", '[');
	json_strn(&j, NULL, text, len / 2);
	json_close(&j, ']');
	json_close(&j, '}');
	HOLDS_ALWAYS(buf_ok(&out));
	/* It always parses; a text that is UTF-8 comes back. */
	json_t *root = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL), *value = json_object_get(root, "value");
	HOLDS_ALWAYS(root && json_is_string(value));
	if (json_is_utf8(text, len))
		HOLDS_ALWAYS(json_string_length(value) == len && (!len || memcmp(json_string_value(value), text, len) == 0));
	json_decref(root);
	buf_release(&out);
}

void fuzz_path(const uint8_t *data, size_t len)
{
	char *one = fuzz_text(&data, &len, 0), *two = fuzz_text(&data, &len, 0);
	char *whole = path_absolute("/a/b", one), *again = whole ? path_absolute("/", whole) : NULL;
	HOLDS_ALWAYS(whole && again && *whole == '/' && strcmp(whole, again) == 0);
	HOLDS_ALWAYS(!strstr(whole, "//") && !strstr(whole, "/./"));
	char *dir = path_dir(one);
	HOLDS_ALWAYS(dir && *dir);
	HOLDS_ALWAYS(path_stem_len(path_base(one)) <= strlen(path_base(one)));
	HOLDS_ALWAYS(!path_is_below(whole, "/a/b/c") || strncmp(whole, "/a/b/c", 6) == 0);
	worktree_rest("/a/b", whole);
	worktree_is_plain(one);
	if (*two)
		worktree_has_neighbour(two, one);
	path_tidy(one);
	HOLDS_ALWAYS(!strstr(one, "//"));
	free(again);
	free(whole);
	free(dir);
	free(one);
	free(two);
}
