/*
 * audit_run: the events of a front door. It makes the file of its run, so the
 * root's span is its own; where the run was there before, its span is below the
 * root; below another front door it has its command alone.
 */
#include "audit.h"

#include "clock.h"
#include "counters.h"
#include "json.h"
#include "path.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { OWN_SPAN = 0, COMMAND_SPAN = 1 };

/* Opens the file of the run, and writes what `lines` makes of it. Under block it waits. */
typedef void (*lines_fn)(struct audit_run *, bool made, const struct timespec *now, const void *arg, struct buf *out);

static int append(struct audit_run *r, lines_fn lines, const void *arg, uint32_t events, soldr_error *err)
{
	static const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	const struct config *c = r->audit.config;
	struct config of_run = *c; /* the run is not yet in this process's environment */
	bool torn = false, made = false;
	of_run.run_id = r->name;
	for (;;) {
		struct sink_end end;
		struct timespec now = {0};
		struct buf out = {.max = 8 * (size_t)AUDIT_LINE_MAX};
		uint32_t before = r->events;
		clock_gettime(CLOCK_REALTIME, &now);
		*err = SOLDR_ERROR_INIT;
		int rc = sink_open(&of_run, &sink_audit, NULL, now.tv_sec, &end, err);
		if (!rc) {
			made = made || end.made;
			buf_addc(&out, '\n');
			lines(r, made, &now, arg, &out);
			rc = sink_write(c, &end, &out, &torn, err);
			sink_close(&end);
		}
		buf_release(&out);
		if (!rc)
			return 0;
		if (c->sink_policy == SINK_BLOCK && sink_may_pass(err->sys_errno)) {
			r->events = before;
			nanosleep(&pause, NULL);
			continue;
		}
		r->lost += events;
		return c->sink_policy == SINK_FAIL_LOSSLESS ? rc : 0;
	}
}

/* ---- the beginning -------------------------------------------------------------------- */

struct beginning {
	const char *command, *cwd;
	bool joined;
};

static void begin_lines(struct audit_run *r, bool made, const struct timespec *now, const void *arg, struct buf *out)
{
	const struct beginning *b = arg;
	const struct config *c = r->audit.config;
	struct run_ids run;
	ids_of_run(&run, c->cache_root, c->instance_id, r->name);
	snprintf(r->trace, sizeof r->trace, "%s", r->audit.parent ? r->audit.trace : run.trace);
	if (b->joined) { /* the root is the outer one's */
		r->parent = r->audit.parent ? r->audit.parent : run.root;
		return;
	}
	r->remote = made && r->audit.parent;
	r->run = made ? run.root : ids_span(&r->ids, OWN_SPAN);
	r->parent = made ? r->audit.parent : run.root;
	const struct audit_start start = {
		.run = r->name, .trace = r->trace, .when = now, .ids = &r->ids, .n = r->events++, .span = r->run, .parent = r->parent,
		.remote = r->remote, .command = b->command, .cwd = b->cwd,
	};
	audit_start_line(&r->audit, &start, out);
}

int audit_run_start(struct audit_run *r, const struct config *c, const char *run, bool joined, const char *command, const char *cwd,
                    soldr_error *err)
{
	const struct beginning b = {command, cwd, joined};
	*r = (struct audit_run){0};
	audit_init(&r->audit, c, sink_wanted(c));
	if (!r->audit.wanted)
		return 0;
	ids_make(&r->ids, 1, r);
	snprintf(r->name, sizeof r->name, "%s", run);
	r->command = ids_span(&r->ids, COMMAND_SPAN);
	if (joined) {
		begin_lines(r, false, NULL, &b, NULL);
		return 0;
	}
	return append(r, begin_lines, &b, 1, err);
}

void audit_run_traceparent(const struct audit_run *r, char text[TRACEPARENT_SIZE])
{
	char span[SPAN_SIZE];
	text[0] = 0;
	if (!r->audit.wanted)
		return;
	span_hex(r->command, span);
	snprintf(text, TRACEPARENT_SIZE, "00-%.32s-%s-01", r->trace, span);
}

/* ---- the end ----------------------------------------------------------------------------- */

struct ending {
	const struct audit_command *command;
	const struct counter_totals *totals;
};

static void end_line(struct audit_run *r, const struct timespec *now, const char *event, bool command, uint64_t duration, const struct buf *fields,
                     struct buf *out)
{
	bool moment = strcmp(event, "sink.lost") == 0;
	const struct audit_event e = {
		.event = event, .category = moment ? "sink" : "run", .level = moment ? "warn" : "info", .when = now, .ids = &r->ids,
		.n = r->events++, .run = r->name, .trace = r->trace, .span = command ? r->command : r->run,
		.parent = !command ? r->parent : r->run ? r->run : r->parent, .command = r->command, .is_span = !moment,
		.duration_ns = duration, .fields = buf_str(fields), .fields_len = fields->len, .evidence = "",
	};
	audit_line(&r->audit, &e, out);
	if (!buf_ok(fields))
		out->failed = true;
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void command_fields(const struct audit_run *r, const struct audit_command *c, struct buf *out)
{
	struct json j = json_members(out);
	audit_string(&r->audit, &j, "program", c->program);
	audit_string(&r->audit, &j, "cwd", c->cwd ? c->cwd : "");
	json_i64(&j, "exit_code", c->exit_code);
	json_i64(&j, "signal", c->signal);
	json_u64(&j, "user_ns", ns_of(c->used.ru_utime));
	json_u64(&j, "system_ns", ns_of(c->used.ru_stime));
	if (r->audit.config->audit_mode == AUDIT_FORENSIC)
		audit_arguments(&r->audit, &j, "args", c->argv);
}

static void run_fields(const struct audit_run *r, const struct ending *e, uint64_t lost, struct buf *out)
{
	struct json j = json_members(out);
	audit_string(&r->audit, &j, "command", path_base(e->command->program));
	json_i64(&j, "exit_code", e->command->exit_code);
	json_i64(&j, "signal", e->command->signal);
	counters_json(&j, e->totals, lost);
	if (r->remote)
		json_bool(&j, "remote_parent", true);
}

static void end_lines(struct audit_run *r, bool made, const struct timespec *now, const void *arg, struct buf *out)
{
	const struct ending *e = arg;
	struct buf fields = BUF_INIT;
	(void)made;
	command_fields(r, e->command, &fields);
	end_line(r, now, "command", true, e->command->duration_ns, &fields, out);
	if (!r->run) {
		buf_release(&fields);
		return;
	}
	uint64_t lost = e->totals->audit_lost_events + r->lost;
	if (lost) {
		buf_clear(&fields);
		struct json j = json_members(&fields);
		json_u64(&j, "lost_count", lost);
		end_line(r, now, "sink.lost", false, 0, &fields, out);
	}
	buf_clear(&fields);
	run_fields(r, e, lost, &fields);
	end_line(r, now, "run.end", false, e->command->run_ns, &fields, out);
	buf_release(&fields);
}

int audit_run_end(struct audit_run *r, const struct audit_command *command, const struct counter_totals *totals, soldr_error *err)
{
	const struct ending e = {command, totals};
	return r->audit.wanted ? append(r, end_lines, &e, r->run ? 2 : 1, err) : 0;
}
