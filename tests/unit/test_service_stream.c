/*
 * Output on its way to the host: as it comes on a miss, in one piece on a hit, in
 * order, all of it however slow the callback is, and no more once it says so.
 */
#include "place.h"

#include <pthread.h>

void suite_service_stream(void);

/* A compile whose callback does something. */
struct listener {
	struct place *place;
	struct buf streams[2];
	unsigned calls;
	uint32_t refused; /* the stream of which no more is wanted */
	int go;           /* a descriptor that the callback writes to at its first call; -1: none */
};

static int32_t listen(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct listener *l = arg;
	if (l->calls++ == 0 && l->go >= 0 && write(l->go, "\n", 1) != 1)
		return 1;
	buf_add(&l->streams[stream == SOLDR_STDERR], data, (size_t)len);
	return stream == l->refused;
}

static int compile_to(struct listener *l, const char *const *argv)
{
	struct place *p = l->place;
	const soldr_compile_request r = {.struct_size = sizeof r, .argv = argv, .cwd = p->room.dir};
	p->result = (soldr_result){.struct_size = sizeof p->result};
	p->err = SOLDR_ERROR_INIT;
	return soldr_service_compile_streaming(p->service, &r, listen, l, &p->result, &p->err);
}

static void listener_release(struct listener *l)
{
	buf_release(&l->streams[0]);
	buf_release(&l->streams[1]);
}

/* The compiler waits for an answer to its first words: who kept them back until its end would wait for ever. */
static void output_comes_while_the_compiler_runs(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	CU_ASSERT_EQUAL(mkfifo(room_path(&p.room, "answer"), 0600), 0);
	room_put_program(&p.room, "talkcc", "#!/bin/sh\necho first\nread x <>answer\necho second\n");
	SAME_NUMBER(place_start(&p), 0);
	struct listener l = {.place = &p, .go = open(room_path(&p.room, "answer"), O_RDWR | O_CLOEXEC)};
	SAME_NUMBER(compile_to(&l, (const char *const[]){"talkcc", NULL}), 0);
	SAME(buf_str(&l.streams[0]), "first\nsecond\n");
	CU_ASSERT(l.calls >= 2);
	close(l.go);
	listener_release(&l);
	place_release(&p);
}

enum { LINES = 20000 };

/* More than any pipe holds, on both streams in turns. */
static void all_of_it_comes_in_order(void)
{
	struct place p;
	struct buf expected = BUF_INIT;
	place_init(&p, "good_minimal", "", "");
	room_put_program(&p.room, "manycc", "#!/bin/sh\ni=0\nwhile [ $i -lt 20000 ]; do echo $i; echo $i >&2; i=$((i + 1)); done\n");
	for (int i = 0; i < LINES; i++)
		buf_addf(&expected, "%d\n", i);
	SAME_NUMBER(place_start(&p), 0);
	struct listener l = {.place = &p, .go = -1};
	SAME_NUMBER(compile_to(&l, (const char *const[]){"manycc", NULL}), 0);
	for (int i = 0; i < 2; i++)
		SAME_BYTES(l.streams[i].data, l.streams[i].len, expected.data, expected.len);
	buf_release(&expected);
	listener_release(&l);
	place_release(&p);
}

/* While the callback does not return, the compiler gets no further than its pipe is large. */
struct slow {
	struct listener listener;
	size_t progress; /* of the compiler, when the callback had waited for it to stand still */
};

static size_t progress_of(struct place *p)
{
	struct stat st;
	return stat(room_path(&p->room, "progress"), &st) == 0 ? (size_t)st.st_size : 0;
}

static int32_t listen_slowly(void *arg, uint32_t stream, const void *data, uint64_t len)
{
	struct slow *s = arg;
	const struct timespec pause = {.tv_nsec = 1000000};
	enum { STILL = 200 };
	int still = s->listener.calls == 0 ? 0 : STILL;
	for (size_t before = 0; still < STILL; still++) {
		nanosleep(&pause, NULL);
		size_t now = progress_of(s->listener.place);
		if (now != before)
			still = 0;
		before = s->progress = now;
	}
	return listen(&s->listener, stream, data, len);
}

static void a_slow_callback_slows_the_compiler_down(void)
{
	enum { BLOCKS = 256, BLOCK = 4096, PIPE_MOST = 40 };
	struct place p;
	place_init(&p, "good_minimal", "", "");
	room_put_program(&p.room, "loudcc",
	                 "#!/bin/sh\nblock=$(printf '%4095s' x)\ni=0\n"
	                 "while [ $i -lt 256 ]; do echo \"$block\"; printf . >>progress; i=$((i + 1)); done\n");
	SAME_NUMBER(place_start(&p), 0);
	struct slow s = {.listener = {.place = &p, .go = -1}};
	const soldr_compile_request r = {.struct_size = sizeof r, .argv = (const char *const[]){"loudcc", NULL}, .cwd = p.room.dir};
	p.result = (soldr_result){.struct_size = sizeof p.result};
	SAME_NUMBER(soldr_service_compile_streaming(p.service, &r, listen_slowly, &s, &p.result, &p.err), 0);
	CU_ASSERT(s.progress > 0 && s.progress < PIPE_MOST);
	SAME_NUMBER(s.listener.streams[0].len, BLOCKS * BLOCK);
	listener_release(&s.listener);
	place_release(&p);
}

/* As with the bare compiler and a reader that went away: it dies of SIGPIPE, even if the host ignores that signal. */
static void who_wants_no_more_closes_the_pipe(void)
{
	struct place p;
	place_init(&p, "good_minimal", "", "");
	room_put_program(&p.room, "yescc", "#!/bin/sh\necho kept >&2\nexec yes\n");
	SAME_NUMBER(place_start(&p), 0);
	struct listener l = {.place = &p, .go = -1, .refused = SOLDR_STDOUT};
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	SAME_NUMBER(compile_to(&l, (const char *const[]){"yescc", NULL}), 0);
	signal(SIGPIPE, before);
	SAME_NUMBER(p.result.signal, SIGPIPE);
	SAME(buf_str(&l.streams[1]), "kept\n");
	listener_release(&l);
	place_release(&p);
}

/* What came live on the miss is replayed on the hit, each stream in one piece. */
static void a_hit_replays(void)
{
	struct place p;
	const char *const argv[] = {"gcc", "-c", "unit.c", NULL};
	place_init_embedded(&p, "", "");
	room_put(&p.room, "unit.c", "#warning one\nint unit;\n#warning two\n");
	room_settle(&p.room);
	SAME_NUMBER(place_start(&p), 0);
	struct listener live = {.place = &p, .go = -1}, replayed = {.place = &p, .go = -1};
	SAME_NUMBER(compile_to(&live, argv), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_MISS);
	HOLDS(buf_str(&live.streams[1]), "#warning two");
	SAME_NUMBER(compile_to(&replayed, argv), 0);
	SAME_NUMBER(p.result.outcome, SOLDR_OUTCOME_HIT);
	SAME(buf_str(&replayed.streams[1]), buf_str(&live.streams[1]));
	SAME(buf_str(&replayed.streams[0]), "");
	SAME_NUMBER(replayed.calls, 1);
	listener_release(&live);
	listener_release(&replayed);
	place_release(&p);
}

void suite_service_stream(void)
{
	CU_pSuite s = CU_add_suite("service_stream", NULL, NULL);
	CU_add_test(s, "output comes while the compiler runs", output_comes_while_the_compiler_runs);
	CU_add_test(s, "all of it comes in order", all_of_it_comes_in_order);
	CU_add_test(s, "a slow callback slows the compiler down", a_slow_callback_slows_the_compiler_down);
	CU_add_test(s, "who wants no more closes the pipe", who_wants_no_more_closes_the_pipe);
	CU_add_test(s, "a hit replays", a_hit_replays);
}
