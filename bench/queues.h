/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queues.h - sending and taking a message on every side: the kernel's and
 * mipc's message queues, and what a user might pick instead.
 *
 * As in calls.h, the loops that are measured are inlined once for each side,
 * with the constant tables below.
 */
#ifndef QUEUES_H
#define QUEUES_H

#include <sys/msg.h>
#include <sys/socket.h>

#include <mqueue.h>

#include "boost.h"
#include "crowd.h"

#define BENCH_QUEUES	2	/* most queues of a row */
#define BENCH_TEXT	8192	/* most bytes of a text: the kernel's MSGMAX */
#define BENCH_ROOM	16384	/* bytes of a queue: the kernel's MSGMNB */

enum {
	BENCH_FIRST_TYPE = 1,	/* of what is measured */
	BENCH_OTHER_TYPE = 2	/* of those that it stands behind */
};

struct bench_letter {
	long type;
	union {
		uint64_t number;	/* so that none is lost or doubled */
		char text[BENCH_TEXT];
	};
};

/* What a process sends and has taken; of a peer, where it goes through. */
struct bench_mail {
	struct bench_letter out, in;
	int from[BENCH_QUEUES], to[BENCH_QUEUES];	/* or -1 */
	void *boost[BENCH_QUEUES];			/* or NULL */
	struct bench_ring *ring[BENCH_QUEUES];		/* or NULL: floor.h */
};

/* The calls, the kernel's or mipc's. */
struct bench_msg {
	int	(*get)(struct bench *, int key, int flags);
	int	(*send)(struct bench *, int id, const void *letter, int flags);
	int	(*ctl)(struct bench *, int id, int cmd, struct msqid_ds *);
};

/*
 * The `num`th queue of those that the row has made.  send() sends mail->out,
 * take() takes into mail->in, each as many bytes of text as the row says; a
 * peer knows no types and takes the first.  Both return 0 or -1.
 */
struct bench_queue {
	int	(*make)(struct bench *);
	void	(*drop)(struct bench *);
	int	(*send)(struct bench *, unsigned num);
	int	(*take)(struct bench *, unsigned num, long type);
};

static inline int
kernel_queue_get(struct bench *b, int key, int flags)
{
	(void)b;
	return msgget(key, flags);
}

static inline int
kernel_queue_send(struct bench *b, int id, const void *letter, int flags)
{
	return msgsnd(id, letter, b->size, flags);
}

static inline int
kernel_queue_ctl(struct bench *b, int id, int cmd, struct msqid_ds *ds)
{
	(void)b;
	return msgctl(id, cmd, ds);
}

static inline int
mipc_queue_get(struct bench *b, int key, int flags)
{
	return mipc_msgget(b->ns, key, flags);
}

static inline int
mipc_queue_send(struct bench *b, int id, const void *letter, int flags)
{
	return mipc_msgsnd(b->ns, id, letter, b->size, flags);
}

static inline int
mipc_queue_ctl(struct bench *b, int id, int cmd, struct msqid_ds *ds)
{
	return mipc_msgctl(b->ns, id, cmd, ds);
}

static const struct bench_msg kernel_msg = {
	kernel_queue_get, kernel_queue_send, kernel_queue_ctl
};

static const struct bench_msg mipc_msg = {
	mipc_queue_get, mipc_queue_send, mipc_queue_ctl
};

static inline int
kernel_send(struct bench *b, unsigned num)
{
	return kernel_queue_send(b, b->id[num], &b->mail->out, 0);
}

static inline int
kernel_take(struct bench *b, unsigned num, long type)
{
	return -(msgrcv(b->id[num], &b->mail->in, b->size, type, 0) !=
	    (ssize_t)b->size);
}

static inline int
mipc_send(struct bench *b, unsigned num)
{
	return mipc_queue_send(b, b->id[num], &b->mail->out, 0);
}

static inline int
mipc_take(struct bench *b, unsigned num, long type)
{
	return -(mipc_msgrcv(b->ns, b->id[num], &b->mail->in, b->size, type,
	    0) != (ssize_t)b->size);
}

static inline int
posix_send(struct bench *b, unsigned num)
{
	return mq_send(b->mail->to[num], b->mail->out.text, b->size, 0);
}

static inline int
posix_take(struct bench *b, unsigned num, long type)
{
	b->mail->in.type = type;
	return -(mq_receive(b->mail->from[num], b->mail->in.text, b->size,
	    NULL) != (ssize_t)b->size);
}

static inline int
pipe_send(struct bench *b, unsigned num)
{
	return -(write(b->mail->to[num], b->mail->out.text, b->size) !=
	    (ssize_t)b->size);
}

/* What is longer than PIPE_BUF may come in pieces. */
static inline int
pipe_take(struct bench *b, unsigned num, long type)
{
	size_t have = 0;

	b->mail->in.type = type;
	while (have < b->size) {
		const ssize_t n = read(b->mail->from[num],
		    b->mail->in.text + have, b->size - have);

		if (n <= 0)
			return -1;
		have += (size_t)n;
	}
	return 0;
}

static inline int
packet_send(struct bench *b, unsigned num)
{
	return -(send(b->mail->to[num], b->mail->out.text, b->size,
	    MSG_NOSIGNAL) != (ssize_t)b->size);
}

static inline int
packet_take(struct bench *b, unsigned num, long type)
{
	b->mail->in.type = type;
	return -(recv(b->mail->from[num], b->mail->in.text, b->size, 0) !=
	    (ssize_t)b->size);
}

static inline int
boost_send(struct bench *b, unsigned num)
{
	return boost_queue_send(b->mail->boost[num], b->mail->out.text,
	    b->size);
}

static inline int
boost_take(struct bench *b, unsigned num, long type)
{
	b->mail->in.type = type;
	return boost_queue_take(b->mail->boost[num], b->mail->in.text,
	    b->size);
}

/* queues.c */
int	bench_make_kernel_queues(struct bench *);
int	bench_make_mipc_queues(struct bench *);
int	bench_make_posix_queues(struct bench *);
int	bench_make_pipes(struct bench *);
int	bench_make_packets(struct bench *);
int	bench_make_boost(struct bench *);
void	bench_drop_kernel_queues(struct bench *);
void	bench_drop_mipc_queues(struct bench *);
void	bench_drop_mail(struct bench *);
int	bench_make_mail(struct bench *);
int	bench_queue_refused(struct bench *, const char *call);
int	bench_make_queue(struct bench *);
void	bench_drop_queue(struct bench *);

static const struct bench_queue kernel_queue = {
	bench_make_kernel_queues, bench_drop_kernel_queues,
	kernel_send, kernel_take
};

static const struct bench_queue mipc_queue = {
	bench_make_mipc_queues, bench_drop_mipc_queues,
	mipc_send, mipc_take
};

static const struct bench_queue posix_queue = {
	bench_make_posix_queues, bench_drop_mail,
	posix_send, posix_take
};

static const struct bench_queue pipe_queue = {
	bench_make_pipes, bench_drop_mail,
	pipe_send, pipe_take
};

static const struct bench_queue packet_queue = {
	bench_make_packets, bench_drop_mail,
	packet_send, packet_take
};

/* Where a program with Boost.Interprocess in it could be linked. */
#ifdef HAVE_BOOST
static const struct bench_queue boost_queue = {
	bench_make_boost, bench_drop_mail,
	boost_send, boost_take
};
#define BOOST_LOOP(verb)	LOOP(boost, verb, boost_queue)
#define BOOST_SIDE(side, ...)						\
	, side("Boost mq", HOME_NONE, boost, __VA_ARGS__)
#else
#define BOOST_LOOP(verb)
#define BOOST_SIDE(side, ...)
#endif

/* NAME_VERB of those that know types, and of all: see locks.h. */
#define TYPED_LOOPS(verb)						\
	LOOP(kernel, verb, kernel_queue)				\
	LOOP(mipc, verb, mipc_queue)

#define QUEUE_LOOPS(verb)						\
	TYPED_LOOPS(verb)						\
	LOOP(posix, verb, posix_queue)					\
	LOOP(pipe, verb, pipe_queue)					\
	LOOP(packet, verb, packet_queue)				\
	BOOST_LOOP(verb)

/* The sides of a row: side(name, home, queue, ...) for each of them. */
#define TYPED_SIDES(side, ...)						\
	side("kernel", HOME_NONE, kernel, __VA_ARGS__),			\
	side("mipc", HOME_DIR, mipc, __VA_ARGS__),			\
	side("mipc anon", HOME_ANON, mipc, __VA_ARGS__)

#define QUEUE_SIDES(side, ...)						\
	TYPED_SIDES(side, __VA_ARGS__),					\
	side("POSIX mq", HOME_NONE, posix, __VA_ARGS__),		\
	side("pipe", HOME_NONE, pipe, __VA_ARGS__),			\
	side("SEQPACKET", HOME_NONE, packet, __VA_ARGS__)		\
	BOOST_SIDE(side, __VA_ARGS__)

/* A side of a row that needs no process but its own. */
#define QUEUE_SIDE(side_name, side_home, q, verb)			\
	{								\
		.name = side_name, .home = side_home,			\
		.queue = &q##_queue, .setup = bench_make_queue,		\
		.run = q##_##verb, .teardown = bench_drop_queue,	\
	}

#endif
