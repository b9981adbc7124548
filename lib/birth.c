/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * birth.c - how a life begins, is handed to a fork's child, and ends early.
 *
 * The canaries' list entries lie in private memory at the start of the page
 * behind the slot's page, their words at the end of the slot's page (the
 * distance is libc's and comes from get_robust_list), so no peer can reach our
 * list.
 *
 * Fork: the parent takes slot and lock for the child before it forks; the
 * child inherits the open description.  At no instant is it uncounted.
 */
#include "life_inside.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#include "bus.h"
#include "crash.h"
#include "format_sem.h"
#include "futex.h"
#include "view.h"

/* Where list entry n, behind its pointer back, stands in the second page. */
#define ENTRY_AT(n)	((2 * (n) + 1) * (int)sizeof(void *))
/*
 * musl walks the list itself when a thread ends: for it a word is behind a
 * mutex's type, which says whether other processes sleep on the word.
 */
#define SHARED_MUTEX	128u
#define BIRTH_NS	(2000 * MIPC_MS)	/* a parent waits so long */

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

/*
 * Put both entries at the end of the thread's list, where they may still be: a
 * fork's child goes on with its parent's under musl.
 */
static void
link_entries(struct mipc_lives *lives, struct mipc_robust_head *head)
{
	void **first = (void **)(void *)(lives->pair + lives->page +
	    ENTRY_AT(0));
	void **second = (void **)(void *)(lives->pair + lives->page +
	    ENTRY_AT(1));
	void **tail = (void **)head;

	for (int n = 0; n < 2048 && ((uintptr_t)*tail & ~1ul) !=
	    (uintptr_t)head; n++) {
		tail = (void **)((uintptr_t)*tail & ~1ul);
		if (tail == first)
			return;
	}
	first[-1] = tail;
	first[0] = second;
	second[-1] = first;
	second[0] = head;
	mipc_step();		/* whole before they can be walked to */
	*tail = first;
}

/*
 * Arm the canaries in the calling thread's robust list.  The entries are linked
 * while the words are 0, which the kernel passes over; the word makes it live.
 */
static void
arm(struct mipc_lives *lives)
{
	struct mipc_robust_head *head;
	uint32_t tid = (uint32_t)mipc_sys_tid();
	uint32_t pid = (uint32_t)mipc_sys_pid();
	mipc_u32 *word[2];
	uint64_t at[2];

	mipc_put(&lives->slot->canary, 0);
	mipc_give(&lives->canary, &mipc_life_none);
	head = lives->robust ? mipc_sys_robust_begin() : NULL;
	if (head == NULL || head->offset > -ENTRY_AT(1) - 4 ||
	    head->offset < -256 || head->offset % 4 != 0) {
		mipc_give(&lives->canary, &mipc_life_mute);
		return;
	}
	for (int i = 0; i < 2; i++) {
		at[i] = lives->page + (uint64_t)(ENTRY_AT(i) + head->offset);
		word[i] = (mipc_u32 *)(void *)(lives->pair + at[i]);
		mipc_put(word[i], 0);
		mipc_put(word[i] - 1, SHARED_MUTEX);
	}
	if (lives->linked != head)
		link_entries(lives, head);
	lives->linked = head;
	mipc_step();
	if (tid != pid)
		mipc_give(word[1], pid | FUTEX_WAITERS);
	mipc_put(&lives->slot->moult, tid != pid ? at[1] : 0);
	/* Pairs with mipc_take in canaries(): the second comes before. */
	mipc_give(word[0], tid | FUTEX_WAITERS);
	mipc_give(&lives->slot->canary, at[0]);
	mipc_give(&lives->canary, word[0]);
}

/* May this slot be tried?  Its lock decides. */
static bool
vacant(struct mipc_lives *lives, char *base, uint32_t number)
{
	struct mipc_slot *slot = mipc_life_slot(lives, base, number);

	/* A lock of our own process would not refuse us our own slot. */
	return number != MIPC_LIFE_SLOT(mipc_peek(&lives->self)) &&
	    !mipc_life_canary(lives, slot) && !mipc_life_in_birth(lives, slot);
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

/*
 * The generation first: what is said of the new life must not be taken for
 * something about the old one, whose slot this was.
 */
static void
fill(struct mipc_slot *slot, uint64_t uid, mipc_life parent)
{
	mipc_put(&slot->canary, 0);
	mipc_put(&slot->moult, 0);
	/* The old life ends here for everyone: pairs with mipc_take of gen. */
	mipc_give(&slot->gen, mipc_peek(&slot->gen) % MIPC_GEN_MAX + 1);
	mipc_step();
	mipc_crash_point("life: generation");
	mipc_put(&slot->born, MIPC_UNBORN);
	mipc_put(&slot->pid, parent != 0 ? 0 : (uint64_t)mipc_sys_pid());
	mipc_put(&slot->uid, uid);
	mipc_put(&slot->since, mipc_sys_seconds());
	mipc_put(&slot->parent, parent);
	mipc_put(&slot->waits, 0);
	memcpy(slot->command, mipc_life_command(), MIPC_COMMAND);
	mipc_crash_point("life: filled");
}

/* With both files open: a slot, its page mapped writable, its lock held. */
static int
conceive(struct mipc_lives *lives, uint32_t house, const int fd[2],
    struct mipc_birth *out)
{
	uint32_t slot = 0;
	void *page;
	char *base;
	int error;

	base = mipc_life_window(lives, house, &error);
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

/* Is this still the descriptor we kept, or something of the program's? */
static bool
is_kept(const struct mipc_lives *lives, int fd)
{
	struct stat st;

	return fd >= 0 && mipc_sys_fstat(fd, &st) == 0 &&
	    st.st_ino == lives->run_ino;
}

/* The description that is to hold the run lock. */
static int
open_run(struct mipc_lives *lives, uint32_t house, uid_t uid)
{
	int fd;

	if (!is_kept(lives, lives->run_fd))
		lives->run_fd = -1;
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
		mipc_life_run_done(lives, fd[1]);
		return error;
	}
	birth.run_fd = fd[1];
	*out = birth;
	return 0;
}

/* --- being ------------------------------------------------------------ */


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
	at = mipc_view_place(lives->page, &flags);
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
	error = mipc_view_private(2 * lives->page, &memory);
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
	uint64_t unborn = MIPC_UNBORN;
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
	if (!mipc_swap_if(&lives->slot->born, &unborn, MIPC_BORN))
		return ECANCELED;	/* its parent has given it up */
	mipc_put(&lives->by, MIPC_SEM_BY(mipc_peek(&lives->slot->pid)));
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
	mipc_life_run_done(lives, birth->run_fd);
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

	if (lives->refuses != 0)
		return lives->refuses;
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
	return lives->refuses != 0 ? lives->refuses :
	    new_life(lives, &lives->birth);
}

/*
 * Where locks are the process's, the child's cannot be taken for it: let it
 * take it, and wait until it has, or give it up as dead: one that comes later
 * begins a life of its own.
 */
static void
let_lock_go(struct mipc_lives *lives)
{
	struct mipc_birth *birth = &lives->birth;
	uint64_t end = mipc_sys_monotonic_ns() + BIRTH_NS;
	mipc_u32 *born = (mipc_u32 *)(void *)&birth->slot->born;
	uint64_t unborn = MIPC_UNBORN;

	mipc_sys_unlock(birth->run_fd, lives->owned_by,
	    lives->store->run_at + MIPC_LIFE_SLOT(birth->life));
	while (mipc_take(&birth->slot->born) == MIPC_UNBORN &&
	    mipc_sys_monotonic_ns() < end)
		mipc_futex_sleep(born, MIPC_UNBORN, MIPC_MS);
	mipc_swap_if(&birth->slot->born, &unborn, MIPC_GIVEN_UP);
}

void
mipc_life_parent(struct mipc_lives *lives)
{
	if (lives->owned_by == MIPC_OWNED_BY_PROCESS && lives->birth.life != 0)
		let_lock_go(lives);
	abandon(lives);
}

/* In the child, where locks are the process's: wait for the parent's. */
static int
inherit_lock(struct mipc_lives *lives)
{
	uint64_t byte = lives->store->run_at +
	    MIPC_LIFE_SLOT(lives->birth.life);

	if (lives->owned_by == MIPC_OWNED_BY_FILE || lives->birth.run_fd < 0)
		return 0;
	return -mipc_sys_lock(lives->birth.run_fd, lives->owned_by, byte, true);
}

void
mipc_life_child(struct mipc_lives *lives, bool prepared)
{
	int kept = lives->run_fd;

	mipc_put(&lives->self, 0);
	mipc_give(&lives->canary, &mipc_life_none);
	mipc_life_exec_child(lives);
	lives->run_map = NULL;		/* it did not come along */
	lives->linked = NULL;
	if (kept != lives->birth.run_fd && is_kept(lives, kept))
		mipc_sys_close(kept);
	lives->run_fd = -1;
	if (!prepared || lives->birth.life == 0 || inherit_lock(lives) != 0 ||
	    embody(lives, &lives->birth) != 0)
		abandon(lives);
}

void
mipc_life_end(struct mipc_lives *lives)
{
	void *memory;
	uint64_t at, moult;

	if (mipc_peek(&lives->self) == 0)
		return;
	at = mipc_peek(&lives->slot->canary);
	moult = mipc_peek(&lives->slot->moult);
	mipc_give(&lives->slot->canary, 0);
	if (at != 0)
		mipc_give((mipc_u32 *)(void *)(lives->pair + at), 0);
	if (at != 0 && moult != 0)
		mipc_give((mipc_u32 *)(void *)(lives->pair + moult), 0);
	/* The list entry stays linked: private memory replaces the page. */
	mipc_sys_map(lives->pair, lives->page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, &memory);
	lives->pair = NULL;
	lives->linked = NULL;
	mipc_put(&lives->self, 0);
	mipc_give(&lives->canary, &mipc_life_none);
	lives->slot = NULL;
	if (lives->run_map != NULL)
		mipc_view_free(lives->run_map, lives->page);
	if (is_kept(lives, lives->run_fd))
		mipc_sys_close(lives->run_fd);
	lives->run_map = NULL;
	lives->run_fd = -1;
	mipc_life_exec_end(lives);
}
