/*
 * redact: see redact.h. One pass over the text: at each place a table of shapes
 * is tried, at each '=' or ':' the name in front of it is looked up.
 */
#include "redact.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- names ------------------------------------------------------------------------ */

enum name_class {
	NAME_PLAIN,
	NAME_HINT,    /* secret when the value looks random as well */
	NAME_SECRET,  /* secret unless the value is a yes, a no or a small number */
	NAME_STRONG,  /* secret unless the value is a yes or a no */
	NAME_DENIED,  /* by the user: always */
	NAME_ALLOWED  /* by the user: never */
};

/* Anywhere in a name. */
static const char *const strong_parts[] = {
	"password", "passwd", "passphrase", "secret", "credential", "apikey", "privatekey", "accesskey", "authorization", "authtoken",
};

/* As a whole word of a name: "api_key", "apiKey", "KEY2", but not "KEYBOARD". */
static const struct {
	const char *word;
	enum name_class class;
} name_words[] = {
	{"key", NAME_SECRET},     {"keys", NAME_SECRET},      {"token", NAME_SECRET},    {"tokens", NAME_SECRET},
	{"auth", NAME_SECRET},    {"pass", NAME_SECRET},      {"passcode", NAME_SECRET}, {"psk", NAME_SECRET},
	{"jwt", NAME_SECRET},     {"bearer", NAME_SECRET},    {"otp", NAME_SECRET},      {"creds", NAME_SECRET},
	{"sig", NAME_HINT},       {"signature", NAME_HINT},   {"salt", NAME_HINT},       {"cookie", NAME_HINT},
	{"session", NAME_HINT},   {"webhook", NAME_HINT},     {"private", NAME_HINT},    {"access", NAME_HINT},
	{"account", NAME_HINT},   {"cert", NAME_HINT},        {"license", NAME_HINT},    {"pwd", NAME_SECRET},
};

/* A name that ends so speaks of a secret and does not hold one: KEY_SIZE, TOKEN_TYPE, PASSWORD_FILE. */
static const char *const harmless_ends[] = {
	"size", "sizes", "len", "length", "bits", "bytes", "count", "num", "max", "min", "limit", "type", "kind", "class", "file",
	"filename", "path", "dir", "directory", "enabled", "disabled", "enable", "version", "prefix", "suffix", "plugin", "method",
	"mode", "format", "style", "header", "timeout", "ttl", "name", "index", "align", "slot", "macro", "function",
};

/*
 * What follows these maps or names paths: NAME=PATH is nobody's secret there.
 * And "-mNAME=": the compiler itself names those values.
 */
static const char *const path_options[] = {
	"-ffile-prefix-map", "-fdebug-prefix-map", "-fmacro-prefix-map", "-fprofile-prefix-map", "-fcoverage-prefix-map",
	"--remap-path-prefix", "--extern", "-L", "-l", "-m",
};

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool same_word(const char *at, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(at, word, len) == 0;
}

static bool has_part(const char *at, size_t len, const char *part)
{
	size_t n = strlen(part);
	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(at + i, part, n) == 0)
			return true;
	return false;
}

/* Is there a new word at i: after a sign, or where the case says so ("apiKey", "APIKey")? */
static bool word_begins(const char *name, size_t len, size_t i)
{
	if (i == 0 || !isalpha((unsigned char)name[i - 1]))
		return true;
	bool upper = isupper((unsigned char)name[i]);
	return upper && (islower((unsigned char)name[i - 1]) || (i + 1 < len && islower((unsigned char)name[i + 1])));
}

static enum name_class class_of_word(const char *word, size_t len)
{
	for (size_t i = 0; i < COUNT_OF(name_words); i++)
		if (same_word(word, len, name_words[i].word))
			return name_words[i].class;
	return NAME_PLAIN;
}

static enum name_class class_of_words(const char *name, size_t len)
{
	enum name_class found = NAME_PLAIN;
	for (size_t i = 0; i < len;) {
		size_t from = i++;
		if (!isalpha((unsigned char)name[from]))
			continue;
		while (i < len && isalpha((unsigned char)name[i]) && !word_begins(name, len, i))
			i++;
		enum name_class class = class_of_word(name + from, i - from);
		if (class > found)
			found = class;
		bool last = i == len;
		for (size_t k = 0; last && k < COUNT_OF(harmless_ends); k++)
			if (same_word(name + from, i - from, harmless_ends[k]))
				return NAME_PLAIN;
		/* The shell's own variable, a directory. */
		if (last && from == 0 && same_word(name, len, "pwd"))
			return NAME_PLAIN;
	}
	for (size_t k = 0; k < COUNT_OF(strong_parts); k++)
		if (has_part(name, len, strong_parts[k]))
			return NAME_STRONG;
	return found;
}

static bool matches(const char *const *patterns, const char *name)
{
	for (; patterns && *patterns; patterns++)
		if (fnmatch(*patterns, name, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

static enum name_class class_of(const struct redaction *r, const char *name, size_t len)
{
	size_t dashes = 0;
	while (dashes < len && name[dashes] == '-')
		dashes++;
	bool define = dashes == 1 && len > 2 && name[1] == 'D';
	name += dashes + define;
	len -= dashes + define;
	if ((r->deny && *r->deny) || (r->allow && *r->allow)) {
		char *text = strndup(name, len);
		enum name_class said = !text || matches(r->deny, text) ? NAME_DENIED : matches(r->allow, text) ? NAME_ALLOWED : NAME_PLAIN;
		free(text);
		if (said != NAME_PLAIN)
			return said;
	}
	return class_of_words(name, len);
}

/* ---- values ------------------------------------------------------------------------ */

/* The value without the quotes and brackets around it. */
static const char *bare_value(const char *value, size_t *len)
{
	static const char around[] = "=\"'\\() \t";
	while (*len && strchr(around, *value)) {
		value++;
		--*len;
	}
	while (*len && strchr(around, value[*len - 1]))
		--*len;
	return value;
}

static bool is_yes_or_no(const char *value, size_t len)
{
	static const char *const words[] = {"", "0", "1", "y", "n", "m", "on", "off", "yes", "no", "true", "false", "null", "none"};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (same_word(value, len, words[i]))
			return true;
	return false;
}

/* A number, or a sum of some: 256, 0x7fUL, (1 << 20). */
static bool is_small_number(const char *value, size_t len)
{
	enum { DIGITS_MAX = 8 };
	size_t sum = 0;
	for (size_t k = 0; k < len && strchr("0123456789<>+-* ", value[k]); k++)
		if (isdigit((unsigned char)value[k]) && ++sum <= DIGITS_MAX && k + 1 == len)
			return true;
	size_t i = len > 2 && value[0] == '0' && (value[1] == 'x' || value[1] == 'X') ? 2 : 0, from = i;
	while (i < len && (from ? isxdigit((unsigned char)value[i]) : isdigit((unsigned char)value[i])))
		i++;
	size_t digits = i - from;
	while (i < len && strchr("uUlL", value[i]))
		i++;
	return digits && digits <= DIGITS_MAX && i == len;
}

/* A long run of base64 or hex with both letters and digits in it. */
static bool looks_random(const char *value, size_t len)
{
	enum { RUN_MIN = 20 };
	size_t run = 0, letters = 0, digits = 0;
	for (size_t i = 0; i < len; i++) {
		bool alpha = isalpha((unsigned char)value[i]), digit = isdigit((unsigned char)value[i]);
		if (!alpha && !digit && !strchr("+/_=-", value[i])) {
			run = letters = digits = 0;
			continue;
		}
		run++;
		letters += alpha;
		digits += digit;
		if (run >= RUN_MIN && letters && digits)
			return true;
	}
	return false;
}

static bool is_secret(enum name_class class, const char *value, size_t len)
{
	value = bare_value(value, &len);
	switch (class) {
	case NAME_DENIED:
		return len > 0;
	case NAME_STRONG:
		return !is_yes_or_no(value, len);
	case NAME_SECRET:
		return !is_yes_or_no(value, len) && !is_small_number(value, len);
	case NAME_HINT:
		return looks_random(value, len);
	default:
		return false;
	}
}

/* ---- shapes ------------------------------------------------------------------------ */

enum alphabet { UPPER, ALNUM, HEX, WORD, WORD_DOT };

/* A prefix and at least so many characters. From the issuers' documentation of their own formats. */
static const struct shape {
	const char *prefix;
	enum alphabet alphabet;
	size_t least;
	bool with_digit; /* the prefix is an ordinary word: a digit has to follow */
} shapes[] = {
	{"AKIA", UPPER, 16, false},        {"ASIA", UPPER, 16, false},      {"ABIA", UPPER, 16, false},
	{"ACCA", UPPER, 16, false},        {"AIza", WORD, 35, false},       {"GOCSPX-", WORD, 28, false},
	{"ya29.", WORD, 20, false},        {"ghp_", ALNUM, 36, false},      {"gho_", ALNUM, 36, false},
	{"ghu_", ALNUM, 36, false},        {"ghs_", ALNUM, 36, false},      {"ghr_", ALNUM, 36, false},
	{"github_pat_", WORD, 22, false},  {"glpat-", WORD, 20, false},     {"gldt-", WORD, 20, false},
	{"glrt-", WORD, 20, false},        {"glcbt-", WORD, 20, false},     {"glptt-", WORD, 20, false},
	{"glft-", WORD, 20, false},        {"glsoat-", WORD, 20, false},    {"glimt-", WORD, 20, false},
	{"glagent-", WORD, 20, false},     {"xoxb-", WORD, 10, false},      {"xoxp-", WORD, 10, false},
	{"xoxa-", WORD, 10, false},        {"xoxr-", WORD, 10, false},      {"xoxs-", WORD, 10, false},
	{"xoxe-", WORD, 10, false},        {"xoxe.", WORD, 10, false},      {"xapp-", WORD, 10, true},
	{"npm_", ALNUM, 36, false},        {"pypi-Ag", WORD, 40, false},    {"rubygems_", HEX, 48, false},
	{"cio", ALNUM, 32, true},          {"sk_live_", ALNUM, 16, false},  {"rk_live_", ALNUM, 16, false},
	{"sk_test_", ALNUM, 16, false},    {"rk_test_", ALNUM, 16, false},  {"whsec_", ALNUM, 16, false},
	{"sk-", WORD, 32, true},           {"SG.", WORD_DOT, 60, false},    {"SK", HEX, 32, false},
	{"key-", HEX, 32, false},          {"dop_v1_", HEX, 64, false},     {"doo_v1_", HEX, 64, false},
	{"dor_v1_", HEX, 64, false},       {"dckr_pat_", WORD, 20, false},  {"dckr_oat_", WORD, 20, false},
	{"hf_", ALNUM, 30, false},         {"hvs.", WORD, 24, false},       {"hvb.", WORD, 24, false},
	{"dapi", HEX, 32, false},          {"shpat_", HEX, 32, false},      {"shpss_", HEX, 32, false},
	{"shpca_", HEX, 32, false},        {"lin_api_", ALNUM, 32, false},  {"AGE-SECRET-KEY-1", UPPER, 50, false},
};

/* The first letters of the table, of "eyJ", "Bearer" and "-----BEGIN". */
static const char leaders[] = "AGSbcdeghklnprswxyB-";

enum { SHAPE_LEAST = 12, PARAMETERS_MAX = 256 /* bytes of a macro's parameters */ };

static bool in_alphabet(enum alphabet alphabet, char c)
{
	unsigned char u = (unsigned char)c;
	switch (alphabet) {
	case UPPER:
		return isupper(u) || isdigit(u);
	case ALNUM:
		return isalnum(u);
	case HEX:
		return isxdigit(u);
	case WORD:
		return isalnum(u) || c == '_' || c == '-';
	case WORD_DOT:
		return isalnum(u) || c == '_' || c == '-' || c == '.';
	}
	return false;
}

static size_t span(enum alphabet alphabet, const char *at)
{
	size_t n = 0;
	while (at[n] && in_alphabet(alphabet, at[n]))
		n++;
	return n;
}

static size_t token_length(const char *at)
{
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		const struct shape *s = &shapes[i];
		if (*at != *s->prefix)
			continue;
		size_t n = strlen(s->prefix);
		if (strncmp(at, s->prefix, n) != 0)
			continue;
		size_t rest = span(s->alphabet, at + n);
		if (rest >= s->least && (!s->with_digit || strcspn(at + n, "0123456789") < rest))
			return n + rest;
	}
	return 0;
}

/* RFC 7519: two or three parts in base64url; the first is an object, so it begins with {" encoded. */
static size_t web_token_length(const char *at)
{
	enum { PART_LEAST = 8 };
	if (strncmp(at, "eyJ", 3) != 0)
		return 0;
	size_t head = span(WORD, at);
	size_t body = at[head] == '.' ? span(WORD, at + head + 1) : 0;
	if (head < PART_LEAST || body < PART_LEAST)
		return 0;
	size_t n = head + 1 + body;
	return at[n] == '.' ? n + 1 + span(WORD, at + n + 1) : n;
}

/* RFC 7468. Cut short it counts to the end of the text. */
static size_t private_key_length(const char *at)
{
	enum { LABEL_MAX = 40 };
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	if (strncmp(at, begin, sizeof begin - 1) != 0)
		return 0;
	const char *label = strstr(at, "PRIVATE KEY");
	if (!label || label - at > LABEL_MAX)
		return 0;
	const char *last = strstr(label, end);
	const char *close = last ? strstr(last + sizeof end - 1, "-----") : NULL;
	return close ? (size_t)(close - at) + 5 : strlen(at);
}

/* RFC 6750: "Bearer TOKEN"; the word alone is English. */
static size_t bearer_length(const char *at)
{
	enum { LEAST = 8, SURE = 20 };
	if (strncasecmp(at, "bearer ", 7) != 0)
		return 0;
	const char *token = at + 7;
	size_t n = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");
	return n >= SURE || (n >= LEAST && strcspn(token, "0123456789") < n) ? 7 + n : 0;
}

static size_t secret_length(const char *at)
{
	size_t n = token_length(at);
	if (!n)
		n = web_token_length(at);
	if (!n)
		n = private_key_length(at);
	return n ? n : bearer_length(at);
}

/* The user information in SCHEME://USER:PASSWORD@HOST, at "://". A long name without a password is a token. */
static size_t url_secret_length(const char *at)
{
	enum { TOKEN_LEAST = 16 };
	if (strncmp(at, "://", 3) != 0)
		return 0;
	const char *from = at + 3, *end = from + strcspn(from, "/?#\"' \\<>"), *sign = NULL;
	for (const char *p = from; p < end; p++)
		if (*p == '@')
			sign = p;
	if (!sign)
		return 0;
	const char *colon = memchr(from, ':', (size_t)(sign - from));
	bool secret = colon ? colon + 1 < sign : sign - from >= TOKEN_LEAST;
	return secret ? (size_t)(sign - from) : 0;
}

/* ---- the pass ------------------------------------------------------------------------ */

struct pass {
	const struct redaction *rules;
	const char *text;
	size_t len;
	bool prose;
	bool names; /* NAME=VALUE counts */
	struct buf *out;
};

/* The name in front of the separator at i; *len 0: none. Quotes, blanks and a macro's parameters may stand between. */
static const char *name_before(const struct pass *p, size_t i, size_t *len)
{
	const char *text = p->text;
	while (i && (strchr("\"'\\", text[i - 1]) || (text[i - 1] == ' ' && !p->prose)))
		i--;
	if (i && text[i - 1] == ')') {
		const char *from = text + (i > PARAMETERS_MAX ? i - PARAMETERS_MAX : 0), *open = memrchr(from, '(', (size_t)(text + i - from));
		i = open ? (size_t)(open - text) : i;
	}
	size_t end = i;
	while (i && is_name_char(text[i - 1]))
		i--;
	*len = end - i;
	return text + i;
}

/* Where the value that begins at i ends. */
static size_t value_end(const struct pass *p, size_t i)
{
	if (!p->prose)
		return p->len;
	size_t from = i + (p->text[i] == '\\');
	if (p->text[from] == '"' || p->text[from] == '\'') {
		const char *close = strchr(p->text + from + 1, p->text[from]);
		return close ? (size_t)(close - p->text) + 1 : p->len;
	}
	return i + strcspn(p->text + i, " \t\n");
}

/* At a separator: the length of the value behind it, when the name decides over it. */
static size_t named_value(const struct pass *p, size_t i, bool *hide)
{
	const char *text = p->text;
	bool colon = text[i] == ':';
	size_t n;
	if (!p->names || (colon && (p->prose || text[i + 1] == ':' || text[i + 1] == '/' || (i && text[i - 1] == ':'))))
		return 0;
	const char *name = name_before(p, i, &n);
	enum name_class class = n ? class_of(p->rules, name, n) : NAME_PLAIN;
	if (class == NAME_PLAIN || (colon && class != NAME_STRONG))
		return 0;
	size_t value = value_end(p, i + 1) - (i + 1);
	*hide = is_secret(class, text + i + 1, value);
	return *hide || class == NAME_ALLOWED ? value : 0;
}

static bool run_pass(const struct pass *p)
{
	bool changed = false;
	size_t shown = 0; /* text up to here is in out */
	for (size_t i = 0; i < p->len; i++) {
		char c = p->text[i];
		size_t skip = 0, secret = 0; /* i + skip is where the secret begins */
		if (c == '=' || c == ':') {
			bool hide = false;
			skip = 1;
			secret = named_value(p, i, &hide);
			if (secret && !hide) { /* allowed: it passes as it is */
				i += secret;
				continue;
			}
			if (!secret && c == ':') {
				secret = url_secret_length(p->text + i);
				skip = 3;
			}
		} else if (p->len - i >= SHAPE_LEAST && strchr(leaders, c)) {
			bool glued = i == 2 && p->text[0] == '-'; /* -Ighp_… */
			if (i == 0 || glued || !isalnum((unsigned char)p->text[i - 1]))
				secret = secret_length(p->text + i);
		}
		if (!secret)
			continue;
		buf_add(p->out, p->text + shown, i + skip - shown);
		buf_adds(p->out, REDACTED);
		shown = i + skip + secret;
		i = shown - 1;
		changed = true;
	}
	buf_add(p->out, p->text + shown, p->len - shown);
	return changed;
}

/* `--api-token VALUE`. With one dash the letters of other options run into the name. */
static bool announces_secret(const struct redaction *r, const char *before)
{
	if (!before || strncmp(before, "--", 2) != 0 || strchr(before, '='))
		return false;
	enum name_class class = class_of(r, before, strlen(before));
	return class == NAME_DENIED || class == NAME_SECRET || class == NAME_STRONG;
}

static bool names_paths(const char *before, const char *argument)
{
	for (size_t i = 0; i < COUNT_OF(path_options); i++) {
		const char *option = path_options[i];
		size_t n = strlen(option);
		if (before && *argument != '-' && strcmp(before, option) == 0)
			return true;
		if (strncmp(argument, option, n) == 0 && (argument[n] == '=' || n == 2))
			return true;
	}
	return false;
}

bool redact_argument(const struct redaction *r, const char *before, const char *argument, struct buf *out)
{
	size_t len = strlen(argument);
	if (r->enabled && len && *argument != '-' && announces_secret(r, before)) {
		buf_adds(out, REDACTED);
		return true;
	}
	if (!r->enabled) {
		buf_add(out, argument, len);
		return false;
	}
	const struct pass pass = {.rules = r, .text = argument, .len = len, .names = !names_paths(before, argument), .out = out};
	return run_pass(&pass);
}

bool redact_text(const struct redaction *r, const char *text, struct buf *out)
{
	size_t len = strlen(text);
	if (!r->enabled) {
		buf_add(out, text, len);
		return false;
	}
	const struct pass pass = {.rules = r, .text = text, .len = len, .prose = true, .names = true, .out = out};
	return run_pass(&pass);
}
