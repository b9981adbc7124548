/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard.c - run a program on a private namespace, and remove that when the
 * program and all it started are gone, whoever else is killed.
 *
 *	runner		mipcrun itself: passes signals on to the program,
 *	  |		stops when it stops and ends as it ends
 *	guardian	makes the namespace, and removes it; in a session of
 *	  |		its own, with no descriptor of the program's
 *	program		in the runner's process group and session, with its
 *			descriptors, signal mask and dispositions
 *
 * Guardian and runner are both subreapers.  Orphans of the program become the
 * guardian's children, so it knows when the last is gone; processes that
 * escaped even that are known by their lives in the namespace.  Is the
 * guardian killed, all become children of the runner, which goes on in its
 * place; until it has a life there, a lock of its own on the directory keeps
 * sweeps away.  Is the runner killed, nothing changes but that nobody waits.
 * Are both, the next mipcrun sweeps up.
 *
 * Only a process's parent may signal it by number: nobody else can be sure
 * that the number is not another's by now.  So the runner leaves signals on
 * the board, and the guardian sends them.
 */
#include "mipcrun.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NO_STATUS = -1,
	LOOKS = 20,
	LOOK_MS = 2,
	PARENT_MS = 10
};

/* What runner, guardian and (until it executes) program share. */
struct board {
	_Atomic pid_t program;	/* guardian or program; 0: not yet */
	_Atomic int status;	/* its parent: how it ended, as waitpid() */
	_Atomic bool stopped;	/* its parent: it is stopped now */
	_Atomic bool left;	/* guardian: do not wait for me */
	_Atomic bool made;	/* guardian: the directory is there */
	_Atomic bool held;	/* runner: it holds that, as far as it can */
	_Atomic uint64_t signals; /* runner: to be sent; bit n - 1 is n */
	char dir[PATH_MAX];	/* guardian, before `made` */
};

struct runner {
	struct board *board;
	sigset_t mask;		/* as mipcrun was started */
	void (*on_child)(int);	/* SIGCHLD's disposition then */
	pid_t guardian;		/* 0: killed; the runner is in its place */
	int signals;		/* signalfd for all signals */
	int to_runner, to_guardian; /* eventfds: look at the board */
};

static void
poke(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) == -1)
		return;			/* it is full: they will look */
}

static void
drain(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) == -1)
		return;
}

/* The wait status of what waitid() found. */
static int
wait_status(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

static void
note(struct board *board, const siginfo_t *info)
{
	if (info->si_pid != atomic_load(&board->program))
		return;
	switch (info->si_code) {
	case CLD_STOPPED:
		atomic_store(&board->stopped, true);
		break;
	case CLD_CONTINUED:
		atomic_store(&board->stopped, false);
		break;
	case CLD_EXITED:
	case CLD_KILLED:
	case CLD_DUMPED:
		atomic_store(&board->stopped, false);
		atomic_store(&board->status, wait_status(info));
		break;
	}
}

/*
 * Take notice of all that happened to children; true if some are left.
 * An end is on the board before its process is reaped: if we are killed in
 * between, whoever is next finds one or the other.
 */
static bool
reap(struct board *board)
{
	const int events = WEXITED | WSTOPPED | WCONTINUED | WNOHANG;
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, events | WNOWAIT) == -1)
			return false;
		if (info.si_pid == 0)
			return true;
		note(board, &info);
		if (waitid(P_PID, (id_t)info.si_pid, &info, events) == 0 &&
		    info.si_pid != 0)
			note(board, &info);
	}
}

static bool
has_ended(struct board *board)
{
	return atomic_load(&board->status) != NO_STATUS;
}

/* By the parent of the program only. */
static void
send_signals(struct board *board)
{
	uint64_t set = atomic_exchange(&board->signals, 0);

	for (int i = 0; i < 64; i++)
		if ((set >> i & 1) != 0 && !has_ended(board))
			kill(atomic_load(&board->program), i + 1);
}

/* In the program's process. */
static _Noreturn void
become_program(const struct run *run, const struct runner *runner)
{
	atomic_store(&runner->board->program, getpid());
	signal(SIGCHLD, runner->on_child);
	sigprocmask(SIG_SETMASK, &runner->mask, NULL);
	_exit(execute(run, runner->board->dir));
}

/*
 * Close what mipcrun was started with: all that does not close on exec.
 * The program's peers see an end of file when the program ends.
 */
static void
close_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= STDERR_FILENO && null != -1; fd++)
		dup2(null, fd);
	for (struct dirent *entry; dir != NULL &&
	    (entry = readdir(dir)) != NULL;) {
		int fd = atoi(entry->d_name);
		int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

		if (flags != -1 && (flags & FD_CLOEXEC) == 0)
			close(fd);
	}
	if (dir != NULL)
		closedir(dir);
	if (null > STDERR_FILENO)
		close(null);
}

static void
detach(void)
{
	setsid();
	prctl(PR_SET_NAME, "mipcrun-guard");
	close_inherited();
	if (chdir("/") == -1)
		return;			/* some filesystem stays busy */
}

/*
 * Remove the namespace; false if it is in use.  Somebody who only looks, as
 * another mipcrun's sweep does, is gone in a moment.
 */
static bool
remove_soon(const char *dir)
{
	for (int i = 0; i < LOOKS; i++) {
		if (mipc_destroy(dir) == 0 || errno != EBUSY)
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

/* Wait for the last life to end, remove the namespace; an exit status. */
static int
clean_up(struct mipc_ns *ns, const char *dir)
{
	while (mipc_destroy(dir) == -1) {
		if (errno != EBUSY)
			return EXIT_FAILED;
		if (mipc_await_unused(ns) == -1 && errno != EINTR)
			return EXIT_FAILED;
	}
	return 0;
}

/*
 * Sleep until there is a signal for us or the other one pokes.  True if it
 * is a signal, copied to *info.
 */
static bool
await(struct runner *runner, int pokes, struct signalfd_siginfo *info)
{
	struct pollfd fds[] = {
		{ .fd = runner->signals, .events = POLLIN },
		{ .fd = pokes, .events = POLLIN },
	};

	if (poll(fds, 2, -1) == -1)
		return false;
	if (fds[1].revents != 0)
		drain(pokes);
	return fds[0].revents != 0 &&
	    read(runner->signals, info, sizeof(*info)) ==
	    (ssize_t)sizeof(*info);
}

/*
 * Wait until the program and all its orphans are gone.  What is sent to the
 * guardian itself is read and forgotten.
 */
static void
guard(struct runner *runner)
{
	struct board *board = runner->board;
	struct signalfd_siginfo info;
	bool stopped = false;

	while (reap(board)) {
		if (has_ended(board))
			atomic_store(&board->left, true);
		if (has_ended(board) ||
		    stopped != atomic_load(&board->stopped))
			poke(runner->to_runner);
		stopped = atomic_load(&board->stopped);
		await(runner, runner->to_guardian, &info);
		send_signals(board);
	}
}

/* Until the runner holds the directory, or is gone. */
static void
await_hold(struct runner *runner, pid_t parent)
{
	struct pollfd pokes = { .fd = runner->to_guardian, .events = POLLIN };

	atomic_store(&runner->board->made, true);
	poke(runner->to_runner);
	while (!atomic_load(&runner->board->held) && getppid() == parent)
		if (poll(&pokes, 1, PARENT_MS) == 1)
			drain(runner->to_guardian);
}

static _Noreturn void
be_guardian(const struct run *run, struct runner *runner, pid_t parent)
{
	struct board *board = runner->board;
	struct mipc_ns *ns;
	pid_t program;
	int error;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	private_sweep();
	ns = private_make(board->dir, sizeof(board->dir));
	if (ns == NULL)
		_exit(EXIT_FAILED);
	await_hold(runner, parent);
	error = limits_set(&run->limits, ns, EXIT_FAILED);
	if (error == -1) {
		error = 0;
		program = fork();
		if (program == 0)
			become_program(run, runner);
		if (program != -1) {
			atomic_store(&board->program, program);
			detach();
			guard(runner);
		} else {
			warn("fork");
			error = EXIT_FAILED;
		}
	}
	if (!remove_soon(board->dir)) {
		atomic_store(&board->left, true);
		poke(runner->to_runner);
		error = clean_up(ns, board->dir);
	}
	_exit(error);
}

/*
 * True if a signal that came to the runner is for the program.  What the
 * terminal sends to its foreground process group the program has received
 * too, and so has it what it sent to its own group itself.
 */
static bool
is_for_program(const struct runner *runner,
    const struct signalfd_siginfo *info)
{
	if (info->ssi_code == SI_KERNEL) {
		switch (info->ssi_signo) {
		case SIGHUP:
			return getsid(0) == getpid();
		case SIGCONT:
		case SIGINT:
		case SIGQUIT:
		case SIGTSTP:
		case SIGTTIN:
		case SIGTTOU:
		case SIGWINCH:
			return false;
		}
		return true;
	}
	return info->ssi_pid != (uint32_t)getpid() &&
	    info->ssi_pid != (uint32_t)atomic_load(&runner->board->program);
}

static void
forward(struct runner *runner, const struct signalfd_siginfo *info)
{
	struct board *board = runner->board;

	if (info->ssi_signo == SIGCHLD || !is_for_program(runner, info))
		return;
	atomic_fetch_or(&board->signals,
	    (uint64_t)1 << (info->ssi_signo - 1));
	if (runner->guardian != 0)
		poke(runner->to_guardian);
	else
		send_signals(board);
}

/* End as the program ended, without a core file of our own. */
static int
end_as(int status)
{
	const struct rlimit no_core = { 0, 0 };
	sigset_t set;
	int signal_number;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	signal_number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0);
	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	kill(getpid(), signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + signal_number;
}

/*
 * The guardian was killed: its children are ours.  False if the program had
 * not been started.
 */
static bool
take_over(struct runner *runner)
{
	struct board *board = runner->board;
	siginfo_t info;
	struct mipc_ns *ns;

	runner->guardian = 0;
	/* A program that exists says so before it does anything else. */
	while (atomic_load(&board->program) == 0) {
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1)
			return false;
		sched_yield();
	}
	ns = mipc_open(board->dir, MIPC_CREAT);
	if (ns == NULL || !private_live_in(ns))
		warnx("%s: %s", board->dir, mipc_reason());
	send_signals(board);
	return true;
}

/* In the guardian's place: remove the namespace, or leave somebody to. */
static void
finish(struct runner *runner)
{
	const char *dir = runner->board->dir;
	struct mipc_ns *ns;

	if (!reap(runner->board) && remove_soon(dir))
		return;
	if (fork() != 0)
		return;
	detach();
	ns = mipc_open(dir, 0);
	_exit(ns == NULL ? EXIT_FAILED : clean_up(ns, dir));
}

/* True, with our exit status, if the guardian is gone and we need not stay. */
static bool
guardian_ended(struct runner *runner, int *out)
{
	struct board *board = runner->board;
	int status;

	if (waitpid(runner->guardian, &status, WNOHANG) != runner->guardian)
		return false;
	if (WIFEXITED(status)) {
		*out = has_ended(board) ?
		    end_as(atomic_load(&board->status)) : WEXITSTATUS(status);
		return true;
	}
	if (take_over(runner))
		return false;
	warnx("the guardian was killed before it started the program");
	*out = EXIT_FAILED;
	return true;
}

/* The lock goes with this process, and with whom it leaves to clean up. */
static void
hold(struct runner *runner)
{
	struct board *board = runner->board;

	if (!atomic_load(&board->made) || atomic_load(&board->held))
		return;
	private_hold(board->dir);
	atomic_store(&board->held, true);
	poke(runner->to_guardian);
}

static int
watch(struct runner *runner)
{
	struct board *board = runner->board;
	struct signalfd_siginfo info;
	bool stopped = false;
	int status;

	for (;;) {
		hold(runner);
		if (runner->guardian != 0 && guardian_ended(runner, &status))
			return status;
		if (runner->guardian == 0)
			reap(board);
		if (runner->guardian == 0 && has_ended(board)) {
			finish(runner);
			break;
		}
		if (atomic_load(&board->left))
			break;
		if (!stopped && atomic_load(&board->stopped)) {
			stopped = true;
			kill(getpid(), SIGSTOP);
		}
		stopped = atomic_load(&board->stopped);
		if (await(runner, runner->to_runner, &info))
			forward(runner, &info);
	}
	return end_as(atomic_load(&board->status));
}

/*
 * Descriptors of ours must not take the numbers of standard ones that are
 * closed.  These are closed again when the program is executed.
 */
static bool
fill_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
			return false;
	return true;
}

static bool
prepare(struct runner *runner)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &runner->mask);
	runner->on_child = signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!fill_standard())
		return false;
	runner->board = mmap(NULL, sizeof(*runner->board),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (runner->board == MAP_FAILED)
		return false;
	atomic_store(&runner->board->status, NO_STATUS);
	runner->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	runner->to_runner = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	runner->to_guardian = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return runner->signals != -1 && runner->to_runner != -1 &&
	    runner->to_guardian != -1;
}

int
run_private(const struct run *run)
{
	const pid_t self = getpid();
	struct runner runner;

	if (!prepare(&runner)) {
		warnx("%s", strerror(errno));
		return EXIT_FAILED;
	}
	runner.guardian = fork();
	if (runner.guardian == 0)
		be_guardian(run, &runner, self);
	if (runner.guardian == -1) {
		warn("fork");
		return EXIT_FAILED;
	}
	return watch(&runner);
}
