/*
 * identity: see identity.h.
 *
 * The question is `COMPILER PROBE-ARGS -x LANG -v -E /dev/null`: its standard
 * error names the cc1 that runs and the include directories (GCC and Clang
 * print the same headings). `-print-prog-name=as` names the assembler, and so on. Shared
 * libraries come from the dynamic loader itself (LD_TRACE_LOADED_OBJECTS, what
 * ldd does), asked only of programs that have one.
 *
 * The memory of one compiler is a text file of lines KEY VALUE; it is believed
 * only while the stat tuple of every program in it is the recorded one.
 */
#include "identity.h"

#include "args_names.h"
#include "digests.h"
#include "fs.h"
#include "object.h"
#include "path.h"
#include "response.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char origin[] = "embedded";

enum { MEMORY_MAX = 1 << 20, PROBE_OUTPUT_MAX = 4 << 20 };
static const char memory_head[] = "soldr-compiler 1\n";

void identity_release(struct identity *id)
{
	vec_release(&id->programs);
	vec_release(&id->system_dirs);
	free(id->states);
	*id = IDENTITY_INIT;
}

static const struct {
	unsigned tool;
	const char *name;
} tools[] = {{TOOL_ASSEMBLER, "as"}, {TOOL_OBJCOPY, "objcopy"}};

enum { TOOLS = sizeof tools / sizeof *tools };

static char *find_tool(const soldr_request *req, const char *name)
{
	return path_find_program(name, env_get(req->envp, "PATH"), req->cwd, NULL, NULL);
}

char *identity_tools(const soldr_request *req, const struct invocation *inv)
{
	struct buf found = BUF_INIT;
	for (size_t i = 0; i < TOOLS; i++) {
		char *path = inv->tools & tools[i].tool ? find_tool(req, tools[i].name) : NULL;
		buf_addf(&found, "%s\n", path ? path : "");
		free(path);
	}
	return buf_detach(&found);
}

static const char *language_name(const struct invocation *inv)
{
	switch (inv->language) {
	case LANGUAGE_CXX:
	case LANGUAGE_HEADER_CXX:
	case LANGUAGE_CXX_CPP_OUTPUT:
		return "c++";
	case LANGUAGE_OBJC:
	case LANGUAGE_HEADER_OBJC:
		return "objective-c";
	case LANGUAGE_OBJCXX:
	case LANGUAGE_HEADER_OBJCXX:
		return "objective-c++";
	case LANGUAGE_ASM:
	case LANGUAGE_ASM_CPP:
		return "assembler-with-cpp";
	default:
		return "c";
	}
}

/* The request's environment in the C locale: the headings that we read are translated otherwise. */
static void probe_environment(const soldr_request *req, const char *extra, struct vec *env)
{
	for (const char *const *e = req->envp; *e; e++)
		if (strncmp(*e, "LC_", 3) != 0 && strncmp(*e, "LANG=", 5) != 0 && strncmp(*e, "LANGUAGE=", 9) != 0)
			vec_add(env, *e);
	vec_add(env, "LC_ALL=C");
	if (extra)
		vec_add(env, extra);
}

int identity_ask(const soldr_host *host, const soldr_request *req, const char *file, const struct vec *argv,
                 const char *extra_env, struct buf *out, soldr_error *err)
{
	struct vec env = VEC_INIT;
	probe_environment(req, extra_env, &env);
	soldr_spawn sp = {
		.struct_size = sizeof sp,
		.flags = SOLDR_SPAWN_CAPTURE_STDOUT | SOLDR_SPAWN_CAPTURE_STDERR | SOLDR_SPAWN_MUTE_STDOUT | SOLDR_SPAWN_MUTE_STDERR |
		         SOLDR_SPAWN_NO_STDIN | SOLDR_SPAWN_PROBE,
		.file = file,
		.argv = vec_items(argv),
		.envp = vec_items(&env),
		.capture_max = PROBE_OUTPUT_MAX,
	};
	soldr_exit ex = {.struct_size = sizeof ex};
	int rc = vec_ok(&env) && vec_ok(argv) ? host->run(host->core, req->id, &sp, &ex, err)
	                                      : err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (!rc) {
		buf_add(out, ex.stdout_data ? ex.stdout_data : "", (size_t)ex.stdout_len);
		buf_add(out, ex.stderr_data ? ex.stderr_data : "", (size_t)ex.stderr_len);
		if (ex.exit_code || ex.signal)
			rc = err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E723_COMPILER_SILENT, file, ex.exit_code,
			             ex.signal);
		host->release(host->core, ex.stdout_data);
		host->release(host->core, ex.stderr_data);
	}
	vec_release(&env);
	return rc;
}

static void add_once(struct vec *v, const char *s, size_t len)
{
	if (!vec_hasn(v, s, len))
		vec_addn(v, s, len);
}

static void read_answer(struct identity *id, const char *text)
{
	enum { BEFORE, QUOTED, BRACKETED, AFTER } part = BEFORE;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		if (strncmp(p, "#include \"...\"", 14) == 0)
			part = QUOTED;
		else if (strncmp(p, "#include <...>", 14) == 0)
			part = BRACKETED;
		else if (strncmp(p, "End of search list.", 19) == 0)
			part = AFTER;
		else if (part == BRACKETED && *p == ' ')
			vec_addn(&id->system_dirs, p + 1, n - 1);
		else if (part == BEFORE && strncmp(p, "Configured with: ", 17) == 0 && memmem(p, n, "=native", 7))
			id->native = true; /* --with-arch=native and its like */
		else if (part == BEFORE && n > 12 && strncmp(p, "gcc version ", 12) == 0)
			id->family = FAMILY_GCC;
		else if (part == BEFORE && id->family == FAMILY_UNKNOWN && memmem(p, n, "clang version ", 14))
			id->family = FAMILY_CLANG;
		else if (part == BEFORE && n > 20 && strncmp(p, "Configuration file: ", 20) == 0)
			add_once(&id->programs, p + 20, n - 20); /* Clang's .cfg */
		else if (part == BEFORE && n > 19 && strncmp(p, "Reading specs from /", 20) == 0)
			add_once(&id->programs, p + 19, n - 19); /* GCC's specs, where they are a file */
		else if (part == BEFORE && p[0] == ' ' && (p[1] == '/' || p[1] == '"')) {
			/* The command line of cc1: its first word is the program. */
			const char *from = p + 1 + (p[1] == '"');
			size_t len = strcspn(from, p[1] == '"' ? "\"\n" : " \n");
			const char *base = memrchr(from, '/', len);
			if (base && len - (size_t)(base + 1 - from) >= 3 && strncmp(base + 1, "cc1", 3) == 0)
				add_once(&id->programs, from, len);
		}
		p += n + (p[n] == '\n');
	}
}

/* Whether the program is an ELF file with a dynamic loader, which can then list its libraries. */
static bool has_loader(const char *path)
{
	unsigned char raw[4096];
	int fd = sys.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	ssize_t n = sys.read(fd, raw, sizeof raw);
	sys.close(fd);
	return n > 0 && object_has_loader(raw, (size_t)n);
}

int identity_add_libraries(struct identity *id, const soldr_host *host, const soldr_request *req, soldr_error *err)
{
	size_t programs = id->programs.len;
	for (size_t i = 0; i < programs; i++) {
		if (!has_loader(id->programs.items[i]))
			continue;
		struct vec argv = VEC_INIT;
		struct buf out = BUF_INIT;
		vec_add(&argv, id->programs.items[i]);
		int rc = identity_ask(host, req, id->programs.items[i], &argv, "LD_TRACE_LOADED_OBJECTS=1", &out, err);
		vec_release(&argv);
		/* Lines "NAME => /path (0x…)" and "/path (0x…)". */
		for (const char *p = buf_str(&out); !rc && *p;) {
			size_t n = strcspn(p, "\n");
			const char *path = memchr(p, '/', n);
			const char *stop = path ? memmem(path, n - (size_t)(path - p), " (0x", 4) : NULL;
			if (stop)
				add_once(&id->programs, path, (size_t)(stop - path));
			p += n + (p[n] == '\n');
		}
		buf_release(&out);
		if (rc)
			return rc;
	}
	return 0;
}

static int add_tool(struct identity *id, const soldr_host *host, const soldr_request *req, const struct invocation *inv,
                    const char *name, soldr_error *err)
{
	struct vec argv = VEC_INIT;
	struct buf out = BUF_INIT;
	vec_add(&argv, req->argv[0]);
	vec_add_all(&argv, vec_items(&inv->probe_args));
	vec_addf(&argv, "-print-prog-name=%s", name);
	int rc = identity_ask(host, req, req->compiler, &argv, NULL, &out, err);
	if (!rc) {
		size_t n = strcspn(buf_str(&out), "\n");
		char *found = n && out.data[0] == '/' ? strndup(out.data, n) : find_tool(req, name);
		if (found)
			add_once(&id->programs, found, strlen(found));
		free(found);
	}
	vec_release(&argv);
	buf_release(&out);
	return rc;
}

/* Lists that Clang's sanitizers read by themselves: every .txt in RESOURCE-DIR/share. */
static int add_sanitizer_lists(struct identity *id, const soldr_host *host, const soldr_request *req, const struct invocation *inv,
                               soldr_error *err)
{
	struct vec argv = VEC_INIT;
	struct buf out = BUF_INIT;
	vec_add(&argv, req->argv[0]);
	vec_add_all(&argv, vec_items(&inv->probe_args));
	vec_add(&argv, "-print-resource-dir");
	int rc = identity_ask(host, req, req->compiler, &argv, NULL, &out, err);
	vec_release(&argv);
	struct buf pattern = BUF_INIT;
	glob_t found = {0};
	buf_add(&pattern, buf_str(&out), strcspn(buf_str(&out), "\n"));
	buf_adds(&pattern, "/share/*.txt");
	if (!rc && buf_ok(&pattern) && glob(pattern.data, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			add_once(&id->programs, found.gl_pathv[i], strlen(found.gl_pathv[i]));
	globfree(&found);
	buf_release(&pattern);
	buf_release(&out);
	return rc;
}

int identity_digest_programs(struct identity *id, struct store *store, soldr_error *err)
{
	id->states = calloc(id->programs.len + 1, sizeof *id->states);
	if (!id->states || !vec_ok(&id->programs) || !vec_ok(&id->system_dirs))
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	struct digest_memory memory;
	int rc = 0;
	digests_open(&memory, store);
	for (size_t i = 0; !rc && i < id->programs.len; i++)
		rc = digests_read(&memory, AT_FDCWD, id->programs.items[i], &id->states[i].tuple, &id->states[i].digest, err);
	digests_close(&memory);
	return rc;
}

/* Leaves of a .cfg what is no comment; in place. */
static void drop_comments(struct buf *text)
{
	char *to = text->data;
	bool comment = false, at_start = true;
	for (size_t i = 0; i < text->len; i++) {
		char c = text->data[i];
		comment = comment || (at_start && c == '#');
		at_start = c == '\n' || (at_start && (c == ' ' || c == '\t'));
		comment = comment && c != '\n';
		if (!comment)
			*to++ = c;
	}
	text->len = (size_t)(to - text->data);
}

/*
 * True when the options in Clang's .cfg do no more than change the code, for
 * which its content among the inputs is enough: none that writes or reads a
 * file, or brings more into the key, such as the working directory under -g, or
 * into the guards.
 */
static bool is_plain_configuration(const char *path)
{
	struct buf text = BUF_INIT;
	struct vec argv = VEC_INIT;
	struct invocation said = INVOCATION_INIT;
	vec_add(&argv, "clang");
	bool plain = fs_read_file(path, MEMORY_MAX, &text, NULL) == 0;
	if (plain && text.len)
		drop_comments(&text);
	plain = plain && response_split(buf_str(&text), text.len, &argv);
	for (size_t i = 1; i < argv.len; i++)
		plain = plain && argv.items[i][0] != '@' && !strchr(argv.items[i], '<');
	vec_add(&argv, "-c");
	vec_add(&argv, "x.c");
	plain = plain && vec_ok(&argv) && invocation_parse(&said, FAMILY_CLANG, vec_items(&argv), "/") == 0;
	for (size_t i = 0; i < said.key_args.len; i++)
		plain = plain && !option_warns_of_missing_directories(said.key_args.items[i]);
	plain = plain && said.refused == SOLDR_REASON_NONE && !said.output_given && !said.no_output && !said.side_count && !said.depfile &&
	        said.action == ACTION_OBJECT && said.language == LANGUAGE_C && !said.output_in_key && !said.cwd_in_key &&
	        !said.compiler_path_in_key && !said.native && !said.colour_given && !said.no_standard_includes &&
	        !said.preprocesses_apart && !said.include_dir_count && !said.extra_inputs.len && !said.forced_includes.len;
	invocation_release(&said);
	vec_release(&argv);
	buf_release(&text);
	return plain;
}

static int probe(struct identity *id, const soldr_host *host, const soldr_request *req, const char *real, const struct invocation *inv,
                 struct store *store, soldr_error *err)
{
	struct vec argv = VEC_INIT;
	struct buf out = BUF_INIT;
	vec_add(&argv, req->argv[0]);
	vec_add_all(&argv, vec_items(&inv->probe_args));
	vec_add(&argv, "-x");
	vec_add(&argv, language_name(inv));
	vec_add(&argv, "-v");
	vec_add(&argv, "-E");
	vec_add(&argv, "/dev/null");
	int rc = identity_ask(host, req, req->compiler, &argv, NULL, &out, err);
	vec_release(&argv);
	vec_add(&id->programs, real);
	if (!rc)
		read_answer(id, buf_str(&out));
	buf_release(&out);
	if (!rc && id->family == FAMILY_UNKNOWN)
		rc = err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E724_NEITHER_GCC_NOR_CLANG, req->compiler);
	for (size_t i = 0; !rc && i < id->programs.len; i++)
		if (strcmp(path_ext(id->programs.items[i]), ".cfg") == 0 && !is_plain_configuration(id->programs.items[i]))
			rc = err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E725_COMPILER_CONFIG_OPTION,
			             id->programs.items[i]);
	if (!rc && id->native && !inv->native)
		rc = err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E726_NATIVE_UNTOLD, req->compiler);
	for (size_t i = 0; !rc && i < TOOLS; i++)
		if (inv->tools & tools[i].tool)
			rc = add_tool(id, host, req, inv, tools[i].name, err);
	if (!rc && id->family == FAMILY_CLANG)
		rc = add_sanitizer_lists(id, host, req, inv, err);
	if (!rc)
		rc = identity_add_libraries(id, host, req, err);
	return rc ? rc : identity_digest_programs(id, store, err);
}

/* ---- the memory ------------------------------------------------------------- */

/* What the answers depend on besides the programs themselves. */
static const char *const probe_variables[] = {
	"COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_LIBRARY_PATH", "LD_PRELOAD", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
	"OBJC_INCLUDE_PATH", "CLANG_CONFIG_FILE_SYSTEM_DIR", "CLANG_CONFIG_FILE_USER_DIR", "PATH", NULL,
};

char *identity_memory_path(const struct store *store, struct hasher *h)
{
	struct digest d;
	char hex[DIGEST_HEX_SIZE];
	struct buf b = BUF_INIT;
	hasher_end(h, &d);
	digest_hex(&d, hex);
	buf_addf(&b, "%s/compilers/%s", store->dir, hex);
	return buf_detach(&b);
}

static char *memory_path(const struct store *store, const soldr_request *req, const char *real, const struct invocation *inv)
{
	struct hasher h;
	hasher_init(&h);
	hasher_field_str(&h, "real", real);
	hasher_field_str(&h, "argv0", req->argv[0]);
	hasher_field_str(&h, "language", language_name(inv));
	hasher_field_u32(&h, "tools", &inv->tools, 1);
	for (size_t i = 0; i < inv->probe_args.len; i++)
		hasher_field_str(&h, "argument", inv->probe_args.items[i]);
	for (size_t i = 0; probe_variables[i]; i++)
		hasher_field_str(&h, probe_variables[i], env_get(req->envp, probe_variables[i]));
	return identity_memory_path(store, &h);
}

/* The last line: a checksum of the text and of the name that it belongs under. */
static void checksum(const char *text, size_t len, const char *file, char *hex)
{
	struct hasher h;
	struct digest d;
	hasher_init(&h);
	hasher_field(&h, "text", text, len);
	hasher_field_str(&h, "name", path_base(file));
	hasher_end(&h, &d);
	digest_hex(&d, hex);
}

static void seal(struct buf *b, const char *file)
{
	char hex[DIGEST_HEX_SIZE];
	checksum(buf_str(b), b->len, file, hex);
	buf_addf(b, "end %s\n", hex);
}

static bool is_sealed(const struct buf *b, const char *file)
{
	enum { SEAL = 4 + DIGEST_HEX_SIZE };
	char hex[DIGEST_HEX_SIZE];
	if (b->len < SEAL || memcmp(b->data + b->len - SEAL, "end ", 4) != 0)
		return false;
	checksum(b->data, b->len - SEAL, file, hex);
	return memcmp(b->data + b->len - SEAL + 4, hex, DIGEST_HEX_SIZE - 1) == 0;
}

int identity_remember(const char *file, const struct identity *id, int64_t begun)
{
	struct buf b = BUF_INIT;
	bool good = true;
	buf_adds(&b, memory_head);
	buf_addf(&b, "family %d\n", (int)id->family);
	for (size_t i = 0; i < id->programs.len; i++) {
		const struct tuple *t = &id->states[i].tuple;
		char hex[DIGEST_HEX_SIZE];
		good = good && !strchr(id->programs.items[i], '\n') && !tuple_unsafe_since(t, begun);
		digest_hex(&id->states[i].digest, hex);
		buf_addf(&b, "program %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", hex, t->dev, t->ino, t->size,
		         t->mtime_ns, t->ctime_ns, id->programs.items[i]);
	}
	for (size_t i = 0; i < id->system_dirs.len; i++)
		buf_addf(&b, "include %s\n", id->system_dirs.items[i]);
	if (id->reports_links)
		buf_adds(&b, "reports links\n");
	seal(&b, file);
	int rc = -1;
	char *dir = path_dir(file);
	if (good && buf_ok(&b) && dir && fs_make_dirs(dir, 0700, NULL) == 0)
		rc = fs_write_file(file, b.data, b.len, 0600, NULL);
	free(dir);
	buf_release(&b);
	return rc;
}

static bool recall_program(struct identity *id, const char *line)
{
	struct program p, *states;
	struct tuple now;
	struct stat st;
	char hex[DIGEST_HEX_SIZE];
	int at = 0;
	if (sscanf(line, "program %64s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %n", hex, &p.tuple.dev, &p.tuple.ino,
	           &p.tuple.size, &p.tuple.mtime_ns, &p.tuple.ctime_ns, &at) < 6 ||
	    !at || strlen(hex) != DIGEST_HEX_SIZE - 1 || !digest_unhex(hex, p.digest.bytes, DIGEST_SIZE) || sys.stat(line + at, &st) != 0)
		return false;
	tuple_of(&now, &st);
	states = realloc(id->states, (id->programs.len + 1) * sizeof *states);
	if (!states)
		return false;
	id->states = states;
	id->states[id->programs.len] = p;
	vec_add(&id->programs, line + at);
	return tuple_equal(&p.tuple, &now);
}

/* One line of the memory; false: not to be believed. */
static bool recall_line(struct identity *id, const char *line)
{
	int family = 0;
	if (strncmp(line, "end ", 4) == 0)
		return true;
	if (sscanf(line, "family %d", &family) == 1) {
		id->family = family > FAMILY_UNKNOWN && family <= FAMILY_RUSTC ? (enum family)family : FAMILY_UNKNOWN;
		return id->family != FAMILY_UNKNOWN;
	}
	if (strcmp(line, "reports links") == 0) {
		id->reports_links = true;
		return true;
	}
	if (strncmp(line, "include ", 8) == 0) {
		vec_add(&id->system_dirs, line + 8);
		return true;
	}
	return recall_program(id, line);
}

/* The text of a file that is whole and has its own name. */
static int read_memory(const char *file, struct buf *b, soldr_error *err)
{
	int rc = fs_read_file(file, MEMORY_MAX, b, err);
	if (!rc && strncmp(buf_str(b), memory_head, strlen(memory_head)) != 0)
		rc = err_set(err, SOLDR_E_CORRUPT, 0, origin, E704_COMPILER_RECORD_FOREIGN);
	if (!rc && !is_sealed(b, file))
		rc = err_set(err, SOLDR_E_CORRUPT, 0, origin, E705_COMPILER_RECORD_SUM);
	return rc;
}

int identity_check(const char *file, soldr_error *err)
{
	struct buf b = BUF_INIT;
	int rc = read_memory(file, &b, err);
	buf_release(&b);
	return rc;
}

bool identity_recall(const char *file, struct identity *id)
{
	struct buf b = BUF_INIT;
	bool good = read_memory(file, &b, NULL) == 0;
	char *p = good ? b.data + strlen(memory_head) : NULL;
	while (good && *p) {
		char *stop = strchr(p, '\n');
		good = stop != NULL;
		if (good) {
			*stop = 0;
			good = recall_line(id, p);
			p = stop + 1;
		}
	}
	buf_release(&b);
	good = good && vec_ok(&id->programs) && vec_ok(&id->system_dirs);
	if (!good)
		identity_release(id);
	return good;
}

int identity_get(struct identity *id, const soldr_host *host, const soldr_request *req, const char *real, const struct invocation *inv,
                 struct store *store, soldr_error *err)
{
	*id = IDENTITY_INIT;
	char *file = memory_path(store, req, real, inv);
	if (!file)
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	int rc = 0;
	int64_t begun = files_clock_ns();
	if (!identity_recall(file, id)) {
		rc = probe(id, host, req, real, inv, store, err);
		if (rc)
			identity_release(id);
		else if (!store->readonly)
			identity_remember(file, id, begun);
	}
	free(file);
	return rc;
}
