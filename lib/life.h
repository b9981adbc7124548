/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life.h - who is alive in a namespace.
 *
 * Depends on: format.h, gate.h, sys.h.
 * Locks: functions marked [gate] expect the caller inside the gate; the
 * others may be called by any thread at any time.
 */
#ifndef MIPC_LIFE_H
#define MIPC_LIFE_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "format.h"
#include "mipc.h"
#include "sys.h"

enum mipc_life_file {
	MIPC_LIFE_SLOTS,
	MIPC_LIFE_RUN,
	MIPC_LIFE_EXEC,
	MIPC_LIFE_EXEC_NAME,	/* the same, but only to know its inode */
};

struct mipc_lives;

#define MIPC_CANARY_DIED	0x40000000u	/* FUTEX_OWNER_DIED */

/*
 * How the store keeps lives.  open: a new open file description of a house's
 * file, made if `make` and missing; a descriptor or a negative errno.
 * map_slots: address space for all slots of a house, readable.
 */
struct mipc_life_store {
	int (*open)(void *where, uid_t uid, enum mipc_life_file, bool make);
	int (*map_slots)(void *where, uid_t uid, void **out);
	uint64_t slots_at;	/* offset of the slots in their file */
	uint64_t run_at;	/* offset of slot 0's byte in theirs */
	bool one_house;		/* every uid shares house 0 */
};

/* A life that was looked at, and when: in seconds, or as is said. */
struct mipc_looked {
	mipc_u64 life, when;
};

/* The life prepared for a fork's child, from prepare to take-over. */
struct mipc_birth {
	mipc_life life;		/* 0: none */
	struct mipc_slot *slot;
	int guard;		/* of the slot's page */
	int run_fd;
};

struct mipc_lives {
	const struct mipc_life_store *store;
	void *where;
	mipc_u64 *houses;		/* in the namespace */
	size_t page;
	/* What the filesystem and the system can do; set once at opening. */
	bool lock_maps;			/* a lock lives with its mapping */
	enum mipc_owner owned_by;	/* kind of the byte locks */
	bool robust;
	int refuses;			/* why nothing may be written: EROFS,
					   EACCES; 0: it may */
	/* This process; changed inside the gate. */
	mipc_u64 self;			/* its life, 0 before the first call */
	mipc_u64 by;			/* its pid as semaphores have it */
	_Atomic(mipc_u32 *) canary;	/* its word, which says that it died
					   where there is no life */
	struct mipc_slot *slot;
	char *pair;			/* slot page and the page behind it */
	struct mipc_robust_head *linked;/* whose list holds our entry */
	void *run_map;			/* holds the lock if lock_maps */
	int run_fd;			/* holds it if not */
	ino_t run_ino;
	int exec_fd;			/* of our house's .exec, or -1 */
	ino_t exec_ino;
	uint32_t exec_house;		/* whose it is */
	mipc_life kept;			/* the life that it locks, 0 none */
	mipc_life debtor;		/* the life that has owed, 0 none */
	struct mipc_birth birth;
	/* Windows on houses, made when first looked at. */
	_Atomic(char *) window[MIPC_HOUSES];
	/* When a life's lock was last looked at although its canary lives. */
	struct mipc_looked looked[256];
	/* When a life was asked after because its canary is marked. */
	struct mipc_looked marked[256];
	/* When one was last found alive where no canary tells: in MOMENTs. */
	struct mipc_looked seen[256];
	mipc_u64 moment;		/* and how many may be asked in it */
	mipc_u32 asks_left;
	/* Lives found dead: they stay so, and need not be asked again. */
	mipc_u64 dead[256];
	mipc_u64 gone[256];		/* and their processes too */
};

void	mipc_lives_init(struct mipc_lives *, const struct mipc_life_store *,
	    void *where, mipc_u64 *houses);

/*
 * [gate] This process's life, begun if need be.  Errors: EACCES, ENOSPC,
 * ENOMEM, EMFILE, ENOENT (the namespace is gone), EIO; lives->refuses.
 */
int	mipc_life_self(struct mipc_lives *, mipc_life *out);

/*
 * The same without the gate and without a system call: 0 if the way above
 * must be gone, since there is no life or the thread that armed its canary
 * has ended.
 */
static inline bool
mipc_life_armed(struct mipc_lives *lives)
{
	return (mipc_peek(mipc_take(&lives->canary)) & MIPC_CANARY_DIED) == 0;
}

static inline mipc_life
mipc_life_now(struct mipc_lives *lives)
{
	return mipc_life_armed(lives) ? mipc_take(&lives->self) : 0;
}

/*
 * Is the address space of this life gone?  No system call while its canary
 * lives, but for one look a second.
 */
bool	mipc_life_dead(struct mipc_lives *, mipc_life);
/*
 * The same for who can do without what a dead one left: where there are no
 * canaries only a few are asked after at a time, and the rest may live.
 */
bool	mipc_life_left(struct mipc_lives *, mipc_life);

/*
 * Is the process gone, which may have run exec since?  Only this ends what it
 * owes.
 */
bool	mipc_life_gone(struct mipc_lives *, mipc_life);
/* Was it this process's before exec, and is what it is now kept as well? */
bool	mipc_life_was_ours(struct mipc_lives *, mipc_life);
/* [gate] From now on this process answers for its life beyond exec. */
void	mipc_life_keep(struct mipc_lives *);
/* [gate] Has it begun to, so that the life must not be ended before it is? */
bool	mipc_life_is_kept(const struct mipc_lives *);
/* [gate] All that it owed is gone. */
void	mipc_life_let_go(struct mipc_lives *);

/* A futex word that is `value` while a life goes on. */
struct mipc_canary {
	const mipc_u32 *word;
	uint32_t value;
};

/*
 * The canaries of a life, one or two, of which the kernel marks and wakes one
 * when the life ends; 0 if it has none.  *marked: it has done so.
 */
uint32_t mipc_life_canaries(struct mipc_lives *, mipc_life,
	    struct mipc_canary out[2], bool *marked);
/* Name them, but our own, among what is slept on; *dying: one is marked. */
struct mipc_wait;
void	mipc_life_watch(struct mipc_lives *, mipc_life, struct mipc_wait *,
	    bool *dying);

/* Its pid, for display; 0 if the slot has been given out again. */
uint64_t mipc_life_pid(struct mipc_lives *, mipc_life);

/*
 * What is said of a life, also of one that is over until its slot is given out
 * again.  By `gone` it is over when its process is, not its address space.
 */
void	mipc_life_show(struct mipc_lives *, mipc_life, bool gone,
	    struct mipc_look_process *out);
/* All that go on: how many, of which `most` at most are shown. */
uint32_t mipc_life_show_all(struct mipc_lives *,
	    struct mipc_look_process *out, size_t most);

/* [gate] Prepare a fork's child, and what follows on either side. */
int	mipc_life_beget(struct mipc_lives *);
void	mipc_life_parent(struct mipc_lives *);
void	mipc_life_child(struct mipc_lives *, bool prepared);

/* [gate] End this process's life here; it has nothing left in the namespace. */
void	mipc_life_end(struct mipc_lives *);

/*
 * Is anyone but this process alive?  With `wait`, wait until nobody is.
 * Returns 0 nobody, EBUSY somebody, EINTR, or what opening the files said.
 */
int	mipc_life_others(struct mipc_lives *, bool wait);

/* Command line of this process, read once; MIPC_COMMAND bytes. */
const char *mipc_life_command(void);

#endif
