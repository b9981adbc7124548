/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_broken.c - what can be made wrong of message queues.
 */
#include "check_msg_broken.h"

/* ---- get ---- */

static int
get(key_t key, unsigned long size, int flags)
{
	(void)size;
	return right->msgget(key, flags);
}

static int
get_never_exclusive(key_t key, int flags)
{
	return right->msgget(key, flags & ~IPC_EXCL);
}

static int
get_always_creates(key_t key, int flags)
{
	return right->msgget(key, flags | IPC_CREAT);
}

/* ---- what a successful ctl answers ---- */

static bool
is_stat(int cmd)
{
	return cmd == IPC_STAT || cmd == MSG_STAT || cmd == MSG_STAT_ANY;
}

static void
other_creator(int cmd, struct msqid_ds *buf)
{
	if (is_stat(cmd))
		buf->msg_perm.cuid = buf->msg_perm.uid + 1;
}

static void
half_the_room(int cmd, struct msqid_ds *buf)
{
	if (is_stat(cmd) && buf->msg_qbytes == MSGMNB)
		buf->msg_qbytes = MSGMNB / 2;
}

static void
counts_types(int cmd, struct msqid_ds *buf)
{
	if (is_stat(cmd))
		buf->msg_cbytes += buf->msg_qnum * sizeof(long);
}

static void
sender_receives(int cmd, struct msqid_ds *buf)
{
	if (is_stat(cmd) && buf->msg_lrpid != 0)
		buf->msg_lrpid = buf->msg_lspid;
}

static void
a_send_is_a_change(int cmd, struct msqid_ds *buf)
{
	if (is_stat(cmd) && buf->msg_ctime < buf->msg_stime)
		buf->msg_ctime = buf->msg_stime;
}

static void
no_time_received(int cmd, struct msqid_ds *buf)
{
	if (is_stat(cmd))
		buf->msg_rtime = 0;
}

static void
small_limits(int cmd, struct msqid_ds *buf)
{
	if (cmd == IPC_INFO)
		((struct msginfo *)(void *)buf)->msgmni = 16;
}

static void
no_counts(int cmd, struct msqid_ds *buf)
{
	if (cmd == MSG_INFO)
		((struct msginfo *)(void *)buf)->msgtql = MSGMNB;
}

/* ---- the table ---- */

static const struct breakage breakages[] = {
	BREAK("private-once", "G1_*", .get = get_private_once),
	BREAK("low-key", "G2_all*", .get = get_low_key),
	BREAK("never-exclusive", "G2_what*",
	    .with.msgget = get_never_exclusive),
	BREAK("always-creates", "G2_what*", .with.msgget = get_always_creates),
	BREAK("get-asks-nothing", "G3_get*", .get = get_asks_nothing),
	BREAK("reads-for-all", "G3_the_first*", .with.msgrcv = rcv_other_error,
	    .was = EACCES, .is = ENOMSG),
	BREAK("eperm-is-eacces", "G4_*", .with.msgctl = ctl_other_error,
	    .was = EPERM, .is = EACCES),
	BREAK("set-changes-creator", "G5_set_copies*",
	    .alter_msg = other_creator),
	BREAK("stale-ids-live", "G6_stale*", .with.msgctl = ctl_any_index),
	BREAK("index-for-id", "G7_stat_takes*", .with.msgctl = ctl_index_only),
	BREAK("top-is-a-count", "G8_*", .with.msgctl = ctl_counts_for_top),
	BREAK("any-type", "M1_what*", .with.msgsnd = snd_any_type),
	BREAK("too-long-is-e2big", "M1_what*", .with.msgsnd = snd_other_error,
	    .was = EINVAL, .is = E2BIG),
	BREAK("nothing-empty", "M1_what*", .with.msgsnd = snd_nothing_empty),
	BREAK("tears", "M1_messages_of*", .with.msgsnd = snd_tears),
	BREAK("room-for-empty", "M2_when*", .with.msgsnd = snd_room_for_empty),
	BREAK("full-is-enospc", "M2_when*", .with.msgsnd = snd_other_error,
	    .was = EAGAIN, .is = ENOSPC),
	BREAK("counts-types", "M2_when*", .alter_msg = counts_types),
	BREAK("any-qbytes", "M3_more*", .with.msgctl = ctl_any_qbytes),
	BREAK("keeps-qbytes", "M3_lowering*", .with.msgctl = ctl_keeps_qbytes),
	BREAK("lost-right-is-eperm", "M3_a_receiver*",
	    .with.msgrcv = rcv_other_error, .was = EACCES, .is = EPERM),
	BREAK("negative-is-any", "M4_what*",
	    .with.msgrcv = rcv_negative_is_any),
	BREAK("negative-is-below", "M4_what*", .with.msgrcv = rcv_below_only),
	BREAK("negative-is-the-first", "M4_what*",
	    .with.msgrcv = rcv_first_below),
	BREAK("excepts-nothing-of-many", "M4_thousands*",
	    .with.msgrcv = rcv_without_except),
	BREAK("lowest-is-any-of-many", "M4_thousands*",
	    .with.msgrcv = rcv_negative_is_any),
	BREAK("long-min-is-any", "M4_what*",
	    .with.msgrcv = rcv_long_min_is_any),
	BREAK("without-except", "M4_what*", .with.msgrcv = rcv_without_except),
	BREAK("except-below", "M4_what*", .with.msgrcv = rcv_except_below),
	BREAK("short-type", "M4_what*", .with.msgrcv = rcv_short_type),
	BREAK("always-cuts", "M5_a_message*", .with.msgrcv = rcv_always_cuts),
	BREAK("e2big-is-einval", "M5_a_message*",
	    .with.msgrcv = rcv_other_error, .was = E2BIG, .is = EINVAL),
	BREAK("gives-back-the-rest", "M5_a_message*",
	    .with.msgrcv = rcv_gives_back_the_rest),
	BREAK("none-is-eagain", "M5_nothing*", .with.msgrcv = rcv_other_error,
	    .was = ENOMSG, .is = EAGAIN),
	BREAK("copy-takes", "M6_copy_takes*", .with.msgrcv = rcv_copy_takes),
	BREAK("copy-from-one", "M6_copy_takes*",
	    .with.msgrcv = rcv_copy_from_one),
	BREAK("copy-any-flags", "M6_what*", .with.msgrcv = rcv_copy_any_flags),
	BREAK("lost-now-and-then", "M7_each_message_arrives_once",
	    .with.msgrcv = rcv_loses),
	BREAK("sent-twice", "M7_each_message_arrives_once",
	    .with.msgsnd = snd_twice),
	BREAK("not-handed-over", "M7_a_newcomer*", .with.msgrcv = rcv_polls),
	BREAK("nobody-is-first", "M7_a_message*", .with.msgrcv = rcv_polls),
	BREAK("cuts-for-sleepers", "M7_a_message*",
	    .with.msgrcv = rcv_cuts_for_sleepers),
	BREAK("the-sender-received", "M7_who_receives*",
	    .alter_msg = sender_receives),
	BREAK("never-waits", "M8_room*", .with.msgsnd = snd_never_waits),
	BREAK("newcomers-wait", "M8_a_newcomer*", .with.msgsnd = snd_in_turn),
	BREAK("receivers-eidrm-is-einval", "M9_removal*",
	    .with.msgrcv = rcv_other_error, .was = EIDRM, .is = EINVAL),
	BREAK("senders-eidrm-is-einval", "M9_removal*",
	    .with.msgsnd = snd_other_error, .was = EIDRM, .is = EINVAL),
	BREAK("receivers-eintr-is-eagain", "M10_a_handler*",
	    .with.msgrcv = rcv_other_error, .was = EINTR, .is = EAGAIN),
	BREAK("senders-eintr-is-eagain", "M10_a_handler*",
	    .with.msgsnd = snd_other_error, .was = EINTR, .is = EAGAIN),
	BREAK("stops-interrupt", "M10_stop*", .with.msgrcv = rcv_stops),
	BREAK("new-queues-are-small", "M11_a_new*",
	    .alter_msg = half_the_room),
	BREAK("the-sender-is-last", "M11_who*", .alter_msg = sender_receives),
	BREAK("a-send-is-a-change", "M11_what*",
	    .alter_msg = a_send_is_a_change),
	BREAK("no-time-received", "M11_what*", .alter_msg = no_time_received),
	BREAK("small-limits", "M12_limits*", .alter_msg = small_limits),
	BREAK("counts-nothing", "M12_msg_info*", .alter_msg = no_counts),
	BREAK("no-enospc", "M12_MSGMNI*", .get = get_no_limit),
	BREAK("receivers-restart", "S17_a_handler_may_call*sleeps",
	    .with.msgrcv = rcv_restarts),
	BREAK("senders-restart", "S17_a_handler_may_make*",
	    .with.msgsnd = snd_restarts),
};

const struct broken_kind broken_kind = {
	.rows = breakages,
	.n = COUNT(breakages),
	.get = get,
	.memory = sizeof(struct queue_memory),
};
