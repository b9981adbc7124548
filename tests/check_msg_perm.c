/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_perm.c - what IPC_SET changes and what strangers see: clauses G5
 * and G7, beside those of all kinds.
 */
#include "check_msg.h"

#include <string.h>
#include <unistd.h>

START_TEST(G5_set_copies_uid_gid_mode_qbytes_and_nothing_else)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0600);
	struct msqid_ds ds = stat_of(id), now;

	put(id, 1, "abc");
	ds.msg_perm.mode = (unsigned short)(0xf000 | 0641);
	ds.msg_perm.cuid = ds.msg_perm.cgid = 4711;
	ds.msg_perm.__key = KEY + 1;
	ds.msg_perm.__seq = 99;
	ds.msg_qbytes = 5000;
	ds.msg_qnum = 17;
	ds.msg_cbytes = 18;
	ds.msg_lspid = ds.msg_lrpid = 19;
	ds.msg_stime = ds.msg_rtime = ds.msg_ctime = 1;
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	now = stat_of(id);
	must_eq(now.msg_perm.mode, 0641);
	must_eq(now.msg_perm.cuid, geteuid());
	must_eq(now.msg_perm.cgid, getegid());
	must_eq(now.msg_perm.__key, KEY);
	must_eq(now.msg_perm.__seq, 0);
	must_eq(now.msg_qbytes, 5000);
	must_eq(now.msg_qnum, 1);
	must_eq(now.msg_cbytes, 3);
	must_eq(now.msg_lspid, getpid());
	must_eq(now.msg_lrpid, 0);
	must_eq(now.msg_rtime, 0);
	must(now.msg_stime + 60 > time(NULL));
	must(now.msg_ctime + 60 > time(NULL));
	must_eq(ipc->msgget(KEY, 0), id);
}
END_TEST

/* ---- who may look ---- */

static void
look_from_outside(void *arg)
{
	int id = *(int *)arg;
	struct msqid_ds ds;

	must_error(control_buf(id, IPC_STAT, &ds), EACCES);
	must_error(control_buf(id, MSG_STAT, &ds), EACCES);
	must_eq(control_buf(id, MSG_STAT_ANY, &ds), id);
	must_eq(ds.msg_perm.mode, 0600);
	must_eq(ds.msg_perm.uid, 0);
	must_eq(info(MSG_INFO).msgpool, 1);
	must_eq(top(MSG_INFO), 0);
}

START_TEST(G7_stat_any_needs_no_right)
{
	int id = make_queue();

	need_root();
	must_eq(id, 0);
	finish(spawn_as(&nobody, look_from_outside, &id));
}
END_TEST

void
add_perm_clauses(TCase *tc)
{
	add_common_perm_clauses(tc);
	testing_add(tc, G5_set_copies_uid_gid_mode_qbytes_and_nothing_else);
	testing_add(tc, G7_stat_any_needs_no_right);
}
