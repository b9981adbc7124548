/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.h - no System V IPC call of a process reaches the kernel.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * From now on the calling process, and all that come of it, die by SIGSYS of
 * such a call, by whatever name or number and of whatever word size; but for
 * one whose sixth argument, which no such call has, is `pass`, if that is not
 * 0.  False with errno if that cannot be.
 */
bool	filter_ipc(uint32_t pass);

#endif
