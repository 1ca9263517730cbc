/* load: see load.h. */
#include "load.h"

#include <sched.h>
#include <sys/sysinfo.h>

enum { HIGH_PERCENT = 150 /* load average over processors */ };

struct load load_now(void)
{
	struct load load = {.cpus = 1};
	struct sysinfo info;
	cpu_set_t set;
	if (sysinfo(&info) == 0)
		load.average = (double)info.loads[0] / (1 << SI_LOAD_SHIFT);
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		load.cpus = (unsigned)CPU_COUNT(&set);
	return load;
}

bool load_is_high(const struct load *load)
{
	return load->average * 100 >= (double)load->cpus * HIGH_PERCENT;
}

int load_nice(enum config_priority priority)
{
	static const int nice_of[] = {[PRIORITY_NORMAL] = 0, [PRIORITY_LOW] = 5, [PRIORITY_IDLE] = 19};
	if (priority != PRIORITY_AUTO)
		return nice_of[priority];
	struct load load = load_now();
	return load_is_high(&load) ? nice_of[PRIORITY_LOW] : 0;
}
