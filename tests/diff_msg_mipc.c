/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_mipc.c - the side MIPC by the calls of mipc.h.
 */
#include "diff_msg.h"

#include "diff_ns.h"
#include "mipc.h"
#include "msg.h"

static int
user_get(key_t key, int flags)
{
	return mipc_msgget(diff_ns, key, flags);
}

static int
user_snd(int id, const void *l, size_t size, int flags)
{
	return mipc_msgsnd(diff_ns, id, l, size, flags);
}

static ssize_t
user_rcv(int id, void *l, size_t size, long type, int flags)
{
	return mipc_msgrcv(diff_ns, id, l, size, type, flags);
}

static int
user_ctl(int id, int cmd, struct msqid_ds *ds)
{
	return mipc_msgctl(diff_ns, id, cmd, ds);
}

static bool
user_limit(const char *name, unsigned value)
{
	const unsigned long long wanted = value;

	return mipc_limit(diff_ns, name, NULL, &wanted) == 0;
}

const struct calls user_calls = {
	user_get, user_snd, user_rcv, user_ctl, user_limit
};

bool
user_open(const struct world *w)
{
	return ns_open(w->store, w->dir, true);
}

static bool
waits_in(const struct mipc_line *line, pid_t pid)
{
	for (uint32_t i = 0; i < mipc_line_count(line); i++) {
		const struct mipc_place *place = mipc_line_place(line, i);

		if (mipc_peek(&place->pid) == (uint32_t)pid &&
		    mipc_line_state(place) == MIPC_SLEEP_WAITING)
			return true;
	}
	return false;
}

bool
user_waits(const struct actor *a)
{
	struct mipc_line lines[2];
	struct mipc_mq mq;
	bool waits;

	if (mipc_msg_enter(&mq, diff_ns, a->op.id) != 0)
		return false;
	mipc_msg_lines(&mq, lines);
	waits = waits_in(&lines[a->op.kind == OP_SND ? MIPC_SENDING :
	    MIPC_TAKING], a->pid);
	mipc_msg_leave(&mq);
	return waits;
}

uint64_t
user_heartbeats(void)
{
	return ns_heartbeats();
}

void
user_changed(void)
{
	mipc_credentials_changed();
}
