/* verify and evidence: which hits are chosen, what counts as a difference, what is kept of one and for how long. */
#include "room.h"
#include "unit.h"

#include <soldr/backend.h>

void suite_verify(void);

static unsigned chosen_of(unsigned count, uint64_t step, uint32_t percent)
{
	unsigned n = 0;
	for (uint64_t i = 0; i < count; i++)
		n += verify_chosen(i * step, percent);
	return n;
}

static void the_share_is_what_was_asked_for(void)
{
	enum { MANY = 100000 };
	static const uint64_t steps[] = {1, 4096, (uint64_t)1 << 32, 0x0123456789abcdef};
	static const struct {
		uint32_t percent;
		unsigned least, most; /* five standard deviations around the share of MANY */
	} cases[] = {{0, 0, 0}, {1, 843, 1157}, {50, 49210, 50790}, {99, 98843, 99157}, {100, MANY, MANY}};
	for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			unsigned n = chosen_of(MANY, steps[s], cases[i].percent);
			if (n < cases[i].least || n > cases[i].most)
				fprintf(stderr, "\n%u %% of %d seeds, step %zu: %u\n", cases[i].percent, MANY, s, n);
			CU_ASSERT(n >= cases[i].least && n <= cases[i].most);
		}
}

static void add(struct entry *e, uint32_t kind, const char *text)
{
	e->sections[e->section_count++] =
		(struct entry_section){.kind = kind, .data = text, .len = strlen(text), .raw_len = strlen(text)};
}

static struct entry result(void)
{
	struct entry e = {0};
	add(&e, ENTRY_DEPFILE, "x.o: x.c\n");
	add(&e, ENTRY_OBJECT, "the object");
	add(&e, ENTRY_SIDE, "more");
	add(&e, ENTRY_STDERR, "a warning");
	return e;
}

static void expect_differences(const struct entry *stored, const struct entry *made, const char *lines)
{
	struct buf b = BUF_INIT;
	SAME_NUMBER(verify_compare(stored, made, &b, NULL), 0);
	SAME(buf_str(&b), lines);
	buf_release(&b);
}

static void every_difference_is_told(void)
{
	struct entry stored = result(), made = result();
	expect_differences(&stored, &made, "");
	made.compile_ns = 7;
	expect_differences(&stored, &made, "");
	made.exit_code = 1;
	expect_differences(&stored, &made, "exit status: 0 stored, 1 compiled\n");
	made = result();
	made.sections[1].data = "the 0bject";
	expect_differences(&stored, &made, "object: 10 bytes stored, 10 compiled; the first difference is at offset 4\n");
	made.sections[1].raw_len = --made.sections[1].len;
	made.sections[1].data = "the objec";
	expect_differences(&stored, &made, "object: 10 bytes stored, 9 compiled; the first difference is at offset 9\n");
	expect_differences(&made, &stored, "object: 9 bytes stored, 10 compiled; the first difference is at offset 9\n");
	made = result();
	made.sections[1].executable = true;
	expect_differences(&stored, &made, "object: not executable as stored, executable as compiled\n");
	made = result();
	made.sections[0] = made.sections[3];
	made.section_count = 3;
	expect_differences(&stored, &made, "depfile: stored, but the compiler wrote none\n");
	expect_differences(&made, &stored, "depfile: the compiler wrote it, but none is stored\n");
	made = result();
	made.section_count = 3;
	expect_differences(&stored, &made, "stderr: 9 bytes stored, 0 compiled; the first difference is at offset 0\n");
	expect_differences(&made, &stored, "stderr: 0 bytes stored, 9 compiled; the first difference is at offset 0\n");
	made = result();
	made.sections[2].data = "less";
	made.sections[3].data = "A warning";
	expect_differences(&stored, &made, "output-16: 4 bytes stored, 4 compiled; the first difference is at offset 0\n"
	                                   "stderr: 9 bytes stored, 9 compiled; the first difference is at offset 0\n");
	add(&stored, ENTRY_STDOUT, "");
	made = result();
	expect_differences(&stored, &made, "");
	/* What the store notes for itself is nothing that a compiler gives. */
	add(&stored, ENTRY_BASE, "/one");
	expect_differences(&stored, &made, "");
	add(&made, ENTRY_BASE, "/two");
	expect_differences(&stored, &made, "");
}

static void what_does_not_unpack_cannot_be_compared(void)
{
	struct entry stored = result(), made = result();
	struct buf b = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	stored.sections[1].packed = true;
	SAME_NUMBER(verify_compare(&stored, &made, &b, &err), SOLDR_E_CORRUPT);
	buf_release(&b);
}

/* A unit whose lookup found something, as far as evidence is made of it. */
struct rig {
	struct room room;
	soldr_instance inst;
	soldr_request req;
	struct candidate candidate;
	struct unit unit;
};

static const char *const argv[] = {"gcc", "-DA='b c'", "-c", "x.c", NULL};
static const char *const envp[] = {"TOKEN=s3cr3t", "PATH=/s3cr3t", "EMPTY=", NULL};

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){0};
	room_init(&rig->room, "verify");
	rig->inst.evidence = (char *)(uintptr_t)room_path(&rig->room, "evidence");
	rig->req = (soldr_request){.struct_size = sizeof rig->req, .argc = 4, .envc = 3, .argv = argv, .envp = envp, .cwd = "/some where"};
	digest_of(&rig->candidate.result, "result", 6);
	struct unit *u = &rig->unit;
	u->inst = &rig->inst;
	u->req = &rig->req;
	u->real = (char *)(uintptr_t) "/usr/bin/gcc-12";
	u->outputs[0] = (struct output){.path = (char *)(uintptr_t) "/some where/x.o", .kind = ENTRY_OBJECT};
	u->output_count = 1;
	u->found.candidate = &rig->candidate;
	u->found.entry = result();
	buf_adds(&u->found.entry.file, "entry file");
	buf_adds(&u->found.manifest.file, "manifest file");
}

static void rig_release(struct rig *rig)
{
	entry_release(&rig->unit.found.entry);
	buf_release(&rig->unit.found.manifest.file);
	room_release(&rig->room);
}

/* Name of the directory below the room. */
static const char *keep(struct rig *rig, const struct entry *made)
{
	static char dir[216];
	soldr_error err = SOLDR_ERROR_INIT;
	SAME_NUMBER(evidence_keep(&rig->unit, made, "object: it differs\n", dir, sizeof dir, &err), 0);
	return dir + strlen(rig->room.dir) + 1;
}

static void expect_file(struct rig *rig, const char *dir, const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	struct buf b = room_get(&rig->room, path);
	SAME(buf_str(&b), text);
	buf_release(&b);
}

static void evidence_holds_both_results_and_no_secret(void)
{
	struct rig rig;
	rig_init(&rig);
	struct entry made = result();
	made.sections[1].data = "the 0bject";
	const char *dir = keep(&rig, &made);
	expect_file(&rig, dir, "stored/object", "the object");
	expect_file(&rig, dir, "compiled/object", "the 0bject");
	expect_file(&rig, dir, "stored/depfile", "x.o: x.c\n");
	expect_file(&rig, dir, "compiled/output-16", "more");
	expect_file(&rig, dir, "entry", "entry file");
	expect_file(&rig, dir, "manifest", "manifest file");
	expect_file(&rig, dir, "request.txt",
	            "directory /some where\ncompiler /usr/bin/gcc-12\nargument gcc\nargument -DA='b c'\nargument -c\nargument x.c\n"
	            "variable TOKEN\nvariable PATH\nvariable EMPTY\n");
	char path[300];
	snprintf(path, sizeof path, "%s/README.txt", dir);
	struct buf b = room_get(&rig.room, path);
	HOLDS(buf_str(&b), "\nobject: it differs\n");
	HOLDS(buf_str(&b), "\nobject is /some where/x.o\n");
	HOLDS(buf_str(&b), "cd '/some where' && soldr parity -- 'gcc' '-DA='\\''b c'\\''' '-c' 'x.c'\n");
	buf_release(&b);
	SAME_NUMBER(room_sh(&rig.room, "! grep -rq s3cr3t '%s'", dir), 0);
	SAME_NUMBER(room_sh(&rig.room, "test $(find evidence -type d ! -perm 700 -o -type f ! -perm 600 | wc -l) = 0"), 0);
	rig_release(&rig);
}

static void evidence_is_bounded_by_number(void)
{
	struct rig rig;
	rig_init(&rig);
	struct entry made = result();
	SAME_NUMBER(room_sh(&rig.room, "mkdir evidence && cd evidence && for i in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26; do "
	                               "mkdir -p 201011${i}T101010Z-0123456789abcdef/stored && : >201011${i}T101010Z-0123456789abcdef/stored/object; "
	                               "done; mkdir notes; : >20101112T101010Z-plain"), 0);
	const char *dir = keep(&rig, &made);
	CU_ASSERT(room_has(&rig.room, dir));
	SAME_NUMBER(count_names(rig.inst.evidence, "2010"), EVIDENCE_MAX - 1 + 1); /* and the one that is no evidence */
	CU_ASSERT_FALSE(room_has(&rig.room, "evidence/20101111T101010Z-0123456789abcdef"));
	CU_ASSERT(room_has(&rig.room, "evidence/20101112T101010Z-0123456789abcdef"));
	CU_ASSERT(room_has(&rig.room, "evidence/notes"));
	SAME_NUMBER(count_names(rig.inst.evidence, FS_TEMP_PREFIX), 0);
	rig_release(&rig);
}

static void evidence_is_bounded_by_size(void)
{
	struct rig rig;
	rig_init(&rig);
	struct entry made = result();
	SAME_NUMBER(room_sh(&rig.room, "for i in 10 11 12; do d=evidence/201011${i}T101010Z-0123456789abcdef; mkdir -p $d/stored && "
	                               "truncate -s 120M $d/stored/object; done"), 0);
	keep(&rig, &made);
	CU_ASSERT_FALSE(room_has(&rig.room, "evidence/20101110T101010Z-0123456789abcdef"));
	CU_ASSERT(room_has(&rig.room, "evidence/20101111T101010Z-0123456789abcdef"));
	CU_ASSERT(room_has(&rig.room, "evidence/20101112T101010Z-0123456789abcdef"));
	/* A result that is too large by itself is described, not kept. */
	made.sections[1].raw_len = EVIDENCE_BYTES_MAX;
	rig.unit.key.direct.bytes[0] = 1;
	const char *dir = keep(&rig, &made);
	char path[300];
	snprintf(path, sizeof path, "%s/README.txt", dir);
	struct buf b = room_get(&rig.room, path);
	HOLDS(buf_str(&b), "too large to be kept");
	buf_release(&b);
	snprintf(path, sizeof path, "%s/stored", dir);
	CU_ASSERT_FALSE(room_has(&rig.room, path));
	rig_release(&rig);
}

static void evidence_that_cannot_be_written_is_an_error(void)
{
	struct rig rig;
	rig_init(&rig);
	struct entry made = result();
	char dir[216] = "untouched";
	soldr_error err = SOLDR_ERROR_INIT;
	room_put(&rig.room, "evidence", "a file");
	SAME_NUMBER(evidence_keep(&rig.unit, &made, "x\n", dir, sizeof dir, &err), SOLDR_E_IO);
	SAME(dir, "untouched");
	rig_release(&rig);
}

void suite_verify(void)
{
	CU_pSuite s = CU_add_suite("verify", NULL, NULL);
	CU_add_test(s, "the share is what was asked for", the_share_is_what_was_asked_for);
	CU_add_test(s, "every difference is told", every_difference_is_told);
	CU_add_test(s, "what does not unpack cannot be compared", what_does_not_unpack_cannot_be_compared);
	CU_add_test(s, "s11: evidence holds both results and no secret", evidence_holds_both_results_and_no_secret);
	CU_add_test(s, "evidence is bounded by number", evidence_is_bounded_by_number);
	CU_add_test(s, "evidence is bounded by size", evidence_is_bounded_by_size);
	CU_add_test(s, "evidence that cannot be written is an error", evidence_that_cannot_be_written_is_an_error);
}
