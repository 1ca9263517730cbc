/*
 * scan_names: the macros that the inputs define, as a set that takes no memory
 * for names. It may hold more than was put in: each name is one bit of 65,536,
 * shared with others. A large C++ unit sets one bit in ten.
 */
#ifndef EMBEDDED_SCAN_NAMES_H
#define EMBEDDED_SCAN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan_names {
	uint64_t bits[1024];
	bool unclear; /* any name may be in it */
};

void scan_names_add(struct scan_names *, const char *name, size_t len);
bool scan_names_have(const struct scan_names *, const char *name, size_t len);

#endif
