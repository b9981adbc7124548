/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share.c - memory and a lock for forked workers.
 *
 *	| private page | control page | memory ...             most |
 *	               ^ shared from here on
 *
 * The lock is a semaphore of an anonymous namespace, of value 1, taken under
 * SEM_UNDO: line, hand-over, timeouts and the death of who has it are the
 * semaphore's matter.  Beside it stands who has it, written when it is there
 * and taken back before it goes: whoever gets the lock and finds somebody
 * there knows that he died with it.  One who died before he wrote, or after he
 * took back, was not inside.
 *
 * What is needed to find the namespace is each process's own: the private
 * page, which a child inherits at the same address.
 *
 * What others may have damaged: `holder` misleads about a death, `size` is
 * checked against the private `most`.
 */
#include <errno.h>
#include <limits.h>

#include "atomic.h"
#include "crash.h"
#include "futex.h"
#include "mipc.h"
#include "mipc_share.h"
#include "sys.h"
#include "wait.h"

#define SLICE_NS	(100 * MIPC_MS)	/* a notifier killed before its wake */

struct private {
	int set;
	size_t most, length;		/* length: of all three */
	struct mipc_ns *ns;
};

/*
 *	size	A: bytes of memory that there are; only grows
 *	holder	A: who is inside, thread above process; 0 nobody, or who has
 *		the semaphore is about to say so
 *	events	A: futex word, grows at each notify
 *	waiters	A: somebody sleeps on it; set by sleepers, cleared by who wakes
 */
struct control {
	mipc_u64 size, holder;
	mipc_u32 events, waiters;
};

static struct private *
private_of(const void *share)
{
	return (void *)((char *)(uintptr_t)share - 2 * mipc_sys_page());
}

static struct control *
control_of(const void *share)
{
	return (void *)((char *)(uintptr_t)share - mipc_sys_page());
}

static int
fail(int error)
{
	errno = error;
	return -1;
}

/* --- the memory -------------------------------------------------------- */

/* The three parts, and nothing if one of them cannot be had. */
static int
map_all(size_t most, char **base, size_t *length)
{
	const int both = PROT_READ | PROT_WRITE;
	size_t page = mipc_sys_page();
	void *all, *at;
	int error;

	if (most > SIZE_MAX - 3 * page)
		return ENOMEM;
	*length = 2 * page + (most + page - 1) / page * page;
	error = -mipc_sys_map(NULL, *length, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &all);
	if (error != 0)
		return error;
	*base = all;
	error = -mipc_sys_map(all, page, both, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED, -1, 0, &at);
	if (error == 0)
		error = -mipc_sys_map(*base + page, *length - page, both,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		    -1, 0, &at);
	if (error != 0)
		mipc_sys_unmap(all, *length);
	return error;
}

/* A namespace with the lock in it, free. */
static int
make_lock(struct private *p)
{
	int error;

	p->ns = mipc_anon(0);
	if (p->ns == NULL)
		return errno;
	p->set = mipc_semget(p->ns, IPC_PRIVATE, 1, 0600);
	if (p->set != -1 && mipc_semctl(p->ns, p->set, 0, SETVAL, 1) == 0)
		return 0;
	error = errno;
	mipc_close(p->ns);
	return error;
}

MIPC_PUBLIC void *
mipc_share_reserve(size_t size, size_t most)
{
	struct private *p;
	size_t length;
	char *base, *share;
	int error;

	if (size == 0 || size > most)
		error = EINVAL;
	else
		error = map_all(most, &base, &length);
	if (error == 0) {
		p = (void *)base;
		*p = (struct private){ .most = most, .length = length };
		error = make_lock(p);
		if (error != 0)
			mipc_sys_unmap(base, length);
	}
	if (error != 0) {
		errno = error;
		return NULL;
	}
	share = base + 2 * mipc_sys_page();
	mipc_give(&control_of(share)->size, size);
	return share;
}

MIPC_PUBLIC void *
mipc_share(size_t size)
{
	return mipc_share_reserve(size, size);
}

MIPC_PUBLIC size_t
mipc_share_size(const void *share)
{
	uint64_t size = mipc_take(&control_of(share)->size);
	size_t most = private_of(share)->most;

	return size < most ? (size_t)size : most;
}

MIPC_PUBLIC int
mipc_share_grow(void *share, size_t size)
{
	mipc_u64 *now = &control_of(share)->size;
	uint64_t seen = mipc_peek(now);

	if (size > private_of(share)->most)
		return fail(ENOSPC);
	while (seen < size && !mipc_swap_if(now, &seen, size))
		continue;
	return 0;
}

MIPC_PUBLIC struct mipc_ns *
mipc_share_ns(const void *share)
{
	return private_of(share)->ns;
}

/* --- the lock ---------------------------------------------------------- */

static uint64_t
self(void)
{
	return (uint64_t)(uint32_t)mipc_sys_tid() << 32 |
	    (uint32_t)mipc_sys_pid();
}

static bool
is_ours(const void *share)
{
	return (uint32_t)mipc_take(&control_of(share)->holder) ==
	    (uint32_t)mipc_sys_pid();
}

static int
change(const void *share, short by, const struct timespec *timeout)
{
	struct sembuf op = { .sem_op = by, .sem_flg = SEM_UNDO };
	const struct private *p = private_of(share);

	if (mipc_semtimedop(p->ns, p->set, &op, 1, timeout) == 0)
		return 0;
	return errno == EAGAIN ? ETIMEDOUT : errno;
}

/* 0, with *died, or an errno. */
static int
lock(void *share, const struct timespec *timeout, bool *died)
{
	mipc_u64 *holder = &control_of(share)->holder;
	uint64_t mine = self();
	int error;

	if (mipc_peek(holder) == mine)
		return EDEADLK;
	error = change(share, -1, timeout);
	if (error != 0)
		return error;
	mipc_crash_point("share: taken");
#ifdef MIPC_BREAK_SHARE
	*died = false;		/* a test must see what this breaks */
	mipc_put(holder, mine);
#else
	*died = atomic_exchange(holder, mine) != 0;
#endif
	mipc_step();		/* we are inside before anything is changed */
	return 0;
}

MIPC_PUBLIC int
mipc_share_lock(void *share, const struct timespec *timeout)
{
	bool died;
	int error = lock(share, timeout, &died);

	return error != 0 ? fail(error) : died;
}

static int
unlock(void *share)
{
	if (!is_ours(share))
		return EPERM;
	mipc_give(&control_of(share)->holder, 0);
	mipc_step();		/* we are outside before it is another's */
	mipc_crash_point("share: left");
	return change(share, 1, NULL);
}

MIPC_PUBLIC int
mipc_share_unlock(void *share)
{
	int error = unlock(share);

	return error != 0 ? fail(error) : 0;
}

/* Who made the value 0 has it, also if he does not run yet. */
MIPC_PUBLIC pid_t
mipc_share_holder(const void *share)
{
	const struct private *p = private_of(share);
	int value = mipc_semctl(p->ns, p->set, 0, GETVAL);

	return value > 0 ? 0 : value == -1 ? fail(EIO) :
	    mipc_semctl(p->ns, p->set, 0, GETPID);
}

MIPC_PUBLIC int
mipc_share_leave(void *share)
{
	struct private *p = private_of(share);

	if (is_ours(share))
		return fail(EBUSY);
	mipc_close(p->ns);
	mipc_sys_unmap(p, p->length);
	return 0;
}

/* --- waiting ----------------------------------------------------------- */

/* Until there is another event: 0, EINTR or ETIMEDOUT. */
static int
sleep_until(struct control *control, uint32_t seen, uint64_t deadline)
{
	uint64_t now, ns;
	struct timespec t;
	int r = 0;

	while (mipc_take(&control->events) == seen) {
		if (r == -EINTR)
			return EINTR;
		now = mipc_sys_monotonic_ns();
		if (now >= deadline)
			return ETIMEDOUT;
		ns = deadline - now < SLICE_NS ? deadline - now : SLICE_NS;
		t = (struct timespec){ .tv_nsec = (long)ns };
		mipc_put(&control->waiters, 1);
		mipc_step();	/* pairs with the step of who notifies */
		r = mipc_sys_futex_wait(&control->events, seen, &t);
	}
	return 0;
}

MIPC_PUBLIC int
mipc_share_wait(void *share, const struct timespec *timeout)
{
	struct control *control = control_of(share);
	uint32_t seen = mipc_take(&control->events);
	uint64_t deadline;
	bool died = false;
	int error, slept;

	if (!mipc_wait_deadline(timeout, &deadline))
		return fail(EINVAL);
	error = unlock(share);
	if (error != 0)
		return fail(error);
	slept = sleep_until(control, seen, deadline);
	do
		error = lock(share, NULL, &died);
	while (error == EINTR);
	if (error == 0 && !died)
		error = slept;
	return error != 0 ? fail(error) : died;
}

MIPC_PUBLIC void
mipc_share_notify(void *share)
{
	struct control *control = control_of(share);

	mipc_add(&control->events, 1);
	mipc_step();		/* pairs with the step of who is to sleep */
	if (mipc_peek(&control->waiters) == 0)
		return;
	mipc_put(&control->waiters, 0);
	mipc_futex_wake_all(&control->events);
}
