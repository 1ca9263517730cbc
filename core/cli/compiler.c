/*
 * compiler: names by table, programs by PATH. See compiler.h.
 */
#include "compiler.h"

#include "front.h"
#include "path.h"
#include "sys.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The names themselves. A longer one must not end in "-" and a shorter one of the same kind. */
static const struct {
	const char *name;
	bool rust;
} compilers[] = {
	{"cc", false},    {"c++", false},    {"gcc", false},  {"g++", false},
	{"clang", false}, {"clang++", false}, {"rustc", true}, {"clippy-driver", true},
};

/* MinGW names its thread model behind the version: x86_64-w64-mingw32-gcc-12-posix. */
static const char *const variants[] = {"-posix", "-win32"};

static const char *const wrappers[] = {"ccache", "sccache", "distcc", "icecc", "zccache", "kache"};

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);
	return len >= n && memcmp(text + len - n, end, n) == 0;
}

/* Length of the name without "-12" or "-4.9.2". */
static size_t without_version(const char *name, size_t len)
{
	size_t at = len;
	while (at && (isdigit((unsigned char)name[at - 1]) || name[at - 1] == '.'))
		at--;
	return at > 1 && at < len && name[at - 1] == '-' && isdigit((unsigned char)name[at]) ? at - 1 : len;
}

static bool is_target(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_.+-", text[i]))
			return false;
	return isalnum((unsigned char)text[0]);
}

static bool matches(const char *name, bool with_rust)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
		if (ends_with(name, len, variants[i]))
			len -= strlen(variants[i]);
	len = without_version(name, len);
	for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++) {
		if ((compilers[i].rust && !with_rust) || !ends_with(name, len, compilers[i].name))
			continue;
		size_t before = len - strlen(compilers[i].name);
		if (before == 0 || (name[before - 1] == '-' && is_target(name, before)))
			return true;
	}
	return false;
}

bool compiler_name(const char *name)
{
	return matches(name, true);
}

bool compiler_name_c(const char *name)
{
	return matches(name, false);
}

bool compiler_wrapper_name(const char *name)
{
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
		if (strcmp(name, wrappers[i]) == 0)
			return true;
	return false;
}

bool compiler_is_soldr_name(const char *name)
{
	return strcmp(name, "soldr") == 0 || strcmp(name, "soldr-host") == 0;
}

/*
 * Another soldr than this executable (soldr beside soldr-host, or a second
 * installation) is known by where its links end.
 */
static bool links_to_soldr(const char *path)
{
	char at[PATH_MAX], next[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof at)
		return false;
	memcpy(at, path, len + 1);
	for (int hops = 0; hops < 40; hops++) {
		ssize_t n = readlink(at, next, sizeof next - 1);
		if (n <= 0)
			return hops > 0 && compiler_is_soldr_name(path_base(at));
		next[n] = 0;
		char *slash = strrchr(at, '/');
		size_t dir = *next == '/' || !slash ? 0 : (size_t)(slash - at) + 1;
		if (dir + (size_t)n >= sizeof at)
			return false;
		memcpy(at + dir, next, (size_t)n + 1);
	}
	return false;
}

static bool is_same_file(const struct stat *st, const char *path)
{
	struct stat other;
	return sys.stat(path, &other) == 0 && st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

/* A hard link named gcc is of the front program, also when that has become soldr-host. */
static bool is_front(const struct stat *st)
{
	char *front = program_is_static ? NULL : front_executable();
	bool same = front && is_same_file(st, front);
	free(front);
	return same;
}

bool compiler_is_soldr(void *arg, const char *path)
{
	(void)arg;
	struct stat st;
	if (sys.stat(path, &st) != 0)
		return false;
	return is_same_file(&st, "/proc/self/exe") || is_front(&st) || links_to_soldr(path);
}

struct search {
	bool skipped;
};

static bool skip_soldr(void *arg, const char *path)
{
	struct search *search = arg;
	if (!compiler_is_soldr(NULL, path))
		return false;
	search->skipped = true;
	return true;
}

static int not_run(const char *word, bool by_path, int why)
{
	if (why == EACCES) {
		cli_error(E506_NOT_EXECUTABLE, word);
		return STATUS_NOT_EXECUTABLE;
	}
	if (why == ENOMEM)
		cli_report(NULL, word);
	else if (by_path)
		cli_error(E508_COMPILER_PROBLEM, word, strerror(why));
	else
		cli_error(E507_NOT_ON_PATH, word);
	return why == ENOMEM ? STATUS_SOLDR : STATUS_NOT_FOUND;
}

int compiler_find(const struct cli *cli, const char *word, struct compiler *out)
{
	struct search search = {false};
	bool by_path = strchr(word, '/');
	bool is_soldr = compiler_is_soldr_name(path_base(word)); /* `soldr build -- soldr …` means it */
	*out = (struct compiler){0};
	if (by_path && !is_soldr && compiler_is_soldr(NULL, word)) {
		word = path_base(word);
		by_path = false;
		search.skipped = true;
	}
	if (by_path && !cli->cwd) /* the directory is gone: only the kernel can resolve the path */
		out->path = access(word, X_OK) == 0 ? strdup(word) : NULL;
	else
		out->path = path_find_program(word, env_get(cli->envp, "PATH"), cli->cwd ? cli->cwd : "/",
		                              is_soldr ? NULL : skip_soldr, &search);
	if (!out->path)
		return not_run(word, by_path, errno);
	out->argv0 = search.skipped ? out->path : word;
	return 0;
}

void compiler_release(struct compiler *compiler)
{
	free(compiler->path);
	*compiler = (struct compiler){0};
}
