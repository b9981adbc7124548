/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.c - the kernel's own objects: mipcs --kernel.
 *
 * It tells of each by its index, also of those that the caller may not read;
 * before Linux 4.17 only of the others.  What a segment takes up stands in
 * /proc/sysvipc alone.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY	15
#endif

int
any_shmctl(struct mipc_ns *ns, int id, int cmd, struct shmid_ds *ds)
{
	return ns != NULL ? mipc_shmctl(ns, id, cmd, ds) :
	    shmctl(id, cmd, ds);
}

int
any_semctl(struct mipc_ns *ns, int id, int num, int cmd,
    union sem_argument argument)
{
	return ns != NULL ? mipc_semctl(ns, id, num, cmd, argument) :
	    semctl(id, num, cmd, argument);
}

int
any_msgctl(struct mipc_ns *ns, int id, int cmd, struct msqid_ds *ds)
{
	return ns != NULL ? mipc_msgctl(ns, id, cmd, ds) :
	    msgctl(id, cmd, ds);
}

/* --- by index ---------------------------------------------------------- */

/* Of a kind: how to ask by index, whoever may read it or not. */
struct asking {
	int (*stat)(int index, int cmd, struct object *);
	int any, readable;
	int unknown;		/* the kernel does not know `any` */
};

static int
stat_shm(int index, int cmd, struct object *o)
{
	return shmctl(index, cmd, &o->ds.shm);
}

static int
stat_sem(int index, int cmd, struct object *o)
{
	return semctl(index, 0, cmd, (union sem_argument){
	    .buf = &o->ds.sem });
}

static int
stat_msg(int index, int cmd, struct object *o)
{
	return msgctl(index, cmd, &o->ds.msg);
}

static struct asking asking[NKINDS] = {
	[MIPC_SHM] = { stat_shm, SHM_STAT_ANY, SHM_STAT, 0 },
	[MIPC_SEM] = { stat_sem, SEM_STAT_ANY, SEM_STAT, 0 },
	[MIPC_MSG] = { stat_msg, MSG_STAT_ANY, MSG_STAT, 0 },
};

/* The highest index, of `used` objects; none of them answers to `any`? */
static int
settle(enum mipc_kind kind, int highest, int used)
{
	struct asking *ask = &asking[kind];
	struct object o;

	ask->unknown = highest != -1 && used > 0;
	for (int i = 0; i <= highest && ask->unknown; i++)
		ask->unknown = ask->stat(i, ask->any, &o) == -1;
	return highest;
}

static int
by_index(enum mipc_kind kind, int index, struct object *o)
{
	const struct asking *ask = &asking[kind];

	return ask->stat(index, ask->unknown ? ask->readable : ask->any, o);
}

static int
shm_highest(struct mipc_ns *ns)
{
	struct shm_info info = { .used_ids = 0 };
	const int highest = any_shmctl(ns, 0, SHM_INFO,
	    (struct shmid_ds *)(void *)&info);

	return settle(MIPC_SHM, highest, info.used_ids);
}

static int
shm_stat(struct mipc_ns *ns, int index, struct object *o)
{
	(void)ns;
	return by_index(MIPC_SHM, index, o);
}

static int
shm_find(struct mipc_ns *ns, key_t key)
{
	(void)ns;
	return shmget(key, 0, 0);
}

static int
sem_highest(struct mipc_ns *ns)
{
	struct seminfo info = { .semusz = 0 };
	const int highest = any_semctl(ns, 0, 0, SEM_INFO,
	    (union sem_argument){ .info = &info });

	return settle(MIPC_SEM, highest, info.semusz);
}

static int
sem_stat(struct mipc_ns *ns, int index, struct object *o)
{
	(void)ns;
	return by_index(MIPC_SEM, index, o);
}

static int
sem_find(struct mipc_ns *ns, key_t key)
{
	(void)ns;
	return semget(key, 0, 0);
}

static int
msg_highest(struct mipc_ns *ns)
{
	struct msginfo info = { .msgpool = 0 };
	const int highest = any_msgctl(ns, 0, MSG_INFO,
	    (struct msqid_ds *)(void *)&info);

	return settle(MIPC_MSG, highest, info.msgpool);
}

static int
msg_stat(struct mipc_ns *ns, int index, struct object *o)
{
	(void)ns;
	return by_index(MIPC_MSG, index, o);
}

static int
msg_find(struct mipc_ns *ns, key_t key)
{
	(void)ns;
	return msgget(key, 0);
}

const struct facility kernel_facilities[NKINDS] = {
	{ "shm", "segment", shm_highest, shm_stat, shm_find, NULL },
	{ "sem", "set", sem_highest, sem_stat, sem_find, NULL },
	{ "msg", "queue", msg_highest, msg_stat, msg_find, NULL },
};

/* --- a segment --------------------------------------------------------- */

/* The place of a heading among those of a line; -1: it is not there. */
static int
place_of(const char *line, const char *heading)
{
	const size_t length = strlen(heading);
	int place = 0;

	for (line += strspn(line, " "); *line != '\0' && *line != '\n';
	    place++) {
		const size_t n = strcspn(line, " \n");

		if (n == length && strncmp(line, heading, n) == 0)
			return place;
		line += n + strspn(line + n, " ");
	}
	return -1;
}

/* The number at a place of a line; 0: there is none. */
static unsigned long long
number_at(const char *line, int place)
{
	line += strspn(line, " ");
	for (int i = 0; i < place; i++) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	return place == -1 ? 0 : strtoull(line, NULL, 10);
}

/* /proc/sysvipc/shm, and where in its lines is what. */
struct listing {
	FILE *file;
	int id, rss, swap;
};

/* What the line of a segment says, of those behind the last one asked for. */
static int
next_used(const struct listing *l, int id, unsigned long long *used)
{
	char line[512];

	while (fgets(line, sizeof(line), l->file) != NULL)
		if ((int)number_at(line, l->id) == id) {
			*used = number_at(line, l->rss) +
			    number_at(line, l->swap);
			return 1;
		}
	return 0;
}

/*
 * Bytes in memory and in swap space.  Segments are asked for in the order of
 * their lines: so the file, which stays open, is read once.
 */
static unsigned long long
bytes_used(int id)
{
	static struct listing l;
	unsigned long long used = 0;
	char line[512];

	if (l.file == NULL)
		l.file = fopen("/proc/sysvipc/shm", "re");
	if (l.file == NULL || (l.rss != 0 && next_used(&l, id, &used)))
		return used;
	rewind(l.file);
	if (fgets(line, sizeof(line), l.file) == NULL)
		return 0;
	l.id = place_of(line, "shmid");
	l.rss = place_of(line, "rss");
	l.swap = place_of(line, "swap");
	next_used(&l, id, &used);
	return used;
}

/* The command line of whatever process has the number. */
static void
find_process(struct mipc_look_process *p)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	p->alive = 1;
	n = read(fd, p->command, sizeof(p->command) - 1);
	close(fd);
	for (ssize_t i = 0; i < n - 1; i++)
		if (p->command[i] == '\0')
			p->command[i] = ' ';
}

int
kernel_look(struct object *o)
{
	if (o->error != 0 || o->kind != MIPC_SHM)
		return 0;
	o->look = calloc(1, sizeof(*o->look));
	if (o->look == NULL)
		return -1;
	o->look->used = bytes_used(o->id);
	o->look->creator.pid = o->ds.shm.shm_cpid;
	find_process(&o->look->creator);
	return 0;
}
