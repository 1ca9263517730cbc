/*
 * plugin_check: tables and option specs made here, well formed and not.
 */
#include "plugin_check.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

void suite_plugin_check(void);

static int32_t nothing_open(const soldr_host *host, const soldr_kv *kv, uint32_t n, soldr_instance **out, soldr_error *err)
{
	(void)host, (void)kv, (void)n, (void)out, (void)err;
	return 0;
}

static int32_t nothing_compile(soldr_instance *instance, const soldr_request *request, soldr_result *result, soldr_error *err)
{
	(void)instance, (void)request, (void)result, (void)err;
	return 0;
}

static void nothing_close(soldr_instance *instance)
{
	(void)instance;
}

static int32_t nothing_stats(soldr_instance *instance, soldr_stat_fn visit, void *arg, soldr_error *err)
{
	(void)instance, (void)visit, (void)arg, (void)err;
	return 0;
}

static soldr_backend sound_table(void)
{
	return (soldr_backend){
		.struct_size = sizeof(soldr_backend),
		.abi = SOLDR_ABI,
		.name = "test",
		.version = "1",
		.open = nothing_open,
		.compile = nothing_compile,
		.close = nothing_close,
	};
}

static int check_option_list(const soldr_option_spec *list, soldr_error *err)
{
	soldr_backend table = sound_table(), copy;
	uint64_t stride = 99;
	table.options = list;
	return plugin_check_table(&table, &copy, &stride, err);
}

static void half_a_pointer_at_the_end_of_a_table_is_not_used(void)
{
	soldr_backend table = sound_table(), copy;
	uint64_t stride = 99;
	soldr_error err = SOLDR_ERROR_INIT;
	table.stats = nothing_stats;
	table.struct_size = SOLDR_BACKEND_SIZE_1_0 + 3;
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), 0);
	CU_ASSERT_PTR_NULL(copy.stats);
	CU_ASSERT_EQUAL(stride, 0);
	table.caps = SOLDR_CAP_STATS;
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), SOLDR_E_ABI);
}

static void a_function_without_its_cap_bit_is_not_offered(void)
{
	soldr_backend table = sound_table(), copy;
	uint64_t stride;
	soldr_error err = SOLDR_ERROR_INIT;
	table.stats = nothing_stats;
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), 0);
	CU_ASSERT_PTR_NULL(copy.stats);
	table.caps = SOLDR_CAP_STATS | SOLDR_CAP_CACHING | (uint64_t)1 << 63;
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), 0);
	CU_ASSERT(copy.stats == nothing_stats);
	CU_ASSERT_EQUAL(copy.caps, SOLDR_CAP_STATS | SOLDR_CAP_CACHING);
}

static void names_and_versions_have_a_maximum(void)
{
	soldr_backend table = sound_table(), copy;
	uint64_t stride;
	soldr_error err = SOLDR_ERROR_INIT;
	table.name = "a-name-of-exactly-31-bytes-00031";
	CU_ASSERT_EQUAL(strlen(table.name), 32);
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), SOLDR_E_ABI);
	table.name++;
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), 0);
	table.version = "1\n2";
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), SOLDR_E_ABI);
	table.version = "";
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), SOLDR_E_ABI);
}

#define SPEC .struct_size = sizeof(soldr_option_spec)

static void option_specs_are_checked_for_their_shape(void)
{
	static const struct {
		soldr_option_spec spec;
		const char *says; /* NULL: accepted */
	} cases[] = {
		{{SPEC, .type = SOLDR_OPT_STRING, .name = "a_b-c.d9"}, NULL},
		{{SPEC, .type = SOLDR_OPT_STRING, .name = ""}, "bad name"},
		{{SPEC, .type = SOLDR_OPT_STRING, .name = "Size"}, "bad name"},
		{{SPEC, .type = SOLDR_OPT_STRING, .name = ".a"}, "bad name"},
		{{SPEC, .type = SOLDR_OPT_STRING, .name = "a."}, "bad name"},
		{{SPEC, .type = SOLDR_OPT_STRING, .name = "a..b"}, "bad name"},
		{{SPEC, .type = SOLDR_OPT_STRING, .name = "host.readonly"}, "the host's own"},
		{{SPEC, .type = 9, .name = "a"}, "type 9"},
		{{SPEC, .type = UINT32_MAX, .name = "a"}, "type 4294967295"},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .min = 2, .max = 1}, "min above its max"},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .default_value = "3", .min = 1, .max = 3}, NULL},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .default_value = "4", .min = 1, .max = 3}, "default \"4\""},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .default_value = "-4"}, NULL},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .default_value = "-"}, "default \"-\""},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .default_value = "3x"}, "default \"3x\""},
		{{SPEC, .type = SOLDR_OPT_INT, .name = "a", .default_value = "99999999999999999999"}, "default"},
		{{SPEC, .type = SOLDR_OPT_BOOL, .name = "a", .default_value = "false"}, NULL},
		{{SPEC, .type = SOLDR_OPT_BOOL, .name = "a", .default_value = "yes"}, "true or false"},
		{{SPEC, .type = SOLDR_OPT_SIZE, .name = "a", .default_value = "20GiB"}, NULL},
		{{SPEC, .type = SOLDR_OPT_SIZE, .name = "a", .default_value = "GiB"}, "a size such as"},
		{{SPEC, .type = SOLDR_OPT_SIZE, .name = "a", .default_value = "-1"}, "a size such as"},
		{{SPEC, .type = SOLDR_OPT_DURATION, .name = "a", .default_value = "5s"}, NULL},
		{{SPEC, .type = SOLDR_OPT_DURATION, .name = "a", .default_value = "soon"}, "a duration such as"},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = "x|yy", .default_value = "yy"}, NULL},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = "x|yy", .default_value = "y"}, "one of its choices"},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = "x|yy", .default_value = "x|yy"}, "one of its choices"},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = "x|yy"}, NULL},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a"}, "without well-formed choices"},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = ""}, "without well-formed choices"},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = "x||y"}, "without well-formed choices"},
		{{SPEC, .type = SOLDR_OPT_ENUM, .name = "a", .choices = "x|"}, "without well-formed choices"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const soldr_option_spec list[] = {cases[i].spec, {.name = NULL}};
		soldr_error err = SOLDR_ERROR_INIT;
		int rc = check_option_list(list, &err);
		if (rc == (cases[i].says ? SOLDR_E_ABI : 0) && (!cases[i].says || strstr(err.message, cases[i].says)))
			continue;
		fprintf(stderr, "\noption case %zu: expected \"%s\", got %d \"%s\"\n", i, cases[i].says ? cases[i].says : "accepted", rc,
		        err.message);
		CU_FAIL("an option spec was not judged as expected");
	}
}

static void an_option_list_that_leads_nowhere_is_refused(void)
{
	static char long_default[PLUGIN_OPTION_TEXT_MAX + 2];
	memset(long_default, 'x', sizeof long_default - 1);
	const soldr_option_spec wide[] = {{SPEC, .type = SOLDR_OPT_STRING, .name = "a", .default_value = long_default}, {.name = NULL}};
	const soldr_option_spec sized[] = {{.struct_size = 8, .name = "a"}, {.name = NULL}};
	soldr_error err = SOLDR_ERROR_INIT;
	CU_ASSERT_EQUAL(check_option_list(wide, &err), SOLDR_E_ABI);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "default that is too long [E328]"));
	CU_ASSERT_EQUAL(check_option_list((const void *)((const char *)wide + 1), &err), SOLDR_E_ABI);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "not aligned [E330]"));
	CU_ASSERT_EQUAL(check_option_list(sized, &err), SOLDR_E_ABI);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "[E331]"));
}

static void an_option_and_a_mapping_cannot_share_a_name(void)
{
	const soldr_option_spec nested[] = {{SPEC, .name = "a.b"}, {SPEC, .name = "a"}, {.name = NULL}};
	const soldr_option_spec siblings[] = {{SPEC, .name = "a.b"}, {SPEC, .name = "ab"}, {SPEC, .name = "a.c"}, {.name = NULL}};
	soldr_error err = SOLDR_ERROR_INIT;
	CU_ASSERT_EQUAL(check_option_list(nested, &err), SOLDR_E_ABI);
	CU_ASSERT_EQUAL(check_option_list(siblings, &err), 0);
}

static void an_option_list_without_an_end_is_refused(void)
{
	static soldr_option_spec list[PLUGIN_OPTIONS_MAX + 1];
	static char names[PLUGIN_OPTIONS_MAX + 1][8];
	for (size_t i = 0; i <= PLUGIN_OPTIONS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "o%zu", i);
		list[i] = (soldr_option_spec){SPEC, .name = names[i]};
	}
	soldr_error err = SOLDR_ERROR_INIT;
	CU_ASSERT_EQUAL(check_option_list(list, &err), SOLDR_E_ABI);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "more than 256 options"));
	list[PLUGIN_OPTIONS_MAX].name = NULL;
	CU_ASSERT_EQUAL(check_option_list(list, &err), 0);
}

static void larger_option_specs_of_a_newer_minor_are_followed(void)
{
	static const struct newer {
		soldr_option_spec spec;
		uint64_t added[2];
	} list[] = {
		{{.struct_size = sizeof(struct newer), .name = "first"}, {1, 1}},
		{{.struct_size = sizeof(struct newer), .name = "second"}, {1, 1}},
		{{.name = NULL}, {1, 1}},
	};
	soldr_backend table = sound_table(), copy;
	uint64_t stride = 0;
	soldr_error err = SOLDR_ERROR_INIT;
	table.options = &list[0].spec;
	CU_ASSERT_EQUAL(plugin_check_table(&table, &copy, &stride, &err), 0);
	CU_ASSERT_EQUAL(stride, sizeof(struct newer));
}

void suite_plugin_check(void)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
		{"half a pointer at the end of a table is not used", half_a_pointer_at_the_end_of_a_table_is_not_used},
		{"a function without its cap bit is not offered", a_function_without_its_cap_bit_is_not_offered},
		{"names and versions have a maximum", names_and_versions_have_a_maximum},
		{"option specs are checked for their shape", option_specs_are_checked_for_their_shape},
		{"an option and a mapping cannot share a name", an_option_and_a_mapping_cannot_share_a_name},
		{"an option list that leads nowhere is refused", an_option_list_that_leads_nowhere_is_refused},
		{"an option list without an end is refused", an_option_list_without_an_end_is_refused},
		{"larger option specs of a newer minor are followed", larger_option_specs_of_a_newer_minor_are_followed},
	};
	CU_pSuite suite = CU_add_suite("plugin_check", NULL, NULL);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		CU_add_test(suite, tests[i].name, tests[i].test);
}
