/*
 * verb_stats: `soldr stats`, the counters of the selected backend since they
 * were last zeroed, and the size of its store; or those of the last session.
 */
#include "counters.h"
#include "fs.h"
#include "host.h"
#include "load.h"
#include "json.h"
#include "path.h"
#include "permits.h"
#include "report.h"
#include "session.h"
#include "text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUMMARY_MAX = 1 << 20 };

static void take_stat(void *arg, const soldr_stat *stat)
{
	struct store_size *size = arg;
	const struct {
		const char *name;
		uint64_t *to;
	} known[] = {
		{"size_bytes", &size->size_bytes},
		{"max_size_bytes", &size->max_size_bytes},
		{"entries", &size->entries},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(stat->name, known[i].name) == 0) {
			*known[i].to = stat->value;
			size->known = true;
		}
	}
}

int report_store_size(soldr_service *service, struct store_size *size)
{
	soldr_error err = SOLDR_ERROR_INIT;
	*size = (struct store_size){0};
	int rc = soldr_service_stats(service, take_stat, size, &err);
	if (rc == 0 || rc == SOLDR_E_UNSUPPORTED)
		return 0;
	cli_report(&err, NULL);
	return STATUS_SOLDR;
}

static void stats_json(const struct report_stats *s, struct buf *out)
{
	const struct counter_totals *t = &s->totals;
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "backend", s->config->backend);
	json_u64(&j, "compilations", t->compilations);
	json_u64(&j, "hits", t->hits);
	json_u64(&j, "misses", t->misses);
	json_u64(&j, "non_cacheable", t->non_cacheable);
	json_u64(&j, "passthrough", t->passthrough);
	json_u64(&j, "fallbacks", t->fallbacks);
	json_u64(&j, "errors", t->errors);
	json_u64(&j, "time_saved_ms", t->time_saved_ns / 1000000);
	json_u64(&j, "verified", t->reasons[SOLDR_REASON_VERIFIED]);
	json_u64(&j, "verify_mismatches", t->reasons[SOLDR_REASON_VERIFY_MISMATCH]);
	json_u64(&j, "audit_lost_events", t->audit_lost_events);
	json_u64(&j, "size_bytes", s->size.size_bytes);
	json_u64(&j, "max_size_bytes", s->size.max_size_bytes);
	json_u64(&j, "entries", s->size.entries);
	json_open(&j, "limits", '{');
	json_u64(&j, "max_parallel_compiles", s->limit);
	json_u64(&j, "parallel_compiles", s->running);
	json_i64(&j, "nice", load_nice(s->config->priority));
	json_close(&j, '}');
	json_open(&j, "reasons", '{');
	for (enum soldr_reason r = SOLDR_REASON_NONE + 1; r < SOLDR_REASON_COUNT; r++)
		if (t->reasons[r])
			json_u64(&j, reason_name(r), t->reasons[r]);
	json_close(&j, '}');
	json_str(&j, "since", s->since[0] ? s->since : NULL);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void count_row(struct table *table, const char *name, uint64_t count, uint64_t whole)
{
	char number[TEXT_SIZE], percent[TEXT_SIZE];
	table_cell(table, name);
	table_cell(table, text_count(number, count));
	table_cell(table, whole ? text_percent(percent, count, whole) : "");
}

static void stats_text(const struct report_stats *s, struct buf *out)
{
	const struct counter_totals *t = &s->totals;
	char a[TEXT_SIZE], b[TEXT_SIZE];
	struct table table;
	buf_addf(out, s->run ? "run %s" : "backend %s", s->run ? s->run : s->config->backend);
	buf_addf(out, s->since[0] ? ", since %s\n\n" : ", nothing counted yet\n\n", s->since);
	table_init(&table, "lrr");
	count_row(&table, "compilations", t->compilations, 0);
	count_row(&table, "  hits", t->hits, t->compilations);
	count_row(&table, "  misses", t->misses, t->compilations);
	count_row(&table, "  non-cacheable", t->non_cacheable, t->compilations);
	count_row(&table, "  passthrough", t->passthrough, t->compilations);
	count_row(&table, "  fallbacks", t->fallbacks, t->compilations);
	count_row(&table, "errors", t->errors, t->compilations);
	table_print(&table, out, 0);
	buf_addf(out, "\nhit rate    %s of cacheable compilations\n", text_percent(a, t->hits, t->hits + t->misses));
	buf_addf(out, "time saved  %s\n", text_duration(a, t->time_saved_ns));
	if (t->audit_lost_events)
		buf_addf(out, "events lost %s\n", text_count(a, t->audit_lost_events));
	if (t->reasons[SOLDR_REASON_VERIFIED] || t->reasons[SOLDR_REASON_VERIFY_MISMATCH])
		buf_addf(out, "verified    %s hits compiled anyway and the same\n", text_count(a, t->reasons[SOLDR_REASON_VERIFIED]));
	if (t->reasons[SOLDR_REASON_VERIFY_MISMATCH])
		buf_addf(out, "            %s were not the same: see %s/evidence\n",
		         text_count(a, t->reasons[SOLDR_REASON_VERIFY_MISMATCH]), s->config->cache_root);
	if (s->size.known) {
		buf_addf(out, "store       %s entries, %s", text_count(a, s->size.entries), text_bytes(b, s->size.size_bytes));
		if (s->size.max_size_bytes)
			buf_addf(out, " of %s (%s)", text_bytes(a, s->size.max_size_bytes),
			         text_percent(b, s->size.size_bytes, s->size.max_size_bytes));
		buf_addc(out, '\n');
	}
	if (s->limit)
		buf_addf(out, "limit       %s compilers at once, %s now\n", text_count(a, s->limit), text_count(b, s->running));
	enum soldr_reason top[SOLDR_REASON_COUNT];
	size_t n = text_top_reasons(t, top);
	if (!n)
		return;
	buf_adds(out, "\nwhy compilations were not hits\n");
	table_init(&table, "lrl");
	for (size_t i = 0; i < n; i++) {
		table_cell(&table, reason_name(top[i]));
		table_cell(&table, text_count(a, t->reasons[top[i]]));
		table_cell(&table, reason_text(top[i]));
	}
	table_print(&table, out, 2);
}

static int read_counters(struct report_stats *s, const char *file)
{
	soldr_error err = SOLDR_ERROR_INIT;
	if (!file || counters_read(file, &s->totals, &err) != 0) {
		cli_report(file ? &err : NULL, NULL);
		return STATUS_SOLDR;
	}
	time_t since = (time_t)s->totals.since_unix;
	struct tm tm;
	if (since && gmtime_r(&since, &tm))
		strftime(s->since, sizeof s->since, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return 0;
}

int report_read_stats(const struct cli *cli, struct report_stats *s)
{
	soldr_service *service = NULL;
	s->limit = permits_configured(s->config);
	s->running = permits_held(s->config, (uint32_t)s->limit);
	int status = cli_service(cli, s->config, &service);
	if (!status)
		status = report_store_size(service, &s->size);
	soldr_service_free(service);
	char *file = status ? NULL : host_counters_file(s->config, s->config->backend);
	if (!status)
		status = read_counters(s, file);
	free(file);
	return status;
}

/* The files of the last session: its counters as a text, or its summary as it is. */
static int last_session(const struct config *config, bool as_json, struct buf *out)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char at[PATH_MAX];
	char *link = path_join(config->cache_root, SESSION_LAST);
	ssize_t n = link ? readlink(link, at, sizeof at - 1) : -1;
	if (n < 0) {
		cli_error(E603_NO_SESSION, config->cache_root);
		free(link);
		return STATUS_WRONG;
	}
	at[n] = 0;
	struct report_stats s = {.config = config, .run = path_base(at)};
	char *dir = path_join(config->cache_root, at), *file = dir ? path_join(dir, as_json ? "summary.json" : "counters") : NULL;
	int status = 0;
	if (!as_json) {
		status = read_counters(&s, file);
		if (!status)
			stats_text(&s, out);
	} else if (!file || fs_read_file(file, SUMMARY_MAX, out, &err) != 0) {
		cli_report(file ? &err : NULL, NULL);
		status = STATUS_WRONG;
	}
	free(file);
	free(dir);
	free(link);
	return status;
}

static int zero(const struct config *config)
{
	soldr_error err = SOLDR_ERROR_INIT;
	char *file = host_counters_file(config, config->backend);
	int rc = file ? counters_zero(file, &err) : err_set(&err, SOLDR_E_NOMEM, 0, "stats", E101_NO_MEMORY);
	free(file);
	if (rc)
		cli_report(&err, NULL);
	return rc ? STATUS_SOLDR : 0;
}

static int report(const struct cli *cli, const struct config *config, bool as_json, bool to_zero, struct buf *out)
{
	struct report_stats s = {.config = config};
	int status = to_zero ? zero(config) : 0;
	if (!status && (!to_zero || as_json))
		status = report_read_stats(cli, &s);
	if (status)
		return status;
	if (as_json)
		stats_json(&s, out);
	else if (to_zero)
		buf_addf(out, "counters of backend %s are zero\n", config->backend);
	else
		stats_text(&s, out);
	return 0;
}

static int run(const struct cli *cli, const struct verb *verb)
{
	bool as_json = false, to_zero = false, last = false;
	const struct cli_option options[] = {{"--json", &as_json, NULL}, {"--zero", &to_zero, NULL}, {"--last", &last, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct config config;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (operands.count)
		return cli_usage(verb, E526_UNEXPECTED_ARGUMENT, "stats", operands.items[0]);
	if (last && to_zero)
		return cli_usage(verb, E531_EXCLUDE, "stats", "--last", "--zero");
	status = cli_config(cli, &config);
	if (status)
		return status;
	struct buf out = BUF_INIT;
	status = last ? last_session(&config, as_json, &out) : report(cli, &config, as_json, to_zero, &out);
	if (!status)
		status = cli_print(&out, 0);
	else
		buf_release(&out);
	config_release(&config);
	return status;
}

const struct verb verb_stats = {
	"stats", "stats [--last] [--json] [--zero]", "hits, misses and why, of the selected backend",
	"  --json   one JSON object: schema_version, backend, compilations, hits, misses, non_cacheable,\n"
	"           passthrough, fallbacks, errors, time_saved_ms, verified, verify_mismatches, size_bytes,\n"
	"           max_size_bytes, entries, limits (max_parallel_compiles, parallel_compiles: now, nice:\n"
	"           what a compiler's nice level would be raised by now), reasons (name to count), since\n"
	"  --last   of the last session (`soldr make`, `soldr cargo` and the like) instead; with --json its\n"
	"           summary.json (docs/formats.md)\n"
	"  --zero   start counting anew; the store is left as it is\n"
	"\nThe counters are those of your user and the backend; --backend NAME before the verb\n"
	"shows another one's.\n"
	"\nExample:\n  soldr stats --json | jq .hits\n",
	run};
