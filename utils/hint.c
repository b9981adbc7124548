/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hint.c - when it is worth looking into a namespace again.
 *
 * inotify(7) tells when files of the directory come and go, and when one is
 * opened or loses its last mapping: so objects that are made and removed,
 * attaches, detaches and deaths are seen within MOST_OFTEN.  It tells nothing
 * of stores to memory, with which a sleeper comes and goes; and a look opens
 * and closes files, too, so that during one only what comes and goes counts.
 * What is left is polling: each `seconds`, and never for more than a part in
 * SHARE of the time.
 */
#include "hint.h"
#include "elapsed.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_OFTEN	0.01	/* seconds between two looks, at least */
#define SHARE		10

/* What no look does. */
#define COMES_AND_GOES	(IN_CREATE | IN_DELETE | IN_MOVE)

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

void
hint_begin(struct hint *h, const char *dir, double seconds)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	sigset_t set;

	*h = (struct hint){ .seconds = seconds };
	h->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	h->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (h->fd != -1)
		inotify_add_watch(h->fd, dir, COMES_AND_GOES | IN_OPEN |
		    IN_CLOSE | IN_ONLYDIR);
	sigaction(SIGINT, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void
hint_looks(struct hint *h)
{
	elapsed_begin(&h->begun);
}

/* Forget what was told; has a file come or gone? */
static bool
drain(const struct hint *h)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} u;
	const struct inotify_event *e;
	bool files = false;
	ssize_t n;

	while (h->fd != -1 && (n = read(h->fd, &u, sizeof(u))) > 0)
		for (char *at = u.bytes; at < u.bytes + n;
		    at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(void *)at;
			files |= (e->mask & COMES_AND_GOES) != 0;
		}
	return files;
}

static bool
is_gone(const struct hint *h)
{
	struct stat st;

	return h->dir != -1 && fstat(h->dir, &st) == 0 && st.st_nlink == 0;
}

/* For so long, or until something is told if that is listened to. */
static enum hint_end
sleep_for(const struct hint *h, double seconds, int listen)
{
	const struct timespec time = { (time_t)seconds,
	    (long)((seconds - (double)(time_t)seconds) * 1e9) };
	struct pollfd fd[] = {
		{ STDOUT_FILENO, 0, 0 }, { listen ? h->fd : -1, POLLIN, 0 }
	};
	sigset_t waiting;

	sigprocmask(SIG_BLOCK, NULL, &waiting);
	sigdelset(&waiting, SIGINT);
	if (ppoll(fd, 2, &time, &waiting) > 0 && fd[0].revents != 0)
		return HINT_UNREAD;
	return interrupted ? HINT_INTERRUPTED : HINT_LOOK;
}

enum hint_end
hint_await(struct hint *h)
{
	const double took = elapsed(&h->begun);
	const double pause = SHARE * took > MOST_OFTEN ? SHARE * took :
	    MOST_OFTEN;
	const bool files = drain(h);
	enum hint_end end;

	if (is_gone(h))
		return HINT_GONE;
	end = sleep_for(h, pause, 0);
	if (end == HINT_LOOK && !files && pause < h->seconds)
		end = sleep_for(h, h->seconds - pause, 1);
	return end;
}

void
hint_end(struct hint *h)
{
	if (h->fd != -1)
		close(h->fd);
	if (h->dir != -1)
		close(h->dir);
}
