/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_sem_judge.c - what a fresh process finds in sets after a kill.
 *
 * The first judge comes while the others still live: what is there must be
 * one of the ways in which the scene may come out, whole; who could run has
 * run before anybody came; who waits is counted where it waits, and goes on
 * when it can; the debtor's debts are settled when it dies.  The second one
 * comes when all are gone: the values are those that this leaves, nobody
 * waits, and everything can be removed.
 */
#include "kill.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE	25	/* seconds until a call counts as hung */
#define SOON		8.0	/* until the dead have let go of all */
#define AT_ONCE		1.0	/* seconds for an operation that can run */
#define NEW_SEMS	3
#define FREE		10

#define must(s, cond, ...)						\
	do {								\
		if (!(cond))						\
			stage_tell((s), __VA_ARGS__);			\
	} while (0)

/* What can be seen of the target. */
struct sight {
	bool removed;
	unsigned short value[SEMS];
	int ncnt[SEMS], zcnt[SEMS];
	unsigned back;
};

static void
look(struct stage *s, struct sight *now)
{
	memset(now, 0, sizeof(*now));
	now->back = sem_back(s);
	if (sets_ctl(s->target, 0, GETALL,
	    (union sem_arg){ .array = now->value }) == -1) {
		must(s, errno == EINVAL || errno == EIDRM, "GETALL");
		now->removed = true;
		return;
	}
	for (int i = 0; i < SEMS; i++) {
		now->ncnt[i] = sets_ask(s->target, i, GETNCNT);
		now->zcnt[i] = sets_ask(s->target, i, GETZCNT);
	}
}

/* What would be seen if it has come out in one way. */
static void
foresee(const struct stage *s, const struct sem_end *e, struct sight *want)
{
	memset(want, 0, sizeof(*want));
	want->removed = e->removed;
	want->back = e->back;
	if (e->removed)
		return;
	memcpy(want->value, e->value, sizeof(want->value));
	for (unsigned i = 0; i < SLEEPERS; i++) {
		const struct sem_vector *v = &s->scene->sets->sleeper[i];
		const struct sembuf *op = &v->op[e->at[i]];

		if (v->n == 0 || (e->back >> i & 1) != 0)
			continue;
		if (op->sem_op == 0)
			want->zcnt[op->sem_num]++;
		else
			want->ncnt[op->sem_num]++;
	}
}

static bool
may_be(const struct stage *s, const struct sem_end *e)
{
	const bool helped = atomic_load(&s->cast.helped) != 0;

	return e->when == ALWAYS || (e->when == IF_HELPED) == helped;
}

static void
tell_sight(struct stage *s, const struct sight *now, const char *what)
{
	char text[200];
	int n = 0;

	for (unsigned i = 0; i < SEMS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    " %d(%d,%d)", now->value[i], now->ncnt[i], now->zcnt[i]);
	errno = 0;
	stage_tell(s, "%s: values (ncnt,zcnt)%s, sleepers back %#x%s%s", what,
	    text, now->back, now->removed ? ", removed" : "",
	    atomic_load(&s->cast.helped) ? ", helped" : "");
}

/* How it has come out. */
static const struct sem_end *
find_end(struct stage *s, struct sight *now)
{
	const struct sem_end *e = s->scene->sets->end;
	struct sight want;

	look(s, now);
	for (unsigned i = 0; i < ENDS_MOST && e[i].is; i++) {
		foresee(s, &e[i], &want);
		if (may_be(s, &e[i]) && memcmp(&want, now, sizeof(want)) == 0)
			return &e[i];
	}
	return NULL;
}

/* A dead one may be held back by who looks at it through /proc. */
static const struct sem_end *
await_end(struct stage *s)
{
	const double end = harness_now() + SOON;
	_Atomic uint32_t never = 0;
	const struct sem_end *e;
	struct sight now;

	while ((e = find_end(s, &now)) == NULL) {
		if (harness_now() > end)
			tell_sight(s, &now, "neither whole nor nothing");
		harness_wait(&never, 0, 0.002);
	}
	return e;
}

/* Whoever could run was back before we came and helped. */
static void
must_be_early(struct stage *s, const struct sem_end *e)
{
	s->cast.slow = (e->back & ~s->cast.early) != 0;
	errno = 0;
	must(s, !s->cast.slow, "sleepers %#x could run, but %#x slept until "
	    "somebody came", e->back, e->back & ~s->cast.early);
	must(s, !s->patient || !s->cast.late || sets_sliced() ||
	    sets_heartbeats() == 0,
	    "sleepers slept until a heartbeat");
	for (unsigned i = 0; i < SLEEPERS; i++)
		must(s, (e->back >> i & 1) == 0 || s->cast.slept[i].error ==
		    (e->removed ? EIDRM : 0), "sleeper %u: %s", i,
		    error_name(s->cast.slept[i].error));
}

static void
must_have_pids(struct stage *s)
{
	const unsigned n = atomic_load(&s->cast.pids);

	for (int i = 0; i < SEMS; i++) {
		const int pid = sets_ask(s->target, i, GETPID);
		bool known = pid == 0 && s->scene->sets->unused;

		for (unsigned k = 0; k < n; k++)
			known |= s->cast.pid[k] == pid;
		must(s, known, "semaphore %d was changed by %d", i, pid);
	}
}

/* ---- it still works ---- */

static void
must_perform(struct stage *s, int id, struct sembuf *op, size_t n)
{
	must(s, sets_timed(id, op, n, AT_ONCE) == 0,
	    "an operation that can run does not (set %d, %zu)", id, n);
}

static void
must_work(struct stage *s, int id, unsigned short num, int value)
{
	struct sembuf up = { num, 1, 0 }, down = { num, -1, 0 };
	struct sembuf both[] = { { num, 1, SEM_UNDO }, { num, -1, SEM_UNDO } };
	struct sembuf zero[] = {
		{ num, (short)-value, 0 }, { num, 0, 0 },
		{ num, (short)value, 0 }
	};

	must_perform(s, id, &up, 1);
	must_perform(s, id, &down, 1);
	must_perform(s, id, both, 2);
	must_perform(s, id, zero, 3);
	must_perform(s, id, &both[0], 1);
	must_perform(s, id, &both[1], 1);
	must(s, sets_ask(id, num, GETVAL) == value, "GETVAL is %d, not %d",
	    sets_ask(id, num, GETVAL), value);
}

/* ---- what must follow ---- */

static void
await_values(struct stage *s, const unsigned short want[SEMS], unsigned back,
    const char *what)
{
	const double end = harness_now() + SOON;
	_Atomic uint32_t never = 0;
	struct sight now;

	for (;;) {
		look(s, &now);
		if (!now.removed && now.back == back &&
		    memcmp(now.value, want, sizeof(now.value)) == 0)
			return;
		if (harness_now() > end)
			tell_sight(s, &now, what);
		harness_wait(&never, 0, 0.002);
	}
}

/* The debtor dies: it is the stage's child, which buries it. */
static void
kill_debtor(struct stage *s, const struct sem_end *e,
    unsigned short now[SEMS])
{
	memcpy(now, e->value, sizeof(e->value));
	if (s->cast.debtor == 0)
		return;
	kill(s->cast.debtor, SIGKILL);
	for (unsigned i = 0; i < SEMS; i++)
		now[i] = (unsigned short)(now[i] + e->owed[i]);
}

/* One unit came back, and the first sleeper takes as many as it asks for. */
static void
serve_by_death(const struct stage *s, const struct sem_end *e,
    unsigned short now[SEMS], unsigned *back)
{
	for (unsigned i = 0; i < SLEEPERS; i++) {
		const struct sem_vector *v = &s->scene->sets->sleeper[i];
		const struct sembuf *op = &v->op[0];

		if (s->cast.debtor == 0 || v->n != 1 ||
		    (*back >> i & 1) != 0 || op->sem_op >= 0 ||
		    e->owed[op->sem_num] == 0 ||
		    now[op->sem_num] + op->sem_op < 0)
			continue;
		now[op->sem_num] = (unsigned short)(now[op->sem_num] +
		    op->sem_op);
		*back |= 1u << i;
	}
}

/* Let all run that still wait; SETALL voids what is owed until then. */
static void
free_sleepers(struct stage *s, unsigned back)
{
	unsigned short v[SEMS] = { FREE, FREE, FREE, 1 };
	unsigned all = 0;

	for (unsigned i = 0; i < SLEEPERS; i++) {
		const struct sem_vector *w = &s->scene->sets->sleeper[i];

		all |= w->n > 0 ? 1u << i : 0;
		for (unsigned k = 0; k < w->n && (back >> i & 1) == 0; k++)
			if (w->op[k].sem_op == 0)
				v[w->op[k].sem_num] = 0;
	}
	sem_enroll(s);
	must(s, sets_ctl(s->target, 0, SETALL,
	    (union sem_arg){ .array = v }) == 0, "SETALL");
	memcpy(s->cast.left, v, sizeof(v));
	for (unsigned i = 0; i < SLEEPERS; i++) {
		const struct sem_vector *w = &s->scene->sets->sleeper[i];

		for (unsigned k = 0; k < w->n && (back >> i & 1) == 0; k++) {
			const struct sembuf *op = &w->op[k];
			unsigned short *left = &s->cast.left[op->sem_num];

			v[op->sem_num] = (unsigned short)(v[op->sem_num] +
			    op->sem_op);
			if ((op->sem_flg & SEM_UNDO) == 0)
				*left = (unsigned short)(*left + op->sem_op);
		}
	}
	await_values(s, v, all, "SETALL lets all run");
}

/* ---- sets that are there ---- */

/* All by index; what is not known is removed by the last judge. */
static void
list(struct stage *s, bool clean)
{
	struct seminfo info;
	struct semid_ds ds;
	union sem_arg to = { .buf = (struct semid_ds *)&info };
	int top = sets_ctl(0, 0, SEM_INFO, to), n = 0, sems = 0;

	must(s, top != -1, "SEM_INFO");
	for (int i = 0; i <= top; i++) {
		const int id = sets_ctl(i, 0, SEM_STAT,
		    (union sem_arg){ .buf = &ds });

		if (id == -1)
			continue;
		must(s, id == s->target || id == s->bystander ||
		    (s->scene->sets->creates && ds.sem_nsems == NEW_SEMS) ||
		    (s->twice && ds.sem_nsems == 1), "set %d of %lu comes "
		    "from nowhere", id, (unsigned long)ds.sem_nsems);
		if (clean)
			must(s, sets_ask(id, 0, IPC_RMID) == 0, "IPC_RMID");
		n++;
		sems += (int)ds.sem_nsems;
	}
	if (clean)
		n = sems = 0;
	must(s, sets_ctl(0, 0, SEM_INFO, to) != -1 && info.semusz == n &&
	    info.semaem == sems, "%d sets of %d listed, %d of %d counted", n,
	    sems, info.semusz, info.semaem);
}

/* Whole, or not there at all; and made where it is not. */
static void
judge_new(struct stage *s)
{
	int id = sets_get(KEY_NEW, 0, 0);
	unsigned short v[NEW_SEMS];
	struct semid_ds ds;

	if (id == -1) {
		must(s, errno == ENOENT, "semget after the kill");
		id = sets_get(KEY_NEW, NEW_SEMS, IPC_CREAT | NEW_MODE);
		must(s, id != -1, "semget of a key that is free");
	} else {
		must(s, s->scene->sets->creates, "set %d has a key that "
		    "nobody used", id);
	}
	must(s, sets_ctl(id, 0, IPC_STAT, (union sem_arg){ .buf = &ds }) == 0
	    && sets_ctl(id, 0, GETALL, (union sem_arg){ .array = v }) == 0,
	    "IPC_STAT of the new set");
	must(s, ds.sem_nsems == NEW_SEMS &&
	    (ds.sem_perm.mode & 0777) == NEW_MODE && ds.sem_perm.__key ==
	    KEY_NEW && ds.sem_otime == 0 && v[0] + v[1] + v[2] == 0,
	    "the new set is not whole");
	must_work(s, id, 1, 0);
	must(s, sets_ask(id, 0, IPC_RMID) == 0, "IPC_RMID of the new set");
	must(s, sets_get(KEY_NEW, 0, 0) == -1 && errno == ENOENT,
	    "the removed one's key is still there");
}

static void
judge_target(struct stage *s, const struct sem_end *e)
{
	unsigned short now[SEMS];
	unsigned back = e->back;

	must(s, sets_get(KEY_TARGET, 0, 0) == s->target,
	    "the key leads elsewhere");
	must_have_pids(s);
	must_work(s, s->target, SPARE, s->scene->sets->start[SPARE]);
	kill_debtor(s, e, now);
	serve_by_death(s, e, now, &back);
	await_values(s, now, back, "the debtor is dead");
	free_sleepers(s, back);
}

void
sem_judge_while_held(struct stage *s)
{
	const struct sem_end *e;

	alarm(PATIENCE);
	sem_enroll(s);
	e = await_end(s);
	must_be_early(s, e);
	s->cast.removed = e->removed;
	if (e->removed)
		must(s, sets_get(KEY_TARGET, 0, 0) == -1 && errno == ENOENT,
		    "the removed one's key is still there");
	else
		judge_target(s, e);
	list(s, false);
	must_work(s, s->bystander, 0, 1);
	judge_new(s);
	_exit(0);
}

void
sem_judge_when_alone(struct stage *s)
{
	struct sight now;

	alarm(PATIENCE);
	if (!s->cast.removed) {
		await_values(s, s->cast.left, sem_back(s), "all are gone");
		look(s, &now);
		for (unsigned i = 0; i < SEMS; i++)
			if (now.ncnt[i] != 0 || now.zcnt[i] != 0)
				tell_sight(s, &now, "all are gone");
		must_work(s, s->target, SPARE, 1);
	}
	list(s, true);
	if (!s->anonymous && !s->kernel)
		judge_must_be_swept(s);
	_exit(0);
}
