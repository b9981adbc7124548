/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_calls.c - the calls of queues as the tests make them, and
 * children that sleep in one.
 */
#include "check_msg.h"

#include <signal.h>
#include <string.h>

/* ---- calls that may fail ---- */

int
control(int id, int cmd)
{
	return ipc->msgctl(id, cmd, NULL);
}

int
control_buf(int id, int cmd, struct msqid_ds *buf)
{
	return ipc->msgctl(id, cmd, buf);
}

int
try_put(int id, long type, const char *text)
{
	struct message m = { .type = type };
	size_t size = strlen(text);

	must(size <= MSGMAX);
	memcpy(m.text, text, size);
	return ipc->msgsnd(id, &m, size, IPC_NOWAIT);
}

int
try_put_bytes(int id, long type, size_t size, int flags)
{
	struct message m = { .type = type };

	must(size <= sizeof(m.text));
	fill(m.text, size, (unsigned)type);
	return ipc->msgsnd(id, &m, size, flags);
}

ssize_t
take(int id, struct message *m, size_t size, long type, int flags)
{
	return ipc->msgrcv(id, m, size, type, flags);
}

/* ---- calls that must succeed ---- */

int
make_mode(int mode)
{
	int id = ipc->msgget(IPC_PRIVATE, IPC_CREAT | mode);

	must(id != -1);
	return id;
}

int
make_queue(void)
{
	return make_mode(0600);
}

void
remove_queue(int id)
{
	must_eq(control(id, IPC_RMID), 0);
}

void
put(int id, long type, const char *text)
{
	must_eq(try_put(id, type, text), 0);
}

void
put_all(int id, const char *letters)
{
	for (long type = 1; *letters != '\0'; letters++, type++)
		put(id, type, (char[]){ *letters, '\0' });
}

void
put_bytes(int id, long type, size_t size)
{
	must_eq(try_put_bytes(id, type, size, IPC_NOWAIT), 0);
}

struct msqid_ds
stat_of(int id)
{
	struct msqid_ds ds;

	memset(&ds, 0xa5, sizeof(ds));
	must_eq(control_buf(id, IPC_STAT, &ds), 0);
	return ds;
}

/* The queue's answer goes to what the caller says is a msqid_ds. */
static int
ask(int cmd, struct msginfo *answer)
{
	union {
		struct msqid_ds ds;
		struct msginfo info;
	} room;
	int highest;

	memset(&room, 0xa5, sizeof(room));
	highest = control_buf(0, cmd, &room.ds);
	*answer = room.info;
	return highest;
}

struct msginfo
info(int cmd)
{
	struct msginfo answer;

	must(ask(cmd, &answer) != -1);
	return answer;
}

int
top(int cmd)
{
	struct msginfo answer;

	return ask(cmd, &answer);
}

int
try_qbytes(int id, unsigned long qbytes)
{
	struct msqid_ds ds = stat_of(id);

	ds.msg_qbytes = qbytes;
	return control_buf(id, IPC_SET, &ds);
}

void
set_qbytes(int id, unsigned long qbytes)
{
	must_eq(try_qbytes(id, qbytes), 0);
	must_eq(stat_of(id).msg_qbytes, qbytes);
}

/* ---- what must be ---- */

void
must_take(int id, long type, int flags, long got, const char *text)
{
	struct message m = { .type = -4711 };
	ssize_t n = take(id, &m, MSGMAX, type, flags | IPC_NOWAIT);

	must_eq(n, strlen(text));
	must_eq(m.type, got);
	if (memcmp(m.text, text, strlen(text)) != 0)
		testing_fail(__FILE__, __LINE__,
		    "type %ld gives \"%.*s\", not \"%s\"", type, (int)n,
		    m.text, text);
}

void
must_find_none(int id, long type, int flags)
{
	struct message m;

	must_error(take(id, &m, MSGMAX, type, flags | IPC_NOWAIT), ENOMSG);
}

void
must_drain(int id, const char *letters)
{
	char found[200] = "";
	struct message m;
	size_t n = 0;
	ssize_t size;

	while ((size = take(id, &m, MSGMAX, 0, IPC_NOWAIT)) != -1) {
		must(n < sizeof(found) - 1);
		found[n++] = size > 0 ? m.text[0] : '-';
	}
	must_eq(errno, ENOMSG);
	if (strcmp(found, letters) != 0)
		testing_fail(__FILE__, __LINE__,
		    "the queue held \"%s\", not \"%s\"", found, letters);
	must_be(id, 0, 0);
}

void
must_be(int id, unsigned long qnum, unsigned long cbytes)
{
	struct msqid_ds ds = stat_of(id);

	must_eq(ds.msg_qnum, qnum);
	must_eq(ds.msg_cbytes, cbytes);
}

void
must_be_gone(int id)
{
	struct msqid_ds ds;
	struct message m;

	must_error(control_buf(id, IPC_STAT, &ds), EINVAL);
	must_error(control(id, IPC_RMID), EINVAL);
	must_error(try_put(id, 1, "x"), EINVAL);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT), EINVAL);
	must_error(take(id, &m, 1, 0, 0), EINVAL);
}

/* ---- bytes ---- */

static char
byte_at(size_t i, unsigned seed)
{
	return (char)(i * 31 + i / 251 + seed * 7 + 1);
}

void
fill(char *text, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		text[i] = byte_at(i, seed);
}

void
must_be_filled(const char *text, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] != byte_at(i, seed))
			testing_fail(__FILE__, __LINE__,
			    "byte %zu of %zu is another's", i, size);
}

/* ---- time ---- */

time_t
await_next_second(void)
{
	const struct timespec slice = { .tv_nsec = 5000000 };
	time_t then = time(NULL);

	while (time(NULL) == then)
		nanosleep(&slice, NULL);
	return time(NULL);
}

long long
now_ns(void)
{
	struct timespec t;

	must_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ---- sleepers ---- */

static pid_t sleeping[MOST];

static ssize_t
call_send(const struct sleeper *s, struct message *m)
{
	m->type = s->type;
	memset(m->text, s->letter, s->size);
	if (s->timeout != NULL)
		return ipc->msgtimedsnd(s->id, m, s->size, s->flags,
		    s->timeout);
	return ipc->msgsnd(s->id, m, s->size, s->flags);
}

static ssize_t
call_receive(const struct sleeper *s, struct message *m)
{
	if (s->timeout != NULL)
		return ipc->msgtimedrcv(s->id, m, s->size, s->type,
		    s->flags, s->timeout);
	return take(s->id, m, s->size, s->type, s->flags);
}

static void
sleep_in_call(void *arg)
{
	const struct sleeper *s = arg;
	struct message m = { .type = -4711 };
	ssize_t n;

	if (s->before != NULL)
		s->before();
	board->value[CALLS + s->who] = 1;
	n = s->sends ? call_send(s, &m) : call_receive(s, &m);
	if (n != -1) {
		board->value[GOT_TYPE + s->who] = m.type;
		board->value[GOT_SIZE + s->who] = n;
		board->value[GOT_LETTER + s->who] = n > 0 ? m.text[0] : '-';
	}
	board->value[s->who] = n == -1 ? -errno : DONE;
	await(END);
}

pid_t
start_sleeper(const struct sleeper *s)
{
	struct sleeper copy = *s;
	pid_t pid;

	must(s->who >= 0 && s->who < MOST);
	board->value[s->who] = board->value[CALLS + s->who] = 0;
	pid = s->as == NULL ? spawn(BY_FORK, sleep_in_call, &copy) :
	    spawn_as(s->as, sleep_in_call, &copy);
	sleeping[s->who] = pid;
	await_value(CALLS + s->who, 1);
	await_sleep(pid);
	return pid;
}

pid_t
receiver_of(int who, int id, long type, size_t size, int flags)
{
	return start_sleeper(&(struct sleeper){ .who = who, .id = id,
	    .type = type, .size = size, .flags = flags });
}

pid_t
receiver(int who, int id, long type)
{
	return receiver_of(who, id, type, MSGMAX, 0);
}

pid_t
sender(int who, int id, long type, char letter, size_t size)
{
	return start_sleeper(&(struct sleeper){ .who = who, .id = id,
	    .sends = true, .type = type, .letter = letter, .size = size });
}

pid_t
pid_of(int who)
{
	return sleeping[who];
}

void
must_end(int who, long long result)
{
	while (board->value[who] == 0)
		await_turn();
	if (board->value[who] != result)
		testing_fail(__FILE__, __LINE__,
		    "sleeper %d ends with %lld, not %lld", who,
		    board->value[who], result);
}

void
must_receive(int who, long type, char letter)
{
	must_end(who, DONE);
	if (board->value[GOT_TYPE + who] != type ||
	    board->value[GOT_LETTER + who] != letter)
		testing_fail(__FILE__, __LINE__,
		    "%d gets %c of type %lld, not %c of type %ld", who,
		    (int)board->value[GOT_LETTER + who],
		    board->value[GOT_TYPE + who], letter, type);
}

void
must_sleep(int who)
{
	await_sleep(sleeping[who]);
	if (board->value[who] != 0)
		testing_fail(__FILE__, __LINE__,
		    "sleeper %d ended with %lld", who, board->value[who]);
}

void
kill_sleeper(int who)
{
	kill_and_reap(sleeping[who]);
	sleeping[who] = 0;
}

void
end_sleepers(void)
{
	reach(END);
	for (int i = 0; i < MOST; i++)
		if (sleeping[i] != 0)
			finish(sleeping[i]);
	memset(sleeping, 0, sizeof(sleeping));
}
