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

#define SEARCHED	64	/* descriptors above the lowest high one */

/* Between threads, with signals blocked; the gate may be held, or not. */
static mipc_u32 mutex;

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

/*
 * A descriptor of the file with this inode that an earlier image of this
 * process left open, with the locks that come with it; or -1.
 */
static int
inherited(ino_t ino)
{
	int lowest = mipc_sys_lowest_high();
	struct stat st;

	for (int fd = lowest; fd < lowest + SEARCHED; fd++)
		if (mipc_sys_fstat(fd, &st) == 0 && st.st_ino == ino &&
		    S_ISREG(st.st_mode))
			return fd;
	return -1;
}

/* Its inode, if there is such a file; O_PATH takes no lock along. */
static bool
look(struct mipc_lives *lives, uid_t uid, ino_t *ino)
{
	struct stat st;
	int fd, r;

	fd = lives->store->open(lives->where, uid, MIPC_LIFE_EXEC_NAME, false);
	if (fd < 0)
		return false;
	r = mipc_sys_fstat(fd, &st);
	mipc_sys_close(fd);
	*ino = st.st_ino;
	return r == 0;
}

/* [mutex] The descriptor of our house's file, never to be closed again. */
static int
own_file(struct mipc_lives *lives, uint32_t house)
{
	uid_t uid = (uid_t)(mipc_take(&lives->houses[house]) - 1);
	struct stat st;
	int fd = -1;

	if (is_kept(lives) && lives->exec_house == house)
		return lives->exec_fd;
	lives->exec_fd = -1;
	if (look(lives, uid, &st.st_ino))
		fd = inherited(st.st_ino);
	if (fd < 0)
		fd = mipc_sys_move_high(lives->store->open(lives->where, uid,
		    MIPC_LIFE_EXEC, true));
	if (fd < 0)
		return fd;
	if (mipc_sys_fstat(fd, &st) != 0)
		return -EIO;
	lives->exec_ino = st.st_ino;
	lives->exec_house = house;
	lives->exec_fd = fd;
	return fd;
}

/* [mutex] Where it cannot be, debts are settled at exec: mipc(7). */
static void
keep(struct mipc_lives *lives)
{
	mipc_life self = mipc_peek(&lives->self);
	uint32_t house = MIPC_LIFE_HOUSE(self);
	uint64_t uid = mipc_take(&lives->houses[house]) - 1;
	int fd;

	if (lives->kept == self && is_kept(lives))
		return;
	if (!lives->store->one_house && uid != mipc_sys_euid())
		return;		/* it has dropped its privileges */
	fd = own_file(lives, house);
	if (fd >= 0 && mipc_sys_lock(fd, MIPC_OWNED_BY_PROCESS, byte_of(self),
	    false) == 0 && mipc_sys_keep_open(fd, true) == 0)
		lives->kept = self;
}

void
mipc_life_keep(struct mipc_lives *lives)
{
	uint64_t signals;

	mipc_mutex_enter(&mutex, &signals);
	lives->debtor = mipc_peek(&lives->self);
	keep(lives);
	mipc_mutex_leave(&mutex, &signals);
}

bool
mipc_life_is_kept(const struct mipc_lives *lives)
{
	return lives->debtor != 0 &&
	    lives->debtor == mipc_peek(&lives->self);
}

void
mipc_life_let_go(struct mipc_lives *lives)
{
	lives->debtor = 0;
}

/* The child holds no lock, so it may close its copy. */
void
mipc_life_exec_child(struct mipc_lives *lives)
{
	mipc_put(&mutex, 0);	/* whoever held it stayed behind */
	if (lives->kept != 0 && lives->store->one_house && is_kept(lives))
		mipc_sys_keep_open(lives->exec_fd, false);
	mipc_life_exec_end(lives);
}

void
mipc_life_exec_end(struct mipc_lives *lives)
{
	if (is_kept(lives) && !lives->store->one_house)
		mipc_sys_close(lives->exec_fd);
	if (!lives->store->one_house)
		lives->exec_fd = -1;
	lives->kept = 0;
}

/* Who holds the lock of a life: a pid, 0 nobody, -1 cannot be told. */
static pid_t
holder_at(struct mipc_lives *lives, uint32_t house, mipc_life life)
{
	uid_t uid = (uid_t)(mipc_take(&lives->houses[house]) - 1);
	ino_t ino;
	pid_t pid;
	int fd;

	if (is_kept(lives) && house == lives->exec_house)
		return mipc_sys_lock_holder(lives->exec_fd, byte_of(life), 1);
	if (!look(lives, uid, &ino))
		return 0;
	/* Left open by an old image of ours: it must not be closed. */
	fd = inherited(ino);
	if (fd >= 0)
		return mipc_sys_lock_holder(fd, byte_of(life), 1);
	fd = lives->store->open(lives->where, uid, MIPC_LIFE_EXEC, false);
	if (fd < 0)
		return 0;
	pid = mipc_sys_lock_holder(fd, byte_of(life), 1);
	mipc_sys_close(fd);
	return pid;
}

static pid_t
holder(struct mipc_lives *lives, mipc_life life)
{
	uint32_t house = MIPC_LIFE_HOUSE(life);
	uint64_t signals;
	pid_t pid;

	if (mipc_take(&lives->houses[house]) == 0)
		return 0;
	/* Or it is taken between look and close. */
	mipc_mutex_enter(&mutex, &signals);
	pid = holder_at(lives, house, life);
	mipc_mutex_leave(&mutex, &signals);
	return pid;
}

/*
 * The kernel marks the canary first, and lets the locks go when it has taken
 * the address space down, which takes longer than all the rest.  Meanwhile the
 * holder of the lock that goes with the process can be asked after: if it is
 * in exit, or has gone since, it will not owe more than it does.  Asked once a
 * second, for it may also be that only a thread has ended.
 */
static bool
exiting(struct mipc_lives *lives, mipc_life life)
{
	pid_t pid;

	if (!mipc_life_marked(lives, life))
		return false;
	pid = holder(lives, life);
	return pid > 0 && mipc_sys_exiting(pid);
}

bool
mipc_life_gone(struct mipc_lives *lives, mipc_life life)
{
	mipc_u64 *known = &lives->gone[mipc_life_place(life)];

	if (life != 0 && mipc_peek(known) == life)
		return true;
	if (mipc_life_dead(lives, life) ? holder(lives, life) != 0 :
	    !exiting(lives, life))
		return false;
	mipc_put(known, life);
	return true;
}

bool
mipc_life_was_ours(struct mipc_lives *lives, mipc_life life)
{
	/* Its address space may linger, as long as somebody looks at it. */
	return life != mipc_peek(&lives->self) &&
	    lives->kept == mipc_peek(&lives->self) &&
	    holder(lives, life) == mipc_sys_pid();
}
