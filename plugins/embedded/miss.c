/*
 * miss: runs the compiler once, with the user's arguments, and stores the result.
 *
 * The compiler itself names its inputs:
 *   GCC, no depfile asked for   -MD -MF LIST is appended (changes no byte of an object)
 *   GCC, -MD                    the user's depfile is the list
 *   GCC, -MMD                   becomes -MD; the depfile is then filtered to what -MMD lists
 *   Clang                       CC_PRINT_HEADERS_FILE=LIST in the environment; with -MMD that also puts
 *                               system headers into the depfile, which is filtered likewise
 *   GCC makes a precompiled header, and no -MD: it would be in there. -M in a run of its own
 * Where the filter cannot be sure, the compiler runs a second time, muted and
 * untouched, so that the user's depfile is its own.
 *
 * Nothing is stored unless every input is provably unchanged since before the
 * compiler started (files.h).
 */
#include "rust.h"
#include "unit.h"

#include "args_names.h"
#include "depfile.h"
#include "fs.h"
#include "path.h"
#include "phase.h"
#include "precompiled.h"
#include "witness.h"
#include "worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct run {
	struct vec argv, envp;
	int memory;        /* a file in memory that the compiler writes, or -1 */
	char *temp;        /* its path */
	const char *list;  /* where the inputs are read from: temp, or the user's depfile */
	bool apart;        /* the list is made in a run of its own, beforehand: a header that goes meanwhile is then missed */
	bool unlisted;     /* which failed */
	bool no_list;      /* preprocessed or plain assembly: the source is all there is */
	bool list_is_rule; /* a make rule, not one path a line */
	bool filter;       /* the user's depfile holds more than he asked for */
	int64_t begun;
	struct made {
		bool written;
		bool executable;
		bool unclear; /* just changed when the compiler started: who wrote it cannot be told */
		bool was_empty; /* a file of no length when the compiler started */
		struct tuple tuple;
	} made[OUTPUTS_MAX]; /* the outputs as the compiler left them */
	struct witness witness;
	bool whole; /* no output is missing */
	bool alone; /* no other process wrote to them */
	soldr_exit ex;
};

static void run_release(struct unit *u, struct run *run)
{
	const soldr_host *host = u->inst->host;
	if (run->memory >= 0)
		sys.close(run->memory);
	free(run->temp);
	witness_release(&run->witness);
	vec_release(&run->argv);
	vec_release(&run->envp);
	host->release(host->core, run->ex.stdout_data);
	host->release(host->core, run->ex.stderr_data);
}

/*
 * The list lives in memory and has a path in /proc: a kill leaves no litter, and
 * a full disk is no reason for the compiler to fail where it would not by itself.
 */
static int open_list(struct run *run, soldr_error *err)
{
	run->memory = sys.memfd_create("soldr-inputs", MFD_CLOEXEC);
	struct buf path = BUF_INIT;
	buf_addf(&path, "/proc/%ld/fd/%d", (long)getpid(), run->memory);
	run->temp = buf_detach(&path);
	if (run->memory < 0 || !run->temp || sys.access(run->temp, W_OK) != 0)
		return err_set(err, SOLDR_E_IO, errno, "embedded", E731_NO_LIST_INPUTS);
	return 0;
}

/* args, with the options that map the root away before the user's: his come later, and win. */
static void add_arguments(const struct unit *u, const char *const *args, struct vec *to)
{
	size_t head = u->maps_at ? u->maps_at : 1;
	for (size_t i = 0; i < head; i++)
		vec_add(to, args[i]);
	vec_add_all(to, vec_items(&u->maps));
	vec_add_all(to, args + head);
}

static void replace_argument(struct vec *args, size_t i, const char *text)
{
	char *copy = vec_ok(args) ? strdup(text) : NULL;
	if (copy) {
		free(args->items[i]);
		args->items[i] = copy;
	} else {
		args->failed = true;
	}
}

static int plan(struct unit *u, struct run *run, soldr_error *err)
{
	const struct invocation *inv = &u->inv;
	bool clang = inv->family == FAMILY_CLANG;
	run->apart = !clang && language_is_header(inv->language) && inv->depfile_mode != DEPFILE_ALL;
	run->filter = inv->depfile_mode == DEPFILE_USER && !run->apart;
	run->no_list = !unit_runs_preprocessor(u); /* the preprocessor alone knows of further inputs */
	run->list_is_rule = !clang || inv->depfile_mode != DEPFILE_NONE;
	if (!u->rust && !run->no_list && (inv->depfile_mode == DEPFILE_NONE || clang || run->apart)) {
		int rc = open_list(run, err);
		if (rc)
			return rc;
	}
	add_arguments(u, u->req->argv, &run->argv);
	vec_add_all(&run->envp, u->req->envp);
	if (u->rust) {
		int rc = rust_plan(u, &run->argv, err);
		if (rc)
			return rc;
	}
	if (clang && run->temp) {
		vec_add(&run->envp, "CC_PRINT_HEADERS=1");
		vec_addf(&run->envp, "CC_PRINT_HEADERS_FILE=%s", run->temp);
	} else if (run->temp && !run->apart) {
		vec_add(&run->argv, "-MD");
		vec_add(&run->argv, "-MF");
		vec_add(&run->argv, run->temp);
	} else if (inv->mmd_index >= 0 && !run->apart) {
		vec_release(&run->argv);
		add_arguments(u, vec_items(&inv->args), &run->argv);
		replace_argument(&run->argv, (size_t)inv->mmd_index + u->maps.len, inv->mmd_replacement);
	}
	run->list = inv->depfile_mode == DEPFILE_NONE || run->apart ? run->temp : u->depfile_path;
	return vec_ok(&run->argv) && vec_ok(&run->envp) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
}

static int run_compiler(struct unit *u, struct run *run, uint32_t flags, const struct vec *argv, const struct vec *envp, soldr_error *err)
{
	struct vec plain = VEC_INIT;
	if (!argv)
		add_arguments(u, u->req->argv, &plain);
	if (!vec_ok(&plain)) {
		vec_release(&plain);
		return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	}
	soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = flags,
		.file = u->req->compiler,
		.argv = vec_items(argv ? argv : &plain),
		.envp = envp ? vec_items(envp) : u->req->envp,
	};
	run->ex.struct_size = sizeof run->ex;
	int rc = u->inst->host->run(u->inst->host->core, u->req->id, &sp, &run->ex, err);
	vec_release(&plain);
	return rc;
}

/* The list of inputs as paths, but for those that are inputs already. For a rule the depfile is kept for the filter. */
static int read_list(const struct unit *u, const struct run *run, const struct input_list *known, struct buf *text, struct depfile *rule,
                     struct vec *paths)
{
	if (run->no_list)
		return 0;
	if (run->unlisted)
		return -1;
	if (fs_read_file(run->list, DEPFILE_MAX, text, NULL) != 0)
		return -1;
	if (!run->list_is_rule)
		return depfile_read_lines(text, u->inv.preprocesses_apart, paths);
	if (depfile_parse(rule, buf_str(text), text->len) != 0)
		return -1;
	for (size_t i = 0; i < rule->paths.len; i++)
		if (!precompiled_holds(u, known, rule->paths.items[i]))
			vec_add(paths, rule->paths.items[i]);
	/* Clang writes a backslash in a name as a slash: its rule may name another file than the one it read. */
	struct buf lines = BUF_INIT;
	bool both = run->temp && run->temp != run->list;
	int rc = vec_ok(paths) && (!both || fs_read_file(run->temp, DEPFILE_MAX, &lines, NULL) == 0) ? 0 : -1;
	if (!rc && both)
		rc = depfile_read_lines(&lines, u->inv.preprocesses_apart, paths);
	buf_release(&lines);
	return rc;
}

/*
 * The user's own call, muted, after the one that listed inputs. It has to find
 * what that found: the assembler writes into an empty file, which keeps its mode
 * and its links, and makes others anew.
 */
static int run_again(struct unit *u, const struct run *first, soldr_error *err)
{
	struct run again = {0};
	struct stat st;
	for (size_t i = 0; i < u->output_count; i++) {
		int fd = first->made[i].was_empty ? sys.open(u->outputs[i].path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0) : -1;
		if (fd >= 0 && sys.fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
			(void)!sys.ftruncate(fd, 0);
		if (fd >= 0)
			sys.close(fd);
	}
	return run_compiler(u, &again, SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR, NULL, NULL, err);
}

/* Makes the user's depfile what -MMD would have written. */
static int mend_depfile(struct unit *u, const struct run *run, const struct identity *id, const struct input_list *inputs,
                        const struct depfile *rule, const struct buf *text, soldr_error *err)
{
	bool *keep = calloc(rule->paths.len + 1, sizeof *keep);
	bool mended = false;
	int rc = 0;
	if (!keep)
		return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	/* Of one that stands there twice, one may be a system header and the other not. */
	if (inputs && !depfile_repeats(rule) && depfile_is_faithful(rule, u->inv.family, buf_str(text), text->len) &&
	    inputs_user_headers(u, id, inputs, &rule->paths, keep)) {
		struct buf lines = BUF_INIT;
		depfile_format(rule, u->inv.family, keep, &lines);
		mended = materialise_anew(u->depfile_path, &lines, NULL) == 0;
		buf_release(&lines);
	}
	if (!mended) /* or it could not be written: the compiler's own try decides */
		rc = run_again(u, run, err);
	free(keep);
	return rc;
}

static void add_section(struct entry *e, uint32_t kind, bool executable, const void *data, uint64_t len)
{
	e->sections[e->section_count++] =
		(struct entry_section){.kind = kind, .executable = executable, .data = data ? data : "", .len = len, .raw_len = len};
}

static void add_messages(struct entry *e, const soldr_exit *ex)
{
	if (ex->stdout_len)
		add_section(e, ENTRY_STDOUT, false, ex->stdout_data, ex->stdout_len);
	if (ex->stderr_len)
		add_section(e, ENTRY_STDERR, false, ex->stderr_data, ex->stderr_len);
}

/* The name of the result: the key, and every input's path and content; for a result of this checkout alone its root. */
static void name_result(const struct unit *u, const struct input_list *l, const struct candidate_input *in,
                        const struct state *own_dir, struct digest *result)
{
	struct hasher h;
	hasher_init(&h);
	hasher_field(&h, "key", u->key.direct.bytes, DIGEST_SIZE);
	for (size_t i = 0; i < l->len; i++) {
		const char *rest = worktree_rest(u->root, l->items[i].path);
		hasher_field_str(&h, rest ? "below" : "path", rest ? rest : l->items[i].path);
		hasher_field(&h, "content", l->items[i].digest.bytes, DIGEST_SIZE);
		if (l->items[i].state_flags & INPUT_TIMED)
			hasher_field_u64(&h, "time", (uint64_t)l->items[i].tuple.mtime_ns);
	}
	if (own_dir)
		hasher_field(&h, "directory", own_dir->digest.bytes, DIGEST_SIZE);
	if (!in->any_terminal)
		hasher_field(&h, "terminal", u->terminal.bytes, DIGEST_SIZE);
	if (u->root && !in->shared)
		hasher_field(&h, "root", u->root_id.bytes, DIGEST_SIZE);
	hasher_end(&h, result);
}

/* False: another process wrote to the same name meanwhile. */
static bool is_as_made(const struct unit *u, const struct run *run, size_t i)
{
	struct stat st;
	struct tuple now;
	if (sys.lstat(u->outputs[i].path, &st) != 0)
		return false;
	tuple_of(&now, &st);
	return tuple_equal(&now, &run->made[i].tuple);
}

/* A result of rustc that names its output directory, but not where a hit could name another: it is for that one alone. */
static bool is_bound(const struct unit *u, const struct entry *e)
{
	for (size_t i = 0; u->rust && i < e->section_count; i++)
		if (!rust_is_movable(u, e->sections[i].kind, e->sections[i].data, (size_t)e->sections[i].len))
			return true;
	return false;
}

/* Notes the state of an output. An output that the compiler did not write just now must not be taken for its. */
static bool note_output(const struct unit *u, struct run *run, size_t i)
{
	struct stat st;
	struct made *made = &run->made[i];
	if (sys.lstat(u->outputs[i].path, &st) == 0 && S_ISREG(st.st_mode)) {
		tuple_of(&made->tuple, &st);
		made->written = tuple_unsafe_since(&made->tuple, run->begun);
		/* The mode that a file had before, and kept, says nothing of the next one. */
		made->executable = (st.st_mode & 0111) && !(u->outputs[i].there && u->outputs[i].keeps_mode);
	}
	return u->outputs[i].optional ? !made->unclear : made->written;
}

/* What the compiler gave: owns the outputs, borrows the messages of the run. */
struct product {
	struct entry entry;
	struct buf contents[OUTPUTS_MAX];
	uint64_t bytes; /* of the outputs */
	bool bound;     /* see is_bound() */
};

static void product_release(struct product *p)
{
	for (size_t i = 0; i < OUTPUTS_MAX; i++)
		buf_release(&p->contents[i]);
}

/*
 * Reads what the compiler left. From here on nobody's writing matters, so the witness is asked for the last time.
 * writes: how often each output may have been written since the witness was asked last.
 */
static int product_read(struct unit *u, struct run *run, struct product *p, unsigned writes, soldr_error *err)
{
	int rc = 0;
	run->whole = true;
	for (size_t i = 0; i < u->output_count; i++)
		run->whole = note_output(u, run, i) && run->whole;
	run->alone = witness_alone(&run->witness, writes) && run->alone;
	for (size_t i = 0; !rc && i < u->output_count; i++) {
		struct buf *content = &p->contents[i];
		if (!run->made[i].written)
			continue;
		rc = fs_read_file(u->outputs[i].path, FILE_INPUT_MAX, content, err);
		if (!rc && (!is_as_made(u, run, i) || !witness_alone(&run->witness, 0)))
			rc = err_set(err, SOLDR_E_BUSY, 0, "embedded", E733_OUTPUT_CONTENDED, u->outputs[i].path);
		if (!rc)
			add_section(&p->entry, u->outputs[i].kind, run->made[i].executable, content->data, content->len);
		p->bytes += content->len;
	}
	witness_dismiss(&run->witness);
	return rc;
}

/* Adds what is not in files. */
static void product_complete(const struct unit *u, const struct run *run, struct product *p)
{
	p->entry.exit_code = run->ex.exit_code;
	p->entry.compile_ns = run->ex.wall_ns;
	add_messages(&p->entry, &run->ex);
	p->bound = is_bound(u, &p->entry);
	if (u->rust && u->rust->base)
		add_section(&p->entry, ENTRY_BASE, false, u->rust->base, strlen(u->rust->base));
}

/* Stores what is known of the precompiled header, and adds it to the entry in record's memory. */
static int store_record(struct unit *u, const struct input_list *l, struct entry *e, struct buf *record, soldr_error *err)
{
	const struct entry_section *made = entry_find(e, ENTRY_OBJECT);
	struct digest key;
	if (!precompiled_record(u, l, made, record, &key))
		return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	add_section(e, ENTRY_RECORD, false, record->data, record->len);
	return store_write(&u->inst->store, STORE_RECORD, &key, record, err);
}

static int store_product(struct unit *u, const struct run *run, const struct product *p, const struct input_list *l,
                         const struct guard_list *guards, soldr_error *err)
{
	struct buf packed = BUF_INIT, record = BUF_INIT, texts[REMAP_TEXTS] = {BUF_INIT, BUF_INIT};
	struct entry e = p->entry;
	struct candidate_input in = {.any_terminal = !run->ex.stdout_len && !run->ex.stderr_len};
	struct state *states = calloc(l->len + 2, sizeof *states), own_dir = {.path = "", .flags = INPUT_BASE};
	int rc = states ? 0 : err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	if (u->rust) {
		in.any_terminal = rust_is_quiet(&run->ex);
		input_text_digest(u->rust->base, &own_dir.digest);
	}
	if (!rc && p->bytes + run->ex.stdout_len + run->ex.stderr_len > u->inst->max_entry_size)
		rc = err_set(err, SOLDR_E_LIMIT, 0, "embedded", E734_RESULT_LARGE);
	if (!rc && language_is_header(u->inv.language))
		rc = store_record(u, l, &e, &record, err);
	if (!rc) {
		in.root = u->root_id;
		in.shared = u->root && !l->binds_root && remap_share(u, &e, texts);
		name_result(u, l, &in, p->bound ? &own_dir : NULL, &in.result);
		in.terminal = u->terminal;
		rc = entry_encode(&in.result, &e, u->inst->level, &packed, err);
	}
	if (!rc)
		rc = store_write(&u->inst->store, STORE_ENTRY, &in.result, &packed, err);
	for (size_t i = 0; !rc && i < l->len; i++) {
		const struct input *from = &l->items[i];
		if (from->is_source && !(from->state_flags & INPUT_TIMED))
			continue; /* its content is in the key */
		const char *rest = worktree_rest(u->root, from->path);
		states[in.state_count++] = (struct state){
			.path = from->path, .digest = from->digest, .tuple = from->tuple, .root_len = rest ? strlen(u->root) : 0,
			.flags = (from->is_program ? INPUT_COMPILER : 0u) | (rest ? INPUT_BELOW_ROOT : 0u) | from->state_flags,
		};
	}
	if (!rc && p->bound)
		states[in.state_count++] = own_dir;
	in.states = states;
	in.guards = guards->items;
	in.guard_count = guards->len;
	if (!rc)
		rc = unit_store_candidate(u, &in, err);
	if (!rc)
		explain_record(u, &in.result, l);
	free(states);
	buf_release(&packed);
	for (size_t i = 0; i < REMAP_TEXTS; i++)
		buf_release(&texts[i]);
	buf_release(&record);
	return rc;
}

/* What run_again() and note_output() have to know: an optional output of the moment of the start could be taken for one that was written. */
static void note_before(const struct unit *u, struct run *run)
{
	struct stat st;
	struct tuple t;
	for (size_t i = 0; i < u->output_count; i++) {
		if ((!u->outputs[i].optional && !run->filter) || sys.lstat(u->outputs[i].path, &st) != 0)
			continue;
		tuple_of(&t, &st);
		run->made[i].unclear = u->outputs[i].optional && tuple_unsafe_since(&t, run->begun);
		run->made[i].was_empty = S_ISREG(st.st_mode) && st.st_size == 0;
	}
}

/* What the compiler wrote before it was stopped is no result, and newer than its source. */
static void remove_outputs(const struct unit *u, struct run *run)
{
	for (size_t i = 0; i < u->output_count; i++) {
		note_output(u, run, i);
		if (run->made[i].written)
			sys.unlink(u->outputs[i].path);
	}
}

static enum soldr_reason reason_of_store_error(const soldr_error *err)
{
	if (err->code == SOLDR_E_LIMIT)
		return SOLDR_REASON_TOO_LARGE;
	if (err->code == SOLDR_E_BUSY)
		return SOLDR_REASON_OUTPUT_CONTENDED;
	return err->sys_errno == ENOSPC || err->sys_errno == EDQUOT ? SOLDR_REASON_DISK_FULL : SOLDR_REASON_STORE_FAILED;
}

/* Sets the outcome of a compile that ran: NONE means stored, with the reason of the lookup left in r. A mismatch outweighs all. */
static void conclude(struct unit *u, soldr_result *r, enum soldr_reason why, const char *detail, const soldr_error *err)
{
	bool fault = why == SOLDR_REASON_STORE_FAILED || why == SOLDR_REASON_DISK_FULL;
	r->outcome = why == SOLDR_REASON_NONE ? SOLDR_OUTCOME_MISS : fault ? SOLDR_OUTCOME_FALLBACK : SOLDR_OUTCOME_BYPASS;
	if (why != SOLDR_REASON_NONE && u->verdict != SOLDR_REASON_VERIFY_MISMATCH)
		result_reason(r, why, detail);
	if (fault)
		u->inst->host->log(u->inst->host->core, SOLDR_LOG_WARN, "embedded", err->message);
}

bool unit_arguments_changed(const struct unit *u)
{
	if (!u->inv.expanded)
		return false;
	const soldr_request *req = u->req;
	struct invocation again = INVOCATION_INIT;
	struct rust_call call = {0};
	int rc = u->rust ? rust_parse(&call, &again, req->argv, req->cwd) : invocation_parse(&again, u->inv.family, req->argv, req->cwd);
	bool same = rc == 0 && again.args.len == u->inv.args.len;
	for (size_t i = 0; same && i < again.args.len; i++)
		same = strcmp(again.args.items[i], u->inv.args.items[i]) == 0;
	rust_call_release(&call);
	invocation_release(&again);
	return !same;
}

/* What the run itself shows to be unfit for storing. */
static enum soldr_reason judge_run(const struct unit *u, const struct run *run, char *detail, size_t detail_size)
{
	if (run->ex.truncated)
		return SOLDR_REASON_TOO_LARGE;
	/* Diagnostics for preprocessed text quote lines of the files that its markers name. */
	if (run->no_list && run->ex.stderr_len)
		return SOLDR_REASON_INPUTS_UNKNOWN;
	/* Messages then hold where links lead, which no input tells. */
	for (size_t i = 0; run->ex.stderr_len && i < u->inv.key_args.len; i++)
		if (option_resolves_names(u->inv.key_args.items[i])) {
			snprintf(detail, detail_size, "%s, and there are messages", u->inv.key_args.items[i]);
			return SOLDR_REASON_UNSUPPORTED_OPTION;
		}
	if (!u->rust && unit_arguments_changed(u)) /* rust_inputs() looked */
		return SOLDR_REASON_INPUT_MODIFIED;
	return SOLDR_REASON_NONE;
}

struct repetition {
	struct unit *unit;
	const struct run *run;
};

/* The user's own call, since the depfile is the user's already. */
static bool repeats(void *arg, const struct entry *made)
{
	const struct repetition *first = arg;
	const struct unit *u = first->unit;
	struct run run = {.memory = -1, .witness = WITNESS_INIT};
	struct product product = {0};
	struct buf differences = BUF_INIT;
	const uint32_t flags = SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_CAPTURE_STDERR | SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR;
	soldr_error ignored = SOLDR_ERROR_INIT;
	bool same = run_compiler(first->unit, &run, flags, NULL, NULL, &ignored) == 0 && !run.ex.signal && !run.ex.truncated;
	for (size_t i = 0; same && i < u->output_count; i++) {
		struct buf *content = &product.contents[i];
		if (!first->run->made[i].written)
			continue;
		same = fs_read_file(u->outputs[i].path, FILE_INPUT_MAX, content, &ignored) == 0;
		add_section(&product.entry, u->outputs[i].kind, first->run->made[i].executable, content->data, content->len);
	}
	product.entry.exit_code = run.ex.exit_code;
	add_messages(&product.entry, &run.ex);
	same = same && verify_compare(made, &product.entry, &differences, &ignored) == 0 && !differences.len;
	buf_release(&differences);
	product_release(&product);
	run_release(first->unit, &run);
	return same;
}

/* The hit that was compiled instead of served against the compiler's result; r gets the reason that the lookup gives now. */
static void judge_hit(struct unit *u, const struct run *run, const struct entry *made, soldr_result *r)
{
	char detail[sizeof r->detail] = "";
	enum soldr_reason why = verify_judge(u, made, repeats, &(struct repetition){u, run}, detail, sizeof detail);
	result_reason(r, why, detail);
}

/* What may not be stored can still be compared, unless it may come from other inputs or another writer. */
static bool is_comparable(const struct unit *u, const struct run *run, enum soldr_reason why)
{
	return u->verify && run->alone && why != SOLDR_REASON_INPUT_MODIFIED && !run->ex.truncated && (u->rust || !unit_arguments_changed(u));
}

/* Judges and stores what a compile gave. why: what forbids to store it so far. */
static enum soldr_reason keep(struct unit *u, struct run *run, enum soldr_reason why, struct product *p, const struct input_list *inputs,
                              const struct guard_list *guards, soldr_result *r, soldr_error *err)
{
	const uint64_t begun = phase_begin(u);
	bool comparable = is_comparable(u, run, why);
	if (why != SOLDR_REASON_NONE && !comparable)
		return why;
	product_complete(u, run, p);
	if (comparable)
		judge_hit(u, run, &p->entry, r);
	if (why == SOLDR_REASON_NONE && !run->whole)
		why = SOLDR_REASON_OUTPUT_MISSING;
	bool stays = u->verdict == SOLDR_REASON_VERIFIED || u->verdict == SOLDR_REASON_VERIFY_UNDECIDED;
	if (why == SOLDR_REASON_NONE && !stays) {
		if (unit_is_readonly(u))
			why = SOLDR_REASON_READONLY;
		else if (store_product(u, run, p, inputs, guards, err) != 0)
			why = reason_of_store_error(err);
	}
	r->output_bytes = p->bytes;
	phase_store(u, begun, why == SOLDR_REASON_NONE && !stays, why, p->bytes);
	return why;
}

/* Until the file system's clock has gone on since: at most 4 ms. What was written before is then older than what is begun. */
static void await_tick(int64_t since)
{
	static const struct timespec pause = {.tv_nsec = 500 * 1000};
	for (int i = 0; i < 40 && files_clock_ns() <= since; i++)
		nanosleep(&pause, NULL);
}

/* After a successful compile: inputs, depfile, store. */
static int finish(struct unit *u, struct run *run, const struct identity *id, soldr_result *r, soldr_error *err)
{
	struct buf text = BUF_INIT;
	struct depfile rule = DEPFILE_INIT;
	struct vec paths = VEC_INIT;
	struct input_list inputs = {0};
	struct guard_list guards = {0};
	struct product product = {0};
	soldr_error problem = SOLDR_ERROR_INIT, unread = SOLDR_ERROR_INIT;
	char detail[sizeof r->detail] = "";
	enum soldr_reason why = SOLDR_REASON_NONE;
	int rc = 0, read = 0;
	const uint64_t begun = phase_begin(u);
	run->alone = true;
	if (run->filter) /* the depfile is not yet what it has to be */
		run->alone = witness_alone(&run->witness, 1);
	else
		read = product_read(u, run, &product, 1, &unread);
	if (!u->rust && !run->no_list)
		why = precompiled_add(u, id, run->begun, run->ex.stdout_len || run->ex.stderr_len, &inputs, detail, sizeof detail);
	bool listed = u->rust || read_list(u, run, &inputs, &text, &rule, &paths) == 0;
	if (u->rust)
		why = rust_inputs(u, id, run->begun, &inputs, &guards, detail, sizeof detail);
	else if (why == SOLDR_REASON_NONE && !listed)
		why = SOLDR_REASON_INPUTS_UNKNOWN;
	else if (why == SOLDR_REASON_NONE)
		why = inputs_read(u, &paths, id, run->begun, &inputs, detail, sizeof detail);
	if (run->filter) {
		rc = mend_depfile(u, run, id, inputs.complete ? &inputs : NULL, &rule, &text, err);
		read = product_read(u, run, &product, 1, &unread);
	}
	if (u->root && why == SOLDR_REASON_NONE && (inputs.precompiled || remap_names_bind(u, id, &inputs)))
		inputs.binds_root = true;
	precompiled_mark_times(u, &inputs);
	if (!rc && why == SOLDR_REASON_NONE)
		why = expansion_judge(u, &inputs, detail, sizeof detail);
	if (!rc && !u->rust && why == SOLDR_REASON_NONE)
		why = guards_make(u, id, &inputs, run->begun, &guards, detail, sizeof detail);
	phase_inputs(u, begun, why, (uint32_t)inputs.len, guards.len);
	if (!rc && why == SOLDR_REASON_NONE)
		why = judge_run(u, run, detail, sizeof detail);
	if (!rc && why == SOLDR_REASON_NONE && !run->alone)
		why = SOLDR_REASON_OUTPUT_CONTENDED;
	if (!rc && read) {
		why = why != SOLDR_REASON_NONE ? why : reason_of_store_error(&unread);
		conclude(u, r, why, detail, &unread);
	} else if (!rc) {
		why = keep(u, run, why, &product, &inputs, &guards, r, &problem);
		conclude(u, r, why, detail, &problem);
	}
	/* Its users come at once; to them it must be older than their compiles. */
	if (language_is_header(u->inv.language) && r->outcome == SOLDR_OUTCOME_MISS)
		await_tick(files_clock_ns());
	product_release(&product);
	guards_release(&guards);
	inputs_release(&inputs);
	vec_release(&paths);
	depfile_release(&rule);
	buf_release(&text);
	return rc;
}

/* A compile that failed after its depfile was written: the user's -MMD still holds. */
static void mend_after_failure(struct unit *u, struct run *run)
{
	struct stat st;
	struct tuple t;
	if (!run->filter || sys.stat(u->depfile_path, &st) != 0)
		return;
	tuple_of(&t, &st);
	if (!tuple_unsafe_since(&t, run->begun))
		return;
	soldr_error ignored = SOLDR_ERROR_INIT;
	run_again(u, run, &ignored);
}

/* A compile that fails where the store has one that succeeded is a mismatch. */
static void judge_failure(struct unit *u, struct run *run, soldr_result *r)
{
	struct entry made = {.exit_code = run->ex.exit_code};
	mend_after_failure(u, run);
	run->alone = true; /* the outputs are not looked at */
	if (!is_comparable(u, run, SOLDR_REASON_NONE))
		return;
	add_messages(&made, &run->ex);
	judge_hit(u, run, &made, r);
}

/* The user has seen nothing yet. */
static int hold_messages(struct unit *u, const struct run *run, soldr_error *err)
{
	if (run->ex.truncated)
		u->held->why = SOLDR_REASON_TOO_LARGE;
	int rc = unit_emit(u, SOLDR_STDOUT, run->ex.stdout_data, (size_t)run->ex.stdout_len, err);
	return rc ? rc : unit_emit(u, SOLDR_STDERR, run->ex.stderr_data, (size_t)run->ex.stderr_len, err);
}

int miss(struct unit *u, soldr_result *r, soldr_error *err)
{
	struct identity id = IDENTITY_INIT;
	soldr_error unknown = SOLDR_ERROR_INIT;
	if (unit_is_readonly(u) && !u->verify)
		return unit_bypass(u, SOLDR_REASON_READONLY, "", r, err);
	int known = u->rust ? rust_identity(u, &id, &unknown)
	                    : identity_get(&id, u->inst->host, u->req, u->real, &u->inv, &u->inst->store, &unknown);
	if (known != 0)
		return unit_bypass(u, SOLDR_REASON_UNKNOWN_COMPILER, unknown.message, r, err);
	if (id.family != u->inv.family) {
		identity_release(&id);
		return unit_bypass(u, SOLDR_REASON_UNKNOWN_COMPILER, u->real, r, err);
	}
	char detail[sizeof r->detail] = "";
	enum soldr_reason why = u->rust ? rust_begin(u, &id, detail, sizeof detail) : SOLDR_REASON_NONE;
	if (why != SOLDR_REASON_NONE) {
		identity_release(&id);
		return unit_bypass(u, why, detail, r, err);
	}
	struct witness_target written[OUTPUTS_MAX];
	for (size_t i = 0; i < u->output_count; i++)
		written[i] = (struct witness_target){u->outputs[i].path, u->outputs[i].rewritten};
	struct run run = {.memory = -1, .witness = WITNESS_INIT};
	soldr_error problem = SOLDR_ERROR_INIT;
	int rc = plan(u, &run, &problem);
	if (rc) { /* nowhere to learn the inputs: the compile goes on without the cache */
		why = reason_of_store_error(&problem);
		u->inst->host->log(u->inst->host->core, SOLDR_LOG_WARN, "embedded", problem.message);
		run_release(u, &run);
		identity_release(&id);
		return unit_bypass(u, why, "", r, err);
	}
	char *claims = u->inst->store.readonly ? NULL : path_join(u->inst->store.dir, "outputs");
	witness_begin(&run.witness, claims, written, u->output_count);
	free(claims);
	if (u->rust) /* cargo starts rustc within a tick after a build script wrote the sources */
		await_tick(u->rust->entered);
	run.begun = files_clock_ns();
	run.unlisted = run.apart && expansion_list(u, run.temp) != 0;
	note_before(u, &run);
	uint32_t quiet = u->held ? SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR : 0;
	rc = run_compiler(u, &run, SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_CAPTURE_STDERR | quiet, &run.argv, &run.envp, err);
	if (rc == SOLDR_E_CANCELLED || rc == SOLDR_E_TIMEOUT)
		remove_outputs(u, &run);
	if (!rc && u->held)
		rc = hold_messages(u, &run, err);
	if (!rc) {
		r->exit_code = run.ex.exit_code;
		r->signal = run.ex.signal;
		if (run.ex.signal || run.ex.exit_code) {
			if (!run.ex.signal)
				judge_failure(u, &run, r);
			conclude(u, r, run.ex.signal ? SOLDR_REASON_COMPILER_KILLED : SOLDR_REASON_COMPILE_FAILED, "", NULL);
		} else {
			rc = finish(u, &run, &id, r, err);
		}
	}
	run_release(u, &run);
	identity_release(&id);
	return rc;
}
