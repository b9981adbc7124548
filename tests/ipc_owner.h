/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_owner.h - one object of each kind, alike, and what somebody may do to
 * them.
 */
#ifndef IPC_OWNER_H
#define IPC_OWNER_H

#include <sys/ipc.h>
#include <sys/types.h>
#include <stdbool.h>

enum { SHM, SEM, MSG, KINDS };

struct trio {
	key_t key;
	uid_t uid;
	gid_t gid;
	int mode;
	int id[KINDS];
};

/* As in a class's bits of a mode, where the last means to own the object. */
enum { MAY_READ = 4, MAY_WRITE = 2, OWNS = 1 };

/* Make all three, and give them their owner and mode; it must succeed. */
void	trio_make(struct trio *);
void	trio_remove(const struct trio *);
/* By its key: its identifiers; and whatever of it is there goes. */
void	trio_find(struct trio *);
void	trio_clear(key_t);
/* IPC_SET to what it says, IPC_STAT or IPC_RMID of one of them. */
int	trio_control(const struct trio *, int kind, int cmd);

/*
 * Every call of the twelve that judges: what these rights allow succeeds, and
 * the others are refused with the errno they should be.  Says what is not so.
 */
bool	trio_grants(const struct trio *, int rights);

/* The same calls, of which it only says what they come to. */
void	trio_tell(const char *who, const struct trio *);

#endif
