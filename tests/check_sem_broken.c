/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_broken.c - what can be made wrong of semaphore sets.
 */
#include "check_sem_broken.h"

/* ---- get ---- */

static int
get(key_t key, unsigned long size, int flags)
{
	return right->semget(key, (int)size, flags);
}

static int
get_one_for_none(key_t key, int nsems, int flags)
{
	int id = right->semget(key, nsems, flags);

	if (id == -1 && nsems == 0 && errno == EINVAL)
		return right->semget(key, 1, flags);
	return id;
}

static int
get_dirty(key_t key, int nsems, int flags)
{
	int id = right->semget(key, nsems, flags);
	struct sembuf one = { .sem_num = (unsigned short)(nsems - 1),
	    .sem_op = 1 };

	if (id != -1 && key == IPC_PRIVATE && nsems > 100)
		right->semop(id, &one, 1);
	return id;
}

/* ---- what a successful ctl answers ---- */

static bool
is_stat(int cmd)
{
	return cmd == IPC_STAT || cmd == SEM_STAT || cmd == SEM_STAT_ANY;
}

static void
other_creator(int id, int cmd, union semun arg)
{
	(void)id;
	if (is_stat(cmd))
		arg.buf->sem_perm.cuid = arg.buf->sem_perm.uid + 1;
}

static void
op_is_a_change(int id, int cmd, union semun arg)
{
	(void)id;
	if (is_stat(cmd) && arg.buf->sem_ctime < arg.buf->sem_otime)
		arg.buf->sem_ctime = arg.buf->sem_otime;
}

static void
kept_otime(int id, int cmd, union semun arg)
{
	if (cmd == IPC_STAT && broken_memory->otime[id % BROKEN_SETS] != 0)
		arg.buf->sem_otime = broken_memory->otime[id % BROKEN_SETS] - 1;
}

static void
small_limits(int id, int cmd, union semun arg)
{
	(void)id;
	if (cmd == IPC_INFO)
		arg.info->semmsl = 250;
}

static void
no_counts(int id, int cmd, union semun arg)
{
	(void)id;
	if (cmd == SEM_INFO)
		arg.info->semaem = SEMVMX;
}

/* ---- the table ---- */

static const struct breakage breakages[] = {
	BREAK("private-once", "G1_*", .get = get_private_once),
	BREAK("size-before-excl", "G2_what*", .get = get_size_before_excl),
	BREAK("low-key", "G2_all*", .get = get_low_key),
	BREAK("permission-before-size", "G2_size*",
	    .get = get_permission_before_size),
	BREAK("get-asks-nothing", "G3_get*", .get = get_asks_nothing),
	BREAK("getval-for-all", "G3_the_first*",
	    .with.semctl = ctl_reads_for_all),
	BREAK("eperm-is-eacces", "G4_*", .with.semctl = ctl_other_error,
	    .was = EPERM, .is = EACCES),
	BREAK("set-changes-creator", "G5_set_copies*",
	    .alter_sem = other_creator),
	BREAK("stale-ids-live", "G6_stale*", .with.semctl = ctl_any_index),
	BREAK("index-for-id", "G7_*", .with.semctl = ctl_index_only),
	BREAK("top-is-a-count", "G8_*", .with.semctl = ctl_counts_for_top),
	BREAK("dirty-values", "S1_*", .with.semget = get_dirty),
	BREAK("one-for-none", "G2_what*", .with.semget = get_one_for_none),
	BREAK("any-timeout", "S2_*", .with.semtimedop = op_any_timeout),
	BREAK("efbig-is-einval", "S2_*", .with.semtimedop = op_other_error,
	    .was = EFBIG, .is = EINVAL),
	BREAK("e2big-is-einval", "S2_*", .with.semtimedop = op_other_error,
	    .was = E2BIG, .is = EINVAL),
	BREAK("adds-first", "S3_a_vector_does*",
	    .with.semtimedop = op_adds_first),
	BREAK("piecewise", "S3_a_vector_does*",
	    .with.semtimedop = op_piecewise),
	BREAK("any-nowait", "S3_a_vector_does*",
	    .with.semtimedop = op_any_nowait),
	BREAK("erange-is-eagain", "S3_a_vector_does*",
	    .with.semtimedop = op_other_error, .was = ERANGE, .is = EAGAIN),
	BREAK("ncnt-of-all", "S4_all*", .with.semctl = ctl_counts_all),
	BREAK("ncnt-with-zcnt", "S4_all*", .with.semctl = ctl_zero_tests_too),
	BREAK("newcomers-steal", "S5_a_newcomer_cannot*",
	    .with.semtimedop = op_barges, .with.semctl = ctl_counts_bargers),
	BREAK("nobody-is-first", "S5_a_crowd*", .with.semtimedop = op_barges,
	    .with.semctl = ctl_counts_bargers),
	BREAK("caller-is-last", "S6_*", .with.semctl = ctl_caller_is_last),
	BREAK("zero-test-unsigned", "S6_every*",
	    .with.semtimedop = op_zero_test_unsigned,
	    .with.semctl = ctl_kept_pid),
	BREAK("zero-test-unmarked", "S7_what*",
	    .with.semtimedop = op_zero_test_unmarked, .alter_sem = kept_otime),
	BREAK("op-is-a-change", "S7_what*", .alter_sem = op_is_a_change),
	BREAK("setval-keeps-debts", "S8_setval_voids*",
	    .with.semctl = ctl_setval_keeps_debts),
	BREAK("setall-one-by-one", "S8_setall_checks*",
	    .with.semctl = ctl_setall_one_by_one),
	BREAK("id-before-value", "S8_setval_checks*",
	    .with.semctl = ctl_id_before_value),
	BREAK("null-is-einval", "S9_a_null*", .with.semctl = ctl_other_error,
	    .was = EFAULT, .is = EINVAL),
	BREAK("no-range-of-debts", "S10_*",
	    .with.semtimedop = op_without_range),
	BREAK("undo-forgotten", "S11_however_it_ends_it*",
	    .with.semtimedop = op_forgets_undo),
	BREAK("debts-of-threads", "S12_threads*",
	    .with.semtimedop = op_with_debts_of_threads),
	BREAK("half-the-time", "S13_a_wait*",
	    .with.semtimedop = op_in_half_the_time),
	BREAK("expiry-is-eintr", "S13_a_wait*",
	    .with.semtimedop = op_other_error, .was = EAGAIN, .is = EINTR),
	BREAK("restarts", "S14_stop*", .with.semtimedop = op_restarts),
	BREAK("eintr-is-eagain", "S14_a_handler*",
	    .with.semtimedop = op_other_error, .was = EINTR, .is = EAGAIN),
	BREAK("eidrm-is-einval", "S15_removal*",
	    .with.semtimedop = op_other_error, .was = EIDRM, .is = EINVAL),
	BREAK("small-limits", "S16_limits*", .alter_sem = small_limits),
	BREAK("counts-nothing", "S16_sem_info*", .alter_sem = no_counts),
	BREAK("no-enospc", "S16_SEMM*", .get = get_no_limit),
	BREAK("jumper-still-sleeps", "S17_a_jump*",
	    .with.semtimedop = op_counts_itself,
	    .with.semctl = ctl_counts_calls),
	BREAK("handler-serves-its-thread", "S17_a_handler_may*sleeps",
	    .with.semtimedop = op_barges, .with.semctl = ctl_counts_bargers),
};

const struct broken_kind broken_kind = {
	.rows = breakages,
	.n = COUNT(breakages),
	.get = get,
	.memory = sizeof(struct set_memory),
};
