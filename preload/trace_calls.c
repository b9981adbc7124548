/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_calls.c - each call's arguments and result, as strace(1) shows them.
 *
 * A structure is shown when the call has returned, so that what it was told
 * is seen; what cannot be read any more is shown by its address.  Of what was
 * received, as much is shown as came.
 */
#include "trace.h"

#include "commands.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <string.h>

#define WORD(name)	{ name, #name }

enum { MOST_OPERATIONS = 32 };	/* shown; strace's number */

static const struct trace_word get_flags[] = {
	WORD(IPC_CREAT), WORD(IPC_EXCL), { 0, NULL }
};
static const struct trace_word shm_get_flags[] = {
	WORD(IPC_CREAT), WORD(IPC_EXCL), WORD(SHM_HUGETLB),
	WORD(SHM_NORESERVE), { 0, NULL }
};
static const struct trace_word at_flags[] = {
	WORD(SHM_RDONLY), WORD(SHM_RND), WORD(SHM_REMAP), WORD(SHM_EXEC),
	{ 0, NULL }
};
static const struct trace_word op_flags[] = {
	WORD(SEM_UNDO), WORD(IPC_NOWAIT), { 0, NULL }
};
static const struct trace_word msg_flags[] = {
	WORD(MSG_NOERROR), WORD(MSG_EXCEPT), WORD(MSG_COPY), WORD(IPC_NOWAIT),
	{ 0, NULL }
};
static const struct trace_word shm_commands[] = {
	WORD(IPC_RMID), WORD(IPC_SET), WORD(IPC_STAT), WORD(IPC_INFO),
	WORD(SHM_STAT), WORD(SHM_INFO), WORD(SHM_STAT_ANY), WORD(SHM_LOCK),
	WORD(SHM_UNLOCK), { 0, NULL }
};
static const struct trace_word sem_commands[] = {
	WORD(IPC_RMID), WORD(IPC_SET), WORD(IPC_STAT), WORD(IPC_INFO),
	WORD(SEM_STAT), WORD(SEM_INFO), WORD(SEM_STAT_ANY), WORD(GETPID),
	WORD(GETVAL), WORD(GETALL), WORD(GETNCNT), WORD(GETZCNT),
	WORD(SETVAL), WORD(SETALL), { 0, NULL }
};
static const struct trace_word msg_commands[] = {
	WORD(IPC_RMID), WORD(IPC_SET), WORD(IPC_STAT), WORD(IPC_INFO),
	WORD(MSG_STAT), WORD(MSG_INFO), WORD(MSG_STAT_ANY), { 0, NULL }
};

/* --- arguments --------------------------------------------------------- */

static void
add_comma(struct trace_line *line)
{
	trace_text(line, ", ");
}

/* ", name=", or without the comma for the first of a structure. */
static void
add_field(struct trace_line *line, const char *name, unsigned long long value)
{
	if (line->text[line->used - 1] != '{')
		add_comma(line);
	trace_text(line, name);
	trace_text(line, "=");
	trace_unsigned(line, value);
}

static void
add_signed(struct trace_line *line, const char *name, long long value)
{
	if (line->text[line->used - 1] != '{')
		add_comma(line);
	trace_text(line, name);
	trace_text(line, "=");
	trace_number(line, value);
}

static void
add_key(struct trace_line *line, key_t key)
{
	if (key == IPC_PRIVATE)
		trace_text(line, "IPC_PRIVATE");
	else
		trace_hex(line, (uint32_t)key);
}

/* The mode stands last, and always. */
static void
add_get_flags(struct trace_line *line, int flags, const struct trace_word *w)
{
	if ((flags & ~0777) != 0) {
		trace_flags(line, (unsigned)flags & ~0777u, w);
		trace_text(line, "|");
	}
	trace_mode(line, (unsigned)flags & 0777);
}

static void
add_perm(struct trace_line *line, const char *name,
    const struct ipc_perm *perm, bool whole)
{
	trace_text(line, "{");
	trace_text(line, name);
	trace_text(line, "={");
	add_field(line, "uid", perm->uid);
	add_field(line, "gid", perm->gid);
	trace_text(line, ", mode=");
	trace_mode(line, perm->mode);
	if (whole) {
		add_signed(line, "key", perm->__key);
		add_field(line, "cuid", perm->cuid);
		add_field(line, "cgid", perm->cgid);
	}
	trace_text(line, "}");
}

/* True if a structure can be shown; else its address is. */
static bool
can_show(struct trace_line *line, const void *at, size_t size)
{
	if (at != NULL && preload_readable(at, size))
		return true;
	trace_pointer(line, at);
	return false;
}

static void
add_time(struct trace_line *line, const struct timespec *time)
{
	struct timespec copy;

	if (!can_show(line, time, sizeof(copy)))
		return;
	copy = *time;
	trace_text(line, "{");
	add_signed(line, "tv_sec", copy.tv_sec);
	add_signed(line, "tv_nsec", copy.tv_nsec);
	trace_text(line, "}");
}

/* --- segments ---------------------------------------------------------- */

void
trace_shmget(key_t key, size_t size, int flags, int result)
{
	struct trace_line line;

	trace_begin(&line, "shmget");
	add_key(&line, key);
	add_comma(&line);
	trace_unsigned(&line, size);
	add_comma(&line);
	add_get_flags(&line, flags, shm_get_flags);
	trace_end(&line, result);
}

void
trace_shmat(int id, const void *at, int flags, const void *result)
{
	struct trace_line line;

	trace_begin(&line, "shmat");
	trace_number(&line, id);
	add_comma(&line);
	trace_pointer(&line, at);
	add_comma(&line);
	trace_flags(&line, flags, at_flags);
	trace_end_pointer(&line, result);
}

void
trace_shmdt(const void *at, int result)
{
	struct trace_line line;

	trace_begin(&line, "shmdt");
	trace_pointer(&line, at);
	trace_end(&line, result);
}

static void
add_segment(struct trace_line *line, const struct shmid_ds *at, bool whole)
{
	struct shmid_ds ds;

	if (!can_show(line, at, sizeof(ds)))
		return;
	ds = *at;
	add_perm(line, "shm_perm", &ds.shm_perm, whole);
	if (whole) {
		add_field(line, "shm_segsz", ds.shm_segsz);
		add_signed(line, "shm_cpid", ds.shm_cpid);
		add_signed(line, "shm_lpid", ds.shm_lpid);
		add_field(line, "shm_nattch", ds.shm_nattch);
		add_signed(line, "shm_atime", ds.shm_atime);
		add_signed(line, "shm_dtime", ds.shm_dtime);
		add_signed(line, "shm_ctime", ds.shm_ctime);
	}
	trace_text(line, "}");
}

void
trace_shmctl(int id, int cmd, const void *at, int result)
{
	bool tells = cmd == IPC_STAT || cmd == SHM_STAT || cmd == SHM_STAT_ANY;
	struct trace_line line;

	trace_begin(&line, "shmctl");
	trace_number(&line, id);
	add_comma(&line);
	trace_choice(&line, cmd, shm_commands, "SHM_???");
	add_comma(&line);
	if (cmd == IPC_SET || (tells && result != -1))
		add_segment(&line, at, tells);
	else
		trace_pointer(&line, at);
	trace_end(&line, result);
}

/* --- sets -------------------------------------------------------------- */

void
trace_semget(key_t key, int nsems, int flags, int result)
{
	struct trace_line line;

	trace_begin(&line, "semget");
	add_key(&line, key);
	add_comma(&line);
	trace_number(&line, nsems);
	add_comma(&line);
	add_get_flags(&line, flags, get_flags);
	trace_end(&line, result);
}

static void
add_operations(struct trace_line *line, const struct sembuf *ops, size_t nops)
{
	size_t shown = nops < MOST_OPERATIONS ? nops : MOST_OPERATIONS;
	struct sembuf op;

	if (shown == 0) {
		trace_text(line, ops == NULL ? "NULL" : "[]");
		return;
	}
	if (!can_show(line, ops, shown * sizeof(op)))
		return;
	trace_text(line, "[");
	for (size_t i = 0; i < shown; i++) {
		op = ops[i];
		trace_text(line, i > 0 ? ", {" : "{");
		add_field(line, "sem_num", op.sem_num);
		add_signed(line, "sem_op", op.sem_op);
		trace_text(line, ", sem_flg=");
		trace_flags(line, op.sem_flg, op_flags);
		trace_text(line, "}");
	}
	trace_text(line, nops > shown ? ", ...]" : "]");
}

static void
begin_semop(struct trace_line *line, const char *call, int id,
    const struct sembuf *ops, size_t nops)
{
	trace_begin(line, call);
	trace_number(line, id);
	add_comma(line);
	add_operations(line, ops, nops);
	add_comma(line);
	trace_unsigned(line, nops);
}

void
trace_semop(int id, const struct sembuf *ops, size_t nops, int result)
{
	struct trace_line line;

	begin_semop(&line, "semop", id, ops, nops);
	trace_end(&line, result);
}

void
trace_semtimedop(int id, const struct sembuf *ops, size_t nops,
    const struct timespec *timeout, int result)
{
	struct trace_line line;

	begin_semop(&line, "semtimedop", id, ops, nops);
	add_comma(&line);
	add_time(&line, timeout);
	trace_end(&line, result);
}

static void
add_set(struct trace_line *line, const struct semid_ds *at, bool whole)
{
	struct semid_ds ds;

	if (!can_show(line, at, sizeof(ds)))
		return;
	ds = *at;
	add_perm(line, "sem_perm", &ds.sem_perm, whole);
	if (whole) {
		add_signed(line, "sem_otime", ds.sem_otime);
		add_signed(line, "sem_ctime", ds.sem_ctime);
		add_field(line, "sem_nsems", ds.sem_nsems);
	}
	trace_text(line, "}");
}

void
trace_semctl(int id, int number, int cmd, const void *argument, int result)
{
	bool tells = cmd == IPC_STAT || cmd == SEM_STAT || cmd == SEM_STAT_ANY;
	struct trace_line line;

	trace_begin(&line, "semctl");
	trace_number(&line, id);
	add_comma(&line);
	trace_number(&line, number);
	add_comma(&line);
	trace_choice(&line, cmd, sem_commands, "SEM_???");
	add_comma(&line);
	if (cmd == IPC_SET || (tells && result != -1))
		add_set(&line, argument, tells);
	else if (cmd == SETVAL)
		trace_hex(&line, (uint32_t)(uintptr_t)argument);
	else
		trace_pointer(&line, argument);
	trace_end(&line, result);
}

/* --- queues ------------------------------------------------------------ */

void
trace_msgget(key_t key, int flags, int result)
{
	struct trace_line line;

	trace_begin(&line, "msgget");
	add_key(&line, key);
	add_comma(&line);
	add_get_flags(&line, flags, get_flags);
	trace_end(&line, result);
}

static void
add_message(struct trace_line *line, const char *at, size_t size)
{
	long type;

	if (size > SIZE_MAX - sizeof(type)) {
		trace_pointer(line, at);
		return;
	}
	if (!can_show(line, at, sizeof(type) + size))
		return;
	memcpy(&type, at, sizeof(type));
	trace_text(line, "{");
	add_signed(line, "mtype", type);
	trace_text(line, ", mtext=");
	trace_bytes(line, at + sizeof(type), size);
	trace_text(line, "}");
}

void
trace_msgsnd(int id, const void *message, size_t size, int flags, int result)
{
	struct trace_line line;

	trace_begin(&line, "msgsnd");
	trace_number(&line, id);
	add_comma(&line);
	add_message(&line, message, size);
	add_comma(&line);
	trace_unsigned(&line, size);
	add_comma(&line);
	trace_flags(&line, flags, msg_flags);
	trace_end(&line, result);
}

void
trace_msgrcv(int id, const struct trace_receipt *call, ssize_t result)
{
	struct trace_line line;

	trace_begin(&line, "msgrcv");
	trace_number(&line, id);
	add_comma(&line);
	if (result == -1)
		trace_pointer(&line, call->message);
	else
		add_message(&line, call->message, (size_t)result);
	add_comma(&line);
	trace_unsigned(&line, call->size);
	add_comma(&line);
	trace_number(&line, call->type);
	add_comma(&line);
	trace_flags(&line, call->flags, msg_flags);
	trace_end(&line, result);
}

static void
add_queue(struct trace_line *line, const struct msqid_ds *at, bool whole)
{
	struct msqid_ds ds;

	if (!can_show(line, at, sizeof(ds)))
		return;
	ds = *at;
	add_perm(line, "msg_perm", &ds.msg_perm, whole);
	if (whole) {
		add_signed(line, "msg_stime", ds.msg_stime);
		add_signed(line, "msg_rtime", ds.msg_rtime);
		add_signed(line, "msg_ctime", ds.msg_ctime);
		add_field(line, "msg_qnum", ds.msg_qnum);
	}
	add_field(line, "msg_qbytes", ds.msg_qbytes);
	if (whole) {
		add_signed(line, "msg_lspid", ds.msg_lspid);
		add_signed(line, "msg_lrpid", ds.msg_lrpid);
	}
	trace_text(line, "}");
}

void
trace_msgctl(int id, int cmd, const void *at, int result)
{
	bool tells = cmd == IPC_STAT || cmd == MSG_STAT || cmd == MSG_STAT_ANY;
	struct trace_line line;

	trace_begin(&line, "msgctl");
	trace_number(&line, id);
	add_comma(&line);
	trace_choice(&line, cmd, msg_commands, "MSG_???");
	add_comma(&line);
	if (cmd == IPC_SET || (tells && result != -1))
		add_queue(&line, at, tells);
	else
		trace_pointer(&line, at);
	trace_end(&line, result);
}
