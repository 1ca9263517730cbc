/*
 * killat: runs a program and kills it at its Nth system call, before the kernel
 * does what it asks for. What the program starts is left alone.
 *
 *   killat N COMMAND ARGS…    N 0: not at all. Prints how many calls it had made.
 *
 * Exit status 0: killed, or N was 0 and it ended by itself; 3: it ended before the Nth call.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long at = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, stops = 0;
	int status, deliver = 0;
	if (argc < 3) {
		fprintf(stderr, "usage: killat N COMMAND ARGS…\n");
		return 2;
	}
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
		perror("killat");
		return 2;
	}
	/* Each call stops twice, at its beginning and at its end. */
	while (ptrace(PTRACE_SYSCALL, pid, NULL, deliver) == 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		int sig = WSTOPSIG(status);
		deliver = sig == (SIGTRAP | 0x80) || sig == SIGTRAP ? 0 : sig;
		if (sig == (SIGTRAP | 0x80) && stops++ % 2 == 0 && at && stops / 2 + 1 == at) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			printf("%lu\n", at);
			return 0;
		}
	}
	printf("%lu\n", stops / 2);
	return at ? 3 : 0;
}
