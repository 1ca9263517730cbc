/* log: which message goes where, one line each, and a fault file that stays bounded. */
#include "config.h"
#include "log.h"
#include "room.h"

void suite_log(void);

static struct config config_of(const char *wanted, const char *root, bool readonly)
{
	return (struct config){
		.log = (char *)(uintptr_t)wanted, .cache_root = (char *)(uintptr_t)root, .readonly = readonly,
	};
}

/* Writes one message of each level; what arrived at descriptor 2 goes to the file "stderr". */
static void write_levels(struct room *room, const struct log *l)
{
	static const char *const texts[] = {"m-error", "m-warn", "m-info", "m-debug", "m-trace"};
	int kept = dup(2), fd = open(room_put(room, "stderr", ""), O_WRONLY | O_TRUNC | O_CLOEXEC);
	dup2(fd, 2);
	for (uint32_t level = SOLDR_LOG_ERROR; level <= SOLDR_LOG_TRACE; level++)
		log_write(l, level, "test", texts[level]);
	log_write(l, SOLDR_LOG_TRACE + 1, "test", "m-none");
	dup2(kept, 2);
	close(kept);
	close(fd);
}

/* The messages of a file without what stands before them. */
static void expect_messages(struct room *room, const char *name, const char *expected)
{
	struct buf b = room_get(room, name), got = BUF_INIT;
	for (const char *p = buf_str(&b); *p;) {
		size_t n = strcspn(p, "\n");
		const char *colon = memmem(p, n, " test: ", 7);
		CU_ASSERT_PTR_NOT_NULL_FATAL(colon);
		if (got.len)
			buf_addc(&got, ' ');
		buf_add(&got, colon + 7, n - (size_t)(colon + 7 - p));
		CU_ASSERT_EQUAL(p[n], '\n');
		p += n + 1;
	}
	SAME(buf_str(&got), expected);
	buf_release(&b);
	buf_release(&got);
}

static void levels_choose_what_is_said(void)
{
	static const struct {
		const char *level, *said;
	} rows[] = {
		{NULL, ""},
		{"error", "m-error"},
		{"warn", "m-error m-warn"},
		{"info", "m-error m-warn m-info"},
		{"debug", "m-error m-warn m-info m-debug"},
		{"trace", "m-error m-warn m-info m-debug m-trace"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct room room;
		struct log l;
		room_init(&room, "log");
		struct config c = config_of(rows[i].level, room.dir, false);
		log_init(&l, &c);
		write_levels(&room, &l);
		expect_messages(&room, "stderr", rows[i].said);
		/* Faults are kept whatever was asked for. */
		expect_messages(&room, "logs/soldr.log", "m-error m-warn");
		log_release(&l);
		room_release(&room);
	}
}

static void a_file_gets_all_but_traces(void)
{
	struct room room;
	struct log l;
	room_init(&room, "log");
	struct config c = config_of(room_path(&room, "mine.log"), room_path(&room, "root"), true);
	log_init(&l, &c);
	write_levels(&room, &l);
	expect_messages(&room, "stderr", "");
	expect_messages(&room, "mine.log", "m-error m-warn m-info m-debug");
	/* A read-only run leaves no fault file. */
	CU_ASSERT_FALSE(room_has(&room, "root"));
	log_release(&l);
	room_release(&room);
}

static void a_line_has_time_process_and_level(void)
{
	struct room room;
	struct log l;
	int year, month, day, hour, minute, second, ms;
	long pid;
	char rest[64] = "";
	room_init(&room, "log");
	struct config c = config_of(room_path(&room, "mine.log"), room.dir, true);
	log_init(&l, &c);
	log_write(&l, SOLDR_LOG_INFO, "origin", "two\nlines\r\n");
	struct buf b = room_get(&room, "mine.log");
	CU_ASSERT_EQUAL(sscanf(buf_str(&b), "%d-%d-%dT%d:%d:%d.%3dZ %ld %63[^$]", &year, &month, &day, &hour, &minute, &second, &ms, &pid,
	                       rest), 9);
	CU_ASSERT(year > 2020 && month >= 1 && month <= 12 && hour < 24 && ms < 1000);
	SAME_NUMBER(pid, getpid());
	SAME(rest, "info origin: two lines  \n");
	buf_release(&b);
	log_release(&l);
	room_release(&room);
}

static void the_fault_file_is_bounded(void)
{
	struct room room;
	struct log l;
	struct stat st;
	char text[10001];
	room_init(&room, "log");
	struct config c = config_of(NULL, room.dir, false);
	log_init(&l, &c);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	for (int i = 0; i < 330; i++)
		log_write(&l, SOLDR_LOG_ERROR, "test", text);
	CU_ASSERT_EQUAL(stat(room_path(&room, "logs/soldr.log"), &st), 0);
	CU_ASSERT(st.st_size <= (1 << 20) + 11000);
	CU_ASSERT_EQUAL(stat(room_path(&room, "logs/soldr.log.1"), &st), 0);
	CU_ASSERT(st.st_size > 1 << 20 && st.st_size <= (1 << 20) + 22000);
	SAME_NUMBER(count_names(room_path(&room, "logs"), ""), 2);
	log_release(&l);
	room_release(&room);
}

/* Places that cannot be written hold nobody up and break nothing. */
static void bad_places_are_silent(void)
{
	struct room room;
	struct log l;
	room_init(&room, "log");
	room_put(&room, "victim", "text");
	room_put(&room, "root", "a file where a directory should be");
	CU_ASSERT_EQUAL(symlink("victim", room_path(&room, "link")), 0);
	CU_ASSERT_EQUAL(mkfifo(room_path(&room, "fifo"), 0600), 0);
	static const char *const places[] = {"link", "fifo", "none/file", "root/file"};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct config c = config_of(room_path(&room, places[i]), room_path(&room, "root"), false);
		log_init(&l, &c);
		write_levels(&room, &l);
		expect_messages(&room, "stderr", "");
		log_release(&l);
	}
	struct buf b = room_get(&room, "victim");
	SAME(buf_str(&b), "text");
	buf_release(&b);
	log_release(&l);
	room_release(&room);
}

static void lines_of_parallel_processes_do_not_mix(void)
{
	enum { PROCESSES = 6, LINES = 200 };
	struct room room;
	struct log l;
	char text[3001];
	room_init(&room, "log");
	struct config c = config_of(room_path(&room, "mine.log"), room.dir, true);
	log_init(&l, &c);
	fflush(NULL);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			memset(text, 'a' + i, sizeof text - 1);
			text[sizeof text - 1] = 0;
			for (int k = 0; k < LINES; k++)
				log_write(&l, SOLDR_LOG_INFO, "test", text);
			_exit(0);
		}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;
		wait(&status);
		SAME_NUMBER(status, 0);
	}
	struct buf b = room_get(&room, "mine.log");
	size_t lines = 0, wrong = 0;
	for (const char *p = buf_str(&b); *p; lines++) {
		size_t n = strcspn(p, "\n");
		const char *from = memmem(p, n, " test: ", 7);
		char same[2] = {from ? from[7] : '?', 0};
		wrong += !from || (size_t)(p + n - (from + 7)) != sizeof text - 1 || strspn(from + 7, same) != sizeof text - 1;
		p += n + (p[n] == '\n');
	}
	SAME_NUMBER(lines, PROCESSES * LINES);
	SAME_NUMBER(wrong, 0);
	buf_release(&b);
	log_release(&l);
	room_release(&room);
}

void suite_log(void)
{
	CU_pSuite s = CU_add_suite("log", NULL, NULL);
	CU_add_test(s, "levels choose what is said", levels_choose_what_is_said);
	CU_add_test(s, "a file gets all but traces", a_file_gets_all_but_traces);
	CU_add_test(s, "a line has time, process and level", a_line_has_time_process_and_level);
	CU_add_test(s, "the fault file is bounded", the_fault_file_is_bounded);
	CU_add_test(s, "bad places are silent", bad_places_are_silent);
	CU_add_test(s, "lines of parallel processes do not mix", lines_of_parallel_processes_do_not_mix);
}
