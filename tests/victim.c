/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * victim.c - a child that is to be stepped and killed.
 */
#include "victim.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kill.h"

pid_t
victim_start(void (*body)(void))
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		body();
		raise(SIGSTOP);
		_exit(0);
	}
	trace_begin(pid);
	return pid;
}

void
victim_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
