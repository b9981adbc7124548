/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish_write.c - writers of a publication; publish.c says how it works.
 *
 * A buffer is free if no reader is in it.  If none is, the writer waits, and
 * then takes away the first of which every reader
 *	is dead, which is asked at once;
 *	is stopped, and has been waited for STOPPED_NS; or
 *	runs, and has been waited for as long as its place says.
 */
#include "publish.h"

#include "crash.h"
#include "futex.h"
#include "gate.h"
#include "lock.h"
#include "wait.h"

#define STOPPED_NS	(20 * MIPC_MS)
#define SLICE_NS	(10 * MIPC_MS)

/* --- the lock ---------------------------------------------------------- */

/* Is it nobody's?  One who is seen twice is asked after. */
static bool
is_free(struct mipc_thread *thread, uint64_t owner, bool ask)
{
	return owner == 0 || mipc_holder_marked(owner) ||
	    (ask && mipc_holder_look(thread, owner) == MIPC_HOLDS_NO_MORE);
}

/* *seen: the owner, before and after. */
static bool
try_lock(struct mipc_lock *lock, struct mipc_thread *thread, uint64_t *seen)
{
	uint64_t self = mipc_holder_self(thread);
	uint64_t owner = mipc_take(&lock->owner);
	bool again = owner == *seen;

	*seen = owner;
	if (owner == self || !is_free(thread, owner, again))
		return false;
	mipc_holder_mark(thread, &lock->owner);
	if (mipc_swap_if(&lock->owner, &owner, self)) {
		mipc_put(&lock->since, mipc_sys_seconds());
		return true;
	}
	mipc_holder_unmark(thread, &lock->owner);
	return false;
}

static int
lock_until(struct mipc_lock *lock, struct mipc_thread *thread,
    uint64_t deadline)
{
	uint64_t seen = 0;

	while (!try_lock(lock, thread, &seen)) {
		if (seen == mipc_holder_self(thread))
			return EDEADLK;
		if (mipc_publish_left(deadline, 1) == 0)
			return ETIMEDOUT;
		mipc_lock_sleep(lock);
	}
	return 0;
}

static void
unlock(struct mipc_lock *lock, struct mipc_thread *thread)
{
	mipc_lock_release(lock);
	mipc_holder_unmark(thread, &lock->owner);
}

static bool
is_ours(const struct mipc_publication *p, struct mipc_thread *thread)
{
	return thread != NULL && mipc_holder_self(thread) ==
	    mipc_peek(&mipc_publish_head(p)->lock.owner);
}

/* --- a buffer ---------------------------------------------------------- */

/* A writer who waits. */
struct claim {
	const struct mipc_publication *p;
	struct mipc_thread *thread;
	bool ask;		/* what is the matter with the readers */
	uint64_t waited;	/* nanoseconds */
};

/* In ms; it may have come to its place just now, and not have said so. */
static uint32_t
patience_of(const struct mipc_publish_reader *reader)
{
	uint32_t said = mipc_peek(&reader->patience);

	if (said < MIPC_PATIENCE_MS)
		return MIPC_PATIENCE_MS;
	return said < MIPC_PATIENCE_MOST ? said : MIPC_PATIENCE_MOST;
}

/* Need this one's buffer be left to it? */
static bool
is_due(const struct claim *c, const struct mipc_publish_reader *reader,
    uint64_t pin)
{
	enum mipc_holds holds;

	if (!c->ask)
		return !mipc_holder_marked(pin);
	holds = mipc_holder_look(c->thread, pin);
	if (holds == MIPC_HOLDS_NO_MORE)
		return false;
	if (holds == MIPC_HOLDS_STOPPED)
		return c->waited < STOPPED_NS;
	return c->waited < patience_of(reader) * MIPC_MS;
}

/* Is there a reader to whom this buffer must be left? */
static bool
is_read(const struct claim *c, uint32_t buffer)
{
	struct mipc_publish_head *head = mipc_publish_head(c->p);
	uint64_t pin;

	for (uint32_t i = 0; i < MIPC_PUBLISH_READERS; i++) {
		pin = mipc_take(&head->reader[i].pin);
		if (pin != 0 && MIPC_HOLDER_TAG_OF(pin) == buffer &&
		    is_due(c, &head->reader[i], pin))
			return true;
	}
	return false;
}

/* No reader that is left there counts any more. */
static void
empty_places(const struct claim *c, uint32_t buffer)
{
	struct mipc_publish_head *head = mipc_publish_head(c->p);
	uint64_t pin;

	for (uint32_t i = 0; i < MIPC_PUBLISH_READERS; i++) {
		pin = mipc_peek(&head->reader[i].pin);
		if (pin != 0 && MIPC_HOLDER_TAG_OF(pin) == buffer)
			mipc_swap_if(&head->reader[i].pin, &pin, 0);
	}
}

static bool
claim(const struct claim *c, uint32_t buffer)
{
	mipc_u64 *seq = &mipc_publish_head(c->p)->buffer[buffer].seq;
	uint64_t before = mipc_peek(seq);

	if (is_read(c, buffer))
		return false;	/* who is done meanwhile has not to see this */
	mipc_put(seq, before | 1);
	mipc_step();		/* pairs with the step of a reader in place */
	if (is_read(c, buffer)) {
		mipc_give(seq, before);
		return false;
	}
	empty_places(c, buffer);
	return true;
}

/* Any but the newest. */
static bool
claim_any(const struct claim *c, uint32_t *out)
{
	uint64_t latest = mipc_peek(&mipc_publish_head(c->p)->latest);
	uint32_t newest = MIPC_LATEST_BUFFER(latest), n = c->p->buffers;

	for (uint32_t i = 1; i <= n; i++) {
		uint32_t buffer = (newest + i) % n;

		if ((latest == 0 || buffer != newest) && claim(c, buffer)) {
			*out = buffer;
			return true;
		}
	}
	return false;
}

static int
claim_until(struct claim *c, uint64_t deadline, uint32_t *out)
{
	struct mipc_publish_head *head = mipc_publish_head(c->p);
	uint64_t began, ns;
	uint32_t left;

	if (claim_any(c, out))
		return 0;
	c->ask = true;
	began = mipc_sys_monotonic_ns();
	for (;;) {
		left = mipc_take(&head->left);
		mipc_put(&head->writers, 1);
		mipc_step();	/* pairs with the step of one who leaves */
		if (claim_any(c, out))
			return 0;
		ns = mipc_publish_left(deadline, SLICE_NS);
		if (ns == 0)
			return ETIMEDOUT;
		mipc_futex_sleep(&head->left, left, ns);
		c->waited = mipc_sys_monotonic_ns() - began;
	}
}

/* --- publishing ------------------------------------------------------- */

/*
 * Invariant: at every instruction `latest` names a buffer that is whole and
 * that no writer touches.
 */
static void
commit(struct mipc_publication *p, size_t size)
{
	struct mipc_publish_head *head = mipc_publish_head(p);
	struct mipc_publish_buffer *buffer = &head->buffer[p->writing];
	uint64_t version = mipc_publish_version(p) + 1;

	mipc_put(&buffer->size, size);
	mipc_give(&buffer->seq, 2 * version);
	mipc_crash_point("publish: filled");
	mipc_step();		/* all of it before it is the newest */
	mipc_give(&head->latest, MIPC_LATEST(version, p->writing));
	mipc_step();		/* pairs with the step of who is to sleep */
	mipc_crash_point("publish: published");
	if (mipc_peek(&head->sleepers) != 0) {
		mipc_put(&head->sleepers, 0);
		mipc_wait_wake(mipc_wait_half(&head->latest));
	}
}

/* --- the public side --------------------------------------------------- */

static int
begin(struct mipc_publication *p, const struct timespec *timeout)
{
	struct claim c = { .p = p, .thread = mipc_thread() };
	struct mipc_lock *lock = &mipc_publish_head(p)->lock;
	uint64_t deadline;
	uint32_t buffer;
	int error;

	if ((p->flags & MIPC_PUBLISH_READ) != 0)
		return EROFS;
	if (!mipc_wait_deadline(timeout, &deadline))
		return EINVAL;
	if (c.thread == NULL)
		return ENOMEM;
	mipc_gate_check();
	error = lock_until(lock, c.thread, deadline);
	if (error != 0)
		return error;
	mipc_crash_point("publish: locked");
	error = claim_until(&c, deadline, &buffer);
	if (error != 0)
		unlock(lock, c.thread);
	else
		p->writing = buffer;
#ifdef MIPC_BREAK_PUBLISH
	if (error == 0)		/* tests must see what this breaks */
		commit(p, p->most);
#endif
	return error;
}

MIPC_PUBLIC void *
mipc_publish_begin(struct mipc_publication *p, const struct timespec *timeout)
{
	int error = begin(p, timeout);

	if (error == 0)
		return mipc_publish_data(p, p->writing);
	errno = error;
	return NULL;
}

MIPC_PUBLIC int
mipc_publish_commit(struct mipc_publication *p, size_t size)
{
	struct mipc_thread *thread = mipc_thread();

	mipc_gate_check();
	if (!is_ours(p, thread))
		return mipc_publish_end(EPERM);
	if (size > p->most)
		return mipc_publish_end(EINVAL);
	commit(p, size);
	unlock(&mipc_publish_head(p)->lock, thread);
	return 0;
}

MIPC_PUBLIC int
mipc_publish_abort(struct mipc_publication *p)
{
	struct mipc_thread *thread = mipc_thread();

	mipc_gate_check();
	if (!is_ours(p, thread))
		return mipc_publish_end(EPERM);
	unlock(&mipc_publish_head(p)->lock, thread);
	return 0;
}

MIPC_PUBLIC int
mipc_publish(struct mipc_publication *p, const void *value, size_t size,
    const struct timespec *timeout)
{
	int error;

	if (size > p->most)
		return mipc_publish_end(EINVAL);
	error = begin(p, timeout);
	if (error != 0)
		return mipc_publish_end(error);
	mipc_copy(mipc_publish_data(p, p->writing), value, size);
	return mipc_publish_commit(p, size);
}
