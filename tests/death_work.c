/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * death_work.c - a worker of the death test: random calls, each checked.
 *
 * It may be killed anywhere, so it writes down what it has attached in memory
 * that the driver reads while everybody pauses, and nothing that must be true
 * at any other time.
 */
#include "death.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEYS		4
#define FIRST_KEY	0x44454100
#define STAMP		0x5eed000000000000u

static struct rng rng;

void
fail(const char *fmt, ...)
{
	const int error = errno;
	uint32_t nobody = 0;
	va_list ap;
	int n;

	if (atomic_compare_exchange_strong(&board->told, &nobody, 1)) {
		va_start(ap, fmt);
		n = vsnprintf(board->text, sizeof(board->text), fmt, ap);
		va_end(ap);
		if (n > 0 && (size_t)n < sizeof(board->text))
			snprintf(board->text + n,
			    sizeof(board->text) - (size_t)n, " (%s)",
			    error_name(error));
	}
	_exit(1);
}

static uint64_t
stamp(int id)
{
	return STAMP | (uint32_t)id;
}

static struct held *
pick_held(struct slot *me, bool used)
{
	const unsigned from = rng_below(&rng, HOLD);

	for (unsigned i = 0; i < HOLD; i++) {
		struct held *h = &me->held[(from + i) % HOLD];

		if ((h->id != -1) == used)
			return h;
	}
	return NULL;
}

/* Attach; false if there is no such segment any more. */
static bool
attach(struct held *h, int id)
{
	void *p = mipc_shmat(ns, id, NULL, 0);

	if (p == (void *)-1) {
		if (errno != EINVAL && errno != EIDRM)
			fail("shmat of %d", id);
		return false;
	}
	h->at = p;
	h->id = id;
	return true;
}

static void
detach(struct held *h)
{
	if (mipc_shmdt(ns, (void *)h->at) == -1)
		fail("shmdt of %d", h->id);
	h->id = -1;
}

static void
remove_id(int id)
{
	if (id != -1 && mipc_shmctl(ns, id, IPC_RMID, NULL) == -1 &&
	    errno != EINVAL && errno != EIDRM)
		fail("IPC_RMID of %d", id);
}

/* Make or find one, stamp it, pass its id on; what was passed on goes. */
static void
create(struct slot *me)
{
	const key_t key = rng_chance(&rng, 60) ? IPC_PRIVATE :
	    (key_t)(FIRST_KEY + rng_below(&rng, KEYS));
	struct held *h = pick_held(me, false);
	int id;

	if (h == NULL)
		return;
	id = mipc_shmget(ns, key, 4096, IPC_CREAT | 0600);
	if (id == -1)
		fail("shmget of key %#x", (unsigned)key);
	if (!attach(h, id))
		return;		/* somebody found it by its key: gone */
	atomic_store(h->at, stamp(id));
	remove_id(atomic_exchange(&board->cell[rng_below(&rng, CELLS)], id));
}

static void
attach_any(struct slot *me)
{
	const int id = atomic_load(&board->cell[rng_below(&rng, CELLS)]);
	struct held *h = pick_held(me, false);

	if (id != -1 && h != NULL)
		attach(h, id);
}

/* What we hold is whole, and is what its id leads to. */
static void
check(struct slot *me)
{
	const unsigned mine = 8 + (unsigned)(me - board->slot);
	const struct held *h = pick_held(me, true);
	_Atomic uint64_t *second;
	const uint64_t mark = rng_next(&rng);

	if (h == NULL)
		return;
	/* 0: found by its key before its maker has stamped it. */
	if (atomic_load(h->at) != stamp(h->id) && atomic_load(h->at) != 0)
		fail("segment %d has lost its stamp", h->id);
	atomic_store(h->at + mine, mark);
	second = mipc_shmat(ns, h->id, NULL, 0);
	if ((void *)second == (void *)-1)
		fail("segment %d is attached, but gone", h->id);
	if (atomic_load(second + mine) != mark)
		fail("segment %d has two memories", h->id);
	if (mipc_shmdt(ns, (void *)second) == -1)
		fail("shmdt of a second attach of %d", h->id);
	atomic_fetch_add(&board->checks, 1);
}

struct slot *
take_slot(void)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uint32_t state = SLOT_FREE;

		if (atomic_compare_exchange_strong(&board->slot[i].state,
		    &state, SLOT_TAKEN))
			return &board->slot[i];
	}
	return NULL;
}

static struct slot *
fork_worker(struct slot *me)
{
	struct slot *child = take_slot();
	pid_t pid;

	if (child == NULL)
		return me;
	memcpy(child->held, me->held, sizeof(me->held));
	pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid != 0) {
		atomic_fetch_add(&board->forks, 1);
		return me;
	}
	atomic_store(&child->pid, getpid());
	rng_seed(&rng, board->seed + atomic_fetch_add(&board->born, 1));
	return child;
}

static void
park(struct slot *me)
{
	const uint32_t pause = atomic_load(&board->pause);

	if (pause % 2 == 0)
		return;
	atomic_store(&me->parked, pause);
	harness_wake(&me->parked);
	while (atomic_load(&board->pause) == pause) {
		harness_wait(&board->pause, pause, 1);
		if (kill(board->driver, 0) == -1)
			_exit(0);
	}
}

void
work(struct slot *me)
{
	rng_seed(&rng, board->seed + atomic_fetch_add(&board->born, 1));
	for (unsigned n = 1; ; n++) {
		const unsigned what = rng_below(&rng, 100);
		struct held *h;

		park(me);
		if (n % 64 == 0 && kill(board->driver, 0) == -1)
			_exit(0);
		if (what < 15)
			create(me);
		else if (what < 45)
			attach_any(me);
		else if (what < 70)
			check(me);
		else if (what < 92 && (h = pick_held(me, true)) != NULL)
			detach(h);
		else if (what < 98)
			remove_id(atomic_load(
			    &board->cell[rng_below(&rng, CELLS)]));
		else if (what == 99)
			me = fork_worker(me);
	}
}
