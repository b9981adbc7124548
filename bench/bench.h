/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - what the files of mipc-bench share.
 *
 * A row is one thing to measure; it has a side for the kernel's System V IPC,
 * one for mipc, and one for each thing a user might pick instead.  Every side
 * of a row runs in a process of its own, so that what one side attaches or
 * allocates never weighs on another; the driver (measure.c) lets them run in
 * turn, a short batch each, round after round, so that what happens to the
 * machine meanwhile happens to all.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "mipc.h"

#define BENCH_SIDES	8	/* most sides of one row */
#define BENCH_NOTE	240	/* bytes of a note, with its end */
#define BENCH_FIRST_KEY	0x6d500000

#define KIB	((size_t)1 << 10)
#define MIB	((size_t)1 << 20)
#define GIB	((size_t)1 << 30)

struct bench;

/*
 * What every side can do with a segment, whatever it calls one.  Ids and
 * results below 0 and MAP_FAILED mean failure with errno.
 */
struct bench_ops {
	int	(*create)(struct bench *, int key, int flags);
	int	(*find)(struct bench *, int key);
	void	*(*attach)(struct bench *, int id);
	int	(*detach)(struct bench *, void *addr);
	int	(*stat)(struct bench *, int id);
	int	(*remove)(struct bench *, int id);
};

/* Where a side's mipc namespace lives. */
enum bench_home {
	HOME_NONE,
	HOME_DIR,
	HOME_ANON
};

struct bench_side {
	const char *name;	/* "kernel", "mipc", or the peer's */
	enum bench_home home;
	const struct bench_ops *ops;	/* of a row about segments */
	const struct bench_lock *lock;	/* about semaphores: locks.h */
	const struct bench_queue *queue;	/* about queues: queues.h */
	/* 0, or -1 with errno or a note: the side is then left out. */
	int	(*setup)(struct bench *);
	/* The unit's value of one operation, from n of them; -1 on failure. */
	double	(*run)(struct bench *, unsigned long n);
	void	(*teardown)(struct bench *);
};

/* What bounds a row's size or count: see bench_fit(). */
enum bench_fit {
	FIT_NOTHING,		/* it is small */
	FIT_COUNT,		/* `count` objects on every side at once */
	FIT_SIZE_ONE,		/* `size` bytes on one side at a time */
	FIT_SIZE_ALL		/* `size` bytes on every side at once */
};

struct bench_row {
	const char *name;
	const char *unit;
	size_t size;		/* bytes of a segment or a message */
	unsigned count;		/* segments, sets or queues */
	int flags;		/* for create, beside IPC_CREAT and the mode */
	enum bench_fit fit;
	unsigned long once;	/* operations a batch, or 0: as time allows */
	unsigned rounds;	/* most rounds, or 0: as the options say */
	unsigned nsems;		/* semaphores of each of `count` sets */
	int value;		/* that each has at first */
	unsigned behind;	/* messages that a queue has at first */
	unsigned procs;		/* processes beside the side's own */
	int barging;		/* mipc's limit of this name */
	int traced;		/* as by mipcrun --trace */
	int raw;		/* under mipcrun --raw */
	double target;		/* the ratio to reach, or 0 */
	const char *peer;	/* mipc is to take at most `times` what it */
	double times;		/* takes; or NULL */
	const char *also;	/* a second figure of each side, or NULL */
	double also_target;	/* what it is to reach */
	struct bench_side side[BENCH_SIDES];
};

/* The private place that a run of the program works in: place.c. */
struct bench_place {
	char dir[96];		/* ours alone; removed at the end */
	char peer[32];		/* shm_open() names begin with it */
	char module[512];	/* the preload module, or "" */
	char self[512];		/* this program */
	char kernel[BENCH_NOTE];	/* why its side is out, or "" */
};

struct bench_options {
	int quick;
	int json;
	unsigned rounds;
	uint64_t batch_ns;	/* length of a batch to aim at */
	uint64_t row_ns;	/* a row stops taking rounds after this */
};

/* One side of one row, in the process that runs it. */
struct bench {
	const struct bench_row *row;
	const struct bench_side *side;
	const struct bench_place *place;
	struct mipc_ns *ns;
	size_t size;		/* the row's, as far as it fits */
	unsigned count;
	int *id;		/* of `made` objects */
	unsigned made;
	void *held;		/* what setup attached, or NULL */
	void **at;		/* many of those */
	unsigned attached;
	int second;		/* socket to a second process, or -1 */
	uint64_t random;
	uint64_t batch_ns;	/* length of a batch to aim at */
	union bench_peer *peer;	/* as many as the row has semaphores */
	struct bench_mail *mail;	/* queues.h */
	struct bench_crowd *crowd;	/* the other processes: crowd.h */
	double also;		/* the second figure, or NAN */
	int left_out;		/* setup failed for want of what we lack */
	char note[BENCH_NOTE];
};

/* The middle, and the quartiles, of a list of values. */
struct bench_spread {
	double low, middle, high;
};

struct bench_result {
	const struct bench_row *row;
	double value[BENCH_SIDES];	/* medians; NAN where a side is out */
	double also[BENCH_SIDES];	/* at the end; or NAN */
	double ratio;			/* kernel/mipc, or NAN */
	struct bench_spread spread;	/* of the rounds' ratios */
	int left_out[BENCH_SIDES];	/* not measured, and no failure */
	char note[BENCH_SIDES + 1][BENCH_NOTE];	/* of sides; of the row */
};

/* place.c */
int	bench_place_make(struct bench_place *);
void	bench_place_sweep(const struct bench_place *);
void	bench_place_remove(const struct bench_place *);
void	bench_fit(const struct bench_row *, const struct bench_options *,
	    const struct bench_place *, struct bench *);

/* side.c */
void	bench_side_main(struct bench *, int sock);
int	bench_create_all(struct bench *);
void	bench_remove_all(struct bench *);
uint64_t bench_now(void);

/* One answer of a side's process to its driver. */
struct bench_answer {
	double value;
	double also;
	unsigned long n;
	int failed;
	int left_out;
	char note[BENCH_NOTE];
};

/* measure.c: 0, or the signal that stopped it. */
int	bench_measure(const struct bench_row *, const struct bench_options *,
	    const struct bench_place *, struct bench_result *);

/* report.c */
void	bench_report_begin(const struct bench_options *);
void	bench_report_row(const struct bench_options *,
	    const struct bench_result *);
void	bench_report_end(const struct bench_options *);

/* ops.c */
extern const struct bench_ops bench_kernel_ops, bench_mipc_ops;
extern const struct bench_ops bench_shm_open_ops, bench_memfd_ops;
extern const struct bench_ops bench_anonymous_ops;

/* rows*.c */
extern const struct bench_row bench_rows_get[], bench_rows_create[];
extern const struct bench_row bench_rows_attach[], bench_rows_touch[];
extern const struct bench_row bench_rows_fork[], bench_rows_memory[];
extern const struct bench_row bench_rows_exec[];
extern const struct bench_row bench_rows_sem[], bench_rows_sem_ctl[];
extern const struct bench_row bench_rows_pair[], bench_rows_contend[];
extern const struct bench_row bench_rows_msg[], bench_rows_msg_pair[];
extern const struct bench_row bench_rows_kill[], bench_rows_preload[];

/* rows_preload.c: the programs that its rows run. */
int	bench_preload_child(int key);
int	bench_raw_child(int key);

#endif
