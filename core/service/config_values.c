/* config_values: single values (sizes, durations, truth, paths, nearest names) and the sentences about bad ones. */
#include "config_internal.h"

#include "path.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char origin[] = "config";

/* ---- errors ------------------------------------------------------------------------ */

struct shown config_shown(const char *value)
{
	enum { KEPT = 40 };
	struct shown s;
	size_t n = strlen(value), len = n > KEPT ? KEPT : n;
	/* Do not cut a UTF-8 character in two. */
	while (len && len < n && ((unsigned char)value[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++)
		s.text[i] = (unsigned char)value[i] < 0x20 || value[i] == 0x7f ? '?' : value[i];
	snprintf(s.text + len, sizeof s.text - len, "%s", len < n ? "..." : "");
	return s;
}

int config_fail(soldr_error *err, const struct config_source *at, const char *key, const char *fmt, ...)
{
	/* The end of a path says more than its beginning, and the mend must still fit. */
	enum { PATH_SHOWN = 160, KEY_SHOWN = 100 };
	if (!err)
		return SOLDR_E_CONFIG;
	char text[sizeof err->message], position[32] = "";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const char *name = at && at->file ? at->file : "";
	size_t len = strlen(name);
	const char *cut = len > PATH_SHOWN ? "..." : "";
	if (*cut)
		name += len - PATH_SHOWN;
	if (at && at->line > 0)
		snprintf(position, sizeof position, ":%d:%d", at->line, at->column);
	/* A variable or an option of the command line is its own key. */
	bool named = at && at->origin >= CONFIG_FROM_ENV;
	bool with_key = key && *key && !named;
	int id = err_id_length(text);
	return err_set(err, SOLDR_E_CONFIG, 0, origin, "%.*s%s%s%s%s%.*s%s%s", id, text, cut, name, position, *name ? ": " : "", KEY_SHOWN,
	               with_key ? key : "", with_key ? ": " : "", text + id);
}

int config_no_memory(soldr_error *err)
{
	return err_set(err, SOLDR_E_NOMEM, 0, origin, E102_NO_MEMORY_READING, "the configuration");
}

struct shown config_did_you_mean(const char *name, const char *const *items)
{
	struct shown s = {""};
	const char *near = config_nearest(name, items);
	if (near)
		snprintf(s.text, sizeof s.text, " (did you mean \"%.40s\"?)", near);
	return s;
}

/* ---- numbers with units --------------------------------------------------------------- */

struct unit {
	const char *name;
	uint64_t factor;
};

#define KIB ((uint64_t)1 << 10)
#define KB ((uint64_t)1000)

/* As GNU coreutils reads them: K and KiB are 1024, KB is 1000. */
static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"K", KIB},
	{"KiB", KIB},
	{"KB", KB},
	{"M", KIB *KIB},
	{"MiB", KIB *KIB},
	{"MB", KB *KB},
	{"G", KIB *KIB *KIB},
	{"GiB", KIB *KIB *KIB},
	{"GB", KB *KB *KB},
	{"T", KIB *KIB *KIB *KIB},
	{"TiB", KIB *KIB *KIB *KIB},
	{"TB", KB *KB *KB *KB},
	{"P", KIB *KIB *KIB *KIB *KIB},
	{"PiB", KIB *KIB *KIB *KIB *KIB},
	{"PB", KB *KB *KB *KB *KB},
	{NULL, 0},
};

#define SECOND ((uint64_t)1000000000)

static const struct unit duration_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", SECOND},
	{"m", 60 * SECOND},
	{"min", 60 * SECOND},
	{"h", 3600 * SECOND},
	{"d", 86400 * SECOND},
	{"w", 7 * 86400 * SECOND},
	{NULL, 0},
};

/* Digits at *p, which moves past them. False where they overflow. */
static bool take_digits(const char **p, uint64_t *value)
{
	for (*value = 0; isdigit((unsigned char)**p); ++*p) {
		uint64_t digit = (uint64_t)(**p - '0');
		if (*value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return true;
}

/* DIGITS [. DIGITS] [blanks] UNIT, in whole numbers throughout: a double would lose bytes. */
static int parse_quantity(const char *text, const struct unit *units, int (*compare)(const char *, const char *),
                          uint64_t *out)
{
	/* The fraction times the largest unit must fit 64 bits. */
	enum { FRACTION_DIGITS_MAX = 4 };
	uint64_t whole, fraction = 0, scale = 1;
	const char *p = text;
	if (!isdigit((unsigned char)*p) || !take_digits(&p, &whole))
		return SOLDR_E_INVALID;
	if (*p == '.') {
		const char *from = ++p;
		while (isdigit((unsigned char)*p) && p - from < FRACTION_DIGITS_MAX) {
			fraction = fraction * 10 + (uint64_t)(*p++ - '0');
			scale *= 10;
		}
		if (p == from)
			return SOLDR_E_INVALID;
	}
	p += strspn(p, " ");
	if (whole == 0 && fraction == 0 && !*p) {
		*out = 0;
		return 0;
	}
	const struct unit *u = units;
	while (u->name && compare(u->name, p) != 0)
		u++;
	if (!u->name || (scale > 1 && u->factor == 1) || whole > UINT64_MAX / u->factor)
		return SOLDR_E_INVALID;
	uint64_t part = fraction * u->factor / scale;
	if (whole * u->factor > UINT64_MAX - part)
		return SOLDR_E_INVALID;
	*out = whole * u->factor + part;
	return 0;
}

int config_parse_size(const char *text, uint64_t *bytes)
{
	return parse_quantity(text, size_units, strcasecmp, bytes);
}

int config_parse_duration(const char *text, uint64_t *ns)
{
	/* "M" is no minute. */
	return parse_quantity(text, duration_units, strcmp, ns);
}

int config_parse_int(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	if (!*digits || digits[strspn(digits, "0123456789")])
		return SOLDR_E_INVALID;
	errno = 0;
	long long n = strtoll(text, NULL, 10);
	if (errno)
		return SOLDR_E_INVALID;
	*value = n;
	return 0;
}

int config_parse_bool(const char *text, bool *value)
{
	static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*value = i % 2;
			return 0;
		}
	}
	return SOLDR_E_INVALID;
}

/* ---- names ------------------------------------------------------------------------------- */

enum { NEAREST_LENGTH_MAX = 64 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap two neighbours; case counts for nothing. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][NEAREST_LENGTH_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
			now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && tolower((unsigned char)a[i - 2]) == cb)
				now[j] = least(now[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

const char *config_nearest(const char *name, const char *const *items)
{
	size_t len = strlen(name);
	if (len == 0 || len > NEAREST_LENGTH_MAX)
		return NULL;
	const char *best = NULL;
	size_t best_distance = least(1 + len / 4, 3) + 1;
	for (; items && *items; items++) {
		size_t n = strlen(*items);
		if (n > NEAREST_LENGTH_MAX)
			continue;
		size_t d = edit_distance(name, len, *items, n);
		/* One-letter names are all one edit apart. */
		if (d < best_distance && d < n) {
			best = *items;
			best_distance = d;
		}
	}
	return best;
}

char *config_expand_path(const char *text, const char *home, enum path_fault *fault)
{
	*fault = PATH_FINE;
	if (*text == '/')
		return path_absolute("/", text);
	if (text[0] == '~' && (text[1] == '/' || !text[1])) {
		if (home)
			return path_absolute(home, text[1] ? text + 2 : ".");
		*fault = PATH_HOMELESS;
	} else {
		*fault = PATH_RELATIVE;
	}
	return NULL;
}

static bool hex_field(const char *p, size_t len, bool zero_allowed)
{
	return strspn(p, "0123456789abcdef") >= len && (zero_allowed || strspn(p, "0") < len);
}

bool config_valid_traceparent(const char *t)
{
	/* version "-" trace-id "-" parent-id "-" flags; https://www.w3.org/TR/trace-context/#traceparent-header */
	enum { FIXED = 55 };
	if (strlen(t) < FIXED || strncmp(t, "ff", 2) == 0 || t[2] != '-' || t[35] != '-' || t[52] != '-')
		return false;
	bool fields = hex_field(t, 2, true) && hex_field(t + 3, 32, false) && hex_field(t + 36, 16, false) &&
	              hex_field(t + 53, 2, true);
	bool end = t[FIXED] == 0 || (strncmp(t, "00", 2) != 0 && t[FIXED] == '-');
	return fields && end;
}
