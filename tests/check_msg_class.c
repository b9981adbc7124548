/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_class.c - who may read and write a queue: clause G3, beside what
 * is the same of all kinds.
 */
#include "check_msg.h"

#include <linux/capability.h>

/* A call that must succeed if `may`, else fail by EACCES. */
#define may_be(call, may) \
	((may) ? must((call) != -1) : must_error((call), EACCES))
/* One that must fail by an error if `may`, else by EACCES. */
#define may_fail(call, error, may) \
	must_error((call), (may) ? (error) : EACCES)

static void
must_read(int id, bool may)
{
	struct msqid_ds ds;
	struct message m;

	may_be(control_buf(id, IPC_STAT, &ds), may);
	may_be(control_buf(id % IDS_MAX, MSG_STAT, &ds), may);
	may_fail(take(id, &m, 9, 77, IPC_NOWAIT), ENOMSG, may);
	may_fail(take(id, &m, 9, -7, IPC_NOWAIT), ENOMSG, may);
	may_fail(take(id, &m, 9, 77, IPC_NOWAIT | MSG_COPY), ENOMSG, may);
	may_fail(take(id, &m, 1, 100, IPC_NOWAIT), E2BIG, may);
	may_be(take(id, &m, 9, 0, IPC_NOWAIT | MSG_COPY), may);
	may_be(take(id, &m, 9, 100, 0), may);
}

static void
must_write(int id, bool may)
{
	may_be(try_put(id, 99, "x"), may);
	may_be(try_put_bytes(id, 99, 0, 0), may);
}

/* The queue holds one message of type 100, and two more if it may. */
static void
must_have(void *arg)
{
	const struct rights *r = arg;
	struct msqid_ds ds;

	must_read(r->id, r->read);
	must_write(r->id, r->write);
	must_eq(control_buf(r->id % IDS_MAX, MSG_STAT_ANY, &ds), r->id);
	/* Whoever may not open it sees its owner and mode alone. */
	must((int)ds.msg_qnum == 2 * r->write + !r->read ||
	    (backend_has(HAS_FILES) && !r->read));
}

/* Whatever else is in the queue. */
void
must_have_rights(void *arg)
{
	const struct rights *r = arg;
	struct msqid_ds ds;
	struct message m;

	may_be(control_buf(r->id, IPC_STAT, &ds), r->read);
	may_be(control_buf(r->id % IDS_MAX, MSG_STAT, &ds), r->read);
	may_fail(take(r->id, &m, 9, 77, IPC_NOWAIT), ENOMSG, r->read);
	may_fail(take(r->id, &m, 9, 77, IPC_NOWAIT | MSG_COPY), ENOMSG,
	    r->read);
	may_be(try_put(r->id, 99, "x"), r->write);
	if (r->read && r->write)
		must_take(r->id, 99, 0, 99, "x");
	must_eq(control_buf(r->id % IDS_MAX, MSG_STAT_ANY, &ds), r->id);
}

static void
check_with_message(const struct who *who, int id, bool read, bool write)
{
	struct rights rights = { id, read, write };
	struct message m;

	put(id, 100, "abc");
	finish(spawn_as(who, must_have, &rights));
	must_eq(stat_of(id).msg_qnum, 2 * write + !read);
	while (take(id, &m, MSGMAX, 0, IPC_NOWAIT) != -1)
		;
}

START_TEST(G3_the_first_matching_class_decides_alone)
{
	need_root();
	must_decide_by_class(modes[_i]);
}
END_TEST

START_TEST(G3_reading_and_writing_are_separate_rights)
{
	static const struct {
		int mode;
		bool read, write;
	} rows[] = {
		{ 0666, true, true }, { 0664, true, false },
		{ 0662, false, true }, { 0660, false, false },
		{ 0661, false, false }, { 0663, false, true },
	};

	need_root();
	check_with_message(&nobody, make_mode(rows[_i].mode),
	    rows[_i].read, rows[_i].write);
}
END_TEST

START_TEST(G3_the_privileged_may_all)
{
	struct rights rights;

	need_capability(CAP_IPC_OWNER, "CAP_IPC_OWNER");
	need_capability(CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE");
	rights = (struct rights){ make_mode(0), true, true };
	put(rights.id, 100, "abc");
	must_have(&rights);
	must_eq(stat_of(rights.id).msg_perm.mode, 0);
}
END_TEST

static void
look_twice(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	for (int i = 0; i < 3; i++) {
		put(id, 1, "x");
		must_eq(ipc->msgget(KEY, 0660), id);
	}
	reach(1);
	await(2);
	must_error(ipc->msgget(KEY, 0220), EACCES);
	must_error(try_put(id, 1, "x"), EACCES);
	must_take(id, 1, 0, 1, "x");
	reach(3);
	await(4);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT), EACCES);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT | MSG_COPY), EACCES);
	reach(5);
	await(6);
	must_error(try_put(id, 1, "x"), EINVAL);
}

START_TEST(G3_others_see_a_change_at_once)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0666);
	pid_t pid;

	need_root();
	pid = spawn_as(&nobody, look_twice, &id);
	await(1);
	set_owner(id, 0, 0, 0644);
	reach(2);
	await(3);
	set_owner(id, 0, 0, 0600);
	reach(4);
	await(5);
	must_be(id, 2, 2);
	remove_queue(id);
	reach(6);
	finish(pid);
}
END_TEST

static void
ask_wrongly(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	/* What is wrong with the call itself is told to everybody. */
	must_error(try_put(id, 0, "x"), EINVAL);
	must_error(try_put_bytes(id, 1, MSGMAX + 1, 0), EINVAL);
	must_error(take(id, &m, (size_t)-1, 0, 0), EINVAL);
	must_error(take(id, &m, 1, 0, MSG_COPY), EINVAL);
	must_error(take(id, &m, 1, 1, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT),
	    EINVAL);
	/* That there is no room, or no message, is not. */
	must_error(try_put(id, 1, "x"), EACCES);
	must_error(take(id, &m, 1, 5, IPC_NOWAIT), EACCES);
	must_error(control(id, IPC_RMID), EPERM);
}

START_TEST(G3_what_is_asked_before_permission)
{
	int id = make_queue();

	need_root();
	set_qbytes(id, 0);
	finish(spawn_as(&nobody, ask_wrongly, &id));
}
END_TEST

void
add_class_clauses(TCase *tc)
{
	testing_add_loop(tc, G3_the_first_matching_class_decides_alone, 0,
	    NMODES);
	testing_add_loop(tc, G3_reading_and_writing_are_separate_rights, 0,
	    6);
	testing_add(tc, G3_the_privileged_may_all);
	testing_add(tc, G3_others_see_a_change_at_once);
	testing_add(tc, G3_what_is_asked_before_permission);
}
