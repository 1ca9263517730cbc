/* path: see path.h. */
#include "path.h"

#include "buf.h"
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *path_join(const char *dir, const char *name)
{
	if (*name == '/' || !*dir)
		return strdup(name);
	struct buf b = BUF_INIT;
	buf_adds(&b, dir);
	if (b.len && b.data[b.len - 1] != '/')
		buf_addc(&b, '/');
	buf_adds(&b, name);
	return buf_detach(&b);
}

size_t path_stem_len(const char *base)
{
	const char *dot = strrchr(base, '.');
	return dot && dot != base ? (size_t)(dot - base) : strlen(base);
}

const char *path_ext(const char *path)
{
	const char *base = path_base(path);
	return base + path_stem_len(base);
}

char *path_absolute(const char *cwd, const char *path)
{
	struct buf b = BUF_INIT;
	const char *parts[2] = {*path == '/' ? "" : cwd, path};
	for (int i = 0; i < 2; i++) {
		for (const char *p = parts[i]; *p;) {
			size_t n = strcspn(p, "/");
			if (n && !(n == 1 && *p == '.')) {
				buf_addc(&b, '/');
				buf_add(&b, p, n);
			}
			p += n + (p[n] == '/');
		}
	}
	if (!b.len)
		buf_addc(&b, '/');
	return buf_detach(&b);
}

void path_tidy(char *path)
{
	char *out = path + (*path == '/');
	for (const char *p = out; *p;) {
		size_t n = strcspn(p, "/");
		size_t step = n + (p[n] == '/');
		if (n && !(n == 1 && *p == '.')) {
			memmove(out, p, step);
			out += step;
		}
		p += step;
	}
	if (out > path + 1 && out[-1] == '/')
		out--;
	*out = 0;
}

bool path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (n == 1 && *dir == '/')
		return *path == '/';
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == 0);
}

char *path_self(void)
{
	char link[PATH_MAX];
	ssize_t n = sys.readlink("/proc/self/exe", link, sizeof link - 1);
	if (n <= 0)
		return NULL;
	link[n] = 0;
	return strdup(link);
}

const char *env_get(const char *const *envp, const char *name)
{
	size_t n = strlen(name);
	for (; envp && *envp; envp++) {
		/* Asked some fifty times per compile, and nearly every variable differs in its first letters: no calls for those. */
		const char *entry = *envp;
		if (entry[0] == name[0] && (n < 2 || entry[1] == name[1]) && strncmp(entry, name, n) == 0 && entry[n] == '=')
			return entry + n + 1;
	}
	return NULL;
}

static bool is_program(const char *path)
{
	struct stat st;
	if (sys.stat(path, &st) != 0)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return sys.access(path, X_OK) == 0;
}

char *path_find_program(const char *name, const char *path_list, const char *cwd, path_skip_fn skip, void *arg)
{
	int why = ENOENT;
	if (!*name) {
		errno = ENOENT;
		return NULL;
	}
	if (strchr(name, '/')) {
		char *full = path_absolute(cwd, name);
		if (full && is_program(full))
			return full;
		why = full ? errno : ENOMEM;
		free(full);
		errno = why;
		return NULL;
	}
	const char *p = path_list ? path_list : "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		size_t n = strcspn(p, ":");
		struct buf b = BUF_INIT;
		if (n == 0 || *p != '/') { /* an empty entry is the working directory */
			buf_adds(&b, cwd);
			buf_addc(&b, '/');
		}
		buf_add(&b, p, n);
		if (n && p[n - 1] != '/')
			buf_addc(&b, '/');
		buf_adds(&b, name);
		char *full = buf_detach(&b);
		if (!full) {
			errno = ENOMEM;
			return NULL;
		}
		if (is_program(full)) {
			if (!skip || !skip(arg, full))
				return full;
		} else if (errno == EACCES) {
			why = EACCES;
		}
		free(full);
		if (!p[n])
			break;
		p += n + 1;
	}
	errno = why;
	return NULL;
}
