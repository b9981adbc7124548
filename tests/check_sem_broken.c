/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_broken.c - a right implementation with one thing made wrong.
 *
 * A clause test that cannot fail proves nothing.  Each row wraps a call and
 * names the tests that must see it: clauses_catch.sh runs them.
 *
 * The wrapped one is the kernel where it can be had, else mipc's anonymous
 * store.
 */
#include "check_sem_broken.h"

#include <sys/mman.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct broken_memory *broken_memory;
const struct backend *right;
int error_was, error_is;

static broken_op *timed_op;

/* ---- get ---- */

static int
get_private_once(key_t key, int nsems, int flags)
{
	int id;

	if (key == IPC_PRIVATE && broken_memory->first != 0)
		return broken_memory->first - 1;
	id = right->semget(key, nsems, flags);
	broken_memory->first = id + 1;
	return id;
}

static int
get_size_before_excl(key_t key, int nsems, int flags)
{
	int id = right->semget(key, nsems, flags), error = errno;

	if (id == -1 && error == EEXIST && right->semget(key, nsems, 0) == -1)
		return -1;
	errno = error;
	return id;
}

static int
get_permission_before_size(key_t key, int nsems, int flags)
{
	int id = right->semget(key, nsems, flags);

	if (id == -1 && errno == EINVAL &&
	    right->semget(key, 0, flags) == -1 && errno == EACCES)
		return -1;
	if (id == -1)
		errno = EINVAL;
	return id;
}

static int
get_asks_nothing(key_t key, int nsems, int flags)
{
	int id = right->semget(key, nsems, flags), error = errno;

	if (id == -1 && error == EACCES)
		return right->semget(key, nsems, flags & ~0777);
	errno = error;
	return id;
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
get_low_key(key_t key, int nsems, int flags)
{
	return right->semget(key & 0xffffff, nsems, flags);
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

static int
get_no_limit(key_t key, int nsems, int flags)
{
	int id = right->semget(key, nsems, flags);

	if (id == -1 && errno == ENOSPC)
		errno = ENOMEM;
	return id;
}

static int
op_untimed(int id, struct sembuf *ops, size_t nops)
{
	return timed_op(id, ops, nops, NULL);
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

static void (*alter)(int id, int cmd, union semun arg);

static int
ctl_altered(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer != -1)
		alter(id, cmd, arg);
	return answer;
}

/* ---- the table ---- */

static const struct breakage {
	const char *name, *clause;	/* clause: a pattern of test names */
	int (*get)(key_t key, int nsems, int flags);
	broken_op *op;
	broken_ctl *ctl;
	void (*alter)(int id, int cmd, union semun arg);
	int was, is;			/* errno */
} breakages[] = {
	{ "private-once", "G1_*", .get = get_private_once },
	{ "size-before-excl", "G2_what*", .get = get_size_before_excl },
	{ "low-key", "G2_all*", .get = get_low_key },
	{ "permission-before-size", "G2_size*",
	    .get = get_permission_before_size },
	{ "get-asks-nothing", "G3_get*", .get = get_asks_nothing },
	{ "getval-for-all", "G3_the_first*", .ctl = ctl_reads_for_all },
	{ "eperm-is-eacces", "G4_*", .ctl = ctl_other_error,
	    .was = EPERM, .is = EACCES },
	{ "set-changes-creator", "G5_set_copies*", .alter = other_creator },
	{ "stale-ids-live", "G6_stale*", .ctl = ctl_any_index },
	{ "index-for-id", "G7_*", .ctl = ctl_index_only },
	{ "top-is-a-count", "G8_*", .ctl = ctl_counts_for_top },
	{ "dirty-values", "S1_*", .get = get_dirty },
	{ "one-for-none", "G2_what*", .get = get_one_for_none },
	{ "any-timeout", "S2_*", .op = op_any_timeout },
	{ "efbig-is-einval", "S2_*", .op = op_other_error, .was = EFBIG,
	    .is = EINVAL },
	{ "e2big-is-einval", "S2_*", .op = op_other_error, .was = E2BIG,
	    .is = EINVAL },
	{ "adds-first", "S3_a_vector_does*", .op = op_adds_first },
	{ "piecewise", "S3_a_vector_does*", .op = op_piecewise },
	{ "any-nowait", "S3_a_vector_does*", .op = op_any_nowait },
	{ "erange-is-eagain", "S3_a_vector_does*", .op = op_other_error,
	    .was = ERANGE, .is = EAGAIN },
	{ "ncnt-of-all", "S4_all*", .ctl = ctl_counts_all },
	{ "ncnt-with-zcnt", "S4_all*", .ctl = ctl_zero_tests_too },
	{ "newcomers-steal", "S5_a_newcomer_cannot*", .op = op_barges,
	    .ctl = ctl_counts_bargers },
	{ "nobody-is-first", "S5_a_crowd*", .op = op_barges,
	    .ctl = ctl_counts_bargers },
	{ "caller-is-last", "S6_*", .ctl = ctl_caller_is_last },
	{ "zero-test-unsigned", "S6_every*", .op = op_zero_test_unsigned,
	    .ctl = ctl_kept_pid },
	{ "zero-test-unmarked", "S7_what*", .op = op_zero_test_unmarked,
	    .alter = kept_otime },
	{ "op-is-a-change", "S7_what*", .alter = op_is_a_change },
	{ "setval-keeps-debts", "S8_setval_voids*",
	    .ctl = ctl_setval_keeps_debts },
	{ "setall-one-by-one", "S8_setall_checks*",
	    .ctl = ctl_setall_one_by_one },
	{ "id-before-value", "S8_setval_checks*",
	    .ctl = ctl_id_before_value },
	{ "null-is-einval", "S9_a_null*", .ctl = ctl_other_error,
	    .was = EFAULT, .is = EINVAL },
	{ "no-range-of-debts", "S10_*", .op = op_without_range },
	{ "undo-forgotten", "S11_however_it_ends_it*",
	    .op = op_forgets_undo },
	{ "debts-of-threads", "S12_threads*",
	    .op = op_with_debts_of_threads },
	{ "half-the-time", "S13_a_wait*", .op = op_in_half_the_time },
	{ "expiry-is-eintr", "S13_a_wait*", .op = op_other_error,
	    .was = EAGAIN, .is = EINTR },
	{ "restarts", "S14_stop*", .op = op_restarts },
	{ "eintr-is-eagain", "S14_a_handler*", .op = op_other_error,
	    .was = EINTR, .is = EAGAIN },
	{ "eidrm-is-einval", "S15_removal*", .op = op_other_error,
	    .was = EIDRM, .is = EINVAL },
	{ "small-limits", "S16_limits*", .alter = small_limits },
	{ "counts-nothing", "S16_sem_info*", .alter = no_counts },
	{ "no-enospc", "S16_SEMM*", .get = get_no_limit },
	{ "jumper-still-sleeps", "S17_a_jump*", .op = op_counts_itself,
	    .ctl = ctl_counts_calls },
	{ "handler-serves-its-thread", "S17_a_handler_may*sleeps",
	    .op = op_barges, .ctl = ctl_counts_bargers },
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
		b->semget = with->get;
	if (with->op != NULL) {
		b->semop = op_untimed;
		b->semtimedop = timed_op = with->op;
	}
	if (with->ctl != NULL)
		b->semctl = with->ctl;
	if (with->alter != NULL)
		b->semctl = ctl_altered;
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
