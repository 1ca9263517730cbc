/* witness: one writer of an output is told from two, by events and by claims. */
#include "room.h"
#include "witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct scene {
	struct room room;
	char claims[512], output[512];
	struct witness_target targets[1];
};

static void scene_init(struct scene *s)
{
	room_init(&s->room, "witness");
	snprintf(s->claims, sizeof s->claims, "%s/deep/claims", s->room.dir);
	snprintf(s->output, sizeof s->output, "%s/x.o", s->room.dir);
	s->targets[0] = (struct witness_target){s->output, false};
}

static void write_output(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void one_writer_is_alone(void)
{
	struct scene s;
	struct witness w;
	scene_init(&s);
	witness_begin(&w, s.claims, s.targets, 1);
	write_output(s.output, "object");
	CU_ASSERT_TRUE(witness_alone(&w, 1));
	witness_release(&w);
	/* The next compile replaces it: removed, then made anew. */
	witness_begin(&w, s.claims, s.targets, 1);
	unlink(s.output);
	write_output(s.output, "object");
	CU_ASSERT_TRUE(witness_alone(&w, 1));
	witness_release(&w);
	room_release(&s.room);
}

static void a_rename_over_the_output_is_one_writing(void)
{
	struct scene s;
	struct witness w;
	char beside[600];
	scene_init(&s);
	snprintf(beside, sizeof beside, "%s.tmp", s.output);
	witness_begin(&w, s.claims, s.targets, 1);
	write_output(beside, "object");
	rename(beside, s.output);
	CU_ASSERT_TRUE(witness_alone(&w, 1));
	witness_release(&w);
	room_release(&s.room);
}

static void a_second_writing_is_seen(void)
{
	struct scene s;
	struct witness w;
	scene_init(&s);
	witness_begin(&w, s.claims, s.targets, 1);
	write_output(s.output, "object");
	unlink(s.output);
	write_output(s.output, "another's");
	CU_ASSERT_FALSE(witness_alone(&w, 1));
	witness_release(&w);
	room_release(&s.room);
}

static void a_rewriting_is_the_compilers_where_it_is_expected(void)
{
	struct scene s;
	struct witness w;
	scene_init(&s);
	for (unsigned writings = 1; writings <= 3; writings++) {
		s.targets[0].rewritten = true;
		witness_begin(&w, s.claims, s.targets, 1);
		unlink(s.output);
		for (unsigned i = 0; i < writings; i++)
			write_output(s.output, "object");
		CU_ASSERT_EQUAL(witness_alone(&w, 1), writings <= 2);
		witness_release(&w);
		s.targets[0].rewritten = false;
		witness_begin(&w, s.claims, s.targets, 1);
		for (unsigned i = 0; i < writings; i++)
			write_output(s.output, "object");
		CU_ASSERT_EQUAL(witness_alone(&w, 1), writings == 1);
		witness_release(&w);
	}
	/* Removed and made anew it is another's. */
	s.targets[0].rewritten = true;
	witness_begin(&w, s.claims, s.targets, 1);
	write_output(s.output, "object");
	unlink(s.output);
	write_output(s.output, "another's");
	CU_ASSERT_FALSE(witness_alone(&w, 1));
	witness_release(&w);
	room_release(&s.room);
}

static void a_claim_at_the_same_time_is_seen_by_both(void)
{
	struct scene s;
	struct witness first, second;
	scene_init(&s);
	witness_begin(&first, s.claims, s.targets, 1);
	witness_begin(&second, s.claims, s.targets, 1);
	write_output(s.output, "object");
	CU_ASSERT_FALSE(witness_alone(&second, 1));
	witness_release(&second);
	CU_ASSERT_FALSE(witness_alone(&first, 1));
	witness_release(&first);
	room_release(&s.room);
}

static void claims_end_with_their_compile(void)
{
	struct scene s;
	struct witness w;
	scene_init(&s);
	for (int i = 0; i < 3; i++) {
		witness_begin(&w, s.claims, s.targets, 1);
		write_output(s.output, "object");
		CU_ASSERT_TRUE(witness_alone(&w, 1));
		witness_release(&w);
		unlink(s.output);
	}
	room_release(&s.room);
}

static void dismissed_it_leaves_nothing_behind(void)
{
	struct scene s;
	struct witness w;
	char second[600];
	scene_init(&s);
	int before = dup(0);
	close(before);
	snprintf(second, sizeof second, "%s.d", s.output);
	for (int i = 0; i < 3; i++) {
		struct witness_target both[] = {{s.output, false}, {second, false}}; /* one watch for two files */
		witness_begin(&w, s.claims, both, 2);
		write_output(second, "rule");
		write_output(s.output, "object");
		CU_ASSERT_TRUE(witness_alone(&w, 1));
		witness_dismiss(&w);
		write_output(s.output, "another's, too late to matter");
		witness_release(&w);
		unlink(s.output);
		unlink(second);
	}
	int after = dup(0);
	CU_ASSERT_EQUAL(after, before);
	close(after);
	room_release(&s.room);
}

void suite_witness(void);

void suite_witness(void)
{
	CU_pSuite suite = CU_add_suite("witness", NULL, NULL);
	CU_add_test(suite, "one writer is alone", one_writer_is_alone);
	CU_add_test(suite, "a rename over the output is one writing", a_rename_over_the_output_is_one_writing);
	CU_add_test(suite, "a second writing is seen", a_second_writing_is_seen);
	CU_add_test(suite, "a rewriting is the compiler's where it is expected", a_rewriting_is_the_compilers_where_it_is_expected);
	CU_add_test(suite, "a claim at the same time is seen by both", a_claim_at_the_same_time_is_seen_by_both);
	CU_add_test(suite, "claims end with their compile", claims_end_with_their_compile);
	CU_add_test(suite, "dismissed it leaves nothing behind", dismissed_it_leaves_nothing_behind);
}
