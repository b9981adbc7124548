/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_class.c - which rights whom: clause G3, as other uids.  Root made
 * the namespace, as a server that drops its privileges afterwards does.
 */
#include "check_msg.h"

#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

/* What a child finds it may do to queue `id`. */
struct rights {
	int id;
	bool read, write;
};

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

static void
check_rights(const struct who *who, int id, bool read, bool write)
{
	struct rights rights = { id, read, write };
	struct message m;

	put(id, 100, "abc");
	finish(spawn_as(who, must_have, &rights));
	must_eq(stat_of(id).msg_qnum, 2 * write + !read);
	while (take(id, &m, MSGMAX, 0, IPC_NOWAIT) != -1)
		;
}

static const int modes[] = { 0600, 0060, 0006, 0400, 0040, 0004, 0200, 0020,
    0002, 0466, 0646, 0664, 0066, 0606, 0660, 0777 };

START_TEST(G3_the_first_matching_class_decides_alone)
{
	static const struct who owner = { .uid = 65534, .gid = 65534,
	    .ngroups = 1, .groups = { 65533 } };
	static const struct who member = { .uid = 65533, .gid = 65533 };
	static const struct who extra = { .uid = 65532, .gid = 65532,
	    .ngroups = 2, .groups = { 65531, 65533 } };
	static const struct who other = { .uid = 65532, .gid = 65532 };
	int mode = modes[_i], id = make_queue();

	need_root();
	set_owner(id, 65534, 65533, mode);
	check_rights(&owner, id, mode & 0400, mode & 0200);
	check_rights(&member, id, mode & 0040, mode & 0020);
	check_rights(&extra, id, mode & 0040, mode & 0020);
	check_rights(&other, id, mode & 0004, mode & 0002);
}
END_TEST

START_TEST(G3_the_creator_has_the_owners_rights)
{
	struct rights rights;
	int id;

	need_root();
	id = make_queue();
	put(id, 100, "abc");
	set_owner(id, 65534, 65534, 0600);
	rights = (struct rights){ id, true, true };
	/* Root by uid alone: the creator, not the privileged. */
	drop_capabilities();
	must_have(&rights);
}
END_TEST

START_TEST(G3_the_creators_group_is_in_the_group_class)
{
	static const struct who by_gid = { .uid = 65532, .gid = 0 };
	static const struct who by_list = { .uid = 65532, .gid = 65532,
	    .ngroups = 1, .groups = { 0 } };
	int id;

	need_root();
	id = make_queue();
	set_owner(id, nobody.uid, somebody.gid, 0640);
	check_rights(&by_gid, id, true, false);
	check_rights(&by_list, id, true, false);
	set_owner(id, nobody.uid, somebody.gid, 0606);
	check_rights(&by_gid, id, false, false);
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
	check_rights(&nobody, make_mode(rows[_i].mode), rows[_i].read,
	    rows[_i].write);
}
END_TEST

static void
get_with_modes(void *arg)
{
	int id = *(int *)arg;

	must_eq(ipc->msgget(KEY, 0), id);
	must_eq(ipc->msgget(KEY, 0044), id);
	must_eq(ipc->msgget(KEY, 0400), id);
	must_eq(ipc->msgget(KEY, 0040), id);
	must_error(ipc->msgget(KEY, 0600), EACCES);
	must_error(ipc->msgget(KEY, 0020), EACCES);
	must_error(ipc->msgget(KEY, 0002), EACCES);
	must_error(ipc->msgget(KEY, IPC_CREAT | 0001), EACCES);
	must_error(ipc->msgget(KEY, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

START_TEST(G3_get_folds_its_bits_over_all_classes)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0604);

	need_root();
	finish(spawn_as(&nobody, get_with_modes, &id));
}
END_TEST

static void
get_the_id_only(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	must_eq(ipc->msgget(KEY, 0), id);
	must_error(ipc->msgget(KEY, 0400), EACCES);
	must_error(try_put(id, 1, "x"), EACCES);
	must_error(take(id, &m, 1, 0, 0), EACCES);
}

START_TEST(G3_a_stranger_may_learn_the_id)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0600);

	need_root();
	finish(spawn_as(&nobody, get_the_id_only, &id));
	must_drain(id, "");
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
change_by_euid(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	/* No promise was made, so the library looks by itself. */
	must_eq(seteuid(nobody.uid), 0);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT), EACCES);
	must_error(control(id, IPC_RMID), EPERM);
	must_error(ipc->msgget(KEY, 0400), EACCES);
	must_error(try_put(id, 1, "x"), EACCES);
	must_eq(seteuid(0), 0);
	put(id, 1, "x");
	must_drain(id, "x");
	must_eq(seteuid(nobody.uid), 0);
	must_eq(stat_of(make_queue()).msg_perm.cuid, nobody.uid);
}

START_TEST(G3_the_effective_uid_of_the_moment_counts)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0600);

	need_root();
	finish(spawn(BY_FORK, change_by_euid, &id));
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
	    (int)COUNT(modes));
	testing_add(tc, G3_the_creator_has_the_owners_rights);
	testing_add(tc, G3_the_creators_group_is_in_the_group_class);
	testing_add_loop(tc, G3_reading_and_writing_are_separate_rights, 0,
	    6);
	testing_add(tc, G3_get_folds_its_bits_over_all_classes);
	testing_add(tc, G3_a_stranger_may_learn_the_id);
	testing_add(tc, G3_the_privileged_may_all);
	testing_add(tc, G3_others_see_a_change_at_once);
	testing_add(tc, G3_the_effective_uid_of_the_moment_counts);
	testing_add(tc, G3_what_is_asked_before_permission);
}
