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
 * dead  <=>  the generation moved on, or the canary does not live and the
 *	      run lock is free.
 *
 * Where locks do not live with mappings the descriptor is kept, at a high
 * number; a program that closes it is still covered by its canary.  Once a
 * second a look asks the lock although the canary lives: a program may have
 * replaced its robust list.
 *
 * The canary's list entry lies in private memory at the start of the page
 * behind the slot's page, its word at the end of the slot's page (the distance
 * is libc's and comes from get_robust_list), so no peer can reach our list.
 *
 * Fork: the parent takes slot and lock for the child before it forks; the
 * child inherits the open description.  At no instant is it uncounted.
 */
#include "life.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#include "bus.h"
#include "crash.h"
#include "map.h"

#define ENTRY_AT	16	/* of the list entry in the second page */

const char *
mipc_life_command(void)
{
	static char line[MIPC_COMMAND];
	static mipc_u32 known;
	ssize_t n;
	int fd;

	if (mipc_take(&known))
		return line;
	fd = mipc_sys_open(AT_FDCWD, "/proc/self/cmdline", O_RDONLY, 0);
	if (fd >= 0) {
		n = mipc_sys_read(fd, line, sizeof(line) - 1);
		for (ssize_t i = 0; i + 1 < n; i++)
			if (line[i] == '\0')
				line[i] = ' ';
		mipc_sys_close(fd);
	}
	mipc_give(&known, 1);
	return line;
}

void
mipc_lives_init(struct mipc_lives *lives, const struct mipc_life_store *store,
    void *where, mipc_u64 *houses)
{
	lives->store = store;
	lives->where = where;
	lives->houses = houses;
	lives->page = mipc_sys_page();
	lives->run_fd = -1;
	lives->birth.run_fd = -1;
	lives->robust = !mipc_sys_forced("MIPC_NO_ROBUST");
}

/* --- the houses ------------------------------------------------------- */

/* The index of a uid's house, entered into the namespace if need be. */
static int
house_of(struct mipc_lives *lives, uid_t uid, uint32_t *out)
{
	uint64_t wanted = (uint64_t)uid + 1, seen;

	if (lives->store->one_house)
		wanted = 1;
	for (uint32_t i = 0; i < MIPC_HOUSES; i++) {
		seen = mipc_take(&lives->houses[i]);
		if (seen == 0)
			mipc_swap_if(&lives->houses[i], &seen, wanted);
		if (seen == 0 || seen == wanted) {
			*out = i;
			return 0;
		}
	}
	return ENOSPC;
}

/* The slots of a house, readable; NULL with *error. */
static char *
window(struct mipc_lives *lives, uint32_t house, int *error)
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
		mipc_map_free(fresh, MIPC_SLOTS * lives->page);
	return seen;
}

static struct mipc_slot *
slot_at(const struct mipc_lives *lives, char *base, uint32_t slot)
{
	return (struct mipc_slot *)(void *)(base + slot * lives->page);
}

/* --- asking ----------------------------------------------------------- */

/* Armed, and not marked by the kernel. */
static bool
canary_lives(const struct mipc_lives *lives, struct mipc_slot *slot)
{
	uint64_t at = mipc_take(&slot->canary);
	uint32_t word;

	if (at < sizeof(*slot) || at > lives->page - 4 || at % 4 != 0)
		return false;
	word = mipc_take((mipc_u32 *)(void *)((char *)slot + at));
	return word != 0 && (word & FUTEX_OWNER_DIED) == 0;
}

/*
 * A descriptor for asking a house's .run file.  Where locks belong to the
 * process, closing any descriptor of the file would drop its own lock: there
 * the kept one is the only one.
 */
static int
run_borrow(struct mipc_lives *lives, uint32_t house)
{
	uint64_t uid = mipc_take(&lives->houses[house]);

	if (lives->owned_by == MIPC_OWNED_BY_PROCESS && lives->run_fd >= 0 &&
	    MIPC_LIFE_HOUSE(mipc_peek(&lives->self)) == house)
		return lives->run_fd;
	return lives->store->open(lives->where, (uid_t)(uid - 1),
	    MIPC_LIFE_RUN, false);
}

static void
run_return(struct mipc_lives *lives, int fd)
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

	fd = run_borrow(lives, MIPC_LIFE_HOUSE(life));
	if (fd < 0)
		return fd;
	r = mipc_sys_locked(fd, lives->owned_by, byte, 1, NULL);
	run_return(lives, fd);
	return r;
}

/* Has this life's lock been looked at within the current second? */
static bool
looked_lately(struct mipc_lives *lives, mipc_life life)
{
	uint64_t now = mipc_sys_seconds();
	size_t i = (life ^ life >> 14 ^ life >> 24) % 256;
	bool same = mipc_peek(&lives->looked[i].life) == life;

	if (same && mipc_peek(&lives->looked[i].second) == now)
		return true;
	mipc_put(&lives->looked[i].life, life);
	mipc_put(&lives->looked[i].second, now);
	return !same;	/* the first sight counts as a look */
}

/* The slot of a life that may still be going on, or NULL: it is over. */
static struct mipc_slot *
find(struct mipc_lives *lives, mipc_life life, bool *unknown)
{
	uint32_t number = MIPC_LIFE_SLOT(life);
	struct mipc_slot *slot;
	char *base;
	int error;

	*unknown = false;
	if (number == 0 || MIPC_LIFE_GEN(life) == 0)
		return NULL;
	base = window(lives, MIPC_LIFE_HOUSE(life), &error);
	if (base == NULL) {
		*unknown = error != ENOENT;
		return NULL;
	}
	if (number >= mipc_take(&((struct mipc_house_head *)
	    (void *)base)->high))
		return NULL;
	slot = slot_at(lives, base, number);
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life) ? slot : NULL;
}

/*
 * An anonymous namespace whose descriptor the program closed: nobody can ask
 * a lock there.  The canary decides, and the pid against burying too early.
 */
static bool
outlives_descriptor(const struct mipc_lives *lives, struct mipc_slot *slot)
{
	return canary_lives(lives, slot) || mipc_sys_kill(
	    (pid_t)mipc_peek(&slot->pid), 0) != -ESRCH;
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
	slot = find(lives, life, &unknown);
	if (slot == NULL)
		return unknown;
	if (!canary_lives(lives, slot) || !looked_lately(lives, life)) {
		r = run_locked(lives, life);
		if (r == 0 || r == -ENOENT)
			/* A kept descriptor may have been closed. */
			return !lives->lock_maps && canary_lives(lives, slot);
		if (r < 0 && lives->store->one_house)
			return outlives_descriptor(lives, slot);
	}
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life);
}

/*
 * Where locks belong to the process, a parent cannot hold its child's: until
 * the child has taken it, two seconds at most, the parent's life stands in.
 */
static bool
being_born(struct mipc_lives *lives, struct mipc_slot *slot)
{
	return lives->owned_by == MIPC_OWNED_BY_PROCESS &&
	    mipc_take(&slot->born) == 0 &&
	    mipc_sys_seconds() <= mipc_peek(&slot->since) + 2 &&
	    proved(lives, mipc_peek(&slot->parent));
}

bool
mipc_life_dead(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_slot *slot;
	bool unknown;

	if (proved(lives, life))
		return false;
	slot = find(lives, life, &unknown);
	return slot == NULL || !being_born(lives, slot);
}

uint64_t
mipc_life_pid(struct mipc_lives *lives, mipc_life life)
{
	struct mipc_slot *slot;
	uint64_t pid;
	bool unknown;

	slot = find(lives, life, &unknown);
	if (slot == NULL)
		return 0;
	pid = mipc_peek(&slot->pid);
	return mipc_take(&slot->gen) == MIPC_LIFE_GEN(life) ? pid : 0;
}

/* --- beginning -------------------------------------------------------- */

/*
 * Arm the canary in the calling thread's robust list.  The entry is linked
 * while the word is 0, which the kernel passes over; the word makes it live.
 */
static void
arm(struct mipc_lives *lives)
{
	struct mipc_robust_head *head;
	void **entry = (void **)(void *)(lives->pair + lives->page + ENTRY_AT);
	void **tail;
	uint64_t at;

	mipc_put(&lives->slot->canary, 0);
	head = lives->robust ? mipc_sys_robust_list() : NULL;
	if (head == NULL || head->offset > -ENTRY_AT - 4 ||
	    head->offset < -256 || head->offset % 4 != 0)
		return;
	at = lives->page + ENTRY_AT + (uint64_t)head->offset;
	mipc_put((mipc_u32 *)(void *)(lives->pair + at), 0);
	if (lives->linked != head) {
		tail = (void **)head;
		for (int n = 0; n < 2048 && ((uintptr_t)*tail & ~1ul) !=
		    (uintptr_t)head; n++)
			tail = (void **)((uintptr_t)*tail & ~1ul);
		entry[-1] = tail;
		entry[0] = head;
		mipc_step();		/* whole before it can be walked to */
		*tail = entry;
		lives->linked = head;
	}
	mipc_step();
	mipc_give((mipc_u32 *)(void *)(lives->pair + at),
	    (uint32_t)mipc_sys_tid() | FUTEX_WAITERS);
	mipc_give(&lives->slot->canary, at);
}

/* May this slot be tried?  Its lock decides. */
static bool
vacant(struct mipc_lives *lives, char *base, uint32_t number)
{
	struct mipc_slot *slot = slot_at(lives, base, number);

	/* A lock of our own process would not refuse us our own slot. */
	return number != MIPC_LIFE_SLOT(mipc_peek(&lives->self)) &&
	    !canary_lives(lives, slot) && !being_born(lives, slot);
}

/* Give a slot that was never used its page. */
static int
claim_slot(struct mipc_lives *lives, char *base, int fd, uint32_t slot)
{
	if (lives->store->one_house)
		return -mipc_sys_advise(base + slot * lives->page,
		    lives->page, MADV_POPULATE_WRITE);
	return -mipc_sys_reserve_fd(fd, slot * lives->page, lives->page);
}

/* Lock a slot's byte; where no lock can be had, only a fresh slot is safe. */
static bool
lock_slot(struct mipc_lives *lives, int run_fd, uint32_t slot)
{
	return run_fd >= 0 && mipc_sys_lock(run_fd, lives->owned_by,
	    lives->store->run_at + slot, false) == 0;
}

/*
 * Take the lock of one slot that nobody holds.  In [1, high) first, cyclically
 * from the cursor, so that a slot rests before it is used again; else the
 * next one beyond, which is given space.
 */
static int
take_slot(struct mipc_lives *lives, char *base, int slots_fd, int run_fd,
    uint32_t *out)
{
	struct mipc_house_head *head = (struct mipc_house_head *)(void *)base;
	uint64_t high, start = mipc_peek(&head->cursor) % MIPC_SLOTS;
	uint32_t slot;

	high = mipc_take(&head->high);
	if (high > MIPC_SLOTS)
		return EIO;
	for (uint64_t i = 0; i + 1 < high; i++) {
		slot = 1 + (uint32_t)((start + i) % (high - 1));
		if (vacant(lives, base, slot) &&
		    lock_slot(lives, run_fd, slot)) {
			*out = slot;
			return 0;
		}
	}
	for (slot = (uint32_t)high; slot < MIPC_SLOTS; slot++)
		if (run_fd < 0 || lock_slot(lives, run_fd, slot))
			break;
	if (slot >= MIPC_SLOTS)
		return ENOSPC;
	*out = slot;
	return claim_slot(lives, base, slots_fd, slot);
}

/* A page of the slots' file that may be written: windows are read-only. */
static int
map_page(struct mipc_lives *lives, char *base, int fd, uint32_t slot,
    void **out)
{
	if (lives->store->one_house)
		return -mipc_sys_duplicate(base + slot * lives->page,
		    lives->page, NULL, out);
	return -mipc_sys_map(NULL, lives->page, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, slot * lives->page, out);
}

/*
 * high is never lowered, and a slot below it has space.  Without a lock, the
 * swap that raises it is what makes the slot ours.
 */
static int
raise_high(struct mipc_lives *lives, char *base, const int fd[2],
    uint32_t slot)
{
	struct mipc_house_head *head;
	uint64_t high;
	void *page;
	int error, guard;

	error = map_page(lives, base, fd[0], 0, &page);
	if (error != 0)
		return error;
	guard = mipc_bus_guard(page, lives->page);
	head = page;
	mipc_put(&head->cursor, slot);
	high = mipc_take(&head->high);
	if (fd[1] < 0 && high != slot)
		error = EAGAIN;
	while (error == 0 && high <= slot &&
	    !mipc_swap_if(&head->high, &high, slot + 1u))
		if (fd[1] < 0)
			error = EAGAIN;
	mipc_bus_unguard(guard);
	mipc_sys_unmap(page, lives->page);
	return error;
}

static void
fill(struct mipc_slot *slot, uint64_t uid, mipc_life parent)
{
	mipc_put(&slot->canary, 0);
	mipc_put(&slot->born, 0);
	mipc_put(&slot->pid, parent != 0 ? 0 : (uint64_t)mipc_sys_pid());
	mipc_put(&slot->uid, uid);
	mipc_put(&slot->since, mipc_sys_seconds());
	mipc_put(&slot->parent, parent);
	mipc_put(&slot->waits, 0);
	memcpy(slot->command, mipc_life_command(), MIPC_COMMAND);
	mipc_crash_point("life: filled");
	/* The old life ends here for everyone: pairs with mipc_take of gen. */
	mipc_give(&slot->gen, mipc_peek(&slot->gen) % MIPC_GEN_MAX + 1);
	mipc_crash_point("life: generation");
}

/* With both files open: a slot, its page mapped writable, its lock held. */
static int
conceive(struct mipc_lives *lives, uint32_t house, const int fd[2],
    struct mipc_birth *out)
{
	uint32_t slot;
	void *page;
	char *base;
	int error;

	base = window(lives, house, &error);
	if (base == NULL)
		return error;
	do {
		error = take_slot(lives, base, fd[0], fd[1], &slot);
		if (error == 0)
			error = raise_high(lives, base, fd, slot);
	} while (error == EAGAIN);
	if (error == 0)
		error = map_page(lives, base, fd[0], slot, &page);
	if (error != 0)
		return error;
	out->slot = page;
	out->guard = mipc_bus_guard(page, lives->page);
	fill(out->slot, mipc_take(&lives->houses[house]) - 1,
	    mipc_peek(&lives->self));
	out->life = MIPC_LIFE(house, slot, mipc_peek(&out->slot->gen));
	return 0;
}

/* The description that is to hold the run lock. */
static int
open_run(struct mipc_lives *lives, uint32_t house, uid_t uid)
{
	int fd;

	if (lives->owned_by == MIPC_OWNED_BY_PROCESS && lives->run_fd >= 0 &&
	    MIPC_LIFE_HOUSE(mipc_peek(&lives->self)) == house)
		return lives->run_fd;
	fd = lives->store->open(lives->where, uid, MIPC_LIFE_RUN, true);
	return lives->lock_maps ? fd : mipc_sys_move_high(fd);
}

/* A slot with its lock, for this process or a child; *out only on success. */
static int
new_life(struct mipc_lives *lives, struct mipc_birth *out)
{
	struct mipc_birth birth = { .run_fd = -1 };
	uid_t uid = mipc_sys_euid();
	int fd[2], error;
	uint32_t house;

	error = house_of(lives, uid, &house);
	if (error != 0)
		return error;
	fd[0] = fd[1] = -1;
	if (!lives->store->one_house) {
		fd[0] = lives->store->open(lives->where, uid, MIPC_LIFE_SLOTS,
		    true);
		if (fd[0] < 0)
			return -fd[0];
	}
	fd[1] = open_run(lives, house, uid);
	if (fd[1] < 0 && !lives->store->one_house)
		error = -fd[1];
	else
		error = conceive(lives, house, fd, &birth);
	if (fd[0] >= 0)
		mipc_sys_close(fd[0]);
	if (error != 0) {
		run_return(lives, fd[1]);
		return error;
	}
	birth.run_fd = fd[1];
	*out = birth;
	return 0;
}

/* --- being ------------------------------------------------------------ */

/* Close a descriptor we kept, if the program has not put its own there. */
static void
close_ours(const struct mipc_lives *lives, int fd)
{
	struct stat st;

	if (fd >= 0 && mipc_sys_fstat(fd, &st) == 0 &&
	    st.st_ino == lives->run_ino)
		mipc_sys_close(fd);
}

/* Let the run lock live with the address space, as far as it can. */
static int
keep_run(struct mipc_lives *lives, int fd)
{
	int flags = MAP_SHARED, r;
	struct stat st;
	void *at, *map;

	if (fd < 0)		/* the canary alone */
		return 0;
	r = mipc_sys_fstat(fd, &st);
	if (r < 0)
		return -r;
	lives->run_ino = st.st_ino;
	if (!lives->lock_maps) {
		lives->run_fd = fd;
		return 0;
	}
	at = mipc_map_place(lives->page, &flags);
	r = mipc_sys_map(at, lives->page, PROT_NONE, flags, fd, 0, &map);
	if (r < 0)
		return -r;
	mipc_sys_advise(map, lives->page, MADV_DONTFORK);
	mipc_sys_close(fd);
	lives->run_map = map;
	return 0;
}

static int
make_pair(struct mipc_lives *lives)
{
	void *memory;
	int error;

	if (lives->pair != NULL)
		return 0;
	error = mipc_map_private(2 * lives->page, &memory);
	if (error != 0)
		return error;
	lives->pair = memory;
	mipc_bus_guard(memory, lives->page);
	return 0;
}

/* Become the life: its lock kept, its page below our list entry. */
static int
embody(struct mipc_lives *lives, struct mipc_birth *birth)
{
	int error;

	error = make_pair(lives);
	if (error == 0)
		error = keep_run(lives, birth->run_fd);
	if (error == 0) {
		birth->run_fd = -1;	/* it is no longer ours to close */
		mipc_bus_unguard(birth->guard);
		error = -mipc_sys_move(birth->slot, lives->page, lives->pair);
	}
	if (error != 0)
		return error;
	lives->slot = (struct mipc_slot *)(void *)lives->pair;
	mipc_put(&lives->slot->pid, (uint64_t)mipc_sys_pid());
	mipc_give(&lives->slot->born, 1);
	arm(lives);
	mipc_give(&lives->self, birth->life);
	*birth = (struct mipc_birth){ .run_fd = -1 };
	return 0;
}

/* Give back what was prepared and is not used. */
static void
abandon(struct mipc_lives *lives)
{
	struct mipc_birth *birth = &lives->birth;

	if (birth->slot != NULL) {
		mipc_bus_unguard(birth->guard);
		mipc_sys_unmap(birth->slot, lives->page);
	}
	run_return(lives, birth->run_fd);
	*birth = (struct mipc_birth){ .run_fd = -1 };
}

/* The thread that armed the canary is gone; this one takes over. */
static void
rearm_if_marked(struct mipc_lives *lives)
{
	uint64_t at = mipc_peek(&lives->slot->canary);
	mipc_u32 *word = (mipc_u32 *)(void *)(lives->pair + at);

	if (at == 0 || (mipc_peek(word) & FUTEX_OWNER_DIED) == 0)
		return;
	lives->linked = NULL;
	arm(lives);
}

int
mipc_life_self(struct mipc_lives *lives, mipc_life *out)
{
	int error;

	if (mipc_peek(&lives->self) == 0) {
		error = new_life(lives, &lives->birth);
		if (error == 0)
			error = embody(lives, &lives->birth);
		if (error != 0) {
			abandon(lives);
			return error;
		}
	} else {
		rearm_if_marked(lives);
	}
	*out = mipc_peek(&lives->self);
	return 0;
}

int
mipc_life_beget(struct mipc_lives *lives)
{
	return new_life(lives, &lives->birth);
}

void
mipc_life_parent(struct mipc_lives *lives)
{
	if (lives->owned_by == MIPC_OWNED_BY_PROCESS && lives->birth.life != 0)
		mipc_sys_unlock(lives->birth.run_fd, lives->owned_by,
		    lives->store->run_at + MIPC_LIFE_SLOT(lives->birth.life));
	abandon(lives);
}

/* In the child, where locks are the process's: wait for the parent's. */
static int
inherit_lock(struct mipc_lives *lives)
{
	uint64_t byte = lives->store->run_at +
	    MIPC_LIFE_SLOT(lives->birth.life);

	if (lives->owned_by == MIPC_OWNED_BY_FILE)
		return 0;
	return -mipc_sys_lock(lives->birth.run_fd, lives->owned_by, byte, true);
}

void
mipc_life_child(struct mipc_lives *lives, bool prepared)
{
	int kept = lives->run_fd;

	mipc_put(&lives->self, 0);
	lives->run_map = NULL;		/* it did not come along */
	lives->linked = NULL;
	if (kept != lives->birth.run_fd)
		close_ours(lives, kept);
	lives->run_fd = -1;
	if (!prepared || lives->birth.life == 0 || inherit_lock(lives) != 0 ||
	    embody(lives, &lives->birth) != 0)
		abandon(lives);
}

void
mipc_life_end(struct mipc_lives *lives)
{
	void *memory;
	uint64_t at;

	if (mipc_peek(&lives->self) == 0)
		return;
	at = mipc_peek(&lives->slot->canary);
	mipc_give(&lives->slot->canary, 0);
	if (at != 0)
		mipc_give((mipc_u32 *)(void *)(lives->pair + at), 0);
	/* The list entry stays linked: private memory takes the page's place. */
	mipc_sys_map(lives->pair, lives->page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, &memory);
	mipc_put(&lives->self, 0);
	lives->slot = NULL;
	if (lives->run_map != NULL)
		mipc_map_free(lives->run_map, lives->page);
	close_ours(lives, lives->run_fd);
	lives->run_map = NULL;
	lives->run_fd = -1;
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
	fd = run_borrow(lives, house);
	if (fd < 0)
		return fd == -ENOENT ? 0 : -fd;
	error = range_others(lives, fd, low, wait);
	if (error == 0)
		error = range_others(lives, fd, above, wait);
	run_return(lives, fd);
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
