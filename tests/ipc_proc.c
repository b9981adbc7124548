/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_proc.c - commands of ipc_user: what an ordinary program reads below
 * /proc about System V IPC, and sets there.  On the kernel, in an IPC
 * namespace of its own, each does what it does on mipc.
 */
#include "ipc_user.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

#define KERNEL	"/proc/sys/kernel/"
#define QUEUES	KERNEL "msgmni"

/* What a program calls that was compiled with checks. */
int	__open_2(const char *, int);
int	__open64_2(const char *, int);
int	__openat_2(int, const char *, int);
int	__openat64_2(int, const char *, int);

/* Does this descriptor, which is closed, show the text? */
static bool
shows(int fd, const char *text)
{
	char found[80] = "";
	bool good = fd != -1 && read(fd, found, sizeof(found) - 1) != -1 &&
	    strcmp(found, text) == 0;

	if (!good)
		printf("found \"%s\", expected \"%s\"\n", found, text);
	return (fd == -1 || close(fd) == 0) && good;
}

static bool
is_now(const char *file, const char *text)
{
	return expect(shows(open(file, O_RDONLY), text), file);
}

static bool
stream_shows(FILE *stream, const char *text)
{
	char found[80] = "";
	bool good = stream != NULL &&
	    fgets(found, sizeof(found), stream) != NULL &&
	    strcmp(found, text) == 0;

	return (stream == NULL || fclose(stream) == 0) && good;
}

/* In order not to be the compiler's to know. */
static const char *volatile queues = QUEUES;

static bool
all_names_open(const char *text)
{
	int dir = open(KERNEL, O_RDONLY | O_DIRECTORY);
	bool good = true;

	good &= expect(shows(open(queues, O_RDONLY), text), "open");
	good &= expect(shows(open64(queues, O_RDONLY), text), "open64");
	good &= expect(shows(openat(dir, queues, O_RDONLY), text), "openat");
	good &= expect(shows(openat64(-1, queues, O_RDONLY), text),
	    "openat64");
	good &= expect(shows(__open_2(queues, O_RDONLY), text), "__open_2");
	good &= expect(shows(__open64_2(queues, O_RDONLY), text),
	    "__open64_2");
	good &= expect(shows(__openat_2(dir, queues, O_RDONLY), text),
	    "__openat_2");
	good &= expect(shows(__openat64_2(dir, queues, O_RDONLY), text),
	    "__openat64_2");
	good &= expect(shows(open(queues, O_RDWR | O_CREAT | O_TRUNC, 0600),
	    text), "O_CREAT and O_TRUNC");
	good &= expect(stream_shows(fopen(queues, "r"), text), "fopen");
	good &= expect(stream_shows(fopen64(queues, "re"), text), "fopen64");
	good &= expect(stream_shows(freopen(queues, "r",
	    fopen("/dev/null", "r")), text), "freopen");
	good &= expect(stream_shows(freopen64(queues, "r",
	    fopen("/dev/null", "r")), text), "freopen64");
	good &= expect(shows(openat(dir, "msgmni", O_RDONLY), text),
	    "relative to a directory");
	good &= expect(shows(open("/proc/../proc//sys/kernel/msgmni",
	    O_RDONLY), text), "a roundabout way");
	good &= expect(close(dir) == 0 && chdir(KERNEL) == 0 &&
	    shows(open("msgmni", O_RDONLY), text), "a relative name");
	return good;
}

/* What is none of these files, or is not opened to be read, is left alone. */
static bool
others_stay(void)
{
	char dir[] = "/tmp/mipc-test.XXXXXX", path[64];
	const char *volatile bad = (const char *)8;
	bool good = true;
	int fd;

	snprintf(path, sizeof(path), "%s/msgmni", mkdtemp(dir) ? dir : "");
	fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
	good &= expect(write(fd, "mine", 4) == 4 && close(fd) == 0 &&
	    shows(open(path, O_RDONLY), "mine"), "a file of the same name");
	unlink(path);
	rmdir(dir);
	errno = 0;
	good &= expect(open(bad, O_RDONLY) == -1 && errno == EFAULT,
	    "a bad pointer");
	good &= expect(open(KERNEL "msgmni", O_RDONLY | O_DIRECTORY) == -1 &&
	    errno == ENOTDIR, "O_DIRECTORY");
	good &= expect(open(KERNEL "msgmni", O_CREAT | O_EXCL | O_RDONLY,
	    0600) == -1 && errno == EEXIST, "O_EXCL");
	return good;
}

/* procopens TEXT: every function shows the text as the limit msgmni. */
int
user_procopens(char **argv)
{
	char text[80];
	int fd;
	bool good;

	snprintf(text, sizeof(text), "%s\n", argv[0]);
	good = all_names_open(text) && others_stay();
	fd = open("/dev/null", O_RDONLY);
	close(fd);
	good &= expect(open(QUEUES, O_RDONLY) == fd,
	    "the lowest descriptor is taken");
	good &= expect((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 &&
	    write(fd, "1", 1) == -1 && errno == EBADF, "read-only, kept");
	close(fd);
	fd = open(QUEUES, O_RDONLY | O_CLOEXEC);
	good &= expect((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "O_CLOEXEC");
	return good ? 0 : 1;
}

/* --- writing ----------------------------------------------------------- */

static bool
set_by_write(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_TRUNC);
	ssize_t n = (ssize_t)strlen(text);

	return write(fd, text, (size_t)n) == n && close(fd) == 0;
}

/* It fails so, and nothing is changed. */
static bool
refuses(const char *file, const char *text, int error)
{
	int fd = open(file, O_RDWR), failed;
	char before[80] = "";
	ssize_t n = read(fd, before, sizeof(before) - 1);

	lseek(fd, 0, SEEK_SET);
	errno = 0;
	n = write(fd, text, strlen(text));
	failed = errno;
	close(fd);
	errno = failed;
	return expect(n == -1 && failed == error, text) &&
	    is_now(file, before);
}

static bool
by_descriptors(void)
{
	int fd = open(QUEUES, O_RDWR), again = dup(fd);
	struct iovec piece = { (char[]){ "14" }, 2 };
	bool good = true;

	good &= expect(write(fd, "11\n", 3) == 3 && lseek(fd, 0, SEEK_CUR) ==
	    3, "write") && is_now(QUEUES, "11\n");
	good &= expect(write(fd, "99\n", 3) == 3, "not at the beginning") &&
	    is_now(QUEUES, "11\n");
	good &= expect(pwrite(fd, " 12 ", 4, 0) == 4, "pwrite") &&
	    is_now(QUEUES, "12\n");
	good &= expect(lseek(fd, 0, SEEK_SET) == 0 && shows(dup(fd), "12\n"),
	    "what was set is read");
	good &= expect(lseek(again, 0, SEEK_SET) == 0 && close(fd) == 0 &&
	    write(again, "0x10", 4) == 4, "dup") && is_now(QUEUES, "16\n");
	good &= expect(lseek(again, 0, SEEK_SET) == 0 &&
	    writev(again, &piece, 1) == 2 && close(again) == 0, "writev") &&
	    is_now(QUEUES, "14\n");
	return good;
}

static bool
by_streams(void)
{
	FILE *f = fopen(QUEUES, "w");
	bool good = expect(f != NULL && fprintf(f, "21\n") == 3 &&
	    fflush(f) == 0, "fflush") && is_now(QUEUES, "21\n");

	good &= expect(f != NULL && fclose(f) == 0, "fclose") &&
	    is_now(QUEUES, "21\n");
	f = fopen(QUEUES, "r+");
	good &= expect(f != NULL && fputs("22", f) >= 0 && fclose(f) == 0,
	    "r+") && is_now(QUEUES, "22\n");
	f = fopen(QUEUES, "a");
	good &= expect(f != NULL && fputs("23", f) >= 0 && fclose(f) == 0,
	    "a") && is_now(QUEUES, "23\n");
	f = fopen(QUEUES, "w");
	errno = 0;
	good &= expect(f != NULL && fputs("x", f) >= 0 && fflush(f) == EOF &&
	    errno == EINVAL && ferror(f), "fflush fails");
	if (f != NULL)
		fclose(f);
	f = fopen(QUEUES, "w");
	errno = 0;
	good &= expect(f != NULL && fputs("-1", f) >= 0 && fclose(f) == EOF &&
	    errno == EINVAL, "fclose fails");
	return good & is_now(QUEUES, "23\n");
}

/* A child's redirected output, as a shell's, in several ways. */
static bool
by_child(const char *what, void (*print)(void), const char *now)
{
	int status, fd = open(QUEUES, O_WRONLY);
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		close(fd);
		print();
		exit(0);
	}
	close(fd);
	return expect(waitpid(pid, &status, 0) == pid && status == 0, what) &&
	    is_now(QUEUES, now);
}

static void
print_and_exit(void)
{
	printf("31\n");
}

static void
print_and_replace(void)
{
	printf("32\n");
	if (dprintf(STDOUT_FILENO, "33\n") != 3 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
		_exit(1);
	__fpurge(stdout);
}

static void
print_by_program(void)
{
	execlp("printf", "printf", "34\\n", NULL);
}

/* procwrites: what is written sets the limits, with the kernel's errors. */
int
user_procwrites(char **argv)
{
	bool good = by_descriptors() && by_streams();

	(void)argv;
	good &= by_child("exit", print_and_exit, "31\n");
	good &= by_child("dup2", print_and_replace, "33\n");
	good &= by_child("exec", print_by_program, "34\n");
	good &= refuses(QUEUES, "text", EINVAL) && refuses(QUEUES, " \n",
	    EINVAL) && refuses(QUEUES, "1x", EINVAL) && refuses(QUEUES, "32769",
	    EINVAL) && refuses(QUEUES, "99999999999999999999999", EINVAL);
	good &= refuses(KERNEL "msg_next_id", "-1", EINVAL);
	good &= refuses(KERNEL "shm_rmid_forced", "2", EINVAL);
	good &= expect(set_by_write(KERNEL "sem", "100 2000\t300\n400"),
	    "sem") && is_now(KERNEL "sem", "100\t2000\t300\t400\n");
	good &= expect(set_by_write(KERNEL "sem", "101"), "one of sem") &&
	    is_now(KERNEL "sem", "101\t2000\t300\t400\n");
	good &= refuses(KERNEL "sem", "101 2000 300 40000", ERANGE);
	good &= expect(set_by_write(KERNEL "shmmax", "18446744073709551615"),
	    "shmmax") && is_now(KERNEL "shmmax", "18446744073709551615\n");
	good &= refuses(KERNEL "shmmax", "-0", EINVAL);
	good &= expect(set_by_write(KERNEL "shm_next_id", "70001"),
	    "shm_next_id") && is_now(KERNEL "shm_next_id", "70001\n");
	good &= expect(shmget(IPC_PRIVATE, 1, 0600) == 70001, "that id") &&
	    is_now(KERNEL "shm_next_id", "-1\n");
	return good ? 0 : 1;
}

/* procrights: somebody else may look at the limits and not set them. */
int
user_procrights(char **argv)
{
	int fd = open(QUEUES, O_WRONLY);
	bool good = true;

	(void)argv;
	if (geteuid() != 0)
		return 77;
	if (fd == -1 || seteuid(65534) == -1)
		die("seteuid");
	errno = 0;
	good &= expect(open(QUEUES, O_WRONLY) == -1 && errno == EACCES,
	    "open") && expect(fopen(QUEUES, "r+") == NULL && errno == EACCES,
	    "fopen");
	return (good && is_now(QUEUES, "32000\n")) ? 0 : 1;
}

/* --- objects to be listed ---------------------------------------------- */

static void
populate_shm(void)
{
	static const struct { key_t key; size_t size; int mode; } each[] = {
		{ 0x4d01, 5000, IPC_CREAT | 0640 },
		{ IPC_PRIVATE, 4096, 0666 },
		{ 0x4d02, 1 << 20, IPC_CREAT | 0600 },
	};
	char *at = NULL;
	int id = -1;

	/* Touched whole: the kernel gives it its memory then, and no sooner. */
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		if (at != NULL && shmdt(at) == -1)
			die("shmdt");
		id = shmget(each[i].key, each[i].size, each[i].mode);
		at = shmat(id, NULL, 0);
		if (at == (void *)-1)
			die("shmat");
		memset(at, 1, each[i].size);
	}
	if (shmctl(id, IPC_RMID, NULL) == -1)
		die("shmctl");
}

static void
populate_sem(void)
{
	struct sembuf add[] = { { 0, 3, 0 }, { 4, 1, 0 } };
	int set = semget(0x4d03, 5, IPC_CREAT | 0644);

	if (semop(set, add, 2) == -1 || semget(IPC_PRIVATE, 1, 0400) == -1)
		die("semop");
}

static void
populate_msg(void)
{
	struct { long type; char text[16]; } letter = { 1, "some text" };
	int queue = msgget(0x4d04, IPC_CREAT | 0600);

	for (size_t i = 0; i < 3; i++)
		if (msgsnd(queue, &letter, i * 5, 0) == -1)
			die("msgsnd");
	if (msgrcv(queue, &letter, sizeof(letter.text), 0, 0) == -1 ||
	    msgget(0x4d05, IPC_CREAT | 0622) == -1)
		die("msgrcv");
}

/*
 * populate PROGRAM...: it sees objects of all kinds, one of them removed but
 * attached; not to the program, which is forked before.
 */
int
user_populate(char **argv)
{
	int status = 1, ready[2];
	char byte = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) == -1)
		die("pipe2");
	pid = fork();
	if (pid == 0) {
		close(ready[1]);
		if (read(ready[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		die(argv[0]);
	}
	populate_shm();
	populate_sem();
	populate_msg();
	if (write(ready[1], &byte, 1) != 1 ||
	    waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return status == 0 ? 0 : 1;
}
