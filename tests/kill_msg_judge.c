/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_msg_judge.c - what a fresh process finds in queues after a kill.
 *
 * The first judge comes while the others still live: the messages are those
 * of one of the ways in which the scene may come out, each once and whole, and
 * the counts say the same; who could run has run before anybody came.  Then it
 * takes all, and lets those go on who still wait.  The second one comes when
 * all are gone: the queue is empty, has lost no page, works, and everything
 * can be removed.
 */
#include "kill.h"

#include <sys/msg.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

#define PATIENCE	25	/* seconds until a call counts as hung */
#define SOON		8.0	/* until the dead have let go of all */

#define must(s, cond, ...)						\
	do {								\
		if (!(cond))						\
			stage_tell((s), __VA_ARGS__);			\
	} while (0)

static const struct msg_call any = { TAKE, 0, 0, IPC_NOWAIT, 8192 };

/* What can be seen of the target. */
struct sight {
	bool removed;
	char left[MSG_MOST + 1];
	unsigned long number, bytes;
	unsigned back;
};

static void
count(struct sight *sight)
{
	for (const char *p = sight->left; *p != '\0'; p++) {
		sight->number++;
		sight->bytes += letter_of(*p)->size;
	}
}

static void
look(struct stage *s, struct sight *now)
{
	struct msg_call copy = { .what = COPY, .room = 8192 };
	struct msqid_ds ds;
	unsigned n = 0;

	memset(now, 0, sizeof(*now));
	for (; n < MSG_MOST; n++) {
		copy.type = n;
		now->left[n] = msg_take(s, s->target, &copy);
		if (now->left[n] == 0)
			break;
	}
	must(s, n < MSG_MOST, "messages without end");
	now->back = msg_back(s);
	if (msg_ctl(s, s->target, IPC_STAT, &ds) == -1) {
		must(s, errno == EINVAL || errno == EIDRM, "IPC_STAT");
		now->removed = true;
		return;
	}
	now->number = ds.msg_qnum;
	now->bytes = ds.__msg_cbytes;
}

static void
foresee(const struct msg_end *e, struct sight *want)
{
	memset(want, 0, sizeof(*want));
	want->removed = e->removed;
	want->back = e->back;
	if (e->removed)
		return;
	snprintf(want->left, sizeof(want->left), "%s", e->left);
	count(want);
}

static bool
may_be(const struct stage *s, const struct msg_end *e)
{
	const bool helped = atomic_load(&s->post.helped) != 0;

	return e->when == ALWAYS || (e->when == IF_HELPED) == helped;
}

static void
tell_sight(struct stage *s, const struct sight *now, const char *what)
{
	errno = 0;
	stage_tell(s, "%s: \"%s\" (%lu messages, %lu bytes), sleepers back "
	    "%#x%s%s", what, now->left, now->number, now->bytes, now->back,
	    now->removed ? ", removed" : "",
	    atomic_load(&s->post.helped) ? ", helped" : "");
}

/* How it has come out. */
static const struct msg_end *
find_end(struct stage *s, struct sight *now)
{
	const struct msg_end *e = s->scene->queues->end;
	struct sight want;

	look(s, now);
	for (unsigned i = 0; i < MSG_ENDS && e[i].is; i++) {
		foresee(&e[i], &want);
		if (may_be(s, &e[i]) && want.removed == now->removed &&
		    want.back == now->back && want.number == now->number &&
		    want.bytes == now->bytes &&
		    strcmp(want.left, now->left) == 0)
			return &e[i];
	}
	return NULL;
}

/* A dead one may be held back by who looks at it through /proc. */
static const struct msg_end *
await_end(struct stage *s)
{
	const double end = harness_now() + SOON;
	_Atomic uint32_t never = 0;
	const struct msg_end *e;
	struct sight now;

	while ((e = find_end(s, &now)) == NULL) {
		if (harness_now() > end)
			tell_sight(s, &now, "neither whole nor nothing");
		harness_wait(&never, 0, 0.002);
	}
	return e;
}

/* Whoever could run was back before we came and helped. */
static void
must_be_early(struct stage *s, const struct msg_end *e)
{
	s->post.slow = (e->back & ~s->post.early) != 0;
	errno = 0;
	must(s, !s->post.slow, "sleepers %#x could run, but %#x slept until "
	    "somebody came", e->back, e->back & ~s->post.early);
	must(s, !s->patient || !s->post.late || sets_sliced() ||
	    sets_heartbeats() == 0,
	    "sleepers slept until a heartbeat");
	for (unsigned i = 0; i < SLEEPERS; i++) {
		if ((e->back >> i & 1) == 0)
			continue;
		errno = s->post.slept[i].error;
		must(s, errno == e->error[i] &&
		    s->post.slept[i].got == e->got[i],
		    "sleeper %u received %d", i, s->post.slept[i].got);
	}
}

/* ---- it still works ---- */

/* Of a queue whose messages are these. */
static void
must_drain(struct stage *s, int id, const char *marks, const char *what)
{
	for (const char *p = marks; *p != '\0'; p++) {
		const char got = msg_take(s, id, &any);

		must(s, got == *p, "%s: received %d, not %d", what, got, *p);
	}
	must(s, msg_take(s, id, &any) == 0 && errno == ENOMSG,
	    "%s: the queue is not empty", what);
}

static void
must_work(struct stage *s, int id)
{
	const struct msg_call second = { TAKE, 0, 2, IPC_NOWAIT, 8192 };
	struct msqid_ds ds;

	for (const char *p = "abcb"; *p != '\0'; p++)
		must(s, msg_send(s, id, *p, IPC_NOWAIT) == 0, "msgsnd to %d",
		    id);
	must(s, msg_take(s, id, &second) == 'b', "msgrcv from %d", id);
	must_drain(s, id, "acb", "it works");
	must(s, msg_send(s, id, 'L', IPC_NOWAIT) == 0, "msgsnd of pages");
	must_drain(s, id, "L", "it works with pages");
	must(s, msg_ctl(s, id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 0 &&
	    ds.__msg_cbytes == 0, "%lu messages of %lu bytes in an empty "
	    "queue", (unsigned long)ds.msg_qnum, ds.__msg_cbytes);
}

/* What is small or not to be touched is given more room first. */
static void
enlarge(struct stage *s)
{
	struct msqid_ds ds;

	must(s, msg_ctl(s, s->target, IPC_STAT, &ds) == 0, "IPC_STAT");
	if (ds.msg_qbytes >= 16384)
		return;
	ds.msg_qbytes = 16384;
	must(s, msg_ctl(s, s->target, IPC_SET, &ds) == 0, "IPC_SET");
}

/* ---- what must follow ---- */

static void
await_back(struct stage *s, unsigned i, char want)
{
	const double end = harness_now() + SOON;

	while (atomic_load(&s->post.slept[i].back) == 0) {
		errno = 0;
		must(s, harness_now() < end, "sleeper %u is not served", i);
		harness_wait(&s->post.slept[i].back, 0, 0.1);
	}
	/* Or it had been served before, but was not back yet. */
	s->post.slow = s->post.slept[i].got != want;
	errno = s->post.slept[i].error;
	must(s, errno == 0 && s->post.slept[i].got == want,
	    "sleeper %u, served late, received %d", i,
	    s->post.slept[i].got);
}

/* A letter that one wants who waits. */
static char
wanted(const struct msg_call *call)
{
	return call->type == 9 ? '9' : (call->flags & MSG_EXCEPT) != 0 ? '3' :
	    call->type == 2 ? '2' : '1';
}

/* Take all; who waited to send has sent then.  Send what is waited for. */
static void
serve(struct stage *s, const struct msg_end *e)
{
	const struct msg_call *call = s->scene->queues->sleeper;
	char marks[MSG_MOST + 1];
	size_t n = strlen(e->left);

	memcpy(marks, e->left, n);
	for (unsigned i = 0; i < SLEEPERS; i++)
		if (call[i].what == SEND && (e->back >> i & 1) == 0)
			marks[n++] = call[i].mark;
	marks[n] = '\0';
	must_drain(s, s->target, marks, "all are taken");
	for (unsigned i = 0; i < SLEEPERS; i++) {
		if (call[i].what == NO_CALL || (e->back >> i & 1) != 0)
			continue;
		if (call[i].what == TAKE)
			must(s, msg_send(s, s->target, wanted(&call[i]),
			    IPC_NOWAIT) == 0, "msgsnd to who waits");
		await_back(s, i, call[i].what == TAKE ? wanted(&call[i]) : 0);
	}
}

/* ---- queues that are there ---- */

/* All by index; what is not known is removed by the last judge. */
static void
list(struct stage *s, bool clean)
{
	struct msginfo info;
	struct msqid_ds ds;
	int top = msg_ctl(s, 0, MSG_INFO, &info), n = 0;

	must(s, top != -1, "MSG_INFO");
	for (int i = 0; i <= top; i++) {
		const int id = msg_ctl(s, i, MSG_STAT, &ds);

		if (id == -1)
			continue;
		must(s, id == s->target || id == s->bystander || s->twice ||
		    (s->scene->queues->creates && ds.msg_qnum == 0),
		    "queue %d comes from nowhere", id);
		if (clean)
			must(s, msg_ctl(s, id, IPC_RMID, NULL) == 0,
			    "IPC_RMID");
		n++;
	}
	if (clean)
		n = 0;
	must(s, msg_ctl(s, 0, MSG_INFO, &info) != -1 && info.msgpool == n,
	    "%d queues listed, %d counted", n, info.msgpool);
}

/* Whole, or not there at all; and made where it is not. */
static void
judge_new(struct stage *s)
{
	int id = msg_get(s, KEY_NEW, 0);
	struct msqid_ds ds;

	if (id == -1) {
		must(s, errno == ENOENT, "msgget after the kill");
		id = msg_get(s, KEY_NEW, IPC_CREAT | NEW_MODE);
		must(s, id != -1, "msgget of a key that is free");
	} else {
		must(s, s->scene->queues->creates, "queue %d has a key that "
		    "nobody used", id);
	}
	must(s, msg_ctl(s, id, IPC_STAT, &ds) == 0, "IPC_STAT of the new one");
	must(s, (ds.msg_perm.mode & 0777) == NEW_MODE &&
	    ds.msg_perm.__key == KEY_NEW && ds.msg_qnum == 0 &&
	    ds.__msg_cbytes == 0 && ds.msg_stime == 0 && ds.msg_rtime == 0 &&
	    ds.msg_lspid == 0 && ds.msg_qbytes >= 16384,
	    "the new queue is not whole");
	must_work(s, id);
	must(s, msg_ctl(s, id, IPC_RMID, NULL) == 0, "IPC_RMID of a new one");
	must(s, msg_get(s, KEY_NEW, 0) == -1 && errno == ENOENT,
	    "the removed one's key is still there");
}

void
msg_judge_while_held(struct stage *s)
{
	const struct msg_end *e;

	alarm(PATIENCE);
	msg_write_letters();
	e = await_end(s);
	must_be_early(s, e);
	s->post.removed = e->removed;
	if (e->removed) {
		must(s, msg_get(s, KEY_TARGET, 0) == -1 && errno == ENOENT,
		    "the removed one's key is still there");
	} else {
		must(s, msg_get(s, KEY_TARGET, 0) == s->target,
		    "the key leads elsewhere");
		serve(s, e);
		enlarge(s);
		must_work(s, s->target);
	}
	list(s, false);
	must_drain(s, s->bystander, "b", "the bystander");
	judge_new(s);
	_exit(0);
}

void
msg_judge_when_alone(struct stage *s)
{
	alarm(PATIENCE);
	msg_write_letters();
	if (!s->post.removed) {
		must_work(s, s->target);
		if (!s->kernel)
			msg_must_have_all_room(s, s->target);
		must_work(s, s->target);
	}
	list(s, true);
	if (!s->anonymous && !s->kernel)
		judge_must_be_swept(s);
	_exit(0);
}
