/*
 * What a host brings (an executor, a budget, an identity, a signal mask of its
 * own) and what it gets back unchanged.
 */
#include "place.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/statvfs.h>

void suite_service_host(void);

extern char **environ;

/* ---- the executor ------------------------------------------------------------------------------ */

enum { TASKS_MAX = 16 };

/* Keeps what it is given until it is told to run it. */
struct executor {
	soldr_task_fn tasks[TASKS_MAX];
	void *args[TASKS_MAX];
	unsigned count;
	bool closed; /* takes no more */
};

static int32_t keep_task(void *arg, soldr_task_fn task, void *task_arg)
{
	struct executor *e = arg;
	if (e->closed || e->count == TASKS_MAX)
		return 1;
	e->tasks[e->count] = task;
	e->args[e->count++] = task_arg;
	return 0;
}

static void run_all(struct executor *e)
{
	for (unsigned i = 0; i < e->count; i++)
		e->tasks[i](e->args[i]);
	e->count = 0;
}

static void count_task(void *arg)
{
	++*(unsigned *)arg;
}

static void on_step(void *arg, const soldr_step *s)
{
	if (strcmp(s->name, "tasks") == 0)
		*(uint64_t *)arg = s->count;
}

static void start_with_executor(struct place *p, struct executor *e)
{
	const soldr_runtime runtime = {.struct_size = sizeof runtime, .submit = keep_task, .arg = e};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	config.runtime = &runtime;
	SAME_NUMBER(place_start_with(p, config), 0);
}

static void tasks_run_on_the_executor(void)
{
	struct place p;
	struct executor e = {.count = 0};
	unsigned done = 0;
	uint64_t told = 77;
	place_init(&p, "good_minimal", "", "");
	start_with_executor(&p, &e);
	const soldr_host *h = &p.service->host;
	SAME_NUMBER(h->submit(h->core, count_task, &done), 0);
	SAME_NUMBER(h->submit(h->core, count_task, &done), 0);
	SAME_NUMBER(done, 0);
	SAME_NUMBER(e.count, 2);
	run_all(&e);
	SAME_NUMBER(done, 2);
	/* What it does not take in time a flush runs, and what it is left with then is nothing. */
	SAME_NUMBER(h->submit(h->core, count_task, &done), 0);
	SAME_NUMBER(soldr_service_flush(p.service, 0, on_step, &told, &p.err), 0);
	SAME_NUMBER(told, 1);
	SAME_NUMBER(done, 3);
	run_all(&e);
	SAME_NUMBER(done, 3);
	/* What it refuses runs at once. */
	e.closed = true;
	SAME_NUMBER(h->submit(h->core, count_task, &done), 0);
	SAME_NUMBER(done, 4);
	/* And none is lost at the end. */
	e.closed = false;
	SAME_NUMBER(h->submit(h->core, count_task, &done), 0);
	soldr_service_free(p.service);
	p.service = NULL;
	SAME_NUMBER(done, 5);
	place_release(&p);
}

/* Several writes before the executor gets to it are one task. */
static void upkeep_is_the_executors(void)
{
	struct place p;
	struct executor e = {.count = 0};
	place_init_embedded(&p, "", "");
	room_put(&p.room, "a.c", "int a;\n");
	room_put(&p.room, "b.c", "int b;\n");
	room_settle(&p.room);
	start_with_executor(&p, &e);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = (const char *const[]){"gcc", "-c", "a.c", NULL}, .cwd = p.room.dir}), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_MISS);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = (const char *const[]){"gcc", "-c", "b.c", NULL}, .cwd = p.room.dir}), 0);
	SAME_NUMBER(e.count, 1);
	run_all(&e);
	place_release(&p);
}

/* ---- who keeps the store to which limit ------------------------------------------------------------ */

static uint64_t statistic(struct place *p, const char *name)
{
	struct wanted w = {.name = name};
	SAME_NUMBER(soldr_service_stats(p->service, on_stat, &w, &p->err), 0);
	return w.value;
}

static void the_host_may_maintain(void)
{
	struct place p;
	struct executor e = {.count = 0};
	const soldr_runtime runtime = {.struct_size = sizeof runtime, .submit = keep_task, .arg = &e};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	config.runtime = &runtime;
	config.maintenance = SOLDR_MAINTENANCE_HOST;
	config.disk_budget_bytes = 4096;
	place_init_embedded(&p, "", "");
	room_put(&p.room, "a.c", "int a;\n");
	room_put(&p.room, "b.c", "int b;\n");
	room_settle(&p.room);
	SAME_NUMBER(place_start_with(&p, config), 0);
	for (int i = 0; i < 2; i++)
		SAME_NUMBER(compile_request(&p, (soldr_compile_request){
			.argv = (const char *const[]){"gcc", "-c", i ? "b.c" : "a.c", NULL}, .cwd = p.room.dir}), 0);
	SAME_NUMBER(e.count, 0);
	SAME_NUMBER(statistic(&p, "max_size_bytes"), 4096);
	CU_ASSERT(statistic(&p, "size_bytes") > 4096);
	soldr_report report = {.struct_size = sizeof report};
	SAME_NUMBER(soldr_service_maintain(p.service, SOLDR_MAINTAIN_EVICT, &report, &p.err), 0);
	CU_ASSERT(statistic(&p, "size_bytes") <= 4096);
	place_release(&p);
	config.maintenance = 9;
	place_init_embedded(&p, "", "");
	SAME_NUMBER(place_start_with(&p, config), SOLDR_E_INVALID);
	place_release(&p);
}

static void a_budget_may_be_per_cent(void)
{
	struct place p;
	struct statvfs fs;
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	place_init_embedded(&p, ", options: {max_size: 1GiB}", "");
	CU_ASSERT_EQUAL_FATAL(statvfs(p.room.dir, &fs), 0);
	double percent = (double)fs.f_blocks * (double)fs.f_frsize / 100;
	config.disk_budget_percent = 10;
	SAME_NUMBER(place_start_with(&p, config), 0);
	double got = (double)statistic(&p, "max_size_bytes");
	CU_ASSERT(got > 9.9 * percent && got < 10.1 * percent);
	soldr_service_free(p.service);
	/* The smaller of two. */
	config.disk_budget_bytes = 5 << 20;
	SAME_NUMBER(place_start_with(&p, config), 0);
	SAME_NUMBER(statistic(&p, "max_size_bytes"), 5 << 20);
	soldr_service_free(p.service);
	p.service = NULL;
	config.disk_budget_percent = 101;
	SAME_NUMBER(place_start_with(&p, config), SOLDR_E_INVALID);
	HOLDS(p.err.message, "101 per cent");
	/* Where it is called from is gone. */
	const soldr_service_config plain = SOLDR_SERVICE_CONFIG_INIT;
	CU_ASSERT_EQUAL(mkdir(room_path(&p.room, "gone"), 0700) || chdir(room_path(&p.room, "gone")) || rmdir(room_path(&p.room, "gone")), 0);
	SAME_NUMBER(soldr_service_start(&plain, &p.service, &p.err), SOLDR_E_IO);
	HOLDS(p.err.message, "cannot tell the working directory: No such file or directory [E426]");
	CU_ASSERT_EQUAL(chdir("/"), 0);
	/* A file is no place with a size. */
	struct buf root = BUF_INIT;
	buf_addf(&root, "SOLDR_CACHE_DIR=%s/below", room_put(&p.room, "file", ""));
	for (size_t i = 0; i < p.env.len; i++)
		if (strncmp(p.env.items[i], "SOLDR_CACHE_DIR=", 16) == 0) {
			free(p.env.items[i]);
			p.env.items[i] = buf_detach(&root);
		}
	config.disk_budget_percent = 10;
	SAME_NUMBER(place_start_with(&p, config), SOLDR_E_IO);
	HOLDS(p.err.message, "cannot tell the size of the file system of ");
	HOLDS(p.err.message, "/file/below: Not a directory [E423]");
	place_release(&p);
}

static void who_hosts_is_named(void)
{
	struct place p;
	const soldr_identity who = {.struct_size = sizeof who, .product = "acme-build", .workspace_id = "main"};
	const soldr_identity nobody = {.struct_size = sizeof nobody, .instance_id = "two words"};
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	config.identity = &who;
	place_init(&p, "good_minimal", "", "identity: {product: p, instance_id: i, workspace: w}\n");
	SAME_NUMBER(place_start_with(&p, config), 0);
	SAME(p.service->config->product, "acme-build");
	SAME(p.service->config->instance_id, "i");
	SAME(p.service->config->workspace, "main");
	soldr_service_free(p.service);
	p.service = NULL;
	config.identity = &nobody;
	SAME_NUMBER(place_start_with(&p, config), SOLDR_E_INVALID);
	HOLDS(p.err.message, "two words");
	place_release(&p);
}

/* A request that names a run is counted and journalled there, and not where the service is. */
static void a_request_belongs_to_its_run(void)
{
	struct place p;
	soldr_audit_context context = {
		.struct_size = sizeof context, .run_id = "one-build", .trace_id = "0af7651916cd43dd8448eb211c80319c",
		.parent_span_id = "b7ad6b7169203331", .command_id = "00f067aa0ba902b7", .session_id = "session-7",
	};
	place_init(&p, "good_minimal", "", "");
	room_put(&p.room, "cache/runs/one-build/x", "");
	chmod(room_path(&p.room, "cache"), 0700);
	SAME_NUMBER(place_start(&p), 0);
	soldr_compile_request request = {.argv = (const char *const[]){p.compiler, "of the run", "0", NULL}, .context = &context};
	SAME_NUMBER(compile_request(&p, request), 0);
	SAME_NUMBER(compile(&p, (const char *const[]){p.compiler, "of no run", "0", NULL}), 0);
	struct counter_totals t;
	SAME_NUMBER(counters_read(room_path(&p.room, "cache/runs/one-build/counters"), &t, NULL), 0);
	SAME_NUMBER(t.compilations, 1);
	expect_stat(&p, "compilations", 2);
	struct buf b = room_get(&p.room, "cache/runs/one-build/journal.jsonl");
	HOLDS(buf_str(&b), "of the run");
	CU_ASSERT_PTR_NULL(strstr(buf_str(&b), "of no run"));
	buf_release(&b);
	b = room_get(&p.room, "cache/runs/one-build/audit.jsonl");
	HOLDS(buf_str(&b), "\"0af7651916cd43dd8448eb211c80319c\"");
	HOLDS(buf_str(&b), "\"b7ad6b7169203331\"");
	HOLDS(buf_str(&b), "\"00f067aa0ba902b7\"");
	HOLDS(buf_str(&b), "\"session-7\"");
	buf_release(&b);
	context.command_id = "7";
	SAME_NUMBER(compile_request(&p, request), SOLDR_E_INVALID);
	context = (soldr_audit_context){.struct_size = sizeof context, .session_id = "two words"};
	SAME_NUMBER(compile_request(&p, request), SOLDR_E_INVALID);
	context.session_id = NULL;
	context.run_id = "../elsewhere";
	SAME_NUMBER(compile_request(&p, request), SOLDR_E_INVALID);
	HOLDS(p.err.message, "../elsewhere");
	context = (soldr_audit_context){.struct_size = sizeof context, .trace_id = "not hexadecimal", .parent_span_id = "x"};
	SAME_NUMBER(compile_request(&p, request), SOLDR_E_INVALID);
	expect_runs(&p, 2);
	place_release(&p);
}

/* A struct of an older header ends earlier; what follows it in memory is not read. */
static void an_older_header_is_enough(void)
{
	struct place p;
	soldr_service_config config = SOLDR_SERVICE_CONFIG_INIT;
	config.struct_size = offsetof(soldr_service_config, identity);
	config.identity = (const soldr_identity *)(uintptr_t)8;
	config.limits = (const soldr_limits *)(uintptr_t)8;
	config.disk_budget_percent = 1000;
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start_with(&p, config), 0);
	soldr_compile_request r = {
		.struct_size = offsetof(soldr_compile_request, cwd), .argv = (const char *const[]){p.compiler, "-c", "0", NULL},
		.cwd = (const char *)(uintptr_t)8,
	};
	p.result = (soldr_result){.struct_size = sizeof p.result};
	SAME_NUMBER(soldr_service_compile(p.service, &r, &p.result, &p.err), 0);
	r.struct_size = sizeof r;
	r.cwd = "relative";
	SAME_NUMBER(soldr_service_compile(p.service, &r, &p.result, &p.err), SOLDR_E_INVALID);
	HOLDS(p.err.message, "relative");
	place_release(&p);
}

/* ---- the process --------------------------------------------------------------------------------- */

struct process {
	char cwd[256];
	char *const *environment;
	mode_t umask;
	sigset_t mask;
	struct sigaction actions[32];
	size_t descriptors, threads;
};

static size_t count_below(const char *path)
{
	size_t n = 0;
	DIR *dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void look_at(struct process *p)
{
	memset(p, 0, sizeof *p);
	CU_ASSERT_PTR_NOT_NULL(getcwd(p->cwd, sizeof p->cwd));
	p->environment = environ;
	p->umask = umask(0);
	umask(p->umask);
	pthread_sigmask(SIG_SETMASK, NULL, &p->mask);
	for (int i = 1; i < 32; i++)
		sigaction(i, NULL, &p->actions[i]);
	p->descriptors = count_below("/proc/self/fd");
	p->threads = count_below("/proc/self/task");
}

/* The signals 1 to 31 of the line "SigBlk:\t<hexadecimal>"; those behind them are the C library's own. */
static unsigned long signals_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? (unsigned long)strtoull(at + strlen(name), NULL, 16) & 0x7fffffff : ~0ul;
}

/* Whatever the host blocks and ignores, the compiler starts like any other program, in a group of its own. */
static void the_host_stays_as_it_is(void)
{
	struct place p;
	struct process before, after;
	sigset_t block, was;
	const char *const argv[] = {
		"/bin/sh", "-c",
		"read pid rest </proc/self/stat; set -- $rest; echo \"$(readlink /proc/self/fd/0) $(pwd) $((pid - $4))\"; exec cat /proc/self/status", NULL,
	};
	place_init(&p, "good_minimal", "", "");
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &block, &was);
	void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
	look_at(&before);
	SAME_NUMBER(place_start(&p), 0);
	SAME_NUMBER(compile_request(&p, (soldr_compile_request){.argv = argv, .cwd = "/"}), 0);
	soldr_service_free(p.service);
	p.service = NULL;
	look_at(&after);
	signal(SIGPIPE, pipe_before);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	SAME(after.cwd, before.cwd);
	CU_ASSERT_PTR_EQUAL(after.environment, before.environment);
	SAME_NUMBER(after.umask, before.umask);
	SAME_NUMBER(after.descriptors, before.descriptors);
	SAME_NUMBER(after.threads, before.threads);
	CU_ASSERT(memcmp(&after.mask, &before.mask, sizeof after.mask) == 0);
	for (int i = 1; i < 32; i++)
		CU_ASSERT(after.actions[i].sa_handler == before.actions[i].sa_handler && after.actions[i].sa_flags == before.actions[i].sa_flags);
	HOLDS(buf_str(&p.out[0]), "/dev/null / 0\n");
	SAME_NUMBER(signals_of(buf_str(&p.out[0]), "SigBlk:"), 0);
	SAME_NUMBER(signals_of(buf_str(&p.out[0]), "SigIgn:"), 0);
	place_release(&p);
}

/* How a child ended is not known then: that must not be taken for success, nor be tried again. */
static void a_host_that_ignores_sigchld_is_told(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	SAME_NUMBER(place_start(&p), 0);
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);
	int rc = compile(&p, (const char *const[]){p.compiler, "-c", "3", NULL});
	signal(SIGCHLD, before);
	SAME_NUMBER(rc, SOLDR_E_INVALID);
	HOLDS(p.err.message, "SIGCHLD");
	expect_runs(&p, 1);
	expect_stat(&p, "compilations", 0);
	place_release(&p);
}

void suite_service_host(void)
{
	CU_pSuite s = CU_add_suite("service_host", NULL, NULL);
	CU_add_test(s, "tasks run on the executor", tasks_run_on_the_executor);
	CU_add_test(s, "upkeep is the executor's", upkeep_is_the_executors);
	CU_add_test(s, "the host may maintain", the_host_may_maintain);
	CU_add_test(s, "a budget may be per cent", a_budget_may_be_per_cent);
	CU_add_test(s, "who hosts is named", who_hosts_is_named);
	CU_add_test(s, "a request belongs to its run", a_request_belongs_to_its_run);
	CU_add_test(s, "an older header is enough", an_older_header_is_enough);
	CU_add_test(s, "the host stays as it is", the_host_stays_as_it_is);
	CU_add_test(s, "a host that ignores SIGCHLD is told", a_host_that_ignores_sigchld_is_told);
}
