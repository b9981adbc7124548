/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.c - values that nobody sees half replaced.
 *
 * One word, `latest`, says which buffer has the newest value and which version
 * that is.  A writer, under the lock, fills a buffer that nobody reads, and
 * then changes that word: until then there is the old value, from then on the
 * new one.
 *
 *	seq odd | no reader there? | bytes | size | seq = 2 * version |
 *	latest | wake | unlock
 *
 * Killed anywhere it leaves one of the two, and a buffer that nobody is led
 * to.  So the next holder of the lock has nothing to finish.
 *
 * A reader puts itself into a place, naming the buffer, and then looks whether
 * its seq is still what `latest` said: if so, a writer who wants the buffer
 * from then on finds it there.  Each stores first and looks then, with a full
 * fence between, so one of them sees the other; a writer who does puts the seq
 * back, having changed nothing.
 *
 * A writer who finds every buffer read waits, for the time that publish_write.c
 * says, and then takes one away: it makes seq odd and empties the places.  The
 * reader finds its place empty, or seq another, when it is done, and knows that
 * it may have read a mixture.
 *
 * The constants of the head are checked and copied when it is opened; every
 * number that is read later is checked against those copies.
 */
#include "publish.h"

#include <string.h>

#include "futex.h"
#include "ns_open.h"
#include "wait.h"

#define SLICE_NS	(100 * MIPC_MS)	/* a writer killed before its wake */
#define UNTOLD_NS	(10 * MIPC_MS)	/* nobody knows that we sleep */

static uint64_t
stride_of(size_t most)
{
	uint64_t page = mipc_sys_page();
	uint64_t unit = most >= page ? page : MIPC_PUBLISH_ALIGN;

	return ((uint64_t)most + unit - 1) / unit * unit;
}

static bool
is_aligned(const void *memory, uint64_t stride)
{
	uint64_t page = mipc_sys_page();

	return (uintptr_t)memory % (stride >= page ? page :
	    MIPC_PUBLISH_ALIGN) == 0;
}

MIPC_PUBLIC size_t
mipc_publish_size(size_t most, unsigned buffers)
{
	uint64_t stride = stride_of(most);

	if (most == 0 || most > SIZE_MAX / 2 || buffers < 2 ||
	    buffers > MIPC_PUBLISH_BUFFERS ||
	    stride > (SIZE_MAX - MIPC_PUBLISH_DATA) / buffers)
		return 0;
	return MIPC_PUBLISH_DATA + buffers * (size_t)stride;
}

MIPC_PUBLIC int
mipc_publish_init(void *memory, size_t length, size_t most, unsigned buffers)
{
	size_t size = mipc_publish_size(most, buffers);
	struct mipc_publish_head *head = memory;

	if (size == 0 || length < size || head == NULL ||
	    !is_aligned(memory, stride_of(most)))
		return mipc_publish_end(EINVAL);
	mipc_give(&head->magic, 0);
	mipc_step();		/* from here on it is none */
	memset((char *)memory + sizeof(head->magic), 0,
	    sizeof(*head) - sizeof(head->magic));
	head->format = MIPC_PUBLISH_FORMAT;
	head->buffers = buffers;
	head->most = most;
	head->stride = stride_of(most);
	mipc_give(&head->magic, MIPC_MAGIC_PUBLISH);
	return 0;
}

/* The head's constants, looked at once. */
static bool
take_constants(struct mipc_publication *p, size_t length)
{
	const volatile struct mipc_publish_head *head = p->memory;
	uint32_t format = head->format;
	uint64_t most = head->most, stride = head->stride;

	p->buffers = head->buffers;
	if (!mipc_publish_fits(format, p->buffers, most, stride, length))
		return false;
	p->most = (size_t)most;
	p->stride = (size_t)stride;
	return true;
}

MIPC_PUBLIC int
mipc_publish_open(struct mipc_publication *out, void *memory, size_t length,
    int flags)
{
	struct mipc_publication p = { .memory = memory, .flags = flags };

	if ((flags & ~MIPC_PUBLISH_READ) != 0 || memory == NULL ||
	    !is_aligned(memory, 0))
		return mipc_publish_end(EINVAL);
	if (length < MIPC_PUBLISH_DATA ||
	    mipc_take(&mipc_publish_head(&p)->magic) != MIPC_MAGIC_PUBLISH ||
	    !take_constants(&p, length))
		return mipc_publish_end(EIO);
	mipc_ns_prepare();
	if (mipc_thread() == NULL)
		return mipc_publish_end(ENOMEM);
	*out = p;
	return 0;
}

MIPC_PUBLIC uint64_t
mipc_publish_version(const struct mipc_publication *p)
{
	return MIPC_LATEST_VERSION(mipc_take(&mipc_publish_head(p)->latest));
}

uint64_t
mipc_publish_left(uint64_t deadline, uint64_t most)
{
	uint64_t now;

	if (deadline == MIPC_FOREVER)
		return most;
	now = mipc_sys_monotonic_ns();
	if (now >= deadline)
		return 0;
	return deadline - now < most ? deadline - now : most;
}

/* Sleep until `latest` is another, or for a slice: 0, or EINTR. */
static int
sleep_on(const struct mipc_publication *p, uint64_t latest, uint64_t ns)
{
	struct mipc_publish_head *head = mipc_publish_head(p);
	struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	if ((p->flags & MIPC_PUBLISH_READ) == 0) {
		mipc_put(&head->sleepers, 1);
		mipc_step();	/* pairs with the step after `latest` */
		if (mipc_peek(&head->latest) != latest)
			return 0;
	}
	return mipc_sys_futex_wait(mipc_wait_half(&head->latest),
	    (uint32_t)latest, &t) == -EINTR ? EINTR : 0;
}

MIPC_PUBLIC int
mipc_publish_wait(struct mipc_publication *p, uint64_t version,
    const struct timespec *timeout)
{
	const uint64_t most = (p->flags & MIPC_PUBLISH_READ) == 0 ? SLICE_NS :
	    UNTOLD_NS;
	uint64_t deadline, latest, left;
	int error = 0;

	if (!mipc_wait_deadline(timeout, &deadline))
		return mipc_publish_end(EINVAL);
	for (;;) {
		latest = mipc_take(&mipc_publish_head(p)->latest);
		if (MIPC_LATEST_VERSION(latest) > version)
			return 0;
		if (error != 0)
			return mipc_publish_end(error);
		left = mipc_publish_left(deadline, most);
		if (left == 0)
			return mipc_publish_end(ETIMEDOUT);
		error = sleep_on(p, latest, left);
	}
}
