/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.c - the library's SIGBUS handler.
 *
 * A peer that may write an object's file may truncate it while we map it.
 * The handler puts a private page of zeros in the place of the one that is
 * gone; the code that touched it finds no valid header and says EIO.  A fault
 * anywhere else goes to the handler that was there before, or ends the
 * process as it would have.
 *
 * Guarded ranges are few large tables and one small one per opened object; a
 * handler may run at any instruction, so the table is fixed memory whose
 * entries change by single stores: base last when it is set, first when it is
 * cleared.
 *
 * A map that belongs to the program keeps its pages as they are: an access to
 * one that is tried (mipc_bus_try) is left by a jump out of the handler, which
 * interrupted nothing but that access.
 */
#include "bus.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "atomic.h"
#include "sys.h"

#define RANGES 65536u

struct range {
	_Atomic(char *) base;
	_Atomic size_t size;
};

static struct range *ranges;		/* RANGES of them, touched as used */
static mipc_u32 used;			/* no entry beyond was ever used */
static struct sigaction before;

/* An access that this thread tries, the innermost if a handler's call does. */
struct attempt {
	sigjmp_buf out;
	const char *at;
	size_t size;
	sigset_t signals;		/* the mask that it began with */
};
static __thread struct attempt *volatile attempt
    __attribute__((tls_model("initial-exec")));

static bool
guarded(const char *address)
{
	uint32_t n = mipc_take(&used);
	const char *base;

	for (uint32_t i = 0; i < n && i < RANGES; i++) {
		base = mipc_take(&ranges[i].base);
		if (base != NULL && address >= base &&
		    address < base + mipc_peek(&ranges[i].size))
			return true;
	}
	return false;
}

/* As if we were not here: the previous handler, or the default. */
static void
pass_on(int signal, siginfo_t *info, void *context)
{
	struct sigaction plain;
	bool sent = info->si_code <= 0;

	if ((before.sa_flags & SA_SIGINFO) != 0) {
		before.sa_sigaction(signal, info, context);
		return;
	}
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(signal);
		return;
	}
	if (sent && before.sa_handler == SIG_IGN)
		return;
	memset(&plain, 0, sizeof(plain));
	plain.sa_handler = SIG_DFL;
	sigaction(SIGBUS, &plain, NULL);	/* the access faults again */
	if (sent)
		mipc_sys_kill(mipc_sys_pid(), SIGBUS);
}

static bool
attempted(const char *address)
{
	return attempt != NULL && address >= attempt->at &&
	    address < attempt->at + attempt->size;
}

static void
on_bus(int signal, siginfo_t *info, void *context)
{
	size_t page = mipc_sys_page();
	char *address = info->si_addr;
	void *at = (void *)((uintptr_t)address & ~(uintptr_t)(page - 1)), *out;

	if (info->si_code > 0 && attempted(address)) {
		attempt->signals = ((ucontext_t *)context)->uc_sigmask;
		siglongjmp(attempt->out, 1);
	}
	if (info->si_code <= 0 || !guarded(address) ||
	    mipc_sys_map(at, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, &out) < 0)
		pass_on(signal, info, context);
}

/* [gate] */
static bool
install(void)
{
	struct sigaction action;
	void *memory;

	if (ranges != NULL)
		return true;
	if (mipc_sys_map(NULL, RANGES * sizeof(*ranges),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0, &memory) != 0)
		return false;
	ranges = memory;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_bus;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
	return true;
}

int
mipc_bus_guard(void *base, size_t size)
{
	static uint32_t next;

	if (!install())
		return -1;
	for (uint32_t n = 0; n < RANGES; n++, next = (next + 1) % RANGES) {
		if (mipc_peek(&ranges[next].base) != NULL)
			continue;
		mipc_put(&ranges[next].size, size);
		mipc_give(&ranges[next].base, base);
		if (mipc_peek(&used) <= next)
			mipc_give(&used, next + 1);
		return (int)next;
	}
	return -1;
}

void
mipc_bus_unguard(int guard)
{
	if (guard >= 0)
		mipc_give(&ranges[guard].base, NULL);
}

bool
mipc_bus_ready(void)
{
	return install();
}

bool
mipc_bus_try(const void *at, size_t size, void (*access)(void *), void *arg)
{
	struct attempt *outer = attempt, mine = { .at = at, .size = size };

	/* The mask is put back by hand: saving it is a system call. */
	if (sigsetjmp(mine.out, 0) == 0) {
		attempt = &mine;
		atomic_signal_fence(memory_order_seq_cst);
		access(arg);
		atomic_signal_fence(memory_order_seq_cst);
		attempt = outer;
		return true;
	}
	attempt = outer;
	pthread_sigmask(SIG_SETMASK, &mine.signals, NULL);
	return false;
}
