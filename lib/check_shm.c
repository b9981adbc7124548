/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm.c - a segment: its size, its data, and who has it attached.
 */
#include "check_inside.h"

#include <errno.h>
#include <stdio.h>

#include "segment.h"

static void
check_attaches(struct mipc_checker *c, const struct mipc_segment *segment,
    uint64_t most)
{
	uint64_t used = mipc_peek(&segment->used);
	const struct mipc_attach *entry;
	mipc_life life;

	for (uint64_t i = 0; i < most; i++) {
		entry = &segment->entry[i];
		life = mipc_peek(&entry->life);
		if (life == 0)
			continue;
		if (i >= used)
			mipc_check_say(c, MIPC_RULE_ATTACH, "an attach stands "
			    "behind the end of the table");
		else if (!mipc_check_life(c, life))
			mipc_check_say(c, MIPC_RULE_ATTACH, "attached by who "
			    "never lived: entry %llu", (unsigned long long)i);
		else if (mipc_peek(&entry->count) == 0)
			mipc_check_say(c, MIPC_RULE_ATTACH, "attached no "
			    "times: entry %llu", (unsigned long long)i);
		else if (mipc_check_dead(c, life))
			mipc_check_say(c, MIPC_RULE_NOTE, "attached by "
			    "process %llu, which died: whoever looks settles "
			    "it", (unsigned long long)mipc_peek(&entry->pid));
	}
}

void
mipc_check_data(struct mipc_checker *c, uint64_t id, uint64_t size,
    uint64_t ino)
{
	struct stat st;
	char name[48];

	snprintf(name, sizeof(name), "shm.%llu.data",
	    (unsigned long long)id);
	if (mipc_sys_stat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		mipc_check_say(c, MIPC_RULE_DATA, "its data is missing");
	else if (!S_ISREG(st.st_mode))
		mipc_check_say(c, MIPC_RULE_DATA,
		    "its data is no regular file");
	else if ((uint64_t)st.st_size < size)
		mipc_check_say(c, MIPC_RULE_DATA, "its data is truncated: "
		    "%llu bytes of %llu", (unsigned long long)st.st_size,
		    (unsigned long long)size);
	else if (st.st_ino != ino)
		mipc_check_say(c, MIPC_RULE_NOTE, "its data is another file "
		    "than it was made with, as in a copy: a repair makes it "
		    "the segment's");
}

void
mipc_check_segment(struct mipc_checker *c, struct mipc_copy *copy,
    uint64_t id)
{
	struct mipc_segment *segment = (void *)copy->base;
	uint64_t first = mipc_segment_first_page(c->page);
	uint64_t claimed = mipc_peek(&segment->claimed), room;

	if (segment->size == 0 || segment->size > SIZE_MAX - c->page)
		mipc_check_say(c, MIPC_RULE_SEGMENT, "%llu bytes: no size "
		    "that it can have", (unsigned long long)segment->size);
	else if (segment->pages != (segment->size + c->page - 1) / c->page)
		mipc_check_say(c, MIPC_RULE_SEGMENT, "%llu pages for %llu "
		    "bytes", (unsigned long long)segment->pages,
		    (unsigned long long)segment->size);
	if ((segment->flags & ~(uint64_t)(MIPC_SEGMENT_NORESERVE |
	    MIPC_SEGMENT_HUGE)) != 0 || mipc_peek(&segment->attached) > 1)
		mipc_check_say(c, MIPC_RULE_SEGMENT, "flags that there are "
		    "not");
	room = (copy->size - sizeof(*segment)) / sizeof(struct mipc_attach);
	if (claimed < first || claimed > MIPC_ATTACH_MAX + first ||
	    claimed > room)
		mipc_check_say(c, MIPC_RULE_ATTACH, "room for %llu attaches, "
		    "in a file that has it for %llu",
		    (unsigned long long)claimed, (unsigned long long)room);
	if (mipc_peek(&segment->used) > claimed)
		mipc_check_say(c, MIPC_RULE_ATTACH, "%llu attaches, and room "
		    "for %llu", (unsigned long long)mipc_peek(&segment->used),
		    (unsigned long long)claimed);
	check_attaches(c, segment, claimed < room ? claimed : room);
	mipc_check_data(c, id, segment->size, segment->data);
}
