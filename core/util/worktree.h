/*
 * worktree: the root of the checkout that a directory belongs to, and paths
 * relative to it. A root may be mapped away where its name is plain, so that no
 * compiler, make rule or assembler text spells it in another way.
 */
#ifndef SOLDR_UTIL_WORKTREE_H
#define SOLDR_UTIL_WORKTREE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The nearest directory from dir (absolute) upward that has .git: a directory,
 * or a file as in linked worktrees and submodules. malloc'ed; NULL: none, or "/".
 */
char *worktree_find(const char *dir);
/* Absolute, clean, not "/", and of letters, digits and / . _ - + @ ~ only. */
bool worktree_is_plain(const char *root);
/* What follows the root in path: "" or "/…". NULL: not below it, or root is NULL. */
const char *worktree_rest(const char *root, const char *path);
/* True when text holds the root with more of a name right behind it, as a neighbour's path has it: /src/a in /src/ab. */
bool worktree_has_neighbour(const char *root, const char *text);

#endif
