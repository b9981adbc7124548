/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_user.c - an ordinary program on libc's System V IPC, which knows
 * nothing of mipc: what tests/preload.sh and tests/mipcrun.sh run.
 *
 * Each command exits with 0 if what it names is so, else it says what is
 * not and exits with 1; with 77 if it cannot be tried here.
 */
#include "ipc_user.h"

#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SIZE = 4096,
	PATIENCE = 60		/* seconds, to end a test that would hang */
};

void
die(const char *what)
{
	perror(what);
	exit(1);
}

static char *
attach(key_t key, int flags)
{
	int id = shmget(key, SIZE, flags);
	void *at;

	if (id == -1)
		die("shmget");
	at = shmat(id, NULL, 0);
	if (at == (void *)-1)
		die("shmat");
	return at;
}

/* store KEY TEXT: put a text into the segment of a key, made if missing. */
static int
store(char **argv)
{
	char *at = attach(atoi(argv[0]), IPC_CREAT | 0600);

	snprintf(at, SIZE, "%s", argv[1]);
	return shmdt(at) == 0 ? 0 : 1;
}

/* load KEY: print the text. */
static int
load(char **argv)
{
	char *at = attach(atoi(argv[0]), 0);

	puts(at);
	return shmdt(at) == 0 ? 0 : 1;
}

static void
read_line(const char *path)
{
	char line[16];
	int fd = open(path, O_RDONLY);

	if (fd == -1 || read(fd, line, sizeof(line)) <= 0)
		die(path);
	close(fd);
}

void
user_pause(const char *ready, const char *go)
{
	FILE *file = fopen(ready, "w");

	if (file == NULL || fputs("ready\n", file) == EOF ||
	    fclose(file) == EOF)
		die(ready);
	read_line(go);
}

/*
 * hold READY GO [AGAIN]: write "pid parent directory" into READY; when GO
 * was written to, use the namespace for the first time and write "done" into
 * READY; the same for AGAIN, and "again".
 */
static int
hold(char **argv)
{
	const char *dir = getenv("MIPC_DIR");
	FILE *ready = fopen(argv[0], "w");
	char *at;

	if (ready == NULL)
		die(argv[0]);
	setbuf(ready, NULL);
	fprintf(ready, "%ld %ld %s\n", (long)getpid(), (long)getppid(),
	    dir == NULL ? "-" : dir);
	read_line(argv[1]);
	at = attach(77, IPC_CREAT | 0600);
	at[0]++;
	fputs("done\n", ready);
	if (argv[2] != NULL) {
		read_line(argv[2]);
		if (attach(77, 0)[0] != at[0])
			die("another segment");
		fputs("again\n", ready);
	}
	return fclose(ready) == 0 ? 0 : 1;
}

/* await PID: until that process has ended, whoever's child it is. */
static int
await(char **argv)
{
	struct pollfd fd = { .events = POLLIN };

	fd.fd = (int)syscall(SYS_pidfd_open, atoi(argv[0]), 0);
	if (fd.fd == -1)
		return errno == ESRCH ? 0 : 1;
	return poll(&fd, 1, -1) == 1 ? 0 : 1;
}

/* gone DIR: until that directory does not exist. */
static int
gone(char **argv)
{
	char event[sizeof(struct inotify_event) + NAME_MAX + 1];
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd == -1)
		die("inotify");
	if (inotify_add_watch(fd, argv[0], IN_DELETE_SELF) == -1)
		return errno == ENOENT ? 0 : 1;
	return read(fd, event, sizeof(event)) > 0 &&
	    access(argv[0], F_OK) == -1 ? 0 : 1;
}

static int
outcome(int status)
{
	if (WIFSIGNALED(status))
		printf("signal %d\n", WTERMSIG(status));
	else
		printf("exit %d\n", WEXITSTATUS(status));
	return 0;
}

/* ends PROGRAM...: print how it ends. */
static int
ends(char **argv)
{
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		die(argv[0]);
	return outcome(status);
}

/*
 * stops READY GO PROGRAM...: once it has written to READY, it can be stopped
 * as a terminal would; it goes on when it is told to, and ends when GO was
 * written to.
 */
static int
stops(char **argv)
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		/* A group that is not orphaned: it may be stopped. */
		setpgid(0, 0);
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	read_line(argv[0]);
	kill(pid, SIGTSTP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return 1;
	puts("stopped");
	kill(pid, SIGCONT);
	if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
		return 1;
	fd = open(argv[1], O_WRONLY);
	if (fd == -1 || write(fd, "go\n", 3) != 3)
		die(argv[1]);
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	return outcome(status);
}

/* limit: print SHMMAX. */
static int
limit(char **argv)
{
	struct shminfo info;

	(void)argv;
	if (shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&info) == -1)
		die("IPC_INFO");
	printf("%lu\n", info.shmmax);
	return 0;
}

/* numbers: shared memory by system call numbers and by name is one. */
static int
numbers(char **argv)
{
	struct shmid_ds by_name, by_number;
	long id = syscall(SYS_shmget, 4711, SIZE, IPC_CREAT | 0600);
	char *at = (char *)syscall(SYS_shmat, id, NULL, 0);
	bool good;

	(void)argv;
	good = expect(id != -1 && id == shmget(4711, 0, 0), "one id");
	good &= expect((intptr_t)at != -1, "attached by number");
	if (!good)
		return 1;
	at[SIZE - 1] = 'x';
	good &= expect(shmctl((int)id, IPC_STAT, &by_name) == 0, "stat");
	good &= expect(syscall(SYS_shmctl, id, IPC_STAT, &by_number) == 0,
	    "stat by number");
	good &= expect(by_number.shm_nattch == 1 && by_name.shm_nattch == 1 &&
	    by_number.shm_segsz == SIZE, "both tell the same");
	good &= expect(syscall(SYS_shmdt, at) == 0, "detached by number");
	good &= expect(syscall(SYS_shmdt, at) == -1 && errno == EINVAL,
	    "detached only once");
	good &= expect(syscall(SYS_shmctl, id, IPC_RMID, 0) == 0, "removed");
	good &= expect(shmget(4711, 0, 0) == -1 && errno == ENOENT, "gone");
	good &= expect(syscall(SYS_getppid) == getppid(), "getppid passes");
	good &= expect(syscall(SYS_close, -1) == -1 && errno == EBADF,
	    "errors pass");
#ifdef SYS_mmap2			/* the other takes a structure */
#define MMAP	SYS_mmap2
#else
#define MMAP	SYS_mmap
#endif
	at = (char *)syscall(MMAP, NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	good &= expect((intptr_t)at != -1 && at[0] == 0,
	    "six arguments and an address pass");
	return good ? 0 : 1;
}

static bool
faults(int id, int cmd, void *buf, const char *what)
{
	return expect(shmctl(id, cmd, buf) == -1 && errno == EFAULT, what);
}

/* An address whose last bytes, for any command, are not mapped. */
static char *
before_gap(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || munmap(at + page, (size_t)page) == -1)
		die("mmap");
	return at + page - 40;
}

static bool
all_fault(int id, void *buf)
{
	bool good = faults(id, IPC_STAT, buf, "IPC_STAT");

	good &= faults(id % 32768, SHM_STAT, buf, "SHM_STAT");
	good &= faults(id % 32768, SHM_STAT_ANY, buf, "SHM_STAT_ANY");
	good &= faults(0, IPC_INFO, buf, "IPC_INFO");
	good &= faults(0, SHM_INFO, buf, "SHM_INFO");
	return good;
}

/* pointers: those that lead nowhere are EFAULT, the others are used. */
static int
pointers(char **argv)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);
	struct shmid_ds on_stack;
	struct shmid_ds *mapped = (void *)(before_gap() - SIZE / 2);
	char *gap = before_gap();
	bool good = expect(id != -1, "a segment");

	(void)argv;
	good &= all_fault(id, NULL);
	good &= all_fault(id, (void *)8);
	good &= all_fault(id, (void *)-1);
	good &= all_fault(id, gap);
	good &= faults(id, IPC_SET, (void *)8, "IPC_SET");
	good &= faults(id, IPC_SET, gap, "IPC_SET into the gap");
	good &= expect(shmctl(id, IPC_STAT, mapped) == 0, "to a mapping");
	good &= expect(shmctl(id, IPC_STAT, &on_stack) == 0, "to the stack");
	good &= expect(memcmp(mapped, &on_stack, sizeof(on_stack)) == 0,
	    "the same there");
	mapped->shm_perm.mode = 0640;
	if (mprotect(gap - SIZE + 40, SIZE, PROT_READ) == -1)
		die("mprotect");
	good &= faults(id, IPC_STAT, gap - SIZE / 2, "to read-only memory");
	good &= expect(shmctl(id, IPC_SET, mapped) == 0, "IPC_SET");
	good &= expect(shmctl(id, IPC_STAT, &on_stack) == 0 &&
	    on_stack.shm_perm.mode == 0640, "it was set");
	good &= expect(shmctl(id, IPC_STAT | 0x10000, (void *)8) == -1 &&
	    errno == EINVAL, "no such command");
	good &= expect(shmctl(-1, IPC_STAT, (void *)8) == -1 &&
	    errno == EINVAL, "no such segment comes first");
	good &= expect(ftok((char *)8, 1) == -1 && errno == EFAULT, "ftok");
	good &= expect(shmctl(id, IPC_RMID, (void *)8) == 0, "removed");
	return good ? 0 : 1;
}

static int
spawn(bool along_path, char **argv)
{
	int status, error;
	pid_t pid;

	error = (along_path ? posix_spawnp : posix_spawn)(&pid, argv[0], NULL,
	    NULL, argv, environ);
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Only returns where a function fails, or if posix_spawn() does not. */
#define WAY(name, call)							\
	if (strcmp(how, name) == 0)					\
		return (int)(call)

static int
do_exec(const char *how, char **argv)
{
	char *const none[] = { NULL };
	const char *file = argv[0];
	int fd = open(file, O_PATH);

	WAY("execve", execve(file, argv, environ));
	WAY("execv", execv(file, argv));
	WAY("execvp", execvp(file, argv));
	WAY("execvpe", execvpe(file, argv, environ));
	WAY("execl", execl(file, file, argv[1], NULL));
	WAY("execlp", execlp(file, file, argv[1], NULL));
	WAY("execle", execle(file, file, argv[1], NULL, environ));
	WAY("execle-empty", execle(file, file, argv[1], argv[2], NULL, none));
	WAY("spawn-empty", (environ = NULL, spawn(false, argv)));
	WAY("posix_spawn", spawn(false, argv));
	WAY("posix_spawnp", spawn(true, argv));
	WAY("execveat", execveat(AT_FDCWD, file, argv, environ, 0));
	WAY("fexecve", fexecve(fd, argv, environ));
	WAY("SYS_execve", syscall(SYS_execve, file, argv, environ));
	WAY("SYS_execveat", syscall(SYS_execveat, fd, "", argv, environ,
	    AT_EMPTY_PATH));
	errno = EINVAL;
	return -1;
}

/* exec HOW PROGRAM [ARGUMENT]: exits with the errno of a failure. */
static int
exec_by(char **argv)
{
	int status = do_exec(argv[0], argv + 1);

	return status == -1 ? errno : status;
}

/* execwith FILE HOW PROGRAM [ARGUMENT]: FILE is open to be written. */
static int
exec_with(char **argv)
{
	if (open(argv[0], O_WRONLY) == -1)
		die(argv[0]);
	return exec_by(argv + 1);
}

/* spawn TIMES PROGRAM: spawned so often, from one process. */
static int
spawn_times(char **argv)
{
	for (int n = atoi(argv[0]); n > 0; n--)
		if (spawn(false, argv + 1) == -1)
			return errno;
	return 0;
}

static const struct command {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} commands[] = {
	{ "store", 2, store },
	{ "load", 1, load },
	{ "hold", 2, hold },
	{ "await", 1, await },
	{ "gone", 1, gone },
	{ "ends", 1, ends },
	{ "stops", 3, stops },
	{ "limit", 0, limit },
	{ "numbers", 0, numbers },
	{ "pointers", 0, pointers },
	{ "credentials", 0, user_credentials },
	{ "exec", 2, exec_by },
	{ "execwith", 3, exec_with },
	{ "spawn", 2, spawn_times },
	{ "counted", 2, user_counted },
	{ "memory", 0, user_memory },
	{ "race", 0, user_race },
	{ "again", 0, user_again },
	{ "sets", 0, user_sets },
	{ "setpointers", 0, user_setpointers },
	{ "quiet", 0, user_quiet },
	{ "undo", 0, user_undo },
	{ "plugin", 1, user_plugin },
	{ "island", 1, user_island },
	{ "semlimits", 0, user_semlimits },
	{ "queues", 0, user_queues },
	{ "msglimits", 0, user_msglimits },
	{ "msgpointers", 0, user_msgpointers },
	{ "faults", 0, user_faults },
	{ "wild", 0, user_wild },
	{ "msglarge", 0, user_msglarge },
	{ "msgquiet", 0, user_msgquiet },
	{ "unshares", 0, user_unshares },
	{ "owes", 1, user_owes },
	{ "unshares_later", 1, user_unshares_later },
	{ "multiplexed", 0, user_multiplexed },
	{ "procopens", 1, user_procopens },
	{ "procwrites", 0, user_procwrites },
	{ "procrights", 0, user_procrights },
	{ "populate", 1, user_populate },
	{ "hand", 1, user_hand },
	{ "took", 3, user_took },
	{ "start", 3, user_start },
	{ "start-empty", 3, user_start_empty },
	{ "beside", 1, user_beside },
	{ "begun", 0, user_begun },
	{ "owners", 0, user_owners },
	{ "able", 0, user_able },
	{ "threads", 0, user_threads },
	{ "meet", 1, user_meet },
	{ "chorus", 1, user_chorus },
	{ "taken", 1, user_taken },
};

int
main(int argc, char **argv)
{
	alarm(PATIENCE);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0 &&
		    argc - 2 >= commands[i].arguments)
			return commands[i].run(argv + 2);
	fprintf(stderr, "usage: %s COMMAND [ARGUMENT]...\n", argv[0]);
	return 2;
}
