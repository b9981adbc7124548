/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queues.c - making what queues.h sends through, and removing it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "queues.h"

#define POSIX_ROOM	10	/* messages: msg_max, unless it was raised */

/* Say what failed, or that the kernel has no such thing at all. */
int
bench_queue_refused(struct bench *b, const char *call)
{
	b->left_out = errno == ENOSYS && b->side->home == HOME_NONE;
	snprintf(b->note, sizeof(b->note), "%s%s: %s",
	    b->left_out ? "left out: " : "", call, strerror(errno));
	return -1;
}

int
bench_make_mail(struct bench *b)
{
	b->mail = calloc(1, sizeof(*b->mail));
	if (b->mail == NULL)
		return -1;
	b->mail->out.type = BENCH_FIRST_TYPE;
	for (unsigned i = 0; i < BENCH_QUEUES; i++)
		b->mail->from[i] = b->mail->to[i] = -1;
	return 0;
}

/* The descriptors end with the process. */
void
bench_drop_mail(struct bench *b)
{
#ifdef HAVE_BOOST
	for (unsigned i = 0; i < BENCH_QUEUES; i++)
		boost_queue_drop(b->mail->boost[i]);
#endif
	free(b->mail);
}

/* Bytes that a queue of the row is to hold. */
static unsigned long long
room_of(const struct bench *b)
{
	return BENCH_ROOM + (unsigned long long)b->row->behind * b->size;
}

/* The messages that the row's own are to stand behind. */
static int
fill(struct bench *b, const struct bench_msg *msg)
{
	static struct bench_letter other = { .type = BENCH_OTHER_TYPE };

	for (unsigned i = 0; i < b->row->behind; i++)
		if (msg->send(b, b->id[0], &other, IPC_NOWAIT) == -1) {
			bench_queue_refused(b, "msgsnd");
			if (errno == EAGAIN)
				snprintf(b->note, sizeof(b->note), "no room "
				    "for %u messages", b->row->behind);
			return -1;
		}
	return 0;
}

static int
make_queues(struct bench *b, const struct bench_msg *msg)
{
	b->id = calloc(b->count, sizeof(*b->id));
	if (b->id == NULL || bench_make_mail(b) == -1)
		return -1;
	for (b->made = 0; b->made < b->count; b->made++) {
		b->id[b->made] = msg->get(b, BENCH_FIRST_KEY + (int)b->made,
		    IPC_CREAT | IPC_EXCL | 0600);
		if (b->id[b->made] == -1)
			return bench_queue_refused(b, "msgget");
	}
	return fill(b, msg);
}

static void
drop_queues(struct bench *b, const struct bench_msg *msg)
{
	for (unsigned i = 0; i < b->made; i++)
		msg->ctl(b, b->id[i], IPC_RMID, NULL);
	free(b->id);
	bench_drop_mail(b);
}

/* If the limit cannot be set, fill() says so. */
int
bench_make_kernel_queues(struct bench *b)
{
	FILE *f = fopen("/proc/sys/kernel/msgmnb", "we");

	if (f != NULL) {
		fprintf(f, "%llu\n", room_of(b));
		fclose(f);
	}
	return make_queues(b, &kernel_msg);
}

int
bench_make_mipc_queues(struct bench *b)
{
	const unsigned long long room = room_of(b);

	if (mipc_limit(b->ns, "msgmnb", NULL, &room) == -1)
		return bench_queue_refused(b, "limit msgmnb");
	return make_queues(b, &mipc_msg);
}

void
bench_drop_kernel_queues(struct bench *b)
{
	drop_queues(b, &kernel_msg);
}

void
bench_drop_mipc_queues(struct bench *b)
{
	drop_queues(b, &mipc_msg);
}

/* Make each of the row's queues as two descriptors. */
static int
make_ends(struct bench *b, const char *call,
    int (*make)(struct bench *, int end[2]))
{
	if (bench_make_mail(b) == -1)
		return -1;
	for (unsigned i = 0; i < b->count; i++) {
		int end[2];

		if (make(b, end) == -1)
			return bench_queue_refused(b, call);
		b->mail->from[i] = end[0];
		b->mail->to[i] = end[1];
	}
	return 0;
}

static int
make_posix(struct bench *b, int end[2])
{
	struct mq_attr attr = {
		.mq_maxmsg = POSIX_ROOM, .mq_msgsize = (long)b->size,
	};
	char name[64];

	snprintf(name, sizeof(name), "/%s.mq", b->place->peer);
	end[0] = end[1] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600,
	    &attr);
	return end[0] == -1 ? -1 : mq_unlink(name);
}

int
bench_make_posix_queues(struct bench *b)
{
	return make_ends(b, "mq_open", make_posix);
}

static int
make_pipe(struct bench *b, int end[2])
{
	(void)b;
	return pipe2(end, O_CLOEXEC);
}

int
bench_make_pipes(struct bench *b)
{
	return make_ends(b, "pipe", make_pipe);
}

static int
make_packet(struct bench *b, int end[2])
{
	(void)b;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end);
}

int
bench_make_packets(struct bench *b)
{
	return make_ends(b, "socketpair", make_packet);
}

#ifdef HAVE_BOOST
int
bench_make_boost(struct bench *b)
{
	char name[64];

	if (bench_make_mail(b) == -1)
		return -1;
	snprintf(name, sizeof(name), "%s.boost", b->place->peer);
	for (unsigned i = 0; i < b->count; i++) {
		b->mail->boost[i] = boost_queue_make(name,
		    BENCH_ROOM / b->size, b->size);
		if (b->mail->boost[i] == NULL)
			return bench_queue_refused(b, "Boost message_queue");
	}
	return 0;
}
#endif

/* As a side's setup and teardown. */
int
bench_make_queue(struct bench *b)
{
	return b->side->queue->make(b);
}

void
bench_drop_queue(struct bench *b)
{
	b->side->queue->drop(b);
}
