/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_inside.h - how sys.c and sys_file.c write their calls.
 *
 * Depends on: sys.h.
 */
#ifndef MIPC_SYS_INSIDE_H
#define MIPC_SYS_INSIDE_H

#include "sys.h"

#define S0(n)			mipc_sys(n, 0, 0, 0, 0, 0, 0)
#define S1(n, a)		mipc_sys(n, (long)(a), 0, 0, 0, 0, 0)
#define S2(n, a, b)		mipc_sys(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define S3(n, a, b, c)							\
	mipc_sys(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define S4(n, a, b, c, d)						\
	mipc_sys(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define S5(n, a, b, c, d, e)						\
	mipc_sys(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

/*
 * 32-bit kernels split 64-bit offsets and have two generations of struct
 * stat; there libc does the translating.
 */
#if __SIZEOF_LONG__ == 8
#define DIRECT(direct, libc)	(direct)
#else
#include <errno.h>

static inline long
result(long value)
{
	return value == -1 ? -errno : value;
}
#define DIRECT(direct, libc)	result((long)(libc))
#endif

#endif
