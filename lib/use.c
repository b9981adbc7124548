/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * use.c - finding an object, and what its callers may do.
 *
 * One that this process has opened is found without a lock, a system call or a
 * shared write: the thread says which object it is about to use, and then
 * looks whether the table still names it (thread.h).
 */
#include "use.h"

#include <errno.h>

#include "patience.h"

void
mipc_use_begin(void)
{
	struct mipc_thread *thread;

	mipc_gate_check();
	thread = mipc_thread();
	if (thread != NULL)
		mipc_thread_withdraw(thread);
}

/* --- finding ----------------------------------------------------------- */

/* One that is open here: true, and it stays mapped. */
static bool
enter_open(struct mipc_use *use, enum mipc_kind kind, uint64_t id)
{
	_Atomic(struct mipc_opened *) *place =
	    &use->ns->opened[kind][id % MIPC_INDEX_MAX];
	struct mipc_opened *opened = mipc_take(place);

	if (opened == NULL)
		return false;
	if (mipc_thread_enter(use->thread, opened, &use->inside)) {
		/* Pairs with the store in take_out(), object.c. */
		if (mipc_take(place) == opened && opened->id == id &&
		    mipc_use_listed(opened)) {
			use->opened = opened;
			return true;
		}
	}
	mipc_thread_leave(use->thread, &use->inside);
	return false;
}

static int
enter_slowly(struct mipc_use *use, enum mipc_kind kind, uint64_t id)
{
	struct mipc_opened *opened;
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_ns_get(use->ns, kind, id, &opened);
	if (error == 0 && !mipc_use_listed(opened)) {
		mipc_ns_unpin(opened);
		error = EINVAL;
	}
	mipc_gate_leave(&gate);
	if (error != 0)
		return error;
	use->pinned = true;
	mipc_thread_enter(use->thread, opened, &use->inside);
	use->opened = opened;
	return 0;
}

int
mipc_use_enter(struct mipc_use *use, struct mipc_ns *ns, enum mipc_kind kind,
    int id)
{
	if (id < 0)
		return EINVAL;
	use->ns = ns;
	use->pinned = false;
	use->thread = mipc_thread();
	if (use->thread == NULL)
		return ENOMEM;
	return enter_open(use, kind, (uint64_t)id) ? 0 :
	    enter_slowly(use, kind, (uint64_t)id);
}

int
mipc_use_hold(struct mipc_use *use, struct mipc_ns *ns,
    struct mipc_opened *opened)
{
	use->ns = ns;
	use->pinned = false;
	use->thread = mipc_thread();
	if (use->thread == NULL)
		return ENOMEM;
	mipc_thread_enter(use->thread, opened, &use->inside);
	use->opened = opened;
	return 0;
}

void
mipc_use_leave(struct mipc_use *use)
{
	mipc_thread_leave(use->thread, &use->inside);
	if (__builtin_expect(use->pinned, 0))
		mipc_ns_unpin(use->opened);
}

/* --- permission -------------------------------------------------------- */

/*
 * A verdict is kept unless IPC_SET may be under way, which makes a version
 * both before it, under the object's lock, and after it (control.c): a killed
 * one's lock is found taken, a finished one's sequence has changed.
 */
static void
keep_verdict(struct mipc_use *use, uint64_t basis, uint64_t seq,
    unsigned granted)
{
	struct mipc_object *head = use->opened->head;

	atomic_thread_fence(memory_order_acquire);
	if (mipc_take(&head->lock.owner) == 0 && mipc_seq_same(head, seq) &&
	    mipc_use_listed(use->opened))
		mipc_give(&use->opened->verdict, basis | granted);
}

static int
judge(struct mipc_use *use, uint64_t basis, unsigned *granted)
{
	uint64_t seq = mipc_seq_begin(use->opened->head);
	struct mipc_perm perm;
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_ns_perm(use->ns, &gate, use->opened, &perm);
	mipc_gate_leave(&gate);
	if (error != 0)
		return error;
	*granted = (mipc_cred_may(&perm, 0444) ? 4u : 0) |
	    (mipc_cred_may(&perm, 0222) ? 2u : 0);
	keep_verdict(use, basis, seq, *granted);
	return 0;
}

int
mipc_use_permit_closely(struct mipc_use *use, unsigned asked)
{
	uint64_t basis = mipc_use_basis(use->opened);
	uint64_t verdict = mipc_take(&use->opened->verdict);
	unsigned granted = (unsigned)verdict & 7;
	int error = 0;

	if ((verdict & ~7ull) != basis)
		error = judge(use, basis, &granted);
	if (error != 0)
		return error;
	return (asked & ~granted) == 0 ? 0 : EACCES;
}

/* --- what a call needs ------------------------------------------------- */

int
mipc_use_look(struct mipc_use *use, bool (*is_there)(void *), void *arg)
{
	struct mipc_opened *opened = use->opened;

	return mipc_patience(&opened->patience, is_there, arg) ? 0 :
	    mipc_patience_yield(&opened->yields, is_there, arg);
}

int
mipc_use_life(struct mipc_use *use, mipc_life *out)
{
	struct mipc_lives *lives = use->ns->lives;
	struct mipc_gate gate;
	int error = 0;

	*out = mipc_life_now(lives);
	if (__builtin_expect(*out == 0, 0)) {
		mipc_gate_enter(&gate);
		error = mipc_life_self(lives, out);
		mipc_gate_leave(&gate);
	}
	return error == ENOENT ? EIDRM : error;
}

int
mipc_use_give_space(struct mipc_use *use, uint64_t offset, uint64_t length)
{
	uint64_t page = use->ns->lives->page, low = offset & ~(page - 1);
	struct mipc_opened *opened = use->opened;
	struct mipc_gate gate;
	int r;

	length = (offset + length - low + page - 1) & ~(page - 1);
	if (low + length > opened->map.size)
		return EIO;
	r = mipc_sys_advise((char *)opened->head + low, length,
	    MADV_POPULATE_WRITE);
	if (r != -EINVAL)
		return r == 0 ? 0 : ENOMEM;
	mipc_gate_enter(&gate);
	r = use->ns->store->ops->claim(use->ns->store, opened->kind,
	    opened->id, &opened->map, low, length);
	mipc_gate_leave(&gate);
	return r == 0 ? 0 : r == ENOENT ? EIDRM : ENOMEM;
}
