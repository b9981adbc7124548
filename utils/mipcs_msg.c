/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_msg.c - what mipcs shows of message queues.
 */
#include "kernel.h"
#include "mipcs.h"

#include <stdio.h>
#include <string.h>

static const struct column columns[] = {
	COMMON_COLUMNS("msqid"),
	{ { "messages", "number of messages", 1 }, IN_DEFAULT,
	    FIELD(unsigned long, count_cell, msg.msg_qnum) },
	{ { "bytes", "size of their texts", 1 }, IN_DEFAULT,
	    FIELD(unsigned long, size_cell, msg.__msg_cbytes) },
	{ { "qbytes", "most bytes, and most messages", 1 }, IN_DEFAULT,
	    FIELD(unsigned long, size_cell, msg.msg_qbytes) },
	{ { "lspid", "process that sent last", 1 }, IN_PIDS,
	    FIELD(pid_t, pid_cell, msg.msg_lspid) },
	{ { "lrpid", "process that received last", 1 }, IN_PIDS,
	    FIELD(pid_t, pid_cell, msg.msg_lrpid) },
	{ { "stime", "when a message was sent last", TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, msg.msg_stime) },
	{ { "rtime", "when a message was received last", TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, msg.msg_rtime) },
	{ { "ctime", "when it was created or changed by msgctl() last",
	    TABLE_TIME },
	    IN_TIMES, FIELD(time_t, time_cell, msg.msg_ctime) },
	{ { "cpid", "process that created it", 1 }, IN_MORE, creator_cell,
	    0 },
	{ { "status", "why it cannot be read", 0 }, IN_ALL, status_cell, 0 },
	MORE_COLUMNS("q, a queue"),
	{ { "types", "messages by type: TYPE:MESSAGES", TABLE_TEXT }, IN_MORE,
	    types_cell, 0 },
	{ { "sleepers", "who sleeps there: PID, for what, since when",
	    TABLE_TEXT }, IN_MORE, sleepers_cell, 0 },
};

static int
inform(struct mipc_ns *ns, int cmd, struct msginfo *info)
{
	return any_msgctl(ns, 0, cmd, (struct msqid_ds *)(void *)info);
}

static int
limits(struct mipc_ns *ns, struct fact *facts)
{
	static const struct fact names[] = {
		LIMIT("msgmni", 0, "most queues", 1),
		FACT("msgmax", 0, "most bytes of a message"),
		FACT("msgmnb", 0, "most bytes of a queue that is made"),
	};
	const int n = sizeof(names) / sizeof(names[0]);
	struct msginfo info;

	if (ns == NULL) {
		if (inform(ns, IPC_INFO, &info) == -1)
			return -1;
		memcpy(facts, names, sizeof(names));
		facts[0].value = (unsigned)info.msgmni;
		facts[1].value = (unsigned)info.msgmax;
		facts[2].value = (unsigned)info.msgmnb;
		return n;
	}
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

	if (inform(ns, MSG_INFO, &info) == -1)
		return -1;
	facts[0] = (struct fact)FACT("queues", (unsigned)info.msgpool,
	    "in use");
	facts[1] = (struct fact)FACT("messages", (unsigned)info.msgmap,
	    "in all queues that may be opened");
	facts[2] = (struct fact)FACT("bytes", (unsigned)info.msgtql,
	    "of their texts");
	return 3;
}

const struct kind kind_msg = {
	.name = "queues",
	.views = IN_ALL,
	.columns = columns,
	.ncolumns = sizeof(columns) / sizeof(columns[0]),
	.limits = limits,
	.summary = summary,
};

_Static_assert(sizeof(columns) / sizeof(columns[0]) <= COLUMNS, "columns");
