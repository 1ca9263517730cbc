/* audit: ids, spans, the fields that a plugin gives, what is left out, and where it is written. */
#include "audit.h"
#include "json.h"
#include "room.h"

#include <errno.h>

void suite_audit(void);

static struct config config_of(struct room *room, enum config_audit_mode mode)
{
	return (struct config){
		.cache_root = (char *)(uintptr_t)room_path(room, "cache"), .backend = (char *)(uintptr_t) "embedded", .product = (char *)(uintptr_t) "soldr",
		.instance_id = (char *)(uintptr_t) "default", .workspace = (char *)(uintptr_t) "shared", .audit_mode = mode, .sink_policy = SINK_DEGRADE,
		.keep_runs = 100, .keep_days = 30, .max_journal_size = 1 << 20, .redaction = true, .run_id = (char *)(uintptr_t) "r",
	};
}

static const char *const arguments[] = {"gcc", "-c", "-DTOKEN=abcdefgh", "x.c", NULL};

static soldr_request request_of(void)
{
	return (soldr_request){
		.struct_size = sizeof(soldr_request), .id = 1, .argc = 4, .envc = 2, .argv = arguments, .compiler = "/usr/bin/gcc", .cwd = "/src",
	};
}

/* The file after one compile with what `add` adds. */
static char *log_of(struct room *room, struct config *c, void (*add)(const struct audit *, struct audit_request *), bool brief, uint64_t *lost)
{
	const soldr_request req = request_of();
	const soldr_result result = {.struct_size = sizeof result, .outcome = SOLDR_OUTCOME_MISS, .reason = "not_seen"};
	const struct audit_compile compile = {.request = &req, .result = &result, .latency_ns = 5};
	struct audit a;
	struct audit_request r;
	soldr_error err = SOLDR_ERROR_INIT;
	bool torn = false;
	audit_init(&a, c, true);
	audit_request_init(&r, &a, 1, NULL);
	if (add)
		add(&a, &r);
	SAME_NUMBER(audit_append(&a, &r, &compile, brief, &torn, lost, &err), 0);
	audit_request_release(&r);
	struct buf text = room_get(room, "cache/runs/r/audit.jsonl");
	return buf_detach(&text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void begin(struct room *room)
{
	room_init(room, "audit");
	room_put(room, "cache/runs/r/counters", "");
}

static void ids_differ(void)
{
	enum { MANY = 1000 };
	struct ids ids[2] = {{.span = 0}};
	char seen[2 * MANY][ID_SIZE], span[SPAN_SIZE];
	ids_make(&ids[0], 1, &ids[0]);
	ids_make(&ids[1], 1, &ids[1]);
	CU_ASSERT_STRING_NOT_EQUAL(ids[0].id, ids[1].id);
	for (uint32_t i = 0; i < MANY; i++)
		for (uint32_t k = 0; k < 2; k++)
			ids_event(&ids[k], i, seen[2 * i + k]);
	for (size_t i = 1; i < 2 * MANY; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(seen[i], seen[k]) == 0)
				CU_FAIL_FATAL("two events have one id");
	CU_ASSERT(ids_span(&ids[0], 0) != ids_span(&ids[0], 1) && ids_span(&ids[0], 0) != ids_span(&ids[1], 0));
	span_hex(0x0123456789abcdef, span);
	CU_ASSERT_STRING_EQUAL(span, "0123456789abcdef");
	CU_ASSERT_EQUAL(strspn(ids[0].id, "0123456789abcdef"), 32);
}

static void a_run_has_the_same_ids_everywhere(void)
{
	struct run_ids one, same, other;
	ids_of_run(&one, "/cache", "default", "r");
	ids_of_run(&same, "/cache", "default", "r");
	ids_of_run(&other, "/cache", "default", "s");
	CU_ASSERT_STRING_EQUAL(one.trace, same.trace);
	CU_ASSERT_EQUAL(one.root, same.root);
	CU_ASSERT(strcmp(one.trace, other.trace) != 0 && one.root != other.root);
}

static void traceparent_is_read(void)
{
	char trace[ID_SIZE];
	CU_ASSERT_EQUAL(traceparent_read("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", trace), 0xb7ad6b7169203331);
	CU_ASSERT_STRING_EQUAL(trace, "0af7651916cd43dd8448eb211c80319c");
	CU_ASSERT_EQUAL(traceparent_read(NULL, trace), 0);
	CU_ASSERT_STRING_EQUAL(trace, "");
	/* A request's own counts, and what is not valid is none. */
	char entry[TRACEPARENT_ENTRY_SIZE], span[SPAN_SIZE];
	const struct audit a = {.trace = "0af7651916cd43dd8448eb211c80319c", .parent = 7};
	struct audit_request r;
	audit_request_init(&r, &a, 1, NULL);
	CU_ASSERT(r.parent == 7 && audit_request_entry(&r, entry));
	span_hex(ids_span(&r.ids, 0), span);
	CU_ASSERT_EQUAL(strncmp(entry, "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-", 48), 0);
	CU_ASSERT(strncmp(entry + 48, span, 16) == 0 && strcmp(entry + 64, "-01") == 0);
	audit_request_init(&r, &a, 1, "00-11111111111111111111111111111111-b7ad6b7169203331-01");
	CU_ASSERT(r.parent == 0xb7ad6b7169203331 && r.trace[0] == '1');
	audit_request_init(&r, &a, 1, "nonsense");
	CU_ASSERT(r.parent == 0 && !audit_request_entry(&r, entry));
}

static void add_phases(const struct audit *a, struct audit_request *r)
{
	static const soldr_kv phase[] = {
		{"duration_ns", "7"}, {"result", "hit"}, {"inputs_count", "42"}, {"names[]", "A"}, {"names[]", "B"}, {"url", "https://me:hunter2@example.org/"},
		{"evidence[]", "direct:00"}, {"result", "twice"}, {"Bad", "1"}, {"x_count", "many"}, {"nothing", NULL},
	};
	static const soldr_kv unit[] = {{"source", "x.c"}, {"outcome", "hit"}};
	static const soldr_kv moment[] = {{"code", "4"}, {"message", "say \"no\"\n"}};
	audit_add(a, r, "lookup", phase, sizeof phase / sizeof *phase);
	audit_add(a, r, "compile", unit, 2);
	audit_add(a, r, "fallback", moment, 2);
	audit_add(a, r, "No Name", unit, 2);
}

static void what_a_plugin_gives_is_written(void)
{
	struct room room;
	uint64_t lost = 9;
	begin(&room);
	struct config c = config_of(&room, AUDIT_VERBOSE);
	char *text = log_of(&room, &c, add_phases, false, &lost);
	SAME_NUMBER(lost, 0);
	SAME_NUMBER(count(text, "\n"), 4); /* the root, two parts, the compile */
	HOLDS(text, "\"event\":\"lookup\",\"level\":\"debug\",\"mode\":\"verbose\",\"duration_ns\":7,\"fields\":{\"result\":\"hit\",\"inputs_count\":42,"
	            "\"names\":[\"A\",\"B\"],\"url\":\"https://[redacted]@example.org/\",\"x_count\":\"many\"},\"evidence_ids\":[\"direct:00\"]}");
	HOLDS(text, "\"category\":\"fault\",\"event\":\"fallback\",\"level\":\"warn\",\"mode\":\"verbose\",\"duration_ns\":null,"
	            "\"fields\":{\"code\":4,\"message\":\"say \\\"no\\\"\\n\"}");
	HOLDS(text, "\"outcome\":\"miss\",\"reason\":\"not_seen\",");
	HOLDS(text, "\"source\":\"x.c\"},\"evidence_ids\":[]}\n");
	SAME_NUMBER(count(text, "\"outcome\""), 1);
	free(text);
	room_release(&room);
}

static void a_mode_has_what_it_says(void)
{
	static const size_t lines[] = {[AUDIT_NORMAL] = 3, [AUDIT_VERBOSE] = 4, [AUDIT_FORENSIC] = 4};
	for (enum config_audit_mode mode = AUDIT_NORMAL; mode <= AUDIT_FORENSIC; mode++) {
		struct room room;
		uint64_t lost;
		begin(&room);
		struct config c = config_of(&room, mode);
		char *text = log_of(&room, &c, add_phases, false, &lost);
		SAME_NUMBER(count(text, "\n"), lines[mode]);
		SAME_NUMBER(count(text, "-DTOKEN=[redacted]"), mode == AUDIT_FORENSIC);
		CU_ASSERT_PTR_NULL(strstr(text, "abcdefgh"));
		free(text);
		room_release(&room);
	}
}

static void phases_are_left_out_first(void)
{
	struct room room;
	uint64_t lost;
	begin(&room);
	struct config c = config_of(&room, AUDIT_VERBOSE);
	char *text = log_of(&room, &c, add_phases, true, &lost);
	SAME_NUMBER(lost, 1);
	CU_ASSERT_PTR_NULL(strstr(text, "\"lookup\""));
	HOLDS(text, "\"fallback\"");
	free(text);
	room_release(&room);
}

static void add_many(const struct audit *a, struct audit_request *r)
{
	char *huge = malloc(AUDIT_LINE_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(huge);
	memset(huge, 'x', AUDIT_LINE_MAX - 1);
	huge[AUDIT_LINE_MAX - 1] = 0;
	const soldr_kv big[] = {{"small", "1"}, {"big", huge}, {"list[]", huge}, {"list[]", "end"}};
	audit_add(a, r, "big", big, 4);
	free(huge);
	for (int i = 0; i < AUDIT_PARTS_MAX + 10; i++)
		audit_add(a, r, "phase", NULL, 0);
}

static void what_is_too_much_is_counted(void)
{
	struct room room;
	uint64_t lost;
	begin(&room);
	struct config c = config_of(&room, AUDIT_VERBOSE);
	char *text = log_of(&room, &c, add_many, false, &lost);
	SAME_NUMBER(lost, 11);
	SAME_NUMBER(count(text, "\n"), AUDIT_PARTS_MAX + 2);
	HOLDS(text, "\"fields\":{\"small\":\"1\",\"list\":[]}");
	free(text);
	room_release(&room);
}

static void the_root_is_written_once(void)
{
	struct room room;
	uint64_t lost;
	begin(&room);
	struct config c = config_of(&room, AUDIT_NORMAL);
	free(log_of(&room, &c, NULL, false, &lost));
	char *text = log_of(&room, &c, NULL, false, &lost);
	SAME_NUMBER(count(text, "\"run.start\""), 1);
	SAME_NUMBER(count(text, "\"compile\",\"event\""), 2);
	free(text);
	room_release(&room);
}

static void a_full_log_takes_no_more(void)
{
	struct room room;
	uint64_t lost;
	bool torn = false;
	soldr_error err = SOLDR_ERROR_INIT;
	struct audit a;
	struct audit_request r;
	const soldr_request req = request_of();
	const soldr_result result = {.struct_size = sizeof result, .outcome = SOLDR_OUTCOME_HIT};
	const struct audit_compile compile = {.request = &req, .result = &result};
	begin(&room);
	struct config c = config_of(&room, AUDIT_NORMAL);
	c.max_journal_size = 100;
	audit_init(&a, &c, true);
	for (int i = 0; i < 2; i++) {
		audit_request_init(&r, &a, 1, NULL);
		SAME_NUMBER(audit_append(&a, &r, &compile, false, &torn, &lost, &err), SOLDR_E_LIMIT);
		SAME_NUMBER(lost, 1);
		CU_ASSERT_EQUAL(err.message[0] != 0, i == 0); /* said once */
		audit_request_release(&r);
	}
	CU_ASSERT_TRUE(sink_is_full(&c, &sink_audit, "r"));
	CU_ASSERT_FALSE(sink_is_full(&c, &sink_journal, "r"));
	c.sink_policy = SINK_FAIL_LOSSLESS;
	audit_request_init(&r, &a, 1, NULL);
	SAME_NUMBER(audit_append(&a, &r, &compile, false, &torn, &lost, &err), 0);
	audit_request_release(&r);
	room_release(&room);
}

static ssize_t half_write(int fd, const void *data, size_t len)
{
	return write(fd, data, len / 2);
}

static void a_torn_line_is_told(void)
{
	struct room room;
	uint64_t lost;
	bool torn = false;
	soldr_error err = SOLDR_ERROR_INIT;
	struct audit a;
	struct audit_request r;
	const soldr_request req = request_of();
	const soldr_result result = {.struct_size = sizeof result, .outcome = SOLDR_OUTCOME_HIT};
	const struct audit_compile compile = {.request = &req, .result = &result};
	begin(&room);
	struct config c = config_of(&room, AUDIT_NORMAL);
	audit_init(&a, &c, true);
	audit_request_init(&r, &a, 1, NULL);
	sys.write = half_write;
	SAME_NUMBER(audit_append(&a, &r, &compile, false, &torn, &lost, &err), SOLDR_E_IO);
	sys.write = write;
	CU_ASSERT_TRUE(torn);
	SAME_NUMBER(audit_append(&a, &r, &compile, false, &torn, &lost, &err), 0);
	audit_request_release(&r);
	struct buf text = room_get(&room, "cache/runs/r/audit.jsonl");
	/* The piece, then the whole text on lines of its own, with the root that the piece was to have. */
	SAME_NUMBER(count(buf_str(&text), "\n{\"schema\":\"soldr.audit.v1\""), 2);
	HOLDS(buf_str(&text), "\n{\"schema\":\"soldr.audit.v1\"");
	buf_release(&text);
	room_release(&room);
}

void suite_audit(void)
{
	CU_pSuite s = CU_add_suite("audit", NULL, NULL);
	CU_add_test(s, "ids differ", ids_differ);
	CU_add_test(s, "a run has the same ids everywhere", a_run_has_the_same_ids_everywhere);
	CU_add_test(s, "TRACEPARENT is read", traceparent_is_read);
	CU_add_test(s, "what a plugin gives is written", what_a_plugin_gives_is_written);
	CU_add_test(s, "a mode has what it says", a_mode_has_what_it_says);
	CU_add_test(s, "phases are left out first", phases_are_left_out_first);
	CU_add_test(s, "what is too much is counted", what_is_too_much_is_counted);
	CU_add_test(s, "the root is written once", the_root_is_written_once);
	CU_add_test(s, "a full log takes no more", a_full_log_takes_no_more);
	CU_add_test(s, "a torn line is told", a_torn_line_is_told);
}
