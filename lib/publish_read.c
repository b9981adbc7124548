/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish_read.c - readers of a publication; publish.c says how it works.
 *
 * A reader without a place, because there is none free or because it may not
 * write, compares seq alone: a writer does not see it.
 */
#include "publish.h"

#include <string.h>

#include "futex.h"
#include "gate.h"
#include "wait.h"

#define NO_PLACE	UINT32_MAX
#define TRIES		10000	/* to come before the writer: twice is a lot */
#define UNSEEN_NS	1000000000ull	/* to read without a place */

/* Empty places of the dead. */
static void
sweep(struct mipc_publish_head *head, struct mipc_thread *thread)
{
	uint64_t pin;

	for (uint32_t i = 0; i < MIPC_PUBLISH_READERS; i++) {
		pin = mipc_take(&head->reader[i].pin);
		if (pin != 0 &&
		    mipc_holder_look(thread, pin) == MIPC_HOLDS_NO_MORE)
			mipc_swap_if(&head->reader[i].pin, &pin, 0);
	}
}

/* A free place, in which the reader is from now on; or NO_PLACE. */
static uint32_t
take_place(struct mipc_publish_head *head, struct mipc_thread *thread,
    const struct mipc_reading *reading)
{
	struct mipc_publish_reader *reader;
	uint64_t pin;

	for (uint32_t n = 0; n < MIPC_PUBLISH_READERS; n++) {
		uint32_t i = (uint32_t)(reading->holder + n) %
		    MIPC_PUBLISH_READERS;

		reader = &head->reader[i];
		pin = mipc_peek(&reader->pin);
		if (pin != 0 && !mipc_holder_marked(pin))
			continue;
		mipc_holder_mark(thread, &reader->pin);
		if (mipc_swap_if(&reader->pin, &pin, reading->holder)) {
			mipc_put(&reader->patience, reading->patience);
			return i;
		}
		mipc_holder_unmark(thread, &reader->pin);
	}
	return NO_PLACE;
}

/* Leave it: false, a writer has emptied it. */
static bool
leave_place(struct mipc_publish_head *head, struct mipc_thread *thread,
    const struct mipc_reading *reading)
{
	mipc_u64 *pin = &head->reader[reading->place].pin;
	uint64_t mine = reading->holder;
	bool was_there = mipc_swap_if(pin, &mine, 0);

	mipc_holder_unmark(thread, pin);
	mipc_step_swapped();	/* pairs with the step before a writer looks */
	if (mipc_peek(&head->writers) != 0) {
		mipc_put(&head->writers, 0);
		mipc_add(&head->left, 1);
		mipc_futex_wake_all(&head->left);
	}
	return was_there;
}

static void
enter(const struct mipc_publication *p, struct mipc_thread *thread,
    struct mipc_reading *reading)
{
	struct mipc_publish_head *head = mipc_publish_head(p);

	reading->place = NO_PLACE;
	if ((p->flags & MIPC_PUBLISH_READ) != 0)
		return;
	reading->holder = mipc_holder_self(thread) |
	    MIPC_HOLDER_TAG(reading->buffer);
	reading->place = take_place(head, thread, reading);
	if (reading->place != NO_PLACE)
		return;
	sweep(head, thread);
	reading->place = take_place(head, thread, reading);
}

/* EAGAIN: a writer was faster. */
static int
try(const struct mipc_publication *p, struct mipc_thread *thread,
    struct mipc_reading *reading)
{
	struct mipc_publish_head *head = mipc_publish_head(p);
	uint64_t latest = mipc_take(&head->latest), size;
	struct mipc_publish_buffer *buffer;

	reading->buffer = MIPC_LATEST_BUFFER(latest);
	reading->version = MIPC_LATEST_VERSION(latest);
	if (latest == 0)
		return ENODATA;
	if (reading->buffer >= p->buffers)
		return EIO;
	enter(p, thread, reading);
	buffer = &head->buffer[reading->buffer];
	mipc_step();		/* pairs with the step after seq is odd */
	size = mipc_peek(&buffer->size);
	if (mipc_take(&buffer->seq) == 2 * reading->version &&
	    size <= p->most) {
		reading->size = (size_t)size;
		return 0;
	}
	if (reading->place != NO_PLACE)
		leave_place(head, thread, reading);
	return EAGAIN;
}

static int
look(const struct mipc_publication *p, struct mipc_reading *reading)
{
	struct mipc_thread *thread = mipc_thread();
	int error = EAGAIN;

	if (thread == NULL)
		return ENOMEM;
	mipc_gate_check();
	if (reading->patience == 0)
		reading->patience = MIPC_PATIENCE_MS;
	for (int i = 0; i < TRIES && error == EAGAIN; i++)
		error = try(p, thread, reading);
	return error == EAGAIN ? EIO : error;
}

static int
done(const struct mipc_publication *p, struct mipc_reading *reading)
{
	struct mipc_publish_head *head = mipc_publish_head(p);
	bool whole;

	/* Pairs with the step after seq is odd: who read a later byte knows. */
	atomic_thread_fence(memory_order_acquire);
	whole = mipc_peek(&head->buffer[reading->buffer].seq) ==
	    2 * reading->version;
	if (reading->place != NO_PLACE)
		whole &= leave_place(head, mipc_thread(), reading);
	reading->place = NO_PLACE;
	if (whole)
		reading->patience = MIPC_PATIENCE_MS;
	else if (reading->patience < MIPC_PATIENCE_MOST)
		reading->patience *= 2;
	return whole ? 0 : EAGAIN;
}

MIPC_PUBLIC const void *
mipc_publish_look(struct mipc_publication *p, struct mipc_reading *reading)
{
	int error = look(p, reading);

	if (error == 0)
		return mipc_publish_data(p, reading->buffer);
	errno = error;
	return NULL;
}

MIPC_PUBLIC int
mipc_publish_done(struct mipc_publication *p, struct mipc_reading *reading)
{
	return mipc_publish_end(done(p, reading));
}

static int
copy(const struct mipc_publication *p, void *value, size_t room,
    struct mipc_reading *reading)
{
	int error = look(p, reading), whole;

	if (error != 0)
		return error;
	if (reading->size <= room)
		mipc_copy(value, mipc_publish_data(p, reading->buffer),
		    reading->size);
	whole = done(p, reading);
	return whole == 0 && reading->size > room ? E2BIG : whole;
}

MIPC_PUBLIC ssize_t
mipc_publish_read(struct mipc_publication *p, void *value, size_t room,
    uint64_t *version)
{
	struct mipc_reading reading = { .version = 0 };
	uint64_t deadline = 0;
	int error;

	while ((error = copy(p, value, room, &reading)) == EAGAIN) {
		if (deadline == 0)
			deadline = mipc_sys_monotonic_ns() + UNSEEN_NS;
		else if (reading.patience >= MIPC_PATIENCE_MOST &&
		    mipc_publish_left(deadline, UINT64_MAX) == 0)
			break;
	}
	if (version != NULL && (error == 0 || error == E2BIG))
		*version = reading.version;
	return error == 0 ? (ssize_t)reading.size : mipc_publish_end(error);
}
