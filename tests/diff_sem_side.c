/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_side.c - the calls of both sides.
 */
#include "diff_sem.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAR	100000		/* seconds */

/* ---- the kernel ---- */

static bool
kernel_limit(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d %d %d %d\n", SEMMSL_HERE,
	    SEMMNS_HERE, SEMOPM_HERE, SEMMNI_HERE);
	return diff_write_kernel("/proc/sys/kernel/sem", text);
}

static const struct calls kernel = {
	kernel_semget, kernel_semtimedop, kernel_semctl, kernel_limit
};

/*
 * The kernel once more, for the control: its workers live in the second
 * namespace; the driver goes to and fro.
 */
static const struct world *both;
static int inside = KERNEL;	/* which namespace this process is in */

static void
enter(int side)
{
	if (both->store != STORE_KERNEL || inside == side)
		return;
	if (setns(both->namespace[side], CLONE_NEWIPC) == -1)
		harness_die("setns: %s", strerror(errno));
	inside = side;
}

static int
first_ctl(int id, int num, int cmd, union semun arg)
{
	enter(KERNEL);
	return kernel_semctl(id, num, cmd, arg);
}

static bool
first_limit(void)
{
	enter(KERNEL);
	return kernel_limit();
}

static int
second_ctl(int id, int num, int cmd, union semun arg)
{
	enter(MIPC);
	return kernel_semctl(id, num, cmd, arg);
}

static bool
second_limit(void)
{
	enter(MIPC);
	return kernel_limit();
}

static const struct calls first = {
	kernel_semget, kernel_semtimedop, first_ctl, first_limit
}, second = {
	kernel_semget, kernel_semtimedop, second_ctl, second_limit
};

void
side_settle(const struct world *w, int side)
{
	(void)w;
	enter(side);
}

const struct calls *side_calls[SIDES] = { &kernel, &user_calls };

bool
side_open(struct world *w, bool create)
{
	both = w;
	if (w->store == STORE_KERNEL) {
		if (!create)
			inside = MIPC;	/* as it was before exec */
		side_calls[KERNEL] = &first;
		side_calls[MIPC] = &second;
		return true;
	}
	if (w->store == STORE_MODEL)
		return true;
	return user_open(w, create);
}

/* ---- one operation ---- */

void
side_fill(const struct op *op, unsigned short *values)
{
	for (int i = 0; i < op->nsems; i++)
		values[i] = (unsigned short)((op->value >> i % 8) & 3);
	if (op->value < 0)		/* one that is out of range */
		values[op->nsems - 1] = 32768;
}

uint64_t
side_digest(const unsigned short *values, int n)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (int i = 0; i < n; i++)
		sum = (sum ^ values[i]) * 0x100000001b3u;
	return sum;
}

static const struct timespec *
timeout_of(const struct op *op, struct timespec *ts)
{
	static const struct timespec value[TIMEOUTS] = {
		[TIMEOUT_FAR] = { FAR, 0 },
		[TIMEOUT_NEGATIVE] = { -1, 0 },
		[TIMEOUT_ODD] = { 0, 1000000000 }
	};

	*ts = value[op->timeout];
	return op->timeout == TIMEOUT_NULL || op->timeout == TIMEOUT_NONE ?
	    NULL : ts;
}

/* The lies that the model cannot tell: about what processes do. */
static bool
lies(const struct world *w, int side, const char *kind)
{
	return side == MIPC && strcmp(w->broken, kind) == 0;
}

static int
run_semop(const struct world *w, int side, const struct op *op)
{
	struct sembuf copy[VECTOR];
	struct timespec ts;
	int value;

	memcpy(copy, op->ops, sizeof(copy));
	if (lies(w, side, "debts"))
		for (unsigned i = 0; i < op->nops; i++)
			copy[i].sem_flg &= (short)~SEM_UNDO;
	do {
		value = side_calls[side]->op(op->id[side], op->null ? NULL :
		    copy, op->nops, timeout_of(op, &ts));
	} while (value == -1 && errno == EINTR && lies(w, side, "EINTR"));
	return value;
}

static int
run_ctl(int side, const struct op *op, struct result *r)
{
	unsigned short values[BIG] = { 0 };
	union semun arg = { .buf = NULL };
	int value;

	switch (op->cmd) {
	case SETVAL:
		arg.val = op->value;
		break;
	case SETALL:
		side_fill(op, values);
		/* FALLTHROUGH */
	case GETALL:
		arg.array = op->null ? NULL : values;
		break;
	case IPC_SET:
		r->u.ds.sem_perm.uid = op->uid;
		r->u.ds.sem_perm.gid = op->gid;
		r->u.ds.sem_perm.mode = (unsigned short)op->mode;
		/* FALLTHROUGH */
	default:
		arg.buf = op->null ? NULL : &r->u.ds;
		break;
	}
	value = side_calls[side]->ctl(op->id[side], op->num, op->cmd, arg);
	if (op->cmd == GETALL && value == 0)
		r->digest = side_digest(values, op->nsems);
	return value;
}

static int
run_setuid(void)
{
	if (setgroups(0, NULL) == -1 || setresgid(NOBODY, NOBODY, NOBODY) ==
	    -1 || setresuid(NOBODY, NOBODY, NOBODY) == -1)
		return -1;
	user_changed();
	return 0;
}

void
side_look(int side, const struct op *op)
{
	const union semun arg = { .val = 0 };

	side_calls[side]->ctl(op->id[side], 0, GETVAL, arg);
}

void
side_run(const struct world *w, int side, const struct op *op,
    struct result *r)
{
	memset(r, 0, sizeof(*r));
	switch (op->kind) {
	case OP_GET:
		r->value = side_calls[side]->get(op->key, op->nsems,
		    op->flags);
		break;
	case OP_CTL:
		r->value = run_ctl(side, op, r);
		break;
	case OP_SETUID:
		r->value = run_setuid();
		break;
	default:
		r->value = run_semop(w, side, op);
		break;
	}
	r->error = r->value == -1 ? errno : 0;
}
