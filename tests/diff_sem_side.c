/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_side.c - the calls of both sides.
 */
#include "diff_sem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"
#include "ns.h"

#define FAR	100000		/* seconds */

/* ---- the kernel ---- */

static int
kernel_ctl(int id, int num, int cmd, union semun arg)
{
	return semctl(id, num, cmd, arg);
}

static bool
kernel_limit(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d %d %d %d\n", SEMMSL_HERE,
	    SEMMNS_HERE, SEMOPM_HERE, SEMMNI_HERE);
	return diff_write_file("/proc/sys/kernel/sem", text);
}

static const struct calls kernel = {
	semget, semtimedop, kernel_ctl, kernel_limit
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
	return semctl(id, num, cmd, arg);
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
	return semctl(id, num, cmd, arg);
}

static bool
second_limit(void)
{
	enter(MIPC);
	return kernel_limit();
}

static const struct calls first = {
	semget, semtimedop, first_ctl, first_limit
}, second = {
	semget, semtimedop, second_ctl, second_limit
};

void
side_settle(const struct world *w, int side)
{
	(void)w;
	enter(side);
}

/* ---- mipc ---- */

static struct mipc_ns *ns;

static int
user_get(key_t key, int nsems, int flags)
{
	return mipc_semget(ns, key, nsems, flags);
}

static int
user_op(int id, struct sembuf *ops, size_t n, const struct timespec *timeout)
{
	return mipc_semtimedop(ns, id, ops, n, timeout);
}

static int
user_ctl(int id, int num, int cmd, union semun arg)
{
	return mipc_semctl(ns, id, num, cmd, arg);
}

static bool
user_limit(void)
{
	static const struct {
		const char *name;
		unsigned long long value;
	} limits[] = {
		{ "semmsl", SEMMSL_HERE }, { "semmns", SEMMNS_HERE },
		{ "semopm", SEMOPM_HERE }, { "semmni", SEMMNI_HERE }
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (mipc_limit(ns, limits[i].name, NULL, &limits[i].value) ==
		    -1)
			return false;
	return true;
}

static const struct calls user = {
	user_get, user_op, user_ctl, user_limit
};

const struct calls *side_calls[SIDES] = { &kernel, &user };

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
	if (w->store == STORE_ANON)
		ns = mipc_anon(0);
	else
		ns = mipc_open(w->dir, create ? MIPC_CREAT | MIPC_SHARED : 0);
	if (ns == NULL)
		tap_note("no namespace: %s (%s)", strerror(errno),
		    w->store == STORE_ANON ? "mipc_anon" : mipc_reason());
	return ns != NULL;
}

/* Where sleepers look now and then by design, a heartbeat may find much. */
static bool
is_sliced(void)
{
	return getenv("MIPC_NO_WAITV") != NULL ||
	    getenv("MIPC_NO_RSEQ") != NULL ||
	    getenv("MIPC_NO_ROBUST") != NULL;
}

uint64_t
side_heartbeats(void)
{
	return ns == NULL || is_sliced() ? 0 :
	    mipc_peek(&ns->space->heartbeats);
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
	mipc_credentials_changed();
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
