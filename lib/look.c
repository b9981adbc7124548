/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c - looking at an object without touching it: what is the same of all
 * kinds, and of the namespace.
 *
 * Those who change an object leave a sequence or a turn that differs
 * afterwards; so what was read between two equal ones is one state, and needs
 * no lock.  Where they never rest, or died halfway, what was read last is
 * told, and that it may be of several moments.  Nothing that is read is
 * believed: neither counts nor links.
 */
#include "look.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "control.h"
#include "lock.h"
#include "status.h"
#include "store.h"

#define READINGS	32

/* --- what all functions share ------------------------------------------ */

int
mipc_look_result(int error, uint64_t found)
{
	if (error == 0)
		return found > INT_MAX ? INT_MAX : (int)found;
	errno = error;
	return -1;
}

uint32_t
mipc_look_until_same(mipc_look_read *read, void *arg, int *torn)
{
	uint32_t found = 0;
	bool same = false;

	for (int i = 0; i < READINGS && !same; i++) {
		if (i > 0)
			sched_yield();
		found = read(arg, &same);
	}
	if (torn != NULL)
		*torn = !same;
	return found;
}

bool
mipc_look_line(const struct mipc_line *line, mipc_look_place *use, void *arg)
{
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_place *place;

	for (uint32_t n = 0; index != MIPC_NOBODY; n++) {
		if (n >= MIPC_SLEEPERS)
			return false;
		place = mipc_line_place(line, index);
		if (!mipc_line_ended(mipc_line_state(place)))
			use(place, index, arg);
		index = mipc_line_neighbour(line, &place->next);
	}
	return true;
}

void
mipc_look_who(struct mipc_ns *ns, struct mipc_look_process *process, bool gone)
{
	const pid_t pid = process->pid;

	mipc_life_show(ns->lives, process->life, gone, process);
	if (process->pid == 0)
		process->pid = pid;
}

/* --- an object --------------------------------------------------------- */

struct status {
	const struct mipc_opened *opened;
	struct ipc_perm perm;
	int removed;
};

static uint32_t
read_status(void *arg, bool *same)
{
	struct status *s = arg;
	struct mipc_object *head = s->opened->head;
	uint64_t seq = mipc_seq_begin(head);

	mipc_control_perm(s->opened, &s->perm);
	s->removed = mipc_peek(&head->state) != MIPC_ALIVE;
	*same = seq % 2 == 0 && mipc_seq_same(head, seq);
	return 1;
}

/* Is it still that object, and may the caller read it? */
static int
check(const struct mipc_look *look)
{
	struct status s = { .opened = look->opened };
	const struct mipc_object *head = look->opened->head;

	mipc_look_until_same(read_status, &s, NULL);
	if (head->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	if (mipc_take(&head->id) != look->opened->id)
		return EINVAL;
	return mipc_control_may_read(&s.perm) ? 0 : EACCES;
}

int
mipc_look_enter(struct mipc_look *look, struct mipc_ns *ns,
    enum mipc_kind kind, int id)
{
	struct mipc_gate gate;
	int error;

	if (id < 0 || (unsigned)kind >= MIPC_KINDS)
		return EINVAL;
	mipc_gate_check();
	mipc_cred_look();
	if (mipc_thread() == NULL)
		return ENOMEM;
	look->ns = ns;
	mipc_gate_enter(&gate);
	error = mipc_ns_get(ns, kind, (uint64_t)id, &look->opened);
	mipc_gate_leave(&gate);
	if (error != 0)
		return error;
	error = check(look);
	if (error != 0)
		mipc_look_leave(look);
	return error;
}

void
mipc_look_leave(struct mipc_look *look)
{
	mipc_ns_unpin(look->opened);
}

static void
show_owner(struct mipc_ns *ns, mipc_life owner, uint64_t since,
    struct mipc_look_lock *out)
{
	memset(out, 0, sizeof(*out));
	if (owner == 0)
		return;
	out->held = 1;
	out->since = (time_t)since;
	mipc_life_show(ns->lives, owner, false, &out->owner);
}

static void
show_lock(struct mipc_ns *ns, const struct mipc_lock *lock,
    struct mipc_look_lock *out)
{
	mipc_life owner = mipc_take(&lock->owner);

	show_owner(ns, owner, mipc_peek(&lock->since), out);
}

/* What it was made with outlives whoever made it, and is what it says. */
static void
show_creator(struct mipc_ns *ns, const struct mipc_object *head,
    struct mipc_look_process *out)
{
	mipc_life_show(ns->lives, head->creator, true, out);
	out->pid = (pid_t)head->cpid;
	out->uid = (uid_t)head->cuid;
	memcpy(out->command, head->command, MIPC_COMMAND - 1);
}

MIPC_PUBLIC int
mipc_look_object(struct mipc_ns *ns, enum mipc_kind kind, int id,
    struct mipc_look_object *out, int *torn)
{
	struct mipc_object *head;
	struct mipc_look look;
	struct mipc_gate gate;
	struct status s;
	int error;

	error = mipc_look_enter(&look, ns, kind, id);
	if (error != 0)
		return mipc_look_result(error, 0);
	s.opened = look.opened;
	head = look.opened->head;
	mipc_look_until_same(read_status, &s, torn);
	*out = (struct mipc_look_object){
		.id = id,
		.kind = kind,
		.removed = s.removed,
		.perm = s.perm,
		.born = (time_t)head->born,
	};
	show_creator(ns, head, &out->creator);
	show_lock(ns, &head->lock, &out->lock);
	mipc_gate_enter(&gate);
	out->used = ns->store->ops->used(ns->store, kind, (uint64_t)id);
	mipc_gate_leave(&gate);
	mipc_look_leave(&look);
	return 0;
}

static const size_t ds_bytes[MIPC_KINDS] = {
	[MIPC_SHM] = sizeof(struct shmid_ds),
	[MIPC_SEM] = sizeof(struct semid_ds),
	[MIPC_MSG] = sizeof(struct msqid_ds),
};

MIPC_PUBLIC int
mipc_look_status(struct mipc_ns *ns, enum mipc_kind kind, int id, void *ds,
    struct mipc_look_lock *lock, int *torn)
{
	struct mipc_status status;
	int error;

	if (id < 0 || (unsigned)kind >= MIPC_KINDS)
		return mipc_look_result(EINVAL, 0);
	mipc_gate_check();
	error = mipc_status_read(ns, kind, (uint64_t)id, &status);
	if (error != 0)
		return mipc_look_result(error, 0);
	memcpy(ds, &status.ds, ds_bytes[kind]);
	if (lock != NULL)
		show_owner(ns, status.owner, status.since, lock);
	if (torn != NULL)
		*torn = status.torn;
	return status.hidden;
}

/* --- sleepers ---------------------------------------------------------- */

MIPC_PUBLIC int
mipc_look_sleepers(struct mipc_ns *ns, enum mipc_kind kind, int id,
    struct mipc_look_sleeper *out, size_t n, int *torn)
{
	struct mipc_look look;
	int error, found;

	error = kind == MIPC_SHM ? EINVAL :
	    mipc_look_enter(&look, ns, kind, id);
	if (error != 0)
		return mipc_look_result(error, 0);
	found = kind == MIPC_SEM ?
	    mipc_look_set_sleepers(&look, out, n, torn) :
	    mipc_look_queue_sleepers(&look, out, n, torn);
	mipc_look_leave(&look);
	return found;
}

/* --- the namespace ----------------------------------------------------- */

MIPC_PUBLIC int
mipc_look_ids(struct mipc_ns *ns, enum mipc_kind kind, int *out, size_t n)
{
	struct mipc_entry *entry;
	uint64_t found = 0, id;

	if ((unsigned)kind >= MIPC_KINDS)
		return mipc_look_result(EINVAL, 0);
	mipc_gate_check();
	for (int i = 0; i <= mipc_ns_highest(ns, kind); i++) {
		entry = mipc_ns_at(ns, kind, (uint64_t)i);
		if (entry == NULL)
			continue;
		id = mipc_peek(&entry->id);
		if (id > INT_MAX)
			continue;
		if (found < n)
			out[found] = (int)id;
		found++;
	}
	return mipc_look_result(0, found);
}

MIPC_PUBLIC int
mipc_look_processes(struct mipc_ns *ns, struct mipc_look_process *out,
    size_t n)
{
	mipc_gate_check();
	return mipc_look_result(0, mipc_life_show_all(ns->lives, out, n));
}

MIPC_PUBLIC int
mipc_look_lock(struct mipc_ns *ns, struct mipc_look_lock *out)
{
	mipc_gate_check();
	show_lock(ns, &ns->space->lock, out);
	return 0;
}
