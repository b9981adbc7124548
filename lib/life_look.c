/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life_look.c - what is said of the lives in a namespace, for display.
 *
 * A slot says it of the life that has it now, and of the one that had it last;
 * which, the generation tells, before and after it was read.
 */
#include "life_inside.h"

#include <string.h>

/* Its own word for it; false: the slot is another's by now. */
static bool
read_slot(struct mipc_lives *lives, mipc_life life,
    struct mipc_look_process *out)
{
	struct mipc_slot *slot;
	bool unknown;

	slot = mipc_life_find(lives, life, &unknown);
	if (slot == NULL)
		return false;
	out->pid = (pid_t)mipc_peek(&slot->pid);
	out->uid = (uid_t)mipc_peek(&slot->uid);
	out->since = (time_t)mipc_peek(&slot->since);
	memcpy(out->command, slot->command, MIPC_COMMAND - 1);
	/* Pairs with the store of gen before what is said of a new life. */
	atomic_thread_fence(memory_order_acquire);
	return mipc_peek(&slot->gen) == MIPC_LIFE_GEN(life);
}

void
mipc_life_show(struct mipc_lives *lives, mipc_life life, bool gone,
    struct mipc_look_process *out)
{
	memset(out, 0, sizeof(*out));
	if (life == 0 || !read_slot(lives, life, out)) {
		memset(out, 0, sizeof(*out));
		out->uid = (uid_t)-1;
	}
	out->life = life;
	out->alive = gone ? !mipc_life_gone(lives, life) :
	    !mipc_life_dead(lives, life);
}

/* Those of a house that go on, behind the `n` there are already. */
static uint32_t
show_house(struct mipc_lives *lives, uint32_t house, uint32_t n,
    struct mipc_look_process *out, size_t most)
{
	struct mipc_look_process one;
	mipc_life life;
	uint64_t high;
	char *base;
	int error;

	base = mipc_life_window(lives, house, &error);
	if (base == NULL)
		return n;
	high = mipc_take(&((struct mipc_house_head *)(void *)base)->high);
	for (uint32_t i = 1; i < high && i < MIPC_SLOTS; i++) {
		life = MIPC_LIFE(house, i,
		    mipc_take(&mipc_life_slot(lives, base, i)->gen));
		if (MIPC_LIFE_GEN(life) == 0 || mipc_life_dead(lives, life))
			continue;
		mipc_life_show(lives, life, false, n < most ? &out[n] : &one);
		n++;
	}
	return n;
}

uint32_t
mipc_life_show_all(struct mipc_lives *lives, struct mipc_look_process *out,
    size_t most)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MIPC_HOUSES; i++)
		if (mipc_take(&lives->houses[i]) != 0)
			n = show_house(lives, i, n, out, most);
	return n;
}
