/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw_signals.c - libc's functions about signals in mipc-raw.so, so that
 * SIGSYS is never blocked and always handled by the module, and the program
 * finds its own handler, which is called for a signal that is not ours.
 *
 * A mask that the program asks for is applied without SIGSYS.  Masks that it
 * sets in other ways (its own system call instruction, setcontext(), a
 * handler's context) are not seen.
 */
#include "raw_signals.h"

#include "preload.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/*
 * What the program wants to be done at SIGSYS.  An action is written to a
 * place of its own before it is the current one; a place is used again when
 * so many others have followed.
 */
enum { PLACES = 8 };

static struct sigaction actions[PLACES];
static atomic_uint last;		/* the current one's number */
static atomic_bool is_active;

void
raw_signals_begin(void)
{
	atomic_store_explicit(&is_active, true, memory_order_relaxed);
}

static bool
active(void)
{
	return atomic_load_explicit(&is_active, memory_order_relaxed);
}

static struct sigaction
current_action(void)
{
	/* Pairs with the store in change_action(). */
	return actions[atomic_load_explicit(&last, memory_order_acquire) %
	    PLACES];
}

/* Two threads that change it at once: one of them was first. */
static void
change_action(const struct sigaction *action)
{
	unsigned n = atomic_load_explicit(&last, memory_order_relaxed) + 1;

	actions[n % PLACES] = *action;
	atomic_store_explicit(&last, n, memory_order_release);
}

/* A copy of a mask without SIGSYS; NULL stays NULL. */
static const sigset_t *
without(const sigset_t *mask, sigset_t *copy)
{
	if (mask == NULL || !active())
		return mask;
	*copy = *mask;
	sigdelset(copy, SIGSYS);
	return copy;
}

PRELOAD_NEXT(sigaction);
PRELOAD_NEXT(signal);
PRELOAD_NEXT(sigprocmask);
PRELOAD_NEXT(pthread_sigmask);
PRELOAD_NEXT(sigsuspend);
PRELOAD_NEXT(ppoll);
PRELOAD_NEXT(pselect);
PRELOAD_NEXT(epoll_pwait);

/* --- the program's own handler ----------------------------------------- */

static void
call_handler(const struct sigaction *action, int signal, siginfo_t *info,
    void *context)
{
	sigset_t mask = action->sa_mask;

	sigdelset(&mask, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	/* The mask comes back with the context. */
	if ((action->sa_flags & SA_SIGINFO) != 0)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
}

/* As the kernel: what a fault or a filter sends cannot be ignored. */
void
raw_forward(int signal, siginfo_t *info, void *context)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	struct sigaction action = current_action();

	if (action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL) {
		raw_end_by_signal();
		return;
	}
	if ((action.sa_flags & (int)SA_RESETHAND) != 0)
		change_action(&by_default);
	call_handler(&action, signal, info, context);
}

MIPC_PUBLIC int
sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	__typeof__(&sigaction) real = NEXT(sigaction);
	struct sigaction copy;

	if (real == NULL)
		return -1;
	if (signal == SIGSYS && active()) {
		copy = current_action();
		if (new != NULL)
			change_action(new);
		if (old != NULL)
			*old = copy;
		return 0;
	}
	if (new == NULL)
		return real(signal, NULL, old);
	copy = *new;
	without(&new->sa_mask, &copy.sa_mask);
	return real(signal, &copy, old);
}

MIPC_PUBLIC sighandler_t
signal(int number, sighandler_t handler)
{
	__typeof__(&signal) real = NEXT(signal);
	const struct sigaction new = { .sa_handler = handler,
	    .sa_flags = SA_RESTART };
	struct sigaction old;

	if (real == NULL)
		return SIG_ERR;
	if (number != SIGSYS || !active())
		return real(number, handler);
	sigaction(SIGSYS, &new, &old);
	return old.sa_handler;
}

/* --- masks ------------------------------------------------------------- */

MIPC_PUBLIC int
sigprocmask(int how, const sigset_t *new, sigset_t *old)
{
	__typeof__(&sigprocmask) real = NEXT(sigprocmask);
	sigset_t copy;

	return real == NULL ? -1 : real(how, without(new, &copy), old);
}

MIPC_PUBLIC int
pthread_sigmask(int how, const sigset_t *new, sigset_t *old)
{
	__typeof__(&pthread_sigmask) real = NEXT(pthread_sigmask);
	sigset_t copy;

	return real == NULL ? ENOSYS : real(how, without(new, &copy), old);
}

MIPC_PUBLIC int
sigsuspend(const sigset_t *mask)
{
	__typeof__(&sigsuspend) real = NEXT(sigsuspend);
	sigset_t copy;

	return real == NULL ? -1 : real(without(mask, &copy));
}

#define PPOLL(name, time)						\
	MIPC_PUBLIC int							\
	name(struct pollfd *fds, nfds_t n, const time *timeout,		\
	    const sigset_t *mask)					\
	{								\
		__typeof__(&name) real = NEXT(name);			\
		sigset_t copy;						\
									\
		return real == NULL ? -1 :				\
		    real(fds, n, timeout, without(mask, &copy));	\
	}

#define PSELECT(name, time)						\
	MIPC_PUBLIC int							\
	name(int n, fd_set *in, fd_set *out, fd_set *except,		\
	    const time *timeout, const sigset_t *mask)			\
	{								\
		__typeof__(&name) real = NEXT(name);			\
		sigset_t copy;						\
									\
		return real == NULL ? -1 : real(n, in, out, except,	\
		    timeout, without(mask, &copy));			\
	}

PPOLL(ppoll, struct timespec)
PSELECT(pselect, struct timespec)

#if defined(__TIMESIZE) && __TIMESIZE == 32 && !defined(__USE_TIME_BITS64)

/* What these are in a program whose times have 64 bits. */
struct timespec64;
int	__ppoll64(struct pollfd *, nfds_t, const struct timespec64 *,
	    const sigset_t *);
int	__pselect64(int, fd_set *, fd_set *, fd_set *,
	    const struct timespec64 *, const sigset_t *);
PRELOAD_NEXT(__ppoll64);
PRELOAD_NEXT(__pselect64);
PPOLL(__ppoll64, struct timespec64)
PSELECT(__pselect64, struct timespec64)

#endif

MIPC_PUBLIC int
epoll_pwait(int fd, struct epoll_event *events, int most, int timeout,
    const sigset_t *mask)
{
	__typeof__(&epoll_pwait) real = NEXT(epoll_pwait);
	sigset_t copy;

	return real == NULL ? -1 :
	    real(fd, events, most, timeout, without(mask, &copy));
}
