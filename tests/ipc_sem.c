/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_sem.c - the commands of ipc_user about semaphore sets.
 */
#include "ipc_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

enum { MANY_CHANGES = 5000 };	/* of memory: more than a page's bytes */

static const struct timespec no_time = { 0, 0 };

static bool
fails(long result, int error, const char *what)
{
	return expect(result == -1 && errno == error, what);
}

/* Machines of 32 bits have no numbers for these with times of 32 bits. */
#ifdef SYS_semop
#define SEMOP(id, ops, n)	syscall(SYS_semop, id, ops, n)
#define SEMTIMEDOP(id, ops, n, t)	syscall(SYS_semtimedop, id, ops, n, t)
#else
#define SEMOP(id, ops, n)	semop((int)(id), ops, n)
#define SEMTIMEDOP(id, ops, n, t)	semtimedop((int)(id), ops, n, t)
#endif

/* sets: by system call numbers and by name they are the same. */
int
user_sets(char **argv)
{
	long id = syscall(SYS_semget, 4712, 3, IPC_CREAT | 0600);
	struct sembuf up = { 1, 2, 0 }, down = { 1, -3, 0 };
	unsigned short values[3], others[3] = { 7, 8, 9 };
	struct semid_ds ds;
	bool good = expect(id != -1 && id == semget(4712, 0, 0), "one id");

	(void)argv;
	if (!good)
		return 1;
	good &= expect(syscall(SYS_semctl, id, 1, SETVAL, 5) == 0, "SETVAL");
	good &= expect(SEMOP(id, &up, 1) == 0, "semop");
	good &= expect(semctl((int)id, 1, GETVAL) == 7, "5 + 2");
	good &= expect(SEMTIMEDOP(id, &down, 1, NULL) == 0,
	    "no timeout");
	good &= expect(semop((int)id, &down, 1) == 0, "semop by name");
	good &= expect(syscall(SYS_semctl, id, 1, GETVAL, 0) == 1, "1 left");
	good &= fails(SEMTIMEDOP(id, &down, 1, &no_time), EAGAIN,
	    "a timeout by number");
	good &= fails(semtimedop((int)id, &down, 1, &no_time), EAGAIN,
	    "a timeout by name");
	good &= expect(semctl((int)id, 1, GETPID) ==
	    syscall(SYS_getpid), "its pid");
	good &= expect(syscall(SYS_semctl, id, 0, SETALL, others) == 0 &&
	    semctl((int)id, 0, GETALL, (union argument){ .array = values }) ==
	    0 && memcmp(values, others, sizeof(values)) == 0, "all values");
	good &= expect(syscall(SYS_semctl, id, 0, IPC_STAT, &ds) == 0 &&
	    ds.sem_nsems == 3 && ds.sem_otime != 0, "IPC_STAT by number");
	ds.sem_perm.mode = 0640;
	good &= expect(semctl((int)id, 0, IPC_SET,
	    (union argument){ .buf = &ds }) == 0, "IPC_SET");
	good &= expect(semctl((int)id, 0, IPC_STAT,
	    (union argument){ .buf = &ds }) == 0 &&
	    (ds.sem_perm.mode & 0777) == 0640, "it was set");
	good &= expect(syscall(SYS_semctl, id, 0, IPC_RMID) == 0, "removed");
	good &= fails(semget(4712, 0, 0), ENOENT, "gone");
	return good ? 0 : 1;
}

/* semlimits: print SEMMSL, SEMMNS, SEMOPM and SEMMNI. */
int
user_semlimits(char **argv)
{
	struct seminfo info;

	(void)argv;
	if (semctl(0, 0, IPC_INFO, (union argument){ .info = &info }) == -1)
		die("IPC_INFO");
	printf("%d %d %d %d\n", info.semmsl, info.semmns, info.semopm,
	    info.semmni);
	return 0;
}

/* --- pointers ---------------------------------------------------------- */

static const struct sembuf zero = { 1, 0, 0 };

/* Two pages, of which the second cannot be touched. */
static char *
two_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + page, page, PROT_NONE) == -1)
		die("mmap");
	return at;
}

/* A page with an operation that passes, proven by a call. */
static struct sembuf *
tried(int id, bool *good)
{
	struct sembuf *ops = (struct sembuf *)(void *)two_pages();

	*ops = zero;
	*good &= expect(semop(id, ops, 1) == 0, "operations in a mapping");
	return ops;
}

static bool
faults(int id, void *ops, size_t n, const char *what)
{
	bool good = fails(semop(id, ops, n), EFAULT, what);

	good &= fails(semtimedop(id, ops, n, &no_time), EFAULT, what);
	return good & fails(SEMOP(id, ops, n), EFAULT, what);
}

static bool
operations_fault(int id, const char *end)
{
	struct sembuf *split = (void *)(end - sizeof(zero) - 2);
	struct timespec *late = (void *)(end - sizeof(*late) + 8);
	struct sembuf on_stack = zero;
	bool good = true;

	good &= faults(id, NULL, 1, "NULL");
	good &= faults(id, (void *)8, 1, "8");
	good &= faults(id, (void *)-1, 1, "-1");
	good &= faults(id, (void *)end, 1, "behind the end");
	memcpy(split, &zero, sizeof(zero));
	good &= expect(semop(id, split, 1) == 0, "the last whole one");
	good &= faults(id, split, 2, "one and a half");
	good &= faults(-1, NULL, 1, "it comes before no such set");
	good &= fails(semop(id, NULL, 501), E2BIG, "too many come first");
	good &= fails(semop(id, NULL, 0), EINVAL, "none come first");
	good &= fails(semtimedop(id, &on_stack, 1, late), EFAULT,
	    "a timeout half there");
	good &= fails(semtimedop(id, NULL, 0, (void *)8), EFAULT,
	    "a timeout comes before everything");
	good &= expect(semtimedop(id, &on_stack, 1, NULL) == 0, "no timeout");
	return good;
}

static void *
unmap_it(void *at)
{
	munmap(at, (size_t)sysconf(_SC_PAGESIZE));
	return NULL;
}

static struct sembuf *
ops_in_segment(int shmid)
{
	struct sembuf *ops = shmat(shmid, NULL, 0);

	if (ops == (void *)-1)
		die("shmat");
	*ops = zero;
	return ops;
}

/* What could be read once and cannot be any more. */
static bool
memory_goes(int id)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	bool good = true;
	struct sembuf *ops = tried(id, &good);
	pthread_t thread;
	int shmid;

	munmap(ops, page);
	good &= faults(id, ops, 1, "munmap");
	ops = tried(id, &good);
	syscall(SYS_munmap, ops, page);
	good &= faults(id, ops, 1, "munmap by number");
	ops = tried(id, &good);
	mprotect(ops, page, PROT_NONE);
	good &= faults(id, ops, 1, "mprotect");
	mprotect(ops, page, PROT_READ);
	good &= expect(semop(id, ops, 1) == 0, "readable again");
	mmap(ops, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0);
	good &= faults(id, ops, 1, "mmap over it");
	ops = tried(id, &good);
	if (mremap(ops, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
	    two_pages()) == MAP_FAILED)
		die("mremap");
	good &= faults(id, ops, 1, "mremap");
	ops = tried(id, &good);
	if (pthread_create(&thread, NULL, unmap_it, ops) != 0 ||
	    pthread_join(thread, NULL) != 0)
		die("thread");
	good &= faults(id, ops, 1, "unmapped by another thread");
	shmid = shmget(IPC_PRIVATE, 4096, 0600);
	ops = ops_in_segment(shmid);
	good &= expect(semop(id, ops, 1) == 0, "operations in a segment");
	shmdt(ops);
	good &= faults(id, ops, 1, "shmdt");
	shmctl(shmid, IPC_RMID, NULL);
	for (int i = 0; i < MANY_CHANGES && good; i++) {
		munmap(ops, page);
		good &= fails(semop(id, (void *)8, 1), EFAULT, "8, still");
	}
	return good;
}

static bool
ctl_faults(int id, int cmd, void *pointer, const char *what)
{
	bool good = fails(semctl(id, 0, cmd,
	    (union argument){ .buf = pointer }), EFAULT, what);

	return good & fails(syscall(SYS_semctl, id, 0, cmd, pointer), EFAULT,
	    what);
}

static bool
arrays_fault(int id, char *end)
{
	unsigned short *array = (void *)(end - 2 * sizeof(*array));
	union argument all = { .array = array };
	bool good = true;

	array[-1] = 4711;
	array[0] = 0;
	array[1] = 0;
	good &= expect(semctl(id, 0, GETALL, all) == 0 && array[-1] == 4711,
	    "an array of two at the end, and nothing before it");
	good &= expect(semctl(id, 0, SETALL, all) == 0, "SETALL from there");
	good &= ctl_faults(id, GETALL, array + 1, "GETALL of one too few");
	good &= ctl_faults(id, SETALL, array + 1, "SETALL of one too few");
	good &= ctl_faults(id, GETALL, NULL, "GETALL, NULL");
	good &= ctl_faults(id, SETALL, (void *)-1, "SETALL, -1");
	mprotect(end - 4096, 4096, PROT_READ);
	good &= ctl_faults(id, GETALL, array, "GETALL, read-only");
	good &= expect(semctl(id, 0, SETALL, all) == 0, "SETALL, read-only");
	mprotect(end - 4096, 4096, PROT_READ | PROT_WRITE);
	return good;
}

static bool
structures_fault(int id, char *end)
{
	struct semid_ds *ds = (void *)(end - sizeof(*ds));
	const int told[] = { IPC_STAT, IPC_SET };
	bool good = true;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		good &= ctl_faults(id, told[i], NULL, "NULL");
		good &= ctl_faults(id, told[i], (void *)-1, "-1");
		good &= ctl_faults(id, told[i], end - 40, "half there");
		good &= expect(semctl(id, 0, told[i],
		    (union argument){ .buf = ds }) == 0, "at the end");
	}
	good &= ctl_faults(id % 32768, SEM_STAT, end - 40, "SEM_STAT");
	good &= ctl_faults(0, IPC_INFO, end - 8, "IPC_INFO");
	good &= ctl_faults(0, SEM_INFO, end - 8, "SEM_INFO");
	good &= fails(semctl(-1, 0, IPC_SET,
	    (union argument){ .buf = (void *)8 }), EINVAL,
	    "no such set comes first");
	good &= expect(semctl(id, 0, GETVAL, (void *)8) == 0,
	    "what has no argument reads none");
	good &= fails(semctl(id, 0, 4711, (void *)8), EINVAL,
	    "no such command");
	return good;
}

/* setpointers: what leads nowhere is EFAULT, also if it led somewhere once. */
int
user_setpointers(char **argv)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	char *end = two_pages() + sysconf(_SC_PAGESIZE);
	bool good = expect(id != -1, "a set");

	(void)argv;
	if (!good)
		return 1;
	good &= operations_fault(id, end);
	good &= memory_goes(id);
	good &= arrays_fault(id, end);
	good &= structures_fault(id, end);
	good &= expect(semctl(id, 0, IPC_RMID) == 0, "removed");
	return good ? 0 : 1;
}

/*
 * quiet: between umask(0123) and umask(0321), operations that need not wait,
 * from several kinds of memory that were used before.
 */
int
user_quiet(char **argv)
{
	static struct sembuf fixed[2] = { { 0, 1, 0 }, { 0, -1, 0 } };
	struct sembuf local[2] = { { 0, 1, 0 }, { 0, -1, 0 } };
	struct sembuf *mapped = (void *)two_pages();
	struct sembuf *const places[] = { local, fixed, mapped };
	int id = semget(IPC_PRIVATE, 1, 0600);
	bool good = expect(id != -1, "a set");

	(void)argv;
	memcpy(mapped, local, sizeof(local));
	for (int i = 0; i < 300 && good; i++) {
		if (i == 3)
			umask(0123);
		good &= expect(semop(id, &places[i % 3][0], 1) == 0, "up");
		good &= expect(semtimedop(id, &places[i % 3][1], 1,
		    &no_time) == 0, "down");
	}
	umask(0321);
	semctl(id, 0, IPC_RMID);
	return good ? 0 : 1;
}

/* --- a killed holder --------------------------------------------------- */

enum { ROUNDS = 5, SOON_MS = 100 };

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A process that has the semaphore, or waits for it and ends with it. */
static pid_t
start(int id, bool holds)
{
	struct sembuf take = { 0, -1, SEM_UNDO };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (semop(id, &take, 1) == -1)
		_exit(1);
	while (holds)
		pause();
	_exit(0);
}

static void
await_value(int id, int cmd, int value)
{
	while (semctl(id, 0, cmd) != value)
		sched_yield();
}

/* How long, in ms, after a SIGKILL of the holder another one has it. */
static double
handed_over(int id)
{
	pid_t holder = start(id, true), waiter;
	double since;
	int status;

	await_value(id, GETVAL, 0);
	waiter = start(id, false);
	await_value(id, GETNCNT, 1);
	since = now_ms();
	kill(holder, SIGKILL);
	if (waitpid(waiter, &status, 0) != waiter || status != 0)
		die("waiter");
	since = now_ms() - since;
	waitpid(holder, &status, 0);
	await_value(id, GETVAL, 1);
	return since;
}

/* undo: a holder killed by SIGKILL frees who waits; median of some rounds. */
int
user_undo(char **argv)
{
	int id = semget(IPC_PRIVATE, 1, 0600), late = 0;
	double took;

	(void)argv;
	if (id == -1 || semctl(id, 0, SETVAL,
	    (union argument){ .val = 1 }) == -1)
		die("semget");
	for (int i = 0; i < ROUNDS; i++) {
		took = handed_over(id);
		printf("%.3f ms\n", took);
		late += took > SOON_MS;
	}
	semctl(id, 0, IPC_RMID);
	return late <= ROUNDS / 2 ? 0 : 1;
}

/* Does plugin() in the library make the set that the program finds? */
static int
is_one(void *library)
{
	int (*plugin)(void);
	int id, found;

	if (library == NULL) {
		puts(dlerror());
		return 1;
	}
	plugin = (int (*)(void))(uintptr_t)dlsym(library, "plugin");
	id = plugin == NULL ? -1 : plugin();
	found = semget(0x706c, 1, 0);
	printf("the library made %d, and we found %d\n", id, found);
	return id != -1 && found == id &&
	    semctl(id, 0, IPC_RMID) == 0 ? 0 : 1;
}

/*
 * plugin LIBRARY: a set that plugin() in the library makes, which is loaded
 * so that it finds libc's names first, is the one that the program finds.
 */
int
user_plugin(char **argv)
{
	return is_one(dlopen(argv[0], RTLD_NOW | RTLD_DEEPBIND));
}

/* island LIBRARY: the same of one in a name space of its own. */
int
user_island(char **argv)
{
	return is_one(dlmopen(LM_ID_NEWLM, argv[0], RTLD_NOW));
}
