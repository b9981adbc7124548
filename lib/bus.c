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
 */
#include "bus.h"

#include <signal.h>
#include <string.h>

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

static void
on_bus(int signal, siginfo_t *info, void *context)
{
	size_t page = mipc_sys_page();
	char *address = info->si_addr;
	void *at = (void *)((uintptr_t)address & ~(uintptr_t)(page - 1)), *out;

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
