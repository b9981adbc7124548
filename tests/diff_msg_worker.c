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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"
#include "msg.h"

#define PATIENCE	1.0	/* seconds between looks at the driver */

/* ---- the kernel ---- */

static int
kernel_snd(int id, const struct letter *l, size_t size, int flags)
{
	return msgsnd(id, l, size, flags);
}

static ssize_t
kernel_rcv(int id, struct letter *l, size_t size, long type, int flags)
{
	return msgrcv(id, l, size, type, flags);
}

static bool
kernel_limit(const char *name, unsigned value)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	snprintf(text, sizeof(text), "%u\n", value);
	return diff_write_file(path, text);
}

/* ---- mipc ---- */

static struct mipc_ns *ns;

static int
user_get(key_t key, int flags)
{
	return mipc_msgget(ns, key, flags);
}

static int
user_snd(int id, const struct letter *l, size_t size, int flags)
{
	return mipc_msgsnd(ns, id, l, size, flags);
}

static ssize_t
user_rcv(int id, struct letter *l, size_t size, long type, int flags)
{
	return mipc_msgrcv(ns, id, l, size, type, flags);
}

static int
user_ctl(int id, int cmd, struct msqid_ds *ds)
{
	return mipc_msgctl(ns, id, cmd, ds);
}

static bool
user_limit(const char *name, unsigned value)
{
	const unsigned long long wanted = value;

	return mipc_limit(ns, name, NULL, &wanted) == 0;
}

static bool
is_mipc(const struct world *w, int side)
{
	return side == MIPC && (w->store == STORE_DIR ||
	    w->store == STORE_ANON);
}

bool
side_open(struct world *w)
{
	if (!is_mipc(w, MIPC))
		return true;
	ns = w->store == STORE_ANON ? mipc_anon(0) :
	    mipc_open(w->dir, MIPC_CREAT | MIPC_SHARED);
	if (ns == NULL)
		tap_note("no namespace: %s (%s)", strerror(errno),
		    w->store == STORE_ANON ? "mipc_anon" : mipc_reason());
	return ns != NULL;
}

static bool
waits_in(const struct mipc_line *line, pid_t pid)
{
	for (uint32_t i = 0; i < mipc_line_count(line); i++) {
		const struct mipc_place *place = mipc_line_place(line, i);

		if (mipc_peek(&place->pid) == (uint32_t)pid &&
		    mipc_line_state(place) == MIPC_SLEEP_WAITING)
			return true;
	}
	return false;
}

bool
side_waits(const struct world *w, int side, const struct actor *a)
{
	struct mipc_line lines[2];
	struct mipc_mq mq;
	bool waits;

	if (!is_mipc(w, side))
		return true;
	if (mipc_msg_enter(&mq, ns, a->op.id) != 0)
		return false;
	mipc_msg_lines(&mq, lines);
	waits = waits_in(&lines[a->op.kind == OP_SND ? MIPC_SENDING :
	    MIPC_TAKING], a->pid);
	mipc_msg_leave(&mq);
	return waits;
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

/* ---- the calls ---- */

static const struct calls {
	int (*get)(key_t, int);
	int (*snd)(int, const struct letter *, size_t, int);
	ssize_t (*rcv)(int, struct letter *, size_t, long, int);
	int (*ctl)(int, int, struct msqid_ds *);
	bool (*limit)(const char *, unsigned);
} kernel = {
	msgget, kernel_snd, kernel_rcv, msgctl, kernel_limit
}, user = {
	user_get, user_snd, user_rcv, user_ctl, user_limit
};

static const struct calls *
calls_of(const struct world *w, int side)
{
	return is_mipc(w, side) ? &user : &kernel;
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
	mipc_credentials_changed();
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
