/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.c - locks and redo records.
 *
 * The lock word holds a life, never a thread id: two containers have equal
 * thread ids.  Recovery lives inside taking the lock, so no caller can forget
 * it.  A killed process leaves a prefix of its own stores; the steps below
 * say which prefixes there are.
 *
 *	words recorded | count = n | seq odd | words written | count = 0 |
 *	seq even
 *
 * A successor who finds count > 0 makes seq odd, writes the words again,
 * clears count, makes seq even; one who finds seq odd and count 0 makes it
 * even.  Doing so twice is harmless, so it may itself be killed anywhere.
 */
#include "lock.h"

#include <errno.h>

#include "crash.h"
#include "futex.h"

#define SLICE_NS	(10 * MIPC_MS)

int
mipc_lock_try(struct mipc_lock *lock, struct mipc_lives *lives, mipc_life self)
{
	uint64_t owner = 0;
	int result = 0;

	if (!mipc_swap_if(&lock->owner, &owner, self)) {
		/* Our own life here: this process died and was forked. */
		if (owner != self && !mipc_life_dead(lives, owner))
			return EBUSY;
		if (!mipc_swap_if(&lock->owner, &owner, self))
			return EBUSY;
		result = EOWNERDEAD;
	}
	mipc_put(&lock->since, mipc_sys_seconds());
	mipc_crash_point("lock: taken");
	return result;
}

/*
 * After the owner word is 0 the object is no longer ours; it stays mapped as
 * long as the caller holds it, and a wake lost to a kill costs one slice.
 */
void
mipc_lock_release(struct mipc_lock *lock)
{
	mipc_crash_point("lock: release");
	mipc_give(&lock->owner, 0);
	mipc_step();		/* pairs with the step in mipc_lock_sleep */
	if (mipc_peek(&lock->waiters) == 0)
		return;
	mipc_put(&lock->waiters, 0);
	mipc_add(&lock->wake, 1);
	mipc_futex_wake_all(&lock->wake);
}

void
mipc_lock_sleep(struct mipc_lock *lock)
{
	uint32_t wake = mipc_take(&lock->wake);

	for (int i = 0; i < 100; i++)
		if (mipc_peek(&lock->owner) == 0)
			return;
	mipc_put(&lock->waiters, 1);
	mipc_step();		/* pairs with the step in mipc_lock_release */
	if (mipc_peek(&lock->owner) != 0)
		mipc_futex_sleep(&lock->wake, wake, SLICE_NS);
}

/* Write what is recorded; offsets are another process's bytes. */
static void
apply(struct mipc_object *object, uint64_t count, uint64_t size)
{
	for (uint64_t i = 0; i < count && i < MIPC_REDO_WORDS; i++) {
		uint64_t offset = mipc_peek(&object->redo.word[i].offset);
		uint64_t value = mipc_peek(&object->redo.word[i].value);

		if (offset % 8 != 0 || offset >= size || size - offset < 8)
			continue;
		mipc_put((mipc_u64 *)(void *)((char *)object + offset), value);
		mipc_crash_point("redo: word");
	}
}

static void
make_even(struct mipc_object *object)
{
	uint64_t seq = mipc_peek(&object->seq);

	mipc_give(&object->seq, seq + (seq & 1));
}

static void
make_odd(struct mipc_object *object)
{
	mipc_put(&object->seq, mipc_peek(&object->seq) | 1);
	mipc_step();		/* odd before the first new value */
}

static void
finish(struct mipc_object *object, uint64_t size)
{
	uint64_t count = mipc_take(&object->redo.count);

	if (count != 0) {
		make_odd(object);
		apply(object, count, size);
		mipc_step();	/* every value before the record goes */
		mipc_give(&object->redo.count, 0);
	}
	make_even(object);
}

int
mipc_object_try(struct mipc_object *object, uint64_t size,
    struct mipc_lives *lives, mipc_life self)
{
	int error;

	if (object->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	error = mipc_lock_try(&object->lock, lives, self);
	if (error == EBUSY)
		return EBUSY;
	/* A free lock with a record is damage, and finished just so. */
	if (error == EOWNERDEAD || mipc_peek(&object->redo.count) != 0 ||
	    (mipc_peek(&object->seq) & 1) != 0)
		finish(object, size);
	return 0;
}

void
mipc_object_release(struct mipc_object *object)
{
	mipc_lock_release(&object->lock);
}

void
mipc_change_begin(struct mipc_change *change, struct mipc_object *object)
{
	change->object = object;
	change->count = 0;
#ifdef MIPC_BREAK_REDO
	make_odd(object);	/* a harness must see what this breaks */
#endif
}

void
mipc_change_set(struct mipc_change *change, mipc_u64 *word, uint64_t value)
{
	struct mipc_object *object = change->object;

#ifdef MIPC_BREAK_REDO
	mipc_put(word, value);
	mipc_step();
#endif
	mipc_put(&object->redo.word[change->count].offset,
	    (uint64_t)((char *)word - (char *)object));
	mipc_put(&object->redo.word[change->count].value, value);
	change->word[change->count].at = word;
	change->word[change->count++].value = value;
}

/*
 * Invariant: at every instruction either count is 0 and no J word is new, or
 * the record is whole, or count is 0 and every J word is new.
 */
void
mipc_change_commit(struct mipc_change *change)
{
	struct mipc_object *object = change->object;

#ifdef MIPC_BREAK_REDO
	make_even(object);
	return;
#endif
	mipc_crash_point("redo: recorded");
	mipc_give(&object->redo.count, change->count);
	mipc_step();		/* the record before the first new value */
	mipc_crash_point("redo: armed");
	make_odd(object);
	for (uint32_t i = 0; i < change->count; i++) {
		mipc_put(change->word[i].at, change->word[i].value);
		mipc_crash_point("redo: word");
	}
	mipc_step();		/* every value before the record goes */
	mipc_give(&object->redo.count, 0);
	mipc_crash_point("redo: disarmed");
	make_even(object);
}

uint64_t
mipc_seq_begin(struct mipc_object *object)
{
	return mipc_take(&object->seq);
}

/* Pairs with make_odd: whoever read a new value sees a new sequence. */
bool
mipc_seq_same(struct mipc_object *object, uint64_t seq)
{
	atomic_thread_fence(memory_order_acquire);
	return mipc_peek(&object->seq) == seq;
}
