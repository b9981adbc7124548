/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill.h - the parts of the kill test.
 *
 *	kill_step.c	the program: which kills are tried; TAP
 *	kill_stage.c	one kill, from an empty namespace to the verdict
 *	kill_trace.c	stepping a process; where what it shares changes
 *	kill_scene.c	the operations somebody is killed in
 *	kill_judge.c	what a fresh process finds afterwards
 */
#ifndef KILL_H
#define KILL_H

#include "harness.h"
#include "mipc.h"

/* ---- one operation ---- */

#define KEY_TARGET	0x4b494c01
#define KEY_BYSTANDER	0x4b494c02
#define KEY_NEW		0x4b494c03
#define KEY_OTHER	0x4b494c04	/* of judges */
#define TARGET_BYTES	9000u	/* three pages, not whole */
#define NEW_BYTES	5000u
#define NEW_MODE	0640
#define SET_MODE	0646
#define SET_ID		65534	/* uid and gid, where the test is root */

/* What else is so in a scene. */
#define HELD		0x001	/* the holder has attached the target */
#define CREATES_KEY	0x002	/* may leave a segment with KEY_NEW */
#define CREATES_PRIVATE	0x004	/* may leave a segment without a key */
#define REMOVES		0x008	/* the target may be removed, or not */
#define REMOVED		0x010	/* the target was removed before */
#define SETS		0x020	/* the target may have new modes, or not */
#define FIRST_CALL	0x040	/* the operation includes mipc_open */
#define KILL_PARENT	0x080	/* forks; the parent is stepped */
#define KILL_CHILD	0x100	/* forks; the child is stepped */
#define MAKES		0x200	/* makes the namespace; a directory's only */

struct stage;

struct scene {
	const char *name;
	unsigned flags;
	void (*before)(struct stage *);		/* at full speed */
	void (*act)(struct stage *);		/* stepped, killed */
};

extern const struct scene scenes[];
extern const unsigned nscenes;
/* What a second victim is killed in: the first look at what is left. */
extern const struct scene recovery;

/* ---- one try ---- */

/*
 * A place to be killed at: after so many system calls of the operation and
 * then so many instructions.
 */
struct point {
	uint32_t calls;
	uint32_t steps;
	uint64_t where;		/* the instruction to come; 0: not known */
	bool changed;		/* what others can see may have changed here */
};

#define MOST_STEPS	200000	/* more is a loop that never ends */

/* In shared memory: a stage fills it for the program. */
struct track {
	unsigned n;
	struct point point[MOST_STEPS];
};

/* Shared by the processes of one try. */
struct stage {
	const struct scene *scene;
	bool anonymous;
	char dir[PATH_MAX];
	struct mipc_ns *ns;	/* anonymous: inherited by all */
	bool twice;		/* a second victim was killed in recovery */
	int target, bystander;
	_Atomic uint32_t ready;		/* the holder has set all up */
	_Atomic uint32_t leave;		/* the holder may go */
	_Atomic uint32_t survivor;	/* pid of who survives a fork */
	_Atomic uint32_t told;		/* text[] says what is wrong */
	char text[400];
};

/* Which kills make up a try; a NULL is no kill. */
struct attempt {
	const struct scene *scene;
	bool anonymous;
	const struct point *first;
	const struct point *second;	/* in the recovery from the first */
	struct track *record;		/* of the scene: step, do not kill */
	_Atomic uint32_t *count;	/* system calls of the recovery */
};

struct outcome {
	bool good;
	bool drifted;		/* a point was not where it was recorded */
	char text[400];
};

/* kill_stage.c: try it in a process of its own. */
void	stage_try(const struct attempt *a, struct outcome *out);

/* kill_trace.c */
bool	trace_available(void);
/* Step a stopped tracee to its end; false if it came to a bad one. */
bool	trace_record(pid_t pid, struct track *t, pid_t *born);
/* Let a stopped tracee go to its end; how many system calls it made. */
uint32_t trace_calls(pid_t pid);
/* Bring a stopped tracee to a point; false if it ended before. */
bool	trace_to(pid_t pid, const struct point *p, pid_t *born,
	    bool *drifted);
/* Run a stopped tracee to its fork, let it go; the stopped child. */
pid_t	trace_into_child(pid_t pid);
void	trace_begin(pid_t pid);
/* The shared memory at this address is the test's own: do not watch it. */
void	trace_ignore(const void *at);

/* kill_scene.c: parts of a victim and the holder. */
void	scene_open(struct stage *s);
void	scene_hold(struct stage *s);
void	stage_tell(struct stage *s, const char *fmt, ...)
	    __attribute__((noreturn, format(printf, 2, 3)));
unsigned char scene_pattern(size_t at);

/* kill_judge.c: both end the process, 0 if all is well. */
void	judge_while_held(struct stage *s) __attribute__((noreturn));
void	judge_when_alone(struct stage *s) __attribute__((noreturn));
bool	judge_is_swept(const struct stage *s);

#endif
