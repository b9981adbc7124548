/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_place.c - a sleeper's place, and its vector there.
 *
 * What does not fit into the place stands in further ones, which never are in
 * the line.
 */
#include "sem.h"

int
mipc_place_take(struct mipc_set *set, uint32_t *out)
{
	int error = 0;

	while (error == 0 && !mipc_line_take_place(&set->line, out))
		error = mipc_set_grow(set, MIPC_T_SLEEPERS);
	return error;
}

void
mipc_place_free(struct mipc_set *set, uint32_t index)
{
	uint32_t count = mipc_set_count(set, MIPC_T_SLEEPERS), more;
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	struct mipc_sleeper_more *next;

	more = mipc_peek(&s->nops) > MIPC_SLEEPER_OPS ? mipc_peek(&s->more) :
	    0;
	mipc_line_free_place(&set->line, index);
	for (uint32_t n = 0; more != 0 && more <= count && n < count; n++) {
		next = (void *)mipc_set_sleeper(set, more - 1);
		more = mipc_peek(&next->more);
		mipc_give(&next->owner, 0);
	}
}

/* What does not fit into the sleeper's own place. */
static int
fill_more(struct mipc_set *set, struct mipc_sleeper *s,
    const struct mipc_plan *plan)
{
	uint32_t done = MIPC_SLEEPER_OPS, index;
	mipc_u32 *link = &s->more;
	struct mipc_sleeper_more *more;
	int error;

	while (done < plan->nops) {
		error = mipc_place_take(set, &index);
		if (error != 0)
			return error;
		more = (void *)mipc_set_sleeper(set, index);
		mipc_put(&more->more, 0);
		for (uint32_t i = 0; i < MIPC_MORE_OPS && done < plan->nops;
		    i++)
			mipc_put(&more->op[i], mipc_op_pack(plan->op[done++]));
		mipc_put(link, index + 1);
		link = &more->more;
	}
	return 0;
}

int
mipc_place_fill(struct mipc_set *set, uint32_t index,
    const struct mipc_plan *plan)
{
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);

	mipc_put(&s->place.pid, set->pid);
	mipc_put(&s->debtor, plan->debtor);
	mipc_put(&s->nops, plan->nops);
	mipc_put(&s->more, 0);
	for (uint32_t i = 0; i < MIPC_SLEEPER_OPS && i < plan->nops; i++)
		mipc_put(&s->op[i], mipc_op_pack(plan->op[i]));
	return fill_more(set, s, plan);
}
