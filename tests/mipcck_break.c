/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcck_break.c - breaks a namespace in one place, for mipcck to find.
 *
 * mipcck_break --list prints a line for each way: its name, the number of the
 * rule that it breaks, the file in which that is to be found, and what is to
 * be said of it.  mipcck_break DIR NAME does it to the namespace in DIR, which
 * mipcck.sh has made: nobody uses it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_inside.h"

/* --- where everything is ----------------------------------------------- */

static void *
set_table(char *at, enum mipc_sem_table table)
{
	struct mipc_semset *set = (void *)at;
	struct mipc_sem_layout layout;

	mipc_sem_lay_out(&layout, (uint32_t)set->room,
	    (uint32_t)sysconf(_SC_PAGESIZE));
	return at + layout.table[table];
}

static void
lay_queue(char *at, struct mipc_msg_layout *layout)
{
	mipc_msg_lay_out(layout, ((struct mipc_msgqueue *)(void *)at)->room,
	    (uint32_t)sysconf(_SC_PAGESIZE));
}

/* The oldest message of the index. */
static struct mipc_message *
message(char *at)
{
	struct mipc_msgqueue *q = (void *)at;

	return (void *)(at + (uint64_t)MIPC_T_VALUE(q->first) * MIPC_UNIT);
}

static mipc_u64 *
page_word(char *at, uint32_t state)
{
	struct mipc_msg_layout layout;
	struct mipc_group *group;

	lay_queue(at, &layout);
	group = (void *)(at + layout.table[MIPC_M_GROUPS]);
	for (uint32_t i = 0; i < MIPC_GROUP_PAGES; i++)
		if (MIPC_PAGE_STATE(group->page[i]) == state ||
		    (state == MIPC_PAGE_CUT &&
		    MIPC_PAGE_STATE(group->page[i]) >= MIPC_PAGE_CUT &&
		    MIPC_PAGE_STATE(group->page[i]) < MIPC_PAGE_SPARE))
			return &group->page[i];
	errx(1, "no page in state %u", (unsigned)state);
}

#define SPACE	struct mipc_space *space = (void *)at
#define OBJECT	struct mipc_object *object = (void *)at
#define SEGMENT	struct mipc_segment *segment = (void *)at
#define SET	struct mipc_semset *set = (void *)at
#define QUEUE	struct mipc_msgqueue *queue = (void *)at
#define WAY(name)	static void name(char *at)

/* --- the namespace ----------------------------------------------------- */

WAY(space_magic) { SPACE; space->magic = 1; }
WAY(space_page) { SPACE; space->page = 64; }
WAY(limit) { SPACE; space->limit[MIPC_SEMMSL] = 40000; }
WAY(wish) { SPACE; space->wish[MIPC_SEM] = UINT64_MAX; }
WAY(intent)
{
	SPACE;
	space->intent.kind = MIPC_SEM;
	space->intent.op = MIPC_REMOVE;
}
WAY(intent_nothing) { SPACE; space->intent.op = 77; }
WAY(space_lock) { SPACE; space->lock.owner = MIPC_LIFE(900, 3, 3); }
WAY(house_twice) { SPACE; space->house[1] = space->house[0]; }
WAY(house_hole) { SPACE; space->house[5] = 12345; }
WAY(entry_state) { SPACE; space->entry[MIPC_SEM][1].state = 9; }
WAY(entry_id) { SPACE; space->entry[MIPC_SHM][1].id = 5; }

WAY(in_use) { SPACE; space->census[MIPC_MSG].in_use = 5; }
WAY(pages) { SPACE; space->census[MIPC_SHM].pages += 3; }
WAY(top) { SPACE; space->census[MIPC_SEM].top = 99; }
WAY(attention) { SPACE; space->attention[MIPC_SHM][0] |= 1; }
WAY(claimed) { SPACE; space->census[MIPC_MSG].claimed = 131; }
WAY(cursor) { SPACE; space->census[MIPC_MSG].cursor = 1u << 20; }
WAY(slots_magic) { ((struct mipc_house_head *)(void *)at)->magic = 0; }
WAY(slots_high) { ((struct mipc_house_head *)(void *)at)->high = 99999; }

/* --- objects ----------------------------------------------------------- */

WAY(magic) { OBJECT; object->magic = 0; }
WAY(format) { OBJECT; object->format = 99; }
WAY(other_id) { OBJECT; object->id = 31; }
WAY(state) { OBJECT; object->state = 7; }
WAY(removed) { OBJECT; object->state = MIPC_REMOVED; }
WAY(mode) { OBJECT; object->mode = 1ull << 40; }
WAY(command) { OBJECT; memset(object->command, 'x', MIPC_COMMAND); }
WAY(lock) { OBJECT; object->lock.owner = MIPC_LIFE(0, 1, 99999); }
WAY(redo) { OBJECT; object->redo.count = 1; }
WAY(redo_outside)
{
	OBJECT;
	object->redo.count = 1;
	object->redo.word[0].offset = 1ull << 50;
}
WAY(odd) { OBJECT; object->seq |= 1; }
WAY(key_gone) { OBJECT; object->key = 0x1234; }

/* --- a segment --------------------------------------------------------- */

WAY(size) { SEGMENT; segment->size = 0; }
WAY(more_pages) { SEGMENT; segment->pages += 1; }
WAY(used) { SEGMENT; segment->used = 1u << 20; }
WAY(attach_count)
{
	SEGMENT;
	segment->used = 1;
	segment->entry[0].life = MIPC_LIFE(0, 1, 1);
}
WAY(attach_never)
{
	SEGMENT;
	segment->used = 1;
	segment->entry[0].count = 1;
	segment->entry[0].life = MIPC_LIFE(0, 1, 99999);
}
WAY(attach_behind) { SEGMENT; segment->entry[3].life = 1; }

/* --- a set ------------------------------------------------------------- */

WAY(nsems) { SET; set->nsems = 1u << 20; }
WAY(ready) { SET; set->ready[MIPC_T_DEBTORS] = 1u << 20; }
WAY(bell) { SET; set->bell = 1; }
WAY(sem_value) { SET; set->sem[2] |= 0xffff; }
WAY(debt_sem)
{
	struct mipc_debtor *debtor = set_table(at, MIPC_T_DEBTORS);

	debtor->debt[0] = MIPC_DEBT_VALUE(500, 1);
}
WAY(debt_nobody)
{
	((struct mipc_debtor *)set_table(at, MIPC_T_DEBTORS))->owner = 0;
}
WAY(debt_never)
{
	((struct mipc_debtor *)set_table(at, MIPC_T_DEBTORS))->owner =
	    MIPC_LIFE(0, 1, 99999);
}
WAY(debt_twice)
{
	struct mipc_debtor *debtor = set_table(at, MIPC_T_DEBTORS);

	debtor->debt[1] = debtor->debt[0];
}
WAY(debtors) { SET; set->debtors = 1u << 20; }
WAY(chain)
{
	((struct mipc_debtor *)set_table(at, MIPC_T_DEBTORS))->chain = 77;
}
WAY(chain_circle)
{
	struct mipc_debt_block *block = set_table(at, MIPC_T_BLOCKS);
	SET;

	set->ready[MIPC_T_BLOCKS] = 16;
	set->blocks = 1;
	((struct mipc_debtor *)set_table(at, MIPC_T_DEBTORS))->chain = 1;
	block->next = 1;
}
WAY(line_count) { SET; set->line.sleepers = 3; }
WAY(line_head) { SET; set->line.head = 4000; }
WAY(line_circle)
{
	struct mipc_sleeper *sleeper = set_table(at, MIPC_T_SLEEPERS);
	SET;

	set->ready[MIPC_T_SLEEPERS] = 16;
	set->line.head = set->line.tail = 1;
	sleeper->place.next = sleeper->place.prev = 1;
}
WAY(line_gone) { SET; set->line.gone = 1; }
WAY(asleep)
{
	struct mipc_sleeper *sleeper = set_table(at, MIPC_T_SLEEPERS);
	SET;

	set->ready[MIPC_T_SLEEPERS] = 16;
	sleeper[2].place.state = MIPC_SLEEP_WAITING;
}
WAY(turn) { SET; set->turn |= 0xff; }
WAY(claim)
{
	((struct mipc_party *)set_table(at, MIPC_T_PARTIES))->claim =
	    MIPC_LIFE(0, 1, 99999);
}
WAY(record)
{
	struct mipc_party *party = set_table(at, MIPC_T_PARTIES);
	struct mipc_entry_word *word = (void *)(party + 1);
	SET;

	set->turn = (set->turn >> 8 << 8) + (1 << 8) + 1;
	party->count = 1;
	word->offset = offsetof(struct mipc_semset, era);
	word->old = 1ull << 60;
	word->new = 1ull << 61;
}

/* --- a queue ----------------------------------------------------------- */

WAY(room) { QUEUE; queue->room = 100; }
WAY(handed) { QUEUE; queue->handed += 1; }
WAY(tail) { QUEUE; queue->tail += 1000; }
WAY(ring)
{
	struct mipc_msg_layout layout;
	QUEUE;

	lay_queue(at, &layout);
	((mipc_u64 *)(void *)(at + layout.ring))[queue->head % MIPC_RING] = 5;
}
WAY(seen) { QUEUE; queue->seen_head = queue->head + 1; }
WAY(first) { QUEUE; queue->first = 1; }
WAY(next_itself) { message(at)->next = ((struct mipc_msgqueue *)
	(void *)at)->first; }
WAY(prev) { message(at)->prev = 99; }
WAY(indexed) { QUEUE; queue->indexed += 1; }
WAY(root) { QUEUE; queue->root = 0; }
WAY(root_itself) { QUEUE; queue->root = (queue->first << 1) | 1; }
WAY(same) { message(at)->same = ((struct mipc_msgqueue *)
	(void *)at)->last; }
WAY(bytes) { QUEUE; queue->sent += 1; }
WAY(type) { message(at)->type = 0; }
WAY(message_size) { message(at)->size = 1u << 20; }
WAY(spares) { QUEUE; queue->spares += 1; }
WAY(page_state) { *page_word(at, MIPC_PAGE_NONE) |= 13ull << 32; }
WAY(page_free) { *page_word(at, MIPC_PAGE_CUT) |= 0x3; }
WAY(page_lost) { *page_word(at, MIPC_PAGE_CUT) &= ~0xffffffffull; }
WAY(pocket)
{
	struct mipc_msg_layout layout;

	lay_queue(at, &layout);
	((struct mipc_pocket *)(void *)(at + layout.table[MIPC_M_POCKETS]))
	    ->held[13] = 7;
}

/* --- names ------------------------------------------------------------- */

static void
stray(char *at)
{
	int fd = open("stray", O_WRONLY | O_CREAT | O_EXCL, 0600);

	(void)at;
	close(fd);
}
WAY(unlisted) { (void)at; if (link("sem.0", "sem.9") != 0) err(1, "link"); }
static void
set_mode(const char *file, mode_t mode)
{
	if (chmod(file, mode) != 0)
		err(1, "%s", file);
}
WAY(mode_file) { (void)at; set_mode("sem.0", 0606); }
WAY(mode_data) { (void)at; set_mode("shm.0.data", 0600); }
WAY(mode_head) { (void)at; set_mode("shm.1", 0640); }
WAY(missing) { (void)at; unlink("sem.1"); }
WAY(directory) { (void)at; unlink("sem.1"); mkdir("sem.1", 0700); }
WAY(data_missing) { (void)at; unlink("shm.1.data"); }
WAY(data_short) { (void)at; if (truncate("shm.1.data", 9)) err(1, "cut"); }
WAY(cut_object) { (void)at; if (truncate("sem.0", 5000)) err(1, "cut"); }
WAY(cut_space) { (void)at; if (truncate("namespace", 9999)) err(1, "cut"); }
WAY(entry_weight)
{
	const uint64_t weight = 1u << 31;
	int fd = open("namespace", O_WRONLY);

	(void)at;
	if (fd == -1 || pwrite(fd, &weight, sizeof(weight),
	    offsetof(struct mipc_space, entry[MIPC_SEM][0].pages)) == -1)
		err(1, "namespace");
}
WAY(key_dead)
{
	(void)at;
	if (symlink("shm.77", "key.shm.00000077") != 0)
		err(1, "symlink");
}
WAY(key_nonsense)
{
	(void)at;
	if (symlink("/etc/passwd", "key.shm.00000077") != 0)
		err(1, "symlink");
}
WAY(key_other)
{
	(void)at;
	if (symlink("shm.0", "key.shm.00000077") != 0)
		err(1, "symlink");
}
WAY(key_unlinked) { (void)at; unlink("key.sem.00000006"); }
WAY(change)
{
	(void)at;
	if (symlink("1 2 3 4 5", "set.sem.7") != 0)
		err(1, "symlink");
}

static const struct way {
	const char *name;
	enum mipc_rule rule;
	const char *file;		/* that it is in */
	const char *said;
	void (*write)(char *at);	/* the file mapped; or in the
					   directory, if `named` */
	int named;
} ways[] = {
#define IN(way, rule, file, said) \
	{ #way, MIPC_RULE_##rule, file, said, way, 0 }
#define BY_NAME(way, rule, file, said) \
	{ #way, MIPC_RULE_##rule, file, said, way, 1 }
#include "mipcck_ways.h"
};

int
main(int argc, char **argv)
{
	struct stat st;
	size_t i, n = sizeof(ways) / sizeof(ways[0]);
	char *at = NULL, lives[40];
	const char *file;
	int fd;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (i = 0; i < n; i++)
			printf("%s %d %s %s\n", ways[i].name,
			    (int)ways[i].rule, ways[i].file, ways[i].said);
		return 0;
	}
	if (argc != 3 || chdir(argv[1]) != 0)
		errx(2, "usage: mipcck_break --list | DIR NAME");
	for (i = 0; i < n && strcmp(ways[i].name, argv[2]) != 0; i++)
		;
	if (i == n)
		errx(2, "%s: no such way", argv[2]);
	file = ways[i].file;
	if (strncmp(file, "life.UID", 8) == 0) {
		snprintf(lives, sizeof(lives), "life.%u%s",
		    (unsigned)geteuid(), file + 8);
		file = lives;
	}
	if (!ways[i].named) {
		fd = open(file, O_RDWR);
		if (fd < 0 || fstat(fd, &st) != 0)
			err(1, "%s", file);
		at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			err(1, "%s", file);
	}
	ways[i].write(at);
	return 0;
}
