/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg.c - the clause tests of message queues: which, and how the shared
 * ones make their calls.
 */
#include "check_msg.h"

#define TIME_LIMIT	20	/* seconds a test */
#define BROKEN_LIMIT	3	/* where a hang may be what is broken */

static void
add_clauses(TCase *tc)
{
	add_get_clauses(tc);
	add_id_clauses(tc);
	add_class_clauses(tc);
	add_perm_clauses(tc);
	add_send_clauses(tc);
	add_take_clauses(tc);
	add_type_clauses(tc);
	add_set_clauses(tc);
	add_wait_clauses(tc);
	add_end_clauses(tc);
	add_signal_clauses(tc);
	add_handler_clauses(tc);
	add_many_clauses(tc);
	add_large_clauses(tc);
}

/* ---- the calls of the shared clauses ---- */

static int
get(key_t key, unsigned long size, int flags)
{
	(void)size;
	return ipc->msgget(key, flags);
}

static int
look(int id, int cmd, struct sight *now)
{
	struct msqid_ds ds = { .msg_ctime = 0 };
	const int answer = control_buf(id, cmd, &ds);

	*now = (struct sight){ ds.msg_perm, ds.msg_ctime, 0 };
	return answer;
}

/* Room is set along with it; whoever may not look asks for the usual. */
static int
set(int id, const struct ipc_perm *perm)
{
	struct msqid_ds ds = { .msg_ctime = 0 };

	if (control_buf(id, IPC_STAT, &ds) == -1)
		ds.msg_qbytes = MSGMNB;
	ds.msg_perm = *perm;
	return control_buf(id, IPC_SET, &ds);
}

static int
remove_it(int id)
{
	return control(id, IPC_RMID);
}

static int
use(int id)
{
	struct message m;

	if (try_put(id, 4711, "x") == -1)
		return -1;
	return take(id, &m, 1, 4711, IPC_NOWAIT) == -1 ? -1 : 0;
}

static int
read_it(int id)
{
	struct message m;

	return take(id, &m, 1, 4712, IPC_NOWAIT) == -1 && errno == ENOMSG ?
	    0 : -1;
}

static void
nothing_else(int id, int error)
{
	(void)id;
	(void)error;
}

static void
must_be_none(void)
{
	must_eq(info(MSG_INFO).msgpool, 0);
	must_eq(info(MSG_INFO).msgmap, 0);
	must_eq(info(MSG_INFO).msgtql, 0);
	must_eq(top(MSG_INFO), 0);
}

const struct kind kind = {
	"msgmni", "msg_next_id", 0, MSG_STAT, MSG_STAT_ANY, MSG_INFO, get,
	look, set,
	remove_it, top, use, read_it, must_have_rights, nothing_else,
	must_not_exist, must_be_gone, must_be_none, true
};

static bool
has_queues(const struct backend *b)
{
	return b->msgget != NULL;
}

const struct clauses clauses = {
	"msg", TIME_LIMIT, BROKEN_LIMIT, add_clauses, NULL, has_queues
};
