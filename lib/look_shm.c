/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look_shm.c - who has a segment attached.
 */
#include "look.h"

#include "lock.h"
#include "segment.h"

struct gathering {
	const struct mipc_look *look;
	struct mipc_look_attach *out;
	size_t n;
};

/* Whose it is: its life for now, and its process once that is settled. */
static void
note(const struct mipc_attach *entry, mipc_life life,
    struct mipc_look_attach *out)
{
	out->process.life = life;
	out->process.pid = (pid_t)mipc_peek(&entry->pid);
	out->count = mipc_peek(&entry->count);
	out->since = (time_t)mipc_peek(&entry->since);
}

static uint32_t
read_attaches(void *arg, bool *same)
{
	struct gathering *g = arg;
	struct mipc_segment *segment = mipc_segment_of(g->look->opened);
	uint64_t seq = mipc_seq_begin(&segment->object), entries;
	uint32_t found = 0;
	mipc_life life;

	entries = mipc_segment_entries(g->look->opened);
	for (uint64_t i = 0; i < entries; i++) {
		life = mipc_take(&segment->entry[i].life);
		if (life == 0)
			continue;
		if (found < g->n)
			note(&segment->entry[i], life, &g->out[found]);
		found++;
	}
	*same = seq % 2 == 0 && mipc_seq_same(&segment->object, seq);
	return found;
}

MIPC_PUBLIC int
mipc_look_attached(struct mipc_ns *ns, int shmid,
    struct mipc_look_attach *out, size_t n, int *torn)
{
	struct mipc_look look;
	struct gathering g = { &look, out, n };
	uint32_t found;
	int error;

	error = mipc_look_enter(&look, ns, MIPC_SHM, shmid);
	if (error != 0)
		return mipc_look_result(error, 0);
	found = mipc_look_until_same(read_attaches, &g, torn);
	for (uint32_t i = 0; i < found && i < n; i++)
		mipc_look_who(ns, &out[i].process, false);
	mipc_look_leave(&look);
	return mipc_look_result(0, found);
}
