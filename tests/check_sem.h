/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem.h - what the clause tests of semaphore sets share.
 *
 * A test's name begins with its clause.  Each runs on every backend through
 * `ipc`; where they differ on purpose, the test asks backend_has().
 *
 * Nobody waits by sleeping: that somebody sleeps in semop() is seen by
 * GETNCNT and GETZCNT, that he goes on by what he writes on the board.
 */
#ifndef CHECK_SEM_H
#define CHECK_SEM_H

#include "clauses.h"

#define SEMVMX	32767
#define SEMMSL	32000
#define SEMOPM	500
#define SEMMNI	32000

/* One operation of a vector; a vector and its length. */
#define OP(num, by, flags) \
	{ .sem_num = (num), .sem_op = (by), .sem_flg = (flags) }
#define VECTOR(...) \
	(struct sembuf[]){ __VA_ARGS__ }, \
	    sizeof((struct sembuf[]){ __VA_ARGS__ }) / sizeof(struct sembuf)

/* Calls that must succeed. */
int	make_set(int nsems);
int	make_mode(int nsems, int mode);
int	make_of(int nsems, const unsigned short *values);
void	remove_set(int id);
void	set_value(int id, int num, int value);
void	set_all(int id, const unsigned short *values);
void	get_all(int id, unsigned short *values);
int	value(int id, int num);
pid_t	last_pid(int id, int num);
int	ncnt(int id, int num);
int	zcnt(int id, int num);
void	add(int id, int num, int by, int flags);
struct semid_ds stat_of(int id);
struct seminfo info(int cmd);

/* Calls that may fail. */
int	control(int id, int num, int cmd);
int	control_buf(int id, int cmd, struct semid_ds *buf);
int	control_val(int id, int num, int val);
int	op(int id, int num, int by, int flags);
int	op_within_ms(int id, int num, int by, long ms);

void	must_be(int id, int num, int wanted);
/* The values of a set of three. */
void	must_be_3(int id, int a, int b, int c);
void	must_be_gone(int id);
void	must_not_exist(int id);
/* Of an object by its struct rights: what a child may do, and no more. */
void	must_have_rights(void *rights);

/* Until so many sleep until a semaphore grows, or is zero. */
void	await_ncnt(int id, int num, int n);
void	await_zcnt(int id, int num, int n);
/* Until so many sleep in a small set, for whatever. */
void	await_sleepers(int id, int n);
int	sleepers_of(int id);

/* Until the clock shows another second than now; returns it. */
time_t	await_next_second(void);

/*
 * A child that performs one vector and says on the board what came of it:
 * value[who] is then DONE, or the negative errno.  It ends when stage END is
 * reached, so that nothing but the call itself shows in the set.
 */
#define DONE	1
#define END	1000
#define NVECTOR	8
struct sleeper {
	int who, id;
	struct sembuf ops[NVECTOR];
	size_t nops;
	const struct timespec *timeout;
	void (*before)(void);		/* in the child, first */
};
pid_t	sleeper(int who, int id, const struct sembuf *ops, size_t nops);
pid_t	start_sleeper(const struct sleeper *s);
void	must_end(int who, long long result);
void	must_sleep(int who);
/* Let them end, well. */
void	end_sleepers(const pid_t *pid, int n);

void	add_get_clauses(TCase *tc);
void	add_id_clauses(TCase *tc);
void	add_perm_clauses(TCase *tc);
void	add_op_clauses(TCase *tc);
void	add_mark_clauses(TCase *tc);
void	add_ctl_clauses(TCase *tc);
void	add_wait_clauses(TCase *tc);
void	add_wake_clauses(TCase *tc);
void	add_undo_clauses(TCase *tc);
void	add_end_clauses(TCase *tc);
void	add_death_clauses(TCase *tc);
void	add_signal_clauses(TCase *tc);
void	add_safe_clauses(TCase *tc);
void	add_many_clauses(TCase *tc);
void	add_large_clauses(TCase *tc);
void	add_barging_tests(TCase *tc);	/* both stores of mipc */
void	add_fault_tests(TCase *tc);	/* the directory store */
void	add_hostile_tests(TCase *tc);
void	add_look_tests(TCase *tc);	/* both stores of mipc */

#endif
