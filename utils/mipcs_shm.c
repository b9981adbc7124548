/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_shm.c - what mipcs shows of segments.
 */
#include "mipcs.h"

#include <stdio.h>

static void
bytes_cell(const struct command *cmd, const struct object *o, char *cell)
{
	size_cell(cmd, o->ds.shm.shm_segsz, cell);
}

static void
nattch_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%lu", (unsigned long)o->ds.shm.shm_nattch);
}

static void
cpid_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", (int)o->ds.shm.shm_cpid);
}

static void
lpid_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", (int)o->ds.shm.shm_lpid);
}

static void
atime_cell(const struct command *cmd, const struct object *o, char *cell)
{
	time_cell(cmd, o->ds.shm.shm_atime, cell);
}

static void
dtime_cell(const struct command *cmd, const struct object *o, char *cell)
{
	time_cell(cmd, o->ds.shm.shm_dtime, cell);
}

static void
ctime_cell(const struct command *cmd, const struct object *o, char *cell)
{
	time_cell(cmd, o->ds.shm.shm_ctime, cell);
}

static void
state_cell(const struct command *cmd, const struct object *o, char *cell)
{
	const unsigned mode = o->ds.perm.mode;
	const char *dest = mode & SHM_DEST ? "dest" : "";
	const char *locked = mode & SHM_LOCKED ? "locked" : "";

	snprintf(cell, CELL, "%s%s%s", dest, *dest && *locked ? "," : "",
	    locked);
	status_cell(cmd, o, cell);
}

static const struct column columns[] = {
	{ { "key", "key, in hexadecimal", 0 }, IN_DEFAULT, key_cell },
	{ { "shmid", "identifier", 1 }, IN_ALL, id_cell },
	{ { "owner", "owner's name", 0 }, IN_ALL, owner_cell },
	{ { "group", "owner's group", 0 }, IN_CREATORS, group_cell },
	{ { "creator", "creator's name", 0 }, IN_CREATORS, creator_cell },
	{ { "cgroup", "creator's group", 0 }, IN_CREATORS, cgroup_cell },
	{ { "perms", "permissions, in octal", 0 }, IN_DEFAULT | IN_CREATORS,
	    perms_cell },
	{ { "bytes", "size", 1 }, IN_DEFAULT, bytes_cell },
	{ { "nattch", "number of attaches", 1 }, IN_DEFAULT, nattch_cell },
	{ { "cpid", "process that created it", 1 }, IN_PIDS, cpid_cell },
	{ { "lpid", "process that attached or detached last", 1 }, IN_PIDS,
	    lpid_cell },
	{ { "atime", "when it was attached last", 1 }, IN_TIMES, atime_cell },
	{ { "dtime", "when it was detached last", 1 }, IN_TIMES, dtime_cell },
	{ { "ctime", "when it was created or changed last", 1 }, IN_TIMES,
	    ctime_cell },
	{ { "status", "dest: removed and still attached; locked; or why it "
	    "cannot be read", 0 }, IN_ALL, state_cell },
};

static int
highest(struct mipc_ns *ns)
{
	struct shm_info info;

	return mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info);
}

static int
stat_index(struct mipc_ns *ns, int index, struct object *o)
{
	return mipc_shmctl(ns, index, SHM_STAT_ANY, &o->ds.shm);
}

static int
limits(struct mipc_ns *ns, struct fact *facts)
{
	struct shminfo info;

	if (mipc_shmctl(ns, 0, IPC_INFO, (struct shmid_ds *)&info) == -1)
		return -1;
	facts[0] = (struct fact){ "shmmni", info.shmmni, "most segments" };
	facts[1] = (struct fact){ "shmmax", info.shmmax,
	    "most bytes of a segment" };
	facts[2] = (struct fact){ "shmall", info.shmall,
	    "most pages of all segments" };
	facts[3] = (struct fact){ "shmmin", info.shmmin,
	    "least bytes of a segment" };
	return 4;
}

static int
summary(struct mipc_ns *ns, struct fact *facts)
{
	struct shm_info info;

	if (mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info) == -1)
		return -1;
	facts[0] = (struct fact){ "segments",
	    (unsigned long long)info.used_ids, "in use" };
	facts[1] = (struct fact){ "pages", info.shm_tot, "of all segments" };
	facts[2] = (struct fact){ "resident", info.shm_rss,
	    "pages in memory" };
	facts[3] = (struct fact){ "swapped", info.shm_swp,
	    "pages in swap space" };
	return 4;
}

const struct kind kind_shm = {
	.name = "segments",
	.one = "segment",
	.views = IN_ALL,
	.columns = columns,
	.ncolumns = sizeof(columns) / sizeof(columns[0]),
	.highest = highest,
	.stat = stat_index,
	.limits = limits,
	.summary = summary,
};

_Static_assert(sizeof(columns) / sizeof(columns[0]) <= COLUMNS, "columns");
