/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_msg.c - what mipcs shows of message queues.
 */
#include "mipcs.h"

#include <stdio.h>

#ifndef MSG_INFO
#define MSG_INFO	12
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY	13
#endif

static void
bytes_cell(const struct command *cmd, const struct object *o, char *cell)
{
	size_cell(cmd, o->ds.msg.__msg_cbytes, cell);
}

static void
qbytes_cell(const struct command *cmd, const struct object *o, char *cell)
{
	size_cell(cmd, o->ds.msg.msg_qbytes, cell);
}

static void
messages_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%lu", (unsigned long)o->ds.msg.msg_qnum);
}

static void
lspid_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", (int)o->ds.msg.msg_lspid);
}

static void
lrpid_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", (int)o->ds.msg.msg_lrpid);
}

static void
stime_cell(const struct command *cmd, const struct object *o, char *cell)
{
	time_cell(cmd, o->ds.msg.msg_stime, cell);
}

static void
rtime_cell(const struct command *cmd, const struct object *o, char *cell)
{
	time_cell(cmd, o->ds.msg.msg_rtime, cell);
}

static void
ctime_cell(const struct command *cmd, const struct object *o, char *cell)
{
	time_cell(cmd, o->ds.msg.msg_ctime, cell);
}

static const struct column columns[] = {
	{ { "key", "key, in hexadecimal", 0 }, IN_DEFAULT, key_cell },
	{ { "msqid", "identifier", 1 }, IN_ALL, id_cell },
	{ { "owner", "owner's name", 0 }, IN_ALL, owner_cell },
	{ { "group", "owner's group", 0 }, IN_CREATORS, group_cell },
	{ { "creator", "creator's name", 0 }, IN_CREATORS, creator_cell },
	{ { "cgroup", "creator's group", 0 }, IN_CREATORS, cgroup_cell },
	{ { "perms", "permissions, in octal", 0 }, IN_DEFAULT | IN_CREATORS,
	    perms_cell },
	{ { "messages", "number of messages", 1 }, IN_DEFAULT,
	    messages_cell },
	{ { "bytes", "size of their texts", 1 }, IN_DEFAULT, bytes_cell },
	{ { "qbytes", "most bytes, and most messages", 1 }, IN_DEFAULT,
	    qbytes_cell },
	{ { "lspid", "process that sent last", 1 }, IN_PIDS, lspid_cell },
	{ { "lrpid", "process that received last", 1 }, IN_PIDS,
	    lrpid_cell },
	{ { "stime", "when a message was sent last", 1 }, IN_TIMES,
	    stime_cell },
	{ { "rtime", "when a message was received last", 1 }, IN_TIMES,
	    rtime_cell },
	{ { "ctime", "when it was created or changed by msgctl() last", 1 },
	    IN_TIMES, ctime_cell },
	{ { "status", "why it cannot be read", 0 }, IN_ALL, status_cell },
};

static int
inform(struct mipc_ns *ns, struct msginfo *info)
{
	return mipc_msgctl(ns, 0, MSG_INFO, (struct msqid_ds *)(void *)info);
}

static int
highest(struct mipc_ns *ns)
{
	struct msginfo info;

	return inform(ns, &info);
}

static int
stat_index(struct mipc_ns *ns, int index, struct object *o)
{
	return mipc_msgctl(ns, index, MSG_STAT_ANY, &o->ds.msg);
}

/* Those that an int of struct msginfo may be too small for. */
static int
limits(struct mipc_ns *ns, struct fact *facts)
{
	static const struct fact names[] = {
		{ "msgmni", 0, "most queues" },
		{ "msgmax", 0, "most bytes of a message" },
		{ "msgmnb", 0, "most bytes of a queue that is made" },
	};
	const int n = sizeof(names) / sizeof(names[0]);

	for (int i = 0; i < n; i++) {
		facts[i] = names[i];
		if (mipc_limit(ns, names[i].name, &facts[i].value, NULL) ==
		    -1)
			return -1;
	}
	return n;
}

static int
summary(struct mipc_ns *ns, struct fact *facts)
{
	struct msginfo info;

	if (inform(ns, &info) == -1)
		return -1;
	facts[0] = (struct fact){ "queues", (unsigned)info.msgpool,
	    "in use" };
	facts[1] = (struct fact){ "messages", (unsigned)info.msgmap,
	    "in all queues that may be opened" };
	facts[2] = (struct fact){ "bytes", (unsigned)info.msgtql,
	    "of their texts" };
	return 3;
}

const struct kind kind_msg = {
	.name = "queues",
	.one = "queue",
	.views = IN_ALL,
	.columns = columns,
	.ncolumns = sizeof(columns) / sizeof(columns[0]),
	.highest = highest,
	.stat = stat_index,
	.limits = limits,
	.summary = summary,
};

_Static_assert(sizeof(columns) / sizeof(columns[0]) <= COLUMNS, "columns");
