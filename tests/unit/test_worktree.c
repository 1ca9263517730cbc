/* worktree: which directory is the root of a checkout, and what is below it. */
#include "room.h"
#include "worktree.h"

void suite_worktree(void);

static void the_nearest_git_upward_is_the_root(void)
{
	struct room room;
	room_init(&room, "worktree");
	room_put(&room, "main/.git/HEAD", "");
	room_put(&room, "main/src/deep/x.c", "");
	room_put(&room, "main/trees/second/.git", "gitdir: elsewhere\n");
	room_put(&room, "main/trees/second/src/x.c", "");
	SAME_OWNED(worktree_find(room_path(&room, "main")), room_path(&room, "main"));
	SAME_OWNED(worktree_find(room_path(&room, "main/")), room_path(&room, "main"));
	SAME_OWNED(worktree_find(room_path(&room, "main/src/deep")), room_path(&room, "main"));
	/* A linked worktree and a submodule have a file of that name. */
	SAME_OWNED(worktree_find(room_path(&room, "main/trees/second/src")), room_path(&room, "main/trees/second"));
	/* A directory that is not there is below those that are. */
	SAME_OWNED(worktree_find(room_path(&room, "main/none/such")), room_path(&room, "main"));
	CU_ASSERT_PTR_NULL(worktree_find("relative/main"));
	CU_ASSERT_PTR_NULL(worktree_find("/"));
	CU_ASSERT_PTR_NULL(worktree_find("/nowhere/at/all"));
	room_release(&room);
}

static void a_plain_root_is_spelled_in_one_way(void)
{
	static const char *const good[] = {"/w", "/home/me/src/a-b_c+d@1.2~3", "/w/.config", "/w/...", NULL};
	static const char *const bad[] = {
		"", "/", "w", "/w/", "//w", "/w//a", "/w/.", "/w/../a", "/./w", "/w a", "/w\"a", "/w#a", "/w$a", "/w:a", "/w=a", "/w\\a",
		"/w,a", "/w\na", "/\xc3\xa9", NULL,
	};
	for (size_t i = 0; good[i]; i++)
		CU_ASSERT_TRUE(worktree_is_plain(good[i]));
	for (size_t i = 0; bad[i]; i++)
		CU_ASSERT_FALSE(worktree_is_plain(bad[i]));
}

static void what_is_below_is_told_from_a_neighbour(void)
{
	SAME(worktree_rest("/w/a", "/w/a"), "");
	SAME(worktree_rest("/w/a", "/w/a/b/c.h"), "/b/c.h");
	SAME(worktree_rest("/w/a", "/w/a//c.h"), "//c.h");
	CU_ASSERT_PTR_NULL(worktree_rest("/w/a", "/w/ab/c.h"));
	CU_ASSERT_PTR_NULL(worktree_rest("/w/a", "/w"));
	CU_ASSERT_PTR_NULL(worktree_rest("/w/a", "w/a/c.h"));
	CU_ASSERT_PTR_NULL(worktree_rest(NULL, "/w/a"));
	CU_ASSERT_TRUE(worktree_has_neighbour("/w/a", "-I/w/ab"));
	CU_ASSERT_TRUE(worktree_has_neighbour("/w/a", "/w/a/x:/w/a-build"));
	CU_ASSERT_FALSE(worktree_has_neighbour("/w/a", "-I/w/a"));
	CU_ASSERT_FALSE(worktree_has_neighbour("/w/a", "-ffile-prefix-map=/w/a=.:/w/a/b"));
}

void suite_worktree(void)
{
	CU_pSuite s = CU_add_suite("worktree", NULL, NULL);
	CU_add_test(s, "the nearest .git upward is the root", the_nearest_git_upward_is_the_root);
	CU_add_test(s, "a plain root is spelled in one way", a_plain_root_is_spelled_in_one_way);
	CU_add_test(s, "what is below is told from a neighbour", what_is_below_is_told_from_a_neighbour);
}
