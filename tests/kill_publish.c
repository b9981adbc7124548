/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_publish.c - a writer of a publication is killed at each single
 * instruction of a publish (kill_each.h); a reader that looked before it still
 * has its version whole, who reads then has the old value or the new one, and
 * the next writer goes on at once.
 *
 * Broken: the library publishes in the wrong order.
 */
#include "kill_each.h"

#include <errno.h>
#include <string.h>

#include "mipc.h"

enum { WORDS = 16, OLD = 888, NEW = 9999, NEXT = 4711 };

static struct mipc_publication pub;
static struct mipc_reading reading;	/* begun before */

static void
fill(uint32_t *value, uint32_t x)
{
	for (int i = 0; i < WORDS; i++)
		value[i] = x;
}

static int
publish(uint32_t x)
{
	const struct timespec limit = { .tv_sec = 20 };
	uint32_t value[WORDS];

	fill(value, x);
	return mipc_publish(&pub, value, sizeof(value), &limit);
}

/* What there is, if it is one value in one version; 0: it is not. */
static uint32_t
found(uint64_t *version)
{
	uint32_t value[WORDS], first[WORDS];

	if (mipc_publish_read(&pub, value, sizeof(value), version) !=
	    sizeof(value))
		return 0;
	fill(first, value[0]);
	return memcmp(value, first, sizeof(value)) == 0 ? value[0] : 0;
}

static void
make(void)
{
	size_t size = mipc_publish_size(WORDS * sizeof(uint32_t), 3);

	if (pub.memory == NULL)
		pub.memory = harness_shared(size);
	if (mipc_publish_init(pub.memory, size, WORDS * sizeof(uint32_t), 3) !=
	    0 || mipc_publish_open(&pub, pub.memory, size, 0) != 0)
		harness_die("no publication: %s", strerror(errno));
	publish(1);
	publish(2);
	publish(OLD);
	reading = (struct mipc_reading){ 0 };
	mipc_publish_look(&pub, &reading);
}

static void
publish_new(void)
{
	publish(NEW);
}

static const char *
judge(void)
{
	uint64_t version, next;
	uint32_t value;

	if (mipc_publish_done(&pub, &reading) != 0)
		return "a reader from before has lost its version";
	value = found(&version);
	if (value != (version == 3 ? OLD : NEW) || version > 4)
		return "what is read is neither the old value nor the new";
	if (publish(NEXT) != 0)
		return "the next writer does not go on";
	if (found(&next) != NEXT || next != version + 1)
		return "the next value is not whole";
	return NULL;
}

int
main(int argc, char **argv)
{
	struct kill_each k = { .make = make, .operate = publish_new,
	    .judge = judge };

	if (!kill_each(&k, argc, argv))
		return 0;
	tap_plan(1);
	if (k.broken)
		tap_ok(k.bad > 0, "a kill is seen to leave a mixture, or "
		    "nothing that goes on");
	else
		tap_ok(k.bad == 0, "killed at one of %u of %u instructions a "
		    "writer leaves the old value or the new", k.part, k.steps);
	return tap_end();
}
