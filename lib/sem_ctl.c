/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_ctl.c - semctl: clauses S6-S9, S15, S16, G4-G8.
 *
 * Reading takes no lock: GETVAL is one load, GETALL two readings that agree.
 * What a dead process owes is settled before an answer that it would change.
 */
#include "sem.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "control.h"
#include "mipc.h"
#include "sweep.h"

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

#define READINGS	64	/* of all values, before they are claimed */

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* --- one semaphore ----------------------------------------------------- */

/* The dead have settled what they owed: it may change the answer. */
static int
settle(struct mipc_set *set)
{
	int error;

	if (mipc_peek(&set->head->debtors) == 0 &&
	    MIPC_T_VALUE(mipc_peek(&set->head->sleepers)) == 0)
		return 0;
	error = mipc_set_ready(set);
	if (error == 0 && (mipc_queue_due(set) || mipc_queue_dead(set)))
		error = mipc_queue_steps(set, true);
	return error;
}

/* A semaphore's word in one state of the set. */
static uint64_t
word_of(struct mipc_set *set, uint32_t num)
{
	uint64_t seen, word = mipc_take(&set->head->sem[num]);

	/* A transaction that was committed and left counts. */
	while ((word & MIPC_SEM_SLOW) != 0 && mipc_set_ready(set) == 0) {
		seen = mipc_txn_begin(&set->board);
		word = mipc_take(&set->head->sem[num]);
		if (mipc_txn_same(&set->board, seen))
			break;
	}
	return word;
}

static int
get_one(struct mipc_set *set, int num, int cmd, int *out)
{
	int error;

	if (num < 0 || (uint32_t)num >= set->nsems)
		return EINVAL;
	error = settle(set);
	if (error != 0)
		return error;
	switch (cmd) {
	case GETVAL:
		*out = (int)MIPC_SEM_VALUE(word_of(set, (uint32_t)num));
		break;
	case GETPID:
		*out = (int)MIPC_SEM_PID(word_of(set, (uint32_t)num));
		break;
	default:
		error = mipc_set_ready(set);
		if (error == 0)
			*out = (int)mipc_queue_count(set, (uint32_t)num,
			    cmd == GETZCNT);
		break;
	}
	return error;
}

/* A word that transactions alone change from here on. */
static uint64_t
claim(struct mipc_set *set, uint32_t num)
{
	struct mipc_op op = { .num = (uint16_t)num };
	struct mipc_plan plan = { .op = &op, .nops = 1 };

	mipc_plan_claim(set, &plan);
	return mipc_take(&set->head->sem[num]);
}

/* Is the set quiet: may its semaphores be left to the fast way? */
static uint64_t
slow(const struct mipc_semset *head)
{
	return mipc_peek(&head->debtors) != 0 ||
	    MIPC_T_VALUE(mipc_peek(&head->sleepers)) != 0 ? MIPC_SEM_SLOW : 0;
}

/* S8: the value, and nobody owes anything for it any more. */
static int
try_set_one(struct mipc_set *set, uint32_t num, int value)
{
	struct mipc_semset *head = set->head;
	uint64_t old, seen;
	struct mipc_txn txn;
	bool done;
	int error;

	claim(set, num);
	seen = mipc_txn_begin(&set->board);
	if (mipc_queue_due(set)) {
		error = mipc_queue_steps(set, false);
		return error == 0 ? EAGAIN : error;
	}
	if (MIPC_T_VALUE(mipc_peek(&head->gone)) != 0)
		return EIDRM;
	old = mipc_take(&head->sem[num]);
	if ((old & MIPC_SEM_SLOW) == 0)
		return EAGAIN;
	error = mipc_txn_open(&txn, &set->board,
	    mipc_undo_count(set, num) + 2);
	if (error != 0)
		return error;
	mipc_txn_set(&txn, &head->sem[num], old, slow(head) |
	    MIPC_SEM_WORD(old, value, set->pid));
	mipc_undo_void(set, num, &txn);
	mipc_queue_record_due(set, &txn);
	mipc_put(&head->changed, mipc_sys_seconds());
	done = mipc_txn_commit(&txn, seen);
	mipc_txn_close(&txn);
	return done ? 0 : EAGAIN;
}

static int
set_one(struct mipc_set *set, int num, int value)
{
	int error;

	if (num < 0 || (uint32_t)num >= set->nsems)
		return EINVAL;
	error = mipc_set_ready(set);
	if (error == 0 && mipc_queue_dead(set))
		error = mipc_queue_steps(set, true);
	if (error != 0)
		return error;
	do {
		error = try_set_one(set, (uint32_t)num, value);
	} while (mipc_set_again(set, &error));
	if (error == 0 && mipc_queue_due(set))
		error = mipc_queue_steps(set, false);
	return error;
}

/* --- all of them ------------------------------------------------------- */

/* Two readings that agree are one state: every change counts. */
static bool
read_all(struct mipc_set *set, unsigned short *out)
{
	uint64_t seen = mipc_txn_begin(&set->board), sum = 0, again = 0, word;

	for (uint32_t i = 0; i < set->nsems; i++) {
		word = mipc_take(&set->head->sem[i]);
		out[i] = (unsigned short)MIPC_SEM_VALUE(word);
		sum = sum * 31 + word;
	}
	atomic_thread_fence(memory_order_acquire);
	for (uint32_t i = 0; i < set->nsems; i++)
		again = again * 31 + mipc_take(&set->head->sem[i]);
	return sum == again && mipc_txn_same(&set->board, seen);
}

static int
get_all(struct mipc_set *set, unsigned short *out)
{
	int error = settle(set);

	if (error == 0)
		error = mipc_set_ready(set);
	if (error != 0)
		return error;
	for (int i = 0; !read_all(set, out); i++)
		if (i >= READINGS)
			for (uint32_t n = 0; n < set->nsems; n++)
				claim(set, n);
	return 0;
}

static int
try_set_all(struct mipc_set *set, const unsigned short *value)
{
	struct mipc_semset *head = set->head;
	uint32_t era = MIPC_T_VALUE(mipc_peek(&head->era)) + 1;
	uint64_t old, seen;
	struct mipc_txn txn;
	bool done = true;
	int error;

	for (uint32_t i = 0; i < set->nsems; i++)
		claim(set, i);
	seen = mipc_txn_begin(&set->board);
	if (mipc_queue_due(set)) {
		error = mipc_queue_steps(set, false);
		return error == 0 ? EAGAIN : error;
	}
	if (MIPC_T_VALUE(mipc_peek(&head->gone)) != 0)
		return EIDRM;
	error = mipc_txn_open(&txn, &set->board, set->nsems + 2);
	if (error != 0)
		return error;
	for (uint32_t i = 0; i < set->nsems; i++) {
		old = mipc_take(&head->sem[i]);
		done = done && (old & MIPC_SEM_SLOW) != 0;
		mipc_txn_set(&txn, &head->sem[i], old, slow(head) |
		    MIPC_SEM_WORD(old, value[i], set->pid));
	}
	mipc_queue_record_set(&txn, &head->era, era == 0 ? 1 : era);
	mipc_queue_record_due(set, &txn);
	mipc_put(&head->changed, mipc_sys_seconds());
	done = done && mipc_txn_commit(&txn, seen);
	mipc_txn_close(&txn);
	return done ? 0 : EAGAIN;
}

static int
set_all(struct mipc_set *set, const unsigned short *value)
{
	int error;

	for (uint32_t i = 0; i < set->nsems; i++)
		if (value[i] > MIPC_SEMVMX)
			return ERANGE;
	error = mipc_set_ready(set);
	if (error == 0 && mipc_queue_dead(set))
		error = mipc_queue_steps(set, true);
	while (error == 0) {
		error = try_set_all(set, value);
		if (error == 0)
			break;
		if (mipc_set_again(set, &error))
			error = 0;
	}
	if (error == 0 && mipc_queue_due(set))
		error = mipc_queue_steps(set, false);
	return error;
}

/* --- status ------------------------------------------------------------ */

static int
read_status(struct mipc_set *set, struct semid_ds *out)
{
	struct mipc_object *head = &set->head->object;
	uint64_t seq = mipc_seq_begin(head), ctime, changed;

	memset(out, 0, sizeof(*out));
	mipc_control_perm(set->opened, &out->sem_perm);
	ctime = mipc_peek(&head->ctime);
	changed = mipc_peek(&set->head->changed);
	out->sem_ctime = (time_t)(changed > ctime ? changed : ctime);
	out->sem_otime = (time_t)mipc_peek(&set->head->otime);
	out->sem_nsems = set->nsems;
	if (head->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	if (mipc_take(&head->id) != set->opened->id)
		return EINVAL;
	return seq % 2 == 0 && mipc_seq_same(head, seq) ? 0 : EBUSY;
}

static int
status(struct mipc_set *set, struct semid_ds *out)
{
	struct mipc_gate gate;
	int error = settle(set);

	for (int i = 0; error == 0 && i < 100; i++) {
		error = read_status(set, out);
		if (error != EBUSY)
			return error;
		error = 0;
	}
	/* Somebody died, or sleeps, in IPC_SET: the lock settles it. */
	mipc_gate_enter(&gate);
	if (error == 0)
		error = mipc_ns_lock_object(set->ns, &gate, set->opened);
	if (error == 0) {
		error = read_status(set, out);
		mipc_object_release(set->opened->head);
	}
	mipc_gate_leave(&gate);
	return error;
}

/* What the file system shows of a set that we may not open. */
static int
stat_stranger(struct mipc_ns *ns, int id, struct semid_ds *out)
{
	struct mipc_perm perm;
	struct mipc_gate gate;
	uint64_t size;
	int error;

	mipc_gate_enter(&gate);
	error = ns->store->ops->glance(ns->store, MIPC_SEM, (uint64_t)id,
	    &perm, &size);
	mipc_gate_leave(&gate);
	if (error != 0)
		return EINVAL;
	memset(out, 0, sizeof(*out));
	out->sem_perm.uid = out->sem_perm.cuid = perm.uid;
	out->sem_perm.gid = out->sem_perm.cgid = perm.gid;
	out->sem_perm.mode = (unsigned short)perm.mode;
	return 0;
}

static int
get_status(struct mipc_ns *ns, int id, bool any, struct semid_ds *buf)
{
	struct mipc_set set;
	struct semid_ds out;
	int error;

	error = mipc_set_enter(&set, ns, id);
	if (error == 0) {
		error = status(&set, &out);
		if (error == 0 && !any)
			error = mipc_set_permit(&set, 0444);
		mipc_set_leave(&set);
	} else if (error == EACCES && any) {
		error = stat_stranger(ns, id, &out);
	}
	if (error == 0 && buf == NULL)
		error = EFAULT;
	if (error == 0)
		*buf = out;
	return error;
}

/* --- owners ------------------------------------------------------------ */

/* [gate] The set, pinned, if it can be opened, and whether it is ours. */
static int
check_owned(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t id,
    struct mipc_opened **opened, int *failed)
{
	*failed = mipc_ns_get(ns, MIPC_SEM, id, opened);
	if (*failed == 0 && mipc_take(&mipc_ns_entry_of(ns, MIPC_SEM, id)->
	    state) != MIPC_INDEX_LIVE) {
		mipc_ns_unpin(*opened);
		*failed = EINVAL;
	}
	return mipc_control_owner(ns, gate, *opened, MIPC_SEM, id, *failed);
}

/* [gate] */
static int
take_away(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t id,
    uint32_t key)
{
	int error;

	error = mipc_ns_lock(ns, gate);
	if (error != 0)
		return error;
	error = mipc_ns_remove(ns, MIPC_SEM, id, key);
	mipc_ns_unlock(ns);
	return error;
}

/*
 * Its name goes, its sleepers are told, its file goes.  The bell is tied on
 * before the first of these: whoever it wakes finds that the set is removed
 * and tells the rest.
 */
static int
remove_set(struct mipc_ns *ns, uint64_t id, struct mipc_opened *opened)
{
	struct mipc_gate gate;
	struct mipc_set set;
	uint32_t key = 0;
	bool held = false;
	int error;

	if (opened != NULL) {
		key = (uint32_t)mipc_peek(&opened->head->key);
		held = mipc_set_hold(&set, ns, opened) == 0;
	}
	mipc_gate_enter(&gate);
	error = take_away(ns, &gate, id, key);
	mipc_gate_leave(&gate);
	if (held) {
		if (error == 0)
			mipc_set_bury(&set);
		mipc_set_leave(&set);
	}
	mipc_gate_enter(&gate);
	if (error == 0)
		mipc_sweep_removed(ns, &gate, MIPC_SEM, id);
	mipc_gate_leave(&gate);
	return error;
}

static int
change(struct mipc_ns *ns, int semid, int cmd, const struct semid_ds *buf)
{
	struct mipc_opened *opened = NULL;
	struct mipc_gate gate;
	uint64_t id = (uint64_t)semid;
	int error, failed;

	mipc_gate_enter(&gate);
	error = check_owned(ns, &gate, id, &opened, &failed);
	if (error == 0 && failed != 0 && cmd != IPC_RMID)
		error = failed;
	if (error == 0 && cmd == IPC_SET)
		error = mipc_control_set(ns, &gate, opened, &buf->sem_perm);
	mipc_gate_leave(&gate);
	if (error == 0 && cmd == IPC_RMID)
		error = remove_set(ns, id, failed == 0 ? opened : NULL);
	if (failed == 0)
		mipc_ns_unpin(opened);
	return error;
}

/* --- listing ----------------------------------------------------------- */

/* S16. */
static void
fill_info(struct mipc_ns *ns, bool use, struct seminfo *out)
{
	struct mipc_census *census = &ns->space->census[MIPC_SEM];
	mipc_u64 *limit = ns->space->limit;

	memset(out, 0, sizeof(*out));
	out->semmsl = (int)mipc_take(&limit[MIPC_SEMMSL]);
	out->semmns = (int)mipc_take(&limit[MIPC_SEMMNS]);
	out->semopm = (int)mipc_take(&limit[MIPC_SEMOPM]);
	out->semmni = (int)mipc_take(&limit[MIPC_SEMMNI]);
	out->semmnu = out->semmap = 1024000000;	/* Linux's constants */
	out->semvmx = out->semaem = MIPC_SEMVMX;
	out->semusz = 20;
	out->semume = MIPC_SEMOPM_MOST;
	if (use) {
		out->semusz = (int)mipc_take(&census->in_use);
		out->semaem = (int)mipc_take(&census->pages);
	}
}

static int
info(struct mipc_ns *ns, int cmd, struct seminfo *buf)
{
	struct mipc_gate gate;
	struct seminfo out;

	mipc_gate_enter(&gate);
	mipc_sweep(ns, &gate);
	fill_info(ns, cmd == SEM_INFO, &out);
	mipc_gate_leave(&gate);
	*buf = out;
	return mipc_ns_highest(ns, MIPC_SEM);
}

/* The id at an index. */
static int
at_index(struct mipc_ns *ns, int index, int *id)
{
	struct mipc_entry *entry;
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	mipc_sweep(ns, &gate);
	mipc_gate_leave(&gate);
	entry = index < 0 ? NULL : mipc_ns_at(ns, MIPC_SEM, (uint64_t)index);
	if (entry == NULL || mipc_take(&entry->state) != MIPC_INDEX_LIVE)
		return EINVAL;
	*id = (int)mipc_peek(&entry->id);
	return 0;
}

/* --- the call ---------------------------------------------------------- */

/* Commands about the values of a set. */
static int
values(struct mipc_ns *ns, int semid, int num, int cmd, union argument arg,
    int *out)
{
	bool alters = cmd == SETVAL || cmd == SETALL;
	struct mipc_set set;
	int error;

	error = mipc_set_enter(&set, ns, semid);
	if (error != 0)
		return error;
	/* SETVAL asks for the semaphore first, the others for permission. */
	if (cmd == SETVAL && (num < 0 || (uint32_t)num >= set.nsems))
		error = EINVAL;
	if (error == 0)
		error = mipc_set_permit(&set, alters ? 0222 : 0444);
	if (error == 0 && (cmd == GETALL || cmd == SETALL) &&
	    arg.array == NULL)
		error = EFAULT;
	if (error == 0 && cmd == GETALL)
		error = get_all(&set, arg.array);
	else if (error == 0 && cmd == SETALL)
		error = set_all(&set, arg.array);
	else if (error == 0 && cmd == SETVAL)
		error = set_one(&set, num, arg.val);
	else if (error == 0)
		error = get_one(&set, num, cmd, out);
	mipc_set_leave(&set);
	return error;
}

static int
dispatch(struct mipc_ns *ns, int semid, int num, int cmd, union argument arg,
    int *out)
{
	struct semid_ds ds;
	int error;

	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		if (arg.info == NULL)
			return EFAULT;
		*out = info(ns, cmd, arg.info);
		return 0;
	case SEM_STAT:
	case SEM_STAT_ANY:
		error = at_index(ns, semid, &semid);
		*out = semid;
		return error != 0 ? error :
		    get_status(ns, semid, cmd == SEM_STAT_ANY, arg.buf);
	case IPC_STAT:
		return get_status(ns, semid, false, arg.buf);
	case IPC_SET:
		if (arg.buf == NULL)
			return EFAULT;
		ds = *arg.buf;		/* before any lock: it may fault */
		return change(ns, semid, cmd, &ds);
	case IPC_RMID:
		return change(ns, semid, cmd, NULL);
	case GETALL:
	case SETALL:
		return values(ns, semid, num, cmd, arg, out);
	case SETVAL:
		if (arg.val < 0 || arg.val > MIPC_SEMVMX)
			return ERANGE;
		return values(ns, semid, num, cmd, arg, out);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return values(ns, semid, num, cmd, arg, out);
	default:
		return EINVAL;
	}
}

/* The fourth argument of the commands that have one. */
static union argument
fourth(int cmd, va_list args)
{
	union argument arg = { .buf = NULL };

	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
	case SEM_STAT:
	case SEM_STAT_ANY:
	case IPC_STAT:
	case IPC_SET:
	case GETALL:
	case SETALL:
	case SETVAL:
		arg = va_arg(args, union argument);
		break;
	default:
		break;
	}
	return arg;
}

MIPC_PUBLIC int
mipc_semctl(struct mipc_ns *ns, int semid, int semnum, int cmd, ...)
{
	struct mipc_thread *thread;
	union argument arg;
	int error, out = 0;
	va_list args;

	cmd &= ~MIPC_IPC_64;
	va_start(args, cmd);
	arg = fourth(cmd, args);
	va_end(args);
	mipc_gate_check();
	thread = mipc_thread();
	if (thread != NULL && thread->waiter.serial != 0)
		mipc_sleep_withdraw(thread);
	mipc_sweep_if_due(ns);
	mipc_cred_look();
	error = semid < 0 ? EINVAL :
	    dispatch(ns, semid, semnum, cmd, arg, &out);
	if (error == 0)
		return out;
	errno = error;
	return -1;
}
