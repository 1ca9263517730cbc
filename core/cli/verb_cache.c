/*
 * verb_cache: `soldr cache path | size | verify | evict | clear`, upkeep of the
 * selected backend's store.
 */
#include "host.h"
#include "json.h"
#include "report.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DAMAGED_MAX = 1000 }; /* files that are named; all are counted */

struct request {
	const struct cli *cli;
	const struct config *config;
	bool as_json, repair;
	const struct action *action;
};

/* What a check says as it goes on. */
struct watcher {
	struct vec damaged; /* file and cause */
	bool shows_progress;
};

struct action {
	const char *name;
	int (*run)(const struct request *);
	uint32_t kind; /* enum soldr_maintain_kind */
};

static int show_path(const struct request *request)
{
	struct buf out = BUF_INIT;
	if (request->as_json) {
		struct json j = json_to(&out, true);
		json_open(&j, NULL, '{');
		json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
		json_str(&j, "path", request->config->cache_root);
		json_close(&j, '}');
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "%s\n", request->config->cache_root);
	}
	return cli_print(&out, 0);
}

static void size_json(const struct config *config, const struct store_size *size, struct buf *out)
{
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "backend", config->backend);
	json_u64(&j, "size_bytes", size->size_bytes);
	json_u64(&j, "max_size_bytes", size->max_size_bytes);
	json_u64(&j, "entries", size->entries);
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void size_text(const struct config *config, const struct store_size *size, struct buf *out)
{
	char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];
	if (!size->known) {
		buf_addf(out, "backend %s does not tell the size of its store\n", config->backend);
		return;
	}
	buf_addf(out, "%s in %s entries", text_bytes(a, size->size_bytes), text_count(b, size->entries));
	if (size->max_size_bytes)
		buf_addf(out, ", %s of the allowed %s", text_percent(a, size->size_bytes, size->max_size_bytes),
		         text_bytes(c, size->max_size_bytes));
	buf_addc(out, '\n');
}

static int show_size(const struct request *request)
{
	soldr_service *service = NULL;
	struct store_size size;
	struct buf out = BUF_INIT;
	int status = cli_service(request->cli, request->config, &service);
	if (!status)
		status = report_store_size(service, &size);
	soldr_service_free(service);
	if (status)
		return status;
	if (request->as_json)
		size_json(request->config, &size, &out);
	else
		size_text(request->config, &size, &out);
	return cli_print(&out, 0);
}

static void report_json(const struct request *request, const soldr_report *report, const struct watcher *w, struct buf *out)
{
	static const char *const status[] = {
		[SOLDR_STEP_COMPLETED] = "completed",
		[SOLDR_STEP_FAILED] = "failed",
		[SOLDR_STEP_TIMED_OUT] = "timed_out",
	};
	struct json j = json_to(out, true);
	json_open(&j, NULL, '{');
	json_u64(&j, "schema_version", JSON_SCHEMA_VERSION);
	json_str(&j, "backend", request->config->backend);
	json_str(&j, "action", request->action->name);
	json_str(&j, "status", report->status < sizeof status / sizeof *status ? status[report->status] : "unknown");
	json_u64(&j, "files_seen", report->files_seen);
	json_u64(&j, "files_removed", report->files_removed);
	json_u64(&j, "bytes_removed", report->bytes_removed);
	json_u64(&j, "files_corrupt", report->files_corrupt);
	json_str(&j, "message", report->message);
	json_open(&j, "damaged", '[');
	for (size_t i = 0; i < w->damaged.len; i++)
		json_str(&j, NULL, w->damaged.items[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
}

static void report_text(const struct request *request, const soldr_report *report, const struct watcher *w, struct buf *out)
{
	char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];
	bool checks = request->action->kind == SOLDR_MAINTAIN_CHECK;
	for (size_t i = 0; i < w->damaged.len; i++)
		buf_addf(out, "%s\n", w->damaged.items[i]);
	if (checks)
		buf_addf(out, "%s: %s files, %s damaged", request->action->name, text_count(a, report->files_seen),
		         text_count(b, report->files_corrupt));
	if (!checks || request->repair)
		buf_addf(out, "%s%s %s of %s files removed, %s freed", checks ? "" : request->action->name, checks ? ";" : ":",
		         text_count(a, report->files_removed), text_count(b, report->files_seen), text_bytes(c, report->bytes_removed));
	buf_addc(out, '\n');
	if (report->message[0])
		buf_addf(out, "%s\n", report->message);
	if (report->status != SOLDR_STEP_COMPLETED)
		buf_adds(out, report->status == SOLDR_STEP_TIMED_OUT ? "not finished: out of time\n"
		                                                     : "not finished: some files could not be handled\n");
}

static void watch(void *arg, uint32_t level, const char *message)
{
	struct watcher *w = arg;
	if (level <= SOLDR_LOG_WARN && w->damaged.len < DAMAGED_MAX)
		vec_add(&w->damaged, message);
	else if (level == SOLDR_LOG_DEBUG && w->shows_progress)
		fprintf(stderr, "\r%s\033[K", message);
}

static int maintain(const struct request *request)
{
	soldr_error err = SOLDR_ERROR_INIT;
	soldr_service *service = NULL;
	soldr_report report = {.struct_size = sizeof report};
	struct watcher w = {.shows_progress = !request->config->quiet && !request->as_json && isatty(2)};
	struct buf out = BUF_INIT;
	int status = cli_service_watched(request->cli, request->config, watch, &w, &service);
	if (status)
		return status;
	uint32_t kind = request->repair ? SOLDR_MAINTAIN_VERIFY : request->action->kind;
	int rc = soldr_service_maintain(service, kind, &report, &err);
	soldr_service_free(service);
	if (w.shows_progress)
		fprintf(stderr, "\r\033[K");
	if (rc)
		cli_report(&err, NULL);
	else if (request->as_json)
		report_json(request, &report, &w, &out);
	else
		report_text(request, &report, &w, &out);
	vec_release(&w.damaged);
	if (rc)
		return STATUS_SOLDR;
	return cli_print(&out, report.status != SOLDR_STEP_COMPLETED || report.files_corrupt ? STATUS_WRONG : 0);
}

static const struct action actions[] = {
	{"path", show_path, 0},
	{"size", show_size, 0},
	{"verify", maintain, SOLDR_MAINTAIN_CHECK},
	{"evict", maintain, SOLDR_MAINTAIN_EVICT},
	{"clear", maintain, SOLDR_MAINTAIN_CLEAR},
};

static int run(const struct cli *cli, const struct verb *verb)
{
	struct request request = {.cli = cli};
	const struct cli_option options[] = {
		{"--json", &request.as_json, NULL}, {"--repair", &request.repair, NULL}, {NULL, NULL, NULL}};
	struct cli_operands operands;
	struct config config;
	int status = cli_parse(cli, verb, options, &operands);
	if (status >= 0)
		return status;
	if (!operands.count)
		return cli_usage(verb, E529_ACTION_MISSING, "cache", "path, size, verify, evict or clear");
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(actions[i].name, operands.items[0]) == 0)
			request.action = &actions[i];
	if (!request.action)
		return cli_usage(verb, E528_ACTION_UNKNOWN, "cache", operands.items[0]);
	if (operands.count > 1)
		return cli_usage(verb, E527_ACTION_UNEXPECTED_ARGUMENT, "cache", request.action->name, operands.items[1]);
	if (request.repair && request.action->kind != SOLDR_MAINTAIN_CHECK)
		return cli_usage(verb, E611_REPAIR_MISPLACED, request.action->name);
	status = cli_config(cli, &config);
	if (status)
		return status;
	request.config = &config;
	status = request.action->run(&request);
	config_release(&config);
	return status;
}

const struct verb verb_cache = {
	"cache", "cache path|size|verify [--repair]|evict|clear [--json]", "where the store is, how large, and its upkeep",
	"  path     the cache root: SOLDR_CACHE_DIR, or soldr below XDG_CACHE_HOME\n"
	"  size     bytes and entries of the selected backend's store\n"
	"  verify   check every file and name what is damaged; exit status 1 when something is. With --repair that is\n"
	"           removed, and the sizes are counted anew\n"
	"  evict    remove the least recently used entries down to the limits\n"
	"  clear    remove every entry\n"
	"  --json   one JSON object\n"
	"\nUpkeep is safe while builds run, and no build needs it.\n"
	"\nExample:\n  soldr cache size\n",
	run};
