/*
 * parity_scene: one run of one request, with what it changed.
 *
 * PARITY_OVERLAY: the child enters a mount namespace of its own and covers each
 * directory that the request may write to with an overlay; paths, inputs and
 * old outputs are as ever, and what the run wrote lies in the upper layers
 * afterwards. The user's files are never touched and runs may go on at once.
 *
 * PARITY_IN_PLACE, where namespaces cannot be had: the request runs where it
 * is; what changed is what differs between two walks through the directories.
 */
#include "parity.h"

#include "clock.h"
#include "fs.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char origin[] = "parity";

enum { WALK_DEPTH_MAX = 32, CHILD_SETUP_FAILED = 125, POLL_MS = 20 };

/* ---- which directories a request may write to ------------------------------------- */

static bool is_system_path(const char *path)
{
	static const char *const dirs[] = {"/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev", "/opt", NULL};
	for (size_t i = 0; dirs[i]; i++)
		if (path_is_below(path, dirs[i]))
			return true;
	return strcmp(path, "/") == 0;
}

static void add_root(struct vec *roots, const char *dir)
{
	char real[PATH_MAX];
	struct stat st;
	if (!realpath(dir, real) || stat(real, &st) != 0 || !S_ISDIR(st.st_mode) || is_system_path(real))
		return;
	vec_add_once(roots, real);
}

/* A word, or what follows an option's letters or '=', may be a path: its directory counts. */
static void add_word(struct vec *roots, const char *cwd, const char *word)
{
	char *full = path_absolute(cwd, word);
	char *dir = full ? path_dir(full) : NULL;
	struct stat st;
	if (full && stat(full, &st) == 0 && S_ISDIR(st.st_mode))
		add_root(roots, full);
	else if (dir)
		add_root(roots, dir);
	free(full);
	free(dir);
}

/* Directories below another one of the list are covered by it. */
static void drop_nested(struct vec *roots)
{
	size_t kept = 0;
	for (size_t i = 0; i < roots->len; i++) {
		bool nested = false;
		for (size_t k = 0; k < roots->len && !nested; k++)
			nested = k != i && roots->items[k] && strcmp(roots->items[i], roots->items[k]) != 0 &&
			         path_is_below(roots->items[i], roots->items[k]);
		if (nested) {
			free(roots->items[i]);
			roots->items[i] = NULL;
		}
	}
	for (size_t i = 0; i < roots->len; i++)
		if (roots->items[i])
			roots->items[kept++] = roots->items[i];
	roots->len = kept;
}

static void find_roots(const struct parity_request *r, struct vec *roots)
{
	add_root(roots, r->cwd);
	for (size_t i = 1; i < r->argv.len; i++) {
		const char *a = r->argv.items[i];
		const char *equal = strchr(a, '='), *comma = strrchr(a, ',');
		if (*a != '-')
			add_word(roots, r->cwd, a);
		if (equal && equal[1])
			add_word(roots, r->cwd, equal + 1);
		if (comma && comma[1])
			add_word(roots, r->cwd, comma + 1);
		if (strncmp(a, "-o", 2) == 0 && a[2])
			add_word(roots, r->cwd, a + 2);
	}
	drop_nested(roots);
}

/* ---- overlays (in the child) ----------------------------------------------------------- */

static int write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* A mount namespace; without the right to one, inside a user namespace in which we are ourselves. */
static int enter_namespace(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return -1;
		snprintf(map, sizeof map, "%lu %lu 1", (unsigned long)uid, (unsigned long)uid);
		if (write_text("/proc/self/uid_map", map) != 0)
			return -1;
		write_text("/proc/self/setgroups", "deny");
		snprintf(map, sizeof map, "%lu %lu 1", (unsigned long)gid, (unsigned long)gid);
		if (write_text("/proc/self/gid_map", map) != 0)
			return -1;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void layer_path(const struct parity_scene *s, size_t root, const char *kind, char *out, size_t size)
{
	snprintf(out, size, "%s/run%u/%s%zu", s->scratch, s->runs, kind, root);
}

static int cover(const struct parity_scene *s)
{
	if (enter_namespace() != 0)
		return -1;
	for (size_t i = 0; i < s->roots.len; i++) {
		char upper[PATH_MAX], work[PATH_MAX];
		struct buf options = BUF_INIT;
		layer_path(s, i, "upper", upper, sizeof upper);
		layer_path(s, i, "work", work, sizeof work);
		buf_addf(&options, "lowerdir=%s,upperdir=%s,workdir=%s", s->roots.items[i], upper, work);
		int rc = buf_ok(&options) ? mount("overlay", s->roots.items[i], "overlay", 0, options.data) : -1;
		if (rc != 0) {
			buf_adds(&options, ",userxattr");
			rc = buf_ok(&options) ? mount("overlay", s->roots.items[i], "overlay", 0, options.data) : -1;
		}
		buf_release(&options);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* Characters that mount's option string cannot hold. */
static bool can_be_mounted(const struct vec *roots, const char *scratch)
{
	for (size_t i = 0; i < roots->len; i++)
		if (strpbrk(roots->items[i], ",:\\\"") || path_is_below(scratch, roots->items[i]))
			return false;
	return !strpbrk(scratch, ",:\\\"");
}

static int make_layers(const struct parity_scene *s, soldr_error *err)
{
	int rc = 0;
	for (size_t i = 0; i < s->roots.len && !rc; i++) {
		char path[PATH_MAX];
		struct stat st;
		layer_path(s, i, "work", path, sizeof path);
		rc = fs_make_dirs(path, 0700, err);
		layer_path(s, i, "upper", path, sizeof path);
		if (!rc)
			rc = fs_make_dirs(path, 0700, err);
		/* The upper layer's own mode and owner are what the directory shows. */
		if (!rc && stat(s->roots.items[i], &st) == 0 && chmod(path, st.st_mode & 07777) != 0)
			rc = err_set(err, SOLDR_E_IO, errno, origin, E657_MODE_NOT_SET, path);
	}
	return rc;
}

/* ---- running ------------------------------------------------------------------------------ */

struct launch {
	const struct parity_scene *scene;
	const char *cwd, *program;
	const char *const *argv, *const *envp;
};

/* What the compiler writes goes through pipes, as in a build: some look at what they write to. */
static _Noreturn void child(const struct launch *l, int out, int errs)
{
	int null = open("/dev/null", O_RDONLY);
	setpgid(0, 0);
	if (l->scene->isolation == PARITY_OVERLAY && cover(l->scene) != 0)
		_exit(CHILD_SETUP_FAILED);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(errs, 2) < 0 || chdir(l->cwd) != 0)
		_exit(CHILD_SETUP_FAILED);
	execve(l->program, (char *const *)(uintptr_t)l->argv, (char *const *)(uintptr_t)l->envp);
	_exit(CHILD_SETUP_FAILED);
}

/* Appends what is there; false at the end of the stream. */
static bool drain(int fd, struct buf *to)
{
	char chunk[16384];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n > 0)
		buf_add(to, chunk, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void collect_output(pid_t pid, int fds[2], uint64_t timeout_ns, struct parity_run *run, int *status)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	struct buf *to[2] = {&run->out, &run->errs};
	bool ended = false;
	while (!ended) {
		struct pollfd p[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
		poll(p, 2, POLL_MS);
		for (int i = 0; i < 2; i++)
			if (p[i].revents && fds[i] >= 0 && !drain(fds[i], to[i])) {
				close(fds[i]);
				fds[i] = -1;
			}
		if (fds[0] < 0 && fds[1] < 0) {
			while (waitpid(pid, status, 0) < 0 && errno == EINTR)
				;
			return;
		}
		ended = waitpid(pid, status, WNOHANG) == pid;
		if (!ended && timeout_ns && clock_ns(CLOCK_MONOTONIC) - start > timeout_ns && !run->timed_out) {
			run->timed_out = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
	}
	for (int i = 0; i < 2; i++) {
		struct pollfd p = {fds[i], POLLIN, 0};
		while (fds[i] >= 0 && poll(&p, 1, 0) > 0 && drain(fds[i], to[i]))
			;
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

static int launch(const struct launch *l, struct parity_run *run, soldr_error *err)
{
	int out[2], errs[2], status = 0;
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errs, O_CLOEXEC) != 0)
		return err_set(err, SOLDR_E_IO, errno, origin, E658_SCENE_PIPE);
	pid_t pid = fork();
	if (pid == 0)
		child(l, out[1], errs[1]);
	close(out[1]);
	close(errs[1]);
	int fds[2] = {out[0], errs[0]};
	if (pid < 0) {
		close(out[0]);
		close(errs[0]);
		return err_set(err, SOLDR_E_IO, errno, origin, E659_SCENE_PROCESS);
	}
	collect_output(pid, fds, l->scene->timeout_ns, run, &status);
	run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	run->signal = WIFSIGNALED(status) && !run->timed_out ? WTERMSIG(status) : 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SETUP_FAILED && !run->out.len && !run->errs.len)
		return err_set(err, SOLDR_E_UNSUPPORTED, 0, origin, E660_NOT_RUN_IN, l->program, l->cwd);
	return 0;
}

/* ---- what changed --------------------------------------------------------------------------- */

struct walk {
	struct parity_run *run;
	const char *exclude;     /* a directory that is not looked into: the check's own files */
	const char *strip, *add; /* the path as the compiler saw it: strip off, add in front */
	bool content;            /* read files, or only note their state */
	size_t cap;
	int problem;             /* errno */
};

static void note_file(struct walk *w, const char *path, const struct stat *st)
{
	struct parity_run *run = w->run;
	if (run->file_count == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct parity_file *files = cap <= PARITY_FILES_MAX * 2 ? realloc(run->files, cap * sizeof *files) : NULL;
		if (!files) {
			w->problem = E2BIG;
			return;
		}
		run->files = files;
		w->cap = cap;
	}
	struct parity_file *f = &run->files[run->file_count];
	struct buf seen = BUF_INIT;
	*f = (struct parity_file){.mode = (uint32_t)st->st_mode};
	buf_addf(&seen, "%s%s", w->add, path + strlen(w->strip));
	f->path = buf_detach(&seen);
	f->removed = S_ISCHR(st->st_mode) && st->st_rdev == 0; /* an overlay's whiteout */
	if (f->removed)
		f->mode = 0;
	if (!w->content) {
		/* The state stands for the content: enough to see a change. */
		buf_addf(&f->data, "%llu %lld.%09ld %lld.%09ld %lld", (unsigned long long)st->st_ino, (long long)st->st_mtim.tv_sec,
		         st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, (long long)st->st_size);
	} else if (S_ISREG(st->st_mode)) {
		if (fs_read_file(path, PARITY_FILE_MAX, &f->data, NULL) != 0)
			w->problem = EIO;
	} else if (S_ISLNK(st->st_mode)) {
		char target[PATH_MAX];
		ssize_t n = readlink(path, target, sizeof target);
		if (n > 0)
			buf_add(&f->data, target, (size_t)n);
	}
	if (f->path)
		run->file_count++;
	else
		w->problem = ENOMEM;
}

static void walk(struct walk *w, const char *dir_path, int depth)
{
	DIR *dir = depth < WALK_DEPTH_MAX ? opendir(dir_path) : NULL;
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir)) && !w->problem;) {
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		char *path = path_join(dir_path, e->d_name);
		if (!path)
			w->problem = ENOMEM;
		else if (lstat(path, &st) != 0 || (w->exclude && path_is_below(path, w->exclude)))
			; /* gone again, or ours */
		else if (S_ISDIR(st.st_mode))
			walk(w, path, depth + 1);
		else
			note_file(w, path, &st);
		free(path);
	}
	closedir(dir);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct parity_file *)a)->path, ((const struct parity_file *)b)->path);
}

static int collect_layers(const struct parity_scene *s, struct parity_run *run, soldr_error *err)
{
	struct walk w = {.run = run, .content = true};
	for (size_t i = 0; i < s->roots.len && !w.problem; i++) {
		char upper[PATH_MAX];
		layer_path(s, i, "upper", upper, sizeof upper);
		w.strip = upper;
		w.add = s->roots.items[i];
		walk(&w, upper, 0);
	}
	if (run->file_count)
		qsort(run->files, run->file_count, sizeof *run->files, by_path);
	return w.problem ? err_set(err, SOLDR_E_IO, w.problem, origin, E661_NOT_COLLECTED) : 0;
}

static void take_state(const struct parity_scene *s, struct parity_run *state)
{
	struct walk w = {.run = state, .strip = "", .add = "", .exclude = s->exclude};
	for (size_t i = 0; i < s->roots.len && !w.problem; i++)
		walk(&w, s->roots.items[i], 0);
	if (state->file_count)
		qsort(state->files, state->file_count, sizeof *state->files, by_path);
}

static const struct parity_file *find_file(const struct parity_run *r, const char *path)
{
	struct parity_file key = {.path = (char *)(uintptr_t)path};
	return r->file_count ? bsearch(&key, r->files, r->file_count, sizeof key, by_path) : NULL;
}

static int collect_changes(const struct parity_scene *s, const struct parity_run *before, struct parity_run *run, soldr_error *err)
{
	struct parity_run after = {0};
	struct walk w = {.run = run, .strip = "", .add = "", .content = true};
	take_state(s, &after);
	for (size_t i = 0; i < after.file_count; i++) {
		const struct parity_file *now = &after.files[i], *then = find_file(before, now->path);
		struct stat st;
		if (then && then->data.len == now->data.len && memcmp(then->data.data, now->data.data, now->data.len) == 0)
			continue;
		if (lstat(now->path, &st) == 0)
			note_file(&w, now->path, &st);
	}
	parity_run_release(&after);
	return w.problem ? err_set(err, SOLDR_E_IO, w.problem, origin, E661_NOT_COLLECTED) : 0;
}

/* ---- the public part --------------------------------------------------------------------------- */

void parity_run_release(struct parity_run *run)
{
	for (size_t i = 0; i < run->file_count; i++) {
		free(run->files[i].path);
		buf_release(&run->files[i].data);
	}
	free(run->files);
	buf_release(&run->out);
	buf_release(&run->errs);
	*run = (struct parity_run){0};
}

void parity_run_restore(const struct parity_run *run)
{
	for (size_t i = 0; i < run->file_count; i++) {
		const struct parity_file *f = &run->files[i];
		if (S_ISREG(f->mode) && fs_write_file(f->path, buf_str(&f->data), f->data.len, 0600, NULL) == 0)
			chmod(f->path, f->mode & 07777);
	}
}

static int can_cover(struct parity_scene *s)
{
	int status = -1;
	if (!can_be_mounted(&s->roots, s->scratch) || make_layers(s, NULL) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(cover(s) == 0 ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

bool parity_scene_can_cover(const struct parity_request *r, const char *scratch)
{
	struct parity_scene s = {0};
	struct buf dir = BUF_INIT;
	buf_addf(&dir, "%s/probe", scratch);
	find_roots(r, &s.roots);
	s.scratch = buf_detach(&dir);
	bool can = s.scratch && vec_ok(&s.roots) && can_cover(&s) == 0;
	parity_scene_release(&s);
	return can;
}

int parity_scene_open(struct parity_scene *s, const struct parity_request *r, const char *scratch, bool in_place, uint64_t timeout_ns,
                      soldr_error *err)
{
	struct stat st;
	*s = (struct parity_scene){.timeout_ns = timeout_ns, .scratch = strdup(scratch), .exclude = path_dir(scratch)};
	find_roots(r, &s->roots);
	if (!s->scratch || !s->exclude || !vec_ok(&s->roots))
		return err_set(err, SOLDR_E_NOMEM, 0, origin, E101_NO_MEMORY);
	if (stat(r->cwd, &st) != 0)
		return err_set(err, SOLDR_E_NOT_FOUND, errno, origin, E662_DIRECTORY_OF_COMPILE, r->cwd);
	s->isolation = !in_place && can_cover(s) == 0 ? PARITY_OVERLAY : PARITY_IN_PLACE;
	s->runs++;
	return 0;
}

void parity_scene_release(struct parity_scene *s)
{
	vec_release(&s->roots);
	if (s->scratch)
		fs_remove_tree(s->scratch, NULL, NULL, NULL);
	free(s->scratch);
	free(s->exclude);
	*s = (struct parity_scene){0};
}

int parity_scene_run(struct parity_scene *s, const struct parity_request *r, const char *program, const char *const *argv,
                     const char *const *envp, const struct parity_run *stale, struct parity_run *run, soldr_error *err)
{
	struct launch l = {.scene = s, .cwd = r->cwd, .program = program, .argv = argv, .envp = envp};
	struct parity_run before = {0};
	int rc = 0;
	*run = (struct parity_run){0};
	if (s->isolation == PARITY_OVERLAY) {
		rc = make_layers(s, err);
	} else {
		for (size_t i = 0; stale && i < stale->file_count; i++)
			if (!stale->files[i].removed)
				unlink(stale->files[i].path);
		take_state(s, &before);
	}
	if (!rc)
		rc = launch(&l, run, err);
	if (!rc)
		rc = s->isolation == PARITY_OVERLAY ? collect_layers(s, run, err) : collect_changes(s, &before, run, err);
	parity_run_release(&before);
	char used[PATH_MAX];
	snprintf(used, sizeof used, "%s/run%u", s->scratch, s->runs);
	fs_remove_tree(used, NULL, NULL, NULL);
	s->runs++;
	return rc;
}
