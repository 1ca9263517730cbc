/*
 * witness: see witness.h.
 *
 * inotify reports what happens to names in a directory. A compiler gives for each
 * output: perhaps a removal, then one creation and one end of writing, or one
 * rename over it, then nothing. Every other pattern has a second writer in it.
 */
#include "witness.h"

#include "path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { EVENTS_ROOM = 16 * 1024 };

void witness_begin(struct witness *w, const char *const *paths, size_t count)
{
	const uint32_t mask = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
	*w = WITNESS_INIT;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (size_t i = 0; w->fd >= 0 && i < count && i < WITNESS_FILES_MAX; i++) {
		char *dir = path_dir(paths[i]);
		w->files[i] = (struct witness_file){.watch = dir ? inotify_add_watch(w->fd, dir, mask) : -1, .name = path_base(paths[i])};
		w->count++;
		free(dir);
	}
}

static void note(struct witness_file *f, uint32_t what)
{
	f->odd = f->odd || (f->done && f->done == f->begun) || (f->begun && (what & (IN_DELETE | IN_MOVED_FROM)));
	if (what & IN_CREATE)
		f->begun++;
	if (what & IN_MOVED_TO)
		f->begun++;
	if (what & (IN_CLOSE_WRITE | IN_MOVED_TO))
		f->done++;
	if (f->done > f->begun) /* written into as it was */
		f->begun = f->done;
}

/* false: events were lost. */
static bool take_events(struct witness *w)
{
	_Alignas(struct inotify_event) char room[EVENTS_ROOM];
	bool whole = true;
	for (;;) {
		ssize_t n = read(w->fd, room, sizeof room);
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
}

bool witness_alone(struct witness *w, unsigned writes)
{
	if (w->fd < 0)
		return true;
	bool alone = take_events(w);
	for (size_t i = 0; i < w->count; i++) {
		struct witness_file *f = &w->files[i];
		alone = alone && !f->odd && f->begun == f->done && f->done <= writes;
		f->begun = f->done = 0;
		f->odd = false;
	}
	return alone;
}

void witness_release(struct witness *w)
{
	if (w->fd >= 0)
		close(w->fd);
	*w = WITNESS_INIT;
}
