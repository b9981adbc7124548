/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_broken.h - the wrappers that break something, for the table of
 * them in check_sem_broken.c.
 */
#ifndef CHECK_SEM_BROKEN_H
#define CHECK_SEM_BROKEN_H

#include "broken.h"
#include "check_sem.h"

#define BROKEN_SETS	64

/* What wrappers remember, on shared memory: children wrap too. */
struct set_memory {
	_Atomic int waiting[2][8];	/* GETNCNT, GETZCNT: by semaphore */
	_Atomic int inside;		/* calls not returned from */
	_Atomic pid_t pid[8];		/* shown by GETPID, + 1, if not 0 */
	/* shown as otime, + 1, if not 0 */
	_Atomic long long otime[BROKEN_SETS];
};

#define broken_memory	((struct set_memory *)broken_shared)

typedef int broken_op(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit);
typedef int broken_ctl(int id, int num, int cmd, union semun arg);

broken_op op_any_timeout, op_other_error, op_adds_first, op_piecewise,
    op_any_nowait, op_forgets_undo, op_without_range,
    op_with_debts_of_threads, op_in_half_the_time, op_restarts,
    op_counts_itself, op_zero_test_unmarked, op_zero_test_unsigned,
    op_barges;
broken_ctl ctl_any_index, ctl_other_error, ctl_index_only,
    ctl_counts_for_top, ctl_reads_for_all, ctl_counts_all,
    ctl_zero_tests_too, ctl_counts_bargers, ctl_counts_calls,
    ctl_caller_is_last, ctl_kept_pid, ctl_setval_keeps_debts,
    ctl_setall_one_by_one, ctl_id_before_value;

#endif
