/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_msg_scene.c - the operations on queues in which somebody is killed.
 *
 * A scene is mostly data: the messages at the start, who sleeps, what the
 * victim does, and each way in which it may come out.  The victim has called
 * into the namespace before, but not touched the target.
 */
#include "kill.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "commands.h"

#define ROOM		8192u
#define ENLARGED	400u	/* bytes that a queue gets by IPC_SET */

/* ---- before ---- */

/* The last thing before it is stepped. */
static void
nothing(struct stage *s)
{
	msg_write_letters();
	msg_limit(s->scene->queues->limit_ns);
	atomic_store(&s->post.victim, getpid());
	harness_wake((_Atomic uint32_t *)&s->post.victim);
}

static void
have_called(struct stage *s)
{
	const struct msg_call choose = { TAKE, 0, 1000, IPC_NOWAIT, 1 };

	if (msg_take(s, s->bystander, &choose) != 0 || errno != ENOMSG)
		stage_tell(s, "before: msgrcv");
	nothing(s);
}

/* ---- the operations ---- */

static void
perform(struct stage *s)
{
	char got;

	errno = msg_perform(s, &s->scene->queues->act, &got);
	if (errno != (s->scene->queues->expires ? EAGAIN : 0))
		stage_tell(s, "msgsnd or msgrcv");
}

static void
remove_target(struct stage *s)
{
	if (msg_ctl(s, s->target, IPC_RMID, NULL) == -1)
		stage_tell(s, "IPC_RMID");
}

static void
enlarge(struct stage *s)
{
	struct msqid_ds ds = { .msg_qbytes = ENLARGED };

	ds.msg_perm.uid = geteuid();
	ds.msg_perm.gid = getegid();
	ds.msg_perm.mode = 0600;
	if (msg_ctl(s, s->target, IPC_SET, &ds) == -1)
		stage_tell(s, "IPC_SET");
}

static void
create(struct stage *s)
{
	if (msg_get(s, KEY_NEW, IPC_CREAT | IPC_EXCL | NEW_MODE) == -1)
		stage_tell(s, "msgget of a new key");
}

/* Everything that may meet what somebody left; nothing of it stays. */
static void
look_after(struct stage *s)
{
	const struct msg_call choose = { TAKE, 0, 1000, IPC_NOWAIT, ROOM };
	const struct msg_call look = { COPY, 0, 0, 0, ROOM };
	struct msqid_ds ds;
	char got;
	int id;

	msg_get(s, KEY_TARGET, 0);
	msg_ctl(s, s->target, IPC_STAT, &ds);
	msg_perform(s, &look, &got);
	msg_perform(s, &choose, &got);
	id = msg_get(s, IPC_PRIVATE, 0600);
	if (id == -1 || msg_send(s, id, 'a', IPC_NOWAIT) == -1 ||
	    msg_ctl(s, id, IPC_RMID, NULL) == -1)
		stage_tell(s, "create and remove after a kill");
}

/* ---- scenes ---- */

#define SCENE static const struct msg_scene
#define END(...)	{ __VA_ARGS__, .is = true }
#define SENDS(m)	{ SEND, .mark = (m) }
#define TAKES(t)	{ TAKE, .type = (t), .room = ROOM }
#define TAKES_BUT(t)							\
	{ TAKE, .type = (t), .flags = MSG_EXCEPT, .room = ROOM }
#define TAKES_SHORT(t)	{ TAKE, .type = (t), .room = 10 }

SCENE empty = {
	.act = SENDS('v'),
	.end = { END(.left = ""), END(.left = "v") }
};
SCENE behind = {
	.start = "ab", .act = SENDS('v'),
	.end = { END(.left = "ab"), END(.left = "abv") }
};
SCENE large = {
	.act = SENDS('V'),
	.end = { END(.left = ""), END(.left = "V") }
};
SCENE full = {
	.qbytes = 60, .start = "a",
	.act = SENDS('v'), .help = TAKES(0),
	.end = {
		END(.left = "a", .when = UNLESS_HELPED),
		END(.left = "", .when = IF_HELPED),
		END(.left = "v", .when = IF_HELPED),
	}
};
SCENE full_killed = {
	.qbytes = 60, .start = "a",
	.act = SENDS('v'), .help_by_kill = true,
	.end = { END(.left = "a") }
};
SCENE hands = {
	.sleeper = { TAKES(0) }, .act = SENDS('v'),
	.end = {
		END(.left = ""),
		END(.left = "", .back = 1, .got = { 'v' }),
	}
};
SCENE hands_large = {
	.sleeper = { TAKES(0) }, .act = SENDS('V'),
	.end = {
		END(.left = ""),
		END(.left = "", .back = 1, .got = { 'V' }),
	}
};
SCENE hands_second = {
	.sleeper = { TAKES(9), TAKES(2) }, .act = SENDS('v'),
	.end = {
		END(.left = ""),
		END(.left = "", .back = 2, .got = { 0, 'v' }),
	}
};
SCENE too_long = {
	.sleeper = { TAKES_SHORT(0), TAKES(0) }, .act = SENDS('v'),
	.end = {
		END(.left = ""),
		END(.left = "", .back = 3, .got = { 0, 'v' },
		    .error = { E2BIG }),
	}
};
SCENE too_long_alone = {
	.sleeper = { TAKES_SHORT(0) }, .act = SENDS('v'),
	.end = {
		END(.left = ""),
		END(.left = "v", .back = 1, .error = { E2BIG }),
	}
};
SCENE unwanted = {
	.sleeper = { TAKES(9), TAKES_BUT(2) }, .act = SENDS('v'),
	.end = { END(.left = ""), END(.left = "v") }
};
SCENE any = {
	.start = "abc", .act = TAKES(0),
	.end = { END(.left = "abc"), END(.left = "bc") }
};
SCENE any_indexed = {
	.start = "abc", .indexed = true, .act = TAKES(0),
	.end = { END(.left = "abc"), END(.left = "bc") }
};
SCENE equal = {
	.start = "abc", .act = TAKES(2),
	.end = { END(.left = "abc"), END(.left = "ac") }
};
SCENE equal_indexed = {
	.start = "abcb", .indexed = true, .act = TAKES(2),
	.end = { END(.left = "abcb"), END(.left = "acb") }
};
SCENE except = {
	.start = "abc", .act = TAKES_BUT(1),
	.end = { END(.left = "abc"), END(.left = "ac") }
};
SCENE except_indexed = {
	.start = "aabc", .indexed = true, .act = TAKES_BUT(1),
	.end = { END(.left = "aabc"), END(.left = "aac") }
};
SCENE up_to = {
	.start = "cba", .act = TAKES(-2),
	.end = { END(.left = "cba"), END(.left = "cb") }
};
SCENE up_to_indexed = {
	.start = "cba", .indexed = true, .act = TAKES(-2),
	.end = { END(.left = "cba"), END(.left = "cb") }
};
SCENE take_large = {
	.start = "L", .act = TAKES(0),
	.end = { END(.left = "L"), END(.left = "") }
};
SCENE frees = {
	.qbytes = 60, .start = "a",
	.sleeper = { SENDS('b') }, .act = TAKES(0),
	.end = { END(.left = "a"), END(.left = "b", .back = 1) }
};
SCENE frees_two = {
	.qbytes = 8200, .start = "L",
	.sleeper = { SENDS('b'), SENDS('c') }, .act = TAKES(0),
	.end = { END(.left = "L"), END(.left = "bc", .back = 3) }
};
SCENE waits = {
	.act = TAKES(0), .help = SENDS('b'),
	.end = {
		END(.left = "", .when = UNLESS_HELPED),
		END(.left = "b", .when = IF_HELPED),
		END(.left = "", .when = IF_HELPED),
	}
};
SCENE waits_among = {
	.start = "ac", .sleeper = { TAKES(9) },
	.act = TAKES(2), .help = SENDS('b'),
	.end = {
		END(.left = "ac", .when = UNLESS_HELPED),
		END(.left = "acb", .when = IF_HELPED),
		END(.left = "ac", .when = IF_HELPED),
	}
};
SCENE waits_killed = {
	.act = TAKES(0), .help_by_kill = true,
	.end = { END(.left = "") }
};
#define EXPIRES		.limit_ns = 1, .expires = true
#define LASTS		.limit_ns = 100 * 1000000000ll
SCENE send_expires = {
	.qbytes = 60, .start = "a", .sleeper = { SENDS('b') },
	.act = SENDS('V'), EXPIRES,
	.end = { END(.left = "a") }
};
SCENE send_lasts = {
	.qbytes = 60, .start = "a",
	.act = SENDS('v'), LASTS, .help = TAKES(0),
	.end = {
		END(.left = "a", .when = UNLESS_HELPED),
		END(.left = "", .when = IF_HELPED),
		END(.left = "v", .when = IF_HELPED),
	}
};
SCENE send_lasts_killed = {
	.qbytes = 60, .start = "a",
	.act = SENDS('v'), LASTS, .help_by_kill = true,
	.end = { END(.left = "a") }
};
SCENE take_expires = {
	.start = "ac", .sleeper = { TAKES(9) }, .act = TAKES(2), EXPIRES,
	.end = { END(.left = "ac") }
};
SCENE take_lasts = {
	.start = "ac", .sleeper = { TAKES(9) },
	.act = TAKES(2), LASTS, .help = SENDS('b'),
	.end = {
		END(.left = "ac", .when = UNLESS_HELPED),
		END(.left = "acb", .when = IF_HELPED),
		END(.left = "ac", .when = IF_HELPED),
	}
};
SCENE take_lasts_killed = {
	.act = TAKES(0), LASTS, .help_by_kill = true,
	.end = { END(.left = "") }
};
SCENE copies = {
	.start = "abc", .act = { COPY, .type = 1, .room = ROOM },
	.end = { END(.left = "abc") }
};
SCENE removal = {
	.start = "abL", .indexed = true,
	.end = { END(.left = "abL"), END(.removed = true) }
};
SCENE removal_asleep = {
	.qbytes = 60, .start = "a",
	.sleeper = { SENDS('b'), TAKES(9) },
	.end = {
		END(.left = "a"),
		END(.removed = true, .back = 3, .error = { EIDRM, EIDRM }),
	}
};
SCENE enlarges = {
	.qbytes = 60, .start = "a", .sleeper = { SENDS('b') },
	.end = { END(.left = "a"), END(.left = "ab", .back = 1) }
};
SCENE creation = {
	.creates = true,
	.end = { END(.left = "") }
};
SCENE trims = {
	.start = "a", .pages = true, .act = TAKES(0),
	.end = { END(.left = "a"), END(.left = "") }
};
SCENE quiet = { 0 };	/* for whoever comes after a kill */

#define Q(flags, before, act, scene)					\
	(flags), before, act, NULL, &(scene)

const struct scene msg_scenes[] = {
	{ "msgsnd", Q(0, have_called, perform, empty) },
	{ "msgsnd behind others", Q(0, have_called, perform, behind) },
	{ "msgsnd of several pages", Q(0, have_called, perform, large) },
	{ "msgsnd blocked, then granted", Q(0, have_called, perform, full) },
	{ "msgsnd killed asleep", Q(ENDS, have_called, perform,
	    full_killed) },
	{ "msgsnd to a receiver", Q(0, have_called, perform, hands) },
	{ "msgsnd of several pages to a receiver", Q(0, have_called, perform,
	    hands_large) },
	{ "msgsnd to the second receiver", Q(0, have_called, perform,
	    hands_second) },
	{ "msgsnd, too long for the first", Q(0, have_called, perform,
	    too_long) },
	{ "msgsnd, too long", Q(0, have_called, perform, too_long_alone) },
	{ "msgsnd that nobody wants", Q(0, have_called, perform, unwanted) },
	{ "first msgsnd", Q(FIRST_CALL | STORES, nothing, perform, behind) },
	{ "msgrcv", Q(0, have_called, perform, any) },
	{ "msgrcv from the index", Q(0, have_called, perform, any_indexed) },
	{ "msgrcv of a type", Q(0, have_called, perform, equal) },
	{ "msgrcv of a type from the index", Q(0, have_called, perform,
	    equal_indexed) },
	{ "msgrcv but a type", Q(0, have_called, perform, except) },
	{ "msgrcv but a type from the index", Q(0, have_called, perform,
	    except_indexed) },
	{ "msgrcv up to a type", Q(0, have_called, perform, up_to) },
	{ "msgrcv up to a type from the index", Q(0, have_called, perform,
	    up_to_indexed) },
	{ "msgrcv of several pages", Q(0, have_called, perform,
	    take_large) },
	{ "msgrcv letting a sender go", Q(0, have_called, perform, frees) },
	{ "msgrcv letting two senders go", Q(0, have_called, perform,
	    frees_two) },
	{ "msgrcv blocked, then granted", Q(0, have_called, perform, waits) },
	{ "msgrcv blocked among others, then granted", Q(0, have_called,
	    perform, waits_among) },
	{ "msgrcv killed asleep", Q(ENDS, have_called, perform,
	    waits_killed) },
	{ "timed msgsnd that expires", Q(TIMED, have_called, perform,
	    send_expires) },
	{ "timed msgsnd, granted", Q(TIMED, have_called, perform,
	    send_lasts) },
	{ "timed msgsnd killed asleep", Q(TIMED | ENDS, have_called, perform,
	    send_lasts_killed) },
	{ "timed msgrcv that expires", Q(TIMED, have_called, perform,
	    take_expires) },
	{ "timed msgrcv, granted", Q(TIMED, have_called, perform,
	    take_lasts) },
	{ "timed msgrcv killed asleep", Q(TIMED | ENDS, have_called, perform,
	    take_lasts_killed) },
	{ "msgrcv, MSG_COPY", Q(0, have_called, perform, copies) },
	{ "msgrcv giving pages back", Q(STORES, have_called, perform,
	    trims) },
	{ "removal of a queue", Q(STORES, have_called, remove_target,
	    removal) },
	{ "removal of a queue with sleepers", Q(STORES, have_called,
	    remove_target, removal_asleep) },
	{ "IPC_SET of more bytes", Q(0, have_called, enlarge, enlarges) },
	{ "msgget with a key", Q(STORES, have_called, create, creation) },
};
const unsigned nmsg_scenes = sizeof(msg_scenes) / sizeof(msg_scenes[0]);

const struct scene msg_recovery = {
	"recovery", Q(FIRST_CALL, nothing, look_after, quiet)
};
