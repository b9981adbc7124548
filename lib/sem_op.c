/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_op.c - semop and semtimedop: clauses S2, S3, S7, S13.
 *
 * One operation without SEM_UNDO on a semaphore that nobody claims is one swap
 * of its word.  Everything else is a transaction: vectors, SEM_UNDO, and
 * semaphores that somebody sleeps on.  No lock is taken in either, so there is
 * none to wait for.
 *
 * Before an answer that a dead process's debts could change (EAGAIN, ERANGE,
 * a test for zero, sleep) the dead are looked for and settled.
 */
#include "sem.h"

#include <errno.h>
#include <string.h>

#include "crash.h"
#include "mipc.h"
#include "still.h"
#include "use.h"

struct call {
	struct mipc_set *set;
	struct mipc_plan *plan;
	uint64_t deadline;		/* monotonic ns; 0: do not wait */
	bool tests, alters, undoes;
};

/* --- one operation, one swap ------------------------------------------- */

/*
 * 0; EBUSY, ERANGE or EAGAIN as they seem; EALREADY: another way is needed.
 * The time goes first: it may be one operation ahead of a killed one.
 */
static int
swap_one(const struct mipc_set *set, const struct mipc_op *op, uint32_t pid)
{
	mipc_u64 *word = &set->head->sem[op->num];
	uint64_t old = mipc_take(word);
	int32_t value;

	for (;;) {
		if ((old & MIPC_SEM_SLOW) != 0)
			return EALREADY;
		/* After the word was read: an older set's is not ours. */
		if (mipc_take(&set->head->object.id) != set->use.opened->id)
			return EIDRM;
		value = (int32_t)MIPC_SEM_VALUE(old);
		if (op->op == 0 ? value != 0 : value + op->op < 0)
			return EBUSY;
		value += op->op;
		if (value > MIPC_SEMVMX)
			return ERANGE;
		mipc_sem_note_time(set->head);
		mipc_crash_point("sem: before the swap");
		if (mipc_swap_if(word, &old, MIPC_SEM_WORD(old, value, pid)))
			return 0;
	}
}

/* --- a transaction ----------------------------------------------------- */

/* Does it make a debtor, whom no sleeper may have listed? */
static bool
owes_after(const struct mipc_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->touch[i].adjust != 0)
			return true;
	return false;
}

static int
commit(const struct call *call, uint64_t seen, uint32_t heir)
{
	struct mipc_set *set = call->set;
	struct mipc_semset *head = set->head;
	struct mipc_txn txn;
	int error;

	error = mipc_txn_open(&txn, &set->board,
	    mipc_plan_words(call->plan) + 2 + MIPC_UNLINK_WORDS);
	if (error != 0)
		return error;
	if (heir != MIPC_NOBODY) {
		mipc_queue_record_heir(set, heir, call->plan, &txn);
	} else {
		mipc_plan_record(set, call->plan, set->pid, &txn);
		mipc_queue_record_due(set, &txn);
		if (call->undoes && owes_after(call->plan) &&
		    mipc_line_sleepers(&set->line) != 0)
			mipc_line_record(&txn, &head->watchman, 0);
	}
	mipc_sem_note_time(head);
	return mipc_txn_finish(&txn, seen);
}

/* While somebody sleeps, no handler between the commit and the steps. */
static int
commit_and_serve(const struct call *call, uint64_t seen)
{
	struct mipc_set *set = call->set;
	uint32_t heir;
	uint64_t signals;
	int error;

	if (mipc_line_sleepers(&set->line) == 0)
		return commit(call, seen, MIPC_NOBODY);
	heir = owes_after(call->plan) ? MIPC_NOBODY :
	    mipc_queue_heir(set, call->plan);
	mipc_sys_block(&signals);
	error = commit(call, seen, heir);
	if (error == 0 && heir != MIPC_NOBODY)
		mipc_line_wake(&set->line, heir);
	if (error == 0 && mipc_line_due(&set->line))
		mipc_queue_steps_blocked(set, false);
	mipc_sys_restore(&signals);
	return error;
}

/*
 * Could somebody's death change what was found?  Success only where a value
 * was lent by somebody who owes it back.
 */
static bool
death_matters(const struct call *call, int found)
{
	return (found != 0 || call->tests ||
	    mipc_peek(&call->set->head->lent) != 0) &&
	    mipc_queue_dead(call->set);
}

/* One try: ECANCELED if it must wait; EAGAIN if it is to be made again. */
static int
try_once(const struct call *call)
{
	struct mipc_set *set = call->set;
	uint64_t seen;
	int error;

	seen = mipc_txn_begin(&set->board);
	if (mipc_line_due(&set->line)) {
		error = mipc_queue_steps(set, false);
		return error == 0 ? EAGAIN : error;
	}
	if (mipc_line_gone(&set->line) ||
	    mipc_take(&set->head->object.id) != set->use.opened->id)
		return EIDRM;
	error = mipc_plan_try(set, call->plan);
	if (error == EAGAIN)
		return EAGAIN;
	if (death_matters(call, error)) {
		error = mipc_queue_steps(set, true);
		return error == 0 ? EAGAIN : error;
	}
	if (error == 0)
		return commit_and_serve(call, seen);
	if (!mipc_txn_same(&set->board, seen))
		return EAGAIN;
	return error == EBUSY ? ECANCELED : error;
}

/* 0, ECANCELED: it must wait, or why not. */
static int
attempt(const struct call *call)
{
	int error;

	do {
		error = try_once(call);
	} while (mipc_set_again(call->set, &error));
	return error;
}

/* --- before sleeping --------------------------------------------------- */

/* Can a single operation proceed now? */
static bool
can_proceed(void *arg)
{
	const struct call *call = arg;
	const struct mipc_op *op = &call->plan->op[call->plan->blocking];
	int32_t value = (int32_t)MIPC_SEM_VALUE(mipc_take(
	    &call->set->head->sem[op->num]));

	return op->op == 0 ? value == 0 : value + op->op >= 0;
}

/* Before sleeping: 0, it may be tried again; EAGAIN, EINTR. */
static int
look_a_while(struct call *call)
{
	return call->plan->nops != 1 ? EAGAIN :
	    mipc_use_look(&call->set->use, can_proceed, call);
}

/* --- the call ---------------------------------------------------------- */

static int
carry_out(struct call *call)
{
	int error;

	error = call->undoes ? 0 : mipc_set_ready(call->set);
	while (error == 0) {
		error = attempt(call);
		if (error != ECANCELED)
			break;
		if (call->deadline == 0)
			return EAGAIN;
		error = look_a_while(call);
		if (error == 0)
			continue;
		if (error == EINTR)
			break;
		error = mipc_sleep(call->set, call->plan, call->deadline);
		if (error != EBUSY)
			return error;
		error = 0;
	}
	return error == MIPC_NOT_NOW ? EAGAIN : error;
}

/* Nobody's death can change what a plain operation found. */
static bool
is_final(const struct call *call, int found)
{
	const struct mipc_op *op = call->plan->op;

	if (found == EIDRM)
		return true;
	if (mipc_peek(&call->set->head->debtors) != 0)
		return found == 0 && op->op != 0;
	return found != EALREADY && found != EBUSY;
}

/* The fast way where there is one, else the other. */
static int
perform(struct call *call)
{
	struct mipc_slot *slot = call->set->use.ns->lives->slot;
	const struct mipc_op *op = call->plan->op;
	bool patient = call->deadline != 0 && (op->flags & IPC_NOWAIT) == 0;
	int error, looked;

	if (call->plan->nops != 1 || call->undoes ||
	    mipc_life_now(call->set->use.ns->lives) == 0)
		return carry_out(call);
	do {
		error = swap_one(call->set, op,
		    (uint32_t)mipc_peek(&slot->pid));
		if (is_final(call, error))
			return error;
		looked = error == EBUSY && patient ? look_a_while(call) :
		    EAGAIN;
	} while (looked == 0);
	if (looked == EINTR)
		return EINTR;
	if (error == EBUSY && !patient &&
	    mipc_peek(&call->set->head->debtors) == 0)
		return EAGAIN;
	return carry_out(call);
}

/*
 * As with the kernel a process has an entry for its debts from its first
 * SEM_UNDO on, whatever comes of that operation.
 */
static int
enter_debtor(struct call *call)
{
	int error = mipc_set_ready(call->set);

	return error != 0 ? error :
	    mipc_undo_entry(call->set, &call->plan->debtor);
}

static int
run(struct mipc_set *set, struct mipc_op *op, uint32_t nops,
    struct mipc_touch *touch, uint64_t deadline)
{
	struct mipc_plan plan = { .op = op, .nops = nops, .touch = touch };
	struct call call = { .set = set, .plan = &plan, .deadline = deadline };
	int error = 0;

	for (uint32_t i = 0; i < nops; i++) {
		if (op[i].num >= set->nsems)
			error = EFBIG;
		if (op[i].op != 0)
			call.alters = true;
		else
			call.tests = true;
		if ((op[i].flags & SEM_UNDO) != 0)
			call.undoes = true;
	}
	if (call.undoes) {
		int failed = enter_debtor(&call);

		if (failed != 0)
			return failed;
	}
	if (error == 0)
		error = mipc_use_permit(&set->use, call.alters ? 2 : 4);
	return error == 0 ? perform(&call) : error;
}

_Static_assert(sizeof(struct sembuf) == sizeof(struct mipc_op) &&
    offsetof(struct sembuf, sem_op) == offsetof(struct mipc_op, op) &&
    offsetof(struct sembuf, sem_flg) == offsetof(struct mipc_op, flags),
    "one layout everywhere");

/* Copies first: reading the caller's memory, aligned or not, may fault. */
static void
copy(struct mipc_op *out, const struct sembuf *in, uint32_t nops)
{
	for (uint32_t i = 0; i < nops; i++)
		memcpy(&out[i], &in[i], sizeof(*out));
}

static int
operate(struct mipc_ns *ns, int semid, struct mipc_op *op, uint32_t nops,
    struct mipc_touch *touch, uint64_t deadline)
{
	struct mipc_set set;
	int error;

	error = mipc_set_enter(&set, ns, semid);
	if (error != 0)
		return error;
	error = run(&set, op, nops, touch, deadline);
	mipc_set_leave(&set);
	return error;
}

static __attribute__((noinline)) int
operate_many(struct mipc_ns *ns, int semid, const struct sembuf *ops,
    uint32_t nops, uint64_t deadline)
{
	struct mipc_touch touch[MIPC_SEMOPM_MOST];
	struct mipc_op op[MIPC_SEMOPM_MOST];

	copy(op, ops, nops);
	return operate(ns, semid, op, nops, touch, deadline);
}

static MIPC_FLAT int
operate_few(struct mipc_ns *ns, int semid, const struct sembuf *ops,
    uint32_t nops, uint64_t deadline)
{
	struct mipc_touch touch[MIPC_FEW_OPS];
	struct mipc_op op[MIPC_FEW_OPS];

	copy(op, ops, nops);
	return operate(ns, semid, op, nops, touch, deadline);
}

static int
check(const struct mipc_ns *ns, const struct sembuf *ops, size_t nops,
    const struct timespec *timeout, uint64_t *end)
{
	uint64_t most = mipc_peek(&ns->space->limit[MIPC_SEMOPM]);

	if (nops == 0)
		return EINVAL;
	if (nops > most || nops > MIPC_SEMOPM_MOST)
		return E2BIG;
	if (ops == NULL)
		return EFAULT;
	return mipc_wait_deadline(timeout, end) ? 0 : EINVAL;
}

int
mipc_sem_closely(struct mipc_ns *ns, int semid, struct sembuf *ops,
    size_t nops, const struct timespec *timeout)
{
	uint64_t end;
	int error;

	mipc_use_begin();
	error = check(ns, ops, nops, timeout, &end);
	if (error == 0)
		error = ns->lives->refuses;
	if (error == 0)
		mipc_still_pass(ns);
	if (error == 0)
		error = nops <= MIPC_FEW_OPS ?
		    operate_few(ns, semid, ops, (uint32_t)nops, end) :
		    operate_many(ns, semid, ops, (uint32_t)nops, end);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
