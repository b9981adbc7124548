/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_touch.c - what a page costs when it is used: by the process that made
 * the segment, and by a second one that attaches it when all is there.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <signal.h>
#include <unistd.h>

#include "calls.h"

#define PAGE	((size_t)4096)

static void
write_pages(volatile char *at, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE)
		at[i] = 1;
}

static unsigned
read_pages(const volatile char *at, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i += PAGE)
		sum += (unsigned)at[i];
	return sum;
}

static double
per_page(const struct bench *b, uint64_t ns)
{
	return (double)ns / (double)(b->size / PAGE);
}

static int
nothing_to_set_up(struct bench *b)
{
	(void)b;
	return 0;
}

/* A new segment, attached, each page written; timed from `start` on. */
static double
make_and_write(struct bench *b, int with_create)
{
	const struct bench_ops *ops = b->side->ops;
	uint64_t start = bench_now(), took;
	const int id = ops->create(b, BENCH_FIRST_KEY,
	    IPC_CREAT | IPC_EXCL | 0600 | b->row->flags);
	void *at = id < 0 ? MAP_FAILED : ops->attach(b, id);

	if (at == MAP_FAILED)
		return -1;
	if (!with_create)
		start = bench_now();
	write_pages(at, b->size);
	took = bench_now() - start;
	if (ops->detach(b, at) < 0 || ops->remove(b, id) < 0)
		return -1;
	return per_page(b, took);
}

static double
first_touch(struct bench *b, unsigned long n)
{
	(void)n;
	return make_and_write(b, 0);
}

static double
create_and_touch(struct bench *b, unsigned long n)
{
	(void)n;
	return make_and_write(b, 1);
}

/* The second process: touch as told (r or w), answer with the time. */
static void
serve_second(struct bench *b, int sock)
{
	const struct bench_ops *ops = b->side->ops;
	char how;

	while (recv(sock, &how, 1, 0) == 1) {
		void *at = b->held;
		uint64_t answer[2] = { 0, 0 }, start;

		if (ops == &bench_anonymous_ops)
			madvise(at, b->size, MADV_DONTNEED);
		else
			at = ops->attach(b, b->id[0]);
		if (at != MAP_FAILED) {
			start = bench_now();
			if (how == 'w')
				write_pages(at, b->size);
			else
				answer[1] = read_pages(at, b->size);
			answer[0] = bench_now() - start;
			if (ops != &bench_anonymous_ops)
				ops->detach(b, at);
		}
		send(sock, answer, sizeof(answer), MSG_NOSIGNAL);
	}
}

static int
start_second(struct bench *b)
{
	const pid_t first = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		if (getppid() == first)
			serve_second(b, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	b->second = pair[0];
	return 0;
}

/*
 * The segment, and a second process that has not attached it yet; then the
 * first attaches it and writes every page.  Anonymous memory can only be
 * inherited: there the second process drops its page tables instead.
 */
static int
set_up_second(struct bench *b)
{
	const struct bench_ops *ops = b->side->ops;
	const int inherits = ops == &bench_anonymous_ops;

	if (bench_create_all(b) == -1)
		return -1;
	if (!inherits && start_second(b) == -1)
		return -1;
	b->held = ops->attach(b, b->id[0]);
	if (b->held == MAP_FAILED) {
		b->held = NULL;
		return -1;
	}
	write_pages(b->held, b->size);
	return inherits ? start_second(b) : 0;
}

/* Every page was written as 1: a sum of less means another memory. */
static double
ask_second(struct bench *b, char how)
{
	uint64_t answer[2];

	if (send(b->second, &how, 1, MSG_NOSIGNAL) != 1 ||
	    recv(b->second, answer, sizeof(answer), 0) != sizeof(answer))
		return -1;
	if (answer[0] == 0 || (how == 'r' && answer[1] != b->size / PAGE))
		return -1;
	return per_page(b, answer[0]);
}

static double
second_reads(struct bench *b, unsigned long n)
{
	(void)n;
	return ask_second(b, 'r');
}

static double
second_writes(struct bench *b, unsigned long n)
{
	(void)n;
	return ask_second(b, 'w');
}

#define SIDE(side_name, side_home, side_ops, setup_fn, run_fn)		\
	{								\
		.name = side_name, .home = side_home, .ops = &side_ops,	\
		.setup = setup_fn, .run = run_fn,			\
		.teardown = bench_remove_all,				\
	}
#define TOUCH_ROW(row_name, row_flags, row_fit, setup, run)		\
	{								\
		.name = "shm touch 256 MiB " row_name,			\
		.unit = "ns/page",					\
		.size = 256 * MIB, .count = 1, .flags = row_flags,	\
		.fit = row_fit, .once = 1,				\
		.side = {						\
			SIDE("kernel", HOME_NONE, bench_kernel_ops,	\
			    setup, run),				\
			SIDE("mipc", HOME_DIR, bench_mipc_ops,		\
			    setup, run),				\
			SIDE("mipc anon", HOME_ANON, bench_mipc_ops,	\
			    setup, run),				\
			SIDE("shm_open", HOME_NONE, bench_shm_open_ops,	\
			    setup, run),				\
			SIDE("memfd", HOME_NONE, bench_memfd_ops,	\
			    setup, run),				\
			SIDE("MAP_SHARED|MAP_ANONYMOUS", HOME_NONE,	\
			    bench_anonymous_ops, setup, run),		\
		},							\
	}

const struct bench_row bench_rows_touch[] = {
	TOUCH_ROW("first", 0, FIT_SIZE_ONE, nothing_to_set_up, first_touch),
	TOUCH_ROW("first noreserve", SHM_NORESERVE, FIT_SIZE_ONE,
	    nothing_to_set_up, first_touch),
	TOUCH_ROW("create+first", 0, FIT_SIZE_ONE, nothing_to_set_up,
	    create_and_touch),
	TOUCH_ROW("second reads", 0, FIT_SIZE_ALL, set_up_second,
	    second_reads),
	TOUCH_ROW("second writes", 0, FIT_SIZE_ALL, set_up_second,
	    second_writes),
	{ .name = NULL }
};
