/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_perm.c - who may change and remove, and what IPC_SET changes:
 * clauses G4, G5 and G7, as other uids.
 */
#include "check_msg.h"

#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

static struct msqid_ds
settings(uid_t uid, gid_t gid, int mode)
{
	struct msqid_ds ds;

	memset(&ds, 0, sizeof(ds));
	ds.msg_perm.uid = uid;
	ds.msg_perm.gid = gid;
	ds.msg_perm.mode = (unsigned short)mode;
	ds.msg_qbytes = MSGMNB;
	return ds;
}

static void
owner_of_mode_zero(void *arg)
{
	struct msqid_ds ds = settings(geteuid(), getegid(), 0600), now;
	int id = make_mode(0);
	struct message m;

	(void)arg;
	must_error(try_put(id, 1, "x"), EACCES);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT), EACCES);
	must_error(control_buf(id, IPC_STAT, &now), EACCES);
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	put(id, 1, "x");
	must_drain(id, "x");
	ds.msg_perm.mode = 0;
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	remove_queue(id);
}

START_TEST(G4_mode_plays_no_part_for_the_owner)
{
	need_root();
	if (geteuid() == 0) {
		finish(spawn_as(&nobody, owner_of_mode_zero, NULL));
	} else {
		drop_capabilities();
		owner_of_mode_zero(NULL);
	}
}
END_TEST

static void
change_without_right(void *arg)
{
	int id = *(int *)arg;
	struct msqid_ds ds = stat_of(id);

	must_error(control_buf(id, IPC_SET, &ds), EPERM);
	ds.msg_qbytes = 1;
	must_error(control_buf(id, IPC_SET, &ds), EPERM);
	must_error(control(id, IPC_RMID), EPERM);
	put(id, 1, "x");
}

START_TEST(G4_a_stranger_with_all_modes_gets_EPERM)
{
	int id = make_mode(0777);
	struct msqid_ds before = stat_of(id), after;

	need_root();
	finish(spawn_as(&nobody, change_without_right, &id));
	after = stat_of(id);
	must_eq(after.msg_perm.mode, before.msg_perm.mode);
	must_eq(after.msg_perm.uid, before.msg_perm.uid);
	must_eq(after.msg_ctime, before.msg_ctime);
	must_eq(after.msg_qbytes, MSGMNB);
	must_drain(id, "x");
}
END_TEST

static void
remove_it(void *arg)
{
	remove_queue(*(int *)arg);
}

START_TEST(G4_the_new_owner_may_remove)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0600);

	need_root();
	put(id, 1, "x");
	set_owner(id, nobody.uid, nobody.gid, 0600);
	finish(spawn_as(&nobody, remove_it, &id));
	must_error(ipc->msgget(KEY, 0), ENOENT);
	must_be_gone(id);
	must_eq(info(MSG_INFO).msgpool, 0);
	must_eq(info(MSG_INFO).msgmap, 0);
}
END_TEST

static void
make_and_leave(void *arg)
{
	(void)arg;
	board->value[0] = ipc->msgget(KEY, IPC_CREAT | 0600);
	must(board->value[0] != -1);
	put((int)board->value[0], 1, "x");
}

START_TEST(G4_root_may_change_and_remove_anybodys)
{
	int id;

	need_root();
	need_capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	finish(spawn_as(&nobody, make_and_leave, NULL));
	id = (int)board->value[0];
	must_eq(stat_of(id).msg_perm.uid, nobody.uid);
	set_owner(id, somebody.uid, somebody.gid, 0640);
	must_eq(stat_of(id).msg_perm.uid, somebody.uid);
	must_eq(stat_of(id).msg_perm.cuid, nobody.uid);
	must_drain(id, "x");
	remove_queue(id);
	must_be_gone(id);
}
END_TEST

static void
change_as_creator(void *arg)
{
	int id = *(int *)arg;
	struct msqid_ds ds = stat_of(id);

	ds.msg_perm.mode = 0660;
	if (control_buf(id, IPC_SET, &ds) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
	}
	remove_queue(id);
	/* Whoever's the file is: gone. */
	must_eq(info(MSG_INFO).msgpool, 0);
	must_eq(info(MSG_INFO).msgtql, 0);
	must_eq(top(MSG_INFO), 0);
}

START_TEST(G4_the_creator_may_remove_what_was_given_away)
{
	int id;

	need_root();
	need_capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	finish(spawn_as(&nobody, make_and_leave, NULL));
	id = (int)board->value[0];
	set_owner(id, somebody.uid, somebody.gid, 0600);
	finish(spawn_as(&nobody, change_as_creator, &id));
	must_error(ipc->msgget(KEY, 0), ENOENT);
	must_eq(info(MSG_INFO).msgpool, 0);
	must_be_gone(id);
}
END_TEST

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

static void
use_it(void *arg)
{
	put(*(int *)arg, 1, "x");
	must_drain(*(int *)arg, "x");
}

static void
only_read_it(void *arg)
{
	must_error(try_put(*(int *)arg, 1, "x"), EACCES);
	must_drain(*(int *)arg, "");
}

static void
not_touch_it(void *arg)
{
	struct message m;

	must_error(try_put(*(int *)arg, 1, "x"), EACCES);
	must_error(take(*(int *)arg, &m, 1, 0, IPC_NOWAIT), EACCES);
}

START_TEST(G5_set_gives_to_uid_and_gid)
{
	int id = make_queue();
	struct msqid_ds ds;

	need_root();
	finish(spawn_as(&nobody, not_touch_it, &id));
	set_owner(id, nobody.uid, nobody.gid, 0600);
	ds = stat_of(id);
	must_eq(ds.msg_perm.uid, nobody.uid);
	must_eq(ds.msg_perm.gid, nobody.gid);
	must(ds.msg_perm.cuid == 0 && ds.msg_perm.cgid == 0);
	finish(spawn_as(&nobody, use_it, &id));
	finish(spawn_as(&somebody, not_touch_it, &id));
	set_owner(id, 0, somebody.gid, 0640);
	finish(spawn_as(&nobody, not_touch_it, &id));
	finish(spawn_as(&somebody, only_read_it, &id));
}
END_TEST

START_TEST(G5_an_impossible_uid_is_EINVAL)
{
	int id = make_queue();
	struct msqid_ds ds = stat_of(id);

	ds.msg_qbytes = 99;
	ds.msg_perm.uid = (uid_t)-1;
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	ds.msg_perm.uid = geteuid();
	ds.msg_perm.gid = (gid_t)-1;
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	must_eq(stat_of(id).msg_perm.uid, geteuid());
	must_eq(stat_of(id).msg_qbytes, MSGMNB);
}
END_TEST

static void
give_away(void *arg)
{
	int id = make_queue();
	struct msqid_ds ds = stat_of(id);

	(void)arg;
	ds.msg_perm.uid = somebody.uid;
	if (control_buf(id, IPC_SET, &ds) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
		must_eq(stat_of(id).msg_perm.uid, nobody.uid);
		id = -1;
	} else {
		must_eq(stat_of(id).msg_perm.uid, somebody.uid);
		use_it(&id);		/* as its creator */
	}
	board->value[0] = id;
}

START_TEST(G5_a_plain_owner_gives_away_or_gets_EPERM)
{
	int id;

	need_root();
	finish(spawn_as(&nobody, give_away, NULL));
	id = (int)board->value[0];
	if (id != -1) {
		finish(spawn_as(&somebody, use_it, &id));
		finish(spawn_as(&worker, not_touch_it, &id));
	}
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
	testing_add(tc, G4_mode_plays_no_part_for_the_owner);
	testing_add(tc, G4_a_stranger_with_all_modes_gets_EPERM);
	testing_add(tc, G4_the_new_owner_may_remove);
	testing_add(tc, G4_root_may_change_and_remove_anybodys);
	testing_add(tc, G4_the_creator_may_remove_what_was_given_away);
	testing_add(tc, G5_set_copies_uid_gid_mode_qbytes_and_nothing_else);
	testing_add(tc, G5_set_gives_to_uid_and_gid);
	testing_add(tc, G5_an_impossible_uid_is_EINVAL);
	testing_add(tc, G5_a_plain_owner_gives_away_or_gets_EPERM);
	testing_add(tc, G7_stat_any_needs_no_right);
}
