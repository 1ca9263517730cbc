/* main: runs every suite, or those that are named; the exit status is the number of suites' failures, at most 1. */
#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#define SUITES(X) \
	X(args_gcc) \
	X(args_rustc) \
	X(audit) \
	X(buf) \
	X(config) \
	X(config_files) \
	X(counters) \
	X(depfile) \
	X(depinfo) \
	X(digest) \
	X(entry) \
	X(err) \
	X(exec) \
	X(expansion) \
	X(files) \
	X(fs) \
	X(header_record) \
	X(history) \
	X(identity) \
	X(journal) \
	X(json) \
	X(key) \
	X(loader) \
	X(log) \
	X(manifest) \
	X(match) \
	X(native) \
	X(object) \
	X(path) \
	X(permits) \
	X(plugin_check) \
	X(redact) \
	X(remap) \
	X(response) \
	X(rust) \
	X(scan) \
	X(script) \
	X(service) \
	X(service_end) \
	X(service_host) \
	X(service_stream) \
	X(service_threads) \
	X(shadow) \
	X(store) \
	X(evict) \
	X(verify) \
	X(witness) \
	X(worktree) \
	X(wrapped)

#define DECLARE(name) void suite_##name(void);
SUITES(DECLARE)

static bool is_wanted(const char *name, char **names)
{
	bool wanted = !*names;
	for (; *names; names++)
		wanted = wanted || strcmp(*names, name) == 0;
	return wanted;
}

int main(int argc, char **argv)
{
	(void)argc;
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
#define ADD(name) \
	if (is_wanted(#name, argv + 1)) \
		suite_##name();
	SUITES(ADD)
	CU_set_fail_on_inactive(CU_FALSE);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	return failures != 0;
}
