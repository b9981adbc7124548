/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill.h - the parts of the kill test.
 *
 *	kill_step.c	the program: which kills are tried; TAP
 *	kill_stage.c	one kill, from an empty namespace to the verdict
 *	kill_trace.c	stepping a process, and going where another went
 *	kill_watch.c	what others can see of it: has that changed?
 *	kill_scene.c	the operations somebody is killed in: segments
 *	kill_judge.c	what a fresh process finds afterwards
 *	kill_sem_scene.c, kill_sem_cast.c, kill_sem_judge.c: the same of
 *			semaphore sets, and who else takes part
 *	kill_msg_scene.c, kill_msg_cast.c, kill_msg_judge.c: of queues
 *	kill_msg_room.c	is all room of a queue still there?
 */
#ifndef KILL_H
#define KILL_H

#include "harness.h"
#include "mipc.h"
#include "sem_calls.h"

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
#define ENDS		0x400	/* the victim ends by itself, or is ended */
#define STORES		0x800	/* of sets, queues: mostly the store's */
#define TIMED		0x1000	/* the kernel has no such call */

struct stage;
struct sem_scene;
struct msg_scene;

struct scene {
	const char *name;
	unsigned flags;
	void (*before)(struct stage *);		/* at full speed */
	void (*act)(struct stage *);		/* stepped, killed */
	/* Both NULL: of segments. */
	const struct sem_scene *sets;
	const struct msg_scene *queues;
};

extern const struct scene shm_scenes[], sem_scenes[], msg_scenes[];
extern const unsigned nshm_scenes, nsem_scenes, nmsg_scenes;
/* What a second victim is killed in: the first look at what is left. */
extern const struct scene shm_recovery, sem_recovery, msg_recovery;

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

/* ---- a scene of sets ---- */

#define SEMS		4	/* in the target: A, B, C and ... */
#define SPARE		3	/* ... one for who proves that it works */
#define SLEEPERS	2
#define ENDS_MOST	3

struct sem_vector {
	unsigned n;		/* 0: none */
	struct sembuf op[3];
};

enum when { ALWAYS, IF_HELPED, UNLESS_HELPED };

/* One way to come out, when all that the victim owed is settled. */
struct sem_end {
	unsigned short value[SEMS];
	short owed[SEMS];		/* still, by the debtor */
	unsigned back;			/* sleepers that wait no more */
	unsigned char at[SLEEPERS];	/* the operation one waits at */
	enum when when;
	bool removed;
	bool is;			/* false: there are no more */
};

struct sem_scene {
	unsigned short start[SEMS];
	bool unused;			/* or nobody has touched the set */
	struct sem_vector debtor;	/* somebody else has done this */
	bool debtor_is_dead;
	struct sem_vector sleeper[SLEEPERS];
	struct sem_vector before, act;	/* of the victim */
	struct sem_vector help;		/* as soon as the victim sleeps */
	bool help_by_kill;
	bool creates;			/* may leave a set with KEY_NEW */
	struct sem_end end[ENDS_MOST];
};

/* Who else takes part. */
struct sem_cast {
	_Atomic int victim;
	_Atomic unsigned pids;
	int pid[16];			/* of all that may change a value */
	pid_t debtor, helper, sleeper[SLEEPERS];
	_Atomic uint32_t owes;		/* the debtor has done its part */
	_Atomic uint32_t asleep;	/* how many sleepers wait */
	_Atomic uint32_t helped;	/* the helper has done its part */
	struct {
		_Atomic uint32_t back;	/* it waits no more */
		int error;
	} slept[SLEEPERS];
	unsigned early;			/* who was back before any judge came */
	bool slow, late;		/* ... though who should was not */
	unsigned short left[SEMS];	/* what the last judge is to find */
	bool removed;
};

/* ---- a scene of queues ---- */

#define MSG_ENDS	3
#define MSG_MOST	12		/* messages that are looked at */
#define TRIM_PAGES	70u		/* more than an empty queue keeps */

/* A letter is known by its mark, which also says what is in it. */
struct letter {
	char mark;
	long type;
	size_t size;
};

struct msg_call {
	enum { NO_CALL, SEND, TAKE, COPY } what;
	char mark;			/* sent */
	long type;			/* taken */
	int flags;
	size_t room;
};

struct msg_end {
	const char *left;		/* marks, in the order of arrival */
	unsigned back;			/* sleepers that wait no more */
	char got[SLEEPERS];
	int error[SLEEPERS];
	enum when when;
	bool removed, is;
};

struct msg_scene {
	unsigned long qbytes;		/* 0: what a new queue has */
	const char *start;		/* marks; NULL: nothing */
	bool indexed;			/* a receiver has chosen among them */
	bool pages;			/* there were very many others */
	struct msg_call sleeper[SLEEPERS];
	struct msg_call act, help;
	long long limit_ns;		/* of the victim's call; 0 none */
	bool expires;			/* it is over before anybody comes */
	bool help_by_kill;
	bool creates;
	struct msg_end end[MSG_ENDS];
};

struct msg_cast {
	_Atomic int victim;
	pid_t helper, sleeper[SLEEPERS];
	_Atomic uint32_t helped;
	struct {
		_Atomic uint32_t back;
		int error;
		char got;
	} slept[SLEEPERS];
	unsigned early;
	bool slow, late, removed;
};

/* Shared by the processes of one try. */
struct stage {
	const struct scene *scene;
	bool anonymous, kernel;
	char dir[PATH_MAX];
	struct mipc_ns *ns;	/* anonymous: inherited by all */
	bool twice;		/* a second victim was killed in recovery */
	bool patient;		/* give who was woken all the time it takes */
	int target, bystander;
	_Atomic uint32_t ready;		/* the holder has set all up */
	_Atomic uint32_t leave;		/* the holder may go */
	_Atomic uint32_t survivor;	/* pid of who survives a fork */
	struct sem_cast cast;		/* of a scene of sets */
	struct msg_cast post;		/* of queues */
	_Atomic uint32_t told;		/* text[] says what is wrong */
	char text[400];
};

/* Which kills make up a try; a NULL is no kill. */
struct attempt {
	const struct scene *scene;
	bool anonymous, kernel, patient;
	const struct point *first;
	const struct point *second;	/* in the recovery from the first */
	struct track *record;		/* of the scene: step, do not kill */
	struct track *record_second;	/* the same of the recovery */
	_Atomic uint32_t *count;	/* system calls of the recovery */
};

struct outcome {
	bool good;
	bool drifted;		/* a point was not where it was recorded */
	bool slow;		/* worth another try with patience */
	char text[400];
};

/* kill_stage.c: try it in a process of its own. */
void	stage_try(const struct attempt *a, struct outcome *out);
/* Fork a descendant that dies with the stage. */
pid_t	stage_start(struct stage *s, void (*body)(struct stage *));
void	stage_end(pid_t pid, const char *what);
void	stage_fail(const char *what) __attribute__((noreturn));

/* kill_trace.c */
bool	trace_available(void);
/* Step a stopped tracee to its end; false if it came to a bad one. */
bool	trace_record(pid_t pid, struct track *t, bool ends, pid_t *born);
/* Let a stopped tracee go to its end; how many system calls it made. */
uint32_t trace_calls(pid_t pid);
/* Bring a stopped tracee to a point; false if it ended before. */
bool	trace_to(pid_t pid, const struct point *p, pid_t *born,
	    bool *drifted);
/* Run a stopped tracee to its fork, let it go; the stopped child. */
pid_t	trace_into_child(pid_t pid);
void	trace_begin(pid_t pid);

/* kill_watch.c: all that others can see of a stopped tracee. */
struct watch;
struct watch *watch_begin(pid_t pid);
void	watch_end(struct watch *w);
bool	watch_has_changed(struct watch *w, bool call, long faults);
/* The shared memory at this address is the test's own: do not watch it. */
void	watch_ignore(const void *at);
bool	watch_peek(pid_t pid, uintptr_t at, void *to, size_t size);

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

void	judge_must_be_swept(struct stage *s);

/* kill_sem_cast.c: the same for sets. */
/* This process may change a value. */
void	sem_enroll(struct stage *s);
unsigned sem_back(const struct stage *s);
void	sem_hold(struct stage *s);
/* Start the others, and wait until all is as the scene says. */
void	sem_gather(struct stage *s);
/* After the kill: wait for what must happen without any judge. */
void	sem_await(struct stage *s);
/* End all but the holder. */
void	sem_dismiss(struct stage *s);

/* kill_sem_judge.c */
void	sem_judge_while_held(struct stage *s) __attribute__((noreturn));
void	sem_judge_when_alone(struct stage *s) __attribute__((noreturn));

/* kill_msg_cast.c: the same for queues. */
const struct letter *letter_of(char mark);
/* Before any of the calls below. */
void	msg_write_letters(void);
/* Calls of this process may last so long; 0: as they like. */
void	msg_limit(long long ns);
int	msg_send(struct stage *s, int id, char mark, int flags);
/* What was received: its mark; 0 with errno.  One that is damaged is told. */
char	msg_take(struct stage *s, int id, const struct msg_call *how);
int	msg_get(struct stage *s, key_t key, int flags);
int	msg_ctl(struct stage *s, int id, int cmd, void *buf);
/* What a call gave: 0 or an errno, and what was received. */
int	msg_perform(struct stage *s, const struct msg_call *call, char *got);
unsigned msg_back(const struct stage *s);
void	msg_hold(struct stage *s);
void	msg_gather(struct stage *s);
void	msg_await(struct stage *s);
void	msg_dismiss(struct stage *s);

/* kill_msg_judge.c */
void	msg_judge_while_held(struct stage *s) __attribute__((noreturn));
void	msg_judge_when_alone(struct stage *s) __attribute__((noreturn));

/* kill_msg_room.c: of an empty queue that nobody else is in. */
void	msg_must_have_all_room(struct stage *s, int id);
/* The namespace lets queues have more bytes. */
void	msg_allow_more(void);

#endif
