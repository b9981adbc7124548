/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_sem.c - what mipcs shows of semaphore sets, and of the semaphores of
 * one.
 */
#include "kernel.h"
#include "mipcs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a type of each libc's own. */
static void
nsems_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	(void)cmd;
	(void)column;
	say_count(o->ds.sem.sem_nsems, cell);
}

static const struct column columns[] = {
	COMMON_COLUMNS("semid"),
	{ { "nsems", "number of semaphores", 1 }, IN_DEFAULT, nsems_cell,
	    0 },
	{ { "otime", "when an operation was done last", TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, sem.sem_otime) },
	{ { "ctime", "when it was created or changed by semctl() last",
	    TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, sem.sem_ctime) },
	{ { "cpid", "process that created it", 1 }, IN_MORE, creator_cell,
	    0 },
	{ { "status", "why it cannot be read", 0 }, IN_ALL, status_cell, 0 },
	MORE_COLUMNS("s, a set"),
	{ { "undo", "who owes it: PID:SEMNUM:AMOUNT", TABLE_TEXT }, IN_MORE,
	    undo_cell, 0 },
	{ { "sleepers", "who sleeps there: PID, for what, since when",
	    TABLE_TEXT }, IN_MORE, sleepers_cell, 0 },
};

static int
inform(struct mipc_ns *ns, int cmd, struct seminfo *info)
{
	return any_semctl(ns, 0, 0, cmd, (union sem_argument){ .info = info });
}

static int
limits(struct mipc_ns *ns, struct fact *facts)
{
	unsigned long long barging = 0;
	struct seminfo info;

	if (inform(ns, IPC_INFO, &info) == -1 || (ns != NULL &&
	    mipc_limit(ns, "barging", &barging, NULL) == -1))
		return -1;
	facts[0] = (struct fact)LIMIT("semmni", (unsigned)info.semmni,
	    "most sets", 1);
	facts[1] = (struct fact)FACT("semmsl", (unsigned)info.semmsl,
	    "most semaphores of a set");
	facts[2] = (struct fact)LIMIT("semmns", (unsigned)info.semmns,
	    "most semaphores of all sets", 2);
	facts[3] = (struct fact)FACT("semopm", (unsigned)info.semopm,
	    "most operations of a call");
	facts[4] = (struct fact)FACT("semvmx", (unsigned)info.semvmx,
	    "highest value of a semaphore");
	facts[5] = (struct fact)FACT("barging", barging,
	    "1: who comes may overtake those who wait");
	return ns != NULL ? 6 : 5;	/* the kernel has no barging */
}

static int
summary(struct mipc_ns *ns, struct fact *facts)
{
	struct seminfo info;

	if (inform(ns, SEM_INFO, &info) == -1)
		return -1;
	facts[0] = (struct fact)FACT("sets", (unsigned)info.semusz, "in use");
	facts[1] = (struct fact)FACT("semaphores", (unsigned)info.semaem,
	    "of all sets");
	return 2;
}

const struct kind kind_sem = {
	.name = "sets",
	.views = IN_ALL & ~IN_PIDS,
	.columns = columns,
	.ncolumns = sizeof(columns) / sizeof(columns[0]),
	.limits = limits,
	.summary = summary,
};

_Static_assert(sizeof(columns) / sizeof(columns[0]) <= COLUMNS, "columns");

/* --- one set ----------------------------------------------------------- */

static const struct {
	struct table_column column;
	int cmd;		/* that tells it; -1 the number, GETALL */
} values[] = {
	{ { "semnum", "", 1 }, -1 },
	{ { "value", "", 1 }, GETALL },
	{ { "ncnt", "", 1 }, GETNCNT },
	{ { "zcnt", "", 1 }, GETZCNT },
	{ { "pid", "", 1 }, GETPID },
};

enum { VALUES = sizeof(values) / sizeof(values[0]) };

static int
add_semaphore(struct table *t, struct mipc_ns *ns, int id, int number,
    unsigned value)
{
	char text[VALUES][CELL];
	const char *cells[VALUES];
	int found;

	for (int i = 0; i < VALUES; i++) {
		switch (values[i].cmd) {
		case -1:
			found = number;
			break;
		case GETALL:
			found = (int)value;
			break;
		default:
			found = any_semctl(ns, id, number, values[i].cmd,
			    (union sem_argument){ .val = 0 });
			if (found == -1)
				return -1;
		}
		snprintf(text[i], CELL, "%d", found);
		cells[i] = text[i];
	}
	return table_add(t, cells);
}

unsigned short *
all_values(struct mipc_ns *ns, int id, int *n)
{
	struct semid_ds ds;
	unsigned short *all;

	if (any_semctl(ns, id, 0, IPC_STAT,
	    (union sem_argument){ .buf = &ds }) == -1)
		return NULL;
	all = malloc(ds.sem_nsems * sizeof(*all));
	*n = (int)ds.sem_nsems;
	if (all == NULL || any_semctl(ns, id, 0, GETALL,
	    (union sem_argument){ .array = all }) == 0)
		return all;
	free(all);
	return NULL;
}

int
print_semaphores(const struct command *cmd, struct mipc_ns *ns)
{
	const struct table_column *shown[VALUES];
	unsigned short *all;
	struct table *t;
	int n, error;

	for (int i = 0; i < VALUES; i++)
		shown[i] = &values[i].column;
	all = all_values(ns, cmd->id, &n);
	if (all == NULL) {
		fprintf(stderr, "mipcs: %s: set %d: %s\n", cmd->dir, cmd->id,
		    strerror(errno));
		return EXIT_UNREADABLE;
	}
	t = table_new("semaphores", shown, VALUES, cmd->table_flags);
	error = t == NULL ? -1 : 0;
	for (int i = 0; i < n && error == 0; i++)
		error = add_semaphore(t, ns, cmd->id, i, all[i]);
	free(all);
	if (error == 0 && table_print(t) == 0)
		return EXIT_FINE;
	fprintf(stderr, "mipcs: %s: set %d: %s\n", cmd->dir, cmd->id,
	    strerror(errno));
	return EXIT_UNREADABLE;
}
