/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw.c - mipcrun --raw: a filter of system calls (seccomp(2)) by which the
 * kernel sends SIGSYS in place of each System V IPC call, whoever makes it
 * and with what instruction.
 *
 * A filter holds for every thread and child however it is made, and costs the
 * other calls next to nothing: the kernel remembers those that it always lets
 * pass.  (Its other way, syscall user dispatch, is lost in every child and
 * thread, and would send a signal for each call that does not come from libc.)
 * It stays when a program executes another.  One that has no module to answer
 * the signal is killed by it rather than served by the kernel.
 *
 * A handler for SIGSYS in place of the module's would be in its way: changing
 * that one signal's action is a call that succeeds and does nothing, unless
 * it is the module that makes it.  The programs that the module is in change
 * it by libc's functions, which it stands in front of.
 *
 * The kernel tells a call by the machine it is for and its number.  What a
 * program of 64 bits calls by its 32-bit numbers is trapped as well.
 */
#include "mipcrun.h"

#include "../preload/raw.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>

enum { LONGEST = 160, SHARED_CALLS = 420 };

#define NOT_X32	0xbfffffffu	/* all but the bit of its numbers */

/* Calls from one number to another. */
struct range {
	uint32_t from, to;
};

struct machine {
	uint32_t audit;			/* AUDIT_ARCH_... */
	uint32_t mask;
	uint32_t unshare, sigaction;
	struct range ipc[4];		/* ended by zeroes */
};

static const struct machine machines[] = {
#ifndef RAW_IS_KNOWN
#elif defined(__x86_64__) || defined(__i386__)
	{ AUDIT_ARCH_X86_64, NOT_X32, 272, 13,
	    { { 29, 31 }, { 64, 71 }, { 220, 220 } } },
	{ AUDIT_ARCH_I386, UINT32_MAX, 310, 174,
	    { { 117, 117 }, { 393, 402 }, { SHARED_CALLS, SHARED_CALLS } } },
#else
	{ AUDIT_ARCH_AARCH64, UINT32_MAX, 97, 134, { { 186, 197 } } },
	{ AUDIT_ARCH_ARM, UINT32_MAX, 337, 174,
	    { { 298, 308 }, { 312, 312 }, { SHARED_CALLS, SHARED_CALLS } } },
#endif
	{ .audit = 0 }
};

/* A filter that grows; each step goes on at the next unless it says so. */
struct filter {
	struct sock_filter step[LONGEST];
	unsigned short length;
};

static void
add(struct filter *f, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
	if (f->length < LONGEST)
		f->step[f->length++] =
		    (struct sock_filter){ code, yes, no, value };
}

#define LOAD(f, field)							\
	add(f, BPF_LD | BPF_W | BPF_ABS,				\
	    offsetof(struct seccomp_data, field), 0, 0)

/* The next `n` steps are for calls of which this is true. */
#define IF_EQUAL(f, value, n)						\
	add(f, BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
#define IF_SET(f, bits, n)						\
	add(f, BPF_JMP | BPF_JSET | BPF_K, bits, 0, n)

static void
answer(struct filter *f, uint32_t what)
{
	add(f, BPF_RET | BPF_K, what, 0, 0);
}

static void
trap(struct filter *f)
{
	answer(f, SECCOMP_RET_TRAP | RAW_MARK);
}

/* The low half of an argument: it is the same in programs of 32 bits. */
static void
load_argument(struct filter *f, unsigned n)
{
	uint32_t at = offsetof(struct seccomp_data, args) + n * 8;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	at += 4;
#endif
	add(f, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
}

static void
trap_range(struct filter *f, const struct range *range)
{
	add(f, BPF_JMP | BPF_JGE | BPF_K, range->from, 0, 2);
	add(f, BPF_JMP | BPF_JGT | BPF_K, range->to, 1, 0);
	trap(f);
}

/* It is an IPC call if it pays debts. */
static void
trap_unshare(struct filter *f, uint32_t number)
{
	IF_EQUAL(f, number, 4);
	load_argument(f, 0);
	IF_SET(f, CLONE_SYSVSEM, 1);
	trap(f);
	answer(f, SECCOMP_RET_ALLOW);
}

static void
keep_handler(struct filter *f, uint32_t number)
{
	IF_EQUAL(f, number, 6);
	load_argument(f, 0);
	IF_EQUAL(f, SIGSYS, 3);
	load_argument(f, 4);
	add(f, BPF_JMP | BPF_JEQ | BPF_K, RAW_PERMIT, 1, 0);
	answer(f, SECCOMP_RET_ERRNO | 0);
	answer(f, SECCOMP_RET_ALLOW);
}

static void
add_machine(struct filter *f, const struct machine *machine)
{
	unsigned short start;

	LOAD(f, arch);
	start = f->length;
	IF_EQUAL(f, machine->audit, 0);
	LOAD(f, nr);
	add(f, BPF_ALU | BPF_AND | BPF_K, machine->mask, 0, 0);
	for (const struct range *r = machine->ipc; r->to != 0; r++)
		trap_range(f, r);
	trap_unshare(f, machine->unshare);
	keep_handler(f, machine->sigaction);
	answer(f, SECCOMP_RET_ALLOW);
	f->step[start].jf = (uint8_t)(f->length - start - 1);
}

bool
raw_begin(void)
{
	struct filter f = { .length = 0 };
	struct sock_fprog program = { .filter = f.step };

	for (const struct machine *m = machines; m->audit != 0; m++)
		add_machine(&f, m);
	if (f.length == 0) {
		errno = ENOSYS;
		return false;
	}
	answer(&f, SECCOMP_RET_ALLOW);
	program.len = f.length;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return true;
	/* The kernel wants privilege, or that nobody gains any later. */
	return errno == EACCES &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
