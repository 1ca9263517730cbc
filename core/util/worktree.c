/* worktree: see worktree.h. */
#include "worktree.h"

#include "buf.h"
#include "path.h"
#include "sys.h"

#include <string.h>
#include <unistd.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+@~";

char *worktree_find(const char *dir)
{
	struct buf at = BUF_INIT;
	char *found = NULL;
	buf_adds(&at, dir);
	while (*dir == '/' && buf_ok(&at)) {
		while (at.len && at.data[at.len - 1] == '/')
			at.data[--at.len] = 0;
		if (!at.len)
			break;
		size_t len = at.len;
		buf_adds(&at, "/.git");
		bool here = buf_ok(&at) && sys.access(at.data, F_OK) == 0;
		if (!buf_ok(&at))
			break;
		at.data[at.len = len] = 0;
		if (here) {
			found = buf_detach(&at);
			break;
		}
		while (at.len && at.data[at.len - 1] != '/')
			at.data[--at.len] = 0;
	}
	buf_release(&at);
	return found;
}

bool worktree_is_plain(const char *root)
{
	if (*root != '/' || !root[1])
		return false;
	for (const char *p = root; *p;) {
		size_t n = strspn(++p, plain);
		bool dots = (n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
		p += n;
		if (!n || dots || (*p && *p != '/'))
			return false;
	}
	return true;
}

const char *worktree_rest(const char *root, const char *path)
{
	return root && path && path_is_below(path, root) ? path + strlen(root) : NULL;
}

bool worktree_has_neighbour(const char *root, const char *text)
{
	size_t n = strlen(root);
	for (const char *p = text; (p = strstr(p, root)); p += n)
		if (p[n] && strchr(plain, p[n]))
			return true;
	return false;
}
