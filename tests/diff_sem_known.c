/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_known.c - what is known to differ, each with the condition under
 * which it is excused: rows of mipc(7).
 */
#include "diff_sem.h"

#include <errno.h>

static bool
is_size_unknown(struct driver *d, const struct op *op, const struct result *k,
    const struct result *m)
{
	if (d->config->store != STORE_DIR ||
	    d->member[op->worker].uid != NOBODY)
		return false;
	if (op->kind == OP_GET)
		return k->error == EINVAL &&
		    (m->error == EACCES || m->error == 0);
	return m->error == EACCES &&
	    k->error == (op->kind == OP_CTL ? EINVAL : EFBIG);
}

static bool
is_stranger(struct driver *d, const struct op *op, const struct result *k,
    const struct result *m)
{
	return d->config->store == STORE_DIR && op->kind == OP_CTL &&
	    op->cmd == SEM_STAT_ANY && m->error == 0 &&
	    d->member[op->worker].uid == NOBODY &&
	    m->u.ds.sem_nsems == 0 &&
	    k->u.ds.sem_perm.uid == m->u.ds.sem_perm.uid;
}

/* ---- the kernel's otime at the end of a process ---- */

void
known_note_user(struct driver *d, const struct op *op)
{
	if ((op->kind != OP_SEMOP && op->kind != OP_SIGNAL) ||
	    op->object == -1)
		return;
	for (unsigned i = 0; i < op->nops; i++)
		if ((op->ops[i].sem_flg & SEM_UNDO) != 0)
			d->object[op->object].user[op->worker] = true;
}

void
known_note_end(struct driver *d, int worker)
{
	for (int i = 0; i < d->nobject; i++) {
		d->object[i].left |= d->object[i].user[worker];
		d->object[i].user[worker] = false;
	}
}

bool
known_excuses_otime(const struct driver *d, const struct object *o,
    long long kernel, long long mipc)
{
	return (d->config->store == STORE_DIR ||
	    d->config->store == STORE_ANON) && o->left && kernel > mipc;
}

/* ---- exec by one that has changed its user ---- */

/* It has succeeded: has it left a debt? */
void
known_note_done(struct driver *d, const struct op *op)
{
	struct member *m = &d->member[op->worker];

	for (unsigned i = 0; op->kind == OP_SEMOP && i < op->nops; i++)
		m->owed |= (op->ops[i].sem_flg & SEM_UNDO) != 0 &&
		    op->ops[i].sem_op != 0 && m->uid != NOBODY;
}

bool
known_pays_at_exec(const struct driver *d, int worker)
{
	return d->config->store == STORE_DIR && d->member[worker].dropped;
}

/*
 * Where `excuses` is NULL, no such operation is made up; else it says of a
 * pair of results that differ whether this row is the reason.
 */
static const struct known {
	const char *what;
	bool (*excuses)(struct driver *, const struct op *,
	    const struct result *, const struct result *);
} known[] = {
	{ "who may not open a set does not learn its size: EACCES before "
	    "EFBIG or EINVAL, and semget of more than there are finds it",
	    is_size_unknown },
	{ "SEM_STAT_ANY of a set that the caller may not open shows what its "
	    "file tells: owner and mode", is_stranger },
	{ "otime is not set at the end of a process that owes nothing, but "
	    "used SEM_UNDO: see known_excuses_otime()", NULL },
	{ "an anonymous namespace ends at exec", NULL },
	{ "who changed its user before it owed anything is undone when it "
	    "runs exec", NULL },
	{ "a dead process is undone when somebody asks, or waits: the test "
	    "asks after each end", NULL },
	{ "who only tests several semaphores for zero is judged again at each "
	    "change, by a kernel when one of the changed is zero", NULL },
	{ "an unprivileged owner may be unable to give a set away, and who "
	    "has made and given away one to change it", NULL },
	{ "a signal that comes after a sleeper is counted, while it does not "
	    "sleep, does not wake it: it is repeated", NULL },
	{ "whose handler leaves by siglongjmp() is a sleeper until its next "
	    "call: it makes one at once", NULL },
	{ "a vfork() child counts as its parent", NULL },
	{ "unshare(CLONE_SYSVSEM) by one of several threads parts nothing",
	    NULL },
	{ "in which order the debts of one process to several sets are "
	    "settled", NULL },
};

bool
known_excuses(struct driver *d, const struct op *op, const struct result *k,
    const struct result *m)
{
	if (d->config->store == STORE_KERNEL ||
	    d->config->store == STORE_MODEL)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].excuses != NULL &&
		    known[i].excuses(d, op, k, m))
			return true;
	return false;
}

void
known_note(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		tap_note("known difference, %s: %s", known[i].excuses != NULL ?
		    "excused" : "not drawn", known[i].what);
}
