/*
 * witness: see witness.h. Two means, since neither sees all:
 *
 * Claims tell of other compiles through the same store. Each output has a slot in
 * a mapped table; who compiles holds a read lock on it, so that the next one sees
 * him, and counts it up, so that he sees the next one. Nobody ever waits, and the
 * kernel lets go of the locks of a process that was killed.
 *
 * inotify tells of everybody else. A compiler gives for each output perhaps a
 * removal, then one creation and one end of writing, or one rename over it (Clang
 * closes the file only after that), then nothing; a tool that changes an object
 * gives one more end of writing, or rename. Every other pattern has a second
 * writer in it. Alone it would not do: equal events in a row are reported as one,
 * and two processes may write into one file side by side.
 */
#include "witness.h"

#include "fnv.h"
#include "fs.h"
#include "path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* READS_MAX: more than the kernel keeps unread (16384 events of 272 bytes at most, as it comes). */
enum { SLOTS = 16384, EVENTS_ROOM = 16 * 1024, READS_MAX = 1024 };

static size_t slot_of(const struct stat *dir, const char *name)
{
	uint64_t h = FNV_BEGIN ^ (uint64_t)dir->st_dev;
	h = fnv_add((h ^ (uint64_t)dir->st_ino) * FNV_PRIME, name, strlen(name));
	return (size_t)(h ^ h >> 32) % SLOTS;
}

static void open_claims(struct witness *w, const char *path)
{
	w->starts = fs_map_shared(path, SLOTS * sizeof *w->starts, NULL);
	if (!w->starts) {
		char *dir = path_dir(path);
		if (dir && fs_make_dirs(dir, 0700, NULL) == 0)
			w->starts = fs_map_shared(path, SLOTS * sizeof *w->starts, NULL);
		free(dir);
	}
	if (w->starts)
		w->claims = sys.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
}

static void claim(struct witness *w, struct witness_file *f, const char *dir)
{
	struct stat st;
	if (w->claims < 0 || sys.stat(dir, &st) != 0)
		return;
	f->slot = slot_of(&st, f->name);
	struct flock hold = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = (off_t)f->slot, .l_len = 1}, other = hold;
	if (fcntl(w->claims, F_OFD_SETLK, &hold) != 0)
		return;
	f->start = __atomic_add_fetch(&w->starts[f->slot], 1, __ATOMIC_SEQ_CST);
	other.l_type = F_WRLCK;
	if (fcntl(w->claims, F_OFD_GETLK, &other) != 0 || other.l_type != F_UNLCK)
		w->shared = true;
}

static bool is_claimed_by_others(const struct witness *w)
{
	bool others = w->shared;
	for (size_t i = 0; i < w->count; i++) {
		uint32_t last = w->files[i].start;
		for (size_t k = i + 1; k < w->count; k++) /* two outputs in one slot */
			last = w->files[k].start && w->files[k].slot == w->files[i].slot ? w->files[k].start : last;
		others = others || (last && __atomic_load_n(&w->starts[w->files[i].slot], __ATOMIC_SEQ_CST) != last);
	}
	return others;
}

void witness_begin(struct witness *w, const char *claims, const struct witness_target *targets, size_t count)
{
	const uint32_t mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
	*w = WITNESS_INIT;
	if (claims)
		open_claims(w, claims);
	w->events = sys.inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (size_t i = 0; i < count && i < WITNESS_FILES_MAX; i++) {
		struct witness_file *f = &w->files[w->count++];
		char *dir = path_dir(targets[i].path);
		*f = (struct witness_file){.name = path_base(targets[i].path), .watch = -1, .rewritten = targets[i].rewritten};
		if (dir)
			claim(w, f, dir);
		if (dir && w->events >= 0)
			f->watch = inotify_add_watch(w->events, dir, mask);
		free(dir);
	}
}

static void note(struct witness_file *f, uint32_t what)
{
	if (f->renamed && (what & IN_CLOSE_WRITE)) {
		f->renamed = false;
		return;
	}
	bool again = f->rewritten && f->done == 1 && !(what & IN_CREATE);
	f->odd = f->odd || (f->done && f->done == f->begun && !again) || (f->begun && (what & (IN_DELETE | IN_MOVED_FROM)));
	f->renamed = what & IN_MOVED_TO;
	if (what & (IN_CREATE | IN_MOVED_TO))
		f->begun++;
	if (what & (IN_CLOSE_WRITE | IN_MOVED_TO))
		f->done++;
	if (f->done > f->begun) /* written into as it was */
		f->begun = f->done;
}

/* false: events were lost, or they come as fast as they are read. */
static bool take_events(struct witness *w)
{
	_Alignas(struct inotify_event) char room[EVENTS_ROOM];
	bool whole = true;
	for (int reads = 0; reads < READS_MAX; reads++) {
		ssize_t n = sys.read(w->events, room, sizeof room);
		if (n <= 0)
			return whole;
		for (char *p = room; p < room + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)p;
			if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED))
				whole = false;
			for (size_t i = 0; i < w->count && e->len; i++)
				if (w->files[i].watch == e->wd && strcmp(w->files[i].name, e->name) == 0)
					note(&w->files[i], e->mask);
			p += sizeof *e + e->len;
		}
	}
	return false;
}

bool witness_alone(struct witness *w, unsigned writes)
{
	bool alone = !is_claimed_by_others(w);
	if (w->events < 0)
		return alone;
	alone = take_events(w) && alone;
	for (size_t i = 0; i < w->count; i++) {
		struct witness_file *f = &w->files[i];
		alone = alone && !f->odd && f->begun == f->done && f->done <= (f->rewritten ? 2 * writes : writes);
		f->begun = f->done = 0;
		f->odd = false;
	}
	return alone;
}

void witness_dismiss(struct witness *w)
{
	for (size_t i = 0; w->events >= 0 && i < w->count; i++)
		if (w->files[i].watch >= 0)
			inotify_rm_watch(w->events, w->files[i].watch); /* fails for a directory that was watched twice */
}

void witness_release(struct witness *w)
{
	if (w->starts)
		munmap(w->starts, SLOTS * sizeof *w->starts);
	if (w->claims >= 0)
		sys.close(w->claims);
	if (w->events >= 0)
		sys.close(w->events);
	*w = WITNESS_INIT;
}
