/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_trace.c - step a process, record where what it shares changes, and
 * bring another one to such a place.
 *
 * A point is named by the number of system calls since the start and of
 * instructions since the last one: a later run goes from call to call at full
 * speed, and then to the instruction that the recording had come to, passing
 * it as often.  A loop that runs once more before some call does not shift
 * all that follows.
 */
#include "kill.h"

#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SYSCALL		"\x0f\x05"		/* the instruction */
#define SIGNATURE	"\x53\x30\x05\x53"	/* RSEQ_SIG, as bytes */
#define NEAR		16	/* bytes: an instruction and a signature */
#define MANY_STEPS	8	/* more are not worth the time of stepping */

#if defined(__x86_64__)
#define HAVE_STEP	1
#else
#define HAVE_STEP	0
#endif

bool
trace_available(void)
{
	return HAVE_STEP && sysconf(_SC_PAGESIZE) == 4096;
}

static void
add(struct track *t, const struct point *p)
{
	if (t->n < MOST_STEPS)
		t->point[t->n++] = *p;
}

/*
 * Where a stopped tracee goes on.  `called`: it has just come from a system
 * call, which leaves the address in rcx too.  `aborted`: it has just left a
 * restartable sequence without one, and done the first instruction behind the
 * signature there.
 */
struct place {
	uintptr_t where;
	bool called, aborted;
};

static struct place
look(pid_t pid)
{
	struct place at = { .where = 0 };
#if HAVE_STEP
	struct user_regs_struct regs;
	char code[NEAR];

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == -1)
		return at;
	at.where = regs.rip;
	if ((regs.rcx == regs.rip || regs.rcx == 0) &&
	    watch_peek(pid, regs.rip - NEAR, code, NEAR)) {
		at.called = regs.rcx != 0 &&
		    memcmp(code + NEAR - 2, SYSCALL, 2) == 0;
		at.aborted = regs.rcx == 0 &&
		    memmem(code, NEAR, SIGNATURE, 4) != NULL;
	}
#else
	(void)pid;
#endif
	return at;
}

void
trace_begin(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		harness_die("the victim ended before it was stepped");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL |
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEVFORK) == -1)
		harness_die("ptrace: %s", strerror(errno));
}

/* The stopped child of a tracee that just reported a fork. */
static pid_t
forked(pid_t pid)
{
	unsigned long child = 0;
	int status;

	ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child);
	if (waitpid((pid_t)child, &status, __WALL) == -1)
		harness_die("the forked child: %s", strerror(errno));
	return (pid_t)child;
}

/* Of the tracee that stopped last. */
static long page_faults;

enum stop { STOP_TRAP, STOP_CALL, STOP_FORK, STOP_END, STOP_GONE, STOP_BAD };

/* Let the tracee go on in some way until it stops. */
static enum stop
go(pid_t pid, int how)
{
	struct rusage usage;
	int status;

	if (ptrace(how, pid, NULL, NULL) == -1 ||
	    wait4(pid, &status, __WALL, &usage) != pid)
		return STOP_BAD;
	if (!WIFSTOPPED(status))
		return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL ?
		    STOP_BAD : STOP_GONE;
	page_faults = usage.ru_minflt + usage.ru_majflt;
	if (status >> 16 != 0)
		return STOP_FORK;
	switch (WSTOPSIG(status)) {
	case SIGTRAP:
		return STOP_TRAP;
	case SIGTRAP | 0x80:
		return STOP_CALL;
	case SIGSTOP:
		return STOP_END;
	default:
		return STOP_BAD;
	}
}

/*
 * One instruction; a child it forks is let go.  The stop after one that leads
 * into a restartable sequence makes the kernel abort that, and so at each
 * attempt: then all up to the system call in it, and that.
 */
static enum stop
step(pid_t pid, pid_t *born, struct place *at)
{
	const uintptr_t before = at->where;
	enum stop stop;

	while ((stop = go(pid, PTRACE_SINGLESTEP)) == STOP_FORK) {
		*born = forked(pid);
		ptrace(PTRACE_DETACH, *born, NULL, NULL);
	}
	if (stop != STOP_TRAP)
		return stop;
	*at = look(pid);
	at->called = at->called && before == at->where - 2;
	if (!at->aborted)
		return stop;
	if ((stop = go(pid, PTRACE_SYSCALL)) == STOP_CALL &&
	    (stop = go(pid, PTRACE_SYSCALL)) == STOP_CALL)
		stop = STOP_TRAP;
	at->where = look(pid).where;
	at->called = true;
	return stop;
}

bool
trace_record(pid_t pid, struct track *t, bool ends, pid_t *born)
{
	struct place at = look(pid);
	struct point p = { .where = at.where, .changed = true };
	struct watch *w = watch_begin(pid);
	enum stop stop;

	add(t, &p);
	while ((stop = step(pid, born, &at)) == STOP_TRAP &&
	    t->n < MOST_STEPS) {
		p.where = at.where;
		p.calls += at.called;
		p.steps = at.called ? 0 : p.steps + 1;
		p.changed = watch_has_changed(w, at.called, page_faults);
		add(t, &p);
	}
	watch_end(w);
	return stop == (ends ? STOP_GONE : STOP_END);
}

static bool
is_exit_of_call(pid_t pid, bool *inside)
{
	struct __ptrace_syscall_info info;
	bool leaves;

	memset(&info, 0, sizeof(info));
	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	leaves = *inside && info.op == PTRACE_SYSCALL_INFO_EXIT;
	*inside = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	return leaves;
}

/* Run to the end; the number of system calls on the way. */
uint32_t
trace_calls(pid_t pid)
{
	bool inside = false;
	uint32_t calls = 0;
	enum stop stop;

	while ((stop = go(pid, PTRACE_SYSCALL)) == STOP_CALL)
		calls += is_exit_of_call(pid, &inside);
	return calls;
}

/*
 * Let the processor stop the tracee each time it comes to an instruction: a
 * breakpoint that leaves the code as it is.  0: no more.
 */
static bool
set_breakpoint(pid_t pid, uint64_t where)
{
#if HAVE_STEP
	return ptrace(PTRACE_POKEUSER, pid,
	    offsetof(struct user, u_debugreg[0]), where) == 0 &&
	    ptrace(PTRACE_POKEUSER, pid,
	    offsetof(struct user, u_debugreg[7]), where != 0) == 0;
#else
	(void)pid;
	(void)where;
	return false;
#endif
}

/*
 * How often the tracee comes to a recorded point's instruction after the last
 * system call, and how many steps it stays there then: an instruction that
 * repeats itself is come to once.
 */
static uint32_t
count_arrivals(const struct point *p, uint32_t *stay)
{
	uint32_t n = 0;

	*stay = 0;
	for (const struct point *q = p - p->steps; q <= p; q++) {
		const bool is_there = q->where == p->where;
		const bool stays = is_there && q > p - p->steps &&
		    q[-1].where == p->where;

		n += is_there && !stays;
		*stay = stays ? *stay + 1 : 0;
	}
	return n;
}

static bool
step_on(pid_t pid, uint32_t steps, pid_t *born)
{
	struct place at = look(pid);

	for (uint32_t i = 0; i < steps; i++)
		if (step(pid, born, &at) != STOP_TRAP)
			return false;
	return true;
}

/* From the last system call before it; a step takes microseconds. */
static bool
walk_to(pid_t pid, const struct point *p, pid_t *born)
{
	uint32_t n, stay;

	if (p->steps < MANY_STEPS || p->where == 0 ||
	    !set_breakpoint(pid, p->where))
		return step_on(pid, p->steps, born);
	for (n = count_arrivals(p, &stay); n > 0; n--)
		if (go(pid, PTRACE_SYSCALL) != STOP_TRAP)
			return false;
	return stay == 0 || (set_breakpoint(pid, 0) &&
	    step_on(pid, stay, born));
}

bool
trace_to(pid_t pid, const struct point *p, pid_t *born, bool *drifted)
{
	bool inside = false;
	enum stop stop;

	for (uint32_t calls = 0; calls < p->calls; ) {
		stop = go(pid, PTRACE_SYSCALL);
		if (stop == STOP_FORK) {
			*born = forked(pid);
			ptrace(PTRACE_DETACH, *born, NULL, NULL);
		} else if (stop == STOP_CALL) {
			calls += is_exit_of_call(pid, &inside);
		} else {
			return false;
		}
	}
	if (!walk_to(pid, p, born))
		return false;
	if (p->where != 0)
		*drifted |= look(pid).where != p->where;
	return true;
}

pid_t
trace_into_child(pid_t pid)
{
	pid_t child;

	if (go(pid, PTRACE_CONT) != STOP_FORK)
		harness_die("the victim did not fork");
	child = forked(pid);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return child;
}
