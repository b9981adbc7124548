/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_ctl.c - semctl: clauses S9, S15, S16, G4-G8.
 *
 * Values are read and set in sem_value.c.  Owners and permissions are the
 * object's, as a segment's are (control.c).
 */
#include "sem.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "commands.h"
#include "control.h"
#include "mipc.h"
#include "status.h"
#include "still.h"
#include "sweep.h"
#include "use.h"

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* --- status ------------------------------------------------------------ */

static int
read_status(struct mipc_set *set, struct semid_ds *out)
{
	struct mipc_object *head = &set->head->object;
	uint64_t seq = mipc_seq_begin(head), ctime, changed;

	memset(out, 0, sizeof(*out));
	mipc_control_perm(set->use.opened, &out->sem_perm);
	ctime = mipc_peek(&head->ctime);
	changed = mipc_peek(&set->head->changed);
	out->sem_ctime = (time_t)(changed > ctime ? changed : ctime);
	out->sem_otime = (time_t)mipc_peek(&set->head->otime);
	out->sem_nsems = set->nsems;
	if (head->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	if (mipc_take(&head->id) != set->use.opened->id)
		return EINVAL;
	return seq % 2 == 0 && mipc_seq_same(head, seq) ? 0 : EBUSY;
}

static int
status(struct mipc_set *set, struct semid_ds *out)
{
	struct mipc_gate gate;
	int error = mipc_value_settle(set);

	for (int i = 0; error == 0 && i < 100; i++) {
		error = read_status(set, out);
		if (error != EBUSY)
			return error;
		error = 0;
	}
	/* Somebody died, or sleeps, in IPC_SET: the lock settles it. */
	mipc_gate_enter(&gate);
	if (error == 0)
		error = mipc_ns_lock_object(set->use.ns, &gate,
		    set->use.opened);
	if (error == 0) {
		error = read_status(set, out);
		mipc_object_release(set->use.opened->head);
	}
	mipc_gate_leave(&gate);
	return error;
}

/* What the file system shows of a set that we may not open. */
static int
stat_stranger(struct mipc_ns *ns, int id, struct semid_ds *out)
{
	memset(out, 0, sizeof(*out));
	return mipc_control_stranger(ns, MIPC_SEM, (uint64_t)id,
	    &out->sem_perm);
}

static int
get_status(struct mipc_ns *ns, int id, bool any, struct semid_ds *buf)
{
	struct mipc_status as_it_is;
	struct mipc_set set;
	struct semid_ds out;
	int error;

	if (ns->lives->refuses != 0) {
		error = mipc_status_stat(ns, MIPC_SEM, (uint64_t)id, any,
		    &as_it_is);
		out = as_it_is.ds.sem;
	} else if ((error = mipc_set_enter(&set, ns, id)) == 0) {
		error = status(&set, &out);
		if (error == 0 && !any)
			error = mipc_use_permit(&set.use, 4);
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

/*
 * [gate] Its name goes, its sleepers are told.  The bell is tied on before the
 * first of these: whoever it wakes finds that the set is removed and tells the
 * rest.
 */
static int
take_away(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t id,
    struct mipc_opened *opened)
{
	bool held = opened != NULL && mipc_thread_mine != NULL;
	struct mipc_set set;
	uint32_t key = 0;
	int error;

	if (opened != NULL)
		key = (uint32_t)mipc_peek(&opened->head->key);
	if (held)
		held = mipc_set_hold(&set, ns, opened) == 0;
	error = mipc_control_take_name(ns, gate, MIPC_SEM, id, key);
	if (held && error == 0 && !mipc_set_quiet(&set)) {
		mipc_gate_leave(gate);
		mipc_set_bury(&set);
		mipc_gate_enter(gate);
	}
	if (held)
		mipc_set_leave(&set);
	return error;
}

static int
change(struct mipc_ns *ns, int semid, int cmd, const struct semid_ds *buf)
{
	struct mipc_opened *opened = NULL;
	struct mipc_gate gate;
	uint64_t id = (uint64_t)semid;
	int error, failed;

	if (ns->lives->refuses != 0)
		return ns->lives->refuses;
	mipc_still_pass(ns);
	mipc_gate_enter(&gate);
	error = mipc_control_owned(ns, &gate, MIPC_SEM, id, &opened, &failed);
	if (error == 0 && cmd == IPC_RMID)
		error = take_away(ns, &gate, id, failed == 0 ? opened : NULL);
	else if (error == 0)
		error = failed != 0 ? failed :
		    mipc_control_set(ns, &gate, opened, &buf->sem_perm, NULL,
		    0);
	if (failed == 0)	/* before it is forgotten, and so unmapped */
		mipc_ns_unpin(opened);
	if (error == 0 && cmd == IPC_RMID)
		mipc_sweep_removed(ns, &gate, MIPC_SEM, id);
	mipc_gate_leave(&gate);
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

/* --- the call ---------------------------------------------------------- */

/* Commands about the values of a set. */
static int
values(struct mipc_ns *ns, int semid, int num, int cmd, union argument arg,
    int *out)
{
	bool alters = cmd == SETVAL || cmd == SETALL;
	struct mipc_set set;
	int error;

	if (alters)
		mipc_still_pass(ns);
	error = mipc_set_enter(&set, ns, semid);
	if (error != 0)
		return error;
	/* SETVAL asks for the semaphore first, the others for permission. */
	if (cmd == SETVAL && (num < 0 || (uint32_t)num >= set.nsems))
		error = EINVAL;
	if (error == 0)
		error = mipc_use_permit(&set.use, alters ? 2 : 4);
	if (error == 0 && alters)
		error = ns->lives->refuses;
	if (error == 0 && (cmd == GETALL || cmd == SETALL) &&
	    arg.array == NULL)
		error = EFAULT;
	if (error == 0 && cmd == GETALL)
		error = mipc_value_get_all(&set, arg.array);
	else if (error == 0 && cmd == SETALL)
		error = mipc_value_set_all(&set, arg.array);
	else if (error == 0 && cmd == SETVAL)
		error = mipc_value_set(&set, num, arg.val);
	else if (error == 0)
		error = mipc_value_get(&set, num, cmd, out);
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
		error = mipc_control_at_index(ns, MIPC_SEM, semid, &semid);
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
	union argument arg;
	int error, out = 0;
	va_list args;

	cmd &= ~MIPC_IPC_64;
	va_start(args, cmd);
	arg = fourth(cmd, args);
	va_end(args);
	mipc_use_begin();
	mipc_sweep_if_due(ns);
	mipc_cred_look();
	error = semid < 0 ? EINVAL :
	    dispatch(ns, semid, semnum, cmd, arg, &out);
	if (error == 0)
		return out;
	errno = error;
	return -1;
}
