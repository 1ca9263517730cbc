/* link: see link.h. */
#include "link.h"

#include "fs.h"
#include "path.h"
#include "script.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEPENDENCIES_MAX = 4 << 20 };

void link_release(struct link_facts *f)
{
	for (size_t i = 0; i < f->absent_count; i++)
		free(f->absent[i].name);
	free(f->absent);
	vec_release(&f->words);
	vec_release(&f->dirs);
	identity_release(&f->files);
	*f = LINK_FACTS_INIT;
}

static bool skip_soldr(void *arg, const char *candidate)
{
	char real[PATH_MAX];
	(void)arg;
	const char *base = sys.realpath(candidate, real) ? path_base(real) : "";
	return strcmp(base, "soldr") == 0 || strcmp(base, "soldr-host") == 0;
}

char *link_program(const soldr_request *req, const struct rust_call *call)
{
	return path_find_program(call->linker ? call->linker : "cc", env_get(req->envp, "PATH"), req->cwd, skip_soldr, NULL);
}

/* ---- the command line ------------------------------------------------------------------ */

bool link_split(const char *line, size_t len, struct vec *env, struct vec *words)
{
	struct buf word = BUF_INIT;
	bool good = true, is_variable = false;
	for (size_t i = 0; good && i < len;) {
		buf_clear(&word);
		is_variable = line[i] != '"';
		while (i < len && line[i] != '"' && line[i] != ' ')
			buf_addc(&word, line[i++]);
		good = i < len && line[i] == '"' && (!is_variable || (word.len && word.data[word.len - 1] == '='));
		for (i++; good && i < len && line[i] != '"'; i++) {
			bool escaped = line[i] == '\\';
			i += escaped;
			good = i < len && (!escaped || line[i] == '"' || line[i] == '\\' || line[i] == '\'');
			if (good)
				buf_addc(&word, line[i]);
		}
		good = good && i < len && (i + 1 == len || line[i + 1] == ' ') && !(is_variable && words->len);
		vec_addn(is_variable ? env : words, buf_str(&word), word.len);
		i += 2;
	}
	good = good && buf_ok(&word) && vec_ok(env) && vec_ok(words) && words->len > 1;
	buf_release(&word);
	return good;
}

static bool begins(const char *s, const char *head)
{
	return strncmp(s, head, strlen(head)) == 0;
}

/* Options that read nothing, or only what the probe will show. A final '*' takes any rest without a slash or comma. */
static const char *const plain[] = {
	"-m64", "-m32", "-pie", "-no-pie", "-static-pie", "-static", "-shared", "-rdynamic", "-nodefaultlibs", "-nostartfiles",
	"-nostdlib", "-pthread", "-fuse-ld=*", "-Wl,--as-needed", "-Wl,--no-as-needed", "-Wl,-Bstatic", "-Wl,-Bdynamic",
	"-Wl,--eh-frame-hdr", "-Wl,-z,*", "-Wl,-z,relro,-z,now", "-Wl,--gc-sections", "-Wl,--no-gc-sections", "-Wl,-O*",
	"-Wl,--strip-debug", "-Wl,--strip-all", "-Wl,-s", "-Wl,-S", "-Wl,--whole-archive", "-Wl,--no-whole-archive",
	"-Wl,--start-group", "-Wl,--end-group", "-Wl,--push-state", "-Wl,--pop-state", "-Wl,--no-undefined-version",
	"-Wl,--undefined-version", "-Wl,--export-dynamic", "-Wl,--build-id", "-Wl,--build-id=*", "-Wl,--hash-style=*", "-Wl,--icf=*",
	"-Wl,--compress-debug-sections=*", "-Wl,--no-undefined", "-Wl,--allow-multiple-definition", "-Wl,--enable-new-dtags",
	"-Wl,--disable-new-dtags", "-Wl,--fatal-warnings", "-Wl,--no-fatal-warnings", "-Wl,-Bsymbolic", NULL,
};

/* Options whose value is text for the output: of no use for the probe. */
static const char *const of_output[] = {"-Wl,-soname=", "-Wl,-soname,", "-Wl,-rpath,", "-Wl,-rpath=", "-Wl,--undefined=", "-Wl,-u,",
                                        "-Wl,--defsym=", "-Wl,-h,", NULL};

/* Options for a file that rustc makes and removes again. */
static const char *const of_temporary[] = {"-Wl,--version-script=", "-Wl,--dynamic-list=", NULL};

static bool is_plain(const char *word)
{
	for (size_t i = 0; plain[i]; i++) {
		size_t n = strlen(plain[i]);
		if (plain[i][n - 1] == '*' ? strncmp(word, plain[i], n - 1) == 0 && !strpbrk(word + n - 1, "/,") : strcmp(word, plain[i]) == 0)
			return true;
	}
	return false;
}

static const char *value_of(const char *word, const char *const *heads)
{
	for (; *heads; heads++)
		if (begins(word, *heads))
			return word + strlen(*heads);
	return NULL;
}

struct probe {
	const struct rust_call *call;
	const struct crate_list *crates;
	const struct identity *toolchain;
	const soldr_request *req;
	struct vec argv;  /* of the probe */
	struct vec *dirs; /* of -L, that exist */
	struct vec names; /* of -l */
};

static bool exists(const struct probe *p, const char *path)
{
	struct stat st;
	char *absolute = path_absolute(p->req->cwd, path);
	bool there = absolute && sys.stat(absolute, &st) == 0;
	free(absolute);
	return there;
}

/* Among the crates, or the toolchain's files: rustc may spell them without links. */
static bool is_known(const struct probe *p, const struct stat *st)
{
	for (size_t i = 0; i < p->crates->len; i++)
		if (p->crates->items[i].tuple.ino == st->st_ino && p->crates->items[i].tuple.dev == st->st_dev)
			return true;
	for (size_t i = 0; i < p->toolchain->programs.len; i++)
		if (p->toolchain->states[i].tuple.ino == st->st_ino && p->toolchain->states[i].tuple.dev == st->st_dev)
			return true;
	return false;
}

/* With link-time optimisation rustc links copies of crates without their bitcode, in a directory of its own. */
static bool is_copy(const struct probe *p, const char *word)
{
	const char *base = path_base(word);
	char *dir = path_dir(word);
	bool own = dir && strncmp(path_base(dir), "rustc", 5) == 0, known = false;
	for (size_t i = 0; own && !known && i < p->crates->len; i++)
		known = strcmp(path_base(p->crates->items[i].path), base) == 0;
	for (size_t i = 0; own && !known && i < p->toolchain->programs.len; i++)
		known = strcmp(path_base(p->toolchain->programs.items[i]), base) == 0;
	free(dir);
	return known;
}

/* A file on the command line. false: a crate that crates_find() did not foresee. */
static bool take_file(struct probe *p, const char *word)
{
	size_t n = strlen(word);
	struct stat st;
	char *path = path_absolute(p->req->cwd, word);
	bool there = path && sys.stat(path, &st) == 0;
	free(path);
	if (!there) /* made for this link, and gone by now */
		return (n > 2 && strcmp(word + n - 2, ".o") == 0) || is_copy(p, word);
	if (is_known(p, &st))
		return true;
	vec_add(&p->argv, word);
	return n < 5 || strcmp(word + n - 5, ".rlib") != 0;
}

/* One word and its value; moves *at. */
static bool take_word(struct probe *p, const struct vec *words, size_t *at)
{
	const char *word = words->items[*at], *next = *at + 1 < words->len ? words->items[*at + 1] : NULL;
	if (word[0] != '-')
		return take_file(p, word);
	if (strcmp(word, "-o") == 0) {
		++*at;
		return next != NULL;
	}
	if (begins(word, "-L")) {
		const char *dir = word[2] ? word + 2 : next;
		*at += !word[2];
		if (dir && exists(p, dir)) {
			vec_addf(&p->argv, "-L%s", dir);
			vec_add(p->dirs, dir);
		}
		return dir != NULL;
	}
	if (begins(word, "-l") && word[2] && word[2] != ':') {
		vec_add(&p->argv, word);
		vec_add(&p->names, word + 2);
		return true;
	}
	const char *temporary = value_of(word, of_temporary);
	if (temporary)
		return !exists(p, temporary);
	if (value_of(word, of_output))
		return true;
	if (is_plain(word) || (begins(word, "-B") && word[2] == '/')) {
		vec_add(&p->argv, word);
		return true;
	}
	return false;
}

/* ---- the probe --------------------------------------------------------------------------- */

static int ask_program(struct identity *id, const struct probe *p, const soldr_host *host, const char *path_variable, const char *program,
                       const char *question, soldr_error *err)
{
	struct vec argv = VEC_INIT;
	struct buf out = BUF_INIT;
	vec_add(&argv, program);
	for (size_t i = 1; i < p->argv.len; i++)
		if (begins(p->argv.items[i], "-B") || begins(p->argv.items[i], "-m"))
			vec_add(&argv, p->argv.items[i]);
	vec_add(&argv, question);
	int rc = identity_ask(host, p->req, program, &argv, path_variable, &out, err);
	size_t n = strcspn(buf_str(&out), "\n");
	if (!rc && n) {
		out.data[n] = 0;
		char *found = out.data[0] == '/' ? strdup(out.data)
		                                 : path_find_program(out.data, path_variable + strlen("PATH="), p->req->cwd, NULL, NULL);
		if (found && sys.access(found, F_OK) == 0)
			vec_add(&id->programs, found);
		free(found);
	}
	vec_release(&argv);
	buf_release(&out);
	return rc;
}

/* The names in the linker's rule "OUTPUT: \" and one name a line; GNU ld escapes as make does, lld blanks only. */
static int read_dependencies(struct identity *id, const char *text)
{
	const char *at = strchr(text, ':');
	if (!at)
		return -1;
	for (at++; *at && *at != '\n';) {
		if (*at == ' ' || *at == '\t' || (*at == '\\' && at[1] == '\n')) {
			at += 1 + (*at == '\\');
			continue;
		}
		struct buf name = BUF_INIT;
		for (; *at && !strchr(" \t\n", *at); at++) {
			bool escaped = *at == '\\' && at[1] && strchr(" \\#", at[1]);
			if (*at == '\\' && at[1] == '\n')
				break;
			at += escaped;
			buf_addc(&name, *at);
		}
		vec_add(&id->programs, buf_str(&name));
		bool good = buf_ok(&name);
		buf_release(&name);
		if (!good)
			return -1;
	}
	return 0;
}

/* Links the words of the probe, and nothing else, into a file that is thrown away. */
static int trial_link(struct identity *id, const struct probe *p, const soldr_host *host, const char *path_variable, const char *program,
                      const char *place, soldr_error *err)
{
	struct vec argv = VEC_INIT;
	struct buf list = BUF_INIT, output = BUF_INIT, said = BUF_INIT;
	struct fs_temp trial = FS_TEMP_INIT;
	int memory = sys.memfd_create("soldr-link", MFD_CLOEXEC);
	int rc = memory < 0 ? err_set(err, SOLDR_E_IO, 0, "embedded", E728_NO_LIST_LINK) : fs_temp_open(&trial, place, 0600, err);
	vec_add(&argv, program);
	for (size_t i = 1; i < p->argv.len; i++)
		vec_add(&argv, p->argv.items[i]);
	vec_add(&argv, "-Wl,--unresolved-symbols=ignore-all");
	vec_addf(&argv, "-Wl,--dependency-file=/proc/%ld/fd/%d", (long)getpid(), memory);
	vec_add(&argv, "-o");
	vec_add(&argv, trial.path ? trial.path : "");
	if (!rc)
		rc = identity_ask(host, p->req, program, &argv, path_variable, &said, err);
	if (!rc && lseek(memory, 0, SEEK_SET) == 0)
		rc = fs_read_fd(memory, "the linker's list", DEPENDENCIES_MAX, &list, err);
	if (!rc && read_dependencies(id, buf_str(&list)) != 0)
		rc = err_set(err, SOLDR_E_UNSUPPORTED, 0, "embedded", E729_LINKER_LIST);
	/* The linker wrote to its own file of that name, or removed it. */
	if (trial.path)
		sys.unlink(trial.path);
	fs_temp_discard(&trial);
	if (memory >= 0)
		sys.close(memory);
	vec_release(&argv);
	buf_release(&list);
	buf_release(&output);
	buf_release(&said);
	return rc;
}

static int run_probe(struct identity *id, const struct probe *p, const soldr_host *host, const char *path_variable, const char *program,
                     struct store *store, const char *memory_file, soldr_error *err)
{
	char real[PATH_MAX];
	struct buf linker = BUF_INIT;
	const char *chosen = NULL;
	for (size_t i = 1; i < p->argv.len; i++)
		if (begins(p->argv.items[i], "-fuse-ld="))
			chosen = p->argv.items[i] + strlen("-fuse-ld=");
	id->family = FAMILY_RUSTC;
	if (!sys.realpath(program, real) || script_at(real))
		return err_set(err, SOLDR_E_UNSUPPORTED, 0, "embedded", E730_LINKER_SCRIPT, program);
	vec_add(&id->programs, real);
	buf_addf(&linker, chosen ? "-print-prog-name=ld.%s" : "-print-prog-name=ld", chosen);
	int rc = ask_program(id, p, host, path_variable, program, buf_str(&linker), err);
	if (!rc)
		rc = ask_program(id, p, host, path_variable, program, "-print-prog-name=collect2", err);
	if (!rc)
		rc = ask_program(id, p, host, path_variable, program, "-print-file-name=liblto_plugin.so", err);
	if (!rc)
		rc = identity_add_libraries(id, host, p->req, err);
	char *dir = path_dir(memory_file);
	if (!rc && dir)
		rc = fs_make_dirs(dir, 0700, err);
	if (!rc)
		rc = trial_link(id, p, host, path_variable, program, memory_file, err);
	if (!rc)
		rc = identity_digest_programs(id, store, err);
	free(dir);
	buf_release(&linker);
	return rc;
}

/* Names of libraries that the directories do not have: also part of what the memory is for. */
static bool note_absent(struct link_facts *f, const struct probe *p, struct hasher *h)
{
	static const char *const forms[] = {"lib%s.so", "lib%s.a"};
	f->absent = calloc(p->dirs->len * p->names.len * 2 + 1, sizeof *f->absent);
	if (!f->absent)
		return false;
	for (size_t d = 0; d < p->dirs->len; d++)
		for (size_t n = 0; n < p->names.len * 2; n++) {
			struct buf name = BUF_INIT;
			buf_addf(&name, forms[n % 2], p->names.items[n / 2]);
			char *path = path_join(p->dirs->items[d], buf_str(&name));
			bool there = path && exists(p, path);
			free(path);
			hasher_field(h, "there", &there, sizeof there);
			if (there || !buf_ok(&name))
				buf_release(&name);
			else
				f->absent[f->absent_count++] = (struct link_absence){p->dirs->items[d], buf_detach(&name)};
		}
	return true;
}

static char *memory_of(struct link_facts *f, const struct probe *p, const char *path_variable, const char *program, const struct store *store)
{
	static const char *const variables[] = {"LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_RUN_PATH"};
	struct hasher h;
	hasher_init(&h);
	hasher_field_str(&h, "link", program);
	hasher_field_str(&h, "path", path_variable);
	hasher_field_str(&h, "directory", p->req->cwd);
	for (size_t i = 1; i < p->argv.len; i++)
		hasher_field_str(&h, "word", p->argv.items[i]);
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		hasher_field_str(&h, variables[i], env_get(p->req->envp, variables[i]));
	return note_absent(f, p, &h) ? identity_memory_path(store, &h) : NULL;
}

static void probe_release(struct probe *p)
{
	vec_release(&p->argv);
	vec_release(&p->names);
}

enum soldr_reason link_learn(struct link_facts *f, const char *text, const char *program, const struct rust_call *call,
                             const struct crate_list *crates, const struct identity *toolchain, const soldr_host *host,
                             const soldr_request *req, struct store *store, char *detail, size_t detail_size)
{
	struct probe p = {.call = call, .crates = crates, .toolchain = toolchain, .req = req, .dirs = &f->dirs};
	struct vec env = VEC_INIT;
	struct buf path_variable = BUF_INIT;
	soldr_error err = SOLDR_ERROR_INIT;
	size_t len = strcspn(text, "\n");
	const char *problem = "the linker's command line";
	/* One link; of several crate types each has its own. */
	bool good = program && len && (!text[len] || !text[len + 1]) && link_split(text, len, &env, &f->words);
	if (good && strcmp(f->words.items[0], call->linker ? call->linker : "cc") != 0)
		good = false, problem = f->words.items[0];
	vec_add(&p.argv, program ? program : "");
	for (size_t i = 1; good && i < f->words.len; i++) {
		problem = f->words.items[i];
		good = take_word(&p, &f->words, &i);
	}
	const char *path = env_get(env.items ? vec_items(&env) : (const char *const[]){NULL}, "PATH");
	buf_addf(&path_variable, "PATH=%s", path ? path : "");
	good = good && vec_ok(&p.argv) && vec_ok(&f->dirs) && vec_ok(&p.names) && buf_ok(&path_variable);
	char *file = good ? memory_of(f, &p, path_variable.data, program, store) : NULL;
	good = good && file;
	int64_t begun = files_clock_ns();
	if (good && !identity_recall(file, &f->files)) {
		if (run_probe(&f->files, &p, host, path_variable.data, program, store, file, &err) == 0)
			identity_remember(file, &f->files, begun);
		else
			good = false, problem = err.message;
	}
	if (!good)
		snprintf(detail, detail_size, "%s", problem);
	free(file);
	vec_release(&env);
	buf_release(&path_variable);
	probe_release(&p);
	return good ? SOLDR_REASON_NONE : SOLDR_REASON_LINK_UNKNOWN;
}
