/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_broken_call.c - msgsnd(), msgrcv() and msgctl() with one thing
 * made wrong.
 */
#include "check_msg_broken.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* ---- snd ---- */

int
snd_other_error(int id, const void *msg, size_t size, int flags)
{
	return (int)other_error(right->msgsnd(id, msg, size, flags));
}

int
snd_any_type(int id, const void *msg, size_t size, int flags)
{
	struct message m;

	if (size > MSGMAX)
		return right->msgsnd(id, msg, size, flags);
	memcpy(&m, msg, sizeof(long) + size);
	if (m.type <= 0)
		m.type = 1;
	return right->msgsnd(id, &m, size, flags);
}

int
snd_nothing_empty(int id, const void *msg, size_t size, int flags)
{
	if (size == 0) {
		errno = EINVAL;
		return -1;
	}
	return right->msgsnd(id, msg, size, flags);
}

int
snd_tears(int id, const void *msg, size_t size, int flags)
{
	struct message m;

	if (size < 5000 || size > MSGMAX)
		return right->msgsnd(id, msg, size, flags);
	memcpy(&m, msg, sizeof(long) + size);
	m.text[4999] ^= 1;
	return right->msgsnd(id, &m, size, flags);
}

int
snd_room_for_empty(int id, const void *msg, size_t size, int flags)
{
	int answer = right->msgsnd(id, msg, size, flags);

	return answer == -1 && errno == EAGAIN && size == 0 ? 0 : answer;
}

int
snd_never_waits(int id, const void *msg, size_t size, int flags)
{
	return right->msgsnd(id, msg, size, flags | IPC_NOWAIT);
}

int
snd_twice(int id, const void *msg, size_t size, int flags)
{
	int answer = right->msgsnd(id, msg, size, flags);

	if (answer == 0 && size > 100)
		right->msgsnd(id, msg, size, IPC_NOWAIT);
	return answer;
}

int
snd_restarts(int id, const void *msg, size_t size, int flags)
{
	int answer;

	do
		answer = right->msgsnd(id, msg, size, flags);
	while (answer == -1 && errno == EINTR);
	return answer;
}

/* Nobody goes before those who sleep. */
int
snd_in_turn(int id, const void *msg, size_t size, int flags)
{
	int answer, error;

	if (broken_memory->senders > 0 && (flags & IPC_NOWAIT) != 0) {
		errno = EAGAIN;
		return -1;
	}
	broken_memory->senders++;
	answer = right->msgsnd(id, msg, size, flags);
	error = errno;
	broken_memory->senders--;
	errno = error;
	return answer;
}

/* ---- rcv ---- */

ssize_t
rcv_other_error(int id, void *msg, size_t size, long type, int flags)
{
	return other_error(right->msgrcv(id, msg, size, type, flags));
}

ssize_t
rcv_always_cuts(int id, void *msg, size_t size, long type, int flags)
{
	return right->msgrcv(id, msg, size, type, flags | MSG_NOERROR);
}

ssize_t
rcv_cuts_for_sleepers(int id, void *msg, size_t size, long type, int flags)
{
	if ((flags & IPC_NOWAIT) == 0)
		flags |= MSG_NOERROR;
	return right->msgrcv(id, msg, size, type, flags);
}

ssize_t
rcv_gives_back_the_rest(int id, void *msg, size_t size, long type,
    int flags)
{
	struct message m;
	ssize_t all;

	if (size > MSGMAX || (flags & MSG_NOERROR) == 0)
		return right->msgrcv(id, msg, size, type, flags);
	all = right->msgrcv(id, &m, MSGMAX, type, flags);
	if (all == -1)
		return -1;
	if ((size_t)all <= size)
		size = (size_t)all;
	memcpy(msg, &m, sizeof(long) + size);
	memmove(m.text, m.text + size, (size_t)all - size);
	if ((size_t)all > size)
		right->msgsnd(id, &m, (size_t)all - size, IPC_NOWAIT);
	return (ssize_t)size;
}

ssize_t
rcv_negative_is_any(int id, void *msg, size_t size, long type, int flags)
{
	return right->msgrcv(id, msg, size, type < 0 ? 0 : type, flags);
}

ssize_t
rcv_below_only(int id, void *msg, size_t size, long type, int flags)
{
	return right->msgrcv(id, msg, size, type < -1 && type != LONG_MIN ?
	    type + 1 : type, flags);
}

/* The first that is not above it, and not the lowest. */
ssize_t
rcv_first_below(int id, void *msg, size_t size, long type, int flags)
{
	struct message m;

	if (type >= 0 || type == LONG_MIN)
		return right->msgrcv(id, msg, size, type, flags);
	for (long i = 0; right->msgrcv(id, &m, 0, i, MSG_COPY | IPC_NOWAIT)
	    != -1 || errno == E2BIG; i++) {
		if (right->msgrcv(id, &m, MSGMAX, i, MSG_COPY |
		    IPC_NOWAIT) != -1 && m.type <= -type) {
			type = m.type;
			break;
		}
	}
	return right->msgrcv(id, msg, size, type, flags & ~MSG_EXCEPT);
}

ssize_t
rcv_long_min_is_any(int id, void *msg, size_t size, long type, int flags)
{
	return right->msgrcv(id, msg, size, type == LONG_MIN ? 0 : type,
	    flags);
}

ssize_t
rcv_without_except(int id, void *msg, size_t size, long type, int flags)
{
	return right->msgrcv(id, msg, size, type, flags & ~MSG_EXCEPT);
}

ssize_t
rcv_except_below(int id, void *msg, size_t size, long type, int flags)
{
	if (type < 0 && type != LONG_MIN && (flags & MSG_EXCEPT) != 0)
		type = -type;
	return right->msgrcv(id, msg, size, type, flags);
}

ssize_t
rcv_short_type(int id, void *msg, size_t size, long type, int flags)
{
	return right->msgrcv(id, msg, size, type == LONG_MIN ? type :
	    (int)type, flags);
}

ssize_t
rcv_copy_takes(int id, void *msg, size_t size, long type, int flags)
{
	if ((flags & MSG_COPY) != 0)
		type = 0;
	return right->msgrcv(id, msg, size, type, flags & ~MSG_COPY);
}

ssize_t
rcv_copy_from_one(int id, void *msg, size_t size, long type, int flags)
{
	if ((flags & MSG_COPY) != 0)
		type--;
	return right->msgrcv(id, msg, size, type, flags);
}

ssize_t
rcv_copy_any_flags(int id, void *msg, size_t size, long type, int flags)
{
	if ((flags & MSG_COPY) != 0)
		flags = (flags & ~MSG_EXCEPT) | IPC_NOWAIT;
	return right->msgrcv(id, msg, size, type, flags);
}

/* As if a receiver were killed with one in hand. */
ssize_t
rcv_loses(int id, void *msg, size_t size, long type, int flags)
{
	if (++broken_memory->received == 700)
		right->msgrcv(id, msg, size, -9, IPC_NOWAIT);
	return right->msgrcv(id, msg, size, type, flags);
}

ssize_t
rcv_restarts(int id, void *msg, size_t size, long type, int flags)
{
	ssize_t answer;

	do
		answer = right->msgrcv(id, msg, size, type, flags);
	while (answer == -1 && errno == EINTR);
	return answer;
}

/* Nobody serves anybody: who comes looks, again and again. */
ssize_t
rcv_polls(int id, void *msg, size_t size, long type, int flags)
{
	static const struct timespec a_while = { 0, 300000 };
	ssize_t answer;

	for (;;) {
		answer = right->msgrcv(id, msg, size, type, flags |
		    IPC_NOWAIT);
		if (answer != -1 || errno != ENOMSG ||
		    (flags & IPC_NOWAIT) != 0)
			return answer;
		if (nanosleep(&a_while, NULL) == -1)
			return -1;
	}
}

/* A wait that SIGCONT interrupts, as it does not that for a message. */
ssize_t
rcv_stops(int id, void *msg, size_t size, long type, int flags)
{
	static const struct timespec long_while = { 3600, 0 };
	ssize_t answer = right->msgrcv(id, msg, size, type, flags |
	    IPC_NOWAIT);
	sigset_t none;

	if (answer != -1 || errno != ENOMSG || (flags & IPC_NOWAIT) != 0)
		return answer;
	sigemptyset(&none);
	return sigtimedwait(&none, NULL, &long_while) == -1 ? -1 : 0;
}

/* ---- ctl ---- */

int
ctl_other_error(int id, int cmd, struct msqid_ds *buf)
{
	return (int)other_error(right->msgctl(id, cmd, buf));
}

int
ctl_any_index(int id, int cmd, struct msqid_ds *buf)
{
	int answer = right->msgctl(id, cmd, buf), live;
	struct msqid_ds ds;

	if (answer != -1 || errno != EINVAL || id < 0 || cmd == MSG_STAT)
		return answer;
	live = right->msgctl(id % IDS_MAX, MSG_STAT, &ds);
	return live == -1 ? -1 : right->msgctl(live, cmd, buf);
}

int
ctl_index_only(int id, int cmd, struct msqid_ds *buf)
{
	int answer = right->msgctl(id, cmd, buf);

	if (answer != -1 && (cmd == MSG_STAT || cmd == MSG_STAT_ANY))
		answer %= IDS_MAX;
	return answer;
}

int
ctl_counts_for_top(int id, int cmd, struct msqid_ds *buf)
{
	int answer = right->msgctl(id, cmd, buf);

	if (answer != -1 && (cmd == IPC_INFO || cmd == MSG_INFO))
		answer++;
	return answer;
}

int
ctl_any_qbytes(int id, int cmd, struct msqid_ds *buf)
{
	struct msqid_ds ds;

	if (cmd != IPC_SET || buf->msg_qbytes <= MSGMNB)
		return right->msgctl(id, cmd, buf);
	ds = *buf;
	ds.msg_qbytes = MSGMNB;
	return right->msgctl(id, cmd, &ds);
}

int
ctl_keeps_qbytes(int id, int cmd, struct msqid_ds *buf)
{
	struct msqid_ds ds, now;

	if (cmd != IPC_SET || right->msgctl(id, IPC_STAT, &now) == -1)
		return right->msgctl(id, cmd, buf);
	ds = *buf;
	ds.msg_qbytes = now.msg_qbytes;
	return right->msgctl(id, cmd, &ds);
}
