/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg.h - what the clause tests of message queues share.
 *
 * A test's name begins with its clause.  Each runs on every backend through
 * `ipc`; where they differ on purpose, the test asks backend_has().
 *
 * Nobody waits by sleeping.  No call tells who sleeps in a queue, so that is
 * seen by the state of the process; that he goes on by what he writes on the
 * board.
 */
#ifndef CHECK_MSG_H
#define CHECK_MSG_H

#include "clauses.h"

#include <sys/msg.h>

#define MSGMAX	8192
#define MSGMNB	16384
#define MSGMNI	32000

struct message {
	long type;
	char text[MSGMAX + 8];
};

/* Calls that may fail. */
int	control(int id, int cmd);
int	control_buf(int id, int cmd, struct msqid_ds *buf);
int	try_put(int id, long type, const char *text);	/* IPC_NOWAIT */
int	try_put_bytes(int id, long type, size_t size, int flags);
ssize_t	take(int id, struct message *m, size_t size, long type, int flags);

/* Calls that must succeed. */
int	make_queue(void);
int	make_mode(int mode);
void	remove_queue(int id);
void	put(int id, long type, const char *text);
void	put_all(int id, const char *letters);	/* types 1, 2, 3 ... */
void	put_bytes(int id, long type, size_t size);
struct msqid_ds stat_of(int id);
struct msginfo info(int cmd);
int	top(int cmd);
int	try_qbytes(int id, unsigned long qbytes);
void	set_qbytes(int id, unsigned long qbytes);

/* What msgrcv() with IPC_NOWAIT and these gives. */
void	must_take(int id, long type, int flags, long got, const char *text);
void	must_find_none(int id, long type, int flags);
/* All of a queue by type 0: the first letters of the messages, in order. */
void	must_drain(int id, const char *letters);
void	must_be(int id, unsigned long qnum, unsigned long cbytes);
void	must_be_gone(int id);
void	must_not_exist(int id);
/* Of an object by its struct rights: what a child may do, and no more. */
void	must_have_rights(void *rights);

/* Bytes that tell where they are and of what they are part. */
void	fill(char *text, size_t size, unsigned seed);
void	must_be_filled(const char *text, size_t size, unsigned seed);

time_t	await_next_second(void);
long long now_ns(void);

/*
 * A child that makes one call and says on the board what came of it: at
 * `who`, DONE or the negative errno, and further on what it received.  It ends
 * when stage END is reached.
 */
#define DONE	1
#define END	1000
#define MOST	12		/* sleepers of a test */
enum {
	GOT_TYPE = MOST,
	GOT_SIZE = 2 * MOST,
	GOT_LETTER = 3 * MOST,
	CALLS = 4 * MOST,	/* is about to make its call */
	FREE = 5 * MOST		/* values that the test itself may use */
};

struct sleeper {
	int who, id;
	bool sends;
	char letter;		/* first of the text sent */
	long type;
	size_t size;
	int flags;
	const struct timespec *timeout;	/* not NULL: the timed call */
	const struct who *as;
	void (*before)(void);	/* in the child, first */
};

/* Each returns once it sleeps, or has ended. */
pid_t	start_sleeper(const struct sleeper *s);
pid_t	receiver(int who, int id, long type);
pid_t	receiver_of(int who, int id, long type, size_t size, int flags);
pid_t	sender(int who, int id, long type, char letter, size_t size);

pid_t	pid_of(int who);
void	must_end(int who, long long result);
void	must_receive(int who, long type, char letter);
/* Still: it was not woken, or sleeps again. */
void	must_sleep(int who);
void	kill_sleeper(int who);
/* Let all of them end, well. */
void	end_sleepers(void);

void	add_get_clauses(TCase *tc);
void	add_id_clauses(TCase *tc);
void	add_perm_clauses(TCase *tc);
void	add_class_clauses(TCase *tc);
void	add_send_clauses(TCase *tc);
void	add_take_clauses(TCase *tc);
void	add_type_clauses(TCase *tc);
void	add_set_clauses(TCase *tc);
void	add_wait_clauses(TCase *tc);
void	add_end_clauses(TCase *tc);
void	add_time_tests(TCase *tc);
void	add_signal_clauses(TCase *tc);
void	add_handler_clauses(TCase *tc);
void	add_many_clauses(TCase *tc);
void	add_large_clauses(TCase *tc);
void	add_room_tests(TCase *tc);	/* both stores of mipc */
void	add_disk_tests(TCase *tc);	/* the directory store */
void	add_fault_tests(TCase *tc);	/* the directory store */
void	add_hostile_tests(TCase *tc);
void	add_look_tests(TCase *tc);	/* both stores of mipc */

#endif
