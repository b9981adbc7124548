/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life.c - who is alive.
 *
 * A process takes a slot of its uid's house with a new generation.  Its life
 * is proved twice, by things the kernel takes away when its address space
 * goes, whatever the process did or did not do:
 *
 *  - the run lock: an exclusive lock on the slot's byte of the .run file,
 *    through a description that is mapped and then closed.  It is the
 *    authority, and costs a system call to ask;
 *  - the canary: a futex word in the slot's page, in the robust list of the
 *    thread that armed it.  The kernel marks it when that thread goes.  While
 *    it is unmarked the process lives, and asking is a load.
 *
 * The kernel marks a word that holds the thread's number.  A thread that is not
 * the first of its process takes the first one's number when it runs exec,
 * before its list is gone through: it has a second word, with that number.
 *
 * dead  <=>  the generation moved on, or the canary does not live and the
 *	      run lock is free.
 *
 * Where locks do not live with mappings the descriptor is kept, at a high
 * number; a program that closes it is still covered by its canary.  Once a
 * second a look asks the lock although the canary lives: a program may have
 * replaced its robust list.
 */
#include "life_inside.h"

#include <errno.h>
#include <linux/futex.h>

#include "view.h"
#include "wait.h"

#define MOMENT_NS	10000000ull
#define ASKS		4u	/* in a moment, for who can do without */

mipc_u32 mipc_life_none = MIPC_CANARY_DIED, mipc_life_mute = 0;

void
mipc_lives_init(struct mipc_lives *lives, const struct mipc_life_store *store,
    void *where, mipc_u64 *houses)
{
	lives->store = store;
	lives->where = where;
	lives->houses = houses;
	lives->page = mipc_sys_page();
	mipc_put(&lives->canary, &mipc_life_none);
	lives->run_fd = -1;
	lives->exec_fd = -1;
	lives->birth.run_fd = -1;
	lives->robust = !mipc_sys_forced("MIPC_NO_ROBUST");
}

/* --- the houses ------------------------------------------------------- */

/* The slots of a house, readable; NULL with *error. */
char *
mipc_life_window(struct mipc_lives *lives, uint32_t house, int *error)
{
	char *seen = mipc_take(&lives->window[house]);
	uint64_t uid;
	void *fresh;

	if (seen != NULL)
		return seen;
	uid = mipc_take(&lives->houses[house]);
	if (uid == 0) {
		*error = ENOENT;
		return NULL;
	}
	*error = lives->store->map_slots(lives->where, (uid_t)(uid - 1),
	    &fresh);
	if (*error != 0)
		return NULL;
	if (mipc_swap_if(&lives->window[house], &seen, (char *)fresh))
		return fresh;
	if (!lives->store->one_house)
		mipc_view_free(fresh, MIPC_SLOTS * lives->page);
	return seen;
}

/* --- asking ----------------------------------------------------------- */

/* The word at this place of a slot's page, or NULL. */
static const mipc_u32 *
word_at(const struct mipc_lives *lives, const struct mipc_slot *slot,
    uint64_t at)
{
	if (at < sizeof(*slot) || at > lives->page - 4 || at % 4 != 0)
		return NULL;
	return (const mipc_u32 *)(const void *)((const char *)slot + at);
}

/* How many canaries a slot has; *marked: the kernel has marked one. */
static uint32_t
canaries(const struct mipc_lives *lives, struct mipc_slot *slot,
    struct mipc_canary out[2], bool *marked)
{
	uint32_t n = 0;

	out[0].word = word_at(lives, slot, mipc_take(&slot->canary));
	for (*marked = false; n < 2 && out[n].word != NULL; n++) {
		out[n].value = mipc_take(out[n].word);
		if (out[n].value == 0)
			break;
		*marked |= (out[n].value & FUTEX_OWNER_DIED) != 0;
		/* After the canary word: pairs with mipc_give in arm(). */
		if (n == 0)
			out[1].word = word_at(lives, slot,
			    mipc_take(&slot->moult));
	}
	return n;
}

/* Armed, and not marked by the kernel. */
bool
mipc_life_canary(const struct mipc_lives *lives, struct mipc_slot *slot)
{
	struct mipc_canary canary[2];
	bool marked;

	return canaries(lives, slot, canary, &marked) != 0 && !marked;
}

/*
 * A descriptor for asking a house's .run file.  Where locks belong to the
 * process, closing any descriptor of the file would drop its own lock: there
 * the kept one is the only one.
 */
int
mipc_life_run(struct mipc_lives *lives, uint32_t house)
{
	uint64_t uid = mipc_take(&lives->houses[house]);

	if (lives->owned_by == MIPC_OWNED_BY_PROCESS && lives->run_fd >= 0 &&
	    MIPC_LIFE_HOUSE(mipc_peek(&lives->self)) == house)
		return lives->run_fd;
	return lives->store->open(lives->where, (uid_t)(uid - 1),
	    MIPC_LIFE_RUN, false);
}

void
mipc_life_run_done(struct mipc_lives *lives, int fd)
{
	if (fd >= 0 && fd != lives->run_fd)
		mipc_sys_close(fd);
}

/* 1 the run lock of the life's slot is held, 0 it is free, or -errno. */
static int
run_locked(struct mipc_lives *lives, mipc_life life)
{
	uint64_t byte = lives->store->run_at + MIPC_LIFE_SLOT(life);
	int fd, r;

	fd = mipc_life_run(lives, MIPC_LIFE_HOUSE(life));
	if (fd < 0)
		return fd;
	r = mipc_sys_locked(fd, lives->owned_by, byte, 1, NULL);
	mipc_life_run_done(lives, fd);
	return r;
}

/* Is it in the table of this second?  It is from now on; true if it was. */
static bool
looked_at(struct mipc_looked *table, mipc_life life, bool *same)
{
	uint64_t now = mipc_sys_seconds();
	struct mipc_looked *place = &table[mipc_life_place(life)];

	*same = mipc_peek(&place->life) == life;
	if (*same && mipc_peek(&place->when) == now)
		return true;
	mipc_put(&place->life, life);
	mipc_put(&place->when, now);
	return false;
}

/* Has this life's lock been looked at within the current second? */
static bool
looked_lately(struct mipc_lives *lives, mipc_life life)
{
	bool same;

	/* The first sight counts as a look. */
	return looked_at(lives->looked, life, &same) || !same;
}

/*
 * Need a life's lock be asked although its canary lives?  A directory that is
 * only read may be a copy, in which no canary ever dies.
 */
static bool
is_due(struct mipc_lives *lives, mipc_life life)
{
	bool same;

	return lives->refuses != 0 ? !looked_at(lives->looked, life, &same) :
	    !looked_lately(lives, life);
}

/* The slot of a life that may still be going on, or NULL: it is over. */
struct mipc_slot *
mipc_life_find(struct mipc_lives *lives, mipc_life life, bool *unknown)
{
	uint32_t number = MIPC_LIFE_SLOT(life);
	struct mipc_slot *slot;
	char *base;
	int error;

	*unknown = false;
	if (number == 0 || MIPC_LIFE_GEN(life) == 0)
		return NULL;
	base = mipc_life_window(lives, MIPC_LIFE_HOUSE(life), &error);
	if (base == NULL) {
		*unknown = error != ENOENT;
		return NULL;
	}
	if (number >= mipc_take(&((struct mipc_house_head *)
	    (void *)base)->high))
		return NULL;
	slot = mipc_life_slot(lives, base, number);
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life) ? slot : NULL;
}

/*
 * An anonymous namespace whose descriptor the program closed: nobody can ask
 * a lock there.  The canary decides, and the pid against burying too early.
 */
static bool
outlives_descriptor(const struct mipc_lives *lives, struct mipc_slot *slot)
{
	pid_t pid = (pid_t)mipc_peek(&slot->pid);

	return mipc_life_canary(lives, slot) ||
	    (pid != 0 && !mipc_sys_ended(pid));
}

/* Do lock or canary prove that this life goes on? */
static bool
proved(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_slot *slot;
	bool unknown;
	int r;

	if (life == mipc_peek(&lives->self))
		return life != 0;
	slot = mipc_life_find(lives, life, &unknown);
	if (slot == NULL)
		return unknown;
	if (!mipc_life_canary(lives, slot) || is_due(lives, life)) {
		r = run_locked(lives, life);
		if (r == 0 || r == -ENOENT)
			/* A kept descriptor may have been closed. */
			return !lives->lock_maps &&
			    mipc_life_canary(lives, slot);
		if (r < 0 && lives->store->one_house)
			return outlives_descriptor(lives, slot);
	}
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life);
}

/*
 * Where locks belong to the process, a parent cannot hold its child's: until
 * the child has taken it, two seconds at most, it counts as alive.
 */
bool
mipc_life_in_birth(const struct mipc_lives *lives, struct mipc_slot *slot)
{
	return lives->owned_by == MIPC_OWNED_BY_PROCESS &&
	    mipc_take(&slot->born) == MIPC_UNBORN &&
	    mipc_peek(&slot->parent) != 0 &&
	    mipc_sys_seconds() <= mipc_peek(&slot->since) + 2;
}

/*
 * Before the lock: a child has its own before it counts as born, and not yet
 * while it is in birth.  Afterwards it may be born although the lock was free.
 */
static bool
seems_in_birth(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_slot *slot;
	bool unknown;

	if (lives->owned_by != MIPC_OWNED_BY_PROCESS)
		return false;
	slot = mipc_life_find(lives, life, &unknown);
	return slot != NULL && mipc_life_in_birth(lives, slot);
}

bool
mipc_life_dead(struct mipc_lives *lives, mipc_life life)
{
	mipc_u64 *known = &lives->dead[mipc_life_place(life)];

	if (life == 0 || mipc_peek(known) == life)
		return true;
	if (seems_in_birth(lives, life) || proved(lives, life))
		return false;
	mipc_put(known, life);
	return true;
}

/* Locks are asked so many times in a moment, whoever is asked after. */
static bool
may_ask(struct mipc_lives *lives, uint64_t moment)
{
	uint32_t left;

	if (mipc_peek(&lives->moment) != moment) {
		mipc_put(&lives->moment, moment);
		mipc_put(&lives->asks_left, ASKS);
	}
	left = mipc_peek(&lives->asks_left);
	if (left == 0)
		return false;
	mipc_put(&lives->asks_left, left - 1);
	return true;
}

/* Threads that write at the same time are mistaken for a moment at most. */
bool
mipc_life_left(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_looked *place = &lives->seen[mipc_life_place(life)];
	uint64_t moment;

	if (lives->robust ||
	    mipc_peek(&lives->dead[mipc_life_place(life)]) == life)
		return mipc_life_dead(lives, life);
	moment = mipc_sys_monotonic_ns() / MOMENT_NS;
	if ((mipc_peek(&place->life) == life &&
	    mipc_peek(&place->when) == moment) || !may_ask(lives, moment))
		return false;
	if (mipc_life_dead(lives, life))
		return true;
	mipc_put(&place->life, life);
	mipc_put(&place->when, moment);
	return false;
}

uint32_t
mipc_life_canaries(struct mipc_lives *lives, mipc_life life,
    struct mipc_canary out[2], bool *marked)
{
	struct mipc_slot *slot;
	bool unknown;
	uint32_t n;

	*marked = false;
	slot = mipc_life_find(lives, life, &unknown);
	if (slot == NULL)
		return 0;
	n = canaries(lives, slot, out, marked);
	/* Read after the words, so that they were this life's. */
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life) ? n : 0;
}

static bool
is_watched(const struct mipc_wait *wait, const mipc_u32 *word)
{
	for (uint32_t i = 0; i < wait->count; i++)
		if (wait->word[i].address == (uintptr_t)word)
			return true;
	return false;
}

void
mipc_life_watch(struct mipc_lives *lives, mipc_life life,
    struct mipc_wait *wait, bool *dying)
{
	struct mipc_canary canary[2];
	bool marked;
	uint32_t n;

	if (life == mipc_peek(&lives->self))
		return;		/* its death is ours */
	n = mipc_life_canaries(lives, life, canary, &marked);
	/* None, or it has run exec, or its thread ended: slices. */
	if (n == 0)
		wait->partial = true;
	else if (marked)
		*dying = true;
	else if (!is_watched(wait, canary[0].word))
		for (uint32_t i = 0; i < n; i++)
			mipc_wait_add(wait, canary[i].word, canary[i].value);
}

bool
mipc_life_marked(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_canary canary[2];
	bool marked, same;

	return mipc_life_canaries(lives, life, canary, &marked) != 0 &&
	    marked && !looked_at(lives->marked, life, &same);
}

uint64_t
mipc_life_pid(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_slot *slot;
	uint64_t pid;
	bool unknown;

	slot = mipc_life_find(lives, life, &unknown);
	if (slot == NULL)
		return 0;
	pid = mipc_peek(&slot->pid);
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life) ? pid : 0;
}

/* --- waiting for the last --------------------------------------------- */

/* Bytes [first, end) of a .run file: 0 free, EBUSY, or EINTR. */
static int
range_others(const struct mipc_lives *lives, int fd, const uint64_t range[2],
    bool wait)
{
	uint64_t byte;
	int r;

	while (range[0] < range[1]) {
		r = mipc_sys_locked(fd, lives->owned_by, range[0],
		    range[1] - range[0], &byte);
		if (r <= 0)
			return -r;
		if (!wait)
			return EBUSY;
		r = mipc_sys_await(fd, lives->owned_by, byte);
		if (r != 0)
			return -r;
	}
	return 0;
}

/* One house but for our own slot. */
static int
house_others(struct mipc_lives *lives, uint32_t house, bool wait)
{
	mipc_life self = mipc_peek(&lives->self);
	uint64_t low[2], above[2], at = lives->store->run_at;
	int error, fd;

	low[0] = at + 1;
	low[1] = above[0] = above[1] = at + MIPC_SLOTS;
	if (self != 0 && MIPC_LIFE_HOUSE(self) == house) {
		low[1] = at + MIPC_LIFE_SLOT(self);
		above[0] = low[1] + 1;
	}
	fd = mipc_life_run(lives, house);
	if (fd < 0)
		return fd == -ENOENT ? 0 : -fd;
	error = range_others(lives, fd, low, wait);
	if (error == 0)
		error = range_others(lives, fd, above, wait);
	mipc_life_run_done(lives, fd);
	return error;
}

static int
all_others(struct mipc_lives *lives, bool wait)
{
	int error = 0;

	for (uint32_t i = 0; i < MIPC_HOUSES && error == 0; i++)
		if (mipc_take(&lives->houses[i]) != 0)
			error = house_others(lives, i, wait);
	return error;
}

int
mipc_life_others(struct mipc_lives *lives, bool wait)
{
	int error;

	do {		/* somebody may come to a house already passed */
		error = wait ? all_others(lives, true) : 0;
		if (error == 0)
			error = all_others(lives, false);
	} while (wait && error == EBUSY);
	return error;
}
