/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_marks.h - did a handler run, or was the process only stopped and
 * continued?
 *
 * The kernel saves the processor's state on the stack before a handler runs,
 * close below what leaf functions may use; so marks are left there that it
 * writes over.  On a signal stack of the program's it leaves the address where
 * the program goes on.
 *
 * Depends on: sys.h.
 */
#ifndef MIPC_SYS_MARKS_H
#define MIPC_SYS_MARKS_H

#include "sys.h"

#if defined(__SANITIZE_THREAD__)
/* It defers handlers. */
#elif defined(__x86_64__) && __SIZEOF_LONG__ == 8

#define MIPC_HAS_MARKS	1
#define MIPC_MARK	[mark]"r"(0xa5c3965a69a5c396ull)
#define MIPC_MARK_SET(at)	"movq %[mark], " #at "(%%rsp)\n\t"
#define MIPC_MARK_TEST(at)						\
	"cmpq %[mark], " #at "(%%rsp)\n\t"				\
	"je 7f\n\t"							\
	"movq $-4, %%rax\n"		/* -EINTR */			\
	"7:\n\t"
#define MIPC_MARKS(what)						\
	what(-136) what(-144) what(-152) what(-160) what(-168)		\
	what(-176) what(-184) what(-192) what(-200) what(-208)

#elif defined(__i386__)

/* No leaf function uses what is below the stack. */
#define MIPC_HAS_MARKS	1
#define MIPC_MARK	[mark]"i"(0x25c3965a)
#define MIPC_MARK_SET(at)	"movl %[mark], " #at "(%%esp)\n\t"
#define MIPC_MARK_TEST(at)						\
	"cmpl %[mark], " #at "(%%esp)\n\t"				\
	"je 7f\n\t"							\
	"movl $-4, %%eax\n"		/* -EINTR */			\
	"7:\n\t"
#define MIPC_MARKS(what)						\
	what(-4) what(-8) what(-12) what(-16) what(-20)			\
	what(-24) what(-28) what(-32) what(-36) what(-40)		\
	what(-44) what(-48) what(-52) what(-56) what(-60)		\
	what(-64) what(-68) what(-72) what(-76) what(-80)

#endif

/* Did one run on a signal stack, and come back to one of these places? */
bool	mipc_sys_ran_elsewhere(uintptr_t first, uintptr_t last);

#endif
