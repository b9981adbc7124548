/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checkpoints.c - how long a checkpoint of a segment takes while a process
 * stores into it, and how long that one is held up at most.
 *
 *	mipc-bench-ckpt WAY DIRECTORY FILE MEBIBYTES
 *
 * WAY is `mipc`: mipc_checkpoint() of the namespace to the file; `cp`: the
 * bytes copied to a file beside it, fsync, rename; `ficlone`: the segment's
 * file cloned to the file and no more; `none`: nothing, for a second.
 * Says seconds, milliseconds, and how mipc copied the segment.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mipc.h"

#define MIB		((size_t)1 << 20)
#define PAGE		((size_t)4096)
#define CLONE		_IOW(0x94, 9, int)	/* FICLONE */

/* What both see: the longest pause between two stores, reset for a run. */
struct watch {
	_Atomic uint64_t longest, stores;
};

static struct watch *watch;
static size_t size;
static const char *how = "-";

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A store into one page after another, and the time. */
static pid_t
begin_storing(volatile char *bytes)
{
	uint64_t last, then;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	last = now();
	for (size_t at = 0;; at = (at + 37 * PAGE) % size) {
		bytes[at]++;
		then = now();
		if (then - last > watch->longest)
			watch->longest = then - last;
		last = then;
		watch->stores++;
	}
}

static void
note_way(void *arg, int id, enum mipc_copied copied)
{
	(void)arg;
	(void)id;
	how = copied == MIPC_BY_REFLINK ? "reflink" : "pages";
}

static void
checkpoint(struct mipc_ns *ns, const char *file)
{
	const struct mipc_progress progress = { .copied = note_way };

	if (mipc_checkpoint(ns, file, 1, &progress) == -1)
		errx(1, "%s", mipc_reason());
}

static void
copy(const char *from, const char *file)
{
	static char buffer[MIB];
	char name[4096];
	int in = open(from, O_RDONLY), out;
	ssize_t n;

	snprintf(name, sizeof(name), "%s~", file);
	out = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (in == -1 || out == -1)
		err(1, "%s", name);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)n) != n)
			err(1, "%s", name);
	if (n == -1 || fsync(out) == -1 || rename(name, file) == -1)
		err(1, "%s", name);
	close(in);
	close(out);
}

/* 77 tells that files do not share blocks here. */
static void
clone_file(const char *from, const char *file)
{
	int in = open(from, O_RDONLY);
	int out = open(file, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (in == -1 || out == -1)
		err(1, "%s", file);
	if (ioctl(out, CLONE, in) == -1)
		exit(77);
	close(in);
	close(out);
}

static void
run(const char *way, struct mipc_ns *ns, const char *dir, const char *file)
{
	char data[4096];

	snprintf(data, sizeof(data), "%s/shm.0.data", dir);
	if (strcmp(way, "mipc") == 0)
		checkpoint(ns, file);
	else if (strcmp(way, "cp") == 0)
		copy(data, file);
	else if (strcmp(way, "ficlone") == 0)
		clone_file(data, file);
	else
		sleep(1);
}

/* A segment in which every page has been written. */
static char *
make(const char *dir, struct mipc_ns **ns)
{
	char *bytes;
	int id;

	*ns = mipc_open(dir, MIPC_CREAT | MIPC_EXCL);
	if (*ns == NULL)
		errx(1, "%s", mipc_reason());
	id = mipc_shmget(*ns, IPC_PRIVATE, size, 0600);
	bytes = id == -1 ? (void *)-1 : mipc_shmat(*ns, id, NULL, 0);
	if (bytes == (void *)-1)
		err(1, "a segment of %zu bytes", size);
	memset(bytes, 'x', size);
	return bytes;
}

int
main(int argc, char **argv)
{
	struct mipc_ns *ns;
	uint64_t began;
	char *bytes;
	pid_t pid;

	if (argc != 5)
		errx(2, "usage: mipc-bench-ckpt WAY DIRECTORY FILE MEBIBYTES");
	size = (size_t)strtoul(argv[4], NULL, 10) * MIB;
	bytes = make(argv[2], &ns);
	watch = mipc_share(sizeof(*watch));
	if (watch == NULL)
		err(1, "memory");
	pid = begin_storing(bytes);
	while (watch->stores < size / PAGE)	/* each page was its once */
		usleep(1000);
	watch->longest = 0;
	began = now();
	run(argv[1], ns, argv[2], argv[3]);
	began = now() - began;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%.3f %.1f %s\n", (double)began / 1e9,
	    (double)watch->longest / 1e6, how);
	return 0;
}
