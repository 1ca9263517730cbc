/* json: commas, nesting, indentation, and strings that always parse. */
#include "json.h"
#include "room.h"

#include <math.h>

void suite_json(void);

static void commas_and_nesting_are_kept(void)
{
	struct buf b = BUF_INIT;
	struct json j = json_to(&b, false);
	json_open(&j, NULL, '{');
	json_u64(&j, "max", UINT64_MAX);
	json_i64(&j, "min", INT64_MIN);
	json_bool(&j, "yes", true);
	json_bool(&j, "no", false);
	json_str(&j, "none", NULL);
	json_double(&j, "half", 0.5, 2);
	json_open(&j, "list", '[');
	json_str(&j, NULL, "a");
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_open(&j, NULL, '[');
	json_close(&j, ']');
	json_u64(&j, NULL, 0);
	json_close(&j, ']');
	json_str(&j, "k\"ey", "after");
	json_close(&j, '}');
	CU_ASSERT(buf_ok(&b));
	SAME(b.data, "{\"max\":18446744073709551615,\"min\":-9223372036854775808,\"yes\":true,\"no\":false,\"none\":null,"
	             "\"half\":0.50,\"list\":[\"a\",{},[],0],\"k\\\"ey\":\"after\"}");
	buf_release(&b);
}

static void pretty_text_has_a_member_a_line(void)
{
	struct buf b = BUF_INIT;
	struct json j = json_to(&b, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "a", 1);
	json_open(&j, "b", '[');
	json_u64(&j, NULL, 2);
	json_u64(&j, NULL, 3);
	json_close(&j, ']');
	json_open(&j, "c", '{');
	json_close(&j, '}');
	json_close(&j, '}');
	SAME(b.data, "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    3\n  ],\n  \"c\": {}\n}");
	buf_release(&b);
}

#define BAD "\\ufffd"

static void strings_are_escaped(void)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", ""},
		{"plain /text", "plain /text"},
		{"q\" b\\ n\n t\t r\r", "q\\\" b\\\\ n\\n t\\t r\\u000d"},
		{"\x01\x1f\x7f", "\\u0001\\u001f\\u007f"},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xef\xbf\xbd \xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80", "\xef\xbf\xbd \xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80"},
		{"\x80", BAD},                     /* a continuation alone */
		{"\xff\xfe", BAD BAD},
		{"\xc0\x80", BAD BAD},             /* overlong */
		{"\xc1\xbf", BAD BAD},
		{"\xe0\x9f\xbf", BAD BAD BAD},
		{"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD},
		{"\xed\xa0\x80", BAD BAD BAD},     /* a surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* beyond the last character */
		{"\xf5\x80\x80\x80", BAD BAD BAD BAD},
		{"\xc3", BAD},                     /* cut */
		{"a\xe2\x82", "a" BAD BAD},
		{"\xf0\x9f\x98", BAD BAD BAD},
		{"\xc3(", BAD "("},
		{"\xe2\x82\"", BAD BAD "\\\""},
		{"\xc3\xc3\xa9", BAD "\xc3\xa9"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT, expected = BUF_INIT;
		struct json j = json_to(&b, false);
		json_str(&j, NULL, cases[i].text);
		buf_addf(&expected, "\"%s\"", cases[i].expected);
		SAME(buf_str(&b), buf_str(&expected));
		buf_release(&b);
		buf_release(&expected);
	}
}

/* The number of a well-formed sequence at p, by the table of RFC 3629; -1 for none. *n: its bytes. */
static long decode(const unsigned char *p, size_t left, size_t *n)
{
	static const struct {
		unsigned mask, lead, bytes;
		long first;
	} forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
	for (size_t f = 0; f < 4; f++) {
		if ((p[0] & forms[f].mask) != forms[f].lead)
			continue;
		long c = p[0] & ~forms[f].mask & 0xff;
		for (*n = 1; *n < forms[f].bytes; ++*n) {
			if (*n >= left || (p[*n] & 0xc0) != 0x80)
				return -1;
			c = c << 6 | (p[*n] & 0x3f);
		}
		return c < forms[f].first || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1 : c;
	}
	return -1;
}

/* Every pair of bytes behind every kind of lead: the output is UTF-8 without control characters. */
static void whatever_the_bytes_the_output_parses(void)
{
	static const unsigned char leads[] = {'a', 0xc3, 0xe0, 0xe2, 0xed, 0xf0, 0xf1, 0xf4, 0xf8};
	size_t wrong = 0;
	struct buf b = BUF_INIT;
	for (size_t l = 0; l < sizeof leads; l++)
		for (unsigned pair = 0; pair < 0x10000; pair++) {
			const char raw[] = {(char)leads[l], (char)(pair >> 8), (char)pair};
			buf_clear(&b);
			struct json j = json_to(&b, false);
			json_strn(&j, NULL, raw, sizeof raw);
			size_t n = 1;
			for (size_t i = 0; i < b.len; i += n) {
				long c = decode((unsigned char *)b.data + i, b.len - i, &n);
				if (c < 0x20) {
					wrong++;
					break;
				}
			}
		}
	buf_release(&b);
	SAME_NUMBER(wrong, 0);
}

static void too_deep_is_a_failure(void)
{
	struct buf b = BUF_INIT;
	struct json j = json_to(&b, false);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_open(&j, NULL, '[');
	CU_ASSERT(buf_ok(&b));
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_close(&j, ']');
	CU_ASSERT(buf_ok(&b));
	SAME_NUMBER(b.len, 2 * JSON_DEPTH_MAX);
	for (int i = 0; i <= JSON_DEPTH_MAX + 5; i++)
		json_open(&j, NULL, '[');
	CU_ASSERT_FALSE(buf_ok(&b));
	buf_release(&b);
}

/* JSON has no words for them. */
static void numbers_that_are_none_are_null(void)
{
	struct buf b = BUF_INIT;
	struct json j = json_to(&b, false);
	json_open(&j, NULL, '[');
	json_double(&j, NULL, (double)NAN, 1);
	json_double(&j, NULL, (double)INFINITY, 1);
	json_double(&j, NULL, -1.25, 1);
	json_close(&j, ']');
	SAME(buf_str(&b), "[null,null,-1.2]");
	buf_release(&b);
}

void suite_json(void)
{
	CU_pSuite s = CU_add_suite("json", NULL, NULL);
	CU_add_test(s, "commas and nesting are kept", commas_and_nesting_are_kept);
	CU_add_test(s, "pretty text has a member a line", pretty_text_has_a_member_a_line);
	CU_add_test(s, "strings are escaped", strings_are_escaped);
	CU_add_test(s, "whatever the bytes, the output parses", whatever_the_bytes_the_output_parses);
	CU_add_test(s, "too deep is a failure", too_deep_is_a_failure);
	CU_add_test(s, "numbers that are none are null", numbers_that_are_none_are_null);
}
