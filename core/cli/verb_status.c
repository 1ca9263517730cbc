/*
 * verb_status: `soldr status`, what `stats` has, for people who want to see at
 * a glance how the cache does: hit rate and size as bars, and the reasons by
 * what they mean.
 */
#include "counters.h"
#include "host.h"
#include "json.h"
#include "path.h"
#include "report.h"
#include "text.h"

#include <time.h>
#include <unistd.h>

enum { BAR = 30, REASONS_SHOWN = 5, INTERVAL_DEFAULT = 2, INTERVAL_MAX = 86400 };

/* The groups in which reasons are told; a reason is in the first that it fits. */
static const struct group {
	const char *name, *key;
	enum soldr_reason_kind kind;
} groups[] = {
	{"misses", "misses", SOLDR_REASON_KIND_MISS},
	{"not cacheable", "refusals", SOLDR_REASON_KIND_REFUSAL},
	{"faults", "faults", SOLDR_REASON_KIND_FAULT},
	{"other", "other", SOLDR_REASON_KIND_BACKEND},
};

enum { GROUPS = sizeof groups / sizeof *groups };

static uint64_t cacheable(const struct counter_totals *t)
{
	return t->hits + t->misses;
}

/* "[######------]", or blocks in colour. Part of nothing is an empty bar. */
static void add_bar(struct buf *out, uint64_t part, uint64_t whole, bool colour)
{
	unsigned full = whole ? (unsigned)((double)(part < whole ? part : whole) / (double)whole * BAR + 0.5) : 0;
	if (!full && part && whole)
		full = 1; /* something is not nothing */
	if (full == BAR && part < whole)
		full--;
	buf_adds(out, colour ? "\x1b[32m" : "[");
	for (unsigned i = 0; i < BAR; i++) {
		if (colour && i == full)
			buf_adds(out, "\x1b[2m");
		buf_adds(out, colour ? i < full ? "\u2588" : "\u2591" : i < full ? "#" : "-");
	}
	buf_adds(out, colour ? "\x1b[0m" : "]");
}

static void add_since(struct buf *out, const struct report_stats *s)
{
	char text[TEXT_SIZE];
	time_t now = time(NULL);
	buf_addf(out, "backend %s", s->config->backend);
	if (!s->since[0])
		buf_adds(out, ", nothing counted yet");
	else if (now > (time_t)s->totals.since_unix)
		buf_addf(out, ", since %s (%s)", s->since, text_duration(text, (uint64_t)(now - (time_t)s->totals.since_unix) * 1000000000u));
	else
		buf_addf(out, ", since %s", s->since);
	buf_adds(out, "\n\n");
}

static void add_group(struct buf *out, const struct counter_totals *t, const struct group *group)
{
	enum soldr_reason top[SOLDR_REASON_COUNT];
	char number[TEXT_SIZE];
	struct table table;
	size_t n = text_top_reasons(t, top), shown = 0;
	uint64_t sum = 0, rest = 0;
	table_init(&table, "lrl");
	for (size_t i = 0; i < n; i++) {
		if (reason_kind(top[i]) != group->kind)
			continue;
		sum += t->reasons[top[i]];
		if (shown++ >= REASONS_SHOWN) {
			rest += t->reasons[top[i]];
			continue;
		}
		table_cell(&table, reason_name(top[i]));
		table_cell(&table, text_count(number, t->reasons[top[i]]));
		table_cell(&table, reason_text(top[i]));
	}
	if (rest) {
		table_cell(&table, "others");
		table_cell(&table, text_count(number, rest));
		table_cell(&table, "soldr stats has them");
	}
	if (sum)
		buf_addf(out, "\n%s  %s\n", group->name, text_count(number, sum));
	table_print(&table, out, 2);
}

static void status_text(const struct report_stats *s, bool colour, struct buf *out)
{
	const struct counter_totals *t = &s->totals;
	char a[TEXT_SIZE], b[TEXT_SIZE];
	add_since(out, s);
	buf_adds(out, "hit rate    ");
	add_bar(out, t->hits, cacheable(t), colour);
	buf_addf(out, "  %s, %s of ", text_percent(a, t->hits, cacheable(t)), text_count(b, t->hits));
	buf_addf(out, "%s cacheable compilations\n", text_count(a, cacheable(t)));
	if (s->size.known) {
		buf_adds(out, "store       ");
		if (s->size.max_size_bytes) {
			add_bar(out, s->size.size_bytes, s->size.max_size_bytes, colour);
			buf_addf(out, "  %s, %s of ", text_percent(a, s->size.size_bytes, s->size.max_size_bytes), text_bytes(b, s->size.size_bytes));
			buf_adds(out, text_bytes(a, s->size.max_size_bytes));
		} else {
			buf_adds(out, text_bytes(a, s->size.size_bytes));
		}
		buf_addf(out, ", %s entries\n", text_count(a, s->size.entries));
	}
	buf_addf(out, "time saved  %s\n", text_duration(a, t->time_saved_ns));
	for (size_t i = 0; i < GROUPS; i++)
		add_group(out, t, &groups[i]);
}

static void status_json(const struct report_stats *s, struct buf *out)
{
	const struct counter_totals *t = &s->totals;
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "backend", s->config->backend);
	json_str(&j, "since", s->since[0] ? s->since : NULL);
	json_u64(&j, "compilations", t->compilations);
	json_u64(&j, "cacheable", cacheable(t));
	json_u64(&j, "hits", t->hits);
	if (cacheable(t))
		json_double(&j, "hit_rate", (double)t->hits / (double)cacheable(t), 4);
	else
		json_str(&j, "hit_rate", NULL);
	json_u64(&j, "time_saved_ms", t->time_saved_ns / 1000000);
	json_u64(&j, "size_bytes", s->size.size_bytes);
	json_u64(&j, "max_size_bytes", s->size.max_size_bytes);
	json_u64(&j, "entries", s->size.entries);
	for (size_t i = 0; i < GROUPS; i++) {
		enum soldr_reason top[SOLDR_REASON_COUNT];
		size_t n = text_top_reasons(t, top);
		json_open(&j, groups[i].key, '{');
		for (size_t r = 0; r < n; r++)
			if (reason_kind(top[r]) == groups[i].kind)
				json_u64(&j, reason_name(top[r]), t->reasons[top[r]]);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	buf_addc(out, '\n');
}

struct view {
	bool as_json, watch, on_terminal, colour;
	uint64_t interval;
};

static int show(const struct cli *cli, const struct config *config, const struct view *view, bool first)
{
	struct report_stats s = {.config = config};
	struct buf out = BUF_INIT;
	int status = report_read_stats(cli, &s);
	if (status)
		return status;
	if (view->watch && view->on_terminal)
		buf_adds(&out, "\x1b[H\x1b[2J");
	else if (!first && !view->as_json)
		buf_addc(&out, '\n');
	if (view->as_json)
		status_json(&s, &out);
	else
		status_text(&s, view->colour, &out);
	return cli_print(&out, 0);
}

/* Until it is interrupted, or nobody reads any more. */
static int show_again_and_again(const struct cli *cli, const struct config *config, const struct view *view)
{
	const struct timespec pause = {.tv_sec = (time_t)view->interval};
	int status = show(cli, config, view, true);
	while (!status && view->watch) {
		nanosleep(&pause, NULL);
		status = show(cli, config, view, false);
	}
	return status;
}

static int run(const struct cli *cli, const struct verb *verb)
{
	struct view view = {.on_terminal = isatty(STDOUT_FILENO), .interval = INTERVAL_DEFAULT};
	const char *interval = NULL;
	view.colour = view.on_terminal && !env_get(cli->envp, "NO_COLOR");
	const struct cli_option options[] = {
		{"--json", &view.as_json, NULL}, {"--watch", &view.watch, NULL}, {"--interval", NULL, &interval}, {NULL, NULL, NULL},
	};
	struct cli_operands operands;
	struct config config;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "status", operands.items[0]);
	if (interval && !view.watch)
		return cli_usage(verb, E532_GOES_WITH, "status", "--interval", "--watch");
	status = cli_number(verb, "--interval", interval, 1, INTERVAL_MAX, &view.interval);
	if (!status)
		status = cli_config(cli, &config);
	if (status)
		return status;
	status = show_again_and_again(cli, &config, &view);
	config_release(&config);
	return status;
}

const struct verb verb_status = {
	"status", "status [--json] [--watch [--interval SECONDS]]", "how the cache does, at a glance",
	"  --json      one JSON object: schema_version, backend, since, compilations, cacheable, hits, hit_rate\n"
	"              (0 to 1; null of nothing), time_saved_ms, size_bytes, max_size_bytes, entries; and\n"
	"              misses, refusals, faults, other, each with its reasons (name to count)\n"
	"  --watch     show it anew every 2 seconds, until interrupted; with --json one object after another\n"
	"  --interval  seconds between two of them\n"
	"\nThe counters are those of your user and the selected backend; soldr stats has every one of them.\n"
	"On a terminal the bars are in colour, unless NO_COLOR is set.\n"
	"\nExample:\n  soldr status\n",
	run};
