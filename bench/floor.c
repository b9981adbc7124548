/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor.c - making bare rings; and a file and a link, as floor.h says.
 */
#include <sys/mman.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "floor.h"

int
bench_make_rings(struct bench *b)
{
	if (bench_make_mail(b) == -1)
		return -1;
	for (unsigned i = 0; i < b->count; i++) {
		void *at = mmap(NULL, sizeof(struct bench_ring),
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			return bench_queue_refused(b, "mmap");
		b->mail->ring[i] = at;
	}
	return 0;
}

void
bench_drop_rings(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_QUEUES; i++)
		if (b->mail->ring[i] != NULL)
			munmap(b->mail->ring[i], sizeof(struct bench_ring));
	bench_drop_mail(b);
}

static int
make_and_remove(int dir)
{
	const int fd = openat(dir, "floor.file", O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);

	if (fd == -1)
		return -1;
	close(fd);
	if (symlinkat("floor.file", dir, "floor.link") == -1)
		return -1;
	return unlinkat(dir, "floor.link", 0) |
	    unlinkat(dir, "floor.file", 0);
}

double
bench_file_and_link(struct bench *b, unsigned long n)
{
	const int dir = open(b->place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const uint64_t start = bench_now();
	uint64_t took;
	int bad = dir == -1;

	for (unsigned long i = 0; i < n && !bad; i++)
		bad = make_and_remove(dir) != 0;
	took = bench_now() - start;
	if (bad)
		snprintf(b->note, sizeof(b->note), "%s: %s", b->place->dir,
		    strerror(errno));
	if (dir != -1)
		close(dir);
	return bad ? -1 : (double)took / (double)n;
}
