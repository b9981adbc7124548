/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_msg_room.c - is all room of a queue still there?
 *
 * Room is a page's or a pocket's, or has a message in it.  So when a queue is
 * empty and every pocket has given back what was in it, each page is spare or
 * has no space; what is not, a kill has lost.
 */
#include "msg.h"
#include "msg_page.h"

#include "kill.h"

#include <errno.h>

#define POCKETS		64

/* Take all pockets there are; those of the dead too. */
static int
take_pockets(struct stage *s, int id, struct mipc_mq *mq)
{
	int n = 0, error = 0;

	for (; n < POCKETS; n++) {
		error = mipc_msg_enter(&mq[n], sets_ns(), id);
		if (error == 0)
			error = mipc_pocket_take(&mq[n]);
		if (error != 0)
			break;
	}
	errno = error;
	if (error != EBUSY)
		stage_tell(s, "pocket %d", n);
	mipc_msg_leave(&mq[n]);
	return n;
}

static void
must_be_spare(struct stage *s, const struct mipc_mq *mq)
{
	const uint64_t n = (uint64_t)mipc_page_groups(mq) * MIPC_GROUP_PAGES;
	struct mipc_page page;
	uint32_t spare = 0;

	errno = 0;
	for (uint64_t i = 0; i < n && i < mq->layout->pages; i++) {
		mipc_page_at(mq, i, &page);
		if (mipc_page_state_of(&page) == MIPC_PAGE_SPARE)
			spare++;
		else if (mipc_page_state_of(&page) != MIPC_PAGE_NONE)
			stage_tell(s, "page %d is lost: state %u, free %#x",
			    (int)i, mipc_page_state_of(&page),
			    MIPC_PAGE_FREE(mipc_peek(page.word)));
	}
	if (spare != MIPC_T_VALUE(mipc_peek(&mq->head->spares)))
		stage_tell(s, "%u pages are spare, %u counted", spare,
		    MIPC_T_VALUE(mipc_peek(&mq->head->spares)));
}

void
msg_must_have_all_room(struct stage *s, int id)
{
	static struct mipc_mq mq[POCKETS];
	const int n = take_pockets(s, id, mq);

	if (mipc_msg_steps(&mq[0], true) != 0)
		stage_tell(s, "what the dead have left");
	for (int i = 0; i < n; i++)
		for (unsigned k = 0; k < MIPC_HELD; k++)
			if (mipc_pages_give(&mq[i], ~0u) != 0)
				stage_tell(s, "room cannot be given back");
	must_be_spare(s, &mq[0]);
	for (int i = n; i-- > 0;) {
		mipc_pocket_leave(&mq[i]);
		mipc_msg_leave(&mq[i]);
	}
}

void
msg_allow_more(void)
{
	mipc_put(&sets_ns()->space->limit[MIPC_MSGMNB], (uint64_t)1 << 20);
}
