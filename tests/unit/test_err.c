/* err: what a caller finds in its soldr_error. */
#include "room.h"

#include <errno.h>

void suite_err(void);

static void an_error_says_what_and_why(void)
{
	soldr_error err = {0};
	SAME_NUMBER(err_set(&err, SOLDR_E_IO, ENOSPC, "store", "cannot write %s", "/x/y"), SOLDR_E_IO);
	SAME_NUMBER(err.struct_size, sizeof err);
	SAME_NUMBER(err.code, SOLDR_E_IO);
	SAME_NUMBER(err.sys_errno, ENOSPC);
	SAME(err.origin, "store");
	SAME(err.message, "cannot write /x/y: No space left on device");
	err_set(&err, SOLDR_E_CONFIG, 0, "config", "no such key");
	SAME(err.message, "no such key");
	SAME_NUMBER(err.sys_errno, 0);
}

static void nobody_needs_to_listen(void)
{
	SAME_NUMBER(err_set(NULL, SOLDR_E_LIMIT, 0, "x", "%d", 1), SOLDR_E_LIMIT);
	SAME_NUMBER(err_prefix(NULL, "x"), SOLDR_E_INTERNAL);
}

static void long_texts_are_cut_with_a_nul(void)
{
	soldr_error err;
	char text[2000];
	memset(&err, 0x5a, sizeof err);
	memset(text, 't', sizeof text - 1);
	text[sizeof text - 1] = 0;
	err_set(&err, SOLDR_E_IO, EIO, text, "%s", text);
	SAME_NUMBER(strlen(err.origin), sizeof err.origin - 1);
	SAME_NUMBER(strlen(err.message), sizeof err.message - 1);
	/* The cause is cut too, where only a part of it has room. */
	err_set(&err, SOLDR_E_IO, EIO, "x", "%.*s", (int)sizeof err.message - 5, text);
	SAME_NUMBER(strlen(err.message), sizeof err.message - 1);
	char cause[8];
	snprintf(cause, 5, ": %s", strerror(EIO));
	SAME(err.message + sizeof err.message - 5, cause);
}

static void a_prefix_goes_before(void)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char text[2000];
	err_set(&err, SOLDR_E_NOT_FOUND, 0, "fs", "cannot open f");
	SAME_NUMBER(err_prefix(&err, "plugin %s", "acme"), SOLDR_E_NOT_FOUND);
	SAME(err.message, "plugin acme: cannot open f");
	memset(text, 'p', sizeof text - 1);
	text[sizeof text - 1] = 0;
	err_prefix(&err, "%s", text);
	SAME_NUMBER(strlen(err.message), sizeof err.message - 1);
	SAME_NUMBER(strspn(err.message, "p"), sizeof err.message - 3);
	err_set(&err, SOLDR_E_IO, 0, "fs", "%.*s", (int)sizeof err.message - 1, text);
	err_prefix(&err, "q");
	SAME_NUMBER(strlen(err.message), sizeof err.message - 1);
	CU_ASSERT_EQUAL(strncmp(err.message, "q: ppp", 6), 0);
}

static void the_id_goes_to_the_end(void)
{
	soldr_error err = SOLDR_ERROR_INIT;
	err_set(&err, SOLDR_E_IO, ENOENT, "fs", E104_NOT_OPENED, "f");
	SAME(err.message, "cannot open f: No such file or directory [E104]");
	err_prefix(&err, "plugin %s", "acme");
	SAME(err.message, "plugin acme: cannot open f: No such file or directory [E104]");
	err_suffix(&err, "; mend %d", 1);
	SAME(err.message, "plugin acme: cannot open f: No such file or directory; mend 1 [E104]");
	err_set(&err, SOLDR_E_IO, 0, "fs", "%s", "E101 as a text");
	SAME(err.message, "as a text [E101]");
	/* Nothing else is taken for an id. */
	err_set(&err, SOLDR_E_IO, 0, "fs", "%s", "E1012 as a text [E10]");
	SAME(err.message, "E1012 as a text [E10]");
	SAME_NUMBER(err_suffix(NULL, "x"), SOLDR_E_INTERNAL);
}

static void the_innermost_id_stays(void)
{
	soldr_error err = SOLDR_ERROR_INIT, outer = SOLDR_ERROR_INIT;
	struct buf b = BUF_INIT;
	err_set(&err, SOLDR_E_IO, 0, "fs", E104_NOT_OPENED, "f");
	err_set(&outer, SOLDR_E_ABI, EIO, "loader", E315_PLUGIN_REFUSES, err.message);
	buf_addf(&b, "refuses this soldr: cannot open f: %s [E104]", strerror(EIO)); /* C libraries word it differently */
	SAME(outer.message, buf_str(&b));
	buf_clear(&b);
	err_show(&b, "E503 unknown option --x");
	SAME(buf_str(&b), "unknown option --x [E503]");
	buf_clear(&b);
	err_show(&b, outer.message);
	SAME(buf_str(&b), outer.message);
	buf_release(&b);
}

static void an_id_is_never_cut_off(void)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char text[2000];
	memset(text, 't', sizeof text - 1);
	text[sizeof text - 1] = 0;
	err_set(&err, SOLDR_E_IO, EIO, "x", E104_NOT_OPENED, text);
	SAME_NUMBER(strlen(err.message), sizeof err.message - 1);
	SAME(err.message + sizeof err.message - 9, "t [E104]");
	err_prefix(&err, "%s", text);
	SAME(err.message + sizeof err.message - 9, "t [E104]");
	err_set(&err, SOLDR_E_IO, 0, "x", E104_NOT_OPENED, "f");
	err_suffix(&err, "%s", text);
	SAME_NUMBER(strlen(err.message), sizeof err.message - 1);
	SAME(err.message + sizeof err.message - 9, "t [E104]");
}

static void every_code_has_its_words(void)
{
	for (int code = SOLDR_OK; code <= SOLDR_E_SHUTDOWN; code++) {
		CU_ASSERT_FATAL(err_code_text(code) && *err_code_text(code));
		for (int other = SOLDR_OK; other < code; other++)
			CU_ASSERT_STRING_NOT_EQUAL(err_code_text(code), err_code_text(other));
	}
	SAME(err_code_text(-1), "unknown error");
	SAME(err_code_text(SOLDR_E_SHUTDOWN + 1), "unknown error");
	SAME(err_code_text(1 << 30), "unknown error");
}

void suite_err(void)
{
	CU_pSuite s = CU_add_suite("err", NULL, NULL);
	CU_add_test(s, "an error says what and why", an_error_says_what_and_why);
	CU_add_test(s, "nobody needs to listen", nobody_needs_to_listen);
	CU_add_test(s, "long texts are cut with a NUL", long_texts_are_cut_with_a_nul);
	CU_add_test(s, "a prefix goes before", a_prefix_goes_before);
	CU_add_test(s, "the id goes to the end", the_id_goes_to_the_end);
	CU_add_test(s, "the innermost id stays", the_innermost_id_stays);
	CU_add_test(s, "an id is never cut off", an_id_is_never_cut_off);
	CU_add_test(s, "every code has its words", every_code_has_its_words);
}
