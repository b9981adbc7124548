/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_tell.c - how operations and their results read.
 */
#include "diff_sem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_name[OP_KINDS] = {
	"semget", "semop", "semctl", "signal", "fork", "exec", "exit",
	"_exit", "SIGKILL", "setuid", "new worker", "end of a thread",
	"new thread"
};

static const char *const timeout_name[TIMEOUTS] = {
	"", ", NULL", ", {0, 0}", ", {100000, 0}", ", {-1, 0}",
	", {0, 1000000000}"
};

static const char *const signal_name[SIGNALS] = {
	"a handler", "a handler with SA_RESTART", "a handler that calls",
	"a handler that jumps", "ignored", "SIGSTOP, SIGCONT"
};

static const char *
command_name(int cmd)
{
	static const struct {
		int cmd;
		const char *name;
	} names[] = {
		{ IPC_STAT, "IPC_STAT" }, { IPC_SET, "IPC_SET" },
		{ IPC_RMID, "IPC_RMID" }, { IPC_INFO, "IPC_INFO" },
		{ SEM_INFO, "SEM_INFO" }, { SEM_STAT, "SEM_STAT" },
		{ SEM_STAT_ANY, "SEM_STAT_ANY" }, { GETVAL, "GETVAL" },
		{ GETALL, "GETALL" }, { GETPID, "GETPID" },
		{ GETNCNT, "GETNCNT" }, { GETZCNT, "GETZCNT" },
		{ SETVAL, "SETVAL" }, { SETALL, "SETALL" }
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].cmd == cmd)
			return names[i].name;
	return "an unknown command";
}

/* ---- text that grows ---- */

struct text {
	char *at;
	size_t left;
};

static void	add(struct text *t, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left > 0 ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

/* ---- operations ---- */

/* {number change flags}, where n is IPC_NOWAIT and u SEM_UNDO. */
static void
add_vector(struct text *t, const struct op *op)
{
	add(t, "(%d/%d, %s", op->id[KERNEL], op->id[MIPC],
	    op->null ? "NULL " : "");
	for (unsigned i = 0; i < op->nops; i++) {
		const struct sembuf *b = &op->ops[i];

		add(t, "{%u %+d%s%s%s}", b->sem_num, b->sem_op,
		    b->sem_flg != 0 ? " " : "",
		    (b->sem_flg & IPC_NOWAIT) != 0 ? "n" : "",
		    (b->sem_flg & SEM_UNDO) != 0 ? "u" : "");
	}
	add(t, "%s)", timeout_name[op->timeout]);
}

static void
add_ctl(struct text *t, const struct op *op)
{
	add(t, "(%d/%d, %d, %s%s", op->id[KERNEL], op->id[MIPC], op->num,
	    command_name(op->cmd), op->null ? ", NULL" : "");
	if (op->cmd == SETVAL || op->cmd == SETALL)
		add(t, ", %d", op->value);
	if (op->cmd == IPC_SET)
		add(t, ", uid %u gid %u mode %o", op->uid, op->gid, op->mode);
	add(t, ")");
}

void
tell_op(const struct op *op, char *text, size_t size)
{
	struct text t = { text, size };

	if (op->kind == OP_NEW)
		add(&t, "driver: ");
	else
		add(&t, "%d.%d: ", op->worker, op->thread);
	add(&t, "%s", kind_name[op->kind]);
	if (op->kind == OP_SEMOP)
		add_vector(&t, op);
	else if (op->kind == OP_CTL)
		add_ctl(&t, op);
	else if (op->kind == OP_GET)
		add(&t, "(%#x, %d, 0%o)", (unsigned)op->key, op->nsems,
		    (unsigned)op->flags);
	else if (op->kind == OP_SIGNAL)
		add(&t, ", %s ", signal_name[op->signal]);
	else if (op->kind == OP_FORK || op->kind == OP_NEW ||
	    op->kind == OP_THREAD_NEW)
		add(&t, " %d", op->child);
	if (op->kind == OP_SIGNAL && op->signal == SIGNAL_CALLS)
		add_vector(&t, op);
}

void
tell_result(const struct result *r, char *text, size_t size)
{
	if (r->value == JUMPED)
		snprintf(text, size, "jumped");
	else if (r->error != 0)
		snprintf(text, size, "%s", error_name(r->error));
	else
		snprintf(text, size, "%ld", r->value);
}

/* ---- steps ---- */

static void
add_came(struct text *t, const struct driver *d, int side)
{
	bool any = false;

	for (int w = 0; w < WORKERS; w++)
		for (int n = 0; n < THREADS; n++) {
			char result[40];

			if (!d->came[side][w][n])
				continue;
			tell_result(&d->world->worker[side][w].actor[n].result,
			    result, sizeof(result));
			add(t, " %d.%d %s", w, n, result);
			any = true;
		}
	if (!any)
		add(t, " nobody");
}

void
tell_step(struct driver *d, const struct op *op)
{
	struct text t = {
		d->past[(d->made - 1) % HISTORY], sizeof(d->past[0])
	};
	char text[400];

	tell_op(op, text, sizeof(text));
	add(&t, "%u) %s: kernel:", d->step, text);
	add_came(&t, d, KERNEL);
	add(&t, ", %s:", d->config->store == STORE_KERNEL ? "again" :
	    d->config->store == STORE_MODEL ? "model" : "mipc");
	add_came(&t, d, MIPC);
}
