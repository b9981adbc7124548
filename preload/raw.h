/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw.h - what mipcrun --raw and the module that serves it agree on.
 *
 * mipcrun makes the kernel send SIGSYS in place of a System V IPC call
 * (utils/raw.c), and mipc-raw.so answers it (raw.c).
 */
#ifndef MIPC_RAW_H
#define MIPC_RAW_H

/* Machines whose registers and numbers are known. */
#if (defined(__x86_64__) && __SIZEOF_LONG__ == 8) || defined(__i386__) || \
    defined(__aarch64__)
#define RAW_IS_KNOWN	1
#endif

#define RAW_MODULE	"mipc-raw.so"
#define RAW_ENVIRONMENT	"MIPC_RAW"	/* 1: the calls are trapped */

/* In the signal's si_errno: it is about this filter's call. */
#define RAW_MARK	0x6d69

/* The fifth argument of an rt_sigaction() of SIGSYS that is really made. */
#define RAW_PERMIT	0x6d697063

#endif
