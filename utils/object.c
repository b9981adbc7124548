/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c - what every kind of object can be asked.
 */
#include "object.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

static int
shm_highest(struct mipc_ns *ns)
{
	struct shminfo info;

	return mipc_shmctl(ns, 0, IPC_INFO, (struct shmid_ds *)&info);
}

static int
shm_stat(struct mipc_ns *ns, int index, struct object *o)
{
	return mipc_shmctl(ns, index, SHM_STAT_ANY, &o->ds.shm);
}

static int
shm_find(struct mipc_ns *ns, key_t key)
{
	return mipc_shmget(ns, key, 0, 0);
}

static int
shm_remove(struct mipc_ns *ns, int id)
{
	return mipc_shmctl(ns, id, IPC_RMID, NULL);
}

static int
sem_highest(struct mipc_ns *ns)
{
	struct seminfo info;

	return mipc_semctl(ns, 0, 0, IPC_INFO,
	    (union sem_argument){ .info = &info });
}

static int
sem_stat(struct mipc_ns *ns, int index, struct object *o)
{
	return mipc_semctl(ns, index, 0, SEM_STAT_ANY,
	    (union sem_argument){ .buf = &o->ds.sem });
}

static int
sem_find(struct mipc_ns *ns, key_t key)
{
	return mipc_semget(ns, key, 0, 0);
}

static int
sem_remove(struct mipc_ns *ns, int id)
{
	return mipc_semctl(ns, id, 0, IPC_RMID);
}

static int
msg_highest(struct mipc_ns *ns)
{
	struct msginfo info;

	return mipc_msgctl(ns, 0, IPC_INFO, (struct msqid_ds *)(void *)&info);
}

static int
msg_stat(struct mipc_ns *ns, int index, struct object *o)
{
	return mipc_msgctl(ns, index, MSG_STAT_ANY, &o->ds.msg);
}

static int
msg_find(struct mipc_ns *ns, key_t key)
{
	return mipc_msgget(ns, key, 0);
}

static int
msg_remove(struct mipc_ns *ns, int id)
{
	return mipc_msgctl(ns, id, IPC_RMID, NULL);
}

const struct facility facilities[NKINDS] = {
	{ "shm", "segment", shm_highest, shm_stat, shm_find, shm_remove },
	{ "sem", "set", sem_highest, sem_stat, sem_find, sem_remove },
	{ "msg", "queue", msg_highest, msg_stat, msg_find, msg_remove },
};

struct mipc_ns *
open_existing(const char **dir, int flags)
{
	static char path[4096];

	mipc_credentials_changed();	/* and will not again: read them once */
	if (*dir == NULL) {
		if (mipc_default_dir(path, sizeof(path)) == -1)
			return NULL;
		*dir = path;
	}
	return mipc_open(*dir, flags);
}

/* By its index: that needs no permission to read it. */
int
object_stat(struct mipc_ns *ns, const struct facility *facility, int id,
    struct object *o)
{
	int found;

	o->index = id % OBJECT_INDEXES;
	found = facility->stat(ns, o->index, o);
	if (found == -1)
		return -1;
	if (found != id) {
		errno = EINVAL;
		return -1;
	}
	o->id = id;
	o->error = 0;
	return 0;
}

/*
 * Most objects are those of the one before: its name is kept, since a lookup
 * may read files or ask somebody.
 */
void
user_name(uid_t uid, char name[static NAME_SIZE])
{
	static char known[NAME_SIZE];
	static uid_t of;

	if (known[0] == '\0' || of != uid) {
		const struct passwd *pw = getpwuid(uid);

		if (pw != NULL)
			snprintf(known, NAME_SIZE, "%s", pw->pw_name);
		else
			snprintf(known, NAME_SIZE, "%u", (unsigned)uid);
		of = uid;
	}
	memcpy(name, known, NAME_SIZE);
}

void
group_name(gid_t gid, char name[static NAME_SIZE])
{
	static char known[NAME_SIZE];
	static gid_t of;

	if (known[0] == '\0' || of != gid) {
		const struct group *gr = getgrgid(gid);

		if (gr != NULL)
			snprintf(known, NAME_SIZE, "%s", gr->gr_name);
		else
			snprintf(known, NAME_SIZE, "%u", (unsigned)gid);
		of = gid;
	}
	memcpy(name, known, NAME_SIZE);
}
