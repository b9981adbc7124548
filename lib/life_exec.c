/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life_exec.c - a process beyond its address space: SEM_UNDO survives exec.
 *
 * A process that owes something holds a record lock of the process (POSIX) on
 * a byte of its house's .exec file.  The run lock and the canary go at exec;
 * this lock goes with the process.  The byte is the life's own, slot and
 * generation, so a slot may be given out again meanwhile.
 *
 * Closing any descriptor of a file drops all such locks that the process has
 * there.  So the file of our own house is opened once and never closed, nor
 * ever opened otherwise; and its descriptor stays open across exec once
 * something is owed.  A program that closes all descriptors and then runs
 * exec has its debts settled at exec.
 */
#include "life_inside.h"

#include <errno.h>

#include "futex.h"

/* Between threads, with signals blocked; the gate may be held, or not. */
static mipc_u32 mutex;

static void
enter(uint64_t *signals)
{
	mipc_sys_block(signals);
	mipc_mutex_lock(&mutex);
}

static void
leave(const uint64_t *signals)
{
	mipc_mutex_unlock(&mutex);
	mipc_sys_restore(signals);
}

static uint64_t
byte_of(mipc_life life)
{
	return MIPC_LIFE_GEN(life) << 14 | MIPC_LIFE_SLOT(life);
}

static bool
is_kept(const struct mipc_lives *lives)
{
	struct stat st;

	return lives->exec_fd >= 0 &&
	    mipc_sys_fstat(lives->exec_fd, &st) == 0 &&
	    st.st_ino == lives->exec_ino;
}

/* Does this process hold a lock there, from before it ran exec? */
static bool
holds_any(int fd)
{
	return mipc_sys_lock_holder(fd, 0, 0) == mipc_sys_pid();
}

/* [mutex] The descriptor of our house's file, opened if need be. */
static int
own_file(struct mipc_lives *lives, uid_t uid, bool make)
{
	struct stat st;
	int fd;

	if (is_kept(lives))
		return lives->exec_fd;
	lives->exec_fd = -1;
	fd = lives->store->open(lives->where, uid, MIPC_LIFE_EXEC, make);
	if (fd < 0)
		return fd;
	/* To move it is to close one: only while nothing is held. */
	if (!holds_any(fd))
		fd = mipc_sys_move_high(fd);
	if (mipc_sys_fstat(fd, &st) != 0)
		return -EIO;
	lives->exec_ino = st.st_ino;
	lives->exec_fd = fd;
	return fd;
}

/* [mutex] Where it cannot be, debts are settled at exec: mipc(7). */
static void
keep(struct mipc_lives *lives)
{
	mipc_life self = mipc_peek(&lives->self);
	uint64_t uid;
	int fd;

	if (lives->kept == self && is_kept(lives))
		return;
	uid = mipc_take(&lives->houses[MIPC_LIFE_HOUSE(self)]) - 1;
	if (!lives->store->one_house && uid != mipc_sys_euid())
		return;		/* it has dropped its privileges */
	fd = own_file(lives, (uid_t)uid, true);
	if (fd >= 0 && mipc_sys_lock(fd, MIPC_OWNED_BY_PROCESS, byte_of(self),
	    false) == 0 && mipc_sys_keep_open(fd, true) == 0)
		lives->kept = self;
}

void
mipc_life_keep(struct mipc_lives *lives)
{
	uint64_t signals;

	enter(&signals);
	keep(lives);
	leave(&signals);
}

void
mipc_life_exec_child(struct mipc_lives *lives)
{
	mipc_put(&mutex, 0);	/* whoever held it stayed behind */
	if (lives->kept != 0 && is_kept(lives))
		mipc_sys_keep_open(lives->exec_fd, false);
	lives->kept = 0;
}

/* Who holds the lock of a life: a pid, 0 nobody, -1 cannot be told. */
static pid_t
holder(struct mipc_lives *lives, mipc_life life)
{
	uint32_t house = MIPC_LIFE_HOUSE(life);
	uint64_t uid = mipc_take(&lives->houses[house]);
	uint64_t signals;
	pid_t pid;
	int fd;

	if (uid == 0)
		return 0;
	if (!lives->store->one_house && uid - 1 != mipc_sys_euid()) {
		fd = lives->store->open(lives->where, (uid_t)(uid - 1),
		    MIPC_LIFE_EXEC, false);
		if (fd < 0)
			return 0;
		pid = mipc_sys_lock_holder(fd, byte_of(life), 1);
		mipc_sys_close(fd);
		return pid;
	}
	enter(&signals);
	fd = own_file(lives, (uid_t)(uid - 1), false);
	leave(&signals);
	return fd < 0 ? 0 : mipc_sys_lock_holder(fd, byte_of(life), 1);
}

bool
mipc_life_gone(struct mipc_lives *lives, mipc_life life)
{
	mipc_u64 *known;

	if (!mipc_life_dead(lives, life))
		return false;
	known = &lives->gone[(life ^ life >> 14 ^ life >> 24) % 256];
	if (mipc_peek(known) == life)
		return true;
	if (holder(lives, life) != 0)
		return false;
	mipc_put(known, life);
	return true;
}

bool
mipc_life_was_ours(struct mipc_lives *lives, mipc_life life)
{
	return mipc_life_dead(lives, life) &&
	    holder(lives, life) == mipc_sys_pid();
}
