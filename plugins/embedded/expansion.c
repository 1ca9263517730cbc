/*
 * expansion: whether a suspected time macro is expanded for real. See unit.h.
 *
 * The scan only sees that __DATE__, __TIME__ or __TIMESTAMP__ is spelled
 * somewhere, or could be pasted together: in a comment of a macro that nobody
 * uses, say. The preprocessor knows. It runs once more over the unit, with the
 * three macros defined as markers: where no marker comes out, nothing of the
 * result depends on the time. A macro that the user defines is left as it is.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *marker;
} macros[] = {
	{"__DATE__", "soldr_marks_the_date"},
	{"__TIME__", "soldr_marks_the_time"},
	{"__TIMESTAMP__", "soldr_marks_the_timestamp"},
};

enum { MACROS = sizeof macros / sizeof *macros, OUTPUT_MAX = 256 << 20 };

static bool user_defines(const struct vec *args, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < args->len; i++) {
		const char *a = args->items[i];
		const char *defined = strncmp(a, "-D", 2) != 0 ? NULL : a[2] ? a + 2 : i + 1 < args->len ? args->items[i + 1] : NULL;
		if (defined && strncmp(defined, name, n) == 0 && (defined[n] == 0 || defined[n] == '=' || defined[n] == '('))
			return true;
	}
	return false;
}

/* The unit's arguments for -E: without what writes a depfile, which the compile has written already. */
static void question(const struct unit *u, struct vec *argv)
{
	const struct vec *args = &u->inv.key_args;
	vec_add(argv, u->req->argv[0]);
	for (size_t i = 0; i < args->len; i++) {
		const char *a = args->items[i];
		bool takes_value = strcmp(a, "-MT") == 0 || strcmp(a, "-MQ") == 0 || strcmp(a, "-MF") == 0;
		if (strncmp(a, "-M", 2) == 0)
			i += takes_value;
		else if (strncmp(a, "-Wp,-M", 6) != 0)
			vec_add(argv, a);
	}
	vec_add(argv, "-w");
	vec_add(argv, "-E");
	for (size_t i = 0; i < MACROS; i++)
		if (!user_defines(args, macros[i].name))
			vec_addf(argv, "-D%s=%s", macros[i].name, macros[i].marker);
	vec_add(argv, u->inv.source);
}

bool expansion_is_possible(struct unit *u)
{
	const soldr_host *host = u->inst->host;
	struct vec argv = VEC_INIT;
	question(u, &argv);
	soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR | SOLDR_SPAWN_NO_STDIN | SOLDR_SPAWN_PROBE,
		.file = u->req->compiler,
		.argv = vec_items(&argv),
		.capture_max = OUTPUT_MAX,
	};
	soldr_exit ex = {.struct_size = sizeof ex};
	soldr_error ignored = SOLDR_ERROR_INIT;
	bool possible = true;
	if (vec_ok(&argv) && host->run(host->core, u->req->id, &sp, &ex, &ignored) == 0) {
		possible = ex.exit_code || ex.signal || ex.truncated || !ex.stdout_data;
		for (size_t i = 0; i < MACROS && !possible; i++)
			possible = memmem(ex.stdout_data, (size_t)ex.stdout_len, macros[i].marker, strlen(macros[i].marker)) != NULL;
		host->release(host->core, ex.stdout_data);
	}
	vec_release(&argv);
	return possible;
}
