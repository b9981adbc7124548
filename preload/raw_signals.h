/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw_signals.h - SIGSYS as the program sees it, which it shares with us.
 */
#ifndef MIPC_RAW_SIGNALS_H
#define MIPC_RAW_SIGNALS_H

#include <signal.h>

/* From now on SIGSYS is ours. */
void	raw_signals_begin(void);

/* A SIGSYS that is not about our calls does what the program wants. */
void	raw_forward(int signal, siginfo_t *, void *context);

/* End the process as the signal's default action does. */
void	raw_end_by_signal(void);

#endif
