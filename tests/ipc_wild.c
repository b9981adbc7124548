/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_wild.c - the command of ipc_user about addresses where a segment cannot
 * be, or is not: shmat() and shmdt() do not look at the memory there, so that
 * none of them is a bad pointer.
 */
#include "ipc_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAGES = 3 };

static size_t page;
static int id;

/* What no call may change: three pages of ours, and what was written there. */
static char *mine;

static char *
between(void)
{
	char *at = mmap(NULL, (PAGES + 2) * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || munmap(at + page, PAGES * page) == -1)
		die("mmap");
	return at + page;
}

static void
tell(const char *call, const char *where, int flags, bool done)
{
	struct shmid_ds ds;
	int error = errno;

	if (shmctl(id, IPC_STAT, &ds) == -1)
		die("IPC_STAT");
	printf("%s, %s, %o: %s; %ld attached, by us %d; memory %s\n", call,
	    where, (unsigned)flags, done ? "done" : strerror(error),
	    (long)ds.shm_nattch, ds.shm_lpid == getpid(),
	    mine[0] == 'm' && mine[PAGES * page - 1] == 'm' ?
	    "as before" : "changed");
}

static void
attach_at(const char *where, uintptr_t at, int flags)
{
	void *got = shmat(id, (void *)at, flags);

	tell("shmat", where, flags, got != (void *)-1);
	if (got != (void *)-1 && shmdt(got) == -1)
		die("shmdt");
}

static void
detach_at(const char *where, uintptr_t at)
{
	tell("shmdt", where, 0, shmdt((void *)at) == 0);
}

static void
try_at(const char *where, uintptr_t at)
{
	static const int flags[] = { 0, SHM_RND, SHM_RDONLY, SHM_REMAP,
		SHM_REMAP | SHM_RND };
	const bool ours = at - (uintptr_t)mine < PAGES * page;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!ours || (flags[i] & SHM_REMAP) == 0)
			attach_at(where, at, flags[i]);
	detach_at(where, at);
}

/* wild: addresses of all kinds, to attach at and to detach. */
int
user_wild(char **argv)
{
	char *gap, *segment;

	(void)argv;
	page = (size_t)sysconf(_SC_PAGESIZE);
	id = shmget(IPC_PRIVATE, PAGES * page, 0600);
	mine = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (id == -1 || mine == MAP_FAILED)
		die("wild");
	memset(mine, 'm', PAGES * page);
	gap = between();
	try_at("NULL", 0);
	try_at("no page", (uintptr_t)gap + 1);
	try_at("a gap of that size", (uintptr_t)gap);
	try_at("a smaller gap", (uintptr_t)gap + page);
	try_at("what is mapped", (uintptr_t)mine);
	try_at("part of what is mapped", (uintptr_t)mine + page);
	try_at("the last page", UINTPTR_MAX - page + 1);
	try_at("the last byte", UINTPTR_MAX);
	try_at("the middle", UINTPTR_MAX / 2 + 1);
	segment = shmat(id, NULL, 0);
	detach_at("a page of a segment", (uintptr_t)segment + page);
	detach_at("a byte of a segment", (uintptr_t)segment + 1);
	detach_at("a segment", (uintptr_t)segment);
	detach_at("where it was", (uintptr_t)segment);
	return shmctl(id, IPC_RMID, NULL) == 0 ? 0 : 1;
}
