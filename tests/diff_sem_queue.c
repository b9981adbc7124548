/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_queue.c - the model's vectors, sleepers and debts.
 *
 * The order in which sleepers are served is the kernel's.  Who only tests
 * for zero comes before who alters: those with a single test by semaphore,
 * then those with several; and only when a semaphore that an operation named
 * is zero now.  Who alters comes in the order of arrival, from the oldest
 * again after each that was served.
 */
#include "diff_sem_model.h"

#include <errno.h>
#include <string.h>

#define SLEEPS	1

/* ---- a vector ---- */

/* The value, or the debt, of a semaphore before the `n`th operation. */
static int
running(const struct set *s, const struct op *op, unsigned n, bool debt)
{
	const unsigned short num = op->ops[n].sem_num;
	int value = debt ? s->debt[op->worker][num] : s->value[num];

	for (unsigned i = 0; i < n; i++)
		if (op->ops[i].sem_num != num)
			continue;
		else if (!debt)
			value += op->ops[i].sem_op;
		else if ((op->ops[i].sem_flg & SEM_UNDO) != 0)
			value -= op->ops[i].sem_op;
	return value;
}

/* 0, SLEEPS or a negative errno, for the `n`th operation alone. */
static int
judge(const struct set *s, const struct op *op, unsigned n)
{
	const struct sembuf *b = &op->ops[n];
	const int value = running(s, op, n, false);
	const int debt = running(s, op, n, true) - b->sem_op;

	if ((b->sem_op == 0 && value != 0) || value + b->sem_op < 0)
		return (b->sem_flg & IPC_NOWAIT) != 0 ? -EAGAIN : SLEEPS;
	if (value + b->sem_op > TOP)
		return model_lies("ERANGE") ? -EAGAIN : -ERANGE;
	if ((b->sem_flg & SEM_UNDO) != 0 && (debt < -TOP - 1 || debt > TOP))
		return -ERANGE;
	return 0;
}

static void
apply(struct set *s, const struct op *op, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct sembuf *b = &op->ops[i];

		s->value[b->sem_num] += b->sem_op;
		if ((b->sem_flg & SEM_UNDO) != 0)
			s->debt[op->worker][b->sem_num] -= b->sem_op;
		if (b->sem_op != 0 || !model_lies("the pid of a zero test"))
			s->pid[b->sem_num] = model.pid[op->worker];
	}
}

/* Perform all or nothing; *at is the operation that stands in the way. */
static int
try(struct set *s, const struct op *op, unsigned *at)
{
	for (unsigned i = 0; i < op->nops; i++) {
		const int verdict = judge(s, op, i);

		if (verdict == 0)
			continue;
		*at = i;
		if (model_lies("all or nothing"))
			apply(s, op, i);
		return verdict;
	}
	apply(s, op, op->nops);
	return 0;
}

static bool
alters(const struct op *op)
{
	for (unsigned i = 0; i < op->nops; i++)
		if (op->ops[i].sem_op != 0)
			return true;
	return false;
}

/* ---- sleepers ---- */

static struct sleeper *
sleeper_at(unsigned i)
{
	return &model.sleeper[i / THREADS][i % THREADS];
}

#define SLEEPERS	(WORKERS * THREADS)

void
queue_leave(struct sleeper *l, long value, int error)
{
	const unsigned i = (unsigned)(l - &model.sleeper[0][0]);

	l->set = NULL;
	model_answer((int)(i / THREADS), (int)(i % THREADS), value, error);
}

void
queue_empty(struct set *s)
{
	for (unsigned i = 0; i < SLEEPERS; i++)
		if (sleeper_at(i)->set == s)
			queue_leave(sleeper_at(i), -1,
			    model_lies("EIDRM") ? EINVAL : EIDRM);
}

int
queue_count(const struct set *s, int num, bool zero)
{
	int n = 0;

	for (unsigned i = 0; i < SLEEPERS; i++) {
		const struct sleeper *l = sleeper_at(i);
		const struct sembuf *b = &l->op.ops[l->at];

		n += l->set == s && b->sem_num == num &&
		    (b->sem_op == 0) == zero;
	}
	return n;
}

/* The next after `after` in the order of arrival, or NULL. */
static struct sleeper *
next_sleeper(const struct set *s, unsigned long after, bool alter)
{
	struct sleeper *next = NULL;
	const bool lifo = alter && model_lies("order");

	for (unsigned i = 0; i < SLEEPERS; i++) {
		struct sleeper *l = sleeper_at(i);

		if (l->set != s || l->alters != alter)
			continue;
		if (lifo && l->since < after &&
		    (next == NULL || l->since > next->since))
			next = l;
		if (!lifo && l->since > after &&
		    (next == NULL || l->since < next->since))
			next = l;
	}
	return next;
}

/* Does it go on now?  If not, it sleeps on what is in its way now. */
static bool
serve(struct set *s, struct sleeper *l)
{
	const unsigned was = l->at;
	const int verdict = try(s, &l->op, &l->at);

	if (model_lies("where a sleeper is counted"))
		l->at = was;
	if (verdict == SLEEPS)
		return false;
	if (verdict == 0)
		s->ds.sem_otime = time(NULL);
	queue_leave(l, verdict == 0 ? 0 : -1, -verdict);
	return verdict == 0;
}

/* Those who only test: one test of `num`, or several with num -1. */
static void
serve_tests(struct set *s, int num)
{
	struct sleeper *l, *next;

	for (l = next_sleeper(s, 0, false); l != NULL; l = next) {
		next = next_sleeper(s, l->since, false);
		if (num == -1 ? l->op.nops > 1 :
		    l->op.nops == 1 && l->op.ops[0].sem_num == num)
			serve(s, l);
	}
}

static void
serve_zero(struct set *s, const struct op *op)
{
	const unsigned n = op != NULL ? op->nops : (unsigned)s->ds.sem_nsems;
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		const int num = op != NULL ? op->ops[i].sem_num : (int)i;

		if (s->value[num] != 0)
			continue;
		any = true;
		serve_tests(s, num);
	}
	if (any)
		serve_tests(s, -1);
}

static void
serve_alters(struct set *s)
{
	const unsigned long begin = model_lies("order") ? ~0UL : 0;
	struct sleeper *l = next_sleeper(s, begin, true);

	while (l != NULL) {
		const unsigned long since = l->since;
		const struct op op = l->op;

		if (serve(s, l)) {
			if (!model_lies("zero tests"))
				serve_zero(s, &op);
			l = next_sleeper(s, begin, true);
		} else if (l->set != NULL && model_lies("overtaking")) {
			return;
		} else {
			l = next_sleeper(s, since, true);
		}
	}
}

void
queue_serve(struct set *s, const struct op *op)
{
	if (model_lies("the first served")) {
		serve_alters(s);
		serve_zero(s, op);
		return;
	}
	serve_zero(s, op);
	serve_alters(s);
}

/* ---- a call ---- */

static int
check(const struct op *op, struct set **set)
{
	int top = 0;

	if (can.admin && op->nops > SEMOPM_HERE)
		return E2BIG;
	if (op->nops < 1)
		return EINVAL;
	if (op->null)
		return EFAULT;
	if (op->timeout == TIMEOUT_NEGATIVE || op->timeout == TIMEOUT_ODD)
		return EINVAL;
	*set = model_find(op->id[MIPC]);
	if (*set == NULL)
		return EINVAL;
	for (unsigned i = 0; i < op->nops; i++) {
		if ((op->ops[i].sem_flg & SEM_UNDO) != 0)
			(*set)->debtor[op->worker] = true;
		if (op->ops[i].sem_num > top)
			top = op->ops[i].sem_num;
	}
	if (top >= (int)(*set)->ds.sem_nsems)
		return EFBIG;
	return model_forbids(*set, op->worker, alters(op) ? 0222 : 0444) ?
	    EACCES : 0;
}

static void
finish(const struct op *op, struct result *r, int error)
{
	if (r == NULL) {
		model_answer(op->worker, op->thread, error != 0 ? -1 : 0,
		    error);
		return;
	}
	r->value = error != 0 ? -1 : 0;
	r->error = error;
}

void
queue_semop(const struct op *op, struct result *r)
{
	struct set *s = NULL;
	struct sleeper *l = &model.sleeper[op->worker][op->thread];
	unsigned at = 0;
	int verdict = check(op, &s);

	if (verdict != 0) {
		finish(op, r, verdict);
		return;
	}
	verdict = try(s, op, &at);
	if (verdict == SLEEPS && op->timeout == TIMEOUT_ZERO)
		verdict = -EAGAIN;
	if (verdict == SLEEPS) {
		*l = (struct sleeper){
			.set = s, .since = ++model.clock, .op = *op,
			.at = at, .alters = alters(op)
		};
		return;
	}
	finish(op, r, -verdict);
	if (verdict != 0)
		return;
	if (alters(op) || !model_lies("otime"))
		s->ds.sem_otime = time(NULL);
	if (alters(op) && !model_lies("waking"))
		queue_serve(s, op);
}

/* ---- debts ---- */

static void
settle(struct set *s, int worker)
{
	for (int i = 0; i < (int)s->ds.sem_nsems; i++) {
		if (s->debt[worker][i] == 0)
			continue;
		s->value[i] += s->debt[worker][i];
		if (s->value[i] < 0 && !model_lies("clamping"))
			s->value[i] = 0;
		if (s->value[i] > TOP)
			s->value[i] = TOP;
		if (!model_lies("the pid of a debt"))
			s->pid[i] = model.pid[worker];
		s->debt[worker][i] = 0;
	}
	s->debtor[worker] = false;
	s->ds.sem_otime = time(NULL);
	queue_serve(s, NULL);
}

void
queue_settle(int worker)
{
	for (int i = 0; i < OBJECTS; i++)
		if (model.set[i].used && model.set[i].debtor[worker])
			settle(&model.set[i], worker);
}
