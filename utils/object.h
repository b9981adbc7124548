/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.h - segments, sets and queues, for what treats them alike.
 */
#ifndef MIPC_OBJECT_H
#define MIPC_OBJECT_H

#include "mipc.h"

/* Older headers lack them. */
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY	20
#endif
#ifndef MSG_INFO
#define MSG_INFO	12
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY	13
#endif

/* semctl(2)'s fourth argument, which no header declares. */
union sem_argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* Bits of kinds, in the order of facilities[]. */
enum { OF_SHM = 01, OF_SEM = 02, OF_MSG = 04 };

enum { NKINDS = 3 };

/* An identifier is a sequence number times this, plus an index. */
enum { OBJECT_INDEXES = 32768 };

/*
 * An object as it is shown; `error` says why the rest is not known.  `holder`
 * has its lock, since `held`, which is 0 if nobody has; `changing`: it did so
 * each time that it was read, or somebody stopped amidst it.
 */
struct object {
	enum mipc_kind kind;
	int index;
	int id;
	int error;
	struct mipc_ns *ns;		/* where it is */
	int changing;
	pid_t holder;
	time_t held;
	struct mipc_look_object *look;	/* NULL: unknown, or not needed */
	union {
		struct ipc_perm perm;	/* is the first of each */
		struct shmid_ds shm;
		struct semid_ds sem;
		struct msqid_ds msg;
	} ds;
};

/* The calls of a kind of objects; each returns -1 with errno if it fails. */
struct facility {
	const char *name;	/* "shm" */
	const char *one;	/* "segment" */
	int (*highest)(struct mipc_ns *);	/* index in use; 0: or none */
	/* The identifier of what an index has, whose ds is written. */
	int (*stat)(struct mipc_ns *, int index, struct object *);
	/* The identifier of what has a key. */
	int (*find)(struct mipc_ns *, key_t);
	int (*remove)(struct mipc_ns *, int id);
};

extern const struct facility facilities[NKINDS];

/*
 * Open the namespace of a directory, which must be there, with flags of
 * mipc_open(); *dir is NULL for
 * the default one, and is then its name afterwards, unless even that cannot
 * be told.  NULL with errno.
 */
struct mipc_ns *open_existing(const char **dir, int flags);

/* The object with an identifier.  Returns 0, or -1 with errno. */
int	object_stat(struct mipc_ns *, const struct facility *, int id,
	    struct object *);

/* The name of a user or a group, else the number. */
enum { NAME_SIZE = 64 };
void	user_name(uid_t, char name[static NAME_SIZE]);
void	group_name(gid_t, char name[static NAME_SIZE]);

#endif
