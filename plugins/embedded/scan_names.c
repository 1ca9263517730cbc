/* scan_names: see scan_names.h. */
#include "scan_names.h"

#include "fnv.h"

struct place {
	size_t word;
	uint64_t bit;
};

static struct place place_of(const char *name, size_t len)
{
	uint64_t h = fnv_add(FNV_BEGIN, name, len);
	return (struct place){(h >> 40) % (sizeof((struct scan_names *)0)->bits / sizeof(uint64_t)), (uint64_t)1 << (h >> 58)};
}

void scan_names_add(struct scan_names *names, const char *name, size_t len)
{
	struct place at = place_of(name, len);
	names->bits[at.word] |= at.bit;
}

bool scan_names_have(const struct scan_names *names, const char *name, size_t len)
{
	struct place at = place_of(name, len);
	return names->unclear || (names->bits[at.word] & at.bit);
}
