/* redact: secrets in every form that an argument can have are taken out, and ordinary arguments stay as they are. */
#include "redact.h"
#include "redact_lines.h"
#include "room.h"

void suite_redact(void);

static const struct redaction built_in = {.enabled = true};

#define ROWS(table) (sizeof(table) / sizeof *(table))

/* xorshift64: the same secrets in every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void add_random(struct buf *b, const char *alphabet, size_t len, uint64_t *state)
{
	size_t n = strlen(alphabet);
	for (size_t i = 0; i < len; i++)
		buf_addc(b, alphabet[(next_random(state) >> 11) % n]);
}

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdef"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS CAPITALS "abcdefghijklmnopqrstuvwxyz"
#define WORD_CHARS LETTERS DIGITS "_-"

/* A kind has a shape of its own, or the argument's name gives it away. */
static const struct {
	const char *prefix, *alphabet;
	size_t len;
	bool shaped;
} kinds[] = {
	{"AKIA", CAPITALS DIGITS, 16, true},
	{"ASIA", CAPITALS DIGITS, 16, true},
	{"AIza", WORD_CHARS, 35, true},
	{"ghp_", LETTERS DIGITS, 36, true},
	{"ghs_", LETTERS DIGITS, 36, true},
	{"github_pat_", LETTERS DIGITS, 40, true},
	{"glpat-", WORD_CHARS, 20, true},
	{"xoxb-1234567890-", LETTERS DIGITS, 24, true},
	{"npm_", LETTERS DIGITS, 36, true},
	{"pypi-AgEIcHlwaS5vcmc", WORD_CHARS, 60, true},
	{"sk_live_", LETTERS DIGITS, 24, true},
	{"SG.aaaaaaaaaaaaaaaaaaaaaa.", WORD_CHARS, 43, true},
	{"hvs.", LETTERS DIGITS, 40, true},
	{"dop_v1_", HEX_DIGITS, 64, true},
	{"eyJhbGciOiJIUzI1NiJ9.eyJ", LETTERS DIGITS, 40, true},
	{"-----BEGIN RSA PRIVATE KEY-----\\n", LETTERS DIGITS "+/", 64, true},
	{"", LETTERS DIGITS "+/", 40, false},
	{"", HEX_DIGITS, 40, false},
	{"", LETTERS, 12, false},
	{"p4ss ", LETTERS DIGITS "!$%", 9, false},
};

/* Where a secret can stand; %s is the secret. The first ones tell nothing by their name. */
static const struct {
	const char *before, *form;
	bool named;
} forms[] = {
	{NULL, "-DSETTING=\"%s\"", false},
	{NULL, "-DX=%s", false},
	{NULL, "@/tmp/build/%s.rsp", false},
	{NULL, "%s", false},
	{"-D", "VALUE=%s", false},
	{NULL, "-DURL=\"https://api.example.org/v1?q=%s\"", false},
	{NULL, "-I/srv/%s/include", false},
	{NULL, "-DPASSWORD=%s", true},
	{NULL, "-DPASSWORD=\"%s\"", true},
	{"-D", "TOKEN=\"%s\"", true},
	{"-D", "dbPassword='%s'", true},
	{NULL, "-DAPI_KEY=\\\"%s\\\"", true},
	{NULL, "-DMY_SECRET_2=%s", true},
	{NULL, "-Wp,-DAUTH_TOKEN=%s", true},
	{"--cfg", "api_token=\"%s\"", true},
	{NULL, "--cfg=client_secret=\"%s\"", true},
	{"--api-token", "%s", true},
	{NULL, "--access-key=%s", true},
	{NULL, "-DCFG={\"password\": \"%s\"}", true},
	{NULL, "-DURL=\"https://user:%s@example.org/x\"", true},
	{NULL, "-DURL=\"https://example.org/x?access_token=%s\"", true},
	{NULL, "-DHEADER=\"Authorization: Basic %s\"", true},
	{NULL, "@/tmp/password=%s.rsp", true},
};

static void secrets_of_twenty_kinds_do_not_survive(void)
{
	enum { EACH = 10 };
	uint64_t state = 0x5eed5eed5eedu;
	size_t made = 0, placed = 0;
	CU_ASSERT_EQUAL(ROWS(kinds), 20);
	for (size_t k = 0; k < ROWS(kinds); k++)
		for (int i = 0; i < EACH; i++, made++) {
			struct buf secret = BUF_INIT;
			buf_adds(&secret, kinds[k].prefix);
			add_random(&secret, kinds[k].alphabet, kinds[k].len, &state);
			for (size_t f = 0; f < ROWS(forms); f++) {
				const char *at = strstr(forms[f].form, "%s");
				bool in_url = strstr(forms[f].form, "https://user:"), path_like = strpbrk(secret.data, "/ ") != NULL;
				/* A slash or blank is none in a URL: it would be encoded. */
				if ((!kinds[k].shaped && !forms[f].named) || (in_url && path_like))
					continue;
				struct buf argument = BUF_INIT, out = BUF_INIT;
				buf_add(&argument, forms[f].form, (size_t)(at - forms[f].form));
				buf_add(&argument, secret.data, secret.len);
				buf_adds(&argument, at + 2);
				CU_ASSERT_TRUE(redact_argument(&built_in, forms[f].before, argument.data, &out));
				const char *random = secret.data + strlen(kinds[k].prefix);
				if (strstr(out.data, random))
					fprintf(stderr, "\n  survives: %s\n  in:       %s\n", argument.data, out.data);
				CU_ASSERT_PTR_NULL(strstr(out.data, random));
				CU_ASSERT_PTR_NOT_NULL(strstr(out.data, REDACTED));
				placed++;
				buf_release(&argument);
				buf_release(&out);
			}
			buf_release(&secret);
		}
	SAME_NUMBER(made, 200);
	CU_ASSERT(placed > 3000);
}

static void ordinary_arguments_are_untouched(void)
{
	for (size_t i = 0; i < ROWS(ordinary_lines); i++) {
		struct buf out = BUF_INIT;
		CU_ASSERT_FALSE(redact_argument(&built_in, i ? ordinary_lines[i - 1] : NULL, ordinary_lines[i], &out));
		SAME(buf_str(&out), ordinary_lines[i]);
		buf_release(&out);
	}
}

struct row {
	const char *before, *argument, *clean;
};

static void expect_rows(const struct redaction *rules, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct buf out = BUF_INIT;
		bool changed = redact_argument(rules, rows[i].before, rows[i].argument, &out);
		SAME(buf_str(&out), rows[i].clean);
		CU_ASSERT_EQUAL(changed, strcmp(rows[i].argument, rows[i].clean) != 0);
		buf_release(&out);
	}
}

static void only_the_secret_is_taken_out(void)
{
	static const struct row rows[] = {
		{NULL, "-DPASSWORD=hunter2", "-DPASSWORD=[redacted]"},
		{NULL, "-DURL=\"https://me:pw@host/path\"", "-DURL=\"https://[redacted]@host/path\""},
		{NULL, "-DURL=\"https://me@host/path\"", "-DURL=\"https://me@host/path\""},
		{NULL, "-DURL=\"https://abcdefghij0123456789@host/\"", "-DURL=\"https://[redacted]@host/\""},
		{NULL, "-DA=\"xAKIAIOSFODNN7EXAMPLE\"", "-DA=\"xAKIAIOSFODNN7EXAMPLE\""},
		{NULL, "-DA=\"AKIAIOSFODNN7EXAMPLE,b\"", "-DA=\"[redacted],b\""},
		{NULL, "-DA=\"Bearer abcdefgh1\"", "-DA=\"[redacted]\""},
		{NULL, "-DKEY(x)=\"abc\"", "-DKEY(x)=[redacted]"},
		{NULL, "-DSESSION=c2Vzc2lvbi1pZC0xMjM0NTY3ODkw", "-DSESSION=[redacted]"},
		{NULL, "-DDB_PWD=abc", "-DDB_PWD=[redacted]"},
		{NULL, "-DA=-----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY-----,B", "-DA=[redacted],B"},
		{NULL, "-DA=-----BEGIN CERTIFICATE-----x", "-DA=-----BEGIN CERTIFICATE-----x"},
		{"--token", "abc", "[redacted]"},
		{"--token", "-c", "-c"},
		{"-token", "abc", "abc"},
		{"-L", "-DPASSWORD=hunter2", "-DPASSWORD=[redacted]"}, /* no value of -L */
		{"--extern", "key=/t/glpat-aaaaaaaaaaaaaaaaaaaa", "key=/t/[redacted]"},
		{NULL, "", ""},
	};
	expect_rows(&built_in, rows, ROWS(rows));
}

static void the_user_denies_and_allows_names(void)
{
	static const char *const deny[] = {"ACME_*", NULL}, *const allow[] = {"acme_open", "*_FIXTURE", "TOKEN", NULL};
	const struct redaction rules = {true, deny, allow}, off = {false, deny, allow};
	static const struct row rows[] = {
		{NULL, "-DACME_HOST=x", "-DACME_HOST=[redacted]"},
		{NULL, "-Dacme_open=1", "-Dacme_open=[redacted]"}, /* deny comes first */
		{NULL, "-DTOKEN=abc", "-DTOKEN=abc"},
		{NULL, "-DKEY_FIXTURE=AKIAIOSFODNN7EXAMPLE", "-DKEY_FIXTURE=AKIAIOSFODNN7EXAMPLE"},
		{NULL, "-DOTHER=AKIAIOSFODNN7EXAMPLE", "-DOTHER=[redacted]"},
		{NULL, "-DPASSWORD=abc", "-DPASSWORD=[redacted]"},
		{"--acme_x", "abc", "[redacted]"},
	};
	static const struct row as_it_is[] = {{NULL, "-DPASSWORD=AKIAIOSFODNN7EXAMPLE", "-DPASSWORD=AKIAIOSFODNN7EXAMPLE"},
	                                      {"--password", "x", "x"}};
	expect_rows(&rules, rows, ROWS(rows));
	expect_rows(&off, as_it_is, ROWS(as_it_is));
}

static void a_sentence_loses_words_and_not_its_end(void)
{
	static const struct {
		const char *text, *clean;
	} rows[] = {
		{"bypass unsupported_option -DPASSWORD=x1 here", "bypass unsupported_option -DPASSWORD=[redacted] here"},
		{"token=\"a b\" is left", "token=[redacted] is left"},
		{"the secret: cannot open /etc/x", "the secret: cannot open /etc/x"},
		{"fetch https://a:b@c/ failed", "fetch https://[redacted]@c/ failed"},
		{"hit, exit 0 signal 0, 504 us", "hit, exit 0 signal 0, 504 us"},
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf out = BUF_INIT;
		redact_text(&built_in, rows[i].text, &out);
		SAME(buf_str(&out), rows[i].clean);
		buf_release(&out);
	}
}

/* No cut of a secret, quote or bracket reads beyond the text: sanitizers watch. */
static void torn_text_is_read_to_its_end_only(void)
{
	static const char *const texts[] = {
		"-DX=\"-----BEGIN RSA PRIVATE KEY-----\\nabc\\n-----END RSA PRIVATE KEY-----\"", "Bearer abcdefghijklmnopqrstuvwxyz",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.abc", "https://user:password@host/", "-DKEY(a,b)=\\\"(x)\\\"", "=:=)(=", "--x=\"token\": '",
	};
	for (size_t i = 0; i < ROWS(texts); i++)
		for (size_t len = 0; len <= strlen(texts[i]); len++) {
			char *cut = strndup(texts[i], len);
			struct buf out = BUF_INIT;
			redact_argument(&built_in, cut, cut, &out);
			redact_text(&built_in, cut, &out);
			CU_ASSERT_TRUE(buf_ok(&out));
			buf_release(&out);
			free(cut);
		}
}

void suite_redact(void)
{
	CU_pSuite s = CU_add_suite("redact", NULL, NULL);
	CU_add_test(s, "s11: secrets of twenty kinds do not survive", secrets_of_twenty_kinds_do_not_survive);
	CU_add_test(s, "ordinary arguments are untouched", ordinary_arguments_are_untouched);
	CU_add_test(s, "only the secret is taken out", only_the_secret_is_taken_out);
	CU_add_test(s, "the user denies and allows names", the_user_denies_and_allows_names);
	CU_add_test(s, "a sentence loses words and not its end", a_sentence_loses_words_and_not_its_end);
	CU_add_test(s, "torn text is read to its end only", torn_text_is_read_to_its_end_only);
}
