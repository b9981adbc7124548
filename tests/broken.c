/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * broken.c - the implementation that a row of a kind's table describes.
 */
#include "broken.h"

#include <sys/mman.h>
#include <stdio.h>
#include <string.h>

const struct backend *right;
const struct breakage *breakage;
void *broken_shared;

static struct backend broken;
static _Atomic int *first;		/* id of the first private one, + 1 */

/* ---- errors ---- */

long
other_error(long answer)
{
	if (answer == -1 && errno == breakage->was)
		errno = breakage->is;
	return answer;
}

/* ---- get ---- */

int
get_private_once(key_t key, unsigned long size, int flags)
{
	int id;

	if (key == IPC_PRIVATE && *first != 0)
		return *first - 1;
	id = broken_kind.get(key, size, flags);
	if (key == IPC_PRIVATE)
		*first = id + 1;
	return id;
}

int
get_size_before_excl(key_t key, unsigned long size, int flags)
{
	int id = broken_kind.get(key, size, flags), error = errno;

	if (id == -1 && error == EEXIST &&
	    broken_kind.get(key, size, 0) == -1)
		return -1;
	errno = error;
	return id;
}

int
get_permission_before_size(key_t key, unsigned long size, int flags)
{
	int id = broken_kind.get(key, size, flags);

	if (id == -1 && errno == EINVAL &&
	    broken_kind.get(key, 0, flags) == -1 && errno == EACCES)
		return -1;
	if (id == -1)
		errno = EINVAL;
	return id;
}

int
get_asks_nothing(key_t key, unsigned long size, int flags)
{
	int id = broken_kind.get(key, size, flags), error = errno;

	if (id == -1 && error == EACCES)
		return broken_kind.get(key, size, flags & ~0777);
	errno = error;
	return id;
}

int
get_low_key(key_t key, unsigned long size, int flags)
{
	return broken_kind.get(key & 0xffffff, size, flags);
}

int
get_no_limit(key_t key, unsigned long size, int flags)
{
	int id = broken_kind.get(key, size, flags);

	if (id == -1 && errno == ENOSPC)
		errno = ENOMEM;
	return id;
}

static int
shmget_broken(key_t key, size_t size, int flags)
{
	return breakage->get(key, size, flags);
}

static int
semget_broken(key_t key, int nsems, int flags)
{
	return breakage->get(key, (unsigned long)nsems, flags);
}

static int
msgget_broken(key_t key, int flags)
{
	return breakage->get(key, 0, flags);
}

/* ---- what a successful ctl answers ---- */

static int
shmctl_altered(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(id, cmd, buf);

	if (answer != -1 && buf != NULL)
		breakage->alter_shm(cmd, buf);
	return answer;
}

static int
semctl_altered(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer != -1)
		breakage->alter_sem(id, cmd, arg);
	return answer;
}

static int
msgctl_altered(int id, int cmd, struct msqid_ds *buf)
{
	int answer = right->msgctl(id, cmd, buf);

	if (answer != -1)
		breakage->alter_msg(cmd, buf);
	return answer;
}

/* ---- the implementation ---- */

static int
semop_untimed(int id, struct sembuf *ops, size_t nops)
{
	return broken.semtimedop(id, ops, nops, NULL);
}

static const char *
enter_broken(void)
{
	*first = 0;
	memset((char *)broken_shared + broken_kind.lasting, 0,
	    broken_kind.memory - broken_kind.lasting);
	return right->enter();
}

#define REPLACE(call) \
	if (with->call != NULL) \
		broken.call = with->call

static void
replace_calls(const struct backend *with)
{
	REPLACE(shmget);
	REPLACE(shmat);
	REPLACE(shmdt);
	REPLACE(shmctl);
	REPLACE(semget);
	REPLACE(semctl);
	REPLACE(msgget);
	REPLACE(msgsnd);
	REPLACE(msgrcv);
	REPLACE(msgctl);
	REPLACE(ftok);
	REPLACE(limit);
	REPLACE(semtimedop);
	if (with->semtimedop != NULL)
		broken.semop = semop_untimed;
	broken.traits ^= with->traits;
	broken.enter = enter_broken;
}

static void
replace_answers(void)
{
	if (breakage->get != NULL) {
		broken.shmget = shmget_broken;
		broken.semget = semget_broken;
		broken.msgget = msgget_broken;
	}
	if (breakage->alter_shm != NULL)
		broken.shmctl = shmctl_altered;
	if (breakage->alter_sem != NULL)
		broken.semctl = semctl_altered;
	if (breakage->alter_msg != NULL)
		broken.msgctl = msgctl_altered;
}

static void *
shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

const struct backend *
broken_backend(const char *name)
{
	first = shared(sizeof(*first));
	broken_shared = shared(broken_kind.memory);
	right = right_backend();
	for (size_t i = 0; i < broken_kind.n; i++) {
		breakage = &broken_kind.rows[i];
		if (strcmp(breakage->name, name) != 0)
			continue;
		broken = *right;
		broken.name = name;
		replace_calls(&breakage->with);
		replace_answers();
		return first == NULL || broken_shared == NULL ? NULL :
		    &broken;
	}
	return NULL;
}

void
list_broken(void)
{
	for (size_t i = 0; i < broken_kind.n; i++)
		printf("%s %s\n", broken_kind.rows[i].name,
		    broken_kind.rows[i].clause);
}
