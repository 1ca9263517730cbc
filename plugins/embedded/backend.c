/*
 * backend: the embedded backend's table, its instance, and the first half of a
 * request: is it cacheable, and what is its direct key. See unit.h for the rest.
 */
#include "rust.h"
#include "unit.h"

#include "history.h"
#include "native.h"
#include "path.h"
#include "phase.h"
#include "precompiled.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char origin[] = "embedded";

enum { SCRIPTS_MAX = 4 }; /* that run one another */

static const soldr_option_spec options[] = {
	{sizeof(soldr_option_spec), SOLDR_OPT_SIZE, 0, 0, "max_size", "20GiB", 1 << 20, INT64_MAX, NULL,
     "Size of the store; when it is reached the entries that were not used for longest go."},
	{sizeof(soldr_option_spec), SOLDR_OPT_INT, 0, 0, "compression.level", "1", 1, 19, NULL, "zstd level of stored results."},
	{sizeof(soldr_option_spec), SOLDR_OPT_SIZE, 0, 0, "max_entry_size", "1GiB", 4096, 1 << 30, NULL,
     "Results larger than this are not stored."},
	{sizeof(soldr_option_spec), SOLDR_OPT_INT, 0, 0, "max_candidates", "16", 1, MANIFEST_CANDIDATES_MAX, NULL,
     "Sets of header contents that are remembered for one source and one set of options."},
	{sizeof(soldr_option_spec), SOLDR_OPT_MAP, 0, 0, "compiler_scripts", NULL, 0, 0, NULL,
     "Compilers that are scripts: the path of each, and the command that it stands for, from an absolute path on."},
	{sizeof(soldr_option_spec), SOLDR_OPT_LIST, 0, 0, "rust.key_env", NULL, 0, 0, NULL,
     "Variables that procedural macros read without telling rustc; their values decide results."},
	{sizeof(soldr_option_spec), SOLDR_OPT_LIST, 0, 0, "rust.extra_inputs", NULL, 0, 0, NULL,
     "Files that procedural macros read without telling rustc; their contents decide results."},
	{sizeof(soldr_option_spec), SOLDR_OPT_BOOL, 0, 0, "rust.package_tree", "false", 0, 0, NULL,
     "Whether all files of a cargo package decide the results of its crates."},
	{sizeof(soldr_option_spec), SOLDR_OPT_LIST, 0, 0, "rust.pure_macros", NULL, 0, 0, NULL,
     "Crates of procedural macros whose output depends on their input alone; with path_remap, checkouts share what is made with them."},
	{0},
};

static const char *kv_find(const soldr_kv *kv, uint32_t n, const char *key, const char *otherwise)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(kv[i].key, key) == 0)
			return kv[i].value;
	return otherwise;
}

static void close_scripts(soldr_instance *inst)
{
	for (size_t i = 0; i < inst->script_count; i++) {
		script_release(&inst->scripts[i].script);
		free(inst->scripts[i].path);
	}
	free(inst->scripts);
}

static int open_scripts(soldr_instance *inst, const soldr_kv *kv, uint32_t n, soldr_error *err)
{
	static const char head[] = "compiler_scripts.";
	inst->scripts = calloc((size_t)n + 1, sizeof *inst->scripts);
	if (!inst->scripts)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	for (uint32_t i = 0; i < n; i++) {
		if (strncmp(kv[i].key, head, sizeof head - 1) != 0)
			continue;
		struct declared_script *d = &inst->scripts[inst->script_count++];
		d->path = strdup(kv[i].key + sizeof head - 1);
		if (!d->path)
			return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
		if (d->path[0] != '/' || !script_parse_command(&d->script, kv[i].value))
			return err_set(err, SOLDR_E_CONFIG, 0, origin, E721_SCRIPT_DECLARATION,
			               d->path);
	}
	return 0;
}

static void kv_list(const soldr_kv *kv, uint32_t n, const char *key, struct vec *out)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(kv[i].key, key) == 0)
			vec_add(out, kv[i].value);
}

static void embedded_close(soldr_instance *inst)
{
	if (!inst)
		return;
	store_release(&inst->store);
	close_scripts(inst);
	free(inst->evidence);
	free(inst->worktree_root);
	vec_release(&inst->key_env);
	vec_release(&inst->extra_inputs);
	vec_release(&inst->pure_macros);
	vec_release(&inst->redact_deny);
	vec_release(&inst->redact_allow);
	free(inst);
}

static void take_upkeep(void *arg)
{
	soldr_instance *inst = arg;
	__atomic_store_n(&inst->upkeep_pending, false, __ATOMIC_RELEASE);
	store_upkeep(&inst->store, NULL);
}

/* Upkeep is the host's to schedule: one step is enough for all the writes that came before it. */
static void submit_upkeep(struct store *store, void *arg)
{
	soldr_instance *inst = arg;
	(void)store;
	if (!__atomic_exchange_n(&inst->upkeep_pending, true, __ATOMIC_ACQ_REL) &&
	    inst->host->submit(inst->host->core, take_upkeep, inst) != 0)
		take_upkeep(inst);
}

static void leave_upkeep(struct store *store, void *arg)
{
	(void)store;
	(void)arg;
}

static uint64_t kv_bytes(const soldr_kv *kv, uint32_t n, const char *key, const char *otherwise)
{
	return strtoull(kv_find(kv, n, key, otherwise), NULL, 10);
}

static int32_t embedded_open(const soldr_host *host, const soldr_kv *kv, uint32_t n, soldr_instance **out, soldr_error *err)
{
	const char *root = kv_find(kv, n, "host.cache_root", NULL);
	if (!root || *root != '/')
		return err_set(err, SOLDR_E_INVALID, 0, origin, E720_NO_CACHE_ROOT);
	soldr_instance *inst = calloc(1, sizeof *inst);
	if (!inst)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	inst->host = host;
	inst->level = atoi(kv_find(kv, n, "compression.level", "1"));
	inst->max_entry_size = kv_bytes(kv, n, "max_entry_size", "1073741824");
	inst->path_remap = strcmp(kv_find(kv, n, "host.path_remap", "off"), "auto") == 0;
	inst->max_candidates = (uint32_t)strtoul(kv_find(kv, n, "max_candidates", "16"), NULL, 10);
	inst->verify_percent = (uint32_t)strtoul(kv_find(kv, n, "host.verify_percent", "0"), NULL, 10);
	uint64_t budget = kv_bytes(kv, n, "host.disk_budget", "0");
	uint64_t max_size = budget ? budget : kv_bytes(kv, n, "max_size", "21474836480");
	bool readonly = strcmp(kv_find(kv, n, "host.readonly", "false"), "true") == 0;
	const char *worktree_root = kv_find(kv, n, "host.worktree_root", NULL);
	int rc = store_init(&inst->store, root, max_size, readonly, err);
	inst->store.upkeep = strcmp(kv_find(kv, n, "host.maintenance", "service"), "host") == 0 ? leave_upkeep : submit_upkeep;
	inst->store.upkeep_arg = inst;
	inst->evidence = path_join(root, "evidence");
	kv_list(kv, n, "host.redact_deny", &inst->redact_deny);
	kv_list(kv, n, "host.redact_allow", &inst->redact_allow);
	inst->redact_off = strcmp(kv_find(kv, n, "host.redact", "true"), "false") == 0;
	inst->audit = (int)phase_detail_of(kv_find(kv, n, "host.audit_mode", NULL));
	kv_list(kv, n, "rust.key_env", &inst->key_env);
	kv_list(kv, n, "rust.extra_inputs", &inst->extra_inputs);
	inst->package_tree = strcmp(kv_find(kv, n, "rust.package_tree", "false"), "true") == 0;
	kv_list(kv, n, "rust.pure_macros", &inst->pure_macros);
	bool memory = inst->evidence && vec_ok(&inst->key_env) && vec_ok(&inst->extra_inputs) && vec_ok(&inst->pure_macros) &&
	              vec_ok(&inst->redact_deny) && vec_ok(&inst->redact_allow);
	if (!rc && (!memory || (worktree_root && !(inst->worktree_root = strdup(worktree_root)))))
		rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (!rc)
		rc = open_scripts(inst, kv, n, err);
	if (rc) {
		embedded_close(inst);
		return rc;
	}
	*out = inst;
	return 0;
}

/* ---- one request ------------------------------------------------------------------- */

int unit_bypass(struct unit *u, enum soldr_reason why, const char *detail, soldr_result *r, soldr_error *err)
{
	const soldr_host *host = u->inst->host;
	soldr_spawn sp = {.struct_size = sizeof sp, .file = u->asked->compiler, .argv = u->asked->argv, .detail = detail};
	soldr_exit ex = {.struct_size = sizeof ex};
	bool fault = why == SOLDR_REASON_STORE_FAILED || why == SOLDR_REASON_DISK_FULL || why == SOLDR_REASON_BACKEND_ERROR;
	uint32_t outcome = fault ? SOLDR_OUTCOME_FALLBACK : SOLDR_OUTCOME_BYPASS;
	result_reason(r, why, detail);
	if (u->held) {
		u->held->why = why;
		snprintf(u->held->detail, sizeof u->held->detail, "%s", detail);
		r->outcome = outcome;
		return 0;
	}
	int rc = host->replace(host->core, u->req->id, &sp, outcome, r->reason, &ex, err);
	if (rc)
		return rc;
	r->outcome = outcome;
	r->exit_code = ex.exit_code;
	r->signal = ex.signal;
	return 0;
}

int unit_emit(struct unit *u, uint32_t stream, const void *data, size_t len, soldr_error *err)
{
	if (!u->held)
		return u->inst->host->emit(u->inst->host->core, u->req->id, stream, data, len, err);
	struct buf *to = &u->held->streams[stream == SOLDR_STDERR];
	buf_add(to, data, len);
	return buf_ok(to) ? 0 : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
}

static bool is_any_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* What the program is; FAMILY_UNKNOWN with the reason when it is none that is cached. text: of a script. */
static enum family classify(struct unit *u, struct buf *text, enum soldr_reason *why)
{
	static const char *const wrappers[] = {"ccache", "sccache", "zccache", "distcc", "icecc", "kache", "buildcache", "firebuild",
	                                       "goma", "gomacc", "fastbuild", "soldr", NULL};
	static const char *const rust[] = {"rustc", "clippy-driver", NULL}, *const rust_others[] = {"rustdoc", "rustup", NULL};
	const char *name = path_base(u->req->argv[0]), *real = path_base(u->real);
	*why = SOLDR_REASON_UNKNOWN_COMPILER;
	if (is_any_of(name, rust_others) || (is_any_of(real, rust_others) && !is_any_of(name, rust))) {
		*why = SOLDR_REASON_RUSTC;
		return FAMILY_UNKNOWN;
	}
	if (is_any_of(name, wrappers) || is_any_of(real, wrappers)) {
		*why = SOLDR_REASON_NESTED_WRAPPER;
		return FAMILY_UNKNOWN;
	}
	if (script_read(u->real, text)) {
		*why = SOLDR_REASON_COMPILER_SCRIPT;
		return FAMILY_UNKNOWN;
	}
	if (is_any_of(name, rust))
		return FAMILY_RUSTC;
	if (is_any_of(real, rust)) { /* under another name its driver would be another */
		*why = SOLDR_REASON_RUSTC;
		return FAMILY_UNKNOWN;
	}
	enum family family = family_of_name(real);
	return family == FAMILY_UNKNOWN ? family_of_name(name) : family;
}

static bool find_script(const struct unit *u, const struct buf *text, struct script *own, const struct script **script)
{
	const soldr_instance *inst = u->inst;
	for (size_t i = 0; i < inst->script_count; i++)
		if (strcmp(inst->scripts[i].path, u->req->compiler) == 0 || strcmp(inst->scripts[i].path, u->real) == 0) {
			*script = &inst->scripts[i].script;
			return true;
		}
	*script = own;
	return !script_is_swayed(u->req->envp) && script_parse(own, buf_str(text), text->len);
}

/* Puts the command of the script in the place of the compiler. false: what it runs is not known. */
static bool follow_script(struct unit *u, const struct buf *text)
{
	struct script own = SCRIPT_INIT;
	const struct script *script;
	struct vec argv = VEC_INIT;
	bool good = find_script(u, text, &own, &script);
	if (good) {
		vec_add_all(&argv, vec_items(&script->before));
		vec_add_all(&argv, u->req->argv + 1);
		if (script->after.len)
			vec_add_all(&argv, vec_items(&script->after));
		good = vec_ok(&argv) && sys.access(argv.items[0], X_OK) == 0;
	}
	if (good) {
		vec_release(&u->followed.argv);
		u->followed.argv = argv;
		u->followed.req = *u->req;
		u->followed.req.argv = vec_items(&u->followed.argv);
		u->followed.req.argc = (uint32_t)u->followed.argv.len;
		u->followed.req.compiler = u->followed.argv.items[0];
		u->req = &u->followed.req;
	} else {
		vec_release(&argv);
	}
	script_release(&own);
	return good;
}

enum family unit_find_compiler(struct unit *u, enum soldr_reason *why)
{
	char real[PATH_MAX];
	struct buf text = BUF_INIT;
	enum family family = FAMILY_UNKNOWN;
	for (int scripts = 0; scripts <= SCRIPTS_MAX; scripts++) {
		*why = SOLDR_REASON_UNKNOWN_COMPILER;
		free(u->real);
		u->real = sys.realpath(u->req->compiler, real) ? strdup(real) : NULL;
		family = u->real ? classify(u, &text, why) : FAMILY_UNKNOWN;
		if (*why != SOLDR_REASON_COMPILER_SCRIPT || !follow_script(u, &text))
			break;
	}
	buf_release(&text);
	return family;
}

bool unit_add_output(struct unit *u, struct output what)
{
	if (u->output_count == OUTPUTS_MAX)
		return false;
	struct output *o = &u->outputs[u->output_count];
	*o = what;
	o->path = path_absolute(u->req->cwd, what.path);
	if (!o->path)
		return false;
	u->output_count++;
	for (size_t i = 0; i + 1 < u->output_count; i++)
		if (strcmp(u->outputs[i].path, o->path) == 0)
			return false;
	bool empty;
	if (!materialise_possible(o->path, &o->there, &empty))
		return false;
	o->keeps_mode = o->keeps_mode || (o->by_assembler && empty);
	/* Into a file that keeps its mode the compiler must be able to write. */
	return !o->keeps_mode || sys.access(o->path, W_OK) == 0 || errno == ENOENT;
}

static bool is_null_device(const char *path)
{
	struct stat st;
	return sys.lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static enum soldr_reason set_outputs(struct unit *u)
{
	const struct invocation *inv = &u->inv;
	struct output object = {.path = inv->output, .kind = ENTRY_OBJECT, .keeps_mode = inv->output_keeps_mode, .rewritten = inv->output_is_rewritten};
	bool fine = true;
	object.by_assembler = (inv->tools & TOOL_ASSEMBLER) && inv->action == ACTION_OBJECT;
	if (inv->depfile) {
		fine = unit_add_output(u, (struct output){.path = inv->depfile, .kind = ENTRY_DEPFILE, .keeps_mode = true});
		u->depfile_path = fine ? u->outputs[0].path : NULL;
	}
	for (size_t i = 0; fine && i < inv->side_count; i++) {
		const struct side_output *s = &inv->sides[i];
		fine = unit_add_output(u, (struct output){.path = s->path, .kind = ENTRY_SIDE + (uint32_t)i, .optional = s->optional,
			                                          .keeps_mode = s->keeps_mode, .rewritten = s->rewritten});
	}
	if (fine && !inv->no_output)
		fine = unit_add_output(u, object);
	else if (fine && inv->action != ACTION_SYNTAX)
		fine = is_null_device(inv->output);
	return fine ? SOLDR_REASON_NONE : SOLDR_REASON_OUTPUT_SPECIAL;
}

static enum soldr_reason prepare(struct unit *u, char *detail, size_t detail_size, soldr_error *err, int *rc)
{
	enum soldr_reason why;
	struct tuple tuple;
	if (u->req->stdout_kind == SOLDR_FD_CLOSED || u->req->stderr_kind == SOLDR_FD_CLOSED)
		return SOLDR_REASON_STDIO_CLOSED;
	enum family family = unit_find_compiler(u, &why);
	const soldr_request *req = u->req;
	if (family == FAMILY_UNKNOWN) {
		if (why == SOLDR_REASON_COMPILER_SCRIPT)
			snprintf(detail, detail_size, "%s: name its command under compiler_scripts", u->real);
		return why;
	}
	if (family == FAMILY_RUSTC)
		return rust_prepare(u, detail, detail_size, err, rc);
	if (invocation_parse(&u->inv, family, req->argv, req->cwd) != 0) {
		*rc = err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
		return SOLDR_REASON_NONE;
	}
	snprintf(detail, detail_size, "%s", u->inv.detail);
	if (u->inv.refused != SOLDR_REASON_NONE)
		return u->inv.refused;
	if (u->inv.native && !native_resolve(&u->inv)) {
		snprintf(detail, detail_size, "native on a processor whose cores may differ");
		return SOLDR_REASON_UNSUPPORTED_OPTION;
	}
	const char *hostile = key_hostile_variable(family, req->envp);
	if (hostile) {
		snprintf(detail, detail_size, "%s", hostile);
		return SOLDR_REASON_ENVIRONMENT;
	}
	why = set_outputs(u);
	if (why != SOLDR_REASON_NONE)
		return why;
	u->dir = sys.open(req->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	u->memo.dir = u->dir;
	u->memo.read = precompiled_digest;
	u->memo.arg = &u->inst->store;
	snprintf(detail, detail_size, "%s", u->inv.source);
	if (u->dir < 0 || files_read(u->dir, u->inv.source, NULL, &tuple, &u->source, NULL) != 0)
		return SOLDR_REASON_INPUT_UNREADABLE;
	u->tools = identity_tools(req, &u->inv);
	*rc = !u->tools || remap_prepare(u) ? err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY)
	                                    : key_compute(&u->key, &u->inv, req, u->real, u->tools, &u->source, u->root, err);
	key_terminal(req, &u->terminal);
	return SOLDR_REASON_NONE;
}

enum soldr_reason unit_prepare(struct unit *u, char *detail, size_t detail_size, soldr_error *err, int *rc)
{
	uint64_t begun = phase_begin(u);
	enum soldr_reason why = prepare(u, detail, detail_size, err, rc);
	phase_fingerprint(u, begun, why);
	return why;
}

void unit_release(struct unit *u)
{
	rust_release(u);
	invocation_release(&u->inv);
	memo_release(&u->memo);
	manifest_release(&u->found.manifest);
	entry_release(&u->found.entry);
	vec_release(&u->followed.argv);
	for (size_t i = 0; i < REMAP_TEXTS; i++)
		buf_release(&u->found.texts[i]);
	free(u->real);
	free(u->tools);
	free(u->root);
	vec_release(&u->maps);
	for (size_t i = 0; i < u->output_count; i++)
		free(u->outputs[i].path);
	if (u->dir >= 0)
		sys.close(u->dir);
}

int unit_serve(struct unit *u, soldr_result *r, soldr_error *err)
{
	soldr_error fault = SOLDR_ERROR_INIT;
	/* An output that cannot be written is for the compiler to complain about, in its own words. */
	if (lookup(u, r, &fault) != 0)
		return unit_bypass(u, SOLDR_REASON_OUTPUT_SPECIAL, fault.message, r, err);
	return r->outcome == SOLDR_OUTCOME_NONE ? miss(u, r, err) : 0;
}

static int32_t embedded_compile(soldr_instance *inst, const soldr_request *req, soldr_result *out, soldr_error *err)
{
	struct unit u = {.inst = inst, .asked = req, .req = req, .inv = INVOCATION_INIT, .dir = -1};
	soldr_result result = {.struct_size = out->struct_size}, *r = &result; /* out stays as it is where this fails */
	char detail[sizeof r->detail] = "";
	int rc = 0;
	enum soldr_reason why = unit_prepare(&u, detail, sizeof detail, err, &rc);
	if (!rc && why == SOLDR_REASON_MULTIPLE_INPUTS && !u.rust)
		rc = several_compile(&u, r, err);
	else if (!rc && why != SOLDR_REASON_NONE)
		rc = unit_bypass(&u, why, detail, r, err);
	else if (!rc)
		rc = unit_serve(&u, r, err);
	unit_release(&u);
	if (!rc)
		memcpy(out, r, out->struct_size < sizeof *r ? out->struct_size : sizeof *r);
	return rc;
}

/* ---- statistics and maintenance ------------------------------------------------------ */

static int32_t embedded_stats(soldr_instance *inst, soldr_stat_fn visit, void *arg, soldr_error *err)
{
	uint64_t bytes, entries;
	(void)err;
	store_count(&inst->store, UINT64_MAX);
	store_totals(&inst->store, &bytes, &entries);
	const soldr_stat stats[] = {
		{sizeof(soldr_stat), SOLDR_UNIT_COUNT, "entries", entries},
		{sizeof(soldr_stat), SOLDR_UNIT_BYTES, "size_bytes", bytes},
		{sizeof(soldr_stat), SOLDR_UNIT_BYTES, "max_size_bytes", inst->store.max_size},
	};
	for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
		visit(arg, &stats[i]);
	return 0;
}

static void remove_file(void *arg, unsigned shard, const char *name, const char *path, const struct stat *st)
{
	soldr_report *report = arg;
	(void)shard;
	(void)name;
	report->files_seen++;
	if (sys.unlink(path) == 0) {
		report->files_removed++;
		report->bytes_removed += (uint64_t)st->st_size;
	}
}

static int32_t embedded_maintain(soldr_instance *inst, uint32_t kind, soldr_report *report, soldr_error *err)
{
	soldr_report scratch = {.struct_size = sizeof scratch};
	if (inst->store.readonly && kind != SOLDR_MAINTAIN_VERIFY && kind != SOLDR_MAINTAIN_CHECK)
		return err_set(err, SOLDR_E_CONFIG, 0, origin, E717_STORE_READONLY);
	report->status = SOLDR_STEP_COMPLETED;
	switch (kind) {
	case SOLDR_MAINTAIN_EVICT:
		return store_evict(&inst->store, report, err);
	case SOLDR_MAINTAIN_RECOUNT:
		return store_recount(&inst->store, report, err);
	case SOLDR_MAINTAIN_CLEAR:
		for (unsigned i = 0; i < STORE_SHARDS; i++)
			store_visit(&inst->store, i, remove_file, report);
		store_recount(&inst->store, &scratch, NULL);
		return 0;
	case SOLDR_MAINTAIN_VERIFY:
	case SOLDR_MAINTAIN_CHECK:
		embedded_check(inst, kind == SOLDR_MAINTAIN_VERIFY, report);
		return 0;
	default:
		return err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E718_MAINTENANCE_UNKNOWN, kind);
	}
}

static const soldr_backend backend = {
	.struct_size = sizeof backend,
	.abi = SOLDR_ABI,
	.caps = SOLDR_CAP_CONCURRENT | SOLDR_CAP_CACHING | SOLDR_CAP_STATS | SOLDR_CAP_MAINTAIN | SOLDR_CAP_EXPLAIN,
	.name = "embedded",
	.version = SOLDR_VERSION,
	.options = options,
	.open = embedded_open,
	.compile = embedded_compile,
	.close = embedded_close,
	.stats = embedded_stats,
	.maintain = embedded_maintain,
	.explain = embedded_explain,
};

/* The name that libltdl looks for when several backends are built into one program; see plugins/null/null.c. */
SOLDR_EXPORT const soldr_backend *embedded_LTX_soldr_backend_v1(uint32_t host_abi, soldr_error *err);

const soldr_backend *embedded_LTX_soldr_backend_v1(uint32_t host_abi, soldr_error *err)
{
	if (SOLDR_ABI_MAJOR_OF(host_abi) != SOLDR_ABI_MAJOR) {
		err_set(err, SOLDR_E_ABI, 0, origin, E719_EMBEDDED_ABI,
		        SOLDR_ABI_MAJOR, SOLDR_ABI_MAJOR_OF(host_abi));
		return NULL;
	}
	return &backend;
}

const soldr_backend *soldr_backend_v1(uint32_t host_abi, soldr_error *err)
	__attribute__((weak, alias("embedded_LTX_soldr_backend_v1")));
