/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_msg.c - a message sent and taken by one process, from an empty queue
 * or from behind others; and what else is done with a queue.
 *
 * Every message carries a number, so that a wrong one is noticed.
 */
#include <fcntl.h>
#include <string.h>

#include "floor.h"

static double
per_message(struct bench *b, unsigned long n, uint64_t start,
    unsigned long bad)
{
	const uint64_t took = bench_now() - start;

	if (bad == 0)
		return (double)took / (double)n;
	snprintf(b->note, sizeof(b->note), "%lu of %lu messages failed", bad,
	    n);
	return -1;
}

ALWAYS_INLINE double
send_take(struct bench *b, unsigned long n, const struct bench_queue *queue,
    long type)
{
	const uint64_t start = bench_now();
	struct bench_mail *mail = b->mail;
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		mail->out.number = i;
		bad += queue->send(b, 0) != 0;
		bad += queue->take(b, 0, type) != 0 || mail->in.number != i;
	}
	return per_message(b, n, start, bad);
}

ALWAYS_INLINE double
same_process(struct bench *b, unsigned long n,
    const struct bench_queue *queue)
{
	return send_take(b, n, queue, 0);
}

ALWAYS_INLINE double
by_type(struct bench *b, unsigned long n, const struct bench_queue *queue)
{
	return send_take(b, n, queue, BENCH_FIRST_TYPE);
}

/* Any would do, and the lowest type is the last in the queue. */
ALWAYS_INLINE double
by_negative(struct bench *b, unsigned long n, const struct bench_queue *queue)
{
	return send_take(b, n, queue, -BENCH_OTHER_TYPE);
}

/* The least that a message costs: in and out of what a queue would be. */
static double
copy_twice(struct bench *b, unsigned long n)
{
	static char queue[BENCH_TEXT];
	const uint64_t start = bench_now();
	struct bench_mail *mail = b->mail;
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		mail->out.number = i;
		memcpy(queue, mail->out.text, b->size);
		__asm__ volatile("" : : "r"(queue) : "memory");
		memcpy(mail->in.text, queue, b->size);
		bad += mail->in.number != i;
	}
	return per_message(b, n, start, bad);
}

ALWAYS_INLINE double
ipc_stat(struct bench *b, unsigned long n, const struct bench_msg *msg)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;
	struct msqid_ds ds;

	for (unsigned long i = 0; i < n; i++) {
		ds.msg_qbytes = 0;
		bad += msg->ctl(b, b->id[0], IPC_STAT, &ds) != 0 ||
		    ds.msg_qbytes != BENCH_ROOM;
	}
	return per_message(b, n, start, bad);
}

ALWAYS_INLINE double
create_remove(struct bench *b, unsigned long n, const struct bench_msg *msg)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	/* Beside the one that setup made. */
	for (unsigned long i = 0; i < n && bad == 0; i++) {
		const int id = msg->get(b, BENCH_FIRST_KEY + 1,
		    IPC_CREAT | IPC_EXCL | 0600);

		bad += id == -1 || msg->ctl(b, id, IPC_RMID, NULL) != 0;
	}
	return per_message(b, n, start, bad);
}

static double
posix_create_remove(struct bench *b, unsigned long n)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;
	char name[64];

	snprintf(name, sizeof(name), "/%s.mq", b->place->peer);
	for (unsigned long i = 0; i < n && bad == 0; i++) {
		const mqd_t mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL,
		    0600, NULL);

		bad += mq == (mqd_t)-1 || mq_close(mq) != 0 ||
		    mq_unlink(name) != 0;
	}
	return per_message(b, n, start, bad);
}

QUEUE_LOOPS(same_process)
TYPED_LOOPS(by_type)
TYPED_LOOPS(by_negative)
LOOP(kernel, ipc_stat, kernel_msg)
LOOP(mipc, ipc_stat, mipc_msg)
LOOP(kernel, create_remove, kernel_msg)
LOOP(mipc, create_remove, mipc_msg)

#define MSG_ROW(row_name, row_size, row_target)				\
	.name = "msg " row_name, .unit = "ns", .count = 1,		\
	.size = row_size, .target = row_target

#define SAME_ROW(row_size, row_target)					\
	{								\
		MSG_ROW("same process " #row_size, row_size,		\
		    row_target),					\
		.side = {						\
			QUEUE_SIDES(QUEUE_SIDE, same_process),		\
			{						\
				.name = "memcpy",			\
				.queue = &pipe_queue,			\
				.setup = bench_make_queue,		\
				.run = copy_twice,			\
				.teardown = bench_drop_queue,		\
			},						\
		},							\
	}

#define TYPE_ROW(how, verb, row_behind, row_target)			\
	{								\
		MSG_ROW(how " behind " #row_behind, 64, row_target),	\
		.behind = row_behind,					\
		.side = { TYPED_SIDES(QUEUE_SIDE, verb) },		\
	}

const struct bench_row bench_rows_msg[] = {
	SAME_ROW(8, 8),
	SAME_ROW(64, 8),
	SAME_ROW(256, 7),
	SAME_ROW(1024, 7),
	SAME_ROW(4096, 5),
	SAME_ROW(8192, 4),
	TYPE_ROW("by type", by_type, 0, 8),
	TYPE_ROW("by type", by_type, 10, 8),
	TYPE_ROW("by type", by_type, 1000, 80),
	TYPE_ROW("by type", by_type, 10000, 700),
	TYPE_ROW("by negative type", by_negative, 0, 4),
	TYPE_ROW("by negative type", by_negative, 10, 4),
	TYPE_ROW("by negative type", by_negative, 1000, 40),
	TYPE_ROW("by negative type", by_negative, 10000, 400),
	{
		MSG_ROW("IPC_STAT", 8, 4),
		.side = { TYPED_SIDES(QUEUE_SIDE, ipc_stat) },
	},
	{
		MSG_ROW("create+remove", 8, 0.2),
		.side = {
			TYPED_SIDES(QUEUE_SIDE, create_remove),
			QUEUE_SIDE("POSIX mq", HOME_NONE, posix,
			    create_remove),
			{
				.name = "file+link",
				.queue = &pipe_queue,
				.setup = bench_make_queue,
				.run = bench_file_and_link,
				.teardown = bench_drop_queue,
			},
		},
	},
	{ .name = NULL }
};
