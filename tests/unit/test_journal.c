/* journal: what a line holds, where it goes, and what a reader makes of a file that others tore. */
#include "clock.h"
#include "ids.h"
#include "journal.h"
#include "room.h"

#include <errno.h>

void suite_journal(void);

static const char *const arguments[] = {"gcc", "-c", "-DKEY=s3cr3t-value", "a \"b\".c", NULL};

static struct config config_of(struct room *room)
{
	return (struct config){
		.cache_root = room->dir,
		.backend = (char *)(uintptr_t)"embedded",
		.audit_mode = AUDIT_NORMAL,
		.redaction = true,
		.keep_days = 30,
		.max_journal_size = 1 << 30,
	};
}

static soldr_request request_of(const char *const *argv)
{
	soldr_request req = {.struct_size = sizeof req, .argv = argv, .compiler = "/usr/bin/gcc", .cwd = "/src"};
	while (argv[req.argc])
		req.argc++;
	return req;
}

static const soldr_result hit = {
	.struct_size = sizeof hit, .outcome = SOLDR_OUTCOME_HIT, .exit_code = 3, .time_saved_ns = 7, .output_bytes = 9,
};

/* The line without what differs from run to run. */
static char *line_of(const struct config *c, const soldr_request *req, const soldr_result *r, bool replaced)
{
	const struct journal_entry e = {req, r, "0123456789abcdef0123456789abcdef", replaced, 5};
	const struct timespec when = {.tv_sec = 1795000000, .tv_nsec = 42};
	struct buf b = BUF_INIT, out = BUF_INIT;
	journal_line(c, "a-run", &e, &when, &b);
	char *id = strstr(buf_str(&b), "\"compile_id\":\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(id);
	CU_ASSERT_EQUAL(strspn(id + 14, "0123456789abcdef"), 32);
	buf_add(&out, b.data, (size_t)(id + 14 - b.data));
	buf_adds(&out, id + 14 + 32);
	buf_release(&b);
	return buf_detach(&out);
}

static void dates_are_those_of_the_c_library(void)
{
	for (int64_t t = -70000000000; t < 260000000000; t += 7654321) {
		const struct clock_utc utc = clock_utc(t);
		struct tm tm;
		time_t when = (time_t)t;
		CU_ASSERT_PTR_NOT_NULL_FATAL(gmtime_r(&when, &tm));
		bool same = utc.year == tm.tm_year + 1900 && (int)utc.month == tm.tm_mon + 1 && (int)utc.day == tm.tm_mday &&
		            (int)utc.hour == tm.tm_hour && (int)utc.minute == tm.tm_min && (int)utc.second == tm.tm_sec;
		if (!same)
			fprintf(stderr, "\n  %lld: got %lld-%02u-%02u\n", (long long)t, (long long)utc.year, utc.month, utc.day);
		CU_ASSERT_TRUE_FATAL(same);
		char stamp[STAMP_SIZE], want[STAMP_SIZE];
		stamp_of(&(struct timespec){.tv_sec = when, .tv_nsec = 7}, stamp);
		snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.000000007Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		         tm.tm_hour, tm.tm_min, tm.tm_sec);
		SAME(stamp, want);
	}
}

static void a_line_has_every_member(void)
{
	struct room room;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	soldr_request req = request_of(arguments);
	SAME_OWNED(line_of(&c, &req, &hit, false),
	           "{\"schema\":\"soldr.journal.v1\",\"schema_version\":1,\"ts\":\"2026-11-18T11:06:40.000000042Z\",\"run_id\":\"a-run\","
	           "\"compile_id\":\"\",\"backend\":\"embedded\",\"outcome\":\"hit\",\"reason\":\"\",\"compiler\":\"/usr/bin/gcc\","
	           "\"args\":[\"gcc\",\"-c\",\"-DKEY=[redacted]\",\"a \\\"b\\\".c\"],\"cwd\":\"/src\",\"detail\":\"\",\"exit_code\":3,"
	           "\"signal\":0,\"latency_ns\":5,\"time_saved_ns\":7,\"output_bytes\":9,\"redacted\":true}\n");
	/* What the process became tells no one how it ended. */
	static const char *const plain[] = {"cc", "\xff.c", NULL};
	req = request_of(plain);
	soldr_result bypass = {.struct_size = sizeof bypass, .outcome = SOLDR_OUTCOME_BYPASS, .reason = "link", .detail = "x.o"};
	SAME_OWNED(line_of(&c, &req, &bypass, true),
	           "{\"schema\":\"soldr.journal.v1\",\"schema_version\":1,\"ts\":\"2026-11-18T11:06:40.000000042Z\",\"run_id\":\"a-run\","
	           "\"compile_id\":\"\",\"backend\":\"embedded\",\"outcome\":\"bypass\",\"reason\":\"link\",\"compiler\":\"/usr/bin/gcc\","
	           "\"args\":[\"cc\",\"\\ufffd.c\"],\"cwd\":\"/src\",\"detail\":\"x.o\",\"exit_code\":null,\"signal\":null,"
	           "\"latency_ns\":null,\"time_saved_ns\":0,\"output_bytes\":0,\"not_utf8\":true}\n");
	room_release(&room);
}

/* A backend may name the argument that it stumbled over. */
static void the_detail_gives_no_secret_away(void)
{
	struct room room;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	static const char *const argv[] = {"gcc", "--token", "hunter2", NULL};
	soldr_request req = request_of(argv);
	soldr_result r = {.struct_size = sizeof r, .outcome = SOLDR_OUTCOME_BYPASS, .detail = "no source hunter2"};
	char *line = line_of(&c, &req, &r, false);
	CU_ASSERT_PTR_NULL(strstr(line, "hunter2"));
	HOLDS(line, "\"detail\":\"[redacted]\"");
	free(line);
	room_release(&room);
}

static void long_lists_are_cut(void)
{
	enum { COUNT = 300 };
	struct room room;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	static char text[8000];
	const char *argv[COUNT + 1];
	/* Plain, and in bytes that take six each. */
	for (int round = 0; round < 2; round++) {
		memset(text, round ? 1 : 'x', sizeof text - 1);
		for (int i = 0; i < COUNT; i++)
			argv[i] = text;
		argv[COUNT] = NULL;
		soldr_request req = request_of(argv);
		char *line = line_of(&c, &req, &hit, false);
		size_t len = strlen(line);
		CU_ASSERT(len < JOURNAL_LINE_MAX && len > JOURNAL_LINE_MAX / 2);
		HOLDS(line, "\"args_truncated\":true}\n");
		free(line);
	}
	static const char *const one[] = {"gcc", NULL};
	static char *huge;
	huge = malloc(4 << 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(huge);
	memset(huge, 'y', (4 << 20) - 1);
	huge[(4 << 20) - 1] = 0;
	argv[0] = one[0];
	argv[1] = huge;
	argv[2] = NULL;
	soldr_request req = request_of(argv);
	char *line = line_of(&c, &req, &hit, false);
	HOLDS(line, "\"args\":[\"gcc\"],");
	free(line);
	free(huge);
	room_release(&room);
}

static int append(struct config *c, bool *torn, soldr_error *err)
{
	soldr_request req = request_of(arguments);
	struct ids ids;
	ids_make(&ids, 0, &req);
	const struct journal_entry e = {&req, &hit, ids.id, false, 1};
	return journal_append(c, NULL, &e, torn, err);
}

static char *today(struct room *room)
{
	char day[64];
	time_t now = time(NULL);
	struct tm utc;
	strftime(day, sizeof day, "runs/day-%Y%m%d/journal.jsonl", gmtime_r(&now, &utc));
	return strdup(room_path(room, day));
}

static void a_run_has_its_file_and_a_day_too(void)
{
	struct room room;
	struct stat st;
	char run[JOURNAL_RUN_MAX];
	soldr_error err = SOLDR_ERROR_INIT;
	bool torn = false;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	CU_ASSERT_EQUAL(journal_latest(&c, run, &err), SOLDR_E_NOT_FOUND);
	HOLDS(err.message, "audit.mode");
	CU_ASSERT_EQUAL(append(&c, &torn, NULL), 0);
	char *day = today(&room);
	CU_ASSERT_EQUAL(stat(day, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	char *dir = path_dir(day);
	CU_ASSERT_EQUAL(stat(dir, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	CU_ASSERT_EQUAL(journal_latest(&c, run, &err), 0);
	SAME(run, path_base(dir));
	/* A run without a directory of its own is the day's. */
	c.run_id = (char *)(uintptr_t)"mine";
	CU_ASSERT_EQUAL(append(&c, &torn, NULL), 0);
	CU_ASSERT_FALSE(room_has(&room, "runs/mine"));
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, day, old, 0), 0);
	CU_ASSERT_EQUAL(mkdir(room_path(&room, "runs/mine"), 0700), 0);
	CU_ASSERT_EQUAL(append(&c, &torn, NULL), 0);
	CU_ASSERT_EQUAL(journal_latest(&c, run, &err), 0);
	SAME(run, "mine");
	free(dir);
	free(day);
	room_release(&room);
}

static int append_kept(struct config *c, struct sink_keep *keep)
{
	soldr_request req = request_of(arguments);
	struct ids ids;
	bool torn = false;
	ids_make(&ids, 0, &req);
	const struct journal_entry e = {&req, &hit, ids.id, false, 1};
	return journal_append(c, keep, &e, &torn, NULL);
}

static struct sys_calls real;
static unsigned opened;

static int count_open(const char *path, int flags, mode_t mode)
{
	opened++;
	return real.open(path, flags, mode);
}

static long lines_of(const char *file)
{
	FILE *f = fopen(file, "r");
	long lines = 0;
	for (int c; f && (c = getc(f)) != EOF;)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

static void a_kept_file_is_used_while_its_path_leads_to_it(void)
{
	struct room room;
	struct sink_keep keep = SINK_KEEP_INIT;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	c.run_id = (char *)(uintptr_t)"mine";
	CU_ASSERT_EQUAL(mkdir(room_path(&room, "runs"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(room_path(&room, "runs/mine"), 0700), 0);
	char *file = strdup(room_path(&room, "runs/mine/journal.jsonl")), *old = strdup(room_path(&room, "runs/mine/old"));
	real = sys;
	sys.open = count_open;
	opened = 0;
	for (int i = 0; i < 3; i++)
		SAME_NUMBER(append_kept(&c, &keep), 0);
	SAME_NUMBER(opened, 2); /* it was not there, and was made */
	SAME_NUMBER(lines_of(file), 3);
	/* Moved away, removed, replaced: the lines go to what is there now. */
	CU_ASSERT_EQUAL(rename(file, old), 0);
	SAME_NUMBER(append_kept(&c, &keep), 0);
	SAME_NUMBER(lines_of(old), 3);
	SAME_NUMBER(lines_of(file), 1);
	CU_ASSERT_EQUAL(unlink(file), 0);
	SAME_NUMBER(append_kept(&c, &keep), 0);
	SAME_NUMBER(lines_of(file), 1);
	CU_ASSERT_EQUAL(rename(old, file), 0);
	SAME_NUMBER(append_kept(&c, &keep), 0);
	SAME_NUMBER(lines_of(file), 4);
	/* A link is not followed, whatever was kept. */
	CU_ASSERT_EQUAL(rename(file, old), 0);
	CU_ASSERT_EQUAL(symlink("old", file), 0);
	SAME_NUMBER(append_kept(&c, &keep), SOLDR_E_IO);
	SAME_NUMBER(lines_of(old), 4);
	/* Another run has another file. */
	c.run_id = NULL;
	SAME_NUMBER(append_kept(&c, &keep), 0);
	char *day = today(&room);
	SAME_NUMBER(lines_of(day), 1);
	/* The limit holds. */
	c.max_journal_size = 10;
	SAME_NUMBER(append_kept(&c, &keep), SOLDR_E_LIMIT);
	SAME_NUMBER(lines_of(day), 1);
	sys = real;
	int fd = keep.fd;
	CU_ASSERT(fd >= 0 && keep.users == 0);
	sink_keep_release(&keep);
	CU_ASSERT(fcntl(fd, F_GETFD) < 0);
	free(day);
	free(old);
	free(file);
	room_release(&room);
}

static void days_are_bounded(void)
{
	struct room room;
	bool torn = false;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	time_t now = time(NULL);
	char name[64];
	for (int i = 1; i <= 40; i++) {
		struct tm utc;
		time_t then = now - (time_t)i * 86400;
		strftime(name, sizeof name, "runs/day-%Y%m%d/journal.jsonl", gmtime_r(&then, &utc));
		room_put(&room, name, "");
	}
	room_put(&room, "runs/day-old/journal.jsonl", "");
	room_put(&room, "runs/20200101T000000-1-00000000/journal.jsonl", "");
	CU_ASSERT_EQUAL(append(&c, &torn, NULL), 0);
	SAME_NUMBER(count_names(room_path(&room, "runs"), "day-2"), SINK_DAYS_MAX);
	CU_ASSERT_TRUE(room_has(&room, "runs/day-old"));
	CU_ASSERT_TRUE(room_has(&room, "runs/20200101T000000-1-00000000"));
	/* Few, but too old. */
	room_release(&room);
	room_init(&room, "journal");
	c = config_of(&room);
	room_put(&room, "runs/day-20200101/journal.jsonl", "");
	CU_ASSERT_EQUAL(append(&c, &torn, NULL), 0);
	CU_ASSERT_FALSE(room_has(&room, "runs/day-20200101"));
	room_release(&room);
}

/* As long as a journal is not full it takes lines; then it takes none, and one process says so. */
static void a_full_journal_takes_no_more(void)
{
	struct room room;
	struct stat st;
	bool torn = false;
	soldr_error err = SOLDR_ERROR_INIT;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	room_put(&room, "runs/r/journal.jsonl", "");
	c.run_id = (char *)(uintptr_t)"r";
	CU_ASSERT_EQUAL(append(&c, &torn, &err), 0);
	CU_ASSERT_EQUAL(stat(room_path(&room, "runs/r/journal.jsonl"), &st), 0);
	c.max_journal_size = 3 * st.st_size + 2;
	CU_ASSERT_EQUAL(append(&c, &torn, &err), 0);
	CU_ASSERT_EQUAL(append(&c, &torn, &err), 0);
	CU_ASSERT_FALSE(sink_is_full(&c, &sink_journal, "r"));
	CU_ASSERT_EQUAL(append(&c, &torn, &err), SOLDR_E_LIMIT);
	HOLDS(err.message, "max_journal_size");
	CU_ASSERT_TRUE(sink_is_full(&c, &sink_journal, "r"));
	CU_ASSERT_EQUAL(append(&c, &torn, &err), SOLDR_E_LIMIT);
	CU_ASSERT_STRING_EQUAL(err.message, "");
	CU_ASSERT_EQUAL(stat(room_path(&room, "runs/r/journal.jsonl"), &st), 0);
	CU_ASSERT(st.st_size <= c.max_journal_size);
	c.sink_policy = SINK_FAIL_LOSSLESS;
	CU_ASSERT_EQUAL(append(&c, &torn, &err), 0);
	room_release(&room);
}

static void modes_and_readonly_decide(void)
{
	struct room room;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	for (int mode = AUDIT_OFF; mode <= AUDIT_FORENSIC; mode++) {
		c.audit_mode = (enum config_audit_mode)mode;
		CU_ASSERT_EQUAL(sink_wanted(&c), mode >= AUDIT_NORMAL);
	}
	c.readonly = true;
	CU_ASSERT_FALSE(sink_wanted(&c));
	room_release(&room);
}

static void places_that_are_no_files_are_refused(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	bool torn = false;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	c.run_id = (char *)(uintptr_t)"r";
	CU_ASSERT_EQUAL(room_sh(&room, "mkdir -p runs/r && ln -s %s/victim runs/r/journal.jsonl", room.dir), 0);
	CU_ASSERT_EQUAL(append(&c, &torn, &err), SOLDR_E_IO);
	CU_ASSERT_FALSE(room_has(&room, "victim"));
	CU_ASSERT_EQUAL(room_sh(&room, "rm runs/r/journal.jsonl && mkfifo runs/r/journal.jsonl"), 0);
	CU_ASSERT_EQUAL(append(&c, &torn, &err), SOLDR_E_IO);
	CU_ASSERT_EQUAL(sink_check(&c, &sink_journal, &err), SOLDR_E_IO);
	HOLDS(err.message, "runs/r/journal.jsonl");
	size_t broken;
	char *file = journal_path(&c, "r");
	CU_ASSERT_EQUAL(journal_read(file, NULL, NULL, &broken, &err), SOLDR_E_IO);
	free(file);
	room_release(&room);
}

/* ---- a full disk ---------------------------------------------------------------------- */

static ssize_t (*real_write)(int, const void *, size_t);
static int writes_left;

/* The first write gets half of the line down, the second nothing. */
static ssize_t short_write(int fd, const void *data, size_t len)
{
	if (writes_left == 2) {
		writes_left--;
		return real_write(fd, data, len / 2);
	}
	if (writes_left == 1) {
		writes_left--;
		errno = ENOSPC;
		return -1;
	}
	return real_write(fd, data, len);
}

struct seen {
	size_t lines, bytes;
	struct buf last;
};

static void see(void *arg, const char *text, size_t len)
{
	struct seen *seen = arg;
	CU_ASSERT_EQUAL(strlen(text), len);
	CU_ASSERT_EQUAL(text[len - 1], '}');
	HOLDS(text, "{\"schema\":\"soldr.journal.v1\"");
	seen->lines++;
	seen->bytes += len;
	buf_clear(&seen->last);
	buf_add(&seen->last, text, len);
}

static struct seen read_all(struct room *room, const char *name, size_t *broken)
{
	struct seen seen = {0};
	CU_ASSERT_EQUAL(journal_read(room_path(room, name), see, &seen, broken, NULL), 0);
	buf_release(&seen.last);
	return seen;
}

static void a_torn_line_costs_no_other(void)
{
	struct room room;
	soldr_error err = SOLDR_ERROR_INIT;
	bool torn = false, other = false;
	size_t broken;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	c.run_id = (char *)(uintptr_t)"r";
	CU_ASSERT_EQUAL(room_sh(&room, "mkdir -p runs/r"), 0);
	CU_ASSERT_EQUAL(append(&c, &torn, &err), 0);
	real_write = sys.write;
	sys.write = short_write;
	writes_left = 2;
	CU_ASSERT_EQUAL(append(&c, &torn, &err), SOLDR_E_IO);
	CU_ASSERT_TRUE(torn);
	SAME_NUMBER(err.sys_errno, ENOSPC);
	CU_ASSERT_EQUAL(append(&c, &torn, &err), SOLDR_E_IO);
	CU_ASSERT_TRUE(torn);
	sys.write = real_write;
	/* The same process goes on a line of its own, another one behind the piece. */
	CU_ASSERT_EQUAL(append(&c, &torn, &err), 0);
	SAME_NUMBER(read_all(&room, "runs/r/journal.jsonl", &broken).lines, 2);
	SAME_NUMBER(broken, 1);
	SAME_NUMBER(room_sh(&room, "grep -q '.{\"schema\"' runs/r/journal.jsonl"), 1);
	sys.write = short_write;
	writes_left = 2;
	CU_ASSERT_EQUAL(append(&c, &other, &err), SOLDR_E_IO);
	sys.write = real_write;
	SAME_NUMBER(read_all(&room, "runs/r/journal.jsonl", &broken).lines, 2);
	SAME_NUMBER(broken, 2);
	other = false;
	CU_ASSERT_EQUAL(append(&c, &other, &err), 0);
	SAME_NUMBER(read_all(&room, "runs/r/journal.jsonl", &broken).lines, 3);
	SAME_NUMBER(broken, 2);
	room_release(&room);
}

static void what_is_no_line_is_counted(void)
{
#define LINE "{\"schema\":\"soldr.journal.v1\",\"x\":1}"
	static const struct {
		const char *text;
		size_t lines, broken;
	} rows[] = {
		{"", 0, 0},
		{LINE "\n", 1, 0},
		{LINE "\n" LINE "\n", 2, 0},
		{LINE "\n" LINE, 1, 1},
		{"\n\n" LINE "\n\n", 1, 0},
		{"{\"schema\":\"soldr.journal.v9\"}\n" LINE "\n", 1, 1},
		{"rubbish\n" LINE "\n{", 1, 2},
		{"{\"schema\":\"soldr.jour" LINE "\n", 1, 1},
		{LINE LINE "\n", 1, 1},
		{LINE " x\n" LINE "\n", 1, 1},
	};
	struct room room;
	room_init(&room, "journal");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t broken = 99;
		room_put(&room, "j", rows[i].text);
		SAME_NUMBER(read_all(&room, "j", &broken).lines, rows[i].lines);
		SAME_NUMBER(broken, rows[i].broken);
	}
	/* Longer than any line: skipped without keeping it, and the next one is found. */
	size_t big = 5 << 20, broken;
	char *text = malloc(big);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'z', big);
	static const char end[] = "\n" LINE "\n";
	memcpy(text + big - (sizeof end - 1), end, sizeof end - 1);
	room_put_bytes(&room, "j", text, big);
	SAME_NUMBER(read_all(&room, "j", &broken).lines, 1);
	SAME_NUMBER(broken, 1);
	free(text);
	room_release(&room);
#undef LINE
}

static void parallel_writers_do_not_mix(void)
{
	enum { PROCESSES = 8, LINES = 100 };
	struct room room;
	size_t broken;
	room_init(&room, "journal");
	struct config c = config_of(&room);
	fflush(NULL);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			bool torn = false;
			int rc = 0;
			for (int k = 0; k < LINES && !rc; k++)
				rc = append(&c, &torn, NULL);
			_exit(rc != 0);
		}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;
		wait(&status);
		SAME_NUMBER(status, 0);
	}
	char *day = today(&room);
	SAME_NUMBER(read_all(&room, day + strlen(room.dir) + 1, &broken).lines, PROCESSES * LINES);
	SAME_NUMBER(broken, 0);
	/* Every compile has an id of its own. */
	SAME_NUMBER(room_sh(&room, "test $(sed 's/.*compile_id\":\"\\([0-9a-f]*\\).*/\\1/' '%s' | sort -u | wc -l) = %d", day, PROCESSES * LINES),
	            0);
	free(day);
	room_release(&room);
}

void suite_journal(void)
{
	CU_pSuite s = CU_add_suite("journal", NULL, NULL);
	CU_add_test(s, "dates are those of the C library", dates_are_those_of_the_c_library);
	CU_add_test(s, "a line has every member", a_line_has_every_member);
	CU_add_test(s, "s11: the detail gives no secret away", the_detail_gives_no_secret_away);
	CU_add_test(s, "long lists are cut", long_lists_are_cut);
	CU_add_test(s, "a run has its file, and a day too", a_run_has_its_file_and_a_day_too);
	CU_add_test(s, "a kept file is used while its path leads to it", a_kept_file_is_used_while_its_path_leads_to_it);
	CU_add_test(s, "days are bounded", days_are_bounded);
	CU_add_test(s, "a full journal takes no more", a_full_journal_takes_no_more);
	CU_add_test(s, "modes and readonly decide", modes_and_readonly_decide);
	CU_add_test(s, "places that are no files are refused", places_that_are_no_files_are_refused);
	CU_add_test(s, "a torn line costs no other", a_torn_line_costs_no_other);
	CU_add_test(s, "what is no line is counted", what_is_no_line_is_counted);
	CU_add_test(s, "parallel writers do not mix", parallel_writers_do_not_mix);
}
