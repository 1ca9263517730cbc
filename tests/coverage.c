/*
 * coverage: linked into everything that `make coverage` builds (by -Wl,--wrap), so that a process which ends
 * by _exit() or by a signal that it sent itself leaves its counts as one that ends by exit() does.
 */
#include <signal.h>
#include <stdlib.h>

void __gcov_dump(void);
void __gcov_reset(void);
int __real_raise(int sig);
_Noreturn void __real__exit(int status);
int __wrap_raise(int sig);
_Noreturn void __wrap__exit(int status);

int __wrap_raise(int sig)
{
	__gcov_dump();
	__gcov_reset();
	return __real_raise(sig);
}

_Noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
