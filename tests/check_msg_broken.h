/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_broken.h - the wrappers that break something, for the table of
 * them in check_msg_broken.c.
 */
#ifndef CHECK_MSG_BROKEN_H
#define CHECK_MSG_BROKEN_H

#include "broken.h"
#include "check_msg.h"

/* What wrappers remember, on shared memory: children wrap too. */
struct queue_memory {
	_Atomic int senders;	/* that sleep, or are about to */
	_Atomic int received;
};

#define broken_memory	((struct queue_memory *)broken_shared)

typedef int broken_snd(int id, const void *msg, size_t size, int flags);
typedef ssize_t broken_rcv(int id, void *msg, size_t size, long type,
    int flags);
typedef int broken_ctl(int id, int cmd, struct msqid_ds *buf);

broken_snd snd_other_error, snd_any_type, snd_nothing_empty, snd_tears,
    snd_room_for_empty, snd_never_waits, snd_twice,
    snd_restarts, snd_in_turn;
broken_rcv rcv_other_error, rcv_always_cuts, rcv_cuts_for_sleepers,
    rcv_gives_back_the_rest, rcv_negative_is_any, rcv_below_only,
    rcv_first_below, rcv_long_min_is_any, rcv_without_except,
    rcv_except_below, rcv_short_type, rcv_copy_takes, rcv_copy_from_one,
    rcv_copy_any_flags, rcv_loses, rcv_restarts, rcv_polls, rcv_stops;
broken_ctl ctl_other_error, ctl_any_index, ctl_index_only,
    ctl_counts_for_top, ctl_any_qbytes, ctl_keeps_qbytes;

#endif
