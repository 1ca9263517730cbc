/*
 * guards: the making of a candidate's guards.
 *
 * Absences are grouped by the deepest directory that exists: as long as its
 * inode and times are the recorded ones nothing appeared in it, and a hit costs
 * one stat for each directory, about 20 to 60, not one for each name.
 */
#ifndef EMBEDDED_GUARDS_H
#define EMBEDDED_GUARDS_H

#include "unit.h"

/* A new guard of that directory, with nothing else in it; NULL: memory is out. */
struct guard_input *guards_append(struct guard_list *, const char *dir);
/* Puts a name into a guard of the list. false: memory is out, or the guard is NULL for that reason. */
bool guards_add_name(struct guard_list *, struct guard_input *, const char *name);
/* Records that DIR/NAME is absent; dir "" is the working directory. false: memory is out, or the name is too long. */
bool guards_add_absent(struct guard_list *, const struct unit *, const char *dir, const char *name, int64_t begun);
/* Records that the directory has to stay the one that it is. */
bool guards_pin(struct guard_list *, const struct unit *, const char *dir, int64_t begun);
/* Puts names of one missing directory side by side, as the lookup wants them. */
void guards_sort(struct guard_list *);

#endif
