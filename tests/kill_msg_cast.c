/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_msg_cast.c - who takes part in a scene of queues besides the victim,
 * and the letters that they write.
 *
 * A holder makes the queues and lives on; sleepers wait, to send or to
 * receive; a helper lets the victim go on, or kills it, as soon as it sleeps.
 * As with sets, none of them makes a call while the victim is stepped.
 */
#include "kill.h"

#include <sys/msg.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

#define PATIENCE	30.0
#define AT_ONCE		0.025	/* who is woken comes back, mostly */
#define LATE		0.3	/* it may have been a heartbeat */
#define SOON		10.0	/* ... on a machine that has more to do */

/* ---- letters ---- */

struct message {
	long type;
	char text[8192];
};

static const struct letter letters[] = {
	{ 'a', 1, 40 }, { 'b', 2, 40 }, { 'c', 3, 40 }, { 'v', 2, 45 },
	{ 'L', 4, 8192 }, { 'V', 2, 8100 }, { 'p', 7, 2000 },
	/* For those who wait, by what they want. */
	{ '1', 1, 1 }, { '2', 2, 1 }, { '3', 3, 1 }, { '9', 9, 1 },
};

const struct letter *
letter_of(char mark)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].mark == mark)
			return &letters[i];
	return NULL;
}

static char
byte_of(char mark, size_t i)
{
	return i == 0 ? mark : (char)(mark * 31 + (int)i * 7 + (int)(i / 97));
}

/* Each is written once, and not while somebody is stepped. */
static struct message written[sizeof(letters) / sizeof(letters[0])];

void
msg_write_letters(void)
{
	for (size_t n = 0; n < sizeof(letters) / sizeof(letters[0]); n++) {
		written[n].type = letters[n].type;
		for (size_t i = 0; i < letters[n].size; i++)
			written[n].text[i] = byte_of(letters[n].mark, i);
	}
}

static struct timespec limit;
static bool limited;

void
msg_limit(long long ns)
{
	limited = ns != 0;
	limit = (struct timespec){ .tv_sec = ns / 1000000000,
	    .tv_nsec = ns % 1000000000 };
}

int
msg_send(struct stage *s, int id, char mark, int flags)
{
	const struct letter *letter = letter_of(mark);
	const struct message *m = &written[letter - letters];

	if (s->kernel)
		return msgsnd(id, m, letter->size, flags);
	return limited ?
	    mipc_msgtimedsnd(sets_ns(), id, m, letter->size, flags, &limit) :
	    mipc_msgsnd(sets_ns(), id, m, letter->size, flags);
}

static ssize_t
receive(struct stage *s, int id, struct message *m,
    const struct msg_call *how, int flags)
{
	if (s->kernel)
		return msgrcv(id, m, how->room, how->type, flags);
	return limited ? mipc_msgtimedrcv(sets_ns(), id, m, how->room,
	    how->type, flags, &limit) :
	    mipc_msgrcv(sets_ns(), id, m, how->room, how->type, flags);
}

char
msg_take(struct stage *s, int id, const struct msg_call *how)
{
	const int flags = how->flags |
	    (how->what == COPY ? MSG_COPY | IPC_NOWAIT : 0);
	const struct letter *letter;
	struct message m;
	ssize_t n;

	n = receive(s, id, &m, how, flags);
	if (n == -1)
		return 0;
	letter = letter_of(m.text[0]);
	if (letter == NULL || letter->type != m.type ||
	    letter->size != (size_t)n)
		stage_tell(s, "a message of type %ld and %zd bytes comes from "
		    "nowhere", m.type, n);
	if (memcmp(m.text, written[letter - letters].text, letter->size) != 0)
		stage_tell(s, "message %c is damaged", letter->mark);
	return letter->mark;
}

/* ---- other calls ---- */

int
msg_get(struct stage *s, key_t key, int flags)
{
	return s->kernel ? msgget(key, flags) :
	    mipc_msgget(sets_ns(), key, flags);
}

int
msg_ctl(struct stage *s, int id, int cmd, void *buf)
{
	return s->kernel ? msgctl(id, cmd, buf) :
	    mipc_msgctl(sets_ns(), id, cmd, buf);
}

int
msg_perform(struct stage *s, const struct msg_call *call, char *got)
{
	*got = 0;
	errno = 0;
	if (call->what == SEND)
		return msg_send(s, s->target, call->mark, call->flags) == 0 ?
		    0 : errno;
	*got = msg_take(s, s->target, call);
	return *got != 0 ? 0 : errno;
}

/* ---- the holder ---- */

static void
make_target(struct stage *s)
{
	const struct msg_scene *scene = s->scene->queues;
	const struct msg_call none = { TAKE, 0, 1000, IPC_NOWAIT, 1 };
	const struct msg_call page = { TAKE, 0, 7, IPC_NOWAIT, 8192 };
	struct msqid_ds ds;

	if (scene->pages && !s->kernel)
		msg_allow_more();
	s->target = msg_get(s, KEY_TARGET, IPC_CREAT | 0600);
	if (s->target == -1 || msg_ctl(s, s->target, IPC_STAT, &ds) == -1)
		stage_tell(s, "set-up: msgget");
	ds.msg_qbytes = scene->qbytes;
	if (scene->qbytes != 0 && msg_ctl(s, s->target, IPC_SET, &ds) == -1)
		stage_tell(s, "set-up: IPC_SET");
	for (const char *p = scene->start; p != NULL && *p != '\0'; p++)
		if (msg_send(s, s->target, *p, IPC_NOWAIT) == -1)
			stage_tell(s, "set-up: msgsnd");
	for (unsigned i = 0; scene->pages && !s->kernel && i < TRIM_PAGES; i++)
		if (msg_send(s, s->target, 'p', IPC_NOWAIT) == -1)
			stage_tell(s, "set-up: msgsnd of a page");
	while (scene->pages && msg_take(s, s->target, &page) != 0)
		;
	if (scene->indexed && msg_take(s, s->target, &none) != 0)
		stage_tell(s, "set-up: msgrcv");
}

void
msg_hold(struct stage *s)
{
	msg_write_letters();
	if (!s->anonymous && !s->kernel && !sets_make(DIRECTORY, s->dir))
		stage_tell(s, "set-up: no namespace");
	s->bystander = msg_get(s, KEY_BYSTANDER, IPC_CREAT | 0600);
	if (s->bystander == -1 || msg_send(s, s->bystander, 'b', 0) == -1)
		stage_tell(s, "set-up: the bystander");
	make_target(s);
	atomic_store(&s->ready, 1);
	harness_wake(&s->ready);
	harness_wait(&s->leave, 0, 2 * PATIENCE);
	_exit(0);
}

/* ---- the others ---- */

static void
sleep_as(struct stage *s, unsigned i)
{
	msg_write_letters();
	s->post.slept[i].error = msg_perform(s, &s->scene->queues->sleeper[i],
	    &s->post.slept[i].got);
	atomic_store(&s->post.slept[i].back, 1);
	harness_wake(&s->post.slept[i].back);
	for (;;)
		pause();
}

static void
be_first_sleeper(struct stage *s)
{
	sleep_as(s, 0);
}

static void
be_second_sleeper(struct stage *s)
{
	sleep_as(s, 1);
}

static void
be_helper(struct stage *s)
{
	const struct msg_scene *scene = s->scene->queues;
	_Atomic uint32_t never = 0;
	struct msqid_ds ds;
	char got;
	int victim;

	msg_write_letters();
	/* No first call later. */
	msg_ctl(s, s->bystander, IPC_STAT, &ds);
	harness_wait((_Atomic uint32_t *)&s->post.victim, 0, PATIENCE);
	victim = atomic_load(&s->post.victim);
	while (!process_sleeps(victim)) {
		if (!process_lives(victim))
			return;
		harness_wait(&never, 0, 0.0002);
	}
	if (scene->help_by_kill)
		kill(victim, SIGKILL);
	else if (msg_perform(s, &scene->help, &got) != 0)
		stage_tell(s, "the helper");
	atomic_store(&s->post.helped, 1);
}

/* ---- from the stage ---- */

static void
await_sleep(struct stage *s, pid_t pid)
{
	const double end = harness_now() + PATIENCE;
	_Atomic uint32_t never = 0;

	while (!process_sleeps(pid)) {
		if (atomic_load(&s->told) || harness_now() > end)
			stage_fail("set-up");
		harness_wait(&never, 0, 0.0002);
	}
}

void
msg_gather(struct stage *s)
{
	static void (*const body[SLEEPERS])(struct stage *) = {
		be_first_sleeper, be_second_sleeper
	};
	const struct msg_scene *scene = s->scene->queues;

	for (unsigned i = 0; i < SLEEPERS &&
	    scene->sleeper[i].what != NO_CALL; i++) {
		s->post.sleeper[i] = stage_start(s, body[i]);
		await_sleep(s, s->post.sleeper[i]);
	}
	if (scene->help.what != NO_CALL || scene->help_by_kill)
		s->post.helper = stage_start(s, be_helper);
}

unsigned
msg_back(const struct stage *s)
{
	unsigned back = 0;

	for (unsigned i = 0; i < SLEEPERS; i++)
		back |= atomic_load(&s->post.slept[i].back) << i;
	return back;
}

void
msg_await(struct stage *s)
{
	const double begin = harness_now();
	const double end = begin + (s->patient ? SOON : AT_ONCE);
	const struct msg_end *e = s->scene->queues->end;
	_Atomic uint32_t never = 0;
	unsigned most = 0;

	if (s->post.helper != 0)
		stage_end(s->post.helper, "the helper");
	for (unsigned i = 0; i < MSG_ENDS && e[i].is; i++)
		most |= e[i].back;
	while (msg_back(s) != most && harness_now() < end)
		harness_wait(&never, 0, 0.0002);
	s->post.early = msg_back(s);
	s->post.late = harness_now() > begin + LATE;
}

void
msg_dismiss(struct stage *s)
{
	for (unsigned i = 0; i < SLEEPERS; i++)
		if (s->post.sleeper[i] != 0) {
			kill(s->post.sleeper[i], SIGKILL);
			waitpid(s->post.sleeper[i], NULL, 0);
		}
}
