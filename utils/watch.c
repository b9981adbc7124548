/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.c - what a command prints, again and again: in place on a terminal.
 *
 * Signals are blocked but while it waits, so each finds the terminal in order:
 * ^C and q end it, others end it as they would have, after the terminal is as
 * it was; a stop gives the terminal back until it goes on.  Any other key
 * looks again at once.
 */
#include "watch.h"
#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define OTHER_SCREEN	"\033[?1049h\033[?25l"	/* and no cursor */
#define OWN_SCREEN	"\033[m\033[?25h\033[?1049l"

static volatile sig_atomic_t came;	/* the signal; 0: none */

static void
on_signal(int number)
{
	came = number;
}

bool
watch_seconds(const char *text, double *seconds)
{
	char *end;

	if (*text < '.' || *text > '9')
		return false;
	*seconds = strtod(text, &end);
	return *end == '\0' && *seconds >= 0.1 && *seconds <= 86400;
}

/* --- the terminal ------------------------------------------------------ */

struct screen {
	struct termios was;
	int keys;		/* standard input is the terminal, too */
};

static int
begin(struct screen *s)
{
	struct termios t;

	s->keys = tcgetattr(STDIN_FILENO, &s->was) == 0;
	if (s->keys) {
		t = s->was;
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		t.c_cc[VMIN] = 0;
		t.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &t);
	}
	fputs(OTHER_SCREEN, stdout);
	return fflush(stdout);
}

static int
end(const struct screen *s)
{
	fputs(OWN_SCREEN, stdout);
	if (s->keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &s->was);
	return fflush(stdout);
}

static struct frame_size
size_now(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == -1 || w.ws_row == 0 ||
	    w.ws_col == 0)
		return (struct frame_size){ 24, 80 };
	return (struct frame_size){ w.ws_row, w.ws_col };
}

/* --- waiting ----------------------------------------------------------- */

static const int signals[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH
};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* Block them all but while waiting, where nobody chose to ignore them. */
static void
take_signals(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = on_signal }, old;
	sigset_t ours;

	sigemptyset(&ours);
	for (int i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &old);
		if (old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
		sigaddset(&ours, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &ours, waiting);
	for (int i = 0; i < SIGNALS; i++)
		sigdelset(waiting, signals[i]);
}

/* Die of it, or stop, as if it had not been taken. */
static void
suffer(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, old;
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	sigaction(number, &action, &old);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(number, &old, NULL);
}

enum event { TIME, KEY, QUIT, RESIZED, STOP, DEADLY };

static enum event
event_of(int number)
{
	switch (number) {
	case SIGINT:
		return QUIT;
	case SIGWINCH:
		return RESIZED;
	case SIGTSTP:
		return STOP;
	}
	return DEADLY;
}

/* For so long, a key or a signal. */
static enum event
await(double seconds, int keys, const sigset_t *waiting)
{
	const struct timespec time = { (time_t)seconds,
	    (long)((seconds - (double)(time_t)seconds) * 1e9) };
	struct pollfd fd = { keys ? STDIN_FILENO : -1, POLLIN, 0 };
	char key;
	int n;

	came = 0;
	n = ppoll(&fd, 1, &time, waiting);
	if (n == -1 && errno == EINTR && came != 0)
		return event_of(came);
	if (n <= 0)
		return TIME;
	if (read(STDIN_FILENO, &key, 1) != 1)
		return QUIT;		/* the terminal is gone */
	return key == 'q' || key == 'Q' ? QUIT : KEY;
}

/* --- looking ----------------------------------------------------------- */

static int
watch_plain(const struct watch *w)
{
	sigset_t waiting;
	enum event event;

	take_signals(&waiting);
	for (;;) {
		w->show(w->argument);
		if (fflush(stdout) == EOF || ferror(stdout))
			return -1;
		do
			event = await(w->seconds, 0, &waiting);
		while (event == RESIZED);
		if (event == QUIT)
			return 0;
		if (event == STOP || event == DEADLY)
			suffer(came);
		putchar('\n');
	}
}

static void
say_title(const struct watch *w, char *title, size_t size)
{
	const time_t now = time(NULL);
	struct tm tm;
	char date[32] = "";

	if (localtime_r(&now, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(title, size, "%s  %s  every %g s, q quits", date, w->title,
	    w->seconds);
}

/* Draw until the next look is due; what is to be done then. */
static enum event
show_frame(const struct watch *w, const struct screen *s,
    const struct frame *now, const struct frame *before,
    const sigset_t *waiting)
{
	char title[512];
	enum event event;

	say_title(w, title, sizeof(title));
	do {
		if (frame_draw(now, before, title, size_now()) == EOF)
			return QUIT;
		event = await(w->seconds, s->keys, waiting);
	} while (event == RESIZED);
	return event;
}

/* Give the terminal back for as long as it is stopped. */
static int
leave(struct screen *s)
{
	const int number = came;

	end(s);
	suffer(number);
	return begin(s);
}

int
watch(const struct watch *w)
{
	struct frame now, before = { .n = 0 };
	struct screen screen;
	sigset_t waiting;
	enum event event = TIME;
	bool first = true;
	int error = 0;

	if (w->plain || !isatty(STDOUT_FILENO))
		return watch_plain(w);
	take_signals(&waiting);
	if (begin(&screen) == EOF)
		return -1;
	while (event != QUIT && error == 0) {
		error = frame_take(&now, w->show, w->argument);
		if (error != 0)
			break;
		event = show_frame(w, &screen, &now, first ? NULL : &before,
		    &waiting);
		frame_free(&before);
		before = now;
		first = false;
		if (event == STOP || event == DEADLY)
			error = leave(&screen) == EOF ? -1 : 0;
	}
	frame_free(&before);
	if (end(&screen) == EOF)
		error = -1;
	return error;
}
