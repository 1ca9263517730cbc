/* toolchain: see toolchain.h. */
#include "toolchain.h"

#include "fs.h"
#include "path.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS_MAX = 1 << 20, ANSWER_MAX = 1 << 16 };

bool toolchain_is_proxy(const char *real)
{
	return strcmp(path_base(real), "rustup") == 0;
}

/* ---- the choice of rustup ------------------------------------------------------------ */

/* The value of `KEY = "VALUE"` in one line of TOML; false: another line. */
static bool toml_string(const char *line, size_t len, const char *key, struct buf *value)
{
	const char *end = line + len, *at = line + strspn(line, " \t");
	size_t n = strlen(key);
	if (at + n > end || memcmp(at, key, n) != 0)
		return false;
	at += n;
	at += strspn(at, " \t");
	if (at >= end || *at++ != '=')
		return false;
	at += strspn(at, " \t");
	char quote = at < end ? *at++ : 0;
	const char *stop = quote == '"' || quote == '\'' ? memchr(at, quote, (size_t)(end - at)) : NULL;
	if (!stop || memchr(at, '\\', (size_t)(stop - at)))
		return false;
	buf_clear(value);
	buf_add(value, at, (size_t)(stop - at));
	return buf_ok(value);
}

static bool toml_find(const struct buf *text, const char *key, struct buf *value)
{
	for (const char *at = buf_str(text); *at;) {
		size_t n = strcspn(at, "\n");
		if (toml_string(at, n, key, value))
			return true;
		at += n + (at[n] == '\n');
	}
	return false;
}

/* The override of a directory: a line `"/dir" = "name"`. */
static bool find_override(const struct buf *settings, const char *dir, struct buf *name)
{
	struct buf key = BUF_INIT;
	buf_addf(&key, "\"%s\"", dir);
	bool found = buf_ok(&key) && toml_find(settings, key.data, name);
	buf_release(&key);
	return found;
}

/* 1: it names a channel; 0: there is no such file; -1: it says more than that. */
static int read_toolchain_file(const char *dir, const char *base, struct buf *name)
{
	struct buf text = BUF_INIT, other = BUF_INIT;
	char *path = path_join(dir, base);
	int rc = !path || sys.access(path, F_OK) != 0 ? 0 : fs_read_file(path, SETTINGS_MAX, &text, NULL) == 0 ? 1 : -1;
	if (rc == 1 && toml_find(&text, "path", &other))
		rc = -1;
	else if (rc == 1 && !toml_find(&text, "channel", name)) {
		/* The old form: the name alone. */
		size_t n = strcspn(buf_str(&text), " \t\r\n");
		buf_clear(name);
		buf_add(name, buf_str(&text), n);
		rc = n && !memchr(name->data, '[', n) && text.data[n + strspn(text.data + n, " \t\r\n")] == 0 ? 1 : -1;
	}
	free(path);
	buf_release(&text);
	buf_release(&other);
	return rc;
}

static int choose_by_directory(const char *cwd, const struct buf *settings, struct buf *name)
{
	char dir[PATH_MAX];
	int rc = 0;
	snprintf(dir, sizeof dir, "%s", cwd);
	while (rc == 0) {
		rc = find_override(settings, dir, name) ? 1 : read_toolchain_file(dir, "rust-toolchain", name);
		if (rc == 0)
			rc = read_toolchain_file(dir, "rust-toolchain.toml", name);
		char *slash = strrchr(dir, '/');
		if (rc || !slash || (slash == dir && !dir[1]))
			break;
		slash[slash == dir] = 0;
	}
	return rc;
}

/* "stable" is the directory stable-HOST. */
static char *program_of(const char *home, const struct buf *settings, const char *name, const char *program)
{
	struct buf path = BUF_INIT, host = BUF_INIT;
	char real[PATH_MAX];
	const char *found = NULL;
	if (*name == '/')
		buf_addf(&path, "%s/bin/%s", name, program);
	else
		buf_addf(&path, "%s/toolchains/%s/bin/%s", home, name, program);
	found = buf_ok(&path) ? sys.realpath(path.data, real) : NULL;
	if (!found && *name != '/') {
#if defined(__x86_64__)
		buf_adds(&host, "x86_64-unknown-linux-gnu");
#elif defined(__aarch64__)
		buf_adds(&host, "aarch64-unknown-linux-gnu");
#endif
		toml_find(settings, "default_host_triple", &host);
		buf_clear(&path);
		buf_addf(&path, "%s/toolchains/%s-%s/bin/%s", home, name, buf_str(&host), program);
		found = buf_ok(&path) ? sys.realpath(path.data, real) : NULL;
	}
	buf_release(&path);
	buf_release(&host);
	return found ? strdup(real) : NULL;
}

char *toolchain_program(const soldr_request *req, const char *program, const char *chosen, char *why, size_t why_size)
{
	struct buf settings = BUF_INIT, name = BUF_INIT, home = BUF_INIT;
	const char *given = env_get(req->envp, "RUSTUP_HOME"), *user = env_get(req->envp, "HOME");
	const char *variable = env_get(req->envp, "RUSTUP_TOOLCHAIN");
	char *found = NULL;
	if (given && *given == '/')
		buf_adds(&home, given);
	else if (user && *user == '/' && !(given && *given))
		buf_addf(&home, "%s/.rustup", user);
	buf_addf(&name, "%s/settings.toml", buf_str(&home));
	fs_read_file(buf_str(&name), SETTINGS_MAX, &settings, NULL);
	buf_clear(&name);
	int rc = 1;
	if (chosen)
		buf_adds(&name, chosen);
	else if (variable && *variable)
		buf_adds(&name, variable);
	else
		rc = choose_by_directory(req->cwd, &settings, &name);
	if (rc == 0)
		rc = toml_find(&settings, "default_toolchain", &name);
	if (rc == 1 && home.len && name.len && buf_ok(&home) && buf_ok(&name))
		found = program_of(home.data, &settings, name.data, program);
	snprintf(why, why_size, "%s", rc == 1 && name.len ? name.data : "a toolchain of rustup");
	buf_release(&settings);
	buf_release(&name);
	buf_release(&home);
	return found;
}

/* ---- the files ---------------------------------------------------------------------- */

static void add_matching(struct identity *id, const char *dir, const char *pattern)
{
	struct buf b = BUF_INIT;
	glob_t found = {0};
	for (const char *p = dir; *p; p++) {
		if (strchr("*?[\\", *p))
			buf_addc(&b, '\\');
		buf_addc(&b, *p);
	}
	buf_adds(&b, pattern);
	if (buf_ok(&b) && glob(b.data, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct stat st;
			if (sys.stat(found.gl_pathv[i], &st) == 0 && S_ISREG(st.st_mode))
				vec_add(&id->programs, found.gl_pathv[i]);
		}
	globfree(&found);
	buf_release(&b);
}

/* Where the standard library of the target is. extra: one more option, or NULL. */
static int ask_library_dir(const soldr_host *host, const soldr_request *req, const struct rust_call *call, const char *extra,
                           struct buf *out, soldr_error *err)
{
	buf_clear(out);
	struct vec argv = VEC_INIT;
	vec_add(&argv, req->argv[0]);
	if (call->toolchain)
		vec_addf(&argv, "+%s", call->toolchain);
	if (call->clippy)
		vec_add(&argv, "rustc");
	vec_add(&argv, "--print");
	vec_add(&argv, "target-libdir");
	if (call->target) {
		vec_add(&argv, "--target");
		vec_add(&argv, call->target);
	}
	if (call->sysroot) {
		vec_add(&argv, "--sysroot");
		vec_add(&argv, call->sysroot);
	}
	if (extra)
		vec_add(&argv, extra);
	int rc = identity_ask(host, req, req->compiler, &argv, NULL, out, err);
	vec_release(&argv);
	size_t n = strcspn(buf_str(out), "\n");
	if (!rc && (!n || n > ANSWER_MAX || !buf_ok(out) || out->data[0] != '/'))
		rc = err_set(err, SOLDR_E_UNSUPPORTED, 0, "embedded", E727_LIBRARIES_UNTOLD, req->compiler);
	if (!rc)
		out->data[out->len = n] = 0;
	return rc;
}

static int probe(struct identity *id, const soldr_host *host, const soldr_request *req, const char *real, const struct rust_call *call,
                 soldr_error *err)
{
	struct buf dir = BUF_INIT;
	id->family = FAMILY_RUSTC;
	vec_add(&id->programs, real);
	int rc = identity_add_libraries(id, host, req, err);
	/* In older releases no --print can be sent to a file. */
	if (!rc)
		id->reports_links = ask_library_dir(host, req, call, "--print=sysroot=/dev/null", &dir, err) == 0;
	if (!rc && !id->reports_links)
		rc = ask_library_dir(host, req, call, NULL, &dir, err);
	if (!rc) {
		add_matching(id, dir.data, "/*");
		add_matching(id, dir.data, "/self-contained/*");
		add_matching(id, dir.data, "/../bin/*");
		add_matching(id, dir.data, "/../bin/gcc-ld/*");
		add_matching(id, dir.data, "/../codegen-backends/*");
		add_matching(id, dir.data, "/../target.json");
	}
	buf_release(&dir);
	return rc;
}

int toolchain_identity(struct identity *id, const soldr_host *host, const soldr_request *req, const char *real,
                       const struct rust_call *call, struct store *store, soldr_error *err)
{
	struct hasher h;
	*id = IDENTITY_INIT;
	hasher_init(&h);
	hasher_field_str(&h, "rust", real);
	hasher_field_str(&h, "path", req->compiler);
	hasher_field_str(&h, "target", call->target);
	hasher_field_str(&h, "sysroot", call->sysroot);
	hasher_field_str(&h, "directory", call->sysroot && *call->sysroot != '/' ? req->cwd : NULL);
	hasher_field_str(&h, "LD_LIBRARY_PATH", env_get(req->envp, "LD_LIBRARY_PATH"));
	hasher_field_str(&h, "LD_PRELOAD", env_get(req->envp, "LD_PRELOAD"));
	char *file = identity_memory_path(store, &h);
	if (!file)
		return err_set(err, SOLDR_E_NOMEM, 0, "embedded", E101_NO_MEMORY);
	int rc = 0;
	int64_t begun = files_clock_ns();
	if (!identity_recall(file, id)) {
		rc = probe(id, host, req, real, call, err);
		if (!rc)
			rc = identity_digest_programs(id, store, err);
		if (rc)
			identity_release(id);
		else
			identity_remember(file, id, begun);
	}
	free(file);
	return rc;
}
