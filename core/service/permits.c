/*
 * permits: see permits.h. The file `permits` holds one page: a word that is counted
 * up whenever a permit is given back, which is what waiters sleep on (a futex).
 * The locks lie on bytes that need not exist: byte 0 is the turn of who has waited
 * too long, byte 1 and on are the permits, the lowest free one being taken, so that
 * processes with different limits count one another.
 *
 * Locks are those of open file descriptions (F_OFD_SETLK): threads exclude one
 * another as processes do, and nobody's close() drops the lock of another.
 */
#include "permits.h"

#include "clock.h"
#include "fs.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char origin[] = "permits";

enum {
	WAIT_STEP_MS = 100,     /* how often a waiter looks by itself */
	PATIENCE_MS = 1000,     /* after it a waiter claims the next permit */
	TURN_BYTE = 0,
	FIRST_BYTE = 1
};

struct permits_words {
	uint32_t given_back; /* wraps around */
	uint32_t reserved[1023];
};

uint32_t permits_configured(const struct config *c)
{
	return (uint32_t)(config_given(c, "jobs") ? c->jobs : c->max_parallel_compiles);
}

int permits_init(struct permits *l, const struct config *c)
{
	*l = (struct permits){.max = permits_configured(c), .file = path_join(c->cache_root, "permits")};
	return l->file ? 0 : -1;
}

int permits_override(struct permits *l, const soldr_limits *by, soldr_error *err)
{
	if (by->max_parallel_compiles != SOLDR_UNLIMITED && by->max_parallel_compiles > PERMITS_MAX)
		return err_set(err, SOLDR_E_INVALID, 0, origin, E432_PERMITS_MANY, PERMITS_MAX);
	if (by->max_parallel_compiles)
		l->max = by->max_parallel_compiles == SOLDR_UNLIMITED ? 0 : by->max_parallel_compiles;
	l->in_flight = by->in_flight;
	l->in_flight_arg = by->arg;
	return 0;
}

void permits_release(struct permits *l)
{
	if (l->words)
		munmap(l->words, sizeof *l->words);
	free(l->file);
	*l = (struct permits){0};
}

/* ---- permits ------------------------------------------------------------------------ */

static int set_lock(int fd, short type, off_t byte)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	return fcntl(fd, F_OFD_SETLK, &lock);
}

static bool is_locked(int fd, off_t byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Byte by byte: the kernel tells of one lock in a range, but not of the first. */
static uint32_t count_held(int fd, uint32_t max)
{
	uint32_t held = 0;
	for (uint32_t i = 0; i < max; i++)
		held += is_locked(fd, (off_t)FIRST_BYTE + i);
	return held;
}

enum taking { TAKING_DONE, TAKING_FULL, TAKING_FAILED };

static enum taking take_free(const struct permits *l, int fd)
{
	uint32_t own = l->in_flight ? l->in_flight(l->in_flight_arg) : 0;
	/* Those of the host have no lock. One compile may run whatever the host does: it might be waiting for that one. */
	uint32_t left = own < l->max ? l->max - own : 1;
	if (own && count_held(fd, l->max) >= left)
		return TAKING_FULL;
	for (uint32_t i = 0; i < l->max; i++) {
		if (set_lock(fd, F_WRLCK, (off_t)FIRST_BYTE + i) == 0)
			return TAKING_DONE;
		if (errno != EAGAIN && errno != EACCES)
			return TAKING_FAILED;
	}
	return TAKING_FULL;
}

static void sleep_until_given_back(struct permits_words *words, uint32_t seen)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
	long number = SYS_futex;
#ifdef SYS_futex_time64 /* 32 bits: which one takes the timespec that the C library has */
	if (sizeof step.tv_sec > sizeof(long))
		number = SYS_futex_time64;
#endif
	syscall(number, &words->given_back, FUTEX_WAIT, seen, &step, NULL, 0);
}

static enum taking wait_for_permit(const struct permits *l, struct permits_words *words, int fd, permits_stop_fn stop, void *arg, int *why)
{
	enum taking taking;
	uint64_t begun = 0;
	bool my_turn = false;
	for (;;) {
		uint32_t seen = __atomic_load_n(&words->given_back, __ATOMIC_ACQUIRE);
		taking = my_turn || !is_locked(fd, TURN_BYTE) ? take_free(l, fd) : TAKING_FULL;
		if (taking != TAKING_FULL || (stop && (*why = stop(arg)) != 0))
			break;
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		begun = begun ? begun : now;
		if (!my_turn && now - begun >= PATIENCE_MS * UINT64_C(1000000))
			my_turn = set_lock(fd, F_WRLCK, TURN_BYTE) == 0;
		sleep_until_given_back(words, seen);
	}
	if (my_turn)
		set_lock(fd, F_UNLCK, TURN_BYTE);
	return taking;
}

/* NULL: it cannot be had. Two threads at once map it twice, and one of the mappings is given up. */
static struct permits_words *map_words(struct permits *l, soldr_error *err)
{
	struct permits_words *words = __atomic_load_n(&l->words, __ATOMIC_ACQUIRE);
	struct permits_words *mine = words ? NULL : fs_map_shared(l->file, sizeof *mine, err);
	if (mine && __atomic_compare_exchange_n(&l->words, &words, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return mine;
	if (mine)
		munmap(mine, sizeof *mine);
	return words;
}

int permits_take(struct permits *l, permits_stop_fn stop, void *arg, struct permit *permit, soldr_error *problem)
{
	*permit = PERMIT_NONE;
	struct permits_words *words = l->max ? map_words(l, problem) : NULL;
	if (!words)
		return 0;
	int fd = sys.open(l->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0), why = 0;
	enum taking taking = fd < 0 ? TAKING_FAILED : wait_for_permit(l, words, fd, stop, arg, &why);
	if (taking == TAKING_FAILED)
		err_set(problem, SOLDR_E_IO, errno, origin, E433_NOT_LOCKED, l->file);
	if (taking == TAKING_DONE)
		permit->fd = fd;
	else if (fd >= 0)
		sys.close(fd);
	return why;
}

void permits_give_back(struct permits *l, struct permit *p)
{
	if (p->fd < 0)
		return;
	struct permits_words *words = __atomic_load_n(&l->words, __ATOMIC_ACQUIRE);
	sys.close(p->fd);
	p->fd = -1;
	__atomic_add_fetch(&words->given_back, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &words->given_back, FUTEX_WAKE, 1, NULL, NULL, 0);
}

uint32_t permits_held(const struct config *c, uint32_t max)
{
	char *file = path_join(c->cache_root, "permits");
	int fd = file && max ? sys.open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0) : -1;
	uint32_t held = fd < 0 ? 0 : count_held(fd, max);
	if (fd >= 0)
		sys.close(fd);
	free(file);
	return held;
}
