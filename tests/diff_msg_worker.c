/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_worker.c - a process that does what the driver says, and the calls
 * of both sides.
 */
#include "diff_msg.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

#define PATIENCE	1.0	/* seconds between looks at the driver */

/* ---- the kernel ---- */

static bool
kernel_limit(const char *name, unsigned value)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	snprintf(text, sizeof(text), "%u\n", value);
	return diff_write_kernel(path, text);
}

/* ---- mipc ---- */

static bool
is_mipc(const struct world *w, int side)
{
	return side == MIPC && (w->store == STORE_DIR ||
	    w->store == STORE_ANON);
}

bool
side_open(struct world *w)
{
	return !is_mipc(w, MIPC) || user_open(w);
}

bool
side_waits(const struct world *w, int side, const struct actor *a)
{
	return !is_mipc(w, side) || user_waits(a);
}

/* ---- the calls ---- */

static const struct calls kernel = {
	kernel_msgget, kernel_msgsnd, kernel_msgrcv, kernel_msgctl,
	kernel_limit
};

static const struct calls *
calls_of(const struct world *w, int side)
{
	return is_mipc(w, side) ? &user_calls : &kernel;
}

static int inside = KERNEL;	/* which namespace this process is in */

/* The kernel once more, for the control: the driver goes to and fro. */
static void
enter(const struct world *w, int side)
{
	if (w->store != STORE_KERNEL || inside == side)
		return;
	if (setns(w->namespace[side], CLONE_NEWIPC) == -1)
		harness_die("setns: %s", strerror(errno));
	inside = side;
}

bool
side_limit(const struct world *w, int side)
{
	static const struct {
		const char *name;
		unsigned value;
	} limits[] = {
		{ "msgmax", MSGMAX_HERE },
		{ "msgmnb", MSGMNB_HERE },
		{ "msgmni", MSGMNI_HERE },
	};

	if (side == MIPC && w->store == STORE_MODEL)
		return true;
	enter(w, side);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (!calls_of(w, side)->limit(limits[i].name,
		    limits[i].value))
			return false;
	return true;
}

unsigned
side_uid(int worker)
{
	return can.uids && worker >= WORKERS - STRANGERS ? NOBODY :
	    geteuid();
}

void
side_fill(char *text, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size && i < ROOM; i++)
		text[i] = (char)(seed * 31 + i * 7);
}

static long
run_snd(const struct calls *calls, const struct op *op, bool tear)
{
	struct letter l = { .type = op->type };

	side_fill(l.text, op->size, op->seed);
	if (tear && op->size > 9)
		l.text[9] ^= 1;
	return calls->snd(op->id, &l, op->size, op->flags);
}

static long
run_ctl(const struct calls *calls, const struct op *op, struct result *r)
{
	if (op->cmd == IPC_SET) {
		r->u.ds.msg_perm.uid = op->uid;
		r->u.ds.msg_perm.gid = op->uid;
		r->u.ds.msg_perm.mode = (unsigned short)op->mode;
		r->u.ds.msg_qbytes = op->qbytes;
	}
	return calls->ctl(op->id, op->cmd, &r->u.ds);
}

void
side_run(const struct world *w, int side, const struct op *op,
    struct result *r)
{
	const struct calls *calls = calls_of(w, side);

	if (side == MIPC && w->store == STORE_MODEL) {
		model_run(op, r);
		return;
	}
	enter(w, side);
	memset(r, 0, sizeof(*r));
	switch (op->kind) {
	case OP_GET:
		r->value = calls->get(op->key, op->flags);
		break;
	case OP_SND:
		r->value = run_snd(calls, op, side == MIPC &&
		    strcmp(w->broken, "bytes") == 0);
		break;
	case OP_RCV:
		r->value = calls->rcv(op->id, &r->letter, op->size, op->type,
		    op->flags);
		break;
	default:
		r->value = run_ctl(calls, op, r);
		break;
	}
	r->error = r->value == -1 ? errno : 0;
}

/* ---- the process ---- */

static void
handle(int sig)
{
	(void)sig;
}

static void
settle(const struct world *w, int side, int self)
{
	struct sigaction action = { .sa_handler = handle };

	enter(w, side);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	if (side_uid(self) != geteuid() &&
	    (setgroups(0, NULL) == -1 || setresgid(NOBODY, NOBODY, NOBODY) ==
	    -1 || setresuid(NOBODY, NOBODY, NOBODY) == -1))
		harness_die("setuid: %s", strerror(errno));
	user_changed();
}

void
worker_main(struct world *w, int side, int self)
{
	struct actor *me = &w->actor[side][self];

	settle(w, side, self);
	for (;;) {
		while (atomic_load(&me->order) == 0) {
			harness_wait(&me->order, 0, PATIENCE);
			if (kill(w->driver, 0) == -1 && errno == ESRCH)
				_exit(3);
		}
		atomic_store(&me->order, 0);
		side_run(w, side, &me->op, &me->result);
		atomic_store(&me->answer, 1);
		atomic_fetch_add(&w->bell[side], 1);
		harness_wake(&w->bell[side]);
	}
}
