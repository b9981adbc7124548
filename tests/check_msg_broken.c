/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_broken.c - a right implementation with one thing made wrong.
 *
 * A clause test that cannot fail proves nothing.  Each row wraps a call and
 * names the tests that must see it: clauses_catch.sh runs them.
 *
 * The wrapped one is the kernel where it can be had, else mipc's anonymous
 * store.
 */
#include "check_msg_broken.h"

#include <sys/mman.h>
#include <stdio.h>
#include <string.h>

struct broken_memory *broken_memory;
const struct backend *right;
int error_was, error_is;

/* ---- get ---- */

static int
get_private_once(key_t key, int flags)
{
	int id;

	if (key == IPC_PRIVATE && broken_memory->first != 0)
		return broken_memory->first - 1;
	id = right->msgget(key, flags);
	broken_memory->first = id + 1;
	return id;
}

static int
get_low_key(key_t key, int flags)
{
	return right->msgget(key & 0xffffff, flags);
}

static int
get_asks_nothing(key_t key, int flags)
{
	int id = right->msgget(key, flags), error = errno;

	if (id == -1 && error == EACCES)
		return right->msgget(key, flags & ~0777);
	errno = error;
	return id;
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

static int
get_no_limit(key_t key, int flags)
{
	int id = right->msgget(key, flags);

	if (id == -1 && errno == ENOSPC)
		errno = ENOMEM;
	return id;
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

static void (*alter)(int cmd, struct msqid_ds *buf);

static int
ctl_altered(int id, int cmd, struct msqid_ds *buf)
{
	int answer = right->msgctl(id, cmd, buf);

	if (answer != -1)
		alter(cmd, buf);
	return answer;
}

/* ---- the table ---- */

static const struct breakage {
	const char *name, *clause;	/* clause: a pattern of test names */
	int (*get)(key_t key, int flags);
	broken_snd *snd;
	broken_rcv *rcv;
	broken_ctl *ctl;
	void (*alter)(int cmd, struct msqid_ds *buf);
	int was, is;			/* errno */
} breakages[] = {
	{ "private-once", "G1_*", .get = get_private_once },
	{ "low-key", "G2_all*", .get = get_low_key },
	{ "never-exclusive", "G2_what*", .get = get_never_exclusive },
	{ "always-creates", "G2_what*", .get = get_always_creates },
	{ "get-asks-nothing", "G3_get*", .get = get_asks_nothing },
	{ "reads-for-all", "G3_the_first*", .rcv = rcv_other_error,
	    .was = EACCES, .is = ENOMSG },
	{ "eperm-is-eacces", "G4_*", .ctl = ctl_other_error,
	    .was = EPERM, .is = EACCES },
	{ "set-changes-creator", "G5_set_copies*", .alter = other_creator },
	{ "stale-ids-live", "G6_stale*", .ctl = ctl_any_index },
	{ "index-for-id", "G7_stat_takes*", .ctl = ctl_index_only },
	{ "top-is-a-count", "G8_*", .ctl = ctl_counts_for_top },
	{ "any-type", "M1_what*", .snd = snd_any_type },
	{ "too-long-is-e2big", "M1_what*", .snd = snd_other_error,
	    .was = EINVAL, .is = E2BIG },
	{ "nothing-empty", "M1_what*", .snd = snd_nothing_empty },
	{ "tears", "M1_messages_of*", .snd = snd_tears },
	{ "room-for-empty", "M2_when*", .snd = snd_room_for_empty },
	{ "full-is-enospc", "M2_when*", .snd = snd_other_error,
	    .was = EAGAIN, .is = ENOSPC },
	{ "counts-types", "M2_when*", .alter = counts_types },
	{ "any-qbytes", "M3_more*", .ctl = ctl_any_qbytes },
	{ "keeps-qbytes", "M3_lowering*", .ctl = ctl_keeps_qbytes },
	{ "lost-right-is-eperm", "M3_a_receiver*", .rcv = rcv_other_error,
	    .was = EACCES, .is = EPERM },
	{ "negative-is-any", "M4_what*", .rcv = rcv_negative_is_any },
	{ "negative-is-below", "M4_what*", .rcv = rcv_below_only },
	{ "negative-is-the-first", "M4_what*", .rcv = rcv_first_below },
	{ "excepts-nothing-of-many", "M4_thousands*",
	    .rcv = rcv_without_except },
	{ "lowest-is-any-of-many", "M4_thousands*",
	    .rcv = rcv_negative_is_any },
	{ "long-min-is-any", "M4_what*", .rcv = rcv_long_min_is_any },
	{ "without-except", "M4_what*", .rcv = rcv_without_except },
	{ "except-below", "M4_what*", .rcv = rcv_except_below },
	{ "short-type", "M4_what*", .rcv = rcv_short_type },
	{ "always-cuts", "M5_a_message*", .rcv = rcv_always_cuts },
	{ "e2big-is-einval", "M5_a_message*", .rcv = rcv_other_error,
	    .was = E2BIG, .is = EINVAL },
	{ "gives-back-the-rest", "M5_a_message*",
	    .rcv = rcv_gives_back_the_rest },
	{ "none-is-eagain", "M5_nothing*", .rcv = rcv_other_error,
	    .was = ENOMSG, .is = EAGAIN },
	{ "copy-takes", "M6_copy_takes*", .rcv = rcv_copy_takes },
	{ "copy-from-one", "M6_copy_takes*", .rcv = rcv_copy_from_one },
	{ "copy-any-flags", "M6_what*", .rcv = rcv_copy_any_flags },
	{ "lost-now-and-then", "M7_each_message_arrives_once",
	    .rcv = rcv_loses },
	{ "sent-twice", "M7_each_message_arrives_once", .snd = snd_twice },
	{ "not-handed-over", "M7_a_newcomer*", .rcv = rcv_polls },
	{ "nobody-is-first", "M7_a_message*", .rcv = rcv_polls },
	{ "cuts-for-sleepers", "M7_a_message*",
	    .rcv = rcv_cuts_for_sleepers },
	{ "the-sender-received", "M7_who_receives*",
	    .alter = sender_receives },
	{ "never-waits", "M8_room*", .snd = snd_never_waits },
	{ "newcomers-wait", "M8_a_newcomer*", .snd = snd_in_turn },
	{ "receivers-eidrm-is-einval", "M9_removal*", .rcv = rcv_other_error,
	    .was = EIDRM, .is = EINVAL },
	{ "senders-eidrm-is-einval", "M9_removal*", .snd = snd_other_error,
	    .was = EIDRM, .is = EINVAL },
	{ "receivers-eintr-is-eagain", "M10_a_handler*",
	    .rcv = rcv_other_error, .was = EINTR, .is = EAGAIN },
	{ "senders-eintr-is-eagain", "M10_a_handler*",
	    .snd = snd_other_error, .was = EINTR, .is = EAGAIN },
	{ "stops-interrupt", "M10_stop*", .rcv = rcv_stops },
	{ "new-queues-are-small", "M11_a_new*", .alter = half_the_room },
	{ "the-sender-is-last", "M11_who*", .alter = sender_receives },
	{ "a-send-is-a-change", "M11_what*", .alter = a_send_is_a_change },
	{ "no-time-received", "M11_what*", .alter = no_time_received },
	{ "small-limits", "M12_limits*", .alter = small_limits },
	{ "counts-nothing", "M12_msg_info*", .alter = no_counts },
	{ "no-enospc", "M12_MSGMNI*", .get = get_no_limit },
	{ "receivers-restart", "S17_a_handler_may_call*sleeps",
	    .rcv = rcv_restarts },
	{ "senders-restart", "S17_a_handler_may_make*",
	    .snd = snd_restarts },
};

void
list_broken(void)
{
	for (size_t i = 0; i < COUNT(breakages); i++)
		printf("%s %s\n", breakages[i].name, breakages[i].clause);
}

static const char *
enter_broken(void)
{
	memset(broken_memory, 0, sizeof(*broken_memory));
	return right->enter();
}

static void
replace(struct backend *b, const struct breakage *with)
{
	if (with->get != NULL)
		b->msgget = with->get;
	if (with->snd != NULL)
		b->msgsnd = with->snd;
	if (with->rcv != NULL)
		b->msgrcv = with->rcv;
	if (with->ctl != NULL)
		b->msgctl = with->ctl;
	if (with->alter != NULL)
		b->msgctl = ctl_altered;
	alter = with->alter;
	error_was = with->was;
	error_is = with->is;
	b->enter = enter_broken;
}

const struct backend *
broken_backend(const char *name)
{
	static struct backend broken;

	broken_memory = mmap(NULL, sizeof(*broken_memory), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	right = right_backend();
	for (size_t i = 0; i < COUNT(breakages); i++) {
		if (strcmp(breakages[i].name, name) != 0)
			continue;
		broken = *right;
		broken.name = name;
		replace(&broken, &breakages[i]);
		return broken_memory == MAP_FAILED ? NULL : &broken;
	}
	return NULL;
}
