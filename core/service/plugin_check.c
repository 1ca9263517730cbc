/*
 * plugin_check: see plugin_check.h.
 *
 * Everything that a plugin hands over is read as if it came from a newer, an
 * older or a broken build: alignment before the first read, abi and struct_size
 * before any other member, no member past struct_size, every string with a
 * maximum. Which members belong to which cap bit is one table.
 */
#include "plugin_check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char origin[] = "loader";

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum { BACKEND_NAME_MAX = 31, BACKEND_VERSION_MAX = 31 };

/* What version 1.0 of the ABI fixes: smaller is no table, larger is a newer minor. */
#define OPTION_SIZE_1_0 ((uint32_t)(offsetof(soldr_option_spec, help) + sizeof(const char *)))

/* One function of the table; cap 0: every backend has it. */
struct member {
	const char *name;
	uint64_t cap;
	size_t offset;
};

#define MEMBER(name, cap) {#name, cap, offsetof(soldr_backend, name)}

static const struct member members[] = {
	MEMBER(open, 0),
	MEMBER(compile, 0),
	MEMBER(close, 0),
	MEMBER(stats, SOLDR_CAP_STATS),
	MEMBER(flush, SOLDR_CAP_FLUSH),
	MEMBER(maintain, SOLDR_CAP_MAINTAIN),
	MEMBER(shutdown, SOLDR_CAP_SHUTDOWN),
	MEMBER(explain, SOLDR_CAP_EXPLAIN),
};

enum { MEMBER_COUNT = sizeof members / sizeof *members, MEMBER_SIZE = sizeof(void (*)(void)) };

/* Cap bits that promise a behaviour and have no function. */
#define CAPS_PLAIN (SOLDR_CAP_CONCURRENT | SOLDR_CAP_CACHING)

static int refuse(soldr_error *err, const char *what)
{
	return err_set(err, SOLDR_E_ABI, 0, origin, "%s", what);
}

/* A string of 1 to max bytes, all of them in charset. */
static bool well_formed(const char *text, size_t max, const char *charset)
{
	if (!text || !*text)
		return false;
	size_t len = strnlen(text, max + 1);
	return len <= max && strspn(text, charset) == len;
}

static bool printable(const char *text, size_t max)
{
	size_t len = text ? strnlen(text, max + 1) : 0;
	if (!len || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* ---- functions and capabilities ----------------------------------------------- */

static bool member_is_null(const soldr_backend *table, const struct member *m)
{
	static const unsigned char zero[MEMBER_SIZE];
	return memcmp((const unsigned char *)table + m->offset, zero, MEMBER_SIZE) == 0;
}

static int check_members(soldr_backend *copy, uint32_t their_size, const char **clause, soldr_error *err)
{
	uint64_t known = CAPS_PLAIN;
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		const struct member *m = &members[i];
		bool outside = m->offset + MEMBER_SIZE > their_size;
		bool wanted = !m->cap || (copy->caps & m->cap);
		*clause = m->cap ? "table-6" : "table-5";
		known |= m->cap;
		if (wanted && outside)
			return err_set(err, SOLDR_E_ABI, 0, origin, E320_CAP_OUTSIDE,
			               m->name, their_size);
		if (wanted && member_is_null(copy, m) && m->cap)
			return err_set(err, SOLDR_E_ABI, 0, origin, E321_CAP_NULL, m->name);
		if (wanted && member_is_null(copy, m))
			return err_set(err, SOLDR_E_ABI, 0, origin, E322_FUNCTION_NULL, m->name);
		/* Nobody may call what no bit promised, nor half a pointer at the edge of a short table. */
		if (!wanted)
			memset((unsigned char *)copy + m->offset, 0, MEMBER_SIZE);
	}
	copy->caps &= known;
	return 0;
}

/* ---- options -------------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);
	for (const char *p = choices;; p++) {
		size_t n = strcspn(p, "|");
		if (n == len && memcmp(p, value, n) == 0)
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

static bool choices_well_formed(const char *choices)
{
	if (!printable(choices, PLUGIN_OPTION_TEXT_MAX))
		return false;
	size_t len = strlen(choices);
	return choices[0] != '|' && choices[len - 1] != '|' && !strstr(choices, "||");
}

static bool default_is_bool(const soldr_option_spec *o)
{
	return strcmp(o->default_value, "true") == 0 || strcmp(o->default_value, "false") == 0;
}

static bool default_is_int(const soldr_option_spec *o)
{
	const char *digits = o->default_value + (*o->default_value == '-');
	/* 18 digits always fit, so that no overflow has to be looked for. */
	if (!well_formed(digits, 18, DIGITS))
		return false;
	int64_t value = strtoll(o->default_value, NULL, 10);
	return (!o->min && !o->max) || (value >= o->min && value <= o->max);
}

/* "20GiB", "1.5 MB", "30d": the shape only; the unit's meaning is the configuration's business. */
static bool default_is_quantity(const soldr_option_spec *o)
{
	size_t number = strspn(o->default_value, DIGITS ".");
	const char *unit = o->default_value + number;
	unit += *unit == ' ';
	return number && *o->default_value != '.' && strspn(unit, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(unit);
}

static bool default_is_choice(const soldr_option_spec *o)
{
	return is_choice(o->choices, o->default_value);
}

/* By enum soldr_option_type; default_ok NULL: any text will do. */
static const struct option_type {
	bool (*default_ok)(const soldr_option_spec *);
	const char *needs;
} option_types[] = {
	[SOLDR_OPT_STRING] = {NULL, NULL},
	[SOLDR_OPT_BOOL] = {default_is_bool, "true or false"},
	[SOLDR_OPT_INT] = {default_is_int, "a number between min and max"},
	[SOLDR_OPT_SIZE] = {default_is_quantity, "a size such as 20GiB"},
	[SOLDR_OPT_DURATION] = {default_is_quantity, "a duration such as 30d"},
	[SOLDR_OPT_ENUM] = {default_is_choice, "one of its choices"},
	[SOLDR_OPT_LIST] = {NULL, NULL},
	[SOLDR_OPT_PATH] = {NULL, NULL},
	[SOLDR_OPT_MAP] = {NULL, NULL},
};

enum { OPTION_TYPE_COUNT = sizeof option_types / sizeof *option_types };

/* "a" and "a", and also "a" and "a.b": one place in the YAML cannot be a value and a mapping. */
static bool names_collide(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), shorter = n < m ? n : m;
	const char *longer = n < m ? b : a;
	return strncmp(a, b, shorter) == 0 && (longer[shorter] == 0 || longer[shorter] == '.');
}

static bool option_name_ok(const char *name)
{
	return well_formed(name, PLUGIN_OPTION_NAME_MAX, LOWER DIGITS "_.-") && name[0] != '.' &&
	       name[strlen(name) - 1] != '.' && !strstr(name, "..");
}

static int check_option(const soldr_option_spec *o, soldr_error *err)
{
	if (!option_name_ok(o->name))
		return err_set(err, SOLDR_E_ABI, 0, origin, E323_OPTION_NAME, PLUGIN_OPTION_NAME_MAX, o->name);
	if (strncmp(o->name, "host.", 5) == 0)
		return err_set(err, SOLDR_E_ABI, 0, origin, E324_OPTION_NAME_HOST, PLUGIN_OPTION_NAME_MAX, o->name);
	if (o->type >= OPTION_TYPE_COUNT)
		return err_set(err, SOLDR_E_ABI, 0, origin, E325_OPTION_TYPE,
		               o->name, o->type);
	if (o->min > o->max)
		return err_set(err, SOLDR_E_ABI, 0, origin, E326_OPTION_MIN_MAX, PLUGIN_OPTION_NAME_MAX, o->name);
	if (o->type == SOLDR_OPT_ENUM && !choices_well_formed(o->choices))
		return err_set(err, SOLDR_E_ABI, 0, origin, E327_OPTION_CHOICES, PLUGIN_OPTION_NAME_MAX, o->name);
	if (!o->default_value)
		return 0;
	const struct option_type *type = &option_types[o->type];
	if (strnlen(o->default_value, PLUGIN_OPTION_TEXT_MAX + 1) > PLUGIN_OPTION_TEXT_MAX)
		return err_set(err, SOLDR_E_ABI, 0, origin, E328_OPTION_DEFAULT_LONG, PLUGIN_OPTION_NAME_MAX, o->name);
	if (type->default_ok && !type->default_ok(o))
		return err_set(err, SOLDR_E_ABI, 0, origin, E329_OPTION_DEFAULT,
		               o->name, o->default_value, type->needs);
	return 0;
}

static const soldr_option_spec *option_at(const soldr_option_spec *first, uint64_t stride, size_t index)
{
	return (const soldr_option_spec *)(const void *)((const char *)first + index * stride);
}

static int check_options(const soldr_option_spec *first, uint64_t *stride_out, soldr_error *err)
{
	*stride_out = 0;
	if (!first)
		return 0;
	if ((uintptr_t)first % _Alignof(soldr_option_spec))
		return refuse(err, E330_OPTIONS_UNALIGNED);
	if (!first->name)
		return 0;
	uint64_t stride = first->struct_size;
	if (stride < OPTION_SIZE_1_0 || stride > PLUGIN_OPTION_SIZE_MAX || stride % _Alignof(soldr_option_spec))
		return err_set(err, SOLDR_E_ABI, 0, origin, E331_OPTIONS_SIZE,
		               stride);
	for (size_t i = 0;; i++) {
		const soldr_option_spec *o = option_at(first, stride, i);
		if (!o->name)
			break;
		if (i == PLUGIN_OPTIONS_MAX)
			return err_set(err, SOLDR_E_ABI, 0, origin, E332_OPTIONS_ENDLESS, PLUGIN_OPTIONS_MAX);
		/* Before the name is followed: a wrong distance makes it point anywhere. */
		if (o->struct_size != stride)
			return err_set(err, SOLDR_E_ABI, 0, origin, E333_OPTIONS_SIZES_DIFFER,
			               i + 1, o->struct_size, stride);
		int rc = check_option(o, err);
		if (rc)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (names_collide(option_at(first, stride, k)->name, o->name))
				return err_set(err, SOLDR_E_ABI, 0, origin, E334_OPTIONS_COLLIDE,
				               option_at(first, stride, k)->name, o->name);
	}
	*stride_out = stride;
	return 0;
}

/* ---- the table ------------------------------------------------------------------- */

int plugin_check_clauses(const soldr_backend *theirs, soldr_backend *out, uint64_t *stride, const char **clause, soldr_error *err)
{
	*clause = "table-1";
	if (!theirs)
		return refuse(err, E335_NO_TABLE);
	if ((uintptr_t)theirs % _Alignof(soldr_backend))
		return refuse(err, E336_TABLE_UNALIGNED);
	*clause = "table-2";
	uint32_t abi = theirs->abi, size = theirs->struct_size;
	if (SOLDR_ABI_MAJOR_OF(abi) != SOLDR_ABI_MAJOR)
		return err_set(err, SOLDR_E_ABI, 0, origin, E337_TABLE_ABI,
		               SOLDR_ABI_MAJOR_OF(abi), abi & 0xffff, SOLDR_ABI_MAJOR, SOLDR_ABI_MINOR, SOLDR_ABI_MAJOR);
	*clause = "table-3";
	if (size < SOLDR_BACKEND_SIZE_1_0 || size > PLUGIN_TABLE_SIZE_MAX)
		return err_set(err, SOLDR_E_ABI, 0, origin, E338_TABLE_SIZE,
		               size, SOLDR_BACKEND_SIZE_1_0, PLUGIN_TABLE_SIZE_MAX);

	soldr_backend copy;
	memset(&copy, 0, sizeof copy);
	memcpy(&copy, theirs, size < sizeof copy ? size : sizeof copy);
	copy.struct_size = sizeof copy;
	*clause = "table-4";
	if (!well_formed(copy.name, BACKEND_NAME_MAX, LOWER DIGITS "_-"))
		return refuse(err, E339_TABLE_NAME);
	if (!printable(copy.version, BACKEND_VERSION_MAX))
		return refuse(err, E340_TABLE_VERSION);
	int rc = check_members(&copy, size, clause, err);
	uint64_t distance = 0;
	if (rc)
		return rc;
	*clause = "table-7";
	rc = check_options(copy.options, &distance, err);
	if (rc)
		return rc;
	if (!distance)
		copy.options = NULL;
	*out = copy;
	*stride = distance;
	return 0;
}

int plugin_check_table(const soldr_backend *theirs, soldr_backend *out, uint64_t *stride, soldr_error *err)
{
	const char *clause;
	return plugin_check_clauses(theirs, out, stride, &clause, err);
}
