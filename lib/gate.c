/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.c - the process's own critical section.
 *
 * Signals are blocked inside, so a handler never finds its own thread there,
 * and pthread_atfork handlers take the gate, so a child's copy of the private
 * tables is whole.  A page that the kernel wipes in a fork's child
 * (MADV_WIPEONFORK) tells a child that no handler prepared; where the kernel
 * cannot, the pid is compared.
 */
#include "gate.h"

#include <pthread.h>
#include <stddef.h>

#include "futex.h"
#include "view.h"
#include "sys.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static mipc_u32 mutex;
mipc_u64 mipc_gate_visit;
static uint64_t fork_signals;		/* mask of the forking thread */
static mipc_u32 forker;			/* its id, from before to after */
static const struct mipc_fork_hooks *hooks;
/* 1 before mipc_gate_prepare(); 0 for good where pages cannot be wiped. */
static mipc_u32 elsewhere = 1;
mipc_u32 *mipc_gate_mark = &elsewhere;	/* 0: perhaps an unprepared child */
static pid_t made_by;			/* where pages cannot be wiped */

static bool
unprepared_child(void)
{
	if (made_by != 0)
		return made_by != mipc_sys_pid();
	return mipc_peek(mipc_gate_mark) == 0;
}

static void
settle_mark(void)
{
	if (made_by != 0)
		made_by = mipc_sys_pid();
	else
		mipc_put(mipc_gate_mark, 1);
}

/* Is this the thread that is forking, in a handler of the program's? */
static bool
is_forking(void)
{
	return mipc_peek(&forker) != 0 &&
	    mipc_peek(&forker) == (uint32_t)mipc_sys_tid();
}

/* Whatever it was: a thread that stayed behind may have left it odd. */
static void
begin_visit(void)
{
	mipc_put(&mipc_gate_visit, (mipc_peek(&mipc_gate_visit) + 1) | 1);
}

static void
end_visit(void)
{
	mipc_put(&mipc_gate_visit, (mipc_peek(&mipc_gate_visit) | 1) + 1);
}

/*
 * The only thread here; whoever held the gate stayed behind.  After a fork
 * that was prepared, a handler of the program's is before ours.
 */
static void
become_child(void)
{
	bool prepared = mipc_peek(&forker) != 0;

	mipc_put(&forker, 0);
	mipc_put(&mutex, 1);
	settle_mark();
	begin_visit();
	hooks->child(prepared);
}

void
mipc_gate_enter(struct mipc_gate *gate)
{
	mipc_sys_block(&gate->signals);
	gate->nested = is_forking();
	if (!gate->nested && unprepared_child()) {
		become_child();
		return;
	}
	if (!gate->nested)
		mipc_mutex_lock(&mutex);
	begin_visit();
}

void
mipc_gate_leave(struct mipc_gate *gate)
{
	end_visit();
	if (!gate->nested)
		mipc_mutex_unlock(&mutex);
	mipc_sys_restore(&gate->signals);
}

void
mipc_gate_check_closely(void)
{
	struct mipc_gate gate;

	if (__builtin_expect(!unprepared_child(), 1))
		return;
	mipc_gate_enter(&gate);
	mipc_gate_leave(&gate);
}

static void
before_fork(void)
{
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	hooks->before();
	fork_signals = gate.signals;
	mipc_put(&forker, (uint32_t)mipc_sys_tid());
	/* The child may end before we are through: that is nobody's EINTR. */
	mipc_sys_admit_ignored(&fork_signals);
}

static void
after_fork(void)
{
	struct mipc_gate gate = { .signals = fork_signals };

	begin_visit();		/* handlers of the program's have run */
	hooks->parent();
	mipc_put(&forker, 0);
	mipc_gate_leave(&gate);
}

static void
in_child(void)
{
	struct mipc_gate gate = { .signals = fork_signals };

	if (mipc_peek(&forker) == 0) {	/* mipc_gate_enter() has done it */
		mipc_sys_restore(&gate.signals);
		return;
	}
	mipc_put(&forker, 0);
	settle_mark();
	begin_visit();
	hooks->child(true);
	mipc_put(&mutex, 1);	/* those who waited stayed behind */
	mipc_gate_leave(&gate);
}

void
mipc_gate_prepare(const struct mipc_fork_hooks *h)
{
	size_t page = mipc_sys_page();
	static mipc_u32 begun;
	void *memory;

	hooks = h;
	if (atomic_exchange(&begun, 1) != 0)
		return;
	if (mipc_view_private(page, &memory) != 0 ||
	    mipc_sys_advise(memory, page, MADV_WIPEONFORK) != 0) {
		made_by = mipc_sys_pid();
		mipc_put(&elsewhere, 0);
	} else {
		mipc_put((mipc_u32 *)memory, 1);
		mipc_gate_mark = memory;
	}
	pthread_atfork(before_fork, after_fork, in_child);
}
