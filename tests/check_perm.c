/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_perm.c - who may do what, as far as it is the same of all kinds:
 * clauses G2 (order), G3, G4 and G5, as other uids.  Root made the namespace,
 * as a server that drops its privileges afterwards does.
 */
#include "clauses.h"

#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

void
check_rights(const struct who *who, int id, bool read, bool write)
{
	struct rights rights = { id, read, write };

	finish(spawn_as(who, kind.must_have, &rights));
}

const int modes[NMODES] = { 0600, 0060, 0006, 0400, 0040, 0004, 0200, 0020,
    0002, 0466, 0646, 0664, 0066, 0606, 0660, 0777 };

void
must_decide_by_class(int mode)
{
	static const struct who owner = { .uid = 65534, .gid = 65534,
	    .ngroups = 1, .groups = { 65533 } };
	static const struct who member = { .uid = 65533, .gid = 65533 };
	static const struct who extra = { .uid = 65532, .gid = 65532,
	    .ngroups = 2, .groups = { 65531, 65533 } };
	static const struct who other = { .uid = 65532, .gid = 65532 };
	int id = make_one(IPC_PRIVATE, 0600);

	set_owner(id, 65534, 65533, mode);
	check_rights(&owner, id, mode & 0400, mode & 0200);
	check_rights(&member, id, mode & 0040, mode & 0020);
	check_rights(&extra, id, mode & 0040, mode & 0020);
	check_rights(&other, id, mode & 0004, mode & 0002);
	remove_one(id);
}

START_TEST(G3_the_creator_has_the_owners_rights)
{
	struct rights rights;
	int id;

	need_root();
	id = make_one(IPC_PRIVATE, 0600);
	set_owner(id, 65534, 65534, 0600);
	rights = (struct rights){ id, true, true };
	/* Root by uid alone: the creator, not the privileged. */
	drop_capabilities();
	kind.must_have(&rights);
}
END_TEST

START_TEST(G3_the_creators_group_is_in_the_group_class)
{
	static const struct who by_gid = { .uid = 65532, .gid = 0 };
	static const struct who by_list = { .uid = 65532, .gid = 65532,
	    .ngroups = 1, .groups = { 0 } };
	int id;

	need_root();
	id = make_one(IPC_PRIVATE, 0600);
	set_owner(id, nobody.uid, somebody.gid, 0640);
	check_rights(&by_gid, id, true, false);
	check_rights(&by_list, id, true, false);
	set_owner(id, nobody.uid, somebody.gid, 0606);
	check_rights(&by_gid, id, false, false);
}
END_TEST

static void
get_without_right(void *arg)
{
	int id = *(int *)arg;

	must_eq(kind.get(KEY, 0, 0), id);
	must_error(kind.get(KEY, 0, 0440), EACCES);
	must_error(kind.get(KEY, 0, 0220), EACCES);
	must_error(kind.get(KEY, 0, IPC_CREAT | 0660), EACCES);
	must_error(kind.read(id), EACCES);
	must_error(kind.use(id), EACCES);
}

static void
get_to_read_only(void *arg)
{
	int id = *(int *)arg;

	must_eq(kind.get(KEY, 0, 0040), id);
	must_error(kind.get(KEY, 0, 0020), EACCES);
}

/*
 * Root makes it and gives it away, in a child: those who ask have nothing of
 * it open.
 */
static void
make_and_give(void *arg)
{
	const int id = make_one(KEY, 0600);

	set_owner(id, nobody.uid, somebody.gid, *(const int *)arg);
	board->value[0] = id;
}

static void
check_given(int mode, const struct who *who, void (*body)(void *))
{
	int id;

	finish(spawn(BY_FORK, make_and_give, &mode));
	id = (int)board->value[0];
	finish(spawn_as(who, body, &id));
	remove_one(id);
}

/* Which the mode of a file tells in another place: there are two owners. */
START_TEST(G3_a_group_has_no_more_for_a_second_owners_sake)
{
	static const struct who extra = { .uid = 65531, .gid = 65531,
	    .ngroups = 1, .groups = { 65533 } };
	static const int shut[] = { 0600, 0606, 0604 };

	need_root();
	for (size_t i = 0; i < sizeof(shut) / sizeof(shut[0]); i++) {
		check_given(shut[i], &somebody, get_without_right);
		check_given(shut[i], &extra, get_without_right);
	}
	check_given(0640, &somebody, get_to_read_only);
	check_given(0640, &extra, get_to_read_only);
}
END_TEST

static void
get_as_creator(void *arg)
{
	drop_capabilities();
	get_without_right(arg);
}

/* Both owners are of the owner's class, whosever the file is. */
START_TEST(G3_two_owners_are_shut_out_by_the_owners_bits)
{
	static const struct who root = { .uid = 0, .gid = 0 };

	need_root();
	check_given(0066, &nobody, get_without_right);
	check_given(0066, &root, get_as_creator);
}
END_TEST

static void
get_with_modes(void *arg)
{
	int id = *(int *)arg;

	must_eq(kind.get(KEY, 0, 0), id);
	must_eq(kind.get(KEY, 0, 0044), id);
	must_eq(kind.get(KEY, 0, 0400), id);
	must_eq(kind.get(KEY, 0, 0040), id);
	must_error(kind.get(KEY, 0, 0600), EACCES);
	must_error(kind.get(KEY, 0, 0020), EACCES);
	must_error(kind.get(KEY, 0, 0002), EACCES);
	must_error(kind.get(KEY, 0, IPC_CREAT | 0001), EACCES);
}

START_TEST(G3_get_folds_its_bits_over_all_classes)
{
	int id = make_one(KEY, 0604);

	need_root();
	finish(spawn_as(&nobody, get_with_modes, &id));
}
END_TEST

static void
get_the_id_only(void *arg)
{
	int id = *(int *)arg;

	must_eq(kind.get(KEY, 0, 0), id);
	must_error(kind.get(KEY, 0, 0400), EACCES);
	must_error(kind.read(id), EACCES);
	must_error(kind.use(id), EACCES);
}

START_TEST(G3_a_stranger_may_learn_the_id)
{
	int id = make_one(KEY, 0600);

	need_root();
	finish(spawn_as(&nobody, get_the_id_only, &id));
}
END_TEST

static void
change_by_euid(void *arg)
{
	int id = *(int *)arg;

	/* No promise was made, so the library looks by itself: read() does. */
	must_eq(seteuid(nobody.uid), 0);
	must_error(kind.read(id), EACCES);
	must_error(kind.use(id), EACCES);
	must_error(kind.remove(id), EPERM);
	must_error(kind.get(KEY, 0, 0400), EACCES);
	must_eq(seteuid(0), 0);
	must_eq(kind.read(id), 0);
	must_eq(kind.use(id), 0);
	must_eq(seteuid(nobody.uid), 0);
	must_error(kind.get(KEY, 0, 0400), EACCES);
	must_eq(perm_of(make_one(IPC_PRIVATE, 0600)).cuid, nobody.uid);
}

START_TEST(G3_the_effective_uid_of_the_moment_counts)
{
	int id = make_one(KEY, 0600);

	need_root();
	finish(spawn(BY_FORK, change_by_euid, &id));
}
END_TEST

static void
owner_of_mode_zero(void *arg)
{
	struct rights none = { make_one(IPC_PRIVATE, 0), false, false };
	struct ipc_perm perm = { .uid = geteuid(), .gid = getegid() };

	(void)arg;
	kind.must_have(&none);
	kind.must_be_owners(none.id, 0);
	perm.mode = 0600;
	must_eq(kind.set(none.id, &perm), 0);
	must_eq(kind.use(none.id), 0);
	perm.mode = 0;
	must_eq(kind.set(none.id, &perm), 0);
	remove_one(none.id);
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
	struct ipc_perm perm = perm_of(id);

	must_error(kind.set(id, &perm), EPERM);
	must_error(kind.remove(id), EPERM);
	kind.must_be_owners(id, EPERM);
	must_eq(kind.use(id), 0);
}

START_TEST(G4_a_stranger_with_all_modes_gets_EPERM)
{
	int id = make_one(IPC_PRIVATE, 0777);
	struct sight before, after;

	need_root();
	must_eq(kind.look(id, IPC_STAT, &before), 0);
	finish(spawn_as(&nobody, change_without_right, &id));
	must_eq(kind.look(id, IPC_STAT, &after), 0);
	must_eq(after.perm.mode, before.perm.mode);
	must_eq(after.perm.uid, before.perm.uid);
	must_eq(after.ctime, before.ctime);
}
END_TEST

static void
remove_it(void *arg)
{
	remove_one(*(int *)arg);
}

START_TEST(G4_the_new_owner_may_remove)
{
	int id = make_one(KEY, 0600);

	need_root();
	set_owner(id, nobody.uid, nobody.gid, 0600);
	finish(spawn_as(&nobody, remove_it, &id));
	must_error(kind.get(KEY, 0, 0), ENOENT);
	kind.must_be_gone(id);
	kind.must_be_none();
}
END_TEST

static void
make_and_leave(void *arg)
{
	(void)arg;
	board->value[0] = make_one(KEY, 0600);
}

/* One that nobody made, who may do little. */
static int
make_as_nobody(void)
{
	need_root();
	need_capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	finish(spawn_as(&nobody, make_and_leave, NULL));
	return (int)board->value[0];
}

START_TEST(G4_root_may_change_and_remove_anybodys)
{
	int id = make_as_nobody();

	must_eq(perm_of(id).uid, nobody.uid);
	set_owner(id, somebody.uid, somebody.gid, 0640);
	must_eq(perm_of(id).uid, somebody.uid);
	must_eq(perm_of(id).cuid, nobody.uid);
	remove_one(id);
	kind.must_be_gone(id);
}
END_TEST

static void
change_as_creator(void *arg)
{
	int id = *(int *)arg;
	struct ipc_perm perm = perm_of(id);

	perm.mode = 0660;
	if (kind.set(id, &perm) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
	}
	remove_one(id);
	if (kind.goes_at_once)
		kind.must_be_none();	/* whoever's the file is */
}

START_TEST(G4_the_creator_may_remove_what_was_given_away)
{
	int id = make_as_nobody();

	set_owner(id, somebody.uid, somebody.gid, 0600);
	finish(spawn_as(&nobody, change_as_creator, &id));
	must_error(kind.get(KEY, 0, 0), ENOENT);
	kind.must_be_none();
	kind.must_be_gone(id);
}
END_TEST

START_TEST(G5_set_gives_to_uid_and_gid)
{
	int id = make_one(IPC_PRIVATE, 0600);
	struct ipc_perm perm;

	need_root();
	check_rights(&nobody, id, false, false);
	set_owner(id, nobody.uid, nobody.gid, 0600);
	perm = perm_of(id);
	must_eq(perm.uid, nobody.uid);
	must_eq(perm.gid, nobody.gid);
	must(perm.cuid == 0 && perm.cgid == 0);
	check_rights(&nobody, id, true, true);
	check_rights(&somebody, id, false, false);
	set_owner(id, 0, somebody.gid, 0640);
	check_rights(&nobody, id, false, false);
	check_rights(&somebody, id, true, false);
}
END_TEST

START_TEST(G5_an_impossible_uid_is_EINVAL)
{
	int id = make_one(IPC_PRIVATE, 0600);
	struct ipc_perm perm = perm_of(id);

	perm.uid = (uid_t)-1;
	must_error(kind.set(id, &perm), EINVAL);
	perm.uid = geteuid();
	perm.gid = (gid_t)-1;
	must_error(kind.set(id, &perm), EINVAL);
	must_eq(perm_of(id).uid, geteuid());
}
END_TEST

static void
give_away(void *arg)
{
	int id = make_one(IPC_PRIVATE, 0600);
	struct ipc_perm perm = perm_of(id);

	(void)arg;
	perm.uid = somebody.uid;
	if (kind.set(id, &perm) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
		must_eq(perm_of(id).uid, nobody.uid);
		id = -1;
	} else {
		must_eq(perm_of(id).uid, somebody.uid);
		must_eq(kind.use(id), 0);	/* as its creator */
	}
	board->value[0] = id;
}

START_TEST(G5_a_plain_owner_gives_away_or_gets_EPERM)
{
	need_root();
	finish(spawn_as(&nobody, give_away, NULL));
	if (board->value[0] != -1) {
		check_rights(&somebody, (int)board->value[0], true, true);
		check_rights(&worker, (int)board->value[0], false, false);
	}
}
END_TEST

static void
ask_too_much(void *arg)
{
	(void)arg;
	must_error(kind.get(KEY, 2 * kind.size, 0600), EINVAL);
	must_error(kind.get(KEY, kind.size, 0600), EACCES);
	must_error(kind.get(KEY, 2 * kind.size, IPC_CREAT | IPC_EXCL | 0600),
	    EEXIST);
}

START_TEST(G2_size_comes_before_permission)
{
	need_root();
	make_one(KEY, 0600);
	finish(spawn_as(&nobody, ask_too_much, NULL));
}
END_TEST

void
add_common_perm_clauses(TCase *tc)
{
	testing_add(tc, G3_the_creator_has_the_owners_rights);
	testing_add(tc, G3_the_creators_group_is_in_the_group_class);
	testing_add(tc, G3_a_group_has_no_more_for_a_second_owners_sake);
	testing_add(tc, G3_two_owners_are_shut_out_by_the_owners_bits);
	testing_add(tc, G3_get_folds_its_bits_over_all_classes);
	testing_add(tc, G3_a_stranger_may_learn_the_id);
	testing_add(tc, G3_the_effective_uid_of_the_moment_counts);
	testing_add(tc, G4_mode_plays_no_part_for_the_owner);
	testing_add(tc, G4_a_stranger_with_all_modes_gets_EPERM);
	testing_add(tc, G4_the_new_owner_may_remove);
	testing_add(tc, G4_root_may_change_and_remove_anybodys);
	testing_add(tc, G4_the_creator_may_remove_what_was_given_away);
	testing_add(tc, G5_set_gives_to_uid_and_gid);
	testing_add(tc, G5_an_impossible_uid_is_EINVAL);
	testing_add(tc, G5_a_plain_owner_gives_away_or_gets_EPERM);
	if (kind.size != 0)
		testing_add(tc, G2_size_comes_before_permission);
}
