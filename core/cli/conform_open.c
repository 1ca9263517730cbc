/*
 * conform_open: the checks of the table as hosts of other versions see it, of
 * open() and close(), of ownership and of errors.
 */
#include "conform.h"

#include "plugin_check.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPENED_FIRST = 16, /* openings before memory is counted: caches of the allocator fill */
	OPENED = 64,
	LEAK_LEAST = 16,   /* bytes of an opening that count as a leak */
	VALUE_HUGE = 1 << 16
};

/* ---- the table ----------------------------------------------------------------------- */

int conform_static_table(struct conform *c)
{
	soldr_error err = SOLDR_ERROR_INIT;
	conform_doing(c, "soldr_backend_v1()");
	const soldr_backend *one = c->plugin.entry(SOLDR_ABI, &err), *other = c->plugin.entry(SOLDR_ABI, &err);
	if (!one || !other)
		return conform_fail(c, "asked again, soldr_backend_v1() gave no table");
	return one == other ? 0 : conform_fail(c, "each call of soldr_backend_v1() gave another table: make it static");
}

int conform_other_minors(struct conform *c)
{
	soldr_backend copy;
	uint64_t stride;
	conform_doing(c, "soldr_backend_v1()");
	for (uint32_t minor = 0; minor < 12; minor += 4) {
		soldr_error err = SOLDR_ERROR_INIT;
		const soldr_backend *table = c->plugin.entry(SOLDR_ABI_MAJOR << 16 | minor, &err);
		err.message[sizeof err.message - 1] = 0;
		if (!table)
			return conform_fail(c, "it refuses a host of ABI %u.%u: %.300s", SOLDR_ABI_MAJOR, minor, err.message);
		if (plugin_check_table(table, &copy, &stride, &err) != 0)
			return conform_fail(c, "its table for a host of ABI %u.%u: %.300s", SOLDR_ABI_MAJOR, minor, err.message);
	}
	return 0;
}

int conform_other_major(struct conform *c)
{
	soldr_error err = SOLDR_ERROR_INIT;
	conform_doing(c, "soldr_backend_v1()");
	const soldr_backend *table = c->plugin.entry((SOLDR_ABI_MAJOR + 1) << 16, &err);
	if (table)
		return SOLDR_ABI_MAJOR_OF(table->abi) == SOLDR_ABI_MAJOR
		           ? 0 : conform_fail(c, "it gives a host of ABI %u.0 a table of ABI %u: what this check does not know", SOLDR_ABI_MAJOR + 1,
		                              SOLDR_ABI_MAJOR_OF(table->abi));
	const char *fault = conform_error_fault(&err, err.code);
	if (fault || !err.code)
		return conform_fail(c, "it gives a host of ABI %u.0 no table and does not say why: the code %d %s", SOLDR_ABI_MAJOR + 1, err.code,
		                    fault ? fault : "is that of success");
	return 0;
}

/* ---- open and close --------------------------------------------------------------------- */

int conform_opens(struct conform *c)
{
	soldr_instance *instance = NULL;
	int rc = conform_open(c, &instance);
	if (!rc)
		conform_close(c, instance);
	return rc;
}

int conform_unknown_option(struct conform *c)
{
	const soldr_kv extra = {"host.a_key_of_a_newer_host", "value"};
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_instance *instance = NULL;
	int32_t rc = conform_try_open(c, &extra, &instance, &err);
	if (rc)
		return conform_fail(c, "with a key more, %s, open() gave %d: %.300s", extra.key, rc, err.message);
	conform_close(c, instance);
	return 0;
}

/* One opening that may fail. */
static int try_value(struct conform *c, const char *name, const char *value)
{
	const soldr_kv extra = {name, value};
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_instance *const mark = (soldr_instance *)(void *)c, *instance = mark;
	int32_t rc = conform_try_open(c, &extra, &instance, &err);
	if (!rc && (instance == mark || !instance))
		return conform_fail(c, "with %s=\"%.40s\" open() gave success and no instance", name, value);
	if (!rc) {
		conform_close(c, instance);
		return 0;
	}
	const char *fault = conform_error_fault(&err, rc);
	if (instance != mark)
		return conform_fail(c, "with %s=\"%.40s\" open() failed, and has written to its output", name, value);
	return fault ? conform_fail(c, "with %s=\"%.40s\" open() gave %d, which %s", name, value, rc, fault) : 0;
}

int conform_bad_values(struct conform *c)
{
	static const char *const values[] = {"", "-1", "99999999999999999999999", "nonsense", "\xff\xfe", "%s%n", "../../x"};
	char *huge = malloc(VALUE_HUGE + 1);
	int rc = 0;
	for (size_t i = 0; c->plugin.options_stride && !rc; i++) {
		const soldr_option_spec *o = (const soldr_option_spec *)(const void *)((const char *)c->plugin.backend.options + i * c->plugin.options_stride);
		if (!o->name)
			break;
		char key[128];
		snprintf(key, sizeof key, "%s%s", o->name, o->type == SOLDR_OPT_MAP ? ".key" : "");
		for (size_t v = 0; v < sizeof values / sizeof *values && !rc; v++)
			rc = try_value(c, key, values[v]);
		if (huge && !rc) {
			memset(huge, 'x', VALUE_HUGE);
			huge[VALUE_HUGE] = 0;
			rc = try_value(c, key, huge);
		}
	}
	free(huge);
	return rc || c->plugin.options_stride ? rc : conform_skip(c, "it has no options");
}

int conform_close_null(struct conform *c)
{
	int rc = conform_opens(c);
	if (!rc)
		conform_close(c, NULL);
	return rc;
}

/* In-use bytes of malloc; 0 where they cannot be told. */
static size_t in_use(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
	return mallinfo2().uordblks;
#else
	return 0;
#endif
}

static int cycle(struct conform *c, size_t times)
{
	int rc = 0;
	for (size_t i = 0; i < times && !rc; i++)
		rc = conform_opens(c);
	return rc;
}

int conform_open_again(struct conform *c)
{
	return cycle(c, OPENED);
}

int conform_reopen_leaks(struct conform *c)
{
	int rc = cycle(c, OPENED_FIRST);
	size_t before = in_use();
	rc = rc ? rc : cycle(c, OPENED);
	size_t half = in_use();
	rc = rc ? rc : cycle(c, OPENED);
	size_t after = in_use();
	if (rc)
		return rc;
	if (c->host.live_count)
		return conform_fail(c, "%zu pieces of memory from alloc() were not given to release()", c->host.live_count);
	if (!before)
		return conform_skip(c, "this C library does not tell how much memory is in use");
	/* In both halves: what is kept once for all is no leak. */
	if (half > before && after > half && half - before >= OPENED * LEAK_LEAST && after - half >= OPENED * LEAK_LEAST)
		return conform_fail(c, "each open() and close() leaves some %zu bytes behind", (after - half) / OPENED);
	return 0;
}

/* ---- ownership ------------------------------------------------------------------------------ */

/* One compile in which nothing can be run: it fails, unless the backend needs to run nothing. */
static int32_t failing_call(struct conform *c, soldr_instance *instance, struct conform_call *call, int32_t why)
{
	static struct conform_argv argv;
	argv = conform_unit(c, "unit.c", "unit.o");
	conform_call_init(c, call, argv.items);
	c->host.fail_run = why;
	int32_t rc = conform_compile(c, instance, call);
	c->host.fail_run = 0;
	return rc;
}

int conform_outputs_untouched(struct conform *c)
{
	soldr_instance *instance = NULL;
	struct conform_call call;
	static const soldr_result zero;
	if (conform_open(c, &instance))
		return 1;
	int32_t code = failing_call(c, instance, &call, SOLDR_E_IO);
	const size_t head = sizeof call.result.value.struct_size;
	bool same = memcmp((const char *)&call.result.value + head, (const char *)&zero + head, sizeof zero - head) == 0;
	conform_call_release(&call);
	conform_close(c, instance);
	if (!code)
		return conform_skip(c, "compile() does not fail where nothing can be run");
	return same ? 0 : conform_fail(c, "compile() gave %d, and has written to the result", code);
}

/* Compiles good and bad; what may go wrong is looked at afterwards. */
static int some_compiles(struct conform *c)
{
	soldr_instance *instance = NULL;
	static const char *const sources[] = {"unit.c", "bad.c", "unit.c", "missing.c"};
	if (!c->scene->compiler)
		return conform_skip(c, "there is no compiler on PATH");
	if (conform_open(c, &instance))
		return 1;
	conform_settle(c);
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		struct conform_argv argv = conform_unit(c, sources[i], "unit.o");
		struct conform_call call;
		conform_call_init(c, &call, argv.items);
		(void)conform_compile(c, instance, &call);
		conform_call_release(&call);
	}
	conform_close(c, instance);
	return 0;
}

int conform_host_memory(struct conform *c)
{
	int rc = some_compiles(c);
	if (rc)
		return rc;
	if (strstr(c->host.violation, "release()"))
		return conform_fail(c, "%s", c->host.violation);
	return c->host.live_count ? conform_fail(c, "%zu pieces of memory that the host gave (captured output, alloc()) were never given to release()",
	                                         c->host.live_count) : 0;
}

int conform_host_use(struct conform *c)
{
	int rc = some_compiles(c);
	return !rc && c->host.violation[0] ? conform_fail(c, "%s", c->host.violation) : rc;
}

int conform_guards(struct conform *c)
{
	soldr_instance *instance = NULL;
	struct conform_call call;
	static const char *const sources[] = {"unit.c", "bad.c"};
	bool held = true;
	if (!c->scene->compiler)
		return conform_skip(c, "there is no compiler on PATH");
	if (conform_open(c, &instance))
		return 1;
	for (int i = 0; i < 3 && held; i++) {
		struct conform_argv argv = conform_unit(c, sources[i % 2], "unit.o");
		if (i < 2) {
			conform_call_init(c, &call, argv.items);
			(void)conform_compile(c, instance, &call);
		} else {
			(void)failing_call(c, instance, &call, SOLDR_E_IO);
		}
		held = conform_guard_holds(call.result.guard) && conform_guard_holds(call.error.guard) &&
		       call.result.value.struct_size == sizeof(soldr_result) && call.error.value.struct_size == sizeof(soldr_error);
		conform_call_release(&call);
	}
	conform_close(c, instance);
	return held ? 0 : conform_fail(c, "compile() wrote past the end of the result or of the error, or changed a struct_size");
}

int conform_arguments(struct conform *c)
{
	c->sealed = true;
	return some_compiles(c);
}

/* ---- errors ------------------------------------------------------------------------------------ */

int conform_errors_filled(struct conform *c)
{
	soldr_instance *instance = NULL;
	struct conform_call call;
	if (conform_open(c, &instance))
		return 1;
	int32_t code = failing_call(c, instance, &call, SOLDR_E_IO);
	const char *fault = code ? conform_error_fault(&call.error.value, code) : NULL;
	conform_call_release(&call);
	conform_close(c, instance);
	if (!code)
		return conform_skip(c, "compile() does not fail where nothing can be run");
	return fault ? conform_fail(c, "compile() gave %d, which %s", code, fault) : 0;
}

static int must_fail(struct conform *c, int32_t why)
{
	soldr_instance *instance = NULL;
	struct conform_call call;
	if (conform_open(c, &instance))
		return 1;
	int32_t code = failing_call(c, instance, &call, why);
	bool served = !code && !call.result.value.exit_code && !call.result.value.signal;
	conform_call_release(&call);
	conform_close(c, instance);
	return served ? conform_fail(c, "run() gave the error %d, and compile() a success with exit status 0", why) : 0;
}

int conform_run_fails(struct conform *c)
{
	return must_fail(c, SOLDR_E_IO);
}

int conform_run_cancelled(struct conform *c)
{
	int rc = must_fail(c, SOLDR_E_CANCELLED);
	return rc ? rc : must_fail(c, SOLDR_E_TIMEOUT);
}

int conform_no_compiler(struct conform *c)
{
	soldr_instance *instance = NULL;
	struct conform_argv argv = conform_unit(c, "unit.c", "unit.o");
	struct conform_call call;
	if (conform_open(c, &instance))
		return 1;
	conform_call_init(c, &call, argv.items);
	call.request.compiler = "/nonexistent/bin/gcc";
	int32_t code = conform_compile(c, instance, &call);
	bool served = !code && !call.result.value.exit_code && !call.result.value.signal;
	const char *fault = code ? conform_error_fault(&call.error.value, code) : NULL;
	conform_call_release(&call);
	conform_close(c, instance);
	if (served)
		return conform_fail(c, "there is no compiler, and compile() gave a success with exit status 0");
	return fault ? conform_fail(c, "compile() gave %d, which %s", code, fault) : 0;
}
