/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_bytes.c - checkpoints of a segment into which a process stores all the
 * time, by plain stores.
 *
 *	ckpt_bytes DIRECTORY FILE TIMES
 *
 * It stores 1 into the first word of every page, in their order, then 2, and
 * so on: so at every moment the words never grow from one page to the next,
 * and differ by one at most.  Says in how many checkpoints it is otherwise,
 * and how the segment was copied.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ckpt.h"
#include "mipc.h"

enum { PAGES = 1024, PAGE = 4096 };

static uint64_t word[PAGES];

static void
die(const char *what)
{
	err(2, "%s: %s", what, mipc_reason());
}

static pid_t
begin_storing(volatile char *bytes)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint64_t n = 1;; n++)
		for (size_t page = 0; page < PAGES; page++)
			*(volatile uint64_t *)(void *)(uintptr_t)
			    (bytes + page * PAGE) = n;
}

static void
take_bytes(const struct mipc_ckpt *c)
{
	const uint64_t *payload = (const void *)c->payload;
	uint64_t size = c->record.length - 8;

	for (uint64_t at = 0; at < size; at += PAGE)
		word[(payload[0] + at) / PAGE] = payload[1 + at / 8];
}

/* Is what it has of the segment no moment's? */
static int
is_torn(const char *path)
{
	struct mipc_ckpt *c = mipc_ckpt_open(path, NULL);
	int torn;

	if (c == NULL)
		die(path);
	memset(word, 0, sizeof(word));
	while (c->record.type != MIPC_CKPT_END) {
		if (mipc_ckpt_record(c) != 0)
			die(path);
		if (c->record.type == MIPC_CKPT_DATA)
			take_bytes(c);
	}
	mipc_ckpt_close(c);
	torn = word[0] - word[PAGES - 1] > 1;
	for (size_t i = 1; i < PAGES; i++)
		torn |= word[i] > word[i - 1];
	return torn;
}

static void
note_way(void *arg, int id, enum mipc_copied how)
{
	(void)id;
	*(enum mipc_copied *)arg = how;
}

int
main(int argc, char **argv)
{
	enum mipc_copied how = MIPC_BY_PAGES;
	const struct mipc_progress progress = { .arg = &how,
	    .copied = note_way };
	struct mipc_ns *ns;
	int id, torn = 0;
	void *bytes;
	pid_t pid;

	if (argc != 4)
		errx(2, "usage: ckpt_bytes DIRECTORY FILE TIMES");
	ns = mipc_open(argv[1], MIPC_CREAT);
	if (ns == NULL)
		die(argv[1]);
	id = mipc_shmget(ns, IPC_PRIVATE, (size_t)PAGES * PAGE, 0600);
	bytes = id == -1 ? (void *)-1 : mipc_shmat(ns, id, NULL, 0);
	if (bytes == (void *)-1)
		die("the segment");
	pid = begin_storing(bytes);
	for (int i = 0; i < atoi(argv[3]); i++) {
		if (mipc_checkpoint(ns, argv[2], 1, &progress) == -1)
			die(argv[2]);
		torn += is_torn(argv[2]);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%d of %s torn, %s\n", torn, argv[3],
	    how == MIPC_BY_REFLINK ? "reflink" : "page by page");
	return 0;
}
