/*
 * export_junit: JUnit XML, a test case for each compile. A compile that failed
 * is a failure; a fault of soldr, which let the compiler run, an error.
 * Element names and attributes are those of the schema of the Jenkins plugin.
 */
#include "export.h"

#include "path.h"

#include <string.h>

static void attribute(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, " %s=\"", name);
	export_text(out, value);
	buf_addc(out, '"');
}

static void seconds(struct buf *out, uint64_t ns)
{
	buf_addf(out, " time=\"%llu.%06llu\"", (unsigned long long)(ns / 1000000000), (unsigned long long)(ns / 1000 % 1000000));
}

static void problem(struct buf *out, const char *element, const struct run_compile *c, const char *message)
{
	buf_addf(out, "<%s", element);
	attribute(out, "type", *c->reason ? c->reason : c->outcome);
	attribute(out, "message", message);
	buf_adds(out, ">");
	for (size_t i = 0; i < c->args.len; i++) {
		export_text(out, c->args.items[i]);
		buf_addc(out, i + 1 < c->args.len ? ' ' : '\n');
	}
	buf_adds(out, "in ");
	export_text(out, c->cwd);
	buf_addf(out, "</%s>\n", element);
}

static void add_case(void *arg, const struct run_compile *c, const struct span *s)
{
	struct export *e = arg;
	struct buf *out = &e->out, message = BUF_INIT;
	(void)s;
	buf_adds(out, "<testcase");
	attribute(out, "classname", path_base(c->compiler));
	attribute(out, "name", run_compile_subject(c));
	seconds(out, c->latency_ns);
	buf_adds(out, ">\n");
	if (c->ended && c->signal)
		buf_addf(&message, "signal %lld", (long long)c->signal);
	else if (c->ended && c->exit_code)
		buf_addf(&message, "exit status %lld", (long long)c->exit_code);
	if (message.len)
		problem(out, "failure", c, buf_str(&message));
	else if (strcmp(c->outcome, outcome_name(SOLDR_OUTCOME_FALLBACK)) == 0)
		problem(out, "error", c, reason_text(reason_index(c->reason)));
	buf_adds(out, "<system-out>");
	export_text(out, c->outcome);
	if (*c->reason) {
		buf_addc(out, ' ');
		export_text(out, c->reason);
	}
	if (*c->detail) {
		buf_adds(out, ": ");
		export_text(out, c->detail);
	}
	buf_adds(out, "\ncompile ");
	export_text(out, c->compile_id);
	buf_adds(out, "</system-out>\n</testcase>\n");
	buf_release(&message);
}

/* A failing compile that is also a fallback is a failure. */
static void count_problem(void *arg, const struct run_compile *c, const struct span *s)
{
	uint64_t *counts = arg;
	(void)s;
	bool failed = c->ended && (c->exit_code || c->signal);
	counts[0] += failed;
	counts[1] += !failed && strcmp(c->outcome, outcome_name(SOLDR_OUTCOME_FALLBACK)) == 0;
	counts[2]++;
}

int export_junit(struct export *e, soldr_error *err)
{
	const struct analysis *a = e->analysis;
	uint64_t counts[3] = {0};
	int rc = export_compiles(e, count_problem, counts, err);
	if (rc)
		return rc;
	buf_adds(&e->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	for (int suite = 0; suite < 2; suite++) {
		buf_adds(&e->out, suite ? "<testsuite" : "<testsuites");
		attribute(&e->out, "name", a->run);
		buf_addf(&e->out, " tests=\"%llu\" failures=\"%llu\" errors=\"%llu\"", (unsigned long long)counts[2], (unsigned long long)counts[0],
		         (unsigned long long)counts[1]);
		if (suite)
			buf_adds(&e->out, " skipped=\"0\"");
		seconds(&e->out, analysis_wall_ns(a));
		buf_adds(&e->out, ">\n");
	}
	rc = export_compiles(e, add_case, e, err);
	buf_adds(&e->out, "</testsuite>\n</testsuites>\n");
	return rc;
}
