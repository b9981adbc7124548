/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_shm.c - what mipcs shows of segments.
 */
#include "kernel.h"
#include "mipcs.h"

#include <stdio.h>

static void
state_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	const unsigned mode = o->ds.perm.mode;
	const char *dest = mode & SHM_DEST ? "dest" : "";
	const char *locked = mode & SHM_LOCKED ? "locked" : "";

	snprintf(cell, CELL, "%s%s%s", dest, *dest && *locked ? "," : "",
	    locked);
	status_cell(cmd, o, column, cell);
}

static const struct column columns[] = {
	COMMON_COLUMNS("shmid"),
	{ { "bytes", "size", 1 }, IN_DEFAULT,
	    FIELD(unsigned long, size_cell, shm.shm_segsz) },
	{ { "nattch", "number of attaches", 1 }, IN_DEFAULT,
	    FIELD(unsigned long, count_cell, shm.shm_nattch) },
	{ { "cpid", "process that created it", 1 }, IN_PIDS,
	    FIELD(pid_t, pid_cell, shm.shm_cpid) },
	{ { "lpid", "process that attached or detached last", 1 }, IN_PIDS,
	    FIELD(pid_t, pid_cell, shm.shm_lpid) },
	{ { "atime", "when it was attached last", TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, shm.shm_atime) },
	{ { "dtime", "when it was detached last", TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, shm.shm_dtime) },
	{ { "ctime", "when it was created or changed last", TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, shm.shm_ctime) },
	{ { "status", "dest: removed and still attached; locked; or why it "
	    "cannot be read", 0 }, IN_ALL, state_cell, 0 },
	MORE_COLUMNS("m, a segment"),
	{ { "attached", "who has it attached: PID, or PID*TIMES", TABLE_TEXT },
	    IN_MORE, attached_cell, 0 },
};

static int
limits(struct mipc_ns *ns, struct fact *facts)
{
	struct shminfo info;

	if (any_shmctl(ns, 0, IPC_INFO, (struct shmid_ds *)&info) == -1)
		return -1;
	facts[0] = (struct fact)LIMIT("shmmni", info.shmmni,
	    "most segments", 1);
	facts[1] = (struct fact)FACT("shmmax", info.shmmax,
	    "most bytes of a segment");
	facts[2] = (struct fact)LIMIT("shmall", info.shmall,
	    "most pages of all segments", 2);
	facts[3] = (struct fact)FACT("shmmin", info.shmmin,
	    "least bytes of a segment");
	return 4;
}

static int
summary(struct mipc_ns *ns, struct fact *facts)
{
	struct shm_info info;

	if (any_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info) == -1)
		return -1;
	facts[0] = (struct fact)FACT("segments",
	    (unsigned long long)info.used_ids, "in use");
	facts[1] = (struct fact)FACT("pages", info.shm_tot, "of all segments");
	facts[2] = (struct fact)FACT("resident", info.shm_rss,
	    "pages in memory");
	facts[3] = (struct fact)FACT("swapped", info.shm_swp,
	    "pages in swap space");
	return 4;
}

const struct kind kind_shm = {
	.name = "segments",
	.views = IN_ALL,
	.columns = columns,
	.ncolumns = sizeof(columns) / sizeof(columns[0]),
	.limits = limits,
	.summary = summary,
};

_Static_assert(sizeof(columns) / sizeof(columns[0]) <= COLUMNS, "columns");
