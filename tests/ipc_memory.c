/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_memory.c - a program that unmaps, maps over and moves its attached
 * segments by hand, by name and by number: what it has left is what other
 * processes see as attached, and its threads may attach meanwhile.
 */
#include "ipc_user.h"

#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif

enum {
	PAGES = 2,		/* of a segment */
	ROUNDS = 30000		/* of a race that is soon lost, or never */
};

static const int rw = PROT_READ | PROT_WRITE;
static const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The calls, in the one way or the other. */

static int
unmap(bool by_number, void *at, size_t size)
{
	return by_number ? (int)syscall(SYS_munmap, at, size) :
	    munmap(at, size);
}

static void *
map(bool by_number, void *at, size_t size, int flags)
{
	return by_number ? (void *)syscall(SYS_mmap, at, size, rw,
	    anonymous | flags, -1, 0) :
	    mmap(at, size, rw, anonymous | flags, -1, 0);
}

static void *
move(bool by_number, void *at, size_t size, void *to)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	return by_number ? (void *)syscall(SYS_mremap, at, size, size, flags,
	    to) : mremap(at, size, size, flags, to);
}

/* counted ID COUNT: whether so many attaches of a segment are counted. */
int
user_counted(char **argv)
{
	struct shmid_ds ds;

	if (shmctl(atoi(argv[0]), IPC_STAT, &ds) == -1)
		die("IPC_STAT");
	if (ds.shm_nattch != (unsigned long)atoi(argv[1]))
		printf("%lu are attached\n", (unsigned long)ds.shm_nattch);
	return ds.shm_nattch == (unsigned long)atoi(argv[1]) ? 0 : 1;
}

/* What another program sees. */
static bool
is_counted(int id, int count, const char *what)
{
	char number[16], expected[16];
	char *argv[] = { "ipc_user", "counted", number, expected, NULL };
	int status;
	pid_t pid;

	snprintf(number, sizeof(number), "%d", id);
	snprintf(expected, sizeof(expected), "%d", count);
	fflush(stdout);
	errno = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
	if (errno != 0 || waitpid(pid, &status, 0) != pid)
		die("posix_spawn");
	return expect(status == 0, what);
}

static int
create(void)
{
	int id = shmget(IPC_PRIVATE, PAGES * page_size(), 0600);

	if (id == -1)
		die("shmget");
	return id;
}

static char *
attach(int id)
{
	void *at = shmat(id, NULL, 0);

	if (at == (void *)-1)
		die("shmat");
	return at;
}

static bool
is_gone(const void *at, const char *what)
{
	errno = 0;
	return expect(shmdt(at) == -1 && errno == EINVAL, what);
}

static bool
unmapped(bool by_number)
{
	size_t page = page_size(), size = PAGES * page;
	int id = create();
	char *at = attach(id), *part = attach(id);
	bool good = is_counted(id, 2, "attached twice");

	errno = 0;
	good &= expect(unmap(by_number, at + 1, size) == -1 &&
	    errno == EINVAL, "munmap of half a page fails");
	good &= expect(unmap(by_number, at, SIZE_MAX / 4) == -1 &&
	    errno == EINVAL, "munmap of all memory fails");
	good &= is_counted(id, 2, "what fails changes nothing");
	good &= expect(unmap(by_number, at, size - 1) == 0, "munmap");
	good &= is_counted(id, 1, "munmap counts");
	good &= is_gone(at, "what was unmapped is not attached");
	good &= expect(unmap(by_number, part, page) == 0, "munmap of a part");
	good &= is_counted(id, 1, "a part left is an attach");
	good &= expect(shmdt(part) == 0, "shmdt of the rest");
	good &= is_counted(id, 0, "none is left");
	part = attach(id);
	good &= expect(unmap(by_number, part, page) == 0 &&
	    unmap(by_number, part + page, page) == 0, "munmap part by part");
	good &= is_counted(id, 0, "no part is left");
	return shmctl(id, IPC_RMID, NULL) == 0 && good;
}

static bool
mapped_over(bool by_number)
{
	size_t size = PAGES * page_size();
	int id = create();
	char *at = attach(id), *other;
	bool good = true;

	other = map(by_number, at, size, 0);
	good &= expect(other != MAP_FAILED && other != at, "mmap elsewhere");
	good &= expect(map(by_number, at, size, MAP_FIXED_NOREPLACE) ==
	    MAP_FAILED && errno == EEXIST, "mmap that replaces nothing");
	good &= is_counted(id, 1, "neither counts");
	good &= expect(map(by_number, at, size - 1, MAP_FIXED) == at,
	    "mmap over it");
	good &= is_counted(id, 0, "mmap counts");
	at[size - 1] = 'x';
	good &= is_gone(at, "what was mapped over is not attached");
	good &= expect(at[size - 1] == 'x', "what is there now stays");
	good &= expect(munmap(at, size) == 0 && munmap(other, size) == 0,
	    "clean");
	return shmctl(id, IPC_RMID, NULL) == 0 && good;
}

static bool
moved(bool by_number)
{
	size_t size = PAGES * page_size();
	int id = create(), replaced = create();
	char *at = attach(id), *to = attach(replaced);
	bool good = true;

	at[0] = 'm';
	good &= expect(move(by_number, at, size, to) == to, "mremap");
	good &= expect(to[0] == 'm', "the memory is there");
	good &= is_counted(id, 1, "what was moved is attached");
	good &= is_counted(replaced, 0, "what it replaced is not");
	good &= is_gone(at, "nothing is attached at the old address");
	good &= expect(shmdt(to) == 0, "shmdt of the new address");
	good &= is_counted(id, 0, "it was detached");
	good &= is_gone(to, "only once");
	good &= expect(shmctl(replaced, IPC_RMID, NULL) == 0, "removed");
	return shmctl(id, IPC_RMID, NULL) == 0 && good;
}

static void *
resize(bool by_number, void *at, size_t from, size_t to)
{
	return by_number ? (void *)syscall(SYS_mremap, at, from, to,
	    MREMAP_MAYMOVE, NULL) : mremap(at, from, to, MREMAP_MAYMOVE);
}

static bool
resized(bool by_number)
{
	size_t page = page_size(), size = PAGES * page;
	int id = create();
	char *at = attach(id), *copy, *tail;
	bool good = true;

	at[0] = 'c';
	copy = resize(by_number, at, 0, size);
	good &= expect(copy != MAP_FAILED && copy != at && copy[0] == 'c',
	    "mremap of nothing copies");
	good &= is_counted(id, 1, "a copy does not count");
	good &= expect(resize(by_number, at, size, page) == at, "shrunk");
	good &= is_counted(id, 1, "a part left is an attach");
	tail = map(by_number, at + page, page, MAP_FIXED_NOREPLACE);
	good &= expect(tail == at + page, "the tail is free");
	good &= expect(shmdt(at) == 0, "shmdt of the rest");
	good &= is_counted(id, 0, "none is left");
	if (good)
		tail[0] = copy[0];	/* both stayed */
	good &= expect(munmap(copy, size) == 0 && munmap(tail, page) == 0,
	    "clean");
	return shmctl(id, IPC_RMID, NULL) == 0 && good;
}

/* Where it cannot grow, it moves. */
static bool
grown(bool by_number)
{
	size_t page = page_size(), size = PAGES * page;
	int id = create();
	char *at = attach(id), *wall, *to;
	bool good = true;

	at[0] = 'g';
	wall = map(by_number, at + size, page, MAP_FIXED_NOREPLACE);
	good &= expect(wall == at + size || errno == EEXIST, "a wall");
	good &= expect(mremap(at, size, size + page, 0) == MAP_FAILED &&
	    errno == ENOMEM, "it cannot grow");
	good &= is_counted(id, 1, "it stays");
	errno = 0;
	to = resize(by_number, at, size, size + page);
	good &= expect(to != MAP_FAILED && to != at && errno == 0, "mremap");
	good &= expect(to[0] == 'g', "the memory is there");
	good &= is_counted(id, 1, "what was moved is attached");
	good &= is_gone(at, "nothing is attached at the old address");
	good &= expect(shmdt(to) == 0, "shmdt of the new address");
	good &= is_counted(id, 0, "it was detached");
	munmap(to + size, page);
	if (wall != MAP_FAILED)
		munmap(wall, page);
	return shmctl(id, IPC_RMID, NULL) == 0 && good;
}

/* memory: all of that. */
int
user_memory(char **argv)
{
	bool good = true;

	(void)argv;
	for (int by_number = 0; by_number <= 1; by_number++) {
		good &= unmapped(by_number);
		good &= mapped_over(by_number);
		good &= moved(by_number);
		good &= resized(by_number);
		good &= grown(by_number);
	}
	return good ? 0 : 1;
}

static atomic_bool done;

/*
 * What this thread unmaps and moves, and never attached, lies where the other
 * attaches next.
 */
static void *
make_room(void *moves)
{
	size_t size = PAGES * page_size();
	char *at, *to;

	while (!atomic_load(&done)) {
		at = map(false, NULL, size, 0);
		to = moves == NULL ? at : resize(false, at, size, 2 * size);
		if (at == MAP_FAILED || to == MAP_FAILED ||
		    munmap(to, to == at ? size : 2 * size) == -1)
			die("mremap");
	}
	return NULL;
}

static bool
attach_meanwhile(void *moves)
{
	int id = create(), failed = 0;
	pthread_t thread;

	atomic_store(&done, false);
	if (pthread_create(&thread, NULL, make_room, moves) != 0)
		die("pthread_create");
	for (int i = 0; i < ROUNDS; i++)
		failed += shmdt(attach(id)) == -1;
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	if (failed > 0)
		printf("%d of %d attaches were lost\n", failed, ROUNDS);
	return shmctl(id, IPC_RMID, NULL) == 0 && failed == 0;
}

/* race: no thread's attach is taken for what another has just let go. */
int
user_race(char **argv)
{
	bool good = attach_meanwhile(NULL);

	return attach_meanwhile(argv) && good ? 0 : 1;
}

/* again: attach a segment twice, with a call to mark where the second is. */
int
user_again(char **argv)
{
	int id = create();
	char *first = attach(id), *second;

	(void)argv;
	syscall(SYS_umask, 0123);
	second = attach(id);
	syscall(SYS_umask, 0321);
	first[0] = 'a';
	if (!expect(second != first && second[0] == 'a', "one segment"))
		return 1;
	return shmdt(first) == 0 && shmdt(second) == 0 &&
	    shmctl(id, IPC_RMID, NULL) == 0 ? 0 : 1;
}
