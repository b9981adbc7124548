/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_death.h - the parts of the test of deaths that somebody waits for.
 *
 *	sem_death.c		the program: scenes, places, limits
 *	sem_death_stage.c	actors: they take, wait, obey, die
 *	sem_death_scene.c	who dies when, and who must go on then
 */
#ifndef SEM_DEATH_H
#define SEM_DEATH_H

#include "sem_calls.h"

#define ACTORS		8u
#define HANG		8.0	/* seconds: who has not gone on never will */

enum order { NONE, GIVE, CLOSE, EXIT, EXEC, EXEC_AND_CALL, EXEC_CLOSED };

/* An actor takes some units, or waits for them; then it obeys. */
struct actor {
	pid_t pid;
	int units, flags;
	_Atomic uint32_t has;		/* it has its units */
	double when;			/* since then */
	int error;			/* or what semop said */
	_Atomic uint32_t order;
	int number;			/* of units to be given back */
	_Atomic uint32_t obeyed;
};

/* In memory that the processes of a scene share. */
struct play {
	enum store store;
	bool apart;		/* each actor in a pid namespace of its own */
	bool for_zero;		/* they wait for that, not for units */
	bool in_threads;	/* each calls from a second thread alone */
	char dir[PATH_MAX];
	int id;
	struct rng rng;
	double worst;		/* seconds from a death to who went on */
	unsigned turns, late;	/* who went on; and after `limit` */
	double limit;
	char text[300];		/* what is wrong */
	struct actor actor[ACTORS];
};

struct scene {
	const char *name;
	unsigned flags;
	void (*play)(void);
};
#define PIDS_EQUAL	1u	/* only where pid namespaces can be made */
#define KNOWN_PLACE	2u	/* an exec'd image finds the namespace */
#define SLOWLY		4u	/* by the heartbeat, too, is soon enough */

extern const struct scene scenes[];
extern const unsigned nscenes;

extern struct play *play;

/* ---- sem_death_stage.c ---- */

/* Write down what is wrong and end the scene. */
void	must(bool good, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Make the set: one semaphore, of which there are `units`. */
void	begin(int units);
/* Start an actor that takes `units` with SEM_UNDO, or without. */
void	start(unsigned who, int units);
void	start_plain(unsigned who, int units);
/* Wait until it has them. */
void	await_has(unsigned who);
/* Wait until `n` processes wait. */
void	await_waiting(int n);
bool	has(unsigned who);
/* Let it obey and wait until it has. */
void	order(unsigned who, enum order, int number);
/* Kill it, and know when. */
double	slay(unsigned who);
/* It must go on soon after that. */
void	must_go_on(unsigned who, double since);
/* End an actor, whatever it does. */
void	dismiss(unsigned who);
/* The only one of some that has its units; waits for it. */
unsigned await_one_of(unsigned from, unsigned n);

/* What an exec'd image of this program does. */
int	exec_main(char **argv);

#endif
